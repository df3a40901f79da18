"""Two folds over the trials of many people by the steps of one model: simulation, and the likelihood of answers.

The steps are plain functions of one person: they read `theta` (parameters,) and `row` (columns,), write into `state`
and, when they respond, the probability of each option into `p`. A fold gives each person a state of its own, so from
outside it is a pure function. The numpy meaning runs them as Python; numba and CUDA compile the same source, with the
person as the parallel axis. Probabilities agree to 1e-12 (the C library's functions differ in their last bits).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.arguments import array, count, seed_key
from cogmem.kernels.kernel import Kernel

STUDY: Final = 0
TEST: Final = 1
NOTHING: Final = -1
"""What a row is; NOTHING fills up the rows of people who have fewer."""

Floats = NDArray[np.float64]


def unmoved(theta: Any, state: Any, row: Any, answer: Any) -> None:
    """Leave the state as it is: the answer to a test changes nothing."""


def nothing(theta: Any, state: Any, row: Any) -> None:
    """Leave the state as it is: the model has nothing to do before it studies or responds."""


@dataclass(frozen=True)
class Steps:
    """What happens to one person: scalar code (`math`, loops, indexing) that numba can compile too.

    `start(theta, state)` prepares the state; `study(theta, state, row)` and `answered(theta, state, row, answer)`
    change it; `respond(theta, state, row, p)` writes the probability of each option, which sum to 1. A family of models
    shares `study` and `respond`; what is a model's own comes before: `revise(theta, state, row)` changes what is there
    before a study row is added, `weigh(theta, state, row)` what a test chooses from.
    """

    start: Callable[[Any, Any], None]
    study: Callable[[Any, Any, Any], None]
    respond: Callable[[Any, Any, Any, Any], None]
    answered: Callable[[Any, Any, Any, Any], None] = unmoved
    revise: Callable[[Any, Any, Any], None] = nothing
    weigh: Callable[[Any, Any, Any], None] = nothing

    def compiled(self, compile_: Callable[[Callable[..., Any]], Any]) -> Steps:
        """Return the steps with `compile_` done to each: numba's and CUDA's decorators."""
        parts = (self.start, self.study, self.respond, self.answered, self.revise, self.weigh)
        return Steps(*(compile_(part) for part in parts))


def pick(p: Any, u: Any) -> Any:
    """Return the first option whose cumulative probability is above u."""
    passed = 0.0
    for option in range(p.shape[0] - 1):
        passed += p[option]
        if u < passed:
            return option
    return p.shape[0] - 1


# --- One person's folds: the same source runs as Python, in numba and on the GPU ------------------------------------


def simulation_of(steps: Steps, block: Callable[..., Any], picked: Callable[..., Any]) -> Callable[..., None]:
    """Return simulate(i, theta, rows, kinds, state, k0, k1, p, answers) for one person i, of parts already compiled."""
    start, study, respond, answered = steps.start, steps.study, steps.respond, steps.answered
    revise, weigh = steps.revise, steps.weigh

    def simulate(i: Any, theta: Any, rows: Any, kinds: Any, state: Any, k0: Any, k1: Any, p: Any, answers: Any) -> None:
        test = 0
        w0, w1, w2, w3 = k0, k0, k0, k0
        start(theta, state)
        for r in range(rows.shape[0]):
            if kinds[r] == STUDY:
                revise(theta, state, rows[r])
                study(theta, state, rows[r])
            elif kinds[r] == TEST:
                lane = test % 4
                if lane == 0:
                    w0, w1, w2, w3 = block(k0, k1, np.uint64(i), np.uint64(test // 4), _STREAM)
                word = w0 if lane == 0 else w1 if lane == 1 else w2 if lane == 2 else w3
                weigh(theta, state, rows[r])
                respond(theta, state, rows[r], p[test])
                answers[test] = picked(p[test], (np.float64(word) + 0.5) * _RANGE)
                answered(theta, state, rows[r], answers[test])
                test += 1

    return simulate


def likelihood_of(steps: Steps) -> Callable[..., None]:
    """Return likelihood(theta, rows, kinds, state, p, answers, logs) for one person, of steps already compiled."""
    start, study, respond, answered = steps.start, steps.study, steps.respond, steps.answered
    revise, weigh = steps.revise, steps.weigh

    def likelihood(theta: Any, rows: Any, kinds: Any, state: Any, p: Any, answers: Any, logs: Any) -> None:
        test = 0
        start(theta, state)
        for r in range(rows.shape[0]):
            if kinds[r] == STUDY:
                revise(theta, state, rows[r])
                study(theta, state, rows[r])
            elif kinds[r] == TEST:
                weigh(theta, state, rows[r])
                respond(theta, state, rows[r], p)
                given = answers[test]
                if given >= 0:
                    logs[test] = math.log(p[given]) if p[given] > 0.0 else -math.inf
                answered(theta, state, rows[r], given)
                test += 1

    return likelihood


_STREAM: Final = np.uint64(0)
_RANGE: Final = 2.0**-32


def _block(k0: Any, k1: Any, individual: Any, step: Any, stream: Any) -> Any:
    return random.block((int(k0), int(k1)), individual, step, int(stream))


def _simulate(
    steps: Steps, theta: Floats, rows: Floats, kinds: NDArray[np.int8], n_state: int, p: Floats, key: tuple[int, int]
) -> NDArray[np.int64]:
    answers, one = np.full(p.shape[:2], -1, np.int64), simulation_of(steps, _block, pick)
    for i in range(len(theta)):
        own = min(i, len(rows) - 1)
        one(i, theta[i], rows[own], kinds[own], np.zeros(n_state), *key, p[i], answers[i])
    return answers


def _likelihood(
    steps: Steps, theta: Floats, rows: Floats, kinds: NDArray[np.int8], n_state: int, n_options: int,
    answers: NDArray[np.int64],
) -> Floats:  # fmt: skip
    logs, one = np.zeros(answers.shape), likelihood_of(steps)
    for i in range(len(theta)):
        own = min(i, len(rows) - 1)
        one(theta[i], rows[own], kinds[own], np.zeros(n_state), np.zeros(n_options), answers[i], logs[i])
    return logs


SIMULATE: Final[Kernel[Callable[..., Any]]] = Kernel(
    "simulate_steps", _simulate, "cogmem.kernels.cpu.stepwise:simulate", "cogmem.kernels.cuda.stepwise:simulate"
)
LIKELIHOOD: Final[Kernel[Callable[..., Any]]] = Kernel(
    "steps_log_likelihood",
    _likelihood,
    "cogmem.kernels.cpu.stepwise:likelihood",
    "cogmem.kernels.cuda.stepwise:likelihood",
)


def _checked(
    who: str, theta: ArrayLike, rows: ArrayLike, kinds: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.int8], int]:
    """Return theta, rows and kinds as arrays, and the number of tests."""
    people = array(who, "theta", theta, np.float64, (None, None))
    what = array(who, "rows", rows, np.float64, (None, None, None))
    kind = array(who, "kinds", kinds, np.int8, what.shape[:2])
    if len(what) not in (1, len(people)):
        raise UserError(f"{who} needs rows of every person or one set for all of {len(people)}; got {len(what)}.")
    unknown = kind[(kind < NOTHING) | (kind > TEST)]
    if unknown.size:
        raise UserError(f"{who} needs kinds that are 0 (study), 1 (test) or -1 (nothing); got {unknown[0]}.")
    return people, what, kind, int((kind == TEST).sum(axis=1).max(initial=0))


def simulate_steps(
    steps: Steps,
    theta: ArrayLike,
    rows: ArrayLike,
    kinds: ArrayLike,
    *,
    n_state: int,
    n_options: int,
    seed: int,
    backend: str = "auto",
) -> tuple[NDArray[np.int64], Floats]:
    """Return (answers (people, tests), their probabilities before each answer (people, tests, options)).

    `theta` (people, parameters); `rows` (people or 1, rows, columns) and `kinds` (people or 1, rows) of STUDY, TEST and
    NOTHING. Answers of people with fewer tests end in -1. Test t of person i takes word t of individual i.
    """
    who = SIMULATE.name
    people, what, kind, tests = _checked(who, theta, rows, kinds)
    size, options = count(who, "n_state", n_state, least=0), count(who, "n_options", n_options)
    p = np.zeros((len(people), tests, options))
    return np.asarray(SIMULATE.on(backend)(steps, people, what, kind, size, p, seed_key(who, seed))), p


def steps_log_likelihood(
    steps: Steps,
    theta: ArrayLike,
    rows: ArrayLike,
    kinds: ArrayLike,
    answers: ArrayLike,
    *,
    n_state: int,
    n_options: int,
    backend: str = "auto",
) -> Floats:
    """Return the log probability of each answer given those before it, (people, tests); 0 where an answer is -1.

    `answers` (people, tests) are option numbers, -1 for no answer; the rest is as in `simulate_steps`.
    """
    who = LIKELIHOOD.name
    people, what, kind, tests = _checked(who, theta, rows, kinds)
    size, options = count(who, "n_state", n_state, least=0), count(who, "n_options", n_options)
    given = array(who, "answers", answers, np.int64, (len(people), tests))
    if given.size and (given.max() >= options or given.min() < -1):
        worst = given.max() if given.max() >= options else given.min()
        raise UserError(f"{who} needs answers from 0 to {options - 1}, or -1 for none; got {worst}.")
    return np.asarray(LIKELIHOOD.on(backend)(steps, people, what, kind, size, options, given))
