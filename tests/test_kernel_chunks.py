"""Chunks and variables on flat arrays: the same on every backend as in the lexicon that is their meaning."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest

from cogmem.errors import UserError
from cogmem.kernels import chunk_memory
from cogmem.kernels.chunk_memory import FULL, NODES, PAIRS, ROW_VERSION, VARIABLES, Room, memories
from cogmem.kernels.chunk_readers import Steps, steps_of
from cogmem.kernels.chunk_rules import BATCH, PUBLISHED, Rule
from cogmem.kernels.chunks import compress, learn
from cogmem.kernels.kernel import usable
from cogmem.kernels.lexicon import Lexicon

FAST = tuple(backend for backend in usable() if backend != "numpy")
BACKENDS = usable()
EAGER = Rule(theta=0.99, repeats=1.0, fillers=2, filler_count=1.0)
"""Makes chunks and variables of nearly everything."""


def random_streams(seed: int, people: int, n: int, longest: int, n_symbols: int) -> Any:
    """Return sequences made of three words and noise, of different lengths."""
    rng = np.random.default_rng(seed)
    words = [rng.integers(0, n_symbols, rng.integers(1, 4)).tolist() for _ in range(3)]
    found = np.full((people, n, longest), -1)
    for person in range(people):
        for k in range(n):
            parts = [words[rng.integers(3)] if rng.random() < 0.8 else [int(rng.integers(n_symbols))] for _ in range(9)]
            whole = [symbol for part in parts for symbol in part][: int(rng.integers(1, longest + 1))]
            found[person, k, : len(whole)] = whole
    return found


def four_keys(n: int, seed: int) -> Any:
    """Return sequences of twelve keys with three places that vary, as people got them: (1, n, 12)."""
    rng, slots = np.random.default_rng(seed), list(permutations([1, 3, 5]))
    return np.array([[[0, 2, slot[0], 4, 2, 4, slot[1], 0, 4, 0, slot[2], 2]
                      for slot in (slots[rng.integers(6)] for _ in range(n))]])  # fmt: skip


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("rule", [PUBLISHED, EAGER, Rule(theta=1.0, least=0.0, repeats=2.0, test="proportions"),
                                  Rule(theta=0.9, least=0.3, repeats=1.0, fillers=2, correlated=True, filler_count=1.0),
                                  Rule(theta=0.999, repeats=2.0, test="density")])  # fmt: skip
def test_every_backend_reads_as_the_lexicon(rule: Rule, backend: str) -> None:
    people, n, longest = (2, 8, 8) if backend == "cuda" else (12, 60, 14)
    streams = random_streams(5, people, n, longest, 5)
    varied = np.arange(people) % 2 == 0
    common = {"n_symbols": 5, "rules": rule, "abstraction": varied, "recall": 7}
    found, meant = (learn(streams, backend=each, **common) for each in (backend, "numpy"))  # type: ignore[arg-type]
    np.testing.assert_array_equal(found.units, meant.units)
    # Sums of counts are kept as they change here, and made anew there.
    np.testing.assert_allclose(found.nats, meant.nats, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(found.recalled, meant.recalled)
    assert meant.units.min() >= 1


@pytest.mark.parametrize("backend", FAST)
@pytest.mark.parametrize("abstraction", [False, True])
def test_every_backend_compresses_as_the_lexicon(abstraction: bool, backend: str) -> None:
    n, longest, times = (1, 40, 2) if backend == "cuda" else (4, 300, 6)
    sequences = random_streams(8, 1, n, longest, 4)[0]
    sequences[0] = np.resize([0, 1, 2, 0, 1, 3], longest)
    common = {"n_symbols": 4, "abstraction": abstraction, "times": times}
    found, meant = (compress(sequences, backend=each, **common) for each in (backend, "numpy"))  # type: ignore[arg-type]
    for name in ("units", "nats", "entries", "variables", "storage", "fillers", "dictionary"):
        np.testing.assert_allclose(getattr(found, name), getattr(meant, name), rtol=1e-9, atol=1e-9, err_msg=name)


def test_what_is_told_of_a_lexicon_by_hand() -> None:
    # 0 1 forty times: (0 1) is made after the first reading and is all there is after the second.
    found = compress(np.resize([0, 1], (1, 80)), n_symbols=2, abstraction=False, backend="numpy")
    assert (found.units[0], found.nats[0], found.storage[0], found.fillers[0]) == (40, 0, 0, 0)
    # Chunks that were made on the way are known, but are not told. The one that is needs two elements and an end, each
    # one of two symbols and the end; then how often the two symbols and the chunk come among 40: (42 over 2) ways.
    assert found.dictionary[0] == pytest.approx(3 * math.log(3) + math.log(42 * 41 / 2))


@pytest.mark.parametrize("backend", FAST)
def test_room_that_is_short_changes_nothing(monkeypatch: pytest.MonkeyPatch, backend: str) -> None:
    streams = random_streams(3, 2, 6 if backend == "cuda" else 40, 8, 4)
    common = {"n_symbols": 4, "rules": EAGER, "backend": backend}
    plain = learn(streams, **common)  # type: ignore[arg-type]
    module = pytest.importorskip(f"cogmem.kernels.{'cuda' if backend == 'cuda' else 'cpu'}.chunks")
    rooms = []

    def small(n_symbols: int, longest: int) -> Room:
        rooms.append((n_symbols, longest))
        return Room(5, 8, 1, 2, 4)

    monkeypatch.setattr(module, "room_for", small)
    tight = learn(streams, **common)  # type: ignore[arg-type]
    assert rooms == [(4, 8)]
    np.testing.assert_array_equal(tight.units, plain.units)
    np.testing.assert_allclose(tight.nats, plain.nats, rtol=1e-12)


def uncompiled(*, pairs: int, longest: int) -> tuple[Steps, Any, Any]:
    """Return the kernel's steps in plain Python, and a cleared memory for four symbols with room for so many pairs."""
    steps = steps_of(lambda function: function, lambda *_: (0, 0, 0, 0))
    whole, real = (each[0] for each in memories(1, Room(pairs=pairs), 4, longest))
    steps.clear(whole, real)
    return steps, whole, real


