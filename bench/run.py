"""Measures Campfire on this machine: the server on one core, the load on another.

Fills a data folder, starts the server on copies of it, asks, posts and listens with
the programs beside this file, compares the stored rows with what was acknowledged, and
prints the median of several rounds. See README.md for how to read it.
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import apsw

from bench import data
from campfire.app import FILE
from campfire.database import migrations

HERE: Final = Path(__file__).parent
BUILT: Final = HERE.parent / "build" / "bench"
SERVER_CORE, LOAD_CORE = "0", "1"
PAGE: Final = f"/rooms/{data.ROOM}"
TICK: Final = os.sysconf("SC_CLK_TCK")
PATIENCE: Final = 20.0
JSON: Final = "application/json"
# A page from the middle of what was said, the list of rooms, hits, what came lately.
OTHERS: Final = {
    "before": (f"/rooms/{data.ROOM}/messages?before=900", "-n", 40),
    "rooms": ("/rooms", "-h"),
    "search": ("/searches?q=kettle",),
    "changes": (f"/rooms/{data.ROOM}/changes?since=900&limit=40", "-a", JSON),
}
# Longer than the quarter of a second in which unread counts are told.
SETTLED: Final = 1.0

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Bench:
    """One folder of data, its tokens, and how long and how wide to measure."""

    folder: Path
    port: int
    sockets: int
    seconds: float

    @property
    def tokens(self) -> Path:
        return self.folder / "tokens"

    def token(self) -> str:
        return self.tokens.read_text(encoding="utf-8").split("\n", 1)[0]

    def load(self, program: str, *arguments: object) -> Any:
        """Runs a program beside this file on the core of the load."""
        command = self.command(program, "-s", self.seconds, *arguments)
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            sys.exit(f"bench: {program}: {done.stderr.strip()}")
        return json.loads(done.stdout)

    def command(self, program: str, *arguments: object) -> list[str]:
        given = ("-p", self.port, "-t", self.tokens, "-m", data.ROOM, *arguments)
        return [*on(LOAD_CORE), str(BUILT / program), *map(str, given)]


class Process:
    """A server on the core of the servers, and what the kernel says of it."""

    def __init__(self, *command: object) -> None:
        self.started = time.monotonic()
        self._process = subprocess.Popen(
            [*on(SERVER_CORE), *map(str, command)],
            env=os.environ | {"CAMPFIRE_RATE_LIMITS": "off"},
            stdout=subprocess.DEVNULL,
        )

    def answers(self, url: str, token: str) -> float:
        """Waits for the first whole answer; says how long after the start it came."""
        cookie = {"Cookie": f"campfire_session={token}"}
        while True:
            try:
                request = urllib.request.Request(url, headers=cookie)
                with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                    answer.read()
                return time.monotonic() - self.started
            except OSError:
                if self._process.poll() is not None:
                    sys.exit("bench: the server did not start")
                if time.monotonic() > self.started + PATIENCE:
                    sys.exit("bench: the server does not answer")
                time.sleep(0.002)

    def resident(self) -> int:
        """Kilobytes of memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmRSS:")[2].split()[0])

    def worked(self) -> float:
        """Seconds of processor time, all threads together."""
        stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = stat.rpartition(")")[2].split()[11:13]
        return (int(user) + int(system)) / TICK

    def stop(self) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)


def on(core: str) -> list[str]:
    return ["taskset", "-c", core]


@contextlib.contextmanager
def campfire(bench: Bench) -> Iterator[Process]:
    server = Process(
        *(sys.executable, "-m", "campfire", "serve"),
        *("--port", bench.port, "--data", bench.folder / "data"),
    )
    try:
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def bare(bench: Bench, body: bytes = b"", frame_bytes: int = 0) -> Iterator[Process]:
    page = bench.folder / "page.html"
    page.write_bytes(body)
    server = Process(sys.executable, HERE / "bare.py", bench.port, page, frame_bytes)
    try:
        yield server
    finally:
        server.stop()


def url(bench: Bench) -> str:
    return f"http://127.0.0.1:{bench.port}{PAGE}"


def body_of(bench: Bench) -> bytes:
    cookie = {"Cookie": f"campfire_session={bench.token()}"}
    request = urllib.request.Request(url(bench), headers=cookie)
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        body: bytes = answer.read()
    return body


