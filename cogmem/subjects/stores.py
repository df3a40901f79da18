"""Associative stores as subjects: keys and values are the design's vectors, and what is read is matched to values.

A store holds nothing that was learned before: its rule (see `regressions`) makes of each list what it can. What it
reads is compared with every value of the pool; the answer is chosen among them and none by a softmax of the cosines.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.choices import answered, recognitions, refuse_strange_keys, unit, vectors_of
from cogmem.subjects.streams import Stream, streams

Array = NDArray[np.float64]

RuleName = Literal["linear", "gated", "delta", "gated_delta", "titans", "rls", "softmax", "local_linear"]
RULE_NAMES: Final[tuple[RuleName, ...]] = (
    "linear", "gated", "delta", "gated_delta", "titans", "rls", "softmax", "local_linear",
)  # fmt: skip
"""The same names as in `regressions.RULES`, which loads torch."""
READ_LIKE_A_MATCH: Final = 8.0
"""Keys of length 1 are stretched for softmax and local reads, so that a key's own trace outweighs a hundred others."""


@dataclass(frozen=True)
class AssociativeStore:
    """A store with one rule; `keep`, `strength`, `momentum` and `rate` are its gates, the same at every pair.

    `temperature` and `threshold` are those of the choice: P(value) is proportional to exp(cosine / temperature), of
    none to exp(threshold / temperature). A recognition test is answered yes by the probe's value against none.
    With `carry` what was studied in earlier lists stays in the store.
    """

    rule: RuleName
    keep: float = 0.98
    strength: float = 1.0
    momentum: float = 0.5
    rate: float = 0.25
    temperature: float = 0.05
    threshold: float = 0.3
    carry: bool = False
    name: str = ""
    version: int = 1
    kind: Kind = "network"
    needs: frozenset[str] = frozenset({"list", "cue", "item", "target"})

    def __post_init__(self) -> None:
        if self.rule not in RULE_NAMES:
            raise UserError(f"A store has no rule {self.rule!r}; {nearest(str(self.rule), RULE_NAMES)}")
        for name in ("keep", "strength", "momentum"):
            if not 0 <= getattr(self, name) <= 1:
                raise UserError(f"{name} is a share from 0 to 1; got {getattr(self, name)}.")
        if self.rate < 0 or not self.temperature > 0:
            raise UserError(f"rate is 0 or more and temperature above 0; got {self.rate} and {self.temperature}.")
        if not self.name:
            object.__setattr__(self, "name", f"store_{self.rule}")

    def read(self, design: Design) -> Array:
        """Return the vector that the store gives for each test: (tests, dimension)."""
        vectors = _vectors(design)
        studies, tests = design.studies, design.tests
        shown = np.where(recognitions(design), tests["cue"], tests["item"])
        found = np.zeros((len(tests), vectors.shape[1]))
        before: dict[str, list[NDArray[np.intp]]] = {}
        for stream in streams(design):
            who = str(tests.get("participant", "all")[stream.tests[0]])
            held = stream.studies
            if self.carry:
                earlier = before.setdefault(who, [])
                earlier.append(held)
                held = np.unique(np.concatenate(earlier))
            refuse_strange_keys(design, Stream(held, stream.tests))
            pairs = vectors[studies["cue"][held]], vectors[studies["target"][held]]
            found[stream.tests] = self._answers(vectors[shown[stream.tests]], *pairs)
        return found

    def _answers(self, queries: Array, keys: Array, values: Array) -> Array:
        """Return what the rule reads for queries (r, d) after pairs of keys and values (t, d): (r, d)."""
        import torch

        from cogmem.subjects.regressions import RULES
        from cogmem.subjects.training import torch_threads

        rule = next(each for each in RULES if each.name == self.rule)
        stretch = np.sqrt(READ_LIKE_A_MATCH) * keys.shape[1] ** 0.25 if rule.functions != "linear" else 1.0
        q, k, v = (torch.from_numpy(np.ascontiguousarray(each)) for each in (stretch * queries, stretch * keys, values))
        gates = {name: torch.full((len(keys),), float(getattr(self, name)), dtype=torch.float64) for name in rule.gates}
        seen = torch.full((len(queries),), len(keys))
        # One thread: matrices of a list are small, and bits repeat on any machine.
        with torch_threads(1):
            return np.asarray(rule.parallel(q, seen, k, v, gates).numpy())

    def forecast(self, design: Design) -> Array:
        """Return how likely each item is to be the answer, and in the last column none: (tests, items + 1).

        Of recognition tests the first two columns are no and yes.
        """
        vectors, tests = _vectors(design), design.tests
        values = np.unique(design.trials["target"][design.trials["phase"] == "study"])
        cosines = unit(self.read(design)) @ unit(vectors[values]).T
        asked = recognitions(design)
        chances = np.zeros((len(tests), len(vectors) + 1))
        logs = np.concatenate([cosines, np.full((len(tests), 1), self.threshold)], axis=1) / self.temperature
        logs = np.exp(logs - logs.max(axis=1, keepdims=True))
        chances[:, [*values, -1]] = logs / logs.sum(axis=1, keepdims=True)
        if asked.any():
            rows = np.flatnonzero(asked)
            own = cosines[rows, np.searchsorted(values, tests["item"][rows])]
            yes = 1.0 / (1.0 + np.exp(np.clip((self.threshold - own) / self.temperature, -500, 500)))
            chances[rows] = 0.0
            chances[rows, 0], chances[rows, 1] = 1.0 - yes, yes
        return chances

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the item answered in each test, -1 for none; 1 or 0, yes or no, to recognition tests."""
        return answered(self.forecast(design), rng)


def _vectors(design: Design) -> Array:
    items = vectors_of(design)
    if items is None:
        raise UserError(
            f"A store reads vectors of keys and values, but the items of {design.paradigm!r} are none; take a design "
            "of key_value."
        )
    return items


STORES: Final = tuple(AssociativeStore(rule) for rule in RULE_NAMES)
"""One store a rule, with the values of the gates that it has without being told."""
