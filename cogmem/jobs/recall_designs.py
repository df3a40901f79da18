"""The same lists of pairs for everybody: accuracy by load, likeness and noise, what a whole cue brings back, fan."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Forecaster, Source, measure, run
from cogmem.paradigms import key_value
from cogmem.subjects.choices import recognitions
from cogmem.trials import Trials

Array = NDArray[np.float64]

LOADS: Final = (4, 8, 16, 32, 64)
SIMILARITIES: Final = (0.0, 0.3, 0.6, 0.9)
NOISES: Final = (0.0, 0.5, 1.0, 2.0, 3.0)
FANS: Final = (1, 2, 3)
LISTS: Final = 12


def loads(*, seed: int) -> Design:
    """Return lists of 4 to 64 pairs of unrelated keys."""
    return key_value.design(seed=seed, n_pairs=LOADS, n_lists=LISTS, pool=64)


def alike(similarity: float, *, seed: int) -> Design:
    """Return lists of 16 pairs whose keys have that mean cosine."""
    return key_value.design(seed=seed, n_pairs=16, n_lists=LISTS, key_similarity=similarity)


def noisy(*, seed: int) -> Design:
    """Return lists of 16 pairs; each is asked for by a noisy cue, recognised, and asked for by the whole key."""
    return key_value.design(
        seed=seed, n_pairs=20, n_lists=LISTS, cue_noise=NOISES, tests=("recall", "recognition", "reinstated")
    )


def fanned(*, seed: int) -> Design:
    """Return lists of 12 facts, one, two or three a key, of which half are shown rearranged."""
    return key_value.design(seed=seed, n_pairs=12, n_lists=4 * LISTS, fan=FANS, tests="recognition")


def _curve(name: str, measure_name: str, x: Array, right: Array, source: Source) -> Curve:
    """Return the mean chance at each place of x, with how many tests there were and their spread."""
    places = np.unique(x)
    groups = [right[x == place] for place in places]
    rows = {"x": places.astype(np.float64), "y": [each.mean() for each in groups], "n": [len(each) for each in groups],
            "sd": [each.std() for each in groups]}  # fmt: skip
    table = Trials({key: np.asarray(values, dtype=np.float64) for key, values in rows.items()})
    return Curve(measure_name, name, table, source)


def _right(subject: Forecaster, design: Design) -> Array:
    """Return the chance of the right answer in each test: (tests,)."""
    return np.asarray(subject.forecast(design)[np.arange(len(design.tests)), design.tests["target"]])


def recall_curves(subject: Forecaster, *, seed: int, source: Source) -> dict[str, Curve]:
    """Return accuracy by load and by the likeness of keys, of a subject that recalls."""
    asked, name = loads(seed=seed), subject.name
    found = {"by_load": _curve(name, "by_load", asked.tests["n_pairs"], _right(subject, asked), source)}
    parts = [_right(subject, alike(similarity, seed=seed)) for similarity in SIMILARITIES]
    x = np.repeat(SIMILARITIES, [len(part) for part in parts])
    return found | {"by_similarity": _curve(name, "by_similarity", x, np.concatenate(parts), source)}


def cue_curves(subject: Forecaster, *, seed: int, source: Source) -> dict[str, Curve]:
    """Return accuracy by the cue's noise, what of the rest is recognised and what the whole key brings back, and fan.

    Of a subject that also recognises pairs. `recovery`: 1 recalled with the noisy cue; of the rest, 2 recognised, 3
    recalled with the whole key.
    """
    asked, name = noisy(seed=seed), subject.name
    tests, right = asked.tests, _right(subject, asked)
    first = ~recognitions(asked) & (tests["attempt"] == 1)
    found = {"by_noise": _curve(name, "by_noise", tests["cue_noise"][first], right[first], source)}
    record = run(asked, subject, seed=seed)
    parts = [measure(key_value.measure(kind), record).pool().rows for kind in ("accuracy", "available", "recovered")]
    rows = {key: np.concatenate([part[key] for part in parts]) for key in ("y", "n", "sd")}
    found["recovery"] = Curve("recovery", name, Trials({"x": np.array([1.0, 2.0, 3.0]), **rows}), source)
    facts = fanned(seed=seed)
    old = facts.tests["probe"] == "old"
    yes = subject.forecast(facts)[:, 1]
    found["by_fan"] = _curve(name, "by_fan", facts.tests["cue_fan"][old], yes[old], source)
    return found
