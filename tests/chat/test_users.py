"""People: what they may be called, how they join, who is told."""

import pytest

from campfire.chat import (
    accounts,
    bans,
    memberships,
    messages,
    richtext,
    rooms,
    users,
)
from campfire.database import Tx
from campfire.refusals import Conflict, Invalid, NotFound
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    PASSWORD,
    PASSWORD_HASH,
    WATERCOOLER,
    address,
)


def join_code(tx: Tx) -> str:
    account = accounts.find(tx)
    assert account
    return account.join_code


def test_a_newcomer_is_in_every_open_room_and_in_no_closed_one(tx: Tx) -> None:
    lounge = rooms.create(tx, DAVID, "open", "Lounge")
    tx.events.clear()
    user = users.join(tx, join_code(tx), "Bob", address("Bob"), PASSWORD_HASH)
    assert (user.role, user.status) == ("member", "active")
    assert [room.id for room in rooms.all_of(tx, user.id)] == [ALL_PETS, lounge.id]
    with pytest.raises(NotFound):
        memberships.require(tx, user.id, WATERCOOLER)
    assert tx.events == [users.Joined(user, [ALL_PETS, lounge.id])]


def test_a_wrong_invitation_lets_nobody_in(tx: Tx) -> None:
    for code in ("", "wrong", join_code(tx).lower() + "x", join_code(tx)[:-1]):
        with pytest.raises(NotFound):
            users.join(tx, code, "Mallory", address("Mallory"), PASSWORD_HASH)
    assert tx.events == []


@pytest.mark.parametrize(
    "taken",
    [
        "david@37signals.example",
        " David@37Signals.example ",
        "ＤAVID@37signals.example",
    ],
)
def test_an_address_is_taken_in_every_spelling(tx: Tx, taken: str) -> None:
    kept = users.require_address(taken)
    assert kept == address("David")
    with pytest.raises(Conflict):
        users.join(tx, join_code(tx), "Mallory", kept, PASSWORD_HASH)
    assert tx.events == []


def test_one_signs_in_with_any_spelling_of_the_address(tx: Tx) -> None:
    found = users.credentials(tx, " DAVID@37signals.EXAMPLE\n")
    assert found == users.Credentials(DAVID, PASSWORD_HASH)
    assert users.credentials(tx, "nobody@37signals.example") is None


@pytest.mark.parametrize("status", ["deactivated", "banned"])
def test_who_is_gone_has_nothing_to_sign_in_with(tx: Tx, status: str) -> None:
    tx.row("UPDATE users SET status = ? WHERE id = ?", (status, KEVIN))
    assert users.credentials(tx, address("Kevin")) is None
    with pytest.raises(Invalid):
        users.require_active(tx, [DAVID, KEVIN])


def test_a_bot_has_nothing_to_sign_in_with(tx: Tx) -> None:
    users.add(tx, "Bender", address("Bender"), PASSWORD_HASH, "bot")
    assert users.credentials(tx, address("Bender")) is None


def test_the_doors_name_the_first_administrator_who_is_still_here(tx: Tx) -> None:
    assert users.first_administrator(tx) == users.Contact("David", address("David"))
    tx.row("UPDATE users SET status = 'deactivated' WHERE id = ?", (DAVID,))
    assert users.first_administrator(tx) == users.Contact("Jason", address("Jason"))
    tx.row("UPDATE users SET role = 'member' WHERE id = ?", (JASON,))
    assert users.first_administrator(tx) is None


def test_nobody_by_that_number_is_not_found(tx: Tx) -> None:
    assert users.find(tx, KEVIN).name == "Kevin"
    assert users.email_address(tx, KEVIN) == address("Kevin")
    with pytest.raises(NotFound):
        users.find(tx, 99)


@pytest.mark.parametrize("known", [[], [DAVID], [DAVID, KEVIN]])
def test_people_who_are_here_can_be_named(tx: Tx, known: list[int]) -> None:
    assert users.require_active(tx, known) == known


@pytest.mark.parametrize("unknown", [[99], [DAVID, 99], [0], [-1]])
def test_people_who_are_not_here_cannot_be_named(tx: Tx, unknown: list[int]) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_active(tx, unknown)
    assert refused.value.errors.keys() == {"user_ids"}


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("David", "David"),
        ("  David \t Heinemeier\n Hansson ", "David Heinemeier Hansson"),
        ("Jose\u0301", "Jos\u00e9"),
        ("\u0434\u0430\u0432\u0438\u0434", "\u0434\u0430\u0432\u0438\u0434"),
        ("\U0001f525", "\U0001f525"),
        ("7", "7"),
        ("a" * 100, "a" * 100),
    ],
)
def test_a_name_is_kept_composed_and_with_single_spaces(typed: str, kept: str) -> None:
    assert users.require_name(typed) == kept


