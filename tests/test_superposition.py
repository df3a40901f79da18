"""The paradigm of superposed items: what is shown and tested, its measures by hand, and settings that make no sense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.core import Record, measure
from cogmem.errors import UserError
from cogmem.paradigms import superposition
from cogmem.paradigms.superposition_measures import cosines, discriminability, mantel, rates, z_slope
from cogmem.paradigms.superpositions import as_bits, exchanged


def sets_of(design: Any, rows: Any) -> list[set[int]]:
    return [set(np.flatnonzero(design.items[row])) for row in rows]


def test_probes_share_what_they_say() -> None:
    design = superposition.design(
        seed=1, list_length=12, n_lists=2, probes=("old", "new", "similar", "partial", "noisy"), overlap=(0.9, 0.5),
        cue_share=0.3, noise=0.25, test="code",
    )  # fmt: skip
    tests = design.tests
    assert len(design.studies) == 24
    assert len(tests) == 2 * 5 * 12
    for row in range(len(tests)):
        shown = set(np.flatnonzero(design.items[tests["item"][row]]))
        kind, share = tests["probe"][row], tests["overlap"][row]
        assert len(shown) == (6 if kind == "partial" else 20)
        if kind == "new":
            assert tests["target"][row] == -1
            continue
        source = set(np.flatnonzero(design.items[tests["target"][row]]))
        shared = {"old": 20, "similar": round(20 * share), "partial": 6, "noisy": 15}[kind]
        assert len(shown & source) == shared
    # Every probe's source was studied in its own list.
    own = tests["target"] >= 0
    studied = {(number, item) for number, item in zip(design.studies["list"], design.studies["item"], strict=True)}
    assert {(n, t) for n, t in zip(tests["list"][own], tests["target"][own], strict=True)} <= studied


def test_categories_prototypes_and_repeats() -> None:
    design = superposition.design(
        seed=2, list_length=9, n_lists=1, n_categories=3, category_share=0.8, presentations=2, probes=("prototype",)
    )
    studies, tests = design.studies, design.tests
    assert len(studies) == 18
    assert np.bincount(studies["repetitions"]).tolist() == [9, 9]
    assert len(tests) == 3
    for prototype, category in zip(sets_of(design, tests["item"]), tests["category"], strict=True):
        for item in sets_of(design, studies["item"][studies["category"] == category]):
            assert len(prototype & item) == 16
    assert tests["repetitions"].tolist() == [0, 0, 0]


def test_items_without_a_category_are_random() -> None:
    # Half of all features each: two items share half of theirs on average, 3 standard errors of 190 pairs of 200.
    design = superposition.design(seed=4, active=200, list_length=20, n_lists=1, probes="old")
    items = design.items.astype(float)
    shared = (items @ items.T)[np.triu_indices(20, 1)] / 200
    assert shared.mean() == pytest.approx(0.5, abs=3 * 0.025 / np.sqrt(190) + 0.005)
    assert shared.max() < 0.65


def test_sequences_are_put_into_another_order() -> None:
    design = superposition.design(seed=3, frames=4, list_length=5, n_lists=1, probes=("old", "reordered"))
    assert design.items.shape == (10, 4, 400)
    old, new = (design.tests["item"][design.tests["probe"] == kind] for kind in ("old", "reordered"))
    for row in new:
        frames = {frame.tobytes() for frame in design.items[row]}
        source = [k for k in old if {frame.tobytes() for frame in design.items[k]} == frames]
        assert len(source) == 1
        assert not np.array_equal(design.items[source[0]], design.items[row])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 99), active=st.integers(1, 10), share=st.floats(0, 1))
def test_what_is_exchanged_is_new(seed: int, active: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    sets = rng.permuted(np.tile(np.arange(25), (6, 1)), axis=1)[:, :active]
    kept = round(share * active)
    made = exchanged(sets, np.full(6, kept), 25, rng)
    for before, after in zip(sets, made, strict=True):
        assert len(set(after)) == active
        assert len(set(before) & set(after)) == kept
    assert as_bits(made, 25).sum(axis=1).tolist() == [active] * 6


# ---- measures by hand ------------------------------------------------------------------------------------------------


def record(answers: Any, **settings: Any) -> Record:
    design = superposition.design(seed=1, n_lists=1, **settings)
    told = answers(design) if callable(answers) else answers
    return Record(design, "somebody", np.asarray(told))


def by_probe(**said: int) -> Any:
    return lambda design: np.array([said[kind] for kind in design.tests["probe"]])


def test_hits_and_false_alarms_by_hand() -> None:
    found = record(by_probe(old=5, new=2, similar=3), list_length=4, probes=("old", "new", "similar"), n_ratings=6)
    called = measure(superposition.measure("called_old_by_overlap"), found).pool()
    assert called.rows["x"].tolist() == [0.0, 0.5, 1.0]
    assert called.rows["y"].tolist() == [0.0, 1.0, 1.0]
    assert measure(superposition.measure("hits_by_length"), found).rows["y"].tolist() == [1.0]
    assert measure(superposition.measure("alarms_by_length"), found).rows["y"].tolist() == [0.0]
    kinds = measure(superposition.measure("rating_by_probe"), found).pool()
    assert kinds.rows["x"].tolist() == [1.0, 2.0, 3.0]
    assert kinds.rows["y"] == pytest.approx([1.0, 0.4, 0.6])
    # Old against eight that were never shown.
    assert measure(superposition.measure("forced_choice"), found).rows["y"].tolist() == [1.0]
    ties = record(by_probe(old=1, new=1), list_length=4, n_ratings=2)
    assert measure(superposition.measure("forced_choice"), ties).rows["y"].tolist() == [0.5]


def test_rates_slope_and_discriminability_by_hand() -> None:
    # Ten old items: 1, 2, 3 and 4 of the ratings; the strictest criterion first, one half added to each count.
    assert rates(np.array([1.0, 2.0, 3.0, 4.0])) == pytest.approx(np.array([4.5, 7.5, 9.5]) / 11)
    # z of (.8413, .5, .1587) over z of (.5, .1587, .0228): 1, 0, -1 over 0, -1, -2.
    large = 1e9
    old = large * np.array([0.158655, 0.341345, 0.341345, 0.158655])
    new = large * np.array([0.5, 0.341345, 0.135905, 0.02275])
    slope, se = z_slope(old, new)
    assert slope == pytest.approx(1.0, abs=1e-4)
    assert se == pytest.approx(0.0, abs=1e-4)
    assert discriminability(old, new)[0] == pytest.approx(1.0, abs=1e-4)
    # Gourevitch & Galanter: p (1 - p) / (n pdf(z)^2) of both rates, here not far from one half, of 100 tests each.
    few = [100 * counts / large for counts in (old, new)]
    assert discriminability(*few)[1] == pytest.approx(np.sqrt(0.25 / (100 * 0.398942**2) * 2), rel=0.2)
    assert np.isnan(z_slope(np.array([0.0, 9.0]), np.array([4.0, 4.0]))[0])


def test_completion_and_codes_by_hand() -> None:
    whole = record(
        lambda design: design.items[design.tests["item"]], list_length=4, probes=("partial",), test="completion",
        cue_share=0.25,
    )  # fmt: skip
    # Five of twenty features come back: a cosine of sqrt(5 / 20), and no item is recalled.
    assert measure(superposition.measure("completion"), whole).pool().rows["y"] == pytest.approx([0.5])
    assert measure(superposition.measure("recalled_by_length"), whole).rows["y"].tolist() == [0.0]
    same = record(
        lambda design: design.items[design.tests["item"]], list_length=6, probes=("old", "similar"), test="code",
        overlap=0.4,
    )  # fmt: skip
    similar = measure(superposition.measure("code_similarity"), same).pool()
    assert similar.rows["x"] == pytest.approx([0.4, 1.0])
    assert similar.rows["y"] == pytest.approx([0.4, 1.0])
    assert measure(superposition.measure("mantel"), same).rows["y"] == pytest.approx([1.0])
    assert cosines(np.array([[1, 1, 0, 0]]), np.array([[1, 0, 1, 0]])).tolist() == [0.5]
    assert cosines(np.array([[0, 0]]), np.array([[1, 0]])).tolist() == [0.0]
    assert np.isnan(mantel(np.eye(3), np.eye(3)))


# ---- bad input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"active": 0}, "at least one active feature"),
        ({"active": 401}, "no more than the 400"),
        ({"active": 300}, "leave no"),
        ({"probes": ("odl",)}, "did you mean"),
        ({"probes": ("old", "old")}, "every kind once"),
        ({"probes": "reordered"}, "frames 1, set 2 or more"),
        ({"probes": "prototype"}, "category_share above 0"),
        ({"test": "completion"}, "leave out new, prototype"),
        ({"test": "cod"}, "did you mean"),
        ({"overlap": (0.5, 1.5)}, "overlap is a share"),
        ({"list_length": 0}, "counts of 1 or more"),
        ({"n_ratings": 1}, "two answers or more"),
        ({"frames": 0}, "frames of at least 1"),
    ],
)
def test_settings_that_make_no_sense(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        superposition.design(seed=1, **change)


def test_measures_of_another_test() -> None:
    found = record(by_probe(old=1, new=0), list_length=4, n_ratings=2)
    with pytest.raises(UserError, match='test="completion"'):
        measure(superposition.measure("completion"), found)
    with pytest.raises(UserError, match="n_ratings of 3 or more"):
        measure(superposition.measure("z_slope"), found)
    alone = record(by_probe(old=1), list_length=4, probes="old", n_ratings=3)
    with pytest.raises(UserError, match="old and new probes"):
        measure(superposition.measure("d_prime"), alone)
