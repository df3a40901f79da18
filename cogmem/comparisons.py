"""compare(): how well a subject agrees with people, with the human ceiling beside it.

Equations are fitted to people's answers. Networks and language models are not: one linking rule, the same for all of
them, with a temperature and a lapse, is fitted between their forecast and people's answers. Either way the score is
the expected log predictive density of people's answers left out in turn.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Agreement, Curve, Forecaster, Kind, Paradigm, Record, Subject, measure, run
from cogmem.errors import UserError
from cogmem.fitting.fits import Fit, Method, fit
from cogmem.fitting.loo import Elpd, elpd
from cogmem.subjects.equation import Equation
from cogmem.subjects.parameters import Parameter
from cogmem.trials import Trials


def _linked(xp: Any, theta: Any, columns: Any) -> Any:
    return theta["lapse"] / 2.0 + (1.0 - theta["lapse"]) / (
        1.0 + xp.exp(-columns["forecast_logit"] / theta["temperature"])
    )


LINK: Final = Equation(
    "link", 1, "cogmem: docs/scores.md", "P = lapse / 2 + (1 - lapse) / (1 + exp(-logit(p) / T))",
    (
        Parameter("temperature", "positive", 0.0, 1.0, "1", "1 trusts the forecast, above 1 flattens it"),
        Parameter("lapse", "unit", -3.0, 1.5, "1", "share of answers that ignore the forecast"),
    ),
    frozenset({"forecast_logit"}), _linked,
)  # fmt: skip


def _logit(p: NDArray[np.float64]) -> NDArray[np.float64]:
    # A forecast made from a few hundred simulated tests cannot tell probabilities nearer to 0 or 1 than this.
    clipped = np.clip(p, 1e-3, 1 - 1e-3)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def one_delay_each(human: Curve) -> bool:
    """Return whether nobody was tested at two places of the axis: then a curve is that of all people as one."""
    rows = human.rows
    who = rows.get("participant", "all")
    return len(human.participants) > 1 and all(np.ptp(rows["x"][who == name]) == 0 for name in human.participants)


def link(human: Curve, forecast: NDArray[np.float64], *, seed: int) -> Fit:
    """Return the fit of the linking rule between a forecast of each row of `human` and what people did."""
    rows = human.rows.with_columns({"forecast_logit": _logit(forecast), "guess": np.zeros(len(human.rows))})
    how = Method("laplace", pooled=one_delay_each(human))
    return fit(LINK, replace(human, rows=rows), method=how, seed=seed)


def as_curve(human: Record | Curve, paradigm: Paradigm[Any]) -> Curve:
    """Return people's data as a curve; a record is read by the paradigm's first measure."""
    return human if isinstance(human, Curve) else measure(paradigm.measures[0], human)


KEYS: Final = ("participant", "retention_interval", "repetitions", "spacing_gap")


def averaged(table: Trials, values: NDArray[np.float64], rows: Trials, keys: tuple[str, ...]) -> NDArray[np.float64]:
    """Return for each of `rows` the mean of `values` over the rows of `table` that agree in `keys`; NaN for none.

    Only those keys count that both tables have.
    """
    shared = [name for name in keys if name in table and name in rows]
    means = {tuple(key.values()): values[chosen].mean() for key, chosen in table.groups(shared)}
    wanted = zip(*(rows[name] for name in shared), strict=True) if shared else [()] * len(rows)
    return np.array([means.get(tuple(key), np.nan) for key in wanted], dtype=np.float64)


def predict_rows(subject: Subject, human: Curve, paradigm: Paradigm[Any], *, seed: int) -> NDArray[np.float64]:
    """Return what `subject` predicts for each row of a human curve: (rows,), NaN where its design has no such test.

    The subject takes the design that repeats the human one. A forecaster's option probabilities are averaged over the
    tests of a condition; for savings, which are counts to criterion, the measured curve is the prediction. Where
    guessing alone is right with another probability the test is not people's, and nothing is predicted.
    """
    if paradigm.like is None:
        raise UserError(f"{paradigm.name} cannot repeat a table of means; give compare() a record with its design.")
    design = paradigm.design_from(paradigm.like(human), seed=seed)
    if not np.array_equal(np.unique(human.rows.get("guess", 0.0)), np.unique(design.tests.get("guess", 0.0))):
        return np.full(len(human.rows), np.nan)
    if isinstance(subject, Forecaster) and human.measure != "savings":
        return averaged(design.tests, subject.forecast(design)[:, -1], human.rows, KEYS[1:])
    curve = measure(paradigm.measure(human.measure), run(design, subject, seed=seed))
    return averaged(curve.rows, curve.rows["y"], human.rows, KEYS[1:])


def interpolated(curve: Curve, human: Curve) -> NDArray[np.float64]:
    """Return the curve's pooled y at each human delay, linear in log time: (rows,), NaN beyond its own delays."""
    pooled = curve.pool()
    known, wanted = np.log1p(pooled.rows["x"].astype(float)), np.log1p(human.rows["x"].astype(float))
    return np.asarray(np.interp(wanted, known, pooled.rows["y"], left=np.nan, right=np.nan))


