"""Previews: asked for with the message, shown to the room, taken away for good."""

from collections.abc import Sequence

import pytest

from campfire.chat import jobs, messages, previews, richtext, rooms
from campfire.chat.jobs import Job, Stale
from campfire.chat.messages import Message
from campfire.chat.previews import KIND, Card, Picture
from campfire.database import Tx
from campfire.refusals import Forbidden, NotFound
from tests.conftest import ALL_PETS, DAVID, EVERYBODY, INSIDERS, JZ, KEVIN, WATERCOOLER

A, B, C, D = (f"https://{letter}.example/" for letter in "abcd")
CARD = Card("a.example", "A title", "About it", Picture(2, 1, b"webp"))


def post(tx: Tx, body: str, user: int = JZ, room: int = WATERCOOLER) -> Message:
    client_id = messages.client_message_id(None)
    message, _ = messages.post(tx, user, room, richtext.draft(body), client_id)
    tx.events.clear()
    return message


def edit(tx: Tx, message: Message, body: str) -> Message:
    draft = richtext.draft(body)
    user, room = message.creator.id, message.room_id
    return messages.edit(tx, user, room, message.id, draft)


def lease(tx: Tx) -> Sequence[Job]:
    """Everything that is asked for, in the order in which it was."""
    leased = jobs.lease(tx, KIND, jobs.clock(), most=99, each=99, lasts=1_000).jobs
    return sorted(leased, key=lambda job: job.id)


def urls(leased: Sequence[Job]) -> list[str]:
    return [job.payload["url"] for job in leased]


def shown(tx: Tx, message: Message) -> list[str]:
    now = messages.find(tx, message.creator.id, message.room_id, message.id)
    return [preview.url for preview in now.previews]


def test_a_message_with_a_link_asks_for_its_preview(tx: Tx) -> None:
    draft = richtext.draft(f"See {A}path")
    message, _ = messages.post(tx, JZ, WATERCOOLER, draft, "x")
    assert tx.events == [
        jobs.Added(KIND),
        messages.Posted(INSIDERS, message),
    ]
    (job,) = lease(tx)
    assert job.destination == "a.example"
    assert job.payload == {
        "user_id": JZ,
        "message_id": message.id,
        "url": "https://a.example/path",
    }


def test_a_message_without_a_link_asks_for_nothing(tx: Tx) -> None:
    post(tx, "Hello `https://a.example/` and [nothing](mailto:a@b.example)")
    assert lease(tx) == []
    post(tx, A)
    assert urls(lease(tx)) == [A], "or nothing ever asks"


def test_a_message_that_is_sent_again_asks_once(tx: Tx) -> None:
    draft = richtext.draft(A)
    for _ in range(2):
        messages.post(tx, JZ, WATERCOOLER, draft, "x")
    assert len(lease(tx)) == 1


def test_the_first_three_links_have_one(tx: Tx) -> None:
    post(tx, f"{A} {B} {A} {C} {D}")
    assert urls(lease(tx)) == [A, B, C]
    post(tx, f"{A}{'a' * 2_048} {D}")
    assert urls(lease(tx)) == [D]


def test_a_card_is_kept_and_everybody_in_the_room_is_told(tx: Tx) -> None:
    message = post(tx, f"See {A}")
    (job,) = lease(tx)
    messages.preview(tx, job, CARD)
    now = messages.find(tx, JZ, WATERCOOLER, message.id)
    assert tx.events == [messages.Edited(INSIDERS, now)]
    assert now.seq == message.seq + 1
    assert now.edited_at is None, "its author has changed nothing"
    (preview,) = now.previews
    assert (preview.url, preview.site) == (A, "a.example")
    assert (preview.title, preview.description) == ("A title", "About it")
    assert (preview.image_width, preview.image_height) == (2, 1)
    assert preview.image_url == f"/previews/{preview.id}/image"
    changes = messages.changes(tx, JZ, WATERCOOLER, message.seq)
    assert changes.changed == [now]
    with pytest.raises(Stale):
        messages.preview(tx, job, CARD)


def test_a_card_without_a_picture_has_none(tx: Tx) -> None:
    message = post(tx, A)
    (job,) = lease(tx)
    messages.preview(tx, job, Card("a.example", "A title", ""))
    (preview,) = messages.find(tx, JZ, WATERCOOLER, message.id).previews
    assert preview.image_url is None
    with pytest.raises(NotFound):
        previews.picture(tx, JZ, preview.id)


def test_a_page_that_says_nothing_changes_nothing(tx: Tx) -> None:
    message = post(tx, A)
    (job,) = lease(tx)
    messages.preview(tx, job, None)
    assert tx.events == []
    assert messages.find(tx, JZ, WATERCOOLER, message.id) == message
    assert tx.value("SELECT count(*) FROM jobs") == 0


def test_a_card_for_a_message_that_is_gone_is_dropped(tx: Tx) -> None:
    message = post(tx, A)
    (job,) = lease(tx)
    messages.remove(tx, JZ, WATERCOOLER, message.id)
    tx.events.clear()
    messages.preview(tx, job, CARD)
    assert tx.events == []
    assert tx.value("SELECT count(*) FROM previews") == 0
    assert tx.value("SELECT count(*) FROM jobs") == 0


