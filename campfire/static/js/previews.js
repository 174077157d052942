// Cards of what a message links to. Only its author is offered to take one away; that it is gone
// is heard on the socket, like everything else that happens to a message.

import { flash } from "./flash.js";
import { isOwn } from "./messages.js";
import { toSignIn } from "./page.js";

export function connect(section) {
  section.addEventListener("submit", async (event) => {
    const form = event.target.closest(".preview-remove");
    if (!form) return;
    event.preventDefault();
    const article = form.closest("article");
    if (!isOwn(article)) return;
    const card = form.closest(".preview");
    card.inert = true;
    // The card is replaced with the message, and the focus must not go with it.
    article.focus({ preventScroll: true });
    try {
      const answer = await fetch(form.action.replace(/\/delete$/, ""), {
        method: "DELETE",
        headers: { "HX-Request": "true" },
      });
      if (answer.status === 401) toSignIn();
      else if (answer.ok || answer.status === 404) return;
      flash("Not removed. Try again in a moment", { isAlert: true });
    } catch {
      flash("Not removed, the line is down", { isAlert: true });
    }
    card.inert = false;
  });
}
