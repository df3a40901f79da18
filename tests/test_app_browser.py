"""The app in a real browser: pages, choices, sliders, uploads, downloads; no error box, no error on the console."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cogmem import exhibits
from cogmem.app.own_data import EXAMPLE
from cogmem.benchmarks.app import CHART, FLAGS, PAGES, serving
from cogmem.cli_jobs import COMPARABLE

pytestmark = pytest.mark.slow
CHROMIUM = shutil.which("chromium")
SHOTS = Path(os.environ.get("COGMEM_SCREENSHOTS", "build/screenshots"))
ERRORS = "[data-testid=stException], [data-testid=stAlertContentError]"
# Opened at the address of a page, Streamlit's own script looks for its server below that address first.
NOT_OURS = re.compile(r"status of 404")

if CHROMIUM is None:
    pytest.skip("There is no chromium on this machine.", allow_module_level=True)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give the address of an app whose store is empty."""
    with serving(str(tmp_path_factory.mktemp("store"))) as (where, _):
        yield where


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as play:
        opened = play.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Give a page that must have no error box and no error on its console when the test is over."""
    opened = browser.new_page(viewport={"width": 1300, "height": 1000})
    said: list[str] = []
    opened.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    yield opened
    SHOTS.mkdir(parents=True, exist_ok=True)
    opened.screenshot(path=SHOTS / f"{re.sub(r'[^a-z0-9]+', '-', request.node.name)}.png", full_page=True)
    boxes = opened.locator("[data-testid=stException]").count()
    opened.close()
    assert boxes == 0
    assert [line for line in said if not NOT_OURS.search(line)] == []


def settled(page: Any) -> None:
    """Wait until the app has nothing to do."""
    page.wait_for_selector("h1", timeout=60_000)
    page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=60_000)
    page.wait_for_timeout(300)


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("size", [(1300, 1000), (390, 844)], ids=["desk", "phone"])
def test_a_page_opens(page: Any, address: str, name: str, size: tuple[int, int]) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{address}/{name}")
    settled(page)
    assert page.locator("h1").first.inner_text()
    assert page.locator(ERRORS).count() == 0
    wide = page.evaluate("document.querySelector('[data-testid=stMain]').scrollWidth")
    assert wide <= size[0]  # nothing hangs over the edge of a phone


def test_one_goes_from_page_to_page(page: Any, address: str) -> None:
    page.goto(address)
    settled(page)
    for title in ("Compare", "Explore", "Fit my data", "Figures", "Data", "About", "Overview"):
        page.get_by_role("link", name=title, exact=True).click()
        settled(page)
    assert page.locator(ERRORS).count() == 0


def test_a_click_on_a_cell_of_the_matrix_leads_to_its_comparison(page: Any, address: str) -> None:
    page.goto(address)
    settled(page)
    page.wait_for_selector(CHART, timeout=60_000)
    box = page.locator(CHART).first.bounding_box()
    # A row takes 44 points: a cell of the last, on what is written in it.
    page.mouse.click(box["x"] + 0.6 * box["width"], box["y"] + box["height"] - 30)
    last = [name for name in COMPARABLE if exhibits.shipped(name)][-1]
    page.wait_for_url(f"**/compare?*paradigm={last}*", timeout=20_000)
    settled(page)
    assert page.locator("h1").first.inner_text() == "Compare"
    page.wait_for_selector(CHART, timeout=60_000)


def test_a_slider_moves_the_curve(page: Any, address: str) -> None:
    page.goto(f"{address}/explore")
    settled(page)
    page.wait_for_selector(CHART)
    page.get_by_role("button", name="The same in Python").or_(page.get_by_text("The same in Python")).first.click()
    before = page.locator("code").first.inner_text()
    slider = page.get_by_role("slider").first
    slider.focus()
    for _ in range(5):
        slider.press("ArrowLeft")
    settled(page)
    page.wait_for_function("old => document.querySelector('code').innerText !== old", arg=before, timeout=20_000)
    assert page.locator(CHART).count() >= 1


def test_a_choice_stands_in_the_address_and_the_address_makes_the_choice(page: Any, address: str) -> None:
    page.goto(f"{address}/data?dataset=cepeda_2008")
    settled(page)
    assert "Cepeda" in page.get_by_test_id("stMain").inner_text()
    assert page.url.endswith("dataset=cepeda_2008")
    page.goto(f"{address}/compare?data=ebbinghaus_1885")
    settled(page)
    page.wait_for_selector(CHART, timeout=60_000)
    assert "ebbinghaus_1885" in page.url
    # What draws tables is loaded when the first comes, after the charts above it.
    page.wait_for_selector("[data-testid=stDataFrame]", timeout=20_000)


def test_a_file_goes_up_and_the_figure_comes_down(page: Any, address: str, tmp_path: Path) -> None:
    mine = tmp_path / "mine.csv"
    mine.write_text(EXAMPLE)
    page.goto(f"{address}/fit")
    settled(page)
    page.set_input_files("input[type=file]", mine)
    page.wait_for_selector(CHART, timeout=120_000)
    settled(page)
    for label, begins in (("Figure (SVG)", b"<?xml"), ("Plotted points (CSV)", b"panel,"), ("The fit", b"subject,")):
        with page.expect_download(timeout=60_000) as coming:
            page.get_by_role("button", name=label).first.click()
        assert Path(coming.value.path()).read_bytes().startswith(begins), label


@pytest.mark.parametrize(("name", "content", "sentence"), [
    ("empty.csv", b"", "is empty"),
    ("names.csv", b"<img src=x onerror=alert(1)>,b\n1,2\n", "needs the column 'retention_interval'"),
    ("large.csv", b"retention_interval,retention\n" + b"1,0.5\n" * 8_500_000, "20"),
    ("sheet.xlsx", b"PK\x03\x04", "not allowed"),
])  # fmt: skip
def test_a_bad_file_gives_a_sentence(
    page: Any, address: str, tmp_path: Path, name: str, content: bytes, sentence: str
) -> None:  # fmt: skip
    file = tmp_path / name
    file.write_bytes(content)
    page.on("dialog", lambda dialog: pytest.fail("markup of a file was run"))
    page.goto(f"{address}/fit")
    settled(page)
    page.set_input_files("input[type=file]", file)
    page.wait_for_function("word => document.body.innerText.includes(word)", arg=sentence, timeout=60_000)
    settled(page)
    assert page.locator(CHART).count() == 0
    assert page.locator("img[src=x]").count() == 0


def test_long_work_can_be_cancelled_while_the_page_stays_usable(page: Any, address: str) -> None:
    page.goto(f"{address}/figures?figure=key_value_stores")
    settled(page)
    page.get_by_role("button", name=re.compile("Compute it now|Regenerate")).click()
    page.wait_for_selector("[data-testid=stProgress]", timeout=20_000)
    page.get_by_role("link", name="About", exact=True).click()
    settled(page)
    page.get_by_role("link", name="Figures", exact=True).click()
    settled(page)
    page.goto(f"{address}/figures?figure=key_value_stores")
    page.get_by_role("button", name="Cancel").click(timeout=20_000)
    page.wait_for_function("document.body.innerText.includes('Cancelled')", timeout=20_000)
