// The name that has to be typed before something is gone for good.

const plain = (text) => text.normalize("NFC").trim().replace(/\s+/g, " ").toLowerCase();

export function connect(field) {
  const expected = plain(field.dataset.expected);
  const check = () => {
    field.setCustomValidity(plain(field.value) === expected ? "" : field.dataset.reason);
  };
  field.addEventListener("input", check);
  check();
}
