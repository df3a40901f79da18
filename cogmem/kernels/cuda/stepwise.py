"""The folds of a step model on the GPU: one thread a person, its state in local memory."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import cuda, float64
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.cuda.random import block
from cogmem.kernels.stepwise import Steps, likelihood_of, pick, simulation_of


@cache
def _simulation(steps: Steps, n_state: int) -> Any:
    one = cuda.jit(device=True)(
        simulation_of(steps.compiled(cuda.jit(device=True)), block, cuda.jit(device=True)(pick))
    )
    room = max(1, n_state)

    @cuda.jit
    def simulation(theta: Any, rows: Any, kinds: Any, k0: Any, k1: Any, p: Any, answers: Any) -> None:
        i = cuda.grid(1)
        if i < theta.shape[0]:
            state = cuda.local.array(room, float64)
            for k in range(room):
                state[k] = 0.0
            own = i if rows.shape[0] > 1 else 0
            one(i, theta[i], rows[own], kinds[own], state, k0, k1, p[i], answers[i])

    return simulation


@cache
def _likelihood(steps: Steps, n_state: int, n_options: int) -> Any:
    one = cuda.jit(device=True)(likelihood_of(steps.compiled(cuda.jit(device=True))))
    room = max(1, n_state)

    @cuda.jit
    def likelihood(theta: Any, rows: Any, kinds: Any, answers: Any, logs: Any) -> None:
        i = cuda.grid(1)
        if i < theta.shape[0]:
            state, p = cuda.local.array(room, float64), cuda.local.array(n_options, float64)
            for k in range(room):
                state[k] = 0.0
            own = i if rows.shape[0] > 1 else 0
            one(theta[i], rows[own], kinds[own], state, p, answers[i], logs[i])

    return likelihood


def simulate(
    steps: Steps, theta: Any, rows: Any, kinds: Any, n_state: int, p: Any, key: tuple[int, int]
) -> NDArray[np.int64]:
    """Return answers (people, tests) and fill their probabilities p (people, tests, options)."""
    answers = np.full(p.shape[:2], -1, np.int64)
    if answers.size:
        inputs = [cuda.to_device(each) for each in (theta, rows, kinds)]
        chances, given = cuda.to_device(p), cuda.to_device(answers)
        launch = _simulation(steps, n_state)[blocks_for(len(theta)), THREADS]
        launch(*inputs, np.uint64(key[0]), np.uint64(key[1]), chances, given)
        chances.copy_to_host(p)
        given.copy_to_host(answers)
    return answers


def likelihood(
    steps: Steps, theta: Any, rows: Any, kinds: Any, n_state: int, n_options: int, answers: Any
) -> NDArray[np.float64]:
    """Return the log probability of each answer, (people, tests)."""
    logs = np.zeros(answers.shape)
    if logs.size:
        inputs = [cuda.to_device(each) for each in (theta, rows, kinds, answers)]
        found = cuda.to_device(logs)
        _likelihood(steps, n_state, n_options)[blocks_for(len(theta)), THREADS](*inputs, found)
        found.copy_to_host(logs)
    return logs
