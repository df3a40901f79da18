"""What other libraries say about their own future or installation: no user of cogmem can act on it."""

from __future__ import annotations

import warnings


def without_notices() -> None:
    """Leave such notices out of this process, the command line's or a worker's."""
    warnings.filterwarnings("ignore", message=r"[\s\S]*ArviZ is undergoing a major refactor", category=FutureWarning)
    warnings.filterwarnings("ignore", message="PyTensor could not link to a BLAS", category=UserWarning)
