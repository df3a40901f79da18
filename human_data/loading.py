"""`load` a shipped table as a curve; `load_trials` the full trials from the upstream file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Kind, Record, Source
from cogmem.errors import UserError
from cogmem.human_data import chain_parsing, interference_trials, pairing_trials, parsing, recognition_trials
from cogmem.human_data.fetching import fetch
from cogmem.human_data.parsing import Parts
from cogmem.human_data.registry import DATASETS, Dataset, RemoteFile, Table, dataset
from cogmem.names import nearest
from cogmem.trials import Trials

__all__ = ["DATASETS", "load", "load_trials", "read_table", "source"]


def read_table(table: Table) -> dict[str, NDArray[Any]]:
    """Return the columns of a shipped table by name; blank cells of number columns become NaN."""
    try:
        with table.path.open(newline="", encoding="utf-8") as file:
            head, *lines = list(csv.reader(file)) or [[]]
    except (OSError, UnicodeDecodeError, csv.Error) as problem:
        raise UserError(f"{table.file} cannot be read as a table ({problem}); write it as UTF-8 CSV.") from None
    if head != [column.name for column in table.columns]:
        raise UserError(f"{table.file} has the columns {head}, the registry says otherwise; build the tables again.")
    short = [number for number, line in enumerate(lines, 2) if len(line) != len(head)]
    if short:
        raise UserError(f"{table.file}, row {short[0]}: it has not one cell for each of the {len(head)} columns.")
    content: dict[str, NDArray[Any]] = {}
    for place, column in enumerate(table.columns):
        text = [line[place] for line in lines]
        try:
            if column.dtype == "str":
                content[column.name] = np.array(text, dtype=np.str_)
            elif column.dtype == "int":
                content[column.name] = np.array([int(each) for each in text], dtype=np.int64)
            else:
                content[column.name] = np.array([float(each or "nan") for each in text], dtype=np.float64)
        except (ValueError, OverflowError) as problem:
            raise UserError(f"{table.file}, column {column.name}: numbers are needed ({problem}).") from None
    return content


def source(data: Dataset, sha256: str) -> Source:
    """Return the provenance of a data set; `sha256` is that of the table or file the numbers were read from."""
    kind = cast(Kind, data.kind)
    return Source(who=data.who, kind=kind, citation=data.citation, licence=data.licence, sha256=sha256)


def load(name: str | Dataset, *, table: str | None = None) -> Curve:
    """Return a table of a data set of people, shipped or given, as a curve (None: the data set's default table).

    Rows have x, y, n and sd beside the grouping and design columns (s throughout). Counts give y = correct / n and
    sd = sqrt(y (1 - y)); published means have n = 1 and their standard error, or NaN, as sd. Rows without a y are out.

    >>> float(load("ebbinghaus_1885").rows["y"].max())
    0.582
    """
    data = dataset(name) if isinstance(name, str) else name
    chosen = data.table(table)
    content = read_table(chosen)
    if chosen.y is None:
        n = content["trials"]
        if not ((n > 0) & (content["correct"] >= 0) & (content["correct"] <= n)).all():
            raise UserError(f"{chosen.file} needs trials above 0 and correct from 0 to trials in every row.")
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
    return Parts(design, np.arange(len(rows)), answers)


def _howard(path: Path) -> Parts:
    """One test a word of a list: 1 recalled, 0 not; an item is a word of the pool."""
    rows = parsing.howard_kahana_2005(path)
    words, item = np.unique(rows["word"], return_inverse=True)
    names = ("participant", "condition", "list", "serial_position", "repetitions", "spacing_lag")
    design = {name: rows[name] for name in names}
    design |= {"item": item, "spacing_gap": rows["spacing_lag"] * parsing.HOWARD_SECONDS_PER_WORD}
    return Parts(design | {"test_type": np.full(len(rows), "recall")}, words, rows["recalled"])


def _ricker(path: Path) -> Parts:
    """One test a probe: the answer is an option, 0 different or 1 same; `target` is the right one."""
    rows = parsing.ricker_2014(path)
    design = {name: rows[name] for name in ("participant", "condition", "retention_interval", "probe")}
    design |= {"target": (rows["probe"] == "same").astype(np.int64), "test_type": np.full(len(rows), "recognition")}
    return Parts(design, np.array(["different", "same"]), rows["answer"], rows["seconds"])


def _lewandowsky(path: Path) -> Parts:
    """One test a letter: 1 recalled in its place, 0 not; an item is a letter of the alphabet."""
    rows = parsing.lewandowsky_2010(path)
    alphabet = np.array([chr(code) for code in range(ord("A"), ord("Z") + 1)])
    names = ("participant", "condition", "list", "serial_position", "retention_interval", "response")
    design = {name: rows[name] for name in names}
    design |= {"item": np.searchsorted(alphabet, rows["letter"]), "test_type": np.full(len(rows), "recall")}
    return Parts(design, alphabet, rows["right"], rows["seconds"])


def _anki(path: Path) -> Parts:
    """One test a review: 1 recalled, 0 not; `time` in s since the first of these reviews; an item is a card."""
    rows = parsing.anki_single_learner(path)
    cards, item = np.unique(rows["card"], return_inverse=True)
    design = {name: rows[name] for name in ("retention_interval", "repetitions", "study_age")}
    design |= {"time": rows["time"] - rows["time"][0], "item": item, "participant": np.full(len(rows), "learner")}
    return Parts(design | {"test_type": np.full(len(rows), "recall")}, cards, rows["recalled"], rows["seconds"])


def _whole_chains(
    stimuli: NDArray[np.float64], participant: NDArray[Any], root: NDArray[np.int64], settings: Mapping[str, Any]
) -> Parts:
    """One test a reproduction, chain after chain; `stimuli` is (chain, generation from 0, ...), all of them items."""
    chains, length = stimuli.shape[:2]
    shown = np.arange(chains * length).reshape(chains, length)[:, :-1]
    design = {"participant": participant.ravel(), "chain": np.repeat(np.arange(1, chains + 1), length - 1)}
    design |= {"generation": np.tile(np.arange(1, length), chains), "item": shown.ravel(), "target": shown.ravel()}
    design |= {"root": np.repeat(shown[:, 0], length - 1), "root_number": np.repeat(root, length - 1)}
    answers = stimuli[:, 1:].reshape(-1, *stimuli.shape[2:])
    return Parts(design, stimuli.reshape(-1, *stimuli.shape[2:]), answers, settings=settings)


def _dots(path: Path) -> Parts:
    """Displays of 15 dots in pixels from the middle; people as p0001, ... and displays numbered from 1."""
    displays, people = chain_parsing.dots(path)
    names = np.array([f"p{number:04d}" for number in people[:, 1:].ravel()])
    settings = {"space": "dots", "n_dots": 15, "radius": 263.0, "separation": 22.0}
    return _whole_chains(displays, names, np.repeat(np.arange(1, 11), 10), settings)


def _hues(path: Path) -> Parts:
    """Hues in degrees; the participants of an experiment are numbered as in its file."""
    data = chain_parsing.hues(path)
    hues = np.concatenate([data.shown[:, :1], data.answered], axis=1)
    people = np.repeat(data.participant, data.answered.shape[1])
    return _whole_chains(hues, people, np.arange(1, len(hues) + 1), {"space": "circle"})


READERS: Final[Mapping[str, Callable[[Path], Parts]]] = {
    "murre_dros_2015": _murre,
    "howard_kahana_2005": _howard,
    "ricker_2014": _ricker,
    "lewandowsky_2010": _lewandowsky,
    "anki_single_learner": _anki,
    "vul_dots": _dots,
    "destefano_hues": _hues,
    **interference_trials.READERS,
    **pairing_trials.READERS,
    **recognition_trials.READERS,
}

PARTS: Final[Mapping[str, Mapping[str, str]]] = {
    "vul_dots": {"memory": "dots_memory.csv", "motor_control": "dots_motor_control.csv"},
    "destefano_hues": {f"E{k}": f"chain_data_exp{k}.csv" for k in (1, 2, 3)},
    "donkin_nosofsky_2012": {f"subj{k}": f"subj{k}.txt" for k in range(1, 8)},
}
"""Data sets whose trials lie in several files: the name of each part, the default first, and its file."""


def _file(data: Dataset, part: str | None) -> RemoteFile:
    """Return the upstream file of a part of the data set (None: the first); UserError names the parts there are."""
    if part is None and data.name not in PARTS:
        return data.files[0]
    parts = PARTS.get(data.name, {})
    if not parts:
        raise UserError(f"The trials of {data.name} are one file without parts; leave out part={part!r}.")
    chosen = next(iter(parts)) if part is None else part
    if chosen not in parts:
        raise UserError(f"{data.name} has no part {chosen!r}; {nearest(chosen, parts)}")
    return next(file for file in data.files if file.name == parts[chosen])


def load_trials(name: str, *, part: str | None = None, folder: Path | str | None = None) -> Record:
    """Return the full trials of a data set as a record, from its upstream file (fetched if need be; see `fetch`).

    `part` names one of several experiments, conditions or people (None: the first): memory or motor_control of
    vul_dots, E1 to E3 of destefano_hues, subj1 to subj7 of donkin_nosofsky_2012. Version 0 of the design says that no
    paradigm built it. Its rows are tests, after study rows where the file tells what was studied: pal1_2024 and
    kemp_wahlheim_2021 can be read by the measures of proactive_interference that need no times, recent_probes_2019 and
    oberauer_2006 by its measure recognition; fr1_2024 is free recall. keep_track_2019 and oberauer_kliegl_2006 have
    tests alone, for their files do not hold the streams. buchler_2008 is recognition of pairs, criss_2011 cued recall.
    reder_2000, kantner_lindsay_2010 and _2014, sadeghi_2017 and donkin_nosofsky_2012 have tests alone and can be read
    by the measures of recognition of superposition; the two of two answers have no confidence. Chains of reproductions
    can be read by the measures of serial_reproduction.
    """
    data = dataset(name)
    if name not in READERS:
        known = ", ".join(sorted(READERS))
        raise UserError(f"{name} has no trials to load, only tables: use load({name!r}). Trials exist for {known}.")
    file = _file(data, part)
    made = READERS[name](fetch(name, folder=folder)[file.name])
    trials = Trials({"phase": np.full(len(made.answers), "test"), **made.design})
    built = Design(data.paradigm, version=0, settings=made.settings, seed=0, trials=trials, items=made.items)
    return Record(built, name, made.answers, made.seconds, source(data, file.sha256))
