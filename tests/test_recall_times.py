"""Times to recall: what predicts them by hand, fitted lines, readings of models, layers, and tables of compressions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from math import log, sqrt
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.fitting.times import NUTS, TimeFit, fit_times
from cogmem.jobs import recall_times
from cogmem.jobs.chunk_layers import by_layer, layers_of, limited
from cogmem.jobs.compressions import (
    BITS,
    COMPRESSING,
    GENERATOR,
    JUDGES,
    CompressionSettings,
    LayerSettings,
    ListSettings,
    TextSettings,
    WordSettings,
    all_but_networks,
    layers,
    nested,
    repeated_lists,
    texts,
    words,
)
from cogmem.jobs.recall_times import Times, times_of
from cogmem.kernels.chunk_rules import Rule
from cogmem.kernels.lexicon import Lexicon
from cogmem.models.hvm import hcm, hvm, hvm_full
from cogmem.paradigms.nested_chunks import generated
from cogmem.subjects.chunking import Readings
from cogmem.trials import Trials

Array = NDArray[np.float64]
no_blas = pytest.mark.filterwarnings("ignore:PyTensor could not link to a BLAS")


def times(seconds: Any, *, groups: str = "fixed", n_training: int | None = None) -> Times:
    """Return times of people of groups, by name or by the first letters of all."""
    made = np.array(seconds, np.float64)
    names = [groups] * len(made) if groups in ("fixed", "variable") else [
        {"f": "fixed", "v": "variable"}[letter] for letter in groups
    ]  # fmt: skip
    people = tuple(f"p{k}" for k in range(len(made)))
    return Times("people", people, np.array(names), made, made.shape[1] if n_training is None else n_training, Source())


# ---- tables of times -------------------------------------------------------------------------------------------------


def table() -> dict[str, Any]:
    """Return the rows of two people with three trials of training and two of transfer, in no order."""
    rows = [
        ("b", "variable", "transfer", 2, 9.5), ("a", "fixed", "training", 2, 2.0), ("a", "fixed", "transfer", 1, 4.0),
        ("a", "fixed", "training", 3, 3.0), ("b", "variable", "training", 3, 7.0), ("a", "fixed", "training", 1, 1.0),
        ("b", "variable", "training", 1, 6.0), ("b", "variable", "training", 2, 8.0),
        ("a", "fixed", "transfer", 2, 5.0), ("b", "variable", "transfer", 1, 9.0),
    ]  # fmt: skip
    names = ("participant", "condition", "learning_phase", "trial", "seconds")
    return {name: [row[k] for row in rows] for k, name in enumerate(names)}


def curve(columns: dict[str, Any]) -> Curve:
    n = len(next(iter(columns.values())))
    return Curve("accuracy", "somebody", Trials({name: np.ones(n) for name in ("x", "y", "n", "sd")} | columns))


def test_times_are_in_the_order_of_trials() -> None:
    found = times_of(curve(table()))
    assert (found.name, found.people, found.group.tolist()) == ("somebody", ("b", "a"), ["variable", "fixed"])
    assert found.seconds.tolist() == [[6.0, 8.0, 7.0, 9.0, 9.5], [1.0, 2.0, 3.0, 4.0, 5.0]]
    assert (found.n_training, found.n_trials) == (3, 5)
    assert found.phase().tolist() == ["training"] * 3 + ["transfer"] * 2
    assert found.of_group("fixed").tolist() == [False, True]
    # What is called x will do where there is no trial.
    columns = table()
    columns["x"] = columns.pop("trial")
    assert times_of(curve(columns)).seconds.tolist() == found.seconds.tolist()


def without(name: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda columns: {key: values for key, values in columns.items() if key != name}


def changed(name: str, value: Any) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda columns: columns | {name: [value, *columns[name][1:]]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (without("seconds"), "need the columns participant, condition, .*; somebody has .* Take wu_2025_recall"),
        (without("learning_phase"), "need the columns participant, condition, learning_phase, trial, seconds"),
        (changed("condition", "neither"), "condition is one of fixed, variable .* got fixed, neither, training, tran"),
        (changed("learning_phase", "sleep"), "learning_phase one of training, transfer; got .*sleep"),
        (changed("seconds", 0.0), "seconds above 0; leave out who has others"),
        (changed("seconds", float("nan")), "seconds above 0; leave out who has others"),
        (lambda columns: {name: values[:-1] for name, values in columns.items()}, "\\(4, 3\\), \\(5, 3\\)"),
        (changed("learning_phase", "training"), "each trial of a phase once; b is not so"),
        (changed("condition", "fixed"), "Everybody is of one condition .* b is not so"),
    ],
)
def test_tables_that_are_none(change: Callable[[dict[str, Any]], dict[str, Any]], words: str) -> None:
    with pytest.raises(UserError, match=words):
        times_of(curve(change(table())))


def test_published_times_are_of_both_groups() -> None:
    found = times_of(recall_times.recorded())
    # Wu et al. (2025): 53 people with one sequence and 55 with many, 40 trials of training and 24 of transfer.
    assert (found.of_group("fixed").sum(), found.of_group("variable").sum()) == (53, 55)
    assert (found.n_training, found.n_trials) == (40, 64)


# ---- means, ranks and curves by hand ---------------------------------------------------------------------------------


def test_squared_correlations_have_the_sign_of_the_slope() -> None:
    # Two of each group: means by trial are 1, 3, 2 and 5, 5, 8.
    seen = times([[0.5, 2.0, 1.0], [1.5, 4.0, 3.0], [5.0, 4.0, 8.0], [5.0, 6.0, 8.0]], groups="ffvv")
    exact = recall_times.of_groups(seen, {"fixed": np.array([2.0, 6.0, 4.0]), "variable": np.array([10.0, 10.0, 16.0])})
    assert exact.tolist()[1:3] == [[2.0, 6.0, 4.0], [10.0, 10.0, 16.0]]
    assert recall_times.r_squared(seen, exact, "training") == pytest.approx(1.0)
    assert recall_times.r_squared(seen, -exact, "training") == pytest.approx(-1.0)
    assert np.isnan(recall_times.r_squared(seen, np.ones_like(exact), "training"))
    # Of one group alone r is .5: (1, 3, 2) on (1, 2, 3).
    one = times([[1.0, 3.0, 2.0]])
    x = np.array([[1.0, 2.0, 3.0]])
    assert recall_times.r_squared(one, x, "training") == pytest.approx(0.25)
    assert recall_times.rho(one, x, "training") == pytest.approx(0.5)
    assert recall_times.r_squared(one, 4 - x, "training") == pytest.approx(-0.25)


def test_points_are_of_a_phase() -> None:
    seen = times([[1.0, 2.0, 3.0, 9.0, 8.0, 7.0]], n_training=3)
    x = np.array([[1.0, 2.0, 3.0, 1.0, 2.0, 3.0]])
    for how in (recall_times.r_squared, recall_times.rho, recall_times.own_rho):
        assert how(seen, x, "training") == pytest.approx(1.0)
        assert how(seen, x, "transfer") == pytest.approx(-1.0)
    # Two points are on a line whatever they are.
    two = times([[1.0, 2.0, 4.0]], n_training=1)
    assert all(np.isnan(how(two, x[:, :3], phase)) for how in (recall_times.r_squared, recall_times.own_rho)
               for phase in ("training", "transfer"))  # fmt: skip
    assert np.isnan(recall_times.rho(two, x[:, :3], "transfer"))


def test_long_recalls_are_left_out_of_ranks() -> None:
    # The mean of the second trial is 2 without the 40 s, and 21 with them.
    seen = times([[1.0, 2.0, 3.0], [1.0, 40.0, 3.0]])
    x = np.tile([1.0, 2.0, 3.0], (2, 1))
    assert recall_times.rho(seen, x, "training") == pytest.approx(1.0)
    assert recall_times.r_squared(seen, x, "training") < 0.01
    # Of 20 s it is kept.
    kept = times([[1.0, 2.0, 3.0], [1.0, 20.0, 3.0]])
    assert recall_times.rho(kept, x, "training") == pytest.approx(0.5)


def test_own_ranks_are_of_each_person() -> None:
    x = np.tile([1.0, 2.0, 3.0], (3, 1))
    # 1, -1 and .5.
    seen = times([[1.0, 2.0, 30.0], [3.0, 2.0, 1.0], [1.0, 3.0, 2.0]])
    assert recall_times.own_rho(seen, x, "training") == pytest.approx(0.5 / 3)
    x[1] = 1.0
    assert np.isnan(recall_times.own_rho(seen, x, "training"))


def test_others_of_the_group_tell_ones_times() -> None:
    e = np.exp
    seen = times(e([[1.0, 2.0], [3.0, 2.0], [5.0, 8.0], [0.0, 0.0], [2.0, 4.0]]), groups="fffvv")
    expected = np.array([[4.0, 5.0], [3.0, 5.0], [2.0, 2.0], [2.0, 4.0], [0.0, 0.0]])
    np.testing.assert_allclose(recall_times.left_out_means(seen), expected, atol=1e-12)
    with pytest.raises(UserError, match="One person alone is of the group variable"):
        recall_times.left_out_means(times([[1.0], [2.0], [3.0]], groups="ffv"))


def test_errors_are_over_people() -> None:
    seen = times(np.ones((2, 5)))
    # Ten answers; people are 2 and 2 away from their mean.
    assert seen.mean_and_se(np.array([10.0, 14.0])) == pytest.approx((2.4, sqrt(8) / 10))


def test_blocks_are_of_eight_and_trials_of_groups_in_turn() -> None:
    logs = np.log(np.array([[2.0] * 8 + [4.0] * 4, [8.0] * 8 + [4.0] * 4, [3.0] * 12]))
    seen = times(np.exp(logs), groups="ffv", n_training=8)
    blocks = recall_times.by_block(seen, "model", logs, Source()).rows
    assert blocks["condition"].tolist() == ["fixed", "fixed", "variable", "variable"]
    assert blocks["x"].tolist() == [1.0, 2.0, 1.0, 2.0]
    # The geometric mean of 2 and 8 is 4; their logarithms are ln 2 away from its own.
    assert blocks["y"] == pytest.approx([4.0, 4.0, 3.0, 3.0])
    assert blocks["sd"] == pytest.approx([4 * log(2), 0.0, 0.0, 0.0], abs=1e-12)
    assert blocks["n"].tolist() == [2.0, 2.0, 1.0, 1.0]
    trials = recall_times.by_trial(seen, "model", logs, Source()).rows
    assert trials["x"].tolist() == [*range(1, 13), *range(1, 13), *range(13, 25)]
    assert trials["y"] == pytest.approx(logs.ravel())
    assert trials["participant"].tolist() == ["p0"] * 12 + ["p1"] * 12 + ["p2"] * 12
    assert recall_times.people_by_trial(seen).rows["y"] == pytest.approx(logs.ravel())
    own = recall_times.people_by_block(seen)
    assert (own.measure, own.subject) == ("recall_time_by_block", "people")
    assert own.rows["y"] == pytest.approx(blocks["y"])
    assert set(recall_times.people_by_block(times([[1.0, 2.0]])).rows["condition"]) == {"fixed"}


# ---- what models make of the design ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def read() -> dict[str, Readings]:
    """What 20 learners of chunks in each group make of 40 sequences and of 24 of another template."""
    return recall_times.readings(hcm, times(np.ones((1, 64)), n_training=40), learners=20, seed=1)


def test_readings_are_of_both_groups(read: dict[str, Readings]) -> None:
    assert list(read) == ["fixed", "variable"]
    fixed, variable = (read[group].nats for group in ("fixed", "variable"))
    assert fixed.shape == variable.shape == read["fixed"].units.shape == (20, 64)
    assert read["fixed"].recalled.size == 0
    # Nobody knows yet whether sequences vary: the first one costs the same, within four errors of the difference.
    error = sqrt((fixed[:, 0].var() + variable[:, 0].var()) / 20)
    assert fixed[:, 0].mean() == pytest.approx(variable[:, 0].mean(), abs=4 * error + 1e-9)
    # One sequence is learned better, and a new template costs more than the last of the old one.
    assert fixed[:, 39].mean() < variable[:, 39].mean() - 2
    assert fixed[:, 40].mean() > fixed[:, 39].mean() + 5


def test_nats_by_block_are_of_both_groups(read: dict[str, Readings]) -> None:
    seen = times(np.ones((1, 64)), n_training=40)
    found = recall_times._nats_by_block(seen, hcm, read)
    assert (found.measure, found.subject, found.source.kind) == ("nats_by_block", "hcm", "step")
    assert found.rows["condition"].tolist() == ["fixed"] * 8 + ["variable"] * 8
    assert found.rows["x"].tolist() == [*range(1, 9)] * 2
    assert (found.rows["n"] == 20).all()
    last = read["variable"]
    assert found.rows["y"][-1] == pytest.approx(last.nats[:, 56:].mean())
    assert found.rows["sd"][-1] == pytest.approx(last.nats[:, 56:].mean(axis=1).std())
    assert found.rows["units"][8] == pytest.approx(last.units[:, :8].mean())


def test_who_reads_nothing_in_turn_says_so() -> None:
    with pytest.raises(UserError, match="hvm_full reads no sequences one after another"):
        recall_times.readings(hvm_full, times([[1.0]]), learners=1, seed=1)


# ---- lines of ln time ------------------------------------------------------------------------------------------------

PEOPLE, ANSWERS = 30, 40


@pytest.fixture(scope="module")
def fits() -> dict[str, TimeFit]:
    """Fits of what made the times of 30 people, of something else, and of nothing."""
    rng = np.random.default_rng(1)
    x = np.tile(np.linspace(20.0, 2.0, ANSWERS), (PEOPLE, 1))
    z = (x - x.mean()) / x.std()
    own = rng.standard_normal((2, PEOPLE, 1))
    logs = 1.5 + 0.4 * own[0] + (0.3 + 0.1 * own[1]) * z + 0.2 * rng.standard_t(5, (PEOPLE, ANSWERS))
    given = {"true": x, "useless": rng.standard_normal(x.shape), "none": np.full(x.shape, 7.0)}
    return {name: fit_times(each, np.exp(logs), seed=1) for name, each in given.items()}


@pytest.mark.slow
@no_blas
def test_lines_of_simulated_people_are_found_again(fits: dict[str, TimeFit]) -> None:
    found = fits["true"]
    rows = {name: k for k, name in enumerate(found.parameters["parameter"].tolist())}
    mean, lower, upper = (found.parameters[name] for name in ("mean", "lower", "upper"))
    # Four standard errors: a spread over n people by itself / sqrt(n) for a mean, / sqrt(2 n) for a spread; the scale
    # of 1,200 errors is known to about .0075 where the degrees of freedom are, and freedom itself to about .9.
    truth = {"intercept": (1.5, 4 * 0.4 / sqrt(30)), "intercept_sd": (0.4, 4 * 0.4 / sqrt(60)),
             "slope": (0.3, 4 * 0.1 / sqrt(30)), "slope_sd": (0.1, 4 * 0.1 / sqrt(60)), "error": (0.2, 0.03),
             "freedom": (5.0, 3.6)}  # fmt: skip
    assert set(rows) == set(truth)
    for name, (value, within) in truth.items():
        assert mean[rows[name]] == pytest.approx(value, abs=within), name
        assert lower[rows[name]] < mean[rows[name]] < upper[rows[name]], name
    assert found.loo.shape == found.predicted.shape == found.typical.shape == (PEOPLE, ANSWERS)
    assert found.pareto_k < 0.7
    assert found.diagnostics["divergences"] == 0
    assert found.warnings == ()
    # Everybody's typical line is the same, and falls with x by the slope; one's own differs.
    assert np.ptp(found.typical, axis=0) == pytest.approx(np.zeros(ANSWERS), abs=1e-12)
    assert (found.typical[0, 0] - found.typical[0, -1]) / (sqrt(12) * 39 / sqrt(40**2 - 1)) == pytest.approx(
        mean[rows["slope"]], rel=1e-6
    )
    assert found.predicted.mean(axis=1).std() == pytest.approx(0.4, abs=0.15)


@pytest.mark.slow
@no_blas
def test_what_predicts_nothing_has_a_lower_density(fits: dict[str, TimeFit]) -> None:
    # The entropy of t errors: with 5 degrees of freedom 1.63 + ln .2 = .02 below zero; a little more is lost to lines.
    assert fits["true"].loo.mean() == pytest.approx(-0.05, abs=0.12)
    # A slope of .3 that is not told makes the error sqrt(.316^2 + .258^2): .5 nats an answer.
    for name in ("useless", "none"):
        assert fits["true"].loo.mean() - fits[name].loo.mean() == pytest.approx(0.5, abs=0.15)
    # 1,200 answers tell nearly nothing of a slope that is none.
    assert fits["useless"].loo.mean() == pytest.approx(fits["none"].loo.mean(), abs=0.02)


@pytest.mark.slow
@no_blas
def test_without_a_spread_there_is_no_slope(fits: dict[str, TimeFit]) -> None:
    found = fits["none"]
    assert found.parameters["parameter"].tolist() == ["intercept", "intercept_sd", "error", "freedom"]
    assert np.ptp(found.predicted, axis=1) == pytest.approx(np.zeros(PEOPLE), abs=1e-12)
    assert np.ptp(found.typical) == 0


@pytest.mark.parametrize(
    ("x", "seconds", "words"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), "x and seconds are .* got \\(2, 3\\) and \\(3, 2\\)"),
        (np.ones(3), np.ones(3), "x and seconds are \\(people, answers\\)"),
        (np.ones((1, 2)), np.array([[1.0, 0.0]]), "above 0"),
        (np.ones((1, 2)), np.array([[1.0, np.inf]]), "above 0"),
        (np.array([[1.0, np.nan]]), np.ones((1, 2)), "is a number"),
    ],
)
def test_times_that_cannot_be_fitted(x: Array, seconds: Array, words: str) -> None:
    with pytest.raises(UserError, match=words):
        fit_times(x, seconds, seed=1)


@pytest.mark.slow
@no_blas
def test_what_comes_of_a_model_of_few_people(monkeypatch: pytest.MonkeyPatch) -> None:
    # So few draws are told among the warnings of a fit, which the outcome leaves out.
    brief = partial(fit_times, method=replace(NUTS, chains=2, tune=200, draws=100))
    monkeypatch.setattr(recall_times, "fit_times", brief)
    rng = np.random.default_rng(2)
    seen = times(np.exp(1.0 + 0.2 * rng.standard_normal((6, 16))), groups="fffvvv", n_training=8)
    found = recall_times.model_outcome(seen, hcm, 5, 1)
    assert (found.name, found.kind, found.scores.shape) == ("hcm", "step", (6,))
    assert set(found.curves) == {"recall_time", "recall_time_by_block", "nats_by_block"}
    assert len(found.curves["recall_time"].rows) == 96
    assert len(found.curves["recall_time_by_block"].rows) == len(found.curves["nats_by_block"].rows) == 4
    told = found.parameters
    x = {group: each.nats.mean(axis=0) for group, each in recall_times.readings(hcm, seen, learners=5, seed=1).items()}
    for group in ("fixed", "variable"):
        assert told[f"x_transfer_{group}"] == pytest.approx(np.full(len(told), x[group][8:].mean()))
    both = recall_times.of_groups(seen, x)
    for name in ("r2", "rho", "own_rho"):
        how = {"r2": recall_times.r_squared, "rho": recall_times.rho, "own_rho": recall_times.own_rho}[name]
        for phase in ("training", "transfer"):
            assert told[f"{name}_{phase}"][0] == pytest.approx(how(seen, both, phase))
    nothing = recall_times.base_outcome(seen, recall_times.NOTHING, 1)
    assert (nothing.name, nothing.kind, set(nothing.curves)) == (
        "own_mean", "equation", {"recall_time", "recall_time_by_block"},
    )  # fmt: skip
    assert np.isnan(nothing.parameters["r2_training"]).all()
    assert "slope" not in nothing.parameters["parameter"]


# ---- layers ----------------------------------------------------------------------------------------------------------


def built(contents: list[tuple[int, ...]], begun_by: dict[int, int], variables: list[list[int]]) -> Lexicon:
    """Return a lexicon of these chunks, of which `begun_by` names which chunk begins it, and variables."""
    made = Lexicon(Rule(theta=1.0))
    made.variables += [dict.fromkeys(each, 1.0) for each in variables]
    made._of_variable += [float(len(each)) for each in variables]
    for k, content in enumerate(contents):
        made._add(content, 1.0, begun_by.get(k))
    return made


def three_layers() -> Lexicon:
    """Return 0 1, 0 (1 or 2) 3, and 4 (2 or 0 (1 or 2) 3) 4."""
    contents = [(0,), (1,), (2,), (3,), (4,), (0, 1), (0, ~0, 3), (4, ~1, 4)]
    return built(contents, {5: 0, 6: 0, 7: 4}, [[1, 2], [2, 6]])


def test_layers_are_counted_by_what_variables_stand_for() -> None:
    assert layers_of(three_layers()) == [0, 0, 0, 0, 0, 0, 1, 2]
    # A variable that stands for a variable is as deep as over a chunk that has it.
    assert layers_of(built([(0,), (1,), (0, ~0, 1), (1, ~1, 1)], {2: 0, 3: 1}, [[0, 1], [0, ~0]])) == [0, 0, 1, 2]


def test_deeper_layers_need_fewer_units() -> None:
    whole = three_layers()
    # 0 2 3 has a variable, and between two 4 what is a variable's, and what has one.
    sequence = [0, 1, 0, 2, 3, 4, 2, 4, 4, 0, 2, 3, 4]
    wanted = {0: [5, 0, 2, 3, 4, 2, 4, 4, 0, 2, 3, 4], 1: [5, 6, 4, 2, 4, 4, 6, 4], 2: [5, 6, 7, 7]}
    for layer, units in wanted.items():
        made = limited(whole, layer)
        assert list(made.read(sequence, learn=False).units) == units
        assert made is not whole
        deep = layers_of(made)
        assert max(deep[unit] for unit in units) <= layer
    # The lexicon itself is as it was.
    assert list(whole.read(sequence, learn=False).units) == wanted[2]


def test_layers_of_a_sequence_by_hand() -> None:
    rng = np.random.default_rng(3)
    sequence = np.array([int(key) for _ in range(80) for key in (0, 1, rng.integers(3, 6), 2)], np.int32)
    rows = by_layer(sequence, sequence[:40], 6, 2)
    found = {(row["layer"], row["read"]): row for row in rows}
    assert list(found) == [(layer, name) for layer in (0.0, 1.0, 2.0) for name in ("learned", "new")]
    # Chunks alone tell what stands at the third place by themselves, one of three; one variable stands for all.
    assert found[0.0, "learned"]["filler_bits"] == 0
    assert found[1.0, "learned"]["units"] <= found[0.0, "learned"]["units"]
    assert found[2.0, "learned"] == found[1.0, "learned"] | {"layer": 2.0}
    # Each of 80 fillings is told by how often it comes, half an event added to each of three.
    n = np.bincount(sequence[2::4])[3:]
    bits = -(n * np.log2((n + 0.5) / (n.sum() + 1.5))).sum()
    assert found[1.0, "learned"]["filler_bits"] == pytest.approx(bits)
    for row in rows:
        assert row["whole_bits"] == pytest.approx(row["unit_bits"] + row["filler_bits"])
    assert found[1.0, "new"]["units"] == found[1.0, "learned"]["units"] / 8


# ---- tables of compressions ------------------------------------------------------------------------------------------

NAMES = ("hvm", "hcm", "symbols_alone", "lz78")
TOLD = {"symbols", "units", "entries", "variables", "storage_bits", "fillers_bits", "dictionary_bits", "two_part_bits",
        "unit_bits"}  # fmt: skip


def test_nested_sequences_by_model_and_depth() -> None:
    given = CompressionSettings(depths=(2, 12), sequences=3, length=150, atoms=5)
    found = nested(given, NAMES, seed=4)
    assert set(found) == TOLD | {"subject", "depth", "n", "units_sd", "two_part_sd"}
    assert sorted(zip(found["subject"].tolist(), found["depth"].tolist(), strict=True)) == sorted(
        (name, depth) for name in (GENERATOR, *NAMES) for depth in (2.0, 12.0)
    )
    assert set(found["n"]) == {3.0}
    made = [generated(5, 12, 0.5, 150, np.random.default_rng([4, 12, k])) for k in range(3)]
    row = {name: found[name][(found["subject"] == GENERATOR) & (found["depth"] == 12)][0] for name in found}
    assert row["units"] == pytest.approx(np.mean([each.units for each in made]))
    assert row["units_sd"] == pytest.approx(np.std([each.units for each in made]))
    assert row["unit_bits"] == pytest.approx(np.mean([each.nats for each in made]) / log(2))
    assert row["entries"] == pytest.approx(np.mean([len(each.grammar.chunks) for each in made]))
    assert row["variables"] == pytest.approx(np.mean([len(each.grammar.variables) for each in made]))
    assert np.isnan(row["two_part_bits"])
    own = {name: found[name][(found["subject"] == "hvm") & (found["depth"] == 12)][0] for name in found}
    assert hvm.compress is not None
    meant = [hvm.compress(each.symbols, 5, 0) for each in made]
    assert own["units"] == pytest.approx(np.mean([each.units for each in meant]))
    assert own["two_part_bits"] == pytest.approx(BITS * np.mean([each.two_part for each in meant]))
    assert own["two_part_sd"] == pytest.approx(BITS * np.std([each.two_part for each in meant]))
    assert set(found["units"][found["subject"] == "symbols_alone"]) == {150.0}


def test_networks_read_few(monkeypatch: pytest.MonkeyPatch) -> None:
    # Who reads is another model by the network's name: this asks how often, not what.
    calls = list[int]()

    def compress(symbols: NDArray[np.int32], n_symbols: int, seed: int) -> Any:
        calls.append(seed)
        assert hcm.compress is not None
        return hcm.compress(symbols, n_symbols, seed)

    known: Any = COMPRESSING
    monkeypatch.setitem(known, "lstm_reader", replace(hcm, name="lstm_reader", compress=compress))
    given = CompressionSettings(depths=(2, 3), sequences=3, length=40, few=2)
    found = nested(given, ("lstm_reader", "lz78"), seed=1)
    assert calls == [0, 1, 0, 1]
    assert set(found["n"][found["subject"] == "lstm_reader"]) == {2.0}
    assert set(found["n"][found["subject"] == "lz78"]) == {3.0}
    assert all_but_networks(given) == replace(given, few=0)
    assert set(nested(all_but_networks(given), ("lstm_reader", "lz78"), seed=1)["subject"]) == {GENERATOR, "lz78"}
    texts(TextSettings(n_slices=2, few=1, length=10), ("lstm_reader",), "to be or not to be")
    assert calls == [0, 1, 0, 1, 0]


def test_texts_slice_by_slice() -> None:
    found = texts(TextSettings(n_slices=2, length=8), ("symbols_alone", "lz78"), "abababab" + "abcdabcd" + "zzzzzzzz")
    assert set(found) == TOLD | {"subject", "n", "units_sd", "two_part_sd", "uniform_bits"}
    assert found["subject"].tolist() == ["symbols_alone", "lz78"]
    assert found["n"].tolist() == [2.0, 2.0]
    # Eight of two characters are 8 bits, of four 16.
    assert found["uniform_bits"] == pytest.approx([12.0, 12.0])
    assert found["unit_bits"][0] == pytest.approx(12.0)
    assert found["units"][0] == found["symbols"][0] == 8.0


def test_words_are_chosen_more_often_the_more_they_are_heard() -> None:
    found = words(WordSettings(repetitions=(2, 40), n_participants=4, n_words=3), ("hcm",), seed=1)
    assert set(found) == {"subject", "repetitions", "y", "n", "sd"}
    assert (found["repetitions"].tolist(), found["n"].tolist()) == ([2.0, 40.0], [4.0, 4.0])
    assert 0 <= found["y"][0] < found["y"][1] <= 1
    assert "hvm" not in JUDGES
    assert {"hcm", "hvm_for_all", "parser", "tracx2"} <= set(JUDGES)


def test_a_list_that_comes_again_is_recalled_better() -> None:
    given = ListSettings(n_participants=10, n_lists=48)
    found = repeated_lists(given, ("hcm", "ngram"), seed=1)
    assert set(found) == {"subject", "list_kind", "trial", "y", "n", "sd"}
    assert len(found) == 2 * 48
    assert set(found["n"]) == {10.0}
    kinds = {kind: found["trial"][(found["subject"] == "hcm") & (found["list_kind"] == kind)].tolist()
             for kind in ("filler", "repeating")}  # fmt: skip
    assert kinds == {"filler": list(range(1, 33)), "repeating": list(range(1, 17))}
    again, other = (found["y"][(found["subject"] == "hcm") & (found["list_kind"] == kind)][-4:].mean()
                    for kind in ("repeating", "filler"))  # fmt: skip
    # Of forty people .51 and .25; a person's mean of four lists is about .3 away, ten people's .1.
    assert again > other + 0.1
    # What a sequence begins with is given: one of eight.
    assert found["y"].min() >= 1 / 8


def test_layers_of_nested_sequences() -> None:
    found = layers(LayerSettings(depth=10, sequences=2, length=150, atoms=5, layers=2), seed=1)
    assert set(found) == {"layer", "read", "units", "unit_bits", "filler_bits", "whole_bits", "n", "units_sd"}
    assert list(zip(found["layer"].tolist(), found["read"].tolist(), strict=True)) == [
        (layer, name) for layer in (0.0, 1.0, 2.0) for name in ("learned", "new")
    ]
    assert set(found["n"]) == {2.0}
    assert (found["filler_bits"][:2] == 0).all()
    first = generated(5, 10, 0.5, 300, np.random.default_rng([1, 0])).symbols
    second = generated(5, 10, 0.5, 300, np.random.default_rng([1, 1])).symbols
    each = [by_layer(made[:150], made[150:], 5, 2)[1]["units"] for made in (first, second)]
    assert found["units"][1] == pytest.approx(np.mean(each))
    assert found["units_sd"][1] == pytest.approx(np.std(each))
