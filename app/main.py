"""The app: one page after another, each with its choices in its address."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Final

import streamlit as st

from cogmem.notices import without_notices

PAGES: Final = {
    "overview": ("overview", "Overview"), "compare": ("comparison", "Compare"), "explore": ("exploring", "Explore"),
    "fit": ("own_data", "Fit my data"), "figures": ("gallery", "Figures"), "data": ("datasets", "Data"),
    "about": ("about", "About"),
}  # fmt: skip
"""Module and title of each page by its place in the address."""


def page(module: str) -> Callable[[], None]:
    """Return what shows a page; its module is imported when it is shown first, so that the first page is there soon."""

    def show() -> None:
        import_module(f"cogmem.app.{module}").show()

    return show


def main() -> None:
    """Show the page that the address asks for."""
    without_notices()
    st.set_page_config(page_title="cogmem", page_icon="🧠", layout="wide")
    pages = {
        place: st.Page(page(module), title=title, url_path=place, default=place == "overview")
        for place, (module, title) in PAGES.items()
    }
    st.session_state["pages"] = pages
    st.navigation(list(pages.values())).run()


main()
