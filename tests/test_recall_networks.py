"""Networks that learn to recall pairs: their streams, a killed training, an early end, sizes, and what they hold."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cogmem.core import measure, run
from cogmem.errors import UserError
from cogmem.jobs import recall_networks
from cogmem.paradigms import key_value
from cogmem.subjects import updating_training
from cogmem.subjects.updating_network import UpdatingNetwork, UpdatingSettings
from cogmem.subjects.updating_streams import pairs_of
from cogmem.subjects.updating_training import initial_weights, kept, load_weights, log_odds, state_size, train

SMALL = UpdatingSettings(
    "delta_rule", keys=32, values=32, width=16, layers=1, heads=1, steps=45, batch=8, rate=2e-2, pairs=(4, 6)
)


def test_a_stream_has_each_key_once_and_asks_for_all() -> None:
    streams = pairs_of(replace(SMALL, batch=50), 6, [np.random.default_rng(1), np.random.default_rng(2)])
    assert streams.keys.shape == streams.asked.shape == (2, 50, 6)
    for which in (streams.keys, streams.values):
        assert (np.diff(np.sort(which, axis=-1), axis=-1) > 0).all()
        # Every token comes about as often at every place: 600 of 32, four standard errors are 17.
        assert np.abs(np.bincount(which[..., 0].ravel(), minlength=32) - 100 / 32).max() < 4 * np.sqrt(100 / 32) + 1
    places = (streams.keys[..., None, :] == streams.asked[..., :, None]).argmax(axis=-1)
    assert np.array_equal(np.take_along_axis(streams.values, places, -1), streams.targets)
    assert np.array_equal(np.sort(places, axis=-1), np.broadcast_to(np.arange(6), places.shape))
    alone = pairs_of(replace(SMALL, batch=50), 6, [np.random.default_rng(2)])
    assert np.array_equal(alone.keys[0], streams.keys[1])


def test_all_keys_there_are_may_be_asked_for() -> None:
    streams = pairs_of(replace(SMALL, keys=6, pairs=(6,)), 6, [np.random.default_rng(1)])
    assert np.array_equal(np.sort(streams.keys[0], axis=-1), np.broadcast_to(np.arange(6), (8, 6)))


def same(one: Any, two: Any) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_a_killed_training_goes_on_to_the_same_bits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating_training, "CHECK", 10)
    whole = train(SMALL, (1, 2))

    def killed(done: int, total: int) -> None:
        if done == 27:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept(tmp_path, SMALL, (1, 2), report=killed)
    assert [path.suffix for path in tmp_path.iterdir()] == [".checkpoint"]
    steps: list[int] = []
    found = kept(tmp_path, SMALL, (1, 2), report=lambda done, total: steps.append(done))
    assert steps == list(range(21, 46))  # 20 steps had been kept
    assert same(found, whole)
    assert [path.suffix for path in tmp_path.iterdir()] == [".safetensors"]


def test_streams_of_updates_go_on_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(updating_training, "CHECK", 4)
    settings = UpdatingSettings("gru", keys=3, values=12, width=16, layers=1, heads=1, steps=10, batch=4)
    whole = train(settings, (3,))

    def killed(done: int, total: int) -> None:
        if done == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(settings, (3,), checkpoint=tmp_path / "x.checkpoint", report=killed)
    assert same(train(settings, (3,), checkpoint=tmp_path / "x.checkpoint"), whole)


def test_files_of_another_model_or_cut_off_are_a_sentence_and_stay(tmp_path: Path) -> None:
    path = tmp_path / "w.checkpoint"
    updating_training.save_weights(path, train(replace(SMALL, steps=1), (1,)), replace(SMALL, steps=1), (1,))
    before = path.read_bytes()
    with pytest.raises(UserError, match="were made with"):
        train(SMALL, (1,), checkpoint=path)
    with pytest.raises(UserError, match="were made with"):
        load_weights(path, SMALL, (1,))
    assert path.read_bytes() == before
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(UserError, match=r"cannot be read .* delete the file and train again"):
        train(SMALL, (1,), checkpoint=path)
    assert path.read_bytes() == before[: len(before) // 2]


def test_training_ends_where_it_has_done_enough() -> None:
    steps: list[int] = []
    train(replace(SMALL, enough=1e9), (1, 2), report=lambda done, total: steps.append(done))
    assert steps[-1] == updating_training.RECENT
    # The same bits as a run of so many steps has; the learning rate follows the whole.
    steps.clear()
    train(SMALL, (1,), report=lambda done, total: steps.append(done))
    assert steps[-1] == SMALL.steps


def test_a_memory_starts_as_a_store() -> None:
    # Untrained, two pairs of 32 at 32 units: chance is 1 in 32. A recurrent network starts with nothing.
    shares = {}
    stores = ("linear_attention", "delta_rule", "softmax_attention", "mixture_of_memories", "fast_weights")
    for mixer in (*stores, "gru"):
        settings = replace(SMALL, mixer=mixer, pairs=(2,), batch=64, width=32)
        drawn = pairs_of(settings, 2, [np.random.default_rng(1)])
        odds = log_odds(initial_weights(settings, (1, 2)), settings, drawn.keys[0], drawn.values[0], drawn.asked[0])
        shares[mixer] = float((odds.argmax(axis=-1) == drawn.targets[0]).mean())
    assert min(shares[store] for store in stores) > 0.2
    assert shares["gru"] < 0.15


def test_sizes_of_states_by_hand() -> None:
    sizes = {mixer: state_size(replace(SMALL, mixer=mixer, width=16), 5) for mixer in (
        "linear_attention", "delta_rule", "softmax_attention", "lstm", "gru", "titans", "mesa")}  # fmt: skip
    assert sizes == {
        "linear_attention": 256, "delta_rule": 256, "softmax_attention": 2 * 5 * 16, "lstm": 32, "gru": 16,
        "titans": 512, "mesa": 512,
    }  # fmt: skip


def test_more_pairs_than_keys_are_refused() -> None:
    with pytest.raises(UserError, match="pairs are from 1 to the 32 keys"):
        replace(SMALL, pairs=(4, 33))


def test_every_trained_memory_has_a_rate_of_its_own() -> None:
    assert len(recall_networks.RATES) >= 8
    for mixer in recall_networks.RATES:
        assert recall_networks.settings(mixer, 8, 32).values >= 8 * 32


@pytest.mark.slow
def test_softmax_holds_what_a_small_matrix_does_not(tmp_path: Path) -> None:
    # Thirty-two pairs at 32 units: softmax attention keeps all of them, a matrix of 32 x 32 most of them not.
    found = {}
    for mixer in ("softmax_attention", "linear_attention", "delta_rule", "lstm"):
        own = recall_networks.settings(mixer, 32, 32)
        found[mixer] = recall_networks.accuracy(own, kept(tmp_path, own, (1, 2, 3)), seed=1)
    assert found["softmax_attention"].min() > 0.9
    assert found["linear_attention"].max() < found["softmax_attention"].min() - 0.25
    assert found["delta_rule"].max() < found["softmax_attention"].min() - 0.25
    assert found["lstm"].max() < 0.1


@pytest.mark.slow
def test_a_trained_memory_takes_the_paradigm(tmp_path: Path) -> None:
    settings = replace(SMALL, mixer="softmax_attention", steps=300, pairs=(4, 8), batch=16)

    def weights(own: UpdatingSettings, seeds: tuple[int, ...]) -> Any:
        return kept(tmp_path, own, seeds)

    subject = UpdatingNetwork(settings, (1, 2), weights=weights)
    record = run(key_value.design(seed=1, n_pairs=(4, 8), n_lists=10, pool=16), subject, seed=2)
    assert measure(key_value.measure("accuracy"), record).rows["y"].min() > 0.9
