"""Rating models: chances counted by hand, laws of familiarity, and what fits find again."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import ndtr, ndtri
from scipy.stats import norm

from cogmem.core import Source
from cogmem.errors import UserError
from cogmem.fitting import ratings as rating_fits
from cogmem.fitting import together
from cogmem.fitting.fits import Method
from cogmem.fitting.ratings import RatingDensity, RatingFit, fit_ratings, left_out, log_counts
from cogmem.fitting.step_fits import StepDensity, StepFit, fit_steps
from cogmem.human_data.loading import load
from cogmem.jobs import recognition
from cogmem.models import recognition_others, recognition_rem, recognition_sparsey
from cogmem.models.recognition import (
    RATING_MODELS,
    RatingModel,
    dual_process,
    equal_variance,
    rem,
    shares,
    tabled,
    unequal_variance,
)
from cogmem.models.recognition_tables import tabulate
from cogmem.subjects.parameters import Parameter, constrained
from cogmem.trials import Trials
from tests.test_pair_models import Array

CRITERIA = [-0.5, 0.5, 0.5, 0.5, 0.5]
"""At -0.5, 0, 0.5, 1 and 1.5: around the middle between 0 and a d' of 1."""
BY_NAME = {model.name: model for model in RATING_MODELS}


def chances(model: RatingModel, *memory: float, criteria: list[float] = CRITERIA) -> Array:
    return model.chances(np.array([[*criteria, *memory]]))[0]


def z_of(model: RatingModel, n: int, seed: int = 0, width: float = 0.5) -> Array:
    rng = np.random.default_rng(seed)
    loc, scale = (np.array([getattr(each, name) for each in model.parameters]) for name in ("loc", "scale"))
    return np.asarray(loc + width * scale * rng.standard_normal((n, len(loc))))


# ---- chances ---------------------------------------------------------------------------------------------------------


def test_equal_variance_is_the_written_out_normal_distribution() -> None:
    # Of the standard normal: 0.30854 below -0.5, 0.19146 up to 0 and to 0.5, 0.14988 to 1, 0.09185 to 1.5.
    new = [0.30854, 0.19146, 0.19146, 0.14988, 0.09185, 0.06681]
    np.testing.assert_allclose(chances(equal_variance, 1.0), [new, new[::-1]], atol=1e-5)


def test_without_memory_old_items_are_rated_as_new_ones() -> None:
    for model, memory in ((equal_variance, (0.0,)), (unequal_variance, (0.0, 1.0)), (dual_process, (0.0, 0.0))):
        new, old = chances(model, *memory)
        np.testing.assert_array_equal(new, old)


def test_whoever_recollects_everything_gives_old_items_the_highest_rating() -> None:
    np.testing.assert_allclose(chances(dual_process, 0.3, 1.0)[1], [0, 0, 0, 0, 0, 1], atol=1e-15)


def test_recollection_takes_its_share_of_each_lower_rating() -> None:
    familiar, mixed = chances(equal_variance, 1.0), chances(dual_process, 1.0, 0.25)
    np.testing.assert_allclose(mixed[1, :5], 0.75 * familiar[1, :5])
    np.testing.assert_array_equal(mixed[0], familiar[0])


def test_unequal_variances_of_one_are_equal() -> None:
    np.testing.assert_allclose(chances(unequal_variance, 1.3, 1.0), chances(equal_variance, 1.3), atol=1e-15)


@pytest.mark.parametrize("sigma", [0.6, 1.0, 1.4])
def test_the_z_roc_is_a_line_with_slope_one_over_sigma(sigma: float) -> None:
    above = chances(unequal_variance, 1.2, sigma)[:, ::-1].cumsum(axis=1)[:, :-1]
    alarms, hits = ndtri(above)
    np.testing.assert_allclose(np.diff(hits) / np.diff(alarms), 1 / sigma, rtol=1e-9)


@pytest.mark.parametrize("name", sorted(BY_NAME))
@given(st.lists(st.floats(-6, 6), min_size=7, max_size=7))
@settings(max_examples=60, deadline=None)
def test_chances_are_shares_for_any_parameters(name: str, z: list[float]) -> None:
    model = BY_NAME[name]
    own = constrained(model.parameters, np.array([z[: len(model.parameters)]]))
    found = model.chances(own)
    assert found.shape == (1, 2, 6)
    assert (found >= 0).all()
    np.testing.assert_allclose(found.sum(axis=-1), 1.0, atol=1e-12)


