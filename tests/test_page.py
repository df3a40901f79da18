"""Figures on paper: as wide as a journal's page, letters that are large enough and not cut, legends that are shared."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from matplotlib.text import Text

from cogmem.exhibits import shipped, shipped_names
from cogmem.figures.figure import Drawing, Panel, Series, rows_around
from cogmem.figures.looks import COLOURS, THEORY, looks_of
from cogmem.figures.page import SMALL, WIDE, to_matplotlib


def panel(title: str, *labels: str, ticks: tuple[str, ...] = ()) -> Panel:
    x = np.arange(1.0, 1 + max(2, len(ticks)))
    parts = tuple(Series(label, "equation", rows_around(x, x * k)) for k, label in enumerate(labels, 1))
    return Panel(title, "Delay (s)", "Proportion correct", parts, ticks=ticks)


def axes_of(figure: Any) -> list[Any]:
    return [ax for ax in figure.get_axes() if ax.axison]


@pytest.mark.parametrize(("panels", "columns", "mm"), [(1, 2, 89), (2, 2, 183), (3, 3, 183), (7, 3, 183)])
def test_a_figure_is_as_wide_as_one_or_two_columns(panels: int, columns: int, mm: float) -> None:
    figure = to_matplotlib(Drawing(tuple(panel(f"P {k}", "power") for k in range(panels)), "", columns))
    assert figure.get_size_inches()[0] * 25.4 == pytest.approx(mm)
    assert len(axes_of(figure)) == panels


def test_panels_of_a_row_share_a_legend_where_it_is_the_same() -> None:
    parts = (panel("A", "power", "lstm"), panel("B", "power", "lstm"), panel("C", "power"), panel("D", "power"))
    drawn = axes_of(to_matplotlib(Drawing(parts, "", 3)))
    assert [ax.get_legend() is not None for ax in drawn] == [False, True, True, True]
    # Equal axes: room for a legend is taken from all of a row.
    widths = [ax.get_window_extent().width for ax in drawn[:3]]
    assert max(widths) < 1.01 * min(widths)


def test_a_panel_of_many_places_has_a_row_for_itself() -> None:
    names = tuple(f"subject_{k}" for k in range(WIDE + 1))
    parts = (panel("A", "power"), panel("B", "power", ticks=names), panel("C", "power"), panel("D", "power"))
    places = [ax.get_window_extent() for ax in axes_of(to_matplotlib(Drawing(parts, "", 3)))]
    assert places[0].y0 > places[1].y1 > places[1].y0 > places[2].y1
    assert places[2].y0 == pytest.approx(places[3].y0)
    assert places[1].width > 2.5 * places[2].width


@pytest.mark.parametrize("name", shipped_names())
def test_all_letters_of_a_figure_are_on_the_page_and_can_be_printed(name: str) -> None:
    exhibit = shipped(name)
    assert exhibit is not None
    figure = to_matplotlib(exhibit.drawing)
    figure.draw_without_rendering()  # which puts legends in their places
    shown = [text for text in figure.findobj(Text) if text.get_text() and text.axes is not None and text.axes.axison]
    assert min(text.get_fontsize() for text in shown) >= SMALL
    page = figure.bbox.padded(1.0)  # a hundredth of an inch, which is the letters' own margin
    cut = {text.get_text() for text in shown if not page.fully_containsx(text.get_window_extent().x0)
           or not page.fully_containsx(text.get_window_extent().x1)
           or not page.fully_containsy(text.get_window_extent().y0)
           or not page.fully_containsy(text.get_window_extent().y1)}  # fmt: skip
    assert cut == set()
    for ax in axes_of(figure):
        # The last digits of a layout are another process's others, and with them the ids in an SVG.
        for points in (ax.get_position().bounds, ax.figure.bbox_relative.get_points()):
            assert np.allclose(points, np.round(points, 6), rtol=0, atol=1e-12)
        numbers = [each for each in ax.get_xticklabels() if each.get_text() and each.get_rotation() == 0]
        spans = sorted((each.get_window_extent().x0, each.get_window_extent().x1) for each in numbers)
        assert all(one[1] <= other[0] for one, other in pairwise(spans)), ax.get_title()


@pytest.mark.parametrize("name", shipped_names())
def test_nobody_in_a_panel_looks_like_somebody_else(name: str) -> None:
    exhibit = shipped(name)
    assert exhibit is not None
    looks = looks_of(exhibit.drawing)
    assert COLOURS[-1] not in {look[0] for look in looks.values()}  # yellow is faint on white
    for each in exhibit.drawing.panels:
        labels = {one.label for one in each.series if one.kind != "human"}
        # Points of theory look like the subject whose line they lie on.
        apart = {label for label in labels if not label.endswith(THEORY)}
        assert len({looks[label] for label in labels}) == len(apart), each.title
