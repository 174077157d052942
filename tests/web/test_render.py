"""How things look from outside: times, shapes, fragments, frames."""

from dataclasses import replace

import aiohttp_jinja2
import pytest
from aiohttp.test_utils import TestServer
from markupsafe import escape

from campfire.chat import (
    boosts,
    memberships,
    messages,
    richtext,
    rooms,
    sessions,
    users,
)
from campfire.chat.memberships import Membership
from campfire.chat.messages import Message, Removal
from campfire.chat.parts import Boost, Preview
from campfire.chat.rooms import Room
from campfire.chat.users import User
from campfire.database import Event
from campfire.web import render
from campfire.web.keys import RENDERER
from campfire.web.render import Renderer
from tests.conftest import ALL_PETS, DAVID, KEVIN
from tests.web.conftest import HTML, Browse

USER = User(DAVID, "<b>David</b>", "member", "active", "", 0)
MESSAGE = Message(5, 1, "x:1", 7, 6, "*x*", "<em>x</em>", "x", 1000, 2000, USER, (4,))
ROOM = Room(
    3, "open", "HQ", DAVID, 0, 0, None, Membership("mentions", 0, 0, False, frozenset())
)
BOTH = frozenset({DAVID, KEVIN})


@pytest.fixture
def renderer(server: TestServer) -> Renderer:
    assert server.app is not None
    return server.app[RENDERER]


def test_a_time_is_utc_to_the_millisecond() -> None:
    assert render.time(0) == "1970-01-01T00:00:00.000Z"
    assert render.time(1_795_419_000_123) == "2026-11-23T07:30:00.123Z"
    assert render.time(1_795_419_000_999) == "2026-11-23T07:30:00.999Z"


def test_a_fragment_has_what_the_browser_goes_by(renderer: Renderer) -> None:
    fragment = renderer.fragment(MESSAGE)
    assert fragment.lstrip().startswith('<article class="message" id="message_x:1"')
    for attribute in (
        *('data-message-id="5"', 'data-seq="7"', f'data-creator-id="{DAVID}"'),
        *('data-created-at="1000"', 'data-mentions="4"', 'href="/rooms/1/@5"'),
    ):
        assert attribute in fragment
    assert "<em>x</em>" in fragment, "sanitized HTML is shown as it is"
    assert str(escape(USER.name)) in fragment
    assert USER.name not in fragment, "a name is text"


@pytest.mark.parametrize(
    ("text", "is_hidden"),
    [
        ("https://a.example/b?c=d&e", True),
        *(("www.a.com", True), ("a.com", True), ("<https://x.com/a>", True)),
        *(("https://b\u00fccher.example/\u00e4", True), ("HTTPS://A.EXAMPLE/", True)),
        ("[https://a.example](https://b.example)", True),
        *(("[docs](https://a.example)", False), ("See https://a.example", False)),
        *(
            ("https://a.example https://a.example", False),
            ("https://a.example.", False),
        ),
        *(("> https://a.example", False), ("`https://a.example`", False)),
    ],
)
def test_words_that_are_only_their_link_leave_it_to_the_card(
    text: str, is_hidden: bool, renderer: Renderer
) -> None:
    draft = richtext.draft(text, ())
    message = replace(MESSAGE, html=draft.html, plain=draft.plain, seq=90)
    assert "is-only-link" not in renderer.fragment(message)
    card = Preview(1, (*draft.links, "")[0], "a.example", "A", "", None, None)
    message = replace(message, previews=(card,), seq=91)
    assert ("is-only-link" in renderer.fragment(message)) == is_hidden
    message = replace(message, previews=(card, replace(card, id=2)), seq=92)
    assert "is-only-link" not in renderer.fragment(message)


def test_a_fragment_is_of_the_version_that_is_asked_for(renderer: Renderer) -> None:
    first = renderer.fragment(MESSAGE)
    assert renderer.fragment(replace(MESSAGE)) is first, "rendered once"
    assert "now" in renderer.fragment(replace(MESSAGE, html="now", seq=8))
    renamed = replace(MESSAGE, creator=replace(USER, name="Dave"))
    assert "Dave" in renderer.fragment(renamed)
    assert renderer.fragments([MESSAGE, renamed]) == first + renderer.fragment(renamed)
    long = replace(MESSAGE, html="x" * 10_000)
    assert renderer.fragment(long) == renderer.fragment(long)


