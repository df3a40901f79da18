"""Classical models of pairs: hand-counted cases, the published models themselves drawn out, designs, and bad input."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from cogmem.core import Forecaster, measure, run
from cogmem.errors import UserError
from cogmem.fitting.objective import normal_prior
from cogmem.models import pairs
from cogmem.models.pairs import PAIR_MODELS
from cogmem.paradigms import key_value, proactive_interference
from cogmem.subjects.pairs import Held, PairModel, PairSubject, asked
from cogmem.subjects.parameters import constrained
from cogmem.subjects.regressions import RULES

Array = NDArray[np.float64]
each_model = pytest.mark.parametrize("model", PAIR_MODELS, ids=lambda model: str(model.name))
DRAWS = 4000
# Four standard errors of a share of one half in so many draws are .032; normal scores add at most .03 in these cases.
ABOUT = 0.05


def one_list(near: Array, *, back: Array | None = None, fan: Array | None = None) -> Held:
    """Return one test whose cue has these cosines with the traces, all of them just studied."""
    row, none = np.asarray(near, dtype=np.float64)[None], np.zeros((1, len(near)))
    return Held(
        row, none, none if back is None else np.asarray(back)[None], none,
        np.ones_like(row) if fan is None else np.asarray(fan)[None], np.ones_like(row),
    )  # fmt: skip


def told(model: PairModel, held: Held, **theta: float) -> Array:
    """Return the chances of the only test: (columns + 1,); what is not given is as if it were not there."""
    given = {"decay": 1e-9, "primacy": 1e-9, "context": 0.5, **theta}
    values = np.array([[given[each.name] for each in model.parameters]])
    return model.chances(values, held).recall[0, 0]


def typical(model: PairModel) -> PairSubject:
    """Return somebody at the middle of the prior."""
    values = constrained(model.parameters, normal_prior(model.parameters, 0.0)[0][None])[0]
    return model.subject(**{each.name: value for each, value in zip(model.parameters, values, strict=True)})


def unit(rng: np.random.Generator, *shape: int) -> Array:
    x = rng.standard_normal(shape)
    return np.asarray(x / np.linalg.norm(x, axis=-1, keepdims=True))


def shares(chosen: NDArray[np.int64], columns: int) -> Array:
    return np.bincount(chosen, minlength=columns + 1) / len(chosen)


def highest(scores: Array, criterion: float) -> NDArray[np.int64]:
    return np.where(scores.max(axis=1) > criterion, scores.argmax(axis=1), scores.shape[1])


# ---- hand-counted cases ---------------------------------------------------------------------------------------------


def test_luce_by_hand() -> None:
    # Own weight 1, two others e^-2 each, none 0.5: the right one has 1 / (1.5 + 2 e^-2).
    found = told(pairs.softmax_exemplar, one_list(np.array([0.0, 1.0, 0.0])), sharpness=2.0, omission=0.5)
    whole = 1.5 + 2 * np.exp(-2.0)
    assert found == pytest.approx([np.exp(-2) / whole, 1 / whole, np.exp(-2) / whole, 0.5 / whole])


def test_fan_by_hand() -> None:
    # Activation association - ln fan, noise 1: a fact among two of its cue has e^1 / 2, the third pair e^0, none e^0.
    held = one_list(np.array([1.0, 1.0, 0.0]), fan=np.array([2.0, 2.0, 1.0]))
    found = told(pairs.act_r_pairs, held, association=1.0, noise=1.0, threshold=0.0)
    own = np.e / 2
    assert found == pytest.approx(np.array([own, own, 1.0, 1.0]) / (2 * own + 2))


def test_sampling_and_recovery_by_hand() -> None:
    # Strengths 1 and 0.1: sampled with 10 in 11 and 1 in 11, recovered with 1 - e^-1 and 1 - e^-.1, three times.
    found = told(pairs.sam, one_list(np.array([1.0, 0.0])), association=1.0, residual=0.1)
    sampled, recovered = np.array([10 / 11, 1 / 11]), 1 - np.exp([-1.0, -0.1])
    failed = float((sampled * (1 - recovered)).sum())
    assert found == pytest.approx([*(sampled * recovered * (1 + failed + failed**2)), failed**3])


def test_context_and_age_by_hand() -> None:
    # A list four back has half the context's cosine; a pair three pairs old is down to (1 + 3)^-.5 = 1/2.
    held = Held(*(np.array([row], dtype=float) for row in ([1, 1], [3, 0], [0, 4], [1, 0], [1, 1], [1, 1])))
    theta = {name: np.full((1, 1, 1), value) for name, value in (("decay", 0.5), ("primacy", 0.2), ("context", 0.6))}
    assert pairs.strengths(theta, held)[0, 0] == pytest.approx([0.6, 1.0])
    assert pairs.contexts(theta, held)[0, 0] == pytest.approx([1.0, 0.3])


# ---- the published models, drawn out --------------------------------------------------------------------------------


def test_the_matrix_memory_is_a_matrix() -> None:
    d, n, rng = 16, 6, np.random.default_rng(1)
    keys, values = unit(rng, DRAWS, n, d), unit(rng, DRAWS, n, d)
    read = np.einsum("sd,snd,sne->se", keys[:, 2], keys, values)
    drawn = shares(highest(np.einsum("se,sne->sn", read, values), 0.9), n)
    found = told(pairs.matrix_memory, one_list(np.arange(n) == 2), dimension=d, criterion=0.9)
    assert found == pytest.approx(drawn, abs=ABOUT)


def test_the_matrix_memory_takes_noisy_cues() -> None:
    d, n, rng = 24, 6, np.random.default_rng(2)
    keys, values = unit(rng, DRAWS, n, d), unit(rng, DRAWS, n, d)
    # A cue whose cosine with its key is nearly .7, and with the others none on average.
    cue = 0.7 * keys[:, 2] + np.sqrt(1 - 0.49) * unit(rng, DRAWS, d)
    cue /= np.linalg.norm(cue, axis=1, keepdims=True)
    read = np.einsum("sd,snd,sne->se", cue, keys, values)
    drawn = shares(highest(np.einsum("se,sne->sn", read, values), 0.6), n)
    found = told(pairs.matrix_memory, one_list(0.7 * (np.arange(n) == 2)), dimension=d, criterion=0.6)
    assert found == pytest.approx(drawn, abs=ABOUT)


def test_todam_is_a_convolution() -> None:
    d, n, rng = 64, 5, np.random.default_rng(3)
    keys, values = unit(rng, DRAWS, n, d), unit(rng, DRAWS, n, d)
    f, g = np.fft.rfft(keys), np.fft.rfft(values)
    memory = (f * g).sum(axis=1)
    read = np.fft.irfft(np.conj(f[:, 1]) * memory, d)
    drawn = shares(highest(np.einsum("se,sne->sn", read, values), 0.8), n)
    found = told(pairs.todam, one_list(np.arange(n) == 1), dimension=d, criterion=0.8)
    assert found == pytest.approx(drawn, abs=ABOUT)


def test_minerva_is_an_echo() -> None:
    n, encoded, size, rng = 5, 0.8, pairs.FEATURES, np.random.default_rng(4)
    keys, values = (rng.choice([-1.0, 1.0], (DRAWS, n, size)) for _ in range(2))
    context = rng.choice([-1.0, 1.0], (DRAWS, 1, size))
    kept = [rng.random((DRAWS, n, size)) < encoded for _ in range(3)]
    traces = [np.where(there, x, 0.0) for there, x in zip(kept, (keys, values, context), strict=True)]
    match = np.einsum("sd,snd->sn", keys[:, 1], traces[0]) + np.einsum("sd,snd->sn", context[:, 0], traces[2])
    echo = np.einsum("sn,snd->sd", (match / (2 * size)) ** 3, traces[1])
    scores = np.einsum("sd,snd->sn", echo, values) / size / encoded**4
    drawn = shares(highest(scores, 0.8), n)
    found = told(pairs.minerva2, one_list(np.arange(n) == 1), encoding=encoded, criterion=0.8)
    # Cubes have long tails that a normal score has not.
    assert found == pytest.approx(drawn, abs=0.07)


def test_rem_is_a_likelihood_ratio() -> None:
    n, size, power, stored, rng = 5, pairs.FEATURES, 0.3, 1 - np.exp(-1.2), np.random.default_rng(5)
    c, g = pairs.COPIED, pairs.GEOMETRIC
    cues, contexts = rng.geometric(g, (DRAWS, n, size)), rng.geometric(g, (DRAWS, 1, size)).repeat(n, axis=1)
    logs = np.zeros((DRAWS, n))
    for shown, studied in ((cues[:, 1:2], cues), (contexts, contexts)):
        held = np.where(rng.random(studied.shape) < c, studied, rng.geometric(g, studied.shape))
        chance = g * (1 - g) ** (held - 1)
        ratio = np.where(held == shown, (c + (1 - c) * chance) / chance, 1 - c)
        logs += np.where(rng.random(studied.shape) < stored, np.log(ratio), 0.0).sum(axis=-1)
    weight = np.exp(power * logs)
    drawn = (weight / weight.sum(axis=1, keepdims=True)).mean(axis=0) * (c * stored) ** 0.5
    found = told(pairs.rem, one_list(np.arange(n) == 1), storage=1.2, power=power, recovery=0.5)
    # Others stand against a trace by their expected ratios.
    assert found[:-1] == pytest.approx(drawn, abs=ABOUT)


def test_one_feature_of_rem_by_hand() -> None:
    # Stored for sure, power 1: the ratio of a feature of another word is 1 on average, whatever its value.
    assert pairs._feature(np.zeros(1), np.ones(1), 1.0) == pytest.approx([1.0], abs=1e-6)
    # Nothing stored says nothing.
    assert pairs._feature(np.ones(1), np.zeros(1), 0.4) == pytest.approx([1.0])


def test_the_exemplar_model_is_softmax_attention() -> None:
    rng, d, n, sharpness = np.random.default_rng(6), 8, 5, 3.0
    keys, cue = unit(rng, n, d), unit(rng, d)
    rule = next(each for each in RULES if each.name == "softmax")
    stretch = (sharpness * np.sqrt(d)) ** 0.5  # the rule divides by the root of d
    q, k = (torch.from_numpy(stretch * each) for each in (cue[None], keys))
    attention = rule.parallel(q, torch.tensor([n]), k, torch.eye(n, dtype=torch.float64), {})[0].numpy()
    found = told(pairs.softmax_exemplar, one_list(keys @ cue), sharpness=sharpness, omission=1e-12)
    assert found[:-1] == pytest.approx(attention, abs=1e-8)  # a decay of 1e-9 is left


def test_sam_is_softmax_attention_on_log_strengths() -> None:
    # The ratio rule of powers of similarity: sampling alone is attention of sharpness -ln residual.
    near, residual = np.array([1.0, 0.4, -0.2]), 0.05
    found = told(pairs.sam, one_list(near), association=1e-6, residual=residual)
    recovered = 1e-6 * residual ** (1 - near)
    attention = np.exp(-np.log(residual) * near)
    expected = attention / attention.sum() * recovered
    assert found[:-1] / found[:-1].sum() == pytest.approx(expected / expected.sum(), rel=1e-4)


# ---- as participants ------------------------------------------------------------------------------------------------


@each_model
def test_chances_are_chances(model: PairModel) -> None:
    rng = np.random.default_rng(7)
    loc, scale = normal_prior(model.parameters, 0.0)
    theta = constrained(model.parameters, loc + 1.5 * scale * rng.standard_normal((70, len(loc))))
    near = np.where(rng.random((9, 6)) < 0.2, 1.0, rng.uniform(-0.4, 0.9, (9, 6)))
    back = np.broadcast_to([0.0, 0, 0, 0, 1, 4], near.shape)
    count = np.broadcast_to([1.0, 1, 1, 0, 6, 18], near.shape)
    held = Held(np.where(back > 0, 0, near), rng.uniform(0, 40, near.shape), back, near * 0, near * 0 + 1, count)
    found = model.chances(theta, held)
    assert (found.recall >= 0).all()
    # The quadrature over the highest score leaves less than a thousandth.
    assert np.abs(found.recall.sum(axis=-1) - 1).max() < 1e-3
    assert ((found.yes >= 0) & (found.yes <= 1)).all()
    assert (found.recall[..., 3] == 0).all()
    one_by_one = np.concatenate([model.chances(each[None], held).recall for each in theta])
    assert np.allclose(one_by_one, found.recall, atol=1e-12)


@each_model
def test_more_pairs_and_less_cue_leave_less(model: PairModel) -> None:
    subject = typical(model)
    assert isinstance(subject, Forecaster)
    loads = key_value.design(seed=1, n_pairs=(4, 32), n_lists=4, n_participants=4)
    few, many = (right_share(subject, loads, "n_pairs", each) for each in (4, 32))
    assert few > many
    noise = key_value.design(seed=1, n_pairs=(8,), n_lists=6, cue_noise=(0.0, 2.0))
    clear, noisy = (right_share(subject, noise, "cue_noise", each) for each in (0.0, 2.0))
    assert clear > noisy


def right_share(subject: PairSubject, design: Any, column: str, value: float) -> float:
    rows = np.flatnonzero(design.tests[column] == value)
    return float(subject.forecast(design)[rows, design.tests["target"][rows]].mean())


@each_model
def test_answers_are_drawn_from_forecasts(model: PairModel) -> None:
    design = key_value.design(seed=2, n_pairs=(8,), n_lists=60)
    subject = typical(model)
    record = run(design, subject, seed=3)
    expected = subject.forecast(design)[np.arange(len(design.tests)), design.tests["target"]].mean()
    # Four standard errors of a share of 480 answers.
    assert record.right.mean() == pytest.approx(expected, abs=4 * 0.5 / np.sqrt(480))
    assert np.array_equal(run(design, subject, seed=3).answers, record.answers)


@each_model
def test_recognition_takes_intact_pairs_for_studied_ones(model: PairModel) -> None:
    design = key_value.design(seed=2, n_pairs=(6,), n_lists=8, fan=(1, 2), tests="recognition")
    yes, probe = typical(model).forecast(design)[:, 1], design.tests["probe"]
    assert yes[probe == "old"].mean() > yes[probe == "rearranged"].mean()
    assert measure(key_value.measure("recognition_by_fan"), run(design, typical(model), seed=1)).rows["n"].sum() > 0


def test_facts_that_share_a_cue_are_worse_in_act_r() -> None:
    design = key_value.design(seed=2, n_pairs=(12,), n_lists=6, fan=(1, 2, 3), tests="recognition")
    yes, probe, fan = typical(pairs.act_r_pairs).forecast(design)[:, 1], design.tests["probe"], design.tests["cue_fan"]
    one, two, three = (yes[(probe == "old") & (fan == k)].mean() for k in (1, 2, 3))
    assert one > two > three


def test_facts_that_share_a_cue_take_longer_in_act_r() -> None:
    design = key_value.design(seed=2, n_pairs=(12,), n_lists=20, fan=(1, 2, 3), tests="recognition")
    record = run(design, typical(pairs.act_r_pairs), seed=1)
    assert record.seconds is not None
    rows = measure(key_value.measure("seconds_by_fan"), record).rows
    one, two, three = (float(rows["y"][rows["x"] == fan][0]) for fan in (1, 2, 3))
    # One fact, just studied but for decay: I + F exp(-A) with A near the association.
    assert 0.84 < one < 0.84 + 0.62
    assert one < two < three
    assert run(design, typical(pairs.sam), seed=1).seconds is None


def test_words_are_near_or_not_and_earlier_lists_are_one_column_each() -> None:
    design = proactive_interference.design(seed=1, n_keys=3, n_updates=(1,), n_lists=3, pool=3)
    first, _, third = asked(design)
    assert first.held.near.shape == (3, 3)
    assert np.array_equal(np.sort(first.held.near, axis=1), [[0, 0, 1]] * 3)
    assert third.held.count[0].tolist() == [1, 1, 1, 3, 3]
    assert third.held.back[0].tolist() == [0, 0, 0, 2, 1]
    assert third.held.first[0].tolist() == [1, 0, 0, 0, 0]
    assert (np.diff(third.held.age[0, 3:]) < 0).all()


def test_values_of_earlier_lists_intrude() -> None:
    design = key_value.design(seed=4, n_pairs=(4,), n_lists=10, pool=400)
    record = run(design, pairs.softmax_exemplar.subject(
        decay=0.01, primacy=0.01, context=0.9, sharpness=0.5, omission=0.1), seed=1)  # fmt: skip
    found = measure(key_value.measure("other_list"), record)
    assert found.rows["y"].mean() > 0.2


def test_joint_recall_needs_the_context() -> None:
    design = key_value.design(seed=1, n_pairs=(8,), n_lists=3, n_contexts=2)
    for each in asked(design):
        assert (np.isclose(each.held.near, 1.0).sum(axis=1) == 1).all()


def test_bad_input_is_a_sentence() -> None:
    with pytest.raises(UserError, match="needs the parameters"):
        pairs.sam.subject(decay=1.0)
    design = key_value.design(seed=1, n_pairs=(4,), n_lists=1)
    trials = design.trials.with_columns({"cue": np.where(design.trials["phase"] == "test", 0, design.trials["cue"])})
    from dataclasses import replace

    with pytest.raises(UserError, match="was not studied before it"):
        typical(pairs.sam).forecast(replace(design, trials=trials))
