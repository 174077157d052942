// A picture as large as the window, dark in either light. The arrows go through the pictures of
// one message; Escape closes it, and the focus is where it was.

import { authorOf } from "./messages.js";
import { element, icon } from "./page.js";

function tool(name, label, icons) {
  const made = element(name, { class: "button is-icon", "aria-label": label, title: label });
  made.append(icon(icons));
  return made;
}

export function open(link) {
  const links = [...link.parentElement.querySelectorAll("a.picture")];
  const article = link.closest("article");
  let at = links.indexOf(link);

  const about = element("span", { class: "truncate" });
  about.textContent = `${authorOf(article)}, ${article.querySelector("time").textContent}`;
  const download = tool("a", "Download", "download");
  download.setAttribute("download", "");
  const share = tool("button", "Share", "share");
  const close = tool("button", "Close (Esc)", "close");
  const picture = element("img");
  const words = element("span", { "aria-live": "polite" });
  const back = tool("button", "Picture before", "arrow-back");
  const on = tool("button", "Next picture", "chevron-end");
  back.hidden = links.length < 2;
  on.hidden = back.hidden;
  const inner = element("div", { class: "lightbox-inner" });
  inner.append(
    element("header", { class: "lightbox-head" }, about, download, share, close),
    element("figure", {}, picture),
    element("footer", { class: "lightbox-foot" }, back, words, on),
  );
  const dialog = element("dialog", { class: "lightbox" }, inner);

  const nameOf = ({ pathname }) => decodeURIComponent(pathname.split("/").at(-1));

  const show = (index) => {
    at = (index + links.length) % links.length;
    const { href, dataset } = links[at];
    const name = nameOf(links[at]);
    Object.assign(picture, { src: href, alt: name, width: dataset.width, height: dataset.height });
    download.href = `${href}?download`;
    dialog.ariaLabel = name;
    const place = links.length > 1 ? ` · ${at + 1} of ${links.length}` : "";
    words.textContent = `${name} · ${dataset.width} × ${dataset.height}${place}`;
  };

  const asFile = async () => {
    const blob = await (await fetch(links[at].href)).blob();
    return new File([blob], nameOf(links[at]), { type: blob.type });
  };

  const probe = new File([], "a.png", { type: "image/png" });
  share.hidden = !navigator.canShare?.({ files: [probe] });
  share.addEventListener("click", async () => {
    // Somebody who thinks again is no fault.
    await navigator.share({ files: [await asFile()] }).catch(() => {});
  });
  close.addEventListener("click", () => dialog.close());
  back.addEventListener("click", () => show(at - 1));
  on.addEventListener("click", () => show(at + 1));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || links.length < 2) return;
    event.preventDefault();
    show(at + step);
  });
  dialog.addEventListener("close", () => {
    dialog.remove();
    link.focus();
  });
  show(at);
  document.body.append(dialog);
  dialog.showModal();
}
