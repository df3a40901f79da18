"""Speed of diffusion on a grid: separable kernels that are never formed, against the published algorithm's matrices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cogmem.benchmarks.timing import Speed, against, timed
from cogmem.models.grid_diffusion import GridDiffusion
from cogmem.models.grid_noise import schedule
from cogmem.models.grids import LAWS, Grid

Array = NDArray[np.float64]


def dense(model: GridDiffusion, *, chains: bool) -> tuple[float, float]:
    """Return (sum of what is generated, stationarity), by the matrices of the published algorithm for Gaussian noise.

    Every kernel N_t and denoiser D_t is an M × M matrix; with `chains` so is each K_t = D_t N_t, which the published
    stationarity score goes through; without, only matrices times vectors are taken, and no score.
    """
    grid = Grid(model.spacing)
    data, p = (LAWS[name](grid).ravel() for name in (model.data, model.final))
    squares = grid.differences() ** 2
    n = grid.n
    distances = (squares[:, None, :, None] + squares[None, :, None, :]).reshape(n * n, n * n)
    noise, laws = [], [data]
    for sd in schedule(model.first, model.last, model.steps):
        kernel = np.exp(-distances / (2 * sd**2))
        noise.append(kernel / kernel.sum(axis=0))
        laws.append(noise[-1] @ laws[-1])
    made, steps = [p], []
    for t in range(model.steps, 0, -1):
        back = laws[t - 1][:, None] * noise[t - 1].T / laws[t]
        steps.append(back @ noise[t - 1] if chains else back)
        made.append(steps[-1] @ made[-1] if chains else back @ (noise[t - 1] @ made[-1]))
    if not chains:
        return float(made[-1].sum()), np.nan
    v = made[1] / made[2]
    for step in steps[1:]:
        v = step.T @ v
    return float(made[-1].sum()), float(np.sqrt(np.mean((v - 1) ** 2)))


def separable(model: GridDiffusion) -> tuple[float, float]:
    """Return the same two numbers as cogmem computes them."""
    solved = model.solve()
    return float(solved.generated[0].sum()), solved.stationarity


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of a swiss roll's 10 steps: by matrices, without the K_t, and separable."""
    model = GridDiffusion(spacing=0.1 if quick else 0.025)
    what, unit, n = f"diffusion, {Grid(model.spacing).n}² points", "step", model.steps
    published = timed(what, "dense numpy", lambda: dense(model, chains=True), items=n, unit=unit, repeats=1)
    vectors = timed(what, "dense, no K", lambda: dense(model, chains=False), items=n, unit=unit, repeats=1)
    ours = timed(what, "separable", lambda: separable(model), items=n, unit=unit)
    finer = GridDiffusion(spacing=0.05 if quick else 0.0025)
    large = timed(f"diffusion, {Grid(finer.spacing).n}² points", "separable", lambda: separable(finer), items=n,
                  unit=unit, repeats=1)  # fmt: skip
    return [published, against(vectors, numpy=published), against(ours, numpy=published), large]
