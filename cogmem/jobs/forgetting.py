"""The main job of the forgetting curve: people, fitted equations and trained networks in one experiment."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Kind
from cogmem.errors import UserError
from cogmem.human_data.loading import load
from cogmem.jobs.network_forgetting import QUICK, NetworkCurves, network_curves, network_document, studies
from cogmem.lineups import LineUp, line_up
from cogmem.models import MODELS, NETWORKS, act_r, multiscale_context, pavlik_anderson
from cogmem.paradigms import forgetting_curve
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.studies import Study, run_study
from cogmem.subjects.equation import Equation
from cogmem.subjects.network import Network
from cogmem.workers import side_by_side

SPACING_MODELS: Final = (act_r, pavlik_anderson, multiscale_context)


@dataclass(frozen=True, eq=False)
class ForgettingResults:
    """Everything the job computed; `seconds` is how long it took here, stored networks not counted again."""

    people: LineUp
    spacing: LineUp
    networks: tuple[NetworkCurves, ...]
    seed: int
    seconds: float


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
    pool = side_by_side(min(workers, len(networks)))
    futures = [pool.submit(network_curves, network, human, models, seed=seed, store=store) for network in networks]
    pool.shutdown(wait=False)
    return [future.result for future in futures]


def _people(human: Curve | None) -> Curve:
    """Return people's table, Murre & Dros (2015) by default; UserError where it has no delays."""
    table = load("murre_dros_2015") if human is None else human
    if "retention_interval" not in table.rows:
        raise UserError(
            f"{table.subject} has no retention intervals (its columns: {', '.join(table.rows)}), but a forgetting "
            "curve needs them; compare with another data set (cogmem data list)."
        )
    return table


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
    human = _people(human)
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
        best, *others = [entry.agreement for entry in fitted_entries]
        second = others[0] if others else None
        b = exponent(result)
        rows.append(
            {"participants": name, "wins": best.subject, "ELPD/test": best.elpd_per_test,
             "± SE": best.elpd_se, "second": second and second.subject,
             "second's ELPD/test": second and second.elpd_per_test, "power exponent": b and b[0],
             "90 % from": b and b[1], "to": b and b[2]}
        )  # fmt: skip
    return rows


def document(results: ForgettingResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare forgetting_curve`."""
    whole = results.people.as_dict()
    whole["winners"] = winners(results)
    whole["spacing"] = results.spacing.as_dict()
    whole["networks"] = [network_document(each) for each in results.networks]
    return whole | {"seed": results.seed, "seconds": results.seconds}
