"""What is read off cued recall of values: right ones, where wrong ones come from, what is there and not recalled.

An answer to a recall is a row of the design's items, -1 for none; to a recognition 1 (studied together) or 0.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Measure, Record
from cogmem.errors import UserError
from cogmem.paradigms.shares import means, shares
from cogmem.trials import Trials

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

KINDS: Final = ("right", "same_list", "other_list", "unseen", "none")
"""Right; another value of the list; a value of an earlier list; one never studied by then; none."""


def _needed(record: Record) -> Trials:
    tests = record.design.tests
    missing = [name for name in ("list", "cue", "target", "n_pairs", "attempt") if name not in tests]
    if missing:
        raise UserError(
            f"The design of {record.design.paradigm!r} has no lists of pairs (columns list, cue, target, n_pairs, "
            "attempt); take one of key_value."
        )
    return tests


def _recalls(record: Record, attempt: int = 1) -> Flags:
    """Return which tests are recalls of that attempt; UserError where there is none."""
    tests = _needed(record)
    found = (tests["test_type"] == "recall") & (tests["attempt"] == attempt)
    if not found.any():
        wanted = "recall" if attempt == 1 else "reinstated"
        raise UserError(f"This measure reads the test {wanted!r} of each pair; add it to the setting tests.")
    return np.asarray(found)


def _recognitions(record: Record) -> Flags:
    found = _needed(record)["test_type"] == "recognition"
    if not found.any():
        raise UserError("This measure reads the test 'recognition' of each pair; add it to the setting tests.")
    return np.asarray(found)


def kinds_of(record: Record) -> NDArray[np.str_]:
    """Return the kind (of KINDS) of each answer: (tests,); of recognition tests right or none."""
    tests, studies = _needed(record), record.design.studies
    answers = np.asarray(record.answers)
    kind = np.where(record.right, "right", "none").astype("<U10")
    for key, rows in tests.groups(("participant",) if "participant" in tests else ()):
        own = studies.where(studies["participant"] == key["participant"]) if key else studies
        for row in rows[(tests["test_type"][rows] == "recall") & (answers[rows] >= 0) & ~record.right[rows]]:
            lists = own["list"][own["target"] == answers[row]]
            if (lists == tests["list"][row]).any():
                kind[row] = "same_list"
            else:
                kind[row] = "other_list" if (lists < tests["list"][row]).any() else "unseen"
    return kind


def _accuracy(x: str, attempt: int = 1) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        return shares(_needed(record), np.asarray(record.right), _recalls(record, attempt), x)

    return compute


def _of_kind(*kinds: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        return shares(_needed(record), np.isin(kinds_of(record), kinds), _recalls(record), "n_pairs")

    return compute


def _vectors(record: Record) -> Array:
    items = np.asarray(record.design.items)
    if items.ndim != 2 or items.dtype.kind != "f":
        raise UserError("This measure compares vectors, and the design's items are none; take a design of key_value.")
    return np.asarray(items / np.maximum(np.linalg.norm(items, axis=1, keepdims=True), 1e-300))


def _cosines(record: Record, shown: NDArray[np.int64]) -> tuple[Array, Array]:
    """Return the cosine of the item shown in each test with its own key, and the highest with another one of its list.

    Both (tests,); 0 where the list has no other key.
    """
    unit, tests, studies = _vectors(record), _needed(record), record.design.studies
    names = ["participant", "list"] if "participant" in tests else ["list"]
    keys = {tuple(key.values()): np.unique(studies["cue"][rows]) for key, rows in studies.groups(names)}
    own, other = np.zeros(len(tests)), np.zeros(len(tests))
    for key, rows in tests.groups(names):
        known = keys[tuple(key.values())]
        near, mine = unit[shown[rows]] @ unit[known].T, tests["cue"][rows][:, None] == known
        own[rows] = np.where(mine, near, 0.0).sum(axis=1)
        other[rows] = np.where(mine, -np.inf, near).max(axis=1, initial=-np.inf)
    return own, np.where(np.isfinite(other), other, 0.0)


def nearest_key(record: Record) -> Array:
    """Return for each test the highest cosine of its key with another key of its list: (tests,), 0 without one."""
    return _cosines(record, _needed(record)["cue"])[1]


def _by_similarity(record: Record) -> Trials:
    tests = _needed(record).with_columns({"similarity": np.round(nearest_key(record), 1)})
    return shares(tests, np.asarray(record.right), _recalls(record), "similarity")


def _discriminability(record: Record) -> Trials:
    """Return how much nearer the cue is to its own key than to the nearest other one of the list (cosines)."""
    tests = _needed(record)
    own, other = _cosines(record, tests["item"])
    return means(tests, own - other, _recalls(record), "n_pairs")


def likeness(record: Record) -> Array:
    """Return the cosine of the answered value with the right one: (tests,), NaN where no value was answered."""
    unit, tests = _vectors(record), _needed(record)
    answers = np.asarray(record.answers)
    known = (tests["test_type"] == "recall") & (answers >= 0) & (answers < len(unit))
    found = np.full(len(tests), np.nan)
    found[known] = (unit[answers[known]] * unit[tests["target"][known]]).sum(axis=1)
    return found


def _fidelity(record: Record) -> Trials:
    values = likeness(record)
    return means(_needed(record), values, _recalls(record) & np.isfinite(values), "n_pairs")


def _partial(record: Record) -> Trials:
    values = likeness(record)
    return means(_needed(record), values, _recalls(record) & np.isfinite(values) & ~record.right, "n_pairs")


def _pairs_of(record: Record, first: Flags, second: Flags) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return the rows of two tests of the same pair, side by side."""
    tests = _needed(record)
    names = [name for name in ("participant", "list", "cue", "context") if name in tests]
    ones, twos = (
        {tuple(tests[name][row] for name in names): row for row in np.flatnonzero(of)} for of in (first, second)
    )
    both = [key for key in ones if key in twos]
    return np.array([ones[key] for key in both], dtype=np.intp), np.array([twos[key] for key in both], dtype=np.intp)


