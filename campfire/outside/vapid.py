"""The keys that prove to a push service who sends (VAPID, RFC 8292), kept in a file.

Browsers are given the public one when they subscribe, so the pair is made once, at
the first start. `python -m campfire.outside.vapid` writes one: what makes keys takes
memory that a server which nobody subscribes to shall not keep.
"""

import asyncio
import json
import os
import stat
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from campfire.database import Unusable

LASTS: Final = 12 * 3600
RENEWED_AFTER: Final = 3600
MOST_KEPT: Final = 256


@dataclass(frozen=True, slots=True)
class Keys:
    """Both as raw numbers in base64url, the way browsers and services have them."""

    private: str = field(repr=False)
    public: str


async def keys(path: Path) -> Keys:
    """The pair in the file, made if there is none yet.

    Raises Unusable for a file that others on this machine can read, or that holds
    something else: a new pair would silence every device without a word.
    """
    try:
        with open(path, encoding="utf-8") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & 0o077:
                raise Unusable(f"{path} can be read by others: chmod 600 it.")
            text = file.read()
    except FileNotFoundError:
        text = await made()
        keep(path, text)
    try:
        pair = json.loads(text)
        return Keys(pair["private"], pair["public"])
    except (ValueError, LookupError, TypeError):
        raise Unusable(
            f"{path} holds no keys for push. Without it every device subscribes anew."
        ) from None


async def made() -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "campfire.outside.vapid"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
    )
    text, _ = await process.communicate()
    if process.returncode != 0:
        raise Unusable("No keys for push could be made.")
    return text.decode()


def keep(path: Path, text: str) -> None:
    """Whole or not at all, and for nobody else from the first byte on."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
    with open(os.open(unfinished, flags, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


class Signer:
    """Signs for one push service at a time; what it signed is good for an hour."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._kept: dict[tuple[str, str], tuple[float, str]] = {}

    def authorization(self, audience: str, subject: str) -> str:
        """The header for an origin; `subject` is where its people can complain."""
        until, header = self._kept.get((audience, subject), (0.0, ""))
        if time.monotonic() < until:
            return header
        from py_vapid import Vapid

        signer = Vapid.from_string(self._keys.private)
        expires = int(time.time()) + LASTS
        claims = {"aud": audience, "sub": subject, "exp": expires}
        header = str(signer.sign(claims)["Authorization"])
        while len(self._kept) >= MOST_KEPT:
            del self._kept[next(iter(self._kept))]
        self._kept[audience, subject] = time.monotonic() + RENEWED_AFTER, header
        return header


def pair() -> str:
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    from py_vapid.utils import b64urlencode

    private = ec.generate_private_key(ec.SECP256R1())
    number = private.private_numbers().private_value.to_bytes(32, "big")
    point = private.public_key().public_bytes(
        Encoding.X962, PublicFormat.UncompressedPoint
    )
    return json.dumps({"private": b64urlencode(number), "public": b64urlencode(point)})


if __name__ == "__main__":
    print(pair())
