"""Step models: one definition, two folds, three backends; a closed form that the steps must reproduce."""

from __future__ import annotations

import math
import pickle  # noqa: TID251  (only to see that a subject survives a worker process)
from typing import Any

import numba
import numpy as np
import pytest

import cogmem as cm
from cogmem.core import Forecaster
from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.kernel import usable
from cogmem.kernels.stepwise import NOTHING, STUDY, TEST, Steps, pick, simulate_steps, steps_log_likelihood
from cogmem.models.steps import STEP_MODELS, act_r_practice

BACKENDS = usable()
THETA = {"d": 0.5, "tau": -3.0, "s": 0.5, "practice": 0.7}


# A learner of one number: study sets it, answers of 1 raise it; it needs three options to show who chose what.
def start(theta: Any, state: Any) -> None:
    state[0] = theta[0]


def study(theta: Any, state: Any, row: Any) -> None:
    state[0] += row[0]


def respond(theta: Any, state: Any, row: Any, p: Any) -> None:
    up = math.exp(state[0])
    p[0] = 1.0 / (2.0 + up)
    p[1] = up / (2.0 + up)
    p[2] = 1.0 / (2.0 + up)


def answered(theta: Any, state: Any, row: Any, answer: Any) -> None:
    if answer == 1:
        state[0] += theta[1]


LEARNER = Steps(start, study, respond, answered)
ROWS = np.array([[[0.5], [0.0], [0.0], [-1.0], [0.0], [0.0]]])
KINDS = np.array([[STUDY, TEST, TEST, STUDY, TEST, TEST]], dtype=np.int8)


def test_a_fold_by_hand() -> None:
    answers, p = simulate_steps(LEARNER, [[0.0, 2.0]], ROWS, KINDS, n_state=1, n_options=3, seed=0, backend="numpy")
    # Uniforms .399, .881, .736, .605. State .5: P(1) = 1.649 / 3.649 = .452, from .274 to .726, so option 1 comes.
    level, expected = 0.5, []
    for u, change in zip(random.uniforms(1, 4, seed=0, backend="numpy")[0], (0.0, -1.0, 0.0, 0.0), strict=True):
        side = 1 / (2 + math.exp(level))
        expected.append(0 if u < side else 1 if u < 1 - side else 2)
        level += (2.0 if expected[-1] == 1 else 0.0) + change
    assert answers.tolist() == [expected]
    assert p[0, 0].tolist() == pytest.approx([0.274, 0.452, 0.274], abs=5e-4)
    assert p[0, 1, 1] == pytest.approx(math.exp(2.5) / (2 + math.exp(2.5)))


@pytest.mark.parametrize("backend", BACKENDS)
def test_the_likelihood_of_a_simulation_is_what_it_was_drawn_from(backend: str) -> None:
    theta = np.random.default_rng(1).normal(size=(9, 2))
    answers, p = simulate_steps(LEARNER, theta, ROWS, KINDS, n_state=1, n_options=3, seed=3, backend=backend)
    logs = steps_log_likelihood(LEARNER, theta, ROWS, KINDS, answers, n_state=1, n_options=3, backend=backend)
    assert np.allclose(logs, np.log(np.take_along_axis(p, answers[..., None], axis=2)[..., 0]), atol=1e-12)
    assert np.allclose(p.sum(axis=2), 1.0)
    meaning = simulate_steps(LEARNER, theta, ROWS, KINDS, n_state=1, n_options=3, seed=3, backend="numpy")
    assert np.array_equal(answers, meaning[0])
    assert np.allclose(p, meaning[1], atol=1e-12)


@pytest.mark.parametrize("backend", BACKENDS)
def test_people_with_rows_of_their_own_and_missing_answers(backend: str) -> None:
    rows = np.concatenate([ROWS, ROWS + 0.25])
    kinds = np.concatenate([KINDS, KINDS])
    kinds[1, 4:] = NOTHING
    answers, p = simulate_steps(
        LEARNER, [[0.0, 1.0], [0.5, 1.0]], rows, kinds, n_state=1, n_options=3, seed=3, backend=backend
    )
    assert answers[1, 2:].tolist() == [-1, -1]
    alone = simulate_steps(LEARNER, [[0.0, 1.0]], ROWS, KINDS, n_state=1, n_options=3, seed=3, backend="numpy")
    assert np.array_equal(answers[:1], alone[0])
    logs = steps_log_likelihood(
        LEARNER, [[0.0, 1.0], [0.5, 1.0]], rows, kinds, answers, n_state=1, n_options=3, backend=backend
    )
    assert logs[1, 2:].tolist() == [0.0, 0.0]
    assert logs[1, 0] == pytest.approx(math.log(p[1, 0, answers[1, 0]]))


def test_the_number_of_threads_makes_no_difference() -> None:
    theta = np.random.default_rng(1).normal(size=(501, 2))
    made = []
    for threads in (1, numba.config.NUMBA_NUM_THREADS):
        numba.set_num_threads(threads)
        made.append(simulate_steps(LEARNER, theta, ROWS, KINDS, n_state=1, n_options=3, seed=3, backend="numba"))
    assert np.array_equal(made[0][0], made[1][0])
    assert np.array_equal(made[0][1], made[1][1])


