"""Old or new without ratings: rare and frequent words shown again and again, and short lists probed by lag.

Everybody's answers of each condition are parted at random into two halves; a model is fitted to one and scored on the
other, both ways round. What all people did on average is linked to each of them.

The population is fitted as elsewhere, of points that all people share. Somebody with thousands of answers is told by
one or two of these points (4096 left scores unsure by 10 nats), so people's own parameters are drawn again, each by
importance sampling with the population as the prior: the scores are then the same to a few nats whatever the seed.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.fitting.fits import Method
from cogmem.fitting.populations import PopulationFit, Predict
from cogmem.fitting.ratings import RatingFit, log_counts
from cogmem.fitting.step_fits import StepDensity, fit_steps
from cogmem.fitting.together import somebody_of
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import LINK, Halves, counted, parameters_of, parted, people_curves
from cogmem.jobs.outcomes import Outcome
from cogmem.jobs.ranking import behind_best, ranked
from cogmem.lineups import LineUp
from cogmem.models.recognition_lists import FREQUENT, LAG, LIST_MODELS, PRESENTED, SET_SIZE, WORD_MODELS, ListModel
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials

Array = NDArray[np.float64]
Task = tuple[dict[str, Any], Callable[[], Outcome]]

VERSION: Final = 2
SPLIT: Final = 2012
"""Seed of the halves: the same answers are held out from everybody's models."""
MAIN: Final = "called_old"
PEOPLE: Final = "people"


@dataclass(frozen=True, eq=False)
class Lists:
    """A data set: who models it, and its conditions, told by columns of its rows, (conditions,) each.

    `axes` are curves by name: where each condition is on x, NaN where the curve does not show it.
    """

    data: str
    models: tuple[ListModel, ...]
    columns: Mapping[str, NDArray[np.int64]]
    axes: Mapping[str, Array]

    def condition(self, rows: Trials) -> NDArray[np.int64]:
        """Return the number of each row's condition: (rows,)."""
        alike = [rows[name][:, None] == values for name, values in self.columns.items()]
        return np.asarray(np.all(alike, axis=0).argmax(axis=1), dtype=np.int64)

    @property
    def size(self) -> int:
        return len(next(iter(self.columns.values())))


def _shown(places: NDArray[np.int64], where: NDArray[np.bool_]) -> Array:
    return np.where(where, places.astype(np.float64), np.nan)


WORDS: Final = Lists(
    "reder_2000", WORD_MODELS, {"frequent": FREQUENT, "repetitions": PRESENTED},
    {"rare_words": _shown(PRESENTED, FREQUENT == 0), "frequent_words": _shown(PRESENTED, FREQUENT == 1)},
)  # fmt: skip
SHORT_LISTS: Final = Lists(
    "donkin_nosofsky_2012", LIST_MODELS, {"set_size": SET_SIZE, "lag": LAG},
    {"hits_by_lag": _shown(LAG, LAG > 0), "false_alarms": _shown(SET_SIZE, LAG == 0)},
)  # fmt: skip
DATA: Final = {each.data: each for each in (WORDS, SHORT_LISTS)}


@cache
def halves(data: str) -> Halves:
    """Return everybody's answers, called old and called new, in two halves drawn at random in each condition."""
    rows, lists = load(data).rows, DATA[data]
    answers = rows.with_columns({"new": rows["n"] - rows["correct"]})
    people, counts = counted(answers, lists.condition(rows), lists.size, {"old": ("correct",), "new": ("new",)})
    return parted(people, counts, seed=SPLIT)


def people(data: str) -> Curve:
    """Return people's share called old, a row a person and condition; x counts the conditions from 1."""
    human = load(data)
    x = 1.0 + DATA[data].condition(human.rows)
    numbered = replace(human, rows=human.rows.with_columns({"x": x}))
    return people_curves(numbered, {MAIN: ("correct",)})[MAIN]


def curves_of(data: str, name: str, called_old: Array, source: Source) -> dict[str, Curve]:
    """Return the curves of chances or shares called old, (people, conditions): one by condition, and those of `axes`.

    By condition it is the mean over all tests; on an axis the mean over people, each of whom counts once.
    """
    halved = halves(data)
    n = (halved.first + halved.second).sum(axis=-1)
    whole, x = n.sum(axis=0), 1.0 + np.arange(called_old.shape[1])
    y = (n * called_old).sum(axis=0) / whole
    found = {MAIN: Curve(MAIN, name, Trials({"x": x, "y": y, "n": whole, "sd": np.zeros(len(x))}), source)}
    for curve, places in DATA[data].axes.items():
        x = np.unique(places[np.isfinite(places)])
        at = (places[:, None] == x).astype(np.float64)
        own = (n * called_old) @ at / (n @ at)
        rows = {"x": x, "y": own.mean(axis=0), "n": np.full(len(x), float(len(own))), "sd": own.std(axis=0)}
        found[curve] = Curve(curve, name, Trials(rows), source)
    return found


