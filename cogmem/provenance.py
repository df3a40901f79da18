"""What something was made with."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
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


def in_words(found: Mapping[str, str]) -> str:
    """Return versions as a list in words.

    >>> in_words({"Python": "3.11.7", "numpy": "2.3.5"})
    'Python 3.11.7, numpy 2.3.5'
    """
    return ", ".join(f"{name} {number}" for name, number in found.items())
