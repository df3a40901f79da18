"""Published fits, reproduced to the digits printed.

Murre & Dros (2015, PLOS ONE 10, e0120644): savings of four people at nominal delays, least squares; parameters and SSD
are printed to three significant digits, AIC to one decimal.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from cogmem.core import Curve
from cogmem.fitting.fits import Fit, fit
from cogmem.human_data import load
from cogmem.models import (
    MODELS,
    ebbinghaus,
    exponential,
    exponential_asymptote,
    hyperbolic,
    hyperbolic_power,
    logarithmic,
    power,
    power_boost,
    weibull,
    wickelgren,
)
from cogmem.subjects.equation import Equation
from cogmem.trials import Trials

PEOPLE = ("Ebbinghaus", "Mack", "Seitz", "Dros")
DAY = 86_400.0
MINUTE = 60.0

# The table of the paper; per model one row a printed entry: Ebbinghaus, Mack, Seitz, Dros.
PRINTED: dict[str, dict[str, tuple[float, float, float, float]]] = {
    "power": {
        "a": (1.40, 0.965, 0.822, 1.56), "b": (0.130, 0.0926, 0.0990, 0.167),
        "ssd": (0.00285, 0.0129, 0.00523, 0.0163), "aic": (-28.8, -18.2, -24.5, -16.6),
    },
    "power_boost": {
        "a": (1.65, 2.13, 1.27, 1.67), "b": (0.152, 0.194, 0.155, 0.176), "boost": (0.0303, 0.131, 0.0631, 0.0110),
        "ssd": (0.00232, 0.00355, 0.00310, 0.0162), "aic": (-28.2, -25.2, -26.2, -14.6),
    },
    "sum_of_exponentials": {
        "mu1": (0.383, 0.315, 0.304, 0.262), "a1": (3.19e-4, 2.96e-4, 4.57e-4, 3.53e-4),
        "mu2": (0.321, 0.323, 0.266, 0.300), "a2": (1.79e-7, 7.99e-8, 1.22e-7, 1.00e-6),
        "ssd": (0.00469, 0.00356, 0.00276, 0.00295), "aic": (-21.3, -23.2, -25.0, -24.5),
    },
    "memory_chain": {
        "mu1": (0.704, 0.639, 0.570, 0.563), "mu2": (1.45e-4, 1.50e-4, 2.13e-4, 1.88e-4),
        "a1": (3.19e-4, 2.96e-4, 4.57e-4, 3.53e-4), "a2": (1.79e-7, 7.99e-8, 1.22e-7, 1.00e-6),
        "ssd": (0.00469, 0.00356, 0.00276, 0.00295), "aic": (-21.3, -23.2, -25.0, -24.5),
    },
    "ebbinghaus_1880": {
        "mu": (0.523, 0.325, 0.248, 0.516), "a": (0.101, 0.0518, 0.0525, 0.140),
        "ssd": (0.00224, 0.0107, 0.00426, 0.0177), "aic": (-30.5, -19.5, -26.0, -16.0),
    },
    "ebbinghaus": {
        "k": (1.80, 1.34, 0.900, 1.36), "c": (1.21, 0.873, 0.820, 1.34),
        "ssd": (0.00218, 0.00976, 0.00403, 0.0212), "aic": (-30.6, -20.2, -26.4, -14.7),
    },
}  # fmt: skip

# The paper's power functions are of 1 + t (the spreadsheet says =P$10*(1+$H17)^-P$11), ours of t. That one second
# changes the last digit of two entries out of 92 and no other; see `test_the_two_entries_...`.
ONE_SECOND = {("power", "Ebbinghaus", "ssd"): 0.00284, ("power_boost", "Ebbinghaus", "ssd"): 0.00231}


def person(name: str) -> Trials:
    rows = load("murre_dros_2015").rows
    return rows.where(rows["participant"] == name)


@cache
def least_squares(model: str, name: str) -> Fit:
    equation = next(each for each in MODELS if each.name == model)
    return fit(equation, Curve("savings", name, person(name)), method="mle", seed=1)


def printed(value: float, *, aic: bool) -> float:
    return round(float(value), 1) if aic else float(f"{value:.3g}")


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("model", PRINTED)
def test_every_entry_of_murre_and_dros_to_the_printed_digit(model: str, name: str) -> None:
    done = least_squares(model, name)
    for entry, values in PRINTED[model].items():
        expected = ONE_SECOND.get((model, name, entry), values[PEOPLE.index(name)])
        found = done.diagnostics[entry] if entry in ("ssd", "aic") else done.theta[entry][0]
        assert printed(found, aic=entry == "aic") == expected, (model, name, entry, float(found))


def test_the_two_entries_that_differ_are_those_of_a_power_of_one_second_more() -> None:
    rows = person("Ebbinghaus")
    t, y = rows["retention_interval"], rows["y"]
    # Unrounded optima and their SSD, from the authors' spreadsheet ("Data fits from Mathematica", columns P and W).
    one_more = 1.3983105974858652 * (1 + t) ** -0.13035244926811415
    assert ((y - one_more) ** 2).sum() == pytest.approx(0.0028461488816745053, rel=1e-8)
    boosted = 1.647685362762807 * (1 + t) ** -0.1515288799767403 + 0.030352252456056317 * (t >= DAY)
    assert ((y - boosted) ** 2).sum() == pytest.approx(0.0023157909255997946, rel=1e-8)


def test_r_squared_is_printed_uncentred() -> None:
    done = least_squares("power", "Ebbinghaus")
    assert round(done.diagnostics["r2_uncentred"], 3) == 0.997
    assert round(done.diagnostics["r2"], 3) == 0.970


def test_aic_and_aicc_from_the_ssd() -> None:
    done = least_squares("power", "Mack").diagnostics
    # n = 7, k = 2 and sigma: AIC = 7 (ln(2 pi SSD / 7) + 1) + 2 x 3; AICc adds 2 x 3 x 4 / (7 - 3 - 1) = 8.
    assert done["aic"] == pytest.approx(7 * (np.log(2 * np.pi * done["ssd"] / 7) + 1) + 6)
    assert done["aicc"] - done["aic"] == pytest.approx(8.0)


def test_ebbinghaus_own_constants() -> None:
    rows = person("Ebbinghaus")
    theta = {"k": np.array([1.84]), "c": np.array([1.25])}
    nominal = ebbinghaus.predict(np, theta, {"retention_interval": rows["retention_interval"]})
    assert float(f"{((rows['y'] - nominal) ** 2).sum():.3g}") == 0.00240
    # He tested after 20, 64 and 526 min by his own account: 57.0 46.8 34.5 30.4 28.1 24.9 21.2 %.
    own = np.array([20.0, 64.0, 526.0, 1440.0, 2880.0, 8640.0, 44640.0]) * MINUTE
    percent = 100 * ebbinghaus.predict(np, theta, {"retention_interval": own})
    assert percent.round(1).tolist() == [57.0, 46.8, 34.5, 30.4, 28.1, 24.9, 21.2]


NATURAL = [("Ebbinghaus", 4.91, 1.21), ("Mack", 2.77, 0.873), ("Seitz", 1.78, 0.820), ("Dros", 4.14, 1.34)]


@pytest.mark.parametrize(("name", "k", "c"), NATURAL)
def test_with_natural_logarithms_only_the_scale_differs(name: str, k: float, c: float) -> None:
    theta = least_squares("ebbinghaus", name).theta
    # (ln t)^c = (ln 10)^c (log10 t)^c, so k grows by (ln 10)^c.
    assert float(f"{theta['k'][0] * np.log(10) ** theta['c'][0]:.3g}") == k
    assert float(f"{theta['c'][0]:.3g}") == c


def test_predictions_to_check_code() -> None:
    # The printed predictions of the power are those of the rounded parameters 1.40 and .130.
    t = {"retention_interval": person("Ebbinghaus")["retention_interval"]}
    rounded = power.predict(np, {"a": np.array([1.40]), "b": np.array([0.130])}, t)
    assert rounded.round(3).tolist() == [0.557, 0.483, 0.363, 0.319, 0.292, 0.253, 0.204]
    # The specification prints .293 for six days; the optimum gives .2925 (.29244), hence half a digit of tolerance.
    expected = [0.582, 0.442, 0.319, 0.316, 0.311, 0.293, 0.199]
    for model in ("sum_of_exponentials", "memory_chain"):
        assert least_squares(model, "Ebbinghaus").fitted == pytest.approx(expected, abs=0.0011)
    twins = [least_squares(model, "Ebbinghaus").fitted for model in ("sum_of_exponentials", "memory_chain")]
    assert twins[0] == pytest.approx(twins[1], abs=1e-6)


def test_other_functions_on_ebbinghaus() -> None:
    # Specification 13.3, "other functions", t in min there: rates x 60, scales x 60^b, a - b ln t shifts by b ln 60.
    rows = Curve("savings", "Ebbinghaus", person("Ebbinghaus"))

    def check(equation: Equation, ssd: float, aic: float | None = None) -> dict[str, float]:
        done = fit(equation, rows, method="mle", seed=1)
        assert float(f"{done.diagnostics['ssd']:.3g}") == ssd, equation.name
        if aic is not None:
            assert round(done.diagnostics["aic"], 1) == aic, equation.name
        return {name: float(values[0]) for name, values in done.theta.columns.items() if name != "participant"}

    check(exponential, 0.0580, -7.7)
    asymptote = check(exponential_asymptote, 0.0127, -16.3)
    assert [float(f"{value:.3g}") for value in (asymptote["a"], asymptote["b"] * MINUTE, asymptote["c"])] == [
        0.520, 0.00115, 0.248
    ]  # fmt: skip
    law = check(wickelgren, 0.00287)
    assert law["m"] > 0.9999  # At its bound.
    assert [float(f"{value:.3g}") for value in (law["beta"] * MINUTE, law["psi"])] == [4.57, 0.130]
    log = check(logarithmic, 0.00632)
    assert float(f"{log['a'] - log['b'] * np.log(MINUTE):.4g}") == 0.6644
    assert float(f"{log['b']:.4g}") == 0.04524
    check(hyperbolic, 0.0473)
    ratio = check(hyperbolic_power, 0.00446)
    assert float(f"{ratio['a'] / MINUTE ** ratio['b']:.3g}") == 2.18
    assert float(f"{ratio['b']:.4g}") == 0.2075
    stretched = check(weibull, 0.00614)
    assert stretched["a"] > 0.9999
    assert float(f"{stretched['c']:.3g}") == 0.127


def means(name: str, rows: Trials) -> Curve:
    """Return the proportions as published means, so that each weighs the same in least squares."""
    flat = {"x": rows["x"], "y": rows["y"], "retention_interval": rows["retention_interval"]}
    return Curve("retention", name, Trials({**flat, "n": np.ones(len(rows)), "sd": np.full(len(rows), np.nan)}))


def cepeda(experiment: str) -> Curve:
    rows = load("cepeda_2009").rows
    return means(experiment, rows.where(rows["experiment"] == experiment))


# Specification 13.4; t in days, so rates are read a day. Parameters to three digits, SSD to four decimals.
# Two entries are one unit of the last digit from the printed ones, which do not minimise the squares: the hyperbola of
# E1 (printed b .172) and the SSD of E2a's Wickelgren (printed .0020).
CEPEDA = [
    ("E1", exponential_asymptote, {"a": 0.934, "b": 0.207, "c": 0.253}, 0.0029),
    ("E1", wickelgren, {"m": 0.939, "beta": 0.186, "psi": 0.948}, 0.0031),
    ("E1", hyperbolic, {"a": 0.937, "b": 0.171}, 0.0031),
    ("E1", weibull, {"a": 0.939, "b": 0.0992, "c": 0.748}, 0.0057),
    ("E1", hyperbolic_power, {"a": 4.40, "b": 0.923}, 0.0078),
    ("E2a", exponential_asymptote, {"a": 0.953, "b": 0.0371, "c": 0.231}, 0.0006),
    ("E2a", wickelgren, {"m": 0.964, "beta": 0.0623, "psi": 0.649}, 0.0019),
    ("E2a", hyperbolic, {"a": 0.950, "b": 0.0294}, 0.0054),
    ("E2a", weibull, {"a": 0.984, "b": 0.0156, "c": 0.584}, 0.0084),
    ("E2a", hyperbolic_power, {"a": 15.2, "b": 0.812}, 0.0045),
]


@pytest.mark.parametrize(("experiment", "equation", "theta", "ssd"), CEPEDA)
def test_forgetting_of_cepeda_2009(experiment: str, equation: Equation, theta: dict[str, float], ssd: float) -> None:
    done = fit(equation, cepeda(experiment), method="mle", seed=1)
    assert round(done.diagnostics["ssd"], 4) == ssd
    in_days = {"b": DAY, "beta": DAY}
    if equation is hyperbolic_power:
        in_days = {"a": DAY ** -done.theta["b"][0]}
    found = {name: float(f"{done.theta[name][0] * in_days.get(name, 1.0):.3g}") for name in theta}
    assert found == theta


def floden_young() -> Curve:
    """Return the young people's means of Exp. 2, rounded to three digits as the specification fitted them."""
    pooled = load("floden_2000").pool("experiment", "condition").rows
    young = pooled.where((pooled["experiment"] == "E2") & (pooled["condition"] == "young"))
    return means("floden", young.with_columns({"y": young["y"].round(3)}))


