"""Every figure of the project, in the order in which they are regenerated."""

from __future__ import annotations

from typing import Final

from cogmem.figures.autophagy import autophagy_figure
from cogmem.figures.chunking import chunking_figure
from cogmem.figures.diffusion import diffusion_figure
from cogmem.figures.figure import Figure
from cogmem.figures.forgetting import forgetting_figure
from cogmem.figures.interference import interference_figure
from cogmem.figures.key_value import key_value_figure
from cogmem.figures.key_value_stores import key_value_stores_figure
from cogmem.figures.reproduction import reproduction_figure
from cogmem.figures.superposition import superposition_figure

FIGURES: Final[tuple[Figure, ...]] = (
    forgetting_figure,
    reproduction_figure,
    diffusion_figure,
    autophagy_figure,
    interference_figure,
    key_value_figure,
    key_value_stores_figure,
    superposition_figure,
    chunking_figure,
)
