"""Old or new in lists: chances counted by hand, REM's mirror effect, what fits find again, people's shares."""

from __future__ import annotations

import pickle  # noqa: TID251  (only to see that tasks survive the way to a worker process)
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import Source
from cogmem.errors import UserError
from cogmem.figures import recognition_people
from cogmem.figures.figure import Drawing, Panel
from cogmem.figures.page import write
from cogmem.fitting import populations
from cogmem.fitting.ratings import RatingFit, log_counts
from cogmem.human_data.loading import load
from cogmem.jobs import kind_counts, recognition_lists
from cogmem.jobs.outcomes import Outcome
from cogmem.models import recognition_rem
from cogmem.models.recognition_lists import (
    FREQUENT,
    LAG,
    LIST_MODELS,
    MOST,
    SET_SIZE,
    WORD_MODELS,
    ListModel,
    exponential,
    lag_free,
    one_strength,
    power_law,
    rem_called_old,
    rem_frequency,
    rem_table,
    two_strengths,
)
from cogmem.models.recognition_tables import tabulate, tabulate_as_drawn
from cogmem.subjects.parameters import constrained
from tests.test_pair_models import Array

MODELS = (*WORD_MODELS, *LIST_MODELS)
NEW, ONCE, TWICE = 0, 1, 2
"""Places of words that were not shown, shown once and shown twice before, among the conditions of one frequency."""


def old(model: ListModel, *theta: float, lapse: float = 0.0) -> Array:
    return model.chances(np.array([*theta, lapse]))[:, 0]


def by_frequency(chances: Array) -> tuple[Array, Array]:
    """Return (rare, frequent) by presentations."""
    return chances[FREQUENT == 0], chances[FREQUENT == 1]


def condition(set_size: int, lag: int) -> int:
    return int(np.flatnonzero((set_size == SET_SIZE) & (lag == LAG))[0])


# ---- chances ---------------------------------------------------------------------------------------------------------


def test_one_strength_is_the_written_out_normal_distribution() -> None:
    # d' = 1, growth 1, criterion 1: of the standard normal .15866 is above 1, .5 above 0, .84134 above -1.
    rare, frequent = by_frequency(old(one_strength, 1.0, 1.0, 1.0))
    np.testing.assert_allclose(rare[:4], [0.15866, 0.5, 0.84134, 0.97725], atol=1e-5)
    np.testing.assert_array_equal(rare, frequent)
    # Growth 2 takes the word shown twice to d' = 4, three above the criterion.
    assert old(one_strength, 1.0, 2.0, 1.0)[TWICE] == pytest.approx(0.99865, abs=1e-5)


def test_two_strengths_give_each_frequency_its_own() -> None:
    # Rare: d' 2 and criterion 1; frequent: d' 1 and criterion 0: each is one above its criterion when old.
    rare, frequent = by_frequency(old(two_strengths, 2.0, 1.0, 1.0, 1.0, 0.0))
    np.testing.assert_allclose(rare[[NEW, ONCE]], [0.15866, 0.84134], atol=1e-5)
    np.testing.assert_allclose(frequent[[NEW, ONCE]], [0.5, 0.84134], atol=1e-5)
    one = old(one_strength, 1.5, 0.5, 0.7, lapse=0.1)
    np.testing.assert_array_equal(old(two_strengths, 1.5, 1.5, 0.5, 0.7, 0.7, lapse=0.1), one)


def test_half_of_the_lapses_are_called_old() -> None:
    # A tenth lapses: .05 + .9 x .15866 and .05 + .9 x .5.
    np.testing.assert_allclose(old(one_strength, 1.0, 1.0, 1.0, lapse=0.1)[:2], [0.192794, 0.5], atol=1e-5)


def test_strength_falls_with_the_lag_as_a_power_or_exponentially() -> None:
    # d' = 4, criterion 2, rate 1: at lag 2 the power leaves 2, the exponential 4 / e = 1.47152.
    theta = (4.0, 2.0, 0.0, 1.0)
    power, decay, level = old(power_law, *theta), old(exponential, *theta), old(lag_free, *theta[:3])
    for found in (power, decay, level):
        np.testing.assert_allclose(found[LAG == 0], 0.02275, atol=1e-5)
        np.testing.assert_allclose(found[LAG == 1], 0.97725, atol=1e-5)
    assert power[condition(5, 2)] == pytest.approx(0.5)
    # Of the standard normal .15866 is above 1 (power at lag 4: 4 / 4), .29858 above .52848.
    assert power[condition(5, 4)] == pytest.approx(0.15866, abs=1e-5)
    assert decay[condition(5, 2)] == pytest.approx(0.29858, abs=1e-5)
    np.testing.assert_allclose(level[LAG == 5], 0.97725, atol=1e-5)


