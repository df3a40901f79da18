"""Networks that read sequences of symbols one after another and learn by each: all people at once, each alone.

Each person has weights of their own (axis 0 of every tensor), and none of them feels another. A sequence is told
before it is learned (prequentially), so its -ln p is of what was learned from those before it.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from torch import Tensor

from cogmem.errors import UserError
from cogmem.subjects.chunking import NOTHING_RECALLED, Array, Compression, Readings, Streams, Symbols
from cogmem.subjects.nets import State, Weights, advance, initial_weights
from cogmem.subjects.network_settings import NetworkSettings
from cogmem.subjects.training import Descent, Loss, shifted, token_nll, torch_threads

BETA: Final = 0.999
"""The share of the old mean squared gradient that a step of Adam keeps: with less, a network that knows a sequence by
heart takes whole steps along what is left of the gradient."""
CALM: Final = {"lstm": 1.0, "transformer": 0.3}
"""By how much the table of symbols is made smaller at the start. Output shares it (see `nets`), so that an untrained
transformer expects each symbol to come again: 12 of six cost it 42 nats, where even chances make 21.5; so 22.7."""
PLACES: Final = 64
"""A transformer knows as many places or more, so that its weights do not depend on how long the longest sequence is."""


def untrained(settings: NetworkSettings, *, n_symbols: int, length: int, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the weights before the first sequence, one person a seed, for sequences of up to `length` symbols.

    They have double precision: Adam takes large steps however small the gradient, so that rounding, which depends on
    how many people are computed at once, grows; of single precision, to nats within some dozens of sequences.
    """
    calm = CALM[settings.architecture]
    start = initial_weights(settings, n_words=n_symbols, length=max(length, PLACES), seeds=seeds)
    return {name: (calm if name == "words" else 1.0) * weight.double() for name, weight in start.items()}


def chances(weights: Weights, settings: NetworkSettings, sequences: Symbols) -> Array:
    """Return the chance of every symbol at every place: sequences (people, strings, longest) to (..., n_symbols).

    At a place the symbols before it are known, and the start mark; what is said behind an end (-1) means nothing.
    """
    n_symbols = weights["output_bias"].shape[-1]
    strings = torch.from_numpy(np.maximum(sequences, 0).astype(np.int64))
    with torch.no_grad(), torch_threads(1):
        logits, _ = advance(weights, settings, shifted(strings, start=n_symbols))
        return np.asarray(logits.double().softmax(-1).numpy(), np.float64)


def read_online(
    streams: Streams, seed: int, recall: bool, *, settings: NetworkSettings, steps: int, memory: int
) -> Readings:
    """Return what networks make of sequences that they learn by: `units` are symbols, `nats` -ln p before learning.

    After each sequence Adam takes `steps` steps of settings.rate down the mean nats a symbol of this sequence and the
    last `memory` ones before it. With `recall` a sequence is said after it was learned: its first symbol is given,
    each next one is drawn by its chance. Weights and draws of person i depend on `seed` and i alone.
    """
    _check(steps=steps, memory=memory)
    given = streams.sequences
    people, n, longest = given.shape
    seeds = tuple(_seed(seed, person) for person in range(people))
    start = untrained(settings, n_symbols=streams.n_symbols, length=longest, seeds=seeds)
    draws = [np.random.default_rng([each, 13]) for each in seeds]
    nats, recalled = np.zeros((people, n)), np.full(given.shape if recall else (0, 0, 0), -1, np.int32)
    with torch_threads(1):
        descent = _descent(start, settings)
        for k in range(n):
            now = given[:, k : k + 1]
            with torch.no_grad():
                nats[:, k] = _nats(descent.weights(), settings, now).sum((1, 2)).double().numpy()
            lesson = _lesson(settings, given[:, max(0, k - memory) : k + 1])
            for _ in range(steps):
                descent.step(settings.rate, lesson)
            if recall:
                recalled[:, k] = said(descent.weights(), settings, given[:, k], draws)
    return Readings((given >= 0).sum(-1).astype(np.float64), nats, recalled if recall else NOTHING_RECALLED)


