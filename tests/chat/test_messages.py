"""Messages: once each, in order, to those who are in the room, and never lost.

The properties play many changes of many people against what one would keep on paper.
"""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import accounts, memberships, messages, richtext, rooms, users
from campfire.chat.messages import Edited, Message, Posted, Removal, Removed
from campfire.database import Reads, Tx
from campfire.refusals import Forbidden, Gone, Invalid, NotFound
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


def say(
    tx: Tx,
    user_id: int,
    text: str = "hello",
    client_id: str | None = None,
    room_id: int = WATERCOOLER,
) -> Message:
    """Posts as the web does, with those who can be mentioned."""
    people = memberships.mentionable(tx, user_id, room_id)
    draft = richtext.draft(text, people)
    client_id = messages.client_message_id(client_id)
    message, _ = messages.post(tx, user_id, room_id, draft, client_id)
    return message


def change(tx: Tx, user_id: int, message: Message, text: str) -> Message:
    people = memberships.mentionable(tx, user_id, message.room_id)
    people += messages.mentioned(tx, user_id, message.room_id, message.id)
    draft = richtext.draft(text, people)
    return messages.edit(tx, user_id, message.room_id, message.id, draft)


def remove(tx: Tx, user_id: int, message: Message) -> None:
    messages.remove(tx, user_id, message.room_id, message.id)


def found(tx: Tx, words: str) -> list[int]:
    """Ids of the messages with the words, straight from the index."""
    rows = tx.rows(
        "SELECT rowid FROM messages_words WHERE messages_words MATCH ? ORDER BY rowid",
        (words,),
    )
    return [message_id for (message_id,) in rows]


def ids(page: Sequence[Message]) -> list[int]:
    return [message.id for message in page]


# Posting


def test_a_message_reaches_everybody_in_the_room(tx: Tx) -> None:
    message = say(tx, JASON, "hello **there**", "one")
    assert tx.events == [Posted(INSIDERS, message)]
    assert message == messages.find(tx, DAVID, WATERCOOLER, message.id)
    assert (message.client_message_id, message.seq, message.posted_seq) == ("one", 1, 1)
    assert message.source == "hello **there**"
    assert message.html == "<p>hello <strong>there</strong></p>\n"
    assert message.plain == "hello there"
    assert (message.created_at, message.edited_at) == (tx.now, None)
    assert message.creator == users.find(tx, JASON)


def test_posting_again_answers_with_the_same_and_tells_nobody(tx: Tx) -> None:
    draft = richtext.draft("hello")
    first, is_new = messages.post(tx, JASON, WATERCOOLER, draft, "one")
    assert is_new
    tx.events.clear()
    other = richtext.draft("something else")
    again, is_new = messages.post(tx, JASON, WATERCOOLER, other, "one")
    assert (again, is_new) == (first, False)
    assert tx.events == []
    assert rooms.find(tx, JASON, WATERCOOLER).seq == 1


def test_posting_again_answers_with_what_it_is_by_now(tx: Tx) -> None:
    edited = change(tx, JASON, say(tx, JASON, "hello", "one"), "changed")
    tx.events.clear()
    assert say(tx, JASON, "hello", "one") == edited
    assert tx.events == []


def test_an_id_is_of_one_person_in_one_room(tx: Tx) -> None:
    said = {
        say(tx, JASON, "mine", "one").id,
        say(tx, DAVID, "mine", "one").id,
        say(tx, JASON, "mine", "one", ALL_PETS).id,
    }
    assert len(said) == 3
    assert len(tx.events) == 3


def test_a_removed_message_does_not_come_back(tx: Tx) -> None:
    remove(tx, JASON, say(tx, JASON, "hello", "one"))
    tx.events.clear()
    with pytest.raises(Gone, match="This message was removed."):
        say(tx, JASON, "hello", "one")
    assert tx.events == []
    assert rooms.find(tx, JASON, WATERCOOLER).seq == 2
    say(tx, DAVID, "hello", "one")