def test_shares_are_differences_and_never_below_zero() -> None:
    np.testing.assert_allclose(shares(np.array([0.2, 0.5, np.nextafter(0.5, 0)])), [0.2, 0.3, 0.0, 0.5])
    assert shares(np.array([0.2, 0.5, np.nextafter(0.5, 0)])).min() == 0


# ---- tabulated familiarity -------------------------------------------------------------------------------------------

STRENGTHS = np.linspace(0.0, 2.0, 9)
N = 20_000


def normal_draws(scale: float = 1.0, shift: float = 0.0) -> tuple[Array, Array]:
    rng = np.random.default_rng(5)
    new, old = rng.standard_normal((2, len(STRENGTHS), N))
    return shift + scale * new, shift + scale * (old + STRENGTHS[:, None])


def test_a_table_of_normal_draws_is_equal_variance_signal_detection() -> None:
    model = tabled("normal", 1, "", "", STRENGTHS, *normal_draws())
    # A chance p of N draws has the error sqrt(p (1 - p) / N), 0.0035 at most; so has each mean, times a density of 0.4.
    # Three of each together: 0.015.
    for strength in (0.5, 1.0, 1.4):
        np.testing.assert_allclose(chances(model, strength / 2), chances(equal_variance, strength), atol=0.015)


def test_a_table_does_not_know_the_scale_of_familiarity() -> None:
    plain, other = (tabled("n", 1, "", "", STRENGTHS, *normal_draws(*each)) for each in ((1.0, 0.0), (7.0, -3.0)))
    np.testing.assert_allclose(chances(plain, 0.4), chances(other, 0.4), atol=1e-9)


def test_a_table_tells_ratings_beyond_its_draws() -> None:
    model = tabled("normal", 1, "", "", STRENGTHS, *normal_draws())
    far = chances(model, 0.5, criteria=[-5.0, 5.5, 2.0, 1.0, 1.0])
    assert (far > 0).all()
    # Straight lines of the probit from 3.3 on: within half a standard deviation at 5.
    assert norm.cdf(-5.5) < far[0, 0] < norm.cdf(-4.5)
    assert norm.cdf(-5.0) < far[0, 5] < norm.cdf(-4.0)


def test_uneven_strengths_lie_where_they_are() -> None:
    chosen = np.array([0, 1, 4, 8])
    new, old = normal_draws()
    model = tabled("normal", 1, "", "", STRENGTHS[chosen], new[chosen], old[chosen])
    np.testing.assert_allclose(chances(model, 0.5), chances(equal_variance, 1.0), atol=0.015)


def test_equal_draws_make_a_step() -> None:
    new, old = normal_draws()
    # Certain memory: each old probe is exactly as familiar as the strongest possible.
    model = tabled("certain", 1, "", "", STRENGTHS, new, np.full_like(old, 6.0))
    found = chances(model, 0.5, criteria=[0.0, 1.0, 1.0, 1.0, 2.0])
    np.testing.assert_allclose(found[1], [0, 0, 0, 0, 0, 1], atol=1e-6)


def test_a_table_may_have_any_number_of_ratings() -> None:
    model = tabled("normal", 1, "", "", STRENGTHS, *normal_draws(), n_ratings=3)
    assert [each.name for each in model.parameters] == ["criterion", "gap_2", "strength"]
    assert model.chances(np.array([[0.0, 1.0, 0.5]])).shape == (1, 2, 3)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda s, new, old: (s[::-1], new, old), "rising order"),
        (lambda s, new, old: (s[:2], new[:2], old[:2]), "three or more"),
        (lambda s, new, old: (s, new[:, :50], old), "needs 200"),
        (lambda s, new, old: (s, 0 * new, old), "equally familiar"),
    ],
)
def test_what_a_table_cannot_be_made_of_is_said(change: Any, said: str) -> None:
    with pytest.raises(UserError, match=said):
        tabulate(*change(STRENGTHS, *normal_draws()))


# ---- REM -------------------------------------------------------------------------------------------------------------


def test_rem_ratio_of_the_article() -> None:
    probe = np.array([2, 3, 4, 3])
    traces = np.array([[0, 1, 0, 3], [2, 2, 1, 0]])
    # A match of 3 is (0.7 + 0.3 * 0.144) / 0.144 = 5.161, of 2 (0.7 + 0.3 * 0.24) / 0.24 = 3.217; a mismatch 0.3.
    np.testing.assert_allclose(np.exp(recognition_rem.log_odds(probe, traces)), (0.3 * 5.16111 + 3.21667 * 0.09) / 2)


