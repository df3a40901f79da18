"""The store: equal specs have one address, what comes out is what went in, and nothing is ever half there."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

import cogmem.store
from cogmem.addresses import address, canonical
from cogmem.core import Curve, Design, Measure, Paradigm, Record, Source
from cogmem.errors import UserError
from cogmem.store import (
    Store,
    default_root,
    load_curve,
    load_record,
    save_curve,
    save_record,
)
from cogmem.trials import Trials


def table(columns: Mapping[str, Any]) -> Trials:
    return Trials(columns)


SPEC = {"model": "power", "version": 1, "settings": {"lags": (1.0, 0.1), "n": 3}, "seed": 7}
TABLE = table({"x": [1.0, 2.0], "participant": ["01", "b"]})
SOURCE = Source(who="me", versions={"torch": "2.8"}, seconds=1.5)


@dataclass(frozen=True)
class Settings:
    n: int = 3
    lags: tuple[float, ...] = (1.0, 0.1)


@dataclass(frozen=True)
class Model:
    """What has functions and a version that stands for them."""

    name: str
    version: int
    predict: Callable[[float], float]
    start: float = 0.5


def same(left: NDArray[Any], right: NDArray[Any]) -> bool:
    equal = np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
    return left.dtype == right.dtype and left.shape == right.shape and equal


def same_tables(left: Mapping[str, NDArray[Any]], right: Mapping[str, NDArray[Any]]) -> bool:
    return list(left) == list(right) and all(same(left[name], right[name]) for name in left)


# --- Addresses


def test_the_address_is_the_hash_of_the_canonical_json() -> None:
    # printf '{"model":"power","seed":7,"settings":{"lags":[1.0,0.1],"n":3},"version":1}' | sha256sum
    assert address(SPEC) == "437f791bb01e66ba90973d1565dfaaa82344fc79dc1d08ed7e0c58fefdabbb6a"


def test_arrays_count_by_dtype_shape_and_bytes() -> None:
    # printf '\x01\x00\x02\x00' | sha256sum
    digest = "7b11c1133330cd161071bf23a0c9b6ce5320a8f3a0f83620035a72be46df4104"
    expected = {"$array": {"dtype": "<i2", "shape": [2], "sha256": digest}}
    assert canonical(np.array([1, 2], dtype="<i2")) == expected
    assert canonical(np.array([1, 2], dtype=">i2")) == expected
    assert canonical(np.array([1, 9, 2, 9], dtype="<i2")[::2]) == expected


def test_equal_specs_have_one_address() -> None:
    turned = {"seed": np.int64(7), "settings": MappingProxyType({"n": 3, "lags": [1.0, np.float64(0.1)]}), "version": 1}
    assert address({**turned, "model": np.str_("power")}) == address(SPEC)
    assert address(np.array(["a", "bc"])) == address(np.array(["a", "bc"], dtype="<U9"))
    assert address(table({"a": [1], "b": [2]})) == address(table({"b": [2], "a": [1]}))
    assert address({"x", "y", "z"}) == address(frozenset(["z", "y", "x"]))
    assert address(float("nan")) == address(np.float64("nan"))


DIFFERENT = [
    SPEC,
    SPEC | {"seed": 8},
    SPEC | {"seed": 7.0},
    SPEC | {"seed": "7"},
    SPEC | {"seed": None},
    SPEC | {"seed": True},
    SPEC | {"seed": float("inf")},
    SPEC | {"seed": float("nan")},
    SPEC | {"seed": "nan"},
    SPEC | {"version": 2},
    SPEC | {"settings": {"lags": (0.1, 1.0), "n": 3}},
    SPEC | {"settings": {"lags": (1.0, math.nextafter(0.1, 1)), "n": 3}},
    SPEC | {"settings": Settings()},
    SPEC | {"settings": Settings(n=4)},
    SPEC | {"settings": np.array([1, 2])},
    SPEC | {"settings": np.array([[1, 2]])},
    SPEC | {"settings": np.array([1, 2], dtype=np.int32)},
    SPEC | {"settings": np.array([1, 3])},
    SPEC | {"settings": table({"a": [1, 2]})},
    SPEC | {"settings": table({"b": [1, 2]})},
    SPEC | {"settings": Model("power", 1, abs)},
    SPEC | {"settings": Model("power", 2, abs)},
    SPEC | {"settings": Model("power", 1, abs, start=0.6)},
    SPEC | {"settings": [1, 2]},
    SPEC | {"settings": {1, 2}},
]


def test_different_specs_have_different_addresses() -> None:
    addresses = [address(spec) for spec in DIFFERENT]
    assert [DIFFERENT[k] for k in range(len(addresses)) if addresses[k] in addresses[:k]] == []


def test_a_name_and_a_version_stand_for_functions() -> None:
    assert canonical(Model("power", 1, abs)) == {
        "$type": "Model",
        "fields": {"name": "power", "start": 0.5, "version": 1},
    }
    assert address(Model("power", 1, abs)) == address(Model("power", 1, lambda x: x))
    measure = Measure("retention", "s", "1", lambda record: TABLE)
    paradigm = Paradigm("list", 1, "", Settings, lambda each, rng: (TABLE, np.zeros(1)), (measure,))
    assert canonical(paradigm)["fields"]["version"] == 1
    assert address(paradigm) != address(replace(paradigm, version=2))


def test_where_it_was_made_does_not_count() -> None:
    curve = Curve("retention", "me", table({"x": [1], "y": [1], "n": [1], "sd": [1]}), SOURCE)
    assert address(curve) == address(replace(curve, source=Source(seconds=9.0)))
    with pytest.raises(UserError, match=r"spec\.source is a Source, but provenance is never part of an address"):
        address({"source": SOURCE})


class NamedOnly:
    name = "power"

    def __call__(self) -> None: ...


REFUSED = [
    (abs, "spec.f is the function 'abs'"),
    (lambda x: x, "spec.f is the function '<lambda>'"),
    (Settings, "spec.f is the function 'Settings'"),
    (NamedOnly(), "an object with a name and an integer version"),
    (Measure("m", "", "", lambda record: TABLE), "spec.f.compute is the function '<lambda>'"),
    ([{"g": abs}], "spec.f[0].g is the function 'abs'"),
    (Path("x"), "spec.f is a PosixPath" if os.name == "posix" else "Path"),
    (1j, "spec.f is a complex"),
    (np.array([1j]), "spec.f is an array of complex128, but numbers, truth values or text are needed; convert it"),
    (np.array([None]), "spec.f is an array of object"),
    (np.array([1], dtype="M8[s]"), "datetime64"),
    (table({"t": np.array([1j])}), "spec.f.t is an array of complex128"),
    ({1: 2}, "spec.f has the key 1, but keys need to be text"),
    ({"$float": "nan"}, "spec.f has the key '$float'"),
]


@pytest.mark.parametrize(("value", "sentence"), REFUSED, ids=[sentence[:40] for _, sentence in REFUSED])
def test_what_cannot_be_hashed_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(UserError) as caught:
        address({"f": value})
    assert sentence in str(caught.value)


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text().filter(lambda k: k[:1] != "$"), inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSONS, st.randoms())
def test_the_order_of_keys_makes_no_difference(value: Any, random: Any) -> None:
    def shuffled(each: Any) -> Any:
        if isinstance(each, list):
            return [shuffled(one) for one in each]
        if not isinstance(each, dict):
            return each
        keys = list(each)
        random.shuffle(keys)
        return {key: shuffled(each[key]) for key in keys}

    assert address(shuffled(value)) == address(value)
    json.dumps(canonical(value), allow_nan=False)


# --- Round trips

DTYPES = st.sampled_from(
    ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", ">i4", ">f8", "U1", "U5"]
)
TEXT = st.characters(exclude_categories=["Cs"], exclude_characters="\0")


def arrays(*, rows: int | None = None) -> st.SearchStrategy[NDArray[Any]]:
    """Draw an array of any supported dtype; with `rows`, one that can be a column of that length."""

    def drawn(dtype: str) -> st.SearchStrategy[NDArray[Any]]:
        rest = hnp.array_shapes(
            min_dims=0 if rows is not None or dtype[0] != "U" else 1, max_dims=2, min_side=0, max_side=3
        )
        shapes = rest.map(lambda shape: shape if rows is None else (rows, *shape))
        elements = st.text(TEXT, max_size=int(dtype[1])) if dtype[0] == "U" else None
        return hnp.arrays(np.dtype(dtype), shapes, elements=elements)

    return DTYPES.flatmap(drawn)


WORDS = st.text(TEXT, min_size=1, max_size=5)
TABLES = st.integers(0, 4).flatmap(lambda rows: st.dictionaries(WORDS, arrays(rows=rows), max_size=4).map(Trials))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no bug
@given(TABLES, st.dictionaries(st.sampled_from(["items", "b", "c"]), arrays(), max_size=3))
def test_tables_and_arrays_come_back_exactly(rows: Trials, pool: dict[str, NDArray[Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        store.save("run", SPEC, {"rows": rows, "again": TABLE}, source=SOURCE, arrays=pool)
        tables, loaded, source = store.load("run", SPEC)
    assert list(tables) == ["rows", "again"]
    assert same_tables(tables["rows"].columns, rows.columns)
    assert same_tables(tables["again"].columns, TABLE.columns)
    assert same_tables(loaded, pool)
    assert not any(array.flags.writeable for array in loaded.values())
    assert source == SOURCE


def test_the_layout_in_memory_makes_no_difference(tmp_path: Path) -> None:
    plain = np.arange(6.0).reshape(2, 3)
    pool = {"turned": np.asfortranarray(plain), "strided": np.arange(12.0)[::2].reshape(2, 3), "point": np.array(1.5)}
    Store(tmp_path).save("run", SPEC, {"t": table({"c": pool["turned"]})}, source=SOURCE, arrays=pool)
    tables, loaded, _ = Store(tmp_path).load("run", SPEC)
    assert same_tables(loaded, pool)
    assert same(tables["t"]["c"], plain)
    assert address(pool["turned"]) == address(plain)


def test_it_opens_without_our_code(tmp_path: Path) -> None:
    import pyarrow.parquet
    from safetensors.numpy import load_file

    trials = table({"study_age": [[1.0, np.inf], [2.0, 3.0]], "participant": ["01", "b"]})
    folder = Store(tmp_path).save("run", SPEC, {"trials": trials}, source=SOURCE, arrays={"items": np.eye(2)})
    assert folder == tmp_path / "run" / address(SPEC)
    assert sorted(path.name for path in folder.iterdir()) == [
        "arrays.safetensors",
        "source.json",
        "spec.json",
        "trials.parquet",
    ]
    read = pyarrow.parquet.read_table(folder / "trials.parquet").to_pydict()
    assert read == {"study_age": [[1.0, np.inf], [2.0, 3.0]], "participant": ["01", "b"]}
    assert load_file(folder / "arrays.safetensors")["items"].tolist() == [[1.0, 0.0], [0.0, 1.0]]
    assert json.loads((folder / "spec.json").read_text()) == canonical(SPEC)
    source = json.loads((folder / "source.json").read_text())
    assert source["source"]["who"] == "me"
    assert set(source["saved_with"]) == {"cogmem", "numpy", "pyarrow", "safetensors", "Python"}
    assert set(source["files"]) == {"arrays.safetensors", "spec.json", "trials.parquet"}


def test_source_comes_back_exactly(tmp_path: Path) -> None:
    source = Source(who="who", citation="Müller (1900)", versions=MappingProxyType({"a": "1"}), seconds=float("inf"))
    Store(tmp_path).save("run", SPEC, {}, source=source)
    tables, arrays, loaded = Store(tmp_path).load("run", SPEC)
    assert (tables, arrays) == ({}, {})
    assert loaded == replace(source, versions={"a": "1"})


def test_curves_come_back_exactly(tmp_path: Path) -> None:
    rows = table(
        {"x": [1.0, 2.0], "y": [0.5, np.nan], "n": [2.0, 1.0], "sd": [0.5, np.nan], "participant": ["01", "é"]}
    )
    save_curve(Store(tmp_path), "curve", SPEC, Curve("savings", "Ebbinghaus", rows, SOURCE))
    loaded = load_curve(Store(tmp_path), "curve", SPEC)
    assert (loaded.measure, loaded.subject, loaded.source) == ("savings", "Ebbinghaus", SOURCE)
    assert (type(loaded.measure), type(loaded.subject)) == (str, str)
    assert same_tables(loaded.rows.columns, rows.columns)


SETTINGS = {
    "n": 3,
    "lags": (1, (2.5, "a")),
    "b": [1, None, True],
    "nan": np.inf,
    "d": {"e": ()},
    "z": np.eye(2),
    "a": -0.0,
}


@pytest.mark.parametrize("seconds", [None, np.array([0.25, np.nan])])
@pytest.mark.parametrize("items", [np.arange(6.0).reshape(3, 2), np.array([["dog"], ["Maus"]]), np.zeros((0, 4), "f4")])
def test_records_come_back_exactly(tmp_path: Path, items: NDArray[Any], seconds: NDArray[np.float64] | None) -> None:
    trials = table({"phase": ["study", "test", "test"], "item": [0, 0, 1]})
    design = Design("list", 2, SETTINGS, 2**100, trials, items)
    record = Record(design, "me", np.array([[1, 0], [-1, 2]], dtype=np.int8), seconds, SOURCE)
    save_record(Store(tmp_path), "record", SPEC, record)
    loaded = load_record(Store(tmp_path), "record", SPEC)
    assert (loaded.subject, loaded.source) == ("me", SOURCE)
    assert same(loaded.answers, record.answers)
    assert (loaded.seconds is None) if seconds is None else same(loaded.seconds, seconds)  # type: ignore[arg-type]
    assert (loaded.design.paradigm, loaded.design.version, loaded.design.seed) == ("list", 2, 2**100)
    assert same(loaded.design.items, items)
    assert same_tables(loaded.design.trials.columns, trials.columns)
    assert repr(dict(loaded.design.settings)) == repr(SETTINGS)


# --- What is there and what is not


def test_has_load_and_ls(tmp_path: Path) -> None:
    store = Store(tmp_path / "new")
    assert not store.has("run", SPEC)
    assert store.ls() == ()
    with pytest.raises(UserError, match=rf"has no run {address(SPEC)[:12]}…; run what makes it first"):
        store.load("run", SPEC)
    store.save("run", SPEC, {"t": TABLE}, source=SOURCE)
    store.save("curve", SPEC, {}, source=SOURCE)
    assert store.has("run", SPEC)
    assert not store.has("run", SPEC | {"seed": 8})
    assert [(each.kind, each.address) for each in store.ls()] == [("curve", address(SPEC)), ("run", address(SPEC))]
    assert store.ls()[1].spec == canonical(SPEC)
    assert store.ls()[1].size == sum(path.stat().st_size for path in store.path("run", SPEC).iterdir())


def test_the_first_to_save_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.save("run", SPEC, {"t": TABLE}, source=Source(who="first"))
    store.save("run", SPEC, {"t": TABLE}, source=Source(who="second"))
    assert store.load("run", SPEC)[2].who == "first"
    assert [path.name for path in (tmp_path / "run").iterdir()] == [address(SPEC)]


def test_remember_makes_once(tmp_path: Path) -> None:
    made: list[int] = []

    def make() -> tuple[dict[str, Trials], dict[str, NDArray[Any]], Source]:
        made.append(1)
        return {"t": TABLE}, {"a": np.eye(2)}, SOURCE

    for _ in range(2):
        tables, arrays, source = Store(tmp_path).remember("run", SPEC, make)
        assert same_tables(tables["t"].columns, TABLE.columns)
        assert arrays["a"].tolist() == np.eye(2).tolist()
        assert source == SOURCE
    assert made == [1]


def test_the_default_root(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COGMEM_STORE", str(tmp_path))
    assert Store().root == default_root() == tmp_path
    monkeypatch.setenv("COGMEM_STORE", "~/here")
    assert Store().root == Path.home() / "here"
    monkeypatch.setenv("COGMEM_STORE", "")
    assert Store().root.parts[-2:] == ("cogmem", "store")


@pytest.mark.parametrize("kind", ["", "../up", "a/b", ".hidden", "a\0b", "run.parquet"])
def test_a_kind_or_table_that_would_name_another_file_is_refused(tmp_path: Path, kind: str) -> None:
    with pytest.raises(UserError, match=r"The kind .* only letters, digits, _ and - may; rename it"):
        Store(tmp_path).save(kind, SPEC, {}, source=SOURCE)
    with pytest.raises(UserError, match="The table "):
        Store(tmp_path).save("run", SPEC, {kind: TABLE}, source=SOURCE)
    with pytest.raises(UserError, match="The array "):
        Store(tmp_path).save("run", SPEC, {}, source=SOURCE, arrays={kind: np.eye(2)})
    assert Store(tmp_path).ls() == ()


def test_what_parquet_cannot_hold_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    for column, sentence in [([1j], "complex128"), (["\ud800"], "not Unicode"), (np.ones(1, "g"), "array of")]:
        with pytest.raises(UserError, match=sentence):
            Store(tmp_path).save("run", SPEC, {"t": table({"c": np.array(column)})}, source=SOURCE)
    assert list((tmp_path / "run").iterdir()) == []


@pytest.mark.parametrize("name", ["spec.json", "source.json", "t.parquet", "arrays.safetensors", "text.text.parquet"])
@pytest.mark.parametrize("harm", ["cut", "altered", "gone", "empty"])
def test_a_damaged_file_is_named(tmp_path: Path, name: str, harm: str) -> None:
    pool = {"a": np.eye(2), "text": np.array(["a"])}
    folder = Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=SOURCE, arrays=pool)
    content = (folder / name).read_bytes()
    if harm == "gone":
        (folder / name).unlink()
    else:
        middle = content.find(b'"me"') + 1 if name == "source.json" else len(content) // 2
        altered = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        (folder / name).write_bytes({"cut": content[:-9], "altered": altered, "empty": b""}[harm])
    with pytest.raises(UserError) as caught:
        Store(tmp_path).load("run", SPEC)
    state = "is missing" if harm == "gone" else "was altered or cut short"
    assert f"{folder / name} {state}" in str(caught.value)
    assert f"delete the folder {folder} and rerun" in str(caught.value)


def test_saving_onto_a_damaged_folder_says_so(tmp_path: Path) -> None:
    folder = Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=SOURCE)
    (folder / "source.json").unlink()
    assert not Store(tmp_path).has("run", SPEC)
    with pytest.raises(UserError, match=r"source\.json is missing since it was stored; delete the folder"):
        Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=SOURCE)


def test_a_root_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    sentence = "cannot be written .*; make that folder writable, or name another one .* COGMEM_STORE"
    with pytest.raises(UserError, match=sentence):
        Store(tmp_path / "file").save("run", SPEC, {"t": TABLE}, source=SOURCE)

    def make() -> Any:
        raise AssertionError("found only after the work was done")

    with pytest.raises(UserError, match=sentence):
        Store(tmp_path / "file").remember("run", SPEC, make)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(UserError, match=rf"The store {tmp_path} cannot be written \(Permission denied\)"):
        Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=SOURCE)


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(cogmem.store, "write_arrays", refuse)
    with pytest.raises(UserError, match="No space left on device"):
        Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=SOURCE)
    assert list((tmp_path / "run").iterdir()) == []


KILLED = """
import os, sys
from pathlib import Path
import cogmem.store
from cogmem.core import Source
from cogmem.trials import Trials
cogmem.store._publish = lambda folder, target: os._exit(9)
cogmem.store.Store(Path(sys.argv[1])).save("run", {"seed": 1}, {"t": Trials({"x": [1.0]})}, source=Source())
"""


def test_a_killed_run_leaves_nothing_half_there(tmp_path: Path) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], check=False, cwd=tmp_path)
    assert ended.returncode == 9
    left = list((tmp_path / "run").iterdir())
    assert len(left) == 1  # the unfinished folder, complete but not yet renamed
    assert left[0].name.startswith(".")
    store = Store(tmp_path)
    assert not store.has("run", {"seed": 1})
    assert store.ls() == ()
    store.save("run", {"seed": 1}, {"t": TABLE}, source=SOURCE)
    assert same_tables(store.load("run", {"seed": 1})[0]["t"].columns, TABLE.columns)


WRITER = """
import sys, time
from pathlib import Path
from cogmem.core import Source
from cogmem.store import Store
from cogmem.trials import Trials
import pyarrow.parquet
root = Path(sys.argv[1])
(root / sys.argv[2]).touch()
while len(list(root.glob("ready*"))) < 2:
    time.sleep(0.001)
for seed in range(20):
    Store(root).save("run", {"seed": seed}, {"t": Trials({"x": [float(seed)]})}, source=Source(who=sys.argv[2]))
"""


def test_two_processes_write_the_same_addresses(tmp_path: Path) -> None:
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), f"ready{k}"], cwd=tmp_path) for k in range(2)
    ]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    assert len(list((tmp_path / "run").iterdir())) == 20
    for seed in range(20):
        assert Store(tmp_path).load("run", {"seed": seed})[0]["t"]["x"].tolist() == [float(seed)]


def test_threads_that_publish_at_once_all_succeed(tmp_path: Path) -> None:
    def save(k: int) -> Path:
        return Store(tmp_path).save("run", SPEC, {"t": TABLE}, source=Source(who=str(k)))

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(save, range(24))) == {tmp_path / "run" / address(SPEC)}
    assert len(list((tmp_path / "run").iterdir())) == 1
    Store(tmp_path).load("run", SPEC)


def test_importing_the_rooms_is_light(tmp_path: Path) -> None:
    code = "import sys, cogmem.store, cogmem.tables; print({'pandas', 'pyarrow', 'safetensors'} & set(sys.modules))"
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert printed.stdout.strip() == "set()"
