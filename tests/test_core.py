"""The nouns and the verbs run, chain and measure, on experiments that can be counted by hand."""

from __future__ import annotations

from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Kind, Measure, Paradigm, Record, Subject, chain, measure, run
from cogmem.errors import UserError
from cogmem.trials import Trials


@dataclass(frozen=True)
class CountdownSettings:
    n_items: int = 3


def _build(settings: CountdownSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    phase = ["study"] * settings.n_items + ["test"] * settings.n_items
    return Trials({"phase": phase, "item": [*range(settings.n_items)] * 2}), rng.normal(size=settings.n_items)


def _follow(record: Record) -> tuple[Trials, NDArray[Any]]:
    return record.design.trials, record.answers


def _mean(record: Record) -> Trials:
    answers = record.answers.astype(float)
    return Trials({"x": [0.0], "y": [answers.mean()], "n": [float(len(answers))], "sd": [answers.std()]})


MEAN = Measure("mean", "x", "y", _mean)
COUNTDOWN = Paradigm("countdown", 1, "none", CountdownSettings, _build, (MEAN,), follow=_follow)
DESIGN = COUNTDOWN.design(seed=1)


@dataclass(frozen=True)
class Scaler:
    """Answers each item times `factor`."""

    factor: float
    name: str = "scaler"
    kind: Kind = "equation"
    needs: frozenset[str] = frozenset({"item"})

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        return np.asarray(design.items[design.tests["item"]] * self.factor)


@dataclass(frozen=True)
class Guesser:
    """Answers at random."""

    name: str = "guesser"
    kind: Kind = "equation"
    needs: frozenset[str] = frozenset()

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[Any]:
        return rng.random(len(design.tests))


def test_designs_have_study_and_test_rows_and_frozen_items() -> None:
    assert len(DESIGN.studies) == len(DESIGN.tests) == 3
    assert DESIGN.settings["n_items"] == 3
    assert not DESIGN.items.flags.writeable
    with pytest.raises(UserError, match="no column 'phase'"):
        Design("p", 1, {}, 0, Trials({"x": [1]}), np.zeros(1))


def test_the_same_seed_gives_the_same_design_and_another_seed_another() -> None:
    assert np.array_equal(DESIGN.items, COUNTDOWN.design(seed=1).items)
    assert not np.array_equal(DESIGN.items, COUNTDOWN.design(seed=2).items)


def test_an_unknown_setting_or_measure_names_the_nearest() -> None:
    with pytest.raises(UserError, match=r"no setting 'n_item'; did you mean 'n_items'\?"):
        COUNTDOWN.design(seed=1, n_item=4)
    with pytest.raises(UserError, match=r"no measure 'maen'; did you mean 'mean'\?"):
        COUNTDOWN.measure("maen")


def test_run_returns_one_answer_a_test_and_is_reproducible() -> None:
    record = run(DESIGN, Scaler(2.0), seed=3)
    assert record.answers.tolist() == (2.0 * DESIGN.items).tolist()
    assert (record.subject, record.source.who, record.source.kind) == ("scaler", "scaler", "equation")
    first, again, other = (run(DESIGN, Guesser(), seed=seed).answers.tolist() for seed in (3, 3, 4))
    assert first == again != other
    assert isinstance(Guesser(), Subject)


def test_run_says_which_column_a_subject_misses() -> None:
    with pytest.raises(UserError, match="The subject 'scaler' needs the column 'retention_interval'"):
        run(DESIGN, Scaler(1.0, needs=frozenset({"retention_interval"})), seed=1)


def test_a_record_needs_one_row_of_answers_a_test() -> None:
    with pytest.raises(UserError, match=r"shape \(2,\).*3 tests"):
        Record(DESIGN, "me", np.zeros(2))
    assert Record(DESIGN, "me", np.zeros((3, 5))).answers.shape == (3, 5)


def test_right_is_the_target_where_there_is_one_else_option_one() -> None:
    assert Record(DESIGN, "me", np.array([1, 0, -1])).right.tolist() == [True, False, False]
    trials = DESIGN.trials.with_columns({"target": [0] * 3 + [2, 0, 1]})
    chosen = Design("p", 1, {}, 0, trials, DESIGN.items)
    assert Record(chosen, "me", np.array([2, 1, 1])).right.tolist() == [True, False, True]


def test_records_and_designs_survive_the_way_to_a_worker_process() -> None:
    copy = ForkingPickler.loads(ForkingPickler.dumps(run(DESIGN, Scaler(2.0), seed=3)))
    assert copy.answers.tolist() == (2.0 * DESIGN.items).tolist()
    assert not copy.answers.flags.writeable
    assert dict(copy.design.settings) == {"n_items": 3}


def test_a_chain_hands_the_answers_on_as_the_next_items() -> None:
    records = chain(COUNTDOWN, [Scaler(2.0), Scaler(3.0)], DESIGN, generations=3, seed=5)
    # Subjects take turns: times 2, then times 3, then times 2 again.
    assert [record.answers[0] / DESIGN.items[0] for record in records] == pytest.approx([2.0, 6.0, 12.0])


def test_a_chain_is_reproducible_and_each_generation_has_its_own_randomness() -> None:
    first, again = (chain(COUNTDOWN, [Guesser()], DESIGN, generations=3, seed=5) for _ in range(2))
    assert [record.answers.tolist() for record in first] == [record.answers.tolist() for record in again]
    assert len({tuple(record.answers) for record in first}) == 3


def test_chains_that_cannot_be_are_refused() -> None:
    single = Paradigm("single", 1, "none", CountdownSettings, _build, (MEAN,))
    with pytest.raises(UserError, match="single cannot be chained"):
        chain(single, [Guesser()], DESIGN, generations=2, seed=1)
    with pytest.raises(UserError, match="at least one subject and one generation"):
        chain(COUNTDOWN, [], DESIGN, generations=2, seed=1)
    with pytest.raises(UserError, match="at least one subject and one generation"):
        chain(COUNTDOWN, [Guesser()], DESIGN, generations=0, seed=1)


def test_measure_joins_the_records_of_one_subject() -> None:
    records = [run(DESIGN, Scaler(factor), seed=1) for factor in (1.0, 3.0)]
    curve = measure(MEAN, records)
    assert (curve.measure, curve.subject, len(curve.rows)) == ("mean", "scaler", 2)
    assert curve.rows["y"].tolist() == pytest.approx([DESIGN.items.mean(), 3 * DESIGN.items.mean()])
    with pytest.raises(UserError, match=r"records of one subject; got \['guesser', 'scaler'\]"):
        measure(MEAN, [*records, run(DESIGN, Guesser(), seed=1)])


def test_a_curve_needs_its_four_columns_and_knows_its_standard_errors() -> None:
    with pytest.raises(UserError, match="n, sd missing"):
        Curve("m", "s", Trials({"x": [1.0], "y": [1.0]}))
    curve = Curve("m", "s", Trials({"x": [1.0, 2.0], "y": [0.5, 0.5], "n": [25.0, 1.0], "sd": [0.5, np.nan]}))
    assert curve.se.tolist()[0] == 0.1
    assert np.isnan(curve.se[1])
    assert curve.participants.tolist() == ["all"]


def test_pooling_is_exact() -> None:
    # Person a: 1 1 0 0 at x = 1; person b: 1 1 1 0 1 1 there. Together 7 of 10, sd sqrt(.7 * .3).
    rows = {
        "participant": ["a", "b", "a"], "x": [1.0, 1.0, 2.0], "y": [0.5, 5 / 6, 0.25], "n": [4.0, 6.0, 4.0],
        "sd": [0.5, np.sqrt(5 / 36), np.sqrt(3 / 16)], "correct": [2, 5, 1], "retention_interval": [60.0, 60.0, 120.0],
    }  # fmt: skip
    pooled = Curve("m", "s", Trials(rows)).pool().rows
    assert pooled["x"].tolist() == [1.0, 2.0]
    assert pooled["y"].tolist() == pytest.approx([0.7, 0.25])
    assert pooled["n"].tolist() == [10.0, 4.0]
    assert pooled["correct"].tolist() == [7, 1]
    assert pooled["sd"].tolist() == pytest.approx([np.sqrt(0.21), np.sqrt(3 / 16)])
    assert pooled["retention_interval"].tolist() == [60.0, 120.0]
    assert "participant" not in pooled


def test_pooling_by_a_column_keeps_its_values_apart() -> None:
    rows = {"x": [1.0] * 3, "y": [0.0, 1.0, 1.0], "n": [1.0] * 3, "sd": [0.0] * 3, "condition": ["b", "a", "b"]}
    pooled = Curve("m", "s", Trials(rows)).pool("condition").rows
    assert list(zip(pooled["condition"].tolist(), pooled["y"].tolist(), strict=True)) == [("a", 1.0), ("b", 0.5)]


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.floats(-5, 5), min_size=1, max_size=6), min_size=1, max_size=6))
def test_pooled_moments_are_those_of_all_observations(groups: list[list[float]]) -> None:
    rows = {
        "x": np.zeros(len(groups)), "y": [np.mean(group) for group in groups],
        "n": [float(len(group)) for group in groups], "sd": [np.std(group) for group in groups],
    }  # fmt: skip
    pooled = Curve("m", "s", Trials(rows)).pool().rows
    every = np.concatenate([np.asarray(group) for group in groups])
    assert pooled["n"][0] == len(every)
    assert pooled["y"][0] == pytest.approx(every.mean(), abs=1e-9)
    assert pooled["sd"][0] == pytest.approx(every.std(), abs=1e-7)  # A root of sums of squares: half the digits.
