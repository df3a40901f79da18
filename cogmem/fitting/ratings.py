"""Rating models fitted to people's counts of ratings: the population and everybody in it, by NUTS or at once.

With some hundred answers to tell seven parameters, a person's posterior is much narrower than the population: the
points that `fitting.populations` shares among all people would be one or two a person. So each person's parameters are
sampled (see `fitting.step_fits`), and only the density of somebody new is an average over points, the person's own.
"laplace" takes the likeliest population as known (see `fitting.together.fit_likeliest`): seconds instead of minutes.
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
from cogmem.fitting.together import fit_likeliest, fit_together
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
POINTS: Final = 1000
TAIL: Final = 5.0
WIDER: Final = 1.2
"""Points for the density of somebody new: Student's t, this much wider than the person's posterior."""


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
        assert self.model is not None
        assert self.counts is not None
        z, n, people = np.clip(z, -30.0, 30.0), self.model.n_ratings - 1, len(z)
        moves = STEP * np.eye(z.shape[1])[n - 1 :]
        moves[0] = 0.0
        theta = constrained(self.parameters, z + moves[:, None])
        memory, places = self.model.parts(theta.reshape(-1, z.shape[1]))
        memory, places = np.concatenate([memory, memory[:people]]), np.concatenate([places, places[:people] + STEP])
        below = self.model.cumulative(memory, places).reshape(-1, people, 2, n)
        value, pull = _pull(self.counts, below[0])
        slopes = (below[1:] - below[0]) / STEP
        by_place = (pull * slopes[-1]).sum(axis=1)
        # A gap moves all criteria above it; gaps are fitted as logarithms.
        above = by_place[:, ::-1].cumsum(axis=1)[:, ::-1]
        above[:, 1:] *= theta[0, :, 1:n]
        own = np.einsum("ucr,mucr->um", pull, slopes[:-1])
        return value, np.concatenate([above, own], axis=1)


def _pull(counts: Array, below: Array) -> tuple[Array, Array]:
    """Return the log likelihood (people,) and its slope by each chance in `below` (people, 2, ratings - 1)."""
    chances = shares(below)
    slope = np.where(chances > LEAST, counts / np.maximum(chances, LEAST), 0.0)
    return log_counts(counts, chances), slope[..., :-1] - slope[..., 1:]


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
        points, log_q = _points(np.moveaxis(z, 0, -1), np.random.default_rng(seed))
        logs = np.stack([log_counts(self.counts, self.chances(constrained(self.done.parameters, each)))
                         for each in points])  # fmt: skip
        found = [_averaged(points[:, u], logs[:, u] - log_q[:, u], mu[chosen], sigma[chosen])
                 for u in range(points.shape[1])]  # fmt: skip
        return np.stack(found, axis=1)


def _points(z: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return POINTS points like each person's draws z (draws, people, p), and their log densities (points, people)."""
    from scipy.special import gammaln

    p, centre = z.shape[-1], z.mean(axis=0)
    spread = np.einsum("sup,suq->upq", z - centre, z - centre) / len(z)
    factor = WIDER * np.linalg.cholesky(spread + 1e-10 * np.eye(p))
    standard = rng.standard_normal((POINTS, z.shape[1], p))
    standard *= np.sqrt(TAIL / rng.chisquare(TAIL, (POINTS, z.shape[1], 1)))
    constant = gammaln((TAIL + p) / 2) - gammaln(TAIL / 2) - 0.5 * p * np.log(TAIL * np.pi)
    log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    log_q = constant - log_det - 0.5 * (TAIL + p) * np.log1p((standard**2).sum(axis=-1) / TAIL)
    return centre + np.einsum("upq,suq->sup", factor, standard), log_q


def _averaged(points: Array, logs: Array, mu: Array, sigma: Array) -> Array:
    """Return the log of the mean of exp(logs) N(points; mu, sigma) over points, for each draw of mu and sigma."""
    exact = 1.0 / sigma**2
    inside = (points**2) @ (-0.5 * exact).T + points @ (mu * exact).T + logs[:, None]
    outside = -0.5 * (mu**2 * exact).sum(axis=1) - np.log(sigma).sum(axis=1) - 0.5 * mu.shape[1] * np.log(2 * np.pi)
    peak = inside.max(axis=0)
    return np.asarray(peak + np.log(np.exp(inside - peak).mean(axis=0)) + outside)


def fit_ratings(model: RatingModel, counts: Array, people: tuple[str, ...], *, method: Method, seed: int) -> RatingFit:
    """Return the model fitted to counts (people, 2, ratings) of ratings to new and to old probes."""

    def chances(theta: Array) -> Array:
        flat = model.chances(theta.reshape(-1, theta.shape[-1]))
        return flat.reshape(*theta.shape[:-1], 2, model.n_ratings)

    def likelihood(theta: Array) -> Array:
        return log_counts(counts, chances(theta))

    density = RatingDensity(model.parameters, people, likelihood, True, model, counts)
    fit = fit_together if method.name == "nuts" else fit_likeliest
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
