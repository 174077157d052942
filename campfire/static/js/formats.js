// The marks of Markdown without knowing them: the toolbar around what is selected, its keys, and
// lists that go on by themselves. In a narrow sheet the tools wait behind "Aa".

import { isInCode, lineBefore, put } from "./fields.js";

const KEYS = { b: "bold", i: "italic", e: "code", l: "link" };
const ITEM = /^(\s*)(?:([-*+])|(\d{1,9})([.)]))\s+(\[[ xX]\]\s+)?/;

// Breaks the line; an item is followed by the next, and an empty one ends its list.
// Says whether it did anything that the browser would not.
export function breakLine(field) {
  const line = lineBefore(field);
  const item = line.match(ITEM);
  if (!item || isInCode(field) || field.selectionStart !== field.selectionEnd) return false;
  const [whole, indent, bullet, number, dot, task] = item;
  const at = field.selectionStart;
  if (whole.length === line.length) {
    put(field, "\n", at - line.length, at);
    return true;
  }
  const mark = bullet ?? `${Number(number) + 1}${dot}`;
  put(field, `\n${indent}${mark} ${task ? "[ ] " : ""}`);
  return true;
}

export function connect(form, field) {
  const toolbar = form.querySelector("markdown-toolbar");

  // GitHub's element does the wrapping; it comes when the first tool is used.
  const press = async (button) => {
    if (!customElements.get("markdown-toolbar")) {
      const module = await import("../vendor/markdown-toolbar.js").catch(() => null);
      if (!module) return;
      // One of the buttons is the stop for Tab, so the bar around them is none.
      toolbar.removeAttribute("tabindex");
    }
    button.click();
  };

  // A press must not take the focus, or the soft keyboard, from the words.
  toolbar.addEventListener("mousedown", (event) => event.preventDefault());
  toolbar.addEventListener(
    "click",
    (event) => {
      if (customElements.get("markdown-toolbar")) return;
      event.stopPropagation();
      const button = event.target.closest("button");
      if (button) press(button);
    },
    { capture: true },
  );
  toolbar.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const buttons = [...toolbar.querySelectorAll("button")];
    const at = buttons.indexOf(event.target);
    if (at < 0 || !(step || event.key === "Home" || event.key === "End")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const ends = { Home: 0, End: buttons.length - 1 };
    const next = buttons[ends[event.key] ?? (at + step + buttons.length) % buttons.length];
    buttons[at].tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });

  field.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.shiftKey || event.altKey) return;
    const name = KEYS[event.key.toLowerCase()];
    if (!name || event.isComposing) return;
    event.preventDefault();
    press(toolbar.querySelector(`[data-md-button="${name}"]`));
  });
}
