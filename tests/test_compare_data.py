"""`compare` on every data set and every shape of a user's file: a result or one sentence, and nothing made up."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

import cogmem as cm
from cogmem.catalogue import datasets
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.figures.figure import points_of
from cogmem.figures.forgetting import draw
from cogmem.jobs import forgetting
from cogmem.store import Store
from cogmem.subjects.equation import Equation
from cogmem.tables import read_curve

FEW = (cm.models.power, cm.models.exponential)
WITHOUT_INTERVALS = {"howard_kahana_2005"}

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
