// Boosts: pressing a pill gives the same or takes mine back. It shows at once and one request
// later is what the server says; a refusal puts back what was there. The picker stands outside of
// the log, so whatever happens to its message leaves what is half typed alone.

import { flash } from "./flash.js";
import * as menus from "./menus.js";
import { articleFor, authorOf, dressBoosts, ownBoost, pillOf } from "./messages.js";
import { element, icon, toSignIn, touch, url, viewer } from "./page.js";
import { steady } from "./scroll.js";

export const QUICK = {
  "👍": "thumbs up",
  "👏": "clapping",
  "👋": "waving hand",
  "💪": "muscle",
  "❤️": "red heart",
  "😂": "tears of joy",
  "🎉": "party popper",
  "🔥": "fire",
};
const LONGEST = 16;
const FACES = 3;

const boostsUrl = (article) => url(`/messages/${article.dataset.messageId}/boosts`);

// The eight at hand, for the picker and the menu of a message.
export function quick(role, chosen) {
  return element(
    "div",
    { class: "boost-picker-quick", role: "group", "aria-label": "Boost" },
    ...Object.entries(QUICK).map(([emoji, name]) => {
      const button = element(
        "button",
        { class: "button is-quiet", type: "button", "aria-label": name, title: name },
        emoji,
      );
      if (role) button.setAttribute("role", role);
      button.addEventListener("click", () => chosen(emoji));
      return button;
    }),
  );
}

function face() {
  const own = document.getElementById("message-template").content.querySelector("img.avatar");
  return element("img", {
    class: "avatar is-tiny",
    src: own.getAttribute("src"),
    alt: "",
    width: 18,
    height: 18,
  });
}

function isMine(img) {
  return img.src.includes(`/users/${viewer.id}/avatar`);
}

// The list of a message's boosts, made where there is none yet.
function listOf(article) {
  const list = article.querySelector(".boosts");
  if (list) return list;
  const made = element("ul", { class: "boosts", role: "list", "aria-label": "Boosts" });
  let extras = article.querySelector(".message-extras");
  if (!extras) {
    extras = element("div", { class: "message-extras" });
    article.querySelector(".message-body").after(extras);
  }
  extras.append(element("form", { class: "message-boosts" }, made));
  return made;
}

function drawGiven(article, content) {
  let pill = pillOf(article, content);
  if (!pill) {
    pill = element(
      "button",
      { class: "boost is-new", type: "submit", name: "content" },
      element("span", { class: "avatar-stack" }),
      element("bdi", { class: "boost-text" }, content),
    );
    pill.value = content;
    const list = listOf(article);
    const add = list.querySelector(".boost-add")?.parentElement ?? null;
    list.insertBefore(element("li", {}, pill), add);
  }
  const faces = pill.querySelector(".avatar-stack");
  if (faces.children.length < FACES) faces.append(face());
  pill.dataset.boosts = `${pill.dataset.boosts ?? ""} 0:${viewer.id}`;
}

function drawTaken(pill) {
  const left = pill.dataset.boosts.split(" ").filter((each) => !each.endsWith(`:${viewer.id}`));
  if (!left.length) {
    pill.parentElement.remove();
    return;
  }
  pill.dataset.boosts = left.join(" ");
  [...pill.querySelectorAll("img")].find(isMine)?.remove();
}

