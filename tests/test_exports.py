"""A room in a folder: what is in it, what is not, and that nothing in it runs."""

import os
import zipfile
from pathlib import Path

import orjson
import pytest

from campfire import exports
from campfire.__main__ import main
from campfire.chat import (
    boosts,
    files,
    formats,
    memberships,
    messages,
    richtext,
    rooms,
    users,
)
from campfire.chat.files import Stored
from campfire.database import Tx, applied, connect, looked, migrate
from campfire.refusals import Full
from campfire.storage import Storage
from tests.conftest import (
    ALL_PETS,
    DAVID,
    JASON,
    JZ,
    KEVIN,
    WATERCOOLER,
    address,
    set_the_stage,
)
from tests.samples import picture

EVIL = "<script>alert(1)</script>"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """The cast, and something said in both rooms."""
    data = tmp_path / "data"
    data.mkdir()
    connection = connect(data / exports.FILE)
    migrate(connection, data / exports.FILE)
    connection.close()
    storage = Storage(data / exports.FILES)
    sent = [
        stored(storage, picture(), "moon.png", "image/png"),
        stored(storage, EVIL.encode(), "page.html", formats.BYTES),
    ]
    applied(data / exports.FILE, set_the_stage)
    applied(data / exports.FILE, talk, sent)
    return data


def stored(storage: Storage, bytes: bytes, name: str, kind: str) -> Stored:
    incoming = storage.incoming()
    incoming.write(bytes)
    key = storage.keep(incoming)
    about = key, name, kind, len(bytes), incoming.sha256
    if kind == formats.BYTES:
        return Stored(*about)
    return Stored(*about, width=90, height=60, has_thumbnail=True)


def talk(tx: Tx, sent: list[Stored]) -> None:
    def say(who: int, room: int, text: str, *given: Stored) -> int:
        people = memberships.mentionable(tx, who, room)
        draft = richtext.draft(text, people)
        number = str(tx.value("SELECT count(*) FROM messages"))
        return messages.post(tx, who, room, draft, number, given)[0].id

    first = say(DAVID, ALL_PETS, f"Hello *@Kevin* {EVIL} & so on")
    say(KEVIN, ALL_PETS, "Grüße from the café", *sent)
    say(JZ, WATERCOOLER, "A secret of the few")
    say(JZ, ALL_PETS, "Not a secret")
    boosts.add(tx, KEVIN, first, "👍")


def run(data: Path, *words: str) -> int:
    return main(["export", *words, "--data", str(data)])


def index(folder: Path) -> list[list[object]]:
    text = (folder / "said.js").read_bytes()
    listed: list[list[object]] = orjson.loads(
        text.removeprefix(b"const said = ").removesuffix(b";\n")
    )
    return listed


