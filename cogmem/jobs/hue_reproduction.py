"""Reproducers of hue on people's errors: each prior is fitted to half of a person's chains and scored on the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Subject, chain, measure
from cogmem.fitting import hues
from cogmem.fitting.hues import Cells
from cogmem.jobs.outcomes import Outcome
from cogmem.paradigms import serial_reproduction
from cogmem.trials import Trials

Array = NDArray[np.float64]
MODELS: Final[Mapping[str, Any]] = {
    "flat_attractors": "flat",
    "von_mises_reproducer": None,
    "shared_attractors": "shared",
    "individual_attractors": "individual",
}
HALVES: Final = (("odd", "even"), ("even", "odd"))
GENERATIONS: Final = 15


def table_of(errors: Curve, experiment: str) -> Trials:
    """Return the rows of one experiment."""
    return errors.rows.where(errors.rows["experiment"] == experiment)


def cells(rows: Trials, half: str) -> Cells:
    """Return the cells of one half of the chains, people numbered as in the whole table."""
    names = tuple(sorted(set(rows["participant"].tolist())))
    return hues.cells_of(rows.where(rows["half"] == half), names)


def fitted(name: str, train: Cells, seed: int) -> Any:
    """Return the fit of the model `name` to cells."""
    prior = MODELS[name]
    return hues.fit_von_mises(train, seed=seed) if prior is None else hues.fit_hues(train, prior, seed=seed)


def density(done: Any, test: Cells) -> Array:
    """Return the log predictive density of each cell of errors under a fit, in nats."""
    return hues.held_out(done, test) if isinstance(done, hues.HueFit) else test.log_density(*done.predict(test))


def score(name: str, errors: Curve, drift: Curve, experiment: str, seed: int) -> Outcome:
    """Return what comes of the model `name`: `scores` are (cells of both halves), the curve is drift by generation."""
    rows = table_of(errors, experiment)
    scores = []
    for train, test in HALVES:
        scores.append(density(fitted(name, cells(rows, train), seed), cells(rows, test)))
    # The half to which a reproducer is fitted for its own chains is both of them, cell by cell.
    names = tuple(sorted(set(rows["participant"].tolist())))
    done = fitted(name, hues.cells_of(rows, names), seed)
    own = drift.rows.where(drift.rows["experiment"] == experiment)
    curves = {"drift": simulated_drift(done.subject(), replace(drift, rows=own), seed)}
    return Outcome(name, "bayesian", np.concatenate(scores), curves, _parameters(done))


def simulated_drift(subject: Subject, human: Curve, seed: int) -> Curve:
    """Return the mean distance to the root by generation over a subject's own chains, as many as people's."""
    settings = serial_reproduction.like(human)  # type: ignore[misc]
    design = serial_reproduction.design_from(settings, seed=seed)
    records = chain(serial_reproduction, [subject], design, generations=GENERATIONS, seed=seed)
    return measure(serial_reproduction.measure("drift"), records).pool()


def _parameters(done: Any) -> Trials:
    """Return the parameters that all people share, with 90 % intervals where there are draws."""
    found: list[tuple[str, float, float, float]] = []

    def add(name: str, draws: Array) -> None:
        lower, upper = (float(value) for value in np.quantile(draws, [0.05, 0.95]))
        found.append((name, float(draws.mean()), lower, upper))

    if isinstance(done, hues.HueFit):
        add("error_sd", np.rad2deg(done.sd).mean(axis=1))
        if done.prior == "individual":
            for k in range(hues.HARMONICS):
                add(f"between_people_{k + 1}", done.between[:, k])  # type: ignore[index]
        if done.prior != "flat":
            for k in range(hues.HARMONICS):
                add(f"cos_{k + 1}", done.pull[..., k].mean(axis=1))
                add(f"sin_{k + 1}", done.pull[..., hues.HARMONICS + k].mean(axis=1))
        found.append(("r_hat", done.r_hat, np.nan, np.nan))
        found.append(("divergences", float(done.divergences), np.nan, np.nan))
    else:
        for k in range(len(done.means)):
            for name, values in (("mean", done.means), ("sd", done.sds), ("weight", done.weights)):
                found.append((f"{name}_{k + 1}", float(values[k]), np.nan, np.nan))
        found.append(("spread", done.spread, np.nan, np.nan))
    columns = ("parameter", "estimate", "lower", "upper")
    return Trials({name: np.array([row[k] for row in found]) for k, name in enumerate(columns)})


def ceiling(errors: Curve, experiment: str) -> tuple[Array, Array]:
    """Return (log density of each cell by other people, n of each cell), as `score` orders cells."""
    rows = table_of(errors, experiment)
    scores, counts = [], []
    for train, test in HALVES:
        known, held = cells(rows, train), cells(rows, test)
        scores.append(held.log_density(*hues.by_others(known, held)))
        counts.append(held.n)
    return np.concatenate(scores), np.concatenate(counts)


def people_of(errors: Curve, experiment: str) -> NDArray[np.int64]:
    """Return the person of each cell, in the order of `score`."""
    rows = table_of(errors, experiment)
    return np.concatenate([cells(rows, test).person for _, test in HALVES])
