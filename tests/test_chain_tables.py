"""A user's own chains: what is read, what is scored, and one sentence for everything that is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cogmem import cli_arguments
from cogmem.chain_tables import measured_dots, read_chains
from cogmem.core import chain, measure
from cogmem.errors import UserError
from cogmem.exports import answered
from cogmem.fitting import line_chains
from cogmem.human_data import load
from cogmem.jobs.reproduction import compute, document
from cogmem.paradigms import iterated_learning, serial_reproduction
from cogmem.store import Store
from cogmem.subjects.learner import LanguageLearner
from cogmem.subjects.reproducer import GaussianReproducer, MixtureReproducer

GOOD = "chain,generation,value\na,0,1.0\na,1,2.0\na,2,2.5\nb,0,5.0\nb,1,4.0\nb,2,3.5\n"
DISPLAY = "chain,generation,dot,x,y\n" + "".join(
    f"{c},{g},{d},{10 * d + g},{5 * d - c}\n" for c in (1, 2) for g in (0, 1, 2) for d in (1, 2, 3)
)


def read(text: str, tmp_path: Path, **bounds: float):  # type: ignore[no-untyped-def]
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return read_chains(path, **bounds)


def test_values_are_read_as_a_record_that_the_measures_take(tmp_path: Path) -> None:
    record = read(GOOD, tmp_path)
    assert record.subject == "mine"
    assert record.answers.tolist() == [2.0, 2.5, 4.0, 3.5]
    assert record.design.items[record.design.tests["target"]].tolist() == [1.0, 2.0, 5.0, 4.0]
    error = measure(serial_reproduction.measure("error"), record).rows["y"]
    drift = measure(serial_reproduction.measure("drift"), record).rows["y"]
    assert error.tolist() == [1.0, 0.5, 1.0, 0.5]
    assert drift.tolist() == [1.0, 1.5, 1.0, 1.5]


def test_dots_become_the_table_that_people_s_chains_are(tmp_path: Path) -> None:
    record = read(DISPLAY, tmp_path)
    assert record.answers.shape == (4, 3, 2)
    table = measured_dots(record)
    # Three dots on a line, 10 and 5 apart: distances to the middle one are the root of 125, mean of squares 2/3 of it.
    assert table.rows["y"] == pytest.approx(np.full(6, np.sqrt(250 / 3)))
    assert table.rows["nearest_neighbour"] == pytest.approx(np.full(6, np.sqrt(125)))
    assert set(load("vul_dots").rows) == set(table.rows) - {"dispersion"}
    angles = read(GOOD.replace("value", "angle"), tmp_path)
    assert angles.design.settings["space"] == "circle"


@pytest.mark.parametrize(
    ("text", "bounds", "words"),
    [
        (GOOD.replace("a,1,2.0\n", ""), {}, "Chain a of mine.csv: generation 1 is missing or out of order"),
        (GOOD.replace("a,2,2.5\n", "a,1,2.5\n"), {}, "generation 1 comes twice"),
        (GOOD.replace("a,1,2.0\na,2,2.5\n", "a,2,2.5\na,1,2.0\n"), {}, "missing or out of order"),
        (GOOD.replace("a,0,1.0\n", ""), {}, "chain a begins with generation 1"),
        (GOOD + "c,0,3.0\n", {}, "chain c begins with generation 0 and has 1 rows"),
        (GOOD, {"low": 0.0, "high": 4.5}, "line 5: chain b, generation 0 lies outside the line"),
        (GOOD.replace("2.5", "two"), {}, "line 4, column 'value': the cell holds 'two' but needs a finite number"),
        (GOOD.replace("a,2", "a,1.5"), {}, "needs a whole number"),
        (GOOD.replace("value", "score"), {}, "needs the columns chain and generation, and either value"),
        (DISPLAY.replace("1,1,3,31,14\n", ""), {}, "2 dots where the first display has 3"),
        (DISPLAY, {"radius": 5.0}, "lies outside the dots"),
    ],
)
def test_bad_chains_are_one_sentence(text: str, bounds: dict[str, float], words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as caught:
        read(text, tmp_path, **bounds)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_chains_of_different_length_have_no_law_by_generation(tmp_path: Path) -> None:
    longer = DISPLAY + "".join(f"2,3,{d},{d},{d}\n" for d in (1, 2, 3))
    with pytest.raises(UserError, match="from 2 to 3 generations"):
        measured_dots(read(longer, tmp_path))


# ---- values on a line: recovery, and the comparison -----------------------------------------------------------------


def chains_of(subject: GaussianReproducer | MixtureReproducer, generations: int, roots: int) -> str:
    design = serial_reproduction.design(
        seed=5, space="line", low=-4.0, high=4.0, n_roots=roots, chains_per_root=2, outside="clip"
    )
    records = chain(serial_reproduction, [subject], design, generations=generations, seed=6)
    lines = ["chain,generation,root,value"]
    for k in range(2 * roots):
        values = [float(records[0].design.items[records[0].design.tests["target"][k]])]
        values += [float(record.answers[k]) for record in records]
        lines += [f"{k},{g},{k // 2},{value}" for g, value in enumerate(values)]
    return "\n".join(lines) + "\n"


def test_a_gaussian_prior_is_recovered_from_values(tmp_path: Path) -> None:
    truth = GaussianReproducer(0.5, 1.0, 0.6)
    steps = line_chains.steps_of(read(chains_of(truth, 12, 60), tmp_path))
    found = line_chains.autoregressive(steps)
    # 1440 steps: the slope is told to .02, the prior's mean to .06, both sds to some 4 %.
    assert found.prior_mean == pytest.approx(0.5, abs=0.2)
    assert found.prior_sd == pytest.approx(1.0, rel=0.15)
    assert found.noise_sd == pytest.approx(0.6, rel=0.15)
    # The closed form is the density of one generation: against the same by quadrature for one component.
    one = MixtureReproducer((found.prior_mean,), (found.prior_sd,), (1.0,), found.noise_sd)
    assert line_chains.log_density(one, steps) == pytest.approx(line_chains.log_density(found, steps), abs=1e-6)


def test_two_categories_are_recovered_and_win(tmp_path: Path) -> None:
    truth = MixtureReproducer((-1.5, 1.5), (0.4, 0.4), (0.5, 0.5), 0.5)
    record = read(chains_of(truth, 8, 24), tmp_path)
    fitted = line_chains.fit_mixture(line_chains.steps_of(record), components=2, seed=1)
    assert sorted(fitted.means) == pytest.approx([-1.5, 1.5], abs=0.25)
    assert fitted.noise_sd == pytest.approx(0.5, rel=0.25)
    names = ["random_walk", "gaussian_reproducer", "mixture_of_2"]
    results = compute(record, models=names, store=Store(tmp_path / "store"), workers=1)
    found = json.loads(json.dumps(document(results), allow_nan=False))["comparisons"][0]
    people, best, *rest = found["subjects"]
    assert best["name"] == "mixture_of_2"
    score = {each["name"]: each["elpd_per_test"] for each in found["subjects"]}
    assert score["mixture_of_2"] > score["gaussian_reproducer"] > score["random_walk"]
    assert people["elpd_per_test"] is None
    assert len(rest) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GOOD, "has 2 roots"),
        ("chain,generation,value\n" + "".join(f"{c},{g},1\n" for c in "abcd" for g in (0, 1)), "values are the same"),
        (GOOD.replace("value", "angle"), "of the space 'circle'; a line is needed"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_says_why_and_writes_nothing(text: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        compute(read(text, tmp_path), store=Store(tmp_path / "store"))
    assert not (tmp_path / "store").exists()


# ---- the command line -----------------------------------------------------------------------------------------------


def cogmem(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cogmem.cli", *words], cwd=folder, capture_output=True, text=True, timeout=300,
        env={"COGMEM_STORE": str(folder / "store"), "PATH": "", "HOME": str(folder)},
    )  # fmt: skip


def test_compare_takes_a_user_s_chains(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text(chains_of(GaussianReproducer(0.0, 1.0, 0.5), 6, 10))
    chosen = ("--data", "mine.csv", "--models", "random_walk,gaussian_reproducer", "--json", "--out", "out")
    result = cogmem("compare", "serial_reproduction", *chosen, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    (part,) = json.loads(result.stdout)["comparisons"]
    assert {each["name"] for each in part["subjects"]} == {"mine", "random_walk", "gaussian_reproducer"}
    assert (tmp_path / "out" / "serial_reproduction.csv").read_text().startswith("panel,series,kind,x,y")
    for bad, words in (
        (("compare", "serial_reproduction", "--data", "murre_dros_2015"), "has no chains of dots"),
        (("compare", "iterated_learning"), "nothing to compare with"),
        (("compare", "forgetting_curve", "--data", "mine.csv"), "holds chains of reproductions"),
    ):
        refused = cogmem(*bad, folder=tmp_path)
        assert refused.returncode == 2
        assert words in refused.stderr
        assert "Traceback" not in refused.stderr


def test_run_takes_reproducers_and_generations(tmp_path: Path) -> None:
    subject = "mixture_reproducer(means=[-1, 1], sds=[0.4,0.4], weights=[1,1], noise_sd=0.5)"
    settings = ("--set", "space=line", "--set", "low=-3", "--set", "high=3", "--generations", "3")
    result = cogmem("run", "serial_reproduction", subject, *settings, "--json", "--out", "t.csv", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    found = json.loads(result.stdout)
    assert (found["subject"], found["measure"]) == ("mixture_reproducer", "value")
    assert {row["generation"] for row in found["curve"]} == {0, 1, 2, 3}
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + 300
    for bad, words in (
        ("dae(noise=0.3,environment=swis_roll)", "did you mean 'swiss_roll'"),
        ("dae(nois=0.3)", "does not fit dae, which takes noise, environment"),
        ("dae(noise=x y)", "written name=number"),
        ("dae", "needs parameters (noise, environment"),
        ("gausian_reproducer(prior_sd=1)", "did you mean 'gaussian_reproducer'"),
        ("gaussian_reproducer(prior_mean=0,prior_sd=0,noise_sd=1)", "prior_sd above 0"),
    ):
        with pytest.raises(UserError) as caught:
            cli_arguments.subject(bad)
        assert words in str(caught.value)


def test_trials_are_written_with_answers_of_several_numbers() -> None:
    design = iterated_learning.design(seed=1)
    (record,) = chain(iterated_learning, [LanguageLearner(0.5)], design, generations=1, seed=1)
    assert answered(record)["answer"].tolist() == record.answers.tolist()
    design = serial_reproduction.design(seed=1, n_roots=2, chains_per_root=1, n_dots=3)
    (record,) = chain(serial_reproduction, [GaussianReproducer(0.0, 90.0, 20.0)], design, generations=1, seed=1)
    assert answered(record)["answer"].shape == (2, 6)
    assert cli_arguments.curve(serial_reproduction, (record,), "").measure == "dispersion"
    assert cli_arguments.curve(serial_reproduction, (record,), "drift").measure == "drift"
