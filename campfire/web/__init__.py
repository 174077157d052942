"""How a browser or a program asks for it: pages, fragments and JSON."""