def test_the_criterion_moves_with_the_set_size() -> None:
    # From 1 at three items by 0.5 an item: 0 at one item, 2 at five.
    found = old(lag_free, 3.0, 1.0, 0.5)
    assert found[condition(1, 0)] == pytest.approx(0.5)
    assert found[condition(1, 1)] == pytest.approx(0.99865, abs=1e-5)
    assert found[condition(5, 0)] == pytest.approx(0.02275, abs=1e-5)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.name)
def test_chances_sum_to_one_wherever_points_are_drawn(model: ListModel) -> None:
    loc, scale = (np.array([getattr(each, name) for each in model.parameters]) for name in ("loc", "scale"))
    z = loc + 20 * scale * np.random.default_rng(1).standard_t(5, (3, 100, len(loc)))
    found = model.chances(constrained(model.parameters, z))
    assert found.shape == (3, 100, 20, 2)
    assert ((found >= 0) & (found <= 1)).all()
    np.testing.assert_allclose(found.sum(axis=-1), 1.0)


# ---- REM -------------------------------------------------------------------------------------------------------------


def test_rem_odds_of_new_words_have_a_mean_of_one() -> None:
    # The mean of a likelihood ratio is 1 where its denominator is true: for words of the rate that it knows.
    stored = np.array([0.02, 0.05, 0.1])
    odds = np.exp(recognition_rem.repeated(stored, 1, draws=4000, seed=3)[0])
    error = odds.std(axis=1) / np.sqrt(odds.shape[1])
    assert (abs(odds.mean(axis=1) - 1) < 4 * error).all()
    assert error.max() < 0.05


def test_rem_stores_more_with_every_presentation() -> None:
    # Two presentations that store 0.19 are one of 1 - 0.81^2 = 0.3439, for the word; others are as they were.
    found = recognition_rem.repeated(np.array([0.1, 0.19]), 2, draws=2000, seed=3, length=1)
    assert (np.diff(found.mean(axis=-1), axis=0) > 0).all()
    # With no other traces, 0.1 twice is 0.19 once: the same features are stored.
    np.testing.assert_allclose(found[TWICE, 0], found[ONCE, 1])


def test_rems_other_traces_hold_their_own_features() -> None:
    # A frequent word, traces of it, of a rare and of a frequent word: a feature matches with c P(value of the trace) +
    # (1 - c) P(value at all), and the word's own with c + (1 - c) P(value at all).
    new, old_ones, _ = recognition_rem._evidence(
        np.random.default_rng(6), 4000, length=3, own=0.45, others=(0.325, 0.45)
    )
    values = np.arange(1, 200)
    own, rare, at_all = (recognition_rem.base_rate(values, g) for g in (0.45, 0.325, 0.4))
    strange = [(own * (0.7 * each + 0.3 * at_all)).sum() for each in (rare, own, rare)]
    # Of 80,000 features a share has a standard error of 0.0018 at most.
    np.testing.assert_allclose((new > 0).mean(axis=(0, 2)), strange, atol=0.007)
    assert strange[1] - strange[0] > 0.03
    assert (old_ones[:, 0] > 0).mean() == pytest.approx(0.7 + 0.3 * (own * at_all).sum(), abs=0.007)
    np.testing.assert_array_equal(old_ones[:, 1:], new[:, 1:])


def test_rem_of_few_traces_by_hand() -> None:
    # Nothing is stored: each of the traces has a likelihood ratio of 1, and so has their mean.
    found = recognition_rem.repeated(np.array([0.0]), 1, draws=1000, seed=3, length=3)
    np.testing.assert_allclose(found, 0.0, atol=1e-12)


@pytest.mark.parametrize("place", [0.2, 0.4, 0.6, 0.8])
def test_rems_mirror_effect(place: float) -> None:
    # At odds of 1, where most answers are right, and for all that people may store at once.
    rare, frequent = by_frequency(old(rem_frequency, place, 0.0))
    # Of two shares of 10,000 draws the difference has a standard error of 0.007 at most; later words are near 1.
    assert (rare[[ONCE, TWICE]] > frequent[[ONCE, TWICE]] + 0.021).all()
    assert (rare[ONCE:] > frequent[ONCE:]).all()
    assert rare[NEW] < frequent[NEW] - 0.021


