"""What was deleted and comes back: as it was, where it was, for whom it was."""

import pytest

from campfire.chat import (
    accounts,
    acts,
    bans,
    boosts,
    files,
    inbox,
    memberships,
    messages,
    richtext,
    rooms,
    searches,
    trash,
    users,
)
from campfire.chat.messages import Message
from campfire.database import Tx
from campfire.refusals import Conflict, Gone, NotFound
from tests.chat.test_files import sent, stored
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


def said(
    tx: Tx, words: str = "kettle", user_id: int = JZ, room: int = ALL_PETS
) -> Message:
    draft = richtext.draft(words, [(KEVIN, "Kevin")])
    return messages.post(tx, user_id, room, draft, f"{room}-{words}")[0]


def found(tx: Tx, user_id: int = DAVID, query: str = "kettle") -> list[int]:
    hits = searches.find(tx, user_id, query).hits
    return [hit.message.id for hit in hits]


def test_a_message_comes_back_as_it_was_with_the_next_seq(tx: Tx) -> None:
    message = sent(tx, stored(), words="kettle")
    boosts.add(tx, DAVID, message.id, "👍")
    message = messages.find(tx, JZ, ALL_PETS, message.id)
    messages.remove(tx, JZ, ALL_PETS, message.id)
    with pytest.raises(NotFound):
        messages.find(tx, JZ, ALL_PETS, message.id)
    with pytest.raises(NotFound):
        files.find(tx, JZ, message.attachments[0].id)
    assert found(tx) == []
    tx.events.clear()
    back = messages.restore(tx, JZ, ALL_PETS, message.id)
    assert back.seq == message.seq + 2
    assert back == messages.find(tx, JZ, ALL_PETS, message.id)
    assert (back.html, back.boosts, back.attachments, back.client_message_id) == (
        *(message.html, message.boosts),
        *(message.attachments, message.client_message_id),
    )
    assert tx.events == [messages.Edited(EVERYBODY, back, returned=True)]
    assert found(tx) == [message.id]
    assert messages.sweep(tx, 0) is False, "nothing of it is left in the trash"


def test_its_words_leave_the_index_with_it(tx: Tx) -> None:
    message = said(tx)
    messages.remove(tx, JZ, ALL_PETS, message.id)
    match = "SELECT count(*) FROM {0} WHERE {0} MATCH 'kettle'"
    for index in ("messages_words", "messages_parts"):
        assert tx.value(match.format(index)) == 0
    assert searches.faults(tx) == []
    assert messages.sweep(tx, 0)
    assert searches.faults(tx) == []


def test_a_change_of_what_was_missed_is_told_once(tx: Tx) -> None:
    message, since = said(tx), messages.newest_seq(tx, JZ, ALL_PETS)
    messages.remove(tx, JZ, ALL_PETS, message.id)
    (removal,) = messages.changes(tx, JZ, ALL_PETS, since).changed
    assert isinstance(removal, messages.Removal)
    back = messages.restore(tx, JZ, ALL_PETS, message.id)
    assert messages.changes(tx, JZ, ALL_PETS, since).changed == [back]
    (missed,) = messages.missed(tx, {ALL_PETS: since})
    assert missed.events == [messages.Edited(EVERYBODY, back)]


def test_the_same_client_id_in_two_rooms_is_no_matter(tx: Tx) -> None:
    draft = richtext.draft("twice")
    first, _ = messages.post(tx, JZ, ALL_PETS, draft, "x")
    second, _ = messages.post(tx, JZ, WATERCOOLER, draft, "x")
    messages.remove(tx, JZ, ALL_PETS, first.id)
    messages.remove(tx, JZ, WATERCOOLER, second.id)
    with pytest.raises(Gone):
        messages.post(tx, JZ, ALL_PETS, draft, "x")
    messages.restore(tx, JZ, ALL_PETS, first.id)
    again, is_new = messages.post(tx, JZ, ALL_PETS, draft, "x")
    assert (again.id, is_new) == (first.id, False)
    with pytest.raises(NotFound):
        messages.restore(tx, JZ, ALL_PETS, second.id)


