"""Decodes pictures that somebody sent, in a process of its own with hard limits.

`python -m campfire.pictures square|fit SIZE FORMAT` reads a picture on standard input
and writes a small new one: only pixels get through, no camera data, no second image.
"""

import io
import resource
import sys
from typing import Final

from PIL import Image, ImageOps

FORMATS: Final = ("PNG", "JPEG", "GIF", "WEBP")
MOST_PIXELS: Final = 25_000_000
MEMORY: Final = 512 * 1024 * 1024
CPU_SECONDS: Final = 10


def limit() -> None:
    """What a decoder that was fooled may take."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def opened(data: bytes) -> Image.Image:
    """The first frame, right way up. Raises ValueError before decoding what is huge."""
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise ValueError("too many pixels")
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    upright.info.clear()  # Or a PNG is given the colour profile of what was sent.
    return upright


def square(data: bytes, size: int) -> Image.Image:
    return ImageOps.fit(opened(data), (size, size))


def fit(data: bytes, size: int) -> Image.Image:
    image = opened(data)
    image.thumbnail((size, size))
    return image


def main(arguments: list[str]) -> int:
    limit()
    shape, size, format = arguments
    data = sys.stdin.buffer.read()
    try:
        image = (square if shape == "square" else fit)(data, int(size))
        image.save(sys.stdout.buffer, format)
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
