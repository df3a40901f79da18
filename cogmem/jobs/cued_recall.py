"""Cued recall of word pairs (72 people): what classical models of memory say of 19,593 answers.

Six new pairs a list, list after list; a pair is asked for by one of its words. Answers are right, another word of the
list, a word of an earlier list, or none of these. A model sees the place of the pair in its list and how many lists
came before; earlier lists are held together where they are nearly as far back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Kind, Source
from cogmem.fitting.fits import Method
from cogmem.fitting.loo import population_elpd
from cogmem.fitting.populations import PopulationFit, Predict, fit_population
from cogmem.human_data.loading import load
from cogmem.jobs.kind_counts import (
    LINK,
    Halves,
    counted,
    linked,
    mean_chances,
    parameters_of,
    people_curves,
    subject_of,
)
from cogmem.jobs.outcomes import Outcome
from cogmem.jobs.ranking import told_of_draws
from cogmem.jobs.recall_designs import cue_curves, recall_curves
from cogmem.models.pairs import PAIR_MODELS
from cogmem.paradigms import key_value
from cogmem.subjects.pairs import Held, PairModel
from cogmem.trials import Trials

Array = NDArray[np.float64]

DATA: Final = "pal1_2024"
TABLE: Final = "positions"
LISTS: Final = 25
PAIRS: Final = 6
COLUMNS: Final = {
    "position_accuracy": ("correct",), "position_prior_list": ("prior_list",), "position_same_list": ("same_list",),
    "position_omitted": ("omitted",),
}  # fmt: skip
"""Right; a word of an earlier list; another word of the list; nothing, or a word of no list. The columns of each."""
KINDS: Final = tuple(COLUMNS)
PAIRS_OF_DELAY: Final = 20.0 / 6.0
"""20 s are filled before the tests, and a pair took six."""
PLACE: Final = 3.5
"""The mean place of a test: every pair came as often at each."""
GROUPS: Final = ((1, 1), (2, 2), (3, 5), (6, 10), (11, 24))
"""Lists back that are held together."""
WHOLE: Final = Method("laplace", draws=2000, effective_draws=2000.0)
"""Of the fit to all answers, by importance sampling."""
NUTS: Final = Method("nuts", chains=4, tune=500, draws=1000, target_accept=0.8)
"""The same posterior by chains: long enough that r-hat can tell 1.01 from more."""
MODELS: Final = {model.name: model for model in PAIR_MODELS}


def held() -> Held:
    """Return what the test of each pair of each list meets: rows are lists times places, then earlier lists."""
    number, place = (each.ravel() for each in np.mgrid[1 : LISTS + 1, 1 : PAIRS + 1].astype(np.float64))
    shape = len(number), PAIRS + len(GROUPS)
    near, age, back, first, count = (np.zeros(shape) for _ in range(5))
    own = np.arange(1.0, PAIRS + 1)
    near[:, :PAIRS], first[:, :PAIRS], count[:, :PAIRS] = place[:, None] == own, own == 1, 1.0
    age[:, :PAIRS] = PAIRS - own + PAIRS_OF_DELAY + PLACE
    for k, (nearest, farthest) in enumerate(GROUPS, PAIRS):
        lists = np.clip(np.minimum(number - 1, farthest) - nearest + 1, 0, None)
        count[:, k] = PAIRS * lists
        back[:, k] = nearest + np.maximum(lists - 1, 0) / 2
        # A list takes the time of its pairs, the delay, and as many tests.
        age[:, k] = back[:, k] * (2 * PAIRS + PAIRS_OF_DELAY) + PAIRS / 2 + PAIRS_OF_DELAY + PLACE
    return Held(near, age, back, first, np.ones(shape), count)


@cache
def halves() -> Halves:
    """Return people's answers in the odd and in the even lists: (people, lists x places, kinds)."""
    rows = load(DATA, table=TABLE).rows
    condition = (rows["list"].astype(int) - 1) * PAIRS + rows["serial_position"].astype(int) - 1
    people, counts = counted(rows, condition, LISTS * PAIRS, COLUMNS)
    odd = (np.arange(LISTS * PAIRS) // PAIRS % 2 == 0)[:, None]
    return Halves(people, counts * odd, counts * ~odd)


def predicted(model: PairModel, met: Held) -> Predict:
    """Return a function of theta (sets, parameters) to the chances (sets, conditions, kinds)."""
    own = met.near.argmax(axis=1)
    rows = np.arange(len(own))

    def predict(theta: Array) -> Array:
        p = model.chances(theta, met).recall
        right, prior = p[:, rows, own], p[..., PAIRS:-1].sum(axis=-1)
        return np.stack([right, prior, p[..., :PAIRS].sum(axis=-1) - right, p[..., -1]], axis=-1)

    return predict


def whole_fit(model: PairModel, *, seed: int, method: Method = WHOLE) -> PopulationFit:
    """Return the model's population fitted to all answers of all people."""
    counts = halves().first + halves().second
    return fit_population(model.parameters, predicted(model, held()), counts, method=method, seed=seed)


def others() -> tuple[Predict, Predict]:
    """Return the linking rules for what all people did in the odd and in the even lists.

    A condition has few answers of all people: its shares are those of the lists around it, and of the pair's place
    beside the average place. A person's own share of that average is one among all.
    """
    found = []
    for counts in (halves().first, halves().second):
        whole = counts.sum(axis=0).reshape(LISTS, PAIRS, -1)
        by_list = np.stack([whole[max(0, k - 2) : k + 3].sum(axis=(0, 1)) for k in range(LISTS)])
        by_place = whole.sum(axis=0)
        places = by_place / by_place.sum(axis=1, keepdims=True) - by_place.sum(axis=0) / by_place.sum()
        lists = by_list / by_list.sum(axis=1, keepdims=True)
        shares = np.clip(lists[:, None] + places[None], 1e-4, 1.0).reshape(LISTS * PAIRS, -1)
        found.append(linked(shares / shares.sum(axis=1, keepdims=True)))
    return found[0], found[1]


def curves(name: str, fits: tuple[PopulationFit, ...], source: Source) -> dict[str, Curve]:
    """Return the predicted share of each kind of answer by the pair's place; people count by their answers."""
    weights = halves().answers
    rows = {"x": np.arange(1.0, PAIRS + 1), "n": np.full(PAIRS, weights.sum()), "sd": np.zeros(PAIRS)}
    table = mean_chances(fits, weights).reshape(LISTS, PAIRS, -1).mean(axis=0)
    return {kind: Curve(kind, name, Trials({**rows, "y": table[:, k]}), source) for k, kind in enumerate(KINDS)}


def people() -> dict[str, Curve]:
    """Return people's share of each kind of answer by the pair's place; a row is a person."""
    human = load(DATA, table=TABLE)
    rows, parts = human.rows, []
    for key, chosen in rows.groups(("participant", "serial_position")):
        own = {name: float(rows[name][chosen].sum()) for name in ("n", *sum(COLUMNS.values(), ()))}
        share = own["correct"] / own["n"]
        parts.append({"participant": key["participant"], "x": float(key["serial_position"]), "y": share,
                      "sd": np.sqrt(share * (1 - share)), **own})  # fmt: skip
    table = Trials({name: np.array([part[name] for part in parts]) for name in parts[0]})
    return people_curves(replace(human, rows=table), COLUMNS)


def model_outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a model that is fitted to one half of everybody's lists and scored on the other.

    People of its population then take lists of other pairs (see `recall_designs`).
    """
    model, source = MODELS[name], Source(who=name, kind="step")
    logs, fits = halves().score(model.parameters, predicted(model, held()), seed=seed)
    someone = subject_of(model, fits, seed=seed)
    taken = recall_curves(someone, seed=seed, source=source) | cue_curves(someone, seed=seed, source=source)
    return Outcome(name, "step", logs, curves(name, fits, source) | taken, parameters_of(fits))


def linked_outcome(name: str, kind: Kind, forecast: Callable[[Design], Array], seed: int) -> Outcome:
    """Return what comes of a subject whose forecast of the lists is linked to everybody's answers."""
    source = Source(who=name, kind=kind)
    logs, fits = halves().score(LINK, linked(forecast_kinds(forecast, seed=seed)), seed=seed)
    return Outcome(name, kind, logs, curves(name, fits, source), parameters_of(fits))


def design(*, seed: int) -> Design:
    """Return a session of lists of six pairs of unrelated vectors, each tested before the next."""
    return key_value.design(
        seed=seed, n_pairs=PAIRS, n_lists=LISTS, pool=LISTS * PAIRS, exposure=6.0, retention_interval=20.0, dimension=64
    )


def forecast_kinds(forecast: Callable[[Design], Array], *, seed: int, sessions: int = 4) -> Array:
    """Return the chances of each kind of answer to the pair at each place, lists alike: (lists x places, kinds)."""
    found = np.zeros((PAIRS, len(KINDS)))
    for session in range(sessions):
        asked = design(seed=seed + session)
        told, tests, studies = forecast(asked), asked.tests, asked.studies
        for row in range(len(tests)):
            own = studies["target"][studies["list"] == tests["list"][row]]
            before = studies["target"][studies["list"] < tests["list"][row]]
            right = told[row, tests["target"][row]]
            place = int(np.flatnonzero(own == tests["target"][row])[0])
            same, prior = told[row, own].sum() - right, told[row, np.setdiff1d(before, own)].sum()
            found[place] += right, prior, same, max(0.0, 1.0 - right - same - prior)
    return np.tile(found / (sessions * LISTS), (LISTS, 1))


def whole_outcome(name: str, seed: int) -> Outcome:
    """Return the fit to all answers: `scores` are log densities of each person, left out in turn (PSIS)."""
    done = whole_fit(MODELS[name], seed=seed)
    score = population_elpd(done)
    table = done.typical()
    n = len(table)
    more = told_of_draws(done.diagnostics, score)
    table = table.with_columns({key: np.full(n, value) for key, value in more.items()})
    return Outcome(name, "step", score.pointwise, {}, table)
