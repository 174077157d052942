"""The sounds of `/play`: the same files each time, loud enough and no louder."""

import array
import wave
from pathlib import Path

import pytest

from campfire import sounds
from campfire.sounds import RATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sounds")
    sounds.write(folder)
    return folder


def frames(path: Path) -> "array.array[int]":
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, RATE)
        read = array.array("h")
        read.frombytes(file.readframes(file.getnframes()))
    return read


@pytest.mark.parametrize("name", sounds.SOUNDS)
def test_a_sound_is_short_and_can_be_heard(folder: Path, name: str) -> None:
    heard = frames(folder / f"{name}.wav")
    assert 0.5 <= len(heard) / RATE <= 2.5
    loudest = max(map(abs, heard))
    assert 10_000 < loudest <= 27_000, "neither clipped nor lost"
    average = (sum(frame * frame for frame in heard) / len(heard)) ** 0.5
    assert 1_000 < average < 7_000
    assert abs(sum(heard) / len(heard)) < 200, "it rests at silence"


@pytest.mark.parametrize("name", sounds.SOUNDS)
def test_a_sound_begins_and_ends_in_silence(folder: Path, name: str) -> None:
    heard = frames(folder / f"{name}.wav")
    assert heard[0] == heard[-1] == 0
    for edge in (heard[:20], heard[-20:]):
        assert max(map(abs, edge)) < max(map(abs, heard)) / 4, "no click"


def test_the_same_bytes_are_made_every_time(folder: Path) -> None:
    for path in folder.glob("*.wav"):
        assert frames(path) == sounds.finished(sounds.SOUNDS[path.stem]())
        assert path.read_bytes() == (sounds.FOLDER / path.name).read_bytes()


def test_all_of_them_are_little_to_keep_in_memory(folder: Path) -> None:
    sizes = [path.stat().st_size for path in folder.glob("*.wav")]
    assert len(sizes) == len(sounds.SOUNDS) >= 20
    assert sum(sizes) < 1_100_000


def test_what_is_no_sound_now_is_removed(folder: Path) -> None:
    (folder / "dodo.wav").touch()
    (folder / ".made").touch()
    sounds.write(folder)
    assert {path.stem for path in folder.glob("*.wav")} == sounds.SOUNDS.keys()
    assert (folder / ".made").exists()
