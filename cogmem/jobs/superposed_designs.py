"""The same lists of items for every memory: likeness of codes, completion, capacity, prototypes, ratings, order."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from cogmem.core import Curve, Design, measure, run
from cogmem.paradigms import superposition
from cogmem.subjects.superposed import Memory, Saturated, Superposed
from cogmem.trials import Trials, concatenate

Curves = dict[str, Curve]


@dataclass(frozen=True)
class ListSettings:
    """Lists of each design: `features` of which `active` are an item's; names as in `SuperpositionSettings`.

    `completed` is the length of the lists whose items are completed and repaired: with few items every memory does it.
    """

    features: int = 400
    active: int = 20
    n_lists: int = 10
    list_length: int = 32
    lengths: tuple[int, ...] = (8, 16, 32, 64, 128, 256, 512)
    overlap: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    completed: int = 128
    completed_lists: int = 3
    cue_shares: tuple[float, ...] = (0.1, 0.2, 0.3, 0.4, 0.6, 0.8)
    noises: tuple[float, ...] = (0.2, 0.4, 0.6, 0.8)
    n_categories: int = 4
    category_share: float = 0.6
    frames: int = 5
    sequences: int = 8

    def design(self, seed: int, **settings: Any) -> Design:
        """Return a design of these items."""
        given = {"features": self.features, "active": self.active, "n_lists": self.n_lists,
                 "list_length": self.list_length, **settings}  # fmt: skip
        return superposition.design(seed=seed, **given)


def taken(memory: Memory, settings: ListSettings, *, seed: int) -> Curves:
    """Return the curves of a memory by name; each is of lists that every memory takes.

    `code_similarity` (cosine of probe and item), `mantel`; `completion` (share of an item shown) and `repair` (share
    of features that are right); `recalled_by_length`, and `forced_choice` of old and new by length; `rating_by_probe`
    of items of categories, old and new, and of their prototypes; `order`, forced choice between an old sequence and 1 a
    new one, 2 the same frames in another order.
    """
    subject = Superposed(memory)
    with warnings.catch_warnings():
        # Long lists are there to show where a memory gives way.
        warnings.simplefilter("ignore", Saturated)
        return {
            **_codes(subject, settings, seed), **_completions(subject, settings, seed),
            **_recognitions(subject, settings, seed), "order": _order(subject, settings, seed),
        }  # fmt: skip


def _curve(name: str, subject: Superposed, design: Design, seed: int) -> Curve:
    return measure(superposition.measure(name), run(design, subject, seed=seed)).pool()


def _codes(subject: Superposed, settings: ListSettings, seed: int) -> Curves:
    lures = settings.design(seed, test="code", probes=("old", "similar"), overlap=settings.overlap)
    alike = settings.design(
        seed, test="code", probes=("old",), n_categories=settings.n_categories, category_share=settings.category_share
    )
    return {"code_similarity": _curve("code_similarity", subject, lures, seed),
            "mantel": _curve("mantel", subject, alike, seed)}  # fmt: skip


def _completions(subject: Superposed, settings: ListSettings, seed: int) -> Curves:
    long: dict[str, Any] = {
        "test": "completion", "list_length": settings.completed, "n_lists": settings.completed_lists
    }  # fmt: skip
    parts = [settings.design(seed, probes=("partial",), cue_share=share, **long) for share in settings.cue_shares]
    wrong = [settings.design(seed, probes=("noisy",), noise=noise, **long) for noise in settings.noises]
    lengths = settings.design(seed, test="completion", probes=("partial",), list_length=settings.lengths, n_lists=3)
    return {
        "completion": _joined([_curve("completion", subject, each, seed) for each in parts]),
        "repair": _joined([_curve("completion", subject, each, seed) for each in wrong]),
        "recalled_by_length": _curve("recalled_by_length", subject, lengths, seed),
    }


def _recognitions(subject: Superposed, settings: ListSettings, seed: int) -> Curves:
    lengths = settings.design(seed, list_length=settings.lengths, n_lists=3)
    family = settings.design(
        seed, probes=("old", "new", "prototype"), n_categories=settings.n_categories,
        category_share=settings.category_share, n_ratings=2 * settings.list_length,
    )  # fmt: skip
    return {"forced_choice": _curve("forced_choice", subject, lengths, seed),
            "rating_by_probe": _curve("rating_by_probe", subject, family, seed)}  # fmt: skip


def _order(subject: Superposed, settings: ListSettings, seed: int) -> Curve:
    """Return how often an old sequence is rated above a new one (1), and above one in another order (2)."""
    found = []
    for other in ("new", "reordered"):
        design = settings.design(
            seed, frames=settings.frames, list_length=settings.sequences, probes=("old", other),
            n_ratings=2 * settings.sequences,
        )  # fmt: skip
        found.append(_curve("forced_choice", subject, design, seed))
    return _ranked(found)


def _joined(curves: Sequence[Curve]) -> Curve:
    """Return the rows of curves of one measure, one after another."""
    names = set.intersection(*(set(curve.rows) for curve in curves))
    kept = [Trials({name: curve.rows[name] for name in curve.rows if name in names}) for curve in curves]
    return replace(curves[0], rows=concatenate(kept))


def _ranked(curves: Sequence[Curve]) -> Curve:
    """Return the first row of each curve, at 1, 2, ..."""
    rows = {name: np.array([float(curve.rows[name][0]) for curve in curves]) for name in ("y", "n", "sd")}
    return replace(curves[0], rows=Trials({"x": np.arange(1.0, len(curves) + 1), **rows}))
