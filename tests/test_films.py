"""Films in boxes lose what a device said beside them, and play as they did."""

import contextlib
import io
import shutil
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from campfire import films
from tests.movies import MADE_AT, box, full_box, longs, movie, shorts, tables, track
from tests.samples import SECRET, from_a_camera, picture, vp8

WHOLE, CUT = movie(SECRET), movie(SECRET, is_cut=True)
STILL = from_a_camera("AVIF")
FFMPEG = shutil.which("ffmpeg")


def cleaned(data: bytes) -> bytes:
    made = bytearray(data)
    for at, written, zeros in films.changes(data):
        assert 0 <= at and at + len(written) + zeros <= len(data)
        made[at : at + len(written) + zeros] = written + bytes(zeros)
    assert len(made) == len(data)
    return bytes(made)


def places(data: bytes, part: bytes) -> list[int]:
    found, at = [], -1
    while (at := data.find(part, at + 1)) >= 0:
        found.append(at)
    return found


def moov_first(data: bytes, brand: bytes = b"isom") -> bytes:
    """What is at the end comes to the front, and every place that is named moves."""
    head, mdat = data.index(b"mdat") - 4, data.index(b"moov") - 4
    moov = data[mdat:]
    for at in places(moov, b"stco"):
        count = struct.unpack_from(">I", moov, at + 8)[0]
        table = struct.unpack_from(f">{count}I", moov, at + 12)
        moved = longs(*(place + len(moov) for place in table))
        moov = moov[: at + 12] + moved + moov[at + 12 + 4 * count :]
    return data[:head] + moov + data[head:mdat]


@pytest.mark.parametrize(
    "data", [WHOLE, CUT, movie(SECRET, b"qt  "), moov_first(WHOLE)]
)
def test_place_time_and_device_go_and_every_frame_stays_where_it_was(
    data: bytes,
) -> None:
    assert SECRET in data and longs(MADE_AT) in data and b"GPS " in data
    left = cleaned(data)
    for said in (SECRET, SECRET[:4], longs(MADE_AT), b"GPS ", b"gpmd", b"\xa9xyz"):
        assert said not in left
    assert len(places(left, vp8())) == 3
    assert places(left, vp8()) == places(data, vp8())
    assert cleaned(left) == left, "there is nothing more to take"


@pytest.mark.parametrize("is_cut", [False, True])
def test_a_film_without_traces_loses_only_when_it_was_made(is_cut: bool) -> None:
    data = movie(is_cut=is_cut)
    assert cleaned(data) == data.replace(longs(MADE_AT), bytes(4))


def between(*said: bytes, tables: Callable[[int], list[bytes]]) -> bytes:
    """What is left of the samples of a track of sound with these tables."""
    head = box(b"ftyp", b"qt  ", longs(0))
    mdat = struct.pack(">I4sQ", 1, b"mdat", 16 + len(b"".join(said)))
    at = len(head + mdat)
    moov = box(b"moov", track(1, b"soun", tables(at)))
    left = cleaned(head + mdat + b"".join(said) + moov)
    return left[at : at + len(b"".join(said))]


def sound(*more: bytes, channels: int = 1) -> list[bytes]:
    """One chunk of three samples, which the other tables place and measure."""
    about = bytes(6) + shorts(1) + bytes(8) + shorts(channels, 16) + bytes(8)
    described = full_box(b"stsd", longs(1), box(b"sowt", about))
    return [described, full_box(b"stsc", longs(1, 1, 3, 1)), *more]


def test_places_and_sizes_may_be_long_or_short() -> None:
    def stco(at: int) -> bytes:
        return full_box(b"stco", longs(1, at))

    def co64(at: int) -> bytes:
        return full_box(b"co64", longs(1), struct.pack(">Q", at))

    short = full_box(b"stz2", longs(8, 3), bytes((2, 5, 3)))
    wide = full_box(b"stz2", longs(16, 3), shorts(2, 5, 3))
    each = full_box(b"stsz", longs(0, 3, 2, 5, 3))
    for place in (stco, co64):
        for sizes in (short, wide, each):
            left = between(
                b"aaBBBBBccc", SECRET, tables=lambda at: sound(place(at), sizes)
            )
            assert left == b"aaBBBBBccc" + bytes(len(SECRET))


