"""The main job of superposed codes: people's recognition and models of it, and what memories of one-trial codes hold.

People are 459 who rated old and new items in six steps (roc6_2015). Models of recognition are fitted to one half of
everybody's answers and scored on the other, and once to all of them. Memories (Sparsey, its rivals) take the
same lists; a field of Sparsey is measured by its size, by the time an item takes and on images of digits.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Source
from cogmem.exports import points_of, rows_of
from cogmem.human_data.loading import load
from cogmem.images import digits
from cogmem.jobs import recognition, recognition_lists, sparsey_capacity
from cogmem.jobs.digit_codes import DigitSettings, read_out
from cogmem.jobs.outcomes import Outcome, compute_all, simulated
from cogmem.jobs.ranking import behind_best, left_out_rows, ranked
from cogmem.jobs.superposed_designs import ListSettings, taken
from cogmem.lineups import LineUp
from cogmem.models.sparsey import sparsey, with_rule
from cogmem.models.superposed import RIVALS
from cogmem.names import selected
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.subjects.superposed import Memory
from cogmem.trials import Trials

Array = NDArray[np.float64]
Task = tuple[dict[str, Any], Callable[[], Outcome]]

VERSION: Final = 2
MODELS: Final = recognition.MODELS
BACKED: Final = replace(with_rule(sparsey, backoff=(0.9, 0.9)), name="sparsey_backing_off")
MEMORIES: Final[Mapping[str, Memory]] = {memory.name: memory for memory in (sparsey, BACKED, *RIVALS)}
HALF_ACTIVE: Final = ("hopfield", "kanerva_sdm")
"""Memories of vectors of which half is 1: few active features are outside what they are made for."""
LISTS: Final = ListSettings()
SIMILARITY: Final = sparsey_capacity.SimilaritySettings()
CAPACITY: Final = sparsey_capacity.CapacitySettings()
TIMES: Final = sparsey_capacity.TimeSettings()
DIGITS: Final = DigitSettings()


@dataclass(frozen=True, eq=False)
class SuperpositionResults:
    """Everything the job computed; `curves` by measure, everybody's; `seconds` is how long it took here.

    `lists`: people and models by data set that has no ratings (see `recognition_lists`), where all were asked for.
    `behind`: by data set models and people by how far behind the best they are at the half that was not fitted.
    `left_out`: a row a model of recognition, fitted to all answers, with its density of people left out.
    `tables`: "similarity", "capacity" and "times" of fields (see `sparsey_capacity`), "digits" (see `digit_codes`).
    """

    line_up: LineUp
    lists: Mapping[str, LineUp]
    behind: Mapping[str, Trials]
    left_out: Trials
    curves: Mapping[str, tuple[Curve, ...]]
    tables: Mapping[str, Trials]
    seed: int
    seconds: float


def lists_of(name: str) -> ListSettings:
    """Return the lists that a memory takes: items of half the features for memories that are made for these."""
    return replace(LISTS, active=LISTS.features // 2) if name in HALF_ACTIVE else LISTS


def memory_outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a memory that takes the lists; nobody's answers are predicted."""
    curves = taken(MEMORIES[name], lists_of(name), seed=seed)
    own = {key: replace(curve, source=Source(who=name, kind="network")) for key, curve in curves.items()}
    return Outcome(name, "network", np.zeros(0), own, Trials({}))


def _tasks(chosen: Sequence[str], ratings: recognition.Ratings, rows: Trials, seed: int) -> tuple[list[Task], ...]:
    """Return what is to be computed: scores of people's ratings, fits to all of them, lists that memories take."""
    common = {"job": "superposition", "version": VERSION, "seed": seed}
    models = [name for name in chosen if name in MODELS]
    about = {**common, "part": "ratings", "people": rows}
    scored: list[Task] = [
        ({**about, "subject": [name, MODELS[name].version]}, partial(recognition.model_outcome, ratings, name, seed))
        for name in models
    ]
    scored += [
        ({**about, "subject": recognition.OTHERS}, partial(recognition.others_outcome, ratings, seed)),
        ({**about, "subject": recognition.OWN}, partial(recognition.own_outcome, ratings)),
    ]
    whole: list[Task] = [
        ({**common, "part": "whole", "people": rows, "subject": [name, MODELS[name].version]},
         partial(recognition.whole_outcome, ratings, name, seed)) for name in models
    ]  # fmt: skip
    lists: list[Task] = []
    for name in chosen:
        if name in MEMORIES:
            spec = {**common, "part": "lists", "subject": MEMORIES[name], "settings": asdict(lists_of(name))}
            lists.append((spec, partial(memory_outcome, name, seed)))
    return scored, whole, lists


