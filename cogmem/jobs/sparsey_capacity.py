"""What a coding field does with random items: likeness of codes, how many it holds by its size, time an item takes.

Rinkus (2014); Rinkus & Leveille (2017). Items are random sets of active features, stored once each; what was stored is
recognised without learning.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.sparsey import Codes, Field, Frames, Rule, empty, frames_of_sets, learn, recognise
from cogmem.paradigms.superpositions import drawn_sets, exchanged
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]
Sets = NDArray[np.int64]

SPARED: Final = 6
"""One probe in so many is also drawn winners for, each in a copy of the field."""
RECALLED: Final = 0.95
"""Share of modules whose winner is the stored one from which on a list counts as held."""


@dataclass(frozen=True)
class Size:
    """A field of `modules` x `cells` for items of `active` of `features`."""

    features: int
    active: int
    modules: int
    cells: int

    @property
    def weights(self) -> int:
        """The number of weights."""
        return self.features * self.modules * self.cells


@dataclass(frozen=True)
class SimilaritySettings:
    """Lists of `items` for a field of `size`; probes have each of `overlaps` of an item's features; each of `forms`."""

    size: Size = Size(400, 40, 24, 16)
    items: int = 60
    overlaps: tuple[float, ...] = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.0)
    forms: tuple[str, ...] = ("2014", "2010", "core", "plain")
    lists: int = 40


@dataclass(frozen=True)
class CapacitySettings:
    """Fields by regime: inputs grow while an item's active ones stay, or grow with them; cells grow; modules grow."""

    base: Size = Size(400, 20, 20, 10)
    features: tuple[int, ...] = (200, 400, 800, 1600, 3200)
    cells: tuple[int, ...] = (5, 10, 20, 40, 80)
    modules: tuple[int, ...] = (10, 20, 40, 80)
    lists: int = 4
    most: int = 4096


@dataclass(frozen=True)
class TimeSettings:
    """A field of `size` that is shown the last of each of `stores` in blocks of `block` items."""

    size: Size = Size(512, 20, 33, 60)
    stores: tuple[int, ...] = (1_000, 10_000, 100_000)
    block: int = 1_000
    repeats: int = 5


def _born(size: Size) -> Field:
    return empty(size.modules, size.cells, size.features)


def similarity(settings: SimilaritySettings, *, seed: int) -> Trials:
    """Return by form and overlap the share of an item's winners that a probe has, recognised or drawn, and G.

    Columns form, overlap, shared and sd (over lists) by the highest support, drawn (as in learning) and familiarity.
    """
    size, rows = settings.size, []
    for form in settings.forms:
        rule = Rule(form)  # type: ignore[arg-type]
        found = np.array([_one_list(settings, rule, seed, number) for number in range(settings.lists)])
        for k, overlap in enumerate(settings.overlaps):
            shared, drawn, familiar = found[:, k].mean(axis=0)
            rows.append({"form": form, "overlap": round(overlap * size.active) / size.active, "shared": shared,
                         "sd": found[:, k, 0].std(ddof=1), "lists": settings.lists, "drawn": drawn,
                         "familiarity": familiar})  # fmt: skip
    return from_rows(rows)


def _one_list(settings: SimilaritySettings, rule: Rule, seed: int, number: int) -> Array:
    """Return for each overlap the share of winners that is shared, the same of drawn winners, and G: (overlaps, 3)."""
    rng, size = np.random.default_rng([seed, number]), settings.size
    items = drawn_sets(settings.items, size.features, size.active, rng)
    held, codes = learn(_born(size), frames_of_sets(items), rule=rule, seed=number)
    found = []
    for overlap in settings.overlaps:
        kept = np.full(len(items), round(overlap * size.active))
        probes = frames_of_sets(exchanged(items, kept, size.features, rng))
        best = recognise(held, probes, rule=rule, seed=number)
        found.append((float((best.winners == codes.winners).mean()), _drawn(held, probes, codes, rule, number),
                      float(best.familiarity.mean())))  # fmt: skip
    return np.array(found)


