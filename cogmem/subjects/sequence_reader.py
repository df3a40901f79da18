"""Models of sequences as participants: they read the sequences of a design one after another, and take its tests."""

from __future__ import annotations

import math
from dataclasses import astuple, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.subjects.chunking import SequenceModel, Streams, Symbols

NEEDS: Final = frozenset({"item", "test_type"})
CHOICE: Final = 1.0
"""How much likelier a choice is a nat of difference apart: p = 1 / (1 + exp(-CHOICE x difference))."""


@dataclass(frozen=True)
class SequenceReader:
    """A participant who reads the sequences of a design in order and learns by each as `model` does."""

    model: SequenceModel
    needs: frozenset[str] = NEEDS

    @property
    def name(self) -> str:
        """The model's name."""
        return self.model.name

    @property
    def version(self) -> int:
        """The model's version."""
        return self.model.version

    @property
    def kind(self) -> Kind:
        """What the model is."""
        return self.model.kind

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return what is said of each test, by its `test_type`: see `paradigms.chunking_measures`.

        UserError where the model cannot do what is asked for.
        """
        seed = int(rng.integers(2**32))
        kinds = set(design.tests["test_type"].tolist())
        if len(kinds) != 1:
            raise UserError(f"{self.name} takes tests of one kind at a time; got {', '.join(sorted(kinds)) or 'none'}.")
        kind = str(kinds.pop())
        if kind == "compression":
            return self._compressed(design, seed)
        if kind == "choice":
            return self._chosen(design, seed)
        if kind not in ("recall", "reading"):
            raise UserError(f"{self.name} takes tests of recall, reading, compression or choice; got {kind}.")
        return self._read(design, seed, recall=kind == "recall")

    def _cannot(self, what: str, instead: str) -> UserError:
        return UserError(f"{self.name} cannot {what}; take {instead}.")

    def _read(self, design: Design, seed: int, *, recall: bool) -> NDArray[Any]:
        """Return what was recalled (tests, longest), or units and nats (tests, 2), a test after each sequence."""
        if self.model.read is None:
            raise self._cannot("read one sequence after another", 'a design of material="nested", test="compression"')
        streams, tests = streams_of(design)
        found = self.model.read(streams, seed, recall)
        if recall and not found.recalled.size:
            raise self._cannot("say a sequence", 'a design with test="reading", or another model')
        own = (found.recalled,) if recall else (found.units, found.nats)
        answers = np.zeros((len(design.tests), found.recalled.shape[2] if recall else 2))
        for person, rows in enumerate(tests):
            values = own[0][person] if recall else np.stack([each[person] for each in own], axis=1)
            answers[rows] = values[: len(rows)]
        return answers.astype(np.int64) if recall else answers

    def _compressed(self, design: Design, seed: int) -> NDArray[Any]:
        """Return the numbers of a compression of each test's item: (tests, 8)."""
        if self.model.compress is None:
            raise self._cannot("read one sequence again and again", 'a design with test="reading"')
        symbols, items = alphabet(design), np.asarray(design.items)
        found = []
        for k, item in enumerate(design.tests["item"]):
            made = self.model.compress(_ended(items[item]), symbols, seed + k)
            found.append([float(each) for each in astuple(made)])
        return np.array(found)

    def _chosen(self, design: Design, seed: int) -> NDArray[Any]:
        """Return 1 where the item of a test was chosen, 0 where its lure was, by how unlikely each is: (tests,)."""
        if self.model.reader is None:
            raise self._cannot("judge a sequence that it does not learn", "another model")
        symbols, items = alphabet(design), np.asarray(design.items)
        chosen = np.zeros(len(design.tests), np.int64)
        for who in np.unique(design.tests["participant"]):
            rng = np.random.default_rng([seed, len(chosen), int(np.flatnonzero(design.tests["participant"] == who)[0])])
            reader = self.model.reader(symbols, rng)
            for item in design.studies["item"][design.studies["participant"] == who]:
                reader.read(_ended(items[item]))
            for row in np.flatnonzero(design.tests["participant"] == who):
                one, other = (reader.judge(_ended(items[design.tests[name][row]])) for name in ("item", "lure"))
                chosen[row] = rng.random() < 1 / (1 + math.exp(min(CHOICE * (one - other), 700.0)))
        return chosen


def alphabet(design: Design) -> int:
    """Return how many symbols the items of a design are made of."""
    items = np.asarray(design.items)
    if items.ndim != 2 or items.dtype.kind not in "iu" or not items.size:
        raise UserError("Sequences are rows of whole numbers, -1 behind their ends; the items of this design are not.")
    return int(items.max()) + 1


def _in_turn(phases: NDArray[Any]) -> bool:
    """Return whether somebody's rows are one study, one test, one study, one test, ..., and there are some."""
    turn = np.resize(["study", "test"], len(phases))
    return len(phases) > 0 and len(phases) % 2 == 0 and bool((phases == turn).all())


def _ended(item: NDArray[Any]) -> Symbols:
    return np.asarray(item[item >= 0], dtype=np.int32)


def streams_of(design: Design) -> tuple[Streams, list[NDArray[np.intp]]]:
    """Return what each person of a design reads, and the rows of their tests; UserError where a sequence has no test.

    Somebody varies who has the condition "variable" (or whose design has no conditions).
    """
    symbols, items = alphabet(design), np.asarray(design.items, dtype=np.int32)
    tests, studies = design.tests, design.studies
    people = list(dict.fromkeys(design.trials["participant"].tolist()))
    rows = [np.flatnonzero(tests["participant"] == who) for who in people]
    read = [studies["item"][studies["participant"] == who] for who in people]
    phases = (design.trials["phase"][design.trials["participant"] == who] for who in people)
    same = (np.array_equal(tests["item"][own], shown) for own, shown in zip(rows, read, strict=True))
    if not people or not all(map(_in_turn, phases)) or not all(same):
        raise UserError("Everybody is tested once after each sequence, on that one; make the design with chunking.")
    longest = max(map(len, read))
    sequences = np.full((len(people), longest, items.shape[1]), -1, np.int32)
    for person, shown in enumerate(read):
        sequences[person, : len(shown)] = items[shown]
        # Who read less reads the last one again: what comes of it is not looked at.
        sequences[person, len(shown) :] = items[shown[-1]]
    named = dict(zip(studies["participant"].tolist(), studies.get("condition", "variable").tolist(), strict=True))
    return Streams(sequences, symbols, np.array([named[who] == "variable" for who in people])), rows
