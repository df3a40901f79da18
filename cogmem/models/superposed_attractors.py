"""Attractor networks, which settle on what is like a probe: Hopfield's, for sparse items, and the modern one.

All satisfy `subjects.superposed.Memory`; what theory expects of them is in `models.superposed_theory`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cogmem.errors import UserError
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
    winners,
)
from cogmem.subjects.superposed import Read


def _at_least_one(name: str, what: str, given: int) -> None:
    if given < 1:
        raise UserError(f"{name} needs {what} of at least 1; got {given}.")


@dataclass(frozen=True)
class Hopfield:
    """Units of +1 and -1 with Hebbian weights, none with themselves, that change until none does (Hopfield, 1982).

    Items should have half of their features active; for sparse ones take `TsodyksFeigelman`. Units change one after
    another in an order that is random in each of at most `sweeps` sweeps ("asynchronous", which always comes to an
    end), or all at a time ("synchronous", which may go to and fro between two states: one is read). A unit without
    input stays as it is.
    """

    update: Literal["asynchronous", "synchronous"] = "asynchronous"
    sweeps: int = 100
    name: str = "hopfield"
    version: int = 1

    def __post_init__(self) -> None:
        _at_least_one(self.name, "sweeps", self.sweeps)
        if self.update not in ("asynchronous", "synchronous"):
            raise UserError(f'update of {self.name} is "asynchronous" or "synchronous"; got {self.update!r}.')

    def store(self, items: Bits, *, seed: int) -> Array:
        """Return the weights (features, features): in how many items two features agree less those where they differ.

        They are those of Hopfield (1982, eq. 2), whole numbers.
        """
        frames = frames_of(self.name, items)
        states = signs(frames, exact(2 * frames.size))
        weights = states.T @ states
        np.fill_diagonal(weights, 0)
        return weights

    def read(self, held: Array, probes: Bits, *, seed: int) -> Read:
        """Return minus the energy (Hopfield, 1982, eq. 7) of a probe, as a share of that of the only item of a store.

        The state that the network comes to comes back, and is the code.
        """
        return by_frames(self.name, len(held), probes, lambda frames: self._settled(held, frames, seed))

    def _settled(self, weights: Array, frames: Bits, seed: int) -> Read:
        n, states = len(weights), signs(frames, weights.dtype)
        energies = ((states @ weights) * states).sum(axis=1, dtype=np.float64)
        if self.update == "asynchronous":
            states = _one_by_one(weights, states, self.sweeps, np.random.default_rng(seed))
        else:
            states = settled(lambda now: _all_at_once(weights, now), states, self.sweeps)
        found = (states > 0).astype(np.uint8)
        return Read(energies / max(1, n * (n - 1)), found, found)


def _one_by_one(weights: Array, states: Array, sweeps: int, rng: np.random.Generator) -> Array:
    """Return where states (probes, units) end; all have their units changed in the same order."""
    now = states.T.copy()
    inputs = weights @ now
    for _ in range(sweeps):
        settled = True
        for unit in rng.permutation(len(weights)):
            wrong = np.flatnonzero(inputs[unit] * now[unit] < 0)
            if wrong.size:
                now[unit, wrong] *= -1
                inputs[:, wrong] += 2 * weights[:, [unit]] * now[unit, wrong]
                settled = False
        if settled:
            break
    return now.T


def _all_at_once(weights: Array, states: Array) -> Array:
    inputs = states @ weights
    return np.where(inputs == 0, states, np.sign(inputs))


@dataclass(frozen=True, eq=False)
class Covariances:
    """Weights (features, features), features squared times those of Tsodyks & Feigelman, and the features of an item,
    `active`, on average and rounded.
    """

    weights: Array
    active: int


@dataclass(frozen=True)
class TsodyksFeigelman:
    """Units of 0 and 1 whose weights are the covariances of features (Tsodyks & Feigelman, 1988), for sparse items.

    Their units have one threshold, whose best value depends on the load and on how much of an item is shown; here the
    `active` units with the largest input are on, as many as an item has features, which holds for each. All units
    change at a time, at most `sweeps` times; among equal inputs those that are on stay.
    """

    sweeps: int = 100
    name: str = "tsodyks_feigelman"
    version: int = 1

    def __post_init__(self) -> None:
        _at_least_one(self.name, "sweeps", self.sweeps)

    def store(self, items: Bits, *, seed: int) -> Covariances:
        """Return the weights, sums of (x - f)(y - f) over items with f = active / features, in whole numbers."""
        frames = frames_of(self.name, items)
        n, features = frames.shape
        active = max(1, round(float(frames.sum() / max(1, n))))
        centred = features * frames.astype(np.float64) - active
        weights = centred.T @ centred
        np.fill_diagonal(weights, 0)
        return Covariances(weights, active)

    def read(self, held: Covariances, probes: Bits, *, seed: int) -> Read:
        """Return the mean weight among a probe's features, 1 being that of the only item of a store: minus its energy.

        The state that the network comes to comes back, and is the code. A probe of one feature has the familiarity 0.
        """
        return by_frames(self.name, len(held.weights), probes, lambda frames: self._settled(held, frames))

    def _settled(self, held: Covariances, frames: Bits) -> Read:
        def change(states: Bits) -> Bits:
            return winners(2 * (states.astype(np.float64) @ held.weights) + states, held.active)

        states = settled(change, frames, self.sweeps)
        scale = max(1, len(held.weights) - held.active) ** 2
        return Read(mean_weight(frames, held.weights)[1] / scale, states, states)


@dataclass(frozen=True)
class ModernHopfield:
    """The continuous Hopfield network, whose update is that of attention: X softmax(beta X' state).

    Ramsauer et al. (2021, eq. 3), after Krotov & Hopfield (2016). It keeps the items X as they are, of +1 and -1, with
    which the product of two is the number of features less twice those that differ: sparse items need no other code.
    """

    beta: float = 1.0
    steps: int = 1
    name: str = "modern_hopfield"
    version: int = 1

    def __post_init__(self) -> None:
        _at_least_one(self.name, "steps", self.steps)
        if not 0 < self.beta < np.inf:
            raise UserError(f"beta of {self.name} is above 0; got {self.beta}.")

    def store(self, items: Bits, *, seed: int) -> Array:
        """Return the items, or frames, as +1 and -1: (items, features)."""
        return signs(frames_of(self.name, items))

    def read(self, held: Array, probes: Bits, *, seed: int) -> Read:
        """Return 1 less a probe's energy (Ramsauer et al., 2021, eq. 2) by feature: 1 where it is all that was stored.

        The features above 0 after `steps` updates come back, and are the code.
        """
        return by_frames(self.name, held.shape[1], probes, lambda frames: self._attended(held, frames))

    def _attended(self, stored: Array, frames: Bits) -> Read:
        n, features = stored.shape
        familiarity, completed = np.zeros(len(frames)), np.zeros(frames.shape, np.uint8)
        for part in blocks(len(frames), n):
            states = signs(frames[part])
            for step in range(self.steps):
                scores = self.beta * (states @ stored.T)
                top = scores.max(axis=1, keepdims=True)
                shares = np.exp(scores - top)
                total = shares.sum(axis=1, keepdims=True)
                if step == 0:
                    familiarity[part] = (top + np.log(total) - np.log(n))[:, 0] / (self.beta * features)
                states = (shares @ stored) / total
            completed[part] = states > 0
        return Read(familiarity, completed, completed)
