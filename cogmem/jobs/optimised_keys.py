"""Keys and values that are learned, not given: keys come to be told apart, values to be what is to be recalled.

Gershman, Fiete & Irie (2025), their second figure: pairs (k, v) of two numbers belong to classes. Each key is the query
in turn, a softmax over all stored keys (its own too) weighs the values, and what is read should be the features of the
class. Both keys and values follow the gradient. The control has one vector for both, as a memory by similarity has.

As published: stored keys carry no gradient, only queries do; gradients are never set to zero, so that Adam follows
their sum; classes are drawn, not dealt. Nothing here says where a query comes from: key and query are the same.

Attention does not feel a shift of all stored keys, so how opposed the centroids of keys end depends on the draw: with
two classes, as published, 20 seeds have cosines from -1 to .2, 15 of them below -.85. That keys differ does not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.trials import Trials, concatenate, from_rows

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]

FEATURES: Final = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
"""What is to be recalled of each class."""
STORAGE: Final = ("separate", "values", "shared")


@dataclass(frozen=True)
class KeySettings:
    """Settings: the paper's defaults for two classes; for three see `THREE`.

    A stored value is the sigmoid of what is learned. `storage`: keys that are learned apart ("separate"); keys that are
    the stored values themselves, K = V ("values"); or one learned vector x, the key x and the value sigmoid(x)
    ("shared"), which is K = V up to the squashing. `zero_gradients`: Adam follows the gradient of the step alone.
    """

    classes: int = 2
    pairs: int = 200
    steps: int = 5000
    rate: float = 3e-4
    zero_gradients: bool = False
    storage: Literal["separate", "values", "shared"] = "separate"
    every: int = 100

    def __post_init__(self) -> None:
        if self.storage not in STORAGE:
            raise UserError(f"storage is one of {', '.join(STORAGE)}; {nearest(str(self.storage), STORAGE)}")
        if not 2 <= self.classes <= len(FEATURES) or self.pairs < 2 * self.classes or min(self.steps, self.every) < 1:
            raise UserError(
                f"Keys are learned for 2 or 3 classes, two pairs of each at least, in 1 step or more; got "
                f"{self.classes} classes, {self.pairs} pairs, {self.steps} steps, a loss every {self.every}."
            )


THREE: Final = KeySettings(classes=3, pairs=300, steps=10_000)
STUDY: Final[Mapping[str, KeySettings]] = {
    "2 classes, as published": KeySettings(),
    "2 classes, gradients zeroed": KeySettings(zero_gradients=True),
    "2 classes, keys are values": KeySettings(storage="values"),
    "2 classes, one vector": KeySettings(storage="shared"),
    "3 classes, as published": THREE,
    "3 classes, gradients zeroed": replace(THREE, zero_gradients=True),
}
"""Three classes take four times as long as two, so that the controls are of two."""


def start(settings: KeySettings, seed: int) -> tuple[Array, Array, NDArray[np.int64]]:
    """Return keys and values to learn from, even from 0 to 1, and classes: (pairs, 2), (pairs, 2), (pairs,)."""
    rng = np.random.default_rng([seed, 73])
    shape = (settings.pairs, 2)
    return rng.random(shape), rng.random(shape), rng.integers(0, settings.classes, settings.pairs)


def gradients(keys: Tensor, values: Tensor, target: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return the loss (seeds,), and its slope by queries and by stored values (seeds, 2, pairs); stored keys are held.

    Vectors are columns here, which makes the products with the attention three times as fast. Slopes are written out:
    with A = softmax(K K^T / sqrt(2)), o = A V read and g = 2 (o - target) / (2 pairs), dV = A^T g, and dq_i =
    sum_j A_ij (g_i v_j - g_i o_i) k_j / sqrt(2).
    """
    import torch

    attention = torch.softmax(keys.mT @ (keys * 0.5**0.5), -1)
    # One product gives all sums over j: of values, of keys, and of keys by each number of the values.
    parts = torch.cat((values, keys, values[:, :1] * keys, values[:, 1:] * keys), 1)
    read, key, by_first, by_second = (parts @ attention.mT).chunk(4, 1)
    error = read - target
    g = error / target.shape[-1]
    by_key = g[:, :1] * by_first + g[:, 1:] * by_second - (g * read).sum(1, keepdim=True) * key
    return (error**2).mean((-2, -1)), by_key * 0.5**0.5, g @ attention


def optimise(settings: KeySettings, *, seeds: Sequence[int]) -> dict[str, Trials]:
    """Return what is learned: "loss" (seed, step, loss), "pairs" (each key and stored value) and "geometry" by seed.

    `stage` is "start" or "end". All seeds learn side by side, and none feels another.
    """
    import torch

    from cogmem.subjects.training import torch_threads

    drawn = [start(settings, seed) for seed in seeds]
    apart = settings.storage == "separate"
    first = np.stack([np.concatenate([values, keys], 1) if apart else values for keys, values, _ in drawn])
    target = torch.from_numpy(FEATURES[np.stack([classes for *_, classes in drawn])]).float().mT.contiguous()
    learned = torch.from_numpy(first).float().mT.contiguous()
    slope, mean, square = (torch.zeros_like(learned) for _ in range(3))
    losses, steps = [], []
    with torch_threads(1):
        stages = {"start": _stored(learned.clone(), settings)}
        for step in range(settings.steps):
            loss, now = _slope(learned, target, settings)
            slope = now if settings.zero_gradients else slope + now
            _adam(learned, slope, mean, square, step + 1, settings.rate)
            if step % settings.every == 0 or step == settings.steps - 1:
                losses.append(loss.numpy())
                steps.append(step)
        stages["end"] = _stored(learned, settings)
    curve = {"seed": np.repeat(seeds, len(steps)), "step": np.tile(steps, len(seeds))}
    made = {"loss": Trials({**curve, "loss": np.stack(losses, 1).ravel()})}
    return made | _tables(stages, [classes for *_, classes in drawn], seeds)


