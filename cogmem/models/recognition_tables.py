"""Familiarity that is known by simulation: draws for new and old probes, tabulated so that likelihoods are smooth.

At each strength familiarity is rescaled so that new probes have mean 0 and sd 1, the scale of signal detection (unless
the scale itself means something, as that of log odds does). What is tabulated is the probit of the distribution
function, which is a straight line for normal familiarity: between draws and beyond them it bends little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

Array = NDArray[np.float64]

TAIL: Final = 10
"""Draws beyond the outermost tabulated quantile: with fewer its place would be chance."""
LEVELS: Final = 33
STEP: Final = 0.1
"""Of the grid, in sd of new probes."""
WIDEST: Final = 400
"""Most steps of the grid, which would be wider if familiarity is nearly certain."""
MOST_STRENGTHS: Final = 256
STEEPEST: Final = 50.0
"""Slope of the probit where nearly all draws are equal."""
BEYOND: Final = 3.0
"""Of the grid beyond all tabulated quantiles."""


@dataclass(frozen=True, eq=False)
class Familiarity:
    """Probits of the distribution functions, `probits` (kinds, strengths, grid): at `start` + k `step`.

    Kinds of probes are new and old ones, in this order, where `tabulate` made the table. Strengths are spread evenly
    from `weakest` to `strongest`.
    """

    probits: Array
    start: float
    step: float
    weakest: float
    strongest: float

    def cumulative(self, place: Array, criteria: Array) -> Array:
        """Return the chance to be below each criterion, of each kind of probes: (sets, kinds, criteria).

        `place` (sets,) is 0 at the weakest and 1 at the strongest, `criteria` (sets, criteria) on the table's scale:
        in sd of new probes where `tabulate` made it.
        Quadratic B-splines have weights above 0 and a continuous slope: what is tabulated rising stays rising.
        """
        from scipy.special import ndtr

        kinds, strengths, grid = self.probits.shape
        row, across = _spline(place * (strengths - 1), strengths)
        column, along = _spline((criteria - self.start) / self.step, grid)
        at = (row[:, None] * grid + column)[:, None] + (strengths * grid * np.arange(kinds))[:, None]
        flat, probit = self.probits.ravel(), 0.0
        for i, weight in enumerate(across):
            line = sum(each[:, None] * flat[at + (i - 1) * grid + k - 1] for k, each in enumerate(along))
            probit = probit + weight[:, None, None] * line
        return np.asarray(ndtr(probit))


def _spline(at: Array, n: int) -> tuple[NDArray[np.intp], tuple[Array, Array, Array]]:
    """Return the middle one of three neighbours of n nodes, and their weights; beyond the nodes a straight line."""
    middle = np.clip(np.rint(at), 1, n - 2)
    off = at - middle
    f = np.clip(off, -0.5, 0.5)
    more = off - f
    weights = (0.5 * (0.5 - f) ** 2 - more * (0.5 - f), 0.75 - f**2 - 2 * more * f,
               0.5 * (0.5 + f) ** 2 + more * (0.5 + f))  # fmt: skip
    return middle.astype(np.intp), weights


def tabulate(strengths: Array, new: Array, old: Array) -> Familiarity:
    """Return the table of draws of familiarity, `new` (strengths, n) and `old` (strengths, n), at rising `strengths`.

    UserError where a strength has too few draws, or new probes that are all alike.
    """
    strengths, new, old = (np.asarray(each, dtype=np.float64) for each in (strengths, new, old))
    levels = _levels(strengths, (new, old))
    sd = new.std(axis=1, keepdims=True)
    if not (sd > 0).all():
        raise UserError("At some strength all new probes are equally familiar: there is no scale to rate them on.")
    scaled = [(each - new.mean(axis=1, keepdims=True)) / sd for each in (new, old)]
    return _gridded(strengths, levels, np.stack([_quantiles(each, levels) for each in scaled]))


def tabulate_as_drawn(strengths: Array, kinds: Sequence[Array]) -> Familiarity:
    """Return the table of draws of any kinds of probes, each (strengths, n), on the scale on which they were drawn.

    UserError where a strength has too few draws.
    """
    levels = _levels(strengths, kinds)
    return _gridded(strengths, levels, np.stack([_quantiles(each, levels) for each in kinds]))


def _levels(strengths: Array, kinds: Sequence[Array]) -> Array:
    """Return the probits to tabulate, as far out as there are draws; UserError where there are too few."""
    from scipy.special import ndtri

    fewest = min(each.shape[-1] for each in kinds)
    alike = all(len(strengths) == len(each) for each in kinds)
    if len(strengths) < 3 or not (np.diff(strengths) > 0).all() or not alike:
        raise UserError("A table of familiarity needs draws at three or more strengths, in rising order.")
    if fewest < 20 * TAIL:
        raise UserError(f"A table of familiarity needs {20 * TAIL} or more draws at each strength; got {fewest}.")
    top = float(ndtri(1 - TAIL / fewest))
    return np.linspace(-top, top, LEVELS)


def _quantiles(draws: Array, levels: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(np.quantile(draws, ndtr(levels), axis=1).T)


def _gridded(strengths: Array, levels: Array, quantiles: Array) -> Familiarity:
    """Return the table with even strengths and an even grid from `quantiles` (kinds, strengths, levels)."""
    low, high = quantiles.min() - BEYOND, quantiles.max() + BEYOND
    n = int(np.clip(np.ceil((high - low) / STEP) + 1, 8, WIDEST))
    grid = np.linspace(low, high, n)
    rows = np.stack([[_probit(grid, row, levels) for row in each] for each in quantiles])
    count = (strengths[-1] - strengths[0]) / np.diff(strengths).min()
    even = np.linspace(strengths[0], strengths[-1], int(np.clip(np.ceil(count - 1e-9) + 1, 3, MOST_STRENGTHS)))
    place = np.interp(even, strengths, np.arange(len(strengths)))
    before = np.minimum(place.astype(np.intp), len(strengths) - 2)
    share = (place - before)[:, None]
    probits = (1 - share) * rows[:, before] + share * rows[:, before + 1]
    return Familiarity(probits, float(low), float(grid[1] - grid[0]), float(strengths[0]), float(strengths[-1]))


def _probit(grid: Array, quantiles: Array, levels: Array) -> Array:
    """Return the probit of the distribution function on `grid`, a straight line beyond the quantiles."""
    # Draws that are equal make a step: as steep as a grid can show.
    rising = np.maximum.accumulate(quantiles + np.arange(len(levels)) * (levels[1] - levels[0]) / (10 * STEEPEST))
    first, last = (
        (levels[b] - levels[a]) / max(rising[b] - rising[a], (levels[b] - levels[a]) / STEEPEST)
        for a, b in ((0, 2), (-3, -1))
    )
    inside = np.interp(grid, rising, levels)
    below, above = np.minimum(grid - rising[0], 0.0), np.maximum(grid - rising[-1], 0.0)
    return np.asarray(inside + first * below + last * above)
