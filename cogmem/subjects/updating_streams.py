"""What networks are trained on: streams of key -> value updates, or of pairs that come once, in tokens."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cogmem.subjects.updating_network import UpdatingSettings

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Streams:
    """Streams of updates and what is asked after them: tokens of keys and values.

    `keys` and `values` are (members, streams, time), `asked` and `targets` (members, streams, questions).
    """

    keys: Ints
    values: Ints
    asked: Ints
    targets: Ints


def interleaved(keys: int, updates: int, chance: NDArray[np.float64]) -> Ints:
    """Return orders of keys, each `updates` times and never twice in a row: (..., time).

    `chance` is (..., keys * updates) from 0 to 1. As in the paradigm: drawn by the number of values that a key has
    left; a key that has more left than all others and one has to come.
    """
    shape = chance.shape[:-1]
    left, order = np.full((*shape, keys), updates), np.empty(chance.shape, dtype=np.int64)
    before = np.zeros((*shape, keys), dtype=bool)
    for place in range(chance.shape[-1]):
        # What is left of one key must fit between what is left of the others.
        due = ~before & (2 * left > left.sum(-1, keepdims=True))
        weight = np.where(before, 0, left)
        weight = np.where(due.any(-1, keepdims=True), due, weight)
        edges = weight.cumsum(-1)
        chosen = (edges <= chance[..., place, None] * edges[..., -1:]).sum(-1)
        order[..., place] = chosen
        before = np.arange(keys) == chosen[..., None]
        left = left - before
    return order


def streams_at(settings: UpdatingSettings, step: int, rngs: Sequence[np.random.Generator]) -> Streams:
    """Return the batch of a training step, the numbers of pairs or of updates coming in turn."""
    if settings.pairs:
        return pairs_of(settings, settings.pairs[step % len(settings.pairs)], rngs)
    return streams_of(settings, settings.trained_on[step % len(settings.trained_on)], rngs)


def streams_of(settings: UpdatingSettings, updates: int, rngs: Iterable[np.random.Generator]) -> Streams:
    """Return a batch of streams a member, member i's from the i-th generator alone; asked for is every key."""
    n, v, chances, values = settings.keys, settings.values, [], []
    for rng in rngs:
        chances.append(rng.random((settings.batch, n * updates)))
        values.append(rng.random((settings.batch, n, v), dtype=np.float32).argsort(-1)[..., :updates])
    order, drawn = interleaved(n, updates, np.stack(chances)), np.stack(values)
    # How often the key of each pair came before it.
    place = order.argsort(-1, kind="stable")
    nth = np.empty_like(order)
    np.put_along_axis(nth, place, np.broadcast_to(np.tile(np.arange(updates), n), order.shape), -1)
    shown = np.take_along_axis(drawn.reshape(*drawn.shape[:2], -1), order * updates + nth, -1)
    asked = np.broadcast_to(np.arange(n), drawn.shape[:3])
    return Streams(order, shown, asked, drawn[..., -1 if settings.query == "last" else 0])


def pairs_of(settings: UpdatingSettings, pairs: int, rngs: Iterable[np.random.Generator]) -> Streams:
    """Return a batch of streams a member of so many pairs of different keys and values, and ask for all of them."""
    keys, values, asked = [], [], []
    for rng in rngs:
        keys.append(_different(settings.keys, settings.batch, pairs, rng))
        values.append(_different(settings.values, settings.batch, pairs, rng))
        asked.append(rng.permuted(np.tile(np.arange(pairs), (settings.batch, 1)), axis=1))
    key, value, order = np.stack(keys), np.stack(values), np.stack(asked)
    return Streams(key, value, np.take_along_axis(key, order, -1), np.take_along_axis(value, order, -1))


def _different(known: int, streams: int, count: int, rng: np.random.Generator) -> Ints:
    """Return `count` different numbers below `known` a stream, in random order: (streams, count)."""
    chance = rng.random((streams, known), dtype=np.float32)
    if count < known:
        chosen = np.argpartition(chance, count, axis=-1)[:, :count]
        return rng.permuted(chosen, axis=1)
    return chance.argsort(axis=-1)
