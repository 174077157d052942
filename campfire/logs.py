"""Logs: one line for each fact, on standard output or in a file, as JSON or key=value.

What people write never gets here: no bodies, names, addresses, tokens or keys.
"""

import logging
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any, Final

import orjson

LARGEST: Final = 10_000_000
OLDER: Final = 5
STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


class Lines(logging.Formatter):
    """Words a record as its fields; `request_id` says for which request it was, and
    `worker` which of several processes says it."""

    def __init__(
        self, format: str, request_id: Callable[[], str], worker: int | None = None
    ) -> None:
        super().__init__()
        self._worker = {} if worker is None else {"worker": worker}
        self._is_json = format == "json"
        self._request_id = request_id

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC)
        fields: dict[str, Any] = {
            "at": f"{moment:%Y-%m-%dT%H:%M:%S}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "from": record.name,
            "event": record.getMessage(),
            "request_id": self._request_id(),
        } | self._worker
        fields |= {
            name: value for name, value in vars(record).items() if name not in STANDARD
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        if self._is_json:
            return orjson.dumps(fields, default=str).decode("utf-8")
        return " ".join(f"{name}={quoted(value)}" for name, value in fields.items())


def quoted(value: Any) -> str:
    """One word: anything with spaces, quotes or control characters as a JSON string."""
    text = str(value)
    if text and all(letter.isprintable() and letter not in ' "=' for letter in text):
        return text
    return orjson.dumps(text).decode("utf-8")


class File(RotatingFileHandler):
    """A file that is put aside when it is large; what it cannot take is not lost."""

    def handleError(self, record: logging.LogRecord) -> None:
        print(self.format(record), flush=True)


def start(
    format: str,
    request_id: Callable[[], str],
    file: Path | None = None,
    worker: int | None = None,
) -> None:
    """Raises OSError where the file cannot be written; each worker has its own."""
    handler: logging.Handler = logging.StreamHandler(sys.stdout)
    if file and worker:
        file = file.with_stem(f"{file.stem}-{worker}")
    if file:
        handler = File(file, maxBytes=LARGEST, backupCount=OLDER, encoding="utf-8")
    handler.setFormatter(Lines(format, request_id, worker))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
