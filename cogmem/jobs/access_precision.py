"""What is lost when a memory is not found: whether it comes at all, or how exactly; and one of two lists, or both.

Gershman, Fiete & Irie (2025) hold that traces stay and retrieval fails. Two experiments tell how a store retrieves.
With time people find fewer memories, and those as exact as ever (Berens, Richards & Horner, 2020): so does a store that
samples one trace, and not one that averages. After A-C, people recall some of A-B (Barnes & Underwood, 1959): so does a
sum of pairs with contexts, and not a store that corrects errors.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.choices import unit
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

READ_OUTS: Final = ("sampled", "soft", "linear")
"""One trace, drawn by the softmax of cosines; the average of all values by that softmax; their sum by cosines."""


@dataclass(frozen=True)
class AccessSettings:
    """Each word (a key of `dimension` numbers) has a place on a circle; a cue is the key and noise, of length 1 again.

    `sharpness` multiplies cosines in the softmax, `concentration` is the kappa of the answers' own noise (von Mises).
    Each of `blocks` is fitted for itself and holds `lists` lists, so that there is a standard error.
    """

    read_outs: tuple[str, ...] = READ_OUTS
    cue_noises: tuple[float, ...] = (0.0, 0.5, 1.0, 2.0, 3.0)
    items: int = 40
    dimension: int = 64
    sharpness: float = 12.0
    concentration: float = 30.0
    lists: int = 20
    blocks: int = 10

    def __post_init__(self) -> None:
        for each in self.read_outs:
            if each not in READ_OUTS:
                raise UserError(f"There is no read-out {each!r}; {nearest(each, READ_OUTS)}")
        if min(self.items, self.blocks) < 2 or min(self.lists, self.dimension) < 1:
            raise UserError(
                f"Lists need 2 items and a standard error 2 blocks; got {self.items} items of {self.dimension} "
                f"numbers, {self.blocks} blocks of {self.lists} lists."
            )


def errors(settings: AccessSettings, read_out: str, noise: float, *, seed: int) -> Array:
    """Return answers less what was studied, in radians from -pi to pi: (blocks, lists x items)."""
    rng = np.random.default_rng([seed, 76, round(1e3 * noise)])
    shape = (settings.blocks * settings.lists, settings.items)
    keys = unit(rng.standard_normal((*shape, settings.dimension)))
    places = rng.uniform(-np.pi, np.pi, shape)
    cues = unit(keys + noise / np.sqrt(settings.dimension) * rng.standard_normal(keys.shape))
    weights = cues @ keys.swapaxes(-1, -2)
    if read_out != "linear":
        weights = np.exp(settings.sharpness * (weights - weights.max(-1, keepdims=True)))
        weights /= weights.sum(-1, keepdims=True)
    if read_out == "sampled":
        drawn = (weights.cumsum(-1) < rng.random((*shape, 1))).sum(-1).clip(max=settings.items - 1)
        found = np.take_along_axis(places, drawn, -1)
    else:
        found = np.angle((weights @ np.exp(1j * places)[..., None])[..., 0])
    found = found + rng.vonmises(0.0, settings.concentration, shape)
    return np.asarray(np.angle(np.exp(1j * (found - places))).reshape(settings.blocks, -1))


def mixture(wrong: Array, *, rounds: int = 300) -> tuple[Array, Array]:
    """Return P(access) and kappa of each row of errors (rows, n): a von Mises around 0 and an even rest, by EM.

    Zhang & Luck (2008): p exp(kappa cos x) / (2 pi I0(kappa)) + (1 - p) / (2 pi). Below a kappa of 2 or so the two
    parts can hardly be told apart.
    """
    from scipy.special import i0e, i1e

    cosine = np.cos(wrong)
    p, kappa = np.full((len(wrong), 1), 0.5), np.full((len(wrong), 1), 5.0)
    for _ in range(rounds):
        peak = p * np.exp(kappa * (cosine - 1)) / i0e(kappa)
        own = peak / (peak + 1 - p)
        p = own.mean(1, keepdims=True)
        length = ((own * cosine).sum(1, keepdims=True) / own.sum(1, keepdims=True)).clip(1e-6, 1 - 1e-9)
        kappa = length * (2 - length**2) / (1 - length**2)
        for _ in range(4):  # Newton's steps to I1(kappa) / I0(kappa) = length
            ratio = i1e(kappa) / i0e(kappa)
            kappa = (kappa - (ratio - length) / (1 - ratio**2 - ratio / kappa)).clip(1e-6)
    return p[:, 0], kappa[:, 0]


def access(settings: AccessSettings, *, seed: int) -> Trials:
    """Return read_out, cue_noise, p_access, kappa and their standard errors p_access_se and kappa_se over blocks."""
    rows: list[dict[str, Any]] = []
    for read_out in settings.read_outs:
        for noise in settings.cue_noises:
            row: dict[str, Any] = {"read_out": read_out, "cue_noise": noise}
            found = mixture(errors(settings, read_out, noise, seed=seed))
            for name, each in zip(("p_access", "kappa"), found, strict=True):
                row |= {name: each.mean(), f"{name}_se": each.std(ddof=1) / np.sqrt(len(each))}
            rows.append(row)
    return from_rows(rows)


@dataclass(frozen=True)
class TwoListSettings:
    """A-B, then A-C: the same cues, two contexts of each of `context_cosines`, and after some trials both are tested.

    A trial is all pairs once, in random order, each written with `rate`. A key is the cue and the context of its list,
    added ("sum") or number by number ("product", a conjunction). `noise` is added to every number that is read, and the
    answer is the most alike of all values of both lists, asked for with the context of each list (as in the modified
    free recall of Barnes & Underwood). Vectors are Gaussian and have length 1 on average.
    """

    rules: tuple[Literal["linear", "delta"], ...] = ("linear", "delta")
    context_cosines: tuple[float, ...] = (0.0, 0.5, 0.9)
    pairs: int = 8
    dimension: int = 100
    first_trials: int = 10
    second_trials: tuple[int, ...] = (0, 1, 5, 10, 20)
    rate: float = 0.3
    noise: float = 0.25
    keys: Literal["sum", "product"] = "sum"
    repetitions: int = 200

    def __post_init__(self) -> None:
        for rule in self.rules:
            if rule not in ("linear", "delta"):
                raise UserError(f"Two lists are learned by linear (Hebb) or delta, not {rule!r}.")
        if (
            self.repetitions < 2
            or min(self.pairs, self.first_trials) < 1
            or min(self.context_cosines) < 0
            or max(self.context_cosines) > 1
        ):
            raise UserError(
                f"Two lists need a pair, an A-B trial, 2 repetitions and contexts with cosines from 0 to 1; got "
                f"{self.pairs}, {self.first_trials}, {self.repetitions}, {self.context_cosines}."
            )


def _keys(settings: TwoListSettings, cosine: float, rng: np.random.Generator) -> Array:
    """Return the keys of both lists: (repetitions, 2 pairs, dimension), A-B first."""
    shape, d = (settings.repetitions, settings.pairs), settings.dimension
    cues = rng.standard_normal((*shape, d)) / np.sqrt(d)
    first, other = rng.standard_normal((2, settings.repetitions, 1, d)) / np.sqrt(d)
    other = other - (other * first).sum(-1, keepdims=True) / (first**2).sum(-1, keepdims=True) * first
    other *= np.linalg.norm(first, axis=-1, keepdims=True) / np.linalg.norm(other, axis=-1, keepdims=True)
    contexts = (first, cosine * first + np.sqrt(1 - cosine**2) * other)
    if settings.keys == "sum":
        return np.concatenate([(cues + each) / np.sqrt(2) for each in contexts], 1)
    return np.concatenate([cues * each * np.sqrt(d) for each in contexts], 1)


def two_lists(settings: TwoListSettings, *, seed: int) -> Trials:
    """Return rule, context_cosine, ac_trials, p_b, p_b_se, p_c and p_c_se: the share of each list that is recalled."""
    import torch

    from cogmem.subjects import regressions
    from cogmem.subjects.training import torch_threads

    by_name = {rule.name: rule for rule in regressions.RULES}
    n, trials, rows = settings.pairs, settings.first_trials + max(settings.second_trials), list[dict[str, Any]]()
    seen = torch.tensor([(settings.first_trials + each) * n for each in settings.second_trials]).repeat_interleave(
        2 * n
    )
    for cosine in settings.context_cosines:
        rng = np.random.default_rng([seed, 77, round(1e3 * cosine)])
        keys = _keys(settings, cosine, rng)
        values = rng.standard_normal((settings.repetitions, 2 * n, settings.dimension)) / np.sqrt(settings.dimension)
        order = rng.random((settings.repetitions, trials, n)).argsort(-1)
        order += n * (np.arange(trials) >= settings.first_trials)[:, None]
        # Rows of a stream are the pairs in the order in which they are written.
        k, v = (np.take_along_axis(each, order.reshape(len(each), -1, 1), 1) for each in (keys, values))
        noise = settings.noise * rng.standard_normal((settings.repetitions, len(seen), settings.dimension))
        q = np.tile(keys, (1, len(settings.second_trials), 1))
        with torch_threads(1):
            parts = [torch.from_numpy(each) for each in (q, k, v)]
            gates = {"strength": torch.full(k.shape[:-1], settings.rate, dtype=torch.float64)}
            for rule in settings.rules:
                found = by_name[rule].parallel(parts[0], seen, parts[1], parts[2], gates).numpy()
                found = found * (settings.rate if rule == "linear" else 1.0) + noise
                said = (torch.from_numpy(found) @ torch.from_numpy(values).mT).argmax(-1).numpy()
                rows += _shares(settings, said, {"rule": rule, "context_cosine": cosine})
    return from_rows(rows)


def _shares(settings: TwoListSettings, said: NDArray[np.int64], key: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each test from what was answered: (repetitions, tests x 2 pairs)."""
    n = settings.pairs
    right = (said.reshape(len(said), -1, 2 * n) == np.arange(2 * n)).reshape(len(said), -1, 2, n).mean(-1)
    mean, error = right.mean(0), right.std(0, ddof=1) / np.sqrt(len(right))
    return [
        {**key, "ac_trials": trials, "p_b": b, "p_b_se": b_se, "p_c": c, "p_c_se": c_se}
        for trials, (b, c), (b_se, c_se) in zip(settings.second_trials, mean, error, strict=True)
    ]
