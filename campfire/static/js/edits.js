// Editing in place: the composer's box in the place of the words. The form comes from the server
// with the source of the message; Escape leaves the message as it was.

import htmx from "../vendor/htmx.js";
import { grow, isSendKey } from "./composer.js";
import { flash } from "./flash.js";
import { bodyOf } from "./messages.js";
import { element, roomUrl } from "./page.js";
import { show, steady } from "./scroll.js";
import { localize } from "./times.js";

const messageUrl = (article, path = "") => roomUrl(`/messages/${article.dataset.messageId}${path}`);

export function connect(log, { remove, sounds }) {
  const close = (article, html) => {
    steady(() => {
      article.querySelector(".message-edit")?.remove();
      const body = bodyOf(article);
      if (body) body.hidden = false;
    });
    log.closeEditor(article, html);
    article.focus({ preventScroll: true });
  };

  const prepare = (article, place) => {
    const form = place.querySelector("form");
    const field = form.elements.body;
    const hint = form.querySelector(".composer-hint");
    localize(form);
    grow(field);
    form.noValidate = true;
    // Without a line one writes without them.
    import("./completions.js").then(
      (completions) => completions.connect(field, form.querySelector(".composer-box"), sounds),
      () => {},
    );

    form.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) {
        event.preventDefault();
        close(article);
      } else if (event.target === field && isSendKey(event)) {
        event.preventDefault();
        form.requestSubmit();
      }
      // The log has keys of its own, which letters typed here are not.
      event.stopPropagation();
    });
    form.addEventListener("click", (event) => {
      const action = event.target.closest("[data-action]")?.dataset.action;
      if (action === "cancel") close(article);
      if (action === "remove") remove(article);
    });
    form.addEventListener("htmx:before:request", (event) => {
      if (field.value.trim()) return;
      event.preventDefault();
      hint.textContent = "Write something, or delete the message";
    });
    form.addEventListener("htmx:after:request", (event) => {
      const { ctx } = event.detail;
      const { status } = ctx.response;
      // The answer is ours to read: a redirect to the door would take the words along.
      event.preventDefault();
      if (status === 200) close(article, ctx.text);
      else if (status === 401) hint.textContent = "You are signed out. Sign in again and save";
      else if (status === 404) hint.textContent = "This message is no longer here";
      else if (status === 422) hint.textContent = "Not saved: it is empty or too long";
      else hint.textContent = "Not saved. Try again in a moment";
    });
    form.addEventListener("htmx:error", () => {
      hint.textContent = "Not saved, the line is down. Your words are still here";
    });

    field.focus({ preventScroll: true });
    field.setSelectionRange(field.value.length, field.value.length);
    show(place);
  };

  const open = async (article) => {
    if (article.classList.contains("is-editing")) {
      article.querySelector("textarea")?.focus();
      return;
    }
    article.classList.add("is-editing");
    const body = bodyOf(article);
    const place = element("div", { class: "message-body message-edit", hidden: "" });
    body.after(place);
    await htmx.ajax("GET", messageUrl(article, "/edit"), { target: place, swap: "innerHTML" });
    if (!place.querySelector("form")) {
      place.remove();
      log.closeEditor(article);
      flash("This message cannot be edited now", { isAlert: true });
      return;
    }
    steady(() => {
      body.hidden = true;
      place.hidden = false;
    });
    prepare(article, place);
  };

  // Somebody else deletes the message while its words are being changed: these move to where they can be sent.
  log.addEventListener("removing", ({ detail: article }) => {
    const words = article.querySelector(".message-edit textarea")?.value;
    const field = document.getElementById("composer-text");
    if (!words || !field || article.isUnwanted) return;
    field.value = field.value ? `${field.value}\n\n${words}` : words;
    field.dispatchEvent(new Event("input"));
    flash("The message was deleted. Your words are in the composer", { isAlert: true });
  });

  return { open };
}