def test_rem_odds_are_a_likelihood_ratio() -> None:
    new, old = recognition_rem.simulated()
    # The mean of a likelihood ratio is 1 where the denominator is true, of its inverse where the numerator is. With
    # more storage it is made by odds too rare to be drawn.
    for odds in (np.exp(new[:9]), np.exp(-old[:15])):
        error = odds.std(axis=1) / np.sqrt(odds.shape[1])
        assert error.max() < 0.06
        assert (abs(odds.mean(axis=1) - 1) < 4 * error).all()


def test_rem_old_probes_have_higher_odds_and_more_so_with_storage() -> None:
    new, old = (each.mean(axis=1) for each in recognition_rem.simulated())
    assert (old > new).all()
    assert (np.diff(old - new) > 0).all()


def test_rem_chances_are_those_of_its_draws() -> None:
    k, criteria = 12, np.array([-0.5, 0.0, 0.5, 1.0, 1.5])
    new, old = (each[k] for each in recognition_rem.simulated())
    below = [[((draws - new.mean()) / new.std() < c).mean() for c in criteria] for draws in (new, old)]
    place = (recognition_rem.STORED[k] - recognition_rem.STORED[0]) / np.ptp(recognition_rem.STORED)
    # Of the same draws: what differs is smoothing over a tenth of a standard deviation.
    np.testing.assert_allclose(chances(rem, place), shares(np.array(below)), atol=0.01)


# ---- fits ------------------------------------------------------------------------------------------------------------


def density_of(model: RatingModel, counts: Array) -> RatingDensity:
    def likelihood(theta: Array) -> Array:
        found = model.chances(theta.reshape(-1, theta.shape[-1]))
        return log_counts(counts, found.reshape(*theta.shape[:-1], 2, model.n_ratings))

    people = tuple(str(k) for k in range(len(counts)))
    return RatingDensity(model.parameters, people, likelihood, True, model, counts)


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_gradients_are_those_of_the_likelihood(name: str) -> None:
    model = BY_NAME[name]
    counts = np.random.default_rng(1).multinomial(60, np.full(6, 1 / 6), (4, 2)).astype(np.float64)
    density, z = density_of(model, counts), z_of(model, 4)
    value, gradient = density.with_gradient(z)
    by_differences = StepDensity.with_gradient(density, z)
    np.testing.assert_allclose(value, by_differences[0])
    np.testing.assert_allclose(gradient, by_differences[1], rtol=1e-4, atol=1e-4)


def test_the_gradient_of_everybody_together() -> None:
    rng = np.random.default_rng(2)
    counts = rng.multinomial(60, np.full(6, 1 / 6), (4, 2)).astype(np.float64)
    density = density_of(equal_variance, counts)
    posterior = together.Together(density, together.coordinates(density))
    x = 0.3 * rng.standard_normal((1, 2 * 6 + 4 * 6))
    moves = 1e-4 * np.eye(x.size)[:, None]
    differences = [posterior.with_gradient(x + e)[0] - posterior.with_gradient(x - e)[0] for e in moves]
    np.testing.assert_allclose(posterior.with_gradient(x)[1][0], np.ravel(differences) / 2e-4, rtol=1e-4, atol=1e-4)


def test_the_density_of_everybody_together_is_the_written_out_posterior() -> None:
    counts = np.random.default_rng(3).multinomial(60, np.full(6, 1 / 6), (5, 2)).astype(np.float64)
    density = density_of(equal_variance, counts)
    at = together.coordinates(density)
    x = 0.5 * np.random.default_rng(4).standard_normal((2, 2 * 6 + 5 * 6))
    (loc, scale), found = density.prior, []
    for each in x:
        z, (mu, log_sigma) = at.people(each), at.population(each)
        log = density.log_likelihood(z[None])[0].sum() + norm.logpdf(z, mu, np.exp(log_sigma)).sum()
        prior = norm.logpdf(mu, loc, scale) + norm.logpdf(np.exp(log_sigma), 0, 0.7 * scale) + log_sigma
        found.append(log + prior.sum())
    told = [together.Together(density, at).with_gradient(each[None])[0][0] for each in x]
    assert told[0] - told[1] == pytest.approx(found[0] - found[1])


