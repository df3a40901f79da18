"""The main job of key-value memory: people, classical models, stores and trained networks on the same word pairs.

People are 72 who learned lists of six pairs (pal1_2024). Classical models are fitted to one half of everybody's lists
and scored on the other, both ways round, and once to all of them, with each person left out in turn. Stores and
networks are linked to people's answers by one rule. Beside them: how many pairs each memory holds, the fan effect, and
the simulations of Gershman, Fiete & Irie (2025).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Source
from cogmem.errors import UserError
from cogmem.exports import points_of, rows_of
from cogmem.human_data.loading import load
from cogmem.jobs import cued_recall, fan, recall_networks
from cogmem.jobs.kind_counts import people_outcome
from cogmem.jobs.outcomes import Outcome, compute_all
from cogmem.jobs.ranking import left_out_rows, ranked
from cogmem.jobs.recall_designs import cue_curves, recall_curves
from cogmem.lineups import LineUp
from cogmem.names import selected
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.subjects.stores import STORES
from cogmem.subjects.updating_network import MixerName
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]
Task = tuple[dict[str, Any], Callable[[], Outcome]]

VERSION: Final = 3
MODELS: Final = cued_recall.MODELS
HELD: Final = {store.name: store for store in STORES}
MEMORIES: Final[Mapping[str, MixerName]] = {f"recall_{mixer}": mixer for mixer in recall_networks.RATES}
PEOPLE: Final = "people"


@dataclass(frozen=True, eq=False)
class KeyValueResults:
    """Everything the job computed; `curves` by measure, everybody's; `seconds` is how long it took here.

    `left_out`: a row a classical model, fitted to all answers, with its density of people left out. `capacity`:
    a row a trained memory, width, load and seed. `fan`: the fits of the fan effect.
    """

    line_up: LineUp
    left_out: Trials
    curves: Mapping[str, tuple[Curve, ...]]
    capacity: Trials
    fan: Trials
    seed: int
    seconds: float


def store_outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a store: with all lists of a session in it for people's, else each list by itself."""
    store = HELD[name]
    found = cued_recall.linked_outcome(name, "network", replace(store, carry=True).forecast, seed)
    source = Source(who=name, kind="network")
    taken = recall_curves(store, seed=seed, source=source) | cue_curves(store, seed=seed, source=source)
    return replace(found, curves={**found.curves, **taken})


def network_outcome(name: str, folder: Path, seed: int) -> Outcome:
    """Return what comes of small networks that were trained on lists like people's."""
    network = recall_networks.small(MEMORIES[name], folder)
    return cued_recall.linked_outcome(name, "network", network.forecast, seed)


def capacity_rows(outcomes: Sequence[Outcome]) -> Trials:
    """Return a row a memory, width, load and seed: accuracy, and the numbers that the state has."""
    rows = []
    for each in outcomes:
        table, about = each.curves["capacity"].rows, each.parameters
        state = dict(zip(about["pairs"].tolist(), about["state"].tolist(), strict=True))
        rows += [
            {"subject": each.name, "width": int(about["width"][0]), "pairs": int(table["x"][k]),
             "state": int(state[int(table["x"][k])]), "seed": int(table["seed"][k]), "accuracy": float(table["y"][k]),
             "n": float(table["n"][k])} for k in range(len(table))
        ]  # fmt: skip
    return from_rows(rows)


def _scored(name: str, folder: Path, seed: int) -> Callable[[], Outcome]:
    if name == PEOPLE:
        return partial(people_outcome, cued_recall.halves, seed, cued_recall.others)
    if name in MODELS:
        return partial(cued_recall.model_outcome, name, seed)
    return partial(store_outcome, name, seed) if name in HELD else partial(network_outcome, name, folder, seed)


def _tasks(chosen: Sequence[str], folder: Path, seed: int) -> tuple[list[Task], list[Task], list[Task]]:
    """Return what is to be computed: scores of people's lists, fits to all of them, capacities of networks."""
    answers = load(cued_recall.DATA, table=cued_recall.TABLE).rows
    common = {"job": "key_value", "version": VERSION, "seed": seed}
    scored, whole, trained = list[Task](), list[Task](), list[Task]()
    for name in (*chosen, PEOPLE):
        spec = {**common, "part": "lists", "people": answers, "subject": name}
        if name in MEMORIES:
            spec["settings"] = recall_networks.settings(MEMORIES[name], recall_networks.PEOPLES_PAIRS, 16)
        scored.append((spec, _scored(name, folder, seed)))
        if name in MODELS:
            spec = {**common, "part": "whole", "people": answers, "subject": name}
            whole.append((spec, partial(cued_recall.whole_outcome, name, seed)))
        if name in MEMORIES:
            for width in recall_networks.WIDTHS:
                own = [recall_networks.settings(MEMORIES[name], load, width) for load in recall_networks.LOADS]
                spec = {**common, "part": "capacity", "settings": own, "seeds": recall_networks.SEEDS}
                make = partial(recall_networks.outcome, MEMORIES[name], width, folder, recall_networks.LOADS, seed)
                trained.append((spec, make))
    return scored, whole, trained


NOTES: Final = (
    "Models are fitted, others linked, to the odd or the even lists of each person and scored on the others.",
    "People's score: what all people did in the other lists, linked to each. Standard errors are over people.",
    "A word of no list counts as no answer, since no model has one.",
    "Stores hold all lists of a session; networks of 16 units were trained on lists of six pairs.",
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
) -> KeyValueResults:
    """Return the whole comparison; `models` names models, stores and networks (None: all). `human` can only be PAL1.

    What was computed once is taken from the store.
    """
    started = time.perf_counter()
    if human is not None and human.subject != cued_recall.DATA:
        raise UserError(
            f"key_value is compared on {cued_recall.DATA}, whose answers have kinds; got {human.subject!r}. Load other "
            "tables with cogmem data list and load()."
        )
    chosen = selected(models, (*MODELS, *((*HELD, *MEMORIES) if networks else ())), "model of key-value memory")
    scored, whole, trained = _tasks(chosen, Path(store.root) / "networks", seed)
    made = compute_all([*scored, *whole, *trained], store, workers, report)
    *outcomes, others = made[: len(scored)]
    fitted, capacities = made[len(scored) : len(scored) + len(whole)], made[len(scored) + len(whole) :]
    people = cued_recall.people()
    main = people[cued_recall.KINDS[0]]
    mean_and_se = cued_recall.halves().mean_and_se
    line_up = ranked(
        "key_value", main, "participant", outcomes, others.scores, mean_and_se,
        float(main.rows["n"].sum()), NOTES,
    )  # fmt: skip
    curves = {kind: (people[kind].pool(), *(each.curves[kind] for each in outcomes)) for kind in cued_recall.KINDS}
    for name in ("by_load", "by_similarity", "by_noise", "recovery", "by_fan"):
        curves[name] = tuple(each.curves[name] for each in outcomes if name in each.curves)
    return KeyValueResults(
        line_up, left_out_rows(fitted, mean_and_se), curves, capacity_rows(capacities), fan.scores(),
        seed, time.perf_counter() - started,
    )  # fmt: skip


def document(results: KeyValueResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare key_value`."""
    return {
        **results.line_up.as_dict(), "left_out": rows_of(results.left_out), "curves": points_of(results.curves),
        "capacity": rows_of(results.capacity), "fan": rows_of(results.fan), "seed": results.seed,
        "seconds": results.seconds,
    }  # fmt: skip
