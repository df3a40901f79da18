"""What a reproducer has seen before it takes an experiment: laws that its stimuli are drawn from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.spaces import Images, Plane, Space

Array = NDArray[np.float64]


def even(space: Space, n: int, rng: np.random.Generator) -> Array:
    """Return stimuli drawn evenly from the space, as the roots of chains are."""
    return space.even(n, rng)


def _square(space: Space, name: str) -> Plane:
    if not isinstance(space, Plane):
        raise UserError(f"The environment {name} is of points of a plane; these stimuli are of the space {space.name}.")
    return space


def swiss_roll(space: Space, n: int, rng: np.random.Generator) -> Array:
    """Return points spread evenly within 0.04 of a spiral, a tenth of them anywhere (Marjieh et al., 2023).

    t = 1.5 π (1 + 2 u), spiral (t sin t, −t cos t), each axis scaled to four fifths of the square.
    """
    square = _square(space, "swiss_roll")
    t = 1.5 * np.pi * (1 + 2 * np.linspace(0, 1, 101))
    spiral = np.stack([t * np.sin(t), -t * np.cos(t)], axis=1)
    spiral = 0.8 * (spiral - spiral.min(axis=0)) / np.ptp(spiral, axis=0) - 0.4
    unit = rng.random((n, 2)) - 0.5
    waiting = np.flatnonzero(rng.random(n) >= 0.1)
    while len(waiting):
        far = ((unit[waiting][:, None] - spiral) ** 2).sum(axis=-1).min(axis=1) >= 0.04**2
        waiting = waiting[far]
        unit[waiting] = rng.random((len(waiting), 2)) - 0.5
    return np.asarray((square.low + square.high) / 2 + square.width * unit)


def three_modes(space: Space, n: int, rng: np.random.Generator) -> Array:
    """Return points of three Gaussians, two round and one long (Marjieh et al., 2023)."""
    square, w = _square(space, "three_modes"), 8 * 0.04**2
    means = np.array([[0.1, 0.2], [-0.2, -0.1], [0.2, -0.2]])
    roots = np.stack([np.eye(2), np.eye(2), np.linalg.cholesky(np.array([[2.0, 1.0], [1.0, 2.0]]))])
    chosen = rng.integers(0, 3, n)
    unit = means[chosen] + np.sqrt(w) * np.einsum("nij,nj->ni", roots[chosen], rng.standard_normal((n, 2)))
    return square.clipped((square.low + square.high) / 2 + square.width * unit)


def bars(space: Space, n: int, rng: np.random.Generator) -> Array:
    """Return images of one bright bar on a dark ground, upright or level, at any of their rows (after Földiák, 1990).

    Pixels are 0.1 and 0.9 and vary around that by an sd of 0.03.
    """
    if not isinstance(space, Images):
        raise UserError(f"The environment bars is of images; these stimuli are of the space {space.name}.")
    side = space.n_pixels
    level, place = rng.random(n) < 0.5, rng.integers(0, side, n)
    on = np.arange(side) == place[:, None]
    bright = np.where(level[:, None, None], on[:, :, None], on[:, None, :])
    return space.clipped(0.1 + 0.8 * bright + 0.03 * rng.standard_normal((n, side, side)))


ENVIRONMENTS: Final[Mapping[str, Callable[[Space, int, np.random.Generator], Array]]] = {
    "even": even,
    "swiss_roll": swiss_roll,
    "three_modes": three_modes,
    "bars": bars,
}


def environment(name: str) -> Callable[[Space, int, np.random.Generator], Array]:
    """Return the environment of that name: (space, n, rng) to n stimuli; UserError names the nearest one."""
    if name not in ENVIRONMENTS:
        raise UserError(f"There is no environment {name!r}; {nearest(name, ENVIRONMENTS)}")
    return ENVIRONMENTS[name]