def _drawn(held: Field, probes: Frames, codes: Codes, rule: Rule, seed: int) -> float:
    """Return the share of the items' winners that probes would be given if they were learned, each by itself."""
    some = np.arange(0, len(probes.starts), SPARED)
    fields = replace(
        held, weights=tuple(each.repeat(len(some), axis=0) for each in held.weights),
        last=tuple(each.repeat(len(some), axis=0) for each in held.last), middle=held.middle.repeat(len(some)),
    )  # fmt: skip
    own = Frames(tuple(each[0, some][:, None] for each in probes.signals), probes.starts[:1])
    given = learn(fields, own, rule=rule, seed=seed + 1)[1].winners[:, 0]
    return float((given == codes.winners[0, some]).mean())


def held_items(size: Size, *, seed: int, most: int) -> int:
    """Return the largest number of random items of which the share .95 of winners comes back (0 to `most`)."""
    items = drawn_sets(most, size.features, size.active, np.random.default_rng(seed))

    def enough(n: int) -> bool:
        held, codes = learn(_born(size), frames_of_sets(items[:n]), seed=seed)
        found = recognise(held, frames_of_sets(items[:n]), seed=seed + 1)
        return bool((found.winners == codes.winners).mean() >= RECALLED)

    return _largest(enough, most)


def _largest(enough: Callable[[int], bool], most: int) -> int:
    """Return the largest n that is enough, where all below it are: doubled, then halved."""
    low, high = 0, 1
    while high <= most and enough(high):
        low, high = high, 2 * high
    high = min(high, most + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if enough(middle) else (low, middle)
    return low


def capacity(settings: CapacitySettings, *, seed: int) -> Trials:
    """Return a row a size: regime, what grows, weights, items held (mean over lists), sd, bits a weight.

    An item is log2 of the number of sets of its size: what is told when it comes back.
    """
    base, rows = settings.base, []
    share = base.active / base.features
    regimes = {
        "inputs grow, active ones stay": [replace(base, features=n) for n in settings.features],
        "active inputs grow with inputs": [
            replace(base, features=n, active=round(2 * share * n)) for n in settings.features
        ],
        "cells of a module grow": [replace(base, cells=n) for n in settings.cells],
        "modules grow": [replace(base, modules=n) for n in settings.modules],
    }
    for regime, sizes in regimes.items():
        for size in sizes:
            found = [held_items(size, seed=seed + k, most=settings.most) for k in range(settings.lists)]
            bits = np.mean(found) * log2_sets(size.features, size.active) / size.weights
            rows.append({"regime": regime, "features": size.features, "active": size.active, "modules": size.modules,
                         "cells": size.cells, "weights": size.weights, "items": np.mean(found),
                         "sd": np.std(found, ddof=1), "lists": settings.lists, "bits": bits})  # fmt: skip
    return from_rows(rows)


def log2_sets(features: int, active: int) -> float:
    """Return log2 of the number of sets of `active` out of `features`."""
    from scipy.special import gammaln

    return float((gammaln(features + 1) - gammaln(active + 1) - gammaln(features - active + 1)) / np.log(2))


def times(settings: TimeSettings, *, seed: int, backend: str = "auto") -> Trials:
    """Return a row a store: items that are stored by then, seconds to learn one more (the least of repeats)."""
    size, rows = settings.size, []
    items = drawn_sets(max(settings.stores) + settings.block, size.features, size.active, np.random.default_rng(seed))
    rule = Rule(saturation=0.5)
    learn(_born(size), frames_of_sets(items[:2]), rule=rule, seed=seed, backend=backend)
    for stored in settings.stores:
        held, _ = learn(_born(size), frames_of_sets(items[:stored]), rule=rule, seed=seed, backend=backend)
        taken = []
        for _ in range(settings.repeats):
            started = time.perf_counter()
            learn(held, frames_of_sets(items[stored : stored + settings.block]), rule=rule, seed=seed, backend=backend)
            taken.append((time.perf_counter() - started) / settings.block)
        rows.append({"items": stored, "seconds": min(taken), "density": held.density})
    return from_rows(rows)
