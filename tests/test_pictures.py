"""The decoder of pictures: what it keeps, and what it refuses to open."""

import io

import pytest
from PIL import Image

from campfire import pictures


def test_a_picture_is_turned_the_right_way_up_and_loses_its_camera() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "A camera"
    data = io.BytesIO()
    Image.new("RGB", (40, 20), "blue").save(data, "JPEG", exif=exif)
    made = pictures.opened(data.getvalue())
    assert made.size == (20, 40)
    saved = io.BytesIO()
    made.save(saved, "PNG")
    assert b"A camera" not in saved.getvalue()


def test_too_many_pixels_are_refused_by_their_number() -> None:
    data = io.BytesIO()
    Image.new("1", (6_000, 5_000)).save(data, "PNG")
    with pytest.raises(ValueError, match="pixels"):
        pictures.opened(data.getvalue())


def test_a_format_is_known_by_its_content_and_only_four_are() -> None:
    data = io.BytesIO()
    Image.new("RGB", (4, 4)).save(data, "ICO")
    with pytest.raises(OSError):
        pictures.opened(data.getvalue())
