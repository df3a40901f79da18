"""Languages that map meanings to signals, and how likely they make what is heard (Griffiths & Kalish, 2007).

A language names one signal for each meaning. A speaker utters it with probability 1 − ε, else one of the other signals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Languages:
    """The hypotheses of a learner: `signal` (languages, meanings) names the signal of each; `regular` marks one kind.

    `regular` are the compositional languages; of two languages, the first.
    """

    signal: Ints
    n_signals: int
    regular: NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.signal)

    def prior(self, alpha: float) -> NDArray[np.float64]:
        """Return `alpha` spread evenly over the regular languages and 1 − alpha over the others: (languages,)."""
        if not 0 < alpha < 1:
            raise UserError(f"alpha is the prior probability of the regular languages, between 0 and 1; got {alpha}.")
        n = int(self.regular.sum())
        return np.where(self.regular, alpha / n, (1 - alpha) / (len(self) - n))

    def log_likelihood(self, heard: Ints, noise: float) -> NDArray[np.float64]:
        """Return the log probability of what was heard under each language: (chains, languages).

        `heard` is (chains, utterances, 2): the meaning and the signal of each.
        """
        said = self.signal[:, heard[..., 0]] == heard[..., 1]  # (languages, chains, utterances)
        right = said.sum(axis=-1).T
        wrong = heard.shape[1] - right
        return np.asarray(right * np.log1p(-noise) + wrong * np.log(noise / (self.n_signals - 1)))

    def speak(self, language: Ints, n: int, noise: float, rng: np.random.Generator) -> Ints:
        """Return n utterances about meanings drawn evenly, by a speaker of each language: (speakers, n, 2)."""
        meaning = rng.integers(0, self.signal.shape[1], (len(language), n))
        signal = self.signal[language[:, None], meaning]
        slip = rng.random(meaning.shape) < noise
        other = (signal + rng.integers(1, self.n_signals, meaning.shape)) % self.n_signals
        return np.stack([meaning, np.where(slip, other, signal)], axis=-1)


def two_languages(agreement: float, n_meanings: int = 10) -> Languages:
    """Return two languages of two signals that agree on a share of the meanings (a whole number of them)."""
    same = agreement * n_meanings
    if not 0 <= agreement < 1 or not np.isclose(same, round(same)):
        raise UserError(
            f"agreement is the share of the {n_meanings} meanings on which the two languages agree, in steps of "
            f"{1 / n_meanings:g} and below 1; got {agreement}."
        )
    first = np.zeros(n_meanings, dtype=np.int64)
    return Languages(np.stack([first, np.where(np.arange(n_meanings) < round(same), 0, 1)]), 2, np.array([True, False]))


def compositional_languages() -> Languages:
    """Return the 260 languages of 4 meanings and 4 signals of two bits: 4 compositional, then all 256 mappings.

    A compositional language keeps or flips each bit of the meaning. The 4 are among the 256 once more, as holistic.
    """
    meanings = np.arange(4)
    mapped = [meanings ^ flip for flip in range(4)] + [np.array(each) for each in product(range(4), repeat=4)]
    return Languages(np.stack(mapped), 4, np.arange(260) < 4)


def languages_of(settings: Mapping[str, Any]) -> Languages:
    """Return the languages that the settings of a design describe."""
    if settings.get("languages") == "two":
        return two_languages(settings["agreement"])
    if settings.get("languages") == "compositional":
        return compositional_languages()
    raise UserError(
        "A learner of languages needs a design whose settings name them (languages: two or compositional); "
        f"got {settings.get('languages')!r}."
    )
