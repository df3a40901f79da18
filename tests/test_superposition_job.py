"""The comparison of superposed codes: what it needs, and the job to the end on some of the people and small fields."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.cli_jobs import COMPARABLE
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.figures import superposition as figures
from cogmem.figures.figure import points_of
from cogmem.human_data import load
from cogmem.jobs import recognition, superposition
from cogmem.jobs.sparsey_capacity import CapacitySettings, SimilaritySettings, Size, TimeSettings
from cogmem.jobs.superposed_designs import ListSettings
from cogmem.store import Store

SMALL = Size(60, 6, 6, 4)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make fields, lists and images small; the job runs in this process, which alone knows of it."""
    monkeypatch.setattr(superposition, "SIMILARITY", SimilaritySettings(SMALL, 8, (1.0, 0.5, 0.0), ("2014",), 3))
    monkeypatch.setattr(
        superposition, "CAPACITY", CapacitySettings(SMALL, (60, 120), (2, 4), (6, 12), lists=2, most=64)
    )
    monkeypatch.setattr(superposition, "TIMES", TimeSettings(SMALL, (20, 40), 10, 2))
    monkeypatch.setattr(superposition, "DIGITS", replace(superposition.DIGITS, grids=((1, 1.0, 6, 4),)))
    lists = ListSettings(
        60, 6, 2, 8, (4, 8), (0.3, 0.7), completed=8, completed_lists=2, cue_shares=(0.5,), noises=(0.5,),
        n_categories=2, sequences=4,
    )  # fmt: skip
    monkeypatch.setattr(superposition, "LISTS", lists)


def some_people() -> Curve:
    """Return two of the twelve experiments: 39 people."""
    human = load(recognition.DATA)
    return replace(human, rows=human.rows.where(np.isin(human.rows["experiment"], ["Koen_2010_pure", "Smith_2004"])))


def test_the_job_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no model of recognition or memory 'remm'; did you mean 'rem'"):
        superposition.compute(models=("remm",), store=Store(tmp_path))
    with pytest.raises(UserError, match="There is no model of recognition or memory 'sparsey'"):
        superposition.compute(models=("sparsey",), networks=False, store=Store(tmp_path))
    with pytest.raises(UserError, match=r"anderson_1974 has .* Take one of roc6_2015"):
        superposition.compute(load("anderson_1974"), store=Store(tmp_path))
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("small")
def test_memories_alone_take_the_lists(tmp_path: Path) -> None:
    for name in ("sparsey", "willshaw"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = superposition.memory_outcome(name, 1)
        assert set(found.curves) == {
            "code_similarity", "mantel", "completion", "repair", "recalled_by_length", "forced_choice",
            "rating_by_probe", "order",
        }  # fmt: skip
        assert all(np.isfinite(curve.rows["y"]).all() for curve in found.curves.values())
        assert found.curves["recalled_by_length"].rows["x"].tolist() == [4, 8]
    assert superposition.lists_of("hopfield").active == 30
    assert superposition.lists_of("sparsey").active == 6


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_job_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names, human = ("equal_variance", "unequal_variance", "sparsey"), some_people()
    results = superposition.compute(human, models=names, store=Store(tmp_path), workers=1)
    subjects = [entry.agreement.subject for entry in results.line_up.entries]
    assert subjects[0] == "roc6_2015"
    assert set(subjects[1:]) == {"equal_variance", "unequal_variance", "own_answers"}
    # 39 people: unequal variance is far above equal variance, and the others of an experiment tell the shape as well.
    told = {name: results.line_up.entry(name).agreement for name in subjects}
    scores = {name: each.elpd_per_test or -9 for name, each in told.items()}
    assert scores["unequal_variance"] > scores["equal_variance"] + 0.002
    assert scores["roc6_2015"] == pytest.approx(scores["unequal_variance"], abs=0.01)
    assert scores["own_answers"] < scores["unequal_variance"]
    assert (told["unequal_variance"].rmse or 9) < 0.02
    assert results.left_out["subject"].tolist() == ["unequal_variance", "equal_variance"]
    assert results.left_out["ess"].min() > 500
    behind = results.behind["roc6_2015"]
    assert set(behind["subject"].tolist()) == {"equal_variance", "unequal_variance", "own_answers", "people"}
    assert behind["behind"][behind["subject"] == "equal_variance"][0] > 0.002
    slopes = results.curves["z_slope"][0].rows
    assert set(slopes["group"].tolist()) == {"all", "Koen_2010_pure", "Smith_2004"}
    assert slopes["y"][0] < 1
    document = json.loads(json.dumps(superposition.document(results)))
    assert document["paradigm"] == "superposition"
    assert set(document["tables"]) == {"similarity", "capacity", "times", "digits"}
    drawing = figures.draw(results)
    points = points_of(drawing)
    assert len({point[0] for point in points}) == len(drawing.panels)
    COMPARABLE["superposition"].show(results)
    assert "Slope of people's z-ROCs" in capsys.readouterr().out
    again = superposition.compute(human, models=names, store=Store(tmp_path), workers=1)
    assert str(points_of(figures.draw(again))) == str(points)
