"""The hierarchical model in PyMC, sampled by nutpie (or, for comparison, by PyMC's own sampler)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.fitting import laplace
from cogmem.fitting.objective import Array, Objective, derivatives
from cogmem.fitting.observations import log_likelihood
from cogmem.subjects.parameters import constrain

Sampler = Literal["nutpie", "pymc"]

# Spread between people on the unconstrained scale: HalfNormal of this share of the prior's own scale.
BETWEEN: Final = 0.7


@dataclass(frozen=True, eq=False)
class Sampled:
    """`z` (chains, draws, people, parameters); `population` (chains, draws, parameters) of each hyper-parameter."""

    z: NDArray[np.float64]
    population: Mapping[str, NDArray[np.float64]]
    diverging: int
    seconds: float


def _root(precision: Array) -> Array:
    """Return R with R R' = precision^-1: coordinates u of x = R u are round where x has this precision."""
    return np.asarray(np.linalg.inv(np.linalg.cholesky(precision)).T)


def estimates(objective: Objective) -> tuple[Array, Array, Array]:
    """Return (mode of all people together (p,), each person's mode (people, p), mean curvature of a person (p, p))."""
    rng = np.random.default_rng(0)
    pooled = Objective(objective.equation, objective.observed.as_one(), with_prior=True)
    together = laplace.modes(pooled, rng, tolerance=1e-6)[0][0, 0]
    each = laplace.modes(objective, rng, tolerance=1e-6)[0][0]
    likelihood = Objective(objective.equation, objective.observed, with_prior=False)
    _, _, hessian = derivatives(likelihood, each[None])
    values, axes = np.linalg.eigh(-np.nan_to_num(hessian[0].mean(axis=0)))
    return together, each, (axes * np.maximum(values, 0.0)) @ axes.T


def _contrasts(n: int) -> Array:
    """Return orthonormal contrasts (n, n - 1): columns that sum to zero (Helmert)."""
    lower = np.tril(np.ones((n, n - 1)), -1)
    k = np.arange(1, n)
    return np.asarray((np.triu(np.ones((n, n - 1))) - k * (lower - np.tril(lower, -2))) / np.sqrt(k * (k + 1)))


def _normal_in(name: str, shape: tuple[int, ...], root: Array) -> Any:
    """Return an unnormalised flat variable x = u root' (last axis: parameters), sampled through u."""
    import pymc as pm
    import pytensor.tensor as pt

    u = pm.Normal(name, 0.0, 1.0, shape=shape)
    pm.Potential(f"{name}_flat", 0.5 * (u**2).sum())
    return pt.dot(u, root.T)


def hierarchical_model(objective: Objective) -> Any:
    """Return the PyMC model of z_person ~ Normal(mu, sigma), each person's rows given z_person; non-centred.

    With one person there is no population to learn from, and z has the parameters' own priors. The sampler's
    coordinates are laid out so that the posterior is about round in them; the model stays the same. First, the mean of
    the people is sampled itself, Normal(loc, sqrt(scale^2 + sigma^2 / n)), and the people's deviations from it as
    contrasts; mu, which given the mean depends on nothing else, is drawn afterwards (`population_mean`). Second, see
    `_deviations`.
    """
    import pymc as pm
    import pytensor.tensor as pt

    observed, (loc, scale) = objective.observed, objective.prior
    people, p = len(observed.people), len(loc)
    together, each, curved = estimates(objective)
    with pm.Model() as model:
        mean = together + _normal_in("mean_coordinates", (p,), _root(people * curved + np.diag(1 / scale**2)))
        if people == 1:
            pm.Potential("prior", -0.5 * (((mean - loc) / scale) ** 2).sum())
            z = pm.Deterministic("z", mean[None, :])
        else:
            sigma = pm.HalfNormal("sigma", BETWEEN * scale, shape=p)
            variance = scale**2 + sigma**2 / people
            pm.Potential("prior", (-0.5 * (mean - loc) ** 2 / variance - 0.5 * pt.log(variance)).sum())
            contrasts = _contrasts(people)
            deviations = _deviations(
                contrasts.T @ each, np.asarray(np.linalg.inv(curved + np.diag(1 / scale**2))), sigma
            )
            pm.Deterministic("mean", mean)
            z = pm.Deterministic("z", mean + pt.dot(contrasts, deviations))
        theta = constrain(pt, objective.parameters, [z[:, k] for k in range(p)])
        by_row = {name: value[observed.person] for name, value in theta.items()}
        columns = {name: pt.as_tensor_variable(values) for name, values in observed.columns.items()}
        predicted = objective.equation.read_out(observed.measure)(pt, by_row, columns)
        pm.Potential("observed", log_likelihood(pt, pt.gammaln, observed, predicted, by_row).sum())
    return model


