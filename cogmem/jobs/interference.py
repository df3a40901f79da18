"""The main job of proactive interference: people, fitted models, networks and language models on the same answers.

Everybody's forecasts are scored on people's answers in keeping track; everybody takes the same streams of 1 to 64
updates of 8 keys, asked for the last value and for the first; and lists with a shift of keys.
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

from cogmem.core import Curve, Design, Forecaster, Source
from cogmem.errors import UserError
from cogmem.exports import points_of, rows_of
from cogmem.human_data.loading import load
from cogmem.jobs import keep_track, language_models, paired_lists
from cogmem.jobs.kind_counts import LINK, Scored, linked, parameters_of, people_outcome, subject_of
from cogmem.jobs.outcomes import Outcome, compute_all, stored
from cogmem.jobs.ranking import ranked
from cogmem.lineups import LineUp
from cogmem.models.interference import INTERFERENCE_MODELS
from cogmem.names import selected
from cogmem.paradigms import proactive_interference
from cogmem.paradigms.interference_measures import fitted_points, log_linear
from cogmem.progress import Report, silent
from cogmem.store import Store
from cogmem.subjects.interference import option_items
from cogmem.subjects.updating_network import NETWORKS, UpdatingNetwork
from cogmem.trials import Trials, from_rows

Array = NDArray[np.float64]

VERSION: Final = 3
LEVELS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
STREAMS: Final = 20
LAGS_AT: Final = 16
"""Updates at which intrusions are counted by their lag."""
SHIFT: Final = 3
QUERIES: Final = ("last", "first")
MODELS: Final = {model.name: model for model in INTERFERENCE_MODELS}
SEEDS: Final = (1, 2, 3)
PEOPLE: Final = "people"


@dataclass(frozen=True, eq=False)
class InterferenceResults:
    """Everything the job computed; `curves` by measure, everybody's; `seconds` is how long it took here.

    `line_up` is keeping track, everybody's; `pairs` are lists of pairs, which models take.
    """

    line_up: LineUp
    pairs: LineUp
    curves: Mapping[str, tuple[Curve, ...]]
    shapes: Trials
    seed: int
    seconds: float


def stream_design(query: str, *, seed: int, levels: Sequence[int] = LEVELS, streams: int = STREAMS) -> Design:
    """Return streams of 8 keys that share a pool of 128 values, as networks know them."""
    return proactive_interference.design(
        seed=seed, n_keys=8, n_updates=tuple(levels), n_lists=streams, pool=128, similarity=1.0, query=query
    )


def shift_design(*, seed: int) -> Design:
    """Return lists of three pairs, tested one by one after 18 s, whose keys change after the third (Wickens, 1970)."""
    return proactive_interference.design(
        seed=seed, n_keys=3, n_updates=(SHIFT + 2,), n_lists=40, pool=40, similarity=1.0, order="lists",
        test_after="list", shift_after=SHIFT, retention_interval=18.0,
    )  # fmt: skip


def _curve(measure: str, name: str, x: Array, groups: Sequence[Array], source: Source) -> Curve:
    """Return the mean of each group of chances, with their number and sd."""
    rows = {"x": x, "y": np.array([each.mean() for each in groups]), "sd": np.array([each.std() for each in groups])}
    rows["n"] = np.array([float(len(each)) for each in groups])
    return Curve(measure, name, Trials(rows), source)


def stream_curves(subject: Forecaster, query: str, *, seed: int, source: Source) -> dict[str, Curve]:
    """Return accuracy and same-key intrusions by number of updates, and the share of intrusions by lag."""
    asked = stream_design(query, seed=seed)
    forecast = subject.forecast(asked)
    kinds, updates = keep_track.kinds_of(asked, forecast), asked.tests["updates"]
    x = np.array(LEVELS, dtype=float)
    suffix = "" if query == "last" else "_first"
    found = {}
    for k, measure in enumerate(("updates_accuracy", "updates_same_key")):
        groups = [kinds[updates == level, k] for level in LEVELS]
        found[measure + suffix] = _curve(measure + suffix, subject.name, x, groups, source)
    if query == "last":
        found["lags"] = _lags(subject.name, asked, forecast, source)
    return found


def _lags(name: str, asked: Design, forecast: Array, source: Source) -> Curve:
    """Return the share of each lag among same-key intrusions at LAGS_AT updates."""
    rows = np.flatnonzero(asked.tests["updates"] == LAGS_AT)
    options = option_items(asked)
    shares = np.zeros((len(rows), LAGS_AT - 1))
    for k, row in enumerate(rows):
        for lag in range(1, LAGS_AT):
            shares[k, lag - 1] = forecast[row, np.unique(options[row][2 + lag])].sum()
    whole = shares.sum()
    y = shares.sum(axis=0) / whole if whole > 0 else np.full(LAGS_AT - 1, np.nan)
    x = np.arange(1.0, LAGS_AT)
    n = np.full(len(x), max(whole, 1e-9))
    table = Trials({"x": x, "y": y, "n": n, "sd": np.sqrt(y * (1 - y))})
    return Curve("lags", name, table.where(np.isfinite(y)), source)


def shift_curve(subject: Forecaster, *, seed: int, source: Source) -> Curve:
    """Return accuracy by list of the stream, the keys changing after list SHIFT."""
    asked = shift_design(seed=seed)
    right = subject.forecast(asked)[np.arange(len(asked.tests)), asked.tests["target"]]
    blocks = np.unique(asked.tests["block"])
    groups = [right[asked.tests["block"] == block] for block in blocks]
    return _curve("release", subject.name, blocks.astype(float), groups, source)


def _taken(subjects: Mapping[str, Forecaster], *, seed: int, source: Source) -> dict[str, Curve]:
    """Return the curves of a subject; networks that were trained on the other question answer the other question."""
    found: dict[str, Curve] = {}
    for query in QUERIES:
        found |= stream_curves(subjects[query], query, seed=seed, source=source)
    return found | {"release": shift_curve(subjects["last"], seed=seed, source=source)}


def _outcome(name: str, scored: Scored, subjects: Mapping[str, Forecaster], source: Source, seed: int) -> Outcome:
    logs, fits = scored
    curves = keep_track.curves(name, fits, source) | _taken(subjects, seed=seed, source=source)
    return Outcome(name, source.kind, logs, curves, parameters_of(fits))


def model_outcome(name: str, seed: int) -> Outcome:
    """Return what comes of a model that is fitted to people's answers."""
    model, source = MODELS[name], Source(who=name, kind="step")
    scored = keep_track.halves().score(model.parameters, keep_track.predicted(model, keep_track.design()), seed=seed)
    someone = subject_of(model, scored[1], seed=seed)
    return _outcome(name, scored, dict.fromkeys(QUERIES, someone), source, seed)


