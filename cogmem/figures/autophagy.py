"""The figure of model autophagy: generative models that learn from their own samples are chains without a prior."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Kind
from cogmem.figures.figure import Drawing, Figure, Panel, Series
from cogmem.jobs.autophagy import ENVIRONMENT, SYNTHETIC, Course, courses
from cogmem.models.self_consuming import estimation_error, gaussian_moments
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

Array = NDArray[np.float64]
CHAINS: Final = 20_000
N: Final = 100
SYNTHETIC_SIZES: Final = (0, 10, 30, 100, 300, 1000)
Y_LABELS: Final = {"frechet": "W2² of the moments", "precision": "Precision", "recall": "Recall"}


def line(label: str, kind: Kind, x: Array, y: Array, lower: Array | None = None, upper: Array | None = None) -> Series:
    """Return a series, without an interval where none is given."""
    none = np.full(len(x), np.nan)
    columns = {"x": x, "y": y, "lower": none if lower is None else lower, "upper": none if upper is None else upper}
    return Series(label, kind, Trials(columns))


def collapse_panel(seed: int) -> Panel:
    """Return the variance of synthetic loops of normal laws by generation, with the closed form of its median."""
    parts = []
    x = np.arange(1.0, 201.0)
    for bias in (1.0, 0.9):
        _, variance = gaussian_moments(n=N, generations=200, chains=CHAINS, bias=bias, seed=seed)
        quantiles = np.quantile(variance, [0.5, 0.05, 0.95], axis=1)
        parts.append(line(f"median of variance, λ = {bias:g}", "equation", x, *quantiles))
        theory = np.exp(-x / (N - 1)) * bias**x
        parts.append(line(f"λ^t exp(-t / (n - 1)), λ = {bias:g}", "bayesian", x, theory))
    mean, variance = gaussian_moments(n=N, generations=200, chains=CHAINS, seed=seed)
    parts.append(line("mean of variance, λ = 1", "equation", x, variance.mean(axis=1)))
    parts.append(line("variance of mean, λ = 1", "equation", x, mean.var(axis=1)))
    return Panel(f"Normal laws, {N} samples a generation", "Generation", "Variance", tuple(parts), y_range=(0.0, 2.2))


def size_panel(seed: int) -> Panel:
    """Return the median of the variance by generation for several sample sizes: more samples, slower collapse."""
    parts, x = [], np.arange(1.0, 201.0)
    for n in (30, 100, 300, 1000):
        _, variance = gaussian_moments(n=n, generations=200, chains=CHAINS, seed=seed)
        parts.append(line(f"{n} samples", "equation", x, np.median(variance, axis=1)))
    return Panel("Normal laws, λ = 1", "Generation", "Variance, median", tuple(parts), y_range=(0.0, 1.05))


def admissible_panel(seed: int) -> Panel:
    """Return the error that the fresh loop settles at by how many made samples are added to real ones."""
    parts = []
    for bias in (1.0, 0.9, 0.7):
        found = [
            estimation_error(n_real=N, n_synthetic=k, bias=bias, generations=100, chains=CHAINS, seed=seed)
            for k in SYNTHETIC_SIZES
        ]
        parts.append(line(f"λ = {bias:g}", "equation", np.array(SYNTHETIC_SIZES, dtype=float), np.array(found)))
    title = f"Fresh loop: {N} real samples and made ones"
    return Panel(title, "Made samples a generation", "W2² from the real law", tuple(parts), "symlog", y_scale="log")


def course_panels(found: Sequence[Course]) -> list[Panel]:
    """Return distance, precision and recall by generation, a row of panels for each model."""
    panels = []
    for model in dict.fromkeys(course.loop.model for course in found):
        mine = [course for course in found if course.loop.model == model]
        for measured, label in Y_LABELS.items():
            kind: Kind = "network" if model == "ddpm" else "equation"
            parts = tuple(line(each.label, kind, each.rows["generation"], each.rows[measured]) for each in mine)
            limits = None if measured == "frechet" else (0.0, 1.02)
            panels.append(Panel(f"{model}: {measured}", "Generation", label, parts, y_range=limits))
    return panels


def draw(found: Sequence[Course], seed: int) -> Drawing:
    """Return the drawing of computed loops."""
    caption = (
        "Generative models that learn from samples of the model before them (after Alemohammad et al., 2023): "
        f"reproduction without a prior to return to. First row: {CHAINS} loops of normal laws by their moments; bands "
        f"hold 90 % of the loops. Others: points of {ENVIRONMENT}, {SYNTHETIC} made samples a generation, one loop "
        "each; synthetic: made samples alone; augmented: with one fixed real sample; fresh: with a new real sample; λ "
        "scales the variance of what is sampled (of a diffusion model: of the noise added on the way back). W2² is "
        "that of the normal laws of both moments; precision and recall by balls of 3 neighbours. "
        f"Seed {seed}."
    )
    return Drawing(
        (collapse_panel(seed), size_panel(seed), admissible_panel(seed), *course_panels(found)), caption, columns=3
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(courses(seed=seed, store=store, report=report), seed)


autophagy_figure: Final = Figure(
    "model_autophagy", "Alemohammad et al. (2023), Self-Consuming Generative Models Go MAD", ("autophagy",), _draw
)
