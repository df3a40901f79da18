"""Plans of studies: what a file means, what is wrong with one in a sentence, and that no file does worse."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cogmem as cm
from cogmem.errors import UserError
from cogmem.executors import engine
from cogmem.plans import Plan, read_plan
from cogmem.study_tables import write_tables
from tests.test_studies import study as scribes

GOOD = """
name = "spacing"
seeds = {first = 3, n = 2}
[[designs]]
paradigm = "forgetting_curve"
seeds = [1, 2]
settings = {n_items = 4, retention_intervals = [60.0, 3600.0]}
grid = {n_participants = [1, 2]}
[[subjects]]
name = "power"
parameters = {a = 1.0}
grid = {b = [0.1, 0.2, 0.3]}
"""


def read(tmp_path: Path, text: str, name: str = "plan.toml") -> Plan:
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_plan(tmp_path / name)


def test_a_plan_is_every_combination_in_the_order_of_the_file(tmp_path: Path) -> None:
    plan = read(tmp_path, GOOD)
    study = plan.study
    assert (study.name, study.seeds, len(study)) == ("spacing", (3, 4), 4 * 3 * 2)
    assert [(each.settings["n_participants"], each.seed) for each in study.designs] == [(1, 1), (1, 2), (2, 1), (2, 2)]
    assert study.designs[0].settings["retention_intervals"] == (60.0, 3600.0)
    assert [subject.theta["b"].tolist() for subject in study.subjects] == [[0.1], [0.2], [0.3]]
    assert [each.name for each in plan.measures["forgetting_curve"]] == ["retention"]


def test_a_plan_may_be_python(tmp_path: Path) -> None:
    text = (
        "import cogmem as cm\n"
        "design = cm.paradigms.forgetting_curve.design(n_items=4, seed=1)\n"
        "study = cm.Study('mine', (design,), (cm.models.power.subject(a=1.0, b=0.1),), (1, 2))\n"
        "measures = ['retention', 'd_prime']\n"
    )
    plan = read(tmp_path, text, "plan.py")
    assert len(plan.study) == 2
    assert [each.name for each in plan.measures["forgetting_curve"]] == ["retention", "d_prime"]


@pytest.mark.parametrize(("change", "sentence"), [
    (("name = \"spacing\"", "name = 3"), "name is a text; got 3"),
    (("seeds = {first", "seed = {first"), "The plan has no 'seed'; did you mean 'seeds'"),
    (("n = 2}", "n = 0}"), "seeds are whole numbers from 0"),
    (("n = 2}", "m = 2}"), "seeds has no 'm'"),
    (("{first = 3, n = 2}", "[1, 1]"), "each once"),
    (("{first = 3, n = 2}", "[true]"), "seeds are whole numbers"),
    (("{first = 3, n = 2}", "{n = 99999999}"), "seeds are whole numbers|cells"),
    (("seeds = [1, 2]", "seeds = [1]\nseed = 1"), "seed or seeds; got both"),
    (("[[designs]]", "[designs]"), r"needs one or more \[\[designs\]\]"),
    (('"forgetting_curve"', '"forgetting"'), "did you mean 'forgetting_curve'"),
    (("n_items = 4", "n_item = 4"), "did you mean 'n_items'"),
    (("n_items = 4", "n_items = 0"), "at least 1"),
    (("n_items = 4", 'n_items = "four"'), "cannot be laid out"),
    (("n_items = 4", "n_participants = 4"), "stands in settings and in grid"),
    (("n_participants = [1, 2]", "n_participants = 2"), "is a list of the values to take"),
    (("n_participants = [1, 2]", "n_participants = []"), "is a list of the values to take"),
    (('name = "power"', 'name = "powr"'), "did you mean 'power'"),
    (('name = "power"', 'name = "lstm"'), "lstm has no parameters to set"),
    (("parameters = {a = 1.0}", "parameters = {}"), "power needs the parameters"),
    (("parameters = {a = 1.0}", "parameters = [1.0]"), "parameters is a table"),
    (("parameters = {a = 1.0}", 'parameters = {a = "x"}'), "the parameter a of power is a number; got 'x'"),
    (('name = "spacing"', 'measures = ["retentoin"]'), "did you mean 'retention'"),
    (('name = "spacing"', 'measures = "retention"'), "measures are a list"),
    (("b = [0.1, 0.2, 0.3]", f"b = {[0.1] * 3000}, a2 = {[0.1] * 3000}"), "cells; 10,000,000 are the most"),
    (('name = "spacing"', "name = "), "no TOML that can be read"),
])  # fmt: skip
def test_what_is_wrong_with_a_plan_is_said(tmp_path: Path, change: tuple[str, str], sentence: str) -> None:
    assert change[0] in GOOD
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, GOOD.replace(*change))


@pytest.mark.parametrize(("text", "sentence"), [
    ("x = 1\n", "needs to bind `study` to a cogmem.Study; it binds NoneType"),
    ("1 / 0\n", "could not be run .ZeroDivisionError: division by zero"),
    ("import sys; sys.exit(3)\n", "could not be run .SystemExit: 3"),
    ("study =\n", "could not be run .SyntaxError"),
])  # fmt: skip
def test_what_is_wrong_with_a_python_plan_is_said(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        read(tmp_path, text, "plan.py")


def test_a_file_that_is_no_plan_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no file"):
        read_plan(tmp_path / "none.toml")
    with pytest.raises(UserError, match=r"is a \.toml or a \.py file; got plan.txt"):
        read(tmp_path, GOOD, "plan.txt")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UserError, match="no TOML that can be read"):
        read_plan(tmp_path / "bytes.toml")


small = st.none() | st.booleans() | st.integers(-3, 40) | st.floats(-5, 5) | st.text(max_size=5)
WORDS = st.sampled_from(["name", "seeds", "seed", "measures", "designs", "subjects", "paradigm", "settings", "grid",
                         "parameters", "first", "n", "a", "b", "n_items", "retention_intervals", "repetitions",
                         "spacing_gaps"])  # fmt: skip
NAMES = st.sampled_from(["forgetting_curve", "power", "exponential", "retention", "lstm", "x", ""])
values = st.recursive(
    small | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=8,
)


def toml(value: Any) -> str:
    """Return a value in TOML (None, which TOML lacks, as a text)."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(toml(each) for each in value) + "]"
    if isinstance(value, bool):
        return str(value).lower()
    return json.dumps(value) if isinstance(value, int | float | str) else '"none"'


