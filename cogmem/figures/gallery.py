"""Every figure of the project, in the order in which they are regenerated."""

from __future__ import annotations

from typing import Final

from cogmem.figures.figure import Figure
from cogmem.figures.forgetting import forgetting_figure

FIGURES: Final[tuple[Figure, ...]] = (forgetting_figure,)
