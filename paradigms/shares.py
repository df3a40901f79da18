"""Shares and means of answers by a column of the tests: what most measures of recall are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.trials import Trials

Flags = NDArray[np.bool_]


def shares(tests: Trials, chosen: Flags, of: Flags, x: str) -> Trials:
    """Return the share of `chosen` among `of` by participant and x, with counts."""

    def share(rows: Flags) -> dict[str, float]:
        n, correct = len(rows), int(rows.sum())
        y = correct / n
        return {"y": y, "n": float(n), "sd": float(np.sqrt(y * (1 - y))), "correct": correct}

    return _by(tests, chosen, of, x, share)


def means(tests: Trials, values: NDArray[np.float64], of: Flags, x: str) -> Trials:
    """Return the mean of `values` among `of` by participant and x, with n and sd."""

    def mean(rows: NDArray[np.float64]) -> dict[str, float]:
        return {"y": float(rows.mean()), "n": float(len(rows)), "sd": float(rows.std())}

    return _by(tests, values, of, x, mean)


def _by(
    tests: Trials, values: NDArray[Any], of: Flags, x: str, told: Callable[[NDArray[Any]], dict[str, float]]
) -> Trials:
    """Return what is told of the values among `of`, by participant and x; UserError where there are none."""
    names = ["participant", x] if "participant" in tests else [x]
    rows: dict[str, list[float | str]] = {}
    for key, members in tests.groups(names):
        own = values[members][of[members]]
        if len(own):
            for name, value in (key | {"x": float(key[x])} | told(own)).items():
                rows.setdefault(name, []).append(value)
    if not rows:
        raise UserError("No test of this record is of the kind that the measure reads.")
    return Trials({name: np.asarray(values) for name, values in rows.items()})
