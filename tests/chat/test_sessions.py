"""Sign-ins: what a token opens, when it stops, who is told."""

from dataclasses import replace

import pytest

from campfire.chat import bans, profiles, sessions, users
from campfire.chat.sessions import DAY, token_hash
from campfire.database import Tx
from campfire.refusals import NotFound, SignedOut, Unreadable
from tests.conftest import DAVID, KEVIN, address


def start(tx: Tx, user_id: int = KEVIN) -> str:
    return sessions.start(tx, user_id, "127.0.0.1", "Firefox")


def session_of(tx: Tx, token: str) -> sessions.Session:
    session = sessions.find(tx, token_hash(token))
    assert session
    return session


def test_a_token_says_who_is_asking(tx: Tx) -> None:
    token = start(tx)
    session = session_of(tx, token)
    assert session.user.name == "Kevin"
    assert session.created_at == session.last_active_at == tx.now
    assert tx.events == [sessions.Started(KEVIN)]


def test_a_token_is_kept_nowhere(tx: Tx) -> None:
    token = start(tx)
    for value in tx.row("SELECT * FROM sessions"):
        assert value != token
        assert not (isinstance(value, bytes) and token.encode() in value)
    assert len(token) >= 43


def test_two_sign_ins_have_two_tokens(tx: Tx) -> None:
    assert session_of(tx, start(tx)).id != session_of(tx, start(tx)).id


@pytest.mark.parametrize("token", ["", "nonsense", "\0", "\ud800", "a" * 100_000])
def test_nonsense_opens_nothing(tx: Tx, token: str) -> None:
    start(tx)
    assert sessions.find(tx, token_hash(token)) is None


def test_the_hash_of_a_token_is_no_token(tx: Tx) -> None:
    token = start(tx)
    assert sessions.find(tx, token_hash(token_hash(token).hex())) is None


def test_an_ended_sign_in_opens_nothing_and_its_sockets_are_told(tx: Tx) -> None:
    token, other = start(tx), start(tx)
    session = session_of(tx, token)
    tx.events.clear()
    sessions.end(tx, KEVIN, session.id)
    assert sessions.find(tx, token_hash(token)) is None
    assert sessions.find(tx, token_hash(other))
    assert tx.events == [sessions.Ended(KEVIN, (session.id,))]


def test_nobody_ends_the_sign_in_of_another(tx: Tx) -> None:
    token = start(tx)
    for session_id in (session_of(tx, token).id, 99):
        with pytest.raises(NotFound, match="There is no such sign-in."):
            sessions.end(tx, DAVID, session_id)
    assert sessions.find(tx, token_hash(token))


@pytest.mark.parametrize("status", ["deactivated", "banned"])
def test_who_is_gone_is_signed_out_and_cannot_sign_in(tx: Tx, status: str) -> None:
    token = start(tx)
    tx.row("UPDATE users SET status = ? WHERE id = ?", (status, KEVIN))
    assert sessions.find(tx, token_hash(token)) is None
    with pytest.raises(SignedOut):
        start(tx)


def test_nobody_cannot_sign_in(tx: Tx) -> None:
    with pytest.raises(SignedOut):
        start(tx, 99)


def test_the_least_recently_used_sign_in_beyond_fifty_ends(tx: Tx) -> None:
    start(tx, DAVID)
    tokens = []
    for _ in range(sessions.MOST):
        tokens.append(start(tx))
        tx.now += 1
    ids = [session_of(tx, token).id for token in tokens]
    tx.now += sessions.TOUCHED_EVERY
    sessions.touch(tx, ids[0], "127.0.0.1", "Firefox")
    tx.events.clear()

    tokens.append(start(tx))

    assert tx.events == [sessions.Ended(KEVIN, (ids[1],)), sessions.Started(KEVIN)]
    known = [bool(sessions.find(tx, token_hash(token))) for token in tokens]
    assert known == [True, False] + [True] * (sessions.MOST - 1)


def test_a_sign_in_is_touched_at_most_hourly(tx: Tx) -> None:
    token = start(tx)
    session = session_of(tx, token)
    began = tx.now

    tx.now = began + sessions.TOUCHED_EVERY - 1
    sessions.touch(tx, session.id, "10.0.0.1", "Chromium")
    assert session_of(tx, token).last_active_at == began

    tx.now = began + sessions.TOUCHED_EVERY
    sessions.touch(tx, session.id, "10.0.0.1", "Chromium")
    assert session_of(tx, token).last_active_at == tx.now
    row = tx.row("SELECT ip_address, user_agent FROM sessions")
    assert row == ("10.0.0.1", "Chromium")


