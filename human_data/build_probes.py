"""Tables of probes, recombined pairs and running span: what earlier lists and updates do to the answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import inf, nan
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from cogmem.human_data import probe_parsing as parsing
from cogmem.human_data.build_interference import counted
from cogmem.human_data.parsing import Row

RECENT: Final = Path("sro-recent-probes") / "recent_probes.csv.gz"
AUE: Final = Path("aue-2017-ab-abr")
N_BACK: Final = Path("oberauer-2006-nback") / "NBACK.ROH"
RUNNING: Final = Path("bunting-cowan-running-span") / "Bunting.Cowan.Running.xls"
LONGEST: Final = 10.0
"""Answers of the n-back task after more s than this are no part of its mean times: one took an hour."""


def timed(
    rows: Iterable[Mapping[str, Any]], by: tuple[str, ...], kinds: Mapping[str, str], longest: float = inf
) -> list[Row]:
    """Return what `counted` does, with the mean time in s of the right answers up to `longest` and their number."""
    every = list(rows)
    times: dict[tuple[Any, ...], list[float]] = {}
    for row in every:
        if row["kind"] == "right" and row["seconds"] <= longest:
            times.setdefault(tuple(row[name] for name in by), []).append(row["seconds"])
    found = counted(every, by, kinds)
    for line in found:
        own = times.get(tuple(line[name] for name in by), [])
        line |= {"seconds": fmean(own) if own else nan, "seconds_n": len(own)}
    return found


def recent_probes(sources: Path) -> list[Row]:
    """Return answers and times by person, whether the letter is of this trial (old), and of the one before (recent)."""
    rows = ({**row, "probe": "old" if row["old"] else "new"} for row in parsing.recent_probes(sources / RECENT))
    return timed(rows, ("participant", "probe", "recent"), {"right": "correct", "none": "omitted"})


def recombined_pairs(sources: Path) -> list[Row]:
    """Return answers by experiment, person and whether the pair's words had been in other pairs."""
    rows = [
        {**row, "experiment": f"E{number}", "participant": f"E{number}-{row['participant']}"}
        for number in (1, 2, 4)
        for row in parsing.recombined_pairs(sources / AUE / f"Exp0{number}_OSF.csv")
    ]
    kinds = {"right": "correct", "none": "omitted", "wrong": "wrong"}
    return counted(rows, ("experiment", "participant", "recombined"), kinds)


def n_back(sources: Path) -> list[Row]:
    """Return answers and times by person, number of columns and kind of probe."""
    rows = (
        {"participant": trial["participant"], "n_keys": trial["n_keys"], "probe": probe,
         "kind": "right" if right else "wrong", "seconds": seconds}
        for trial in parsing.n_back(sources / N_BACK)
        for probe, right, seconds in zip(trial["probes"], trial["right"], trial["seconds"], strict=True)
    )  # fmt: skip
    return timed(rows, ("participant", "n_keys", "probe"), {"right": "correct"}, LONGEST)


def running_span(sources: Path) -> list[Row]:
    """Return lists whose digit was right by person, speed, how many digits were asked for, and place from the end."""
    return [{**row, "trials": parsing.RUNNING_LISTS} for row in parsing.running_span(sources / RUNNING)]
