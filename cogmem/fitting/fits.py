"""fit(): from a model and data to a Fit, which is somebody who can take experiments."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.fitting import laplace
from cogmem.fitting.objective import Array, Objective
from cogmem.fitting.observations import observe
from cogmem.names import nearest
from cogmem.progress import Report, silent
from cogmem.subjects.equation import Equation, EquationSubject
from cogmem.subjects.parameters import constrain
from cogmem.trials import Trials
from cogmem.workers import one_thread

MethodName = Literal["mle", "laplace", "nuts"]


@dataclass(frozen=True)
class Method:
    """How to fit.

    `name`: "mle" (maximum likelihood for counts, least squares for means), "laplace" (every person apart: mode and
    importance-corrected draws; instant) or "nuts" (PyMC hierarchical model, all persons together). `likelihood`:
    "auto" is Bernoulli for records, binomial for counts, for means Gaussian with the known standard error, else with
    a free sigma. `pooled` treats all rows as one person. `effective_draws` is what "laplace"
    aims at for every person. The rest belongs to "nuts", but `draws` to both.
    """

    name: MethodName = "laplace"
    likelihood: str = "auto"
    pooled: bool = False
    draws: int = 1000
    effective_draws: float = 1000.0
    tune: int = 1000
    chains: int = 4
    cores: int | None = None
    target_accept: float = 0.95
    sampler: Literal["nutpie", "pymc"] = "nutpie"
    coordinates: Literal["rounded", "non_centred"] = "rounded"
    progress: bool = False

    def __post_init__(self) -> None:
        if self.name not in ("mle", "laplace", "nuts"):
            raise UserError(f"There is no method {self.name!r}; {nearest(str(self.name), ['mle', 'laplace', 'nuts'])}")
        if self.coordinates not in ("rounded", "non_centred"):
            raise UserError(f"coordinates are 'rounded' or 'non_centred'; got {self.coordinates!r}.")
        if self.draws < 1 or self.tune < 0 or self.chains < 1:
            raise UserError(f"A method needs draws and chains of at least 1; got {self.draws} and {self.chains}.")


@dataclass(frozen=True, eq=False)
class Fit:
    """A fitted model: `subject` answers new designs as the fitted people would (posterior prediction).

    `theta` has one row per person: the point estimate of each parameter (the mode for mle and laplace, the posterior
    mean for nuts). `posterior` holds draws by parameter, (chain, draw, person); `log_likelihood` (chain, draw, row),
    rows in the order of the data. `diagnostics` are numbers by name and `warnings` says in words what to mistrust.
    """

    model: Equation
    data: Record | Curve
    method: Method
    theta: Trials
    posterior: Mapping[str, NDArray[np.float64]]
    log_likelihood: NDArray[np.float64]
    diagnostics: Mapping[str, float]
    warnings: tuple[str, ...]
    objective: Objective
    population: Mapping[str, NDArray[np.float64]]
    seed: int
    seconds: float

    def __post_init__(self) -> None:
        for name in ("posterior", "diagnostics", "population"):
            object.__setattr__(self, name, MappingProxyType(dict(getattr(self, name))))

    def __reduce__(self) -> tuple[Any, ...]:
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        plain = {name: dict(value) if isinstance(value, MappingProxyType) else value for name, value in values.items()}
        return (Fit, tuple(plain.values()))

    @cached_property
    def subject(self) -> EquationSubject:
        """Somebody who answers as the fitted people: one posterior draw a participant."""
        people = self.objective.observed.people
        names = [parameter.name for parameter in self.model.parameters]
        drawn = {name: self.posterior[name].reshape(-1, len(people)) for name in names}
        n_draws = next(iter(drawn.values())).shape[0]
        flat = {name: values.T.ravel() for name, values in drawn.items()}
        return EquationSubject(self.model, flat, np.repeat(people, n_draws))

    @property
    def draws(self) -> Any:
        """The posterior as ArviZ's InferenceData, with the log likelihood of each row."""
        import arviz as az

        people = list(self.objective.observed.people)
        return az.from_dict(
            posterior=dict(self.posterior),
            log_likelihood={"y": self.log_likelihood},
            dims={name: ["participant"] for name in self.posterior},
            coords={"participant": people},
        )

    def intervals(self, *, probability: float = 0.9) -> Trials:
        """Return one row per person and parameter: estimate, mean, lower and upper end of the central interval."""
        rows: dict[str, list[Any]] = {
            name: [] for name in ("participant", "parameter", "estimate", "mean", "lower", "upper")
        }
        tail = (1 - probability) / 2
        for name, values in self.posterior.items():
            flat = values.reshape(-1, values.shape[-1])
            lower, upper = np.quantile(flat, [tail, 1 - tail], axis=0)
            for u, who in enumerate(self.objective.observed.people):
                cells = (who, name, self.theta[name][u], flat[:, u].mean(), lower[u], upper[u])
                for key, cell in zip(rows, cells, strict=True):
                    rows[key].append(cell)
        return Trials({name: np.asarray(values) for name, values in rows.items()})

    def predictions(self) -> NDArray[np.float64]:
        """Return each draw's prediction of each row of the data, on its scale of y: (draws, rows), data order."""
        flat = np.stack([values.reshape(-1, values.shape[-1]) for values in self.posterior.values()], axis=-1)
        observed = self.objective.observed
        theta = {name: flat[:, observed.person, k] for k, name in enumerate(self.posterior)}
        with np.errstate(all="ignore"):
            predicted = self.model.read_out(observed.measure)(np, theta, observed.columns)
        predicted = np.where(observed.studied, predicted, 0.0)
        if observed.family in ("bernoulli", "binomial", "beta_binomial"):
            predicted = observed.guess + (1 - observed.guess) * np.clip(predicted, 0, 1)
        return np.asarray(predicted[:, np.argsort(observed.order)])

    @cached_property
    def fitted(self) -> NDArray[np.float64]:
        """Posterior mean of the prediction of each row of the data, in its order and on its scale of y."""
        return np.asarray(self.predictions().mean(axis=0))


