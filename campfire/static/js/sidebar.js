// The list of rooms: unread counts, rooms that come, change and go, the number in the title of
// the window, and on a phone the drawer.

import { element, icon, room, url } from "./page.js";

const title = document.title;

function order(list) {
  const rows = [...list.children];
  const nameOf = (row) => row.querySelector(".truncate").textContent.toLowerCase();
  rows.sort((one, other) => nameOf(one).localeCompare(nameOf(other)));
  list.append(...rows);
}

function row({ id, name, kind }) {
  const badge = element("span", { class: "badge", hidden: "" });
  badge.append(element("b"), element("span", { class: "visually-hidden" }));
  const link = element("a", {
    class: "sidebar-link",
    href: url(`/rooms/${id}`),
    "data-room-id": id,
    "data-unread": 0,
    title: name,
  });
  link.append(
    icon(kind === "closed" ? "lock" : "room"),
    element("span", { class: "truncate" }, name),
    badge,
  );
  return element("li", {}, link);
}

export function connect(sidebar, socket) {
  const list = document.getElementById("rooms");
  const opener = document.querySelector(".drawer-open");
  const linkTo = (id) => list.querySelector(`[data-room-id="${id}"]`);

  const total = () => {
    let unread = 0;
    for (const link of list.querySelectorAll("[data-unread]"))
      unread += Number(link.dataset.unread);
    document.title = unread ? `(${unread}) ${title}` : title;
    opener.classList.toggle("has-unread", unread > 0);
    opener.ariaLabel = unread ? `Rooms, ${unread} unread` : "Rooms";
  };

  const count = (id, unread, isMentioned = false) => {
    const link = linkTo(id);
    if (!link) return;
    link.dataset.unread = unread;
    link.classList.toggle("is-unread", unread > 0);
    const badge = link.querySelector(".badge");
    badge.hidden = !unread;
    badge.classList.toggle("is-ember", isMentioned || (unread > 0 && badge.matches(".is-ember")));
    badge.firstElementChild.textContent = unread > 999 ? "999+" : unread;
    badge.lastElementChild.textContent = isMentioned ? " unread, you are mentioned" : " unread";
    total();
  };

  const isWatched = (id) =>
    id === room?.id && document.hasFocus() && document.visibilityState === "visible";

  socket.addEventListener("room.unread", ({ detail }) => {
    // The open room is read as fast as it fills: a count would only flicker.
    if (!isWatched(detail.room_id)) count(detail.room_id, detail.unread_count, detail.mentioned);
  });
  socket.addEventListener("room.read", ({ detail }) => {
    count(detail.room_id, detail.unread_count ?? 0);
  });

  const ask = async () => {
    try {
      const answer = await fetch(url("/rooms"), { headers: { Accept: "application/json" } });
      if (!answer.ok) return;
      for (const each of await answer.json()) {
        if (!linkTo(each.id)) list.append(row(each));
        if (!isWatched(each.id)) count(each.id, each.membership.unread_count);
      }
      order(list);
    } catch {
      // The next time the line is up, it is asked again.
    }
  };

  const add = ({ detail: { room: added } }) => {
    if (!added) ask();
    if (!added || linkTo(added.id)) return;
    list.append(row(added));
    order(list);
    count(added.id, added.membership?.unread_count ?? 0);
  };
  const drop = ({ detail }) => {
    linkTo(detail.room_id ?? detail.room?.id)
      ?.closest("li")
      .remove();
    total();
  };
  socket.addEventListener("room.created", add);
  socket.addEventListener("membership.granted", add);
  socket.addEventListener("room.removed", drop);
  socket.addEventListener("membership.revoked", drop);
  socket.addEventListener("room.changed", ({ detail: { room: changed } }) => {
    const link = changed && linkTo(changed.id);
    if (!link) return;
    link.title = changed.name;
    link.querySelector(".truncate").textContent = changed.name;
    order(list);
  });

  // Counts may have moved while nobody told: the line was down, or the page lay in the cache.
  let wasDown = false;
  const mark = (isHere) => {
    document.getElementById("me").className = `presence ${isHere ? "is-here" : "is-off"}`;
  };
  socket.addEventListener("line.down", () => {
    wasDown = true;
    mark(false);
  });
  socket.addEventListener("line.up", () => {
    mark(true);
    if (!wasDown) return;
    wasDown = false;
    ask();
  });

  connectDrawer(sidebar, opener);
  total();
}

function connectDrawer(sidebar, opener) {
  const shell = document.body;
  const rest = document.getElementById("main");
  const closer = sidebar.querySelector(".drawer-close");

  const open = () => {
    shell.dataset.drawer = "open";
    rest.inert = true;
    sidebar.querySelector("[aria-current], .sidebar-list a")?.focus();
  };
  const close = () => {
    if (!shell.dataset.drawer) return;
    delete shell.dataset.drawer;
    rest.inert = false;
    opener.focus();
  };

  opener.ariaExpanded = "false";
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  for (const way of [closer, document.querySelector(".drawer-veil")]) {
    way.addEventListener("click", (event) => {
      event.preventDefault();
      close();
    });
  }
  addEventListener("keydown", (event) => event.key === "Escape" && close());
  addEventListener("pagehide", close);
  // Wide again, there is no drawer that could be open.
  matchMedia("(width >= 48rem)").addEventListener("change", close);
}
