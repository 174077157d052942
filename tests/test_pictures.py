"""Decoding what somebody sent: small clean pictures come out, everything else fails.

Each picture goes through the process of its own that production uses.
"""

import io
import os
import shutil
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from campfire import pictures
from tests.samples import film, from_a_camera, picture, png


def remade(
    data: bytes, shape: str = "square", size: int = 64, format: str = "WEBP"
) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "campfire.pictures", shape, str(size), format],
        input=data,
        capture_output=True,
        timeout=30,
    )


def opened(done: subprocess.CompletedProcess[bytes]) -> Image.Image:
    assert done.returncode == 0, done.stderr
    return Image.open(io.BytesIO(done.stdout))


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


def previewed(
    data: bytes, *command: str, path: str | None = None
) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        return subprocess.run(
            [sys.executable, "-m", "campfire.pictures", *command],
            stdin=file,
            capture_output=True,
            timeout=30,
            env=os.environ | ({} if path is None else {"PATH": path}),
        )


def shown(done: subprocess.CompletedProcess[bytes]) -> tuple[bytes, Image.Image]:
    """The size that is said of the picture, and the small one."""
    assert done.returncode == 0, done.stderr
    size, _, small = done.stdout.partition(b"\n")
    return size, Image.open(io.BytesIO(small))


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ((90, 60), (90, 60)),
        ((2400, 1200), (1200, 600)),
        ((1200, 2400), (400, 800)),
        ((1, 30_000), (1, 800)),
    ],
)
def test_a_preview_fits_and_says_how_large_the_picture_is(
    given: tuple[int, int], made: tuple[int, int]
) -> None:
    size, image = shown(previewed(picture(*given), "preview"))
    assert size == b"%d %d" % given
    assert (image.format, image.size) == ("WEBP", made)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6])
def test_a_preview_is_upright_and_knows_nothing_of_the_camera(
    format: str, orientation: int
) -> None:
    done = previewed(from_a_camera(format, orientation), "preview")
    size, image = shown(done)
    assert image.size == ((90, 60) if orientation < 5 else (60, 90))
    assert size == b"%d %d" % image.size
    assert dict(image.getexif()) == {}
    assert not {"exif", "icc_profile", "xmp"} & image.info.keys()
    assert b"secret" not in done.stdout


@pytest.mark.parametrize(
    ("mode", "format"),
    [
        *(("1", "PNG"), ("L", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "PNG")),
        *(("I;16", "PNG"), ("L", "JPEG"), ("CMYK", "JPEG"), ("P", "GIF")),
    ],
)
def test_every_way_to_store_a_point_has_a_preview(mode: str, format: str) -> None:
    file = io.BytesIO()
    Image.new(mode, (80, 40)).save(file, format)
    size, _ = shown(previewed(file.getvalue(), "preview"))
    assert size == b"80 40"


@pytest.mark.parametrize(
    "data", [picture(format="BMP"), png(5001, 5000, b""), picture()[:-40], b"<svg/>"]
)
def test_what_cannot_be_decoded_has_no_preview(data: bytes) -> None:
    done = previewed(data, "preview")
    assert (done.returncode, done.stdout) == (1, b"")


def test_a_film_has_a_poster_where_ffmpeg_is(tmp_path: Path) -> None:
    """With the machine's own path it depends on the machine, and with none it fails."""
    done = previewed(film(), "poster", "matroska")
    if shutil.which("ffmpeg"):
        size, image = shown(done)
        assert size == b"90 60"
        pixel = image.convert("RGB").getpixel((5, 30))
        assert isinstance(pixel, tuple) and pixel[0] > 200 > 60 > pixel[2]
    else:
        assert (done.returncode, done.stdout) == (1, b"")
    without = previewed(film(), "poster", "matroska", path=str(tmp_path))
    assert (without.returncode, without.stdout) == (1, b"")


@pytest.mark.parametrize("container", ["matroska", "mov"])
@pytest.mark.parametrize(
    "data", [b"", b"junk", film()[:60], b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n"]
)
def test_what_is_no_film_has_no_poster(container: str, data: bytes) -> None:
    done = previewed(data, "poster", container)
    assert (done.returncode, done.stdout) == (1, b"")
