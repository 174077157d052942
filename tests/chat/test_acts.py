"""The audit log: every act of an administrator, and nothing that anybody wrote."""

from collections.abc import Callable
from typing import Any, get_args

import pytest

from campfire.chat import (
    accounts,
    acts,
    bans,
    bots,
    jobs,
    messages,
    retentions,
    richtext,
    rooms,
    users,
)
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    PASSWORD_HASH,
    WATERCOOLER,
)

HUSH = "hush-4711"
Noted = tuple[str, int | None, str, int | None, int | None, str]


def noted(tx: Tx) -> list[Noted]:
    """Oldest first: origin, who, what, whom, where, how."""
    found, more = acts.page(tx, DAVID, limit=1_000)
    assert not more and all(act.at == tx.now for act in found)
    return [
        (
            act.origin,
            act.actor.id if act.actor else None,
            act.kind,
            act.user.id if act.user else None,
            act.room_id,
            act.detail,
        )
        for act in reversed(found)
    ]


def by_david(
    kind: str, user_id: int | None = None, room_id: int | None = None, detail: str = ""
) -> Noted:
    return "person", DAVID, kind, user_id, room_id, detail


def say(tx: Tx, user_id: int, text: str = HUSH) -> int:
    draft = richtext.draft(text)
    message, _ = messages.post(tx, user_id, ALL_PETS, draft, "acts")
    return message.id


def a_bot(tx: Tx) -> int:
    return bots.add(tx, DAVID, HUSH, f"https://{HUSH}.example/")[0].user.id


def retry_and_discard(tx: Tx) -> None:
    jobs.add(tx, "push", "push.example", HUSH, {})
    for act in (jobs.retry, jobs.discard):
        (job,) = jobs.lease(tx, "push", jobs.clock(), most=1, each=1, lasts=1_000).jobs
        jobs.failed(tx, job, jobs.clock(), HUSH, waits=())
        act(tx, DAVID, job.id)


def fail_for_long(tx: Tx) -> None:
    for _ in range(bots.FEWEST_FAILURES):
        bots.fared(tx, 5, well=False)
    tx.now += bots.FAILING_FOR
    bots.fared(tx, 5, well=False)


def ban_and_readmit(tx: Tx) -> None:
    bans.add(tx, DAVID, KEVIN)
    bans.remove(tx, DAVID, KEVIN)


def edit_and_remove(tx: Tx) -> None:
    message_id = say(tx, KEVIN)
    draft = richtext.draft(f"{HUSH} again")
    messages.edit(tx, DAVID, ALL_PETS, message_id, draft)
    messages.remove(tx, DAVID, ALL_PETS, message_id)
    messages.restore(tx, DAVID, ALL_PETS, message_id)


def use_a_bot(tx: Tx) -> None:
    bot_id = a_bot(tx)
    bots.revise(tx, DAVID, bot_id, name=f"{HUSH} 2", webhook_url="")
    bots.picture(tx, DAVID, bot_id, HUSH.encode())
    bots.renew_key(tx, DAVID, bot_id)
    bots.retire(tx, DAVID, bot_id)


def turn_a_room(tx: Tx) -> None:
    rooms.revise(tx, DAVID, WATERCOOLER, user_ids={DAVID, JASON, KEVIN})
    rooms.revise(tx, DAVID, WATERCOOLER, name=HUSH, kind="open")
    rooms.revise(tx, DAVID, WATERCOOLER, kind="closed")
    rooms.remove(tx, DAVID, WATERCOOLER)
    rooms.restore(tx, DAVID, WATERCOOLER)


def keep_a_room(tx: Tx) -> None:
    for days in (90, 90, None):
        retentions.keep(tx, DAVID, WATERCOOLER, days)


