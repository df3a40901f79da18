"""Iterated learning over discrete hypotheses: what one learner says is what the next learns from.

Griffiths & Kalish (2007): learners that sample from their posterior converge on their prior, whatever they hear;
learners that take the most probable hypothesis do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Measure, Paradigm, Record
from cogmem.errors import UserError
from cogmem.languages import Languages, languages_of
from cogmem.names import nearest
from cogmem.trials import Trials


@dataclass(frozen=True)
class IteratedLearningSettings:
    """Settings: `n_chains` chains, in which each learner hears `n_utterances` of the one before and answers a language.

    `languages`: "two", which agree on a share `agreement` of the meanings, or "compositional": 4 compositional and 256
    holistic mappings of 4 meanings to 4 signals. Speakers utter another signal with probability `noise`. The first
    utterances are those of a speaker of language `first`, None: of languages drawn evenly.
    """

    languages: Literal["two", "compositional"] = "compositional"
    n_chains: int = 1000
    n_utterances: int = 3
    noise: float = 0.05
    agreement: float = 0.5
    first: int | None = None

    def __post_init__(self) -> None:
        if self.languages not in ("two", "compositional"):
            known = ("two", "compositional")
            raise UserError(f"languages is two or compositional; {nearest(self.languages, known)}")
        for name in ("n_chains", "n_utterances"):
            if getattr(self, name) < 1:
                raise UserError(f"iterated_learning needs {name} of at least 1; got {getattr(self, name)}.")
        if not 0 < self.noise < 1:
            raise UserError(f"noise is the probability of another signal, between 0 and 1; got {self.noise}.")
        if self.first is not None and not 0 <= self.first < len(self.hypotheses):
            raise UserError(f"first numbers one of {len(self.hypotheses)} languages, from 0; got {self.first}.")

    @property
    def hypotheses(self) -> Languages:
        """The languages that a learner chooses from."""
        return languages_of({"languages": self.languages, "agreement": self.agreement})


def _generation(
    settings: IteratedLearningSettings, spoken: NDArray[np.int64], generation: int, rng: np.random.Generator
) -> tuple[Trials, NDArray[Any]]:
    """Return trials and items of one generation, whose speakers have the languages `spoken`; items (chain, m, 2)."""
    n = len(spoken)
    chains = np.arange(n)
    shared = {
        "participant": np.array([f"p{number + 1:06d}" for number in chains + (generation - 1) * n]),
        "chain": chains + 1,
        "generation": np.full(n, generation),
        "item": chains,
    }
    trials = Trials(
        {"phase": np.repeat(["study", "test"], n), **{name: np.tile(values, 2) for name, values in shared.items()}}
    )
    return trials, settings.hypotheses.speak(spoken, settings.n_utterances, settings.noise, rng)


def _build(settings: IteratedLearningSettings, rng: np.random.Generator) -> tuple[Trials, NDArray[Any]]:
    languages = len(settings.hypotheses)
    first = rng.integers(0, languages, settings.n_chains)
    return _generation(settings, first if settings.first is None else np.full_like(first, settings.first), 1, rng)


def _answers(record: Record) -> NDArray[np.int64]:
    """Return the languages that were learned; UserError where an answer is no number of a language."""
    settings = IteratedLearningSettings(**record.design.settings)
    answers = np.asarray(record.answers)
    if answers.ndim != 1 or not np.isin(answers, np.arange(len(settings.hypotheses))).all():
        raise UserError(
            f"{record.subject} needs to answer the number of a language, 0 to {len(settings.hypotheses) - 1}, for each "
            f"chain; got {np.unique(answers)[:5].tolist()} in shape {answers.shape}."
        )
    return answers.astype(np.int64)


def _follow(record: Record) -> tuple[Trials, NDArray[Any]]:
    settings = IteratedLearningSettings(**record.design.settings)
    generation = int(record.design.tests["generation"][0]) + 1
    rng = np.random.default_rng((record.design.seed, generation))
    return _generation(settings, _answers(record), generation, rng)


def _regular(record: Record) -> Trials:
    """Return one row: the proportion of chains whose learner chose a regular language."""
    settings = IteratedLearningSettings(**record.design.settings)
    regular = settings.hypotheses.regular[_answers(record)]
    at = record.design.tests["generation"][:1]
    y = np.array([regular.mean()])
    counts = {"n": np.array([float(len(regular))]), "correct": np.array([float(regular.sum())])}
    return Trials({"generation": at, "x": at.astype(float), "y": y, "sd": np.sqrt(y * (1 - y)), **counts})


iterated_learning: Final = Paradigm(
    name="iterated_learning",
    version=1,
    reference="Griffiths & Kalish (2007); Kirby (2001)",
    settings=IteratedLearningSettings,
    build=_build,
    measures=(
        Measure(
            "regular", "Generation", "Proportion of compositional (of two: of the first) languages", _regular,
            "Griffiths & Kalish (2007)",
        ),
    ),
    follow=_follow,
)  # fmt: skip
