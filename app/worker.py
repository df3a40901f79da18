"""Long work in a process of its own: a task as a line of JSON comes in, lines of progress and one of the result go out.

`python -m cogmem.app.worker` is started by `cogmem.app.work`, which can end it at any moment; what was finished by
then is in the store.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

from cogmem.errors import UserError
from cogmem.progress import Report

Task = Callable[..., str]


def compare(paradigm: str, seed: int, networks: bool, language_model: bool, report: Report) -> str:
    """Return the exhibit of a paradigm's own comparison."""
    from cogmem import exhibits

    return exhibits.compared(
        paradigm, seed=seed, networks=networks, language_model=language_model, report=report
    ).to_json()  # fmt: skip


def fit(
    data: str, file: str, columns: Mapping[str, str], models: list[str], method: str, seed: int, report: Report
) -> str:
    """Return the exhibit of equations fitted to a CSV file's text."""
    from cogmem import exhibits
    from cogmem.fitting.fits import Method
    from cogmem.tables import curve_of

    human = curve_of(data.encode(), file, columns)
    how = Method(name=method)  # type: ignore[arg-type]  # it checks the word
    return exhibits.lined_up(human, models=models, method=how, seed=seed, report=report).to_json()


def figure(name: str, seed: int, report: Report) -> str:
    """Return the exhibit of a figure of the gallery."""
    from cogmem import exhibits

    return exhibits.drawn(name, seed=seed, report=report).to_json()


TASKS: Final[Mapping[str, Task]] = {"compare": compare, "fit": fit, "figure": figure}


def main() -> None:
    """Do the task of the first line; end with the process that started this one."""
    from cogmem.workers import as_worker

    as_worker(os.getppid())
    asked = json.loads(sys.stdin.readline())
    # What is printed by the way must not mix with the lines of JSON.
    lines, sys.stdout = sys.stdout, sys.stderr

    def write(**words: Any) -> None:
        print(json.dumps(words), file=lines, flush=True)

    def report(done: float, total: float) -> None:
        write(progress=done / total if total else 0.0)

    try:
        write(result=TASKS[asked["task"]](**asked["given"], report=report))
    except UserError as problem:
        write(problem=str(problem))
    except Exception as problem:  # whatever it was, the page says one sentence
        write(problem=f"The computation broke off ({type(problem).__name__}: {str(problem)[:200]}).")


if __name__ == "__main__":
    main()
