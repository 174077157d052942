"""The sounds of `/play`, made from sines and noise: nothing here was ever recorded.

`python -m campfire.sounds` writes each to a file, the same bytes every time. A pair
`(seconds, value)` is a point of a curve, and between two points it is straight.
"""

import array
import math
import random
import sys
import wave
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

FOLDER: Final = Path(str(resources.files("campfire"))) / "static" / "sounds"
RATE: Final = 22_050
LOUDEST: Final = 0.8
AVERAGE: Final = 0.18
FADE: Final = 0.004

Samples = list[float]
Curve = Sequence[tuple[float, float]]

# How strong each multiple of the pitch is.
PURE: Final = (1.0,)
WOOD: Final = (1.0, 0.12, 0.2, 0.04)
BRASS: Final = (1.0, 0.85, 0.7, 0.5, 0.35, 0.22, 0.12, 0.06)
REED: Final = (0.7, 1.0, 0.8, 0.75, 0.6, 0.45, 0.35, 0.25, 0.15, 0.1)


# What sounds are made of


def line(points: Curve, seconds: float) -> Iterator[float]:
    """The curve, sample by sample; before its first and after its last point level."""
    at, value = points[0]
    for _ in range(round(at * RATE)):
        yield value
    for then, following in points[1:]:
        steps = round(then * RATE) - round(at * RATE)
        for step in range(steps):
            yield value + (following - value) * step / steps
        at, value = then, following
    for _ in range(round(seconds * RATE) - round(at * RATE)):
        yield value


def tone(
    pitch: float | Curve,
    loudness: Curve,
    voice: Sequence[float] = PURE,
    *,
    vibrato: float = 0.0,
    speed: float = 5.5,
) -> Samples:
    """A tone of so many hertz, which trembles by the part of itself that `vibrato` is.

    Loudness is as the ear hears it: half of it is a quarter of the amplitude.
    """
    seconds = loudness[-1][0]
    pitches = [(0.0, pitch)] if isinstance(pitch, int | float) else pitch
    cycle = [
        sum(
            part * math.sin(2 * math.pi * multiple * step / 2048)
            for multiple, part in enumerate(voice, 1)
        )
        for step in range(2048)
    ]
    samples, phase = [], 0.0
    for number, (hertz, loud) in enumerate(
        zip(line(pitches, seconds), line(loudness, seconds), strict=False)
    ):
        samples.append(loud * loud * cycle[int(phase) & 2047])
        if vibrato:
            hertz *= 1 + vibrato * math.sin(2 * math.pi * speed * number / RATE)
        phase += hertz * 2048 / RATE
    return samples


def struck(
    hertz: float, seconds: float, parts: Sequence[tuple[float, float, float]]
) -> Samples:
    """Something hit: each part with its multiple, its strength and its time to fade."""
    samples = [0.0] * round(seconds * RATE)
    for multiple, strength, fading in parts:
        turn = 2 * math.pi * hertz * multiple / RATE
        decay = math.exp(-1 / (fading * RATE))
        for step in range(len(samples)):
            samples[step] += strength * math.sin(turn * step)
            strength *= decay
    return samples


def noise(
    centre: float | Curve, loudness: Curve, *, width: float = 1.0, seed: int = 1
) -> Samples:
    """Noise around so many hertz; the wider, the less of a pitch it has.

    A state variable filter as Chamberlin drew it, which is stable below a sixth of the
    rate.
    """
    chance = random.Random(seed)
    seconds = loudness[-1][0]
    centres = [(0.0, centre)] if isinstance(centre, int | float) else centre
    low = band = 0.0
    samples = []
    for hertz, loud in zip(
        line(centres, seconds), line(loudness, seconds), strict=False
    ):
        turn = 2 * math.sin(math.pi * hertz / RATE)
        low += turn * band
        band += turn * (chance.uniform(-1, 1) - low - width * band)
        samples.append(loud * loud * band)
    return samples


def together(*layers: tuple[float, Samples]) -> Samples:
    """Layers, each from its second on."""
    starts = [(round(at * RATE), samples) for at, samples in layers]
    mixed = [0.0] * max(start + len(samples) for start, samples in starts)
    for start, samples in starts:
        for step, sample in enumerate(samples, start):
            mixed[step] += sample
    return mixed


