"""Folders of the Psych-DS form: its rules on names and columns, for every data set and for answers of our own."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import pytest

import cogmem as cm
from cogmem import psych_ds
from cogmem.columns import Column
from cogmem.errors import UserError
from cogmem.exports import answered
from cogmem.trials import Trials

FILE = re.compile(r"([a-z]+-[a-zA-Z0-9]+)(_[a-z]+-[a-zA-Z0-9]+)*_data\.csv")  # Psych-DS 1, Datafile


def checked(folder: Path) -> tuple[dict[str, object], dict[str, list[list[str]]]]:
    """Return the description and the rows of all files of a folder that keeps the rules of Psych-DS."""
    assert sorted(each.name for each in folder.iterdir()) == ["data", "dataset_description.json"]
    told = json.loads((folder / "dataset_description.json").read_text("utf-8"))
    assert (told["@context"], told["@type"]) == ("https://schema.org", "Dataset")
    assert told["name"]
    assert told["description"]
    variables = [each["name"] for each in told["variableMeasured"]]
    assert len(variables) == len(set(variables))
    found = {}
    for file in sorted((folder / "data").iterdir()):
        assert FILE.fullmatch(file.name), file.name
        with file.open(newline="", encoding="utf-8") as text:
            found[file.name] = list(csv.reader(text))
    assert {name for rows in found.values() for name in rows[0]} == set(variables)
    return told, found


@pytest.mark.parametrize("name", list(cm.human_data.DATASETS))
def test_every_data_set_goes_out(name: str, tmp_path: Path) -> None:
    data = cm.human_data.DATASETS[name]
    told, found = checked(psych_ds.export(name, tmp_path / "new" / name))
    assert len(found) == len(data.tables)
    assert sorted(len(rows) - 1 for rows in found.values()) == sorted(table.rows for table in data.tables.values())
    assert told["citation"] == data.citation
    assert all(each.get("description") for each in told["variableMeasured"])  # type: ignore[attr-defined]


def test_answers_go_out_with_what_they_answer(tmp_path: Path) -> None:
    design = cm.paradigms.forgetting_curve.design(n_items=4, seed=1)
    record = cm.run(design, cm.models.power.subject(a=0.9, b=0.1), seed=2)
    tables = {"the tests": answered(record), "points": Trials({"x": np.array([[1.5, 2.0]]), "mine": np.array(["a"])})}
    mine = Column("mine", "str", "", "a word of my own")
    made = psych_ds.write(tmp_path / "mine", name="my study", description="a test", tables=tables,
                          columns={"mine": mine}, license="CC0", citation="")  # fmt: skip
    told, found = checked(made)
    assert list(found) == ["study-mystudy_description-points_data.csv", "study-mystudy_description-thetests_data.csv"]
    assert found["study-mystudy_description-points_data.csv"] == [["x_0", "x_1", "mine"], ["1.5", "2.0", "a"]]
    assert len(found["study-mystudy_description-thetests_data.csv"]) == 1 + len(record.answers)
    by_name = {each["name"]: each for each in told["variableMeasured"]}  # type: ignore[attr-defined]
    assert by_name["mine"]["description"] == "a word of my own"
    assert by_name["retention_interval"]["unitText"] == "s"
    assert told["license"] == "CC0"
    assert "citation" not in told


def test_nothing_is_replaced_and_nothing_is_left_half(tmp_path: Path) -> None:
    rows = {"t": Trials({"x": np.array([1.0])})}
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.tex").write_text("mine")
    with pytest.raises(UserError, match="is not empty"):
        psych_ds.write(tmp_path / "full", name="n", description="d", tables=rows)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(UserError, match="cannot be written"):
        psych_ds.write(tmp_path / "file", name="n", description="d", tables=rows)
    with pytest.raises(UserError, match="at least one table"):
        psych_ds.write(tmp_path / "none", name="n", description="d", tables={})
    with pytest.raises(UserError, match="did you mean 'ebbinghaus_1885'"):
        psych_ds.export("ebbinghaus_1888", tmp_path / "none")
    (tmp_path / "empty").mkdir()
    checked(psych_ds.write(tmp_path / "empty", name="n", description="d", tables=rows))
    assert sorted(each.name for each in tmp_path.iterdir()) == ["empty", "file", "full"]
    assert (tmp_path / "file").read_text() == "mine"
