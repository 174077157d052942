// Who is writing, in the line under the composer: mine told to the room, the others' shown.
// The server forgets a typist after ten silent seconds; so does this page, if it hears nothing.

import { element, room, viewer } from "./page.js";

const AGAIN_AFTER = 1_000;
const FORGOTTEN_AFTER = 12_000;

function sentence(names) {
  if (names.length === 1) return `${names[0]} is writing`;
  if (names.length === 2) return `${names[0]} and ${names[1]} are writing`;
  return `${names[0]}, ${names[1]} and ${names.length - 2} more are writing`;
}

export function connect(line, socket) {
  const typists = new Map();
  let toldAt = 0;

  const show = () => {
    const names = [...typists.values()].map(({ name }) => name);
    if (!names.length) {
      line.replaceChildren();
      return;
    }
    const embers = element("span", { class: "typing-embers", "aria-hidden": "true" });
    embers.append(element("i"), element("i"), element("i"));
    line.replaceChildren(embers, element("span", { class: "truncate" }, sentence(names)));
  };

  const forget = (id) => {
    clearTimeout(typists.get(id)?.timer);
    if (typists.delete(id)) show();
  };

  socket.addEventListener("room.typing", ({ detail: { room_id, user, typing } }) => {
    if (room_id !== room.id || user.id === viewer.id) return;
    if (!typing) {
      forget(user.id);
      return;
    }
    clearTimeout(typists.get(user.id)?.timer);
    const timer = setTimeout(() => forget(user.id), FORGOTTEN_AFTER);
    typists.set(user.id, { name: user.name, timer });
    show();
  });

  socket.addEventListener("line.down", () => {
    for (const id of [...typists.keys()]) forget(id);
    toldAt = 0;
  });

  return {
    start() {
      if (Date.now() - toldAt < AGAIN_AFTER) return;
      if (socket.isLive && socket.send("room.type", { room_id: room.id })) toldAt = Date.now();
    },
    stop() {
      if (toldAt) socket.send("room.stop_typing", { room_id: room.id });
      toldAt = 0;
    },
    forget,
  };
}