PLANS = st.dictionaries(WORDS, values, max_size=5) | st.fixed_dictionaries({
    "seeds": values, "designs": st.lists(st.fixed_dictionaries({"paradigm": NAMES, "settings": values, "grid": values}),
                                         min_size=1, max_size=2),
    "subjects": st.lists(st.fixed_dictionaries({"name": NAMES, "parameters": values, "grid": values}), min_size=1,
                         max_size=2),
})  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(PLANS)
def test_any_plan_is_a_study_or_a_sentence(tmp_path: Path, content: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in content.items())
    said = ""
    try:
        assert len(read(tmp_path, text).study) >= 1
    except UserError as problem:
        said = str(problem)
    assert len(said) < 2000


# ---- tables ----------------------------------------------------------------------------------------------------------


def test_tables_do_not_depend_on_the_engine(tmp_path: Path) -> None:
    plan = read(tmp_path, GOOD)
    with engine("concurrent.futures:ThreadPoolExecutor", workers=3) as (make, many):
        two = cm.run_study(plan.study, store=cm.Store(tmp_path / "2"), executor=make, workers=many)
    one = cm.run_study(plan.study, store=cm.Store(tmp_path / "1"))
    paths = [write_tables(results, plan, tmp_path / name) for results, name in ((one, "a"), (two, "b"))]
    assert [path.name for path in paths[0]] == ["cells.csv", "points.csv", "points.parquet"]
    for a, b in zip(*paths, strict=True):
        assert a.read_bytes() == b.read_bytes()
    table = pyarrow.parquet.read_table(tmp_path / "a" / "points.parquet").to_pydict()
    # 24 cells, two delays each for one person, four for two.
    assert len(table["cell"]) == 12 * 2 + 12 * 4
    first = [k for k in range(len(table["cell"])) if table["cell"][k] == 23]
    record = one.records[23]
    rows = cm.measure(cm.paradigms.forgetting_curve.measure("retention"), record).rows
    assert [table["y"][k] for k in first] == rows["y"].tolist()
    assert json.loads(table["group"][first[0]])["participant"] == "p001"
    head, *cells = (tmp_path / "a" / "cells.csv").read_text().splitlines()
    assert head.startswith("cell,design,paradigm,design_seed,subject")
    assert len(cells) == 24


