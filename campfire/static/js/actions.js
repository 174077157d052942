// What can be done with a message: one bar that moves to the message under the pointer or the
// focus, the keys of the log, and the same as a menu, which on a phone is a sheet from below. The
// log is one tab stop; arrows move in it.

import { QUICK as NAMES, quick } from "./boosts.js";
import { copy, flash } from "./flash.js";
import * as menus from "./menus.js";
import { after, articles, authorOf, before, isMessage, isOwn } from "./messages.js";
import { copyOf, element, icon, roomUrl, toSignIn, touch, viewer } from "./page.js";
import { isNearEnd, show } from "./scroll.js";

const QUICK = ["👍", "🔥", "❤️"];
const BAR = [
  { name: "pick", label: "Another boost", icon: "boost", key: "B" },
  { name: "quote", label: "Quote in a reply", icon: "reply", key: "R" },
  { name: "edit", label: "Edit", icon: "pencil", key: "E" },
  { name: "more", label: "More", icon: "more" },
];
const MENU = [
  { name: "write", label: "Your own words…", icon: "boost", key: "B" },
  { name: "quote", label: "Quote", icon: "reply", key: "R" },
  { name: "unread", label: "Mark unread from here", icon: "unread", key: "U" },
  { name: "copy", label: "Copy link", icon: "link", key: "C" },
  { name: "share", label: "Share", icon: "share" },
  { name: "edit", label: "Edit", icon: "pencil", key: "E", isChange: true },
  { name: "remove", label: "Delete…", icon: "trash", key: "Del", isChange: true, isDanger: true },
];
const KEYS = {
  r: "quote",
  b: "write",
  "+": "write",
  e: "edit",
  u: "unread",
  c: "copy",
  delete: "remove",
};
const SIDEWAYS = ["ArrowLeft", "ArrowRight"];
const PRESSED_FOR = 500;
const MOVED = 10;

// The message as it was, in its old place, for everybody.
async function restore(url, id, log) {
  try {
    const answer = await fetch(`${url}/restore`, {
      method: "POST",
      headers: { "HX-Request": "true" },
    });
    if (answer.status === 401) toSignIn();
    else if (answer.ok) {
      log.put(await answer.text());
      document.getElementById(id)?.focus({ preventScroll: true });
    } else flash("Not brought back. It may be in the trash", { isAlert: true });
  } catch {
    flash("Not brought back, the line is down. It is in the trash", { isAlert: true });
  }
}

// Asks first; the safe answer comes first and has the focus.
export async function remove(article, log) {
  const dialog = copyOf("delete-template");
  document.body.append(dialog);
  dialog.showModal();
  await new Promise((resolve) => {
    dialog.addEventListener("close", resolve, { once: true });
  });
  dialog.remove();
  if (dialog.returnValue !== "delete") return;
  article.isUnwanted = true;
  const url = roomUrl(`/messages/${article.dataset.messageId}`);
  try {
    const answer = await fetch(url, { method: "DELETE", headers: { "HX-Request": "true" } });
    if (answer.status === 401) toSignIn();
    else if (answer.ok || answer.status === 404) {
      log.remove(article.id.slice("message_".length));
      const undo = () => restore(url, article.id, log);
      if (answer.ok && "mayReturn" in dialog.dataset) flash("Message deleted", { undo });
    } else {
      article.isUnwanted = false;
      flash("Not deleted. Try again in a moment", { isAlert: true });
    }
  } catch {
    article.isUnwanted = false;
    flash("Not deleted, the line is down", { isAlert: true });
  }
}

const mayChange = (article) => isOwn(article) || viewer.role === "administrator";

function filesOf(article) {
  const found = new Map();
  for (const link of article.querySelectorAll('.message-extras a[href*="/files/"]')) {
    found.set(link.href, decodeURIComponent(link.pathname.split("/").pop()));
  }
  return [...found];
}

