"""Chains of reproductions on the GPU: one thread a chain, its generations in registers."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import cuda

from cogmem.kernels.chains import SHIFTS, Floats
from cogmem.kernels.cuda.launch import THREADS, blocks_for
from cogmem.kernels.cuda.random import block, exp, normals_of

_HALF: Final = np.float32(0.5)
_RANGE: Final = np.float32(2.0**-32)
_ZERO: Final = np.float32(0.0)
_NONE: Final = np.uint64(0)


@cuda.jit
def _gaussian(start: Any, slope: Any, shift: Any, sd: Any, keep: Any, k0: Any, k1: Any, kept: Any) -> None:
    i = cuda.grid(1)
    if i >= start.shape[0]:
        return
    x, a, b, spread = start[i], slope[i], shift[i], sd[i]
    done, row = 0, 0
    w2, w3 = _NONE, _NONE
    z0, z1 = _ZERO, _ZERO
    while row < keep.shape[0]:
        if keep[row] == done:
            kept[row, i] = x
            row += 1
            continue
        lane = done % 4
        if lane == 0:
            w0, w1, w2, w3 = block(k0, k1, np.uint64(i), np.uint64(done // 4), _NONE)
            z0, z1 = normals_of(w0, w1)
        elif lane == 2:
            z0, z1 = normals_of(w2, w3)
        x = a * x + b + spread * (z0 if lane % 2 == 0 else z1)
        done += 1


def gaussian(start: Floats, slope: Floats, shift: Floats, sd: Floats, keep: Any, key: tuple[int, int]) -> Floats:
    """Return the kept generations, (len(keep), chains)."""
    if not len(start):
        return np.empty((len(keep), 0), np.float32)
    kept = cuda.device_array((len(keep), len(start)), np.float32)
    inputs = [cuda.to_device(each) for each in (start, slope, shift, sd, keep)]
    _gaussian[blocks_for(len(start)), THREADS](*inputs, np.uint64(key[0]), np.uint64(key[1]), kept)
    return np.asarray(kept.copy_to_host())


@cuda.jit(device=True)
def _log_share(parts: Any, k: Any, y: Any) -> Any:
    return parts[2, k] + parts[1, k] * (y - parts[0, k]) * (y - parts[0, k])


@cuda.jit(device=True)
def _top(parts: Any, y: Any) -> Any:
    top = _log_share(parts, 0, y)
    for k in range(1, parts.shape[1]):
        top = max(top, _log_share(parts, k, y))
    return top


@cuda.jit(device=True)
def _sampled(parts: Any, y: Any, top: Any, z: Any, u: Any) -> Any:
    total = exp(_log_share(parts, 0, y) - top)
    for k in range(1, parts.shape[1]):
        total += exp(_log_share(parts, k, y) - top)
    passed = exp(_log_share(parts, 0, y) - top)
    chosen = 0
    while passed < u * total and chosen + 1 < parts.shape[1]:
        chosen += 1
        passed += exp(_log_share(parts, chosen, y) - top)
    return parts[3, chosen] * y + parts[4, chosen] + parts[5, chosen] * z


@cuda.jit(device=True)
def _averaged(parts: Any, y: Any, top: Any) -> Any:
    above, below = _ZERO, _ZERO
    for k in range(parts.shape[1]):
        share = exp(_log_share(parts, k, y) - top)
        above += share * (parts[3, k] * y + parts[4, k])
        below += share
    return above / below


@cuda.jit(device=True)
def _pull(parts: Any, k: Any, y: Any, top: Any, at: Any) -> Any:
    distance = at - (parts[3, k] * y + parts[4, k])
    share = exp(_log_share(parts, k, y) - top)
    return share / parts[5, k] * exp(-_HALF * parts[6, k] * distance * distance)


@cuda.jit(device=True)
def _mode(parts: Any, y: Any, top: Any) -> Any:
    best, x = _ZERO, _ZERO
    for j in range(parts.shape[1]):
        centre = parts[3, j] * y + parts[4, j]
        density = _ZERO
        for k in range(parts.shape[1]):
            density += _pull(parts, k, y, top, centre)
        if j == 0 or density > best:
            best, x = density, centre
    for _ in range(SHIFTS):
        above, below = _ZERO, _ZERO
        for k in range(parts.shape[1]):
            weight = _pull(parts, k, y, top, x) * parts[6, k]
            above += weight * (parts[3, k] * y + parts[4, k])
            below += weight
        x = above / below
    return x


@cuda.jit
def _mixture(start: Any, parts: Any, noise: Any, rule: Any, keep: Any, k0: Any, k1: Any, kept: Any) -> None:
    i = cuda.grid(1)
    if i >= start.shape[0]:
        return
    x = start[i]
    done = 0
    for row in range(keep.shape[0]):
        while done < keep[row]:
            w0, w1, w2, _ = block(k0, k1, np.uint64(i), np.uint64(done), _NONE)
            z0, z1 = normals_of(w0, w1)
            y = x + noise * z0
            top = _top(parts, y)
            if rule == 0:
                x = _sampled(parts, y, top, z1, (np.float32(w2) + _HALF) * _RANGE)
            elif rule == 1:
                x = _averaged(parts, y, top)
            else:
                x = _mode(parts, y, top)
            done += 1
        kept[row, i] = x


def mixture(start: Floats, parts: Floats, noise: Any, rule: int, keep: Any, key: tuple[int, int]) -> Floats:
    """Return the kept generations, (len(keep), chains)."""
    if not len(start):
        return np.empty((len(keep), 0), np.float32)
    kept = cuda.device_array((len(keep), len(start)), np.float32)
    inputs = [cuda.to_device(each) for each in (start, parts)]
    generations = cuda.to_device(keep)
    key_words = np.uint64(key[0]), np.uint64(key[1])
    _mixture[blocks_for(len(start)), THREADS](*inputs, noise, rule, generations, *key_words, kept)
    return np.asarray(kept.copy_to_host())