ACTS: list[tuple[Callable[[Tx], Any], list[Noted]]] = [
    (
        lambda tx: accounts.appoint(tx, DAVID, KEVIN, "administrator"),
        [by_david("person.appointed", KEVIN, detail="administrator")],
    ),
    (
        lambda tx: accounts.deactivate(tx, DAVID, KEVIN),
        [by_david("person.deactivated", KEVIN)],
    ),
    (
        ban_and_readmit,
        [by_david("person.banned", KEVIN), by_david("person.readmitted", KEVIN)],
    ),
    (
        lambda tx: accounts.renew_join_code(tx, DAVID),
        [by_david("invitation.renewed")],
    ),
    (
        lambda tx: accounts.revise(tx, DAVID, name=HUSH, custom_styles=HUSH),
        [by_david("account.changed", detail="name, styles")],
    ),
    (
        lambda tx: accounts.set_logo(tx, DAVID, (b"large", b"small")),
        [by_david("account.changed", detail="logo")],
    ),
    (
        use_a_bot,
        [
            by_david("bot.made", 5),
            by_david("bot.changed", 5, detail="name"),
            by_david("bot.changed", 5, detail="webhook"),
            by_david("bot.changed", 5, detail="picture"),
            by_david("bot.keyed", 5),
            by_david("bot.removed", 5),
        ],
    ),
    (
        turn_a_room,
        [
            by_david("member.added", KEVIN, WATERCOOLER),
            by_david("member.removed", JZ, WATERCOOLER),
            by_david("room.renamed", None, WATERCOOLER),
            by_david("room.opened", None, WATERCOOLER),
            by_david("room.closed", None, WATERCOOLER),
            by_david("room.deleted", None, WATERCOOLER),
            by_david("room.restored", None, WATERCOOLER),
        ],
    ),
    (
        edit_and_remove,
        [
            by_david("message.edited", KEVIN, ALL_PETS),
            by_david("message.removed", KEVIN, ALL_PETS),
            by_david("message.restored", KEVIN, ALL_PETS),
        ],
    ),
    (
        keep_a_room,
        [
            by_david("room.kept", None, WATERCOOLER, "90 days"),
            by_david("room.kept", None, WATERCOOLER, "for ever"),
        ],
    ),
    (retry_and_discard, [by_david("job.retried"), by_david("job.discarded")]),
    (
        lambda tx: accounts.promote(tx, KEVIN),
        [
            (
                *("command line", None, "person.appointed"),
                *(KEVIN, None, "administrator"),
            )
        ],
    ),
    (
        lambda tx: accounts.reset_password(tx, KEVIN, HUSH),
        [("command line", None, "password.reset", KEVIN, None, "")],
    ),
    (
        lambda tx: accounts.admit(tx, HUSH, f"{HUSH}@x.example", HUSH, "member"),
        [("command line", None, "person.added", 5, None, "member")],
    ),
]


@pytest.mark.parametrize(("act", "expected"), ACTS)
def test_an_act_is_noted_with_who_and_whom(
    tx: Tx, act: Callable[[Tx], Any], expected: list[Noted]
) -> None:
    assert noted(tx) == []
    act(tx)
    assert noted(tx) == expected
    kept = tx.rows("SELECT * FROM acts")
    assert HUSH not in str(kept)


def test_what_campfire_does_by_itself_is_noted(tx: Tx) -> None:
    a_bot(tx)
    fail_for_long(tx)
    bots.switch_on(tx, DAVID, 5)
    found, _ = acts.page(tx, DAVID)
    assert [(act.origin, act.kind) for act in found] == [
        ("person", "webhook.started"),
        ("campfire", "webhook.stopped"),
        ("person", "bot.made"),
    ]


def test_every_kind_is_noted_somewhere() -> None:
    seen = {kind for _, expected in ACTS for _, _, kind, *_ in expected}
    assert seen | {"room.swept", "webhook.started", "webhook.stopped"} == set(
        get_args(acts.Kind)
    )


def test_what_changes_nothing_is_no_act(tx: Tx) -> None:
    account = accounts.require(tx)
    accounts.revise(tx, DAVID, name=account.name)
    accounts.appoint(tx, DAVID, JASON, "administrator")
    accounts.promote(tx, JASON)
    rooms.revise(tx, DAVID, WATERCOOLER, user_ids={DAVID, JASON, JZ})
    assert noted(tx) == []


def test_what_everybody_may_do_is_no_act(tx: Tx) -> None:
    mine = say(tx, DAVID)
    messages.remove(tx, DAVID, ALL_PETS, mine)
    room = rooms.create(tx, KEVIN, "closed", HUSH, {JZ})
    rooms.revise(tx, KEVIN, room.id, name="Other", user_ids={KEVIN})
    rooms.remove(tx, KEVIN, room.id)
    direct, _ = rooms.direct(tx, DAVID, {KEVIN})
    rooms.remove(tx, DAVID, direct.id)
    users.add(tx, "Newcomer", "new@x.example", PASSWORD_HASH)
    assert noted(tx) == []


def test_a_room_is_named_only_to_those_who_are_in_it(tx: Tx) -> None:
    rooms.revise(tx, DAVID, WATERCOOLER, name=HUSH, user_ids={DAVID, JZ})
    assert {act.room_name for act in acts.page(tx, DAVID)[0]} == {HUSH}
    assert {act.room_name for act in acts.page(tx, JASON)[0]} == {None}


def test_the_log_is_for_administrators(tx: Tx) -> None:
    with pytest.raises(Forbidden):
        acts.page(tx, KEVIN)


def test_an_act_that_is_refused_is_not_noted(tx: Tx) -> None:
    accounts.appoint(tx, DAVID, JASON, "member")
    with pytest.raises(Invalid):
        accounts.deactivate(tx, DAVID, DAVID)
    assert [kind for _, _, kind, *_ in noted(tx)] == ["person.appointed"]


def test_pages_follow_each_other_without_a_hole(tx: Tx) -> None:
    for _ in range(5):
        accounts.renew_join_code(tx, DAVID)
    pages, before, more = [], None, True
    while more:
        found, more = acts.page(tx, DAVID, before=before, limit=2)
        before = found[-1].id
        pages.append([act.id for act in found])
    assert pages == [[5, 4], [3, 2], [1]]
    assert acts.page(tx, DAVID, before=0) == ([], False)
