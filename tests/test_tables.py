"""A user's own CSV: what is read, and for each way it can be wrong, the sentence that says so."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cogmem.cells
import cogmem.tables
from cogmem.cells import read_sheet
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.tables import read_curve

COUNTS = "retention_interval,correct,trials\n"
RETAINED = "retention_interval,retention\n"


@pytest.fixture(params=["careful", "quick"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Run a test with the reader for small files and with the one for large files."""
    if request.param == "quick":
        monkeypatch.setattr(cogmem.cells, "LARGE", 0)
    return str(request.param)


def written(folder: Path, content: str | bytes, name: str = "mine.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(curve: Curve) -> dict[str, list[object]]:
    return {name: curve.rows[name].tolist() for name in curve.rows}


def test_counts(tmp_path: Path, reader: str) -> None:
    text = (
        "participant,condition,retention_interval,correct,trials,notes\n"
        "01,words,60,9,10,slept\n"
        "01,words,3600,5,10,\n"
        "2,faces,60,20,20,\n"
        "2,faces,3600,0,20,tired\n"
    )
    curve = read_curve(written(tmp_path, text, "my_data.csv"))
    assert (curve.measure, curve.subject, curve.source.who) == ("retention", "my_data", "my_data.csv")
    assert rows(curve) == {
        "x": [60.0, 3600.0, 60.0, 3600.0],
        "y": [0.9, 0.5, 1.0, 0.0],
        "n": [10.0, 10.0, 20.0, 20.0],
        "sd": [pytest.approx(0.3), 0.5, 0.0, 0.0],
        "retention_interval": [60.0, 3600.0, 60.0, 3600.0],
        "participant": ["01", "01", "2", "2"],
        "condition": ["words", "words", "faces", "faces"],
        "correct": [9.0, 5.0, 20.0, 0.0],
    }


def test_the_hash_is_of_the_bytes(tmp_path: Path) -> None:
    curve = read_curve(written(tmp_path, "retention_interval,retention\n60,0.5\n90,0.25\n"))
    # sha256sum of these 44 bytes
    assert curve.source.sha256 == "fed5f696cce49ef2e4253a41a47878674a15135bf51ee72ef3743b8aa6eebd37"


def test_retention_with_se(tmp_path: Path, reader: str) -> None:
    curve = read_curve(written(tmp_path, "retention_interval,retention,se\n0,1,0.01\n60,0.5,0.2\n"))
    assert rows(curve) == {
        "x": [0.0, 60.0],
        "y": [1.0, 0.5],
        "n": [1.0, 1.0],
        "sd": [0.01, 0.2],
        "retention_interval": [0.0, 60.0],
        "participant": ["all", "all"],
    }
    assert curve.se.tolist() == [0.01, 0.2]


def test_savings_may_be_negative_and_without_se(tmp_path: Path) -> None:
    curve = read_curve(written(tmp_path, "retention_interval,savings\n60,0.5\n120,-0.1\n"))
    assert curve.measure == "savings"
    assert curve.rows["y"].tolist() == [0.5, -0.1]
    assert np.isnan(curve.se).all()


def test_repetitions_gap_and_guess(tmp_path: Path) -> None:
    text = "retention_interval,retention,repetitions,spacing_gap,guess\n60,0.5,1,0,0.25\n60,0.6,3,10,0\n90,0.5,3,10,0\n"
    curve = read_curve(written(tmp_path, text))
    assert curve.rows["repetitions"].dtype == np.int64
    assert curve.rows["repetitions"].tolist() == [1, 3, 3]
    assert curve.rows["spacing_gap"].tolist() == [0.0, 10.0, 10.0]
    assert curve.rows["guess"].tolist() == [0.25, 0.0, 0.0]


def test_single_tests_are_added_up_and_others_are_not(tmp_path: Path, reader: str) -> None:
    text = (
        "participant,retention_interval,correct,trials\n"
        "a,60,1,1\na,60,1,1\na,60,0,1\n"  # three single tests, two right
        "a,60,7,10\na,60,8,10\n"  # two lists, which differ
        "b,60.0,1,1\na,3600,0,1\na,3600,0,1\n"
    )
    curve = read_curve(written(tmp_path, text))
    assert curve.rows["participant"].tolist() == ["a", "a", "a", "b", "a"]
    assert curve.rows["x"].tolist() == [60.0, 60.0, 60.0, 60.0, 3600.0]
    assert curve.rows["correct"].tolist() == [2.0, 7.0, 8.0, 1.0, 0.0]
    assert curve.rows["n"].tolist() == [3.0, 10.0, 10.0, 1.0, 2.0]


def test_single_tests_stay_apart_by_every_known_column(tmp_path: Path) -> None:
    text = "retention_interval,correct,trials,condition,guess\n60,1,1,a,0\n60,1,1,b,0\n60,1,1,b,0.5\n90,1,1,b,0.5\n"
    assert len(read_curve(written(tmp_path, text)).rows) == 4


def test_a_long_table_of_counts_is_added_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, COUNTS + "60,7,10\n60,8,10\n90,1,10\n")
    assert len(read_curve(path).rows) == 3
    monkeypatch.setattr(cogmem.tables, "MANY_ROWS", 2)
    assert read_curve(path).rows["correct"].tolist() == [15.0, 1.0]
    assert read_curve(path).rows["n"].tolist() == [20.0, 10.0]


