"""Studies: cells are computed once, whoever computes them and however often they are killed; failures stop nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cogmem as cm
from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.store import ASIDE, StoreError
from cogmem.studies import KIND, Standing, cell_spec
from cogmem.workers import side_by_side


@dataclass(frozen=True)
class Scribe:
    """A subject that guesses, and writes a line to a file for every design it takes; it may fail or die."""

    log: str
    share: float = 0.5
    fails: int = 0
    dies: int = 0
    name: str = "scribe"
    version: int = 1
    kind: Kind = "equation"
    needs: frozenset[str] = frozenset()

    def answer(self, design: Design, rng: np.random.Generator) -> Any:
        with open(self.log, "a") as file:
            file.write(f"{design.seed} {self.share}\n")
        before = Path(self.log).read_text().split("\n").count(f"{design.seed} {self.share}")
        if before <= self.fails:
            raise ZeroDivisionError("of the test")
        if before <= self.dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return (rng.random(len(design.tests)) < self.share).astype(np.int64)


def study(log: Path, n: int = 4, **own: Any) -> cm.Study:
    designs = tuple(cm.paradigms.forgetting_curve.design(n_items=3, seed=seed) for seed in range(n))
    return cm.Study("test", designs, (Scribe(str(log), 0.2, **own), Scribe(str(log), 0.7)), seeds=(1,))


def answers(results: cm.Results) -> list[list[int]]:
    return [record.answers.tolist() for record in results.records]


def lines(log: Path) -> list[str]:
    return sorted(log.read_text().split("\n")[:-1]) if log.exists() else []


def test_cells_are_computed_once_whoever_computes_them(tmp_path: Path) -> None:
    log = tmp_path / "log"
    one = cm.run_study(study(log), store=cm.Store(tmp_path / "1"))
    assert (one.computed, one.failures, len(one.study)) == (8, (), 8)
    assert len(lines(log)) == 8
    with side_by_side(2) as pool:
        two = cm.run_study(study(log), store=cm.Store(tmp_path / "2"), executor=pool, workers=2)
    assert answers(one) == answers(two)
    assert cm.run_study(study(log), store=cm.Store(tmp_path / "2")).computed == 0
    assert len(lines(log)) == 16


def test_results_are_read_one_after_another(tmp_path: Path) -> None:
    results = cm.run_study(study(tmp_path / "log"), store=cm.Store(tmp_path / "s"))
    assert [place for place, _ in results.stream()] == list(range(8))
    retention = cm.paradigms.forgetting_curve.measure("retention")
    assert np.array_equal(results.curve(retention, "scribe").rows["y"],
                          cm.measure(retention, results.of("scribe")).rows["y"])  # fmt: skip
    with pytest.raises(UserError, match="has no subject 'nobody'"):
        results.curve(retention, "nobody")


def test_what_a_cell_raises_is_raised_or_listed(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError, match="of the test"):
        cm.run_study(study(tmp_path / "a", fails=9), store=cm.Store(tmp_path / "a1"))
    with ThreadPoolExecutor(2) as pool, pytest.raises(ZeroDivisionError, match="of the test"):
        cm.run_study(study(tmp_path / "b", fails=9), store=cm.Store(tmp_path / "b1"), executor=pool)
    store = cm.Store(tmp_path / "c1")
    for executor in (None, ThreadPoolExecutor(2)):
        found = cm.run_study(study(tmp_path / "c", fails=9), store=store, executor=executor, strict=False, retries=1)
        assert [each.place for each in found.failures] == [0, 2, 4, 6]
        assert {(each.cause, each.tries, each.subject) for each in found.failures} == {
            ("ZeroDivisionError: of the test", 2, "scribe")
        }
        assert [place for place, _ in found.stream()] == [1, 3, 5, 7]
    assert lines(tmp_path / "c").count("0 0.7") == 1
    assert lines(tmp_path / "c").count("0 0.2") == 4


def test_a_cell_that_fails_at_first_is_tried_again(tmp_path: Path) -> None:
    seen: list[Standing] = []
    found = cm.run_study(study(tmp_path / "log", fails=1), store=cm.Store(tmp_path / "s"), strict=False, retries=1,
                         watch=seen.append)  # fmt: skip
    assert (found.computed, found.failures) == (8, ())
    assert (seen[-1].cells, seen[-1].computed, seen[-1].failed, seen[-1].left) == (8, 8, 0, 0.0)
    assert seen[0].left > 0


def test_workers_that_are_killed_are_replaced_and_only_the_guilty_cell_is_blamed(tmp_path: Path) -> None:
    plan = study(tmp_path / "log", dies=99)
    found = cm.run_study(plan, store=cm.Store(tmp_path / "s"), executor=partial(side_by_side, 2), workers=2,
                         strict=False)  # fmt: skip
    assert [each.place for each in found.failures] == [0, 2, 4, 6]
    assert all("its worker died" in each.cause for each in found.failures)
    assert found.computed == 4
    again = study(tmp_path / "log2", dies=1)
    found = cm.run_study(again, store=cm.Store(tmp_path / "s2"), executor=partial(side_by_side, 2), workers=2)
    assert (found.computed, found.failures) == (8, ())
    with side_by_side(1) as pool, pytest.raises(UserError, match="give run_study what makes an executor"):
        cm.run_study(study(tmp_path / "log3", dies=1), store=cm.Store(tmp_path / "s3"), executor=pool, workers=1)


def test_a_damaged_record_is_put_aside_and_computed_again(tmp_path: Path) -> None:
    store, plan = cm.Store(tmp_path / "s"), study(tmp_path / "log")
    want = answers(cm.run_study(plan, store=store))
    cells = list(plan.cells())
    for place, harm in ((1, lambda path: path.write_bytes(path.read_bytes()[:-7])), (5, lambda path: path.unlink())):
        harm(store.path(KIND, cell_spec(*cells[place])) / "answers.parquet")
    results = cm.run_study(plan, store=store)
    assert results.computed == 0
    with pytest.warns(UserWarning, match="it is computed again"):
        assert answers(results) == want
    assert len(list((Path(store.root) / ASIDE).iterdir())) == 2
    assert answers(results) == want


def test_a_store_that_cannot_be_written_ends_the_study_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for executor in (None, ThreadPoolExecutor(2)):
        with pytest.raises(StoreError, match="cannot be written"):
            cm.run_study(study(tmp_path / "log"), store=cm.Store(tmp_path / "file" / "s"), executor=executor,
                         strict=False)  # fmt: skip
    assert lines(tmp_path / "log") == []


KILLED = """
import sys; from pathlib import Path; sys.path.insert(0, {tests!r})
from functools import partial
import cogmem as cm
from test_studies import study
from cogmem.workers import side_by_side
cm.run_study(study(Path({log!r}), 60), store=cm.Store({store!r}), executor=partial(side_by_side, 2), workers=2)
"""


@pytest.mark.slow
def test_a_head_that_is_killed_again_and_again_loses_nothing_and_repeats_nothing(tmp_path: Path) -> None:
    log, store = tmp_path / "log", tmp_path / "s"
    code = KILLED.format(tests=str(Path(__file__).parent), log=str(log), store=str(store))
    rng, kills = np.random.default_rng(1), 0
    while True:
        head = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
        try:
            head.wait(2.0 + 2.0 * rng.random())
            assert head.returncode == 0
            break
        except subprocess.TimeoutExpired:
            head.kill()
            head.wait()
            kills += 1
        assert kills < 60
    assert kills >= 1
    results = cm.run_study(study(log, 60), store=cm.Store(store))
    assert results.computed == 0
    assert answers(results) == answers(cm.run_study(study(tmp_path / "log2", 60), store=cm.Store(tmp_path / "s2")))
    # What was under way when the head was killed is done twice: a task of each worker at most, each time.
    time.sleep(1.5)
    assert len(lines(log)) >= 120
