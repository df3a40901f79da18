"""Speed of chains of reproductions, against the loops that users of numpy write."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from cogmem.benchmarks.random import raw
from cogmem.benchmarks.timing import Speed, Workload, against, compiled, timed
from cogmem.kernels.chains import gaussian_chains, gaussian_coefficients, mixture_chains

PRIOR: dict[str, Any] = {"means": [-2.0, 1.0, 3.0], "sds": [0.5, 0.3, 1.0], "weights": [1.0, 2.0, 1.0], "noise_sd": 0.7}


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


def _sizes(quick: bool) -> tuple[int, int]:
    return (50_000, 20) if quick else (1_000_000, 100)


def _coefficients() -> tuple[float, float, float]:
    a, b, c = (float(x) for x in gaussian_coefficients(prior_mean=0.0, prior_sd=1.0, noise_sd=0.5))
    return a, b, c


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return 10^6 chains of 100 generations: a Gaussian prior, and a mixture of three by each rule."""
    n, steps = _sizes(quick)
    slope, shift, sd = _coefficients()
    start = np.zeros(n, np.float32)

    def gaussian(backend: str, size: int) -> Any:
        return gaussian_chains(start[:size], slope=slope, shift=shift, sd=sd, keep=[steps], seed=seed, backend=backend)

    def mixture(rule: str, backend: str, size: int) -> Any:
        return mixture_chains(start[:size], keep=[steps], rule=rule, seed=seed, backend=backend, **PRIOR)

    made = [Workload("gaussian chains", "generation", n, n // 50, steps, gaussian)]
    # The mode takes some forty exponentials a generation.
    for rule, part in (("sample", 1), ("mean", 1), ("map", 10)):
        run = partial(mixture, rule)
        made.append(Workload(f"mixture chains, {rule}", "generation", n // part, n // 50 // part, steps, run))
    return made


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of chains against numpy's Generator and the rate of raw normals.

    "numpy" is the kernel's meaning with the same random numbers, "numpy Generator" a loop as users write it.
    """
    n, steps = _sizes(quick)
    few = n // 50
    loops = {
        "gaussian chains": (n, partial(_generator_loop, n, steps, seed, _coefficients())),
        "mixture chains, sample": (few, partial(_mixture_loop, few, steps, seed)),
    }
    rows = []
    for work in workloads(quick=quick, seed=seed):
        base = meaning = work.speed("numpy")
        if work.what in loops:
            size, loop = loops[work.what]
            base = timed(work.what, "numpy Generator", loop, items=size * steps, unit="generation", repeats=3)
            rows.append(base)
            meaning = against(meaning, numpy=base)
        rows.append(meaning)
        for backend in compiled():
            limit = raw(backend, work.n, steps, normal=True)
            rows.append(against(work.speed(backend), numpy=base, limit=limit))
    return rows
