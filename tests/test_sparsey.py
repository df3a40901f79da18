"""Sparsey as a memory: the numbers of the published behaviour, hierarchies, sequences, digits, and bad input."""

from __future__ import annotations

import gzip
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import measure, run
from cogmem.errors import UserError
from cogmem.images import Images, digits, mnist
from cogmem.jobs.digit_codes import DigitSettings, naive_bayes, nearest, read_out
from cogmem.jobs.sparsey_capacity import (
    CapacitySettings,
    SimilaritySettings,
    Size,
    TimeSettings,
    capacity,
    held_items,
    log2_sets,
    similarity,
    times,
)
from cogmem.kernels.sparsey import Rule
from cogmem.models.sparsey import Sparsey, faded, one_hot, permanent, sparsey, with_rule
from cogmem.models.sparsey_hierarchy import Hierarchy, Level, two_levels, windows
from cogmem.paradigms import superposition
from cogmem.paradigms.superpositions import as_bits, drawn_sets
from cogmem.subjects.superposed import Saturated, Superposed, ratings


def test_likeness_of_codes_falls_with_that_of_inputs() -> None:
    # The published-form table of one list. Lists differ with a standard deviation of up to .055 (at .7 and .8), so that
    # the mean of forty may be as far from it as .04 or two of these.
    table = similarity(SimilaritySettings(forms=("2014",)), seed=1)
    wanted = [0.99, 0.88, 0.71, 0.55, 0.46, 0.39, 0.36, 0.34, 0.32, 0.32]
    assert (np.diff(table["shared"]) < 0).all()
    assert (np.diff(table["familiarity"]) < 0).all()
    for found, sd, told in zip(table["shared"], table["sd"], wanted, strict=False):
        assert found == pytest.approx(told, abs=max(0.04, 2 * sd))
    # Where lists differ little, the bound is .04 itself.
    steady = table["sd"][: len(wanted)] <= 0.04
    assert steady.sum() >= 7
    assert table["shared"][: len(wanted)][steady] == pytest.approx(np.array(wanted)[steady], abs=0.04)


@pytest.mark.parametrize(("size", "items"), [(Size(400, 20, 20, 10), 146), (Size(1600, 20, 20, 10), 736)])
def test_capacity_of_two_sizes(size: Size, items: int) -> None:
    found = np.mean([held_items(size, seed=seed, most=2000) for seed in (1, 2)])
    assert found == pytest.approx(items, rel=0.15)


def test_capacity_grows_with_inputs_only_while_items_stay_as_small() -> None:
    settings = CapacitySettings(features=(200, 800), cells=(10,), modules=(20,), lists=2, most=600)
    table = capacity(settings, seed=1)
    by = {regime: table["items"][table["regime"] == regime] for regime in np.unique(table["regime"])}
    few, many = by["inputs grow, active ones stay"]
    assert many > 3.5 * few
    few, many = by["active inputs grow with inputs"]
    assert many < 1.5 * few
    assert log2_sets(6, 2) == pytest.approx(np.log2(15))


def test_times_are_told_of_every_store() -> None:
    table = times(TimeSettings(Size(40, 5, 4, 4), (10, 50), block=10, repeats=2), seed=1, backend="numpy")
    assert table["items"].tolist() == [10, 50]
    assert (table["seconds"] > 0).all()


# ---- as a memory -----------------------------------------------------------------------------------------------------


def test_items_come_back_from_a_part_and_lures_do_not() -> None:
    items = as_bits(drawn_sets(10, 200, 20, np.random.default_rng(1)), 200)
    held = sparsey.store(items, seed=1)
    cue = items.copy()
    for row in cue:
        row[np.flatnonzero(row)[::2]] = 0
    found = sparsey.read(held, cue, seed=2)
    assert np.array_equal(found.completed, items)
    assert found.familiarity.tolist() == [1.0] * 10
    assert found.code.shape == (10, 24 * 16)
    assert (found.code.sum(axis=1) == 24).all()
    strange = sparsey.read(held, as_bits(drawn_sets(10, 200, 20, np.random.default_rng(2)), 200), seed=2)
    assert strange.familiarity.max() < 0.8


def test_order_is_told_by_sequences_and_hidden_by_backing_off() -> None:
    design = superposition.design(seed=1, frames=5, list_length=8, probes=("old", "reordered"), n_ratings=16)
    forced = superposition.measure("forced_choice")
    told = measure(forced, run(design, Superposed(sparsey), seed=1)).pool().rows["y"][0]
    backed = Superposed(with_rule(sparsey, backoff=(0.9, 0.9)))
    assert told > 0.95
    # With U alone to fall back on every frame is as familiar in another order: the choice is at chance.
    assert measure(forced, run(design, backed, seed=1)).pool().rows["y"][0] == pytest.approx(0.5, abs=0.15)


