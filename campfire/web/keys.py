"""Where a handler finds the parts of the application: typed keys, no globals."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import IO, Final

from aiohttp import web

from campfire.chat.backups import Drill
from campfire.chat.push import Keys
from campfire.chat.users import User
from campfire.database import Database
from campfire.storage import Storage
from campfire.web.limits import Limits
from campfire.web.pages import Pages
from campfire.web.readiness import Readiness
from campfire.web.render import Renderer
from campfire.web.requests import Peers
from campfire.web.sessions import Passwords
from campfire.web.static import Static
from campfire.web.uploads import Uploads

DB: Final = web.AppKey("DB", Database)
# None where the server makes no backups.
DRILL: Final[web.AppKey[Callable[[], Awaitable[Drill]] | None]] = web.AppKey("DRILL")
# Called in a thread.
EXPORT: Final[web.AppKey[Callable[[User], IO[bytes]]]] = web.AppKey("EXPORT")
# The ids of whose it is made for just now.
EXPORTING: Final[web.AppKey[set[int]]] = web.AppKey("EXPORTING")
LIMITS: Final = web.AppKey("LIMITS", Limits)
OPENAPI: Final = web.AppKey("OPENAPI", bytes)
PAGES: Final = web.AppKey("PAGES", Pages)
PASSWORDS: Final = web.AppKey("PASSWORDS", Passwords)
PEERS: Final = web.AppKey("PEERS", Peers)
PRESENT: Final[web.AppKey[Callable[[], Collection[int]]]] = web.AppKey("PRESENT")
PUSHABLE: Final[web.AppKey[Callable[[Keys], Awaitable[None]]]] = web.AppKey("PUSHABLE")
READINESS: Final = web.AppKey("READINESS", Readiness)
RENDERER: Final = web.AppKey("RENDERER", Renderer)
STATIC: Final = web.AppKey("STATIC", Static)
STOPPING: Final = web.AppKey("STOPPING", asyncio.Event)
STORAGE: Final = web.AppKey("STORAGE", Storage)
UPLOADS: Final = web.AppKey("UPLOADS", Uploads)

ID: Final = "[1-9][0-9]{0,17}"
