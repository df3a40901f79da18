"""Speed of the app in a real browser: start to first plot, a slider's move, memory, ten people at once.

Needs chromium and playwright; without them nothing is measured, and that is said.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import numpy as np

from cogmem.benchmarks.timing import Speed
from cogmem.errors import UserError

CHART: Final = "[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg"
PAGES: Final = ("", "compare", "explore", "fit", "figures", "data", "about")
FLAGS: Final = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PEOPLE: Final = 10
MOVES: Final = 20
THINKING: Final = 3.0
"""Seconds from what a move showed to the next, on average (from half to one and a half of it, and nobody begins with
the others): all browsers share this machine, which draws for each of them."""
ITEMS: Final = 12_500
"""Items of a design that is moved: with eight retention intervals 100,000 tests."""
PATIENCE: Final = 60_000


def _row(what: str, seconds: float, items: float = 1.0, unit: str = "move") -> Speed:
    return Speed(what, "browser", items, unit, seconds, items / seconds)


def _answers(where: str) -> bool:
    try:
        with urlopen(f"{where}/_stcore/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@contextmanager
def serving(store: str) -> Iterator[tuple[str, int]]:
    """Give the address of an app with this store, once it answers, and the process that leads it; end it afterwards."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    command = [sys.executable, "-m", "cogmem.cli", "app", "--port", str(port), "--no-browser"]
    quiet, where = subprocess.DEVNULL, f"http://127.0.0.1:{port}"
    server = subprocess.Popen(command, env=os.environ | {"COGMEM_STORE": store}, stdout=quiet, stderr=quiet,
                              start_new_session=True)  # fmt: skip
    try:
        until = time.monotonic() + PATIENCE / 1000
        while not _answers(where):
            if server.poll() is not None or time.monotonic() > until:
                raise UserError("The app did not start; see what `cogmem app` says.")
            time.sleep(0.05)
        yield where, server.pid
    finally:
        os.killpg(server.pid, 15)
        server.wait(10)


def _memory(leader: int) -> float:
    """Return the memory in MB of the server: of the processes of its session."""
    total = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            session = int((status.parent / "stat").read_text().rpartition(")")[2].split()[3])
            if session == leader:
                lines = status.read_text().splitlines()
                total += sum(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))
        except (OSError, IndexError, ValueError):
            continue  # it has ended meanwhile
    return total


async def _settled(page: Any) -> None:
    await page.wait_for_selector("h1", timeout=PATIENCE)
    await page.wait_for_function("!document.querySelector('[data-testid=stStatusWidget]')", timeout=PATIENCE)


async def _ready(page: Any, where: str, items: int) -> None:
    """Open Explore with a design of so many items, and the lines of its script, which change with every move."""
    await page.goto(f"{where}/explore")
    await page.wait_for_selector(CHART, timeout=PATIENCE)
    await page.get_by_text("The same in Python").first.click()
    if items:
        await page.get_by_text("Settings of the design").first.click()
        field = page.get_by_label("n items", exact=True)
        await field.fill(str(items))
        await field.press("Enter")
        wanted = f"n_items={items}"
        await page.wait_for_function("word => document.querySelector('code').innerText.includes(word)", arg=wanted,
                                     timeout=PATIENCE)  # fmt: skip
    await _settled(page)


async def _moves(page: Any, n: int, pauses: Iterator[float] | None = None) -> list[float]:
    """Return the seconds from a press of a key on a slider to the page that tells of it, n times; pauses come first."""
    slider, found = page.get_by_role("slider").first, list[float]()
    for k in range(n):
        await asyncio.sleep(next(pauses) if pauses else 0.0)
        before = await page.locator("code").first.inner_text()
        await slider.focus()
        began = time.perf_counter()
        await slider.press("ArrowLeft" if k % 4 < 2 else "ArrowRight")
        await page.wait_for_function("old => document.querySelector('code').innerText !== old", arg=before,
                                     timeout=PATIENCE, polling=20)  # fmt: skip
        found.append(time.perf_counter() - began)
    return found


def _thinking(seed: int) -> Iterator[float]:
    """Yield how long somebody looks before each move, s; the first pause is a part of one."""
    rng = np.random.default_rng(seed)
    yield float(THINKING * rng.random())
    while True:
        yield float(THINKING * (0.5 + rng.random()))


async def _measured(quick: bool, seed: int) -> list[Speed]:
    from playwright.async_api import async_playwright

    with tempfile.TemporaryDirectory() as store:
        async with async_playwright() as play:
            browser = await play.chromium.launch(executable_path=shutil.which("chromium"), args=list(FLAGS))
            began = time.perf_counter()
            with serving(store) as (where, leader):
                return await _all(browser, where, began, leader, quick, seed)


async def _all(browser: Any, where: str, began: float, server: int, quick: bool, seed: int) -> list[Speed]:
    page = await browser.new_page(viewport={"width": 1300, "height": 1000})
    await page.goto(f"{where}/explore" if quick else where)
    await page.wait_for_selector(CHART, timeout=PATIENCE)
    rows = [_row("start of the server to the first plot", time.perf_counter() - began, unit="plot")]
    n = 4 if quick else MOVES
    for items, what in ((0, "512 tests"), (ITEMS, "100,000 tests")):
        await _ready(page, where, items)
        await _moves(page, 2)
        rows.append(_row(f"a slider's move, {what}: median", float(np.median(await _moves(page, n)))))
    for _ in range(2):
        for name in PAGES:
            await page.goto(f"{where}/{name}")
            await _settled(page)
    megabytes = _memory(server)
    rows.append(Speed("memory after every page twice", "browser", megabytes, "MB", 1.0, megabytes))
    people = [await browser.new_page() for _ in range(2 if quick else PEOPLE)]
    for each in people:
        await _ready(each, where, 0)
    work: list[Awaitable[list[float]]] = [_moves(each, n, _thinking(seed + k)) for k, each in enumerate(people)]
    seconds = np.concatenate(await asyncio.gather(*work))
    rows.append(_row(f"a slider's move, {len(people)} people at once, who look {THINKING:g} s at each: 95th percentile",
                     float(np.quantile(seconds, 0.95))))  # fmt: skip
    return rows


def bench(*, quick: bool = False, seed: int = 1) -> list[Speed]:
    """Return what the app takes in a browser; UserError where there is none. By the seed ten people look and move."""
    if shutil.which("chromium") is None or find_spec("playwright") is None or find_spec("streamlit") is None:
        raise UserError("The app is measured in a browser: install chromium, playwright and streamlit.")
    return asyncio.run(_measured(quick, seed))
