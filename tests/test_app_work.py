"""Work beside the pages: in a process of its own, shared by who asks for the same, cancelled, never a traceback."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from cogmem.app import serve as serving
from cogmem.app import work
from cogmem.app.own_data import EXAMPLE
from cogmem.errors import UserError
from cogmem.exhibits import Exhibit, line_ups, scores

COLUMNS = {name: name for name in ("participant", "retention_interval", "correct", "trials")}


def given(**other: Any) -> dict[str, Any]:
    return {"data": EXAMPLE, "file": "mine.csv", "columns": COLUMNS, "models": ["exponential"], "method": "laplace",
            "seed": 1} | other  # fmt: skip


def ended(task: work.Work, within: float = 120.0) -> work.Work:
    until = time.monotonic() + within
    while task.state == "running" and time.monotonic() < until:
        time.sleep(0.05)
    return task


def test_a_task_runs_once_and_gives_its_exhibit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COGMEM_STORE", str(tmp_path))
    first = work.start("fit", given())
    assert work.start("fit", given()) is first
    assert work.find("fit", given()) is first
    assert work.find("fit", given(seed=2)) is None
    assert ended(first).state == "done", first.problem
    assert first.progress > 0
    (only,) = line_ups(Exhibit.from_json(first.result)).values()
    assert [row["subject"] for row in scores(only)] == ["people", "exponential"]
    work.forget("fit", given())
    assert work.find("fit", given()) is None


@pytest.mark.parametrize(("other", "sentence"), [
    ({"models": ["exponentiel"]}, "did you mean 'exponential'"),
    ({"data": "retention_interval\n1\n2\n", "columns": {}}, "mine.csv needs"),
    ({"method": "guess"}, "There is no method 'guess'"),
    ({"models": 3}, "The computation broke off (TypeError"),
])  # fmt: skip
def test_what_cannot_be_done_is_a_sentence(other: dict[str, Any], sentence: str) -> None:
    task = ended(work.start("fit", given(**other)))
    assert task.state == "failed"
    assert sentence in task.problem
    assert "Traceback" not in task.problem


def test_work_can_be_cancelled_and_asked_for_again() -> None:
    asked = given(method="nuts", seed=77)
    task = work.start("fit", asked)
    task.cancel()
    assert task.state == "cancelled"
    assert task.process.wait(10) != 0
    assert work.find("fit", asked) is task
    work.forget("fit", asked)
    assert work.find("fit", asked) is None


def test_a_worker_whose_server_is_gone_ends() -> None:
    code = (
        "import subprocess, sys, json\n"
        "p = subprocess.Popen([sys.executable, '-m', 'cogmem.app.worker'], stdin=subprocess.PIPE,"
        " stdout=subprocess.DEVNULL, text=True)\n"
        f"p.stdin.write({json.dumps(json.dumps({'task': 'fit', 'given': given(method='nuts', seed=78)}))} + '\\n')\n"
        "p.stdin.flush(); print(p.pid, flush=True)\n"
        "import time; time.sleep(3)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    pid, until = int(told.stdout), time.monotonic() + 20
    while time.monotonic() < until and Path(f"/proc/{pid}").exists():
        time.sleep(0.2)
    assert not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2]
    assert os.getpid() != pid


def test_the_app_listens_on_this_machine_and_shows_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(serving, "_streamlit", lambda words, port: asked.append([*words, str(port)]) or 0)
    assert serving.serve(port=8765, browser=False) == 0
    words = " ".join(asked[0])
    assert "--server.address 127.0.0.1" in words
    assert "--server.port 8765" in words
    assert "--server.maxUploadSize 20" in words
    assert "--client.showErrorDetails none" in words
    assert Path(asked[0][asked[0].index("run") + 1]).is_file()
    with pytest.raises(UserError, match="A port is a number from 1 to 65535; got 0"):
        serving.serve(port=0)
