"""Searches: whatever is asked, what is found is there, and one's own to see.

The property plays many messages against a search that looks at each of them.
"""

from datetime import datetime
from typing import Any, get_args

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from campfire.chat import (
    bans,
    memberships,
    messages,
    richtext,
    rooms,
    scopes,
    searches,
    users,
    words,
)
from campfire.chat.messages import Message
from campfire.chat.scopes import Narrowed
from campfire.database import Tx
from campfire.refusals import Busy, Invalid
from tests.chat.conftest import Stage
from tests.conftest import ALL_PETS, DAVID, JASON, JZ, KEVIN, WATERCOOLER


def say(tx: Tx, text: str, user_id: int = JZ, room_id: int = ALL_PETS) -> Message:
    people = memberships.mentionable(tx, user_id, room_id)
    client_id = messages.client_message_id(None)
    draft = richtext.draft(text, people)
    return messages.post(tx, user_id, room_id, draft, client_id)[0]


def found(tx: Tx, text: str, user_id: int = JZ, **narrowed: int) -> list[int]:
    results = searches.find(tx, user_id, text, Narrowed(**narrowed), limit=100)
    if not narrowed.keys() & {"before", "after"}:
        assert results.total == len(results.hits)
    return [hit.message.id for hit in results.hits]


def test_the_newest_comes_first(tx: Tx) -> None:
    first, second = say(tx, "the hut"), say(tx, "a hut")
    say(tx, "a lake")
    assert found(tx, "hut") == [second.id, first.id]


def test_every_word_must_be_there(tx: Tx) -> None:
    both = say(tx, "opening hours of the hut")
    say(tx, "the hut")
    assert found(tx, "hut opening") == [both.id]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("three eels", "eel"),
        ("one eel", "EELS"),
        ("Ángel came", "angel"),
        ("cafe", "café"),
        ("Straße", "straße"),
        ("e\u0301clair", "éclair"),
        ("the carpet", "arpe"),
        ("snake_case_name", "case_na"),
        ("use C++ here", "C++"),
        ("см. архив", "АРХИВ"),
        ("東京都に住む", "東京"),
        ("東京都に住む", "京都"),
        ("東京都に住む", "住む"),
        ("東京都に住む", "東"),
        ("안녕하세요", "하세"),
        ("ภาษาไทย", "ไทย"),
        ("iPhone手机很好", "手机"),
        ("iPhone手机很好", "iphone手机"),
        ("see `foo.bar(1)` now", "foo.bar(1)"),
        ("10,000 steps", "10,000"),
    ],
)
def test_words_are_found_however_they_are_written(
    tx: Tx, said: str, asked: str
) -> None:
    say(tx, "something else entirely")
    message = say(tx, said)
    assert found(tx, asked) == [message.id]


def test_a_phrase_stands_as_it_is(tx: Tx) -> None:
    right = say(tx, "the old map is here")
    say(tx, "the map is old")
    assert found(tx, '"old map"') == [right.id]


def test_what_is_left_out_is_not_found(tx: Tx) -> None:
    dry = say(tx, "hut and hill")
    say(tx, "hut and lake")
    assert found(tx, "hut -lake") == [dry.id]
    assert found(tx, "-lake", room_id=ALL_PETS) == [dry.id]


def test_filters_narrow(tx: Tx) -> None:
    by_jz = say(tx, "hut", JZ)
    by_jason = say(tx, "hut https://huts.example/", JASON, WATERCOOLER)
    assert found(tx, "hut from:jz") == [by_jz.id]
    assert found(tx, "hut from:@Jason") == [by_jason.id]
    assert found(tx, "hut from:me") == [by_jz.id]
    assert found(tx, "hut from:nobody") == []
    assert found(tx, "hut in:water") == [by_jason.id]
    assert found(tx, 'in:"all talk"') == [by_jz.id]
    assert found(tx, "has:link") == [by_jason.id]
    assert found(tx, "has:file") == []
    assert found(tx, "hut", room_id=WATERCOOLER) == [by_jason.id]
    assert found(tx, "hut", creator_id=JZ) == [by_jz.id]
    assert found(tx, "hut", before=by_jason.id) == [by_jz.id]
    assert found(tx, "hut", after=by_jz.id) == [by_jason.id]
    assert found(tx, "hut after:2020-01-01") == [by_jason.id, by_jz.id]
    assert found(tx, "hut before:2020-01-01") == []