def test_an_outsider_cannot_tell_a_room_from_one_that_is_not_there(tx: Tx) -> None:
    message = say(tx, JASON)
    draft = richtext.draft("hello")
    tx.events.clear()

    def attempts(db: Tx, user_id: int, room_id: int) -> list[tuple[str, str]]:
        refused = []
        for attempt in (
            lambda: messages.post(db, user_id, room_id, draft, "one"),
            lambda: messages.edit(db, user_id, room_id, message.id, draft),
            lambda: messages.remove(db, user_id, room_id, message.id),
            lambda: messages.find(db, user_id, room_id, message.id),
            lambda: messages.changeable(db, user_id, room_id, message.id),
            lambda: messages.mentioned(db, user_id, room_id, message.id),
            lambda: messages.page(db, user_id, room_id),
            lambda: messages.page(db, user_id, room_id, around=message.id),
            lambda: messages.newest_seq(db, user_id, room_id),
            lambda: messages.changes(db, user_id, room_id, 0),
        ):
            with pytest.raises(NotFound) as refusal:
                attempt()
            refused.append((type(refusal.value).__name__, refusal.value.detail))
        return refused

    assert attempts(tx, KEVIN, WATERCOOLER) == attempts(tx, KEVIN, 99)
    assert attempts(tx, KEVIN, WATERCOOLER) == attempts(tx, 99, WATERCOOLER)
    assert tx.events == []


def test_a_message_is_found_in_its_own_room_only(tx: Tx) -> None:
    message = say(tx, JASON)
    for look in (messages.find, messages.changeable, messages.remove):
        with pytest.raises(NotFound, match="There is no such message."):
            look(tx, JASON, ALL_PETS, message.id)
    with pytest.raises(NotFound, match="There is no such message."):
        messages.find(tx, JASON, WATERCOOLER, 99)


@pytest.mark.parametrize("known", ["a", "A-z0.9_:", "x" * 64, "1"])
def test_a_client_may_choose_an_id(known: str) -> None:
    assert messages.client_message_id(known) == known


@pytest.mark.parametrize("odd", ["", "x" * 65, "a b", "a\n", "é", "a/b", "\0", "<b>"])
def test_an_id_that_cannot_stand_in_a_page_is_refused(odd: str) -> None:
    with pytest.raises(Invalid) as refused:
        messages.client_message_id(odd)
    assert refused.value.errors.keys() == {"client_message_id"}


def test_who_chooses_no_id_gets_one_that_can_be_used() -> None:
    made = messages.client_message_id(None)
    assert messages.client_message_id(made) == made
    assert made != messages.client_message_id(None)


# Editing and removing


def test_an_edited_message_reaches_everybody_and_keeps_its_place(tx: Tx) -> None:
    message, later = say(tx, JASON), say(tx, DAVID)
    tx.events.clear()
    tx.now += 60_000
    edited = change(tx, JASON, message, "changed")
    assert tx.events == [Edited(INSIDERS, edited)]
    assert (edited.id, edited.created_at) == (message.id, message.created_at)
    assert (edited.posted_seq, edited.seq, edited.edited_at) == (1, 3, tx.now)
    assert (edited.source, edited.plain) == ("changed", "changed")
    page = messages.page(tx, JZ, WATERCOOLER)
    assert page.messages == [edited, later]


def test_a_removed_message_reaches_everybody_and_leaves_no_words(tx: Tx) -> None:
    message = say(tx, JASON, "a secret", "one")
    tx.events.clear()
    remove(tx, JASON, message)
    removal = Removal(WATERCOOLER, 2, message.id, "one")
    assert tx.events == [Removed(INSIDERS, removal, JASON)]
    assert messages.page(tx, JASON, WATERCOOLER).messages == []
    assert "secret" not in repr(tx.rows("SELECT * FROM removals"))
    with pytest.raises(NotFound):
        remove(tx, JASON, message)


