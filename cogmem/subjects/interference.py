"""Models of interference as participants: streams become rows for the steps, options become the items answered.

The steps answer by options that mean the same in every stream (no answer, another key's value, a value so many updates
from the one asked for, a value of so many streams back); a participant's answer is an item of the design.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind, Record
from cogmem.errors import UserError
from cogmem.kernels.stepwise import Steps
from cogmem.names import nearest
from cogmem.subjects.parameters import Parameter
from cogmem.subjects.stepwise import StepModel, StepSubject, frozen_draws
from cogmem.subjects.streams import streams
from cogmem.trials import Trials

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

Lag = Literal["pairs", "updates"]
NONE: Final = 0
OTHER_KEY: Final = 1
SAME_KEY: Final = 2
"""Options: no answer; a value of another key; SAME_KEY + k: the value k updates from the one asked for (0: right)."""

SECONDS_TO_ENCODE: Final = 0.5
"""What is left of a pair's time after this is free."""
ROOM: Final = 8  # numbers a trace takes in the state
HEAD: Final = 3


def updates_in(design: Design) -> int:
    """Return the most values that a key is given in a stream."""
    return int(design.studies["update"].max(initial=1))


def _study_rows(trials: Trials) -> NDArray[np.bool_]:
    """Return which rows are tests, or studies of keys that their stream asks for: people track no others."""
    studied = trials["phase"] == "study"
    asked = set(zip(trials["list"][~studied].tolist(), trials["cue"][~studied].tolist(), strict=True))
    keys = zip(trials["list"].tolist(), trials["cue"].tolist(), strict=True)
    return np.asarray(np.array([key in asked for key in keys]) | ~studied, dtype=np.bool_)


def seconds_a_pair(trials: Trials) -> float:
    """Return the median time between two pairs of a stream, 1 where there is no second pair."""
    studies = trials.where(trials["phase"] == "study")
    gaps = np.diff(studies["time"].astype(np.float64))[np.diff(studies["list"]) == 0]
    gaps = gaps[gaps > 0]
    return float(np.median(gaps)) if len(gaps) else 1.0


def encode(trials: Trials, *, lag: Lag, lists: int, same: int) -> tuple[Floats, int]:
    """Return one participant's rows for the steps, and the size of the state.

    Columns: clock (pairs), key (one a stream), stream, update (at tests the one asked for), probe (-1 for recall, else
    the update that a recognition test shows, 0 for a new value), free time (s), streams back that compete, options of
    the same key, whether lags are counted in updates.
    """
    step = seconds_a_pair(trials)
    keys = np.unique(np.stack([trials["list"], trials["cue"]], axis=1), axis=0, return_inverse=True)[1]
    n = len(trials)
    rows = np.zeros((n, 9))
    rows[:, 0], rows[:, 1] = trials["time"] / step, np.ravel(keys)
    rows[:, 2], rows[:, 3] = trials["list"], trials["update"]
    rows[:, 4], rows[:, 5] = _probed(trials), max(0.0, step - SECONDS_TO_ENCODE)
    rows[:, 6], rows[:, 7], rows[:, 8] = lists, same, float(lag == "updates")
    studied = trials["phase"] == "study"
    streams = np.unique(trials["list"][studied], return_counts=True)[1]
    traces = int(studied.sum()) if lists else int(streams.max(initial=0))
    return rows, HEAD + ROOM * traces


def _probed(trials: Trials) -> Floats:
    """Return which update of its key a recognition test shows, 0 for none of them; -1 where it is recall."""
    if "probe" not in trials:
        return np.full(len(trials), -1.0)
    place = {"old": 0, "recent": -1}
    found = [update + place[kind] if kind in place else 0 if kind in ("new", "rearranged") else -1
             for kind, update in zip(trials["probe"], trials["update"], strict=True)]  # fmt: skip
    return np.array(found, dtype=np.float64)


@dataclass(frozen=True)
class InterferenceModel:
    """A model of what competes for a key: `steps` go through streams of updated values (see `encode`).

    `lag` says whether traces age by pairs of the stream or by later values of their own key; `lists` how many streams
    back values compete.
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    steps: Steps
    lag: Lag = "pairs"
    lists: int = 0
    kind: Kind = "step"
    needs: frozenset[str] = frozenset({"list", "cue", "target", "update", "time"})

    def __post_init__(self) -> None:
        if self.lag not in ("pairs", "updates"):
            raise UserError(f"lag is counted in pairs or updates; {nearest(str(self.lag), ['pairs', 'updates'])}")
        if self.lists < 0:
            raise UserError(f"lists are the streams back whose values compete, 0 or more; got {self.lists}.")

    def sized(self, design: Design) -> StepModel:
        """Return the step model with an option for each value that a key of `design` may have."""
        same = updates_in(design)
        n_options = SAME_KEY + same + self.lists
        rows = partial(encode, lag=self.lag, lists=self.lists, same=same)
        return StepModel(
            self.name, self.version, self.reference, self.formula, self.parameters, self.needs, n_options, rows,
            self.steps, self.kind,
        )  # fmt: skip

    def subject(self, *, backend: str = "auto", **theta: Any) -> InterferenceSubject:
        """Return somebody who answers by this model; each parameter is one number, or an array of draws."""
        model = replace(self, lag=theta.pop("lag", self.lag), lists=int(theta.pop("lists", self.lists)))
        known = [parameter.name for parameter in self.parameters]
        if set(theta) != set(known):
            raise UserError(f"{self.name} needs the parameters {sorted(known)}; got {sorted(theta)}.")
        return InterferenceSubject(model, {name: theta[name] for name in known}, backend)


def recognises(design: Design) -> bool:
    """Return whether tests show a value and ask whether it is the key's; UserError where only some of them do."""
    shown = design.tests["probe"] != "" if "probe" in design.tests else np.zeros(1, dtype=bool)
    if shown.any() and not shown.all():
        raise UserError(
            "A model of interference takes tests of recall or of recognition; this design mixes them. Make it with one."
        )
    return bool(shown.all())


