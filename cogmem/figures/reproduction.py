"""Figures of serial reproduction: people's chains beside models and networks, generation by generation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from cogmem.core import Curve
from cogmem.figures.figure import Drawing, Figure, Panel, Scale, Series, series
from cogmem.figures.forgetting import score_panel
from cogmem.jobs.reproduction import Comparison, ReproductionResults, compute
from cogmem.progress import Report
from cogmem.store import Store

LABELS: Final = {
    "dispersion": "Distance to centroid, RMS (px)",
    "nearest_neighbour": "Distance to nearest dot (px)",
    "drift": "Distance to the root (degrees)",
}
SENTENCES: Final = {
    "kept_parent": "Content words kept of the parent",
    "kept_root": "Content words kept of the root",
    "edit_parent": "Edit distance to the parent",
}


def curve_panel(each: Comparison, measured: str) -> Panel:
    """Return a measure by generation: people as points, everybody else as lines, 90 % intervals of the means."""
    parts: list[Series] = []
    for curve in each.curves[measured]:
        people = curve.source.kind == "human"
        parts.append(series(_beyond(curve), "people" if people else curve.subject))
    title = f"{each.title}: {measured.replace('_', ' ')}"
    return Panel(title, "Generation", LABELS.get(measured, measured), tuple(parts))


def _beyond(curve: Curve) -> Curve:
    """Return a curve without its roots, which are nobody's reproductions."""
    return replace(curve, rows=curve.rows.where(curve.rows["x"] > 0))


def draw(results: ReproductionResults) -> Drawing:
    """Return the drawing of a computed comparison: for each, its measures by generation and the scores."""
    panels: list[Panel] = []
    for each in results.comparisons:
        panels += [curve_panel(each, measured) for measured in each.curves]
        scores = score_panel(each.line_up)
        ticks = ("people" if tick == each.line_up.human.subject else tick for tick in scores.ticks)
        values = [float(part.rows["y"][0]) for part in scores.series]
        # Only scores of very different sizes need an axis that shows them all.
        scale: Scale = "symlog" if values and max(values) - min(values) > 5 else "linear"
        title = f"{each.title}: predicting people"
        panels.append(replace(scores, title=title, ticks=tuple(ticks), y_scale=scale))
    sources = {each.line_up.human.source.citation for each in results.comparisons}
    caption = (
        f"People: {' '.join(sorted(sources))} Points are people's means with 90 % intervals over chains or people, "
        "lines and bands are simulated chains of reproducers, who were fitted to all people. Scores: log predictive "
        "density of the half of the chains that a model was not fitted to, in nats a reproduction, 90 % intervals over "
        "roots (dots) or people (hues); people's own is that of other people's chains, or errors at the same hue. "
        f"Seed {results.seed}."
    )
    if results.sentences:
        panels += [sentence_panel(curves, SENTENCES[name]) for name, curves in results.sentences.items()]
        citation = next(iter(results.sentences.values()))[0].source.citation
        caption += f" Sentences: {citation} Means over roots with 90 % intervals; no model is fitted."
    return Drawing(tuple(panels), caption, columns=len(results.comparisons[0].curves) + 1)


def sentence_panel(curves: Sequence[Curve], label: str) -> Panel:
    """Return what is left of people's sentences by generation, one series an experiment."""
    parts = tuple(series(curve, f"people, {curve.subject}") for curve in curves)
    return Panel(f"Sentences: {label.lower()}", "Generation", label, parts, y_range=(0.0, 1.02))


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report))


reproduction_figure = Figure(
    "serial_reproduction",
    "Xu & Griffiths (2010); Griffiths & Kalish (2007); people: Vul lab (dots), DeStefano et al. (hues)",
    ("dots", "hues"),
    _draw,
)
