"""Panels of what else people do with pairs: facts that share words, pairs that are updated, words that are frequent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.figures.figure import Z90, Panel, Series, rows_around
from cogmem.human_data.loading import load
from cogmem.trials import Trials

SHARE: Final = "Share of answers"
UNIT: Final = (0.0, 1.0)
DATA: Final = ("buchler_2008", "oberauer_kliegl_2006", "criss_2011")
TIME: Final = (
    3  # of four steps of presentation time; the longest has a quarter of the trials and is at ceiling for the young
)
KINDS: Final = {
    "intact pairs: right": ("match", "correct"),
    "rearranged pairs: right": ("swap", "correct"),
    "rearranged, told to be intact": ("swap", "intact"),
}


def _series(label: str, rows: Trials, counted: str, place: Callable[[Trials], NDArray[Any]]) -> Series:
    """Return people's mean share of an answer at each place, with 90 % intervals over people."""
    places = place(rows)
    x = np.unique(places)
    means, halves = [], []
    for each in x:
        own = rows.where(places == each)
        shares = [own[counted][chosen].sum() / own["n"][chosen].sum() for _, chosen in own.groups(("participant",))]
        means.append(np.mean(shares))
        halves.append(Z90 * np.std(shares, ddof=1) / np.sqrt(len(shares)))
    return Series(label, "human", rows_around(x, means, halves))


def _pairs() -> Panel:
    """Return recognition by the pairs that share a word (Buchler, Light & Reder, 2008)."""
    rows, parts = load("buchler_2008").rows, []
    for label, (kind, answer) in KINDS.items():
        own = rows.where(np.char.startswith(rows["condition"], kind))
        parts.append(_series(label, own, answer, lambda table: table["cue_fan"] + table["item_fan"]))
    title = "People: pairs that share words (Buchler et al., 2008)"
    return Panel(title, "Pairs of both words", SHARE, tuple(parts), y_range=UNIT)


def _updates() -> Panel:
    """Return accuracy by the number of values kept up to date (Oberauer & Kliegl, 2006)."""
    rows, parts = load("oberauer_kliegl_2006").rows, []
    slow = rows.where(rows["time_category"] == TIME)
    for group in np.unique(slow["condition"]):
        own = slow.where((slow["condition"] == group) & (slow["n_keys"] > 0))
        parts.append(_series(f"{group}: right", own, "correct", lambda table: table["n_keys"]))
        parts.append(_series(f"{group}: another key's value", own, "other_key", lambda table: table["n_keys"]))
    return Panel("People: updating (Oberauer & Kliegl, 2006)", "Keys", SHARE, tuple(parts), y_range=UNIT)


def _frequency() -> Panel:
    """Return cued recall by the frequency of cue and target (Criss, Aue & Smith, 2011)."""
    rows = load("criss_2011").rows
    parts = []
    for target, label in ((1, "frequent target"), (0, "rare target")):
        own = rows.where(rows["target_frequent"] == target)
        parts.append(_series(label, own, "correct", lambda table: 1 + table["cue_frequent"]))
    title = "People: frequency (Criss et al., 2011)"
    return Panel(title, "", SHARE, tuple(parts), y_range=UNIT, ticks=("rare cue", "frequent cue"))


def people_panels() -> list[Panel]:
    """Return the panels of associative recognition, updating and word frequency."""
    return [_pairs(), _updates(), _frequency()]
