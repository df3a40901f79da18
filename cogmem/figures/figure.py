"""A figure is panels of series; regenerate() writes it as PDF, SVG and the CSV of every plotted point."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.core import Curve, Kind
from cogmem.errors import UserError
from cogmem.files import in_place
from cogmem.progress import Report, silent
from cogmem.provenance import in_words, versions
from cogmem.store import Store
from cogmem.trials import Trials

Scale = Literal["linear", "log", "symlog"]
Z90: Final = 1.6448536269514722

# Okabe & Ito (2008), readable for colour-blind people; people are always black points.
COLOURS: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#999999", "#F0E442")
STYLE: Final[Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "font.size": 8,
    "legend.fontsize": 6.5,
    "legend.frameon": False,
    "pdf.fonttype": 42,
    "svg.fonttype": "none",
    "svg.hashsalt": "cogmem",
}
MARKERS: Final = ("o", "s", "^", "D", "v", "P", "X", "*")
DASHES: Final = ("-", "--", ":", "-.")
MANY: Final = 12
"""Names of subjects or places from which on letters are smaller."""
COLUMNS: Final = ("panel", "series", "kind", "x", "y", "lower", "upper")
"""Of the table of plotted points."""
Look = tuple[str, str, str]
"""Colour, marker and line of a subject."""


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


def write(drawing: Drawing, name: str, out: Path) -> Path:
    """Write NAME.pdf, NAME.svg, NAME.csv and NAME.txt (caption, versions) to the folder `out`; return the PDF's path.

    The same drawing gives the same bytes: no dates, fixed ids. Each file is renamed into place when it is whole.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UserError(f"The folder {out} cannot be made ({problem.strerror}); name another with --out.") from None
    with in_place(out / f"{name}.csv") as path:
        _write_csv(points_of(drawing), path)
    with in_place(out / f"{name}.txt") as path:
        path.write_text(f"{drawing.caption}\nDrawn with {in_words(versions())}.\n", encoding="utf-8")
    figure = to_matplotlib(drawing)
    for kind, metadata in (("pdf", {"CreationDate": None}), ("svg", {"Date": None})):
        with in_place(out / f"{name}.{kind}") as path:
            _save(figure, path, kind, metadata)
    return out / f"{name}.pdf"


def files_of(drawing: Drawing, name: str) -> dict[str, bytes]:
    """Return what `write` writes, by the names of the files, without a folder of the user's."""
    with TemporaryDirectory() as folder:
        write(drawing, name, Path(folder))
        return {path.name: path.read_bytes() for path in sorted(Path(folder).iterdir())}


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


def _save(figure: Any, path: Path, kind: str, metadata: Mapping[str, Any]) -> None:
    from matplotlib import pyplot as plt

    # The style holds the salt of the SVG's ids, which are made while it is saved.
    with plt.rc_context(STYLE):
        figure.savefig(path, format=kind, metadata=dict(metadata))


def _write_csv(rows: Sequence[tuple[Any, ...]], path: Path) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for row in rows:
            out.writerow([*row[:3], *("" if np.isnan(value) else f"{value:.8g}" for value in row[3:])])


