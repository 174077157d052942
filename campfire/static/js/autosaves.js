// Choices that are kept as they are made. What the server does not take goes back to what it was.

import { flash } from "./flash.js";
import { toSignIn } from "./page.js";

const chosenIn = (form) => form.querySelector("input:checked");

function saved(form, value) {
  if (form.dataset.autosave === "theme") {
    const { dataset } = document.documentElement;
    if (value === "auto") delete dataset.theme;
    else dataset.theme = value;
  }
  flash("Saved");
}

async function refusal(answer) {
  try {
    const { detail, errors } = await answer.json();
    return Object.values(errors ?? {})[0] ?? detail;
  } catch {
    return "This was not saved.";
  }
}

export function connect(form) {
  let kept = chosenIn(form);
  form.querySelector("[type=submit]").hidden = true;

  form.addEventListener("change", async () => {
    const chosen = chosenIn(form);
    const goBack = (words) => {
      if (kept) kept.checked = true;
      flash(words, { isAlert: true });
    };
    try {
      const answer = await fetch(form.action, {
        method: "POST",
        headers: { Accept: "application/json" },
        body: new URLSearchParams(new FormData(form)),
      });
      if (answer.status === 401) return toSignIn();
      if (!answer.ok) return goBack(await refusal(answer));
      kept = chosen;
      saved(form, chosen.value);
    } catch {
      goBack("Not saved, the line is down.");
    }
  });
}
