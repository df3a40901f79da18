"""Networks as subjects of proactive interference: trained on streams with few updates a key, tested with many.

What a network keeps of a stream is its mixer (see `mixers`): a sum loses the last value among the older ones, a sum
with decay keeps the recent ones, the delta rule erases the old value before it writes the new one. This file loads no
torch; the training is in `updating_training`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.choices import drawn, refuse_recognition

if TYPE_CHECKING:
    from torch import Tensor

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
MixerName = Literal[
    "gru", "lstm", "linear_attention", "decay_attention", "delta_rule", "softmax_attention", "rotary_attention",
    "gated_attention", "vector_gated", "gated_delta", "titans", "mesa", "local_linear", "mixture_of_memories",
    "modern_hopfield", "hopfield", "fast_weights", "elman", "wave_rnn", "ffm", "hippo",
]  # fmt: skip
MIXER_NAMES: Final[tuple[MixerName, ...]] = (
    "gru", "lstm", "linear_attention", "decay_attention", "delta_rule", "softmax_attention", "rotary_attention",
    "gated_attention", "vector_gated", "gated_delta", "titans", "mesa", "local_linear", "mixture_of_memories",
    "modern_hopfield", "hopfield", "fast_weights", "elman", "wave_rnn", "ffm", "hippo",
)  # fmt: skip
QUERIES: Final = ("last", "first")


@dataclass(frozen=True)
class UpdatingSettings:
    """What a network is and what it was trained on.

    `mixer`: one of MIXER_NAMES, in `layers` layers of `width` units and `heads` heads. It knows tokens for `keys` keys
    and `values` values. Training: `steps` batches of `batch` streams in which every key has one of the numbers of
    updates in `trained_on`, and asked for is the "last" or the "first" value of each (`query`). With `pairs`, streams
    are of so many different ones of the keys, each of the numbers in turn. `rate` is the highest learning rate,
    `weight_decay` AdamW's. Training ends early where the loss is below `enough` nats a question.
    """

    mixer: MixerName
    trained_on: tuple[int, ...] = (1, 2, 3, 4)
    query: Literal["last", "first"] = "last"
    keys: int = 8
    values: int = 128
    width: int = 64
    layers: int = 2
    heads: int = 2
    steps: int = 350
    batch: int = 64
    rate: float = 5e-3
    weight_decay: float = 0.01
    pairs: tuple[int, ...] = ()
    enough: float = 0.0

    def __post_init__(self) -> None:
        for name, words in (("mixer", MIXER_NAMES), ("query", QUERIES)):
            if getattr(self, name) not in words:
                raise UserError(f"{name} is one of {', '.join(words)}; {nearest(getattr(self, name), words)}")
        for name in ("keys", "values", "width", "layers", "heads", "batch"):
            if getattr(self, name) < 1:
                raise UserError(f"A network needs {name} of at least 1; got {getattr(self, name)}.")
        if self.width % (2 * self.heads):
            raise UserError(f"Each head has an even number of units; got width {self.width}, heads {self.heads}.")
        if not self.trained_on or min(self.trained_on) < 1 or max(self.trained_on) > self.values:
            raise UserError(
                f"trained_on are the values that a key is given, from 1 to the {self.values} there are; got "
                f"{self.trained_on}."
            )
        if self.pairs and not 1 <= min(self.pairs) <= max(self.pairs) <= self.keys:
            raise UserError(f"pairs are from 1 to the {self.keys} keys there are; got {self.pairs}.")
        if self.keys < 2 and max(self.trained_on) > 1:
            raise UserError("No two successive pairs are of one key, so a network needs two keys or more.")
        if self.steps < 0 or not 0 < self.rate < np.inf or not 0 <= self.weight_decay < np.inf:
            raise UserError(
                f"Training needs steps of 0 or more, a rate above 0 and weight_decay of 0 or more; got {self.steps}, "
                f"{self.rate}, {self.weight_decay}."
            )


NETWORKS: Final[Mapping[str, UpdatingSettings]] = {
    **{name: UpdatingSettings(name, steps=600, rate=1e-2) for name in MIXER_NAMES[:2]},
    **{name: UpdatingSettings(name) for name in MIXER_NAMES[2:7]},
}
"""By mixer, with the training that each of them needs; recurrent networks learn the task more slowly."""

Weights = Mapping[str, "Tensor"]
Weigh = Callable[[UpdatingSettings, tuple[int, ...]], Weights]


@lru_cache(maxsize=16)
def trained(settings: UpdatingSettings, seeds: tuple[int, ...]) -> Weights:
    """Return the stacked weights after training; remembered in this process."""
    from cogmem.subjects.updating_training import train

    return train(settings, seeds)


@dataclass(frozen=True)
class UpdatingNetwork:
    """A population of networks, one a seed, that read each stream of a design and are asked for values of its keys.

    Participant k is answered by member k (and again in turn), which draws from its forecast at `temperature`; at 0 it
    gives the likeliest value. Keys and values are tokens that are drawn anew for each stream. `weights` gives the
    trained weights for settings and seeds: `trained`, or `partial(updating_training.kept, folder)`, which also writes
    them.
    """

    settings: UpdatingSettings
    seeds: tuple[int, ...] = (1, 2, 3)
    temperature: float = 1.0
    weights: Weigh = trained
    name: str = ""
    version: int = 1
    kind: Kind = "network"
    needs: frozenset[str] = frozenset({"cue", "target", "list"})

    def __post_init__(self) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise UserError(f"A population needs one different seed a member, but came with seeds {self.seeds}.")
        if not 0 <= self.temperature < np.inf:
            raise UserError(f"A network answers at a temperature of 0 or more; got {self.temperature}.")
        if not self.name:
            object.__setattr__(self, "name", self.settings.mixer)

    def forecast(self, design: Design) -> Array:
        """Return how likely each item is to be the answer, the mean of all members: (tests, items + 1).

        The choice is among the values of the design that have a token; the last column, no answer, is 0.
        """
        told = self._told(design)
        likely = np.zeros((len(design.tests), len(design.items) + 1))
        rows, tokens = np.nonzero(told.items >= 0)
        likely[rows, told.items[rows, tokens]] = told.likely.mean(axis=0)[rows, tokens]
        return likely

    def answer(self, design: Design, rng: np.random.Generator) -> Ints:
        """Return the item answered in each test: a row of the design's items."""
        told = self._told(design)
        who = np.unique(design.tests.get("participant", "all"), return_inverse=True)[1]
        chosen = drawn(told.likely[who % len(self.seeds), np.arange(len(who))], rng)
        return np.asarray(told.items[np.arange(len(who)), chosen])

    def _told(self, design: Design) -> _Told:
        """Return what each member says in each test; all streams of one length are one batch."""
        from cogmem.subjects.updating_training import log_odds

        refuse_recognition(design, self.name)
        asked = list(_questions(design, self.settings))
        weights = self.weights(self.settings, self.seeds)
        n_tests, n_tokens = len(design.tests), self.settings.values
        odds, items = np.zeros((len(self.seeds), n_tests, n_tokens)), np.full((n_tests, n_tokens), -1)
        for size in sorted({(len(each.keys), len(each.asked)) for each in asked}):
            batch = [each for each in asked if (len(each.keys), len(each.asked)) == size]
            keys, values = np.stack([each.keys for each in batch]), np.stack([each.values for each in batch])
            found = log_odds(weights, self.settings, keys, values, np.stack([each.asked for each in batch]))
            for k, each in enumerate(batch):
                odds[:, each.rows], items[each.rows] = found[:, k], each.items
        return _Told(_chances(np.where(items >= 0, odds, -np.inf), self.temperature), items)


