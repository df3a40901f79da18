"""A population and everybody in it: NUTS in coordinates that are fixed beforehand, or the likeliest population.

The model is that of `fitting.bayes.population`: z of a person ~ Normal(mu, sigma). Its coordinates follow mu and sigma
by a Cholesky factor that is written out entry by entry; with seven parameters that compiles for minutes. With hundreds
of people mu and sigma are known so well that coordinates made for the likeliest ones are as round.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from cogmem.fitting import laplace
from cogmem.fitting.bayes import BETWEEN, own_curvature
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import Array
from cogmem.fitting.sampling import by_kernel, checked
from cogmem.fitting.step_fits import StepDensity, StepFit
from cogmem.subjects.parameters import constrain

ROUNDS: Final = 100
"""Of expectation and maximisation."""
CORRECTED: Final = 3
"""Rounds with everybody's drawn posterior instead of a normal."""
NARROWEST: Final = 0.05
"""Least spread of the population for which coordinates are made, of the prior's scale."""


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


def likelihoods(density: StepDensity, *, seed: int) -> tuple[Array, Array]:
    """Return each person's likelihood as a normal: precision (people, p, p), precision @ mean (people, p).

    It is the person's own posterior less the prior, and says a little in every direction: one that says nothing, and
    still pulls, would draw the population away without end.
    """
    loc, scale = density.prior
    mean, _, curvature, axes = own_curvature(density, seed)
    prior = np.diag(scale**-2.0)
    exact = np.einsum("upq,uq,urq->upr", axes, np.clip(curvature, 0.1 / scale.max() ** 2, 1e8), axes)
    return exact, np.einsum("upq,uq->up", exact + prior, mean) - loc / scale**2


def coordinates(density: StepDensity, *, seed: int) -> Coordinates:
    """Return coordinates for the likeliest population of people whose likelihoods are taken as normal.

    The population is found by expectation and maximisation (Dempster, Laird & Rubin, 1977).
    """
    (mu, scale), (exact, weighted) = density.prior, likelihoods(density, seed=seed)
    sigma, n = 0.5 * scale, density.n_people
    for _ in range(ROUNDS):
        spread = np.linalg.inv(exact + np.diag(sigma**-2.0))
        centre = np.einsum("upq,uq->up", spread, weighted + mu / sigma**2)
        mu = centre.mean(axis=0)
        variance = ((centre - mu) ** 2 + np.diagonal(spread, axis1=1, axis2=2)).mean(axis=0)
        sigma = np.maximum(np.sqrt(variance), NARROWEST * scale)
    # What a person's answers do not tell is not known of the population either.
    unsure = np.sqrt(1.0 + np.diagonal(spread, axis1=1, axis2=2).mean(axis=0) / sigma**2) / np.sqrt(n)
    width = np.concatenate([sigma * unsure, unsure / np.sqrt(2)])
    return Coordinates(centre, np.linalg.cholesky(spread), np.concatenate([mu, np.log(sigma)]), width)


@dataclass(frozen=True, eq=False)
class Together:
    """The log posterior of a population and everybody in it, for PyMC (see `fitting.external`)."""

    density: StepDensity
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


def fit_together(density: StepDensity, *, name: str, method: Method, seed: int) -> StepFit:
    """Return the fit of everybody by NUTS, as `fitting.step_fits.fit_steps` does."""
    import pymc as pm

    from cogmem.fitting.external import log_likelihood_of

    started = time.perf_counter()
    at = coordinates(density, seed=seed)
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
    known = tuple(
        replace(each, loc=float(loc), scale=float(scale))
        for each, loc, scale in zip(density.parameters, mu, sigma, strict=True)
    )
    return replace(density, parameters=known)


def fit_likeliest(density: StepDensity, *, name: str, method: Method, seed: int) -> StepFit:
    """Return the fit of everybody with the likeliest population as the prior (empirical Bayes).

    The population is found by expectation and maximisation, first with normal likelihoods, then with importance-
    corrected draws of everybody. Its own uncertainty, small with many people, is about that of a normal posterior and
    is not part of people's.
    """
    started, rng = time.perf_counter(), np.random.default_rng(seed)
    at, p = coordinates(density, seed=seed), len(density.parameters)
    mu, sigma, near = at.middle[:p], np.exp(at.middle[p:]), at.centre

    def drawn() -> laplace.Posterior:
        own = somebody_of(density, mu, sigma)
        return laplace.sample(own, n_draws=method.draws, rng=rng, enough=method.effective_draws, near=near)

    for _ in range(CORRECTED):
        found = drawn()
        near = found.draws.mean(axis=0)
        mu = near.mean(axis=0)
        sigma = np.sqrt((found.draws.var(axis=0) + (near - mu) ** 2).mean(axis=0))
        sigma = np.maximum(sigma, NARROWEST * density.prior[1])
    found = drawn()
    around = at.width * rng.standard_normal((1, method.draws, 2 * p))
    population = {"mu": mu + around[..., :p], "sigma": sigma * np.exp(around[..., p:])}
    draws = constrain(np, density.parameters, list(np.moveaxis(found.draws[None], -1, 0)))
    took = time.perf_counter() - started
    return StepFit(
        name, density.parameters, density.people, draws, population, {"ess_min": float(found.ess.min())}, (), took
    )
