"""The hierarchical model in PyMC, sampled by nutpie (or, for comparison, by PyMC's own sampler)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.fitting.objective import Objective
from cogmem.fitting.observations import log_likelihood
from cogmem.subjects.parameters import constrain

Sampler = Literal["nutpie", "pymc"]

# Spread between people on the unconstrained scale: HalfNormal of this share of the prior's own scale.
BETWEEN: Final = 0.7


@dataclass(frozen=True, eq=False)
class Sampled:
    """`z` (chains, draws, people, parameters); `population` (chains, draws, parameters) of each hyper-parameter."""

    z: NDArray[np.float64]
    population: Mapping[str, NDArray[np.float64]]
    diverging: int
    seconds: float


def hierarchical_model(objective: Objective) -> Any:
    """Return the PyMC model: z_person = mu + sigma * offset (non-centred), each person's rows given z_person.

    With one person there is no population to learn from, and z has the parameters' own priors.
    """
    import pymc as pm
    import pytensor.tensor as pt

    observed, (loc, scale) = objective.observed, objective.prior
    people = len(observed.people)
    with pm.Model() as model:
        if people == 1:
            offset = pm.Normal("offset", 0.0, 1.0, shape=(1, len(loc)))
            z = pm.Deterministic("z", loc + scale * offset)
        else:
            mu = loc + scale * pm.Normal("mu_offset", 0.0, 1.0, shape=len(loc))
            sigma = pm.HalfNormal("sigma", BETWEEN * scale, shape=len(loc))
            offset = pm.Normal("offset", 0.0, 1.0, shape=(people, len(loc)))
            pm.Deterministic("mu", mu)
            z = pm.Deterministic("z", mu + sigma * offset)
        theta = constrain(pt, objective.parameters, [z[:, k] for k in range(len(loc))])
        by_row = {name: value[observed.person] for name, value in theta.items()}
        columns = {name: pt.as_tensor_variable(values) for name, values in observed.columns.items()}
        predicted = objective.equation.read_out(observed.measure)(pt, by_row, columns)
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
    progress: bool = True,
) -> Sampled:
    """Return draws of every person's z. The same seed gives the same draws on any number of cores."""
    model = hierarchical_model(objective)
    if sampler == "nutpie":
        trace = _by_nutpie(model, chains, tune, draws, target_accept, seed, cores, progress)
    elif sampler == "pymc":
        import pymc as pm

        with model:
            trace = pm.sample(
                draws, tune=tune, chains=chains, cores=cores, random_seed=seed, target_accept=target_accept,
                progressbar=progress, compute_convergence_checks=False,
            )  # fmt: skip
    else:
        raise UserError(f"There is no sampler {sampler!r}; choose nutpie or pymc.")
    posterior = trace.posterior
    population = {
        name: np.asarray(posterior[name], dtype=np.float64) for name in ("mu", "sigma") if name in posterior
    }
    seconds = float(trace.attrs.get("seconds", trace.posterior.attrs.get("sampling_time", np.nan)))
    return Sampled(np.asarray(posterior["z"]), population, int(trace.sample_stats["diverging"].sum()), seconds)


def _by_nutpie(
    model: Any, chains: int, tune: int, draws: int, target_accept: float, seed: int, cores: int | None, progress: bool
) -> Any:
    import time

    import nutpie

    compiled = nutpie.compile_pymc_model(model, backend="numba")
    started = time.perf_counter()
    trace = nutpie.sample(
        compiled, draws=draws, tune=tune, chains=chains, cores=cores, seed=seed, target_accept=target_accept,
        progress_bar=progress, save_warmup=False,
    )  # fmt: skip
    # Compilation is reported apart: it depends on the model, not on the amount of sampling.
    trace.attrs["seconds"] = time.perf_counter() - started
    return trace
