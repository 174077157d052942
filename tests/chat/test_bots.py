"""Bots: their keys above all, and who may make and end them."""

import pytest

from campfire.chat import (
    accounts,
    bots,
    memberships,
    messages,
    richtext,
    rooms,
    sessions,
    users,
)
from campfire.chat.bots import Secrets
from campfire.database import Tx
from campfire.refusals import Forbidden, Invalid, NotFound
from tests.conftest import ALL_PETS, DAVID, JZ, KEVIN, WATERCOOLER

URL = "https://bot.example/hook"


def bender(tx: Tx) -> tuple[int, Secrets]:
    bot, secrets = bots.add(tx, DAVID, "Bender", URL)
    tx.events.clear()
    return bot.user.id, secrets


def test_a_bot_is_in_every_open_room_and_everybody_hears_of_it(tx: Tx) -> None:
    bot, secrets = bots.add(tx, DAVID, " Bender ", URL)
    assert (bot.user.name, bot.user.role, bot.webhook_url) == ("Bender", "bot", URL)
    assert bots.KEY.fullmatch(secrets.key)
    assert secrets.key.startswith(f"{bot.user.id}-")
    assert memberships.rooms_of(tx, bot.user.id) == {ALL_PETS}
    assert tx.events == [users.Joined(bot.user, [ALL_PETS])]
    assert bots.all_of(tx, DAVID) == [bot]
    assert bot.user not in users.on_account(tx, users.find(tx, DAVID))[0]
    assert bot.user in users.all_active(tx)


def test_only_the_hash_of_a_key_is_kept(tx: Tx) -> None:
    bot_id, secrets = bender(tx)
    secret = secrets.key.partition("-")[2]
    row = tx.row("SELECT * FROM bots WHERE user_id = ?", (bot_id,))
    assert secret not in str(row) and secret.encode() not in row[1]


def test_the_key_says_who_it_is(tx: Tx) -> None:
    bot_id, secrets = bender(tx)
    session = bots.sign_in(tx, secrets.key)
    assert session is not None
    assert session.user.id == bot_id
    assert not session.is_over(tx.now + 10 * 365 * 86_400_000)
    assert session.id in sessions.living(tx)


def test_nothing_but_the_key_is_one(tx: Tx) -> None:
    bot_id, secrets = bender(tx)
    other, others = bots.add(tx, DAVID, "Calculon")
    secret = secrets.key.partition("-")[2]
    wrong = [
        *("", "-", "1", "1-", f"{bot_id}-", f"{bot_id}", f"{bot_id}-{secret[:-1]}"),
        *(f"{bot_id}-{secret}x", f" {secrets.key}", f"{secrets.key}\n", f"-{secret}"),
        *(f"{bot_id}--{secret[1:]}", f"{bot_id}-\0{secret[1:]}", f"0{secrets.key}"),
        *(f"{DAVID}-{secret}", f"{other.user.id}-{secret}", f"999-{secret}"),
        *(f"{bot_id}-{secret.swapcase()}", f"{bot_id}-{others.key[-12:]}"),
        f"{bot_id}-{'0' * 12}",
    ]
    for key in wrong:
        assert bots.sign_in(tx, key) is None, key
        assert bots.sign_in(tx, key, ALL_PETS) is None, key
    assert bots.sign_in(tx, secrets.key) is not None


def test_a_bot_without_a_key_has_no_way_in(tx: Tx) -> None:
    """An empty half must not be taken for what is not there."""
    user = users.add(tx, "Old", None, None, "bot")
    for secret in ("", "None", "0" * 12):
        assert bots.sign_in(tx, f"{user.id}-{secret}") is None


def test_a_new_key_ends_the_old_one_and_its_sockets(tx: Tx) -> None:
    bot_id, old = bender(tx)
    _, new = bots.renew_key(tx, DAVID, bot_id)
    assert bots.sign_in(tx, old.key) is None
    assert bots.sign_in(tx, new.key) is not None
    assert new.signing != old.signing
    assert tx.events == [sessions.Ended(bot_id, (-bot_id,))]


def test_a_key_for_one_room_opens_no_other(tx: Tx) -> None:
    bot_id, secrets = bender(tx)
    key = bots.room_key(bot_id, secrets.signing, ALL_PETS)
    assert bots.KEY.fullmatch(key) and key != secrets.key
    assert bots.sign_in(tx, key, ALL_PETS) is not None
    assert bots.sign_in(tx, key, WATERCOOLER) is None
    assert bots.sign_in(tx, key) is None
    bots.renew_key(tx, DAVID, bot_id)
    assert bots.sign_in(tx, key, ALL_PETS) is None


def test_a_retired_bot_is_gone_and_its_words_stay(tx: Tx) -> None:
    bot_id, secrets = bender(tx)
    direct, _ = rooms.direct(tx, KEVIN, [bot_id])
    draft = richtext.draft("Bite my shiny metal")
    message, _ = messages.post(tx, bot_id, ALL_PETS, draft, "x")
    bots.retire(tx, DAVID, bot_id)
    assert bots.sign_in(tx, secrets.key) is None
    assert -bot_id not in sessions.living(tx)
    assert memberships.rooms_of(tx, bot_id) == {direct.id}
    assert messages.find(tx, KEVIN, ALL_PETS, message.id).creator.status == (
        "deactivated"
    )
    assert sessions.Ended(bot_id, (-bot_id,)) in tx.events
    assert bots.all_of(tx, DAVID) == []
    with pytest.raises(NotFound):
        bots.renew_key(tx, DAVID, bot_id)


