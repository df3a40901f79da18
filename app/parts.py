"""What pages have in common: panels, tables, downloads, the lines of a script, work that goes on beside a page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

import streamlit as st
from numpy.typing import NDArray

from cogmem.app import charts, work
from cogmem.exhibits import Exhibit, line_ups, parameters, scores, whom
from cogmem.figures.figure import Drawing, Panel, Scale, residuals
from cogmem.figures.looks import Look, looks_of
from cogmem.figures.page import files_of

LAYOUTS: Final = ("overlaid", "side by side")


def scale_of(x: NDArray[Any]) -> Scale:
    """Return the scale of an axis: logarithmic where all is above 0 and reaches over more than a decade or two."""
    return "log" if len(x) and x.min() > 0 and x.max() > 50 * x.min() else "linear"


def ink() -> str:
    """Return the colour of people: black on a light page, white on a dark one."""
    return "white" if st.context.theme.type == "dark" else "black"


def show_panel(
    panel: Panel, looks: Mapping[str, Look], *, layout: str = LAYOUTS[0], key: str, apart: bool = False
) -> None:
    """Show a panel: everybody on the same axes, or people left and the others right; `apart`: residuals below it."""
    kinds = {each.kind == "human" for each in panel.series}
    if layout == LAYOUTS[1] and len(kinds) == 2:
        for column, only in zip(st.columns(2), ("human", "others"), strict=True):
            with column:
                st.vega_lite_chart(spec=charts.chart(panel, looks, ink=ink(), only=only), key=f"{key}-{only}")
    else:
        st.vega_lite_chart(spec=charts.chart(panel, looks, ink=ink()), key=key)
    rest = residuals(panel) if apart else None
    if rest is not None:
        st.vega_lite_chart(spec=charts.chart(rest, looks, ink=ink(), height=160), key=f"{key}-residuals")


def show_panels(
    drawing: Drawing, chosen: Sequence[Panel], *, layout: str = LAYOUTS[0], key: str, apart: bool = False
) -> None:  # fmt: skip
    """Show some panels of a drawing, two in a row where they are overlaid; on a phone they come one after another."""
    looks = looks_of(drawing)
    if layout == LAYOUTS[1]:
        for k, panel in enumerate(chosen):
            show_panel(panel, looks, layout=layout, key=f"{key}-{k}", apart=apart)
        return
    for row in range(0, len(chosen), 2):
        for k, column in enumerate(st.columns(2)):
            if row + k < len(chosen):
                with column:
                    show_panel(chosen[row + k], looks, key=f"{key}-{row + k}", apart=apart)


SCORE_COLUMNS: Final = {
    "subject": st.column_config.TextColumn("subject", pinned=True),
    "elpd_per_test": st.column_config.NumberColumn("ELPD per test", format="%.4f", help="nats, left out in turn"),
    "elpd_se": st.column_config.NumberColumn("± SE", format="%.4f"),
    "beside_people": st.column_config.NumberColumn(
        "less the ceiling", format="%+.4f", help="ELPD per test less that of people told by other people"
    ),
    "rmse": st.column_config.NumberColumn("RMSE", format="%.4f"),
    "r": st.column_config.NumberColumn("r", format="%.3f"),
    "ceiling_elpd": st.column_config.NumberColumn("ceiling, ELPD", format="%.4f"),
    "ceiling_r": st.column_config.NumberColumn("ceiling, r", format="%.3f"),
    "weight": st.column_config.NumberColumn("weight", format="%.2f", help="stacking weight"),
    "seconds": st.column_config.NumberColumn("seconds", format="%.1f"),
}


def _columns(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the columns that hold something."""
    return [name for name in rows[0] if any(row[name] is not None for row in rows)] if rows else []


def show_scores(exhibit: Exhibit, wanted: Sequence[str] = ()) -> None:
    """Show the scores and parameters of every line-up of an exhibit, of the wanted subjects (none: all)."""
    for title, each in line_ups(exhibit).items():
        st.subheader(f"Who predicts {whom(each)}: {title}")
        rows = [row for row in scores(each) if not wanted or row["kind"] == "human" or row["subject"] in wanted]
        st.dataframe(rows, column_config=SCORE_COLUMNS, column_order=_columns(rows), hide_index=True)
        notes = [(one["name"], said) for one in each["subjects"] for said in one["warnings"]]
        told = [row for row in parameters(each) if not wanted or row["subject"] in wanted]
        if told:
            with st.expander("Parameters with 90 % intervals"):
                st.dataframe(told, column_order=_columns(told), hide_index=True)
        if notes:
            with st.expander(f"Notes ({len(notes)})"):
                for name, said in notes:
                    st.text(f"{name}: {said}")


@st.cache_data(max_entries=16, show_spinner="drawing ...")
def _files(text: str, name: str) -> dict[str, bytes]:
    return files_of(Exhibit.from_json(text).drawing, name)


def _file(exhibit: Exhibit, file: str) -> bytes:
    return _files(exhibit.to_json(), exhibit.name)[file]


MEDIA: Final = {"svg": "image/svg+xml", "pdf": "application/pdf", "csv": "text/csv"}


def downloads(exhibit: Exhibit, *, key: str) -> None:
    """Offer the figure as SVG and PDF and the plotted points as CSV; they are drawn when they are asked for."""
    with st.container(horizontal=True):
        for end, media in MEDIA.items():
            label = "Plotted points (CSV)" if end == "csv" else f"Figure ({end.upper()})"
            name = f"{exhibit.name}.{end}"
            st.download_button(label, partial(_file, exhibit, name), name, media, key=f"{key}-{end}",
                               on_click="ignore")  # fmt: skip


def script(lines: Sequence[str]) -> None:
    """Show the lines of Python that make the same result."""
    with st.expander("The same in Python", expanded=False):
        st.code("\n".join(lines), language="python")


def work_box(task: str, given: dict[str, Any], label: str, *, key: str) -> Exhibit | None:
    """Offer long work: a button, then a bar with a way to cancel, then its exhibit (None until then)."""
    going = work.find(task, given)
    if going is None:
        if st.button(label, key=f"{key}-start"):
            work.start(task, given)
            st.rerun()
        return None
    if going.state == "done":
        return Exhibit.from_json(going.result)
    if going.state == "running":
        _watch(task, given, key)
        return None
    said = "Cancelled; what was finished is kept." if going.state == "cancelled" else going.problem
    st.warning(said)
    if st.button("Start again", key=f"{key}-again"):
        work.forget(task, given)
        work.start(task, given)
        st.rerun()
    return None


@st.fragment(run_every=1.0)
def _watch(task: str, given: dict[str, Any], key: str) -> None:
    """Show how far work is, every second, until it ends; the page stays usable."""
    going = work.find(task, given)
    if going is None or going.state != "running":
        st.rerun()  # which ends this run
    st.progress(going.progress, text=f"{going.seconds:.0f} s; {100 * going.progress:.0f} %")
    if st.button("Cancel", key=f"{key}-cancel"):
        going.cancel()
        st.rerun()
