"""Bytes on the disk: whole under their key or not there, and for nobody else's eyes."""

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from campfire.storage import KEY, Storage


def kept(storage: Storage, data: bytes, thumbnail: bytes | None = None) -> str:
    incoming = storage.incoming()
    incoming.write(data)
    return storage.keep(incoming, thumbnail)


def read(storage: Storage, key: str, *, thumbnail: bool = False) -> bytes:
    with open(storage.opened(key, thumbnail=thumbnail), "rb") as file:
        return file.read()


def everything(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def grow_old(path: Path) -> None:
    os.utime(path, (0, 0))


def test_what_is_kept_can_be_read(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "files")
    key = kept(storage, b"large", b"small")
    assert KEY.fullmatch(key)
    assert read(storage, key) == b"large"
    assert read(storage, key, thumbnail=True) == b"small"
    assert len(everything(tmp_path)) == 2
    assert read(Storage(tmp_path / "files"), key) == b"large"


def test_it_is_measured_on_its_way(tmp_path: Path) -> None:
    incoming = Storage(tmp_path).incoming()
    for part in (b"one", b"two"):
        incoming.write(part)
    assert (incoming.size, incoming.sha256) == (6, hashlib.sha256(b"onetwo").digest())
    assert incoming.head(4) == b"onet"
    # As another process does it, which knows nothing of what was read here.
    os.pwrite(incoming.file.fileno(), b"another", 0)
    incoming.measure()
    assert (incoming.size, incoming.sha256) == (7, hashlib.sha256(b"another").digest())
    incoming.drop()


def test_what_is_dropped_is_gone_and_what_is_kept_stays(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    dropped, stays = storage.incoming(), storage.incoming()
    key = storage.keep(stays)
    for incoming in (dropped, stays, dropped):
        incoming.drop()
    assert [path.name for path in everything(tmp_path)] == [key]


def test_what_is_discarded_is_gone_with_its_thumbnail(tmp_path: Path) -> None:
    storage = Storage(tmp_path)
    key = kept(storage, b"large", b"small")
    for _ in range(2):
        storage.discard(key)
        assert everything(tmp_path) == []
    with pytest.raises(FileNotFoundError):
        storage.opened(key)


def test_nobody_else_on_the_machine_can_look(tmp_path: Path) -> None:
    mask = os.umask(0)
    storage = Storage(tmp_path / "files")
    kept(storage, b"large", b"small")
    os.umask(mask)
    for path in (tmp_path / "files").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o600 if path.is_file() else 0o700)


def test_a_link_in_the_place_of_a_file_is_not_followed(tmp_path: Path) -> None:
    storage = Storage(tmp_path / "files")
    key = kept(storage, b"large")
    (path,) = everything(tmp_path)
    secret = tmp_path / "secret"
    secret.write_text("of the operator")
    path.unlink()
    path.symlink_to(secret)
    with pytest.raises(FileNotFoundError):
        storage.opened(key)
    storage.discard(key)
    assert secret.exists()


@pytest.mark.parametrize(
    "key", ["", "../secret", "a" * 25, "A" * 26, "a" * 27, "/" * 26, "a" * 26 + "\n"]
)
def test_only_a_key_is_a_key(tmp_path: Path, key: str) -> None:
    with pytest.raises(FileNotFoundError):
        Storage(tmp_path).opened(key)


def test_what_another_run_left_is_told_from_what_this_one_writes(
    tmp_path: Path,
) -> None:
    before = Storage(tmp_path)
    old, half = kept(before, b"old", b"small"), before.incoming()
    for path in everything(tmp_path):
        grow_old(path)
    storage = Storage(tmp_path)
    new, half_new = kept(storage, b"new"), storage.incoming()
    assert [key for keys in storage.older() for key in keys] == [old]
    storage.discard_unfinished()
    assert not half.path.exists() and half_new.path.exists()
    assert read(storage, new) == b"new"
    half.drop()
    half_new.drop()


def test_what_is_finished_while_a_folder_is_listed_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = Storage(tmp_path)
    kept(before, b"old")
    half = before.incoming()
    for path in everything(tmp_path):
        grow_old(path)
    storage = Storage(tmp_path)

    @contextlib.contextmanager
    def listed(folder: Path) -> Iterator[Iterator[os.DirEntry[str]]]:
        with scandir(folder) as entries:
            names = list(entries)
        for name in names:
            os.unlink(name)
        yield iter(names)

    scandir = os.scandir
    monkeypatch.setattr(os, "scandir", listed)
    storage.discard_unfinished()
    assert [key for keys in storage.older() for key in keys] == []
    half.drop()
