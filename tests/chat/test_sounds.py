"""Which messages are sounds, and that every sound has been made."""

import pytest

from campfire import sounds as made
from campfire.chat import richtext, sounds
from campfire.chat.sounds import Sound


@pytest.mark.parametrize("text", ["/play owl", "  /play owl\n", "**/play owl**"])
def test_a_name_and_nothing_else_plays(text: str) -> None:
    plain = richtext.draft(text).plain
    assert sounds.sound_of(plain) == Sound("owl", "🦉")


@pytest.mark.parametrize(
    "text",
    [
        *(
            "/play",
            "/play ",
            "play owl",
            "/play nothing",
            "/play owl!",
            "/play owl now",
        ),
        *("/play Owl", "/play  owl", "/Play owl", "> /play owl", "Hear: /play owl"),
        *("/play owl\n\n/play owl", "/play ../../css/base", "/play __class__"),
    ],
)
def test_everything_else_stays_words(text: str) -> None:
    assert sounds.sound_of(richtext.draft(text).plain) is None


def test_every_sound_has_been_made() -> None:
    assert list(sounds.SOUNDS) == sorted(made.SOUNDS)
    assert all(sound.name == name for name, sound in sounds.SOUNDS.items())
