"""What came with a request: its body and its numbers, or a refusal with 4xx.

A body is JSON when it says so, else a form. aiohttp answers 500 to several broken
bodies; everything is read here, so that nothing broken gets further.
"""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl

import orjson
from aiohttp import BodyPartReader, hdrs, web
from aiohttp.http import HttpProcessingError

from campfire.refusals import Invalid, NotFound, TooLarge, Unreadable, Unsupported

MOST_FIELDS: Final = 2_000  # Everybody of a large account may be ticked in a form.
LARGEST_BODY: Final = 512 * 1024
CHUNK: Final = 64 * 1024
LISTS: Final = frozenset({"user_ids"})
LARGEST_ID: Final = 10**18
MOST_DIGITS: Final = 100  # More make no number that is too large any smaller.

# What aiohttp's reader raises for one broken form or another.
BROKEN: Final = (
    *(AssertionError, LookupError, RuntimeError, ValueError),
    HttpProcessingError,
)

Fields = Mapping[str, Any]


async def body(request: web.Request, largest: int = LARGEST_BODY) -> Fields:
    """The fields of a JSON object or a form. Raises Unreadable and Unsupported.

    Only a form of several parts may be larger than the others, up to `largest`.
    """
    if hdrs.CONTENT_ENCODING in request.headers:
        raise Unsupported("A compressed body is not accepted.")
    if not request.body_exists:
        return {}
    match request.content_type:
        case "application/json":
            return json_object(await request.read())
        case "application/x-www-form-urlencoded":
            return form(await request.read(), request.charset)
        case "multipart/form-data":
            return await multipart(request, largest)
    raise Unsupported("Send JSON or a form.")


def json_object(data: bytes) -> Fields:
    try:
        fields = orjson.loads(data)
    except orjson.JSONDecodeError:
        raise Unreadable("The body is not JSON.") from None
    if not isinstance(fields, dict):
        raise Unreadable("The body is not a JSON object.")
    return fields


def form(data: bytes, charset: str | None) -> Fields:
    if (charset or "utf-8").lower() != "utf-8":
        raise Unreadable("A form must be UTF-8.")
    try:
        pairs = parse_qsl(
            data.decode("utf-8"),
            keep_blank_values=True,
            errors="strict",
            max_num_fields=MOST_FIELDS,
        )
    except ValueError:
        raise Unreadable("The form cannot be read.") from None
    return without_repetition(pairs)


async def multipart(request: web.Request, largest: int) -> Fields:
    """The fields of a form with files in it: those are bytes."""
    pairs: list[tuple[str, str | bytes]] = []
    size = 0
    async for name, filename, chunks in parts(request):
        data = bytearray()
        async for chunk in chunks:
            data += chunk
            size += len(chunk)
            if size > largest:
                raise TooLarge("The form is too large.")
        pairs.append((name, text_of(data) if filename is None else bytes(data)))
    return without_repetition(pairs)


async def parts(
    request: web.Request,
) -> AsyncIterator[tuple[str, str | None, AsyncIterator[bytes]]]:
    """Name, file name and bytes of each part, as they come in. Raises Unreadable."""
    try:
        reader = await request.multipart()
        for _ in range(MOST_FIELDS + 1):
            part = await reader.next()
            if part is None:
                return
            if not isinstance(part, BodyPartReader) or part.name is None:
                raise Unreadable("The form cannot be read.")
            yield part.name, part.filename, chunks_of(part)
    except BROKEN as error:
        raise Unreadable("The form cannot be read.") from error
    raise Unreadable("The form has too many fields.")


async def chunks_of(part: BodyPartReader) -> AsyncIterator[bytes]:
    while True:
        try:
            chunk = await part.read_chunk(CHUNK)
        except BROKEN as error:
            raise Unreadable("The form cannot be read.") from error
        if not chunk:
            return
        yield chunk


def text_of(data: bytes | bytearray) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise Unreadable("The form cannot be read.") from None


def without_repetition(pairs: Sequence[tuple[str, str | bytes]]) -> Fields:
    """The fields, where only a list may be given more than once."""
    fields: dict[str, Any] = {}
    for name, value in pairs:
        listed = name.removesuffix("[]")
        if listed in LISTS:
            fields.setdefault(listed, []).append(value)
        elif name in fields:
            raise Invalid("A field was given twice.", **{name: "Give it once."})
        else:
            fields[name] = value
    return fields


def text(fields: Fields, name: str, *, longest: int = LARGEST_BODY) -> str:
    """A field that must be there and be text. Raises Invalid."""
    value = optional_text(fields, name)
    if value is None:
        raise Invalid("Something is missing.", **{name: "This is needed."})
    if len(value) > longest:
        raise Invalid("Something is too long.", **{name: "This is too long."})
    return value


def optional_text(fields: Fields, name: str) -> str | None:
    value = fields.get(name)
    if value is not None and not isinstance(value, str):
        raise Invalid("Something is not text.", **{name: "This must be text."})
    if value is not None and not value.isprintable():
        try:
            value.encode("utf-8")
        except UnicodeEncodeError:
            raise Unreadable("The text cannot be read.") from None
    return value


def flag(fields: Fields, name: str) -> bool | None:
    """A field that is on or off, as a program or a form says it. Raises Invalid."""
    match fields.get(name):
        case None:
            return None
        case True | "true" | "on" | "1":
            return True
        case False | "false" | "off" | "0" | "":
            return False
    raise Invalid("A setting cannot be read.", **{name: "This must be true or false."})


def file(fields: Fields, name: str) -> bytes | None:
    """A file of a form, or None when there is none or an empty one."""
    value = fields.get(name)
    return value if isinstance(value, bytes) and value else None


def whole_number(fields: Fields, name: str) -> int:
    """A field that must be there and be an integer, as JSON or as digits."""
    value = fields.get(name)
    if isinstance(value, str):
        return digits(name, value)
    if not isinstance(value, int) or isinstance(value, bool) or abs(value) > LARGEST_ID:
        raise Invalid(
            "Something is not a number.", **{name: "This must be a whole number."}
        )
    return value


def whole_numbers(fields: Fields, name: str) -> list[int]:
    """A field that may hold a list of integers, or one. Raises Invalid."""
    values = fields.get(name, [])
    if not isinstance(values, list):
        values = [values]
    if len(values) > MOST_FIELDS:
        raise Invalid("Something is too long.", **{name: "This is too much."})
    return [whole_number({name: value}, name) for value in values]


def number(request: web.Request, name: str) -> int | None:
    """A number of the query, or None when it is not there. Raises Invalid."""
    values = request.query.getall(name, [])
    if len(values) > 1:
        raise Invalid("Something was given twice.", **{name: "Give it once."})
    return digits(name, values[0]) if values else None


def clamped(number: int | None, default: int, most: int) -> int:
    """A limit: what was asked for, as far as it is allowed."""
    return default if number is None else min(max(number, 1), most)


def digits(name: str, value: str) -> int:
    """The number, or the furthest one on its side: that is no id, and any limit."""
    unsigned = value.removeprefix("-")
    if not (unsigned.isascii() and unsigned.isdecimal()):
        raise Invalid(
            "Something is not a number.", **{name: "This must be a whole number."}
        )
    return min(max(int(value[:MOST_DIGITS]), -LARGEST_ID), LARGEST_ID)


def path_id(request: web.Request, name: str) -> int:
    """An id of the path: the routes let only digits through."""
    value = int(request.match_info[name])
    if value > LARGEST_ID:
        raise NotFound("There is no such thing.")
    return value
