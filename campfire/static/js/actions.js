// What can be done with a message: one bar that moves to the message under the pointer or the
// focus, the keys of the log, and on touch the same as a menu. The log is one tab stop; arrows
// move in it.

import { copy, flash } from "./flash.js";
import { after, articles, authorOf, before, isMessage, isOwn } from "./messages.js";
import { copyOf, element, icon, roomUrl, toSignIn, viewer } from "./page.js";
import { isNearEnd, show } from "./scroll.js";

const ACTIONS = [
  { name: "unread", label: "Mark unread from here", icon: "unread", key: "u" },
  { name: "copy", label: "Copy link", icon: "link", key: "c" },
  { name: "edit", label: "Edit", icon: "pencil", key: "e" },
  { name: "remove", label: "Delete", icon: "trash", danger: true },
];

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
  try {
    const answer = await fetch(roomUrl(`/messages/${article.dataset.messageId}`), {
      method: "DELETE",
      headers: { "HX-Request": "true" },
    });
    if (answer.status === 401) toSignIn();
    else if (answer.ok || answer.status === 404) log.remove(article.id.slice("message_".length));
    else {
      article.isUnwanted = false;
      flash("Not deleted. Try again in a moment", { isAlert: true });
    }
  } catch {
    article.isUnwanted = false;
    flash("Not deleted, the line is down", { isAlert: true });
  }
}

// Everything before the message is read, and it is where reading goes on, on every device.
async function markUnread(article) {
  try {
    const answer = await fetch(roomUrl("/read"), {
      method: "POST",
      headers: { "HX-Request": "true" },
      body: new URLSearchParams({ message_id: Number(article.dataset.messageId) - 1 }),
    });
    if (answer.status === 401) toSignIn();
    else flash(answer.ok ? "Unread from here" : "This did not work.", { isAlert: !answer.ok });
  } catch {
    flash("The line is down. Nothing was changed.", { isAlert: true });
  }
}

export function connect(section, log, { pages, edits, composer }) {
  const bar = element("div", { class: "message-actions", role: "toolbar" });
  for (const action of ACTIONS) {
    bar.append(
      element(
        "button",
        {
          class: "button is-quiet",
          type: "button",
          tabindex: -1,
          "data-action": action.name,
          "aria-label": action.label,
          title: action.key ? `${action.label} (${action.key.toUpperCase()})` : action.label,
        },
        icon(action.icon),
      ),
    );
  }
  let stop = null;

  const articleOf = (node) => node.closest?.("article.message");
  const mayChange = (article) => isOwn(article) || viewer.role === "administrator";
  const mayEdit = (article) => isOwn(article);
  const offers = (article, { name }) => {
    if (name === "copy") return true;
    // One's own words are never unread.
    if (name === "unread") return !isOwn(article);
    return name === "edit" ? mayEdit(article) : mayChange(article);
  };

  const actOn = (article, name) => {
    if (!article?.dataset.messageId) return;
    if (name === "copy") {
      const permalink = article.querySelector("a.message-time");
      copy(permalink.href, "Link copied");
    } else if (name === "edit" && mayEdit(article)) {
      bar.remove();
      edits.open(article);
    } else if (name === "unread" && !isOwn(article)) markUnread(article);

    if (name === "remove" && mayChange(article)) remove(article, log);
  };

  const attach = (article) => {
    if (article.classList.contains("is-editing")) {
      bar.remove();
      return;
    }
    if (bar.parentElement === article || !article.dataset.messageId) return;
    bar.ariaLabel = `Actions for the message by ${authorOf(article)}`;
    for (const [index, action] of ACTIONS.entries()) {
      bar.children[index].hidden = !offers(article, action);
    }
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
    const name = event.target.closest("button")?.dataset.action;
    if (name) actOn(bar.closest("article"), name);
  });
  bar.addEventListener("keydown", (event) => {
    const buttons = [...bar.children].filter((button) => !button.hidden);
    const at = buttons.indexOf(document.activeElement);
    const forward = getComputedStyle(bar).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = forward === "ArrowRight" ? "ArrowLeft" : "ArrowRight";
    let next = null;
    if (event.key === forward) next = buttons[(at + 1) % buttons.length];
    else if (event.key === back) next = buttons[(at - 1 + buttons.length) % buttons.length];
    else if (event.key === "Home") next = buttons[0];
    else if (event.key === "End") next = buttons.at(-1);
    else if (event.key === "Escape") next = bar.closest("article");
    else return;
    event.preventDefault();
    event.stopPropagation();
    next.focus();
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
    else if (key === "e") actOn(article, "edit");
    else if (key === "c") actOn(article, "copy");
    else if (key === "u") actOn(article, "unread");
    else if (key === "delete") actOn(article, "remove");
    else return;
    event.preventDefault();
  });

  // The bar leaves before its message does, or it would be gone with it.
  log.addEventListener("removing", ({ detail: article }) => {
    if (article.contains(bar)) bar.remove();
    if (stop === article) stop = null;
  });

  // With a finger the same actions come as a menu.
  const menu = element("div", {
    class: "menu",
    role: "menu",
    popover: "",
    "aria-label": "Actions",
  });
  section.after(menu);
  section.addEventListener("click", (event) => {
    const opener = event.target.closest(".message-more");
    if (!opener) return;
    const article = articleOf(opener);
    menu.replaceChildren(
      ...ACTIONS.filter((action) => offers(article, action)).map((action) => {
        const item = element(
          "button",
          {
            class: action.danger ? "menu-item is-danger" : "menu-item",
            type: "button",
            role: "menuitem",
          },
          icon(action.icon),
          action.label,
        );
        item.addEventListener("click", () => {
          menu.hidePopover();
          actOn(article, action.name);
        });
        return item;
      }),
    );
    menu.showPopover();
    menu.firstElementChild.focus();
  });
  menu.addEventListener("keydown", (event) => {
    const items = [...menu.children];
    const at = items.indexOf(document.activeElement);
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    items[(at + step + items.length) % items.length].focus();
  });
}
