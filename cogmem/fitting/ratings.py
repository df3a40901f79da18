"""Rating models fitted to people's counts of ratings: the population and everybody in it.

With some hundred answers to tell seven parameters, a person's posterior is much narrower than the population, so
everybody is drawn at points of their own (see `fitting.together`): "laplace" draws the population by importance
sampling, "nuts" all of it by NUTS, in minutes instead of seconds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.fits import Method
from cogmem.fitting.loo import Elpd
from cogmem.fitting.step_fits import StepDensity, StepFit
from cogmem.fitting.together import fit_by_importance, fit_together, points_around
from cogmem.models.recognition import RatingModel, shares
from cogmem.subjects.parameters import constrained, unconstrain

Array = NDArray[np.float64]
Chances = Callable[[Array], Array]
"""theta (..., people, parameters) -> chances (..., people, conditions, kinds)."""

LEAST: Final = 1e-12
"""Chance below which nothing is told apart."""
STEP: Final = 1e-7
"""Of a difference: chances are told to 1e-16, their slopes so to 1e-9."""
FAST: Final = Method("laplace", chains=1, effective_draws=500.0)
"""Of a fit to one half of the answers."""


def log_counts(counts: Array, chances: Array) -> Array:
    """Return the log likelihood of counts (people, conditions, kinds), without binomial coefficients: (..., people)."""
    return np.asarray((counts * np.log(np.maximum(chances, LEAST))).sum(axis=(-2, -1)))


@dataclass(frozen=True, eq=False)
class RatingDensity(StepDensity):
    """The density of a rating model given `counts` (people, 2, ratings), with a gradient that knows the criteria.

    A criterion moves one step of the distribution function, so one evaluation tells the slopes of all criteria.
    """

    model: RatingModel | None = None
    counts: Array | None = None

    def with_gradient(self, z: Array) -> tuple[Array, Array]:
        """Return the log likelihood (people,) and its gradient (people, parameters) at z (people, parameters)."""
        value, slope, _, _ = self._slopes(z)
        return value, slope

    def information(self, z: Array) -> tuple[Array, Array, Array]:
        """Return (log likelihood (people,), gradient (people, p), expected information (people, p, p)) at z."""
        value, slope, chances, by_parameter = self._slopes(z)
        assert self.counts is not None
        expected = self.counts.sum(axis=-1, keepdims=True) / np.maximum(chances, LEAST)
        found = np.einsum("ucr,ucrp,ucrq->upq", expected, by_parameter, by_parameter, optimize=True)
        return value, slope, found

    def _slopes(self, z: Array) -> tuple[Array, Array, Array, Array]:
        """Return value, gradient, chances (people, 2, ratings), and their slopes (people, 2, ratings, parameters)."""
        assert self.model is not None
        assert self.counts is not None
        z, n, people = np.clip(z, -30.0, 30.0), self.model.n_ratings - 1, len(z)
        moves = STEP * np.eye(z.shape[1])[n - 1 :]
        moves[0] = 0.0
        theta = constrained(self.parameters, z + moves[:, None])
        memory, places = self.model.parts(theta.reshape(-1, z.shape[1]))
        memory, places = np.concatenate([memory, memory[:people]]), np.concatenate([places, places[:people] + STEP])
        below = self.model.cumulative(memory, places).reshape(-1, people, 2, n)
        slopes = (below[1:] - below[0]) / STEP
        # A gap moves all criteria above it; gaps are fitted as logarithms.
        moved = np.tril(np.ones((n, n))) * np.concatenate([np.ones((people, 1)), theta[0, :, 1:n]], axis=1)[:, None]
        by_parameter = np.concatenate(
            [slopes[-1][..., None] * moved[:, None], np.moveaxis(slopes[:-1], 0, -1)], axis=-1
        )
        ends = np.zeros((people, 2, 1, z.shape[1]))
        by_parameter = np.diff(np.concatenate([ends, by_parameter, ends], axis=2), axis=2)
        chances = shares(below[0])
        pull = np.where(chances > LEAST, self.counts / np.maximum(chances, LEAST), 0.0)
        return log_counts(self.counts, chances), np.einsum("ucr,ucrp->up", pull, by_parameter), chances, by_parameter


@dataclass(frozen=True, eq=False)
class RatingFit:
    """A fit of everybody, `done`, to `counts` (people, conditions, kinds); `chances` are of theta (..., people, p)."""

    done: StepFit
    chances: Chances
    counts: Array
    chains: int

    def held_out(self, counts: Array) -> Array:
        """Return the log predictive density of other answers of the same people: (people,), in nats."""
        logs = np.stack([log_counts(counts, self.chances(theta)) for theta in self.done.theta])
        peak = logs.max(axis=0)
        return np.asarray(peak + np.log(np.exp(logs - peak).mean(axis=0)))

    def predicted(self, *, draws: int = 200) -> Array:
        """Return what each person is predicted to do: (people, conditions, kinds)."""
        chosen = np.linspace(0, len(self.done.theta) - 1, draws).astype(int)
        return np.asarray(np.mean([self.chances(theta) for theta in self.done.theta[chosen]], axis=0))

    def log_densities(self, *, draws: int = 1000, seed: int = 0) -> Array:
        """Return the log density of each person's answers, the person being anybody of the population: (draws, people).

        An average over points of the person's own posterior, widened, by their weight in the population.
        """
        mu, sigma = (self.done.population[name].reshape(-1, len(self.done.parameters)) for name in ("mu", "sigma"))
        chosen = np.linspace(0, len(mu) - 1, min(draws, len(mu))).astype(int)
        theta = self.done.theta
        z = unconstrain(self.done.parameters, dict(zip(self.done.draws, np.moveaxis(theta, -1, 0), strict=True)))
        drawn = np.moveaxis(z, 0, -1)
        centre = drawn.mean(axis=0)
        spread = np.einsum("sup,suq->upq", drawn - centre, drawn - centre) / len(drawn)
        points = points_around(self._log_likelihood, centre, spread, np.random.default_rng(seed))
        return points.by_person(mu[chosen], sigma[chosen])

    def _log_likelihood(self, z: Array) -> Array:
        return log_counts(self.counts, self.chances(constrained(self.done.parameters, z)))


def fit_ratings(model: RatingModel, counts: Array, people: tuple[str, ...], *, method: Method, seed: int) -> RatingFit:
    """Return the model fitted to counts (people, 2, ratings) of ratings to new and to old probes."""

    def chances(theta: Array) -> Array:
        flat = model.chances(theta.reshape(-1, theta.shape[-1]))
        return flat.reshape(*theta.shape[:-1], 2, model.n_ratings)

    def likelihood(theta: Array) -> Array:
        return log_counts(counts, chances(theta))

    density = RatingDensity(model.parameters, people, likelihood, True, model, counts)
    fit = fit_together if method.name == "nuts" else fit_by_importance
    return RatingFit(fit(density, name=model.name, method=method, seed=seed), chances, counts, method.chains)


def left_out(done: RatingFit) -> Elpd:
    """Return the leave-one-person-out predictive density (PSIS): how well the population tells somebody new."""
    import warnings

    import arviz as az

    logs = done.log_densities()
    shaped = logs.reshape(done.chains, -1, logs.shape[1])
    draws = az.from_dict({"row": np.zeros(shaped.shape[:2])}, log_likelihood={"answers": shaped})
    with warnings.catch_warnings():
        # ArviZ warns of high Pareto k; they are counted in `warnings`.
        warnings.simplefilter("ignore", UserWarning)
        found = az.loo(draws, pointwise=True, reff=1.0)
    pointwise, pareto_k = np.array(found.loo_i, dtype=np.float64), np.array(found.pareto_k, dtype=np.float64)
    return Elpd(pointwise, pareto_k, np.zeros(len(pareto_k), dtype=bool), float(done.counts.sum()), found)