def test_without_a_difference_of_features_there_is_no_mirror_effect() -> None:
    rare, frequent = by_frequency(rem_called_old(np.array([[0.5, 0.3]]), rem_table(0.4, 0.4))[0])
    np.testing.assert_array_equal(rare, frequent)
    # Nor can one strength show it, whatever its parameters.
    for seed in range(5):
        theta = np.random.default_rng(seed).uniform(0.1, 2.0, 3)
        rare, frequent = by_frequency(old(one_strength, *theta))
        np.testing.assert_array_equal(rare, frequent)


def test_rem_chances_are_those_of_its_draws() -> None:
    place, k = 0.5, 11  # of the 23 simulated shares the middle one
    drawn = recognition_rem.repeated(np.linspace(0.02, 0.9, 23)[k : k + 1], MOST, draws=10_000, seed=2000, length=96,
                                     own=0.45, others=(0.325, 0.45))  # fmt: skip
    _, frequent = by_frequency(old(rem_frequency, place, 1.0))
    # The same draws: what differs is smoothing over 0.14 nats and over neighbouring shares.
    np.testing.assert_allclose(frequent, (drawn[:, 0] > 1.0).mean(axis=-1), atol=0.01)


def test_a_table_as_drawn_is_not_rescaled() -> None:
    rng = np.random.default_rng(5)
    strengths, draws = np.linspace(0, 1, 3), 2.0 * rng.standard_normal((3, 20_000)) + 3.0
    table = tabulate_as_drawn(strengths, [draws, draws + 1.0, draws + 2.0])
    found = table.cumulative(np.array([0.5]), np.array([[3.0, 5.0]]))
    # Normal(3, 2), Normal(4, 2) and Normal(5, 2) below 3 and below 5; 0.01 is three standard errors of a share.
    wanted = [[0.5, 0.84134], [0.30854, 0.69146], [0.15866, 0.5]]
    np.testing.assert_allclose(found[0], wanted, atol=0.011)
    scaled = tabulate(strengths, draws, draws + 1.0).cumulative(np.array([0.5]), np.array([[0.0, 1.0]]))
    np.testing.assert_allclose(scaled[0], wanted[:2], atol=0.011)


def test_a_table_wants_as_many_rows_of_draws_as_strengths() -> None:
    with pytest.raises(UserError, match="three or more strengths"):
        tabulate_as_drawn(np.linspace(0, 1, 3), [np.zeros((3, 300)), np.zeros((2, 300))])


# ---- people ----------------------------------------------------------------------------------------------------------


def test_halves_hold_half_of_each_condition() -> None:
    whole = np.array([[[7.0, 0.0], [3.0, 5.0]], [[0.0, 1.0], [10.0, 10.0]]])
    found = kind_counts.parted(("a", "b"), whole, seed=1)
    np.testing.assert_array_equal(found.first + found.second, whole)
    # Of 7, 8, 1 and 20 answers; an odd one is in the second half.
    assert found.first.sum(axis=-1).tolist() == [[3, 4], [0, 10]]
    np.testing.assert_array_equal(kind_counts.parted(("a", "b"), whole, seed=1).first, found.first)
    assert (kind_counts.parted(("a", "b"), whole, seed=2).first != found.first).any()


@pytest.mark.parametrize(
    ("data", "people", "answers"), [("reder_2000", 22, 22 * 384), ("donkin_nosofsky_2012", 7, 25_513)]
)
def test_counts_are_the_tables(data: str, people: int, answers: int) -> None:
    halved, rows = recognition_lists.halves(data), load(data).rows
    counts = halved.first + halved.second
    assert (len(halved.people), counts.sum()) == (people, answers)
    for k in np.random.default_rng(1).integers(0, len(rows), 20):
        person, own = halved.people.index(str(rows["participant"][k])), recognition_lists.DATA[data].columns
        place = int(np.flatnonzero(np.all([rows[name][k] == values for name, values in own.items()], axis=0))[0])
        assert counts[person, place].tolist() == [rows["correct"][k], rows["n"][k] - rows["correct"][k]]


