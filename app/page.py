"""The app's first page: one data set, the chosen equations beside it, and the lines that make the same in a script."""

from __future__ import annotations

from typing import Any

import streamlit as st

import cogmem as cm
from cogmem import catalogue, printing
from cogmem.errors import UserError
from cogmem.figures.figure import Drawing, to_matplotlib
from cogmem.figures.forgetting import people_panel, score_panel
from cogmem.lineups import LineUp, line_up


@st.cache_data(show_spinner="fitting ...", max_entries=32)
def compared(data: str, models: tuple[str, ...], seed: int) -> LineUp:
    """Return the line-up of a data set and models; cached."""
    chosen = [catalogue.models()[name] for name in models]
    return line_up(cm.paradigms.forgetting_curve, cm.load(data), models=chosen, seed=seed)


def script(data: str, models: tuple[str, ...], seed: int) -> str:
    """Return the Python lines that give the same numbers."""
    lines = ["import cogmem as cm", "", f"human = cm.load({data!r})", f"for name in {models!r}:"]
    lines += ["    model = getattr(cm.models, name)", f"    fit = cm.fit(model, human, seed={seed})"]
    return "\n".join([*lines, f"    print(cm.compare(fit, human, seed={seed}))"])


def main() -> None:
    """Draw the page."""
    st.set_page_config(page_title="cogmem", layout="wide")
    st.title("People and equations, side by side")
    usable = [name for name in catalogue.datasets() if "retention_interval" in cm.load(name).rows]
    data = st.sidebar.selectbox("Data set", usable, index=usable.index("murre_dros_2015"))
    known = list(catalogue.models())
    models: Any = st.sidebar.multiselect("Equations", known, default=["power", "exponential", "ebbinghaus"])
    seed = int(st.sidebar.number_input("Seed", min_value=0, value=1))
    if not models:
        st.info("Choose an equation in the sidebar.")
        return
    try:
        result = compared(data, tuple(models), seed)
    except UserError as problem:
        st.error(str(problem))
        return
    st.pyplot(to_matplotlib(Drawing((people_panel(result), score_panel(result)), "")))
    st.dataframe([row for entry in result.entries for row in [printing.score_row(entry)]])
    st.caption(result.human.source.citation)
    st.code(script(data, tuple(models), seed), language="python")


main()
