"""Questions in SQL about everything that is stored, answered by DuckDB from the Parquet files themselves."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cogmem.errors import UserError
from cogmem.store import RESPONSES, Store

if TYPE_CHECKING:
    import pandas as pd


def query(store: Store, sql: str) -> pd.DataFrame:
    """Return what a question in SQL gives, as a data frame; the store is only read.

    Views: `responses` (a row a test of every record: address, paradigm, subject, the columns of its design, answer,
    seconds), `entries` (a row an entry: kind, address, who, seconds, spec as JSON), and KIND_TABLE for each table of
    each kind (`record_trials`, `outcome_parameters`, ...) with the address of its entry. UserError says what DuckDB has
    against the question.
    """
    import duckdb

    with duckdb.connect() as connection:
        connection.execute("SET enable_progress_bar = false")
        try:
            _views(connection, store, sql)
            # A question reads the store and nothing else, and writes nowhere.
            connection.execute(f"SET allowed_directories = [{_text(Path(store.root).resolve())}]")
            connection.execute("SET enable_external_access = false")
            connection.execute("SET lock_configuration = true")
            return connection.execute(sql).df()
        except duckdb.Error as problem:
            raise UserError(f"The question cannot be answered: {str(problem).strip()}") from None


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _views(connection: Any, store: Store, sql: str) -> None:
    """Make the views that a question names: each looks into every file of its kind."""
    root = Path(store.root).resolve()
    words = set(re.findall(r"[a-z0-9_]+", sql.lower()))
    for kind, table in _tables(root):
        name = "responses" if (kind, table) == ("record", RESPONSES) else f"{kind}_{table}"
        if name.lower() in words:
            files = _text(root / kind / "*" / f"{table}.parquet")
            # The folder of a file is the address of its entry.
            connection.execute(
                f'CREATE VIEW "{name}" AS SELECT right(parse_dirpath(filename), 64) AS address, * EXCLUDE filename '
                f"FROM read_parquet({files}, union_by_name = true, filename = true)"
            )
    if "entries" in words:
        rows = [(each.kind, each.address, each.about["who"], each.about["seconds"], json.dumps(each.spec))
                for each in store.ls()]  # fmt: skip
        connection.execute("CREATE TABLE entries (kind text, address text, who text, seconds double, spec json)")
        if rows:
            connection.executemany("INSERT INTO entries VALUES (?, ?, ?, ?, ?)", rows)


def _tables(root: Path) -> list[tuple[str, str]]:
    """Return (kind, table) of every table of every kind: of the entries that were looked at first."""
    found: dict[tuple[str, str], None] = {}
    for kind in sorted(path for path in root.glob("*") if path.is_dir()):
        for entry in sorted(kind.iterdir())[:LOOKED_AT]:
            if not entry.name.startswith("."):
                found |= dict.fromkeys((kind.name, file.stem) for file in sorted(entry.glob("*.parquet")))
    return list(found)


LOOKED_AT = 50
"""Entries of a kind whose tables are named: entries of one kind have the same tables, all but a few optional ones."""
