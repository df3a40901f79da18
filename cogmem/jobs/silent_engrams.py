"""Forgetting as failure of retrieval: what a second task has made inaccessible comes back when it is amplified.

Gershman, Fiete & Irie (2025), their third figure. A layer trained by gradient descent is a memory of pairs, its inputs
as keys and its errors as values (Irie et al., 2022): y = x W0 + sum_n (x . x_n) e_n. What task 1 wrote and what task 2
wrote are kept apart; multiplying the first by beta is the same as multiplying the keys (or values) of all its pairs. It
shows that a memory is there. It is no account of what finds it: somebody has to say which pairs are those of task 1.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.trials import Trials

if TYPE_CHECKING:
    from torch import Tensor

Images = NDArray[np.float32]
Layers = tuple["Tensor", "Tensor"]
"""Weights of the hidden and of the output layer: (pixels, hidden) and (hidden, 4)."""

PIXELS: Final = 784
OUTPUTS: Final = 4


@dataclass(frozen=True)
class EngramSettings:
    """The network of the paper (784-64-4, ReLU, no biases, weights even within 1/sqrt(inputs)), and images if need be.

    Plain gradient descent, mean cross-entropy over four outputs, the images in one order. `amplify_start`: beta
    multiplies the weights of the start as well, as published (they are learned on in task 1, and kept with it).

    Images: each class has a mask of `active` of the pixels, and the two classes of a task share a second one of half
    the weight (`shared`); a pixel of the prototype is the sum of both, scaled to a mean of `intensities[task]`. An
    image is the prototype without `dropout` of its pixels, and noise of sd `noise`, within 0 to 1.
    """

    hidden: int = 64
    rate: float = 6e-4
    batch: int = 128
    epochs: int = 5
    betas: tuple[float, ...] = (1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 1.8, 1.9)
    amplify_start: bool = True
    images: int = 12_000
    tests: int = 2000
    active: float = 0.25
    intensities: tuple[float, float] = (0.15, 0.30)
    shared: float = 0.5
    dropout: float = 0.2
    noise: float = 0.15

    def __post_init__(self) -> None:
        if min(self.hidden, self.batch, self.epochs, self.images, self.tests) < 1 or not self.betas:
            raise UserError(
                "A network needs hidden units, epochs, images, tests and betas, one at least; got "
                f"{self.hidden}, {self.epochs}, {self.images}, {self.tests}, {self.betas}."
            )


@dataclass(frozen=True, eq=False)
class Task:
    """Images (n, 784) from 0 to 1 and the output that is right for each (n,), to learn from and to be tested with."""

    images: Images
    labels: NDArray[np.int64]
    test_images: Images
    test_labels: NDArray[np.int64]


def drawn_tasks(settings: EngramSettings, *, seed: int) -> tuple[Task, Task]:
    """Return two tasks of drawn images; the outputs of the first are 0 and 1, of the second 2 and 3."""
    rng = np.random.default_rng([seed, 74])
    tasks = []
    for number, intensity in enumerate(settings.intensities):
        common, own = rng.random(PIXELS) < settings.active, rng.random((2, PIXELS)) < settings.active
        mean = settings.active * (1 + settings.shared)
        prototypes = (intensity / mean * (own + settings.shared * common)).astype(np.float32)
        parts: list[NDArray[np.float32] | NDArray[np.int64]] = []
        for n in (settings.images, settings.tests):
            classes = rng.integers(0, 2, n)
            images = prototypes[classes] * (rng.random((n, PIXELS), dtype=np.float32) > settings.dropout)
            images += np.float32(settings.noise) * rng.standard_normal((n, PIXELS), dtype=np.float32)
            parts += [np.clip(images, 0, 1, out=images), classes + 2 * number]
        tasks.append(Task(*parts))  # type: ignore[arg-type]
    return tasks[0], tasks[1]


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Return the numbers of an idx file of bytes (LeCun's format), as it is or gzipped."""
    packed = path.with_name(path.name + ".gz")
    if not path.is_file() and not packed.is_file():
        raise UserError(
            f"{path} is missing, and so is {packed.name}; put the idx files of the data set into {path.parent}."
        )
    found = path if path.is_file() else packed
    try:
        content = found.read_bytes() if found == path else gzip.decompress(found.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise UserError(
            f"{found} cannot be unpacked ({error}); it was cut off or is no gzip file. Fetch it again."
        ) from None
    if len(content) < 4 or content[:3] != b"\0\0\x08" or len(content) < 4 + 4 * content[3]:
        raise UserError(f"{found} is no idx file of bytes: it begins with {content[:4]!r}; fetch it again.")
    shape = tuple(int(each) for each in np.frombuffer(content, ">u4", content[3], 4))
    start, needed = 4 + 4 * content[3], int(np.prod(shape))
    if len(content) - start != needed:
        raise UserError(
            f"{found} says that it holds {needed} bytes, {shape}, but {len(content) - start} follow; fetch it again."
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)


def read_task(folder: Path, classes: tuple[int, int], *, first_output: int) -> Task:
    """Return the images of two classes of a data set in idx files, as MNIST and FashionMNIST come.

    The paper's tasks are MNIST's 0 and 1, and the classes 2 and 3 of FashionMNIST (pullover and dress in the published
    notebook), with these numbers as outputs.
    """
    parts: list[NDArray[np.float32] | NDArray[np.int64]] = []
    for kind in ("train", "t10k"):
        images, labels = (read_idx(folder / f"{kind}-{each}-ubyte") for each in ("images-idx3", "labels-idx1"))
        if len(images) != len(labels) or images[0].size != PIXELS:
            raise UserError(
                f"{folder} holds {len(images)} {kind} images of {images[0].size} pixels and {len(labels)} labels; each "
                f"image needs {PIXELS} pixels and one label. Fetch both files again."
            )
        chosen = np.isin(labels, classes)
        if not chosen.any():
            raise UserError(f"{folder} has no {kind} image of the classes {classes}; take two of {np.unique(labels)}.")
        pixels = images[chosen].reshape(-1, PIXELS).astype(np.float32) / np.float32(255)
        parts += [pixels, np.where(labels[chosen] == classes[0], first_output, first_output + 1).astype(np.int64)]
    return Task(*parts)  # type: ignore[arg-type]


def initial(settings: EngramSettings, *, seed: int) -> Layers:
    """Return the weights of the start."""
    import torch

    rng = np.random.default_rng([seed, 75])
    shapes = ((PIXELS, settings.hidden), (settings.hidden, OUTPUTS))
    drawn = [torch.from_numpy(rng.uniform(-1, 1, shape) / np.sqrt(shape[0])).float() for shape in shapes]
    return drawn[0], drawn[1]


def answers(layers: Layers, images: Tensor) -> Tensor:
    """Return the four outputs for each image: (n, 4)."""
    return (images @ layers[0]).relu() @ layers[1]


def learn(layers: Layers, images: Tensor, labels: Tensor, settings: EngramSettings) -> Layers:
    """Return the weights after one epoch, from (n, 784) images and (n,) outputs: keys x times values e, added up."""
    import torch

    hidden, output = (each.clone() for each in layers)
    for x, y in zip(torch.split(images, settings.batch), torch.split(labels, settings.batch), strict=True):
        active = (x @ hidden).relu()
        error = torch.softmax(active @ output, -1)
        error[torch.arange(len(y)), y] -= 1
        error *= -settings.rate / len(y)
        back = (error @ output.mT) * (active > 0)
        output += active.mT @ error
        hidden += x.mT @ back
    return hidden, output


def _accuracy(layers: Layers, images: Tensor, labels: Tensor) -> float:
    return float((answers(layers, images).argmax(-1) == labels).double().mean())


def recovery(
    settings: EngramSettings, *, seeds: Sequence[int] = (1, 2, 3, 4, 5), tasks: tuple[Task, Task] | None = None
) -> dict[str, Trials]:
    """Return "course" (seed, epoch, task_1, task_2: accuracy) and "recovery" (seed, beta, task_1, task_2), all seeds.

    Epoch 0 is before any, the second task begins after `epochs`. A seed draws its own start, and its own images unless
    `tasks` are given. How deep forgetting is depends much on the draw, so that all seeds are to be shown.
    """
    import torch

    from cogmem.subjects.training import torch_threads

    course: list[tuple[float, ...]] = []
    after: list[tuple[float, ...]] = []
    for seed in seeds:
        both = tasks or drawn_tasks(settings, seed=seed)
        shown = [(torch.from_numpy(task.images), torch.from_numpy(task.labels)) for task in both]
        asked = [(torch.from_numpy(task.test_images), torch.from_numpy(task.test_labels)) for task in both]
        with torch_threads(1):
            steps = [initial(settings, seed=seed)]
            for images, labels in shown:
                for _ in range(settings.epochs):
                    steps.append(learn(steps[-1], images, labels, settings))
            course += [(seed, n, *(_accuracy(each, *test) for test in asked)) for n, each in enumerate(steps)]
            kept = (steps[0], steps[settings.epochs], steps[-1])
            after += [
                (seed, beta, *(_accuracy(amplified(*kept, beta, settings), *test) for test in asked))
                for beta in settings.betas
            ]
    return {"course": _table("epoch", course), "recovery": _table("beta", after)}


def _table(x: str, rows: Sequence[tuple[float, ...]]) -> Trials:
    return Trials({name: np.array([row[k] for row in rows]) for k, name in enumerate(("seed", x, "task_1", "task_2"))})


def amplified(start: Layers, first: Layers, last: Layers, beta: float, settings: EngramSettings) -> Layers:
    """Return the weights with beta times what task 1 wrote, from those of the start, after task 1 and after task 2."""
    made = [
        (one if settings.amplify_start else one - zero) * (beta - 1) + two
        for zero, one, two in zip(start, first, last, strict=True)
    ]
    return made[0], made[1]