def others(human: Curve) -> NDArray[np.float64] | None:
    """Return for each row the mean of the other participants in the same condition, or None with one participant."""
    rows = human.rows
    if len(human.participants) < 2:
        return None
    same = [name for name in rows if name in ("x", "experiment", "condition", "repetitions", "spacing_gap", "probe")]
    predicted = np.full(len(rows), np.nan)
    for _, chosen in rows.groups(same):
        y, n, who = rows["y"][chosen], rows["n"][chosen], rows["participant"][chosen]
        for k, row in enumerate(chosen):
            rest = who != who[k]
            if rest.any():
                predicted[row] = np.average(y[rest], weights=n[rest])
    return predicted


def _rmse(predicted: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    known = np.isfinite(predicted)
    return float(np.sqrt(np.mean((predicted[known] - y[known]) ** 2))) if known.any() else None


def _correlation(predicted: NDArray[np.float64], y: NDArray[np.float64]) -> float | None:
    known = np.isfinite(predicted)
    if known.sum() < 3 or np.ptp(predicted[known]) == 0 or np.ptp(y[known]) == 0:
        return None
    return float(np.corrcoef(predicted[known], y[known])[0, 1])


def _linked_elpd(human: Curve, forecast: NDArray[np.float64], *, seed: int) -> Elpd | None:
    return elpd(link(human, forecast, seed=seed)) if np.isfinite(forecast).all() else None


def ceiling(human: Curve, *, seed: int) -> dict[str, float | None]:
    """Return what people reach by the same scores: each one predicted by the mean of the others, and linked to it."""
    predicted = others(human)
    if predicted is None:
        return dict.fromkeys(("ceiling", "ceiling_rmse", "ceiling_elpd", "ceiling_se"))
    y = human.rows["y"].astype(float)
    score = _linked_elpd(human, predicted, seed=seed)
    return {
        "ceiling": _correlation(predicted, y),
        "ceiling_rmse": _rmse(predicted, y),
        "ceiling_elpd": score.per_test if score else None,
        "ceiling_se": score.se_per_test if score else None,
    }


def compare(
    subject: Fit | Subject | Record | Curve,
    human: Record | Curve,
    *,
    paradigm: Paradigm[Any] | None = None,
    seed: int = 0,
    known_ceiling: dict[str, float | None] | None = None,
) -> Agreement:
    """Return the agreement of `subject` with people.

    A Fit is scored on the data it was fitted to, left out row by row. A subject takes the design that repeats the
    human one and is linked to people's answers. A record or curve taken on another design is read at people's
    delays (linear in log time) and has no log density. `known_ceiling` saves computing the human ceiling again.
    """
    from cogmem.paradigms import forgetting_curve

    paradigm = forgetting_curve if paradigm is None else paradigm
    curve = as_curve(human, paradigm)
    score: Elpd | None = None
    if isinstance(subject, Fit):
        name, kind, predicted = subject.model.name, subject.model.kind, _fitted(subject, human, curve)
        score = elpd(subject) if subject.method.name != "mle" else None
    elif isinstance(subject, Record | Curve):
        name, kind, predicted = subject.subject, subject.source.kind, interpolated(as_curve(subject, paradigm), curve)
    else:
        name, kind, predicted = subject.name, subject.kind, predict_rows(subject, curve, paradigm, seed=seed)
        score = _linked_elpd(curve, predicted, seed=seed)
    return agreement(name, kind, curve, predicted, score, known_ceiling or ceiling(curve, seed=seed))


def agreement(
    name: str,
    kind: Kind,
    human: Curve,
    predicted: NDArray[np.float64],
    score: Elpd | None,
    top: dict[str, float | None],
) -> Agreement:
    """Return the scores of a prediction of each row of `human`."""
    y = human.rows["y"].astype(float)
    return Agreement(
        name,
        kind,
        float(human.rows["n"][np.isfinite(predicted)].sum()),
        rmse=_rmse(predicted, y),
        r=_correlation(predicted, y),
        elpd_per_test=score.per_test if score else None,
        elpd_se=score.se_per_test if score else None,
        **top,
    )


def _fitted(subject: Fit, human: Record | Curve, curve: Curve) -> NDArray[np.float64]:
    """Return the fitted prediction of each row of `curve`: a record's trials are averaged over each row's."""
    if subject.data is not human:
        raise UserError("This fit was made on other data; fit the model to the data it is to be compared with.")
    if isinstance(human, Curve):
        return subject.fitted
    answered = human.design.tests.where(human.answers >= 0)
    return averaged(answered, subject.fitted, curve.rows, KEYS)
