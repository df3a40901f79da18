"""A person's ratings told by people's: the ROC of others like them, and their own answers to other items.

Scores on people's ratings need a ceiling that people set. Two are here, each without a theory of memory: the z-ROC of
others, at one's own strength and criteria; and one's own shares of ratings, drawn towards those of others by as much
as everybody's answers make likeliest (a Dirichlet distribution, by empirical Bayes).
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.models.recognition import RatingModel, criteria
from cogmem.subjects.parameters import Parameter

Array = NDArray[np.float64]

HALF: Final = 0.5
"""Answers added to each criterion's count: nobody's chance is 0 or 1 (Snodgrass & Corwin, 1988)."""
RANGE: Final = (-2.0, 9.0)
"""Of the logarithm of the concentration: from a fraction of an answer to thousands."""


def others(answers: Array, group: NDArray[Any]) -> Array:
    """Return the sum of the ratings of the others of each person's group: (people, 2, ratings).

    UserError for somebody who is alone in a group.
    """
    alike = group[:, None] == group
    alone = group[alike.sum(axis=1) < 2]
    if len(alone):
        raise UserError(f"Nobody else is in {alone[0]}: a person is told by others of the same group, two or more.")
    return np.asarray(np.einsum("ij,jck->ick", (alike & ~np.eye(len(group), dtype=bool)).astype(np.float64), answers))


def pooled(answers: Array, group: NDArray[Any]) -> Array:
    """Return the shares of each rating among the others of each person's group: (people, 2, ratings), none 0."""
    found = others(answers, group) + HALF
    return np.asarray(found / found.sum(axis=-1, keepdims=True))


def by_others(answers: Array, group: NDArray[Any]) -> RatingModel:
    """Return the model in which new and old items are as apart as for the others in the group, up to a strength.

    The z-ROC of the others is the line through their criteria (least squares). Parameters are one's own criteria and
    strength: how much farther old items are than for the others. Sets of parameters are people in the order of
    `answers` (people, 2, ratings), once or over and over.
    """
    from scipy.special import ndtr, ndtri

    found = others(answers, group)
    n_ratings = found.shape[-1]
    below = found.cumsum(axis=-1)[..., :-1] + HALF
    new, old = np.moveaxis(ndtri(below / (found.sum(axis=-1, keepdims=True) + 2 * HALF)), 1, 0)
    apart = new - new.mean(axis=1, keepdims=True)
    slope = (apart * old).sum(axis=1) / (apart**2).sum(axis=1)
    start = old.mean(axis=1) - slope * new.mean(axis=1)

    def cumulative(memory: Array, c: Array) -> Array:
        person = np.arange(len(c)) % len(new)
        told = start[person, None] + slope[person, None] * c - memory[:, :1]
        return np.asarray(ndtr(np.stack([c, told], axis=1)))

    strength = Parameter("strength", "real", 0.0, 1.0, "sd of new", "how much farther old items are than to others")
    return RatingModel(
        "people", 1, "after Macmillan & Creelman (2005)", "the z-ROC of others, at one's own strength and criteria",
        (*criteria(n_ratings), strength), cumulative, n_ratings,
    )  # fmt: skip


def own_log_density(left: Array, about: Array) -> Array:
    """Return the log density (people,) of ratings `left`, their shares being Dirichlet(`about`).

    Both are (people, 2, ratings). Without multinomial coefficients: of the answers in their order.
    """
    from scipy.special import gammaln

    a, n = about.sum(axis=-1), left.sum(axis=-1)
    each = (gammaln(about + left) - gammaln(about)).sum(axis=-1) + gammaln(a) - gammaln(a + n)
    return np.asarray(each.sum(axis=-1))


def concentration(answers: Array, middle: Array) -> float:
    """Return how many answers the others' shares are worth: the concentration that makes `answers` likeliest."""
    from scipy.optimize import minimize_scalar

    found = minimize_scalar(
        lambda log: -float(own_log_density(answers, np.exp(log) * middle).sum()), bounds=RANGE, method="bounded"
    )
    return float(np.exp(found.x))
