"""Bayesian learners of languages in iterated learning (Griffiths & Kalish, 2007)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.languages import languages_of
from cogmem.names import nearest

RULES: Final = ("sample", "map", "tempered")


@dataclass(frozen=True)
class LanguageLearner:
    """A learner with prior probability `alpha` of the regular languages, who believes speakers slip with `noise`.

    It answers a draw from the posterior ("sample"), the most probable language ("map"; one of them at random where
    several are), or a draw from the posterior raised to `temper`.
    """

    alpha: float
    noise: float = 0.05
    rule: Literal["sample", "map", "tempered"] = "sample"
    temper: float = 1.0
    name: str = "language_learner"
    kind: Kind = "bayesian"
    needs: frozenset[str] = frozenset({"item"})

    def __post_init__(self) -> None:
        if self.rule not in RULES:
            raise UserError(f"A learner has no rule {self.rule!r}; {nearest(self.rule, RULES)}")
        if not 0 < self.noise < 1 or not 0 < self.alpha < 1 or not self.temper > 0:
            raise UserError(
                "A learner needs alpha and noise between 0 and 1 and a temper above 0; got "
                f"{self.alpha}, {self.noise}, {self.temper}."
            )

    def forecast(self, design: Design) -> NDArray[np.float64]:
        """Return how likely the learner is to choose each language after what it heard: (tests, languages)."""
        languages = languages_of(design.settings)
        heard = design.items[design.tests["item"]]
        log = np.log(languages.prior(self.alpha)) + languages.log_likelihood(heard, self.noise)
        log = log - log.max(axis=1, keepdims=True)
        # Equal posteriors differ by rounding; languages this near are taken for equally probable.
        chosen = (log > -1e-9).astype(np.float64) if self.rule == "map" else np.exp(self.temper * log)
        return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the number of the language chosen in each test."""
        edges = np.cumsum(self.forecast(design), axis=1)
        return np.asarray((edges < (rng.random(len(edges)) * edges[:, -1])[:, None]).sum(axis=1), dtype=np.int64)
