"""Attractors of hue, fitted to people's signed errors: none, shared by all, or each person's own.

A reproducer who draws from the posterior under the prior π, with small noise, errs on average by s²/2 · d log π / dθ,
s² being the variance of the errors. log π(θ) = Σ_k a_k cos kθ + b_k sin kθ; a person's coefficients are normal around
those of all. Number, mean and sd of the errors in a bin of hue are all that this likelihood needs of the trials.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.subjects.circular_reproducer import AttractorReproducer, VonMisesReproducer, concentration
from cogmem.trials import Trials

Array = NDArray[np.float64]
Prior = Literal["flat", "shared", "individual"]

PRIORS: Final = ("flat", "shared", "individual")
HARMONICS: Final = 4
"""Harmonics of the log prior: attractors a quarter of the circle wide, as much as bins of 20 degrees tell."""


@dataclass(frozen=True, eq=False)
class Cells:
    """Errors by person and bin of hue: `person` from 0 in the order of `names`, `theta` in rad, mean and sd in rad."""

    names: tuple[str, ...]
    person: NDArray[np.int64]
    theta: Array
    n: Array
    mean: Array
    sd: Array

    def log_density(self, mean: Array, sd: Array) -> Array:
        """Return the log density of each cell's errors, in nats a degree, given their mean and sd in rad (broadcast).

        Degrees, since the density of an angle depends on its unit.
        """
        squares = self.sd**2 + (self.mean - mean) ** 2
        log_sd = np.log(np.rad2deg(sd))
        return np.asarray(-self.n * (log_sd + 0.5 * np.log(2 * np.pi) + squares / (2 * sd**2)))


def cells_of(rows: Trials, names: tuple[str, ...] | None = None) -> Cells:
    """Return the cells of a table with participant, hue, n_trials, signed_error (as y) and error_sd, in degrees.

    Rows of one person and hue, as of both halves of the chains, are one cell.
    """
    missing = [name for name in ("participant", "hue", "n_trials", "error_sd") if name not in rows]
    if missing:
        raise UserError(f"Errors of hue need the columns {', '.join(missing)}; the table has {', '.join(rows)}.")
    known = names or tuple(sorted(set(rows["participant"].tolist())))
    person = np.searchsorted(np.array(known), rows["participant"])
    (who, hue), cell = np.unique([person, rows["hue"].astype(float)], axis=1, return_inverse=True)
    each, mean, sd = rows["n_trials"].astype(float), np.deg2rad(rows["y"]), np.deg2rad(rows["error_sd"])
    n = np.bincount(cell, each).astype(np.float64)
    middle = np.bincount(cell, each * mean) / n
    # The variance in a cell is that in its rows and that between them.
    square = np.bincount(cell, each * (sd**2 + (mean - middle[cell]) ** 2)) / n
    return Cells(known, who.astype(np.int64), np.deg2rad(hue), n, middle, np.sqrt(square))


def slopes(theta: Array) -> tuple[Array, Array]:
    """Return d cos kθ / dθ and d sin kθ / dθ for each harmonic: (n, harmonics) both."""
    k = np.arange(1.0, HARMONICS + 1)
    return -k * np.sin(k * theta[:, None]), k * np.cos(k * theta[:, None])


def attractor_model(people: int, rows: int, prior: Prior) -> Any:
    """Return the PyMC model; its variable "pull" is each person's log prior, "sd" the sd of their errors in rad.

    The cells are its data, see `data_of`: of no account until they are given.
    """
    import pymc as pm
    import pytensor.tensor as pt

    with pm.Model() as model:
        person, n = pm.Data("person", np.zeros(rows, np.int64)), pm.Data("n", np.zeros(rows))
        told, told_sd = pm.Data("mean", np.zeros(rows)), pm.Data("error_sd", np.ones(rows))
        centre = pm.Normal("log_sd_mean", np.log(0.15), 0.5)
        spread = pm.HalfNormal("log_sd_spread", 0.5)
        sd = pm.Deterministic("sd", pt.exp(centre + spread * pm.Normal("log_sd_offset", shape=people)))
        own, mean = sd[person], 0.0
        if prior != "flat":
            shared = pm.Normal("shared", 0.0, 2.0, shape=2 * HARMONICS)
            pull = pt.tile(shared[None], (people, 1))
            if prior == "individual":
                # The k-th harmonic of a log prior that is smooth falls with k; each has a spread of its own.
                between = pm.HalfNormal("between", 2.0, shape=HARMONICS)
                offset = pm.Normal("offset", shape=(people, 2 * HARMONICS))
                pull = pull + pt.concatenate([between, between])[None] * offset
            pull = pm.Deterministic("pull", pull)
            steep = pm.Data("steep", np.zeros((rows, 2 * HARMONICS)))
            mean = 0.5 * own**2 * (pull[person] * steep).sum(axis=1)
        squares = told_sd**2 + (told - mean) ** 2
        pm.Potential("errors", (-n * (pt.log(own) + squares / (2 * own**2))).sum())
    return model


def data_of(cells: Cells, rows: int, prior: Prior) -> dict[str, NDArray[Any]]:
    """Return the data of `attractor_model`: as many cells as it has rows, those that are missing without trials."""
    missing = rows - len(cells.n)
    steep = np.concatenate(slopes(cells.theta), axis=1)
    found = {"person": cells.person, "n": cells.n, "mean": cells.mean, "error_sd": cells.sd}
    found |= {"steep": steep} if prior != "flat" else {}
    return {name: np.concatenate([each, np.zeros((missing, *each.shape[1:]), each.dtype)])
            for name, each in found.items()}  # fmt: skip


@lru_cache(maxsize=4)
def _compiled(people: int, rows: int, prior: Prior) -> Any:
    """Return the model compiled: that takes longer than to sample it, and both halves of the chains share it."""
    from cogmem.fitting.bayes import compiled

    return compiled(attractor_model(people, rows, prior))


@dataclass(frozen=True, eq=False)
class HueFit:
    """Draws of a prior of hue: `pull` (draws, people, 2 harmonics), `sd` (draws, people) in rad; r̂, divergences."""

    prior: Prior
    names: tuple[str, ...]
    pull: Array
    sd: Array
    r_hat: float
    divergences: int
    between: Array | None = None

    def predict(self, cells: Cells) -> tuple[Array, Array]:
        """Return mean and sd of the errors in each cell for every draw, in rad: (draws, cells) both."""
        steep = np.concatenate(slopes(cells.theta), axis=1)
        sd = self.sd[:, cells.person]
        return 0.5 * sd**2 * np.einsum("dck,ck->dc", self.pull[:, cells.person], steep), sd

    def subject(self) -> AttractorReproducer:
        """Return the population of reproducers with the posterior means; half the variance is what is seen."""
        pull = self.pull.mean(axis=0)
        noise = np.rad2deg(self.sd.mean(axis=0)) / np.sqrt(2)
        return AttractorReproducer(pull[:, :HARMONICS], pull[:, HARMONICS:], noise, name=f"{self.prior}_attractors")


def fit_hues(
    cells: Cells,
    prior: Prior,
    *,
    seed: int,
    draws: int = 500,
    tune: int = 500,
    chains: int = 4,
    cores: int | None = None,
) -> HueFit:
    """Return the posterior of a prior of hue (NUTS); the same seed gives the same draws on any number of cores.

    UserError where there is no such prior.
    """
    import arviz as az

    from cogmem.fitting.bayes import by_nutpie

    if prior not in PRIORS:
        raise UserError(f"There is no prior of hue {prior!r}; {nearest(prior, PRIORS)}")
    people = len(cells.names)
    # A round number of cells a person, so that halves of the chains need one model.
    rows = people * -(-len(cells.n) // people)
    ready = _compiled(people, rows, prior).with_data(**data_of(cells, rows, prior))
    trace = by_nutpie(ready, chains, tune, draws, 0.9, seed, cores, progress=False)
    known = [name for name in ("log_sd_mean", "shared", "between", "pull", "sd") if name in trace.posterior]
    r_hat = max(float(az.rhat(trace.posterior[[name]])[name].max()) for name in known)

    def drawn(name: str) -> Array:
        values = np.asarray(trace.posterior[name], dtype=np.float64)
        return values.reshape(-1, *values.shape[2:])

    between = drawn("between") if prior == "individual" else None
    diverged = int(trace.sample_stats["diverging"].sum())
    sd = drawn("sd")
    pull = drawn("pull") if prior != "flat" else np.zeros((*sd.shape, 2 * HARMONICS))
    return HueFit(prior, cells.names, pull, sd, r_hat, diverged, between)


def held_out(done: HueFit, cells: Cells) -> Array:
    """Return the log predictive density of each cell's errors, averaged over draws: (cells,), in nats."""
    from scipy.special import logsumexp

    density = cells.log_density(*done.predict(cells))
    return np.asarray(logsumexp(density, axis=0) - np.log(len(density)))


