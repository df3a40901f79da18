"""Keeping track of three to five categories (522 people): what models, networks and language models say of it.

Of each category that was asked for, the answer is the last word, an older word of the category, or nothing of it. The
stream behind a trial is not on record, only how streams were made: 15 words, two or three of each of six categories.
Everybody takes streams like that. Models are fitted, and forecasts are linked to people's answers, on one half of
everybody's trials and scored on the other, both ways round.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem import comparisons
from cogmem.core import Curve, Design, Forecaster, Source
from cogmem.fitting.populations import PopulationFit, fit_population
from cogmem.human_data.loading import load
from cogmem.kernels.stepwise import simulate_steps
from cogmem.paradigms import proactive_interference
from cogmem.subjects.interference import SAME_KEY, InterferenceModel, InterferenceSubject, option_items, tracked
from cogmem.subjects.parameters import Parameter
from cogmem.subjects.stepwise import encode
from cogmem.trials import Trials, concatenate

Array = NDArray[np.float64]
Predict = Callable[[Array], Array]
Scored = tuple[Array, tuple[PopulationFit, ...]]

N_KEYS: Final = (3, 4, 5)
KINDS: Final = ("accuracy", "same_key", "omitted")
"""Right; an older word of the category; none of its words."""
CATEGORIES: Final = 6
SECONDS_A_WORD: Final = 2.0

LINK: Final = comparisons.LINK.parameters
"""The linking rule's parameters, the same for whatever is compared with people."""


def design(*, seed: int = 1, streams: int = 2) -> Design:
    """Return streams like people's: six categories, two or three words each, three to five of them asked for."""
    parts: list[Trials] = []
    lists, now, items = 0, 0.0, np.zeros(0, np.int64)
    for n_keys in N_KEYS:
        made = proactive_interference.design(
            seed=seed, n_keys=n_keys, n_untracked=CATEGORIES - n_keys, n_updates=(2, 3), n_lists=streams, pool=5,
            exposure=SECONDS_A_WORD, retention_interval=SECONDS_A_WORD,
        )  # fmt: skip
        # One seed: the categories and their words are the same at every number of keys.
        items = made.items
        trials = made.trials
        parts.append(
            trials.with_columns({"list": trials["list"] + lists, "time": trials["time"] + now,
                                 "n_keys": np.full(len(trials), n_keys)})
        )  # fmt: skip
        lists, now = lists + int(trials["list"].max()), now + float(trials["time"].max()) + 10.0
    settings = {"n_keys": N_KEYS, "streams": streams, "query": "last"}
    return Design("proactive_interference", 1, settings, seed, concatenate(parts), items)


@cache
def counts(half: int) -> tuple[tuple[str, ...], Array]:
    """Return people and their answers in one half of the trials: (people, numbers of keys, kinds)."""
    rows = load("keep_track_2019", table="halves").rows
    people = np.unique(rows["participant"])
    found = np.zeros((len(people), len(N_KEYS), len(KINDS)))
    own = rows.where(rows["half"] == half)
    place = np.searchsorted(people, own["participant"]), own["n_keys"].astype(int) - N_KEYS[0]
    for kind, name in enumerate(("correct", "same_key", "omitted")):
        found[(*place, kind)] = own[name]
    found.setflags(write=False)  # remembered: everybody is given the same
    return tuple(str(name) for name in people), found


def average(tests: Trials) -> Array:
    """Return the matrix that averages over the tests of each number of keys: (numbers, tests)."""
    chosen = tests["n_keys"] == np.array(N_KEYS)[:, None]
    return np.asarray(chosen / chosen.sum(axis=1, keepdims=True))


def predicted(model: InterferenceModel, asked: Design) -> Predict:
    """Return a function of theta (sets, parameters) to the chances (sets, numbers of keys, kinds)."""
    followed = tracked(asked)
    steps, by_keys = model.sized(followed), average(followed.tests)
    encoded = encode(steps, followed)

    def predict(theta: Array) -> Array:
        _, p = simulate_steps(
            steps.steps, theta, encoded.rows, encoded.kinds, n_state=encoded.n_state, n_options=steps.n_options, seed=0
        )
        kinds = (p[..., SAME_KEY], p[..., SAME_KEY + 1 :].sum(axis=-1), p[..., :SAME_KEY].sum(axis=-1))
        return np.asarray(np.einsum("nt,stk->snk", by_keys, np.stack(kinds, axis=-1)))

    return predict


