"""Work beside the pages: a process a task, shared by everybody who asks for the same, and cancellable."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from cogmem.addresses import address

KEPT: Final = 32
"""Tasks that are done and whose results are kept in memory."""
State = Literal["running", "done", "failed", "cancelled"]


@dataclass(eq=False)
class Work:
    """A task: how far it is, and what came of it (`result`, or in `problem` a sentence on why nothing did)."""

    task: str
    process: subprocess.Popen[str]
    state: State = "running"
    progress: float = 0.0
    result: str = ""
    problem: str = ""
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self.began

    def cancel(self) -> None:
        """End it; what it has stored stays."""
        if self.state == "running":
            self.state = "cancelled"
            self.process.terminate()

    def listen(self) -> None:
        """Read what the process says until it ends."""
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                said = json.loads(line)
                self.progress = min(1.0, said.get("progress", self.progress))
                if "result" in said:
                    self.result, self.state = said["result"], "done"
                elif "problem" in said:
                    self.problem, self.state = said["problem"], "failed"
        self.process.wait()
        if self.state == "running":
            self.problem, self.state = "The computation was ended from outside; start it again.", "failed"


_LOCK: Final = threading.Lock()
_WORKS: Final[dict[str, Work]] = {}
"""In the order in which they began."""


def _place(task: str, given: dict[str, Any]) -> str:
    return address({"task": task, "given": given})


def find(task: str, given: dict[str, Any]) -> Work | None:
    """Return the work on a task, None where nobody asked for it."""
    with _LOCK:
        return _WORKS.get(_place(task, given))


def forget(task: str, given: dict[str, Any]) -> None:
    """Let a task be asked for again; one that still runs is ended."""
    with _LOCK:
        work = _WORKS.pop(_place(task, given), None)
    if work is not None:
        work.cancel()


def start(task: str, given: dict[str, Any]) -> Work:
    """Return the work on a task, which begins unless it has begun already."""
    with _LOCK:
        place = _place(task, given)
        if place not in _WORKS:
            process = subprocess.Popen(
                [sys.executable, "-m", "cogmem.app.worker"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
            assert process.stdin is not None
            process.stdin.write(json.dumps({"task": task, "given": given}) + "\n")
            process.stdin.close()
            _WORKS[place] = Work(task, process)
            threading.Thread(target=_WORKS[place].listen, daemon=True).start()
            for old in [key for key, work in _WORKS.items() if work.state != "running"][: max(0, len(_WORKS) - KEPT)]:
                del _WORKS[old]
        return _WORKS[place]
