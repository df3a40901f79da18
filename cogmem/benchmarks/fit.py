"""The speed of fitting, as ratios within one run."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cogmem.core import Curve
from cogmem.fitting.fits import Method, fit
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


def _sampled(what: str, data: Curve, *, draws: int, seed: int, **how: Any) -> Row:
    started = time.perf_counter()
    method = Method("nuts", draws=draws, tune=draws, cores=os.cpu_count(), **how)
    done = fit(power, data, method=method, seed=seed)
    whole = time.perf_counter() - started
    found = done.diagnostics
    sampling = found["sampling_seconds"]
    return Row(
        what, sampling, whole - sampling, found["ess_min"], found["ess_min"] / sampling, found["rhat_max"],
        found["divergences"],
    )  # fmt: skip


def _samplers(data: Curve, *, draws: int, seed: int) -> list[Row]:
    """Return the hierarchical power law by nutpie and by PyMC, in cogmem's coordinates and in the textbook's.

    Each ratio is that to the last row: what a PyMC user gets from the plain model.
    """
    rows = []
    for sampler in ("nutpie", "pymc"):
        for coordinates in ("rounded", "non_centred"):
            what = f"hierarchical power law, {sampler}, {coordinates}"
            rows.append(_sampled(what, data, draws=draws, seed=seed, sampler=sampler, coordinates=coordinates))
    ours, plain, theirs_rounded, theirs = (row.ess_per_second or np.nan for row in rows)
    rows[0] = replace(rows[0], ratio=ours / theirs, against="pymc, non_centred")
    rows[1] = replace(rows[1], ratio=plain / theirs, against="pymc, non_centred")
    rows[2] = replace(rows[2], ratio=theirs_rounded / theirs, against="pymc, non_centred")
    return rows


def bench(*, quick: bool = False, seed: int = 1) -> list[Row]:
    """Return speeds of fitting: NUTS by nutpie and by PyMC's own sampler, and the fast fit of every equation.

    40 people x 8 delays, 4 chains x 1000 draws (quick: 10 people, 200 draws); compilation apart.
    """
    from cogmem.human_data.loading import load

    data = population(people=10 if quick else 40, delays=8, trials=40, seed=seed)
    draws = 200 if quick else 1000
    rows = _samplers(data, draws=draws, seed=seed)
    human = load("murre_dros_2015")
    fit(power, human, seed=seed)
    total = 0.0
    for model in MODELS:
        done = fit(model, human, seed=seed)
        total += done.seconds
        rows.append(Row(f"fast fit of {model.name}, 4 people", done.seconds, ess_min=done.diagnostics["ess_min"]))
    rows.append(Row(f"fast fit of all {len(MODELS)} equations, 4 people", total))
    return rows
