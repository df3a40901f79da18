"""Speed of free-recall analyses, against psifr's on lists of the same kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from cogmem.benchmarks.timing import Speed, Workload, against, compiled, timed
from cogmem.errors import UserError
from cogmem.kernels.recall import recall_counts

LENGTH = 20


def _lists(n: int, seed: int) -> Any:
    """Return recalls of n lists of 20: 5 to 14 answers each in any order, one in ten of them an intrusion."""
    rng = np.random.default_rng(seed)
    recalls = np.argsort(rng.random((n, LENGTH)), axis=1).astype(np.int8) + np.int8(1)
    recalls[rng.random(recalls.shape) < 0.1] = -1
    recalls[np.arange(LENGTH) >= rng.integers(5, 15, n)[:, None]] = 0
    return recalls


def workloads(*, quick: bool = False, seed: int = 1) -> list[Workload]:
    """Return all analyses of 10^6 lists of 20 by 100 participants."""
    n = 50_000 if quick else 1_000_000
    recalls, group = _lists(n, seed), np.arange(n) % 100

    def analyse(backend: str, size: int) -> Any:
        return recall_counts(recalls[:size], list_length=LENGTH, group=group[:size], groups=100, backend=backend)

    return [Workload("all analyses", "list", n, n // 20, 1, analyse)]


def _psifr(recalls: Any) -> Any:
    """Return lag-CRP and serial position curve as a user of psifr gets them; its table is made beforehand."""
    try:
        import pandas as pd
        from psifr import fr
    except ImportError:
        raise UserError("bench recall compares with psifr; install it with pip install psifr.") from None
    lists, outputs = np.nonzero(recalls)
    study = pd.DataFrame({
        "list": np.repeat(np.arange(len(recalls)), LENGTH), "trial_type": "study",
        "position": np.tile(np.arange(1, LENGTH + 1), len(recalls)),
    })  # fmt: skip
    recall = pd.DataFrame({"list": lists, "trial_type": "recall", "position": outputs + 1})
    study["item"] = study["position"].map(str)
    answers = recalls[lists, outputs]
    recall["item"] = np.where(answers > 0, answers.astype(str), "other")
    table = pd.concat([study, recall])
    table["subject"] = 1 + table["list"] % 100
    merged = fr.merge_free_recall(table)
    return lambda: (fr.lag_crp(merged), fr.spc(merged))


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return the speed of the analyses; ratios are to numpy's meaning, the last column's to psifr on fewer lists."""
    few = 200 if quick else 2_000
    theirs = timed("lag-CRP and serial position", "psifr", _psifr(_lists(few, seed)), items=few, unit="list", repeats=3)
    rows = [theirs]
    for work in workloads(quick=quick, seed=seed):
        meaning = work.speed("numpy")
        rows += [against(meaning, limit=theirs)]
        rows += [against(work.speed(backend), numpy=meaning, limit=theirs) for backend in compiled()]
    return rows
