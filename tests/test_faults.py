"""A study that is killed a hundred times, whose disk is full or read-only, whose clock jumps, that is not alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count, islice
from pathlib import Path

import pytest

import cogmem as cm
from cogmem import store_care
from cogmem.errors import UserError
from cogmem.plans import Plan
from cogmem.store import ASIDE, StoreError
from cogmem.studies import KIND, cell_spec
from cogmem.study_tables import write_tables
from cogmem.workers import side_by_side
from tests.test_studies import answers, lines, study

RETENTION = {"forgetting_curve": (cm.paradigms.forgetting_curve.measure("retention"),)}
ROOT = Path(__file__).parents[1]


def run_whole(plan: cm.Study, folder: Path) -> None:
    """Run a study in a folder, which may hold what is left of earlier runs, and write its tables there."""
    write_tables(cm.run_study(plan, store=cm.Store(folder / "s")), Plan(plan, RETENTION), folder / "out")


def tables(folder: Path) -> dict[str, bytes]:
    # What a killed run left unfinished is hidden, and goes after a day.
    found = sorted(path for path in (folder / "out").iterdir() if not path.name.startswith("."))
    return {path.name: path.read_bytes() for path in found}


def interpreter(code: str, *words: str) -> subprocess.Popen[str]:
    """Return a fresh interpreter that runs `code`."""
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    return subprocess.Popen([sys.executable, "-c", start + code, *words], stdout=subprocess.PIPE, text=True)


# Each run is a fork of an interpreter that has run such a study, so that nothing is left to import and kills fall into
# the work.
KILLED = """
import json, os, signal, time
from pathlib import Path
import numpy as np
import cogmem as cm
from cogmem.addresses import address
from cogmem.studies import KIND, cell_spec
from tests.test_faults import run_whole, study

folder, kills, n, longest = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
plan = study(folder / "log", n)
addresses = {f"{cell[0].seed} {cell[1].share}": address(cell_spec(*cell)) for cell in plan.cells()}
run_whole(study(folder / "before", 1), folder / "before it")
store, rng, report, known = cm.Store(folder / "s"), np.random.default_rng(3), [], 0
for _ in range(kills):
    finished = store.addresses(KIND)
    child = os.fork()
    if child == 0:
        run_whole(plan, folder)
        os._exit(0)
    time.sleep(longest * rng.random())
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    begun = (folder / "log").read_text().split("\\n")[:-1] if (folder / "log").exists() else []
    again = [line for line in begun[known:] if addresses[line] in finished]
    known = len(begun)
    report.append({"killed": os.WIFSIGNALED(status), "finished": len(finished), "again": again})
print(json.dumps(report))
"""


@pytest.mark.slow
def test_a_hundred_kills_lose_nothing_and_repeat_nothing_that_was_finished(tmp_path: Path) -> None:
    n, kills = 600, 100
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    killed.mkdir()
    whole.mkdir()
    head = interpreter(KILLED, str(killed), str(kills), str(n), "0.45")
    report = json.loads(head.communicate()[0])
    assert sum(each["killed"] for each in report) >= 0.9 * kills, "the study was over too soon"
    assert len({each["finished"] for each in report}) > kills // 4, "few kills fell into the work"
    assert [each["again"] for each in report] == [[]] * kills
    plan = study(killed / "log", n)
    run_whole(plan, killed)
    begun = lines(killed / "log")
    run_whole(plan, whole)
    assert tables(killed) == tables(whole)
    assert list(tables(whole)) == ["cells.csv", "points.csv", "points.parquet"]
    # A kill costs the cell that was under way, and no other.
    assert len(set(begun)) == 2 * n
    assert len(begun) <= 2 * n + kills


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    """Give a file system of its own; skip where this user may not have one."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("this user may not mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_ends_the_study_and_more_room_lets_it_go_on(tmp_path: Path) -> None:
    want = answers(cm.run_study(study(tmp_path / "log", 12), store=cm.Store(tmp_path / "whole")))
    for executor in (None, partial(side_by_side, 2)):
        with mounted(tmp_path / f"small{executor is None}", "size=256k") as disk:
            store, log = cm.Store(disk / "s"), disk.with_suffix(".log")
            with pytest.raises(StoreError, match="No space left on device"):
                cm.run_study(study(log, 12), store=store, executor=executor, workers=2, strict=False)
            # What could not be finished is gone; but the other worker was killed over what it had under way.
            assert len(store_care.sweep(store, unfinished_after=-1.0)) <= (executor is not None)
            assert not list(disk.glob("s/*/.*"))
            before = store.addresses(KIND)
            assert 0 < len(before) < 24
            assert store_care.verify(store) == []
            subprocess.run(["mount", "-o", "remount,size=64m", str(disk)], check=True)
            results = cm.run_study(study(log, 12), store=store)
            assert results.computed == 24 - len(before)
            assert answers(results) == want


