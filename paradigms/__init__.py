"""Experiments, each defined once. PARADIGMS is the explicit list that the catalogue and the contract tests read."""

from __future__ import annotations

from typing import Any, Final

from cogmem.core import Paradigm
from cogmem.paradigms.forgetting_curves import forgetting_curve

PARADIGMS: Final[tuple[Paradigm[Any], ...]] = (forgetting_curve,)

__all__ = ["PARADIGMS", "forgetting_curve"]
