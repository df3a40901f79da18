"""How many pairs a store holds that has learned nothing: accuracy by pairs, dimension, likeness of keys and noise.

Gershman, Fiete & Irie (2025): storage that is limited by interference at retrieval. N pairs of random unit vectors are
written once, each key is shown again, and the answer is the stored value that is most like what is read (argmax of the
dot product). Theory stands beside the simulation for the stores whose read-out is a weighted sum of values.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.jobs.store_theory import evenly, expected, nearest_key
from cogmem.names import nearest
from cogmem.subjects.choices import unit
from cogmem.subjects.stores import READ_LIKE_A_MATCH, RULE_NAMES
from cogmem.trials import Trials

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Condition = tuple[int, float, float]
"""Numbers of a key, mean cosine of two keys, length of the noise on a cue."""

RULES: Final = (*RULE_NAMES, "delta_twice", "cubic")
"""The rules of `regressions`; the delta rule with the list read twice; the sum of values by the cube of the cosine of
their keys, the echo content of MINERVA 2 (Hintzman, 1986)."""
NUMBERS: Final = 4_000_000
"""So many numbers are in memory at a time."""


@dataclass(frozen=True)
class CapacitySettings:
    """Lists of each number of `pairs` for each of `dimensions`; alike keys and noisy cues are of `dimension` numbers.

    `key_similarities` are mean cosines of two keys, `cue_noises` lengths of the noise on a cue beside the key's 1.
    Values have `value_dimension` numbers (0: as many as keys). At most `probes` pairs of a list are asked for, evenly
    over the list. `keep`, `strength`, `momentum` and `rate` are the gates, `ridge` the penalty of exact regression.
    `sharpness` is what softmax and local regression multiply cosines by (8, as subjects do: `READ_LIKE_A_MATCH`).
    """

    rules: tuple[str, ...] = RULES
    pairs: tuple[int, ...] = (4, 8, 16, 32, 64, 128, 256, 512)
    dimensions: tuple[int, ...] = (16, 32, 64, 128)
    dimension: int = 64
    key_similarities: tuple[float, ...] = (0.5,)
    cue_noises: tuple[float, ...] = (0.5,)
    value_dimension: int = 0
    repetitions: int = 20
    probes: int = 64
    keep: float = 0.98
    strength: float = 1.0
    momentum: float = 0.5
    rate: float = 0.25
    ridge: float = 1e-2
    sharpness: float = READ_LIKE_A_MATCH

    def __post_init__(self) -> None:
        for rule in self.rules:
            if rule not in RULES:
                raise UserError(f"There is no store {rule!r}; {nearest(rule, RULES)}")
        if min(self.pairs) < 2 or self.repetitions < 2 or self.probes < 1 or min(self.dimension, *self.dimensions) < 2:
            raise UserError(
                f"Lists have 2 pairs or more of 2 numbers or more, a probe, and a standard error 2 repetitions; got "
                f"pairs {self.pairs}, numbers {self.dimensions}, probes {self.probes}, repetitions {self.repetitions}."
            )

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The conditions, one thing changed at a time."""
        alike = [(self.dimension, rho, 0.0) for rho in self.key_similarities]
        noisy = [(self.dimension, 0.0, noise) for noise in self.cue_noises]
        return tuple(dict.fromkeys([*((d, 0.0, 0.0) for d in self.dimensions), *alike, *noisy]))


def _table(names: str, rows: Iterable[tuple[Any, ...]]) -> Trials:
    return Trials({name: np.array(each) for name, each in zip(names.split(), zip(*rows, strict=True), strict=True)})


# ---- simulation -----------------------------------------------------------------------------------------------------


def read(rule: str, q: Tensor, k: Tensor, v: Tensor, settings: CapacitySettings) -> Tensor:
    """Return what a store reads for queries (..., r, d) after all pairs, (..., t, d) and (..., t, dv): (..., r, dv)."""
    import torch

    from cogmem.subjects import regressions

    if rule == "cubic":
        return (q @ k.mT) ** 3 @ v
    if rule == "rls":
        # What recursive least squares comes to after all pairs, for any penalty.
        covariance = k.mT @ k + settings.ridge * torch.eye(k.shape[-1], dtype=k.dtype)
        weights: Tensor = torch.linalg.solve(covariance, k.mT @ v)
        return q @ weights
    if rule == "delta_twice":
        rule, k, v = "delta", torch.cat((k, k), -2), torch.cat((v, v), -2)
    found = next(each for each in regressions.RULES if each.name == rule)
    if found.functions != "linear":
        stretch = settings.sharpness**0.5 * k.shape[-1] ** 0.25
        q, k = stretch * q, stretch * k
    gates = {name: torch.full(k.shape[:-1], float(getattr(settings, name)), dtype=k.dtype) for name in found.gates}
    return found.parallel(q, torch.full((q.shape[-2],), k.shape[-2]), k, v, gates)


