"""Golden tables: every plotted point of a figure as it was when somebody last looked at it, and which have moved since.

The same code, seed, library versions and kind of processor give the same bytes. Elsewhere the last digits differ, from
which chains of draws and training grow other numbers of the same distribution: a point may move by a share of its
panel's height (or width, where x is measured too), or within its own interval, before it is said to have moved.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from cogmem.errors import UserError
from cogmem.figures.figure import COLUMNS, Drawing, points_of

SHARE: Final = 0.02
"""Of the height of a panel (of all its golden points): what nobody sees on paper."""
SLACK: Final = 1e-6
"""Of a number: the tables have eight digits."""
Key = tuple[str, str, int]
"""Panel, series, and which of the series' points."""


@dataclass(frozen=True)
class Point:
    """One plotted point; NaN where there is no interval."""

    kind: str
    x: float
    y: float
    lower: float
    upper: float


@dataclass(frozen=True)
class Moved:
    """A point that is no longer where it was; `was` or `now` is NaN where there was or is none."""

    figure: str
    panel: str
    series: str
    x: float
    number: str
    was: float
    now: float
    allowed: float


def _keyed(rows: Iterable[Sequence[str]]) -> dict[Key, Point]:
    found: dict[Key, Point] = {}
    seen: dict[tuple[str, str], int] = {}
    for panel, series, kind, *numbers in rows:
        k = seen[panel, series] = seen.get((panel, series), -1) + 1
        found[panel, series, k] = Point(kind, *(float(number) if number else np.nan for number in numbers))
    return found


def read(path: Path) -> dict[Key, Point]:
    """Return the points of a table that `cogmem figures` wrote, by panel, series and place; UserError if it is none."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            head, *rows = csv.reader(file)
        if tuple(head) != COLUMNS:
            raise ValueError(head)
        return _keyed(rows)
    except (OSError, ValueError, TypeError) as problem:
        raise UserError(
            f"{path} is no table of plotted points ({problem}); write one with cogmem figures, look at the figure, and "
            "copy its CSV there."
        ) from None


def moved(name: str, was: dict[Key, Point], drawing: Drawing, *, without: Sequence[str] = ()) -> list[Moved]:
    """Return which of a figure's points are not where the golden table has them, and those that came or went.

    `without`: kinds of subjects that this machine cannot ask (language models); they may be absent. Panels whose
    numbers were measured on this machine's clock are not compared. Places on an axis of names may change.
    """
    now = _keyed([str(cell) for cell in row[:3]] + [repr(number) for number in row[3:]] for row in points_of(drawing))
    ranks = {panel.title for panel in drawing.panels if panel.ticks}
    timed = {panel.title for panel in drawing.panels if panel.timed}
    measured = {panel.title for panel in drawing.panels if panel.measured_x}
    heights, widths = _extents(was, "y"), _extents(was, "x")
    found = []
    for key in dict.fromkeys([*was, *now]):
        panel, series, _ = key
        if panel in timed:
            continue
        old, new = was.get(key), now.get(key)
        if old is None or new is None:
            known = old or new
            assert known is not None
            if not (new is None and known.kind in without):
                was_y, now_y = (each.y if each else np.nan for each in (old, new))
                found.append(Moved(name, panel, series, known.x, "y", was_y, now_y, 0.0))
            continue
        half = (old.upper - old.lower) / 2
        allowed = max(SHARE * heights[panel], half if np.isfinite(half) else 0.0)
        across = SHARE * widths[panel] if panel in measured else 0.0
        for number in ("y", "lower", "upper") if panel in ranks else ("x", "y", "lower", "upper"):
            before, after = getattr(old, number), getattr(new, number)
            room = (across if number == "x" else allowed) + SLACK * abs(before)
            if np.isnan(before) != np.isnan(after) or abs(after - before) > room:
                found.append(Moved(name, panel, series, old.x, number, before, after, room))
    return found


def _extents(points: dict[Key, Point], axis: str) -> dict[str, float]:
    """Return by panel the distance between its lowest and its highest point on an axis ("x" or "y")."""
    values: dict[str, list[float]] = {}
    for (panel, _, _), point in points.items():
        values.setdefault(panel, []).append(getattr(point, axis))
    return {panel: float(np.nanmax(found) - np.nanmin(found)) for panel, found in values.items()}
