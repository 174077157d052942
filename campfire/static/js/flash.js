// A short word after something was done, gone by itself; with a way back it stays for longer, and
// for as long as somebody is at it.

import { element, icon } from "./page.js";

const SHOWN_FOR = 3_000;
const UNDO_FOR = 10_000;

export function flash(words, { isAlert = false, undo } = {}) {
  document.querySelector(".flash")?.remove();
  const notice = element(
    "div",
    { class: isAlert ? "flash is-alert" : "flash", role: isAlert ? "alert" : "status" },
    icon(isAlert ? "alert" : "check"),
    words,
  );
  if (undo) notice.append(undoing(notice, undo));
  document.body.append(notice);
  const time = undo ? UNDO_FOR : isAlert ? 2 * SHOWN_FOR : SHOWN_FOR;
  const leave = () => {
    if (notice.matches(":hover, :focus-within")) setTimeout(leave, SHOWN_FOR);
    else notice.remove();
  };
  setTimeout(leave, time);
}

function undoing(notice, undo) {
  const button = element(
    "button",
    { class: "button is-small", type: "button", "aria-keyshortcuts": "Control+Z Meta+Z" },
    "Undo",
  );
  const run = () => {
    notice.remove();
    undo();
  };
  button.addEventListener("click", run);
  document.addEventListener("keydown", function pressed(event) {
    if (!notice.isConnected) document.removeEventListener("keydown", pressed);
    else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) {
      if (event.shiftKey || event.altKey || event.target.matches("input, textarea")) return;
      event.preventDefault();
      run();
    }
  });
  return button;
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
