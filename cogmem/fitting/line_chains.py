"""Fitting reproducers to people's chains of values on a line, by the exact density of each reproduction.

Given the value before, the next is scored by what a reproducer who draws from the posterior would answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Record, Subject
from cogmem.errors import UserError
from cogmem.subjects.reproducer import GaussianReproducer, MixtureReproducer

Array = NDArray[np.float64]

NODES: Final = 16
"""Gauss-Hermite nodes over what may have been seen: exact where noise is no wider than a few components."""


@dataclass(frozen=True, eq=False)
class Steps:
    """Reproductions of values: `before` and `after` (n,), `root` and `generation` of each."""

    before: Array
    after: Array
    root: NDArray[np.int64]
    generation: NDArray[np.int64]

    def where(self, chosen: NDArray[np.bool_]) -> Steps:
        """Return the chosen reproductions."""
        return Steps(self.before[chosen], self.after[chosen], self.root[chosen], self.generation[chosen])


def steps_of(record: Record) -> Steps:
    """Return the reproductions of chains on a line; UserError for another space, or values that never vary."""
    if record.design.settings.get("space") != "line":
        raise UserError(f"{record.subject} is of the space {record.design.settings.get('space')!r}; a line is needed.")
    tests = record.design.tests
    before = np.asarray(record.design.items[tests["target"]], dtype=np.float64)
    found = Steps(before, np.asarray(record.answers, dtype=np.float64), tests["root_number"], tests["generation"])
    if not np.ptp(found.before) > 0 or not np.ptp(found.after) > 0:
        raise UserError(f"{record.subject}: all values are the same, and no prior can be told from them.")
    return found


def normal(x: Array, mean: Array, sd: Array | float) -> Array:
    """Return the log density of the normal law."""
    return np.asarray(-0.5 * ((x - mean) / sd) ** 2 - np.log(sd) - 0.5 * np.log(2 * np.pi))


def random_walk(steps: Steps) -> float:
    """Return the sd of a reproducer without a prior, x' ~ N(x, sd²)."""
    return float(np.sqrt(((steps.after - steps.before) ** 2).mean()))


def autoregressive(steps: Steps) -> GaussianReproducer:
    """Return the reproducer with one Gaussian prior whose chain is the least-squares regression of after on before."""
    slope = float(np.clip(np.polyfit(steps.before, steps.after, 1)[0], 1e-6, 1 - 1e-6))
    mean = float((steps.after - slope * steps.before).mean() / (1 - slope))
    left = steps.after - slope * steps.before - (1 - slope) * mean
    spread = float(left.std() / np.sqrt(1 - slope**2))
    return GaussianReproducer(mean, spread, spread * float(np.sqrt((1 - slope) / slope)))


def log_density(subject: Subject, steps: Steps) -> Array:
    """Return the log density of each reproduction given the value before: (n,)."""
    if isinstance(subject, GaussianReproducer):
        slope, shift, sd = subject.coefficients()
        return normal(steps.after, slope * steps.before + shift, sd)
    if isinstance(subject, MixtureReproducer):
        return _mixture_density(subject, steps)
    raise UserError(f"{subject.name} has no density of values on a line.")


def _mixture_density(subject: MixtureReproducer, steps: Steps) -> Array:
    """Return log ∫ N(y | x, noise²) p(x' | y) dy over what may have been seen."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    y = (steps.before[:, None] + subject.noise_sd * nodes).ravel()
    shares, means, sds = subject.posterior(y)
    z = (np.repeat(steps.after, NODES)[:, None] - means) / sds
    density = (shares * np.exp(-0.5 * z**2) / sds).sum(axis=1).reshape(-1, NODES) @ (weights / weights.sum())
    # A value that no category explains keeps a density that has a logarithm.
    return np.asarray(np.log(np.maximum(density, 1e-300)) - 0.5 * np.log(2 * np.pi))


def fit_mixture(steps: Steps, *, components: int, seed: int, starts: int = 3) -> MixtureReproducer:
    """Return the likeliest reproducer whose prior has several categories; the best of several starts."""
    from scipy.optimize import minimize

    rng, scale = np.random.default_rng(seed), float(np.std(steps.after))
    step = random_walk(steps)

    def made(x: Array) -> MixtureReproducer:
        means, sds = x[:components], np.exp(np.clip(x[components : 2 * components], -7, 3)) * scale
        logits = np.append(x[2 * components : 3 * components - 1], 0.0)
        weights = np.exp(logits - logits.max())
        noise = float(np.exp(np.clip(x[-1], -7, 3)) * scale)
        name = f"mixture_of_{components}"
        return MixtureReproducer(
            tuple(steps.after.mean() + scale * means), tuple(sds), tuple(np.maximum(weights, 1e-6)), noise, name=name
        )

    def lack(x: Array) -> float:
        return float(-log_density(made(x), steps).mean())

    best = None
    for _ in range(starts):
        means = np.sort((rng.choice(steps.after, components) - steps.after.mean()) / scale)
        start = np.concatenate([means, np.full(components, -0.7), np.zeros(components - 1), [np.log(step / scale)]])
        found = minimize(lack, start, method="L-BFGS-B", options={"maxiter": 60})
        best = found if best is None or found.fun < best.fun else best
    assert best is not None
    return made(best.x)
