"""Files that take their place when they are whole."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from cogmem.files import DAY, in_place


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def give_up(target: Path) -> None:
    with in_place(target) as unfinished:
        unfinished.write_text("half")
        raise ZeroDivisionError


def test_a_file_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "points.csv"
    with pytest.raises(ZeroDivisionError):
        give_up(target)
    assert names(tmp_path) == []
    with in_place(target) as unfinished:
        unfinished.write_text("whole")
        assert not target.exists()
    assert (names(tmp_path), target.read_text()) == (["points.csv"], "whole")


def test_two_that_write_the_same_file_do_not_meet(tmp_path: Path) -> None:
    target = tmp_path / "points.csv"
    with in_place(target) as one, in_place(target) as two:
        one.write_text("one")
        two.write_text("two, longer")
        assert one != two
    # They end in the other order than they began: the last to be whole stays, and it is whole.
    assert target.read_text() == "one"
    assert names(tmp_path) == ["points.csv"]


def test_what_a_killed_run_left_goes_after_a_day_and_no_sooner(tmp_path: Path) -> None:
    target = tmp_path / "points.csv"
    for name, age in (("old", 2 * DAY), ("new", DAY / 2)):
        left = tmp_path / f".points.csv.{name}.unfinished"
        left.write_text("half")
        os.utime(left, (time.time() - age,) * 2)
    with in_place(target) as unfinished:
        unfinished.write_text("whole")
    assert names(tmp_path) == [".points.csv.new.unfinished", "points.csv"]
