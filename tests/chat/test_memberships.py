"""Who is in a room, what is unread for them, and who hears when that changes."""

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import memberships, messages, richtext, rooms, users
from campfire.chat.memberships import Membership, Read, Revoked, Unread
from campfire.database import Tx
from campfire.refusals import NotFound
from tests.chat.conftest import Stage
from tests.conftest import (
    ALL_PETS,
    DAVID,
    EVERYBODY,
    INSIDERS,
    JASON,
    JZ,
    KEVIN,
    PASSWORD_HASH,
    WATERCOOLER,
    address,
)


def say(tx: Tx, user_id: int, room_id: int = WATERCOOLER, text: str = "hello") -> int:
    seq = messages.newest_seq(tx, user_id, room_id)
    draft = richtext.draft(text)
    message, _ = messages.post(tx, user_id, room_id, draft, f"said-{seq}")
    return message.id


def unread_count(tx: Tx, user_id: int, room_id: int = WATERCOOLER) -> int:
    return memberships.find(tx, user_id, room_id).unread_count


def involve(tx: Tx, user_id: int, involvement: str) -> None:
    tx.row(
        "UPDATE memberships SET involvement = ? WHERE user_id = ?",
        (involvement, user_id),
    )


def test_an_outsider_is_told_that_there_is_no_such_room(tx: Tx) -> None:
    memberships.require(tx, DAVID, WATERCOOLER)
    for user_id, room_id in ((KEVIN, WATERCOOLER), (KEVIN, 99), (99, ALL_PETS)):
        with pytest.raises(NotFound, match="There is no such room."):
            memberships.require(tx, user_id, room_id)
        with pytest.raises(NotFound, match="There is no such room."):
            memberships.find(tx, user_id, room_id)
        with pytest.raises(NotFound, match="There is no such room."):
            memberships.mentionable(tx, user_id, room_id)
        with pytest.raises(NotFound, match="There is no such room."):
            memberships.read(tx, user_id, room_id, 1)
    assert tx.events == []


def test_unread_are_the_messages_of_others_after_the_last_one_read(tx: Tx) -> None:
    say(tx, DAVID)
    say(tx, JASON)
    say(tx, JASON)
    assert unread_count(tx, DAVID) == 2
    assert unread_count(tx, JASON) == 1
    assert unread_count(tx, JZ) == 3
    assert unread_count(tx, DAVID, ALL_PETS) == 0


def test_writing_reads_nothing(tx: Tx) -> None:
    say(tx, JASON)
    say(tx, DAVID)
    assert unread_count(tx, DAVID) == 1


def test_a_removed_message_is_not_unread_any_more(tx: Tx) -> None:
    first, second = say(tx, JASON), say(tx, JASON)
    memberships.read(tx, DAVID, WATERCOOLER, first)
    messages.remove(tx, JASON, WATERCOOLER, first)
    assert unread_count(tx, DAVID) == 1
    messages.remove(tx, JASON, WATERCOOLER, second)
    assert unread_count(tx, DAVID) == 0
    assert unread_count(tx, JZ) == 0
    say(tx, JASON)
    assert unread_count(tx, DAVID) == 1
    assert unread_count(tx, JZ) == 1


def test_an_edited_message_is_not_unread_again(tx: Tx) -> None:
    said = say(tx, JASON)
    memberships.read(tx, DAVID, WATERCOOLER, said)
    messages.edit(tx, JASON, WATERCOOLER, said, richtext.draft("changed"))
    assert unread_count(tx, DAVID) == 0


def test_a_room_out_of_sight_has_nothing_unread(tx: Tx) -> None:
    say(tx, JASON)
    for involvement, unread in (
        ("invisible", 0),
        ("nothing", 1),
        ("mentions", 1),
        ("everything", 1),
    ):
        involve(tx, DAVID, involvement)
        assert memberships.find(tx, DAVID, WATERCOOLER).involvement == involvement
        assert unread_count(tx, DAVID) == unread


