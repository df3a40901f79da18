"""The report: one page that needs nothing else, with everything that was computed, and nobody's markup in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cogmem import exhibits, reports
from cogmem.errors import UserError
from cogmem.exhibits import GROUPS, Exhibit
from cogmem.figures.figure import Drawing, Panel, Series, rows_around
from cogmem.store import Store

VOID = {"meta", "img", "br", "link"}


class Page(HTMLParser):
    """Checks that tags close in order, and collects what the page points to and its words."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def read(text: str) -> Page:
    page = Page()
    page.feed(text)
    assert page.open == []
    return page


def exhibit(name: str, **own: Any) -> Exhibit:
    """Return an exhibit of people, an equation .05 above and a network 2 nats below the ceiling of -.5."""
    top = {"ceiling_elpd": -0.5, "ceiling": 0.9, "parameters": [], "warnings": [], "elpd_se": 0.02}
    subjects = [
        top | {"name": "data_1", "kind": "human", "elpd_per_test": -0.5},
        top | {"name": "<b>power</b>", "kind": "equation", "elpd_per_test": -0.45, "warnings": ["a <i> & b"],
               "parameters": [{"parameter": "a", "estimate": 1.25}]},
        top | {"name": "lstm", "kind": "network", "elpd_per_test": -2.5, "elpd_se": None},
    ]  # fmt: skip
    rows = Series("people", "human", rows_around([1.0, 2.0], [0.9, 0.5], [0.1, np.nan]))
    document = {"data": {"name": "data_1", "measure": "recall"} | own, "subjects": subjects}
    return Exhibit(name, Drawing((Panel("A", "x", "y", (rows,)),), "Points < people & co."), document)


@pytest.fixture
def only_ours(monkeypatch: pytest.MonkeyPatch) -> dict[str, Exhibit]:
    found = {"forgetting_curve": exhibit("forgetting_curve"), "model_autophagy": exhibit("model_autophagy")}
    monkeypatch.setattr(exhibits, "best_known", lambda name, store: found.get(name))
    return found


def test_the_page_needs_nothing_else_and_escapes_all_words(
    only_ours: dict[str, Exhibit], tmp_path: Path
) -> None:  # fmt: skip
    path = reports.write(tmp_path / "new", store=Store(tmp_path / "store"))
    assert [each.name for each in (tmp_path / "new").iterdir()] == [path.name]
    text = path.read_text("utf-8")
    page = read(text)
    assert {re.match(r"#|data:", link) is not None for link in page.links} == {True}
    words = " ".join(page.words)
    for said in ("<b>power</b>", "a <i> & b", "Points < people & co.", "+0.050 ± 0.020", "-2.000", "1.25", "cogmem 0"):
        assert said in words, said
    assert "Not computed on this machine yet: serial_reproduction, diffusion_as_serial_reproduction" in words
    assert reports.write(tmp_path / "again", store=Store(tmp_path / "store")).read_text("utf-8") == text


def test_the_matrix_has_the_best_of_each_kind_and_people_alone(only_ours: dict[str, Exhibit]) -> None:
    only_ours["key_value"] = exhibit("key_value", kind="network")  # equations told what a network does: no row
    first, second = reports.matrix(only_ours)
    assert first["title"] == "Forgetting curve: data_1 (recall)"
    assert second["title"] == "Model autophagy: data_1 (recall)"
    cells = dict(zip(GROUPS, first["cells"], strict=True))
    assert cells["equations and models"]["subject"] == "<b>power</b>"
    assert cells["networks"]["text"] == "-2.000"
    assert cells["networks"]["ink"] == "white"
    assert cells["language models"] is None
    assert reports.matrix({}) == []


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="name another with --out"):
        reports.write(tmp_path / "file", store=Store(tmp_path / "store"))


def test_the_report_of_what_is_shipped_is_whole(tmp_path: Path) -> None:
    text = reports.write(tmp_path, store=Store(tmp_path / "empty")).read_text("utf-8")
    page = read(text)
    assert all(f'id="{name}"' in text for name in exhibits.shipped_names())
    assert len(text) < 25_000_000  # what mail servers take
    assert not [link for link in page.links if link.startswith("http")]
