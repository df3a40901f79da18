"""The nouns (Design, Record, Curve, Agreement, ...) and the three verbs that need nothing else: run, chain, measure."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, Literal, Protocol, TypeVar, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from cogmem.columns import require
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.trials import Trials, concatenate, frozen_array

Kind = Literal["human", "equation", "step", "bayesian", "network", "language_model"]
SettingsT = TypeVar("SettingsT")


@dataclass(frozen=True)
class Source:
    """Provenance: where something comes from and how it was made. Never part of an address."""

    who: str = ""
    kind: Kind = "human"
    citation: str = ""
    licence: str = ""
    sha256: str = ""
    backend: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0


@dataclass(frozen=True, eq=False)
class Design:
    """All that is fixed before anyone answers.

    `trials` holds study and test rows in the order of time; `items` is the stimulus pool `(n_items, ...)`, of which
    the columns `item`, `cue` and `target` name rows. The tests are the rows whose `phase` is "test".
    """

    paradigm: str
    version: int
    settings: Mapping[str, Any]
    seed: int
    trials: Trials
    items: NDArray[Any]

    def __post_init__(self) -> None:
        if "phase" not in self.trials:
            raise UserError(f"The design of {self.paradigm!r} has no column 'phase'; mark each row study or test.")
        object.__setattr__(self, "settings", MappingProxyType(dict(self.settings)))
        object.__setattr__(self, "items", frozen_array(self.items))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Design, (self.paradigm, self.version, dict(self.settings), self.seed, self.trials, self.items))

    @cached_property
    def tests(self) -> Trials:
        """The test rows, in order; answers have one row for each."""
        return self.trials.where(self.trials["phase"] == "test")

    @cached_property
    def studies(self) -> Trials:
        """The study rows, in order."""
        return self.trials.where(self.trials["phase"] == "study")


@dataclass(frozen=True, eq=False)
class Record:
    """A design with its answers; people's and simulated records are the same type.

    `answers` has one row per test row, in order: an option index (for recall 1 = recalled, 0 = not), a count to
    criterion, a vector for a reproduction; -1 stands for no answer. `seconds` are response times, or None.
    """

    design: Design
    subject: str
    answers: NDArray[Any]
    seconds: NDArray[np.float64] | None = None
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        answers = frozen_array(self.answers)
        if answers.shape[:1] != (len(self.design.tests),):
            raise UserError(
                f"{self.subject} gave answers of shape {answers.shape}; the design of {self.design.paradigm!r} has "
                f"{len(self.design.tests)} tests and needs one row of answers for each."
            )
        object.__setattr__(self, "answers", answers)
        if self.seconds is not None:
            object.__setattr__(self, "seconds", frozen_array(self.seconds))

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each answer was right: the option that `target` names, or option 1 where the tests have no target."""
        tests = self.design.tests
        return np.asarray(self.answers == tests.get("target", 1))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Record, (self.design, self.subject, self.answers, self.seconds, self.source))


@dataclass(frozen=True, eq=False)
class Curve:
    """A measure over an axis: `rows` holds x, y, n, sd and grouping columns; counts stay beside the ratio.

    `sd` is the standard deviation of one observation (divisor n), so the standard error is sd / sqrt(n). A published
    mean whose n is unknown has n = 1 and its standard error as sd (NaN where that is unknown too). Curves of counts
    also carry `correct`, and then y = correct / n exactly.
    """

    measure: str
    subject: str
    rows: Trials
    source: Source = field(default_factory=Source)

    def __post_init__(self) -> None:
        missing = [name for name in ("x", "y", "n", "sd") if name not in self.rows]
        if missing:
            raise UserError(f"A curve needs the columns x, y, n and sd; {', '.join(missing)} missing.")

    @property
    def se(self) -> NDArray[np.float64]:
        """Standard error of each y, NaN where nothing tells it."""
        return np.asarray(self.rows["sd"] / np.sqrt(self.rows["n"]), dtype=np.float64)

    @property
    def participants(self) -> NDArray[Any]:
        """The distinct participants, in order of first appearance; one called "all" where the table names none."""
        names = self.rows.get("participant", "all")
        return names[np.sort(np.unique(names, return_index=True)[1])]

    def pool(self, *by: str) -> Curve:
        """Return the curve pooled exactly over all other groups: one row for each x and each value of `by`.

        y is the mean of all observations, n their number, sd their standard deviation (within and between rows).
        """
        rows: dict[str, list[Any]] = {}
        varying = [name for name in by if name != "x"]
        constant = [name for name in self.rows if name not in ("x", "y", "n", "sd", "correct", "participant", *varying)]
        for key, chosen in sorted(self.rows.groups([*varying, "x"]), key=lambda group: tuple(group[0].values())):
            part = self.rows.where(chosen)
            n, y = part["n"].sum(), (part["n"] * part["y"]).sum() / part["n"].sum()
            squares = (part["n"] * (np.nan_to_num(part["sd"]) ** 2 + (part["y"] - y) ** 2)).sum()
            sd = np.sqrt(squares / n) if np.isfinite(part["sd"]).any() or len(part) > 1 else np.nan
            key |= {"y": y, "n": n, "sd": sd} | ({"correct": part["correct"].sum()} if "correct" in part else {})
            # A column that does not vary within any pooled row (retention_interval beside x) is kept; others go.
            key |= {name: part[name][0] if (part[name] == part[name][0]).all() else None for name in constant}
            for name, value in key.items():
                rows.setdefault(name, []).append(value)
        kept = {name: values for name, values in rows.items() if not any(value is None for value in values)}
        return replace(self, rows=Trials({name: np.asarray(values) for name, values in kept.items()}))


