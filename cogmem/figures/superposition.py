"""The figure of superposed codes: people's recognition, what a field of Sparsey holds and does, and its rivals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from cogmem.core import Kind
from cogmem.figures import recognition_people
from cogmem.figures.figure import Z90, Drawing, Figure, Panel, Scale, Series, rows_around, series
from cogmem.figures.interference import ONE, behind, lines, points_alone
from cogmem.jobs import recognition
from cogmem.jobs.superposition import HALF_ACTIVE, LISTS, SuperpositionResults, compute
from cogmem.progress import Report
from cogmem.store import Store

SHOWN: Final = {2.0: 1.0, 4.0: 2.0, 1.0: 3.0}
"""Where probes of the kinds new, prototype and old are drawn."""
MICRO: Final = 1e6
HUMAN: Final[Mapping[str, Kind]] = {recognition.OTHERS: "human", recognition.OWN: "human"}
METHODS: Final = {"fit": "1 / sd of old, fitted", "line": "line through z(hit), z(false alarm)"}


def _rated(results: SuperpositionResults, name: str) -> tuple[Series, ...]:
    """Return people's curve as points, and those of models of recognition as lines."""
    people, *others = results.curves[name]
    return (replace(series(people, "people"), joined=False), *lines(others, "step"))


def _roc_panel(results: SuperpositionResults) -> Panel:
    return Panel("Recognition: people and models", "False alarms", "Hits", _rated(results, "roc"), y_range=ONE,
                 measured_x=True)  # fmt: skip


def _shares_panel(results: SuperpositionResults) -> Panel:
    half = len(results.curves[recognition.SHARES][0].rows) // 2
    ticks = (*(f"new {k}" for k in range(1, half + 1)), *(f"old {k}" for k in range(1, half + 1)))
    parts = _rated(results, recognition.SHARES)
    return Panel("Ratings of new and of old items", "", "Share of ratings", parts, ticks=ticks)


def _slope_panel(results: SuperpositionResults) -> Panel:
    rows = results.curves[recognition.SLOPE][0].rows
    ticks, parts = tuple(dict.fromkeys(rows["group"].tolist())), []
    for method, name in METHODS.items():
        own = rows.where(rows["method"] == method)
        middle, half = 0.5 * (own["lower"] + own["upper"]), 0.5 * (own["upper"] - own["lower"])
        aside = own["x"] + (1.1 if method == "line" else 0.9)
        parts.append(Series(name, "human", rows_around(aside, middle, half), points=True, joined=False))
    equal = rows_around(np.array([0.5, len(ticks) + 0.5]), np.ones(2))
    parts.append(Series("equal variances", "equation", equal))
    return Panel("People: slope of the z-ROC (95 %)", "", "Slope", tuple(parts), ticks=ticks)


def _similarity_panel(results: SuperpositionResults) -> Panel:
    table, parts = results.tables["similarity"], []
    for form in dict.fromkeys(table["form"].tolist()):
        own = table.where(table["form"] == form)
        half = Z90 * own["sd"] / np.sqrt(own["lists"])
        parts.append(Series(f"form {form}", "network", rows_around(own["overlap"], own["shared"], half)))
    chance = rows_around(np.array([0.0, 1.0]), np.full(2, 1 / 16))
    parts.append(Series("chance (1 / K)", "equation", chance))
    title = "Sparsey: like inputs, like codes"
    return Panel(title, "Share of an item's features in the probe", "Share of winners", tuple(parts), y_range=ONE)


def _by_size(results: SuperpositionResults, column: str) -> tuple[Series, ...]:
    """Return what fields hold by size, a series a regime; intervals are those of items, on the column's scale."""
    table, parts = results.tables["capacity"], []
    for regime in dict.fromkeys(table["regime"].tolist()):
        own = table.where(table["regime"] == regime)
        half = Z90 * own["sd"] / own["items"] * own[column] / np.sqrt(own["lists"])
        parts.append(Series(str(regime), "network", rows_around(own["weights"], own[column], half)))
    return tuple(parts)


def _capacity_panel(results: SuperpositionResults) -> Panel:
    parts = _by_size(results, "items")
    return Panel("Sparsey: items held by size", "Weights", "Items", parts, "log", y_scale="log")


def _bits_panel(results: SuperpositionResults) -> Panel:
    return Panel("Sparsey: bits a weight", "Weights", "Bits", _by_size(results, "bits"), "log")


def _time_panel(results: SuperpositionResults) -> Panel:
    table = results.tables["times"]
    rows = rows_around(table["items"], MICRO * table["seconds"])
    top = 1.5 * float(rows["y"].max())
    parts = (Series("one more item", "network", rows, points=True),)
    return Panel(
        "Sparsey: time to learn", "Items stored", "Microseconds", parts, "log", (0.0, top), legend=False, timed=True
    )