def test_tables_that_find_no_room_are_not_there_by_half(tmp_path: Path) -> None:
    plan = study(tmp_path / "log", 60)
    results = cm.run_study(plan, store=cm.Store(tmp_path / "s"))
    with mounted(tmp_path / "small", "size=40k") as disk:
        with pytest.raises(UserError, match="No space left on device"):
            write_tables(results, Plan(plan, RETENTION), disk / "out")
        assert [path.name for path in (disk / "out").iterdir()] in ([], ["cells.csv"])


def test_a_store_that_may_only_be_read_is_read_and_no_more(tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=8m") as disk:
        store, log = cm.Store(disk / "s"), tmp_path / "log"
        want = answers(cm.run_study(study(log, 3), store=store))
        damaged = store.path(KIND, cell_spec(*list(study(log, 3).cells())[4]))
        (damaged / "answers.parquet").write_bytes(b"")
        subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
        results = cm.run_study(study(log, 3), store=store)
        assert results.computed == 0
        assert [record.answers.tolist() for _, record in islice(results.stream(), 4)] == want[:4]
        with pytest.raises(UserError, match=r"cannot be written \(Read-only file system\); .* stays where it is"):
            answers(results)
        assert [row["address"] for row in store_care.verify(store)] == [damaged.name]
        with pytest.raises(StoreError, match="Read-only file system"):
            cm.run_study(study(log, 4), store=store, strict=False)
        with pytest.raises(UserError, match="Read-only file system"):
            store_care.sweep(store, older_than=-1.0)
        assert cm.run_study(study(log, 3), store=store).computed == 0
        assert not (disk / "s" / ASIDE).exists()


TOGETHER = """
from pathlib import Path
from tests.test_faults import run_whole, study
run_whole(study(Path(sys.argv[1]) / "log", int(sys.argv[2])), Path(sys.argv[1]))
"""


def test_two_studies_on_one_store_at_once_help_each_other(tmp_path: Path) -> None:
    n = 60
    for name in ("shared", "alone"):
        (tmp_path / name).mkdir()
    two = [interpreter(TOGETHER, str(tmp_path / "shared"), str(n)) for _ in range(2)]
    for each in two:
        each.communicate()
    assert [each.returncode for each in two] == [0, 0]
    run_whole(study(tmp_path / "shared" / "log", n), tmp_path / "alone")
    assert tables(tmp_path / "shared") == tables(tmp_path / "alone")
    store = cm.Store(tmp_path / "shared" / "s")
    assert (len(store.addresses(KIND)), store_care.verify(store)) == (2 * n, [])
    assert not list(Path(store.root).glob("*/.*"))


def test_a_clock_that_jumps_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    want = answers(cm.run_study(study(tmp_path / "log", 6), store=cm.Store(tmp_path / "whole")))
    jumps = count()
    year = 365.25 * store_care.DAY
    with monkeypatch.context() as clock:
        clock.setattr(time, "time", lambda: 1.8e9 + (-1) ** next(jumps) * year)
        results = cm.run_study(study(tmp_path / "log2", 6), store=cm.Store(tmp_path / "s"), progress=True)
        assert answers(results) == want
    # Files of the future, and a clock before them: nothing is too old, nothing that is under way is taken away.
    store = cm.Store(tmp_path / "s")
    for path in Path(store.root).rglob("*"):
        os.utime(path, (4e9, 4e9))
    unfinished = Path(store.root) / KIND / f".{'0' * 64}.{'1' * 32}"
    unfinished.mkdir()
    os.utime(unfinished, (4e9, 4e9))
    assert store_care.sweep(store, older_than=store_care.DAY) == []
    assert answers(cm.run_study(study(tmp_path / "log2", 6), store=store)) == want