Lists = tuple[NDArray[np.int64], "Tensor", "Tensor", "Tensor"]


def _lists(settings: CapacitySettings, condition: Condition, n: int, seed: int) -> Iterator[Lists]:
    """Yield some repetitions at a time: which pairs are asked for (r,), cues (.., r, d), keys and values (.., n, d)."""
    import torch

    d, rho, noise = condition
    rng = np.random.default_rng([seed, 71, d, round(1e3 * rho), round(1e3 * noise), n])
    asked = evenly(n, settings.probes)
    at_once = max(1, NUMBERS // (n * max(n, len(asked) * d)))
    for done in range(0, settings.repetitions, at_once):
        size = min(at_once, settings.repetitions - done)
        shared = np.sqrt(rho) * rng.standard_normal((size, 1, d))
        k = unit(shared + np.sqrt(1 - rho) * rng.standard_normal((size, n, d)))
        v = unit(rng.standard_normal((size, n, settings.value_dimension or d)))
        q = k[:, asked] + noise / np.sqrt(d) * rng.standard_normal((size, len(asked), d))
        yield asked, torch.from_numpy(q), torch.from_numpy(k), torch.from_numpy(v)


def _right(settings: CapacitySettings, condition: Condition, n: int, seed: int) -> dict[str, Array]:
    """Return the share of right answers of each repetition (repetitions,) by rule; all rules get the same lists."""
    from cogmem.subjects.training import torch_threads

    found: dict[str, list[Array]] = {rule: [] for rule in settings.rules}
    with torch_threads(1):
        for asked, q, k, v in _lists(settings, condition, n, seed):
            for rule in settings.rules:
                answers = (read(rule, q, k, v, settings) @ v.mT).argmax(-1).numpy()
                found[rule].append((answers == asked).mean(-1))
    return {rule: np.concatenate(shares) for rule, shares in found.items()}


def accuracy(settings: CapacitySettings, *, seed: int) -> Trials:
    """Return rule, dimension, key_similarity, cue_noise, n_pairs, y, se over n repetitions, and theory (or NaN)."""
    rows = []
    for condition in settings.conditions:
        for n in settings.pairs:
            for rule, y in _right(settings, condition, n, seed).items():
                se = y.std(ddof=1) / np.sqrt(len(y))
                rows.append((rule, *condition, n, y.mean(), se, len(y), expected(rule, condition, n, settings)))
    return _table("rule dimension key_similarity cue_noise n_pairs y se n theory", rows)


def crossing(n: Array, y: Array, criterion: float) -> float:
    """Return where y first falls to the criterion, on a line over log n; NaN where it is not between two of n.

    >>> round(float(crossing(np.array([4.0, 16.0]), np.array([1.0, 0.8]), 0.9)), 6)
    8.0
    """
    below = np.flatnonzero(y < criterion)
    if not len(below) or not below[0]:
        return np.nan
    after = below[0]
    share = (y[after - 1] - criterion) / (y[after - 1] - y[after])
    return float(np.exp(np.log(n[after - 1]) + share * np.log(n[after] / n[after - 1])))


def capacity(table: Trials, *, criterion: float = 0.9) -> Trials:
    """Return N at the criterion, found and by theory, from `accuracy`: rule, the condition, capacity, theory.

    NaN: it is never that bad, or always worse, with the lists that were tried.
    """
    rows = []
    for key, chosen in table.groups(("rule", "dimension", "key_similarity", "cue_noise")):
        n = table["n_pairs"][chosen].astype(np.float64)
        rows.append((*key.values(), *(crossing(n, table[name][chosen], criterion) for name in ("y", "theory"))))
    return _table("rule dimension key_similarity cue_noise capacity theory", rows)


@dataclass(frozen=True)
class GrowthSettings:
    """Few dimensions, so that the end of softmax is within reach: a noisy cue, and values of as many numbers for all d.

    Cosines are multiplied by `steepness` d, as for keys of length sqrt(d) (Ramsauer et al., 2021): with one sharpness
    for all d the end would come from what all others add together, whatever d. `tests` are made at least for each N.
    """

    rules: tuple[str, ...] = ("softmax", "cubic", "rls", "linear")
    dimensions: tuple[int, ...] = (4, 6, 8, 10, 12, 14, 16)
    cue_noise: float = 0.7
    steepness: float = 1.0
    value_dimension: int = 64
    most: int = 4096
    tests: int = 1024
    criterion: float = 0.9


def growth(settings: GrowthSettings, *, seed: int) -> Trials:
    """Return rule, dimension, capacity (N at the criterion) and, for softmax, theory: that of the nearest key."""
    grid = np.unique(np.round(2.0 ** np.arange(1.0, np.log2(settings.most) + 0.01, 0.5)))
    rows: list[tuple[Any, ...]] = []
    for d in settings.dimensions:
        whole = CapacitySettings(value_dimension=settings.value_dimension, sharpness=settings.steepness * d, probes=128)
        curves: dict[str, list[float]] = {rule: [] for rule in settings.rules}
        for n in grid.astype(int).tolist():
            going = tuple(rule for rule, y in curves.items() if not y or y[-1] > settings.criterion - 0.1)
            lists = replace(whole, rules=going, repetitions=max(8, settings.tests // n))
            for rule, shares in _right(lists, (d, 0.0, settings.cue_noise), n, seed).items() if going else ():
                curves[rule].append(float(shares.mean()))
        theory = crossing(grid, np.array([nearest_key(n, d, settings.cue_noise) for n in grid]), settings.criterion)
        for rule, y in curves.items():
            found = crossing(grid, np.array(y), settings.criterion)
            rows.append((rule, d, found, theory if rule == "softmax" else np.nan))
    return _table("rule dimension capacity theory", rows)


def recall_error(settings: CapacitySettings, *, passes: tuple[int, ...] = (1, 2, 8), seed: int) -> Trials:
    """Return rule, keys, passes, n_pairs and error: root mean square length of what is read less the value (length 1).

    Up to N = d exact regression (without a penalty) makes none whatever the keys; the delta rule makes none in one pass
    of orthonormal keys (bases, one after another), and less with every pass of random ones (Kaczmarz, 1937).
    """
    import torch

    from cogmem.subjects.training import torch_threads

    d, rows = settings.dimension, list[tuple[Any, ...]]()
    exact = replace(settings, ridge=1e-12, strength=1.0, value_dimension=d)
    cells = (("rls", "random", 1), ("delta", "orthonormal", 1), *(("delta", "random", times) for times in passes))
    for n in (d // 4, d // 2, d, 2 * d):
        _, _, k, v = next(_lists(exact, (d, 0.0, 0.0), n, seed))
        drawn = np.random.default_rng([seed, 72, n]).standard_normal((len(k), 2, d, d))
        bases = torch.from_numpy(np.linalg.qr(drawn)[0]).flatten(1, 2)[:, :n]
        for rule, kind, times in cells:
            keys = k if kind == "random" else bases
            with torch_threads(1):
                found = read(rule, keys, torch.cat((keys,) * times, -2), torch.cat((v,) * times, -2), exact)
            rows.append((rule, kind, times, n, float(((found - v) ** 2).sum(-1).mean() ** 0.5)))
    return _table("rule keys passes n_pairs error", rows)


def double_descent(settings: CapacitySettings, *, ridges: tuple[float, ...] = (1e-6, 1e-3, 0.1), seed: int) -> Trials:
    """Return ridge, n_pairs, y, se and mse (of a value of length 1) of exact regression with a noisy cue."""
    from cogmem.subjects.training import torch_threads

    rows, condition = [], (settings.dimension, 0.0, settings.cue_noises[0])
    for n in settings.pairs:
        for ridge in ridges:
            right, errors = [], []
            for asked, q, k, v in _lists(settings, condition, n, seed):
                with torch_threads(1):
                    found = read("rls", q, k, v, replace(settings, ridge=ridge))
                    right.append(((found @ v.mT).argmax(-1).numpy() == asked).mean(-1))
                    errors.append(((found - v[:, asked]) ** 2).sum(-1).mean(-1).numpy())
            y = np.concatenate(right)
            rows.append((ridge, n, y.mean(), y.std(ddof=1) / np.sqrt(len(y)), np.concatenate(errors).mean()))
    return _table("ridge n_pairs y se mse", rows)
