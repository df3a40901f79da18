"""Chains of reproductions in numba: tiles of chains stay in the first cache while their generations pass."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import njit, prange

from cogmem.kernels.chains import SHIFTS, Floats
from cogmem.kernels.cpu.random import block, exp, normals_of

TILE: Final = 1024
_HALF: Final = np.float32(0.5)
_RANGE: Final = np.float32(2.0**-32)
_ZERO: Final = np.float32(0.0)
_LEAST: Final = np.float32(-np.inf)


@njit
def _four(x: Any, slope: Any, shift: Any, sd: Any, first: Any, step: Any, k0: Any, k1: Any) -> None:
    """Take each chain of a tile through the four generations of one block."""
    for i in range(len(x)):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + i), np.uint64(step), np.uint64(0))
        z0, z1 = normals_of(w0, w1)
        z2, z3 = normals_of(w2, w3)
        now = slope[i] * x[i] + shift[i] + sd[i] * z0
        now = slope[i] * now + shift[i] + sd[i] * z1
        now = slope[i] * now + shift[i] + sd[i] * z2
        x[i] = slope[i] * now + shift[i] + sd[i] * z3


@njit
def _one(x: Any, slope: Any, shift: Any, sd: Any, first: Any, step: Any, lane: Any, k0: Any, k1: Any) -> None:
    """Take each chain of a tile through one generation of a block."""
    for i in range(len(x)):
        w0, w1, w2, w3 = block(k0, k1, np.uint64(first + i), np.uint64(step), np.uint64(0))
        z0, z1 = normals_of(w0, w1) if lane < 2 else normals_of(w2, w3)
        x[i] = slope[i] * x[i] + shift[i] + sd[i] * (z0 if lane % 2 == 0 else z1)


@njit(parallel=True, nogil=True)
def _gaussian(start: Any, slope: Any, shift: Any, sd: Any, keep: Any, k0: Any, k1: Any, kept: Any) -> None:
    n = len(start)
    for tile in prange((n + TILE - 1) // TILE):
        first, last = tile * TILE, min(n, (tile + 1) * TILE)
        own = slice(first, last)
        a, b, c = slope[own], shift[own], sd[own]
        x, done, row = start[own].copy(), 0, 0
        while row < len(keep):
            if keep[row] == done:
                kept[row, own] = x
                row += 1
            elif done % 4 == 0 and keep[row] >= done + 4:
                _four(x, a, b, c, first, done // 4, k0, k1)
                done += 4
            else:
                _one(x, a, b, c, first, done // 4, done % 4, k0, k1)
                done += 1


def gaussian(start: Floats, slope: Floats, shift: Floats, sd: Floats, keep: Any, key: tuple[int, int]) -> Floats:
    """Return the kept generations, (len(keep), chains)."""
    kept = np.empty((len(keep), len(start)), np.float32)
    _gaussian(start, slope, shift, sd, keep, np.uint64(key[0]), np.uint64(key[1]), kept)
    return kept


@njit
def _percepts(x: Any, noise: Any, first: Any, step: Any, k0: Any, k1: Any, y: Any, z: Any, u: Any) -> None:
    for i in range(len(x)):
        w0, w1, w2, _ = block(k0, k1, np.uint64(first + i), np.uint64(step), np.uint64(0))
        z0, z1 = normals_of(w0, w1)
        y[i] = x[i] + noise * z0
        z[i] = z1
        u[i] = (np.float32(w2) + _HALF) * _RANGE


@njit
def _posterior(parts: Any, k: Any, y: Any, share: Any, centre: Any, top: Any) -> None:
    """Fill the log share and the mean of component k given each percept, and raise `top` to the share."""
    mean, fall, lead, gain, base = parts[0, k], parts[1, k], parts[2, k], parts[3, k], parts[4, k]
    for i in range(len(y)):
        share[i] = lead + fall * (y[i] - mean) * (y[i] - mean)
        centre[i] = gain * y[i] + base
    for i in range(len(y)):
        top[i] = max(top[i], share[i])


@njit
def _raised(share: Any, top: Any, total: Any) -> None:
    for i in range(len(share)):
        share[i] = exp(share[i] - top[i])
        total[i] += share[i]


@njit
def _shares(parts: Any, y: Any, shares: Any, centres: Any, total: Any, top: Any) -> None:
    """Fill the posterior share and mean of each component, and the sum of the shares.

    The loops over chains are in functions of vectors: beside a second axis LLVM does not make vectors of them.
    """
    top[:], total[:] = _LEAST, _ZERO
    for k in range(parts.shape[1]):
        _posterior(parts, k, y, shares[k], centres[k], top)
    for k in range(parts.shape[1]):
        _raised(shares[k], top, total)


@njit
def _sampled(parts: Any, shares: Any, centres: Any, total: Any, z: Any, u: Any, passed: Any, x: Any) -> None:
    last = parts.shape[1] - 1
    for k in range(last + 1):
        spread = parts[5, k]
        for i in range(len(x)):
            before = passed[i] if k else _ZERO
            after = before + shares[k, i]
            edge = u[i] * total[i]
            chosen = ((k == 0) | (before < edge)) & ((after >= edge) | (k == last))
            x[i] = centres[k, i] + spread * z[i] if chosen else x[i]
            passed[i] = after


@njit
def _weighted(share: Any, centre: Any, x: Any) -> None:
    for i in range(len(x)):
        x[i] += share[i] * centre[i]


@njit
def _averaged(shares: Any, centres: Any, total: Any, x: Any) -> None:
    x[:] = _ZERO
    for k in range(len(shares)):
        _weighted(shares[k], centres[k], x)
    for i in range(len(x)):
        x[i] = x[i] / total[i]


@njit
def _pulled(parts: Any, k: Any, share: Any, centre: Any, at: Any, pull: Any) -> None:
    """Fill what component k adds to each posterior's density at a place, up to one factor."""
    spread, precision = parts[5, k], parts[6, k]
    for i in range(len(at)):
        distance = at[i] - centre[i]
        pull[i] = share[i] / spread * exp(-_HALF * precision * distance * distance)


