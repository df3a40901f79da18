"""Free recall as tables: psifr's rows of events (Morton, 2020) and EMBAM's matrix of serial positions, in and out.

psifr has one row an event: `subject`, `list`, `trial_type` (study or recall), `position` (serial position at study,
output position at recall) and `item`. EMBAM (and our kernel) has one row a list: serial positions in the order of
output, -1 for what was not on the list, 0 behind the last answer.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.cells import number, read_bytes, read_sheet, short
from cogmem.errors import UserError
from cogmem.kernels.recall import RecallCounts, recall_counts

if TYPE_CHECKING:
    import pandas as pd

Whole = NDArray[np.int64]
NAMES: Final = ("subject", "list", "trial_type", "position", "item")
INTRUSION: Final = -1


@dataclass(frozen=True, eq=False)
class Recalls:
    """Lists that were studied and recalled: one row a list, in the order of subjects and of their lists.

    `recalls` (lists, outputs): serial positions in the order of output, -1 an intrusion, 0 no further answer. `lag`, of
    the same shape: for an intrusion from an earlier list of the same person how many lists back that was, else 0.
    `subject` and `list` (lists,) name the rows; `items` (lists, list_length) what was studied and `said`, shaped as
    `recalls`, what was answered ("" behind the last answer).
    """

    list_length: int
    subject: NDArray[np.str_]
    list: Whole
    recalls: Whole
    lag: Whole
    items: NDArray[np.str_]
    said: NDArray[np.str_]

    def counts(self, *, max_lag: int = 5, backend: str = "auto") -> RecallCounts:
        """Return the counts of all analyses, a group a subject in the order of their names' first rows."""
        first = dict.fromkeys(self.subject.tolist())
        place = {name: k for k, name in enumerate(first)}
        group = np.array([place[name] for name in self.subject.tolist()], dtype=np.int64)
        return recall_counts(
            self.recalls, list_length=self.list_length, lag=self.lag, max_lag=max_lag, group=group,
            groups=len(place), backend=backend,
        )  # fmt: skip

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of events that psifr's merge_free_recall reads: each list's study, then its recall."""
        import pandas as pd

        rows: list[tuple[str, int, str, int, str]] = []
        for k in range(len(self.list)):
            who, number_ = str(self.subject[k]), int(self.list[k])
            rows += [(who, number_, "study", place, str(item)) for place, item in enumerate(self.items[k], 1)]
            answered = self.said[k][self.recalls[k] != 0]
            rows += [(who, number_, "recall", place, str(item)) for place, item in enumerate(answered, 1)]
        return pd.DataFrame(rows, columns=list(NAMES))

    def to_embam(self) -> dict[str, Any]:
        """Return EMBAM's fields: `subject` (lists,), `listLength`, `recalls` (lists, outputs), `pres_items`,
        `rec_items`."""
        return {"subject": self.subject, "listLength": self.list_length, "recalls": self.recalls,
                "pres_items": self.items, "rec_items": self.said}  # fmt: skip


def from_embam(recalls: ArrayLike, *, list_length: int, subject: ArrayLike | None = None) -> Recalls:
    """Return EMBAM's matrix (lists, outputs) as `Recalls`; items, which it lacks, are called by list and position.

    Any negative number is an intrusion; NaN counts as 0. `subject` (lists,) names whose list a row is (default: all are
    of one person). UserError where a number is no serial position.
    """
    given = np.nan_to_num(np.asarray(recalls, dtype=np.float64), nan=0.0)
    if given.ndim != 2 or (given != np.floor(given)).any() or given.max(initial=0) > list_length:
        raise UserError(f"recalls are (lists, outputs) whole numbers up to {list_length}; got shape {given.shape}, "
                        f"largest {given.max(initial=0):g}.")  # fmt: skip
    matrix = np.where(given < 0, INTRUSION, given).astype(np.int64)
    n = len(matrix)
    who = np.full(n, "1") if subject is None else np.asarray(subject).astype(np.str_)
    if who.shape != (n,):
        raise UserError(f"subject names each of the {n} lists; got shape {who.shape}.")
    numbers = np.zeros(n, dtype=np.int64)
    for name in dict.fromkeys(who.tolist()):
        numbers[who == name] = np.arange(1, int((who == name).sum()) + 1)
    items = np.array([[f"{k}-{place}" for place in range(1, list_length + 1)] for k in range(1, n + 1)], dtype=np.str_)
    said = np.full(matrix.shape, "", dtype="<U64")
    for row, column in zip(*np.nonzero(matrix), strict=True):
        place = matrix[row, column]
        said[row, column] = items[row, place - 1] if place > 0 else f"other {row + 1}-{column + 1}"
    return Recalls(list_length, who, numbers, matrix, np.zeros_like(matrix), items.reshape(n, list_length), said)


def read_recalls(path: str | PathLike[str]) -> Recalls:
    """Return the free recall in a CSV file of psifr's form; UserError says which cell is wrong."""
    file = Path(path).name
    sheet = read_sheet(read_bytes(Path(path)), file, frozenset(NAMES))
    missing = [name for name in NAMES if name not in sheet.columns]
    if missing:
        raise UserError(f"{file} needs the columns {', '.join(NAMES)}; it lacks {', '.join(missing)}.")
    columns = {name: sheet.columns[name].all() for name in NAMES}
    return _arranged(file, columns, sheet.lines)


