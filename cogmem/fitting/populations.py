"""A population of people who all took the same design: NUTS over the population, each person integrated out.

Everybody's chances depend on the parameters alone, so they are computed once at points z_s of a proposal q, and

    P(answers of person i | mu, sigma) = mean over s of P(answers of i | z_s) N(z_s; mu, sigma) / q(z_s).

What is left to sample are mu and sigma, six or eight numbers instead of some thousand. The points are drawn twice: wide,
for the mode, and then around it.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting.bayes import BETWEEN
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import Array, normal_prior
from cogmem.subjects.parameters import Parameter, constrain
from cogmem.trials import Trials

POINTS: Final = 2048
WIDER: Final = 1.4
"""The second proposal is this many times as wide as the population at the mode."""
HALF_LOG_2PI: Final = 0.9189385332046727

Predict = Callable[[Array], Array]
"""theta (sets, parameters) -> chances (sets, conditions, kinds)."""


@dataclass(frozen=True, eq=False)
class Points:
    """Points of a normal proposal: `z` (points, p), its log density `log_q` (points,), log chances there."""

    z: Array
    log_q: Array
    log_chances: Array

    def log_likelihood(self, counts: Array) -> Array:
        """Return the log likelihood of each person's counts (people, conditions, kinds): (people, points)."""
        flat = self.log_chances.reshape(len(self.z), -1)
        return np.asarray(counts.reshape(len(counts), -1) @ flat.T)

    def log_weights(self, mu: Array, sigma: Array) -> Array:
        """Return log N(z; mu, sigma) - log q, normalised over points: mu (draws, p) -> (draws, points)."""
        apart = (self.z - mu[:, None]) / sigma[:, None]
        logs = -0.5 * (apart**2).sum(axis=-1) - np.log(sigma).sum(axis=-1)[:, None] - self.log_q
        return np.asarray(logs - _log_sum(logs, 1)[:, None])


def _log_sum(logs: Array, axis: int) -> Array:
    peak = logs.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(logs - peak).sum(axis=axis)) + np.squeeze(peak, axis))


def draw_points(
    parameters: Sequence[Parameter], predict: Predict, centre: Array, spread: Array, *, seed: int, n: int = POINTS
) -> Points:
    """Return `n` quasi-random points of Normal(centre, spread), with the chances at each."""
    from scipy.special import ndtri
    from scipy.stats import qmc

    uniform = qmc.Sobol(len(centre), seed=np.random.default_rng(seed)).random(n)
    standard = ndtri(np.clip(uniform, 1e-6, 1 - 1e-6))
    z = centre + spread * standard
    theta = np.stack(list(constrain(np, parameters, list(z.T)).values()), axis=-1)
    chances = np.maximum(predict(theta), 1e-12)
    log_q = (-0.5 * standard**2 - HALF_LOG_2PI - np.log(spread)).sum(axis=1)
    return Points(z, log_q, np.log(chances))


