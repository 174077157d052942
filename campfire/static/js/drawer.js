// The list of rooms on a phone: a drawer over the page that takes the focus and gives it back.

export function connect(sidebar, opener) {
  const shell = document.body;
  const rest = document.getElementById("main");
  const closer = sidebar.querySelector(".drawer-close");

  const open = () => {
    shell.dataset.drawer = "open";
    rest.inert = true;
    sidebar.querySelector("[aria-current], .sidebar-list a")?.focus();
  };
  const close = () => {
    if (!shell.dataset.drawer) return;
    delete shell.dataset.drawer;
    rest.inert = false;
    opener.focus();
  };

  opener.ariaExpanded = "false";
  opener.addEventListener("click", (event) => {
    event.preventDefault();
    open();
  });
  for (const way of [closer, document.querySelector(".drawer-veil")]) {
    way.addEventListener("click", (event) => {
      event.preventDefault();
      close();
    });
  }
  addEventListener("keydown", (event) => event.key === "Escape" && close());
  addEventListener("pagehide", close);
  // Wide again, there is no drawer that could be open.
  matchMedia("(width >= 48rem)").addEventListener("change", close);
}