def test_peoples_shares_are_those_of_the_tables_notes() -> None:
    found = recognition_lists.people_shares("reder_2000")
    # The registry: new words are called old in .169 (frequent) and .044 (rare), words shown once in .821 and .875.
    assert found["frequent_words"].rows["y"][:2] == pytest.approx([0.169, 0.821], abs=5e-4)
    assert found["rare_words"].rows["y"][:2] == pytest.approx([0.044, 0.875], abs=5e-4)
    assert found["rare_words"].rows["x"].tolist() == list(range(10))
    words = load("reder_2000").rows
    new = words.where((words["frequent"] == 1) & (words["repetitions"] == 0))
    assert found["frequent_words"].se[0] == pytest.approx(new["y"].std() / np.sqrt(22))


def test_hits_are_pooled_over_set_sizes_within_each_person() -> None:
    found, rows = recognition_lists.people_shares("donkin_nosofsky_2012"), load("donkin_nosofsky_2012").rows
    shares = []
    for person in "1234567":
        own = rows.where((rows["participant"] == person) & (rows["lag"] == 4))
        shares.append(own["correct"].sum() / own["n"].sum())
    assert found["hits_by_lag"].rows["y"][3] == pytest.approx(np.mean(shares))
    alarms = rows.where((rows["set_size"] == 5) & (rows["lag"] == 0))
    assert found["false_alarms"].rows["y"][4] == pytest.approx(alarms["y"].mean())


@pytest.mark.parametrize("data", recognition_lists.DATA)
def test_people_and_who_does_as_they_do_have_the_same_curve(data: str) -> None:
    human = recognition_lists.people(data).pool().rows
    own = recognition_lists.people_shares(data)["called_old"].rows
    for name in ("x", "y", "n"):
        np.testing.assert_allclose(human[name], own[name])


# ---- line-ups and figures --------------------------------------------------------------------------------------------


MADE_UP = Source(who="made up", kind="step")


def made_up() -> list[Outcome]:
    """Return outcomes of all tasks in which every subject is people themselves, later ones with a worse score."""
    found = []
    for k, (spec, _) in enumerate(recognition_lists.tasks(1)):
        shares = recognition_lists.people_shares(spec["part"])
        own = {name: replace(each, subject=spec["subject"], source=MADE_UP) for name, each in shares.items()}
        n = len(recognition_lists.halves(spec["part"]).people)
        empty = kind_counts.Trials({})
        found.append(Outcome(spec["subject"], "step", -10.0 * (k + 1) - np.arange(n), own, empty))
    return found


def test_tasks_go_to_workers_and_name_everybody_once() -> None:
    tasks = recognition_lists.tasks(1)
    assert len(pickle.loads(pickle.dumps(tasks))) == 8
    names = [(spec["part"], spec["subject"]) for spec, _ in tasks]
    assert names == [("reder_2000", name) for name in ("one_strength", "two_strengths", "rem_frequency", "people")] + [
        ("donkin_nosofsky_2012", name) for name in ("power_law", "exponential", "lag_free", "people")
    ]


def test_line_ups_rank_the_models_of_each_data_set() -> None:
    found = recognition_lists.line_ups(made_up())
    names = {data: [each.agreement.subject for each in line_up.entries] for data, line_up in found.items()}
    assert names == {
        "reder_2000": ["reder_2000", "one_strength", "two_strengths", "rem_frequency"],
        "donkin_nosofsky_2012": ["donkin_nosofsky_2012", "power_law", "exponential", "lag_free"],
    }
    first = found["donkin_nosofsky_2012"].entries[1].agreement
    assert first.n == 25_513
    # -50 to -56 nats of seven people, over all answers.
    assert first.elpd_per_test == pytest.approx(-(7 * 50 + 21) / 25_513)
    assert first.rmse == pytest.approx(0.0, abs=1e-12)
    with pytest.raises(UserError, match="all and in order"):
        recognition_lists.line_ups(made_up()[1:])


def test_everybody_is_so_far_behind_the_best() -> None:
    found = recognition_lists.behind(made_up())["donkin_nosofsky_2012"]
    assert found["subject"].tolist() == ["power_law", "exponential", "lag_free", "people"]
    # Made-up scores differ by 10 nats for each of seven people.
    np.testing.assert_allclose(found["behind"], np.arange(4) * 70 / 25_513)


