"""`compare` on every data set and every shape of a user's file: a result or one sentence, and nothing made up."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cogmem as cm
from cogmem.catalogue import datasets
from cogmem.comparisons import predict_rows
from cogmem.core import Curve, Subject
from cogmem.errors import UserError
from cogmem.figures.figure import points_of
from cogmem.figures.forgetting import draw
from cogmem.jobs import forgetting
from cogmem.lineups import LineUp, line_up
from cogmem.store import Store
from cogmem.subjects.equation import Equation
from cogmem.tables import read_curve

FEW = (cm.models.power, cm.models.exponential)
WITHOUT_INTERVALS = {"howard_kahana_2005"} | {
    name for name, data in datasets().items() if data.paradigm != "forgetting_curve"
}

COUNTS = "participant,retention_interval,correct,trials\n"
SAVINGS = "participant,retention_interval,savings\n"
WHO = "participant,retention_interval,retention\n"
FILES = {
    "counts": COUNTS + "a,60,18,20\na,3600,12,20\na,86400,8,20\nb,60,19,20\nb,3600,15,20\nb,86400,5,20\n",
    "one participant": "retention_interval,correct,trials\n60,18,20\n3600,12,20\n86400,8,20\n",
    "retention": "retention_interval,retention\n60,.9\n3600,.6\n86400,.4\n604800,.35\n",
    "retention with se": "retention_interval,retention,se\n60,.9,.05\n3600,.6,.05\n86400,.4,.04\n604800,.35,.06\n",
    "savings": SAVINGS + "a,60,.8\na,3600,.4\na,86400,-.1\nb,60,.7\nb,3600,.5\nb,86400,.2\n",
    "conditions": "condition,retention_interval,correct,trials\nx,60,18,20\nx,3600,12,20\ny,60,15,20\ny,3600,5,20\n",
    "no time passed": "retention_interval,correct,trials\n0,20,20\n60,18,20\n3600,12,20\n",
    "nothing recalled": WHO + "a,60,0\na,600,0\na,6000,0\nb,60,0\nb,600,0\nb,6000,0\n",
    "everything recalled": COUNTS + "a,60,20,20\na,3600,20,20\nb,60,20,20\nb,3600,20,20\n",
    "a row each": COUNTS + "a,60,18,20\nb,600,15,20\nc,6000,12,20\nd,60000,8,20\n",
}


@pytest.fixture(autouse=True)
def one_model_of_spacing(monkeypatch: pytest.MonkeyPatch) -> None:
    """People's spacing surface is the same beside every data set; one model of it is enough here."""
    monkeypatch.setattr(forgetting, "SPACING_MODELS", (cm.models.act_r,))


def check(human: Curve, models: tuple[Equation, ...], store: Store) -> dict[str, Any]:
    """Return the document of a comparison, once all that is in it is sound."""
    results = forgetting.compute(human, models=models, networks=False, store=store)
    document: dict[str, Any] = json.loads(json.dumps(forgetting.document(results), allow_nan=False))
    assert document["data"]["name"] == human.subject
    people, *fitted = document["subjects"]
    assert people["kind"] == "human"
    assert {row["name"] for row in fitted} == {model.name for model in models}
    for subject in fitted:
        assert subject["rmse"] >= 0
        assert all(math.isfinite(point["y"]) for point in subject["curve"])
        assert (subject["elpd_per_test"] is None) == (subject["elpd_se"] is None)
    # One participant has no others, so there is no ceiling: it stays empty.
    assert (people["ceiling"] is None) or len(human.participants) > 1
    assert points_of(draw(results))
    return document


@pytest.mark.parametrize("name", sorted(datasets()))
def test_every_data_set(name: str, tmp_path: Path) -> None:
    human = cm.load(name)
    assert isinstance(human, Curve)
    if name in WITHOUT_INTERVALS:
        with pytest.raises(UserError, match="has no retention intervals"):
            check(human, FEW, Store(tmp_path))
    else:
        check(human, FEW, Store(tmp_path))


@pytest.mark.parametrize("shape", FILES)
def test_every_shape_of_a_users_file(shape: str, tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(FILES[shape])
    check(read_curve(path), FEW, Store(tmp_path / "store"))


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(set(datasets()) - WITHOUT_INTERVALS))
def test_every_data_set_with_every_equation(name: str, tmp_path: Path) -> None:
    human = cm.load(name)
    assert isinstance(human, Curve)
    check(human, cm.models.MODELS, Store(tmp_path))


