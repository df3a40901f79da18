"""Forgetting as failure of retrieval: traces that are amplified or sampled, and two lists with the same cues."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from cogmem.errors import UserError
from cogmem.jobs import access_precision, silent_engrams
from cogmem.jobs.access_precision import AccessSettings, TwoListSettings, errors, mixture, two_lists
from cogmem.jobs.silent_engrams import EngramSettings, Task, amplified, answers, drawn_tasks, initial, learn, recovery
from cogmem.subjects import regressions
from cogmem.trials import Trials

# ---- amplification --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def engrams() -> dict[str, Trials]:
    return recovery(EngramSettings(), seeds=(1, 3, 5))


def by_seed(table: Trials, name: str) -> np.ndarray:
    """Return a column by seed: (seeds, epochs or betas)."""
    return table[name].reshape(len(np.unique(table["seed"])), -1)


def test_settings_that_no_network_can_take() -> None:
    with pytest.raises(UserError, match="one at least"):
        EngramSettings(epochs=0)


def test_an_epoch_is_that_of_autograd() -> None:
    settings = EngramSettings(hidden=5, batch=4, rate=0.1)
    rng = np.random.default_rng(1)
    images, labels = torch.from_numpy(rng.random((10, 784))).float(), torch.from_numpy(rng.integers(0, 4, 10))
    start = initial(settings, seed=1)
    assert float(start[0].abs().max()) <= 784**-0.5
    assert float(start[1].abs().max()) == pytest.approx(5**-0.5, rel=0.2)
    meant = [each.clone().requires_grad_() for each in start]
    optimiser = torch.optim.SGD(meant, lr=0.1)
    for x, y in zip(images.split(4), labels.split(4), strict=True):  # type: ignore[no-untyped-call]
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy((x @ meant[0]).relu() @ meant[1], y).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    for found, each in zip(learn(start, images, labels, settings), meant, strict=True):
        assert torch.allclose(found, each, atol=1e-6, rtol=0)
        assert not torch.allclose(found, start[0] if found.shape[0] == 784 else start[1], atol=1e-3, rtol=0)


def test_amplified_weights_are_amplified_memories() -> None:
    """Irie et al. (2022): y = x W0 + sum of beta (x . x_n) e_n over task 1 and (x . x_n) e_n over task 2."""
    settings = EngramSettings(hidden=5, batch=4, rate=0.1, amplify_start=False)
    rng = np.random.default_rng(2)
    steps, keys, values = [initial(settings, seed=1)], [], []
    for _ in range(6):
        x, y = torch.from_numpy(rng.random((4, 784))).float(), torch.from_numpy(rng.integers(0, 4, 4))
        inputs = (x @ steps[-1][0]).requires_grad_()
        (error,) = torch.autograd.grad(torch.nn.functional.cross_entropy(inputs.relu() @ steps[-1][1], y), [inputs])
        keys.append(x)
        values.append(-settings.rate * error)
        steps.append(learn(steps[-1], x, y, settings))
    query = torch.from_numpy(rng.random((3, 784))).float()
    beta = torch.tensor([1.7] * 12 + [1.0] * 12)
    read = query @ steps[0][0] + (query @ torch.cat(keys).mT * beta) @ torch.cat(values)
    found = amplified(steps[0], steps[3], steps[6], 1.7, settings)
    assert torch.allclose(query @ found[0], read, atol=1e-5, rtol=0)
    # As published, the weights of the start are amplified with task 1; either way 1 changes nothing.
    whole = amplified(steps[0], steps[3], steps[6], 1.7, replace(settings, amplify_start=True))
    assert torch.allclose(whole[0], 1.7 * steps[3][0] + (steps[6][0] - steps[3][0]), atol=1e-6, rtol=0)
    assert torch.equal(amplified(steps[0], steps[3], steps[6], 1.0, settings)[0], steps[6][0])
    assert answers(found, query).shape == (3, 4)


def test_what_images_look_like() -> None:
    settings = EngramSettings(images=2000, tests=10, noise=0.0, dropout=0.0)
    first, second = drawn_tasks(settings, seed=1)
    assert np.unique(first.labels).tolist() == [0, 1]
    assert np.unique(second.labels).tolist() == [2, 3]
    # 784 pixels, a quarter of them active: means are known to a twentieth. 1.2 is cut to 1 in task 2.
    assert first.images.mean() == pytest.approx(0.15, rel=0.1)
    assert second.images.mean() == pytest.approx(0.29, rel=0.1)
    assert second.images.max() == 1.0
    assert np.unique(first.images.round(4)).tolist() == pytest.approx([0.0, 0.2, 0.4, 0.6])
    dropped = drawn_tasks(replace(settings, dropout=0.2), seed=1)[0]
    shown = first.images[first.labels == 0][0] > 0
    assert (dropped.images[dropped.labels == 0][:, shown] == 0).mean() == pytest.approx(0.2, abs=0.01)


def test_what_was_forgotten_comes_back(engrams: dict[str, Trials]) -> None:
    """As published, accuracy of task 1 is 1 after it, low after task 2, and rises with beta up to 1.

    How fast differs by seed as the depth of forgetting does: .95 is reached by 1.3 to 1.6. Amplifying the start as well
    costs half a percent at the largest beta.
    """
    settings, course, after = EngramSettings(), engrams["course"], engrams["recovery"]
    first, second = by_seed(course, "task_1"), by_seed(course, "task_2")
    assert (first[:, settings.epochs] > 0.9).all()
    assert (first[:, -1] < 0.5).all()
    assert (second[:, -1] > 0.95).all()
    assert (second[:, settings.epochs] < 0.05).all()
    recovered = by_seed(after, "task_1")
    assert recovered[:, 0] == pytest.approx(first[:, -1])
    assert (np.diff(recovered, axis=1) >= -0.01).all()
    assert (recovered[:, list(settings.betas).index(1.6)] > 0.95).all()
    assert (by_seed(after, "task_2") > 0.95).all()


def test_brighter_images_are_forgotten_less_and_back_by_a_third() -> None:
    """The notes ask for .95 by a beta of 1.3, of one draw: means of .2 and .4 in place of .15 and .3 are like that."""
    settings = EngramSettings(intensities=(0.2, 0.4), betas=(1.0, 1.1, 1.2, 1.3))
    recovered = by_seed(recovery(settings, seeds=(1, 3))["recovery"], "task_1")
    assert (recovered[:, 0] < 0.9).all()
    assert (recovered[:, 3] > 0.95).all()


def test_a_seed_repeats_and_given_tasks_are_taken() -> None:
    settings = EngramSettings(images=256, tests=64, epochs=1, betas=(1.0, 1.5))
    one, two = recovery(settings, seeds=(1,)), recovery(settings, seeds=(1,))
    for name in one:
        for column in one[name]:
            assert np.array_equal(one[name][column], two[name][column])
    swapped = drawn_tasks(settings, seed=1)[::-1]
    given = recovery(settings, seeds=(1,), tasks=(swapped[0], swapped[1]))
    assert given["course"]["epoch"].tolist() == [0, 1, 2]
    assert given["course"]["task_1"][0] == one["course"]["task_2"][0]


# ---- files ----------------------------------------------------------------------------------------------------------


def idx(content: np.ndarray) -> bytes:
    return (
        bytes([0, 0, 8, content.ndim]) + np.array(content.shape, ">u4").tobytes() + content.astype(np.uint8).tobytes()
    )


def write_folder(folder: Path, *, packed: bool, labels: tuple[int, ...] = (0, 1, 5, 1)) -> Path:
    folder.mkdir()
    for kind in ("train", "t10k"):
        images = np.arange(4 * 784).reshape(4, 28, 28) % 256
        for name, content in (("images-idx3", images), ("labels-idx1", np.array(labels))):
            file = folder / f"{kind}-{name}-ubyte{'.gz' if packed else ''}"
            file.write_bytes(gzip.compress(idx(content)) if packed else idx(content))
    return folder


@pytest.mark.parametrize("packed", [False, True])
def test_images_of_two_classes_are_read(tmp_path: Path, packed: bool) -> None:
    task = silent_engrams.read_task(write_folder(tmp_path / "digits", packed=packed), (0, 1), first_output=2)
    assert isinstance(task, Task)
    assert task.labels.tolist() == [2, 3, 3]
    assert task.test_images.shape == (3, 784)
    assert task.images.dtype == np.float32
    assert task.images[0, :3] == pytest.approx([0, 1 / 255, 2 / 255])
    # The third image is of another class.
    assert task.images[2, 0] == pytest.approx((3 * 784) % 256 / 255)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"train-images-idx3-ubyte is missing.*put the idx files"):
        silent_engrams.read_task(tmp_path, (0, 1), first_output=0)
    folder = write_folder(tmp_path / "digits", packed=False)
    with pytest.raises(UserError, match=r"no train image of the classes \(7, 8\)"):
        silent_engrams.read_task(folder, (7, 8), first_output=0)
    file = folder / "train-images-idx3-ubyte"
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    with pytest.raises(UserError, match=r"holds 3136 bytes.*but 3036 follow"):
        silent_engrams.read_task(folder, (0, 1), first_output=0)
    file.write_bytes(b"<html>")
    with pytest.raises(UserError, match="no idx file"):
        silent_engrams.read_task(folder, (0, 1), first_output=0)
    file.write_bytes(whole[:4] + (3).to_bytes(4, "big") + whole[8 : 16 + 3 * 784])
    with pytest.raises(UserError, match="3 train images of 784 pixels and 4 labels"):
        silent_engrams.read_task(folder, (0, 1), first_output=0)
    packed = write_folder(tmp_path / "packed", packed=True) / "t10k-labels-idx1-ubyte.gz"
    packed.write_bytes(packed.read_bytes()[:-9])
    with pytest.raises(UserError, match=r"labels-idx1-ubyte.gz cannot be unpacked"):
        silent_engrams.read_task(packed.parent, (0, 1), first_output=0)


# ---- access and precision -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def access() -> Trials:
    return access_precision.access(AccessSettings(), seed=1)


def test_a_mixture_is_recovered() -> None:
    rng = np.random.default_rng(1)
    truth = ((0.9, 30.0), (0.35, 30.0), (0.6, 8.0))
    n = 20_000
    found = [(rng.random(n) < p, rng.vonmises(0, kappa, n), rng.uniform(-np.pi, np.pi, n)) for p, kappa in truth]
    drawn = np.stack([np.where(*each) for each in found])
    p, kappa = mixture(drawn)
    # Of 20000 answers: three standard errors.
    assert p == pytest.approx([each[0] for each in truth], abs=0.012)
    assert kappa == pytest.approx([each[1] for each in truth], rel=0.06)


def test_sampling_loses_access_and_averaging_loses_precision(access: Trials) -> None:
    """Of the notes (one seed, 4000 answers): P(access), kappa by noise 0, .5, 1, 2, 3; ours are 8000.

    Kappa within 15 % (at a noise of 3 a third of the answers is left to tell it from), P within .05; soft averages at a
    noise of 3 within .06, and no P for sums, whose kappa below 3 leaves hardly anything to tell the parts by.
    """
    at = {name: access.where(access["read_out"] == name) for name in access_precision.READ_OUTS}
    sampled, soft, linear = at["sampled"], at["soft"], at["linear"]
    assert sampled["kappa"] == pytest.approx(np.full(5, 30.0), rel=0.15)
    assert sampled["p_access"] == pytest.approx([1.0, 1.0, 0.97, 0.61, 0.33], abs=0.05)
    assert np.ptp(sampled["p_access"]) > 0.5
    assert soft["kappa"][-1] < 0.5 * soft["kappa"][0]
    assert soft["kappa"] == pytest.approx([30, 30, 31, 16, 8], rel=0.2)
    assert soft["p_access"] == pytest.approx([1, 1, 1, 0.91, 0.64], abs=0.06)
    assert linear["kappa"][0] == pytest.approx(3.3, rel=0.1)
    assert (linear["kappa"] < 4).all()
    assert (np.diff(linear["kappa"]) < 0).all()
    # The same answers to the same seed; standard errors are those of blocks.
    settings = AccessSettings(lists=2, blocks=2)
    assert np.array_equal(*(errors(settings, "soft", 1.0, seed=3) for _ in range(2)))
    assert 0 < sampled["p_access_se"][3] < 0.02


def test_read_outs_that_do_not_exist() -> None:
    with pytest.raises(UserError, match="no read-out 'hard'"):
        AccessSettings(read_outs=("hard",))
    with pytest.raises(UserError, match="2 blocks"):
        AccessSettings(blocks=1)


# ---- two lists ------------------------------------------------------------------------------------------------------


def shares(table: Trials, rule: str, cosine: float, name: str) -> np.ndarray:
    return table[name][(table["rule"] == rule) & (table["context_cosine"] == cosine)]


def test_two_lists_that_cannot_be_learned() -> None:
    with pytest.raises(UserError, match="linear"):
        TwoListSettings(rules=("softmax",))  # type: ignore[arg-type]
    with pytest.raises(UserError, match="cosines from 0 to 1"):
        TwoListSettings(context_cosines=(-0.5,))


def test_a_sum_keeps_both_lists_and_correction_takes_the_first_away() -> None:
    """Of the notes, P(B) and P(C) after 0, 1, 5, 10 and 20 A-C trials: within .06, four errors of 200 lists of 8."""
    found = two_lists(TwoListSettings(), seed=1)
    meant = {
        ("linear", 0.9): ((0.86, 0.86, 0.81, 0.46, 0.02), (0.00, 0.00, 0.02, 0.45, 0.83)),
        ("linear", 0.5): ((0.84, 0.85, 0.83, 0.67, 0.10), (0.00, 0.00, 0.11, 0.67, 0.86)),
        ("linear", 0.0): ((0.86, 0.86, 0.83, 0.82, 0.46), (0.00, 0.01, 0.41, 0.82, 0.89)),
        ("delta", 0.9): ((0.87, 0.63, 0.14, 0.03, 0.01), (0.02, 0.10, 0.62, 0.87, 0.94)),
        ("delta", 0.5): ((0.86, 0.70, 0.21, 0.05, 0.02), (0.01, 0.10, 0.62, 0.87, 0.92)),
        ("delta", 0.0): ((0.88, 0.76, 0.28, 0.07, 0.03), (0.01, 0.10, 0.63, 0.87, 0.93)),
    }
    for (rule, cosine), (b, c) in meant.items():
        assert shares(found, rule, cosine, "p_b") == pytest.approx(b, abs=0.06), (rule, cosine)
        assert shares(found, rule, cosine, "p_c") == pytest.approx(c, abs=0.06), (rule, cosine)
        assert (shares(found, rule, cosine, "p_b_se") < 0.02).all()
    assert 0.3 <= shares(found, "linear", 0.0, "p_b")[-1] <= 0.65
    assert max(shares(found, "delta", cosine, "p_b")[-1] for cosine in (0.0, 0.5, 0.9)) <= 0.15


def test_conjunctions_of_cue_and_context_protect_the_first_list() -> None:
    settings = TwoListSettings(rules=("delta",), context_cosines=(0.0, 0.9), keys="product", repetitions=50)
    found = two_lists(settings, seed=1)
    assert shares(found, "delta", 0.0, "p_b")[-1] > 0.75
    assert shares(found, "delta", 0.9, "p_b")[-1] < 0.15


def test_a_list_is_learned_as_its_trials_say() -> None:
    """Without noise, one pair: the sum is asked by strengths 3 and 6 of keys whose cosine is .5, so B ties with C."""
    settings = TwoListSettings(context_cosines=(0.0,), pairs=1, dimension=4000, second_trials=(0, 3, 20), noise=0.0,
                               repetitions=2)  # fmt: skip
    found = two_lists(settings, seed=1)
    # With 3 A-C trials of 10 A-B, the context of A-C says C .9 and B 1.5.
    assert shares(found, "linear", 0.0, "p_b").tolist()[:2] == [1.0, 1.0]
    assert shares(found, "linear", 0.0, "p_c").tolist() == [0.0, 0.0, 1.0]
    # The delta rule has unlearned half of B by then: what was .5 of it is .5 (1 - .3)^3 = .17, against .66 of C.
    assert shares(found, "delta", 0.0, "p_c").tolist() == [0.0, 1.0, 1.0]
    assert {rule.name for rule in regressions.RULES} > {"linear", "delta"}