def require_stored(bench: Bench, prefix: str, acknowledged: int) -> None:
    """Every acknowledged message is there once, in order, with its words, indexed."""
    connection = apsw.Connection(
        str(bench.folder / "data" / FILE), flags=apsw.SQLITE_OPEN_READONLY
    )
    like = f"{prefix}-%"
    row = connection.execute(
        """SELECT count(*), count(DISTINCT client_message_id),
                  sum(instr(source, 'Message ' || client_message_id || ',') = 1)
           FROM messages WHERE client_message_id LIKE ?""",
        (like,),
    ).fetchone()
    assert row == (acknowledged,) * 3, f"{row} stored of {acknowledged}"
    holes = connection.execute(
        """SELECT max(posted_seq) - count(*) FROM messages WHERE room_id = ?""",
        (data.ROOM,),
    ).fetchone()
    assert holes == (0,), f"{holes} numbers are missing"
    indexed = connection.execute(
        """SELECT count(*) FROM messages_words('kettle')
           JOIN messages ON messages.id = messages_words.rowid
           WHERE client_message_id LIKE ?""",
        (like,),
    ).fetchone()
    assert indexed == (acknowledged,), f"{indexed} indexed of {acknowledged}"
    connection.close()


# What is measured


def start(bench: Bench, name: str) -> Figures:
    with campfire(bench) as server:
        took = server.answers(url(bench), bench.token())
        time.sleep(SETTLED)
        return {"start_s": took, "idle_mb": server.resident() / 1024}


def posts(bench: Bench, name: str) -> Figures:
    with campfire(bench) as server:
        server.answers(url(bench), bench.token())
        worked = server.worked()
        found = bench.load("http", "-c", 16, "-x", name)
        worked = server.worked() - worked
        require_stored(bench, name, found["acknowledged"])
    return {
        "posts_a_second": found["posts_a_second"],
        "post_p50_ms": found["post_p50_ms"],
        "post_p99_ms": found["post_p99_ms"],
        "post_cpu_us": worked / found["acknowledged"] * 1e6,
    }


def pages(bench: Bench, name: str) -> Figures:
    """The page, the yardstick with the same bytes, and the page while people talk."""
    reading = ("-g", PAGE, "-n", 40, "-c", 16)
    with campfire(bench) as server:
        server.answers(url(bench), bench.token())
        worked = server.worked()
        warm = bench.load("http", *reading)
        worked = server.worked() - worked
        body = body_of(bench)
        talked = bench.load("http", *reading, "-r", 10, "-x", name)
        require_stored(bench, name, talked["acknowledged"])
    with bare(bench, body) as server:
        server.answers(url(bench), bench.token())
        least = bench.load("http", *reading)
    return {
        "pages_a_second": warm["pages_a_second"],
        "page_p99_ms": warm["page_p99_ms"],
        "page_cpu_us": worked / (warm["pages"] + warm["warmed"]) * 1e6,
        "page_kb": len(body) / 1024,
        "bare_pages_a_second": least["pages_a_second"],
        "of_bare": warm["pages_a_second"] / least["pages_a_second"],
        "talked_pages_a_second": talked["pages_a_second"],
        "of_warm_while_talked": talked["pages_a_second"] / warm["pages_a_second"],
        "talked_page_p99_ms": talked["page_p99_ms"],
    }


def cold(bench: Bench, name: str) -> Figures:
    """The first view of each of two hundred people, on a server that just started."""
    with campfire(bench) as server:
        server.answers(f"http://127.0.0.1:{bench.port}/health", bench.token())
        found = bench.load("http", "-g", PAGE, "-n", 40, "-c", 200, "-w", 0, "-o")
    assert found["pages"] == 200, found
    return {"cold_pages_a_second": found["pages_a_second"]}


def others(bench: Bench, name: str) -> Figures:
    """What else is asked for all day: by 16 people, each their own, over and over."""
    found = {}
    with campfire(bench) as server:
        server.answers(url(bench), bench.token())
        for figure, (path, *more) in OTHERS.items():
            worked = server.worked()
            read = bench.load("http", "-g", path, "-c", 16, *more)
            worked = server.worked() - worked
            found[f"{figure}_a_second"] = read["pages_a_second"]
            found[f"{figure}_cpu_us"] = worked / (read["pages"] + read["warmed"]) * 1e6
    return found


