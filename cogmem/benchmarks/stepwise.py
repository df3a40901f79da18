"""Speed of the folds of a step model, against the same steps in Python."""

from __future__ import annotations

from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, Workload, against, compiled
from cogmem.kernels.stepwise import simulate_steps, steps_log_likelihood
from cogmem.models.steps import act_r_practice
from cogmem.paradigms import forgetting_curve
from cogmem.subjects.stepwise import encode


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^5 people x about 100 trials of ACT-R with practice by tests: simulation and likelihood."""
    people, few = (5_000, 50) if quick else (100_000, 300)
    design = forgetting_curve.design(seed=seed, n_items=7, retention_intervals=tuple(np.geomspace(60.0, 86_400.0, 13)))
    encoded = encode(act_r_practice, design)
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(*span, people) for span in ((0.2, 0.7), (-4.0, -2.0), (0.3, 0.8), (0.0, 1.0))]
    theta = np.stack(columns, axis=1)
    steps, size = act_r_practice.steps, {"n_state": encoded.n_state, "n_options": 2}

    def simulate(backend: str, n: int) -> Any:
        return simulate_steps(steps, theta[:n], encoded.rows, encoded.kinds, seed=seed, backend=backend, **size)

    answers = simulate("auto", people)[0]

    def likelihood(backend: str, n: int) -> Any:
        parts = (theta[:n], encoded.rows, encoded.kinds, answers[:n])
        return steps_log_likelihood(steps, *parts, backend=backend, **size)

    trials = encoded.rows.shape[1]
    both = (("simulation", simulate), ("likelihood", likelihood))
    return [Workload(name, "trial", people, few, trials, run) for name, run in both]


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of simulation and likelihood; no limit is known of what a model's own arithmetic takes."""
    rows = []
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows += [meaning, *(against(work.speed(backend), numpy=meaning) for backend in compiled())]
    return rows
