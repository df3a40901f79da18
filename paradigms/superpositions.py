"""Superposition: items with features in common are shown, often once each, and told from others, completed or coded.

An item is a set of active features out of many, or a sequence of such sets. Probes are old items, unseen ones, lures
that share features with a studied item, the prototype of a category that was never shown, a part of an item, an item
with wrong features, or a sequence in another order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Paradigm
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.superposition_measures import MEASURES, PROBES
from cogmem.trials import Trials

Bits = NDArray[np.uint8]
Sets = NDArray[np.int64]
"""The active features of each frame: (..., active)."""

TESTS: Final = ("recognition", "completion", "code")


@dataclass(frozen=True)
class SuperpositionSettings:
    """Settings: `n_lists` lists of each number of items in `list_length`, every item shown `presentations` times.

    An item is `active` of `features`, or a sequence of `frames` such sets. Items belong to `n_categories`, dealt in
    turn: the share `category_share` of an item's features is its category's prototype's, the others are its own.

    `probes` name what is tested of each list, as many of each kind as it has items (of `prototype`, the categories):
    "old"; "new" (a fresh item of a category); "similar", a lure with the shares `overlap` of a studied item's features,
    each in turn; "prototype"; "partial", the share `cue_share` of an item's features alone; "noisy", an item of which
    the share `noise` of features is wrong; "reordered", an item's frames in another order. A probe is shown whole.

    `test`: "recognition" (was it studied? in `n_ratings` steps from sure new to sure old), "completion" (the studied
    item that the probe is made of) or "code" (what the memory holds the probe as). An item takes `exposure` s and the
    tests come `retention_interval` s after the last.
    """

    list_length: tuple[int, ...] = (16,)
    n_lists: int = 5
    n_participants: int = 1
    features: int = 400
    active: int = 20
    frames: int = 1
    presentations: int = 1
    n_categories: int = 1
    category_share: float = 0.0
    probes: tuple[str, ...] = ("old", "new")
    overlap: tuple[float, ...] = (0.5,)
    cue_share: float = 0.5
    noise: float = 0.2
    test: Literal["recognition", "completion", "code"] = "recognition"
    n_ratings: int = 6
    exposure: float = 2.0
    retention_interval: float = 60.0

    def __post_init__(self) -> None:
        for name in ("list_length", "probes", "overlap"):
            given: Any = getattr(self, name)  # from the command line also one number or word
            object.__setattr__(self, name, tuple(given) if isinstance(given, tuple | list) else (given,))
        for name in ("n_lists", "n_participants", "features", "frames", "presentations", "n_categories"):
            if getattr(self, name) < 1:
                raise UserError(f"superposition needs {name} of at least 1; got {getattr(self, name)}.")
        if not self.list_length or min(self.list_length) < 1:
            raise UserError(f"list_length are counts of 1 or more; got {self.list_length}.")
        if not 1 <= self.active <= self.features:
            raise UserError(
                f"An item has at least one active feature and no more than the {self.features} there are; got active "
                f"{self.active}. Change active or features."
            )
        if self.test not in TESTS:
            raise UserError(f"test is one of {', '.join(TESTS)}; {nearest(str(self.test), TESTS)}")
        for word in self.probes:
            if word not in PROBES:
                raise UserError(f"probes are of {', '.join(PROBES)}; {nearest(word, PROBES)}")
        if not self.probes or len(set(self.probes)) < len(self.probes):
            raise UserError(f"probes name what is tested, every kind once; got {self.probes}.")
        if self.n_ratings < 2:
            raise UserError(f"A recognition has two answers or more; got n_ratings {self.n_ratings}.")
        for name in ("category_share", "cue_share", "noise", *(("overlap",) if self.overlap else ())):
            shares = np.atleast_1d(getattr(self, name))
            if not ((shares >= 0) & (shares <= 1)).all():
                raise UserError(f"{name} is a share from 0 to 1; got {getattr(self, name)}.")
        self._check_room()

    def _check_room(self) -> None:
        wrong = max([1 - min(self.overlap), 1 - self.category_share, self.noise], default=0.0)
        if "reordered" in self.probes and self.frames < 2:
            raise UserError(f"Only a sequence can be put into another order; got frames {self.frames}, set 2 or more.")
        if "prototype" in self.probes and self.category_share == 0:
            raise UserError("Without a category_share above 0 no item resembles its prototype; set one.")
        if self.test == "completion" and {"new", "prototype"} & set(self.probes):
            raise UserError("A completion asks for the studied item that a probe is made of; leave out new, prototype.")
        if self.active * (1 + wrong) > self.features:
            raise UserError(
                f"{self.features} features leave no {round(self.active * wrong)} others beside the {self.active} of an "
                "item; make features larger or active smaller."
            )


def drawn_sets(n: int, features: int, active: int, rng: np.random.Generator) -> Sets:
    """Return n random sets of active features: (n, active)."""
    return np.asarray(rng.random((n, features)).argpartition(active - 1, axis=1)[:, :active])


def exchanged(sets: Sets, kept: NDArray[np.int64], features: int, rng: np.random.Generator) -> Sets:
    """Return sets (n, active) that share `kept` (n,) features with those given; the others are new to them."""
    made = rng.permuted(sets, axis=1)
    order = rng.random((len(sets), features))
    np.put_along_axis(order, sets, 2.0, axis=1)
    others = order.argpartition(sets.shape[1] - 1, axis=1)[:, : sets.shape[1]] if sets.size else made
    return np.where(np.arange(sets.shape[1]) < np.asarray(kept)[:, None], made, others)


def as_bits(sets: Sets, features: int) -> Bits:
    """Return sets (..., active) as ones among zeros (..., features); a feature below 0 stands for none."""
    made = np.zeros((*sets.shape[:-1], features + 1), np.uint8)
    np.put_along_axis(made, sets, 1, axis=-1)  # none is the last column
    return made[..., :features]


class _Pool:
    """Frames as they are made, every item `frames` of them; kept as ones and zeros."""

    def __init__(self, settings: SuperpositionSettings) -> None:
        self.settings, self.size = settings, 0
        self.parts: list[Bits] = []

    def add(self, sets: Sets) -> NDArray[np.int64]:
        """Return the rows of items whose sets are (n, frames, active)."""
        self.parts.append(as_bits(sets, self.settings.features))
        self.size += len(sets)
        return np.arange(self.size - len(sets), self.size)

    def items(self) -> Bits:
        """Return all items: (n, features), or (n, frames, features) of sequences."""
        whole = np.concatenate(self.parts)
        return whole[:, 0] if self.settings.frames == 1 else whole


def _per_frame(sets: Sets, change: Callable[[Sets], Sets]) -> Sets:
    """Return sets (n, frames, active) with each frame changed by a function of (n x frames, active)."""
    return change(sets.reshape(-1, sets.shape[-1])).reshape(sets.shape)


def _of_category(settings: SuperpositionSettings, prototypes: Sets, n: int, rng: np.random.Generator) -> Sets:
    """Return n items dealt to the categories in turn: (n, frames, active)."""
    if settings.category_share == 0:
        # Not even the features that the prototype lacks are an item's sooner than others.
        made = drawn_sets(n * settings.frames, settings.features, settings.active, rng)
        return made.reshape(n, settings.frames, settings.active)
    own = prototypes[np.arange(n) % settings.n_categories]
    kept = np.full(n * settings.frames, round(settings.category_share * settings.active))
    return _per_frame(own, lambda sets: exchanged(sets, kept, settings.features, rng))


def _probe(
    kind: str, settings: SuperpositionSettings, studied: Sets, prototypes: Sets, rng: np.random.Generator
) -> tuple[Sets, NDArray[np.int64], NDArray[np.float64]]:
    """Return probes of a kind, the place of the studied item each is made of (-1: none) and the share it has of it."""
    n, frames, active = studied.shape
    source, share = np.arange(n), np.ones(n)
    if kind == "new":
        return _of_category(settings, prototypes, n, rng), np.full(n, -1), np.zeros(n)
    if kind == "prototype":
        n = settings.n_categories
        return prototypes, np.full(n, -1), np.full(n, settings.category_share)
    if kind in ("similar", "noisy"):
        shares = np.resize(settings.overlap, n) if kind == "similar" else np.full(n, 1 - settings.noise)
        kept = np.rint(shares * active).astype(np.int64)
        probes = _per_frame(studied, lambda sets: exchanged(sets, kept.repeat(frames), settings.features, rng))
        return probes, source, kept / active
    if kind == "partial":
        left = max(1, round(settings.cue_share * active))
        mixed = rng.permuted(studied, axis=2)
        return np.where(np.arange(active) < left, mixed, -1), source, np.full(n, left / active)
    if kind == "reordered":
        return np.stack([item[_another_order(frames, rng)] for item in studied]), source, share
    return studied, source, share


def _another_order(n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return an order of n things in which some are not where they were."""
    while True:
        order = rng.permutation(n)
        if (order != np.arange(n)).any():
            return order


