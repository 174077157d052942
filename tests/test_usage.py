"""`campfire usage`, for the operator."""

from pathlib import Path

import pytest

from campfire import usage
from campfire.__main__ import main
from campfire.database import applied
from tests.chat.test_files import sent, stored
from tests.conftest import WATERCOOLER, set_the_stage


def test_it_prints_what_takes_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / usage.FILE
    applied(file, set_the_stage)
    applied(file, lambda tx: sent(tx, stored(size=2_500_000), room_id=WATERCOOLER))
    assert main(["usage", "--data", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "Watercooler\t2.5 MB\t1\t1" in lines
    assert "JZ\t2.5 MB\t1\t1" in lines
    assert "image\t2.5 MB\t1\t0" in lines
    assert lines[1].startswith("Free\t")


def test_there_is_nothing_in_an_empty_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["usage", "--data", str(tmp_path)]) == 1
    assert "There is no Campfire" in capsys.readouterr().err


def test_it_says_what_a_room_would_lose(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / usage.FILE
    applied(file, set_the_stage)
    applied(file, lambda tx: sent(tx, stored(size=2_500_000), room_id=WATERCOOLER))
    room = ["usage", "--data", str(tmp_path), "--room", str(WATERCOOLER)]
    assert main([*room, "--older-than", "1"]) == 0
    assert capsys.readouterr().out == "0 messages\t0 files\t0.0 MB\n"
    assert main([*room, "--older-than", "0"]) == 0
    assert capsys.readouterr().out == "1 messages\t1 files\t2.5 MB\n"
