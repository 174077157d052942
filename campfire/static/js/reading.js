// What has been read: everything up to the last message whose end was in view of a focused window.
// A room with more unread than the window holds opens where the last visit ended, so that nothing
// counts as read that nobody saw. And the floating button that leads down to the newest, or up.

import { flash } from "./flash.js";
import { arrange, articles, drawUnreadLine, idOf } from "./messages.js";
import { element, icon, room, roomUrl, toSignIn } from "./page.js";
import { isAbove, isNearEnd, lastInView, show, steady } from "./scroll.js";

const TOLD_AFTER = 300;

export function connect(section, log, pages, socket) {
  // Never lowered: what is marked unread elsewhere stays so until something newer is seen here.
  let toldId = room.lastReadId;
  let timer = 0;
  let isOpening = room.unread > 0 && !room.target;
  let isBackSought = room.unread > 0;
  let isKept = false;

  const tell = () => {
    timer = 0;
    if (isOpening || isKept) return;
    if (!document.hasFocus() || document.visibilityState !== "visible") return;
    const seen = lastInView(log.sent);
    const id = seen ? idOf(seen) : 0;
    if (id <= toldId) return;
    if (socket.isLive && socket.send("room.read", { room_id: room.id, message_id: id })) {
      toldId = id;
    }
  };
  const look = () => {
    if (!timer) timer = setTimeout(tell, TOLD_AFTER);
  };

  const toLine = async () => {
    isBackSought = false;
    if (!document.getElementById("first-unread")) await pages.toMessage(room.firstUnreadId);
    const line = document.getElementById("first-unread");
    if (line && isAbove(line)) show(line, "start");
  };

  const jump = element(
    "div",
    { class: "jump" },
    element("button", { class: "button", type: "button" }),
  );
  const button = jump.firstElementChild;
  let words = "";

  const draw = () => {
    let next = "";
    let up = false;
    const line = document.getElementById("first-unread");
    if (line && !isAbove(line)) isBackSought = false;
    if (log.isDetached || !isNearEnd()) {
      const { unseen } = log;
      next =
        unseen === 0
          ? "Newest messages"
          : unseen === 1
            ? "1 newer message"
            : `${unseen} newer messages`;
    } else if (isBackSought) {
      next = `${room.unread} new since your last visit`;
      up = true;
    }
    if (next === words) return;
    words = next;
    if (!words) {
      if (jump.isConnected) steady(() => jump.remove());
      return;
    }
    button.replaceChildren(icon(up ? "arrow-up" : "arrow-down"), words);
    button.dataset.to = up ? "unread" : "newest";
    if (!jump.isConnected) steady(() => section.after(jump));
  };

  button.addEventListener("click", async () => {
    if (button.dataset.to === "newest") {
      await pages.toNewest();
      document.getElementById("composer-text")?.focus({ preventScroll: true });
    } else {
      await toLine();
    }
    draw();
  });

  let frame = 0;
  const soon = () => {
    look();
    if (frame) return;
    frame = requestAnimationFrame(() => {
      frame = 0;
      draw();
    });
  };
  section.addEventListener("scroll", soon, { passive: true });
  log.addEventListener("changed", soon);
  socket.addEventListener("line.up", look);
  addEventListener("focus", look);
  document.addEventListener("visibilitychange", look);
  if (isOpening) {
    toLine().finally(() => {
      isOpening = false;
      soon();
    });
  } else soon();

  // Unread from this message on, and it stays so until one comes back to the room.
  const unreadFrom = async (article) => {
    const last = idOf(article) - 1;
    try {
      const answer = await fetch(roomUrl("/read"), {
        method: "POST",
        headers: { Accept: "application/json", "Content-Type": "application/json" },
        body: JSON.stringify({ message_id: last }),
      });
      if (answer.status === 401) toSignIn();
      if (!answer.ok) throw new Error(answer.status);
      const { unread_count } = await answer.json();
      isKept = true;
      isBackSought = false;
      room.lastReadId = last;
      room.unread = unread_count;
      steady(() => {
        const line = document.getElementById("first-unread");
        const below = line && articles().find((each) => line.compareDocumentPosition(each) & 4);
        line?.remove();
        if (below) arrange(below);
        drawUnreadLine();
      });
      flash("Unread from here");
    } catch {
      flash("Not marked. Try again in a moment", { isAlert: true });
    }
  };
  return { unreadFrom };
}