def _list(
    settings: SuperpositionSettings, length: int, pool: _Pool, rng: np.random.Generator
) -> tuple[dict[str, NDArray[Any]], ...]:
    """Return the study and test rows of a list."""
    prototypes = drawn_sets(settings.n_categories * settings.frames, settings.features, settings.active, rng)
    prototypes = prototypes.reshape(settings.n_categories, settings.frames, settings.active)
    studied = _of_category(settings, prototypes, length, rng)
    row_of, category = pool.add(studied), np.arange(length) % settings.n_categories
    shown = np.concatenate([rng.permutation(length) for _ in range(settings.presentations)])
    study = {
        "item": row_of[shown], "target": row_of[shown], "category": category[shown] + 1,
        "probe": np.full(len(shown), ""), "overlap": np.ones(len(shown)),
        "repetitions": np.repeat(np.arange(settings.presentations), length),
    }  # fmt: skip
    parts: dict[str, list[NDArray[Any]]] = {name: [] for name in study}
    for kind in settings.probes:
        sets, source, share = _probe(kind, settings, studied, prototypes, rng)
        n, made = len(sets), source >= 0
        old = kind in ("old", "partial", "noisy")
        asked = (
            np.full(n, old * (settings.n_ratings - 1))
            if settings.test == "recognition"
            else np.where(made, row_of[source], -1)
        )
        rows = {
            "item": row_of[source] if kind == "old" else pool.add(sets), "target": asked, "overlap": share,
            "category": np.arange(n) % settings.n_categories + 1, "probe": np.full(n, kind),
            "repetitions": np.full(n, settings.presentations if old else 0),
        }  # fmt: skip
        for name, values in rows.items():
            parts[name].append(values)
    order = rng.permutation(sum(map(len, parts["item"])))
    return study, {name: np.concatenate(values)[order] for name, values in parts.items()}


