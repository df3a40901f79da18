"""Proactive interference: the streams, the kinds of answers by hand, and the rule that competing values give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogmem.core import Curve, Design, Record, measure, run
from cogmem.errors import UserError
from cogmem.models.interference import cue_overload
from cogmem.paradigms import forgetting_curve, proactive_interference
from cogmem.paradigms.interference_measures import classify, list_lags, lists_back, log_linear, release
from cogmem.trials import Trials


def test_a_stream_gives_every_key_its_values_and_asks_for_the_last() -> None:
    design = proactive_interference.design(seed=3, n_keys=3, n_updates=(4,), n_lists=2, pool=6, n_untracked=1)
    for number in (1, 2):
        stream = design.studies.where(design.studies["list"] == number)
        asked = design.tests.where(design.tests["list"] == number)
        assert len(stream) == 4 * 4
        assert sorted(asked["cue"].tolist()) == [0, 1, 2]
        for key in range(4):
            own = stream.where(stream["cue"] == key)
            assert own["update"].tolist() == [1, 2, 3, 4]
            assert len(set(own["target"].tolist())) == 4
            last = asked.where(asked["cue"] == key)
            if key < 3:
                assert last["target"].tolist() == own["target"][-1:].tolist()
        # Values of different keys are different things.
        assert len(set(stream["target"].tolist())) == 16
        assert (np.diff(stream["time"]) == 2.0).all()
        assert (asked["time"] == stream["time"][-1] + 2.0 + 1.0).all()


@given(st.integers(2, 8), st.integers(1, 12), st.integers(0, 10_000))
def test_random_order_never_repeats_a_key(keys: int, updates: int, seed: int) -> None:
    design = proactive_interference.design(seed=seed, n_keys=keys, n_updates=(updates,), n_lists=1, pool=12)
    stream = design.studies["cue"]
    assert (np.diff(stream) != 0).all()
    assert (np.bincount(stream, minlength=keys) == updates).all()


def test_other_orders_and_questions() -> None:
    blocked = proactive_interference.design(seed=1, n_keys=3, n_updates=(3,), n_lists=1, order="blocked").studies
    assert (np.diff(blocked["cue"]) != 0).sum() == 2
    lists = proactive_interference.design(seed=1, n_keys=3, n_updates=(3,), n_lists=1, order="lists").studies
    assert [sorted(part.tolist()) for part in np.split(lists["cue"], 3)] == [[0, 1, 2]] * 3
    first = proactive_interference.design(seed=1, n_keys=3, n_updates=(3,), n_lists=1, query="first")
    for row in range(3):
        own = first.studies.where(first.studies["cue"] == first.tests["cue"][row])
        assert first.tests["target"][row] == own["target"][0]
    told = proactive_interference.design(seed=1, n_keys=2, n_updates=(3,), n_lists=1, instruction="forget").studies
    assert told["forget"].tolist() == (told["update"] == 3).astype(int).tolist()
    alike = proactive_interference.design(seed=1, n_keys=4, n_updates=(3,), n_lists=1, pool=5, similarity=1.0)
    assert len(alike.items) == 4 + 5


def by_hand(answers: list[int]) -> Record:
    """Return one stream, keys 0 and 1: A→2, B→5, A→3, B→6, A→4; asked for A (4) and B (6), three times."""
    study = {"cue": [0, 1, 0, 1, 0], "target": [2, 5, 3, 6, 4], "update": [1, 1, 2, 2, 3]}
    test = {"cue": [0, 1] * 3, "target": [4, 6] * 3, "update": [3, 2] * 3}
    columns: dict[str, Any] = {name: np.array([*study[name], *test[name]]) for name in study}
    columns["phase"] = np.array(["study"] * 5 + ["test"] * 6)
    columns["list"], columns["updates"] = np.ones(11, dtype=int), np.full(11, 3)
    columns["time"] = np.array([0.0, 1, 2, 3, 4, *[6.0] * 6])
    design = Design("proactive_interference", 1, {}, 0, Trials(columns), np.arange(8))
    return Record(design, "somebody", np.array(answers))


def test_answers_are_told_apart_by_hand() -> None:
    found = classify(by_hand([4, 6, 2, 3, -1, 7]))
    assert found.kind.tolist() == ["right", "right", "same_key", "other_key", "none", "unseen"]
    assert found.lag.tolist() == [0, 0, 2, -1, -1, -1]
    record = by_hand([4, 6, 2, 3, -1, 7])
    for name, y in (("accuracy", 2 / 6), ("intrusions", 1 / 6), ("other_key", 1 / 6), ("omissions", 1 / 6)):
        rows = measure(proactive_interference.measure(name), record).rows
        assert (rows["x"].tolist(), rows["y"].tolist()) == ([3.0], [pytest.approx(y)])
    lags = measure(proactive_interference.measure("intrusion_lag"), record).rows
    assert dict(zip(lags["lag"].tolist(), lags["y"].tolist(), strict=True)) == {1: 0.0, 2: 1.0}
    recency = measure(proactive_interference.measure("accuracy_by_recency"), record).rows
    # The last of A is the last pair, of B the one before: A right once of three, B once of three.
    assert dict(zip(recency["x"].tolist(), recency["y"].tolist(), strict=True)) == pytest.approx(
        {0.0: 1 / 3, 1.0: 1 / 3}
    )


def test_lists_back_by_hand() -> None:
    # Three lists of one pair (0→3, 1→4, 2→5); asked for after each, the third four times.
    rows = [("study", 1, 0, 3), ("test", 1, 0, 3), ("study", 2, 1, 4), ("test", 2, 1, 4), ("study", 3, 2, 5),
            *[("test", 3, 2, 5)] * 4]  # fmt: skip
    names = ("phase", "list", "cue", "target")
    columns: dict[str, Any] = {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}
    columns |= {"update": np.ones(9, dtype=int), "updates": np.ones(9, dtype=int), "time": np.arange(9.0)}
    design = Design("proactive_interference", 1, {}, 0, Trials(columns), np.arange(7))
    # A later list's word (5 in the first list) and one that was never shown (6) come from no list; 1 was a key.
    record = Record(design, "somebody", np.array([5, 3, 3, 1, 5, -1]))
    assert lists_back(record).tolist() == [-1, 1, 2, 1, 0, -1]
    lags = measure(proactive_interference.measure("list_lag"), record).rows
    assert dict(zip(lags["lag"].tolist(), lags["correct"].tolist(), strict=True)) == {1: 2, 2: 1}
    late = list_lags(record, after=2)
    assert late["correct"].tolist() == [1, 1]
    prior = measure(proactive_interference.measure("prior_lists"), record).rows
    assert prior["y"].tolist() == [0.0, 1.0, 0.5]
    with pytest.raises(UserError, match="no word of an earlier list"):
        list_lags(record, after=3)


LISTS: dict[str, Any] = {"order": "lists", "test_after": "list"}


def test_tests_after_every_list_ask_for_its_own_values_and_a_shift_brings_new_keys() -> None:
    design = proactive_interference.design(
        seed=1, n_keys=2, n_untracked=1, n_updates=(5,), n_lists=1, shift_after=3, **LISTS
    )
    trials = design.trials
    assert trials["phase"].tolist() == (["study"] * 3 + ["test"] * 2) * 5
    assert trials["block"].tolist() == np.repeat(np.arange(1, 6), 5).tolist()
    for block in range(1, 6):
        shown = design.studies.where(design.studies["block"] == block)
        asked = design.tests.where(design.tests["block"] == block)
        keys = [0, 1, 2] if block <= 3 else [3, 4, 5]
        assert sorted(shown["cue"].tolist()) == keys
        # The third of each three keys is never asked for.
        assert sorted(asked["cue"].tolist()) == keys[:2]
        for cue, target in zip(asked["cue"], asked["target"], strict=True):
            assert shown["target"][shown["cue"] == cue].tolist() == [target]
        assert set(asked["update"].tolist()) == {block if block <= 3 else block - 3}
        assert (asked["time"] > shown["time"].max()).all()
    assert (np.diff(trials["time"]) >= 0).all()
    # A pool of three is enough for three lists before keys change.
    assert len(proactive_interference.design(seed=1, n_updates=(6,), pool=3, shift_after=3, **LISTS).items) == 16 * 4


def test_recognition_probes_are_of_this_list_the_one_before_or_new() -> None:
    design = proactive_interference.design(
        seed=2, n_keys=4, n_updates=(12,), n_lists=20, pool=13, test_type="recognition", **LISTS
    )
    tests, studies = design.tests, design.studies
    assert len(tests) == 12 * 20
    for row in range(len(tests)):
        own = studies.where((studies["list"] == tests["list"][row]) & (studies["time"] < tests["time"][row]))
        blocks = own["block"][own["target"] == tests["item"][row]].tolist()
        now = tests["block"][row]
        assert blocks == {"old": [now], "recent": [now - 1], "new": []}[str(tests["probe"][row])]
        assert tests["target"][row] == (tests["probe"][row] == "old")
    # Half old, a quarter recent (none in the first list), the rest new; four standard errors of 240.
    assert abs((tests["probe"] == "old").mean() - 0.5) < 4 * 0.5 / np.sqrt(240)
    assert not (tests["probe"][tests["block"] == 1] == "recent").any()
    right = Record(design, "knows", tests["target"])
    rows = measure(proactive_interference.measure("recognition"), right).rows
    assert rows["y"].tolist() == [1.0, 1.0, 1.0]
    assert rows["n"].sum() == len(tests)


def test_items_are_rows_of_the_vocabulary() -> None:
    design = proactive_interference.design(seed=1, n_keys=3, n_updates=(4,), pool=5, similarity=0.4)
    keys, shared, own = design.items[:3], design.items[3:5], design.items[5:].reshape(3, 3)
    assert ((keys >= 0) & (keys < 46)).all()
    for key, words in zip(keys, own, strict=True):
        assert ((words - 46) // 400 == key).all()
    assert not np.isin((shared - 46) // 400, keys).any()
    assert len(set(design.items.tolist())) == len(design.items)
    many = proactive_interference.design(seed=1, n_keys=50, n_updates=(2,), pool=410).items
    assert len(set(many.tolist())) == len(many)


def test_accuracy_by_list_and_the_release_by_hand() -> None:
    design = proactive_interference.design(seed=1, n_keys=2, n_updates=(4,), n_lists=1, shift_after=3, **LISTS)
    wrong = np.where(np.isin(design.tests["block"], (2, 3)), -1, design.tests["target"])
    curve = measure(proactive_interference.measure("accuracy_by_list"), Record(design, "somebody", wrong))
    assert curve.pool().rows["y"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert release(curve, 3) == (1.0, 0.0)
    half = Curve("accuracy_by_list", "s", Trials({"x": [3.0, 4.0], "y": [0.5, 0.8], "n": [25.0, 16.0],
                                                  "sd": [0.5, 0.4]}))  # fmt: skip
    assert release(half, 3) == (pytest.approx(0.3), pytest.approx(np.sqrt(0.01 + 0.01)))
    with pytest.raises(UserError, match="no lists 4 and 5"):
        release(curve, 4)
    with pytest.raises(UserError, match='set test_after="list"'):
        measure(proactive_interference.measure("accuracy_by_list"), by_hand([4, 6] * 3))


def test_the_slope_leaves_out_what_lies_on_the_floor() -> None:
    n = np.array([1.0, 10.0, 100.0, 1000.0, 10_000.0])
    slope, intercept, _ = log_linear(n, np.array([0.9, 0.5, 0.1, 0.0, 0.0]))
    by_four = np.polyfit(np.log10(n[:4]), [0.9, 0.5, 0.1, 0.0], 1)
    assert (slope, intercept) == pytest.approx(tuple(by_four))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: proactive_interference.design(seed=1, n_updates=(65,)), "65 different values but has a pool of 64"),
        (lambda: proactive_interference.design(seed=1, n_updates=()), "1 or more"),
        (lambda: proactive_interference.design(seed=1, order="sequential"), "random, lists, blocked"),
        (lambda: proactive_interference.design(seed=1, query="lats"), "did you mean 'last'"),
        (lambda: proactive_interference.design(seed=1, instruction="forgt"), "did you mean 'forget'"),
        (lambda: proactive_interference.design(seed=1, n_keys=1), "two keys or more"),
        (lambda: proactive_interference.design(seed=1, similarity=1.5), "share from 0 to 1"),
        (lambda: proactive_interference.design(seed=1, n_keys=0), "n_keys of at least 1"),
        (lambda: proactive_interference.design(seed=1, test_after="list"), 'set order="lists"'),
        (lambda: proactive_interference.design(seed=1, shift_after=2, order="lists"), 'with test_after="list"'),
        (lambda: proactive_interference.design(seed=1, query="first", **LISTS), "its own values are asked for"),
        (lambda: proactive_interference.design(seed=1, n_updates=(4,), pool=4, test_type="recognition"), "pool 5 or"),
        (lambda: classify(run(RECOGNITION, SUBJECT, seed=1)), "answered yes or no"),
        (lambda: measure(proactive_interference.measure("recognition"), by_hand([4, 6] * 3)), "reads yes and no"),
        (lambda: classify(Record(FORGETTING, "x", np.zeros(len(FORGETTING.tests)))), "no streams of updates"),
        (lambda: measure(proactive_interference.measure("intrusion_lag"), by_hand([4, 6] * 3)), "no older value"),
    ],
)
def test_bad_input_is_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


RECOGNITION = proactive_interference.design(seed=1, n_keys=2, n_updates=(2,), n_lists=1, test_type="recognition")
SUBJECT = cue_overload.subject(decay=1.0, leak=0.1, omission=0.1)
FORGETTING = forgetting_curve.design(seed=1, n_items=3)
