"""Whatever is in a file that cogmem reads, there is a result or one sentence; ten thousand files of four kinds."""

from __future__ import annotations

import json
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cogmem as cm
from cogmem import store_care, store_queries
from cogmem.core import Record
from cogmem.errors import UserError
from cogmem.human_data import read_datasets
from cogmem.store import load_record, save_record
from cogmem.studies import KIND, cell_spec
from tests.test_plans import PLANS, read, toml
from tests.test_tables import ANY_TABLE, outcome


def many(cases: int) -> settings:
    return settings(max_examples=cases, deadline=None, suppress_health_check=list(HealthCheck))


def said(act: Callable[[], Any]) -> Any:
    """Return what a call gives, or the sentence that it says instead; anything else that it raises is a bug."""
    found = None
    try:
        found = act()
    except UserError as problem:
        sentence = str(problem)
    else:
        return found
    assert 0 < len(sentence) < 3000
    return sentence


@pytest.mark.slow
@many(3500)
@given(PLANS)
def test_plans(content: dict[str, Any]) -> None:
    text = "\n".join(f"{key} = {toml(value)}" for key, value in content.items())
    with TemporaryDirectory() as folder:
        said(lambda: len(read(Path(folder), text).study))


@pytest.mark.slow
@many(3500)
@given(ANY_TABLE)
def test_csv(content: bytes) -> None:
    outcome(content)


# ---- registries of data sets -----------------------------------------------------------------------------------------

REGISTRY: dict[str, Any] = {
    "columns": {"own": {"dtype": "int", "unit": "1", "meaning": "of the test"}},
    "datasets": {
        "mine": {
            "title": "Mine", "paradigm": "forgetting_curve", "kind": "human", "who": "students",
            "citation": "Me (2026)", "licence": "CC0", "provenance": "typed", "notes": "", "default": "main",
            "files": [{"name": "raw.csv", "folder": "mine", "url": "https://example.org/raw.csv", "sha256": "0" * 64,
                       "size": 3, "licence": "CC0"}],
            "tables": {"main": {"file": "mine.csv", "sha256": "0" * 64, "rows": 2, "measure": "retention",
                                "x": "retention_interval", "groups": ["participant"],
                                "columns": ["participant", "retention_interval", "correct", "trials", "own"]}},
        }
    },
}  # fmt: skip
TABLE = "participant,retention_interval,correct,trials,own\na,60,3,4,1\nb,3600,1,4,2\n"
LEAF = (
    st.none() | st.booleans() | st.integers(-3, 9) | st.floats(-5, 5) | st.text(max_size=6) | st.just([]) | st.just({})
    | st.sampled_from(["main", "mine.csv", "../mine.csv", "/etc/passwd", "retention_interval", "own", "savings", "int"])
    | st.lists(st.sampled_from(["participant", "trials", "own", "y", ""]), max_size=3)
)  # fmt: skip


@st.composite
def harmed(draw: st.DrawFn) -> dict[str, Any]:
    """Return the registry with one to three entries replaced, renamed or gone."""
    made = json.loads(json.dumps(REGISTRY))
    for _ in range(draw(st.integers(1, 3))):
        place: Any = made
        while True:
            keys: list[Any] = list(place) if isinstance(place, dict) else list(range(len(place)))
            if not keys:
                break
            key = draw(st.sampled_from(keys))
            if isinstance(place[key], dict | list) and place[key] and draw(st.integers(0, 4)):
                place = place[key]
                continue
            match draw(st.sampled_from(["other", "other", "gone", "named"])):
                case "other":
                    place[key] = draw(LEAF)
                case "gone":
                    del place[key]
                case _ if isinstance(place, dict):
                    place[draw(st.text(max_size=5))] = place.pop(key)
            break
    return made


CELLS = st.sampled_from([TABLE, TABLE, TABLE, "", "\n", TABLE.replace("60", "x"), TABLE.replace(",4,1", ""),
                         TABLE.replace("4", "0"), TABLE.replace("3600", "nan"), TABLE + '"', TABLE.split("\n")[0],
                         TABLE.replace("a,", "a,,")])  # fmt: skip


def read_registry(content: dict[str, Any], table: bytes) -> None:
    text = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in content.items())
    with TemporaryDirectory() as folder:
        (Path(folder) / "tables").mkdir()
        (Path(folder) / "tables" / "mine.csv").write_bytes(table)
        (Path(folder) / "registry.toml").write_text(text, encoding="utf-8")
        found = said(lambda: read_datasets(Path(folder) / "registry.toml"))
        for data in found if isinstance(found, tuple) else ():
            for name in data.tables:
                said(lambda data=data, name=name: cm.human_data.load(data, table=name))


@many(150)
@given(harmed(), CELLS.map(str.encode) | st.binary(max_size=40))
def test_some_registries(content: dict[str, Any], table: bytes) -> None:
    read_registry(content, table)


