"""How many threads a CUDA kernel is started with."""

from __future__ import annotations

from typing import Final

from numba import config

# In the simulator each thread is one of Python's, so tiny blocks.
THREADS: Final = 8 if config.ENABLE_CUDASIM else 256


def blocks_for(n: int) -> int:
    """Return the number of blocks that give each of n individuals a thread."""
    return max(1, -(-n // THREADS))
