"""An artificial language whose strings networks study: word classes, a class grammar, Zipf frequencies. numpy only."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

A = TypeVar("A", bound=NDArray[Any])

Strings = NDArray[np.int64]
"""Words as integers below `Language.n_words`; the last axis is the position in the string."""

_SUCCESSORS = 0.3
"""Dirichlet concentration of the class grammar: about three likely successors a class, none impossible."""


@dataclass(frozen=True)
class Language:
    """A language of `n_words` words in `n_classes` equal classes; strings of `length` words.

    The class of a word depends on the class before it (a bigram grammar drawn by `seed`); within its class a word's
    probability falls as 1/rank (Zipf 1935). Every string of the language has its own words, so a string is new unless
    it was studied: 16 words carry about 60 nats.

    >>> language = Language(seed=1)
    >>> language.strings(2, np.random.default_rng(0)).shape
    (2, 16)
    """

    n_words: int = 300
    n_classes: int = 12
    length: int = 16
    seed: int = 0

    def __post_init__(self) -> None:
        if self.n_classes < 1 or self.n_words < 2 * self.n_classes or self.n_words % self.n_classes:
            raise UserError(
                f"A language needs two or more words in each of its equal classes, but came with {self.n_words} words "
                f"in {self.n_classes} classes; make the words a multiple of the classes."
            )
        if self.length < 2:
            raise UserError(f"A string needs two words or more, one to prompt and one to recall; got {self.length}.")

    @cached_property
    def class_words(self) -> Strings:
        """The words of each class, most frequent first: (n_classes, words a class)."""
        return _frozen(np.random.default_rng([self.seed, 0]).permutation(self.n_words).reshape(self.n_classes, -1))

    @cached_property
    def word_class(self) -> Strings:
        """The class of each word: (n_words,)."""
        classes = np.empty(self.n_words, np.int64)
        classes[self.class_words] = np.arange(self.n_classes)[:, None]
        return _frozen(classes)

    @cached_property
    def grammar(self) -> NDArray[np.float64]:
        """The probability of the next class given this class: (n_classes, n_classes), rows sum to 1."""
        rng = np.random.default_rng([self.seed, 1])
        return _frozen(rng.dirichlet(np.full(self.n_classes, _SUCCESSORS), size=self.n_classes))

    @cached_property
    def zipf(self) -> NDArray[np.float64]:
        """The probability of a word given its class, by rank: (words a class,), sums to 1."""
        frequencies = 1.0 / np.arange(1, self.n_words // self.n_classes + 1)
        return _frozen(frequencies / frequencies.sum())

    def strings(self, n: int, rng: np.random.Generator) -> Strings:
        """Return `n` strings of the language, (n, length); the first class is uniform."""
        uniform = rng.random((2, n, self.length))
        ranks = _inverse(self.zipf.cumsum(), uniform[1])
        classes = np.empty((n, self.length), np.int64)
        classes[:, 0] = np.minimum((uniform[0, :, 0] * self.n_classes).astype(np.int64), self.n_classes - 1)
        steps = self.grammar.cumsum(axis=1)[:, :-1]
        for position in range(1, self.length):
            before = steps[classes[:, position - 1]]
            classes[:, position] = (before <= uniform[0, :, position, None]).sum(axis=1)
        words: Strings = self.class_words[classes, ranks]
        return words

    def random_strings(self, n: int, rng: np.random.Generator) -> Strings:
        """Return `n` strings without grammar or frequency, every word equally likely: (n, length)."""
        return rng.integers(self.n_words, size=(n, self.length))

    def one_word_foils(self, strings: Strings, rng: np.random.Generator) -> Strings:
        """Return `strings` with one word of each replaced by another of its class, drawn by frequency: (n, length)."""
        return replace_words(self, strings, rng.integers(self.length, size=len(strings))[:, None], rng)


def replace_words(language: Language, strings: Strings, positions: Strings, rng: np.random.Generator) -> Strings:
    """Return `strings` in which the words at `positions` (n, k) became other words of the same class (by frequency)."""
    replaced = strings.copy()
    rows = np.arange(len(strings))[:, None]
    old = strings[rows, positions]
    classes = language.word_class[old]
    mates = language.class_words[classes]
    weights = np.where(mates == old[..., None], 0.0, language.zipf)
    cumulative = weights.cumsum(axis=-1)
    pick = (cumulative <= rng.random(old.shape)[..., None] * cumulative[..., -1:]).sum(axis=-1)
    replaced[rows, positions] = np.take_along_axis(mates, pick[..., None], axis=-1)[..., 0]
    return replaced


def _inverse(cumulative: NDArray[np.float64], uniform: NDArray[np.float64]) -> NDArray[np.intp]:
    """Return the index whose share of [0, 1) holds each uniform number; rounding at the top end stays inside."""
    return np.searchsorted(cumulative[:-1], uniform, side="right")


def _frozen(array: A) -> A:
    array.setflags(write=False)
    return array
