// How the list of rooms lies on this device: what is folded, how far it is scrolled, and the keys
// that lead through it.

import { stored } from "./page.js";

const FOLDED = stored("folded");
const SCROLLED = stored("scrolled");

// What is folded stays so on this device, except while a filter looks everywhere.
function connectFolds(list) {
  for (const details of list.querySelectorAll("details")) {
    const key = FOLDED + details.closest("section").id;
    try {
      const kept = localStorage.getItem(key);
      if (kept) details.open = kept === "open";
    } catch {
      // Without storage every page starts as the server drew it.
    }
    details.querySelector("summary").addEventListener("click", () => {
      try {
        localStorage.setItem(key, details.open ? "folded" : "open");
      } catch {
        // As above.
      }
    });
  }
}

// The next page shows the same part of the list.
function connectScroll(list) {
  try {
    list.scrollTop = Number(sessionStorage.getItem(SCROLLED));
    addEventListener("pagehide", () => sessionStorage.setItem(SCROLLED, list.scrollTop));
  } catch {
    // Without storage the list starts on top.
  }
  const current = list.querySelector("[aria-current]");
  const box = list.getBoundingClientRect();
  const at = current?.getBoundingClientRect();
  if (at && (at.top < box.top || at.bottom > box.bottom))
    current.scrollIntoView({ block: "center" });
}

const isShown = (link) => link.checkVisibility();

// Alt with the arrows: the next room, and with Shift the next one with something unread.
function connectKeys(list) {
  addEventListener("keydown", (event) => {
    if (!event.altKey || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
    const current = list.querySelector("[aria-current]");
    const links = [...list.querySelectorAll("[data-room-id]")].filter(
      (link) =>
        link === current || (isShown(link) && (!event.shiftKey || link.matches(".is-unread"))),
    );
    if (!links.some((link) => link !== current)) return;
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : links.length - 1;
    const from = links.indexOf(current);
    links[from < 0 ? 0 : (from + step) % links.length].click();
  });
}

export function connect(list) {
  connectFolds(list);
  connectScroll(list);
  connectKeys(list);
}
