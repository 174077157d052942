// The inbox: what is read here is read at once, and what happens elsewhere appears here.

import { flash } from "./flash.js";
import { toSignIn } from "./page.js";
import { localizeMoments } from "./times.js";

const SOON = 400;
const HEADERS = { "HX-Request": "true" };

export function connect(list, socket) {
  let timer = 0;

  const refresh = async () => {
    try {
      const answer = await fetch(location.href, { headers: HEADERS });
      if (answer.status === 401) return toSignIn();
      if (!answer.ok) return;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const focused = list.contains(document.activeElement)
        ? document.activeElement.closest("[data-message-id]")?.dataset.messageId
        : null;
      list.replaceChildren(...document.adoptNode(fresh.body).childNodes);
      localizeMoments(list);
      list.querySelector(`[data-message-id="${focused}"] a`)?.focus();
    } catch {
      // The line is down: it says so itself, and this is asked again when it is back.
    }
  };
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(refresh, SOON);
  };
  for (const name of ["room.unread", "room.read", "membership.revoked", "room.removed"]) {
    socket.addEventListener(name, soon);
  }
  let wasDown = false;
  socket.addEventListener("line.down", () => {
    wasDown = true;
  });
  socket.addEventListener("line.up", () => wasDown && soon());

  document.getElementById("main").addEventListener("submit", async (event) => {
    const form = event.target;
    event.preventDefault();
    const body = new URLSearchParams(new FormData(form, event.submitter));
    try {
      const answer = await fetch(form.action, { method: "POST", headers: HEADERS, body });
      if (answer.status === 401) return toSignIn();
      if (!answer.ok) return flash("This did not work.", { isAlert: true });
      if (form.id === "inbox-read") flash("Everything is read");
      await refresh();
    } catch {
      flash("The line is down. Nothing was changed.", { isAlert: true });
    }
  });
  localizeMoments(list);
}