def kinds_of(asked: Design, forecast: Array) -> Array:
    """Return the chances of the kinds of answers that a forecast (tests, items + 1) holds: (tests, kinds)."""
    found = np.zeros((len(forecast), len(KINDS)))
    for row, options in enumerate(option_items(asked)):
        found[row, 0] = forecast[row, asked.tests["target"][row]]
        older = [item for option, items in options.items() if option > SAME_KEY for item in items]
        found[row, 1] = forecast[row, np.unique(np.array(older, dtype=np.int64))].sum()
    found[:, 2] = 1.0 - found[:, 0] - found[:, 1]
    return np.clip(found, 0.0, 1.0)


def forecast_kinds(subject: Forecaster, *, seed: int = 1) -> Array:
    """Return what a subject forecasts of the kinds of answers: (numbers of keys, kinds)."""
    asked = design(seed=seed)
    return np.asarray(average(asked.tests) @ kinds_of(asked, subject.forecast(asked)))


def linked(forecast: Array) -> Predict:
    """Return the linking rule for a forecast (numbers of keys, kinds): p^(1 / temperature), and a lapse to any kind."""
    # A forecast of certainty says nothing of how much less than certain it is: one in a thousand.
    logs = np.log(np.clip(forecast, 1e-3, 1.0))

    def predict(theta: Array) -> Array:
        sharp = logs / theta[:, 0, None, None]
        sharp = np.exp(sharp - sharp.max(axis=-1, keepdims=True))
        sharp = sharp / sharp.sum(axis=-1, keepdims=True)
        lapse = theta[:, 1, None, None]
        return np.asarray(lapse / len(KINDS) + (1.0 - lapse) * sharp)

    return predict


def score(parameters: tuple[Parameter, ...], predict: Predict | tuple[Predict, Predict], *, seed: int) -> Scored:
    """Return each person's log density in the half that was not fitted, both halves together, and the two fits."""
    first, second = counts(1)[1], counts(2)[1]
    rules = predict if isinstance(predict, tuple) else (predict, predict)
    fits = tuple(
        fit_population(parameters, rule, fitted, seed=seed) for rule, fitted in zip(rules, (first, second), strict=True)
    )
    logs = fits[0].held_out(second) + fits[1].held_out(first)
    return logs, fits


def others() -> tuple[Predict, Predict]:
    """Return the linking rules for what all people did on average in the first and the second half.

    A person's own share of that average is one in 522.
    """
    shares = [each.sum(axis=0) for each in (counts(1)[1], counts(2)[1])]
    return tuple(linked(each / each.sum(axis=1, keepdims=True)) for each in shares)  # type: ignore[return-value]


def curves(name: str, fits: tuple[PopulationFit, ...], source: Source) -> dict[str, Curve]:
    """Return the predicted share of each kind of answer by number of keys, all people together."""
    chances = np.mean([each.chances().mean(axis=0) for each in fits], axis=0)
    x, n = np.array(N_KEYS, dtype=float), np.full(len(N_KEYS), float(len(fits[0].counts)))
    return {
        kind: Curve(kind, name, Trials({"x": x, "y": chances[:, k], "n": n, "sd": np.zeros(len(x))}), source)
        for k, kind in enumerate(KINDS)
    }


def parameters_of(fits: Sequence[PopulationFit]) -> Trials:
    """Return the typical person's parameters as each half of the trials tells them, and how the chains did."""
    parts = []
    for half, each in enumerate(fits, 1):
        table = each.typical()
        parts.append(table.with_columns({"fitted_to_half": np.full(len(table), half),
                                         "rhat": np.full(len(table), each.diagnostics["rhat_max"])}))  # fmt: skip
    return Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def people() -> dict[str, Curve]:
    """Return people's share of each kind of answer by number of keys; rows are persons."""
    human = load("keep_track_2019")
    rows = human.rows
    found = {}
    for kind, column in zip(KINDS, ("correct", "same_key", "omitted"), strict=True):
        y = rows[column] / rows["n"]
        own = {"x": rows["x"], "y": y, "n": rows["n"], "sd": np.sqrt(y * (1 - y)), "participant": rows["participant"]}
        found[kind] = Curve(kind, human.subject, Trials(own), human.source)
    return found


def mean_and_se(logs: Array) -> tuple[float, float]:
    """Return the mean log density an answer of people's logs (people,), and its standard error over people."""
    answers = counts(1)[1].sum(axis=(1, 2)) + counts(2)[1].sum(axis=(1, 2))
    mean = logs.sum() / answers.sum()
    return float(mean), float(np.sqrt(((logs - mean * answers) ** 2).sum()) / answers.sum())


def subject_of(model: InterferenceModel, fits: tuple[PopulationFit, ...], *, seed: int) -> InterferenceSubject:
    """Return somebody who answers like a person of the fitted population, 100 of each half's."""
    drawn: list[Mapping[str, Any]] = [each.someone(100, seed=seed + k) for k, each in enumerate(fits)]
    return InterferenceSubject(model, {name: np.concatenate([each[name] for each in drawn]) for name in drawn[0]})
