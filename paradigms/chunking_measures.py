"""What is read off readers of sequences: what they recall, into how many units they parse, and how unlikely it was.

An answer to a recall is the sequence that was said, -1 for nothing; to a reading (units, nats); to a compression the
numbers of `COMPRESSION`; to a choice 1 where the word was chosen and 0 where the part-word was.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Measure, Record
from cogmem.errors import UserError
from cogmem.paradigms.shares import means
from cogmem.trials import Trials, concatenate

Array = NDArray[np.float64]

BLOCK: Final = 8
"""Trials of a block."""
COMPRESSION: Final = ("units", "nats", "entries", "variables", "storage", "fillers", "dictionary", "two_part")
"""What is answered to a compression, in this order."""
GROUPING: Final = ("condition", "learning_phase", "list_kind")


def _tests(record: Record, kind: str) -> tuple[Trials, Array]:
    """Return the tests, all of a kind, and answers as numbers (tests, ...); UserError where they are another's."""
    tests = record.design.tests
    if "test_type" not in tests or not (tests["test_type"] == kind).all():
        raise UserError(f'This measure reads tests of {kind}; take a design of chunking with test="{kind}".')
    return tests, np.asarray(record.answers, dtype=np.float64)


def _grouped(tests: Trials, values: Array, x: str) -> Trials:
    """Return means by participant and x, by the parts of the experiment that the design has."""
    names = [name for name in GROUPING if name in tests]
    parts = []
    for key, members in tests.groups(names) if names else [({}, np.arange(len(tests)))]:
        own = tests.where(members)
        rows = means(own, values[members], np.ones(len(own), dtype=bool), x)
        parts.append(rows.with_columns({name: np.full(len(rows), value) for name, value in key.items()}))
    return concatenate(parts)


def edit_distance(one: NDArray[np.int_], other: NDArray[np.int_]) -> int:
    """Return how many symbols are put in, left out or exchanged to make one sequence of another (Levenshtein, 1966).

    >>> edit_distance(np.array([1, 2, 3]), np.array([2, 3, 4]))
    2
    """
    row = np.arange(len(other) + 1)
    for k, symbol in enumerate(one, 1):
        free = np.minimum(row[:-1] + (other != symbol), row[1:] + 1)
        row = np.minimum.accumulate(np.concatenate([[k], free]) - np.arange(len(row))) + np.arange(len(row))
    return int(row[-1])


def _recalled(record: Record) -> tuple[Trials, list[tuple[NDArray[np.int_], NDArray[np.int_]]]]:
    """Return the tests, and for each what was shown, up to its end, and what was said."""
    tests, answers = _tests(record, "recall")
    shown = np.asarray(record.design.items)[tests["target"]]
    return tests, [
        (each[each >= 0], np.asarray(said, dtype=np.int64)) for each, said in zip(shown, answers, strict=True)
    ]


def _blocks(tests: Trials) -> Trials:
    return tests.with_columns({"block": (tests["trial"] - 1) // BLOCK + 1})


def _in_place(record: Record) -> Trials:
    """Return the share of symbols said in their place, by block."""
    tests, pairs = _recalled(record)
    right = np.array([(shown == said[: len(shown)]).mean() for shown, said in pairs])
    return _grouped(_blocks(tests), right, "block")


def _edited(record: Record) -> Trials:
    """Return 1 - d / n, d being the edit distance of what was shown and what was said, but not below 0, by block."""
    tests, pairs = _recalled(record)
    right = np.array([max(0.0, 1 - edit_distance(shown, said[said >= 0]) / len(shown)) for shown, said in pairs])
    return _grouped(_blocks(tests), right, "block")


def _seconds(record: Record) -> Trials:
    tests, _ = _tests(record, "recall")
    if record.seconds is None:
        raise UserError(f"{record.subject} does not say how long its answers took; measure accuracy_by_block instead.")
    return _grouped(_blocks(tests), np.asarray(record.seconds, dtype=np.float64), "block")


def _reading(column: int, x: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        tests, answers = _tests(record, "reading")
        return _grouped(_blocks(tests), answers[:, column], x)

    return compute


def _compression(name: str, scale: float = 1.0) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        tests, answers = _tests(record, "compression")
        return _grouped(tests, scale * answers[:, COMPRESSION.index(name)], "depth")

    return compute


def _chosen(record: Record) -> Trials:
    """Return how often the word was chosen; x is 1, for all tests."""
    tests, answers = _tests(record, "choice")
    return _grouped(tests.with_columns({"all": np.ones(len(tests))}), answers, "all")


BITS: Final = 1 / math.log(2)
WU: Final = "Wu, Thalmann & Schulz (2025)"
HVM: Final = "Wu, Thalmann, Dayan, Akata & Schulz (2025)"

MEASURES: Final[tuple[Measure, ...]] = (
    Measure("accuracy_by_block", "Block of eight", "Symbols in their place", _in_place, WU),
    Measure("edit_accuracy_by_block", "Block of eight", "1 - edit distance / length", _edited, WU),
    Measure("seconds_by_block", "Block of eight", "Time to recall (s)", _seconds, WU),
    Measure("units_by_block", "Block of eight", "Units of a sequence", _reading(0, "block"), HVM),
    Measure("nats_by_block", "Block of eight", "-ln p of a sequence (nats)", _reading(1, "block"), HVM),
    Measure("nats_by_trial", "Trial", "-ln p of a sequence (nats)", _reading(1, "trial"), HVM),
    Measure("parse_length", "Steps of the generator", "Units", _compression("units"), HVM),
    Measure("unit_bits", "Steps of the generator", "-log2 p of all units (bits)", _compression("nats", BITS), HVM),
    Measure("dictionary_size", "Steps of the generator", "Entries", _compression("entries"), HVM),
    Measure("variables", "Steps of the generator", "Variables", _compression("variables"), HVM),
    Measure("storage_bits", "Steps of the generator", "Storage (bits)", _compression("storage", BITS), HVM),
    Measure("two_part_bits", "Steps of the generator", "Units and dictionary (bits)", _compression("two_part", BITS),
            "Rissanen (1978)"),
    Measure("words_chosen", "All tests", "Word chosen, not part-word", _chosen, "Saffran, Newport & Aslin (1996)"),
)  # fmt: skip
