"""Texts: slices by hand, files of any size and what is wrong with them, and the documentation strings of Python."""

from __future__ import annotations

import ast
import sys
import sysconfig
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogmem import texts
from cogmem.errors import UserError
from cogmem.texts import MODULES, By, TextSlice, docstrings_text, read_text, slices, text_sha256


def told(piece: TextSlice, between: str = "") -> str:
    """Return a slice written out again."""
    return between.join(piece.names[symbol] for symbol in piece.symbols)


def written(folder: Path, raw: bytes) -> Path:
    file = folder / "text.txt"
    file.write_bytes(raw)
    return file


# ---- slices ----------------------------------------------------------------------------------------------------------


def test_characters_by_hand() -> None:
    one, two = slices("banana bread.", slice_length=6)
    assert (one.symbols.tolist(), one.names, one.n_symbols) == ([1, 0, 2, 0, 2, 0], ("a", "b", "n"), 3)
    # A slice has its own symbols; the point is left out.
    assert (two.symbols.tolist(), two.names) == ([0, 2, 5, 4, 1, 3], (" ", "a", "b", "d", "e", "r"))
    assert one.symbols.dtype == np.int32
    assert not one.symbols.flags.writeable


def test_words_by_hand() -> None:
    one, two = slices("The cat sat.\n\tThe  Cat sat on", by="words", slice_length=3)
    assert (one.symbols.tolist(), one.names) == ([2, 0, 1], ("cat", "sat.", "the"))
    assert (two.symbols.tolist(), two.names) == ([2, 0, 1], ("cat", "sat", "the"))


def test_characters_stay_as_they_are() -> None:
    text = "A a\n\n  \u00e4 e\u0301 \U0001f600\ud800"
    assert told(next(slices(text))) == text


@pytest.mark.parametrize(("n", "lengths"), [(1, [1]), (3, [3]), (4, [4]), (5, [4]), (8, [4, 4]), (11, [4, 4])])
def test_what_is_left_is_left_out_but_of_a_short_text(n: int, lengths: list[int]) -> None:
    assert [len(each.symbols) for each in slices("x" * n, slice_length=4)] == lengths
    assert [len(each.symbols) for each in slices("x " * n, by="words", slice_length=4)] == lengths


@given(
    st.lists(st.text("ab\u00e4 \n", max_size=7), max_size=12),
    st.integers(2, 9),
    st.sampled_from(["characters", "words"]),
)
def test_where_blocks_are_cut_makes_no_difference(blocks: list[str], length: int, by: Any) -> None:
    whole = "".join(blocks)
    units = list(whole) if by == "characters" else whole.split()
    if not units:
        with pytest.raises(UserError, match=f"The text has no {by}"):
            list(slices(blocks, by=by, slice_length=length))
        return
    found = list(slices(blocks, by=by, slice_length=length))
    again = [piece.names[symbol] for piece in found for symbol in piece.symbols]
    assert again == units[: max(len(units) // length * length, min(len(units), length))]
    for piece in found:
        assert list(piece.names) == sorted(set(piece.names))
        assert set(piece.symbols.tolist()) == set(range(piece.n_symbols))


def test_slices_come_before_the_text_has_ended() -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "abcdefg "

    found = slices(endless(), slice_length=3)
    assert [told(next(found)) for _ in range(3)] == ["abc", "def", "g a"]
    assert told(next(slices(endless(), by="words", slice_length=2)), " ") == "abcdefg abcdefg"


def test_settings_that_make_no_sense_are_errors_at_once() -> None:
    with pytest.raises(UserError, match="two symbols or more; got slice_length=1"):
        slices("abc", slice_length=1)
    with pytest.raises(UserError, match="not by 'word'; did you mean 'words'"):
        slices("abc", by="word")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="two symbols or more; got slice_length=0"):
        read_text("nowhere.txt", slice_length=0)


def test_words_without_end_are_an_error() -> None:
    with pytest.raises(UserError, match="The text has a word of more than 1000000 characters; read it by characters"):
        list(slices(["x" * 600_000] * 3, by="words"))


# ---- files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 2, 3, 5, 64])
def test_characters_of_several_bytes_may_lie_across_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(texts, "BLOCK", block)
    text = "a\u00e4\u20ac\U0001f600z" * 3
    file = written(tmp_path, text.encode())
    assert "".join(told(piece) for piece in read_text(file, slice_length=5)) == text
    assert told(next(read_text(file, by="words")), " ") == text


@pytest.mark.parametrize("block", [1, 2, 4, 64])
def test_ends_of_lines_are_one_character_and_a_mark_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(texts, "BLOCK", block)
    file = written(tmp_path, b"\xef\xbb\xbfa\r\nb\rc\nd\r")
    assert told(next(read_text(str(file)))) == "a\nb\nc\nd\n"


@pytest.mark.parametrize("block", [1, 2, 3, 7, 64])
@pytest.mark.parametrize(
    ("raw", "offset"),
    [
        (b"ab\xffcd", 2),
        (b"\xef\xbb\xbfab\xffcd", 5),
        (b"a\xc3\xa4\xe2\x82", 3),
        # The second of three bytes is missing: it is the first that cannot be read.
        (b"abc\xe2\x41\x41", 3),
        (b"a\r\n\xc3\xa4\x80", 5),
    ],
)
def test_bytes_that_are_no_text_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int, raw: bytes, offset: int
) -> None:
    monkeypatch.setattr(texts, "BLOCK", block)
    with pytest.raises(UserError, match=rf"text.txt is not UTF-8: byte {offset} cannot .*; save it as UTF-8\."):
        list(read_text(written(tmp_path, raw)))


