"""Fitting models that are folds of steps: trial by trial, or to counts of the kinds of people's answers.

The likelihood is compiled (numba) and its gradient taken by central differences on the unconstrained scale, each
parameter's for all people in one call: a person's likelihood depends on that person's parameters alone. So the model is
written once, and PyMC samples it like any other.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from cogmem.core import Record
from cogmem.errors import UserError
from cogmem.fitting import laplace
from cogmem.fitting.fits import Method
from cogmem.fitting.objective import IMPOSSIBLE, Array, log_prior, normal_prior
from cogmem.fitting.sampling import by_kernel, checked, summary
from cogmem.kernels.stepwise import steps_log_likelihood
from cogmem.subjects.interference import InterferenceModel, InterferenceSubject, option_of, tracked
from cogmem.subjects.parameters import Parameter, constrain, constrained
from cogmem.subjects.stepwise import encode
from cogmem.trials import Trials

STEP: Final = 1e-5
"""Of a central difference: its error is about 1e-10 of the third derivative and 1e-11 of the likelihood."""

Likelihood = Callable[[Array], Array]


@dataclass(frozen=True, eq=False)
class StepDensity:
    """The log posterior of people's z: `likelihood` maps theta (sets, people, parameters) to (sets, people)."""

    parameters: tuple[Parameter, ...]
    people: tuple[str, ...]
    likelihood: Likelihood
    with_prior: bool = True

    @property
    def prior(self) -> tuple[Array, Array]:
        return normal_prior(self.parameters, 0.0)

    @property
    def n_people(self) -> int:
        return len(self.people)

    def log_likelihood(self, z: Array) -> Array:
        """Return the log likelihood of each person: z (sets, people, parameters) -> (sets, people)."""
        found = self.likelihood(constrained(self.parameters, np.clip(z, -30.0, 30.0)))
        return np.asarray(np.nan_to_num(found, nan=IMPOSSIBLE, neginf=IMPOSSIBLE))

    def __call__(self, z: Array) -> Array:
        found = self.log_likelihood(z)
        return found + log_prior(z, self.prior) if self.with_prior else found

    def with_gradient(self, z: Array) -> tuple[Array, Array]:
        """Return the log likelihood (people,) and its gradient (people, parameters) at z (people, parameters)."""
        p = z.shape[-1]
        moves = np.concatenate([np.zeros((1, p)), STEP * np.eye(p), -STEP * np.eye(p)])
        values = self.log_likelihood(z[None] + moves[:, None])
        return values[0], np.asarray((values[1 : p + 1] - values[p + 1 :]).T / (2 * STEP))


def trial_by_trial(
    model: InterferenceModel, record: Record, *, pooled: bool = False, backend: str = "auto"
) -> StepDensity:
    """Return the density of a model given every answer of `record`; `pooled` treats all people as one."""
    design = tracked(record.design)
    steps = model.sized(design)
    encoded = encode(steps, design)
    options = option_of(design, np.asarray(record.answers), lists=model.lists)
    groups = design.trials.with_columns({"participant": design.trials.get("participant", "all")})
    names = [str(key["participant"]) for key, _ in groups.groups(["participant"])]
    answers = np.full((len(encoded.tests), max(len(tests) for tests in encoded.tests)), -1, np.int64)
    for i, tests in enumerate(encoded.tests):
        answers[i, : len(tests)] = options[tests]
    person = np.zeros(len(answers), np.int64) if pooled else np.arange(len(answers))

    def likelihood(theta: Array) -> Array:
        sums = np.empty(theta.shape[:2])
        for k, each in enumerate(theta):
            logs = steps_log_likelihood(
                steps.steps, each[person], encoded.rows, encoded.kinds, answers, n_state=encoded.n_state,
                n_options=steps.n_options, backend=backend,
            )  # fmt: skip
            sums[k] = np.bincount(person, logs.sum(axis=1), theta.shape[1])
        return sums

    return StepDensity(model.parameters, ("all",) if pooled else tuple(names), likelihood)


