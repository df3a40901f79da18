"""The paradigm of key-value memory and its measures, by hand; associative stores as subjects against theory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from cogmem.core import Design, Record, measure, run
from cogmem.errors import UserError
from cogmem.models.interference import cue_overload
from cogmem.paradigms import key_value, proactive_interference
from cogmem.paradigms.key_value_measures import kinds_of, likeness, nearest_key
from cogmem.subjects.regressions import RULES
from cogmem.subjects.stores import RULE_NAMES, STORES, AssociativeStore
from cogmem.trials import Trials


def lists(design: Design) -> list[tuple[Trials, Trials]]:
    """Return the study and test rows of each list."""
    studies, tests = design.studies, design.tests
    return [(studies.where(studies["list"] == k), tests.where(tests["list"] == k)) for k in np.unique(tests["list"])]


def test_every_pair_is_asked_for_once_and_values_of_a_list_differ() -> None:
    design = key_value.design(seed=1, n_pairs=(3, 5), n_lists=4, filler_pairs=2, retention_interval=7.0)
    assert sorted(len(studies) for studies, _ in lists(design)) == [5] * 4 + [7] * 4
    for studies, tests in lists(design):
        n = int(tests["n_pairs"][0])
        assert len(tests) == n
        assert len(studies) == n + 2
        assert len(set(studies["target"].tolist())) == n + 2
        pairs = dict(zip(studies["cue"].tolist(), studies["target"].tolist(), strict=True))
        assert all(pairs[cue] == target for cue, target in zip(tests["cue"], tests["target"], strict=True))
        # Other pairs come after those that are asked for, and then 7 s.
        assert set(studies["cue"][n:].tolist()).isdisjoint(tests["cue"].tolist())
        assert tests["time"][0] == studies["time"][-1] + 2.0 + 7.0
    assert (np.diff(design.trials["time"]) > 0).all()
    assert design.trials["target"].max() < len(design.items)


def test_keys_are_as_alike_as_said() -> None:
    design = key_value.design(
        seed=1, n_pairs=(40,), n_lists=5, key_similarity=0.5, n_categories=2, value_similarity=0.3, dimension=128
    )
    assert np.linalg.norm(design.items, axis=1) == pytest.approx(np.ones(len(design.items)))
    within, between = [], []
    for studies, _ in lists(design):
        keys = np.sort(studies["cue"])
        cosines = design.items[keys] @ design.items[keys].T
        same = np.arange(40)[:, None] % 2 == np.arange(40) % 2
        within.append(cosines[same & ~np.eye(40, dtype=bool)].mean())
        between.append(cosines[~same].mean())
    # Means of 380 and 400 cosines a list, whose common part has 128 numbers: known to about .04.
    assert np.mean(within) == pytest.approx(0.5, abs=0.05)
    assert np.mean(between) == pytest.approx(0.0, abs=0.05)
    values = design.items[:64] @ design.items[:64].T
    # All values share one random part of 128 numbers, whose squared length varies by an eighth: .04, three times that.
    assert values[~np.eye(64, dtype=bool)].mean() == pytest.approx(0.3, abs=0.12)


def test_a_matrix_of_similarity_is_what_keys_have() -> None:
    matrix = ((1.0, 0.8, 0.0), (0.8, 1.0, 0.0), (0.0, 0.0, 1.0))
    design = key_value.design(seed=1, n_pairs=(3,), n_lists=30, key_similarity=matrix, dimension=256)
    found = np.mean(
        [(lambda keys: keys @ keys.T)(design.items[np.sort(each["cue"])]) for each, _ in lists(design)], axis=0
    )
    assert found == pytest.approx(np.array(matrix), abs=0.04)


def test_facts_share_keys_and_contexts() -> None:
    fans = key_value.design(seed=1, n_pairs=(12,), n_lists=2, fan=(1, 2, 3), tests="recognition")
    for studies, tests in lists(fans):
        facts = {cue: int((studies["cue"] == cue).sum()) for cue in set(studies["cue"].tolist())}
        assert sorted(facts.values()) == [1, 1, 2, 2, 3, 3]
        assert [facts[cue] for cue in tests["cue"].tolist()] == tests["cue_fan"].tolist()
        true = set(zip(studies["cue"].tolist(), studies["target"].tolist(), strict=True))
        for row in range(len(tests)):
            studied = (tests["cue"][row], tests["item"][row]) in true
            assert tests["target"][row] == studied == (tests["probe"][row] == "old")
        assert tests["target"].tolist().count(1) == 6
    joint = key_value.design(seed=1, n_pairs=(12,), n_lists=1, n_contexts=3)
    studies = joint.studies
    pairs = sorted(zip(studies["cue"].tolist(), studies["context"].tolist(), strict=True))
    assert pairs == [(64 + key, context) for key in range(4) for context in (1, 2, 3)]
    for row in range(12):
        own = (studies["cue"] == joint.tests["cue"][row]) & (studies["context"] == joint.tests["context"][row])
        assert studies["target"][own].tolist() == [joint.tests["target"][row]]


def test_what_is_left_of_a_cue() -> None:
    design = key_value.design(
        seed=1, n_pairs=(20,), n_lists=3, cue_noise=(0.0, 2.0), cue_share=0.25, tests=("recall", "reinstated")
    )
    tests, items = design.tests, design.items
    again = tests["attempt"] == 2
    assert (tests["item"][again] == tests["cue"][again]).all()
    shown, keys = items[tests["item"][~again]], items[tests["cue"][~again]]
    assert ((shown != 0).sum(axis=1) == 16).all()
    noise = tests["cue_noise"][~again]
    added = np.where(shown != 0, shown - keys, 0.0)
    assert not added[noise == 0].any()
    # A quarter of noise of length 2 has length 1.
    assert np.linalg.norm(added[noise == 2], axis=1).mean() == pytest.approx(1.0, abs=0.1)


def test_orders_of_study() -> None:
    blocked = key_value.design(seed=1, n_pairs=(12,), n_lists=1, n_categories=3, order="blocked")
    category = (blocked.studies["cue"] - 64) % 3
    assert (np.diff(category) != 0).sum() == 2
    joint = key_value.design(seed=1, n_pairs=(12,), n_lists=1, n_contexts=3, order="sequential")
    assert (np.diff(joint.studies["cue"]) != 0).sum() == 3


def by_hand(answers: list[int], seconds: list[float] | None = None) -> Record:
    """Return two lists of two pairs: 4→0, 5→1; 6→2, 7→3. Each is recalled, recognised and recalled again."""
    rows: list[tuple[Any, ...]] = []
    for number, pairs in ((1, ((4, 0), (5, 1))), (2, ((6, 2), (7, 3)))):
        rows += [("study", number, cue, cue, target, "recall", 1) for cue, target in pairs]
        for cue, target in pairs:
            rows.append(("test", number, cue, cue, target, "recall", 1))
            rows.append(("test", number, cue, target, 1, "recognition", 1))
            rows.append(("test", number, cue, cue, target, "recall", 2))
    names = ("phase", "list", "cue", "item", "target", "test_type", "attempt")
    columns: dict[str, Any] = {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}
    columns |= {"n_pairs": np.full(len(rows), 2), "cue_noise": np.zeros(len(rows)), "cue_fan": np.ones(len(rows), int)}
    items = np.array([[1.0, 0], [0, 1], [0.6, 0.8], [1, 0], [1, 0], [0.8, 0.6], [1, 0], [0, 1], [0, 2]])
    design = Design("key_value", 1, {}, 0, Trials(columns), items)
    return Record(design, "somebody", np.array(answers), None if seconds is None else np.array(seconds))


def read(name: str, record: Record) -> dict[float, float]:
    rows = measure(key_value.measure(name), record).rows
    return dict(zip(rows["x"].tolist(), rows["y"].tolist(), strict=True))


def test_measures_by_hand() -> None:
    # Recalls: right, none, a value of the first list, one never studied (row 8). Recognised: all but the first.
    # Again: right, right, none, right.
    record = by_hand([0, 0, 0, -1, 1, 1, 1, 1, -1, 8, 1, 3])
    assert kinds_of(record)[[0, 3, 6, 9]].tolist() == ["right", "none", "other_list", "unseen"]
    for name, y in (("accuracy", 0.25), ("omissions", 0.25), ("other_list", 0.25), ("intrusions", 0.0)):
        assert read(name, record) == {2.0: y}
    # Three pairs were not recalled: all are recognised, two recalled in the end.
    assert read("available", record) == {2.0: 1.0}
    assert read("recovered", record) == {2.0: pytest.approx(2 / 3)}
    assert read("recognition_by_fan", record) == {1.0: 0.75}
    # The right answer is itself, the wrong ones have cosines .8 and 0 with (.6, .8) and (1, 0).
    assert likeness(record)[[0, 6, 9]] == pytest.approx([1.0, 0.8, 0.0])
    assert np.isnan(likeness(record)[3])
    assert read("fidelity", record) == {2.0: pytest.approx(0.6)}
    assert read("partial", record) == {2.0: pytest.approx(0.4)}
    # Keys of the first list have a cosine of .8, of the second 0.
    assert nearest_key(record)[[0, 6]] == pytest.approx([0.8, 0.0])
    assert read("accuracy_by_similarity", record) == {0.8: 0.5, 0.0: 0.0}
    assert read("discriminability", record) == {2.0: pytest.approx((0.2 + 0.2 + 1 + 1) / 4)}
    timed = by_hand([0, 1, 0, -1, 1, 1, 1, 0, -1, 8, 1, 3], [9.0, 1, 9, 9, 2, 9, 9, 50, 9, 9, 3, 9])
    assert read("seconds_by_fan", timed) == {1.0: pytest.approx(2.0)}


def test_a_value_of_the_same_list() -> None:
    record = by_hand([1, 1, 1, 0, 1, 1, 3, 1, -1, -1, 1, -1])
    assert read("intrusions", record) == {2.0: 0.75}
    assert read("other_list", record) == {2.0: 0.0}


def test_names_of_rules_are_those_of_the_regressions() -> None:
    assert tuple(rule.name for rule in RULES) == RULE_NAMES
    assert [store.name for store in STORES] == [f"store_{name}" for name in RULE_NAMES]


@pytest.mark.parametrize("store", STORES, ids=lambda store: store.name)
def test_a_few_pairs_are_recalled_by_every_store(store: AssociativeStore) -> None:
    design = key_value.design(seed=1, n_pairs=(4,), n_lists=10, dimension=256, tests=("recall", "recognition"))
    record = run(design, store, seed=1)
    # Four keys of 256 numbers hardly overlap.
    assert read("accuracy", record)[4.0] > 0.95
    assert read("recognition_by_fan", record)[1.0] > 0.95
    p = store.forecast(design)
    assert p.sum(axis=1) == pytest.approx(np.ones(len(design.tests)))
    assert (p >= 0).all()


def test_capacity_of_a_sum_of_pairs_is_that_of_theory() -> None:
    """Read-outs of a sum are the value and noise of variance (N - 1) / d a unit value: the right value wins by its 1.

    Against N - 1 others, each with noise of the cosine of random vectors, P = E[Phi(..)^(N-1)] by the same numbers.
    """
    n, d = 128, 64
    design = key_value.design(seed=1, n_pairs=(n,), n_lists=4, pool=n, dimension=d)
    store = AssociativeStore("linear", temperature=1e-3, threshold=-1.0)
    found = read("accuracy", run(design, store, seed=1))[float(n)]
    rng = np.random.default_rng(1)
    won = 0
    for _ in range(60):
        keys, values = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in rng.standard_normal((2, n, d)))
        reads = keys @ (keys.T @ values)
        won += int((reads @ values.T).argmax(axis=1).__eq__(np.arange(n)).sum())
    # 512 tests in lists of their own: a standard error of .02, and lists differ.
    assert found == pytest.approx(won / (60 * n), abs=0.05)


def test_likeness_of_keys_hurts_a_sum_and_not_what_corrects_for_it() -> None:
    design = key_value.design(seed=1, n_pairs=(32,), n_lists=5, key_similarity=0.5)
    found = {rule: read("accuracy", run(design, AssociativeStore(rule), seed=1))[32.0] for rule in RULE_NAMES}
    # Of argmax the notes give .28 (sum), .39 (delta), 1 (exact), 1 (softmax) at 32 pairs of 64 numbers, rho .5.
    assert found["linear"] < found["delta"] < found["rls"]
    assert found["rls"] > 0.9
    assert found["softmax"] > 0.9


def test_what_stays_of_earlier_lists() -> None:
    design = key_value.design(seed=1, n_pairs=(8,), n_lists=12, dimension=32)
    alone, carried = (
        read("accuracy", run(design, AssociativeStore("linear", carry=carry), seed=1))[8.0] for carry in (False, True)
    )
    assert alone > carried + 0.1
    lost = run(design, AssociativeStore("linear", carry=True), seed=1)
    assert read("other_list", lost)[8.0] > 0


def interference(tests: tuple[str, ...]) -> Record:
    """Return answers of a model of interference to lists of six pairs."""
    design = key_value.design(seed=1, n_pairs=(6,), n_lists=20, filler_pairs=2, tests=tests)
    return run(design, cue_overload.subject(decay=0.5, leak=0.2, omission=0.05), seed=1)


def test_models_of_interference_take_lists_of_pairs() -> None:
    recalled = interference(("recall",))
    assert 0.1 < read("accuracy", recalled)[6.0] < 0.9
    # Pairs that nobody asks for are answered too: they are in the list.
    fillers = [set(studies["target"][6:].tolist()) for studies, _ in lists(recalled.design)]
    said = [set(recalled.answers[recalled.design.tests["list"] == k].tolist()) for k in range(1, 21)]
    assert any(one & two for one, two in zip(fillers, said, strict=True))
    recognised = interference(("recognition",))
    old = recognised.design.tests["probe"] == "old"
    assert recognised.answers[old].mean() > recognised.answers[~old].mean() + 0.3


def unstudied() -> Design:
    """Return a list whose second test asks for a key of another list."""
    design = key_value.design(seed=1, n_pairs=(3,), n_lists=2)
    cue = design.trials["cue"].copy()
    cue[np.flatnonzero(design.trials["phase"] == "test")[1]] = 70
    return replace(design, trials=design.trials.with_columns({"cue": cue}))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"n_pairs": 65}, "pool holds 64; make pool 65"),
        ({"n_pairs": 60, "filler_pairs": 5}, "A list has 65 different values"),
        ({"n_pairs": 4, "key_similarity": -0.5}, "smallest is -0.5"),
        ({"n_pairs": 2, "key_similarity": ((1.0, 2.0), (2.0, 1.0))}, "smallest is -1"),
        ({"n_pairs": 2, "key_similarity": ((1.0, 0.5), (0.4, 1.0))}, "symmetric"),
        ({"n_pairs": (2, 3), "key_similarity": ((1.0, 0.5), (0.5, 1.0))}, r"\[2, 3\] keys of every list"),
        ({"order": "blokced"}, "did you mean 'blocked'"),
        ({"tests": ("recal",)}, "did you mean 'recall'"),
        ({"fan": (1, 2)}, 'set tests="recognition"'),
        ({"fan": (1, 2), "tests": "recognition", "n_pairs": 4}, "a multiple of 3 pairs; got 4"),
        ({"n_contexts": 3, "n_pairs": 4}, "a multiple of 3 pairs; got 4"),
        ({"cue_share": 0.0}, "cue_share is above 0"),
        ({"tests": "recognition", "n_pairs": 1}, "needs two pairs"),
        ({"value_similarity": 1.0}, "value_similarity is from 0"),
    ],
    ids=str,
)
def test_bad_settings_are_one_sentence(wrong: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        key_value.design(seed=1, **wrong)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: AssociativeStore("detla"), "did you mean 'delta'"),  # type: ignore[arg-type]
        (lambda: AssociativeStore("gated", keep=1.5), "keep is a share"),
        (lambda: AssociativeStore("linear", temperature=0.0), "temperature above 0"),
        (lambda: STORES[0].forecast(proactive_interference.design(seed=1)), "take a design of key_value"),
        (lambda: STORES[0].forecast(unstudied()), r"Test 2 of the design, in list 1, asks for a key \(item 70\)"),
        (lambda: interference(("recall", "recognition")), "recall or of recognition"),
        (lambda: read("recovered", run(key_value.design(seed=1), STORES[0], seed=1)), "'reinstated'"),
        (lambda: read("available", run(key_value.design(seed=1), STORES[0], seed=1)), "'recognition'"),
        (lambda: read("seconds_by_fan", by_hand([0] * 12)), "no response times"),
    ],
    ids=["rule", "keep", "temperature", "words", "unstudied", "mixed", "reinstated", "recognition", "times"],
)
def test_bad_input_is_one_sentence(make: Callable[[], Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        make()
