"""Sequences made of chunks and variables that are made of one another (Wu, Thalmann, Dayan, Akata & Schulz, 2025)."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

LEAST, MOST = 2, 5
"""Parts of a chunk, and chunks that a variable stands for."""


@dataclass
class Grammar:
    """Chunks 0, 1, ... of elements, each the number of a symbol or chunk, or ~number of a variable; and variables.

    The first `atoms` chunks are symbols, whose content is their own number. Chances add up to 1.
    """

    atoms: int
    chunks: list[tuple[int, ...]] = field(default_factory=list)
    variables: list[tuple[int, ...]] = field(default_factory=list)
    chances: list[NDArray[np.float64]] = field(default_factory=list)
    """Of what each variable stands for."""

    def said(self, chunk: int, rng: np.random.Generator) -> list[int]:
        """Return the symbols of a chunk; what its variables stand for is drawn."""
        if chunk < self.atoms:
            return [chunk]
        found = list[int]()
        for element in self.chunks[chunk]:
            inner = element if element >= 0 else int(rng.choice(self.variables[~element], p=self.chances[~element]))
            found += self.said(inner, rng)
        return found


@dataclass(frozen=True, eq=False)
class Generated:
    """A sequence and what it was made of: `units` chunks, of which the last may be cut, with -ln of their chances."""

    symbols: NDArray[np.int32]
    units: int
    nats: float
    grammar: Grammar


def grammar(atoms: int, depth: int, variable_share: float, rng: np.random.Generator) -> Grammar:
    """Return a grammar of `depth` steps from symbols.

    A step makes a variable, with chance `variable_share`, that stands for two to five chunks; or else a chunk of two
    to five elements, chunks and variables, of which the first and the last are chunks. All chances are flat Dirichlet.
    """
    made = Grammar(atoms, [(symbol,) for symbol in range(atoms)])
    for _ in range(depth):
        n = int(rng.integers(LEAST, MOST + 1))
        if rng.random() < variable_share:
            made.variables.append(tuple(rng.choice(len(made.chunks), min(n, len(made.chunks)), replace=False).tolist()))
            made.chances.append(rng.dirichlet(np.ones(len(made.variables[-1]))))
            continue
        inner = rng.integers(-len(made.variables), len(made.chunks), n)
        inner[[0, -1]] = rng.integers(0, len(made.chunks), 2)
        made.chunks.append(tuple(inner.tolist()))
    return made


def generated(atoms: int, depth: int, variable_share: float, length: int, rng: np.random.Generator) -> Generated:
    """Return `length` symbols of chunks drawn one by one, of a new grammar."""
    made = grammar(atoms, depth, variable_share, rng)
    shares = rng.dirichlet(np.ones(len(made.chunks)))
    symbols, units, nats = list[int](), 0, 0.0
    while len(symbols) < length:
        chunk = int(rng.choice(len(shares), p=shares))
        symbols += made.said(chunk, rng)
        units, nats = units + 1, nats - float(np.log(shares[chunk]))
    return Generated(np.array(symbols[:length], np.int32), units, nats, made)