@njit
def _added(pull: Any, density: Any) -> None:
    for i in range(len(pull)):
        density[i] += pull[i]


@njit
def _higher(density: Any, centre: Any, best: Any, x: Any) -> None:
    for i in range(len(x)):
        x[i] = centre[i] if density[i] > best[i] else x[i]
        best[i] = max(best[i], density[i])


@njit
def _shifted(pull: Any, precision: Any, centre: Any, above: Any, below: Any) -> None:
    for i in range(len(pull)):
        weight = pull[i] * precision
        above[i] += weight * centre[i]
        below[i] += weight


@njit
def _mode(parts: Any, shares: Any, centres: Any, x: Any, pull: Any, sums: Any) -> None:
    best, density = sums[0], sums[1]
    best[:] = -_HALF
    for j in range(len(shares)):
        density[:] = _ZERO
        for k in range(len(shares)):
            _pulled(parts, k, shares[k], centres[k], centres[j], pull)
            _added(pull, density)
        _higher(density, centres[j], best, x)
    above, below = sums[0], sums[1]
    for _ in range(SHIFTS):
        above[:], below[:] = _ZERO, _ZERO
        for k in range(len(shares)):
            _pulled(parts, k, shares[k], centres[k], x, pull)
            _shifted(pull, parts[6, k], centres[k], above, below)
        for i in range(len(x)):
            x[i] = above[i] / below[i]


@njit(parallel=True, nogil=True)
def _mixture(start: Any, parts: Any, noise: Any, rule: Any, keep: Any, k0: Any, k1: Any, kept: Any) -> None:
    n, components = len(start), parts.shape[1]
    for tile in prange((n + TILE - 1) // TILE):
        first, last = tile * TILE, min(n, (tile + 1) * TILE)
        size = last - first
        x = start[first:last].copy()
        own = np.empty((5, size), np.float32)
        y, z, u, total, spare = own[0], own[1], own[2], own[3], own[4]
        shares, centres = np.empty((components, size), np.float32), np.empty((components, size), np.float32)
        done = 0
        for row in range(len(keep)):
            for step in range(done, keep[row]):
                _percepts(x, noise, first, step, k0, k1, y, z, u)
                _shares(parts, y, shares, centres, total, spare)
                if rule == 0:
                    _sampled(parts, shares, centres, total, z, u, spare, x)
                elif rule == 1:
                    _averaged(shares, centres, total, x)
                else:
                    _mode(parts, shares, centres, x, spare, own[:2])
            done = keep[row]
            kept[row, first:last] = x


def mixture(start: Floats, parts: Floats, noise: Any, rule: int, keep: Any, key: tuple[int, int]) -> Floats:
    """Return the kept generations, (len(keep), chains)."""
    kept = np.empty((len(keep), len(start)), np.float32)
    _mixture(start, parts, noise, rule, keep, np.uint64(key[0]), np.uint64(key[1]), kept)
    return kept