@dataclass(frozen=True)
class Agreement:
    """How well a subject agrees with people; a field that does not exist for it is None, never approximated.

    `rmse` and `r` compare the subject's predictions with people's points; `elpd_per_test` is the expected log
    predictive density of a human test in nats, `elpd_se` its standard error; `n` counts the tests. `ceiling` is the
    r, `ceiling_rmse` the rmse and `ceiling_elpd` (with `ceiling_se`) the density that the other people reach when they
    predict each person.
    """

    subject: str
    kind: Kind
    n: float
    rmse: float | None = None
    r: float | None = None
    elpd_per_test: float | None = None
    elpd_se: float | None = None
    ceiling: float | None = None
    ceiling_rmse: float | None = None
    ceiling_elpd: float | None = None
    ceiling_se: float | None = None


@runtime_checkable
class Subject(Protocol):
    """Anything that can take an experiment: a person's record, an equation, a network, a language model."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def needs(self) -> frozenset[str]:
        """Columns the design's tests must have; run() checks before it asks."""
        ...

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return one row of answers for each test of `design`, in order."""
        ...


@runtime_checkable
class Forecaster(Subject, Protocol):
    """A subject that can also say how likely each option was; any forecaster can be scored on human answers."""

    def forecast(self, design: Design) -> NDArray[np.float64]:
        """Return the probability of each option of each test: (n_tests, n_options), rows sum to 1."""
        ...


@runtime_checkable
class Timed(Subject, Protocol):
    """A subject that also says how long its answers take."""

    def seconds(self, design: Design, answers: NDArray[Any]) -> NDArray[np.float64] | None:
        """Return the response time of each answer, NaN where there is none: (n_tests,); None if it cannot say."""
        ...


@dataclass(frozen=True)
class Measure:
    """What is read off a record: `compute` returns rows with x, y, n, sd and grouping columns."""

    name: str
    x_label: str
    y_label: str
    compute: Callable[[Record], Trials]
    reference: str = ""


@dataclass(frozen=True)
class Paradigm(Generic[SettingsT]):
    """An experiment, defined once: `build` lays out trials and items, `measures` read records.

    `follow` turns a record into the next generation's trials and items (None: not a chain); `like` gives the settings
    that repeat the experiment behind a human curve, so that machines can take it (None: not possible).
    """

    name: str
    version: int
    reference: str
    settings: type[SettingsT]
    build: Callable[[SettingsT, np.random.Generator], tuple[Trials, NDArray[Any]]]
    measures: tuple[Measure, ...]
    follow: Callable[[Record], tuple[Trials, NDArray[Any]]] | None = None
    like: Callable[[Curve], SettingsT] | None = None

    def design(self, *, seed: int, **settings: Any) -> Design:
        """Return the design for these settings (defaults for the others); the same seed gives the same design."""
        known = [each.name for each in fields(self.settings)]  # type: ignore[arg-type]
        for name in settings:
            if name not in known:
                raise UserError(f"{self.name} has no setting {name!r}; {nearest(name, known)}")
        return self.design_from(self.settings(**settings), seed=seed)

    def design_from(self, settings: SettingsT, *, seed: int) -> Design:
        """Return the design for a settings object."""
        trials, items = self.build(settings, np.random.default_rng(seed))
        return Design(self.name, self.version, asdict(settings), seed, trials, items)  # type: ignore[call-overload]

    def measure(self, name: str) -> Measure:
        """Return the measure called `name`; UserError names the nearest match."""
        for each in self.measures:
            if each.name == name:
                return each
        raise UserError(f"{self.name} has no measure {name!r}; {nearest(name, [each.name for each in self.measures])}")


def run(design: Design, subject: Subject, *, seed: int) -> Record:
    """Return the record of `subject` taking `design`; the same seed gives the same answers."""
    require(design.tests, subject.needs, who=f"The subject {subject.name!r}")
    started = time.perf_counter()
    answers = subject.answer(design, np.random.default_rng(seed))
    taken = subject.seconds(design, answers) if isinstance(subject, Timed) else None
    source = Source(who=subject.name, kind=subject.kind, seconds=time.perf_counter() - started)
    return Record(design, subject.name, answers, taken, source)


def chain(
    paradigm: Paradigm[Any], subjects: Sequence[Subject], design: Design, *, generations: int, seed: int
) -> tuple[Record, ...]:
    """Return one record per generation: each generation's answers become the next one's items.

    Generation g is answered by `subjects[g % len(subjects)]`, so one subject is a within-person chain.
    """
    if paradigm.follow is None:
        raise UserError(f"{paradigm.name} cannot be chained: its answers do not become the next generation's items.")
    if not subjects or generations < 1:
        raise UserError(f"A chain needs at least one subject and one generation; got {len(subjects)}, {generations}.")
    records: list[Record] = []
    for generation, child in enumerate(np.random.SeedSequence(seed).spawn(generations)):
        records.append(run(design, subjects[generation % len(subjects)], seed=int(child.generate_state(1)[0])))
        trials, items = paradigm.follow(records[-1])
        design = replace(design, trials=trials, items=items)
    return tuple(records)


def measure(measure: Measure, records: Record | Sequence[Record]) -> Curve:
    """Return the curve of `measure` over the rows of all `records`, which need to be of one subject."""
    each = (records,) if isinstance(records, Record) else tuple(records)
    names = {record.subject for record in each}
    if len(names) != 1:
        raise UserError(f"measure() takes the records of one subject; got {sorted(names) or 'none'}.")
    rows = concatenate([measure.compute(record) for record in each])
    return Curve(measure.name, each[0].subject, rows, each[0].source)
