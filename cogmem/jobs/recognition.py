"""Recognition ratings: what models of recognition say of people's answers, rating by rating.

Everybody's answers to old and to new items are parted at random into two halves; a model is fitted to one and scored on
the other, both ways round. The main data are 150,420 ratings of 459 people (roc6_2015); any table with a column for
each rating will do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind, Record, Source
from cogmem.errors import UserError
from cogmem.fitting.fits import Method
from cogmem.fitting.loo import Elpd
from cogmem.fitting.ratings import FAST, RatingFit, fit_ratings, left_out
from cogmem.jobs.kind_counts import Halves, by_half, counted, parted
from cogmem.jobs.outcomes import Outcome
from cogmem.jobs.ranking import told_of_draws
from cogmem.models.recognition import RATING_MODELS, RatingModel, unequal_variance, with_ratings
from cogmem.models.recognition_others import by_others, concentration, own_log_density, pooled
from cogmem.paradigms.superposition_measures import z_slope
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

DATA: Final = "roc6_2015"
GROUPS: Final = ("experiment", "condition")
"""Columns that say whom a person is like: those of the first that a table has."""
SPLIT: Final = 2015
"""Seed of the halves: the same answers are held out from everybody's models."""
WHOLE: Final = Method("laplace", chains=1, draws=2000, effective_draws=2000.0)
"""Of the fit to all answers, by importance sampling."""
NUTS: Final = Method("nuts", chains=4, tune=500, draws=1000, target_accept=0.8)
"""The same posterior by chains, ten times as slow: long enough that r-hat can tell 1.01 from more."""
MODELS: Final = {model.name: model for model in RATING_MODELS}
OTHERS: Final = "people"
OWN: Final = "own_answers"
SHARES: Final = "rating_share"
SLOPE: Final = "z_slope"
"""A curve of the unequal-variance model fitted to all answers alone."""


@dataclass(frozen=True, eq=False)
class Ratings:
    """Everybody's ratings: `counts` (people, 2, ratings) of new and of old items, `group` (people,) of the like."""

    name: str
    people: tuple[str, ...]
    group: NDArray[np.str_]
    counts: Array

    def __post_init__(self) -> None:
        self.counts.setflags(write=False)

    @property
    def n_ratings(self) -> int:
        """The steps of the scale."""
        return int(self.counts.shape[-1])

    def halves(self) -> Halves:
        """Return everybody's answers in two halves drawn at random, of old and of new items apart."""
        return parted(self.people, self.counts, seed=SPLIT)

    def both(self) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
        """Return (fitted, held out) both ways round."""
        halves = self.halves()
        return (halves.first, halves.second), (halves.second, halves.first)

    def model(self, name: str) -> RatingModel:
        """Return the model of that name for this scale."""
        return with_ratings(MODELS[name], self.n_ratings)


def ratings_of(human: Curve | Record) -> Ratings:
    """Return the ratings of a table with columns rating_1 (surely new), rating_2, ...; UserError without them."""
    rows = human.rows if isinstance(human, Curve) else Trials({})
    n = 0
    while f"rating_{n + 1}" in rows:
        n += 1
    if n < 3 or not {"participant", "repetitions"} <= set(rows):
        raise UserError(
            "Models of ratings need counts of three or more ratings (rating_1, surely new, to surely old), participant "
            f"and repetitions (0: new); {human.subject} has {', '.join(rows) or 'none of these'}. "
            "Take one of roc6_2015, kantner_lindsay_2010, kantner_lindsay_2014, sadeghi_2017."
        )
    columns = {f"rating_{k}": (f"rating_{k}",) for k in range(1, n + 1)}
    people, counts = counted(rows, (rows["repetitions"] > 0).astype(np.int64), 2, columns)
    if not (counts.sum(axis=-1) >= 2).all():
        few = people[int(np.argmin(counts.sum(axis=-1).min(axis=1)))]
        raise UserError(
            f"Everybody needs two or more ratings of new and of old items; {few} of {human.subject} has not."
        )
    first = np.unique(rows["participant"], return_index=True)[1]
    group = next((rows[name] for name in GROUPS if name in rows), np.full(len(rows), "all"))
    return Ratings(human.subject, people, group[first].astype(np.str_), counts)


