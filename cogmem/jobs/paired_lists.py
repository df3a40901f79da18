"""Lists of pairs (72 people): what models of interference say of words that come from earlier lists.

Six new pairs a list, list after list; a pair is asked for by one of its words. Answers are right, another word of the
list, a word of an earlier list, or none of these. Models are fitted to the odd or the even lists of every person and
scored on the others. Words of every earlier list compete; people of a model begin a session with nothing in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Source
from cogmem.fitting.populations import PopulationFit, Predict
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import Halves, counted, parameters_of, people_curves, predicted_curves
from cogmem.jobs.outcomes import Outcome
from cogmem.kernels.stepwise import simulate_steps
from cogmem.models.interference import INTERFERENCE_MODELS
from cogmem.paradigms import proactive_interference
from cogmem.subjects.interference import NONE, OTHER_KEY, SAME_KEY, InterferenceModel
from cogmem.subjects.stepwise import encode
from cogmem.trials import Trials

Array = NDArray[np.float64]

DATA: Final = "pal1_2024"
LISTS: Final = 25
PAIRS: Final = 6
COLUMNS: Final = {
    "list_accuracy": ("correct",), "prior_list": ("prior_list",), "same_list": ("same_list",),
    "list_omitted": ("omitted", "unseen"),
}  # fmt: skip
"""Right; a word of an earlier list; another word of the list; nothing, or a word of no list. The columns of each."""
KINDS: Final = tuple(COLUMNS)
SECONDS_A_PAIR: Final = 6.0
DELAY: Final = 20.0
"""The protocol's: a pair is shown for 4 s, two seconds before the next; 20 s are filled before the tests."""
SETTLED: Final = 10
"""Lags are counted in the lists after this one, in which so many lists can intrude."""
LAGS: Final = 10


def design(*, seed: int = 1) -> Design:
    """Return one session: lists of six pairs whose keys are new, each tested before the next."""
    return proactive_interference.design(
        seed=seed, n_keys=PAIRS, n_updates=(1,), n_lists=LISTS, pool=1, exposure=SECONDS_A_PAIR,
        retention_interval=DELAY,
    )  # fmt: skip


def _first_lists() -> Curve:
    """Return people's answers in the lists that a session has; a single one had fifty."""
    human = load(DATA)
    return replace(human, rows=human.rows.where(human.rows["x"] <= LISTS))


@cache
def halves() -> Halves:
    """Return people's answers in the odd and in the even lists, all of a person's sessions: (people, lists, kinds)."""
    rows = _first_lists().rows
    people, counts = counted(rows, rows["x"].astype(int) - 1, LISTS, COLUMNS)
    odd = (np.arange(LISTS) % 2 == 0)[:, None]
    return Halves(people, counts * odd, counts * ~odd)


def options(model: InterferenceModel, asked: Design, theta: Array) -> Array:
    """Return the chances of each option in each list: theta (sets, parameters) -> (sets, lists, options)."""
    steps = replace(model, lists=LISTS - 1).sized(asked)
    encoded = encode(steps, asked)
    _, p = simulate_steps(
        steps.steps, theta, encoded.rows, encoded.kinds, n_state=encoded.n_state, n_options=steps.n_options, seed=0
    )
    return np.asarray(p.reshape(len(theta), LISTS, PAIRS, -1).mean(axis=2))


def predicted(model: InterferenceModel, asked: Design) -> Predict:
    """Return a function of theta (sets, parameters) to the chances (sets, lists, kinds)."""

    def predict(theta: Array) -> Array:
        p = options(model, asked, theta)
        prior = p[..., SAME_KEY + 1 :].sum(axis=-1)
        return np.stack([p[..., SAME_KEY], prior, p[..., OTHER_KEY], p[..., NONE]], axis=-1)

    return predict


def lags(model: InterferenceModel, fits: Sequence[PopulationFit], source: Source, *, seed: int) -> Curve:
    """Return the predicted share of each lag among words of earlier lists, in the lists after SETTLED."""
    people = [each.someone(100, seed=seed + k) for k, each in enumerate(fits)]
    theta = np.concatenate([np.stack(list(each.values()), axis=1) for each in people])
    whole = options(model, design(seed=seed), theta)[:, SETTLED:, SAME_KEY + 1 :].mean(axis=(0, 1))
    y, x = whole[:LAGS] / max(float(whole.sum()), 1e-300), np.arange(1.0, LAGS + 1)
    return Curve(
        "list_lags", model.name, Trials({"x": x, "y": y, "n": np.full(LAGS, 1e9), "sd": np.zeros(LAGS)}), source
    )


def outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a model that is fitted to people's lists."""
    model = {each.name: each for each in INTERFERENCE_MODELS}[name]
    source = Source(who=name, kind="step")
    logs, fits = halves().score(model.parameters, predicted(model, design(seed=seed)), seed=seed)
    lists = np.arange(1.0, LISTS + 1)
    # People count by their answers, as in the shares of all people together.
    curves = predicted_curves(name, fits, KINDS, lists, source, weights=halves().answers)
    curves["list_lags"] = lags(model, fits, source, seed=seed)
    return Outcome(name, "step", logs, curves, parameters_of(fits))


def people() -> dict[str, Curve]:
    """Return people's share of each kind of answer by list (rows are persons), and of each lag."""
    return people_curves(_first_lists(), COLUMNS) | {"list_lags": lag_shares(DATA)}


def lag_shares(name: str) -> Curve:
    """Return the share of each lag up to LAGS among all words of earlier lists that a data set's people said."""
    back = load(name, table="lags")
    whole = float(back.rows["correct"].sum())
    y = back.rows["correct"] / whole
    rows = {"x": back.rows["x"], "y": y, "n": np.full(len(y), whole), "sd": np.sqrt(y * (1 - y))}
    return Curve("list_lags", back.subject, Trials(rows).where(back.rows["x"] <= LAGS), back.source)
