"""Reproducers of values on people's own chains: fitted to half of the roots, scored on the other, then simulated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Record, Source, Subject
from cogmem.fitting import line_chains as fitting
from cogmem.fitting.line_chains import Steps
from cogmem.jobs.outcomes import Outcome, halves
from cogmem.trials import Trials

Array = NDArray[np.float64]
MODELS: Final = ("random_walk", "gaussian_reproducer", "mixture_of_2", "mixture_of_3")
SIMULATED: Final = 400


def _fitted(name: str, steps: Steps, seed: int) -> tuple[Any, dict[str, float]]:
    """Return (subject, or the sd of a walk; parameters) of a model."""
    if name == "random_walk":
        sd = fitting.random_walk(steps)
        return sd, {"sd": sd}
    if name == "gaussian_reproducer":
        one = fitting.autoregressive(steps)
        return one, {"prior_mean": one.prior_mean, "prior_sd": one.prior_sd, "noise_sd": one.noise_sd}
    several = fitting.fit_mixture(steps, components=int(name[-1]), seed=seed)
    found = {"noise_sd": several.noise_sd}
    total = sum(several.weights)
    for k, (mean, sd, weight) in enumerate(zip(several.means, several.sds, several.weights, strict=True), 1):
        found |= {f"mean_{k}": float(mean), f"sd_{k}": float(sd), f"weight_{k}": float(weight / total)}
    return several, found


def _density(subject: Any, steps: Steps) -> Array:
    if isinstance(subject, float):
        return fitting.normal(steps.after, steps.before, subject)
    return fitting.log_density(subject, steps)


def score(name: str, record: Record, seed: int) -> Outcome:
    """Return what comes of a model on chains of values: `scores` (reproductions,), and the mean value by generation."""
    steps = fitting.steps_of(record)
    scores = np.empty(len(steps.after))
    by_half = []
    odd, even = halves(steps.root)
    for train, test in ((odd, even), (even, odd)):
        subject, found = _fitted(name, steps.where(train), seed)
        by_half.append(found)
        scores[test] = _density(subject, steps.where(test))
    subject, found = _fitted(name, steps, seed)
    keys = list(found)
    parameters = Trials(
        {"parameter": np.array(keys)}
        | {column: np.array([each[key] for key in keys])
           for column, each in (("estimate", found), ("half_1", by_half[0]), ("half_2", by_half[1]))}
    )  # fmt: skip
    return Outcome(name, "bayesian", scores, curves_of(subject, name, steps, seed), parameters)


def curves_of(subject: Subject | float, name: str, steps: Steps, seed: int) -> dict[str, Curve]:
    """Return mean and sd of the values by generation over simulated chains from people's roots."""
    rng = np.random.default_rng(seed)
    x = rng.choice(steps.before[steps.generation == 1], SIMULATED)
    generations = int(steps.generation.max())
    values = np.empty((generations, SIMULATED))
    for g in range(generations):
        x = x + subject * rng.standard_normal(SIMULATED) if isinstance(subject, float) else _answer(subject, x, rng)
        values[g] = x
    return {"value": _curve(name, np.arange(1.0, generations + 1), values, Source(who=name, kind="bayesian"))}


def _answer(subject: Any, x: Array, rng: np.random.Generator) -> Array:
    from cogmem.paradigms import serial_reproduction

    design = serial_reproduction.design(seed=0, space="line", low=None, high=None, roots=tuple(x), chains_per_root=1)
    return np.asarray(subject.answer(design, rng))


def _curve(name: str, x: Array, values: Array, source: Source) -> Curve:
    rows = {"x": x, "y": values.mean(axis=1), "n": np.full(len(x), float(values.shape[1])), "sd": values.std(axis=1)}
    return Curve("value", name, Trials(rows), source)


def people_curve(record: Record) -> Curve:
    """Return people's values, a row a reproduction."""
    tests = record.design.tests
    n = len(record.answers)
    rows: Mapping[str, Any] = {
        "x": tests["generation"].astype(float), "y": np.asarray(record.answers, dtype=np.float64), "n": np.ones(n),
        "sd": np.zeros(n), "root": tests["root_number"], "chain": tests["chain"],
    }  # fmt: skip
    return Curve("value", record.subject, Trials(rows), record.source)