def _memory_panel(
    results: SuperpositionResults, name: str, title: str, x: str, y: str, scale: Scale = "linear"
) -> Panel:
    return Panel(title, x, y, lines(results.curves[name]), scale, ONE)


def _choice_panel(results: SuperpositionResults, length: str) -> Panel:
    panel = _memory_panel(results, "forced_choice", "Old or new?", length, "Proportion correct", "log")
    return replace(panel, series=(recognition_people.forced_choice(), *panel.series), y_range=(0.4, 1.0))


def _prototype_panel(results: SuperpositionResults) -> Panel:
    moved = []
    for curve in results.curves["rating_by_probe"]:
        kept = curve.rows.where(np.isin(curve.rows["x"], list(SHOWN)))
        places = np.array([SHOWN[float(x)] for x in kept["x"]])
        moved.append(replace(curve, rows=kept.with_columns({"x": places})))
    ticks = ("new item", "its prototype", "old item")
    return Panel("Prototypes that were never shown", "", "Mean rank of familiarity", points_alone(moved), y_range=ONE,
                 ticks=ticks)  # fmt: skip


def _order_panel(results: SuperpositionResults) -> Panel:
    ticks = ("a new sequence", "the same in another order")
    parts = points_alone(results.curves["order"])
    return Panel("Old sequences against", "", "Old more familiar", parts, y_range=ONE, ticks=ticks)


def _digits_panel(results: SuperpositionResults) -> Panel:
    table, parts = results.tables["digits"], []
    names = list(dict.fromkeys(table["representation"].tolist()))
    for how in dict.fromkeys(table["read_out"].tolist()):
        own = table.where(table["read_out"] == how)
        x = np.array([names.index(name) + 1.0 for name in own["representation"]])
        rows = rows_around(x, own["accuracy"], Z90 * own["se"])
        parts.append(Series(str(how), "network", rows, points=True, joined=False))
    title = "Digits read from codes (one pass)"
    return Panel(title, "", "Proportion correct", tuple(parts), y_range=ONE, ticks=tuple(map(str, names)))


def draw(results: SuperpositionResults) -> Drawing:
    """Return the drawing of a computed comparison."""
    panels = [
        _roc_panel(results),
        _shares_panel(results),
        behind(results.behind[results.line_up.human.subject], "Other half of ratings: behind the best", HUMAN),
    ]
    if len(results.left_out):
        panels.append(behind(results.left_out, "People left out (PSIS): behind the best"))
    if results.curves[recognition.SLOPE]:
        panels.append(_slope_panel(results))
    if results.lists:
        panels += recognition_people.panels(results.curves, results.behind)
    if results.tables:
        panels += [_similarity_panel(results), _capacity_panel(results), _bits_panel(results), _time_panel(results),
                   _digits_panel(results)]  # fmt: skip
    if results.curves["completion"]:
        length, share = "Items in the list", "Share of the item's features shown"
        cosine = "Cosine of answer and item"
        panels += [
            _memory_panel(results, "code_similarity", "Codes of lures", "Cosine of lure and item", "Cosine of codes"),
            _memory_panel(results, "completion", "Completion of parts", share, cosine),
            _memory_panel(results, "repair", "Repair of wrong features", "Share of right features", cosine),
            _memory_panel(results, "recalled_by_length", "Recalled from a half", length, "Proportion", "log"),
            _choice_panel(results, length),
            _prototype_panel(results),
            _order_panel(results),
        ]
    return Drawing(tuple(panels), _caption(results), columns=3)


def _caption(results: SuperpositionResults) -> str:
    people = " ".join(each.human.source.citation for each in (results.line_up, *results.lists.values()))
    return (
        f"People: {people} Points are means over people with 90 % intervals. Models of "
        "recognition are fitted to one half of everybody's ratings and scored on the other: log predictive density a "
        "rating in nats, 90 % intervals over people; the people are told by the others of their experiment (the z-ROC "
        "of these at one's own strength and criteria), own_answers by their own other half. Fields of Sparsey learn "
        "each item once; the number of items held is that of which .95 of the winners come back (400 features of "
        "which 20 are active, 20 modules of 10 cells where nothing else is said). Memories take the same lists (20 of "
        f"400 features; {' and '.join(HALF_ACTIVE)}: 200), and ratings by rank; parts are completed and wrong "
        f"features repaired in lists of {LISTS.completed}. Time is of this machine. Seed {results.seed}."
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report))


superposition_figure = Figure(
    "superposition",
    "Rinkus & Leveille (2017); people: Klauer & Kellen (2015), collected",
    ("superposition",),
    _draw,
)
