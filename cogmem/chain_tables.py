"""Read a user's own chains of reproductions: one CSV file in, one Record out, or one sentence on what to put right."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.cells import Sheet, number, read_bytes, read_sheet, short
from cogmem.core import Curve, Design, Record, Source
from cogmem.errors import UserError
from cogmem.human_data.build_chains import display_rows
from cogmem.paradigms.chain_measures import in_order
from cogmem.spaces import space_of
from cogmem.trials import Trials

Array = NDArray[np.float64]

KEYS: Final = ("chain", "generation")
STIMULI: Final[Mapping[str, tuple[str, ...]]] = {"line": ("value",), "circle": ("angle",), "dots": ("dot", "x", "y")}
"""The columns that hold a stimulus, by the space it is of."""
SPELLINGS: Final = frozenset({*KEYS, "participant", "root", *(name for names in STIMULI.values() for name in names)})


def is_chains(path: Path) -> bool:
    """Return whether the first line of a CSV file names chain and generation."""
    sheet = read_sheet(read_bytes(path), path.name, SPELLINGS)
    return all(name in sheet.columns for name in KEYS)


def read_chains(
    path: str | PathLike[str], *, low: float | None = None, high: float | None = None, radius: float | None = None
) -> Record:
    """Return the chains in a CSV file as a record, which the measures of serial_reproduction read; nothing is written.

    One row a reproduction, with `chain`, `generation` (0 is the root, then 1, 2, ...) and the stimulus: `value` (a line
    from `low` to `high`, None: open), `angle` (degrees), or `dot`, `x` and `y` (a row for each dot, from the middle of
    a disc of `radius`; None: as far as the dots go). Optional are `participant` and `root`, which names what a chain
    began with: chains of one root are not independent. UserError says which cell or generation is wrong.
    """
    file = Path(path).name
    data = read_bytes(Path(path))
    sheet = read_sheet(data, file, SPELLINGS)
    space = _space(sheet)
    chains, numbers = sheet.columns["chain"].all().astype(np.str_), _numbers(sheet, "generation")
    values = np.stack([_numbers(sheet, name) for name in STIMULI[space] if name != "dot"], axis=-1)
    if (numbers != np.floor(numbers)).any() or (numbers < 0).any():
        row = int(((numbers != np.floor(numbers)) | (numbers < 0)).argmax())
        raise _wrong(sheet, "generation", row, "a whole number: 0 for the root, then 1, 2, ...")
    rows = {"chain": chains, "generation": numbers.astype(np.int64), "line": np.array(sheet.lines)}
    rows |= {name: _text(sheet, name) for name in ("participant", "root") if name in sheet.columns}
    table, stimuli = _displays(sheet, rows, values) if space == "dots" else (rows, values[:, 0])
    _check_order(file, table)
    settings: dict[str, Any] = {"space": space, "low": low, "high": high}
    if space == "dots":
        reach = float(np.hypot(stimuli[..., 0], stimuli[..., 1]).max()) if radius is None else radius
        settings |= {"n_dots": stimuli.shape[1], "radius": max(reach, 1e-9), "separation": 0.0}
    outside = ~space_of(settings).inside(stimuli)
    if outside.any():
        row = int(outside.argmax())
        raise UserError(
            f"{file}, line {table['line'][row]}: chain {table['chain'][row]}, generation {table['generation'][row]} "
            f"lies outside the {space} ({np.round(stimuli[row], 3).tolist()}); correct it, or give wider bounds."
        )
    return _record(file, data, table, stimuli, settings)


def _space(sheet: Sheet) -> str:
    """Return the space whose columns the file has; UserError names what is missing."""
    missing = [name for name in KEYS if name not in sheet.columns]
    found = [space for space, names in STIMULI.items() if all(name in sheet.columns for name in names)]
    if missing or len(found) != 1:
        raise UserError(
            f"{sheet.file} needs the columns chain and generation, and either value, or angle, or dot with x and y; it "
            f"has {', '.join(short(name) for name in sheet.header[:10])}."
        )
    return found[0]


def _numbers(sheet: Sheet, name: str) -> Array:
    column = sheet.columns[name]
    found = np.array([number(cell) for cell in column.values])[column.codes]
    if not np.isfinite(found).all():
        raise _wrong(sheet, name, int((~np.isfinite(found)).argmax()), "a finite number")
    return found


def _text(sheet: Sheet, name: str) -> NDArray[np.str_]:
    found = sheet.columns[name].all().astype(np.str_)
    if (found == "").any():
        raise _wrong(sheet, name, int((found == "").argmax()), "a name")
    return found


def _wrong(sheet: Sheet, name: str, row: int, needs: str) -> UserError:
    value = sheet.columns[name][row]
    found = f"holds {short(value)}" if value else "is empty"
    return UserError(
        f"{sheet.file}, line {sheet.lines[row]}, column {name!r}: the cell {found} but needs {needs}; correct that row."
    )


def _displays(sheet: Sheet, rows: dict[str, NDArray[Any]], values: Array) -> tuple[dict[str, NDArray[Any]], Array]:
    """Return one row a display and the dots of each, from one row a dot."""
    new = np.ones(len(values), dtype=bool)
    new[1:] = (rows["chain"][1:] != rows["chain"][:-1]) | (rows["generation"][1:] != rows["generation"][:-1])
    starts = np.flatnonzero(new)
    sizes = np.diff(np.append(starts, len(values)))
    if (sizes != sizes[0]).any():
        row = int(starts[(sizes != sizes[0]).argmax()])
        raise UserError(
            f"{sheet.file}, line {rows['line'][row]}: chain {rows['chain'][row]}, generation {rows['generation'][row]} "
            f"has {sizes[(sizes != sizes[0]).argmax()]} dots where the first display has {sizes[0]}; every display "
            "needs as many, in rows that follow one another."
        )
    return {name: column[starts] for name, column in rows.items()}, values.reshape(len(starts), int(sizes[0]), 2)


def _check_order(file: str, table: Mapping[str, NDArray[Any]]) -> None:
    """Check that each chain has a root and the generations after it, once each and in order."""
    for name in dict.fromkeys(table["chain"].tolist()):
        own = table["generation"][table["chain"] == name]
        if own[0] != 0 or len(own) < 2:
            raise UserError(
                f"{file}: chain {name} begins with generation {own[0]} and has {len(own)} rows; each chain needs its "
                "root as generation 0 and one reproduction or more."
            )
        in_order([name] * (len(own) - 1), own[1:].tolist(), where=file)


def _record(
    file: str, data: bytes, table: Mapping[str, NDArray[Any]], stimuli: Array, settings: Mapping[str, Any]
) -> Record:
    """Return the record: stimuli are the items, each row but the roots a test."""
    made = np.flatnonzero(table["generation"] > 0)
    names = {name: k for k, name in enumerate(dict.fromkeys(table["chain"].tolist()), 1)}
    chain = np.array([names[name] for name in table["chain"].tolist()])
    place = {key: k for k, key in enumerate(zip(chain.tolist(), table["generation"].tolist(), strict=True))}
    before = np.array([place[int(chain[k]), int(table["generation"][k]) - 1] for k in made])
    roots = table.get("root", table["chain"])
    numbers = {name: k for k, name in enumerate(dict.fromkeys(roots.tolist()), 1)}
    columns = {
        "phase": np.full(len(made), "test"),
        "participant": table.get("participant", np.full(len(chain), "all"))[made],
        "chain": chain[made],
        "generation": table["generation"][made],
        "item": before,
        "target": before,
        "root": np.array([place[int(chain[k]), 0] for k in made]),
        "root_number": np.array([numbers[roots[k]] for k in made]),
    }
    design = Design("serial_reproduction", 0, settings, 0, Trials(columns), stimuli)
    source = Source(who=file, sha256=hashlib.sha256(data).hexdigest())
    return Record(design, Path(file).stem, stimuli[made], None, source)


def measured_dots(record: Record) -> Curve:
    """Return a record of dots as the table of measures that people's shipped chains are: a row a display.

    UserError where chains have different lengths: a law by generation needs all of them.
    """
    tests = record.design.tests
    chains = np.unique(tests["chain"])
    lengths = np.array([(tests["chain"] == chain).sum() for chain in chains])
    if (lengths != lengths[0]).any():
        raise UserError(
            f"{record.subject}: chains have from {lengths.min()} to {lengths.max()} generations; a comparison by "
            "generation needs chains of one length: leave out the generations that not all have."
        )
    rows: list[dict[str, Any]] = []
    for chain in chains:
        own = tests["chain"] == chain
        display = np.concatenate([record.design.items[tests["root"][own][:1]], record.answers[own]])
        rows += display_rows(display, root=int(tests["root_number"][own][0]), chain=int(chain))
    table = {name: np.array([np.nan if row[name] is None else row[name] for row in rows]) for name in rows[0]}
    n = len(rows)
    axis = {"x": table["generation"].astype(float), "y": table["dispersion"], "n": np.ones(n), "sd": np.full(n, np.nan)}
    return Curve("dispersion", record.subject, Trials(axis | table), record.source)
