"""Golden tables of plotted points: read, compared, and what counts as moved."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cogmem.errors import UserError
from cogmem.exhibits import shipped, shipped_names
from cogmem.figures import regeneration
from cogmem.figures.figure import Drawing, Figure, Panel, Series, points_of, rows_around
from cogmem.figures.gallery import FIGURES
from cogmem.figures.golden import Moved, moved, read
from cogmem.figures.page import write
from cogmem.figures.regeneration import regenerate_all
from cogmem.progress import Report
from cogmem.store import Store

TABLES = Path(__file__).parent / "golden"


def drawing(y: float = 0.5, *, half: float = np.nan, x: float = 2.0, timed: bool = False) -> Drawing:
    """Return a drawing whose golden panel is 1 high: points at 0, 1 and, of a model, y."""
    people = Series("people", "human", rows_around([1.0, 2.0], [0.0, 1.0], 0.1))
    model = Series("power", "equation", rows_around([x], [y], [half]))
    return Drawing((Panel("A", "x", "y", (people, model), timed=timed),), "")


def golden(tmp_path: Path, made: Drawing) -> list[tuple[str, float, float]]:
    """Return what of `made` is not where the golden drawing has it."""
    write(drawing(), "f", tmp_path)
    return [(each.number, each.was, each.now) for each in moved("f", read(tmp_path / "f.csv"), made)]


@pytest.mark.parametrize("name", shipped_names())
def test_what_is_shipped_is_what_the_golden_tables_say(name: str) -> None:
    exhibit = shipped(name)
    assert exhibit is not None
    was = read(TABLES / f"{name}.csv")
    assert {panel for panel, _, _ in was} == {panel.title for panel in exhibit.drawing.panels}
    assert len(was) == len(points_of(exhibit.drawing)) > 100
    assert moved(name, was, exhibit.drawing) == []


def test_every_figure_has_a_golden_table() -> None:
    assert {path.stem for path in TABLES.glob("*.csv")} == {figure.name for figure in FIGURES} == set(shipped_names())


def test_the_same_drawing_has_not_moved(tmp_path: Path) -> None:
    assert golden(tmp_path, drawing()) == []


@pytest.mark.parametrize(("y", "there"), [(0.519, []), (0.521, [("y", 0.5, 0.521)]), (0.479, [("y", 0.5, 0.479)])])
def test_a_point_moves_by_more_than_a_fiftieth_of_the_panel(
    tmp_path: Path, y: float, there: list[tuple[str, float, float]]
) -> None:  # fmt: skip
    assert golden(tmp_path, drawing(y)) == there


def test_a_point_may_move_within_its_own_interval(tmp_path: Path) -> None:
    write(drawing(half=0.1), "f", tmp_path)
    was = read(tmp_path / "f.csv")
    assert moved("f", was, drawing(0.59, half=0.1)) == []
    found = moved("f", was, drawing(0.61, half=0.1))
    assert [each.number for each in found] == ["y", "lower", "upper"]
    assert found[0].allowed == pytest.approx(0.1, abs=1e-5)
    assert found[0].panel == "A"


def test_an_interval_that_goes_and_a_place_that_changes_have_moved(tmp_path: Path) -> None:
    write(drawing(half=0.1), "f", tmp_path)
    was = read(tmp_path / "f.csv")
    assert [each.number for each in moved("f", was, drawing())] == ["lower", "upper"]
    assert [each.number for each in moved("f", was, drawing(half=0.1, x=2.5))] == ["x"]


def test_where_x_is_measured_too_a_point_may_move_by_a_share_of_the_width(tmp_path: Path) -> None:
    write(drawing(x=2.0), "f", tmp_path)  # the panel's x are 1 to 2: 2 % of its width are .02
    was = read(tmp_path / "f.csv")

    def now(x: float) -> list[float]:
        made = drawing(x=x)
        measured = replace(made, panels=(replace(made.panels[0], measured_x=True),))
        return [each.allowed for each in moved("f", was, measured)]

    assert now(2.019) == []
    assert now(2.021) == [pytest.approx(0.02, abs=1e-5)]


def test_points_that_came_or_went_are_said(tmp_path: Path) -> None:
    write(drawing(), "f", tmp_path)
    was = read(tmp_path / "f.csv")
    (panel,) = drawing().panels
    fewer = replace(drawing(), panels=(replace(panel, series=panel.series[:1]),))
    (gone,) = moved("f", was, fewer)
    assert (gone.series, gone.was, np.isnan(gone.now)) == ("power", 0.5, True)
    assert moved("f", was, fewer, without=("equation",)) == []
    another = Series("new", "network", rows_around([1.0], [0.3]))
    (came,) = moved("f", was, replace(drawing(), panels=(replace(panel, series=(*panel.series, another)),)))
    assert isinstance(came, Moved)
    assert (came.series, np.isnan(came.was), came.now) == ("new", True, 0.3)


def test_what_a_clock_measured_and_the_rank_of_a_name_are_not_compared(tmp_path: Path) -> None:
    write(drawing(timed=True), "f", tmp_path)
    was = read(tmp_path / "f.csv")
    assert moved("f", was, drawing(0.9, timed=True)) == []
    ranked = replace(drawing(x=1.0), panels=(replace(drawing(x=1.0).panels[0], ticks=("one", "two")),))
    assert moved("f", was, ranked) == []


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "panel,series,kind,x,y,lower,upper\nA,b,human,one,2,,\n", None])
def test_a_file_that_is_no_table_of_points_is_said(tmp_path: Path, text: str | None) -> None:
    file = tmp_path / "f.csv"
    if text is not None:
        file.write_text(text)
    with pytest.raises(UserError, match="is no table of plotted points"):
        read(file)


# ---- many at once ----------------------------------------------------------------------------------------------------


def half(seed: int, store: Store, report: Report) -> Drawing:
    report(1, 2)
    return drawing()


def as_high_as_its_seed(seed: int, store: Store, report: Report) -> Drawing:
    return drawing(float(seed))


@pytest.fixture
def two_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the project have two figures: one that draws .5 and one that draws its seed."""
    made = (Figure("half", "nobody", (), half), Figure("seed", "nobody", (), as_high_as_its_seed))
    monkeypatch.setattr(regeneration, "FIGURES", made)


