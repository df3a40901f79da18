"""What networks do in the main job: few-shot memory, forgetting, rests between repetitions, and the equations' fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from cogmem.core import Curve, Design, measure
from cogmem.fitting.fits import Method
from cogmem.jobs import view_batch
from cogmem.jobs.view_batch import UPDATE, members, rested
from cogmem.lineups import LineUp, line_up
from cogmem.paradigms import forgetting_curve
from cogmem.store import Store
from cogmem.studies import Study, run_study
from cogmem.subjects.equation import Equation
from cogmem.subjects.network import Network
from cogmem.trials import Trials

FEW_SHOT_UPDATES: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200)
EXPOSURES: Final = (0, 1, 2, 3, 5, 8, 12)
REST_GAPS: Final = (0, 1, 2, 5, 10)
REST_UPDATES: Final = (5, 20, 50, 100)
REST_EXPOSURES: Final = 8
QUICK: Final = Method(effective_draws=400.0)


@dataclass(frozen=True, eq=False)
class NetworkCurves:
    """What one kind of network did: counts by exposures and updates, for recall and recognition, and after rests.

    `views` is recall under the schedules of `view_batch`, its `spacing_gap` being the rest after V exposures at once.
    Rows are participants (members) x conditions; `recall` and `recognition` keep the unstudied items (repetitions 0),
    whose score is the baseline that memory is measured from.
    """

    name: str
    recall: Curve
    recognition: Curve
    rest: Curve
    views: Curve
    line_ups: Mapping[str, LineUp]


def seconds(updates: Sequence[int]) -> tuple[float, ...]:
    """Return numbers of updates as seconds of a design."""
    return tuple(UPDATE * count for count in updates)


def few_shot_design(test_type: str, *, population: int, seed: int) -> Design:
    """Return the design after Orhan (2023): strings met 0 to 12 times, probed over 200 updates."""
    return forgetting_curve.design(
        seed=seed, n_participants=population, n_items=64, repetitions=EXPOSURES, test_type=test_type, cumulative=True,
        # Rounds of study follow one another at once: a second is less than half an update.
        spacing_gaps=(1.0,), retention_intervals=seconds(FEW_SHOT_UPDATES),
        n_elements=8 if test_type == "recall" else 1,
    )  # fmt: skip


def rest_design(*, population: int, seed: int) -> Design:
    """Return the design of rests: the same number of exposures at different recall intervals (View-Batch, 2025)."""
    return forgetting_curve.design(
        seed=seed, n_participants=population, n_items=12, repetitions=(REST_EXPOSURES,), n_elements=8,
        spacing_gaps=seconds(REST_GAPS), retention_intervals=seconds(REST_UPDATES),
    )  # fmt: skip


def above_baseline(curve: Curve, repetitions: int) -> Curve:
    """Return the rows of items met `repetitions` times, with the unstudied score of the same delay as `guess`.

    The baseline is measured, not assumed: a string with one word changed is less likely in itself, and a greedy
    completion is right now and then without any memory.
    """
    rows, kept = curve.rows, {}
    studied = rows.where(rows["repetitions"] == repetitions)
    unstudied = rows.where(rows["repetitions"] == 0)
    for key, chosen in unstudied.groups(["retention_interval"]):
        part = unstudied.where(chosen)
        kept[key["retention_interval"]] = part["correct"].sum() / part["n"].sum()
    guess = np.array([kept[delay] for delay in studied["retention_interval"]])
    # The exposures take no time and are one study; a delay of no update at all is learning, not forgetting.
    columns = {name: values for name, values in studied.columns.items() if name not in ("repetitions", "spacing_gap")}
    rows = Trials(columns | {"guess": guess})
    return replace(curve, rows=rows.where(rows["retention_interval"] > 0))


def studies(network: Network, human: Curve, *, seed: int) -> tuple[Study, Study]:
    """Return what a network is put through: its own experiments (recall, recognition, rests) and people's design."""
    of_its_own = replace(network, seconds_per_update=UPDATE)
    designs = [few_shot_design(kind, population=network.population, seed=seed) for kind in ("recall", "recognition")]
    designs.append(rest_design(population=network.population, seed=seed))
    people = forgetting_curve.design_from(_like(human), seed=seed)
    return (
        Study(f"forgetting of {network.name}", tuple(designs), (of_its_own,), (seed,)),
        Study(f"{network.name} on people's design", (people,), (network,), (seed,)),
    )


