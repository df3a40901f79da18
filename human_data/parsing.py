"""From an upstream file to its trials: read once here, used by the shipped tables and by `load_trials`."""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cogmem.trials import Trials, from_rows

Row = dict[str, Any]

MINUTE: Final = 60.0
HOUR: Final = 3600.0
DAY: Final = 86400.0

DROS_INTERVALS: Final = {
    "20 min": 20 * MINUTE,
    "1 hour": HOUR,
    "9 hours": 9 * HOUR,
    "1 day": DAY,
    "2 days": 2 * DAY,
    "6 days": 6 * DAY,
    "31 days": 31 * DAY,
}
HOWARD_CONDITIONS: Final = {"0": "massed", "1": "spaced_long", "2": "spaced_short"}
HOWARD_SECONDS_PER_WORD: Final = 1.5
LEWANDOWSKY_CONDITIONS: Final = {"0": "none", "1": "one", "3": "three_same", "13": "three_different"}
ANKI_STUDIES: Final = 16


class Parts(NamedTuple):
    """What a record is made of: columns of its tests (of all rows if they have `phase`), items, answers, seconds."""

    design: Mapping[str, NDArray[Any]]
    items: NDArray[Any]
    answers: NDArray[Any]
    seconds: NDArray[np.float64] | None = None
    settings: Mapping[str, Any] = MappingProxyType({})


def sheet(path: Path, name: str) -> list[tuple[Any, ...]]:
    """Return the rows of one sheet of a workbook, with the values Excel saved for its formulas."""
    import openpyxl  # Here: only workbooks need it.

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl warns about page headers, which hold no data.
        workbook = openpyxl.load_workbook(path, data_only=True, read_only=True)
        rows = list(workbook[name].iter_rows(values_only=True))
        workbook.close()
    return rows


def dros_rows(path: Path) -> Iterator[Row]:
    """Yield Dros's lists from the sheet Results: interval, list, times in s, and (learning, relearning) for each row.

    The sheet has one line a list, two cells a row of 13 syllables; rows that were not learned are marked X.
    """
    interval, found = "", False
    for line in sheet(path, "Results"):
        cells = line[:26]
        if cells[0] == "Time-interval":
            found = True
            continue
        if found and isinstance(cells[1], str):
            return  # Further down the sheet the same lists come again, as means and as savings.
        if cells[0]:
            interval = str(cells[0]).strip().replace("20min", "20 min")
        if not found or not isinstance(cells[1], int):
            continue
        pairs = [(cells[k], cells[k + 1]) for k in range(2, 18, 2)]
        yield {
            "retention_interval": DROS_INTERVALS[interval],
            "list": cells[1],
            "pairs": [(a, b) for a, b in pairs if isinstance(a, int | float) and isinstance(b, int | float)],
            "learning_time": cells[21],
            "relearning_time": cells[22],
        }


def murre_dros_2015(path: Path) -> Trials:
    """Return Dros's 542 rows of 13 syllables: repetitions to criterion at learning and at relearning."""
    rows: list[Row] = []
    for each in dros_rows(path):
        for learning, relearning in each["pairs"]:
            shared = {"item": len(rows), "retention_interval": each["retention_interval"], "list": each["list"]}
            rows.append(shared | {"learning_repetitions": learning, "relearning_repetitions": relearning})
    return from_rows(rows)


def howard_kahana_2005(path: Path) -> Trials:
    """Return one row for each word of each list: 66 people × 15 lists × 30 words, each shown three times.

    Recalls are matched by word number (4th line of a list). The index on the 3rd line orders a list's words by their
    last presentation, not by their first; taken as the latter it would mark the wrong words as recalled.
    """
    lines = [line.split() for line in path.read_text(encoding="ascii").split("\n")]
    rows: list[Row] = []
    for start in range(0, len(lines) - 4, 5):
        (person, index, condition), shown, _, said, _ = lines[start : start + 5]
        positions: dict[str, list[int]] = {}
        for position, word in enumerate(shown, start=1):
            positions.setdefault(word, []).append(position)
        for word, places in positions.items():
            rows.append(
                {
                    "participant": person,
                    "condition": HOWARD_CONDITIONS[condition],
                    "list": int(index) + 1,
                    "word": int(word),
                    "repetitions": len(places),
                    "serial_position": places[0],
                    "spacing_lag": (places[-1] - places[0]) / (len(places) - 1),
                    "recalled": int(word in said),
                }
            )
    return from_rows(rows)


