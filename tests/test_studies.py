"""Studies: cells are computed once, whoever computes them and however often they are killed; failures stop nobody."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cogmem as cm
from cogmem import catalogue
from cogmem.addresses import address
from cogmem.core import Design, Kind
from cogmem.errors import UserError
from cogmem.recomputing import plainest, recompute
from cogmem.store import ASIDE, StoreError, save_record
from cogmem.studies import KIND, PlannedDesign, Standing, cell_spec, laid_out
from cogmem.workers import one_thread, side_by_side


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


def blas_threads() -> list[int]:
    import numpy.linalg  # noqa: F401
    from threadpoolctl import threadpool_info

    return [each["num_threads"] for each in threadpool_info() if each["user_api"] == "blas"]


def test_a_worker_multiplies_matrices_and_trains_networks_in_one_thread() -> None:
    import torch

    with side_by_side(1) as pool:
        found = pool.submit(blas_threads).result()
        of_torch = pool.submit(torch.get_num_threads).result()
    assert (set(found), of_torch) == ({1}, 1)


@dataclass(frozen=True)
class Counter(Scribe):
    """A scribe that writes down how many threads multiply matrices."""

    def answer(self, design: Design, rng: np.random.Generator) -> Any:
        Path(self.log + ".threads").write_text(str(set(blas_threads())))
        return super().answer(design, rng)


def test_here_too_matrices_are_multiplied_in_one_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    from cogmem.fitting import laplace

    store, seen = cm.Store(tmp_path / "s"), list[set[int]]()

    def make() -> Any:
        seen.append(set(blas_threads()))
        return {}, {}, cm.Source(who="nobody", kind="equation")

    def modes(*given: Any) -> Any:
        seen.append(set(blas_threads()))
        return found_modes(*given)

    found_modes = laplace.modes
    monkeypatch.setattr(laplace, "modes", modes)
    with threadpool_limits(2, user_api="blas"):
        store.remember("threads", {}, make)
        cm.fit(cm.models.power, cm.load("floden_2000"), method="mle", seed=1)
        design = cm.paradigms.forgetting_curve.design(n_items=3, seed=1)
        cm.run_study(cm.Study("one", (design,), (Counter(str(tmp_path / "log")),)), store=store)
        assert set(blas_threads()) == {2}
    assert (seen, (tmp_path / "log.threads").read_text()) == ([{1}, {1}], "{1}")


def test_threads_come_back_when_the_last_has_left() -> None:
    import scipy.linalg  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(2, user_api="blas"):
        first, second = one_thread(), one_thread()
        first.__enter__()
        second.__enter__()
        first.__exit__(None, None, None)
        assert set(blas_threads()) == {1}
        second.__exit__(None, None, None)
        assert set(blas_threads()) == {2}


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


def _grown(megabytes: int) -> int:
    # Longer than loky waits from one look at a worker's memory to the next.
    time.sleep(1.1)
    sys.modules["_kept_by_the_test"] = np.ones(megabytes * 131_072)  # type: ignore[assignment]
    return os.getpid()


def test_a_worker_that_loads_what_its_work_needs_is_not_restarted_as_if_it_leaked() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with side_by_side(1) as pool:
            assert len({pool.submit(_grown, megabytes).result() for megabytes in (1, 500, 500, 500)}) == 1


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


def test_a_planned_design_is_the_design_and_is_laid_out_where_it_is_taken(tmp_path: Path) -> None:
    paradigm = cm.paradigms.forgetting_curve
    laid = tuple(paradigm.design(n_items=3, seed=seed) for seed in (1, 2))
    planned = tuple(
        PlannedDesign(each.paradigm, each.version, each.settings, each.seed, {"n_items": 3}) for each in laid
    )
    people = (cm.models.power.subject(a=1.0, b=0.1), cm.models.power.subject(a=1.0, b=0.3))
    one, two = (cm.Study("same", designs, people, (1, 2, 3)) for designs in (laid, planned))
    assert list(two.addresses()) == list(one.addresses()) == [address(cell_spec(*cell)) for cell in one.cells()]
    assert [two.cell(place)[2] for place in range(4)] == [1, 2, 3, 1]
    with side_by_side(2) as pool:
        results = cm.run_study(two, store=cm.Store(tmp_path), executor=pool, workers=2)
    assert results.computed == 12
    again = cm.run_study(one, store=cm.Store(tmp_path))
    assert again.computed == 0
    assert answers(again) == answers(results)
    assert laid_out(planned[0]) is laid_out(planned[0])
    assert laid_out(planned[1]).trials["item"].tolist() == laid[1].trials["item"].tolist()


def test_what_is_stored_is_computed_again_and_compared(tmp_path: Path) -> None:
    design = cm.paradigms.forgetting_curve.design(n_items=5, seed=1)
    step = catalogue.step_models()["act_r_practice"].subject(d=0.5, tau=-1.0, s=0.4, practice=1.0)
    plan = cm.Study("same", (design,), (cm.models.power.subject(a=1.0, b=0.1), step), (1, 2, 3))
    store = cm.Store(tmp_path)
    with pytest.raises(UserError, match="has none of the cells of 'same'"):
        recompute(plan, store)
    cm.run_study(plan, store=store)
    rows = recompute(plan, store, sample=4, seed=2)
    assert (len(rows), {row["problem"] for row in rows}, {row["tests"] for row in rows}) == (4, {""}, {40})
    assert plainest(step).backend == "numpy"  # type: ignore[attr-defined]
    # A record that is whole, and yet not what the cell gives: its hash cannot tell.
    cell = plan.cell(4)
    record = cm.run(design, step, seed=2)
    store.put_aside(store.path(KIND, cell_spec(*cell)))
    other = np.where(np.arange(40) < 3, 1 - record.answers, record.answers)
    save_record(store, KIND, cell_spec(*cell), replace(record, answers=other))
    # And one that is damaged.
    (store.path(KIND, cell_spec(*plan.cell(0))) / "answers.parquet").write_bytes(b"")
    problems = {row["cell"]: row["problem"] for row in recompute(plan, store, sample=99)}
    assert problems[4] == "3 of 40 answers differ"
    assert "was altered or cut short" in problems[0]
    assert [problems[k] for k in (1, 2, 3, 5)] == [""] * 4


SCRIPT = """
import sys
from dataclasses import dataclass
from functools import partial
import numpy as np
import cogmem as cm
from cogmem.workers import side_by_side

