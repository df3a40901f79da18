"""Trials of recognition as parts of records: an answer is a rating, 0 (sure new) to n_ratings - 1 (sure old)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.human_data import recognition_parsing as parsing
from cogmem.human_data.interference_trials import design_of, pool
from cogmem.human_data.parsing import Parts, Row

OLD: Final = ("new", "old")
PLACES: Final = ("participant", "condition", "list", "serial_position", "repetitions")


def _test(row: Row, n_ratings: int) -> Row:
    """Return the columns of a test that tell who, what and where; its target is the surest right rating."""
    old = row["repetitions"] > 0
    return {**{name: row[name] for name in PLACES if name in row}, "probe": "old" if old else "new",
            "target": (n_ratings - 1) * old, "n_ratings": n_ratings, "test_type": "recognition"}  # fmt: skip


def _seconds(rows: Iterable[Row]) -> NDArray[np.float64]:
    return np.array([row["seconds"] for row in rows], dtype=np.float64)


def _ratings(path: Path, read: Callable[[Path], Iterable[Row]], n_ratings: int, list_length: int) -> Parts:
    """Tests alone, one an item, as the file does not name what was shown; the items are the ratings.

    `list_length` is that of the readme.
    """
    rows = list(read(path))
    design = design_of([{**_test(row, n_ratings), "list_length": list_length} for row in rows])
    items = np.array([f"rating {k}" for k in range(1, n_ratings + 1)])
    return Parts(design, items, np.array([row["rating"] - 1 for row in rows]), _seconds(rows))


def _continuous(path: Path) -> Parts:
    """Tests alone, one a word shown, each of which is its study too; `response` is new, known or remembered.

    The answer is new or old, the first items; `item` is the word. `list_length` counts the person's different words.
    """
    rows = list(parsing.reder_2000(path))
    words, row_of = pool(row["word"] for row in rows)
    lengths = parsing.different_words(rows)
    names = ("frequent", "lag", "time", "retention_interval")
    design = design_of([
        {**_test(row, len(OLD)), **{name: row[name] for name in names}, "item": len(OLD) + row_of[row["word"]],
         "response": row["answer"], "list": 1, "list_length": lengths[row["participant"]]}
        for row in rows
    ])  # fmt: skip
    return Parts(design, np.concatenate([OLD, words]), np.array([int(row["old"]) for row in rows]), _seconds(rows))


def _scan(path: Path) -> Parts:
    """Tests alone, one a list, as the file does not name the items; the answer is new or old.

    All trials are here; `used` is 1 for those of the table.
    """
    rows = list(parsing.donkin_nosofsky_2012(path))
    design = design_of([
        {**_test(row, len(OLD)), "list_length": row["set_size"], "lag": row["lag"], "used": row["used"]}
        for row in rows
    ])  # fmt: skip
    return Parts(design, np.array(OLD), np.array([int(row["old"]) for row in rows]), _seconds(rows))


READERS: Final[Mapping[str, Callable[[Path], Parts]]] = {
    "reder_2000": _continuous,
    "kantner_lindsay_2010": partial(
        _ratings, read=parsing.kantner_2010, n_ratings=parsing.KANTNER_RATINGS, list_length=75
    ),
    "kantner_lindsay_2014": partial(
        _ratings, read=parsing.kantner_2014, n_ratings=parsing.KANTNER_RATINGS, list_length=48
    ),
    "sadeghi_2017": partial(_ratings, read=parsing.sadeghi_2017, n_ratings=2 * parsing.SURE, list_length=100),
    "donkin_nosofsky_2012": _scan,
}
