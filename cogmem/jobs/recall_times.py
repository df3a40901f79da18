"""Times to recall sequences that come again: what models of chunking say of them, trial by trial (Wu et al., 2025).

The keys that each person saw are not in the file. So every model reads sequences made by the rule of the design, of
LEARNERS simulated people in each group, and what predicts the time of trial k in a group is the mean of its nats there.
Everybody then has a line of the logarithm of time on that, fitted together and scored trial by trial (PSIS).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind, Source
from cogmem.errors import UserError
from cogmem.fitting.times import TimeFit, fit_times
from cogmem.human_data.loading import load
from cogmem.jobs.outcomes import Outcome
from cogmem.models.sequences import BY_NAME
from cogmem.paradigms import chunking
from cogmem.paradigms.chunking_measures import BLOCK
from cogmem.paradigms.chunkings import GROUPS
from cogmem.subjects.chunking import Readings, SequenceModel
from cogmem.subjects.sequence_reader import streams_of
from cogmem.trials import Trials, concatenate, from_rows

Array = NDArray[np.float64]

DATA: Final = "wu_2025_recall"
PHASES: Final = ("training", "transfer")
LEARNERS: Final = 100
"""Simulated people in each group, of every model."""
LONGEST: Final = 20.0
"""Recall that took longer is left out of rank correlations, as in the published analysis (s)."""
MODELS: Final = BY_NAME
TIMES: Final = "recall_time"
"""Curve of the mean of ln s: x is the trial, 1 to 64 of the group trained with one sequence, 65 to 128 of the other."""
BLOCKS: Final = "recall_time_by_block"
"""The same in s (geometric means), by group: x is the block of eight."""
NATS: Final = "nats_by_block"
OTHERS: Final = "people"
PRACTICE: Final = "practice"
NOTHING: Final = "own_mean"
BASES: Final = (PRACTICE, NOTHING)


@dataclass(frozen=True, eq=False)
class Times:
    """Everybody's times: `seconds` (people, trials), the first `n_training` of them training; `group` (people,)."""

    name: str
    people: tuple[str, ...]
    group: NDArray[np.str_]
    seconds: Array
    n_training: int
    source: Source

    @property
    def n_trials(self) -> int:
        """How many sequences everybody recalled."""
        return int(self.seconds.shape[1])

    def of_group(self, name: str) -> NDArray[np.bool_]:
        """Return who is of a group: (people,)."""
        return np.asarray(self.group == name)

    def phase(self) -> NDArray[np.str_]:
        """Return the phase of each trial: (trials,)."""
        return np.where(np.arange(self.n_trials) < self.n_training, *PHASES)

    def mean_and_se(self, logs: Array) -> tuple[float, float]:
        """Return the mean of people's logs (people,) an answer, and its standard error over people."""
        n = len(logs) * self.n_trials
        return float(logs.sum() / n), float(np.sqrt(((logs - logs.mean()) ** 2).sum()) / n)


def recorded() -> Curve:
    """Return the times of Wu et al., training and transfer in one table."""
    parts = [load(DATA, table=phase) for phase in PHASES]
    rows = [part.rows.with_columns({"learning_phase": np.full(len(part.rows), phase)})
            for part, phase in zip(parts, PHASES, strict=True)]  # fmt: skip
    return Curve("accuracy", DATA, concatenate(rows), parts[0].source)


def times_of(human: Curve) -> Times:
    """Return the times of a table with participant, condition, learning_phase, trial and seconds; UserError if not.

    Conditions are "fixed" and "variable", phases "training" and "transfer"; everybody has the same trials.
    """
    rows, needed = human.rows, ("participant", "condition", "learning_phase", "trial", "seconds")
    columns = rows if "trial" in rows or "x" not in rows else rows.with_columns({"trial": rows["x"]})
    if not set(needed) <= set(columns):
        raise UserError(
            f"Times of recall need the columns {', '.join(needed)}; {human.subject} has {', '.join(rows)}. Take {DATA}."
        )
    groups, phases = set(columns["condition"].tolist()), set(columns["learning_phase"].tolist())
    if not groups <= set(GROUPS) or not phases <= set(PHASES):
        raise UserError(
            f"condition is one of {', '.join(GROUPS)} and learning_phase one of {', '.join(PHASES)}; got "
            f"{', '.join(sorted(map(str, groups | phases)))}."
        )
    names = list(dict.fromkeys(columns["participant"].tolist()))
    found, group, lengths = [], [], set()
    for name in names:
        own = columns.where(columns["participant"] == name)
        order = np.lexsort((own["trial"], own["learning_phase"] == PHASES[1]))
        found.append(np.asarray(own["seconds"], dtype=np.float64)[order])
        trials = set(zip(own["learning_phase"].tolist(), own["trial"].tolist(), strict=True))
        if len(set(own["condition"].tolist())) > 1 or len(trials) < len(own):
            raise UserError(f"Everybody is of one condition and has each trial of a phase once; {name} is not so.")
        group.append(str(own["condition"][0]))
        lengths.add((len(own), int((own["learning_phase"] == PHASES[0]).sum())))
    if len(lengths) > 1:
        raise UserError(f"Everybody needs as many trials as everybody else; got {sorted(lengths)} (all, training).")
    seconds = np.array(found)
    if not (np.isfinite(seconds) & (seconds > 0)).all():
        raise UserError("Every time of recall is a number of seconds above 0; leave out who has others.")
    return Times(human.subject, tuple(map(str, names)), np.array(group), seconds, lengths.pop()[1], human.source)


