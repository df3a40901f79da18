"""Bayesian reproducers of angles: hue, direction, orientation. Degrees outside, radians inside.

The noise is von Mises with concentration κ; a prior that is a mixture of von Mises laws gives a posterior of the same
kind, in closed form: the product of two von Mises densities is one whose resultant is the sum of theirs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.subjects.reproducer import Rule, known_rule, shown
from cogmem.trials import frozen_array

Array = NDArray[np.float64]


def concentration(sd: float) -> float:
    """Return the κ of the von Mises law whose circular standard deviation is `sd` degrees: 1/κ nearly, in radians.

    Solved for I1(κ)/I0(κ) = exp(−sd² / 2).
    """
    from scipy.optimize import brentq
    from scipy.special import i0e, i1e

    if not 0 < sd < 200:
        raise UserError(f"The standard deviation of angles lies between 0 and 200 degrees; got {sd}.")
    length = np.exp(-0.5 * np.deg2rad(sd) ** 2)
    return float(brentq(lambda kappa: i1e(kappa) / i0e(kappa) - length, 1e-9, 1e7))


def pick(density: Array, rule: Rule, temper: float, rng: np.random.Generator) -> Array:
    """Return an angle in degrees from each posterior over `cells` even parts of the circle: (n, cells) to (n,)."""
    n, cells = density.shape
    centres = (np.arange(cells) + 0.5) * 360.0 / cells
    if rule == "map":
        return np.asarray(centres[density.argmax(axis=1)])
    if rule == "mean":
        return np.asarray(np.rad2deg(np.angle(density @ np.exp(1j * np.deg2rad(centres)))) % 360.0)
    edges = np.cumsum(density**temper, axis=1)
    chosen = (edges < (rng.random(n) * edges[:, -1])[:, None]).sum(axis=1)
    return np.asarray((chosen + rng.random(n)) * 360.0 / cells)


@dataclass(frozen=True)
class VonMisesReproducer:
    """A reproducer of angles whose prior is `spread` of an even law and the rest a mixture of von Mises laws.

    `means` and `sds` (circular) in degrees; `noise_sd` is the circular sd of what is seen around the stimulus.
    """

    means: tuple[float, ...]
    sds: tuple[float, ...]
    weights: tuple[float, ...]
    noise_sd: float
    spread: float = 0.0
    rule: Rule = "sample"
    temper: float = 1.0
    name: str = "von_mises_reproducer"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item"})
    cells: int = 720

    def __post_init__(self) -> None:
        known_rule(self.rule, self.temper)
        for name in ("means", "sds", "weights"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        if len({len(self.means), len(self.sds), len(self.weights)}) != 1 or not 0 <= self.spread <= 1:
            raise UserError(
                "A prior of angles needs as many means as sds and weights, and a spread from 0 to 1; got "
                f"{self.means}, {self.sds}, {self.weights}, {self.spread}."
            )
        if self.spread < 1 and not (self.weights and min(self.weights) >= 0 and sum(self.weights) > 0):
            raise UserError(
                f"The prior of angles has no mass: its weights are {self.weights} and spread {self.spread}."
            )
        for sd in (*self.sds, self.noise_sd):
            concentration(sd)

    def components(self, y: Array) -> tuple[Array, Array, Array]:
        """Return (weights, means in radians, κ) of the posterior's components given each y in degrees: (n, parts)."""
        from scipy.special import i0e

        noise = concentration(self.noise_sd)
        shares = np.asarray(self.weights) / max(sum(self.weights), 1e-300) * (1 - self.spread)
        kappas = np.array([0.0, *(concentration(sd) for sd in self.sds)])
        shares = np.array([self.spread, *shares])
        centres = np.deg2rad([0.0, *self.means])
        sums = kappas * np.exp(1j * centres) + noise * np.exp(1j * np.deg2rad(y))[:, None]
        length = np.abs(sums)
        with np.errstate(divide="ignore"):
            log = np.log(shares) + np.log(i0e(length)) + length - np.log(i0e(kappas)) - kappas
        weights = np.exp(log - log.max(axis=1, keepdims=True))
        return weights / weights.sum(axis=1, keepdims=True), np.angle(sums), length

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each angle, in degrees from 0 to 360."""
        x = shown(design, "circle", who=self.name)
        y = x + np.rad2deg(rng.vonmises(0.0, concentration(self.noise_sd), len(x)))
        weights, means, kappas = self.components(y)
        if self.rule == "sample":
            chosen = (np.cumsum(weights, axis=1) < rng.random(len(x))[:, None]).sum(axis=1).clip(max=len(self.means))
            row = np.arange(len(x))
            return np.asarray(np.rad2deg(rng.vonmises(means[row, chosen], kappas[row, chosen])) % 360.0)
        from scipy.special import i0e, i1e

        if self.rule == "mean":
            resultant = (weights * i1e(kappas) / i0e(kappas) * np.exp(1j * means)).sum(axis=1)
            return np.asarray(np.rad2deg(np.angle(resultant)) % 360.0)
        theta = np.deg2rad((np.arange(self.cells) + 0.5) * 360.0 / self.cells)
        apart = np.cos(theta[:, None] - means[:, None]) - 1.0
        density = (weights / i0e(kappas))[:, None] * np.exp(kappas[:, None] * apart)
        return pick(density.sum(axis=-1), self.rule, self.temper, rng)


@dataclass(frozen=True, eq=False)
class AttractorReproducer:
    """A population of reproducers of angles, each with a prior of its own: log π_i(θ) = Σ_k a_ik cos kθ + b_ik sin kθ.

    `cosines` and `sines` are (people, harmonics), `noise_sds` (people,) in degrees. The participants of a design are
    these people in order of appearance, from the first again when there are more.
    """

    cosines: Array
    sines: Array
    noise_sds: Array
    rule: Rule = "sample"
    temper: float = 1.0
    name: str = "individual_attractors"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item", "participant"})
    cells: int = 360

    def __post_init__(self) -> None:
        known_rule(self.rule, self.temper)
        for name in ("cosines", "sines", "noise_sds"):
            object.__setattr__(self, name, frozen_array(np.asarray(getattr(self, name), dtype=np.float64)))
        people = len(self.noise_sds)
        if self.cosines.shape != self.sines.shape or self.cosines.shape[:1] != (people,) or not people:
            raise UserError(
                f"Attractors need cosines and sines of one shape (people, harmonics) and one noise_sd a person; got "
                f"{self.cosines.shape}, {self.sines.shape}, {self.noise_sds.shape}."
            )
        if not (self.noise_sds > 0).all():
            raise UserError(f"Each reproducer needs a noise_sd above 0; the least is {self.noise_sds.min()}.")

    def log_prior(self) -> Array:
        """Return each person's log prior on even parts of the circle, up to a constant: (people, cells)."""
        theta = np.deg2rad((np.arange(self.cells) + 0.5) * 360.0 / self.cells)
        k = np.arange(1, self.cosines.shape[1] + 1)[:, None] * theta
        return np.asarray(self.cosines @ np.cos(k) + self.sines @ np.sin(k))

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each angle, in degrees from 0 to 360."""
        x = shown(design, "circle", who=self.name)
        names = design.tests["participant"]
        _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
        who = np.argsort(np.argsort(first))[inverse] % len(self.noise_sds)
        sd = self.noise_sds[who]
        y = x + sd * rng.standard_normal(len(x))
        centres = (np.arange(self.cells) + 0.5) * 360.0 / self.cells
        apart = (centres - y[:, None] + 180.0) % 360.0 - 180.0
        log = self.log_prior()[who] - 0.5 * (apart / sd[:, None]) ** 2
        return pick(np.exp(log - log.max(axis=1, keepdims=True)), self.rule, self.temper, rng)