def option_of(design: Design, answers: Ints, *, lists: int = 0) -> Ints:
    """Return the option that each answer is: (tests,); what a model cannot say (a value never shown) is no answer.

    Recognition tests keep their answers, 0 and 1. Where several options hold the value, the nearest one counts.
    """
    if recognises(design):
        return np.asarray(answers, dtype=np.int64)
    found = np.full(len(answers), NONE, np.int64)
    for row, options in enumerate(option_items(design, lists=lists)):
        for option, items in options.items():
            if answers[row] in items and (found[row] == NONE or option >= SAME_KEY > found[row]):
                found[row] = option
    return found


def option_items(design: Design, *, lists: int = 0) -> list[dict[int, Ints]]:
    """Return for each test the items behind each option that it has (none left out)."""
    tests, studies, same = design.tests, design.studies, updates_in(design)
    who = [name for name in ("participant", "list") if name in tests]
    whole = {tuple(key.values()): rows for key, rows in studies.groups(who)} if lists else {}
    found: list[dict[int, Ints]] = [{} for _ in range(len(tests))]
    for stream in streams(design):
        values, cues, updates = (studies[name][stream.studies] for name in ("target", "cue", "update"))
        for row in stream.tests:
            *person, number = (tests[name][row] for name in who)
            if not len(values):
                raise UserError(
                    f"Test {row + 1} of the design, in list {number}, has no study rows before it; add them."
                )
            mine = cues == tests["cue"][row]
            apart = np.abs(updates[mine] - tests["update"][row])
            options = {OTHER_KEY: values[~mine]} if (~mine).any() else {}
            options |= {SAME_KEY + int(lag): values[mine][apart == lag] for lag in np.unique(apart)}
            for back in range(1, lists + 1):
                earlier = whole.get((*person, number - back))
                if earlier is not None:
                    options[SAME_KEY + same + back - 1] = studies["target"][earlier]
            found[row] = options
    return found


@dataclass(frozen=True, eq=False)
class InterferenceSubject:
    """A population that answers by a model of interference: `theta` holds draws of each parameter, shape (draws,).

    Each participant answers by one draw, taken at random. A forecast spreads an option's chance evenly over its items.
    """

    model: InterferenceModel
    theta: Mapping[str, Floats]
    backend: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "theta", frozen_draws(self.theta))

    def __reduce__(self) -> tuple[Any, ...]:
        return (InterferenceSubject, (self.model, dict(self.theta), self.backend))

    @property
    def name(self) -> str:
        return self.model.name

    @property
    def kind(self) -> Kind:
        return self.model.kind

    @property
    def needs(self) -> frozenset[str]:
        return self.model.needs

    def _steps(self, design: Design) -> StepSubject:
        # Answers change nothing, so that one simulation holds the exact chances of one draw.
        draws = max(len(values) for values in self.theta.values())
        return StepSubject(self.model.sized(design), self.theta, self.backend, 1 if draws == 1 else 200)

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return the item answered in each test, −1 for none; 1 or 0, yes or no, to recognition tests."""
        followed = tracked(design)
        chosen = self._steps(followed).answer(followed, rng)
        if recognises(design):
            return chosen
        table = option_items(design, lists=self.model.lists)
        picked = [rng.choice(table[row][option]) if option != NONE else -1 for row, option in enumerate(chosen)]
        return np.array(picked, dtype=np.int64)

    def forecast(self, design: Design) -> Floats:
        """Return how likely each item is to be the answer, and in the last column none: (tests, items + 1).

        Of recognition tests: how likely no and yes are, (tests, 2).
        """
        followed = tracked(design)
        p = self._steps(followed).forecast(followed)
        if recognises(design):
            return np.asarray(p[:, :2])
        chances = np.zeros((len(p), len(design.items) + 1))
        for row, options in enumerate(option_items(design, lists=self.model.lists)):
            for option, items in options.items():
                np.add.at(chances[row], items, p[row, option] / len(items))
        chances[:, -1] = 1.0 - chances[:, :-1].sum(axis=1)
        return chances

    def log_likelihood(self, record: Record) -> Floats:
        """Return the log probability of each answer of `record`, averaged over draws as odds are: (tests,)."""
        design = tracked(record.design)
        options = option_of(design, np.asarray(record.answers), lists=self.model.lists)
        coded = Record(design, record.subject, options, record.seconds, record.source)
        return self._steps(design).log_likelihood(coded)


def tracked(design: Design) -> Design:
    """Return the design without the pairs of keys that people are told not to track; time goes on as it did."""
    if not design.settings.get("n_untracked"):
        return design
    names = [name for name in ("participant",) if name in design.trials]
    kept = np.zeros(len(design.trials), dtype=bool)
    for _, rows in design.trials.groups(names) if names else [({}, np.arange(len(design.trials)))]:
        kept[rows] = _study_rows(design.trials.where(rows))
    return design if kept.all() else replace(design, trials=design.trials.where(kept))
