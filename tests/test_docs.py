"""The pages: every block of Python runs, every command they name is there, every link leads somewhere; and the package
that shows how to add an experiment from outside is installed, fitted and run."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

from cogmem.cli import app

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
NAMES = [str(page.relative_to(ROOT)) for page in PAGES]


def blocks(name: str, language: str) -> list[str]:
    """Return the blocks of a language on a page."""
    text = (ROOT / name).read_text("utf-8")
    return re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.S | re.M)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name != "README.md" and blocks(name, "python")])
def test_the_python_of_a_page_runs(name: str, tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", "\n".join(blocks(name, "python"))],
                          capture_output=True, text=True, timeout=600, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout


NOTEBOOKS = sorted((ROOT / "docs" / "notebooks").glob("*.ipynb"))


def test_every_experiment_that_is_compared_has_a_page_and_a_notebook() -> None:
    from cogmem.cli_jobs import COMPARABLE

    assert {path.stem for path in NOTEBOOKS} == set(COMPARABLE)
    for name in COMPARABLE:
        assert (ROOT / "docs" / f"{name}.md").is_file()
        assert f"notebooks/{name}.ipynb" in (ROOT / "docs" / f"{name}.md").read_text("utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_figures(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    nbformat, nbclient = (pytest.importorskip(name) for name in ("nbformat", "nbclient"))
    monkeypatch.setenv("COGMEM_STORE", str(tmp_path / "store"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("PYTHONWARNINGS", "ignore")
    notebook = nbformat.read(path, as_version=4)
    assert [cell.outputs for cell in notebook.cells if cell.cell_type == "code" and cell.outputs] == []
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = [str(output.get("data", {}).get("text/html", "")) for cell in notebook.cells if cell.cell_type == "code"
             for output in cell.outputs]  # fmt: skip
    assert sum(text.startswith('<img src="data:image/svg+xml') for text in shown) >= 2
    assert any("<table" in text for text in shown)


def known(words: list[str]) -> None:
    """Assert that a command line names a command of ours and options that it has."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command, rest = command.commands[rest[0]], rest[1:]
    options = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    assert [word for word in rest if word.startswith("--") and word.split("=")[0] not in options] == [], words


@pytest.mark.parametrize("name", NAMES)
def test_the_commands_of_a_page_are_there(name: str) -> None:
    text = (ROOT / name).read_text("utf-8")
    inline = re.findall(r"`(cogmem [a-z][^`]*)`", text)
    lines = [line for block in blocks(name, "sh") for line in block.splitlines() if line.startswith("cogmem ")]
    for line in (*inline, *lines):
        for part in re.split(r"\s\|\s", line.split("#")[0]):  # `cogmem data list | fetch NAME` names two
            words = part.split()
            if words[0] == "cogmem":
                known(words)


@pytest.mark.parametrize("name", NAMES)
def test_the_links_of_a_page_lead_somewhere(name: str) -> None:
    page = ROOT / name
    for link in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
        if not link.startswith("http"):
            assert (page.parent / link).exists(), link
    snippets = re.findall(r'--8<-- "([^"]+)"', page.read_text("utf-8"))
    assert len(snippets) == (5 if name == "docs/adding.md" else 0)
    assert [snippet for snippet in snippets if not (ROOT / snippet).is_file()] == []


# ---- the package from outside ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def outside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the package of docs/example into a folder of its own and return the folder."""
    folder = tmp_path_factory.mktemp("outside")
    shutil.copytree(ROOT / "docs" / "example", folder / "source")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run([*pip, "--target", str(folder / "site"), str(folder / "source")],
                          capture_output=True, text=True, timeout=300)  # fmt: skip
    assert done.returncode == 0, done.stderr
    return folder / "site"


def python(outside: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run Python where the package from outside is installed."""
    where = os.pathsep.join([str(outside), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    return subprocess.run([sys.executable, *words], capture_output=True, text=True, timeout=300,
                          cwd=outside, env=os.environ | {"PYTHONPATH": where})  # fmt: skip


def cogmem(outside: Path, *words: str) -> Any:
    done = python(outside, "-m", "cogmem.cli", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_package_from_outside_is_in_the_catalogue(outside: Path) -> None:
    found = cogmem(outside, "list")
    for kind, name in (("paradigms", "serial_position_curve"), ("models", "primacy_recency"),
                       ("datasets", "murdock_1962")):  # fmt: skip
        assert name in {row["name"] for row in found[kind]}, kind


def test_a_model_from_outside_is_fitted_to_data_from_outside(outside: Path) -> None:
    fitted = cogmem(outside, "fit", "primacy_recency", "murdock_1962", "--pooled")
    told = {row["parameter"]: row["mean"] for row in fitted["parameters"]}
    assert set(told) == {"a", "p", "d"}
    # Murdock's curves: about an eighth of the middle is recalled, and over half of the first word.
    assert 0.05 < told["a"] < 0.2
    assert 0.3 < told["p"] < 0.6


def test_an_experiment_from_outside_is_taken(outside: Path) -> None:
    made = cogmem(outside, "run", "serial_position_curve", "primacy_recency(a=0.2,p=0.5,d=0.35)",
                  "--set", "list_length=10", "--set", "n_lists=400")  # fmt: skip
    y = [row["y"] for row in made["curve"]]
    assert len(y) == 10
    # The equation by hand at the first, the fifth and the last word; .1 is four binomial standard errors of 400 lists.
    for place, trace, recent in ((1, 0.6, 0.0386), (5, 0.2073, 0.1565), (10, 0.2, 0.9003)):
        assert y[place - 1] == pytest.approx(1 - (1 - trace) * (1 - recent), abs=0.1)


def test_what_is_said_of_a_bad_registry(outside: Path, tmp_path: Path) -> None:
    from cogmem.errors import UserError
    from cogmem.human_data import read_datasets

    text = (outside / "cogmem_serial_position" / "registry.toml").read_text("utf-8")
    (tmp_path / "tables").mkdir()
    for content, sentence in (
        ("[datasets", "can be read"),
        ("x = 1\n", "lacks a word"),
        (text.replace('title = "', 'titel = "'), "has one too many"),
        (text.replace('"trials"]', '"trails"]'), "does not describe the column 'trails'"),
        (text, "names tables that are not there"),
    ):
        (tmp_path / "registry.toml").write_text(content, encoding="utf-8")
        with pytest.raises(UserError, match=sentence):
            read_datasets(tmp_path / "registry.toml")
    with pytest.raises(UserError, match="can be read"):
        read_datasets(tmp_path / "none.toml")


def test_a_name_that_is_taken_is_said(outside: Path) -> None:
    code = (
        "import cogmem as cm\nfrom cogmem import catalogue\nfrom cogmem_serial_position import extras\n"
        "print(cm.load('murdock_1962').rows['y'].max().round(2))\n"
        "catalogue.collect('model', [*extras.models], [('the entry point x', extras.models)])\n"
    )
    done = python(outside, "-c", code)
    assert done.stdout.strip() == "0.99"
    assert "'primacy_recency' is given by cogmem itself and by the entry point x; rename one" in done.stderr