def test_a_sound_stands_in_the_place_of_its_words(renderer: Renderer) -> None:
    words = replace(MESSAGE, html="<p>/play owl</p>", plain="/play owl")
    fragment = renderer.fragment(words)
    assert 'class="sound" action="/static/' in fragment
    assert '/sounds/owl.wav"' in fragment
    assert 'aria-label="Play the sound: owl"' in fragment
    assert f"<bdi>{escape(USER.name)}</bdi> plays <b>owl</b> 🦉" in fragment
    assert "/play" not in fragment
    assert render.message(words, "")["body"]["html"] == "<p>/play owl</p>"
    unknown = replace(MESSAGE, html="<p>/play dodo</p>", plain="/play dodo")
    assert "<p>/play dodo</p>" in renderer.fragment(unknown)


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (
            messages.Posted(BOTH, MESSAGE),
            {"event": "message.posted", "room_id": 1, "seq": 7},
        ),
        (
            messages.Edited(BOTH, MESSAGE),
            {"event": "message.edited", "room_id": 1, "seq": 7},
        ),
    ],
)
def test_a_message_goes_down_as_json_or_html(
    renderer: Renderer, event: Event, frame: dict[str, object]
) -> None:
    as_json = renderer.present(event, "json", KEVIN)
    assert as_json == frame | {"message": render.message(MESSAGE, "")}
    as_html = renderer.present(event, "html", KEVIN)
    assert as_html == frame | {"html": renderer.fragment(MESSAGE)}


def test_a_boost_goes_down_by_itself_or_with_its_message(renderer: Renderer) -> None:
    boost = Boost(9, 5, "👍", 0, USER)
    place = {"room_id": 1, "seq": 7, "message_id": 5}
    added = boosts.Added(BOTH, MESSAGE, boost)
    removed = boosts.Removed(BOTH, MESSAGE, boost)
    assert (
        renderer.present(added, "json", KEVIN)
        == {
            "event": "boost.added",
            "boost": render.boost(boost),
        }
        | place
    )
    assert (
        renderer.present(removed, "json", KEVIN)
        == {
            "event": "boost.removed",
            "id": 9,
        }
        | place
    )
    for event in (added, removed):
        html = renderer.fragment(MESSAGE)
        shown = renderer.present(event, "html", KEVIN)
        assert shown == {"event": event.name, "html": html} | place


@pytest.mark.parametrize(
    ("event", "frame"),
    [
        (
            messages.Removed(BOTH, Removal(1, 9, 5, "x:1"), DAVID),
            {
                "event": "message.removed",
                "room_id": 1,
                "seq": 9,
                "id": 5,
                "client_message_id": "x:1",
            },
        ),
        (
            memberships.Read(KEVIN, 1, 9, 5, 2),
            {
                "event": "room.read",
                "room_id": 1,
                "message_id": 5,
                "last_read_id": 5,
                "unread_count": 2,
                "mentioned": False,
            },
        ),
        (
            memberships.Revoked(BOTH, 1),
            {"event": "membership.revoked", "room_id": 1},
        ),
        (
            rooms.Created(dict.fromkeys(BOTH, ROOM)),
            {"event": "room.created", "room_id": 3, "room": render.room(ROOM)},
        ),
    ],
)
def test_other_events_are_the_same_in_both_formats(
    renderer: Renderer, event: Event, frame: dict[str, object]
) -> None:
    assert renderer.present(event, "json", KEVIN) == frame
    assert renderer.present(event, "html", KEVIN) == frame


@pytest.mark.parametrize(
    "event", [sessions.Started(1), sessions.Ended(1, (1,)), users.Joined(USER, ())]
)
def test_what_is_told_to_no_socket_has_no_frame(
    renderer: Renderer, event: Event
) -> None:
    with pytest.raises(LookupError):
        renderer.present(event, "json", KEVIN)


def test_a_page_escapes_what_it_is_given(renderer: Renderer) -> None:
    page = renderer.page("errors/show.html", status=404, title="<i>", detail="a & b")
    assert "<i>" not in page and "&lt;i&gt;" in page and "a &amp; b" in page


def test_a_template_that_misses_something_fails(server: TestServer) -> None:
    assert server.app is not None
    environment = aiohttp_jinja2.get_env(server.app)
    with pytest.raises(Exception, match="undefined"):
        environment.from_string("{{ nothing }}").render()
    assert environment.from_string("{{ x }}").render(x="<") == "&lt;"


async def test_the_first_view_of_a_room_waits_for_no_compiler(
    server: TestServer,
    renderer: Renderer,
    browse: Browse,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    browser = await browse("Kevin")
    renderer.compile("rooms/show.html")
    assert server.app is not None
    environment = aiohttp_jinja2.get_env(server.app)
    monkeypatch.setattr(environment, "compile", lambda *given: 1 / 0)
    assert (await browser.get(f"/rooms/{ALL_PETS}", headers=HTML)).status == 200
