"""Bans: who is shut out, what goes with them, and what comes back."""

import pytest

from campfire.chat import bans, memberships, messages, richtext, rooms, sessions, users
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid, NotFound, SignedOut, Unreadable
from tests.conftest import (
    ALL_PETS,
    DAVID,
    EVERYBODY,
    INSIDERS,
    JASON,
    JZ,
    KEVIN,
    WATERCOOLER,
)

PUBLIC = "8.8.8.8"


def post(tx: Tx, user_id: int, room_id: int, body: str) -> messages.Message:
    draft = richtext.draft(body)
    return messages.post(tx, user_id, room_id, draft, body.replace(" ", "_"))[0]


def sign_in(tx: Tx, user_id: int, address: str = PUBLIC) -> str:
    return sessions.start(tx, user_id, address, "Firefox")


def test_a_ban_ends_every_sign_in_and_way_back_and_tells_everybody(tx: Tx) -> None:
    tokens = [sign_in(tx, KEVIN), sign_in(tx, KEVIN)]
    ids = [sign_in.id for sign_in in sessions.all_of(tx, KEVIN)]
    link, _ = sessions.transfer(tx, KEVIN)
    tx.events.clear()
    bans.add(tx, DAVID, KEVIN)
    kevin = users.find(tx, KEVIN)
    assert kevin.status == "banned"
    changed, ended = tx.events
    assert changed == users.Changed(kevin)
    assert isinstance(ended, sessions.Ended)
    assert (ended.user_id, sorted(ended.sessions)) == (KEVIN, sorted(ids))
    for token in tokens:
        assert sessions.find(tx, sessions.token_hash(token)) is None
    with pytest.raises(SignedOut):
        sign_in(tx, KEVIN)
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, link)


def test_a_ban_shuts_out_where_somebody_came_from(tx: Tx) -> None:
    for address in (PUBLIC, PUBLIC, "2a00:1450::1"):
        sign_in(tx, KEVIN, address)
    sign_in(tx, JZ, "9.9.9.9")
    bans.add(tx, DAVID, KEVIN)
    assert bans.addresses(tx) == {PUBLIC, "2a00:1450::1"}


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.1.2.3", "::1", "10.0.0.7", "172.16.0.1", "192.168.1.1"),
        *("169.254.1.1", "fe80::1", "fd00::1", "100.64.0.1", "::ffff:10.0.0.7"),
        *("::ffff:127.0.0.1", "0.0.0.0", "::", "", "unix:", "nonsense", "1.2.3"),
    ],
)
def test_a_ban_never_shuts_out_a_place_at_home(tx: Tx, address: str) -> None:
    sign_in(tx, KEVIN, address)
    sign_in(tx, KEVIN, PUBLIC)
    bans.add(tx, DAVID, KEVIN)
    assert bans.addresses(tx) == {PUBLIC}
    assert users.find(tx, KEVIN).status == "banned"


def test_only_administrators_ban_and_only_people_who_are_here(tx: Tx) -> None:
    bender = users.add(tx, "Bender", "bender@37signals.example", "!", "bot")
    tx.events.clear()
    with pytest.raises(Forbidden):
        bans.add(tx, KEVIN, JZ)
    with pytest.raises(Forbidden):
        bans.remove(tx, KEVIN, JZ)
    for nobody in (bender.id, 99):
        with pytest.raises(NotFound):
            bans.add(tx, DAVID, nobody)
    with pytest.raises(Invalid):
        bans.remove(tx, DAVID, JZ)
    assert tx.events == []


def test_nobody_bans_themselves_and_somebody_always_looks_after_the_place(
    tx: Tx,
) -> None:
    with pytest.raises(Invalid):
        bans.add(tx, DAVID, DAVID)
    bans.add(tx, DAVID, JASON)
    assert users.find(tx, JASON).status == "banned"
    with pytest.raises(Invalid):
        bans.add(tx, DAVID, DAVID)


def test_what_was_written_goes_a_little_at_a_time_and_everyone_is_told(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bans, "SWEPT_AT_ONCE", 2)
    post(tx, DAVID, ALL_PETS, "stays")
    gone = [post(tx, JZ, ALL_PETS, f"goes {number}") for number in range(3)]
    hidden = post(tx, JZ, WATERCOOLER, "goes too")
    bans.add(tx, DAVID, JZ)
    assert len(messages.page(tx, DAVID, ALL_PETS).messages) == 4, "not on the way"
    tx.events.clear()
    rounds = 0
    while bans.sweep(tx):
        rounds += 1
    assert rounds == 2
    removed = [event for event in tx.events if isinstance(event, messages.Removed)]
    assert len(removed) == len(tx.events) == 4
    told = {event.removal.id: event.audience for event in removed}
    assert told == dict.fromkeys([message.id for message in gone], EVERYBODY) | {
        hidden.id: INSIDERS
    }
    left = messages.page(tx, DAVID, ALL_PETS).messages
    assert [message.source for message in left] == ["stays"]
    assert messages.page(tx, DAVID, WATERCOOLER).messages == []
    assert not tx.value(
        "SELECT 1 FROM messages_words WHERE messages_words MATCH 'goes'"
    )


def test_unread_counts_do_not_hold_what_was_swept(tx: Tx) -> None:
    post(tx, JZ, ALL_PETS, "goes")
    post(tx, DAVID, ALL_PETS, "stays")
    assert memberships.find(tx, KEVIN, ALL_PETS).unread_count == 2
    bans.add(tx, DAVID, JZ)
    while bans.sweep(tx):
        pass
    assert memberships.find(tx, KEVIN, ALL_PETS).unread_count == 1


def test_who_was_banned_writes_nothing_more(tx: Tx) -> None:
    """A message that waited for the writer while its author was shut out."""
    bans.add(tx, DAVID, JZ)
    with pytest.raises(NotFound):
        post(tx, JZ, WATERCOOLER, "One more thing")
    assert not bans.sweep(tx)


def test_a_ban_that_is_lifted_opens_the_doors_and_brings_no_words_back(tx: Tx) -> None:
    sign_in(tx, JZ)
    post(tx, JZ, ALL_PETS, "goes")
    bans.add(tx, DAVID, JZ)
    while bans.sweep(tx):
        pass
    lounge = rooms.create(tx, DAVID, "open", "Lounge")
    tx.events.clear()
    bans.remove(tx, DAVID, JZ)
    assert tx.events == [users.Changed(users.find(tx, JZ))]
    assert users.find(tx, JZ).status == "active"
    assert bans.addresses(tx) == frozenset()
    ids = {room.id for room in rooms.all_of(tx, JZ)}
    assert ids == {ALL_PETS, WATERCOOLER, lounge.id}
    assert messages.page(tx, JZ, ALL_PETS).messages == []
    assert sign_in(tx, JZ)


def test_an_address_stays_shut_for_as_long_as_anybody_banned_came_from_it(
    tx: Tx,
) -> None:
    for user_id in (JZ, KEVIN):
        sign_in(tx, user_id)
        bans.add(tx, DAVID, user_id)
    bans.remove(tx, DAVID, JZ)
    assert bans.addresses(tx) == {PUBLIC}
    bans.remove(tx, DAVID, KEVIN)
    assert bans.addresses(tx) == frozenset()
