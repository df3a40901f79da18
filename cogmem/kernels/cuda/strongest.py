"""Which noisy score is the highest on the GPU: one thread a row."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import cuda
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.strongest import DENSITY, LEAST, PANEL, PANELS, REACH, ROOT_2, Nodes

Array = NDArray[np.float64]


@cuda.jit
def _rows(mean: Any, sd: Any, count: Any, criterion: Any, x: Any, w: Any, made: Any) -> None:
    row = cuda.grid(1)
    if row >= mean.shape[0]:
        return
    columns = mean.shape[1]
    high, low, narrow = -math.inf, criterion[row], math.inf
    for c in range(columns):
        made[row, c] = 0.0
        if count[row, c] > 0.0:
            high = max(high, mean[row, c] + REACH * sd[row, c])
            low = max(low, mean[row, c] - REACH * sd[row, c])
            narrow = min(narrow, sd[row, c])
    passed = 0.0
    if high > low:
        panels = min(PANELS, math.ceil((high - low) / (PANEL * narrow)))
        width = (high - low) / panels
        for node in range(x.shape[0] * panels):
            all_below, at = w[node % x.shape[0]] * width, low + width * (node // x.shape[0] + x[node % x.shape[0]])
            for c in range(columns):
                z = (at - mean[row, c]) / sd[row, c]
                if count[row, c] > 0.0 and z < REACH:
                    all_below *= max(0.5 * math.erfc(-z / ROOT_2), LEAST) ** count[row, c]
            for c in range(columns):
                z = (at - mean[row, c]) / sd[row, c]
                if count[row, c] > 0.0 and z < REACH:
                    below = max(0.5 * math.erfc(-z / ROOT_2), LEAST)
                    share = all_below * count[row, c] * DENSITY * math.exp(-0.5 * z * z) / sd[row, c] / below
                    made[row, c] += share
                    passed += share
    made[row, columns] = max(0.0, 1.0 - passed)


def strongest(mean: Array, sd: Array, count: Array, criterion: Array, nodes: Nodes) -> Array:
    """Return the chance of each score and of none, (rows, scores + 1)."""
    shape = len(mean), mean.shape[1] + 1
    if not len(mean):
        return np.zeros(shape)
    made = cuda.device_array(shape, np.float64)
    given = [cuda.to_device(each) for each in (mean, sd, count, criterion, *nodes)]
    _rows[blocks_for(len(mean)), THREADS](*given, made)
    return np.asarray(made.copy_to_host())