@dataclass(frozen=True, eq=False)
class PopulationFit:
    """Draws of a population's middle and spread, `mu` and `sigma` (draws, p), on the unconstrained scale.

    `counts` (people, conditions, kinds) are what it was fitted to, `points` what its people are made of.
    """

    parameters: tuple[Parameter, ...]
    mu: Array
    sigma: Array
    points: Points
    counts: Array
    diagnostics: dict[str, float]
    warnings: tuple[str, ...]
    seconds: float

    def typical(self, *, probability: float = 0.9) -> Trials:
        """Return one row a parameter: its value at the population's middle, with the central interval."""
        values = np.stack(list(constrain(np, self.parameters, list(self.mu.T)).values()), axis=-1)
        tail = (1 - probability) / 2
        lower, upper = np.quantile(values, [tail, 1 - tail], axis=0)
        names = np.array([parameter.name for parameter in self.parameters])
        return Trials({"parameter": names, "mean": values.mean(axis=0), "lower": lower, "upper": upper})

    def _people(self, draw: int, fitted: Array) -> Array:
        """Return the posterior weight of each point for each person under one draw: (people, points), log."""
        logs = fitted + self.points.log_weights(self.mu[draw : draw + 1], self.sigma[draw : draw + 1])
        return np.asarray(logs - _log_sum(logs, 1)[:, None])

    def held_out(self, counts: Array, *, draws: int = 200) -> Array:
        """Return the log predictive density of other answers of the same people: (people,), in nats."""
        fitted, left_out = (self.points.log_likelihood(each) for each in (self.counts, counts))
        chosen = np.linspace(0, len(self.mu) - 1, min(draws, len(self.mu))).astype(int)
        logs = np.stack([_log_sum(self._people(draw, fitted) + left_out, 1) for draw in chosen])
        return np.asarray(_log_sum(logs, 0) - np.log(len(chosen)))

    def chances(self, *, draws: int = 100) -> Array:
        """Return what each person is predicted to do: (people, conditions, kinds)."""
        fitted, chances = self.points.log_likelihood(self.counts), np.exp(self.points.log_chances)
        chosen = np.linspace(0, len(self.mu) - 1, min(draws, len(self.mu))).astype(int)
        weights = np.mean([np.exp(self._people(draw, fitted)) for draw in chosen], axis=0)
        return np.asarray(np.einsum("is,sck->ick", weights, chances))

    def someone(self, n: int, *, seed: int) -> dict[str, NDArray[np.float64]]:
        """Return the parameters of `n` new people of the population: values by name, (n,)."""
        rng = np.random.default_rng(seed)
        draw = rng.integers(0, len(self.mu), n)
        z = self.mu[draw] + self.sigma[draw] * rng.standard_normal((n, len(self.parameters)))
        return {name: np.asarray(value) for name, value in constrain(np, self.parameters, list(z.T)).items()}


def fit_population(
    parameters: Sequence[Parameter], predict: Predict, counts: Array, *, method: Method | None = None, seed: int
) -> PopulationFit:
    """Return the population (NUTS) of people with `counts` (people, conditions, kinds) of answers.

    The prior of a middle is the parameter's own, of a spread HalfNormal(0.7 x the prior's scale).
    """
    started, known = time.perf_counter(), tuple(parameters)
    how = method or Method("nuts", chains=2, tune=400, draws=500)
    loc, scale = normal_prior(known, 0.0)
    wide = draw_points(known, predict, loc, WIDER * scale, seed=seed, n=2 * POINTS)
    mu, sigma = _mode(_marginal(wide, counts), loc, scale)
    spread = np.maximum(WIDER * sigma, 0.25 * scale)
    points = draw_points(known, predict, mu, spread, seed=seed + 1)
    trace = _sample(_marginal(points, counts), loc, scale, how, seed)
    draws = {name: np.asarray(trace.posterior[name], dtype=np.float64) for name in ("mu", "sigma")}
    found, said = _checks(trace, draws)
    flat = {name: values.reshape(-1, len(loc)) for name, values in draws.items()}
    effective = _effective(points, flat)
    found["points"] = effective
    if effective < 50:
        said.append(f"Only {effective:.0f} effective points make the population: its spread is roughly known.")
    took = time.perf_counter() - started
    return PopulationFit(known, flat["mu"], flat["sigma"], points, counts, found, tuple(said), took)


def _effective(points: Points, flat: dict[str, Array]) -> float:
    """Return how many points a population of the middle draw is effectively made of."""
    weights = np.exp(points.log_weights(flat["mu"].mean(axis=0)[None], flat["sigma"].mean(axis=0)[None]))
    return float(1.0 / (weights**2).sum())


