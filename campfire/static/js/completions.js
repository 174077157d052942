// What is begun is completed: @ and the first letters of a name, : and those of an emoji, /play and
// those of a sound. The list stands above the box; the field keeps the focus, and the keys that move and take are taken from
// it for as long as the list is open.

import * as emoji from "./emoji.js";
import { isInCode, lineBefore, put } from "./fields.js";
import { fold } from "./filters.js";
import { element, room, url, viewer } from "./page.js";

const SOON = 120;
const MOST_EMOJI = 8;
const PERSON = /(?:^|[\s([{"'“‘«*_~>])@([\p{L}\p{M}\p{N}_'’-]*)$/u;
const EMOJI = /(?:^|[\s([{"'“‘«*_~>])(:([\p{L}\p{N}_+-]{2,}))$/u;
const SOUND = /^\/play ([a-z]*)$/;
const TITLES = { emoji: "Emoji", sound: "Sounds" };
const ENDS = new Set([",", ".", "!", "?", ";", ":", ")"]);
const EVERYONE = "everyone";

// What is being called for at the caret, if anything is.
function beginning(field) {
  if (field.selectionStart !== field.selectionEnd || isInCode(field)) return null;
  const line = lineBefore(field);
  const end = field.selectionStart;
  const person = line.match(PERSON);
  if (person) return { kind: "person", wanted: person[1], start: end - person[1].length - 1, end };
  const sound = end === field.value.length && field.value.match(SOUND);
  if (sound) return { kind: "sound", wanted: sound[1], start: end - sound[1].length, end };
  const smiley = line.match(EMOJI);
  if (smiley) return { kind: "emoji", wanted: smiley[2], start: end - smiley[1].length, end };
  return null;
}

// The letters that were typed stand out in the name, accents or not.
function marked(name, wanted) {
  const folded = fold(name);
  const at = folded.length === name.length ? folded.indexOf(fold(wanted)) : -1;
  if (!wanted || at < 0) return [name];
  const end = at + wanted.length;
  return [name.slice(0, at), element("b", {}, name.slice(at, end)), name.slice(end)];
}

async function people(wanted, signal) {
  const query = new URLSearchParams({ query: wanted, room_id: room.id });
  const answer = await fetch(url(`/users?${query}`), {
    signal,
    headers: { Accept: "application/json" },
  });
  if (!answer.ok) return [];
  const found = await answer.json();
  const names = found.map(({ name }) => fold(name));
  const choices = found.map((user) => {
    const isShared = names.filter((name) => name === fold(user.name)).length > 1;
    const attributes = { class: "avatar is-small", alt: "", width: 24, height: 24 };
    const picture = element("img", { ...attributes, src: user.avatar_url });
    if (user.role === "bot") picture.classList.add("is-bot");
    const shown = element("span", {}, element("bdi", {}, ...marked(user.name, wanted)));
    const bot = element("span", { class: "tag" }, "bot");
    const bio = element("span", { class: "faint push truncate" }, user.bio);
    return {
      text: isShared ? `<@${user.id}>` : `@${user.name}`,
      name: user.name,
      row: [picture, shown, ...(user.role === "bot" ? [bot] : []), ...(user.bio ? [bio] : [])],
    };
  });
  if (viewer.role === "administrator" && EVERYONE.startsWith(wanted.toLowerCase())) {
    const whom = element("span", { class: "faint push" }, "all in this room");
    const shown = element("span", {}, "@", ...marked(EVERYONE, wanted));
    choices.push({ text: `@${EVERYONE}`, name: EVERYONE, row: [shown, whom] });
  }
  return choices;
}

async function smileys(wanted) {
  return (await emoji.found(wanted, MOST_EMOJI)).map(({ emoji: drawn, names, annotation }) => {
    const name = names.find((each) => each.startsWith(wanted)) ?? names[0];
    const sign = element("span", { "aria-hidden": "true" }, drawn);
    const shown = element("span", {}, ":", ...marked(name, wanted), ":");
    return { text: drawn, name: annotation, row: [sign, shown] };
  });
}

// Every sound, from the page: it has few. One that is written out is not in the way of Enter.
function sounds(wanted, listed) {
  return listed
    .split(" ")
    .map((each) => each.split(":"))
    .filter(([name]) => name.startsWith(wanted) && name !== wanted)
    .map(([name, drawn]) => {
      const sign = element("span", { "aria-hidden": "true" }, drawn);
      return { text: name, name, row: [sign, element("span", {}, ...marked(name, wanted))] };
    });
}

export function connect(field, box, sounded) {
  const list = element("ul", {
    class: "menu options suggestions",
    id: "suggestions",
    role: "listbox",
  });
  const told = element("p", { class: "visually-hidden", role: "status" });
  box.append(told);
  let choices = [];
  let at = 0;
  let begun = null;
  let sought = null;
  let dismissed = -1;
  let timer = 0;
  let asking = new AbortController();

  const isOpen = () => list.isConnected;

  const close = () => {
    clearTimeout(timer);
    asking.abort();
    begun = sought = null;
    if (!isOpen()) return;
    list.remove();
    told.textContent = "";
    field.removeAttribute("aria-controls");
    field.removeAttribute("aria-activedescendant");
  };

  const mark = () => {
    for (const [index, option] of [...list.children].entries()) {
      option.ariaSelected = String(index === at);
      if (index === at) option.scrollIntoView({ block: "nearest" });
    }
    field.setAttribute("aria-activedescendant", `suggestion-${at}`);
    told.textContent = `${choices[at].name}, ${at + 1} of ${choices.length}`;
  };

  const show = () => {
    list.ariaLabel = TITLES[begun.kind] ?? `People in ${room.name}`;
    list.replaceChildren(
      ...choices.map(({ row }, index) =>
        element("li", { class: "option", role: "option", id: `suggestion-${index}` }, ...row),
      ),
    );
    if (!isOpen()) box.append(list);
    field.setAttribute("aria-controls", list.id);
    at = 0;
    mark();
  };

  const take = (suffix = " ") => {
    // A letter more may have been typed since the list was shown.
    const { start } = begun;
    const { end } = sought;
    const { text } = choices[at];
    if (begun.kind === "emoji") emoji.used(text);
    const rest = field.value[end];
    const space = begun.kind === "sound" ? "" : suffix;
    close();
    put(field, text + (rest === " " ? "" : space), start, end);
    if (rest === " " && space)
      field.setSelectionRange(start + text.length + 1, start + text.length + 1);
  };

  const ask = async (wanted) => {
    asking = new AbortController();
    const { signal } = asking;
    try {
      const { kind, wanted: letters } = wanted;
      let found;
      if (kind === "person") found = await people(letters, signal);
      else if (kind === "sound") found = sounds(letters, sounded);
      else found = await smileys(letters.toLowerCase());
      if (signal.aborted) return;
      if (!found.length) return close();
      choices = found;
      begun = wanted;
      show();
    } catch {
      // Without a line nothing can be suggested, and writing goes on.
      if (!signal.aborted) close();
    }
  };

  const look = () => {
    const wanted = beginning(field);
    clearTimeout(timer);
    asking.abort();
    if (!wanted) {
      dismissed = -1;
      close();
    } else if (wanted.start !== dismissed) {
      sought = wanted;
      timer = setTimeout(ask, SOON, wanted);
    }
  };

  field.addEventListener("input", (event) => {
    // Code that fills the field, and an input method at work, begin nothing.
    if (event.isTrusted && !event.isComposing) look();
    else close();
  });
  field.addEventListener("compositionend", look);
  field.addEventListener("blur", close);
  document.addEventListener("selectionchange", function moved() {
    if (!field.isConnected) document.removeEventListener("selectionchange", moved);
    else if (sought && field.selectionStart !== sought.end) close();
  });
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    at = [...list.children].indexOf(option);
    take();
  });

  // Before anything else that listens: here Enter takes, and does not send.
  field.addEventListener(
    "keydown",
    (event) => {
      if (!isOpen() || event.isComposing || event.keyCode === 229) return;
      const { key } = event;
      const hasKeys = event.ctrlKey || event.metaKey || event.altKey;
      const isPerson = begun.kind === "person" && begun.wanted;
      if (hasKeys) return;
      if (key === "ArrowDown" || key === "ArrowUp") {
        at = (at + (key === "ArrowDown" ? 1 : choices.length - 1)) % choices.length;
        mark();
      } else if (key === "Escape") {
        dismissed = begun.start;
        close();
      } else if (
        ((key === "Enter" || key === "Tab") && !event.shiftKey) ||
        (key === " " && isPerson)
      ) {
        take();
      } else if (ENDS.has(key) && isPerson) {
        // The sign follows the name by itself.
        take("");
        return;
      } else return;
      event.preventDefault();
      event.stopImmediatePropagation();
    },
    { capture: true },
  );
  return { look };
}