def to_matplotlib(drawing: Drawing) -> Any:
    """Return the drawing as a matplotlib figure in the project's one style."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with plt.rc_context(STYLE):
        rows = -(-len(drawing.panels) // drawing.columns)
        figure, axes = plt.subplots(rows, drawing.columns, figsize=(5.0 * drawing.columns, 2.9 * rows), squeeze=False)
        looks = looks_of(drawing)
        for panel, ax in zip(drawing.panels, axes.ravel(), strict=False):
            _draw_panel(panel, ax, looks)
        for ax in axes.ravel()[len(drawing.panels) :]:
            ax.set_axis_off()
        figure.tight_layout()
        plt.close(figure)
    return figure


@cache
def fixed_looks() -> Mapping[str, Look]:
    """Return how everybody of the catalogue looks, in all figures and pages: no yellow, which is faint on white."""
    from cogmem import catalogue

    names = dict.fromkeys([*catalogue.models(), *catalogue.step_models(), *catalogue.networks()])
    bright = len(COLOURS) - 1
    again = bright * len(MARKERS)  # from here on colours and markers come together as before, with another line
    return {
        name: (COLOURS[k % bright], MARKERS[k % len(MARKERS)], DASHES[(k // bright + k // again) % len(DASHES)])
        for k, name in enumerate(names)
    }


def looks_of(drawing: Drawing) -> dict[str, Look]:
    """Return how everybody but people looks, the same in every panel; who is in the catalogue, in every drawing.

    Others (variants of a subject, language models) take the colours that are left, and where those are used up begin
    again with another line.
    """
    labels = dict.fromkeys(each.label for panel in drawing.panels for each in panel.series if each.kind != "human")
    fixed = fixed_looks()
    found = {label: fixed[label] for label in labels if label in fixed}
    every = [(colour, MARKERS[k % len(MARKERS)], dash) for dash in DASHES for k, colour in enumerate(COLOURS)]
    taken = {look[0] for look in found.values()}
    free = [look for look in every if look[0] not in taken] + [look for look in every if look[0] in taken]
    others = [label for label in labels if label not in fixed]
    found |= {label: free[k % len(free)] for k, label in enumerate(others)}
    return found


def _draw_panel(panel: Panel, ax: Any, looks: Mapping[str, Look]) -> None:
    people = [each for each in panel.series if each.kind == "human"]
    for each in panel.series:
        if each.kind != "human":
            _draw_series(each, ax, looks[each.label])
    for k, each in enumerate(people):
        # One group of people is black; more are told apart by shades and markers, never mistaken for a model.
        grey = "black" if len(people) == 1 else str(0.65 * k / max(1, len(people) - 1))
        _draw_series(each, ax, (grey, MARKERS[k % len(MARKERS)], "-"))
    ax.set(title=panel.title, xlabel=panel.x_label, ylabel=panel.y_label)
    for axis, scale in ((ax.set_xscale, panel.x_scale), (ax.set_yscale, panel.y_scale)):
        axis(scale, **({"linthresh": 1.0} if scale == "symlog" else {}))
    if panel.y_range is not None:
        ax.set_ylim(panel.y_range)
    if panel.x_scale == "symlog" and all((each.rows["x"] >= 0).all() for each in panel.series):
        ax.set_xlim(left=-0.1)  # room for the points at 0, none for what is less
    if panel.ticks:
        many = len(panel.ticks) > MANY
        ax.set_xticks(range(1, len(panel.ticks) + 1), panel.ticks, rotation=90 if many else 60,
                      ha="center" if many else "right", fontsize=4.5 if many else 6)  # fmt: skip
    elif panel.x_scale == "log":
        _mark(ax, np.unique(np.concatenate([each.rows["x"] for each in panel.series])))
    if panel.legend:
        small = {"fontsize": 4.5, "labelspacing": 0.15} if len(panel.series) > MANY else {}
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **small)


def _mark(ax: Any, x: NDArray[np.float64]) -> None:
    """Name the places of a log axis that are few and apart: powers of ten alone say little over a decade or two."""
    apart = np.diff(np.log(x)).min(initial=np.inf) > 0.06 * np.log(x[-1] / x[0])
    if 1 < len(x) <= 10 and apart and x[-1] < 1000 * x[0]:
        ax.set_xticks(x, [f"{value:g}" for value in x])
        ax.minorticks_off()


def _draw_series(each: Series, ax: Any, look: Look) -> None:
    colour, marker, dash = look
    order = np.argsort(each.rows["x"], kind="stable")
    x, y, lower, upper = (each.rows[name][order].astype(float) for name in ("x", "y", "lower", "upper"))
    known = np.isfinite(lower) & np.isfinite(upper)
    if each.kind == "human" or each.points:
        ends = np.abs(np.stack([y - lower, upper - y]))
        ends[:, ~known] = 0.0
        line = dash if each.kind != "human" and each.joined else "none"
        ax.errorbar(
            x, y, yerr=ends if known.any() else None, fmt=marker, ls=line, lw=0.8, color=colour, ms=3.5, capsize=1.5,
            label=each.label, zorder=3,
        )  # fmt: skip
        return
    ax.plot(x, y, dash, lw=1.2, color=colour, label=each.label)
    if known.any():
        ax.fill_between(x, lower, upper, where=known, color=colour, alpha=0.15, lw=0)


def regenerate(figure: Figure, *, store: Store, out: Path | str, seed: int = 1, report: Report = silent) -> Path:
    """Write a figure of the project as PDF, SVG, CSV and caption into `out`; return the PDF's path."""
    from cogmem.exhibits import unchanged

    return write(unchanged(figure, seed=seed, store=store, report=report), figure.name, Path(out))
