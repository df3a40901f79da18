"""Figures of the theory: a diffusion model's sampler is a chain of reproducers; where such chains settle."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from cogmem.figures.autophagy import line
from cogmem.figures.figure import Drawing, Figure, Panel, Series
from cogmem.jobs import stationary
from cogmem.models.grid_diffusion import Diffused, GridDiffusion
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

STEPS: Final = (2, 3, 6, 12, 24, 48, 100)
FINE: Final = 0.025
COARSE: Final = 0.04
STUDIES: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("Gaussian, .01 to .05", {"noise": "gaussian", "first": 0.01, "last": 0.05, "spacing": COARSE}),
    ("bimodal, .02 to .07", {"noise": "bimodal", "first": 0.02, "last": 0.07, "spacing": COARSE}),
)
CONDITIONS: Final[tuple[tuple[str, dict[str, Any]], ...]] = (
    ("Gaussian", {"noise": "gaussian", "first": 0.03, "last": 0.10}),
    ("bimodal", {"noise": "bimodal", "first": 0.02, "last": 0.07}),
    ("trimodal", {"noise": "trimodal", "first": 0.02, "last": 0.07}),
    ("fade", {"noise": "fade", "first": 0.01, "last": 1.0}),
    ("Gaussian, constant .01", {"noise": "gaussian", "first": 0.01, "last": 0.01}),
    ("same, 100 steps", {"noise": "gaussian", "first": 0.01, "last": 0.01, "steps": 100}),
    ("bimodal, constant 1e-4", {"noise": "bimodal", "first": 1e-4, "last": 1e-4}),
    ("fade, constant 1e-4", {"noise": "fade", "first": 1e-4, "last": 1e-4}),
)
MEASURES: Final = (("error", "KL from the data (bits)"), ("complexity", "Longest step, KL (bits)"))


def steps_panels() -> list[Panel]:
    """Return error and complexity by the number of steps, for two families of noise."""
    solved = {
        label: [GridDiffusion(**{**given, "steps": steps}).solve() for steps in STEPS] for label, given in STUDIES
    }
    x = np.array(STEPS, dtype=float)
    return [
        Panel(
            f"Swiss roll, 26 x 26: {name} by steps", "Steps", label,
            tuple(line(what, "equation", x, np.array([getattr(one, name) for one in each]))
                  for what, each in solved.items()), "log",
        )
        for name, label in MEASURES
    ]  # fmt: skip


def conditions_panel() -> Panel:
    """Return the error of each noise family under a good and a bad schedule, 41 × 41 points."""
    parts: list[Series] = []
    for rank, (label, given) in enumerate(CONDITIONS, 1):
        error = _solved(given).error
        rows = Trials({"x": np.array([float(rank)]), "y": np.array([error]),
                       "lower": np.array([np.nan]), "upper": np.array([np.nan])})  # fmt: skip
        parts.append(Series(label, "equation", rows, points=True))
    return Panel(
        "Swiss roll, 41 x 41: error by noise", "", "KL from the data (bits)", tuple(parts),
        ticks=tuple(label for label, _ in CONDITIONS), legend=False,
    )  # fmt: skip


def _solved(given: dict[str, Any]) -> Diffused:
    return GridDiffusion(**{"spacing": FINE, **given}).solve()


def trajectory_panel() -> Panel:
    """Return how far the sampler's law is from the data after each step back, for the good schedules."""
    from cogmem.divergences import kl

    parts = []
    for label, given in CONDITIONS[:4]:
        solved = _solved(given)
        back = np.array([kl(p, solved.forward[0]) for p in solved.generated[::-1]])
        parts.append(line(label, "equation", np.arange(float(len(back))), back))
    return Panel("The sampler as a chain", "Steps back (generations)", "KL from the data (bits)", tuple(parts))


def settled_panels(seed: int) -> list[Panel]:
    """Return where a million chains settle under each rule, beside the prior, for one and for three categories."""
    x = (stationary.EDGES[:-1] + stationary.EDGES[1:]) / 2
    found = stationary.settled(seed=seed)
    panels = []
    for prior, density in (
        ("one category", stationary.gaussian_prior), ("three categories", stationary.mixture_prior)
    ):  # fmt: skip
        parts = [line("prior", "equation", x, density(x))]
        parts += [line(f"rule: {each.rule}", "bayesian", x, each.density) for each in found if each.prior == prior]
        title = f"10⁶ chains after {stationary.GENERATION} generations: {prior}"
        panels.append(Panel(title, "Reproduction", "Density", tuple(parts)))
    return panels


def neural_panels(seed: int, store: Store, report: Report) -> list[Panel]:
    """Return how far networks' chains are from what they learned, by generation."""
    found = stationary.neural_courses(seed=seed, store=store, report=report)
    panels = []
    for _, learned, noise in stationary.ENVIRONMENTS:
        mine = {method: rows for (name, method), rows in found.items() if name == learned}
        parts = [line(method, "network", rows["x"], rows["y"]) for method, rows in mine.items()]
        first = next(iter(mine.values()))
        parts.append(line("a fresh sample", "equation", first["x"], first["floor"]))
        title = f"Networks that learned {learned.replace('_', ' ')}, noise {noise:g} sd"
        panels.append(Panel(title, "Generation", "Divergence from what was learned (bits)", tuple(parts)))
    return panels


def draw(seed: int, store: Store, report: Report) -> Drawing:
    """Return the drawing: grids are solved, chains simulated, networks trained (and stored)."""
    first, second = steps_panels()
    panels = (
        first, second, conditions_panel(), trajectory_panel(), *settled_panels(seed),
        *neural_panels(seed, store, report),
    )  # fmt: skip
    caption = (
        "A diffusion model's sampler is a chain of reproducers whose prior changes from step to step (after Marjieh et "
        "al., 2023). Exact laws on a grid: error is KL of what is generated from the data, complexity the longest step "
        "between noised laws; the sampler noises and denoises at each step. Different families of noise succeed with a "
        "good schedule; constant small noise fails, and ten times the steps mend it in part. Below: chains that began "
        "at 3 settle at the prior if reproducers draw from the posterior, not if they answer its mean or mode; prior "
        f"N(0, 1) or three categories, noise sd {stationary.NOISE}. Networks: chains from roots drawn evenly; a "
        "diffusion model (ddpm) draws, an autoencoder (dae) answers the mean. Divergence: Jensen-Shannon, of points in "
        f"10 x 10 squares, of images in 20 bins of brightness. Seed {seed}."
    )
    return Drawing(panels, caption, columns=3)


diffusion_figure: Final = Figure(
    "diffusion_as_serial_reproduction",
    "Marjieh et al. (2023), Analyzing Diffusion as Serial Reproduction; Xu & Griffiths (2010)",
    ("neural convergence",),
    draw,
)
