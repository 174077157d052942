"""Answers, in the few shapes that there are."""

from typing import Any

import orjson
from aiohttp.web import Response

from campfire.web import responses


def told(response: Response) -> tuple[int, str, str | None, Any]:
    return response.status, response.content_type, response.charset, response.body


def test_json_and_html_are_for_one_person_and_one_form() -> None:
    as_json = responses.json({"ok": [1, "é"]}, 201, Location="/rooms/1")
    assert told(as_json)[:2] == (201, "application/json")
    assert orjson.loads(as_json.body) == {"ok": [1, "é"]}  # type: ignore[arg-type]
    assert as_json.headers["Location"] == "/rooms/1"
    as_html = responses.html("é", 422)
    assert told(as_html)[:3] == (422, "text/html", "utf-8")
    for response in (as_json, as_html):
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert response.headers["Vary"] == "Accept, Authorization, Cookie, HX-Request"


def test_nothing_is_204_and_empty() -> None:
    response = responses.nothing()
    assert (response.status, response.body) == (204, None)


def test_a_form_is_led_on_with_303_and_an_address_with_302() -> None:
    assert responses.see("/").status == 303
    response = responses.see("/rooms/1", 302)
    assert (response.status, response.headers["Location"]) == (302, "/rooms/1")