def test_d_prime_and_sigma_are_found_again() -> None:
    truth = np.array([[*CRITERIA, 1.5, 1.3]])
    rng = np.random.default_rng(6)
    n = 40_000
    counts = np.stack([[rng.multinomial(n, p) for p in unequal_variance.chances(truth)[0]]]).astype(np.float64)
    density = density_of(unequal_variance, counts)

    def lack(z: Array) -> tuple[float, Array]:
        value, slope = density.with_gradient(z[None])
        return -float(value[0]), -slope[0]

    loc, _ = density.prior
    found = constrained(unequal_variance.parameters, minimize(lack, loc, jac=True, method="BFGS").x)
    # A d' is told with an error of about sqrt(2 pi / n), 0.013, and so is sigma; three of them.
    np.testing.assert_allclose(found[5:], [1.5, 1.3], atol=0.04)


def points_of_two() -> tuple[together.OwnPoints, Array, Array]:
    """Return points of two people whose likelihoods are normal around `a` (people, 2), as wide as `s` (2,)."""
    a, s = np.array([[0.3, -0.2], [0.8, 0.5]]), np.array([0.2, 0.4])
    spread = np.broadcast_to(np.diag(s**2), (2, 2, 2))
    found = together.points_around(lambda z: norm.logpdf(z, a, s).sum(axis=-1), a, spread, np.random.default_rng(7))
    return found, a, s


def test_the_density_of_a_population_is_the_integral_over_people() -> None:
    points, a, s = points_of_two()
    mu, sigma = np.array([[0.1, 0.0], [0.4, 0.1]]), np.array([[0.5, 0.7], [0.6, 0.5]])
    exact = norm.logpdf(a, mu[:, None], np.hypot(s, sigma)[:, None]).sum(axis=-1)
    # A thousand points with weights that vary by half of their mean: 0.016; three of them.
    np.testing.assert_allclose(points.by_person(mu, sigma), exact, atol=0.05)
    np.testing.assert_allclose(points.of(mu, sigma), points.by_person(mu, sigma).sum(axis=1))
    # The same to the digits of single precision, and its slope.
    x = np.concatenate([mu, np.log(sigma)], axis=1)
    told = np.ravel([points.with_gradient(each[None])[0] for each in x])
    np.testing.assert_allclose(told, points.of(mu, sigma), atol=1e-4)
    moves = 1e-5 * np.eye(4)
    slopes = [(points.with_gradient(x[:1] + e)[0] - points.with_gradient(x[:1] - e)[0])[0] / 2e-5 for e in moves]
    np.testing.assert_allclose(points.with_gradient(x[:1])[1][0], slopes, atol=1e-6)


def test_people_are_drawn_from_their_posteriors_under_a_population() -> None:
    points, a, s = points_of_two()
    mu, sigma = np.array([0.6, 0.2]), np.array([0.3, 0.3])
    exact = 1 / (1 / s**2 + 1 / sigma**2)
    mean = exact * (a / s**2 + mu / sigma**2)
    told, spread = points.moments(mu, sigma)
    # A few hundred effective points: the mean is known to a twentieth of the sd, the variance to a tenth; three.
    np.testing.assert_allclose((told - mean) / np.sqrt(exact), 0.0, atol=0.15)
    np.testing.assert_allclose(np.diagonal(spread, axis1=1, axis2=2), np.broadcast_to(exact, (2, 2)), rtol=0.3)
    many = np.tile(mu, (4000, 1)), np.tile(sigma, (4000, 1))
    drawn = points.drawn(*many, np.random.default_rng(1))
    np.testing.assert_allclose((drawn.mean(axis=0) - told) / np.sqrt(exact), 0.0, atol=4 / np.sqrt(4000))
    assert 200 < points.effective(mu, sigma) <= 1000


@pytest.mark.parametrize("name", sorted(BY_NAME))
def test_the_expected_information_is_the_curvature_where_answers_are_as_expected(name: str) -> None:
    model = BY_NAME[name]
    z = z_of(model, 3)
    theta = constrained(model.parameters, z)
    density = density_of(model, 100 * model.chances(theta))
    _, slope, told = density.information(z)
    np.testing.assert_allclose(slope, 0.0, atol=2e-3)
    moves = 1e-4 * np.eye(z.shape[1])
    hessian = [(density.with_gradient(z + e)[1] - density.with_gradient(z - e)[1]) / 2e-4 for e in moves]
    # Tabulated memories have slopes that jump from cell to cell of the table.
    np.testing.assert_allclose(-np.stack(hessian, axis=1), told, rtol=0.02, atol=0.15)


