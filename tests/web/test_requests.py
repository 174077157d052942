"""What a request says about itself: cross-site or not, whose, and from where."""

from collections.abc import AsyncIterator
from ipaddress import ip_network
from pathlib import Path

import pytest
from aiohttp import ClientSession, DummyCookieJar
from aiohttp.test_utils import TestServer, make_mocked_request

from campfire import app
from campfire.config import Config
from campfire.refusals import Forbidden
from campfire.web.requests import COOKIE, Peers, bearer, representation
from tests.conftest import SignIn
from tests.web.conftest import FRAGMENT, HTML, JSON, posted

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE")
WRITING = ("POST", "PUT", "PATCH", "DELETE")
SITES = (None, "same-origin", "none", "same-site", "cross-site", "junk", "")
OURS = "http://chat.example:8000"
ORIGINS = (
    *(None, OURS, "null", "https://chat.example:8000", "http://chat.example"),
    *("http://chat.example:8001", "http://chat.example.evil.example:8000"),
    *("http://evil.example", "http://chat.example.:8000", "http://CHAT.example:8000"),
    *("http://you@chat.example:8000", "", OURS + "/", f"{OURS} {OURS}"),
)
PROOFS = ("cookie", "bearer", "neither")


def allowed(method: str, site: str | None, origin: str | None, proof: str) -> bool:
    """The rule of the contract, in its own words."""
    if method in ("GET", "HEAD", "OPTIONS") or proof == "bearer":
        return True
    if site is not None:
        return site in ("same-origin", "none")
    return origin is None or origin == OURS


@pytest.mark.parametrize("proof", PROOFS)
@pytest.mark.parametrize("method", METHODS)
def test_only_our_own_pages_make_a_browser_write(method: str, proof: str) -> None:
    peers = Peers(None, ())
    for site in SITES:
        for origin in ORIGINS:
            headers = {"Host": "chat.example:8000"}
            if site is not None:
                headers["Sec-Fetch-Site"] = site
            if origin is not None:
                headers["Origin"] = origin
            if proof == "bearer":
                headers["Authorization"] = "Bearer token"
            elif proof == "cookie":
                headers["Cookie"] = f"{COOKIE}=token"
            request = make_mocked_request(method, "/rooms", headers=headers)
            try:
                peers.require_same_site(request)
            except Forbidden:
                passed = False
            else:
                passed = True
            assert passed == allowed(method, site, origin, proof), (site, origin)


@pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_foreign_page_writes_nothing_with_our_cookie(
    sign_in: SignIn, stranger: ClientSession, method: str, site: str
) -> None:
    david = await sign_in("David")
    message = await posted(david.client, "As it was")
    path = "/rooms/1/messages"
    if method != "POST":
        path += f"/{message['id']}"
    cookie = {"Cookie": f"{COOKIE}={david.token}"}
    attack = {"Sec-Fetch-Site": site, "Origin": "https://evil.example"}
    for content_type in ("application/json", "text/plain", "multipart/form-data", ""):
        response = await stranger.request(
            method,
            path,
            data=b'{"body": "Pwned"}',
            headers=cookie | attack | {"Content-Type": content_type},
        )
        assert response.status == 403
    async with david.client.get("/rooms/1/messages") as response:
        assert [shown["body"]["source"] for shown in await response.json()] == [
            "As it was"
        ]
    own = {"Sec-Fetch-Site": "same-origin"}
    fields = None if method == "DELETE" else {"body": "Changed"}
    response = await stranger.request(method, path, json=fields, headers=cookie | own)
    assert response.status < 300, "need a page of ours for this to mean anything"


@pytest.mark.parametrize(
    "path", ["/session", "/first_run", "/join/x", "/session/end", "/nowhere", "/rooms"]
)
async def test_the_doors_are_guarded_before_anybody_is_known(
    client: ClientSession, path: str
) -> None:
    for headers in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ):
        response = await client.post(path, json={}, headers=headers)
        assert response.status == 403
        assert (await response.json(content_type=None))["title"] == "Forbidden"