def test_only_the_author_and_administrators_change_a_message(tx: Tx) -> None:
    message = say(tx, JASON)
    tx.events.clear()
    for attempt in (
        lambda: change(tx, JZ, message, "mine now"),
        lambda: remove(tx, JZ, message),
        lambda: messages.changeable(tx, JZ, WATERCOOLER, message.id),
    ):
        with pytest.raises(Forbidden):
            attempt()
    assert tx.events == []
    edited = change(tx, DAVID, message, "by an administrator")
    assert edited.creator.id == JASON
    remove(tx, DAVID, message)
    assert [type(event) for event in tx.events] == [Edited, Removed]
    assert tx.events[1].creator_id == JASON  # type: ignore[attr-defined]


def test_an_administrator_outside_the_room_is_an_outsider(tx: Tx) -> None:
    room = rooms.create(tx, JZ, "closed", "Designers", [KEVIN])
    message = say(tx, JZ, room_id=room.id)
    with pytest.raises(NotFound):
        remove(tx, DAVID, message)


def test_a_removed_id_is_never_used_again(tx: Tx) -> None:
    message = say(tx, JASON)
    remove(tx, JASON, message)
    assert say(tx, JASON).id > message.id


def test_every_change_takes_the_next_number_of_its_room(tx: Tx) -> None:
    first = say(tx, JASON)
    second = say(tx, DAVID)
    say(tx, KEVIN, room_id=ALL_PETS)
    change(tx, JASON, first, "changed")
    remove(tx, DAVID, second)
    say(tx, JZ)
    with pytest.raises(Forbidden):
        change(tx, JZ, first, "mine now")
    say(tx, JZ)
    numbers = []
    for event in tx.events:
        if isinstance(event, Posted | Edited) and event.message.room_id == WATERCOOLER:
            numbers.append(event.message.seq)
        elif isinstance(event, Removed):
            numbers.append(event.removal.seq)
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert rooms.find(tx, KEVIN, ALL_PETS).seq == 1


# The search index


def test_the_index_follows_every_change(tx: Tx) -> None:
    first, second = say(tx, JASON, "camp fire"), say(tx, DAVID, "burning **fires**")
    assert found(tx, "fire") == [first.id, second.id]
    change(tx, JASON, first, "water")
    assert found(tx, "fire") == [second.id]
    assert found(tx, "water") == [first.id]
    change(tx, JASON, first, "**water**")
    assert found(tx, "water") == [first.id]
    remove(tx, DAVID, second)
    assert found(tx, "fire") == []
    tx.row("INSERT INTO messages_words (messages_words) VALUES ('integrity-check')")


def test_the_check_of_the_index_would_notice_a_forgotten_message(tx: Tx) -> None:
    message = say(tx, JASON, "camp fire")
    tx.row(
        """INSERT INTO messages_words (messages_words, rowid, plain, filenames, pairs,
             room, author)
           SELECT 'delete', id, plain, filenames, pairs, room, author
           FROM messages_indexed WHERE id = ?""",
        (message.id,),
    )
    with pytest.raises(Exception, match="malformed"):
        tx.row("""INSERT INTO messages_words (messages_words, rank)
               VALUES ('integrity-check', 1)""")


def test_words_are_found_without_accents_case_and_endings(tx: Tx) -> None:
    message = say(tx, JASON, "Les CAFÉS étaient fermés; running late")
    for words in ("cafe", "CAFÉ", "etaient", "run", '"running late"'):
        assert found(tx, words) == [message.id]
    assert found(tx, "tea") == []


# Pages


def test_the_newest_page_comes_oldest_first(tx: Tx) -> None:
    said = [say(tx, JASON, str(number)).id for number in range(50)]
    page = messages.page(tx, DAVID, WATERCOOLER)
    assert (ids(page.messages), page.older, page.newer) == (said[10:], True, False)
    page = messages.page(tx, DAVID, WATERCOOLER, limit=50)
    assert (ids(page.messages), page.older, page.newer) == (said, False, False)


