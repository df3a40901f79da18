"""Models of interference: golden numbers, small streams by hand, one definition for simulation and likelihood, fits."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from cogmem.core import Design, Forecaster, Record, measure, run
from cogmem.errors import UserError
from cogmem.fitting import populations
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import normal_prior
from cogmem.fitting.populations import Points, PopulationFit, Posterior, draw_points, fit_population, marginal_of
from cogmem.fitting.step_fits import fit_steps, trial_by_trial
from cogmem.kernels.kernel import usable
from cogmem.kernels.stepwise import simulate_steps
from cogmem.models.interference import (
    INTERFERENCE_MODELS,
    context_drift,
    cue_overload,
    removal,
    simple,
    unlearning,
)
from cogmem.paradigms import proactive_interference
from cogmem.subjects.interference import NONE, OTHER_KEY, SAME_KEY, InterferenceModel, option_items, option_of, tracked
from cogmem.subjects.parameters import constrain, constrained
from cogmem.subjects.stepwise import encode
from cogmem.trials import Trials

THETA: dict[str, dict[str, float]] = {
    "cue_overload": {"decay": 1.0, "leak": 0.05, "omission": 0.2},
    "simple": {"c": 2.0, "leak": 0.1, "threshold": 0.4},
    "context_drift": {"rho": 0.7, "temperature": 0.3, "threshold": 0.5},
    "unlearning": {"unlearned": 0.6, "recovery": 0.1, "leak": 0.05, "omission": 0.2},
    "removal": {"rate": 0.8, "discrimination": 3.0, "overlap": 0.1, "omission": 0.5},
}
every_model = pytest.mark.parametrize("model", INTERFERENCE_MODELS, ids=lambda model: model.name)
SMALL = proactive_interference.design(seed=3, n_keys=3, n_updates=(1, 3, 5), n_lists=4, n_participants=3, pool=9)


def right(design: Design, forecast: Any) -> Any:
    return forecast[np.arange(len(forecast)), design.tests["target"]]


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
    forecast = cue_overload.subject(decay=decay, leak=0.0, omission=0.0, lag="updates").forecast(design)
    assert forecast.sum(axis=1) == pytest.approx(np.ones(len(forecast)))
    for level, value in zip(levels, golden, strict=True):
        assert right(design, forecast)[design.tests["updates"] == level] == pytest.approx(value, abs=5e-5)


def stream(query: int = 3) -> Design:
    """Return A→2, B→5, A→3, A→4 a second apart, and a test of A one second after the last; items 0 to 5."""
    columns = {
        "phase": np.array(["study"] * 4 + ["test"]),
        "list": np.ones(5, dtype=int),
        "cue": np.array([0, 1, 0, 0, 0]),
        "target": np.array([2, 5, 3, 4, {3: 4, 1: 2}[query]]),
        "update": np.array([1, 1, 2, 3, query]),
        "updates": np.full(5, 3),
        "time": np.arange(5.0),
    }
    # The key B is asked for too, or it would not be tracked.
    columns = {name: np.concatenate([values, values[4:]]) for name, values in columns.items()}
    columns["cue"][5], columns["target"][5], columns["update"][5] = 1, 5, 1
    return Design("proactive_interference", 1, {}, 0, Trials(columns), np.arange(6))


def shares(weights: dict[int, float], none: float) -> list[float]:
    """Return the chances of items 2, 3, 4, 5 and of none, of weights by item."""
    total = sum(weights.values()) + none
    return [*(weights[item] / total for item in (2, 3, 4, 5)), none / total]


def by_model(model: InterferenceModel, query: int = 3, **theta: float) -> list[float]:
    found = model.subject(**(THETA[model.name] | theta)).forecast(stream(query))[0]
    return [float(found[k]) for k in (2, 3, 4, 5, 6)]


def test_cue_overload_by_hand() -> None:
    # Lags of 4, 2 and 1 pairs for A, of 3 for B.
    expected = shares({2: 1 / 5, 3: 1 / 3, 4: 1 / 2, 5: 0.05 / 4}, 0.2 / 9)
    assert by_model(cue_overload) == pytest.approx(expected)


def test_simple_by_hand() -> None:
    # Ages 4, 2 and 1 against the 1 s of the value asked for; B is 3 s old. Distinctiveness of the last: 1 / sum.
    near = {2: 1 / 16, 3: 1 / 4, 4: 1.0, 5: 0.1 / 9}
    total = sum(near.values())
    recalled = 1 / (1 + math.exp(-10 * (1 / total - 0.4)))
    expected = [*(recalled * near[item] / total for item in (2, 3, 4, 5)), 1 - recalled]
    assert by_model(simple) == pytest.approx(expected)
    # Asked for the first, its own age of 4 s is what the others are compared with.
    near = {2: 1.0, 3: 1 / 4, 4: 1 / 16, 5: 0.1 * 9 / 16}
    recalled = 1 / (1 + math.exp(-10 * (1 / sum(near.values()) - 0.4)))
    expected = [*(recalled * near[item] / sum(near.values()) for item in (2, 3, 4, 5)), 1 - recalled]
    assert by_model(simple, 1) == pytest.approx(expected)


def test_context_drift_by_hand() -> None:
    def weight(activation: float) -> float:
        return math.exp(activation / 0.3)

    own = {item: weight(0.5 + 0.5 * 0.7**lag) for item, lag in ((2, 4), (3, 2), (4, 1))}
    assert by_model(context_drift) == pytest.approx(shares({**own, 5: weight(0.5 * 0.7**3)}, weight(0.5)))
    # Asked for the first, the person goes back to its context: 0, 2, 3 and 1 pairs from there.
    own = {item: weight(0.5 + 0.5 * 0.7**lag) for item, lag in ((2, 0), (3, 2), (4, 3))}
    assert by_model(context_drift, 1) == pytest.approx(shares({**own, 5: weight(0.5 * 0.7)}, weight(0.5)))


def test_unlearning_by_hand() -> None:
    # The first value is unlearned at 2 s, recovers for 1 s, is unlearned at 3 s, recovers for 1 s.
    first = 0.4
    first = 0.4 * (1 - (1 - first) * math.exp(-0.1))
    second = 0.4
    first, second = (1 - (1 - s) * math.exp(-0.1) for s in (first, second))
    assert by_model(unlearning) == pytest.approx(shares({2: first, 3: second, 4: 1.0, 5: 0.05}, 0.2))
    assert by_model(unlearning, recovery=1e3)[:3] == pytest.approx([1 / 3.25] * 3)


def test_removal_by_hand() -> None:
    # Half a second of each is for encoding, half is free.
    kept = math.exp(-0.8 * 0.5)
    first = 1.0
    other = 1 / (1 + 0.1 * first)
    second = 1 / (1 + first + 0.1 * other)
    first *= kept
    third = 1 / (1 + first + second + 0.1 * other)
    first, second = first * kept, second * kept
    weights = {item: math.exp(3 * s) - 1 for item, s in ((2, first), (3, second), (4, third), (5, 0.1 * other))}
    assert by_model(removal) == pytest.approx(shares(weights, 0.5))


@every_model
def test_every_backend_gives_the_same_answers(model: InterferenceModel) -> None:
    made = [model.subject(backend=backend, **THETA[model.name]) for backend in usable()]
    assert isinstance(made[0], Forecaster)
    first = run(SMALL, made[0], seed=4)
    for subject in made[1:]:
        assert subject.forecast(SMALL) == pytest.approx(made[0].forecast(SMALL), abs=1e-12)
        assert np.array_equal(run(SMALL, subject, seed=4).answers, first.answers)
    assert made[0].forecast(SMALL).sum(axis=1) == pytest.approx(np.ones(len(SMALL.tests)))


@every_model
def test_answers_follow_the_forecast(model: InterferenceModel) -> None:
    design = proactive_interference.design(seed=2, n_keys=4, n_updates=(6,), n_lists=300, pool=6)
    subject = model.subject(**THETA[model.name])
    forecast, record = subject.forecast(design), run(design, subject, seed=5)
    n = len(record.answers)
    for chance, came in ((right(design, forecast), record.right), (forecast[:, -1], record.answers < 0)):
        expected = chance.mean()
        # Four standard errors of a proportion of 1200.
        assert abs(came.mean() - expected) < 4 * np.sqrt(expected * (1 - expected) / n)


@every_model
def test_the_likelihood_is_the_forecast_of_what_was_answered(model: InterferenceModel) -> None:
    subject = model.subject(**THETA[model.name])
    record = run(SMALL, subject, seed=6)
    table, options = option_items(SMALL), option_of(SMALL, record.answers)
    forecast = subject.forecast(SMALL)
    expected = [
        forecast[row, -1] if option == NONE else forecast[row, table[row][int(option)]].sum()
        for row, option in enumerate(options)
    ]
    assert subject.log_likelihood(record) == pytest.approx(np.log(expected))
    density = trial_by_trial(model, record)
    theta = np.array([list(THETA[model.name].values())] * 3)
    who = np.unique(SMALL.tests["participant"], return_inverse=True)[1]
    assert density.likelihood(theta[None])[0] == pytest.approx(np.bincount(who, np.log(expected)))
    pooled = trial_by_trial(model, record, pooled=True)
    assert pooled.likelihood(theta[None, :1])[0] == pytest.approx([np.log(expected).sum()])


@every_model
def test_new_keys_release_from_interference_and_recent_probes_are_hard_to_reject(model: InterferenceModel) -> None:
    lists: dict[str, Any] = {"order": "lists", "test_after": "list", "n_lists": 200, "pool": 12}
    subject = model.subject(**THETA[model.name])
    trials = proactive_interference.design(
        seed=1, n_keys=3, n_updates=(4,), shift_after=3, retention_interval=9.0, **lists
    )
    chance, block = right(trials, subject.forecast(trials)), trials.tests["block"]
    assert chance[block == 1].mean() > chance[block == 3].mean() < chance[block == 4].mean()
    probes = proactive_interference.design(seed=1, n_keys=4, n_updates=(8,), test_type="recognition", **lists)
    yes, kind = subject.forecast(probes)[:, 1], probes.tests["probe"]
    assert yes[kind == "old"].mean() > yes[kind == "recent"].mean() > yes[kind == "new"].mean()
    rows = measure(proactive_interference.measure("recognition"), run(probes, subject, seed=2)).pool().rows
    assert rows["y"][1] < rows["y"][2]


def test_values_of_earlier_lists_compete_where_the_model_says_so() -> None:
    design = proactive_interference.design(seed=1, n_keys=2, n_updates=(1,), n_lists=6, pool=400)
    alone, together = (cue_overload.subject(lists=lists, **THETA["cue_overload"]) for lists in (0, 2))
    table = option_items(design, lists=2)
    same = 1
    assert sorted(table[-1]) == [OTHER_KEY, SAME_KEY, SAME_KEY + same, SAME_KEY + same + 1]
    forecast, before = together.forecast(design), alone.forecast(design)
    # In the first list nothing is earlier; later the earlier lists take their share, the nearer one more.
    assert forecast[:2] == pytest.approx(before[:2])
    assert (right(design, forecast)[2:] < right(design, before)[2:]).all()
    shares_back = [forecast[-1, np.unique(table[-1][SAME_KEY + same + back])].sum() for back in (0, 1)]
    assert shares_back[0] > shares_back[1] > 0
    record = run(design, together, seed=2)
    assert np.isfinite(together.log_likelihood(record)).all()


def test_keys_that_nobody_asks_for_are_not_tracked() -> None:
    design = proactive_interference.design(seed=1, n_keys=2, n_untracked=2, n_updates=(3,), n_lists=2)
    kept = tracked(design)
    assert len(kept.studies) == 2 * 2 * 3
    assert kept.tests.to_frame().equals(design.tests.to_frame())
    assert cue_overload.subject(**THETA["cue_overload"]).forecast(design).shape == (4, len(design.items) + 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: cue_overload.subject(decay=1.0), "needs the parameters ['decay', 'leak', 'omission']; got ['decay']"),
        (lambda: cue_overload.subject(lag="pair", **THETA["cue_overload"]), "did you mean 'pairs'"),
        (lambda: cue_overload.subject(lists=-1, **THETA["cue_overload"]), "0 or more; got -1"),
        (lambda: option_items(SMALL_TESTS), "has no study rows before it"),
        (lambda: fit_steps(trial_by_trial(simple, RECORD), name="simple", method="mle", seed=1), "laplace or nuts"),
    ],
)
def test_bad_input_is_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


SMALL_TESTS = Design("proactive_interference", 1, {}, 0, SMALL.tests, SMALL.items)
RECORD = run(SMALL, cue_overload.subject(**THETA["cue_overload"]), seed=1)


# --- Fits -------------------------------------------------------------------------------------------------------------


def predicted(model: InterferenceModel, design: Design) -> Callable[[Any], Any]:
    """Return a function of theta (sets, p) to chances (sets, conditions, kinds right / same key / rest)."""
    steps, levels = model.sized(design), design.tests["updates"]
    encoded = encode(steps, design)

    def predict(theta: Any) -> Any:
        _, p = simulate_steps(
            steps.steps, theta, encoded.rows, encoded.kinds, n_state=encoded.n_state, n_options=steps.n_options, seed=0
        )
        kinds = np.stack([p[..., SAME_KEY], p[..., SAME_KEY + 1 :].sum(-1), p[..., :SAME_KEY].sum(-1)], axis=-1)
        return np.stack([kinds[:, levels == level].mean(axis=1) for level in np.unique(levels)], axis=1)

    return predict


ALONE = proactive_interference.design(seed=3, n_keys=3, n_updates=(2, 3, 5), n_lists=2, pool=9)


def test_the_chances_of_people_at_points_are_those_of_the_steps() -> None:
    predict = predicted(cue_overload, ALONE)
    points = draw_points(cue_overload.parameters, predict, np.zeros(3), np.ones(3), seed=1, n=64)
    counts = np.random.default_rng(1).integers(0, 9, (5, 3, 3)).astype(float)
    theta = np.stack(list(constrain(np, cue_overload.parameters, list(points.z.T)).values()), axis=-1)
    expected = np.einsum("ick,sck->is", counts, np.log(predict(theta)))
    assert points.log_likelihood(counts) == pytest.approx(expected)
    # Weighted, the points are the population, wherever it is; 4096 of them tell means and sds to one in fifty.
    many = draw_points(cue_overload.parameters, predict, np.zeros(3), np.ones(3), seed=1, n=4096)
    middle, spread = np.array([0.5, -0.5, 0.0]), np.array([0.5, 1.0, 0.7])
    weights = np.exp(many.log_weights(middle[None], spread[None]))[0]
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ many.z == pytest.approx(middle, abs=0.02)
    assert np.sqrt(weights @ (many.z - middle) ** 2) == pytest.approx(spread, abs=0.02)
    # One point has all of a population that is narrower than the points are apart.
    assert many.effective(many.z[7], np.full(3, 1e-4)) == pytest.approx(1.0)
    assert many.effective(middle, spread) > 1000


def of_thirty_people() -> Posterior:
    predict = predicted(cue_overload, ALONE)
    loc, scale = normal_prior(cue_overload.parameters, 0.0)
    points = draw_points(cue_overload.parameters, predict, loc, scale, seed=1)
    counts = np.random.default_rng(1).integers(1, 5, (30, 3, 3)).astype(float)
    return Posterior(marginal_of(points, counts), loc, scale)


def test_the_gradient_of_a_population_is_that_of_its_density() -> None:
    posterior = of_thirty_people()
    x = np.concatenate([posterior.loc + 0.1, np.log(0.6 * posterior.scale)])
    value, slope = posterior.with_gradient(x[None])
    for d in range(6):
        # What people's answers say is read in single precision: a value of a hundred is known to 1e-5.
        move = 3e-3 * np.eye(6)[d]
        up, down = (posterior.with_gradient((x + sign * move)[None])[0][0] for sign in (1.0, -1.0))
        assert slope[0, d] == pytest.approx((up - down) / 6e-3, rel=1e-3, abs=5e-3)
    assert np.isfinite(value).all()


def test_many_populations_at_once_have_the_density_of_each() -> None:
    posterior = of_thirty_people()
    x = posterior.mode + 0.3 * np.random.default_rng(2).standard_normal((7, 6))
    alone = [posterior.with_gradient(each[None])[0][0] for each in x]
    # One by one they are read in single precision: thirty people's logs, each to 1e-6.
    assert posterior(x[:, None])[:, 0] == pytest.approx(np.array(alone), abs=1e-4)


def test_people_of_a_population_are_summed_over_points_as_written_out() -> None:
    rng = np.random.default_rng(5)
    points = Points(rng.standard_normal((40, 2)), np.zeros(40), np.log(rng.dirichlet(np.ones(3), (40, 4))))
    # Thousands of answers: the likelihoods of a person are hundreds of nats apart.
    counts = rng.integers(0, 400, (6, 4, 3)).astype(float)
    mu, sigma = rng.standard_normal((5, 2)), np.exp(rng.standard_normal((5, 2)))
    done = PopulationFit(cue_overload.parameters[:2], mu, sigma, points, counts, {}, (), 0.0, 1)
    weights = np.exp(points.log_weights(mu, sigma))
    fitted, chances = points.log_likelihood(counts), np.exp(points.log_chances)
    by_hand = [[np.logaddexp.reduce(np.log(w) + own) for own in fitted] for w in weights]
    np.testing.assert_allclose(done.log_densities(), by_hand, rtol=1e-12)
    left = counts[::-1]
    other = points.log_likelihood(left)
    told = [[np.logaddexp.reduce(np.log(w) + a + b) - np.logaddexp.reduce(np.log(w) + a)
             for a, b in zip(fitted, other, strict=True)] for w in weights]  # fmt: skip
    np.testing.assert_allclose(done.held_out(left), np.logaddexp.reduce(told, axis=0) - np.log(5), rtol=1e-12)
    own = np.array([[np.exp(np.log(w) + a - np.logaddexp.reduce(np.log(w) + a)) for a in fitted] for w in weights])
    np.testing.assert_allclose(done.chances(), np.einsum("dis,sck->ick", own, chances) / 5, rtol=1e-10)


@pytest.mark.slow
def test_importance_and_chains_draw_the_same_population() -> None:
    predict = predicted(cue_overload, ALONE)
    loc, scale = normal_prior(cue_overload.parameters, 0.0)
    rng = np.random.default_rng(4)
    theta = constrained(cue_overload.parameters, loc + 0.5 * scale * rng.standard_normal((60, 3)))
    both = [rng.multinomial(12, predict(theta)).astype(float) for _ in range(2)]
    nuts = Method("nuts", chains=4, tune=500, draws=1000, target_accept=0.9)
    one, other = (fit_population(cue_overload.parameters, predict, both[0], method=how, seed=1)
                  for how in (None, nuts))  # fmt: skip
    assert other.diagnostics["rhat_max"] < 1.01
    for a, b in ((one.mu, other.mu), (np.log(one.sigma), np.log(other.sigma))):
        # A thousand draws each, or nearly: means differ by 0.045 sd, sds by 3 %; four times that.
        assert (abs(a.mean(axis=0) - b.mean(axis=0)) < 0.18 * b.std(axis=0)).all()
        assert a.std(axis=0) == pytest.approx(b.std(axis=0), rel=0.15)
    assert one.held_out(both[1]) == pytest.approx(other.held_out(both[1]), abs=0.1)


def test_chains_are_run_where_importance_leaves_few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    predict = predicted(cue_overload, ALONE)
    counts = np.random.default_rng(1).integers(1, 5, (8, 3, 3)).astype(float)
    monkeypatch.setattr(populations, "FEW", 1e9)
    monkeypatch.setattr(populations, "CHAINS", Method("nuts", chains=2, tune=50, draws=50))
    done = fit_population(cue_overload.parameters, predict, counts, seed=1)
    assert done.chains == 2
    assert done.mu.shape == (100, 3)
    assert "rhat_max" in done.diagnostics


def test_a_population_is_recovered_and_predicts_the_rest_of_its_answers() -> None:
    predict = predicted(cue_overload, ALONE)
    loc, scale = normal_prior(cue_overload.parameters, 0.0)
    rng = np.random.default_rng(4)
    mu, sigma = loc + 0.5 * scale, 0.5 * scale
    z = mu + sigma * rng.standard_normal((200, 3))
    chances = predict(np.stack(list(constrain(np, cue_overload.parameters, list(z.T)).values()), axis=-1))
    both = [rng.multinomial(12, chances).astype(float) for _ in range(2)]
    done = fit_population(cue_overload.parameters, predict, both[0], seed=1)
    assert done.diagnostics["ess_min"] > 900
    for drawn, truth in ((done.mu, mu), (done.sigma, sigma)):
        # Six numbers within 99.9 % intervals: false in one of 170 such tests.
        low, high = np.quantile(drawn, [0.0005, 0.9995], axis=0)
        assert ((low < truth) & (truth < high)).all()
    # Half or more of what knowing everybody's parameters would tell beyond knowing their mean.
    known = (both[1] * np.log(chances)).sum()
    mean = (both[1] * np.log(both[0].sum(axis=0) / both[0].sum(axis=(0, 2))[:, None])).sum()
    assert mean + 0.5 * (known - mean) < done.held_out(both[1]).sum() < known
    assert done.chances().sum(axis=-1) == pytest.approx(np.ones((200, 3)))
    assert np.sqrt(((done.chances() - chances) ** 2).mean()) < np.sqrt(((chances.mean(axis=0) - chances) ** 2).mean())


def test_pymc_gets_the_likelihood_and_its_gradient() -> None:
    import pytensor
    import pytensor.tensor as pt

    from cogmem.fitting.external import log_likelihood_of

    density = trial_by_trial(cue_overload, RECORD)
    loc, scale = density.prior
    z = loc + 0.3 * scale * np.random.default_rng(2).standard_normal((3, 3))
    given = pt.matrix("z")
    total = (log_likelihood_of(density)(given) * np.array([1.0, 2.0, 3.0])).sum()
    value, slope = pytensor.function([given], [total, pytensor.grad(total, given)], mode="FAST_COMPILE")(z)
    known, gradient = density.with_gradient(z)
    assert value == pytest.approx((known * [1.0, 2.0, 3.0]).sum())
    assert slope == pytest.approx(gradient * np.array([[1.0], [2.0], [3.0]]))


def test_a_person_is_fitted_trial_by_trial() -> None:
    design = proactive_interference.design(seed=5, n_keys=4, n_updates=(1, 2, 4, 8), n_lists=20, pool=8)
    record = run(design, cue_overload.subject(**THETA["cue_overload"]), seed=6)
    done = fit_steps(trial_by_trial(cue_overload, record), name="cue_overload", seed=1)
    rows = done.intervals(probability=0.999)
    truth = np.array(list(THETA["cue_overload"].values()))
    assert ((rows["lower"] < truth) & (truth < rows["upper"])).all()
    assert done.typical()["mean"] == pytest.approx(rows["mean"])
    again = done.subject(cue_overload)
    assert run(design, again, seed=1).subject == "cue_overload"


@pytest.mark.slow
@every_model
def test_parameters_are_recovered_from_100_data_sets(model: InterferenceModel) -> None:
    """Parameters from the prior, 160 tests each: 90 % intervals hold 85 to 95 % of all of them.

    300 or 400 parameters, so that the share has a standard error of 1.7 or 1.5 points and the bound is three of them.
    """
    design = proactive_interference.design(seed=1, n_keys=4, n_updates=(1, 2, 4, 8), n_lists=10, pool=16,
                                           n_participants=100)  # fmt: skip
    rng = np.random.default_rng(3)
    record = run(design, cue_overload.subject(**THETA["cue_overload"]), seed=1)  # only to size the density
    loc, scale = trial_by_trial(model, record).prior
    z = loc + scale * rng.standard_normal((100, len(loc)))
    theta = np.stack(list(constrain(np, model.parameters, list(z.T)).values()), axis=-1)
    steps = model.sized(design)
    encoded = encode(steps, design)
    options, _ = simulate_steps(
        steps.steps, theta, encoded.rows, encoded.kinds, n_state=encoded.n_state, n_options=steps.n_options, seed=5
    )
    table = option_items(design)
    answers = np.full(len(design.tests), -1)
    for person, tests in enumerate(encoded.tests):
        for place, test in enumerate(tests):
            option = int(options[person, place])
            answers[test] = -1 if option == NONE else table[test][option][0]
    density = trial_by_trial(model, Record(design, "simulated", answers))
    done = fit_steps(density, name=model.name, method=Method("laplace", effective_draws=300.0), seed=1)
    low, high = np.quantile(done.theta, [0.05, 0.95], axis=0)
    inside = (low <= theta) & (theta <= high)
    assert 0.85 <= inside.mean() <= 0.95
