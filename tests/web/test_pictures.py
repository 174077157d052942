"""Pictures from a form: made small and clean, or refused in words."""

import asyncio
import io
import time

import pytest
from PIL import Image

from campfire.refusals import Invalid
from campfire.web import pictures


def picture(format: str = "PNG", size: int = 90) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(file, format)
    return file.getvalue()


async def test_a_picture_is_made_anew() -> None:
    for shape, format in (("square", "WEBP"), ("fit", "PNG")):
        made = await pictures.remade(
            picture(), "square" if shape == "square" else "fit", 64, format
        )
        image = Image.open(io.BytesIO(made))
        assert (image.format, image.size) == (format, (64, 64))


@pytest.mark.parametrize("data", [b"", b"nonsense", b"<svg/>", picture("BMP")])
async def test_what_is_no_picture_is_refused_in_words(data: bytes) -> None:
    with pytest.raises(Invalid) as refused:
        await pictures.remade(data, "square", 64, "WEBP")
    assert refused.value.errors.keys() == {"picture"}


async def test_many_at_once_are_all_made() -> None:
    made = await asyncio.gather(
        *(pictures.remade(picture(), "square", 64, "WEBP") for _ in range(8))
    )
    assert all(made)


async def test_a_process_that_does_not_end_is_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(pictures, "PATIENCE", 0.01)
    started = time.monotonic()
    with pytest.raises(Invalid):
        await pictures.remade(picture("JPEG", 5000), "square", 64, "WEBP")
    assert time.monotonic() - started < 5
