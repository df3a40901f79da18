"""A figure on paper: its drawing as PDF and SVG of a journal's width, with the table of every plotted point."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from textwrap import fill
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.figures.figure import COLUMNS, Drawing, Panel, Series, points_of
from cogmem.figures.looks import MARKERS, Look, looks_of
from cogmem.files import in_place
from cogmem.provenance import in_words, versions

ONE_COLUMN: Final = 89 / 25.4
TWO_COLUMNS: Final = 183 / 25.4
"""Widths of one and of two columns of a journal's page, in inches: 89 and 183 mm."""
STYLE: Final[Any] = {
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.labelpad": 2.0,
    "axes.labelsize": 6.5,
    "axes.linewidth": 0.6,
    "axes.titlepad": 4.0,
    "axes.titlesize": 7,
    "font.size": 7,
    "legend.borderaxespad": 0.2,
    "legend.fontsize": 5.5,
    "legend.frameon": False,
    "legend.handlelength": 1.6,
    "legend.handletextpad": 0.5,
    "legend.labelspacing": 0.3,
    "pdf.fonttype": 42,  # letters stay letters, in the file
    "svg.fonttype": "none",
    "svg.hashsalt": "cogmem",
    "xtick.labelsize": 6,
    "xtick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "xtick.minor.size": 1.5,
    "ytick.labelsize": 6,
    "ytick.major.size": 2.5,
    "ytick.major.width": 0.6,
    "ytick.minor.size": 1.5,
}
SMALL: Final = 5
"""Points of the smallest letters: journals print none that are smaller."""
MANY: Final = 12
"""Names of subjects or places from which on letters are small."""
WIDE: Final = 20
"""Names of places from which on a panel has a row for itself."""
HEIGHTS: Final = {"plain": 1.65, "names": 1.9, "many names": 2.4}
"""Of a row of panels, in inches, by what is written below or beside them."""
BESIDE, ABOVE = 0.09, 0.04
"""Room around a panel, in inches: with less, what is written left of a panel that has a row for itself is cut."""
LETTERS: Final = {1: 56, 2: 48, 3: 28}
"""Of a title in a line, by how many panels are in a row."""


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
    """Return the drawing as a matplotlib figure in the project's one style, as wide as a journal's page.

    A single panel is as wide as one column. Panels of a row that show the same subjects share the last one's legend.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    with plt.rc_context(STYLE):
        columns = min(drawing.columns, len(drawing.panels))
        rows = _rows(drawing.panels, columns)
        heights = [_height(row) for row in rows]
        width = TWO_COLUMNS if len(drawing.panels) > 1 or _wide(drawing.panels[0]) else ONE_COLUMN
        layout = ConstrainedLayoutEngine(w_pad=BESIDE, h_pad=ABOVE)
        figure = plt.figure(figsize=(width, sum(heights)), layout=layout)
        parts = np.atleast_1d(np.asarray(figure.subfigures(len(rows), 1, height_ratios=heights)))
        looks = looks_of(drawing)
        for part, row in zip(parts, rows, strict=True):
            many = 1 if _wide(row[0]) else columns
            axes = part.subplots(1, many, squeeze=False)[0]
            for k, (panel, ax) in enumerate(zip(row, axes, strict=False)):
                told = panel.legend and not (k + 1 < len(row) and row[k + 1].legend and _alike(panel, row[k + 1]))
                _draw_panel(panel, ax, looks, legend=told, letters=LETTERS[many])
            for ax in axes[len(row) :]:
                ax.set_axis_off()
        # Laid out here (the second time with the letters' true sizes), not again for each kind of file.
        for _ in range(2):
            layout.execute(figure)
        figure.set_layout_engine("none")
        # The solver's last digits are not the same in every process, and ids of an SVG are made of them.
        for part in parts:
            part.bbox_relative.set_points(np.round(part.bbox_relative.get_points(), 6))
        for ax in figure.get_axes():
            ax.set_position(np.round(ax.get_position().bounds, 6))
        plt.close(figure)
    return figure


def _wide(panel: Panel) -> bool:
    return len(panel.ticks) > WIDE


def _alike(one: Panel, other: Panel) -> bool:
    """Return whether two panels have the same legend."""
    first, second = (
        [(each.label, each.kind, each.points, each.joined) for each in part.series] for part in (one, other)
    )
    return first == second


def _rows(panels: Sequence[Panel], columns: int) -> list[list[Panel]]:
    """Return the panels in rows of `columns`; a wide one is alone in its row."""
    rows: list[list[Panel]] = []
    for panel in panels:
        if not rows or _wide(panel) or _wide(rows[-1][0]) or len(rows[-1]) == columns:
            rows.append([])
        rows[-1].append(panel)
    return rows


def _height(row: Sequence[Panel]) -> float:
    if any(len(panel.ticks) > MANY for panel in row):
        return HEIGHTS["many names"]
    return HEIGHTS["names" if any(panel.ticks or len(panel.series) > MANY for panel in row) else "plain"]


def _draw_panel(panel: Panel, ax: Any, looks: Mapping[str, Look], *, legend: bool, letters: int) -> None:
    people = [each for each in panel.series if each.kind == "human"]
    for each in panel.series:
        if each.kind != "human":
            _draw_series(each, ax, looks[each.label])
    for k, each in enumerate(people):
        # One group of people is black; more are told apart by shades and markers, never mistaken for a model.
        grey = "black" if len(people) == 1 else str(0.65 * k / max(1, len(people) - 1))
        _draw_series(each, ax, (grey, MARKERS[k % len(MARKERS)], "-"))
    ax.set(
        title=fill(panel.title, letters), xlabel=fill(panel.x_label, letters), ylabel=fill(panel.y_label, LETTERS[3])
    )
    for axis, scale in ((ax.set_xscale, panel.x_scale), (ax.set_yscale, panel.y_scale)):
        axis(scale, **({"linthresh": 1.0} if scale == "symlog" else {}))
    if panel.y_range is not None:
        ax.set_ylim(panel.y_range)
    if panel.x_scale == "symlog" and all((each.rows["x"] >= 0).all() for each in panel.series):
        ax.set_xlim(left=-0.1)  # room for the points at 0, none for what is less
    if panel.ticks:
        turned: dict[str, Any] = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
        if len(panel.ticks) > MANY:
            turned = {"rotation": 90, "ha": "center"}
        ax.set_xticks(range(1, len(panel.ticks) + 1), panel.ticks, fontsize=SMALL, **turned)
    elif panel.x_scale == "log":
        _mark(ax, np.unique(np.concatenate([each.rows["x"] for each in panel.series])), letters // 2)
    if legend:
        small = {"fontsize": SMALL, "labelspacing": 0.1} if len(panel.series) > MANY else {}
        ax.legend(loc="center left", bbox_to_anchor=(1.0, 0.5), **small)


def _mark(ax: Any, x: NDArray[np.float64], letters: int) -> None:
    """Name the places of a log axis that are few and apart: powers of ten alone say little over a decade or two.

    Of more than so many letters only every second place is named, or every third, ...
    """
    apart = np.diff(np.log(x)).min(initial=np.inf) > 0.06 * np.log(x[-1] / x[0])
    if 1 < len(x) <= 10 and apart and x[-1] < 1000 * x[0]:
        names = [f"{value:g}" for value in x]
        step = next(k for k in range(1, len(x) + 1) if len("  ".join(names[::k])) <= letters or k == len(x))
        ax.set_xticks(x, [name if k % step == 0 else "" for k, name in enumerate(names)])
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
            x, y, yerr=ends if known.any() else None, fmt=marker, ls=line, lw=0.8, color=colour, ms=3, capsize=1.5,
            label=each.label, zorder=3,
        )  # fmt: skip
        return
    ax.plot(x, y, dash, lw=1.2, color=colour, label=each.label)
    if known.any():
        ax.fill_between(x, lower, upper, where=known, color=colour, alpha=0.15, lw=0)