@pytest.mark.parametrize(
    "text",
    [
        "retention_interval;correct;trials\n60;9;10\n90;5;10\n",
        "retention_interval\tcorrect\ttrials\n60\t9\t10\n90\t5\t10\n",
        "\ufeffretention_interval,correct,trials\r\n60,9,10\r\n90,5,10\r\n",
        "retention_interval,correct,trials\r60,9,10\r90,5,10\r",
        "retention_interval , correct, trials \n 60, 9 , 10\n 90, 5.0, 1e1",
        '"retention_interval","correct","trials"\n"60","9","10"\n"90","5","10"\n',
        "\n\nretention_interval,correct,trials\n\n60,9,10\n,,\n90,5,10\n\n,,\n",
        '"",retention_interval,correct,trials\n1,60,9,10\n2,90,5,10\n',
        "retention_interval,correct,trials,,\n60,9,10,,\n90,5,10,,\n",
        "trials,correct,retention_interval,se\n10,9,60,0\n10,5,90,x\n",
        'notes,retention_interval,correct,trials\n"two\nlines, and ""more""",60,9,10\n,90,5,10\n',
    ],
    ids=["semicolon", "tab", "bom", "mac", "spaces", "quoted", "blank", "rownames", "commas", "se beside", "newline"],
)
def test_other_ways_to_write_it(tmp_path: Path, text: str, reader: str) -> None:
    curve = read_curve(written(tmp_path, text))
    assert curve.rows["x"].tolist() == [60.0, 90.0]
    assert curve.rows["correct"].tolist() == [9.0, 5.0]
    assert curve.rows["n"].tolist() == [10.0, 10.0]


