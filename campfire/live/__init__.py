"""Who hears of it: the hub, the sockets and who is here, on the event loop."""
