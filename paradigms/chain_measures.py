"""What is read off serial reproduction, by generation; the root is generation 0."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Measure, Record
from cogmem.divergences import js
from cogmem.errors import UserError
from cogmem.patterns import dispersion, nearest_neighbour
from cogmem.spaces import space_of
from cogmem.trials import Trials

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Reproductions:
    """What was to be reproduced, the roots and the reproductions, a row each; `given` marks the rows that have one."""

    tests: Trials
    stimuli: Array
    roots: Array
    answers: Array
    given: NDArray[np.bool_]

    @property
    def generation(self) -> NDArray[np.int64]:
        """The generation of each row, from 1."""
        return self.tests["generation"]


def read(record: Record) -> Reproductions:
    """Return the reproductions of a record, of one generation or of whole chains.

    UserError where reproductions and stimuli have different shapes, or a chain lacks or repeats a generation.
    """
    tests, items = record.design.tests, record.design.items
    stimuli, answers = items[tests["target"]], np.asarray(record.answers, dtype=np.float64)
    if answers.shape != stimuli.shape:
        raise UserError(
            f"{record.subject} gave reproductions of shape {answers.shape}; the stimuli have shape {stimuli.shape}."
        )
    if np.ptp(tests["generation"]) > 0:
        in_order(tests["chain"], tests["generation"], where=record.subject)
    given = np.asarray(np.isfinite(answers.reshape(len(answers), -1)).all(axis=1))
    if not given.any():
        raise UserError(f"{record.subject} reproduced nothing; a measure needs at least one reproduction.")
    return Reproductions(tests, stimuli, items[tests["root"]], answers, given)


def in_order(chains: Iterable[Any], generations: Iterable[Any], *, where: str) -> None:
    """Check that each chain has the generations 1, 2, 3, ... once each and in order; UserError names what has not."""
    seen: dict[Any, int] = {}
    for chain, generation in zip(chains, generations, strict=True):
        expected = seen.get(chain, 0) + 1
        if generation != expected:
            what = "comes twice" if 1 <= generation < expected else "is missing or out of order"
            which = generation if 1 <= generation < expected else expected
            raise UserError(
                f"Chain {chain} of {where}: generation {which} {what} (found {generation} where {expected} follows); "
                "each chain needs the generations 1, 2, 3, ... once each, in that order."
            )
        seen[chain] = expected


def _rows(made: Reproductions, y: Array, roots: Array | None = None) -> Trials:
    """Return a row for each reproduction; with `roots` (a value for each row) also one for each root, at x = 0."""
    names = ("participant", "chain", "generation")
    parts = [{name: made.tests[name][made.given] for name in names} | {"y": y}]
    first = made.generation == 1
    if roots is not None and first.any():
        start = {name: made.tests[name][first] for name in names} | {"y": roots[first]}
        parts.insert(0, start | {"generation": np.zeros(int(first.sum()), dtype=np.int64)})
    table = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    n = len(table["y"])
    return Trials({**table, "x": table["generation"].astype(float), "n": np.ones(n), "sd": np.zeros(n)})


def _of_stimulus(name: str, of: Callable[[Array], Array], *spaces: str) -> Callable[[Record], Trials]:
    def compute(record: Record) -> Trials:
        space = record.design.settings["space"]
        if space not in spaces:
            raise UserError(f"The measure {name} is of {' or '.join(spaces)}; these chains are of the space {space!r}.")
        made = read(record)
        return _rows(made, of(made.answers[made.given]), of(made.roots))

    return compute


def _error(record: Record) -> Trials:
    made = read(record)
    apart = space_of(record.design.settings).apart
    return _rows(made, apart(made.stimuli[made.given], made.answers[made.given]))


def _drift(record: Record) -> Trials:
    made = read(record)
    apart = space_of(record.design.settings).apart
    return _rows(made, apart(made.roots[made.given], made.answers[made.given]))


def _convergence(record: Record) -> Trials:
    """Return a row a generation: Jensen–Shannon divergence in bits of what was reproduced from what was to be."""
    made, space = read(record), space_of(record.design.settings)
    at = np.unique(made.generation)
    y = []
    for generation in at:
        rows = made.generation == generation
        after = space.clipped(made.answers[rows & made.given])
        y.append(js(space.histogram(made.stimuli[rows]), space.histogram(after)))
    ones = np.ones(len(at))
    return Trials({"generation": at, "x": at.astype(float), "y": np.array(y), "n": ones, "sd": 0 * ones})


X: Final = "Generation"
MEASURES: Final = (
    Measure("dispersion", X, "RMS distance to the centroid", _of_stimulus("dispersion", dispersion, "dots")),
    Measure(
        "nearest_neighbour", X, "Mean distance to the nearest dot",
        _of_stimulus("nearest_neighbour", nearest_neighbour, "dots"),
    ),
    Measure("value", X, "Reproduction", _of_stimulus("value", np.asarray, "line", "circle")),
    Measure("error", X, "Distance to what was to be reproduced", _error),
    Measure("drift", X, "Distance to the root", _drift),
    Measure("convergence", X, "Divergence from the generation before (bits)", _convergence, "Langlois et al. (2021)"),
)  # fmt: skip
