"""The folds of a step model, compiled once a model: people side by side on all cores."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.cpu.random import block
from cogmem.kernels.stepwise import Steps, likelihood_of, pick, simulation_of


@cache
def _simulation(steps: Steps) -> Any:
    one = njit(simulation_of(steps.compiled(njit), block, njit(pick)))

    @njit(parallel=True, nogil=True)
    def simulation(theta: Any, rows: Any, kinds: Any, n_state: Any, k0: Any, k1: Any, p: Any, answers: Any) -> None:
        for i in prange(theta.shape[0]):
            own = np.int64(i) if rows.shape[0] > 1 else 0
            one(np.int64(i), theta[i], rows[own], kinds[own], np.zeros(n_state), k0, k1, p[i], answers[i])

    return simulation


@cache
def _likelihood(steps: Steps) -> Any:
    one = njit(likelihood_of(steps.compiled(njit)))

    @njit(parallel=True, nogil=True)
    def likelihood(theta: Any, rows: Any, kinds: Any, n_state: Any, n_options: Any, answers: Any, logs: Any) -> None:
        for i in prange(theta.shape[0]):
            own = np.int64(i) if rows.shape[0] > 1 else 0
            one(theta[i], rows[own], kinds[own], np.zeros(n_state), np.zeros(n_options), answers[i], logs[i])

    return likelihood


def simulate(
    steps: Steps, theta: Any, rows: Any, kinds: Any, n_state: int, p: Any, key: tuple[int, int]
) -> NDArray[np.int64]:
    """Return answers (people, tests) and fill their probabilities p (people, tests, options)."""
    answers = np.full(p.shape[:2], -1, np.int64)
    _simulation(steps)(theta, rows, kinds, n_state, np.uint64(key[0]), np.uint64(key[1]), p, answers)
    return answers


def likelihood(
    steps: Steps, theta: Any, rows: Any, kinds: Any, n_state: int, n_options: int, answers: Any
) -> NDArray[np.float64]:
    """Return the log probability of each answer, (people, tests)."""
    logs = np.zeros(answers.shape)
    _likelihood(steps)(theta, rows, kinds, n_state, n_options, answers, logs)
    return logs
