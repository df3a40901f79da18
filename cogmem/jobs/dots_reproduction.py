"""Reproducers of dots on people's chains: each is fitted to half of the roots, scored on the other, and simulated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind, Subject
from cogmem.fitting import chains as fitting
from cogmem.fitting.chains import MEASURES, Chains, Simulated
from cogmem.jobs.outcomes import Outcome, halves
from cogmem.subjects.neural_reproducer import NeuralReproducer
from cogmem.trials import Trials

Array = NDArray[np.float64]
Parameters = dict[str, float]
Fitter = Callable[[Curve, Chains, int], tuple[Subject, Parameters]]

NOISES: Final = (0.05, 0.1, 0.2, 0.4, 0.8, 1.6)
"""Noise levels that a network's is chosen from, in sds of what it learned."""
SHOWN: Final = 400
"""Simulated chains behind a subject's law and curve."""


def _gaussian(human: Curve, people: Chains, seed: int) -> tuple[Subject, Parameters]:
    return fitting.gaussian_subject(human.rows)


def _by_simulation(make: Callable[..., Subject], start: tuple[float, ...], names: tuple[str, ...]) -> Fitter:
    def fit(human: Curve, people: Chains, seed: int) -> tuple[Subject, Parameters]:
        location = fitting.location_sd(human.rows)
        how = Simulated(seed=seed)
        theta = fitting.fit_by_simulation(partial(make, location=location), np.log(start), human, people, how)
        return make(theta, location), {"location_sd": location, **dict(zip(names, np.exp(theta).tolist(), strict=True))}

    return fit


def _network(method: Any) -> Fitter:
    def fit(human: Curve, people: Chains, seed: int) -> tuple[Subject, Parameters]:
        subjects = [NeuralReproducer(method, noise, seed=seed) for noise in NOISES]
        chosen: Any = fitting.choose(subjects, human, people, Simulated(seed=seed))
        return chosen, {"noise": chosen.noise}

    return fit


NAMES: Final = ("noise", "between", "within", "concentration")
FITTERS: Final[Mapping[str, tuple[Kind, Fitter]]] = {
    "gaussian_reproducer": ("bayesian", _gaussian),
    "independent_dots": ("bayesian", _by_simulation(fitting.independent_dots, (0.3, 0.95), NAMES[:2])),
    "grouped_dots": ("bayesian", _by_simulation(fitting.grouped_dots, (0.25, 0.9, 0.4, 6.0), NAMES)),
    "dae": ("network", _network("dae")),
    "vae": ("network", _network("vae")),
    "ddpm": ("network", _network("ddpm")),
}
BAYESIAN: Final = tuple(name for name, (kind, _) in FITTERS.items() if kind == "bayesian")
NETWORKS: Final = tuple(name for name, (kind, _) in FITTERS.items() if kind == "network")


def score(name: str, human: Curve, seed: int) -> Outcome:
    """Return what comes of the subject `name` on a table of people's chains."""
    kind, fit = FITTERS[name]
    people = fitting.human_chains(human)
    generations = people.values.shape[1]
    scores = np.empty(people.values.shape[:2])
    by_half: list[Parameters] = []
    odd, even = halves(people.root)
    for train, test in ((odd, even), (even, odd)):
        roots = np.unique(people.root[train])
        rows = human.rows.where(np.isin(human.rows["root"], roots))
        subject, found = fit(replace(human, rows=rows), people.where(train), seed)
        by_half.append(found)
        values = fitting.simulate(subject, human, chains=SHOWN, generations=generations, seed=seed + 1)
        scores[test] = fitting.law_of(values).log_density(people.values[test])
    subject, found = fit(human, people, seed)
    values = fitting.simulate(subject, human, chains=SHOWN, generations=generations, seed=seed + 1)
    table = [(key, value, by_half[0][key], by_half[1][key]) for key, value in found.items()]
    parameters = Trials(
        {"parameter": np.array([row[0] for row in table])}
        | {column: np.array([row[k] for row in table]) for k, column in enumerate(("estimate", "half_1", "half_2"), 1)}
    )
    return Outcome(name, kind, scores, curves_of(values, human, name, kind), parameters)


def curves_of(values: Array, human: Curve, name: str, kind: Kind) -> dict[str, Curve]:
    """Return the mean of each measure by generation, with its sd over chains, from log measures."""
    chains, generations, _ = values.shape
    x = np.arange(1.0, generations + 1)
    found = {}
    for k, measured in enumerate(MEASURES):
        y = np.exp(values[..., k])
        rows = {"x": x, "y": y.mean(axis=0), "n": np.full(generations, float(chains)), "sd": y.std(axis=0)}
        found[measured] = Curve(measured, name, Trials(rows), replace(human.source, kind=kind))
    return found


def ceiling(human: Curve) -> Array:
    """Return how likely each chain's measures are by the law of the chains of all other roots, in nats.

    (chains, generations).
    """
    people = fitting.human_chains(human)
    scores = np.empty(people.values.shape[:2])
    for root in np.unique(people.root):
        own = people.root == root
        scores[own] = fitting.law_of(people.values[~own]).log_density(people.values[own])
    return scores
