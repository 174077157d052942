"""Bodies and numbers: what is broken is answered 4xx, whatever is wrong with it."""

import gzip
import json
from typing import Any
from urllib.parse import urlencode

import pytest
from aiohttp import ClientSession, FormData
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from campfire.refusals import Refusal
from campfire.web import forms
from campfire.web.forms import LARGEST_BODY, MOST_FIELDS
from tests.conftest import SignIn
from tests.web.conftest import Raw

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=B"


def part(name: str, value: bytes, *more: str) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name}"', *more]
    return b"--B\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + value + b"\r\n"


END = b"--B--\r\n"
UNREADABLE: dict[str, tuple[str, bytes]] = {
    "no json": ("application/json", b"{"),
    "half a json": ("application/json", b'{"body": "x'),
    "a list": ("application/json", b"[]"),
    "a number": ("application/json", b"1"),
    "null": ("application/json", b"null"),
    "not a number": ("application/json", b'{"body": NaN}'),
    "bad utf-8": ("application/json", b'{"body": "\xff"}'),
    "utf-16": ("application/json", '{"body": "x"}'.encode("utf-16")),
    "a byte order mark": ("application/json", b'\xef\xbb\xbf{"body": "x"}'),
    "half a surrogate": ("application/json", b'{"body": "\\ud800"}'),
    "deep json": ("application/json", b'{"a":' * 100_000),
    "deep lists": ("application/json", b"[" * 100_000 + b"]" * 100_000),
    "two objects": ("application/json", b"{}{}"),
    "unknown charset": (f"{URLENCODED}; charset=zzz", b"body=x"),
    "odd charset": (f"{URLENCODED}; charset=utf-16", b"body=x"),
    "charset of junk": (f"{URLENCODED}; charset=\xff", b"body=x"),
    "bytes in a form": (URLENCODED, b"body=\xff"),
    "escaped bytes in a form": (URLENCODED, b"body=%ff%fe"),
    "escaped surrogate in a form": (URLENCODED, b"body=%ed%a0%80"),
    "too many fields": (URLENCODED, b"a=b&" * (MOST_FIELDS + 1)),
    "no boundary": ("multipart/form-data", part("body", b"x") + END),
    "empty boundary": ("multipart/form-data; boundary=", part("body", b"x") + END),
    "long boundary": ("multipart/form-data; boundary=" + "B" * 200, END),
    "another boundary": (MULTIPART, b"--C\r\n\r\nx\r\n--C--\r\n"),
    "no name": (MULTIPART, b"--B\r\nContent-Disposition: form-data\r\n\r\nx\r\n" + END),
    "no disposition": (MULTIPART, b"--B\r\n\r\nx\r\n" + END),
    "no end": (MULTIPART, part("body", b"x")),
    "half a part": (MULTIPART, b"--B\r\nContent-Disposition: form-da"),
    "half a value": (MULTIPART, part("body", b"x")[:-2]),
    "bad header": (MULTIPART, b"--B\r\nnonsense\r\n\r\nx\r\n" + END),
    "bad utf-8 in a part": (MULTIPART, part("body", b"\xff") + END),
    "a form in a form": (
        MULTIPART,
        part(
            "body",
            b"--C\r\nContent-Disposition: form-data; name=a\r\n\r\nx\r\n--C--",
            "Content-Type: multipart/mixed; boundary=C",
        )
        + END,
    ),
    "a form in a form without boundary": (
        MULTIPART,
        part("body", b"x", "Content-Type: multipart/mixed") + END,
    ),
    "many parts": (MULTIPART, part("a", b"b") * (MOST_FIELDS + 1) + END),
    "a long header": (MULTIPART, part("a" * 100_000, b"b") + END),
    "many headers": (
        MULTIPART,
        part("a", b"b", *(f"X-{number}: x" for number in range(2000))) + END,
    ),
}
UNSUPPORTED: dict[str, tuple[str, bytes]] = {
    "text": ("text/plain", b'{"body": "x"}'),
    "no type": ("", b"body=x"),
    "junk type": ("///;;=", b"body=x"),
    "json lines": ("application/jsonl", b"{}"),
    "xml": ("application/xml", b"<body/>"),
    "mixed parts": ("multipart/mixed; boundary=B", part("body", b"x") + END),
}
INVALID: dict[str, tuple[str, bytes]] = {
    "nothing": ("application/json", b""),
    "nothing in it": ("application/json", b"{}"),
    "null for text": ("application/json", b'{"body": null}'),
    "a number for text": ("application/json", b'{"body": 5}'),
    "a list for text": ("application/json", b'{"body": ["x"]}'),
    "an object for text": ("application/json", b'{"body": {"$ne": null}}'),
    "truth for text": ("application/json", b'{"body": true}'),
    "a number for an id": ("application/json", b'{"body":"x","client_message_id":5}'),
    "an empty id": ("application/json", b'{"body":"x","client_message_id":""}'),
    "a long id": (
        "application/json",
        json.dumps({"body": "x", "client_message_id": "x" * 65}).encode(),
    ),
    "an odd id": ("application/json", b'{"body":"x","client_message_id":"a b"}'),
    "an id with an end": (
        "application/json",
        b'{"body":"x","client_message_id":"a\\n"}',
    ),
    "blank": ("application/json", b'{"body": " \\n\\t "}'),
    "only nul": ("application/json", b'{"body": "\\u0000"}'),
    "too long": ("application/json", json.dumps({"body": "x" * 65_537}).encode()),
    "too long in utf-8": (
        "application/json",
        json.dumps({"body": "\N{FIRE}" * 16_385}).encode(),
    ),
    "an empty form": (URLENCODED, b""),
    "another field": (URLENCODED, b"words=x"),
    "a field for lists": (URLENCODED, b"body[]=x"),
    "a field twice": (URLENCODED, b"body=x&body=y"),
    "a part twice": (MULTIPART, part("body", b"x") + part("body", b"y") + END),
    "an empty multipart": (MULTIPART, END),
}


