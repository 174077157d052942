"""What takes place on the disk, for administrators."""

import os
from dataclasses import asdict, dataclass
from pathlib import Path

from aiohttp import web

from campfire.chat import accounts, usage
from campfire.chat.usage import Usage
from campfire.database import Reads
from campfire.web import responses, shell
from campfire.web.keys import DB
from campfire.web.requests import representation
from campfire.web.sessions import viewer

routes = web.RouteTableDef()


@dataclass(frozen=True, slots=True)
class Disk:
    """In bytes: the database with its log, and the disk that it is on."""

    database: int
    free: int
    size: int

    @classmethod
    def look(cls, database: Path) -> "Disk":
        log = database.with_name(f"{database.name}-wal")
        taken = sum(path.stat().st_size for path in (database, log) if path.exists())
        disk = os.statvfs(database.parent)
        free, size = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
        return cls(taken, free, size)


def look(db: Reads, admin_id: int) -> tuple[accounts.Account, Usage]:
    return accounts.require(db), usage.look(db, admin_id)


@routes.get("/account/usage")
async def index(request: web.Request) -> web.Response:
    user = await viewer(request)
    account, used = await request.app[DB].read(look, user.id)
    disk = Disk.look(request.app[DB].path)
    if representation(request) == "json":
        sizes = {
            "database_bytes": disk.database,
            "free_bytes": disk.free,
            "disk_bytes": disk.size,
        }
        return responses.json(sizes | asdict(used))
    page = await shell.page(request, "usage/index.html", account, used=used, disk=disk)
    return responses.html(page)