def louder(times: float, samples: Samples) -> Samples:
    return [times * sample for sample in samples]


def pulsing(speed: float, samples: Samples) -> Samples:
    """Comes and goes so many times a second."""
    turn = math.pi * speed / RATE
    return [sample * math.sin(turn * step) ** 2 for step, sample in enumerate(samples)]


# The sounds


def applause() -> Samples:
    chance = random.Random(11)
    claps: list[tuple[float, Samples]] = []
    for number in range(70):
        at = chance.uniform(0, 1.1)
        loud = 0.9 * min(1.0, 0.4 + at * 3, (1.35 - at) * 2)
        pitch = chance.uniform(900, 2200)
        clap = noise(pitch, [(0, loud), (0.07, 0)], width=0.7, seed=number)
        claps.append((at, clap))
    return together(*claps)


def bell() -> Samples:
    return struck(
        *(784, 1.2),
        (
            *((0.5, 0.25, 0.5), (1, 0.8, 0.4), (1.19, 0.35, 0.3), (1.5, 0.2, 0.25)),
            *((2, 0.6, 0.28), (2.51, 0.2, 0.15), (3.01, 0.25, 0.12), (4.1, 0.15, 0.06)),
        ),
    )


def clock() -> Samples:
    parts = ((1, 1.0, 0.012), (2.3, 0.5, 0.008), (0.4, 0.4, 0.02))
    tick, tock = struck(2100, 0.1, parts), struck(1500, 0.1, parts)
    return together((0, tick), (0.4, tock), (0.8, tick), (1.2, tock))


def crickets() -> Samples:
    def chirp(hertz: float, loud: float) -> Samples:
        shape = [(0, 0), (0.02, loud), (0.2, loud), (0.24, 0)]
        return pulsing(28, tone(hertz, shape, (1.0, 0.15)))

    return together(
        *((0.0, chirp(4300, 0.9)), (0.42, chirp(4300, 1.0)), (0.84, chirp(4300, 0.9))),
        *((0.2, chirp(3900, 0.5)), (0.66, chirp(3900, 0.5))),
    )


def cuckoo() -> Samples:
    high = tone(784, [(0, 0), (0.03, 1), (0.16, 0.8), (0.26, 0)], WOOD)
    low = tone(622, [(0, 0), (0.03, 1), (0.26, 0.8), (0.4, 0)], WOOD)
    return together((0, high), (0.34, low))


def drama() -> Samples:
    def chord(seconds: float, *pitches: float) -> list[tuple[float, Samples]]:
        shape = [(0.0, 0.0), (0.02, 1.0), (seconds * 0.5, 0.8), (seconds, 0.0)]
        return [(0.0, tone(pitch, shape, REED, vibrato=0.004)) for pitch in pitches]

    return together(
        (0.0, together(*chord(0.26, 146.8, 220, 293.7))),
        (0.28, together(*chord(0.26, 138.6, 207.7, 277.2))),
        (0.58, together(*chord(0.9, 98, 155.6, 196, 277.2))),
        (0.58, struck(55, 0.6, ((1, 3.0, 0.2), (1.5, 1.0, 0.1)))),
    )


def drumroll() -> Samples:
    hits = [
        (
            number * 0.042,
            noise(
                1500,
                [(0, 0.3 + 0.5 * number / 22), (0.06, 0)],
                width=1.2,
                seed=number,
            ),
        )
        for number in range(22)
    ]
    return together(*hits, (0.94, crash(0.45)))


def crash(seconds: float) -> Samples:
    """A cymbal, with the drum below it."""
    return together(
        (0, noise(3500, [(0, 1), (seconds * 0.4, 0.5), (seconds, 0)], width=1.6)),
        (0, struck(90, 0.25, ((1, 1.5, 0.06), (1.6, 0.6, 0.03)))),
    )


