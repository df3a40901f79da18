"""The forgetting curve: rows, times and ages of its designs, and each measure worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from cogmem.columns import study_ages
from cogmem.core import Curve, Design, Record, measure
from cogmem.errors import UserError
from cogmem.paradigms import forgetting_curve
from cogmem.paradigms.forgetting_curves import d_prime, log_spaced
from cogmem.trials import Trials

CROSSED = {"n_items": 3, "retention_intervals": (60.0, 600.0), "repetitions": (1, 2), "spacing_gaps": (10.0, 100.0)}
"""Three conditions: one study (a gap means nothing there), two studies 10 s apart, two studies 100 s apart."""


def answered(design: Design, answers: list[int]) -> Record:
    return Record(design, "me", np.array(answers))


# ---- designs --------------------------------------------------------------------------------------------------------


def test_crossed_designs_test_each_item_after_every_interval() -> None:
    design = forgetting_curve.design(seed=1, **CROSSED)
    assert len(design.items) == 2 * 3 * 3  # Strings and a lure for each: 3 conditions x 3 items.
    assert len(design.studies) == 3 * (1 + 2 + 2)
    assert len(design.tests) == 3 * 3 * 2
    tests = design.tests
    assert {(int(r), float(g)) for r, g in zip(tests["repetitions"], tests["spacing_gap"], strict=True)} == {
        (1, 10.0), (2, 10.0), (2, 100.0)
    }  # fmt: skip
    for item in range(9):
        assert sorted(tests["retention_interval"][tests["item"] == item].tolist()) == [60.0, 600.0]


def test_designs_that_are_not_crossed_have_own_items_for_each_interval() -> None:
    design = forgetting_curve.design(seed=1, crossed=False, **CROSSED)
    assert len(design.items) == 2 * 3 * 3 * 2
    assert len(design.studies) == 2 * 3 * (1 + 2 + 2)
    assert len(design.tests) == 3 * 3 * 2
    assert sorted(design.tests["item"].tolist()) == list(range(18))
    assert sorted(set(design.studies["item"].tolist())) == list(range(18))


def check_ages(design: Design) -> None:
    """Check that intervals, ages and counts are those of the item's own studies up to each test."""
    ages = study_ages(design.tests)
    for row in range(len(design.tests)):
        item, now = design.tests["item"][row], design.tests["time"][row]
        studied = np.sort(design.studies["time"][design.studies["item"] == item])
        studied = studied[studied <= now]
        assert len(studied) == design.tests["repetitions"][row]
        assert ages[row][np.isfinite(ages[row])].tolist() == (now - studied).tolist()
        if len(studied):
            assert now - studied[-1] == design.tests["retention_interval"][row]


@pytest.mark.parametrize("crossed", [True, False])
@pytest.mark.parametrize("expansion", [1.0, 2.0])
def test_intervals_and_ages_agree_with_the_times_of_the_studies(crossed: bool, expansion: float) -> None:
    check_ages(forgetting_curve.design(
        seed=1, n_items=2, retention_intervals=(60.0, 600.0), repetitions=(0, 1, 4), spacing_gaps=(10.0, 100.0),
        crossed=crossed, expansion=expansion,
    ))  # fmt: skip


@pytest.mark.parametrize("expansion", [1.0, 2.0])
def test_a_learning_curve_tests_one_list_right_after_its_studies(expansion: float) -> None:
    design = forgetting_curve.design(
        seed=1, n_items=2, retention_intervals=(0.0, 60.0), repetitions=(0, 1, 2, 4), spacing_gaps=(10.0,),
        cumulative=True, expansion=expansion,
    )  # fmt: skip
    tests = design.tests
    # Two items never studied, at both intervals; two items after 1, 2 and 4 studies, and 60 s after the last.
    cells = zip(tests["repetitions"].tolist(), tests["retention_interval"].tolist(), strict=True)
    assert (
        sorted(cells)
        == [(0, 0.0)] * 2 + [(0, 60.0)] * 2 + [(1, 0.0)] * 2 + [(2, 0.0)] * 2 + [(4, 0.0)] * 2 + [(4, 60.0)] * 2
    )
    assert len(design.studies) == 2 * 4
    assert len(design.items) == 2 * (2 + 2)
    check_ages(design)


def test_an_expanding_schedule_has_gaps_that_grow_by_the_ratio() -> None:
    design = forgetting_curve.design(
        seed=1, n_items=1, retention_intervals=(5.0,), repetitions=(4,), spacing_gaps=(10.0,), expansion=2.0
    )
    # Gaps of 10, 20 and 40 s: studies at 0, 10, 30, 70 s and the test at 75 s.
    assert design.studies["time"].tolist() == [0.0, 10.0, 30.0, 70.0]
    assert design.tests["time"].tolist() == [75.0]
    assert study_ages(design.tests).tolist() == [[75.0, 65.0, 45.0, 5.0]]