BAD: dict[str, tuple[str | bytes, list[str]]] = {
    "empty": ("", ["mine.csv is empty", "column names", "add them"]),
    "only a byte order mark": (b"\xef\xbb\xbf", ["mine.csv is empty"]),
    "only separators": (',,,\n"",,\n', ["mine.csv is empty", "column names", "add them"]),
    "header only": (COUNTS, ["no rows of data", "at least two rows"]),
    "Latin-1": (
        RETAINED.encode() + b"60,0.5\n90,\xe90\n",
        ["not UTF-8", "byte 39", "line 3", "0xe9", "save it as CSV"],
    ),
    "Latin-1 after a byte order mark": (b"\xef\xbb\xbf" + b"x\n\xe9", ["not UTF-8", "byte 5", "line 2"]),
    "UTF-16": ((COUNTS + "60,1,1\n").encode("utf-16"), ["is UTF-16 text", "UTF-8 is needed", "save it"]),
    "UTF-16 without mark": ((COUNTS + "60,1,1\n").encode("utf-16-be"), ["is UTF-16 text", "UTF-8 is needed"]),
    "binary": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0", ["is a binary file", "byte 8", "save the table as CSV"]),
    "workbook": (b"PK\x03\x04\x14\0\x06\0", ["is a workbook", "save the sheet as CSV"]),
    "no delay": (
        "delay,correct,trials\n60,9,10\n",
        ["needs the column 'retention_interval'", "unit s", "mean 'delay'?"],
    ),
    "misspelt delay": (
        "retention_intervall,retention\n60,1\n",
        ["'retention_interval'", "mean 'retention_intervall'?"],
    ),
    "no header": (
        "60,9,10\n90,5,10\n",
        ["needs the column 'retention_interval'", "only the columns '60', '9'", "add it"],
    ),
    "no measure": ("retention_interval,age\n60,9\n", ["'correct' with 'trials', or 'retention'", "has only", "'age'"]),
    "misspelt measure": ("retention_interval,retenton\n60,1\n", ["or 'savings'", "did you mean 'retenton'?"]),
    "no trials": (
        "retention_interval,correct\n60,9\n",
        ["needs the column 'trials' (tests behind `correct`", "add it"],
    ),
    "no correct": ("retention_interval,hits,trials\n60,9,10\n", ["needs the column 'correct'", "did you mean 'hits'?"]),
    "thousands of columns": (
        ",".join(f"v{k}" for k in range(3000)) + "\n" + ",".join("1" * 3000),
        ["'v6', 'v7' and 2992 more;"],
    ),
    "two measures": (
        "retention_interval,retention,savings\n60,1,1\n",
        ["has the columns retention and savings, but one measure is needed", "keep one"],
    ),
    "counts and a ratio": (
        "retention_interval,correct,trials,retention\n60,9,10,0.9\n",
        ["correct and trials and retention", "one measure is needed"],
    ),
    "misspelt participant": (
        "particpant,retention_interval,retention\na,60,1\na,90,1\n",
        ["unknown column 'particpant'", "did you mean 'participant'?", "Rename it"],
    ),
    "subject": ("subject,retention_interval,retention\na,60,1\na,90,1\n", ["'subject'; did you mean 'participant'?"]),
    "capitals": (
        "Condition,retention_interval,retention\na,60,1\na,90,1\n",
        ["'Condition'; did you mean 'condition'?"],
    ),
    "sem": ("retention_interval,retention,SEM\n60,1,1\n90,1,1\n", ["'SEM'; did you mean 'se'?"]),
    "names twice": (
        "retention_interval,retention,retention\n60,1,1\n",
        ["the columns 2 and 3 are both called 'retention'", "its own name"],
    ),
    "too few cells": (COUNTS + "60,9,10\n90,5\n", ["line 3", "has 2 cells but needs 3", "add or remove"]),
    "too many cells": (COUNTS + "60,9,10\n90,5,10,1\n", ["line 3", "has 4 cells but needs 3"]),
    "a bad cell below a line break in a note": (
        'notes,retention_interval,retention\n"two\n\nlines",60,1\n,90,x\n',
        ["line 5, column 'retention': the cell holds 'x'"],
    ),
    "open quote": (COUNTS + '60,9,10\n90,"5,10\n70,1,2\n', ["line 3", "quotation marks"]),
    "open quote in the last cell": (RETAINED + '60,1\n90,"0.5\n', ["line 3", "quotation marks"]),
    "text after quote": (COUNTS + '60,9,10\n90,"5"5,10\n', ["line 3", "quotation marks"]),
    "huge cell": (COUNTS + f"60,9,10\n90,{'5' * 200_000},10\n", ["line 3"]),
    "huge cell that is not read": ("notes," + RETAINED + f"a,60,1\n{'b' * 140_000},90,1\n", ["line 3", "field limit"]),
    "one delay": (COUNTS + "60,9,10\n60.0,5,10\n", ["the only delay is 60 s", "at least two different", "add rows"]),
    "more right than tests": (COUNTS + "60,9,10\n90,11,10\n", ["line 3", "'correct'", "holds '11'", "at most the 10"]),
    "rows twice": (
        COUNTS + "60,9,10\n90,5,10\n\n60,9.0,10\n",
        ["lines 2 and 5", "identical in every column", "tells them apart", "add up"],
    ),
    "rows twice, retention": (RETAINED + "60,1\n90,0.5\n90,0.5\n", ["lines 3 and 4", "identical"]),
    "rows twice, numbered": (",retention_interval,retention\n1,60,1\n2,90,0.5\n3,90,0.5\n", ["lines 3 and 4"]),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_file(tmp_path: Path, case: str, reader: str) -> None:
    content, fragments = BAD[case]
    with pytest.raises(UserError) as caught:
        read_curve(written(tmp_path, content))
    message = str(caught.value)
    assert "mine.csv" in message
    assert [fragment for fragment in fragments if fragment not in message] == []
    assert "\n" not in message
    assert message.endswith(".")
    assert len(message) < 500


NUMBER = "a number of seconds, 0 or more"
BAD_CELLS = [
    ("retention_interval", "soon", [NUMBER, "correct that row"]),
    ("retention_interval", "-60", [NUMBER]),
    ("retention_interval", "", ["is empty", NUMBER, "fill it in"]),
    ("retention_interval", "nan", [NUMBER, "fill it in"]),
    ("retention_interval", "NA", [NUMBER, "fill it in"]),
    ("retention_interval", "inf", [NUMBER]),
    ("retention_interval", "-Infinity", [NUMBER]),
    ("retention_interval", "1e999", [NUMBER]),
    ("retention_interval", "=1+1", [NUMBER, "formulas are not evaluated"]),
    ("retention_interval", "1_000", [NUMBER]),
    ("retention_interval", "1,000", [NUMBER, "no thousands separators"]),
    ("retention_interval", "0x10", [NUMBER]),
    ("retention", "1.01", ["a proportion between 0 and 1"]),
    ("retention", "85", ["a proportion between 0 and 1", "divided by 100"]),
    ("retention", "85%", ["a proportion between 0 and 1", "divided by 100"]),
    ("retention", "-0.1", ["a proportion between 0 and 1"]),
    ("retention", "0,5", ["a proportion", "decimal point as a full stop"]),
    ("savings", "1.5", ["at most 1"]),
    ("savings", "-inf", ["at most 1"]),
    ("correct", "1.5", ["a whole number of right answers"]),
    ("correct", "-1", ["a whole number of right answers, 0 or more"]),
    ("correct", "", ["is empty", "right answers"]),
    ("trials", "0", ["a whole number of tests, 1 or more"]),
    ("trials", "9.5", ["a whole number of tests"]),
    ("trials", "1e30", ["a whole number of tests"]),
    ("se", "0", ["a standard error above 0"]),
    ("se", "-0.1", ["a standard error above 0"]),
    ("se", "", ["is empty", "a standard error above 0"]),
    ("repetitions", "0", ["a whole number of studies"]),
    ("repetitions", "2.5", ["a whole number of studies"]),
    ("repetitions", "1e9", ["to 10000"]),
    ("spacing_gap", "-1", [NUMBER]),
    ("guess", "1", ["at least 0 and below 1"]),
    ("guess", "-0.5", ["at least 0 and below 1"]),
    ("participant", "", ["is empty", "a name on one line"]),
    ("condition", "  ", ["is empty", "a name on one line"]),
    ("condition", "x" * 201, ["holds 'xxx", "1 to 200 characters"]),
    ("participant", "a\nb", [r"holds 'a\nb'", "a name on one line"]),
]


@pytest.mark.parametrize(("column", "value", "fragments"), BAD_CELLS, ids=[f"{c}={v[:9]!r}" for c, v, _ in BAD_CELLS])
def test_bad_cell(tmp_path: Path, column: str, value: str, fragments: list[str], reader: str) -> None:
    good = {"participant": "p", "condition": "c", "retention_interval": "60", "repetitions": "1", "spacing_gap": "1"}
    good["guess"] = "0"
    if column in ("correct", "trials"):
        good |= {"correct": "0", "trials": "2"}
    else:
        good |= {"savings" if column == "savings" else "retention": "0.5", "se": "0.1"}
    quoted = {name: f'"{cell}"' for name, cell in good.items()}
    table = [good, good | {"retention_interval": "90"}, quoted | {"retention_interval": "120", column: f'"{value}"'}]
    text = "\n".join([",".join(good), "", *(",".join(row.values()) for row in table), ""])
    with pytest.raises(UserError) as caught:
        read_curve(written(tmp_path, text))
    found = "is empty" if not value.strip() else "holds"
    for fragment in [f"mine.csv, line 5, column {column!r}: the cell {found}", "but needs", *fragments]:
        assert fragment in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_no_such_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There is no file '.*none\.csv'; give the path of a CSV file\."):
        read_curve(tmp_path / "none.csv")
    with pytest.raises(UserError, match=r"There is no file 'a\\x00b'"):
        read_curve("a\0b")
    with pytest.raises(UserError, match="is a folder, but a CSV file is needed; give the path"):
        read_curve(tmp_path)


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, COUNTS)

    def refuse(self: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(UserError, match=r"mine.csv cannot be read \(Permission denied\); allow reading it"):
        read_curve(path)


def test_extra_columns_that_are_nothing_of_ours_are_not_read(tmp_path: Path) -> None:
    text = (
        "sex,age,session,retention_interval,delay,retention,list\nf,1,1,60,a,0.5,1\nf,1,1,60,a,0.5,2\nf,1,1,9,a,0.5,2\n"
    )
    curve = read_curve(written(tmp_path, text))  # the column list tells rows 1 and 2 apart
    assert set(curve.rows) == {"x", "y", "n", "sd", "retention_interval", "participant"}
    assert len(curve.rows) == 3


def test_nothing_is_written(tmp_path: Path) -> None:
    read_curve(written(tmp_path, COUNTS + "60,9,10\n90,5,10\n"))
    assert [path.name for path in tmp_path.iterdir()] == ["mine.csv"]


def test_a_million_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cogmem.cells, "_careful_sheet", None)  # it would be called if the quick reader gave up
    line = "".join(f"{p:02d},{d},{(p * d) % 2},1\n" for p in range(50) for d in (60, 3600, 86400, 7))
    path = written(tmp_path, "participant,retention_interval,correct,trials\n" + line * 5000)
    started = time.process_time()
    curve = read_curve(path)
    # Reading takes about 1 s of processor time; 5 s leave room for a busy machine.
    assert time.process_time() - started < 5
    assert len(curve.rows) == 200
    assert curve.rows["n"].tolist() == [5000.0] * 200
    assert curve.rows["correct"].sum() == 25 * 5000