@dataclass(frozen=True, eq=False)
class StepFit:
    """Draws of every person's parameters: `draws` by name, (chains, draws, people); `population` (chains, draws, p).

    `diagnostics` are numbers by name (rhat_max, ess_min, divergences), `warnings` says what to mistrust.
    """

    name: str
    parameters: tuple[Parameter, ...]
    people: tuple[str, ...]
    draws: Mapping[str, Array]
    population: Mapping[str, Array]
    diagnostics: Mapping[str, float]
    warnings: tuple[str, ...]
    seconds: float

    @property
    def theta(self) -> Array:
        """All draws together: (draws, people, parameters)."""
        flat = [values.reshape(-1, values.shape[-1]) for values in self.draws.values()]
        return np.stack(flat, axis=-1)

    def intervals(self, *, probability: float = 0.9) -> Trials:
        """Return one row a person and parameter: mean, lower and upper end of the central interval."""
        tail, theta = (1 - probability) / 2, self.theta
        lower, upper = np.quantile(theta, [tail, 1 - tail], axis=0)
        n, p = len(self.people), len(self.parameters)
        names = [parameter.name for parameter in self.parameters]
        return Trials(
            {"participant": np.repeat(np.array(self.people), p), "parameter": np.tile(np.array(names), n),
             "mean": theta.mean(axis=0).ravel(), "lower": lower.ravel(), "upper": upper.ravel()}
        )  # fmt: skip

    def typical(self, *, probability: float = 0.9) -> Trials:
        """Return one row a parameter: the value at the population's middle with its interval (a person's, if alone)."""
        if "mu" in self.population:
            values = constrained(self.parameters, self.population["mu"].reshape(-1, len(self.parameters)))
        else:
            values = self.theta.mean(axis=1)
        return summary(self.parameters, values, probability)

    def subject(self, model: InterferenceModel) -> InterferenceSubject:
        """Return somebody who answers as the fitted people: one draw of one person a participant."""
        theta = self.theta.reshape(-1, len(self.parameters))
        return InterferenceSubject(model, {parameter.name: theta[:, k] for k, parameter in enumerate(self.parameters)})


def fit_steps(density: StepDensity, *, name: str, method: Method | str = "laplace", seed: int) -> StepFit:
    """Return the fit of a density by "nuts" (one population) or "laplace" (every person apart)."""
    how = method if isinstance(method, Method) else Method(method)  # type: ignore[arg-type]
    started = time.perf_counter()
    if how.name == "nuts":
        z, population, diagnostics, said = _nuts(density, how, seed)
    elif how.name == "laplace":
        rng = np.random.default_rng(seed)
        posterior = laplace.sample(density, n_draws=how.draws, rng=rng, enough=how.effective_draws)
        z, population, diagnostics, said = posterior.draws[None], {}, {"ess_min": float(posterior.ess.min())}, ()
    else:
        raise UserError(f"Step models are fitted by laplace or nuts; got {how.name!r}.")
    draws = constrain(np, density.parameters, list(np.moveaxis(z, -1, 0)))
    took = time.perf_counter() - started
    return StepFit(name, density.parameters, density.people, draws, population, diagnostics, said, took)


def _nuts(
    density: StepDensity, how: Method, seed: int
) -> tuple[Array, Mapping[str, Array], dict[str, float], tuple[str, ...]]:
    import pymc as pm

    from cogmem.fitting import bayes
    from cogmem.fitting.external import log_likelihood_of

    with pm.Model() as model:
        z = bayes.population(density, seed=seed, coordinates=how.coordinates)
        pm.Potential("observed", log_likelihood_of(density)(z).sum())
    sampled = bayes.drawn(by_kernel(model, how, seed))
    found, said = checked({"z": sampled.z, **sampled.population}, sampled.diverging)
    return sampled.z, sampled.population, found, tuple(said)
