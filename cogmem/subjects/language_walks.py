"""How likely a model is to say each of some words: a walk over the tokens that it could go on with."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

from cogmem.subjects.language_requests import Completion, Options
from cogmem.subjects.language_streams import AROUND

Look: TypeAlias = Callable[[str], Options | None]
DEEPEST: Final = 48


def heard(text: str) -> str:
    """Return the beginning of an answer in the form in which it is compared; a space at its end is kept.

    >>> heard(' "Sand '), heard(" sand  fl")
    ('sand ', 'sand fl')
    """
    begun = text.lstrip(AROUND)
    space = " " if begun != begun.rstrip() else ""
    return " ".join(begun.split()).casefold() + space


def walk(words: Sequence[str], look: Look, *, stop: Sequence[str], floor: float) -> dict[str, float]:
    """Return the probability of each of `words` (plain) to be said; what is missing to 1 goes to anything else.

    `look` gives the log-probabilities of what comes after an answer's beginning, None where that cannot be known. A
    beginning counts for a word as soon as it fits no other one. One that fits several is followed, unless its
    probability is below `floor`: then, as where it cannot be known, the words share it evenly.
    """
    found = dict.fromkeys(words, 0.0)
    waiting = [("", 1.0)]
    while waiting:
        begun, p = waiting.pop()
        known = None if begun and (p < floor or len(begun) > DEEPEST) else look(begun)
        if known is None:
            fitting = _fitting(begun, words)
            for word in fitting:
                found[word] += p / len(fitting)
            continue
        for token, logprob in known.items():
            share = p * math.exp(logprob)
            text, over = _cut(begun + token, stop)
            over = over or not token
            fitting = [heard(text)] if over and heard(text) in found else [] if over else _fitting(text, words)
            if len(fitting) > 1 or (fitting and not heard(text)):
                waiting.append((text, share))
            elif fitting or (ended := _ended(text, words)):
                found[fitting[0] if fitting else ended] += share
    return found


def _fitting(text: str, words: Sequence[str]) -> list[str]:
    """Return the words that an answer that begins so may still become."""
    begun = heard(text)
    return [word for word in words if word.startswith(begun)]


def _ended(text: str, words: Sequence[str]) -> str:
    """Return the longest word that an answer holds to its end, marks or space after it, else nothing."""
    begun = heard(text)
    held = [word for word in words if begun.startswith(word) and not begun[len(word) : len(word) + 1].isalnum()]
    # "house cat" is no "house": what goes on in words is another answer.
    held = [
        word for word in held if not any(each.isalnum() for each in begun[len(word) :]) or "<" in begun[len(word) :]
    ]
    return max(held, key=len, default="")


def _cut(text: str, stop: Sequence[str]) -> tuple[str, bool]:
    """Return the text before the first of the stop texts, and whether there was one."""
    ends = [at for at in (text.find(each) for each in stop) if at >= 0]
    return (text[: min(ends)], True) if ends else (text, False)


def along(completion: Completion, at: int) -> Look:
    """Return what a reply's own steps tell of the answer from its character `at` on; nothing off its path."""
    place, known = 0, dict[str, Options]()
    said: str | None = None
    for step in completion.steps or ():
        end = place + len(step.token)
        if said is None and end > at:
            # The token may bring the space before the answer, but no more than that.
            said = "" if not step.token[: max(at - place, 0)].strip(AROUND) else None
            if said is None:
                break
        if said is not None:
            known[said] = step.options
            said += step.token
        place = end
    return known.get
