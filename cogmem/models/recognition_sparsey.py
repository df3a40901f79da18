"""Sparsey's familiarity G of new and of old probes, simulated: a probe is an item of which some features are wrong.

Rinkus & Leveille (2017) give no numbers of people's recognition. What differs between people here is the share of an
item's features that a probe brings along (encoding and test together); the field and its load are the same for all.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.sparsey import empty, frames_of_sets, learn, recognise
from cogmem.models.recognition_tables import Familiarity, tabulate
from cogmem.paradigms.superpositions import drawn_sets, exchanged

Array = NDArray[np.float64]

FEATURES: Final = 400
ACTIVE: Final = 20
MODULES: Final = 24
CELLS: Final = 16
LENGTH: Final = 60
"""Items of a list: at about half of what such a field holds."""
SHARES: Final = np.linspace(0.0, 0.6, 13)
"""Right features of an old probe: at the last, old and new probes are six sd apart."""
LISTS: Final = 40
SEED: Final = 2017


@cache
def simulated() -> tuple[Array, Array]:
    """Return G of new and of old probes at each of SHARES, (shares, LISTS x LENGTH) each, the same in every process."""
    found: list[list[Array]] = [[], []]
    for number in range(LISTS):
        rng = np.random.default_rng([SEED, number])
        items, strange = (drawn_sets(n, FEATURES, ACTIVE, rng) for n in (LENGTH, LENGTH * len(SHARES)))
        kept = np.rint(SHARES * ACTIVE).astype(np.int64).repeat(LENGTH)
        known = exchanged(np.tile(items, (len(SHARES), 1)), kept, FEATURES, rng)
        field, _ = learn(empty(MODULES, CELLS, FEATURES), frames_of_sets(items), seed=number)
        for kind, probes in zip(found, (strange, known), strict=True):
            g = recognise(field, frames_of_sets(probes), seed=number).familiarity[0]
            kind.append(g.reshape(len(SHARES), LENGTH))
    new, old = (np.concatenate(kind, axis=1) for kind in found)
    return new, old


@cache
def table() -> Familiarity:
    """Return the table of Sparsey's G, some seconds of simulation when first asked for."""
    return tabulate(SHARES, *simulated())
