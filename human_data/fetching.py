"""`fetch` the upstream files of a data set, verified by their sha256; `check` the shipped tables against them."""

from __future__ import annotations

import csv
import hashlib
import os
import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from cogmem.errors import UserError
from cogmem.human_data.registry import DATASETS, Dataset, RemoteFile, Table, dataset, tables_folder

ENVIRONMENT: Final = "COGMEM_DATA"


def sha256(path: Path) -> str:
    """Return the hexadecimal sha256 of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def verified(path: Path, file: RemoteFile) -> Path:
    """Return `path` if its bytes are those of the registry; UserError names the file, both hashes and the remedy."""
    if not path.is_file():
        raise UserError(f"There is no file {path}; put it there, or fetch it.")
    found = sha256(path)
    if found != file.sha256:
        raise UserError(
            f"{path} is not the registered file: its sha256 is {found}, expected {file.sha256}. "
            "It was not used; take it away or put the right file in its place."
        )
    return path


def _own_folder(folder: Path | str | None) -> Path | None:
    """Return the folder to look in first: `folder`, else that of COGMEM_DATA, else None."""
    named = folder if folder is not None else os.environ.get(ENVIRONMENT)
    return Path(named) if named else None


def _download(file: RemoteFile, folder: Path | None) -> Path:
    """Return the file in `folder` (None: the user's cache), downloaded unless it is there.

    A download whose bytes are not the registered ones is not kept.
    """
    layout = f"{Path(file.folder, file.name).as_posix()} (set {ENVIRONMENT} to the folder that holds this path)"
    if file.url is None:
        raise UserError(f"{file.name} was transcribed and stands nowhere to be fetched; provide {layout}.")
    import pooch  # Here, so that `import cogmem` is fast.

    downloader = pooch.HTTPDownloader(progressbar=find_spec("tqdm") is not None, timeout=30)
    try:
        known = f"sha256:{file.sha256}"
        place = (folder or Path(pooch.os_cache("cogmem"))) / file.folder
        return Path(pooch.retrieve(file.url, known, file.name, place, downloader=downloader))
    except ValueError as error:  # pooch has deleted the file by now; its message ends with what it got.
        got = re.search(r"but got (\w+)", str(error))
        raise UserError(
            f"{file.name} from {file.url} arrived with sha256 {got[1] if got else 'unknown'}, expected {file.sha256}; "
            f"it was not kept. Try again, or provide {layout}."
        ) from None
    except OSError as error:  # So are all errors of requests: no network, no such host, not found.
        raise UserError(
            f"Could not download {file.name} from {file.url} ({type(error).__name__}); "
            f"connect to the network, or provide {layout}."
        ) from None


def _one(file: RemoteFile, folder: Path | str | None) -> Path:
    own = _own_folder(folder)
    if own is not None and (own / file.folder / file.name).is_file():
        return verified(own / file.folder / file.name, file)
    # A folder that was asked for takes the download; that of the environment is only read.
    return _download(file, Path(folder) if folder is not None else None)


def fetch(name: str, *, folder: Path | str | None = None) -> dict[str, Path]:
    """Return where the upstream files of a data set lie, by file name; downloaded if need be, always verified.

    Looked for in `folder` (default: the folder that COGMEM_DATA names) as `<source folder>/<file>`, then in the
    user's cache; what is in neither is downloaded to `folder`, or to the cache where none was asked for.
    """
    return {file.name: _one(file, folder) for file in dataset(name).files}


def check(*, sources: Path | str | None = None) -> list[dict[str, Any]]:
    """Return what was checked, one row each: dataset, table, ok, what, and row, column, shipped, recomputed.

    Each shipped table's sha256 and number of rows; and, where `sources` (default: COGMEM_DATA) has the upstream
    files, every cell against what the files give. Rows with ok = False say what differs.
    """
    own = _own_folder(sources)
    report: list[dict[str, Any]] = []
    for data in DATASETS.values():
        for table in data.tables.values():
            report.append(_check_hash(data, table))
            if own is not None:
                report += _check_cells(data, table, own)
    return report


def _finding(data: Dataset, table: Table, what: str, **more: Any) -> dict[str, Any]:
    blank = {"ok": True, "row": None, "column": None, "shipped": None, "recomputed": None}
    return {"dataset": data.name, "table": table.name, "what": what, **blank, **more}


def _check_hash(data: Dataset, table: Table) -> dict[str, Any]:
    path = tables_folder() / table.file
    found = sha256(path) if path.is_file() else "no file"
    return _finding(data, table, "sha256", ok=found == table.sha256, shipped=found, recomputed=table.sha256)


def _check_cells(data: Dataset, table: Table, sources: Path) -> list[dict[str, Any]]:
    """Return one row a differing cell, or one row that says all is well or why nothing could be recomputed."""
    from cogmem.human_data import build  # Here, as only this check needs what builds the tables.

    paths = {sources / file.folder / file.name: file for file in data.files}
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        return [_finding(data, table, f"not recomputed: {', '.join(missing)} not in {sources}")]
    for path, file in paths.items():
        verified(path, file)
    again = build.cells(build.BUILDERS[data.name, table.name](sources), table)
    with (tables_folder() / table.file).open(newline="", encoding="utf-8") as handle:
        _, *shipped = list(csv.reader(handle))
    if len(shipped) != len(again):
        return [_finding(data, table, "rows", ok=False, shipped=len(shipped), recomputed=len(again))]
    differing = [
        _finding(data, table, "cell", ok=False, row=number, column=column.name, shipped=old, recomputed=new)
        for number, (before, after) in enumerate(zip(shipped, again, strict=True), start=1)
        for column, old, new in zip(table.columns, before, after, strict=True)
        if old != new
    ]
    return differing or [_finding(data, table, "recomputed")]
