// Whom a first message is for. The list to tick, which a page without scripts shows, stays behind
// a field that completes names; and the message makes the room, or goes to the one there is.

import * as drafts from "./drafts.js";
import { fold, matches } from "./filters.js";
import { flash } from "./flash.js";
import { element, icon, toSignIn, touch, url, viewer } from "./page.js";

const MOST_SUGGESTED = 20;
const DRAFT = "new";

export class Picker extends EventTarget {
  #people;
  #chosen = [];
  #suggested = [];
  #at = 0;
  #box = element("div", { class: "picker" });
  #options = element("ul", {
    class: "options menu is-inline",
    id: "who-list",
    role: "listbox",
    "aria-label": "People",
    hidden: "",
  });
  field = element("input", {
    id: "who",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    "aria-autocomplete": "list",
    "aria-controls": "who-list",
    "aria-expanded": "false",
    "aria-describedby": "who-help",
  });

  constructor(place) {
    super();
    const list = place.querySelector("fieldset");
    this.#people = [...list.querySelectorAll("[data-name]")].map((row) => ({
      name: row.dataset.name,
      picture: row.querySelector("img"),
      tick: row.querySelector("input"),
    }));
    this.#chosen = this.#people.filter(({ tick }) => tick.checked);
    const help = "One person or several. Backspace takes the last one out.";
    const field = element(
      "div",
      { class: "field" },
      element("label", { for: "who" }, "Who is it for?"),
      this.#box,
      element("p", { class: "field-help", id: "who-help" }, help),
    );
    list.hidden = true;
    list.before(field, this.#options);
    this.field.addEventListener("input", () => this.#suggest());
    this.field.addEventListener("focus", () => this.#suggest());
    this.field.addEventListener("blur", () => this.#close());
    this.field.addEventListener("keydown", (event) => this.#press(event));
    // Pressing an option must not take the focus out of the field.
    this.#options.addEventListener("mousedown", (event) => event.preventDefault());
    this.#options.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#choose(this.#suggested[[...this.#options.children].indexOf(option)]);
    });
    this.#draw();
  }

  get names() {
    return this.#chosen.map(({ name }) => name);
  }

  get ids() {
    return this.#chosen.map(({ tick }) => Number(tick.value));
  }

  #draw() {
    const pills = this.#chosen.map((person) => {
      const name = `Remove ${person.name}`;
      const remove = element("button", { type: "button", "aria-label": name });
      remove.append(icon("close", "is-small"));
      remove.addEventListener("click", () => this.#take(person));
      const picture = person.picture.cloneNode();
      picture.className += " is-small";
      return element("span", { class: "pill" }, picture, element("bdi", {}, person.name), remove);
    });
    this.#box.replaceChildren(...pills, this.field);
    this.dispatchEvent(new Event("changed"));
  }

  #choose(person) {
    if (!person) return;
    person.tick.checked = true;
    this.#chosen.push(person);
    this.field.value = "";
    this.#draw();
    this.field.focus();
    this.#suggest();
  }

  #take(person) {
    person.tick.checked = false;
    this.#chosen = this.#chosen.filter((other) => other !== person);
    this.#draw();
    this.field.focus();
  }

  #suggest() {
    const wanted = fold(this.field.value.trim());
    const rank = ({ name }) => (fold(name).startsWith(wanted) ? 0 : 1);
    this.#suggested = this.#people
      .filter((person) => !this.#chosen.includes(person) && matches(person.name, wanted))
      .sort((one, other) => rank(one) - rank(other))
      .slice(0, MOST_SUGGESTED);
    this.#at = 0;
    this.#options.replaceChildren(
      ...this.#suggested.map((person, index) => this.#option(person, index)),
    );
    this.#options.hidden = !this.#suggested.length;
    this.field.ariaExpanded = String(!this.#options.hidden);
    this.#mark();
  }

  #option({ name, picture }, index) {
    const small = picture.cloneNode();
    small.className += " is-small";
    const words = element("span", {}, element("bdi", {}, name));
    return element(
      "li",
      { class: "option", id: `who-${index}`, role: "option", "aria-selected": "false" },
      small,
      words,
    );
  }

  #mark() {
    for (const [index, option] of [...this.#options.children].entries()) {
      option.ariaSelected = String(index === this.#at);
      if (index === this.#at) option.scrollIntoView({ block: "nearest" });
    }
    if (this.#options.hidden) this.field.removeAttribute("aria-activedescendant");
    else this.field.setAttribute("aria-activedescendant", `who-${this.#at}`);
  }

  #close() {
    this.#options.hidden = true;
    this.field.ariaExpanded = "false";
    this.field.removeAttribute("aria-activedescendant");
  }

  #press(event) {
    const isOpen = !this.#options.hidden;
    const count = this.#suggested.length;
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      if (!isOpen) return this.#suggest();
      this.#at = (this.#at + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      this.#mark();
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (isOpen) this.#choose(this.#suggested[this.#at]);
    } else if (event.key === "Tab" && isOpen && this.field.value.trim()) {
      event.preventDefault();
      this.#choose(this.#suggested[this.#at]);
    } else if (event.key === "Backspace" && !this.field.value && this.#chosen.length) {
      this.#take(this.#chosen.at(-1));
    } else if (event.key === "Escape" && isOpen) {
      event.stopPropagation();
      this.#close();
    }
  }
}

const said = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" });

// The room of exactly these people, if the sidebar lists one.
function roomOf(ids) {
  const wanted = ids.length ? ids.toSorted((one, other) => one - other).join(" ") : `${viewer.id}`;
  return document.querySelector(`#sidebar [data-people="${wanted}"]`);
}

export function connect(place, form, closer) {
  const picker = new Picker(place);
  const text = form.elements.body;
  const note = document.getElementById("picker-note");

  const address = () => {
    const names = picker.names.length ? said.format(picker.names) : "yourself";
    text.placeholder = `Write to ${names}`;
    text.labels[0].textContent = `Message to ${names}`;
    const known = roomOf(picker.ids);
    if (known) {
      const link = element("a", { href: known.href }, "Open it");
      note.replaceChildren("There is a conversation among you already. ", link, ".");
    } else {
      note.textContent = picker.names.length
        ? "No room is made before the first message."
        : "No room is made before the first message. Without a name it is a note to yourself.";
    }
  };
  picker.addEventListener("changed", address);
  address();

  let isSending = false;
  const send = async () => {
    if (isSending || !text.value.trim()) return;
    isSending = true;
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(form)),
      });
      if (answer.status === 401) return toSignIn();
      const said = await answer.json();
      if (answer.ok) {
        drafts.keep(DRAFT, "");
        text.value = "";
        location.assign(url(`/rooms/${said.id}`));
        return;
      }
      flash(Object.values(said.errors ?? {})[0] ?? said.detail, { isAlert: true });
    } catch {
      flash("Not sent yet, the line is down. Your words are still here.", { isAlert: true });
    } finally {
      isSending = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
    const isMeant = event.ctrlKey || event.metaKey || !(event.shiftKey || touch.matches);
    if (!isMeant) return;
    event.preventDefault();
    form.requestSubmit();
  });
  if (!text.value) text.value = drafts.draft(DRAFT);
  text.addEventListener("input", () => drafts.keep(DRAFT, text.value));

  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !event.defaultPrevented) closer.click();
  });
  (picker.ids.length ? text : picker.field).focus();
}
