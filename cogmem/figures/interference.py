"""The figure of proactive interference: why people level off and language models fall to nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from cogmem.core import Curve, Kind
from cogmem.figures.figure import Z90, Drawing, Figure, Panel, Series, rows_around, series
from cogmem.figures.forgetting import score_panel
from cogmem.human_data.loading import load
from cogmem.jobs import paired_lists
from cogmem.jobs.interference import LAGS_AT, SHIFT, InterferenceResults, compute, published
from cogmem.jobs.language_models import available
from cogmem.lineups import LineUp
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.trials import Trials

SHOWN: Final = ("claude-3.5-sonnet", "gpt-4o", "Llama-3.1-405b", "Llama-3.1-8b", "qwen3-0.6b")
UPDATES: Final = "Values that a key was given"
ONE: Final = (0.0, 1.02)


def _of_kind(curves: Iterable[Curve], *kinds: str) -> tuple[Series, ...]:
    return tuple(series(each, each.subject) for each in curves if each.source.kind in kinds)


def _published_panel(curves: Sequence[Curve]) -> Panel:
    """Return published accuracies: some models, and the median with the middle 90 % of all of them."""
    every = published()
    table = np.array([each.rows["y"] for each in every])
    lower, middle, upper = np.quantile(table, [0.05, 0.5, 0.95], axis=0)
    band = Trials({"x": every[0].rows["x"], "y": middle, "lower": lower, "upper": upper})
    parts = [Series(f"median of {len(every)} models", "language_model", band)]
    parts += [series(each, each.subject) for each in every if each.subject in SHOWN]
    parts += _measured(curves)
    return Panel("Language models (published; not people)", UPDATES, "Proportion correct", tuple(parts), "log", ONE)


def _updates_back_panel(results: InterferenceResults) -> Panel:
    """Return where older values come from after LAGS_AT updates; a language model's were counted."""
    curves = results.curves["lags"]
    parts = (*lines(curves, "step", "network"), *_measured(curves))
    title = f"Older values of {LAGS_AT}: where they come from"
    return Panel(title, "Updates back", "Share of intrusions", parts, "log", ONE)


def _lists_back_panel(results: InterferenceResults) -> Panel:
    """Return where words of earlier lists come from: people's words and pairs, and models fitted to the pairs."""
    words = series(paired_lists.lag_shares("fr1_2024"), "people, words")
    people, *models = results.curves["list_lags"]
    parts = (words, series(people, "people, pairs"), *lines(models, "step"))
    return Panel("Words of earlier lists: where they come from", "Lists back", "Share of intrusions", parts, "log",
                 (0.0, 0.5))  # fmt: skip


def _measured(curves: Iterable[Curve]) -> tuple[Series, ...]:
    """Return what a language model of this run did, with its intervals."""
    return tuple(replace(part, points=True) for part in _of_kind(curves, "language_model"))


def _without_interval(curve: Curve) -> Trials:
    return rows_around(curve.rows["x"], curve.rows["y"])


def lines(curves: Iterable[Curve], *kinds: str) -> tuple[Series, ...]:
    """Return expectations as lines (of those kinds, or all): of chances the spread says not how sure their mean is."""
    return tuple(Series(each.subject, each.source.kind, _without_interval(each)) for each in curves
                 if not kinds or each.source.kind in kinds)  # fmt: skip


def points_alone(curves: Iterable[Curve]) -> tuple[Series, ...]:
    """Return expectations as points that no line joins: of things that have names, not places on an axis."""
    return tuple(replace(each, points=True, joined=False) for each in lines(curves))


def _keep_track_panel(results: InterferenceResults, kind: str, label: str) -> Panel:
    curves = results.curves[kind]
    people = series(curves[0], "people")
    others = lines(curves[1:], "step", "network", "language_model")
    return Panel(f"Keeping track: {label.lower()}", "Categories to keep track of", label, (people, *others))