FLODEN = [
    (exponential_asymptote, {"a": 0.974, "b": 0.0395, "c": 0.615}, 0.0002),
    (wickelgren, {"m": 0.979, "beta": 0.0902, "psi": 0.224}, 0.0001),
    (hyperbolic, {"a": 0.957, "b": 0.00914}, 0.0026),
    (weibull, {"a": 0.985, "b": 0.00407, "c": 0.592}, 0.0004),
    (hyperbolic_power, {"a": 23.4, "b": 0.628}, 0.0005),
]  # fmt: skip


@pytest.mark.parametrize(("equation", "theta", "ssd"), FLODEN)
def test_forgetting_of_floden_young_means(equation: Equation, theta: dict[str, float], ssd: float) -> None:
    young = floden_young()
    assert young.rows["y"].tolist() == [0.981, 0.924, 0.795, 0.701, 0.648]
    done = fit(equation, young, method="mle", seed=1)
    assert round(done.diagnostics["ssd"], 4) == ssd
    found = {name: float(f"{done.theta[name][0]:.3g}") for name in theta}
    assert found == theta


def test_all_four_people_in_one_batch_are_fitted_as_if_alone() -> None:
    data = load("murre_dros_2015")
    together = fit(power_boost, data, method="mle", seed=1)
    assert together.theta["participant"].tolist() == list(dict.fromkeys(data.rows["participant"].tolist()))
    for row, name in enumerate(together.theta["participant"].tolist()):
        alone = least_squares("power_boost", name).theta
        for parameter in ("a", "b", "boost"):
            assert together.theta[parameter][row] == pytest.approx(alone[parameter][0], rel=1e-5)
