"""Jobs: one for each key, one holder at a time, again after a failure, at last dead."""

import itertools
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire.chat import jobs
from campfire.chat.jobs import FIRST_DELAY, LONGEST_DELAY, MOST_ATTEMPTS, Job, Stale
from campfire.database import Tx
from campfire.refusals import Forbidden, NotFound
from tests.chat.conftest import Stage
from tests.conftest import DAVID, JZ

SOON = 1_000


def add(tx: Tx, *keys: str, kind: str = "push", destination: str = "one") -> None:
    for key in keys:
        jobs.add(tx, kind, destination, key, {"key": key})


def lease(
    tx: Tx, now: int | None = None, *, kind: str = "push", most: int = 9, each: int = 9
) -> Sequence[Job]:
    now = jobs.clock() if now is None else now
    return jobs.lease(tx, kind, now, most=most, each=each, lasts=SOON).jobs


def keys(leased: Sequence[Job]) -> list[str]:
    return [job.key for job in leased]


def states(tx: Tx) -> dict[str, str]:
    return dict(tx.rows("SELECT key, state FROM jobs ORDER BY key"))


def test_a_job_is_handed_out_once_with_what_it_needs(tx: Tx) -> None:
    jobs.add(tx, "push", "push.example", "7", {"message_id": 7})
    assert tx.events == [jobs.Added("push")]
    (job,) = lease(tx)
    assert (job.kind, job.destination, job.key) == ("push", "push.example", "7")
    assert (job.payload, job.attempts, job.token) == ({"message_id": 7}, 0, 1)
    assert lease(tx) == []


def test_a_kind_gets_its_own_jobs(tx: Tx) -> None:
    add(tx, "a", kind="push")
    add(tx, "a", kind="webhook")
    assert keys(lease(tx, kind="webhook")) == ["a"]
    assert lease(tx, kind="webhook") == []
    assert keys(lease(tx, kind="push")) == ["a"]


