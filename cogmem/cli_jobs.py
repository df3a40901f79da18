"""What `cogmem compare` does for each paradigm: compute, print, draw, and the same as a document for machines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from cogmem import catalogue, printing
from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.figures import chunking as chunking_figures
from cogmem.figures import forgetting as forgetting_figures
from cogmem.figures import interference as interference_figures
from cogmem.figures import key_value as key_value_figures
from cogmem.figures import reproduction as reproduction_figures
from cogmem.figures import superposition as superposition_figures
from cogmem.figures.figure import Drawing
from cogmem.jobs import chunking, forgetting, interference, key_value, reproduction, superposition


@dataclass(frozen=True)
class Job:
    """The comparison of one paradigm; `compute` takes people (None: its own) and the choices of `compare` by name.

    `language_model` says whether a language model may take part.
    """

    compute: Callable[..., Any]
    document: Callable[[Any], dict[str, Any]]
    show: Callable[[Any], None]
    draw: Callable[[Any], Drawing]
    language_model: bool = False


def _forgetting(
    human: Curve | Record | None, *, models: Sequence[str] | None, **choices: Any
) -> forgetting.ForgettingResults:
    """Return the comparison of the forgetting curve, whose models are equations of the catalogue."""
    if isinstance(human, Record):
        raise UserError(f"{human.subject} holds chains of reproductions; compare serial_reproduction takes them.")
    equations = [catalogue.named("model", name, catalogue.models()) for name in models or ()]
    return forgetting.compute(human, models=equations or None, **choices)


COMPARABLE: Final[Mapping[str, Job]] = {
    "forgetting_curve": Job(_forgetting, forgetting.document, printing.forgetting, forgetting_figures.draw),
    "serial_reproduction": Job(
        reproduction.compute, reproduction.document, printing.reproduction, reproduction_figures.draw
    ),
    "proactive_interference": Job(
        interference.compute,
        interference.document,
        printing.interference,
        interference_figures.draw,
        language_model=True,
    ),
    "key_value": Job(key_value.compute, key_value.document, printing.key_value, key_value_figures.draw),
    "superposition": Job(
        superposition.compute, superposition.document, printing.superposition, superposition_figures.draw
    ),
    "chunking": Job(chunking.compute, chunking.document, printing.chunking, chunking_figures.draw, language_model=True),
}
