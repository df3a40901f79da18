"""Self-consuming loops, measured: Fréchet distance to the real law, precision and recall, generation by generation."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Source
from cogmem.environments import environment
from cogmem.models.self_consuming import SelfConsuming, covered, frechet, wasserstein
from cogmem.progress import Report, silent
from cogmem.spaces import Plane
from cogmem.store import Made, Store
from cogmem.trials import Trials

Array = NDArray[np.float64]

VERSION: Final = 1
ENVIRONMENT: Final = "three_modes"
SYNTHETIC: Final = 500
GENERATIONS: Final = 10
LOOPS: Final = (("synthetic", 0, 1.0), ("synthetic", 0, 0.8), ("augmented", 500, 1.0), ("fresh", 500, 1.0))
"""(loop, real samples, sampling bias λ) of the comparison."""


@dataclass(frozen=True, eq=False)
class Course:
    """One loop: `rows` has generation, frechet, wasserstein (W2², of the data's unit), precision and recall."""

    loop: SelfConsuming
    rows: Trials

    @property
    def label(self) -> str:
        """The loop in words."""
        bias = "" if self.loop.bias == 1 else f", λ = {self.loop.bias:g}"
        return f"{self.loop.loop}{bias}"


def _draw(n: int, rng: np.random.Generator) -> Array:
    return environment(ENVIRONMENT)(Plane(), n, rng)


def course(loop: SelfConsuming, *, generations: int, seed: int) -> Trials:
    """Return what becomes of a loop on points of three modes, against a real sample of the size of the made ones."""
    real = _draw(loop.n_synthetic, np.random.default_rng([seed, 51]))
    rows = []
    for generation, made in enumerate(loop.run(_draw, generations=generations, seed=seed), 1):
        rows.append(
            (generation, frechet(real, made), wasserstein(real, made), covered(real, made), covered(made, real))
        )
    names = ("generation", "frechet", "wasserstein", "precision", "recall")
    return Trials({name: np.array([row[k] for row in rows]) for k, name in enumerate(names)})


def courses(
    models: Sequence[str] = ("gaussian", "mixture", "ddpm"),
    *,
    seed: int,
    store: Store,
    generations: int = GENERATIONS,
    report: Report = silent,
) -> list[Course]:
    """Return every loop of LOOPS for each model; a diffusion model is trained anew in each generation, and stored."""
    loops = [SelfConsuming(model, loop, SYNTHETIC, n, bias) for model in models for loop, n, bias in LOOPS]  # type: ignore[arg-type]
    found = []
    for done, loop in enumerate(loops):
        report(done, len(loops))
        spec = {"job": "autophagy", "version": VERSION, "loop": asdict(loop), "generations": generations, "seed": seed}

        def make(loop: SelfConsuming = loop) -> Made:
            started = time.perf_counter()
            rows = course(loop, generations=generations, seed=seed)
            return {"course": rows}, {}, Source(who=loop.model, kind="network", seconds=time.perf_counter() - started)

        tables, _, _ = store.remember("autophagy", spec, make)
        found.append(Course(loop, tables["course"]))
    return found
