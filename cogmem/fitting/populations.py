"""A population of people who all took the same design, each person integrated out.

Everybody's chances depend on the parameters alone, so they are computed once at points z_s of a proposal q, and

    P(answers of person i | mu, sigma) = sum over s of w_s P(answers of i | z_s),  w_s ~ N(z_s; mu, sigma) / q(z_s),

with weights that sum to 1 (else a spread of nothing around one point would be infinitely likely). What is left to
draw are mu and sigma, six or eight numbers instead of some thousand: by importance sampling around the likeliest
population, or by NUTS. The points are drawn wide, for the mode, and then around it, as many as make its likelihood
smooth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.fitting import laplace
from cogmem.fitting.bayes import BETWEEN
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import Array, normal_prior
from cogmem.fitting.sampling import by_kernel, checked, summary
from cogmem.subjects.parameters import Parameter, constrain, constrained
from cogmem.trials import Trials

POINTS: Final = 1024
ENOUGH: Final = 300.0
"""Points that make the likeliest population; with fewer, four times as many are drawn around it."""
ROUNDS: Final = 3
WIDER: Final = 1.4
"""The first proposal is this many times as wide as the prior."""
TAIL: Final = 5.0
"""Degrees of freedom of the proposals."""
LEAST: Final = 0.25
"""Spread of any population, of the prior's: between few points a narrower one would be a mode at each of them."""
FAST: Final = Method("laplace", draws=1000, effective_draws=1000.0)
CHAINS: Final = Method("nuts", chains=2, tune=300, draws=500, target_accept=0.8)
FEW: Final = 200.0
"""Effective draws by importance; with fewer, chains are run."""
BLOCK: Final = 500
"""Populations whose points are weighed at once: 16 MB."""
NEGLIGIBLE: Final = 1e-9
LEAST_SUM: Final = 1e-300
TINY: Final = 1e-30  # numbers so small that processors compute with them slowly count as none

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
        logs = self.ratios(mu, sigma)
        return np.asarray(logs - _log_sum(logs, 1)[:, None])

    def ratios(self, mu: Array, sigma: Array) -> Array:
        """Return log N(z; mu, sigma) - log q up to a number of each draw's: (draws, points).

        The square is written out: three products of matrices instead of a table of draws, points and parameters.
        """
        sharp = sigma**-2.0
        return np.asarray((mu * sharp) @ self.z.T - 0.5 * (sharp @ self._squares) - self.log_q)

    @cached_property
    def _squares(self) -> Array:
        return np.asarray(self.z.T**2)

    def effective(self, mu: Array, sigma: Array) -> float:
        """Return how many points a population (middle and spread, (p,)) is effectively made of."""
        return float(1.0 / np.exp(2.0 * self.log_weights(mu[None], sigma[None])).sum())


def _log_sum(logs: Array, axis: int) -> Array:
    peak = logs.max(axis=axis, keepdims=True)
    return np.asarray(np.log(np.exp(logs - peak).sum(axis=axis)) + np.squeeze(peak, axis))


def _log_products(weights: Array, logs: Array) -> Array:
    """Return log(exp(weights) @ exp(logs).T): weights (draws, points), logs (people, points) -> (draws, people).

    The mean weight of a point goes with the logs, so that neither factor runs over and little is lost below.
    """
    mean = _log_sum(weights, 0) - np.log(len(weights))
    together = logs + mean
    peak = together.max(axis=1)
    products = np.exp(weights - mean) @ np.exp(together - peak[:, None]).T
    return np.asarray(np.log(np.maximum(products, LEAST_SUM)) + peak)


