"""Sequences that may be read again and again: how short they become, by models, depth of what made them, and texts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import run
from cogmem.jobs.chunk_layers import by_layer
from cogmem.models.hvm import hvm
from cogmem.models.sequences import BY_NAME, SEQUENCE_MODELS
from cogmem.paradigms import chunking
from cogmem.paradigms.nested_chunks import generated
from cogmem.subjects.chunking import Compression, SequenceModel
from cogmem.subjects.sequence_reader import SequenceReader
from cogmem.texts import TextSlice, docstrings_text, slices
from cogmem.trials import Trials, from_rows

BITS: Final = 1 / float(np.log(2))
COMPRESSING: Final[Mapping[str, SequenceModel]] = {
    model.name: model for model in SEQUENCE_MODELS if model.compress is not None and model.name != "hvm_for_all"
}
SLOW: Final = ("lstm_reader", "transformer_reader")
"""Networks take seconds a sequence, and so get the first ones of each kind alone."""
GENERATOR: Final = "generator"
SPREAD: Final = {"units": "units_sd", "two_part_bits": "two_part_sd"}


@dataclass(frozen=True)
class CompressionSettings:
    """Sequences of `length` symbols from `atoms`, `sequences` of each depth; networks get `few` of them."""

    depths: tuple[int, ...] = (5, 10, 20, 30, 40, 50, 60)
    sequences: int = 8
    few: int = 1
    length: int = 1000
    atoms: int = 10
    variable_share: float = 0.5


@dataclass(frozen=True)
class TextSettings:
    """The first `n_slices` slices of a text, of `length` characters each; networks get `few` of them."""

    n_slices: int = 10
    few: int = 1
    length: int = 1000


@dataclass(frozen=True)
class LayerSettings:
    """Lexica of `sequences` sequences of a depth, and as many new symbols of the same grammar."""

    depth: int = 30
    sequences: int = 8
    length: int = 1000
    atoms: int = 10
    layers: int = 4


@dataclass(frozen=True)
class WordSettings:
    """Streams in which each of four words comes so many times, heard by `n_participants` each."""

    repetitions: tuple[int, ...] = (5, 10, 20, 45, 90)
    n_participants: int = 20
    n_words: int = 4


@dataclass(frozen=True)
class ListSettings:
    """Lists of eight symbols, every third the same, read by `n_participants`."""

    n_participants: int = 40
    n_lists: int = 48
    list_length: int = 8


def _row(name: str, found: Compression, symbols: int) -> dict[str, Any]:
    """Return what is told of a compression, in bits."""
    told = asdict(found)
    bits = {f"{key}_bits": BITS * told[key] for key in ("nats", "storage", "fillers", "dictionary", "two_part")}
    bits["unit_bits"] = bits.pop("nats_bits")
    whole = {key: float(told[key]) for key in ("units", "entries", "variables")}
    return {"subject": name, "symbols": float(symbols), **whole, **bits}


def _means(rows: Sequence[dict[str, Any]], by: tuple[str, ...]) -> Trials:
    """Return means over sequences by some columns, with `n` sequences and the sd of the two-part code and of units."""
    table, found = from_rows(list(rows)), []
    for key, members in table.groups(by):
        own = table.where(members)
        means = {name: float(own[name].mean()) for name in own if name not in by}
        found.append({**key, **means, "n": float(len(own)), "units_sd": float(own["units"].std()),
                      "two_part_sd": float(own["two_part_bits"].std())})  # fmt: skip
    return from_rows(found)


def nested(settings: CompressionSettings, names: Sequence[str], *, seed: int) -> Trials:
    """Return what models make of nested sequences, a row a model and depth, the generator among them (`generator`).

    Of the generator: chunks that were put together and -log2 of their chances; not what its variables stood for, nor
    what tells the grammar.
    """
    rows = []
    for depth in settings.depths:
        for k in range(settings.sequences):
            rng = np.random.default_rng([seed, depth, k])
            made = generated(settings.atoms, depth, settings.variable_share, settings.length, rng)
            own = Compression(made.units, made.nats, len(made.grammar.chunks), len(made.grammar.variables),
                              *(float("nan"),) * 4)  # fmt: skip
            rows.append({"depth": float(depth)} | _row(GENERATOR, own, settings.length))
            for name in names:
                if name not in SLOW or k < settings.few:
                    found = _compressed(COMPRESSING[name], made.symbols, settings.atoms, k)
                    rows.append({"depth": float(depth)} | _row(name, found, settings.length))
    return _means(rows, ("subject", "depth"))


def _compressed(model: SequenceModel, symbols: NDArray[np.int32], n_symbols: int, seed: int) -> Compression:
    assert model.compress is not None
    return model.compress(symbols, n_symbols, seed)


def texts(settings: TextSettings, names: Sequence[str], text: str | None = None) -> Trials:
    """Return what models make of slices of a text (None: documentation strings of Python), see `of_slices`."""
    pieces = slices(text or docstrings_text(), slice_length=settings.length)
    return of_slices(islice(pieces, settings.n_slices), names, few=settings.few)


def of_slices(
    pieces: Iterable[TextSlice], names: Sequence[str], *, few: int, done: Callable[[int], None] = lambda _: None
) -> Trials:
    """Return means over slices of what models make of each, a row a model, with the sd of units and two-part codes.

    Slices are taken one by one, and sums alone are kept. Networks read the first `few`; `done` is told after each
    slice. `uniform_bits`: of a code in which all symbols of a slice are equally likely.
    """
    sums = dict[str, dict[str, float]]()
    for k, piece in enumerate(pieces):
        plain = BITS * len(piece.symbols) * math.log(piece.n_symbols)
        for name in names:
            if name not in SLOW or k < few:
                found = _row(
                    name, _compressed(COMPRESSING[name], piece.symbols, piece.n_symbols, k), len(piece.symbols)
                )
                _add(sums.setdefault(name, {}), found | {"uniform_bits": plain})
        done(k + 1)
    return from_rows([{"subject": name} | _mean_of(own) for name, own in sums.items()])


def _add(sums: dict[str, float], row: Mapping[str, Any]) -> None:
    """Add a row to sums, and squares of what a spread is told of."""
    numbers = {key: float(value) for key, value in row.items() if key != "subject"}
    squares = {f"{key} squared": numbers[key] ** 2 for key in SPREAD}
    for key, value in (numbers | squares | {"n": 1.0}).items():
        sums[key] = sums.get(key, 0.0) + value


def _mean_of(sums: Mapping[str, float]) -> dict[str, float]:
    n = sums["n"]
    means = {key: value / n for key, value in sums.items() if key != "n" and not key.endswith(" squared")}
    spread = {SPREAD[key]: math.sqrt(max(0.0, sums[f"{key} squared"] / n - means[key] ** 2)) for key in SPREAD}
    return means | {"n": n} | spread


def layers(settings: LayerSettings, *, seed: int) -> Trials:
    """Return what HVM makes of what it learned by and of new symbols, by how deep variables may be nested."""
    rows = []
    for k in range(settings.sequences):
        rng = np.random.default_rng([seed, k])
        made = generated(settings.atoms, settings.depth, 0.5, 2 * settings.length, rng)
        rows += by_layer(made.symbols[: settings.length], made.symbols[settings.length :], settings.atoms,
                         settings.layers)  # fmt: skip
    table, found = from_rows(rows), []
    for key, members in table.groups(("layer", "read")):
        own = table.where(members)
        found.append({**key, **{name: float(own[name].mean()) for name in own if name not in key},
                      "n": float(len(own)), "units_sd": float(own["units"].std())})  # fmt: skip
    return from_rows(found)


def words(settings: WordSettings, names: Sequence[str], *, seed: int) -> Trials:
    """Return how often words are chosen instead of part-words, by how often each word was heard."""
    rows = []
    for name in names:
        for repetitions in settings.repetitions:
            design = chunking.design(seed=seed, material="words", test="choice", repetitions=repetitions,
                                     n_participants=settings.n_participants, n_words=settings.n_words)  # fmt: skip
            answers = np.asarray(run(design, SequenceReader(BY_NAME[name]), seed=seed).answers, dtype=np.float64)
            own = answers.reshape(settings.n_participants, -1).mean(axis=1)
            rows.append({"subject": name, "repetitions": float(repetitions), "y": float(own.mean()),
                         "n": float(len(own)), "sd": float(own.std())})  # fmt: skip
    return from_rows(rows)


def repeated_lists(settings: ListSettings, names: Sequence[str], *, seed: int) -> Trials:
    """Return the share of symbols that models recall in place, by the number of the list among those of its kind."""
    design = chunking.design(seed=seed, material="lists", n_participants=settings.n_participants,
                             n_lists=settings.n_lists, list_length=settings.list_length)  # fmt: skip
    tests, rows = design.tests, []
    for name in names:
        said = np.asarray(run(design, SequenceReader(BY_NAME[name]), seed=seed).answers)
        right = (said == np.asarray(design.items)[tests["item"]]).mean(axis=1)
        for key, members in tests.groups(("list_kind", "trial")):
            own = right[members]
            rows.append({"subject": name, **key, "y": float(own.mean()), "n": float(len(own)), "sd": float(own.std())})
    return from_rows(rows)


def all_but_networks(settings: CompressionSettings) -> CompressionSettings:
    """Return settings under which networks read nothing."""
    return replace(settings, few=0)


JUDGES: Final = tuple(model.name for model in SEQUENCE_MODELS if model.reader is not None and model is not hvm)
