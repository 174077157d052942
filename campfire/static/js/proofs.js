// What is written, as it will be read: the server draws it in the place of the field and keeps
// nothing. Escape, or the button again, goes back to writing.

import { element, roomUrl, toSignIn } from "./page.js";

export function connect(form, field, { say }) {
  const button = form.querySelector(".composer-proof");
  const page = element("div", {
    class: "composer-page prose",
    tabindex: 0,
    role: "region",
    dir: "auto",
    "aria-label": "Preview",
  });

  const close = () => {
    if (!page.isConnected) return;
    page.remove();
    field.hidden = false;
    button.ariaPressed = "false";
    field.focus({ preventScroll: true });
  };

  const open = async () => {
    if (!field.value.trim()) {
      say("Nothing is written yet");
      return field.focus();
    }
    button.ariaBusy = "true";
    try {
      const answer = await fetch(roomUrl("/preview"), {
        method: "POST",
        headers: { "HX-Request": "true" },
        body: new URLSearchParams({ body: field.value }),
      });
      if (answer.status === 401) return toSignIn();
      if (!answer.ok) return say("It cannot be shown now. Try again in a moment");
      // Sanitized by the server, like every message.
      page.innerHTML = await answer.text();
    } catch {
      return say("The line is down, so it cannot be shown");
    } finally {
      button.ariaBusy = "false";
    }
    field.after(page);
    field.hidden = true;
    button.ariaPressed = "true";
    page.focus({ preventScroll: true });
  };

  button.addEventListener("click", () => (page.isConnected ? close() : open()));
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !page.isConnected || event.defaultPrevented) return;
    event.preventDefault();
    event.stopPropagation();
    close();
  });
  return { close };
}