def test_a_saturated_field_is_told_once_a_design() -> None:
    small = Superposed(Sparsey(4, 2, name="small"))
    design = superposition.design(seed=1, features=60, active=10, list_length=30, n_lists=3)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run(design, small, seed=1)
    assert [each.category for each in caught] == [Saturated]
    assert "% of its weights are set" in str(caught[0].message)


def test_ratings_are_spread_by_rank() -> None:
    found = ratings(np.array([0.3, 0.1, 0.9, 0.5]), 2, np.random.default_rng(1))
    assert found.tolist() == [0, 0, 1, 1]
    ties = ratings(np.zeros(6), 3, np.random.default_rng(1))
    assert np.bincount(ties).tolist() == [2, 2, 2]


def test_tables_of_fading_by_hand() -> None:
    # (1 + .5 / 5) / (1 + .5 / (5 - age)): 1, then 1.1 / 1.125, 1.1 / (7 / 6), 1.1 / 1.25, 1.1 / 1.5, then 0.
    (row,) = faded(5, 0.5).fading
    assert row == pytest.approx((1, 1.1 / 1.125, 1.1 / (7 / 6), 0.88, 1.1 / 1.5, 0))
    lasting = permanent()
    ages = [0, 1999, 2000, 2999, 3000, 3999, 4000, 8000]
    assert [lasting.fading[0][age] * 127 for age in ages] == pytest.approx([127, 127, 120, 120, 50, 50, 0, 0])
    assert [lasting.fading[1][age] * 127 for age in (3999, 4000, 6000, 8000)] == pytest.approx([127, 120, 50, 0])
    assert set(lasting.fading[2]) == {1.0}
    assert lasting.plateaus == (2000, 4000, 0)
    with pytest.raises(UserError, match="permanence of 1 frame"):
        faded(0, 0.5)


def test_old_items_fade_from_a_field_that_forgets() -> None:
    items = as_bits(drawn_sets(12, 200, 20, np.random.default_rng(1)), 200)
    memory = Sparsey(rule=faded(6, 0.5), name="fading")
    g = memory.read(memory.store(items, seed=1), items, seed=2).familiarity
    assert g[-1] > 0.9
    assert g[:6].max() < 0.6


# ---- hierarchies -----------------------------------------------------------------------------------------------------


def test_windows_by_hand() -> None:
    # Two by two windows of three by two on a grid of four rows and three columns.
    found = windows(Level((2, 2), (3, 2)), (4, 3))
    assert found.tolist() == [[0, 1, 3, 4, 6, 7], [1, 2, 4, 5, 7, 8], [3, 4, 6, 7, 9, 10], [4, 5, 7, 8, 10, 11]]
    with pytest.raises(UserError, match="does not fit"):
        windows(Level((1, 1), (5, 1)), (4, 3))


def test_one_field_that_sees_all_is_a_field_alone() -> None:
    items = as_bits(drawn_sets(6, 36, 8, np.random.default_rng(1)), 36)
    level = Level((1, 1), (6, 6), 8, 8, own=False, above=False)
    tower, alone = Hierarchy((level,), (6, 6)), Sparsey(8, 8, rule=Rule(least=1))
    a = tower.read(tower.store(items, seed=3), items, seed=4)
    b = alone.read(alone.store(items, seed=3), items, seed=4)
    assert np.array_equal(a.code[0], b.code[0])
    assert a.familiarity == pytest.approx(b.familiarity)


@pytest.mark.slow
def test_a_hierarchy_knows_images_and_the_order_of_frames() -> None:
    memory = Superposed(two_levels((12, 12)))
    common = {"features": 144, "active": 40, "list_length": 8, "n_lists": 2, "n_ratings": 16}
    forced = superposition.measure("forced_choice")
    spatial = superposition.design(seed=1, **common)
    assert measure(forced, run(spatial, memory, seed=1)).pool().rows["y"][0] > 0.95
    ordered = superposition.design(seed=1, frames=4, probes=("old", "reordered"), **common)
    assert measure(forced, run(ordered, memory, seed=1)).pool().rows["y"][0] > 0.7
    parts = superposition.design(seed=1, test="completion", probes=("old", "partial"), **common)
    curve = measure(superposition.measure("completion"), run(parts, memory, seed=1)).pool()
    assert curve.rows["y"][-1] > 0.8


