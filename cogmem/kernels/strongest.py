"""Which of several noisy scores is the highest, if it passes a criterion: the choice of the vector models of memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels.arguments import array
from cogmem.kernels.kernel import Kernel

Array = NDArray[np.float64]

NODES: Final = 8
"""Points of the quadrature in each panel; twice as many change no chance by more than 5e-5 in the tests."""
PANEL: Final = 4.0
"""Width of a panel in standard deviations of the narrowest score."""
PANELS: Final = 64
"""Panels at most: beside one that is 30 times as wide, a score is told more roughly."""
REACH: Final = 5.0
"""Standard deviations from a mean beyond which a score is not looked for."""
LEAST: Final = 1e-300
ROOT_2: Final = float(np.sqrt(2.0))
DENSITY: Final = float(1.0 / np.sqrt(2.0 * np.pi))

Nodes = tuple[Array, Array]


def _nodes() -> Nodes:
    """Return Gauss-Legendre nodes and weights on (0, 1)."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    return np.asarray(0.5 * (x + 1.0)), np.asarray(0.5 * w)


def _strongest(mean: Array, sd: Array, count: Array, criterion: Array, nodes: Nodes) -> Array:
    """Sum over x of the density that a score is x, times the chance that all others are below x."""
    from scipy.special import ndtr

    there = count > 0
    high = np.where(there, mean + REACH * sd, -np.inf).max(axis=1, initial=-np.inf)
    # The highest score is above any one score's lower end.
    low = np.maximum(criterion, np.where(there, mean - REACH * sd, -np.inf).max(axis=1, initial=-np.inf))
    narrow = np.where(there, sd, np.inf).min(axis=1, initial=np.inf)
    found = np.zeros((len(mean), mean.shape[1] + 1))
    for row in np.flatnonzero(high > low):
        panels = min(PANELS, int(np.ceil((high[row] - low[row]) / (PANEL * narrow[row]))))
        width = (high[row] - low[row]) / panels
        x = low[row] + width * (np.arange(panels)[:, None] + nodes[0]).ravel()
        w = width * np.tile(nodes[1], panels)
        own = there[row]
        z = (x[:, None] - mean[row, own]) / sd[row, own]
        below = np.where(z < REACH, np.maximum(ndtr(z), LEAST), 1.0)
        all_below = w * (below ** count[row, own]).prod(axis=1)
        density = np.where(z < REACH, count[row, own] * DENSITY * np.exp(-0.5 * z * z) / sd[row, own], 0.0)
        found[row, :-1][own] = (all_below[:, None] * density / below).sum(axis=0)
    found[:, -1] = np.maximum(0.0, 1.0 - found[:, :-1].sum(axis=1))
    return found


STRONGEST: Final[Kernel[Callable[..., Any]]] = Kernel(
    "strongest", _strongest, "cogmem.kernels.cpu.strongest:strongest", "cogmem.kernels.cuda.strongest:strongest"
)


def strongest(
    mean: ArrayLike, sd: ArrayLike, count: ArrayLike, criterion: ArrayLike, *, backend: str = "auto"
) -> NDArray[np.float64]:
    """Return the chance that each score is the highest and above the criterion: (rows, scores + 1), the last: none is.

    Scores are independent normals, `mean` and `sd` (rows, scores); each column stands for `count` alike ones (0: it is
    not there), and its chance is that of all of them. `criterion` (rows,) may be -inf: then one of them is chosen.
    """
    who = STRONGEST.name
    means, sds, counts = (array(who, name, each, np.float64, (None, None)) for name, each in
                          (("mean", mean), ("sd", sd), ("count", count)))  # fmt: skip
    edges = array(who, "criterion", criterion, np.float64, (None,))
    if not means.shape == sds.shape == counts.shape or len(edges) != len(means):
        raise UserError(
            f"{who} needs mean, sd and count of one shape and a criterion a row; got {means.shape}, {sds.shape}, "
            f"{counts.shape} and {edges.shape}."
        )
    if not (sds > 0).all() or (counts < 0).any():
        raise UserError(f"{who} needs every sd above 0 and every count of 0 or more.")
    return np.asarray(STRONGEST.on(backend)(means, sds, counts, edges, _nodes()))