def test_a_sign_in_is_over_when_unused_for_a_month_or_half_a_year_old(tx: Tx) -> None:
    session = session_of(tx, start(tx))
    assert not session.is_over(session.created_at + 31 * DAY)
    assert session.is_over(session.created_at + 31 * DAY + 1)
    used = replace(session, last_active_at=session.created_at + 180 * DAY)
    assert not used.is_over(session.created_at + 181 * DAY)
    assert used.is_over(session.created_at + 181 * DAY + 1)


def test_a_browser_that_calls_itself_a_novel_is_cut_short(tx: Tx) -> None:
    sessions.start(tx, KEVIN, "127.0.0.1", "Mozilla " * 10_000)
    assert tx.value("SELECT length(user_agent) FROM sessions") == 500


def test_a_password_that_changed_meanwhile_proves_nothing(tx: Tx) -> None:
    known = users.credentials(tx, address("Kevin"))
    assert known
    sessions.start(tx, KEVIN, "127.0.0.1", "", proven=known.password_hash)
    profiles.reset_password(tx, KEVIN, "another hash")
    with pytest.raises(SignedOut):
        sessions.start(tx, KEVIN, "127.0.0.1", "", proven=known.password_hash)
    assert sessions.all_of(tx, KEVIN) == []


def test_ones_sign_ins_are_listed_with_device_and_place_the_last_used_first(
    tx: Tx,
) -> None:
    began = tx.now
    for place, browser in (("10.0.0.1", "Firefox"), ("10.0.0.2", "Chromium")):
        sessions.start(tx, KEVIN, place, browser)
        tx.now += 1
    start(tx, DAVID)
    listed = sessions.all_of(tx, KEVIN)
    assert [(s.ip_address, s.user_agent, s.created_at) for s in listed] == [
        ("10.0.0.2", "Chromium", began + 1),
        ("10.0.0.1", "Firefox", began),
    ]
    assert sessions.living(tx) == {1, 2, 3}
    bans.add(tx, DAVID, KEVIN)
    assert sessions.living(tx) == {3}


def test_all_sign_ins_but_this_one_end_together(tx: Tx) -> None:
    kept, *others = [start(tx) for _ in range(3)]
    davids = start(tx, DAVID)
    ids = [session_of(tx, token).id for token in others]
    tx.events.clear()
    sessions.end_others(tx, KEVIN, session_of(tx, kept).id)
    (ended,) = tx.events
    assert isinstance(ended, sessions.Ended)
    assert (ended.user_id, sorted(ended.sessions)) == (KEVIN, ids)
    for token, lives in ((kept, True), (davids, True), *((t, False) for t in others)):
        assert bool(sessions.find(tx, token_hash(token))) == lives
    tx.events.clear()
    sessions.end_others(tx, KEVIN, session_of(tx, kept).id)
    assert tx.events == []


# Ways back in


def test_a_link_signs_in_once(tx: Tx) -> None:
    token, expires_at = sessions.transfer(tx, KEVIN)
    assert expires_at == tx.now + 4 * 3_600_000
    for value in tx.row("SELECT * FROM transfers"):
        assert value != token
    assert sessions.take_transfer(tx, token).id == KEVIN
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, token)


def test_a_link_works_for_four_hours(tx: Tx) -> None:
    first, expires_at = sessions.transfer(tx, KEVIN)
    second, _ = sessions.transfer(tx, KEVIN)
    tx.now = expires_at - 1
    assert sessions.take_transfer(tx, first).id == KEVIN
    tx.now = expires_at
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, second)


def test_links_that_are_over_do_not_pile_up(tx: Tx) -> None:
    for _ in range(3):
        _, expires_at = sessions.transfer(tx, KEVIN)
    tx.now = expires_at
    sessions.transfer(tx, DAVID)
    assert tx.value("SELECT count(*) FROM transfers") == 1


@pytest.mark.parametrize("token", ["", "nonsense", "\0", "\ud800", "a" * 100_000])
def test_nonsense_is_no_link(tx: Tx, token: str) -> None:
    sessions.transfer(tx, KEVIN)
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, token)


def test_a_link_is_for_people_who_are_here(tx: Tx) -> None:
    bender = users.add(tx, "Bender", "bender@37signals.example", "!", "bot")
    bans.add(tx, DAVID, KEVIN)
    for user_id in (bender.id, KEVIN, 99):
        with pytest.raises(NotFound):
            sessions.transfer(tx, user_id)


@pytest.mark.parametrize("status", ["deactivated", "banned"])
def test_a_link_does_not_outlive_its_person(tx: Tx, status: str) -> None:
    token, _ = sessions.transfer(tx, KEVIN)
    tx.row("UPDATE users SET status = ? WHERE id = ?", (status, KEVIN))
    with pytest.raises(Unreadable):
        sessions.take_transfer(tx, token)
