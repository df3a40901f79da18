"""Sparsey: a coding field that gives every item a sparse distributed code, like those of like items, in a single trial.

Rinkus & Leveille (2017), Superposed episodic and semantic memory via sparse distributed representation; the algorithm
is that of Rinkus (2010, 2014), see `kernels.sparsey`. A field alone takes items, and sequences by its own last code;
`models.sparsey_hierarchy` has fields on grids.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.kernels.sparsey import Codes, Field, Frames, Rule, empty, frames_of, learn, recognise
from cogmem.models.superposed_parts import winners as largest
from cogmem.subjects.superposed import Read, Saturated, checked

Array = NDArray[np.float64]
Bits = NDArray[np.uint8]

SATURATED: Final = 0.5
"""Share of set weights from which on a field is called saturated: there freezing starts in Rinkus's critical periods,
and half of the features of every unit are by chance."""


@dataclass(frozen=True, eq=False)
class Held:
    """A field after learning, the codes that the items got, and how many features an item had on average."""

    field: Field
    codes: Codes
    active: float


@dataclass(frozen=True)
class Sparsey:
    """A Memory (see `subjects.superposed`): one coding field of `modules` winner-take-all modules of `cells` cells.

    Items that are sequences are learned with the H signal, from each frame's code to the next frame.
    """

    modules: int = 24
    cells: int = 16
    rule: Rule = field(default_factory=Rule)
    name: str = "sparsey"
    version: int = 1
    backend: str = "auto"

    def __post_init__(self) -> None:
        if self.modules < 1 or self.cells < 1:
            raise UserError(f"A field has modules and cells, 1 or more; got {self.modules} and {self.cells}.")

    def store(self, items: Bits, *, seed: int) -> Held:
        """Return the field after every item (n, features) or sequence (n, frames, features) was shown once."""
        given = checked(self.name, items)
        born = empty(self.modules, self.cells, given.shape[-1], recurrent=given.ndim == 3, fades=bool(self.rule.fading))
        made, codes = learn(born, _frames(given), rule=self.rule, seed=seed, backend=self.backend)
        if made.density > SATURATED:
            warnings.warn(
                f"{self.name} is saturated: {made.density:.0%} of its weights are set. It goes on, but codes collide; "
                "take more cells or features, fewer items, or a saturation below 1 in its rule.",
                Saturated,
                stacklevel=2,
            )
        return Held(made, codes, float(given.sum(axis=-1).mean()))

    def read(self, held: Held, probes: Bits, *, seed: int) -> Read:
        """Return G, the features that a probe's code sends back, and the code: (n, frames x modules x cells) ones.

        G of a sequence is the mean over its frames. The features are as many as items have, those that most modules of
        the code have weights from (a feature's weights are as good backwards); of equals the first.
        """
        given = checked(self.name, probes, held.field.weights[0].shape[1])
        found = recognise(held.field, _frames(given), rule=self.rule, seed=seed, backend=self.backend)
        n = len(given)
        g = found.familiarity[0].reshape(n, -1).mean(axis=1)
        code = one_hot(found.winners[0], self.cells).reshape(n, -1)
        back = sent_back(held.field, found.winners[0], round(held.active)).reshape(given.shape)
        return Read(g, back, code)


def _frames(items: Bits) -> Frames:
    if items.ndim == 2:
        return frames_of(items)
    starts = np.zeros(items.shape[:2], dtype=bool)
    starts[:, 0] = True
    return frames_of(items.reshape(-1, items.shape[-1]), starts=starts.ravel(), recurrent=True)


def one_hot(winners: NDArray[np.int32], cells: int) -> Bits:
    """Return codes (frames, modules) as ones among all cells: (frames, modules x cells); none where none won."""
    return np.asarray(winners[:, :, None] == np.arange(cells), dtype=np.uint8).reshape(len(winners), -1)


def sent_back(held: Field, codes: NDArray[np.int32], active: int) -> Bits:
    """Return for each code (frames, modules) the `active` features that most of its winners have weights from."""
    weights = np.ascontiguousarray(held.weights[0][0].T) > 0
    first = np.arange(held.modules) * held.cells
    support = np.array([weights[first + code].sum(axis=0) for code in np.maximum(codes, 0)])
    return largest(support, active) * (codes[:, :1] >= 0).astype(np.uint8)


def faded(permanence: int, convexity: float) -> Rule:
    """Return a rule whose weights fade: w = (1 + c / P) / (1 + c / (P - age)) for ages below P frames, then 0.

    The form of the sparseypy package, of which P = 5 and c = 0.5 were shown at the first level.
    """
    if permanence < 1 or convexity <= 0:
        raise UserError(f"Fading needs a permanence of 1 frame or more and a convexity above 0; got {permanence}, "
                        f"{convexity}.")  # fmt: skip
    age = np.arange(permanence)
    left = (1.0 + convexity / permanence) / (1.0 + convexity / (permanence - age))
    return Rule(fading=((*left.tolist(), 0.0),), plateaus=(0,))


def permanent(scale: float = 1.0) -> Rule:
    """Return Rinkus's table: weights of three levels of stiffness, which lose strength at ages x `scale` frames.

    Level 0 is whole to age 2000, 120/127 to 3000, 50/127 to 4000, then gone; level 1 has the same at 4000, 6000 and
    8000; level 2 stays. What is used again on the first plateau becomes stiffer.
    """
    ends = [[max(1, round(scale * age)) for age in ages] for ages in ((2000, 3000, 4000), (4000, 6000, 8000))]
    rows = []
    for first, second, third in ends:
        row = np.zeros(ends[1][2] + 1)
        row[:third], row[:second], row[:first] = 50 / 127, 120 / 127, 1.0
        rows.append(tuple(row.tolist()))
    return Rule(fading=(*rows, (1.0,) * len(rows[0])), plateaus=(ends[0][0], ends[1][0], 0))


def with_rule(memory: Sparsey, **changes: Any) -> Sparsey:
    """Return the memory with another rule: names of `Rule` and their values."""
    return replace(memory, rule=replace(memory.rule, **changes))


sparsey: Final = Sparsey()
