"""The prompts of a design: each with the tests that it asks, and how its answer is read and foreseen."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design
from cogmem.errors import UserError
from cogmem.subjects.language_asking import Line
from cogmem.subjects.language_requests import Completion, Options, Request
from cogmem.subjects.language_streams import candidates, found_in, plain, row_of
from cogmem.subjects.language_templates import Template
from cogmem.subjects.language_walks import Look, along, walk
from cogmem.subjects.streams import Stream, streams

CUT_OFF = -2
"""Stands, while answers are read, for a word that is no item."""


@dataclass(frozen=True, eq=False)
class Asked:
    """One prompt: the stream it tells, the tests it asks (rows of design.tests), and the key of each."""

    stream: Stream
    tests: NDArray[np.int64]
    cues: tuple[int, ...]
    request: Request


@dataclass(frozen=True, eq=False)
class Script:
    """A design in the words of a template: `words` has one for each item."""

    design: Design
    template: Template
    words: tuple[str, ...]

    def prompts(self) -> list[list[Asked]]:
        """Return the prompts of each stream; tests that come to one prompt share it."""
        return [self._of_stream(stream) for stream in streams(self.design)]

    def _of_stream(self, stream: Stream) -> list[Asked]:
        studies, query = self.design.studies, str(self.design.settings.get("query", "last"))
        forget = studies.get("forget", 0)[stream.studies] == 1
        pairs = [
            (self.words[cue], self.words[target], bool(told))
            for cue, target, told in zip(
                studies["cue"][stream.studies], studies["target"][stream.studies], forget, strict=True
            )
        ]
        tested = self.design.tests["cue"][stream.tests]
        cues = list(dict.fromkeys(tested.tolist()))
        opening = self.template.opening(query, [self.words[cue] for cue in cues], pairs)
        groups = [cues] if self.template.per == "stream" else [[cue] for cue in cues]
        return [self._one(stream, opening, query, group, tested) for group in groups]

    def _one(self, stream: Stream, opening: str, query: str, group: list[int], tested: NDArray[np.int64]) -> Asked:
        prompt = opening + self.template.question(query, [self.words[cue] for cue in group])
        request = Request(prompt, self.template.mode, self.template.max_tokens, self.template.stop)
        chosen = np.isin(tested, group)
        return Asked(stream, stream.tests[chosen], tuple(tested[chosen].tolist()), request)

    def _key(self, cue: int) -> str:
        """Return under which word a reply speaks of a key."""
        return "" if self.template.per == "test" else plain(self.words[cue])

    def _candidates(self, asked: Asked, cue: int) -> dict[str, int]:
        return candidates(asked.stream, self.design.studies, cue, self.words)

    def read(self, asked: Asked, completion: Completion, others: dict[str, int]) -> list[int]:
        """Return what is answered to each test of a prompt: an item's row, −1, the number of items, or CUT_OFF.

        A word that was cut off at max_tokens is no word; a whole one that is no item was never among the values.
        """
        matches = found_in(completion.text, self.template)
        cut = completion.finish == "length"
        rows = []
        for cue in asked.cues:
            match = matches.get(self._key(cue))
            row = row_of(match, self._candidates(asked, cue), others, unseen=len(self.words))
            # What a cut answer did not reach, or broke off in, was cut off; what it said before that stands.
            broken = match is None or (row == len(self.words) and match.end() >= len(completion.text.rstrip()))
            rows.append(CUT_OFF if cut and broken else row)
        return rows

    def foresee(self, asked: Asked, line: Line, *, floor: float) -> NDArray[np.float64]:
        """Return the probability of each item for each test of a prompt: (tests, items)."""
        root = self.root(asked, top=line.backend.top)
        ahead = _ahead(root, line) if self._follows else None
        reply = None if self._follows else line.ask(root)
        rows = np.zeros((len(asked.cues), len(self.words)))
        for row, cue in zip(rows, asked.cues, strict=True):
            look = ahead if reply is None else self._behind(reply, cue, line)
            if look is None:
                continue
            columns = self._candidates(asked, cue)
            said = walk(tuple(columns), look, stop=self.template.stop, floor=floor)
            row[list(columns.values())] = list(said.values())
        return rows

    @property
    def _follows(self) -> bool:
        """Whether the model can be made to go on from the beginning of an answer."""
        return self.template.mode == "completion" and self.template.per == "test"

    def root(self, asked: Asked, *, top: int) -> Request:
        """Return the request that a forecast begins with."""
        if self._follows:
            return replace(asked.request, max_tokens=1, stop=(), top=top)
        return replace(asked.request, top=top)

    def _behind(self, reply: Completion, cue: int, line: Line) -> Look | None:
        """Return what a reply's own steps tell of a key, None where it does not speak of it."""
        if reply.steps is None:
            raise no_probabilities(line)
        match = found_in(reply.text, self.template).get(self._key(cue))
        look = along(reply, match.start("value")) if match else None
        return look if look and look("") is not None else None


def _ahead(root: Request, line: Line) -> Look:
    """Return a look at what comes next by asking the model to go on from the prompt and an answer's beginning."""

    def look(begun: str) -> Options:
        steps = line.ask(replace(root, prompt=root.prompt + begun)).steps
        if steps is None:
            raise no_probabilities(line)
        return steps[0].options if steps else {}

    return look


def no_probabilities(line: Line) -> UserError:
    return UserError(
        f"{line.backend.model} is served without log-probabilities, so there is no forecast; take a server that gives "
        "them (`cogmem llm check` says which does), or the answers alone."
    )