def _check(model: Any) -> Equation:
    if not isinstance(model, Equation):
        raise UserError(
            f"fit() takes an equation, not {type(model).__name__} {getattr(model, 'name', '')!r}; networks and "
            "language models are not fitted to people but compared with them: use compare()."
        )
    return model


@one_thread()
def fit(
    model: Equation, data: Record | Curve, *, method: Method | MethodName = "laplace", seed: int,
    report: Report = silent,
) -> Fit:  # fmt: skip
    """Return the fit of `model` to `data`; the same seed gives the same draws, bit for bit.

    `report` hears how far "nuts" is; the other methods are done before anybody could ask.
    Raises UserError where the data lack a column the model needs, or do not suit the likelihood asked for.
    """
    how = method if isinstance(method, Method) else Method(method)
    started = time.perf_counter()
    observed = observe(
        _check(model), data, likelihood=how.likelihood, pooled=how.pooled, least_squares=how.name == "mle"
    )
    objective = Objective(model, observed, with_prior=how.name != "mle")
    if how.name == "nuts":
        made = _by_nuts(objective, how, seed, report)
    elif how.name == "laplace":
        made = _by_laplace(objective, how, seed)
    else:
        made = _by_mle(objective, seed)
    z, estimate, population, diagnostics, warnings = made
    return _assemble(data, how, objective, z, estimate, population, diagnostics, warnings, seed, started)


Made = tuple[Array, Array | None, Mapping[str, Array], dict[str, float], list[str]]


def _by_mle(objective: Objective, seed: int) -> Made:
    z, density = laplace.modes(objective, np.random.default_rng(seed))
    diagnostics = {"log_likelihood": float(density[0].sum())}
    return z[:1][None], z[0], {}, diagnostics, []


def _by_laplace(objective: Objective, how: Method, seed: int) -> Made:
    posterior = laplace.sample(
        objective, n_draws=how.draws, rng=np.random.default_rng(seed), enough=how.effective_draws
    )
    ess = float(posterior.ess.min())
    warnings = []
    if ess < 400:
        who = objective.observed.people[posterior.ess.argmin()]
        warnings.append(f"Only {ess:.0f} effective draws for {who}: the posterior is hard to reach; check with nuts.")
    return posterior.draws[None], posterior.mode, {}, {"ess_min": ess}, warnings


