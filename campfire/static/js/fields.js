// Text in a field: put where the caret is, in a way that undo takes back, and what stands around it.

export function put(field, text, start = field.selectionStart, end = field.selectionEnd) {
  field.focus({ preventScroll: true });
  field.setSelectionRange(start, end);
  if (!text && start === end) return;
  // Deprecated, and the only way that every browser keeps in its history of changes.
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  field.setRangeText(text, start, end, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

export function lineBefore(field) {
  const { value, selectionStart } = field;
  return value.slice(value.lastIndexOf("\n", selectionStart - 1) + 1, selectionStart);
}

export function isInCode(field) {
  const before = field.value.slice(0, field.selectionStart);
  const fences = before.match(/^ {0,3}(```|~~~)/gm) ?? [];
  const ticks = lineBefore(field).match(/`/g) ?? [];
  return fences.length % 2 === 1 || ticks.length % 2 === 1;
}
