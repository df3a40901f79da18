"""Grids on which laws and noise are exact, and the laws of Marjieh et al.'s study of diffusion."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.divergences import law
from cogmem.errors import UserError

MOST_POINTS: Final = 401


@dataclass(frozen=True)
class Grid:
    """The square [−0.5, 0.5]² with points every `spacing`, both ends of each axis included; distances have period 1.

    So the first and last point of an axis are one point of the torus, held twice: as in the published code, whose
    numbers depend on it.

    >>> Grid(0.025).n
    41
    """

    spacing: float

    def __post_init__(self) -> None:
        intervals = 1.0 / self.spacing if self.spacing > 0 else 0.0
        if not (1 <= round(intervals) < MOST_POINTS and np.isclose(intervals, round(intervals))):
            raise UserError(
                f"A grid's spacing divides 1 into whole parts, from 1 to {MOST_POINTS - 1} of them (0.025 makes 40); "
                f"got {self.spacing}."
            )

    @property
    def n(self) -> int:
        """Points along one axis; a law has shape (n, n)."""
        return round(1.0 / self.spacing) + 1

    @property
    def axis(self) -> NDArray[np.float64]:
        """The coordinates along one axis: (n,)."""
        return np.linspace(-0.5, 0.5, self.n)

    def differences(self, shift: float = 0.0) -> NDArray[np.float64]:
        """Return how far each point (row) is from each point moved by `shift` (column), the short way: (n, n)."""
        apart = self.axis[:, None] - self.axis - shift
        return np.asarray(apart - np.round(apart))

    def points(self) -> NDArray[np.float64]:
        """Return the coordinates of every point: (n, n, 2)."""
        return np.stack(np.meshgrid(self.axis, self.axis, indexing="ij"), axis=-1)


def uniform(grid: Grid) -> NDArray[np.float64]:
    """Return equal mass on every point."""
    return law(np.ones((grid.n, grid.n)))


def swiss_roll(grid: Grid) -> NDArray[np.float64]:
    """Return the swiss roll: the points within 0.04 of the spiral have 0.9 of the mass, 0.1 is spread over all.

    t = 1.5 π (1 + 2 u) for u = 0, 0.01, …, 1; the spiral (t sin t, −t cos t), each axis scaled to [−0.4, 0.4].
    """
    t = 1.5 * np.pi * (1 + 2 * np.linspace(0, 1, 101))
    spiral = np.stack([t * np.sin(t), -t * np.cos(t)], axis=1)
    spiral = 0.8 * (spiral - spiral.min(axis=0)) / np.ptp(spiral, axis=0) - 0.4
    nearest = np.full((grid.n, grid.n), np.inf)
    for x, y in spiral:
        nearest = np.minimum(nearest, ((grid.axis - x) ** 2)[:, None] + (grid.axis - y) ** 2)
    return 0.9 * law(nearest < 0.04**2) + 0.1 * uniform(grid)


def three_modes(grid: Grid) -> NDArray[np.float64]:
    """Return the sum of N((.1, .2), W I), N((−.2, −.1), W I) and N((.2, −.2), W [[2, 1], [1, 2]]), W = 8 × 0.04²."""
    w = 8 * 0.04**2
    parts = (((0.1, 0.2), np.eye(2)), ((-0.2, -0.1), np.eye(2)), ((0.2, -0.2), np.array([[2.0, 1.0], [1.0, 2.0]])))
    total = np.zeros((grid.n, grid.n))
    for mean, shape in parts:
        apart = grid.points() - np.array(mean)
        quadratic = np.einsum("...i,ij,...j", apart, np.linalg.inv(w * shape), apart)
        total += np.exp(-quadratic / 2) / np.sqrt(np.linalg.det(2 * np.pi * w * shape))
    return law(total)


LAWS: Final[Mapping[str, Callable[[Grid], NDArray[np.float64]]]] = {
    "swiss_roll": swiss_roll,
    "three_modes": three_modes,
    "uniform": uniform,
}
"""The laws by name: what a diffusion model is to generate, or where its sampler starts."""
