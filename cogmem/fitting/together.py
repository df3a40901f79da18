"""A population and everybody in it, where each person's own answers tell much: by importance sampling, or by NUTS.

The model is that of `fitting.bayes.population`: z of a person ~ Normal(mu, sigma). With some hundred answers to tell
seven parameters, a person's posterior is much narrower than the population: the points that `fitting.populations`
shares among all people would be one or two a person. So everybody has points of their own, around their mode, and the
population's posterior, everybody integrated out, is drawn like that of `fitting.populations`.

NUTS takes people and population together, in coordinates made for the likeliest population. (Those of
`bayes.population` follow mu and sigma by a Cholesky factor that is written out entry by entry; with seven parameters
that compiles for minutes.)
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.bayes import BETWEEN
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import Array, Density
from cogmem.fitting.populations import Posterior, by_importance
from cogmem.fitting.sampling import by_kernel, checked
from cogmem.fitting.step_fits import StepDensity, StepFit
from cogmem.subjects.parameters import Parameter, constrain

ROUNDS: Final = 40
"""Of expectation and maximisation, with normal likelihoods."""
FIRST_STEPS: Final = 30
STEPS: Final = 3
"""Of scoring: from the prior's middle, and from where a person was in the round before."""
FARTHEST: Final = 2.0
"""Longest step, of the prior's scale."""
NARROWEST: Final = 0.05
"""Least spread of the population that people are drawn around, of the prior's scale."""
POINTS: Final = 1000
MORE_POINTS: Final = 4000
MOST: Final = 8
"""A person's points: more where there are more parameters than MOST, of a thousand in thirteen seventy would count."""
REFINED: Final = 3
"""Rounds of points; the first are around the modes, and the worst-off person is made of few of them."""
FEWEST: Final = 20.0
TAIL: Final = 5.0
WIDER: Final = 1.2
"""A person's points: Student's t, this much wider than the person's posterior."""
BLOCK: Final = 500
"""Populations whose density is computed at once: a person's points under each are 2 MB."""


class Scored(Density, Protocol):
    """The log posterior of people whose answers are counted, so that their expected information is known."""

    @property
    def people(self) -> tuple[str, ...]: ...
    def log_likelihood(self, z: Array) -> Array: ...
    def with_gradient(self, z: Array) -> tuple[Array, Array]: ...
    def information(self, z: Array) -> tuple[Array, Array, Array]:
        """Return (log likelihood (people,), gradient (people, p), expected information (people, p, p)) at z."""
        ...


