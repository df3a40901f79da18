"""What a network is and how it learns: plain settings that load no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cogmem.errors import UserError


@dataclass(frozen=True)
class NetworkSettings:
    """What a network is and how it learns; the strings and their order belong to the experiment.

    `width` is the size of every layer and of the word table. Pretraining is `pretraining_steps` updates of
    `pretraining_batch` strings, its rate rising over the first twentieth to `pretraining_rate`, then falling to a
    tenth. `rate` is the learning rate of updates with a studied item, `rest_rate` that of updates without: a lower
    one forgets more slowly. With `momentum` an item is still being learned some ten updates after it was read, so
    what is lost between two visits shows only at 0.
    """

    architecture: Literal["lstm", "transformer"]
    width: int
    layers: int = 1
    heads: int = 4
    pretraining_steps: int = 200
    pretraining_batch: int = 16
    pretraining_rate: float = 1e-2
    rate: float = 8e-3
    rest_rate: float = 7e-3
    momentum: float = 0.9
    weight_decay: float = 0.01

    def __post_init__(self) -> None:
        if self.architecture not in ("lstm", "transformer"):
            raise UserError(f"A network is an 'lstm' or a 'transformer', not {self.architecture!r}.")
        counts = (self.width, self.layers, self.heads, self.pretraining_batch)
        if min(counts) < 1 or self.pretraining_steps < 0:
            raise UserError(f"Width, layers, heads and pretraining batch are 1 or more; got {counts}.")
        if self.architecture == "transformer" and self.width % self.heads:
            raise UserError(f"A transformer's width is a multiple of its heads; got {self.width} and {self.heads}.")


LSTM = NetworkSettings("lstm", width=96)
"""The cheapest LSTM found that remembers few-shot strings as Orhan (2023) describes."""
TRANSFORMER = NetworkSettings(
    "transformer", width=128, pretraining_steps=150, pretraining_rate=5e-3, rate=3e-3, rest_rate=2.5e-3
)
"""The cheapest transformer found that does."""
