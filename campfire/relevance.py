"""Relevance: how well a hit fits what was asked, as BM25 says it.

FTS5 has a BM25 of its own. It reads the whole list of each word to learn how rare it
is, and counts what the person may not see. Here whoever asks says how rare words are.
"""

from typing import Any, Final

import apsw

K1: Final = 1.2
B: Final = 0.75
# Words of an ordinary message, with those that stand for room and author.
ORDINARY: Final = 20


def relevance(hit: apsw.FTS5ExtensionApi, *weights: Any) -> float:
    """The function `relevance(index, weight, …)` of SQL: more is more fitting.

    There is a weight for each of the first phrases of the query.
    """
    length = K1 * (1 - B + B * hit.column_size(-1) / ORDINARY)
    score = 0.0
    for phrase, weight in enumerate(weights):
        times = sum(map(len, hit.phrase_locations(phrase)))
        score += weight * times * (K1 + 1) / (times + length)
    return score
