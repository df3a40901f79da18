"""Tables of chunking: sequences learned by heart and transferred, known chunks among new lists, groups, repetition."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from statistics import fmean
from typing import Any, Final

from cogmem.human_data import chunking_parsing as parsing
from cogmem.human_data.build_interference import counted
from cogmem.human_data.build_probes import LONGEST, timed
from cogmem.human_data.parsing import Row

WU: Final = Path("wu-2025-hvm-recall") / "recall_trials.csv"
PAGE: Final = Path("page-2006-hebb") / "Page.Hebb.txt"
PORTRAT: Final = Path("portrat-2016-acronyms") / "Portrat.Chunking.txt"
CHEN: Final = Path("chen-cowan-2009-chunks")
THALMANN: Final = Path("thalmann-2018-chunking")
THALMANN_THREE: Final = {"E2": "Experiment2", "E3": "Experiment3", "control": "ControlExperiment"}
THREE: Final = ("experiment", "participant", "condition", "list_kind", "study_order")
FARRELL: Final = Path("farrell-lelievre-2009-grouping") / "group44.dat"
BLOCK: Final = 8
"""Trials of a block of Wu et al.'s learning curve."""


def _phase(sources: Path, phase: str) -> list[Row]:
    """Return the sequences of a phase, a row each: keys right in place and by edit distance, time of recall in s."""
    return [row for row in parsing.wu_2025_recall(sources / WU) if row["learning_phase"] == phase]


def learned_sequences(sources: Path) -> list[Row]:
    """Return the 40 sequences of each person's training."""
    return _phase(sources, "training")


def transferred_sequences(sources: Path) -> list[Row]:
    """Return the 24 sequences of each person's transfer."""
    return _phase(sources, "transfer")


def sequence_blocks(sources: Path) -> list[Row]:
    """Return sums of right keys and mean times in s by phase, group and block of eight trials."""
    found: dict[tuple[Any, ...], list[Row]] = {}
    for row in parsing.wu_2025_recall(sources / WU):
        block = (row["trial"] - 1) // BLOCK + 1
        found.setdefault((row["learning_phase"], row["condition"], block), []).append(row)
    return [
        {"learning_phase": phase, "condition": condition, "block": block,
         **{name: sum(row[name] for row in rows) for name in ("correct", "edit_correct", "trials")},
         "seconds": fmean(row["seconds"] for row in rows), "seconds_n": len(rows)}
        for (phase, condition, block), rows in found.items()
    ]  # fmt: skip


def repeated_lists(sources: Path) -> list[Row]:
    """Return items in their place by person, condition, kind of list and how many of the kind came by then."""
    return list(parsing.page_2006(sources / PAGE))


def acronyms(sources: Path) -> list[Row]:
    """Return items recalled by person, pace and where in the list an acronym begins."""
    return list(parsing.portrat_2016(sources / PORTRAT))


def grouped_lists(sources: Path) -> list[Row]:
    """Return answers and times in s by person, whether lists were grouped, and place."""
    rows = parsing.farrell_lelievre_2009(sources / FARRELL)
    kinds = {"right": "correct", "transposed": "transposed", "unseen": "unseen"}
    return timed(rows, ("participant", "condition", "serial_position"), kinds, LONGEST)


def chunk_capacity(sources: Path) -> list[Row]:
    """Return chunks recalled by person and list; the lists of a person are all different."""
    return [
        {**row, "trials": row["n_chunks"]} for row in parsing.chen_cowan_chunks(sources / CHEN / "ChenCowan2009.xlsx")
    ]


def chunked_positions(sources: Path) -> list[Row]:
    """Return answers by condition, list and place, a list of each person together."""
    rows = parsing.chen_cowan_answers(sources / CHEN / "ChenCowan.2005.2009.details.xlsx")
    by = ("condition", "list_kind", "list_length", "n_chunks", "serial_position")
    return counted(rows, by, {"right": "correct", "transposed": "transposed"})


def _scored(rows: Iterable[Row], by: tuple[str, ...]) -> list[Row]:
    """Return items in their place and elsewhere, and times in s, by the values of some columns."""
    return timed(rows, by, {"right": "correct", "transposed": "transposed"}, LONGEST)


def chunk_beside_a_list(sources: Path) -> list[Row]:
    """Return items recalled by person, kind and length of the list and of the other one of the trial, and orders."""
    rows = parsing.thalmann_two_lists(sources / THALMANN / "Chunking.Experiment1.dat")
    of_lists = ("list_kind", "other_kind", "list_length", "other_length")
    return _scored(rows, ("participant", *of_lists, "study_order", "recall_order"))


def three_lists(sources: Path) -> Iterator[Row]:
    """Yield the items of the experiments with three lists a trial."""
    for experiment, name in THALMANN_THREE.items():
        yield from parsing.thalmann_three_lists(sources / THALMANN / f"Chunking.{name}.dat", experiment)
    yield from parsing.thalmann_fourth(sources / THALMANN / "Chunking.Experiment4.dat")


def chunk_among_three(sources: Path) -> list[Row]:
    """Return items recalled by experiment, person, what the trial has beside new lists, and the list's orders."""
    return _scored(three_lists(sources), (*THREE, "recall_order"))


def chunk_among_three_positions(sources: Path) -> list[Row]:
    """Return items recalled by experiment, person, what the trial has, the list's place, and the item's in it."""
    return _scored(three_lists(sources), (*THREE, "serial_position"))