def test_a_job_whose_time_has_not_come_is_no_failure(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    (job,) = lease(tx, now)
    jobs.postpone(tx, job, now, 60_000)
    assert lease(tx, now + 59_999) == []
    with pytest.raises(Stale):
        jobs.postpone(tx, job, now, 60_000)
    (again,) = lease(tx, now + 60_000)
    assert (again.key, again.attempts, again.token) == ("a", 0, 2)


def test_what_was_postponed_is_looked_at_by_a_server_that_starts(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    (job,) = lease(tx, now)
    jobs.postpone(tx, job, now, 3_600_000)
    jobs.restart(tx, now)
    assert keys(lease(tx, now)) == ["a"]


def test_hurry_is_for_what_was_postponed_and_begins_so(tx: Tx) -> None:
    add(tx, "1:a", "1:b", "1:c", "10:a")
    now = jobs.clock()
    held, failed, running, other = lease(tx, now)
    jobs.postpone(tx, held, now, 60_000)
    jobs.failed(tx, failed, now, "x")
    jobs.postpone(tx, other, now, 60_000)
    tx.events.clear()
    jobs.hurry(tx, "push", "1:")
    assert tx.events == [jobs.Added("push")]
    assert keys(lease(tx, now)) == ["1:a"]
    jobs.done(tx, running)


def test_who_wants_to_be_left_alone_is_for_that_long(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    (job,) = lease(tx, now)
    jobs.failed(tx, job, now, "429", least=90_000)
    assert lease(tx, now + 89_999) == []
    assert keys(lease(tx, now + 90_000)) == ["a"]


def test_the_same_key_is_one_job(tx: Tx) -> None:
    add(tx, "a", "a")
    assert keys(lease(tx)) == ["a"]
    add(tx, "a")
    assert lease(tx) == [], "it is under way already"


def test_what_is_done_is_gone(tx: Tx) -> None:
    add(tx, "a")
    (job,) = lease(tx)
    jobs.done(tx, job)
    assert states(tx) == {}
    with pytest.raises(Stale):
        jobs.done(tx, job)


def test_a_lease_that_ran_out_belongs_to_the_next(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    (late,) = lease(tx, now)
    assert lease(tx, now + SOON - 1) == []
    (job,) = lease(tx, now + SOON)
    assert job.token == late.token + 1
    assert job.attempts == 0, "nobody says that it failed"
    with pytest.raises(Stale):
        jobs.done(tx, late)
    with pytest.raises(Stale):
        jobs.failed(tx, late, now, "late")
    jobs.done(tx, job)


def test_a_failure_is_tried_again_later_and_less_and_less_often(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    waits = []
    for attempts in range(MOST_ATTEMPTS):
        (job,) = lease(tx, now)
        assert job.attempts == attempts
        jobs.failed(tx, job, now, "timeout")
        wait = jobs.lease(tx, "push", now, most=9, each=9, lasts=SOON).wait
        if attempts + 1 < MOST_ATTEMPTS:
            assert wait is not None
            assert FIRST_DELAY / 2 * 2**attempts <= wait <= FIRST_DELAY * 2**attempts
            assert lease(tx, now + wait - 1) == []
            waits.append(wait)
            now += wait
        else:
            assert wait is None
    assert waits == sorted(waits)
    assert states(tx) == {"a": "dead"}
    assert tx.row("SELECT attempts, fault FROM jobs") == (MOST_ATTEMPTS, "timeout")
    assert lease(tx, now + 10 * LONGEST_DELAY) == []


def test_a_dead_job_lives_again_when_it_is_asked_for_again(tx: Tx) -> None:
    add(tx, "a")
    now = jobs.clock()
    for _ in range(MOST_ATTEMPTS):
        (job,) = lease(tx, now)
        jobs.failed(tx, job, now, "timeout")
        now += LONGEST_DELAY
    assert states(tx) == {"a": "dead"}
    add(tx, "a")
    (job,) = lease(tx)
    assert (job.attempts, job.token) == (0, MOST_ATTEMPTS + 1)


def test_waits_differ_and_end() -> None:
    assert len({jobs.delay(4) for _ in range(50)}) > 10
    assert max(jobs.delay(1_000) for _ in range(50)) <= LONGEST_DELAY


# Destinations


def test_one_destination_gets_no_more_than_its_share(tx: Tx) -> None:
    add(tx, *"abcd", destination="slow")
    add(tx, *"xyz", destination="fast")
    leased = lease(tx, each=2)
    assert sorted(keys(leased)) == ["a", "b", "x", "y"]
    jobs.done(tx, next(job for job in leased if job.key == "y"))
    assert keys(lease(tx, each=2)) == ["z"]
    assert lease(tx, each=2) == [], "those of the slow one are still under way"


def test_a_destination_without_answers_delays_nobody(tx: Tx) -> None:
    for number in range(1_000):
        add(tx, f"dead-{number:04}", destination="dead")
    add(tx, "a", destination="alive")
    assert keys(lease(tx, most=2, each=1)) == ["dead-0000", "a"]
    add(tx, "b", destination="beside")
    assert keys(lease(tx, most=2, each=1)) == ["b"]


def test_those_who_wait_longest_come_first(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = itertools.count(jobs.clock())
    monkeypatch.setattr(jobs, "clock", lambda: next(moments))
    for destination in ("z", "a", "m"):
        add(tx, destination, destination=destination)
    assert keys(lease(tx, most=2)) == ["z", "a"]
    assert keys(lease(tx, most=2)) == ["m"]


def test_the_wait_says_when_there_is_more(tx: Tx) -> None:
    now = jobs.clock()
    assert jobs.lease(tx, "push", now, most=9, each=9, lasts=SOON).wait is None
    add(tx, "a")
    now = jobs.clock()
    assert jobs.lease(tx, "push", now, most=9, each=9, lasts=SOON).wait == SOON


# What is taken back


def test_a_start_takes_every_lease_back_and_waits_anew(tx: Tx) -> None:
    add(tx, "held", "failed", "fresh")
    now = jobs.clock()
    held, failed = lease(tx, now, most=2)
    jobs.failed(tx, failed, now, "timeout")
    delay = tx.value("SELECT delay FROM jobs WHERE key = 'failed'")
    # Another boot: its clock begins near zero, long before what the rows say.
    jobs.restart(tx, 5)
    leased = lease(tx, 5)
    assert keys(leased) == ["held", "fresh"]
    with pytest.raises(Stale):
        jobs.done(tx, held)
    for job in leased:
        jobs.done(tx, job)
    assert lease(tx, 5 + delay - 1) == []
    assert keys(lease(tx, 5 + delay)) == ["failed"]


def test_what_is_withdrawn_is_refused_when_it_comes_back(tx: Tx) -> None:
    add(tx, "1:a", "1:b", "1:c", "12:a", "2:a")
    (job,) = lease(tx, most=1)
    assert job.key == "1:a"
    jobs.withdraw(tx, "push", "1:", but=["1:b"])
    assert states(tx) == {"1:b": "waiting", "12:a": "waiting", "2:a": "waiting"}
    with pytest.raises(Stale):
        jobs.done(tx, job)


@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["add", "lease", "done", "failed", "late", "restart"]),
            st.integers(0, 3),
        ),
        max_size=40,
    )
)
def test_nothing_is_lost_and_nobody_holds_what_another_holds(
    stage: Stage, steps: list[tuple[str, int]]
) -> None:
    with stage() as tx:
        now = jobs.clock()
        added: set[str] = set()
        ended: set[str] = set()
        held: dict[str, Job] = {}
        for verb, number in steps:
            key = f"{number}"
            now += 1_000
            match verb:
                case "add" if key not in added:
                    add(tx, key, destination=f"{number % 2}")
                    added.add(key)
                case "lease":
                    for job in lease(tx, now + LONGEST_DELAY, each=1):
                        held[job.key] = job
                case "restart":
                    jobs.restart(tx, now)
                case "done" | "failed" if key in held:
                    job = held.pop(key)
                    try:
                        if verb == "done":
                            jobs.done(tx, job)
                            ended.add(key)
                        else:
                            jobs.failed(tx, job, now, "x")
                    except Stale:
                        pass
            rows: dict[str, Any] = states(tx)
            assert rows.keys() == added - ended
            leased = [k for k, state in rows.items() if state == "leased"]
            assert set(leased) <= held.keys()
            assert len({int(k) % 2 for k in leased}) == len(leased)


def kill(tx: Tx, key: str, **where: str) -> int:
    """Gives a job up, at its first failure."""
    add(tx, key, **where)
    (job,) = lease(tx, kind=where.get("kind", "push"))
    jobs.failed(tx, job, jobs.clock(), "502", waits=())
    return job.id


def test_administrators_see_how_much_there_is_for_whom(tx: Tx) -> None:
    add(tx, "again")
    (job,) = lease(tx)
    jobs.failed(tx, job, jobs.clock(), "503")
    add(tx, "now")
    assert len(lease(tx)) == 1
    number = kill(tx, "dead", destination="two")
    add(tx, "first", "second")
    kill(tx, "a page", kind="preview", destination="page.example")
    queues, dead = jobs.overview(tx, DAVID, {"push"})
    assert [
        (
            each.kind,
            each.destination,
            each.waiting,
            each.retried,
            each.leased,
            each.dead,
        )
        for each in queues
    ] == [
        ("preview", "", 0, 0, 0, 1),
        ("push", "two", 0, 0, 0, 1),
        ("push", "one", 2, 1, 1, 0),
    ]
    assert {each.oldest for each in queues} == {tx.now}
    assert [each.destination for each in dead] == ["", "two"]
    assert (dead[1].id, dead[1].fault, dead[1].attempts) == (number, "502", 1)


def test_what_is_dead_gets_another_life_or_is_forgotten(tx: Tx) -> None:
    first, second = kill(tx, "a"), kill(tx, "b")
    tx.events.clear()
    jobs.retry(tx, DAVID, first)
    assert tx.events == [jobs.Added("push")]
    (job,) = lease(tx)
    assert (job.key, job.attempts) == ("a", 0)
    jobs.discard(tx, DAVID, second)
    assert states(tx) == {"a": "leased"}
    for number in (first, second, 999):
        for act in (jobs.retry, jobs.discard):
            with pytest.raises(NotFound):
                act(tx, DAVID, number)


def test_only_administrators_look_after_jobs(tx: Tx) -> None:
    number = kill(tx, "a")
    with pytest.raises(Forbidden):
        jobs.overview(tx, JZ, {"push"})
    for act in (jobs.retry, jobs.discard):
        with pytest.raises(Forbidden):
            act(tx, JZ, number)
    assert states(tx) == {"a": "dead"}


def test_of_the_dead_the_last_are_kept(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "MOST_DEAD", 2)
    for key in "abcd":
        kill(tx, key)
    assert states(tx) == {"c": "dead", "d": "dead"}
