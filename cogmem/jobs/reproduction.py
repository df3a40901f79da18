"""The main job of serial reproduction: people's chains, fitted reproducers and networks, scored on the same trials.

People's chains are of dots (from memory, and copied) and of hues; of sentences, which no reproducer here can take, what
is left is told generation by generation.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.exports import points_of
from cogmem.fitting.chains import MEASURES, clustered, human_chains
from cogmem.fitting.line_chains import steps_of
from cogmem.human_data.loading import load
from cogmem.jobs import dots_reproduction as dots
from cogmem.jobs import hue_reproduction as hues
from cogmem.jobs import line_reproduction as lines
from cogmem.jobs.outcomes import Outcome, compute_all
from cogmem.jobs.ranking import ranked
from cogmem.lineups import LineUp
from cogmem.names import nearest
from cogmem.progress import Report, silent
from cogmem.store import Store

Array = NDArray[np.float64]

PARADIGM: Final = "serial_reproduction"
VERSION: Final = 2
"""Counts up when the same names begin to mean another computation: what is stored is then made anew."""
EXPERIMENTS: Final = ("E1", "E2", "E3")
DOTS: Final[Mapping[str, str | None]] = {"Dots from memory": None, "Dots copied (motor control)": "motor_control"}
SENTENCES: Final = ("kept_parent", "kept_root", "edit_parent")
FEWEST: Final = 10
"""Roots of which a mean is shown."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """People and others in one experiment: who predicts people how well, and by measure everybody's curve."""

    title: str
    line_up: LineUp
    curves: Mapping[str, tuple[Curve, ...]]


@dataclass(frozen=True, eq=False)
class ReproductionResults:
    """Everything the job computed; `seconds` is how long it took here, what was stored not counted again.

    `sentences`: by measure what is left of people's sentences, a curve an experiment, where everything was asked for.
    """

    comparisons: tuple[Comparison, ...]
    sentences: Mapping[str, tuple[Curve, ...]]
    seed: int
    seconds: float


DOTS_NOTES: Final = (
    "People's score: each chain under the law of the chains of all other roots. Standard errors are over roots.",
    "RMSE and r are those of mean dispersion by generation; of people, between the two halves of the roots.",
)
HUE_NOTES: Final = (
    "People's score: each person's errors by the other people's mean error at that hue; standard errors over people.",
    "RMSE and r are those of mean drift from the root by generation; of people, between two halves of them.",
)
ANCHOR_NOTE: Final = (
    "In E3 a colour 20 degrees to one side of the root stood beside it, and to the other side in the other chain of "
    "the same root; a half of the chains holds one of the two, so its biases mislead about the other half."
)


def _dots(human: Curve, names: Sequence[str], seed: int, store: Store, workers: int, report: Report) -> Comparison:
    people = human_chains(human)
    tasks = []
    for name in names:
        spec = {"job": "dots", "version": VERSION, "subject": name, "people": human.rows, "seed": seed}
        tasks.append((spec, partial(dots.score, name, human, seed)))
    outcomes = compute_all(tasks, store, workers, report)
    scores = dots.ceiling(human)
    result = ranked(
        PARADIGM,
        human,
        "root",
        outcomes,
        scores,
        lambda table: clustered(table, people.root),
        float(scores.size),
        DOTS_NOTES,
    )
    curves = {}
    for k, measured in enumerate(MEASURES):
        rows = human.rows if k == 0 else human.rows.with_columns({"y": human.rows[measured]})
        own = replace(human, measure=measured, rows=rows.select("x", "y", "n", "sd", "root", "chain"))
        own = replace(own, rows=own.rows.with_columns({"sd": np.zeros(len(own.rows))}))
        curves[measured] = (own.pool(), *(each.curves[measured] for each in outcomes))
    return Comparison(f"Dots: {human.subject}", result, curves)


def _hues(errors: Curve, drift: Curve, experiment: str, outcomes: Sequence[Outcome]) -> Comparison:
    scores, n = hues.ceiling(errors, experiment)
    person = hues.people_of(errors, experiment)

    def mean_and_se(table: Array) -> tuple[float, float]:
        total, count = np.bincount(person, table), np.bincount(person, n)
        own = total / count
        return float(table.sum() / n.sum()), float(own.std(ddof=1) / np.sqrt(len(own)))

    human = replace(drift, rows=drift.rows.where(drift.rows["experiment"] == experiment))
    notes = (*HUE_NOTES, ANCHOR_NOTE) if experiment == "E3" else HUE_NOTES
    result = ranked(PARADIGM, human, "participant", outcomes, scores, mean_and_se, float(n.sum()), notes)
    rows = human.rows.select("x", "y", "n", "sd", "participant")
    own = replace(human, rows=rows.with_columns({"sd": np.zeros(len(rows))}))
    return Comparison(
        f"Hues: {drift.subject}, {experiment}",
        result,
        {"drift": (own.pool(), *(each.curves["drift"] for each in outcomes))},
    )


def _chosen(known: Sequence[str], wanted: Sequence[str] | None) -> tuple[str, ...]:
    for name in wanted or ():
        if name not in known:
            raise UserError(f"There is no reproducer {name!r} for these chains; {nearest(name, known)}")
    return tuple(name for name in known if not wanted or name in wanted)


