"""Classical models of memory for pairs as participants: what a cue may retrieve, and what each model answers.

A test becomes the traces that its cue meets (`Held`): how near their keys are to what is shown, how long ago they were
studied, how many lists back. A model (see `models.pairs`) makes of them the chance of each trace's value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.subjects.choices import answered, recognitions, refuse_strange_keys, unit, vectors_of
from cogmem.subjects.parameters import Parameter
from cogmem.subjects.stepwise import frozen_draws
from cogmem.subjects.streams import Stream, streams
from cogmem.trials import Trials

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Theta = Mapping[str, Array]

SETS_AT_ONCE: Final = 64
"""Parameter sets whose answers are computed in one call: bounds the memory, never the result."""


@dataclass(frozen=True, eq=False)
class Held:
    """What the cue of each test meets: all arrays are (tests, columns), a column being a trace or a list of them.

    `near`: cosine of what is shown and the trace's key, 0 for a key of another context. `age`: pairs studied or tested
    since. `back`: lists back, 0 for the list that is asked for. `first`: whether the pair was the first of its list.
    `fan`: facts that the trace's key has. `count`: traces that the column stands for, 0 where it is not there.
    `alike`: the cosines of the columns' values (tests, columns, columns), None where values are unlike one another.
    """

    near: Array
    age: Array
    back: Array
    first: Array
    fan: Array
    count: Array
    alike: Array | None = None


@dataclass(frozen=True, eq=False)
class Answers:
    """Of each test the chance that a column's value is recalled, the last being none: (sets, tests, columns + 1).

    `yes` (sets, tests, columns) is the chance to take a column's value for the cue's where it is shown for recognition.
    """

    recall: Array
    yes: Array


Answer = Callable[[Theta, Held], Answers]
Seconds = Callable[[Theta, Held], Array]


@dataclass(frozen=True)
class PairModel:
    """A model of recall by a cue: `answers` gives the chances for parameters of shape (sets, 1, 1) by name.

    `latency`, where the model says how long answers take, gives the seconds of each column's: (sets, tests, columns).
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    answers: Answer
    latency: Seconds | None = None
    kind: Kind = "step"
    needs: frozenset[str] = frozenset({"list", "cue", "item", "target", "time"})

    def chances(self, theta: Array, held: Held) -> Answers:
        """Return the answers for `theta` (sets, parameters), a few sets at a time."""
        parts = []
        for start in range(0, len(theta), SETS_AT_ONCE):
            own = theta[start : start + SETS_AT_ONCE]
            parts.append(self.answers(self.named(own), held))
        return Answers(*(np.concatenate(each) for each in zip(*((p.recall, p.yes) for p in parts), strict=True)))

    def named(self, theta: Array) -> Theta:
        """Return theta (sets, parameters) by name, each (sets, 1, 1)."""
        return {each.name: theta[:, k, None, None] for k, each in enumerate(self.parameters)}

    def subject(self, **theta: Any) -> PairSubject:
        """Return somebody who answers by this model; each parameter is one number, or an array of draws."""
        known = [parameter.name for parameter in self.parameters]
        if set(theta) != set(known):
            raise UserError(f"{self.name} needs the parameters {sorted(known)}; got {sorted(theta)}.")
        return PairSubject(self, {name: theta[name] for name in known})


# ---- designs as what is held ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Asked:
    """Tests of one list that have seen the same pairs: their rows, what they hold, and the values of each column."""

    tests: Ints
    held: Held
    values: tuple[Ints, ...]


def asked(design: Design) -> tuple[Asked, ...]:
    """Return what the tests of each list hold; of earlier lists of the participant each is one column."""
    studies, tests = design.studies, design.tests
    clock = _clock(design.trials)
    earlier: dict[str, list[Stream]] = {}
    found = []
    for stream in streams(design):
        who = str(tests.get("participant", "all")[stream.tests[0]])
        number = tests["list"][stream.tests[0]]
        before = earlier.setdefault(who, [])
        before[:] = [each for each in before if studies["list"][each.studies[0]] != number]
        found.append(_asked(design, stream, before, clock))
        before.append(stream)
    return tuple(found)


def _clock(trials: Trials) -> tuple[Array, Array]:
    """Return the time of study rows and of tests, in pairs of a list: its seconds over those that a pair takes."""
    studied = trials["phase"] == "study"
    gaps = np.diff(trials["time"][studied].astype(np.float64))[np.diff(trials["list"][studied]) == 0]
    gaps = gaps[gaps > 0]
    clock = trials["time"].astype(np.float64) / (np.median(gaps) if len(gaps) else 1.0)
    return clock[studied], clock[~studied]


def _asked(design: Design, stream: Stream, before: Sequence[Stream], clock: tuple[Array, Array]) -> Asked:
    studies, tests = design.studies, design.tests
    own, rows, n, columns = stream.studies, stream.tests, len(stream.tests), len(stream.studies) + len(before)
    refuse_strange_keys(design, stream)
    shape = n, columns
    near, age, back, first, fan, count = (np.zeros(shape) for _ in range(6))
    k = len(own)
    near[:, :k] = _near(design, rows, own)
    context = studies.get("context", 1)[own][None] == tests.get("context", 1)[rows][:, None]
    near[:, :k] *= context
    keys = np.unique(np.stack([studies["cue"][own], studies.get("context", 1)[own]]), axis=1, return_inverse=True)[1]
    fan[:], fan[:, :k] = 1.0, np.bincount(np.ravel(keys))[np.ravel(keys)]
    first[:, :k] = own == own.min()
    count[:, :k] = 1.0
    age[:, :k] = clock[1][rows, None] - clock[0][own]
    for j, each in enumerate(before, k):
        back[:, j], count[:, j] = len(before) - (j - k), len(each.studies)
        age[:, j] = clock[1][rows] - clock[0][each.studies].mean()
    values = (*(studies["target"][row : row + 1] for row in own), *(studies["target"][each.studies] for each in before))
    held = Held(near, np.maximum(age, 0.0), back, first, fan, count, _alike(design, values, k, n))
    return Asked(rows, held, values)