def draw_points(
    parameters: Sequence[Parameter], predict: Predict, centre: Array, spread: Array, *, seed: int, n: int = POINTS
) -> Points:
    """Return `n` quasi-random points around `centre`, with the chances at each.

    Every coordinate has Student's t: no population is so far out that no points are there.
    """
    from scipy.stats import qmc, t

    uniform = qmc.Sobol(len(centre), seed=np.random.default_rng(seed)).random(n)
    standard = t.ppf(np.clip(uniform, 1e-6, 1 - 1e-6), TAIL)
    z = centre + spread * standard
    chances = np.maximum(predict(constrained(parameters, z)), 1e-12)
    return Points(z, (t.logpdf(standard, TAIL) - np.log(spread)).sum(axis=1), np.log(chances))


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
    chains: int = 2

    def typical(self, *, probability: float = 0.9) -> Trials:
        """Return one row a parameter: its value at the population's middle, with the central interval."""
        return summary(self.parameters, constrained(self.parameters, self.mu), probability)

    def _weights(self, draws: int) -> Array:
        """Return the log weight of each point under some of the draws, evenly taken: (draws, points)."""
        chosen = np.linspace(0, len(self.mu) - 1, min(draws, len(self.mu))).astype(int)
        return self.points.log_weights(self.mu[chosen], self.sigma[chosen])

    def held_out(self, counts: Array, *, draws: int = 200) -> Array:
        """Return the log predictive density of other answers of the same people: (people,), in nats."""
        fitted, left_out = (self.points.log_likelihood(each) for each in (self.counts, counts))
        weights = self._weights(draws)
        logs = _log_products(weights, fitted + left_out) - _log_products(weights, fitted)
        return np.asarray(_log_sum(logs, 0) - np.log(len(logs)))

    def log_densities(self) -> Array:
        """Return the log likelihood of each person under each draw, the person being anybody: (draws, people)."""
        fitted = self.points.log_likelihood(self.counts)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(self.mu), BLOCK)]
        weights = (self.points.log_weights(self.mu[block], self.sigma[block]) for block in blocks)
        return np.concatenate([_log_products(each, fitted) for each in weights])

    def chances(self, *, draws: int = 100) -> Array:
        """Return what each person is predicted to do: (people, conditions, kinds)."""
        weights, fitted = self._weights(draws), self.points.log_likelihood(self.counts)
        likely = _log_products(weights, fitted)
        # Each person's own weight of every point, averaged over the draws.
        own = fitted + np.log(np.maximum(np.exp(weights.T) @ np.exp(likely.min(axis=0) - likely), LEAST_SUM)).T
        own = np.exp(own - own.max(axis=1, keepdims=True))
        flat = np.exp(self.points.log_chances).reshape(len(self.points.z), -1)
        mean = own / own.sum(axis=1, keepdims=True) @ flat
        return np.asarray(mean.reshape(len(own), *self.points.log_chances.shape[1:]))

    def someone(self, n: int, *, seed: int) -> dict[str, NDArray[np.float64]]:
        """Return the parameters of `n` new people of the population: values by name, (n,)."""
        rng = np.random.default_rng(seed)
        draw = rng.integers(0, len(self.mu), n)
        z = self.mu[draw] + self.sigma[draw] * rng.standard_normal((n, len(self.parameters)))
        return {name: np.asarray(value) for name, value in constrain(np, self.parameters, list(z.T)).items()}


def fit_population(
    parameters: Sequence[Parameter], predict: Predict, counts: Array, *, method: Method | None = None, seed: int
) -> PopulationFit:
    """Return the population of people with `counts` (people, conditions, kinds) of answers.

    The prior of a middle is the parameter's own, of a spread a quarter of the prior's scale and
    HalfNormal(0.7 x that scale) more. Method "laplace" (the default) draws the population by importance sampling around
    its modes, and where that leaves few effective draws by NUTS; "nuts" by NUTS (PyMC). Both are of one posterior.
    """
    started, known = time.perf_counter(), tuple(parameters)
    how = method or FAST
    loc, scale = normal_prior(known, 0.0)
    wide = draw_points(known, predict, loc, WIDER * scale, seed=seed, n=2 * POINTS)
    posterior = Posterior(marginal_of(wide, counts), loc, scale)
    for k, n in enumerate((POINTS, *ROUNDS * (4 * POINTS,)), 1):
        points = draw_points(known, predict, *posterior.where(), seed=seed + k, n=n)
        posterior = Posterior(marginal_of(points, counts), loc, scale)
        likeliest = posterior.mode
        # A narrow population is made of few of the points: its likelihood would be rough with too few of them.
        if points.effective(likeliest[: len(loc)], posterior.sigma(likeliest[len(loc) :])) > ENOUGH:
            break
    middle, width, found, said = (_by_nuts if how.name == "nuts" else by_importance)(posterior, how, seed)
    flat = {name: values.reshape(-1, len(loc)) for name, values in (("mu", middle), ("sigma", width))}
    effective = points.effective(flat["mu"].mean(axis=0), flat["sigma"].mean(axis=0))
    found["points"] = effective
    if effective < 50:
        said.append(f"Only {effective:.0f} effective points make the population: its spread is roughly known.")
    took = time.perf_counter() - started
    return PopulationFit(known, flat["mu"], flat["sigma"], points, counts, found, tuple(said), took, len(middle))