def _stored(learned: Tensor, settings: KeySettings) -> tuple[Tensor, Tensor]:
    """Return the keys and the stored values, (seeds, 2, pairs) each."""
    values = learned[:, :2].sigmoid()
    keys = {"separate": learned[:, 2:], "values": values, "shared": learned}[settings.storage]
    return keys, values


def _adam(x: Tensor, slope: Tensor, mean: Tensor, square: Tensor, step: int, rate: float) -> None:
    """Move x, in place, by one step of Adam (Kingma & Ba, 2015); torch's own takes longer than the slopes."""
    mean.lerp_(slope, 0.1)
    square.mul_(0.999).addcmul_(slope, slope, value=0.001)
    size = square.sqrt().mul_((1 - 0.999**step) ** -0.5).add_(1e-8)
    x.addcdiv_(mean, size, value=-rate / (1 - 0.9**step))


def _slope(learned: Tensor, target: Tensor, settings: KeySettings) -> tuple[Tensor, Tensor]:
    """Return the loss and the slope by what is learned, of the same shape."""
    import torch

    keys, values = _stored(learned, settings)
    loss, by_key, by_value = gradients(keys, values, target)
    squash = values * (1 - values)
    if settings.storage == "separate":
        return loss, torch.cat((by_value * squash, by_key), 1)
    return loss, by_value * squash + (by_key * squash if settings.storage == "values" else by_key)


def _tables(
    stages: Mapping[str, tuple[Tensor, Tensor]], classes: Sequence[NDArray[np.int64]], seeds: Sequence[int]
) -> dict[str, Trials]:
    pairs, rows = [], []
    for stage, (keys, values) in stages.items():
        for place, seed in enumerate(seeds):
            k, v = keys[place].mT.double().numpy(), values[place].mT.double().numpy()
            columns = {"key_0": k[:, 0], "key_1": k[:, 1], "value_0": v[:, 0], "value_1": v[:, 1]}
            same = {"seed": np.full(len(k), seed), "stage": np.full(len(k), stage), "class": classes[place]}
            pairs.append(Trials(same | columns))
            rows.append({"seed": seed, "stage": stage} | geometry(k, v, classes[place]))
    found = from_rows(rows)
    return {"pairs": concatenate(pairs), "geometry": found}


def _cosines(x: Array, y: Array) -> Array:
    lengths = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(y, axis=1)
    return np.asarray(x @ y.T / np.maximum(lengths, 1e-12))


def geometry(keys: Array, values: Array, classes: NDArray[np.int64]) -> dict[str, float]:
    """Return how keys and stored values (pairs, 2) lie:

    `key_cosine` and `value_cosine`: of class centroids, of the first two classes; `..._worst`: the highest of any two.
    `value_distance`: the largest distance of a centroid of values from the features of its class.
    `discriminability`: a key's cosine with the centroid of its own class less that with the nearest other one, mean.
    `own_attention`: how much of the attention of a query goes to pairs of its own class.
    `fidelity`: 1 less the mean distance of values from their features, as a share of the sqrt(2) between two classes.
    `procrustes`: what is left of the layout of the keys when it is moved, turned and scaled onto that of the values
    (Gower, 1975), 0 alike to 1; `loss`: mean squared error of what is read.
    """
    from scipy.spatial import procrustes

    names = np.unique(classes)
    own = classes[:, None] == names
    key_means, value_means = (np.stack([x[classes == name].mean(0) for name in names]) for x in (keys, values))
    near = _cosines(keys, key_means)
    scores = keys @ keys.T / np.sqrt(2)
    attention = np.exp(scores - scores.max(1, keepdims=True))
    attention /= attention.sum(1, keepdims=True)
    between = [(_cosines(key_means, key_means)[a, b], _cosines(value_means, value_means)[a, b])
               for a, b in combinations(range(len(names)), 2)]  # fmt: skip
    features = FEATURES[classes]
    return {
        "key_cosine": between[0][0], "value_cosine": between[0][1],
        "key_cosine_worst": max(pair[0] for pair in between), "value_cosine_worst": max(pair[1] for pair in between),
        "value_distance": float(np.linalg.norm(value_means - FEATURES[names], axis=1).max()),
        "discriminability": float((near[own] - np.where(own, -np.inf, near).max(1)).mean()),
        "own_attention": float((attention * (classes[:, None] == classes)).sum(1).mean()),
        "fidelity": float(1 - np.linalg.norm(values - features, axis=1).mean() / np.sqrt(2)),
        "procrustes": float(procrustes(values, keys)[2]),
        "loss": float(((attention @ values - features) ** 2).mean()),
    }  # fmt: skip


def study(settings: Mapping[str, KeySettings] = STUDY, *, seeds: Sequence[int] = (1, 2, 3)) -> dict[str, Trials]:
    """Return the tables of `optimise` for every variant, with a column `variant` before the others."""
    made = {name: optimise(each, seeds=seeds) for name, each in settings.items()}
    return {
        table: concatenate([Trials({"variant": np.full(len(tables[table]), name), **tables[table].columns})
                            for name, tables in made.items()])
        for table in ("loss", "pairs", "geometry")
    }  # fmt: skip
