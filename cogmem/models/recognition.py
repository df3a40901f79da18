"""Models of recognition ratings: how familiar new and old probes are, and criteria that part familiarity into ratings.

Familiarity is in sd of new probes, around their mean. So criteria mean the same in all models, and the models differ in
the distribution of old probes alone (REM and other simulated memories in that of new ones too).

Priors are weak and on those scales. The first criterion is Normal(-0.5, 1): "sure new" up to somewhere in the lower
half of new probes, at most all or none of them. Gaps are lognormal around 0.5 (95 %: 0.1 to 2.4), so that five
criteria span about 2 sd, between all in one place and twice the range of both kinds of probes. d' is Normal(1, 1): most
published values are between 0.5 and 2.5, and a person may confuse new with old. sigma is lognormal around 1.2
(0.55 to 2.7): slopes of z-ROCs are around 0.8. Recollection is around 0.27 (0.05 to 0.72). The strength of a tabulated
memory is nearly even over what was simulated; REM's is around the article's ten units of study.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.models import recognition_rem, recognition_sparsey
from cogmem.models.recognition_tables import tabulate
from cogmem.subjects.parameters import Parameter

Array = NDArray[np.float64]
Cumulative = Callable[[Array, Array], Array]
"""memory parameters (sets, m), criteria (sets, ratings - 1) -> chance to be below each, new and old: (sets, 2, ...)."""

RATINGS: Final = 6


def criteria(n_ratings: int) -> tuple[Parameter, ...]:
    """Return the parameters of n_ratings - 1 criteria that cannot swap: the first, and the gap before each other."""
    first = Parameter("criterion", "real", -0.5, 1.0, "sd of new", "familiarity below which a probe is surely new")
    gaps = (
        Parameter(f"gap_{k}", "positive", -0.7, 0.8, "sd of new", f"from criterion {k - 1} to criterion {k}")
        for k in range(2, n_ratings)
    )
    return (first, *gaps)


@dataclass(frozen=True, eq=False)
class RatingModel:
    """A memory that rates probes from 1, surely new, to n_ratings, surely old.

    `parameters` are the criteria's, then the memory's own; `cumulative` is the memory.
    """

    name: str
    version: int
    reference: str
    formula: str
    parameters: tuple[Parameter, ...]
    cumulative: Cumulative
    n_ratings: int = RATINGS

    def parts(self, theta: Array) -> tuple[Array, Array]:
        """Return (memory parameters (sets, m), criteria (sets, n_ratings - 1)) of theta (sets, parameters)."""
        n = self.n_ratings - 1
        return theta[:, n:], theta[:, :n].cumsum(axis=1)

    def chances(self, theta: Array) -> Array:
        """Return the chance of each rating to new and to old probes: theta (sets, parameters) -> (sets, 2, ratings)."""
        return shares(self.cumulative(*self.parts(theta)))


def with_ratings(model: RatingModel, n_ratings: int) -> RatingModel:
    """Return the same memory with so many ratings."""
    own = model.parameters[model.n_ratings - 1 :]
    return replace(model, parameters=(*criteria(n_ratings), *own), n_ratings=n_ratings)


def shares(below: Array) -> Array:
    """Return the chance of each rating from the chances (..., n_ratings - 1) to be below each criterion."""
    ends = np.zeros((*below.shape[:-1], 1))
    # Criteria far out have chances that differ by less than rounding.
    return np.maximum(np.diff(np.concatenate([ends, below, ends + 1.0], axis=-1), axis=-1), 0.0)


def _normal(new: Array, old: Array) -> Array:
    from scipy.special import ndtr

    return np.asarray(ndtr(np.stack([new, old], axis=1)))


def _equal(memory: Array, c: Array) -> Array:
    return _normal(c, c - memory[:, :1])


def _unequal(memory: Array, c: Array) -> Array:
    return _normal(c, (c - memory[:, :1]) / memory[:, 1:])


def _dual(memory: Array, c: Array) -> Array:
    below = _normal(c, c - memory[:, :1])
    below[:, 1] *= 1.0 - memory[:, 1:]
    return below


def _rem(memory: Array, c: Array) -> Array:
    return recognition_rem.table().cumulative(memory[:, 0], c)


def _sparsey(memory: Array, c: Array) -> Array:
    return recognition_sparsey.table().cumulative(memory[:, 0], c)


def strength(meaning: str, loc: float = 0.0) -> Parameter:
    """Return the parameter of a tabulated memory: the place between its weakest and its strongest strength."""
    # Normal(0, 1.5) on the logit is nearly even between 0 and 1.
    return Parameter("strength", "unit", loc, 1.5, "1", meaning)


def tabled(
    name: str, version: int, reference: str, formula: str, strengths: Array, new_draws: Array, old_draws: Array,
    n_ratings: int = RATINGS,
) -> RatingModel:  # fmt: skip
    """Return the rating model of a memory whose familiarity was simulated at rising `strengths` (S,).

    `new_draws` and `old_draws` (S, n) are familiarity of new and of old probes, on any scale, which may differ between
    strengths. The parameter `strength` is 0 at the first of `strengths`, 1 at the last, and linear in between.
    """
    known = tabulate(strengths, new_draws, old_draws)
    own = strength(f"place between the simulated strengths {known.weakest:g} and {known.strongest:g}")

    def cumulative(memory: Array, c: Array) -> Array:
        return known.cumulative(memory[:, 0], c)

    return RatingModel(name, version, reference, formula, (*criteria(n_ratings), own), cumulative, n_ratings)


_CRITERIA: Final = criteria(RATINGS)
_D_PRIME: Final = Parameter("d_prime", "real", 1.0, 1.0, "sd of new", "mean familiarity of old probes")

equal_variance: Final = RatingModel(
    "equal_variance", 1, "Green & Swets (1966)", "new ~ N(0, 1), old ~ N(d', 1)", (*_CRITERIA, _D_PRIME), _equal
)
unequal_variance: Final = RatingModel(
    "unequal_variance", 1, "Green & Swets (1966); Ratcliff, Sheu & Gronlund (1992)",
    "new ~ N(0, 1), old ~ N(d', sigma); the slope of the z-ROC is 1 / sigma",
    (*_CRITERIA, _D_PRIME, Parameter("sigma", "positive", 0.2, 0.4, "sd of new", "sd of old probes' familiarity")),
    _unequal,
)  # fmt: skip
dual_process: Final = RatingModel(
    "dual_process", 1, "Yonelinas (1994)",
    "old: the highest rating with probability R, else by familiarity ~ N(d', 1); new ~ N(0, 1)",
    (*_CRITERIA, _D_PRIME, Parameter("recollection", "unit", -1.0, 1.0, "1", "probability to recollect an old probe")),
    _dual,
)  # fmt: skip
rem: Final = RatingModel(
    "rem", 1, "Shiffrin & Steyvers (1997)",
    "familiarity = log of the mean likelihood ratio of the probe's and the traces' features",
    (*_CRITERIA, strength(f"place of the share of features stored between {recognition_rem.STORED[0]:g} and "
                          f"{recognition_rem.STORED[-1]:g}", -0.6)),
    _rem,
)  # fmt: skip
sparsey_familiarity: Final = RatingModel(
    "sparsey_familiarity", 1, "Rinkus & Leveille (2017)",
    "familiarity = Sparsey's G, the mean best support of a field that has learned a list",
    (*_CRITERIA, strength("place of the share of an item's features in a probe between "
                          f"{recognition_sparsey.SHARES[0]:g} and {recognition_sparsey.SHARES[-1]:g}")),
    _sparsey,
)  # fmt: skip
RATING_MODELS: Final = (equal_variance, unequal_variance, dual_process, rem, sparsey_familiarity)
