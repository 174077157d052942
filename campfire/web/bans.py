"""Addresses that are shut out: they may look, and change nothing."""

from typing import Final

from aiohttp import web

from campfire.chat import bans
from campfire.database import Database, Event
from campfire.refusals import TooMany
from campfire.web.kept import EVERYBODY, Kept
from campfire.web.requests import SAFE, Peers

ALL: Final = "all"


class Bans:
    """Knows every banned address without asking the database each time."""

    def __init__(self, db: Database, peers: Peers) -> None:
        self._db = db
        self._peers = peers
        self._kept: Kept[str, frozenset[str]] = Kept(db.generation, 1)

    def hear(self, event: Event) -> None:
        self._kept.hear(event)

    async def require_welcome(self, request: web.Request) -> None:
        """Raises TooMany for a change from a banned address, whoever asks for it."""
        if request.method in SAFE:
            return
        banned = self._kept.get(ALL)
        if banned is None:
            started = self._kept.start()
            banned = await self._db.read(bans.addresses)
            self._kept.keep(ALL, banned, [EVERYBODY], started)
        if banned and self._peers.address(request) in banned:
            raise TooMany("Nothing more from here.", retry_after=3600)
