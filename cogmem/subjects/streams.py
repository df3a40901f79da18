"""Which study rows each test of a design has seen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Stream:
    """Study rows and the tests that come after them: rows of design.studies and of design.tests."""

    studies: Ints
    tests: Ints


def streams(design: Design) -> tuple[Stream, ...]:
    """Return the tests in groups that have seen the same pairs: those of their participant and list before them."""
    trials = design.trials
    study = trials["phase"] == "study"
    test = trials["phase"] == "test"
    # The number of each row within design.studies or design.tests.
    number = np.where(study, np.cumsum(study), np.cumsum(test)) - 1
    found: list[Stream] = []
    for _, rows in trials.groups([name for name in ("participant", "list") if name in trials]):
        seen = np.cumsum(study[rows])
        found.extend(
            Stream(number[rows[study[rows]][:n]], number[rows[test[rows] & (seen == n)]])
            for n in np.unique(seen[test[rows]])
        )
    return tuple(found)
