"""People's answers counted by kind in two halves of their trials: fitted to one half, scored on the other.

Both ways round. Models have parameters of every person; forecasts are linked to each by a temperature and a lapse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem import comparisons
from cogmem.core import Curve, Forecaster, Source
from cogmem.fitting.populations import PopulationFit, Predict, fit_population
from cogmem.jobs.outcomes import Outcome
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials, concatenate

Array = NDArray[np.float64]
Scored = tuple[Array, tuple[PopulationFit, ...]]

LINK: Final = comparisons.LINK.parameters
"""The linking rule's parameters, the same for whatever is compared with people."""


@dataclass(frozen=True, eq=False)
class Halves:
    """Counts of answers, `first` and `second` (people, conditions, kinds); a half may lack a condition."""

    people: tuple[str, ...]
    first: Array
    second: Array

    def __post_init__(self) -> None:
        for counts in (self.first, self.second):
            counts.setflags(write=False)  # remembered by those who read them: everybody is given the same

    @property
    def answers(self) -> Array:
        """Return how many answers each person gave: (people,)."""
        return np.asarray((self.first + self.second).sum(axis=(1, 2)))

    def score(
        self, parameters: tuple[Parameter, ...], predict: Predict | tuple[Predict, Predict], *, seed: int
    ) -> Scored:
        """Return each person's log density in the half that was not fitted, both halves together, and the two fits."""
        rules = predict if isinstance(predict, tuple) else (predict, predict)
        fits = tuple(
            fit_population(parameters, rule, fitted, seed=seed)
            for rule, fitted in zip(rules, (self.first, self.second), strict=True)
        )
        logs = fits[0].held_out(self.second) + fits[1].held_out(self.first)
        return logs, fits

    def others(self) -> tuple[Predict, Predict]:
        """Return the linking rules for what all people did on average in the first and the second half.

        A person's own share of that average is one among all. A condition that a half lacks is told by its neighbours.
        """
        found = []
        for counts in (self.first, self.second):
            whole = counts.sum(axis=0)
            there = np.flatnonzero(whole.sum(axis=1))
            shares = whole[there] / whole[there].sum(axis=1, keepdims=True)
            places = np.arange(len(whole))
            found.append(linked(np.stack([np.interp(places, there, column) for column in shares.T], axis=1)))
        return found[0], found[1]

    def mean_and_se(self, logs: Array) -> tuple[float, float]:
        """Return the mean log density an answer of people's logs (people,), and its standard error over people."""
        answers = self.answers
        mean = logs.sum() / answers.sum()
        return float(mean), float(np.sqrt(((logs - mean * answers) ** 2).sum()) / answers.sum())


