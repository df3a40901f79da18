"""Models of memory: one file a family, one value a model. MODELS is the explicit list of the fittable ones."""

from __future__ import annotations

from typing import Final

from cogmem.models.forgetting import (
    ebbinghaus,
    ebbinghaus_1880,
    exponential,
    exponential_asymptote,
    hyperbolic,
    hyperbolic_power,
    logarithmic,
    memory_chain,
    power,
    power_asymptote,
    power_boost,
    sum_of_exponentials,
    weibull,
    wickelgren,
)
from cogmem.models.networks import lstm, transformer
from cogmem.models.spacing import act_r, multiscale_context, pavlik_anderson
from cogmem.models.steps import STEP_MODELS, act_r_practice
from cogmem.subjects.equation import Equation
from cogmem.subjects.network import Network

MODELS: Final[tuple[Equation, ...]] = (
    exponential,
    exponential_asymptote,
    power,
    power_asymptote,
    power_boost,
    wickelgren,
    logarithmic,
    ebbinghaus,
    ebbinghaus_1880,
    hyperbolic,
    hyperbolic_power,
    weibull,
    sum_of_exponentials,
    memory_chain,
    act_r,
    pavlik_anderson,
    multiscale_context,
)

NETWORKS: Final[tuple[Network, ...]] = (lstm(), transformer())

__all__ = [
    "MODELS",
    "NETWORKS",
    "STEP_MODELS",
    "act_r",
    "act_r_practice",
    "ebbinghaus",
    "ebbinghaus_1880",
    "exponential",
    "exponential_asymptote",
    "hyperbolic",
    "hyperbolic_power",
    "logarithmic",
    "lstm",
    "memory_chain",
    "multiscale_context",
    "pavlik_anderson",
    "power",
    "power_asymptote",
    "power_boost",
    "sum_of_exponentials",
    "transformer",
    "weibull",
    "wickelgren",
]
