"""The main job of chunking: people's recall times and models of sequences, and what chunks and variables are worth.

People are 108 who recalled 64 sequences of keys each (wu_2025_recall). Models of sequences read sequences of the same
design, and their nats tell the times, trial by trial. Without people, the same models compress nested sequences and
texts, learn words of a stream, and recall lists of which one comes again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any, Final

import numpy as np

from cogmem.core import Curve, Record
from cogmem.errors import UserError
from cogmem.exports import points_of, rows_of
from cogmem.human_data.loading import load
from cogmem.jobs import compressions, known_chunks, language_models, recall_times
from cogmem.jobs.outcomes import Outcome, compute_all, simulated, stored
from cogmem.jobs.ranking import behind_best, ranked
from cogmem.jobs.recall_times import BASES, BLOCKS, LEARNERS, MODELS, NATS, OTHERS, TIMES, Times
from cogmem.lineups import LineUp
from cogmem.models.hvm import hvm
from cogmem.names import selected
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.subjects.language_sequences import LanguageReader
from cogmem.texts import docstrings_text, text_sha256
from cogmem.trials import Trials, from_rows

Task = tuple[dict[str, Any], Callable[[], Outcome]]

VERSION: Final = 1
NETWORKS: Final = compressions.SLOW
LANGUAGE_LEARNERS: Final = 3
"""Simulated people of each group whose sequences a language model is told: half a minute each, or more."""
NESTED: Final = compressions.CompressionSettings()
TEXTS: Final = compressions.TextSettings()
LAYERS: Final = compressions.LayerSettings()
WORDS: Final = compressions.WordSettings()
LISTS: Final = compressions.ListSettings()
RECALLING: Final = ("hvm", "hcm", "associative", "ngram", "lstm_reader", "transformer_reader")
"""Models that say a list from memory; the bag of chunks of the chunk-based learner holds what the list is made of."""
HEBB: Final = "page_2006"


@dataclass(frozen=True, eq=False)
class ChunkingResults:
    """Everything the job computed; `curves` by measure, people's first; `seconds` is how long it took here.

    `behind`: models by how far behind the best they are. `together`: a row a model of R2 and rank correlations of times
    with its nats, and its nats in transfer. `tables`: "nested", "texts", "layers", "words", "lists" (see
    `compressions`) and "held" (see `known_chunks`), where everything was asked for.
    """

    line_up: LineUp
    behind: Trials
    together: Trials
    curves: Mapping[str, tuple[Curve, ...]]
    tables: Mapping[str, Trials]
    seed: int
    seconds: float


def _tasks(chosen: Sequence[str], times: Times, rows: Trials, seed: int) -> list[Task]:
    common = {"job": "chunking", "version": VERSION, "seed": seed, "people": rows}
    tasks: list[Task] = []
    for name in chosen:
        model = MODELS[name]
        spec = {**common, "subject": [name, model.version], "learners": LEARNERS}
        tasks.append((spec, partial(_model_outcome, times, name, seed)))
    bases: list[Task] = [({**common, "subject": name}, partial(recall_times.base_outcome, times, name, seed))
                         for name in (*BASES, OTHERS)]  # fmt: skip
    return tasks + bases


def _model_outcome(times: Times, name: str, seed: int) -> Outcome:
    # By name: a process of its own gets no functions that are made in a function.
    return recall_times.model_outcome(times, MODELS[name], LEARNERS, seed)


def _language_outcome(times: Times, rows: Trials, store: Store, seed: int, report: Report) -> Outcome:
    """Return what comes of the language model there is; what it says of each sequence is stored."""
    with language_models.present(store, report) as model:
        reader = LanguageReader(model.backend, memory=store, report=report)
        spec = {"job": "chunking", "version": VERSION, "seed": seed, "people": rows, "model": reader.identity,
                "reader": reader.version, "learners": LANGUAGE_LEARNERS}  # fmt: skip
        return stored(store, spec, partial(recall_times.model_outcome, times, reader.model, LANGUAGE_LEARNERS, seed))


def _parts(names: Sequence[str], seed: int) -> dict[str, tuple[Any, Callable[[], Mapping[str, Trials]]]]:
    """Return for each table what it depends on, and what makes it."""
    able = {
        "nested": [name for name in names if name in compressions.COMPRESSING],
        "words": [name for name in names if name in compressions.JUDGES],
        "lists": [name for name in names if name in RECALLING],
    }
    text = text_sha256(docstrings_text())
    by = {part: [[name, MODELS[name].version] for name in own] for part, own in able.items()}
    return {
        "nested": ([asdict(NESTED), by["nested"]],
                   lambda: {"nested": compressions.nested(NESTED, able["nested"], seed=seed)}),
        "texts": ([asdict(TEXTS), by["nested"], text], lambda: {"texts": compressions.texts(TEXTS, able["nested"])}),
        "layers": ([asdict(LAYERS), hvm.version], lambda: {"layers": compressions.layers(LAYERS, seed=seed)}),
        "words": ([asdict(WORDS), by["words"]],
                  lambda: {"words": compressions.words(WORDS, able["words"], seed=seed)}),
        "lists": ([asdict(LISTS), by["lists"]],
                  lambda: {"lists": compressions.repeated_lists(LISTS, able["lists"], seed=seed)}),
        "held": (load(known_chunks.DATA).rows, lambda: {"held": known_chunks.capacity()}),
    }  # fmt: skip


NOTES: Final = (
    "What keys each person saw is not on record: models read sequences made by the same rule, and the mean of their "
    f"nats over {LEARNERS} simulated people of a group predicts the times of its people, trial by trial.",
    "Everybody has a line of ln time on that; lines are fitted together (NUTS), each answer left out in turn (PSIS).",
    "People: the mean ln time of the others of the group. own_mean: a person's mean alone; practice: ln of the trial.",
    "Standard errors are over people; a test is one recall of twelve keys.",
)


def compute(
    human: Curve | Record | None = None,
    *,
    models: Sequence[str] | None = None,
    networks: bool = True,
    language_model: bool = False,
    seed: int = 1,
    store: Store,
    workers: int = 2,
    report: Report = silent,
) -> ChunkingResults:
    """Return the whole comparison; `models` names models of sequences (None: all).

    `human` holds times of recall (see `recall_times.times_of`); with None people are those of wu_2025_recall, and, if
    all models are asked for, they also compress, segment and recall other material. `language_model` adds the one that
    the environment names, else the small one of the extra "llm". What was computed once is taken from the store.
    """
    started = time.perf_counter()
    if isinstance(human, Record):
        raise UserError(
            f"{human.subject} holds answers; compare chunking takes times of recall, as {recall_times.DATA}."
        )
    everything = human is None and models is None
    table = human or recall_times.recorded()
    times = recall_times.times_of(table)
    known = [name for name in MODELS if MODELS[name].read is not None and (networks or name not in NETWORKS)]
    chosen = selected(models, known, "model of sequences")
    *made, others = compute_all(_tasks(chosen, times, table.rows, seed), store, workers, report)
    if language_model:
        made.append(_language_outcome(times, table.rows, store, seed, report))
    main = recall_times.people_by_trial(times)
    line_up = ranked("chunking", main, "participant", made, others.scores, times.mean_and_se,
                     float(times.seconds.size), NOTES)  # fmt: skip
    curves: dict[str, tuple[Curve, ...]] = {
        TIMES: (main.pool(), *(each.curves[TIMES].pool() for each in made)),
        BLOCKS: (recall_times.people_by_block(times), *(each.curves[BLOCKS] for each in made)),
        NATS: tuple(each.curves[NATS] for each in made if NATS in each.curves),
    }
    tables: dict[str, Trials] = {}
    if everything:
        common = {"job": "chunking", "version": VERSION, "seed": seed}
        every = [name for name in MODELS if networks or name not in NETWORKS]
        tables = simulated(store, common, _parts(every, seed), silent)
        curves["repeated"] = (_hebb(),)
    behind = behind_best([*made, others], times.mean_and_se)
    together = _together([*made, others])
    return ChunkingResults(line_up, behind, together, curves, tables, seed, time.perf_counter() - started)


def _together(outcomes: Sequence[Outcome]) -> Trials:
    """Return R2 (negative where the slope is), rank correlations, and nats in transfer, a row a model."""
    rows = []
    for each in outcomes:
        own = each.parameters
        names = [name for name in own if name.startswith(("r2_", "rho_", "own_rho_", "x_transfer_", "rhat"))]
        rows.append({"subject": each.name} | {name: float(own[name][0]) for name in names})
    return from_rows(rows)


def _hebb() -> Curve:
    """Return people's recall of the list that comes again, less that of fillers, by its presentation (Page, 2006)."""
    human = load(HEBB)
    rows, people = [], np.unique(human.rows["participant"])
    silent_lists = human.rows.where(human.rows["condition"] == "silent")
    for k in np.unique(silent_lists["x"]):
        own = silent_lists.where(silent_lists["x"] == k)
        apart = []
        for who in people:
            mine = own.where(own["participant"] == who)
            again = mine["list_kind"] == "repeating"
            apart.append(float(mine["y"][again].mean() - mine["y"][mine["list_kind"] == "filler_b"].mean()))
        rows.append({"x": float(k), "y": float(np.mean(apart)), "n": float(len(apart)), "sd": float(np.std(apart))})
    return Curve("repeated", HEBB, from_rows(rows), human.source)


def document(results: ChunkingResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare chunking`."""
    return {
        **results.line_up.as_dict(),
        "behind": rows_of(results.behind),
        "together": rows_of(results.together),
        "curves": points_of(results.curves),
        "tables": {name: rows_of(table) for name, table in results.tables.items()},
        "seed": results.seed,
        "seconds": results.seconds,
    }