LINE_NOTES: Final = (
    "Scores are of each value given the one before; nothing but a model predicts that, so people have none.",
    "RMSE and r are those of the mean value by generation; of people, between the two halves of the roots.",
)


def _lines(record: Record, names: Sequence[str], seed: int, store: Store, workers: int, report: Report) -> Comparison:
    steps = steps_of(record)
    if len(np.unique(steps.root)) < 4:
        raise UserError(
            f"{record.subject} has {len(np.unique(steps.root))} roots; models are fitted to half of the roots and "
            "scored on the other, for which four or more are needed (a column root says which chains share one)."
        )
    tasks = []
    for name in names:
        people = {"items": record.design.items, "answers": record.answers, "tests": record.design.tests}
        spec = {"job": "line", "version": VERSION, "subject": name, "people": people, "seed": seed}
        tasks.append((spec, partial(lines.score, name, record, seed)))
    outcomes = compute_all(tasks, store, workers, report)
    human = lines.people_curve(record)
    result = ranked(
        PARADIGM,
        human,
        "root",
        outcomes,
        None,
        lambda table: clustered(table, steps.root),
        float(len(steps.after)),
        LINE_NOTES,
    )
    curves = (human.pool(), *(each.curves["value"] for each in outcomes))
    return Comparison(f"Values: {record.subject}", result, {"value": curves})


def compute(
    human: Curve | Record | None = None,
    *,
    models: Sequence[str] | None = None,
    networks: bool = True,
    seed: int = 1,
    store: Store,
    workers: int = 2,
    report: Report = silent,
) -> ReproductionResults:
    """Return the whole comparison; `human` is a table of chains (None: dots from memory, dots copied, and hues).

    `models` names the reproducers (None: all); the data set of hues gives its three experiments, and a record of chains
    of values on a line (see `read_chains`) is scored by the exact density of each reproduction.
    """
    started = time.perf_counter()
    for_dots = (*dots.BAYESIAN, *(dots.NETWORKS if networks else ()))
    made: list[Comparison] = []
    if human is None:
        chosen = _chosen((*for_dots, *hues.MODELS), models)
        names = [name for name in for_dots if name in chosen]
        for title, table in DOTS.items() if names else ():
            found = _dots(load("vul_dots", table=table), names, seed, store, workers, report)
            made.append(replace(found, title=title))
        if names := [name for name in hues.MODELS if name in chosen]:
            made += _hue_comparisons(names, seed, store, workers, report)
    elif isinstance(human, Record):
        made.append(_lines(human, _chosen(lines.MODELS, models), seed, store, workers, report))
    elif human.subject == "destefano_hues":
        made += _hue_comparisons(_chosen(tuple(hues.MODELS), models), seed, store, workers, report)
    else:
        made.append(_dots(human, _chosen(for_dots, models), seed, store, workers, report))
    told = {measured: _sentences(measured) for measured in SENTENCES} if human is None and models is None else {}
    return ReproductionResults(tuple(made), told, seed, time.perf_counter() - started)


def _sentences(measured: str) -> tuple[Curve, ...]:
    """Return what is left of people's sentences by generation, means over roots, a curve an experiment."""
    human = load("lerique_2017")
    columns = {"y": human.rows["y"] if measured == human.measure else human.rows[measured]}
    n = len(human.rows)
    rows = human.rows.select("x", "root", "experiment").with_columns(columns | {"n": np.ones(n), "sd": np.zeros(n)})
    found = []
    for experiment in np.unique(rows["experiment"]):
        own = rows.where((rows["experiment"] == experiment) & np.isfinite(rows["y"]))
        pooled = replace(human, subject=str(experiment), measure=measured, rows=own).pool()
        # Later generations have few roots left: a mean of fewer than ten says little.
        found.append(replace(pooled, rows=pooled.rows.where(pooled.rows["n"] >= FEWEST)))
    return tuple(found)


def _hue_comparisons(names: Sequence[str], seed: int, store: Store, workers: int, report: Report) -> list[Comparison]:
    errors, drift = load("destefano_hues", table="errors"), load("destefano_hues")
    tasks = []
    for experiment in EXPERIMENTS:
        rows = hues.table_of(errors, experiment)
        for name in names:
            spec = {"job": "hues", "version": VERSION, "subject": name, "people": rows, "seed": seed}
            tasks.append((spec, partial(hues.score, name, errors, drift, experiment, seed)))
    outcomes = compute_all(tasks, store, workers, report)
    n = len(names)
    return [_hues(errors, drift, experiment, outcomes[k * n : (k + 1) * n]) for k, experiment in enumerate(EXPERIMENTS)]


def document(results: ReproductionResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare serial_reproduction`."""
    parts = []
    for each in results.comparisons:
        curves = {
            name: [{"subject": curve.subject, "x": curve.rows["x"].tolist(), "y": curve.rows["y"].tolist()}
                   for curve in found]
            for name, found in each.curves.items()
        }  # fmt: skip
        parts.append({"title": each.title, **each.line_up.as_dict(), "curves": curves})
    sentences = points_of(results.sentences)
    return {"comparisons": parts, "sentences": sentences, "seed": results.seed, "seconds": results.seconds}
