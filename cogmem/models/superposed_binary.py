"""Memories with cells that count or are on and off: Willshaw's network, Kanerva's distributed memory, a union of sets.

All satisfy `subjects.superposed.Memory`; what theory expects of them is in `models.superposed_theory`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.kernels.overlap import BITS, overlap, pack
from cogmem.models.superposed_parts import (
    Array,
    Bits,
    blocks,
    by_frames,
    exact,
    frames_of,
    mean_weight,
    settled,
    signs,
    warn_if_full,
)
from cogmem.models.superposed_theory import kanerva_radius
from cogmem.subjects.superposed import Read

Words = NDArray[np.uint64]


@dataclass(frozen=True)
class Willshaw:
    """Clipped Hebbian auto-association: a weight is on where two features were once active together.

    Willshaw, Buneman & Longuet-Higgins (1969); Palm (1980).
    """

    name: str = "willshaw"
    version: int = 1

    def store(self, items: Bits, *, seed: int) -> Array:
        """Return the weights (features, features), 0 and 1; a feature that was ever active has one with itself."""
        frames = frames_of(self.name, items)
        cues = frames.astype(exact(max(frames.shape)))
        weights: Array = (cues.T @ cues > 0).astype(cues.dtype)
        warn_if_full(self.name, "weights", density(weights))
        return weights

    def read(self, held: Array, probes: Bits, *, seed: int) -> Read:
        """Return the mean weight among a probe's features as familiarity; the features joined to all of the probe's.

        These come back, the threshold being the number of features shown (Willshaw et al., 1969), and are the code.
        """
        return by_frames(self.name, len(held), probes, lambda frames: _joined_to_all(held, frames))


def _joined_to_all(weights: Array, frames: Bits) -> Read:
    inputs, among = mean_weight(frames, weights)
    joined = (inputs == frames.sum(axis=1, dtype=np.int64)[:, None]).astype(np.uint8)
    return Read(among, joined, joined)


def density(weights: Array) -> float:
    """Return the share of weights (features, features) of 0 and 1 between different features that are on."""
    n = len(weights)
    return float((weights.sum(dtype=np.float64) - weights.trace()) / max(1, n * (n - 1)))


@dataclass(frozen=True, eq=False)
class Locations:
    """Hard locations: packed `addresses` (locations, words), `counters` (locations, features), how many items were
    written into each (`writes`), and the `radius` in bits within which one is reached.
    """

    addresses: Words
    counters: Array
    writes: Array
    radius: int


@dataclass(frozen=True)
class KanervaSDM:
    """Sparse distributed memory (Kanerva, 1988): an item is written at and read from all hard locations near it.

    `locations` random addresses, half of their bits on; each is within the radius of an item with the probability
    `access` (or the least above it that a whole number of bits gives, see `kanerva_radius`). Kanerva's own memory has
    1,000,000 and 0.001. What is read is read at again, at most `reads` times, until it stays. Items should have half
    of their features active: sparse ones are all near each other, reach the same locations and are not completed.
    """

    locations: int = 4096
    access: float = 0.02
    reads: int = 10
    name: str = "kanerva_sdm"
    version: int = 1

    def __post_init__(self) -> None:
        if min(self.locations, self.reads) < 1 or not 0 < self.access < 1:
            raise UserError(
                f"{self.name} needs locations and reads of at least 1 and an access between 0 and 1; got "
                f"{self.locations}, {self.reads} and {self.access}."
            )

    def store(self, items: Bits, *, seed: int) -> Locations:
        """Return random locations with the items written into them."""
        frames = frames_of(self.name, items)
        features = frames.shape[1]
        addresses = random_addresses(self.locations, features, np.random.default_rng(seed))
        return self.written(addresses, kanerva_radius(features, self.access), frames)

    def written(self, addresses: Words, radius: int, items: Bits) -> Locations:
        """Return locations (packed addresses) whose counters have +1 for an active feature of an item, -1 for another.

        An item is written at all addresses that differ from it in `radius` features or fewer.
        """
        frames = frames_of(self.name, items)
        kind = exact(len(frames) * len(addresses))
        counters = np.zeros((len(addresses), frames.shape[1]), kind)
        writes = np.zeros(len(addresses), kind)
        for part, near in within(addresses, radius, frames):
            reached = np.flatnonzero(near.any(axis=0))
            counters[reached] += near[:, reached].T.astype(kind) @ signs(frames[part], kind)
            writes += near.sum(axis=0)
        return Locations(addresses, counters, writes, radius)

    def read(self, held: Locations, probes: Bits, *, seed: int) -> Read:
        """Return how like a probe is what was written near it, the features that it settles on, the locations as code.

        The familiarity is the mean, over all that was written into the locations that the probe reaches, of the share
        of features alike less that of the others: 1 where it was the probe alone, near 0 where half-active items were
        others. A probe that reaches nothing written has 0, and nothing comes back.
        """
        return by_frames(self.name, held.counters.shape[1], probes, lambda frames: self._voted(held, frames))

    def _voted(self, held: Locations, frames: Bits) -> Read:
        familiarity, completed = np.zeros(len(frames)), np.zeros(frames.shape, np.uint8)
        code = np.zeros((len(frames), len(held.addresses)), np.uint8)
        for part, near, sums in _sums(held, frames):
            agreed = (sums * signs(frames[part])).mean(axis=1)
            familiarity[part] = agreed / np.maximum((near * held.writes).sum(axis=1), 1)
            completed[part], code[part] = sums > 0, near
        return Read(familiarity, settled(lambda now: _again(held, now), completed, self.reads - 1), code)


def _sums(held: Locations, frames: Bits) -> Iterator[tuple[slice, NDArray[np.bool_], Array]]:
    """Yield, for parts of the frames, the locations they reach (part, locations) and the sums of their counters."""
    for part, near in within(held.addresses, held.radius, frames):
        reached = np.flatnonzero(near.any(axis=0))
        yield part, near, near[:, reached].astype(held.counters.dtype) @ held.counters[reached]


def _again(held: Locations, frames: Bits) -> Bits:
    """Return what is read at what was read (n, features); where either is nothing, it stays."""
    made = frames.copy()
    for part, _, sums in _sums(held, frames):
        something = sums.any(axis=1) & frames[part].any(axis=1)
        made[part][something] = sums[something] > 0
    return made


def random_addresses(n: int, features: int, rng: np.random.Generator) -> Words:
    """Return n packed addresses of independent bits, each on with probability 1/2: (n, words)."""
    words = -(-features // BITS)
    made = rng.integers(0, 1 << BITS, (n, words), dtype=np.uint64)
    made[:, -1] >>= np.uint64(words * BITS - features)
    return made


def within(addresses: Words, radius: int, frames: Bits) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Yield, for parts of the frames, which addresses differ from them in `radius` bits or fewer: (part, addresses)."""
    lengths = np.bitwise_count(addresses).sum(axis=1, dtype=np.int64)
    for part in blocks(len(frames), len(addresses)):
        active = frames[part].sum(axis=1, dtype=np.int64)
        yield part, active[:, None] + lengths - 2 * overlap(pack(frames[part]), addresses) <= radius


