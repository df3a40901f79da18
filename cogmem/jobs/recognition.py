"""Recognition ratings (459 people of 12 data sets): what models of recognition say of 150,420 answers.

Everybody's answers to old and to new items are parted at random into two halves; a model is fitted to one and scored on
the other, both ways round. What other people answered is linked to each person; as their criteria differ, that is no
ceiling.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind, Source
from cogmem.fitting.fits import Method, convergence
from cogmem.fitting.ratings import FAST, RatingFit, fit_ratings, left_out, log_counts
from cogmem.fitting.step_fits import StepDensity, fit_steps
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import LINK, Halves, counted, linked
from cogmem.jobs.outcomes import Outcome
from cogmem.models.recognition import RATING_MODELS, RATINGS, unequal_variance
from cogmem.paradigms.superposition_measures import z_slope
from cogmem.trials import Trials

Array = NDArray[np.float64]

DATA: Final = "roc6_2015"
COLUMNS: Final = {f"rating_{k}": (f"rating_{k}",) for k in range(1, RATINGS + 1)}
SPLIT: Final = 2015
"""Seed of the halves: the same answers are held out from everybody's models."""
NUTS: Final = Method("nuts", chains=4, tune=500, draws=1000, target_accept=0.8)
"""Of the fit to all answers: long enough that r-hat can tell 1.01 from more."""
MODELS: Final = {model.name: model for model in RATING_MODELS}


@dataclass(frozen=True, eq=False)
class Ratings:
    """Everybody's ratings: `counts` (people, 2, 6) of new and of old items, `experiment` (people,)."""

    people: tuple[str, ...]
    experiment: NDArray[np.str_]
    counts: Array


@cache
def ratings() -> Ratings:
    """Return everybody's ratings, from sure new to sure old."""
    rows = load(DATA).rows
    people, found = counted(rows, rows["repetitions"].astype(np.int64), 2, COLUMNS)
    first = np.unique(rows["participant"], return_index=True)[1]
    found.setflags(write=False)
    return Ratings(people, rows["experiment"][first].astype(np.str_), found)


def counts() -> Array:
    """Return how often each person gave each rating to new and to old items: (459, 2, 6)."""
    return ratings().counts


