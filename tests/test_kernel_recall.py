"""Free-recall analyses: by hand, against psifr, and the same whole numbers on every backend."""

from __future__ import annotations

import doctest
import pickle  # noqa: TID251  (only to see that counts survive a worker process)
from dataclasses import astuple
from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cogmem.kernels.recall
from cogmem.errors import UserError
from cogmem.kernels.kernel import simulated, usable
from cogmem.kernels.recall import PART, RecallCounts, recall_counts

FAST = [backend for backend in usable() if backend != "numpy"]


def lists(n: int, length: int, outputs: int, seed: int) -> Any:
    """Return lists with repeats (any position may come again), intrusions and padding at the end."""
    rng = np.random.default_rng(seed)
    recalls = rng.integers(-1, length + 1, (n, outputs))
    recalls[recalls == 0] = 1
    return np.where(np.arange(outputs) < rng.integers(0, outputs + 1, n)[:, None], recalls, 0)


def same(one: RecallCounts, other: RecallCounts) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(astuple(one), astuple(other), strict=True))


@pytest.mark.parametrize("backend", usable())
def test_by_hand(backend: str) -> None:
    # List 1: 3, 1, 2. List 2: 1, then 1 again, an intrusion, then 3, 2.
    found = recall_counts([[3, 1, 2, 0, 0], [1, 1, -1, 3, 2]], list_length=3, backend=backend)
    assert found.serial_position.actual.tolist() == [[2, 2, 2]]
    assert found.serial_position.possible.tolist() == [[2, 2, 2]]
    assert found.first_recall.actual.tolist() == [[1, 0, 1]]
    # Second recalls: 1 in list 1, of 1 and 2; 3 in list 2, of 2 and 3: repeats and intrusions are passed over.
    assert found.nth_actual[0, 1].tolist() == [1, 0, 1]
    assert found.nth_possible[0, 1].tolist() == [1, 2, 1]
    # Lags -2, -1, 0, 1, 2. List 1: 3 to 1 (possible -2, -1), 1 to 2 (possible 1). List 2: only 3 to 2 (possible -1).
    assert found.lag_crp.actual.tolist() == [[1, 1, 0, 1, 0]]
    assert found.lag_crp.possible.tolist() == [[1, 2, 0, 1, 0]]
    assert found.answers.tolist() == [[2, 2, 2, 1, 1]]
    assert found.intrusions.tolist() == [[0, 0, 1, 0, 0]]
    assert found.lag_crp.prob[0, 1] == 0.5
    assert np.isnan(found.lag_crp.prob[0, 2])


@pytest.mark.parametrize("backend", usable())
def test_groups_and_lists_that_intrusions_come_from_by_hand(backend: str) -> None:
    recalls, lag = [[-1, 1], [-1, -1], [2, 0]], [[1, 0], [2, 3], [0, 0]]
    found = recall_counts(recalls, list_length=2, lag=lag, max_lag=2, group=[2, 0, 0], groups=4, backend=backend)
    assert found.lists.tolist() == [2, 0, 1, 0]
    assert found.prior_list.tolist() == [[0, 1], [0, 0], [1, 0], [0, 0]]  # lag 3 is beyond what was asked for
    assert found.prior_list_share.possible.tolist() == [[2, 2], [0, 0], [1, 1], [0, 0]]
    assert found.intrusion_rate.actual.tolist() == [[1, 1], [0, 0], [1, 0], [0, 0]]
    assert found.serial_position.prob[0].tolist() == [0.0, 0.5]


@pytest.mark.parametrize("backend", FAST)
@settings(max_examples=30)
@given(st.integers(0, 60), st.integers(1, 70), st.integers(0, 9), st.integers(1, 3), st.integers(0, 999))
def test_counts_are_those_of_numpy(backend: str, n: int, length: int, outputs: int, groups: int, seed: int) -> None:
    if backend == "cuda" and simulated():
        n, length, outputs = n % 4, 1 + length % 4, outputs % 5
    rng = np.random.default_rng(seed)
    recalls = lists(n, length, outputs, seed)
    lag = np.where(recalls < 0, rng.integers(0, 4, recalls.shape), 0)
    how: dict[str, Any] = {"list_length": length, "lag": lag, "max_lag": 2, "group": rng.integers(0, groups, n)}
    how["groups"] = groups
    expected = recall_counts(recalls, backend="numpy", **how)
    assert same(recall_counts(recalls, backend=backend, **how), expected)
    assert same(recall_counts(recalls.astype(np.int8), backend=backend, **how), expected)