@pytest.mark.parametrize(("name", "more", "sentence"), [
    ("daks", {}, "did you mean 'dask'"),
    ("local", {"address": "tcp://1"}, "An address belongs to --executor dask"),
    ("nowhere:Pool", {}, "cannot be imported"),
    ("os:getcwd", {}, "gives str, not a concurrent.futures.Executor"),
])  # fmt: skip
def test_an_engine_that_is_none_is_said(name: str, more: dict[str, Any], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence), engine(name, **more) as (make, _):
        make()


def test_the_command(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cogmem.cli import app

    (tmp_path / "plan.toml").write_text(GOOD)
    words = ["study", str(tmp_path / "plan.toml"), "--store", str(tmp_path / "s"), "--out", str(tmp_path / "out"),
             "--executor", "concurrent.futures:ThreadPoolExecutor", "--json"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    told = json.loads(done.stdout)
    assert (told["cells"], told["computed"], told["failures"]) == (24, 24, [])
    again = json.loads(CliRunner().invoke(app, words).stdout)
    assert (again["computed"], again["tables"]) == (0, told["tables"])
    verify = ["store", "verify", "--plan", words[1], "--sample", "5", "--store", str(tmp_path / "s")]
    done = CliRunner().invoke(app, verify)
    assert (done.exit_code, "5 cells of spacing were computed again; 5 gave the same." in done.stdout) == (0, True)
    seen = json.loads(CliRunner().invoke(app, [*verify, "--json"]).stdout)
    assert (seen["damaged"], len(seen["recomputed"])) == ([], 5)
    bad = tmp_path / "bad.py"
    bad.write_text(
        "from dataclasses import dataclass\nimport cogmem as cm\n"
        "@dataclass(frozen=True)\nclass Bad:\n"
        "    name: str = 'bad'\n    version: int = 1\n    kind: str = 'equation'\n    needs: frozenset = frozenset()\n"
        "    def answer(self, design, rng):\n        raise ValueError('of the plan')\n"
        "design = cm.paradigms.forgetting_curve.design(n_items=1, seed=1)\n"
        "study = cm.Study('bad', (design,), (Bad(),))\n"
    )
    done = CliRunner().invoke(app, ["study", str(bad), "--store", str(tmp_path / "s"), "--out", str(tmp_path / "bad"),
                                    "--executor", "concurrent.futures:ThreadPoolExecutor", "--json"])  # fmt: skip
    assert done.exit_code == 1, done.output
    (failure,) = json.loads(done.stdout)["failures"]
    assert (failure["tries"], failure["cause"]) == (3, "ValueError: of the plan")
    assert (tmp_path / "bad" / "failures.csv").read_text().count("\n") == 2


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_computes_anew_what_it_had_given_up(tmp_path: Path) -> None:
    # Dask gives a task up when its fourth worker died; the fifth dies in the second try, and the sixth is done.
    from distributed import LocalCluster

    log = tmp_path / "log"
    with (
        LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster,
        engine("dask", address=cluster.scheduler_address) as (make, many),
    ):
        found = cm.run_study(scribes(log, n=1, dies=5), store=cm.Store(tmp_path / "1"), executor=make, workers=many,
                             strict=False, retries=1)  # fmt: skip
    assert (found.computed, found.failures) == (2, ())
    assert log.read_text().split("\n").count("0 0.2") == 6


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_dask_gives_the_same_while_its_workers_are_killed(tmp_path: Path) -> None:
    import os
    import signal
    import time
    from threading import Thread

    from distributed import LocalCluster

    plan = read(tmp_path, GOOD.replace("n = 2}", "n = 150}"))
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        killed: list[int] = []

        def kill() -> None:
            for k in range(4):
                time.sleep(1.0)
                pid = list(cluster.workers.values())[k % 2].pid
                if pid:
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

        with engine("dask", address=cluster.scheduler_address) as (make, many):
            assert many == 2
            thief = Thread(target=kill)
            thief.start()
            found = cm.run_study(plan.study, store=cm.Store(tmp_path / "1"), executor=make, workers=many, strict=False,
                                 retries=5)  # fmt: skip
            thief.join()
    assert len(killed) >= 2
    assert found.failures == ()
    alone = cm.run_study(plan.study, store=cm.Store(tmp_path / "2"))
    one, two = (write_tables(each, plan, tmp_path / name) for each, name in ((found, "a"), (alone, "b")))
    assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]