def test_scoring_climbs_to_everybodys_mode() -> None:
    rng = np.random.default_rng(5)
    counts = rng.multinomial(80, [0.3, 0.25, 0.2, 0.1, 0.1, 0.05], (5, 2)).astype(np.float64)
    density = density_of(unequal_variance, counts)
    (loc, scale), start = density.prior, z_of(unequal_variance, 5, width=2.0)
    z, covariance = together.scored(density, start, loc, scale, 40)
    slope = density.with_gradient(z)[1] - (z - loc) / scale**2
    # What is left to go is a hundredth of an sd.
    assert (np.einsum("up,upq,uq->u", slope, covariance, slope) < 1e-4).all()


def test_log_densities_of_people_are_integrals_over_the_population() -> None:
    def told(theta: Array) -> Array:
        return np.asarray(np.stack([ndtr(theta), ndtr(-theta)], axis=-1))

    counts, grid = np.array([[[12.0, 3.0]], [[2.0, 6.0]]]), np.linspace(-6, 6, 4001)
    likelihood = log_counts(counts, told(np.broadcast_to(grid[:, None, None], (4001, 2, 1))))
    # A person's draws: quantiles of the posterior under the prior N(0, 1).
    share = np.exp(likelihood - 0.5 * grid[:, None] ** 2).cumsum(axis=0)
    own = np.stack([np.interp(np.linspace(0.001, 0.999, 500), c / c[-1], grid) for c in share.T], axis=1)
    population = {"mu": np.array([[[0.2], [-0.3]]]), "sigma": np.array([[[0.7], [1.2]]])}
    done = StepFit("", (Parameter("a", "real", 0, 1),), ("x", "y"), {"a": own[None]}, population, {}, (), 0.0)
    exact = [[np.log(np.trapezoid(np.exp(logs) * norm.pdf(grid, mu, sigma), grid)) for logs in likelihood.T]
             for mu, sigma in ((0.2, 0.7), (-0.3, 1.2))]  # fmt: skip
    # The weights of a thousand points vary by their mean at most: an error of 0.03; three of them.
    np.testing.assert_allclose(RatingFit(done, told, counts, 1).log_densities(), exact, atol=0.1)


def fitted(sigmas: Array, counts: Array) -> RatingFit:
    """Return a fit of the unequal-variance model whose draws of sigma (draws, people) are given."""
    draws = {each.name: np.ones((1, *sigmas.shape)) for each in unequal_variance.parameters} | {"sigma": sigmas[None]}
    done = StepFit("", unequal_variance.parameters, ("a", "b", "c"), draws, {}, {}, (), 0.0)
    return RatingFit(done, lambda theta: theta, counts, 1)


def rated(counts: Array, group: list[str]) -> recognition.Ratings:
    return recognition.Ratings("hand", tuple("abcdefgh"[: len(counts)]), np.array(group), counts)


def test_slopes_of_people_by_both_methods() -> None:
    # As often to new as to old items: the z-ROC is the diagonal, its slope 1. The last person uses one rating.
    counts = np.stack([np.ones((2, 6)), np.tile([1.0, 4, 2, 8, 5, 7], (2, 1)), np.tile([0, 0, 0, 0, 0, 10.0], (2, 1))])
    fit = fitted(np.array([[2.0, 1.0, 1.0], [1.0, 1.0, 4.0]]), counts)
    found = recognition.z_slopes(fit, rated(counts, ["e", "e", "f"]))
    # Means of 1/2, 1 and of 1, 1 and of 1, 1/4 are .75, 1, .625.
    expected = [("all", "fit", (0.75 + 1.0 + 0.625) / 3, 3), ("all", "line", 1.0, 2), ("e", "fit", 0.875, 2),
                ("e", "line", 1.0, 2), ("f", "fit", 0.625, 1)]  # fmt: skip
    assert list(zip(found["group"].tolist(), found["method"].tolist(), strict=True)) == [each[:2] for each in expected]
    np.testing.assert_allclose(found["y"], [each[2] for each in expected])
    np.testing.assert_array_equal(found["n"], [each[3] for each in expected])
    np.testing.assert_array_equal(found["x"], [0, 0, 1, 1, 2])
    # Everybody's mean by draw: 2/3 + 1/6 of the first, (1 + 1 + 1/4) / 3 of the second.
    np.testing.assert_allclose(found["lower"][0], 0.75 + 0.025 * (2.5 / 3 - 0.75))


def test_halves_are_all_answers_parted_evenly() -> None:
    everybody = recognition.ratings_of(load(recognition.DATA))
    halved, whole = everybody.halves(), everybody.counts
    assert whole.shape == (459, 2, 6)
    np.testing.assert_array_equal(halved.first + halved.second, whole)
    apart = (halved.second - halved.first).sum(axis=-1)
    assert set(np.unique(apart)) <= {0.0, 1.0}
    assert (halved.first >= 0).all()
    assert (halved.second >= 0).all()
    np.testing.assert_array_equal(everybody.halves().first, halved.first)