def test_reading_moves_both_ways_and_tells_only_the_reader(tx: Tx) -> None:
    said = [say(tx, JASON) for _ in range(3)]
    tx.events.clear()

    assert memberships.read(tx, DAVID, WATERCOOLER, said[2]).unread_count == 0
    assert memberships.read(tx, DAVID, WATERCOOLER, said[0]).unread_count == 2
    assert memberships.read(tx, DAVID, WATERCOOLER, 0).unread_count == 3

    assert tx.events == [
        Read(DAVID, WATERCOOLER, seq=3, last_read_id=said[2], unread_count=0),
        Read(DAVID, WATERCOOLER, seq=3, last_read_id=said[0], unread_count=2),
        Read(DAVID, WATERCOOLER, seq=3, last_read_id=0, unread_count=3),
    ]
    assert unread_count(tx, JZ) == 3


@pytest.mark.parametrize("beyond", [3, 99, 2**63 - 1])
def test_nobody_reads_what_is_not_written_yet(tx: Tx, beyond: int) -> None:
    said = say(tx, JASON)
    membership = memberships.read(tx, DAVID, WATERCOOLER, beyond)
    assert (membership.last_read_id, membership.unread_count) == (said, 0)
    say(tx, JASON)
    assert unread_count(tx, DAVID) == 1


@pytest.mark.parametrize("before", [-1, -(2**63)])
def test_there_is_nothing_before_the_first_message(tx: Tx, before: int) -> None:
    say(tx, JASON)
    membership = memberships.read(tx, DAVID, WATERCOOLER, before)
    assert (membership.last_read_id, membership.unread_count) == (0, 1)


def test_a_message_of_another_room_reads_no_more_than_there_is(tx: Tx) -> None:
    said = say(tx, JASON)
    elsewhere = say(tx, JASON, ALL_PETS)
    assert elsewhere > said
    membership = memberships.read(tx, DAVID, WATERCOOLER, elsewhere)
    assert membership.last_read_id == said


def test_what_is_unread_is_told_for_every_room_at_once(tx: Tx) -> None:
    say(tx, JASON)
    said = say(tx, JASON, ALL_PETS)
    memberships.read(tx, DAVID, ALL_PETS, said)
    assert memberships.unread(tx, DAVID) == [
        Unread(ALL_PETS, 1, "mentions", said, 0),
        Unread(WATERCOOLER, 1, "mentions", 0, 1),
    ]
    assert memberships.unread(tx, KEVIN) == [Unread(ALL_PETS, 1, "mentions", 0, 1)]


def test_a_new_member_starts_at_the_newest_message(tx: Tx) -> None:
    said = say(tx, JASON)
    assert memberships.grant(tx, WATERCOOLER, [KEVIN]) == {KEVIN}
    membership = memberships.find(tx, KEVIN, WATERCOOLER)
    assert membership == Membership("mentions", said, 0, False, frozenset())
    say(tx, JASON)
    assert unread_count(tx, KEVIN) == 1


def test_a_newcomer_to_the_account_has_nothing_unread(tx: Tx) -> None:
    say(tx, JASON, ALL_PETS)
    user = users.add(tx, "Bob", address("Bob"), PASSWORD_HASH)
    assert unread_count(tx, user.id, ALL_PETS) == 0


def test_who_is_there_already_keeps_everything(tx: Tx) -> None:
    said = say(tx, JASON)
    say(tx, JASON)
    memberships.read(tx, DAVID, WATERCOOLER, said)
    before = memberships.find(tx, DAVID, WATERCOOLER)
    assert memberships.grant(tx, WATERCOOLER, [DAVID, KEVIN]) == {KEVIN}
    assert memberships.find(tx, DAVID, WATERCOOLER) == before


def test_nobody_is_let_into_a_room_that_is_not_there(tx: Tx) -> None:
    assert memberships.grant(tx, 99, [KEVIN]) == set()


