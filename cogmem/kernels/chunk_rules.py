"""What chunks and variables are made of: how units are told to belong together, and the numbers of the published fits.

Wu, Thalmann, Dayan, Akata & Schulz (2025); chunks alone: Wu, Elteto, Dasgupta & Schulz (2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest

TESTS: Final[dict[str, float]] = {
    "counts": 5.991464547107979,
    "proportions": 5.991464547107979,
    "density": 3.0413018250283894,
}
"""Chi-squared above which units belong together: .05 of chi-squared with two degrees of freedom, as published
(`counts`, and `proportions` of tables that add up to 1), and where the density of one degree falls below .05."""
HEAVIEST: Final = 1e12
"""Weight of an event, in those of the first, at which all counts are scaled down again."""
LONGEST_KEPT: Final = 10.0
"""What the longest chunk has more than its count when a sequence is said (Wu et al.'s generator)."""


@dataclass(frozen=True)
class Rule:
    """How a lexicon learns; defaults are those of the published fits to people.

    `theta`: what is left of every count after a unit. `least`: transitions below are forgotten. `repeats`: a chunk is
    made of two units that came together more often than that, the first of which was counted more often than that.
    `test`: see `TESTS`. `fillers` and `most_fillers`: chunks that a variable stands for, `filler_count`: how often they
    must have followed what is before them, in all, to be more than; `correlated`: whether they must belong to it, and
    to what is after them.
    """

    theta: float = 0.996
    least: float = 0.1
    repeats: float = 6.0
    test: Literal["counts", "proportions", "density"] = "counts"
    fillers: int = 3
    most_fillers: int = 2**31
    filler_count: float = 3.0
    correlated: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.theta <= 1 or self.least < 0 or self.repeats < 0:
            raise UserError(
                "theta is above 0 and up to 1, least and repeats are 0 or more; got "
                f"{self.theta}, {self.least}, {self.repeats}."
            )
        if self.test not in TESTS:
            raise UserError(f"test is one of {', '.join(TESTS)}; {nearest(self.test, TESTS)}")
        if not 2 <= self.fillers <= self.most_fillers:
            raise UserError(f"A variable stands for two chunks or more; got {self.fillers} to {self.most_fillers}.")

    def numbers(self) -> NDArray[np.float64]:
        """Return the rule as numbers, in the order of `THETA` and the names after it."""
        least_cell = 5.0 if self.test == "density" else -1.0
        scaled = float(self.test == "proportions")
        return np.array([self.theta, self.least, self.repeats, TESTS[self.test], least_cell, scaled, self.fillers,
                         self.most_fillers, self.filler_count, self.correlated], np.float64)  # fmt: skip


THETA, LEAST, REPEATS, CRITICAL, LEAST_CELL, SCALED, FILLERS, MOST_FILLERS, FILLER_COUNT, CORRELATED = range(10)


PUBLISHED: Final = Rule()
BATCH: Final = Rule(theta=1.0, fillers=2, most_fillers=4, filler_count=6.0, correlated=True)
"""Of `learned`: nothing fades, and variables are of what belongs together."""
BATCH_FULL: Final = Rule(theta=1.0, fillers=4, most_fillers=49, filler_count=6.0)
"""The other published one: four chunks or more stand between two others, whether they belong to them or not."""


def chi_squared(observed: Sequence[float], left: float, right: float, *, test: str = "counts") -> float:
    """Return chi-squared of (both, left alone, right alone, neither) if the shares `left` and `right` are independent.

    What is expected is scaled to the observed total, or both to 1 (`proportions`). Where nothing is expected nothing
    is told: 0.
    """
    expected = (left * right, left * (1 - right), (1 - left) * right, (1 - left) * (1 - right))
    total = sum(observed)
    if min(expected) <= 0 or total <= 0:
        return 0.0
    size = 1.0 if test == "proportions" else total
    return sum((size * seen / total - size * share) ** 2 / (size * share)
               for seen, share in zip(observed, expected, strict=True))  # fmt: skip