@dataclass(frozen=True, eq=False)
class Marginal:
    """The log likelihood of (mu, log sigma) with every person integrated out, and its gradient.

    `share` (people, points) is each person's likelihood at the points, over that at the best of them.
    """

    share: Array
    points: Points

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log likelihood (1,) and its gradient (1, 2 p) at x (1, 2 p)."""
        p = x.shape[1] // 2
        mu, sigma = x[0, :p], np.exp(x[0, p:])
        apart = (self.points.z - mu) / sigma
        log_w = -0.5 * (apart**2).sum(axis=1) - x[0, p:].sum() - self.points.log_q
        top = log_w.max()
        w = np.exp(log_w - top)
        total = self.share @ w + 1e-300
        back = w * ((1.0 / total) @ self.share)
        slope = np.concatenate([back @ apart / sigma, back @ (apart**2 - 1.0)])
        return np.array([np.log(total).sum() + len(total) * top]), slope[None]


def _marginal(points: Points, counts: Array) -> Marginal:
    logs = points.log_likelihood(counts)
    return Marginal(np.exp(logs - logs.max(axis=1, keepdims=True)), points)


def _mode(marginal: Marginal, loc: Array, scale: Array) -> tuple[Array, Array]:
    """Return the likeliest mu and sigma with their priors, by L-BFGS."""
    from scipy.optimize import minimize

    p, width = len(loc), BETWEEN * scale

    def lack(x: Array) -> tuple[float, Array]:
        value, slope = marginal.with_gradient(x[None])
        apart, sigma = (x[:p] - loc) / scale, np.exp(x[p:]) / width
        prior = -0.5 * (apart**2).sum() - 0.5 * (sigma**2).sum() + x[p:].sum()
        return -float(value[0] + prior), -slope[0] + np.concatenate([apart / scale, sigma**2 - 1.0])

    start = np.concatenate([loc, np.log(0.5 * scale)])
    bounds = [(a - 4 * s, a + 4 * s) for a, s in zip(loc, scale, strict=True)]
    bounds += [(np.log(0.1 * s), np.log(2.0 * s)) for s in scale]
    found = minimize(lack, start, jac=True, method="L-BFGS-B", bounds=bounds)
    return found.x[:p], np.exp(found.x[p:])


def _sample(marginal: Marginal, loc: Array, scale: Array, how: Method, seed: int) -> Any:
    import pymc as pm
    import pytensor.tensor as pt

    from cogmem.fitting.bayes import by_nutpie
    from cogmem.fitting.external import log_likelihood_of

    with pm.Model() as model:
        mu = pm.Deterministic("mu", loc + scale * pm.Normal("mu_offset", 0.0, 1.0, shape=len(loc)))
        sigma = pm.HalfNormal("sigma", BETWEEN * scale, shape=len(loc))
        x = pt.concatenate([mu, pt.log(sigma)])[None]
        pm.Potential("people", log_likelihood_of(marginal)(x).sum())
    with warnings.catch_warnings():
        # The likelihood is compiled already; PyTensor says that it does not compile it again.
        warnings.filterwarnings("ignore", message=".*object mode.*", category=UserWarning)
        return by_nutpie(model, how.chains, how.tune, how.draws, how.target_accept, seed, 1, how.progress)


def _checks(trace: Any, draws: dict[str, Array]) -> tuple[dict[str, float], list[str]]:
    """Return r-hat, effective draws and divergences, and in words what to mistrust."""
    import arviz as az

    variables = az.convert_to_dataset(draws)
    rhat = max(float(value.max()) for value in az.rhat(variables).data_vars.values())
    ess = min(float(value.min()) for value in az.ess(variables).data_vars.values())
    diverged = float(trace.sample_stats["diverging"].sum())
    said = []
    if diverged:
        said.append(f"{diverged:.0f} transitions diverged: raise target_accept.")
    if not rhat < 1.02:
        said.append(f"r-hat is {rhat:.3f}: the chains disagree; take more tuning steps and draws.")
    return {"rhat_max": rhat, "ess_min": ess, "divergences": diverged}, said
