"""Noise on a grid: kernels that are never formed, as they are sums of products of one-dimensional ones.

A kernel N is a matrix whose column x is the law of what is perceived, or produced, when x is there. On M points it
has M² entries; the kernels here apply it in 2 n M steps (n = √M points along an axis).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.models.grids import Grid

Array = NDArray[np.float64]
STRETCH: Final = 0.05
FADE_SD: Final = 0.01


@dataclass(frozen=True, eq=False)
class GridNoise:
    """The kernel N v = (Σ w A v' Bᵀ + share · sum(v') · fade_to) with v' = v / total, over laws v of shape (n, n).

    `terms` are (w, A, B), A and B (n, n) along the two axes; `total` normalises columns that the terms leave unequal.
    """

    terms: tuple[tuple[float, Array, Array], ...]
    share: float = 0.0
    fade_to: Array | None = None
    total: Array | None = None

    def forward(self, v: Array) -> Array:
        """Return N v: the law after noise, (n, n)."""
        if self.total is not None:
            v = v / self.total
        made = sum((w * (a @ v @ b.T) for w, a, b in self.terms), np.zeros_like(v))
        return made if self.fade_to is None else made + self.share * v.sum() * self.fade_to

    def backward(self, v: Array) -> Array:
        """Return Nᵀ v: for each point the mean of v over what is perceived there, (n, n)."""
        made = sum((w * (a.T @ v @ b) for w, a, b in self.terms), np.zeros_like(v))
        if self.fade_to is not None:
            made = made + self.share * (self.fade_to * v).sum()
        return made if self.total is None else made / self.total

    def columns(self, row: int) -> Array:
        """Return the laws of what is perceived at the n points of one row of the grid: (n points, n, n)."""
        n = len(self.terms[0][1])
        made = np.zeros((n, n, n))
        for w, a, b in self.terms:
            made += w * a[:, row][None, :, None] * b.T[:, None, :]
        if self.fade_to is not None:
            made += self.share * self.fade_to
        return made if self.total is None else made / self.total[row][:, None, None]

    def dense(self) -> Array:
        """Return N itself, (n², n²), column = source: for small grids and for checks."""
        n = len(self.terms[0][1])
        return np.concatenate([self.columns(row).reshape(n, -1) for row in range(n)]).T


def _along(grid: Grid, sd: float, shift: float = 0.0) -> Array:
    """Return one-dimensional Gaussian noise with columns that sum to 1: (n, n)."""
    a = np.exp(-(grid.differences(shift) ** 2) / (2 * sd**2))
    return np.asarray(a / a.sum(axis=0))


def gaussian(grid: Grid, level: float) -> GridNoise:
    """Return exp(−d² / 2 level²), normalised."""
    a = _along(grid, level)
    return GridNoise(((1.0, a, a),))


def bimodal(grid: Grid, level: float) -> GridNoise:
    """Return two Gaussians of sd `level`, moved by ±(0.05, 0.05), of equal weight ("stretch")."""
    moved = [_along(grid, level, shift) for shift in (STRETCH, -STRETCH)]
    return GridNoise(tuple((0.5, a, a) for a in moved))


def trimodal(grid: Grid, level: float) -> GridNoise:
    """Return three Gaussians of sd `level`: weight ½ in the middle, ¼ moved by each of ±(0.05, 0.05)."""
    parts = [(w, _along(grid, level, shift)) for w, shift in ((0.25, STRETCH), (0.25, -STRETCH), (0.5, 0.0))]
    return GridNoise(tuple((w, a, a) for w, a in parts))


def fade(grid: Grid, level: float, final: Array) -> GridNoise:
    """Return (1 − level) exp(−d² / 2 0.01²) + level · final, then normalised: a narrow kernel that fades into `final`.

    The narrow kernel is not normalised first, as in the published code; its columns sum to about 1.18 at spacing 0.025,
    so the weight of `final` is not exactly `level`.
    """
    a = np.exp(-(grid.differences() ** 2) / (2 * FADE_SD**2))
    total = (1 - level) * np.outer(a.sum(axis=0), a.sum(axis=0)) + level
    return GridNoise(((1 - level, a, a),), level, final, total)


FAMILIES: Final[Mapping[str, Callable[[Grid, float, Array], GridNoise]]] = {
    "gaussian": lambda grid, level, final: gaussian(grid, level),
    "bimodal": lambda grid, level, final: bimodal(grid, level),
    "trimodal": lambda grid, level, final: trimodal(grid, level),
    "fade": fade,
}
"""Noise families by name: (grid, level, final law) to a kernel."""


def schedule(first: float, last: float, steps: int) -> Array:
    """Return `steps` noise levels from `first` to `last`, evenly spaced: the published schedules are these or constant.

    >>> schedule(0.03, 0.10, 3)
    array([0.03 , 0.065, 0.1  ])
    """
    if steps < 1 or not (0 < first < np.inf and 0 < last < np.inf):
        raise UserError(f"A schedule needs 1 step or more and levels above 0; got {steps} steps, {first} to {last}.")
    return np.linspace(first, last, steps)


def kernels(grid: Grid, family: str, levels: Array, final: Array) -> tuple[GridNoise, ...]:
    """Return the kernel of each level of a schedule; equal levels share one."""
    if family == "fade" and max(levels) > 1:
        raise UserError(f"The levels of fading noise are shares, at most 1; got {max(levels)}.")
    made = {float(level): FAMILIES[family](grid, float(level), final) for level in np.unique(levels)}
    return tuple(made[float(level)] for level in levels)