def test_a_code_stays_on_and_takes_in_what_comes() -> None:
    # The level lasts two frames: the second frame is learned by the code of the first.
    level = Level((1, 1), (1, 4), 3, 4, persistence=2, own=False)
    tower = Hierarchy((level,), (1, 4))
    frames = np.array([[[1, 1, 0, 0], [0, 0, 1, 1]]], np.uint8)
    weights = tower.store(frames, seed=1).fields[0].weights[0][0]
    assert sorted(weights.sum(axis=0).tolist()) == [0] * 9 + [4] * 3


# ---- digits ----------------------------------------------------------------------------------------------------------


def test_read_outs_by_hand() -> None:
    codes = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], np.uint8)
    labels = np.array([4, 4, 7])
    assert nearest(codes, labels, np.array([[1, 1, 0], [0, 1, 1]], np.uint8)).tolist() == [4, 7]
    assert naive_bayes(codes, labels, np.array([[1, 1, 0], [0, 0, 1]], np.uint8)).tolist() == [4, 7]
    assert one_hot(np.array([[1, -1]], np.int32), 2).tolist() == [[0, 1, 0, 0]]


def test_digits_are_read_from_codes() -> None:
    images = digits()
    assert images.pixels.shape == (1797, 64)
    assert images.learned == 1198
    table = read_out(images, DigitSettings(grids=((1, 1.0, 33, 16), (4, 0.375, 8, 8))), seed=1)
    by = {(name, how): accuracy for name, how, accuracy in
          zip(table["representation"], table["read_out"], table["accuracy"], strict=True)}  # fmt: skip
    # Chance is one in ten; codes lose some of what pixels tell, fields with windows less.
    assert 0.6 < by["1 of 33 x 16", "naive Bayes"] < by["16 of 8 x 8", "naive Bayes"] < by["pixels", "nearest"]


def written(folder: Path, *, packed: bool = False, cut: int = 0) -> None:
    """Write a tiny set in MNIST's format: three images of two by two pixels to learn, two to test."""
    for (images, labels), n in zip(
        (("train-images-idx3-ubyte", "train-labels-idx1-ubyte"), ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")),
        (3, 2), strict=True,
    ):  # fmt: skip
        shape = np.array([n, 2, 2], ">i4").tobytes()
        raw = (2051).to_bytes(4, "big") + shape + bytes(range(0, 250, 250 // (4 * n)))[: 4 * n]
        told = (2049).to_bytes(4, "big") + n.to_bytes(4, "big") + bytes(range(n))
        for name, data in ((images, raw[: len(raw) - cut]), (labels, told)):
            if packed:
                (folder / f"{name}.gz").write_bytes(gzip.compress(data))
            else:
                (folder / name).write_bytes(data)


@pytest.mark.parametrize("packed", [False, True])
def test_mnist_is_read_from_a_folder(tmp_path: Path, packed: bool) -> None:
    written(tmp_path, packed=packed)
    found = mnist(tmp_path)
    assert isinstance(found, Images)
    assert (found.learned, found.shape, found.pixels.shape) == (3, (2, 2), (5, 4))
    assert found.labels.tolist() == [0, 1, 2, 0, 1]
    assert found.pixels[0].tolist() == [0, 0, 0, 0]
    assert found.pixels[2].tolist() == [1, 1, 1, 1]


def test_folders_that_are_not_mnist(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="is not a folder"):
        mnist(tmp_path / "nowhere")
    with pytest.raises(UserError, match="has no train-images"):
        mnist(tmp_path)
    written(tmp_path, cut=1)
    with pytest.raises(UserError, match="cut off"):
        mnist(tmp_path)
    (tmp_path / "train-images-idx3-ubyte").write_bytes(b"GIF89a----")
    with pytest.raises(UserError, match="not an IDX file"):
        mnist(tmp_path)


# ---- bad input -------------------------------------------------------------------------------------------------------


def test_bad_items_are_told_in_one_sentence() -> None:
    items = np.eye(4, dtype=np.uint8)
    with pytest.raises(UserError, match="Item 2 has no active feature"):
        sparsey.store(np.array([[1, 0], [0, 0]], np.uint8), seed=1)
    with pytest.raises(UserError, match="holds items of 4 features; a probe has 5"):
        sparsey.read(sparsey.store(items, seed=1), np.eye(5, dtype=np.uint8), seed=1)
    with pytest.raises(UserError, match="takes items as 0 and 1"):
        sparsey.store(2 * items, seed=1)
    with pytest.raises(UserError, match="given no item"):
        sparsey.store(items[:0], seed=1)
    with pytest.raises(UserError, match="has modules and cells"):
        Sparsey(0, 4)
    words = superposition.design(seed=1)
    words = replace(words, items=np.array(["word"] * len(words.items)))
    with pytest.raises(UserError, match="Take a design of superposition"):
        run(words, Superposed(sparsey), seed=1)
