"""Key-value memory: pairs are studied, their keys are shown again, and asked for is the value that belongs to each.

How many pairs, how alike keys and values are, how many facts share a key (fan) or a context, and how much of the cue is
left are settings; so are a recognition test of the pair after its recall, and a second try with the cue as it was.
Keys and values are vectors, so that a store can be asked with what is left of a key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Paradigm
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.key_value_measures import MEASURES
from cogmem.trials import Trials

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]
Similarity = float | tuple[tuple[float, ...], ...]

ORDERS: Final = ("random", "blocked", "sequential")
TESTS: Final = ("recall", "recognition", "reinstated")


@dataclass(frozen=True)
class KeyValueSettings:
    """Settings: `n_lists` lists of each number of pairs in `n_pairs`; keys of a list are its own, values are a pool's.

    `key_similarity` is the mean cosine of two keys of one category (keys are dealt to `n_categories` in turn, others
    are unrelated), or a whole matrix for lists of one length; `value_similarity` the mean cosine of any two values.
    Vectors have `dimension` numbers and length 1. `fan`: values that a key has within a list, each in turn among its
    keys; `n_contexts`: every key has a value in each context, and the test names both (joint recall).

    At test the cue is the key and noise of length `cue_noise` (each in turn among the tests), of which the share
    `cue_share` of the numbers is shown, the rest is 0. `order` of study: "random", "blocked" (category after category)
    or "sequential" (the values of a key in a row). `filler_pairs` other pairs come between study and test, a pair takes
    `exposure` s, and the test comes `retention_interval` s after the last one.

    `tests` of each pair: "recall" of the value; "recognition" of a pair, intact or rearranged (after the recall, if
    both); "reinstated", recall once more with the whole key and no noise.
    """

    n_pairs: tuple[int, ...] = (4, 8, 16, 32)
    n_lists: int = 5
    n_participants: int = 1
    pool: int = 64
    dimension: int = 64
    key_similarity: Similarity = 0.0
    value_similarity: float = 0.0
    n_categories: int = 1
    fan: tuple[int, ...] = (1,)
    n_contexts: int = 1
    cue_noise: tuple[float, ...] = (0.0,)
    cue_share: float = 1.0
    order: Literal["random", "blocked", "sequential"] = "random"
    filler_pairs: int = 0
    exposure: float = 2.0
    retention_interval: float = 1.0
    tests: tuple[str, ...] = ("recall",)

    def __post_init__(self) -> None:
        for name in ("n_pairs", "fan", "cue_noise", "tests"):
            given: Any = getattr(self, name)  # from the command line also one number or word
            object.__setattr__(self, name, tuple(given) if isinstance(given, tuple | list) else (given,))
        if not isinstance(self.key_similarity, int | float):
            object.__setattr__(self, "key_similarity", tuple(tuple(row) for row in self.key_similarity))
        for name in ("n_lists", "n_participants", "pool", "dimension", "n_categories", "n_contexts"):
            if getattr(self, name) < 1:
                raise UserError(f"key_value needs {name} of at least 1; got {getattr(self, name)}.")
        if self.order not in ORDERS:
            raise UserError(f"order is one of {', '.join(ORDERS)}; {nearest(self.order, ORDERS)}")
        for word in self.tests:
            if word not in TESTS:
                raise UserError(f"tests are of {', '.join(TESTS)}; {nearest(word, TESTS)}")
        if not self.tests or len(set(self.tests)) < len(self.tests):
            raise UserError(f"tests name what is asked of each pair, every kind once; got {self.tests}.")
        if not self.n_pairs or min(self.n_pairs) < 1 or not self.fan or min(self.fan) < 1:
            raise UserError(f"n_pairs and fan are counts of 1 or more; got {self.n_pairs} and {self.fan}.")
        if max(self.fan) > 1 and self.tests != ("recognition",):
            raise UserError('With a fan above 1 a key has several right values: set tests="recognition".')
        if "recognition" in self.tests and min(self.n_pairs) < 2:
            raise UserError("A rearranged pair needs two pairs in a list; make n_pairs 2 or more.")
        self._check_sizes()
        self._check_similarity()

    def _check_sizes(self) -> None:
        shape = max(self.n_contexts, max(self.fan))
        for pairs in self.n_pairs:
            if pairs % (self.n_contexts * sum(self.fan)) and shape > 1:
                raise UserError(
                    f"With {self.n_contexts} contexts and fans of {self.fan} a list has a multiple of "
                    f"{self.n_contexts * sum(self.fan)} pairs; got {pairs}."
                )
        needed = max(self.n_pairs) + self.filler_pairs
        if needed > self.pool:
            raise UserError(f"A list has {needed} different values but pool holds {self.pool}; make pool {needed}.")
        if min(self.cue_noise) < 0 or not 0 < self.cue_share <= 1 or self.filler_pairs < 0:
            raise UserError(
                "cue_noise and filler_pairs are 0 or more, and cue_share is above 0 and 1 at most; got "
                f"{self.cue_noise}, {self.filler_pairs}, {self.cue_share}."
            )

    def _check_similarity(self) -> None:
        if not isinstance(self.key_similarity, int | float):
            rows = {len(row) for row in self.key_similarity}
            if rows != {len(self.key_similarity)} or {self.keys_of(n) for n in self.n_pairs} != rows:
                raise UserError(
                    f"A matrix of key_similarity has a row and a column for each of the "
                    f"{sorted({self.keys_of(n) for n in self.n_pairs})} keys of every list; got {sorted(rows)} columns "
                    f"in {len(self.key_similarity)} rows."
                )
        for keys in sorted({self.keys_of(n) for n in self.n_pairs}):
            gram = self.gram(keys)
            least = float(np.linalg.eigvalsh(0.5 * (gram + gram.T)).min())
            if not np.allclose(gram, gram.T) or not np.allclose(np.diag(gram), 1.0) or least < -1e-9:
                raise UserError(
                    f"No {keys} keys are alike like that: cosines are symmetric, 1 with themselves, and have no "
                    f"negative eigenvalue; the smallest is {least:.3g}. Bring key_similarity nearer to 0."
                )
        if not 0 <= self.value_similarity < 1:
            raise UserError(f"value_similarity is from 0 to below 1; got {self.value_similarity}.")

    def keys_of(self, pairs: int) -> int:
        """Return how many keys a list of so many pairs has."""
        return max(1, pairs // self.n_contexts * len(self.fan) // sum(self.fan))

    def gram(self, keys: int) -> Array:
        """Return the cosines of a list's keys: (keys, keys)."""
        if not isinstance(self.key_similarity, int | float):
            return np.array(self.key_similarity, dtype=np.float64)
        category = np.arange(keys) % self.n_categories
        gram = np.where(category[:, None] == category, float(self.key_similarity), 0.0)
        np.fill_diagonal(gram, 1.0)
        return gram