@dataclass(frozen=True)
class Mine:
    name: str = "mine"
    version: int = 1
    kind: str = "equation"
    needs: frozenset = frozenset()

    def answer(self, design, rng):
        return rng.integers(0, 2, len(design.tests))

print("begun")
design = cm.paradigms.forgetting_curve.design(n_items=3, seed=1)
study = cm.Study("mine", (design,), (Mine(),), (1, 2, 3))
if __name__ == "__main__":
    print(cm.run_study(study, store=cm.Store(sys.argv[1]), executor=partial(side_by_side, 2), workers=2).computed)
"""


def test_workers_take_what_a_script_or_a_plan_defines_and_do_not_run_the_script_again(tmp_path: Path) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT.replace('if __name__ == "__main__":\n    ', ""))  # as it is written at midnight
    told = subprocess.run([sys.executable, str(script), str(tmp_path / "s")], capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("begun\n3\n", "")
    script.write_text(SCRIPT)
    words = [sys.executable, "-m", "cogmem.cli", "study", str(script), "--store", str(tmp_path / "s2"), "--out",
             str(tmp_path / "out"), "--workers", "2", "--json"]  # fmt: skip
    told = subprocess.run(words, capture_output=True, text=True)
    assert '"computed": 3, "failures": []' in told.stdout, told


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
            # Every time a little longer, so that even a slow machine comes to the end.
            head.wait(1.0 + kills + rng.random())
            assert head.returncode == 0
            break
        except subprocess.TimeoutExpired:
            head.kill()
            head.wait()
            kills += 1
        assert kills < 30
    assert kills >= 1
    results = cm.run_study(study(log, 60), store=cm.Store(store))
    assert results.computed == 0
    assert answers(results) == answers(cm.run_study(study(tmp_path / "log2", 60), store=cm.Store(tmp_path / "s2")))
    # What was under way when the head was killed is done twice: a task of each worker at most, each time.
    time.sleep(1.5)
    assert len(lines(log)) >= 120
