"""The vocabulary, and the one column that others determine: the ages of all studies of an item at its test."""

from __future__ import annotations

import numpy as np
import pytest

from cogmem.columns import COLUMNS, require, study_ages
from cogmem.errors import UserError
from cogmem.trials import Trials

NEVER = np.inf


def test_every_word_of_the_vocabulary_says_what_it_is() -> None:
    assert all(name == column.name for name, column in COLUMNS.items())
    assert all(column.dtype in ("str", "int", "float") for column in COLUMNS.values())
    assert all(column.meaning for column in COLUMNS.values())
    assert {column.unit for name, column in COLUMNS.items() if name.endswith(("interval", "gap", "age"))} == {"s"}


def test_evenly_spaced_studies_oldest_first() -> None:
    # Three studies 10 s apart, the last one 100 s before the test: 120, 110 and 100 s old. One study: only the last.
    table = Trials({"retention_interval": [100.0, 5.0], "repetitions": [3, 1], "spacing_gap": [10.0, 10.0]})
    assert study_ages(table).tolist() == [[120.0, 110.0, 100.0], [NEVER, NEVER, 5.0]]


def test_without_repetitions_an_item_was_studied_once_and_without_gap_massed() -> None:
    assert study_ages(Trials({"retention_interval": [7.0, 0.0]})).tolist() == [[7.0], [0.0]]
    massed = Trials({"retention_interval": [7.0], "repetitions": [2]})
    assert study_ages(massed).tolist() == [[7.0, 7.0]]


def test_given_ages_are_taken_and_blanks_mean_no_study() -> None:
    table = Trials({"retention_interval": [1.0], "study_age": [[np.nan, 9.0]]})
    assert study_ages(table).tolist() == [[NEVER, 9.0]]


def test_require_finds_derives_and_says_what_is_missing() -> None:
    table = Trials({"retention_interval": [60.0]})
    found = require(table, frozenset({"retention_interval", "study_age"}), who="The equation 'act_r'")
    assert found["retention_interval"].tolist() == [60.0]
    assert found["study_age"].tolist() == [[60.0]]
    with pytest.raises(UserError, match=r"'act_r' needs the column 'study_age' \(from each study .* only x; add it"):
        require(Trials({"x": [1.0]}), frozenset({"study_age"}), who="The equation 'act_r'")
    with pytest.raises(UserError, match="not in the vocabulary"):
        require(table, frozenset({"colour"}), who="Somebody")


def test_require_takes_given_ages_from_a_table_without_retention_interval() -> None:
    found = require(Trials({"study_age": [[9.0, 4.0]]}), frozenset({"study_age"}), who="The equation 'act_r'")
    assert found["study_age"].tolist() == [[9.0, 4.0]]
