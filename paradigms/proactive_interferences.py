"""Proactive interference: keys are given new values again and again; asked for is the last value of each.

With people, keeping track (Yntema & Mueser, 1962) and A-B, A-C lists; with language models, "Unable to Forget" (Wang &
Sun, 2025). Asked for the first value instead, the same stream measures retroactive interference.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Paradigm
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.interference_measures import MEASURES
from cogmem.trials import Trials

Ints = NDArray[np.int64]
Columns = dict[str, NDArray[Any]]

ORDERS: Final = ("random", "lists", "blocked")
QUERIES: Final = ("last", "first")
INSTRUCTIONS: Final = ("none", "forget")
TESTS: Final = ("stream", "list")
TYPES: Final = ("recall", "recognition")
PROBES: Final = ("old", "recent", "new")
"""What a recognition test shows: a key's present value, its value of the list before, one that was never shown."""

CATEGORIES: Final = 46
WORDS: Final = 400
"""Size of the vocabulary whose rows the items are: category names, then the words of each category."""


@dataclass(frozen=True)
class ProactiveInterferenceSettings:
    """Settings: `n_lists` streams at each number of updates in `n_updates`; a stream gives each key that many values.

    `n_keys` keys are asked for, `n_untracked` more are updated as often and never asked for. Each key has a pool of
    `pool` values, of which the share `similarity` belongs to all keys alike; a key's values are drawn without
    replacement. `order`: "random" (no two successive pairs of a key), "lists" (every key once a list, in random order:
    A-B, A-C, ...), "blocked" (all values of a key in a row). `query`: the "last" or the "first" value. `instruction`
    "forget" says before the last value of a key that those before it no longer count. A pair is shown for `exposure` s,
    the test comes `retention_interval` s after the last one.

    `test_after` "list" asks after every list for its own values: with `shift_after` lists other keys take the place of
    those so far (0: never), which are the trials of Brown and Peterson with Wickens' shift of category. `test_type`
    "recognition" shows one probe at a time, a value of the list, of the one before (recent), or a new one.
    """

    n_keys: int = 8
    n_updates: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    n_lists: int = 5
    n_participants: int = 1
    pool: int = 64
    similarity: float = 0.0
    n_untracked: int = 0
    order: Literal["random", "lists", "blocked"] = "random"
    query: Literal["last", "first"] = "last"
    instruction: Literal["none", "forget"] = "none"
    exposure: float = 2.0
    retention_interval: float = 1.0
    test_after: Literal["stream", "list"] = "stream"
    shift_after: int = 0
    test_type: Literal["recall", "recognition"] = "recall"

    def __post_init__(self) -> None:
        given: Any = self.n_updates  # from the command line also one number
        levels: tuple[int, ...] = (given,) if isinstance(given, int) else tuple(given)
        object.__setattr__(self, "n_updates", levels)
        for name in ("n_keys", "n_lists", "n_participants", "pool"):
            if getattr(self, name) < 1:
                raise UserError(f"proactive_interference needs {name} of at least 1; got {getattr(self, name)}.")
        known = (("order", ORDERS), ("query", QUERIES), ("instruction", INSTRUCTIONS), ("test_after", TESTS))
        for name, words in (*known, ("test_type", TYPES)):
            if getattr(self, name) not in words:
                raise UserError(f"{name} is one of {', '.join(words)}; {nearest(getattr(self, name), words)}")
        if not levels or min(levels) < 1:
            raise UserError(f"n_updates are the values that a key is given, 1 or more; got {levels}.")
        self._check_pool(max(levels))
        if self.order == "random" and self.n_keys + self.n_untracked < 2 and max(levels) > 1:
            raise UserError("In random order no two successive pairs are of one key, so two keys or more are needed.")
        if not 0 <= self.similarity <= 1 or self.n_untracked < 0:
            raise UserError(
                f"similarity is a share from 0 to 1 and n_untracked 0 or more; got {self.similarity}, "
                f"{self.n_untracked}."
            )
        if self.order != "lists" and (self.test_after == "list" or self.shift_after):
            raise UserError('Tests after every list and a shift of keys need lists: set order="lists".')
        if self.shift_after < 0 or (self.shift_after and self.test_after == "stream"):
            raise UserError(
                f'shift_after is a number of lists, 0 for never, with test_after="list"; got {self.shift_after}.'
            )
        if self.test_after == "list" and self.query == "first":
            raise UserError('After a list its own values are asked for: query="first" needs test_after="stream".')

    def _check_pool(self, most: int) -> None:
        """Raise UserError where a key has not enough values; a recognition test needs one more that is never shown."""
        in_a_row = min(most, self.shift_after) if self.shift_after else most
        needed = in_a_row + (self.test_type == "recognition")
        if needed > self.pool:
            raise UserError(
                f"A key is given {in_a_row} different values but has a pool of {self.pool}; make pool "
                f"{needed} or larger or n_updates smaller."
            )

    @property
    def together(self) -> int:
        """Keys at one time, those that are never asked for included."""
        return self.n_keys + self.n_untracked

    @property
    def keys(self) -> int:
        """Keys of the longest stream."""
        shifts = -(-max(self.n_updates) // self.shift_after) if self.shift_after else 1
        return self.together * shifts

    def pool_of(self, key: int) -> Ints:
        """Return the rows of the items that are values of a key: those shared by all keys, then its own."""
        shared = round(self.similarity * self.pool)
        own = self.keys + shared + key * (self.pool - shared)
        return np.concatenate([self.keys + np.arange(shared), own + np.arange(self.pool - shared)])


def _order(settings: ProactiveInterferenceSettings, updates: int, rng: np.random.Generator) -> Ints:
    """Return the key of each pair of a stream."""
    n = settings.together
    if settings.order == "blocked":
        return np.repeat(rng.permutation(n), updates)
    if settings.order == "lists":
        lists = np.concatenate([rng.permutation(n) for _ in range(updates)])
        shifts = np.repeat(np.arange(updates), n) // settings.shift_after if settings.shift_after else 0
        return np.asarray(lists + n * shifts)
    return _interleaved(n, updates, rng)


def _interleaved(n: int, updates: int, rng: np.random.Generator) -> Ints:
    """Return keys 0 … n − 1, each `updates` times in random order, never twice in a row.

    Drawn by the number of values that a key has left; a key that has more left than all others and one has to come.
    """
    left, stream, before = np.full(n, updates), [], -1
    for _ in range(n * updates):
        weight = left.astype(np.float64)
        if before >= 0:
            weight[before] = 0.0
        most = int(left.argmax())
        # What is left of one key must fit between what is left of the others.
        if most != before and left[most] > left.sum() - left[most]:
            chosen = most
        else:
            chosen = int(rng.choice(n, p=weight / weight.sum()))
        stream.append(chosen)
        left[chosen] -= 1
        before = chosen
    return np.array(stream, dtype=np.int64)


@dataclass(frozen=True, eq=False)
class _Pairs:
    """The pairs of one stream, in order: key, value, which value of its key it is (from 1), and the list it is in."""

    key: Ints
    value: Ints
    update: Ints
    block: Ints
    spare: Mapping[int, Ints]


def _pairs(settings: ProactiveInterferenceSettings, updates: int, rng: np.random.Generator) -> _Pairs:
    keys = _order(settings, updates, rng)
    pools = {int(key): rng.permutation(settings.pool_of(int(key))) for key in range(keys.max() + 1)}
    value, update = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    for key, pool in pools.items():
        own = keys == key
        update[own] = np.arange(1, own.sum() + 1)
        value[own] = pool[: own.sum()]
    block = np.arange(len(keys)) // settings.together + 1 if settings.order == "lists" else update
    spare = {key: pool[int((keys == key).sum()) :] for key, pool in pools.items()}
    return _Pairs(keys, value, update, np.asarray(block), spare)


def _recalls(settings: ProactiveInterferenceSettings, pairs: _Pairs, seen: Ints, rng: np.random.Generator) -> Columns:
    """Return a test for each key of the pairs `seen` last (rows of the stream), in random order."""
    present = np.unique(pairs.key[seen[-settings.together :]]) if settings.shift_after else np.unique(pairs.key)
    asked = rng.permutation(present[present % settings.together < settings.n_keys])
    place = [seen[pairs.key[seen] == key][-1 if settings.query == "last" else 0] for key in asked]
    return {"cue": asked, "target": pairs.value[place], "update": pairs.update[place], "block": pairs.block[place]}


def _probe(settings: ProactiveInterferenceSettings, pairs: _Pairs, seen: Ints, rng: np.random.Generator) -> Columns:
    """Return one recognition test; half of the probes are old, a quarter recent where the key has an older value."""
    present = pairs.key[seen[-settings.together :]] if settings.order == "lists" else np.unique(pairs.key)
    key = int(rng.choice(present[present % settings.together < settings.n_keys]))
    own = seen[pairs.key[seen] == key]
    kind = str(rng.choice(PROBES, p=(0.5, 0.25, 0.25)))
    kind = "new" if kind == "recent" and len(own) < 2 else kind
    item = rng.choice(pairs.spare[key]) if kind == "new" else pairs.value[own[-1 if kind == "old" else -2]]
    return {
        "cue": np.array([key]),
        "item": np.array([item]),
        "probe": np.array([kind]),
        "target": np.array([int(kind == "old")]),
        "update": pairs.update[own[-1:]],
        "block": pairs.block[own[-1:]],
    }


def _stream(
    settings: ProactiveInterferenceSettings, updates: int, number: int, start: float, rng: np.random.Generator
) -> tuple[list[Columns], float]:
    """Return the study and test rows of one stream that begins at `start` s, part by part, and when it is over."""
    pairs, step = _pairs(settings, updates, rng), settings.exposure
    total = len(pairs.key)
    length = settings.together if settings.test_after == "list" else total
    parts: list[Columns] = []
    for begin in range(0, total, length):
        own = np.arange(begin, begin + length)
        told = (settings.instruction == "forget") & (pairs.update[own] == updates) & (updates > 1)
        study: Columns = {"cue": pairs.key[own], "target": pairs.value[own], "update": pairs.update[own]}
        study |= {"block": pairs.block[own], "serial_position": own + 1, "forget": told.astype(np.int64)}
        study |= {"phase": np.full(length, "study"), "time": start + step * np.arange(length)}
        study["retention_interval"] = np.zeros(length)
        asking = _recalls if settings.test_type == "recall" else _probe
        test = asking(settings, pairs, np.arange(begin + length), rng)
        n, now = len(test["cue"]), start + step * length + settings.retention_interval
        test |= {"phase": np.full(n, "test"), "time": np.full(n, now), "serial_position": np.arange(1, n + 1)}
        test |= {"retention_interval": np.full(n, settings.retention_interval), "forget": np.zeros(n, np.int64)}
        if settings.test_type == "recognition":
            study |= {"item": study["target"], "probe": np.full(length, "")}
        parts += [study, test]
        start = now + step * n
    for part in parts:
        part |= {"list": np.full(len(part["cue"]), number), "updates": np.full(len(part["cue"]), updates)}
    return parts, start


def _build(settings: ProactiveInterferenceSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    parts: list[Columns] = []
    for person in range(settings.n_participants):
        # The levels of a person come in random order, so that no level is always the first.
        levels = rng.permutation(np.repeat(settings.n_updates, settings.n_lists))
        start = 0.0
        for number, updates in enumerate(levels.tolist(), 1):
            made, start = _stream(settings, updates, number, start, rng)
            parts += [{"participant": np.full(len(part["cue"]), f"p{person + 1:03d}"), **part} for part in made]
    trials = Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return trials.with_columns({"test_type": np.full(len(trials), settings.test_type)}), _items(settings, rng)


def _items(settings: ProactiveInterferenceSettings, rng: np.random.Generator) -> Ints:
    """Return the row of the vocabulary that each item stands for: a key's is a category, its values words of it.

    Shared values are words of categories that are no keys. What the vocabulary has no room for is numbered beyond it.
    """
    shared = round(settings.similarity * settings.pool)
    own = settings.pool - shared
    categories = rng.permutation(max(CATEGORIES, settings.keys))
    beyond = CATEGORIES + CATEGORIES * WORDS
    keys = np.where(categories < CATEGORIES, categories, beyond + categories)[: settings.keys]
    free = [CATEGORIES + WORDS * int(each) + np.arange(WORDS) for each in categories[settings.keys :]]
    room = rng.permutation(np.concatenate(free)) if free else np.zeros(0, np.int64)
    extra = beyond + settings.keys + np.arange(settings.pool * (settings.keys + 1))
    values = [np.concatenate([room[:shared], extra[: max(0, shared - len(room))]])]
    for k, category in enumerate(categories[: settings.keys]):
        words = CATEGORIES + WORDS * int(category) + rng.permutation(WORDS)
        fits = own <= WORDS and category < CATEGORIES
        values.append(words[:own] if fits else extra[settings.pool * (k + 1) :][:own])
    return np.concatenate([keys, *values]).astype(np.int64)


proactive_interference: Final = Paradigm(
    name="proactive_interference",
    version=1,
    reference="Underwood (1957); Yntema & Mueser (1962); Wickens (1970); Wang & Sun (2025)",
    settings=ProactiveInterferenceSettings,
    build=_build,
    measures=MEASURES,
)
