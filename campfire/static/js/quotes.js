// An answer that quotes: the words as Markdown, with who said them and a link to where. Nobody is
// called again by it, and what was quoted in it already is left out.

import { roomUrl, toSignIn } from "./page.js";

const MOST_LINES = 12;
const LONGEST = 1_000;
const CODE = /(```[\s\S]*?(?:```|$)|`[^`\n]*`)/;

const plain = (text) => text.replace(/[\\[\]*_`<>~@#!]/g, "\\$&");

// Code keeps its signs as they are; outside of it a backslash takes the call from a name.
const uncalled = (text) =>
  text
    .split(CODE)
    .map((part, index) =>
      index % 2 ? part : part.replace(/<@(?=\d)/g, "<\\@").replace(/(?<![\w\\/])@(?=\S)/g, "\\@"),
    )
    .join("");

export function quotation({ body, creator, attachments }, link) {
  const words = creator.role === "bot" ? plain(body.plain) : body.source;
  const lines = words.trim().split("\n");
  const own = lines.filter((line) => !line.startsWith(">"));
  let said = (own.join("\n").trim() ? own : lines).join("\n").trim();
  const isLong = said.length > LONGEST || said.split("\n").length > MOST_LINES;
  if (isLong) {
    said = said.split("\n").slice(0, MOST_LINES).join("\n").slice(0, LONGEST).trimEnd();
    if (said.split("```").length % 2 === 0) said += "\n```";
    said += "\n…";
  }
  said ||= attachments.map(({ filename }) => plain(filename)).join("\n");
  const quoted = uncalled(said)
    .split("\n")
    .map((line) => (line ? `> ${line}` : ">"));
  return `${quoted.join("\n")}\n>\n> — [${plain(creator.name)}](${link})\n\n`;
}

export async function quote(article, composer) {
  const answer = await fetch(roomUrl(`/messages/${article.dataset.messageId}`), {
    headers: { Accept: "application/json" },
  });
  if (answer.status === 401) toSignIn();
  if (!answer.ok) throw new Error(answer.status);
  const { href } = article.querySelector("a.message-time");
  composer.insert(quotation(await answer.json(), href));
}