def test_an_empty_room_has_an_empty_page(tx: Tx) -> None:
    page = messages.page(tx, DAVID, WATERCOOLER)
    assert page == messages.Page([], older=False, newer=False)


def test_pages_next_to_a_message_do_not_hold_it(tx: Tx) -> None:
    said = [say(tx, JASON, str(number)).id for number in range(10)]
    page = messages.page(tx, DAVID, WATERCOOLER, before=said[5], limit=3)
    assert (ids(page.messages), page.older, page.newer) == (said[2:5], True, True)
    page = messages.page(tx, DAVID, WATERCOOLER, before=said[3], limit=3)
    assert (ids(page.messages), page.older, page.newer) == (said[:3], False, True)
    page = messages.page(tx, DAVID, WATERCOOLER, after=said[5], limit=3)
    assert (ids(page.messages), page.older, page.newer) == (said[6:9], True, True)
    page = messages.page(tx, DAVID, WATERCOOLER, after=said[6], limit=3)
    assert (ids(page.messages), page.older, page.newer) == (said[7:], True, False)
    page = messages.page(tx, DAVID, WATERCOOLER, before=said[0])
    assert ids(page.messages) == []
    page = messages.page(tx, DAVID, WATERCOOLER, after=said[9])
    assert ids(page.messages) == []


def test_a_page_around_a_message_holds_it(tx: Tx) -> None:
    said = [say(tx, JASON, str(number)).id for number in range(10)]
    page = messages.page(tx, DAVID, WATERCOOLER, around=said[5], limit=4)
    assert (ids(page.messages), page.older, page.newer) == (said[3:7], True, True)
    page = messages.page(tx, DAVID, WATERCOOLER, around=said[0], limit=4)
    assert (ids(page.messages), page.older, page.newer) == (said[:4], False, True)
    page = messages.page(tx, DAVID, WATERCOOLER, around=said[9], limit=4)
    assert (ids(page.messages), page.older, page.newer) == (said[7:], True, False)
    page = messages.page(tx, DAVID, WATERCOOLER, around=said[5], limit=1)
    assert (ids(page.messages), page.older, page.newer) == ([said[5]], True, True)


def test_an_anchor_is_a_message_in_the_room(tx: Tx) -> None:
    message, elsewhere = say(tx, JASON), say(tx, JASON, room_id=ALL_PETS)
    removed = say(tx, JASON)
    remove(tx, JASON, removed)
    for anchor in (elsewhere.id, removed.id, 99, 0, -1):
        for where in ("before", "after", "around"):
            with pytest.raises(NotFound):
                messages.page(tx, DAVID, WATERCOOLER, **{where: anchor})
    with pytest.raises(Invalid):
        messages.page(tx, DAVID, WATERCOOLER, before=message.id, after=message.id)


def test_messages_of_one_instant_keep_their_order(tx: Tx) -> None:
    said = [say(tx, JASON, str(number)) for number in range(6)]
    assert len({message.created_at for message in said}) == 1
    middle = said[3].id
    older = messages.page(tx, DAVID, WATERCOOLER, before=middle, limit=2).messages
    newer = messages.page(tx, DAVID, WATERCOOLER, after=middle, limit=2).messages
    assert ids(older) + [middle] + ids(newer) == ids(said[1:6])


def test_a_page_holds_the_room_and_nothing_of_another(tx: Tx) -> None:
    here = [say(tx, JASON).id, say(tx, JASON, room_id=ALL_PETS).id, say(tx, JASON).id]
    page = messages.page(tx, DAVID, WATERCOOLER)
    assert ids(page.messages) == [here[0], here[2]]


# Changes


def test_changes_are_the_latest_state_in_order(tx: Tx) -> None:
    first, second = say(tx, JASON), say(tx, DAVID)
    third = say(tx, JZ)
    edited = change(tx, JASON, first, "changed")
    remove(tx, DAVID, second)
    removal = Removal(WATERCOOLER, 5, second.id, second.client_message_id)
    everything = messages.changes(tx, JZ, WATERCOOLER, 0)
    assert everything == messages.Changes(5, False, [third, edited, removal])
    assert messages.changes(tx, JZ, WATERCOOLER, 3).changed == [edited, removal]
    assert messages.changes(tx, JZ, WATERCOOLER, 4).changed == [removal]
    assert messages.changes(tx, JZ, WATERCOOLER, 5).changed == []


