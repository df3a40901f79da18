"""Serial reproduction: chains by hand, closed forms of the Bayesian reproducers, discard rules, iterated learning."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogmem.core import Record, chain, measure, run
from cogmem.errors import UserError
from cogmem.paradigms import iterated_learning, serial_reproduction
from cogmem.paradigms.chain_measures import in_order
from cogmem.paradigms.serial_reproductions import NOISES, accepted
from cogmem.patterns import dispersion, matched, matched_distance, nearest_neighbour, turned
from cogmem.subjects.circular_reproducer import AttractorReproducer, VonMisesReproducer, concentration, pick
from cogmem.subjects.dots_reproducer import DotsReproducer
from cogmem.subjects.learner import LanguageLearner
from cogmem.subjects.reproducer import GaussianReproducer, MixtureReproducer


def line(n: int = 1000, **settings: Any) -> Any:
    """Return a design of n chains on an open line that begin at 5."""
    given = {"space": "line", "low": None, "high": None, "roots": (5.0,), "chains_per_root": n, **settings}
    return serial_reproduction.design(seed=1, **given)


# ---- distances ------------------------------------------------------------------------------------------------------


def test_distances_by_hand() -> None:
    square = np.array([[[0.0, 0.0], [0.0, 2.0], [2.0, 0.0], [2.0, 2.0]]])
    assert dispersion(square)[0] == pytest.approx(np.sqrt(2))
    assert nearest_neighbour(square)[0] == pytest.approx(2.0)
    shuffled = square[:, [3, 1, 0, 2]] + 0.1
    assert np.allclose(matched(square, shuffled), square + 0.1)
    assert matched_distance(square, shuffled)[0] == pytest.approx(0.1 * np.sqrt(2))
    assert turned(np.array([1.0, 359.0, 180.0]), np.array([359.0, 1.0, 0.0])).tolist() == [2.0, -2.0, 180.0]


@given(st.floats(-1e4, 1e4), st.floats(-1e4, 1e4))
def test_the_short_way_round_is_never_more_than_half(a: float, b: float) -> None:
    apart = float(turned(a, b))
    assert abs(apart) <= 180.0 + 1e-9
    assert np.cos(np.deg2rad(apart)) == pytest.approx(np.cos(np.deg2rad(a - b)), abs=1e-6)


# ---- the paradigm ---------------------------------------------------------------------------------------------------


class Echo:
    """Answers each stimulus moved by 1, in chain 2 nothing, in chain 3 far off."""

    name, kind, needs = "echo", "step", frozenset({"item"})

    def answer(self, design: Any, rng: np.random.Generator) -> Any:
        answers = design.items[design.tests["item"]] + 1.0
        answers[1], answers[2] = np.nan, 99.0
        return answers


def test_a_chain_by_hand() -> None:
    design = serial_reproduction.design(
        seed=1, space="line", low=0.0, high=10.0, roots=(1.0, 2.0, 3.0, 4.0), chains_per_root=1, exposure=2.0
    )
    records = chain(serial_reproduction, [Echo()], design, generations=3, seed=1)  # type: ignore[list-item]
    # Chain 1 moves on by 1 each time; 2 and 3 were discarded and show their root again.
    shown = [record.design.items[record.design.tests["item"]].tolist() for record in records]
    assert shown == [[1.0, 2.0, 3.0, 4.0], [2.0, 2.0, 3.0, 5.0], [3.0, 2.0, 3.0, 6.0]]
    assert accepted(records[0]).tolist() == [True, False, False, True]
    drift = measure(serial_reproduction.measure("drift"), records).rows
    assert drift["x"].tolist() == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert drift["y"].tolist() == [1, 96, 1, 2, 96, 2, 3, 96, 3]
    value = measure(serial_reproduction.measure("value"), records).rows
    assert value["generation"][:4].tolist() == [0, 0, 0, 0]
    assert value["y"][:4].tolist() == [1, 2, 3, 4]
    # Each generation is another person's, shown for 2 s and tested 1 s later.
    people = [record.design.tests["participant"].tolist() for record in records]
    assert people[:2] == [["p0001", "p0002", "p0003", "p0004"], ["p0005", "p0006", "p0007", "p0008"]]
    assert records[0].design.trials["time"].tolist() == [0, 3] * 4


def test_a_chain_within_a_person() -> None:
    design = serial_reproduction.design(
        seed=1, space="circle", n_roots=2, chains_per_root=2, within_person=True, chains_per_person=4
    )
    one, two = chain(serial_reproduction, [Echo()], design, generations=2, seed=1)  # type: ignore[list-item]
    assert set(one.design.tests["participant"]) == set(two.design.tests["participant"]) == {"p0001"}
    assert two.design.tests["time"].min() > one.design.tests["time"].max()
    assert one.design.items[one.design.tests["root"]][0] == one.design.items[one.design.tests["root"]][1]


@pytest.mark.parametrize("noise", [noise for noise in NOISES if noise != "none"])
@pytest.mark.parametrize("space", ["line", "circle", "dots"])
def test_noise_blurs_what_is_shown_and_not_what_is_asked_for(noise: str, space: str) -> None:
    level = {"line": 0.01, "circle": 2.0, "dots": 3.0}[space]
    design = serial_reproduction.design(seed=3, space=space, n_roots=400, chains_per_root=1, noise=noise,
                                        noise_level=0.3 if noise == "fade" else level)  # fmt: skip
    tests = design.tests
    shown, stimuli, roots = (design.items[tests[name]] for name in ("item", "target", "root"))
    assert np.array_equal(stimuli, roots)
    apart = np.abs(turned(shown, stimuli) if space == "circle" else shown - stimuli).reshape(400, -1)
    if noise == "fade":
        # Four standard errors of a share of .3 among 400.
        assert (apart.max(axis=1) > 0).mean() == pytest.approx(0.3, abs=4 * np.sqrt(0.21 / 400))
    elif space == "circle":
        moved = {"gaussian": 0.0, "bimodal": 18.0, "trimodal": 9.0}[noise]
        assert apart.mean() == pytest.approx(moved, abs=2.5)
    again = serial_reproduction.design(seed=3, space=space, n_roots=400, chains_per_root=1, noise=noise,
                                       noise_level=0.3 if noise == "fade" else level)  # fmt: skip
    assert np.array_equal(design.items, again.items)


def test_reproductions_too_far_off_are_not_passed_on() -> None:
    design = serial_reproduction.design(seed=1, space="line", roots=(0.5,), chains_per_root=3, accept_within=0.1)
    record = Record(design, "by hand", np.array([0.55, 0.65, -0.1]))
    assert accepted(record).tolist() == [True, False, False]
    clip = serial_reproduction.design(seed=1, space="line", roots=(0.5,), chains_per_root=3, outside="clip")
    record = Record(clip, "by hand", np.array([0.55, 0.65, -0.1]))
    _, items = serial_reproduction.follow(record)  # type: ignore[misc]
    assert items[:3].tolist() == [0.55, 0.65, 0.0]


def test_divergence_between_generations_by_hand() -> None:
    design = serial_reproduction.design(seed=1, space="line", roots=(0.12, 0.62), chains_per_root=2)
    record = Record(design, "by hand", np.array([0.12, 0.12, 0.12, 0.12]))
    # Half the mass in a bin of its own before, all in the other after: JS of (½, ½) and (1, 0).
    expected = 0.5 * (0.5 * np.log2(0.5 / 0.75) + 0.5 * 1.0) + 0.5 * np.log2(1 / 0.75)
    rows = measure(serial_reproduction.measure("convergence"), record).rows
    assert rows["y"][0] == pytest.approx(expected)


# ---- Gaussian reproducers -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tracked", ["percept", "produced"])
def test_moments_of_gaussian_chains(tracked: Any) -> None:
    # Xu & Griffiths (2010): λ = .8; E x_t = λ^t x_0, Var x_t = V (1 − λ^2t), V = 1 or 1 + σ² (prior predictive).
    n, lam = 40_000, 0.8
    records = chain(serial_reproduction, [GaussianReproducer(0.0, 1.0, 0.5, tracked=tracked)], line(n), generations=10,
                    seed=2)  # fmt: skip
    end = 1.0 if tracked == "percept" else 1.25
    for t in (1, 2, 5, 10):
        x = records[t - 1].answers
        variance = end * (1 - lam ** (2 * t))
        assert x.mean() == pytest.approx(5 * lam**t, abs=4 * np.sqrt(variance / n))
        # The standard error of a variance of n normal values is variance √(2 / n).
        assert x.var() == pytest.approx(variance, abs=4 * variance * np.sqrt(2 / n))


def test_modes_do_not_settle_on_the_prior() -> None:
    n = 40_000
    design = line(n, roots=(0.0,))
    records = chain(
        serial_reproduction, [GaussianReproducer(0.0, 1.0, 0.5, rule="map")], design, generations=40, seed=2
    )
    # λ² σ² / (1 − λ²) = .4444.
    assert records[-1].answers.var() == pytest.approx(0.4444, abs=4 * 0.4444 * np.sqrt(2 / n))


def test_a_mixture_of_one_is_the_gaussian_and_a_power_of_one_the_sample() -> None:
    n, design = 40_000, line(40_000)
    expected = GaussianReproducer(1.0, 2.0, 1.0).coefficients()
    mean, sd = expected[0] * 5 + expected[1], expected[2]
    for subject in (
        GaussianReproducer(1.0, 2.0, 1.0, rule="tempered", temper=1.0),
        MixtureReproducer((1.0,), (2.0,), (1.0,), 1.0),
        MixtureReproducer((1.0, 1.0), (2.0, 2.0), (0.3, 0.7), 1.0, rule="tempered", temper=1.0),
    ):
        x = run(design, subject, seed=3).answers
        assert x.mean() == pytest.approx(mean, abs=4 * sd / np.sqrt(n))
        assert x.std() == pytest.approx(sd, abs=4 * sd / np.sqrt(2 * n))


def test_a_tempered_posterior_is_narrower() -> None:
    n, design = 40_000, line(40_000)
    # λ = .8, σ² = 1: Var = λ² σ² + λ σ² / γ.
    for gamma in (0.5, 4.0):
        sd = np.sqrt(0.64 + 0.8 / gamma)
        for subject in (GaussianReproducer(1.0, 2.0, 1.0, rule="tempered", temper=gamma),
                        MixtureReproducer((1.0,), (2.0,), (1.0,), 1.0, rule="tempered", temper=gamma)):  # fmt: skip
            assert run(design, subject, seed=3).answers.std() == pytest.approx(sd, abs=5 * sd / np.sqrt(2 * n))


def test_a_chain_of_samplers_settles_on_a_mixture_prior() -> None:
    n = 20_000
    subject = MixtureReproducer((-2.0, 2.0), (0.5, 0.5), (1.0, 3.0), 1.2)
    records = chain(serial_reproduction, [subject], line(n, roots=(0.0,)), generations=60, seed=4)
    right = (records[-1].answers > 0).mean()
    # Three quarters of the prior lie on the right; 4 standard errors.
    assert right == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / n))


# ---- reproducers of angles ------------------------------------------------------------------------------------------


def circle(n: int, at: float = 90.0) -> Any:
    return serial_reproduction.design(seed=1, space="circle", roots=(at,), chains_per_root=n)


def test_concentration_of_a_circular_sd() -> None:
    # κ → 1 / σ² for small σ; the mean resultant length is exp(−σ²/2).
    assert concentration(1.0) == pytest.approx(np.rad2deg(1) ** 2, rel=1e-3)
    x = np.random.default_rng(1).vonmises(0.0, concentration(40.0), 200_000)
    assert np.abs(np.exp(1j * x).mean()) == pytest.approx(np.exp(-0.5 * np.deg2rad(40) ** 2), abs=0.004)


@pytest.mark.parametrize("rule", ["sample", "mean", "map", "tempered"])
def test_von_mises_in_closed_form_and_on_a_grid(rule: Any) -> None:
    # The closed form of each rule against the same prior times likelihood on a fine grid.
    subject = VonMisesReproducer((40.0, 200.0), (20.0, 50.0), (1.0, 2.0), 25.0, spread=0.2, rule=rule,
                                 temper=2.0 if rule == "tempered" else 1.0)  # fmt: skip
    cells = 720
    theta = np.deg2rad((np.arange(cells) + 0.5) * 360 / cells)
    prior = np.full(cells, 0.2 / (2 * np.pi))
    for mean, sd, weight in ((40, 20, 0.8 / 3), (200, 50, 1.6 / 3)):
        kappa = concentration(sd)
        prior += weight * np.exp(kappa * np.cos(theta - np.deg2rad(mean))) / (2 * np.pi * np.i0(kappa))
    n, x = 20_000, 110.0
    y = x + np.rad2deg(np.random.default_rng(5).vonmises(0.0, concentration(25.0), n))
    likelihood = np.exp(concentration(25.0) * (np.cos(theta - np.deg2rad(y)[:, None]) - 1))
    by_grid = pick(prior * likelihood, rule, subject.temper, np.random.default_rng(6))
    ours = run(circle(n, x), subject, seed=7).answers
    for k in (1, 2):
        one, other = (np.exp(1j * k * np.deg2rad(each)).mean() for each in (ours, by_grid))
        # Two means of n unit vectors each: within 4 √(2 / n) and the half cell of the grid.
        assert abs(one - other) < 4 * np.sqrt(2 / n) + 0.01


def test_a_chain_of_attracted_reproducers_settles_on_their_prior() -> None:
    n = 6_000
    subject = AttractorReproducer(np.array([[0.8, -0.6]]), np.array([[0.3, 0.5]]), np.array([30.0]))
    design = serial_reproduction.design(seed=1, space="circle", n_roots=n, chains_per_root=1)
    records = chain(serial_reproduction, [subject], design, generations=40, seed=1)
    prior = np.exp(subject.log_prior()[0])
    centres = np.deg2rad(np.arange(360) + 0.5)
    for k in (1, 2, 3):
        expected = (prior * np.exp(1j * k * centres)).sum() / prior.sum()
        assert abs(np.exp(1j * k * np.deg2rad(records[-1].answers)).mean() - expected) < 4 / np.sqrt(n)


# ---- dots -----------------------------------------------------------------------------------------------------------


def test_groups_are_found_where_they_are() -> None:
    rng = np.random.default_rng(1)
    centres = np.array([[-1.0, 0.0], [1.0, 0.0], [0.0, 1.2]])
    y = np.repeat(centres, 5, axis=0)[None] + 0.03 * rng.standard_normal((50, 15, 2))
    subject = DotsReproducer(1.0, 0.05, 1.0, within=0.05, concentration=1.0, sweeps=3)
    group, counts, sums = subject.groups(y, np.random.default_rng(2))
    parts = (slice(0, 5), slice(5, 10), slice(10, 15))
    found = [[len(set(group[k, part])) for part in parts] == [1, 1, 1] for k in range(50)]
    # A dot sits alone with a probability near .001, some 1.5 % of the patterns.
    assert np.mean(found) > 0.9
    assert all(sorted(counts[k])[-3:] == [5, 5, 5] for k in np.flatnonzero(found))
    assert np.allclose(sums.sum(axis=1), y.sum(axis=1))


def test_the_prior_of_groups_is_the_chinese_restaurant_process() -> None:
    # With places that tell nothing (noise far above the prior's spread) seats follow the prior alone: the expected
    # number of tables of n guests is Σ α / (α + i).
    n, alpha = 4000, 2.0
    y = 1e-6 * np.random.default_rng(3).standard_normal((n, 6, 2))
    subject = DotsReproducer(1.0, 50.0, 1e-3, within=1e-3, concentration=alpha, sweeps=2)
    tables = (subject.groups(y, np.random.default_rng(4))[1] > 0).sum(axis=1)
    expected = sum(alpha / (alpha + i) for i in range(6))
    assert tables.mean() == pytest.approx(expected, abs=4 * tables.std() / np.sqrt(n))


def test_independent_dots_shrink_but_do_not_cluster() -> None:
    design = serial_reproduction.design(seed=1, n_roots=60, chains_per_root=1, outside="clip")
    ratio = {}
    for name, subject in (("alone", DotsReproducer(20.0, 0.25, 0.8)),
                          ("grouped", DotsReproducer(20.0, 0.25, 0.9, within=0.2, concentration=5.0))):  # fmt: skip
        records = chain(serial_reproduction, [subject], design, generations=15, seed=2)
        wide, near = (measure(serial_reproduction.measure(each), records).pool().rows["y"]
                      for each in ("dispersion", "nearest_neighbour"))  # fmt: skip
        assert wide[-1] < 0.8 * wide[0]
        ratio[name] = (near / wide)[-1] / (near / wide)[0]
    assert ratio["alone"] > 0.9
    assert ratio["grouped"] < 0.8


# ---- iterated learning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("agreement", "noise", "alpha"), [(0.5, 0.1, 0.6), (0.2, 0.3, 0.6), (0.5, 0.3, 0.8)])
def test_two_languages_and_the_most_probable_one(agreement: float, noise: float, alpha: float) -> None:
    # Griffiths & Kalish (2007): θ1 = (s + (1 − s) ε) / (s + 2 (1 − s) ε) for ε < 1 − α, else 1; the same for any α.
    n = 20_000
    design = iterated_learning.design(seed=1, languages="two", n_chains=n, n_utterances=1, noise=noise,
                                      agreement=agreement)  # fmt: skip
    records = chain(iterated_learning, [LanguageLearner(alpha, noise, "map")], design, generations=25, seed=2)
    s, e = agreement, noise
    expected = (s + (1 - s) * e) / (s + 2 * (1 - s) * e) if e < 1 - alpha else 1.0
    found = float(measure(iterated_learning.measure("regular"), records[-1]).rows["y"][0])
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected * (1 - expected) / n))


@pytest.mark.parametrize("m", [1, 3, 10])
@pytest.mark.parametrize("alpha", [0.01, 0.5])
def test_samplers_settle_on_their_prior_whatever_they_hear(m: int, alpha: float) -> None:
    # From the prior itself (the slow approach is no matter here): it must stay. 4 standard errors.
    n = 1500
    design = iterated_learning.design(seed=3, n_chains=n, n_utterances=m)
    learner = LanguageLearner(alpha)
    prior = iterated_learning.settings().hypotheses.prior(alpha)
    start = np.random.default_rng(4).choice(260, p=prior, size=n)
    trials, items = iterated_learning.follow(Record(design, "prior", start))  # type: ignore[misc]
    design = replace(design, trials=trials, items=items)
    records = chain(iterated_learning, [learner], design, generations=12, seed=5)
    regular = np.concatenate([measure(iterated_learning.measure("regular"), each).rows["y"] for each in records])
    assert regular[-1] == pytest.approx(alpha, abs=4 * np.sqrt(alpha * (1 - alpha) / n))


def test_the_most_probable_of_260_languages() -> None:
    # Griffiths & Kalish's simulation: α = .01 never a compositional one; α = .5 only those with 1 or 2 utterances.
    for alpha, m, low, high in ((0.01, 3, 0.0, 0.0), (0.5, 1, 1.0, 1.0), (0.5, 2, 1.0, 1.0), (0.5, 10, 0.01, 0.99)):
        design = iterated_learning.design(seed=3, n_chains=300, n_utterances=m)
        records = chain(iterated_learning, [LanguageLearner(alpha, rule="map")], design, generations=8, seed=5)
        y = measure(iterated_learning.measure("regular"), records[-1]).rows["y"][0]
        assert low <= y <= high


# ---- bad input ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("generations", "words"),
    [([1, 2, 4], "generation 3 is missing"), ([1, 2, 2], "generation 2 comes twice"), ([2, 1, 3], "generation 1 is"),
     ([1, 3, 2], "generation 2 is missing or out of order"), ([0, 1, 2], "generation 1 is missing")],
)  # fmt: skip
def test_generations_that_are_missing_doubled_or_out_of_order(generations: list[int], words: str) -> None:
    with pytest.raises(UserError, match=words):
        in_order([7, 7, 7], generations, where="mine.csv")
    in_order([7, 7, 8, 7], [1, 2, 1, 3], where="mine.csv")


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: serial_reproduction.design(seed=1, space="plain"), "one of line, circle, plane, dots, images"),
        (lambda: serial_reproduction.design(seed=1, noise="gaussian"), "noise_level above 0"),
        (lambda: serial_reproduction.design(seed=1, space="line", roots=(2.0,)), "outside the line from 0.0 to 1.0"),
        (lambda: serial_reproduction.design(seed=1, space="line", low=None), "has no even draw"),
        (lambda: serial_reproduction.design(seed=1, n_dots=500), "fit a disc"),
        (lambda: serial_reproduction.design(seed=1, space="line", low=1.0, high=1.0), "low below high"),
        (lambda: GaussianReproducer(0.0, 0.0, 1.0), "prior_sd above 0"),
        (lambda: MixtureReproducer((0.0,), (1.0,), (0.0,), 1.0), "one above 0"),
        (lambda: VonMisesReproducer((), (), (), 10.0), "has no mass"),
        (lambda: GaussianReproducer(0.0, 1.0, 1.0, rule="mode"), "no rule 'mode'"),  # type: ignore[arg-type]
        (lambda: DotsReproducer(1.0, 0.1, 0.5, within=0.0, concentration=1.0), "within above 0"),
        (lambda: LanguageLearner(1.0), "alpha and noise between 0 and 1"),
        (lambda: run(circle(3), GaussianReproducer(0.0, 1.0, 1.0), seed=1), "plane, dots; this design has 'circle'"),
        (lambda: iterated_learning.design(seed=1, languages="two", agreement=0.55), "in steps of 0.1"),
    ],
)  # fmt: skip
def test_bad_input_is_one_sentence(make: Any, words: str) -> None:
    with pytest.raises(UserError) as caught:
        make()
    assert words in str(caught.value)


def test_a_reproduction_outside_the_space_can_be_refused() -> None:
    design = serial_reproduction.design(seed=1, space="line", roots=(0.5,), chains_per_root=2, outside="refuse")
    record = Record(design, "by hand", np.array([0.5, 1.5]))
    with pytest.raises(UserError, match=r"chain 2, generation 1 lies outside the line: 1.5; set outside to"):
        serial_reproduction.follow(record)  # type: ignore[misc]


def test_answers_of_another_shape() -> None:
    design = serial_reproduction.design(seed=1, n_roots=2, chains_per_root=1)
    with pytest.raises(UserError, match=r"reproductions of shape \(2,\); the stimuli have shape \(2, 15, 2\)"):
        measure(serial_reproduction.measure("error"), Record(design, "by hand", np.zeros(2)))
    with pytest.raises(UserError, match="is of line or circle; these chains are of the space 'dots'"):
        measure(serial_reproduction.measure("value"), Record(design, "by hand", np.zeros((2, 15, 2))))
