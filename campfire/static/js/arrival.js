// Somebody came with a sign-in link: the button is pressed for them, once.

document.getElementById("arrival").requestSubmit();
