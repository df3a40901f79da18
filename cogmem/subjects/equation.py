"""Equations of memory, and the subject that answers by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.columns import require
from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials, frozen_array

Predict = Callable[[Any, Mapping[str, Any], Mapping[str, Any]], Any]


@dataclass(frozen=True)
class Equation:
    """A closed form for retention. One `predict(xp, theta, columns)` serves numpy, PyTensor and torch.

    `xp` is the array namespace, `theta` the parameters by name (arrays that broadcast against a row), `columns` the
    columns named by `needs`; the result is the expected proportion retained, one value a row. `measures` holds other
    read-outs of the same model by the measure's name (the Memory Chain's savings are its intensity, not its recall).
    An equation that is not `bounded` leaves [0, 1] by its own form; likelihoods and subjects bend it back.
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    needs: frozenset[str]
    predict: Predict
    measures: Mapping[str, Predict] = field(default_factory=dict)
    kind: Kind = "equation"
    bounded: bool = True

    def read_out(self, measure: str) -> Predict:
        """Return the prediction for a measure."""
        return self.measures.get(measure, self.predict)

    def subject(self, **theta: float) -> EquationSubject:
        """Return somebody who answers by this equation with these parameters."""
        known = {parameter.name for parameter in self.parameters}
        if set(theta) != known:
            raise UserError(f"{self.name} needs the parameters {sorted(known)}; got {sorted(theta)}.")
        return EquationSubject(self, {name: np.asarray([value]) for name, value in theta.items()})


def guessing(tests: Trials) -> NDArray[np.float64]:
    """Return the probability of a right answer without memory: `guess`, else 1/2 for recognition and 0 for recall."""
    by_type = np.where(tests.get("test_type", "recall") == "recognition", 0.5, 0.0)
    return tests["guess"].astype(np.float64) if "guess" in tests else by_type


def option_probabilities(retained: NDArray[np.float64], tests: Trials) -> NDArray[np.float64]:
    """Return (n_tests, 2) probabilities of wrong and right from the proportion retained.

    Threshold guessing: what is not retained is right as often as guessing is, P = g + (1 - g) retained.
    """
    guess = guessing(tests)
    right = guess + (1 - guess) * np.clip(retained, 0.0, 1.0)
    return np.stack([1 - right, right], axis=1)


def relearned(
    tests: Trials, right: NDArray[np.float64], learning: float, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Return answers to tests: an option index, or the repetitions to criterion for learning and relearning tests.

    First learning takes 1 + Poisson(learning - 1) repetitions; each of them is saved at relearning with the
    probability retained, so that expected savings are the retention (a simulation rule of cogmem's own).
    """
    kinds = tests.get("test_type", "recall")
    answers = (rng.random(len(tests)) < right).astype(np.int64)
    first = kinds == "learning"
    answers[first] = 1 + rng.poisson(learning - 1, first.sum())
    again = np.flatnonzero(kinds == "relearning")
    if len(again):
        people = tests.get("participant", "all")
        learned = zip(people[first], tests["item"][first], answers[first], strict=True)
        needed = {(who, item): count for who, item, count in learned}
        before = np.array([needed[who, item] for who, item in zip(people[again], tests["item"][again], strict=True)])
        answers[again] = rng.binomial(before, 1 - right[again])
    return answers


@dataclass(frozen=True, eq=False)
class EquationSubject:
    """A population that answers by an equation: `theta` holds draws of each parameter, shape (draws,).

    Each participant of a design answers by one draw, taken at random; `people` (participant of each draw) keeps the
    draws of a fitted person to that person, and a participant it does not know draws from all. `forecast` averages
    over the draws that the participant may have.
    """

    equation: Equation
    theta: Mapping[str, NDArray[np.float64]]
    people: NDArray[Any] | None = None
    label: str = ""

    def __post_init__(self) -> None:
        frozen = {name: frozen_array(np.atleast_1d(values)) for name, values in self.theta.items()}
        object.__setattr__(self, "theta", MappingProxyType(frozen))

    def __reduce__(self) -> tuple[Any, ...]:
        return (EquationSubject, (self.equation, dict(self.theta), self.people, self.label))

    @property
    def name(self) -> str:
        return self.label or self.equation.name

    @property
    def kind(self) -> Kind:
        return self.equation.kind

    @property
    def needs(self) -> frozenset[str]:
        return self.equation.needs

    def _draws_of(self, participant: Any) -> NDArray[np.intp]:
        every = len(next(iter(self.theta.values())))
        own = np.flatnonzero(self.people == participant) if self.people is not None else np.arange(0)
        return own if len(own) else np.arange(every)

    def retained(self, tests: Trials, draws: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the proportion retained of each test for each chosen draw: (draws, tests)."""
        columns = require(tests, self.needs, who=f"The equation {self.equation.name!r}")
        theta = {name: values[draws][:, None] for name, values in self.theta.items()}
        with np.errstate(divide="ignore"):
            retained = np.asarray(self.equation.predict(np, theta, columns), dtype=np.float64)
        # What was never studied is not retained; most equations know nothing of repetitions.
        return np.where(tests.get("repetitions", 1) == 0, 0.0, retained)

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return one answer for each test; see `relearned` for learning and relearning tests."""
        tests = design.tests
        right = np.empty(len(tests))
        for key, rows in tests.with_columns({"participant": tests.get("participant", "all")}).groups(["participant"]):
            part = tests.where(rows)
            draw = rng.choice(self._draws_of(key["participant"]), size=1)
            right[rows] = option_probabilities(self.retained(part, draw)[0], part)[:, 1]
        learning = float(design.settings.get("learning_repetitions", 20.0))
        return relearned(tests, right, learning, rng)

    def forecast(self, design: Design) -> NDArray[np.float64]:
        """Return (n_tests, 2): the probability of wrong and of right, averaged over the draws."""
        tests = design.tests
        forecast = np.empty((len(tests), 2))
        for key, rows in tests.with_columns({"participant": tests.get("participant", "all")}).groups(["participant"]):
            part = tests.where(rows)
            retained = np.clip(self.retained(part, self._draws_of(key["participant"])), 0.0, 1.0).mean(axis=0)
            forecast[rows] = option_probabilities(retained, part)
        return forecast
