"""Memories of superposed items as participants: they take the items of a list in, one by one, and read probes.

A memory says of each probe how familiar it is, which features come back, and what the memory holds it as (its code).
Ratings spread the familiarities of a list's probes evenly over the scale: nobody tells a memory where "old" begins.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.subjects.streams import streams

Array = NDArray[np.float64]
Bits = NDArray[np.uint8]


class Saturated(UserWarning):
    """A memory holds so much that what it holds hides itself; it goes on."""


NEEDS: Final = frozenset({"list", "item", "test_type", "n_ratings"})


@dataclass(frozen=True, eq=False)
class Read:
    """What a memory says of probes: `familiarity` (probes,), higher for what was stored; the features that come back,
    `completed` (probes, features); the units that stand for each probe, `code` (probes, units) of 0 and 1.
    """

    familiarity: Array
    completed: Bits
    code: Bits


class Memory(Protocol):
    """A memory of sets of features; what it holds is a value of its own, which `store` returns and `read` is given.

    Items and probes are (n, features) of 0 and 1, or sequences (n, frames, features). The same seed gives the same.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> int: ...

    def store(self, items: Bits, *, seed: int) -> Any:
        """Return what is held after the items were taken in, in their order, once each."""
        ...

    def read(self, held: Any, probes: Bits, *, seed: int) -> Read:
        """Return what is read for each probe; nothing is learned."""
        ...


@dataclass(frozen=True)
class Superposed:
    """A participant whose memory is `memory`; every list is a new one."""

    memory: Memory
    kind: Kind = "network"
    needs: frozenset[str] = NEEDS

    @property
    def name(self) -> str:
        """The memory's name."""
        return self.memory.name

    @property
    def version(self) -> int:
        """The memory's version."""
        return self.memory.version

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return a rating (0 sure new), the features that come back or the code, as the design asks: (tests, ...)."""
        items, studies, tests = _bits(design), design.studies, design.tests
        asked = np.unique(tests["test_type"])
        if len(asked) != 1 or asked[0] not in ("recognition", "completion", "code"):
            raise UserError(
                f"{self.name} recognises, completes or codes probes, one of them in a design; this one asks for "
                f"{', '.join(asked)}. Take a design of superposition."
            )
        parts: list[tuple[NDArray[np.int64], NDArray[Any]]] = []
        told: list[str] = []
        for stream in streams(design):
            seed = int(rng.integers(2**62))
            held = self._stored(items[studies["item"][stream.studies]], seed, told)
            found = self.memory.read(held, items[tests["item"][stream.tests]], seed=seed + 1)
            if asked[0] == "recognition":
                said: NDArray[Any] = ratings(found.familiarity, int(tests["n_ratings"][stream.tests[0]]), rng)
            else:
                said = found.completed if asked[0] == "completion" else found.code
            parts.append((stream.tests, said))
        if told:
            warnings.warn(told[0], Saturated, stacklevel=2)
        rows = np.argsort(np.concatenate([place for place, _ in parts]), kind="stable")
        return np.concatenate([said for _, said in parts])[rows]

    def _stored(self, items: Bits, seed: int, told: list[str]) -> Any:
        """Return what the memory holds; its warnings are added to `told`, so that a design is warned of once."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            held = self.memory.store(items, seed=seed)
        for each in caught:
            if issubclass(each.category, Saturated):
                told.append(str(each.message))
            else:
                warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)
        return held


def ratings(familiarity: Array, n_ratings: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return ratings from 0 to n_ratings - 1, each for as many of the probes, by rank; equals fall in random order."""
    order = np.lexsort((rng.random(len(familiarity)), familiarity.round(12)))
    rank = np.empty(len(familiarity), np.int64)
    rank[order] = np.arange(len(familiarity))
    return rank * n_ratings // max(1, len(familiarity))


def _bits(design: Design) -> Bits:
    items = np.asarray(design.items)
    if items.ndim not in (2, 3) or items.dtype.kind not in "bu":
        raise UserError(
            f"A memory of superposed items takes sets of features, 0 and 1; the items of {design.paradigm!r} are of "
            f"type {items.dtype} and shape {items.shape}. Take a design of superposition."
        )
    return items.astype(np.uint8)


def checked(name: str, patterns: Bits, features: int | None = None) -> Bits:
    """Return patterns (n, [frames,] features) as uint8; UserError where one is empty or of another width."""
    found = np.asarray(patterns)
    if found.ndim not in (2, 3) or not np.isin(found, (0, 1)).all():
        raise UserError(f"{name} takes items as 0 and 1, (items, features) or (items, frames, features).")
    if features is not None and found.shape[-1] != features:
        raise UserError(f"{name} holds items of {features} features; a probe has {found.shape[-1]}. Make it as wide.")
    if not len(found):
        raise UserError(f"{name} was given no item; study one before it is asked for.")
    empty = np.flatnonzero(~found.any(axis=-1).reshape(len(found), -1).all(axis=1))
    if len(empty):
        raise UserError(f"Item {empty[0] + 1} has no active feature (in one of its frames); {name} needs one or more.")
    return found.astype(np.uint8)
