"""Speed, as ratios within one run: nothing here asserts a time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from cogmem.core import Curve
from cogmem.fitting.fits import Fit, Method, fit
from cogmem.models import MODELS, power
from cogmem.trials import Trials


@dataclass(frozen=True)
class Row:
    """One line of a benchmark; what was not measured is None."""

    what: str
    seconds: float
    compile_seconds: float | None = None
    ess_min: float | None = None
    ess_per_second: float | None = None
    rhat_max: float | None = None
    divergences: float | None = None
    ratio: float | None = None
    against: str = ""


def population(*, people: int, delays: int, trials: int, seed: int) -> Curve:
    """Return simulated recall of people who forget by power laws of their own: people x delays, counts of `trials`.

    a ~ logit-normal-like around 1 at one second, b around .15: the sizes of human data in seconds.
    """
    rng = np.random.default_rng(seed)
    t = np.tile(np.geomspace(60.0, 30 * 86_400.0, delays), people)
    a = np.repeat(np.exp(rng.normal(0.1, 0.25, people)), delays)
    b = np.repeat(np.exp(rng.normal(-1.9, 0.35, people)), delays)
    n = np.full(len(t), float(trials))
    correct = rng.binomial(trials, np.clip(a * t**-b, 0, 1)).astype(float)
    y = correct / n
    who = np.repeat([f"p{k + 1:02d}" for k in range(people)], delays)
    columns = {"participant": who, "x": t, "y": y, "n": n, "sd": np.sqrt(y * (1 - y)), "correct": correct}
    return Curve("retention", "simulated", Trials(columns | {"retention_interval": t}))


def _sampled(sampler: Any, data: Curve, *, draws: int, seed: int) -> tuple[Fit, Row]:
    # One model, one set of coordinates and one target for both samplers.
    how = Method("nuts", draws=draws, tune=draws, sampler=sampler, cores=os.cpu_count())
    started = time.perf_counter()
    done = fit(power, data, method=how, seed=seed)
    whole = time.perf_counter() - started
    found = done.diagnostics
    sampling = found["sampling_seconds"]
    row = Row(
        f"hierarchical power law, {sampler}", sampling, whole - sampling, found["ess_min"],
        found["ess_min"] / sampling, found["rhat_max"], found["divergences"],
    )  # fmt: skip
    return done, row


def bench_fit(*, quick: bool = False, seed: int = 1) -> list[Row]:
    """Return speeds of fitting: NUTS by nutpie and by PyMC on the same model, and the fast fit of every equation.

    40 people x 8 delays, 4 chains x 1000 draws (quick: 10 people, 200 draws).
    """
    from cogmem.human_data.loading import load

    data = population(people=10 if quick else 40, delays=8, trials=40, seed=seed)
    draws = 200 if quick else 1000
    rows = [_sampled(sampler, data, draws=draws, seed=seed)[1] for sampler in ("nutpie", "pymc")]
    ratio = (rows[0].ess_per_second or 0.0) / (rows[1].ess_per_second or np.nan)
    rows[0] = replace(rows[0], ratio=ratio, against="ESS per second of PyMC's sampler")
    human = load("murre_dros_2015")
    fit(power, human, seed=seed)
    total = 0.0
    for model in MODELS:
        done = fit(model, human, seed=seed)
        total += done.seconds
        rows.append(Row(f"fast fit of {model.name}, 4 people", done.seconds, ess_min=done.diagnostics["ess_min"]))
    rows.append(Row(f"fast fit of all {len(MODELS)} equations, 4 people", total))
    return rows


BENCHMARKS: Final[Mapping[str, Callable[..., list[Row]]]] = {"fit": bench_fit}