@dataclass(frozen=True, eq=False)
class _Told:
    """Of each test the probability of each token, (members, tests, values), and its item, −1 for none."""

    likely: Array
    items: Ints


@dataclass(frozen=True, eq=False)
class _Asked:
    """Tests that come at one place of a stream: what was studied before and what is asked, in tokens.

    `rows` are the tests' numbers, `items` the item that each value token stands for, −1 for none.
    """

    keys: Ints
    values: Ints
    asked: Ints
    rows: NDArray[np.intp]
    items: Ints


def _chances(odds: Array, temperature: float) -> Array:
    """Return the softmax over the last axis; at temperature 0 all of it is the first of the highest."""
    if temperature == 0:
        return np.asarray(np.arange(odds.shape[-1]) == odds.argmax(axis=-1)[..., None], dtype=np.float64)
    weight = np.exp((odds - odds.max(axis=-1, keepdims=True)) / temperature)
    return np.asarray(weight / weight.sum(axis=-1, keepdims=True))


def _questions(design: Design, settings: UpdatingSettings) -> Iterator[_Asked]:
    """Yield the tests of each stream (participant and list), those with the same study rows before them together."""
    trials, rng = design.trials, np.random.default_rng([design.seed, 53])
    is_test = trials["phase"] == "test"
    number = is_test.cumsum() - 1
    offered = np.unique(design.studies["target"])
    for key, rows in trials.groups([name for name in ("participant", "list") if name in trials]):
        studied, tests = rows[~is_test[rows]], rows[is_test[rows]]
        if not len(tests):
            continue
        before = np.searchsorted(studied, tests)
        if not before.all():
            raise UserError(f"The tests of {key} have no study rows before them, so there is nothing to be asked for.")
        cues, values = trials["cue"][rows], trials["target"][studied]
        key_of = _tokens(np.unique(cues), settings.keys, "keys", rng)
        value_of = _tokens(np.unique(values), settings.values, "values", rng)
        items = _items(value_of, offered, settings.values, rng)
        for count in np.unique(before):
            now = tests[before == count]
            yield _Asked(
                np.array([key_of[cue] for cue in trials["cue"][studied[:count]].tolist()]),
                np.array([value_of[value] for value in values[:count].tolist()]),
                np.array([key_of[cue] for cue in trials["cue"][now].tolist()]),
                number[now],
                items,
            )


def _tokens(rows: Ints, known: int, what: str, rng: np.random.Generator) -> dict[int, int]:
    """Return a token for each item row, drawn without replacement from the `known` ones."""
    if len(rows) > known:
        raise UserError(
            f"A stream has {len(rows)} different {what}, but the network knows {known}; give it fewer, or train one "
            f"with {what}={len(rows)}."
        )
    return dict(zip(rows.tolist(), rng.permutation(known)[: len(rows)].tolist(), strict=True))


def _items(value_of: Mapping[int, int], offered: Ints, known: int, rng: np.random.Generator) -> Ints:
    """Return the item that each value token stands for: those of the stream, then others offered, then none (−1)."""
    items = np.full(known, -1)
    items[list(value_of.values())] = list(value_of)
    free = np.flatnonzero(items < 0)
    others = rng.permutation(np.setdiff1d(offered, list(value_of)))[: len(free)]
    items[free[: len(others)]] = others
    return items


def population(mixer: str) -> UpdatingNetwork:
    """Return the population of that mixer, three seeds, as the catalogue has it: updating_lstm, updating_gru, ..."""
    return UpdatingNetwork(NETWORKS[mixer], name=f"updating_{mixer}")
