"""Pictures and films lose what a camera wrote into them, and not one pixel."""

import contextlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from campfire import traces
from tests.movies import movie
from tests.samples import SECRET, chunk, film, from_a_camera, moving, picture

FORMATS = ("JPEG", "PNG", "WEBP")


def bare(data: bytes) -> bytes:
    left = traces.pieces(data)
    assert left is not None
    return b"".join(left)


def upright(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data))
    image.load()
    return ImageOps.exif_transpose(image)


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_place_and_device_go_and_the_picture_stays(
    format: str, orientation: int
) -> None:
    data = from_a_camera(format, orientation)
    left = bare(data)
    assert SECRET not in left
    image = Image.open(io.BytesIO(left))
    expected = {} if orientation == 1 else {0x0112: orientation}
    assert dict(image.getexif()) == expected
    assert upright(left).tobytes() == upright(data).tobytes()
    assert bare(left) == left, "there is nothing more to take"


@pytest.mark.parametrize("format", FORMATS)
def test_a_picture_without_traces_stays_as_it_is(format: str) -> None:
    data = picture(format=format)
    assert upright(bare(data)).tobytes() == upright(data).tobytes()
    assert len(bare(data)) == len(data)


@pytest.mark.parametrize("format", FORMATS)
def test_colours_stay_as_they_are_meant(format: str) -> None:
    data = picture(format=format, icc_profile=b"a profile")
    assert Image.open(io.BytesIO(bare(data))).info["icc_profile"] == b"a profile"


def test_every_frame_of_a_moving_picture_stays() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    for format in ("PNG", "WEBP"):
        file = io.BytesIO()
        frames[0].save(file, format, save_all=True, append_images=frames[1:])
        image = Image.open(io.BytesIO(bare(file.getvalue())))
        assert getattr(image, "n_frames", 1) == 2


def test_a_gif_loses_what_is_said_in_it_and_plays_as_often() -> None:
    data = moving(SECRET)
    assert data.count(SECRET) == 2
    left = bare(data + SECRET)
    assert SECRET not in left and b"XMP" not in left
    image = Image.open(io.BytesIO(left))
    assert (image.info["loop"], getattr(image, "n_frames", 1)) == (0, 2)
    assert left == bare(moving()) == moving()
    assert bare(picture(format="GIF")) == picture(format="GIF")


def test_a_progressive_photograph_with_a_thumbnail_is_understood() -> None:
    data = picture(900, 600, "JPEG", progressive=True, exif=b"Exif\0\0" + SECRET)
    left = bare(data)
    assert SECRET not in left
    assert upright(left).tobytes() == upright(data).tobytes()


def test_what_stands_after_the_end_goes() -> None:
    for format in FORMATS:
        data = picture(format=format)
        assert bare(data + b"<script>alert(1)</script>") == bare(data)


@pytest.mark.parametrize("format", [*FORMATS, "GIF"])
def test_what_is_cut_off_loses_its_traces_too(format: str) -> None:
    data = from_a_camera(format)
    end = len(bare(data)) // 2
    while SECRET not in data[:end]:
        end += 10
    left = bare(data[: max(end, len(data) * 2 // 3)])
    assert SECRET not in left


def test_junk_between_the_parts_of_a_photograph_goes() -> None:
    data = from_a_camera("JPEG")
    at = data.index(b"\xff\xe1")
    assert bare(data[:at] + SECRET + b"\xff\0" + data[at:]) == bare(data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\0", b"\xff\xd8\xff\xe1\xff\xff"),
        *(b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIEND"),
        *(b"RIFF\xff\xff\xff\xffWEBP", b"RIFF\x04\0\0\0WEBP", b"GIF89a"),
        *(moving(SECRET)[:40], picture(format="JPEG")[:60]),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        bare(data)


def test_what_is_without_end_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    data = moving(SECRET * 100)
    bare(data)
    monkeypatch.setattr(traces, "MOST_BLOCKS", 10)
    with pytest.raises(ValueError, match="too many"):
        bare(data)


@given(
    st.sampled_from([from_a_camera(format) for format in (*FORMATS, "GIF")]),
    st.data(),
)
def test_what_is_broken_somewhere_is_a_picture_or_none(
    data: bytes, draw: st.DataObject
) -> None:
    changed = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 3))):
        at = draw.draw(st.integers(0, len(changed)))
        what = draw.draw(st.binary(max_size=8))
        changed[at : at + draw.draw(st.sampled_from([0, len(what)]))] = what
    with contextlib.suppress(ValueError):
        left = traces.pieces(bytes(changed))
        assert left is None or len(b"".join(left)) < len(changed) + 100


@pytest.mark.parametrize(
    "exif",
    [
        *(b"", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II*\0\xff\xff\xff\xff"),
        b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x09\0\0\0",
    ],
)
def test_camera_data_that_makes_no_sense_turns_nothing(exif: bytes) -> None:
    data = picture()
    left = bare(data[:-12] + chunk(b"eXIf", exif) + data[-12:])
    assert left == bare(data)


def ran(data: bytes) -> tuple[int, bytes, bytes]:
    """How the process ends, what the file is then, and what it wrote."""
    with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as made:
        file.write(data)
        file.flush()
        command = [sys.executable, "-m", "campfire.traces"]
        done = subprocess.run(command, stdin=file, stdout=made, stderr=-3)
        file.seek(0)
        made.seek(0)
        return done.returncode, file.read(), made.read()


def test_a_process_copies_what_is_left_of_a_picture() -> None:
    for data in (from_a_camera(), moving(SECRET)):
        assert ran(data) == (0, data, bare(data))


@pytest.mark.parametrize(
    "data", [movie(SECRET), film(said=SECRET), from_a_camera("AVIF")]
)
def test_a_process_changes_a_film_where_it_lies(data: bytes) -> None:
    status, left, made = ran(data)
    assert (status, made) == (0, b"")
    assert SECRET in data and SECRET not in left
    assert len(left) == len(data)


@pytest.mark.parametrize("data", [b"", b"junk", b"<svg/>", movie(SECRET)[:-100]])
def test_a_process_leaves_alone_what_it_does_not_understand(data: bytes) -> None:
    assert ran(data) == (traces.NOT_UNDERSTOOD, data, b"")


def test_much_is_overwritten_bit_by_bit(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"x" * (2 * traces.BIT + 10))
    with path.open("r+b") as file:
        traces.overwrite(file, [(2, b"free", 2 * traces.BIT), (0, b"", 0)])
    assert path.read_bytes() == b"xxfree" + bytes(2 * traces.BIT) + b"x" * 4
