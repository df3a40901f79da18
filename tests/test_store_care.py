"""Looking after a store: listed, verified, mended, swept, exported; what a running study holds is left alone."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cogmem.core import Source
from cogmem.errors import UserError
from cogmem.store import ASIDE, Store
from cogmem.store_care import DAY, entries, export, summary, sweep, verify
from cogmem.trials import Trials


def spec(k: int) -> dict[str, int]:
    return {"k": k}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """Give a store of two records and one fit."""
    made = Store(tmp_path / "store")
    for kind, k in (("record", 1), ("record", 2), ("fit", 3)):
        made.save(kind, spec(k), {"t": Trials({"x": np.arange(float(k))})}, source=Source(who=f"me {k}", seconds=k))
    return made


def flip(path: Path) -> None:
    """Flip one bit in the middle of a file."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


def test_what_is_stored_is_listed(store: Store) -> None:
    assert [(row["kind"], row["entries"]) for row in summary(store)] == [("fit", 1), ("record", 2)]
    assert {(row["who"], row["seconds"]) for row in entries(store, "record")} == {("me 1", 1.0), ("me 2", 2.0)}
    assert len(entries(store)) == 3
    with pytest.raises(UserError, match="has no 'records'; it has fit, record"):
        entries(store, "records")
    with pytest.raises(UserError, match="it has nothing"):
        entries(Store(store.root / "none"), "records")


def test_a_flipped_bit_is_found_put_aside_and_made_again(store: Store) -> None:
    assert verify(store) == []
    folder = store.path("record", spec(2))
    flip(folder / "t.parquet")
    (row,) = verify(store)
    assert (row["kind"], row["address"], row["moved_to"]) == ("record", folder.name, "")
    assert "t.parquet was altered or cut short" in row["problem"]
    assert verify(store, kind="fit") == []
    (row,) = verify(store, aside=True)
    assert not folder.exists()
    assert (Path(row["moved_to"]) / "t.parquet").is_file()
    assert verify(store) == []
    assert len(entries(store)) == 2


def test_remember_makes_again_what_was_damaged_and_says_so(store: Store) -> None:
    made: list[int] = []

    def make() -> Any:
        made.append(1)
        return {"t": Trials({"x": np.arange(2.0)})}, {}, Source(who="again")

    flip(store.path("record", spec(2)) / "t.parquet")
    with pytest.warns(UserWarning, match="was altered or cut short since it was stored; it is made again"):
        tables, _, source = store.remember("record", spec(2), make)
    assert (tables["t"]["x"].tolist(), source.who, made) == ([0.0, 1.0], "again", [1])
    assert store.remember("record", spec(2), make)[2].who == "again"
    assert made == [1]
    assert len(list((Path(store.root) / ASIDE).iterdir())) == 1


def test_sweeping_takes_what_is_of_no_use_and_no_more(store: Store) -> None:
    root, now = Path(store.root), time.time()
    kinds = {"dead": 2 * 3600.0, "running": 60.0, "of the future": -9e6}
    for k, (name, age) in enumerate(kinds.items()):
        folder = root / "record" / f".{k:064x}.{'0' * 32}"
        folder.mkdir()
        (folder / name).write_text("half")
        for path in (folder / name, folder):
            os.utime(path, (now - age, now - age))
    (root / "record" / ".hidden").mkdir()  # not ours
    flip(store.path("fit", spec(3)) / "t.parquet")
    verify(store, aside=True)
    would = sweep(store, dry_run=True)
    assert sorted(row["why"] for row in would) == ["damaged", "unfinished"]
    assert [row["path"] for row in sweep(store)] == [row["path"] for row in would]
    assert sweep(store) == []
    assert len(list((root / "record").glob(".*"))) == 3
    assert len(entries(store)) == 2
    old = store.path("record", spec(1)) / "source.json"
    os.utime(old, (now - 9 * DAY, now - 9 * DAY))
    assert [row["why"] for row in sweep(store, older_than=8 * DAY, kind="record")] == ["old"]
    assert [row["who"] for row in entries(store)] == ["me 2"]
    assert not old.parent.exists()


def test_a_store_is_exported_whole(store: Store, tmp_path: Path) -> None:
    out = export(store, tmp_path / "copy")
    assert {row["address"] for row in entries(Store(out))} == {row["address"] for row in entries(store)}
    assert verify(Store(out)) == []
    assert Store(out).load("fit", spec(3))[2].who == "me 3"
    some = export(store, tmp_path / "some", ["record"])
    assert [row["kind"] for row in summary(Store(some))] == ["record"]
    with pytest.raises(UserError, match="is there already"):
        export(store, tmp_path / "copy")
    flip(store.path("fit", spec(3)) / "t.parquet")
    with pytest.raises(UserError, match="was altered"):
        export(store, tmp_path / "third")
    assert not (tmp_path / "third").exists()


def test_the_commands(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from typer.testing import CliRunner

    from cogmem.cli import app

    def said(*words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, ["store", *words, "--store", str(store.root)])
        assert done.exit_code == code, done.output
        return done.output

    assert [row["kind"] for row in json.loads(said("ls", "--json"))] == ["fit", "record"]
    assert "me 3" in said("ls", "--kind", "fit")
    assert "Every entry is what was stored" in said("verify")
    flip(store.path("fit", spec(3)) / "t.parquet")
    assert "altered" in said("verify", "--json", code=1)
    assert json.loads(said("verify", "--aside", "--json", code=1))[0]["moved_to"]
    assert "damaged" in said("gc", "--dry-run")
    assert [row["why"] for row in json.loads(said("gc", "--json"))] == ["damaged"]
    assert json.loads(said("gc", "--older-than", "0", "--kind", "record", "--dry-run", "--json"))
    said("export", str(tmp_path / "out"))
    assert (tmp_path / "out" / "record").is_dir()
