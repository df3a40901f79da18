"""Speed of the folds of a step model, against the same steps in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, Workload, against, compiled
from cogmem.core import Design
from cogmem.kernels.stepwise import simulate_steps, steps_log_likelihood
from cogmem.models.interference import cue_overload
from cogmem.models.steps import act_r_practice
from cogmem.paradigms import forgetting_curve, proactive_interference
from cogmem.subjects.stepwise import StepModel, encode


def _both(label: str, model: StepModel, design: Design, theta: Any, *, few: int, seed: int) -> list[Workload]:
    """Return simulation and likelihood of one model, everybody taking the same design."""
    encoded = encode(model, design)
    steps, size = model.steps, {"n_state": encoded.n_state, "n_options": model.n_options}
    people, trials = len(theta), encoded.rows.shape[1]

    def simulate(backend: str, n: int) -> Any:
        return simulate_steps(steps, theta[:n], encoded.rows, encoded.kinds, seed=seed, backend=backend, **size)

    answers = simulate("auto", people)[0]

    def likelihood(backend: str, n: int) -> Any:
        parts = (theta[:n], encoded.rows, encoded.kinds, answers[:n])
        return steps_log_likelihood(steps, *parts, backend=backend, **size)

    both = (("simulation", simulate), ("likelihood", likelihood))
    return [Workload(f"{name}, {label}", "trial", people, few, trials, run) for name, run in both]


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^5 people x about 100 trials: ACT-R with practice by tests, and competing values of updated keys."""
    people, few = (5_000, 50) if quick else (100_000, 300)
    rng = np.random.default_rng(seed)
    delays = forgetting_curve.design(seed=seed, n_items=7, retention_intervals=tuple(np.geomspace(60.0, 86_400.0, 13)))
    spans = ((0.2, 0.7), (-4.0, -2.0), (0.3, 0.8), (0.0, 1.0))
    theta = np.stack([rng.uniform(*span, people) for span in spans], axis=1)
    made = _both("act_r_practice", act_r_practice, delays, theta, few=few, seed=seed)
    streams = proactive_interference.design(seed=seed, n_keys=4, n_updates=(1, 2, 3, 4), n_lists=2, pool=8)
    others = ((0.5, 2.0), (0.01, 0.1), (0.05, 0.3))
    theta = np.stack([rng.uniform(*span, people) for span in others], axis=1)
    return made + _both("cue_overload", cue_overload.sized(streams), streams, theta, few=few, seed=seed)


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of simulation and likelihood; no limit is known of what a model's own arithmetic takes."""
    rows = []
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows += [meaning, *(against(work.speed(backend), numpy=meaning) for backend in compiled())]
    return rows
