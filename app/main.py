"""The app: one page after another, each with its choices in its address."""

from __future__ import annotations

import streamlit as st

from cogmem.app import about, comparison, datasets, exploring, gallery, overview, own_data
from cogmem.notices import without_notices


def main() -> None:
    """Show the page that the address asks for."""
    without_notices()
    st.set_page_config(page_title="cogmem", page_icon="🧠", layout="wide")
    pages = {
        "overview": st.Page(overview.show, title="Overview", url_path="overview", default=True),
        "compare": st.Page(comparison.show, title="Compare", url_path="compare"),
        "explore": st.Page(exploring.show, title="Explore", url_path="explore"),
        "fit": st.Page(own_data.show, title="Fit my data", url_path="fit"),
        "figures": st.Page(gallery.show, title="Figures", url_path="figures"),
        "data": st.Page(datasets.show, title="Data", url_path="data"),
        "about": st.Page(about.show, title="About", url_path="about"),
    }
    st.session_state["pages"] = pages
    st.navigation(list(pages.values())).run()


main()