def test_sound_that_is_not_compressed_stays_whole() -> None:
    """Old programs say that a sample is a byte, and mean a moment of all channels."""
    stsz = full_box(b"stsz", longs(1, 3))
    left = between(
        b"aaAAbbBBccCC",
        SECRET,
        tables=lambda at: sound(stsz, full_box(b"stco", longs(1, at)), channels=2),
    )
    assert left == b"aaAAbbBBccCC" + bytes(len(SECRET))


def with_words(words: bytes) -> bytes:
    """A film with a subtitle."""
    data = movie()
    at = len(data) + 8
    told = track(2, b"sbtl", tables(box(b"tx3g", bytes(38)), [(at, len(words))]))
    moov = data.index(b"moov") - 4
    grown = longs(len(data) - moov + len(told)) + data[moov + 4 :] + told
    # The words lie behind what grew.
    grown = grown.replace(longs(1, at), longs(1, at + len(told)))
    return data[:moov] + grown + box(b"mdat", words)


def test_subtitles_stay_unless_they_say_where() -> None:
    spoken, flown = b"Hello there", b"HOME(149.02,-20.25) F/2.8"
    for words, is_kept in ((spoken, True), (flown, False), (b"[latitude: 4]", False)):
        data = with_words(words)
        assert words in data
        left = cleaned(data)
        assert (words in left, b"sbtl" in left) == (is_kept, is_kept)
        assert len(places(left, vp8())) == 3


def test_a_film_that_was_cut_off_plays_as_far_as_it_goes() -> None:
    data = moov_first(WHOLE)
    end = places(data, vp8())[1] + len(vp8())
    left = cleaned(data[: end + 10])
    assert SECRET[:4] not in left
    assert len(places(left, vp8())) == 2


@pytest.mark.parametrize(
    "after",
    [SECRET, b"\0\0\0\x03" + SECRET, box(b"sefd", SECRET), bytes(4) + b"skip" + SECRET],
)
def test_what_stands_after_the_film_goes(after: bytes) -> None:
    for data in (WHOLE, CUT):
        left = cleaned(data + after)
        assert SECRET not in left
        assert len(places(left, vp8())) == 3


def test_a_frame_outside_of_the_box_for_it_stays() -> None:
    data = WHOLE.replace(b"mdat", b"junk")
    left = cleaned(data)
    assert places(left, vp8()) == places(data, vp8())
    assert SECRET not in left


def said_of(image: bytes) -> tuple[dict[int, object], object, bytes]:
    picture = Image.open(io.BytesIO(image))
    picture.load()
    return dict(picture.getexif()), picture.info.get("xmp"), picture.tobytes()


def test_a_picture_in_boxes_loses_what_is_said_of_it() -> None:
    data = STILL
    assert said_of(data)[0] and SECRET in data
    left = cleaned(data)
    assert SECRET not in left
    assert said_of(left) == ({}, None, said_of(data)[2])
    assert cleaned(left) == left
    plain = picture(format="AVIF")
    assert said_of(cleaned(plain)) == said_of(plain)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"junk", b"\0\0\0\x18ftypmp42" + b"j" * 99, box(b"moov")),
        *(box(b"ftyp", b"isom") + box(b"mdat", bytes(9)), WHOLE[:-100], WHOLE[:200]),
        box(b"moov", box(b"trak", box(b"mdia", full_box(b"hdlr", b"vide")))),
        box(b"moov", box(b"cmov", box(b"cmvd", SECRET))),
        movie().replace(b"vide", b"meta"),
        movie().replace(b"stsc", b"free"),
        movie().replace(b"stsz" + longs(0, 0, 3), b"stsz" + longs(0, 0, 4)),
        box(b"meta", full_box(b"hdlr", longs(0), b"pict"), bytes(4)),
    ],
)
def test_what_is_no_film_is_left_alone(data: bytes) -> None:
    with pytest.raises(ValueError):
        films.changes(data)


