"""Exact facts about the equations of memory, and how a subject answers by one."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from cogmem.core import Design, run
from cogmem.errors import UserError
from cogmem.models import (
    act_r,
    ebbinghaus,
    ebbinghaus_1880,
    exponential,
    exponential_asymptote,
    hyperbolic,
    hyperbolic_power,
    logarithmic,
    memory_chain,
    multiscale_context,
    pavlik_anderson,
    power,
    power_asymptote,
    power_boost,
    sum_of_exponentials,
    weibull,
    wickelgren,
)
from cogmem.paradigms import forgetting_curve
from cogmem.subjects.equation import Equation, EquationSubject
from cogmem.subjects.parameters import Parameter, constrain, unconstrain
from cogmem.trials import Trials

DAY = 86_400.0
PAVLIK = {"c": 0.217, "alpha": 0.177, "tau": -0.704, "s": 0.255}


def at(equation: Equation, delays: object, *, measure: str = "retention", **theta: float) -> NDArray[np.float64]:
    """Return the prediction after these delays (s), or for these ages of studies (rows, studies)."""
    column = "study_age" if "study_age" in equation.needs else "retention_interval"
    return np.asarray(equation.read_out(measure)(np, _arrays(theta), {column: np.asarray(delays, dtype=float)}))


def _arrays(theta: dict[str, float]) -> dict[str, NDArray[np.float64]]:
    return {name: np.array([value]) for name, value in theta.items()}


def activation(p: NDArray[np.float64], *, tau: float, s: float) -> NDArray[np.float64]:
    """Return m from P = 1 / (1 + exp((tau - m) / s))."""
    return np.asarray(tau + s * np.log(p / (1 - p)))


# ---- each formula at a point worked out by hand ---------------------------------------------------------------------


def test_each_formula_at_a_point_worked_out_by_hand() -> None:
    assert at(exponential, [10.0], a=0.8, b=0.1) == pytest.approx([0.8 * np.exp(-1)])
    assert at(exponential_asymptote, [10.0], a=0.8, b=0.1, c=0.2) == pytest.approx([0.2 + 0.6 * np.exp(-1)])
    assert at(power, [100.0], a=0.9, b=0.5) == pytest.approx([0.09])
    assert at(power_asymptote, [99.0], a=0.9, b=0.5, c=0.1) == pytest.approx([0.18])
    assert at(power_boost, [DAY - 1, DAY], a=1.0, b=1.0, boost=0.25) == pytest.approx([1 / (DAY - 1), 1 / DAY + 0.25])
    assert at(wickelgren, [3.0], m=0.8, beta=1.0, psi=0.5) == pytest.approx([0.4])
    assert at(logarithmic, [np.e**2], a=0.9, b=0.1) == pytest.approx([0.7])
    assert at(ebbinghaus, [6000.0], k=2.0, c=1.0) == pytest.approx([0.5])  # 100 min: 2 / (2 + 2)
    assert at(ebbinghaus_1880, [480.0], a=1.0, mu=0.5) == pytest.approx([1 - np.sqrt(0.75)])  # 8 min
    assert at(hyperbolic, [10.0], a=0.8, b=0.1) == pytest.approx([0.4])
    assert at(hyperbolic_power, [16.0], a=4.0, b=0.5) == pytest.approx([0.5])
    assert at(weibull, [40.0], a=0.8, b=0.1, c=0.5) == pytest.approx([0.8 * np.exp(-2)])
    assert at(sum_of_exponentials, [10.0], mu1=0.5, a1=0.1, mu2=0.3, a2=0.01) == pytest.approx(
        [0.5 * np.exp(-1) + 0.3 * np.exp(-0.1)]
    )
    intensity = 2 * np.exp(-1) + 2 * 0.9 / 0.09 * (np.exp(-0.1) - np.exp(-1))
    theta = {"mu1": 2.0, "mu2": 0.9, "a1": 0.1, "a2": 0.01}
    assert at(memory_chain, [10.0], measure="savings", **theta) == pytest.approx([intensity])
    assert at(memory_chain, [10.0], **theta) == pytest.approx([1 - np.exp(-intensity)])


def test_functions_without_a_value_at_zero_read_a_short_delay_as_their_shortest() -> None:
    assert at(power, [0.0, 0.3, 1.0], a=0.9, b=0.5).tolist() == [0.9] * 3
    assert at(logarithmic, [0.0, 1.0], a=0.9, b=0.1).tolist() == [0.9] * 2
    assert at(ebbinghaus, [0.0, 30.0, 60.0], k=1.84, c=1.25) == pytest.approx([1.0] * 3, abs=1e-6)
    assert at(ebbinghaus_1880, [0.0, 120.0], a=0.1, mu=0.5) == pytest.approx([1.0] * 2, abs=1e-3)


# ---- hazards: h(t) = -d ln P / dt -----------------------------------------------------------------------------------


def hazard(equation: Equation, t: NDArray[np.float64], **theta: float) -> NDArray[np.float64]:
    step = 1e-4 * t
    upper, lower = (np.log(at(equation, t + sign * step, **theta)) for sign in (1, -1))
    return np.asarray(-(upper - lower) / (2 * step))


def test_hazards_are_those_of_the_textbook() -> None:
    t = np.array([10.0, 100.0, 1000.0])
    # Central differences of relative step 1e-4: relative error of the order 1e-8.
    assert hazard(exponential, t, a=0.9, b=0.003) == pytest.approx([0.003] * 3, rel=1e-6)
    assert hazard(power, t, a=0.9, b=0.3) == pytest.approx(0.3 / t, rel=1e-6)
    weibull_hazard = 0.4 * 0.01**0.4 * t ** (0.4 - 1)
    assert hazard(weibull, t, a=0.9, b=0.01, c=0.4) == pytest.approx(weibull_hazard, rel=1e-6)
    assert hazard(wickelgren, t, m=0.9, beta=0.02, psi=0.7) == pytest.approx(0.7 * 0.02 / (1 + 0.02 * t), rel=1e-6)
    assert hazard(hyperbolic, t, a=0.9, b=0.02) == pytest.approx(0.02 / (1 + 0.02 * t), rel=1e-6)


# ---- one law as another ---------------------------------------------------------------------------------------------


def test_exponentials_with_gamma_rates_average_to_the_wickelgren_law() -> None:
    # Rates ~ Gamma(shape .5, scale 2): (1 + 2 t)^-.5, printed as 1 .5774 .3333 .1741 .0880 at t = 0 1 4 16 64.
    t = np.array([0.0, 1.0, 4.0, 16.0, 64.0])
    closed = at(wickelgren, t, m=1.0, beta=2.0, psi=0.5)
    assert closed.round(4).tolist() == [1.0, 0.5774, 0.3333, 0.1741, 0.0880]
    rates = np.random.default_rng(1).gamma(0.5, 2.0, size=200_000)
    column = {"retention_interval": t[:, None]}
    averaged = exponential.predict(np, {"a": np.ones(1), "b": rates}, column).mean(axis=1)
    # One sd of a mean of 200 000 values in [0, 1] is below .5 / sqrt(200 000) = .0011.
    assert averaged == pytest.approx(closed, abs=0.002)


def test_wickelgren_nears_the_exponential_as_beta_vanishes() -> None:
    t = np.array([0.0, 10.0, 100.0, 500.0])
    limit = at(wickelgren, t, m=0.9, beta=1e-9, psi=0.01 / 1e-9)
    # The next term of the expansion is beta b t^2 / 2 = 1.25e-6 at the longest delay.
    assert limit == pytest.approx(at(exponential, t, a=0.9, b=0.01), rel=1e-5)


def test_act_r_with_one_study_is_the_hyperbolic_power() -> None:
    t = np.geomspace(1.0, 1e8, 25)
    for d, tau, s in ((0.5, -0.7, 0.3), (0.2, -2.0, 0.6), (0.9, 0.5, 0.2)):
        one = at(act_r, t[:, None], d=d, tau=tau, s=s)
        assert one == pytest.approx(at(hyperbolic_power, t, a=np.exp(-tau / s), b=d / s), rel=1e-12)


def test_savings_of_the_memory_chain_are_a_sum_of_exponentials() -> None:
    t = np.geomspace(1.0, 1e7, 25)
    m1, m2, fast, slow = 0.383, 0.321, 3.19e-4, 1.79e-7
    chain = at(memory_chain, t, measure="savings", mu1=m1 + m2, mu2=m2 * (fast - slow) / (m1 + m2), a1=fast, a2=slow)
    assert chain == pytest.approx(at(sum_of_exponentials, t, mu1=m1, a1=fast, mu2=m2, a2=slow), rel=1e-12)


def test_the_memory_chain_stays_exact_as_the_two_declines_meet() -> None:
    # The limit of mu1 mu2 (e^-a2 t - e^-a1 t) / (a1 - a2) is mu1 mu2 t e^-a t.
    theta = {"mu1": 0.7, "mu2": 0.002, "a1": 0.01}
    near = at(memory_chain, [50.0, 200.0], measure="savings", a2=0.01 * (1 - 1e-9), **theta)
    t = np.array([50.0, 200.0])
    assert near == pytest.approx(0.7 * np.exp(-0.01 * t) * (1 + 0.002 * t), rel=1e-7)


# ---- repeated study -------------------------------------------------------------------------------------------------


def test_act_r_golden() -> None:
    # Ages 10, 100, 1000 s and d = .5: B = ln(.31623 + .1 + .03162) = -.8033; P = .4148 (specification, section 17).
    p = at(act_r, [[1000.0, 100.0, 10.0]], d=0.5, tau=-0.7, s=0.3)
    assert activation(p, tau=-0.7, s=0.3).round(4).tolist() == [-0.8033]
    assert p.round(4).tolist() == [0.4148]


def three_studies(gap: float, delay: float) -> list[float]:
    return [delay + 2 * gap, delay + gap, delay]


def test_pavlik_and_anderson_golden() -> None:
    # Three studies at gaps of 10, 60 and 600 s, tested 1000 s after the last (specification, section 17).
    p = at(pavlik_anderson, [three_studies(gap, 1000.0) for gap in (10.0, 60.0, 600.0)], **PAVLIK)
    assert p.round(4).tolist() == [0.4321, 0.5588, 0.6175]
    assert activation(p, tau=-0.704, s=0.255).round(4).tolist() == [-0.7737, -0.6438, -0.5819]


def test_decays_of_pavlik_and_anderson_golden() -> None:
    # Each study's decay read off by leaving out the later ones: the trace it adds to the strength is age^-decay.
    printed = {10.0: (0.177, 0.3214, 0.4082), 60.0: (0.177, 0.2821, 0.3383), 600.0: (0.177, 0.2469, 0.2836)}
    for gap, decays in printed.items():
        ages = three_studies(gap, 1000.0)
        rows = [[np.inf] * (3 - k) + ages[:k] for k in (1, 2, 3)]
        strength = np.exp(activation(at(pavlik_anderson, rows, **PAVLIK), tau=-0.704, s=0.255))
        traces = np.diff(strength, prepend=0.0)
        assert (-np.log(traces) / np.log(ages)).round(4).tolist() == list(decays)


def test_the_benefit_of_spacing_grows_with_the_delay_in_pavlik_and_anderson() -> None:
    delays = (10.0, 60.0, 600.0, 3600.0, DAY)
    spaced, massed = (
        activation(at(pavlik_anderson, [three_studies(gap, delay) for delay in delays], **PAVLIK), tau=-0.704, s=0.255)
        for gap in (600.0, 1.0)
    )
    benefit = spaced - massed
    assert benefit[0] < 0  # Right after study the massed item is the stronger one.
    assert (np.diff(benefit) > 0).all()


def test_plain_base_level_learning_prefers_massed_study_and_forgets_the_difference() -> None:
    delays = (10.0, 100.0, 1000.0, 1e5, 1e8)
    massed, spaced = (
        activation(at(act_r, [three_studies(gap, delay) for delay in delays], d=0.5, tau=-0.7, s=0.3), tau=-0.7, s=0.3)
        for gap in (0.0, 60.0)
    )
    assert (massed >= spaced).all()
    assert massed[0] - spaced[0] > 0.1
    assert massed[-1] == pytest.approx(spaced[-1], abs=1e-5)


def test_the_multiscale_context_model_has_a_best_gap_that_grows_with_the_delay() -> None:
    # Found by a scan over mu, nu and xi; gaps of .05 to 200 days, the two studies and the test as in Cepeda (2008).
    theta = {"mu": 0.5 * DAY, "nu": 1.2, "xi": 0.95, "omega": 0.3}
    gaps = np.geomspace(0.05, 200.0, 25)
    best = []
    for delay in (1.0, 7.0, 70.0):
        p = at(multiscale_context, [[(delay + gap) * DAY, delay * DAY] for gap in gaps], **theta)
        best.append(int(p.argmax()))
        assert 0 < best[-1] < len(gaps) - 1
        assert p.max() > 1.5 * p[0]
    assert gaps[best].round(1).tolist() == [2.2, 4.5, 6.3]


def test_studies_that_never_were_leave_nothing() -> None:
    padded, plain = [[np.inf, np.inf, 500.0, 60.0]], [[500.0, 60.0]]
    for equation, theta in (
        (act_r, {"d": 0.5, "tau": -0.7, "s": 0.3}),
        (pavlik_anderson, PAVLIK),
        (multiscale_context, {"mu": 60.0, "nu": 1.1, "xi": 0.9, "omega": 0.8}),
    ):
        assert at(equation, padded, **theta) == pytest.approx(at(equation, plain, **theta), rel=1e-12)


# ---- parameters -----------------------------------------------------------------------------------------------------


def test_each_support_maps_the_line_onto_its_values() -> None:
    z = np.array([-2.0, 0.0, 2.0])
    assert Parameter("x", "real", 0, 1).value(np, z, {}).tolist() == z.tolist()
    assert Parameter("x", "positive", 0, 1).value(np, z, {}) == pytest.approx(np.exp(z))
    assert Parameter("x", "unit", 0, 1).value(np, z, {}) == pytest.approx([0.119203, 0.5, 0.880797], abs=1e-6)
    assert Parameter("x", "above_one", 0, 1).value(np, z, {}) == pytest.approx(1 + np.exp(z))
    half = Parameter("x", "positive", 0, 1, below="y").value(np, np.array([0.0]), {"y": np.array([0.6])})
    assert half == pytest.approx([0.3])


def test_unconstrain_is_the_inverse_of_constrain() -> None:
    z = np.random.default_rng(1).normal(size=(4, 50))
    for equation in (sum_of_exponentials, memory_chain, multiscale_context):
        values = constrain(np, equation.parameters, list(z))
        assert unconstrain(equation.parameters, values) == pytest.approx(z, abs=1e-8)
    values = constrain(np, sum_of_exponentials.parameters, list(z))
    assert (values["a2"] < values["a1"]).all()


def test_priors_of_rates_say_the_same_in_seconds_and_in_days() -> None:
    rate = exponential.parameters[1]
    in_days, in_seconds = rate.prior(np.log(3.0)), rate.prior(np.log(3.0 * DAY))
    assert np.exp(in_seconds[0]) * DAY == pytest.approx(np.exp(in_days[0]))
    assert in_seconds[1] == in_days[1]


# ---- subjects -------------------------------------------------------------------------------------------------------


def test_a_subject_needs_exactly_the_parameters_of_its_equation() -> None:
    with pytest.raises(UserError, match=r"power needs the parameters \['a', 'b'\]; got \['a'\]"):
        power.subject(a=1.0)


def test_forecasts_are_the_equation_and_guessing_lifts_them() -> None:
    design = forgetting_curve.design(seed=1, n_items=2, retention_intervals=(100.0,))
    forecast = power.subject(a=0.9, b=0.5).forecast(design)
    assert forecast == pytest.approx(np.tile([0.91, 0.09], (2, 1)))
    choice = forgetting_curve.design(seed=1, n_items=2, retention_intervals=(100.0,), test_type="recognition")
    # P = 1/2 + (1 - 1/2) .09 = .545.
    assert power.subject(a=0.9, b=0.5).forecast(choice)[:, 1] == pytest.approx([0.545] * 2)


def test_predictions_beyond_one_are_certain_not_more() -> None:
    design = forgetting_curve.design(seed=1, n_items=50, retention_intervals=(1.0,))
    subject = power.subject(a=3.0, b=0.5)
    assert subject.forecast(design)[:, 1].tolist() == [1.0] * 50
    assert run(design, subject, seed=1).answers.tolist() == [1] * 50


def _two_people() -> tuple[EquationSubject, Design]:
    theta = {"a": np.array([0.9, 0.9, 0.1, 0.1]), "b": np.full(4, 1e-9)}
    subject = EquationSubject(exponential, theta, people=np.array(["p001", "p001", "p002", "p002"]))
    return subject, forgetting_curve.design(seed=1, n_participants=3, n_items=4000, retention_intervals=(60.0,))


def test_fitted_people_keep_their_own_draws_and_a_stranger_draws_from_all() -> None:
    subject, design = _two_people()
    names, forecast = design.tests["participant"], subject.forecast(design)[:, 1]
    for name, expected in (("p001", 0.9), ("p002", 0.1), ("p003", 0.5)):
        assert forecast[names == name] == pytest.approx(np.full(4000, expected), abs=1e-6)
    answers = run(design, subject, seed=1).answers
    # 4 standard errors of a proportion of 4000: 4 sqrt(.09 / 4000) = .019.
    assert answers[names == "p001"].mean() == pytest.approx(0.9, abs=0.019)
    assert answers[names == "p002"].mean() == pytest.approx(0.1, abs=0.019)


def test_expected_savings_are_the_retention() -> None:
    design = forgetting_curve.design(seed=1, n_items=20_000, test_type="savings", retention_intervals=(60.0,))
    answers = run(design, exponential.subject(a=0.3, b=1e-9), seed=1).answers
    kinds = design.tests["test_type"]
    learned, again = answers[kinds == "learning"], answers[kinds == "relearning"]
    assert learned.mean() == pytest.approx(20.0, abs=4 * np.sqrt(19 / 20_000))  # 1 + Poisson(19), 4 SE
    # A list's savings have the variance .21 / 20: 4 SE of 20 000 lists are .003.
    assert ((learned - again) / learned).mean() == pytest.approx(0.3, abs=0.003)


def test_subjects_say_what_they_miss() -> None:
    design = Design("p", 1, {}, 0, Trials({"phase": ["test"], "x": [1.0]}), np.zeros(1))
    with pytest.raises(UserError, match="'power' needs the column 'retention_interval'"):
        run(design, power.subject(a=1.0, b=0.1), seed=1)
