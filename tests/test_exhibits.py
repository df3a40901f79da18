"""Exhibits: what is drawn and its scores, kept as JSON; rows that a table of everybody is made of; residuals."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import cogmem as cm
from cogmem import cli_jobs, exhibits, provenance
from cogmem.cli_jobs import COMPARABLE
from cogmem.errors import UserError
from cogmem.exhibits import Exhibit, best_of_groups, line_ups, parameters, scores, standings
from cogmem.figures import gallery
from cogmem.figures.figure import Drawing, Figure, Panel, Series, residuals, rows_around
from cogmem.figures.gallery import FIGURES
from cogmem.figures.looks import fixed_looks, looks_of
from cogmem.figures.page import files_of
from cogmem.progress import Report, silent
from cogmem.store import Store


def line_up(**ceiling: float | None) -> dict[str, Any]:
    """Return the line-up of people and two others as its JSON has it."""
    people = {"name": "data_1", "kind": "human", "elpd_per_test": -0.5, "elpd_se": 0.01, "parameters": []}
    model = {"name": "power", "kind": "equation", "elpd_per_test": -0.45, "elpd_se": 0.02,
             "parameters": [{"parameter": "a", "estimate": 1.0}]}  # fmt: skip
    network = {"name": "lstm", "kind": "network", "elpd_per_test": -0.75, "elpd_se": 0.03, "parameters": []}
    top: dict[str, float | None] = {"ceiling_elpd": -0.5, "ceiling": 0.9} | ceiling
    return {"data": {"name": "data_1", "measure": "recall"},
            "subjects": [each | top for each in (people, model, network)]}  # fmt: skip


def drawing() -> Drawing:
    people = Series("people", "human", rows_around([1.0, 10.0], [0.9, 0.5], [0.1, np.nan]))
    model = Series("power", "equation", rows_around([1.0, 10.0], [0.8, 0.55], 0.05))
    network = Series("lstm", "network", rows_around([2.0], [0.8]), points=True, joined=False)
    panel = Panel("A", "x", "y", (people, model, network), "log", (0.0, 1.0))
    ranks = Panel("B", "", "nats", (people,), y_scale="symlog", ticks=("one", "two"), legend=False)
    return Drawing((panel, ranks), "Caption: «words»", columns=3)


def test_the_comparisons_are_those_that_can_be_computed() -> None:
    assert tuple(COMPARABLE) == exhibits.COMPARISONS


def test_an_exhibit_is_read_as_it_was_written() -> None:
    made = Exhibit("forgetting_curve", drawing(), {"seed": 1, "part": line_up()})
    read = Exhibit.from_json(made.to_json())
    assert read.to_json() == made.to_json()
    assert (read.name, read.drawing.caption, read.drawing.columns) == ("forgetting_curve", "Caption: «words»", 3)
    for mine, theirs in zip(made.drawing.panels, read.drawing.panels, strict=True):
        assert (mine.title, mine.x_scale, mine.y_scale, mine.y_range, mine.ticks, mine.legend) == (
            theirs.title, theirs.x_scale, theirs.y_scale, theirs.y_range, theirs.ticks, theirs.legend
        )  # fmt: skip
        for one, other in zip(mine.series, theirs.series, strict=True):
            assert (one.label, one.kind, one.points, one.joined) == (
                other.label,
                other.kind,
                other.points,
                other.joined,
            )
            for name in ("x", "y", "lower", "upper"):
                np.testing.assert_allclose(one.rows[name], other.rows[name], rtol=1e-6)


def test_curves_of_one_measure_are_put_on_the_same_axes() -> None:
    paradigm, human = cm.paradigms.forgetting_curve, cm.load("ebbinghaus_1885")
    measure = paradigm.measure("retention")
    curve = cm.measure(
        measure, cm.run(paradigm.design(n_items=9, seed=1), cm.models.power.subject(a=1.0, b=0.1), seed=2)
    )
    made = exhibits.of_curves(human, curve, measure=measure, x_scale="log")
    (panel,) = made.drawing.panels
    assert [(each.label, each.kind) for each in panel.series] == [("ebbinghaus_1885", "human"), ("power", "equation")]
    assert (panel.x_scale, panel.y_label) == ("log", measure.y_label)
    assert panel.series[0].rows["y"].tolist() == human.rows["y"].tolist()
    assert b"<svg" in made.svg()


def test_an_exhibit_shows_itself_in_a_notebook() -> None:
    made = Exhibit("mine", drawing(), {})
    assert [panel.title for panel in made.only(1).drawing.panels] == ["B"]
    assert b"<svg" in made.svg()
    shown = replace(made, drawing=replace(drawing(), caption="a < b"))._repr_html_()
    assert shown.startswith('<img src="data:image/svg+xml;base64,')
    assert shown.endswith("<p>a &lt; b</p>")


def test_scores_say_how_far_everybody_is_from_people_told_by_people() -> None:
    rows = scores(line_up())
    assert [row["subject"] for row in rows] == ["people", "power", "lstm"]
    assert [row["beside_people"] for row in rows] == [None, pytest.approx(0.05), pytest.approx(-0.25)]
    assert [row["beside_people"] for row in scores(line_up(ceiling_elpd=None))] == [None] * 3
    assert parameters(line_up()) == [{"subject": "power", "parameter": "a", "estimate": 1.0}]


def test_every_line_up_of_a_document_is_found_under_its_title() -> None:
    inner = line_up() | {"title": "Hues"}
    found = line_ups(Exhibit("x", drawing(), {**line_up(), "lists": [inner], "other": {"seed": 1}}))
    assert list(found) == ["data_1 (recall)", "Hues"]


def test_the_best_of_each_group_stands_for_it() -> None:
    worse = line_up()
    worse["subjects"].append(worse["subjects"][1] | {"name": "exponential", "elpd_per_test": -0.6})
    rows = standings(Exhibit("forgetting_curve", drawing(), worse))
    assert [row["subject"] for row in rows] == ["power", "exponential", "lstm"]
    assert {row["paradigm"] for row in rows} == {"forgetting_curve"}
    assert [row["subject"] for row in best_of_groups(rows)] == ["power", "lstm"]
    assert standings(Exhibit("x", drawing(), line_up(ceiling_elpd=None))) == []


def test_residuals_are_people_less_who_is_at_the_same_x() -> None:
    panel = residuals(drawing().panels[0])
    assert panel is not None
    (only,) = panel.series  # the network was measured elsewhere
    assert only.label == "power"
    np.testing.assert_allclose(only.rows["y"], [0.1, -0.05])
    np.testing.assert_allclose(only.rows["upper"] - only.rows["y"], [0.1, np.nan])
    assert residuals(drawing().panels[1]) is None  # places on an axis of names are no x


def test_a_subject_looks_the_same_in_every_drawing() -> None:
    def drawn(*labels: str) -> dict[str, Any]:
        parts = tuple(Series(label, "equation", rows_around([1.0], [0.5])) for label in labels)
        return dict(looks_of(Drawing((Panel("A", "x", "y", parts),), "")))

    one, other = drawn("power", "lstm", "power, 7 d"), drawn("lstm, one", "transformer", "power")
    assert one["power"] == other["power"]
    assert one["power"] != one["lstm"]
    assert one["power, 7 d"][0] not in {one["power"][0], one["lstm"][0]}  # a colour that is left
    assert len(set(fixed_looks().values())) == len(fixed_looks())  # nobody looks like somebody else
    told = drawn("store, a", "store, a, theory", "store, b")
    assert told["store, a, theory"] == told["store, a"] != told["store, b"]
    many = drawn(*(f"variant {k}" for k in range(20)))
    assert len(set(many.values())) == 20


def test_the_files_of_a_drawing_are_those_that_are_written() -> None:
    files = files_of(drawing(), "name")
    assert set(files) == {"name.pdf", "name.svg", "name.csv", "name.txt"}
    assert files["name.csv"].splitlines()[1] == b"A,people,human,1,0.9,0.8,1"
    assert files["name.svg"] == files_of(drawing(), "name")["name.svg"]


def test_equations_are_lined_up_on_any_data() -> None:
    made = exhibits.lined_up(cm.load("murre_dros_2015"), models=("power", "exponential"), seed=1)
    (only,) = line_ups(made).values()
    assert {row["subject"] for row in scores(only)} == {"people", "power", "exponential"}
    assert {each.label for each in made.drawing.panels[0].series} >= {"power", "exponential"}
    with pytest.raises(UserError, match="did you mean 'power'"):
        exhibits.lined_up(cm.load("murre_dros_2015"), models=("powr",))


def test_a_comparison_that_is_stored_is_not_computed_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    job = COMPARABLE["forgetting_curve"]

    def compute(human: Any, **choices: Any) -> str:
        asked.append(choices["seed"])
        return "results"

    fake = replace(job, compute=compute, draw=lambda results: drawing(), document=lambda results: {"results": results})
    monkeypatch.setattr(cli_jobs, "COMPARABLE", {"forgetting_curve": fake})
    store = Store(tmp_path)
    assert exhibits.best_known("nothing_shipped", store=store) is None
    for seed in (1, 1, 2):
        made = exhibits.compared("forgetting_curve", seed=seed, store=store)
        assert made.document == {"results": "results"}
    assert asked == [1, 2]
    known = exhibits.best_known("forgetting_curve", store=store)
    assert known is not None
    assert known.document == {"results": "results"}
    with pytest.raises(UserError, match="no comparison 'forgetting'"):
        exhibits.compared("forgetting", store=store)


def test_a_figure_without_a_comparison_is_kept_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def draw(seed: int, store: Store, report: Any) -> Drawing:
        asked.append(seed)
        return drawing()

    monkeypatch.setattr(gallery, "FIGURES", (Figure("mine", "nobody", (), draw),))
    store = Store(tmp_path)
    assert exhibits.best_known("mine", store=store) is None
    for kept in (True, True, False):
        made = exhibits.drawn("mine", seed=1, store=store, kept=kept)
        assert made.drawing.caption == drawing().caption
        assert not made.document
    assert asked == [1, 1]
    assert exhibits.best_known("mine", store=store) is not None
    with pytest.raises(UserError, match="did you mean 'mine'"):
        exhibits.drawn("mime", store=store)


@pytest.mark.parametrize("name", exhibits.shipped_names())
def test_what_is_shipped_can_be_shown(name: str) -> None:
    exhibit = exhibits.shipped(name)
    assert exhibit is not None
    assert exhibit.name == name
    assert name in {figure.name for figure in FIGURES}
    assert exhibit.drawing.panels
    assert exhibit.drawing.caption
    assert bool(standings(exhibit)) == (name in COMPARABLE)
    for each in line_ups(exhibit).values():
        assert each["subjects"][0]["kind"] == "human"


def test_a_figure_is_drawn_again_only_where_something_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    drawn: list[int] = []

    def draw(seed: int, store: Store, report: Report) -> Drawing:
        drawn.append(seed)
        rows = rows_around([1 / 3, 2.0], [0.1 + 0.2, np.nan], [1e-17 + seed / 7, np.nan])
        return Drawing((Panel("A", "x", "y", (Series("power", "equation", rows),), y_range=(0.0, 1.0)),), "caption", 1)

    figure, store = Figure("mine", "me", (), draw), Store(tmp_path)
    first, again = (exhibits.unchanged(figure, seed=1, store=store) for _ in range(2))
    assert drawn == [1]
    assert exhibits.unchanged(figure, seed=2, store=store).panels[0].y_range == (0.0, 1.0)
    assert drawn == [1, 2]
    for made in (first, again):  # to the last digit
        for name, values in draw(1, store, silent).panels[0].series[0].rows.columns.items():
            assert np.array_equal(made.panels[0].series[0].rows[name], values, equal_nan=True)
    drawn.clear()
    for name, other in (("code", lambda: "other"), ("versions", lambda: {"numpy": "0"})):
        monkeypatch.setattr(exhibits, name, other)
        exhibits.unchanged(figure, seed=1, store=store)
    assert drawn == [1, 1]


def test_the_hash_of_the_code_is_of_what_numbers_depend_on() -> None:
    assert len(provenance.code()) == 64
    told = subprocess.run([sys.executable, "-c", "from cogmem.provenance import code; print(code())"],
                          capture_output=True, text=True, cwd="/", check=True)  # fmt: skip
    assert told.stdout.strip() == provenance.code()
    assert provenance.in_words(provenance.versions(["numpy", "no such package"])).endswith(f"numpy {np.__version__}")