def test_what_was_never_there_is_an_empty_field(tmp_path: Path) -> None:
    path = tmp_path / "mine.csv"
    path.write_text(FILES["nothing recalled"])
    document = check(read_curve(path), FEW, Store(tmp_path / "store"))
    # Nothing varies, so nothing correlates.
    assert [subject["r"] for subject in document["subjects"]] == [None] * 3


def read(text: str, tmp_path: Path) -> Curve:
    path = tmp_path / "mine.csv"
    path.write_text(text)
    return read_curve(path)


def lined_up(human: Curve, *subjects: Subject) -> LineUp:
    return line_up(cm.paradigms.forgetting_curve, human, models=FEW[:1], subjects=subjects, seed=1)


def test_people_who_were_tested_once_are_fitted_as_one(tmp_path: Path) -> None:
    people, fitted = lined_up(read(FILES["a row each"], tmp_path)).entries
    assert set(fitted.parameters["participant"]) == {"all"}
    assert people.warnings == ("Nobody was tested after two delays, so all people are fitted as one.",)
    apart = lined_up(read(FILES["counts"], tmp_path)).entries
    assert set(apart[1].parameters["participant"]) == {"a", "b"}
    assert apart[0].warnings == ()


def test_what_no_equation_sees_is_said(tmp_path: Path) -> None:
    people = lined_up(read(FILES["conditions"], tmp_path)).entries[0]
    assert people.warnings == ("Rows differ in condition, which no equation sees: one curve goes through all of them.",)


def test_a_spacing_surface_keeps_its_delays_apart(tmp_path: Path) -> None:
    document = check(cm.load("cepeda_2008"), FEW[:1], Store(tmp_path))
    for subject in document["subjects"]:
        points = {(point["x"], point["retention_interval"]) for point in subject["curve"]}
        assert len(points) == len(subject["curve"]) == 26


def test_the_axis_is_named_as_what_it_is(tmp_path: Path) -> None:
    for name, label in (
        ("lewandowsky_2010", "Serial position"), ("cepeda_2008", "Gap between studies (days)"),
        ("mosteller_1970", "Retention interval (s)"),
    ):  # fmt: skip
        results = forgetting.compute(cm.load(name), models=FEW[:1], networks=False, store=Store(tmp_path))
        assert draw(results).panels[0].x_label == label
    positions = cm.load("lewandowsky_2010")
    assert "serial_position, which no equation sees" in lined_up(positions).entries[0].warnings[0]


def test_one_equation_has_no_second(tmp_path: Path) -> None:
    (row,) = check(read(FILES["retention"], tmp_path), FEW[:1], Store(tmp_path))["winners"]
    assert (row["wins"], row["second"], row["second's ELPD/test"]) == ("power", None, None)


def test_points_of_people_are_drawn_named_or_not(tmp_path: Path) -> None:
    for name, series in (("mosteller_1970", {"people, mean"}), ("ebbinghaus_1885", {"Ebbinghaus"})):
        results = forgetting.compute(cm.load(name), models=FEW[:1], networks=False, store=Store(tmp_path))
        assert {each.label for each in draw(results).panels[0].series if each.kind == "human"} == series


def test_a_test_at_once_has_a_place_on_the_axis(tmp_path: Path) -> None:
    human = read(FILES["no time passed"], tmp_path)
    assert draw(forgetting.compute(human, models=FEW[:1], networks=False, store=Store(tmp_path))).panels[0].x_scale == (
        "symlog"
    )


def test_a_machine_that_takes_another_test_predicts_nothing(tmp_path: Path) -> None:
    human = read(FILES["one participant"], tmp_path)
    subject = cm.models.power.subject(a=0.9, b=0.1)
    assert np.isfinite(predict_rows(subject, human, cm.paradigms.forgetting_curve, seed=1)).all()
    guessed = replace(human, rows=human.rows.with_columns({"guess": np.full(len(human.rows), 0.3)}))
    other = next(entry for entry in lined_up(guessed, subject).entries[1:] if entry.fit is None)
    assert (other.agreement.rmse, other.agreement.elpd_per_test, len(other.curve.rows)) == (None, None, 0)
    assert other.warnings == ("No prediction of 3 of 3 rows: the design that repeats this table has no such test.",)
