// The messages on the screen: a window on the room, at most 320 of them, in order of their ids.
// A message is known by its client id, so whatever brings it, it is there once; of two versions
// the one with the higher seq stays. While the window does not reach the newest message it is
// detached: what is posted is counted, never inserted, so no gap can hide behind it.

import * as messages from "./messages.js";
import { hold, isNearEnd, steady, toEnd } from "./scroll.js";

const MOST = 320;
const KEPT = 300;
const AT_ONCE = 100;
const LINES = ["day", "first-unread"];

const { after, articleFor, articles, before, idOf, isMessage, isOwn } = messages;

export class Log extends EventTarget {
  element = document.getElementById("log");
  older = document.getElementById("older");
  newer = document.getElementById("newer");
  unseen = 0;

  #changes = [];
  #timer = 0;
  #meanwhile = null;

  get isDetached() {
    return !this.newer.hidden;
  }

  get sent() {
    return this.element.querySelectorAll("article[data-message-id]");
  }

  get newest() {
    const sent = this.sent;
    return sent[sent.length - 1];
  }

  lastOwn() {
    return [...this.sent].reverse().find(isOwn);
  }

  // Bursts are applied together: one look at the layout for many messages.
  change(kind, payload) {
    this.#changes.push([kind, payload]);
    this.#timer ||= setTimeout(() => this.#flush());
  }

  put(html) {
    this.#meanwhile?.push(["posted", { html }]);
    steady(() => {
      for (const article of messages.parse(html)) this.#put(article);
    });
    this.#changed();
  }

  // What was sent from here, as the server has it now.
  store(html) {
    this.put(html);
    const [article] = messages.parse(html);
    if (article) this.dispatchEvent(new CustomEvent("stored", { detail: idOf(article) }));
  }

  // Unsent messages stand after everything else, in the order they were written.
  append(article) {
    const existing = document.getElementById(article.id);
    if (existing || this.isDetached) return existing;
    steady(() => {
      messages.dress(article);
      this.newer.before(article);
      messages.arrange(article);
    });
    this.#changed();
    return article;
  }

  remove(clientId) {
    const article = articleFor(clientId);
    if (article) steady(() => this.#remove(article));
    this.#changed();
  }

  // An older page, above what is shown.
  prepend({ articles: page, more }) {
    const first = this.sent[0];
    this.element.ariaBusy = "true";
    steady(() => {
      for (const article of page) {
        if (document.getElementById(article.id)) continue;
        this.#place(messages.dress(article), first ?? this.newer);
        messages.arrange(article);
      }
      if (first) messages.arrange(first);
      this.older.hidden = !more;
      messages.drawUnreadLine();
      this.#trimNewest();
    });
    this.element.ariaBusy = "false";
  }

  // A newer page, below what is shown; with the last one the window is attached again.
  extend({ articles: page, more }) {
    hold(() => {
      for (const article of page) this.#insert(article);
      this.newer.hidden = !more;
      messages.drawUnreadLine();
      this.#trimOldest();
    });
  }

  // A page in the place of everything; whether there is more before and after it is given.
  replace({ articles: page }, { older, newer }) {
    steady(() => {
      for (const node of [...this.element.children]) {
        if (isMessage(node) || LINES.includes(node.className)) node.remove();
      }
      this.older.hidden = !older;
      this.newer.hidden = !newer;
      for (const article of page) {
        this.newer.before(messages.dress(article));
        messages.arrange(article);
      }
      messages.drawUnreadLine();
    });
    if (!newer) this.unseen = 0;
  }

  // A page that is on its way may show the state before a change that overtakes it: such changes
  // are applied once more on top of it. Says whether there was a page.
  async take(request, apply) {
    this.#meanwhile = [];
    const page = await request;
    const meanwhile = this.#meanwhile;
    this.#meanwhile = null;
    if (!page) return false;
    apply(page);
    steady(() => {
      for (const [kind, payload] of meanwhile) {
        if (kind === "removed") this.#apply(kind, payload);
        else for (const article of messages.parse(payload.html)) this.#put(article);
      }
    });
    this.see();
    this.#changed();
    return true;
  }

  // What waits was superseded by a page fetched anew.
  forgetChanges() {
    this.#changes = [];
  }

  see() {
    if (this.isDetached || !isNearEnd() || !this.unseen) return;
    this.unseen = 0;
    this.#changed();
  }

  #flush() {
    this.#timer = 0;
    const changes = this.#changes.splice(0, AT_ONCE);
    const follow = isNearEnd();
    const arrived = [];
    steady(() => {
      for (const [kind, payload] of changes) this.#apply(kind, payload, { follow, arrived });
      if (follow) this.#trimOldest();
    });
    if (follow && arrived.length && !this.isDetached) toEnd();
    if (this.#changes.length) this.#timer = setTimeout(() => this.#flush());
    this.#changed();
    if (arrived.length) this.dispatchEvent(new CustomEvent("arrived", { detail: arrived }));
  }

  #apply(kind, payload, context) {
    this.#meanwhile?.push([kind, payload]);
    if (kind === "removed") {
      const article = articleFor(payload.client_message_id);
      if (article) this.#remove(article);
      return;
    }
    for (const article of messages.parse(payload.html)) {
      if (kind === "edited") this.#put(article);
      else this.#arrive(article, context);
    }
  }