def test_it_counts_as_unread_again_and_calls_again(tx: Tx) -> None:
    message = said(tx, "@Kevin kettle")
    assert memberships.find(tx, KEVIN, ALL_PETS).calls == {message.id}
    messages.remove(tx, JZ, ALL_PETS, message.id)
    membership = memberships.find(tx, KEVIN, ALL_PETS)
    assert (membership.unread_count, membership.calls) == (0, frozenset())
    assert inbox.page(tx, KEVIN, "all").entries == []
    messages.restore(tx, JZ, ALL_PETS, message.id)
    membership = memberships.find(tx, KEVIN, ALL_PETS)
    assert membership.unread_count == 1
    assert membership.calls == {message.id}


def test_who_deleted_it_brings_it_back_and_nobody_else(tx: Tx) -> None:
    own, moderated = said(tx), said(tx, "rude")
    messages.remove(tx, JZ, ALL_PETS, own.id)
    messages.remove(tx, DAVID, ALL_PETS, moderated.id)
    for user_id, message in ((DAVID, own), (KEVIN, own), (JZ, moderated)):
        with pytest.raises(NotFound):
            messages.restore(tx, user_id, ALL_PETS, message.id)
    shown = {user: messages.trashed(tx, user, 9) for user in EVERYBODY}
    ids = {user: [message.id for message, _ in rows] for user, rows in shown.items()}
    assert ids == {
        JZ: [own.id],
        DAVID: [moderated.id],
        JASON: [moderated.id],
        KEVIN: [],
    }
    assert {message.room_id for message, _ in shown[JASON]} == {ALL_PETS}
    messages.restore(tx, JZ, ALL_PETS, own.id)
    messages.restore(tx, JASON, ALL_PETS, moderated.id)
    kinds = [act.kind for act in acts.page(tx, DAVID)[0]]
    assert kinds == ["message.restored", "message.removed"]


def test_no_administrator_reads_what_people_deleted_of_their_own(tx: Tx) -> None:
    own = said(tx, "administrator's own", user_id=DAVID)
    ping, _ = rooms.direct(tx, DAVID, {JASON, JZ})
    between = said(tx, "between us", user_id=JZ, room=ping.id)
    messages.remove(tx, DAVID, ALL_PETS, own.id)
    messages.remove(tx, DAVID, ping.id, between.id)
    assert messages.trashed(tx, JASON, 9) == []
    for message in (own, between):
        with pytest.raises(NotFound):
            messages.restore(tx, JASON, message.room_id, message.id)
    ids = [message.id for message, _ in messages.trashed(tx, DAVID, 9)]
    assert ids == [between.id, own.id]


def test_who_left_the_room_brings_nothing_back_into_it(tx: Tx) -> None:
    message = said(tx, room=WATERCOOLER)
    messages.remove(tx, JZ, WATERCOOLER, message.id)
    rooms.leave(tx, JZ, WATERCOOLER)
    assert messages.trashed(tx, JZ, 9) == []
    with pytest.raises(NotFound):
        messages.restore(tx, JZ, WATERCOOLER, message.id)


def test_what_is_old_enough_is_gone_for_good(tx: Tx) -> None:
    old, young = said(tx, "old"), said(tx, "young")
    messages.remove(tx, JZ, ALL_PETS, old.id)
    tx.now += 1_000
    messages.remove(tx, JZ, ALL_PETS, young.id)
    assert messages.sweep(tx, 1_000) and not messages.sweep(tx, 1_000)
    with pytest.raises(NotFound):
        messages.restore(tx, JZ, ALL_PETS, old.id)
    assert messages.restore(tx, JZ, ALL_PETS, young.id).plain == "young"
    assert tx.rows("SELECT 1 FROM trashed_messages") == []


def test_what_the_banned_deleted_goes_with_the_rest(tx: Tx) -> None:
    message = said(tx)
    messages.remove(tx, DAVID, ALL_PETS, message.id)
    bans.add(tx, DAVID, JZ)
    assert bans.sweep(tx) and not bans.sweep(tx)
    with pytest.raises(NotFound):
        messages.restore(tx, DAVID, ALL_PETS, message.id)