def test_changes_come_in_pieces_that_say_where_to_go_on(tx: Tx) -> None:
    said = [say(tx, JASON, str(number)) for number in range(5)]
    remove(tx, JASON, said[1])
    seen: list[int] = []
    since, more, pieces = 0, True, 0
    while more:
        piece = messages.changes(tx, DAVID, WATERCOOLER, since, limit=2)
        assert len(piece.changed) <= 2 and piece.seq > since
        seen += [change.seq for change in piece.changed]
        since, more, pieces = piece.seq, piece.more, pieces + 1
    assert (seen, since, pieces) == ([1, 3, 4, 5, 6], 6, 3)


@pytest.mark.parametrize("since", [-1, -(2**62), 4, 2**62])
def test_a_number_from_elsewhere_is_answered_with_what_there_is(
    tx: Tx, since: int
) -> None:
    for _ in range(3):
        say(tx, JASON)
    answer = messages.changes(tx, DAVID, WATERCOOLER, since)
    assert (answer.seq, answer.more) == (3, False)
    assert len(answer.changed) == (3 if since < 0 else 0)


# Mentions


def test_a_mention_is_kept_by_id_and_shows_the_name_of_the_day(tx: Tx) -> None:
    message = say(tx, JASON, "ask @david")
    assert message.mentions == (DAVID,)
    assert message.source == "ask @David"
    assert (
        '<a class="mention" href="/users/1" data-user-id="1">@David</a>' in message.html
    )
    tx.row("UPDATE users SET name = 'D & <b>H</b> H' WHERE id = ?", (DAVID,))
    renamed = messages.find(tx, JASON, WATERCOOLER, message.id)
    assert renamed.mentions == (DAVID,)
    assert renamed.source == "ask @D & <b>H</b> H"
    assert ">@D &amp; &lt;b&gt;H&lt;/b&gt; H</a>" in renamed.html


def test_everybody_hears_of_a_mention_in_the_same_words(tx: Tx) -> None:
    message = say(tx, JASON, "ask @David")
    assert tx.events == [Posted(INSIDERS, message)]
    page = messages.page(tx, JZ, WATERCOOLER)
    assert page.messages == [message]
    assert messages.changes(tx, JZ, WATERCOOLER, 0).changed == [message]
    assert say(tx, JASON, "again", message.client_message_id) == message


def test_who_is_not_in_the_room_is_not_mentioned(tx: Tx) -> None:
    message = say(tx, JASON, "ask @Kevin or <@4>")
    assert message.mentions == ()
    assert message.source == "ask @Kevin or <@4>"
    missing = '<span class="mention is-missing">@…</span>'
    assert message.html == f"<p>ask @Kevin or {missing}</p>\n"
    assert say(tx, JASON, "ask @Kevin", room_id=ALL_PETS).mentions == (KEVIN,)


def test_who_left_while_it_was_written_is_not_mentioned(tx: Tx) -> None:
    people = memberships.mentionable(tx, JASON, WATERCOOLER)
    draft = richtext.draft("ask @JZ and @David", people)
    memberships.revoke(tx, WATERCOOLER, [JZ])
    message, _ = messages.post(tx, JASON, WATERCOOLER, draft, "one")
    assert message.mentions == (DAVID,)
    assert "JZ" not in message.html and 'href="/users/3"' not in message.html


def test_who_is_gone_is_named_and_cannot_be_visited(tx: Tx) -> None:
    message = say(tx, JASON, "ask @JZ")
    accounts.deactivate(tx, DAVID, JZ)
    found = messages.find(tx, JASON, WATERCOOLER, message.id)
    assert found.html == '<p>ask <span class="mention is-missing">@JZ</span></p>\n'
    assert found.source == "ask @JZ"
    other = say(tx, JASON, "ask <@3>")
    assert other.mentions == () and "@…" in other.html, "nobody new calls them"