  #arrive(article, { follow, arrived }) {
    const known = document.getElementById(article.id);
    if (!known && !isOwn(article)) {
      arrived.push(article);
      if (!follow || this.isDetached) this.unseen += 1;
    }
    // Full, and somebody reads far up: nothing is cut away from under their eyes.
    if (!follow && !known && this.sent.length >= MOST) this.#detach();
    this.#put(article, { isNew: !known });
  }

  // What was edited and is not here, though its place is in the window, was deleted and came back.
  #put(article, { isNew } = {}) {
    if (document.getElementById(article.id)) this.#refresh(article);
    else if (!this.isDetached || idOf(article) < idOf(this.newest)) {
      const first = this.sent[0];
      if (first && !this.older.hidden && idOf(article) < idOf(first)) return;
      if (isNew) {
        article.classList.add("is-new");
        article.addEventListener("animationend", () => article.classList.remove("is-new"));
      }
      this.#insert(article);
    }
  }

  // The element stays and takes the new content: focus, :target and the reader's place with it.
  #refresh(fresh) {
    const article = document.getElementById(fresh.id);
    if (!article || Number(article.dataset.seq) >= Number(fresh.dataset.seq)) return;
    // An open editor is never replaced; what came meanwhile is shown when it closes.
    if (article.classList.contains("is-editing")) {
      const awaiting = Number(article.awaiting?.dataset.seq ?? 0);
      if (Number(fresh.dataset.seq) > awaiting) article.awaiting = fresh;
      return;
    }
    const wasUnsent = !article.dataset.messageId;
    const given = new Set(messages.pills(article).map((pill) => pill.value));
    const focused = article.contains(document.activeElement) && document.activeElement;
    // The bar never leaves: with it would go the focus of who uses it.
    const bar = article.querySelector(":scope > .message-actions");
    for (const node of [...article.childNodes]) if (node !== bar) node.remove();
    article.prepend(...fresh.childNodes);
    for (const pill of messages.pills(article)) {
      pill.classList.toggle("is-new", !given.has(pill.value) && !wasUnsent);
    }
    if (focused && !focused.isConnected) {
      const pill = focused.value && messages.pillOf(article, focused.value);
      (pill ?? article).focus({ preventScroll: true });
    }
    Object.assign(article.dataset, fresh.dataset);
    if (!fresh.dataset.mentions) delete article.dataset.mentions;
    article.classList.remove("is-pending", "is-failed");
    if (wasUnsent) this.#insert(article);
    else messages.arrange(messages.dress(article));
  }

  closeEditor(article, html) {
    article.classList.remove("is-editing");
    const fresh = [article.awaiting, ...(html ? messages.parse(html) : [])].filter(Boolean);
    delete article.awaiting;
    steady(() => {
      for (const each of fresh) this.#refresh(each);
    });
    this.#changed();
  }

  #insert(article) {
    const id = idOf(article);
    let place = this.newer;
    for (
      let node = before(this.newer);
      node && (node === article || idOf(node) > id);
      node = before(node)
    ) {
      if (node !== article) place = node;
    }
    messages.dress(article);
    const next = article.isConnected && after(article);
    if (!article.isConnected || (next ?? this.newer) !== place) {
      if (article.isConnected) this.#tidy(article);
      this.#place(article, place);
    }
    for (const each of [article, after(article), next]) if (each) messages.arrange(each);
  }

  // Above a message stand its day and the unread line, which belong to it.
  #place(article, place) {
    let edge = place;
    if (isMessage(place)) {
      while (LINES.includes(edge.previousElementSibling?.className)) {
        edge = edge.previousElementSibling;
      }
    }
    edge.before(article);
  }

  #remove(article) {
    const next = after(article) ?? before(article);
    const hadFocus = article.contains(document.activeElement);
    this.dispatchEvent(new CustomEvent("removing", { detail: article }));
    this.#tidy(article);
    article.remove();
    if (next) {
      messages.arrange(next);
      messages.drawUnreadLine();
      if (hadFocus) next.focus({ preventScroll: true });
    }
  }

  // Lines without the message they stand above say nothing; they are drawn again where needed.
  #tidy(article) {
    for (let node = article.previousElementSibling; node && !isMessage(node); ) {
      const next = node.previousElementSibling;
      if (LINES.includes(node.className)) node.remove();
      node = next;
    }
  }

  #trimOldest() {
    const shown = articles();
    if (shown.length <= MOST) return;
    for (const article of shown.slice(0, shown.length - KEPT)) {
      this.#tidy(article);
      article.remove();
    }
    const first = articles()[0];
    while (first.previousElementSibling !== this.older) first.previousElementSibling.remove();
    this.older.hidden = false;
    messages.arrange(first);
  }

  #trimNewest() {
    const shown = articles();
    if (shown.length <= MOST) return;
    for (const article of shown.slice(KEPT)) {
      this.#tidy(article);
      article.remove();
    }
    this.#detach();
  }

  #detach() {
    this.newer.hidden = false;
    for (const article of articles()) {
      if (article.dataset.messageId) continue;
      this.#tidy(article);
      article.remove();
    }
  }

  #changed() {
    this.dispatchEvent(new Event("changed"));
  }
}

export function connect(socket) {
  const log = new Log();
  for (const kind of ["posted", "edited", "removed"]) {
    socket.addEventListener(`message.${kind}`, ({ detail }) => log.change(kind, detail));
  }
  for (const name of ["boost.added", "boost.removed"]) {
    socket.addEventListener(name, ({ detail }) => detail.html && log.change("edited", detail));
  }
  document
    .getElementById("messages")
    .addEventListener("scroll", () => log.see(), { passive: true });

  let midnight = 0;
  const wait = () => {
    clearTimeout(midnight);
    midnight = setTimeout(wait, new Date().setHours(24, 0, 1, 0) - Date.now());
    messages.nameDaysAnew();
  };
  wait();
  return log;
}
