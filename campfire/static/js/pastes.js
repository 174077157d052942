// Rich text becomes Markdown when it is pasted. Links and addresses on selected words are turned by
// GitHub's module; it leaves emphasis, headings, lists, quotes and code as bare words, and the tags
// around a table as they are, so text with any of these is turned here.

import {
  installHTML,
  installLink,
  installText,
  uninstallHTML,
  uninstallLink,
  uninstallText,
} from "../vendor/paste-markdown.js";
import { put } from "./fields.js";

const RICH =
  "b, strong, i, em, del, s, code, pre, h1, h2, h3, h4, h5, h6, ul, ol, table, blockquote, span[data-style]";
const LEFT_OUT = "script, style, head, title, template, noscript";
const BLOCKS = new Set(
  "ADDRESS ARTICLE ASIDE DIV DD DL DT FIGURE FOOTER HEADER MAIN P SECTION TR".split(" "),
);
const INSTALL = [installLink, installText, installHTML];
const UNINSTALL = [uninstallLink, uninstallText, uninstallHTML];
const WRAPS = { B: "**", STRONG: "**", I: "_", EM: "_", DEL: "~~", S: "~~" };

const escaped = (text) => text.replace(/[\\`*_[\]~]/g, "\\$&");
const percent = (sign) => `%${sign.charCodeAt(0).toString(16).padStart(2, "0")}`;
const tidy = (text) => text.replace(/[ \t]+\n/g, "\n").replace(/\n{3,}/g, "\n\n");
const indented = (text, first, rest) => first + tidy(text).trim().replaceAll("\n", `\n${rest}`);

// Marks stand close to the words, or they would be read as stars.
function wrapped(text, mark) {
  const [, before, words, after] = text.match(/^(\s*)([\s\S]*?)(\s*)$/);
  return words ? `${before}${mark}${words}${mark}${after}` : text;
}

// Documents of some makers stand in a <b> that is not bold, and are bold by their styles.
function markOf({ tagName, dataset: { style = "" } }) {
  if (/weight:\s*(normal|400)/.test(style) && /^(B|STRONG)$/.test(tagName)) return "";
  if (tagName === "SPAN" && /weight:\s*(bold|[67]00)/.test(style)) return "**";
  if (tagName === "SPAN" && /font-style:\s*italic/.test(style)) return "_";
  return WRAPS[tagName];
}

function list(node) {
  let number = Number(node.getAttribute("start") ?? 1);
  const items = [...node.children].map((item) => {
    const mark = node.tagName === "OL" ? `${number++}. ` : "- ";
    if (item.tagName !== "LI") return indented(of(item), "  ", "  ");
    const box = item.querySelector(":scope > input[type=checkbox]");
    const task = box ? `[${box.checked ? "x" : " "}] ` : "";
    const words = tidy(of(item))
      .trim()
      .replace(/\n{2,}/g, "\n");
    return indented(words, mark + task, " ".repeat(mark.length));
  });
  return `\n\n${items.join("\n")}\n\n`;
}

// The first row is the head, as Markdown has no table without one.
function table(node) {
  const rows = [...node.rows].map((row) =>
    [...row.cells].map((cell) =>
      of(cell)
        .trim()
        .replace(/\s*\n\s*/g, " ")
        .replaceAll("|", "\\|"),
    ),
  );
  if (!rows.length) return "";
  const width = Math.max(...rows.map((cells) => cells.length));
  const [head, ...others] = rows.map((cells) => {
    const all = Array.from({ length: width }, (_, at) => cells[at] ?? "");
    return `| ${all.join(" | ")} |`;
  });
  const rule = `|${" --- |".repeat(width)}`;
  return `\n\n${[head, rule, ...others].join("\n")}\n\n`;
}

function fence(text) {
  const mark = text.includes("```") ? "~~~" : "```";
  return `\n\n${mark}\n${text.replace(/\n$/, "")}\n${mark}\n\n`;
}

function turned(node) {
  if (node.nodeType === Node.TEXT_NODE) return escaped(node.data.replace(/\s+/g, " "));
  if (node.nodeType !== Node.ELEMENT_NODE || node.matches(LEFT_OUT)) return "";
  const name = node.tagName;
  if (name === "BR") return "\n";
  if (name === "HR") return "\n\n---\n\n";
  if (name === "PRE") return fence(node.textContent);
  if (name === "CODE" || name === "KBD" || name === "TT") {
    return node.textContent.includes("`") ? escaped(node.textContent) : `\`${node.textContent}\``;
  }
  if (name === "UL" || name === "OL") return list(node);
  if (name === "TABLE") return table(node);
  const inner = of(node);
  if (name === "A") {
    const address = node.getAttribute("href") ?? "";
    const words = inner.trim();
    if (!/^(https?|mailto):/i.test(address) || !words) return inner;
    return words === escaped(address)
      ? address
      : `[${words}](${address.replace(/[\s()<>]/g, percent)})`;
  }
  const mark = markOf(node);
  if (mark && !node.querySelector("p, ul, ol")) return wrapped(inner, mark);
  if (/^H[1-6]$/.test(name)) return `\n\n${"#".repeat(name[1])} ${inner.trim()}\n\n`;
  if (name === "BLOCKQUOTE") return `\n\n${indented(inner, "> ", "> ")}\n\n`;
  return BLOCKS.has(name) ? `\n\n${inner}\n\n` : inner;
}

// Spaces on both sides of an end are one.
const join = (text, more) => text + (/\s$/.test(text) ? more.replace(/^ +/, "") : more);
const of = (node) => [...node.childNodes].map(turned).reduce(join, "");

// What stands in quotation marks may hold any sign.
const TAG = /<[a-z](?:"[^"]*"|'[^']*'|[^"'<>])*>/gi;

// Parsing applies no style, and yet the content policy would complain of each.
const unstyled = (html) =>
  html
    .replace(/<style\b[\s\S]*?(<\/style\s*>|$)/gi, "")
    .replace(TAG, (tag) =>
      tag.replace(/"[^"]*"|'[^']*'|style(?=\s*=)/gi, (part) =>
        /^style$/i.test(part) ? "data-style" : part,
      ),
    );

// Markdown of a piece of HTML, or nothing where the words alone say as much.
export function markdown(html) {
  const { body } = new DOMParser().parseFromString(html, "text/html");
  if (!body.querySelector(RICH)) return "";
  return tidy(of(body))
    .replace(/^ +/gm, (spaces) => (spaces.length > 1 ? spaces : ""))
    .trim();
}

function take(event) {
  const html = event.clipboardData.getData("text/html");
  const text = html && !event.clipboardData.getData("text/x-gfm") && markdown(html);
  if (!text) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  put(event.currentTarget, text);
}

// Pastes what a paste brought; whoever calls has kept the browser from doing it.
export function paste(field, data) {
  const clipboardData = new DataTransfer();
  for (const [type, text] of data) {
    clipboardData.setData(type, type === "text/html" ? unstyled(text) : text);
  }
  // They listen for this one event: the next may be to be pasted as it is.
  field.addEventListener("paste", take);
  for (const install of INSTALL) install(field);
  const event = new ClipboardEvent("paste", { clipboardData, cancelable: true });
  if (field.dispatchEvent(event)) put(field, clipboardData.getData("text/plain"));
  for (const uninstall of UNINSTALL) uninstall(field);
  field.removeEventListener("paste", take);
}