def own_sd(cells: Cells) -> Array:
    """Return the sd of each person's errors around 0, in rad: (people,)."""
    squares = np.bincount(cells.person, cells.n * (cells.sd**2 + cells.mean**2), len(cells.names))
    return np.asarray(np.sqrt(squares / np.bincount(cells.person, cells.n, len(cells.names))))


@dataclass(frozen=True, eq=False)
class VonMisesFit:
    """A prior that all people share: `spread` of an even law, the rest von Mises laws; means and sds in degrees."""

    means: Array
    sds: Array
    weights: Array
    spread: float
    noise: Array

    def pull(self, theta: Array) -> Array:
        """Return d log π / dθ at angles in rad."""
        return _pull(theta, np.deg2rad(self.means), _kappas(self.sds), self.weights * (1 - self.spread), self.spread)

    def predict(self, cells: Cells) -> tuple[Array, Array]:
        """Return mean and sd of the errors in each cell, in rad: (cells,) both."""
        sd = self.noise[cells.person]
        return 0.5 * sd**2 * self.pull(cells.theta), sd

    def subject(self) -> VonMisesReproducer:
        """Return the reproducer; half the mean variance of people's errors is what is seen."""
        noise = float(np.rad2deg(np.sqrt((self.noise**2).mean() / 2)))
        means, sds, weights = (tuple(part.tolist()) for part in (self.means, self.sds, self.weights))
        return VonMisesReproducer(means, sds, weights, noise, spread=self.spread)