@pytest.mark.parametrize("most", ["MOST_BOXES", "MOST_NUMBERS"])
@pytest.mark.parametrize("data", [WHOLE, CUT, STILL])
def test_what_is_without_end_is_no_film(
    data: bytes, most: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cleaned(data)
    monkeypatch.setattr(films, most, 2 if most == "MOST_BOXES" else 0)
    if data == CUT and most == "MOST_NUMBERS":
        return
    with pytest.raises(ValueError, match="too many"):
        cleaned(data)


def test_items_of_no_length_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take no room in the file, so its size does not bound them."""
    item = shorts(1, 0, 0xFFFF)
    meta = full_box(
        b"meta",
        full_box(b"hdlr", longs(0), b"pict", bytes(13)),
        full_box(b"iinf", shorts(0)),
        full_box(b"iloc", shorts(0, 2000), item * 2000),
    )
    monkeypatch.setattr(films, "MOST_NUMBERS", 100_000)
    with pytest.raises(ValueError, match="too many"):
        films.changes(box(b"ftyp", b"heic") + meta)


ODD = st.sampled_from(
    [bytes(4), longs(1), longs(7), longs(2**31), longs(2**32 - 1), b"\xff", b"moov"]
)


@given(
    st.sampled_from([WHOLE, CUT, STILL]),
    st.data(),
)
def test_what_is_broken_somewhere_is_a_film_or_none(
    data: bytes, draw: st.DataObject
) -> None:
    """Whatever stands in it, nothing is written beside it and nothing else raised."""
    made = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(made)))
        what = draw.draw(ODD | st.binary(max_size=8))
        made[at : at + draw.draw(st.sampled_from([0, len(what)]))] = what
    made = made[: draw.draw(st.integers(0, len(made)) | st.just(len(made)))]
    with contextlib.suppress(ValueError):
        cleaned(bytes(made))


@pytest.mark.skipif(FFMPEG is None, reason="it takes ffmpeg to make these")
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", []),
        ("a.mp4", ["-movflags", "faststart+use_metadata_tags"]),
        ("a.mp4", ["-movflags", "frag_keyframe+empty_moov"]),
        ("a.mp4", ["-movflags", "cmaf+frag_every_frame"]),
        ("a.mp4", ["-movflags", "frag_keyframe+separate_moof+omit_tfhd_offset"]),
        ("a.mov", ["-c:a", "pcm_s16le", "-timecode", "01:02:03:04"]),
        ("a.mov", ["-c:v", "mjpeg", "-c:a", "adpcm_ima_qt"]),
        ("a.m4a", ["-vn", "-c:a", "alac"]),
    ],
)
def test_films_of_a_real_program_play_as_they_did(
    name: str, options: list[str], tmp_path: Path
) -> None:
    def ffmpeg(*arguments: object) -> bytes:
        command = [str(FFMPEG), "-v", "error", "-y", *map(str, arguments)]
        return subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout

    given, left = tmp_path / name, tmp_path / f"left-{name}"
    said = ["-metadata", f"comment={SECRET.decode()}"]
    made_at = ["-metadata", "creation_time=2024-05-05T10:00:00Z"]
    seen = ["-f", "lavfi", "-i", "testsrc=d=1:s=64x48:r=8"]
    heard = ["-f", "lavfi", "-i", "sine=d=1"]
    ffmpeg(*seen, *heard, *said, *made_at, "-g", "4", *options, given)
    assert SECRET in given.read_bytes()
    left.write_bytes(cleaned(given.read_bytes()))
    assert SECRET not in left.read_bytes()
    frames = ["-map", "0:v?", "-map", "0:a?", "-f", "framemd5", "-"]
    assert ffmpeg("-i", given, *frames) == ffmpeg("-i", left, *frames)
