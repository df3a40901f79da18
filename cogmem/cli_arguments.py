"""What a user writes on the command line, turned into the things it names: a data set, settings, a subject, a store."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from cogmem.errors import UserError


def store(root: Path | None) -> Any:
    """Return the store in that folder, or the usual one."""
    from cogmem.store import Store

    return Store(root) if root else Store()


def data(name: str, table: str | None = None) -> Any:
    """Return the data set of that name, or the CSV file at that path."""
    from cogmem import catalogue
    from cogmem.human_data.loading import load
    from cogmem.tables import read_curve

    if name in catalogue.datasets():
        return load(name, table=table)
    if Path(name).suffix or Path(name).exists() or os.sep in name:
        return read_curve(Path(name))
    return catalogue.named("data set", name, catalogue.datasets())


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


def subject(text: str) -> Any:
    """Return the network of that name, or the model written as name(parameter=number, ...)."""
    from cogmem import catalogue

    known: dict[str, Any] = {**catalogue.models(), **catalogue.step_models()}
    name, _, inside = text.partition("(")
    if not inside:
        if name in known:
            wanted = ", ".join(f"{each.name}=..." for each in known[name].parameters)
            raise UserError(f"The model {name!r} needs its parameters: write it as '{name}({wanted})'.")
        return catalogue.named("network", name, catalogue.networks())
    theta: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in inside.rstrip(") ").split(","))):
        parameter, _, number = part.partition("=")
        try:
            theta[parameter.strip()] = float(number)
        except ValueError:
            raise UserError(f"A parameter is written name=number; got {part!r} in {text!r}.") from None
    return catalogue.named("model", name, known).subject(**theta)
