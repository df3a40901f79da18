"""Models of repeated study: what each study of an item leaves, and what is left of it at test.

They read `study_age`: for each test the seconds since each study of its item, oldest first, inf for no study.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from cogmem.subjects.equation import Equation
from cogmem.subjects.parameters import Parameter

AGES: Final = frozenset({"study_age"})
NEVER: Final = 1e29
N_POOLS: Final = 100

Theta = Mapping[str, Any]
Columns = Mapping[str, Any]


def _logistic(xp: Any, x: Any) -> Any:
    return 1.0 / (1.0 + xp.exp(-x))


def _ages(xp: Any, columns: Columns) -> tuple[list[Any], list[Any]]:
    """Return (ages in s, studied or not) per study; an absent study gets the age 1 s and is masked by the second."""
    matrix = columns["study_age"]
    ages, studied = [], []
    for k in range(int(matrix.shape[1])):
        seen = matrix[:, k] < NEVER
        age = xp.where(seen, matrix[:, k], 1.0)
        ages.append(xp.where(age < 1.0, 1.0, age))
        studied.append(xp.where(seen, 1.0, 0.0))
    return ages, studied


def _odds_of_recall(xp: Any, theta: Theta, strength: Any) -> Any:
    # P = 1 / (1 + exp((tau - m) / s)) with m = ln(strength).
    return _logistic(xp, (xp.log(strength) - theta["tau"]) / theta["s"])


TAU = Parameter("tau", "real", 0.4, 1.0, "1", "retrieval threshold", per_log_time=-0.4)
S = Parameter("s", "positive", -1.0, 0.6, "1", "noise of activation")


def _act_r(xp: Any, theta: Theta, columns: Columns) -> Any:
    ages, studied = _ages(xp, columns)
    traces = [mask * age ** (-theta["d"]) for age, mask in zip(ages, studied, strict=True)]
    return _odds_of_recall(xp, theta, sum(traces[1:], traces[0]))


act_r = Equation(
    "act_r", 1, "Anderson & Schooler (1991); Anderson & Lebiere (1998)",
    "B = ln sum_j t_j^-d, P = 1 / (1 + exp((tau - B) / s))",
    (Parameter("d", "unit", -0.2, 0.8, "1", "decay"), TAU, S), AGES, _act_r,
)  # fmt: skip


def _pavlik_traces(xp: Any, theta: Theta, columns: Columns) -> tuple[list[Any], list[Any]]:
    """Return (decays, traces at test): the decay of each study grows with the activation at its time."""
    ages, studied = _ages(xp, columns)
    decays: list[Any] = []
    for k, age in enumerate(ages):
        decay = theta["alpha"] + 0.0 * age
        if k:
            before = 0.0
            for j in range(k):
                lag = xp.where(ages[j] - age < 1.0, 1.0, ages[j] - age)
                before = before + studied[j] * lag ** (-decays[j])
            # c e^m with m = ln(before): the logarithm and the exponential cancel, so an empty past is no trouble.
            decay = decay + theta["c"] * before
        decays.append(decay)
    traces = [mask * age ** (-decay) for age, mask, decay in zip(ages, studied, decays, strict=True)]
    return decays, traces


def _pavlik_anderson(xp: Any, theta: Theta, columns: Columns) -> Any:
    traces = _pavlik_traces(xp, theta, columns)[1]
    return _odds_of_recall(xp, theta, sum(traces[1:], traces[0]))


pavlik_anderson = Equation(
    "pavlik_anderson", 2, "Pavlik & Anderson (2005), eq. 3-5",
    "m_n = ln sum_k t_k^-d_k, d_k = c exp(m_(k-1)) + alpha, P = 1 / (1 + exp((tau - m) / s))",
    (
        Parameter("c", "positive", -1.5, 0.8, "1", "growth of decay with activation"),
        Parameter("alpha", "unit", -1.5, 0.7, "1", "decay of a first study"),
        # Decays of about .2: what is studied once falls half as fast as in act_r, and so does the threshold.
        Parameter("tau", "real", 0.4, 1.0, "1", "retrieval threshold", per_log_time=-0.2), S,
    ),
    AGES, _pavlik_anderson,
)  # fmt: skip


def _multiscale_context(xp: Any, theta: Theta, columns: Columns) -> Any:
    ages, studied = _ages(xp, columns)
    pool = xp.arange(N_POOLS)
    # Rates 1 / tau_i and weights xi^i as exponentials of lines: several times faster than powers.
    rates = xp.exp(-xp.log(theta["mu"])[..., None] - pool * xp.log(theta["nu"])[..., None])
    fading = pool * xp.log(theta["xi"])[..., None]
    if len(ages) == 1:
        # One study leaves every pool full; one exponential serves its decay and its weight.
        left = xp.sum(xp.exp(fading - ages[0][..., None] * rates), axis=-1) / xp.sum(xp.exp(fading), axis=-1)
        recall = theta["omega"] * studied[0] * left
        return xp.where(recall < 1.0, recall, 1.0)
    weights = xp.exp(fading)
    mass = xp.cumsum(weights, axis=-1)
    strength = studied[0][..., None] + 0.0 * weights
    for k, (age, mask) in enumerate(zip(ages, studied, strict=True)):
        if k:
            average = xp.cumsum(weights * strength, axis=-1) / mass
            found = xp.where(average[..., -1:] < 1.0, average[..., -1:], 1.0)
            strength = strength + mask[..., None] * (1.0 + 8.0 * found) * xp.where(average < 1.0, 1.0 - average, 0.0)
        wait = age - ages[k + 1] * studied[k + 1] if k + 1 < len(ages) else age
        # Before its first study an item has nothing to lose, whatever the mask's stand-in age says.
        wait = mask * xp.where(wait < 0.0, 0.0, wait)
        strength = strength * xp.exp(-wait[..., None] * rates)
    recall = theta["omega"] * xp.sum(weights * strength, axis=-1) / mass[..., -1]
    return xp.where(recall < 1.0, recall, 1.0)


multiscale_context = Equation(
    "multiscale_context", 1, "Mozer, Pashler, Cepeda, Lindsey & Vul (2009)",
    "pools x_i decay with tau_i = mu nu^i, weights xi^i; study adds eps (1 - s_i), s_i the weighted mean up to pool i; "
    "eps = 1 + 8 P(retrieved), the mean of 9 after success and 1 otherwise; P = min(1, omega s_N); N = 100",
    (
        Parameter("mu", "positive", -5.0, 1.5, "s", "shortest time scale", per_log_time=1.0),
        Parameter("nu", "above_one", -2.3, 0.4, "1", "ratio of successive time scales"),
        Parameter("xi", "unit", 2.2, 0.7, "1", "ratio of successive weights"),
        Parameter("omega", "positive", 0.0, 0.3, "1", "scale of the response"),
    ),
    AGES, _multiscale_context,
)  # fmt: skip
