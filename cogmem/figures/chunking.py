"""The figure of chunking: people's times and models of sequences, and what chunks and variables are worth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Kind
from cogmem.figures import chunking_people
from cogmem.figures.figure import Z90, Drawing, Figure, Panel, Series, rows_around, series
from cogmem.figures.interference import ONE, behind, lines
from cogmem.jobs import recall_times
from cogmem.jobs.chunking import TEXTS, ChunkingResults, compute
from cogmem.jobs.compressions import GENERATOR
from cogmem.jobs.language_models import available
from cogmem.models.sequences import SEQUENCE_MODELS
from cogmem.paradigms.chunkings import GROUPS
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

KINDS: Final[Mapping[str, Kind]] = {model.name: model.kind for model in SEQUENCE_MODELS} | {
    recall_times.OTHERS: "human"
}
SHOWN: Final = ("hvm", "hcm", "ngram", "parser", "lstm_reader")
"""Models of the panels by block: more lines than that cannot be told apart."""
COMPRESSED: Final = ("hvm", "hvm_full", "hcm", "lz78", "bpe", "sequitur", "ngram")
TITLES: Final = {"fixed": "trained with one sequence", "variable": "trained with slots"}
BLOCK: Final = "Block of 8 (1 to 5 training, 6 to 8 transfer)"


def _of_group(curve: Curve, group: str) -> Curve:
    return replace(curve, rows=curve.rows.where(curve.rows["condition"] == group))


def _shown(curves: Sequence[Curve]) -> list[Curve]:
    """Return curves of the models that are shown, and of the language model."""
    return [each for each in curves if each.subject in SHOWN or each.source.kind == "language_model"]


def _times_panel(results: ChunkingResults, group: str) -> Panel:
    people, *models = results.curves[recall_times.BLOCKS]
    parts = (series(_of_group(people, group), "people"), *lines(_of_group(each, group) for each in _shown(models)))
    return Panel(f"Time to recall: {TITLES[group]}", BLOCK, "Seconds (geometric mean)", parts, y_range=(0.0, 16.0))


def _nats_panel(results: ChunkingResults, group: str) -> Panel:
    curves = _shown(results.curves[recall_times.NATS])
    parts = tuple(series(_of_group(curve, group), curve.subject) for curve in curves)
    return Panel(f"-ln p: {TITLES[group]}", BLOCK, "Nats a sequence", parts, y_range=(0.0, 30.0))


def _by_name(label: str, y: NDArray[np.float64]) -> Series:
    """Return a point for each model, a place a model."""
    return Series(label, "network", rows_around(np.arange(1.0, len(y) + 1), y), points=True, joined=False)


def _transfer_panel(results: ChunkingResults) -> Panel:
    """Return nats in transfer by the group that was trained, a place a model."""
    table = results.together
    kept = np.isfinite(table["r2_transfer"]) & ~np.isin(table["subject"], (*recall_times.BASES, recall_times.OTHERS))
    names = tuple(map(str, table["subject"][kept]))
    parts = tuple(_by_name(TITLES[group], table[f"x_transfer_{group}"][kept]) for group in GROUPS)
    return Panel("Transfer: -ln p by training", "", "Nats a sequence", parts, ticks=names)


def _together_panel(results: ChunkingResults) -> Panel:
    """Return R2 of mean times on nats, negative where the slope is, a place a model."""
    table = results.together
    kept = np.isfinite(table["r2_training"]) | np.isfinite(table["r2_transfer"])
    names = tuple(map(str, table["subject"][kept]))
    parts = tuple(_by_name(phase, table[f"r2_{phase}"][kept]) for phase in recall_times.PHASES)
    title = "Mean time by trial and group"
    return Panel(title, "", "R2 (below 0: wrong sign)", parts, ticks=names, y_range=(-1.0, 1.0))


def _by_depth(results: ChunkingResults, column: str, title: str, label: str, spread: str = "") -> Panel:
    table, parts = results.tables["nested"], []
    for name in (*COMPRESSED, GENERATOR):
        own = table.where(table["subject"] == name)
        if not len(own) or not np.isfinite(own[column]).all():
            continue
        half = Z90 * own[spread] / np.sqrt(own["n"]) if spread else None
        rows = rows_around(own["depth"], own[column]) if half is None else rows_around(own["depth"], own[column], half)
        parts.append(Series(name, KINDS.get(name, "equation"), rows))
    return Panel(title, "Steps of the generator", label, tuple(parts))


def _texts_panel(results: ChunkingResults) -> Panel:
    table = results.tables["texts"]
    parts = (_by_name("units", table["unit_bits"]), _by_name("units and dictionary", table["two_part_bits"]))
    title = f"{TEXTS.length} characters of documentation"
    return Panel(title, "", "Bits", parts, ticks=tuple(map(str, table["subject"])))


def _layers_panel(results: ChunkingResults) -> Panel:
    table, parts = results.tables["layers"], []
    for column, label in (("unit_bits", "units"), ("filler_bits", "what variables stood for"), ("whole_bits", "both")):
        for read in ("learned", "new"):
            own = table.where(table["read"] == read)
            parts.append(Series(f"{label}, {read}", "step", rows_around(own["layer"], own[column])))
    return Panel("HVM: layers of abstraction", "Variables nested up to", "Bits", tuple(parts))


def _words_panel(results: ChunkingResults) -> Panel:
    table, parts = results.tables["words"], []
    for name in dict.fromkeys(map(str, table["subject"])):
        own = table.where(table["subject"] == name)
        rows = rows_around(own["repetitions"], own["y"], Z90 * own["sd"] / np.sqrt(own["n"]))
        parts.append(Series(name, KINDS[name], rows))
    return Panel("Words of a stream", "Times each word was heard", "Word, not part-word", tuple(parts), "log", ONE)


def gains(table: Trials) -> dict[str, Trials]:
    """Return what a list that comes again is recalled better than fillers, by its presentation, of each model."""
    found = {}
    for name in dict.fromkeys(map(str, table["subject"])):
        own = table.where(table["subject"] == name)
        again, filler = (own.where(own["list_kind"] == kind) for kind in ("repeating", "filler"))
        # Two fillers come between presentations: of as many lists, their mean up to there.
        other = np.array([filler["y"][filler["trial"] <= 2 * k][-2:].mean() for k in again["trial"]])
        found[name] = rows_around(again["trial"].astype(float), again["y"] - other)
    return found


def _lists_panel(results: ChunkingResults) -> Panel:
    (people,) = results.curves["repeated"]
    parts = [series(people, "people")]
    parts += [Series(name, KINDS[name], rows) for name, rows in gains(results.tables["lists"]).items()]
    title = "A list that comes again (Page et al., 2006)"
    return Panel(title, "Presentation", "Recall less that of fillers", tuple(parts), y_range=(-0.2, 0.7))


def draw(results: ChunkingResults) -> Drawing:
    """Return the drawing of a computed comparison."""
    panels = [_times_panel(results, group) for group in GROUPS]
    panels.append(behind(results.behind, "Times, each left out: behind the best", {recall_times.OTHERS: "human"}))
    panels += [_nats_panel(results, group) for group in GROUPS]
    panels += [_transfer_panel(results), _together_panel(results)]
    if results.tables:
        panels += [
            _by_depth(results, "units", "1,000 symbols: units", "Units", "units_sd"),
            _by_depth(results, "unit_bits", "1,000 symbols: units alone", "Bits"),
            _by_depth(results, "two_part_bits", "1,000 symbols: with the dictionary", "Bits", "two_part_sd"),
            _texts_panel(results),
            _layers_panel(results),
            _words_panel(results),
            _lists_panel(results),
            *chunking_people.panels(),
        ]
    return Drawing(tuple(panels), _caption(results), columns=3)


def _caption(results: ChunkingResults) -> str:
    return (
        f"People: {results.line_up.human.source.citation} Points are means over people with 90 % intervals. The keys "
        "that people saw are not on record: models read sequences of the same design, of "
        f"{recall_times.LEARNERS} simulated people a group, and their mean -ln p by trial and group predicts ln time "
        "by a line for each person (NUTS, each answer left out by PSIS; log predictive density an answer in nats, 90 % "
        "intervals over people). People are told by the others of their group. HVM makes variables for the group that "
        "is trained with slots, as published. Nested sequences have 1,000 symbols of 10; units alone cost -log2 of "
        f"their shares, the dictionary is what else is needed to tell the sequence. Seed {results.seed}."
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(seed=seed, store=store, report=report, language_model=available()))


chunking_figure = Figure(
    "chunking", "Wu, Thalmann, Dayan, Akata & Schulz (2025); people: Wu, Thalmann & Schulz (2025)", ("chunking",), _draw
)
