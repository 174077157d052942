// The field over the list of rooms: narrows rooms and people as one types, and offers people
// without a conversation.

import { fold, matches } from "./filters.js";
import { element, icon, url, viewer } from "./page.js";

const OFFERED_AFTER = 200;

export function connect(sidebar, list) {
  const box = sidebar.querySelector("#room-filter");
  const field = box.querySelector("input");
  const offers = element("ul", { class: "sidebar-list", role: "list" });
  const offered = element("section", {
    class: "sidebar-section",
    "aria-label": "More people",
    hidden: "",
  });
  const none = element("p", { class: "sidebar-none small faint", role: "status" });
  let timer = 0;
  let opened = [];
  offered.append(offers);
  list.append(offered, none);

  const narrow = () => {
    const wanted = fold(field.value.trim());
    let shown = 0;
    for (const row of list.querySelectorAll("li[data-name]")) {
      row.hidden = Boolean(wanted) && !matches(row.dataset.name, wanted);
      shown += row.hidden ? 0 : 1;
    }
    if (wanted && !opened.length) {
      opened = [...list.querySelectorAll("details:not([open])")];
      for (const details of opened) details.open = true;
    } else if (!wanted) {
      for (const details of opened) details.open = false;
      opened = [];
    }
    none.textContent = wanted && !shown && offered.hidden ? "Nothing is called that." : "";
    return shown;
  };

  const offer = async () => {
    const query = field.value.trim();
    if (!query) return;
    try {
      const path = `/users?${new URLSearchParams({ query })}`;
      const answer = await fetch(url(path), { headers: { Accept: "application/json" } });
      if (!answer.ok || field.value.trim() !== query) return;
      const people = (await answer.json()).filter(
        ({ id }) => !list.querySelector(`[data-people="${id}"]`) && id !== viewer.id,
      );
      offers.replaceChildren(...people.map(person));
      offered.hidden = !people.length;
      narrow();
    } catch {
      // Only what is here already is found.
    }
  };

  const person = ({ id, name, role, avatar_url }) => {
    const picture = element("img", {
      class: `avatar is-small${role === "bot" ? " is-bot" : ""}`,
      src: avatar_url,
      alt: "",
      width: 24,
      height: 24,
    });
    const link = element("a", {
      class: "sidebar-link",
      href: url(`/rooms/new?kind=direct&user_ids=${id}`),
      title: name,
    });
    const note = element("span", { class: "sidebar-note" }, icon("plus"));
    link.append(picture, element("span", { class: "truncate", dir: "auto" }, name), note);
    return element("li", {}, link);
  };

  const found = () =>
    [...list.querySelectorAll("a.sidebar-link")].filter((link) => link.checkVisibility());

  const clear = () => {
    field.value = "";
    changed();
  };

  const changed = () => {
    clearTimeout(timer);
    offered.hidden = true;
    narrow();
    if (field.value.trim()) timer = setTimeout(offer, OFFERED_AFTER);
  };

  box.hidden = false;
  field.addEventListener("input", changed);
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") {
      event.preventDefault();
      if (field.value.trim()) found()[0]?.click();
    } else if (event.key === "Escape" && field.value) {
      event.stopPropagation();
      clear();
    } else if (event.key === "ArrowDown" && !event.altKey) {
      event.preventDefault();
      found()[0]?.focus();
    }
  });
  list.addEventListener("keydown", (event) => {
    if (event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const links = found();
    const at = links.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    if (event.key === "ArrowUp" && at === 0) field.focus();
    else links[at + (event.key === "ArrowDown" ? 1 : -1)]?.focus();
  });
  return { narrow };
}