def test_a_revoked_member_is_told_once_and_hears_nothing_later(tx: Tx) -> None:
    say(tx, JASON)
    tx.events.clear()
    memberships.revoke(tx, WATERCOOLER, [JZ, KEVIN])
    assert tx.events == [Revoked(frozenset({JZ}), WATERCOOLER)]
    with pytest.raises(NotFound):
        rooms.find(tx, JZ, WATERCOOLER)
    tx.events.clear()
    say(tx, JASON)
    (posted,) = tx.events
    assert isinstance(posted, messages.Posted)
    assert posted.audience == INSIDERS - {JZ}
    memberships.revoke(tx, WATERCOOLER, [JZ])
    assert len(tx.events) == 1


def test_the_audience_follows_everybody_who_comes_and_goes(tx: Tx) -> None:
    def heard(room_id: int) -> frozenset[int]:
        tx.events.clear()
        say(tx, DAVID, room_id)
        (posted,) = tx.events
        assert isinstance(posted, messages.Posted)
        return posted.audience

    assert heard(WATERCOOLER) == INSIDERS
    memberships.grant(tx, WATERCOOLER, [KEVIN])
    assert heard(WATERCOOLER) == EVERYBODY
    memberships.revoke(tx, WATERCOOLER, [JASON])
    assert heard(WATERCOOLER) == EVERYBODY - {JASON}
    memberships.grant(tx, WATERCOOLER, [JASON])
    assert heard(WATERCOOLER) == EVERYBODY
    assert heard(ALL_PETS) == EVERYBODY
    bob = users.add(tx, "Bob", address("Bob"), PASSWORD_HASH)
    assert heard(ALL_PETS) == EVERYBODY | {bob.id}
    assert heard(WATERCOOLER) == EVERYBODY


def test_what_the_writer_keeps_of_audiences_is_bounded(tx: Tx) -> None:
    for version in range(memberships.MOST_AUDIENCES + 10):
        assert memberships.audience(tx, ALL_PETS, -version) == EVERYBODY
    assert len(tx.kept) <= memberships.MOST_AUDIENCES


def test_neighbours_share_a_room(tx: Tx) -> None:
    assert memberships.neighbours(tx, KEVIN) == EVERYBODY
    memberships.revoke(tx, ALL_PETS, [KEVIN])
    assert memberships.neighbours(tx, KEVIN) == frozenset()
    assert memberships.neighbours(tx, DAVID) == INSIDERS


def test_only_those_asked_about_are_among_the_members(tx: Tx) -> None:
    assert memberships.among(tx, WATERCOOLER, frozenset({DAVID, KEVIN, 99})) == [DAVID]
    assert memberships.among(tx, WATERCOOLER, frozenset()) == []


def test_who_left_the_account_cannot_be_mentioned(tx: Tx) -> None:
    assert memberships.mentionable(tx, DAVID, WATERCOOLER) == [
        (DAVID, "David"),
        (JASON, "Jason"),
        (JZ, "JZ"),
    ]
    tx.row("UPDATE users SET status = 'banned' WHERE id = ?", (JASON,))
    called = memberships.mentionable(tx, DAVID, WATERCOOLER)
    assert called == [(DAVID, "David"), (JZ, "JZ")]


MEMBERS = st.sampled_from([DAVID, JASON, JZ])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), MEMBERS, st.just(0)),
        st.tuples(st.just("remove"), MEMBERS, st.integers(0, 30)),
        st.tuples(st.just("edit"), MEMBERS, st.integers(0, 30)),
        st.tuples(st.just("read"), MEMBERS, st.integers(-1, 30)),
    ),
    max_size=40,
)