def test_an_edit_keeps_who_is_gone(tx: Tx) -> None:
    message = say(tx, JASON, "ask @JZ")
    accounts.deactivate(tx, DAVID, JZ)
    edited = change(tx, JASON, message, message.source + " or @David")
    assert sorted(edited.mentions) == [DAVID, JZ]
    assert edited.source == "ask @JZ or @David"
    assert '<span class="mention is-missing">@JZ</span>' in edited.html
    assert edited.plain == "ask @JZ or @David"
    assert change(tx, JASON, edited, "ask @David").mentions == (DAVID,)
    assert change(tx, JASON, edited, "ask @JZ").mentions == ()


def test_who_is_gone_and_who_has_the_name_now_are_told_apart(tx: Tx) -> None:
    message = say(tx, JASON, "ask @JZ")
    accounts.deactivate(tx, DAVID, JZ)
    new = users.add(tx, "jz", address("New"), PASSWORD_HASH)
    memberships.grant(tx, WATERCOOLER, [new.id])
    both = change(tx, JASON, message, f"ask <@{JZ}> or <@{new.id}>")
    assert both.source == f"ask <@{JZ}> or <@{new.id}>"
    again = change(tx, JASON, both, both.source + "!")
    assert sorted(again.mentions) == [JZ, new.id]


def test_an_edit_that_changes_nothing_is_none(tx: Tx) -> None:
    message = say(tx, JASON, "ask @JZ")
    tx.events.clear()
    assert change(tx, JASON, message, message.source) == message
    assert not tx.events
    assert messages.newest_seq(tx, JASON, WATERCOOLER) == message.seq
    assert change(tx, JASON, message, "ask @JZ!").seq == message.seq + 1
    assert [event.name for event in tx.events] == ["message.edited"]


def test_a_call_to_everyone_is_kept_and_taken_back(tx: Tx) -> None:
    draft = richtext.draft("@everyone and @jason", [(JASON, "Jason")])
    assert not messages.post(tx, DAVID, WATERCOOLER, draft, "0")[0].calls_everyone
    people = [(JASON, "Jason")]
    draft = richtext.draft("@everyone and @jason", people, may_call_everyone=True)
    message, _ = messages.post(tx, DAVID, WATERCOOLER, draft, "1")
    assert message.calls_everyone and message.mentions == (JASON,)
    assert message.source == "@everyone and @Jason"
    assert messages.find(tx, JZ, WATERCOOLER, message.id) == message
    assert not change(tx, DAVID, message, "@jason").calls_everyone
    again = messages.edit(tx, DAVID, WATERCOOLER, message.id, draft)
    assert again.calls_everyone


def test_who_leaves_the_room_stays_mentioned(tx: Tx) -> None:
    message = say(tx, JASON, "ask @JZ")
    memberships.revoke(tx, WATERCOOLER, [JZ])
    assert messages.find(tx, JASON, WATERCOOLER, message.id) == message


def test_a_name_that_two_share_is_written_by_id(tx: Tx) -> None:
    bob = users.add(tx, "david", address("Bob"), PASSWORD_HASH)
    alone = say(tx, JASON, "<@1> and <@5>")
    assert alone.mentions == (DAVID,)
    assert alone.source == "@David and <@5>"
    memberships.grant(tx, WATERCOOLER, [bob.id])
    both = say(tx, JASON, f"@David, <@{DAVID}> and <@{bob.id}>")
    assert both.mentions == (DAVID, bob.id)
    assert both.source == f"@David, <@{DAVID}> and <@{bob.id}>"
    again = change(tx, JASON, both, both.source)
    assert (again.mentions, again.source) == (both.mentions, both.source)


