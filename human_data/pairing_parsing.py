"""From upstream files of pairs (fan, learning, recognition, recall) and of updated digits to scored answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cogmem.human_data.interference_parsing import rows_of
from cogmem.human_data.parsing import Row

ANSWERS: Final = ("intact", "rearranged", "old_new", "new_old", "new_new")
"""The five answers of Buchler et al. in the order of the file's codes: both old and together, both old, one, none."""
INTACT_CODE: Final = 2
"""The file's code of the first of ANSWERS; 1 stands for a right answer, 0 for a wrong one that is not told."""
YOUNG_BELOW: Final = 30
"""Numbers of young people are below this (the benchmark's script); the older ones are 50 and above."""
BEFORE_ANSWERS: Final = 7
"""Cells of a line of updated digits before its answers, each of which has four."""


def fan_means(path: Path) -> Iterator[Row]:
    """Yield probe (target or foil), cue_fan (of the person), item_fan (of the place) and mean seconds."""
    for row in rows_of(path):
        yield {"probe": row["probe"], "cue_fan": int(row["person_fan"]), "item_fan": int(row["location_fan"]),
               "seconds": float(row["rt_s"])}  # fmt: skip


def learning_curve(path: Path) -> Iterator[Row]:
    """Yield trial, repetitions (trials before), retention and mean seconds of right answers (None: there were none)."""
    for row in rows_of(path):
        trial, retention = int(row["trial"]), float(row["proportion_correct"])
        yield {"trial": trial, "repetitions": trial - 1, "retention": retention,
               "seconds": float(row["latency_s"]) if retention else None}  # fmt: skip


def fans(condition: str) -> Row:
    """Return cue_fan, item_fan and repetitions of the pairs of a condition, such as match1and5 or newNand1.

    The numbers are those of each word's presentations, N for none. Each of them is in another pair, but for rep5and5:
    there the same pair is shown five times. `repetitions` counts how often the tested pair itself was studied.
    """
    kind, *numbers = condition[:-5], condition[-5], condition[-1]
    cue, item = (0 if number == "N" else int(number) for number in numbers)
    if kind == "rep":
        return {"cue_fan": 1, "item_fan": 1, "repetitions": cue}
    return {"cue_fan": cue, "item_fan": item, "repetitions": int(kind == "match")}


def recognised_pairs(path: Path) -> Iterator[Row]:
    """Yield a row a pair that Buchler et al. showed, studies before tests: who, phase, place, condition, its two words.

    Tests also have target and answer (places in ANSWERS, -1 for a wrong answer that is not told), the kind of the
    answer (right, what was said instead, or untold), seconds, and what `fans` says of the condition.
    """
    taken = Counter[tuple[str, str]]()
    for row in rows_of(path):
        who, phase = row["subject"], row["procedure"]
        taken[who, phase] += 1
        shown = {"participant": who, "phase": phase, "serial_position": taken[who, phase],
                 "condition": row["condition"], "cue": row["word1"], "item": row["word2"]}  # fmt: skip
        if phase == "study":
            yield shown
            continue
        target, code = int(row["correct_resp"]) - INTACT_CODE, int(row["acc_resp"])
        answer = target if code == 1 else code - INTACT_CODE if code else -1
        kind = "right" if code == 1 else ANSWERS[answer] if code else "untold"
        yield {**shown, **fans(row["condition"]), "target": target, "answer": answer, "kind": kind,
               "seconds": float(row["rt"]) / 1000}  # fmt: skip


def frequency_pairs(path: Path) -> Iterator[Row]:
    """Yield a row a study or test of Criss et al., in order: who, task, list, phase, place, words, frequencies, time.

    `time` is the nominal onset in s; tests also have `recalled`, 1 or 0, and `retention_interval` in s. A test's target
    is the word studied with its cue in the list, for the file shows NA there.
    """
    studied: dict[tuple[str, str, str], Row] = {}
    taken = Counter[tuple[str, str, str]]()
    for row in rows_of(path):
        who, number, phase = row["subject"], row["list"], row["procedure"]
        taken[who, number, phase] += 1
        shown = {"participant": who, "condition": row["encodingtask"], "list": int(number), "phase": phase,
                 "serial_position": taken[who, number, phase], "cue": row["stim1"], "target": row["stim2"],
                 "cue_frequent": int(row["cuefreq"] == "HF"), "target_frequent": int(row["targetfreq"] == "HF"),
                 "time": float(row["onset"]) / 1000}  # fmt: skip
        if phase == "study":
            studied[who, number, row["stim1"]] = shown
            yield shown
            continue
        first = studied[who, number, row["stim1"]]
        yield {**shown, "target": first["target"], "recalled": int(row["CuedRecall"]),
               "retention_interval": shown["time"] - first["time"]}  # fmt: skip


def updated_digits(path: Path) -> Iterator[Row]:
    """Yield a row a trial of Oberauer & Kliegl: who, condition, list, n_keys, times in s, digits, answers, kinds, s.

    `n_keys` is the file's code of the set size (0 also asks for one digit), `presentation_time` the nominal and
    `presented` the measured time. `digits` are the last values, `kinds` tell of each answer whether it is right, the
    last value of another key (other_key) or another digit. `list` numbers a person's trials from 1.
    """
    taken = Counter[str]()
    with path.open(encoding="ascii") as file:
        for line in file:
            if not (cells := line.split()):
                continue
            who = cells[0]
            taken[who] += 1
            digits, answers, _, milliseconds = ([int(cell) for cell in cells[k::4]] for k in range(BEFORE_ANSWERS, 11))
            kinds = ["right" if answer == digit else "other_key" if answer in digits else "other"
                     for digit, answer in zip(digits, answers, strict=True)]  # fmt: skip
            yield {"participant": who, "condition": "young" if int(who) < YOUNG_BELOW else "older",
                   "list": taken[who], "n_keys": int(cells[1]), "presentation_time": int(cells[3]) / 1000,
                   "presented": int(cells[4]) / 1000, "time_category": int(cells[5]), "digits": digits,
                   "answers": answers, "kinds": kinds, "seconds": [each / 1000 for each in milliseconds]}  # fmt: skip
