"""Which noisy score is the highest in numba: one row a turn, rows side by side.

The normal distribution function is read from a table and between its places by a cubic that has the function's values
and slopes at both (Hermite): 1e-12 from it, in a third of the time that erfc and exp take.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.strongest import DENSITY, LEAST, PANEL, PANELS, REACH, ROOT_2, Nodes

Array = NDArray[np.float64]

PLACES: Final = 256
"""Of the table, in a standard deviation."""
EDGE: Final = REACH + 1.0
"""Places end here: no score is asked for farther out."""
_Z: Final = np.arange(-EDGE * PLACES, EDGE * PLACES + 1) / PLACES
BELOW: Final = np.array([0.5 * math.erfc(-z / ROOT_2) for z in _Z])
DENSE: Final = DENSITY * np.exp(-0.5 * _Z**2)


@njit
def _power(base: Any, count: Any) -> Any:
    """Return base ** count: counts are whole numbers nearly always."""
    whole = int(count)
    if whole != count:
        return base**count
    made, square = 1.0, base
    while whole > 0:
        if whole & 1:
            made *= square
        square *= square
        whole >>= 1
    return made


@njit
def _row(
    mean: Any, sd: Any, count: Any, criterion: Any, x: Any, w: Any, table: Any, slope: Any, parts: Any, made: Any
) -> None:  # fmt: skip
    sharp, below, dense = parts
    high, low, narrow = -np.inf, criterion, np.inf
    for c in range(len(mean)):
        made[c], sharp[c] = 0.0, 1.0 / sd[c]
        if count[c] > 0.0:
            high = max(high, mean[c] + REACH * sd[c])
            low = max(low, mean[c] - REACH * sd[c])
            narrow = min(narrow, sd[c])
    passed = 0.0
    if high > low:
        panels: Any = min(PANELS, math.ceil((high - low) / (PANEL * narrow)))
        width = (high - low) / panels
        for node in range(len(x) * panels):
            all_below, at = w[node % len(x)] * width, low + width * (node // len(x) + x[node % len(x)])
            for c in range(len(mean)):
                z = (at - mean[c]) * sharp[c]
                dense[c] = 0.0
                if count[c] > 0.0 and z < REACH:
                    # No node is farther below a score than REACH: it is above every score's lower end.
                    place = (z + EDGE) * PLACES
                    k = int(place)
                    t, step = place - k, 1.0 / PLACES
                    # Shares of the values and slopes at both places.
                    b = t * t * (3.0 - 2.0 * t)
                    c0, c1 = t * (1.0 - t) * (1.0 - t) * step, t * t * (t - 1.0) * step
                    left = k * step - EDGE
                    chance = (1.0 - b) * table[k] + b * table[k + 1] + c0 * slope[k] + c1 * slope[k + 1]
                    below[c] = max(chance, LEAST)
                    dense[c] = (1.0 - b - c0 * left) * slope[k] + (b - c1 * (left + step)) * slope[k + 1]
                    # Most columns are one trace, whose power costs nothing.
                    all_below *= below[c] if count[c] == 1.0 else _power(below[c], count[c])
            for c in range(len(mean)):
                if dense[c] > 0.0:
                    share = all_below * count[c] * dense[c] * sharp[c] / below[c]
                    made[c] += share
                    passed += share
    made[len(mean)] = max(0.0, 1.0 - passed)


@njit(parallel=True, nogil=True)
def _rows(mean: Any, sd: Any, count: Any, criterion: Any, x: Any, w: Any, table: Any, slope: Any, made: Any) -> None:
    for row in prange(len(mean)):
        parts = np.empty((3, mean.shape[1]))
        _row(mean[row], sd[row], count[row], criterion[row], x, w, table, slope, parts, made[row])


def strongest(mean: Array, sd: Array, count: Array, criterion: Array, nodes: Nodes) -> Array:
    """Return the chance of each score and of none, (rows, scores + 1)."""
    made = np.empty((len(mean), mean.shape[1] + 1))
    _rows(mean, sd, count, criterion, *nodes, BELOW, DENSE, made)
    return made
