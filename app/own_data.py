"""Fit my data: a CSV file of forgetting data, its columns named in our words, equations fitted to it."""

from __future__ import annotations

from typing import Any, Final

import streamlit as st

from cogmem import catalogue, exhibits
from cogmem.app import parts
from cogmem.app.comparison import DEFAULT_MODELS
from cogmem.app.serve import UPLOAD_MB
from cogmem.columns import COLUMNS
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.exhibits import Exhibit, line_ups, parameters
from cogmem.exports import csv_text
from cogmem.tables import NUMBERS, TEXTS, columns_of, curve_of

NONE: Final = "(not in the file)"
EXAMPLE: Final = """participant,retention_interval,correct,trials
anna,60,19,20
anna,3600,14,20
anna,86400,9,20
anna,604800,6,20
ben,60,18,20
ben,3600,15,20
ben,86400,11,20
ben,604800,9,20
"""


def _mapping(seem: dict[str, str]) -> dict[str, str]:
    """Return which column of the file stands for which of ours, as the widgets say."""
    ours = [*NUMBERS, *TEXTS]
    guess = {name: theirs for theirs, name in seem.items() if name}
    found = {}
    options = [NONE, *seem]
    with st.expander("Columns of the file", expanded="retention_interval" not in guess):
        st.caption("Retention intervals in seconds, with either correct and trials, or retention, or savings.")
        for row in range(0, len(ours), 3):
            for name, column in zip(ours[row : row + 3], st.columns(3), strict=False):
                chosen = column.selectbox(
                    name, options, options.index(guess[name]) if name in guess else 0, key=f"column-{name}",
                    help=f"{COLUMNS[name].meaning} ({COLUMNS[name].unit})" if name in COLUMNS else None,
                )  # fmt: skip
                if chosen != NONE:
                    found[name] = chosen
    return found


@st.cache_data(show_spinner=False, max_entries=16)
def _columns(data: bytes, file: str) -> dict[str, str]:
    return columns_of(data, file)


@st.cache_resource(show_spinner=False, max_entries=16)
def _curve(data: bytes, file: str, columns: dict[str, str]) -> Curve:
    return curve_of(data, file, columns)


@st.cache_data(show_spinner="fitting ...", max_entries=16)
def _fitted(data: bytes, file: str, columns: dict[str, str], models: tuple[str, ...], seed: int) -> str:
    return exhibits.lined_up(_curve(data, file, columns), models=models, seed=seed).to_json()


def _read() -> tuple[bytes, str, Curve, dict[str, str]] | None:
    """Return the file that was given, what is in it, and its columns; None where there is none, or none that fits."""
    label = "A CSV file (UTF-8), one row a participant, condition and delay"
    given = st.file_uploader(label, type=["csv", "tsv", "txt"], max_upload_size=UPLOAD_MB, key="file")
    st.download_button("An example of such a file", EXAMPLE, "example.csv", "text/csv", on_click="ignore")
    if given is None:
        return None
    data, file = given.getvalue(), given.name
    try:
        columns = _mapping(_columns(data, file))
        return data, file, _curve(data, file, columns), columns
    except UserError as problem:
        # As text: names of columns and cells are the file's, and no markup of ours.
        st.error("This file cannot be fitted yet:")
        st.text(str(problem))
        return None


def show() -> None:
    """Show the page."""
    st.title("Fit my data")
    st.markdown(
        "Equations of forgetting fitted to your own file, each participant apart. The file stays on this machine."
    )
    read = _read()
    if read is None:
        return
    data, file, human, columns = read
    people = len(human.participants)
    st.caption(f"{len(human.rows):,} rows of {people} participant{'s' if people > 1 else ''}, {human.measure}.")
    models: Any = st.multiselect("Equations", list(catalogue.models()), default=list(DEFAULT_MODELS), key="own-models")
    seed = int(st.number_input("Seed", min_value=0, value=1, key="own-seed"))
    if not models:
        st.info("Choose an equation.")
        return
    try:
        quick = Exhibit.from_json(_fitted(data, file, columns, tuple(models), seed))
    except UserError as problem:
        st.error(str(problem))
        return
    st.subheader("The fast fit")
    _show(quick, "quick")
    st.subheader("The hierarchical fit (NUTS)")
    st.caption("All participants together, in a process beside this page: a minute or more a model.")
    given = {"data": data.decode("utf-8-sig"), "file": file, "columns": columns, "models": list(models),
             "method": "nuts", "seed": seed}  # fmt: skip
    slow = parts.work_box("fit", given, "Fit by NUTS", key="nuts")
    if slow is not None:
        _show(slow, "nuts")
    parts.script([
        "import cogmem as cm", "from cogmem import exhibits", "from cogmem.tables import curve_of", "",
        f"data = open({file!r}, 'rb').read()", f"human = curve_of(data, {file!r}, {columns!r})",
        f"exhibit = exhibits.lined_up(human, models={models!r}, seed={seed})",
        f"slow = exhibits.lined_up(human, models={models!r}, method=cm.Method('nuts'), seed={seed})",
    ])  # fmt: skip


def _show(exhibit: Exhibit, key: str) -> None:
    parts.show_panels(exhibit.drawing, exhibit.drawing.panels, key=key, apart=True)
    parts.show_scores(exhibit)
    told = [row for each in line_ups(exhibit).values() for row in parameters(each)]
    st.download_button("The fit (parameters, CSV)", csv_text(told), f"{key}-fit.csv", "text/csv", key=f"{key}-fit",
                       on_click="ignore")  # fmt: skip
    parts.downloads(exhibit, key=key)
