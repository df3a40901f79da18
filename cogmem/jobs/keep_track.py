"""Keeping track of three to five categories (522 people): what models, networks and language models say of it.

Of each category that was asked for, the answer is the last word, an older word of the category, or nothing of it. The
stream behind a trial is not on record, only how streams were made: 15 words, two or three of each of six categories.
Everybody takes streams like that. Models are fitted, and forecasts are linked to people's answers, on one half of
everybody's trials and scored on the other, both ways round.
"""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Forecaster, Source
from cogmem.fitting.populations import PopulationFit, Predict
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import Halves, people_curves, predicted_curves
from cogmem.kernels.stepwise import simulate_steps
from cogmem.paradigms import proactive_interference
from cogmem.subjects.interference import SAME_KEY, InterferenceModel, option_items, tracked
from cogmem.subjects.stepwise import encode
from cogmem.trials import Trials, concatenate

Array = NDArray[np.float64]

N_KEYS: Final = (3, 4, 5)
COLUMNS: Final = {"accuracy": ("correct",), "same_key": ("same_key",), "omitted": ("omitted",)}
"""Right; an older word of the category; none of its words. The columns of the table that count each of them."""
KINDS: Final = tuple(COLUMNS)
CATEGORIES: Final = 6
SECONDS_A_WORD: Final = 2.0


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
    settings = {"n_keys": N_KEYS, "n_untracked": CATEGORIES - min(N_KEYS), "streams": streams, "query": "last"}
    return Design("proactive_interference", 1, settings, seed, concatenate(parts), items)


@cache
def halves() -> Halves:
    """Return people's answers in the two halves of their trials: (people, numbers of keys, kinds)."""
    rows = load("keep_track_2019", table="halves").rows
    people = np.unique(rows["participant"])
    found = []
    for half in (1, 2):
        counts = np.zeros((len(people), len(N_KEYS), len(KINDS)))
        own = rows.where(rows["half"] == half)
        place = np.searchsorted(people, own["participant"]), own["n_keys"].astype(int) - N_KEYS[0]
        for kind, (name,) in enumerate(COLUMNS.values()):
            counts[(*place, kind)] = own[name]
        found.append(counts)
    return Halves(tuple(str(name) for name in people), *found)


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


def curves(name: str, fits: tuple[PopulationFit, ...], source: Source) -> dict[str, Curve]:
    """Return the predicted share of each kind of answer by number of keys, all people together."""
    return predicted_curves(name, fits, KINDS, np.array(N_KEYS, dtype=float), source)


def people() -> dict[str, Curve]:
    """Return people's share of each kind of answer by number of keys; rows are persons."""
    return people_curves(load("keep_track_2019"), COLUMNS)