def test_namesakes_are_those_of_each_message_own_room(tx: Tx) -> None:
    bob = users.add(tx, "david", address("Bob"), PASSWORD_HASH)
    memberships.grant(tx, WATERCOOLER, [bob.id])
    memberships.revoke(tx, ALL_PETS, [bob.id])
    shared = say(tx, JASON, "ask <@1>")
    alone = say(tx, JASON, "ask <@1>", room_id=ALL_PETS)
    for ids in ([shared.id, alone.id], [alone.id, shared.id]):
        sources = {each.id: each.source for each in messages.among(tx, JASON, ids)}
        assert sources == {shared.id: "ask <@1>", alone.id: "ask @David"}


def test_names_that_differ_in_accents_are_written_by_id(tx: Tx) -> None:
    for name in ("José", "Jose"):
        user = users.add(tx, name, address(name.encode("utf-8").hex()), PASSWORD_HASH)
        memberships.grant(tx, WATERCOOLER, [user.id])
    message = say(tx, JASON, "<@5> and <@6>")
    assert message.mentions == (5, 6)
    again = change(tx, JASON, message, message.source)
    assert again.mentions == (5, 6)


def test_editing_changes_who_is_mentioned(tx: Tx) -> None:
    message = say(tx, JASON, "ask @David")
    edited = change(tx, JASON, message, "ask @JZ")
    assert edited.mentions == (JZ,)
    assert change(tx, JASON, edited, "ask nobody").mentions == ()
    assert tx.value("SELECT count(*) FROM mentions") == 0
    assert change(tx, JASON, edited, "ask @JZ and @JZ").mentions == (JZ,)
    remove(tx, JASON, edited)
    assert messages.sweep(tx, 0)
    assert tx.value("SELECT count(*) FROM mentions") == 0


def test_editing_what_one_is_shown_changes_nothing(tx: Tx) -> None:
    message = say(tx, JASON, "# @David\n\n`@JZ` **@jz** [x](https://x.example/?@David)")
    again = change(tx, JASON, message, message.source)
    assert (again.source, again.html) == (message.source, message.html)
    assert again.mentions == message.mentions == (DAVID, JZ)


# Properties

PEOPLE = st.sampled_from([DAVID, JASON, JZ])
WORDS = st.sampled_from(["a", "b **c**", "@David", "<@3> d", "`e`"])
CHANGES = st.lists(
    st.tuples(st.sampled_from(["post", "post", "edit", "remove"]), PEOPLE, WORDS)
    | st.tuples(st.just("elsewhere"), PEOPLE, WORDS),
    max_size=25,
)


class Paper:
    """A room as a client keeps it: what it has seen, by id."""

    def __init__(self) -> None:
        self.messages: dict[int, Message] = {}
        self.seq = 0

    def copy(self) -> "Paper":
        copy = Paper()
        copy.messages, copy.seq = dict(self.messages), self.seq
        return copy

    def catch_up(self, db: Reads, limit: int) -> None:
        more = True
        while more:
            piece = messages.changes(db, KEVIN, ALL_PETS, self.seq, limit)
            numbers = [change.seq for change in piece.changed]
            assert numbers == sorted(set(numbers))
            assert all(self.seq < number <= piece.seq for number in numbers)
            for change in piece.changed:
                if isinstance(change, Removal):
                    self.messages.pop(change.id, None)
                else:
                    self.messages[change.id] = change
            self.seq, more = piece.seq, piece.more


def played(tx: Tx, changes: list[tuple[str, int, str]]) -> list[Paper]:
    """What one would have kept after each change."""
    papers = [Paper()]
    for index, (step, person, text) in enumerate(changes):
        paper = papers[-1].copy()
        known = list(paper.messages.values())
        if step == "elsewhere":
            say(tx, person, text, room_id=WATERCOOLER)
        elif step == "post":
            message = say(tx, person, text, room_id=ALL_PETS)
            paper.messages[message.id] = message
            paper.seq = message.seq
        elif known:
            message = known[(index * 7) % len(known)]
            if step == "edit":
                message = change(tx, message.creator.id, message, text)
                paper.messages[message.id] = message
                paper.seq = max(paper.seq, message.seq)
            else:
                remove(tx, message.creator.id, message)
                del paper.messages[message.id]
                paper.seq += 1
        papers.append(paper)
    return papers


