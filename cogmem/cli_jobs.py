"""What `cogmem compare` does for each paradigm: compute, print, draw, and the same as a document for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cogmem import catalogue, printing
from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.figures import forgetting as forgetting_figures
from cogmem.figures import reproduction as reproduction_figures
from cogmem.figures.figure import Drawing
from cogmem.jobs import forgetting, reproduction
from cogmem.progress import Report
from cogmem.store import Store


@dataclass(frozen=True)
class Job:
    """The comparison of one paradigm; `compute` takes people (None: its own), names of models, whether networks too."""

    compute: Callable[[Curve | Record | None, Sequence[str], bool, int, Store, int, Report], Any]
    document: Callable[[Any], dict[str, Any]]
    show: Callable[[Any], None]
    draw: Callable[[Any], Drawing]


def _forgetting(
    human: Curve | Record | None,
    names: Sequence[str],
    networks: bool,
    seed: int,
    store: Store,
    workers: int,
    report: Report,
) -> forgetting.ForgettingResults:
    if isinstance(human, Record):
        raise UserError(f"{human.subject} holds chains of reproductions; compare serial_reproduction takes them.")
    models = [catalogue.named("model", name, catalogue.models()) for name in names]
    return forgetting.compute(
        human, models=models or None, networks=networks, seed=seed, store=store, workers=workers, report=report
    )


def _reproduction(
    human: Curve | Record | None,
    names: Sequence[str],
    networks: bool,
    seed: int,
    store: Store,
    workers: int,
    report: Report,
) -> reproduction.ReproductionResults:
    return reproduction.compute(
        human, models=names or None, networks=networks, seed=seed, store=store, workers=workers, report=report
    )


COMPARABLE: Final[Mapping[str, Job]] = {
    "forgetting_curve": Job(_forgetting, forgetting.document, printing.forgetting, forgetting_figures.draw),
    "serial_reproduction": Job(_reproduction, reproduction.document, printing.reproduction, reproduction_figures.draw),
}
