// Where one writes. Enter sends and Shift Enter breaks the line; with a finger only the button
// sends. What is written is kept as a draft until it is sent, whatever happens to the page.

import * as drafts from "./drafts.js";
import { room, touch } from "./page.js";
import { timeOfDay } from "./times.js";

const KEPT_AFTER = 300;
const LONGEST = 65_536;

export function isSendKey(event) {
  // 229 is a key that an input method is still using.
  if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return false;
  if (event.ctrlKey || event.metaKey) return true;
  return !event.shiftKey && !event.altKey && !touch.matches;
}

// field-sizing does this without a script where the browser has it.
export function grow(field) {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => {
    field.style.blockSize = "auto";
    field.style.blockSize = `${field.scrollHeight}px`;
  };
  field.addEventListener("input", fit);
  fit();
}

export function connect(form, { outbox, uploads, typing, edits, log }) {
  const field = form.elements.body;
  const line = document.getElementById("draft");
  let timer = 0;

  const say = (words) => {
    line.lastElementChild.textContent = words;
    line.hidden = !words;
  };

  const keep = () => {
    clearTimeout(timer);
    timer = 0;
    if (drafts.keep(room.id, field.value)) say(`Draft kept ${timeOfDay(Date.now())}`);
    else say("");
  };

  const send = () => {
    const body = field.value;
    if (!body.trim()) {
      uploads.send();
      return;
    }
    if (new TextEncoder().encode(body).length > LONGEST) {
      say("Too long to send: 64 KB is the most");
      return;
    }
    field.value = "";
    field.dispatchEvent(new Event("input"));
    keep();
    typing.stop();
    outbox.post(body);
    uploads.send();
    field.focus();
  };

  form.noValidate = true;
  grow(field);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });

  field.addEventListener("keydown", (event) => {
    if (isSendKey(event)) {
      event.preventDefault();
      send();
    } else if (event.key === "ArrowUp" && !field.value && !log.isDetached) {
      const own = log.lastOwn();
      if (!own) return;
      event.preventDefault();
      edits.open(own);
    }
  });

  field.addEventListener("input", () => {
    if (field.value.trim()) typing.start();
    else typing.stop();
    timer ||= setTimeout(keep, KEPT_AFTER);
  });

  // A page that goes away, or into the cache of the browser, has no later.
  addEventListener("pagehide", () => timer && keep());
  document.addEventListener("visibilitychange", () => timer && keep());

  const kept = drafts.draft(room.id);
  if (kept && !field.value) {
    field.value = kept;
    field.dispatchEvent(new Event("input"));
    clearTimeout(timer);
    timer = 0;
    typing.stop();
    say("Draft kept");
  }
  if (!touch.matches && !room.target) field.focus({ preventScroll: true });

  return {
    focus: () => field.focus(),
    // At the end, as a paragraph of its own; the browser can undo it.
    insert: (text) => {
      field.focus();
      field.setSelectionRange(field.value.length, field.value.length);
      const gap = field.value.trim() ? "\n\n" : "";
      if (!document.execCommand("insertText", false, gap + text)) {
        field.setRangeText(gap + text, field.value.length, field.value.length, "end");
        field.dispatchEvent(new Event("input"));
      }
      field.scrollTop = field.scrollHeight;
    },
    close: (notice) => form.replaceChildren(notice),
  };
}