def _build(settings: SuperpositionSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    pool, parts = _Pool(settings), []
    for person in range(settings.n_participants):
        lengths = rng.permutation(np.repeat(settings.list_length, settings.n_lists))
        now = 0.0
        for number, length in enumerate(lengths.tolist(), 1):
            for phase, rows in zip(("study", "test"), _list(settings, length, pool, rng), strict=True):
                n = len(rows["item"])
                parts.append(rows | {
                    "participant": np.full(n, f"p{person + 1:03d}"), "list": np.full(n, number),
                    "phase": np.full(n, phase), "test_type": np.full(n, settings.test),
                    "serial_position": np.arange(1, n + 1), "list_length": np.full(n, length),
                    "time": now + settings.exposure * np.arange(n),
                    "retention_interval": np.full(n, settings.retention_interval if phase == "test" else 0.0),
                    "n_ratings": np.full(n, settings.n_ratings if settings.test == "recognition" else 0),
                })  # fmt: skip
                now += settings.exposure * n + (settings.retention_interval if phase == "study" else 0.0)
    return Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}), pool.items()


superposition: Final = Paradigm(
    name="superposition",
    version=1,
    reference="Rinkus & Leveille (2017); Shepard (1967)",
    settings=SuperpositionSettings,
    build=_build,
    measures=MEASURES,
)
