"""Free-recall analyses of whole experiments: who recalled what, when, and what else could have come.

Input is one row a list: the serial positions (1 to list_length) of what was recalled, in output order; a negative
number is an intrusion; 0 is padding and stands only at the end: between two answers it would leave open whether they
were neighbours, so that is an error. Every measure is counted, numerator and denominator; counts pool exactly.

Repeats and intrusions are treated as in psifr 0.10.1 (Morton, 2020); its `spc`, `pnr`, `lag_crp` give these counts.
- Serial position curve: an item is recalled if it occurs at all.
- Nth recall: only first recalls of list items count as outputs; repeats and intrusions are passed over. Possible at the
  nth recall is every item that was not recalled before it, in the lists that have an nth recall.
- Lag-CRP (Kahana, 1996): a transition is counted between two neighbouring answers that are both first recalls. A repeat
  or an intrusion therefore breaks two transitions, the one to it and the one from it, and the next first recall starts
  anew. Possible is every item not recalled so far.
- Intrusions: counted by output position among all answers, repeats included; prior-list intrusions by list lag.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import astuple, dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels.arguments import array, count
from cogmem.kernels.kernel import Kernel

Counts = NDArray[np.int64]
Shape = tuple[int, int, int, int]
PART: Final = 2**14
"""Lists that numpy's meaning takes at a time, so that what could have come next fits in the caches."""
MOST_CELLS: Final = 2**30


@dataclass(frozen=True, eq=False)
class Tally:
    """How often something happened and how often it could have, int64 arrays of one shape."""

    actual: Counts
    possible: Counts

    @property
    def prob(self) -> NDArray[np.float64]:
        """Return actual / possible, NaN where it was never possible."""
        nowhere = np.full(self.actual.shape, np.nan)
        np.divide(self.actual, self.possible, out=nowhere, where=self.possible > 0)
        return nowhere


@dataclass(frozen=True, eq=False)
class RecallCounts:
    """The counts of all analyses, int64, the group first; with list length L, lags are -(L - 1) to L - 1 in order.

    `lists` (groups,). `nth_actual`, `nth_possible` (groups, L, L): [group, n - 1, position - 1]. `lag_actual`,
    `lag_possible` (groups, 2 L - 1). `answers` (groups, n_outputs): lists with anything at each output position, and
    `intrusions` those with an intrusion there. `prior_list` (groups, max_lag): intrusions from 1, 2 ... lists back.
    """

    lists: Counts
    nth_actual: Counts
    nth_possible: Counts
    lag_actual: Counts
    lag_possible: Counts
    answers: Counts
    intrusions: Counts
    prior_list: Counts

    def __post_init__(self) -> None:
        for field in fields(self):
            values = np.array(getattr(self, field.name), dtype=np.int64)
            values.setflags(write=False)
            object.__setattr__(self, field.name, values)

    def __reduce__(self) -> tuple[Any, ...]:
        return RecallCounts, astuple(self)

    @property
    def serial_position(self) -> Tally:
        """Return lists in which each position was recalled, and lists: (groups, L)."""
        recalled = self.nth_actual.sum(axis=1)
        return Tally(recalled, np.broadcast_to(self.lists[:, None], recalled.shape))

    @property
    def nth_recall(self) -> Tally:
        """Return how often each position was the nth item recalled, and could have been: (groups, L, L), n first."""
        return Tally(self.nth_actual, self.nth_possible)

    @property
    def first_recall(self) -> Tally:
        """Return how often each position was the first item recalled, of the lists with any: (groups, L)."""
        return Tally(self.nth_actual[:, 0], self.nth_possible[:, 0])

    @property
    def lag_crp(self) -> Tally:
        """Return transitions of each lag, made and possible: (groups, 2 L - 1)."""
        return Tally(self.lag_actual, self.lag_possible)

    @property
    def intrusion_rate(self) -> Tally:
        """Return intrusions among the answers at each output position: (groups, n_outputs)."""
        return Tally(self.intrusions, self.answers)

    @property
    def prior_list_share(self) -> Tally:
        """Return prior-list intrusions of each list lag among all intrusions: (groups, max_lag)."""
        every = self.intrusions.sum(axis=1)[:, None]
        return Tally(self.prior_list, np.broadcast_to(every, self.prior_list.shape))