def parameters_of(fits: Sequence[RatingFit]) -> Trials:
    """Return the typical person's parameters as each fit tells them, and everybody's fewest effective draws."""
    done = [each.done for each in fits]
    return by_half([each.typical() for each in done], {"ess": [each.diagnostics["ess_min"] for each in done]})


def roc(name: str, chances: Array, source: Source) -> Curve:
    """Return people's mean hits and false alarms, chances (people, 2, ratings), strictest criterion first."""
    above = chances[..., ::-1].cumsum(axis=-1)[..., :-1]
    (x, y), n = above.mean(axis=0), above.shape[-1]
    rows = {"x": x, "y": y, "n": np.full(n, float(len(chances))), "sd": above[:, 1].std(axis=0)}
    return Curve("roc", name, Trials(rows | {"criterion": np.arange(1.0, n + 1)}), source)


def people_roc(ratings: Ratings, source: Source) -> Curve:
    """Return people's own mean hits and false alarms at each criterion."""
    return roc(ratings.name, ratings.counts / ratings.counts.sum(axis=-1, keepdims=True), source)


def people_shares(ratings: Ratings, source: Source) -> Curve:
    """Return everybody's share of each rating: x is 1, 2, ... for new items, and goes on for old ones; a row each."""
    n = ratings.counts.sum(axis=-1, keepdims=True)
    y, weight = (np.broadcast_to(each, ratings.counts.shape).reshape(-1) for each in (ratings.counts / n, n))
    x = np.tile(np.arange(1.0, 2 * ratings.n_ratings + 1), len(ratings.people))
    who = np.repeat(np.array(ratings.people), 2 * ratings.n_ratings)
    rows = {"x": x, "y": y, "n": weight, "sd": np.sqrt(y * (1 - y)), "participant": who}
    return Curve(SHARES, ratings.name, Trials(rows), source)


def _told(name: str, kind: Kind, ratings: Ratings, chances: Array) -> dict[str, Curve]:
    """Return the curves of what people are predicted to do: chances (people, 2, ratings)."""
    source = Source(who=name, kind=kind)
    n = ratings.counts.sum(axis=-1, keepdims=True)
    y = ((chances * n).sum(axis=0) / n.sum(axis=0)).ravel()
    rows = {"x": np.arange(1.0, len(y) + 1), "y": y, "n": np.full(len(y), float(len(chances))), "sd": np.zeros(len(y))}
    return {"roc": roc(name, chances, source), SHARES: Curve(SHARES, name, Trials(rows), source)}


def model_outcome(ratings: Ratings, name: str, seed: int) -> Outcome:
    """Return what comes of a model fitted to one half of everybody's answers and scored on the other."""
    model = ratings.model(name)
    return _halved(ratings, name, "step", [model, model], seed)


def others_outcome(ratings: Ratings, seed: int) -> Outcome:
    """Return how well the others of the same group tell a person's ratings: their z-ROC, own strength and criteria."""
    models = [by_others(fitted, ratings.group) for fitted, _ in ratings.both()]
    return _halved(ratings, OTHERS, "human", models, seed)


def _halved(ratings: Ratings, name: str, kind: Kind, models: Sequence[RatingModel], seed: int) -> Outcome:
    both = ratings.both()
    fits = [fit_ratings(model, fitted, ratings.people, method=FAST, seed=seed)
            for model, (fitted, _) in zip(models, both, strict=True)]  # fmt: skip
    logs = np.sum([fit.held_out(left) for fit, (_, left) in zip(fits, both, strict=True)], axis=0)
    mean = np.mean([fit.predicted() for fit in fits], axis=0)
    return Outcome(name, kind, logs, _told(name, kind, ratings, mean), parameters_of(fits))


