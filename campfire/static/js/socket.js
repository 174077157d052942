// The line to the server: one socket, one room entered on it. It keeps the number of the last
// change it saw, comes back by itself with that number, and lets nothing pass twice or with a
// hole before it. Every frame is dispatched as an event named like its fact.

import { room, roomUrl, toSignIn, url } from "./page.js";

const SIGNED_OUT = 4401;
const HOLE = 4000;
const SILENT = 4001;
const ENTERING = "enter";
const LONGEST_WAIT = 30;
const ANSWER_WITHIN = 10_000;

export class Socket extends EventTarget {
  seq = room?.seq;
  isLive = false;
  heardAt = Date.now();
  posted = 0;

  #socket = null;
  #tries = 0;
  #retry = 0;
  #heartbeat = 0;
  #silence = 0;

  connect() {
    clearTimeout(this.#retry);
    this.#retry = 0;
    const address = new URL(url("/socket"), location.href);
    address.protocol = address.protocol.replace("http", "ws");
    const socket = new WebSocket(address, ["campfire.html"]);
    this.#socket = socket;
    this.#silence = setTimeout(() => this.#drop(SILENT), ANSWER_WITHIN);
    let opened = false;
    socket.onmessage = (message) => {
      if (socket !== this.#socket) return;
      opened = true;
      this.#hear(JSON.parse(message.data));
    };
    socket.onclose = (event) => {
      if (socket === this.#socket) this.#lost(event.code, opened);
    };
  }

  // Says whether it went out; facts that only matter now need no more than that.
  send(command, more = {}) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify({ command, ...more }));
    return true;
  }

  // Asks at once instead of waiting: for a button, a network that is back, a woken page.
  wake() {
    if (this.#retry) this.connect();
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#ask();
  }

  #hear(frame) {
    this.heardAt = Date.now();
    clearTimeout(this.#silence);
    this.#silence = 0;
    if (frame.event === "welcome") {
      clearInterval(this.#heartbeat);
      this.#heartbeat = setInterval(() => this.#ask(), frame.heartbeat * 1000);
      this.posted = 0;
      if (room) {
        this.send("room.enter", { id: ENTERING, room_id: room.id, since: this.seq });
      } else this.#arrived();
    } else if (frame.room_id === room?.id && frame.seq !== undefined) {
      if (!this.#count(frame)) return;
    } else if (frame.event === "command.refused" && frame.id === ENTERING && frame.status === 404) {
      this.#tell("room.gone", frame);
    }
    this.#tell(frame.event, frame);
    if (frame.event === "room.entered" && frame.room_id === room.id) this.#arrived();
  }

  #count(frame) {
    if (frame.event === "room.entered" || frame.event === "room.reset") {
      this.seq = frame.seq;
      return true;
    }
    if (frame.seq <= this.seq) return false;
    // Only live numbers are without holes: a replay skips what later changes replaced.
    if (this.isLive && frame.seq !== this.seq + 1) {
      this.#drop(HOLE);
      return false;
    }
    this.seq = frame.seq;
    if (frame.event === "message.posted") this.posted += 1;
    return true;
  }

  #arrived() {
    this.#tries = 0;
    this.isLive = true;
    this.#tell("line.up", { posted: this.posted });
  }

  #ask() {
    if (this.#silence) return;
    this.send("ping");
    this.#silence = setTimeout(() => this.#drop(SILENT), ANSWER_WITHIN);
  }

  // A dead line may take minutes to close: it counts as lost now.
  #drop(code) {
    const socket = this.#socket;
    this.#socket = null;
    socket?.close(code);
    this.#lost(code, true);
  }

  #lost(code, opened) {
    clearInterval(this.#heartbeat);
    clearTimeout(this.#silence);
    this.#silence = 0;
    this.isLive = false;
    this.#tell("line.down", { code });
    if (code === SIGNED_OUT) {
      toSignIn();
      return;
    }
    const wait = this.#tries === 0 ? 0 : Math.min(2 ** (this.#tries - 1), LONGEST_WAIT);
    this.#tries += 1;
    this.#retry = setTimeout(() => this.connect(), (wait + Math.random()) * 1000);
    if (!opened) this.knock();
  }

  // A refused handshake tells a page nothing. The same question asked as a request does.
  async knock() {
    try {
      const path = room ? roomUrl() : url("/rooms");
      const { status } = await fetch(path, { headers: { Accept: "application/json" } });
      if (status === 401) toSignIn();
      if (status === 404) this.#tell("room.gone", {});
    } catch {
      // Nobody there: the next try will see.
    }
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

export function connect() {
  const socket = new Socket();
  addEventListener("online", () => socket.wake());
  addEventListener("offline", () => socket.wake());
  // A page that "back" brings from memory may belong to somebody who has signed out since.
  addEventListener("pageshow", ({ persisted }) => {
    if (!persisted) return;
    socket.knock();
    socket.wake();
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") socket.wake();
  });
  socket.connect();
  return socket;
}