def _questions_panel(results: InterferenceResults, at: int = 16) -> Panel:
    """Return accuracy for the last and the first value after `at` updates, subject by subject."""
    last, first = (results.curves[name] for name in ("updates_accuracy", "updates_accuracy_first"))
    names = tuple(curve.subject for curve in last)
    parts = []
    for label, curves in (("last value (proactive)", last), ("first value (retroactive)", first)):
        y = np.array([float(each.rows["y"][each.rows["x"] == at][0]) for each in curves])
        parts.append(Series(label, "network", rows_around(np.arange(1.0, len(y) + 1), y), points=True))
    return Panel(f"Asked for the last or the first of {at}", "", "Proportion correct", tuple(parts), y_range=ONE,
                 ticks=names)  # fmt: skip


def _list_panel(results: InterferenceResults, kind: str, title: str, label: str, top: float) -> Panel:
    """Return people and fitted models list after list."""
    people, *models = results.curves[kind]
    parts = (series(people, "people"), *lines(models, "step"))
    return Panel(title, "List", label, parts, y_range=(0.0, top))


def _slope_panel(results: InterferenceResults) -> Panel:
    """Return the slope a decade of updates: of each published model, and of everybody who took the streams here."""
    shapes = results.shapes
    own = {curve.subject: curve.source.kind for curve in results.curves["updates_accuracy"]}
    mine = np.array([name in own for name in shapes["subject"].tolist()])
    theirs = shapes["slope"][~mine]
    rows = rows_around(np.ones(len(theirs)), theirs)
    parts = [Series("published models", "language_model", rows, points=True, joined=False)]
    for k, place in enumerate(np.flatnonzero(mine), 2):
        name, half = str(shapes["subject"][place]), Z90 * shapes["slope_se"][place]
        parts.append(Series(name, own[name], rows_around(k, shapes["slope"][place], half), True))
    return Panel("Slope a decade of updates", "", "Change of proportion correct", tuple(parts), legend=False,
                 ticks=("published", *own))  # fmt: skip


def _changed_pairs_panel() -> Panel:
    """Return A-B, A-C: recall of C by studies of A-B, and of B."""
    table = load("dapolito_1966").rows
    own = table.where(table["test"] == 1)
    parts = []
    for label, y in (
        ("C, the last word", own["y"]),
        ("B, the first word", (own["both"] + own["only_first"]) / own["n"]),
    ):
        rows = {"x": own["repetitions"].astype(float), "y": y, "n": own["n"], "sd": np.sqrt(y * (1 - y))}
        parts.append(series(Curve("recall", label, Trials(rows), load("dapolito_1966").source), label))
    return Panel("A-B, then A-C: people", "Studies of A-B", "Proportion recalled", tuple(parts), y_range=ONE)


def noticed_rows() -> Trials:
    """Return A-B, A-D of Kemp & Wahlheim: right and first-list words by whether the change was noticed."""
    rows = load("kemp_wahlheim_2021").rows
    changed = rows.where(rows["pair_type"] == 3)
    names = ("recollected", "noticed", "not_noticed")
    found = []
    for k, name in enumerate(names, 1):
        own = changed.where(changed["noticed"] == name)
        n = own["n"].sum()
        found.append((float(k), own["correct"].sum() / n, own["prior_list"].sum() / n, n))
    x, right, intrusions, n = (np.array(each) for each in zip(*found, strict=True))
    return Trials({"x": x, "right": right, "intrusions": intrusions, "n": n})


def _noticed_panel() -> Panel:
    table, source = noticed_rows(), load("kemp_wahlheim_2021").source
    parts = []
    for label in ("right", "intrusions"):
        y = table[label]
        rows = Trials({"x": table["x"], "y": y, "n": table["n"], "sd": np.sqrt(y * (1 - y))})
        parts.append(series(Curve(label, label, rows, source), "last word" if label == "right" else "first word"))
    return Panel("A-B, A-D: was the change noticed?", "", "Share of answers", tuple(parts), y_range=ONE,
                 ticks=("recollected", "noticed", "not noticed"))  # fmt: skip


def _release_panel(results: InterferenceResults) -> Panel:
    parts = lines(results.curves["release"], "step", "network", "language_model")
    title = f"Other keys after list {SHIFT}: release"
    return Panel(title, "List", "Proportion correct", parts, y_range=ONE)


