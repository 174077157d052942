// A field that narrows a list to the names that hold what is typed, whatever their accents.

// Letters whose stroke or bow no decomposition takes off; the server folds the same.
const PLAIN = {
  ...{ ø: "o", ł: "l", đ: "d", ð: "d", ħ: "h", ŧ: "t", ı: "i" },
  ...{ æ: "ae", œ: "oe", þ: "th", ß: "ss", ς: "σ" },
};

export const fold = (text) =>
  text
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/[øłđðħŧıæœþßς]/g, (letter) => PLAIN[letter]);

// A part of the name begins with the word, or the name holds it from its third letter on.
export function matches(name, wanted) {
  const folded = fold(name);
  return wanted.length > 2
    ? folded.includes(wanted)
    : folded.split(/[\s-]+/).some((part) => part.startsWith(wanted));
}

export function connect(field) {
  const list = document.getElementById(field.dataset.filters);
  const none = document.getElementById(`${field.dataset.filters}-none`);

  const narrow = () => {
    const wanted = fold(field.value.trim());
    let shown = 0;
    for (const row of list.querySelectorAll("[data-name]")) {
      row.hidden = Boolean(wanted) && !matches(row.dataset.name, wanted);
      shown += row.hidden ? 0 : 1;
    }
    if (none) none.hidden = shown > 0;
  };

  field.hidden = false;
  field.addEventListener("input", narrow);
  field.addEventListener("keydown", (event) => {
    // Enter would send the form around the field; here it only ends the typing.
    if (event.key === "Enter" && field.form?.method !== "get") event.preventDefault();
    if (event.key !== "Escape" || !field.value) return;
    event.stopPropagation();
    field.value = "";
    narrow();
  });
  narrow();
}