def test_the_roc_starts_at_the_strictest_criterion() -> None:
    curve = recognition.roc("x", np.array([[[0.5, 0.3, 0.1, 0.1, 0, 0], [0, 0, 0.1, 0.2, 0.3, 0.4]]]), cast(Any, None))
    np.testing.assert_allclose(curve.rows["x"], [0, 0, 0.1, 0.2, 0.5])
    np.testing.assert_allclose(curve.rows["y"], [0.4, 0.7, 0.9, 1.0, 1.0])


def test_shares_of_ratings_are_of_new_items_then_of_old_ones() -> None:
    people = rated(np.array([[[1.0, 3], [0, 4]], [[2, 2], [1, 1]]]), ["e", "e"])
    curve = recognition.people_shares(people, Source(who="hand", kind="human"))
    np.testing.assert_array_equal(curve.rows["x"], [1, 2, 3, 4, 1, 2, 3, 4])
    np.testing.assert_allclose(curve.rows["y"], [0.25, 0.75, 0, 1, 0.5, 0.5, 0.5, 0.5])
    np.testing.assert_allclose(curve.pool().rows["y"], [3 / 8, 5 / 8, 1 / 6, 5 / 6])


@pytest.mark.parametrize(
    ("name", "people", "steps", "groups"),
    [("roc6_2015", 459, 6, 12), ("kantner_lindsay_2010", 78, 6, 6), ("kantner_lindsay_2014", 87, 6, 1),
     ("sadeghi_2017", 50, 12, 2)],
)  # fmt: skip
def test_ratings_of_each_data_set(name: str, people: int, steps: int, groups: int) -> None:
    found = recognition.ratings_of(load(name))
    assert (found.counts.shape, len(np.unique(found.group))) == ((people, 2, steps), groups)
    assert found.counts.sum() == load(name).rows["n"].sum()
    assert len(found.model("unequal_variance").parameters) == steps + 1


def test_tables_without_ratings_are_told_what_is_needed() -> None:
    with pytest.raises(UserError, match=r"reder_2000 has x, y, .*Take one of roc6_2015"):
        recognition.ratings_of(load("reder_2000"))
    few = load("sadeghi_2017")
    first = few.rows["participant"] == few.rows["participant"][0]
    rows = {name: np.where(first & (few.rows["repetitions"] == 1), 0, few.rows[name]) if name.startswith("rating_")
            else few.rows[name] for name in few.rows}  # fmt: skip
    with pytest.raises(UserError, match=f"{few.rows['participant'][0]} of sadeghi_2017 has not"):
        recognition.ratings_of(replace(few, rows=Trials(rows)))


# ---- people told by people -------------------------------------------------------------------------------------------


def test_others_are_of_the_same_group_and_not_oneself() -> None:
    answers = np.zeros((4, 2, 6))
    answers[range(4), :, range(4)] = np.array([4.0, 3.0, 1.0, 2.0])[:, None]
    found = recognition_others.others(answers, np.array(["e", "e", "f", "f"]))
    np.testing.assert_array_equal(found[0], [[0, 3, 0, 0, 0, 0]] * 2)
    np.testing.assert_array_equal(found[3], [[0, 0, 1, 0, 0, 0]] * 2)
    # Half an answer a rating: (3 + .5) of (3 + 3).
    told = recognition_others.pooled(answers, np.array(["e", "e", "f", "f"]))
    np.testing.assert_allclose(told[0, 0], [0.5 / 6, 3.5 / 6, *[0.5 / 6] * 4])
    with pytest.raises(UserError, match="Nobody else is in f"):
        recognition_others.others(answers[:3], np.array(["e", "e", "f"]))


def test_others_with_a_straight_z_roc_are_signal_detection() -> None:
    # So many answers that half of one more is nothing: everybody's are unequal variance at d' 1.2, sd 1.5.
    told = unequal_variance.chances(np.array([[*CRITERIA, 1.2, 1.5]]))
    model = recognition_others.by_others(np.repeat(1e9 * told, 3, axis=0), np.array(["e"] * 3))
    # A person 0.6 farther away by the others' line: (c - 1.2) / 1.5 - 0.6 is (c - 2.1) / 1.5; other criteria, too.
    own = [-2.0, 1.0, 0.3, 0.7, 1.8]
    expected = unequal_variance.chances(np.array([[*own, 2.1, 1.5]]))
    found = model.chances(np.array([[*own, 0.6]] * 6))
    assert found.shape == (6, 2, 6)
    np.testing.assert_allclose(found, np.repeat(expected, 6, axis=0), atol=2e-5)