async def test_two_origins_are_one_too_many(server: TestServer) -> None:
    origin = str(server.make_url("/")).rstrip("/")
    async with ClientSession(base_url=server.make_url("/")) as client:
        once = await client.post("/session", json={}, headers=[("Origin", origin)])
        assert once.status == 422
        twice = await client.post(
            "/session", json={}, headers=[("Origin", origin), ("Origin", origin)]
        )
        assert twice.status == 403


async def test_nothing_is_ever_shared_with_other_origins(client: ClientSession) -> None:
    preflight = {
        "Origin": "https://evil.example",
        "Access-Control-Request-Method": "POST",
    }
    for path in ("/health", "/rooms", "/session"):
        for method in ("GET", "OPTIONS"):
            response = await client.request(method, path, headers=preflight)
            assert not [
                name
                for name in response.headers
                if name.lower().startswith("access-control-")
            ]


# Whose


async def test_the_same_token_is_good_as_cookie_and_as_bearer(
    sign_in: SignIn, stranger: ClientSession
) -> None:
    kevin = await sign_in("Kevin")
    for headers in (
        {"Cookie": f"{COOKIE}={kevin.token}"},
        {"Cookie": f"a=b; {COOKIE}={kevin.token}; c=d"},
        {"Authorization": f"Bearer {kevin.token}"},
        {"Authorization": f"bearer {kevin.token}"},
    ):
        response = await stranger.get("/rooms", headers=JSON | headers)
        assert response.status == 200


async def test_what_proves_nothing_is_401_and_never_500(
    sign_in: SignIn, stranger: ClientSession
) -> None:
    kevin = await sign_in("Kevin")
    token = kevin.token
    for headers in (
        {"Cookie": f"{COOKIE}={token}; {COOKIE}={token}"},
        {"Cookie": f"{COOKIE}=x; {COOKIE}={token}"},
        {"Cookie": f"{COOKIE}={token}x"},
        {"Cookie": f"{COOKIE}="},
        {"Cookie": COOKIE},
        {"Cookie": f'{COOKIE}="{token[:5]}'},
        {"Cookie": f"{COOKIE}=" + "x" * 7000},
        {"Cookie": "; ".join(f"c{number}=x" for number in range(1000))},
        {"Cookie": "\xff=\xfe;;;=;"},
        {"Authorization": f"Basic {token}"},
        {"Authorization": token},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer \xff\xfe"},
        {"Authorization": "Bearer x", "Cookie": f"{COOKIE}={token}"},
    ):
        response = await stranger.get("/rooms", headers=JSON | headers)
        assert response.status == 401, headers
    in_the_address = await stranger.get(f"/rooms?token={token}", headers=JSON)
    assert in_the_address.status == 401


async def test_two_cookie_headers_are_told_from_one(
    sign_in: SignIn, server: TestServer
) -> None:
    kevin = await sign_in("Kevin")
    cookie = ("Cookie", f"{COOKIE}={kevin.token}")
    async with ClientSession(
        base_url=server.make_url("/"), cookie_jar=DummyCookieJar(), headers=JSON
    ) as client:
        assert (await client.get("/rooms", headers=[cookie])).status == 200
        assert (await client.get("/rooms", headers=[cookie, cookie])).status == 401


def test_only_a_bearer_token_is_one() -> None:
    def given(value: str) -> str | None:
        request = make_mocked_request("GET", "/", headers={"Authorization": value})
        return bearer(request)

    assert given("Bearer abc") == "abc"
    assert given("BEARER  abc ") == "abc"
    assert [given(value) for value in ("", "Bearer", "Bearer ", "Basic abc")] == [
        None
    ] * 4


def test_a_representation_is_chosen_by_the_headers_alone() -> None:
    def chosen(headers: dict[str, str]) -> str:
        return representation(make_mocked_request("GET", "/", headers=headers))

    assert chosen(HTML) == chosen({}) == chosen({"Accept": "*/*"}) == "page"
    assert chosen({"HX-Request": "false"}) == "page"
    assert chosen(FRAGMENT) == chosen(HTML | {"HX-Request": "true"}) == "fragment"
    assert chosen(JSON) == chosen(JSON | {"HX-Request": "true"}) == "json"


# From where

PROXY = (ip_network("127.0.0.0/8"),)