def test_rows_are_in_the_order_of_time_for_each_person() -> None:
    design = forgetting_curve.design(seed=1, n_participants=3, **CROSSED)
    names = design.trials["participant"]
    assert list(dict.fromkeys(names.tolist())) == ["p001", "p002", "p003"]
    per_person = [design.trials["time"][names == name] for name in np.unique(names)]
    assert all((np.diff(times) >= 0).all() for times in per_person)
    assert {len(times) for times in per_person} == {15 + 18}


def test_elements_are_tested_one_by_one() -> None:
    tests = forgetting_curve.design(seed=1, n_items=2, n_elements=3, retention_intervals=(60.0,)).tests
    pairs = sorted(zip(tests["item"].tolist(), tests["element"].tolist(), strict=True))
    assert pairs == [(item, element) for item in range(2) for element in range(3)]


def test_recognition_offers_each_item_with_its_own_lure() -> None:
    design = forgetting_curve.design(seed=1, n_items=4, test_type="recognition", lure_type="one_word")
    tests = design.tests
    assert set(tests["guess"]) == {0.5}
    assert (tests["lure"] == tests["item"] + 4).all()
    differing = (design.items[tests["item"]] != design.items[tests["lure"]]).sum(axis=1)
    assert set(differing.tolist()) == {1}
    novel = forgetting_curve.design(seed=1, n_items=4, test_type="recognition")
    assert (novel.items[:4] != novel.items[4:]).any(axis=1).all()
    recall = forgetting_curve.design(seed=1, n_items=4).tests
    assert set(recall["guess"]) == {0.0}


def test_savings_designs_learn_each_list_once_and_relearn_it_once() -> None:
    tests = forgetting_curve.design(
        seed=1, n_items=2, test_type="savings", retention_intervals=(60.0, 600.0), n_participants=2
    ).tests
    assert (tests["test_type"] == "learning").sum() == (tests["test_type"] == "relearning").sum() == 2 * 2 * 2
    again = tests.where(tests["test_type"] == "relearning")
    assert (again["time"] == again["retention_interval"]).all()


