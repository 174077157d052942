"""Push: who is rung, what is read again at the last moment, and the ledger."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from campfire.chat import (
    accounts,
    jobs,
    memberships,
    messages,
    push,
    quiet_hours,
    richtext,
    rooms,
    sessions,
    users,
)
from campfire.chat.jobs import Job, Stale
from campfire.chat.messages import Message
from campfire.chat.push import (
    AT_ONCE,
    HELD_FOR,
    KEPT,
    LATE,
    MOST,
    PUSH,
    ROUND,
    Held,
    Keys,
    Letter,
    Notification,
    Subscription,
)
from campfire.chat.quiet_hours import QuietHours
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid, NotFound
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    PASSWORD_HASH,
    WATERCOOLER,
    address,
)

ALWAYS = QuietHours(0, 1439, "UTC")


def keys(name: str = "a") -> Keys:
    return Keys(f"https://push.example/{name}", b"\x04" + bytes(64), bytes(16))


def sign_in(tx: Tx, user_id: int) -> int:
    token = sessions.start(tx, user_id, "127.0.0.1", "Firefox/1")
    session = sessions.find(tx, sessions.token_hash(token))
    assert session is not None
    return session.id


def subscribe(tx: Tx, user_id: int, name: str = "") -> Subscription:
    kept = keys(name or f"of-{user_id}")
    return push.subscribe(tx, user_id, sign_in(tx, user_id), kept, "Firefox/1")


def post(tx: Tx, body: str, user: int = JZ, room: int = WATERCOOLER) -> Message:
    mentionable = memberships.mentionable(tx, user, room)
    draft = richtext.draft(body, mentionable, may_call_everyone=True)
    client_id = messages.client_message_id(None)
    return messages.post(tx, user, room, draft, client_id)[0]


def lease(tx: Tx, kind: str, most: int = 999) -> Sequence[Job]:
    now = jobs.clock()
    return jobs.lease(tx, kind, now, most=most, each=most, lasts=1_000).jobs


def rung(tx: Tx) -> list[Job]:
    """The pushes that the messages so far ask for, in the order of their devices."""
    while rounds := lease(tx, ROUND):
        for job in rounds:
            push.spread(tx, job, push.recipients(tx, job))
    return sorted(lease(tx, PUSH), key=lambda job: job.id)


def people(found: Sequence[Job]) -> list[int]:
    return [job.payload["user_id"] for job in found]


def letter(
    tx: Tx, job: Job, later: int = 0, is_here: bool = False
) -> Letter | Held | None:
    return push.letter(tx, job, tx.now + later, is_here)


# Who is rung


def test_everybody_who_wants_everything_is_rung_but_not_the_author(tx: Tx) -> None:
    for user in (DAVID, JASON, JZ, KEVIN):
        subscribe(tx, user)
    for user in (DAVID, JZ):
        memberships.involve(tx, user, WATERCOOLER, "everything")
    post(tx, "Hello")
    assert people(rung(tx)) == [DAVID]


def test_who_is_called_is_rung(tx: Tx) -> None:
    for user in (DAVID, JASON):
        subscribe(tx, user)
    post(tx, "Look @Jason")
    assert people(rung(tx)) == [JASON]


def test_a_call_to_all_rings_all_who_take_calls(tx: Tx) -> None:
    for user in (DAVID, JASON, JZ, KEVIN):
        subscribe(tx, user)
    memberships.involve(tx, DAVID, WATERCOOLER, "nothing")
    post(tx, "@everyone look")
    assert people(rung(tx)) == [JASON]


@pytest.mark.parametrize("level", ["nothing", "invisible"])
def test_a_room_that_is_turned_off_rings_nobody(tx: Tx, level: str) -> None:
    subscribe(tx, DAVID)
    subscribe(tx, JASON)
    memberships.involve(tx, DAVID, WATERCOOLER, level)
    post(tx, "@David @Jason")
    assert people(rung(tx)) == [JASON]


def test_a_direct_message_rings_by_itself(tx: Tx) -> None:
    subscribe(tx, KEVIN)
    room, _ = rooms.direct(tx, JZ, [KEVIN])
    post(tx, "Hello", room=room.id)
    (job,) = rung(tx)
    told = letter(tx, job)
    assert isinstance(told, Letter)
    assert (told.notification.title, told.notification.body) == ("JZ", "Hello")


def test_every_device_of_a_person_is_rung(tx: Tx) -> None:
    first, second = subscribe(tx, JASON, "laptop"), subscribe(tx, JASON, "phone")
    post(tx, "@Jason")
    assert [job.payload["subscription_id"] for job in rung(tx)] == [
        first.id,
        second.id,
    ]


def test_a_message_that_concerns_no_device_asks_for_nothing(tx: Tx) -> None:
    tx.events.clear()
    message = post(tx, "@Jason")
    assert [type(event) for event in tx.events] == [messages.Posted]
    subscribe(tx, KEVIN)
    tx.events.clear()
    post(tx, "Hello")
    assert lease(tx, ROUND) == []
    post(tx, f"@Jason after {message.id}")
    assert len(lease(tx, ROUND)) == 1


def test_a_crowd_is_rung_in_parts(tx: Tx) -> None:
    crowd = []
    for number in range(AT_ONCE + 5):
        user = users.add(tx, f"N{number}", address(f"n{number}"), PASSWORD_HASH)
        crowd.append(user.id)
        subscribe(tx, user.id)
    memberships.grant(tx, WATERCOOLER, crowd)
    post(tx, "@everyone")
    (first,) = lease(tx, ROUND)
    found = push.recipients(tx, first)
    push.spread(tx, first, found)
    assert len(found) == AT_ONCE
    assert people(rung(tx)) == crowd
    with pytest.raises(Stale):
        push.spread(tx, first, found)


# What is read again at the last moment


def test_the_words_are_those_of_now(tx: Tx) -> None:
    subscribe(tx, JASON)
    message = post(tx, "@Jason frist")
    (job,) = rung(tx)
    draft = richtext.draft("@Jason first", memberships.mentionable(tx, JZ, WATERCOOLER))
    messages.edit(tx, JZ, WATERCOOLER, message.id, draft)
    rooms.revise(tx, DAVID, WATERCOOLER, name="Fireplace")
    assert letter(tx, job) == Letter(
        keys(f"of-{JASON}"),
        Notification(
            id=message.id,
            title="Fireplace",
            body="JZ: @Jason first",
            path=f"/rooms/{WATERCOOLER}",
            badge=1,
            tag=f"room-{WATERCOOLER}",
        ),
    )


def test_the_badge_counts_rooms_with_something_unread(tx: Tx) -> None:
    subscribe(tx, JASON)
    post(tx, "One", room=ALL_PETS)
    post(tx, "Two", room=ALL_PETS)
    post(tx, "@Jason")
    told = letter(tx, rung(tx)[0])
    assert isinstance(told, Letter) and told.notification.badge == 2
    memberships.involve(tx, JASON, ALL_PETS, "invisible")
    post(tx, "@Jason")
    told = letter(tx, rung(tx)[0])
    assert isinstance(told, Letter) and told.notification.badge == 1


def test_nothing_is_sent_that_nobody_wants_any_more(tx: Tx) -> None:
    def read(message: Message) -> None:
        memberships.read(tx, JASON, WATERCOOLER, message.id)

    def remove(message: Message) -> None:
        messages.remove(tx, JZ, WATERCOOLER, message.id)

    def leave(message: Message) -> None:
        memberships.revoke(tx, WATERCOOLER, [JASON])

    def silence(message: Message) -> None:
        memberships.involve(tx, JASON, WATERCOOLER, "nothing")

    def end(message: Message) -> None:
        sessions.end_others(tx, JASON, None)

    def unsay(message: Message) -> None:
        draft = richtext.draft("Never mind")
        messages.edit(tx, JZ, WATERCOOLER, message.id, draft)

    def close(message: Message) -> None:
        rooms.remove(tx, DAVID, WATERCOOLER)

    def deactivate(message: Message) -> None:
        accounts.deactivate(tx, DAVID, JASON)

    for change in (read, remove, leave, silence, end, unsay, deactivate, close):
        tx.row("SAVEPOINT change")
        subscribe(tx, JASON)
        message = post(tx, "@Jason")
        (job,) = rung(tx)
        assert isinstance(letter(tx, job), Letter)
        change(message)
        assert letter(tx, job) is None, change.__name__
        tx.row("ROLLBACK TO change")


def test_a_sign_in_that_is_over_is_not_rung(tx: Tx) -> None:
    subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    assert isinstance(letter(tx, job, sessions.IDLE - 1_000_000), Letter)
    assert letter(tx, job, sessions.IDLE + 1_000) is None


# Held


def test_who_is_here_has_a_moment_to_read(tx: Tx) -> None:
    subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    assert letter(tx, job, 10_000, is_here=True) == Held(HELD_FOR - 10_000)
    assert isinstance(letter(tx, job, 10_000, is_here=False), Letter)
    assert isinstance(letter(tx, job, HELD_FOR, is_here=True), Letter)


def test_a_clock_that_was_set_back_holds_nothing_for_long(tx: Tx) -> None:
    subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    assert isinstance(letter(tx, job, -3_600_000, is_here=True), Letter)


def test_quiet_hours_hold_until_they_end(tx: Tx) -> None:
    subscribe(tx, JASON)
    subscribe(tx, DAVID)
    push.keep_quiet(tx, JASON, ALWAYS)
    post(tx, "@Jason @David")
    jason, david = sorted(rung(tx), key=lambda job: -job.payload["user_id"])
    held = letter(tx, jason)
    assert isinstance(held, Held)
    until = ALWAYS.until(tx.now)
    assert until is not None and held.wait == until - tx.now
    assert isinstance(letter(tx, david), Letter)


def test_quiet_hours_that_are_left_off_let_go_what_they_held(tx: Tx) -> None:
    subscribe(tx, JASON)
    subscribe(tx, DAVID)
    push.keep_quiet(tx, JASON, ALWAYS)
    post(tx, "@Jason @David")
    for job in rung(tx):
        jobs.postpone(tx, job, jobs.clock(), 3_600_000)
    assert lease(tx, PUSH) == []
    tx.events.clear()
    push.keep_quiet(tx, JASON, None)
    assert quiet_hours.find(tx, JASON) is None
    assert tx.events == [jobs.Added(PUSH), users.Changed(users.find(tx, JASON))]
    assert people(lease(tx, PUSH)) == [JASON]


def ping(tx: Tx, body: str = "Are you there?") -> Message:
    room, _ = rooms.direct(tx, JZ, [JASON])
    return post(tx, body, room=room.id)


def test_a_direct_message_rings_at_night_when_its_author_says_so(tx: Tx) -> None:
    subscribe(tx, JASON)
    push.keep_quiet(tx, JASON, ALWAYS)
    message, other = ping(tx), ping(tx, "Never mind")
    first, second = rung(tx)
    for job in (first, second):
        assert isinstance(letter(tx, job), Held)
        jobs.postpone(tx, job, jobs.clock(), 3_600_000)
    assert lease(tx, PUSH) == []
    for _ in range(2):
        push.ring(tx, JZ, message.room_id, message.id)
    first, second = lease(tx, PUSH)
    found = letter(tx, first)
    assert isinstance(found, Letter)
    assert found.notification.body == "Are you there?"
    assert isinstance(letter(tx, second), Held)
    messages.remove(tx, JZ, message.room_id, message.id)
    assert messages.sweep(tx, 0)
    assert tx.rows("SELECT * FROM rings") == []
    assert isinstance(letter(tx, second), Held) and other.id


def test_a_ring_that_is_asked_for_before_the_round_is_heard(tx: Tx) -> None:
    subscribe(tx, JASON)
    push.keep_quiet(tx, JASON, ALWAYS)
    message = ping(tx)
    push.ring(tx, JZ, message.room_id, message.id)
    (job,) = rung(tx)
    assert isinstance(letter(tx, job), Letter)


def test_nobody_rings_at_night_who_wants_no_ring_at_all(tx: Tx) -> None:
    subscribe(tx, JASON)
    push.keep_quiet(tx, JASON, replace(ALWAYS, may_ring=False))
    message = ping(tx)
    push.ring(tx, JZ, message.room_id, message.id)
    (job,) = rung(tx)
    assert isinstance(letter(tx, job), Held)
    push.keep_quiet(tx, JASON, ALWAYS)
    memberships.involve(tx, JASON, message.room_id, "nothing")
    assert letter(tx, job) is None


def test_only_ones_own_direct_message_rings(tx: Tx) -> None:
    message, shared = ping(tx), post(tx, "@Jason")
    with pytest.raises(NotFound):
        push.ring(tx, DAVID, message.room_id, message.id)
    with pytest.raises(NotFound):
        push.ring(tx, JZ, message.room_id, shared.id)
    with pytest.raises(Forbidden):
        push.ring(tx, JASON, message.room_id, message.id)
    with pytest.raises(Invalid):
        push.ring(tx, JZ, WATERCOOLER, shared.id)
    assert tx.rows("SELECT * FROM rings") == []


def test_what_was_held_for_long_is_told_by_the_newest_of_its_room(tx: Tx) -> None:
    subscribe(tx, JASON)
    memberships.involve(tx, JASON, ALL_PETS, "everything")
    post(tx, "@Jason one")
    post(tx, "@Jason two")
    post(tx, "Elsewhere", room=ALL_PETS)
    first, second, third = rung(tx)
    assert all(isinstance(letter(tx, job), Letter) for job in (first, second, third))
    assert letter(tx, first, LATE + 1) is None
    assert isinstance(letter(tx, second, LATE + 1), Letter)
    assert isinstance(letter(tx, third, LATE + 1), Letter)


def test_a_late_push_does_not_follow_one_that_is_newer(tx: Tx) -> None:
    subscribe(tx, JASON)
    post(tx, "@Jason one")
    post(tx, "@Jason two")
    first, second = rung(tx)
    push.settle(tx, second, keys(), 503, 1)
    assert isinstance(letter(tx, first, LATE + 1), Letter)
    post(tx, "@Jason three")
    (third,) = rung(tx)
    push.settle(tx, third, keys(), 201, 1)
    assert letter(tx, first, LATE + 1) is None


# Devices


def test_a_device_is_whose_it_was_told_last(tx: Tx) -> None:
    first = subscribe(tx, JASON, "shared")
    again = subscribe(tx, KEVIN, "shared")
    assert again.id == first.id
    assert push.all_of(tx, JASON) == []
    assert [each.id for each in push.all_of(tx, KEVIN)] == [first.id]


def test_the_oldest_device_beyond_twenty_is_forgotten(tx: Tx) -> None:
    kept = [subscribe(tx, JASON, str(number)).id for number in range(MOST + 3)]
    assert [each.id for each in push.all_of(tx, JASON)] == kept[3:]
    # One that is told again is not forgotten for it, nor is another.
    subscribe(tx, JASON, "5")
    assert [each.id for each in push.all_of(tx, JASON)] == kept[3:]


def test_a_device_goes_with_its_sign_in(tx: Tx) -> None:
    session_id = sign_in(tx, JASON)
    push.subscribe(tx, JASON, session_id, keys("a"), "")
    subscribe(tx, JASON, "b")
    sessions.end(tx, JASON, session_id)
    assert [each.endpoint for each in push.all_of(tx, JASON)] == [keys("b").endpoint]


def test_a_device_is_nobody_elses_to_find_or_remove(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    for look in (push.find, push.unsubscribe, push.test):
        with pytest.raises(NotFound):
            look(tx, DAVID, device.id)
    push.leave(tx, DAVID, device.endpoint)
    assert push.find(tx, JASON, device.id) == device
    push.leave(tx, JASON, device.endpoint)
    with pytest.raises(NotFound):
        push.find(tx, JASON, device.id)


def test_a_device_that_is_removed_is_not_rung(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    push.unsubscribe(tx, JASON, device.id)
    assert letter(tx, job) is None


# The ledger


def test_a_test_rings_in_quiet_hours_and_whoever_is_here(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    push.keep_quiet(tx, JASON, ALWAYS)
    push.test(tx, JASON, device.id)
    push.test(tx, JASON, device.id)  # Pressed twice, rung once.
    (job,) = lease(tx, PUSH)
    told = letter(tx, job, is_here=True)
    assert isinstance(told, Letter) and told.notification.path == "/users/me"
    push.settle(tx, job, keys(f"of-{JASON}"), 201, 300)
    (entry,) = push.ledger(tx, JASON)
    assert (entry.is_test, entry.outcome, entry.took) == (True, "delivered", 300)


def test_the_ledger_says_what_was_answered_and_to_what(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    push.settle(tx, job, keys(f"of-{JASON}"), 201, 12)
    (entry,) = push.ledger(tx, JASON)
    assert (entry.author, entry.room) == ("JZ", "Watercooler")
    assert (entry.outcome, entry.status, entry.at) == ("delivered", 201, tx.now)
    assert push.all_of(tx, JASON)[0].last == entry
    assert entry.subscription_id == device.id
    assert push.ledger(tx, DAVID) == []
    memberships.revoke(tx, WATERCOOLER, [JASON])
    (entry,) = push.ledger(tx, JASON)
    assert (entry.author, entry.room) == ("", "")


@pytest.mark.parametrize("status", [404, 410])
def test_an_address_that_is_gone_is_forgotten_but_not_its_ledger(
    tx: Tx, status: int
) -> None:
    subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    push.settle(tx, job, keys(f"of-{JASON}"), status, 1)
    assert push.all_of(tx, JASON) == []
    assert [entry.outcome for entry in push.ledger(tx, JASON)] == ["refused"]


@pytest.mark.parametrize("status", [201, 301, 400, 401, 403, 413])
def test_no_other_answer_removes_anything(tx: Tx, status: int) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    push.settle(tx, job, keys(f"of-{JASON}"), status, 1)
    assert push.find(tx, JASON, device.id) == device
    assert lease(tx, PUSH) == []


def test_an_address_that_was_renewed_meanwhile_stays(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    push.settle(tx, job, keys("former"), 410, 1)
    assert push.find(tx, JASON, device.id) == device


@pytest.mark.parametrize("status", [None, 429, 503])
def test_a_service_that_is_down_is_asked_again_and_loses_nothing(
    tx: Tx, status: int | None
) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    now = jobs.clock()
    push.retry(tx, job, now, status, 7_000, 90_000)
    assert push.find(tx, JASON, device.id) == device
    (entry,) = push.ledger(tx, JASON)
    assert (entry.outcome, entry.status) == ("refused", status)
    waiting = jobs.lease(tx, PUSH, now, most=9, each=9, lasts=1_000)
    assert waiting.jobs == [] and waiting.wait == 90_000
    (again,) = jobs.lease(tx, PUSH, now + 90_000, most=9, each=9, lasts=1_000).jobs
    assert (again.key, again.attempts) == (job.key, 1)


def test_a_push_that_nobody_ever_takes_is_given_up(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    post(tx, "@Jason")
    (job,) = rung(tx)
    now = jobs.clock()
    for attempt in range(jobs.MOST_ATTEMPTS):
        push.retry(tx, job, now, 503, 1, 0)
        now += jobs.LONGEST_DELAY
        leased = jobs.lease(tx, PUSH, now, most=9, each=9, lasts=1_000).jobs
        assert len(leased) == (attempt + 1 < jobs.MOST_ATTEMPTS)
        job = leased[0] if leased else job
    assert tx.value("SELECT count(*) FROM jobs") == 0
    assert push.find(tx, JASON, device.id) == device
    assert len(push.ledger(tx, JASON)) == jobs.MOST_ATTEMPTS


def test_the_ledger_keeps_the_newest_of_a_device(tx: Tx) -> None:
    device = subscribe(tx, JASON)
    for took in range(KEPT + 5):
        push.test(tx, JASON, device.id)
        (job,) = lease(tx, PUSH)
        push.settle(tx, job, keys(), 201, took)
    kept = [entry.took for entry in push.ledger(tx, JASON)]
    assert kept == list(range(KEPT + 4, 4, -1))