def _kappas(sds: Array) -> Array:
    return np.array([concentration(float(sd)) for sd in sds])


def _pull(theta: Array, means: Array, kappas: Array, weights: Array, spread: float) -> Array:
    from scipy.special import i0e

    apart = theta[:, None] - means
    density = weights * np.exp(kappas * (np.cos(apart) - 1)) / i0e(kappas)
    return np.asarray((-kappas * np.sin(apart) * density).sum(axis=1) / (density.sum(axis=1) + spread))


def fit_von_mises(cells: Cells, *, components: int = 3, starts: int = 8, seed: int = 1) -> VonMisesFit:
    """Return the likeliest shared prior of `components` von Mises laws and an even rest; the best of several starts."""
    from scipy.optimize import minimize

    rng, noise = np.random.default_rng(seed), own_sd(cells)
    sd = noise[cells.person]

    def parts(x: Array) -> tuple[Array, Array, Array, float]:
        logits = np.append(x[2 * components :], 0.0)
        shares = np.exp(logits - logits.max())
        shares = shares / shares.sum()
        # Attractors from 14 to 120 degrees wide: narrower ones than a bin cannot be told.
        kappas = np.exp(np.clip(x[components : 2 * components], -1.0, 2.8))
        return x[:components], kappas, shares[:-1], float(shares[-1])

    def lack(x: Array) -> float:
        mean = 0.5 * sd**2 * _pull(cells.theta, *parts(x))
        return float((cells.n * (cells.mean - mean) ** 2 / (2 * sd**2)).sum())

    best = None
    for _ in range(starts):
        start = np.concatenate([rng.uniform(0, 2 * np.pi, components), np.ones(components), np.zeros(components)])
        found = minimize(lack, start, method="L-BFGS-B")
        best = found if best is None or found.fun < best.fun else best
    assert best is not None
    means, kappas, weights, spread = parts(best.x)
    sds = np.rad2deg(np.sqrt(-2 * np.log(_length(kappas))))
    order = np.argsort(means % (2 * np.pi))
    inside = weights[order] / weights.sum()
    return VonMisesFit(np.rad2deg(means[order]) % 360, sds[order], inside, spread, noise)


def _length(kappa: Array) -> Array:
    from scipy.special import i0e, i1e

    return np.asarray(i1e(kappa) / i0e(kappa))


def by_others(train: Cells, test: Cells) -> tuple[Array, Array]:
    """Return mean and sd of the errors in each cell of `test` as the other people's tell them, in rad.

    The mean is the other people's in that bin of hue, the sd the person's own; both from `train`.
    """
    bins = np.unique(np.concatenate([train.theta, test.theta]))
    n, total = (np.zeros((len(train.names), len(bins))) for _ in range(2))
    place = train.person, np.searchsorted(bins, train.theta)
    np.add.at(n, place, train.n)
    np.add.at(total, place, train.n * train.mean)
    others_n, others_total = n.sum(axis=0) - n, total.sum(axis=0) - total
    means = np.where(others_n > 0, others_total / np.maximum(others_n, 1.0), 0.0)
    return means[test.person, np.searchsorted(bins, test.theta)], own_sd(train)[test.person]
