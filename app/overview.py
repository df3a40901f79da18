"""The first page: everybody beside the human ceiling, one row a comparison; a click leads to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import streamlit as st

from cogmem.app import parts
from cogmem.exhibits import COMPARISONS, DARK, GROUPS, Exhibit, best_known, best_of_groups, shade, standings
from cogmem.figures.looks import looks_of
from cogmem.names import title_of


@st.cache_resource(show_spinner=False, ttl=60)
def known(name: str) -> Exhibit | None:
    """Return a paradigm's own comparison or a figure as it was computed last, None where it never was."""
    return best_known(name)


def matrix(rows: Sequence[Mapping[str, Any]], column: str, order: list[str]) -> dict[str, Any]:
    """Return the matrix as a Vega-Lite chart: comparisons by `column`, coloured by the distance from the ceiling."""
    most = max(abs(shade(row)) for row in rows)
    shown = [{"paradigm": row["paradigm"], "comparison": f"{title_of(row['paradigm'])}: {row['comparison']}",
              "column": row[column], "subject": row["subject"], "beside": row["beside_people"], "se": row["elpd_se"],
              "elpd": row["elpd_per_test"], "ceiling": row["ceiling_elpd"],
              "colour": shade(row),
              "text": f"{row['beside_people']:+.3f}"} for row in rows]  # fmt: skip
    told = [("subject", "nominal"), ("elpd", "quantitative"), ("se", "quantitative"), ("ceiling", "quantitative")]
    place = {
        "x": {"field": "column", "type": "nominal", "title": None, "sort": order,
              "axis": {"orient": "top", "labelAngle": 0 if column == "group" else -60, "labelLimit": 140}},
        "y": {"field": "comparison", "type": "nominal", "title": None, "sort": None, "axis": {"labelLimit": 340}},
    }  # fmt: skip
    tooltip = [{"field": name, "type": kind} | ({"format": ".4f"} if kind == "quantitative" else {})
               for name, kind in told]  # fmt: skip
    ink = {"condition": {"test": f"abs(datum.colour) > {DARK * most}", "value": "white"}, "value": "black"}
    scale = {"scheme": "purpleorange", "domain": [-most, most], "domainMid": 0, "reverse": True}
    colour = {"field": "colour", "type": "quantitative", "legend": None, "scale": scale}
    return {
        "data": {"values": shown}, "height": {"step": 44},
        "layer": [
            {"mark": {"type": "rect", "cursor": "pointer"}, "encoding": {**place, "color": colour, "tooltip": tooltip},
             "params": [{"name": "cell", "select": {"type": "point", "fields": ["paradigm", "subject"]}}]},
            # A text with a tooltip of its own would catch the click that is meant for its cell.
            {"mark": {"type": "text", "fontSize": 11, "dy": -7, "limit": 130},
             "encoding": {**place, "text": {"field": "subject"}, "color": ink}},
            {"mark": {"type": "text", "fontSize": 11, "dy": 8},
             "encoding": {**place, "text": {"field": "text"}, "color": ink}},
        ],
    }  # fmt: skip


def show() -> None:
    """Show the page."""
    st.title("One memory experiment, taken by people and machines")
    st.markdown(
        "Each cell says how well somebody predicts **people's own trials**, left out in turn: expected log predictive "
        "density per test, less what other people reach when they predict them (the human ceiling). 0 is as good as "
        "people, above 0 (purple) better, below 0 (orange) worse. Click a cell to see the comparison."
    )
    found = {name: each for name in COMPARISONS if (each := known(name)) is not None}
    rows = [row for each in found.values() for row in standings(each)]
    if rows:
        every = st.toggle("Everybody, not only the best of each kind", key="everybody", bind="query-params")
        shown = rows if every else best_of_groups(rows)
        order = list(dict.fromkeys(row["subject"] for row in rows)) if every else list(GROUPS)
        picked: Any = st.vega_lite_chart(
            spec=matrix(shown, "subject" if every else "group", order), key="matrix", on_select="rerun"
        )
        chosen = picked.selection.get("cell") if picked else None
        if chosen:
            st.switch_page(st.session_state["pages"]["compare"], query_params={"paradigm": chosen[0]["paradigm"]})
    missing = [title_of(name) for name in COMPARISONS if name not in found]
    if missing:
        st.caption(f"Not computed on this machine yet: {', '.join(missing)}. The page Compare computes them.")
    if found:
        # One at a time: a page of six charts takes a browser seconds to draw.
        name = st.selectbox("An experiment", list(found), key="experiment", bind="query-params")
        drawing = found[name].drawing
        parts.show_panel(drawing.panels[0], looks_of(drawing), key=f"overview-{name}")
