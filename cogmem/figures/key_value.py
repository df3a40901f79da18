"""The figure of key-value memory: who predicts people's word pairs, what memories hold, lose and bring back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve
from cogmem.figures.figure import Drawing, Figure, Panel, Series, rows_around, series
from cogmem.figures.interference import ONE, behind, lines, points_alone, scores
from cogmem.figures.key_value_people import DATA, people_panels
from cogmem.human_data.loading import load
from cogmem.jobs import cued_recall, fan, recall_networks
from cogmem.jobs.key_value import HELD, MODELS, KeyValueResults, compute
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

RECOVERY: Final = ("recalled", "of the rest: recognised", "of the rest: whole key")


def _of(curves: Iterable[Curve], names: Iterable[str]) -> list[Curve]:
    wanted = set(names)
    return [curve for curve in curves if curve.subject in wanted]


def _place_panel(results: KeyValueResults, kind: str, title: str, top: float) -> Panel:
    people, *others = results.curves[kind]
    parts = (series(people, "people"), *lines(_of(others, MODELS)))
    return Panel(title, "Place of the pair in its list", "Share of answers", parts, y_range=(0.0, top))


def _curves_panel(results: KeyValueResults, name: str, names: Iterable[str], title: str, label: str) -> Panel:
    parts = lines(_of(results.curves[name], names))
    return Panel(title, label, "Proportion correct", parts, "log" if name == "by_load" else "linear", ONE)


def _capacity_panel(results: KeyValueResults, width: int) -> Panel:
    """Return accuracy by load of every trained memory of a width: mean of the seeds, with the seeds' range."""
    table, parts = results.capacity, []
    for name in dict.fromkeys(table["subject"].tolist()):
        own = table.where((table["subject"] == name) & (table["width"] == width))
        rows = _by(own, "pairs")
        parts.append(Series(str(name), "network", rows))
    title = f"Trained memories of {width} units"
    return Panel(title, "Pairs in the stream", "Proportion correct", tuple(parts), "log", ONE)


def _by(table: Trials, column: str) -> Trials:
    places = np.unique(table[column])
    groups = [table["accuracy"][table[column] == place] for place in places]
    return Trials({
        "x": places.astype(np.float64), "y": np.array([each.mean() for each in groups]),
        "lower": np.array([each.min() for each in groups]), "upper": np.array([each.max() for each in groups]),
    })  # fmt: skip


def _state_panel(results: KeyValueResults, pairs: int) -> Panel:
    """Return accuracy at one load by the numbers that a memory keeps."""
    table, parts = results.capacity, []
    for name in dict.fromkeys(table["subject"].tolist()):
        own = table.where((table["subject"] == name) & (table["pairs"] == pairs))
        parts.append(Series(str(name), "network", _by(own, "state"), points=True))
    title = f"{pairs} pairs by what is kept of them"
    return Panel(title, "Numbers in the state", "Proportion correct", tuple(parts), "log", ONE)


def _recovery_panel(results: KeyValueResults, names: Iterable[str], title: str) -> Panel:
    parts = points_alone(_of(results.curves["recovery"], names))
    return Panel(title, "", "Share of pairs", parts, y_range=ONE, ticks=RECOVERY)


def _fan_panels() -> list[Panel]:
    """Return seconds by the facts of both words, intact and rearranged, every model fitted once to all eighteen."""
    rows = fan.people()
    told = {model.name: fan.predictions(model, fan.fitted(model, rows), rows) for model in fan.FAN_MODELS}
    return [_fan_panel(rows, told, probe) for probe in ("target", "foil")]


def _fan_panel(rows: Trials, told: Mapping[str, NDArray[np.float64]], probe: str) -> Panel:
    """Return people's means, and what each model tells, of one kind of sentence."""
    own = rows["probe"] == probe
    total = (rows["cue_fan"] + rows["item_fan"]).astype(np.float64)[own]
    parts = [Series("people", "human", rows_around(total, rows["y"][own]), points=True, joined=False)]
    for name, seconds in told.items():
        y, places = seconds[own], np.unique(total)
        means = [y[total == place].mean() for place in places]
        parts.append(Series(name, "step", rows_around(places, means)))
    label = "intact" if probe == "target" else "rearranged"
    return Panel(f"Fan effect (Anderson, 1974): {label}", "Facts of person and place", "Seconds", tuple(parts))


def draw(results: KeyValueResults) -> Drawing:
    """Return the drawing of a computed comparison."""
    panels = [
        _place_panel(results, "position_accuracy", "People and models: right", 0.6),
        _place_panel(results, "position_same_list", "Other words of the list", 0.15),
        _place_panel(results, "position_prior_list", "Words of earlier lists", 0.15),
        scores(results.line_up, "Predicting the other lists"),
    ]
    if len(results.left_out):
        panels.append(behind(results.left_out, "People left out (PSIS): behind the best"))
    panels += [*_fan_panels(), *people_panels()]
    for names, who in ((MODELS, "Models fitted to people"), (HELD, "Stores")):
        if not _of(results.curves["by_load"], names):
            continue
        panels += [
            _curves_panel(results, "by_load", names, f"{who}: load", "Pairs in the list"),
            _curves_panel(results, "by_similarity", names, f"{who}: likeness of keys", "Mean cosine of two keys"),
            _curves_panel(results, "by_noise", names, f"{who}: noise on the cue", "Length of the noise"),
            _recovery_panel(results, names, f"{who}: forgetting and recovery"),
            _curves_panel(results, "by_fan", names, f"{who}: intact pairs recognised", "Facts of the key"),
        ]
    if len(results.capacity):
        panels += [_capacity_panel(results, width) for width in recall_networks.WIDTHS]
        panels += [_state_panel(results, recall_networks.LOADS[-1])]
    return Drawing(tuple(panels), _caption(results), columns=3)


def _caption(results: KeyValueResults) -> str:
    sources = " ".join(load(name).source.citation for name in (cued_recall.DATA, fan.DATA, *DATA))
    return (
        f"People: {sources} Points are people's means with 90 % intervals. Models: everybody of the population fitted "
        "to one half of the lists, on people's lists, and on lists of other pairs that all of them take. Stores hold "
        "what they hold without training. Networks: one layer, trained on the load that is tested; the band is the "
        "range of three seeds. Scores: log predictive density an answer of the lists that were not fitted, in nats, "
        f"90 % intervals over people; others are linked by one rule. Seed {results.seed}."
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report))


key_value_figure = Figure(
    "key_value",
    "Gershman, Fiete & Irie (2025); Wang, Shi & Fox (2025); people: Kahana lab, Anderson (1974)",
    ("key_value",),
    _draw,
)
