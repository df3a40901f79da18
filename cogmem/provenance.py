"""What something was made with."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Final

COMPUTED_WITH: Final = (
    "cogmem", "numpy", "scipy", "numba", "pymc", "nutpie", "arviz", "torch", "xllamacpp", "matplotlib",
)  # fmt: skip
"""Packages on which the numbers of a figure may depend."""


def versions(packages: Iterable[str] = COMPUTED_WITH) -> dict[str, str]:
    """Return the versions of Python and of those packages that are installed, by name."""
    return dict(_versions(tuple(packages)))


@cache
def _versions(packages: tuple[str, ...]) -> Mapping[str, str]:
    found = {"Python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # an extra, or run from a folder that was never installed
            continue
    return found


@cache
def code() -> str:
    """Return the sha256 of all sources and shipped tables that numbers can depend on: not of the app and commands."""
    found = sha256()
    for package in ("cogmem", "cogmem.paradigms", "cogmem.human_data"):
        root = Path(str(files(package)))
        for path in sorted(root.rglob("*")):
            inside = path.relative_to(root).as_posix()
            if path.suffix in (".py", ".toml", ".csv", ".txt") and not re.match(r"(app|benchmarks)/|cli", inside):
                found.update(f"{package}/{inside}\n".encode() + path.read_bytes())
    return found.hexdigest()


def in_words(found: Mapping[str, str]) -> str:
    """Return versions as a list in words.

    >>> in_words({"Python": "3.11.7", "numpy": "2.3.5"})
    'Python 3.11.7, numpy 2.3.5'
    """
    return ", ".join(f"{name} {number}" for name, number in found.items())