@given(steps=STEPS)
@settings(max_examples=60)
def test_unread_counts_agree_with_counting_by_hand(
    stage: Stage, steps: list[tuple[str, int, int]]
) -> None:
    with stage() as tx:
        said: dict[int, int] = {}
        last_read = {DAVID: 0, JASON: 0, JZ: 0}
        for step, person, number in steps:
            message_id = sorted(said)[number % len(said)] if said else None
            if step == "post":
                said[say(tx, person)] = person
            elif step == "read":
                newest = max(said, default=0)
                last_read[person] = min(max(number, 0), newest)
                memberships.read(tx, person, WATERCOOLER, number)
            elif message_id is None:
                continue
            elif step == "remove":
                messages.remove(tx, said.pop(message_id), WATERCOOLER, message_id)
            else:
                draft = richtext.draft(f"{number}")
                messages.edit(tx, said[message_id], WATERCOOLER, message_id, draft)
        for person, position in last_read.items():
            membership = memberships.find(tx, person, WATERCOOLER)
            assert membership.last_read_id == position
            assert membership.unread_count == sum(
                message_id > position and author != person
                for message_id, author in said.items()
            )


def test_everything_everywhere_can_be_read_at_once(tx: Tx) -> None:
    said = {
        room_id: [say(tx, JZ, room_id) for _ in range(2)][-1]
        for room_id in (ALL_PETS, WATERCOOLER)
    }
    quiet = rooms.create(tx, DAVID, "open", "Quiet")
    tx.events.clear()
    memberships.read_all(tx, DAVID)
    read = [event for event in tx.events if isinstance(event, memberships.Read)]
    assert len(read) == len(tx.events)
    assert {event.room_id: event.last_read_id for event in read} == said
    for room_id in (*said, quiet.id):
        assert memberships.find(tx, DAVID, room_id).unread_count == 0
    assert memberships.find(tx, JASON, ALL_PETS).unread_count == 2
    tx.events.clear()
    memberships.read_all(tx, DAVID)
    assert tx.events == [], "nothing is left to read"


def test_a_call_to_everyone_that_is_unread_is_known(tx: Tx) -> None:
    drafted = richtext.draft("@everyone, look", may_call_everyone=True)
    message, _ = messages.post(tx, DAVID, ALL_PETS, drafted, "call")
    assert memberships.find(tx, KEVIN, ALL_PETS).mentioned
    assert not memberships.find(tx, DAVID, ALL_PETS).mentioned, "one's own is none"
    assert not memberships.find(tx, DAVID, WATERCOOLER).mentioned
    memberships.read(tx, KEVIN, ALL_PETS, message.id)
    assert not memberships.find(tx, KEVIN, ALL_PETS).mentioned
    assert memberships.find(tx, JZ, ALL_PETS).mentioned
    messages.edit(tx, DAVID, ALL_PETS, message.id, richtext.draft("never mind"))
    assert not memberships.find(tx, JZ, ALL_PETS).mentioned


def test_a_mention_that_is_unread_is_known(tx: Tx) -> None:
    drafted = richtext.draft("@Kevin, look", memberships.mentionable(tx, JZ, ALL_PETS))
    message, _ = messages.post(tx, JZ, ALL_PETS, drafted, "call")
    later = say(tx, JZ, ALL_PETS)
    assert memberships.find(tx, KEVIN, ALL_PETS).mentioned
    assert not memberships.find(tx, DAVID, ALL_PETS).mentioned
    memberships.read(tx, KEVIN, ALL_PETS, message.id)
    assert not memberships.find(tx, KEVIN, ALL_PETS).mentioned
    memberships.read(tx, KEVIN, ALL_PETS, message.id - 1)
    assert memberships.find(tx, KEVIN, ALL_PETS).mentioned
    messages.remove(tx, JZ, ALL_PETS, message.id)
    membership = memberships.find(tx, KEVIN, ALL_PETS)
    assert (membership.mentioned, membership.unread_count) == (False, 1)
    messages.remove(tx, JZ, ALL_PETS, later)
    assert memberships.find(tx, KEVIN, ALL_PETS).unread_count == 0


