"""A language model that takes an experiment: the design becomes a prompt, its answer a row of the design's items.

Wang & Sun (2025, "Unable to Forget") give language models streams of updated values and ask for the last of each key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.progress import Report, silent
from cogmem.subjects.choices import refuse_recognition
from cogmem.subjects.language_asking import Line, Memory, Remembered, check, in_batches, side_by_side
from cogmem.subjects.language_prompts import CUT_OFF, Asked, Script
from cogmem.subjects.language_requests import Backend
from cogmem.subjects.language_streams import everything, words_of
from cogmem.subjects.language_templates import Template, load_template

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Usage:
    """What a design cost: `requests` were needed, of which `sent` were not remembered, and their tokens.

    Of the `tests`, `unparsable` have no answer, `unseen` a word that is no item of the design, and `truncated` come
    from an answer that was cut at the template's max_tokens. Tokens count remembered requests too.
    """

    tests: int
    unparsable: int
    unseen: int
    truncated: int
    requests: int
    sent: int
    tokens_in: int
    tokens_out: int

    def cost(self, *, price_in: float, price_out: float) -> float:
        """Return what the tokens cost, at prices a million tokens.

        >>> Usage(1, 0, 0, 0, 1, 1, 2_000_000, 500_000).cost(price_in=0.5, price_out=2.0)
        2.0
        """
        return (self.tokens_in * price_in + self.tokens_out * price_out) / 1e6


@dataclass(frozen=True, eq=False)
class Replies:
    """The answers to a design's tests (see LanguageModel.answer), the text that each was read from, and the usage."""

    answers: NDArray[np.int64]
    texts: tuple[str, ...]
    usage: Usage


@dataclass(frozen=True, eq=False)
class LanguageModel:
    """A language model that is told the pairs of a stream and asked for values of its keys.

    Each of `design.items` is a row of `vocabulary`. `memory` (a Store) keeps every answer, so that nothing is asked
    twice and a killed run goes on where it was. At a `temperature` above 0 answers are drawn, with the seed of the run.
    A forecast follows beginnings of answers down to a probability of `floor`.
    """

    backend: Backend
    vocabulary: Sequence[str] | NDArray[np.str_]
    template: Template = field(default_factory=partial(load_template, "pairs"))
    memory: Memory | Remembered | None = None
    report: Report = silent
    temperature: float = 0.0
    floor: float = 0.001
    name: str = ""
    version: int = 1
    kind: Kind = "language_model"
    needs: frozenset[str] = frozenset({"cue", "list"})
    identity: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.temperature < np.inf or not 0 < self.floor <= 1:
            raise UserError(
                f"A language model needs a temperature of 0 or more and a floor above 0 and up to 1; got "
                f"{self.temperature} and {self.floor}."
            )
        words = np.array(self.vocabulary, dtype=np.str_)
        words.setflags(write=False)
        object.__setattr__(self, "vocabulary", words)
        object.__setattr__(self, "memory", _remembered(self.memory))
        object.__setattr__(self, "identity", dict(self.backend.identity))
        object.__setattr__(self, "name", self.name or f"{self.backend.model} ({self.template.name})")

    def answer(self, design: Design, rng: np.random.Generator) -> NDArray[np.int64]:
        """Return the item named in each test, −1 for no answer, the number of items for a word that is no item."""
        return self.replies(design, rng).answers

    def replies(self, design: Design, rng: np.random.Generator) -> Replies:
        """Return the answers with their texts and what they cost; with a memory, asking once more costs nothing."""
        script = self._script(design)
        prompts = script.prompts()
        if self.temperature:
            prompts = [[self._drawn(each, rng) for each in stream] for stream in prompts]
        answers, texts = np.full(len(design.tests), -1), np.full(len(design.tests), "", dtype=object)
        with self._line() as line:
            check(line, [each.request for stream in prompts for each in stream])
            self._go_through(line, prompts, lambda each: line.ask(each.request))
            others = everything(script.words)
            for each in chain.from_iterable(prompts):
                completion = line.ask(each.request)
                answers[each.tests], texts[each.tests] = script.read(each, completion, others), completion.text
            usage = _usage(line, answers, unseen=len(script.words))
        return Replies(np.maximum(answers, -1), tuple(texts.tolist()), usage)

    def forecast(self, design: Design) -> Array:
        """Return how likely each item is to be the answer: (tests, items + 1); the last column is anything else.

        Items are the values that the stream holds; all others have 0. Where one prompt asks for several keys, or in a
        chat, the probabilities stand along the model's own reply: what it did not say of a key is anything else.
        UserError where the backend gives no log-probabilities.
        """
        return self.foresee(design)[0]

    def foresee(self, design: Design) -> tuple[Array, Usage]:
        """Return the forecast and what it cost."""
        script = self._script(design)
        prompts = script.prompts()
        rows = np.zeros((len(design.tests), len(script.words) + 1))
        with self._line() as line:

            def do(each: Asked) -> None:
                rows[each.tests, :-1] = script.foresee(each, line, floor=self.floor)

            check(line, [script.root(each, top=self.backend.top) for stream in prompts for each in stream])
            self._go_through(line, prompts, do)
            usage = _usage(line, np.zeros(len(rows)), unseen=len(script.words))
        rows[:, -1] = np.maximum(1 - rows.sum(axis=1), 0.0)
        return rows / rows.sum(axis=1, keepdims=True), usage

    def _script(self, design: Design) -> Script:
        refuse_recognition(design, self.name)
        return Script(design, self.template, words_of(design, np.asarray(self.vocabulary), self.template))

    def _drawn(self, asked: Asked, rng: np.random.Generator) -> Asked:
        seed = int(rng.integers(2**31))
        return replace(asked, request=replace(asked.request, temperature=self.temperature, seed=seed))

    @contextmanager
    def _line(self) -> Iterator[Line]:
        content = {"model": self.identity, "template": self.template.sha256}
        with ExitStack() as closing:
            yield Line(self.backend, _remembered(self.memory), content, closing)

    def _go_through(self, line: Line, prompts: Sequence[Sequence[Asked]], do: Callable[[Asked], object]) -> None:
        side_by_side(line, in_batches(prompts, self.backend.concurrency), do, report=self.report)


def _remembered(memory: Memory | Remembered | None) -> Remembered:
    return memory if isinstance(memory, Remembered) else Remembered(memory)


def _usage(line: Line, answers: NDArray[Any], *, unseen: int) -> Usage:
    done = line.known
    return Usage(
        tests=len(answers),
        unparsable=int((answers < 0).sum()),
        unseen=int((answers == unseen).sum()),
        truncated=int((answers == CUT_OFF).sum()),
        requests=len(done),
        sent=len(line.sent),
        tokens_in=sum(each.tokens_in for each in done),
        tokens_out=sum(each.tokens_out for each in done),
    )
