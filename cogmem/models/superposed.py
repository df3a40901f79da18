"""Memories that superpose items by published rules, the rivals of `models.sparsey`: RIVALS has one of each.

They take any width of items, learn them in one pass and read probes without learning; sequences are taken frame by
frame. `subjects.superposed.Superposed` makes participants of them.
"""

from __future__ import annotations

from typing import Final

from cogmem.models.superposed_attractors import Hopfield, ModernHopfield, TsodyksFeigelman
from cogmem.models.superposed_binary import KanervaSDM, SDRUnion, Willshaw
from cogmem.subjects.superposed import Memory

RIVALS: Final[tuple[Memory, ...]] = (
    Willshaw(),
    Hopfield(),
    TsodyksFeigelman(),
    ModernHopfield(),
    KanervaSDM(),
    SDRUnion(),
)

__all__ = [
    "RIVALS",
    "Hopfield",
    "KanervaSDM",
    "ModernHopfield",
    "SDRUnion",
    "TsodyksFeigelman",
    "Willshaw",
]
