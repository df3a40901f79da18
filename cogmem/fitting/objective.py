"""The log posterior of many persons at once, and a Newton search for all their modes together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.observations import Observations, log_likelihood
from cogmem.subjects.equation import Equation
from cogmem.subjects.parameters import Parameter, constrain

Array = NDArray[np.float64]
LogDensity = Callable[[Array], Array]

# Rows x draws evaluated in one numpy call: enough to hide Python's overhead, small enough that the 100 pools of the
# multiscale context model stay in the cache.
BLOCK: Final = 4_000
STEP: Final = 1e-4
# Log density of what cannot be: low enough to have no weight, high enough that sums of it stay finite.
IMPOSSIBLE: Final = -1e100


class LogPosterior(Protocol):
    """The log posterior of many persons' unconstrained parameters z, (draws, people, parameters) -> (draws, people)."""

    @property
    def prior(self) -> tuple[Array, Array]:
        """(loc, scale) of the Normal priors on z, each (parameters,)."""
        ...

    @property
    def n_people(self) -> int: ...
    @property
    def with_prior(self) -> bool: ...
    def __call__(self, z: Array) -> Array: ...


class Density(LogPosterior, Protocol):
    """A log posterior whose parameters have names and limits."""

    @property
    def parameters(self) -> tuple[Parameter, ...]: ...


def normal_prior(parameters: Sequence[Parameter], log_time: float) -> tuple[Array, Array]:
    """Return (loc, scale) of the Normal priors on z, each (parameters,)."""
    pairs = [parameter.prior(log_time) for parameter in parameters]
    return np.array([loc for loc, _ in pairs]), np.array([scale for _, scale in pairs])


def log_prior(z: Array, prior: tuple[Array, Array]) -> Array:
    """Return the log density of z (draws, people, parameters) under independent Normal priors: (draws, people)."""
    loc, scale = prior
    return np.asarray(-(0.5 * ((z - loc) / scale) ** 2 + np.log(scale) + 0.9189385332046727).sum(axis=-1))


@dataclass(frozen=True, eq=False)
class Objective:
    """Log density of the unconstrained parameters z of every person: `z` is (draws, people, parameters)."""

    equation: Equation
    observed: Observations
    with_prior: bool = True

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        return self.observed.parameters(self.equation)

    @cached_property
    def prior(self) -> tuple[Array, Array]:
        """(loc, scale) of the Normal priors on z, each (parameters,)."""
        return normal_prior(self.parameters, self.observed.log_time)

    @property
    def n_people(self) -> int:
        return len(self.observed.people)

    def predictions(self, z: Array, person: NDArray[np.intp], columns: Any) -> tuple[Array, dict[str, Array]]:
        """Return (predictions, parameters), each (draws, rows), for rows of these persons and columns."""
        values = constrain(np, self.parameters, list(np.moveaxis(z, -1, 0)))
        theta = {name: value[:, person] for name, value in values.items()}
        return np.asarray(self.equation.read_out(self.observed.measure)(np, theta, columns)), theta

    def pointwise(self, z: Array) -> Array:
        """Return the log likelihood of each row: (draws, rows)."""
        from scipy.special import gammaln

        draws = max(1, BLOCK // max(1, self._work))
        blocks = []
        with np.errstate(all="ignore"):
            for start in range(0, len(z), draws):
                part = z[start : start + draws]
                predicted, theta = self.predictions(part, self.observed.person, self.observed.columns)
                blocks.append(log_likelihood(np, gammaln, self.observed, predicted, theta))
        whole = np.concatenate(blocks)
        return np.asarray(np.nan_to_num(whole, nan=IMPOSSIBLE, posinf=IMPOSSIBLE, neginf=IMPOSSIBLE))

    @cached_property
    def _work(self) -> int:
        return sum(column.size for column in self.observed.columns.values())

    def __call__(self, z: Array) -> Array:
        """Return the log posterior (or likelihood) of each person: (draws, people)."""
        starts = np.searchsorted(self.observed.person, np.arange(len(self.observed.people)))
        density = np.add.reduceat(self.pointwise(z), starts, axis=1)
        return density + log_prior(z, self.prior) if self.with_prior else density


def derivatives(density: LogDensity, z: Array) -> tuple[Array, Array, Array]:
    """Return (value, gradient, Hessian) by central differences: (s, u), (s, u, p), (s, u, p, p)."""
    s, u, p = z.shape
    pairs = [(i, j) for i in range(p) for j in range(i + 1, p)]
    moves = [np.zeros(p)]
    for i in range(p):
        moves += [sign * STEP * np.eye(p)[i] for sign in (1, -1)]
    for i, j in pairs:
        moves += [STEP * (a * np.eye(p)[i] + b * np.eye(p)[j]) for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    values = density((z[None] + np.array(moves)[:, None, None]).reshape(-1, u, p)).reshape(len(moves), s, u)
    at, plus, minus = values[0], values[1 : 2 * p + 1 : 2], values[2 : 2 * p + 1 : 2]
    gradient = np.moveaxis((plus - minus) / (2 * STEP), 0, -1)
    hessian = np.zeros((s, u, p, p))
    for i in range(p):
        hessian[..., i, i] = (plus[i] - 2 * at + minus[i]) / STEP**2
    for index, (i, j) in enumerate(pairs):
        pp, pm, mp, mm = values[2 * p + 1 + 4 * index : 2 * p + 5 + 4 * index]
        hessian[..., i, j] = hessian[..., j, i] = (pp - pm - mp + mm) / (4 * STEP**2)
    return at, gradient, hessian


def climb(density: LogDensity, z: Array, *, tolerance: float = 1e-12, iterations: int = 80) -> tuple[Array, Array]:
    """Return (z, density) after damped Newton steps from every start: (starts, people, parameters), (starts, people).

    Each start of each person has its own damping; a step is taken only where it climbs. Curvature that points the
    wrong way is turned round (absolute eigenvalues), so the direction always ascends.
    """
    z = z.copy()
    damping = np.full(z.shape[:2], 1.0)
    active = np.ones(z.shape[:2], dtype=bool)
    value = density(z)
    for _ in range(iterations):
        starts = np.flatnonzero(active.any(axis=1))
        if not len(starts):
            break
        at, gradient, hessian = derivatives(density, z[starts])
        curvature, axes = np.linalg.eigh(np.nan_to_num(-hessian, posinf=1e12, neginf=-1e12))
        pull = np.einsum("supq,sup->suq", axes, np.nan_to_num(gradient))
        step = pull / (np.maximum(np.abs(curvature), 1e-8) + damping[starts, :, None])
        length = np.linalg.norm(step, axis=-1, keepdims=True)
        step *= np.minimum(1.0, 3.0 / np.maximum(length, 1e-300))
        trial = z[starts] + np.einsum("supq,suq->sup", axes, step) * active[starts, :, None]
        found = density(trial)
        better = found > at
        z[starts] = np.where(better[..., None], trial, z[starts])
        value[starts] = np.where(better, found, at)
        damping[starts] = np.where(better, damping[starts] * 0.1, damping[starts] * 10.0)
        # Done where the next step would gain too little to matter, or where damping found no way up.
        gain = np.abs(pull * step).sum(axis=-1)
        active[starts] &= (gain > tolerance * (1 + np.abs(at))) & (damping[starts] < 1e12)
        damping = np.maximum(damping, 1e-10)
    return z, value
