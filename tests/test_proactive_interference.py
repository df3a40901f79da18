"""Proactive interference: the streams, the kinds of answers by hand, and the rule that competing values give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogmem.core import Design, Record, measure, run
from cogmem.errors import UserError
from cogmem.paradigms import forgetting_curve, proactive_interference
from cogmem.paradigms.interference_measures import classify, log_linear
from cogmem.subjects.cue_overload import CueOverload
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


@pytest.mark.parametrize(
    ("decay", "golden"),
    [
        (0.0, [1, 0.5, 0.25, 0.125, 0.0625, 1 / 64]),
        (0.5, [1, 0.5858, 0.3591, 0.2288, 0.1501, 0.0685]),
        (1.0, [1, 0.6667, 0.4800, 0.3679, 0.2958, 0.2108]),
        (1.5, [1, 0.7388, 0.5984, 0.5190, 0.4717, 0.4231]),
        (2.0, [1, 0.8000, 0.7024, 0.6547, 0.6312, 0.6137]),
    ],
)
def test_competing_values_give_the_golden_numbers(decay: float, golden: list[float]) -> None:
    levels = (1, 2, 4, 8, 16, 64)
    design = proactive_interference.design(seed=1, n_keys=2, n_updates=levels, n_lists=1, pool=64)
    forecast = CueOverload(decay).forecast(design)
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(forecast)))
    right = forecast[np.arange(len(forecast)), design.tests["target"]]
    for level, value in zip(levels, golden, strict=True):
        assert right[design.tests["updates"] == level] == pytest.approx(value, abs=5e-5)


def test_answers_follow_the_forecast() -> None:
    design = proactive_interference.design(seed=2, n_keys=4, n_updates=(6,), n_lists=300, pool=6)
    subject = CueOverload(1.0, leak=0.05, omission=0.2)
    forecast = subject.forecast(design)
    record = run(design, subject, seed=5)
    n = len(record.answers)
    expected = forecast[np.arange(n), design.tests["target"]].mean()
    # Four standard errors of a proportion of 1200.
    assert abs(record.right.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / n)
    none = forecast[:, -1].mean()
    assert abs((record.answers < 0).mean() - none) < 4 * np.sqrt(none * (1 - none) / n)
    lags = measure(proactive_interference.measure("intrusion_lag"), record).rows
    # Strengths 1/2, 1/3, ... of the lags 1, 2, ...: shares of these.
    wanted = (1 / np.arange(2.0, 7.0)) / (1 / np.arange(2.0, 7.0)).sum()
    assert lags["y"] == pytest.approx(wanted, abs=4 * 0.5 / np.sqrt(lags["n"][0]))


def test_proactive_and_retroactive_interference_of_one_store() -> None:
    settings: dict[str, Any] = {"n_keys": 4, "n_updates": (8,), "n_lists": 5}
    right = []
    for query in ("last", "first"):
        design = proactive_interference.design(seed=4, query=query, **settings)
        forecast = CueOverload(1.0).forecast(design)
        right.append(forecast[np.arange(len(forecast)), design.tests["target"]].mean())
    # The first of eight has an eighth of the strength of the last.
    assert right[0] == pytest.approx(8 * right[1])


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
        (lambda: CueOverload(-1.0), "decay of 0 or more"),
        (lambda: CueOverload(1.0, lag="pair"), "did you mean 'pairs'"),  # type: ignore[arg-type]
        (lambda: classify(Record(FORGETTING, "x", np.zeros(len(FORGETTING.tests)))), "no streams of updates"),
        (lambda: measure(proactive_interference.measure("intrusion_lag"), by_hand([4, 6] * 3)), "no older value"),
    ],
)
def test_bad_input_is_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


FORGETTING = forgetting_curve.design(seed=1, n_items=3)
