"""Administration without a browser, while nobody and while the server runs."""

import io
from pathlib import Path

import pytest

from campfire import people
from campfire.__main__ import main
from campfire.chat import passwords, users
from campfire.database import connect, looked, migrate
from tests.conftest import PASSWORD


@pytest.fixture
def data(tmp_path: Path) -> Path:
    path = tmp_path / people.FILE
    connection = connect(path)
    migrate(connection, path)
    connection.close()
    return tmp_path


def run(data: Path, *words: str) -> int:
    return main(["users", *words, "--data", str(data)])


def test_somebody_is_added_listed_and_promoted(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert run(data, "add", "Kevin@X.example", "--name", "Kevin") == 0
    assert run(data, "promote", "kevin@x.example") == 0
    capsys.readouterr()
    assert run(data, "list") == 0
    assert capsys.readouterr().out == "kevin@x.example\tadministrator\tKevin\n"
    known = looked(data / people.FILE, users.credentials, "kevin@x.example")
    assert known and passwords.matches(PASSWORD, known.password_hash)


def test_a_password_that_is_not_given_is_made_and_printed(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert run(data, "add", "kevin@x.example") == 0
    first = capsys.readouterr().out
    assert run(data, "reset-password", "kevin@x.example") == 0
    made = capsys.readouterr().out
    assert first.startswith("password: ") and made.startswith("password: ")
    assert first != made
    known = looked(data / people.FILE, users.credentials, "kevin@x.example")
    password = made.removeprefix("password: ").strip()
    assert known and passwords.matches(password, known.password_hash)


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password1", "Too many people use this one."),
        ("kevin@x.example", "Do not use your address."),
        ("Kevin Lee", "Do not use your name."),
    ],
)
@pytest.mark.parametrize("action", ["add", "reset-password"])
def test_what_is_guessed_first_is_refused_to_the_operator_too(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
    password: str,
    reason: str,
) -> None:
    name: tuple[str, ...] = ("--name", "Kevin Lee")
    if action == "reset-password":
        monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
        assert run(data, "add", "kevin@x.example", *name) == 0
        name = ()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    assert run(data, action, "kevin@x.example", *name) == 1
    assert reason in capsys.readouterr().err


@pytest.mark.parametrize("action", ["promote", "reset-password"])
def test_nobody_by_that_address_is_one_line_and_exit_1(
    data: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    action: str,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSWORD}\n"))
    assert run(data, action, "nobody@x.example") == 1
    assert capsys.readouterr().err == "campfire: Nobody has this address.\n"


def test_a_folder_without_a_campfire_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "list") == 1
    assert "There is no Campfire" in capsys.readouterr().err