def test_a_room_comes_back_with_its_people_as_they_saw_it(tx: Tx) -> None:
    message = said(tx, room=WATERCOOLER)
    rooms.star(tx, JASON, WATERCOOLER, True)
    rooms.involve(tx, JASON, WATERCOOLER, "everything")
    before = rooms.seen_by_each(tx, WATERCOOLER)
    rooms.remove(tx, DAVID, WATERCOOLER)
    assert found(tx) == []
    tx.events.clear()
    assert rooms.restore(tx, DAVID, WATERCOOLER) == before[DAVID]
    assert rooms.seen_by_each(tx, WATERCOOLER) == before
    assert tx.events == [rooms.Granted(before)]
    assert found(tx) == [message.id]
    assert tx.rows("SELECT 1 FROM trashed_memberships") == []
    kinds = [act.kind for act in acts.page(tx, DAVID)[0]]
    assert kinds == ["room.restored", "room.deleted"]


def test_an_open_room_comes_back_for_newcomers_and_without_the_gone(tx: Tx) -> None:
    rooms.remove(tx, DAVID, ALL_PETS)
    bob = users.add(tx, "Bob", "bob@37signals.example", "!")
    accounts.deactivate(tx, DAVID, KEVIN)
    rooms.restore(tx, JASON, ALL_PETS)
    members = {user.id for user in rooms.members(tx, DAVID, ALL_PETS)}
    assert members == INSIDERS | {bob.id}


def test_a_room_is_for_who_deleted_it_and_administrators_who_were_in_it(
    tx: Tx,
) -> None:
    lounge = rooms.create(tx, KEVIN, "closed", "Lounge", {JASON, JZ})
    rooms.remove(tx, KEVIN, lounge.id)
    seen = {user: [room.name for room in rooms.trashed(tx, user)] for user in EVERYBODY}
    assert seen == {KEVIN: ["Lounge"], JASON: ["Lounge"], JZ: [], DAVID: []}
    for user_id in (JZ, DAVID):
        with pytest.raises(NotFound):
            rooms.restore(tx, user_id, lounge.id)
    assert rooms.restore(tx, JASON, lounge.id).name == "Lounge"


def test_a_direct_room_comes_back_unless_there_is_a_new_one(tx: Tx) -> None:
    room, _ = rooms.direct(tx, JZ, {KEVIN})
    rooms.remove(tx, JZ, room.id)
    assert [each.name for each in rooms.trashed(tx, JZ)] == ["Kevin"]
    assert rooms.trashed(tx, KEVIN) == rooms.trashed(tx, DAVID) == []
    another, is_new = rooms.direct(tx, JZ, {KEVIN})
    assert is_new
    with pytest.raises(Conflict):
        rooms.restore(tx, JZ, room.id)
    rooms.remove(tx, KEVIN, another.id)
    assert rooms.restore(tx, JZ, room.id).name == "Kevin"


def test_a_room_that_is_being_emptied_stays_away(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(messages, "SWEPT_AT_ONCE", 1)
    messages.remove(tx, JZ, WATERCOOLER, said(tx, "one", room=WATERCOOLER).id)
    said(tx, "two", room=WATERCOOLER)
    rooms.remove(tx, DAVID, WATERCOOLER)
    tx.row("UPDATE trashed_messages SET trashed_at = trashed_at + 9")
    tx.now += 8
    assert messages.sweep(tx, 8)
    with pytest.raises(NotFound):
        rooms.restore(tx, DAVID, WATERCOOLER)
    while messages.sweep(tx, 8):
        pass
    assert tx.rows("SELECT 1 FROM messages") == []
    assert tx.rows("SELECT 1 FROM rooms WHERE id = ?", (WATERCOOLER,)) == []


def test_the_trash_is_no_room_to_anybody(tx: Tx) -> None:
    messages.remove(tx, JZ, ALL_PETS, said(tx).id)
    for user_id in EVERYBODY:
        assert trash.ROOM not in {room.id for room in rooms.all_of(tx, user_id)}
        with pytest.raises(NotFound):
            rooms.find(tx, user_id, trash.ROOM)
        assert trash.ROOM not in {room.id for room in rooms.trashed(tx, user_id)}
    assert trash.ROOM not in rooms.seqs(tx)
    assert rooms.is_first(tx, ALL_PETS)
    with pytest.raises(NotFound):
        rooms.title(tx, trash.ROOM)
