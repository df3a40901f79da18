"""Outcomes side by side: a head that is killed leaves no worker behind; who is behind the best, by hand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import Curve, Source
from cogmem.jobs.outcomes import Outcome
from cogmem.jobs.ranking import behind_best, left_out_rows, ranked
from cogmem.trials import Trials

HEAD = """
import os, sys, time
from pathlib import Path
from cogmem.jobs.outcomes import compute_all
from cogmem.store import Store

def slow(folder):
    Path(folder, f"{os.getpid()}.pid").touch()
    time.sleep(600)

if __name__ == "__main__":
    from functools import partial
    tasks = [({"task": k}, partial(slow, sys.argv[1])) for k in range(2)]
    compute_all(tasks, Store(Path(sys.argv[1], "store")), 2, lambda done, total: None)
"""


PEOPLE = Curve(
    "accuracy", "two people",
    Trials({"x": np.tile([1.0, 2.0, 3.0], 2), "y": np.array([0.9, 0.7, 0.6, 0.8, 0.6, 0.5]), "n": np.full(6, 10.0),
            "sd": np.full(6, 0.4), "participant": np.repeat(["a", "b"], 3)}),
    Source(who="two people"),
)  # fmt: skip


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # What has ended and was not waited for by anybody is no process that works.
    return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text() if Path("/proc").is_dir() else True


def test_workers_end_with_a_head_that_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "head.py"
    script.write_text(HEAD)
    head = subprocess.Popen([sys.executable, str(script), str(tmp_path)])
    try:
        until = time.monotonic() + 120
        while len(list(tmp_path.glob("*.pid"))) < 2 and time.monotonic() < until:
            time.sleep(0.2)
        workers = [int(file.stem) for file in tmp_path.glob("*.pid")]
        assert len(workers) == 2
    finally:
        head.send_signal(signal.SIGKILL)
        head.wait()
    until = time.monotonic() + 30
    while any(map(alive, workers)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not any(map(alive, workers))


def outcome(name: str, scores: list[float]) -> Outcome:
    told = {each: np.array([float(len(name)), 0.0]) for each in ("rhat", "ess", "divergences", "pareto_k")}
    return Outcome(name, "step", np.array(scores), {}, Trials(told))


def test_behind_the_best_by_hand() -> None:
    def mean_and_se(logs: np.ndarray) -> tuple[float, float]:
        return float(logs.mean()), float(logs.std(ddof=1) / np.sqrt(len(logs)))

    made = [outcome("b", [-2.0, -4.0, -3.0]), outcome("aa", [-1.0, -2.0, -3.0])]
    found = behind_best(made, mean_and_se)
    assert found["subject"].tolist() == ["aa", "b"]
    assert found["elpd_per_test"].tolist() == [-2.0, -3.0]
    # Differences of 1, 2 and 0: their mean 1, their sd 1.
    assert found["behind"].tolist() == [0.0, 1.0]
    assert found["behind_se"][1] == pytest.approx(1 / np.sqrt(3))
    whole = left_out_rows(made, mean_and_se)
    assert whole["elpd_loo_per_test"].tolist() == [-2.0, -3.0]
    assert whole["rhat"].tolist() == [2.0, 1.0]
    assert len(left_out_rows([], mean_and_se)) == 0


def test_only_chains_that_disagree_are_told_of() -> None:
    def warned(*rhat: float) -> bool:
        parameters = Trials({"rhat": np.array(rhat)})
        made = replace(outcome("a", [-1.0, -2.0]), parameters=parameters, curves={"accuracy": PEOPLE})
        line_up = ranked("p", PEOPLE, "participant", [made], None, lambda logs: (float(logs.mean()), 0.0), 2.0, ())
        return any("disagree" in said for said in line_up.entries[1].warnings)

    # Populations that were drawn by importance have no chains.
    assert not warned(np.nan, np.nan)
    assert not warned(1.01, np.nan)
    assert warned(np.nan, 1.2)