# ---- what models say -------------------------------------------------------------------------------------------------


def readings(model: SequenceModel, times: Times, *, learners: int, seed: int) -> dict[str, Readings]:
    """Return what simulated people of each group make of sequences of the design; UserError if the model reads none."""
    if model.read is None:
        raise UserError(f"{model.name} reads no sequences one after another.")
    found = {}
    for group in GROUPS:
        design = chunking.design(
            seed=seed, test="reading", groups=(group,), n_participants=learners, n_training=times.n_training,
            n_transfer=times.n_trials - times.n_training,
        )  # fmt: skip
        found[group] = model.read(streams_of(design)[0], seed, False)
    return found


def of_groups(times: Times, values: Mapping[str, Array]) -> Array:
    """Return a value for each person's trials, (people, trials), from one for each of their group's."""
    return np.stack([values[str(group)] for group in times.group])


def left_out_means(times: Times) -> Array:
    """Return the mean of ln s of the others of one's group on each trial: (people, trials)."""
    logs, found = np.log(times.seconds), np.zeros_like(times.seconds)
    for group in GROUPS:
        own = times.of_group(group)
        if own.sum() == 1:
            raise UserError(f"One person alone is of the group {group}: nobody else can tell their times.")
        found[own] = (logs[own].sum(axis=0) - logs[own]) / max(own.sum() - 1, 1)
    return found


def model_outcome(times: Times, model: SequenceModel, learners: int, seed: int) -> Outcome:
    """Return what comes of a model: density of people's times, left out, and predicted times by trial and block."""
    made = readings(model, times, learners=learners, seed=seed)
    mean = {group: each.nats.mean(axis=0) for group, each in made.items()}
    outcome = _outcome(times, model.name, model.kind, of_groups(times, mean), seed)
    curves = {**outcome.curves, NATS: _nats_by_block(times, model, made)}
    return Outcome(model.name, model.kind, outcome.scores, curves, outcome.parameters)


def base_outcome(times: Times, name: str, seed: int) -> Outcome:
    """Return what comes of no model of sequences: others of the group, practice (ln of the trial), one's own mean."""
    if name == OTHERS:
        x = left_out_means(times)
    elif name == PRACTICE:
        x = np.tile(np.log(np.arange(1.0, times.n_trials + 1)), (len(times.people), 1))
    else:
        x = np.zeros_like(times.seconds)
    return _outcome(times, name, "human" if name == OTHERS else "equation", x, seed)


def _outcome(times: Times, name: str, kind: Kind, x: Array, seed: int) -> Outcome:
    done: TimeFit = fit_times(x, times.seconds, seed=seed)
    source = Source(who=name, kind=kind)
    told = {f"{key}_{phase}": how(times, x, phase) for phase in PHASES
            for key, how in (("r2", r_squared), ("rho", rho), ("own_rho", own_rho))}  # fmt: skip
    told |= {f"x_transfer_{group}": _mean(times, x, group) for group in GROUPS}
    table = done.parameters
    table = table.with_columns({key: np.full(len(table), value) for key, value in told.items()})
    predicted = {TIMES: by_trial(times, name, done.predicted, source),
                 BLOCKS: by_block(times, name, done.predicted, source)}  # fmt: skip
    return Outcome(name, kind, done.loo.sum(axis=1), predicted, table)


def _mean(times: Times, x: Array, group: str) -> float:
    """Return the mean of a predictor in a group's transfer; NaN where there is none."""
    own = x[times.of_group(group)][:, times.n_training :]
    return float(own.mean()) if own.size else float("nan")


