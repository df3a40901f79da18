"""The figure of the forgetting curve: people and machines in one experiment, misses included."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from cogmem.core import Curve
from cogmem.figures.figure import Z90, Drawing, Figure, Panel, Scale, Series, rows_around, series
from cogmem.jobs import view_batch
from cogmem.jobs.forgetting import ForgettingResults, compute
from cogmem.jobs.network_forgetting import EXPOSURES, NetworkCurves
from cogmem.jobs.view_batch import UPDATE
from cogmem.lineups import Entry, LineUp, axis_of, beside_x
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

N_SHOWN: Final = 4
DAY: Final = 86_400.0


def _scaled(curve: Curve, unit: float) -> Curve:
    return replace(curve, rows=curve.rows.with_columns({"x": curve.rows["x"] / unit}))


def _model_series(entry: Entry, unit: float = 1.0) -> Series:
    """Return a fitted curve with its band: the 90 % interval of the predictions, averaged over tests."""
    fit = entry.fit
    if fit is None:
        return series(_scaled(entry.curve, unit), entry.agreement.subject)
    rows = fit.data.rows  # type: ignore[union-attr]
    drawn = fit.predictions()
    x = np.unique(rows["x"])
    at = [rows["x"] == value for value in x]
    pooled = np.stack([np.average(drawn[:, chosen], axis=1, weights=rows["n"][chosen]) for chosen in at], axis=1)
    lower, upper = np.quantile(pooled, [0.05, 0.95], axis=0)
    columns = {"x": x / unit, "y": pooled.mean(axis=0), "lower": lower, "upper": upper}
    return Series(entry.agreement.subject, entry.agreement.kind, Trials(columns))


def _best(result: LineUp, kind: str, n: int) -> list[Entry]:
    return [entry for entry in result.entries if entry.agreement.kind == kind][:n]


def _people(human: Curve) -> list[Series]:
    """Return people's points: each one where they are few and named, their mean where they are several."""
    rows, names = human.rows, human.participants if "participant" in human.rows else ()
    mean = [series(human.pool(), "people, mean")] if len(names) != 1 else []
    return mean + [
        series(replace(human, rows=rows.where(rows["participant"] == who)), str(who))
        for who in (names if len(names) <= N_SHOWN else ())
    ]


def people_panel(result: LineUp, *, most: int = 3) -> Panel:
    """Return people's points, the `most` best equations and networks of a line-up; for gaps, the spacing surface."""
    if beside_x(result.human):
        return _surface_panel(result, f"{result.human.subject}: people and the best equation")
    models = [_model_series(entry) for entry in _best(result, "equation", most)]
    networks = [_model_series(entry) for entry in _best(result, "network", 2) if len(entry.curve.rows)]
    label = "Savings" if result.human.measure == "savings" else "Proportion correct"
    title = f"{result.human.subject}: people, equations, networks"
    parts, axis = (*_people(result.human), *models, *networks), axis_of(result.human)
    if axis != "retention_interval":
        return Panel(title, axis.replace("_", " ").capitalize(), label, parts)
    # A logarithmic axis has no place for a test at once.
    scale: Scale = "log" if (result.human.rows["x"] > 0).all() else "symlog"
    return Panel(title, "Retention interval (s)", label, parts, scale)


def score_panel(result: LineUp) -> Panel:
    """Return ELPD per test of everybody, best first, with 90 % intervals."""
    scored = [entry.agreement for entry in result.entries if entry.agreement.elpd_per_test is not None]
    parts = []
    for rank, score in enumerate(scored, 1):
        half = 1.645 * (score.elpd_se or np.nan)
        rows = rows_around(rank, score.elpd_per_test or 0.0, half)
        parts.append(Series(score.subject, score.kind, rows, points=True))
    ticks = tuple(score.subject for score in scored)
    title = "Predicting people: ELPD, left out in turn"
    return Panel(title, "", "nats per test", tuple(parts), ticks=ticks, legend=False, y_scale="symlog")


def _forgetting_panel(networks: Iterable[NetworkCurves], kind: str) -> Panel:
    parts: list[Series] = []
    for each in networks:
        result = each.line_ups[kind]
        measured = _scaled(result.human.pool(), UPDATE)
        parts.append(replace(series(measured, each.name), kind="network", points=True))
        parts += [_renamed(_model_series(entry, UPDATE), each.name) for entry in _best(result, "equation", 1)]
    title = f"Networks: {kind} after {EXPOSURES[-1]} exposures"
    return Panel(title, "Updates on new strings", "Proportion correct", tuple(parts), "log", (0.0, 1.02))


def _renamed(each: Series, who: str) -> Series:
    return replace(each, label=f"{each.label} fitted to {who}")


