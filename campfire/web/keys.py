"""Where a handler finds the parts of the application: typed keys, no globals."""

from typing import Final

from aiohttp import web

from campfire.database import Database
from campfire.web.pages import Pages
from campfire.web.readiness import Readiness
from campfire.web.render import Renderer
from campfire.web.requests import Peers
from campfire.web.sessions import Passwords

DB: Final = web.AppKey("DB", Database)
PAGES: Final = web.AppKey("PAGES", Pages)
PASSWORDS: Final = web.AppKey("PASSWORDS", Passwords)
PEERS: Final = web.AppKey("PEERS", Peers)
READINESS: Final = web.AppKey("READINESS", Readiness)
RENDERER: Final = web.AppKey("RENDERER", Renderer)

ID: Final = "[1-9][0-9]{0,17}"
