"""From chances to choices, and what subjects that read vectors share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design
from cogmem.errors import UserError
from cogmem.subjects.streams import Stream

Array = NDArray[np.float64]


def drawn(chances: Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """Return one option of each row of chances (rows, options), which need not sum to 1: (rows,)."""
    edges = chances.cumsum(axis=1)
    # Scaled by the last edge, which rounding may leave below 1; an option without a chance has no width.
    return np.asarray((edges <= rng.random(len(edges))[:, None] * edges[:, -1:]).sum(axis=1))


def answered(chances: Array, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the item drawn in each row of a forecast (rows, items + 1), -1 where it is the last, no answer."""
    chosen = drawn(chances, rng)
    return np.where(chosen == chances.shape[1] - 1, -1, chosen).astype(np.int64)


def vectors_of(design: Design) -> Array | None:
    """Return the items where they are vectors, (items, dimension); None where they are words."""
    items = np.asarray(design.items)
    return items if items.ndim == 2 and items.dtype.kind == "f" else None


def unit(x: Array) -> Array:
    """Return vectors (..., d) of length 1; one of zeros stays."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-300))


def recognitions(design: Design) -> NDArray[np.bool_]:
    """Return which tests show a pair and ask whether it was studied: (tests,)."""
    return np.asarray(design.tests.get("test_type", "recall") == "recognition")


def refuse_recognition(design: Design, name: str) -> None:
    """Raise UserError where tests show a pair: whoever recalls values cannot say whether a pair was studied."""
    if recognitions(design).any():
        raise UserError(
            f'{name} recalls values and cannot say whether a pair was studied; make the design with tests="recall".'
        )


def refuse_strange_keys(design: Design, stream: Stream) -> None:
    """Raise UserError where a test of the stream asks for a key that none of its study rows has."""
    tests, studies = design.tests, design.studies
    strange = ~np.isin(tests["cue"][stream.tests], studies["cue"][stream.studies])
    if strange.any():
        row = stream.tests[strange][0]
        raise UserError(
            f"Test {row + 1} of the design, in list {tests['list'][row]}, asks for a key (item {tests['cue'][row]}) "
            "that was not studied before it; add the pair or leave the test out."
        )
