"""Sign-ins: what a token opens, when it stops, who is told."""

from dataclasses import replace

import pytest

from campfire.chat import sessions
from campfire.chat.sessions import DAY, token_hash
from campfire.database import Tx
from campfire.refusals import NotFound, SignedOut
from tests.conftest import DAVID, KEVIN


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
