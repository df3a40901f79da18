"""Fitting reproducers of dots to people's chains, and scoring any reproducer on them by one rule.

A subject's law at a generation is the normal law of the logarithms of (dispersion, nearest-neighbour distance) over
its own simulated chains; the score is the log density of people's values under it. What is fitted is fitted to the
chains of one half of the roots and scored on the other, both ways round.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Subject, chain, measure
from cogmem.errors import UserError
from cogmem.paradigms import serial_reproduction
from cogmem.subjects.dots_reproducer import DotsReproducer
from cogmem.subjects.reproducer import GaussianReproducer
from cogmem.trials import Trials

Array = NDArray[np.float64]
Make = Callable[[Array], Subject]

MEASURES: Final = ("dispersion", "nearest_neighbour")
SUMS: Final = ("sum_before", "sum_after", "square_before", "square_after", "product")
LEAST: Final = 1e-3
"""Patterns that shrink to a point have no logarithm: a thousandth of a pixel stands for it."""


@dataclass(frozen=True, eq=False)
class Chains:
    """Log measures of chains: `values` (chains, generations from 1, measures), `root` the number of each one's root."""

    root: NDArray[np.int64]
    values: Array

    def where(self, chosen: NDArray[np.bool_]) -> Chains:
        """Return the chosen chains."""
        return Chains(self.root[chosen], self.values[chosen])


@dataclass(frozen=True, eq=False)
class Law:
    """A normal law of log measures at each generation: mean (generations, k), covariance (generations, k, k)."""

    mean: Array
    covariance: Array

    def log_density(self, values: Array) -> Array:
        """Return the log density of (chains, generations, k) in nats: (chains, generations)."""
        apart = values - self.mean
        inverse = np.linalg.inv(self.covariance)
        squares = np.einsum("cgi,gij,cgj->cg", apart, inverse, apart)
        _, log_det = np.linalg.slogdet(2 * np.pi * self.covariance)
        return np.asarray(-0.5 * (squares + log_det))


def law_of(values: Array) -> Law:
    """Return the law of chains (chains, generations, k); UserError with too few chains for a covariance."""
    if len(values) < values.shape[-1] + 2:
        raise UserError(f"A law of {values.shape[-1]} measures needs {values.shape[-1] + 2} chains or more; got "
                        f"{len(values)}.")  # fmt: skip
    apart = values - values.mean(axis=0)
    covariance = np.einsum("cgi,cgj->gij", apart, apart) / (len(values) - 1)
    # Chains that all end in one pattern have a law without width; a relative error of 1e-3 keeps its density finite.
    return Law(values.mean(axis=0), covariance + 1e-6 * np.eye(values.shape[-1]))


