"""Names: the nearest match to one that somebody mistyped, those that were selected, one in words."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from cogmem.errors import UserError


def selected(wanted: Iterable[str] | None, known: Iterable[str], what: str) -> tuple[str, ...]:
    """Return those of `known` that are wanted (None or none: all), in its order; UserError for another name.

    >>> selected(["b"], ["a", "b"], "letter")
    ('b',)
    """
    every, own = tuple(known), tuple(wanted or ())
    for name in own:
        if name not in every:
            raise UserError(f"There is no {what} {name!r}; {nearest(name, every)}")
    return tuple(name for name in every if not own or name in own)


def nearest(name: str, known: Iterable[str]) -> str:
    """Return "did you mean X?" for the nearest known name, else the list of all: the end of a sentence.

    >>> nearest("powr", ["power", "weibull"])
    "did you mean 'power'?"
    >>> nearest("zzz", ["power", "weibull"])
    'known are: power, weibull.'
    """
    names = sorted(known)
    close = get_close_matches(name, names, n=1, cutoff=0.5)
    return f"did you mean {close[0]!r}?" if close else f"known are: {', '.join(names)}."


def title_of(name: str) -> str:
    """Return a name of the catalogue in words: forgetting_curve is Forgetting curve."""
    return name.replace("_", " ").capitalize()
