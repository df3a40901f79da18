"""What is read off memories of superposed items: hits and false alarms, ROC, what is completed, how codes resemble.

An answer to a recognition is a rating, 0 (sure new) to n_ratings - 1 (sure old), of which the upper half is called old;
to a completion the features that come back, to a code test the units that stand for the probe.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import NormalDist
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Measure, Record
from cogmem.errors import UserError
from cogmem.paradigms.shares import means, shares
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

PROBES: Final = ("old", "new", "similar", "prototype", "partial", "noisy", "reordered")
"""What a test may show; see `SuperpositionSettings`."""
RECALLED: Final = 0.95
"""Cosine of what comes back and the item from which on it counts as recalled."""
_z: Final = np.vectorize(NormalDist().inv_cdf, otypes=[np.float64])


def _tests(record: Record, kind: str) -> Trials:
    """Return the tests, all of the kind that a measure reads; UserError where they are another's."""
    tests = record.design.tests
    if "test_type" not in tests or "list_length" not in tests or not (tests["test_type"] == kind).all():
        raise UserError(f'This measure reads tests of {kind}; take a design of superposition with test="{kind}".')
    return tests


def cosines(a: NDArray[Any], b: NDArray[Any]) -> Array:
    """Return the cosine of each row of a and b (n, ...), 0 where one is empty: of sets, shared / sqrt(|a| |b|)."""
    left, right = (each.reshape(len(each), -1).astype(np.float64) for each in (a, b))
    lengths = np.sqrt((left * left).sum(axis=1) * (right * right).sum(axis=1))
    return np.asarray((left * right).sum(axis=1) / np.where(lengths > 0, lengths, 1.0))


# ---- recognition -----------------------------------------------------------------------------------------------------


def called_old(record: Record) -> Flags:
    """Return which probes were called old: ratings in the upper half."""
    return np.asarray(2 * np.asarray(record.answers) >= _tests(record, "recognition")["n_ratings"])