@given(changes=CHANGES, limit=st.integers(1, 7))
@settings(max_examples=40)
def test_catching_up_from_anywhere_gives_the_room_as_it_is(
    stage: Stage, changes: list[tuple[str, int, str]], limit: int
) -> None:
    with stage() as tx:
        papers = played(tx, changes)
        now = papers[-1]
        page = messages.page(tx, KEVIN, ALL_PETS, limit=100)
        assert list(page.messages) == list(now.messages.values())
        for paper in papers:
            paper.catch_up(tx, limit)
            assert paper.messages == now.messages
            assert paper.seq == now.seq == messages.newest_seq(tx, KEVIN, ALL_PETS)


@given(changes=CHANGES)
@settings(max_examples=40)
def test_the_numbers_of_a_room_have_no_holes(
    stage: Stage, changes: list[tuple[str, int, str]]
) -> None:
    with stage() as tx:
        played(tx, changes)
        numbers: dict[int, list[int]] = {ALL_PETS: [], WATERCOOLER: []}
        for event in tx.events:
            if isinstance(event, Removed):
                numbers[event.removal.room_id].append(event.removal.seq)
            elif isinstance(event, Posted | Edited):
                numbers[event.message.room_id].append(event.message.seq)
                everybody = event.message.room_id == ALL_PETS
                assert event.audience == (EVERYBODY if everybody else INSIDERS)
        for sequence in numbers.values():
            assert sequence == list(range(1, len(sequence) + 1))
        tx.row("INSERT INTO messages_words (messages_words) VALUES ('integrity-check')")


@given(
    count=st.integers(0, 30),
    removed=st.sets(st.integers(0, 29)),
    limit=st.integers(1, 12),
    start=st.integers(0, 29),
)
@settings(max_examples=40)
def test_any_walk_through_the_pages_meets_every_message_once(
    stage: Stage, count: int, removed: set[int], limit: int, start: int
) -> None:
    with stage() as tx:
        said = [say(tx, JASON, str(number)) for number in range(count)]
        for number in removed:
            if number < count:
                remove(tx, JASON, said[number])
        left = [said[n].id for n in range(count) if n not in removed]

        page = messages.page(tx, DAVID, WATERCOOLER, limit=limit)
        if left:
            anchor = left[start % len(left)]
            page = messages.page(tx, DAVID, WATERCOOLER, around=anchor, limit=limit)
            assert anchor in ids(page.messages)
        walked = ids(page.messages)
        older, newer = page.older, page.newer
        while older:
            page = messages.page(tx, JZ, WATERCOOLER, before=walked[0], limit=limit)
            assert 1 <= len(page.messages) <= limit
            assert not {*ids(page.messages)} & {*walked}
            walked, older = ids(page.messages) + walked, page.older
        while newer:
            page = messages.page(tx, JZ, WATERCOOLER, after=walked[-1], limit=limit)
            assert 1 <= len(page.messages) <= limit
            assert not {*ids(page.messages)} & {*walked}
            walked, newer = walked + ids(page.messages), page.newer
        assert walked == left


def test_changes_stop_at_a_measure_of_words_and_say_that_there_is_more(tx: Tx) -> None:
    for number in range(10):
        draft = richtext.draft("word " * 100)
        messages.post(tx, DAVID, ALL_PETS, draft, f"client-{number}")
    seqs, since, more = [], 0, True
    while more:
        found = messages.changes(tx, DAVID, ALL_PETS, since, most_bytes=2_500)
        assert 1 <= len(found.changed) <= 3
        seqs += [change.seq for change in found.changed]
        since, more = found.seq, found.more
    assert seqs == list(range(1, 11))