@pytest.mark.parametrize("block", [2, 64])
def test_zeros_are_no_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    monkeypatch.setattr(texts, "BLOCK", block)
    with pytest.raises(UserError, match="byte 3 is zero"):
        list(read_text(written(tmp_path, b"abc\0def\0")))
    # As of UTF-16, whose mark is no UTF-8 either.
    with pytest.raises(UserError, match=r"byte [03] (is zero|cannot be read)"):
        list(read_text(written(tmp_path, "abc".encode("utf-16-le").join([b"\xff\xfe", b""]))))


def test_files_that_are_none_are_errors_at_once(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file .*missing\.txt; check the path"):
        read_text(tmp_path / "missing.txt")
    with pytest.raises(UserError, match="is a folder; name a text file in it"):
        read_text(tmp_path)
    with pytest.raises(UserError, match=r"text\.txt is empty"):
        read_text(written(tmp_path, b""))


def test_files_without_words_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"text\.txt has no words"):
        list(read_text(written(tmp_path, b" \n "), by="words"))
    with pytest.raises(UserError, match=r"text\.txt has no characters"):
        list(read_text(written(tmp_path, b"\xef\xbb\xbf")))


def test_files_that_may_not_be_read_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    file = written(tmp_path, b"abc")
    monkeypatch.setattr(Path, "open", refused)
    with pytest.raises(UserError, match=r"cannot be read \(Permission denied\); check who may read it"):
        list(read_text(file))


def test_a_million_symbols_take_less_than_two_seconds(tmp_path: Path) -> None:
    file = written(tmp_path, ("the quick brown fox \u00e4\n" * 46_000).encode())
    expected: dict[By, int] = {"characters": 1_012_000, "words": 230_000}
    for by, n in expected.items():
        start = time.perf_counter()
        # A thousand at a time, and what is left is left out.
        assert sum(len(piece.symbols) for piece in read_text(file, by=by)) == n
        assert time.perf_counter() - start < 2


# ---- documentation strings -------------------------------------------------------------------------------------------


def test_documentation_is_long_enough_and_of_lines() -> None:
    text = docstrings_text()
    # 1,048,386 in Python 3.11.7.
    assert 500_000 < len(text) < 2_000_000
    assert text.endswith("\n")
    assert all(line == " ".join(line.split()) and line for line in text[:-1].split("\n"))
    # Letters keep their case.
    assert "Return" in text
    assert "return" in text
    assert docstrings_text() is text


def test_documentation_is_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "MODULES", ("copy", "no_such_module", "json"))
    docstrings_text.cache_clear()
    try:
        first = docstrings_text()
        docstrings_text.cache_clear()
        assert docstrings_text() == first
        # Those of copy, then those of json, and what is missing is left out.
        assert 0 == first.index("Generic (shallow and deep) copying") < first.index("JSON (JavaScript Object Notation)")
    finally:
        docstrings_text.cache_clear()


def test_a_text_is_named_by_its_hash() -> None:
    # The sha256 of abc, as in FIPS 180.
    assert text_sha256("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_documentation_of_a_file_by_hand() -> None:
    source = (
        '"""Of\n  the module."""\n\n@f("no")\nclass A:\n    """Of A."""\n    x = "no"\n\n    async def g(self):\n'
        '        """Of g."""\n        if 1:\n            def h():\n                "Of h."\n    def i(self):\n'
        '        """ """\n\ndef j():\n    return "no"\n\ntry:\n    pass\nexcept E:\n    def k():\n'
        '        r"""Of k."""\n'
    )
    assert list(texts._docstrings(ast.parse(source))) == ["Of the module.", "Of A.", "Of g.", "Of h.", "Of k."]


def test_files_of_modules_and_packages(tmp_path: Path) -> None:
    for name in ("b/__init__.py", "b/z.py", "b/a/q.py", "b/test/no.py", "b/notes.txt", "alone.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = [file.relative_to(tmp_path).as_posix() for file in texts._files(tmp_path, "b")]
    assert found == ["b/__init__.py", "b/a/q.py", "b/z.py"]
    assert texts._files(tmp_path, "alone") == [tmp_path / "alone.py"]
    assert texts._files(tmp_path, "missing") == []


def test_modules_are_parsed_and_never_imported(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "copy.py").write_text('"""Of copy."""\nraise SystemExit\n')
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    docstrings_text.cache_clear()
    try:
        assert docstrings_text() == "Of copy.\n"
        docstrings_text.cache_clear()
        (tmp_path / "copy.py").unlink()
        with pytest.raises(UserError, match="has no source files of Python's library"):
            docstrings_text()
    finally:
        docstrings_text.cache_clear()


def test_modules_are_sorted_and_there() -> None:
    assert list(MODULES) == sorted(set(MODULES))
    # Names alone: nothing is loaded by it.
    assert set(MODULES) <= sys.stdlib_module_names
