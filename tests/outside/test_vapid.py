"""The keys that sign pushes: made once, nobody else's to read, and good to sign."""

import base64
import json
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from campfire.database import Unusable
from campfire.outside import vapid
from campfire.outside.vapid import Keys, Signer


def octets(base64url: str) -> bytes:
    return base64.urlsafe_b64decode(base64url + "=" * (-len(base64url) % 4))


def proven(authorization: str, public: str) -> dict[str, Any]:
    """The claims of a `vapid` header (RFC 8292), once the signature is right."""
    scheme, _, fields = authorization.partition(" ")
    assert scheme == "vapid"
    told = dict(field.strip().split("=", 1) for field in fields.split(","))
    assert told["k"] == public
    signed, _, signature = told["t"].rpartition(".")
    r, s = octets(signature)[:32], octets(signature)[32:]
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), octets(public))
    key.verify(
        encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big")),
        signed.encode(),
        ec.ECDSA(hashes.SHA256()),
    )
    header, claims = (json.loads(octets(part)) for part in signed.split("."))
    assert header["alg"] == "ES256"
    assert isinstance(claims, dict)
    return claims


async def test_the_first_start_makes_keys_and_the_next_finds_them(
    tmp_path: Path,
) -> None:
    path = tmp_path / "keys.json"
    made = await vapid.keys(path)
    assert len(octets(made.private)) == 32
    assert len(octets(made.public)) == 65 and octets(made.public)[0] == 4
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert await vapid.keys(path) == made
    assert [file.name for file in tmp_path.iterdir()] == ["keys.json"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
async def test_keys_that_others_can_read_are_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "keys.json"
    vapid.keep(path, vapid.pair())
    path.chmod(mode)
    with pytest.raises(Unusable, match="can be read by others"):
        await vapid.keys(path)
    path.chmod(0o600)
    assert len(octets((await vapid.keys(path)).public)) == 65


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", "-----BEGIN"])
async def test_a_file_that_holds_something_else_is_not_replaced(
    tmp_path: Path, text: str
) -> None:
    path = tmp_path / "keys.json"
    vapid.keep(path, text)
    with pytest.raises(Unusable, match="holds no keys"):
        await vapid.keys(path)
    assert path.read_text() == text


async def test_what_a_start_that_failed_left_is_in_nobodys_way(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.with_name("keys.json.new").write_text("half")
    assert len(octets((await vapid.keys(path)).public)) == 65
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_signature_says_who_and_to_whom_and_for_how_long() -> None:
    pair = json.loads(vapid.pair())
    signer = Signer(Keys(pair["private"], pair["public"]))
    header = signer.authorization("https://push.example:8443", "https://chat.example")
    claims = proven(header, pair["public"])
    assert claims["aud"] == "https://push.example:8443"
    assert claims["sub"] == "https://chat.example"
    # RFC 8292: at most a day.
    assert time.time() < claims["exp"] < time.time() + 86_400


def test_a_signature_is_made_once_for_each_service() -> None:
    pair = json.loads(vapid.pair())
    signer = Signer(Keys(pair["private"], pair["public"]))
    first = signer.authorization("https://a.example", "mailto:d@a.example")
    assert signer.authorization("https://a.example", "mailto:d@a.example") is first
    other = signer.authorization("https://b.example", "mailto:d@a.example")
    assert proven(other, pair["public"])["aud"] == "https://b.example"
    renamed = signer.authorization("https://a.example", "mailto:j@a.example")
    assert proven(renamed, pair["public"])["sub"] == "mailto:j@a.example"


def test_the_secret_is_in_no_log() -> None:
    assert "secret" not in repr(Keys("secret", "public"))