def convergence(draws: Mapping[str, Array]) -> tuple[float, float]:
    """Return (largest r-hat, smallest effective sample size) of draws by name, (chains, draws, ...)."""
    import arviz as az

    variables = az.convert_to_dataset(dict(draws))
    rhat = max(float(value.max()) for value in az.rhat(variables).data_vars.values())
    ess = min(float(value.min()) for value in az.ess(variables).data_vars.values())
    return rhat, ess


def _by_nuts(objective: Objective, how: Method, seed: int, report: Report) -> Made:
    from cogmem.fitting import bayes

    sampled = bayes.sample(
        objective, chains=how.chains, tune=how.tune, draws=how.draws, target_accept=how.target_accept, seed=seed,
        cores=how.cores, sampler=how.sampler, coordinates=how.coordinates, progress=how.progress,
        report=report,
    )  # fmt: skip
    rhat, ess = convergence({"z": sampled.z, **sampled.population})
    warnings = []
    if sampled.diverging:
        warnings.append(
            f"{sampled.diverging} transitions diverged: parts of the posterior were missed; raise target_accept."
        )
    if not rhat < 1.01:
        warnings.append(f"r-hat is {rhat:.3f}: the chains disagree; take more tuning steps and draws.")
    if ess < 100 * how.chains:
        warnings.append(f"The smallest effective sample size is {ess:.0f}; {100 * how.chains} or more are wanted.")
    diagnostics = {
        "rhat_max": rhat,
        "ess_min": ess,
        "divergences": float(sampled.diverging),
        "sampling_seconds": sampled.seconds,
    }
    return sampled.z, None, sampled.population, diagnostics, warnings


def _assemble(
    data: Record | Curve, how: Method, objective: Objective, z: Array, estimate: Array | None,
    population: Mapping[str, Array], diagnostics: dict[str, float], warnings: list[str], seed: int, started: float,
) -> Fit:  # fmt: skip
    """Return the Fit for draws z (chains, draws, people, parameters) and the point estimate (people, parameters)."""
    observed, flat = objective.observed, z.reshape(-1, *z.shape[2:])
    values = constrain(np, objective.parameters, list(np.moveaxis(z, -1, 0)))
    if estimate is None:
        point = {name: value.mean(axis=(0, 1)) for name, value in values.items()}
    else:
        point = constrain(np, objective.parameters, list(estimate.T))
    pointwise = objective.pointwise(flat)[:, np.argsort(observed.order)].reshape(*z.shape[:2], -1)
    theta = Trials({"participant": observed.people, **point})
    done = Fit(
        objective.equation, data, how, theta, values, pointwise, diagnostics, tuple(warnings), objective,
        population, seed, 0.0,
    )  # fmt: skip
    if observed.family in ("gaussian", "gaussian_free", "least_squares"):
        diagnostics |= _least_squares_scores(done, len(objective.equation.parameters))
    return replace(done, diagnostics=diagnostics, seconds=time.perf_counter() - started)


def _least_squares_scores(done: Fit, k: int) -> dict[str, float]:
    """Return SSD, AIC = n (ln(2 pi SSD / n) + 1) + 2 (k + 1), AICc and both R2 over the rows (Murre & Dros, 2015).

    The R2 that Murre & Dros print is the uncentred one. Only for one person are these what the paper reports.
    """
    observed = done.objective.observed
    y = observed.y[np.argsort(observed.order)]
    ssd, n = float(((y - done.fitted) ** 2).sum()), len(y)
    parameters = len(observed.people) * k + 1
    aic = n * (np.log(2 * np.pi * max(ssd, 1e-300) / n) + 1) + 2 * parameters
    correction = 2 * parameters * (parameters + 1) / (n - parameters - 1) if n > parameters + 1 else np.nan
    centred, whole = float(((y - y.mean()) ** 2).sum()), float((y**2).sum())
    return {
        "ssd": ssd,
        "aic": float(aic),
        "aicc": float(aic + correction),
        "r2": 1 - ssd / centred if centred else np.nan,
        "r2_uncentred": 1 - ssd / whole if whole else np.nan,
    }
