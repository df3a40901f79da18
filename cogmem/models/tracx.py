"""TRACX and TRACX2: networks that reproduce what they see, and know chunks by how well they do.

An autoassociator sees two halves: on the right a symbol, on the left what came before it. If that was recognised, what
came before is the network's inner state, which stands for both its halves; if not, it is only the last symbol. TRACX
(French, Addyman & Mareschal, 2011) decides by a criterion, TRACX2 (French & Cottrell, 2014; Mareschal & French, 2017)
mixes both.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final

import numpy as np

from cogmem.errors import UserError
from cogmem.subjects.chunking import Array, SequenceModel, Symbols, checked, one_by_one


@dataclass(frozen=True)
class Autoassociation:
    """How the network learns; defaults are published but for `slope`, `spread` and momentum, which is left out (0).

    `hard`: TRACX; else TRACX2. `criterion`: error below which two halves are recognised; TRACX2 counts units by it.
    `practice`: chance that TRACX learns by what it has recognised; TRACX2 always learns. `slope`: of tanh(slope error),
    the share of the last symbol in the left half of TRACX2. Its form is that of the publications, which were not at
    hand for its number: 3 is a choice. `rate`: of learning; `offset`: added to the slope of each unit (Fahlman);
    `bias`: of the unit that is always on; `spread`: weights begin between -spread and spread.
    """

    hard: bool = False
    criterion: float = 0.4
    rate: float = 0.04
    practice: float = 0.25
    slope: float = 3.0
    offset: float = 0.1
    bias: float = -1.0
    spread: float = 0.5

    def __post_init__(self) -> None:
        if not min(self.criterion, self.rate, self.slope, self.spread) > 0 or self.offset < 0:
            raise UserError(
                "criterion, rate, slope and spread are above 0, and offset is 0 or more; got "
                f"{self.criterion}, {self.rate}, {self.slope}, {self.spread} and {self.offset}."
            )
        if not 0 <= self.practice <= 1:
            raise UserError(f"practice is a chance, 0 to 1; got {self.practice}.")


@dataclass(frozen=True, eq=False)
class Seen:
    """What the network makes of two halves: `given` (2 n + 1,) and `hidden` (n + 1,) with their bias, `made` (2 n,)."""

    given: Array
    hidden: Array
    made: Array

    @property
    def error(self) -> float:
        """The largest absolute difference between what was given and what was made of it, 0 to 2."""
        return float(np.abs(self.made - self.given[:-1]).max())


@dataclass(eq=False)
class TracxReader:
    """Somebody who reproduces pairs of halves; a symbol is +1 at its place and -1 elsewhere, of n_symbols units.

    The inner state has n_symbols units, too, so that it fits into a half. All units are tanh. Sequences begin anew.
    """

    n_symbols: int
    rng: np.random.Generator
    rule: Autoassociation = Autoassociation()
    inner: Array = field(init=False)
    """Weights to the inner state, (2 n_symbols + 1, n_symbols)."""
    outer: Array = field(init=False)
    """Weights from the inner state, (n_symbols + 1, 2 n_symbols)."""
    _codes: Array = field(init=False)

    def __post_init__(self) -> None:
        n, spread = self.n_symbols, self.rule.spread
        self.inner = self.rng.uniform(-spread, spread, (2 * n + 1, n))
        self.outer = self.rng.uniform(-spread, spread, (n + 1, 2 * n))
        self._codes = 2 * np.eye(n) - 1

    def see(self, left: Array, right: Array) -> Seen:
        """Return what comes of two halves, (n_symbols,) each."""
        bias = np.array([self.rule.bias])
        given = np.concatenate([left, right, bias])
        hidden = np.concatenate([np.tanh(given @ self.inner), bias])
        return Seen(given, hidden, np.tanh(hidden @ self.outer))

    def learn(self, seen: Seen) -> None:
        """Change the weights down the slope of half the squared error, with the offset (Fahlman, 1988)."""
        rule = self.rule
        out = (seen.made - seen.given[:-1]) * (1 - seen.made**2 + rule.offset)
        # The bias unit sends nothing back.
        back = (self.outer[:-1] @ out) * (1 - seen.hidden[:-1] ** 2 + rule.offset)
        self.outer -= rule.rate * np.outer(seen.hidden, out)
        self.inner -= rule.rate * np.outer(seen.given, back)

    def left(self, last: int, seen: Seen | None, *, tested: bool = False) -> Array:
        """Return the left half (n_symbols,) after a symbol and what it was seen as part of, None for the first.

        When TRACX is tested, all before is one chunk, as in the published simulations: else a string that is not
        recognised would be judged by its last two symbols alone.
        """
        symbol: Array = self._codes[last]
        if seen is None:
            return symbol
        inner: Array = seen.hidden[:-1]
        if self.rule.hard:
            return inner if tested or seen.error < self.rule.criterion else symbol
        share = np.tanh(self.rule.slope * seen.error)
        mixed: Array = (1 - share) * inner + share * symbol
        return mixed

    def errors(self, sequence: Symbols, *, learn: bool) -> Array:
        """Return the error of each pair of neighbours (length - 1,), as it is met, before it may be learned."""
        listed, errors = checked(sequence, self.n_symbols), []
        seen: Seen | None = None
        for last, symbol in pairwise(listed):
            strange = not self.rule.hard or seen is None or seen.error >= self.rule.criterion
            left = self.left(last, seen, tested=not learn)
            seen = self.see(left, self._codes[symbol])
            errors.append(seen.error)
            if learn and (strange or self.rng.random() < self.rule.practice):
                self.learn(seen)
                # As published, recognition is by what is known after learning.
                seen = self.see(left, self._codes[symbol])
        return np.array(errors)

    def read(self, sequence: Symbols) -> tuple[float, float]:
        """Return 1 + how many errors are above the criterion, and their sum in place of nats; and learn.

        The network has no chances. Errors are those of before learning at the place, 0 to 2 each.
        """
        errors = self.errors(sequence, learn=True)
        return float(1 + (errors > self.rule.criterion).sum()), float(errors.sum())

    def judge(self, sequence: Symbols) -> float:
        """Return the mean error of a sequence that is not learned, 0 for one symbol: strings of any length compare."""
        errors = self.errors(sequence, learn=False)
        return float(errors.mean()) if errors.size else 0.0


def autoassociator(rule: Autoassociation, *, name: str, reference: str) -> SequenceModel:
    """Return the network with these settings."""

    def reader(n_symbols: int, rng: np.random.Generator) -> TracxReader:
        return TracxReader(n_symbols, rng, rule)

    return SequenceModel(name, 1, "network", reference, read=one_by_one(reader), reader=reader)


tracx2: Final = autoassociator(Autoassociation(), name="tracx2", reference="Mareschal & French (2017)")
"""With graded chunks."""
tracx_2011: Final = autoassociator(
    Autoassociation(hard=True), name="tracx", reference="French, Addyman & Mareschal (2011)"
)
"""With chunks that are recognised or not."""