@pytest.mark.slow
@many(2000)
@given(harmed(), CELLS.map(str.encode) | st.binary(max_size=40))
def test_registries(content: dict[str, Any], table: bytes) -> None:
    read_registry(content, table)


def test_the_registry_that_is_harmed_here_is_good() -> None:
    with TemporaryDirectory() as folder:
        (Path(folder) / "tables").mkdir()
        (Path(folder) / "tables" / "mine.csv").write_text(TABLE)
        text = "\n".join(f"{key} = {toml(value)}" for key, value in REGISTRY.items())
        (Path(folder) / "registry.toml").write_text(text)
        (data,) = read_datasets(Path(folder) / "registry.toml")
        assert cm.human_data.load(data).rows["y"].tolist() == [0.75, 0.25]


# ---- folders of a store ----------------------------------------------------------------------------------------------

DESIGN = cm.paradigms.forgetting_curve.design(n_items=2, seed=1)
SUBJECT = cm.models.power.subject(a=1.0, b=0.1)
SPEC = cell_spec(DESIGN, SUBJECT, 1)
JUNK = st.binary(max_size=60) | st.sampled_from([b"", b"{}", b"[]", b"null", b'{"files": 5}', b"[" * 5000, b"\xff"])
HARM = st.tuples(st.integers(0, 99), st.sampled_from(["cut", "flip", "gone", "junk", "folder", "more", "json"]),
                 st.integers(0, 9999), JUNK)  # fmt: skip


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Record]:
    """Give the folder of a store with one record, and the record."""
    root = tmp_path_factory.mktemp("whole") / "s"
    record = cm.run(DESIGN, SUBJECT, seed=1)
    save_record(cm.Store(root), KIND, SPEC, record)
    return root, record


def harm(root: Path, which: int, how: str, place: int, junk: bytes) -> None:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    if not files:
        return
    path = files[which % len(files)]
    content = bytearray(path.read_bytes())
    if how == "gone":
        path.unlink()
    elif how == "folder":
        path.unlink()
        path.mkdir()
    elif how == "more":
        more = root / ["", "record", "x", "record/" + "0" * 64][place % 4] / f"more{place}.parquet"
        more.parent.mkdir(exist_ok=True)
        if not more.is_dir():
            more.write_bytes(junk)
    elif how == "json":
        path = path.parent / "source.json"
        if path.is_file():
            try:
                known = json.loads(path.read_bytes())
                known[sorted(known)[place % len(known)]] = [None, 3, "x", [], {}, [[1]], {"files": 1}][place % 7]
                path.write_text(json.dumps(known))
            except (ValueError, TypeError, ZeroDivisionError, RecursionError):
                path.write_bytes(junk)
    elif how == "junk":
        path.write_bytes(junk)
    elif content:
        place %= len(content)
        if how == "cut":
            del content[place:]
        else:
            content[place] ^= 4
        path.write_bytes(content)


def meet(stored: tuple[Path, Record], harms: list[tuple[int, str, int, bytes]], ask: bool) -> None:
    """Harm a copy of the store, do all that may be done with it, and see that no wrong answer comes out of it."""
    root, record = stored
    with TemporaryDirectory() as folder:
        store = cm.Store(Path(folder) / "s")
        shutil.copytree(root, store.root)
        for each in harms:
            harm(Path(store.root), *each)
        outside = sorted(Path(folder).iterdir())
        loaded = said(lambda: load_record(store, KIND, SPEC))
        assert isinstance(loaded, str) or loaded.answers.tolist() == record.answers.tolist()
        for look in (store_care.summary, store_care.entries, store_care.verify):
            said(lambda look=look: look(store))
        said(lambda: store_care.sweep(store, dry_run=True))
        if ask:
            said(lambda: store_queries.query(store, "select count(*) from responses"))
            said(lambda: store_queries.query(store, "select * from entries"))
        said(lambda: store_care.verify(store, aside=True))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            again = said(lambda: cm.run_study(cm.Study("one", (DESIGN,), (SUBJECT,), (1,)), store=store).records[0])
        assert isinstance(again, str) or again.answers.tolist() == record.answers.tolist()
        assert sorted(Path(folder).iterdir()) == outside


@many(150)
@given(st.lists(HARM, min_size=1, max_size=3), st.booleans())
def test_some_stores(stored: tuple[Path, Record], harms: list[Any], ask: bool) -> None:
    meet(stored, harms, ask)


@pytest.mark.slow
@many(1000)
@given(st.lists(HARM, min_size=1, max_size=3), st.integers(0, 9).map(lambda k: k == 0))
def test_stores(stored: tuple[Path, Record], harms: list[Any], ask: bool) -> None:
    meet(stored, harms, ask)
