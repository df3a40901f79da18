"""One data set, many subjects, side by side: what `cogmem compare`, the app and the figures show."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

import numpy as np

from cogmem import comparisons
from cogmem.core import Agreement, Curve, Paradigm, Source, Subject
from cogmem.fitting.fits import Fit, Method, fit
from cogmem.fitting.loo import Elpd, elpd, weights
from cogmem.progress import Report, part, silent
from cogmem.subjects.equation import Equation
from cogmem.trials import Trials


@dataclass(frozen=True, eq=False)
class Entry:
    """One subject of a line-up: its agreement with people, its curve (pooled over people), parameters, warnings."""

    agreement: Agreement
    curve: Curve
    seconds: float
    weight: float | None = None
    parameters: Trials = field(default_factory=lambda: Trials({}))
    warnings: tuple[str, ...] = ()
    fit: Fit | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return what the JSON of `cogmem compare` holds for this subject; what does not exist is null."""
        rows = self.curve.rows
        names = ("x", "y", "n", "sd", *beside_x(self.curve))
        points = [{name: float(rows[name][k]) for name in names} for k in range(len(rows))]
        parameters = [
            {name: _plain(self.parameters[name][k]) for name in self.parameters} for k in range(len(self.parameters))
        ]
        scores = asdict(self.agreement)
        name, kind = scores.pop("subject"), scores.pop("kind")
        document = {"name": name, "kind": kind, "curve": points, **scores, "weight": self.weight}
        document |= {"parameters": parameters, "seconds": self.seconds, "warnings": list(self.warnings)}
        return {key: _finite(value) for key, value in document.items()}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


def _finite(value: Any) -> Any:
    """Return `value` with every NaN and infinity as None: JSON has no word for them."""
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if isinstance(value, list):
        return [_finite(each) for each in value]
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    return value


