"""The only table type inside cogmem: named columns of equal length whose row order is time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError

if TYPE_CHECKING:
    import pandas as pd


def frozen_array(values: ArrayLike) -> NDArray[Any]:
    """Return a read-only copy of `values`; Python strings become a fixed-width unicode array, never objects.

    What is a read-only array of its own already, such as a column of another table, is returned itself.
    """
    if type(values) is np.ndarray and not values.flags.writeable and values.flags.owndata and values.dtype != object:
        return values
    array = np.array(values)
    if array.dtype == object:
        array = np.array([str(value) for value in array.ravel()]).reshape(array.shape)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Trials:
    """Named columns of equal length; row order is time.

    `columns` maps a name of the vocabulary (`cogmem.columns`) to an array whose first axis is the row. A column may
    have a second axis (`study_age` has one entry per study of the row's item). Arrays are copied and read-only.

    >>> table = Trials({"retention_interval": [60.0, 3600.0], "correct": [9, 4]})
    >>> len(table), table["correct"].sum()
    (2, np.int64(13))
    """

    columns: Mapping[str, NDArray[Any]]

    def __post_init__(self) -> None:
        frozen = {str(name): frozen_array(values) for name, values in self.columns.items()}
        lengths = {name: array.shape[0] if array.ndim else -1 for name, array in frozen.items()}
        if len(set(lengths.values())) > 1 or -1 in lengths.values():
            raise UserError(f"The columns of a table need one equal length, but came as {lengths}.")
        object.__setattr__(self, "columns", MappingProxyType(frozen))

    def __reduce__(self) -> tuple[Any, ...]:
        return (Trials, (dict(self.columns),))

    def __len__(self) -> int:
        return next((array.shape[0] for array in self.columns.values()), 0)

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def __iter__(self) -> Iterator[str]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        try:
            return self.columns[name]
        except KeyError:
            raise UserError(f"There is no column {name!r}; the table has {', '.join(self.columns)}.") from None

    def get(self, name: str, default: float | str) -> NDArray[Any]:
        """Return the column, or a column of `default` where the table has none of that name."""
        return self.columns[name] if name in self.columns else np.full(len(self), default)

    def where(self, mask: ArrayLike) -> Trials:
        """Return the rows that `mask` selects (boolean, or row numbers in the wanted order)."""
        chosen = np.asarray(mask)
        if (
            chosen.ndim == 1
            and len(chosen) == len(self)
            and (chosen if chosen.dtype == bool else chosen == np.arange(len(chosen))).all()
        ):
            return self  # all of it, in its order
        return Trials({name: array[chosen] for name, array in self.columns.items()})

    def with_columns(self, columns: Mapping[str, ArrayLike]) -> Trials:
        """Return a table in which `columns` are added or take the place of those of the same name."""
        return Trials({**self.columns, **{name: np.asarray(values) for name, values in columns.items()}})

    def select(self, *names: str) -> Trials:
        """Return a table of these columns alone, in this order."""
        return Trials({name: self[name] for name in names})

    def groups(self, names: Sequence[str]) -> Iterator[tuple[dict[str, Any], NDArray[np.intp]]]:
        """Yield (the values of `names`, row numbers) for each distinct combination, in order of first appearance."""
        if not names or not len(self):
            yield {}, np.arange(len(self))
            return
        group = np.zeros(len(self), dtype=np.int64)
        for name in names:
            column = self[name]
            if (column == column[0]).all():
                continue  # most columns of most tables say the same throughout
            values, code = np.unique(column, return_inverse=True)
            # What was told apart so far is numbered anew, so that the numbers stay below those of rows times values.
            group = np.unique(group * len(values) + code.ravel(), return_inverse=True)[1]
        order = np.argsort(group, kind="stable")
        parts = np.split(order, np.cumsum(np.bincount(group))[:-1])
        for rows in sorted(parts, key=lambda rows: int(rows[0])):
            yield {name: self[name][rows[0]] for name in names}, rows

    def flat(self) -> dict[str, NDArray[Any]]:
        """Return copies of the columns; one with a second axis becomes `name_0`, `name_1`, ..."""
        flat: dict[str, NDArray[Any]] = {}
        for name, array in self.columns.items():
            if array.ndim == 1:
                flat[name] = np.array(array)
            else:
                parts = np.reshape(array, (len(array), -1))
                flat |= {f"{name}_{k}": np.array(parts[:, k]) for k in range(parts.shape[1])}
        return flat

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas DataFrame; a column with a second axis becomes `name_0`, `name_1`, ..."""
        import pandas as pd

        return pd.DataFrame(self.flat())

    @staticmethod
    def from_frame(frame: pd.DataFrame) -> Trials:
        """Return the columns of a pandas DataFrame; text columns become fixed-width unicode."""
        return Trials({str(name): frame[name].to_numpy() for name in frame.columns})


def from_rows(rows: Sequence[Mapping[str, Any]]) -> Trials:
    """Return a table from rows that all have the same columns; of no rows, one without columns.

    >>> from_rows([{"x": 1, "y": 0.5}, {"x": 2, "y": 0.25}])["y"].tolist()
    [0.5, 0.25]
    """
    return Trials({name: np.asarray([row[name] for row in rows]) for name in (rows[0] if rows else ())})


def concatenate(tables: Sequence[Trials]) -> Trials:
    """Return the rows of all `tables`, one after another; every table needs the same columns."""
    if not tables:
        return Trials({})
    names = set(tables[0])
    for table in tables[1:]:
        if set(table) != names:
            raise UserError(f"Tables to join need the same columns; {sorted(names)} met {sorted(table)}.")
    return Trials({name: np.concatenate([table[name] for table in tables]) for name in tables[0]})