@pytest.mark.parametrize(
    "name",
    [
        "",
        "   ",
        "\u00a0",
        "\u200b",
        "\u0301",
        "\u202e",
        "a" * 101,
        "a\0b",
        "a\x1bb",
        "a\ud800b",
        "\u3164",
        "\u115f\u1160 \u2800\uffa0",
        "Dav\u202eid",
        "\u2066David\u2069",
    ],
)
def test_a_name_that_cannot_be_shown_is_refused(name: str) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_name(name)
    assert refused.value.errors.keys() == {"name"}


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "david",
        "@example.org",
        "david@",
        "da vid@example.org",
        "david@example.org\nBcc: all@example.org",
        "david@exam\0ple.org",
        "d" * 250 + "@example.org",
    ],
)
def test_an_address_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_address(typed)
    assert refused.value.errors.keys() == {"email_address"}


def test_a_form_names_everything_that_is_wrong_at_once() -> None:
    with pytest.raises(Invalid) as refused:
        users.require_new(" ", "nowhere", "short")
    assert refused.value.errors.keys() == {"name", "email_address", "password"}
    kept = users.require_new(" David ", "David@Example.org", PASSWORD)
    assert kept == ("David", "david@example.org")


def test_ones_own_name_is_no_password(tx: Tx) -> None:
    with pytest.raises(Invalid) as refused:
        users.require_new("David  Hansson", address("David"), "david hansson")
    assert refused.value.errors == {"password": "Do not use your name."}


def test_a_picture_has_a_new_address_when_the_person_changes(tx: Tx) -> None:
    before = users.find(tx, KEVIN)
    tx.row("UPDATE users SET updated_at = updated_at + 1 WHERE id = ?", (KEVIN,))
    assert users.find(tx, KEVIN).avatar_url != before.avatar_url


def test_a_title_is_the_name_and_what_they_say_about_themselves(tx: Tx) -> None:
    assert users.find(tx, KEVIN).title == "Kevin"
    tx.row("UPDATE users SET bio = 'Likes fires' WHERE id = ?", (KEVIN,))
    assert users.find(tx, KEVIN).title == "Kevin \u2013 Likes fires"


# Finding people


def people(tx: Tx) -> dict[str, int]:
    names = ("Łukasz Żółć", "Zoë Müller", "Ana Žižek", "Müller Zoë", "Amüler X")
    return {
        name: users.add(tx, name, f"p{at}@x.example", "!").id
        for at, name in enumerate(names)
    }


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mul", ["Müller Zoë", "Zoë Müller", "Amüler X"]),
        ("MÜL", ["Müller Zoë", "Zoë Müller", "Amüler X"]),
        ("mu\u0308l", ["Müller Zoë", "Zoë Müller", "Amüler X"]),
        ("zoe m", ["Zoë Müller"]),
        ("luk", ["Łukasz Żółć"]),
        ("zolc", ["Łukasz Żółć"]),
        ("ziz", ["Ana Žižek"]),
        (" zoe ", ["Zoë Müller", "Müller Zoë"]),
        ("kev", ["Kevin"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
        ("x" * 100_000, []),
    ],
)
def test_a_few_letters_find_people_best_first_without_accents(
    tx: Tx, query: str, found: list[str]
) -> None:
    people(tx)
    names = [user.name for user in users.completions(tx, DAVID, query, None)]
    assert names == found


def test_completions_are_twenty_at_most_and_of_people_who_are_here(tx: Tx) -> None:
    ids = [
        users.add(tx, f"Ana {at:02}", f"a{at}@x.example", "!").id for at in range(30)
    ]
    found = users.completions(tx, DAVID, "ana", None)
    assert [user.id for user in found] == ids[:20]
    accounts.deactivate(tx, DAVID, ids[0])
    bans.add(tx, DAVID, ids[1])
    assert [u.id for u in users.completions(tx, DAVID, "ana", None)] == ids[2:22]
    assert len(users.completions(tx, DAVID, "", None)) == 20


