"""Experiments, each defined once. PARADIGMS is the explicit list that the catalogue and the contract tests read."""

from __future__ import annotations

from typing import Any, Final

from cogmem.core import Paradigm
from cogmem.paradigms.chunkings import chunking
from cogmem.paradigms.forgetting_curves import forgetting_curve
from cogmem.paradigms.iterated_learning_chains import iterated_learning
from cogmem.paradigms.key_values import key_value
from cogmem.paradigms.proactive_interferences import proactive_interference
from cogmem.paradigms.serial_reproductions import serial_reproduction
from cogmem.paradigms.superpositions import superposition

PARADIGMS: Final[tuple[Paradigm[Any], ...]] = (
    forgetting_curve,
    serial_reproduction,
    iterated_learning,
    proactive_interference,
    key_value,
    superposition,
    chunking,
)

__all__ = [
    "PARADIGMS",
    "chunking",
    "forgetting_curve",
    "iterated_learning",
    "key_value",
    "proactive_interference",
    "serial_reproduction",
    "superposition",
]
