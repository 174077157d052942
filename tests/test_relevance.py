"""Relevance: BM25, with what rows have to say and weights that are given."""

from pathlib import Path

import pytest

from campfire.database import Reads, connect

HERE = "SELECT rowid FROM lines WHERE lines MATCH ? ORDER BY {} DESC, rowid"


@pytest.fixture
def lines(tmp_path: Path) -> Reads:
    connection = connect(tmp_path / "lines.sqlite3")
    connection.execute("CREATE VIRTUAL TABLE lines USING fts5 (said, called)")
    return Reads(connection)


def fill(lines: Reads, *texts: tuple[str, str]) -> None:
    for row in texts:
        lines.row("INSERT INTO lines (said, called) VALUES (?, ?)", row)


def ordered(lines: Reads, match: str, *weights: float) -> list[int]:
    marks = "".join(f", {weight}" for weight in weights)
    rows = lines.rows(HERE.format(f"relevance(lines{marks})"), (match,))
    return [row for (row,) in rows]


def test_often_fits_better_than_seldom_and_short_better_than_long(
    lines: Reads,
) -> None:
    fill(
        *(lines, ("hut " + "filler " * 60, ""), ("hut and more", "")),
        *(("hut and hut", ""), ("a map", "a hut")),
    )
    assert ordered(lines, "hut", 1) == [3, 2, 4, 1]


def test_one_word_is_ranked_as_fts5_does_it(lines: Reads) -> None:
    fill(lines, *((f"hut {'hut ' * (n % 3)}{'x ' * (n % 7)}", "") for n in range(30)))
    fill(lines, *(("y " * 20, "") for _ in range(40)))  # Of ordinary length on average.
    theirs = [row for (row,) in lines.rows(HERE.format("-rank"), ("hut",))]
    ours = ordered(lines, "hut", 1)
    assert ours[:5] == theirs[:5]


def test_weights_are_those_of_the_phrases_in_their_order(lines: Reads) -> None:
    fill(lines, ("hut hut map", ""), ("hut map map", ""))
    for match in ("hut AND map", '"hut" AND said: "map" AND said: "hut"'):
        assert ordered(lines, match, 2, 1) == [1, 2]
        assert ordered(lines, match, 1, 2) == [2, 1]
