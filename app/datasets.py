"""Data: every data set with where it comes from, under which licence, its tables and their points."""

from __future__ import annotations

from typing import Final

import streamlit as st

import cogmem as cm
from cogmem import catalogue
from cogmem.app import parts
from cogmem.core import Curve
from cogmem.exports import csv_text, rows_of
from cogmem.figures.figure import Drawing, Panel, series
from cogmem.figures.looks import looks_of

ROWS: Final = 1000


@st.cache_data(show_spinner=False, max_entries=64)
def _curve(name: str, table: str) -> Curve:
    return cm.load(name, table=table)


def _panel(curve: Curve, x_label: str) -> Panel:
    pooled = curve.pool()
    return Panel(f"{curve.subject}: {curve.measure}, everybody together", x_label, curve.measure,
                 (series(pooled, "people"),), parts.scale_of(pooled.rows["x"]))  # fmt: skip


def show() -> None:
    """Show the page."""
    st.title("Data")
    found = catalogue.datasets()
    name = st.sidebar.selectbox("Data set", list(found), key="dataset", bind="query-params")
    data = found[name]
    st.subheader(data.title)
    st.text(data.citation)
    st.text(f"Licence: {data.licence}")
    if data.notes:
        st.text(data.notes)
    tables = list(data.tables)
    table = st.selectbox("Table", tables, tables.index(data.default), key=f"table-{name}")
    curve = _curve(name, table)
    panel = _panel(curve, data.table(table).x.replace("_", " "))
    parts.show_panel(panel, looks_of(Drawing((panel,), "")), key=f"data-{name}-{table}")
    rows = rows_of(curve.rows)
    st.caption(f"{len(rows):,} rows" + (f", the first {ROWS:,} shown" if len(rows) > ROWS else ""))
    st.dataframe(rows[:ROWS], hide_index=True)
    st.download_button("The table (CSV)", csv_text(rows), f"{name}-{table}.csv", "text/csv", on_click="ignore")
    parts.script(
        ["import cogmem as cm", "", f"human = cm.load({name!r}, table={table!r})", "print(human.rows.to_frame())"]
    )
