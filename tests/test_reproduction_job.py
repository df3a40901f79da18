"""People's chains and fitted reproducers: known numbers, recovery, the comparison from end to end, and bad input."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from cogmem.core import Curve, run
from cogmem.errors import UserError
from cogmem.figures import diffusion, reproduction
from cogmem.figures.figure import points_of
from cogmem.fitting import chains, hues
from cogmem.fitting.loo import stacking
from cogmem.human_data import load
from cogmem.jobs.reproduction import compute, document
from cogmem.paradigms import serial_reproduction
from cogmem.store import Store
from cogmem.subjects.circular_reproducer import AttractorReproducer, VonMisesReproducer
from cogmem.trials import Trials, concatenate

DOTS = load("vul_dots")


# ---- dots: the published numbers, and recovery ----------------------------------------------------------------------


def test_the_slope_of_dots_is_the_published_one() -> None:
    found = chains.autoregression(DOTS.rows)
    assert found["slope"] == pytest.approx(0.950, abs=5e-4)
    # Chains of one root are not independent: the error over ten roots is what tells it.
    assert 0.002 < found["slope_se"] < 0.006
    # Both conventions: stationary variance s² / (1 − λ²) is σ0², or σ0² + σx² with σ0² = λ of it.
    stationary = found["sd"] ** 2 / (1 - found["slope"] ** 2)
    assert found["percept_sd"] ** 2 == pytest.approx(stationary)
    assert found["produced_sd"] ** 2 == pytest.approx(stationary * found["slope"])
    motor = chains.autoregression(load("vul_dots", table="motor_control").rows)
    assert motor["slope"] == pytest.approx(0.9906, abs=5e-4)


def test_sums_give_the_regression_that_points_give() -> None:
    rng = np.random.default_rng(1)
    before = rng.normal(3.0, 50.0, (40, 30))
    after = 0.7 * before + 5.0 + rng.normal(0.0, 8.0, before.shape)
    sums = {
        "sum_before": before.sum(1), "sum_after": after.sum(1), "square_before": (before**2).sum(1),
        "square_after": (after**2).sum(1), "product": (before * after).sum(1),
    }  # fmt: skip
    rows = Trials({"generation": np.ones(40, dtype=int), "root": np.repeat([1, 2], 20), **sums})
    found = chains.autoregression(rows)
    line = stats.linregress(before.ravel(), after.ravel())
    assert (found["slope"], found["shift"]) == pytest.approx((line.slope, line.intercept))
    left = after - line.slope * before - line.intercept
    assert found["sd"] == pytest.approx(left.std())


def test_the_density_of_a_law_is_that_of_the_normal() -> None:
    values = np.random.default_rng(2).normal(size=(50, 3, 2)) @ np.array([[1.0, 0.5], [0.0, 2.0]])
    law = chains.law_of(values)
    found = law.log_density(values[:4])
    for g in range(3):
        normal = stats.multivariate_normal(law.mean[g], law.covariance[g])
        assert found[:, g] == pytest.approx(normal.logpdf(values[:4, g]))


def test_the_score_is_clustered_by_root() -> None:
    scores = np.array([[1.0, 3.0], [2.0, 2.0], [5.0, 7.0]])
    mean, se = chains.clustered(scores, np.array([1, 1, 2]))
    assert mean == pytest.approx(20 / 6)
    # Means of the roots are 2 and 6: sd 2.828, over the root of 2.
    assert se == pytest.approx(2.0)


def test_parameters_of_dots_are_recovered_from_their_chains() -> None:
    subject = chains.independent_dots(np.log([0.35, 0.8]), 20.0)
    values = chains.simulate(subject, DOTS, chains=80, generations=12, seed=11)
    people = chains.Chains(np.repeat(np.arange(8), 10), values)
    how = chains.Simulated(chains=60, seed=3, evaluations=60)
    theta = chains.fit_by_simulation(
        lambda t: chains.independent_dots(t, 20.0), np.log([0.25, 0.95]), DOTS, people, how
    )
    # 80 chains tell the shrinking a generation, and with it both, to a few percent; the simulated law as much.
    assert np.exp(theta) == pytest.approx([0.35, 0.8], rel=0.15)


def test_grouped_dots_cluster_and_independent_ones_do_not() -> None:
    grouped = chains.grouped_dots(np.log([0.43, 1.0, 0.27, 6.0]), 23.0)
    alone = chains.independent_dots(np.log([0.3, 0.88]), 23.0)
    ratio = {}
    for subject in (grouped, alone):
        values = np.exp(chains.simulate(subject, DOTS, chains=60, generations=19, seed=4))
        means = values.mean(axis=0)
        ratio[subject.name] = means[:, 1] / means[:, 0]
    people = np.exp(chains.human_chains(DOTS).values).mean(axis=0)
    # People's nearest-neighbour distance halves while dispersion falls by 43 %; of independent dots both fall alike.
    assert people[-1, 1] / people[-1, 0] < 0.85 * people[0, 1] / people[0, 0]
    assert ratio["grouped_dots"][-1] < 0.85 * ratio["independent_dots"][-1]
    assert ratio["independent_dots"][-1] == pytest.approx(ratio["independent_dots"][0], rel=0.08)


# ---- hues ----------------------------------------------------------------------------------------------------------


def by_cells(errors: np.ndarray, hue: np.ndarray, who: np.ndarray, half: str = "odd") -> Trials:
    """Return the table of errors (degrees) by person and 20 degrees of hue."""
    place = (hue // 20).astype(int)
    keys = sorted(set(zip(who.tolist(), place.tolist(), strict=True)))
    parts = [errors[(who == person) & (place == k)] for person, k in keys]
    return Trials(
        {
            "participant": np.array([f"p{person:02d}" for person, _ in keys]),
            "hue": np.array([20 * k + 10 for _, k in keys]),
            "n_trials": np.array([len(part) for part in parts]),
            "y": np.array([part.mean() for part in parts]),
            "error_sd": np.array([part.std() for part in parts]),
            "half": np.full(len(keys), half),
        }
    )


def test_the_density_of_cells_is_that_of_their_errors() -> None:
    rng = np.random.default_rng(5)
    errors, hue, who = rng.normal(2.0, 9.0, 300), rng.uniform(0, 360, 300), rng.integers(0, 3, 300)
    cells = hues.cells_of(by_cells(errors, hue, who))
    found = cells.log_density(np.deg2rad(np.full(len(cells.n), 1.5)), np.deg2rad(8.0))
    assert found.sum() == pytest.approx(stats.norm(1.5, 8.0).logpdf(errors).sum())
    assert np.rad2deg(hues.own_sd(cells)) == pytest.approx(
        [np.sqrt((errors[who == person] ** 2).mean()) for person in range(3)]
    )


def test_both_halves_of_the_chains_are_one_cell_a_person_and_hue() -> None:
    rng = np.random.default_rng(7)
    errors, hue, who = rng.normal(2.0, 9.0, 200), rng.uniform(0, 360, 200), rng.integers(0, 2, 200)
    first = np.arange(200) < 90
    halves = [by_cells(errors[part], hue[part], who[part]) for part in (first, ~first)]
    both, whole = hues.cells_of(concatenate(halves)), hues.cells_of(by_cells(errors, hue, who))
    assert len(both.n) == len(whole.n)
    for name in ("person", "theta", "n", "mean", "sd"):
        np.testing.assert_allclose(getattr(both, name), getattr(whole, name))


def test_missing_cells_say_nothing() -> None:
    rng = np.random.default_rng(8)
    cells = hues.cells_of(by_cells(rng.normal(0, 9.0, 99), rng.uniform(0, 360, 99), rng.integers(0, 3, 99)))
    n = len(cells.n)
    log = []
    for rows in (n, n + 7):
        model = hues.attractor_model(3, rows, "individual")
        for name, values in hues.data_of(cells, rows, "individual").items():
            model.set_data(name, values)
        log.append(float(model.compile_logp(sum=True)(model.initial_point())))
    assert log[0] == pytest.approx(log[1])
    assert np.isfinite(log[0])


def test_other_people_predict_without_the_person() -> None:
    rows = Trials(
        {
            "participant": np.array(["a", "b", "c"]),
            "hue": np.array([10, 10, 10]),
            "n_trials": np.array([1, 3, 2]),
            "y": np.array([6.0, 2.0, -3.0]),
            "error_sd": np.array([1.0, 1.0, 1.0]),
        }
    )
    cells = hues.cells_of(rows)
    mean, _ = hues.by_others(cells, cells)
    # a: (3 × 2 − 2 × 3) / 5 = 0; b: (6 − 6) / 3 = 0; c: (6 + 6) / 4 = 3.
    assert np.rad2deg(mean) == pytest.approx([0.0, 0.0, 3.0], abs=1e-12)


def simulated_errors(subject: VonMisesReproducer | AttractorReproducer, people: int, trials: int) -> Trials:
    design = serial_reproduction.design(
        seed=3, space="circle", n_roots=people * trials, chains_per_root=1, within_person=True, chains_per_person=trials
    )
    record = run(design, subject, seed=4)
    shown = design.items[design.tests["item"]]
    errors = (record.answers - shown + 180) % 360 - 180
    return by_cells(errors, shown, np.repeat(np.arange(people), trials))


def test_attractors_shared_by_all_are_recovered() -> None:
    truth = VonMisesReproducer((80.0, 250.0), (30.0, 40.0), (0.5, 0.5), 7.0, spread=0.3)
    cells = hues.cells_of(simulated_errors(truth, 20, 400))
    found = hues.fit_von_mises(cells, components=2, starts=4)
    # The pull is a shift of at most two degrees among errors of ten: attractors are told to some ten degrees.
    assert found.means == pytest.approx([80.0, 250.0], abs=12.0)
    theta = np.deg2rad(np.arange(10, 360, 20.0))
    exact = hues._pull(
        theta, np.deg2rad([80.0, 250.0]), hues._kappas(np.array([30.0, 40.0])), np.array([0.35, 0.35]), 0.3
    )
    assert np.corrcoef(found.pull(theta), exact)[0, 1] > 0.95


@pytest.mark.slow
def test_attractors_of_each_person_are_recovered_and_predict_best() -> None:
    rng = np.random.default_rng(6)
    cosines, sines = rng.normal(0, [1.5, 0.7], (15, 2)), rng.normal(0, [1.5, 0.7], (15, 2))
    truth = AttractorReproducer(cosines, sines, np.full(15, 7.0))
    train, test = (hues.cells_of(simulated_errors(truth, 15, n)) for n in (600, 601))
    found = {prior: hues.fit_hues(train, prior, seed=1) for prior in ("shared", "individual")}  # type: ignore[arg-type]
    own = found["individual"]
    assert own.r_hat < 1.05
    assert own.divergences == 0
    drawn = own.pull.mean(axis=0)
    # 600 errors of sd 10 against a slope of s²/2 = .015 rad: a coefficient is told to about ±.45.
    assert np.corrcoef(drawn[:, 0], cosines[:, 0])[0, 1] > 0.9
    assert np.corrcoef(drawn[:, hues.HARMONICS], sines[:, 0])[0, 1] > 0.9
    score = {prior: hues.held_out(fit, test).sum() for prior, fit in found.items()}
    assert score["individual"] > score["shared"]


# ---- the comparison from end to end ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Store, dict[str, object], list[tuple[object, ...]]]:
    store = Store(tmp_path_factory.mktemp("store"))
    names = ["gaussian_reproducer", "independent_dots"]
    results = compute(DOTS, models=names, networks=False, store=store, workers=1)
    return (
        store,
        json.loads(json.dumps(document(results), allow_nan=False)),
        list(points_of(reproduction.draw(results))),
    )


def test_people_come_first_and_independent_dots_beat_single_coordinates(
    compared: tuple[Store, dict[str, list[dict[str, list[dict[str, float | str]]]]], list[object]],
) -> None:
    _, found, points = compared
    (part,) = found["comparisons"]
    people, first, second = part["subjects"]
    assert [each["kind"] for each in part["subjects"]] == ["human", "bayesian", "bayesian"]
    assert (first["name"], second["name"]) == ("independent_dots", "gaussian_reproducer")
    # People predict one another better than either: by the laws of other roots' chains.
    assert people["elpd_per_test"] > first["elpd_per_test"] > second["elpd_per_test"]
    assert people["n"] == 1900
    assert people["elpd_per_test"] == pytest.approx(-0.595, abs=1e-3)
    assert {str(point[0]) for point in points} == {  # type: ignore[index]
        "Dots: vul_dots: dispersion", "Dots: vul_dots: nearest neighbour", "Dots: vul_dots: predicting people"
    }  # fmt: skip


def test_what_was_computed_is_not_computed_again(compared: tuple[Store, object, object]) -> None:
    store = compared[0]
    before = [entry.path.stat().st_mtime_ns for entry in store.ls()]
    again = compute(DOTS, models=["gaussian_reproducer", "independent_dots"], networks=False, store=store, workers=1)
    assert [entry.path.stat().st_mtime_ns for entry in store.ls()] == before
    assert json.loads(json.dumps(document(again)))["comparisons"] == compared[1]["comparisons"]  # type: ignore[index]


def broken(**columns: object) -> Curve:
    return replace(DOTS, rows=DOTS.rows.with_columns(columns))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: compute(load("murre_dros_2015"), store=Store(Path("nowhere"))), "has no chains of dots"),
        (lambda: compute(DOTS, models=["grouped_dot"], store=Store(Path("nowhere"))), "did you mean 'grouped_dots'"),
        (
            lambda: chains.human_chains(replace(DOTS, rows=DOTS.rows.where(np.arange(2000) != 7))),
            "needs the generations 0",
        ),
        (lambda: chains.human_chains(broken(generation=np.zeros(2000, dtype=int))), "once each"),
        (lambda: chains.human_chains(broken(nearest_neighbour=np.zeros(2000))), "distances above 0"),
        (lambda: chains.law_of(np.zeros((2, 3, 2))), "needs 4 chains"),
        (lambda: hues.cells_of(DOTS.rows), "need the columns participant"),
        (lambda: hues.fit_hues(CELLS, "individuals", seed=1), "did you mean 'individual'"),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_bad_chains_are_one_sentence_and_nothing_is_written(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)
    assert not Path("nowhere").exists()


CELLS = hues.cells_of(by_cells(np.array([1.0, 2.0]), np.array([10.0, 50.0]), np.array([0, 0])))


def test_stacking_gives_the_better_forecast_the_weight() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=500)
    good, bad = stats.norm(0, 1).logpdf(y), stats.norm(1.5, 1).logpdf(y)
    found = stacking({"good": good, "bad": bad})
    assert found["good"] > 0.9
    assert sum(found.values()) == pytest.approx(1.0)
    assert stacking({"one": good}) == {"one": 1.0}


# ---- figures --------------------------------------------------------------------------------------------------------


def test_diffusion_panels_plot_the_published_numbers() -> None:
    error, complexity = diffusion.steps_panels()
    gaussian = {"error": error.series[0].rows["y"], "complexity": complexity.series[0].rows["y"]}
    at = [diffusion.STEPS.index(steps) for steps in (2, 12, 100)]
    assert gaussian["error"][at] == pytest.approx([0.4492, 0.1632, 0.1279], rel=1e-3)
    # The notes give four decimals.
    assert gaussian["complexity"][at] == pytest.approx([0.6821, 0.0548, 0.0035], abs=6e-5)
    found = {series.label: float(series.rows["y"][0]) for series in diffusion.conditions_panel().series}
    for label, value in (
        ("Gaussian", 0.0695),
        ("bimodal", 0.1449),
        ("fade", 0.0461),
        ("Gaussian, constant .01", 1.0742),
    ):
        assert found[label] == pytest.approx(value, rel=1e-3)
    # Ten times the steps mend constant small noise only in part.
    assert 2 * found["Gaussian"] < found["same, 100 steps"] < found["Gaussian, constant .01"]
    start = diffusion.trajectory_panel().series[0].rows["y"][0]
    assert start == pytest.approx(2.1123, rel=1e-3)