def _near(design: Design, rows: Ints, own: Ints) -> Array:
    """Return the cosine of what each test shows and each studied key; of words 1 for the same one, else 0."""
    tests, keys, vectors = design.tests, design.studies["cue"][own], vectors_of(design)
    if vectors is None:
        return np.asarray(tests["cue"][rows][:, None] == keys, dtype=np.float64)
    shown = np.where(recognitions(design)[rows], tests["cue"][rows], tests["item"][rows])
    return np.asarray(unit(vectors[shown]) @ unit(vectors[keys]).T)


def _alike(design: Design, values: Sequence[Ints], own: int, tests: int) -> Array | None:
    """Return the cosines of a list's own values, 0 with those of other lists; None where values are no vectors."""
    vectors = vectors_of(design)
    if vectors is None:
        return None
    mine = unit(vectors[np.concatenate(values[:own])])
    whole = np.zeros((len(values), len(values)))
    whole[:own, :own] = mine @ mine.T
    np.fill_diagonal(whole, 1.0)
    return np.broadcast_to(whole, (tests, *whole.shape))


# ---- the participant ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class PairSubject:
    """A population that answers by a model of pairs: `theta` holds draws of each parameter, shape (draws,).

    Each participant answers by one draw, taken at random. A forecast spreads a column's chance evenly over its values.
    """

    model: PairModel
    theta: Mapping[str, Array]

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", frozen_draws(self.theta))

    def __reduce__(self) -> tuple[Any, ...]:
        return (PairSubject, (self.model, dict(self.theta)))

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def kind(self) -> Kind:
        return self.model.kind

    @property
    def needs(self) -> frozenset[str]:
        return self.model.needs

    def _sets(self) -> Array:
        draws = max(len(values) for values in self.theta.values())
        named = (np.broadcast_to(self.theta[each.name], draws) for each in self.model.parameters)
        return np.stack(list(named), axis=1)

    def forecast(self, design: Design) -> Array:
        """Return how likely each item is to be the answer, and in the last column none: (tests, items + 1).

        Of recognition tests the first two columns are no and yes.
        """
        chances, theta = np.zeros((len(design.tests), len(design.items) + 1)), self._sets()
        for each in asked(design):
            chances[each.tests] = self._told(design, each, theta)
        return chances

    def _told(self, design: Design, each: Asked, theta: Array) -> Array:
        """Return the forecast of the tests of one list, averaged over the sets of theta: (its tests, items + 1)."""
        told = self.model.chances(theta, each.held)
        recall, yes = told.recall.mean(axis=0), told.yes.mean(axis=0)
        chances = np.zeros((len(each.tests), len(design.items) + 1))
        rows = np.arange(len(each.tests))[:, None]
        for k, values in enumerate(each.values):
            np.add.at(chances, (rows, values[None, :]), recall[:, k, None] / len(values))
        chances[:, -1] = recall[:, -1]
        for place in np.flatnonzero(recognitions(design)[each.tests]):
            shown = design.tests["item"][each.tests[place]]
            own = [k for k, values in enumerate(each.values) if shown in values]
            said = float(np.max(yes[place, own], initial=0.0))
            chances[place] = 0.0
            chances[place, :2] = 1.0 - said, said
        return chances

    def answer(self, design: Design, rng: np.random.Generator) -> Ints:
        """Return the item answered in each test, -1 for none; 1 or 0, yes or no, to recognition tests."""
        theta = self._sets()
        who = np.unique(design.tests.get("participant", "all"), return_inverse=True)[1]
        draw = rng.integers(0, len(theta), int(who.max(initial=0)) + 1)
        answers = np.empty(len(who), dtype=np.int64)
        for each in asked(design):
            own = theta[draw[who[each.tests[0]]]][None]
            answers[each.tests] = answered(self._told(design, each, own), rng)
        return answers

    def seconds(self, design: Design, answers: Ints) -> Array | None:
        """Return how long each answer takes, the mean over the draws: (tests,); NaN for none, None if not told.

        A pair that is not taken for a studied one takes as long as the fastest fact of its cue.
        """
        latency = self.model.latency
        if latency is None:
            return None
        found, tests, shown = np.full(len(answers), np.nan), design.tests, recognitions(design)
        named = self.model.named(self._sets())
        for each in asked(design):
            taken = latency(named, each.held).mean(axis=0)
            for place, row in enumerate(each.tests):
                item = tests["item"][row] if shown[row] else answers[row]
                own = [k for k, values in enumerate(each.values) if item in values]
                if shown[row] and not answers[row]:
                    own = list(np.flatnonzero(each.held.near[place] == each.held.near[place].max()))
                if own:
                    found[row] = taken[place, own].min()
        return found