def _vectors(gram: Array, dimension: int, rng: np.random.Generator) -> Array:
    """Return random unit vectors whose cosines are those of `gram` on average, give or take 1 / sqrt(dimension)."""
    values, directions = np.linalg.eigh(gram)
    mixed = (directions * np.sqrt(np.clip(values, 0.0, None))) @ rng.standard_normal((len(gram), dimension))
    return np.asarray(mixed / np.linalg.norm(mixed, axis=1, keepdims=True))


def _noised(keys: Array, settings: KeyValueSettings, noise: Array, rng: np.random.Generator) -> Array:
    """Return what is left of keys at test: noise of a length beside the key's 1, then a share of the numbers."""
    added = rng.standard_normal(keys.shape) * (noise / np.sqrt(settings.dimension))[:, None]
    shown = np.zeros(keys.shape, dtype=bool)
    left = max(1, round(settings.cue_share * settings.dimension))
    for row in shown:
        row[rng.permutation(settings.dimension)[:left]] = True
    return np.asarray(np.where(shown, keys + added, 0.0))


class _Items:
    """The pool of vectors as it grows: values, then what each list adds."""

    def __init__(self, values: Array) -> None:
        self.parts, self.size = [values], len(values)

    def add(self, vectors: Array) -> Ints:
        """Return the rows that the vectors get."""
        self.parts.append(vectors)
        self.size += len(vectors)
        return np.arange(self.size - len(vectors), self.size)


