"""Expected log predictive density of each observation, left out in turn: PSIS by ArviZ, refits where it fails."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.fitting import laplace
from cogmem.fitting.fits import Fit
from cogmem.fitting.objective import Objective
from cogmem.fitting.populations import PopulationFit
from cogmem.subjects.parameters import unconstrain

# Above this, Pareto-smoothed importance sampling cannot be trusted (Vehtari, Gelman & Gabry, 2017).
UNRELIABLE: Final = 0.7
# A count of many tests is one row; between this and 0.7 PSIS flatters it by up to 1.2 nats, and refits are cheap.
WORTH_REFITTING: Final = 0.5
# Effective draws that tell the density of one left-out row to a few percent.
ENOUGH_FOR_A_ROW: Final = 300.0


@dataclass(frozen=True, eq=False)
class Elpd:
    """`pointwise` (rows,) log predictive density of each row of the data when left out, in nats.

    `pareto_k` (rows,) as PSIS found it; `refitted` (rows,) says where the model was fitted again without the row.
    `tests` counts the tests behind all rows, so `per_test` compares counts with single trials.
    """

    pointwise: NDArray[np.float64]
    pareto_k: NDArray[np.float64]
    refitted: NDArray[np.bool_]
    tests: float
    arviz: Any

    @property
    def per_test(self) -> float:
        return float(self.pointwise.sum() / self.tests)

    @property
    def se_per_test(self) -> float:
        """Standard error of `per_test`, from the spread of the rows."""
        n = len(self.pointwise)
        return float(np.sqrt(n * self.pointwise.var(ddof=1)) / self.tests) if n > 1 else float("nan")

    @property
    def warnings(self) -> tuple[str, ...]:
        bad = int(((self.pareto_k > UNRELIABLE) & ~self.refitted).sum())
        return (f"ELPD: {bad} of {len(self.pareto_k)} rows have Pareto k above {UNRELIABLE}.",) if bad else ()


def tests_of(done: Fit) -> float:
    """Return how many tests the rows of the data sum up; a mean counts as one."""
    observed = done.objective.observed
    counts = observed.family in ("bernoulli", "binomial", "beta_binomial")
    return float(observed.n.sum()) if counts else float(len(observed.y))


def elpd(done: Fit) -> Elpd:
    """Return the leave-one-row-out predictive density of a laplace or nuts fit.

    Rows that PSIS cannot judge are refitted without them when every person was fitted apart (laplace).
    """
    if done.method.name == "mle":
        raise UserError("A maximum-likelihood fit has no posterior and so no ELPD; fit with laplace or nuts.")
    import arviz as az

    with warnings.catch_warnings():
        # ArviZ warns of high Pareto k; those rows are refitted or counted in `warnings`.
        warnings.simplefilter("ignore", UserWarning)
        found = az.loo(done.draws, pointwise=True, reff=1.0 if done.method.name == "laplace" else None)
    pointwise, pareto_k = np.array(found.loo_i, dtype=np.float64), np.array(found.pareto_k, dtype=np.float64)
    bad = ~(pareto_k <= (WORTH_REFITTING if done.method.name == "laplace" else UNRELIABLE))
    refitted = np.zeros(len(bad), dtype=bool)
    if done.method.name == "laplace" and bad.any():
        rows = np.flatnonzero(bad)
        rows = rows[_others(done, rows) > 0]
        if len(rows):
            pointwise[rows] = _refit(done, rows)
        refitted[rows] = True
        found["loo_i"].values[:] = pointwise
        found["elpd_loo"] = pointwise.sum()
    return Elpd(pointwise, pareto_k, refitted, tests_of(done), found)


def population_elpd(done: PopulationFit) -> Elpd:
    """Return the leave-one-person-out predictive density of a population: how well it tells somebody new."""
    import arviz as az

    logs = done.log_densities()
    shaped = logs.reshape(done.chains, -1, logs.shape[1])
    middle = done.mu.reshape(done.chains, -1, done.mu.shape[1])
    draws = az.from_dict({"mu": middle}, log_likelihood={"answers": shaped})
    with warnings.catch_warnings():
        # ArviZ warns of high Pareto k; they are counted in `warnings`.
        warnings.simplefilter("ignore", UserWarning)
        found = az.loo(draws, pointwise=True)
    pointwise, pareto_k = np.array(found.loo_i, dtype=np.float64), np.array(found.pareto_k, dtype=np.float64)
    tests = float(done.counts.sum())
    return Elpd(pointwise, pareto_k, np.zeros(len(pareto_k), dtype=bool), tests, found)


def _others(done: Fit, rows: NDArray[np.intp]) -> NDArray[np.intp]:
    person = done.objective.observed.person[np.argsort(done.objective.observed.order)]
    return np.asarray(np.bincount(person)[person[rows]] - 1)


def _refit(done: Fit, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the log predictive density of each row under its person's posterior without it.

    Every left-out row makes a person of its own, so that all refits run as one batch.
    """
    observed = done.objective.observed
    place = np.argsort(observed.order)[rows]
    left = [np.flatnonzero((observed.person == observed.person[p]) & (np.arange(len(observed.y)) != p)) for p in place]
    person = np.repeat(np.arange(len(rows)), [len(part) for part in left])
    names = np.array([f"without {row}" for row in rows])
    training = observed.take(np.concatenate(left), person, names)
    parameters = done.objective.parameters
    mode = unconstrain(parameters, {parameter.name: done.theta[parameter.name] for parameter in parameters}).T
    posterior = laplace.sample(
        Objective(done.model, training), n_draws=done.method.draws, rng=np.random.default_rng([done.seed, 1]),
        enough=ENOUGH_FOR_A_ROW, near=np.clip(mode, -30.0, 30.0)[observed.person[place]],
    )  # fmt: skip
    held_out = Objective(done.model, observed.take(place, np.arange(len(rows)), names))
    density = held_out.pointwise(posterior.draws)
    peak = density.max(axis=0)
    return np.asarray(peak + np.log(np.exp(density - peak).mean(axis=0)))


def weights(scores: Mapping[str, Elpd]) -> dict[str, float]:
    """Return stacking weights of models scored on the same rows (Yao, Vehtari, Simpson & Gelman, 2018); sum 1."""
    import arviz as az

    if len(scores) == 1:
        return dict.fromkeys(scores, 1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        table = az.compare({name: score.arviz for name, score in scores.items()}, method="stacking")
    return {name: float(table.loc[name, "weight"]) for name in scores}


def stacking(pointwise: Mapping[str, NDArray[np.float64]], *, rounds: int = 2000) -> dict[str, float]:
    """Return stacking weights from log predictive densities of the same left-out data, without ArviZ: sum 1.

    The weights that make the mixture of all predictions likeliest (Yao et al., 2018), found by expectation and
    maximisation, which never leaves the simplex.
    """
    table = np.stack([np.ravel(values) for values in pointwise.values()])
    shares = np.exp(table - table.max(axis=0))
    weight = np.full(len(table), 1 / len(table))
    for _ in range(rounds):
        weight = (weight[:, None] * shares / (weight @ shares)).mean(axis=1)
    return dict(zip(pointwise, weight.tolist(), strict=True))
