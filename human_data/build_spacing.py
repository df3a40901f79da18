"""Tables of spacing and of counted trials: Cepeda, Howard, Ricker, Lewandowsky, one learner's review log."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from cogmem.human_data import parsing
from cogmem.human_data.parsing import DAY, HOWARD_SECONDS_PER_WORD, Row
from cogmem.trials import Trials

# Edges of the delay bins of the review log, in s: four a factor of ten, from 1 s to 10 million s.
ANKI_EDGES: Final = 10.0 ** (np.arange(29) / 4)
ANKI_GROUPS: Final = (("1", 1, 1), ("2", 2, 2), ("3", 3, 3), ("4", 4, 4), ("5-8", 5, 8), ("9+", 9, 10**9))


def count(table: Trials, names: Sequence[str], answer: str) -> list[Row]:
    """Return one row for each combination of `names`: correct (the sum of `answer`) and trials."""
    return [
        {**key, "correct": int(table[answer][rows].sum()), "trials": len(rows)} for key, rows in table.groups(names)
    ]


def cepeda(sources: Path, experiment: str, function: str) -> list[Row]:
    """Return the rows of one study and function of the digitised file: gaps and delays in s, retention as proportion.

    A forgetting row is the test at the start of session 2, so its delay is the gap and the item was studied once.
    """
    rows: list[Row] = []
    path = sources / "cepeda-spacing-surface" / "cepeda_spacing_recall.csv"
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if experiment not in row["experiment"] or row["function"] != function:
                continue
            gap, name = float(row["isi_days"]) * DAY, "E" + row["experiment"].split()[-1]
            shared = {"experiment": name, "material": row["material"], "retention": float(row["recall_pct"]) / 100}
            if function == "forgetting":
                rows.append(shared | {"retention_interval": gap, "repetitions": 1})
            else:
                delay = float(row["ri_days"]) * DAY
                rows.append(shared | {"spacing_gap": gap, "retention_interval": delay, "repetitions": 2})
    return rows


def cepeda_2008_surface(sources: Path) -> list[Row]:
    """Return the 26 gap × delay conditions of Cepeda et al. (2008)."""
    return cepeda(sources, "(2008)", "spacing")


def cepeda_2009_forgetting(sources: Path) -> list[Row]:
    """Return the 18 points of the forgetting functions of Cepeda et al. (2009)."""
    return cepeda(sources, "(2009)", "forgetting")


def cepeda_2009_spacing(sources: Path) -> list[Row]:
    """Return the 18 points of the spacing functions of Cepeda et al. (2009)."""
    return cepeda(sources, "(2009)", "spacing")


def howard_kahana_2005(sources: Path) -> list[Row]:
    """Return words recalled of words shown for each person and condition; the lag is the mean of the condition.

    One lag a condition, not one a person: the lists were drawn by the same rule, and equal x pool exactly.
    """
    words = parsing.howard_kahana_2005(sources / "howard-kahana-2005-spacing" / "HowaKaha05.dat")
    lags = {key["condition"]: float(words["spacing_lag"][rows].mean()) for key, rows in words.groups(["condition"])}
    return [
        row
        | {
            "repetitions": 3,
            "spacing_lag": lags[row["condition"]],
            "spacing_gap": lags[row["condition"]] * HOWARD_SECONDS_PER_WORD,
        }
        for row in count(words, ["participant", "condition"], "recalled")
    ]


def ricker_2014(sources: Path) -> list[Row]:
    """Return right answers for each person, inter-trial interval, retention interval and probe."""
    trials = parsing.ricker_2014(sources / "ricker-2014-retention" / "Ricker.2014.txt")
    return count(trials, ["participant", "condition", "retention_interval", "probe"], "right")


def lewandowsky_2010(sources: Path) -> list[Row]:
    """Return letters recalled in their place for each person, condition and serial position."""
    table = parsing.lewandowsky_2010(sources / "lewandowsky-2010-e2" / "Lewandowsky.2010.E2.dat")
    names = ["participant", "condition", "serial_position"]
    filled = [float(table["retention_interval"][rows].mean()) for _, rows in table.groups(names)]
    counts = count(table, names, "right")
    return [row | {"retention_interval": mean} for row, mean in zip(counts, filled, strict=True)]


def anki_single_learner(sources: Path) -> list[Row]:
    """Return reviews recalled in bins of delay × number of earlier reviews; x is the geometric mean of the bin."""
    table = parsing.anki_single_learner(sources / "anki-single-learner-log" / "review_logs.csv")
    delay, repetitions = table["retention_interval"], table["repetitions"]
    bins = np.digitize(delay, ANKI_EDGES)
    rows: list[Row] = []
    for name, low, high in ANKI_GROUPS:
        group = (repetitions >= low) & (repetitions <= high)
        for k in np.unique(bins[group]):
            chosen = group & (bins == k)
            rows.append(
                {
                    "condition": name,
                    "repetitions": round(float(repetitions[group].mean())),
                    # Over all groups, so that the same bin has the same x in each of them and curves pool exactly.
                    "retention_interval": float(np.exp(np.log(delay[bins == k]).mean())),
                    "correct": int(table["recalled"][chosen].sum()),
                    "trials": int(chosen.sum()),
                }
            )
    return rows
