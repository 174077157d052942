"""Pictures: made small by another process, or refused in words."""

import io

import pytest
from PIL import Image

from campfire.refusals import Invalid
from campfire.web.pictures import remade


def picture(format: str, size: tuple[int, int] = (80, 40)) -> bytes:
    data = io.BytesIO()
    Image.new("RGB", size, "red").save(data, format)
    return data.getvalue()


@pytest.mark.parametrize("format", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_a_picture_becomes_a_square_without_anything_else(format: str) -> None:
    made = Image.open(io.BytesIO(await remade(picture(format), "square", 32, "WEBP")))
    assert (made.format, made.size) == ("WEBP", (32, 32))
    assert not made.getexif()


async def test_a_picture_that_fits_keeps_its_shape() -> None:
    made = Image.open(io.BytesIO(await remade(picture("PNG"), "fit", 20, "PNG")))
    assert made.size == (20, 10)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a picture",
        picture("PNG")[:40],
        picture("TIFF"),
        picture("BMP"),
        b'<svg xmlns="http://www.w3.org/2000/svg"/>',
    ],
    ids=["nothing", "words", "half", "tiff", "bmp", "svg"],
)
async def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(Invalid):
        await remade(data, "square", 32, "WEBP")


async def test_a_picture_of_too_many_pixels_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(Invalid):
        await remade(picture("PNG", (6_000, 5_000)), "square", 32, "WEBP")