def _build_up_panel() -> Panel:
    """Return the build-up over trials of one material (Floden et al., 2000), by group, at the longest delay."""
    human = load("floden_2000", table="build_up")
    rows = human.rows.where(human.rows["retention_interval"] == 60.0)
    parts = []
    for group in dict.fromkeys(rows["condition"].tolist()):
        own = replace(human, rows=rows.where(rows["condition"] == group))
        parts.append(series(own.pool(), f"people, {group}"))
    return Panel("Build-up over trials: people, 60 s", "Trial", "Proportion recalled", tuple(parts), y_range=ONE)


def _older_panel(results: InterferenceResults) -> Panel:
    curves = results.curves["updates_same_key"]
    parts = (*lines(curves, "step", "network"), *_measured(curves))
    return Panel("Answers that are older values of the key", UPDATES, "Share of answers", parts, "log", ONE)


def scores(line_up: LineUp, title: str) -> Panel:
    """Return everybody's score on people's answers, people called people."""
    panel = score_panel(line_up)
    ticks = tuple("people" if tick == line_up.human.subject else tick for tick in panel.ticks)
    return replace(panel, title=title, ticks=ticks, y_scale="linear")


def behind(table: Trials, title: str, kinds: Mapping[str, Kind] | None = None) -> Panel:
    """Return how far behind the best everybody in the table is (see `ranking.behind_best`), with 90 % intervals."""
    parts = []
    for k, name in enumerate(table["subject"].tolist()):
        rows = rows_around(k + 1, -table["behind"][k], Z90 * table["behind_se"][k])
        parts.append(Series(name, (kinds or {}).get(name, "step"), rows, points=True))
    return Panel(title, "", "nats an answer", tuple(parts), legend=False, ticks=tuple(table["subject"].tolist()))


def draw(results: InterferenceResults) -> Drawing:
    """Return the drawing of a computed comparison."""
    curves = results.curves["updates_accuracy"]
    panels = (
        _published_panel(curves),
        Panel(
            "Networks trained on 1 to 4 updates", UPDATES, "Proportion correct", lines(curves, "network"), "log", ONE
        ),
        Panel("Models fitted to people", UPDATES, "Proportion correct", lines(curves, "step"), "log", ONE),
        _keep_track_panel(results, "accuracy", "Proportion correct"),
        _keep_track_panel(results, "same_key", "Older words of the category"),
        scores(results.line_up, "Keeping track: predicting the other half"),
        _list_panel(results, "list_accuracy", "Pairs, list after list", "Proportion correct", 0.6),
        _list_panel(results, "prior_list", "Pairs: words of earlier lists", "Share of answers", 0.2),
        scores(results.pairs, "Pairs: predicting the other lists"),
        _lists_back_panel(results),
        _updates_back_panel(results),
        _older_panel(results),
        _slope_panel(results),
        _questions_panel(results),
        _changed_pairs_panel(),
        _noticed_panel(),
        _build_up_panel(),
        _release_panel(results),
    )
    return Drawing(panels, _caption(results), columns=3)


def _caption(results: InterferenceResults) -> str:
    names = ("keep_track_2019", "fr1_2024", "pal1_2024", "dapolito_1966", "kemp_wahlheim_2021", "floden_2000")
    sources = " ".join(load(name).source.citation for name in names)
    models = load("wang_sun_2025").source.citation
    return (
        f"People: {sources} Published language models, which are not people: {models} Points are people's means with "
        "90 % intervals. That people level off is seen between lists and over one update of a key; no table of people "
        "over many updates of one key was found. Networks: mean of three seeds, streams of 8 keys and 128 values; for "
        "the first value a second population was trained on that question. The language model of this run, if any: "
        "8 categories with words of their own, 20 streams a point. Models: people of the population that was "
        "fitted to keeping track, on the same streams. Scores: log predictive density an answer of the half of each "
        f"person's trials that was not fitted, in nats, 90 % intervals over people. Seed {results.seed}."
    )


def _draw(seed: int, store: Store, report: Report) -> Drawing:
    return draw(compute(language_model=available(), seed=seed, store=store, report=report))


interference_figure = Figure(
    "proactive_interference",
    "Wang & Sun (2025); Underwood (1957); people: Eisenberg et al. (2019), Kahana lab, Wahlheim lab",
    ("keep_track",),
    _draw,
)