def test_panels_show_people_with_intervals_and_models_as_lines(tmp_path: Path) -> None:
    outcomes = made_up()
    panels = recognition_people.panels(recognition_lists.curves(outcomes), recognition_lists.behind(outcomes))
    assert len(panels) == 5
    mirror = panels[0].series
    assert [each.label for each in mirror if each.kind == "human"] == ["people, rare", "people, frequent"]
    people = mirror[0].rows
    assert (people["lower"] < people["y"])[0]
    assert np.isnan(mirror[1].rows["lower"]).all()
    choices = Panel("Old or new?", "", "", (recognition_people.forced_choice(),))
    write(Drawing((*panels, choices), "caption"), "lists", tmp_path)
    assert (tmp_path / "lists.pdf").exists()


def test_published_choices_that_were_seen_in_a_text() -> None:
    found = recognition_people.forced_choice()
    points = sorted(zip(found.rows["x"].tolist(), found.rows["y"].tolist(), strict=True))
    # Shepard after three days and at once (the median), Brady et al. with three kinds of foils, Standing's 10,000.
    assert points == [(612, 0.92), (612, 0.985), (2500, 0.87), (2500, 0.88), (2500, 0.92), (10_000, 0.83)]
    assert (found.kind, found.joined) == ("human", False)


# ---- fits ------------------------------------------------------------------------------------------------------------


def somebody(model: ListModel, n: int, trials: int, *, seed: int) -> tuple[Array, Array]:
    """Return theta (n, parameters) of people of the prior, half as wide, and their counts (n, conditions, 2)."""
    rng = np.random.default_rng(seed)
    loc, scale = (np.array([getattr(each, name) for each in model.parameters]) for name in ("loc", "scale"))
    theta = constrained(model.parameters, loc + 0.5 * scale * rng.standard_normal((n, len(loc))))
    return theta, rng.multinomial(trials, model.chances(theta)).astype(np.float64)


def fits_of(model: ListModel, counts: Array) -> tuple[populations.PopulationFit, RatingFit]:
    done = populations.fit_population(model.parameters, model.chances, counts, seed=1)
    people = tuple(str(k) for k in range(len(counts)))
    return done, recognition_lists.own_fit(people, done, model.chances, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("model", [one_strength, rem_frequency, power_law], ids=lambda model: model.name)
def test_simulated_people_are_found_again(model: ListModel) -> None:
    theta, counts = somebody(model, 20, 200, seed=7)
    done, own = fits_of(model, counts)
    loc, scale = (np.array([getattr(each, name) for each in model.parameters]) for name in ("loc", "scale"))
    # The mean of 20 people has a standard error of 0.5 scale / sqrt(20) = 0.11 scale, which the fit knows of; what
    # little is left is between points.
    assert (abs(done.mu.mean(axis=0) - loc) < 4 * done.mu.std(axis=0) + 0.05 * scale).all()
    assert (done.mu.std(axis=0) < 0.4 * scale).all()
    # Ninety of a hundred are within 90 % intervals: 0.9 of 80 or more with a standard error of 0.034, less four.
    lower, upper = np.quantile(own.done.theta, [0.05, 0.95], axis=0)
    assert ((lower < theta) & (theta < upper)).mean() > 0.9 - 4 * 0.034
    # What each does is told better than by the mean of all.
    chances = model.chances(theta)
    assert abs(own.predicted() - chances).mean() < 0.5 * abs(chances.mean(axis=0) - chances).mean()


@pytest.mark.slow
def test_who_forgets_is_told_from_who_does_not() -> None:
    for truth, other in ((power_law, lag_free), (two_strengths, one_strength)):
        theta, counts = somebody(truth, 10, 100, seed=8)
        left_out = np.random.default_rng(9).multinomial(100, truth.chances(theta)).astype(np.float64)
        right, wrong = (fits_of(model, counts)[1].held_out(left_out).sum() for model in (truth, other))
        known = log_counts(left_out, truth.chances(theta)).sum()
        assert wrong < right - 20
        # Nobody does better than who knows the parameters, by more than chance; learning them costs half a nat or so
        # each.
        assert known - 10 * len(truth.parameters) < right < known + 10


@pytest.mark.slow
def test_a_fit_does_not_depend_on_when_it_is_made() -> None:
    one, two = (recognition_lists.model_outcome("donkin_nosofsky_2012", "lag_free", 1) for _ in range(2))
    np.testing.assert_array_equal(one.scores, two.scores)
    for name, curve in one.curves.items():
        np.testing.assert_array_equal(curve.rows["y"], two.curves[name].rows["y"])
    other = recognition_lists.model_outcome("donkin_nosofsky_2012", "lag_free", 2)
    # Of 25,513 answers: each half's draws are a thousand or more effective ones a person.
    assert abs(other.scores - one.scores).sum() < 5.0
