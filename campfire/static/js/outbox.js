// Messages that the server has not confirmed. Each is kept on this device under its client id
// before it is sent and until an answer says that it is stored, so it outlives the line, the page
// and the browser. It is sent again with the same id as often as needed: the server keeps one.

import { articleFor, bodyOf } from "./messages.js";
import { copyOf, element, icon, room, roomUrl, stored, url } from "./page.js";
import { timeOfDay } from "./times.js";

const PREFIX = stored("outbox");
const SAID_AFTER = 2_000;
const ANSWER_WITHIN = 20_000;
const LONGEST_WAIT = 30;

// Each message has a key of its own, so that two tabs never overwrite each other's.
const keyOf = ({ roomId, clientId }) => `${PREFIX}${roomId}.${clientId}`;

function waiting() {
  const items = [];
  for (const key of Object.keys(localStorage)) {
    if (!key.startsWith(PREFIX)) continue;
    try {
      items.push(JSON.parse(localStorage.getItem(key)));
    } catch {
      // Nobody can read it again; what stays would stop every page.
      localStorage.removeItem(key);
    }
  }
  return items.sort((one, other) => one.at - other.at || one.order - other.order);
}

function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function paragraphs(text) {
  return text
    .trim()
    .split(/\n{2,}/)
    .map((block) => {
      const lines = block.split("\n").flatMap((line) => [element("br"), line]);
      return element("p", {}, ...lines.slice(1));
    });
}

// Stands in the log under the client id until the server's own takes its place.
export function placeholder(clientId, at) {
  const made = copyOf("message-template");
  made.id = `message_${clientId}`;
  made.dataset.createdAt = at;
  const time = made.querySelector("time");
  time.dateTime = new Date(at).toISOString();
  time.textContent = timeOfDay(at);
  return made;
}

export class Outbox {
  #log;
  #pages;
  #order = 0;
  // What this page knows of a message beyond its text: how it went so far.
  #states = new Map();
  #isSending = false;
  #abort = null;
  #tries = 0;
  #retry = 0;

  constructor(log, pages) {
    this.#log = log;
    this.#pages = pages;
    this.show();
    this.flush();
  }