# ---- how well means and ranks go together ----------------------------------------------------------------------------


def _points(times: Times, values: Array, phase: str, *, short: bool = False) -> Array:
    """Return means by group and trial of a phase; of times up to LONGEST alone, if `short`: (groups x trials,)."""
    chosen = times.phase() == phase
    found = []
    for group in GROUPS:
        own = times.of_group(group)
        if own.any():
            kept = ~(short & (times.seconds[own][:, chosen] > LONGEST))
            kept |= ~kept.any(axis=0)  # where all took longer, all of them
            found.append((values[own][:, chosen] * kept).sum(axis=0) / kept.sum(axis=0))
    return np.concatenate(found)


def _ranked(one: Array, other: Array) -> float:
    """Return Spearman's rank correlation."""
    from scipy.stats import spearmanr

    return float(spearmanr(one, other).statistic)


def r_squared(times: Times, x: Array, phase: str) -> float:
    """Return R2 of the mean time by trial and group on what predicts it, NEGATIVE where the slope is.

    A mean of seconds, as published; NaN where the predictor is the same everywhere.
    """
    one, other = _points(times, x, phase), _points(times, times.seconds, phase)
    if len(one) < 3 or np.ptp(one) < 1e-12:
        return float("nan")
    r = float(np.corrcoef(one, other)[0, 1])
    return r * abs(r)


def rho(times: Times, x: Array, phase: str) -> float:
    """Return Spearman's rank correlation of the same points, of times up to 20 s; NaN as in `r_squared`."""
    one, other = _points(times, x, phase), _points(times, times.seconds, phase, short=True)
    return _ranked(one, other) if len(one) > 2 and np.ptp(one) > 1e-12 else float("nan")


def own_rho(times: Times, x: Array, phase: str) -> float:
    """Return the mean over people of the rank correlation of one's own times with what predicts them."""
    chosen = times.phase() == phase
    if chosen.sum() < 3 or min(np.ptp(each[chosen]) for each in x) < 1e-12:
        return float("nan")
    found = [_ranked(each[chosen], own[chosen]) for each, own in zip(x, times.seconds, strict=True)]
    return float(np.mean(found))


# ---- curves ----------------------------------------------------------------------------------------------------------


def by_trial(times: Times, name: str, logs: Array, source: Source) -> Curve:
    """Return ln s by trial and group (see `TIMES`), a row a person and trial."""
    people, n = logs.shape
    first = np.where(times.group == GROUPS[1], n, 0)
    rows = {"x": (first[:, None] + np.arange(1.0, n + 1)).ravel(), "y": logs.ravel(), "n": np.ones(people * n),
            "sd": np.zeros(people * n), "participant": np.repeat(np.array(times.people), n)}  # fmt: skip
    return Curve(TIMES, name, Trials(rows), source)


def by_block(times: Times, name: str, logs: Array, source: Source) -> Curve:
    """Return geometric means in s by group and block of eight, with sd over people of their own means (in ln s)."""
    rows = []
    for group in GROUPS:
        own = logs[times.of_group(group)]
        for start in range(0, times.n_trials if len(own) else 0, BLOCK):
            each = own[:, start : start + BLOCK].mean(axis=1)
            rows.append({"condition": group, "x": start // BLOCK + 1.0, "y": float(np.exp(each.mean())),
                         "n": float(len(each)), "sd": float(np.exp(each.mean()) * each.std())})  # fmt: skip
    return Curve(BLOCKS, name, from_rows(rows), source)


def people_by_trial(times: Times) -> Curve:
    """Return people's own ln s by trial."""
    return by_trial(times, times.name, np.log(times.seconds), times.source)


def people_by_block(times: Times) -> Curve:
    """Return people's own geometric means by block."""
    return by_block(times, times.name, np.log(times.seconds), times.source)


def _nats_by_block(times: Times, model: SequenceModel, made: Mapping[str, Readings]) -> Curve:
    rows = []
    for group, each in made.items():
        for start in range(0, times.n_trials, BLOCK):
            nats, units = (values[:, start : start + BLOCK].mean(axis=1) for values in (each.nats, each.units))
            rows.append({"condition": group, "x": start // BLOCK + 1.0, "y": float(nats.mean()), "n": float(len(nats)),
                         "sd": float(nats.std()), "units": float(units.mean())})  # fmt: skip
    return Curve(NATS, model.name, from_rows(rows), Source(who=model.name, kind=model.kind))
