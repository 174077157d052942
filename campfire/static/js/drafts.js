// What is being written, kept on this device for each person and room until it is sent or the
// person signs out.

import { stored } from "./page.js";

const PREFIX = stored("draft");

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
