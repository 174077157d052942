"""`campfire doctor`: what operators get wrong, one line for each thing looked at.

It only looks. What the server itself would refuse at its start is not looked at twice.
"""

import argparse
import os
import resource
import stat
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from campfire import archive, moments, nights
from campfire.chat import health
from campfire.config import Config
from campfire.database import LEAST_FREE, Fault, Unusable, looked

FILE: Final = "campfire.sqlite3"
KEYS: Final = "*-keys.json"
MEGABYTE: Final = 1_000_000
ENOUGH_DESCRIPTORS: Final = 4_096
# This was not written before.
EARLIEST: Final = 1_764_000_000
AHEAD: Final = 300
NIGHTS_MISSED: Final = timedelta(days=2)

# What is to be said, and whether that is well.
Finding = tuple[str, bool]


def add_to(command: Any) -> None:
    """Adds `doctor` to the command line."""
    doctor = command.add_parser("doctor", help="look at what operators get wrong")
    doctor.add_argument("--data", type=Path, help="folder for what is kept")


def run(given: argparse.Namespace, config: Config) -> None:
    """Prints a line for each look. Raises Unusable if something is wrong."""
    wrong = 0
    for name, look in LOOKS.items():
        try:
            said, is_well = look(config)
        except (OSError, Fault) as fault:
            said, is_well = str(fault), False
        print(f"{'ok' if is_well else 'WRONG':5} {name}: {said}")
        wrong += not is_well
    if wrong:
        raise Unusable(f"{wrong} things are wrong." if wrong > 1 else "One is wrong.")


def permissions(config: Config) -> Finding:
    data = config.data
    if not data.is_dir():
        return f"there is no folder {data}; it is made when the server starts", True
    for path in (data, *sorted(data.iterdir())):
        about = path.lstat()
        if about.st_uid != os.geteuid():
            return f"{path} belongs to another account than this one", False
        if stat.S_IMODE(about.st_mode) & 0o077 and not path.is_symlink():
            return f"{path} is open to others: chmod go= {path}", False
    if not os.access(data, os.W_OK | os.X_OK):
        return f"{data} cannot be written to", False
    return f"{data} is for this account alone", True


def space(config: Config) -> Finding:
    data = config.data if config.data.is_dir() else Path.cwd()
    disk = os.statvfs(data)
    free = disk.f_bavail * disk.f_frsize
    file = config.data / FILE
    needed = max(LEAST_FREE, 2 * file.stat().st_size if file.exists() else 0)
    said = f"{free // MEGABYTE} MB free, {needed // MEGABYTE} MB are wanted"
    if disk.f_files and not disk.f_favail:
        return "no more files can be made on this disk", False
    return said, free >= needed


def clock(config: Config) -> Finding:
    now = time.time()
    if now < EARLIEST:
        return "it is set to a time long past", False
    file = config.data / FILE
    newest = looked(file, health.newest) if file.exists() else None
    if newest is not None and newest / 1000 > now + AHEAD:
        return "the newest message is from the future: the clock was set back", False
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)), True


def keys(config: Config) -> Finding:
    found = [path for path in sorted(config.data.glob(KEYS))]
    for path in (*found, *((config.tls_key,) if config.tls_key else ())):
        if stat.S_IMODE(path.lstat().st_mode) & 0o077:
            return f"{path} can be read by others: chmod 600 {path}", False
    if config.metrics_token is not None and len(config.metrics_token) < 20:
        return "CAMPFIRE_METRICS_TOKEN is short enough to be guessed", False
    return f"{len(found)} beside the database, for this account alone", True


def proxy(config: Config) -> Finding:
    is_https = (config.origin or "").startswith("https:")
    if is_https and not config.trusted_proxies and not config.tls_certificate:
        return (
            "with https in CAMPFIRE_ORIGIN a proxy stands in front, and without"
            " CAMPFIRE_TRUSTED_PROXIES everybody seems to come from there",
            False,
        )
    if config.trusted_proxies and config.origin is None:
        return "CAMPFIRE_ORIGIN does not say what people type", False
    if config.origin is None and config.host not in ("127.0.0.1", "::1", "localhost"):
        return f"without CAMPFIRE_ORIGIN any name is taken on {config.host}", False
    return (
        f"people type {config.origin or 'the address of this machine'}{config.base}",
        True,
    )


def descriptors(config: Config) -> Finding:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    said = f"{soft} may be open, one for each window"
    if soft != resource.RLIM_INFINITY and soft < ENOUGH_DESCRIPTORS:
        return f"only {said}: ulimit -n {ENOUGH_DESCRIPTORS}", False
    return said, True


def copies(config: Config) -> Finding:
    if config.backups is None:
        return "CAMPFIRE_BACKUPS is off: nothing is copied by the server", True
    now = datetime.now(UTC)
    made = nights.newest(config.data / config.backups, now)
    if made is None:
        return "none yet; the first is made ten minutes after the start", True
    if now - made > NIGHTS_MISSED:
        return f"the newest is of {made:%Y-%m-%d}; the log says why", False
    return f"the newest is of {made:%Y-%m-%d %H:%M} UTC, opened and verified", True


def kept_since(config: Config) -> Finding:
    if config.backups is None or not config.archive:
        return "CAMPFIRE_ARCHIVE is off: only the backups can be restored", True
    found = archive.newest(config.data / config.backups / archive.FOLDER)
    if found is None:
        return "nothing yet; it is begun when the server starts", True
    begun, until = found
    made = nights.newest(config.data / config.backups, datetime.now(UTC))
    said = f"it reaches to {moments.said(until)}"
    if made is None or made.timestamp() * 1000 < begun:
        return f"{said}, but had to begin anew and waits for the next backup", True
    return said, True


LOOKS: Final[dict[str, Callable[[Config], Finding]]] = {
    "permissions": permissions,
    "disk space": space,
    "clock": clock,
    "keys": keys,
    "proxy headers": proxy,
    "open files": descriptors,
    "backups": copies,
    "archive": kept_since,
}