def network_outcome(name: str, folder: Path, seed: int) -> Outcome:
    """Return what comes of networks trained on streams of 1 to 4 updates, one population a question."""
    from cogmem.subjects.updating_training import kept

    weights, source = partial(kept, folder), Source(who=name, kind="network")
    subjects = {
        query: UpdatingNetwork(replace(NETWORKS[name], query=query), seeds=SEEDS, weights=weights) for query in QUERIES
    }
    forecast = keep_track.forecast_kinds(subjects["last"])
    scored = keep_track.halves().score(LINK, linked(forecast), seed=seed)
    return _outcome(name, scored, subjects, source, seed)


def _language_model(store: Store, seed: int, report: Report) -> Outcome:
    """Return what comes of the language model there is; its answers are stored one by one."""
    with language_models.present(store, report) as model:
        spec = {"job": "interference", "version": VERSION, "seed": seed, "model": model.identity,
                "template": model.template.sha256}  # fmt: skip
        return stored(store, spec, partial(language_models.outcome, model, shift_after=SHIFT, seed=seed))


def _specs(human: str, table: str | None, names: Sequence[str], seed: int, job: str) -> list[dict[str, Any]]:
    """Return what the outcome of each name on a human data set depends on, as the store remembers it."""
    answers = load(human, table=table).rows
    return [{"job": job, "version": VERSION, "seed": seed, "people": answers, "subject": name} for name in names]


