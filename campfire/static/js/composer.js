// Where one writes. Enter sends and Shift Enter breaks the line; while the formats of a narrow sheet
// are open Enter breaks and Ctrl Enter sends; with a finger only the button sends. What is written is
// kept as a draft until it is sent, whatever happens to the page. The tools come with the first touch.

import * as drafts from "./drafts.js";
import { isInCode, put } from "./fields.js";
import { room, touch } from "./page.js";
import { timeOfDay } from "./times.js";

const KEPT_AFTER = 300;
const LONGEST = 65_536;
const TOUCHES = ["keydown", "input", "pointerover", "pointerdown"];
const TEXTS = ["text/plain", "text/html", "text/x-gfm"];

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
  const box = form.querySelector(".composer-box");
  const more = form.querySelector(".composer-more");
  const smile = form.querySelector(".composer-emoji");
  const sender = form.querySelector(".composer-send");
  let timer = 0;
  let formats = null;
  let proof = null;
  let palette = null;

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
      keep();
      say("Too long to send: 64 KB is the most");
      return;
    }
    proof?.close();
    field.value = "";
    field.dispatchEvent(new Event("input"));
    keep();
    typing.stop();
    outbox.post(body);
    uploads.send();
    fold(false);
    field.focus();
  };

  const fold = (isOpen) => {
    form.dataset.formats = isOpen ? "open" : "closed";
    more.ariaExpanded = String(isOpen);
    sender.title = isOpen ? "Send (Ctrl Enter)" : "Send (Enter)";
  };
  // A wide sheet always shows the formats, and has no button for them.
  const isAtLength = () => form.dataset.formats === "open" && more.offsetParent !== null;
  const isSent = (event) => isSendKey(event) && (event.ctrlKey || event.metaKey || !isAtLength());

  const listen = (verb) => {
    for (const name of TOUCHES) form[`${verb}EventListener`](name, equip);
  };
  const equip = async () => {
    listen("remove");
    const modules = ["formats", "completions", "proofs"].map((name) => import(`./${name}.js`));
    const [toolbar, completions, proofs] = await Promise.all(modules).catch(() => []);
    // Without a line one writes without them, and the next touch asks again.
    if (!toolbar) return listen("add");
    toolbar.connect(form, field);
    // A first word may have been begun by what brought them.
    completions.connect(field, box, form.dataset.sounds).look();
    proof = proofs.connect(form, field, { say });
    formats = toolbar;
  };

  // In the place of everything, or at the end as a paragraph of its own.
  const insert = (text, { replace = false } = {}) => {
    proof?.close();
    const end = field.value.length;
    const gap = !replace && field.value.trim() ? "\n\n" : "";
    put(field, gap + text, replace ? 0 : end, end);
    field.scrollTop = field.scrollHeight;
  };

  form.noValidate = true;
  grow(field);

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });

  field.addEventListener("keydown", (event) => {
    if (isSent(event)) {
      event.preventDefault();
      send();
    } else if (event.key === "Enter" && !event.isComposing && formats?.breakLine(field)) {
      event.preventDefault();
    } else if (event.key === "ArrowUp" && !field.value && !log.isDetached) {
      const own = log.lastOwn();
      if (!own) return;
      event.preventDefault();
      edits.open(own);
    }
  });

  listen("add");
  for (const button of [more, smile]) {
    // A press must not take the focus, or the soft keyboard, from the words.
    button.addEventListener("mousedown", (event) => event.preventDefault());
  }
  more.addEventListener("click", () => fold(!isAtLength()));
  smile.addEventListener("click", async () => {
    if (smile.ariaExpanded === "true") return palette.close();
    const module = await import("./palette.js").catch(() => null);
    if (!module) return say("The line is down, so there are no emoji");
    palette = module.open(box, smile, (drawn) => {
      proof?.close();
      put(field, drawn);
    });
  });

  field.addEventListener("input", () => {
    if (field.value.trim()) typing.start();
    else typing.stop();
    timer ||= setTimeout(keep, KEPT_AFTER);
  });

  // Rich text, and an address on selected words, become Markdown; with Shift nothing does.
  let isBare = false;
  field.addEventListener("keydown", ({ key, shiftKey, ctrlKey, metaKey }) => {
    if (key.toLowerCase() === "v") isBare = shiftKey && (ctrlKey || metaKey);
  });
  field.addEventListener("paste", async (event) => {
    // What the module gives back to the field is an event too.
    if (!event.isTrusted) return;
    const data = TEXTS.map((type) => [type, event.clipboardData.getData(type)]);
    const [[, text], ...rich] = data;
    const isAddress =
      /^https?:\S+$/i.test(text.trim()) && field.selectionStart < field.selectionEnd;
    const isRich = isAddress || rich.some(([, more]) => more);
    const isLeft = isBare || !text || !isRich || isInCode(field);
    isBare = false;
    if (isLeft) return;
    event.preventDefault();
    const module = await import("./pastes.js").catch(() => null);
    const given = data.filter(([, more]) => more);
    if (module) module.paste(field, given);
    else put(field, text);
  });

  // A page that goes away, or into the cache of the browser, has no later.
  addEventListener("pagehide", () => timer && keep());
  document.addEventListener("visibilitychange", () => timer && keep());

  const show = (kept, words) => {
    field.value = kept;
    field.dispatchEvent(new Event("input"));
    clearTimeout(timer);
    timer = 0;
    typing.stop();
    say(words);
  };
  const kept = drafts.draft(room.id);
  if (kept && !field.value) show(kept, "Draft kept");
  // Sent or changed in another window: what stands here unchanged would be sent a second time.
  drafts.follow(room.id, (before, after) => {
    if (field.value === before) show(after, after && "Draft kept");
  });
  if (!touch.matches && !room.target) field.focus({ preventScroll: true });

  return {
    focus: () => field.focus(),
    insert,
    close: (notice) => form.replaceChildren(notice),
  };
}
