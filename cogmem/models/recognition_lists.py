"""Models of old or new: words that are rare or frequent and shown again and again, and short lists probed by lag.

Each gives the chance of calling a probe old in every condition of an experiment. Familiarity of new probes is N(0, 1)
but in REM, where it is the log odds that a probe is old. A share of answers, the lapse, ignores memory.

Priors are weak. d' after one presentation is lognormal around 1.5 (95 %: 0.4 to 6), after an item of a short list
around 3 (1 to 9), for these are forgotten by few; the criterion is Normal(1, 1), around the middle between new and such
old probes, and REM's Normal(0, 2): at odds of 1 most answers are right, and a person may want odds of e^4 or of e^-4.
Growth is lognormal around 0.5 (0.1 to 2.4): a power from nearly none to a square. The rate of forgetting is so around
0.2 (0.05 to 1.1): of five items, the first keeps most of its strength or next to nothing. The criterion moves by
Normal(0, 0.3) an item: over five items by half a d' or so.
The lapse is that of the linking rule, around 0.05.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.models import recognition_rem
from cogmem.models.recognition import strength
from cogmem.models.recognition_tables import Familiarity, tabulate_as_drawn
from cogmem.subjects.parameters import Parameter

Array = NDArray[np.float64]

MOST: Final = 9
"""Most earlier presentations of a word (Reder et al., 2000)."""
FREQUENT: Final = np.repeat([0, 1], MOST + 1)
PRESENTED: Final = np.tile(np.arange(MOST + 1), 2)
"""Conditions of words: whether the word is frequent, and how often it was shown before."""
SET_SIZE: Final = np.array([size for size in range(1, 6) for _ in range(size + 1)])
LAG: Final = np.array([lag for size in range(1, 6) for lag in range(size + 1)])
"""Conditions of short lists (Donkin & Nosofsky, 2012): items, and the probe's place from the end of them (0: new)."""
MIDDLE: Final = 3
"""Items of the list of middle size."""

STORED: Final = np.linspace(0.02, 0.9, 23)
RATES: Final = (0.325, 0.45)
"""REM's g of rare and of frequent words (Shiffrin & Steyvers, 1997)."""
TRACES: Final = 96
"""Half of the 192 words: what is stored on average when a word comes."""
STEEPEST: Final = 50.0
"""Of a power, beyond which one presentation decides all and numbers overflow."""
DRAWS: Final = 10_000
SEED: Final = 2000


@dataclass(frozen=True, eq=False)
class ListModel:
    """A memory that calls probes old or new; the last of `parameters` is the lapse.

    `called_old` takes the others, theta (sets, parameters - 1), to chances (sets, conditions) without lapses.
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    called_old: Callable[[Array], Array]

    def chances(self, theta: Array) -> Array:
        """Return the chance to call a probe old and new: theta (..., parameters) -> (..., conditions, 2)."""
        flat = theta.reshape(-1, theta.shape[-1])
        lapse = flat[:, -1:]
        old = lapse / 2 + (1 - lapse) * self.called_old(flat[:, :-1])
        return np.stack([old, 1 - old], axis=-1).reshape(*theta.shape[:-1], -1, 2)


def _normal(familiarity: Array, criterion: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(familiarity - criterion))


def _grown(d_prime: Array, growth: Array) -> Array:
    """Return the mean familiarity of words in each condition, 0 of new ones: d' t^growth after t presentations."""
    return np.where(PRESENTED > 0, d_prime * np.maximum(PRESENTED, 1) ** np.minimum(growth, STEEPEST), 0.0)


def _one_strength(theta: Array) -> Array:
    return _normal(_grown(theta[:, :1], theta[:, 1:2]), theta[:, 2:])


def _two_strengths(theta: Array) -> Array:
    # Rare and frequent words have the columns 0 and 1 of d', 3 and 4 of the criteria.
    return _normal(_grown(theta[:, FREQUENT], theta[:, 2:3]), theta[:, 3 + FREQUENT])


@cache
def rem_table(rare: float = RATES[0], frequent: float = RATES[1]) -> Familiarity:
    """Return the table of REM's log odds by the share stored at a presentation, some seconds when first asked for.

    Kinds are the conditions of words; lists are mixed, every other trace is of a frequent word.
    """
    kinds = [
        recognition_rem.repeated(
            STORED, MOST, draws=DRAWS, seed=SEED, length=TRACES, own=own, others=(rare, frequent)
        ) for own in (rare, frequent)
    ]  # fmt: skip
    return tabulate_as_drawn(STORED, [*kinds[0], *kinds[1]])


