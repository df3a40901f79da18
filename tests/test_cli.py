"""The command line as a user meets it: JSON for machines, one sentence and exit code 2 for what must be put right."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

GOOD = "participant,retention_interval,correct,trials\na,60,18,20\na,600,14,20\na,6000,9,20\na,60000,6,20\n"


def cogmem(*arguments: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COGMEM_STORE": str(folder / "store"), **variables}
    command = [sys.executable, "-m", "cogmem.cli", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=300)


def refused(result: subprocess.CompletedProcess[str], *words: str) -> None:
    """Check for exit code 2 and one sentence that holds `words`, without a traceback and with nothing on stdout."""
    assert result.returncode == 2, result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_list_is_json(tmp_path: Path) -> None:
    listed = json.loads(cogmem("list", "--json", folder=tmp_path).stdout)
    assert set(listed) == {
        "paradigms", "models", "step_models", "networks", "reproducers", "datasets", "figures"
    }  # fmt: skip
    assert "power" in [row["name"] for row in listed["models"]]
    assert "murre_dros_2015" in [row["name"] for row in listed["datasets"]]


def test_data_list_names_the_tables(tmp_path: Path) -> None:
    listed = {row["name"]: row for row in json.loads(cogmem("data", "list", "--json", folder=tmp_path).stdout)}
    assert listed["vul_dots"]["tables"] == "memory, motor_control"
    assert listed["murre_dros_2015"]["citation"].startswith("Murre")


def test_fit_of_a_users_file(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(GOOD)
    result = cogmem("fit", "power", "mine.csv", "--json", "--out", "theta.csv", folder=tmp_path)
    document = json.loads(result.stdout)
    assert document["likelihood"] == "binomial"
    assert {row["parameter"] for row in document["parameters"]} == {"a", "b"}
    assert document["tests"] == 80.0
    for row in document["parameters"]:
        assert row["lower"] < row["estimate"] < row["upper"]
    assert (tmp_path / "theta.csv").read_text().startswith("participant,parameter,estimate")


def test_a_text_is_compressed(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("to be or not to be " * 20, encoding="utf-8")
    (tmp_path / "bytes.txt").write_bytes(b"to be \xff or not")
    chosen = ("compress", "text.txt", "--models", "lz78,symbols_alone", "--slice-length", "100", "--json")
    document = json.loads(cogmem(*chosen, "--slices", "0", folder=tmp_path).stdout)
    assert [row["subject"] for row in document["models"]] == ["lz78", "symbols_alone"]
    assert {row["n"] for row in document["models"]} == {3.0}
    refused(cogmem(*chosen, "--slices", "-1", folder=tmp_path), "0 (all) or more")
    refused(cogmem("compress", "text.txt", "--models", "lz87", folder=tmp_path), "did you mean 'lz78'")
    refused(cogmem("compress", "bytes.txt", "--models", "lz78", "--json", folder=tmp_path), "bytes.txt", "byte 6")


def test_compare_without_networks(tmp_path: Path) -> None:
    chosen = ("--models", "power,exponential", "--no-networks", "--json", "--out", "out")
    document = json.loads(cogmem("compare", "forgetting_curve", *chosen, folder=tmp_path).stdout)
    assert [subject["kind"] for subject in document["subjects"]] == ["human", "equation", "equation"]
    needed = {"name", "kind", "curve", "rmse", "r", "elpd_per_test", "elpd_se", "ceiling", "parameters", "seconds"}
    for subject in document["subjects"]:
        assert needed <= set(subject)
        assert set(subject["curve"][0]) == {"x", "y", "n", "sd"}
        assert len(subject["curve"]) == 7
    # Four people, two parameters each.
    assert len(document["subjects"][1]["parameters"]) == 8
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".pdf", ".svg", ".csv", ".txt"}


def test_run_prints_a_curve(tmp_path: Path) -> None:
    arguments = ("run", "forgetting_curve", "power(a=1.0,b=0.1)", "--set", "n_items=50", "--json")
    first, again = (json.loads(cogmem(*arguments, folder=tmp_path).stdout) for _ in range(2))
    assert first == again
    assert [row["n"] for row in first["curve"]] == [50.0] * 8


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("fit", "powr", "mine.csv"), ("powr", "did you mean 'power'?")),
        (("fit", "power", "nowhere.csv"), ("nowhere.csv",)),
        (("fit", "power", "murre_dros_2014"), ("did you mean 'murre_dros_2015'?",)),
        (("fit", "power", "mine.csv", "--method", "nut"), ("nut", "did you mean 'nuts'?")),
        (("fit", "power", "mine.csv", "--likelihood", "poisson"), ("poisson", "binomial")),
        (("compare", "forgeting_curve"), ("did you mean 'forgetting_curve'?",)),
        (("compare", "forgetting_curve", "--models", "wiebull"), ("did you mean 'weibull'?",)),
        (("run", "forgetting_curve", "power"), ("a=", "b=")),
        (("run", "forgetting_curve", "power(a=x,b=1)"), ("a=x",)),
        (("run", "forgetting_curve", "power(a=1,b=1)", "--set", "n_item=3"), ("did you mean 'n_items'?",)),
        (("run", "forgetting_curve", "power(a=1,b=1)", "--set", "n_items=0"), ("n_items", "at least 1")),
        (("run", "proactive_interference", "removal(rate=0.6)"), ("discrimination", "overlap")),
        (("run", "proactive_interference", "updating_lsmt"), ("did you mean 'updating_lstm'?",)),
        (("run", "proactive_interference", "lstm"), ("column 'item'",)),
        (("run", "forgetting_curve", "updating_gru"), ("column 'cue'",)),
        (("data", "fetch", "ricker"), ("did you mean 'ricker_2014'?",)),
        (("figures", "forgetting"), ("did you mean 'forgetting_curve'?",)),
        (("bench", "fits"), ("did you mean 'fit'?",)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else None,
)
def test_what_a_user_must_put_right(arguments: tuple[str, ...], words: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(GOOD)
    refused(cogmem(*arguments, folder=tmp_path), *words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine.csv"]


def test_a_model_of_interference_takes_its_experiment(tmp_path: Path) -> None:
    made = cogmem("run", "proactive_interference", "cue_overload(decay=1.2,leak=0.02,omission=0.3)", "--json",
                  "--set", "n_updates=[1,4]", "--set", "n_lists=50", folder=tmp_path)  # fmt: skip
    curve = json.loads(made.stdout)["curve"]
    assert {row["updates"] for row in curve} == {1, 4}
    one, four = (next(row["y"] for row in curve if row["updates"] == updates) for updates in (1, 4))
    assert one > four + 0.1


def test_a_language_model_is_named_before_it_is_asked(tmp_path: Path) -> None:
    nobody = {"COGMEM_LLM_URL": "http://127.0.0.1:9", "COGMEM_LLM_MODEL": "nobody"}
    asked = ("run", "proactive_interference", "language_model", "--set", "n_lists=1", "--json")
    refused(cogmem(*asked, folder=tmp_path, **nobody), "http://127.0.0.1:9", "cogmem llm serve")


def test_a_bad_file_writes_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(GOOD.replace("18,20", "28,20"))
    refused(cogmem("fit", "power", "mine.csv", "--out", "theta.csv", folder=tmp_path), "28", "20", "line 2")
    assert not (tmp_path / "theta.csv").exists()
