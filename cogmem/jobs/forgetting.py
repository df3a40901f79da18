"""The main job of the forgetting curve: people, fitted equations and trained networks in one experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Kind, measure
from cogmem.fitting.fits import Method
from cogmem.human_data.loading import load
from cogmem.lineups import LineUp, line_up
from cogmem.models import MODELS, NETWORKS, act_r, multiscale_context, pavlik_anderson
from cogmem.paradigms import forgetting_curve
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.studies import Study, run_study
from cogmem.subjects.equation import Equation
from cogmem.subjects.network import Network
from cogmem.trials import Trials

# A network's interval is a number of updates; on paper one update is one minute, so that equations which carry a unit
# of time read the same numbers that the axis shows.
UPDATE: Final = 60.0
FEW_SHOT_UPDATES: Final = (0, 1, 2, 5, 10, 20, 50, 100, 200)
EXPOSURES: Final = (0, 1, 2, 3, 5, 8, 12)
REST_GAPS: Final = (0, 1, 2, 5, 10)
REST_UPDATES: Final = (5, 20, 50, 100)
REST_EXPOSURES: Final = 8
QUICK: Final = Method(effective_draws=400.0)
SPACING_MODELS: Final = (act_r, pavlik_anderson, multiscale_context)


@dataclass(frozen=True, eq=False)
class NetworkCurves:
    """What one kind of network did: counts by exposures and updates, for recall and recognition, and after rests.

    Rows are participants (members) x conditions; `recall` and `recognition` keep the unstudied items (repetitions 0),
    whose score is the baseline that memory is measured from.
    """

    name: str
    recall: Curve
    recognition: Curve
    rest: Curve
    line_ups: Mapping[str, LineUp]


@dataclass(frozen=True, eq=False)
class ForgettingResults:
    """Everything the job computed; `seconds` is how long it took here, stored networks not counted again."""

    people: LineUp
    spacing: LineUp
    networks: tuple[NetworkCurves, ...]
    seed: int
    seconds: float


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


def play(
    networks: Sequence[Network],
    human: Curve,
    models: Sequence[Equation],
    *,
    seed: int,
    store: Store,
    workers: int,
) -> list[Callable[[], NetworkCurves]]:
    """Return a call for each network that waits for its curves; with two workers or more they are computed meanwhile.

    Records that the store has are not computed again, and no result depends on the number of workers.
    """
    if workers < 2 or len(networks) < 2:
        return [partial(network_curves, network, human, models, seed=seed, store=store) for network in networks]
    # A fresh interpreter a worker: forking a process in which torch has run threads can hang.
    pool = ProcessPoolExecutor(min(workers, len(networks)), mp_context=get_context("spawn"))
    futures = [pool.submit(network_curves, network, human, models, seed=seed, store=store) for network in networks]
    pool.shutdown(wait=False)
    return [future.result for future in futures]


def network_curves(
    network: Network, human: Curve, models: Sequence[Equation], *, seed: int, store: Store
) -> NetworkCurves:
    """Return the curves of one kind of network, and the same equations fitted to them as to people.

    Its answers to people's design go to the store as well.
    """
    own, on_human = studies(network, human, seed=seed)
    run_study(on_human, store=store)
    records = run_study(own, store=store).records
    retention = forgetting_curve.measure("retention")
    curves = [replace(measure(retention, record), subject=network.name) for record in records]
    line_ups = {}
    for kind, curve in (("recall", curves[0]), ("recognition", curves[1])):
        data = above_baseline(curve, EXPOSURES[-1])
        named = replace(data, subject=f"{network.name} {kind}")
        # Words of one string stand or fall together: counts vary more than a binomial allows.
        how = replace(QUICK, likelihood="beta_binomial")
        line_ups[kind] = line_up(forgetting_curve, named, models=models, method=how, seed=seed)
    recall, recognition, rest = curves
    return NetworkCurves(network.name, recall, recognition, rest, line_ups)


def compute(
    human: Curve | None = None,
    *,
    models: Sequence[Equation] | None = None,
    networks: bool = True,
    seed: int = 1,
    store: Store,
    workers: int = 2,
    report: Report = silent,
) -> ForgettingResults:
    """Return the whole comparison; `human` is the data set people are taken from (None: Murre & Dros, 2015).

    Networks are trained in `workers` processes; the result does not depend on how many.
    """
    started = time.perf_counter()
    human = load("murre_dros_2015") if human is None else human
    chosen = tuple(models or MODELS)
    trained = tuple(NETWORKS) if networks else ()
    parts = 2 + len(trained)
    report(0, parts)
    waiting = play(trained, human, chosen, seed=seed, store=store, workers=workers)
    surface = line_up(forgetting_curve, load("cepeda_2008"), models=SPACING_MODELS, method=QUICK, seed=seed)
    curves = []
    for done, wait in enumerate(waiting, 1):
        report(done, parts)
        curves.append(wait())
    report(len(trained) + 1, parts)
    stored = [Stored(studies(network, human, seed=seed)[1], store) for network in trained]
    people = line_up(forgetting_curve, human, models=chosen, subjects=stored, method=QUICK, seed=seed)
    return ForgettingResults(people, surface, tuple(curves), seed, time.perf_counter() - started)


@dataclass(frozen=True, eq=False)
class Stored:
    """A subject whose answers to the one design of a study are in the store."""

    study: Study
    store: Store

    @property
    def name(self) -> str:
        return self.study.subjects[0].name

    @property
    def kind(self) -> Kind:
        return self.study.subjects[0].kind

    @property
    def needs(self) -> frozenset[str]:
        return self.study.subjects[0].needs

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        """Return the stored answers; `design` needs to be that of the study."""
        return run_study(self.study, store=self.store).records[0].answers


def exponent(result: LineUp) -> tuple[float, float, float] | None:
    """Return the power law's exponent, averaged over participants: (mean, 5 %, 95 %); None without a power fit."""
    found = [entry.fit for entry in result.entries if entry.agreement.subject == "power" and entry.fit]
    if not found:
        return None
    b = found[0].posterior["b"].mean(axis=-1).ravel()
    return float(b.mean()), float(np.quantile(b, 0.05)), float(np.quantile(b, 0.95))


