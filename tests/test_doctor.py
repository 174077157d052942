"""What operators get wrong is said, each in one line."""

import os
import resource
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from campfire import archive, doctor, moments, nights
from campfire.__main__ import main
from campfire.archive import Archive
from campfire.chat import health, messages, richtext
from campfire.config import Config
from campfire.database import Tx, applied
from tests.conftest import ALL_PETS, KEVIN, set_the_stage


@pytest.fixture
def data(tmp_path: Path) -> Path:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    before = os.umask(0o077)
    applied(data / doctor.FILE, set_the_stage)
    os.umask(before)
    return data


def test_a_line_for_each_and_all_is_well(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ENOUGH_DESCRIPTORS", 1)
    assert main(["doctor", "--data", str(data)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        f"ok    {name}" for name in doctor.LOOKS
    ]


def test_what_is_wrong_is_said_and_the_exit_code_is_1(
    data: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "ENOUGH_DESCRIPTORS", 1)
    data.chmod(0o755)
    assert main(["doctor", "--data", str(data)]) == 1
    said = capsys.readouterr()
    assert f"WRONG permissions: {data} is open to others: chmod go= {data}" in said.out
    assert said.out.count("WRONG") == 1
    assert said.err == "campfire: One is wrong.\n"


def test_a_file_that_others_can_read_is_named(data: Path) -> None:
    (data / doctor.FILE).chmod(0o644)
    assert (
        f"{doctor.FILE} is open to others" in doctor.permissions(Config(data=data))[0]
    )


def test_a_folder_that_is_not_there_yet_is_well(tmp_path: Path) -> None:
    config = Config(data=tmp_path / "nowhere")
    for name in ("permissions", "disk space", "clock", "keys"):
        said, is_well = doctor.LOOKS[name](config)
        assert is_well, said
    assert not (tmp_path / "nowhere").exists()


def test_a_disk_without_room_for_two_databases_is_small(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert doctor.space(Config(data=data))[1]
    monkeypatch.setattr(doctor, "LEAST_FREE", 1 << 80)
    said, is_well = doctor.space(Config(data=data))
    assert not is_well and "MB are wanted" in said


def test_a_clock_that_was_set_back_is_noticed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def post(tx: Tx) -> None:
        messages.post(tx, KEVIN, ALL_PETS, richtext.draft("Hello"), "x")

    applied(data / doctor.FILE, post)
    now = time.time()
    assert doctor.clock(Config(data=data))[1]
    monkeypatch.setattr(time, "time", lambda: now - 86_400)
    assert "from the future" in doctor.clock(Config(data=data))[0]
    monkeypatch.setattr(time, "time", lambda: 0)
    assert "long past" in doctor.clock(Config(data=data))[0]


def test_a_key_that_others_can_read_is_named(data: Path) -> None:
    (data / "push-keys.json").touch(mode=0o600)
    assert doctor.keys(Config(data=data)) == (
        "1 beside the database, for this account alone",
        True,
    )
    (data / "push-keys.json").chmod(0o640)
    assert "push-keys.json can be read by others" in doctor.keys(Config(data=data))[0]
    (data / "push-keys.json").unlink()
    assert "short" in doctor.keys(Config(data=data, metrics_token="secret"))[0]


@pytest.mark.parametrize(
    ("settings", "is_well", "words"),
    [
        ({}, True, "the address of this machine"),
        ({"origin": "https://chat.example"}, False, "CAMPFIRE_TRUSTED_PROXIES"),
        ({"trusted_proxies": (ip_network("127.0.0.1"),)}, False, "CAMPFIRE_ORIGIN"),
        ({"host": "0.0.0.0"}, False, "any name is taken"),
        (
            {
                "origin": "https://chat.example",
                "base": "/chat",
                "trusted_proxies": (ip_network("127.0.0.1"),),
            },
            True,
            "https://chat.example/chat",
        ),
    ],
)
def test_a_proxy_is_told_of_in_both_settings(
    settings: dict[str, Any], is_well: bool, words: str
) -> None:
    said, well = doctor.proxy(Config(**settings))
    assert well is is_well
    assert words in said


def test_few_descriptors_are_few_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (1024, 4096))
    assert doctor.descriptors(Config()) == (
        "only 1024 may be open, one for each window: ulimit -n 4096",
        False,
    )


def test_the_archive_says_how_far_it_reaches(data: Path) -> None:
    said, is_well = doctor.kept_since(Config(data=data))
    assert is_well and "off" in said
    config = Config(data=data, archive=True)
    said, is_well = doctor.kept_since(config)
    assert is_well and "nothing yet" in said
    kept = Archive(data / doctor.FILE, data / "backups" / archive.FOLDER)
    applied(data / doctor.FILE, health.write)
    assert kept.look()
    kept.close()
    said, is_well = doctor.kept_since(config)
    assert is_well and moments.said(kept.reached) in said
    assert "waits for the next backup" in said


def test_a_night_without_a_backup_is_noticed(data: Path) -> None:
    config = Config(data=data)
    assert doctor.copies(config) == (
        "none yet; the first is made ten minutes after the start",
        True,
    )
    made = datetime.now(UTC) - timedelta(days=3)
    (data / "backups" / made.strftime(nights.FORMAT)).mkdir(parents=True)
    said, is_well = doctor.copies(config)
    assert not is_well and f"{made:%Y-%m-%d}" in said
    fresh = datetime.now(UTC) - timedelta(hours=9)
    (data / "backups" / fresh.strftime(nights.FORMAT)).mkdir()
    said, is_well = doctor.copies(config)
    assert is_well and "opened and verified" in said
    said, is_well = doctor.copies(Config(data=data, backups=None))
    assert is_well and "off" in said
