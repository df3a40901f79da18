"""The comparison of proactive interference: kinds of answers by hand, published shapes, the job from end to end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.figures import interference as figures
from cogmem.figures.figure import points_of
from cogmem.human_data import load
from cogmem.jobs import interference, keep_track, kind_counts, paired_lists
from cogmem.models.interference import cue_overload
from cogmem.store import Store
from cogmem.trials import Trials


def test_halves_of_peoples_answers_are_all_of_them() -> None:
    halves = keep_track.halves()
    assert len(halves.people) == 522
    whole = load("keep_track_2019").rows
    both = (halves.first + halves.second).sum(axis=0)
    for place, n_keys in enumerate(keep_track.N_KEYS):
        own = whole.where(whole["n_keys"] == n_keys)
        expected = [own[name].sum() for name in ("correct", "same_key", "omitted")]
        assert both[place].tolist() == expected
        assert both[place].sum() == own["n"].sum()


def test_everybody_takes_streams_like_those_of_people() -> None:
    asked = keep_track.design(streams=1)
    for n_keys in keep_track.N_KEYS:
        own = asked.trials.where(asked.trials["n_keys"] == n_keys)
        for stream in np.unique(own["list"]):
            part = own.where(own["list"] == stream)
            assert len(np.unique(part["cue"])) == keep_track.CATEGORIES
            assert (part["phase"] == "test").sum() == n_keys
            # Two or three words of each: 12 or 18, 15 on average.
            assert (part["phase"] == "study").sum() in (12, 18)
    assert (np.diff(asked.trials["time"]) >= 0).all()
    assert asked.trials["target"].max() < len(asked.items)


def test_kinds_of_answers_by_hand() -> None:
    asked = keep_track.design(streams=1)
    forecast = np.full((len(asked.tests), len(asked.items) + 1), 0.0)
    rows = np.arange(len(forecast))
    forecast[rows, asked.tests["target"]] = 0.5
    studies = asked.studies
    for row in rows:
        own = (studies["list"] == asked.tests["list"][row]) & (studies["cue"] == asked.tests["cue"][row])
        older = studies["target"][own & (studies["target"] != asked.tests["target"][row])]
        forecast[row, older] += 0.2 / len(older)
    forecast[:, -1] = 0.3
    assert keep_track.kinds_of(asked, forecast) == pytest.approx(np.tile([0.5, 0.2, 0.3], (len(rows), 1)))


def test_the_steps_and_the_forecast_of_a_model_tell_the_same_kinds() -> None:
    theta = {"decay": 1.2, "leak": 0.02, "omission": 0.3}
    from_steps = keep_track.predicted(cue_overload, keep_track.design())(np.array([list(theta.values())]))[0]
    assert keep_track.forecast_kinds(cue_overload.subject(**theta)) == pytest.approx(from_steps)


def test_the_link_by_hand() -> None:
    rule = kind_counts.linked(np.array([[0.5, 0.3, 0.2]] * 3))
    plain, flat, lapsed = rule(np.array([[1.0, 0.0], [2.0, 0.0], [1.0, 0.3]]))
    assert plain[0] == pytest.approx([0.5, 0.3, 0.2])
    roots = np.sqrt([0.5, 0.3, 0.2])
    assert flat[0] == pytest.approx(roots / roots.sum())
    assert lapsed[0] == pytest.approx([0.7 * 0.5 + 0.1, 0.7 * 0.3 + 0.1, 0.7 * 0.2 + 0.1])


def test_a_mean_over_people_and_its_error_by_hand() -> None:
    halves = keep_track.halves()
    mean, se = halves.mean_and_se(-0.5 * halves.answers)
    assert (mean, se) == (pytest.approx(-0.5), pytest.approx(0.0, abs=1e-9))


def test_halves_of_lists_are_all_answers_of_the_first_25() -> None:
    halves = paired_lists.halves()
    both = (halves.first + halves.second).sum(axis=0)
    whole = load("pal1_2024").rows
    for place in (0, 1, 24):
        own = whole.where(whole["x"] == place + 1)
        none = own["omitted"].sum() + own["unseen"].sum()
        assert both[place].tolist() == [own["correct"].sum(), own["prior_list"].sum(), own["same_list"].sum(), none]
    assert len(halves.people) == 72
    assert not halves.first[:, 1::2].any()
    assert not halves.second[:, 0::2].any()


def test_what_others_did_is_told_by_the_neighbours_of_a_missing_list() -> None:
    first = np.array([[[8.0, 2.0], [0, 0], [4, 6]]])
    second = np.array([[[0.0, 0.0], [9, 1], [0, 0]]])
    one, two = kind_counts.Halves(("somebody",), first, second).others()
    as_it_is = np.array([[1.0, 0.0]])
    assert one(as_it_is)[0] == pytest.approx(np.array([[0.8, 0.2], [0.6, 0.4], [0.4, 0.6]]))
    assert two(as_it_is)[0] == pytest.approx(np.array([[0.9, 0.1]] * 3))


def test_words_of_earlier_lists_by_hand() -> None:
    # Nothing decays and keys do not matter: with k lists behind it, a word of six is one of 6 (k + 1) and none.
    model = replace(cue_overload, lists=0)
    p = paired_lists.options(model, paired_lists.design(), np.array([[1e-12, 1.0, 6.0]]))[0]
    for k in range(paired_lists.LISTS):
        whole = 6.0 * (k + 1) + 6.0
        assert p[k, 0] == pytest.approx(6 / whole)
        assert p[k, 1] == pytest.approx(5 / whole)
        assert p[k, 2] == pytest.approx(1 / whole)
        assert p[k, 3 : 3 + k] == pytest.approx(np.full(k, 6 / whole))
        assert p[k, 3 + k :] == pytest.approx(np.zeros(24 - k))
    kinds = paired_lists.predicted(model, paired_lists.design())(np.array([[1e-12, 1.0, 6.0]]))[0]
    assert kinds[1] == pytest.approx([1 / 18, 6 / 18, 5 / 18, 6 / 18])


def test_the_error_of_a_slope_by_hand() -> None:
    rows = Trials({"x": np.array([1.0, 10.0]), "y": np.array([0.5, 0.25]), "n": np.full(2, 100.0),
                   "sd": np.array([0.5, np.sqrt(0.1875)])})  # fmt: skip
    counted, told = (
        Curve("updates_accuracy", "somebody", rows, Source(who="somebody", kind=kind))
        for kind in ("language_model", "network")
    )
    found = interference.shape_rows([counted, told])
    assert found["slope"] == pytest.approx([-0.25, -0.25])
    # One decade between two points: the errors of both, squared and added.
    assert found["slope_se"][0] == pytest.approx(np.sqrt(0.05**2 + 0.1875 / 100))
    assert np.isnan(found["slope_se"][1])


def test_shapes_of_the_published_models_are_those_of_the_notes() -> None:
    rows = interference.shape_rows(interference.published())
    assert len(rows) == 35
    assert np.median(rows["slope"]) == pytest.approx(-0.476, abs=5e-4)
    assert np.median(rows["r2"]) == pytest.approx(0.959, abs=5e-4)
    assert rows["logistic_r2"].mean() == pytest.approx(0.952, abs=1e-3)
    place = rows["subject"].tolist().index("gpt-4o")
    assert (rows["slope"][place], rows["intercept"][place]) == (
        pytest.approx(-0.258, abs=5e-4),
        pytest.approx(1.120, abs=1e-3),
    )
    assert rows["n50"][place] == pytest.approx(216, abs=1)
    assert rows["logistic_slope"][place] == pytest.approx(1.42, abs=5e-3)
    # A language model has no plateau, one that levels off at a half has one.
    assert rows["plateau"][rows["subject"] == "Llama-3.1-70b"][0] < 0.05


def test_a_plateau_is_found() -> None:
    n = np.array([1.0, 2, 4, 8, 16, 32, 64])
    assert interference._plateau(n, 0.4 + 0.6 * n**-0.7) == pytest.approx(0.4, abs=1e-4)
    (half, steep), r2 = interference._logistic(n, 1 / (1 + np.exp(3.0 * (np.log10(n) - 1.2))))
    assert (half, steep, r2) == (pytest.approx(10**1.2, rel=1e-4), pytest.approx(3.0, rel=1e-4), pytest.approx(1.0))


def test_noticed_changes_are_those_of_the_notes() -> None:
    rows = figures.noticed_rows()
    # Recollected: .80 right, .01 first words; not noticed: .26 and .31.
    assert rows["right"][[0, 2]].round(2).tolist() == [0.80, 0.26]
    assert rows["intrusions"][[0, 2]].round(2).tolist() == [0.01, 0.31]


def test_curves_of_a_subject_by_hand() -> None:
    # Without decay the last of n values is answered once in n, its older ones evenly.
    subject = cue_overload.subject(decay=0.0, leak=0.0, omission=0.0)
    curves = interference.stream_curves(subject, "last", seed=1, source=Source(who="rule", kind="step"))
    accuracy = curves["updates_accuracy"].rows
    assert accuracy["y"] == pytest.approx(1 / np.array(interference.LEVELS))
    assert curves["updates_same_key"].rows["y"] == pytest.approx(1 - 1 / np.array(interference.LEVELS))
    assert curves["lags"].rows["y"] == pytest.approx(np.full(15, 1 / 15))
    shift = interference.shift_curve(subject, seed=1, source=Source(kind="step")).rows["y"]
    assert shift == pytest.approx([1, 1 / 2, 1 / 3, 1, 1 / 2])


def test_bad_input_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean 'removal'"):
        interference.compute(models=["removl"], store=Store(tmp_path))
    with pytest.raises(UserError, match="compared on keep_track_2019"):
        interference.compute(load("pal1_2024"), store=Store(tmp_path))


@pytest.mark.slow
def test_the_comparison_from_end_to_end(tmp_path: Path) -> None:
    store = Store(tmp_path)
    made = interference.compute(models=["cue_overload", "decay_attention"], store=store, workers=2)
    scores = {entry.agreement.subject: entry.agreement for entry in made.line_up.entries}
    assert set(scores) == {"keep_track_2019", "cue_overload", "decay_attention"}
    # Three kinds of answers by chance: -1.10 nats; what people do on average tells most of it.
    for score in scores.values():
        assert -1.0 < (score.elpd_per_test or 0.0) < -0.5
        assert 0 < (score.elpd_se or 0.0) < 0.05
    shapes = {str(name): k for k, name in enumerate(made.shapes["subject"])}
    # A store with decay levels off.
    assert made.shapes["plateau"][shapes["decay_attention"]] > 0.4
    pairs = {entry.agreement.subject: entry.agreement for entry in made.pairs.entries}
    assert set(pairs) == {"pal1_2024", "cue_overload"}
    # Four kinds by chance: -1.39; each person's own decay tells more than what others did.
    assert -1.0 < (pairs["pal1_2024"].elpd_per_test or 0.0) < (pairs["cue_overload"].elpd_per_test or 0.0) < -0.7
    assert made.curves["list_lags"][1].rows["y"][0] > made.curves["list_lags"][1].rows["y"][4] > 0
    for entry in (*made.line_up.entries, *made.pairs.entries):
        unsure = len(entry.parameters) > 0 and (entry.parameters["rhat"] > 1.05).any()
        assert unsure == any("r-hat" in each for each in entry.warnings)
    # Lists whose pairs say enough of every person: their population is drawn without chains.
    assert np.isnan(made.pairs.entries[1].parameters["rhat"]).all()
    assert made.pairs.entries[1].parameters["ess"].min() > 200
    document = json.loads(json.dumps(interference.document(made), allow_nan=False))
    assert {row["name"] for row in document["subjects"]} == set(scores)
    again = interference.compute(models=["cue_overload", "decay_attention"], store=store)
    np.testing.assert_equal(
        points_of(figures.draw(again)), points_of(figures.draw(made))
    )  # a gap (nan) is its own equal
    assert again.seconds < made.seconds
