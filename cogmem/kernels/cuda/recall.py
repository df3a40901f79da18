"""Counts of free recall on the GPU: one thread a list; whole numbers added atomically, so their order is no matter."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import cuda, int64
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.recall import Counts, Shape, empty_tables

_ONE: Final = np.int64(1)


@cuda.jit(device=True)
def _faulty(answers: Any, lag: Any, length: Any) -> Any:
    ended = False
    for k in range(answers.shape[0]):
        ended = ended or answers[k] == 0
        if answers[k] > length or (ended and answers[k] != 0):
            return True
        if lag.shape[0] > 0 and (lag[k] < 0 or (lag[k] > 0 and answers[k] >= 0)):
            return True
    return False


@cuda.jit(device=True)
def _left(answers: Any, k: Any, item: Any) -> Any:
    """Return whether an item (from 1) was not recalled before answer k."""
    times = 0
    for before in range(k):
        times += 1 if answers[before] == item else 0
    return times == 0


@cuda.jit
def _lists(
    recalls: Any, lag: Any, group: Any, lists: Any, said: Any, intrusions: Any, prior_list: Any, bad: Any
) -> None:
    i = cuda.grid(1)
    if i >= recalls.shape[0]:
        return
    if _faulty(recalls[i], lag[i], bad[1]):
        cuda.atomic.min(bad, 0, i)
        return
    own = group[i]
    cuda.atomic.add(lists, own, _ONE)
    for k in range(recalls.shape[1]):
        if recalls[i, k] != 0:
            cuda.atomic.add(said, (own, int64(k)), _ONE)
        if recalls[i, k] < 0:
            cuda.atomic.add(intrusions, (own, int64(k)), _ONE)
        if lag.shape[1] > 0 and 0 < lag[i, k] <= prior_list.shape[1]:
            cuda.atomic.add(prior_list, (own, int64(lag[i, k] - 1)), _ONE)


@cuda.jit
def _transitions(
    recalls: Any, group: Any, nth_actual: Any, nth_possible: Any, lag_actual: Any, lag_possible: Any
) -> None:
    """Count nth recalls and transitions: a thread a list and item, which asks at each answer if it was possible."""
    place = cuda.grid(1)
    length = nth_actual.shape[1]
    if place >= recalls.shape[0] * length:
        return
    i, item = place // length, place % length + 1
    answers, own, done, last = recalls[i], group[i], int64(0), int64(0)
    for k in range(answers.shape[0]):
        now = int64(answers[k])
        if now < 1 or not _left(answers, k, now):
            last = int64(0)
            continue
        if _left(answers, k, item):
            cuda.atomic.add(nth_possible, (own, done, item - 1), _ONE)
            if last > 0:
                cuda.atomic.add(lag_possible, (own, item - last + length - 1), _ONE)
        if now == item:
            cuda.atomic.add(nth_actual, (own, done, item - 1), _ONE)
            if last > 0:
                cuda.atomic.add(lag_actual, (own, item - last + length - 1), _ONE)
        done += 1
        last = now


def counted(
    recalls: NDArray[Any], lag: NDArray[Any], group: NDArray[np.int64], shape: Shape
) -> tuple[int, tuple[Counts, ...]]:
    """Return (the first faulty list, or -1, tables)."""
    n = len(recalls)
    if not recalls.size:
        tables = empty_tables(shape)
        tables[0][:] = np.bincount(group, minlength=shape[0])
        return -1, tables
    answers, lags, own = (cuda.to_device(each) for each in (recalls, lag, group))
    lists, nth_actual, nth_possible, lag_actual, lag_possible, said, intrusions, prior_list = (
        cuda.to_device(table) for table in empty_tables(shape)
    )
    bad = cuda.to_device(np.array([n, shape[1]], np.int64))
    _lists[blocks_for(n), THREADS](answers, lags, own, lists, said, intrusions, prior_list, bad)
    wrong = int(bad.copy_to_host()[0])
    if wrong < n:
        return wrong, empty_tables(shape)
    items = n * shape[1]
    _transitions[blocks_for(items), THREADS](answers, own, nth_actual, nth_possible, lag_actual, lag_possible)
    made = (lists, nth_actual, nth_possible, lag_actual, lag_possible, said, intrusions, prior_list)
    return -1, tuple(np.asarray(table.copy_to_host()) for table in made)