@dataclass(frozen=True)
class SDRUnion:
    """The union of all items; a probe matches where at least the share `theta` of its features is in it.

    Ahmad & Hawkins (2016), whose segments of 24 synapses match from 12 on: a half, as here.
    """

    theta: float = 0.5
    name: str = "sdr_union"
    version: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.theta <= 1:
            raise UserError(f"theta of {self.name} is a share above 0, at most 1; got {self.theta}.")

    def store(self, items: Bits, *, seed: int) -> Bits:
        """Return the union (features,) of 0 and 1."""
        union: Bits = frames_of(self.name, items).max(axis=0)
        warn_if_full(self.name, "features", float(union.mean()))
        return union

    def threshold(self, active: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return how many of a probe's `active` features must be in the union for a match.

        >>> SDRUnion().threshold(np.array([24, 5]))
        array([12,  3])
        """
        return np.asarray(np.ceil(self.theta * active - 1e-9), np.int64)

    def read(self, held: Bits, probes: Bits, *, seed: int) -> Read:
        """Return the share of a probe's features that are in the union; these features; and they as the code.

        A union of all items cannot complete one: what comes back of a probe is the probe AND the union, so that a part
        stays a part and only what was never stored is lost. The code has nothing for a probe that does not match.
        """
        return by_frames(self.name, len(held), probes, lambda frames: self._found(held, frames))

    def _found(self, union: Bits, frames: Bits) -> Read:
        kept = frames & union
        shared, active = (each.sum(axis=1, dtype=np.int64) for each in (kept, frames))
        matches = shared >= self.threshold(active)
        return Read(shared / active, kept, kept * matches[:, None].astype(np.uint8))
