"""How unlikely sequences of keys are to a language model that was told those before them (Wu et al., 2025).

All sequences that a person has read stand in the prompt, a line each; the model is asked, key by key, what comes next.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np

from cogmem.core import Kind, Source
from cogmem.errors import UserError
from cogmem.progress import Report, silent
from cogmem.subjects.chunking import NOTHING_RECALLED, Array, Readings, SequenceModel, Streams, Symbols
from cogmem.subjects.language_asking import Line, Memory, Remembered, in_batches, side_by_side
from cogmem.subjects.language_requests import Backend, Completion, Options, Request, Step, check_window

KEYS: Final = tuple("SDFJKL")
"""Of the published experiment."""
LEAST: Final = 1e-12
"""No chance is below this, which stands where rounding leaves nothing to a key."""


@dataclass(frozen=True)
class ReadingUsage:
    """What reading cost: `requests` were needed, of which `sent` were not remembered, and their tokens.

    Of the `chances` (places times keys), `unreported` are of keys that were not among the reported tokens; of the
    symbols `to_say` in recall, `unsaid` were not said. Tokens count remembered requests too.
    """

    chances: int
    unreported: int
    to_say: int
    unsaid: int
    requests: int
    sent: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True, eq=False)
class Reading:
    """The readings of a language model, and what they cost.

    `token_nats` (people, sequences): -ln p of the keys' tokens among all tokens, where `readings.nats` is among keys.
    """

    readings: Readings
    token_nats: Array
    usage: ReadingUsage


@dataclass(frozen=True)
class Told:
    """A sequence in a prompt: `opening` is all before it, `pieces` what each symbol adds, its key at the end."""

    opening: str
    pieces: tuple[str, ...]

    def before(self, place: int) -> tuple[str, str]:
        """Return the prompt that a symbol follows, and the space that its token begins with.

        Tokenizers put the space between words at the beginning of a token, so a prompt does not end with one.
        """
        whole = self.opening + "".join(self.pieces[:place]) + self.pieces[place][:-1]
        prompt = whole.rstrip(" ")
        return prompt, whole[len(prompt) :]

    def request(self, place: int, top: int) -> Request:
        """Return the question what comes at a place."""
        return Request(self.before(place)[0], max_tokens=1, top=top)


def key_chances(options: Options, texts: Sequence[str]) -> tuple[Array, int]:
    """Return the chance of each of `texts` by the log-probabilities of tokens, and how many were not reported.

    What is not reported is given the chance of the least likely token that is, or its even share of what all these
    leave, if that is less.

    >>> key_chances({" a": -0.693147, "b": -2.302585, " c": -1.609438}, (" a", " b", " c"))[0].round(3).tolist()
    [0.5, 0.1, 0.2]
    """
    known = {text: math.exp(logprob) for text, logprob in options.items()}
    unreported = sum(text not in known for text in texts)
    share = (1 - math.fsum(known.values())) / max(unreported, 1)
    other = min(share, *known.values()) if known else share
    return np.array([max(known.get(text, other), LEAST) for text in texts]), unreported


@dataclass(frozen=True)
class _Tally:
    """What came of one sequence."""

    chances: int
    unreported: int
    unsaid: int
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class LanguageReader:
    """A language model that reads sequences: its prompt is `opening`, then each sequence and `end`.

    Symbol k is `keys[k]`, a letter; `joint` stands between two of them. Only the last `context` sequences are told
    (None: all), which is slower where a server keeps the beginning of a prompt. `memory` (a Store) keeps what was said
    of each sequence, so that a killed run goes on where it was. Models are asked to go on with a text, not in a chat.
    """

    backend: Backend
    keys: Sequence[str] = KEYS
    opening: str = "Sequences of the keys S, D, F, J, K and L:\n"
    joint: str = " "
    end: str = "\n"
    context: int | None = None
    memory: Memory | Remembered | None = None
    report: Report = silent
    name: str = ""
    version: int = 1
    kind: Kind = "language_model"
    identity: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        keys = tuple(self.keys)
        if len(set(keys)) < len(keys) or any(len(key) != 1 or key.isspace() for key in keys):
            raise UserError(f"Keys are single characters, each once and none a space; got {list(keys)}.")
        if not self.opening.strip() or not self.end.strip(" ") or set(keys) & {*self.joint, *self.end}:
            raise UserError(
                "An opening has words, the end of a sequence more than spaces, and neither end nor joint a key; got "
                f"{self.opening!r}, {self.end!r} and {self.joint!r}."
            )
        if self.context is not None and self.context < 0:
            raise UserError(f"The context is 0 or more sequences, or None for all; got {self.context}.")
        object.__setattr__(self, "keys", keys)
        object.__setattr__(self, "memory", _remembered(self.memory))
        object.__setattr__(self, "identity", dict(self.backend.identity))
        object.__setattr__(self, "name", self.name or f"{self.backend.model} (sequences)")

    @property
    def model(self) -> SequenceModel:
        """The reader among other models of sequences; it compresses nothing."""
        return SequenceModel(self.name, self.version, self.kind, "Wu et al. (2025)", read=self.read)

    def read(self, streams: Streams, seed: int, recall: bool = False) -> Readings:
        """Return `units`, the keys of each sequence, and `nats`, -ln p, a key's chance being its share of all keys'.

        With `recall` the model reads each sequence and the first key of one more, which it ends by chance (at a
        temperature of 1; its seed is drawn from `seed`, on which nothing else depends). UserError where the backend
        gives no log-probabilities.
        """
        return self.account(streams, seed, recall).readings

    def account(self, streams: Streams, seed: int, recall: bool = False) -> Reading:
        """Return the readings, how likely their tokens were, and what they cost; asked again it costs nothing."""
        if streams.n_symbols != len(self.keys):
            raise UserError(f"{streams.n_symbols} symbols need as many keys; got {' '.join(self.keys)}.")
        given = streams.sequences
        people, n, _ = given.shape
        nats, token_nats = np.zeros((people, n)), np.zeros((people, n))
        recalled = np.full(given.shape, -1, np.int32) if recall else NOTHING_RECALLED
        seeds = np.random.default_rng([seed, 61]).integers(2**31, size=(people, n))
        told = [self._told(streams.of(person)) for person in range(people)]
        with self._line() as line:

            def do(at: tuple[int, int]) -> _Tally:
                answer = self._asked(line, told[at[0]][at[1]])
                nats[at], token_nats[at], tally = self._nats(told[at[0]][at[1]], given[at], answer)
                if not recall:
                    return tally
                said = line.ask(self._recall(told[at[0]][at[1]], int(seeds[at])))
                recalled[at] = self._said(said.text, given[at])
                return _and_recall(tally, said, int(((recalled[at] < 0) & (given[at] >= 0)).sum()))

            self._check(line, told, recall)
            jobs = in_batches([[(person, k) for k in range(n)] for person in range(people)], self.backend.concurrency)
            tallies = [each for batch in side_by_side(line, jobs, do, report=self.report) for each in batch]
            usage = self._usage(tallies, given, len(line.sent), recall)
        return Reading(Readings((given >= 0).sum(-1).astype(np.float64), nats, recalled), token_nats, usage)

    # ---- prompts --------------------------------------------------------------------------------------------------

    def _told(self, sequences: Sequence[Symbols]) -> list[Told]:
        """Return a person's sequences, each after those before it."""
        pieces = [
            tuple(self.joint * (place > 0) + self.keys[symbol] for place, symbol in enumerate(each))
            for each in sequences
        ]
        lines = ["".join(each) + self.end for each in pieces]
        first = [0 if self.context is None else max(0, k - self.context) for k in range(len(lines))]
        return [Told(self.opening + "".join(lines[first[k] : k]), each) for k, each in enumerate(pieces)]

    def _recall(self, told: Told, seed: int) -> Request:
        """Return the question how a sequence goes on that begins like the one just told."""
        prompt = told.opening + "".join(told.pieces) + self.end + told.pieces[0]
        # A joint that is more than a space is a token of its own.
        tokens = (len(told.pieces) - 1) * (2 if self.joint.strip() else 1)
        return Request(prompt, max_tokens=max(tokens, 1), stop=(self.end,), temperature=1.0, seed=seed)

    def _said(self, text: str, sequence: Symbols) -> Symbols:
        """Return the symbols of a recalled sequence, the first of which was given; -1 for what is no key."""
        said = [each for each in text if not each.isspace() and each not in self.joint]
        symbols = [int(sequence[0]), *(self.keys.index(each) if each in self.keys else -1 for each in said)]
        symbols += [-1] * len(sequence)
        return np.where(sequence >= 0, symbols[: len(sequence)], -1).astype(np.int32)

    # ---- asking ---------------------------------------------------------------------------------------------------

    @contextmanager
    def _line(self) -> Iterator[Line]:
        content = {"model": self.identity, "reader": self.version}
        with ExitStack() as closing:
            yield Line(self.backend, _remembered(self.memory), content, closing)

    def _spec(self, line: Line, told: Told) -> dict[str, Any]:
        """Return what determines the answer about a sequence."""
        return {**line.content, "told": told, "top": self.backend.top}

    def _check(self, line: Line, told: Sequence[Sequence[Told]], recall: bool) -> None:
        """Raise UserError, before anything is sent, where a prompt does not fit the window."""
        for person in told:
            new = [each for each in person if recall or not line.memory.has(self._spec(line, each))]
            if new:
                longest = max(new, key=lambda each: len(each.opening) + sum(map(len, each.pieces)))
                last = longest.request(len(longest.pieces) - 1, self.backend.top)
                check_window(line.session, [self._recall(longest, 0) if recall else last])

    def _asked(self, line: Line, told: Told) -> Completion:
        """Return what could have come at each place of a sequence, a step a symbol; kept as one answer.

        A long run has tens of thousands of keys, each with many tokens, so they are not kept one by one.
        """

        def make() -> Completion:
            answers = []
            for place in range(len(told.pieces)):
                request = told.request(place, self.backend.top)
                answers.append(line.session.complete(request, line.stopped))
                line.sent.append(request)
            return _joined(told, answers, line)

        return line.memory(self._spec(line, told), make, Source(who=self.backend.model, kind=self.kind))

    def _nats(self, told: Told, sequence: Symbols, answer: Completion) -> tuple[float, float, _Tally]:
        """Return the nats of a sequence among keys and among tokens, and the tally."""
        among_keys = among_tokens = 0.0
        unreported = 0
        for place, (symbol, step) in enumerate(zip(sequence, answer.steps or (), strict=False)):
            space = told.before(place)[1]
            chances, missing = key_chances(step.options, [space + key for key in self.keys])
            among_keys -= math.log(chances[symbol] / chances.sum())
            among_tokens -= math.log(chances[symbol])
            unreported += missing
        n = len(told.pieces)
        return among_keys, among_tokens, _Tally(n * len(self.keys), unreported, 0, answer.tokens_in, answer.tokens_out)

    def _usage(self, tallies: Sequence[_Tally], given: Symbols, sent: int, recall: bool) -> ReadingUsage:
        symbols = int((given >= 0).sum())
        asked = given[..., 0].size
        return ReadingUsage(
            chances=sum(each.chances for each in tallies),
            unreported=sum(each.unreported for each in tallies),
            to_say=(symbols - asked) * recall,
            unsaid=sum(each.unsaid for each in tallies),
            requests=symbols + asked * recall,
            sent=sent,
            tokens_in=sum(each.tokens_in for each in tallies),
            tokens_out=sum(each.tokens_out for each in tallies),
        )


def _remembered(memory: Memory | Remembered | None) -> Remembered:
    return memory if isinstance(memory, Remembered) else Remembered(memory)


def _joined(told: Told, answers: Sequence[Completion], line: Line) -> Completion:
    """Return the answers about a sequence as one; where the model ended the text, that was all that could come."""
    if any(each.steps is None for each in answers):
        raise UserError(
            f"{line.backend.model} is served without log-probabilities, so nobody knows how likely a sequence is; take "
            "a server that gives them (`cogmem llm check` says which does)."
        )
    steps = tuple(each.steps[0] if each.steps else Step("", {"": 0.0}) for each in answers)
    counts = sum(each.tokens_in for each in answers), sum(each.tokens_out for each in answers)
    return Completion("".join(told.pieces), *counts, "told", steps)


def _and_recall(tally: _Tally, said: Completion, unsaid: int) -> _Tally:
    counts = tally.tokens_in + said.tokens_in, tally.tokens_out + said.tokens_out
    return replace(tally, unsaid=unsaid, tokens_in=counts[0], tokens_out=counts[1])
