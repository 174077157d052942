"""What takes place: counted right whatever happens, named to those who may know."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import messages, richtext, rooms, usage
from campfire.chat.files import Stored
from campfire.chat.usage import Share
from campfire.database import Tx
from campfire.refusals import Forbidden
from tests.chat.conftest import Stage
from tests.chat.test_files import sent, stored
from tests.conftest import ALL_PETS, DAVID, JASON, JZ, KEVIN, WATERCOOLER

TYPES = ["image/png", "video/mp4", "audio/ogg", "text/plain", "imagery/x", "odd"]


def of_type(content_type: str, key: str, size: int) -> Stored:
    return Stored(key, "a", content_type, size, bytes(32))


def test_of_a_person_are_what_their_messages_hold(tx: Tx) -> None:
    assert usage.of_person(tx, JZ) == (0, 0)
    message = sent(tx, stored(size=5), stored(key="b", size=7))
    sent(tx, stored(key="c", size=100), room_id=WATERCOOLER)
    assert usage.of_person(tx, JZ) == (112, 0)
    assert usage.of_person(tx, DAVID) == (0, 0)
    messages.remove(tx, JZ, ALL_PETS, message.id)
    assert usage.of_person(tx, JZ) == (100, 12), "it is on the disk still"
    messages.restore(tx, JZ, ALL_PETS, message.id)
    assert usage.of_person(tx, JZ) == (112, 0)
    messages.remove(tx, JZ, ALL_PETS, message.id)
    assert messages.sweep(tx, 0)
    assert usage.of_person(tx, JZ) == (100, 0)


def test_it_is_told_by_room_person_and_kind(tx: Tx) -> None:
    sent(tx, stored(size=5), stored("b", key="b", size=7))
    sent(tx, stored(key="c", size=100), room_id=WATERCOOLER)
    messages.post(tx, KEVIN, ALL_PETS, richtext.draft("Hello"), "x")
    gone = sent(tx, stored(key="d", size=1_000))
    messages.remove(tx, JZ, ALL_PETS, gone.id)
    used = usage.look(tx, DAVID)
    assert (used.total.messages, used.total.files, used.total.bytes) == (3, 3, 112)
    assert (used.trash.messages, used.trash.files, used.trash.bytes) == (1, 1, 1_000)
    assert used.rooms == [
        Share(WATERCOOLER, "Watercooler", 1, 1, 100),
        Share(ALL_PETS, "All Talk", 2, 2, 12),
    ]
    assert used.people == [
        Share(JZ, "JZ", 3, 4, 1_112),
        Share(KEVIN, "Kevin", 1, 0, 0),
    ]
    assert [(share.name, share.files) for share in used.kinds] == [("image", 4)]


def test_rooms_that_one_is_not_in_have_no_name(tx: Tx) -> None:
    with pytest.raises(Forbidden):
        usage.look(tx, KEVIN)
    secret = rooms.create(tx, KEVIN, "closed", "Secret", {JZ})
    ping, _ = rooms.direct(tx, JZ, {KEVIN})
    for key, room_id in (("a", secret.id), ("b", ping.id)):
        sent(tx, stored(key=key, size=7), room_id=room_id)
    named = {share.name: share.id for share in usage.look(tx, DAVID).rooms}
    assert named == {"Rooms you are not in": None, "Direct messages": None}
    named = {share.name: share.id for share in usage.look(tx).rooms}
    assert named == {"Secret": secret.id, "Direct messages": None}


def test_of_many_the_largest_are_told_and_the_rest_as_one(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage, "MOST", 2)
    for number in range(4):
        room = rooms.create(tx, DAVID, "closed", f"Room {number}", {JZ})
        sent(tx, stored(key=str(number), size=10 - number), room_id=room.id)
    found = [(share.name, share.bytes) for share in usage.look(tx, DAVID).rooms]
    assert found == [("Room 0", 10), ("Room 1", 9), ("2 more", 15)]


ACTS = st.tuples(
    st.sampled_from(["send", "send", "remove", "restore", "sweep", "delete"]),
    st.sampled_from([DAVID, JASON, JZ]),
    st.sampled_from([ALL_PETS, WATERCOOLER]),
    st.integers(0, 20),
)


@given(acts=st.lists(ACTS, max_size=30))
@settings(max_examples=100)
def test_it_is_counted_right_whatever_happens(
    stage: Stage, acts: list[tuple[str, int, int, int]]
) -> None:
    with stage() as tx:
        removed: list[tuple[int, int, int]] = []
        for place, (act, user_id, room_id, number) in enumerate(acts):
            match act:
                case "send":
                    given = [
                        of_type(
                            TYPES[(number + each) % 6],
                            f"{place}-{each}".rjust(26, "a"),
                            number,
                        )
                        for each in range(number % 3)
                    ]
                    draft = richtext.draft("x")
                    if room_id in {room.id for room in rooms.all_of(tx, user_id)}:
                        messages.post(tx, user_id, room_id, draft, str(place), given)
                case "remove":
                    found = tx.rows(
                        "SELECT id FROM messages WHERE room_id = ? AND creator_id = ?",
                        (room_id, user_id),
                    )
                    if found and room_id in {
                        room.id for room in rooms.all_of(tx, user_id)
                    }:
                        (message_id,) = found[number % len(found)]
                        messages.remove(tx, user_id, room_id, message_id)
                        removed.append((user_id, room_id, message_id))
                case "restore" if removed:
                    one = removed.pop(number % len(removed))
                    if one[1] in {room.id for room in rooms.all_of(tx, one[0])}:
                        messages.restore(tx, *one)
                case "sweep":
                    while messages.sweep(tx, 0):
                        pass
                    removed.clear()
                case "delete" if room_id in {r.id for r in rooms.all_of(tx, DAVID)}:
                    rooms.remove(tx, DAVID, room_id)
        assert usage.miscounted(tx) == []
        totals = tx.row(
            "SELECT ifnull(sum(files), 0), ifnull(sum(bytes), 0) FROM storage"
        )
        assert totals == tx.row(
            "SELECT count(*), ifnull(sum(byte_size), 0) FROM attachments"
        )