def test_gradients_of_the_others_model() -> None:
    counts = np.random.default_rng(1).multinomial(60, np.full(6, 1 / 6), (4, 2)).astype(np.float64)
    model = recognition_others.by_others(counts[::-1].copy(), np.array(["e"] * 4))
    density, z = density_of(model, counts), z_of(model, 4)
    _, gradient = density.with_gradient(z)
    np.testing.assert_allclose(gradient, StepDensity.with_gradient(density, z)[1], rtol=1e-4, atol=1e-3)


def test_own_answers_are_a_polya_urn() -> None:
    # About (2, 1): the first rating has 2/3, then 3/4 of the first again and 1/4 of the second: 2/3 * 1/4.
    about = np.array([[[2.0, 1.0], [1.0, 1.0]]])
    left = np.array([[[1.0, 1.0], [2.0, 0.0]]])
    expected = np.log(2 / 3 * 1 / 4) + np.log(1 / 2 * 2 / 3)
    np.testing.assert_allclose(recognition_others.own_log_density(left, about), [expected])


def test_the_concentration_of_simulated_people_is_found_again() -> None:
    rng = np.random.default_rng(3)
    middle = np.array([0.4, 0.2, 0.1, 0.1, 0.1, 0.1])
    shares_of = rng.dirichlet(8.0 * middle, (400, 2))
    counts = np.array([[rng.multinomial(100, p) for p in person] for person in shares_of], dtype=np.float64)
    # 800 draws of 5 free shares tell a concentration to about sqrt(2 / 4000), 2 %; three of them.
    found = recognition_others.concentration(counts, np.broadcast_to(middle, counts.shape))
    assert found == pytest.approx(8.0, rel=0.07)
    same = np.array([[rng.multinomial(100, middle) for _ in range(2)] for _ in range(400)], dtype=np.float64)
    assert recognition_others.concentration(same, np.broadcast_to(middle, same.shape)) > 1000


def test_whoever_always_answers_alike_is_told_by_own_answers() -> None:
    counts = np.zeros((4, 2, 6))
    counts[range(4), 0, range(4)] = 100
    counts[range(4), 1, [5, 4, 3, 2]] = 100
    done = recognition.own_outcome(rated(counts, ["e"] * 4))
    assert (done.scores > -25).all()
    assert (done.scores > 200 * np.log(1 / 6) / 10).all()
    assert done.parameters["mean"].max() < 1


def test_sparsey_is_sure_of_whole_items_and_its_z_roc_is_steep() -> None:
    new, old = recognition_sparsey.simulated()
    assert new.shape == old.shape == (len(recognition_sparsey.SHARES), recognition_sparsey.LISTS * 60)
    apart = (old.mean(axis=1) - new.mean(axis=1)) / new.std(axis=1)
    assert abs(apart[0]) < 0.15  # a probe with none of the item's features is a new one: 2,400 draws, sd 0.03
    assert (np.diff(apart) > 0).all()
    assert apart[-1] > 5
    # Where d' is near 1.5 old probes vary less than new ones: the slope of the z-ROC is above 1, people's is .72.
    near = int(np.argmin(abs(apart - 1.5)))
    assert old[near].std() < new[near].std()


# ---- NUTS ------------------------------------------------------------------------------------------------------------

SHORT = Method("nuts", chains=2, tune=300, draws=500, target_accept=0.8)


def simulated_people(n: int) -> tuple[Array, Array]:
    """Return theta (n, 7) of people of a population of the unequal-variance model, and their 150 answers of a kind."""
    rng = np.random.default_rng(8)
    middle, spread = np.array([-0.5, -0.7, -0.7, -0.7, -0.7, 1.5, 0.25]), np.array([0.5, *[0.4] * 4, 0.5, 0.15])
    theta = constrained(unequal_variance.parameters, middle + spread * rng.standard_normal((n, 7)))
    counts = [[rng.multinomial(150, p / p.sum()) for p in person] for person in unequal_variance.chances(theta)]
    return theta, np.array(counts, dtype=np.float64)