def winners(results: ForgettingResults) -> list[dict[str, Any]]:
    """Return for people and for each network which equation wins by ELPD, and the power law's exponent."""
    rows = []
    for name, result in [(f"people ({results.people.human.subject})", results.people)] + [
        (f"{each.name} {kind}", fitted) for each in results.networks for kind, fitted in each.line_ups.items()
    ]:
        fitted_entries = [entry for entry in result.entries if entry.agreement.kind == "equation"]
        if not fitted_entries:
            continue
        best, second = fitted_entries[0], fitted_entries[min(1, len(fitted_entries) - 1)]
        b = exponent(result)
        rows.append(
            {"participants": name, "wins": best.agreement.subject, "ELPD/test": best.agreement.elpd_per_test,
             "± SE": best.agreement.elpd_se, "second": second.agreement.subject,
             "second's ELPD/test": second.agreement.elpd_per_test, "power exponent": b and b[0],
             "90 % from": b and b[1], "to": b and b[2]}
        )  # fmt: skip
    return rows


def exposures(curve: Curve) -> list[dict[str, Any]]:
    """Return the pooled score right after study by exposures: repetitions, correct, n, y."""
    start = replace(curve, rows=curve.rows.where(curve.rows["retention_interval"] == 0))
    pooled = start.pool("repetitions").rows
    return [{name: float(pooled[name][k]) for name in ("repetitions", "y", "n", "sd")} for k in range(len(pooled))]


def rest_rows(curves: NetworkCurves) -> list[dict[str, Any]]:
    """Return recall by the rest between exposures: a row a gap (updates), a column a delay, mean and SE of members."""
    pooled = curves.rest.pool("retention_interval", "spacing_gap").rows
    rows = []
    for gap in np.unique(pooled["spacing_gap"]):
        row: dict[str, Any] = {"gap (updates)": int(gap / UPDATE)}
        for delay in np.unique(pooled["retention_interval"]):
            of = (curves.rest.rows["spacing_gap"] == gap) & (curves.rest.rows["retention_interval"] == delay)
            members = curves.rest.rows["y"][of]
            error = members.std(ddof=1) / np.sqrt(len(members)) if len(members) > 1 else np.nan
            row[f"after {delay / UPDATE:.0f}"] = f"{members.mean():.3f} ± {error:.3f}"
        rows.append(row)
    return rows


def document(results: ForgettingResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare forgetting_curve`."""
    whole = results.people.as_dict()
    whole["winners"] = winners(results)
    whole["spacing"] = results.spacing.as_dict()
    whole["networks"] = [
        {
            "name": each.name,
            "exposures": {"recall": exposures(each.recall), "recognition": exposures(each.recognition)},
            "rest": _points(
                each.rest.pool("retention_interval", "spacing_gap"),
                ("retention_interval", "spacing_gap", "y", "n", "sd"),
            ),
            "fits": {kind: fitted.as_dict() for kind, fitted in each.line_ups.items()},
        }
        for each in results.networks
    ]
    return whole | {"seed": results.seed, "seconds": results.seconds}


def _points(curve: Curve, names: Sequence[str]) -> list[dict[str, float]]:
    return [{name: float(curve.rows[name][k]) for name in names} for k in range(len(curve.rows))]
