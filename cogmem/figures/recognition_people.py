"""Panels of old or new: rare and frequent words, short lists by lag, and published choices between two pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cogmem.core import Curve, Kind
from cogmem.figures.figure import Panel, Series, rows_around, series
from cogmem.figures.interference import ONE, behind, lines
from cogmem.human_data.loading import load
from cogmem.jobs.recognition_lists import PEOPLE
from cogmem.trials import Trials

PICTURES: Final = "visual_ltm_capacity"
HUMAN: Final[Mapping[str, Kind]] = {PEOPLE: "human"}
CALLED_OLD: Final = "Called old"


def _of(curves: Sequence[Curve], word: str = "") -> tuple[Series, ...]:
    """Return people, the first of the curves, as points with 90 % intervals, and models as lines; `word` tells more."""
    people, *models = curves
    named = [replace(each, subject=f"{each.subject}{word}") for each in models]
    return (series(people, f"people{word}"), *lines(named))


def mirror_panel(curves: Mapping[str, Sequence[Curve]]) -> Panel:
    """Return words called old by earlier presentations: rare words have more hits and fewer false alarms."""
    parts = (*_of(curves["rare_words"], ", rare"), *_of(curves["frequent_words"], ", frequent"))
    title = "Rare and frequent words (Reder et al., 2000)"
    return Panel(title, "Earlier presentations (0: new)", CALLED_OLD, parts, y_range=ONE)


def lag_panel(curves: Mapping[str, Sequence[Curve]]) -> Panel:
    """Return hits by the place of the probe from the end of the list, over all set sizes."""
    title = "Hits by lag (Donkin & Nosofsky, 2012)"
    return Panel(title, "Lag (1: the last item)", CALLED_OLD, _of(curves["hits_by_lag"]), y_range=(0.8, 1.0))


def set_size_panel(curves: Mapping[str, Sequence[Curve]]) -> Panel:
    """Return false alarms by the number of items in the list."""
    title = "False alarms by set size (Donkin & Nosofsky, 2012)"
    return Panel(title, "Items in the list", CALLED_OLD, _of(curves["false_alarms"]), y_range=(0.0, 0.2))


def panels(curves: Mapping[str, Sequence[Curve]], tables: Mapping[str, Trials]) -> list[Panel]:
    """Return the panels of both data sets, from `curves` and `behind` of `cogmem.jobs.recognition_lists`."""
    return [
        mirror_panel(curves),
        behind(tables["reder_2000"], "Words, other half: behind the best", HUMAN),
        lag_panel(curves),
        set_size_panel(curves),
        behind(tables["donkin_nosofsky_2012"], "Short lists, other half: behind the best", HUMAN),
    ]


def forced_choice() -> Series:
    """Return people's published proportions of right choices of one of two pictures, by pictures studied: points.

    Of the table these are kept: pictures and objects (words and sentences left out), means or medians (bounds of a
    range left out), and numbers that were seen in a text (see `status`: the others are still to be verified).
    """
    rows = load(PICTURES).rows
    pictures = ~np.isin(rows["material"], ["words", "sentences"])
    kept = rows.where(pictures & (rows["test"] == "2AFC") & np.char.startswith(rows["status"], "seen-in"))
    return Series("people: pictures (published)", "human", rows_around(kept["x"], kept["y"]), joined=False)
