"""Digits as sparse codes: learned in one pass, one image at a time, and read out by what was counted in that pass."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.images import Images
from cogmem.kernels.sparsey import empty, frames_of, learn, recognise
from cogmem.models.sparsey import one_hot
from cogmem.models.sparsey_hierarchy import Level, windows
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]
Bits = NDArray[np.uint8]

LABELS: Final = 10


@dataclass(frozen=True)
class DigitSettings:
    """Fields on square grids: (fields a side, share of the image's side that each sees, modules, cells) of each.

    Their rule is Rinkus's with a critical period: a cell is frozen with the share `saturation` of weights set.
    """

    grids: tuple[tuple[int, float, int, int], ...] = (
        (1, 1.0, 33, 16), (1, 1.0, 33, 60), (4, 0.375, 8, 8), (5, 0.5, 8, 8),
    )  # fmt: skip
    saturation: float = 0.5


def naive_bayes(codes: Bits, labels: NDArray[np.int64], probes: Bits) -> NDArray[np.int64]:
    """Return the label of each probe by counts of one pass: log P(label) + sum of log P(unit is on or off | label).

    One is added to every count (Laplace). `codes` (n, units), `probes` (m, units) of 0 and 1.
    """
    members = labels[:, None] == np.arange(LABELS)
    n = members.sum(axis=0)
    on = (members.T.astype(np.float64) @ codes + 1.0) / (n[:, None] + 2.0)
    odds = np.log(on) - np.log1p(-on)
    scores = probes @ odds.T + np.log1p(-on).sum(axis=1) + np.log((n + 1.0) / (n.sum() + LABELS))
    return np.asarray(scores.argmax(axis=1))


def nearest(codes: Bits, labels: NDArray[np.int64], probes: Bits) -> NDArray[np.int64]:
    """Return the label of the learned code that shares most of each probe's units, by cosine; the first of equals."""
    size = np.sqrt(codes.sum(axis=1, dtype=np.float64))
    found = [
        (probes[k : k + 1000].astype(np.float32) @ codes.T.astype(np.float32) / np.maximum(size, 1)).argmax(axis=1)
        for k in range(0, len(probes), 1000)
    ]
    return np.asarray(labels[np.concatenate(found)])


def read_out(images: Images, settings: DigitSettings, *, seed: int) -> Trials:
    """Return a row a representation and read-out: accuracy on images that were not learned, seconds an image.

    Representations are pixels, and codes of each grid of fields: images are learned once, in their order, and then
    all of them are recognised by the fields as they are.
    """
    cut = images.learned
    rows = _rows("pixels", images.pixels[:cut], images.pixels[cut:], images, (float("nan"),) * 3)
    for side, share, modules, cells in settings.grids:
        window = tuple(max(1, round(share * length)) for length in images.shape)
        level = Level((side, side), (window[0], window[1]), modules, cells)
        codes, numbers = _coded(images, level, settings.saturation, seed)
        rows += _rows(f"{side * side} of {modules} x {cells}", codes[:cut], codes[cut:], images, numbers)
    return from_rows(rows)


def _coded(images: Images, level: Level, saturation: float, seed: int) -> tuple[Bits, tuple[float, float, float]]:
    """Return the codes of all images, (n, units), seconds an image to learn and to recognise, and the density."""
    seen, cut = windows(level, images.shape), images.learned
    patches = images.pixels[:, seen].transpose(1, 0, 2)
    field, rule = empty(level.modules, level.cells, seen.shape[1], replicas=len(seen)), level.rule
    rule = replace(rule, saturation=saturation)
    shown, probes, few = frames_of(patches[:, :cut]), frames_of(patches), frames_of(patches[:, :2])
    # The first call of a compiled kernel is no measure of it.
    learn(field, few, rule=rule, seed=seed)
    recognise(field, few, rule=rule, seed=seed)
    started = time.perf_counter()
    made, _ = learn(field, shown, rule=rule, seed=seed)
    learned = time.perf_counter()
    winners = recognise(made, probes, rule=rule, seed=seed + 1).winners
    done = time.perf_counter()
    codes = np.concatenate([one_hot(own, level.cells) for own in winners], axis=1)
    return codes, ((learned - started) / cut, (done - learned) / len(images.pixels), made.density)


def _rows(
    name: str, codes: Bits, probes: Bits, images: Images, numbers: tuple[float, float, float]
) -> list[dict[str, Any]]:
    labels, right = images.labels[: images.learned], images.labels[images.learned :]
    found: list[dict[str, Any]] = []
    for how, said in (("naive Bayes", naive_bayes(codes, labels, probes)), ("nearest", nearest(codes, labels, probes))):
        accuracy = float((said == right).mean())
        found.append({"representation": name, "read_out": how, "accuracy": accuracy,
                      "se": float(np.sqrt(accuracy * (1 - accuracy) / len(right))), "n": float(len(right)),
                      "learn_seconds": numbers[0], "recognise_seconds": numbers[1], "density": numbers[2]})  # fmt: skip
    return found
