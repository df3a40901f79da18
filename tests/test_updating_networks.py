"""Networks trained on few updates a key: each mixer against its recurrence, exact stores, tokens, training, limits."""

from __future__ import annotations

import pickle  # noqa: TID251  (only to see that a subject survives a worker process)
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.optimize import curve_fit
from torch import Tensor

from cogmem.addresses import address
from cogmem.core import Design, Record, run
from cogmem.errors import UserError
from cogmem.paradigms import forgetting_curve, key_value, proactive_interference
from cogmem.paradigms.interference_measures import classify
from cogmem.subjects.mixers import MIXERS, recurrent
from cogmem.subjects.mixing import ALL_MIXERS
from cogmem.subjects.regressions import written
from cogmem.subjects.updating_network import MIXER_NAMES, NETWORKS, MixerName, UpdatingNetwork, UpdatingSettings
from cogmem.subjects.updating_streams import interleaved, streams_of
from cogmem.subjects.updating_training import (
    initial_weights,
    kept,
    load_weights,
    log_odds,
    save_weights,
    shapes,
    train,
)
from cogmem.trials import Trials

Array = NDArray[np.float64]
each_mixer = pytest.mark.parametrize("name", tuple(ALL_MIXERS))
TINY = UpdatingSettings(
    "delta_rule", keys=3, values=12, width=32, layers=1, heads=1, steps=150, batch=32, rate=2e-2, trained_on=(1, 2, 3)
)


@cache
def tiny() -> Mapping[str, Tensor]:
    return train(TINY, (1, 2))


def subject(**changes: Any) -> UpdatingNetwork:
    return UpdatingNetwork(TINY, (1, 2), **{"weights": tiny_weights, **changes})


def tiny_weights(settings: UpdatingSettings, seeds: tuple[int, ...]) -> Mapping[str, Tensor]:
    return tiny()


def untrained(settings: UpdatingSettings, seeds: tuple[int, ...]) -> Mapping[str, Tensor]:
    return initial_weights(settings, seeds)


def right(record: Record) -> float:
    return float((classify(record).kind == "right").mean())


# ---- mixers ---------------------------------------------------------------------------------------------------------


def random_layer(name: str, *, width: int = 16, heads: int = 2, members: int = 2) -> dict[str, Tensor]:
    made, mixer, rng = torch.Generator().manual_seed(5), ALL_MIXERS[name], np.random.default_rng(5)
    found = {}
    for part, shape in mixer.shapes(width, heads).items():
        found[part] = torch.randn(members, *shape, generator=made) * shape[0] ** -0.5
        if part in mixer.initial:
            found[part] = torch.from_numpy(np.stack([mixer.initial[part](shape, rng) for _ in range(members)])).float()
    return found


@each_mixer
@pytest.mark.parametrize("time", [1, 2, 33])
def test_all_at_once_is_one_token_after_another(name: str, time: int) -> None:
    made = torch.Generator().manual_seed(6)
    study, asked = (torch.randn(2, 3, n, 16, generator=made) for n in (time, 4))
    mixer, own = ALL_MIXERS[name], random_layer(name)
    whole = mixer.parallel(own, study, asked, 2)
    assert whole.shape == (2, 3, time + 4, 16)
    # A sum of 33 tokens in another order; where a matrix is solved for, a few digits more are lost.
    torch.testing.assert_close(whole, recurrent(mixer, own, study, asked, 2), rtol=0, atol=2e-4)
    torch.testing.assert_close(mixer.parallel(own, study, asked, 2, asked_only=True), whole[:, :, time:],
                               rtol=0, atol=2e-4)  # fmt: skip
    exact = {part: weight.double() for part, weight in own.items()}
    twice = mixer.parallel(exact, study.double(), asked.double(), 2)
    again = recurrent(mixer, exact, study.double(), asked.double(), 2)
    torch.testing.assert_close(twice, again, rtol=0, atol=1e-10)


@each_mixer
def test_questions_do_not_see_one_another_and_study_not_what_follows(name: str) -> None:
    made = torch.Generator().manual_seed(7)
    study, asked = (torch.randn(2, 3, n, 16, generator=made) for n in (9, 4))
    mixer, own = ALL_MIXERS[name], random_layer(name)
    whole = mixer.parallel(own, study, asked, 2)
    alone = mixer.parallel(own, study, asked[:, :, 1:2], 2)
    torch.testing.assert_close(alone[:, :, 9:], whole[:, :, 10:11], rtol=0, atol=1e-4)
    fewer = mixer.parallel(own, study[:, :, :5], asked, 2)
    torch.testing.assert_close(fewer[:, :, :5], whole[:, :, :5], rtol=0, atol=1e-4)


