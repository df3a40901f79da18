"""Outcomes side by side: a head that is killed leaves no worker behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

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
