"""The comparison of key-value memory: what people's tests meet, kinds by hand, fits that settle, the job to the end."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cogmem.cli_jobs import COMPARABLE
from cogmem.core import Curve, Design, Source
from cogmem.errors import UserError
from cogmem.figures import key_value as figures
from cogmem.figures.figure import points_of
from cogmem.fitting.loo import population_elpd
from cogmem.human_data import load
from cogmem.jobs import cued_recall, key_value, recall_designs
from cogmem.models.pairs import sam, softmax_exemplar
from cogmem.store import Store
from cogmem.trials import Trials


def test_halves_of_peoples_lists_are_all_their_answers() -> None:
    halves = cued_recall.halves()
    both = (halves.first + halves.second).sum(axis=0).reshape(25, 6, 4)
    assert both.sum() == 19_593  # all 19,668 but 75 of the one session with more lists
    whole = load("pal1_2024", table="lists").rows
    for number in (1, 2, 25):
        own = whole.where(whole["x"] == number)
        none = own["omitted"].sum() + own["unseen"].sum()
        expected = [own["correct"].sum(), own["prior_list"].sum(), own["same_list"].sum(), none]
        assert both[number - 1].sum(axis=0).tolist() == expected
    assert not halves.first.reshape(72, 25, 6, 4)[:, 1::2].any()
    assert not halves.second.reshape(72, 25, 6, 4)[:, 0::2].any()


def test_what_a_test_meets_by_hand() -> None:
    met = cued_recall.held()
    assert met.near.shape == (150, 11)
    # The first list: nothing before it. The third pair of six, studied 3 pairs before the delay.
    third = 2
    assert met.near[third].tolist() == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert met.count[third].tolist() == [1] * 6 + [0] * 5
    assert met.age[third, 2] == pytest.approx(6 - 3 + 20 / 6 + 3.5)
    # The eighth list: one list back, two, three to five, six to seven, none beyond ten.
    eighth = 7 * 6
    assert met.count[eighth, 6:].tolist() == [6, 6, 18, 12, 0]
    assert met.back[eighth, 6:10].tolist() == [1, 2, 4, 6.5]
    assert (np.diff(met.age[eighth, 6:10]) > 0).all()
    assert met.count[24 * 6, 6:].sum() == 24 * 6


def test_kinds_of_a_model_by_hand() -> None:
    # Nothing decays, keys do not matter, lists are as near as their own: each word and none weigh one.
    theta = np.array([[1e-12, 1e-12, 1 - 1e-12, 1e-12, 1.0]])
    p = cued_recall.predicted(softmax_exemplar, cued_recall.held())(theta)[0].reshape(25, 6, 4)
    assert p[0, 0] == pytest.approx([1 / 7, 0, 5 / 7, 1 / 7])
    # In the third list six words are one back, six two back with a cosine of 1 / sqrt(2).
    whole = 7 + 6 + 6 / np.sqrt(2)
    assert p[2, 3] == pytest.approx([1 / whole, (6 + 6 / np.sqrt(2)) / whole, 5 / whole, 1 / whole])


def test_kinds_of_a_forecast_by_hand() -> None:
    def forecast(design: Design) -> Any:
        told = np.zeros((len(design.tests), len(design.items) + 1))
        told[np.arange(len(told)), design.tests["target"]] = 0.5
        for row, number in enumerate(design.tests["list"]):
            own = design.studies["target"][design.studies["list"] == number]
            told[row, np.setdiff1d(own, design.tests["target"][row])] = 0.04
            told[row, -1] = 0.3
        return told

    assert cued_recall.forecast_kinds(forecast, seed=1, sessions=1) == pytest.approx(
        np.tile([0.5, 0, 0.2, 0.3], (150, 1))
    )


def test_what_others_did_is_a_share_of_each_kind() -> None:
    one, two = (rule(np.array([[1.0, 0.0]]))[0] for rule in cued_recall.others())
    for table in (one, two):
        assert table.sum(axis=1) == pytest.approx(np.ones(150))
    halves = cued_recall.halves()
    mean = halves.first.sum(axis=(0, 1)) / halves.first.sum()
    assert one.mean(axis=0) == pytest.approx(mean, abs=0.02)
    # The first pair of a list is recalled better than the others, and no word of an earlier list comes in the first.
    places = one[:, 0].reshape(25, 6).mean(axis=0)
    assert places[0] == places.max()
    assert one.reshape(25, 6, 4)[0, :, 1].mean() < one.reshape(25, 6, 4)[20, :, 1].mean()


def test_curves_of_fitted_people_on_other_lists() -> None:
    someone = sam.subject(decay=0.1, primacy=0.1, context=0.5, association=0.8, residual=0.05)
    source = Source(who="sam", kind="step")
    curves = recall_designs.recall_curves(someone, seed=1, source=source)
    curves |= recall_designs.cue_curves(someone, seed=1, source=source)
    assert set(curves) == {"by_load", "by_similarity", "by_noise", "recovery", "by_fan"}
    # Lists of four and of eight are about as hard: words of earlier lists, of 64 too, compete with both.
    assert curves["by_load"].rows["y"][:2].min() > curves["by_load"].rows["y"][2:].max()
    assert curves["by_similarity"].rows["y"][0] > curves["by_similarity"].rows["y"][-1]
    assert (np.diff(curves["by_noise"].rows["y"]) <= 1e-9).all()
    recalled, recognised, recovered = curves["recovery"].rows["y"]
    assert recalled < 1
    assert recognised > 0.5
    assert recovered > 0


def test_the_job_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no model of key-value memory 'sem'; did you mean 'sam'"):
        key_value.compute(models=("sem",), store=Store(tmp_path))
    rows = Trials({"x": np.ones(2), "y": np.ones(2), "n": np.ones(2), "sd": np.zeros(2)})
    other = Curve("accuracy", "anderson_1974", rows, Source())
    with pytest.raises(UserError, match="is compared on pal1_2024"):
        key_value.compute(other, store=Store(tmp_path))


@pytest.mark.slow
def test_the_job_from_end_to_end(tmp_path: Path) -> None:
    names = ("softmax_exemplar", "store_linear")
    results = key_value.compute(models=names, store=Store(tmp_path))
    assert {entry.agreement.subject for entry in results.line_up.entries} == {"pal1_2024", *names}
    model, store = (results.line_up.entry(name).agreement for name in names)
    assert (model.elpd_per_test or -9) > (store.elpd_per_test or -9)
    # Three fits of the model; of the one to all answers many draws are effective.
    assert results.left_out["subject"].tolist() == ["softmax_exemplar"]
    assert results.left_out["ess"][0] > 1000
    assert results.left_out["elpd_loo_per_test"][0] == pytest.approx(-0.808, abs=0.01)
    document = json.loads(json.dumps(key_value.document(results)))
    assert document["paradigm"] == "key_value"
    drawing = figures.draw(results)
    points = points_of(drawing)
    assert len({point[0] for point in points}) == len(drawing.panels)
    COMPARABLE["key_value"].show(results)
    again = key_value.compute(models=names, store=Store(tmp_path))
    # Gaps are NaN, which is unlike itself: points are compared as they are written.
    assert str(points_of(figures.draw(again))) == str(points)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["sam", "act_r_pairs", "todam"])
def test_classical_models_are_fitted_to_all_answers_by_nuts(name: str) -> None:
    done = cued_recall.whole_fit(cued_recall.MODELS[name], seed=1, method=cued_recall.NUTS)
    assert done.diagnostics["rhat_max"] < 1.01
    assert done.diagnostics["divergences"] == 0
    score = population_elpd(done)
    assert len(score.pointwise) == 72
    # Leaving one of 72 people out costs each model little more than it has parameters of the population.
    whole = done.log_densities()
    kept = np.log(np.exp(whole - whole.max(axis=0)).mean(axis=0)) + whole.max(axis=0)
    assert 0 < kept.sum() - score.pointwise.sum() < 25
