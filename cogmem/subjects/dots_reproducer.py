"""A Bayesian reproducer of dot patterns, who sees a pattern by its own centre and size and may expect dots in groups.

Prior of a pattern, in units of its own size: dots join groups by a Chinese restaurant process (Aldous, 1985), group
centres are N(0, between²), dots N(centre, within²). What is seen is N(dot, noise²), and the whole pattern is misplaced
by N(0, location_sd²). Independent dots are the case of one dot a group: they shrink together, but do not cluster.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.patterns import dispersion
from cogmem.subjects.reproducer import shown

Array = NDArray[np.float64]


@dataclass(frozen=True)
class DotsReproducer:
    """A reproducer of dots. `noise`, `between` and `within` are sds along an axis, in units of the pattern's own sd.

    `location_sd` is in units of the display. `concentration` is that of the Chinese restaurant process; None: every dot
    stands for itself, with prior N(0, between²). Groups are inferred by `sweeps` sweeps of Gibbs sampling over the dots
    with centres integrated out (Neal, 2000, algorithm 3), after one pass that seats them in turn. Under the rule "mean"
    groups are drawn, and centres and dots are the posterior means given them.
    """

    location_sd: float
    noise: float
    between: float
    within: float = 0.0
    concentration: float | None = None
    rule: Literal["sample", "mean"] = "sample"
    sweeps: int = 1
    name: str = "dots_reproducer"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item"})

    def __post_init__(self) -> None:
        named = ("location_sd", "noise", "between", *(("within", "concentration") if self.grouped else ()))
        for name in named:
            if not 0 < getattr(self, name) < np.inf:
                raise UserError(f"{self.name} needs {name} above 0 and finite; got {getattr(self, name)}.")
        if self.rule not in ("sample", "mean"):
            raise UserError(f"{self.name} has the rules sample and mean; got {self.rule!r}.")

    @property
    def grouped(self) -> bool:
        """Whether dots are expected in groups."""
        return self.concentration is not None

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each pattern: (tests, dots, 2)."""
        return self.reproduce(shown(design, "dots", who=self.name), rng)

    def reproduce(self, x: Array, rng: np.random.Generator) -> Array:
        """Return a reproduction of each of the patterns `x`: (patterns, dots, 2)."""
        centre = x.mean(axis=1, keepdims=True)
        size = np.maximum(dispersion(x), 1e-9)[:, None, None] / np.sqrt(2)
        y = (x - centre) / size + self.noise * rng.standard_normal(x.shape)
        made = self._in_groups(y, rng) if self.grouped else self._alone(y, rng)
        return np.asarray(centre + self.location_sd * rng.standard_normal(centre.shape) + size * made)

    def _alone(self, y: Array, rng: np.random.Generator) -> Array:
        gain = self.between**2 / (self.between**2 + self.noise**2)
        drawn = self.rule == "sample"
        return np.asarray(gain * y + drawn * np.sqrt(gain) * self.noise * rng.standard_normal(y.shape))

    def _in_groups(self, y: Array, rng: np.random.Generator) -> Array:
        group, counts, sums = self.groups(y, rng)
        spread = self.within**2 + self.noise**2
        precision = 1 / self.between**2 + counts / spread
        centre = sums / spread / precision[..., None]
        drawn = self.rule == "sample"
        if drawn:
            centre = centre + rng.standard_normal(centre.shape) / np.sqrt(precision)[..., None]
        own = np.take_along_axis(centre, group[..., None], axis=1)
        gain = self.within**2 / spread
        left = drawn * np.sqrt(gain) * self.noise
        return np.asarray(gain * y + (1 - gain) * own + left * rng.standard_normal(y.shape))

    def groups(self, y: Array, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array, Array]:
        """Return (group of each dot, dots in each group, sum of their places) drawn for the seen patterns `y`.

        Shapes (patterns, dots), (patterns, dots) and (patterns, dots, 2): there are at most as many groups as dots.
        """
        n, dots, _ = y.shape
        row = np.arange(n)
        group = np.full((n, dots), -1)
        counts, sums = np.zeros((n, dots)), np.zeros((n, dots, 2))
        for sweep in range(1 + self.sweeps):
            for dot in range(dots):
                place = y[:, dot]
                if sweep:
                    counts[row, group[:, dot]] -= 1
                    sums[row, group[:, dot]] -= place
                chosen = self._seat(place, counts, sums, rng)
                group[:, dot] = chosen
                counts[row, chosen] += 1
                sums[row, chosen] += place
        return group, counts, sums

    def _seat(self, place: Array, counts: Array, sums: Array, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return a group for one dot of each pattern, drawn given the groups of the others."""
        spread = self.within**2 + self.noise**2
        precision = 1 / self.between**2 + counts / spread
        variance = spread + 1 / precision
        squares = ((place[:, None] - sums / spread / precision[..., None]) ** 2).sum(axis=-1)
        empty = counts < 0.5
        # Empty groups are all alike; the first of them stands for a new group.
        new = empty & (np.cumsum(empty, axis=1) == 1)
        weight = np.where(new, self.concentration or 0.0, np.where(empty, 0.0, counts))
        with np.errstate(divide="ignore"):
            log = np.log(weight) - np.log(variance) - 0.5 * squares / variance
        return np.asarray((log + rng.gumbel(size=log.shape)).argmax(axis=1))