def people_shares(data: str) -> dict[str, Curve]:
    """Return people's own curves, as `curves_of` makes a model's."""
    halved = halves(data)
    counts = halved.first + halved.second
    return curves_of(data, PEOPLE, counts[..., 0] / counts.sum(axis=-1), Source(who=PEOPLE, kind="human"))


def own_fit(people: tuple[str, ...], population: PopulationFit, predict: Predict, *, seed: int) -> RatingFit:
    """Return everybody's own parameters given the answers that `population` was fitted to, with it as the prior.

    Somebody with thousands of answers is told by few of the points that a population shares: their own are drawn anew.
    """
    middle = population.mu.mean(axis=0)
    spread = np.sqrt((population.sigma**2).mean(axis=0) + population.mu.var(axis=0))
    counts = population.counts
    density = StepDensity(population.parameters, people, lambda theta: log_counts(counts, predict(theta)))
    own = somebody_of(density, middle, spread)
    return RatingFit(fit_steps(own, name="own", method=Method("laplace"), seed=seed), predict, counts, 1)


def fitted(
    halved: Halves, parameters: tuple[Parameter, ...], rules: tuple[Predict, Predict], *, seed: int
) -> tuple[Array, Array, Trials]:
    """Return people's scores (people,), mean predictions (people, conditions, kinds) and the populations' parameters.

    A score is the log density of the half that was not fitted, both halves together.
    """
    _, fits = halved.score(parameters, rules, seed=seed)
    own = [own_fit(halved.people, each, rule, seed=seed) for each, rule in zip(fits, rules, strict=True)]
    logs = own[0].held_out(halved.second) + own[1].held_out(halved.first)
    return logs, np.mean([each.predicted() for each in own], axis=0), parameters_of(fits)


def model_outcome(data: str, name: str, seed: int) -> Outcome:
    """Return what comes of a model fitted to one half of everybody's answers and scored on the other."""
    model = {each.name: each for each in DATA[data].models}[name]
    logs, chances, told = fitted(halves(data), model.parameters, (model.chances, model.chances), seed=seed)
    return Outcome(name, "step", logs, curves_of(data, name, chances[..., 0], Source(who=name, kind="step")), told)


def people_outcome(data: str, seed: int) -> Outcome:
    """Return how well people predict people: what all of them did in the fitted half, linked to each."""
    logs, _, told = fitted(halves(data), LINK, halves(data).others(), seed=seed)
    return Outcome(PEOPLE, "human", logs, {}, told)


def tasks(seed: int) -> list[Task]:
    """Return what is to be computed, data set by data set: every model, then people."""
    found: list[Task] = []
    for data, lists in DATA.items():
        common = {"job": "recognition_lists", "version": VERSION, "seed": seed, "part": data,
                  "people": load(data).rows}  # fmt: skip
        for model in lists.models:
            spec = {**common, "subject": model.name, "model_version": model.version}
            found.append((spec, partial(model_outcome, data, model.name, seed)))
        found.append(({**common, "subject": PEOPLE}, partial(people_outcome, data, seed)))
    return found


NOTES: Final = (
    "Models are fitted to one half of each person's answers, drawn at random in each condition, and scored on the "
    "other, and back.",
    "people: what all people did on average in the fitted half, linked to each.",
    "Standard errors are over people; a test is one answer of old or new.",
)


def by_data(outcomes: Sequence[Outcome]) -> dict[str, tuple[Outcome, ...]]:
    """Return the outcomes of all `tasks`, in their order, by data set; people's is the last of each.

    UserError where they are not those of the tasks.
    """
    names = {data: [*(model.name for model in lists.models), PEOPLE] for data, lists in DATA.items()}
    if [each.name for each in outcomes] != [name for known in names.values() for name in known]:
        raise UserError("Outcomes of recognition in lists are wanted as tasks() has them, all and in order.")
    left = iter(outcomes)
    return {data: tuple(next(left) for _ in known) for data, known in names.items()}


def line_ups(outcomes: Sequence[Outcome]) -> dict[str, LineUp]:
    """Return people and their models by data set, ranked by score; `outcomes` are of all `tasks`, in their order."""
    found = {}
    for data, (*models, others) in by_data(outcomes).items():
        halved = halves(data)
        found[data] = ranked(
            "superposition", people(data), "participant", models, others.scores, halved.mean_and_se,
            float(halved.answers.sum()), NOTES,
        )  # fmt: skip
    return found


def behind(outcomes: Sequence[Outcome]) -> dict[str, Trials]:
    """Return how far behind the best models and people are, by data set (see `ranking.behind_best`)."""
    return {data: behind_best(each, halves(data).mean_and_se) for data, each in by_data(outcomes).items()}


def curves(outcomes: Sequence[Outcome]) -> dict[str, tuple[Curve, ...]]:
    """Return the curves of all axes, people's first, then those of their models; `outcomes` as for `line_ups`."""
    found: dict[str, tuple[Curve, ...]] = {}
    for data, (*models, _) in by_data(outcomes).items():
        own = people_shares(data)
        found |= {axis: (own[axis], *(each.curves[axis] for each in models)) for axis in DATA[data].axes}
    return found
