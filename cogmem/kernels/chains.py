"""Markov chains of reproductions: each generation sees the last one's answer through noise and reconstructs it.

A reproducer with prior pi sees y ~ N(x, noise_sd^2) and answers x' by a rule: a draw from the posterior ("sample",
whose stationary law is pi itself), its mean ("mean") or its mode ("map"). Griffiths & Kalish (2007); Xu & Griffiths
(2010). Single precision; numpy and numba give the same bits, CUDA (which contracts products and sums) differs by less
than 1e-4 of the prior's spread, but for draws that fall between two components.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.arguments import array, seed_key
from cogmem.kernels.kernel import Kernel
from cogmem.names import nearest

Floats = NDArray[np.float32]
RULES: Final = {"sample": 0, "mean": 1, "map": 2}
SHIFTS: Final = 12
"""Mean-shift steps (Carreira-Perpinan, 2000) from the densest component's mean to the mode of the posterior."""
_HALF: Final = np.float32(0.5)
_RANGE: Final = np.float32(2.0**-32)


def gaussian_coefficients(
    *,
    prior_mean: ArrayLike,
    prior_sd: ArrayLike,
    noise_sd: ArrayLike,
    rule: str = "sample",
    tracked: str = "percept",
    temper: float = 1.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return (slope, shift, sd) of x' = slope x + shift + sd z for one Gaussian prior, elementwise.

    With lam = prior_sd^2 / (prior_sd^2 + noise_sd^2), slope = lam and shift = (1 - lam) prior_mean (Xu & Griffiths,
    2010). `tracked` "percept" follows the reconstructions: sd^2 = (lam + lam^2) noise_sd^2 for "sample" (stationary
    law: the prior) and lam^2 noise_sd^2 for "mean" and "map"; "produced" follows the noisy stimuli that the next
    generation sees: (1 + lam) noise_sd^2 and noise_sd^2. `temper` raises the posterior to that power before it is
    sampled.
    """
    who = "gaussian_coefficients"
    given = (np.asarray(value, dtype=np.float64) for value in (prior_mean, prior_sd, noise_sd))
    mean, spread, noise = np.broadcast_arrays(*given)
    _positive(who, "prior_sd", spread)
    _positive(who, "noise_sd", noise)
    _positive(who, "temper", np.asarray(temper))
    if tracked not in ("percept", "produced"):
        raise UserError(f"{who} needs tracked, 'percept' or 'produced'; got {tracked!r}.")
    lam = spread**2 / (spread**2 + noise**2)
    drawn = lam / temper if rule_code(who, rule) == RULES["sample"] else np.zeros_like(lam)
    seen = lam**2 if tracked == "percept" else np.ones_like(lam)
    return lam, (1.0 - lam) * mean, np.sqrt(seen + drawn) * noise


def rule_code(who: str, rule: str) -> int:
    """Return the number of a rule; UserError names the nearest match."""
    if rule not in RULES:
        raise UserError(f"{who} has no rule {rule!r}; {nearest(str(rule), RULES)}")
    return RULES[rule]


def _positive(who: str, name: str, values: NDArray[Any]) -> None:
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise UserError(f"{who} needs {name} above 0 and finite; got {values.min() if values.size else 'nothing'}.")


# --- One Gaussian prior: a linear recursion --------------------------------------------------------------------------


def _gaussian(start: Floats, slope: Floats, shift: Floats, sd: Floats, keep: NDArray[np.int64], key: Any) -> Floats:
    kept = np.empty((len(keep), len(start)), np.float32)
    kept[keep == 0] = start
    x = start
    for block in range(-(-int(keep[-1]) // 4)):
        w0, w1, w2, w3 = random.block(key, np.arange(len(start)), block)
        for step, z in enumerate((*random.normals_of(w0, w1), *random.normals_of(w2, w3)), 4 * block + 1):
            x = slope * x + shift + sd * z
            kept[keep == step] = x
    return kept


GAUSSIAN: Final[Kernel[Callable[..., Any]]] = Kernel(
    "gaussian_chains", _gaussian, "cogmem.kernels.cpu.chains:gaussian", "cogmem.kernels.cuda.chains:gaussian"
)


def gaussian_chains(
    start: ArrayLike,
    *,
    slope: ArrayLike,
    shift: ArrayLike,
    sd: ArrayLike,
    keep: Sequence[int],
    seed: int,
    backend: str = "auto",
) -> Floats:
    """Return chains of reproducers with one Gaussian prior each, (len(keep), chains) in the unit of `start`.

    `start` (chains,); the coefficients (see `gaussian_coefficients`) are one for all or one a chain. `keep` are the
    generations returned, ascending; 0 is the start. Normal 4 b + j of chain i comes from block b of individual i.
    """
    who = GAUSSIAN.name
    x = array(who, "start", start, np.float32, (None,))
    given = {"slope": slope, "shift": shift, "sd": sd}
    parts = [array(who, name, _spread(value, len(x)), np.float32, (len(x),)) for name, value in given.items()]
    return np.asarray(GAUSSIAN.on(backend)(x, *parts, _generations(who, keep), seed_key(who, seed)))


def _spread(value: ArrayLike, n: int) -> NDArray[Any]:
    found = np.asarray(value)
    return np.broadcast_to(found, (n,)) if found.ndim == 0 else found


def _generations(who: str, keep: Sequence[int]) -> NDArray[np.int64]:
    found = array(who, "keep", keep, np.int64, (None,)) if len(keep) else np.zeros(0, np.int64)
    if not len(found) or found[0] < 0 or (np.diff(found) <= 0).any() or found[-1] >= 2**32:
        raise UserError(f"{who} needs keep, ascending numbers of generations from 0 on; got {list(keep)[:8]}.")
    return found


# --- A prior of several Gaussians ------------------------------------------------------------------------------------


def mixture_parts(
    means: NDArray[np.float64], sds: NDArray[np.float64], weights: NDArray[np.float64], noise_sd: float
) -> Floats:
    """Return what each component contributes, (7, components) float32.

    Rows: mean; -1/2 / (sd^2 + noise^2); log weight of the component less its log spread; gain and base of the
    component's posterior mean, gain y + base; its posterior sd; its posterior precision.
    """
    total = sds**2 + noise_sd**2
    gain = sds**2 / total
    spread = np.sqrt(gain) * noise_sd
    logs = np.log(weights / weights.sum()) - 0.5 * np.log(total)
    return np.stack([means, -0.5 / total, logs, gain, (1 - gain) * means, spread, spread**-2.0]).astype(np.float32)


def _shares(parts: Floats, y: Any) -> tuple[list[Any], list[Any]]:
    """Return (posterior share of each component up to one factor, posterior mean of each) for percepts y."""
    logs = [lead + fall * (y - mean) * (y - mean) for mean, fall, lead in zip(*parts[:3], strict=True)]
    top = logs[0]
    for each in logs[1:]:
        top = np.maximum(top, each)
    return [random.exp(each - top) for each in logs], [gain * y + base for gain, base in zip(*parts[3:5], strict=True)]


def _sum(values: Sequence[Any]) -> Any:
    """Return the sum from left to right: the order in which the compiled versions add."""
    total = values[0]
    for each in values[1:]:
        total = total + each
    return total


def _sampled(parts: Floats, y: Any, z: Any, u: Any) -> Any:
    shares, centres = _shares(parts, y)
    edge, passed = u * _sum(shares), np.zeros_like(y)
    answer = np.zeros_like(y)
    undecided = np.ones(y.shape, bool)
    for k, share in enumerate(shares):
        passed = passed + share
        chosen = undecided & ((passed >= edge) | (k + 1 == len(shares)))
        answer = np.where(chosen, centres[k] + parts[5, k] * z, answer)
        undecided = undecided & ~chosen
    return answer


def _averaged(parts: Floats, y: Any) -> Any:
    shares, centres = _shares(parts, y)
    return _sum([share * centre for share, centre in zip(shares, centres, strict=True)]) / _sum(shares)


def _pull(parts: Floats, shares: Sequence[Any], centres: Sequence[Any], x: Any) -> list[Any]:
    """Return what each component adds to the density at x, up to one factor."""
    found = []
    for k, (share, centre) in enumerate(zip(shares, centres, strict=True)):
        distance = x - centre
        found.append(share / parts[5, k] * random.exp(-_HALF * parts[6, k] * distance * distance))
    return found


def _mode(parts: Floats, y: Any) -> Any:
    shares, centres = _shares(parts, y)
    best, x = _sum(_pull(parts, shares, centres, centres[0])), centres[0]
    for centre in centres[1:]:
        density = _sum(_pull(parts, shares, centres, centre))
        x, best = np.where(density > best, centre, x), np.maximum(density, best)
    for _ in range(SHIFTS):
        pulls = [pull * parts[6, k] for k, pull in enumerate(_pull(parts, shares, centres, x))]
        x = _sum([pull * centre for pull, centre in zip(pulls, centres, strict=True)]) / _sum(pulls)
    return x


def _mixture(
    start: Floats, parts: Floats, noise_sd: np.float32, rule: int, keep: NDArray[np.int64], key: tuple[int, int]
) -> Floats:
    kept = np.empty((len(keep), len(start)), np.float32)
    kept[keep == 0] = start
    x = start
    for step in range(int(keep[-1])):
        w0, w1, w2, _ = random.block(key, np.arange(len(start)), step)
        first, second = random.normals_of(w0, w1)
        y = x + noise_sd * first
        if rule == RULES["sample"]:
            x = _sampled(parts, y, second, (np.float32(w2) + _HALF) * _RANGE)
        else:
            x = _averaged(parts, y) if rule == RULES["mean"] else _mode(parts, y)
        kept[keep == step + 1] = x
    return kept


MIXTURE: Final[Kernel[Callable[..., Any]]] = Kernel(
    "mixture_chains", _mixture, "cogmem.kernels.cpu.chains:mixture", "cogmem.kernels.cuda.chains:mixture"
)


def mixture_chains(
    start: ArrayLike,
    *,
    means: ArrayLike,
    sds: ArrayLike,
    weights: ArrayLike,
    noise_sd: float,
    keep: Sequence[int],
    seed: int,
    rule: str = "sample",
    backend: str = "auto",
) -> Floats:
    """Return chains of reproducers whose prior is a mixture of Gaussians, (len(keep), chains) in the unit of `start`.

    `start` (chains,); `means`, `sds`, `weights` (components,), the weights up to a factor; `keep` ascending generations
    (0: the start). The chain of percepts is followed. "map" climbs by mean shift from the densest component's mean.
    Step s of chain i uses block s of individual i: two normals (percept, answer) and the choice of a component.
    """
    who = MIXTURE.name
    x = array(who, "start", start, np.float32, (None,))
    mean = array(who, "means", means, np.float64, (None,))
    spread = array(who, "sds", sds, np.float64, (len(mean),))
    weight = array(who, "weights", weights, np.float64, (len(mean),))
    if not len(mean):
        raise UserError(f"{who} needs a prior of at least one component; got none.")
    _positive(who, "sds", spread)
    _positive(who, "weights", weight)
    _positive(who, "noise_sd", np.asarray(noise_sd))
    parts, noise = mixture_parts(mean, spread, weight, float(noise_sd)), np.float32(noise_sd)
    chosen = MIXTURE.on(backend)
    return np.asarray(chosen(x, parts, noise, rule_code(who, rule), _generations(who, keep), seed_key(who, seed)))
