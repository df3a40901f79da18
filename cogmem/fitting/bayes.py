"""The hierarchical model in PyMC, sampled by nutpie (or, for comparison, by PyMC's own sampler)."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.fitting import laplace
from cogmem.fitting.objective import Array, Density, Objective
from cogmem.fitting.observations import log_likelihood
from cogmem.progress import Report, silent
from cogmem.subjects.parameters import constrain

Sampler = Literal["nutpie", "pymc"]
Coordinates = Literal["rounded", "non_centred"]

# Spread between people on the unconstrained scale: HalfNormal of this share of the prior's own scale.
BETWEEN: Final = 0.7
LOOK_SECONDS: Final = 0.5
LOOK_SHARE: Final = 10
"""A look at how far the sampler is takes at most one part in so many of a core's time."""
STATISTICS: Final = ("warmup_sample_stats", "sample_stats")


@dataclass(frozen=True, eq=False)
class Sampled:
    """`z` (chains, draws, people, parameters); `population` (chains, draws, parameters) of each hyper-parameter."""

    z: NDArray[np.float64]
    population: Mapping[str, NDArray[np.float64]]
    diverging: int
    seconds: float


def own_curvature(objective: Density, seed: int) -> tuple[Array, Array, Array, Array]:
    """Return the mean (people, p) and precision (people, p, p) of each person's own posterior, and that of the data.

    The last is the precision less the prior's, as eigenvalues (people, p) and axes (people, p, p).
    """
    _, scale = objective.prior
    draws = laplace.sample(objective, n_draws=500, rng=np.random.default_rng(seed), enough=200.0).draws
    mean = draws.mean(axis=0)
    spread = np.einsum("sup,suq->upq", draws - mean, draws - mean) / len(draws)
    # A little of the prior keeps a person whose few distinct draws lie in a plane from looking certain.
    total = np.linalg.inv(spread + 1e-8 * np.diag(scale**2))
    curvature, axes = np.linalg.eigh(total - np.diag(scale**-2.0))
    return mean, total, curvature, axes


def local_information(objective: Density, seed: int) -> tuple[Array, Array]:
    """Return what each person's data say about z, as a normal.

    That is (precision (people, p, p), precision @ mean (people, p)): the spread of the person's own posterior, less
    the prior. The curvature at the mode would say too much where the density has a kink (a power law that leaves
    [0, 1]). Only used to choose coordinates in which the posterior is nearly round; a poor choice costs time, never
    accuracy.
    """
    loc, scale = objective.prior
    mean, total, curvature, axes = own_curvature(objective, seed)
    precision = np.einsum("upq,uq,urq->upr", axes, np.clip(curvature, 0.0, 1e8), axes)
    return precision, np.einsum("upq,uq->up", total, mean) - loc / scale**2


def _cholesky(pt: Any, rows: list[list[Any]]) -> list[list[Any]]:
    """Return the lower Cholesky factor of many small matrices, entry by entry: rows[i][j] has shape (people,)."""
    low: list[list[Any]] = []
    for i, row in enumerate(rows):
        low.append([])
        for j in range(i + 1):
            rest = row[j] - sum((low[i][k] * (low[j][k] if i != j else low[i][k]) for k in range(j)), start=0.0)
            low[i].append(pt.sqrt(rest) if i == j else rest / low[j][j])
    return low


def _round_coordinates(pt: Any, mu: Any, sigma: Any, x: Any, precision: Array, weighted: Array) -> tuple[Any, Any]:
    """Return (z, log |dz/dx| + log N(z | mu, sigma)) for x that is nearly standard normal given the data.

    With the data of a person as Normal(precision), the offset (z - mu) / sigma has precision I + S P S and mean
    (I + S P S)^-1 S (weighted - P mu). No data: the non-centred form. Much data: each person's own mode.
    """
    p = precision.shape[-1]
    a = [[sigma[i] * sigma[j] * precision[:, i, j] + float(i == j) for j in range(i + 1)] for i in range(p)]
    low = _cholesky(pt, a)
    pull = [sigma[i] * (weighted[:, i] - sum(precision[:, i, j] * mu[j] for j in range(p))) for i in range(p)]
    half: list[Any] = []
    for i in range(p):
        half.append((pull[i] - sum((low[i][k] * half[k] for k in range(i)), start=0.0)) / low[i][i])
    offset: list[Any] = [None] * p
    for i in reversed(range(p)):
        above = sum((low[k][i] * offset[k] for k in range(i + 1, p)), start=0.0)
        offset[i] = (half[i] + x[:, i] - above) / low[i][i]
    u = pt.stack(offset, axis=1)
    log_det = -sum(pt.log(low[i][i]).sum() for i in range(p))
    return mu + sigma * u, log_det - 0.5 * (u**2).sum()


