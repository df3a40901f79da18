"""Posterior of each person from its modes: Laplace's approximation, corrected by importance sampling.

A normal around the mode is a poor answer where parameters trade off (Wickelgren's beta and psi). So heavy-tailed
proposals around the modes are weighted by the true posterior, and further proposals are put where the weights say that
mass was missed (adaptive multiple importance sampling, Cornuet, Marin, Mira & Robert, 2012; the local components are
those of incremental mixture importance sampling, Raftery & Bao, 2010). The effective number of draws is reported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.objective import Array, LogPosterior, climb, derivatives

N_SCREENED: Final = 256
N_STARTS: Final = 6
N_MODES: Final = 2
FIRST_ROUND: Final = 1000
PER_ROUND: Final = 500
MOST_ROUNDS: Final = 16
ENOUGH: Final = 1000.0
DEGREES: Final = 5.0

Component: TypeAlias = tuple[Array, Array]
"""Of a proposal: where everybody's is (people, p), and the Cholesky factor of its covariance (people, p, p)."""


@dataclass(frozen=True, eq=False)
class Posterior:
    """`mode` (people, parameters) and equally weighted `draws` (draws, people, parameters) of z.

    `ess` (people,) is the effective sample size of the weights; `log_density` (people,) is that of the mode.
    """

    mode: Array
    draws: Array
    ess: Array
    log_density: Array


def modes(
    objective: LogPosterior, rng: np.random.Generator, *, tolerance: float = 1e-12, near: Array | None = None
) -> tuple[Array, Array]:
    """Return the climbed starts, best first for each person: z (starts, people, parameters), density.

    The starts are the best of draws from the prior and its middle; or, where a mode is known to be `near` (people,
    parameters), that and the middle.
    """
    loc, scale = objective.prior
    people = objective.n_people
    middle = np.broadcast_to(loc, (1, people, len(loc)))
    if near is None:
        screened = loc + scale * rng.standard_normal((N_SCREENED, 1, len(loc))) * np.ones((1, people, 1))
        screened[0] = loc
        best = np.argsort(-objective(screened), axis=0, kind="stable")[: N_STARTS - 1]
        starts = np.concatenate([np.take_along_axis(screened, best[..., None], axis=0), middle])
    else:
        starts = np.concatenate([near[None], middle])
    # A posterior needs its modes about; only maximum likelihood needs them to the last digit.
    iterations = 80 if tolerance < 1e-8 else 25
    z, density = climb(objective, starts, tolerance=tolerance, iterations=iterations)
    order = np.argsort(-density, axis=0, kind="stable")
    return np.take_along_axis(z, order[..., None], axis=0), np.take_along_axis(density, order, axis=0)


def spread(objective: LogPosterior, z: Array) -> Array:
    """Return the Laplace covariances at z: (starts, people, parameters, parameters), never wider than the prior."""
    _, _, hessian = derivatives(objective, z)
    curvature, axes = np.linalg.eigh(np.nan_to_num(-hessian))
    widest = objective.prior[1].max() if objective.with_prior else 3.0
    variance = np.minimum(1.0 / np.maximum(curvature, 1e-10), widest**2)
    return np.asarray(np.einsum("supq,suq,surq->supr", axes, variance, axes))


def _log_t(z: Array, centre: Array, cholesky: Array) -> Array:
    """Return the log density of a multivariate t at z (draws, people, p) for each person: (draws, people)."""
    p = z.shape[-1]
    inverse = np.linalg.inv(cholesky)
    # One small matrix product a person; einsum would take several times as long.
    standard = np.matmul(np.moveaxis(z - centre, 0, 1), np.swapaxes(inverse, -1, -2))
    log_det = np.log(np.diagonal(cholesky, axis1=-2, axis2=-1)).sum(axis=-1)
    # The normalising constant is the same for every component and drops out of the weights.
    return np.asarray(-log_det - 0.5 * (DEGREES + p) * np.log1p((standard**2).sum(axis=-1).T / DEGREES))


def _propose(centre: Array, cholesky: Array, n: int, rng: np.random.Generator) -> Array:
    people, p = centre.shape
    normal = rng.standard_normal((n, people, p))
    heavy = np.sqrt(DEGREES / rng.chisquare(DEGREES, (n, people, 1)))
    return np.asarray(centre + np.einsum("upq,suq->sup", cholesky, normal) * heavy)


def _moments(z: Array, weights: Array) -> tuple[Array, Array]:
    """Return the weighted mean and a Cholesky factor of the weighted covariance of each person."""
    mean = np.einsum("su,sup->up", weights, z)
    return mean, _factor(z - mean, weights)


