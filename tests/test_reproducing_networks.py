"""Networks as reproducers and as generators that learn from themselves: closed forms, recovery, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cogmem.core import chain, measure, run
from cogmem.divergences import js
from cogmem.environments import bars, environment
from cogmem.errors import UserError
from cogmem.jobs import autophagy, stationary
from cogmem.models.grids import Grid, swiss_roll, three_modes
from cogmem.models.self_consuming import (
    SelfConsuming,
    covered,
    estimation_error,
    fit_gaussian,
    fit_mixture,
    frechet,
    gaussian_moments,
    wasserstein,
)
from cogmem.paradigms import serial_reproduction
from cogmem.spaces import Circle, Images, Plane, space_of
from cogmem.store import Store
from cogmem.subjects.denoising import Denoising, Training, alphas
from cogmem.subjects.neural_reproducer import NeuralReproducer, in_order

Array = NDArray[np.float64]
HUES = serial_reproduction.design(seed=1, space="circle")


# ---- spaces and environments ----------------------------------------------------------------------------------------


def test_plane_and_images_know_distance_and_edge() -> None:
    plane, images = Plane(0.0, 2.0), Images(2)
    assert plane.apart(np.array([[0.0, 0.0]]), np.array([[3.0, 4.0]])).tolist() == [5.0]
    assert plane.inside(np.array([[0.0, 2.0], [0.0, 2.1]])).tolist() == [True, False]
    assert plane.clipped(np.array([[-1.0, 3.0]])).tolist() == [[0.0, 2.0]]
    assert plane.histogram(np.array([[0.1, 1.9], [0.1, 1.9]]))[0, 9] == 1.0
    black, white = np.zeros((1, 2, 2)), np.ones((1, 2, 2))
    assert images.apart(black, white).tolist() == [1.0]
    assert images.inside(np.concatenate([white, 1.2 * white])).tolist() == [True, False]
    assert images.clipped(1.2 * white).tolist() == white.tolist()
    for space in (plane, images):
        drawn = space.even(50, np.random.default_rng(1))
        assert space.inside(drawn).all()
        assert space.histogram(drawn).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("name", "law"), [("swiss_roll", swiss_roll), ("three_modes", three_modes)])
def test_points_of_an_environment_follow_the_law_on_the_grid(name: str, law: Callable[[Grid], Array]) -> None:
    points = environment(name)(Plane(), 40_000, np.random.default_rng(3))
    # Bins of 0.1 of both, the grid's points sorted into them.
    grid = Grid(0.01)
    share = np.histogram2d(*grid.points().reshape(-1, 2).T, bins=np.linspace(-0.5, 0.5, 11), weights=law(grid).ravel())
    # Where the roll is thin, its law on the grid and in the plane differ by cells: 0.01 bits is that, and 0.5 no law.
    assert js(share[0], Plane().histogram(points)) < 0.01


def test_bars_are_one_bright_line() -> None:
    made = bars(Images(6), 200, np.random.default_rng(2))
    bright = made > 0.5
    assert (bright.sum(axis=(1, 2)) == 6).all()
    assert (bright.all(axis=1).any(axis=1) ^ bright.all(axis=2).any(axis=1)).all()


# ---- networks against closed forms ----------------------------------------------------------------------------------


def trained(method: Any, updates: int = 800) -> Denoising:
    """Return a network that learned a standard normal value."""
    network = Denoising(method, 1, Training(width=48, updates=updates, batch=256), seed=3)
    network.train(lambda n, rng: rng.standard_normal((n, 1)), np.random.default_rng(4))
    return network


def chained(network: Denoising, noise: float, generations: int) -> Array:
    rng = np.random.default_rng(5)
    x = np.full((2000, 1), 2.0)
    for _ in range(generations):
        x = network.reproduce(x, noise, rng)
    return x


def test_an_autoencoder_answers_the_posterior_mean_and_its_chain_narrows() -> None:
    network = trained("dae")
    y = np.linspace(-1.5, 1.5, 31)[:, None]
    # Prior N(0, 1), noise 0.5: the mean is 0.8 y. Two hundredths of the prior's sd are what 800 updates leave.
    assert network.posterior_mean(y, 0.5) == pytest.approx(0.8 * y, abs=0.06)
    # The chain of means: variance λ² σ² / (1 − λ²) = .4444; 15 % for the network and 4000 chains.
    assert chained(network, 0.5, 25).var() == pytest.approx(0.4444, rel=0.15)


def test_a_diffusion_model_draws_from_the_posterior_and_its_chain_keeps_the_prior() -> None:
    network = trained("ddpm")
    made = chained(network, 0.5, 25)
    assert made.var() == pytest.approx(1.0, rel=0.15)
    assert abs(made.mean()) < 0.12
    fresh = network.generate(1500, 1, np.random.default_rng(6))
    assert fresh.var() == pytest.approx(1.0, rel=0.15)
    narrow = network.generate(1500, 1, np.random.default_rng(6), spread=0.5)
    assert narrow.var() < 0.9 * fresh.var()


def test_a_variational_autoencoder_gives_back_what_it_learned() -> None:
    made = chained(trained("vae"), 0.01, 5)
    assert made.var() == pytest.approx(1.0, rel=0.25)
    # A stimulus unlike any that was learned still gets a finite answer.
    far = trained("vae", updates=50).reproduce(np.full((10, 1), 1e3), 0.1, np.random.default_rng(1))
    assert np.isfinite(far).all()


def test_the_signal_of_a_diffusion_model_falls_to_nothing() -> None:
    signal = alphas(1000)
    assert signal[0] == pytest.approx(1 - 1e-4)
    # Ho et al. (2020): about 4e-5 of the signal's variance are left of their 1000 steps.
    assert signal[-1] == pytest.approx(4.04e-5, rel=0.01)
    assert (np.diff(signal) < 0).all()


@pytest.mark.parametrize(("space", "learned"), [("plane", "three_modes"), ("images", "bars"), ("dots", "even")])
@pytest.mark.parametrize("method", ["dae", "vae", "ddpm"])
def test_a_network_takes_the_chain_as_a_subject_and_repeats_bit_for_bit(method: Any, space: str, learned: str) -> None:
    design = serial_reproduction.design(
        seed=1, space=space, low=-0.5, high=0.5, n_roots=5, chains_per_root=2, n_pixels=4, outside="clip"
    )
    subject = NeuralReproducer(method, 0.4, learned, updates=20, width=16)
    one, two = (run(design, subject, seed=2) for _ in range(2))
    assert one.answers.shape == design.items[design.tests["target"]].shape
    assert np.isfinite(one.answers).all()
    assert one.answers.tobytes() == two.answers.tobytes()
    records = chain(serial_reproduction, [subject], design, generations=3, seed=4)
    drift = measure(serial_reproduction.measure("drift"), records).rows
    assert sorted(set(drift["generation"].tolist())) == [1, 2, 3]


def test_dots_are_read_from_left_to_right() -> None:
    pattern = np.array([[[3.0, 1.0], [-1.0, 5.0], [2.0, 0.0]]])
    space = space_of({"space": "dots", "n_dots": 3, "radius": 9.0, "separation": 0.1})
    assert in_order(pattern, space)[0].tolist() == [[-1.0, 5.0], [2.0, 0.0], [3.0, 1.0]]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: NeuralReproducer("ddpn", 0.3), "did you mean 'ddpm'"),  # type: ignore[arg-type]
        (lambda: NeuralReproducer("dae", 0.0), "noise above 0"),
        (lambda: NeuralReproducer("dae", 0.1, "swis_roll"), "did you mean 'swiss_roll'"),
        (lambda: NeuralReproducer("dae", 0.1, updates=0), "needs updates"),
        (lambda: NeuralReproducer("dae", 0.1).answer(HUES, np.random.default_rng(1)), "has the space 'circle'"),
        (lambda: environment("bars")(Plane(), 3, np.random.default_rng(1)), "of images"),
        (lambda: environment("three_modes")(Circle(), 3, np.random.default_rng(1)), "points of a plane"),
        (lambda: Plane(1.0, 1.0), "low below high"),
        (lambda: Images(1), "2 to 64 pixels"),
        (lambda: serial_reproduction.design(seed=1, space="plane", low=None), "give low and high"),
        (lambda: serial_reproduction.design(seed=1, space="plane", roots=(0.1,)), "the space plane are drawn"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError, match=words) as caught:
        make()
    assert "\n" not in str(caught.value)


# ---- self-consuming loops -------------------------------------------------------------------------------------------


def test_normal_loops_collapse_as_published() -> None:
    chains = 20_000
    mean, variance = gaussian_moments(n=100, generations=200, chains=chains, seed=1)
    at = np.array([1, 10, 50, 200]) - 1
    # Var(mean) of the notes is itself a simulation's; the martingale gives t/n exactly, as E s² stays 1.
    # The variance of an estimated variance: its spread over 200 blocks of the chains, over the root of 200, times 4.
    blocks = mean[at].reshape(4, 200, -1).var(axis=2)
    assert (np.abs(mean[at].var(axis=1) - (at + 1) / 100) < 4 * blocks.std(axis=1) / np.sqrt(200) + 1e-3).all()
    assert (np.abs(variance[at].mean(axis=1) - 1) < 4 * variance[at].std(axis=1) / np.sqrt(chains)).all()
    assert np.median(variance[at], axis=1) == pytest.approx([0.990, 0.910, 0.574, 0.137], abs=0.05)
    # E log s² falls by ψ((n−1)/2) − log((n−1)/2) a generation.
    from scipy.special import digamma

    fall = digamma(49.5) - np.log(49.5)
    logs = np.log(variance[at])
    assert (np.abs(logs.mean(axis=1) - fall * (at + 1)) < 4 * logs.std(axis=1) / np.sqrt(chains)).all()


def test_a_sampling_bias_takes_the_variance_away() -> None:
    _, variance = gaussian_moments(n=100, generations=50, chains=20_000, bias=0.9, seed=2)
    # The notes' .896, .318, .0033 are medians of their simulation; theirs at 50 is .9^50 exp(-50/99) = .00311.
    assert np.median(variance[[0, 9, 49]], axis=1) == pytest.approx([0.896, 0.318, 0.0032], rel=0.03)


def test_made_samples_help_without_bias_and_hurt_with_it() -> None:
    def error(n: int, bias: float) -> float:
        return estimation_error(n_real=100, n_synthetic=n, bias=bias, generations=60, chains=4000, seed=1)

    alone = error(0, 1.0)
    # Of real data alone: Var(mean) + Var(sd) = 1/n + 1/(2n).
    assert alone == pytest.approx(0.015, rel=0.08)
    assert error(300, 1.0) < 0.7 * alone
    assert error(300, 0.7) > 2 * alone


def test_the_loop_by_moments_is_the_loop_of_samples() -> None:
    loop = SelfConsuming("gaussian", "synthetic", 20)
    ends = [loop.run(lambda n, rng: rng.standard_normal((n, 1)), generations=6, seed=k)[-1] for k in range(400)]
    # Samples of generation 6 have been fitted five times more than the real ones: their variance is that of step 6.
    _, variance = gaussian_moments(n=20, generations=7, chains=100_000, seed=3)
    found = np.array([each.var(ddof=1) for each in ends])
    assert abs(np.log(found).mean() - np.log(variance[6]).mean()) < 4 * np.log(found).std() / 20


def test_loops_keep_or_lose_diversity() -> None:
    def real(n: int, rng: np.random.Generator) -> Array:
        return environment("three_modes")(Plane(), n, rng)

    test = real(300, np.random.default_rng(9))
    ends = {
        (loop, bias): SelfConsuming("mixture", loop, 300, n, bias).run(real, generations=12, seed=1)[-1]  # type: ignore[arg-type]
        for loop, n, bias in (("synthetic", 0, 0.7), ("fresh", 300, 1.0))
    }
    assert covered(ends["synthetic", 0.7], test) < 0.3
    assert covered(ends["fresh", 1.0], test) > 0.9
    assert frechet(test, ends["synthetic", 0.7]) > 3 * frechet(test, ends["fresh", 1.0])


def test_distances_between_samples() -> None:
    rng = np.random.default_rng(1)
    x = rng.standard_normal((200, 2))
    assert frechet(x, x) == pytest.approx(0.0, abs=1e-12)
    assert frechet(x, x + np.array([3.0, 4.0])) == pytest.approx(25.0)
    assert wasserstein(x, x[::-1]) == 0.0
    assert wasserstein(x, x + np.array([1.0, 0.0])) == pytest.approx(1.0, abs=0.02)
    assert covered(x, x) == 1.0
    assert covered(x, x + 100.0) == 0.0


def test_generative_models_recover_what_they_learn() -> None:
    rng = np.random.default_rng(2)
    covariance = np.array([[2.0, 0.6], [0.6, 0.5]])
    x = rng.multivariate_normal([1.0, -1.0], covariance, 5000)
    made = fit_gaussian(x, rng).sample(20_000, 1.0, rng)
    assert np.cov(made.T) == pytest.approx(covariance, abs=0.12)
    halves = np.concatenate([rng.normal(-3, 0.5, (700, 1)), rng.normal(2, 0.3, (300, 1))])
    mixture = fit_mixture(halves, rng, components=2)
    order = np.argsort(mixture.means[:, 0])
    # Standard errors of means of 700 and 300 are .019 and .017; four of them.
    assert mixture.means[order, 0] == pytest.approx([-3, 2], abs=0.08)
    assert mixture.weights[order] == pytest.approx([0.7, 0.3], abs=0.01)
    assert np.abs(mixture.roots[order, 0, 0]) == pytest.approx([0.5, 0.3], abs=0.06)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SelfConsuming("gausian"), "did you mean 'gaussian'"),
        (lambda: SelfConsuming("gaussian", "frsh"), "did you mean 'fresh'"),  # type: ignore[arg-type]
        (lambda: SelfConsuming("gaussian", bias=0.0), "bias is above 0"),
        (lambda: SelfConsuming("gaussian", "fresh"), "n_real above 0"),
        (lambda: SelfConsuming("gaussian", "synthetic", 100, 10), "n_real above 0"),
        (lambda: wasserstein(np.zeros((2, 1)), np.zeros((3, 1))), "one size"),
        (lambda: covered(np.zeros((3, 1)), np.zeros((3, 1))), "more points"),
    ],
)  # fmt: skip
def test_bad_loops_are_one_sentence(make: Callable[[], object], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make()


# ---- what the figures rest on ---------------------------------------------------------------------------------------


def test_courses_are_stored_and_come_back(tmp_path: Path) -> None:
    store = Store(tmp_path)
    first = autophagy.courses(["gaussian"], seed=1, store=store, generations=3)
    assert [each.label for each in first] == ["synthetic", "synthetic, λ = 0.8", "augmented", "fresh"]
    assert len(store.ls()) == 4
    again = autophagy.courses(["gaussian"], seed=1, store=store, generations=3)
    for one, two in zip(first, again, strict=True):
        assert one.rows["generation"].tolist() == [1, 2, 3]
        for name in one.rows:
            assert one.rows[name].tobytes() == two.rows[name].tobytes()


def test_posterior_samplers_settle_at_the_prior_and_others_do_not() -> None:
    x, chains = (stationary.EDGES[:-1] + stationary.EDGES[1:]) / 2, 50_000
    found = {(each.prior, each.rule): each.density for each in stationary.settled(seed=2, chains=chains)}
    for prior, density in (
        ("one category", stationary.gaussian_prior(x)), ("three categories", stationary.mixture_prior(x))
    ):  # fmt: skip
        # Counts of bins 0.1 wide: standard error sqrt(density / (chains × 0.1)), five of them over 80 bins.
        error = 5 * np.sqrt(density / (chains * 0.1)) + 5e-3
        assert (np.abs(found[prior, "sample"] - density) < error).all()
        for rule in ("mean", "map"):
            assert np.abs(found[prior, rule] - density).max() > 0.1
    # The mean's stationary variance λ² σ² / (1 − λ²), λ = .8, σ = .5.
    spread = (found["one category", "mean"] * x**2).sum() * 0.1
    assert spread == pytest.approx(0.4444, rel=0.05)


def test_networks_converge_to_what_they_learned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stationary, "UPDATES", 300)
    monkeypatch.setattr(stationary, "NEURAL_CHAINS", 400)
    rows = stationary.convergence("ddpm", "plane", "three_modes", 1.0, seed=1)
    assert len(rows["y"]) == stationary.NEURAL_GENERATIONS + 1
    # From even roots to the law: the floor of 400 points is some .05 bits, even roots are .2 away.
    assert rows["y"][-1] < 0.6 * rows["y"][0]
    assert rows["y"][-1] < rows["floor"][0] + 0.06