def store(name: str) -> dict[str, Tensor]:
    """Return weights of one head that reads the first 8 units as a key and writes the last 8 as its value."""
    key = torch.diag(torch.tensor([1.0] * 8 + [0.0] * 8))
    value = torch.eye(16) - key
    own = {"read": key, "write": torch.cat((key, value), 1)}
    if name == "delta_rule":
        # A sigmoid of 40 is 1 in float32.
        own |= {"strength": torch.zeros(16, 1), "strength_bias": torch.tensor([40.0])}
    return {part: weight[None] for part, weight in own.items()}


def one_hot_stream(updates: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return a stream of 4 keys (1, 1, t, 16), a question for each, and the last value of each, all of them 0 or 1."""
    rng, eye = np.random.default_rng(updates), torch.eye(8)
    order = interleaved(4, updates, rng.random(4 * updates))
    values = rng.integers(0, 8, 4 * updates)
    last = [values[np.flatnonzero(order == key)[-1]] for key in range(4)]
    study = torch.cat((eye[order], eye[values]), -1)
    asked = torch.cat((eye[:4], torch.zeros(4, 8)), -1)
    return study[None, None], asked[None, None], eye[last]


@pytest.mark.parametrize("updates", [1, 2, 7, 64])
def test_the_delta_rule_overwrites_exactly(updates: int) -> None:
    study, asked, last = one_hot_stream(updates)
    k, v = study[..., :8], study[..., 8:]
    held = k.transpose(-1, -2) @ written(k, v, torch.ones(1, 1, k.shape[2]))
    assert torch.equal(held[0, 0, :4], last)
    mixer, own = MIXERS["delta_rule"], store("delta_rule")
    out = mixer.parallel(own, study, asked, 1, asked_only=True)[0, 0, :, 8:]
    assert torch.equal(out.argmax(-1), last.argmax(-1))
    assert torch.equal(recurrent(mixer, own, study, asked, 1)[0, 0, -4:, 8:], out)


@pytest.mark.parametrize("n", [1, 2, 5, 8])
def test_a_sum_answers_each_of_n_values_equally(n: int) -> None:
    eye = torch.eye(8)
    # Key 0 has the values 0 ... n - 1, and between them comes key 1 with its own.
    pairs = [pair for value in range(n) for pair in ((0, value), (1, 7 - value))]
    study = torch.stack([torch.cat((eye[key], eye[value])) for key, value in pairs])[None, None]
    asked = torch.cat((eye[:1], torch.zeros(1, 8)), -1)[None, None]
    out = MIXERS["linear_attention"].parallel(store("linear_attention"), study, asked, 1, asked_only=True)
    chance = (100 * out[0, 0, 0, 8:]).softmax(0)
    torch.testing.assert_close(chance[:n], torch.full((n,), 1 / n))
    # With decay the same store prefers what came last.
    own = store("decay_attention") | {"decay": torch.tensor([[2.0]])}
    out = MIXERS["decay_attention"].parallel(own, study, asked, 1, asked_only=True)[0, 0, 0, 8:]
    assert (out[:n].diff() > 0).all()


def test_every_name_has_a_mixer_and_settings() -> None:
    assert tuple(ALL_MIXERS) == MIXER_NAMES
    assert tuple(MIXERS) == tuple(NETWORKS)
    assert all(name == settings.mixer for name, settings in NETWORKS.items())


# ---- streams --------------------------------------------------------------------------------------------------------


@given(st.integers(2, 8), st.integers(1, 12), st.integers(0, 10_000))
def test_orders_never_repeat_a_key(keys: int, updates: int, seed: int) -> None:
    order = interleaved(keys, updates, np.random.default_rng(seed).random((3, keys * updates)))
    assert (np.diff(order) != 0).all()
    assert all((np.bincount(row, minlength=keys) == updates).all() for row in order)


@pytest.mark.parametrize("query", ["last", "first"])
def test_streams_ask_for_the_last_or_the_first_value(query: Any) -> None:
    settings = replace(TINY, query=query, batch=5)
    streams = streams_of(settings, 4, [np.random.default_rng(1), np.random.default_rng(2)])
    alone = streams_of(settings, 4, [np.random.default_rng(2)])
    assert np.array_equal(streams.values[1], alone.values[0])
    for member in range(2):
        for k in range(5):
            keys, values = streams.keys[member, k], streams.values[member, k]
            for key in range(3):
                own = values[keys == key]
                assert len(set(own.tolist())) == 4
                assert streams.targets[member, k, key] == own[-1 if query == "last" else 0]


# ---- training -------------------------------------------------------------------------------------------------------


@each_mixer
def test_a_member_is_the_network_it_would_be_alone_and_repeats(name: MixerName) -> None:
    settings = UpdatingSettings(name, keys=3, values=12, width=16, steps=6, batch=8, trained_on=(1, 2))
    together, again, alone = train(settings, (4, 5)), train(settings, (4, 5)), train(settings, (5,))
    assert all(torch.equal(again[part], weight) for part, weight in together.items())
    start = initial_weights(settings, (4, 5))
    for part, weight in together.items():
        assert weight.shape == (2, *shapes(settings)[part])
        assert not torch.equal(weight, start[part])
        # A batched product may add in another order than a single one, and AdamW's first steps are of full size
        # however small a gradient is.
        torch.testing.assert_close(weight[1:], alone[part], rtol=0, atol=2e-4)


def test_a_tiny_network_learns() -> None:
    streams = streams_of(replace(TINY, batch=50), 3, [np.random.default_rng(9)])
    odds = log_odds(tiny(), TINY, streams.keys[0], streams.values[0], streams.asked[0])
    assert odds.shape == (2, 50, 3, 12)
    # Chance is 1/12; the last of three values without telling them apart would be 1/3.
    assert (odds.argmax(-1) == streams.targets[0]).mean() > 0.8


def test_weights_are_kept_with_what_made_them(tmp_path: Path) -> None:
    settings = replace(TINY, steps=2)
    made = train(settings, (1,))
    save_weights(tmp_path / "w.safetensors", made, settings, (1,))
    assert all(torch.equal(made[n], w) for n, w in load_weights(tmp_path / "w.safetensors", settings, (1,)).items())
    with pytest.raises(UserError, match="were made with"):
        load_weights(tmp_path / "w.safetensors", settings, (2,))
    with pytest.raises(UserError, match="delete the file"):
        load_weights(tmp_path / "missing.safetensors", settings, (1,))
    told: list[tuple[float, float]] = []
    first = kept(tmp_path / "new", settings, (1,), report=lambda done, total: told.append((done, total)))
    second = kept(tmp_path / "new", settings, (1,), report=lambda done, total: told.append((done, total)))
    assert told == [(1, 2), (2, 2)]
    assert all(torch.equal(first[part], second[part]) for part in made)


# ---- the subject ----------------------------------------------------------------------------------------------------


def tiny_design(seed: int = 3, **changes: Any) -> Design:
    settings = {"n_keys": 3, "n_updates": (1, 3), "n_lists": 6, "n_participants": 2, "pool": 12, "similarity": 1.0}
    return proactive_interference.design(seed=seed, **(settings | changes))


def test_forecasts_are_over_the_designs_values_and_answers_follow_them() -> None:
    design = tiny_design()
    likely = subject().forecast(design)
    assert likely.shape == (len(design.tests), len(design.items) + 1)
    np.testing.assert_allclose(likely.sum(1), 1.0)
    # Keys and "no answer" are never the answer.
    assert (likely[:, :3] == 0).all()
    assert (likely[:, -1] == 0).all()
    best = run(design, subject(temperature=0.0), seed=1)
    assert right(best) > 0.8
    drawn = [run(design, subject(), seed=seed) for seed in range(40)]
    assert drawn[0].answers.tolist() == run(design, subject(), seed=0).answers.tolist()
    # Both members answer as often here, so that the mean of draws is the forecast: 40 x 72 draws, sd below 0.01.
    assert np.mean([right(each) for each in drawn]) == pytest.approx(
        likely[np.arange(len(likely)), design.tests["target"]].mean(), abs=0.04
    )


def test_each_participant_has_a_member() -> None:
    design = tiny_design(n_participants=3)
    both, *alone = (UpdatingNetwork(TINY, seeds, 0.0, untrained) for seeds in ((1, 2), (1,), (2,)))
    answers, *own = (run(design, each, seed=1).answers for each in (both, *alone))
    who = design.tests["participant"]
    assert (own[0] != own[1]).any()
    assert np.array_equal(answers, np.where(who == "p002", own[1], own[0]))
    np.testing.assert_allclose(both.forecast(design), np.mean([each.forecast(design) for each in alone], axis=0))


def test_values_without_a_token_are_not_offered_and_tokens_without_a_value_not_answered() -> None:
    # Three keys with 12 values each are 36 values for 12 tokens: 9 a stream, and 3 others that are drawn.
    likely = subject(weights=untrained).forecast(tiny_design(similarity=0.0, n_updates=(3,)))
    assert ((likely > 0).sum(1) == 12).all()
    np.testing.assert_allclose(likely.sum(1), 1.0)
    few = tiny_design(pool=4, n_updates=(3,))
    likely = subject(weights=untrained).forecast(few)
    assert ((likely > 0).sum(1) == 4).all()
    np.testing.assert_allclose(likely.sum(1), 1.0)
    assert set(run(few, subject(weights=untrained), seed=2).answers.tolist()) == {3, 4, 5, 6}


def by_hand(rows: list[tuple[str, int, int]]) -> Design:
    """Return a design of one list from (phase, cue, target)."""
    phase, cue, target = zip(*rows, strict=True)
    columns = {"phase": phase, "cue": cue, "target": target, "list": [1] * len(rows)}
    return Design("by_hand", 1, {}, 1, Trials({name: np.asarray(values) for name, values in columns.items()}),
                  np.arange(20))  # fmt: skip


def test_a_test_among_study_rows_sees_those_before_it() -> None:
    first = [("study", 0, 5), ("study", 1, 6)]
    then = [("study", 0, 7), ("study", 1, 8)]
    asked = [("test", 0, 5), ("test", 1, 6)]
    design = by_hand([*first, *asked, *then, *asked, *then, ("test", 1, 8)])
    answers = run(design, subject(temperature=0.0), seed=1).answers
    assert answers.tolist() == [5, 6, 7, 8, 8]
    # What comes later changes nothing: the tokens are the stream's, so the same values need to be in it.
    until = by_hand([*first, *asked, *then])
    np.testing.assert_allclose(
        subject().forecast(until), subject().forecast(by_hand([*first, *asked, *then, *asked]))[:2]
    )


def test_a_subject_survives_a_worker_and_its_address_does_not_name_where_weights_are() -> None:
    given = subject(weights=partial(kept, Path("anywhere")))
    assert pickle.loads(pickle.dumps(given)).settings == TINY
    assert address(given) == address(UpdatingNetwork(TINY, (1, 2)))
    assert address(given) != address(UpdatingNetwork(TINY, (1, 3)))
    assert given.name == "delta_rule"


def test_bad_input_is_a_sentence() -> None:
    bad: dict[str, Any]
    for bad, words in (
        ({"mixer": "delta"}, "delta_rule"), ({"query": "lats"}, "last"), ({"width": 0}, "width of at least 1"),
        ({"width": 30, "heads": 2}, "even number of units"), ({"trained_on": ()}, "from 1 to the 12"),
        ({"trained_on": (13,)}, "from 1 to the 12"), ({"keys": 1}, "two keys or more"), ({"steps": -1}, "steps of 0"),
    ):  # fmt: skip
        with pytest.raises(UserError, match=words):
            replace(TINY, **bad)
    with pytest.raises(UserError, match="one different seed a member"):
        UpdatingNetwork(TINY, (1, 1))
    with pytest.raises(UserError, match="temperature of 0 or more"):
        UpdatingNetwork(TINY, temperature=-1.0)
    with pytest.raises(UserError, match="one different seed"):
        train(TINY, ())
    with pytest.raises(UserError, match="4 different keys, but the network knows 3"):
        subject().forecast(tiny_design(n_keys=4))
    with pytest.raises(UserError, match="15 different values, but the network knows 12"):
        subject().forecast(tiny_design(n_updates=(5,), similarity=0.0))
    with pytest.raises(UserError, match="no study rows before them"):
        subject().forecast(by_hand([("test", 0, 5), ("study", 0, 5), ("study", 1, 6)]))
    with pytest.raises(UserError, match="needs the column"):
        run(forgetting_curve.design(seed=1), subject(), seed=1)
    with pytest.raises(UserError, match="cannot say whether a pair was studied"):
        run(key_value.design(seed=1, n_pairs=2, tests="recognition"), subject(), seed=1)


def test_the_subject_loads_no_torch() -> None:
    code = "import sys, cogmem.subjects.updating_network; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


# ---- acceptance: three seeds, far beyond what was trained -----------------------------------------------------------

LEVELS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
FAR = slice(LEVELS.index(16), None)


@cache
def far() -> Design:
    return proactive_interference.design(
        seed=7, n_updates=LEVELS, n_lists=20, n_participants=3, pool=128, similarity=1.0
    )


def accuracy(settings: UpdatingSettings) -> tuple[Array, float, Array]:
    """Return accuracy by member and level, the same-key share of errors, where (0 to 1) intrusions at 64 are from."""
    design = far()
    found = classify(run(design, UpdatingNetwork(settings, temperature=0.0), seed=1))
    who, updates, kind = design.tests["participant"], design.tests["updates"], found.kind
    cells = [[kind[(who == person) & (updates == n)] == "right" for n in LEVELS] for person in np.unique(who)]
    wrong, old = kind[kind != "right"], found.lag[(kind == "same_key") & (updates == 64)]
    share = float((wrong == "same_key").mean()) if len(wrong) else 1.0
    return np.array([[cell.mean() for cell in row] for row in cells]), share, 1 - old / 63


@cache
def measured(name: str) -> tuple[Array, float, Array]:
    return accuracy(NETWORKS[name])


def logistic_r2(levels: Array, share: Array) -> float:
    """Return R² of the logistic in log n that fits best."""

    def curve(n: Array, slope: float, half: float) -> Array:
        return 1 / (1 + np.exp(slope * (np.log(n) - half)))

    best, _ = curve_fit(curve, levels, share, p0=(1.5, 1.5))
    return float(1 - ((share - curve(levels, *best)) ** 2).sum() / ((share - share.mean()) ** 2).sum())


@pytest.mark.slow
def test_a_sum_loses_the_last_value_among_the_older_ones() -> None:
    by_member, same, _ = measured("linear_attention")
    share = by_member.mean(0)
    # Two hundredths are the noise of 480 answers a level, where next to none is right.
    assert (np.diff(share) < 0.02).all()
    assert (by_member[:, -1] < 0.1).all()
    assert logistic_r2(np.array(LEVELS, dtype=np.float64), share) > 0.95
    assert same > 0.5


@pytest.mark.slow
def test_a_sum_with_decay_drops_to_a_plateau_of_recent_values() -> None:
    by_member, same, where = measured("decay_attention")
    share = by_member.mean(0)
    assert np.ptp(share[FAR]) < 0.05
    assert (by_member[:, FAR] > 0.4).all()
    assert share[0] - share[FAR].mean() > 0.1
    assert same > 0.5
    # Intrusions come from nearer the end (1) than without decay.
    assert where.mean() > measured("linear_attention")[2].mean() + 0.2


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("delta_rule", 0.9), ("lstm", 0.8)])
def test_what_overwrites_is_immune(name: str, least: float) -> None:
    assert (measured(name)[0] > least).all()


@pytest.mark.slow
def test_attention_without_positions_falls_like_a_sum_and_holds_what_it_was_trained_on() -> None:
    by_member, same, _ = measured("softmax_attention")
    assert (by_member[:, : LEVELS.index(3) + 1] > 0.9).all()
    assert (by_member[:, -1] < 0.15).all()
    assert same > 0.5
    rotary, same, _ = measured("rotary_attention")
    assert (rotary[:, : LEVELS.index(4) + 1] > 0.9).all()
    assert rotary.mean(0)[-1] > by_member.mean(0)[-1] + 0.2


@pytest.mark.slow
def test_a_network_trained_on_what_is_tested_shows_no_interference() -> None:
    settings = replace(NETWORKS["rotary_attention"], trained_on=(1, 4, 16))
    by_member, _, _ = accuracy(settings)
    assert (by_member[:, : LEVELS.index(16) + 1] > 0.9).all()
