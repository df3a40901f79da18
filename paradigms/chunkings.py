"""Chunking: sequences of symbols with parts that come again, read one after another, recalled, coded or told apart.

Four kinds of material: sequences of keys made from a template with slots, trained and then transferred (Wu, Thalmann &
Schulz, 2025); lists of which one comes again and again (Hebb, 1961); streams of words without pauses (Saffran, Newport
& Aslin, 1996); and sequences of chunks and variables that are themselves made of such (Wu et al., 2025).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Paradigm
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.paradigms.chunking_measures import MEASURES
from cogmem.paradigms.nested_chunks import generated
from cogmem.trials import Trials

Symbols = NDArray[np.int32]
Rows = dict[str, NDArray[Any]]

MATERIALS: Final = ("template", "lists", "words", "nested")
TESTS: Final = ("recall", "reading", "compression", "choice")
GROUPS: Final = ("fixed", "variable")
NO_END: Final = -1
"""Behind the last symbol of an item that is shorter than others."""


@dataclass(frozen=True)
class ChunkingSettings:
    """Settings, by `material`.

    "template": `groups` of people ("fixed", "variable") of `n_participants` each. A template has `n_groups` groups of
    `group_length` keys, the last but one of which is a slot; the others are group_length - 1 fixed keys in a random
    order. A sequence fills the slots with n_groups other keys in some order: always the same one in the `n_training`
    sequences of the fixed group, any in those of the variable one and in the `n_transfer` sequences of a new template.

    "lists": n_participants see `n_lists` lists of `list_length` symbols in a random order, of which every
    `repeated_every`th is the same.

    "words": n_participants hear `n_words` words of `word_length` syllables of their own, each `repetitions` times in a
    random order, never twice in a row; then words are told from part-words (the end of one and the start of another).

    "nested": a sequence of `length` symbols a person and `depth`, made of chunks and variables in so many steps from
    `atoms` symbols; each step makes a variable with chance `variable_share` (see `nested_chunks.generated`).

    `test`: "recall" (say each sequence after it was read), "reading" (its units and its nats), "compression" (of nested
    sequences, which may be read again and again), "choice" (of a word and a part-word). A symbol takes `exposure` s and
    `pause` s until the next.
    """

    material: Literal["template", "lists", "words", "nested"] = "template"
    test: Literal["recall", "reading", "compression", "choice"] = "recall"
    n_participants: int = 1
    groups: tuple[str, ...] = GROUPS
    group_length: int = 4
    n_groups: int = 3
    n_training: int = 40
    n_transfer: int = 24
    n_lists: int = 48
    list_length: int = 8
    repeated_every: int = 3
    n_words: int = 4
    word_length: int = 3
    repetitions: int = 45
    atoms: int = 10
    depth: tuple[int, ...] = (10, 30)
    variable_share: float = 0.5
    length: int = 1000
    exposure: float = 0.8
    pause: float = 0.4

    def __post_init__(self) -> None:
        for name in ("groups", "depth"):
            given: Any = getattr(self, name)  # from the command line also one number or word
            object.__setattr__(self, name, tuple(given) if isinstance(given, tuple | list) else (given,))
        for name, among in (("material", MATERIALS), ("test", TESTS)):
            if getattr(self, name) not in among:
                raise UserError(f"{name} is one of {', '.join(among)}; {nearest(str(getattr(self, name)), among)}")
        if not self.groups or len(set(self.groups)) < len(self.groups):
            raise UserError(f"groups name who takes part, each once: {', '.join(GROUPS)}; got {self.groups}.")
        for word in self.groups:
            if word not in GROUPS:
                raise UserError(f"groups are of {', '.join(GROUPS)}; {nearest(str(word), GROUPS)}")
        for name in ("n_participants", "n_groups", "n_lists", "list_length", "repeated_every", "word_length",
                     "repetitions", "length"):  # fmt: skip
            if getattr(self, name) < 1:
                raise UserError(f"chunking needs {name} of at least 1; got {getattr(self, name)}.")
        if min(self.exposure, self.pause) < 0:
            raise UserError(f"exposure and pause are 0 s or more; got {self.exposure} and {self.pause}.")
        if self.material == "words" and self.word_length < 2:
            raise UserError(f"Part-words need words of two syllables or more; got word_length {self.word_length}.")
        for name in ("group_length", "n_words", "atoms"):
            if getattr(self, name) < 2:
                raise UserError(f"chunking needs {name} of at least 2; got {getattr(self, name)}.")
        if min(self.n_training, self.n_transfer) < 0 or self.n_training + self.n_transfer < 1:
            raise UserError(
                f"Somebody reads one sequence or more; got n_training {self.n_training}, n_transfer {self.n_transfer}."
            )
        if not self.depth or min(self.depth) < 0 or not 0 <= self.variable_share <= 1:
            raise UserError(
                "depth are counts of 0 or more and variable_share is from 0 to 1; got "
                f"{self.depth} and {self.variable_share}."
            )
        if (self.test == "choice") != (self.material == "words") or (
            self.test == "compression" and self.material != "nested"
        ):
            raise UserError(
                f'Tests of {self.test} do not go with the material {self.material}: words are tested by "choice", '
                'nested sequences by "compression" (or "reading" or "recall"), the others by "recall" or "reading".'
            )


# ---- a template with slots -------------------------------------------------------------------------------------------


def template_sequences(settings: ChunkingSettings, group: str, rng: np.random.Generator) -> Symbols:
    """Return the sequences of somebody's training and transfer: (n_training + n_transfer, n_groups x group_length).

    Slot keys are 0, 2, ..., fixed ones 1, 3, ..., as long as both last.
    """
    slots, fixed = settings.n_groups, settings.group_length - 1
    order = [2 * k for k in range(slots)], [2 * k + 1 for k in range(fixed)]
    if fixed != slots:  # no way to alternate
        order = list(range(slots)), list(range(slots, slots + fixed))
    fillings = np.array(list(permutations(order[0])))
    one = fillings[rng.integers(len(fillings))]
    found = []
    for phase, n in (("training", settings.n_training), ("transfer", settings.n_transfer)):
        template = np.stack([rng.permutation(order[1]) for _ in range(slots)])
        for _ in range(n):
            filled = one if phase == "training" and group == "fixed" else fillings[rng.integers(len(fillings))]
            parts = (template[:, :-1], filled[:, None], template[:, -1:])
            found.append(np.concatenate(parts, axis=1).reshape(-1))
    return np.array(found, np.int32)


def _template(settings: ChunkingSettings, rng: np.random.Generator) -> tuple[list[Rows], Symbols]:
    parts, items, who = [], [], 0
    for group in settings.groups:
        for _ in range(settings.n_participants):
            sequences = template_sequences(settings, group, rng)
            n, who = len(sequences), who + 1
            first = np.arange(n) < settings.n_training
            parts.append({
                "participant": np.full(n, f"p{who:03d}"), "condition": np.full(n, group),
                "learning_phase": np.where(first, "training", "transfer"),
                "trial": np.where(first, np.arange(n), np.arange(n) - settings.n_training) + 1,
                "item": np.arange(n) + n * (who - 1),
            })  # fmt: skip
            items.append(sequences)
    return parts, np.concatenate(items)


# ---- a list that comes again -----------------------------------------------------------------------------------------


def _lists(settings: ChunkingSettings, rng: np.random.Generator) -> tuple[list[Rows], Symbols]:
    parts, items = [], []
    for person in range(settings.n_participants):
        again = rng.permutation(settings.list_length)
        n = np.arange(settings.n_lists)
        repeating = n % settings.repeated_every == settings.repeated_every - 1
        items += [again if each else rng.permutation(settings.list_length) for each in repeating]
        parts.append({
            "participant": np.full(len(n), f"p{person + 1:03d}"),
            "list_kind": np.where(repeating, "repeating", "filler"), "item": n + settings.n_lists * person,
            "trial": np.where(repeating, np.cumsum(repeating), np.cumsum(~repeating)),
        })  # fmt: skip
    return parts, np.array(items, np.int32)


# ---- words in a stream -----------------------------------------------------------------------------------------------


def word_stream(n_words: int, repetitions: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return words by number in a random order, each `repetitions` times, none twice in a row (two words: in turn)."""
    while True:
        left, order = np.full(n_words, repetitions), list[int]()
        while left.any():
            chances = left.astype(np.float64)
            if order:
                chances[order[-1]] = 0
            if not chances.any():
                break
            order.append(int(rng.choice(n_words, p=chances / chances.sum())))
            left[order[-1]] -= 1
        if not left.any():
            return np.array(order)