  post(body) {
    this.#order += 1;
    const item = { clientId: newId(), roomId: room.id, body, at: Date.now(), order: this.#order };
    this.#states.set(item.clientId, { item });
    try {
      localStorage.setItem(keyOf(item), JSON.stringify(item));
    } catch {
      // Without storage it still goes out; it only would not survive this page.
    }
    this.show();
    this.flush();
    this.#pages.toNewest();
  }

  // Everything unsent of this room stands at the end of the log whenever that is in the window.
  show() {
    if (!this.#log || this.#log.isDetached) return;
    for (const item of this.#items()) if (item.roomId === room.id) this.#draw(item);
  }

  retry() {
    for (const state of this.#states.values()) state.reason = undefined;
    this.#tries = 0;
    this.show();
    this.flush();
  }

  discard(clientId) {
    this.#forget(clientId);
    this.#log?.remove(clientId);
  }

  #forget(clientId) {
    const item = this.#items().find((each) => each.clientId === clientId);
    if (item) localStorage.removeItem(keyOf(item));
    this.#states.delete(clientId);
  }

  elsewhere({ key, newValue }) {
    if (!key?.startsWith(PREFIX)) return;
    if (newValue) this.show();
    else {
      const clientId = key.slice(PREFIX.length).replace(/^\d+\./, "");
      this.#states.delete(clientId);
      // Sent or discarded by another tab: if sent, its message is on the way here.
      const article = articleFor(clientId);
      if (article && !article.dataset.messageId) this.#log?.remove(clientId);
    }
  }

  #items() {
    const kept = waiting();
    for (const { item } of this.#states.values()) {
      if (!kept.some(({ clientId }) => clientId === item.clientId)) kept.push(item);
    }
    return kept;
  }

  // The line was down and is back: a request that hangs on the old one is given up.
  hurry() {
    this.#tries = 0;
    this.#abort?.abort();
    this.flush();
  }

  // One after the other, so that they arrive in the order they were written.
  async flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    clearTimeout(this.#retry);
    this.#retry = 0;
    try {
      for (;;) {
        const item = this.#items().find(({ clientId }) => !this.#states.get(clientId)?.reason);
        if (!item) break;
        const wait = await this.#send(item);
        if (wait === undefined) continue;
        this.#retry = setTimeout(() => this.flush(), wait * 1000);
        break;
      }
    } finally {
      this.#isSending = false;
    }
  }

  // Seconds to wait before the next try, or nothing when this message is settled.
  async #send(item) {
    if (!this.#states.has(item.clientId)) this.#states.set(item.clientId, { item });
    if (articleFor(item.clientId)?.dataset.messageId) {
      this.#forget(item.clientId);
      return undefined;
    }
    this.#abort = new AbortController();
    const late = setTimeout(() => this.#abort.abort(), ANSWER_WITHIN);
    let answer;
    try {
      answer = await fetch(roomUrl("/messages", item.roomId), {
        method: "POST",
        headers: { "HX-Request": "true" },
        body: new URLSearchParams({ body: item.body, client_message_id: item.clientId }),
        signal: this.#abort.signal,
      });
    } catch {
      return this.#later(item);
    } finally {
      clearTimeout(late);
    }
    if (answer.ok) {
      const html = await answer.text().catch(() => "");
      this.#tries = 0;
      this.#forget(item.clientId);
      if (item.roomId === room?.id) this.#log?.store(html);
      return undefined;
    }
    const after = Number(answer.headers.get("Retry-After"));
    if (answer.status === 429 || answer.status === 503) return this.#later(item, after || 1);
    if (answer.status >= 500) return this.#later(item);
    if (answer.status === 410) this.discard(item.clientId);
    else this.#refused(item, answer.status, await reasonOf(answer));
    return undefined;
  }

  #later(item, seconds) {
    const state = this.#states.get(item.clientId);
    if (state) state.isLate = true;
    if (item.roomId === room?.id) this.#draw(item);
    const wait = seconds ?? Math.min(2 ** this.#tries, LONGEST_WAIT);
    this.#tries += 1;
    return wait + Math.random();
  }

  #refused(item, status, reason) {
    const state = this.#states.get(item.clientId);
    if (state) Object.assign(state, { status, reason });
    if (item.roomId === room?.id) this.#draw(item);
  }

  #draw(item) {
    let article = articleFor(item.clientId);
    if (article?.dataset.messageId) {
      this.#forget(item.clientId);
      return;
    }
    if (!this.#states.has(item.clientId)) this.#states.set(item.clientId, { item });
    const state = this.#states.get(item.clientId);
    if (!article) {
      const made = placeholder(item.clientId, item.at);
      bodyOf(made).append(...paragraphs(item.body));
      article = this.#log?.append(made);
      if (!article) return;
      setTimeout(() => {
        state.isLate = true;
        if (this.#states.has(item.clientId)) this.#say(article, state);
      }, SAID_AFTER);
    }
    this.#say(article, state);
  }

  #say(article, { item, isLate, status, reason }) {
    if (article.dataset.messageId) return;
    article.classList.toggle("is-failed", Boolean(reason));
    article.classList.toggle("is-pending", !reason);
    const extras = article.querySelector(".message-extras");
    const said = reason ?? (isLate ? "late" : "");
    if (!extras || extras.dataset.said === said) return;
    extras.dataset.said = said;
    const discard = element(
      "button",
      { class: "button is-quiet is-small", type: "button" },
      "Discard",
    );
    discard.addEventListener("click", () => this.discard(item.clientId));
    const again = element("button", { class: "button is-small", type: "button" });
    again.append(icon("retry"), "Send again");
    again.addEventListener("click", () => this.retry());
    if (reason && status === 401) {
      const door = element("a", { href: url("/session/new") }, "Sign in again");
      const trouble = element("p", { class: "message-trouble", role: "alert" }, icon("alert"));
      trouble.append("Not sent yet ", door, again, discard);
      extras.replaceChildren(trouble);
    } else if (reason) {
      const trouble = element("p", { class: "message-trouble", role: "alert" }, icon("alert"));
      trouble.append(`Not sent yet. ${reason} `, again, discard);
      extras.replaceChildren(trouble);
    } else if (isLate) {
      const line = element("p", { class: "small faint row" }, icon("clock", "is-small"));
      line.append("Waits for the line ", again, discard);
      extras.replaceChildren(line);
    } else extras.replaceChildren();
  }
}

async function reasonOf(answer) {
  if (answer.status === 401) return "You are signed out.";
  if (answer.status === 404) return "This room is no longer here.";
  const said = new DOMParser().parseFromString(await answer.text(), "text/html");
  return said.querySelector("[role=alert]")?.textContent ?? "The server did not take it.";
}

export const count = () => waiting().length;

export function forgetAll() {
  for (const key of Object.keys(localStorage)) {
    if (key.startsWith(PREFIX)) localStorage.removeItem(key);
  }
}

export function connect(socket, log, pages) {
  const outbox = new Outbox(log, pages);
  addEventListener("storage", (event) => outbox.elsewhere(event));
  addEventListener("online", () => outbox.flush());
  let wasDown = false;
  socket.addEventListener("line.down", () => {
    wasDown = true;
  });
  socket.addEventListener("line.up", () => {
    if (wasDown) outbox.hurry();
    wasDown = false;
  });
  socket.addEventListener("message.removed", ({ detail }) => {
    // Removed before its answer was read: it was stored once, and is not to come back.
    if (detail.client_message_id) outbox.discard(detail.client_message_id);
  });
  log?.addEventListener("loaded", () => outbox.show());
  return outbox;
}
