// A picture is shown as soon as it is picked, and sent by itself.

export function connect(form) {
  const field = form.querySelector("[type=file]");
  const now = document.getElementById(form.dataset.picture);
  const shown = now.matches("img") ? now : now.querySelector("img");
  form.querySelector("[type=submit]").hidden = true;

  field.addEventListener("change", () => {
    if (!field.files.length) return;
    const address = URL.createObjectURL(field.files[0]);
    shown.addEventListener("load", () => URL.revokeObjectURL(address), { once: true });
    shown.src = address;
    form.ariaBusy = "true";
    form.requestSubmit();
  });
}