# --- The numpy meaning ----------------------------------------------------------------------------------------------


def _tally(into: Counts, *cell: Any) -> None:
    """Add 1 to each cell of a table, as often as it is named."""
    flat = np.ravel_multi_index(np.broadcast_arrays(*cell), into.shape)
    into += np.bincount(flat, minlength=into.size).reshape(into.shape)


def faulty(recalls: NDArray[Any], lag: NDArray[Any], list_length: int) -> NDArray[np.bool_]:
    """Return the lists that break the rules of the input, (n_lists,); `lag` has no columns where none was given."""
    padding = recalls == 0
    bad = (recalls > list_length).any(axis=1) | (padding[:, :-1] & ~padding[:, 1:]).any(axis=1)
    if lag.shape[1]:
        bad |= ((lag < 0) | ((lag > 0) & (recalls >= 0))).any(axis=1)
    return np.asarray(bad)


def _follow(
    made: list[Counts], recalls: NDArray[Any], lag: NDArray[Any], group: NDArray[np.int64], shape: Shape
) -> None:
    """Add some lists to the tables: all of them answer by answer, side by side."""
    _, nth_actual, nth_possible, lag_actual, lag_possible, answers, intrusions, prior_list = made
    length = shape[1]
    pool = np.ones((len(recalls), length), bool)  # what was not yet recalled
    done = np.zeros(len(recalls), np.int64)  # first recalls so far
    last = np.zeros(len(recalls), np.int64)  # the answer before, 0 unless it was a first recall
    for output, now in enumerate(recalls.T.astype(np.int64)):
        _tally(answers, group[now != 0], output)
        _tally(intrusions, group[now < 0], output)
        who = np.flatnonzero(now > 0)
        who = who[pool[who, now[who] - 1]]
        row, left = np.nonzero(pool[who])
        _tally(nth_actual, group[who], done[who], now[who] - 1)
        _tally(nth_possible, group[who][row], done[who][row], left)
        who = who[last[who] > 0]
        row, left = np.nonzero(pool[who])
        _tally(lag_actual, group[who], now[who] - last[who] + length - 1)
        _tally(lag_possible, group[who][row], left + 1 - last[who][row] + length - 1)
        first = (now > 0) & pool[np.arange(len(now)), np.maximum(now, 1) - 1]
        pool[first, now[first] - 1] = False
        done[first] += 1
        last = np.where(first, now, 0)
    row, where = np.nonzero((lag > 0) & (lag <= prior_list.shape[1]))
    _tally(prior_list, group[row], lag[row, where].astype(np.int64) - 1)


def empty_tables(shape: Shape) -> tuple[Counts, ...]:
    """Return tables of 0 in the order of RecallCounts; `shape` is (groups, list_length, n_outputs, max_lag)."""
    groups, length, outputs, most = shape
    square, lags = (groups, length, length), (groups, max(0, 2 * length - 1))
    sizes = ((groups,), square, square, lags, lags, (groups, outputs), (groups, outputs), (groups, most))
    return tuple(np.zeros(size, np.int64) for size in sizes)


def _counted(
    recalls: NDArray[Any], lag: NDArray[Any], group: NDArray[np.int64], shape: Shape
) -> tuple[int, tuple[Counts, ...]]:
    """Return (the first faulty list, or -1, tables); with a fault the tables mean nothing."""
    tables = empty_tables(shape)
    made = [np.zeros_like(table) for table in tables]
    for first in range(0, len(recalls), PART):
        part = slice(first, first + PART)
        bad = faulty(recalls[part], lag[part], shape[1])
        if bad.any():
            return first + int(bad.argmax()), tables
        made[0] += np.bincount(group[part], minlength=shape[0])
        _follow(made, recalls[part], lag[part], group[part], shape)
    return -1, tuple(made)