def _exposure_panel(networks: Iterable[NetworkCurves]) -> Panel:
    parts = []
    for each in networks:
        for kind, curve in (("recognition", each.recognition), ("recall", each.recall)):
            start = replace(curve, rows=curve.rows.where(curve.rows["retention_interval"] == 0))
            rows = start.rows.with_columns({"x": start.rows["repetitions"].astype(float)})
            pooled = replace(start, rows=rows).pool()
            parts.append(replace(series(pooled, f"{each.name} {kind}"), kind="network", points=True))
    return Panel("Networks: few-shot memory", "Exposures", "Proportion correct", tuple(parts), y_range=(0.0, 1.02))


def _surface_panel(result: LineUp, title: str) -> Panel:
    rows = result.human.rows
    parts = []
    for delay in np.unique(rows["retention_interval"]):
        chosen = rows["retention_interval"] == delay
        part = rows.where(chosen).with_columns({"x": rows["spacing_gap"][chosen] / DAY})
        parts.append(series(replace(result.human, rows=part), f"people, test after {delay / DAY:.0f} d"))
    for entry in _best(result, "equation", 1):
        if entry.fit is None:
            continue
        for delay in np.unique(rows["retention_interval"]):
            chosen = rows["retention_interval"] == delay
            drawn = entry.fit.predictions()[:, chosen]
            lower, upper = np.quantile(drawn, [0.05, 0.95], axis=0)
            columns = {"x": rows["spacing_gap"][chosen] / DAY, "y": drawn.mean(axis=0), "lower": lower, "upper": upper}
            parts.append(Series(f"{entry.agreement.subject}, {delay / DAY:.0f} d", "equation", Trials(columns)))
    return Panel(title, "Gap between studies (days)", "Recall", tuple(parts), "symlog")


def _by_delay(rows: Trials, x: str, name: str) -> list[Series]:
    """Return a series for each delay (updates): mean over members with the 90 % interval of that mean."""
    parts = []
    for delay in np.unique(rows["retention_interval"]):
        part = rows.where(rows["retention_interval"] == delay)
        around = rows_around(part[x], part["y"], Z90 * part["se"])
        parts.append(Series(f"{name}, after {delay:.0f} updates", "network", around, points=True))
    return parts


def _rest_panel(networks: Iterable[NetworkCurves]) -> Panel:
    parts = []
    for each in networks:
        rows = view_batch.members(each.rest, "spacing_gap", "retention_interval")
        updates = {name: np.rint(rows[name] / UPDATE) for name in ("spacing_gap", "retention_interval")}
        parts += _by_delay(rows.with_columns(updates), "spacing_gap", each.name)
    title = "Networks: rest between repetitions"
    return Panel(title, "Updates between exposures", "Recall, second half", tuple(parts), "symlog")


def _view_panel(networks: Iterable[NetworkCurves]) -> Panel:
    parts = [line for each in networks for line in _by_delay(view_batch.rested(each.views), "views", each.name)]
    title = f"Networks: {view_batch.EXPOSURES} exposures, V at once, a rest V times as long"
    label = f"V (the recall interval is {view_batch.STEP} V updates)"
    return Panel(title, label, "Recall, second half", tuple(parts), y_range=(0.0, 1.02))


def draw(results: ForgettingResults) -> Drawing:
    """Return the drawing of a computed comparison."""
    panels = [people_panel(results.people), score_panel(results.people)]
    surface = _surface_panel(results.spacing, "People: spacing (Cepeda et al., 2008)")
    if results.networks:
        panels += [_exposure_panel(results.networks), _forgetting_panel(results.networks, "recall")]
        panels += [_forgetting_panel(results.networks, "recognition"), _rest_panel(results.networks)]
        panels += [surface, _view_panel(results.networks)]
    else:
        panels.append(surface)
    source = results.people.human.source
    caption = (
        f"People: {(source.citation or source.who).rstrip('.')}. Points are people or networks with 90 % intervals, "
        "lines and bands are fitted equations (posterior mean, 90 % interval). ELPD: expected log predictive "
        "density of a human test, left out in turn; networks are linked to people by one rule with a temperature "
        "and a lapse. Spacing: Cepeda, Vul, Rohrer, Wixted & Pashler (2008), digitised means without standard "
        "errors. Networks: populations trained from scratch; 1 update = 16 new strings; after rests, intervals are "
        "those of the members' mean. V at once (after 'Do Your Best and Get Enough Rest', CVPR 2025): an update "
        f"holds V exact repetitions of an item, which comes back after V steps of {view_batch.STEP} updates; "
        f"{view_batch.EXPOSURES} exposures of every item, items and V in a Latin square over the members. Seed "
        f"{results.seed}."
    )
    return Drawing(tuple(panels), caption)


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report))


forgetting_figure = Figure(
    "forgetting_curve",
    "Ebbinghaus (1885); Murre & Dros (2015); Cepeda et al. (2008); Orhan (2023)",
    ("forgetting of lstm", "forgetting of transformer"),
    _draw,
)
