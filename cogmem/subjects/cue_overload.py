"""Cue overload: all values that a key was given compete, each with a strength that fell since it was seen.

P(value) = s / Σ s, s = (1 + lag)^-decay (Luce's rule with a power law). Without decay the last of n values is answered
with probability 1/n; above a decay of 1 there is a plateau, 1/ζ(decay), however many values there were.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.names import nearest

Array = NDArray[np.float64]
UNITS: Final = ("updates", "pairs", "seconds")


@dataclass(frozen=True)
class CueOverload:
    """A subject that chooses among the values of a stream by their strengths.

    `lag` is counted in "updates" of the value's own key since, in "pairs" of the stream since, or in "seconds" to the
    test. `leak` is the share of strength that values of other keys have, `omission` the strength of giving no answer.
    """

    decay: float
    leak: float = 0.0
    omission: float = 0.0
    lag: Literal["updates", "pairs", "seconds"] = "updates"
    name: str = "cue_overload"
    version: int = 1
    kind: Kind = "equation"
    needs: frozenset[str] = frozenset({"cue", "target", "list"})

    def __post_init__(self) -> None:
        if self.lag not in UNITS:
            raise UserError(f"lag is counted in {', '.join(UNITS)}; {nearest(self.lag, UNITS)}.")
        for name in ("decay", "leak", "omission"):
            if not 0 <= getattr(self, name) < np.inf:
                raise UserError(f"{self.name} needs {name} of 0 or more; got {getattr(self, name)}.")

    def forecast(self, design: Design) -> Array:
        """Return how likely each item is to be the answer, and in the last column none: (tests, items + 1)."""
        tests, studies = design.tests, design.studies
        strength = np.zeros((len(tests), len(design.items) + 1))
        who = [name for name in ("participant", "list") if name in tests]
        streams = {tuple(key.values()): rows for key, rows in studies.groups(who)}
        for key, rows in tests.groups(who):
            held = streams.get(tuple(key.values()))
            if held is None:
                raise UserError(f"{self.name}: the tests of {key} have no study rows before them.")
            cues, values = studies["cue"][held], studies["target"][held]
            for row in rows:
                ages = self._ages(cues, studies["time"][held], float(tests["time"][row]))
                weight = np.where(cues == tests["cue"][row], 1.0, self.leak) * (1.0 + ages) ** -self.decay
                np.add.at(strength[row], values, weight)
        strength[:, -1] = self.omission
        return np.asarray(strength / strength.sum(axis=1, keepdims=True))

    def _ages(self, cues: NDArray[np.int64], times: Array, now: float) -> Array:
        """Return the lag of each pair of a stream."""
        if self.lag == "seconds":
            return now - times
        if self.lag == "pairs":
            return np.arange(len(cues))[::-1].astype(np.float64)
        ages = np.zeros(len(cues))
        for key in np.unique(cues):
            own = np.flatnonzero(cues == key)
            ages[own] = np.arange(len(own))[::-1]
        return ages

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the item answered in each test, −1 for none."""
        edges = np.cumsum(self.forecast(design), axis=1)
        chosen = (edges < rng.random(len(edges))[:, None]).sum(axis=1)
        return np.where(chosen >= len(design.items), -1, chosen).astype(np.int64)