def _available(record: Record) -> Trials:
    """Return the share of unrecalled pairs that are recognised for what they are (half by guessing)."""
    recall, recognition = _pairs_of(record, _recalls(record), _recognitions(record))
    lost = ~record.right[recall]
    tests = _needed(record).where(recognition)
    return shares(tests, np.asarray(record.right[recognition]), lost, "n_pairs")


def _recovered(record: Record) -> Trials:
    """Return the share of unrecalled pairs that are recalled when the whole key is shown again."""
    first, again = _pairs_of(record, _recalls(record), _recalls(record, 2))
    return shares(_needed(record).where(again), np.asarray(record.right[again]), ~record.right[first], "n_pairs")


def _recognised(record: Record) -> Trials:
    return shares(_needed(record), np.asarray(record.right), _recognitions(record), "cue_fan")


def _seconds(record: Record) -> Trials:
    if record.seconds is None:
        raise UserError(f"{record.subject} has no response times; this measure reads seconds.")
    of = _recognitions(record) & record.right & np.isfinite(record.seconds)
    return means(_needed(record), np.asarray(record.seconds), of, "cue_fan")


LOAD: Final = "Pairs in the list"
MEASURES: Final = (
    Measure("accuracy", LOAD, "Proportion recalled", _accuracy("n_pairs")),
    Measure("intrusions", LOAD, "Other values of the list", _of_kind("same_list")),
    Measure("other_list", LOAD, "Values of earlier lists", _of_kind("other_list")),
    Measure("omissions", LOAD, "No answer", _of_kind("none")),
    Measure("accuracy_by_similarity", "Cosine of the nearest other key", "Proportion recalled", _by_similarity),
    Measure("accuracy_by_noise", "Length of the cue's noise", "Proportion recalled", _accuracy("cue_noise")),
    Measure("recognition_by_fan", "Facts of the cue", "Proportion correct", _recognised, "Anderson (1974)"),
    Measure("seconds_by_fan", "Facts of the cue", "Seconds of right answers", _seconds, "Anderson (1974)"),
    Measure("fidelity", LOAD, "Cosine of answer and value", _fidelity, "Gershman, Fiete & Irie (2025)"),
    Measure("partial", LOAD, "Cosine of wrong answers and value", _partial, "Brown & McNeill (1966)"),
    Measure("discriminability", LOAD, "Own key less the nearest other", _discriminability,
            "Gershman, Fiete & Irie (2025)"),
    Measure("available", LOAD, "Recognised though not recalled", _available, "Tulving & Pearlstone (1966)"),
    Measure("recovered", LOAD, "Recalled with the whole key", _recovered, "Gershman, Fiete & Irie (2025)"),
)  # fmt: skip