def test_figures_are_written_and_compared(two_figures: None, tmp_path: Path) -> None:
    store, told = Store(tmp_path / "store"), []
    first = regenerate_all(store=store, out=tmp_path / "a", seed=1, workers=1)
    assert [(each.name, each.moved) for each in first] == [("half", None), ("seed", None)]
    (tmp_path / "a" / "half.pdf").unlink()
    again = regenerate_all(store=store, out=tmp_path / "b", seed=2, workers=1, golden=tmp_path / "a",
                           report=lambda done, total: told.append(done / total))  # fmt: skip
    assert again[0].moved == ()
    assert [(each.series, each.was, each.now) for each in again[1].moved or ()] == [("power", 1.0, 2.0)]
    assert told == [0.25, 0.5, 1.0]
    assert (tmp_path / "a" / "half.csv").read_bytes() == (tmp_path / "b" / "half.csv").read_bytes()
    for seed, moved_to in ((1, None), (3, [(1.0, 3.0)])):  # compared with what was there before it was written
        (only,) = regenerate_all(["seed"], store=store, out=tmp_path / "c", seed=seed, workers=1, golden=tmp_path / "c")
        found = None if only.moved is None else [(each.was, each.now) for each in only.moved]
        assert found == moved_to
    with pytest.raises(UserError, match="did you mean 'half'"):
        regenerate_all(["seed", "halv"], store=store, out=tmp_path / "d")
    assert not (tmp_path / "d").exists()


def test_figures_side_by_side_are_those_one_after_another(two_figures: None, tmp_path: Path) -> None:
    told: list[float] = []
    one = regenerate_all(store=Store(tmp_path / "1"), out=tmp_path / "a", workers=1)
    two = regenerate_all(store=Store(tmp_path / "2"), out=tmp_path / "b", workers=2, golden=tmp_path / "a",
                         report=lambda done, total: told.append(done / total))  # fmt: skip
    assert [each.moved for each in two] == [(), ()]
    assert told[-1] == 1.0
    for each in one:
        for end in ("csv", "svg", "pdf", "txt"):
            file = each.path.with_suffix(f".{end}")
            assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()
