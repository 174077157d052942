// A list of choices under a field: arrows mark one, Enter and a press take it, Escape closes it.
// The focus stays in the field, as a combobox wants it.

import { element } from "./page.js";

export class Options {
  #field;
  #take;
  #choices = [];
  #at = -1;

  constructor(field, label, take) {
    this.#field = field;
    this.#take = take;
    this.list = element("ul", {
      class: "options menu is-inline",
      id: `${field.id}-options`,
      role: "listbox",
      "aria-label": label,
      hidden: "",
    });
    for (const [name, value] of [
      ["role", "combobox"],
      ["aria-autocomplete", "list"],
      ["aria-controls", this.list.id],
      ["aria-expanded", "false"],
    ]) {
      field.setAttribute(name, value);
    }
    field.addEventListener("keydown", (event) => this.#press(event));
    // Pressing an option must not take the focus out of the field.
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) this.#take(this.#choices[[...this.list.children].indexOf(option)]);
    });
  }

  get isOpen() {
    return !this.list.hidden;
  }

  // Each choice brings the nodes of its row; `at` is the one that Enter takes at once, if any.
  show(choices, at = 0) {
    this.#choices = choices;
    this.#at = Math.min(at, choices.length - 1);
    const options = choices.map(({ row }, index) =>
      element("li", { class: "option", id: `${this.list.id}-${index}`, role: "option" }, ...row),
    );
    this.list.replaceChildren(...options);
    this.list.hidden = !choices.length;
    this.#field.ariaExpanded = String(this.isOpen);
    this.#mark();
  }

  close() {
    this.show([]);
  }

  #mark() {
    for (const [index, option] of [...this.list.children].entries()) {
      option.ariaSelected = String(index === this.#at);
      if (index === this.#at) option.scrollIntoView({ block: "nearest" });
    }
    if (this.#at < 0) this.#field.removeAttribute("aria-activedescendant");
    else this.#field.setAttribute("aria-activedescendant", `${this.list.id}-${this.#at}`);
  }

  #press(event) {
    if (!this.isOpen || event.isComposing || event.altKey) return;
    const count = this.#choices.length;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      const from = this.#at < 0 && event.key === "ArrowUp" ? count : this.#at;
      this.#at = (from + (event.key === "ArrowDown" ? 1 : count - 1)) % count;
      this.#mark();
    } else if (event.key === "Enter" && this.#at >= 0) this.#take(this.#choices[this.#at]);
    else if (event.key === "Escape") {
      event.stopPropagation();
      this.close();
    } else return;
    event.preventDefault();
  }
}
