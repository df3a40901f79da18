"""What is read off the answers to streams of updated values: right ones, older values, others, and none.

An answer is a row of the design's items, −1 for none; a value that the stream never held is a row beyond them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Measure, Record
from cogmem.errors import UserError
from cogmem.paradigms.shares import shares
from cogmem.trials import Trials

Ints = NDArray[np.int64]

RIGHT: Final = "right"
KINDS: Final = (RIGHT, "same_key", "other_key", "unseen", "none")
"""Right; another value of the same key (an intrusion); a value of another key; one that was not in the stream; none."""


@dataclass(frozen=True, eq=False)
class Answers:
    """The tests of a record, the kind of each answer (of KINDS), and its lag.

    `lag` counts how many updates of the same key lie between the value asked for and the one answered (0: right; 1: the
    value next to it), −1 where the answer is no value of that key.
    """

    tests: Trials
    kind: NDArray[np.str_]
    lag: Ints


def _needed(record: Record) -> tuple[Trials, Trials]:
    """Return the tests and the studies; UserError where these are no recall of streams of updates."""
    tests, studies = record.design.tests, record.design.studies
    missing = [name for name in ("list", "cue", "target", "update") if name not in tests]
    if missing or not len(studies):
        raise UserError(
            f"The design of {record.design.paradigm!r} has no streams of updates (columns list, cue, target, update in "
            "study and test rows); take one of proactive_interference."
        )
    if (tests.get("test_type", "recall") == "recognition").any():
        raise UserError("Recognition tests are answered yes or no; read them by the measure recognition.")
    return tests, studies


def classify(record: Record) -> Answers:
    """Return the kind and lag of each answer; UserError where the design has no streams of updates."""
    tests, studies = _needed(record)
    who = ("participant", "list") if "participant" in tests else ("list",)
    streams = {tuple(key.values()): rows for key, rows in studies.groups(who)}
    answers = np.asarray(record.answers)
    kind, lag = np.full(len(tests), "none", dtype="<U9"), np.full(len(tests), -1)
    for key, rows in tests.groups(who):
        held = streams.get(tuple(key.values()), np.zeros(0, dtype=np.intp))
        cues, values, updates = (studies[name][held] for name in ("cue", "target", "update"))
        for row in rows:
            if answers[row] < 0:
                continue
            own = np.flatnonzero((cues == tests["cue"][row]) & (values == answers[row]))
            if answers[row] == tests["target"][row]:
                kind[row], lag[row] = RIGHT, 0
            elif len(own):
                kind[row], lag[row] = "same_key", abs(int(tests["update"][row] - updates[own[-1]]))
            else:
                # Asked for by its value, a pair answers with its key: both are words of the stream.
                kind[row] = "other_key" if (np.append(values, cues) == answers[row]).any() else "unseen"
    return Answers(tests, kind, lag)


def _of_kind(*kinds: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        found = classify(record)
        return shares(found.tests, np.isin(found.kind, kinds), np.ones(len(found.kind), dtype=bool), "updates")

    return compute


def _by_position(record: Record) -> Trials:
    """Return accuracy by how many pairs came after the last one of the key: 0 is the end of the stream."""
    found, studies = classify(record), record.design.studies
    who = ["participant", "list"] if "participant" in found.tests else ["list"]
    after = np.zeros(len(found.kind), dtype=np.int64)
    streams = {tuple(key.values()): rows for key, rows in studies.groups(who)}
    for key, rows in found.tests.groups(who):
        held = streams[tuple(key.values())]
        for row in rows:
            before = held[studies["time"][held] < found.tests["time"][row]]
            after[row] = len(before) - 1 - np.flatnonzero(studies["cue"][before] == found.tests["cue"][row])[-1]
    tests = found.tests.with_columns({"pairs_after": after})
    return shares(tests, found.kind == RIGHT, np.ones(len(after), dtype=bool), "pairs_after")


def _intrusions(record: Record) -> Trials:
    """Return the share of each lag among same-key intrusions, all participants and levels together."""
    found = classify(record)
    lags = found.lag[found.kind == "same_key"]
    if not len(lags):
        raise UserError(f"{record.subject} answered with no older value of a key, so there is no gradient of lags.")
    return _gradient(lags)


def _gradient(lags: Ints) -> Trials:
    """Return one row a lag from 1: its share among all, with counts."""
    counts = np.bincount(lags)[1:]
    x = np.arange(1, len(counts) + 1)
    y = counts / counts.sum()
    n = np.full(len(x), float(counts.sum()))
    return Trials({"x": x.astype(float), "y": y, "n": n, "sd": np.sqrt(y * (1 - y)), "lag": x, "correct": counts})


def _by_list(record: Record) -> Trials:
    """Return accuracy by list of the stream, where tests come after every list."""
    if record.design.settings.get("test_after") != "list":
        raise UserError('accuracy_by_list reads tests after every list: set test_after="list" and order="lists".')
    found = classify(record)
    return shares(found.tests, found.kind == RIGHT, np.ones(len(found.kind), dtype=bool), "block")


def lists_back(record: Record) -> Ints:
    """Return how many lists back the answer of each test was last studied: (tests,); 0 in this list, -1 in none."""
    tests, studies = _needed(record)
    who = tests.get("participant", "all").tolist()
    homes: dict[tuple[str, int], list[int]] = {}
    for name in ("cue", "target"):
        seen = zip(
            studies.get("participant", "all").tolist(), studies[name].tolist(), studies["list"].tolist(), strict=True
        )
        for person, word, number in seen:
            homes.setdefault((person, word), []).append(number)
    found = np.full(len(tests), -1)
    for row, answer in enumerate(np.asarray(record.answers).tolist()):
        now = tests["list"][row]
        earlier = [number for number in homes.get((who[row], answer), ()) if number <= now]
        if answer >= 0 and earlier:
            found[row] = now - max(earlier)
    return found


def _prior_lists(record: Record) -> Trials:
    """Return the share of answers that come from an earlier list, by list."""
    back = lists_back(record)
    return shares(record.design.tests, back > 0, np.ones(len(back), dtype=bool), "list")


def list_lags(record: Record, *, after: int = 0) -> Trials:
    """Return the share of each lag among answers from earlier lists, of the tests in lists after `after`."""
    back = lists_back(record)
    lags = back[(back > 0) & (record.design.tests["list"] > after)]
    if not len(lags):
        raise UserError(f"{record.subject} answered with no word of an earlier list, so there is no gradient of lists.")
    return _gradient(lags)


def _recognition(record: Record) -> Trials:
    """Return the share of right answers by kind of probe: x is its place in old, recent, new, from 1."""
    tests = record.design.tests
    if (tests.get("test_type", "recall") != "recognition").any():
        raise UserError('recognition reads yes and no: set test_type="recognition".')
    kinds = ("old", "recent", "new")
    tests = tests.with_columns({"kind": np.array([kinds.index(probe) + 1 for probe in tests["probe"]])})
    rows = shares(tests, np.asarray(record.right), np.asarray(record.answers) >= 0, "kind")
    return rows.with_columns({"probe": np.array([kinds[int(x) - 1] for x in rows["x"]])})


UPDATES: Final = "Values that the key was given"
MEASURES: Final = (
    Measure("accuracy", UPDATES, "Proportion correct", _of_kind(RIGHT), "Wang & Sun (2025)"),
    Measure("intrusions", UPDATES, "Other values of the same key", _of_kind("same_key")),
    Measure("other_key", UPDATES, "Values of other keys", _of_kind("other_key")),
    Measure("omissions", UPDATES, "No answer", _of_kind("none")),
    Measure("accuracy_by_recency", "Pairs after the key's last", "Proportion correct", _by_position),
    Measure("intrusion_lag", "Updates back", "Share of same-key intrusions", _intrusions),
    Measure("prior_lists", "List", "Answers from earlier lists", _prior_lists, "Underwood (1957)"),
    Measure("list_lag", "Lists back", "Share of answers from earlier lists", list_lags),
    Measure("accuracy_by_list", "List of the stream", "Proportion correct", _by_list, "Keppel & Underwood (1962)"),
    Measure("recognition", "Probe (1 old, 2 recent, 3 new)", "Proportion correct", _recognition, "Monsell (1978)"),
)  # fmt: skip


def fitted_points(accuracy: NDArray[np.float64], *, floor: float = 0.02) -> int:
    """Return how many values a slope is drawn through: all up to and including the first one below `floor`."""
    below = np.flatnonzero(accuracy < floor)
    return int(below[0]) + 1 if len(below) else len(accuracy)


def log_linear(
    n: NDArray[np.float64], accuracy: NDArray[np.float64], *, floor: float = 0.02
) -> tuple[float, float, float]:
    """Return (slope a decade, intercept, R²) of accuracy on log10 n, up to and including the first value below `floor`.

    >>> slope, intercept, r2 = log_linear(np.array([1.0, 10.0, 100.0]), np.array([1.0, 0.7, 0.4]))
    >>> round(slope, 6), round(intercept, 6), round(r2, 6)
    (-0.3, 1.0, 1.0)
    """
    last = fitted_points(accuracy, floor=floor)
    x, y = np.log10(n[:last]), accuracy[:last]
    if last < 2:
        raise UserError(f"A slope needs two numbers of updates or more above the floor of {floor}; got {last}.")
    slope, intercept = np.polyfit(x, y, 1)
    total = ((y - y.mean()) ** 2).sum()
    r2 = 1 - ((y - intercept - slope * x) ** 2).sum() / total if total > 0 else np.nan
    return float(slope), float(intercept), float(r2)


def release(by_list: Curve, shift_after: int) -> tuple[float, float]:
    """Return (how much more is right in the first list after the shift than in the one before it, its standard error).

    `by_list` is a curve of accuracy_by_list; lists are one person's answers pooled (Wickens, 1970).
    """
    rows = by_list.pool().rows
    places = [np.flatnonzero(rows["x"] == x) for x in (shift_after, shift_after + 1)]
    if not all(len(place) for place in places):
        raise UserError(f"There are no lists {shift_after} and {shift_after + 1} in the curve; shift_after names the "
                        "last list before the shift.")  # fmt: skip
    before, after = (int(place[0]) for place in places)
    variance = (rows["sd"][[before, after]] ** 2 / rows["n"][[before, after]]).sum()
    return float(rows["y"][after] - rows["y"][before]), float(np.sqrt(variance))
