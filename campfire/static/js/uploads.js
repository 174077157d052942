// Files on their way. Pictures chosen together are one message with a gallery and every other file
// is a message of its own, sent one after the other: what fails waits here with its reason, and a
// gallery that is refused falls apart, so that only the picture at fault waits.

import { articleFor, bodyOf } from "./messages.js";
import { placeholder } from "./outbox.js";
import { element, icon, roomUrl } from "./page.js";

const MOST = 10;
const SHOWN = /^image\/(png|jpeg|gif|webp)$/;
const MEGABYTE = 1_000_000;
// A line that was cut may never say so: it is silent. The server looks at files before it answers.
const SILENT = 20_000;
const LOOKED_AT = 120_000;
const STALE = 5_000;

const newId = () => crypto.randomUUID();
const isPicture = (file) => SHOWN.test(file.type);

export function sized(bytes) {
  if (bytes < 1000) return `${bytes} bytes`;
  if (bytes < MEGABYTE) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / MEGABYTE).toFixed(1)} MB`;
}

// A card as files have it everywhere: the ending of a name is never cut.
function card(name, file) {
  const at = file.name.lastIndexOf(".");
  const cut = at > 0 && file.name.length - at < 17 ? at : file.name.length;
  const made = element(name, { class: "file" });
  if (isPicture(file)) {
    const src = URL.createObjectURL(file);
    const attributes = { class: "file-picture", src, alt: "", width: 40, height: 40 };
    const picture = element("img", attributes);
    picture.addEventListener("load", () => URL.revokeObjectURL(src), { once: true });
    made.append(picture);
  } else made.append(icon("file"));
  const title = element("span", { class: "file-name" });
  title.append(element("span", { class: "truncate" }, file.name.slice(0, cut)));
  title.append(element("span", {}, file.name.slice(cut)));
  made.append(title, element("span", { class: "file-about" }, sized(file.size)));
  made.append(element("div", { class: "file-tools" }));
  return made;
}

function button(label, name, words) {
  const kind = words ? "button is-small" : "button is-quiet is-icon is-small";
  const made = element("button", { class: kind, type: "button", "aria-label": label });
  made.append(icon(name), words ?? "");
  return made;
}

export class Uploads {
  #log;
  #pages;
  #form;
  #tray;
  #chosen = [];
  #items = [];
  #isSending = false;
  #giveUp = null;

  constructor(form, log, pages) {
    this.#form = form;
    this.#log = log;
    this.#pages = pages;
    this.#tray = document.getElementById("tray");
  }

  // Into the tray, where one can think again.
  add(files) {
    const largest = Number(this.#form.dataset.largest);
    for (const file of files) {
      const line = card("li", file);
      const entry = { file, line, isTooLarge: file.size > largest };
      if (entry.isTooLarge) {
        line.classList.add("is-failed");
        line.querySelector(".file-about").textContent =
          `${sized(file.size)}, the limit is ${largest / MEGABYTE} MB`;
      }
      const remove = button(`Remove ${file.name}`, "close");
      remove.addEventListener("click", () => {
        this.#chosen = this.#chosen.filter((each) => each !== entry);
        line.remove();
        this.#tray.hidden = !this.#chosen.length;
        this.#form.elements.body.focus();
      });
      line.querySelector(".file-tools").append(remove);
      this.#tray.append(line);
      this.#chosen.push(entry);
    }
    this.#tray.hidden = !this.#chosen.length;
  }

  // Everything in the tray that is not too large.
  send() {
    const files = this.#chosen.filter(({ isTooLarge }) => !isTooLarge).map(({ file }) => file);
    if (!files.length) return;
    for (const { line, isTooLarge } of this.#chosen) if (!isTooLarge) line.remove();
    this.#chosen = this.#chosen.filter(({ isTooLarge }) => isTooLarge);
    this.#tray.hidden = !this.#chosen.length;
    const pictures = files.filter(isPicture);
    while (pictures.length) this.#queue(pictures.splice(0, MOST));
    for (const file of files) if (!isPicture(file)) this.#queue([file]);
    this.#pages.toNewest();
    this.#flush();
  }

  // What waits stands at the end of the log whenever that is in the window.
  show() {
    for (const item of this.#items) this.#draw(item);
  }

  settle(clientId) {
    this.#items = this.#items.filter((item) => item.clientId !== clientId);
  }

  get isBusy() {
    return this.#items.length > 0 || this.#chosen.length > 0;
  }

  retry() {
    for (const item of this.#items) if (item.isOffline) this.#again(item);
  }

  // The line is back: what hangs on the old one is sent again.
  hurry() {
    this.#giveUp?.();
    this.retry();
  }

  #queue(files) {
    const item = { clientId: newId(), files, at: Date.now() };
    this.#items.push(item);
    this.#draw(item);
  }

  #draw(item) {
    if (articleFor(item.clientId)) return;
    const article = placeholder(item.clientId, item.at);
    item.cards = item.files.map((file) => card("li", file));
    const label = item.files.length > 1 ? "Files on their way" : item.files[0].name;
    const list = element("ul", { class: "composer-tray is-bare", "aria-label": label });
    list.append(...item.cards);
    bodyOf(article).append(list);
    if (!this.#log.append(article)) return;
    if (item.reason) this.#fail(item, item.reason);
    else this.#say(item, () => "Next");
  }

  #say(item, words) {
    item.files.forEach((file, index) => {
      item.cards[index].querySelector(".file-about").textContent = words(file, index);
    });
  }

  async #flush() {
    if (this.#isSending) return;
    this.#isSending = true;
    for (;;) {
      const item = this.#items.find(({ reason }) => !reason);
      if (!item) break;
      await this.#send(item);
    }
    this.#isSending = false;
  }

  async #send(item) {
    const stop = button(`Stop sending ${item.files[0].name}`, "close");
    item.cards[0].querySelector(".file-tools").replaceChildren(stop);
    for (const [index, each] of item.cards.entries()) {
      const label = `Sending ${item.files[index].name}`;
      each.append(element("progress", { max: 100, value: 0, "aria-label": label }));
    }
    const answer = await this.#request(item, stop);
    for (const each of item.cards) {
      each.querySelector("progress")?.remove();
      each.querySelector(".file-tools").replaceChildren();
    }
    if (answer.isStopped) this.#discard(item);
    else if (answer.status === 200 || answer.status === 201) {
      this.settle(item.clientId);
      this.#log.store(answer.text);
    } else if (answer.status === 429 || answer.status === 503) {
      this.#say(item, () => "Waits for its turn");
      await new Promise((resolve) => setTimeout(resolve, (answer.after || 1) * 1000));
    } else if (item.files.length > 1 && [413, 422].includes(answer.status)) {
      this.#discard(item);
      for (const file of item.files) this.#queue([file]);
    } else {
      item.isOffline = !answer.status;
      this.#fail(item, answer.reason);
    }
  }

  // With the bytes that have gone, which fetch does not tell.
  #request(item, stop) {
    const form = new FormData();
    form.append("client_message_id", item.clientId);
    for (const file of item.files) form.append("attachment", file, file.name);
    return new Promise((resolve) => {
      const request = new XMLHttpRequest();
      const lost = { status: 0, reason: "the line dropped. The file is still here." };
      let outcome = { isStopped: true };
      let late = 0;
      let heardAt = Date.now();
      const abort = (answer) => {
        outcome = answer;
        request.abort();
      };
      const wait = (most) => {
        clearTimeout(late);
        heardAt = Date.now();
        late = setTimeout(() => abort(lost), most);
      };
      // As if the server had been busy: it goes again in a moment.
      this.#giveUp = () => Date.now() - heardAt > STALE && abort({ status: 503 });
      request.open("POST", roomUrl("/messages"));
      request.setRequestHeader("HX-Request", "true");
      request.upload.addEventListener("progress", ({ loaded, total }) => {
        wait(loaded < total ? SILENT : LOOKED_AT);
        this.#progress(item, loaded, total);
      });
      request.addEventListener("load", () => {
        const { status, responseText: text } = request;
        const after = Number(request.getResponseHeader("Retry-After"));
        resolve({ status, text, after, reason: reasonOf(status, text) });
      });
      request.addEventListener("error", () => resolve(lost));
      request.addEventListener("abort", () => resolve(outcome));
      request.addEventListener("loadend", () => {
        clearTimeout(late);
        this.#giveUp = null;
      });
      stop.addEventListener("click", () => request.abort());
      request.send(form);
      wait(SILENT);
    });
  }

  // The files go one behind the other, so what has gone says how far each is.
  #progress(item, loaded, total) {
    const size = item.files.reduce((sum, file) => sum + file.size, 0);
    let left = loaded - (total - size);
    this.#say(item, (file, index) => {
      const sent = Math.max(0, Math.min(file.size, left));
      left -= file.size;
      const bar = item.cards[index].querySelector("progress");
      if (bar) bar.value = file.size ? (100 * sent) / file.size : 100;
      if (loaded >= total) return "Checking";
      if (sent >= file.size) return "Sent";
      return sent ? `Sending, ${sized(sent)} of ${sized(file.size)}` : "Next";
    });
  }

  #fail(item, reason) {
    item.reason = reason;
    articleFor(item.clientId)?.classList.add("is-failed");
    this.#say(item, () => `Not sent, ${reason}`);
    for (const each of item.cards) each.classList.add("is-failed");
    const names = item.files.map((file) => file.name).join(", ");
    const again = button(`Retry ${names}`, "retry", "Retry");
    again.addEventListener("click", () => this.#again(item));
    const discard = button(`Discard ${names}`, "close");
    discard.addEventListener("click", () => this.#discard(item));
    item.cards[0].querySelector(".file-about").setAttribute("role", "alert");
    item.cards[0].querySelector(".file-tools").replaceChildren(again, discard);
  }

  #again(item) {
    item.reason = undefined;
    articleFor(item.clientId)?.classList.remove("is-failed");
    for (const each of item.cards) {
      each.classList.remove("is-failed");
      each.querySelector(".file-tools").replaceChildren();
    }
    this.#say(item, () => "Next");
    this.#flush();
  }

  #discard(item) {
    this.settle(item.clientId);
    this.#log.remove(item.clientId);
  }
}

function reasonOf(status, text) {
  if (status === 401) return "you are signed out.";
  if (status === 404) return "this room is no longer here.";
  const said = new DOMParser().parseFromString(text, "text/html");
  const reason = said.querySelector("[role=alert]")?.textContent ?? "The server did not take it.";
  return reason.charAt(0).toLowerCase() + reason.slice(1);
}

export function connect(form, { log, pages, socket }) {
  const uploads = new Uploads(form, log, pages);
  const picker = form.elements.attachment;
  const take = () => {
    uploads.add(picker.files);
    picker.value = "";
  };
  picker.addEventListener("change", () => {
    take();
    form.elements.body.focus();
  });
  // Some may have been chosen before this ran.
  take();
  form.addEventListener("paste", (event) => {
    const { files } = event.clipboardData;
    // A spreadsheet gives its cells and a picture of them: the cells were taken.
    if (!files.length || event.defaultPrevented) return;
    event.preventDefault();
    uploads.add(files);
  });
  const sheet = document.getElementById("main");
  const holdsFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
  const over = (isOver) => form.classList.toggle("is-over", isOver);
  sheet.addEventListener("dragover", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    over(true);
  });
  sheet.addEventListener("dragleave", (event) => {
    if (!sheet.contains(event.relatedTarget)) over(false);
  });
  sheet.addEventListener("drop", (event) => {
    if (!holdsFiles(event)) return;
    event.preventDefault();
    over(false);
    uploads.add(event.dataTransfer.files);
    form.elements.body.focus();
  });
  // They are kept by this page alone.
  addEventListener("beforeunload", (event) => uploads.isBusy && event.preventDefault());
  addEventListener("online", () => uploads.hurry());
  socket.addEventListener("line.up", () => uploads.hurry());
  socket.addEventListener("message.removed", ({ detail }) => {
    uploads.settle(detail.client_message_id);
  });
  log.addEventListener("loaded", () => uploads.show());
  return uploads;
}
