"""Speed of random numbers and of chains of reproductions."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, against, timed
from cogmem.kernels import random
from cogmem.kernels.chains import gaussian_chains, gaussian_coefficients, mixture_chains
from cogmem.kernels.kernel import simulated, usable

PRIOR: dict[str, Any] = {"means": [-2.0, 1.0, 3.0], "sds": [0.5, 0.3, 1.0], "weights": [1.0, 2.0, 1.0], "noise_sd": 0.7}


def fast_backends() -> list[str]:
    """Return the compiled backends that can be timed here: CUDA only on a real GPU."""
    return [each for each in usable() if each != "numpy" and not (each == "cuda" and simulated())]


def raw(what: str, backend: str, n: int, draws: int, *, normal: bool) -> Speed:
    """Return the speed of drawing and adding up `draws` words or normals of each of n individuals, nothing stored."""
    if backend == "cuda":
        from cogmem.kernels.cuda import limits as on_device

        drawn: Callable[[int, int, bool], Any] = on_device.drawn
    else:
        from cogmem.kernels.cpu import limits

        drawn = limits.drawn
    unit = "normal" if normal else "word"
    return timed(what, backend, lambda: drawn(n, draws, normal), items=n * draws, unit=unit)


def bench_random(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the rates at which random words and normals are drawn and written out, beside the raw ones."""
    n, draws = (50_000 if quick else 1_000_000), 20
    rows = []
    for name, call in (("words", random.words), ("normals", random.normals), ("exponentials", random.exponentials)):
        few = max(1, n // 10)
        work = partial(call, few, draws, seed=seed, backend="numpy")
        meaning = timed(name, "numpy", work, items=few * draws, unit=name, repeats=3)
        rows.append(meaning)
        for backend in fast_backends():
            work = partial(call, n, draws, seed=seed, backend=backend)
            speed = timed(name, backend, work, items=n * draws, unit=name)
            normal = name == "normals"
            limit = raw(f"raw Philox {'normals' if normal else 'words'}", backend, n, draws, normal=normal)
            rows.append(against(speed, numpy=meaning, limit=limit))
    return rows


def _generator_loop(n: int, steps: int, seed: int, coefficients: tuple[float, float, float]) -> None:
    """Run the Gaussian chain as numpy's users write it: vectorised over chains, in place, one normal a step."""
    slope, shift, sd = coefficients
    rng = np.random.default_rng(seed)
    x, z = np.zeros(n), np.empty(n)
    for _ in range(steps):
        rng.standard_normal(out=z)
        z *= sd
        z += shift
        x *= slope
        x += z


def _mixture_loop(n: int, steps: int, seed: int) -> None:
    """Run the sampling chain under a mixture prior vectorised over chains with numpy's Generator."""
    rng = np.random.default_rng(seed)
    means, sds, weights = (np.asarray(PRIOR[name])[:, None] for name in ("means", "sds", "weights"))
    noise = PRIOR["noise_sd"]
    total = sds**2 + noise**2
    gain = sds**2 / total
    x = np.zeros(n)
    for _ in range(steps):
        y = x + noise * rng.standard_normal(n)
        shares = weights / np.sqrt(total) * np.exp(-0.5 * (y - means) ** 2 / total)
        edges = np.cumsum(shares, axis=0)
        chosen = (rng.random(n) * edges[-1] > edges[:-1]).sum(axis=0)
        own_gain, own_mean = gain[chosen, 0], means[chosen, 0]
        x = own_gain * y + (1 - own_gain) * own_mean + np.sqrt(own_gain) * noise * rng.standard_normal(n)


def bench_chains(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of 10^6 chains of 100 generations: Gaussian prior and mixture, against numpy's Generator.

    "numpy" is the kernel's meaning with the same random numbers, "numpy Generator" a loop as users write it.
    """
    n, steps = (50_000, 20) if quick else (1_000_000, 100)
    a, b, c = (float(x) for x in gaussian_coefficients(prior_mean=0.0, prior_sd=1.0, noise_sd=0.5))
    start = np.zeros(n, np.float32)

    def gaussian(backend: str, count: int = n) -> Any:
        return gaussian_chains(start[:count], slope=a, shift=b, sd=c, keep=[steps], seed=seed, backend=backend)

    def mixture(backend: str, count: int = n) -> Any:
        return mixture_chains(start[:count], keep=[steps], seed=seed, backend=backend, **PRIOR)

    few = max(1, n // 50)
    rows = []
    for name, call, loop in (
        ("gaussian chains", gaussian, lambda: _generator_loop(n, steps, seed, (a, b, c))),
        ("mixture chains", mixture, lambda: _mixture_loop(few, steps, seed)),
    ):
        size = n if call is gaussian else few
        users = timed(name, "numpy Generator", loop, items=size * steps, unit="generation", repeats=3)
        meaning = timed(name, "numpy", partial(call, "numpy", few), items=few * steps, unit="generation", repeats=3)
        rows += [users, against(meaning, numpy=users)]
        for backend in fast_backends():
            speed = timed(name, backend, partial(call, backend), items=n * steps, unit="generation")
            rows.append(against(speed, numpy=users, limit=raw("raw Philox normals", backend, n, steps, normal=True)))
    return rows