NOTES: Final = (
    "Everybody is fitted or linked to one half of each person's trials and scored on the other, both ways round.",
    "People's score: what all people did in one half, linked to the other. Standard errors are over people.",
    "The streams behind people's trials are not on record; everybody takes others that were made in the same way.",
)
LIST_NOTES: Final = (
    "Models are fitted to the odd or the even lists of each person and scored on the others.",
    "People's score: what all people did in the other lists, linked to each. Standard errors are over people.",
    "A word of no list counts as no answer, since no model has one.",
)


def compute(
    human: Curve | None = None,
    *,
    models: Sequence[str] | None = None,
    networks: bool = True,
    language_model: bool = False,
    seed: int = 1,
    store: Store,
    workers: int = 2,
    report: Report = silent,
) -> InterferenceResults:
    """Return the whole comparison; `models` names models and networks (None: all). `human` can only be keeping track.

    `language_model` adds the one that the environment names, else the small one of the extra "llm". What was computed
    once is taken from the store, every single answer of a language model too.
    """
    started = time.perf_counter()
    if human is not None and human.subject != "keep_track_2019":
        raise UserError(
            f"proactive_interference is compared on keep_track_2019, whose answers have kinds; got {human.subject!r}. "
            "Load other tables with cogmem data list and load()."
        )
    chosen = selected(models, (*MODELS, *(NETWORKS if networks else ())), "model of interference")
    fitted = tuple(name for name in chosen if name in MODELS)
    tasks: list[tuple[dict[str, Any], Callable[[], Outcome]]] = []
    for spec in _specs("keep_track_2019", "halves", (*chosen, PEOPLE), seed, "interference"):
        name = spec["subject"]
        if name in MODELS:
            tasks.append((spec, partial(model_outcome, name, seed)))
        elif name == PEOPLE:
            tasks.append((spec, partial(people_outcome, keep_track.halves, seed)))
        else:
            spec |= {"settings": NETWORKS[name], "seeds": SEEDS}
            tasks.append((spec, partial(network_outcome, name, Path(store.root) / "networks", seed)))
    for spec in _specs(paired_lists.DATA, None, (*fitted, PEOPLE), seed, "paired_lists"):
        name = spec["subject"]
        if name == PEOPLE:
            tasks.append((spec, partial(people_outcome, paired_lists.halves, seed)))
        else:
            tasks.append((spec, partial(paired_lists.outcome, name, seed)))
    made = compute_all(tasks, store, workers, report)
    (*outcomes, others), (*of_pairs, other_lists) = made[: len(chosen) + 1], made[len(chosen) + 1 :]
    if language_model:
        outcomes.append(_language_model(store, seed, report))
    people, lists = keep_track.people(), paired_lists.people()
    line_up = ranked(
        "proactive_interference", people["accuracy"], "participant", outcomes, others.scores,
        keep_track.halves().mean_and_se, float(people["accuracy"].rows["n"].sum()), NOTES,
    )  # fmt: skip
    pairs = ranked(
        "proactive_interference", lists["list_accuracy"], "participant", of_pairs, other_lists.scores,
        paired_lists.halves().mean_and_se, float(lists["list_accuracy"].rows["n"].sum()), LIST_NOTES,
    )  # fmt: skip
    curves = {kind: (people[kind].pool(), *(each.curves[kind] for each in outcomes)) for kind in keep_track.KINDS}
    for kind in (*paired_lists.KINDS, "list_lags"):
        curves[kind] = (lists[kind].pool(), *(each.curves[kind] for each in of_pairs))
    for measure in ("updates_accuracy", "updates_same_key", "updates_accuracy_first", "lags", "release"):
        curves[measure] = tuple(each.curves[measure] for each in outcomes)
    shapes = shape_rows([*published(), *curves["updates_accuracy"]])
    return InterferenceResults(line_up, pairs, curves, shapes, seed, time.perf_counter() - started)


