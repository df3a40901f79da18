"""Models that go through an experiment row by row, and the subject that answers by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.columns import require
from cogmem.core import Design, Kind, Record
from cogmem.errors import UserError
from cogmem.kernels.stepwise import NOTHING, STUDY, TEST, Steps, simulate_steps, steps_log_likelihood
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials, frozen_array

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class StepModel:
    """A model as steps: study and test rows change a state, and a test is answered from it.

    `steps` is what happens to one person (see `cogmem.kernels.stepwise`); simulation and likelihood are two folds of
    it, so the model is written once. `encode` turns the trials of one participant (study and test rows in the order
    of time) into (rows (rows, columns), size of the state). Answers are option numbers below `n_options`.
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    needs: frozenset[str]
    n_options: int
    encode: Callable[[Trials], tuple[Floats, int]]
    steps: Steps
    kind: Kind = "step"

    def subject(self, *, backend: str = "auto", **theta: Any) -> StepSubject:
        """Return somebody who answers by this model; each parameter is one number, or an array of draws."""
        known = [parameter.name for parameter in self.parameters]
        if set(theta) != set(known):
            raise UserError(f"{self.name} needs the parameters {sorted(known)}; got {sorted(theta)}.")
        return StepSubject(self, {name: theta[name] for name in known}, backend=backend)


@dataclass(frozen=True, eq=False)
class _Encoded:
    """A design as the folds read it; `tests[i]` are the numbers of participant i's tests in the design's order."""

    rows: Floats
    kinds: NDArray[np.int8]
    n_state: int
    tests: tuple[NDArray[np.intp], ...]


def encode(model: StepModel, design: Design) -> _Encoded:
    """Return the rows of every participant, filled up to one length; rows that all share are kept once."""
    trials = design.trials
    is_test = trials["phase"] == "test"
    number = np.cumsum(is_test) - 1
    groups = trials.with_columns({"participant": trials.get("participant", "all")}).groups(["participant"])
    rows, kinds, tests, n_state = [], [], [], 0
    for _, chosen in groups:
        part = trials.where(chosen)
        require(part.where(is_test[chosen]), model.needs, who=f"The model {model.name!r}")
        encoded, size = model.encode(part)
        rows.append(encoded)
        kinds.append(np.where(is_test[chosen], TEST, STUDY).astype(np.int8))
        tests.append(number[chosen][is_test[chosen]])
        n_state = max(n_state, size)
    longest = max(len(each) for each in rows)
    filled = np.stack([np.pad(each, ((0, longest - len(each)), (0, 0))) for each in rows])
    kind = np.stack([np.pad(each, (0, longest - len(each)), constant_values=NOTHING) for each in kinds])
    if (filled == filled[:1]).all() and (kind == kind[:1]).all():
        filled, kind = filled[:1], kind[:1]
    return _Encoded(filled, kind, n_state, tuple(tests))


def frozen_draws(theta: Mapping[str, Any]) -> Mapping[str, Floats]:
    """Return draws of each parameter, (draws,), that nobody can change."""
    return MappingProxyType(
        {name: frozen_array(np.atleast_1d(np.asarray(v, dtype=np.float64))) for name, v in theta.items()}
    )


@dataclass(frozen=True, eq=False)
class StepSubject:
    """A population that answers by a step model: `theta` holds draws of each parameter, shape (draws,).

    Each participant of a design answers by one draw, taken at random. `forecast` averages over draws and over the
    answers that came before in each of them: with one draw and a model that does not learn from its answers, exact.
    """

    model: StepModel
    theta: Mapping[str, Floats]
    backend: str = "auto"
    simulations: int = 200

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", frozen_draws(self.theta))

    def __reduce__(self) -> tuple[Any, ...]:
        return (StepSubject, (self.model, dict(self.theta), self.backend, self.simulations))

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def kind(self) -> Kind:
        return self.model.kind

    @property
    def needs(self) -> frozenset[str]:
        return self.model.needs

    def _drawn(self, people: int, rng: np.random.Generator) -> Floats:
        draws = np.stack([np.broadcast_to(values, self._n_draws()) for values in self.theta.values()], axis=1)
        return np.asarray(draws[rng.integers(0, len(draws), people)])

    def _n_draws(self) -> int:
        return max(len(values) for values in self.theta.values())

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return the option chosen at each test, in the design's order."""
        _refuse_criterion(self.model, design)
        encoded = encode(self.model, design)
        theta, seed = self._drawn(len(encoded.tests), rng), int(rng.integers(0, 2**63))
        answers, _ = self._simulated(encoded, theta, seed)
        return _in_order(encoded, answers)

    def forecast(self, design: Design) -> Floats:
        """Return the probability of each option of each test, (n_tests, n_options)."""
        _refuse_criterion(self.model, design)
        encoded, rng = encode(self.model, design), np.random.default_rng(0)
        total = np.zeros((len(design.tests), self.model.n_options))
        for seed in range(self.simulations):
            _, p = self._simulated(encoded, self._drawn(len(encoded.tests), rng), seed)
            total += _in_order(encoded, p)
        return total / self.simulations

    def log_likelihood(self, record: Record) -> Floats:
        """Return the log probability of each answer of `record` given those before it, averaged over draws as odds are.

        One value a test in the design's order, 0 where there was no answer.
        """
        _refuse_criterion(self.model, record.design)
        encoded = encode(self.model, record.design)
        most = max(len(tests) for tests in encoded.tests)
        answers = np.full((len(encoded.tests), most), -1, np.int64)
        for i, tests in enumerate(encoded.tests):
            answers[i, : len(tests)] = record.answers[tests]
        each = []
        for draw in range(self._n_draws()):
            theta = np.array([np.broadcast_to(values, self._n_draws())[draw] for values in self.theta.values()])
            logs = steps_log_likelihood(
                self.model.steps, np.tile(theta, (len(answers), 1)), encoded.rows, encoded.kinds, answers,
                n_state=encoded.n_state, n_options=self.model.n_options, backend=self.backend,
            )  # fmt: skip
            each.append(_in_order(encoded, logs))
        return np.asarray(np.logaddexp.reduce(each, axis=0) - np.log(len(each)))

    def _simulated(self, encoded: _Encoded, theta: Floats, seed: int) -> tuple[NDArray[np.int64], Floats]:
        return simulate_steps(
            self.model.steps, theta, encoded.rows, encoded.kinds, n_state=encoded.n_state,
            n_options=self.model.n_options, seed=seed, backend=self.backend,
        )  # fmt: skip


def _in_order(encoded: _Encoded, values: NDArray[Any]) -> NDArray[Any]:
    """Return what stands at (participant, its test) in the order of the design's tests."""
    ordered = np.empty((sum(len(tests) for tests in encoded.tests), *values.shape[2:]), values.dtype)
    for i, tests in enumerate(encoded.tests):
        ordered[tests] = values[i, : len(tests)]
    return ordered


def _refuse_criterion(model: StepModel, design: Design) -> None:
    if np.isin(design.tests.get("test_type", "recall"), ["learning", "relearning"]).any():
        raise UserError(
            f"{model.name} answers single tests; savings are counts to criterion: let an equation or network."
        )
