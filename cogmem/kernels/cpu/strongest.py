"""Which noisy score is the highest in numba: one row a turn, rows side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.strongest import DENSITY, LEAST, PANEL, PANELS, REACH, ROOT_2, Nodes

Array = NDArray[np.float64]


@njit
def _row(mean: Any, sd: Any, count: Any, criterion: Any, x: Any, w: Any, below: Any, made: Any) -> None:
    high, low, narrow = -np.inf, criterion, np.inf
    for c in range(len(mean)):
        made[c] = 0.0
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
                z = (at - mean[c]) / sd[c]
                below[c] = 1.0
                if count[c] > 0.0 and z < REACH:
                    below[c] = max(0.5 * math.erfc(-z / ROOT_2), LEAST)
                    # Most columns are one trace, whose power costs nothing.
                    all_below *= below[c] if count[c] == 1.0 else below[c] ** count[c]
            for c in range(len(mean)):
                z = (at - mean[c]) / sd[c]
                if count[c] > 0.0 and z < REACH:
                    share = all_below * count[c] * DENSITY * math.exp(-0.5 * z * z) / sd[c] / below[c]
                    made[c] += share
                    passed += share
    made[len(mean)] = max(0.0, 1.0 - passed)


@njit(parallel=True, nogil=True)
def _rows(mean: Any, sd: Any, count: Any, criterion: Any, x: Any, w: Any, made: Any) -> None:
    for row in prange(len(mean)):
        _row(mean[row], sd[row], count[row], criterion[row], x, w, np.empty(mean.shape[1]), made[row])


def strongest(mean: Array, sd: Array, count: Array, criterion: Array, nodes: Nodes) -> Array:
    """Return the chance of each score and of none, (rows, scores + 1)."""
    made = np.empty((len(mean), mean.shape[1] + 1))
    _rows(mean, sd, count, criterion, *nodes, made)
    return made
