"""Cued recall of word pairs (72 people): what classical models of memory say of 19,530 answers.

Six new pairs a list, list after list; a pair is asked for by one of its words. Answers are right, another word of the
list, a word of an earlier list, or none of these. A model sees the place of the pair in its list and how many lists
came before; earlier lists are held together where they are nearly as far back.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.fits import Method
from cogmem.fitting.populations import PopulationFit, Predict, fit_population
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import Halves
from cogmem.models.pairs import PAIR_MODELS
from cogmem.subjects.pairs import Held, PairModel

Array = NDArray[np.float64]

DATA: Final = "pal1_2024"
TABLE: Final = "positions"
LISTS: Final = 25
PAIRS: Final = 6
COLUMNS: Final = {
    "position_accuracy": ("correct",), "position_prior_list": ("prior_list",), "position_same_list": ("same_list",),
    "position_omitted": ("omitted", "unseen"),
}  # fmt: skip
"""Right; a word of an earlier list; another word of the list; nothing, or a word of no list. The columns of each."""
KINDS: Final = tuple(COLUMNS)
PAIRS_OF_DELAY: Final = 20.0 / 6.0
"""20 s are filled before the tests, and a pair took six."""
PLACE: Final = 3.5
"""The mean place of a test: every pair came as often at each."""
GROUPS: Final = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 24))
"""Lists back that are held together."""
NUTS: Final = Method("nuts", chains=4, tune=500, draws=1000, target_accept=0.8)
"""Of the fit to all answers: long enough that r-hat can tell 1.01 from more."""
MODELS: Final = {model.name: model for model in PAIR_MODELS}


def held() -> Held:
    """Return what the test of each pair of each list meets: rows are lists times places, then earlier lists."""
    number, place = (each.ravel() for each in np.mgrid[1 : LISTS + 1, 1 : PAIRS + 1].astype(np.float64))
    shape = len(number), PAIRS + len(GROUPS)
    near, age, back, first, count = (np.zeros(shape) for _ in range(5))
    own = np.arange(1.0, PAIRS + 1)
    near[:, :PAIRS], first[:, :PAIRS], count[:, :PAIRS] = place[:, None] == own, own == 1, 1.0
    age[:, :PAIRS] = PAIRS - own + PAIRS_OF_DELAY + PLACE
    for k, (nearest, farthest) in enumerate(GROUPS, PAIRS):
        lists = np.clip(np.minimum(number - 1, farthest) - nearest + 1, 0, None)
        count[:, k] = PAIRS * lists
        back[:, k] = nearest + np.maximum(lists - 1, 0) / 2
        # A list takes the time of its pairs, the delay, and as many tests.
        age[:, k] = back[:, k] * (2 * PAIRS + PAIRS_OF_DELAY) + PAIRS / 2 + PAIRS_OF_DELAY + PLACE
    return Held(near, age, back, first, np.ones(shape), count)


@cache
def halves() -> Halves:
    """Return people's answers in the odd and in the even lists: (people, lists x places, kinds)."""
    rows = load(DATA, table=TABLE).rows
    people = np.unique(rows["participant"])
    counts = np.zeros((len(people), LISTS * PAIRS, len(KINDS)))
    condition = (rows["list"].astype(int) - 1) * PAIRS + rows["serial_position"].astype(int) - 1
    place = np.searchsorted(people, rows["participant"]), condition
    for kind, names in enumerate(COLUMNS.values()):
        for name in names:
            np.add.at(counts[..., kind], place, rows[name])
    odd = (np.arange(LISTS * PAIRS) // PAIRS % 2 == 0)[:, None]
    return Halves(tuple(str(name) for name in people), counts * odd, counts * ~odd)


def predicted(model: PairModel, met: Held) -> Predict:
    """Return a function of theta (sets, parameters) to the chances (sets, conditions, kinds)."""
    own = met.near.argmax(axis=1)
    rows = np.arange(len(own))

    def predict(theta: Array) -> Array:
        p = model.chances(theta, met).recall
        right, prior = p[:, rows, own], p[..., PAIRS:-1].sum(axis=-1)
        return np.stack([right, prior, p[..., :PAIRS].sum(axis=-1) - right, p[..., -1]], axis=-1)

    return predict


def whole_fit(model: PairModel, *, seed: int, method: Method = NUTS) -> PopulationFit:
    """Return the model fitted to all answers of all people (NUTS over the population)."""
    counts = halves().first + halves().second
    return fit_population(model.parameters, predicted(model, held()), counts, method=method, seed=seed)
