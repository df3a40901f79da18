"""Theory of what stores hold: P(right) of those that read a weighted sum of values, and of the nearest key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cogmem.jobs.store_capacity import CapacitySettings, Condition

Array = NDArray[np.float64]


def evenly(n: int, most: int) -> NDArray[np.int64]:
    """Return the middles of `most` even parts of 0 to n - 1, or all."""
    return ((np.arange(min(n, most)) + 0.5) * n / min(n, most)).astype(np.int64)


def expected(rule: str, condition: Condition, n: int, settings: CapacitySettings) -> float:
    """Return P(right) of a store that reads a weighted sum of values, by quadrature; NaN where there is no theory.

    It needs the mean and variance of a pair's own weight, and the energies (mean squares) of the weights of the others.
    Exact regression (clean cue, no penalty) has the diagonal of a projection, d / N, as own weight, or 1 up to N = d.
    """
    d, rho, noise = condition
    known = rule in ("linear", "gated") or (rule == "delta" and settings.strength == 1) or (rule == "rls" and not noise)
    if rho or not known:
        return np.nan
    dv = settings.value_dimension or d
    if rule == "rls":
        left = (1 - d / n) * d / n
        # Keys have length 1: what a Gaussian key's length would add to the variance of its weight is not there.
        spread = 2 * left / (n + 2) - 2 * left**2 / d
        return 1.0 if n <= d else _chance(d / n, max(spread, 0.0), np.full(n - 1, left / (n - 1)), dv)
    keep = settings.keep if rule == "gated" else 1.0
    weights = _overwritten if rule == "delta" else _summed
    places = evenly(n, 16 if rule != "linear" else 1)
    return float(np.mean([_chance(*weights(int(place), n, d, noise, keep), dv) for place in places]))


def _summed(place: int, n: int, d: int, noise: float, keep: float) -> tuple[float, float, Array]:
    """Return the own weight's mean and variance and the others' energies in a sum that fades: 1, (1 + noise²) / d."""
    kept = keep ** np.arange(n - 1.0, -1.0, -1.0)
    energies: Array = np.delete(kept, place) ** 2 * (1 + noise**2) / d
    return float(kept[place]), float(kept[place] * noise) ** 2 / d, energies


def _overwritten(place: int, n: int, d: int, noise: float, keep: float) -> tuple[float, float, Array]:
    """Return the own weight's mean and variance and the others' energies after one pass of the delta rule.

    A cue goes back through the projections I - k k^T of later pairs: its energy is (1 - 1/d) for each, and of the
    square w² of what it says of its own key E w² <- E w² (1 - 2/d + 2/(d (d + 2))) + energy / (d (d + 2)).
    """
    left, square = 1.0, 1.0
    for _ in range(n - 1 - place):
        left, square = left * (1 - 1 / d), square * (1 - 2 / d + 2 / (d * (d + 2))) + left / (d * (d + 2))
    away = np.arange(n) - place
    later = (1 - 1 / d) ** (n - 1.0 - np.arange(n)) * (1 + noise**2) / d
    earlier = (max(left - square, 0.0) + noise**2 * left) * (1 - 1 / d) ** np.maximum(-away - 1.0, 0.0) / d
    return left, max(square - left**2, 0.0) + noise**2 * left / d, np.delete(np.where(away > 0, later, earlier), place)


def _chance(own: float, spread: float, others: Array, dv: int) -> float:
    """Return P(own score is the highest): own N(own, spread + E / dv), E being all `others`, against N - 1 scores.

    Scores of others are dot products of one read-out with values in dv numbers. Their sum of squares Q has moments that
    the eigenvalues of the values (Marchenko & Pastur, 1967) give; it rises with the own score, and given Q each is the
    coordinate of a direction in 2 / Var(Q / E Q) dimensions. Independent scores would be up to .1 lower.
    """
    from scipy.special import betainc, gammaincinv

    energy = others.sum()
    if not energy:
        return 1.0
    nodes, weights = np.polynomial.hermite_e.hermegauss(15)
    n = energy**2 / (others**2).sum()
    one, c = energy / n, n / dv
    q = own**2 * c + one * dv * c * (1 + c)
    variance = 2 * one**2 * dv * c * (1 + 6 * c + 6 * c**2 + c**3) + 2 * own**4 * n / dv**2
    variance += 4 * own**2 * one * c * (1 + 3 * c + c**2)
    total, shared = spread + energy / dv, 2 * own * one * c * (1 + c)
    s = own + np.sqrt(total) * nodes
    dimensions = 2 / max((variance - shared**2 / total) / q**2, 1e-3)
    rise = np.maximum(1 + shared * (s - own) / (total * q), 0.1)
    scale = rise[:, None] * gammaincinv(dimensions / 2, (np.arange(15) + 0.5) / 15) * 2 / dimensions
    groups = np.array_split(np.sort(others), min(len(others), 32))
    sizes, counts = np.array([part.mean() for part in groups]), np.array([len(part) for part in groups])
    square = s[:, None, None] ** 2 / (scale[..., None] * (sizes + (own**2 + energy - sizes) / dv)) / dimensions
    half = np.sign(s)[:, None, None] * betainc(0.5, (dimensions - 1) / 2, np.minimum(square, 1.0)) / 2
    below = np.log(np.maximum(0.5 + half, 1e-300)) @ counts
    return float(weights @ np.exp(below).mean(-1) / weights.sum())


def nearest_key(n: float, d: int, noise: float) -> float:
    """Return P(a noisy cue is nearest to its own key), which is what steep softmax reads: a capacity of exp(c d).

    A random key is within the angle of the cue with P = I(sin²; (d - 1) / 2, 1/2) / 2, the share of a spherical cap.
    """
    from scipy.special import betainc, chdtri

    nodes, weights = np.polynomial.hermite_e.hermegauss(31)
    along = 1 + noise / np.sqrt(d) * nodes[:, None]
    across = noise**2 / d * chdtri(d - 1, (np.arange(64) + 0.5) / 64)
    cap = betainc((d - 1) / 2, 0.5, across / (across + along**2)) / 2
    return float(weights @ (np.where(along > 0, 1 - cap, cap) ** (n - 1)).mean(-1) / weights.sum())