def _words(settings: ChunkingSettings, rng: np.random.Generator) -> tuple[list[Rows], Symbols]:
    """Return the stream of each person, and tests of each word against each part-word of other words."""
    n, size, parts, items = settings.n_words, settings.word_length, [], list[Symbols]()
    for person in range(settings.n_participants):
        words = rng.permutation(n * size).reshape(n, size).astype(np.int32)
        stream = word_stream(n, settings.repetitions, rng)
        middle = -(-size // 2)  # a part-word has the second half of a word and the first of the next
        strange = [np.concatenate([words[k][middle:], words[(k + 1) % n][:middle]]) for k in range(n)]
        start = len(items)
        items += [words[stream].reshape(-1), *words, *strange]
        pairs = np.array([(one, other) for one in range(n) for other in range(n)])[rng.permutation(n * n)]
        who = f"p{person + 1:03d}"
        parts += [
            {"participant": np.array([who]), "trial": np.array([1]), "item": np.array([start])},
            {"participant": np.full(n * n, who), "trial": np.arange(n * n) + 1, "item": start + 1 + pairs[:, 0],
             "lure": start + 1 + n + pairs[:, 1]},
        ]  # fmt: skip
    return parts, _padded(items)


# ---- chunks of chunks ------------------------------------------------------------------------------------------------


def _nested(settings: ChunkingSettings, rng: np.random.Generator) -> tuple[list[Rows], Symbols]:
    parts, items = list[Rows](), list[Symbols]()
    for person in range(settings.n_participants):
        for depth in settings.depth:
            made = generated(settings.atoms, depth, settings.variable_share, settings.length, rng)
            parts.append({
                "participant": np.array([f"p{person + 1:03d}"]), "depth": np.array([depth]), "trial": np.array([1]),
                "item": np.array([len(items)]), "generator_units": np.array([made.units]),
                "generator_nats": np.array([made.nats]),
            })  # fmt: skip
            items.append(made.symbols)
    return parts, np.array(items, np.int32)


# ---- rows ------------------------------------------------------------------------------------------------------------


def _padded(items: list[Symbols]) -> Symbols:
    longest = max(map(len, items))
    return np.stack([np.pad(each, (0, longest - len(each)), constant_values=NO_END) for each in items])


def _in_turn(studied: Rows, settings: ChunkingSettings) -> Rows:
    """Return rows of study, each followed by its test."""
    n = len(studied["item"])
    both = {name: np.repeat(values, 2) for name, values in studied.items()}
    both["phase"] = np.tile(["study", "test"], n)
    both["test_type"] = np.full(2 * n, settings.test)
    return both


def _build(settings: ChunkingSettings, rng: np.random.Generator) -> tuple[Trials, Symbols]:
    make = {"template": _template, "lists": _lists, "words": _words, "nested": _nested}[settings.material]
    parts, items = make(settings, rng)
    if settings.material == "words":
        rows = [part | {"phase": np.full(len(part["item"]), "test" if "lure" in part else "study"),
                        "test_type": np.full(len(part["item"]), "choice"),
                        "lure": part.get("lure", np.full(len(part["item"]), -1))} for part in parts]  # fmt: skip
    else:
        rows = [_in_turn(part, settings) for part in parts]
    whole = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}
    symbols = (items >= 0).sum(axis=1)[whole["item"]] * (settings.exposure + settings.pause)
    whole["target"] = whole["item"]
    whole["time"] = np.concatenate([[0.0], np.cumsum(np.where(whole["phase"] == "study", symbols, 0.0))[:-1]])
    return Trials(whole), items


chunking: Final = Paradigm(
    name="chunking",
    version=1,
    reference="Wu, Thalmann & Schulz (2025)",
    settings=ChunkingSettings,
    build=_build,
    measures=MEASURES,
)
