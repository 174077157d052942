"""`campfire demo`: a place with people, rooms and messages, to look at or to measure.

The same numbers give the same people, rooms and words, whenever and wherever; only
the times follow the clock, so that the last words were said a moment ago.
"""

import argparse
import os
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from campfire.chat import (
    accounts,
    memberships,
    messages,
    passwords,
    richtext,
    rooms,
    searches,
    users,
)
from campfire.chat.richtext import Draft
from campfire.config import Config
from campfire.database import Tx, Unusable, connect, migrate

FILE: Final = "campfire.sqlite3"
ADDRESS: Final = "robin@campfire.example"
PASSWORD: Final = "marshmallows-over-embers"
MESSAGES, USERS, ROOMS = 2_000, 24, 12
BATCH: Final = 10_000
HALF_A_YEAR: Final = 182 * 24 * 3600 * 1000
STEPS: Final = 40

PEOPLE: Final = (
    *("Robin Hale", "Ana Duarte", "Priya Nair", "Tomas Lind", "Mei Tanaka"),
    *("Jules Okafor", "Noor Haddad", "Ines Moreau", "Lukáš Dvořák", "Sofía Méndez"),
    *("Øyvind Berg", "Chiara Conti", "Kwame Mensah", "Zoë de Vries", "José Álvarez"),
    *("Yuki Mori", "Li Wei", "Kim Min-jun", "Fatima Zahra", "Dmitri Volkov"),
    *("Aylin Demir", "Siobhán Kelly", "Márton Szabó", "Greta Vogel", "Amara Diallo"),
    *("Pedro Nunes", "Ravi Menon", "Eleni Pappas", "Nils Åberg", "Wanjiru Kamau"),
)
PLACES: Final = (
    *("Trailhead", "Kitchen table", "Maps and markers", "Huts", "Film night"),
    *("Support desk", "Printing", "Weather", "Bikes", "Books", "Photos", "Deutsch"),
    *("Español", "Français", "日本語", "Português", "Garden", "Music", "Running"),
)

# Each language: sentences with a gap, and what may stand in it.
SPOKEN: Final[dict[str, tuple[Sequence[str], Sequence[str]]]] = {
    "en": (
        (
            "Has anyone seen the {}?",
            "The {} came back from the printer and looks great.",
            "I moved the {} to Thursday, is that fine with everybody?",
            "Could you look at the {} before lunch?",
            "Thanks, the {} is exactly what I needed.",
            "We should talk about the {} tomorrow morning.",
            "The {} is done. Next up: the {}.",
            "I would rather keep the {} as it was.",
            "Nobody answers at the {}, I will try again tonight.",
            "Two small things about the {}: the colour, and the price.",
            "Who has the key to the {}?",
            "Found a typo in the {}, already mended.",
            "Ship it. The {} can wait until next week.",
            "Sorry, I broke the {}. It is back now.",
            "Rain until noon, so the {} starts later.",
        ),
        (
            *("trail map", "hut list", "poster", "new marker", "bike shed", "budget"),
            *("short film", "opening hours", "ladder", "coffee machine", "ridge path"),
            *(
                "spring newsletter",
                "first aid kit",
                "guest book",
                "projector",
                "bridge",
            ),
            *("winter timetable", "spare tent", "lake walk", "print room", "wardens"),
        ),
    ),
    "de": (
        (
            "Wo liegt eigentlich die {}?",
            "Ich habe die {} gestern Abend noch fertig gemacht.",
            "Die {} kommt am Freitag, sagt der Drucker.",
            "Kann jemand die {} mitnehmen?",
            "Für die {} fehlt uns noch ein Foto.",
        ),
        (
            *("Wanderkarte", "Hüttenliste", "Leiter", "Brücke", "Übersicht"),
            *("Fahrradpumpe", "Einladung", "Wettervorhersage", "Kasse", "Säge"),
        ),
    ),
    "es": (
        (
            "¿Quién tiene la {}?",
            "Mañana terminamos la {}, hoy no llego.",
            "La {} quedó muy bien, gracias a todos.",
            "Falta una foto para la {}.",
        ),
        (
            *("lista de refugios", "guía", "canción del jueves", "llave del almacén"),
            *("señal del puente", "cámara", "película corta", "mochila roja"),
        ),
    ),
    "fr": (
        (
            "Quelqu’un a vu la {} ?",
            "J’ai relu la {}, il reste deux fautes.",
            "On garde la {} telle quelle, d’accord ?",
            "La {} arrive demain matin.",
        ),
        (
            *("carte du sentier", "clé du refuge", "liste des invités", "fête d’été"),
            *("météo du week-end", "boîte à outils", "vidéo", "réunion de février"),
        ),
    ),
    "pt": (
        (
            "Alguém viu a {}?",
            "A {} ficou ótima, parabéns.",
            "Amanhã vejo a {} com calma.",
        ),
        ("lista de cabanas", "câmera", "ponte nova", "previsão do tempo", "reunião"),
    ),
    "ja": (
        (
            "{}はもう届きましたか？",
            "{}を明日までに直します。",
            "{}、とても良いですね！",
            "{}について話しましょう。",
        ),
        ("登山地図", "山小屋の一覧", "写真", "東京の印刷所", "新しい看板", "会議"),
    ),
    "zh": (
        ("谁看到了{}？", "{}已经做好了。", "明天我们讨论{}。"),
        ("徒步地图", "天气预报", "北京的照片", "会议记录", "自行车"),
    ),
    "ko": (
        ("{} 어디에 있어요?", "{} 내일까지 끝낼게요.", "{} 정말 좋네요."),
        ("등산 지도", "사진", "서울 회의", "자전거", "날씨"),
    ),
    "ar": (
        ("أين {}؟", "سأرسل {} غدًا صباحًا.", "شكرًا، {} ممتازة."),
        ("خريطة المسار", "قائمة الأكواخ", "الصور", "الدعوة"),
    ),
    "ru": (
        ("Кто видел {}?", "Завтра закончу {}.", "{} уже готова, спасибо."),
        ("карта", "новая вывеска", "программа", "фотография моста"),
    ),
}
# English is spoken most.
LANGUAGES: Final = tuple(SPOKEN)
WEIGHTS: Final = tuple(accumulate((60, 8, 6, 6, 3, 5, 4, 3, 3, 2)))
RARE: Final = "Parcel {} is for you, it is at the front desk."
SHORT: Final = (
    *(
        "Yes.",
        "On it.",
        "👍",
        "Good morning!",
        "Back in ten minutes.",
        "🎉🎉",
        "Agreed.",
    ),
    *("Let me check.", "Done.", "Nice one.", "See you there.", "Why not?", "🔥"),
)
LONG: Final = (
    "What is left before Friday:\n\n- [x] {}\n- [ ] {}\n- [ ] {}",
    "> {}\n\nI agree with most of it, but not with the last part. {}",
    "| Place | Before | Now |\n|---|---|---|\n| {} | 412 | 188 |\n| {} | 96 | 91 |",
    "```python\ndef shown(metres: int) -> str:\n    # {}\n    return str(metres)\n```",
    "**{}**\n\n{} More at https://huts.example/map",
    "{}\n\n{}\n\n{}",
)
BOOSTS: Final = ("👍", "🎉", "🔥", "❤️", "😂", "ship it", "thank you")


