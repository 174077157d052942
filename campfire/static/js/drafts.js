// What is being written, kept on this device for each person and room until it is sent or the
// person signs out.

import { element, icon, stored } from "./page.js";

const PREFIX = stored("draft");
const changes = new EventTarget();

export function draft(roomId) {
  try {
    return localStorage.getItem(PREFIX + roomId) ?? "";
  } catch {
    return "";
  }
}

// Says whether it is kept: storage may be full or forbidden.
export function keep(roomId, text) {
  try {
    if (text.trim()) localStorage.setItem(PREFIX + roomId, text);
    else localStorage.removeItem(PREFIX + roomId);
    changes.dispatchEvent(new Event("kept"));
    return Boolean(text.trim());
  } catch {
    return false;
  }
}

export function forgetAll() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
}

// Tells what the draft of a room was and is, when another window changes it.
export function follow(roomId, tell) {
  addEventListener("storage", ({ key, oldValue, newValue }) => {
    if (key === PREFIX + roomId) tell(oldValue ?? "", newValue ?? "");
  });
}

// A pencil beside every room with a draft; the open room shows its own below the field.
export function mark(list) {
  for (const link of list.querySelectorAll("[data-room-id]")) {
    const pencil = link.querySelector(".has-draft");
    const isWanted = Boolean(draft(link.dataset.roomId)) && link.ariaCurrent !== "page";
    if (pencil && !isWanted) pencil.remove();
    if (pencil || !isWanted) continue;
    const words = element("span", { class: "visually-hidden" }, "has a draft");
    const note = element("span", { class: "sidebar-note has-draft" }, icon("pencil"), words);
    link.querySelector(".badge").before(note);
  }
}

export function connect(list) {
  changes.addEventListener("kept", () => mark(list));
  addEventListener("storage", ({ key }) => {
    if (!key || key.startsWith(PREFIX)) mark(list);
  });
  mark(list);
}
