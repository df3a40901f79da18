"""Data as a folder of the Psych-DS form: dataset_description.json (JSON-LD, schema.org) and CSV files below data/.

Psych-DS 1 asks for `name`, `description` and `variableMeasured`, which names every column of every file, and for file
names of words and values: study-STUDY_description-TABLE_data.csv.
"""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from cogmem import catalogue
from cogmem.columns import COLUMNS, Column
from cogmem.errors import UserError
from cogmem.exports import write_csv
from cogmem.human_data.loading import read_table
from cogmem.trials import Trials

DESCRIPTION: Final = "dataset_description.json"
ANSWER: Final = Column("answer", "", "", "what was answered; its meaning is that of the paradigm")
SECONDS: Final = Column("seconds", "float", "s", "how long the answer took")


def write(
    out: Path, *, name: str, description: str, tables: Mapping[str, Trials],
    columns: Mapping[str, Column] | None = None, **more: Any,
) -> Path:  # fmt: skip
    """Write tables as a Psych-DS folder `out` and return it; a second axis of a column becomes name_0, name_1, ...

    `columns` tells what columns mean that are not in our vocabulary; `more` are further fields of schema.org (citation,
    license, ...), empty ones left out. UserError where `out` holds something already. It appears whole or not at all.
    """
    if not tables or not name or not description:
        raise UserError("A Psych-DS folder needs a name, a description and at least one table.")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"The folder {out} is not empty; name one that is new, so that nothing of yours is replaced.")
    known = {**COLUMNS, "answer": ANSWER, "seconds": SECONDS, **(columns or {})}
    variables: dict[str, dict[str, str]] = {}
    unfinished = out.with_name(f".{out.name}.{uuid.uuid4().hex}")
    try:
        (unfinished / "data").mkdir(parents=True)
        for table, rows in tables.items():
            write_csv(rows, unfinished / "data" / f"study-{_word(name)}_description-{_word(table)}_data.csv")
            for column in rows.flat():
                variables.setdefault(column, _variable(column, known))
        content = {"@context": "https://schema.org", "@type": "Dataset", "name": name, "description": description,
                   "variableMeasured": list(variables.values())}  # fmt: skip
        content |= {key: value for key, value in more.items() if value}
        text = json.dumps(content, indent=2, ensure_ascii=False) + "\n"
        (unfinished / DESCRIPTION).write_text(text, encoding="utf-8")
        if out.is_dir():
            out.rmdir()
        unfinished.rename(out)
    except OSError as problem:
        raise UserError(f"The folder {out} cannot be written ({problem.strerror}); name another.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return out


def export(name: str, out: Path) -> Path:
    """Write the shipped tables of a data set of people as a Psych-DS folder `out` and return it."""
    data = catalogue.named("data set", name, catalogue.datasets())
    tables = {key: Trials(read_table(table)) for key, table in data.tables.items()}
    columns = {column.name: column for table in data.tables.values() for column in table.columns}
    return write(
        out, name=data.name, description=f"{data.title}. {data.notes}".strip(), tables=tables, columns=columns,
        citation=data.citation, license=data.licence, creator=data.who,
        isBasedOn=[file.url for file in data.files if file.url],
    )  # fmt: skip


def _word(name: str) -> str:
    """Return a name in letters and digits, as a value of a file name must be."""
    return re.sub(r"[^a-zA-Z0-9]+", "", name) or "x"


def _variable(name: str, known: Mapping[str, Column]) -> dict[str, str]:
    """Return what schema.org calls a property: the column's name, meaning and unit."""
    column = known.get(name) or known.get(re.sub(r"_\d+$", "", name))
    told = {"@type": "PropertyValue", "name": name}
    if column is not None:
        told["description"] = column.meaning
        if column.unit:
            told["unitText"] = column.unit
    return told
