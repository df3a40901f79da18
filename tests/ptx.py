"""Compile for a GPU every CUDA kernel that some calls launch, without having one; run as a script by test_kernel_ptx.

Numba's simulator runs Python, so it says nothing on whether a kernel is code that a GPU compiler takes (it has no
np.sqrt, say). NVIDIA's compiler is a library that needs no GPU: here a launch compiles, for the types it was given.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numba import cuda
from numba.cuda import api, compiler, cuda_paths, dispatcher
from numba.cuda.cudadrv import devices, nvrtc

CAPABILITY = (9, 0)
COMPILED: dict[str, int] = {}


class OnDevice(np.ndarray):  # type: ignore[type-arg]
    """An array that stands for one on the GPU."""

    def copy_to_host(self, into: Any = None) -> Any:
        return np.array(self) if into is None else into


def launch(kernel: Any, *_: Any) -> Callable[..., None]:
    """Return what is called in place of a launch: it compiles."""

    def compiled(*arguments: Any) -> None:
        plain = [np.asarray(each) if isinstance(each, OnDevice) else each for each in arguments]
        types = tuple(kernel.typeof_pyval(each) for each in plain)
        ptx, _ = cuda.compile_ptx(kernel.py_func, types, cc=CAPABILITY)
        COMPILED[f"{kernel.py_func.__module__}.{kernel.py_func.__qualname__}"] = len(ptx)

    return compiled


def without_a_gpu() -> None:
    """Let numba compile where there is neither a driver nor the compiler of CUDA C++, which only inlined C needs."""
    nvrtc.get_supported_ccs = lambda: [CAPABILITY]
    nvrtc.get_lowest_supported_cc = lambda: CAPABILITY
    nvrtc.get_arch_option = lambda major, minor, arch="": f"compute_{major}{minor}"
    cuda_paths._get_nvrtc_path = lambda: cuda_paths._env_path_tuple("none", None)
    device = SimpleNamespace(compute_capability=CAPABILITY)
    devices.get_context = lambda *_: SimpleNamespace(device=device)
    for module in (api, compiler, dispatcher):
        if hasattr(module, "get_current_device"):
            module.get_current_device = lambda: device
    dispatcher.CUDADispatcher.__getitem__ = lambda self, configuration: launch(self, configuration)
    cuda.to_device = lambda array, *_, **__: np.array(array).view(OnDevice)
    cuda.device_array = lambda shape, dtype=np.float64, *_, **__: np.zeros(shape, dtype).view(OnDevice)
    cuda.is_available = lambda: True


def call_every_kernel() -> None:
    """Call the public functions of all kernels on the CUDA backend."""
    from cogmem.kernels import chunks, random, sparsey
    from cogmem.kernels.chains import gaussian_chains, mixture_chains
    from cogmem.kernels.cuda import limits
    from cogmem.kernels.cuda import overlap as gpu
    from cogmem.kernels.overlap import overlap, top
    from cogmem.kernels.recall import recall_counts
    from cogmem.kernels.retention import retention_counts
    from cogmem.kernels.stepwise import STUDY, TEST, simulate_steps, steps_log_likelihood
    from cogmem.kernels.strongest import strongest
    from cogmem.models import act_r_practice

    for draw in (random.words, random.normals, random.exponentials):
        draw(3, 8, seed=1, backend="cuda")
    limits.drawn(3, 8, False)
    limits.drawn(3, 8, True)
    gaussian_chains(np.zeros(3), slope=0.8, shift=0.1, sd=0.4, keep=[0, 5], seed=1, backend="cuda")
    for rule in ("sample", "mean", "map"):
        prior: dict[str, Any] = {"means": [-1.0, 1.0], "sds": [1.0, 0.5], "weights": [1.0, 2.0], "noise_sd": 0.5}
        mixture_chains(np.zeros(3), keep=[2], rule=rule, seed=1, backend="cuda", **prior)
    retention_counts(np.full((2, 3), 0.5), n_items=5, seed=1, backend="cuda")
    strongest(np.zeros((2, 3)), np.ones((2, 3)), np.ones((2, 3)), np.zeros(2), backend="cuda")
    stored = np.ones((5, 3), np.uint64)
    overlap(stored, stored, backend="cuda")
    top(stored, stored, k=2, backend="cuda")
    gpu.streamed(stored.ravel())
    recall_counts([[1, -1], [2, 0]], list_length=2, lag=[[0, 1], [0, 0]], max_lag=1, backend="cuda")
    call_code_selection(sparsey)
    chunks.learn([[[0, 1, 0]]], n_symbols=2, recall=1, backend="cuda")
    chunks.compress([[0, 1, 0, 1]], n_symbols=2, times=1, backend="cuda")
    theta, rows = np.array([[0.5, -1.0, 0.5, 0.7]]), np.zeros((1, 3, 3))
    kinds, sizes = np.array([[STUDY, TEST, TEST]], np.int8), {"n_state": 7, "n_options": 2}
    simulate_steps(act_r_practice.steps, theta, rows, kinds, seed=1, backend="cuda", **sizes)
    steps_log_likelihood(act_r_practice.steps, theta, rows, kinds, [[0, 1]], backend="cuda", **sizes)


def call_code_selection(sparsey: Any) -> None:
    """Show a field frames in each of the ways that have a kernel of their own: bytes, packed, packed and shared."""
    for inputs, recurrent in ((3, True), (3, False), (40_000, False)):
        field = sparsey.empty(2, 8, inputs, recurrent=recurrent)
        frames = sparsey.frames_of(np.ones((2, 3), np.uint8), recurrent=recurrent)
        sparsey.learn(field, frames, seed=1, backend="cuda")


if __name__ == "__main__":
    without_a_gpu()
    call_every_kernel()
    json.dump(COMPILED, sys.stdout)
