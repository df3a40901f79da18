"""The forgetting curve: items are studied once or more, and tested after retention intervals.

Ebbinghaus (1885) measured savings in relearning; Cepeda et al. (2008) crossed the gap between two studies with the
interval to the test; Orhan (2023) put networks through recognition and recall of strings seen a few times. All three
are settings of this one paradigm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Measure, Paradigm, Record
from cogmem.errors import UserError
from cogmem.materials import Language
from cogmem.trials import Trials, from_rows

MONTH: Final = 30 * 86_400.0


def log_spaced(least: float, most: float, n: int) -> tuple[float, ...]:
    """Return `n` delays in s, evenly spaced in log time and rounded to the second.

    >>> log_spaced(60, 6000, 3)
    (60.0, 600.0, 6000.0)
    """
    return tuple(float(t) for t in np.unique(np.round(np.geomspace(least, most, n))))


@dataclass(frozen=True)
class ForgettingCurveSettings:
    """Settings; the conditions are repetitions x spacing gaps x retention intervals, fully crossed.

    The conditions begin so that the study of all ends at the same moment: what fills a retention interval is the same
    for every gap.
    `n_items` items in each condition of repetitions x gap. `crossed`: each of them is tested after every retention
    interval (a test leaves no trace); otherwise every interval has `n_items` of its own, as in people's experiments.
    `cumulative`: one list is studied as often as the largest of `repetitions` and tested at once after each of them
    (a learning curve); the retention intervals follow the last. Otherwise every number of repetitions has its items.
    Items of 0 repetitions are tested without study: their score is the baseline that memory is measured from.
    Seconds everywhere. `expansion` is the ratio of each gap to the one before it (1: even, above 1: expanding).
    """

    n_participants: int = 1
    n_items: int = 64
    retention_intervals: tuple[float, ...] = log_spaced(60.0, MONTH, 8)
    repetitions: tuple[int, ...] = (1,)
    spacing_gaps: tuple[float, ...] = (0.0,)
    expansion: float = 1.0
    test_type: Literal["recall", "recognition", "savings"] = "recall"
    lure_type: Literal["novel", "one_word"] = "novel"
    n_elements: int = 1
    learning_repetitions: float = 20.0
    crossed: bool = True
    cumulative: bool = False
    language: Language = field(default_factory=Language)

    def __post_init__(self) -> None:
        for name in ("n_participants", "n_items", "n_elements"):
            if getattr(self, name) < 1:
                raise UserError(f"forgetting_curve needs {name} of at least 1; got {getattr(self, name)}.")
        for name in ("retention_intervals", "repetitions", "spacing_gaps"):
            values = tuple(getattr(self, name))
            object.__setattr__(self, name, values)
            if not values or not all(np.isfinite(value) and value >= 0 for value in values):
                raise UserError(f"forgetting_curve needs {name} that are not negative, one or more; got {values}.")
        if self.test_type not in ("recall", "recognition", "savings"):
            raise UserError(f"test_type is recall, recognition or savings; got {self.test_type!r}.")
        if self.test_type == "savings" and self.repetitions != (1,):
            raise UserError(f"Savings lists are learned to criterion, so repetitions is (1,); got {self.repetitions}.")
        if self.cumulative and (self.test_type == "savings" or min(self.spacing_gaps) <= 0):
            raise UserError("A cumulative design needs recall or recognition and gaps above 0 s between its studies.")
        if self.expansion <= 0:
            raise UserError(f"expansion is the ratio of successive gaps and needs to be above 0; got {self.expansion}.")
        if isinstance(self.language, dict):
            object.__setattr__(self, "language", Language(**self.language))


def _conditions(settings: ForgettingCurveSettings) -> list[tuple[int, float]]:
    """Return the conditions (repetitions, gap); fewer than two studies have no gap and make one condition only."""
    least = min(settings.spacing_gaps)
    counts = settings.repetitions
    if settings.cumulative:
        counts = tuple(count for count in counts if count in (0, max(counts)))
    crossed = product(counts, settings.spacing_gaps)
    return [(repetitions, gap) for repetitions, gap in crossed if repetitions > 1 or gap == least]


def _gaps(settings: ForgettingCurveSettings, repetitions: int, gap: float) -> NDArray[np.float64]:
    """Return the age in s of each study when the last one happens, oldest first: (repetitions,), ending in 0."""
    if repetitions == 0:
        return np.zeros(0)
    steps = gap * settings.expansion ** np.arange(repetitions - 1)
    return np.concatenate([np.cumsum(steps[::-1])[::-1], [0.0]])


def _condition(settings: ForgettingCurveSettings, repetitions: int, gap: float, first: int) -> list[dict[str, Any]]:
    """Return study and test rows (as columns) of one condition, whose items start at number `first`."""
    delays = np.asarray(settings.retention_intervals)
    per_delay = np.arange(settings.n_items)
    ages = _gaps(settings, repetitions, gap)
    ended = max(_gaps(settings, *each).max(initial=0.0) for each in _conditions(settings))
    groups = 1 if settings.crossed and settings.test_type != "savings" else len(delays)
    items = first + np.arange(groups * settings.n_items)
    parts: list[dict[str, Any]] = [
        {"phase": "study", "item": items, "time": ended - age, "element": 0, "retention_interval": 0.0} for age in ages
    ]
    if settings.cumulative and repetitions:
        parts += _learning_curve(settings, items, ended - ages)
    for k, delay in enumerate(delays):
        if settings.cumulative and repetitions and delay == 0:
            continue
        tested = first + per_delay + (k * settings.n_items if groups > 1 else 0)
        for element in range(settings.n_elements):
            row = {"phase": "test", "item": tested, "time": ended + delay, "element": element}
            parts.append(row | {"retention_interval": delay, "test_type": settings.test_type})
    if settings.test_type == "savings":
        parts = _to_criterion(parts, items)
    return [{"repetitions": repetitions, "spacing_gap": gap} | part for part in parts]


def _learning_curve(
    settings: ForgettingCurveSettings, items: NDArray[np.int64], times: NDArray[np.float64]
) -> list[dict[str, Any]]:
    """Return the tests right after each study whose count `repetitions` names."""
    return [
        {"phase": "test", "item": items, "time": times[count - 1], "element": element, "retention_interval": 0.0,
         "test_type": settings.test_type, "repetitions": count}
        for count in sorted(set(settings.repetitions) - {0})
        for element in range(settings.n_elements)
    ]  # fmt: skip


def _to_criterion(parts: list[dict[str, Any]], items: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Return the rows of a savings experiment: lists are learned to criterion at 0 s and relearned after the delay."""
    learning = {"phase": "test", "item": items, "time": 0.0, "element": 0, "retention_interval": 0.0}
    tests = [part | {"test_type": "relearning"} for part in parts if part["phase"] == "test"]
    return [learning | {"test_type": "learning"}, *tests]


