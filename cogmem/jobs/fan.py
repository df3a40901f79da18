"""The fan effect (Anderson, 1974): how long people take to recognise a fact by how many facts share its words.

Eighteen means, intact and rearranged sentences by the facts of the person and of the place. ACT-R spreads activation
over the facts of each cue; a key-value store answers in the time that the competition for the key takes. Both are
fitted by least squares, beside a straight line in the fans, and each condition is predicted by the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.human_data.loading import load
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

DATA: Final = "anderson_1974"
WEIGHT: Final = 1.0 / 3.0
"""Activation of a source: person, place and relation share 1 (Anderson & Reder, 1999)."""


@dataclass(frozen=True)
class FanModel:
    """Seconds of answers: `predict(theta, old, cue_fan, item_fan)`, all of the rows; `start` and `bounds` of theta."""

    name: str
    reference: str
    parameters: tuple[str, ...]
    start: tuple[float, ...]
    lower: tuple[float, ...]
    predict: Callable[[Array, Any, Array, Array], Array]


def _act_r(theta: Array, old: Any, one: Array, two: Array) -> Array:
    """Return I + F exp(-A): both words activate a fact that is there, one word at a time one that is not."""
    association, intercept, scale = theta
    first, second = (WEIGHT * (association - np.log(fan)) for fan in (one, two))
    there = np.exp(-first - second)
    strange = 0.5 * (np.exp(-first) + np.exp(-second))
    return np.asarray(intercept + scale * np.where(old, there, strange))


def competition(sharpness: float, old: Any, one: Array, two: Array) -> tuple[Array, Array]:
    """Return the log chance of the fact among all that share a word with it, and the log of the weight of these.

    A fact weighs exp(sharpness) for each word that it shares with the sentence; others are never met.
    """
    shared = np.where(old, one + two - 2.0, one + two)
    return -np.log1p(shared * np.exp(-sharpness)), sharpness + np.log(np.maximum(shared, 1e-300))


def _key_value(theta: Array, old: Any, one: Array, two: Array) -> Array:
    """Return I - c ln P(fact) of facts that are there, I + c' ln(sum of all matches) of others."""
    sharpness, intercept, scale, foils = theta
    chance, whole = competition(float(sharpness), old, one, two)
    return np.asarray(intercept + np.where(old, -scale * chance, foils * whole))


def _line(theta: Array, old: Any, one: Array, two: Array) -> Array:
    """Return a time for each kind of sentence, and one slope in the number of facts."""
    there, strange, slope = theta
    return np.asarray(np.where(old, there, strange) + slope * (one + two))


FAN_MODELS: Final = (
    FanModel("act_r", "Anderson (1974); Anderson & Reder (1999)", ("association", "intercept", "scale"),
             (1.5, 0.8, 0.6), (0.0, 0.0, 0.0), _act_r),
    FanModel("softmax_key_value", "Gershman, Fiete & Irie (2025)", ("sharpness", "intercept", "scale", "foil_scale"),
             (1.0, 1.0, 0.2, 0.1), (0.05, 0.0, 0.0, 0.0), _key_value),
    FanModel("line", "a straight line in the fans", ("intact", "rearranged", "slope"),
             (1.0, 1.1, 0.05), (0.0, 0.0, -1.0), _line),
)  # fmt: skip


def people() -> Trials:
    """Return the eighteen means: probe (target, foil), cue_fan, item_fan, y (s)."""
    return load(DATA).rows


def fitted(model: FanModel, rows: Trials) -> Array:
    """Return the theta of least squared error (parameters,)."""
    from scipy.optimize import least_squares

    old, one, two, seconds = _columns(rows)

    def apart(theta: Array) -> Array:
        return model.predict(theta, old, one, two) - seconds

    upper = np.full(len(model.start), 20.0)
    starts = (np.array(model.start) * factor for factor in (1.0, 0.5, 1.7))
    fits = [least_squares(apart, np.maximum(start, model.lower), bounds=(model.lower, upper)) for start in starts]
    return np.asarray(min(fits, key=lambda each: float(each.cost)).x)


def _columns(rows: Trials) -> tuple[NDArray[np.bool_], Array, Array, Array]:
    one, two = (rows[name].astype(np.float64) for name in ("cue_fan", "item_fan"))
    return np.asarray(rows["probe"] == "target"), one, two, rows["y"].astype(np.float64)


def predictions(model: FanModel, theta: Array, rows: Trials) -> Array:
    """Return the seconds that the model gives each row: (rows,)."""
    old, one, two, _ = _columns(rows)
    return model.predict(theta, old, one, two)


def left_out(model: FanModel, rows: Trials) -> Array:
    """Return the seconds of each row as the other rows predict them: (rows,)."""
    found = np.empty(len(rows))
    for k in range(len(rows)):
        rest = rows.where(np.arange(len(rows)) != k)
        found[k] = predictions(model, fitted(model, rest), rows)[k]
    return found


def scores() -> Trials:
    """Return a row a model: root mean squared error (s), r, the same when left out, AICc, and its parameters."""
    rows = people()
    seconds, n = rows["y"].astype(np.float64), len(rows)
    found = []
    for model in FAN_MODELS:
        theta = fitted(model, rows)
        predicted, held_out = predictions(model, theta, rows), left_out(model, rows)
        rss, k = float(((predicted - seconds) ** 2).sum()), len(theta) + 1
        found.append({
            "subject": model.name, "rmse": np.sqrt(rss / n), "r": np.corrcoef(predicted, seconds)[0, 1],
            "rmse_left_out": np.sqrt(np.mean((held_out - seconds) ** 2)),
            "aicc": n * np.log(rss / n) + 2 * k + 2 * k * (k + 1) / (n - k - 1),
            "parameters": ", ".join(f"{name} {value:.3g}" for name, value in zip(model.parameters, theta, strict=True)),
        })  # fmt: skip
    return from_rows(found)
