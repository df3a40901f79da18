"""Parameters of a model: where each may lie, and the prior it has before any data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Support = Literal["real", "positive", "unit", "above_one"]


@dataclass(frozen=True)
class Parameter:
    """One parameter, fitted on an unconstrained scale z on which its prior is Normal(loc, scale).

    `support` ties z to the value: real (z), positive (e^z), unit (1 / (1 + e^-z)), above_one (1 + e^z). `below` names
    an earlier parameter of which this one is the fraction 1 / (1 + e^-z), so the two cannot swap. `per_log_time`
    moves the prior by that much for each e-fold of the typical retention interval (-1 for a rate), so that priors
    say the same in seconds, minutes and years.
    """

    name: str
    support: Support
    loc: float
    scale: float
    unit: str = "1"
    meaning: str = ""
    per_log_time: float = 0.0
    below: str | None = None

    def prior(self, log_time: float) -> tuple[float, float]:
        """Return (loc, scale) of the Normal prior on z, for data of geometric mean retention interval e^log_time."""
        return self.loc + self.per_log_time * log_time, self.scale

    def value(self, xp: Any, z: Any, values: Mapping[str, Any]) -> Any:
        """Return the parameter's value for z; `values` holds the parameters before it."""
        if self.below is not None:
            return values[self.below] / (1 + xp.exp(-z))
        if self.support == "real":
            return z
        if self.support == "positive":
            return xp.exp(z)
        if self.support == "above_one":
            return 1 + xp.exp(z)
        return 1 / (1 + xp.exp(-z))

    def unconstrained(self, value: Any, values: Mapping[str, Any]) -> NDArray[np.float64]:
        """Return z for a value (numpy); the inverse of `value`."""
        value = np.asarray(value, dtype=np.float64)
        if self.below is not None:
            value = value / values[self.below]
            return np.asarray(np.log(value) - np.log1p(-value))
        if self.support == "real":
            return np.asarray(value)
        if self.support == "positive":
            return np.asarray(np.log(value))
        if self.support == "above_one":
            return np.asarray(np.log(value - 1))
        return np.asarray(np.log(value) - np.log1p(-value))


def constrain(xp: Any, parameters: Sequence[Parameter], z: Sequence[Any]) -> dict[str, Any]:
    """Return the parameters' values by name for unconstrained coordinates z, one entry a parameter."""
    values: dict[str, Any] = {}
    for parameter, coordinate in zip(parameters, z, strict=True):
        values[parameter.name] = parameter.value(xp, coordinate, values)
    return values


def constrained(parameters: Sequence[Parameter], z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the parameters' values for z, both (..., parameters)."""
    values = constrain(np, parameters, list(np.moveaxis(z, -1, 0)))
    return np.stack(list(values.values()), axis=-1)


def unconstrain(parameters: Sequence[Parameter], values: Mapping[str, Any]) -> NDArray[np.float64]:
    """Return z, shape (parameters, ...), for values by name; the inverse of `constrain`."""
    return np.stack([np.asarray(parameter.unconstrained(values[parameter.name], values)) for parameter in parameters])