def human_chains(human: Curve) -> Chains:
    """Return people's chains of a table with root, chain, generation and both measures; UserError says what is wrong.

    >>> from cogmem.human_data import load
    >>> human_chains(load("vul_dots")).values.shape
    (100, 19, 2)
    """
    rows = human.rows
    missing = [name for name in ("root", "chain", "generation", "nearest_neighbour") if name not in rows]
    if missing or human.measure != "dispersion":
        raise UserError(
            f"{human.subject} has no chains of dots by dispersion and nearest_neighbour (its columns: "
            f"{', '.join(rows)}); compare with a table such as vul_dots."
        )
    order = np.lexsort([rows["generation"], rows["chain"]])
    sizes = {int(chosen.size) for _, chosen in rows.groups(["chain"])}
    numbers = rows["generation"][order]
    if len(sizes) != 1 or not np.array_equal(
        numbers, np.tile(np.arange(next(iter(sizes))), len(numbers) // max(sizes))
    ):
        raise UserError(f"{human.subject}: each chain needs the generations 0 (its root), 1, 2, ... once each.")
    table = np.stack([rows["y"], rows["nearest_neighbour"]], axis=1)[order].reshape(-1, next(iter(sizes)), 2)
    if not (table > 0).all():
        raise UserError(f"{human.subject}: dispersion and nearest_neighbour are distances above 0.")
    return Chains(rows["root"][order].reshape(len(table), -1)[:, 0].astype(np.int64), np.log(table[:, 1:]))


def simulate(subject: Subject, human: Curve, *, chains: int, generations: int, seed: int) -> Array:
    """Return log measures of a subject's own chains, measured as people's are: (chains, generations, 2)."""
    settings = serial_reproduction.like(human)  # type: ignore[misc]
    changed = {name: getattr(settings, name) for name in settings.__dataclass_fields__} | {"n_roots": chains}
    design = serial_reproduction.design(seed=seed, **changed)
    records = chain(serial_reproduction, [subject], design, generations=generations, seed=seed)
    found = []
    for name in MEASURES:
        rows = measure(serial_reproduction.measure(name), records).rows
        made = rows.where(rows["generation"] > 0)
        order = np.lexsort([made["generation"], made["chain"]])
        found.append(made["y"][order].reshape(chains, generations))
    return np.asarray(np.log(np.maximum(np.stack(found, axis=-1), LEAST)))


def autoregression(rows: Trials) -> dict[str, float]:
    """Return the regression of a dot's coordinate on that of the display before, from the sums of a table.

    `slope` with `slope_se` over roots, `sd` of the residual in px, `shift`, and the prior's sd by the two published
    conventions: `percept_sd` = sd / sqrt(1 - slope²) is the stationary sd, which is the prior's where chains are made
    of reconstructions; `produced_sd` is the prior's where they are made of noisy stimuli (Xu & Griffiths, 2010), and
    the stationary variance is prior_sd² + noise_sd².
    """
    made = rows.where(rows["generation"] > 0)
    total = {name: float(made[name].sum()) for name in SUMS}
    n = 30.0 * len(made)
    slope, shift, sd = _line(total, n)
    parts = []
    for root in np.unique(made["root"]):
        rest = made.where(made["root"] != root)
        parts.append(_line({name: float(rest[name].sum()) for name in SUMS}, 30.0 * len(rest))[0])
    # The jackknife over roots: chains of one root, and coordinates of one display, are not independent.
    k = len(parts)
    se = np.sqrt((k - 1) / k * ((np.array(parts) - np.mean(parts)) ** 2).sum()) if k > 1 else np.nan
    stationary = sd / np.sqrt(max(1 - slope**2, 1e-12))
    return {"slope": slope, "slope_se": float(se), "shift": shift, "sd": sd,
            "percept_sd": float(stationary), "produced_sd": float(stationary * np.sqrt(max(slope, 0.0)))}  # fmt: skip


def _line(total: dict[str, float], n: float) -> tuple[float, float, float]:
    """Return (slope, shift, residual sd) from sums."""
    variance = total["square_before"] - total["sum_before"] ** 2 / n
    shared = total["product"] - total["sum_before"] * total["sum_after"] / n
    slope = shared / variance
    left = total["square_after"] - total["sum_after"] ** 2 / n - slope * shared
    return slope, (total["sum_after"] - slope * total["sum_before"]) / n, float(np.sqrt(max(left, 0.0) / n))


def gaussian_subject(rows: Trials) -> tuple[GaussianReproducer, dict[str, float]]:
    """Return the reproducer whose chain is the fitted autoregression of single coordinates, and the regression.

    The chain of percepts; that of produced stimuli with its own prior has the same law.
    """
    found = autoregression(rows)
    slope = min(max(found["slope"], 1e-6), 1 - 1e-6)
    spread = found["sd"] / np.sqrt(1 - slope**2)
    noise = spread * np.sqrt((1 - slope) / slope)
    return GaussianReproducer(found["shift"] / (1 - slope), float(spread), float(noise)), found


def location_sd(rows: Trials) -> float:
    """Return how far a whole display is misplaced along an axis: the sd in px of its centre's step."""
    made = rows.where(rows["generation"] > 0)
    # Sums are over both axes of 15 dots, so a step of theirs is that of the two coordinates of the centre, added.
    step = (made["sum_after"] - made["sum_before"]) / 15.0
    return float(np.sqrt((step**2).mean() / 2.0))


def independent_dots(theta: Array, location: float) -> DotsReproducer:
    """Return a reproducer without groups; `theta` are the logarithms of noise and between."""
    noise, between = np.exp(theta)
    return DotsReproducer(location, float(noise), float(between), name="independent_dots")


def grouped_dots(theta: Array, location: float) -> DotsReproducer:
    """Return a reproducer with groups; `theta` are the logarithms of noise, between, within and concentration."""
    noise, between, within, concentration = (float(value) for value in np.exp(theta))
    return DotsReproducer(location, noise, between, within, concentration, name="grouped_dots")


@dataclass(frozen=True)
class Simulated:
    """How a law is simulated while it is fitted: chains, seed (one for all parameters), most evaluations."""

    chains: int = 60
    seed: int = 1
    evaluations: int = 120


def fit_by_simulation(make: Make, start: Array, human: Curve, people: Chains, how: Simulated) -> Array:
    """Return the parameters (logarithms) under whose simulated law people's chains are likeliest (Nelder & Mead, 1965).

    The same seed at all parameters makes the likelihood smooth enough to climb.
    """
    from scipy.optimize import minimize

    generations = people.values.shape[1]

    def lack(theta: Array) -> float:
        # Beyond these bounds nothing is told apart, and the simulation overflows.
        if (np.abs(theta) > 6).any():
            return 1e6
        law = law_of(simulate(make(theta), human, chains=how.chains, generations=generations, seed=how.seed))
        return float(-law.log_density(people.values).mean())

    simplex = np.stack([start, *(start + 0.35 * np.eye(len(start)))])
    options: Any = {"maxfev": how.evaluations, "xatol": 0.02, "fatol": 0.002, "initial_simplex": simplex}
    return np.asarray(minimize(lack, start, method="Nelder-Mead", options=options).x)


def choose(subjects: Sequence[Subject], human: Curve, people: Chains, how: Simulated) -> Subject:
    """Return the one of several subjects under whose simulated law people's chains are likeliest."""
    generations = people.values.shape[1]
    laws = [law_of(simulate(each, human, chains=how.chains, generations=generations, seed=how.seed))
            for each in subjects]  # fmt: skip
    return subjects[int(np.argmax([law.log_density(people.values).mean() for law in laws]))]


def clustered(scores: Array, root: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean of (chains, generations) scores and its standard error over roots, which are independent."""
    means = np.array([scores[root == number].mean() for number in np.unique(root)])
    return float(scores.mean()), float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else float("nan")
