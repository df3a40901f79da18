"""Keys and values that are learned: slopes against autograd, the published run, what keys and values come to be."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cogmem.errors import UserError
from cogmem.jobs import optimised_keys
from cogmem.jobs.optimised_keys import FEATURES, STUDY, THREE, KeySettings, geometry, gradients, optimise, study
from cogmem.trials import Trials

SEEDS = (1, 2, 3, 4, 5, 6, 7)


@pytest.fixture(scope="module")
def two() -> dict[str, Trials]:
    return optimise(KeySettings(), seeds=SEEDS)


def of(table: Trials, name: str, stage: str = "end") -> np.ndarray:
    return table[name][table["stage"] == stage]


def test_settings_that_cannot_be_learned() -> None:
    with pytest.raises(UserError, match="storage is one of"):
        KeySettings(storage="tied")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="2 or 3 classes"):
        KeySettings(classes=4)
    with pytest.raises(UserError, match="two pairs of each"):
        KeySettings(pairs=3)


def test_slopes_are_those_of_autograd_with_stored_keys_held() -> None:
    rng = np.random.default_rng(1)
    k, v = (torch.from_numpy(rng.standard_normal((2, 7, 2))).requires_grad_() for _ in range(2))
    target = torch.from_numpy(FEATURES[rng.integers(0, 3, (2, 7))])
    attention = torch.softmax(k @ k.detach().mT / 2**0.5, -1)
    loss = ((attention @ v - target) ** 2).mean((-2, -1))
    by_key, by_value = torch.autograd.grad(loss.sum(), [k, v])
    found = gradients(*(each.detach().mT for each in (k, v, target)))
    for got, meant in zip(found, (loss.detach(), by_key.mT, by_value.mT), strict=True):
        assert torch.allclose(got, meant, atol=1e-12, rtol=0)


@pytest.mark.parametrize("storage", ["separate", "values", "shared"])
def test_what_is_learned_follows_both_slopes_through_the_sigmoid(storage: str) -> None:
    settings = KeySettings(storage=storage)  # type: ignore[arg-type]
    rng = np.random.default_rng(2)
    x = torch.from_numpy(rng.standard_normal((1, 4 if storage == "separate" else 2, 6))).requires_grad_()
    target = torch.from_numpy(FEATURES[rng.integers(0, 2, (1, 6))]).mT
    values = x[:, :2].sigmoid()
    keys = {"separate": x[:, 2:], "values": values, "shared": x}[storage]
    read = values @ torch.softmax(keys.mT @ keys.detach() / 2**0.5, -1).mT
    (meant,) = torch.autograd.grad(((read - target) ** 2).mean(), [x])
    assert torch.allclose(optimised_keys._slope(x.detach(), target, settings)[1], meant, atol=1e-12, rtol=0)


@pytest.mark.parametrize(("zeroed", "end"), [(False, 0.0227), (True, 0.0456)])
def test_the_published_run_comes_out(zeroed: bool, end: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """The notebook's seed 42, repeated by the authors of the notes: losses to four digits, centroids to two."""

    def published(settings: KeySettings, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        dice = torch.Generator().manual_seed(seed)
        shape = (settings.pairs, 2)
        keys = torch.randn(shape, generator=dice).uniform_(0, 1, generator=dice)
        values = torch.rand(shape, generator=dice)
        classes = torch.randint(0, settings.classes, shape[:1], generator=dice)
        return keys.double().numpy(), values.double().numpy(), classes.numpy()

    monkeypatch.setattr(optimised_keys, "start", published)
    found = optimise(KeySettings(zero_gradients=zeroed), seeds=(42,))
    assert found["loss"]["loss"][0] == pytest.approx(0.264, abs=5e-4)
    assert found["loss"]["loss"][-1] == pytest.approx(end, abs=1e-4)
    pairs = found["pairs"].where(found["pairs"]["stage"] == "end")
    means = [
        [pairs[name][pairs["class"] == c].mean() for name in ("key_0", "key_1", "value_0", "value_1")] for c in (0, 1)
    ]
    wanted = {
        False: [[-1.96, -1.52, 0.85, 0.16], [2.75, 2.76, 0.16, 0.82]],
        True: [[-1.21, -1.07, 0.83, 0.25], [1.78, 1.83, 0.25, 0.82]],
    }
    # Sums of float32 in another order than torch's own graph and optimiser: a hundredth after 5000 steps.
    assert np.array(means) == pytest.approx(np.array(wanted[zeroed]), abs=0.011)
    assert of(found["geometry"], "key_cosine")[0] < -0.9


def test_keys_are_told_apart_and_values_are_what_is_recalled(two: dict[str, Trials]) -> None:
    """The notes ask for a cosine below -.9 and values within .3, of one seed. Seeds differ, so medians are asked for.

    Attention does not feel a shift of all stored keys, so that how far round keys go depends on the draw: of 20 seeds
    14 end at -.9 or below, and all but one are reversed. What does not depend on it is that keys come to be told apart.
    """
    found = two["geometry"]
    assert np.median(of(found, "key_cosine")) < -0.9
    assert (of(found, "key_cosine", "start") > 0.95).all()
    assert (of(found, "key_cosine") < 0.0).all()
    assert (of(found, "own_attention") > 0.99).all()
    assert (of(found, "discriminability") > 1.0).all()
    assert (of(found, "discriminability", "start") < 0.05).all()
    assert (of(found, "value_distance") < 0.3).all()
    assert (of(found, "fidelity") > of(found, "fidelity", "start") + 0.25).all()
    # Values have no reason to be reversed: they are as far apart as the features, whose cosine is 0, and no farther.
    assert (of(found, "value_cosine") > 0.2).all()
    assert (of(found, "loss") < 0.04).all()


def test_one_vector_for_both_is_worse(two: dict[str, Trials]) -> None:
    """Keys that are the stored values cannot be told apart: features of classes 0 and 1 have a cosine of 0 at least.

    One vector that is squashed for the value only is no such limit: with two classes it does as well, which is said.
    """
    tied = optimise(KeySettings(storage="values"), seeds=SEEDS[:3])["geometry"]
    assert (of(tied, "loss") > 5 * of(two["geometry"], "loss").max()).all()
    assert (of(tied, "discriminability") < 0.1).all()
    assert (of(tied, "value_distance") > 0.6).all()
    assert of(tied, "procrustes") == pytest.approx(np.zeros(3), abs=1e-6)
    shared = optimise(KeySettings(storage="shared"), seeds=SEEDS[:3])["geometry"]
    assert (of(shared, "key_cosine") < -0.9).all()
    assert (of(shared, "loss") < 0.05).all()


def test_geometry_by_hand() -> None:
    keys = np.array([[2.0, 0.0], [2.0, 0.0], [-1.0, 0.0], [-3.0, 0.0]])
    values = np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 0.5]])
    found = geometry(keys, values, np.array([0, 0, 1, 1]))
    assert found["key_cosine"] == -1.0
    assert found["value_cosine"] == 0.0
    assert found["value_distance"] == pytest.approx(0.25)
    assert found["discriminability"] == pytest.approx(2.0)
    assert found["fidelity"] == pytest.approx(1 - 0.125 / 2**0.5)
    # Turned by 90 degrees and twice as long, the layout is the same.
    same = geometry(2 * values @ np.array([[0.0, 1.0], [-1.0, 0.0]]), values, np.array([0, 0, 1, 1]))
    assert same["procrustes"] == pytest.approx(0.0, abs=1e-12)
    assert found["procrustes"] > 0.01
    # All keys alike: every query attends to all pairs, half of them of its own class.
    flat = geometry(np.ones((4, 2)) + 1e-9 * keys, values, np.array([0, 0, 1, 1]))
    assert flat["own_attention"] == pytest.approx(0.5)
    read, features = values.mean(0), FEATURES[[0, 0, 1, 1]]
    assert flat["loss"] == pytest.approx(((read - features) ** 2).mean())


