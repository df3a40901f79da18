"""From upstream files of recognition (ratings, remember or know, short lists) to scored answers: was it called old?

Rows tell `repetitions` (how often the item was studied before, 0 for new ones), `old` (whether it was called old) and
`answer` (the kind of the answer); a rating is counted from 1, sure new, so that the upper half is called old.
"""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from cogmem.human_data.interference_parsing import rows_of
from cogmem.human_data.parsing import Row

ROC_RATINGS: Final = ("3new", "2new", "1new", "1old", "2old", "3old")
"""The ratings of the collected data sets, from sure new to sure old."""
KANTNER_RATINGS: Final = 6
SURE: Final = 6
"""Steps of Sadeghi et al.'s confidence in each of the two answers, which are 12 ratings together."""
SAID: Final = {"new": "new", "know": "known", "rem": "remembered"}
FAST_UP_TO: Final = 4
"""People of Donkin & Nosofsky up to this number saw the lists at the fast rate (the benchmark's script)."""


def roc_counts(path: Path) -> Iterator[Row]:
    """Yield two rows a person, of new and of studied items: participant, experiment, repetitions, counts of ratings."""
    for row in rows_of(path):
        for repetitions, items in enumerate(("NEW", "OLD")):
            yield {"participant": row["id"], "experiment": row["exp"], "repetitions": repetitions,
                   "counts": [int(float(row[f"{items}_{rating}"])) for rating in ROC_RATINGS]}  # fmt: skip


def _rated(participant: str, number: int, repetitions: int, rating: int, n_ratings: int, seconds: str) -> Row:
    """Return the row of a rating; `number` is the place of the test among the person's, from 1."""
    return {"participant": participant, "list": 1, "serial_position": number, "repetitions": repetitions,
            "rating": rating, "old": 2 * rating > n_ratings, "answer": f"rating_{rating}",
            "seconds": float(seconds)}  # fmt: skip


def kantner_2010(path: Path) -> Iterator[Row]:
    """Yield a row a test of words on a scale of six, with its condition: what is old, and whether there is feedback."""
    taken = Counter[str]()
    for row in rows_of(path):
        taken[who := row["Subj_idx"]] += 1
        rating, studied = int(row["Raw_Response"]), int(row["Stimulus"])
        yield {**_rated(who, taken[who], studied, rating, KANTNER_RATINGS, row["RT_decConf"]),
               "condition": row["Condition"]}  # fmt: skip


def kantner_2014(path: Path, tests: int = 96) -> Iterator[Row]:
    """Yield a row a test of paintings on a scale of six; `list` is 1 for a person's first 96 tests, then 2.

    The file does not name the two lists. Its rows are in order: both halves of everybody's have 48 old items.
    """
    taken = Counter[str]()
    for row in rows_of(path):
        earlier, place = divmod(taken[who := row["Subj_idx"]], tests)
        taken[who] += 1
        rating, studied = int(row["Raw_Response"]), int(row["Stimulus"])
        yield {**_rated(who, place + 1, studied, rating, KANTNER_RATINGS, row["RT_decConf"]), "list": earlier + 1}


def sadeghi_2017(path: Path) -> Iterator[Row]:
    """Yield a row a test of words on a scale of twelve, made of answer and confidence; `condition` is the group.

    In this file 0 stands for old and 1 for new, of items and of answers. `seconds` are those of the answer alone.
    """
    taken = Counter[str]()
    for row in rows_of(path):
        taken[who := row["Subj_idx"]] += 1
        sure, studied = int(row["Confidence"]), int(row["Stimulus"] == "0")
        rating = SURE + sure if row["Response"] == "0" else SURE + 1 - sure
        yield {**_rated(who, taken[who], studied, rating, 2 * SURE, row["RT_dec"]), "condition": row["group"]}


def reder_2000(path: Path) -> Iterator[Row]:
    """Yield a row a word shown: who, word, frequent, lag (in trials, 0: new), answer (new, known, remembered), times.

    `retention_interval` is in s since the word was last shown, NaN for new ones, as `time` is since the start.
    """
    last: dict[tuple[str, str], float] = {}
    for row in rows_of(path):
        who, word, now = row["subject"], row["stim"], float(row["onset"]) / 1000
        answer = SAID[row["resp"]]
        yield {"participant": who, "word": word, "frequent": int(row["freq"] == "highfreq"),
               "repetitions": int(row["rep"]), "lag": int(row["lag"]), "serial_position": int(row["trial"]),
               "time": now, "retention_interval": now - last.get((who, word), float("nan")), "answer": answer,
               "old": answer != "new", "seconds": float(row["rt"]) / 1000}  # fmt: skip
        last[who, word] = now


def different_words(rows: Iterable[Row]) -> dict[str, int]:
    """Return how many different words each person saw."""
    words: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        words[row["participant"]].add(row["word"])
    return {who: len(shown) for who, shown in words.items()}


def picture_memory(path: Path) -> Iterator[Row]:
    """Yield a row a published percentage: experiment, material, condition (delay), test, list_length, proportion."""
    for row in rows_of(path):
        yield {"experiment": row["study"], "material": row["material"], "condition": row["delay"],
               "test": row["test"], "list_length": int(row["n_items"]), "status": row["status"],
               "proportion": float(row["percent_correct"]) / 100}  # fmt: skip


def donkin_nosofsky_2012(path: Path) -> Iterator[Row]:
    """Yield a row a list and its probe: who, group, list (numbered from 1), set_size, lag, answer, time, used.

    The file's column Lag is the place in the list, counted from its start; set size + 1 marks new probes. `lag` counts
    from the end, 1 for the last item and 0 for new probes. `used` is the authors' flag, and 0 also where the file says
    both that the probe was in the list and that it was not. Only places of columns are the same in all files.
    """
    with path.open(newline="", encoding="ascii") as file:
        lines = csv.reader(file, delimiter=" ")
        next(lines)
        for number, (who, *_, size, place, key, right_key, _, seconds, use) in enumerate(lines, 1):
            set_size, back = int(size), int(size) + 1 - int(place)
            sound = (back > 0) == (right_key == "1")
            yield {"participant": who, "condition": "fast" if int(who) <= FAST_UP_TO else "slow", "list": number,
                   "set_size": set_size, "lag": back, "repetitions": int(back > 0), "old": key == "1",
                   "answer": "old" if key == "1" else "new", "seconds": float(seconds),
                   "used": int(sound and use in ("1", "TRUE"))}  # fmt: skip