def from_psifr(frame: pd.DataFrame) -> Recalls:
    """Return a table of psifr's form as `Recalls`; UserError says which row is wrong."""
    missing = [name for name in NAMES if name not in frame.columns]
    if missing:
        raise UserError(f"The table needs the columns {', '.join(NAMES)}; it lacks {', '.join(missing)}.")
    columns = {name: frame[name].to_numpy() for name in NAMES}
    return _arranged("the table", columns, range(len(frame)), "row")


def _whole(where: Callable[[int], str], name: str, column: NDArray[Any]) -> Whole:
    """Return the numbers of a column; UserError names the first row that holds no whole number from 1."""
    values = np.array([number(str(value)) or 0.0 for value in column.tolist()])
    wrong = (values < 1) | (values != np.floor(values))
    if wrong.any():
        row = int(wrong.argmax())
        cell = short(str(column[row]))
        raise UserError(f"{where(row)}: {name} is {cell}, but needs a whole number from 1.")
    return values.astype(np.int64)


def _arranged(file: str, columns: Mapping[str, NDArray[Any]], lines: Any, word: str = "line") -> Recalls:
    """Return the events as lists, each in the order of its positions."""
    studied: dict[tuple[Hashable, int], dict[int, str]] = {}
    answered: dict[tuple[Hashable, int], dict[int, str]] = {}
    parts = {"study": studied, "recall": answered}

    def where(row: int) -> str:
        return f"{file}, {word} {lines[row]}"

    lists, places = (_whole(where, name, columns[name]) for name in ("list", "position"))
    for row in range(len(columns["item"])):
        who, kind, item = (str(columns[name][row]) for name in ("subject", "trial_type", "item"))
        key, place = (who, int(lists[row])), int(places[row])
        if kind not in parts:
            raise UserError(f"{where(row)}: trial_type is {short(kind)}, but needs study or recall.")
        events = parts[kind].setdefault(key, {})
        if place in events:
            whose = f"{where(row)}: subject {short(who)}, list {key[1]}"
            raise UserError(f"{whose} has two {kind} events at position {place}; number them 1, 2, ...")
        events[place] = item
    if not studied:
        raise UserError(f"{file} has no study events, so that nothing says what was on the lists.")
    unknown = [key for key in answered if key not in studied]
    if unknown:
        name, lost = unknown[0]
        raise UserError(f"{file}: subject {short(str(name))} recalled list {lost}, which has no study events.")
    return _recalls(file, studied, answered)


def _recalls(
    file: str, studied: Mapping[tuple[Any, int], dict[int, str]], answered: Mapping[tuple[Any, int], dict[int, str]]
) -> Recalls:
    lengths = {key: len(events) for key, events in studied.items()}
    length = max(lengths.values())
    for (who, number_), events in studied.items():
        if lengths[who, number_] != length or sorted(events) != list(range(1, length + 1)):
            raise UserError(f"{file}: subject {short(str(who))}, list {number_} was studied at the positions "
                            f"{short(str(sorted(events)))}; all lists need 1 to {length}.")  # fmt: skip
        if len(set(events.values())) != length:
            raise UserError(f"{file}: subject {short(str(who))}, list {number_} has an item twice; name each apart.")
    order = {who: k for k, who in enumerate(dict.fromkeys(who for who, _ in studied))}
    keys = sorted(studied, key=lambda key: (order[key[0]], key[1]))
    outputs = max((len(events) for events in answered.values()), default=0)
    shape = (len(keys), outputs)
    recalls, lag, said = np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.full(shape, "", dtype="<U256")
    earlier: dict[tuple[Any, str], int] = {}  # the latest list of a person that an item was studied on
    for row, (who, number_) in enumerate(keys):
        places = {item: place for place, item in studied[who, number_].items()}
        events = answered.get((who, number_), {})
        for column, item in enumerate(events[place] for place in sorted(events)):
            recalls[row, column] = places.get(item, INTRUSION)
            said[row, column] = item
            if item not in places and (who, item) in earlier:
                lag[row, column] = number_ - earlier[who, item]
        earlier.update({(who, item): number_ for item in places})
    return Recalls(
        length, np.array([str(who) for who, _ in keys]), np.array([number_ for _, number_ in keys], dtype=np.int64),
        recalls, lag, np.array([[studied[key][place] for place in range(1, length + 1)] for key in keys]), said,
    )  # fmt: skip