def test_only_rooms_one_is_in_now_are_looked_through(tx: Tx) -> None:
    secret = say(tx, "the secret hut", JZ, WATERCOOLER)
    assert found(tx, "hut", KEVIN) == []
    assert found(tx, "hut", KEVIN, room_id=WATERCOOLER) == []
    assert found(tx, "cret", KEVIN) == [], "not by a part of a word either"
    memberships.grant(tx, WATERCOOLER, [KEVIN])
    assert found(tx, "hut", KEVIN) == [secret.id]
    memberships.revoke(tx, WATERCOOLER, [KEVIN])
    assert found(tx, "hut", KEVIN) == []


def test_with_many_rooms_each_message_is_asked_about(tx: Tx) -> None:
    for number in range(scopes.MOST_NAMED + 1):
        rooms.create(tx, KEVIN, "closed", f"Room {number}")
    mine = say(tx, "hut", KEVIN)
    say(tx, "hut", JZ, WATERCOOLER)
    assert found(tx, "hut", KEVIN) == [mine.id]


def test_an_edit_leaves_no_trace(tx: Tx) -> None:
    message = say(tx, "the first words 東京")
    draft = richtext.draft("the second thought 大阪")
    messages.edit(tx, JZ, ALL_PETS, message.id, draft)
    assert (
        found(tx, "second") == found(tx, "hough") == found(tx, "大阪") == [message.id]
    )
    assert found(tx, "first") == found(tx, "irs") == found(tx, "東京") == []


