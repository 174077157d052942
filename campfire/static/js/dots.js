// The dots beside people: who is online, in shape and in words.

export function connect(socket) {
  socket.addEventListener("presence.changed", ({ detail: { user_id, online } }) => {
    for (const dot of document.querySelectorAll(`[data-presence="${user_id}"]`)) {
      dot.classList.toggle("is-here", online);
      dot.classList.toggle("is-off", !online);
    }
    for (const words of document.querySelectorAll(`[data-presence-words="${user_id}"]`)) {
      words.textContent = online ? "online" : "";
    }
  });
}
