"""Where chains settle: a million reproducers by each rule, and networks on the law that they learned."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Source, chain
from cogmem.divergences import js
from cogmem.environments import environment
from cogmem.kernels.chains import gaussian_chains, gaussian_coefficients, mixture_chains
from cogmem.paradigms import serial_reproduction
from cogmem.progress import Report, silent
from cogmem.spaces import space_of
from cogmem.store import Made, Store
from cogmem.subjects.neural_reproducer import METHODS, NeuralReproducer
from cogmem.trials import Trials

Array = NDArray[np.float64]

VERSION: Final = 1
CHAINS: Final = 1_000_000
GENERATION: Final = 60
EDGES: Final = np.linspace(-4.0, 4.0, 81)
MEANS: Final = (-1.5, 0.5, 2.0)
SDS: Final = (0.4, 0.5, 0.3)
WEIGHTS: Final = (0.3, 0.5, 0.2)
NOISE: Final = 0.5
RULES: Final = ("sample", "mean", "map")
ENVIRONMENTS: Final = (("plane", "three_modes", 0.3), ("plane", "swiss_roll", 0.3), ("images", "bars", 0.5))
"""(space, environment, noise in sds) that networks are chained in."""
UPDATES: Final = 4000
NEURAL_CHAINS: Final = 1000
NEURAL_GENERATIONS: Final = 20


def densities(values: NDArray[np.float32]) -> Array:
    """Return the density of values in the bins of EDGES."""
    counts = np.histogram(values, bins=EDGES)[0]
    return np.asarray(counts / len(values) / np.diff(EDGES))


def gaussian_prior(x: Array) -> Array:
    """Return the density of the prior N(0, 1)."""
    return np.asarray(np.exp(-0.5 * x**2) / np.sqrt(2 * np.pi))


def mixture_prior(x: Array) -> Array:
    """Return the density of the prior of three categories."""
    sds = np.array(SDS)
    parts = np.exp(-0.5 * ((x[:, None] - np.array(MEANS)) / sds) ** 2) / (np.sqrt(2 * np.pi) * sds)
    return np.asarray(parts @ np.array(WEIGHTS))


@dataclass(frozen=True, eq=False)
class Settled:
    """Densities (bins,) of a million chains after many generations, by prior and rule."""

    prior: str
    rule: str
    density: Array


def settled(*, seed: int, chains: int = CHAINS, backend: str = "auto") -> list[Settled]:
    """Return where chains that began at 3 settle, for two priors and all rules; by the kernels."""
    start = np.full(chains, 3.0, dtype=np.float32)
    found = []
    for rule in RULES:
        slope, shift, sd = gaussian_coefficients(prior_mean=0.0, prior_sd=1.0, noise_sd=NOISE, rule=rule)
        made = gaussian_chains(start, slope=slope, shift=shift, sd=sd, keep=[GENERATION], seed=seed, backend=backend)
        found.append(Settled("one category", rule, densities(made[0])))
        made = mixture_chains(
            start, means=MEANS, sds=SDS, weights=WEIGHTS, noise_sd=NOISE, keep=[GENERATION], seed=seed, rule=rule,
            backend=backend,
        )  # fmt: skip
        found.append(Settled("three categories", rule, densities(made[0])))
    return found


def convergence(method: str, space: str, learned: str, noise: float, *, seed: int) -> Trials:
    """Return the Jensen–Shannon divergence (bits) of a network's chain from what it learned, by generation.

    x = 0 is the law of the roots, drawn evenly; `floor` is the divergence of a fresh sample of the same size.
    """
    design = serial_reproduction.design(
        seed=seed, space=space, low=-0.5, high=0.5, n_roots=NEURAL_CHAINS, chains_per_root=1, outside="clip"
    )
    subject = NeuralReproducer(method, noise, learned, UPDATES, seed=seed)  # type: ignore[arg-type]
    records = chain(serial_reproduction, [subject], design, generations=NEURAL_GENERATIONS, seed=seed)
    here, law = space_of(design.settings), environment(learned)
    truth = here.histogram(law(here, 100_000, np.random.default_rng([seed, 61])))
    fresh = here.histogram(law(here, NEURAL_CHAINS, np.random.default_rng([seed, 62])))
    stimuli = [np.asarray(design.items[design.tests["target"]]), *(np.asarray(each.answers) for each in records)]
    y = np.array([js(here.histogram(here.clipped(each)), truth) for each in stimuli])
    n = len(y)
    return Trials({"x": np.arange(float(n)), "y": y, "floor": np.full(n, float(js(fresh, truth)))})


def neural_courses(*, seed: int, store: Store, report: Report = silent) -> dict[tuple[str, str], Trials]:
    """Return `convergence` of each kind of network in each environment, by (environment, method); stored."""
    found: dict[tuple[str, str], Trials] = {}
    cells: Sequence[tuple[tuple[str, str, float], str]] = [(e, m) for e in ENVIRONMENTS for m in METHODS]
    for done, ((space, learned, noise), method) in enumerate(cells):
        report(done, len(cells))
        subject = NeuralReproducer(method, noise, learned, UPDATES, seed=seed)  # type: ignore[arg-type]
        spec = {"job": "neural convergence", "version": VERSION, "subject": subject, "space": space, "seed": seed}

        def make(method: str = method, space: str = space, learned: str = learned, noise: float = noise) -> Made:
            started = time.perf_counter()
            rows = convergence(method, space, learned, noise, seed=seed)
            return {"course": rows}, {}, Source(who=method, kind="network", seconds=time.perf_counter() - started)

        tables, _, _ = store.remember("convergence", spec, make)
        found[learned, method] = tables["course"]
    return found