def test_a_removal_leaves_no_trace(tx: Tx) -> None:
    message = say(tx, "words 東京")
    assert found(tx, "words") == [message.id]
    messages.remove(tx, JZ, ALL_PETS, message.id)
    for text in ("words", "ords", "東京"):
        assert found(tx, text) == []
    for table in ("messages_words", "messages_parts"):
        tx.row(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")


def test_the_words_of_the_banned_are_not_found(tx: Tx) -> None:
    say(tx, "rude words", KEVIN)
    bans.add(tx, DAVID, KEVIN)
    while bans.sweep(tx):
        pass
    assert found(tx, "rude") == []


def test_parts_of_words_are_for_when_words_are_few(tx: Tx) -> None:
    say(tx, "carpet")
    for _ in range(searches.FEW):
        say(tx, "car")
    assert len(found(tx, "car")) == searches.FEW
    assert len(found(tx, "car", before=10)) == 9 - 1, "on every page of results alike"


def test_the_most_fitting_comes_first_when_asked(tx: Tx) -> None:
    fitting = say(tx, "hut hut hut")
    say(tx, "a hut among very many other words that say nothing of any use to us")
    results = searches.find(tx, JZ, "hut", sort="relevance")
    assert results.hits[0].message.id == fitting.id
    assert len(results.hits) == 2


def test_a_rare_word_says_more_than_a_common_one(tx: Tx) -> None:
    rare = say(tx, "lynx hut filler filler")
    common = say(tx, "lynx hut hut filler")
    for _ in range(40):
        say(tx, "hut")
    ranked = searches.find(tx, JZ, "hut lynx", sort="relevance").hits
    assert [hit.message.id for hit in ranked] == [common.id, rare.id]
    doubled = say(tx, "lynx lynx hut filler")
    ranked = searches.find(tx, JZ, "hut lynx", sort="relevance").hits
    assert ranked[0].message.id == doubled.id


def test_the_size_of_a_room_does_not_make_a_hit_more_fitting(tx: Tx) -> None:
    older = say(tx, "hut", JZ, WATERCOOLER)
    newer = say(tx, "hut", JZ, ALL_PETS)
    for _ in range(20):
        say(tx, "filler", JZ, ALL_PETS)
    ranked = searches.find(tx, JZ, "hut", sort="relevance").hits
    assert [hit.message.id for hit in ranked] == [newer.id, older.id], "as if by time"


def test_parts_of_words_come_after_whole_ones_when_ranked(tx: Tx) -> None:
    whole, part = say(tx, "car"), say(tx, "carpet")
    assert found(tx, "car") == [part.id, whole.id]
    ranked = searches.find(tx, JZ, "car", sort="relevance").hits
    assert [hit.message.id for hit in ranked] == [whole.id, part.id]


def test_to_narrow_down_finds_nothing_new(tx: Tx) -> None:
    say(tx, "carpet", KEVIN)
    for _ in range(searches.FEW):
        say(tx, "car")
    say(tx, "car of mine", KEVIN)
    for narrower in ("from:kevin", "-mine", "has:link", "before:2999-01-01"):
        assert set(found(tx, f"car {narrower}")) <= set(found(tx, "car")), narrower


def test_pages_follow_each_other(tx: Tx) -> None:
    ids = [say(tx, f"hut {number}").id for number in range(7)][::-1]
    first = searches.find(tx, JZ, "hut", limit=3)
    assert [hit.message.id for hit in first.hits] == ids[:3]
    assert (first.total, first.more) == (7, True)
    by_key = searches.find(tx, JZ, "hut", Narrowed(before=ids[2]), limit=4)
    assert [hit.message.id for hit in by_key.hits] == ids[3:]
    assert not by_key.more
    by_offset = searches.find(tx, JZ, "hut", limit=3, offset=6)
    assert [hit.message.id for hit in by_offset.hits] == ids[6:]


def test_every_page_counts_all_of_them(tx: Tx) -> None:
    ids = [say(tx, f"hut {number}").id for number in range(7)]
    pages = (Narrowed(before=ids[2]), Narrowed(after=ids[4]), Narrowed(before=1))
    for page in pages:
        for sort in get_args(searches.Sort):
            results = searches.find(tx, JZ, "hut", page, sort=sort)
            assert (results.total, results.is_capped) == (7, False)
    assert searches.find(tx, JZ, "hut", Narrowed(), offset=20).total == 7


@pytest.mark.parametrize("sort", get_args(searches.Sort))
def test_counting_stops_and_says_so(
    tx: Tx, sort: searches.Sort, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST_COUNTED", 5)
    ids = [say(tx, f"hut {number}").id for number in range(7)]
    results = searches.find(tx, JZ, "hut", sort=sort, limit=2)
    assert (results.total, results.is_capped, results.more) == (5, True, True)
    oldest = searches.find(tx, JZ, "hut", Narrowed(before=ids[1]), limit=2)
    assert [hit.message.id for hit in oldest.hits] == ids[:1]
    assert (oldest.total, oldest.is_capped, oldest.more) == (5, True, False)
    say_no_more = searches.find(tx, JZ, "hut 3", sort=sort)
    assert (say_no_more.total, say_no_more.is_capped) == (1, False)


def test_among_many_messages_it_stops_sooner_but_shows_all(
    tx: Tx, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "LITTLE", 6)
    monkeypatch.setattr(searches, "MOST_COUNTED_IN_MUCH", 3)
    ids = [say(tx, f"hut {number}").id for number in range(7)][::-1]
    seen: list[int] = []
    for offset in range(0, 8, 2):
        results = searches.find(tx, JZ, "hut", limit=2, offset=offset)
        seen += [hit.message.id for hit in results.hits]
        assert results.is_capped == (offset + 2 < 7)
        assert results.total == min(max(3, offset + 2), 7)
    assert seen == ids


def test_what_stands_for_rooms_and_files_is_no_word(tx: Tx) -> None:
    message = say(tx, "see https://huts.example/")
    row = tx.row(
        "SELECT room, author, room_author, has FROM messages_indexed WHERE id = ?",
        (message.id,),
    )
    assert row[3] == scopes.HAS["link"]
    for text in row:
        assert found(tx, text) == found(tx, f'"{text}"') == []
        assert found(tx, f"see -{text}") == [message.id]


def test_a_link_that_comes_or_goes_with_an_edit_is_found_so(tx: Tx) -> None:
    message = say(tx, "the map")
    for source, hits in (("the [map](https://a.example/)", 1), ("the map", 0)):
        messages.edit(tx, JZ, ALL_PETS, message.id, richtext.draft(source))
        assert len(found(tx, "map has:link")) == hits
    assert searches.faults(tx) == []


def test_days_are_right_where_a_clock_was_wrong(tx: Tx) -> None:
    def bring(day: str) -> int:
        at = int(datetime.fromisoformat(f"{day}T12:00Z").timestamp()) * 1000
        seq = tx.value("SELECT max(seq) + 1 FROM messages") or 1
        return messages.bring(tx, ALL_PETS, JZ, seq, richtext.draft("hut"), at)

    days = ("2021-05-02", "2031-05-02", "2021-05-03", "2021-05-02", "2021-05-04")
    first, ahead, second, back, third = map(bring, days)
    assert found(tx, "hut before:2021-05-03") == [back, first]
    assert found(tx, "hut after:2021-05-04") == [third, ahead]
    assert found(tx, "hut after:2021-05-03 before:2021-05-04") == [second]
    assert found(tx, "after:2031-01-01") == [ahead]
    assert found(tx, "hut before:2021-05-02") == []
    assert found(tx, "hut after:2031-05-03") == []
    assert searches.faults(tx) == []
    tx.row("UPDATE days SET last_id = first_id")
    assert searches.faults(tx) == ["days"]
    searches.rebuild(tx)
    assert searches.faults(tx) == []


@pytest.mark.parametrize(
    "sql", [searches.IN_WORDS, searches.IN_PARTS, searches.IN_ALL, searches.RANKED]
)
def test_no_message_is_read_and_nothing_is_sorted_to_find_the_newest(
    tx: Tx, sql: str
) -> None:
    bindings = dict.fromkeys(
        ("user", "after", "before", "since", "until", "rooms", "authors", "most")
    )
    plan = tx.rows(
        f"EXPLAIN QUERY PLAN {sql.format('')}", bindings | {"match": '"hut"'}
    )
    steps = [step for *_, step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step]
    (places,) = [step for step in steps if "messages_places" in step]
    assert "USING COVERING INDEX" in places
    assert not [step for step in steps if "messages_by_room" in step]


def steps(tx: Tx, text: str, sort: searches.Sort) -> int:
    """What SQLite's machine does with what the index finds."""
    counted = 0

    def count(trace: dict[str, Any]) -> None:
        nonlocal counted
        if "messages_places" in trace["sql"]:
            counted += trace["stmt_status"]["SQLITE_STMTSTATUS_VM_STEP"]

    connection = tx._connection
    connection.trace_v2(apsw.SQLITE_TRACE_PROFILE, count)
    searches.find(tx, KEVIN, text, sort=sort)
    connection.trace_v2(0, None)
    return counted


@pytest.mark.parametrize("sort", get_args(searches.Sort))
@pytest.mark.parametrize("text", ["hut", "the hut", "upper", '"the hut"', "hut -lake"])
def test_what_is_hidden_changes_nothing(tx: Tx, text: str, sort: searches.Sort) -> None:
    """Neither what is found, its order, count and words, nor what finding it takes."""
    for number in range(60):
        say(tx, f"filler {number}", JZ, WATERCOOLER)
    for said in ("the hut", "a hut, the hut and the lake", "uppermost hut", "the map"):
        say(tx, said, KEVIN)
    before = searches.find(tx, KEVIN, text, sort=sort)
    steps_before = steps(tx, text, sort)
    for _ in range(60):
        say(tx, "the uppermost hut, hut, hut", JZ, WATERCOOLER)
    assert before.total > 0
    assert searches.find(tx, KEVIN, text, sort=sort) == before
    assert steps(tx, text, sort) <= steps_before * 1.1


HOSTILE = [
    *('"', 'a"b', "'", "a'b", "*", "^", "-a", "a-b", ":", "a:b:c", "(", "a)"),
    *("{x}:a", "+", "@", "#", "$", "%", "&", "|", "~", "[", "]", "<", ">", "!", "?"),
    *(".", ",", ";", "AND", "OR", "NOT", "NOT a", "a AND", "NEAR", "NEAR(", "a NOT b"),
    *("NEAR(a b,99999999999)", "body:x", "rowid:1", "nosuch:x", "room_id:1 OR 1=1"),
    *("room: 가가각", "plain:x", "(" * 300, "a " * 8_000, "x" * 5_000, "a*" * 1_000),
    *("", "   ", "\0", "...", "🔥", "\ud800", "e\u0301", "東", "' OR 1=1--", '"""'),
    *(";DROP TABLE messages", "UNION SELECT 1", "%" * 100, "_" * 100, "\\", "\x1b[0m"),
    *("-", "--", '-"', 'from:"', "in:()", "has:", "before:", "a\0b", "²", "①", "ﬁ"),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_any_text_is_answered(tx: Tx, text: str) -> None:
    say(tx, "an ordinary message")
    secret = say(tx, "AND OR NOT NEAR body x a b 1", JZ, WATERCOOLER)
    for sort in ("newest", "relevance"):
        hits = searches.find(tx, KEVIN, text, sort=sort).hits
        assert secret.id not in [hit.message.id for hit in hits]


def test_operators_are_words(tx: Tx) -> None:
    message = say(tx, "this NOT that")
    say(tx, "this")
    assert found(tx, "this NOT that") == [message.id]


def test_what_is_too_long_is_refused(tx: Tx) -> None:
    with pytest.raises(Invalid):
        searches.find(tx, JZ, "é" * 8_193)


def test_what_takes_too_long_is_cut_off(tx: Tx) -> None:
    with pytest.raises(Busy):
        with tx.at_most(0.01):
            tx.rows("""WITH RECURSIVE count (n) AS (
                         SELECT 1 UNION ALL SELECT n + 1 FROM count)
                       SELECT max(n) FROM count""")
    assert tx.value("SELECT 1") == 1, "the next question is answered"


def test_the_last_searches_are_remembered_once_each(tx: Tx) -> None:
    for number in range(12):
        searches.remember(tx, JZ, f"  hut   {number} ")
        tx.now += 1
    searches.remember(tx, JZ, "hut 5")
    searches.remember(tx, JZ, "   ")
    assert searches.recent(tx, JZ) == [
        f"hut {number}" for number in (5, 11, 10, 9, 8, 7, 6, 4, 3, 2)
    ]
    assert searches.recent(tx, KEVIN) == []
    searches.forget(tx, JZ)
    assert searches.recent(tx, JZ) == []


WORDS = st.sampled_from(["hut", "fog", "map", "tar", "star", "東京", "南京東", "Ápple"])
SAID = st.tuples(
    st.sampled_from([ALL_PETS, WATERCOOLER]),
    st.sampled_from([JZ, JASON]),
    st.lists(WORDS, min_size=1, max_size=4).map(" ".join),
)
FILTERS = {"": 0, "from:jz": JZ, "from:jason": JASON}


@settings(max_examples=60)
@given(
    st.lists(SAID, max_size=8),
    st.lists(WORDS, min_size=1, max_size=2),
    st.sampled_from(list(FILTERS)),
    st.sampled_from(["", "in:all", "in:water"]),
    st.sampled_from(get_args(searches.Sort)),
    st.booleans(),
)
def test_it_finds_what_one_would_find_by_looking(
    stage: Stage,
    said: list[tuple[int, int, str]],
    asked: list[str],
    author: str,
    place: str,
    sort: searches.Sort,
    in_index: bool,
) -> None:
    def holds(text: str) -> bool:
        known = [richtext.fold(word) for word in text.split(" ")]
        wanted = [richtext.fold(word) for word in asked]
        whole = all(
            any(word in each if words.pairs(word) else word == each for each in known)
            for word in wanted
        )
        parts = all(len(word) >= 3 and word in richtext.fold(text) for word in wanted)
        return whole or parts

    rooms_asked = {"": {ALL_PETS, WATERCOOLER}, "in:all": {ALL_PETS}}
    text = " ".join(filter(None, [*asked, author, place]))
    # Rooms are met in the index, or tested hit by hit; nobody can tell which.
    much = 0 if in_index else scopes.NEVER
    with stage() as tx, pytest.MonkeyPatch.context() as patch:
        patch.setattr(scopes, "MUCH", much)
        posted = [
            (say(tx, text, author_id, room_id), text)
            for room_id, author_id, text in said
        ]
        for user_id, seen in ((JZ, {ALL_PETS, WATERCOOLER}), (KEVIN, {ALL_PETS})):
            by_looking = [
                message.id
                for message, body in posted
                if message.room_id in seen & rooms_asked.get(place, {WATERCOOLER})
                and FILTERS[author] in (0, message.creator.id)
                and holds(body)
            ]
            results = searches.find(tx, user_id, text, sort=sort)
            ids = [hit.message.id for hit in results.hits]
            assert results.total == len(ids)
            assert sorted(ids) == by_looking
            if sort == "newest":
                assert ids == by_looking[::-1]


def test_a_person_who_is_not_there_finds_nothing(tx: Tx) -> None:
    say(tx, "hut")
    assert users.active(tx)
    assert found(tx, "hut", 99) == []


def test_a_hit_stands_between_what_was_said_around_it(tx: Tx) -> None:
    before, hit = say(tx, "come in", KEVIN), say(tx, "the hut")
    say(tx, "elsewhere", JZ, WATERCOOLER)
    around = searches.lines_around(tx, KEVIN, [before.id, hit.id])
    assert around[hit.id] == (searches.Line("Kevin", "come in"), None)
    assert around[before.id] == (None, searches.Line("JZ", "the hut"))


def test_nobody_sees_around_what_is_in_rooms_of_others(tx: Tx) -> None:
    secret = say(tx, "the hut", JZ, WATERCOOLER)
    assert list(searches.lines_around(tx, JZ, [secret.id])) == [secret.id]
    assert searches.lines_around(tx, KEVIN, [secret.id]) == {}
