"""The inbox: what concerns somebody, newest first, read where the rooms are read."""

import pytest

from campfire.chat import (
    boosts,
    inbox,
    memberships,
    messages,
    richtext,
    rooms,
)
from campfire.chat.inbox import Kind
from campfire.chat.messages import Message
from campfire.database import Tx
from campfire.refusals import NotFound
from tests.chat.test_replies import quoting
from tests.conftest import ALL_PETS, DAVID, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, text: str, user_id: int = JZ, room_id: int = ALL_PETS) -> Message:
    people = memberships.mentionable(tx, user_id, room_id)
    draft = richtext.draft(text, people, may_call_everyone=user_id == DAVID)
    client_id = messages.client_message_id(None)
    return messages.post(tx, user_id, room_id, draft, client_id)[0]


def ids(tx: Tx, kind: Kind = "all", user_id: int = KEVIN) -> list[int]:
    return [entry.message.id for entry in inbox.page(tx, user_id, kind).entries]


def test_mentions_replies_and_direct_rooms_come_newest_first(tx: Tx) -> None:
    asked = say(tx, "Is it lit?", KEVIN)
    called = say(tx, "@Kevin look")
    answer = say(tx, quoting(asked))
    everybody = say(tx, "@everyone come", DAVID)
    room, _ = rooms.direct(tx, JZ, [KEVIN])
    say(tx, "Psst", JZ, room.id)
    whispered = say(tx, "Lunch?", JZ, room.id)
    say(tx, "nothing for Kevin")
    say(tx, "@Kevin I call myself", KEVIN)
    page = inbox.page(tx, KEVIN, "all")
    assert [(entry.message.id, entry.reason) for entry in page.entries] == [
        (whispered.id, "direct"),
        (everybody.id, "everyone"),
        (answer.id, "reply"),
        (called.id, "mention"),
    ]
    assert [entry.room_name for entry in page.entries][0] == "JZ"
    assert ids(tx, "mentions") == [everybody.id, called.id]
    assert ids(tx, "replies") == [answer.id]
    assert ids(tx, "replies", JZ) == []


def test_what_is_unread_is_what_the_rooms_say(tx: Tx) -> None:
    first, second = say(tx, "one"), say(tx, "@Kevin two")
    say(tx, "mine", KEVIN)
    assert ids(tx, "unread") == [second.id, first.id]
    memberships.read(tx, KEVIN, ALL_PETS, first.id)
    assert ids(tx, "unread") == [second.id]
    (entry,) = inbox.page(tx, KEVIN, "mentions").entries
    assert entry.is_unread
    memberships.read(tx, KEVIN, ALL_PETS, second.id)
    assert ids(tx, "unread") == []
    (entry,) = inbox.page(tx, KEVIN, "mentions").entries
    assert not entry.is_unread
    memberships.read_all(tx, KEVIN)
    assert ids(tx, "unread") == []
    (entry,) = inbox.page(tx, KEVIN, "mentions").entries
    assert not entry.is_unread


def test_a_room_out_of_sight_has_nothing_unread(tx: Tx) -> None:
    called = say(tx, "@Kevin two")
    assert ids(tx, "unread") == [called.id]
    memberships.involve(tx, KEVIN, ALL_PETS, "invisible")
    assert ids(tx, "unread") == []
    assert [e.is_unread for e in inbox.page(tx, KEVIN, "mentions").entries] == [False]
    assert inbox.missed(tx, KEVIN) == []


def test_nothing_is_left_after_a_room_is_left_or_a_message_gone(tx: Tx) -> None:
    question = say(tx, "Is it lit?", JZ, WATERCOOLER)
    answer = say(tx, quoting(question) + "\n\n@JZ", DAVID, WATERCOOLER)
    everybody = say(tx, "@everyone", DAVID, WATERCOOLER)
    assert ids(tx, "all", JZ) == [everybody.id, answer.id]
    assert [missed.room_id for missed in inbox.missed(tx, JZ)] == [WATERCOOLER]
    messages.remove(tx, DAVID, WATERCOOLER, everybody.id)
    messages.edit(tx, DAVID, WATERCOOLER, answer.id, richtext.draft("never mind"))
    assert ids(tx, "all", JZ) == []
    say(tx, "@JZ still there", DAVID, WATERCOOLER)
    memberships.revoke(tx, WATERCOOLER, [JZ])
    kinds: tuple[Kind, ...] = ("all", "mentions", "replies", "unread")
    assert [ids(tx, kind, JZ) for kind in kinds] == [[]] * 4
    assert inbox.missed(tx, JZ) == []


def test_a_call_from_before_somebody_came_is_none_of_theirs(tx: Tx) -> None:
    early = say(tx, "@everyone early", DAVID, WATERCOOLER)
    assert ids(tx, "mentions", JZ) == [early.id]
    tx.now += 1
    memberships.grant(tx, WATERCOOLER, [KEVIN])
    assert ids(tx, "mentions") == []
    late = say(tx, "@everyone late", DAVID, WATERCOOLER)
    assert ids(tx, "mentions") == [late.id]


