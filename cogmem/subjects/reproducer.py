"""Bayesian reproducers of values on a line, and of dots whose coordinates are independent values.

A reproducer sees a stimulus x through noise, y ~ N(x, noise_sd²), and reconstructs it under a prior: a draw from the
posterior ("sample"), its mean, its mode ("map"), or a draw from the posterior raised to a power ("tempered").
Xu & Griffiths (2010); Griffiths & Kalish (2007).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.kernels.chains import gaussian_coefficients, mixture_chains
from cogmem.names import nearest
from cogmem.spaces import space_of

Array = NDArray[np.float64]
Rule = Literal["sample", "mean", "map", "tempered"]

RULES: Final = ("sample", "mean", "map", "tempered")
CELLS: Final = 512
"""Points of the grid that tempered posteriors of several components are drawn from."""


def shown(design: Design, *spaces: str, who: str) -> Array:
    """Return what each test of `design` showed: (tests, *shape); UserError for another space than `spaces`."""
    space = space_of(design.settings).name
    if space not in spaces:
        raise UserError(f"{who} reproduces stimuli of the space {', '.join(spaces)}; this design has {space!r}.")
    return np.asarray(design.items[design.tests["item"]], dtype=np.float64)


def known_rule(rule: str, temper: float) -> None:
    """Check a rule and its power: UserError names the nearest rule, or says that the power belongs to "tempered"."""
    if rule not in RULES:
        raise UserError(f"A reproducer has no rule {rule!r}; {nearest(rule, RULES)}")
    if not temper > 0 or (rule != "tempered" and temper != 1.0):
        raise UserError(f"temper is the power of the posterior under the rule tempered, above 0; got {temper}, {rule}.")


@dataclass(frozen=True)
class GaussianReproducer:
    """A reproducer with the prior N(prior_mean, prior_sd²), a chain of whom is a first-order autoregression.

    With λ = prior_sd² / (prior_sd² + noise_sd²), x' = λ x + (1 − λ) prior_mean + noise. `tracked` says what the chain
    is made of: "percept", the reconstructions themselves (stationary law: the prior), or "produced", reconstructions
    with the noise added that the next one sees (stationary law: the prior predictive, variance prior_sd² + noise_sd²).
    """

    prior_mean: float
    prior_sd: float
    noise_sd: float
    rule: Rule = "sample"
    tracked: Literal["percept", "produced"] = "percept"
    temper: float = 1.0
    name: str = "gaussian_reproducer"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item"})

    def __post_init__(self) -> None:
        known_rule(self.rule, self.temper)
        self.coefficients()

    def coefficients(self) -> tuple[float, float, float]:
        """Return (slope, shift, sd) of x' = slope x + shift + sd z."""
        rule = "sample" if self.rule == "tempered" else self.rule
        made = gaussian_coefficients(
            prior_mean=self.prior_mean, prior_sd=self.prior_sd, noise_sd=self.noise_sd, rule=rule,
            tracked=self.tracked, temper=self.temper,
        )  # fmt: skip
        slope, shift, sd = (float(value) for value in made)
        return slope, shift, sd

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each stimulus, in its shape."""
        x = shown(design, "line", "plane", "dots", who=self.name)
        slope, shift, sd = self.coefficients()
        return slope * x + shift + sd * rng.standard_normal(x.shape)


@dataclass(frozen=True)
class MixtureReproducer:
    """A reproducer whose prior is a mixture of Gaussians: several categories, or attractors, on a line."""

    means: tuple[float, ...]
    sds: tuple[float, ...]
    weights: tuple[float, ...]
    noise_sd: float
    rule: Rule = "sample"
    temper: float = 1.0
    name: str = "mixture_reproducer"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item"})

    def __post_init__(self) -> None:
        known_rule(self.rule, self.temper)
        for name in ("means", "sds", "weights"):
            object.__setattr__(self, name, tuple(float(value) for value in getattr(self, name)))
        lengths = {len(self.means), len(self.sds), len(self.weights)}
        if len(lengths) != 1 or not self.means or min(self.sds) <= 0 or min(self.weights) < 0 or sum(self.weights) <= 0:
            raise UserError(
                "A mixture needs as many means as sds (above 0) and weights (not negative, one above 0); got "
                f"{self.means}, {self.sds}, {self.weights}."
            )
        if not self.noise_sd > 0:
            raise UserError(f"A reproducer needs a noise_sd above 0; got {self.noise_sd}.")

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each stimulus, in its shape: one generation of the kernel `mixture_chains`."""
        x = shown(design, "line", "plane", "dots", who=self.name)
        if self.rule == "tempered":
            return self._tempered(x.ravel(), rng).reshape(x.shape)
        made = mixture_chains(
            x.ravel(), means=self.means, sds=self.sds, weights=self.weights, noise_sd=self.noise_sd, keep=[1],
            rule=self.rule, seed=int(rng.integers(2**62)),
        )  # fmt: skip
        return np.asarray(made[0], dtype=np.float64).reshape(x.shape)

    def posterior(self, y: Array) -> tuple[Array, Array, Array]:
        """Return (weights, means, sds) of the components of the posterior given each y: (n, components)."""
        means, sds, weights = (np.asarray(part) for part in (self.means, self.sds, self.weights))
        total = sds**2 + self.noise_sd**2
        with np.errstate(divide="ignore"):
            log = np.log(weights) - 0.5 * np.log(total) - 0.5 * (y[:, None] - means) ** 2 / total
        shares = np.exp(log - log.max(axis=1, keepdims=True))
        gain = sds**2 / total
        spread = np.broadcast_to(np.sqrt(gain) * self.noise_sd, shares.shape)
        return shares / shares.sum(axis=1, keepdims=True), gain * y[:, None] + (1 - gain) * means, spread

    def _tempered(self, x: Array, rng: np.random.Generator) -> Array:
        y = x + self.noise_sd * rng.standard_normal(len(x))
        shares, means, sds = self.posterior(y)
        wide = 4 / min(1.0, np.sqrt(self.temper))
        low, high = (means - wide * sds).min(axis=1), (means + wide * sds).max(axis=1)
        place = (np.arange(CELLS) + 0.5) / CELLS
        grid = low[:, None] + (high - low)[:, None] * place
        z = (grid[:, :, None] - means[:, None]) / sds[:, None]
        density = ((shares / sds)[:, None] * np.exp(-0.5 * z**2)).sum(axis=-1) ** self.temper
        edges = np.cumsum(density, axis=1)
        chosen = (edges < (rng.random(len(x)) * edges[:, -1])[:, None]).sum(axis=1)
        return np.asarray(low + (high - low) * (chosen + rng.random(len(x))) / CELLS)