@dataclass(frozen=True, slots=True)
class Size:
    messages: int
    users: int
    rooms: int


def add_to(command: Any) -> None:
    """Adds `demo` to the command line."""
    demo = command.add_parser("demo", help="fill an empty folder with sample data")
    demo.add_argument("--data", type=Path, help="folder for what is kept (./data)")
    demo.add_argument("--messages", type=count, default=MESSAGES, metavar="N")
    demo.add_argument("--users", type=count, default=USERS, metavar="N")
    demo.add_argument("--rooms", type=count, default=ROOMS, metavar="N")


def count(text: str) -> int:
    number = int(text)
    if not 1 <= number <= 100_000_000:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def run(given: argparse.Namespace, config: Config) -> None:
    """Fills the folder. Raises Unusable when there is something in it already."""
    file = config.data / FILE
    if file.exists():
        raise Unusable(f"There is a Campfire in {config.data} already.")
    os.umask(0o077)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    filling = file.with_suffix(".filling")  # What is killed half-way is not there.
    filling.unlink(missing_ok=True)
    fill(filling, Size(given.messages, given.users, given.rooms), progress)
    filling.rename(file)
    print(f"sign in: {ADDRESS} {PASSWORD}")


def progress(done: int, of: int) -> None:
    """A bar on standard error; in a log, a line for every tenth."""
    filled = STEPS * done // of
    if sys.stderr.isatty():
        bar = "█" * filled + "·" * (STEPS - filled)
        end = "\n" if done == of else ""
        print(f"\r{bar} {done:,} of {of:,}", end=end, file=sys.stderr, flush=True)
    elif done == of or done // (of // 10 or 1) > max(0, done - BATCH) // (
        of // 10 or 1
    ):
        print(f"{done:,} of {of:,} messages", file=sys.stderr, flush=True)


def fill(
    file: Path, size: Size, tell: Callable[[int, int], None] = lambda done, of: None
) -> None:
    """Makes the database, with `size.messages` said over the last half year."""
    connection = connect(file)
    migrate(connection, file)
    chance = random.Random(1)
    now = time.time_ns() // 1_000_000
    connection.execute("BEGIN IMMEDIATE")
    tx = Tx(connection, {})
    stage = Stage(tx, size, chance)
    triggers = searches.put_off(tx)
    connection.execute("COMMIT")
    done = 0
    while done < size.messages:
        batch = min(BATCH, size.messages - done)
        connection.execute("BEGIN IMMEDIATE")
        tx = Tx(connection, {})
        for number in range(done, done + batch):
            at = now - HALF_A_YEAR + HALF_A_YEAR * (number + 1) // size.messages
            stage.say(tx, at)
        done += batch
        if done == size.messages:
            stage.settle(tx)
            searches.rebuild(tx, triggers)
        connection.execute("COMMIT")
        connection.wal_checkpoint()
        tell(done, size.messages)
    connection.close()