def test_pairs_that_are_forgotten_make_room() -> None:
    steps, whole, real = uncompiled(pairs=12, longest=6)
    rule = Rule(theta=0.2, least=0.1, repeats=99.0)
    streams = np.random.default_rng(2).integers(0, 4, (40, 6))
    units, nats = np.zeros(40), np.zeros(40)
    steps.learn(whole, real, rule.numbers(), streams, 0, units, nats, np.zeros((0, 6)), np.zeros(2, np.uint64), 0)
    # Sixteen pairs came, of which only the last few are known at a time.
    assert whole[FULL] == 0
    assert whole[PAIRS] <= 12
    meant = Lexicon(rule)
    np.testing.assert_allclose(nats, [meant.read(each.tolist(), abstraction=False).nats for each in streams], rtol=1e-9)


def test_ways_are_counted_anew_where_pairs_made_room() -> None:
    steps, whole, real = uncompiled(pairs=64, longest=8)
    rule = Rule(theta=0.8, least=0.1, repeats=99.0, fillers=2, filler_count=1.0)
    streams = np.random.default_rng(3).integers(0, 4, (60, 8))
    units, nats = np.zeros(60), np.zeros(60)
    steps.learn(whole, real, rule.numbers(), streams, 1, units, nats, np.zeros((0, 8)), np.zeros(2, np.uint64), 0)
    assert whole[FULL] == 0
    meant = Lexicon(rule)
    np.testing.assert_allclose(nats, [meant.read(each.tolist()).nats for each in streams], rtol=1e-9)
    assert whole[VARIABLES] == len(meant.variables) > 3
    assert (whole[whole[ROW_VERSION] : whole[ROW_VERSION] + whole[NODES]] > 0).all()  # pairs did make room


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_people_read_is_said(backend: str) -> None:
    streams = four_keys(3 if backend == "cuda" else 30, 1)
    found = learn(streams, n_symbols=6, recall=2, backend=backend)
    assert found.recalled.shape == streams.shape
    assert (found.recalled[..., 0] == streams[..., 0]).all()
    # No seed, nothing said.
    assert learn(streams, n_symbols=6, backend=backend).recalled.size == 0


def test_a_replica_is_a_stream_and_a_rule() -> None:
    streams = np.concatenate([four_keys(20, 1), four_keys(20, 2)])
    slow, fast = Rule(theta=0.9), PUBLISHED
    both = learn(streams, n_symbols=6, rules=[slow, fast, slow], of=[0, 1, 1])
    for k, (stream, rule) in enumerate(((0, slow), (1, fast), (1, slow))):
        alone = learn(streams[stream : stream + 1], n_symbols=6, rules=rule)
        np.testing.assert_array_equal(both.nats[k], alone.nats[0])
    assert (both.nats[1] != both.nats[2]).any()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sequences": [[[0, 6]]]}, "numbered from 0 to 5"),
        ({"sequences": [[[-1, 0]]]}, "one symbol or more"),
        ({"sequences": [[[0, -1, 0]]]}, "behind the end"),
        ({"sequences": [[[0.5]]]}, "int64"),
        ({"sequences": np.zeros((0, 1, 1), int)}, "got none"),
        ({"of": [2]}, "streams from 0 to 0"),
        ({"rules": [PUBLISHED, PUBLISHED]}, "a rule a replica"),
        ({"recall": -1}, "seed"),
        ({"n_symbols": 0}, "n_symbols"),
    ],
)
def test_bad_input(change: dict[str, Any], words: str) -> None:
    given: dict[str, Any] = {"sequences": [[[0, 1, 2]]], "n_symbols": 6} | change
    with pytest.raises(UserError, match=words):
        learn(given.pop("sequences"), **given)


@pytest.mark.parametrize(
    ("change", "words"), [({"times": 0}, "times"), ({"bits": -1.0}, "bits"), ({"most": 0}, "most")]
)
def test_bad_compressions(change: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=words):
        compress([[0, 1, 2]], n_symbols=3, rule=BATCH, **change)


OTHERS = {
    *("VARIABLE", "START", "FILLER", "ELEMENT", "BEST_END", "BEST", "WINDOW", "N_SIZES", "WEIGHT", "CHUNK_TOTAL"),
    *("VARIABLE_TOTAL", "REAL_HEADER", "LEAST", "MOST_ROOM", "A_WAY", "N_WAYS", "MADE_OF", "MADE_SET", "MADE_ROW"),
    *("MADE_COLUMN", "MADE_WAYS"),
}
"""Numbers of the module that are no places in the header of the whole numbers."""


def test_headers_do_not_overlap() -> None:
    named = {name: value for name, value in vars(chunk_memory).items() if name.isupper() and name not in OTHERS}
    places = [value for value in named.values() if isinstance(value, int)]
    assert len(places) > 60
    assert len(set(places)) == len(places)


def test_a_lexicon_does_not_grow_for_ever() -> None:
    large = Room(chunks=2**22)
    assert Room(1, 2, 3, 4, 5).doubled() == (2, 4, 6, 8, 10)
    with pytest.raises(UserError, match="chunks is too large; read shorter sequences"):
        large.doubled()
