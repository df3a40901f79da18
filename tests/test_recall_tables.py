"""Free recall as tables: by hand, there and back, through psifr itself, and what cannot be read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.recall_tables import Recalls, from_embam, from_psifr, read_recalls

HEAD = "subject,list,trial_type,position,item\n"
BY_HAND = HEAD + "\n".join([
    "s2,1,study,1,cat", "s2,1,study,2,dog",
    "s1,1,study,2,sun", "s1,1,study,1,sea",  # in any order
    "s1,1,recall,1,sun", "s1,1,recall,2,moon", "s1,1,recall,3,sea", "s1,1,recall,4,sun",
    "s1,3,study,1,pen", "s1,3,study,2,ink",
    "s1,3,recall,2,pen", "s1,3,recall,1,sea",  # sea was two lists back
]) + "\n"  # fmt: skip


def read(tmp_path: Path, text: str) -> Recalls:
    file = tmp_path / "recall.csv"
    file.write_text(text, encoding="utf-8")
    return read_recalls(file)


def test_events_become_serial_positions(tmp_path: Path) -> None:
    found = read(tmp_path, BY_HAND)
    assert found.list_length == 2
    assert found.subject.tolist() == ["s2", "s1", "s1"]
    assert found.list.tolist() == [1, 1, 3]
    assert found.recalls.tolist() == [[0, 0, 0, 0], [2, -1, 1, 2], [-1, 1, 0, 0]]
    assert found.lag.tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [2, 0, 0, 0]]
    assert found.items.tolist() == [["cat", "dog"], ["sea", "sun"], ["pen", "ink"]]
    assert found.said[1].tolist() == ["sun", "moon", "sea", "sun"]
    counts = found.counts(max_lag=2, backend="numpy")
    assert counts.serial_position.actual.tolist() == [[0, 0], [2, 1]]
    assert counts.prior_list.tolist() == [[0, 0], [0, 1]]


def test_a_table_of_events_goes_out_as_it_came_in(tmp_path: Path) -> None:
    found = read(tmp_path, BY_HAND)
    again = from_psifr(found.to_frame())
    for name in ("subject", "list", "recalls", "lag", "items", "said"):
        assert np.array_equal(getattr(again, name), getattr(found, name)), name


@given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 7), st.integers(0, 10_000))
def test_a_matrix_goes_there_and_back(n: int, length: int, outputs: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    matrix = rng.integers(-1, length + 1, (n, outputs))
    matrix[np.cumsum(matrix == 0, axis=1) > 0] = 0  # padding stands at the end
    subject = rng.integers(0, 3, n)
    made = from_embam(matrix, list_length=length, subject=subject)
    assert np.array_equal(made.recalls, matrix)
    back = from_psifr(made.to_frame())
    order = np.argsort([list(dict.fromkeys(made.subject.tolist())).index(name) for name in made.subject], kind="stable")
    width = back.recalls.shape[1]
    assert np.array_equal(back.recalls, matrix[order][:, :width])
    assert not matrix[:, width:].any()
    assert made.to_embam()["listLength"] == length


@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_psifr_reads_what_goes_out_and_counts_the_same() -> None:
    fr: Any = pytest.importorskip("psifr.fr")
    rng = np.random.default_rng(1)
    matrix = np.array([rng.permutation(6)[:4] + 1 for _ in range(30)])
    made = from_embam(matrix, list_length=6, subject=np.repeat([1, 2, 3], 10))
    theirs = fr.spc(fr.merge_free_recall(made.to_frame())).reset_index()
    ours = made.counts(backend="numpy").serial_position.prob
    for row in theirs.itertuples():
        assert ours[int(row.subject) - 1, int(row.input) - 1] == pytest.approx(row.recall)


@pytest.mark.parametrize(("text", "sentence"), [
    ("subject,list\n1,1\n", "lacks trial_type, position, item"),
    (HEAD + "s,1,study,one,a\n", "line 2: position is 'one', but needs a whole number from 1"),
    (HEAD + "s,0,study,1,a\n", "line 2: list is '0'"),
    (HEAD + "s,1,test,1,a\n", "line 2: trial_type is 'test', but needs study or recall"),
    (HEAD + "s,1,study,1,a\ns,1,study,1,b\n", "line 3: subject 's', list 1 has two study events at position 1"),
    (HEAD + "s,1,recall,1,a\n", "no study events"),
    (HEAD + "s,1,study,1,a\ns,2,recall,1,a\n", "recalled list 2, which has no study events"),
    (HEAD + "s,1,study,1,a\ns,1,study,3,b\n", r"positions '\[1, 3\]'; all lists need 1 to 2"),
    (HEAD + "s,1,study,1,a\ns,1,study,2,a\n", "has an item twice"),
])  # fmt: skip
def test_what_cannot_be_read_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, text)


def test_a_frame_that_cannot_be_read_is_said() -> None:
    frame = from_embam([[2, 1]], list_length=2).to_frame()
    assert from_psifr(frame.assign(position=frame["position"].astype(float))).recalls.tolist() == [[2, 1]]
    for wrong in (np.nan, 0, 1.5, "x"):
        bad = frame.astype({"position": object})
        bad.loc[2, "position"] = wrong
        with pytest.raises(UserError, match=f"row 2: position is '{wrong}'"):
            from_psifr(bad)
    with pytest.raises(UserError, match="it lacks item"):
        from_psifr(frame.drop(columns="item"))


@pytest.mark.parametrize(("matrix", "more", "sentence"), [
    ([1, 2], {}, "got shape"),
    ([[1.5]], {}, "whole numbers up to 3"),
    ([[4]], {}, "largest 4"),
    ([[1], [2]], {"subject": [1]}, "each of the 2 lists"),
])  # fmt: skip
def test_a_matrix_that_is_none_is_said(matrix: Any, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        from_embam(matrix, list_length=3, **more)