@dataclass(frozen=True, eq=False)
class LineUp:
    """People and other subjects on the same human trials; people come first, then the others by ELPD."""

    paradigm: str
    human: Curve
    entries: tuple[Entry, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the line-up as JSON-ready values."""
        data = {"name": self.human.subject, "kind": self.human.source.kind, "measure": self.human.measure}
        data |= {"citation": self.human.source.citation, "licence": self.human.source.licence}
        return {"paradigm": self.paradigm, "data": data, "subjects": [entry.as_dict() for entry in self.entries]}

    def entry(self, name: str) -> Entry:
        """Return the entry of the subject of that name."""
        return next(entry for entry in self.entries if entry.agreement.subject == name)


def axis_of(curve: Curve) -> str:
    """Return the column that x is a copy of: retention_interval, spacing_gap, serial_position, or x itself."""
    rows, names = curve.rows, ("retention_interval", "spacing_gap", "serial_position")
    return next((name for name in names if name in rows and np.array_equal(rows["x"], rows[name])), "x")


def beside_x(curve: Curve) -> tuple[str, ...]:
    """Return what a curve is not pooled over: the delays of a spacing surface, whose axis is the gap."""
    return ("retention_interval",) if axis_of(curve) == "spacing_gap" and "retention_interval" in curve.rows else ()


def _pooled(curve: Curve) -> Curve:
    return curve.pool(*beside_x(curve))


UNSEEN: Final = ("experiment", "material", "condition", "probe", "list", "serial_position")


def _notes(human: Curve) -> tuple[str, ...]:
    """Return in words what of the table the equations do not see, and whether people are fitted as one."""
    rows = human.rows
    seen = [name for name in ("participant", "retention_interval", "repetitions", "spacing_gap") if name in rows]
    cells = sum(1 for _ in rows.groups(seen))
    unseen = [name for name in UNSEEN if name in rows and sum(1 for _ in rows.groups([*seen, name])) > cells]
    notes = []
    if unseen:
        notes.append(f"Rows differ in {', '.join(unseen)}, which no equation sees: one curve goes through all of them.")
    if comparisons.one_delay_each(human):
        notes.append("Nobody was tested after two delays, so all people are fitted as one.")
    return tuple(notes)


def _people(human: Curve, top: dict[str, float | None]) -> Entry:
    """Return people as a subject: each predicted by the others, which is the ceiling itself."""
    score = Agreement(
        human.subject, "human", float(human.rows["n"].sum()), rmse=top["ceiling_rmse"], r=top["ceiling"],
        elpd_per_test=top["ceiling_elpd"], elpd_se=top["ceiling_se"], **top,
    )  # fmt: skip
    return Entry(score, _pooled(human), 0.0, warnings=_notes(human))


def fitted_curve(done: Fit, human: Curve) -> Curve:
    """Return the fitted prediction at each x, pooled over people; sd is the spread between people's predictions."""
    rows = human.rows.with_columns({"y": done.fitted, "sd": np.zeros(len(human.rows))})
    kept = {name: values for name, values in rows.columns.items() if name != "correct"}
    return _pooled(Curve(human.measure, done.model.name, Trials(kept), Source(kind=done.model.kind)))


def _equation(
    model: Equation, human: Curve, method: Method, top: dict[str, float | None], seed: int, report: Report
) -> tuple[Entry, Elpd | None]:
    started = time.perf_counter()
    done = fit(model, human, method=method, seed=seed, report=report)
    score = elpd(done) if method.name != "mle" else None
    agreement = comparisons.agreement(model.name, model.kind, human, done.fitted, score, top)
    said = done.warnings + (score.warnings if score else ())
    curve = fitted_curve(done, human)
    return Entry(agreement, curve, time.perf_counter() - started, None, done.intervals(), said, done), score


def _subject(
    subject: Subject, human: Curve, paradigm: Paradigm[Any], top: dict[str, float | None], seed: int
) -> tuple[Entry, Elpd | None]:
    started = time.perf_counter()
    predicted = comparisons.predict_rows(subject, human, paradigm, seed=seed)
    known = np.isfinite(predicted)
    linked = comparisons.link(human, predicted, seed=seed) if known.all() else None
    score = elpd(linked) if linked else None
    agreement = comparisons.agreement(subject.name, subject.kind, human, predicted, score, top)
    rows = {name: values for name, values in human.rows.columns.items() if name != "correct"}
    made = Trials(rows | {"y": predicted, "sd": 0.0 * predicted}).where(known)
    curve = Curve(human.measure, subject.name, made, Source(kind=subject.kind))
    parameters = linked.intervals() if linked else Trials({})
    pooled = _pooled(curve) if known.any() else curve
    said = score.warnings if score else ()
    if not known.all():
        missing = f"{len(known) - known.sum()} of {len(known)}"
        said += (f"No prediction of {missing} rows: the design that repeats this table has no such test.",)
    return Entry(agreement, pooled, time.perf_counter() - started, None, parameters, said), score


def _rank(entry: Entry) -> float:
    score = entry.agreement.elpd_per_test
    return float("inf") if score is None else -score


def line_up(
    paradigm: Paradigm[Any],
    human: Curve,
    *,
    models: Sequence[Equation] = (),
    subjects: Sequence[Subject] = (),
    method: Method | None = None,
    seed: int = 1,
    report: Report = silent,
) -> LineUp:
    """Return people, fitted equations and other subjects on the same human rows, best ELPD first after people.

    `weight` is the stacking weight among all scored subjects (Yao et al., 2018).
    """
    how, total = method or Method(), len(models) + len(subjects) + 1
    how = replace(how, pooled=how.pooled or comparisons.one_delay_each(human))
    top = comparisons.ceiling(human, seed=seed)
    made: list[tuple[Entry, Elpd | None]] = []
    for model in models:
        report(1 + len(made), total)
        made.append(_equation(model, human, how, top, seed, part(report, 1 + len(made), 1, total)))
    for subject in subjects:
        report(1 + len(made), total)
        made.append(_subject(subject, human, paradigm, top, seed))
    scores = {entry.agreement.subject: score for entry, score in made if score is not None}
    stacked = weights(scores) if scores else {}
    entries = [replace(entry, weight=stacked.get(entry.agreement.subject)) for entry, _ in made]
    entries.sort(key=_rank)
    return LineUp(paradigm.name, human, (_people(human, top), *entries))
