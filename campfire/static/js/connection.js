// The banner under the head of the room while the line is down, and for a moment when it is back.
// A short break is nobody's business: it says nothing for two seconds, and disables nothing ever.

import { element, icon } from "./page.js";
import { timeOfDay } from "./times.js";

const QUIET_FOR = 2_000;
const BACK_FOR = 4_000;

export function connect(place, socket) {
  let timer = 0;
  let isDown = true;

  const isSaid = () => place.childElementCount > 0;

  const sayDown = () => {
    const again = element("button", { class: "button is-small", type: "button" }, "Try now");
    again.addEventListener("click", () => socket.wake());
    const upTo = new Date(socket.heardAt);
    const words = element(
      "p",
      {},
      element("b", {}, "Reconnecting…"),
      " Complete up to ",
      element("time", { datetime: upTo.toISOString() }, timeOfDay(upTo)),
      ". ",
      element(
        "span",
        { class: "banner-more" },
        "What you write is kept and sent when the line is back.",
      ),
    );
    place.replaceChildren(element("div", { class: "banner" }, icon("offline"), words, again));
  };

  const sayBack = (posted) => {
    const came =
      posted === 0
        ? "nothing was said meanwhile."
        : posted === 1
          ? "one message came in meanwhile."
          : `${posted} messages came in meanwhile.`;
    const words = element("p", {}, element("b", {}, "Back."), ` Everything is here, ${came}`);
    place.replaceChildren(element("div", { class: "banner is-back" }, icon("check"), words));
    timer = setTimeout(() => place.replaceChildren(), BACK_FOR);
  };

  socket.addEventListener("line.down", () => {
    // Every try that fails is told of; the break began with the first.
    if (isDown) return;
    isDown = true;
    clearTimeout(timer);
    place.replaceChildren();
    timer = setTimeout(sayDown, QUIET_FOR);
  });

  socket.addEventListener("line.up", ({ detail: { posted } }) => {
    isDown = false;
    clearTimeout(timer);
    if (isSaid()) sayBack(posted);
  });

  // The first try of a fresh page may find nobody.
  timer = setTimeout(sayDown, QUIET_FOR);
}