def test_a_card_for_a_room_that_is_gone_is_dropped(tx: Tx) -> None:
    post(tx, A)
    (job,) = lease(tx)
    rooms.remove(tx, DAVID, WATERCOOLER)
    tx.events.clear()
    messages.preview(tx, job, CARD)
    assert tx.events == []


def test_who_left_meanwhile_is_not_told(tx: Tx) -> None:
    post(tx, A, room=ALL_PETS)
    (job,) = lease(tx)
    rooms.revise(tx, DAVID, ALL_PETS, kind="closed", user_ids={DAVID, JZ})
    tx.events.clear()
    messages.preview(tx, job, CARD)
    (event,) = tx.events
    assert isinstance(event, messages.Edited)
    assert event.audience < EVERYBODY and KEVIN not in event.audience


# Edits


def test_an_edit_follows_its_links(tx: Tx) -> None:
    message = post(tx, f"{A} {B}")
    for job in lease(tx):
        messages.preview(tx, job, CARD)
    assert shown(tx, message) == [A, B]
    assert [preview.url for preview in edit(tx, message, f"{B} {C}").previews] == [B]
    assert urls(lease(tx)) == [C], "what was there stays and is not asked for again"


def test_a_link_that_was_edited_away_gets_no_card(tx: Tx) -> None:
    message = post(tx, f"{A} {B}")
    first, second = lease(tx)
    edit(tx, message, f"{B} is enough")
    with pytest.raises(Stale):
        messages.preview(tx, first, CARD)
    messages.preview(tx, second, CARD)
    assert shown(tx, message) == [B]


def test_an_edit_withdraws_nothing_of_other_messages(tx: Tx) -> None:
    message, other = post(tx, f"1 {A}"), post(tx, f"2 {A}")
    edit(tx, message, "Nothing")
    (job,) = lease(tx)
    assert job.payload["message_id"] == other.id


# Taking away


@pytest.mark.parametrize("who", [JZ, DAVID])
def test_the_author_and_administrators_take_a_card_away(tx: Tx, who: int) -> None:
    message = post(tx, f"{A} {B}")
    for job in lease(tx):
        messages.preview(tx, job, CARD)
    seq = messages.newest_seq(tx, JZ, WATERCOOLER)
    first, _ = messages.find(tx, JZ, WATERCOOLER, message.id).previews
    tx.events.clear()
    now = messages.remove_preview(tx, who, WATERCOOLER, message.id, first.id)
    assert tx.events == [messages.Edited(INSIDERS, now)]
    assert (now.seq, now.edited_at) == (seq + 1, None)
    assert shown(tx, message) == [B]
    with pytest.raises(NotFound):
        previews.picture(tx, JZ, first.id)
    with pytest.raises(NotFound):
        messages.remove_preview(tx, who, WATERCOOLER, message.id, first.id)


def test_what_was_taken_away_does_not_come_back(tx: Tx) -> None:
    message = post(tx, A)
    (job,) = lease(tx)
    messages.preview(tx, job, CARD)
    (preview,) = messages.find(tx, JZ, WATERCOOLER, message.id).previews
    messages.remove_preview(tx, JZ, WATERCOOLER, message.id, preview.id)
    edit(tx, message, f"{A} again")
    edit(tx, message, "Without")
    edit(tx, message, f"{A} and {B}")
    assert urls(lease(tx)) == [B]
    assert shown(tx, message) == []


def test_nobody_else_takes_a_card_away(tx: Tx) -> None:
    message = post(tx, A, user=DAVID)
    (job,) = lease(tx)
    messages.preview(tx, job, CARD)
    (preview,) = messages.find(tx, JZ, WATERCOOLER, message.id).previews
    with pytest.raises(Forbidden):
        messages.remove_preview(tx, JZ, WATERCOOLER, message.id, preview.id)
    with pytest.raises(NotFound):
        messages.remove_preview(tx, KEVIN, WATERCOOLER, message.id, preview.id)
    other = post(tx, "Else", user=JZ)
    with pytest.raises(NotFound):
        messages.remove_preview(tx, JZ, WATERCOOLER, other.id, preview.id)
    assert shown(tx, message) == [A]


def test_a_picture_is_for_those_who_see_the_message(tx: Tx) -> None:
    post(tx, A)
    (job,) = lease(tx)
    messages.preview(tx, job, CARD)
    preview_id = tx.value("SELECT id FROM previews")
    assert previews.picture(tx, DAVID, preview_id) == b"webp"
    with pytest.raises(NotFound):
        previews.picture(tx, KEVIN, preview_id)


@pytest.mark.parametrize(
    ("url", "site"),
    [
        ("https://www.Example.com/a", "example.com"),
        ("http://example.com:8080?x", "example.com:8080"),
        ("https://example.com#x", "example.com"),
    ],
)
def test_a_site_is_named_by_the_url(url: str, site: str) -> None:
    assert previews.site(url) == site