def _fields(seed: int) -> dict[str, tuple[Any, Callable[[], Mapping[str, Trials]]]]:
    """Return for each table of fields and digits what it depends on, and what makes it."""
    return {
        "similarity": (asdict(SIMILARITY), lambda: {"similarity": sparsey_capacity.similarity(SIMILARITY, seed=seed)}),
        "capacity": (asdict(CAPACITY), lambda: {"capacity": sparsey_capacity.capacity(CAPACITY, seed=seed)}),
        "times": (asdict(TIMES), lambda: {"times": sparsey_capacity.times(TIMES, seed=seed)}),
        "digits": (asdict(DIGITS), lambda: {"digits": read_out(digits(), DIGITS, seed=seed)}),
    }


NOTES: Final = (
    "Models are fitted to one half of each person's ratings, drawn at random, and scored on the other, and back.",
    "People are told by the others of their experiment: the z-ROC of these, at one's own strength and criteria.",
    "own_answers: one's own shares of the other half, drawn towards those of the others; no theory of memory.",
    "Standard errors are over people; a test is one rating.",
)


def compute(
    human: Curve | None = None,
    *,
    models: Sequence[str] | None = None,
    networks: bool = True,
    seed: int = 1,
    store: Store,
    workers: int = 2,
    report: Report = silent,
) -> SuperpositionResults:
    """Return the whole comparison; `models` names models of recognition and memories (None: all).

    `human` holds counts of ratings of old and new items (see `recognition.ratings_of`). With None people are those of
    roc6_2015, and, if all models are asked for, also those of `recognition_lists`. What was computed once is taken from
    the store.
    """
    started = time.perf_counter()
    everything = human is None and models is None
    table = human or load(recognition.DATA)
    ratings = recognition.ratings_of(table)
    known = (*MODELS, *(MEMORIES if networks else ()))
    chosen = selected(models, known, "model of recognition or memory")
    tasks = [*_tasks(chosen, ratings, table.rows, seed), recognition_lists.tasks(seed) if everything else []]
    made = iter(compute_all([task for part in tasks for task in part], store, workers, report))
    outcomes, fitted, memories, listed = ([next(made) for _ in part] for part in tasks)
    *rated, others, own = outcomes
    main = recognition.people_shares(ratings, table.source)
    mean_and_se = ratings.halves().mean_and_se
    line_up = ranked(
        "superposition", main, "participant", [*rated, own], others.scores, mean_and_se, float(ratings.counts.sum()),
        NOTES,
    )  # fmt: skip
    curves: dict[str, tuple[Curve, ...]] = {
        "roc": (recognition.people_roc(ratings, table.source), *(each.curves["roc"] for each in outcomes)),
        recognition.SHARES: (main.pool(), *(each.curves[recognition.SHARES] for each in outcomes)),
        recognition.SLOPE: tuple(each.curves[recognition.SLOPE] for each in fitted if recognition.SLOPE in each.curves),
    }
    if everything:
        curves |= recognition_lists.curves(listed)
    for name in ("code_similarity", "mantel", "completion", "repair", "recalled_by_length", "forced_choice",
                 "rating_by_probe", "order"):  # fmt: skip
        curves[name] = tuple(each.curves[name] for each in memories)
    common = {"job": "superposition", "version": VERSION, "seed": seed}
    tables = simulated(store, common, _fields(seed), silent, who="sparsey") if networks else {}
    line_ups = recognition_lists.line_ups(listed) if everything else {}
    behind = {ratings.name: behind_best([*rated, others, own], mean_and_se)}
    if everything:
        behind |= recognition_lists.behind(listed)
    left_out = left_out_rows(fitted, mean_and_se)
    took = time.perf_counter() - started
    return SuperpositionResults(line_up, line_ups, behind, left_out, curves, tables, seed, took)


def document(results: SuperpositionResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare superposition`."""
    return {
        **results.line_up.as_dict(),
        "lists": [each.as_dict() for each in results.lists.values()],
        "behind": {name: rows_of(table) for name, table in results.behind.items()},
        "left_out": rows_of(results.left_out),
        "curves": points_of(results.curves),
        "tables": {name: rows_of(table) for name, table in results.tables.items()},
        "seed": results.seed,
        "seconds": results.seconds,
    }
