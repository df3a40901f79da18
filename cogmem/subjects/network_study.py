"""Networks that study strings along a timeline, and what they remember at each probe: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from cogmem.errors import UserError
from cogmem.materials import Language, Strings, replace_words
from cogmem.subjects.nets import Weights, advance
from cogmem.subjects.network_settings import NetworkSettings
from cogmem.subjects.timelines import NEW, NOTHING, Timeline
from cogmem.subjects.training import Progress, Update, token_nll, torch_threads, train

_AT_ONCE = 128
"""Strings a member probes in one pass: bounds the memory, never the result."""


@dataclass(frozen=True, eq=False)
class Probes:
    """What every member knew at every probe.

    `after` (probes,): updates before the probe. `nll_seen` (probes, population, items): mean nats a word of the studied
    string; `nll_foil`: the same of each kind of foil. `recalled` (probes, population, items, words): whether each word
    of the SECOND half was right when the first half was given.
    """

    after: NDArray[np.int64]
    nll_seen: NDArray[np.float32]
    nll_foil: Mapping[str, NDArray[np.float32]]
    recalled: NDArray[np.bool_]

    def __post_init__(self) -> None:
        object.__setattr__(self, "after", _frozen(self.after))
        object.__setattr__(self, "nll_seen", _frozen(self.nll_seen))
        object.__setattr__(self, "nll_foil", {name: _frozen(nll) for name, nll in self.nll_foil.items()})
        object.__setattr__(self, "recalled", _frozen(self.recalled))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Probes, (self.after, self.nll_seen, dict(self.nll_foil), self.recalled))

    def recognised(self, foil: str) -> NDArray[np.bool_]:
        """Return whether the studied string was the likelier of the two (2AFC): (probes, population, items)."""
        if foil not in self.nll_foil:
            raise UserError(f"There is no foil {foil!r}; the probes have {', '.join(self.nll_foil)}.")
        return self.nll_seen < self.nll_foil[foil]


def study_and_probe(
    weights: Weights,
    settings: NetworkSettings,
    timeline: Timeline,
    items: Strings,
    foils: Mapping[str, Strings],
    language: Language,
    *,
    seeds: tuple[int, ...],
    threads: int = 1,
    progress: Progress | None = None,
) -> Probes:
    """Return the probes of a population that goes through `timeline`; `weights` stay as they are.

    `items` and each of `foils` are (population or 1, n_items, length). Member i draws its new strings from seeds[i].
    """
    items, foils = _checked(weights, timeline, items, foils, seeds)
    probes: list[tuple[list[NDArray[np.float32]], NDArray[np.bool_]]] = []

    def probe(now: Weights) -> None:
        nll = [string_nll(now, settings, strings) for strings in (items, *foils.values())]
        probes.append((nll, recall(now, settings, items)))

    due = set(timeline.probe_after.tolist())
    with torch_threads(threads):
        if 0 in due:
            probe(weights)
        updates = _updates(timeline, settings, items, language, seeds)
        for done, current in enumerate(train(weights, settings, updates), 1):
            if done in due:
                probe(current)
            if progress is not None:
                progress(done, timeline.n_updates)
    seen, *others = (np.stack(kind) for kind in zip(*(nll for nll, _ in probes), strict=True))
    return Probes(
        after=timeline.probe_after,
        nll_seen=seen,
        nll_foil=dict(zip(foils, others, strict=True)),
        recalled=np.stack([recalled for _, recalled in probes]),
    )


def string_nll(weights: Weights, settings: NetworkSettings, strings: Strings) -> NDArray[np.float32]:
    """Return the mean nats a word of each string: `strings` (population, n, length) -> (population, n)."""
    parts = []
    with torch.no_grad():
        for start in range(0, strings.shape[1], _AT_ONCE):
            words = torch.from_numpy(strings[:, start : start + _AT_ONCE].copy())
            parts.append(token_nll(weights, settings, words, words).mean(-1).numpy())
    return np.concatenate(parts, axis=1)


def recall(weights: Weights, settings: NetworkSettings, strings: Strings) -> NDArray[np.bool_]:
    """Return whether each word of the second half was right: (population, n, length - length // 2).

    The first half is the prompt and each further word is the likeliest one (greedy); a wrong word is read on as
    if it were right. The prompt is not scored: with it the floor would be a half.
    """
    half = strings.shape[-1] // 2
    parts = []
    with torch.no_grad():
        for start in range(0, strings.shape[1], _AT_ONCE):
            prompt = torch.from_numpy(strings[:, start : start + _AT_ONCE, :half].copy())
            parts.append(complete(weights, settings, prompt, words=strings.shape[-1] - half).numpy())
    return np.asarray(np.concatenate(parts, axis=1) == strings[..., half:])


def complete(weights: Weights, settings: NetworkSettings, prompt: Tensor, *, words: int) -> Tensor:
    """Return the `words` likeliest words, one after another, that follow `prompt`: (population, strings, words)."""
    start = weights["output_bias"].shape[-1]
    given = torch.cat((torch.full_like(prompt[..., :1], start), prompt), -1)
    said: list[Tensor] = []
    logits, state = advance(weights, settings, given)
    while True:
        said.append(logits[:, :, -1].argmax(-1, keepdim=True))
        if len(said) == words:
            return torch.cat(said, -1)
        logits, state = advance(weights, settings, said[-1], state)


def _updates(
    timeline: Timeline, settings: NetworkSettings, items: Strings, language: Language, seeds: tuple[int, ...]
) -> Iterator[Update]:
    fresh = [np.random.default_rng([seed, 13]) for seed in seeds]
    blurred = [np.random.default_rng([seed, 14]) for seed in seeds]
    shape = (len(seeds), *timeline.slots.shape[1:])
    slots = np.broadcast_to(timeline.slots, shape)
    views = np.zeros_like(slots) if timeline.views is None else np.broadcast_to(timeline.views, shape)
    for update in range(timeline.n_updates):
        kept = slots[0, update] != NOTHING
        now, view = slots[:, update, kept], views[:, update, kept]
        targets = np.take_along_axis(items, np.maximum(now, 0)[..., None], axis=1)
        for member in np.flatnonzero((now == NEW).any(axis=1)):
            new = now[member] == NEW
            targets[member, new] = language.strings(int(new.sum()), fresh[member])
        inputs = targets
        if view.any():
            inputs = np.stack([_blurred(*parts, language) for parts in zip(targets, view, blurred, strict=True)])
        yield Update(inputs, targets, settings.rate if (now >= 0).any() else settings.rest_rate)


def _blurred(strings: Strings, view: NDArray[np.int64], rng: np.random.Generator, language: Language) -> Strings:
    """Return the strings as they are read: those of a view other than 0 with one word replaced by a class mate."""
    read, rows = strings.copy(), view != 0
    positions = rng.integers(language.length, size=(int(rows.sum()), 1))
    read[rows] = replace_words(language, strings[rows], positions, rng)
    return read


def _checked(
    weights: Weights, timeline: Timeline, items: Strings, foils: Mapping[str, Strings], seeds: tuple[int, ...]
) -> tuple[Strings, dict[str, Strings]]:
    population = next(iter(weights.values())).shape[0]
    if len(seeds) != population or len(timeline.slots) not in (1, population):
        raise UserError(
            f"Weights of {population} members need as many seeds and an order for one or each, but came with "
            f"{len(seeds)} seeds and {len(timeline.slots)} orders."
        )
    shape = (population, *items.shape[-2:])
    if any(strings.shape[-2:] != shape[1:] for strings in foils.values()) or timeline.slots.max(initial=-1) >= shape[1]:
        raise UserError(
            f"Each of the {shape[1]} items needs one foil of its own length in every kind, and a timeline names no "
            f"other items; it names item {timeline.slots.max(initial=-1)}."
        )
    spread = {name: np.ascontiguousarray(np.broadcast_to(strings, shape)) for name, strings in foils.items()}
    return np.ascontiguousarray(np.broadcast_to(items, shape)), spread


def _frozen(values: ArrayLike) -> NDArray[Any]:
    array = np.array(values)
    array.setflags(write=False)
    return array


def relearn(
    weights: Weights,
    settings: NetworkSettings,
    language: Language,
    items: Strings,
    *,
    updates: int,
    batch: int,
    fillers: int,
    most: int,
    seeds: tuple[int, ...],
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the repetitions to criterion at learning and at relearning: two arrays (population, items).

    The items are met once an epoch until the second half of each has been recalled without error once (at most `most`
    times), `updates` updates of `fillers` new strings follow, and they are learned again in the same way. An item
    that is known before its first repetition counts 0. The optimiser starts afresh in each of the three stretches.
    """
    shape = (len(seeds), *items.shape[-2:])
    strings = np.ascontiguousarray(np.broadcast_to(items, shape))
    orders = [np.random.default_rng([seed, 15]) for seed in seeds]
    fresh = [np.random.default_rng([seed, 16]) for seed in seeds]
    with torch_threads(1):
        learned, first = _to_criterion(weights, settings, strings, batch, most, orders)
        passed: Weights = learned
        for after in train(learned, settings, _fillers(updates, fillers, language, settings, fresh)):
            passed = after
        kept = {name: weight.clone() for name, weight in passed.items()}
        again = _to_criterion(kept, settings, strings, batch, most, orders)[1]
    return first, again


def _fillers(
    updates: int, n: int, language: Language, settings: NetworkSettings, rngs: list[np.random.Generator]
) -> Iterator[Update]:
    for _ in range(updates):
        strings = np.stack([language.strings(n, rng) for rng in rngs])
        yield Update(strings, strings, settings.rest_rate)


def _to_criterion(
    weights: Weights,
    settings: NetworkSettings,
    strings: Strings,
    batch: int,
    most: int,
    orders: list[np.random.Generator],
) -> tuple[dict[str, Tensor], NDArray[np.int64]]:
    """Return the weights after learning, and the repetitions each item needed: (population, items)."""
    n_items = strings.shape[1]
    known = recall(weights, settings, strings).all(axis=-1)
    needed = np.where(known, 0, -1)
    an_epoch = -(-n_items // batch)
    stream = train(weights, settings, _epochs(strings, settings, batch, orders))
    current: Weights = weights
    for epoch in range(1, most + 1):
        if (needed >= 0).all():
            break
        for _ in range(an_epoch):
            current = next(stream)
        known = recall(current, settings, strings).all(axis=-1)
        needed = np.where((needed < 0) & known, epoch, needed)
    return {name: weight.clone() for name, weight in current.items()}, np.where(needed < 0, most, needed)


def _epochs(
    strings: Strings, settings: NetworkSettings, batch: int, orders: list[np.random.Generator]
) -> Iterator[Update]:
    """Yield epochs without end, each in a new order for every member."""
    while True:
        shuffled = np.stack([part[rng.permutation(len(part))] for part, rng in zip(strings, orders, strict=True)])
        for start in range(0, strings.shape[1], batch):
            part = shuffled[:, start : start + batch]
            yield Update(part, part, settings.rate)
