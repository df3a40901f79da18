"""What a figure is: panels of series. `looks` says how everybody looks, `page` puts it on paper."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from cogmem.core import Curve, Kind
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

Scale = Literal["linear", "log", "symlog"]
Z90: Final = 1.6448536269514722

COLUMNS: Final = ("panel", "series", "kind", "x", "y", "lower", "upper")
"""Of the table of plotted points."""


@dataclass(frozen=True, eq=False)
class Series:
    """One subject in one panel: `rows` holds x, y, lower, upper (90 % interval; NaN where there is none).

    People (`kind` human) are drawn as points with intervals, everybody else as lines with bands; `points` draws the
    points of a network or model that was measured rather than predicted, `joined` by a line.
    """

    label: str
    kind: Kind
    rows: Trials
    points: bool = False
    joined: bool = True


@dataclass(frozen=True, eq=False)
class Panel:
    """One pair of axes; `ticks` name the places 1, 2, ... of x where x is a rank.

    `timed`: what is shown was measured on this machine's clock, so that no two runs have the same numbers.
    `measured_x`: x too is what somebody did (a ROC), not a place that the experiment chose.
    """

    title: str
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    x_scale: Scale = "linear"
    y_range: tuple[float, float] | None = None
    y_scale: Scale = "linear"
    ticks: tuple[str, ...] = ()
    legend: bool = True
    timed: bool = False
    measured_x: bool = False


@dataclass(frozen=True, eq=False)
class Drawing:
    """What a figure's computation gives: panels in reading order, and a caption that names data, models and seeds."""

    panels: tuple[Panel, ...]
    caption: str
    columns: int = 2


@dataclass(frozen=True)
class Figure:
    """A figure of the project: `draw(seed, store, report)` computes its drawing; `studies` names what it rests on."""

    name: str
    reference: str
    studies: tuple[str, ...]
    draw: Callable[[int, Store, Report], Drawing]


def rows_around(x: ArrayLike, y: ArrayLike, half: ArrayLike = np.nan) -> Trials:
    """Return the rows of a series: y at x, from y - half to y + half (NaN: no interval); numbers are one row."""
    middle, off = np.atleast_1d(np.asarray(y, dtype=np.float64)), np.asarray(half, dtype=np.float64)
    place = np.atleast_1d(np.asarray(x, dtype=np.float64))
    return Trials({"x": place, "y": middle, "lower": middle - off, "upper": middle + off})


def series(curve: Curve, label: str, *, points: bool = False) -> Series:
    """Return a curve as a series with its 90 % normal interval (none where the standard error is unknown)."""
    return Series(label, curve.source.kind, rows_around(curve.rows["x"], curve.rows["y"], Z90 * curve.se), points)


def points_of(drawing: Drawing) -> list[tuple[str, str, str, float, float, float, float]]:
    """Return every plotted point: (panel, series, kind, x, y, lower, upper), in drawing order."""
    rows = []
    for panel in drawing.panels:
        for each in panel.series:
            for k in range(len(each.rows)):
                numbers = (float(each.rows[name][k]) for name in ("x", "y", "lower", "upper"))
                rows.append((panel.title, each.label, each.kind, *numbers))
    return rows  # type: ignore[return-value]


def residuals(panel: Panel) -> Panel | None:
    """Return people's points less what everybody else gave at the same x; None where nobody can be compared.

    With several groups of people each is taken for itself: a residual is called "subject: people".
    """
    parts = []
    people = [each for each in panel.series if each.kind == "human"]
    for other in (each for each in panel.series if each.kind != "human"):
        place = {float(x): float(y) for x, y in zip(other.rows["x"], other.rows["y"], strict=True) if np.isfinite(y)}
        for each in people:
            x, y = (each.rows[name].astype(float) for name in ("x", "y"))
            known = np.array([value in place for value in x], dtype=bool)
            if panel.ticks or not known.any():
                continue
            label = other.label if len(people) == 1 else f"{other.label}: {each.label}"
            apart = y[known] - np.array([place[value] for value in x[known]])
            half = (each.rows["upper"][known].astype(float) - each.rows["lower"][known].astype(float)) / 2
            parts.append(Series(label, other.kind, rows_around(x[known], apart, half), points=True))
    title = f"{panel.title}: people less others"
    return Panel(title, panel.x_label, "Residual", tuple(parts), panel.x_scale) if parts else None