def test_the_first_unread_message_is_of_somebody_else(tx: Tx) -> None:
    assert memberships.first_unread(tx, DAVID, WATERCOOLER) is None
    say(tx, DAVID)
    theirs = [say(tx, JASON), say(tx, JASON)]
    assert memberships.first_unread(tx, DAVID, WATERCOOLER) == theirs[0]
    memberships.read(tx, DAVID, WATERCOOLER, theirs[0])
    assert memberships.first_unread(tx, DAVID, WATERCOOLER) == theirs[1]


def number_from(tx: Tx, message_id: int) -> None:
    """The next message has this number."""
    tx.row("DELETE FROM sqlite_sequence WHERE name = 'messages'")
    tx.row("INSERT INTO sqlite_sequence VALUES ('messages', ?)", (message_id - 1,))


def counted(tx: Tx, user_id: int, room_id: int) -> int:
    count: int = tx.value(
        """SELECT count(*) FROM messages JOIN memberships USING (room_id)
           WHERE room_id = ? AND user_id = ? AND id > last_read_id
             AND creator_id <> user_id""",
        (room_id, user_id),
    )
    return count


ACTS = st.tuples(
    st.sampled_from(["say", "jump", "remove", "restore", "sweep", "read"]),
    st.sampled_from([DAVID, JASON, JZ]),
    st.sampled_from([ALL_PETS, WATERCOOLER]),
    st.integers(0, 9),
)


@given(acts=st.lists(ACTS, max_size=40))
@settings(max_examples=100)
def test_what_is_unread_is_counted_right_across_blocks(
    stage: Stage, acts: list[tuple[str, int, int, int]]
) -> None:
    with stage() as tx:
        newest, removed = 1_020, list[tuple[int, int, int]]()
        for act, user_id, room_id, number in acts:
            ids = [
                id
                for (id,) in tx.rows(
                    "SELECT id FROM messages WHERE room_id = ? AND creator_id = ?",
                    (room_id, user_id),
                )
            ]
            match act:
                case "jump":
                    newest += number * 500
                case "say":
                    newest += 1
                    number_from(tx, newest)
                    assert say(tx, user_id, room_id) == newest
                case "remove" if ids:
                    message_id = ids[number % len(ids)]
                    messages.remove(tx, user_id, room_id, message_id)
                    removed.append((user_id, room_id, message_id))
                case "restore" if removed:
                    messages.restore(tx, *removed.pop(number % len(removed)))
                case "sweep":
                    messages.sweep(tx, 0)
                    removed.clear()
                case "read":
                    memberships.read(tx, user_id, room_id, newest - number * 300)
        for user_id in INSIDERS:
            for room_id in (ALL_PETS, WATERCOOLER):
                assert unread_count(tx, user_id, room_id) == counted(
                    tx, user_id, room_id
                )
        assert memberships.miscounted(tx) == []
        tx.row("UPDATE tallies SET count = count + 1")
        rooms_spoken_in = tx.rows("SELECT DISTINCT room_id FROM tallies ORDER BY 1")
        assert memberships.miscounted(tx) == [room for (room,) in rooms_spoken_in]


def test_what_is_unread_is_not_walked_past(tx: Tx, connection: apsw.Connection) -> None:
    """Steps of SQLite's virtual machine, for ten thousand unread messages."""
    tx.row(
        """WITH RECURSIVE numbers (number) AS (
             SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < 10000)
           INSERT INTO messages (room_id, creator_id, client_message_id, seq,
             posted_seq, source, html, plain, created_at)
           SELECT ?, ?, number, number, number, '', '', '', 0 FROM numbers""",
        (WATERCOOLER, JZ),
    )
    steps = 0

    def step() -> bool:
        nonlocal steps
        steps += 1
        return False

    connection.set_progress_handler(step, 100)
    assert unread_count(tx, DAVID) == 10_000
    connection.set_progress_handler(None)
    assert steps < 300
