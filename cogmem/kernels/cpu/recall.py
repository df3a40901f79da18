"""Counts of free recall in numba: list by list, each thread into tables of its own, which are added up."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange
from numpy.typing import NDArray

from cogmem.kernels.recall import Counts, Shape, empty_tables

PARTS: Final = 16
MOST_CELLS: Final = 1 << 24
"""Cells of all parts' tables together: with many groups there are fewer parts."""


@njit
def faulty(answers: Any, lag: Any, list_length: Any) -> Any:
    """Return whether a list breaks the rules of the input."""
    ended = False
    for k in range(len(answers)):
        ended = ended or answers[k] == 0
        if answers[k] > list_length or (ended and answers[k] != 0):
            return True
        if len(lag) and (lag[k] < 0 or (lag[k] > 0 and answers[k] >= 0)):
            return True
    return False


@njit
def _outputs(answers: Any, lag: Any, said: Any, intrusions: Any, prior_list: Any) -> Any:
    """Count answers and intrusions by output position; return the number of answers."""
    for k in range(len(answers)):
        if answers[k] == 0:
            return k
        said[k] += 1
        intrusions[k] += answers[k] < 0
        if len(lag) and 0 < lag[k] <= len(prior_list):
            prior_list[lag[k] - 1] += 1
    return len(answers)


@njit
def _items(answers: Any, left: Any, nth_actual: Any, nth_possible: Any, lag_actual: Any, lag_possible: Any) -> None:
    """Count the nth recalls and the transitions of one list; `left` is room for what was not recalled yet."""
    length = len(left)
    left[:] = 1
    done, last = 0, np.int64(0)
    for k in range(len(answers)):
        now: Any = np.int64(answers[k])
        if now < 1 or not left[now - 1]:
            last = np.int64(0)
            continue
        nth_actual[done, now - 1] += 1
        for item in range(length):
            nth_possible[done, item] += left[item]
        if last:
            lag_actual[now - last + length - 1] += 1
            for item in range(length):
                lag_possible[item - last + length] += left[item]
        left[now - 1] = 0
        done += 1
        last = now


@njit(parallel=True, nogil=True)
def _counted(
    recalls: Any, lag: Any, group: Any, lists: Any, nth_actual: Any, nth_possible: Any, lag_actual: Any,
    lag_possible: Any, said: Any, intrusions: Any, prior_list: Any, bad: Any,
) -> None:  # fmt: skip
    n, parts, length = len(recalls), len(bad), nth_actual.shape[2]
    for part in prange(parts):
        left = np.ones(length, np.int64)
        for i in range(part * n // parts, (part + 1) * n // parts):
            if faulty(recalls[i], lag[i], length):
                bad[part] = i
                break
            own = group[i]
            lists[part, own] += 1
            many = _outputs(recalls[i], lag[i], said[part, own], intrusions[part, own], prior_list[part, own])
            _items(
                recalls[i, :many], left, nth_actual[part, own], nth_possible[part, own], lag_actual[part, own],
                lag_possible[part, own],
            )  # fmt: skip


def counted(
    recalls: NDArray[Any], lag: NDArray[Any], group: NDArray[np.int64], shape: Shape
) -> tuple[int, tuple[Counts, ...]]:
    """Return (the first faulty list, or -1, tables)."""
    cells = sum(table.size for table in empty_tables(shape))
    parts = max(1, min(PARTS, MOST_CELLS // cells))
    tables = [np.zeros((parts, *table.shape), np.int64) for table in empty_tables(shape)]
    bad = np.full(parts, -1, np.int64)
    _counted(recalls, lag, group, *tables, bad)
    wrong = bad[bad >= 0]
    return int(wrong[0]) if len(wrong) else -1, tuple(table.sum(axis=0) for table in tables)
