"""How far one distribution is from another, in bits: for laws on a grid, histograms, option probabilities."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError

EPSILON: Final = float(np.finfo(np.float64).eps)


def law(values: ArrayLike, *, name: str = "law") -> NDArray[np.float64]:
    """Return `values` as probabilities (float64, sum 1); UserError where mass is negative, missing or not finite.

    >>> law([2, 6])
    array([0.25, 0.75])
    """
    p = np.array(values, dtype=np.float64)
    if p.size == 0 or not np.isfinite(p).all() or (p < 0).any() or p.sum() <= 0:
        raise UserError(
            f"The {name} needs weights that are finite and not negative, at least one of them above 0; got "
            f"{p.size} weights from {p.min(initial=np.inf):.4g} to {p.max(initial=-np.inf):.4g}."
        )
    return np.asarray(p / p.sum())


def kl(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Return the Kullback–Leibler divergence of p from q in bits, Σ p log2(p / q).

    As Marjieh et al. compute it, both sides of the ratio are raised by the rounding unit: finite where q is 0.

    >>> kl(np.array([0.5, 0.5]), np.array([0.25, 0.75]))
    0.20751874963942163
    """
    return float((p * np.log2((p + EPSILON) / (q + EPSILON))).sum())


def js(p: NDArray[np.float64], q: NDArray[np.float64]) -> float:
    """Return the Jensen–Shannon divergence in bits, from 0 to 1: the mean divergence of both from their mean.

    >>> js(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    1.0
    """
    middle = (p + q) / 2
    return round((kl(p, middle) + kl(q, middle)) / 2, 15)


def entropy(p: NDArray[np.float64], *, axis: int | None = None) -> NDArray[np.float64]:
    """Return −Σ p log2 p in bits over `axis` (None: over everything); 0 log 0 is 0.

    >>> float(entropy(np.full(8, 1 / 8)))
    3.0
    """
    return np.asarray(-(p * np.log2(np.where(p > 0, p, 1.0))).sum(axis=axis))