def population(density: Density, *, seed: int = 0, coordinates: Coordinates = "rounded") -> Any:
    """Return z (people, parameters) of a population, made in the PyMC model that is open: z_person ~ Normal(mu, sigma).

    "rounded" samples in coordinates x that are nearly standard normal (`_round_coordinates`), "non_centred" in the
    textbook's z = mu + sigma x; the model is the same. With one person there is no population to learn from, and z has
    the parameters' own priors.
    """
    import pymc as pm
    import pytensor.tensor as pt

    (loc, scale), people = density.prior, density.n_people
    if people == 1:
        mu, sigma = loc, scale
    else:
        mu = pm.Deterministic("mu", loc + scale * pm.Normal("mu_offset", 0.0, 1.0, shape=len(loc)))
        sigma = pm.HalfNormal("sigma", BETWEEN * scale, shape=len(loc))
    if coordinates == "rounded":
        x = pm.Flat("x", shape=(people, len(loc)))
        z, log_prior = _round_coordinates(pt, mu, sigma, x, *local_information(density, seed))
        pm.Potential("people", log_prior)
    else:
        z = mu + sigma * pm.Normal("x", 0.0, 1.0, shape=(people, len(loc)))
    return pm.Deterministic("z", z)


def hierarchical_model(objective: Objective, *, seed: int = 0, coordinates: Coordinates = "rounded") -> Any:
    """Return the PyMC model of an equation: a `population`, and each person's rows given z_person."""
    import pymc as pm
    import pytensor.tensor as pt

    observed = objective.observed
    with pm.Model() as model:
        z = population(objective, seed=seed, coordinates=coordinates)
        theta = constrain(pt, objective.parameters, [z[:, k] for k in range(len(objective.parameters))])
        by_row = {name: value[observed.person] for name, value in theta.items()}
        predicted = objective.equation.read_out(observed.measure)(pt, by_row, observed.columns)
        pm.Potential("observed", log_likelihood(pt, pt.gammaln, observed, predicted, by_row).sum())
    return model


def sample(
    objective: Objective,
    *,
    chains: int,
    tune: int,
    draws: int,
    target_accept: float,
    seed: int,
    cores: int | None,
    sampler: Sampler = "nutpie",
    coordinates: Coordinates = "rounded",
    progress: bool = True,
    report: Report = silent,
) -> Sampled:
    """Return draws of every person's z. The same seed gives the same draws on any number of cores.

    `report` is told of nutpie's draws as they come; PyMC's own sampler tells nobody.
    """
    model = hierarchical_model(objective, seed=seed, coordinates=coordinates)
    if sampler == "nutpie":
        trace = by_nutpie(model, chains, tune, draws, target_accept, seed, cores, progress, report)
    elif sampler == "pymc":
        import pymc as pm

        with model:
            trace = pm.sample(
                draws, tune=tune, chains=chains, cores=cores, random_seed=seed, target_accept=target_accept,
                progressbar=progress, compute_convergence_checks=False,
            )  # fmt: skip
    else:
        raise UserError(f"There is no sampler {sampler!r}; choose nutpie or pymc.")
    return drawn(trace)


def drawn(trace: Any) -> Sampled:
    """Return the draws of a trace of a `population`."""
    posterior = trace.posterior
    hyper = {name: np.asarray(posterior[name], dtype=np.float64) for name in ("mu", "sigma") if name in posterior}
    seconds = float(trace.attrs.get("seconds", trace.posterior.attrs.get("sampling_time", np.nan)))
    return Sampled(np.asarray(posterior["z"]), hyper, int(trace.sample_stats["diverging"].sum()), seconds)


def compiled(model: Any) -> Any:
    """Return a PyMC model compiled for nutpie; its `pm.Data` may be replaced by others of their shape (`with_data`)."""
    import nutpie

    return nutpie.compile_pymc_model(model, backend="numba")


def by_nutpie(
    model: Any, chains: int, tune: int, draws: int, target_accept: float, seed: int, cores: int | None,
    progress: bool, report: Report = silent,
) -> Any:  # fmt: skip
    """Return the trace of nutpie (Rust NUTS, numba gradients), its attribute "seconds" without compiling.

    `model` is PyMC's, or one that `compiled` returned.
    """
    import time

    import nutpie
    import pymc as pm

    ready = compiled(model) if isinstance(model, pm.Model) else model
    started = time.perf_counter()
    watched = report is not silent
    sampling = nutpie.sample(
        ready, draws=draws, tune=tune, chains=chains, cores=cores, seed=seed, target_accept=target_accept,
        progress_bar=progress, save_warmup=watched, blocking=not watched,
    )  # fmt: skip
    trace = _watched(sampling, chains * (tune + draws), report) if watched else sampling
    # Compilation is reported apart: it depends on the model, not on the amount of sampling.
    trace.attrs["seconds"] = time.perf_counter() - started
    return trace


def _watched(sampling: Any, total: int, report: Report) -> Any:
    """Return the trace of a sampler that works beside us; `report` hears how many draws, of tuning and after, it has.

    To look copies what was drawn, so the looks are further apart the longer they take.
    """
    import time

    pause = LOOK_SECONDS
    while True:
        try:
            trace = sampling.wait(timeout=pause)
        except TimeoutError:
            began = time.perf_counter()
            with warnings.catch_warnings():
                # ArviZ finds chains without draws odd; before the first draws there is nothing else.
                warnings.simplefilter("ignore", UserWarning)
                so_far = sampling.inspect()
            # Chains that are behind are filled up with what is not a number.
            drawn = sum(int(np.isfinite(so_far[name].logp).sum()) for name in STATISTICS if name in so_far)
            report(drawn, total)
            pause = max(LOOK_SECONDS, LOOK_SHARE * (time.perf_counter() - began))
        else:
            for name in [name for name in trace.groups() if name.startswith("warmup")]:
                del trace[name]
            return trace