def said(weights: Weights, settings: NetworkSettings, sequences: Symbols, draws: list[np.random.Generator]) -> Symbols:
    """Return sequences as long as those given, (people, longest), that begin as they do; then symbols are drawn.

    Person i draws with generator i, once a symbol but the first; -1 stands behind an end.
    """
    lengths = (sequences >= 0).sum(-1)
    found = np.full(sequences.shape, -1, np.int32)
    found[:, 0] = sequences[:, 0]
    chosen = np.ones(sequences.shape)
    for person, draw in enumerate(draws):
        chosen[person, 1 : lengths[person]] = draw.random(int(lengths[person]) - 1)
    state: State = ()
    first = torch.full((len(found), 1, 1), weights["output_bias"].shape[-1])
    with torch.no_grad(), torch_threads(1):
        _, state = advance(weights, settings, first, state)
        for place in range(1, int(lengths.max())):
            before = torch.from_numpy(np.maximum(found[:, place - 1], 0).astype(np.int64))
            logits, state = advance(weights, settings, before[:, None, None], state)
            shares = logits[:, 0, 0].double().softmax(-1).cumsum(-1).numpy()
            # The last share is not left to rounding.
            symbols = (chosen[:, place, None] >= shares[:, :-1]).sum(-1)
            found[:, place] = np.where(place < lengths, symbols, -1)
    return found


def code_online(
    sequence: Symbols, n_symbols: int, seed: int, *, settings: NetworkSettings, steps: int, window: int, rehearsed: int
) -> Compression:
    """Return what a network makes of a sequence that it tells and learns in windows: a prequential code (Dawid, 1984).

    A window is told after up to `window` symbols before it. Then these are learned in `steps` steps, at each of which
    `rehearsed` pieces as long, from anywhere in what was told, are learned with them. Whoever has the same untrained
    network and seed can tell the sequence from the nats: nothing else is sent, so `two_part` is `nats`.
    """
    _check(steps=steps, window=window, rehearsed=rehearsed)
    start = untrained(settings, n_symbols=n_symbols, length=2 * window, seeds=(_seed(seed, 0),))
    rng, total = np.random.default_rng([seed, 14]), 0.0
    with torch_threads(1):
        descent = _descent(start, settings)
        for place in range(0, len(sequence), window):
            end = min(place + window, len(sequence))
            piece = sequence[max(0, place - window) : end]
            with torch.no_grad():
                nats = _nats(descent.weights(), settings, piece[None, None])
            total += float(nats[..., place - end :].double().sum())
            for _ in range(steps):
                firsts = rng.integers(end - len(piece) + 1, size=rehearsed)
                pieces = [piece, *(sequence[first : first + len(piece)] for first in firsts)]
                descent.step(settings.rate, _lesson(settings, np.stack(pieces)[None]))
    return Compression(len(sequence), total, n_symbols, 0, 0.0, 0.0, 0.0, total)


def _check(**counts: int) -> None:
    for name, n in counts.items():
        least = 0 if name in ("memory", "rehearsed") else 1
        if n < least:
            raise UserError(f"{name} is {least} or more; got {n}.")


def _seed(seed: int, person: int) -> int:
    """Return the seed of a person's network, different for each of a million people and each seed of a run."""
    return seed * 1_000_000 + person


def _descent(start: Weights, settings: NetworkSettings) -> Descent:
    return Descent(start, decay=settings.weight_decay, betas=(settings.momentum, BETA))


def _nats(weights: Weights, settings: NetworkSettings, sequences: Symbols) -> Tensor:
    """Return -ln p of every symbol, (people, strings, longest), 0 behind the end of a sequence."""
    given = torch.from_numpy(sequences.astype(np.int64))
    strings = given.clamp(min=0)
    return token_nll(weights, settings, strings, strings) * (given >= 0)


def _lesson(settings: NetworkSettings, sequences: Symbols) -> Loss:
    """Return the function from weights to the sum over people of their mean nats a symbol."""
    lengths = torch.from_numpy((sequences >= 0).sum((1, 2)))
    return lambda weights: (_nats(weights, settings, sequences).sum((1, 2)) / lengths).sum()