def _factor(centred: Array, weights: Array) -> Array:
    covariance = np.einsum("su,sup,suq->upq", weights, centred, centred)
    ridge = 1e-6 * np.trace(covariance, axis1=-2, axis2=-1)[:, None, None] + 1e-10
    return np.asarray(np.linalg.cholesky(covariance + ridge * np.eye(centred.shape[-1])))


def _local(z: Array, weights: Array, scale: Array) -> tuple[Array, Array]:
    """Return a component at each person's heaviest draw, as wide as the draws near it (Raftery & Bao, 2010)."""
    people = np.arange(z.shape[1])
    centre = z[weights.argmax(axis=0), people]
    far = np.einsum("upq,suq->sup", np.linalg.inv(scale), z - centre)
    near = np.argpartition((far**2).sum(axis=-1), PER_ROUND, axis=0)[:PER_ROUND]
    shares = np.take_along_axis(weights, near, axis=0) + 1.0 / len(z)
    around = np.take_along_axis(z, near[..., None], axis=0) - centre
    return centre, _factor(around, shares / shares.sum(axis=0))


def _normalise(log_weights: Array) -> Array:
    weights = np.exp(log_weights - log_weights.max(axis=0))
    return np.asarray(weights / weights.sum(axis=0))


def _resample(weights: Array, n: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return row numbers (n, people) by systematic resampling, in random order."""
    edges = (np.arange(n)[:, None] + rng.random((1, weights.shape[1]))) / n
    cumulative = np.cumsum(weights, axis=0)
    picked = [np.searchsorted(cumulative[:, u], edges[:, u]) for u in range(weights.shape[1])]
    rows = np.minimum(np.stack(picked, axis=1), len(weights) - 1)
    return rng.permuted(rows, axis=0)


def _weigh(value: Array, densities: Array, sizes: list[int]) -> Array:
    """Return the weights of all draws under the mixture of all components (the balance heuristic).

    `densities` (components, draws, people) holds the log density of each component at each draw.
    """
    proposal = densities + np.log(np.array(sizes) / sum(sizes))[:, None, None]
    peak = proposal.max(axis=0)
    return _normalise(value - peak - np.log(np.exp(proposal - peak).sum(axis=0)))


def sample(
    objective: LogPosterior,
    *,
    n_draws: int,
    rng: np.random.Generator,
    enough: float = ENOUGH,
    near: Array | None = None,
) -> Posterior:
    """Return the posterior of every person of `objective`; rounds are added until each has `enough` effective draws.

    `near` (people, parameters) says where a mode is known to be close by.
    """
    z, density = modes(objective, rng, tolerance=1e-5, near=near)
    components = [
        (z[k], np.linalg.cholesky(cov + 1e-12 * np.eye(cov.shape[-1])))
        for k, cov in enumerate(spread(objective, z[:N_MODES]))
    ]
    draws, ess = sample_around(objective, components, n_draws=n_draws, rng=rng, enough=enough)
    return Posterior(z[0], draws, ess, density[0])


def sample_around(
    objective: LogPosterior, components: Sequence[Component], *, n_draws: int, rng: np.random.Generator,
    enough: float = ENOUGH,
) -> tuple[Array, Array]:  # fmt: skip
    """Return draws (n_draws, people, parameters) and their effective number (people,); proposals begin at `components`.

    Rounds are added until everybody has `enough` effective draws, MOST_ROUNDS at most.
    """
    known = list(components)
    sizes = [FIRST_ROUND // len(known)] * len(known)
    every = np.concatenate([_propose(*part, n, rng) for part, n in zip(known, sizes, strict=True)])
    value = objective(every)
    densities = np.stack([_log_t(every, *part) for part in known])
    for rounds in range(MOST_ROUNDS):
        weights = _weigh(value, densities, sizes)
        ess = 1.0 / (weights**2).sum(axis=0)
        if rounds + 1 == MOST_ROUNDS or (rounds > 1 and (ess > enough).all()):
            break
        overall = _moments(every, weights)
        new = overall if rounds < 2 else _local(every, weights, overall[1])
        drawn = _propose(*new, PER_ROUND, rng)
        known.append(new)
        sizes.append(PER_ROUND)
        here = np.stack([_log_t(drawn, *part) for part in known[:-1]])
        every, value = np.concatenate([every, drawn]), np.concatenate([value, objective(drawn)])
        densities = np.concatenate([np.concatenate([densities, here], axis=1), _log_t(every, *new)[None]])
    rows = _resample(weights, n_draws, rng)
    return np.take_along_axis(every, rows[..., None], axis=0), ess
