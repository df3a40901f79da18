"""Results as tables on the terminal, and as plain values for JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from rich import box
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from cogmem.core import Curve
from cogmem.exports import plain_value, rows_of
from cogmem.fitting.fits import Fit
from cogmem.fitting.loo import Elpd
from cogmem.jobs.chunking import ChunkingResults
from cogmem.jobs.forgetting import ForgettingResults, winners
from cogmem.jobs.interference import InterferenceResults
from cogmem.jobs.key_value import KeyValueResults
from cogmem.jobs.network_forgetting import exposures, rest_rows, view_rows
from cogmem.jobs.reproduction import Comparison, ReproductionResults
from cogmem.jobs.superposition import SuperpositionResults
from cogmem.jobs.view_batch import EXPOSURES
from cogmem.lineups import Entry, LineUp
from cogmem.trials import Trials

ROWS: Final = 100
"""Rows that a terminal is shown at most."""


def text(value: Any, digits: int = 4) -> str:
    """Return a cell's text: numbers to `digits` significant digits, a dash for what does not exist."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return f"{value:.{digits}g}"
    return str(value)


def table(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows as a table, on as wide a page as they need where the output is not a terminal."""
    console = Console(soft_wrap=False)
    if not console.is_terminal:
        console = Console(width=200)
    drawn = Table(title=escape(title), box=box.SIMPLE_HEAD, title_justify="left", title_style="bold")
    for name in rows[0] if rows else ("nothing",):
        numbers = any(isinstance(row.get(name), int | float) for row in rows)
        drawn.add_column(name, justify="right" if numbers else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(escape(text(value)) for value in row.values()))
    console.print(drawn)


def fit_document(done: Fit, score: Elpd | None, intervals: Trials) -> dict[str, Any]:
    """Return what the JSON of `cogmem fit` holds."""
    document: dict[str, Any] = {"model": done.model.name, "formula": done.model.formula, "data": done.data.subject}
    document |= {"measure": done.objective.observed.measure, "method": done.method.name, "seed": done.seed}
    document |= {"likelihood": done.objective.observed.family, "parameters": rows_of(intervals)}
    document |= {"diagnostics": {name: plain_value(value) for name, value in done.diagnostics.items()}}
    if score:
        document |= {
            "elpd_per_test": plain_value(score.per_test),
            "elpd_se": plain_value(score.se_per_test),
            "tests": score.tests,
        }
    said = done.warnings + (score.warnings if score else ())
    return document | {"warnings": list(said), "seconds": done.seconds}


def fit(done: Fit, document: Mapping[str, Any], intervals: Trials) -> None:
    """Print a fit: its parameters with 90 % intervals, its scores, its warnings in words."""
    rows = [
        {
            "participant": row["participant"],
            "parameter": row["parameter"],
            "estimate": row["estimate"],
            "90 % from": row["lower"],
            "to": row["upper"],
        }
        for row in rows_of(intervals)
    ]
    table(f"{done.model.name}: {done.model.formula}", rows)
    print(f"data {document['data']} ({document['measure']})")
    print(f"method {document['method']}, likelihood {document['likelihood']}")
    if "elpd_per_test" in document:
        print(
            f"ELPD {text(document['elpd_per_test'])} ± {text(document['elpd_se'])} nats a test, rows left out in turn"
        )
    print("  ".join(f"{name} {text(value)}" for name, value in document["diagnostics"].items()))
    if document["likelihood"] in ("gaussian_free", "least_squares"):
        print("The data are means whose standard errors are unknown: the scatter around the curve was estimated too.")
    for warning in document["warnings"]:
        print(f"warning: {warning}")


def score_row(entry: Entry) -> dict[str, Any]:
    """Return one subject's scores as a row of a table."""
    score = entry.agreement
    spread = "-" if score.elpd_per_test is None else f"{score.elpd_per_test:.3f} ± {text(score.elpd_se, 2)}"
    name = f"people ({score.subject})" if score.kind == "human" else score.subject
    weight = None if entry.weight is None else round(entry.weight, 2)
    row = {"subject": name, "kind": score.kind, "ELPD/test": spread, "weight": weight, "RMSE": score.rmse}
    return row | {"r": score.r, "seconds": round(entry.seconds, 2)}


def line_up(result: LineUp, title: str) -> None:
    """Print who agrees with people: scores with their errors, the human ceiling in the first line."""
    table(title, [score_row(entry) for entry in result.entries])
    for entry in result.entries:
        for warning in entry.warnings:
            print(f"note, {entry.agreement.subject}: {warning}")


def dataset_rows(datasets: Iterable[Any]) -> list[dict[str, Any]]:
    """Return one row a data set: name, tables, citation, licence."""
    return [
        {
            "name": each.name,
            "tables": ", ".join(each.tables),
            "licence": each.licence,
            "citation": each.citation,
        }
        for each in datasets
    ]


def forgetting(results: ForgettingResults) -> None:
    """Print the main job of the forgetting curve."""
    measured = results.people.human
    line_up(results.people, f"Who agrees with people: {measured.subject} ({measured.measure})")
    table("Which equation wins, for people and for networks (retention after 12 exposures)", winners(results))
    line_up(results.spacing, "People's spacing surface: Cepeda et al. (2008)")
    for each in results.networks:
        few = [
            {"exposures": int(recall["repetitions"]), "recognition": known["y"], "recall (second half)": recall["y"]}
            for known, recall in zip(exposures(each.recognition), exposures(each.recall), strict=True)
        ]
        table(f"{each.name}: memory right after study by exposures (0 = unstudied baseline)", few)
        table(f"{each.name}: recall by rest between exposures (updates)", rest_rows(each))
        table(f"{each.name}: recall after {EXPOSURES} exposures, V at once and a rest V times as long", view_rows(each))


def _by_generation(each: Comparison, measured: str) -> list[dict[str, Any]]:
    """Return everybody's mean of a measure at the first, a few, and the last generation."""
    rows = []
    for curve in each.curves[measured]:
        x = curve.rows["x"]
        last = int(x.max())
        shown = sorted({0, 1, min(4, last), min(9, last), last})
        values = {f"gen. {g}": float(curve.rows["y"][x == g].mean()) if (x == g).any() else None for g in shown}
        rows.append({"subject": curve.subject, **values})
    return rows


def reproduction(results: ReproductionResults) -> None:
    """Print the main job of serial reproduction: scores, how measures move with the generation, what was fitted."""
    for each in results.comparisons:
        line_up(each.line_up, f"Who predicts people: {each.title}")
        for measured in each.curves:
            table(f"{each.title}: {measured.replace('_', ' ')} by generation", _by_generation(each, measured))
        for entry in each.line_up.entries:
            if len(entry.parameters):
                table(f"{each.title}: parameters of {entry.agreement.subject}", rows_of(entry.parameters))


def interference(results: InterferenceResults) -> None:
    """Print the main job of proactive interference: scores, accuracy by updates, the shapes of all curves."""
    line_up(results.line_up, "Who predicts people: keep_track_2019")
    line_up(results.pairs, "Who predicts people: pal1_2024, list after list")
    for measure, title in (
        ("accuracy", "Keeping track: right, by categories to keep track of"),
        ("same_key", "Keeping track: an older word of the category"),
        ("updates_accuracy", "Right, by values that a key was given (8 keys)"),
        ("updates_accuracy_first", "The same, asked for the first value"),
        ("release", "Right, list by list; other keys after the third"),
        ("prior_list", "Pairs: words of earlier lists, by list"),
        ("list_lags", "Pairs: where they come from, lists back"),
    ):
        table(title, [_by_x(curve) for curve in results.curves[measure]])
    table("Shapes: slope a decade, plateau, logistic in log n", rows_of(results.shapes))
    for entry in results.line_up.entries:
        if len(entry.parameters):
            table(f"Parameters of {entry.agreement.subject} (typical person)", rows_of(entry.parameters))


def key_value(results: KeyValueResults) -> None:
    """Print the main job of key-value memory: scores, people left out, what memories hold, the fan effect."""
    line_up(results.line_up, "Who predicts people: pal1_2024, pair by pair")
    if len(results.left_out):
        table("Fitted to all answers (NUTS), each person left out in turn (PSIS)", rows_of(results.left_out))
    for measure, title in (
        ("position_accuracy", "Right, by the pair's place in its list"),
        ("position_same_list", "Other words of the list"),
        ("position_prior_list", "Words of earlier lists"),
        ("by_load", "Right, by pairs in the list"),
        ("by_similarity", "Right, by the mean cosine of two keys (16 pairs)"),
        ("by_noise", "Right, by the noise on the cue (20 pairs)"),
        ("recovery", "1 recalled with a noisy cue; of the rest 2 recognised, 3 recalled with the whole key"),
        ("by_fan", "Intact facts recognised, by the facts of their key"),
    ):
        table(title, [_by_x(curve) for curve in results.curves[measure]])
    if len(results.capacity):
        table("Trained memories: right, by pairs in the stream (mean of the seeds)", capacities(results.capacity))
    table("Fan effect: seconds (Anderson, 1974)", rows_of(results.fan))


def superposition(results: SuperpositionResults) -> None:
    """Print the main job of superposed codes: scores, people left out, fields of Sparsey, what memories hold."""
    line_up(results.line_up, f"Who predicts people's ratings of old and new items: {results.line_up.human.subject}")
    for name, each in results.lists.items():
        line_up(each, f"Who predicts what people call old: {name}")
    for name, rows in results.behind.items():
        table(f"By how far behind the best: {name} (people: told by others)", rows_of(rows))
    if len(results.left_out):
        table("Fitted to all ratings (NUTS), each person left out in turn (PSIS)", rows_of(results.left_out))
    for curve in results.curves["z_slope"]:
        table("Slope of people's z-ROCs, by the fitted sd of old items and by a line, 95 %", slopes(curve))
    for name, title in (
        ("similarity", "Sparsey: share of winners that a probe has in common with an item, by its features"),
        ("capacity", "Sparsey: items of which .95 of the winners come back, by size"),
        ("times", "Sparsey: seconds to learn one more item, by items stored"),
        ("digits", "Digits, learned in one pass: accuracy on new ones"),
    ):
        if name in results.tables:
            table(title, rows_of(results.tables[name]))
    for measure, title in (
        ("code_similarity", "Cosine of codes, by the cosine of lure and item"),
        ("completion", "Cosine of what comes back and the item, by the share of features shown"),
        ("repair", "The same, by the share of right features"),
        ("recalled_by_length", "Recalled from a half, by items in the list"),
        ("forced_choice", "Old or new, two alternatives, by items in the list"),
        ("rating_by_probe", "Mean rank of familiarity: 1 old, 2 new of a category, 4 prototype"),
        ("order", "Old sequences more familiar than 1 new ones, 2 the same frames in another order"),
        ("mantel", "r of likeness of items of categories and of their codes"),
    ):
        if results.curves[measure]:
            table(title, [_by_x(curve) for curve in results.curves[measure]])


def chunking(results: ChunkingResults) -> None:
    """Print the main job of chunking: scores of recall times, what goes together, compression, words, lists."""
    line_up(results.line_up, f"Who predicts people's times of recall: {results.line_up.human.subject}")
    table("By how far behind the best (people: told by others of the group)", rows_of(results.behind))
    table("Mean times by trial and group on nats: R2 (negative slope: below 0), rank correlations, nats in transfer",
          rows_of(results.together))  # fmt: skip
    for name, title in (
        ("nested", "1,000 symbols of nested chunks and variables, by steps of the generator"),
        ("texts", "1,000 characters of documentation"),
        ("layers", "HVM: bits by how deep variables may be nested"),
        ("words", "Word chosen, not part-word, by times each word was heard"),
        ("lists", "Symbols recalled in place, by kind of list and its number"),
        ("held", "Chen & Cowan (2009): do people hold so many chunks, or words? Lists left out in turn"),
    ):
        if name in results.tables:
            table(title, rows_of(results.tables[name]))


def slopes(curve: Curve) -> list[dict[str, Any]]:
    """Return a row a group and method: the mean slope of people's z-ROCs and its interval."""
    return [{"group": row["group"], "people": int(row["n"]), "method": row["method"], "mean": row["y"],
             "from": row["lower"], "to": row["upper"]} for row in rows_of(curve.rows)]  # fmt: skip


def capacities(rows: Trials) -> list[dict[str, Any]]:
    """Return a row a memory and width: numbers in its state, and accuracy by load, the mean of the seeds."""
    found = []
    for key, chosen in rows.groups(("subject", "width")):
        own = rows.where(chosen)
        shares = {f"{pairs}": float(own["accuracy"][own["pairs"] == pairs].mean()) for pairs in np.unique(own["pairs"])}
        states = np.unique(own["state"])
        kept = f"{states[0]}" if len(states) == 1 else f"{states[0]} to {states[-1]}"
        found.append({"memory": key["subject"], "units": key["width"], "state": kept, **shares})
    return found


def _by_x(curve: Curve) -> dict[str, Any]:
    values = zip(curve.rows["x"], curve.rows["y"], strict=True)
    return {"subject": curve.subject, **{f"{x:g}": float(y) for x, y in values}}
