"""Pictures lose what a camera wrote into them, and not one pixel."""

import io
import subprocess
import sys
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from campfire import traces
from tests.samples import SECRET, chunk, from_a_camera, picture

FORMATS = ("JPEG", "PNG", "WEBP")


def bare(data: bytes) -> bytes:
    return b"".join(traces.pieces(data))


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


def test_a_progressive_photograph_with_a_thumbnail_is_understood() -> None:
    data = picture(900, 600, "JPEG", progressive=True, exif=b"Exif\0\0" + SECRET)
    left = bare(data)
    assert SECRET not in left
    assert upright(left).tobytes() == upright(data).tobytes()


def test_what_stands_after_the_end_goes() -> None:
    for format in FORMATS:
        data = picture(format=format)
        assert bare(data + b"<script>alert(1)</script>") == bare(data)


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\0\0", b"\xff\xd8\xff\xe1\xff\xff"),
        *(b"\x89PNG\r\n\x1a\n", b"\x89PNG\r\n\x1a\n\xff\xff\xff\xffIDAT"),
        *(b"RIFF\xff\xff\xff\xffWEBP", b"RIFF\x04\0\0\0WEBP", b"<svg/>", b"GIF89a"),
        *(picture(format=format)[:-40] for format in FORMATS),
    ],
)
def test_what_is_broken_is_refused(data: bytes) -> None:
    with pytest.raises((ValueError, IndexError)):
        bare(data)


@given(
    data=st.sampled_from([from_a_camera(format) for format in FORMATS]), at=st.data()
)
def test_a_changed_byte_is_no_other_fault(data: bytes, at: st.DataObject) -> None:
    place = at.draw(st.integers(0, len(data) - 1))
    value = at.draw(st.integers(0, 255))
    changed = data[:place] + bytes([value]) + data[place + 1 :]
    try:
        bare(changed)
    except (ValueError, IndexError):
        pass


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


def test_it_is_a_process_between_two_files() -> None:
    for data, status in ((from_a_camera(), 0), (b"junk", 1), (b"", 1)):
        with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as made:
            file.write(data)
            file.flush()
            command = [sys.executable, "-m", "campfire.traces"]
            done = subprocess.run(command, stdin=file, stdout=made, stderr=-3)
            made.seek(0)
            assert done.returncode == status
            assert made.read() == (bare(data) if status == 0 else b"")
