"""Distances between stimuli that vary continuously: values on a line, angles on a circle, patterns of dots."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def turned(a: Any, b: Any, *, period: float = 360.0) -> Array:
    """Return a − b the short way round, from −period/2 to period/2 (the former excluded).

    >>> float(turned(350.0, 10.0)), float(turned(10.0, 350.0))
    (-20.0, 20.0)
    """
    apart = np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64)
    return np.asarray(apart - period * np.ceil(apart / period - 0.5))


def dispersion(dots: Array) -> Array:
    """Return the root mean square distance of dots to their own centroid; `dots` is (..., dots, 2).

    >>> float(dispersion(np.array([[-3.0, 0.0], [3.0, 0.0]])))
    3.0
    """
    apart = dots - dots.mean(axis=-2, keepdims=True)
    return np.asarray(np.sqrt((apart**2).sum(axis=-1).mean(axis=-1)))


def nearest_neighbour(dots: Array) -> Array:
    """Return the mean distance of a dot to the nearest other one; `dots` is (..., dots, 2), two dots or more.

    >>> float(nearest_neighbour(np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]])))
    1.6666666666666667
    """
    squares = ((dots[..., :, None, :] - dots[..., None, :, :]) ** 2).sum(axis=-1)
    n = dots.shape[-2]
    squares[..., np.arange(n), np.arange(n)] = np.inf
    return np.asarray(np.sqrt(squares.min(axis=-1)).mean(axis=-1))


def matched(before: Array, after: Array) -> Array:
    """Return the dots of `after` in the order of those of `before` that they lie nearest to: (patterns, dots, 2).

    The pairing makes the sum of all distances least (linear sum assignment), as dots have no names.
    """
    from scipy.optimize import linear_sum_assignment

    made = np.empty_like(after)
    for k, (first, second) in enumerate(zip(before, after, strict=True)):
        distances = np.sqrt(((first[:, None] - second) ** 2).sum(axis=-1))
        rows, columns = linear_sum_assignment(distances)
        made[k, rows] = second[columns]
    return made


def matched_distance(before: Array, after: Array) -> Array:
    """Return the mean distance between dots paired best, for each pattern: (patterns,)."""
    return np.asarray(np.sqrt(((before - matched(before, after)) ** 2).sum(axis=-1)).mean(axis=-1))
