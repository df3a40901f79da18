"""Trials of pairs and updated digits as parts of records: words, digits and answers are rows of the items."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from cogmem.human_data import pairing_parsing
from cogmem.human_data.interference_trials import design_of, pool
from cogmem.human_data.parsing import Parts, Row

DIGITS: Final = (*(str(digit) for digit in range(10)), *(f"key {place}" for place in range(1, 5)))
"""Items of memory updating: the digits, then the keys by their place in the file."""


def _recognised_pairs(path: Path) -> Parts:
    """Person by person: the pairs in the order of study, then the tests, which of five kinds a pair is.

    `cue` and `item` are the pair's words; the answer and `target` of a test are items 0 to 4, -1 where the file does
    not tell which wrong answer was given. Fans and repetitions are the condition's, 0 in study rows.
    """
    shown = list(pairing_parsing.recognised_pairs(path))
    words, row_of = pool(word for each in shown for word in (each["cue"], each["item"]))
    first = len(pairing_parsing.ANSWERS)
    blank = {"cue_fan": 0, "item_fan": 0, "repetitions": 0, "target": -1}
    names = ("phase", "participant", "serial_position", "condition", *blank)
    rows: list[Row] = []
    for each in shown:
        row = {name: (blank | each)[name] for name in names}
        pair = {"cue": first + row_of[each["cue"]], "item": first + row_of[each["item"]]}
        rows.append({**row, **pair, "list": 1, "test_type": "recognition"})
    tests = [each for each in shown if each["phase"] == "test"]
    items = np.concatenate([pairing_parsing.ANSWERS, words])
    return Parts(design_of(rows), items, np.array([each["answer"] for each in tests]),
                 np.array([each["seconds"] for each in tests]))  # fmt: skip


def _frequency_pairs(path: Path) -> Parts:
    """List by list: the pairs in the order of study, then their tests; all times are nominal.

    The answer is the target where it was recalled, else -1: the file does not hold what was said.
    """
    shown = list(pairing_parsing.frequency_pairs(path))
    items, row_of = pool(word for each in shown for word in (each["cue"], each["target"]))
    names = ("phase", "participant", "condition", "list", "serial_position", "cue_frequent", "target_frequent", "time")
    rows: list[Row] = []
    answers: list[int] = []
    for each in shown:
        pair = {"cue": row_of[each["cue"]], "target": row_of[each["target"]]}
        delay = each.get("retention_interval", float("nan"))
        rows.append({**{name: each[name] for name in names}, **pair, "retention_interval": delay,
                     "test_type": "recall"})  # fmt: skip
        if each["phase"] == "test":
            answers.append(pair["target"] if each["recalled"] else -1)
    return Parts(design_of(rows), items, np.array(answers))


def _updated_digits(path: Path) -> Parts:
    """Tests alone, one a key: `target` and the answer are digits. The values between are not in the file."""
    rows: list[Row] = []
    answers: list[int] = []
    seconds: list[float] = []
    names = ("participant", "condition", "list", "n_keys", "time_category", "presentation_time")
    for trial in pairing_parsing.updated_digits(path):
        common: dict[str, Any] = {name: trial[name] for name in names}
        for place, digit in enumerate(trial["digits"], 1):
            rows.append({**common, "serial_position": place, "cue": DIGITS.index(f"key {place}"), "target": digit,
                         "test_type": "recall"})  # fmt: skip
        answers += trial["answers"]
        seconds += trial["seconds"]
    return Parts(design_of(rows), np.array(DIGITS), np.array(answers), np.array(seconds))


READERS: Final[Mapping[str, Callable[[Path], Parts]]] = {
    "buchler_2008": _recognised_pairs,
    "criss_2011": _frequency_pairs,
    "oberauer_kliegl_2006": _updated_digits,
}