# ---- where everybody is, about --------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Coordinates:
    """z of a person = `centre` (people, p) + `factor` (people, p, p) @ x; mu and log sigma are around `middle` (2 p,).

    `width` (2 p,) is about the posterior sd of mu and log sigma.
    """

    centre: Array
    factor: Array
    middle: Array
    width: Array

    def people(self, x: Array) -> Array:
        """Return z (..., people, p) of the coordinates (..., (2 + people) p)."""
        own = x[..., len(self.middle) :].reshape(*x.shape[:-1], *self.centre.shape)
        return np.asarray(self.centre + np.matmul(self.factor, own[..., None])[..., 0])

    def population(self, x: Array) -> tuple[Array, Array]:
        """Return (mu, log sigma) of the coordinates, each (..., p)."""
        at = self.middle + self.width * x[..., : len(self.middle)]
        return at[..., : len(self.middle) // 2], at[..., len(self.middle) // 2 :]


def scored(density: Scored, z: Array, mu: Array, sigma: Array, steps: int) -> tuple[Array, Array]:
    """Return everybody's mode (people, p) under Normal(mu, sigma), sought from z on, and covariance (people, p, p).

    By Fisher scoring; a step that does not climb is tried again, shorter.
    """
    longest, length = FARTHEST * density.prior[1], np.ones(len(z))
    value, step, covariance = _step(density, z, mu, sigma)
    for _ in range(steps):
        moved = z + length[:, None] * np.clip(step, -longest, longest)
        found = _step(density, moved, mu, sigma)
        up = found[0] >= value
        z, value = np.where(up[:, None], moved, z), np.where(up, found[0], value)
        step = np.where(up[:, None], found[1], step)
        covariance = np.where(up[:, None, None], found[2], covariance)
        length = np.where(up, np.minimum(1.0, 2.0 * length), 0.25 * length)
    return z, covariance


def _step(density: Scored, z: Array, mu: Array, sigma: Array) -> tuple[Array, Array, Array]:
    value, slope, exact = density.information(z)
    covariance = np.asarray(np.linalg.inv(exact + np.diag(sigma**-2.0)))
    value = value - 0.5 * (((z - mu) / sigma) ** 2).sum(axis=1)
    return value, np.einsum("upq,uq->up", covariance, slope - (z - mu) / sigma**2), covariance


def coordinates(density: Scored) -> Coordinates:
    """Return coordinates for the likeliest population of people whose likelihoods are taken as normal.

    The population is found by expectation and maximisation (Dempster, Laird & Rubin, 1977).
    """
    (mu, scale), n = density.prior, density.n_people
    sigma, centre = 0.5 * scale, np.tile(mu, (n, 1))
    for k in range(ROUNDS):
        centre, spread = scored(density, centre, mu, sigma, STEPS if k else FIRST_STEPS)
        mu = centre.mean(axis=0)
        variance = ((centre - mu) ** 2 + np.diagonal(spread, axis1=1, axis2=2)).mean(axis=0)
        sigma = np.maximum(np.sqrt(variance), NARROWEST * scale)
    # What a person's answers do not tell is not known of the population either.
    unsure = np.sqrt(1.0 + np.diagonal(spread, axis1=1, axis2=2).mean(axis=0) / sigma**2) / np.sqrt(n)
    width = np.concatenate([sigma * unsure, unsure / np.sqrt(2)])
    return Coordinates(centre, np.asarray(np.linalg.cholesky(spread)), np.concatenate([mu, np.log(sigma)]), width)


# ---- importance sampling --------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class OwnPoints:
    """Everybody's points `z` (people, points, p), and `logs` (people, points): log likelihood less the proposal's.

    The likelihood of a population is a person's likelihood averaged over it, times that of every other person.
    """

    z: Array
    logs: Array

    def by_person(self, mu: Array, sigma: Array) -> Array:
        """Return the log likelihood of everybody under populations mu and sigma (draws, p): (draws, people)."""
        found = np.empty((len(mu), len(self.z)))
        for start in range(0, len(mu), BLOCK):
            block = slice(start, start + BLOCK)
            by_draw, outside = self._by_draw(mu[block], sigma[block])
            for u in range(len(self.z)):
                inside = by_draw @ self._features[u]
                peak = inside.max(axis=1)
                inside -= peak[:, None]
                found[block, u] = np.log(np.exp(inside, out=inside).mean(axis=1)) + peak + outside
        return found

    def of(self, mu: Array, sigma: Array) -> Array:
        """Return the log likelihood of populations mu and sigma (draws, p): (draws,)."""
        return np.asarray(self.by_person(mu, sigma).sum(axis=1))

    @cached_property
    def _middle(self) -> Array:
        return np.asarray(self.z.mean(axis=(0, 1)))

    @cached_property
    def _features(self) -> NDArray[np.float32]:
        """Squares of each point, the point, `logs`: (people, 2 p + 1, points). In single precision: four times as fast.

        Around the middle of all points, so that an exponent is exact to 1e-5.
        """
        z = np.swapaxes(self.z - self._middle, 1, 2)
        return np.concatenate([z**2, z, self.logs[:, None]], axis=1).astype(np.float32)

    def _by_draw(self, mu: Array, sigma: Array) -> tuple[NDArray[np.float32], Array]:
        """Return what the features are multiplied by (draws, 2 p + 1), and what all points of a draw lack (draws,)."""
        mu, exact = mu - self._middle, sigma**-2.0
        weights = np.concatenate([-0.5 * exact, mu * exact, np.ones((len(mu), 1))], axis=1).astype(np.float32)
        outside = -0.5 * (mu**2 * exact).sum(axis=1) - np.log(sigma).sum(axis=1)
        return weights, outside - 0.5 * mu.shape[1] * np.log(2 * np.pi)

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log likelihood (1,) and its gradient (1, 2 p) at (mu, log sigma), x (1, 2 p)."""
        p = x.shape[1] // 2
        mu, sigma = x[0, :p], np.exp(x[0, p:])
        weights, value = self._shares(mu, sigma)
        first, second = np.einsum("us,usp->p", weights, self.z), np.einsum("us,usp->p", weights, self.z**2)
        n = len(self.z)
        of_mu = (first - n * mu) / sigma**2
        of_sigma = (second - 2 * mu * first + n * mu**2) / sigma**2 - n
        return np.array([value.sum()]), np.concatenate([of_mu, of_sigma])[None]

    def _shares(self, mu: Array, sigma: Array) -> tuple[Array, Array]:
        """Return the weights (people, points), that sum to 1, under one population, and log likelihoods (people,)."""
        logs = self.logs - 0.5 * (((self.z - mu) / sigma) ** 2).sum(axis=-1)
        peak = logs.max(axis=1, keepdims=True)
        weights = np.exp(logs - peak)
        total = weights.sum(axis=1, keepdims=True)
        outside = np.log(sigma).sum() + 0.5 * len(mu) * np.log(2 * np.pi)
        return weights / total, (peak + np.log(total / weights.shape[1]))[:, 0] - outside

    def moments(self, mu: Array, sigma: Array) -> tuple[Array, Array]:
        """Return everybody's posterior mean (people, p) and covariance (people, p, p) under one population."""
        weights, _ = self._shares(mu, sigma)
        mean = np.einsum("us,usp->up", weights, self.z)
        apart = self.z - mean[:, None]
        return mean, np.matmul(np.swapaxes(apart * weights[..., None], 1, 2), apart)

    def effective(self, mu: Array, sigma: Array) -> float:
        """Return how many points the worst-off person is effectively made of, under one population."""
        return float((1.0 / (self._shares(mu, sigma)[0] ** 2).sum(axis=1)).min())

    def drawn(self, mu: Array, sigma: Array, rng: np.random.Generator) -> Array:
        """Return everybody's z under each population mu and sigma (draws, p): (draws, people, p)."""
        found = np.empty((len(mu), len(self.z), mu.shape[1]))
        by_draw, _ = self._by_draw(mu, sigma)
        for u, z in enumerate(self.z):
            inside = by_draw @ self._features[u]
            inside -= inside.max(axis=1, keepdims=True)
            edges = np.exp(inside, out=inside).cumsum(axis=1, dtype=np.float64)
            place = rng.random((len(mu), 1)) * edges[:, -1:]
            found[:, u] = z[np.minimum((edges < place).sum(axis=1), len(z) - 1)]
        return found


def points_around(
    log_likelihood: Callable[[Array], Array], centre: Array, spread: Array, rng: np.random.Generator
) -> OwnPoints:
    """Return points for everybody, around `centre` (people, p), a little wider than `spread` (people, p, p).

    `log_likelihood` maps z (sets, people, p) to that of each person, (sets, people).
    """
    from scipy.special import gammaln

    n, p = centre.shape
    ridge = 1e-6 * np.trace(spread, axis1=1, axis2=2)[:, None, None] / p + 1e-10
    factor = WIDER * np.linalg.cholesky(spread + ridge * np.eye(p))
    many = POINTS if p <= MOST else MORE_POINTS
    standard = rng.standard_normal((n, many, p)) * np.sqrt(TAIL / rng.chisquare(TAIL, (n, many, 1)))
    constant = gammaln((TAIL + p) / 2) - gammaln(TAIL / 2) - 0.5 * p * np.log(TAIL * np.pi)
    log_det = np.log(np.diagonal(factor, axis1=1, axis2=2)).sum(axis=1)
    log_q = constant - log_det[:, None] - 0.5 * (TAIL + p) * np.log1p((standard**2).sum(axis=-1) / TAIL)
    z = centre[:, None] + np.matmul(standard, np.swapaxes(factor, 1, 2))
    logs = np.concatenate([log_likelihood(part) for part in np.array_split(np.swapaxes(z, 0, 1), 10)])
    return OwnPoints(z, logs.T - log_q)


def fit_by_importance(density: Scored, *, name: str, method: Method, seed: int) -> StepFit:
    """Return the fit of everybody by importance sampling; of the population by NUTS where that leaves too few draws."""
    started, rng = time.perf_counter(), np.random.default_rng(seed)
    at, (loc, scale), p = coordinates(density), density.prior, len(density.parameters)
    centre, spread = at.centre, np.matmul(at.factor, np.swapaxes(at.factor, 1, 2))
    # Around the modes, then around the means: a posterior may be skewed.
    for _ in range(REFINED):
        points = points_around(density.log_likelihood, centre, spread, rng)
        posterior = Posterior(points, loc, scale, least=0.0)
        likeliest = posterior.mode[:p], posterior.sigma(posterior.mode[p:])
        centre, spread = points.moments(*likeliest)
    mu, sigma, found, said = by_importance(posterior, method, seed, around=True)
    chosen = mu.reshape(-1, p), sigma.reshape(-1, p)
    z = points.drawn(*chosen, rng).reshape(*mu.shape[:2], -1, p)
    found["points"] = points.effective(*likeliest)
    if found["points"] < FEWEST:
        said.append(f"Somebody is made of {found['points']:.0f} effective points: take that person as roughly told.")
    draws = constrain(np, density.parameters, list(np.moveaxis(z, -1, 0)))
    population, took = {"mu": mu, "sigma": sigma}, time.perf_counter() - started
    return StepFit(name, density.parameters, density.people, draws, population, found, tuple(said), took)


# ---- NUTS -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Together:
    """The log posterior of a population and everybody in it, for PyMC (see `fitting.external`)."""

    density: Scored
    at: Coordinates

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log density (1,) and its gradient (1, (2 + people) p) at x (1, (2 + people) p)."""
        z, (mu, log_sigma) = self.at.people(x[0]), self.at.population(x[0])
        (loc, scale), sigma = self.density.prior, np.exp(log_sigma)
        value, slope = self.density.with_gradient(z)
        apart, far, wide = (z - mu) / sigma, (mu - loc) / scale, sigma / (BETWEEN * scale)
        squares = (apart**2).sum(axis=0)
        total = value.sum() - 0.5 * (squares + far**2 + wide**2).sum() - (len(z) - 1) * log_sigma.sum()
        own = np.matmul(np.swapaxes(self.at.factor, 1, 2), (slope - apart / sigma)[..., None])
        of_mu = apart.sum(axis=0) / sigma - far / scale
        of_sigma = squares - wide**2 - (len(z) - 1)
        above = self.at.width * np.concatenate([of_mu, of_sigma])
        return np.array([total]), np.concatenate([above, own.ravel()])[None]


def fit_together(density: Scored, *, name: str, method: Method, seed: int) -> StepFit:
    """Return the fit of everybody by NUTS, as `fitting.step_fits.fit_steps` does."""
    import pymc as pm

    from cogmem.fitting.external import log_likelihood_of

    started = time.perf_counter()
    at = coordinates(density)
    with pm.Model() as model:
        x = pm.Flat("x", shape=len(at.middle) + at.centre.size)
        pm.Potential("people", log_likelihood_of(Together(density, at))(x[None]).sum())
    trace = by_kernel(model, method, seed)
    drawn = np.asarray(trace.posterior["x"], dtype=np.float64)
    z, (mu, log_sigma) = at.people(drawn), at.population(drawn)
    population = {"mu": mu, "sigma": np.exp(log_sigma)}
    found, said = checked({"z": z, **population}, int(trace.sample_stats["diverging"].sum()))
    draws = constrain(np, density.parameters, list(np.moveaxis(z, -1, 0)))
    took = time.perf_counter() - started
    return StepFit(name, density.parameters, density.people, draws, population, found, tuple(said), took)


def somebody_of(density: StepDensity, mu: Array, sigma: Array) -> StepDensity:
    """Return the density of people whose prior is the population Normal(mu, sigma), both (p,)."""
    known: tuple[Parameter, ...] = tuple(
        replace(each, loc=float(loc), scale=float(scale))
        for each, loc, scale in zip(density.parameters, mu, sigma, strict=True)
    )
    return replace(density, parameters=known)