@cache
def halves() -> Halves:
    """Return everybody's answers in two halves drawn at random, of old and of new items apart.

    Half of an item's kind are drawn without replacement (hypergeometric); an odd one is in the second half.
    """
    rng = np.random.default_rng(SPLIT)
    whole = counts().astype(np.int64)
    drawn = [[rng.multivariate_hypergeometric(kind, kind.sum() // 2) for kind in person] for person in whole]
    first = np.array(drawn, dtype=np.float64)
    return Halves(ratings().people, first, counts() - first)


def both(halved: Halves) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Return (fitted, held out) both ways round."""
    return (halved.first, halved.second), (halved.second, halved.first)


def others(answers: Array, *, same_experiment: bool) -> Array:
    """Return the shares of other people's ratings, of all or of the same experiment's: (people, 2, ratings).

    Each person's own answers are left out of what they are predicted by.
    """
    experiment = ratings().experiment
    shared = experiment[:, None] == experiment if same_experiment else np.ones((len(experiment),) * 2, dtype=bool)
    totals = np.einsum("ij,jck->ick", (shared & ~np.eye(len(shared), dtype=bool)).astype(np.float64), answers)
    return np.asarray(totals / totals.sum(axis=-1, keepdims=True))


def linked_fit(forecast: Array, answers: Array, *, method: Method = FAST, seed: int) -> RatingFit:
    """Return the linking rule between everybody's forecasts (people, 2, ratings) and answers: p^(1 / t), a lapse."""
    chances = linked(forecast)
    density = StepDensity(LINK, ratings().people, lambda theta: log_counts(answers, chances(theta)))
    return RatingFit(fit_steps(density, name="link", method=method, seed=seed), chances, answers, method.chains)


def scored(fits: Sequence[RatingFit]) -> Array:
    """Return each person's log density in the half that was not fitted, both halves together: (people,), in nats."""
    return np.asarray(sum(fit.held_out(left) for fit, (_, left) in zip(fits, both(halves()), strict=True)))


def parameters_of(fits: Sequence[RatingFit]) -> Trials:
    """Return the typical person's parameters as each fit tells them, and how the chains did.

    `rhat` is the largest of all people's: the linking rule tells some people's answers by a lapse or by a high
    temperature, and a chain seldom changes. `rhat_population` is that of the population's middle and spread.
    """
    parts = []
    for half, each in enumerate(fits, 1):
        table, found = each.done.typical(), each.done.diagnostics
        more = {"fitted_to_half": half, "rhat": found["rhat_max"], "divergences": found["divergences"],
                "rhat_population": convergence(each.done.population)[0]}  # fmt: skip
        parts.append(table.with_columns({name: np.full(len(table), value) for name, value in more.items()}))
    return Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def roc(name: str, chances: Array, source: Source) -> dict[str, Curve]:
    """Return the mean over people (chances (people, 2, 6)) of hits and false alarms, strictest criterion first."""
    above = chances[..., ::-1].cumsum(axis=-1)[..., :-1]
    (x, y), n = above.mean(axis=0), RATINGS - 1
    rows = {"x": x, "y": y, "n": np.full(n, float(len(chances))), "sd": above[:, 1].std(axis=0)}
    return {"roc": Curve("roc", name, Trials(rows | {"criterion": np.arange(1.0, n + 1)}), source)}


def people() -> dict[str, Curve]:
    """Return people's own mean hits and false alarms at each criterion."""
    shares = counts() / counts().sum(axis=-1, keepdims=True)
    return roc("people", shares, Source(who="people", kind="human"))


def model_outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a model fitted to one half of everybody's answers and scored on the other."""
    fits = [fit_ratings(MODELS[name], fitted, ratings().people, method=FAST, seed=seed) for fitted, _ in both(halves())]
    return _outcome(name, "step", fits)


def people_outcome(seed: int, *, same_experiment: bool) -> Outcome:
    """Return how well other people's answers in the fitted half, linked to each person, tell the other half."""
    fits = [linked_fit(others(fitted, same_experiment=same_experiment), fitted, seed=seed)
            for fitted, _ in both(halves())]  # fmt: skip
    return _outcome("people_of_the_experiment" if same_experiment else "people", "human", fits)


def _outcome(name: str, kind: Kind, fits: Sequence[RatingFit]) -> Outcome:
    mean = np.mean([fit.predicted() for fit in fits], axis=0)
    return Outcome(name, kind, scored(fits), roc(name, mean, Source(who=name, kind=kind)), parameters_of(fits))


def whole_fit(name: str, *, seed: int, method: Method = NUTS) -> RatingFit:
    """Return a model fitted to all answers of all people (NUTS over the population and everybody in it)."""
    return fit_ratings(MODELS[name], counts(), ratings().people, method=method, seed=seed)


def whole_outcome(name: str, seed: int, *, done: RatingFit | None = None) -> Outcome:
    """Return the fit to all answers: `scores` are log densities of each person, left out in turn (PSIS)."""
    fit = done or whole_fit(name, seed=seed)
    score, table, found = left_out(fit), fit.done.typical(), fit.done.diagnostics
    more = {"rhat": found["rhat_max"], "ess": found["ess_min"], "divergences": found["divergences"],
            "pareto_k": float(score.pareto_k.max()), "sampled_seconds": fit.done.seconds}  # fmt: skip
    table = table.with_columns({key: np.full(len(table), value) for key, value in more.items()})
    return Outcome(name, "step", score.pointwise, roc(name, fit.predicted(), Source(who=name, kind="step")), table)


def z_slopes(fit: RatingFit) -> tuple[Trials, Trials]:
    """Return the slope of each person's z-ROC, and the mean over people with its 95 % interval, by two methods.

    `fit` is of the unequal-variance model, whose slope is 1 / sigma: each person's posterior mean, and the posterior of
    the mean over these people. The other method is least squares of z(hit) on z(false alarm) over the criteria, NaN
    where false alarms are as many at all criteria (people who use the two surest ratings alone); its
    interval is that of a mean of independent people.
    """
    draws = 1.0 / fit.done.theta[..., [each.name for each in unequal_variance.parameters].index("sigma")]
    line = np.array([z_slope(old, new)[0] for new, old in fit.counts])
    told = line[np.isfinite(line)]
    se = told.std(ddof=1) / np.sqrt(len(told))
    low, high = np.quantile(draws.mean(axis=1), [0.025, 0.975])
    own = Trials({"participant": np.array(ratings().people), "experiment": ratings().experiment,
                  "by_fit": draws.mean(axis=0), "by_line": line})  # fmt: skip
    mean = Trials({"method": np.array(["fit", "line"]), "mean": np.array([draws.mean(), told.mean()]),
                   "lower": np.array([low, told.mean() - 1.96 * se]),
                   "upper": np.array([high, told.mean() + 1.96 * se]),
                   "people": np.array([draws.shape[1], len(told)])})  # fmt: skip
    return own, mean