def _studied(settings: KeyValueSettings, pairs: int, rng: np.random.Generator) -> tuple[Ints, Ints]:
    """Return the key and the context of each pair of a list, in the order of study."""
    keys = settings.keys_of(pairs)
    fans = np.resize(settings.fan, keys)
    key = np.tile(np.repeat(np.arange(keys), fans), settings.n_contexts)[:pairs]
    context = np.repeat(np.arange(settings.n_contexts), len(key) // settings.n_contexts)
    order = rng.permutation(len(key))
    if settings.order != "random":
        rank = key % settings.n_categories if settings.order == "blocked" else key
        order = order[np.argsort(rng.permutation(rank.max() + 1)[rank[order]], kind="stable")]
    return key[order], context[order]


def _list(
    settings: KeyValueSettings, pairs: int, start: float, items: _Items, rng: np.random.Generator
) -> tuple[list[Columns], float]:
    """Return the study and test rows of one list that begins at `start` s, and when it is over."""
    key, context = _studied(settings, pairs, rng)
    keys = settings.keys_of(pairs)
    vectors, n, fillers = _vectors(settings.gram(keys), settings.dimension, rng), pairs, settings.filler_pairs
    row_of = items.add(vectors)
    target = rng.permutation(settings.pool)[: n + fillers]
    fan = np.bincount(key, minlength=keys) // settings.n_contexts
    cue = np.concatenate([row_of[key], items.add(_vectors(np.eye(fillers), settings.dimension, rng))])
    whole = n + fillers
    study: Columns = {
        "phase": np.full(whole, "study"), "cue": cue, "item": cue, "target": target,
        "context": np.concatenate([context, np.zeros(fillers, np.int64)]) + 1,
        "cue_fan": np.concatenate([fan[key], np.ones(fillers, np.int64)]),
        "time": start + settings.exposure * np.arange(whole), "serial_position": np.arange(1, whole + 1),
        "test_type": np.full(whole, "recall"), "probe": np.full(whole, ""), "cue_noise": np.zeros(whole),
        "attempt": np.ones(whole, np.int64), "retention_interval": np.zeros(whole),
    }  # fmt: skip
    now = start + settings.exposure * whole + settings.retention_interval
    tests = _tests(settings, row_of, vectors, key, context, target[:n], fan, items, rng)
    m = len(tests["cue"])
    tests |= {"phase": np.full(m, "test"), "time": now + settings.exposure * np.arange(m),
              "serial_position": np.arange(1, m + 1),
              "retention_interval": np.full(m, settings.retention_interval)}  # fmt: skip
    for part in (study, tests):
        size = len(part["cue"])
        part |= {"n_pairs": np.full(size, n), "update": np.ones(size, np.int64), "updates": np.ones(size, np.int64)}
    return [study, tests], now + settings.exposure * m


def _tests(
    settings: KeyValueSettings, row_of: Ints, vectors: Array, key: Ints, context: Ints, value: Ints, fan: Ints,
    items: _Items, rng: np.random.Generator,
) -> Columns:  # fmt: skip
    """Return the tests of a list: pair after pair in random order, each with the kinds of test that are set."""
    pairs, kinds = rng.permutation(len(key)), settings.tests
    noise = np.resize(np.array(settings.cue_noise, dtype=np.float64), len(pairs))
    whole = settings.cue_share == 1.0 and not noise.any()
    shown = row_of[key[pairs]] if whole else items.add(_noised(vectors[key[pairs]], settings, noise, rng))
    rearranged = rng.permutation(len(pairs)) % 2 == 1
    rows: list[tuple[Any, ...]] = []
    for place, pair in enumerate(pairs):
        own, where = row_of[key[pair]], context[pair] + 1
        for kind in kinds:
            cue = own if kind == "reinstated" else shown[place]
            item, target, probe = cue, value[pair], ""
            if kind == "recognition":
                others = value[key != key[pair]] if (key != key[pair]).any() else value[context != context[pair]]
                item = int(rng.choice(others)) if rearranged[place] and len(others) else value[pair]
                target, probe = int(item == value[pair]), "old" if item == value[pair] else "rearranged"
            test_type = "recognition" if kind == "recognition" else "recall"
            rows.append((own, item if kind == "recognition" else cue, target, where, fan[key[pair]], test_type, probe,
                         0.0 if kind == "reinstated" else noise[place], 2 if kind == "reinstated" else 1))  # fmt: skip
    names = ("cue", "item", "target", "context", "cue_fan", "test_type", "probe", "cue_noise", "attempt")
    return {name: np.array([row[k] for row in rows]) for k, name in enumerate(names)}


def _build(settings: KeyValueSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    gram = np.full((settings.pool, settings.pool), settings.value_similarity)
    np.fill_diagonal(gram, 1.0)
    items, parts = _Items(_vectors(gram, settings.dimension, rng)), []
    for person in range(settings.n_participants):
        # The loads of a person come in random order, so that no load is always the first.
        loads = rng.permutation(np.repeat(settings.n_pairs, settings.n_lists))
        start = 0.0
        for number, pairs in enumerate(loads.tolist(), 1):
            made, start = _list(settings, pairs, start, items, rng)
            for part in made:
                size = len(part["cue"])
                parts.append(
                    {"participant": np.full(size, f"p{person + 1:03d}"), "list": np.full(size, number), **part}
                )
    names = [name for name in parts[0] if name != "probe" or "recognition" in settings.tests]
    trials = Trials({name: np.concatenate([part[name] for part in parts]) for name in names})
    return trials, np.concatenate(items.parts)


key_value: Final = Paradigm(
    name="key_value",
    version=1,
    reference="Anderson (1974); Gershman, Fiete & Irie (2025)",
    settings=KeyValueSettings,
    build=_build,
    measures=MEASURES,
)
