// Jumping: a few letters lead to a room, to somebody, or to what was said lately. Rooms are found
// on the page, people and messages are asked for once the typing rests.

import { fold, matches } from "./filters.js";
import { Options } from "./options.js";
import { element, icon, toSignIn, url, viewer } from "./page.js";

const ASKED_AFTER = 200;
const MOST_ROOMS = 8;
const MOST_PEOPLE = 5;
const MOST_MESSAGES = 5;
const SHORTEST = 2;

const words = (name, about) => {
  const said = element(
    "span",
    { class: "jump-words" },
    element("bdi", { class: "truncate" }, name),
  );
  if (about) said.append(element("small", { class: "truncate" }, about));
  return said;
};

function rooms(wanted) {
  const links = [...document.querySelectorAll("#room-list a[data-room-id]")];
  const rank = (link) => {
    if (wanted) return fold(link.title).startsWith(wanted) ? 0 : 1;
    return link.matches(".is-unread") ? 0 : 1;
  };
  return links
    .filter((link) => !wanted || matches(link.title, wanted))
    .sort((one, other) => rank(one) - rank(other))
    .slice(0, MOST_ROOMS)
    .map((link) => ({
      href: link.href,
      row: [
        (link.querySelector("img, svg") ?? icon("room")).cloneNode(true),
        words(link.title, Number(link.dataset.unread) ? `${link.dataset.unread} unread` : ""),
      ],
    }));
}

async function asked(path) {
  const answer = await fetch(url(path), { headers: { Accept: "application/json" } });
  if (answer.status === 401) toSignIn();
  return answer.ok ? answer.json() : [];
}

async function people(query) {
  const found = await asked(`/users?${new URLSearchParams({ query })}`);
  return found
    .filter(
      ({ id }) => id !== viewer.id && !document.querySelector(`#room-list [data-people="${id}"]`),
    )
    .slice(0, MOST_PEOPLE)
    .map(({ id, name, avatar_url }) => ({
      href: url(`/rooms/new?kind=direct&user_ids=${id}`),
      row: [
        element("img", { class: "avatar is-small", src: avatar_url, alt: "", width: 24 }),
        words(name, "Write to them"),
      ],
    }));
}

async function messages(query) {
  if (query.length < SHORTEST) return [];
  const found = await asked(`/searches?${new URLSearchParams({ q: query, limit: MOST_MESSAGES })}`);
  return found.map(({ message, room, snippet }) => ({
    href: message.url,
    row: [
      icon("reply"),
      words(
        new DOMParser().parseFromString(snippet, "text/html").body.textContent,
        `${message.creator.name} in ${room.name}`,
      ),
    ],
  }));
}

const everything = (query) => ({
  href: url(`/searches?${new URLSearchParams({ q: query })}`),
  row: [icon("search"), words(`Search all messages for “${query}”`)],
});

export function open() {
  if (document.querySelector("dialog.jumping")) return;
  const field = element("input", {
    class: "input",
    id: "jump-text",
    type: "search",
    placeholder: "A room, somebody, or words",
    "aria-label": "Jump to a room, somebody or a message",
    autocomplete: "off",
  });
  const options = new Options(field, "Where to", ({ href }) => location.assign(href));
  const dialog = element(
    "dialog",
    { class: "dialog is-wide jumping", "aria-label": "Jump" },
    element("div", { class: "search-field" }, icon("search"), field),
    options.list,
  );
  let timer = 0;

  const ask = async (query, here) => {
    const found = await Promise.all([people(query), messages(query)]).catch(() => []);
    if (field.value.trim() === query) options.show([...here, ...found.flat(), everything(query)]);
  };
  const look = () => {
    clearTimeout(timer);
    const query = field.value.trim();
    const here = rooms(fold(query));
    options.show(query ? [...here, everything(query)] : here);
    if (query) timer = setTimeout(ask, ASKED_AFTER, query, here);
  };
  field.addEventListener("input", look);
  // The list is what the dialog is about: they close together.
  field.addEventListener(
    "keydown",
    (event) => {
      if (event.key === "Escape") dialog.close();
    },
    { capture: true },
  );
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("close", () => {
    clearTimeout(timer);
    dialog.remove();
  });
  document.body.append(dialog);
  dialog.showModal();
  field.focus();
  look();
}