def test_bots_are_made_and_changed_by_administrators_alone(tx: Tx) -> None:
    bot_id, _ = bender(tx)
    for attempt in (
        lambda: bots.add(tx, JZ, "Mine"),
        lambda: bots.all_of(tx, JZ),
        lambda: bots.find(tx, JZ, bot_id),
        lambda: bots.revise(tx, JZ, bot_id, name="Mine"),
        lambda: bots.picture(tx, JZ, bot_id, None),
        lambda: bots.renew_key(tx, JZ, bot_id),
        lambda: bots.retire(tx, JZ, bot_id),
        lambda: bots.all_of(tx, bot_id),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert tx.events == []


def test_a_person_is_no_bot(tx: Tx) -> None:
    for change in (bots.find, bots.renew_key, bots.retire):
        with pytest.raises(NotFound):
            change(tx, DAVID, KEVIN)


def test_a_bot_is_renamed_and_its_webhook_taken_away(tx: Tx) -> None:
    bot_id, _ = bender(tx)
    bot = bots.revise(tx, DAVID, bot_id, name="Calculon")
    assert (bot.user.name, bot.webhook_url) == ("Calculon", URL)
    assert tx.events == [users.Changed(bot.user)]
    assert bots.revise(tx, DAVID, bot_id, webhook_url=" ").webhook_url is None


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://bot.example/", "bot.example/hook", "javascript:alert(1)", "https://"),
        *("https://a:b@bot.example/", "http://bot.example:99999/", "http://[::1/"),
        *(
            "https://bot.example/a b",
            "https://bot.example/\n",
            "https://b\u00fct.example/",
        ),
        "https://bot.example/" + "a" * 2_048,
    ],
)
def test_what_is_no_address_is_no_webhook(tx: Tx, url: str) -> None:
    if url.endswith("\n"):
        url += "x"
    with pytest.raises(Invalid) as refused:
        bots.add(tx, DAVID, "Bender", url)
    assert "webhook_url" in refused.value.errors


def test_rooms_of_bots_are_those_one_shares(tx: Tx) -> None:
    bot, _ = bots.add(tx, DAVID, "Bender")
    rooms.create(tx, KEVIN, "closed", "Secrets", [bot.user.id])
    rooms.direct(tx, DAVID, [bot.user.id])
    shared = bots.rooms_of(tx, DAVID, [bot])[bot.user.id]
    assert [room.id for room in shared] == [ALL_PETS]


DAY = bots.FAILING_FOR


def fail(tx: Tx, bot_id: int, times: int) -> bool:
    """Whether it is switched off after so many more tries that failed."""
    for _ in range(times):
        bots.fared(tx, bot_id, well=False)
    return bots.find(tx, DAVID, bot_id).switched_off_at is not None


def test_a_webhook_that_fails_for_a_day_is_switched_off(tx: Tx) -> None:
    bot_id, _ = bender(tx)
    began = tx.now
    assert not fail(tx, bot_id, 11)
    tx.now += DAY - 1
    assert not fail(tx, bot_id, 1)
    assert accounts.require(tx).webhooks_off == 0 and tx.events == []
    tx.now += 1
    assert fail(tx, bot_id, 1)
    assert tx.events == [bots.Switched(bot_id, False)]
    bot = bots.find(tx, DAVID, bot_id)
    assert (bot.failing_since, bot.failures) == (began, 13)
    assert accounts.require(tx).webhooks_off == 1
    # What was still under way changes nothing about it.
    bots.fared(tx, bot_id, well=True)
    assert fail(tx, bot_id, 1)
    assert bots.find(tx, DAVID, bot_id) == bot


def test_a_few_failures_are_not_enough_however_old(tx: Tx) -> None:
    bot_id, _ = bender(tx)
    for _ in range(bots.FEWEST_FAILURES - 1):
        assert not fail(tx, bot_id, 1)
        tx.now += DAY
    assert fail(tx, bot_id, 1)


def test_what_goes_well_is_a_new_beginning(tx: Tx) -> None:
    bot_id, _ = bender(tx)
    assert not fail(tx, bot_id, 100)
    bots.fared(tx, bot_id, well=True)
    tx.now += 2 * DAY
    assert not fail(tx, bot_id, 100)


def test_administrators_switch_it_on_again_by_hand_or_with_another_address(
    tx: Tx,
) -> None:
    bot_id, _ = bender(tx)

    def switch_off() -> None:
        fail(tx, bot_id, bots.FEWEST_FAILURES)
        tx.now += DAY
        assert fail(tx, bot_id, 1)
        tx.events.clear()

    switch_off()
    with pytest.raises(Forbidden):
        bots.switch_on(tx, JZ, bot_id)
    bot = bots.switch_on(tx, DAVID, bot_id)
    assert (bot.switched_off_at, bot.failures, bot.failing_since) == (None, 0, None)
    assert tx.events == [bots.Switched(bot_id, True)]
    switch_off()
    assert bots.revise(tx, DAVID, bot_id, name="Flexo").switched_off_at
    assert bots.revise(tx, DAVID, bot_id, webhook_url=URL).switched_off_at
    changed = bots.revise(tx, DAVID, bot_id, webhook_url=f"{URL}/2")
    assert changed.switched_off_at is None
    assert bots.Switched(bot_id, True) in tx.events
    switch_off()
    bots.retire(tx, DAVID, bot_id)
    assert accounts.require(tx).webhooks_off == 0