def test_a_population_is_found_again_by_importance_sampling() -> None:
    theta, counts = simulated_people(60)
    done = fit_ratings(unequal_variance, counts, tuple(map(str, range(60))), method=rating_fits.FAST, seed=1)
    assert done.done.diagnostics["ess_min"] > 400
    # Middles of 60 people are known to their spread (.5 of d', .15 of log sigma) and what a person's 300 answers leave
    # open (about .25 of each), by sqrt(60): three times .07 and .04. The spread to about a quarter of itself.
    mu, sigma = (done.done.population[name].reshape(-1, 7).mean(axis=0) for name in ("mu", "sigma"))
    assert mu[5] == pytest.approx(1.5, abs=0.21)
    assert mu[6] == pytest.approx(0.25, abs=0.12)
    np.testing.assert_allclose(sigma[5], 0.5, rtol=0.4)
    # Everybody's truth is as far from the posterior mean as the posterior says: squares of 60 standard normals.
    draws = done.done.theta
    apart = (theta - draws.mean(axis=0)) / draws.std(axis=0)
    np.testing.assert_allclose((apart**2).mean(axis=0)[5:], 1.0, atol=3 * np.sqrt(2 / 60))
    again = fit_ratings(unequal_variance, counts, tuple(map(str, range(60))), method=rating_fits.FAST, seed=1)
    np.testing.assert_array_equal(again.done.theta, draws)


@pytest.mark.slow
def test_nuts_finds_a_population_again_and_scores_it() -> None:
    theta, counts = simulated_people(40)
    done = fit_ratings(unequal_variance, counts, tuple(map(str, range(40))), method=SHORT, seed=1)
    assert done.done.diagnostics["rhat_max"] < 1.03
    table = done.done.typical(probability=0.99)
    truth = [1.5, np.exp(0.25)]
    for k, value in zip((5, 6), truth, strict=True):
        assert table["lower"][k] < value < table["upper"][k]
    # Everybody's truth is as far from the posterior mean as the posterior says: squares of 40 standard normals have the
    # mean 1 with an error of sqrt(2 / 40), 0.22; three of them.
    draws = done.done.theta
    apart = (theta - draws.mean(axis=0)) / draws.std(axis=0)
    np.testing.assert_allclose((apart**2).mean(axis=0)[5:], 1.0, atol=0.67)
    score = left_out(done)
    # Importance sampling draws the same posterior. Means of some hundred effective draws by NUTS are 0.1 of the
    # posterior's sd apart, those of sds a tenth; 2.5 of that.
    fast = fit_ratings(unequal_variance, counts, tuple(map(str, range(40))), method=rating_fits.FAST, seed=1)
    for name in ("mu", "sigma"):
        a, b = (each.done.population[name].reshape(-1, 7) for each in (fast, done))
        np.testing.assert_array_less(abs(a.mean(axis=0) - b.mean(axis=0)), 0.25 * b.std(axis=0))
        np.testing.assert_allclose(a.std(axis=0), b.std(axis=0), rtol=0.25)
    a, b = fast.done.theta, done.done.theta
    np.testing.assert_array_less(abs(a.mean(axis=0) - b.mean(axis=0)), 0.25 * b.std(axis=0))
    # So it tells other answers of the same people as well: to .002 nats an answer.
    rng = np.random.default_rng(9)
    other = np.array([[rng.multinomial(150, p / p.sum()) for p in each] for each in unequal_variance.chances(theta)])
    told = [fit.held_out(other).sum() / other.sum() for fit in (done, fast)]
    assert told[0] == pytest.approx(told[1], abs=0.002)
    assert score.pareto_k.max() < 0.7
    assert -1.79 < score.per_test < -1.0


@pytest.mark.slow
def test_fixed_coordinates_sample_the_population_of_the_fitting_core() -> None:
    _, counts = simulated_people(30)
    pooled = np.stack([counts[..., :2].sum(axis=-1), counts[..., 2:4].sum(axis=-1), counts[..., 4:].sum(axis=-1)], -1)
    strengths = np.linspace(0, 3, 13)
    new, old = np.random.default_rng(9).standard_normal((2, 13, 5000))
    model = tabled("normal", 1, "", "", strengths, new, old + strengths[:, None], n_ratings=3)
    density = density_of(model, pooled)
    ours, core = (fit(density, name="", method=SHORT, seed=1) for fit in (together.fit_together, fit_steps))
    for name in ("mu", "sigma"):
        a, b = (each.population[name].reshape(-1, 3) for each in (ours, core))
        # Means of some hundred effective draws each, 0.1 of the posterior's sd apart; 2.5 of that.
        np.testing.assert_array_less(abs(a.mean(axis=0) - b.mean(axis=0)), 0.25 * b.std(axis=0))
        np.testing.assert_allclose(a.std(axis=0), b.std(axis=0), rtol=0.25)
