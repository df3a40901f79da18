"""From upstream files of serial reproduction to their chains: dots, hues, sentences; read once, used by all tables."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.patterns import turned

Array = NDArray[np.float64]

WORD: Final = re.compile(r"[a-z0-9]+(?:'[a-z]+)?")
_ENGLISH = """
    a about after again all also am an and any are as at be because been before being but by can could did do does
    doing don't down during each few for from further had has have having he her here hers him himself his how i i'm if
    in into is isn't it it's its itself just me more most my myself no nor not now of off on once only or other our ours
    out over own same she should so some such than that that's the their theirs them then there these they this those
    through to too under until up very was we were what when where which while who whom why will with would you your
    yours"""
FUNCTION_WORDS: Final = frozenset(_ENGLISH.split())
"""English words that carry grammar rather than content: left out of content-word overlap."""


def dots(path: Path) -> tuple[Array, NDArray[np.int64]]:
    """Return the displays of 100 chains (chain, generation from 0, dot, axis), px from the middle, and who made them.

    Chains are ordered by display and number, 10 of each of 10; generation 0 (Iter 1 in the file) is the display.
    People (chain, generation) are numbers in the order in which the file has them first: it names them by the ids of
    a crowdsourcing site, which go nowhere.
    """
    found = np.full((10, 10, 20, 15, 2), np.nan)
    people: dict[str, int] = {}
    made_by = np.zeros((10, 10, 20), dtype=np.int64)
    with path.open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            seed, chain, generation, dot = (int(row[name]) - 1 for name in ("Seed", "Chain", "Iter", "dots"))
            found[seed, chain, generation, dot] = float(row["x"]), float(row["y"])
            made_by[seed, chain, generation] = people.setdefault(row["Subject"], len(people))
    return found.reshape(100, 20, 15, 2), made_by.reshape(100, 20)


@dataclass(frozen=True, eq=False)
class Hues:
    """Hues of one experiment, in degrees: `participant` of each chain, `shown` and `answered` (chain, generation)."""

    participant: NDArray[np.str_]
    shown: Array
    answered: Array

    @property
    def errors(self) -> Array:
        """Signed errors in degrees, −180 to 180: (chain, generation)."""
        return turned(self.answered, self.shown)


def hues(path: Path) -> Hues:
    """Return the within-person chains of one experiment, 15 generations each; a chain is a person's `id`."""
    chains: dict[tuple[int, int], list[tuple[int, float, float]]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            place = int(row["subject"]), int(row["id"])
            chains.setdefault(place, []).append((int(row["iteration"]), float(row["items"]), float(row["imgNum"])))
    order = sorted(chains)
    values = np.array([sorted(chains[place]) for place in order])
    return Hues(np.array([f"{person:02d}" for person, _ in order]), values[..., 1] % 360, values[..., 2] % 360)


def words(text: str) -> list[str]:
    """Return the words of a sentence, lower case.

    >>> words("Don't forget: leave the door OPEN!")
    ["don't", 'forget', 'leave', 'the', 'door', 'open']
    """
    return WORD.findall(text.lower().replace("\u2019", "'"))


def edit_distance(one: list[str], other: list[str]) -> float:
    """Return the Levenshtein distance in words, as a share of the longer sentence.

    >>> edit_distance(["the", "old", "dog"], ["the", "dog", "barked", "loud"])
    0.75
    """
    above = list(range(len(other) + 1))
    for i, mine in enumerate(one, 1):
        row = [i]
        for j, theirs in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (mine != theirs)))
        above = row
    return above[-1] / max(len(one), len(other), 1)


def overlap(source: list[str], copy: list[str]) -> float:
    """Return the share of the content words of `source` that `copy` has too; NaN where it has none.

    >>> overlap(words("the old dog barked"), words("a dog that barked"))
    0.6666666666666666
    """
    content = set(source) - FUNCTION_WORDS
    return len(content & set(copy)) / len(content) if content else float("nan")


def generations(parents: Mapping[str, Sequence[str]], roots: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return (generation, root) of every text that descends from a root; `parents` names those of each text.

    A text with several parents, itself among them where it was copied without change, has the least generation.

    >>> generations({"b": ["a"], "c": ["b", "c"]}, ["a"])
    {'a': (0, 'a'), 'b': (1, 'a'), 'c': (2, 'a')}
    """
    found = {root: (0, root) for root in roots}
    children: dict[str, list[str]] = {}
    for text, above in parents.items():
        for parent in above:
            children.setdefault(parent, []).append(text)
    waiting = list(found)
    for text in waiting:
        generation, root = found[text]
        for child in children.get(text, ()):
            if child not in found:
                found[child] = generation + 1, root
                waiting.append(child)
    return found


def sentences(path: Path) -> list[dict[str, Any]]:
    """Return the reproductions of one experiment: root (number), generation, text, parent and root text.

    Rows marked spam and those of training and games are left out. The file names parents by their text, so where
    several sentences are the same the generation is the least that it can be.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["bucket"] == "experiment"]
    roots = sorted({row["text"] for row in rows if row["is_root"] == "True"})
    # Breadth first over all parents of a text, spam too: a chain may go on after a sentence that was marked later.
    parents: dict[str, list[str]] = {}
    for row in rows:
        if row["is_root"] != "True":
            parents.setdefault(row["text"], []).append(row["parent_text"])
    place = generations(parents, roots)
    number = {root: k for k, root in enumerate(roots, 1)}
    return [
        {"root": number[place[parent][1]], "root_text": place[parent][1], "generation": place[parent][0] + 1,
         "text": row["text"], "parent": parent}
        for row in rows
        if row["is_root"] != "True" and row["spam"] == "0" and (parent := row["parent_text"]) in place
    ]  # fmt: skip