@dataclass(frozen=True, eq=False)
class Marginal:
    """The log likelihood of (mu, log sigma) with every person integrated out, and its gradient.

    `share` (points, people) is each person's likelihood at the points, over that at the best of them: in single
    precision, which is a hundred times finer than the points and reads half the memory.
    """

    share: Array
    points: Points

    def of(self, mu: Array, sigma: Array) -> Array:
        """Return the log likelihood of many populations: mu and sigma (draws, p) -> (draws,)."""
        w = self.points.ratios(mu, sigma)
        w = np.exp(w - w.max(axis=1, keepdims=True))
        total = w @ self.share / w.sum(axis=1, keepdims=True)
        return np.asarray(np.log(np.maximum(total, TINY)).sum(axis=1))

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log likelihood (1,) and its gradient (1, 2 p) at x (1, 2 p)."""
        p = x.shape[1] // 2
        mu, sigma = x[0, :p], np.exp(x[0, p:])
        apart = (self.points.z - mu) / sigma
        log_w = -0.5 * (apart**2).sum(axis=1) - self.points.log_q
        w = np.exp(log_w - log_w.max())
        w = w / w.sum()
        # A narrow population is made of few points: the others are not read.
        share, used = self.share, np.flatnonzero(w > NEGLIGIBLE * w.max())
        if 2 * len(used) < len(w):
            share, w, apart = share[used], w[used], apart[used]
        # einsum stays in this thread: a product shared out to all cores would wait for them longer than it takes.
        total = np.maximum(np.einsum("si,s->i", share, np.where(w < TINY, 0.0, w).astype(np.float32)), TINY)
        # By each weight's share in all people's likelihoods, less its share in the sum that is 1.
        back = w * (np.einsum("i,si->s", 1.0 / total, share) - len(total))
        slope = np.concatenate([back @ apart / sigma, back @ apart**2])
        return np.array([np.log(total).sum(dtype=np.float64)]), slope[None]


def marginal_of(points: Points, counts: Array) -> Marginal:
    """Return the marginal likelihood of people's counts (people, conditions, kinds)."""
    logs = points.log_likelihood(counts)
    share = np.exp(logs - logs.max(axis=1, keepdims=True)).T
    return Marginal(np.ascontiguousarray(np.where(share < TINY, 0.0, share), dtype=np.float32), points)


