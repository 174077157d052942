// Signing out takes what this person wrote and did not send from this device with it, what was kept
// to be read without a line, and the address for notifications. Words that would be lost are asked
// about first.

import * as drafts from "./drafts.js";
import * as outbox from "./outbox.js";
import { element } from "./page.js";

function ask(unsent) {
  const words =
    unsent === 1 ? "One message is not sent yet." : `${unsent} messages are not sent yet.`;
  const form = element("form", { class: "dialog-inner", method: "dialog" });
  form.append(
    element("div", { class: "dialog-head" }, element("h2", { id: "leave-title" }, "Sign out now?")),
    element("p", {}, `${words} Signing out removes what is kept on this device.`),
    element(
      "div",
      { class: "dialog-foot" },
      element("button", { class: "button is-quiet", value: "stay", autofocus: "" }, "Stay"),
      element("button", { class: "button is-danger is-primary", value: "leave" }, "Sign out"),
    ),
  );
  const dialog = element("dialog", { class: "dialog", "aria-labelledby": "leave-title" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "leave");
    });
  });
}

export function connect(form) {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const unsent = outbox.count();
    if (unsent && !(await ask(unsent))) return;
    drafts.forgetAll();
    outbox.forgetAll();
    document.getElementById("composer-text")?.form.reset();
    try {
      const [installs, push] = await Promise.all([import("./installs.js"), import("./push.js")]);
      await installs.forget();
      const value = await push.leave();
      const named = { type: "hidden", name: "push_subscription_endpoint", value };
      form.append(element("input", named));
    } catch {
      // What stays on this device is removed with the answer to the sign-out, the address by its end.
    }
    form.submit();
  });
}
