// All emoji in a box above the button that opened it: a field to find one, and a grid to walk in
// with the arrows. One is picked at a time; the box stays open for as long as Shift is held.

import * as emoji from "./emoji.js";
import { element, icon } from "./page.js";

const MOST_FOUND = 90;
const GROUPS = [
  [0, "Smileys"],
  [1, "People"],
  [3, "Animals and nature"],
  [4, "Food and drink"],
  [5, "Travel and places"],
  [6, "Activities"],
  [7, "Things"],
  [8, "Signs"],
  [9, "Flags"],
];

function cell({ emoji: drawn, annotation, names }) {
  return element(
    "button",
    {
      class: "palette-emoji",
      type: "button",
      tabindex: -1,
      "data-emoji": drawn,
      "aria-label": annotation,
      title: `:${names[0]}:`,
    },
    drawn,
  );
}

function group(name, members) {
  const grid = element("div", { class: "palette-grid" }, ...members.map(cell));
  return element("div", { role: "group", "aria-label": name }, element("h3", {}, name), grid);
}

// Cells stand in rows of one height; the nearest of the next row is where one goes.
function beside(cells, at, key) {
  if (key === "ArrowRight") return at + 1;
  if (key === "ArrowLeft") return at - 1;
  const step = key === "ArrowDown" ? 1 : -1;
  const { offsetLeft: left, offsetTop: top } = cells[at];
  let next = at + step;
  while (cells[next]?.offsetTop === top) next += step;
  if (!cells[next]) return at;
  const row = cells[next].offsetTop;
  let best = next;
  for (; cells[next]?.offsetTop === row; next += step) {
    const nearer = Math.abs(cells[next].offsetLeft - left);
    if (nearer < Math.abs(cells[best].offsetLeft - left)) best = next;
  }
  return best;
}

export function open(place, opener, pick) {
  const field = element("input", {
    class: "input",
    type: "search",
    placeholder: "Find an emoji",
    "aria-label": "Find an emoji",
    autocomplete: "off",
    "aria-controls": "palette-emoji",
  });
  const shelf = element("div", { class: "palette-shelf", id: "palette-emoji" });
  const told = element("p", { class: "visually-hidden", role: "status" });
  const closer = element(
    "button",
    { class: "button is-quiet is-icon is-small", type: "button", "aria-label": "Close" },
    icon("close"),
  );
  const head = element("div", { class: "palette-head" }, field, closer);
  const box = element(
    "div",
    { class: "menu palette", id: "palette", role: "dialog", "aria-label": "Emoji" },
    head,
    shelf,
    told,
  );
  const leaving = new AbortController();
  const { signal } = leaving;

  const close = () => {
    leaving.abort();
    box.remove();
    opener.ariaExpanded = "false";
  };
  const cells = () => [...shelf.querySelectorAll("button")];
  const enter = (target) => {
    for (const other of shelf.querySelectorAll('[tabindex="0"]')) other.tabIndex = -1;
    if (target) target.tabIndex = 0;
  };

  // What was typed last may still be looked for.
  let shown = null;
  const takeFirst = async (isMore) => {
    await shown;
    const [first] = cells();
    if (box.isConnected && field.value.trim() && first) take(first, isMore);
  };

  const show = async () => {
    const wanted = field.value.trim();
    try {
      const every = await emoji.all();
      if (wanted) {
        const some = await emoji.found(wanted, MOST_FOUND);
        if (wanted !== field.value.trim()) return;
        shelf.replaceChildren(
          some.length ? group("Found", some) : element("p", {}, "No emoji by that name"),
        );
        told.textContent = some.length ? `${some.length} found` : "No emoji by that name";
      } else {
        const kept = emoji.lately().map((drawn) => every.find((each) => each.emoji === drawn));
        const lately = kept.filter(Boolean);
        shelf.replaceChildren(
          ...(lately.length ? [group("Used lately", lately)] : []),
          ...GROUPS.map(([id, name]) =>
            group(
              name,
              every.filter((each) => each.group === id),
            ),
          ),
        );
        told.textContent = "";
      }
      shelf.scrollTop = 0;
      enter(cells()[0]);
    } catch {
      shelf.replaceChildren(element("p", {}, "The emoji did not come. Try again in a moment"));
    }
  };

  const take = (button, isMore) => {
    emoji.used(button.dataset.emoji);
    if (!isMore) close();
    pick(button.dataset.emoji);
    if (isMore) button.focus();
  };

  const look = () => {
    shown = show();
  };
  field.addEventListener("input", look);
  closer.addEventListener("click", () => {
    close();
    opener.focus();
  });
  shelf.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button) take(button, event.shiftKey);
  });
  box.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    const every = cells();
    const at = every.indexOf(event.target);
    if (event.key === "Escape") {
      close();
      opener.focus();
    } else if (event.target === field && event.key === "Enter") {
      takeFirst(event.shiftKey);
    } else if (event.target === field && event.key === "ArrowDown") every[0]?.focus();
    else if (at >= 0 && event.key.startsWith("Arrow")) {
      const next = beside(every, at, event.key);
      if (event.key === "ArrowUp" && next === at) field.focus();
      else if (every[next]) {
        enter(every[next]);
        every[next].focus();
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  document.addEventListener(
    "pointerdown",
    ({ target }) => {
      if (!box.contains(target) && !opener.contains(target)) close();
    },
    { signal },
  );
  box.addEventListener("focusout", ({ relatedTarget }) => {
    if (relatedTarget && !box.contains(relatedTarget) && relatedTarget !== opener) close();
  });

  opener.ariaExpanded = "true";
  place.append(box);
  field.focus();
  look();
  return { close };
}
