// A short word after something was done, gone by itself.

import { element, icon } from "./page.js";

const SHOWN_FOR = 3_000;

export function flash(words, { isAlert = false } = {}) {
  document.querySelector(".flash")?.remove();
  const notice = element(
    "div",
    { class: isAlert ? "flash is-alert" : "flash", role: isAlert ? "alert" : "status" },
    icon(isAlert ? "alert" : "check"),
    words,
  );
  document.body.append(notice);
  setTimeout(() => notice.remove(), isAlert ? 2 * SHOWN_FOR : SHOWN_FOR);
}

// The clipboard is closed to pages without https; the old way is open to all.
export async function copy(text, words) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const field = element("textarea", { class: "visually-hidden", readonly: "" });
    field.value = text;
    document.body.append(field);
    const focused = document.activeElement;
    field.select();
    document.execCommand("copy");
    field.remove();
    focused?.focus?.();
  }
  flash(words);
}