export function connect(section, log, { pages, edits, composer, boosts, reading }) {
  const bar = element("div", { class: "message-actions", role: "toolbar" });
  const button = (attributes, ...children) =>
    element(
      "button",
      { class: "button is-quiet", type: "button", tabindex: -1, ...attributes },
      ...children,
    );
  for (const emoji of QUICK) {
    bar.append(button({ value: emoji, "aria-label": `Boost with ${NAMES[emoji]}` }, emoji));
  }
  for (const { name, label, icon: drawn, key } of BAR) {
    const title = key ? `${label} (${key})` : label;
    bar.append(
      button(
        {
          "data-action": name,
          "aria-label": label,
          title,
          ...(key && { "aria-keyshortcuts": key }),
        },
        icon(drawn),
      ),
    );
  }
  bar.querySelector("[data-action=more]").ariaHasPopup = "menu";
  let stop = null;

  const articleOf = (node) => node.closest?.("article.message");
  const offers = (article, { name, isChange }) => {
    if (isChange || name === "edit") return mayChange(article);
    // One's own words are never unread.
    if (name === "unread") return !isOwn(article);
    return name !== "share" || Boolean(navigator.share);
  };

  const act = {
    pick: (article, opener) => boosts.pick(article, opener),
    write: (article, opener) => boosts.pick(article, opener, { isTyped: true }),
    quote: async (article) => {
      try {
        await (await import("./quotes.js")).quote(article, composer);
      } catch {
        flash("Not quoted. Try again in a moment", { isAlert: true });
      }
    },
    unread: (article) => reading.unreadFrom(article),
    copy: (article) => copy(article.querySelector("a.message-time").href, "Link copied"),
    // Whoever closes the sheet without sharing changed their mind, no more.
    share: (article) => {
      const files = filesOf(article);
      const [shared] = files[0] ?? [article.querySelector("a.message-time").href];
      navigator.share({ url: shared }).catch(() => {});
    },
    edit: (article) => {
      bar.remove();
      edits.open(article);
    },
    remove: (article) => remove(article, log),
    more: (article, opener) => openMenu(article, opener),
  };
  const actOn = (article, name, opener = article) => {
    if (!article?.dataset.messageId) return;
    if ((name === "edit" || name === "remove") && !mayChange(article)) return;
    if (name === "unread" && isOwn(article)) return;
    act[name](article, opener);
  };

  const attach = (article) => {
    if (article.classList.contains("is-editing")) {
      bar.remove();
      return;
    }
    if (bar.parentElement === article || !article.dataset.messageId) return;
    bar.ariaLabel = `Actions for the message by ${authorOf(article)}`;
    bar.querySelector("[data-action=edit]").hidden = !mayChange(article);
    article.append(bar);
  };

  // The one message that Tab enters the log at: where one was, or the newest.
  const stopAt = (article) => {
    if (stop === article && article?.tabIndex === 0) return;
    if (stop?.isConnected) stop.tabIndex = -1;
    stop = article;
    if (stop) stop.tabIndex = 0;
  };
  const keepStop = () => {
    const hasFocus = stop?.isConnected && section.contains(document.activeElement);
    if (!hasFocus && (isNearEnd() || !stop?.isConnected)) stopAt(articles().at(-1));
  };
  section.tabIndex = -1;
  log.addEventListener("changed", keepStop);
  keepStop();

  const go = (article) => {
    if (!article) return;
    stopAt(article);
    article.focus({ preventScroll: true });
    show(article);
  };

  section.addEventListener("pointerover", (event) => {
    const article = articleOf(event.target);
    if (article && !bar.contains(document.activeElement)) attach(article);
  });
  section.addEventListener("focusin", (event) => {
    const article = articleOf(event.target);
    if (!article) return;
    attach(article);
    stopAt(article);
  });

  bar.addEventListener("click", (event) => {
    const pressed = event.target.closest("button");
    const article = bar.closest("article");
    if (pressed?.value) boosts.press(article, pressed.value);
    else if (pressed) actOn(article, pressed.dataset.action, pressed);
  });

  // Inside a message the arrows go along its boosts and its bar; Escape goes back to it.
  section.addEventListener("keydown", (event) => {
    const article = articleOf(event.target);
    const inside = event.target.closest(".boosts, .message-actions");
    if (!article || !(inside || event.target === article)) return;
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (inside && event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      article.focus({ preventScroll: true });
    } else if (
      inside ? event.key !== "ArrowUp" && event.key !== "ArrowDown" : SIDEWAYS.includes(event.key)
    ) {
      attach(article);
      menus.step([...article.querySelectorAll(".boost, .message-actions > :not([hidden])")], event);
    }
  });

  section.addEventListener("keydown", async (event) => {
    const article = event.target;
    if (!isMessage(article) || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key === "arrowup") {
      if (!before(article)) await pages.older();
      go(before(article));
    } else if (key === "arrowdown") {
      if (!after(article)) await pages.newer();
      go(after(article));
    } else if (key === "home") go(articles()[0]);
    else if (key === "end") {
      await pages.toNewest();
      go(articles().at(-1));
    } else if (key === "enter") {
      attach(article);
      [...bar.children].find((button) => !button.hidden)?.focus();
    } else if (key === "escape") composer.focus();
    else if (KEYS[key]) actOn(article, KEYS[key], bar.parentElement === article ? bar : article);
    else return;
    event.preventDefault();
  });

  // The bar leaves before its message does, or it would be gone with it.
  log.addEventListener("removing", ({ detail: article }) => {
    if (article.contains(bar)) bar.remove();
    if (stop === article) stop = null;
  });

  // All of it as a menu: behind "more", and with a finger behind "…" or a long press.
  const menu = element("div", { class: "menu", role: "menu", popover: "manual" });
  section.after(menu);
  const item = ({ label, icon: drawn, key, isDanger }, chosen) => {
    const made = element(
      "button",
      { class: isDanger ? "menu-item is-danger" : "menu-item", type: "button", role: "menuitem" },
      icon(drawn),
      element("span", { class: "truncate" }, label),
    );
    if (key && !touch.matches) made.append(element("kbd", {}, key));
    made.addEventListener("click", chosen);
    return made;
  };
  const openMenu = (article, opener) => {
    const chosen = (act) => () => {
      menus.close();
      act();
    };
    const rule = () => element("div", { class: "menu-rule", role: "separator" });
    const entries = (isChange) =>
      MENU.filter((action) => Boolean(action.isChange) === isChange && offers(article, action)).map(
        (action) =>
          item(
            action,
            chosen(() => actOn(article, action.name, opener.isConnected ? opener : article)),
          ),
      );
    const changes = entries(true);
    const files = filesOf(article).map(([href, name]) =>
      item(
        { label: `Download ${name}`, icon: "download" },
        chosen(() => element("a", { href, download: name }).click()),
      ),
    );
    menu.ariaLabel = `Actions for the message by ${authorOf(article)}`;
    menu.replaceChildren(
      element(
        "div",
        { class: "boost-picker" },
        quick("menuitem", (emoji) => {
          menus.close();
          boosts.press(article, emoji);
        }),
      ),
      rule(),
      ...entries(false),
      ...files,
      ...(changes.length ? [rule(), ...changes] : []),
    );
    menus.open(menu, opener, { back: article });
  };
  section.addEventListener("click", (event) => {
    const opener = event.target.closest(".message-more");
    if (opener) openMenu(articleOf(opener), opener);
  });
  menu.addEventListener("keydown", (event) => {
    menus.step([...menu.querySelectorAll("button")], event);
    event.stopPropagation();
  });

  // A long press, unless it is on something that has one of its own.
  let press = null;
  const forget = () => {
    clearTimeout(press?.timer);
    press = null;
  };
  section.addEventListener("pointerdown", (event) => {
    forget();
    const article = articleOf(event.target);
    if (event.pointerType !== "touch" || !article?.dataset.messageId) return;
    if (event.target.closest("a, button, textarea, input, img, video, audio, summary")) return;
    const timer = setTimeout(() => {
      getSelection().removeAllRanges();
      menus.swallowClick();
      openMenu(article, article);
    }, PRESSED_FOR);
    press = { x: event.clientX, y: event.clientY, timer };
  });
  section.addEventListener("pointermove", ({ clientX, clientY }) => {
    if (press && Math.hypot(clientX - press.x, clientY - press.y) > MOVED) forget();
  });
  for (const name of ["pointerup", "pointercancel"]) section.addEventListener(name, forget);
  section.addEventListener("scroll", forget, { passive: true });
  section.addEventListener("contextmenu", (event) => press && event.preventDefault());

  // A link to a message of this room leads there without leaving the page.
  const permalink = new RegExp(`^${roomUrl("/@")}(\\d+)$`);
  section.addEventListener("click", async (event) => {
    const link = event.target.closest(".message-body a[href]");
    if (!link || link.origin !== location.origin || event.defaultPrevented) return;
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const id = link.pathname.match(permalink)?.[1];
    if (!id) return;
    event.preventDefault();
    await pages.toMessage(Number(id));
    const article = section.querySelector(`[data-message-id="${id}"]`);
    if (article) {
      location.replace(`#${article.id}`);
      article.focus({ preventScroll: true });
    } else flash("This message is no longer here");
  });
}
