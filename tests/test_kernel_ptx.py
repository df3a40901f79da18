"""Every CUDA kernel compiles for a GPU, also where there is none: the simulator alone would not tell."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def kernels() -> set[str]:
    """Return the CUDA kernels in the source: functions under a bare @cuda.jit, which are launched."""
    found = set()
    for file in (ROOT / "cogmem" / "kernels" / "cuda").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef) and "cuda.jit" in map(ast.unparse, node.decorator_list):
                found.add(node.name)
    return found


def test_every_cuda_kernel_compiles_without_a_gpu() -> None:
    pytest.importorskip("cuda.pathfinder", reason="numba's CUDA target is not installed")
    from cuda.pathfinder import DynamicLibNotFoundError, load_nvidia_dynamic_lib

    try:
        load_nvidia_dynamic_lib("nvvm")
    except DynamicLibNotFoundError:
        pytest.skip("NVIDIA's compiler is not installed: pip install nvidia-nvvm")
    env = {name: value for name, value in os.environ.items() if name != "NUMBA_ENABLE_CUDASIM"}
    done = subprocess.run(
        [sys.executable, ROOT / "tests" / "ptx.py"], capture_output=True, text=True, env=env, timeout=300
    )
    assert done.returncode == 0, done.stderr
    compiled = {name.rpartition(".")[2]: size for name, size in json.loads(done.stdout).items()}
    assert kernels() <= compiled.keys()
    assert min(compiled.values()) > 500