def own_outcome(ratings: Ratings) -> Outcome:
    """Return how well a person's own answers of one half tell the other, drawn towards those of the group.

    No model: shares of ratings are Dirichlet around the group's, as concentrated as all answers of the half make
    likeliest.
    """
    logs, shares, found = [], [], []
    for fitted, left in ratings.both():
        middle = pooled(fitted, ratings.group)
        strength = concentration(fitted, middle)
        about = fitted + strength * middle
        logs.append(own_log_density(left, about))
        shares.append(about / about.sum(axis=-1, keepdims=True))
        found.append(strength)
    table = Trials({"parameter": np.full(2, "concentration"), "mean": np.array(found),
                    "fitted_to_half": np.array([1, 2])})  # fmt: skip
    return Outcome(OWN, "human", np.sum(logs, axis=0), _told(OWN, "human", ratings, np.mean(shares, axis=0)), table)


def whole_fit(ratings: Ratings, name: str, *, seed: int, method: Method = WHOLE) -> RatingFit:
    """Return a model, its population and everybody in it, fitted to all answers of all people."""
    return fit_ratings(ratings.model(name), ratings.counts, ratings.people, method=method, seed=seed)


def whole_outcome(ratings: Ratings, name: str, seed: int, *, done: RatingFit | None = None) -> Outcome:
    """Return the fit to all answers: `scores` are log densities of each person, left out in turn (PSIS).

    Of the unequal-variance model also the curve `z_slope`, see `z_slopes`.
    """
    fit = done or whole_fit(ratings, name, seed=seed)
    score: Elpd = left_out(fit)
    table = fit.done.typical()
    more = told_of_draws(fit.done.diagnostics, score) | {"sampled_seconds": fit.done.seconds}
    table = table.with_columns({key: np.full(len(table), value) for key, value in more.items()})
    curves = _told(name, "step", ratings, fit.predicted())
    if name == unequal_variance.name:
        curves[SLOPE] = Curve(SLOPE, name, z_slopes(fit, ratings), curves["roc"].source)
    return Outcome(name, "step", score.pointwise, curves, table)


def z_slopes(fit: RatingFit, ratings: Ratings) -> Trials:
    """Return the mean slope of people's z-ROCs, of all and of each group, by two methods, with 95 % intervals.

    Columns x (0: all, 1, 2, ... the groups), group, method, y, lower, upper, n (people), sd (over people). `fit` is of
    the unequal-variance model, whose slope is 1 / sigma: the posterior of the mean over these people. The other method
    is least squares of z(hit) on z(false alarm) over the criteria, left out where false alarms are as many at all
    criteria (people who use the two surest ratings alone); its interval is that of a mean of independent people.
    """
    draws = 1.0 / fit.done.theta[..., [each.name for each in fit.done.parameters].index("sigma")]
    line = np.array([z_slope(old, new)[0] for new, old in fit.counts])
    rows = []
    groups = np.unique(ratings.group)
    for x, group in enumerate(("all", *groups) if len(groups) > 1 else ("all",)):
        chosen = np.ones(len(line), dtype=bool) if x == 0 else ratings.group == group
        own, told = draws[:, chosen], line[chosen & np.isfinite(line)]
        low, high = np.quantile(own.mean(axis=1), [0.025, 0.975])
        common = {"x": float(x), "group": str(group)}
        rows.append({**common, "method": "fit", "y": own.mean(), "lower": low, "upper": high, "n": float(own.shape[1]),
                     "sd": own.mean(axis=0).std()})  # fmt: skip
        if len(told) > 1:
            half = 1.96 * told.std(ddof=1) / np.sqrt(len(told))
            rows.append({**common, "method": "line", "y": told.mean(), "lower": told.mean() - half,
                         "upper": told.mean() + half, "n": float(len(told)), "sd": told.std(ddof=1)})  # fmt: skip
    return from_rows(rows)
