"""WebM and Matroska films lose what is said beside them, and play as they did."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campfire import matroska
from tests.samples import SECRET, element, film, vp8

WHOLE, LIVE = film(said=SECRET), film(said=SECRET, is_live=True)


def cleaned(data: bytes) -> bytes:
    made = bytearray(data)
    for at, written, zeros in matroska.changes(data):
        assert 0 <= at and at + len(written) + zeros <= len(data)
        made[at : at + len(written) + zeros] = written + bytes(zeros)
    assert len(made) == len(data)
    return bytes(made)


@pytest.mark.parametrize("data", [WHOLE, LIVE, film(said=SECRET, kind=b"matroska")])
def test_place_and_date_go_and_every_frame_stays_where_it_was(data: bytes) -> None:
    assert SECRET in data
    left = cleaned(data)
    assert SECRET[:8] not in left and b"LOCATION" not in left and b"CRC!" not in left
    assert left.index(vp8()) == data.index(vp8())
    assert cleaned(left) == left, "there is nothing more to take"


def test_a_film_without_traces_stays_as_it_is() -> None:
    for data in (film(), film(is_live=True)):
        assert cleaned(data) == data


def test_what_stands_after_the_film_goes() -> None:
    left = cleaned(WHOLE + element("1254c367", SECRET))
    assert SECRET not in left
    assert left.startswith(cleaned(WHOLE))


@pytest.mark.parametrize("length", [2, 3, 8, 9, 10, 200])
def test_what_goes_is_void_of_the_same_length(length: int) -> None:
    """Void with a short length or a long one, as there is room for."""
    said = b"s" * 200
    title = b"\x7b\xa9" + bytes([0x80 | length]) + said[:length]
    if length > 120:
        title = b"\x7b\xa9\x40" + bytes([length]) + said[:length]
    data = film() + title
    left = cleaned(data)
    assert left[: len(film())] == film()
    assert left[len(film())] == 0xEC and said[:2] not in left[len(film()) :]


def test_a_film_that_was_cut_off_plays_as_far_as_it_goes() -> None:
    for data in (WHOLE, LIVE):
        end = data.index(vp8()) + 60
        left = cleaned(data[:end])
        assert SECRET[:8] not in left
        assert left[-60:] == vp8()[:60]
        # In the middle of what is said.
        end = data.rindex(SECRET) + 9
        assert SECRET[:8] not in cleaned(data[:end])


@pytest.mark.parametrize(
    "data",
    [
        *(b"", b"\x1a\x45\xdf\xa3", b"\0\0", WHOLE[:40], film()[:60], b"\x1a\x45"),
        film().replace(b"\x16\x54\xae\x6b", b"\x12\x54\xc3\x67"),
        film() + b"\x12\x54\xc3\x67\xff" + SECRET,
        film(said=SECRET).replace(b"\x7b\xa9\x01", b"\x7b\xa9\xff"),
    ],
)
def test_what_is_no_film_is_left_alone(data: bytes) -> None:
    with pytest.raises(ValueError):
        matroska.changes(data)


def test_what_is_without_end_is_no_film(monkeypatch: pytest.MonkeyPatch) -> None:
    data = film() + b"\xec\x80" * 1_000
    cleaned(data)
    monkeypatch.setattr(matroska, "MOST_ELEMENTS", 500)
    with pytest.raises(ValueError, match="too many"):
        matroska.changes(data)


@given(st.sampled_from([WHOLE, LIVE]), st.data())
def test_what_is_broken_somewhere_is_a_film_or_none(
    data: bytes, draw: st.DataObject
) -> None:
    """Whatever stands in it, nothing is written beside it and nothing else raised."""
    made = bytearray(data)
    for _ in range(draw.draw(st.integers(1, 4))):
        at = draw.draw(st.integers(0, len(made)))
        what = draw.draw(st.binary(max_size=8))
        made[at : at + draw.draw(st.sampled_from([0, len(what)]))] = what
    made = made[: draw.draw(st.integers(0, len(made)) | st.just(len(made)))]
    with contextlib.suppress(ValueError):
        cleaned(bytes(made))
