"""The proxies of `docs/deploying.md`, as they stand there, in front of a real server.

Each needs its program, which `make test` brings.
"""

import asyncio
import io
import re
from collections.abc import AsyncIterator, Callable
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientError, ClientSession, DummyCookieJar, FormData
from aiohttp.test_utils import TestServer, unused_port
from yarl import URL

from campfire import app
from campfire.config import Config
from campfire.outside import vapid
from tests.conftest import JSON, VAPID_KEYS
from tests.samples import certificate

PAPER = Path(__file__).parent.parent / "docs" / "deploying.md"
NAME = "chat.example.com"
LOCATION = re.compile(r"^    location / \{.*?^    \}\n", re.M | re.S)
DAVID = {
    "name": "David",
    "email_address": "david@37signals.example",
    "password": "correct horse battery",
}


def written(heading: str) -> str:
    """The configuration that stands under a heading of the paper."""
    text = PAPER.read_text(encoding="utf-8")
    found = re.search(rf"^## {heading}$.*?^```\n(.*?)^```$", text, re.M | re.S)
    assert found, heading
    return found[1]


def replaced(text: str, by: dict[str, str]) -> str:
    for old, new in by.items():
        assert old in text
        text = text.replace(old, new)
    return text


def nginx(folder: Path, port: int, behind: int, base: str) -> list[str]:
    certificate(folder, NAME)
    block = written("nginx")
    if base:
        block = LOCATION.sub(lambda found: written("nginx, below a path"), block)
    changes = {
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/ssl": str(folder),
        "127.0.0.1:8000": f"127.0.0.1:{behind}",
    }
    return started(folder, replaced(block, changes))


def started(folder: Path, block: str) -> list[str]:
    """nginx with a block, everything that it writes in a folder."""
    kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    kept = "".join(f"{kind}_temp_path {folder}/{kind};\n" for kind in kinds)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off;\n{kept}{block}}}\n"
    )
    return ["nginx", "-p", str(folder), "-c", str(config)]


def caddy(folder: Path, port: int, behind: int, base: str) -> list[str]:
    block = written("Caddy, below a path" if base else "Caddy")
    changes = {"127.0.0.1:8000": f"127.0.0.1:{behind}"}
    if base:
        changes["example.com {"] = f"{NAME} {{"
    config = folder / "Caddyfile"
    config.write_text(
        "{\nadmin off\nlocal_certs\nskip_install_trust\n"
        f"auto_https disable_redirects\nhttps_port {port}\n"
        f"storage file_system {folder}/caddy\n}}\n"
        f"{replaced(block, changes)}"
    )
    return ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]


@pytest.fixture(params=["", "/chat"], ids=["root", "path"])
def base(request: pytest.FixtureRequest) -> str:
    given: str = request.param
    return given


@pytest.fixture
async def behind(tmp_path: Path, base: str) -> AsyncIterator[TestServer]:
    """A server that is told what the paper says."""
    vapid.keep(tmp_path / app.PUSH_KEYS, VAPID_KEYS)
    config = Config(
        data=tmp_path,
        origin=f"https://{NAME}",
        base=base,
        trusted_proxies=(ip_network("127.0.0.1"),),
        password_cost=4,
    )
    server = TestServer(await app.create(config))
    await server.start_server()
    yield server
    await server.close()


@pytest.mark.parametrize("proxy", [nginx, caddy])
async def test_a_proxy_as_the_paper_has_it_does_everything(
    behind: TestServer,
    base: str,
    tmp_path_factory: pytest.TempPathFactory,
    proxy: Callable[[Path, int, int, str], list[str]],
) -> None:
    port = unused_port()
    folder = tmp_path_factory.mktemp(proxy.__name__)
    assert behind.port is not None
    process = await asyncio.create_subprocess_exec(
        *proxy(folder, port, behind.port, base),
        stderr=asyncio.subprocess.DEVNULL,
    )
    how: dict[str, Any] = {"ssl": False, "server_hostname": NAME}
    try:
        async with ClientSession(
            f"https://127.0.0.1:{port}",
            headers=JSON | {"Host": NAME},
            cookie_jar=DummyCookieJar(),
        ) as client:
            async with asyncio.timeout(30):
                while True:
                    try:
                        alive = await client.get(f"{base}/health", **how)
                    except ClientError:
                        assert process.returncode is None, "it does not start"
                        await asyncio.sleep(0.05)
                    else:
                        break
            assert alive.status == 200
            assert "max-age" in alive.headers["Strict-Transport-Security"]
            begun = await client.post(f"{base}/first_run", json=DAVID, **how)
            assert begun.status == 201
            name = f"__Host-campfire_session{base.replace('/', '!')}"
            cookie = begun.headers["Set-Cookie"]
            assert cookie.startswith(f"{name}=")
            assert {"Path=/", "Secure"} <= set(cookie.split("; "))
            token = (await begun.json())["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            async with client.ws_connect(f"{base}/socket", **how) as line:
                assert (await line.receive_json())["event"] == "welcome"
                form = FormData({"body": "Look"})
                form.add_field(
                    "attachment", io.BytesIO(b"x" * 3_000_000), filename="50 %/ä.bin"
                )
                room = f"{base}/rooms/1/messages"
                said = await client.post(room, data=form, **how)
                assert said.status == 201
                (file,) = (await said.json())["attachments"]
                sent = await client.get(URL(file["url"], encoded=True), **how)
                assert len(await sent.read()) == 3_000_000
            # Behind a proxy nobody is taken for this machine.
            assert (await client.get(f"{base}/metrics", **how)).status == 404
            foreign = {"Origin": "https://elsewhere.example", "Cookie": "a=b"}
            foreign |= {"Authorization": ""}
            door = f"{base}/session"
            refused = await client.post(door, headers=foreign, json={}, **how)
            assert refused.status == 403
            account = await (await client.get(f"{base}/account", **how)).json()
            assert account["join_url"].startswith(f"https://{NAME}{base}/join/")
            if base:
                led = await client.get(base, allow_redirects=False, **how)
                assert led.status in (301, 302)
                assert led.headers["Location"].endswith(f"{base}/")
                elsewhere = await client.get("/chatter", **how)
                assert "X-Request-Id" not in elsewhere.headers, "it is not ours"
    finally:
        process.terminate()
        await process.wait()