def test_seeds_learn_apart_and_repeat() -> None:
    settings = KeySettings(pairs=20, steps=30, every=10)
    both, alone, again = (
        optimise(settings, seeds=(1, 2)),
        optimise(settings, seeds=(2,)),
        optimise(settings, seeds=(1, 2)),
    )
    assert both["loss"]["step"].tolist() == [0, 10, 20, 29] * 2
    for name in both:
        for column in both[name]:
            assert np.array_equal(both[name][column], again[name][column]), (name, column)
    second = both["pairs"].where(both["pairs"]["seed"] == 2)
    assert np.allclose(second["key_0"], alone["pairs"]["key_0"], atol=1e-6)
    few = study({"one": settings, "two": KeySettings(3, 20, 30)}, seeds=(1,))
    assert set(few) == {"loss", "pairs", "geometry"}
    assert few["geometry"]["variant"].tolist() == ["one", "one", "two", "two"]
    assert next(iter(STUDY)) == "2 classes, as published"


@pytest.mark.slow
def test_three_classes() -> None:
    """The notes have losses of .0009 (as published) and .0056 (zeroed), centroids within .1 and .15 of the features."""
    published = optimise(THREE, seeds=(1, 2, 3))["geometry"]
    assert np.median(of(published, "loss")) < 0.005
    assert (of(published, "value_distance") < 0.3).all()
    assert np.median(of(published, "key_cosine")) < -0.9
    zeroed = optimise(KeySettings(3, 300, 10_000, zero_gradients=True), seeds=(1, 2, 3))["geometry"]
    assert (of(zeroed, "loss") < 0.01).all()
    assert (of(zeroed, "own_attention") > 0.98).all()