async def refused(sign_in: SignIn, content_type: str, data: bytes) -> int:
    """The status, after a look at the answer and at the room."""
    david = await sign_in("David")
    response = await david.client.post(
        "/rooms/1/messages", data=data, headers={"Content-Type": content_type}
    )
    problem = await response.json(content_type=None)
    assert problem["status"] == response.status
    assert response.content_type == "application/problem+json"
    async with david.client.get("/rooms/1/messages") as room:
        assert await room.json() == []
    return response.status


@pytest.mark.parametrize("case", UNREADABLE)
async def test_a_body_that_cannot_be_read_is_400(sign_in: SignIn, case: str) -> None:
    assert await refused(sign_in, *UNREADABLE[case]) == 400


@pytest.mark.parametrize("case", UNSUPPORTED)
async def test_a_body_of_another_kind_is_415(sign_in: SignIn, case: str) -> None:
    assert await refused(sign_in, *UNSUPPORTED[case]) == 415


@pytest.mark.parametrize("case", INVALID)
async def test_a_body_that_makes_no_sense_is_422(sign_in: SignIn, case: str) -> None:
    assert await refused(sign_in, *INVALID[case]) == 422


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json", b'{"body": "' + b"x" * LARGEST_BODY + b'"}'),
        (URLENCODED, b"body=" + b"x" * LARGEST_BODY),
        (MULTIPART, part("body", b"x" * (LARGEST_BODY + 1)) + END),
        (MULTIPART, part("a", b"x" * 300_000) + part("b", b"x" * 300_000) + END),
    ],
)
async def test_a_body_that_is_too_large_is_413(
    sign_in: SignIn, content_type: str, data: bytes
) -> None:
    assert await refused(sign_in, content_type, data) == 413


async def test_a_compressed_body_is_415(sign_in: SignIn) -> None:
    david = await sign_in("David")
    for encoding in ("gzip", "br"):
        response = await david.client.post(
            "/rooms/1/messages",
            data=gzip.compress(b'{"body": "x"}'),
            headers={"Content-Encoding": encoding, "Content-Type": "application/json"},
        )
        assert response.status == 415


@pytest.mark.parametrize(
    ("content_type", "data"),
    [
        ("application/json", '{"body": "Grüße \U0001f525"}'.encode()),
        ("application/json; charset=utf-8", '{"body": "Grüße \U0001f525"}'.encode()),
        (URLENCODED, b"body=Gr%C3%BC%C3%9Fe+%F0%9F%94%A5"),
        (URLENCODED, "body=Grüße \U0001f525".encode()),
        (f"{URLENCODED}; charset=UTF-8", b"body=Gr%C3%BC%C3%9Fe+%F0%9F%94%A5"),
        (MULTIPART, part("body", "Grüße \U0001f525".encode()) + END),
    ],
)
async def test_a_body_may_be_json_or_a_form_of_either_kind(
    sign_in: SignIn, content_type: str, data: bytes
) -> None:
    david = await sign_in("David")
    response = await david.client.post(
        "/rooms/1/messages", data=data, headers={"Content-Type": content_type}
    )
    assert response.status == 201
    assert (await response.json())["body"]["source"] == "Grüße \U0001f525"


