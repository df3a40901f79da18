"""Figures: the figures of the project, each as it was computed last, and anew on demand."""

from __future__ import annotations

from typing import Final

import streamlit as st

from cogmem.app import overview, parts
from cogmem.figures.gallery import FIGURES
from cogmem.names import title_of

SHOWN: Final = 4


def show() -> None:
    """Show the page."""
    st.title("Figures")
    figures = {figure.name: figure for figure in FIGURES}
    name = st.sidebar.selectbox("Figure", list(figures), key="figure", bind="query-params")
    st.subheader(title_of(name))
    st.caption(figures[name].reference)
    found = overview.known(name)
    given = {"name": name, "seed": 1}
    label = "Regenerate" if found else "Compute it now (minutes; the page stays usable)"
    done = parts.work_box("figure", given, label, key=f"figure-{name}")
    exhibit = done or found
    if exhibit is None:
        return
    panels = exhibit.drawing.panels
    every = len(panels) <= SHOWN or st.toggle(f"All {len(panels)} panels", key=f"every-{name}")
    parts.show_panels(exhibit.drawing, panels if every else panels[:SHOWN], key=f"figure-{name}")
    st.caption(exhibit.drawing.caption)
    parts.downloads(exhibit, key=f"figure-{name}")
    parts.script([
        "import cogmem as cm", "from cogmem.figures.gallery import FIGURES", "",
        f"figure = next(each for each in FIGURES if each.name == {name!r})",
        'cm.regenerate(figure, store=cm.Store(), out="figures")',
    ])  # fmt: skip