def _like(human: Curve) -> Any:
    assert forgetting_curve.like is not None
    return forgetting_curve.like(human)


def network_curves(
    network: Network, human: Curve, models: Sequence[Equation], *, seed: int, store: Store
) -> NetworkCurves:
    """Return the curves of one kind of network, and the same equations fitted to them as to people.

    Its answers to people's design go to the store as well.
    """
    own, on_human = studies(network, human, seed=seed)
    run_study(on_human, store=store)
    records = [*run_study(own, store=store).records]
    records += run_study(view_batch.study(network, seed=seed), store=store).records
    retention = forgetting_curve.measure("retention")
    curves = [replace(measure(retention, record), subject=network.name) for record in records]
    recall, recognition, rest, views = curves
    line_ups = {}
    for kind, curve in (("recall", recall), ("recognition", recognition)):
        data = above_baseline(curve, EXPOSURES[-1])
        named = replace(data, subject=f"{network.name} {kind}")
        # Words of one string stand or fall together: counts vary more than a binomial allows.
        how = replace(QUICK, likelihood="beta_binomial")
        line_ups[kind] = line_up(forgetting_curve, named, models=models, method=how, seed=seed)
    return NetworkCurves(network.name, recall, recognition, rest, views, line_ups)


def exposures(curve: Curve) -> list[dict[str, Any]]:
    """Return the pooled score right after study by exposures: repetitions, correct, n, y."""
    start = replace(curve, rows=curve.rows.where(curve.rows["retention_interval"] == 0))
    pooled = start.pool("repetitions").rows
    return [{name: float(pooled[name][k]) for name in ("repetitions", "y", "n", "sd")} for k in range(len(pooled))]


def rest_rows(curves: NetworkCurves) -> list[dict[str, Any]]:
    """Return recall by the rest between exposures: a row a gap (updates), a column a delay, mean and SE of members."""
    found = members(curves.rest, "spacing_gap", "retention_interval")
    updates = np.rint(found["spacing_gap"] / UPDATE).astype(int), np.rint(found["retention_interval"] / UPDATE)
    return _crossed([{"gap (updates)": int(gap)} for gap in updates[0]], updates[1], found)


def view_rows(curves: NetworkCurves) -> list[dict[str, Any]]:
    """Return recall by V exposures at once: a row a V, a column a delay, mean and SE of members."""
    found = rested(curves.views)
    pairs = zip(found["views"], found["recall_interval"], strict=True)
    names = [{"at once": int(views), "recall interval (updates)": int(interval)} for views, interval in pairs]
    return _crossed(names, found["retention_interval"], found)


def _crossed(names: Sequence[dict[str, Any]], delays: Iterable[Any], found: Trials) -> list[dict[str, Any]]:
    """Return a row for each different one of `names`, with a column `after DELAY` of mean ± SE for each delay."""
    rows: list[dict[str, Any]] = []
    for k, (name, delay) in enumerate(zip(names, delays, strict=True)):
        if k == 0 or name != names[k - 1]:
            rows.append({**name})
        rows[-1][f"after {delay:.0f}"] = f"{found['y'][k]:.3f} ± {found['se'][k]:.3f}"
    return rows


def network_document(curves: NetworkCurves) -> dict[str, Any]:
    """Return what the JSON of the job holds for a kind of network; what does not exist is null."""
    pooled = curves.rest.pool("retention_interval", "spacing_gap").rows
    rest, views = ("retention_interval", "spacing_gap", "y", "n", "sd"), rested(curves.views)
    return {
        "name": curves.name,
        "exposures": {"recall": exposures(curves.recall), "recognition": exposures(curves.recognition)},
        "rest": _points(pooled, rest),
        "view_batch": {"exposures": view_batch.EXPOSURES, "points": _points(views, tuple(views))},
        "fits": {kind: fitted.as_dict() for kind, fitted in curves.line_ups.items()},
    }


def _points(rows: Trials, names: Sequence[str]) -> list[dict[str, float | None]]:
    plain = [{name: float(rows[name][k]) for name in names} for k in range(len(rows))]
    return [{name: value if np.isfinite(value) else None for name, value in point.items()} for point in plain]