def _deviations(found: Array, covariance: Array, sigma: Any) -> Any:
    """Return the contrasts of z between people, Normal(0, sigma) a priori: (people - 1, parameters).

    Each is sampled as its distance from what the data alone say (`found`), shrunk by sigma as a normal likelihood of
    this `covariance` would shrink it, in units of the standard deviation that is then left. Where the data say little
    this is the non-centred form, where they say all it is the centred one; between the two neither sampler's funnel
    nor its opposite, offsets that must all move when sigma moves, is left
    (cf. Papaspiliopoulos, Roberts & Skold, 2007).
    """
    import pymc as pm
    import pytensor.tensor as pt

    spread = np.sqrt(np.diag(covariance))
    turn = np.linalg.cholesky(covariance / np.outer(spread, spread))
    left = spread * sigma / pt.sqrt(spread**2 + sigma**2)
    deviations = found * sigma**2 / (sigma**2 + spread**2) + left * _normal_in("offset", found.shape, turn)
    prior = -0.5 * ((deviations / sigma) ** 2).sum()
    pm.Potential("deviations", prior + len(found) * (pt.log(left) - pt.log(sigma)).sum())
    return deviations


def population_mean(objective: Objective, mean: Array, sigma: Array, *, seed: int) -> Array:
    """Return draws of mu given the mean of the people and sigma (conjugate normal), like `mean`."""
    loc, scale = objective.prior
    precision = 1 / scale**2 + len(objective.observed.people) / sigma**2
    centre = (loc / scale**2 + len(objective.observed.people) * mean / sigma**2) / precision
    return np.asarray(centre + np.random.default_rng([seed, 7]).standard_normal(mean.shape) / np.sqrt(precision))


def sample(
    objective: Objective,
    *,
    chains: int,
    tune: int,
    draws: int,
    target_accept: float,
    seed: int,
    cores: int | None,
    sampler: Sampler = "nutpie",
    progress: bool = True,
) -> Sampled:
    """Return draws of every person's z. The same seed gives the same draws on any number of cores."""
    model = hierarchical_model(objective)
    if sampler == "nutpie":
        trace = _by_nutpie(model, chains, tune, draws, target_accept, seed, cores, progress)
    elif sampler == "pymc":
        import pymc as pm

        with model:
            trace = pm.sample(
                draws, tune=tune, chains=chains, cores=cores, random_seed=seed, target_accept=target_accept,
                progressbar=progress, compute_convergence_checks=False,
            )  # fmt: skip
    else:
        raise UserError(f"There is no sampler {sampler!r}; choose nutpie or pymc.")
    posterior = trace.posterior
    population: dict[str, Array] = {}
    if "sigma" in posterior:
        mean, sigma = (np.asarray(posterior[name], dtype=np.float64) for name in ("mean", "sigma"))
        population = {"mu": population_mean(objective, mean, sigma, seed=seed), "sigma": sigma}
    seconds = float(trace.attrs.get("seconds", trace.posterior.attrs.get("sampling_time", np.nan)))
    return Sampled(np.asarray(posterior["z"]), population, int(trace.sample_stats["diverging"].sum()), seconds)


def _by_nutpie(
    model: Any, chains: int, tune: int, draws: int, target_accept: float, seed: int, cores: int | None, progress: bool
) -> Any:
    import time

    import nutpie

    compiled = nutpie.compile_pymc_model(model, backend="numba")
    started = time.perf_counter()
    trace = nutpie.sample(
        compiled, draws=draws, tune=tune, chains=chains, cores=cores, seed=seed, target_accept=target_accept,
        progress_bar=progress, save_warmup=False,
    )  # fmt: skip
    # Compilation is reported apart: it depends on the model, not on the amount of sampling.
    trace.attrs["seconds"] = time.perf_counter() - started
    return trace