export function connect(section, log) {
  const busy = new Set();

  const change = async (article, content, boostId) => {
    const key = `${article.dataset.messageId} ${content}`;
    if (busy.has(key)) return false;
    busy.add(key);
    const extras = article.querySelector(".message-extras");
    const kept = extras?.cloneNode(true);
    const { seq } = article.dataset;
    const hadFocus = article.contains(document.activeElement);
    steady(() => {
      if (boostId) drawTaken(pillOf(article, content));
      else drawGiven(article, content);
      dressBoosts(article);
    });
    if (hadFocus && !article.contains(document.activeElement)) {
      article.focus({ preventScroll: true });
    }
    const undo = (words) => {
      if (article.dataset.seq === seq) {
        steady(() => {
          article.querySelector(".message-extras")?.remove();
          if (kept) article.querySelector(".message-body").after(kept);
        });
      }
      flash(words, { isAlert: true });
      return false;
    };
    try {
      const answer = await fetch(boostsUrl(article) + (boostId ? `/${boostId}` : ""), {
        method: boostId ? "DELETE" : "POST",
        body: boostId ? null : new URLSearchParams({ content }),
        headers: { "HX-Request": "true" },
      });
      if (answer.status === 401) toSignIn();
      if (answer.ok) log.put(await answer.text());
      else if (answer.status === 422) return undo("This message can take no more of your boosts");
      else if (answer.status === 404 && boostId) return undo("It was taken back already");
      else return undo("Not boosted. Try again in a moment");
      return true;
    } catch {
      return undo("Not boosted, the line is down");
    } finally {
      busy.delete(key);
    }
  };

  const press = (article, content) => {
    const pill = pillOf(article, content);
    return change(article, content, pill && ownBoost(pill));
  };

  section.addEventListener("submit", (event) => {
    const article = event.target.closest("article.message");
    if (!article || !event.target.matches(".message-boosts")) return;
    event.preventDefault();
    press(article, event.submitter.value);
  });

  // The picker: eight at hand, or one's own words.
  let clientId = "";
  const chosenFor = () => articleFor(clientId);
  const field = element("input", {
    class: "input",
    "aria-label": "Your own words, up to 16 characters",
    placeholder: "Your own words",
    autocomplete: "off",
    dir: "auto",
    enterkeyhint: "done",
  });
  const own = element(
    "form",
    { class: "boost-picker-own" },
    field,
    element(
      "button",
      { class: "button is-primary is-icon", type: "submit", "aria-label": "Boost" },
      icon("check"),
    ),
  );
  const offered = quick(null, (emoji) => {
    const article = chosenFor();
    menus.close();
    if (article) press(article, emoji);
  });
  const picker = element(
    "div",
    { class: "menu boost-picker", role: "dialog", popover: "manual" },
    offered,
    own,
  );
  section.after(picker);

  const cut = () => {
    const letters = [...field.value];
    if (letters.length > LONGEST) field.value = letters.slice(0, LONGEST).join("");
  };
  field.addEventListener("input", (event) => event.isComposing || cut());
  field.addEventListener("compositionend", cut);

  own.addEventListener("submit", async (event) => {
    event.preventDefault();
    const article = chosenFor();
    const content = field.value.trim().replace(/\s+/g, " ");
    if (!content || !article) return;
    field.value = "";
    menus.close();
    const pill = pillOf(article, content);
    if (pill && ownBoost(pill)) return;
    if (!(await change(article, content, null)) && !field.value) field.value = content;
  });

  picker.addEventListener("keydown", (event) => {
    event.stopPropagation();
    const { target } = event;
    if (target === field && event.key === "ArrowUp") {
      event.preventDefault();
      offered.firstElementChild.focus();
    } else if (offered.contains(target)) {
      if (event.key === "ArrowDown") {
        event.preventDefault();
        field.focus();
      } else menus.step([...offered.children], event);
    }
  });

  const pick = (article, opener, { isTyped = !touch.matches } = {}) => {
    const id = article.id.slice("message_".length);
    if (id !== clientId) field.value = "";
    clientId = id;
    picker.ariaLabel = `Boost for ${authorOf(article)}`;
    menus.open(picker, opener, { back: article, focus: isTyped ? field : undefined });
  };

  section.addEventListener("click", (event) => {
    const adding = event.target.closest(".boost-add");
    if (!adding || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    pick(adding.closest("article.message"), adding);
  });

  log.addEventListener("removing", ({ detail: article }) => {
    if (article === chosenFor() && picker.matches(":popover-open")) menus.close();
  });

  return { press, pick };
}