def peer(headers: dict[str, str], remote: str = "127.0.0.1") -> Peers | str:
    request = make_mocked_request("GET", "/", headers=headers).clone(remote=remote)
    return Peers(None, PROXY).address(request)


def test_an_address_is_believed_as_far_as_it_is_vouched_for() -> None:
    forwarded = {"X-Forwarded-For": "1.1.1.1, 2.2.2.2, 127.0.0.2"}
    assert peer({}) == "127.0.0.1"
    assert peer(forwarded) == "2.2.2.2"
    assert peer(forwarded, remote="3.3.3.3") == "3.3.3.3"
    assert peer({"X-Forwarded-For": " , ,"}) == "127.0.0.1"
    assert peer({"X-Forwarded-For": "1.1.1.1, junk"}) == "junk"
    assert peer({"X-Forwarded-For": "127.0.0.9"}) == "127.0.0.9"


def test_an_origin_is_what_the_browser_used_as_far_as_we_may_know() -> None:
    headers = {
        "Host": "Chat.Example:8000",
        "X-Forwarded-Proto": "https",
        "X-Forwarded-Host": "chat.example",
    }
    request = make_mocked_request("GET", "/", headers=headers)
    trusted = request.clone(remote="127.0.0.1")
    untrusted = request.clone(remote="3.3.3.3")
    assert Peers(None, ()).origin(trusted) == "http://chat.example:8000"
    assert Peers(None, PROXY).origin(trusted) == "https://chat.example"
    assert Peers(None, PROXY).origin(untrusted) == "http://chat.example:8000"
    assert Peers("https://fixed.example", PROXY).origin(trusted) == (
        "https://fixed.example"
    )


@pytest.fixture
async def behind_https(tmp_path: Path) -> AsyncIterator[ClientSession]:
    """A stranger at a server whose browsers come by https://chat.example."""
    config = Config(
        data=tmp_path / "data", password_cost=4, origin="https://chat.example"
    )
    server = TestServer(await app.create(config))
    await server.start_server()
    async with ClientSession(
        base_url=server.make_url("/"),
        headers=JSON | {"Host": "chat.example"},
        cookie_jar=DummyCookieJar(),
    ) as client:
        yield client
    await server.close()


async def test_the_origin_of_the_operator_is_the_only_one(
    behind_https: ClientSession,
) -> None:
    words = {
        "name": "David",
        "email_address": "david@37signals.example",
        "password": "correct horse battery",
    }
    address = str(behind_https._base_url).rstrip("/")
    for foreign in (
        address,
        "http://chat.example",
        "https://chat.example.evil.example",
    ):
        refused = await behind_https.post(
            "/first_run", json=words, headers={"Origin": foreign}
        )
        assert refused.status == 403
    begun = await behind_https.post(
        "/first_run", json=words, headers={"Origin": "https://chat.example"}
    )
    assert begun.status == 201
    cookie = begun.headers["Set-Cookie"]
    assert cookie.startswith("__Host-campfire_session=")
    assert "; Secure" in cookie and "; Path=/" in cookie and "Domain" not in cookie
    pair = cookie.partition(";")[0]
    known = await behind_https.get("/account", headers={"Cookie": pair})
    assert known.status == 200
    planted = {"Cookie": pair.removeprefix("__Host-")}
    assert (await behind_https.get("/account", headers=planted)).status == 401
    ended = await behind_https.delete(
        "/session", headers={"Cookie": pair, "Origin": "https://chat.example"}
    )
    assert "; Secure" in ended.headers["Set-Cookie"]
    begun = await behind_https.post(
        "/session", json=words, headers={"Origin": "https://chat.example"}
    )
    bearer = {"Authorization": f"Bearer {(await begun.json())['token']}"}
    account = await (await behind_https.get("/account", headers=bearer)).json()
    assert account["join_url"].startswith("https://chat.example/join/")


async def test_an_invitation_names_the_address_that_was_used(
    sign_in: SignIn, server: TestServer
) -> None:
    david = await sign_in("David")
    account = await (await david.client.get("/account")).json()
    assert account["join_url"].startswith(str(server.make_url("/join/")))