# --- People and published language models beside them --------------------------------------------------------------


def published() -> list[Curve]:
    """Return the published accuracy of each language model by number of updates (46 keys)."""
    table = load("wang_sun_2025")
    rows = table.rows
    found = []
    for name in dict.fromkeys(rows["participant"].tolist()):
        own = rows.where(rows["participant"] == name)
        found.append(Curve("updates_accuracy", str(name), own.select("x", "y", "n", "sd"), table.source))
    return found


def shape_rows(curves: Sequence[Curve]) -> Trials:
    """Return each curve's slope a decade with R², its plateau c (A = c + (1 - c) n^-b), and the logistic in log n.

    Logistic: A = 1 / (1 + exp(b (log10 n - log10 n0))), by least squares, its R² beside it. `slope_se` is the error
    that counted answers leave; chances have none (NaN).
    """
    rows = []
    for curve in curves:
        n, y = curve.rows["x"].astype(float), curve.rows["y"].astype(float)
        slope, intercept, r2 = log_linear(n, y)
        (half, steep), logistic_r2 = _logistic(n, y)
        rows.append({
            "subject": curve.subject, "kind": curve.source.kind, "slope": slope, "slope_se": _slope_se(curve),
            "intercept": intercept, "r2": r2, "plateau": _plateau(n, y), "n50": half, "logistic_slope": steep,
            "logistic_r2": logistic_r2,
        })  # fmt: skip
    return from_rows(rows)


def _slope_se(curve: Curve) -> float:
    """Return the standard error of the slope of answers that were counted, by the binomial error of each point."""
    n, y = curve.rows["x"].astype(float), curve.rows["y"].astype(float)
    if curve.source.kind != "language_model" or not np.isfinite(curve.se).all():
        return float("nan")
    kept = fitted_points(y)
    x = np.log10(n[:kept])
    weight = (x - x.mean()) / ((x - x.mean()) ** 2).sum()
    return float(np.sqrt((weight**2 * curve.se[:kept] ** 2).sum()))


def _r2(y: Array, fitted: Array) -> float:
    total = ((y - y.mean()) ** 2).sum()
    return float(1 - ((y - fitted) ** 2).sum() / total) if total > 1e-12 else float("nan")


def _logistic(n: Array, y: Array) -> tuple[tuple[float, float], float]:
    """Return ((n0, b), R²) of the logistic in log n that has the least squared error."""
    from scipy.optimize import least_squares

    def curve(x: Array) -> Array:
        return np.asarray(1 / (1 + np.exp(np.clip(x[1] * (np.log10(n) - x[0]), -50, 50))))

    def apart(x: Array) -> Array:
        return curve(x) - y

    fits = [least_squares(apart, start) for start in ((1.0, 2.0), (2.5, 1.0), (0.4, 5.0))]
    best = min(fits, key=lambda each: float(each.cost))
    return (float(10 ** np.clip(best.x[0], -9, 9)), float(best.x[1])), _r2(y, curve(best.x))


def _plateau(n: Array, y: Array) -> float:
    """Return c, 0 or more, of the best A = c + (1 - c) n^-b: what is left after any number of updates."""
    from scipy.optimize import least_squares

    def apart(x: Array) -> Array:
        return np.asarray(x[0] + (1 - x[0]) * n ** -x[1] - y)

    found = least_squares(apart, (0.3, 0.5), bounds=((0.0, 0.0), (1.0, 20.0)))
    return float(found.x[0])


def document(results: InterferenceResults) -> dict[str, Any]:
    """Return the JSON of `cogmem compare proactive_interference`."""
    return {
        **results.line_up.as_dict(), "pairs": results.pairs.as_dict(), "curves": points_of(results.curves),
        "shapes": rows_of(results.shapes), "seed": results.seed, "seconds": results.seconds,
    }  # fmt: skip
