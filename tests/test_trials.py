"""The table type: what goes in comes out frozen, in order, with messages that name the remedy."""

from __future__ import annotations

from multiprocessing.reduction import ForkingPickler

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.trials import Trials, concatenate, frozen_array

TABLE = Trials(
    {"participant": ["b", "a", "b", "a"], "x": [1.0, 1.0, 2.0, 1.0], "age": [[1, 2], [3, 4], [5, 6], [7, 8]]}
)


def test_length_names_and_order_are_those_given() -> None:
    assert len(TABLE) == 4
    assert list(TABLE) == ["participant", "x", "age"]
    assert "x" in TABLE
    assert "y" not in TABLE
    assert TABLE["participant"].tolist() == ["b", "a", "b", "a"]
    assert len(Trials({})) == 0


def test_columns_are_copies_and_read_only() -> None:
    mine = np.array([1.0, 2.0])
    table = Trials({"x": mine})
    mine[0] = 99.0
    assert table["x"].tolist() == [1.0, 2.0]
    with pytest.raises(ValueError, match="read-only"):
        table["x"][0] = 5.0
    with pytest.raises(TypeError):
        table.columns["x"] = mine  # type: ignore[index]


def test_strings_become_fixed_width_and_objects_never_stay() -> None:
    assert frozen_array(["a", "bcd"]).dtype == np.dtype("<U3")
    mixed = frozen_array(np.array(["a", 1, None], dtype=object))
    assert mixed.dtype.kind == "U"
    assert mixed.tolist() == ["a", "1", "None"]


def test_unequal_lengths_and_bare_numbers_are_refused() -> None:
    with pytest.raises(UserError, match="equal length"):
        Trials({"x": [1, 2], "y": [1, 2, 3]})
    with pytest.raises(UserError, match="equal length"):
        Trials({"x": 1.0})  # type: ignore[dict-item]


def test_a_missing_column_is_named_with_those_there_are() -> None:
    with pytest.raises(UserError, match=r"no column 'y'; the table has participant, x, age"):
        TABLE["y"]


def test_get_gives_the_column_or_a_column_of_the_default() -> None:
    assert TABLE.get("x", 7.0).tolist() == [1.0, 1.0, 2.0, 1.0]
    assert TABLE.get("guess", 0.5).tolist() == [0.5] * 4
    assert TABLE.get("test_type", "recall").tolist() == ["recall"] * 4


def test_where_takes_a_mask_or_row_numbers_in_the_wanted_order() -> None:
    assert TABLE.where(TABLE["participant"] == "a")["age"].tolist() == [[3, 4], [7, 8]]
    assert TABLE.where([2, 0])["x"].tolist() == [2.0, 1.0]


def test_with_columns_adds_and_replaces_without_touching_the_old_table() -> None:
    more = TABLE.with_columns({"x": [0.0] * 4, "new": [1, 2, 3, 4]})
    assert more["x"].tolist() == [0.0] * 4
    assert more["new"].tolist() == [1, 2, 3, 4]
    assert TABLE["x"].tolist() == [1.0, 1.0, 2.0, 1.0]


def test_groups_come_in_order_of_first_appearance_with_their_rows() -> None:
    groups = TABLE.groups(["participant", "x"])
    found = [(key["participant"].item(), key["x"].item(), rows.tolist()) for key, rows in groups]
    assert found == [("b", 1.0, [0]), ("a", 1.0, [1, 3]), ("b", 2.0, [2])]
    assert [(key, rows.tolist()) for key, rows in TABLE.groups([])] == [({}, [0, 1, 2, 3])]


def test_concatenate_joins_rows_and_refuses_other_columns() -> None:
    both = concatenate([Trials({"x": [1], "y": ["a"]}), Trials({"y": ["bcd"], "x": [2]})])
    assert both["x"].tolist() == [1, 2]
    assert both["y"].tolist() == ["a", "bcd"]
    with pytest.raises(UserError, match="same columns"):
        concatenate([Trials({"x": [1]}), Trials({"z": [1]})])
    assert len(concatenate([])) == 0


def test_a_copy_in_another_process_is_frozen_too() -> None:
    copy = ForkingPickler.loads(ForkingPickler.dumps(TABLE))
    assert copy["age"].tolist() == TABLE["age"].tolist()
    assert not copy["age"].flags.writeable


def test_frames_keep_names_values_and_order() -> None:
    frame = TABLE.to_frame()
    assert list(frame.columns) == ["participant", "x", "age_0", "age_1"]
    back = Trials.from_frame(frame)
    assert back["participant"].dtype.kind == "U"
    assert back["participant"].tolist() == ["b", "a", "b", "a"]
    assert back["age_1"].tolist() == [2, 4, 6, 8]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 2)), min_size=1, max_size=30))
def test_groups_are_a_partition_of_the_rows(pairs: list[tuple[str, int]]) -> None:
    table = Trials({"letter": [letter for letter, _ in pairs], "number": [number for _, number in pairs]})
    groups = list(table.groups(["letter", "number"]))
    assert sorted(row for _, rows in groups for row in rows.tolist()) == list(range(len(pairs)))
    for key, rows in groups:
        assert {pairs[row] for row in rows} == {(key["letter"], key["number"])}