def outcome(content: bytes) -> str | dict[str, list[object]]:
    """Return the sentence, or the rows; any other exception is a bug."""
    sentence = ""
    with tempfile.TemporaryDirectory() as folder:
        try:
            curve = read_curve(written(Path(folder), content))
        except UserError as error:
            sentence = str(error)
    if sentence:
        assert "\n" not in sentence
        assert len(sentence) < 1000
        return sentence
    values = rows(curve)
    assert all(np.isfinite(curve.rows[name]).all() for name in ("x", "y", "n"))
    assert (curve.rows["n"] > 0).all()
    return {name: [str(value) for value in column] for name, column in values.items()}


NAMES = [
    "retention_interval",
    "correct",
    "trials",
    "retention",
    "savings",
    "se",
    "participant",
    "condition",
    "guess",
    "",
]
CELLS = st.sampled_from(
    ["60", "90", "0", "1", "0.5", "-1", "", " 3 ", "a", '"b"', '"c,d"', '"', '""', "é", "nan", "1e400"]
)
TABLES = st.builds(
    lambda mark, end, header, body: end.join(mark.join(row) for row in [header, *body]).encode(),
    st.sampled_from([",", ";", "\t"]),
    st.sampled_from(["\n", "\r\n", "\r", "\n\n"]),
    st.lists(st.sampled_from(NAMES) | st.text(max_size=8), min_size=1, max_size=6, unique=True),
    st.lists(st.lists(CELLS | st.text(max_size=4), max_size=6), max_size=6),
)
NUMERIC = st.builds(
    lambda header, body: "\n".join([header, *(",".join(map(str, row)) for row in body)]).encode(),
    st.sampled_from([COUNTS.strip(), "retention_interval,savings,se", "retention_interval,correct,trials"]),
    st.lists(st.tuples(st.integers(0, 3), st.integers(-1, 2), st.integers(1, 3) | st.floats()), max_size=8),
)
ANY_TABLE = st.binary(max_size=300) | st.text(max_size=200).map(str.encode) | TABLES | NUMERIC


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no bug
@given(ANY_TABLE)
def test_any_bytes_give_a_curve_or_a_sentence_and_both_readers_agree(content: bytes) -> None:
    careful = outcome(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cogmem.cells, "LARGE", 0)
        assert outcome(content) == careful


