"""What a kernel is, and which backends this machine can run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Final, Generic, Literal, TypeVar, cast

from cogmem.errors import UserError
from cogmem.names import nearest

Backend = Literal["numpy", "numba", "cuda"]
BACKENDS: Final[tuple[Backend, ...]] = ("numpy", "numba", "cuda")

F = TypeVar("F")


@dataclass(frozen=True)
class Kernel(Generic[F]):
    """One operation: `numpy` is its meaning, the faster versions are checked against it.

    `numba` and `cuda` say where they are ("module:function"); they are imported when they are first asked for, so
    that naming a kernel loads neither numba nor a GPU driver.
    """

    name: str
    numpy: F
    numba: str
    cuda: str

    def on(self, backend: str = "auto") -> F:
        """Return the version for a backend; "auto" is the fastest usable one.

        Raises UserError where a backend that was asked for by name cannot run here: nothing else is taken instead.
        """
        chosen = choose(backend)
        if chosen == "numpy":
            return self.numpy
        module, _, function = {"numba": self.numba, "cuda": self.cuda}[chosen].partition(":")
        return cast(F, getattr(import_module(module), function))


def choose(backend: str = "auto") -> Backend:
    """Return the backend that a name stands for; UserError where it cannot run, with what would make it usable."""
    if backend == "auto":
        return "cuda" if _cuda() == "gpu" else "numba" if not why_not("numba") else "numpy"
    if backend not in BACKENDS:
        raise UserError(f"There is no backend {backend!r}; {nearest(backend, ['auto', *BACKENDS])}")
    reason = why_not(backend)
    if reason:
        raise UserError(f"The backend {backend!r} cannot run here: {reason}.")
    return backend


def usable() -> tuple[Backend, ...]:
    """Return the backends that can run here, the meaning first; the simulator of CUDA counts."""
    return tuple(backend for backend in BACKENDS if not why_not(backend))


def why_not(backend: Backend) -> str:
    """Return why a backend cannot run here and what would make it usable; "" where it can."""
    if backend == "numba":
        return _numba()
    return _CUDA_MISSING.get(_cuda(), "") if backend == "cuda" else ""


def simulated() -> bool:
    """Return whether CUDA kernels run in numba's simulator: right answers on tiny arrays, slowly."""
    return _cuda() == "simulator"


@cache
def _numba() -> str:
    try:
        import numba  # noqa: F401
    except ImportError as problem:
        return f"numba cannot be imported ({problem}); install it with pip install numba"
    return ""


_CUDA_MISSING: Final = {
    "no package": "numba's CUDA target is not installed; install it with pip install 'cogmem[cuda]'",
    "no gpu": (
        "no NVIDIA GPU with a driver was found; run on a machine that has one, or set NUMBA_ENABLE_CUDASIM=1 before "
        "Python starts to try tiny arrays in numba's simulator"
    ),
}


@cache
def _cuda() -> Literal["gpu", "simulator", "no gpu", "no package"]:
    """Return what CUDA kernels would run on, found out once a process."""
    if _numba():
        return "no package"
    try:
        from numba import config, cuda
    except ImportError:
        return "no package"
    if config.ENABLE_CUDASIM:
        return "simulator"
    try:
        return "gpu" if cuda.is_available() else "no gpu"
    except Exception:  # a broken driver raises errors of many kinds, and each of them means that it is no use here
        return "no gpu"
