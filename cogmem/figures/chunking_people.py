"""Panels of people's memory for known chunks and groups: Chen & Cowan, Farrell & Lelievre, Thalmann et al., Portrat."""

from __future__ import annotations

from typing import Final

import numpy as np

from cogmem.figures.figure import Z90, Panel, Series, rows_around
from cogmem.figures.interference import ONE
from cogmem.human_data.loading import load
from cogmem.jobs import known_chunks
from cogmem.trials import Trials

KINDS: Final = {"new": "new words", "singletons": "known words", "pairs": "known pairs"}


def _by_person(table: Trials, y: str, x: str, of: str = "n") -> Trials:
    """Return the mean over people of their own share (or mean, without `of`) by x, with 90 % intervals."""
    rows = []
    for key, members in table.groups((x,)):
        own = table.where(members)
        each = []
        for who in np.unique(own["participant"]):
            mine = own.where(own["participant"] == who)
            values = np.asarray(mine[y], dtype=np.float64)
            each.append(values.sum() / mine[of].sum() if of else float(np.nanmean(values)))
        rows.append((float(key[x]), float(np.nanmean(each)), float(np.nanstd(each)), len(each)))
    place, mean, sd, n = (np.array(column, dtype=np.float64) for column in zip(*sorted(rows), strict=True))
    return rows_around(place, mean, Z90 * sd / np.sqrt(n))


def capacity_panel() -> Panel:
    """Return chunks recalled in order by chunks of the list (silent group), and what four chunks or words would be."""
    table, parts = load(known_chunks.DATA).rows, []
    silent = table.where(table["condition"] == "silent")
    for kind, label in KINDS.items():
        own = silent.where(silent["list_kind"] == kind)
        shares = _by_person(own, "correct", "n_chunks")
        chunks = {name: shares["x"] * shares[name] for name in ("y", "lower", "upper")}
        parts.append(Series(label, "human", Trials({"x": shares["x"], **chunks})))
    n = np.array([4.0, 6.0, 8.0, 12.0])
    parts.append(Series("four chunks", "equation", rows_around(n, np.minimum(n, 4.0))))
    parts.append(Series("four words, in pairs", "equation", rows_around(n[:2], np.full(2, 2.0))))
    title = "Chunks held (Chen & Cowan, 2009)"
    return Panel(title, "Chunks of the list", "Chunks recalled in order", tuple(parts), y_range=(0.0, 8.0))


def groups_panel() -> Panel:
    """Return times between words recalled of lists of eight, in groups of four or not."""
    table, parts = load("farrell_lelievre_2009").rows, []
    for condition in ("grouped", "ungrouped"):
        own = table.where(table["condition"] == condition)
        parts.append(Series(condition, "human", _by_person(own, "seconds", "serial_position", of="")))
    return Panel("Groups (Farrell & Lelievre, 2009)", "Place in the list", "Seconds to the word", tuple(parts))


def beside_panel() -> Panel:
    """Return recall of a list of four by the length of the other list of the trial, known chunk or new."""
    table, parts = load("thalmann_2018").rows, []
    four = table.where(table["list_length"] == 4)
    for kind in ("new", "chunk"):
        for other in ("new", "chunk"):
            own = four.where((four["list_kind"] == kind) & (four["other_kind"] == other))
            label = f"{'a chunk' if kind == 'chunk' else 'new'} beside {'a chunk' if other == 'chunk' else 'new'}"
            parts.append(Series(label, "human", _by_person(own, "correct", "other_length")))
    title = "Known chunks load less (Thalmann et al., 2018)"
    return Panel(title, "Items of the other list", "Recall of a list of four", tuple(parts), y_range=ONE)


def acronyms_panel() -> Panel:
    """Return recall of seven letters by where an acronym begins in them, at two paces."""
    table, parts = load("portrat_2016").rows, []
    for pace in ("slow", "fast"):
        own = table.where(table["condition"] == pace)
        parts.append(Series(pace, "human", _by_person(own, "correct", "chunk_position")))
    title = "Acronyms (Portrat et al., 2016)"
    return Panel(title, "Where the acronym begins (0: none)", "Letters recalled", tuple(parts), y_range=ONE)


def panels() -> list[Panel]:
    """Return the panels of known chunks and groups."""
    return [capacity_panel(), groups_panel(), beside_panel(), acronyms_panel()]
