// How one message looks to this reader and after the one before it. The server's fragment is the
// same for everybody; mine, for me, grouped, day lines and local times are added here, before
// the first paint, so that nothing moves once it can be seen.

import { copy } from "./flash.js";
import { element, icon, room, touch, viewer } from "./page.js";
import { dayName, dayOf, localize } from "./times.js";

const FIVE_MINUTES = 5 * 60 * 1000;
// Pictures with their tones, joints and tags, flags and keycaps; signs such as © only as pictures.
const EMOJI =
  /^(?:[0-9#*]\ufe0f?\u20e3|(?![©®™](?!\ufe0f))\p{Extended_Pictographic}|\p{Regional_Indicator}{2}|[\u200d\ufe0f\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}])+$/u;

const log = document.getElementById("log");

export const isMessage = (node) => node?.localName === "article";
export const idOf = (article) => Number(article.dataset.messageId) || Number.POSITIVE_INFINITY;
export const isOwn = (article) => Number(article.dataset.creatorId) === viewer.id;
export const authorOf = (article) => article.querySelector(".message-author bdi").textContent;
export const bodyOf = (article) => article.querySelector(".message-body");
export const articles = () => [...log.getElementsByTagName("article")];

// Client ids may hold dots and colons, which a selector would misread.
export const articleFor = (clientId) => document.getElementById(`message_${clientId}`);

export function neighbour(article, step) {
  let node = article;
  do node = node[step];
  while (node && !isMessage(node));
  return node;
}

export const before = (article) => neighbour(article, "previousElementSibling");
export const after = (article) => neighbour(article, "nextElementSibling");

export function parse(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return [...template.content.children].filter(isMessage);
}

export const pills = (article) => [...article.querySelectorAll("button.boost")];
export const pillOf = (article, content) => pills(article).find((pill) => pill.value === content);

// The id of the boost that this reader gave with others of its kind.
export function ownBoost(pill) {
  for (const each of pill.dataset.boosts.trim().split(" ")) {
    const [boostId, boosterId] = each.split(":");
    if (Number(boosterId) === viewer.id) return boostId;
  }
  return null;
}

// A pill is reached by the arrows of the log, which is one tab stop.
export function dressBoosts(article) {
  for (const pill of pills(article)) {
    const words = pill.querySelector(".boost-text");
    const own = ownBoost(pill) !== null;
    words.classList.toggle("is-emoji", EMOJI.test(words.textContent));
    pill.classList.toggle("is-own", own);
    pill.ariaPressed = own;
    pill.tabIndex = -1;
  }
  const add = article.querySelector(".boost-add");
  if (!add) return;
  add.tabIndex = -1;
  add.role = "button";
  add.ariaHasPopup = "dialog";
}

// What depends on who reads.
export function dress(article) {
  const own = isOwn(article);
  const mentions = article.dataset.mentions?.split(" ") ?? [];
  const isCalled = mentions.includes("everyone") || mentions.includes(String(viewer.id));
  const body = bodyOf(article);
  article.classList.toggle("is-own", own);
  article.classList.toggle("is-mention", !own && isCalled);
  const words = body.textContent.trim();
  const isParagraph =
    body.children.length === 1 && body.firstElementChild.matches("p:not(:has(code, a))");
  article.classList.toggle("is-emoji", isParagraph && words.length < 64 && EMOJI.test(words));
  for (const chip of body.getElementsByClassName("mention")) {
    const isMe = chip.matches(".is-everyone") || Number(chip.dataset.userId) === viewer.id;
    chip.classList.toggle("is-me", isMe);
  }
  for (const pre of body.getElementsByTagName("pre")) {
    if (pre.parentElement.className === "code") continue;
    const language = pre.querySelector("code")?.dataset.language ?? "";
    pre.tabIndex = 0;
    pre.ariaLabel = language ? `Code, ${language}` : "Code";
    const button = element(
      "button",
      { class: "button is-quiet is-icon", type: "button", "aria-label": "Copy the code" },
      icon("copy"),
    );
    button.addEventListener("click", () => copy(pre.textContent, "Code copied"));
    const box = element("div", { class: "code" });
    pre.replaceWith(box);
    box.append(element("div", { class: "code-name" }, element("bdi", {}, language), button), pre);
  }
  for (const table of body.getElementsByTagName("table")) {
    if (table.parentElement.className === "table-wrap") continue;
    const box = element("div", {
      class: "table-wrap",
      tabindex: "0",
      role: "region",
      "aria-label": "Table",
    });
    table.replaceWith(box);
    box.append(table);
  }
  dressBoosts(article);
  for (const form of article.getElementsByClassName("preview-remove")) form.hidden = !own;
  localize(article);
  const edited = article.querySelector(".message-edited");
  if (edited) edited.title = edited.firstElementChild.title;
  // A script does in place what the page of a message is for.
  article.querySelector(".message-plain")?.remove();
  // The log is one tab stop; the permalink is reached by the actions of its message.
  for (const link of article.querySelectorAll(":is(.message-author, .message-meta) a")) {
    link.tabIndex = -1;
  }
  if (touch.matches && article.dataset.messageId) {
    article.append(
      element(
        "button",
        {
          class: "button is-quiet is-icon is-small message-more",
          type: "button",
          "aria-haspopup": "menu",
          "aria-label": `Actions for the message by ${authorOf(article)}`,
        },
        icon("more"),
      ),
    );
  }
  return article;
}

// Somebody is called or pictured otherwise; what they said carries it from now on.
export function rename(root, { id, name, avatar_url, status }) {
  for (const article of root.querySelectorAll(`article[data-creator-id="${id}"]`)) {
    article.querySelector(".message-author bdi").textContent = name;
    const picture = article.querySelector(".message-avatar img");
    if (picture.getAttribute("src") !== avatar_url) picture.src = avatar_url;
    picture.classList.toggle("is-gone", status !== "active");
  }
  for (const chip of root.querySelectorAll(`a.mention[data-user-id="${id}"]`)) {
    chip.textContent = `@${name}`;
  }
}

// What depends on the message before it: grouping, and the line of a new day.
export function arrange(article) {
  const previous = before(article);
  const at = Number(article.dataset.createdAt);
  const last = previous && Number(previous.dataset.createdAt);
  const day = dayOf(at);
  let line = null;
  let separated = false;
  for (let node = article.previousElementSibling; node !== previous && node; ) {
    const next = node.previousElementSibling;
    if (node.className === "day") {
      if (line || (previous && dayOf(last) === day)) node.remove();
      else line = node;
    } else if (node.className === "first-unread") separated = true;
    node = next;
  }
  const newDay = !previous || dayOf(last) !== day;
  if (newDay) {
    if (!line) {
      line = element("div", { class: "day" }, element("h2"));
      (separated ? document.getElementById("first-unread") : article).before(line);
    }
    if (Number(line.dataset.day) !== day) {
      line.dataset.day = day;
      line.firstElementChild.textContent = dayName(at);
    }
  }
  const grouped =
    !newDay &&
    !separated &&
    previous.dataset.creatorId === article.dataset.creatorId &&
    Math.abs(at - last) <= FIVE_MINUTES;
  article.classList.toggle("is-grouped", grouped);
  article.querySelector(".message-avatar").hidden = grouped;
}

// The line stays at the first message of others that was unread when the room was entered.
export function drawUnreadLine() {
  if (!room.unread || document.getElementById("first-unread")) return;
  const unread = (article) => idOf(article) > room.lastReadId && !isOwn(article);
  const shown = articles();
  const first = shown.findIndex((article) => article.dataset.messageId && unread(article));
  // At the top of the window with older pages above, the first one is somewhere up there.
  if (first < 0 || (first === 0 && !document.getElementById("older").hidden)) return;
  const line = element(
    "div",
    {
      class: "first-unread",
      id: "first-unread",
      role: "separator",
      "aria-label": "New since your last visit",
    },
    icon("flame"),
    element("span", {}, "New since your last visit"),
  );
  shown[first].before(line);
  arrange(shown[first]);
}

export function nameDaysAnew() {
  for (const line of log.getElementsByClassName("day")) {
    line.firstElementChild.textContent = dayName(Number(line.dataset.day));
  }
}

if (log) {
  for (const article of articles()) {
    dress(article);
    arrange(article);
  }
  drawUnreadLine();
}