def fan(bench: Bench, name: str) -> Figures:
    """Everybody hears everything; then the same while somebody reads pages."""
    to_all = ("-n", bench.sockets)
    with campfire(bench) as server:
        server.answers(url(bench), bench.token())
        flat = bench.load("sockets", *to_all, "-q", 4, "-x", f"{name}flat")
        require_stored(bench, f"{name}flat", flat["acknowledged"])
        calm = bench.load("sockets", *to_all, "-q", 2, "-r", 5, "-x", f"{name}calm")
        require_stored(bench, f"{name}calm", calm["acknowledged"])
        lasts = 2 * bench.seconds + 6  # Entering and reading, and what lies between.
        command = bench.command(*("sockets", *to_all, "-s", lasts, "-x", f"{name}read"))
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as fan_out:
            time.sleep(bench.seconds + 3)  # They have all entered by then.
            reading = ("-g", PAGE, "-n", 40, "-c", 2, "-f", 40, "-v")
            read = bench.load("http", *reading)
            if fan_out.poll() is not None:
                sys.exit("bench: the fan-out ended before the pages were read")
            if fan_out.wait(PATIENCE + lasts):
                sys.exit("bench: not everybody heard everything")
    with bare(bench, frame_bytes=flat["frame_bytes"]) as server:
        server.answers(url(bench), bench.token())
        raw = bench.load("sockets", *to_all, "-q", 4, "-x", f"{name}raw")
    return {
        "complete_a_second": flat["complete_a_second"],
        "deliveries_a_second": flat["deliveries_a_second"],
        "raw_complete_a_second": raw["complete_a_second"],
        "of_raw": flat["complete_a_second"] / raw["complete_a_second"],
        "flat_delay_p99_ms": flat["delay_p99_ms"],
        "calm_delay_p50_ms": calm["delay_p50_ms"],
        "calm_delay_p99_ms": calm["delay_p99_ms"],
        "page_p99_ms_in_fan_out": read["page_p99_ms"],
    }


def idle(bench: Bench, name: str) -> Figures:
    """Memory of each socket that offers compression and says nothing."""
    with campfire(bench) as server:
        server.answers(url(bench), bench.token())
        time.sleep(SETTLED)
        before = server.resident()
        command = bench.command("sockets", "-n", bench.sockets, "-d", "-i")
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as listeners:
            assert listeners.stdin and listeners.stdout
            assert listeners.stdout.readline() == b"ready\n"
            time.sleep(SETTLED)
            after = server.resident()
            listeners.stdin.close()
    return {"socket_kib": (after - before) / bench.sockets}


MEASURES: Final[dict[str, Callable[[Bench, str], Figures]]] = {
    "start": start,
    "posts": posts,
    "pages": pages,
    "cold": cold,
    "others": others,
    "fan": fan,
    "idle": idle,
}


def place(people: int, said: int) -> Path:
    """A folder of that size and the tokens of its people: made once for each schema."""
    folder = BUILT / f"place-{migrations()[-1][0]}-{people}-{said}"
    if not folder.exists():
        unfinished = folder.with_suffix(".unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        tokens = data.made(unfinished / "data", people, said)
        (unfinished / "tokens").write_text("".join(f"{each}\n" for each in tokens))
        unfinished.rename(folder)
    return folder


def measured(bench: Bench, name: str, rounds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for round in range(rounds):
        for figure, value in MEASURES[name](bench, f"{name}{round}").items():
            found.setdefault(figure, []).append(value)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description="Measures Campfire.")
    parser.add_argument("names", nargs="*", help=", ".join(MEASURES))
    parser.add_argument("--messages", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--sockets", type=int, default=1_000)
    parser.add_argument("--port", type=int, default=8_790)
    parser.add_argument("--json", type=Path, help="where to leave every round")
    given = parser.parse_args()
    names = given.names or list(MEASURES)
    if unknown := set(names) - set(MEASURES):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    found: dict[str, dict[str, list[float]]] = {}
    made = place(given.sockets, given.messages)
    for name in names:
        with tempfile.TemporaryDirectory(prefix="campfire-bench-") as folder:
            bench = Bench(Path(folder), given.port, given.sockets, given.seconds)
            shutil.copytree(made, bench.folder, dirs_exist_ok=True)
            found[name] = measured(bench, name, given.rounds)
        for figure, values in found[name].items():
            spread = f"{min(values):.1f} to {max(values):.1f}"
            median = statistics.median(values)
            print(f"{name:6} {figure:26} {median:12.2f}   {spread}", flush=True)
    if given.json:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
