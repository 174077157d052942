// The title of the window: how much is unread, then the place.

let place = document.title;
let unread = 0;

function draw() {
  document.title = unread ? `(${unread}) ${place}` : place;
}

export function count(number) {
  unread = number;
  draw();
}

// The page is called something else from now on.
export function rename(words) {
  place = words;
  draw();
}