class Likelihood(Protocol):
    """The log likelihood of populations, with everybody integrated out."""

    def of(self, mu: Array, sigma: Array) -> Array:
        """Return that of many populations: mu and sigma (draws, p) -> (draws,)."""
        ...

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log likelihood (1,) and its gradient (1, 2 p) at (mu, log sigma), x (1, 2 p)."""
        ...


@dataclass(frozen=True, eq=False)
class Posterior:
    """The log posterior of (mu, log spread), sigma being `least` of the prior's scale and the spread."""

    marginal: Likelihood
    loc: Array
    scale: Array
    least: float = LEAST
    n_people: ClassVar[int] = 1
    """`laplace.sample` draws from the posterior of one: the population."""
    with_prior: ClassVar[bool] = True

    @property
    def prior(self) -> tuple[Array, Array]:
        """Return where a search may begin, and the widest that a draw is proposed."""
        start = np.concatenate([self.loc, np.log(0.5 * self.scale)])
        return start, np.concatenate([self.scale, np.full(len(self.loc), 2.0)])

    def __call__(self, z: Array) -> Array:
        """Return the log density (draws, 1) at z (draws, 1, 2 p)."""
        p = len(self.loc)
        mu, v = z[:, 0, :p], np.clip(z[:, 0, p:], -30.0, 30.0)
        blocks = [slice(start, start + BLOCK) for start in range(0, len(z), BLOCK)]
        value = np.concatenate([self.marginal.of(mu[block], self.sigma(v[block])) for block in blocks])
        return np.asarray(value + self._log_prior(mu, v))[:, None]

    def _log_prior(self, mu: Array, v: Array) -> Array:
        """Return the log prior density (...) of middles and log spreads (..., p)."""
        apart, spread = (mu - self.loc) / self.scale, np.exp(v) / (BETWEEN * self.scale)
        return np.asarray(-0.5 * (apart**2).sum(axis=-1) - 0.5 * (spread**2).sum(axis=-1) + v.sum(axis=-1))

    def sigma(self, v: Array) -> Array:
        """Return the populations' sigma for log spreads v."""
        return np.asarray(self.least * self.scale + np.exp(v))

    def with_gradient(self, x: Array) -> tuple[Array, Array]:
        """Return the log density (1,) and its gradient (1, 2 p) at x (1, 2 p)."""
        p = len(self.loc)
        mu, v = x[0, :p], x[0, p:]
        sigma, width = self.sigma(v), BETWEEN * self.scale
        value, slope = self.marginal.with_gradient(np.concatenate([mu, np.log(sigma)])[None])
        apart, spread = (mu - self.loc) / self.scale, np.exp(v) / width
        below = slope[0, p:] * np.exp(v) / sigma - spread**2 + 1.0
        return value + self._log_prior(mu, v), np.concatenate([slope[0, :p] - apart / self.scale, below])[None]

    @cached_property
    def mode(self) -> Array:
        """Return the likeliest (mu, log spread), by L-BFGS."""
        from scipy.optimize import minimize

        def lack(x: Array) -> tuple[float, Array]:
            value, slope = self.with_gradient(x[None])
            return -float(value[0]), -slope[0]

        start, _ = self.prior
        bounds = [(a - 4 * s, a + 4 * s) for a, s in zip(self.loc, self.scale, strict=True)]
        bounds += [(np.log(0.02 * s), np.log(3.0 * s)) for s in self.scale]
        return np.asarray(minimize(lack, start, jac=True, method="L-BFGS-B", bounds=bounds).x)

    def where(self) -> tuple[Array, Array]:
        """Return the middle of the likeliest population, and how far its people and its middle may be from it."""
        at, p = self.mode, len(self.loc)
        unsure = np.sqrt((self.shape(at)[:p] ** 2).sum(axis=1))
        return at[:p], np.sqrt(self.sigma(at[p:]) ** 2 + np.minimum(unsure, self.scale) ** 2)

    def shape(self, at: Array) -> Array:
        """Return a matrix L so that at + L u is nearly as wide as the posterior for standard normal u."""
        moves = 1e-4 * np.eye(len(at))
        slopes = [self.with_gradient((at + sign * move)[None])[1][0] for move in moves for sign in (1.0, -1.0)]
        hessian = (np.array(slopes[0::2]) - np.array(slopes[1::2])) / 2e-4
        curvature, axes = np.linalg.eigh(-0.5 * (hessian + hessian.T))
        return np.asarray(axes / np.sqrt(np.clip(curvature, 0.5, None)))


Drawn = tuple[Array, Array, dict[str, float], list[str]]
"""mu and sigma (chains, draws, p), what is known of the draws, and what to mistrust in words."""


def _by_nuts(posterior: Posterior, how: Method, seed: int) -> Drawn:
    import pymc as pm

    from cogmem.fitting.external import log_likelihood_of

    at = posterior.mode
    shape, p = posterior.shape(at), len(posterior.loc)
    with pm.Model() as model:
        # In coordinates in which the posterior is nearly round, NUTS takes a few steps a draw.
        u = pm.Flat("u", shape=2 * p)
        pm.Potential("people", log_likelihood_of(posterior)((at + shape @ u)[None]).sum())
    trace = by_kernel(model, how, seed)
    x = at + np.asarray(trace.posterior["u"], dtype=np.float64) @ shape.T
    middle, width = x[..., :p], posterior.sigma(x[..., p:])
    found, said = checked({"mu": middle, "sigma": width}, int(trace.sample_stats["diverging"].sum()))
    return middle, width, found, said


def by_importance(posterior: Posterior, how: Method, seed: int, *, around: bool = False) -> Drawn:
    """Return draws of the population by importance sampling, or by NUTS where fewer than FEW of them are effective.

    Proposals begin at every place that a search finds; `around`: at the likeliest population alone, which asks for a
    tenth of the densities, and is enough where everybody is known so well that there is one place.
    """
    p, mode, rng = len(posterior.loc), posterior.mode, np.random.default_rng(seed)
    if around:
        shape = posterior.shape(mode)
        first = mode[None], np.asarray(np.linalg.cholesky(shape @ shape.T))[None]
        drawn, ess = laplace.sample_around(posterior, [first], n_draws=how.draws, rng=rng, enough=how.effective_draws)
    else:
        found = laplace.sample(posterior, n_draws=how.draws, rng=rng, enough=how.effective_draws, near=mode[None])
        drawn, ess = found.draws, found.ess
    if ess[0] < FEW:
        return _by_nuts(posterior, CHAINS, seed)
    x = np.moveaxis(drawn, 1, 0)
    return x[..., :p], posterior.sigma(x[..., p:]), {"ess_min": float(ess[0])}, []