def ricker_2014(path: Path) -> Trials:
    """Return the 9452 recognition trials: retention interval in s, probe, answer (1 = same), response time in s."""
    with path.open(newline="", encoding="ascii") as file:
        return from_rows(
            [
                {
                    "participant": row["sub"],
                    "condition": row["iti"],
                    # The recorded duration lacks 10 ms (the authors' word, in the benchmark script).
                    "retention_interval": (int(row["dur"]) + 10) / 1000,
                    "probe": {"s": "same", "d": "different"}[row["correct"]],
                    "answer": int(row["resp"] == "s"),
                    "right": int(row["acc"]),
                    "seconds": int(row["rt"]) / 1000,
                }
                for row in csv.DictReader(file, delimiter=" ")
            ]
        )


def lewandowsky_2010(path: Path) -> Trials:
    """Return one row for each letter of each list: 24 people × 60 lists × 5 letters.

    `retention_interval` is the time in s that distractors filled between the letter and recall: the sum of the times
    of the gaps after it. The first of a list's five times is always 0, so time k is that of the gap before letter k.
    """
    lines = [line.split() for line in path.read_text(encoding="ascii").splitlines()]
    return from_rows(
        [
            {
                "participant": cells[0],
                "condition": LEWANDOWSKY_CONDITIONS[cells[2]],
                "list": int(cells[3]),
                "serial_position": place + 1,
                "retention_interval": sum(float(gap) for gap in cells[9 + place + 1 : 14]),
                "letter": cells[4 + place],
                "response": cells[14 + place],
                "right": int(cells[4 + place] == cells[14 + place]),
                "seconds": float(cells[19 + place]),
            }
            for cells in lines
            for place in range(5)
        ]
    )


def anki_single_learner(path: Path) -> Trials:
    """Return the 11 375 reviews that follow an earlier review of the same card, in the order of time.

    `study_age` holds the s since each earlier review, oldest first, the latest 16 at most, padded in front with inf.
    """
    seen: dict[str, list[float]] = {}
    rows: list[Row] = []
    with path.open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            now = datetime.fromisoformat(row["review_time"]).timestamp()
            earlier = seen.setdefault(row["card_id"], [])
            if earlier:
                rows.append(
                    {
                        "card": int(row["card_id"]),
                        "time": now,
                        "retention_interval": now - earlier[-1],
                        "repetitions": len(earlier),
                        "study_age": ages(now, earlier),
                        "recalled": int(int(row["review_rating"]) > 1),
                        "seconds": int(row["review_duration"]) / 1000,
                    }
                )
            earlier.append(now)
    return from_rows(rows)


def ages(now: float, earlier: list[float]) -> NDArray[np.float64]:
    """Return the s since each of the latest 16 earlier reviews, oldest first; inf in front where there were fewer."""
    latest = earlier[-ANKI_STUDIES:]
    padded = np.full(ANKI_STUDIES, np.inf)
    padded[ANKI_STUDIES - len(latest) :] = now - np.array(latest)
    return padded


def floden_trials(path: Path) -> Iterator[Row]:
    """Yield the scores of Floden et al.: items recalled (correct) of items possible (trials), see `_floden_1`, `_2`."""
    yield from _floden_1(path)
    yield from _floden_2(path)


def _people(path: Path, name: str, group: str, groups: dict[int, str]) -> Iterator[tuple[Row, Row]]:
    """Yield (row of the sheet, columns that say who it is) for each person; numbers repeat across groups."""
    head, *lines = sheet(path, f"{name}_Data")
    experiment = name.replace("xp", "")
    for line in lines:
        row = dict(zip(head, line, strict=True))
        condition = groups[row[group]]
        who = f"{experiment}-{condition}-{row['SUBJECT']}"
        yield row, {"experiment": experiment, "condition": condition, "participant": who}


def _floden_1(path: Path) -> Iterator[Row]:
    """Yield Exp. 1, one row a person and delay (s): 15 items possible, as the sheet's PROP = score / 15 tells."""
    delays = {"V1_IMMED": 0.0, "V1_9S": 9.0, "V1_18S": 18.0, "V1_36S": 36.0}
    for row, who in _people(path, "Exp1", "GRP", {1: "young", 3: "older"}):
        for name, delay in delays.items():
            yield who | {"trial": None, "retention_interval": delay, "correct": row[name], "trials": 15}


def _floden_2(path: Path) -> Iterator[Row]:
    """Yield Exp. 2, one row a person and trial of four items; trials without a score (#NULL!) are left out.

    The file does not tell the delay of the three buffer trials: their `retention_interval` is None.
    """
    for row, who in _people(path, "Exp2", "GROUP", {1: "older", 2: "young"}):
        for name, value in row.items():
            match = re.fullmatch(r"BUFF_(\d)|TR(\d+)_(\d+)S", name or "")
            if match is None or not isinstance(value, int | float):
                continue
            buffer, later, delay = match.groups()
            yield who | {
                "trial": int(buffer) if buffer else int(later) + 3,
                "retention_interval": None if buffer else float(delay),
                "correct": value,
                "trials": 4,
            }
