"""The house itself: packages, doctests, studies that resume, the app's page, line-ups and figures."""

from __future__ import annotations

import ast
import doctest
import importlib
import importlib.util
import os
import pickle  # noqa: TID251  (only to see that results survive a worker process)
import subprocess
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cogmem as cm
from cogmem.figures.figure import Drawing, Panel, points_of, series
from cogmem.figures.page import write
from cogmem.lineups import line_up

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
ROOMS = {"cogmem.app": "app", "cogmem.human_data": "human_data", "cogmem.paradigms": "paradigms"}


def modules() -> list[str]:
    found = []
    for package in PROJECT["packages"]:
        folder = ROOT / ROOMS.get(package, package.replace(".", "/"))
        found += [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem != "__init__"]
    return found


def test_every_package_is_named() -> None:
    # One that is missing would import in the editable install and be absent from the wheel.
    inside = {".".join(path.parent.relative_to(ROOT).parts) for path in (ROOT / "cogmem").rglob("__init__.py")}
    assert set(PROJECT["packages"]) == inside | set(ROOMS)


@pytest.mark.parametrize("name", ["cogmem", *(name for name in modules() if name != "cogmem.app.page")])
def test_doctests(name: str) -> None:
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0


def test_nothing_runs_what_is_in_a_file_unless_it_is_asked_to() -> None:
    # Python plans are run (runpy, in cogmem.plans); nothing else that is read is code.
    never = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "yaml"}
    called = {"eval", "exec", "__import__"}
    found = []
    for name in modules():
        path = Path(str(importlib.util.find_spec(name).origin))  # type: ignore[union-attr]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Import(names=names):
                    found += [(name, each.name) for each in names if each.name.split(".")[0] in never]
                case ast.ImportFrom(module=str(module)) if module.split(".")[0] in never:
                    found.append((name, module))
                case ast.Call(func=ast.Name(id=str(called_name))) if called_name in called:
                    found.append((name, called_name))
                case ast.Call(func=ast.Attribute(value=ast.Name(id="torch"), attr="load")):
                    found.append((name, "torch.load"))
                case ast.keyword(arg="allow_pickle" | "trust_remote_code"):
                    found.append((name, str(node.arg)))
                case ast.Attribute(value=ast.Name(id="runpy")) if name != "cogmem.plans":
                    found.append((name, "runpy"))
    assert found == []


def test_importing_cogmem_is_light() -> None:
    heavy = ("torch", "pymc", "numba", "streamlit", "pandas", "scipy")
    code = f"import sys, cogmem; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_every_public_name_loads_and_is_documented() -> None:
    for name in cm.__all__:
        assert getattr(cm, name).__doc__, name


def power(exponent: float) -> cm.Subject:
    return cm.models.power.subject(a=1.0, b=exponent)


def test_a_study_resumes_and_does_not_depend_on_its_executor(tmp_path: Path) -> None:
    designs = tuple(cm.paradigms.forgetting_curve.design(n_items=20, seed=seed) for seed in (1, 2))
    study = cm.Study("power", designs, (power(0.1), power(0.2)), seeds=(1, 2))
    store = cm.Store(tmp_path / "one")
    half = cm.Study("power", designs[:1], study.subjects, study.seeds)
    assert cm.run_study(half, store=store).computed == 4
    first = cm.run_study(study, store=store)
    assert first.computed == 4
    assert cm.run_study(study, store=store).computed == 0
    with ThreadPoolExecutor(2) as pool:
        second = cm.run_study(study, store=cm.Store(tmp_path / "two"), executor=pool)
    for one, two in zip(first.records, second.records, strict=True):
        assert np.array_equal(one.answers, two.answers)


def test_a_line_up_ranks_by_elpd_and_survives_a_worker() -> None:
    human = cm.load("murre_dros_2015")
    chosen = [cm.models.exponential, cm.models.power]
    result = line_up(cm.paradigms.forgetting_curve, human, models=chosen, seed=1)
    assert [entry.agreement.subject for entry in result.entries] == ["murre_dros_2015", "power", "exponential"]
    assert sum(entry.weight or 0.0 for entry in result.entries) == pytest.approx(1.0, abs=1e-6)
    again = pickle.loads(pickle.dumps(result))
    assert np.array_equal(again.entries[1].fit.fitted, result.entries[1].fit.fitted)
    # Leaving a person's point out costs: the score of the fit itself is better than the one left out.
    fit = result.entries[1].fit
    assert fit is not None
    inside = np.log(np.exp(fit.log_likelihood).mean(axis=(0, 1))).sum() / len(human.rows)
    assert result.entries[1].agreement.elpd_per_test < inside


def test_the_ceiling_is_people_predicting_each_other() -> None:
    human = cm.load("murre_dros_2015")
    agreement = cm.compare(cm.fit(cm.models.power, human, seed=1), human, seed=1)
    rows = human.rows
    others = np.empty(len(rows))
    for k in range(len(rows)):
        same = (rows["x"] == rows["x"][k]) & (rows["participant"] != rows["participant"][k])
        others[k] = rows["y"][same].mean()
    assert agreement.ceiling == pytest.approx(np.corrcoef(others, rows["y"])[0, 1])
    assert agreement.ceiling_rmse == pytest.approx(np.sqrt(np.mean((others - rows["y"]) ** 2)))
    alone = cm.load("ebbinghaus_1885")
    assert cm.compare(cm.fit(cm.models.power, alone, seed=1), alone, seed=1).ceiling is None


def test_figures_repeat_byte_for_byte(tmp_path: Path) -> None:
    curve = cm.load("ebbinghaus_1885")
    panel = Panel("title", "x", "y", (series(curve, "Ebbinghaus"),), "log")
    drawing = Drawing((panel,), "caption")
    assert len(points_of(drawing)) == 7
    for folder in ("one", "two"):
        write(drawing, "figure", tmp_path / folder)
    for kind in ("pdf", "svg", "csv", "txt"):
        one, two = ((tmp_path / folder / f"figure.{kind}").read_bytes() for folder in ("one", "two"))
        assert one == two
    assert (
        (tmp_path / "one" / "figure.csv").read_text().splitlines()[1].startswith("title,Ebbinghaus,human,1200,0.582,")
    )


@pytest.mark.filterwarnings("ignore")
def test_the_page_of_the_app_draws() -> None:
    from streamlit.testing.v1 import AppTest

    page = AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=120).run()
    assert not page.exception
    assert not page.error
    assert page.title[0].value == "One memory experiment, taken by people and machines"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_the_lines_of_the_readme_run() -> None:
    blocks = [part.split("```")[0] for part in (ROOT / "README.md").read_text().split("```python\n")[1:]]
    assert len(blocks) == 2
    result = subprocess.run(
        [sys.executable, "-c", "\n".join(blocks)],
        capture_output=True,
        text=True,
        env={**os.environ},
        timeout=600,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.count("Agreement(") == 2
