"""Looking after a store: what is in it, what is damaged, what may go, and all of it as plain files."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from cogmem.errors import UserError
from cogmem.store import ASIDE, Entry, Store

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
UNFINISHED: Final = re.compile(r"\.[0-9a-f]{64}\.[0-9a-f]{32}")


def summary(store: Store) -> list[dict[str, Any]]:
    """Return a row a kind: how many entries and megabytes, and when the last was made (s since 1970)."""
    rows: dict[str, dict[str, Any]] = {}
    for entry in store.ls():
        row = rows.setdefault(entry.kind, {"kind": entry.kind, "entries": 0, "megabytes": 0.0, "last": 0.0})
        row["entries"] += 1
        row["megabytes"] += entry.size / 1e6
        row["last"] = max(row["last"], (entry.path / "source.json").stat().st_mtime)
    return [rows[kind] for kind in sorted(rows)]


def entries(store: Store, kind: str | None = None) -> list[dict[str, Any]]:
    """Return a row an entry of a kind (None: of all): its address, who made it, seconds of work, megabytes."""
    return [{"kind": entry.kind, "address": entry.address, **entry.about, "megabytes": entry.size / 1e6}
            for entry in _chosen(store, kind)]  # fmt: skip


def _chosen(store: Store, kind: str | None) -> list[Entry]:
    every = store.ls()
    kinds = sorted({entry.kind for entry in every})
    if kind is not None and kind not in kinds:
        raise UserError(f"The store {store.root} has no {kind!r}; it has {', '.join(kinds) or 'nothing'}.")
    return [entry for entry in every if kind in (None, entry.kind)]


def verify(store: Store, *, kind: str | None = None, aside: bool = False) -> list[dict[str, Any]]:
    """Return a row for each entry that is not what was stored, with the sentence that says why.

    Every file is read and its sha256 compared. `aside`: the entry is moved to `damaged` in the store, so that what made
    it makes it again.
    """
    found = []
    for entry in _chosen(store, kind):
        problem = store.problem(entry.path)
        if problem:
            moved = str(store.put_aside(entry.path)) if aside else ""
            found.append({"kind": entry.kind, "address": entry.address, "problem": problem, "moved_to": moved})
    return found


def sweep(
    store: Store, *, kind: str | None = None, older_than: float | None = None, unfinished_after: float = HOUR,
    dry_run: bool = False, now: float | None = None,
) -> list[dict[str, Any]]:  # fmt: skip
    """Remove what is of no use and return a row each: path, megabytes, why.

    That is: folders that a killed run left unfinished (not touched for `unfinished_after` s: those of a running one
    stay), what was put aside as damaged, and, if `older_than` (s) is given, entries of that age, of `kind` or all. A
    folder of the future, after a clock has jumped, is left alone. `dry_run` removes nothing.
    """
    moment, found = time.time() if now is None else now, list[tuple[Path, str]]()
    for folder in sorted(Path(store.root).glob("*/.*")):
        if UNFINISHED.fullmatch(folder.name) and moment - _touched(folder) > unfinished_after:
            found.append((folder, "unfinished"))
    found += [(folder, "damaged") for folder in sorted((Path(store.root) / ASIDE).glob("*"))]
    if older_than is not None:
        found += [(entry.path, "old") for entry in _chosen(store, kind)
                  if moment - (entry.path / "source.json").stat().st_mtime > older_than]  # fmt: skip
    rows = []
    for folder, why in found:
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        rows.append({"path": str(folder), "why": why, "megabytes": size / 1e6})
        if not dry_run:
            _remove(folder, store)
    return rows


def _touched(folder: Path) -> float:
    """Return when a folder or a file in it was last changed, s since 1970."""
    return max(each.stat().st_mtime for each in (folder, *folder.rglob("*")))


def _remove(folder: Path, store: Store) -> None:
    """Remove an entry so that nobody sees half of it: it is renamed first."""
    try:
        going = folder if folder.name.startswith(".") else folder.with_name(f".{folder.name}.going")
        if going != folder:
            folder.rename(going)
        shutil.rmtree(going)
    except OSError as problem:
        raise UserError(f"The store {store.root} cannot be written ({problem.strerror}); make it writable.") from None


def export(store: Store, out: Path, kinds: Sequence[str] = ()) -> Path:
    """Copy the entries of some kinds (none named: all) into the new folder `out`, which is a store too; return it."""
    if out.exists() and any(out.iterdir() if out.is_dir() else [out]):
        raise UserError(f"{out} is there already; name a folder that is new, so that nothing of yours is replaced.")
    chosen = [entry for kind in (kinds or (None,)) for entry in _chosen(store, kind)]
    problems = [problem for entry in chosen if (problem := store.problem(entry.path))]
    if problems:
        raise UserError(problems[0])
    target = Store(out)
    try:
        for entry in chosen:
            target.adopt(entry)
    except OSError as problem:
        raise UserError(f"{out} cannot be written ({problem.strerror}); name another folder.") from None
    return out