class Stage:
    """The people and rooms, and who says what next."""

    def __init__(self, tx: Tx, size: Size, chance: random.Random) -> None:
        self._chance = chance
        password_hash = passwords.hashed(PASSWORD)
        robin, _ = accounts.begin(tx, PEOPLE[0], ADDRESS, password_hash)
        self._robin = robin.id
        people = [robin.id]
        for number in range(1, size.users):
            name = person(number)
            address = f"person{number}@campfire.example"
            people.append(users.add(tx, name, address, password_hash).id)
        self._rooms = [first_room(tx, robin.id)]
        for number in range(size.rooms - 1):
            self._rooms.append(self._opened(tx, number, people))
        members = (
            (room_id, [id for id, _ in memberships.mentionable(tx, robin.id, room_id)])
            for room_id in self._rooms
        )
        self._members = dict(members)
        self._seqs = dict.fromkeys(self._rooms, 0)
        # A few rooms hold most of the words, as rooms do.
        self._weights = list(
            accumulate(1 / (place + 1) for place in range(len(self._rooms)))
        )
        self._speaker = dict.fromkeys(self._rooms, robin.id)

    def _opened(self, tx: Tx, number: int, people: Sequence[int]) -> int:
        """A room; every third is closed, and every fifth direct as long as there are
        people for it. Robin is in each."""
        chance, robin = self._chance, self._robin
        others = people[1:]
        if number % 5 == 4 and number // 5 < len(others):
            return rooms.direct(tx, robin, [others[number // 5]])[0].id
        name = PLACES[number % len(PLACES)]
        if number >= len(PLACES):
            name = f"{name} {number // len(PLACES) + 1}"
        if number % 3 == 2:
            some = chance.sample(others, min(len(others), chance.randint(2, 12)))
            return rooms.create(tx, robin, "closed", name, some).id
        return rooms.create(tx, robin, "open", name).id

    def say(self, tx: Tx, at: int) -> None:
        """The next message; often somebody says several in a row."""
        chance = self._chance
        (room_id,) = chance.choices(self._rooms, cum_weights=self._weights)
        if chance.random() < 0.6:
            self._speaker[room_id] = chance.choice(self._members[room_id])
        self._seqs[room_id] += 1
        messages.bring(
            tx,
            room_id,
            self._speaker[room_id],
            self._seqs[room_id],
            spoken(chance),
            at,
        )

    def settle(self, tx: Tx) -> None:
        """The rooms know how far they have come, and people have read most of them."""
        for room_id in self._rooms:
            newest = messages.settle(tx, room_id)
            for user_id in self._members[room_id]:
                behind = self._chance.choice((0, 0, 3, 40))
                memberships.read(tx, user_id, room_id, max(0, newest - behind))


def first_room(tx: Tx, user_id: int) -> int:
    return min(room.id for room in rooms.all_of(tx, user_id))


def person(number: int) -> str:
    """The name of one of the people; with many, the names come again with a number."""
    name = PEOPLE[number % len(PEOPLE)]
    return name if number < len(PEOPLE) else f"{name} {number // len(PEOPLE) + 1}"


def spoken(chance: random.Random) -> Draft:
    """Something that is said in a chat: short mostly, in one of ten languages."""
    kind = chance.random()
    if kind < 0.08:
        return drafted(chance.choice(SHORT))
    (language,) = chance.choices(LANGUAGES, cum_weights=WEIGHTS)
    if kind < 0.95:
        several = chance.choice((1, 1, 1, 1, 2, 2, 3))
        return joined([drafted(one(chance, language)) for _ in range(several)])
    if kind < 0.97:
        return richtext.draft(RARE.format(chance.randrange(100_000)))
    pattern = chance.choice(LONG)
    gaps = [one(chance, language) for _ in range(pattern.count("{}"))]
    return drafted(pattern.format(*gaps))


def one(chance: random.Random, language: str) -> str:
    sentences, things = SPOKEN[language]
    pattern = chance.choice(sentences)
    return pattern.format(*(chance.choice(things) for _ in range(pattern.count("{}"))))


@lru_cache(20_000)
def drafted(text: str) -> Draft:
    return richtext.draft(text)


def joined(drafts: Sequence[Draft]) -> Draft:
    """Paragraphs after each other; each was rendered once for all that say it."""
    if len(drafts) == 1:
        return drafts[0]
    return Draft(
        "\n\n".join(draft.source for draft in drafts),
        "".join(draft.html for draft in drafts),
        "\n\n".join(draft.plain for draft in drafts),
        pairs=" ".join(filter(None, (draft.pairs for draft in drafts))),
    )
