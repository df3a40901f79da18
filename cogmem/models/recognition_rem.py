"""REM's familiarity (Shiffrin & Steyvers, 1997): the log odds that a probe is old, simulated.

Features of words are geometric; a trace has each feature with the probability `stored`, then copied right or drawn
anew. A probe's likelihood ratio with a trace is a product over the trace's features (their eq. 3), the odds are the
mean over all traces of the list (eq. 4).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.models.recognition_tables import Familiarity, tabulate

Array = NDArray[np.float64]
Singles = NDArray[np.float32]
Values = NDArray[np.int64]

FEATURES: Final = 20
GEOMETRIC: Final = 0.4
COPIED: Final = 0.7
STORED_A_TIME: Final = 0.04
"""Of the article: w, g, c and u*. A trace after t units of study has `stored` = 1 - (1 - u*)^t of its features."""
LENGTH: Final = 40
"""Items of the list: ours, since the people's lists differ and are not all known."""
STORED: Final = np.linspace(0.02, 0.9, 45)
DRAWS: Final = 10_000
BLOCK: Final = 1_000
SEED: Final = 1997


def base_rate(values: Values, g: float = GEOMETRIC) -> Array:
    """Return how often a feature has each of the values 1, 2, ...: g (1 - g)^(value - 1)."""
    return np.asarray(g * (1 - g) ** (np.asarray(values) - 1.0))


def log_ratio(values: Values, matching: NDArray[np.bool_]) -> Array:
    """Return the log likelihood ratio of a stored feature that matches the probe's value or does not (eq. 3)."""
    chance = base_rate(values)
    return np.where(matching, np.log(COPIED / chance + 1 - COPIED), np.log(1 - COPIED))


def log_odds(probe: Values, traces: Values) -> float:
    """Return the log odds that a probe (features,) is old given traces (traces, features), 0 for not stored (eq. 4)."""
    logs = np.where(traces > 0, log_ratio(probe, traces == probe), 0.0).sum(axis=1)
    return float(np.log(np.exp(logs).mean()))


def _evidence(
    rng: np.random.Generator, n: int, *, length: int = LENGTH, own: float = GEOMETRIC,
    others: Sequence[float] = (GEOMETRIC,),
) -> tuple[Singles, Singles, Singles]:  # fmt: skip
    """Return log ratios (n, length, features) of n new probes and of old ones, whose own trace is the first.

    The third array (n, length, features) is uniform: a feature is stored where it is below the share that is. Features
    of the probe are geometric with `own`, those of other traces with `others` in turn; wrong copies and the ratio
    itself know GEOMETRIC alone, the rate of all words.
    """
    values = rng.geometric(own, (n, 1, FEATURES))
    shape = (n, length, FEATURES)
    base = base_rate(values)
    # A trace of another item holds a value that is as likely as any, whether it was copied right or not.
    strange = [base + COPIED * (base_rate(values, each) - base) for each in others]
    chance = np.concatenate([strange[k % len(strange)] for k in range(length)], axis=1)
    drawn, when = rng.random(shape, dtype=np.float32), rng.random(shape, dtype=np.float32)
    new = log_ratio(values, drawn < chance).astype(np.float32)
    chance[:, 0] = COPIED + (1 - COPIED) * base[:, 0]
    return new, log_ratio(values, drawn < chance).astype(np.float32), when


def _block(rng: np.random.Generator, n: int) -> tuple[Array, Array]:
    """Return the log odds of n new and n old probes at each of STORED: (strengths, n) both.

    The same features count as stored at any greater strength, so that the table is smooth over strengths.
    """
    *both, when = _evidence(rng, n)
    found = []
    for evidence in both:
        logs = [np.einsum("ntf,ntf->nt", evidence, when < stored) for stored in STORED.astype(np.float32)]
        found.append(np.log(np.exp(np.stack(logs).astype(np.float64)).mean(axis=-1)))
    return found[0], found[1]


def _repeated_block(rng: np.random.Generator, n: int, stored: Array, most: int, **words: Any) -> Array:
    """Return the log odds of n probes that were shown 0 to `most` times: (1 + most, strengths, n)."""
    new, old, when = _evidence(rng, n, **words)
    found = np.empty((1 + most, len(stored), n))
    for k, share in enumerate(stored):
        rest = np.exp(np.einsum("ntf,ntf->nt", new[:, 1:], when[:, 1:] < np.float32(share)).astype(np.float64))
        others = rest.sum(axis=1)
        for times in range(1 + most):
            own = new[:, 0] if not times else old[:, 0]
            there = when[:, 0] < 1 - (1 - share) ** max(times, 1)
            found[times, k] = others + np.exp(np.where(there, own, 0.0).sum(axis=1))
    return np.asarray(np.log(found / new.shape[1]))


def repeated(
    stored: Array, most: int, *, draws: int, seed: int, length: int = LENGTH, own: float = GEOMETRIC,
    others: Sequence[float] = (GEOMETRIC,),
) -> Array:  # fmt: skip
    """Return log odds of probes that were shown 0 to `most` times: (1 + most, strengths, draws).

    A presentation stores each feature with a probability in `stored` (strengths,) if it is not stored yet, all in one
    trace: after t of them 1 - (1 - stored)^t of the features are. All other traces are of one presentation.
    """
    rng = np.random.default_rng(seed)
    words: dict[str, Any] = {"length": length, "own": own, "others": others}
    blocks = [_repeated_block(rng, BLOCK, stored, most, **words) for _ in range(draws // BLOCK)]
    return np.concatenate(blocks, axis=-1)


@cache
def simulated() -> tuple[Array, Array]:
    """Return DRAWS log odds of new and of old probes at each of STORED, the same in every process."""
    rng = np.random.default_rng(SEED)
    blocks = [_block(rng, BLOCK) for _ in range(DRAWS // BLOCK)]
    return np.concatenate([new for new, _ in blocks], axis=1), np.concatenate([old for _, old in blocks], axis=1)


@cache
def table() -> Familiarity:
    """Return the table of REM's log odds, some seconds of simulation when first asked for."""
    return tabulate(STORED, *simulated())
