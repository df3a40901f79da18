"""`load` a shipped table as a curve; `load_trials` the full trials from the upstream file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Record, Source
from cogmem.errors import UserError
from cogmem.human_data import parsing
from cogmem.human_data.fetching import fetch
from cogmem.human_data.registry import DATASETS, Dataset, Table, dataset, tables_folder
from cogmem.trials import Trials

__all__ = ["DATASETS", "load", "load_trials", "read_table", "source"]

Parts = tuple[dict[str, NDArray[Any]], NDArray[Any], NDArray[Any], NDArray[np.float64] | None]


def read_table(table: Table) -> dict[str, NDArray[Any]]:
    """Return the columns of a shipped table by name; blank cells of number columns become NaN."""
    with (tables_folder() / table.file).open(newline="", encoding="utf-8") as file:
        head, *lines = list(csv.reader(file))
    if head != [column.name for column in table.columns]:
        raise UserError(f"{table.file} has the columns {head}, the registry says otherwise; build the tables again.")
    content: dict[str, NDArray[Any]] = {}
    for place, column in enumerate(table.columns):
        text = [line[place] for line in lines]
        if column.dtype == "str":
            content[column.name] = np.array(text, dtype=np.str_)
        elif column.dtype == "int":
            content[column.name] = np.array([int(each) for each in text], dtype=np.int64)
        else:
            content[column.name] = np.array([float(each or "nan") for each in text], dtype=np.float64)
    return content


def source(data: Dataset, sha256: str) -> Source:
    """Return the provenance of a data set; `sha256` is that of the table or file the numbers were read from."""
    return Source(who=data.who, citation=data.citation, licence=data.licence, sha256=sha256)


def load(name: str, *, table: str | None = None) -> Curve:
    """Return a shipped table of people's data as a curve (None: the data set's default table).

    Rows have x, y, n and sd beside the grouping and design columns (s throughout). Counts give y = correct / n and
    sd = sqrt(y (1 - y)); published means have n = 1 and their standard error, or NaN, as sd. Rows without a y are out.

    >>> load("ebbinghaus_1885").rows["y"][:3]
    array([0.582, 0.442, 0.358])
    """
    data = dataset(name)
    chosen = data.table(table)
    content = read_table(chosen)
    if chosen.y is None:
        n = content["trials"]
        y = content["correct"] / n
        sd = np.sqrt(y * (1 - y))
    else:
        y = content[chosen.y]
        n = np.ones(len(y))
        sd = content[chosen.se] if chosen.se else np.full(len(y), np.nan)
    # y, sd and n hold these already; a second copy would go stale when a curve is pooled.
    rest = {key: values for key, values in content.items() if key not in (chosen.y, chosen.se, "trials")}
    if chosen.guess is not None:
        rest["guess"] = np.full(len(y), chosen.guess)
    rows = Trials({"x": content[chosen.x], "y": y, "n": n, "sd": sd, **rest})
    return Curve(chosen.measure, data.name, rows.where(np.isfinite(y)), source(data, chosen.sha256))


def _murre(path: Path) -> Parts:
    """Two tests a row of syllables: repetitions to criterion at learning (interval 0) and at relearning."""
    rows = parsing.murre_dros_2015(path)
    design = {name: np.repeat(rows[name], 2) for name in ("item", "list")}
    delays = rows["retention_interval"]
    design["retention_interval"] = np.stack([np.zeros(len(rows)), delays], axis=1).ravel()
    design["participant"] = np.full(2 * len(rows), "Dros")
    design["test_type"] = np.tile(["learning", "relearning"], len(rows))
    answers = np.stack([rows["learning_repetitions"], rows["relearning_repetitions"]], axis=1).ravel()
    return design, np.arange(len(rows)), answers, None


def _howard(path: Path) -> Parts:
    """One test a word of a list: 1 recalled, 0 not; an item is a word of the pool."""
    rows = parsing.howard_kahana_2005(path)
    words, item = np.unique(rows["word"], return_inverse=True)
    names = ("participant", "condition", "list", "serial_position", "repetitions", "spacing_lag")
    design = {name: rows[name] for name in names}
    design |= {"item": item, "spacing_gap": rows["spacing_lag"] * parsing.HOWARD_SECONDS_PER_WORD}
    return design | {"test_type": np.full(len(rows), "recall")}, words, rows["recalled"], None


def _ricker(path: Path) -> Parts:
    """One test a probe: the answer is an option, 0 different or 1 same; `target` is the right one."""
    rows = parsing.ricker_2014(path)
    design = {name: rows[name] for name in ("participant", "condition", "retention_interval", "probe")}
    design |= {"target": (rows["probe"] == "same").astype(np.int64), "test_type": np.full(len(rows), "recognition")}
    return design, np.array(["different", "same"]), rows["answer"], rows["seconds"]


def _lewandowsky(path: Path) -> Parts:
    """One test a letter: 1 recalled in its place, 0 not; an item is a letter of the alphabet."""
    rows = parsing.lewandowsky_2010(path)
    alphabet = np.array([chr(code) for code in range(ord("A"), ord("Z") + 1)])
    names = ("participant", "condition", "list", "serial_position", "retention_interval", "response")
    design = {name: rows[name] for name in names}
    design |= {"item": np.searchsorted(alphabet, rows["letter"]), "test_type": np.full(len(rows), "recall")}
    return design, alphabet, rows["right"], rows["seconds"]


def _anki(path: Path) -> Parts:
    """One test a review: 1 recalled, 0 not; `time` in s since the first of these reviews; an item is a card."""
    rows = parsing.anki_single_learner(path)
    cards, item = np.unique(rows["card"], return_inverse=True)
    design = {name: rows[name] for name in ("retention_interval", "repetitions", "study_age")}
    design |= {"time": rows["time"] - rows["time"][0], "item": item, "participant": np.full(len(rows), "learner")}
    return design | {"test_type": np.full(len(rows), "recall")}, cards, rows["recalled"], rows["seconds"]


READERS: Final[Mapping[str, Callable[[Path], Parts]]] = {
    "murre_dros_2015": _murre,
    "howard_kahana_2005": _howard,
    "ricker_2014": _ricker,
    "lewandowsky_2010": _lewandowsky,
    "anki_single_learner": _anki,
}


def load_trials(name: str, *, folder: Path | str | None = None) -> Record:
    """Return the full trials of a data set as a record, from its upstream file (fetched if need be; see `fetch`).

    All rows of the design are tests; it holds no study rows, and its version 0 says that no paradigm built it.
    """
    data = dataset(name)
    if name not in READERS:
        known = ", ".join(sorted(READERS))
        raise UserError(f"{name} has no trials to load, only tables: use load({name!r}). Trials exist for {known}.")
    file = data.files[0]
    design, items, answers, seconds = READERS[name](fetch(name, folder=folder)[file.name])
    trials = Trials({"phase": np.full(len(answers), "test"), **design})
    built = Design(paradigm=data.paradigm, version=0, settings={}, seed=0, trials=trials, items=items)
    return Record(built, name, answers, seconds, source(data, file.sha256))
