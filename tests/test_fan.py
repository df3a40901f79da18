"""The fan effect: predictions by hand, the published fit of ACT-R, and models told apart by what they leave out."""

from __future__ import annotations

import numpy as np
import pytest

from cogmem.jobs import fan
from cogmem.trials import Trials


def test_predictions_by_hand() -> None:
    act_r, store, line = fan.FAN_MODELS
    one, two = np.array([1.0, 3.0]), np.array([1.0, 3.0])
    old = np.array([True, False])
    # One fact of each word: A = 2/3 S = 1, I + F / e. Three: each word alone has (S - ln 3) / 3.
    found = act_r.predict(np.array([1.5, 0.8, 0.6]), old, one, two)
    assert found == pytest.approx([0.8 + 0.6 / np.e, 0.8 + 0.6 * np.exp(-(1.5 - np.log(3)) / 3)])
    # No other fact shares a word with the first: it takes no longer than I. The second meets six of weight e^2.
    found = store.predict(np.array([2.0, 1.0, 0.3, 0.1]), old, one, two)
    assert found == pytest.approx([1.0, 1.0 + 0.1 * (2.0 + np.log(6))])
    assert line.predict(np.array([1.0, 1.2, 0.05]), old, one, two) == pytest.approx([1.1, 1.5])


def test_act_r_fits_as_published() -> None:
    # The tutorial of ACT-R 7 (unit 5) reports r = .864; association is between 1.2 and 1.7 in what was published.
    scores = fan.scores()
    row = dict(zip(scores["subject"], range(3), strict=True))["act_r"]
    assert scores["rmse"][row] <= 0.055
    assert scores["r"][row] == pytest.approx(0.864, abs=0.002)
    theta = fan.fitted(fan.FAN_MODELS[0], fan.people())
    assert 1.2 < theta[0] < 1.7
    assert (scores["rmse_left_out"] > scores["rmse"]).all()


@pytest.mark.parametrize("model", fan.FAN_MODELS, ids=lambda model: str(model.name))
def test_parameters_are_recovered(model: fan.FanModel) -> None:
    # Without noise the fit gives back the very times; what made them is found where the times tell it.
    rows = fan.people()
    truth = np.array({"act_r": (1.4, 0.85, 0.6), "softmax_key_value": (0.7, 0.9, 0.3, 0.15), "line": (1, 1.1, 0.05)}
                     [model.name])  # fmt: skip
    made = Trials({**rows.columns, "y": fan.predictions(model, truth, rows)})
    theta = fan.fitted(model, made)
    assert fan.predictions(model, theta, made) == pytest.approx(made["y"], abs=1e-4)
    assert theta == pytest.approx(truth, rel=0.02)
