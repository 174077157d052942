"""A Campfire on Rails moves in: rehearsed, whole, and used as before."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import apsw
import pytest
from aiohttp import ClientSession
from aiohttp.test_utils import TestServer

from campfire import app, imports, verify
from campfire.__main__ import main
from campfire.chat import memberships, messages, passwords, users
from campfire.config import Config
from campfire.database import Reads, looked
from campfire.outside import vapid
from campfire.outside.client import Client
from tests import rails
from tests.conftest import JSON, VAPID_KEYS
from tests.rails import BENDER, DAVID, DESIGNERS, HQ, JASON, JZ, PASSWORD, PING, TOKEN
from tests.samples import SECRET

FILE = imports.FILE


@pytest.fixture
def was(tmp_path: Path) -> rails.Storage:
    return rails.with_the_cast(tmp_path / "storage")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def bytes_below(folder: Path) -> dict[Path, str]:
    return {
        path: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def run(source: Path, data: Path, *more: str) -> int:
    return main(["import", str(source), "--data", str(data), *more])


# What comes


def test_a_rehearsal_reports_what_the_real_run_does_and_changes_nothing(
    was: rails.Storage, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = was.close()
    before = bytes_below(source)
    assert run(source, data, "--dry-run") == 0
    rehearsed, _, rest = capsys.readouterr().out.rpartition("This was a rehearsal")
    assert rest == ": nothing was changed.\n"
    assert not data.exists()
    assert bytes_below(source) == before
    assert run(source, data) == 0
    assert capsys.readouterr().out == f"{rehearsed}Everything is in {data}.\n"
    assert bytes_below(source) == before
    assert {path.name for path in data.iterdir()} == {FILE, imports.FILES}


def test_the_report_counts_what_came_and_names_what_did_not(
    was: rails.Storage,
) -> None:
    was.add("rooms", name="Stage", type="Rooms::Stage", creator_id=DAVID)
    was.say(HQ, JASON, "<div> </div>")
    was.say(HQ, JASON, '<action-text-attachment content-type="x/poll">')
    was.connection.execute(
        "CREATE TABLE polls (id INTEGER); INSERT INTO polls VALUES (1)"
    )
    report = imports.rehearsed(was.close())
    assert report.came == {
        **{"people": 4, "bots": 1, "rooms": 4, "memberships": 8, "messages": 7},
        **{"mentions": 1, "boosts": 1, "previews": 1, "files": 1, "bans": 1},
        **{"pictures of people": 1, "logos": 1},
    }
    assert report.notes["clashed"] == {
        "direct rooms of the same people, now in one": ["4"],
        "rooms of an unknown kind, now closed": ["5"],
        "messages under another number, for the sake of their order": [
            *("8", "9", "2", "3", "4", "5"),
            *("7", "6"),
        ],
        "boosts given twice, now once": ["message 1"],
    }
    assert report.notes["missing"] == {
        "files that are not on the disk": ["Message 5 gone.txt"],
        "mentions of nobody": ["2"],
        "what boosts were given to, or by": ["message 77"],
    }
    left_out = report.notes["left out"]
    assert left_out["messages without anything in them"] == ["8", "9"]
    assert left_out.keys() == {
        *("messages without anything in them", "styles", "rows of polls"),
        *("rows of push_subscriptions", "rows of sessions"),
    }


def test_everything_is_sound_and_in_its_order(was: rails.Storage, data: Path) -> None:
    imports.imported(was.close(), data)
    assert list(verify.faults(data)) == []
    hq = looked(data / FILE, messages.page, JASON, HQ).messages
    assert [message.plain for message in hq] == [
        *("Hello world\n_again_", "Ask @JZ or @Nobody", "https://example.com/x"),
        *("moon.jpg", "(gone.txt is missing)"),
    ]
    assert [message.id for message in hq] == [1, 2, 3, 4, 5]
    assert [message.seq for message in hq] == [1, 2, 3, 4, 5]
    assert hq[0].created_at == 1_709_294_400_000
    assert hq[0].source == "Hello **world**\n\\_again\\_"
    assert [boost.content for boost in hq[0].boosts] == ["👍"]
    assert hq[1].mentions == (JZ,)
    assert [(card.title, card.url) for card in hq[2].previews] == [
        ("Cookies", "https://example.com/x")
    ]
    pings = looked(data / FILE, messages.page, JZ, PING).messages
    assert [message.plain for message in pings] == ["Pong", "Ping"]
    assert pings[0].id < pings[1].id


def test_who_is_in_a_room_hears_as_much_of_it_and_has_read_as_far(
    was: rails.Storage, data: Path
) -> None:
    imports.imported(was.close(), data)

    def seen(user_id: int, room_id: int) -> memberships.Membership:
        return looked(data / FILE, memberships.find, user_id, room_id)

    assert seen(JASON, HQ).involvement == "nothing"
    assert seen(JZ, PING).involvement == "everything"
    assert seen(DAVID, DESIGNERS).unread_count == 0
    assert (seen(DAVID, HQ).unread_count, seen(JZ, HQ).unread_count) == (0, 3)
    assert seen(JZ, HQ).last_read_id == 2


def test_what_is_longer_than_a_message_may_be_is_a_file(
    was: rails.Storage, data: Path
) -> None:
    number = was.say(HQ, DAVID, "<div>" + "long " * 20_000 + "</div>")
    report = imports.imported(was.close(), data)
    # The time of it is that of the first.
    assert report.notes["clashed"]["messages longer than 64 KiB, now a file"] == [
        str(number)
    ]
    found = looked(data / FILE, messages.page, DAVID, HQ).messages[1]
    (file,) = found.attachments
    assert (file.filename, file.byte_size) == (f"message-{number}.md", 99_999)
    assert list(verify.faults(data)) == []


def test_words_that_name_a_file_of_others_do_not_bring_it(
    was: rails.Storage, data: Path
) -> None:
    """Whoever wrote them may never have seen it; Rails notes what words hold."""
    secret = was.say(DESIGNERS, DAVID, None)
    was.file("Message", secret, "attachment", b"secret", "secret.txt")
    sgid = rails.signed("ActiveStorage::Blob", was.blob("secret.txt"))
    body = f'<p>Look</p><action-text-attachment sgid="{sgid}"></action-text-attachment>'
    was.say(HQ, JZ, body)
    was.say(HQ, DAVID, body)
    was.hold("ActionText::RichText", was.text_of_last(), "embeds", "secret.txt")
    report = imports.imported(was.close(), data)
    held = [
        (room_id, message.creator.id, attachment.filename)
        for room_id in (HQ, DESIGNERS)
        for message in looked(data / FILE, messages.page, DAVID, room_id).messages
        for attachment in message.attachments
        if attachment.filename == "secret.txt"
    ]
    assert held == [(HQ, DAVID, "secret.txt"), (DESIGNERS, DAVID, "secret.txt")]
    assert report.came["files"] == 3
    assert list(verify.faults(data)) == []


def test_addresses_that_differ_in_case_clash(was: rails.Storage, data: Path) -> None:
    was.add("users", name="Other", email_address="DAVID@37signals.example")
    report = imports.imported(was.close(), data)
    assert report.notes["clashed"]["addresses that two people have"] == ["Other"]
    assert looked(data / FILE, users.by_address, "david@37signals.example").id == DAVID


def test_an_early_campfire_without_later_columns_comes_too(
    was: rails.Storage, data: Path
) -> None:
    was.connection.execute("""
        ALTER TABLE users ADD COLUMN active boolean DEFAULT 1;
        UPDATE users SET active = status = 0;
        ALTER TABLE users DROP COLUMN status; ALTER TABLE users DROP COLUMN bio;
        ALTER TABLE accounts DROP COLUMN settings; DROP TABLE bans; DROP TABLE webhooks
        """)
    assert imports.imported(was.close(), data).came["people"] == 4
    kevin = looked(data / FILE, users.find, rails.KEVIN)
    assert kevin.status == "deactivated"


# What is refused


def refusal(
    source: Path, data: Path, capsys: pytest.CaptureFixture[str], *more: str
) -> str:
    assert run(source, data, *more) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.count("\n") == 1
    assert not data.exists() or not list(data.rglob("*.sqlite3"))
    return told.err


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_what_is_no_campfire_is_refused(
    tmp_path: Path, data: Path, more: tuple[str], capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "storage"
    assert "There is no Campfire in" in refusal(source, data, capsys, *more)
    (source / "db").mkdir(parents=True)
    database = source / "db" / "production.sqlite3"
    database.write_bytes(b"no database " * 1_000)
    assert "damaged or no database" in refusal(source, data, capsys, *more)
    database.unlink()
    foreign = apsw.Connection(str(database))
    foreign.execute("CREATE TABLE users (id, name)")
    foreign.close()
    told = refusal(source, data, capsys, *more)
    assert "is not a database of Campfire: it has no accounts.created_at." in told


def test_a_damaged_database_is_refused(
    was: rails.Storage, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(200):
        was.say(HQ, DAVID, "<div>" + "words " * 500 + "</div>")
    was.connection.wal_checkpoint()
    source = was.close()
    with was.database.open("r+b") as file:
        file.seek(was.database.stat().st_size // 2)
        file.write(b"\xff" * 20_000)
    assert "damaged" in refusal(source, data, capsys)
    assert list(data.iterdir()) == []


def test_values_that_rails_never_wrote_are_refused(
    was: rails.Storage, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    was.connection.execute("UPDATE users SET name = x'ff' WHERE id = 1")
    assert "holds what Rails never wrote" in refusal(was.close(), data, capsys)


def test_a_place_where_something_is_already_is_refused(
    was: rails.Storage, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data.mkdir()
    (data / "letter.txt").write_text("mine")
    told = refusal(was.close(), data, capsys)
    assert told == f"campfire: {data} is not an empty folder.\n"
    assert [path.name for path in data.iterdir()] == ["letter.txt"]


def test_no_key_of_a_file_leads_out_of_the_folder(
    was: rails.Storage, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(b"secret")
    was.say(HQ, DAVID, None)
    path = was.file("Message", 8, "attachment", b"bytes", "a.txt")
    path.unlink()
    path.symlink_to(tmp_path / "secret")
    was.say(HQ, DAVID, None)
    was.file("Message", 9, "attachment", b"others", "b.txt")
    was.connection.execute("""UPDATE active_storage_blobs SET key = '../../../secret'
           WHERE filename = 'b.txt'""")
    report = imports.rehearsed(was.close())
    assert report.notes["missing"]["files that are not on the disk"] == [
        *("Message 5 gone.txt", "Message 8 a.txt", "Message 9 b.txt"),
    ]


# Living there


@pytest.fixture
async def client(was: rails.Storage, data: Path) -> AsyncIterator[ClientSession]:
    """Nobody in particular, in the place that was moved into."""
    await asyncio.to_thread(imports.imported, was.close(), data)
    vapid.keep(data / app.PUSH_KEYS, VAPID_KEYS)
    nowhere = Client(lookup=lambda name: [])
    server = TestServer(await app.create(Config(data=data, password_cost=4), nowhere))
    await server.start_server()
    async with ClientSession(base_url=server.make_url("/"), headers=JSON) as client:
        yield client
    await server.close()


async def test_people_and_bots_go_on_as_before(
    client: ClientSession, data: Path
) -> None:
    old = {"email_address": "JZ@37signals.example", "password": PASSWORD}
    wrong = await client.post("/session", json=old | {"password": "incorrect"})
    assert wrong.status == 401
    signed_in = await client.post("/session", json=old)
    assert signed_in.status == 201, await signed_in.text()
    proof = {"Authorization": f"Bearer {(await signed_in.json())['token']}"}
    read = await client.get(f"/rooms/{HQ}/messages", headers=proof)
    said = await read.json()
    assert [message["id"] for message in said] == [1, 2, 3, 4, 5]
    (file,) = said[3]["attachments"]
    sent = await client.get(file["url"], headers=proof)
    assert sent.status == 200
    assert sent.content_type == "image/jpeg"
    assert SECRET not in await sent.read()
    assert (await client.get(f"/rooms/{DESIGNERS}", headers=proof)).status == 404
    found = await client.get("/searches", params={"q": "again"}, headers=proof)
    assert "again" in await found.text()
    posted = await client.post(f"/rooms/{HQ}/{BENDER}-{TOKEN}/messages", data="I live")
    assert posted.status == 201
    assert (await client.get("/join/abcd-EFGH-1234")).status == 200
    assert (await client.get(f"/users/{JZ}/avatar", headers=proof)).status == 200
    made = await client.post(
        "/rooms", json={"kind": "open", "name": "Mine"}, headers=proof
    )
    assert made.status == 403


async def test_a_hash_of_rails_is_made_anew_when_its_password_is_known(
    client: ClientSession, data: Path
) -> None:
    def known(db: Reads) -> str:
        credentials = users.credentials(db, "jz@37signals.example")
        assert credentials and credentials.password_hash
        return credentials.password_hash

    before = looked(data / FILE, known)
    assert passwords.is_foreign(before)
    right = {"email_address": "jz@37signals.example", "password": PASSWORD}
    for _ in range(2):
        assert (await client.post("/session", json=right)).status == 201
    after = looked(data / FILE, known)
    assert not passwords.is_foreign(after)
    assert passwords.matches(PASSWORD, after)
