"""Networks trained from scratch, as populations that take experiments (after Orhan, 2023)."""

from __future__ import annotations

from typing import Any

from cogmem.subjects.network import Network
from cogmem.subjects.network_settings import LSTM, TRANSFORMER


def lstm(*, seed: int = 1, **choices: Any) -> Network:
    """Return a population of LSTMs (Hochreiter & Schmidhuber, 1997); `choices` are fields of `Network`.

    >>> lstm(seed=3, population=2).seeds
    (3000, 3001)
    """
    return Network("lstm", 1, LSTM, seed, **choices)


def transformer(*, seed: int = 1, **choices: Any) -> Network:
    """Return a population of transformers (Vaswani et al., 2017); `choices` are fields of `Network`."""
    return Network("transformer", 1, TRANSFORMER, seed, **choices)
