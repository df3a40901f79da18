"""Who may import whom: read from the source of every module, imports inside functions too."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"cogmem": "cogmem", "cogmem.paradigms": "paradigms", "cogmem.human_data": "human_data", "cogmem.app": "app"}

# From left to right; a module imports from its own layer and from those to its right.
LAYERS: tuple[frozenset[str], ...] = (
    frozenset(
        {
            "app",
            "cli",
            "cli_arguments",
            "cli_jobs",
            "cli_llm",
            "cli_study",
            "exhibits",
            "figures",
            "participants",
            "printing",
            "reports",
        }
    ),
    frozenset({"jobs"}),
    frozenset({"benchmarks"}),
    frozenset(
        {
            "studies",
            "store",
            "comparisons",
            "lineups",
            "catalogue",
            "tables",
            "chain_tables",
            "recall_tables",
            "psych_ds",
            "store_care",
            "store_queries",
            "plans",
            "recomputing",
            "study_tables",
            "executors",
            "exports",
        }
    ),
    frozenset({"fitting"}),
    frozenset({"models"}),
    frozenset({"language_server"}),
    frozenset({"subjects"}),
    frozenset({"paradigms", "human_data"}),
    frozenset(
        {
            "core",
            "columns",
            "trials",
            "progress",
            "materials",
            "texts",
            "images",
            "addresses",
            "files",
            "cells",
            "divergences",
            "patterns",
            "spaces",
            "languages",
            "environments",
        }
    ),
    frozenset({"kernels"}),
    frozenset({"names", "errors", "notices", "workers", "provenance"}),
)
# Neighbours in that order that nevertheless know nothing of one another: N + M files, N x M experiments.
STRANGERS = (("subjects", "paradigms"), ("subjects", "human_data"), ("paradigms", "human_data"))

HEAVY = frozenset(
    {
        "torch",
        "pymc",
        "pytensor",
        "nutpie",
        "arviz",
        "numba",
        "streamlit",
        "matplotlib",
        "pandas",
        "scipy",
        "xarray",
        "tokenizers",
        "sksequitur",
    }
)
MAY_BE_HEAVY = (
    "cogmem.models.nets", "cogmem.subjects.nets", "cogmem.subjects.network_study", "cogmem.subjects.training",
    "cogmem.subjects.denoising", "cogmem.subjects.mixers", "cogmem.subjects.regressions",
    "cogmem.subjects.network_rules", "cogmem.subjects.sequence_networks",
    "cogmem.subjects.updating_training", "cogmem.fitting.external",
    "cogmem.kernels.cpu", "cogmem.kernels.cuda", "cogmem.benchmarks", "cogmem.app", "cogmem.figures",
)  # fmt: skip


@cache
def sources() -> dict[str, ast.Module]:
    """Return the syntax tree of every module of the package by its dotted name."""
    found = {}
    for base, folder in ROOMS.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            parts = file.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((base, *(part for part in parts if part != "__init__")))
            found[name] = ast.parse(file.read_text("utf-8"))
    return found


def imports(tree: ast.AST) -> Iterator[str]:
    """Yield the dotted name of every module (or name in a module) that is imported anywhere below `tree`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide the layer; write the whole name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top_level(node: ast.AST) -> Iterator[str]:
    """Yield what is imported when the module itself is: not in functions, not for the type checker only."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.Import | ast.ImportFrom):
            yield from imports(child)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from top_level(ast.Module(child.orelse, []))
        elif not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from top_level(child)


def room(name: str) -> str | None:
    """Return the word after `cogmem.` if it is a module or package of ours, else None (the public surface)."""
    parts = name.split(".")
    known = {module.split(".")[1] for module in sources() if "." in module}
    return parts[1] if parts[0] == "cogmem" and len(parts) > 1 and parts[1] in known else None


def rank(room_name: str) -> int:
    ranks = [k for k, layer in enumerate(LAYERS) if room_name in layer]
    assert ranks, f"cogmem.{room_name} has no layer: give it one in LAYERS of this test and in the design"
    return ranks[0]


def edges() -> Iterator[tuple[str, str, str]]:
    """Yield (module, its room, imported room) for every import of ours; the public surface may import all."""
    for module, tree in sources().items():
        mine = room(module)
        for name in imports(tree) if mine else ():
            other = room(name)
            if mine and other and other != mine:
                yield module, mine, other


def test_every_module_imports_only_to_its_right() -> None:
    wrong = {f"{module} imports cogmem.{other}" for module, mine, other in edges() if rank(other) < rank(mine)}
    assert not wrong


def test_paradigms_subjects_and_human_data_do_not_know_one_another() -> None:
    strangers = {*STRANGERS, *((right, left) for left, right in STRANGERS)}
    wrong = {f"{module} imports cogmem.{other}" for module, mine, other in edges() if (mine, other) in strangers}
    assert not wrong


def test_every_room_has_a_layer_and_every_layer_its_rooms() -> None:
    assert sources(), "no sources found"
    for module in sources():
        mine = room(module)
        if mine:
            assert rank(mine) >= 0


@pytest.mark.parametrize("name", ["paradigms", "human_data", "app"])
def test_rooms_are_never_imported_by_their_bare_names(name: str) -> None:
    tests = {f"tests.{file.stem}": ast.parse(file.read_text("utf-8")) for file in (ROOT / "tests").glob("*.py")}
    every = {**sources(), **tests}
    wrong = {module for module, tree in every.items() if any(found.split(".")[0] == name for found in imports(tree))}
    assert not wrong


def test_heavy_libraries_wait_until_they_are_needed() -> None:
    wrong = {
        f"{module} imports {name}"
        for module, tree in sources().items()
        for name in top_level(tree)
        if name.split(".")[0] in HEAVY and not module.startswith(MAY_BE_HEAVY)
    }
    assert not wrong


LIGHT = """
import sys
{statement}
print(",".join(sorted({heavy!r} & set(sys.modules))))
"""


@pytest.mark.parametrize(
    "statement",
    [
        "import cogmem",
        "import cogmem as cm; cm.paradigms; cm.models; cm.models.power; cm.load; cm.run; cm.Trials",
        "import cogmem.catalogue as c; c.models(); c.paradigms(); c.datasets()",
        "import cogmem.cli_jobs",
    ],
)
def test_importing_the_package_loads_nothing_heavy(statement: str) -> None:
    code = LIGHT.format(statement=statement, heavy=set(HEAVY))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == ""


def test_the_walk_sees_imports_inside_functions_and_not_those_for_the_type_checker() -> None:
    tree = ast.parse(
        "if TYPE_CHECKING:\n    import pandas\nelse:\n    import scipy\n"
        "try:\n    import numba\nexcept ImportError:\n    pass\n"
        "class C:\n    def f(self):\n        from torch import nn\ndef g():\n    import pymc as pm\n"
    )
    assert set(imports(tree)) == {"pandas", "scipy", "numba", "torch.nn", "pymc"}
    assert set(top_level(tree)) == {"scipy", "numba"}
