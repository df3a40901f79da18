"""`cogmem study`: a plan is run on an engine, with a live line of how far it is, and its tables are written."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from cogmem import cli_arguments as given

if TYPE_CHECKING:
    from cogmem.studies import Standing

EVERY: Final = 30.0
"""Seconds between lines where no bar can be shown."""


def study(
    plan: Annotated[Path, typer.Argument(help="A plan: a .toml file, or a .py file that binds `study`.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the tables (default: results/NAME).")] = None,
    executor: Annotated[str, typer.Option(help="local, dask, slurm, or MODULE:NAME of any Executor.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Dask scheduler, tcp://...")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Workers (default: one a processor).")] = None,
    retries: Annotated[int, typer.Option(min=0, help="Times that a cell that fails is tried again.")] = 2,
    store: given.StoreRoot = None,
    as_json: given.Json = False,
) -> None:
    """Run the cells of a plan that are not stored yet, and write its tables; exit with 1 if a cell failed."""
    import json

    from cogmem import printing
    from cogmem.executors import engine
    from cogmem.plans import read_plan
    from cogmem.progress import bar
    from cogmem.studies import run_study
    from cogmem.study_tables import failures, write_tables

    asked = read_plan(plan)
    folder = out or Path("results") / asked.study.name
    with engine(executor, address=address, workers=workers) as (make, many), _shown(not as_json) as watch:
        results = run_study(asked.study, store=given.store(store), executor=make, workers=many, strict=False,
                            retries=retries, watch=watch)  # fmt: skip
    with bar("tables", shown=not as_json) as report:
        written = write_tables(results, asked, folder, report=report)
    failed = failures(results)
    told: dict[str, Any] = {"name": asked.study.name, "cells": len(asked.study), "computed": results.computed,
                            "failures": failed, "tables": [str(path) for path in written]}  # fmt: skip
    if as_json:
        print(json.dumps(told))
    else:
        stored = len(asked.study) - results.computed - len(failed)
        print(f"{asked.study.name}: {len(asked.study)} cells, {results.computed} computed, {stored} were stored, "
              f"{len(failed)} failed.")  # fmt: skip
        for path in written:
            print(path)
        if failed:
            printing.table("failed", failed)
    if failed:
        raise typer.Exit(1)


@contextmanager
def _shown(shown: bool) -> Iterator[Any]:
    """Give what shows how far a study is: a live line on a terminal, elsewhere a line every half minute."""
    from rich.console import Console
    from rich.live import Live

    console, last = Console(file=sys.stderr), [time.monotonic()]
    if not shown:
        yield None
        return
    if console.is_terminal:
        with Live(console=console, transient=True, refresh_per_second=4) as live:
            yield lambda standing: live.update(_table(standing))
        return

    def tell(standing: Standing) -> None:
        if time.monotonic() - last[0] > EVERY:
            last[0] = time.monotonic()
            console.print(_line(standing))

    yield tell


def _cells(standing: Standing) -> dict[str, str]:
    """Return how far a study is, by what is told."""
    done = standing.stored + standing.computed + standing.failed
    pace = standing.computed / standing.seconds if standing.seconds else 0.0
    left = "?" if standing.left == float("inf") else f"{standing.left:,.0f} s"
    return {"cells": f"{done:,} of {standing.cells:,}", "were stored": f"{standing.stored:,}",
            "computed": f"{standing.computed:,}", "a second": f"{pace:,.1f}", "failed": f"{standing.failed:,}",
            "left": left}  # fmt: skip


def _line(standing: Standing) -> str:
    return ", ".join(f"{name} {value}" for name, value in _cells(standing).items())


def _table(standing: Standing) -> Any:
    from rich.table import Table

    told = _cells(standing)
    table = Table(*told, box=None)
    table.add_row(*told.values())
    return table
