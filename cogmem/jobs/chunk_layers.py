"""Layers of abstraction: a lexicon with variables of which only those are used that are nested no deeper than so much.

With chunks alone (layer 0) a parse tells every symbol; a variable leaves open what it stands for, which is to be told
apart (Wu, Thalmann, Dayan, Akata & Schulz, 2025: the cost of the sequence against the cost of its representation).
"""

from __future__ import annotations

import copy
import math
from collections import Counter
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.lexicon import Lexicon, learned
from cogmem.models.hvm import BITS, MOST, READINGS

HALF: Final = 0.5
"""Added to every count when symbols are told, so that no unit is impossible (Krichevsky & Trofimov, 1981)."""
TO_BITS: Final = 1 / math.log(2)


def layers_of(lexicon: Lexicon) -> list[int]:
    """Return how deep variables are nested in each chunk: 0 without one, 1 where what it stands for has none, ..."""
    deep: list[int] = []
    variable = dict[int, int]()

    def of_node(node: int) -> int:
        return deep[node] if node >= 0 else of_variable(~node)

    def of_variable(k: int) -> int:
        if k not in variable:
            variable[k] = 1 + max(map(of_node, lexicon.variables[k]))
        return variable[k]

    # What a chunk is made of was there before it.
    for content in lexicon.contents:
        own = [of_variable(~element) for element in content if element < 0]
        deep.append(max(own, default=0))
    return deep


def limited(lexicon: Lexicon, layer: int) -> Lexicon:
    """Return a lexicon of which a descent finds no chunk that is deeper than a layer."""
    made, deep = copy.deepcopy(lexicon), layers_of(lexicon)
    made._begun = [[chunk for chunk in begun if deep[chunk] <= layer] for begun in made._begun]
    return made


def _parsed(lexicon: Lexicon, sequence: list[int]) -> tuple[Counter[int], Counter[tuple[int, int]]]:
    """Return how often each chunk is a unit of a sequence, and each variable stands for each node."""
    units, stood, place = Counter[int](), Counter[tuple[int, int]](), 0
    while place < len(sequence):
        unit, found = lexicon.unit_at(sequence, place)
        units[unit] += 1
        stood.update(found.bound)
        place = found.end
    return units, stood


def _cost(seen: Counter[Any], known: Counter[Any], kinds: int) -> float:
    """Return the bits of what was seen, by shares of what is known, half an event added to each of so many kinds."""
    total = known.total() + HALF * kinds
    return -TO_BITS * sum(n * math.log((known[each] + HALF) / total) for each, n in seen.items())


def _told(
    units: Counter[int], stood: Counter[tuple[int, int]], by: tuple[Counter[int], Counter[tuple[int, int]]],
    lexicon: Lexicon,
) -> dict[str, float]:  # fmt: skip
    filler_bits = 0.0
    for k, fillers in enumerate(lexicon.variables):
        own = Counter({key: n for key, n in stood.items() if key[0] == k})
        known = Counter({key: n for key, n in by[1].items() if key[0] == k})
        filler_bits += _cost(own, known, len(fillers))
    return {"units": float(units.total()), "unit_bits": _cost(units, by[0], len(lexicon.contents)),
            "filler_bits": filler_bits}  # fmt: skip


def by_layer(sequence: NDArray[np.int32], new: NDArray[np.int32], n_symbols: int, most: int) -> list[dict[str, Any]]:
    """Return rows, by `layer` and what is `read` (the sequence that was learned, or new), of units and bits.

    `unit_bits`: of the units by their shares in the sequence that was learned; `filler_bits`: of what variables stood
    for; `whole_bits`: both. The lexicon is learned once, with variables of any depth.
    """
    listed, other = sequence.tolist(), new.tolist()
    lexicon, _ = learned(listed, iterations=READINGS, bits=BITS, most=MOST)
    for symbol in range(n_symbols):  # that new symbols are known costs the same in every layer
        lexicon.unit_at([symbol], 0)
    rows = []
    for layer in range(most + 1):
        own = limited(lexicon, layer)
        known = _parsed(own, listed)
        for name, read in (("learned", listed), ("new", other)):
            told = _told(*_parsed(own, read), known, own)
            told["whole_bits"] = told["unit_bits"] + told["filler_bits"]
            rows.append({"layer": float(layer), "read": name, **told})
    return rows
