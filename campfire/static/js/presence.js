// Who is here now: a number in the head of the room, and the list of its people in the panel.

import { copyOf, element, room, roomUrl, url, viewer } from "./page.js";

const ASKED_EVERY = 60_000;
const SOMETIME = 1_500;

export function connect(about, opener, socket) {
  const here = new Set();
  const tally = document.getElementById("members");
  let members = null;
  let askedAt = 0;
  let due = 0;
  let panel = null;

  const load = async () => {
    askedAt = Date.now();
    const answer = await fetch(roomUrl(), { headers: { Accept: "application/json" } });
    if (answer.ok) {
      members = (await answer.json()).members;
      tally.textContent = members.length === 1 ? "only you so far" : `${members.length} people`;
    }
    return answer.ok;
  };

  // Not all shall ask in the same moment, and many reasons at once are one question.
  const loadSoon = () => {
    if (due) return;
    due = setTimeout(async () => {
      due = 0;
      await load().catch(() => false);
      draw();
    }, Math.random() * SOMETIME);
  };

  const draw = () => {
    here.add(viewer.id);
    const others = here.size - 1;
    about.textContent = others > 0 ? ` · ${here.size} here now` : "";
    if (panel && members) fill();
  };

  const fill = () => {
    const rank = (person) => (here.has(person.id) ? 0 : 1);
    const people = members
      .filter(({ status }) => status === "active")
      .sort((one, other) => rank(one) - rank(other));
    panel.querySelector(".sheet-about").textContent = `${people.length}, ${here.size} here now`;
    panel.querySelector(".people").replaceChildren(...people.map(entry));
  };

  const entry = (person) => {
    const isHere = here.has(person.id);
    const about = person.id === viewer.id ? "You" : (person.bio ?? "");
    const picture = element("img", {
      class: person.role === "bot" ? "avatar is-bot" : "avatar",
      src: person.avatar_url,
      alt: "",
      width: 36,
      height: 36,
    });
    const words = element("div", { class: "person-words" });
    const card = url(`/users/${person.id}`);
    const name = element("bdi", {}, person.name);
    words.append(element("a", { class: "person-name", href: card }, name));
    if (person.role === "bot") words.append(" ", element("span", { class: "tag" }, "bot"));
    words.append(
      element(
        "p",
        { class: "person-about" },
        about,
        element(
          "span",
          { class: about ? "visually-hidden" : "" },
          `${about ? ", " : ""}${isHere ? "Here now" : "Away"}`,
        ),
      ),
    );
    const mark = element("span", { class: `presence ${isHere ? "is-here" : "is-off"}` }, picture);
    return element("li", {}, element("div", { class: "person" }, mark, words));
  };

  const close = () => {
    if (!panel) return;
    panel.remove();
    panel = null;
    document.body.classList.remove("has-panel");
    opener.ariaExpanded = "false";
    opener.focus();
  };

  const open = async () => {
    panel = copyOf("people-template");
    document.getElementById("main").after(panel);
    document.body.classList.add("has-panel");
    opener.ariaExpanded = "true";
    const closer = panel.querySelector("button");
    closer.addEventListener("click", close);
    panel.addEventListener("keydown", (event) => event.key === "Escape" && close());
    closer.focus();
    await load().catch(() => false);
    draw();
  };

  opener.hidden = false;
  opener.addEventListener("click", () => (panel ? close() : open()));

  socket.addEventListener("room.entered", ({ detail: { room_id, present } }) => {
    if (room_id !== room.id) return;
    here.clear();
    for (const { id } of present) here.add(id);
    draw();
  });

  for (const name of ["room.changed", "membership.granted"]) {
    socket.addEventListener(name, ({ detail }) => {
      if (detail.room_id === room.id) loadSoon();
    });
  }
  socket.addEventListener("user.changed", ({ detail: { user } }) => {
    const known = members?.find(({ id }) => id === user.id);
    if (!known || user.status !== "active") loadSoon();
    else Object.assign(known, user);
    if (panel) draw();
  });

  socket.addEventListener("presence.changed", async ({ detail: { user_id, online } }) => {
    if (!online) here.delete(user_id);
    else {
      // People of other rooms are told of too: only members count here. A stranger is asked
      // about once in a while, so that a busy morning elsewhere costs this room nothing.
      const isMember = () => members?.some(({ id }) => id === user_id);
      if (!isMember() && Date.now() - askedAt > ASKED_EVERY) await load().catch(() => false);
      if (isMember()) here.add(user_id);
    }
    draw();
  });
}
