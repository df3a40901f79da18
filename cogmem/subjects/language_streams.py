"""A design in words: which tests a prompt asks, the words of its rows, and which row an answer names."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design
from cogmem.errors import UserError
from cogmem.subjects.language_templates import Template
from cogmem.subjects.streams import Stream
from cogmem.trials import Trials

Ints = NDArray[np.int64]
AROUND: Final = " \t\r\n\"'`*_.,;:!()[]<>\N{LEFT DOUBLE QUOTATION MARK}\N{RIGHT DOUBLE QUOTATION MARK}"


def plain(text: str) -> str:
    """Return text in the form in which answers are compared: case, outer marks and runs of space make no difference.

    >>> plain(' "Great  Tit".')
    'great tit'
    """
    return " ".join(text.split()).strip(AROUND).casefold()


def words_of(design: Design, vocabulary: NDArray[np.str_], template: Template) -> tuple[str, ...]:
    """Return the word of each of the design's items; UserError where the vocabulary or the template cannot say it."""
    items = np.asarray(design.items)
    if items.ndim != 1 or items.dtype.kind not in "iu":
        raise UserError(
            f"The items of {design.paradigm!r} are {items.dtype} of shape {items.shape}, but a language model needs "
            "one row of the vocabulary for each; take a design whose items are numbered words."
        )
    if len(items) and not 0 <= int(items.min()) <= int(items.max()) < len(vocabulary):
        row = int(items.max()) if items.max() >= len(vocabulary) else int(items.min())
        raise UserError(
            f"The design names row {row} of the vocabulary, which has {len(vocabulary)} words (rows 0 to "
            f"{len(vocabulary) - 1}); give a larger vocabulary or a design with fewer items."
        )
    words = tuple(str(vocabulary[row]) for row in items)
    used = np.unique(np.concatenate([design.trials[name].astype(np.int64) for name in ("cue", "target")]))
    for row in used[(used >= 0) & (used < len(words))]:
        word = words[row]
        if not plain(word) or any(stop in word for stop in template.stop):
            raise UserError(
                f"The word {word!r} of the vocabulary is empty or holds what ends an answer of the template "
                f"{template.name!r}; take it out."
            )
    return words


def candidates(stream: Stream, studies: Trials, cue: int, words: Sequence[str]) -> dict[str, int]:
    """Return the item row of each value that a stream holds, by its plain word.

    Where several rows have one word, it is the key's own value, the later before the earlier.
    """
    targets, cues = studies["target"][stream.studies], studies["cue"][stream.studies]
    found: dict[str, int] = {}
    for row in (*targets[cues == cue][::-1].tolist(), *targets[cues != cue][::-1].tolist()):
        found.setdefault(plain(words[row]), row)
    return found


def everything(words: Sequence[str]) -> dict[str, int]:
    """Return the first item row of each plain word."""
    found: dict[str, int] = {}
    for row, word in enumerate(words):
        found.setdefault(plain(word), row)
    return found


def found_in(text: str, template: Template) -> Mapping[str, re.Match[str]]:
    """Return where an answer speaks of each key (by its plain word), the last time that it does.

    A template that asks for one key at a time has its first match under the empty word.
    """
    matches = re.finditer(template.answer, text)
    if template.per == "test":
        first = next(matches, None)
        return {"": first} if first else {}
    return {plain(each["cue"]): each for each in matches}


def row_of(match: re.Match[str] | None, own: Mapping[str, int], others: Mapping[str, int], *, unseen: int) -> int:
    """Return the item row that an answer names, −1 for no answer, `unseen` for a word that is no item."""
    said = plain(match["value"] or "") if match else ""
    return own.get(said, others.get(said, unseen)) if said else -1