async def test_a_body_may_come_in_chunks(sign_in: SignIn, raw: Raw) -> None:
    david = await sign_in("David")
    answer = await raw(
        f"POST /rooms/1/messages HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Authorization: Bearer {david.token}\r\nAccept: application/json\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        '8\r\n{"body":\r\n7\r\n"Fire"}\r\n0\r\n\r\n'.encode()
    )
    assert answer.startswith(b"HTTP/1.1 201 ")


async def test_65536_bytes_are_not_too_long(sign_in: SignIn) -> None:
    david = await sign_in("David")
    body = {"body": "\N{FIRE}" * 16_384}
    response = await david.client.post("/rooms/1/messages", json=body)
    assert response.status == 201


@pytest.mark.parametrize("field", ["email_address", "password"])
@pytest.mark.parametrize("value", [None, 5, [], {"$ne": None}, ["x"], True, 1e300])
async def test_signing_in_wants_text(
    client: ClientSession, field: str, value: Any
) -> None:
    words: dict[str, Any] = {"email_address": "a@b.example", "password": "x"}
    response = await client.post("/session", json=words | {field: value})
    assert response.status == 422
    assert list((await response.json(content_type=None))["errors"]) == [field]


async def test_a_repeated_multipart_field_does_not_choose(
    client: ClientSession,
) -> None:
    form = FormData(default_to_multipart=True)
    for address in ("a@b.example", "c@d.example"):
        form.add_field("email_address", address)
    form.add_field("password", "x")
    assert (await client.post("/session", data=form)).status == 422


@pytest.mark.parametrize(
    "query",
    [
        *("limit=x", "limit=", "limit=1.5", "limit=1e3", "limit=%D9%A1", "limit=+1"),
        *("limit=1&limit=2", "before=x", "after=", "around=%00", "before=1&after=1"),
        *("before=%ff", "limit=--1"),
    ],
)
async def test_a_number_that_is_none_is_422(sign_in: SignIn, query: str) -> None:
    david = await sign_in("David")
    response = await david.client.get(f"/rooms/1/messages?{query}")
    assert response.status == 422
    assert (await response.json(content_type=None))["status"] == 422


@pytest.mark.parametrize(
    ("query", "status"),
    [
        *(("limit=" + "9" * 30, 200), ("limit=-" + "9" * 30, 200)),
        *((f"{anchor}={'9' * 5_000}", 404) for anchor in ("before", "after", "around")),
        ("before=9223372036854775808", 404),
    ],
)
async def test_a_number_that_is_too_large_is_still_one(
    sign_in: SignIn, query: str, status: int
) -> None:
    david = await sign_in("David")
    response = await david.client.get(f"/rooms/1/messages?{query}")
    assert response.status == status


@pytest.mark.parametrize(
    "value", [None, "x", "", "1.5", 1.5, True, [], {}, [1], 10**19, -(10**19)]
)
async def test_reading_wants_a_whole_number(sign_in: SignIn, value: Any) -> None:
    david = await sign_in("David")
    response = await david.client.post("/rooms/1/read", json={"message_id": value})
    assert response.status in (400, 422)
    form = await david.client.post("/rooms/1/read", data={"message_id": "1x"})
    assert form.status == 422


@pytest.mark.parametrize(
    "value", ["x", [None], ["x"], [1.5], [True], [99], {}, [10**19], list(range(200))]
)
async def test_making_a_room_wants_people_who_are_there(
    sign_in: SignIn, value: Any
) -> None:
    david = await sign_in("David")
    fields = {"kind": "closed", "name": "Designers", "user_ids": value}
    response = await david.client.post("/rooms", json=fields)
    assert response.status in (400, 422)
    assert len(await (await david.client.get("/rooms")).json()) == 2


@settings(max_examples=200, suppress_health_check=[HealthCheck.too_slow])
@given(st.binary(max_size=200))
def test_any_bytes_are_fields_or_a_refusal(data: bytes) -> None:
    for read in (forms.json_object, lambda data: forms.form(data, None)):
        try:
            assert isinstance(read(data), dict)
        except Refusal as refusal:
            assert 400 <= refusal.status < 500


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8")).filter(
            lambda name: name.removesuffix("[]") not in forms.LISTS
        ),
        st.text(st.characters(codec="utf-8")),
        max_size=20,
    )
)
def test_a_form_is_read_as_it_was_written(fields: dict[str, str]) -> None:
    data = urlencode(fields).encode("ascii")
    assert forms.form(data, "utf-8") == fields
