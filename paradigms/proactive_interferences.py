"""Proactive interference: keys are given new values again and again; asked for is the last value of each.

With people, keeping track (Yntema & Mueser, 1962) and A-B, A-C lists; with language models, "Unable to Forget" (Wang &
Sun, 2025). Asked for the first value instead, the same stream measures retroactive interference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Paradigm
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.interference_measures import MEASURES
from cogmem.trials import Trials

Ints = NDArray[np.int64]

ORDERS: Final = ("random", "lists", "blocked")
QUERIES: Final = ("last", "first")
INSTRUCTIONS: Final = ("none", "forget")


@dataclass(frozen=True)
class ProactiveInterferenceSettings:
    """Settings: `n_lists` streams at each number of updates in `n_updates`; a stream gives each key that many values.

    `n_keys` keys are asked for, `n_untracked` more are updated as often and never asked for. Each key has a pool of
    `pool` values, of which the share `similarity` belongs to all keys alike; a key's values are drawn without
    replacement. `order`: "random" (no two successive pairs of a key), "lists" (every key once a list, in random order:
    A-B, A-C, ...), "blocked" (all values of a key in a row). `query`: the "last" or the "first" value. `instruction`
    "forget" says before the last value of a key that those before it no longer count. A pair is shown for `exposure` s,
    the test comes `retention_interval` s after the last one.
    """

    n_keys: int = 8
    n_updates: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    n_lists: int = 5
    n_participants: int = 1
    pool: int = 64
    similarity: float = 0.0
    n_untracked: int = 0
    order: Literal["random", "lists", "blocked"] = "random"
    query: Literal["last", "first"] = "last"
    instruction: Literal["none", "forget"] = "none"
    exposure: float = 2.0
    retention_interval: float = 1.0

    def __post_init__(self) -> None:
        given: Any = self.n_updates  # from the command line also one number
        levels: tuple[int, ...] = (given,) if isinstance(given, int) else tuple(given)
        object.__setattr__(self, "n_updates", levels)
        for name in ("n_keys", "n_lists", "n_participants", "pool"):
            if getattr(self, name) < 1:
                raise UserError(f"proactive_interference needs {name} of at least 1; got {getattr(self, name)}.")
        known = (("order", ORDERS), ("query", QUERIES), ("instruction", INSTRUCTIONS))
        for name, words in known:
            if getattr(self, name) not in words:
                raise UserError(f"{name} is one of {', '.join(words)}; {nearest(getattr(self, name), words)}.")
        if not levels or min(levels) < 1:
            raise UserError(f"n_updates are the values that a key is given, 1 or more; got {levels}.")
        if max(levels) > self.pool:
            raise UserError(
                f"A key is given {max(levels)} different values but has a pool of {self.pool}; make pool larger or "
                "n_updates smaller."
            )
        if self.order == "random" and self.n_keys + self.n_untracked < 2 and max(levels) > 1:
            raise UserError("In random order no two successive pairs are of one key, so two keys or more are needed.")
        if not 0 <= self.similarity <= 1 or self.n_untracked < 0:
            raise UserError(
                f"similarity is a share from 0 to 1 and n_untracked 0 or more; got {self.similarity}, "
                f"{self.n_untracked}."
            )

    @property
    def keys(self) -> int:
        """Keys in the stream, those that are never asked for included."""
        return self.n_keys + self.n_untracked

    def pool_of(self, key: int) -> Ints:
        """Return the rows of the items that are values of a key: those shared by all keys, then its own."""
        shared = round(self.similarity * self.pool)
        own = self.keys + shared + key * (self.pool - shared)
        return np.concatenate([self.keys + np.arange(shared), own + np.arange(self.pool - shared)])


def _order(settings: ProactiveInterferenceSettings, updates: int, rng: np.random.Generator) -> Ints:
    """Return the key of each pair of a stream."""
    n = settings.keys
    if settings.order == "blocked":
        return np.repeat(rng.permutation(n), updates)
    if settings.order == "lists":
        return np.concatenate([rng.permutation(n) for _ in range(updates)])
    return _interleaved(n, updates, rng)


def _interleaved(n: int, updates: int, rng: np.random.Generator) -> Ints:
    """Return keys 0 … n − 1, each `updates` times in random order, never twice in a row.

    Drawn by the number of values that a key has left; a key that has more left than all others and one has to come.
    """
    left, stream, before = np.full(n, updates), [], -1
    for _ in range(n * updates):
        weight = left.astype(np.float64)
        if before >= 0:
            weight[before] = 0.0
        most = int(left.argmax())
        # What is left of one key must fit between what is left of the others.
        if most != before and left[most] > left.sum() - left[most]:
            chosen = most
        else:
            chosen = int(rng.choice(n, p=weight / weight.sum()))
        stream.append(chosen)
        left[chosen] -= 1
        before = chosen
    return np.array(stream, dtype=np.int64)


def _stream(
    settings: ProactiveInterferenceSettings, updates: int, number: int, start: float, rng: np.random.Generator
) -> tuple[dict[str, NDArray[Any]], float]:
    """Return the study and test rows of one stream that begins at `start` s, and when it is over."""
    keys = _order(settings, updates, rng)
    values = np.stack([rng.permutation(settings.pool_of(key))[:updates] for key in range(settings.keys)])
    # How often each key has come before, at each pair of the stream.
    update = np.zeros(len(keys), dtype=np.int64)
    for key in range(settings.keys):
        own = keys == key
        update[own] = np.arange(own.sum())
    pairs, asked = len(keys), rng.permutation(settings.n_keys)
    end = start + pairs * settings.exposure
    target = values[asked, -1 if settings.query == "last" else 0]
    forget = (settings.instruction == "forget") & (update == updates - 1) & (updates > 1)
    rows: dict[str, NDArray[Any]] = {
        "phase": np.repeat(["study", "test"], [pairs, len(asked)]),
        "list": np.full(pairs + len(asked), number),
        "serial_position": np.concatenate([np.arange(1, pairs + 1), np.arange(1, len(asked) + 1)]),
        "cue": np.concatenate([keys, asked]),
        "target": np.concatenate([values[keys, update], target]),
        "update": np.concatenate([update + 1, np.full(len(asked), updates if settings.query == "last" else 1)]),
        "updates": np.full(pairs + len(asked), updates),
        "forget": np.concatenate([forget, np.zeros(len(asked), dtype=bool)]).astype(np.int64),
        "time": np.concatenate(
            [start + settings.exposure * np.arange(pairs), np.full(len(asked), end + settings.retention_interval)]
        ),
        "retention_interval": np.repeat([0.0, settings.retention_interval], [pairs, len(asked)]),
    }
    return rows, end + settings.retention_interval + settings.exposure * len(asked)


def _build(settings: ProactiveInterferenceSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    parts: list[Mapping[str, NDArray[Any]]] = []
    for person in range(settings.n_participants):
        # The levels of a person come in random order, so that no level is always the first.
        levels = rng.permutation(np.repeat(settings.n_updates, settings.n_lists))
        start = 0.0
        for number, updates in enumerate(levels.tolist(), 1):
            rows, start = _stream(settings, updates, number, start, rng)
            parts.append({"participant": np.full(len(rows["phase"]), f"p{person + 1:03d}"), **rows})
    trials = Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    shared = round(settings.similarity * settings.pool)
    # Which word a row stands for is drawn: words of a language model's stream are numbered, as a network's tokens are.
    keys = rng.permutation(settings.keys)
    values = settings.keys + rng.permutation(shared + settings.keys * (settings.pool - shared))
    return trials, np.concatenate([keys, values]).astype(np.int64)


proactive_interference: Final = Paradigm(
    name="proactive_interference",
    version=1,
    reference="Underwood (1957); Yntema & Mueser (1962); Wang & Sun (2025)",
    settings=ProactiveInterferenceSettings,
    build=_build,
    measures=MEASURES,
)
