"""Tables of pairs and updated digits: fan, learning, associative recognition, cued recall, memory updating."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import Any, Final

from cogmem.human_data import pairing_parsing as parsing
from cogmem.human_data.build_interference import counted
from cogmem.human_data.build_probes import LONGEST, timed
from cogmem.human_data.parsing import Row

FAN: Final = Path("anderson-1974-fan") / "fan_effect.csv"
LEARNING: Final = Path("anderson-1981-paired-associates") / "paired_associates.csv"
BUCHLER: Final = Path("buchler-2008-associative-recognition") / "buchler2008_exp1.csv"
CRISS: Final = Path("criss-2011-cued-recall-frequency") / "criss2011_exp1.csv"
UPDATING: Final = Path("oberauer-kliegl-2006-updating") / "Oberauer.Kliegl.MU1.DAT"


def fan_times(sources: Path) -> list[Row]:
    """Return the 18 mean recognition times in s by probe, fan of the person and fan of the place."""
    return list(parsing.fan_means(sources / FAN))


def learning_curve(sources: Path) -> list[Row]:
    """Return the share of right answers and their mean time in s on each of the eight trials."""
    return list(parsing.learning_curve(sources / LEARNING))


def recognised_pairs(sources: Path) -> list[Row]:
    """Return answers and mean times in s of the right ones by person and condition."""
    tests = (row for row in parsing.recognised_pairs(sources / BUCHLER) if row["phase"] == "test")
    kinds = {"right": "correct", **{answer: answer for answer in parsing.ANSWERS}, "untold": "untold"}
    return timed(tests, ("participant", "condition", "cue_fan", "item_fan", "repetitions"), kinds)


def frequency_pairs(sources: Path) -> list[Row]:
    """Return recalled pairs by person and by whether cue and target are frequent words."""
    rows = [
        {**row, "kind": "right" if row["recalled"] else "other"}
        for row in parsing.frequency_pairs(sources / CRISS)
        if row["phase"] == "test"
    ]
    return counted(rows, ("participant", "condition", "cue_frequent", "target_frequent"), {"right": "correct"})


def updated_digits(sources: Path) -> list[Row]:
    """Return answers and times in s by person, set size and category of presentation time, with its mean in s."""
    by = ("participant", "condition", "n_keys", "time_category")
    rows: list[Row] = []
    shown: dict[tuple[Any, ...], list[float]] = {}
    for trial in parsing.updated_digits(sources / UPDATING):
        shown.setdefault(tuple(trial[name] for name in by), []).append(trial["presentation_time"])
        rows += [
            {**trial, "kind": kind, "seconds": seconds}
            for kind, seconds in zip(trial["kinds"], trial["seconds"], strict=True)
        ]
    found = timed(rows, by, {"right": "correct", "other_key": "other_key"}, LONGEST)
    return [{**row, "presentation_time": fmean(shown[tuple(row[name] for name in by)])} for row in found]