def fire() -> Samples:
    chance = random.Random(5)
    crackles: list[tuple[float, Samples]] = []
    for number in range(34):
        loud = chance.uniform(0.4, 1.2)
        pitch = chance.uniform(1200, 3400)
        snap = noise(pitch, [(0, loud), (0.025, 0)], width=0.5, seed=number)
        crackles.append((chance.uniform(0.1, 1.2), snap))
    glow = [(0.0, 0.0), (0.25, 0.8), (0.6, 0.6), (0.9, 0.8), (1.3, 0.0)]
    return together(*crackles, (0, noise(180, glow, width=0.8, seed=99)))


def frog() -> Samples:
    def croak(low: float, high: float, seconds: float) -> Samples:
        shape = [(0.0, 0.0), (0.03, 1.0), (seconds - 0.05, 0.9), (seconds, 0.0)]
        return pulsing(42, tone([(0, low), (seconds, high)], shape, REED))

    return together((0, croak(190, 240, 0.28)), (0.4, croak(210, 330, 0.34)))


def heartbeat() -> Samples:
    lub = struck(84, 0.22, ((1, 1.0, 0.06), (2, 0.8, 0.04), (3.1, 0.5, 0.02)))
    dub = struck(104, 0.2, ((1, 0.8, 0.05), (2, 0.7, 0.03), (3.1, 0.4, 0.02)))
    return together((0, lub), (0.2, dub), (0.72, lub), (0.92, dub))


def honk() -> Samples:
    def press(seconds: float) -> Samples:
        shape = [(0.0, 0.0), (0.02, 1.0), (seconds - 0.03, 1.0), (seconds, 0.0)]
        return together((0, tone(415, shape, REED)), (0, tone(523, shape, REED)))

    return together((0, press(0.14)), (0.22, press(0.4)))


def horn() -> Samples:
    def call(hertz: float, seconds: float) -> Samples:
        shape = [(0.0, 0.0), (0.05, 0.9), (seconds * 0.7, 1.0), (seconds, 0.0)]
        bend = [(0.0, hertz * 0.96), (0.06, hertz)]
        return tone(bend, shape, BRASS, vibrato=0.003)

    return together((0, call(233, 0.3)), (0.3, call(349, 0.7)))


def knock() -> Samples:
    rap = struck(190, 0.18, ((1, 1.0, 0.03), (1.8, 0.6, 0.02), (4.3, 0.4, 0.008)))
    return together((0, rap), (0.2, rap), (0.4, louder(1.2, rap)))


def owl() -> Samples:
    def hoot(seconds: float, hertz: float) -> Samples:
        shape = [(0.0, 0.0), (0.06, 0.9), (seconds * 0.6, 1.0), (seconds, 0.0)]
        bend = [(0, hertz * 0.94), (0.08, hertz), (seconds, hertz * 0.93)]
        return together(
            (0, tone(bend, shape, WOOD, vibrato=0.006)),
            (0, louder(0.15, noise(hertz * 2, shape, width=0.4))),
        )

    return together(
        *((0, hoot(0.3, 370)), (0.42, hoot(0.16, 360)), (0.62, hoot(0.6, 370))),
    )


def rain() -> Samples:
    chance = random.Random(7)
    drops: list[tuple[float, Samples]] = []
    for _ in range(45):
        pitch = chance.uniform(1400, 3000)
        loud = chance.uniform(0.2, 0.55)
        bend = [(0.0, pitch), (0.03, pitch * 1.3)]
        drops.append((chance.uniform(0.05, 1.15), tone(bend, [(0, loud), (0.03, 0)])))
    shower = [(0.0, 0.0), (0.3, 0.7), (0.9, 0.7), (1.25, 0.0)]
    return together(*drops, (0, noise(2200, shower, width=1.6, seed=3)))


def rimshot() -> Samples:
    def drum(hertz: float) -> Samples:
        return together(
            (0, struck(hertz, 0.2, ((1, 1.0, 0.06), (1.6, 0.5, 0.03)))),
            (0, louder(0.5, noise(1800, [(0, 0.8), (0.08, 0)]))),
        )

    return together((0, drum(180)), (0.16, drum(130)), (0.46, crash(0.6)))


def tada() -> Samples:
    def fanfare(seconds: float) -> Samples:
        shape = [(0.0, 0.0), (0.02, 1.0), (seconds * 0.6, 0.8), (seconds, 0.0)]
        notes = (261.6, 392, 523.3, 659.3)
        return together(
            *((0.0, tone(note, shape, BRASS, vibrato=0.003)) for note in notes)
        )

    return together((0, fanfare(0.14)), (0.17, fanfare(0.85)))