def _build(settings: ForgettingCurveSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    parts: list[dict[str, Any]] = []
    first = 0
    for repetitions, gap in _conditions(settings):
        parts += _condition(settings, repetitions, gap, first)
        first = 1 + int(max(part["item"].max() for part in parts))
    columns = {name: _column(parts, name) for name in ("phase", "time", "item", "element", "retention_interval")}
    columns |= {name: _column(parts, name) for name in ("repetitions", "spacing_gap", "test_type")}
    recognised = columns["test_type"] == "recognition"
    columns["lure"] = columns["item"] + first
    columns["guess"] = np.where(recognised, 0.5, 0.0)
    if settings.expansion != 1.0:
        columns["study_age"] = _study_ages(settings, columns)
    one = Trials(columns).where(np.argsort(columns["time"], kind="stable"))
    people = np.array([f"p{number + 1:03d}" for number in range(settings.n_participants)])
    repeated = {name: np.concatenate([values] * len(people)) for name, values in one.columns.items()}
    strings = settings.language.strings(first, rng)
    lures = settings.language.strings(first, rng)
    if settings.lure_type == "one_word":
        lures = settings.language.one_word_foils(strings, rng)
    trials = Trials({"participant": np.repeat(people, len(one)), **repeated})
    return trials, np.concatenate([strings, lures])


def _column(parts: list[dict[str, Any]], name: str) -> NDArray[Any]:
    return np.concatenate([np.broadcast_to(part.get(name, "none"), part["item"].shape) for part in parts])


def _study_ages(settings: ForgettingCurveSettings, columns: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
    """Return the ages of all studies at each row for uneven schedules: (rows, most repetitions)."""
    most = max(settings.repetitions)
    ages = np.full((len(columns["item"]), most), np.inf)
    # Cumulative designs test after fewer studies too, so the counts are read off the rows.
    for repetitions, gap in product(np.unique(columns["repetitions"]).tolist(), settings.spacing_gaps):
        rows = (columns["repetitions"] == repetitions) & (columns["spacing_gap"] == gap)
        since = columns["retention_interval"][rows, None] + _gaps(settings, repetitions, gap)
        ages[np.flatnonzero(rows)[:, None], most - repetitions + np.arange(repetitions)] = since
    return ages


GROUPS: Final = ("participant", "repetitions", "spacing_gap", "retention_interval")


def _proportions(record: Record, x: str) -> Trials:
    tests, right = record.design.tests, record.right
    rows: list[dict[str, Any]] = []
    for key, chosen in tests.groups([name for name in (*GROUPS, "guess") if name in tests]):
        n, correct = len(chosen), int(right[chosen].sum())
        y = correct / n
        rows.append({**key, "x": key[x], "y": y, "n": float(n), "sd": float(np.sqrt(y * (1 - y))), "correct": correct})
    return from_rows(rows)


def _retention(record: Record) -> Trials:
    return _proportions(record, "retention_interval")


def _spacing(record: Record) -> Trials:
    return _proportions(record, "spacing_gap")


def _savings(record: Record) -> Trials:
    tests = record.design.tests
    kinds = tests.get("test_type", "recall")
    if not (kinds == "relearning").any():
        raise UserError("Savings need lists learned and relearned to criterion; design with test_type='savings'.")
    learned = np.flatnonzero(kinds == "learning")
    names = zip(tests["participant"][learned], tests["item"][learned], strict=True)
    needed = dict(zip(names, record.answers[learned], strict=True))
    again = np.flatnonzero(kinds == "relearning")
    rows: list[dict[str, Any]] = []
    for key, chosen in tests.where(again).groups(GROUPS):
        part = again[chosen]
        lists = zip(tests["participant"][part], tests["item"][part], strict=True)
        first = np.array([needed[each] for each in lists])
        saved = (first - record.answers[part]) / first
        cells = {"x": key["retention_interval"], "y": saved.mean(), "n": float(len(saved)), "sd": saved.std()}
        rows.append(key | cells)
    return from_rows(rows)


def d_prime(hits: NDArray[Any], n_old: NDArray[Any], false_alarms: NDArray[Any], n_new: NDArray[Any]) -> NDArray[Any]:
    """Return (d', its standard error), each like `hits`: z(H) - z(F), log-linear correction (Hautus, 1995).

    The standard error is Gourevitch and Galanter's (1967).
    """
    from scipy.stats import norm

    rates = [(hits + 0.5) / (n_old + 1.0), (false_alarms + 0.5) / (n_new + 1.0)]
    z = [norm.ppf(rate) for rate in rates]
    variance = sum(
        rate * (1 - rate) / (n * norm.pdf(quantile) ** 2)
        for rate, n, quantile in zip(rates, (n_old, n_new), z, strict=True)
    )
    return np.stack([z[0] - z[1], np.sqrt(variance)])


def _d_prime(record: Record) -> Trials:
    """Two-alternative choices: d' = sqrt(2) z(p) (Green & Swets, 1966); with `probe`, z(H) - z(F)."""
    tests = record.design.tests
    two_choices = "probe" not in tests
    rows: list[dict[str, Any]] = []
    for key, chosen in tests.groups([name for name in GROUPS if name in tests]):
        right = record.right[chosen]
        old = np.ones(len(chosen), dtype=bool) if two_choices else np.isin(tests["probe"][chosen], ["old", "same"])
        if two_choices:
            # A forced choice between old and new is a hit and a correct rejection at once: z(H) = -z(F).
            n = np.asarray(float(len(right)))
            wrong = n - right.sum()
            # 2 z / sqrt(2) = sqrt(2) z; one proportion, so the two errors are one and do not average out.
            y, se = d_prime(np.asarray(right.sum()), n, wrong, n) * np.array([np.sqrt(0.5), 1.0])
        else:
            hits, alarms = right[old].sum(), (~right[~old]).sum()
            y, se = d_prime(np.asarray(hits), np.asarray(old.sum()), np.asarray(alarms), np.asarray((~old).sum()))
        rows.append({**key, "x": key["retention_interval"], "y": float(y), "n": 1.0, "sd": float(se)})
    return from_rows(rows)


def _like(curve: Curve) -> ForgettingCurveSettings:
    """Return the settings that repeat a human table: its delays, repetitions and gaps, its number of people."""
    rows, savings = curve.rows, curve.measure == "savings"
    return ForgettingCurveSettings(
        n_participants=len(curve.participants),
        n_items=int(np.clip(np.median(rows["n"]), 8, 64)),
        retention_intervals=tuple(float(t) for t in np.unique(rows["retention_interval"])),
        # A list of a savings experiment is learned to criterion, however often that takes.
        repetitions=(1,) if savings else tuple(int(k) for k in np.unique(rows.get("repetitions", 1))),
        spacing_gaps=tuple(float(gap) for gap in np.unique(rows.get("spacing_gap", 0.0))),
        test_type="savings" if savings else "recall",
    )


DELAY_LABEL: Final = "Retention interval (s)"

retention = Measure("retention", DELAY_LABEL, "Proportion correct", _retention)
savings = Measure("savings", DELAY_LABEL, "Savings", _savings, "Ebbinghaus (1885): (learning - relearning) / learning")
spacing = Measure("spacing", "Gap between studies (s)", "Proportion correct", _spacing, "Cepeda et al. (2008)")
d_prime_measure = Measure("d_prime", DELAY_LABEL, "d'", _d_prime, "Green & Swets (1966); Hautus (1995)")

forgetting_curve = Paradigm(
    "forgetting_curve",
    1,
    "Ebbinghaus (1885); Murre & Dros (2015); Cepeda et al. (2008); Orhan (2023)",
    ForgettingCurveSettings,
    _build,
    (retention, savings, spacing, d_prime_measure),
    like=_like,
)
