"""Answer times on something that predicts them: a line for each person, and a population of lines (PyMC).

ln t = a_p + b_p x + error, with a_p and b_p normal over people and the error Student's t: a few times are many times as
long as the rest. What is scored is the density of ln t of each answer when it is left out (PSIS), in nats.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.fitting.bayes import by_nutpie, compiled
from cogmem.fitting.fits import Method
from cogmem.fitting.sampling import checked
from cogmem.trials import Trials

Array = NDArray[np.float64]

NUTS: Final = Method("nuts", chains=4, tune=400, draws=400, target_accept=0.85)


@dataclass(frozen=True, eq=False)
class TimeFit:
    """Lines of ln t on x for every person, fitted to all of them: `loo` (people, answers) log densities, left out.

    `predicted` (people, answers): the mean of ln t by one's own line; `typical` (people, answers): by that of the
    population. `parameters`: a row each of intercept, slope (per standard deviation of x), their spreads over people,
    the error's scale and degrees of freedom, with central 95 % intervals. `pareto_k` is the worst one.
    """

    loo: Array
    predicted: Array
    typical: Array
    parameters: Trials
    diagnostics: dict[str, float]
    warnings: tuple[str, ...]
    pareto_k: float


def fit_times(x: Array, seconds: Array, *, seed: int, method: Method = NUTS) -> TimeFit:
    """Return lines of ln seconds on x, (people, answers) both; x without any spread leaves each person a mean.

    UserError where a time is not above 0, or shapes differ.
    """
    if x.shape != seconds.shape or x.ndim != 2:
        raise UserError(f"x and seconds are (people, answers); got {x.shape} and {seconds.shape}.")
    if not (np.isfinite(seconds) & (seconds > 0)).all() or not np.isfinite(x).all():
        raise UserError("Every time is above 0, and what predicts it is a number; leave out answers that have none.")
    y, spread = np.log(seconds), float(x.std())
    z = (x - x.mean()) / spread if spread > 1e-12 else np.zeros_like(x)
    trace = _sampled(z, y, sloped=spread > 1e-12, seed=seed, method=method)
    return _told(trace, z, y, method)


def _sampled(z: Array, y: Array, *, sloped: bool, seed: int, method: Method) -> Any:
    given = {"answers": y} | ({"predictor": z} if sloped else {})
    ready = _compiled(*z.shape, sloped).with_data(**given)
    return by_nutpie(
        ready, method.chains, method.tune, method.draws, method.target_accept, seed, method.cores, method.progress
    )


@lru_cache(maxsize=4)
def _compiled(people: int, answers: int, sloped: bool) -> Any:
    """Return the model of so many answers, compiled: that takes longer than to sample it, and many predictors share it.

    The answers are of no account until they are given.
    """
    import pymc as pm

    nothing = np.zeros((people, answers))
    with pm.Model() as model:
        y = pm.Data("answers", nothing)
        # Dozens of answers tell a person's line better than the population does: centred, chains mix.
        intercept, spread = pm.Normal("intercept", y.mean(), 1.0), pm.HalfNormal("intercept_sd", 1.0)
        line = pm.Normal("own_intercept", intercept, spread, shape=people)[:, None]
        if sloped:
            slope, slopes = pm.Normal("slope", 0.0, 0.5), pm.HalfNormal("slope_sd", 0.5)
            line = line + pm.Normal("own_slope", slope, slopes, shape=people)[:, None] * pm.Data("predictor", nothing)
        scale, freedom = pm.HalfNormal("error", 1.0), pm.Gamma("freedom", 2.0, 0.1)
        pm.StudentT("ln_seconds", nu=freedom, mu=line, sigma=scale, observed=y)
    return compiled(model)


NAMES: Final = ("intercept", "intercept_sd", "slope", "slope_sd", "error", "freedom")


def _told(trace: Any, z: Array, y: Array, method: Method) -> TimeFit:
    draws = {name: np.asarray(trace.posterior[name]) for name in trace.posterior.data_vars}
    draws = {name: values for name, values in draws.items() if name in (*NAMES, "own_intercept", "own_slope")}
    flat = {name: values.reshape(-1, *values.shape[2:]) for name, values in draws.items()}
    own_a = flat["own_intercept"]
    own_b, slope = flat.get("own_slope", np.zeros_like(own_a)), flat.get("slope", np.zeros(1))
    mean = own_a.mean(axis=0)[:, None] + own_b.mean(axis=0)[:, None] * z
    typical = flat["intercept"].mean() + slope.mean() * z
    loo, worst = _left_out(own_a, own_b, flat["error"], flat["freedom"], z, y, method)
    diagnostics, said = checked(draws, int(np.asarray(trace.sample_stats["diverging"]).sum()))
    rows = [(name, flat[name].mean(), *np.quantile(flat[name], [0.025, 0.975])) for name in NAMES if name in flat]
    columns = {key: np.array([row[k] for row in rows]) for k, key in enumerate(("parameter", "mean", "lower", "upper"))}
    more = {"rhat": diagnostics["rhat_max"], "ess": diagnostics["ess_min"], "divergences": diagnostics["divergences"],
            "pareto_k": worst}  # fmt: skip
    table = Trials(columns | {name: np.full(len(rows), value) for name, value in more.items()})
    return TimeFit(loo, mean, typical, table, diagnostics, tuple(said), worst)


def _left_out(
    own_a: Array, own_b: Array, error: Array, freedom: Array, z: Array, y: Array, method: Method
) -> tuple[Array, float]:
    """Return the log density of each answer left out (PSIS), (people, answers), and the worst Pareto k."""
    import arviz as az
    from scipy.special import gammaln

    nu = freedom[:, None, None]
    apart = (y - own_a[:, :, None] - own_b[:, :, None] * z) / error[:, None, None]
    constant = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi) - np.log(error)[:, None, None]
    logs = constant - (nu + 1) / 2 * np.log1p(apart**2 / nu)
    shaped = logs.reshape(method.chains, -1, y.size)
    given = az.from_dict({"error": error.reshape(method.chains, -1)}, log_likelihood={"answers": shaped})
    with warnings.catch_warnings():
        # ArviZ warns of high Pareto k; the worst one is told.
        warnings.simplefilter("ignore", UserWarning)
        found = az.loo(given, pointwise=True, reff=1.0)
    return np.array(found.loo_i, dtype=np.float64).reshape(y.shape), float(np.asarray(found.pareto_k).max())