def parted(people: tuple[str, ...], counts: Array, *, seed: int) -> Halves:
    """Return counts (people, conditions, kinds) in two halves drawn at random in each condition of each person.

    Half of the answers are drawn without replacement (hypergeometric); an odd one is in the second half.
    """
    rng, whole = np.random.default_rng(seed), counts.astype(np.int64)
    drawn = [[rng.multivariate_hypergeometric(each, each.sum() // 2) for each in person] for person in whole]
    first = np.array(drawn, dtype=np.float64)
    return Halves(people, first, counts - first)


def linked(forecast: Array) -> Predict:
    """Return the linking rule for a forecast (conditions, kinds): p^(1 / temperature), and a lapse to any kind.

    A forecast of everybody's own, (people, conditions, kinds), takes theta (..., people, 2) to chances of that shape.
    """
    # A forecast of certainty says nothing of how much less than certain it is: one in a thousand.
    logs = np.log(np.clip(forecast, 1e-3, 1.0))
    kinds = forecast.shape[-1]

    def predict(theta: Array) -> Array:
        sharp = logs / theta[..., 0, None, None]
        sharp = np.exp(sharp - sharp.max(axis=-1, keepdims=True))
        sharp = sharp / sharp.sum(axis=-1, keepdims=True)
        lapse = theta[..., 1, None, None]
        return np.asarray(lapse / kinds + (1.0 - lapse) * sharp)

    return predict


def parameters_of(fits: Sequence[PopulationFit]) -> Trials:
    """Return the typical person's parameters as each half of the trials tells them.

    `ess` are effective draws; `rhat` says how far chains agree, NaN where there were none (importance sampling).
    """
    found = [each.diagnostics for each in fits]
    told = {"ess": [each["ess_min"] for each in found], "rhat": [each.get("rhat_max", np.nan) for each in found]}
    return by_half([each.typical() for each in fits], told)


def by_half(tables: Sequence[Trials], numbers: Mapping[str, Sequence[float]]) -> Trials:
    """Return the tables of both halves, one after the other, with `fitted_to_half` and each half's `numbers`."""
    parts = []
    for half, table in enumerate(tables, 1):
        told = {"fitted_to_half": half} | {name: values[half - 1] for name, values in numbers.items()}
        parts.append(table.with_columns({name: np.full(len(table), value) for name, value in told.items()}))
    return concatenate(parts)


class Fitted(Protocol):
    """A model that becomes somebody by its parameters."""

    def subject(self, **theta: Any) -> Forecaster: ...


def subject_of(model: Fitted, fits: Sequence[PopulationFit], *, seed: int) -> Forecaster:
    """Return somebody who answers like a person of the fitted population, 100 of each half's."""
    drawn: list[Mapping[str, Any]] = [each.someone(100, seed=seed + k) for k, each in enumerate(fits)]
    return model.subject(**{name: np.concatenate([each[name] for each in drawn]) for name in drawn[0]})


def people_outcome(
    of: Callable[[], Halves], seed: int, others: Callable[[], tuple[Predict, Predict]] | None = None
) -> Outcome:
    """Return how well people predict people: what all of them did in the other half, linked to each."""
    halves = of()
    logs, fits = halves.score(LINK, others() if others else halves.others(), seed=seed)
    return Outcome("people", "human", logs, {}, parameters_of(fits))


def people_curves(human: Curve, columns: Mapping[str, Sequence[str]]) -> dict[str, Curve]:
    """Return people's share of each kind of answer, whose counts are the sum of its columns; rows are those of people.

    A kind is the name of its curve.
    """
    rows, found = human.rows, {}
    for kind, names in columns.items():
        y = sum(rows[name] for name in names) / rows["n"]
        own = {"x": rows["x"], "y": y, "n": rows["n"], "sd": np.sqrt(y * (1 - y)), "participant": rows["participant"]}
        found[kind] = Curve(kind, human.subject, Trials(own), human.source)
    return found


def counted(
    rows: Trials, condition: NDArray[np.int64], size: int, columns: Mapping[str, Sequence[str]]
) -> tuple[tuple[str, ...], Array]:
    """Return people's names and their answers by condition (of `size`) and kind: (people, conditions, kinds).

    `condition` is that of each row; a kind is the sum of its columns.
    """
    people = np.unique(rows["participant"])
    counts = np.zeros((len(people), size, len(columns)))
    place = np.searchsorted(people, rows["participant"]), condition
    for kind, names in enumerate(columns.values()):
        for name in names:
            np.add.at(counts[..., kind], place, rows[name])
    return tuple(str(name) for name in people), counts


def mean_chances(fits: Sequence[PopulationFit], weights: Array | None = None) -> Array:
    """Return what people are predicted to do on average (by `weights`, (people,)), both halves: (conditions, kinds)."""
    return np.asarray(np.mean([np.average(each.chances(), axis=0, weights=weights) for each in fits], axis=0))


def predicted_curves(
    name: str, fits: Sequence[PopulationFit], kinds: Sequence[str], x: Array, source: Source,
    weights: Array | None = None,
) -> dict[str, Curve]:  # fmt: skip
    """Return the predicted share of each kind of answer, averaged over people (by `weights`, (people,))."""
    chances = mean_chances(fits, weights)
    rest = {"n": np.full(len(x), float(len(fits[0].counts))), "sd": np.zeros(len(x))}
    return {
        kind: Curve(kind, name, Trials({"x": x, "y": chances[:, k], **rest}), source) for k, kind in enumerate(kinds)
    }
