"""Compare: people and models on the same axes, their residuals, and the scores of everybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import streamlit as st

import cogmem as cm
from cogmem import catalogue, exhibits
from cogmem.app import overview, parts
from cogmem.cli_jobs import COMPARABLE
from cogmem.errors import UserError
from cogmem.exhibits import Exhibit
from cogmem.figures.figure import Drawing
from cogmem.jobs.language_models import available

OWN: Final = "the paradigm's own comparison"
DEFAULT_MODELS: Final = ("power", "exponential", "ebbinghaus")


@st.cache_data(show_spinner="fitting ...", max_entries=64)
def _lined_up(data: str, models: tuple[str, ...], seed: int) -> str:
    return exhibits.lined_up(cm.load(data), models=models, seed=seed).to_json()


@st.cache_data(show_spinner=False)
def retention_data() -> list[str]:
    """Return the names of the data sets that hold forgetting curves."""
    return [name for name in catalogue.datasets() if "retention_interval" in cm.load(name).rows]


def _own(paradigm: str, seed: int) -> Exhibit | None:
    """Return the paradigm's own comparison, or offer to compute it."""
    found = overview.known(paradigm) if seed == 1 else None
    if found is not None:
        st.caption("People, models, networks as `cogmem compare` computed them; everything below can be computed anew.")
    given = {"paradigm": paradigm, "seed": seed, "networks": True,
             "language_model": COMPARABLE[paradigm].language_model and available()}  # fmt: skip
    label = "Compute anew" if found else "Compute it now (minutes; the page stays usable)"
    done = parts.work_box("compare", given, label, key=f"own-{paradigm}")
    return done or found


def _chosen(paradigm: str) -> tuple[Exhibit | None, list[str]]:
    """Return the exhibit that the sidebar asks for, and the lines of a script that makes it."""
    data = OWN
    if paradigm == "forgetting_curve":
        data = st.sidebar.selectbox("Data set", [OWN, *retention_data()], key="data", bind="query-params")
    seed = int(st.sidebar.number_input("Seed", min_value=0, value=1, key="seed", bind="query-params"))
    head = ["from cogmem import exhibits", ""]
    tail = ["for title, line_up in exhibits.line_ups(exhibit).items():", "    for row in exhibits.scores(line_up):",
            "        print(title, row)"]  # fmt: skip
    if data == OWN:
        return _own(paradigm, seed), [*head, f"exhibit = exhibits.compared({paradigm!r}, seed={seed})", *tail]
    models: Any = st.sidebar.multiselect(
        "Equations", list(catalogue.models()), default=list(DEFAULT_MODELS), key="models", bind="query-params"
    )
    if not models:
        st.info("Choose an equation in the sidebar.")
        return None, []
    try:
        found = Exhibit.from_json(_lined_up(data, tuple(models), seed))
    except UserError as problem:
        st.error(str(problem))
        return None, []
    return found, ["import cogmem as cm", *head, f"human = cm.load({data!r})",
                   f"exhibit = exhibits.lined_up(human, models={models!r}, seed={seed})",
                   *tail]  # fmt: skip


def show() -> None:
    """Show the page."""
    st.title("Compare")
    names = list(COMPARABLE)
    paradigm = st.sidebar.selectbox("Paradigm", names, key="paradigm", bind="query-params")
    st.caption(catalogue.paradigms()[paradigm].reference)
    exhibit, lines = _chosen(paradigm)
    if exhibit is None:
        return
    panels = exhibit.drawing.panels
    titles = [panel.title for panel in panels]
    subjects = list(dict.fromkeys(each.label for panel in panels for each in panel.series if each.kind != "human"))
    layout = st.sidebar.radio("People and models", parts.LAYOUTS, key="layout", bind="query-params")
    apart = st.sidebar.toggle("Residuals", key="residuals", bind="query-params")
    wanted: Any = st.sidebar.multiselect("Only these subjects (none: all)", subjects, key=f"subjects-{paradigm}")
    shown: Any = st.multiselect("Panels (none: all)", titles, default=titles[:4], key=f"panels-{paradigm}")
    chosen = [panel for panel in panels if panel.title in shown] or list(panels)
    if wanted:
        chosen = [replace(panel, series=tuple(each for each in panel.series
                                              if each.kind == "human" or each.label in wanted))
                  for panel in chosen]  # fmt: skip
    parts.show_panels(Drawing(panels, ""), chosen, layout=layout, key=f"compare-{paradigm}", apart=apart)
    parts.show_scores(exhibit, wanted)
    st.caption(exhibit.drawing.caption)
    parts.downloads(exhibit, key=f"compare-{paradigm}")
    parts.script(lines)
