"""Tables of recognition: ratings, remember or know by frequency and lag, pictures by the thousand, short lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cogmem.human_data import recognition_parsing as parsing
from cogmem.human_data.build_interference import counted
from cogmem.human_data.build_probes import timed
from cogmem.human_data.parsing import Row

ROC: Final = Path("roc6-recognition") / "roc6.csv"
CONFIDENCE: Final = Path("confdb-recognition")
KANTNER_2010: Final = CONFIDENCE / "data_Kantner_2010.csv"
KANTNER_2014: Final = CONFIDENCE / "data_Kantner_2014_E1.csv"
SADEGHI: Final = CONFIDENCE / "data_Sadeghi_2017_memory.csv"
REDER: Final = Path("reder-2000-continuous-recognition") / "reder2000_exp1.csv"
PICTURES: Final = Path("visual-ltm-capacity-table") / "visual_ltm_capacity.csv"
SCAN: Final = Path("donkin-nosofsky-2012-sternberg")


def rating_columns(n_ratings: int) -> list[str]:
    """Return the names of the columns of ratings, from sure new to sure old."""
    return [f"rating_{k}" for k in range(1, n_ratings + 1)]


def answered(rows: Iterable[Mapping[str, Any]], by: tuple[str, ...], answers: Iterable[str] = ()) -> list[Row]:
    """Return items called old (correct) and every kind of answer by the values of some columns, and right ones' times.

    A right answer is old for an item that was studied and new for one that was not.
    """
    every = list(rows)
    right = ({**row, "kind": "right" if row["old"] == (row["repetitions"] > 0) else "wrong"} for row in every)
    old = counted(({**row, "kind": "old" if row["old"] else "new"} for row in every), by, {"old": "correct"})
    kinds = counted(({**row, "kind": row["answer"]} for row in every), by, {name: name for name in answers})
    return [{**a, **b, **c} for a, b, c in zip(timed(right, by, {}), kinds, old, strict=True)]


def collected_ratings(sources: Path) -> list[Row]:
    """Return the six counts of ratings of new and of studied items by person; ratings 4 to 6 call an item old."""
    names = rating_columns(len(parsing.ROC_RATINGS))
    return [
        {**row, **dict(zip(names, row["counts"], strict=True)),
         "correct": sum(row["counts"][len(names) // 2 :]), "trials": sum(row["counts"])}
        for row in parsing.roc_counts(sources / ROC)
    ]  # fmt: skip


def rated_words(sources: Path) -> list[Row]:
    """Return ratings by person, with the condition, and by whether the word was studied."""
    rows = parsing.kantner_2010(sources / KANTNER_2010)
    return answered(rows, ("participant", "condition", "repetitions"), rating_columns(parsing.KANTNER_RATINGS))


def rated_paintings(sources: Path) -> list[Row]:
    """Return ratings by person, list and whether the painting was studied."""
    rows = parsing.kantner_2014(sources / KANTNER_2014)
    return answered(rows, ("participant", "list", "repetitions"), rating_columns(parsing.KANTNER_RATINGS))


def patients_ratings(sources: Path) -> list[Row]:
    """Return ratings by person, with the group, and by whether the word was studied."""
    rows = parsing.sadeghi_2017(sources / SADEGHI)
    return answered(rows, ("participant", "condition", "repetitions"), rating_columns(2 * parsing.SURE))


def repeated_words(sources: Path) -> list[Row]:
    """Return answers and times in s by person, frequency and how often the word was shown before."""
    rows = parsing.reder_2000(sources / REDER)
    return answered(rows, ("participant", "frequent", "repetitions"), ("remembered", "known"))


def first_of_bin(lag: int) -> int:
    """Return the first of the lags 1, 2 to 3, 4 to 7, 8 to 15, ... that this one (from 1) is among."""
    return 1 << (lag.bit_length() - 1)


def words_by_lag(sources: Path) -> list[Row]:
    """Return what `repeated_words` does of words shown before, also by the bin of trials since they were last shown."""
    shown = (row for row in parsing.reder_2000(sources / REDER) if row["repetitions"])
    rows = ({**row, "lag": first_of_bin(row["lag"])} for row in shown)
    return answered(rows, ("participant", "frequent", "repetitions", "lag"), ("remembered", "known"))


def picture_memory(sources: Path) -> list[Row]:
    """Return the published proportions of right choices between an old item and a new one."""
    return list(parsing.picture_memory(sources / PICTURES))


def scanned_lists(sources: Path) -> list[Row]:
    """Return answers and times in s by person, set size and lag, of the trials that are used."""
    every = (row for k in range(1, 8) for row in parsing.donkin_nosofsky_2012(sources / SCAN / f"subj{k}.txt"))
    used = [row for row in every if row["used"]]
    return answered(used, ("participant", "condition", "set_size", "lag", "repetitions"))