def _called_old(x: str, *probes: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        tests = _tests(record, "recognition")
        of = np.isin(tests["probe"], probes) if probes else np.ones(len(tests), dtype=bool)
        return shares(tests, called_old(record), of, x)

    return compute


def _rating_by_probe(record: Record) -> Trials:
    """Return the mean rating, 0 to 1, of each kind of probe: x is its place in PROBES, from 1."""
    tests = _tests(record, "recognition")
    shown = np.array([PROBES.index(str(probe)) + 1 for probe in tests["probe"]])
    given = np.asarray(record.answers) / (tests["n_ratings"] - 1.0)
    return means(tests.with_columns({"kind": shown}), given, np.ones(len(tests), dtype=bool), "kind")


def _forced_choice(record: Record) -> Trials:
    """Return how often an old probe has a higher rating than one never shown, ties by half: by person and length."""
    tests, ratings = _tests(record, "recognition"), np.asarray(record.answers)
    rows: list[dict[str, Any]] = []
    for key, members in tests.groups(("participant", "list_length")):
        old = ratings[members[tests["probe"][members] == "old"]]
        new = ratings[members[tests["repetitions"][members] == 0]]
        if len(old) and len(new):
            y = float(((old[:, None] > new).mean() + (old[:, None] >= new).mean()) / 2)
            rows.append(key | {"x": float(key["list_length"]), "y": y, "n": float(len(old)),
                               "sd": np.sqrt(y * (1 - y))})  # fmt: skip
    return _table(rows, "old and new probes")


def _table(rows: list[dict[str, Any]], needed: str) -> Trials:
    if not rows:
        raise UserError(f"This measure needs {needed} in the setting probes.")
    return from_rows(rows)


def rates(counts: Array) -> Array:
    """Return from counts of ratings (..., n_ratings), new first, the rates at or above each of the n - 1 criteria.

    One half is added to every rate's count and one to the number of tests, so that none is 0 or 1 (Snodgrass & Corwin,
    1988); the strictest criterion comes first.
    """
    above = counts[..., ::-1].cumsum(axis=-1)[..., :-1]
    return np.asarray((above + 0.5) / (counts.sum(axis=-1, keepdims=True) + 1.0))


def _counted(record: Record, rows: NDArray[np.intp], probe: str) -> Array:
    tests = record.design.tests
    own = np.asarray(record.answers)[rows[tests["probe"][rows] == probe]]
    return np.bincount(own, minlength=int(tests["n_ratings"][0])).astype(np.float64)


def _by_length(record: Record, told: Callable[[Array, Array], list[dict[str, float]]]) -> Trials:
    """Return what is told of the ratings of old and new probes, by participant and list length."""
    tests = _tests(record, "recognition")
    rows: list[dict[str, Any]] = []
    for key, members in tests.groups(("participant", "list_length")):
        old, new = (_counted(record, members, probe) for probe in ("old", "new"))
        if old.sum() and new.sum():
            rows += [key | {"x": float(key["list_length"])} | each for each in told(old, new)]
    return _table(rows, "old and new probes")


def _roc(record: Record) -> Trials:
    def told(old: Array, new: Array) -> list[dict[str, float]]:
        hits, alarms, n = rates(old), rates(new), float(old.sum())
        return [{"x": f, "y": h, "n": n, "sd": np.sqrt(h * (1 - h)), "criterion": k + 1.0}
                for k, (f, h) in enumerate(zip(alarms, hits, strict=True))]  # fmt: skip

    return _by_length(record, told)


def discriminability(old: Array, new: Array) -> tuple[float, float]:
    """Return d', z(hit) - z(false alarm) at the middle criterion, and its error (Gourevitch & Galanter, 1967)."""
    middle = len(old) - len(old) // 2 - 1
    found = [(rates(counts)[middle], counts.sum()) for counts in (old, new)]
    variance = sum(p * (1 - p) / (n * NormalDist().pdf(_z(p)) ** 2) for p, n in found)
    return float(_z(found[0][0]) - _z(found[1][0])), float(np.sqrt(variance))


def z_slope(old: Array, new: Array) -> tuple[float, float]:
    """Return the slope of z(hit) over z(false alarm), least squares over the criteria, and the regression's error.

    The slope is NaN where false alarms do not differ; the error of two criteria is told as 0.
    """
    hits, alarms = _z(rates(old)), _z(rates(new))
    spread = alarms - alarms.mean()
    squares = float((spread**2).sum())
    # Rates that are all the same differ by rounding.
    if squares < 1e-12:
        return float("nan"), 0.0
    slope = float((spread * hits).sum() / squares)
    rest = hits - hits.mean() - slope * spread
    return slope, float(np.sqrt((rest**2).sum() / max(1, len(hits) - 2) / squares))


def _d_prime(record: Record) -> Trials:
    def told(old: Array, new: Array) -> list[dict[str, float]]:
        y, se = discriminability(old, new)
        n = float(old.sum() + new.sum())
        return [{"y": y, "n": n, "sd": se * np.sqrt(n)}]

    return _by_length(record, told)


def _z_slope(record: Record) -> Trials:
    if record.design.tests.get("n_ratings", 0)[0] < 3:
        raise UserError("A slope needs two criteria; ask for n_ratings of 3 or more.")

    def told(old: Array, new: Array) -> list[dict[str, float]]:
        (y, se), n = z_slope(old, new), float(old.sum() + new.sum())
        return [{"y": y, "n": n, "sd": se * np.sqrt(n)}] if np.isfinite(y) else []

    return _by_length(record, told)


# ---- completion and codes ------------------------------------------------------------------------------------------


def _completed(measured: Callable[[Array], Array], x: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        tests = _tests(record, "completion")
        found = cosines(np.asarray(record.answers), record.design.items[tests["target"]])
        return means(tests, measured(found), np.ones(len(tests), dtype=bool), x)

    return compute


def _code_pairs(record: Record) -> tuple[Trials, Array, Array]:
    """Return the tests of probes with a source, and the cosines to it of what is shown and of its code."""
    tests, codes = _tests(record, "code"), np.asarray(record.answers)
    stored = {int(item): row for row, item in enumerate(tests["item"]) if tests["probe"][row] == "old"}
    rows = np.array([row for row in range(len(tests)) if int(tests["target"][row]) in stored], dtype=np.int64)
    if not len(rows):
        raise UserError('This measure compares codes with those of "old" probes; add it to the setting probes.')
    own = np.array([stored[int(target)] for target in tests["target"][rows]])
    items = record.design.items
    return tests.where(rows), cosines(items[tests["item"][rows]], items[tests["target"][rows]]), cosines(
        codes[rows], codes[own]
    )  # fmt: skip


def _code_similarity(record: Record) -> Trials:
    tests, shown, codes = _code_pairs(record)
    table = tests.with_columns({"similarity": shown.round(6)})
    return means(table, codes, np.ones(len(table), dtype=bool), "similarity")


def mantel(items: NDArray[Any], codes: NDArray[Any]) -> float:
    """Return Pearson's r between the cosines of all pairs of items and those of their codes (Mantel, 1967)."""
    above = np.triu_indices(len(items), 1)
    pairs = []
    for each in (items, codes):
        flat = each.reshape(len(each), -1).astype(np.float64)
        flat = flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-300)
        pairs.append((flat @ flat.T)[above])
    return float(np.corrcoef(*pairs)[0, 1]) if min(each.std() for each in pairs) > 0 else float("nan")


def _mantel(record: Record) -> Trials:
    tests, codes = _tests(record, "code"), np.asarray(record.answers)
    rows: list[dict[str, Any]] = []
    for key, members in tests.groups(("participant", "list", "list_length")):
        own = members[tests["probe"][members] == "old"]
        r = mantel(record.design.items[tests["item"][own]], codes[own]) if len(own) > 2 else np.nan
        if np.isfinite(r):
            # The error of r among as many independent things as there are items.
            rows.append(key | {"x": float(key["list_length"]), "y": r, "n": float(len(own)), "sd": 1 - r * r})
    return _table(rows, "three or more old probes, whose likeness differs,")


_LENGTH: Final = "Items in the list"
MEASURES: Final = (
    Measure("called_old", "Presentations of the item", "Proportion called old", _called_old("repetitions")),
    Measure("called_old_by_overlap", "Share of a studied item's features", "Proportion called old",
            _called_old("overlap", "old", "new", "similar")),
    Measure("hits_by_length", _LENGTH, "Proportion of old items called old", _called_old("list_length", "old")),
    Measure("alarms_by_length", _LENGTH, "Proportion of new items called old", _called_old("list_length", "new")),
    Measure("rating_by_probe", "Kind of probe", "Mean rating (0 sure new, 1 sure old)", _rating_by_probe),
    Measure("forced_choice", _LENGTH, "Proportion correct of two alternatives", _forced_choice, "Shepard (1967)"),
    Measure("roc", "False alarms", "Hits", _roc, "Egan (1958)"),
    Measure("d_prime", _LENGTH, "d'", _d_prime, "Green & Swets (1966)"),
    Measure("z_slope", _LENGTH, "Slope of the z-ROC", _z_slope, "Ratcliff, Sheu & Gronlund (1992)"),
    Measure("completion", "Share of the item's features shown", "Cosine of what comes back and the item",
            _completed(lambda found: found, "overlap")),
    Measure("recalled_by_length", _LENGTH, f"Proportion completed (cosine of {RECALLED} or more)",
            _completed(lambda found: (found >= RECALLED).astype(np.float64), "list_length")),
    Measure("code_similarity", "Cosine of probe and item", "Cosine of their codes", _code_similarity,
            "Rinkus & Leveille (2017)"),
    Measure("mantel", _LENGTH, "r of likeness of items and of codes", _mantel, "Mantel (1967)"),
)  # fmt: skip
