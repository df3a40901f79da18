"""Speed of the folds of a step model."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.chains import fast_backends
from cogmem.benchmarks.timing import Speed, against, timed
from cogmem.kernels.stepwise import simulate_steps, steps_log_likelihood
from cogmem.models.steps import act_r_practice
from cogmem.paradigms import forgetting_curve
from cogmem.subjects.stepwise import encode


def bench_stepwise(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of 10^5 people x about 100 trials: simulation and likelihood, against the fold in Python."""
    people, few = (5_000, 50) if quick else (100_000, 300)
    design = forgetting_curve.design(seed=seed, n_items=7, retention_intervals=tuple(np.geomspace(60.0, 86_400.0, 13)))
    encoded = encode(act_r_practice, design)
    rng = np.random.default_rng(seed)
    columns = [rng.uniform(*span, people) for span in ((0.2, 0.7), (-4.0, -2.0), (0.3, 0.8), (0.0, 1.0))]
    theta = np.stack(columns, axis=1)
    size: dict[str, Any] = {"n_state": encoded.n_state, "n_options": 2}

    def simulate(backend: str, count: int) -> Any:
        return simulate_steps(
            act_r_practice.steps, theta[:count], encoded.rows, encoded.kinds, seed=seed, backend=backend, **size
        )

    answers = simulate("auto", people)[0]

    def likelihood(backend: str, count: int) -> Any:
        parts = (theta[:count], encoded.rows, encoded.kinds, answers[:count])
        return steps_log_likelihood(act_r_practice.steps, *parts, backend=backend, **size)

    rows, trials = [], encoded.rows.shape[1]
    for name, call in (("simulation", simulate), ("likelihood", likelihood)):
        meaning = timed(name, "numpy", partial(call, "numpy", few), items=few * trials, unit="trial", repeats=3)
        rows.append(meaning)
        for backend in fast_backends():
            speed = timed(name, backend, partial(call, backend, people), items=people * trials, unit="trial")
            rows.append(against(speed, numpy=meaning))
    return rows
