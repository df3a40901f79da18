"""How many pairs trained memories hold: associative recall by load and size, three seeds of each, batched together.

A stream is so many pairs of keys and values out of 512 each; the network is asked for all of them. Every memory is one
layer that starts as an associative store (see `updating_training`), and is trained on streams of the load that it is
tested with. Eight times as many values as a value has numbers: with fewer, values are told apart however little is
left of them (Arora et al., 2024, have 4,096).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Source
from cogmem.jobs.outcomes import Outcome
from cogmem.subjects.updating_network import MixerName, UpdatingNetwork, UpdatingSettings
from cogmem.trials import Trials

Array = NDArray[np.float64]

LOADS: Final = (4, 8, 16, 32, 64)
WIDTHS: Final = (32, 64)
SEEDS: Final = (1, 2, 3)
TOKENS: Final = 512
STREAMS: Final = 32
"""Streams of a test, each of all its pairs."""
RATES: Final[Mapping[MixerName, float]] = {
    "linear_attention": 1e-1, "decay_attention": 1e-1, "gated_attention": 1e-1, "vector_gated": 1e-1,
    "delta_rule": 1e-1, "gated_delta": 1e-1, "titans": 1e-1, "mesa": 1e-1, "fast_weights": 1e-1,
    "mixture_of_memories": 1e-1, "hopfield": 3e-2, "modern_hopfield": 3e-2, "softmax_attention": 1e-2,
    "elman": 1e-2, "gru": 1e-2, "lstm": 1e-2, "wave_rnn": 1e-2, "ffm": 1e-2, "hippo": 1e-2,
}  # fmt: skip
"""The best of 1e-2, 3e-2 and 1e-1 at 16 pairs, 64 units and 200 steps; recurrent networks learn at none of them."""
PEOPLES_PAIRS: Final = 6
SMALL: Final = 16
"""Units of the networks that are compared with people: larger ones recall all of six pairs."""


def settings(mixer: MixerName, pairs: int, width: int) -> UpdatingSettings:
    """Return what a memory of that width is trained on: 512 questions a step, 16 streams at least."""
    return UpdatingSettings(
        mixer, keys=TOKENS, values=TOKENS, width=width, layers=1, heads=1, steps=300, rate=RATES[mixer],
        batch=max(16, 512 // pairs), pairs=(pairs,), enough=0.02,
    )  # fmt: skip


def small(mixer: MixerName, folder: Path) -> UpdatingNetwork:
    """Return the population that takes people's lists."""
    from cogmem.subjects.updating_training import kept

    own = replace(settings(mixer, PEOPLES_PAIRS, SMALL), keys=8 * SMALL, values=8 * SMALL)
    return UpdatingNetwork(own, seeds=SEEDS, weights=partial(kept, folder), name=f"recall_{mixer}")


def accuracy(trained: UpdatingSettings, weights: object, *, seed: int) -> Array:
    """Return the share of right values of each member on new streams of its load: (members,)."""
    from cogmem.subjects.updating_streams import pairs_of
    from cogmem.subjects.updating_training import log_odds

    drawn = pairs_of(replace(trained, batch=STREAMS), trained.pairs[0], [np.random.default_rng([seed, 56])])
    odds = log_odds(weights, trained, drawn.keys[0], drawn.values[0], drawn.asked[0])  # type: ignore[arg-type]
    return np.asarray((odds.argmax(axis=-1) == drawn.targets[0]).mean(axis=(1, 2)))


def outcome(mixer: MixerName, width: int, folder: Path, loads: Sequence[int], seed: int) -> Outcome:
    """Return accuracy by load, a row a load and seed; the parameters say how many numbers the state has."""
    from cogmem.subjects.updating_training import kept, state_size

    rows: dict[str, list[float]] = {"x": [], "y": [], "n": [], "sd": [], "seed": []}
    sizes = []
    for pairs in loads:
        own = settings(mixer, pairs, width)
        found = accuracy(own, kept(folder, own, SEEDS), seed=seed)
        for member, share in zip(SEEDS, found, strict=True):
            values = (pairs, share, STREAMS * pairs, np.sqrt(share * (1 - share)), member)
            for name, value in zip(rows, values, strict=True):
                rows[name].append(float(value))
        sizes.append(state_size(own, pairs))
    source = Source(who=mixer, kind="network")
    curve = Curve("capacity", mixer, Trials({name: np.array(values) for name, values in rows.items()}), source)
    about = Trials({"pairs": np.array(loads), "state": np.array(sizes), "width": np.full(len(loads), width)})
    return Outcome(mixer, "network", np.array([np.mean(rows["y"])]), {"capacity": curve}, about)