COUNTS: Final[Kernel[Callable[..., tuple[int, tuple[Counts, ...]]]]] = Kernel(
    "recall_counts", _counted, "cogmem.kernels.cpu.recall:counted", "cogmem.kernels.cuda.recall:counted"
)


# --- What is called -------------------------------------------------------------------------------------------------


def _integers(name: str, value: ArrayLike, shape: tuple[int | None, ...]) -> NDArray[Any]:
    """Return whole numbers in the type they came in, if that is a signed one, else as int64."""
    found = np.asarray(value)
    kept = found.dtype if found.dtype.kind == "i" else np.dtype(np.int64)
    return array(COUNTS.name, name, found, kept, shape)


def _fault(recalls: NDArray[Any], lag: NDArray[Any], row: int, list_length: int) -> UserError:
    """Return the error for a faulty list."""
    where, answers = f"{COUNTS.name}, list {row} (the first is 0)", recalls[row].tolist()
    if max(answers) > list_length:
        return UserError(f"{where}: got the serial position {max(answers)}, but needs at most {list_length}.")
    ended = answers.index(0) if 0 in answers else len(answers)
    if any(answers[ended:]):
        return UserError(
            f"{where}: got an answer behind padding (0 at output {ended + 1}); put all answers before the padding."
        )
    if (lag[row] < 0).any():
        return UserError(f"{where}: got the list lag {lag[row].min()}, but needs 1 or more, or 0 where none is known.")
    return UserError(f"{where}: got a list lag where there is no intrusion; lags belong to negative answers alone.")


def recall_counts(
    recalls: ArrayLike,
    *,
    list_length: int,
    lag: ArrayLike | None = None,
    max_lag: int = 0,
    group: ArrayLike | None = None,
    groups: int | None = None,
    backend: str = "auto",
) -> RecallCounts:
    """Return the counts of all analyses; see the module on repeats and intrusions, and RecallCounts on shapes.

    `recalls` (n_lists, n_outputs) as the module says. `lag`, of the same shape: for an intrusion from an earlier list
    how many lists back that was, 0 elsewhere; counted up to `max_lag`. `group` (n_lists,): which of `groups` (default:
    as many as occur) a list counts for, from 0 on, such as its participant; without it all count for one.

    >>> counts = recall_counts([[3, 1, 2], [3, 3, -1]], list_length=3, backend="numpy")
    >>> counts.serial_position.prob
    array([[0.5, 0.5, 1. ]])
    """
    who = COUNTS.name
    answers = _integers("recalls", recalls, (None, None))
    length = count(who, "list_length", list_length)
    most = count(who, "max_lag", max_lag, least=0)
    lags = np.zeros((len(answers), 0), np.int64) if lag is None else _integers("lag", lag, answers.shape)
    own = np.zeros(len(answers), np.int64) if group is None else array(who, "group", group, np.int64, (len(answers),))
    known = count(who, "groups", int(own.max(initial=0)) + 1 if groups is None else groups)
    if len(own) and not 0 <= own.min() <= own.max() < known:
        worst = own.min() if own.min() < 0 else own.max()
        raise UserError(f"{who} needs groups from 0 to {known - 1}; got {worst}.")
    shape = (known, length, answers.shape[1], most)
    cells = known * (2 * length * length + 4 * length + 2 * answers.shape[1] + most)
    if cells > MOST_CELLS:
        raise UserError(
            f"{who} would need {cells:.2g} cells for {known} groups of lists of {length}; take fewer groups."
        )
    bad, tables = COUNTS.on(backend)(answers, lags, own, shape)
    if bad >= 0:
        raise _fault(answers, lags, bad, length)
    return RecallCounts(*tables)