def psifr_counts(recalls: Any, length: int) -> dict[str, Any]:
    """Return psifr's own numbers for one subject's lists."""
    pd = pytest.importorskip("pandas")
    fr = pytest.importorskip("psifr.fr")
    rows = []
    for number, answers in enumerate(recalls, 1):
        rows += [(1, number, "study", k, f"item {number} {k}") for k in range(1, length + 1)]
        for k, answer in enumerate(answers[answers != 0], 1):
            rows.append((1, number, "recall", k, f"item {number} {answer}" if answer > 0 else f"other {number} {k}"))
    merged = fr.merge_free_recall(pd.DataFrame(rows, columns=["subject", "list", "trial_type", "position", "item"]))
    return {"spc": fr.spc(merged), "pnr": fr.pnr(merged), "crp": fr.lag_crp(merged)}


@pytest.mark.parametrize("backend", usable())
@pytest.mark.parametrize("seed", range(4))
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
def test_psifr_counts_the_same(seed: int, backend: str) -> None:
    n, length = (3, 4) if backend == "cuda" and simulated() else (12, 6)
    recalls = lists(n, length, 7, seed)
    recalls = recalls[(recalls > 0).any(axis=1)]  # psifr knows only lists that it sees rows of
    found, theirs = recall_counts(recalls, list_length=length, backend=backend), psifr_counts(recalls, length)
    assert found.serial_position.prob[0] == pytest.approx(theirs["spc"]["recall"].to_numpy())
    pnr = theirs["pnr"].reset_index()
    for row in pnr.itertuples():
        cell = 0, int(row.output) - 1, int(row.input) - 1
        assert (found.nth_actual[cell], found.nth_possible[cell]) == (row.actual, row.possible)
    crp = theirs["crp"].reset_index()
    for row in crp.itertuples():
        cell = 0, int(row.lag) + length - 1
        assert (found.lag_actual[cell], found.lag_possible[cell]) == (row.actual, row.possible)
    assert found.lag_actual.sum() == crp["actual"].sum()


def test_parts_add_up_and_pool() -> None:
    recalls = lists(PART + 3, 5, 4, 1)
    whole = recall_counts(recalls, list_length=5, backend="numpy")
    halves = [recall_counts(part, list_length=5, backend="numpy") for part in (recalls[:99], recalls[99:])]
    for sum_of, one, two in zip(astuple(whole), astuple(halves[0]), astuple(halves[1]), strict=True):
        assert np.array_equal(sum_of, one + two)


def test_the_number_of_threads_changes_nothing() -> None:
    recalls, before, found = lists(3000, 20, 12, 1), numba.get_num_threads(), []
    for threads in (1, before):
        numba.set_num_threads(threads)
        found.append(recall_counts(recalls, list_length=20, backend="numba"))
    numba.set_num_threads(before)
    assert same(*found)


def test_counts_are_read_only_and_survive_a_worker_process() -> None:
    found = recall_counts([[1, 2]], list_length=2, backend="numpy")
    with pytest.raises(ValueError, match="read-only"):
        found.lists[0] = 5
    again = pickle.loads(pickle.dumps(found))
    assert same(again, found)
    assert not again.lists.flags.writeable


@pytest.mark.parametrize("backend", usable())
@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"recalls": [[1, 0], [4, 0]]}, r"list 1 \(the first is 0\): got the serial position 4, but needs at most 3"),
        ({"recalls": [[1, 0], [0, 2]]}, "list 1 .*: got an answer behind padding .0 at output 1.; put all answers"),
        ({"lag": [[0, 0], [1, 0]]}, "list 1 .*: got a list lag where there is no intrusion"),
        ({"lag": [[0, 0], [-2, 0]]}, "list 1 .*: got the list lag -2, but needs 1 or more"),
        ({"recalls": [[1.5, 0], [2, 0]]}, "recalls as an array of int64; got float64"),
        ({"recalls": [1, 2]}, r"recalls of shape \(any, any\); got \(2,\)"),
        ({"lag": [[0, 0]]}, r"lag of shape \(2, 2\); got \(1, 2\)"),
        ({"group": [0, 3], "groups": 2}, "groups from 0 to 1; got 3"),
        ({"group": [0, -1]}, "groups from 0 to 0; got -1"),
        ({"group": [0, 10**9]}, "take fewer groups"),
        ({"list_length": 0}, "list_length, a whole number from 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_bad_input(changed: dict[str, Any], sentence: str, backend: str) -> None:
    arguments: dict[str, Any] = {"recalls": [[1, 2], [3, 0]], "list_length": 3} | changed
    with pytest.raises(UserError, match=sentence):
        recall_counts(arguments.pop("recalls"), backend=backend, **arguments)


def test_examples_of_the_docstrings() -> None:
    assert doctest.testmod(cogmem.kernels.recall).failed == 0


@pytest.mark.usefixtures("gpu")
def test_on_a_gpu() -> None:
    recalls = lists(20_000, 20, 15, 1)
    expected = recall_counts(recalls, list_length=20, backend="numpy")
    assert same(recall_counts(recalls, list_length=20, backend="cuda"), expected)
