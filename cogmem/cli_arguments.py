"""What a user writes on the command line, turned into the things it names: a data set, settings, a subject, a store."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cogmem.errors import UserError

Json = Annotated[bool, typer.Option("--json", help="Print JSON for machines instead of tables.")]
StoreRoot = Annotated[Path | None, typer.Option("--store", help="Folder of stored results (default: COGMEM_STORE).")]


def store(root: Path | None) -> Any:
    """Return the store in that folder, or the usual one."""
    from cogmem.store import Store

    return Store(root) if root else Store()


def data(name: str, table: str | None = None) -> Any:
    """Return the data set of that name, or the CSV file at that path."""
    from cogmem import catalogue
    from cogmem.chain_tables import is_chains, measured_dots, read_chains
    from cogmem.tables import read_curve

    if name in catalogue.datasets():
        return catalogue.load(name, table=table)
    if Path(name).suffix or Path(name).exists() or os.sep in name:
        if is_chains(Path(name)):
            record = read_chains(Path(name))
            return measured_dots(record) if record.design.settings["space"] == "dots" else record
        return read_curve(Path(name))
    return catalogue.named("data set", name, catalogue.datasets())


def language_model(job: Any, wanted: bool | None) -> dict[str, bool]:
    """Return what `compute` of a job is told: to ask the language model there is (None: where there is one)."""
    from cogmem.jobs.language_models import available

    if not job.language_model:
        if wanted:
            raise UserError("No language model takes part in this comparison; leave out --language-model.")
        return {}
    return {"language_model": available() if wanted is None else wanted}


def settings(pairs: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs with JSON values; a value that is not JSON is text."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, text = pair.partition("=")
        if not equals:
            raise UserError(f"--set takes NAME=VALUE, such as n_items=100; got {pair!r}.")
        try:
            value = json.loads(text)
        except ValueError:
            value = text
        found[name] = tuple(value) if isinstance(value, list) else value
    return found


LANGUAGE_MODEL: Final = "language_model"
"""The subject that the environment names, or else the small one that is installed."""


@contextmanager
def taking(text: str, root: Path | None, *, shown: bool) -> Iterator[Any]:
    """Give the subject of that name; a language model is served while it lasts and its answers are stored.

    `shown`: a bar says how many of its tests it has answered.
    """
    if text != LANGUAGE_MODEL:
        yield subject(text)
        return
    from cogmem.jobs.language_models import present
    from cogmem.progress import bar

    with bar("asking the language model", shown=shown) as report, present(store(root), report) as model:
        yield model


def subject(text: str) -> Any:
    """Return the network of that name, or the model or reproducer written as name(parameter=number, ...)."""
    from cogmem import catalogue
    from cogmem.models.reproducers import REPRODUCERS

    known: dict[str, Any] = {**catalogue.models(), **catalogue.step_models()}
    name, _, inside = text.partition("(")
    if not inside:
        if name in known:
            wanted = ", ".join(f"{each.name}=..." for each in known[name].parameters)
            raise UserError(f"The model {name!r} needs its parameters: write it as '{name}({wanted})'.")
        if name in REPRODUCERS:
            raise UserError(f"The reproducer {name!r} needs parameters ({REPRODUCERS[name][1]}): '{name}(noise=0.3)'.")
        others = dict.fromkeys([*REPRODUCERS, LANGUAGE_MODEL])
        return catalogue.named("network", name, {**catalogue.networks(), **others})
    theta = _arguments(inside.strip().removesuffix(")"), text)
    if name in REPRODUCERS:
        try:
            return REPRODUCERS[name][0](**theta)
        except TypeError as problem:
            raise UserError(f"{text!r} does not fit {name}, which takes {REPRODUCERS[name][1]}: {problem}.") from None
    for parameter, value in theta.items():
        if not isinstance(value, float):
            raise UserError(f"A parameter is written name=number; got {parameter}={value!r} in {text!r}.")
    return catalogue.named("model", name, {**known, **dict.fromkeys(REPRODUCERS)}).subject(**theta)


_ARGUMENT: Final = re.compile(r"\s*(\w+)\s*=\s*(\[[^\]]*\]|[^,\[\]]+?)\s*(?:,|$)")


def _arguments(inside: str, text: str) -> dict[str, Any]:
    """Return name=value pairs: a number, a list of numbers in brackets, or a word."""
    found: dict[str, Any] = {}
    place = 0
    while place < len(inside.rstrip()):
        match = _ARGUMENT.match(inside, place)
        if match is None:
            raise UserError(f"A parameter is written name=number; got {inside[place:].strip()!r} in {text!r}.")
        name, value = match.groups()
        if value.startswith("["):
            found[name] = tuple(_number(each.strip(), text) for each in value[1:-1].split(","))
        else:
            found[name] = value if re.fullmatch(r"[A-Za-z_]\w*", value) else _number(value, text)
        place = match.end()
    return found


def _number(value: str, text: str) -> float:
    try:
        return float(value)
    except ValueError:
        raise UserError(f"A parameter is written name=number; got {value!r} in {text!r}.") from None


def curve(experiment: Any, records: Any, name: str) -> Any:
    """Return the measure of that name over the records; without a name, the first one that can be taken of them."""
    from cogmem.core import measure

    if name:
        return measure(experiment.measure(name), records)
    if "relearning" in records[0].design.tests.get("test_type", "recall"):
        return measure(experiment.measure("savings"), records)
    problem: UserError | None = None
    for each in experiment.measures:
        try:
            return measure(each, records)
        except UserError as found:
            problem = problem or found
    raise problem or UserError(f"{experiment.name} has no measures.")
