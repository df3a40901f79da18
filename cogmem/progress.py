"""Progress of long work: silent for two seconds, then a bar on the terminal's error stream."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Protocol

PATIENCE_SECONDS: Final = 2.0


class Report(Protocol):
    """Tells how much is done: report(done, total)."""

    def __call__(self, done: float, total: float) -> None: ...


def silent(done: float, total: float) -> None:
    """Report to nobody."""


def part(report: Report, begun: float, size: float, whole: float) -> Report:
    """Return the report of a part of some work: of `whole`, `begun` were done before it, and it is `size`."""
    if report is silent:
        return silent
    return lambda done, total: report(begun + size * done / total if total else begun, whole)


@contextmanager
def bar(label: str, *, shown: bool = True) -> Iterator[Report]:
    """Yield report(done, total), which shows a bar once the work has lasted more than two seconds.

    On a terminal the bar moves; elsewhere (a log) one line says that the work has begun to take long.
    """
    if not shown:
        yield silent
        return
    from rich.console import Console
    from rich.progress import Progress

    console = Console(file=sys.stderr)
    progress = Progress(console=console, transient=True, disable=not console.is_terminal)
    task = progress.add_task(label, total=1.0)
    started, begun = time.monotonic(), False

    def report(done: float, total: float) -> None:
        nonlocal begun
        if not begun and time.monotonic() - started > PATIENCE_SECONDS:
            begun = True
            if console.is_terminal:
                progress.start()
            else:
                console.print(f"{label} ...")
        progress.update(task, completed=done, total=total)

    try:
        yield report
    finally:
        if begun:
            progress.stop()