def test_a_room_is_written_with_its_files_and_nothing_of_others(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "out" / "pets"
    assert run(data, str(ALL_PETS), str(target)) == 0
    assert "3 messages" in capsys.readouterr().out
    page = (target / "page-1.html").read_text()
    for words in ("<em>", "Grüße from the café", "👍", 'id="m1"', "Not a secret"):
        assert words in page
    assert [row[1:3] for row in index(target)] == [
        *([1, "David"], [2, "Kevin"], [4, "JZ"]),
    ]
    assert index(target)[1][4] == "Grüße from the café moon.png page.html"
    (picture_file,) = (target / "files" / "1").iterdir()
    assert picture_file.read_bytes() == picture()
    everything = b"".join(
        path.read_bytes() for path in target.rglob("*") if path.is_file()
    )
    assert b"secret of the few" not in everything
    assert {path.name for path in target.iterdir()} == {
        *("index.html", "page-1.html", "said.js", "search.js", "style.css", "files"),
    }
    assert [path.name for path in target.parent.iterdir()] == ["pets"]


def test_what_somebody_wrote_is_what_they_can_still_see(
    data: Path, tmp_path: Path
) -> None:
    assert run(data, "--person", address("JZ"), str(tmp_path / "before")) == 0
    assert [row[4] for row in index(tmp_path / "before")] == [
        *("A secret of the few", "Not a secret"),
    ]
    assert "in Watercooler" in (tmp_path / "before" / "page-1.html").read_text()
    applied(data / exports.FILE, memberships.revoke, WATERCOOLER, (JZ,))
    assert run(data, "--person", address("JZ"), str(tmp_path / "after")) == 0
    assert [row[4] for row in index(tmp_path / "after")] == ["Not a secret"]
    assert "secret of the few" not in (tmp_path / "after" / "page-1.html").read_text()


def test_nothing_that_was_written_or_sent_can_run(data: Path, tmp_path: Path) -> None:
    assert run(data, str(ALL_PETS), str(tmp_path / "pets")) == 0
    page = (tmp_path / "pets" / "page-1.html").read_text()
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "default-src 'none'" in page
    assert '<span class="mention">@Kevin</span>' in page
    assert "/users/" not in page
    assert [path.name for path in (tmp_path / "pets/files/2").iterdir()] == [
        "page.html.bin"
    ]


@pytest.mark.parametrize(
    ("sent", "written"),
    [
        *(("a.png", "a.png"), ("A.PDF", "A.PDF"), ("notes.txt", "notes.txt")),
        *(("a.html", "a.html.bin"), ("a.svg", "a.svg.bin"), ("a", "a.bin")),
        *(("a.png.xhtml", "a.png.xhtml.bin"), ("é" * 120 + ".png", "é" * 100 + ".png")),
        ("x" * 200 + "." + "日" * 17, "x" * 200 + "." + "日" * 13 + ".bin"),
    ],
)
def test_a_name_that_a_browser_could_run_ends_otherwise(
    sent: str, written: str
) -> None:
    assert exports.inert(sent) == written
    assert exports.inert(files.clean(sent)) == written


def test_a_lost_file_is_named(data: Path, tmp_path: Path) -> None:
    for path in (data / exports.FILES).glob("??/*"):
        path.unlink()
    assert run(data, str(ALL_PETS), str(tmp_path / "pets")) == 0
    page = (tmp_path / "pets" / "page-1.html").read_text()
    assert "moon.png <small>missing</small>" in page


def test_many_messages_are_several_pages_in_order(data: Path, tmp_path: Path) -> None:
    def more(tx: Tx) -> None:
        for number in range(2 * exports.PAGE):
            draft = richtext.draft(f"Number {number}")
            messages.post(tx, JASON, ALL_PETS, draft, f"n{number}")

    applied(data / exports.FILE, more)
    assert run(data, str(ALL_PETS), str(tmp_path / "pets")) == 0
    listed = index(tmp_path / "pets")
    numbers = [int(str(row[1])) for row in listed]
    assert numbers == sorted(numbers)
    assert {row[0] for row in listed} == {1, 2, 3}
    second = (tmp_path / "pets" / "page-2.html").read_text()
    assert 'href="page-1.html"' in second and 'href="page-3.html"' in second
    assert "page-4.html" not in (tmp_path / "pets" / "page-3.html").read_text()


def test_an_empty_room_is_an_empty_export(data: Path, tmp_path: Path) -> None:
    assert run(data, "--person", address("Jason"), str(tmp_path / "out")) == 0
    assert index(tmp_path / "out") == []
    assert not (tmp_path / "out" / "page-1.html").exists()


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("99", "{}/new"), "There is no such room."),
        (("--person", "nobody@x.example", "{}/new"), "Nobody has this address."),
        (("1", "{}"), "exists already."),
    ],
)
def test_what_cannot_be_exported_is_refused(
    data: Path,
    tmp_path: Path,
    words: tuple[str, ...],
    reason: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run(data, *(word.format(tmp_path) for word in words)) == 1
    assert reason in capsys.readouterr().err
    assert not (tmp_path / "new").exists()


def test_a_direct_room_is_called_by_all_who_are_in_it(
    data: Path, tmp_path: Path
) -> None:
    room, _ = applied(data / exports.FILE, rooms.direct, DAVID, (JZ,))
    assert run(data, str(room.id), str(tmp_path / "ping")) == 0
    assert "David and JZ" in (tmp_path / "ping" / "index.html").read_text()


def test_what_somebody_wrote_is_one_file_that_leaves_nothing_behind(
    data: Path,
) -> None:
    before = sorted(data.rglob("*"))
    jz = looked(data / exports.FILE, users.find, JZ)
    with exports.zipped(data, jz) as file, zipfile.ZipFile(file) as archive:
        assert archive.testzip() is None
        names = set(archive.namelist())
        assert {"words/index.html", "words/page-1.html", "words/said.js"} <= names
        target = data.parent / "folder"
        exports.of_person(data, jz, target)
        written = {
            f"words/{path.relative_to(target)}": path.read_bytes()
            for path in target.rglob("*")
            if path.is_file()
        }
        assert {name: archive.read(name) for name in names} == written
    assert sorted(data.rglob("*")) == before


def test_a_disk_that_fills_meanwhile_is_no_bug(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The refusal is the kernel's own, for another file."""

    def full(*given: object) -> None:
        with open("/dev/full", "wb", buffering=0) as file:
            file.write(b"x")

    monkeypatch.setattr(zipfile.ZipFile, "write", full)
    before = sorted(data.rglob("*"))
    with pytest.raises(Full):
        exports.zipped(data, looked(data / exports.FILE, users.find, JZ))
    assert sorted(data.rglob("*")) == before


def test_where_files_cannot_be_linked_they_are_copied(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise OSError(18, "Invalid cross-device link")

    kevin = looked(data / exports.FILE, users.find, KEVIN)
    with exports.zipped(data, kevin) as file, zipfile.ZipFile(file) as linked:
        names = linked.namelist()
        monkeypatch.setattr(os, "link", refuse)
        with exports.zipped(data, kevin) as file, zipfile.ZipFile(file) as copied:
            assert copied.namelist() == names
            assert any(name.startswith("words/files/") for name in names)


def test_a_file_may_be_older_than_what_a_zip_has_a_date_for(data: Path) -> None:
    for path in (data / exports.FILES).rglob("*"):
        os.utime(path, (0, 0))
    kevin = looked(data / exports.FILE, users.find, KEVIN)
    with exports.zipped(data, kevin) as file, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        assert any(name.startswith("words/files/") for name in names)


def test_what_was_left_in_the_middle_is_taken_away(data: Path) -> None:
    left = data / f"{exports.UNFINISHED}x" / "words"
    left.mkdir(parents=True)
    (left / "index.html").touch()
    exports.discard_unfinished(data)
    assert not left.parent.exists()
    assert (data / exports.FILE).exists()