def test_completions_in_a_room_are_its_members_and_for_members(tx: Tx) -> None:
    found = users.completions(tx, DAVID, "", WATERCOOLER)
    assert [user.name for user in found] == ["David", "Jason", "JZ"]
    with pytest.raises(NotFound):
        users.completions(tx, KEVIN, "", WATERCOOLER)
    with pytest.raises(NotFound):
        users.completions(tx, KEVIN, "", 99)


def test_people_stand_where_one_looks_for_their_name(tx: Tx) -> None:
    for at, name in enumerate(("zorro", "Ärla", "émile", "Østen", "Eva", "ana")):
        users.add(tx, name, f"p{at}@x.example", "!")
    names = [user.name for user in users.all_active(tx)]
    assert names == [
        *("ana", "Ärla", "David", "émile", "Eva"),
        *("Jason", "JZ", "Kevin", "Østen", "zorro"),
    ]
    listed, _ = users.on_account(tx, users.find(tx, JZ))
    administrators = ["David", "Jason"]
    assert [user.name for user in listed] == [
        *administrators,
        *(name for name in names if name not in administrators),
    ]
    found, more = users.on_account(tx, users.find(tx, JZ), query="OST", limit=1)
    assert ([user.name for user in found], more) == (["Østen"], False)


def test_completions_in_a_room_begin_with_who_wrote_last(tx: Tx) -> None:
    people(tx)
    for number, name in enumerate(("Zoë Müller", "JZ", "Ana Žižek", "David")):
        user_id = tx.value("SELECT id FROM users WHERE name = ?", (name,))
        draft = richtext.draft(f"Message {number}")
        messages.post(tx, user_id, ALL_PETS, draft, str(number))

    def names(query: str, room_id: int | None = ALL_PETS) -> list[str]:
        return [u.name for u in users.completions(tx, DAVID, query, room_id)]

    assert names("")[:3] == ["Ana Žižek", "JZ", "Zoë Müller"]
    assert names("mul") == ["Zoë Müller", "Müller Zoë", "Amüler X"]
    assert names("j") == ["JZ", "Jason"]
    assert names("z")[:2] == ["Ana Žižek", "Zoë Müller"]
    assert names("j", None) == ["Jason", "JZ"]
    assert names("d") == ["David"], "oneself is there, if not in front"


def test_the_list_of_people_comes_in_pages_and_shows_the_banned_to_some(tx: Tx) -> None:
    users.add(tx, "Bender", "bender@x.example", "!", "bot")
    gone = users.add(tx, "Gone", "gone@x.example", "!")
    accounts.deactivate(tx, DAVID, gone.id)
    bans.add(tx, DAVID, KEVIN)
    for viewer, ids in ((DAVID, [DAVID, JASON, JZ, KEVIN]), (JZ, [DAVID, JASON, JZ])):
        seen: list[int] = []
        more = True
        while more:
            page, more = users.on_account(
                tx, users.find(tx, viewer), after=seen[-1] if seen else 0, limit=2
            )
            assert len(page) <= 2
            seen += [user.id for user in page]
        assert seen == ids


# Roles and changes


def test_a_bio_is_short(tx: Tx) -> None:
    assert users.require_bio(" Likes fires \n") == "Likes fires"
    assert users.require_bio("x" * 200)
    with pytest.raises(Invalid) as refused:
        users.require_bio("x" * 201)
    assert refused.value.errors.keys() == {"bio"}


def test_only_people_who_are_here_are_people(tx: Tx) -> None:
    bender = users.add(tx, "Bender", "bender@x.example", "!", "bot")
    bans.add(tx, DAVID, KEVIN)
    assert users.require_person(tx, JZ).id == JZ
    for user_id in (bender.id, KEVIN, 99):
        with pytest.raises(NotFound):
            users.require_person(tx, user_id)


def test_what_is_left_out_stays_as_it_is(tx: Tx) -> None:
    before = users.find(tx, KEVIN)
    assert users.revise(tx, KEVIN, users.Profile()).name == before.name
    assert users.email_address(tx, KEVIN) == address("Kevin")
    assert users.password_hash(tx, KEVIN) == PASSWORD_HASH


def test_the_operator_sees_everybody_with_their_address(tx: Tx) -> None:
    listed = [(user.id, address) for user, address in users.directory(tx)]
    assert (DAVID, address("David")) in listed and len(listed) == 4
    assert users.by_address(tx, " KEVIN@37signals.example ").id == KEVIN
    with pytest.raises(NotFound):
        users.by_address(tx, "nobody@37signals.example")
