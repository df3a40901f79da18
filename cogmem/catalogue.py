"""Names to things: what is built in, and what other packages add through the entry point group `cogmem`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final, Protocol

from cogmem import human_data
from cogmem.core import Curve, Paradigm, Subject
from cogmem.errors import UserError
from cogmem.human_data.registry import DATASETS, Dataset
from cogmem.models import MODELS, NETWORKS, STEP_MODELS
from cogmem.models.interference import INTERFERENCE_MODELS
from cogmem.models.pairs import PAIR_MODELS
from cogmem.models.sequences import SEQUENCE_MODELS
from cogmem.models.sparsey import sparsey
from cogmem.models.sparsey_hierarchy import IMAGE, two_levels
from cogmem.models.superposed import RIVALS
from cogmem.names import nearest
from cogmem.paradigms import PARADIGMS
from cogmem.subjects.equation import Equation
from cogmem.subjects.interference import InterferenceModel
from cogmem.subjects.pairs import PairModel
from cogmem.subjects.sequence_reader import SequenceReader
from cogmem.subjects.stepwise import StepModel
from cogmem.subjects.stores import STORES
from cogmem.subjects.superposed import Memory, Superposed
from cogmem.subjects.updating_network import NETWORKS as UPDATING
from cogmem.subjects.updating_network import population

GROUP: Final = "cogmem"
BUILT_IN: Final = "cogmem itself"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


@dataclass(frozen=True)
class Extras:
    """What another package adds: an entry point of the group `cogmem` gives one of these."""

    paradigms: tuple[Paradigm[Any], ...] = ()
    models: tuple[Equation, ...] = ()
    step_models: tuple[StepModel | InterferenceModel | PairModel, ...] = ()
    networks: tuple[Subject, ...] = ()
    datasets: tuple[Dataset, ...] = ()


@cache
def extras() -> tuple[tuple[str, Extras], ...]:
    """Return (origin, Extras) of every installed package that adds to the catalogue."""
    found = []
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        value = point.load()
        if not isinstance(value, Extras):
            raise UserError(f"The entry point {point.name!r} ({point.value}) gives {type(value).__name__}, not Extras.")
        found.append((f"the entry point {point.name!r} ({point.value})", value))
    return tuple(found)


def collect(kind: str, built_in: Iterable[_Named], added: Iterable[tuple[str, Iterable[_Named]]]) -> dict[str, Any]:
    """Return things by name; UserError names both origins of a name that two of them use."""
    origin: dict[str, str] = {}
    things: dict[str, Any] = {}
    for where, values in ((BUILT_IN, built_in), *added):
        for value in values:
            if value.name in things:
                raise UserError(
                    f"The {kind} name {value.name!r} is given by {origin[value.name]} and by {where}; rename one."
                )
            origin[value.name], things[value.name] = where, value
    return things


@cache
def paradigms() -> Mapping[str, Paradigm[Any]]:
    """Return every paradigm by name."""
    return collect("paradigm", PARADIGMS, [(where, extra.paradigms) for where, extra in extras()])


@cache
def models() -> Mapping[str, Equation]:
    """Return every fittable model by name."""
    return collect("model", MODELS, [(where, extra.models) for where, extra in extras()])


@cache
def step_models() -> Mapping[str, StepModel | InterferenceModel | PairModel]:
    """Return every model that takes experiments row by row, by name."""
    built_in: tuple[StepModel | InterferenceModel | PairModel, ...] = (*STEP_MODELS, *INTERFERENCE_MODELS, *PAIR_MODELS)
    return collect("step model", built_in, [(where, extra.step_models) for where, extra in extras()])


@cache
def networks() -> Mapping[str, Subject]:
    """Return every network participant by name."""
    memories: tuple[Memory, ...] = (sparsey, two_levels(IMAGE), *RIVALS)
    built_in: tuple[Subject, ...] = (
        *NETWORKS, *(population(name) for name in UPDATING), *STORES, *(Superposed(memory) for memory in memories),
        *(SequenceReader(model) for model in SEQUENCE_MODELS),
    )  # fmt: skip
    return collect("network", built_in, [(where, extra.networks) for where, extra in extras()])


@cache
def datasets() -> Mapping[str, Dataset]:
    """Return every data set by name."""
    return collect("data set", DATASETS.values(), [(where, extra.datasets) for where, extra in extras()])


def load(name: str, *, table: str | None = None) -> Curve:
    """Return a table of people's data as a curve (None: the data set's default table), of any package's data sets.

    Rows have x, y, n and sd beside the grouping and design columns, s throughout (see `human_data.load`).
    """
    return human_data.load(named("data set", name, datasets()), table=table)


def named(kind: str, name: str, things: Mapping[str, Any]) -> Any:
    """Return the thing of that name; UserError names the nearest match."""
    if name not in things:
        raise UserError(f"There is no {kind} {name!r}; {nearest(name, things)}")
    return things[name]