def cells(content: str) -> str | tuple[object, ...]:
    """Return the sentence, or all that a sheet holds."""
    try:
        sheet = read_sheet(content.encode(), "mine.csv", frozenset())
    except UserError as error:
        return str(error)
    columns = {name: [column[row] for row in range(len(sheet.lines))] for name, column in sheet.columns.items()}
    return list(sheet.header), columns, list(sheet.lines)


def both(content: str) -> tuple[object, object]:
    """Return what the careful reader says and what is said where the quick one is asked first."""
    careful = cells(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cogmem.cells, "LARGE", 0)
        return careful, cells(content)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ('a\n"a', "line 2: the row cannot be read (unexpected end of data)"),
        ('a\r "', "line 2: the row cannot be read (unexpected end of data)"),
        ('a,b\n1,"1\n', "line 2: the row cannot be read (unexpected end of data)"),
        ('"a,"a\n;', "line 1: the row cannot be read (',' expected after '\"')"),
        ("a,\n1," + 140_000 * "1", "line 2: the row cannot be read (field larger than field limit (131072))"),
    ],
    ids=["open", "space before", "last cell", "one mark for two", "huge"],
)
def test_the_quick_reader_leaves_odd_quotes_to_the_careful_one(content: str, sentence: str) -> None:
    careful, quick = both(content)
    assert quick == careful == f"mine.csv, {sentence}; check its quotation marks."


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_the_quick_reader_reads_what_is_plainly_quoted(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cogmem.cells, "LARGE", 0)
    monkeypatch.setattr(cogmem.cells, "_careful_sheet", None)  # it would be called if the quick reader gave up
    expected = (["a", "b, c"], {"a": ["1", "2"], "b, c": ["x;", ""]}, [2, 3])
    assert cells(end.join(['"a","b, c"', '" 1","x;"', '2,""', ""])) == expected
    assert cells(end.join(['\ufeff"a","b, c"', "1,x;", '"2",""'])) == expected


# A table of one or two columns, into which marks are then put where they do not belong.
GOOD_TABLES = st.builds(
    lambda end, rows: "".join(",".join(row) + end for row in rows),
    st.sampled_from(["\n", "\r\n", "\r"]),
    st.integers(1, 2).flatmap(
        lambda width: st.lists(
            st.lists(st.sampled_from(["a", "1", '"a"']), min_size=width, max_size=width), min_size=2, max_size=3
        )
    ),
)
STRAY = st.lists(st.tuples(st.integers(0, 15), st.sampled_from(['"', '"', '"', *", ;\n\r"])), min_size=1, max_size=2)


def marked(text: str, marks: list[tuple[int, str]]) -> str:
    for place, mark in marks:
        text = text[:place] + mark + text[place:]
    return text


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.builds(marked, GOOD_TABLES, STRAY) | st.text(st.sampled_from(',"\n\r; a1'), max_size=12))
def test_both_readers_agree_on_quotes_and_line_ends(content: str) -> None:
    careful, quick = both(content)
    assert quick == careful
