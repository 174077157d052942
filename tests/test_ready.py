"""What a container is asked: whether the server of these settings is ready."""

import asyncio
import ssl
from pathlib import Path

import pytest
from aiohttp.test_utils import TestServer, unused_port

from campfire import app, ready
from campfire.config import Config
from campfire.outside import vapid
from campfire.web import readiness
from tests.conftest import VAPID_KEYS
from tests.samples import certificate


@pytest.mark.parametrize("base", ["", "/chat"])
@pytest.mark.parametrize("is_tls", [False, True])
async def test_it_finds_the_server_of_its_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base: str, is_tls: bool
) -> None:
    vapid.keep(tmp_path / app.PUSH_KEYS, VAPID_KEYS)
    port = unused_port()
    files = certificate(tmp_path, "chat.example") if is_tls else (None, None)
    config = Config(
        host="0.0.0.0",
        port=port,
        data=tmp_path,
        origin="https://chat.example",
        base=base,
        tls_certificate=files[0],
        tls_key=files[1],
    )
    context = None
    if is_tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tmp_path / "chat.example.pem", files[1])
    server = TestServer(await app.create(config), host="127.0.0.1", port=port)
    await server.start_server(ssl=context)
    assert await asyncio.to_thread(ready.faults, config) == ""
    monkeypatch.setattr(readiness, "FRESH", -1.0)
    monkeypatch.setattr("campfire.database.LEAST_FREE", 1 << 80)
    assert "less than 64 MB" in await asyncio.to_thread(ready.faults, config)
    await server.close()


def test_nobody_is_not_ready(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMPFIRE_PORT", str(unused_port()))
    assert ready.main() == 1
    assert "ConnectionRefusedError" in capsys.readouterr().err
    monkeypatch.setenv("CAMPFIRE_PORT", "http")
    assert ready.main() == 1
    assert "CAMPFIRE_PORT" in capsys.readouterr().err
