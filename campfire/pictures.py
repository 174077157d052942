"""Decodes pictures that somebody sent, in a process of its own with hard limits.

`python -m campfire.pictures square|fit SIZE FORMAT` reads a picture on standard input
and writes a small new one: only pixels get through, no camera data, no second image.
`preview` and `poster mov|matroska|ogg` read a picture or a film and write a line with
its width and height, then a small WebP picture of it; films are decoded by ffmpeg.
"""

import io
import resource
import shutil
import subprocess
import sys
from typing import BinaryIO, Final

from PIL import Image, ImageOps

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS: Final = 25_000_000
# Twice what is shown, for screens with two points to a pixel.
PREVIEW: Final = (1200, 800)
MEMORY: Final = 512 * 1024 * 1024
CPU_SECONDS: Final = 10
SECONDS_IN: Final = ("1", "0")


def limit() -> None:
    """What a decoder that was fooled may take."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def checked(file: BinaryIO, formats: tuple[str, ...] = FORMATS) -> Image.Image:
    """Raises ValueError before decoding what is huge."""
    image = Image.open(file, formats=formats)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError("too many pixels")
    return image


def opened(data: bytes) -> Image.Image:
    """The first frame, right way up."""
    image = checked(io.BytesIO(data))
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.info.clear()  # Or a PNG is given the colour profile of what was sent.
    return upright


def square(data: bytes, size: int) -> Image.Image:
    return ImageOps.fit(opened(data), (size, size))


def fit(data: bytes, size: int) -> Image.Image:
    image = opened(data)
    image.thumbnail((size, size))
    return image


def preview(image: Image.Image) -> tuple[tuple[int, int], Image.Image]:
    """The size that the first frame has right way up, and a small one of it."""
    width, height = image.size
    if image.getexif().get(0x0112, 1) > 4:
        width, height = height, width
    if image.mode.startswith("I"):  # Sixteen bits for each point, of which eight show.
        image = image.point(lambda value: value / 256).convert("L")
    elif image.mode not in ("L", "RGB"):
        image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    else:
        image.draft(None, (2 * PREVIEW[0], 2 * PREVIEW[0]))
    # First small, then turned: turning copies every point.
    image.thumbnail((max(PREVIEW), max(PREVIEW)), reducing_gap=2.0)
    small = ImageOps.exif_transpose(image)
    small.thumbnail(PREVIEW)
    if small.mode == "L":
        small = small.convert("RGB")
    small.info.clear()
    return (width, height), small


def frame(container: str) -> bytes:
    """A frame near the beginning of the film on standard input.

    The container is given, so that no playlist is followed to other files or places.
    """
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        raise OSError("there is no ffmpeg")
    for second in SECONDS_IN:
        done = subprocess.run(
            [
                *(ffmpeg, "-nostdin", "-v", "error", "-threads", "1"),
                *("-protocol_whitelist", "file", "-f", container, "-ss", second),
                *("-i", "file:/proc/self/fd/0", "-an", "-sn", "-dn"),
                *("-frames:v", "1", "-c:v", "ppm", "-f", "image2pipe", "pipe:1"),
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if done.returncode == 0 and done.stdout:
            return done.stdout
    raise ValueError("there is no frame in it")


def main(arguments: list[str]) -> int:
    limit()
    made = sys.stdout.buffer
    try:
        match arguments:
            case ["preview"]:
                size, image = preview(checked(sys.stdin.buffer))
                made.write(b"%d %d\n" % size)
                image.save(made, "WEBP", quality=82)
            case ["poster", container]:
                film = io.BytesIO(frame(container))
                size, image = preview(checked(film, ("PPM",)))
                made.write(b"%d %d\n" % size)
                image.save(made, "WEBP", quality=82)
            case [shape, number, format]:
                data = sys.stdin.buffer.read()
                image = (square if shape == "square" else fit)(data, int(number))
                image.save(made, format)
            case _:
                return 2
    except (
        OSError,
        SyntaxError,
        ValueError,
        MemoryError,
        Image.DecompressionBombError,
    ):
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