def thunder() -> Samples:
    rumble = [
        *((0.0, 0.0), (0.02, 1.0), (0.15, 0.6), (0.35, 0.95), (0.6, 0.5)),
        *((0.8, 0.6), (1.5, 0.0)),
    ]
    return together(
        (0, louder(3, noise([(0, 260), (1.2, 70)], rumble, width=0.9, seed=21))),
        (0, noise([(0, 3000), (0.4, 300)], [(0, 0.9), (0.4, 0)], width=1.4)),
    )


def trombone() -> Samples:
    def slide(start: float, end: float, seconds: float, shake: float) -> Samples:
        shape = [(0.0, 0.0), (0.04, 1.0), (seconds * 0.75, 0.9), (seconds, 0.0)]
        bend = [(0, start), (seconds * 0.4, start), (seconds, end)]
        return tone(bend, shape, BRASS, vibrato=shake, speed=6)

    return together(
        *((0, slide(293.7, 290, 0.26, 0)), (0.28, slide(277.2, 274, 0.26, 0))),
        *((0.56, slide(261.6, 258, 0.26, 0)), (0.84, slide(246.9, 205, 0.8, 0.025))),
    )


def vuvuzela() -> Samples:
    shape = [(0.0, 0.0), (0.08, 0.9), (0.9, 1.0), (1.1, 0.0)]
    return together(
        (0, tone([(0, 218), (0.1, 233)], shape, REED, vibrato=0.006, speed=7)),
        (0, louder(0.7, tone([(0, 220), (0.1, 235.5)], shape, REED))),
    )


def wups() -> Samples:
    fall = [(0.0, 1250.0), (0.5, 330.0)]
    whistle = tone(fall, [(0, 0), (0.03, 0.9), (0.45, 0.8), (0.5, 0)], WOOD)
    return together((0, whistle), (0.52, knock()[: round(0.16 * RATE)]))


def yay() -> Samples:
    def note(hertz: float, seconds: float) -> Samples:
        shape = [(0.0, 0.0), (0.01, 1.0), (seconds, 0.0)]
        return tone(hertz, shape, (1.0, 0.4, 0.15))

    return together(
        *((0.1 * number, note(hertz, 0.3)) for number, hertz in enumerate(SCALE)),
        *((0.4, note(hertz, 0.7)) for hertz in SCALE),
        (0.4, louder(0.4, applause()[: round(0.7 * RATE)])),
    )


SCALE: Final = (523.3, 659.3, 784.0, 1046.5)

SOUNDS: Final[dict[str, Callable[[], Samples]]] = {
    made.__name__: made
    for made in (
        *(applause, bell, clock, crickets, cuckoo, drama, drumroll, fire, frog),
        *(heartbeat, honk, horn, knock, owl, rain, rimshot, tada, thunder),
        *(trombone, vuvuzela, wups, yay),
    )
}


def finished(samples: Samples) -> "array.array[int]":
    """As 16 bits: about equally loud, and from silence to silence."""
    peak = max(map(abs, samples))
    average = math.sqrt(sum(sample * sample for sample in samples) / len(samples))
    edge = round(FADE * RATE)
    last = len(samples) - 1
    scale = 32_767 * min(LOUDEST / peak, AVERAGE / average)
    return array.array(
        "h",
        (
            round(sample * scale * min(1.0, step / edge, (last - step) / edge))
            for step, sample in enumerate(samples)
        ),
    )


def write(folder: Path = FOLDER) -> None:
    """Makes every sound; removes what is no sound now."""
    folder.mkdir(exist_ok=True)
    for name, made in SOUNDS.items():
        frames = finished(made())
        if sys.byteorder == "big":
            frames.byteswap()
        with wave.open(str(folder / f"{name}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(RATE)
            file.writeframes(frames.tobytes())
    for leftover in folder.glob("*.wav"):
        if leftover.stem not in SOUNDS:
            leftover.unlink()


if __name__ == "__main__":
    write()
