"""Every page of the app with every paradigm, figure and data set, without a browser; uploads that cannot be fitted."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from cogmem import catalogue, exhibits
from cogmem.app.own_data import EXAMPLE
from cogmem.cli_jobs import COMPARABLE
from cogmem.exhibits import Exhibit
from cogmem.figures.figure import Drawing, Panel, Series, rows_around
from cogmem.figures.gallery import FIGURES
from cogmem.store import Store

PAGES = ("overview", "comparison", "exploring", "own_data", "gallery", "datasets", "about")
CHART = "vega_lite_chart"


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """Give a store with a small comparison of every paradigm."""
    monkeypatch.setenv("COGMEM_STORE", str(tmp_path))
    st.cache_data.clear()
    st.cache_resource.clear()
    store = Store(tmp_path)
    for name in COMPARABLE:
        exhibits._kept(store, exhibits.spec_of(name), lambda name=name: small(name))
    yield store
    st.cache_data.clear()
    st.cache_resource.clear()


def small(name: str) -> Exhibit:
    people = Series("people", "human", rows_around([1.0, 10.0], [0.9, 0.5], 0.1))
    model = Series("power", "equation", rows_around([1.0, 10.0], [0.8, 0.55], 0.05))
    panels = tuple(Panel(f"{name} {k}", "x", "y", (people, model), "log") for k in range(6))
    ceiling = {"ceiling": 0.9, "ceiling_elpd": -0.5, "rmse": 0.1, "r": 0.9, "weight": None, "seconds": 1.0}
    subjects = [
        {"name": "data", "kind": "human", "elpd_per_test": -0.5, "elpd_se": 0.01, "parameters": [], "warnings": []},
        {"name": "power", "kind": "equation", "elpd_per_test": -0.45, "elpd_se": 0.01,
         "parameters": [{"parameter": "a", "estimate": 1.0, "lower": 0.9, "upper": 1.1}], "warnings": ["a note"]},
    ]  # fmt: skip
    line_up = {"data": {"name": "data", "measure": "recall"}, "subjects": [each | ceiling for each in subjects]}
    return Exhibit(name, Drawing(panels, f"Caption of {name}"), line_up)


def page(module: str, **query: str) -> AppTest:
    def run() -> None:
        import importlib

        import streamlit

        streamlit.session_state.setdefault("pages", {})
        importlib.import_module("cogmem.app." + streamlit.session_state["module"]).show()

    made = AppTest.from_function(run, default_timeout=60)
    made.session_state["module"] = module
    for name, value in query.items():
        made.query_params[name] = value
    return made.run()


def whole(made: AppTest) -> AppTest:
    assert not made.exception, [each.message for each in made.exception]
    return made


def charts(made: AppTest) -> list[dict[str, Any]]:
    return [json.loads(each.proto.spec) for each in made.get(CHART)]


@pytest.mark.parametrize("module", PAGES)
def test_a_page_opens(module: str) -> None:
    assert whole(page(module)).title[0].value


def test_the_overview_says_how_far_everybody_is_from_the_ceiling() -> None:
    made = whole(page("overview"))
    rows = charts(made)[0]
    assert "layer" in rows
    told = str(made.get(CHART)[0].proto)
    assert "power" in told
    assert "+0.050" in told
    assert len(made.get(CHART)) == 2


@pytest.mark.parametrize("paradigm", COMPARABLE)
def test_compare_shows_a_paradigm_that_the_address_names(paradigm: str) -> None:
    made = whole(page("comparison", paradigm=paradigm))
    assert made.selectbox(key="paradigm").value == paradigm
    assert len(charts(made)) == 4  # the first four panels of six
    assert any(f"Caption of {paradigm}" in each.value for each in made.caption)
    made.multiselect(key=f"panels-{paradigm}").set_value([f"{paradigm} 5"])
    made.toggle(key="residuals").set_value(True)
    made.radio(key="layout").set_value("side by side")
    titles = [each["title"] for each in charts(whole(made.run()))]
    assert titles == [f"{paradigm} 5", f"{paradigm} 5", f"{paradigm} 5: people less others"]
    made.multiselect(key=f"subjects-{paradigm}").set_value(["power"])
    assert len(whole(made.run()).dataframe) == 2


def test_compare_fits_equations_to_any_forgetting_data() -> None:
    made = whole(page("comparison", paradigm="forgetting_curve", data="ebbinghaus_1885"))
    assert made.dataframe[0].value["subject"][0] == "people"
    assert "ebbinghaus_1885" in made.code[0].value
    made.multiselect(key="models").set_value([])
    assert "Choose an equation" in whole(made.run()).info[0].value


@pytest.mark.parametrize("paradigm", catalogue.paradigms())
def test_explore_simulates_somebody_in_every_paradigm(paradigm: str) -> None:
    made = whole(page("exploring", paradigm=paradigm))
    assert not made.error
    assert len(charts(made)) == 1, [each.value for each in made.info]


def test_a_slider_moves_the_curve() -> None:
    made = whole(page("exploring", paradigm="forgetting_curve", people="ebbinghaus_1885"))
    before = made.get(CHART)[0].proto
    first = before.SerializeToString()
    made.slider(key="explore-forgetting_curve-exponential-a").set_value(0.3)
    after = whole(made.run()).get(CHART)[0].proto.SerializeToString()
    assert first != after
    assert "a=0.3" in made.code[0].value


def test_a_setting_that_no_design_has_is_a_sentence() -> None:
    made = whole(page("exploring", paradigm="forgetting_curve"))
    made.text_input(key="explore-forgetting_curve-exponential-set-retention_intervals").set_value("soon, later")
    assert "takes numbers with commas" in whole(made.run()).error[0].value


def test_the_lines_on_a_page_run() -> None:
    made = whole(page("exploring", paradigm="proactive_interference"))
    exec(made.code[0].value, {})  # as a user pastes them


@pytest.mark.parametrize("name", [figure.name for figure in FIGURES])
def test_every_figure_has_its_place(name: str) -> None:
    made = whole(page("gallery", figure=name))
    assert made.selectbox(key="figure").value == name
    assert made.button or charts(made)


def test_every_data_set_is_shown() -> None:
    made = page("datasets")
    for name in catalogue.datasets():
        made.selectbox(key="dataset").set_value(name)
        whole(made.run())
        assert charts(made), name
        assert made.dataframe


def upload(content: bytes, name: str = "mine.csv") -> AppTest:
    made = page("own_data")
    made.file_uploader[0].set_value((name, content, "text/csv"))
    return whole(made.run())


def test_a_file_of_ones_own_is_fitted() -> None:
    made = upload(EXAMPLE.encode())
    assert not made.error
    subjects = {row["subject"] for row in made.dataframe[0].value.to_dict("records")}
    assert subjects == {"people", "power", "exponential", "ebbinghaus"}
    assert any("8 rows of 2 participants" in each.value for each in made.caption)
    assert "curve_of(data, 'mine.csv'" in made.code[0].value


def test_columns_of_other_names_are_found_or_can_be_named() -> None:
    text = EXAMPLE.replace("retention_interval", "wait").replace("correct", "hits")
    made = upload(text.encode())
    assert made.selectbox(key="column-correct").value == "hits"
    assert "retention_interval" in made.text[0].value
    made.selectbox(key="column-retention_interval").set_value("wait")
    made = whole(made.run())
    assert not made.error
    assert len(made.dataframe) >= 1


HEAD = b"participant,retention_interval,correct,trials\n"
BAD_FILES = {
    "empty": b"",
    "blank": b"\n\n  \n",
    "binary": bytes(range(256)) * 40,
    "workbook": b"PK\x03\x04" + b"\0" * 200,
    "utf-16": EXAMPLE.encode("utf-16"),
    "latin-1": EXAMPLE.replace("anna", "Ännä").encode("latin-1"),
    "header alone": HEAD,
    "no delay": b"correct,trials\n1,2\n2,2\n",
    "no measure": b"retention_interval\n1\n2\n",
    "two measures": b"retention_interval,retention,savings\n1,.5,.5\n2,.4,.4\n",
    "one delay": HEAD + b"a,60,1,2\nb,60,2,2\n",
    "columns twice": b"retention_interval,retention,retention\n1,.5,.5\n2,.4,.4\n",
    "short row": HEAD + b"a,60,1,2\na,3600\n",
    "formula": HEAD + b"a,60,=1+1,2\na,3600,1,2\n",
    "command": HEAD + b"a,60,@cmd|' /C calc'!A0,2\na,3600,1,2\n",
    "more right than tests": HEAD + b"a,60,3,2\na,3600,1,2\n",
    "negative delay": HEAD + b"a,-60,1,2\na,3600,1,2\n",
    "text for a number": HEAD + b"a,soon,1,2\na,3600,1,2\n",
    "html in names": b"<script>alert(1)</script>,<img src=x onerror=alert(2)>\n1,2\n2,3\n",
    "html in cells": HEAD + b"a,<b>60</b>,1,2\na,3600,1,2\n",
    "open quote": HEAD + b'a,60,1,2\n"a,3600,1,2\n',
    "row twice": HEAD + b"a,60,10,20\na,60,10,20\na,3600,5,20\n",
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_a_file_that_cannot_be_fitted_gives_a_sentence(case: str) -> None:
    made = upload(BAD_FILES[case])
    assert made.error[0].value == "This file cannot be fitted yet:"
    sentence = made.text[0].value
    assert len(sentence) > 20
    assert "Traceback" not in sentence
    assert not made.dataframe
    # What a file holds is shown as text alone, nowhere as markup.
    assert all("<script" not in each.value and "<img" not in each.value for each in (*made.markdown, *made.error))