def rem_called_old(theta: Array, table: Familiarity) -> Array:
    """Return the chance that the log odds are above the criterion: theta (sets, 2) -> (sets, conditions)."""
    return 1.0 - table.cumulative(theta[:, 0], theta[:, 1:])[..., 0]


def _rem_frequency(theta: Array) -> Array:
    return rem_called_old(theta, rem_table())


def _by_lag(theta: Array, left: Callable[[Array, Array], Array]) -> Array:
    """Return chances of a d' of which a share is left at each lag, with a criterion that moves with the set size."""
    d_prime, criterion, shift, rate = (theta[:, k : k + 1] for k in range(4))
    remembered = d_prime * left(np.maximum(LAG, 1).astype(np.float64), rate)
    return _normal(np.where(LAG > 0, remembered, 0.0), criterion + shift * (SET_SIZE - MIDDLE))


def _power_law(theta: Array) -> Array:
    return _by_lag(theta, lambda lag, rate: lag**-rate)


def _exponential(theta: Array) -> Array:
    return _by_lag(theta, lambda lag, rate: np.exp(-rate * (lag - 1)))


def _lag_free(theta: Array) -> Array:
    level = np.concatenate([theta, np.zeros((len(theta), 1))], axis=1)
    return _by_lag(level, lambda lag, _: np.ones_like(lag))


def _d_prime(name: str, loc: float, scale: float, meaning: str) -> Parameter:
    return Parameter(name, "positive", loc, scale, "sd of new", meaning)


def _criterion(name: str, meaning: str) -> Parameter:
    return Parameter(name, "real", 1.0, 1.0, "sd of new", meaning)


_LAPSE: Final = Parameter("lapse", "unit", -3.0, 1.5, "1", "share of answers that ignore memory")
_GROWTH: Final = Parameter("growth", "positive", -0.7, 0.8, "1", "power of the number of presentations")
_MEAN: Final = "mean familiarity after one presentation"
_PLACE: Final = f"place of the share stored at a presentation between {STORED[0]:g} and {STORED[-1]:g}"

one_strength: Final = ListModel(
    "one_strength", 1, "Green & Swets (1966)", "old ~ N(d' t^growth, 1) after t presentations, one criterion",
    (_d_prime("d_prime", 0.4, 0.7, _MEAN), _GROWTH, _criterion("criterion", "familiarity above which a word is old"),
     _LAPSE), _one_strength,
)  # fmt: skip
two_strengths: Final = ListModel(
    "two_strengths", 1, "Green & Swets (1966)", "as one_strength, d' and criterion of rare and frequent words apart",
    (_d_prime("d_prime_rare", 0.4, 0.7, f"{_MEAN}, rare words"),
     _d_prime("d_prime_frequent", 0.4, 0.7, f"{_MEAN}, frequent words"), _GROWTH,
     _criterion("criterion_rare", "familiarity above which a rare word is old"),
     _criterion("criterion_frequent", "familiarity above which a frequent word is old"), _LAPSE), _two_strengths,
)  # fmt: skip
rem_frequency: Final = ListModel(
    "rem_frequency", 1, "Shiffrin & Steyvers (1997)",
    "old if the log odds exceed the criterion; features of rare words are rarer: g = .325 and .45",
    (strength(_PLACE, -0.6), Parameter("criterion", "real", 0.0, 2.0, "nat", "log odds above which a word is old"),
     _LAPSE), _rem_frequency,
)  # fmt: skip
WORD_MODELS: Final = (one_strength, two_strengths, rem_frequency)

_LIST_CRITERION: Final = (
    _criterion("criterion", "familiarity above which a probe is old, in a list of 3"),
    Parameter("shift", "real", 0.0, 0.3, "sd of new an item", "rise of the criterion with every item of the list"),
)
_LAST: Final = _d_prime("d_prime", 1.1, 0.55, "mean familiarity of the last item of a list")
_RATE: Final = Parameter("rate", "positive", -1.5, 0.8, "1", "of forgetting by the lag")

power_law: Final = ListModel(
    "power_law", 1, "Donkin & Nosofsky (2012)", "old ~ N(d' lag^-rate, 1)",
    (_LAST, *_LIST_CRITERION, _RATE, _LAPSE), _power_law,
)  # fmt: skip
exponential: Final = ListModel(
    "exponential", 1, "Donkin & Nosofsky (2012)", "old ~ N(d' exp(-rate (lag - 1)), 1)",
    (_LAST, *_LIST_CRITERION, _RATE, _LAPSE), _exponential,
)  # fmt: skip
lag_free: Final = ListModel(
    "lag_free", 1, "Green & Swets (1966)", "old ~ N(d', 1) at any lag", (_LAST, *_LIST_CRITERION, _LAPSE), _lag_free
)
LIST_MODELS: Final = (power_law, exponential, lag_free)
