"""What fits by NUTS share: sampling a compiled likelihood, how far the chains agree, a table of the values."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cogmem.fitting.bayes import by_nutpie
from cogmem.fitting.fits import Method, convergence
from cogmem.fitting.objective import Array
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials


def by_kernel(model: Any, how: Method, seed: int) -> Any:
    """Return the trace of a PyMC model whose likelihood is a kernel of ours (see `external`).

    One chain comes after another, since the kernel itself runs on all cores.
    """
    with warnings.catch_warnings():
        # The likelihood is compiled already; PyTensor says that it does not compile it again.
        warnings.filterwarnings("ignore", message=".*object mode.*", category=UserWarning)
        return by_nutpie(model, how.chains, how.tune, how.draws, how.target_accept, seed, 1, how.progress)


def checked(draws: Mapping[str, Array], diverging: int) -> tuple[dict[str, float], list[str]]:
    """Return r-hat, effective draws and divergences of (chains, draws, ...) by name, and in words what to mistrust."""
    rhat, ess = convergence(draws)
    said = []
    if diverging:
        said.append(f"{diverging} transitions diverged: raise target_accept.")
    if not rhat < 1.02:
        said.append(f"r-hat is {rhat:.3f}: the chains disagree; take more tuning steps and draws.")
    return {"rhat_max": rhat, "ess_min": ess, "divergences": float(diverging)}, said


def summary(parameters: Sequence[Parameter], values: Array, probability: float) -> Trials:
    """Return one row a parameter: mean, lower and upper end of the central interval of values (draws, parameters)."""
    tail = (1 - probability) / 2
    lower, upper = np.quantile(values, [tail, 1 - tail], axis=0)
    names = np.array([parameter.name for parameter in parameters])
    return Trials({"parameter": names, "mean": values.mean(axis=0), "lower": lower, "upper": upper})
