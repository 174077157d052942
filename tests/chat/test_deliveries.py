"""Deliveries: who is called by what, how often it is tried, and who may read of it."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from campfire.chat import bots, deliveries, jobs, memberships, messages, richtext, rooms
from campfire.chat.deliveries import KIND, WAITS, Added, Outcome
from campfire.chat.jobs import Job, Stale
from campfire.chat.messages import Message
from campfire.database import Tx
from campfire.refusals import Conflict, Forbidden, NotFound
from tests.conftest import ALL_PETS, DAVID, JASON, JZ, KEVIN, WATERCOOLER

URL = "https://bot.example:8443/hook"
SOON = 10**15


def bot(tx: Tx, name: str = "Bender", url: str | None = URL) -> int:
    made, _ = bots.add(tx, DAVID, name, url)
    tx.events.clear()
    return made.user.id


def say(tx: Tx, body: str, who: int = JZ, room_id: int = ALL_PETS) -> Message:
    people = memberships.mentionable(tx, who, room_id)
    draft = richtext.draft(body, people, is_bot=who > KEVIN, may_call_everyone=True)
    message, _ = messages.post(
        tx, who, room_id, draft, messages.client_message_id(None)
    )
    return message


def leased(tx: Tx, now: int = SOON) -> list[Job]:
    return list(jobs.lease(tx, KIND, now, most=50, each=50, lasts=1_000).jobs)


def called(tx: Tx) -> list[int]:
    return [
        bot_id for (bot_id,) in tx.rows("SELECT bot_id FROM deliveries ORDER BY id")
    ]


def test_who_mentions_a_bot_calls_it(tx: Tx) -> None:
    bender = bot(tx)
    message = say(tx, "@Bender what is **the** time, @bender?")
    assert Added(bender) in tx.events
    (job,) = leased(tx)
    assert job.destination == "bot.example:8443"
    call = deliveries.call(tx, job.payload["delivery_id"])
    assert call is not None
    said: dict[str, Any] = json.loads(call.body)
    path = said["room"].pop("path")
    assert said == {
        "user": {"id": JZ, "name": "JZ"},
        "room": {"id": ALL_PETS, "name": "All Talk"},
        "message": {
            "id": message.id,
            "body": {"html": message.html, "plain": "what is the time, ?"},
            "path": f"/rooms/{ALL_PETS}/@{message.id}",
        },
    }
    key = path.split("/")[3]
    assert path == f"/rooms/{ALL_PETS}/{key}/messages"
    assert bots.sign_in(tx, key, ALL_PETS) is not None
    assert bots.sign_in(tx, key) is None


def test_others_are_not_called(tx: Tx) -> None:
    bender, flexo = bot(tx), bot(tx, "Flexo")
    rooms.revise(tx, DAVID, WATERCOOLER, user_ids=[JZ, bender])
    say(tx, "Nobody")
    say(tx, "@everyone", DAVID)
    say(tx, "@Flexo", JZ, WATERCOOLER)
    assert called(tx) == []
    say(tx, "@Bender", JZ, WATERCOOLER)
    say(tx, "@Flexo")
    assert called(tx) == [bender, flexo]


def test_every_bot_of_a_direct_room_is_called_by_anything(tx: Tx) -> None:
    bender, flexo = bot(tx), bot(tx, "Flexo")
    room, _ = rooms.direct(tx, KEVIN, [bender, flexo])
    say(tx, "Hello", KEVIN, room.id)
    assert called(tx) == [bender, flexo]
    (payload,) = tx.row("SELECT payload FROM deliveries")
    assert json.loads(payload)["room"]["name"] is None


def test_a_bot_never_calls_a_bot(tx: Tx) -> None:
    bender, flexo = bot(tx), bot(tx, "Flexo")
    room, _ = rooms.direct(tx, KEVIN, [bender, flexo])
    say(tx, "@Flexo", bender)
    say(tx, "@Flexo @Bender", bender, room.id)
    assert called(tx) == []
    say(tx, "@Flexo")
    assert called(tx) == [flexo]


def test_an_edit_and_a_second_try_call_nobody(tx: Tx) -> None:
    bot(tx)
    message = say(tx, "Hello")
    people = memberships.mentionable(tx, JZ, ALL_PETS)
    draft = richtext.draft("@Bender", people)
    messages.edit(tx, JZ, ALL_PETS, message.id, draft)
    assert called(tx) == []
    for _ in range(2):
        messages.post(tx, JZ, ALL_PETS, draft, "x")
    assert len(called(tx)) == 1


def test_without_a_webhook_it_waits_for_the_stream(tx: Tx) -> None:
    bender = bot(tx, url=None)
    before = deliveries.newest(tx, bender)
    say(tx, "@Bender one")
    say(tx, "@Bender two")
    assert leased(tx) == []
    found = deliveries.since(tx, bender, before)
    assert [json.loads(said)["message"]["body"]["plain"] for _, said in found] == [
        "one",
        "two",
    ]
    assert deliveries.since(tx, bender, found[0][0]) == found[1:]
    memberships.revoke(tx, ALL_PETS, [bender])
    assert deliveries.since(tx, bender, before) == []


def test_what_cannot_be_delivered_any_more_is_not(tx: Tx) -> None:
    bender = bot(tx)
    ends: list[Callable[[int], object]] = [
        lambda message_id: messages.remove(tx, JZ, ALL_PETS, message_id),
        lambda message_id: memberships.revoke(tx, ALL_PETS, [bender]),
        lambda message_id: bots.revise(tx, DAVID, bender, webhook_url=""),
        lambda message_id: bots.retire(tx, DAVID, bender),
    ]
    for end in ends:
        memberships.grant(tx, ALL_PETS, [bender])
        bots.revise(tx, DAVID, bender, webhook_url=URL)
        message = say(tx, "@Bender")
        (job,) = leased(tx)
        assert deliveries.call(tx, job.payload["delivery_id"]) is not None
        end(message.id)
        assert deliveries.call(tx, job.payload["delivery_id"]) is None
        deliveries.drop(tx, job)
    assert tx.value("SELECT count(*) FROM jobs") == 0


def test_what_fails_is_tried_after_1_5_and_30_seconds_5_minutes_and_an_hour(
    tx: Tx,
) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    now = jobs.clock()
    seen = []
    for _ in range(6):
        lease = jobs.lease(tx, KIND, now + 1, most=1, each=1, lasts=1_000)
        (job,) = lease.jobs
        deliveries.failed(tx, job, Outcome(502, "", 12, "text/plain", "Bad"))
        delay, due = tx.row("SELECT delay, due_at FROM jobs")
        seen.append(delay)
        now = due
    for delay, wait in zip(seen[:5], WAITS, strict=True):
        assert wait <= delay <= 1.1 * wait
    assert tx.row("SELECT state, fault FROM jobs") == ("dead", "502")
    (delivery,), more = deliveries.of_bot(tx, DAVID, bender)
    assert (delivery.state, delivery.attempts, delivery.code) == ("failed", 6, 502)
    assert not more


def test_what_was_given_up_is_made_when_its_job_gets_another_life(tx: Tx) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    (job,) = leased(tx)
    dead = dataclasses.replace(job, attempts=len(WAITS))
    deliveries.failed(tx, dead, Outcome(None, "unreachable", 1))
    (delivery,), _ = deliveries.of_bot(tx, DAVID, bender)
    assert delivery.state == "failed"
    jobs.retry(tx, DAVID, job.id)
    (job,) = leased(tx)
    deliveries.settle(tx, job, Outcome(200, "", 1))
    (delivery,), _ = deliveries.of_bot(tx, DAVID, bender)
    assert delivery.state == "delivered"


def test_an_answer_is_posted_once_for_each_delivery(tx: Tx) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    (job,) = leased(tx)
    draft = richtext.draft("Ten past", is_bot=True)
    outcome = Outcome(200, "", 5, "text/plain", "Ten past")
    assert messages.answer(tx, job, outcome, bender, ALL_PETS, draft)
    with pytest.raises(Stale):
        messages.answer(tx, job, outcome, bender, ALL_PETS, draft)
    number = job.payload["delivery_id"]
    deliveries.replay(tx, DAVID, bender, number, posts=True)
    (again,) = leased(tx)
    assert again.payload["delivery_id"] == number
    assert not messages.answer(tx, again, outcome, bender, ALL_PETS, draft)
    page = messages.page(tx, JZ, ALL_PETS).messages
    assert [message.plain for message in page] == ["@Bender", "Ten past"]
    (delivery,), _ = deliveries.of_bot(tx, DAVID, bender)
    assert (delivery.state, delivery.has_reply, delivery.attempts) == (
        *("delivered", True),
        2,
    )


def test_an_answer_that_was_removed_does_not_come_back(tx: Tx) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    (job,) = leased(tx)
    draft, outcome = richtext.draft("Ten past"), Outcome(200, "", 5)
    messages.answer(tx, job, outcome, bender, ALL_PETS, draft)
    reply = messages.page(tx, JZ, ALL_PETS).messages[-1]
    messages.remove(tx, bender, ALL_PETS, reply.id)
    number = job.payload["delivery_id"]
    deliveries.replay(tx, DAVID, bender, number, posts=True)
    (job,) = leased(tx)
    assert not messages.answer(tx, job, outcome, bender, ALL_PETS, draft)
    assert len(messages.page(tx, JZ, ALL_PETS).messages) == 1


def test_two_hundred_are_kept_and_those_still_to_be_made(tx: Tx) -> None:
    bender = bot(tx, url=None)
    for _ in range(deliveries.MOST + 5):
        say(tx, "@Bender")
    assert len(called(tx)) == deliveries.MOST
    bots.revise(tx, DAVID, bender, webhook_url=URL)
    for _ in range(deliveries.MOST + 5):
        say(tx, "@Bender")
    assert len(called(tx)) == deliveries.MOST + 5
    assert len(tx.rows("SELECT 1 FROM jobs")) == deliveries.MOST + 5


def test_a_delivery_is_given_up(tx: Tx) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    (job,) = leased(tx)
    number = job.payload["delivery_id"]
    deliveries.give_up(tx, DAVID, bender, number)
    with pytest.raises(Stale):
        deliveries.settle(tx, job, Outcome(200, "", 1))
    (delivery,), _ = deliveries.of_bot(tx, DAVID, bender)
    assert (delivery.state, delivery.fault) == ("failed", "given up")
    with pytest.raises(NotFound):
        deliveries.give_up(tx, DAVID, bender, number)


def test_administrators_read_the_words_of_their_rooms_alone(tx: Tx) -> None:
    bender = bot(tx)
    room, _ = rooms.direct(tx, KEVIN, [bender])
    say(tx, "Between us", KEVIN, room.id)
    say(tx, "@Bender among all")
    (public, private), _ = deliveries.of_bot(tx, JASON, bender)
    assert public.words is not None and private.words is None
    assert public.words.payload["message"]["body"]["plain"] == "among all"
    attempts: list[Callable[[], object]] = [
        lambda: deliveries.of_bot(tx, JZ, bender),
        lambda: deliveries.replay(tx, JZ, bender, public.id, posts=True),
        lambda: deliveries.give_up(tx, JZ, bender, public.id),
        lambda: messages.attempt(tx, JZ, bender, ALL_PETS, public.message_id),
    ]
    for attempt in attempts:
        with pytest.raises(Forbidden):
            attempt()


def test_a_webhook_is_tried_on_an_old_message(tx: Tx) -> None:
    old = say(tx, "Long ago")
    hidden = say(tx, "Hidden", JZ, WATERCOOLER)
    bender = bot(tx)
    messages.attempt(tx, DAVID, bender, ALL_PETS, old.id)
    (job,) = leased(tx)
    call = deliveries.call(tx, job.payload["delivery_id"])
    assert call is not None and json.loads(call.body)["message"]["id"] == old.id
    with pytest.raises(NotFound):  # The bot is not in there.
        messages.attempt(tx, DAVID, bender, WATERCOOLER, hidden.id)


@pytest.mark.parametrize(
    ("code", "failures"),
    [
        *((None, 1), (404, 1), (410, 1), (429, 1), (500, 1), (503, 1), (599, 1)),
        *((200, 0), (204, 0), (400, 0), (401, 0), (422, 0)),
    ],
)
def test_what_nobody_who_listens_would_answer_counts_against_a_webhook(
    tx: Tx, code: int | None, failures: int
) -> None:
    bender = bot(tx)
    say(tx, "@Bender")
    (job,) = leased(tx)
    end = deliveries.settle if code and code < 429 else deliveries.failed
    end(tx, job, Outcome(code, "", 1))
    assert bots.find(tx, DAVID, bender).failures == failures


def test_a_webhook_that_is_switched_off_is_not_called(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bots, "FAILING_FOR", 0)
    monkeypatch.setattr(bots, "FEWEST_FAILURES", 1)
    bender = bot(tx)
    say(tx, "@Bender one")
    say(tx, "@Bender two")
    first, second = leased(tx)
    deliveries.failed(tx, first, Outcome(502, "", 1))
    assert bots.Switched(bender, False) in tx.events
    number = second.payload["delivery_id"]
    assert deliveries.call(tx, number) is None
    deliveries.drop(tx, second)
    with pytest.raises(Conflict):
        deliveries.replay(tx, DAVID, bender, number, posts=True)
    say(tx, "@Bender three")
    (third, *_), _ = deliveries.of_bot(tx, DAVID, bender)
    assert third.state == "kept"
    assert len(deliveries.since(tx, bender, 0)) == 3
    bots.switch_on(tx, DAVID, bender)
    deliveries.replay(tx, DAVID, bender, number, posts=True)
    assert deliveries.call(tx, number) is not None


def test_a_delivery_belongs_to_its_bot(tx: Tx) -> None:
    bender, flexo = bot(tx), bot(tx, "Flexo")
    say(tx, "@Bender")
    (delivery,), _ = deliveries.of_bot(tx, DAVID, bender)
    attempts: list[Callable[[], object]] = [
        lambda: deliveries.replay(tx, DAVID, flexo, delivery.id, posts=True),
        lambda: deliveries.give_up(tx, DAVID, flexo, delivery.id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
