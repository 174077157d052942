"""Decoding what somebody sent: small clean pictures come out, everything else fails.

Each picture goes through the process of its own that production uses.
"""

import io
import struct
import subprocess
import sys
import zlib
from typing import Any

import pytest
from PIL import Image

from campfire import pictures


def remade(
    data: bytes, shape: str = "square", size: int = 64, format: str = "WEBP"
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "campfire.pictures", shape, str(size), format],
        input=data,
        capture_output=True,
        timeout=30,
    )


def picture(
    width: int = 90, height: int = 60, format: str = "PNG", **options: object
) -> bytes:
    """Red on the left half, blue on the right."""
    image = Image.new("RGB", (width, height), "red")
    image.paste("blue", (width // 2, 0, width, height))
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def opened(done: subprocess.CompletedProcess[bytes]) -> Image.Image:
    assert done.returncode == 0, done.stderr
    return Image.open(io.BytesIO(done.stdout))


def chunk(kind: bytes, data: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + data))
    return struct.pack(">I", len(data)) + kind + data + checksum


def png(width: int, height: int, rows: bytes) -> bytes:
    """A grey picture that says this of itself, whatever is in it."""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = (chunk(b"IHDR", head), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("format", pictures.FORMATS)
def test_a_picture_becomes_a_small_square_of_its_middle(format: str) -> None:
    image = opened(remade(picture(format=format)))
    assert (image.format, image.size) == ("WEBP", (64, 64))
    left, right = (image.convert("RGB").getpixel((x, 32)) for x in (2, 61))
    assert isinstance(left, tuple) and isinstance(right, tuple)
    assert left[0] > 200 > 60 > left[2]
    assert right[2] > 200 > 60 > right[0]


@pytest.mark.parametrize(
    ("given", "made"),
    [((90, 60), (64, 43)), ((60, 90), (43, 64)), ((20, 10), (20, 10))],
)
def test_a_logo_is_made_to_fit_and_never_larger(
    given: tuple[int, int], made: tuple[int, int]
) -> None:
    image = opened(remade(picture(*given), "fit", 64, "PNG"))
    assert (image.format, image.size) == ("PNG", made)


def test_what_can_be_seen_through_stays_so() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (80, 80), (255, 0, 0, 0)).save(file, "PNG")
    image = opened(remade(file.getvalue(), "fit", 64, "PNG"))
    pixel = image.convert("RGBA").getpixel((10, 10))
    assert isinstance(pixel, tuple) and pixel[3] == 0


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(("shape", "made"), [("square", "WEBP"), ("fit", "PNG")])
def test_nothing_but_pixels_gets_through(format: str, shape: str, made: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "taken in the secret garden"
    exif.get_ifd(0x8825)[1] = "N"
    words: dict[str, Any] = {"exif": exif}
    if format == "JPEG":
        words["comment"] = b"secret comment"
    data = picture(format=format, icc_profile=b"secret profile", **words)
    assert b"secret" in data, "without it in the picture its absence means nothing"
    done = remade(data, shape, 64, made)
    image = opened(done)
    assert dict(image.getexif()) == {}
    assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()
    assert b"secret" not in done.stdout


def test_a_picture_taken_sideways_is_turned_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    data = picture(90, 60, "JPEG", exif=exif, quality=95)
    image = opened(remade(data, "fit", 64, "PNG"))
    assert image.size == (43, 64)


def test_of_many_frames_the_first_is_taken() -> None:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "blue")]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    image = opened(remade(file.getvalue()))
    pixel = image.convert("RGB").getpixel((32, 32))
    assert getattr(image, "n_frames", 1) == 1
    assert isinstance(pixel, tuple) and pixel[0] > 200


def test_twenty_five_megapixels_fit() -> None:
    image = opened(remade(picture(5000, 5000, "JPEG")))
    assert image.size == (64, 64)


@pytest.mark.parametrize(
    ("width", "height"),
    [(5001, 5000), (5000, 5001), (25_000_001, 1), (100_000, 100_000), (2**31 - 1,) * 2],
)
def test_a_larger_picture_is_refused_before_it_is_decoded(
    width: int, height: int
) -> None:
    done = remade(png(width, height, zlib.compress(b"\0" * 1000)))
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_bomb_takes_no_more_than_it_may() -> None:
    """A hundred megabytes of nothing in a hundred kilobytes, and a lie about it."""
    rows = zlib.compress(b"\0" * 100_000_000, 9)
    for size in ((10_000, 10_000), (16, 16)):
        done = remade(png(*size, rows))
        assert len(done.stdout) < 10_000
        assert done.returncode == (1 if size[0] > 5000 else 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"nonsense",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
        b"\xff\xd8\xff\xe0" + b"\0" * 100,
        b"RIFF\x10\0\0\0WEBPVP8 ",
        b'<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>',
        b"<script>alert(1)</script>",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n",
        picture(format="BMP"),
        picture(format="TIFF"),
        picture(format="ICO"),
        picture(format="PPM"),
        picture(format="PDF"),
        picture()[:-40],
        picture(format="JPEG")[:300],
        png(0, 0, b""),
        png(10, 10, b"junk"),
        b"\0" + picture(),
    ],
)
def test_what_is_no_picture_of_a_known_kind_fails_quietly(data: bytes) -> None:
    done = remade(data)
    assert (done.returncode, done.stdout) == (1, b"")


def test_the_process_may_not_take_much() -> None:
    """Its limits hold for itself: they are asked of a process that has set them."""
    script = (
        "import resource as r; from campfire import pictures; pictures.limit();"
        "print([r.getrlimit(n) for n in (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE)])"
    )
    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    memory, seconds = (pictures.MEMORY,) * 2, (pictures.CPU_SECONDS,) * 2
    assert said.stdout == f"{[memory, seconds, (0, 0)]}\n"