def test_the_default_delays_are_log_spaced_from_a_minute_to_a_month() -> None:
    delays = forgetting_curve.settings().retention_intervals
    assert (delays[0], delays[-1], len(delays)) == (60.0, 2_592_000.0, 8)
    steps = np.diff(np.log(delays))
    assert np.ptp(steps) < 0.01 * steps.mean()  # Rounded to the second: half a second of 60 at the most.
    assert log_spaced(1, 100, 3) == (1.0, 10.0, 100.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_items": 0}, "n_items of at least 1; got 0"),
        ({"retention_intervals": ()}, "retention_intervals that are not negative, one or more"),
        ({"retention_intervals": (-1.0,)}, "retention_intervals that are not negative"),
        ({"repetitions": (-1,)}, "repetitions that are not negative"),
        ({"spacing_gaps": (float("nan"),)}, "spacing_gaps that are not negative"),
        ({"cumulative": True, "spacing_gaps": (0.0,)}, "gaps above 0 s"),
        ({"expansion": 0.0}, "expansion is the ratio"),
        ({"test_type": "recal"}, "recall, recognition or savings; got 'recal'"),
    ],
)
def test_impossible_settings_are_refused_with_what_was_given(settings: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        forgetting_curve.design(seed=1, **settings)


# ---- measures -------------------------------------------------------------------------------------------------------


def test_retention_is_the_share_of_right_answers_with_its_counts() -> None:
    design = forgetting_curve.design(seed=1, n_items=4, retention_intervals=(60.0, 600.0))
    # In order of time: four tests after 60 s, then four after 600 s; -1 is no answer.
    curve = measure(forgetting_curve.measure("retention"), answered(design, [1, 1, 1, 0, 1, 0, -1, 0]))
    assert curve.rows["x"].tolist() == [60.0, 600.0]
    assert curve.rows["y"].tolist() == [0.75, 0.25]
    assert curve.rows["n"].tolist() == [4.0, 4.0]
    assert curve.rows["correct"].tolist() == [3, 1]
    assert curve.rows["sd"].tolist() == pytest.approx([np.sqrt(3) / 4] * 2)  # sqrt(y (1 - y))
    assert curve.rows["participant"].tolist() == ["p001", "p001"]


def test_spacing_is_retention_over_the_gap() -> None:
    design = forgetting_curve.design(
        seed=1, n_items=2, retention_intervals=(60.0,), repetitions=(2,), spacing_gaps=(10.0, 100.0)
    )
    right = np.where(design.tests["spacing_gap"] == 100.0, 1, 0)
    curve = measure(forgetting_curve.measure("spacing"), answered(design, right.tolist()))
    assert dict(zip(curve.rows["x"].tolist(), curve.rows["y"].tolist(), strict=True)) == {10.0: 0.0, 100.0: 1.0}
    assert set(curve.rows["n"]) == {2.0}


def test_savings_are_the_share_of_the_learning_that_relearning_saves() -> None:
    design = forgetting_curve.design(seed=1, n_items=2, test_type="savings", retention_intervals=(60.0, 600.0))
    learned = {0: 20, 1: 10, 2: 8, 3: 10}
    needed = {0: 10, 1: 4, 2: 10, 3: 10}
    tests = design.tests
    counts = [
        (learned if kind == "learning" else needed)[item]
        for kind, item in zip(tests["test_type"].tolist(), tests["item"].tolist(), strict=True)
    ]
    rows = measure(forgetting_curve.measure("savings"), answered(design, counts)).rows
    # (20 - 10) / 20 = .5 and (10 - 4) / 10 = .6; then (8 - 10) / 8 = -.25 (savings may be negative) and 0.
    assert rows["x"].tolist() == [60.0, 600.0]
    assert rows["y"].tolist() == pytest.approx([0.55, -0.125])
    assert rows["sd"].tolist() == pytest.approx([0.05, 0.125])
    assert rows["n"].tolist() == [2.0, 2.0]


def test_savings_need_lists_that_were_relearned() -> None:
    design = forgetting_curve.design(seed=1, n_items=1, retention_intervals=(60.0,))
    with pytest.raises(UserError, match="test_type='savings'"):
        measure(forgetting_curve.measure("savings"), answered(design, [1]))


def test_d_prime_of_a_forced_choice_is_root_two_z() -> None:
    design = forgetting_curve.design(seed=1, n_items=64, test_type="recognition", retention_intervals=(60.0,))
    rows = measure(forgetting_curve.measure("d_prime"), answered(design, [1] * 48 + [0] * 16)).rows
    # p = 48.5 / 65 (log-linear) = .746154, z = .66244, d' = sqrt(2) z. Its variance is
    # 2 p (1 - p) / (64 phi(z)^2) with phi(z) = .398942 exp(-z^2 / 2) = .320346, so the error is .24020.
    assert rows["y"][0] == pytest.approx(0.93683, abs=5e-5)
    assert rows["sd"][0] == pytest.approx(0.24020, abs=5e-5)
    assert rows["n"][0] == 1.0


def test_d_prime_of_yes_no_answers_is_z_of_hits_less_z_of_false_alarms() -> None:
    probe = ["old"] * 10 + ["new"] * 10
    trials = Trials({
        "phase": ["test"] * 20, "participant": ["a"] * 20, "retention_interval": [60.0] * 20, "probe": probe,
        "target": [1] * 10 + [0] * 10,
    })  # fmt: skip
    answers = [1] * 8 + [0] * 2 + [1] * 3 + [0] * 7
    design = Design("p", 1, {}, 0, trials, np.zeros(1))
    rows = measure(forgetting_curve.measure("d_prime"), answered(design, answers)).rows
    # H = 8.5 / 11, F = 3.5 / 11: z = .747859 and -.472789 (tables of the normal distribution).
    assert rows["y"][0] == pytest.approx(1.22065, abs=5e-5)
    # Gourevitch & Galanter (1967): the root of H (1 - H) / (10 phi(zH)^2) + F (1 - F) / (10 phi(zF)^2).
    phi = np.exp(-0.5 * np.array([0.747859, 0.472789]) ** 2) / np.sqrt(2 * np.pi)
    variance = (8.5 * 2.5 / 121 / phi[0] ** 2 + 3.5 * 7.5 / 121 / phi[1] ** 2) / 10
    assert rows["sd"][0] == pytest.approx(np.sqrt(variance), rel=1e-4)


def test_d_prime_is_finite_for_perfect_performance_and_zero_at_chance() -> None:
    perfect, _ = d_prime(np.asarray(50.0), np.asarray(50.0), np.asarray(0.0), np.asarray(50.0))
    chance, _ = d_prime(np.asarray(25.0), np.asarray(50.0), np.asarray(25.0), np.asarray(50.0))
    assert np.isfinite(perfect)
    assert perfect > 4
    assert chance == 0


# ---- repeating people's experiment ----------------------------------------------------------------------------------


def test_like_repeats_delays_people_repetitions_and_gaps_of_a_table() -> None:
    assert forgetting_curve.like is not None
    rows = {
        "participant": ["a", "a", "b", "b"], "x": [60.0, 600.0] * 2, "retention_interval": [60.0, 600.0] * 2,
        "repetitions": [2] * 4, "spacing_gap": [5.0] * 4, "y": [0.5] * 4, "n": [20.0] * 4, "sd": [0.5] * 4,
    }  # fmt: skip
    settings = forgetting_curve.like(Curve("retention", "people", Trials(rows)))
    assert (settings.n_participants, settings.n_items, settings.test_type) == (2, 20, "recall")
    assert settings.retention_intervals == (60.0, 600.0)
    assert (settings.repetitions, settings.spacing_gaps) == ((2,), (5.0,))
    savings = forgetting_curve.like(Curve("savings", "people", Trials(rows)))
    assert savings.test_type == "savings"
