"""Shares of answers by a column of the tests, counts beside the ratio: what most measures of recall are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.trials import Trials

Flags = NDArray[np.bool_]


def shares(tests: Trials, chosen: Flags, of: Flags, x: str) -> Trials:
    """Return the share of `chosen` among `of` by participant and x, with counts."""
    names = ["participant", x] if "participant" in tests else [x]
    rows: dict[str, list[float | str]] = {}
    for key, members in tests.groups(names):
        n = int(of[members].sum())
        if not n:
            continue
        correct = int((chosen & of)[members].sum())
        y = correct / n
        row = key | {"x": float(key[x]), "y": y, "n": float(n), "sd": float(np.sqrt(y * (1 - y))), "correct": correct}
        for name, value in row.items():
            rows.setdefault(name, []).append(value)
    if not rows:
        raise UserError("No test of this record is of the kind that the measure reads.")
    return Trials({name: np.asarray(values) for name, values in rows.items()})