def test_an_impossible_answer_has_no_chance() -> None:
    def never(theta: Any, state: Any, row: Any, p: Any) -> None:
        p[0] = 1.0
        p[1] = 0.0

    def nothing(theta: Any, state: Any, row: Any) -> None:
        pass

    steps = Steps(lambda theta, state: None, nothing, never)
    for backend in BACKENDS:
        logs = steps_log_likelihood(
            steps, [[0.0]], ROWS[:, :1], [[TEST]], [[1]], n_state=0, n_options=2, backend=backend
        )
        assert logs.tolist() == [[-math.inf]]


def test_options_are_picked_by_cumulative_probability() -> None:
    p = np.array([0.25, 0.0, 0.5, 0.25])
    assert [pick(p, u) for u in (0.0, 0.2499, 0.25, 0.7499, 0.75, 0.9999999)] == [0, 0, 2, 2, 3, 3]


DESIGN = cm.paradigms.forgetting_curve.design(
    seed=1, n_items=6, n_participants=5, repetitions=(1, 3), spacing_gaps=(600.0,)
)


@pytest.mark.parametrize("model", STEP_MODELS, ids=lambda model: model.name)
def test_a_step_model_is_a_subject_that_forecasts(model: Any) -> None:
    theta = {each.name: THETA.get(each.name, 0.5) for each in model.parameters}
    subject = model.subject(**theta)
    assert isinstance(subject, Forecaster)
    record = cm.run(DESIGN, subject, seed=3)
    assert record.source.kind == "step"
    assert set(np.unique(record.answers)) <= set(range(model.n_options))
    again = [cm.run(DESIGN, model.subject(backend=backend, **theta), seed=3) for backend in BACKENDS]
    assert all(np.array_equal(each.answers, record.answers) for each in again)
    forecast = subject.forecast(DESIGN)
    assert forecast.shape == (len(DESIGN.tests), model.n_options)
    assert np.allclose(forecast.sum(axis=1), 1.0)
    copy = pickle.loads(pickle.dumps(subject))
    assert np.array_equal(cm.run(DESIGN, copy, seed=3).answers, record.answers)


def test_without_practice_the_steps_are_the_equation() -> None:
    theta = {name: THETA[name] for name in ("d", "tau", "s")}
    forecast = act_r_practice.subject(practice=0.0, **theta).forecast(DESIGN)
    assert np.allclose(forecast, cm.models.act_r.subject(**theta).forecast(DESIGN), atol=1e-12)


def test_practice_helps_what_is_tested_again() -> None:
    tested = cm.paradigms.forgetting_curve.design(seed=1, n_items=400, retention_intervals=(60.0, 600.0, 86_400.0))
    recalled = {}
    for practice in (0.0, 1.0):
        record = cm.run(tested, act_r_practice.subject(**(THETA | {"practice": practice, "tau": -5.0})), seed=2)
        last = tested.tests["retention_interval"] == 86_400.0
        recalled[practice] = record.answers[last].mean()
    # A difference of two proportions of 400 has a standard error of at most .035.
    assert recalled[1.0] > recalled[0.0] + 0.2


def test_the_log_likelihood_of_a_record_averages_over_draws() -> None:
    record = cm.run(DESIGN, act_r_practice.subject(**THETA), seed=3)
    one, two = (act_r_practice.subject(**(THETA | {"tau": tau})).log_likelihood(record) for tau in (-3.0, -2.0))
    both = act_r_practice.subject(**(THETA | {"tau": np.array([-3.0, -2.0])})).log_likelihood(record)
    assert np.allclose(both, np.log((np.exp(one) + np.exp(two)) / 2))
    assert (one <= 0).all()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"theta": [0.0, 1.0]}, "theta of shape (any, any); got (2,)"),
        ({"rows": ROWS[0]}, "rows of shape (any, any, any); got (6, 1)"),
        ({"kinds": KINDS[:, :3]}, "kinds of shape (1, 6); got (1, 3)"),
        ({"kinds": KINDS + 5}, "0 (study), 1 (test) or -1 (nothing); got 5"),
        ({"rows": np.repeat(ROWS, 3, axis=0), "kinds": np.repeat(KINDS, 3, axis=0)}, "one set for all of 2; got 3"),
        ({"n_options": 0}, "n_options, a whole number from 1"),
    ],
)
def test_bad_input_is_named(change: dict[str, Any], said: str) -> None:
    good = {"theta": [[0.0, 1.0]] * 2, "rows": ROWS, "kinds": KINDS, "n_state": 1, "n_options": 3, "seed": 1}
    with pytest.raises(UserError) as problem:
        simulate_steps(LEARNER, **(good | change))
    assert said in str(problem.value)


def test_answers_that_are_no_options_are_named() -> None:
    with pytest.raises(UserError, match="answers from 0 to 2, or -1 for none; got 3"):
        steps_log_likelihood(LEARNER, [[0.0, 1.0]], ROWS, KINDS, [[0, 3, 0, 0]], n_state=1, n_options=3)


def test_a_missing_parameter_and_a_savings_design_are_named() -> None:
    with pytest.raises(UserError, match=r"act_r_practice needs the parameters \['d', 'practice', 's', 'tau'\]; got"):
        act_r_practice.subject(d=0.5)
    savings = cm.paradigms.forgetting_curve.design(seed=1, n_items=3, test_type="savings")
    with pytest.raises(UserError, match="savings are counts to criterion"):
        cm.run(savings, act_r_practice.subject(**THETA), seed=1)
