"""Forgetting functions: the share retained after t seconds, one value a model.

Each `predict` is written once for numpy, PyTensor and torch. Functions that are infinite or undefined at t = 0 read a
delay below one second as one second: no test is instantaneous.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cogmem.subjects.equation import Equation
from cogmem.subjects.parameters import Parameter

MINUTE: Final = 60.0
DAY: Final = 86_400.0
INTERVAL: Final = frozenset({"retention_interval"})

Theta = Mapping[str, Any]
Columns = Mapping[str, Any]


def _seconds(xp: Any, columns: Columns) -> Any:
    t = columns["retention_interval"]
    return xp.where(t < 1.0, 1.0, t)


def _minutes(xp: Any, columns: Columns, *, least: float) -> Any:
    t = columns["retention_interval"] / MINUTE
    return xp.where(t < least, least, t)


def _share(name: str, loc: float, meaning: str) -> Parameter:
    return Parameter(name, "unit", loc, 1.2, "1", meaning)


def _rate(name: str, scale: float = 1.5, meaning: str = "rate of loss", loc: float = 0.0) -> Parameter:
    return Parameter(name, "positive", loc, scale, "1/s", meaning, per_log_time=-1.0)


A = _share("a", 1.5, "retention at t = 0")
C = _share("c", -1.2, "asymptote")
EXPONENT = Parameter("b", "positive", -1.8, 0.8, "1", "exponent of forgetting")
SCALE_AT_1S = Parameter("a", "positive", 0.0, 0.7, "s^b", "retention at 1 s by extrapolation", per_log_time=0.08)


def _exponential(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["a"] * xp.exp(-theta["b"] * columns["retention_interval"])


exponential = Equation(
    "exponential", 1, "Ebbinghaus (1885) discusses it; Wixted & Ebbesen (1991)", "P = a exp(-b t)",
    (A, _rate("b")), INTERVAL, _exponential,
)  # fmt: skip


def _exponential_asymptote(xp: Any, theta: Theta, columns: Columns) -> Any:
    span = theta["a"] - theta["c"]
    return theta["c"] + span * xp.exp(-theta["b"] * columns["retention_interval"])


C_BELOW_A = Parameter("c", "unit", -1.0, 1.2, "1", "asymptote", below="a")

exponential_asymptote = Equation(
    "exponential_asymptote", 1, "Averell & Heathcote (2011)", "P = c + (a - c) exp(-b t), c < a",
    (A, _rate("b"), C_BELOW_A), INTERVAL, _exponential_asymptote,
)  # fmt: skip


def _power(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["a"] * _seconds(xp, columns) ** (-theta["b"])


power = Equation(
    "power", 1, "Wixted & Ebbesen (1991); Murre & Dros (2015), mu t^-a there", "P = a t^-b",
    (SCALE_AT_1S, EXPONENT), INTERVAL, _power, bounded=False,
)  # fmt: skip


def _power_asymptote(xp: Any, theta: Theta, columns: Columns) -> Any:
    # The unit-bearing "1" of (1 + t) is one second here; a - c is lost in the end.
    return theta["c"] + (theta["a"] - theta["c"]) * (1.0 + columns["retention_interval"]) ** (-theta["b"])


power_asymptote = Equation(
    "power_asymptote", 1, "Cavagnaro et al. (2010), POWA; Averell & Heathcote (2011)",
    "P = c + (a - c) (1 + t)^-b, t in s, c < a", (A, EXPONENT, C_BELOW_A), INTERVAL, _power_asymptote,
)  # fmt: skip


def _wickelgren(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["m"] * (1.0 + theta["beta"] * columns["retention_interval"]) ** (-theta["psi"])


wickelgren = Equation(
    "wickelgren", 1, "Wickelgren (1974); Wixted & Carpenter (2007)", "P = m (1 + beta t)^-psi",
    (
        _share("m", 1.5, "degree of learning"),
        _rate("beta", 1.5, "scale of time", loc=1.0),
        Parameter("psi", "positive", -1.4, 0.8, "1", "rate of forgetting"),
    ),
    INTERVAL, _wickelgren,
)  # fmt: skip


def _logarithmic(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["a"] - theta["b"] * xp.log(_seconds(xp, columns))


logarithmic = Equation(
    "logarithmic", 1, "Rubin & Wenzel (1996); Woodworth (1938)", "P = a - b ln t, t in s",
    (
        Parameter("a", "positive", -0.1, 0.4, "1", "retention at 1 s by extrapolation"),
        Parameter("b", "positive", -3.1, 0.7, "1", "loss for each e-fold of time"),
    ),
    INTERVAL, _logarithmic, bounded=False,
)  # fmt: skip


def _ebbinghaus(xp: Any, theta: Theta, columns: Columns) -> Any:
    # Undefined up to one minute, where log10 t is not positive: there Q = 1 is its limit.
    log_minutes = xp.log(_minutes(xp, columns, least=1.000001)) / 2.302585092994046
    return theta["k"] / (log_minutes ** theta["c"] + theta["k"])


ebbinghaus = Equation(
    "ebbinghaus", 1, "Ebbinghaus (1885), ch. VII: k = 1.84, c = 1.25", "Q = k / ((log10 t)^c + k), t in min, t > 1",
    (
        Parameter("k", "positive", 0.6, 0.7, "1", "scale"),
        Parameter("c", "positive", 0.2, 0.5, "1", "power of log10 minutes"),
    ),
    INTERVAL, _ebbinghaus,
)  # fmt: skip


def _ebbinghaus_1880(xp: Any, theta: Theta, columns: Columns) -> Any:
    return 1.0 - (1.0 - (2.0 / _minutes(xp, columns, least=2.000001)) ** theta["a"]) ** theta["mu"]


ebbinghaus_1880 = Equation(
    "ebbinghaus_1880", 1, "Ebbinghaus (1880), in Murre & Dros (2015)", "Q = 1 - (1 - (2/t)^a)^mu, t in min, t >= 2",
    (
        Parameter("a", "positive", -2.3, 0.8, "1", "exponent"),
        Parameter("mu", "positive", -0.7, 0.7, "1", "power of the loss"),
    ),
    INTERVAL, _ebbinghaus_1880,
)  # fmt: skip


def _hyperbolic(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["a"] / (1.0 + theta["b"] * columns["retention_interval"])


hyperbolic = Equation(
    "hyperbolic", 1, "Rubin & Wenzel (1996)", "P = a / (1 + b t)", (A, _rate("b")), INTERVAL, _hyperbolic
)


def _hyperbolic_power(xp: Any, theta: Theta, columns: Columns) -> Any:
    t = columns["retention_interval"]
    # 1 at t = 0; the inner where keeps the gradient of 0^b away.
    grown = xp.where(t > 0.0, xp.where(t > 0.0, t, 1.0) ** theta["b"], 0.0)
    return theta["a"] / (theta["a"] + grown)


hyperbolic_power = Equation(
    "hyperbolic_power", 1, "Cavagnaro et al. (2010), HYP", "P = a / (a + t^b)",
    (
        Parameter("a", "positive", 0.0, 1.5, "s^b", "scale", per_log_time=0.3),
        Parameter("b", "positive", -1.1, 0.7, "1", "exponent"),
    ),
    INTERVAL, _hyperbolic_power,
)  # fmt: skip


def _weibull(xp: Any, theta: Theta, columns: Columns) -> Any:
    return theta["a"] * xp.exp(-((theta["b"] * columns["retention_interval"]) ** theta["c"]))


weibull = Equation(
    "weibull", 1, "Rubin & Wenzel (1996), stretched exponential", "P = a exp(-(b t)^c)",
    (A, _rate("b"), Parameter("c", "positive", -0.7, 0.6, "1", "shape: below 1 the hazard falls with age")),
    INTERVAL, _weibull,
)  # fmt: skip


def _power_boost(xp: Any, theta: Theta, columns: Columns) -> Any:
    return _power(xp, theta, columns) + xp.where(columns["retention_interval"] >= DAY, 1.0, 0.0) * theta["boost"]


power_boost = Equation(
    "power_boost", 1, "Murre & Dros (2015)", "P = a t^-b + boost [t >= 1 day]",
    (SCALE_AT_1S, EXPONENT, Parameter("boost", "positive", -3.5, 1.0, "1", "jump after one day (sleep)")),
    INTERVAL, _power_boost, bounded=False,
)  # fmt: skip


def _sum_of_exponentials(xp: Any, theta: Theta, columns: Columns) -> Any:
    t = columns["retention_interval"]
    return theta["mu1"] * xp.exp(-theta["a1"] * t) + theta["mu2"] * xp.exp(-theta["a2"] * t)


FAST = _rate("a1", 1.5, "decline of the first store", loc=1.5)
SLOW = Parameter("a2", "positive", -3.0, 1.5, "1/s", "decline of the second store, below a1", below="a1")

sum_of_exponentials = Equation(
    "sum_of_exponentials", 1, "Rubin, Hinton & Wenzel (1999); Murre & Dros (2015)",
    "P = mu1 exp(-a1 t) + mu2 exp(-a2 t), a2 < a1",
    (
        Parameter("mu1", "positive", -1.0, 0.6, "1", "strength of the fast component"), FAST,
        Parameter("mu2", "positive", -1.2, 0.6, "1", "strength of the slow component"), SLOW,
    ),
    INTERVAL, _sum_of_exponentials, bounded=False,
)  # fmt: skip


def _chain_intensity(xp: Any, theta: Theta, columns: Columns) -> Any:
    t, fast, slow = columns["retention_interval"], theta["a1"], theta["a2"]
    # (e^-a2 t - e^-a1 t) / (a1 - a2), written so that it stays exact as a2 approaches a1.
    passed_on = xp.exp(-slow * t) * -xp.expm1(-(fast - slow) * t) / (fast - slow)
    return theta["mu1"] * xp.exp(-fast * t) + theta["mu1"] * theta["mu2"] * passed_on


def _chain_recall(xp: Any, theta: Theta, columns: Columns) -> Any:
    return 1.0 - xp.exp(-_chain_intensity(xp, theta, columns))


memory_chain = Equation(
    "memory_chain", 1, "Murre & Chessa (2011), Memory Chain Model with two stores; Murre & Dros (2015)",
    "r = mu1 exp(-a1 t) + mu1 mu2 / (a1 - a2) (exp(-a2 t) - exp(-a1 t)); recall 1 - exp(-r), savings r; a2 < a1",
    (
        Parameter("mu1", "positive", 0.0, 0.7, "1", "encoding"), FAST,
        Parameter("mu2", "positive", 0.5, 1.0, "1/s", "consolidation", per_log_time=-1.0), SLOW,
    ),
    INTERVAL, _chain_recall, {"savings": _chain_intensity},
)  # fmt: skip
