"""Sounds: a message that says `/play owl` and nothing else plays the owl.

Only names of this table are sounds, so no name ever becomes a path.
"""

from dataclasses import dataclass
from typing import Final

COMMAND: Final = "/play "


@dataclass(frozen=True, slots=True)
class Sound:
    name: str
    emoji: str


SOUNDS: Final = {
    name: Sound(name, emoji)
    for name, emoji in {
        "applause": "👏",
        "bell": "🔔",
        "clock": "⏰",
        "crickets": "🦗",
        "cuckoo": "🐦",
        "drama": "😱",
        "drumroll": "🪘",
        "fire": "🔥",
        "frog": "🐸",
        "heartbeat": "💓",
        "honk": "🚗",
        "horn": "📯",
        "knock": "🚪",
        "owl": "🦉",
        "rain": "🌧️",
        "rimshot": "🥁",
        "tada": "🎉",
        "thunder": "⛈️",
        "trombone": "🎺",
        "vuvuzela": "📣",
        "wups": "🙈",
        "yay": "🙌",
    }.items()
}


def sound_of(plain: str) -> Sound | None:
    """The sound that a message with this plain text plays, if it plays one."""
    return SOUNDS.get(plain[len(COMMAND) :]) if plain.startswith(COMMAND) else None