def test_what_is_out_of_reach_takes_no_place_on_a_page(tx: Tx) -> None:
    here, there = say(tx, "Lit?"), say(tx, "Warm?", JZ, WATERCOOLER)
    answer = say(tx, quoting(here), DAVID)
    called = say(tx, "@JZ look", DAVID)
    say(tx, quoting(there), DAVID, WATERCOOLER)
    say(tx, "@JZ look", DAVID, WATERCOOLER)
    memberships.revoke(tx, WATERCOOLER, [JZ])
    for kind, message in (("replies", answer), ("mentions", called)):
        page = inbox.page(tx, JZ, kind, limit=1)  # type: ignore[arg-type]
        assert [entry.message.id for entry in page.entries] == [message.id]
        assert page.next_id is None


def test_a_full_page_says_whether_more_follows(tx: Tx) -> None:
    for _ in range(2):
        say(tx, "@Kevin look")
    assert inbox.page(tx, KEVIN, "mentions", limit=1).next_id is not None
    assert inbox.page(tx, KEVIN, "mentions", limit=2).next_id is None


def test_pages_are_followed_by_key_without_gap_or_double(tx: Tx) -> None:
    question = say(tx, "Is it lit?", KEVIN)
    expected = []
    for number in range(9):
        text = f"@Kevin {number}" if number % 2 else quoting(question, str(number))
        expected.append(say(tx, text).id)
    seen: list[int] = []
    before = None
    while True:
        page = inbox.page(tx, KEVIN, "all", before, limit=2)
        seen += [entry.message.id for entry in page.entries]
        if page.next_id is None:
            break
        before = page.next_id
    assert seen == expected[::-1]


def test_what_was_missed_is_told_room_by_room(tx: Tx) -> None:
    say(tx, "read long ago, @Kevin")
    question = say(tx, "Who has the key?", KEVIN)
    memberships.read_all(tx, KEVIN)
    assert inbox.missed(tx, KEVIN) == []
    called = say(tx, "@Kevin look")
    answer = say(tx, quoting(question, "I have"))
    liked = say(tx, "It is lit")
    boosts.add(tx, DAVID, liked.id, "🔥")
    boosts.add(tx, JZ, liked.id, "👏")
    boosts.add(tx, JZ, called.id, "👏")
    say(tx, "see https://example.com")
    (missed,) = inbox.missed(tx, KEVIN)
    assert missed.room_id == ALL_PETS
    assert missed.unread_count == 4
    assert [message.id for message in missed.calling] == [called.id]
    assert [message.id for message in missed.answers] == [answer.id]
    assert missed.boosted is not None
    assert (missed.boosted.id, missed.boosts) == (liked.id, 2)
    assert (missed.files, missed.links) == (0, 1), "but for the link of the quotation"
    memberships.read_all(tx, KEVIN)
    assert inbox.missed(tx, KEVIN) == []


def test_chatter_alone_was_not_missed(tx: Tx) -> None:
    say(tx, "nothing for anybody")
    assert inbox.missed(tx, KEVIN) == []


def test_rooms_that_call_come_first(tx: Tx) -> None:
    room = rooms.create(tx, DAVID, "open", "Garden")
    say(tx, "@Kevin here", JZ, room.id)
    for number in range(3):
        say(tx, f"https://example.com/{number}")
    assert [missed.room_id for missed in inbox.missed(tx, KEVIN)] == [room.id, ALL_PETS]


def test_reading_one_reads_the_room_up_to_it_and_never_back(tx: Tx) -> None:
    first, second = say(tx, "@Kevin one"), say(tx, "@Kevin two")
    inbox.read(tx, KEVIN, first.id)
    assert ids(tx, "unread") == [second.id]
    inbox.read(tx, KEVIN, second.id)
    inbox.read(tx, KEVIN, first.id)
    assert ids(tx, "unread") == []
    assert [event.name for event in tx.events[-2:]] == ["room.read", "room.read"]


def test_an_outsider_reads_nothing(tx: Tx) -> None:
    secret = say(tx, "Between us", JZ, WATERCOOLER)
    with pytest.raises(NotFound):
        inbox.read(tx, KEVIN, secret.id)


def test_boosts_stand_between_messages_and_on_one_page_each(tx: Tx) -> None:
    own = say(tx, "It is lit", KEVIN)
    expected = []
    for number in range(4):
        tx.now += 1
        expected.append(("mention", say(tx, f"@Kevin {number}").id))
        tx.now += 1
        boosts.add(tx, JZ, own.id, f"{number}")
        expected.append(("boost", own.id))
    boosts.add(tx, KEVIN, own.id, "me")
    seen: list[tuple[str, int]] = []
    before = None
    while True:
        page = inbox.page(tx, KEVIN, "all", before, limit=2)
        seen += [(entry.reason, entry.message.id) for entry in page.entries]
        if page.next_id is None:
            break
        before = page.next_id
    assert seen == expected[::-1]
    assert ids(tx, "mentions") == [id for reason, id in seen if reason == "mention"]


def test_no_boost_is_told_of_a_room_that_was_left(tx: Tx) -> None:
    own = say(tx, "It is lit", JZ, WATERCOOLER)
    boosts.add(tx, DAVID, own.id, "🔥")
    (entry,) = inbox.page(tx, JZ, "all").entries
    assert entry.boost is not None
    assert (entry.boost.content, entry.is_unread) == ("🔥", False)
    memberships.revoke(tx, WATERCOOLER, [JZ])
    assert inbox.page(tx, JZ, "all").entries == []
