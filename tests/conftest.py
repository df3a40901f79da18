"""Settings of all tests: hypothesis draws the same cases in every run, and CUDA kernels run somewhere."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# Before anything imports numba: without a GPU its CUDA kernels run in the simulator, on tiny arrays.
GPU = any(Path(device).exists() for device in ("/dev/nvidiactl", "/dev/dxg"))
if not GPU:
    os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

# No deadline: the first case of a kernel waits for its compilation.
settings.register_profile("repeatable", derandomize=True, database=None, deadline=None)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def main_module() -> Iterator[None]:
    """Put the main module back: Streamlit's AppTest leaves its script there, which spawned workers would run again."""
    main = sys.modules["__main__"]
    yield
    sys.modules["__main__"] = main


@pytest.fixture
def gpu() -> None:
    """Skip what needs a real GPU where there is none; COGMEM_REQUIRE_CUDA=1 turns the skip into a failure."""
    from cogmem.kernels.kernel import simulated, why_not

    if not simulated() and not why_not("cuda"):
        return
    if os.environ.get("COGMEM_REQUIRE_CUDA"):
        pytest.fail("COGMEM_REQUIRE_CUDA is set, but there is no GPU that numba can use")
    pytest.skip("no GPU here: the CUDA kernels ran in numba's simulator")
