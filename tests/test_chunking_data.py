"""Data of chunking: hand-made files with written answers, known numbers, and tables that the sources give again."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import openpyxl
import pytest
from numpy.typing import NDArray

from cogmem.human_data import DATASETS, build, build_chunking, chunking_parsing, load, parsing
from cogmem.human_data.parsing import Row
from cogmem.human_data.registry import tables_folder
from cogmem.trials import Trials
from tests.test_interference_trials import SOURCES, with_sources
from tests.test_pairing_data import put, rows_without, shares

# ---- hand-made files ------------------------------------------------------------------------------------------------

WU = """ID,blockcollect,condition,correctcollect,levinsteinacc,timecollect,trialcollect,traincondition
1,train,ind,0.166667,0.333333,22592.0,1,ind
1,train,ind,1.0,1.0,4000.0,8,ind
1,train,ind,0.583333,0.666667,5000.0,9,ind
1,test,m1,0.416667,0.5,6000.0,1,ind
2,train,m1,0.916667,0.916667,2000.0,1,m1
2,test,m1,0.0,0.083333,1000.0,24,m1
3,train,ind,0.083333,0.083333,1408.0,2,ind
"""


def test_sequences_are_told_by_phase_and_by_the_group_of_the_training(tmp_path: Path) -> None:
    sources = put(tmp_path, build_chunking.WU, WU)
    # Person, group, phase, trial, right in place, right by edit distance, keys, seconds.
    assert rows_without(build_chunking.learned_sequences(sources)) == [
        ("1", "fixed", "training", 1, 2, 4, 12, 22.592), ("1", "fixed", "training", 8, 12, 12, 12, 4.0),
        ("1", "fixed", "training", 9, 7, 8, 12, 5.0), ("2", "variable", "training", 1, 11, 11, 12, 2.0),
        ("3", "fixed", "training", 2, 1, 1, 12, 1.408),
    ]  # fmt: skip
    assert rows_without(build_chunking.transferred_sequences(sources)) == [
        ("1", "fixed", "transfer", 1, 5, 6, 12, 6.0), ("2", "variable", "transfer", 24, 0, 1, 12, 1.0)
    ]  # fmt: skip


def test_blocks_have_eight_trials_in_either_phase(tmp_path: Path) -> None:
    rows = build_chunking.sequence_blocks(put(tmp_path, build_chunking.WU, WU))
    # Phase, group, block, right in place, by edit distance, keys, mean seconds, sequences.
    assert rows_without(rows) == [
        ("training", "fixed", 1, 15, 17, 36, pytest.approx(28 / 3), 3), ("training", "fixed", 2, 7, 8, 12, 5.0, 1),
        ("transfer", "fixed", 1, 5, 6, 12, 6.0, 1), ("training", "variable", 1, 11, 11, 12, 2.0, 1),
        ("transfer", "variable", 3, 0, 1, 12, 1.0, 1),
    ]  # fmt: skip


PAGE = "\t".join(["sub", "condition", "order", "sup/nosup", *(str(k) for k in range(1, 17))])


def test_shares_are_eighths_in_silence_and_fifths_under_suppression(tmp_path: Path) -> None:
    lines = ["3\tFillA\t1\tns" + "\t0.25" * 15 + "\t0.875", "4\tHebbEffect\t2\tsu\t0" + "\t1" * 14 + "\t0.6"]
    rows = build_chunking.repeated_lists(put(tmp_path, build_chunking.PAGE, "\n".join([PAGE, *lines])))
    # Person, condition, kind, trial, right, items.
    assert rows_without(rows) == [
        *(("3", "silent", "filler_a", trial, 2, 8) for trial in range(1, 16)), ("3", "silent", "filler_a", 16, 7, 8),
        ("4", "suppression", "repeating", 1, 0, 5),
        *(("4", "suppression", "repeating", trial, 5, 5) for trial in range(2, 16)),
        ("4", "suppression", "repeating", 16, 3, 5),
    ]  # fmt: skip


def test_mean_items_are_thirds_of_three_lists(tmp_path: Path) -> None:
    text = "PP\tS0\tF5\nPP01\t3.00\t5.33\nPP02\t0.67\t7.00\n"
    rows = build_chunking.acronyms(put(tmp_path, build_chunking.PORTRAT, text))
    # Person, pace, place of the acronym, recalled, items.
    assert rows_without(rows) == [
        ("PP01", "slow", 0, 9, 21), ("PP01", "fast", 5, 16, 21), ("PP02", "slow", 0, 2, 21), ("PP02", "fast", 5, 21, 21)
    ]  # fmt: skip


FARRELL = """7 1 0 1 2 4 3 5 6 -9 8  1500 500 600 700 800 900 1000 11000
7 2 0 1 1 3 4 5 6 7 -1  2500 500 600 700 800 900 1000 100
7 3 1 2 1 3 4 5 6 7 8  1500 500 600 700 800 900 1000 1100
"""


def test_answers_are_right_in_their_place_and_late_ones_have_no_time(tmp_path: Path) -> None:
    rows = build_chunking.grouped_lists(put(tmp_path, build_chunking.FARRELL, FARRELL))
    # Person, condition, place, right, transposed, in no list, answers, mean seconds of the right, how many of these.
    assert rows_without(rows, "participant")[:8] == [
        ("grouped", 1, 0, 1, 0, 1, pytest.approx(np.nan, nan_ok=True), 0),
        ("grouped", 2, 0, 1, 0, 1, pytest.approx(np.nan, nan_ok=True), 0),
        ("grouped", 3, 1, 0, 0, 1, 0.6, 1), ("grouped", 4, 1, 0, 0, 1, 0.7, 1), ("grouped", 5, 1, 0, 0, 1, 0.8, 1),
        ("grouped", 6, 1, 0, 0, 1, 0.9, 1), ("grouped", 7, 1, 0, 0, 1, 1, 1), ("grouped", 8, 1, 0, 0, 1, 1.1, 1),
    ]  # fmt: skip
    assert rows_without(rows, "participant")[8:] == [
        ("ungrouped", 1, 2, 0, 0, 2, 2, 2), ("ungrouped", 2, 1, 1, 0, 2, 0.5, 1), ("ungrouped", 3, 1, 1, 0, 2, 0.6, 1),
        ("ungrouped", 4, 1, 1, 0, 2, 0.7, 1), ("ungrouped", 5, 2, 0, 0, 2, 0.8, 2),
        ("ungrouped", 6, 2, 0, 0, 2, 0.9, 2), ("ungrouped", 7, 1, 0, 1, 2, 1, 1),
        ("ungrouped", 8, 1, 0, 0, 2, pytest.approx(np.nan, nan_ok=True), 0),
    ]  # fmt: skip
    found = list(chunking_parsing.farrell_lelievre_2009(tmp_path / build_chunking.FARRELL))
    assert [(found[k]["list"], found[k]["answer"], found[k]["kind"]) for k in (2, 6, 9, 15)] == [
        (1, 4, "transposed"), (1, -9, "unseen"), (2, 1, "transposed"), (2, -1, "none")
    ]  # fmt: skip


def workbook(path: Path, sheet: str, rows: list[list[object]]) -> None:
    """Write a workbook with one sheet."""
    book = openpyxl.Workbook()
    page = book.active
    page.title = sheet
    for row in rows:
        page.append(row)
    path.parent.mkdir(exist_ok=True)
    book.save(path)


def test_chunks_are_words_or_pairs(tmp_path: Path) -> None:
    rows = [["Group", "Subject", "12n", "4s", "6p_Chks"], [2, 1, 5, 4, 6], [4, 1, 0, 3, 2]]
    workbook(tmp_path / build_chunking.CHEN / "ChenCowan2009.xlsx", "Sheet1", rows)
    # Person, condition, kind, words, chunks, chunks recalled, chunks.
    assert rows_without(build_chunking.chunk_capacity(tmp_path)) == [
        ("silent-1", "silent", "new", 12, 12, 5, 12), ("silent-1", "silent", "singletons", 4, 4, 4, 4),
        ("silent-1", "silent", "pairs", 12, 6, 6, 6), ("suppression-1", "suppression", "new", 12, 12, 0, 12),
        ("suppression-1", "suppression", "singletons", 4, 4, 3, 4),
        ("suppression-1", "suppression", "pairs", 12, 6, 2, 6),
    ]  # fmt: skip


def test_places_of_answers_are_counted_by_the_order_of_the_rows(tmp_path: Path) -> None:
    lists: dict[tuple[str, int, str], list[tuple[object, object]]] = {
        ("Suppression", 1, "4n"): [(1, 1), (2, "3"), (3, "-1"), (4, 4)],
        ("Suppression", 25, "4n"): [(5, "0"), ("6", 2), (7, 1), (8, 4)],
        ("No-Suppression", 1, "2p"): [(1, 2), (2, 1), (3, "3"), (4, 0)],
    }
    rows = [[group, who, "SerialRecall", 1, name, "WORD", place, said]
            for (group, who, name), answers in lists.items() for place, said in answers]  # fmt: skip
    head = [
        "Experiment",
        "Subject-ID",
        "Phase",
        "TrialOrder",
        "condition",
        "Stimulus",
        "OutputPosition",
        "InputPosition",
    ]
    path = tmp_path / build_chunking.CHEN / "ChenCowan.2005.2009.details.xlsx"
    workbook(path, "SerialRecall_Simplified", [head, *rows])
    # Condition, kind, words, chunks, place, right, transposed, people.
    assert rows_without(build_chunking.chunked_positions(tmp_path)) == [
        ("silent", "pairs", 4, 2, 1, 0, 1, 1), ("silent", "pairs", 4, 2, 2, 0, 1, 1),
        ("silent", "pairs", 4, 2, 3, 1, 0, 1), ("silent", "pairs", 4, 2, 4, 0, 0, 1),
        ("suppression", "new", 4, 4, 1, 1, 0, 2), ("suppression", "new", 4, 4, 2, 1, 1, 2),
        ("suppression", "new", 4, 4, 3, 0, 1, 2), ("suppression", "new", 4, 4, 4, 2, 0, 2),
    ]  # fmt: skip
    answers = [(row["list"], row["answer"], row["kind"]) for row in chunking_parsing.chen_cowan_answers(path)]
    assert answers[:5] == [
        (1, 1, "right"), (1, 3, "transposed"), (1, -1, "unseen"), (1, 4, "right"), (1, 0, "none")
    ]  # fmt: skip


TWO = """ 1 1 1 0 1 2 4 2 2 0 1 999 999 108.051 0.5 -999.000 -999.000 1 1 999 999
 1 1 1 1 0 4 2 1 1 1 1 1 0 1 2 3 4 1 1 1 0

 1 1 2 0 0 2 2 1 2 1 1 999 999 1 2 -999.000 -999.000 1 1 999 999
 1 1 2 0 0 2 2 2 1 1 0 999 999 3 4 -999.000 -999.000 1 0 999 999
"""


def test_orders_of_recall_are_put_right_where_the_second_list_comes_first(tmp_path: Path) -> None:
    path = build_chunking.THALMANN / "Chunking.Experiment1.dat"
    rows = build_chunking.chunk_beside_a_list(put(tmp_path, path, TWO))
    # Kind, the other's, length, the other's, orders of study and recall, right, transposed, items, seconds, right ones.
    assert rows_without(rows, "participant") == [
        ("chunk", "new", 4, 2, 1, 2, 3, 0, 4, 2, 3), ("new", "chunk", 2, 4, 2, 1, 1, 1, 2, 0.5, 1),
        ("new", "new", 2, 2, 1, 2, 2, 0, 2, 1.5, 2), ("new", "new", 2, 2, 2, 1, 1, 0, 2, 3, 1),
    ]  # fmt: skip


THREE = """ 1 1 1 10 205 1 4 1 0 0 2 1 0.5 1 0 1 999 999 1
 1 1 2 3 421 3 4 0 1 1 2 1 20 0 1 1 999 999 999
 1 2 3 1 17 2 2 999 999 1 -999.000 -999.000 4 999 999 1 999 999 999
"""
FOURTH = """ 6 1 1 1 1 123 2 1 1 1 1 1 1 1 1 1 1 999 999 999
 6 1 1 2 2 18 3 1 1 0 0 1 1 1 1 1 0 999 999 999
 6 2 0 2 2 18 1 4 0 1 1 1 3 1 1 1 1 999 999 999
"""


def three(folder: Path) -> Path:
    """Return a folder of sources with a hand-made file of each experiment with three lists; the others are empty."""
    path = folder / build_chunking.THALMANN
    path.mkdir()
    for name, text in {"Experiment2": THREE, "Experiment3": "", "ControlExperiment": "", "Experiment4": FOURTH}.items():
        (path / f"Chunking.{name}.dat").write_text(text, encoding="ascii")
    return folder


def test_three_lists_are_told_by_what_the_trial_has(tmp_path: Path) -> None:
    rows = build_chunking.chunk_among_three(three(tmp_path))
    # Experiment, person, condition, kind, orders of study and recall, right, transposed, items, seconds, right ones.
    assert rows_without(rows) == [
        ("E2", "E2-1", "chunk_1", "chunk", 1, 1, 1, 1, 3, 2, 1), ("E2", "E2-1", "chunk_1", "new", 2, 3, 2, 0, 3, 1, 1),
        ("E2", "E2-1", "singleton_3", "singleton", 3, 2, 1, 0, 1, 4, 1),
        ("E4", "E4-6", "chunk_1", "chunk", 1, 2, 3, 0, 3, 1, 3), ("E4", "E4-6", "chunk_1", "new", 2, 3, 1, 1, 3, 1, 1),
        ("E4", "E4-6", "new", "new", 2, 1, 2, 1, 3, 2, 2),
    ]  # fmt: skip


def test_positions_are_those_of_the_columns(tmp_path: Path) -> None:
    rows = build_chunking.chunk_among_three_positions(three(tmp_path))
    # Experiment, condition, kind, order of study, place, right, transposed, items, right ones with a time.
    assert rows_without(rows, "participant", "seconds")[:7] == [
        ("E2", "chunk_1", "chunk", 1, 1, 1, 0, 1, 1), ("E2", "chunk_1", "chunk", 1, 2, 0, 0, 1, 0),
        ("E2", "chunk_1", "chunk", 1, 3, 0, 1, 1, 0), ("E2", "chunk_1", "new", 2, 1, 0, 0, 1, 0),
        ("E2", "chunk_1", "new", 2, 2, 1, 0, 1, 1), ("E2", "chunk_1", "new", 2, 3, 1, 0, 1, 0),
        ("E2", "singleton_3", "singleton", 3, 3, 1, 0, 1, 1),
    ]  # fmt: skip


# ---- the shipped tables ---------------------------------------------------------------------------------------------


def mean(rows: Trials, name: str, **wanted: object) -> float:
    """Return the mean of a column over the rows whose other columns have the wanted values."""
    return float(rows[name][chosen(rows, **wanted)].mean())


def chosen(rows: Trials, **wanted: object) -> NDArray[np.bool_]:
    """Return which rows have the wanted values in these columns."""
    held = np.ones(len(rows), dtype=np.bool_)
    for name, value in wanted.items():
        held &= rows[name] == value
    return held


def test_one_sequence_is_learned_better_and_six_transfer_better() -> None:
    training, transfer = load("wu_2025_recall").rows, load("wu_2025_recall", table="transfer").rows
    assert [len(set(rows["participant"])) for rows in (training, transfer)] == [108, 108]
    sizes = {
        group: len(set(training["participant"][training["condition"] == group])) for group in ("fixed", "variable")
    }
    assert sizes == {"fixed": 53, "variable": 55}
    assert set(training["n"]) == set(transfer["n"]) == {12}
    groups = ("fixed", "variable")
    assert shares(training, "condition") == {("fixed",): 0.853, ("variable",): 0.625}
    assert shares(transfer, "condition") == {("fixed",): 0.580, ("variable",): 0.639}
    edit = [mean(transfer, "edit_correct", condition=group) / 12 for group in groups]
    assert edit == pytest.approx([0.631, 0.678], abs=5e-4)
    assert [mean(training, "seconds", condition=group) for group in groups] == pytest.approx([7.115, 9.522], abs=5e-4)
    assert [mean(transfer, "seconds", condition=group) for group in groups] == pytest.approx([8.134, 7.548], abs=5e-4)
    quick = transfer.where(transfer["seconds"] <= 20)
    assert [mean(quick, "seconds", condition=group) for group in groups] == pytest.approx([7.765, 7.167], abs=5e-4)
    assert sum(int((rows["seconds"] > 20).sum()) for rows in (training, transfer)) == 290
    assert (training["edit_correct"] >= training["correct"]).all()


def test_standard_errors_of_transfer_are_over_people() -> None:
    rows = load("wu_2025_recall", table="transfer").rows
    found = {}
    for group in ("fixed", "variable"):
        own = rows.where(rows["condition"] == group)
        people = sorted(set(own["participant"]))
        means = np.array([[mean(own, "y", participant=who), mean(own, "seconds", participant=who)] for who in people])
        found[group] = means.mean(axis=0), means.std(axis=0, ddof=1) / np.sqrt(len(people))
    errors = [round(float(error), 3) for _, both in found.values() for error in both]
    assert errors == [0.020, 0.431, 0.028, 0.530]
    difference = found["variable"][0][0] - found["fixed"][0][0]
    welch = difference / np.hypot(found["variable"][1][0], found["fixed"][1][0])
    assert welch == pytest.approx(1.70, abs=5e-3)


def test_blocks_of_the_learning_curve() -> None:
    rows = load("wu_2025_recall", table="blocks").rows
    assert rows["n"].tolist() == [12 * 8 * people for people in (53, 55) for _ in range(5)] + [
        12 * 8 * people for people in (53, 55) for _ in range(3)
    ]
    curve = {
        group: [(round(float(rows["y"][k]), 3), round(float(rows["seconds"][k]), 1)) for k in np.flatnonzero(held)]
        for group in ("fixed", "variable")
        if (held := chosen(rows, learning_phase="training", condition=group)).any()
    }
    assert curve == {
        "fixed": [(0.627, 13.4), (0.836, 7.8), (0.915, 5.6), (0.945, 4.6), (0.940, 4.1)],
        "variable": [(0.503, 14.0), (0.599, 9.9), (0.642, 8.5), (0.680, 7.8), (0.700, 7.4)],
    }
    assert rows["seconds_n"].sum() == 108 * 64
    whole = [load("wu_2025_recall", table=table).rows for table in ("training", "transfer")]
    for name in ("correct", "edit_correct", "n"):
        assert rows[name].sum() == sum(each[name].sum() for each in whole)


def quarters(rows: Trials, **wanted: object) -> list[float]:
    """Return the mean share over four trials each, rounded to three places."""
    own = rows.where(chosen(rows, **wanted))
    return [round(float(own["y"][np.isin(own["x"], range(k, k + 4))].mean()), 3) for k in (1, 5, 9, 13)]


def test_a_list_that_repeats_is_learned_and_fillers_are_not() -> None:
    rows = load("page_2006").rows
    assert (len(set(rows["participant"])), rows["n"].sum()) == (72, 72 * 48 * (8 + 5))
    assert {(str(c), int(n)) for c, n in zip(rows["condition"], rows["n"], strict=True)} == {
        ("silent", 8), ("suppression", 5)
    }  # fmt: skip
    silent = {
        kind: quarters(rows, condition="silent", list_kind=kind) for kind in ("filler_a", "filler_b", "repeating")
    }
    assert silent == {
        "filler_a": [0.431, 0.461, 0.519, 0.493], "filler_b": [0.482, 0.513, 0.528, 0.535],
        "repeating": [0.556, 0.639, 0.711, 0.733],
    }  # fmt: skip
    spoken = {kind: quarters(rows, condition="suppression", list_kind=kind) for kind in ("filler_b", "repeating")}
    assert spoken == {"filler_b": [0.577, 0.54, 0.53, 0.561], "repeating": [0.599, 0.637, 0.653, 0.685]}


def test_acronyms_help_and_most_at_the_beginning() -> None:
    rows = load("portrat_2016").rows
    assert (len(set(rows["participant"])), set(rows["n"])) == (32, {21})
    found = {
        pace: [round(7 * mean(rows, "y", condition=pace, x=place), 2) for place in (0, 1, 3, 5)]
        for pace in ("slow", "fast")
    }
    # The means of the file's own numbers, of 7 items.
    assert found == {"slow": [4.61, 5.58, 4.81, 4.91], "fast": [3.97, 5.15, 4.89, 4.42]}


def test_grouping_makes_two_curves_of_four() -> None:
    rows = load("farrell_lelievre_2009").rows
    assert (len(set(rows["participant"])), set(rows["n"])) == (22, {100})
    found = shares(rows, "condition", "x")
    assert [found["ungrouped", k] for k in range(1, 9)] == [0.887, 0.774, 0.745, 0.709, 0.601, 0.536, 0.527, 0.64]
    assert [found["grouped", k] for k in range(1, 9)] == [0.905, 0.845, 0.808, 0.88, 0.677, 0.592, 0.571, 0.676]
    grouped = [rows.where(chosen(rows, condition="grouped", x=place)) for place in range(1, 9)]
    times = [round(float(np.average(each["seconds"], weights=each["seconds_n"])), 2) for each in grouped]
    # The first answer of a group comes late.
    assert times == [1.08, 0.49, 0.64, 0.5, 1.45, 0.65, 0.82, 0.45]
    sums = [int(rows[name].sum()) for name in ("n", "correct", "transposed", "unseen", "seconds_n")]
    assert sums == [35_200, 25_024, 10_046, 128, 25_024 - 43]


def test_three_chunks_are_recalled_under_suppression() -> None:
    curve = load("chen_cowan_2009")
    rows = curve.rows
    assert (len(curve.participants), len(rows)) == (65, 650)
    assert (rows["n"] == rows["x"]).all()
    lists = (("new", 12), ("new", 8), ("new", 6), ("new", 4), ("singletons", 12), ("singletons", 8), ("singletons", 6),
             ("singletons", 4), ("pairs", 6), ("pairs", 4))  # fmt: skip
    found = {
        condition: [round(mean(rows, "correct", condition=condition, list_kind=kind, x=x), 2) for kind, x in lists]
        for condition in ("silent", "suppression")
    }
    assert found == {
        "silent": [3.88, 4.56, 4.34, 3.75, 3.69, 5.0, 4.0, 3.88, 3.97, 3.25],
        "suppression": [2.58, 2.52, 2.52, 3.15, 3.06, 2.85, 2.76, 3.09, 3.09, 2.91],
    }


def test_places_of_lists_of_pairs_are_recalled_two_by_two() -> None:
    rows = load("chen_cowan_2009", table="positions").rows
    assert (len(rows), rows["n"].sum(), rows["correct"].sum(), rows["transposed"].sum()) == (160, 5200, 1845, 786)
    assert {(str(c), int(n)) for c, n in zip(rows["condition"], rows["n"], strict=True)} == {
        ("silent", 32), ("suppression", 33)
    }  # fmt: skip
    four = rows.where(chosen(rows, condition="silent", list_kind="pairs", list_length=8))
    assert four["x"].tolist() == list(range(1, 9))
    assert four["correct"].tolist() == [26, 25, 20, 21, 12, 12, 11, 12]


def test_a_chunk_leaves_more_for_the_other_list() -> None:
    rows = load("thalmann_2018").rows
    assert (len(set(rows["participant"])), rows["n"].sum(), rows["correct"].sum()) == (20, 30_672, 27_858)
    found = shares(rows, "list_kind", "other_kind", "x")
    assert {key[:2]: (found[*key[:2], 2], found[*key[:2], 4]) for key in found} == {
        ("chunk", "chunk"): (0.985, 0.984), ("chunk", "new"): (0.963, 0.964),
        ("new", "chunk"): (0.946, 0.9), ("new", "new"): (0.873, 0.713),
    }  # fmt: skip
    orders = shares(rows.where(rows["list_kind"] == "new"), "study_order", "recall_order")
    assert orders == {(1, 1): 0.906, (1, 2): 0.818, (2, 1): 0.884, (2, 2): 0.761}


def test_a_chunk_first_helps_the_lists_after_it() -> None:
    rows = load("thalmann_2018", table="three_lists").rows
    people = {name: len(set(rows["participant"][rows["experiment"] == name])) for name in ("E2", "E3", "control", "E4")}
    assert people == {"E2": 20, "E3": 20, "control": 20, "E4": 32}
    assert [int(rows[name].sum()) for name in ("n", "correct", "transposed")] == [108_360, 68_107, 7461]
    found = shares(rows, "experiment", "condition", "x")
    by_place = {key[:2]: [found[*key[:2], place] for place in (1, 2, 3)] for key in found}
    assert by_place["E2", "new"] == [0.558, 0.527, 0.601]
    assert by_place["E2", "chunk_1"] == [0.823, 0.65, 0.658]
    assert by_place["E2", "chunk_3"] == [0.606, 0.522, 0.768]
    assert by_place["E2", "singleton_1"] == [0.74, 0.782, 0.767]
    assert by_place["E3", "chunk_1"] == [0.67, 0.407, 0.504]
    assert by_place["control", "singleton_3"] == [0.705, 0.694, 0.728]
    assert by_place["E4", "chunk_2"] == [0.614, 0.806, 0.687]
    assert by_place["E4", "new"] == [0.541, 0.583, 0.639]


def test_places_within_three_lists_are_the_whole() -> None:
    whole, places = (load("thalmann_2018", table=table).rows for table in ("three_lists", "positions"))
    by = ("participant", "condition", "list_kind", "study_order")
    names = ("n", "correct", "transposed", "seconds_n")
    one, two = (
        {tuple(key.values()): [float(rows[name][held].sum()) for name in names] for key, held in rows.groups(by)}
        for rows in (whole, places)
    )
    assert one == two
    found = shares(places.where(places["experiment"] == "E4"), "list_kind", "x")
    assert [found["new", k] for k in (1, 2, 3)] == [0.659, 0.604, 0.587]
    assert [found["chunk", k] for k in (1, 2, 3)] == [0.818, 0.804, 0.807]
    single = places.where(places["list_kind"] == "singleton")
    assert {(str(e), str(c), int(x)) for e, c, x in zip(single["experiment"], single["condition"], single["x"],
                                                        strict=True)} == {
        ("E2", "singleton_1", 3), ("E2", "singleton_3", 3), ("E3", "singleton_1", 3), ("E3", "singleton_3", 3),
        ("control", "singleton_1", 3), ("control", "singleton_3", 1),
    }  # fmt: skip


# ---- the full files -------------------------------------------------------------------------------------------------

NEW = [(name, part) for name, data in DATASETS.items() if data.paradigm == "chunking" for part in data.tables]


@with_sources
@pytest.mark.parametrize(("name", "part"), NEW)
def test_tables_of_chunking_come_out_the_same_from_the_sources(name: str, part: str) -> None:
    table = DATASETS[name].tables[part]
    content = build.render(build.BUILDERS[name, part](SOURCES), table)
    assert content == (tables_folder() / table.file).read_bytes()


@with_sources
def test_every_person_has_40_and_24_sequences_in_order() -> None:
    trials: dict[tuple[str, str], list[int]] = {}
    for row in chunking_parsing.wu_2025_recall(SOURCES / build_chunking.WU):
        trials.setdefault((row["participant"], row["learning_phase"]), []).append(row["trial"])
    assert {(phase, *numbers) for (_, phase), numbers in trials.items()} == {
        ("training", *range(1, 41)), ("transfer", *range(1, 25))
    }  # fmt: skip


@with_sources
def test_shares_and_means_of_the_files_are_counts() -> None:
    with (SOURCES / build_chunking.PAGE).open(newline="", encoding="ascii") as file:
        lists = {
            (row["sup/nosup"], float(row[str(k)])) for row in csv.DictReader(file, delimiter="\t") for k in range(1, 17)
        }
    assert all((share * {"ns": 8, "su": 5}[condition]) % 1 == 0 for condition, share in lists)
    _, *lines = (SOURCES / build_chunking.PORTRAT).read_text(encoding="ascii").splitlines()
    means = np.array([line.split()[1:] for line in lines], dtype=np.float64)
    assert np.abs(3 * means - np.round(3 * means)).max() == pytest.approx(0.01)


@with_sources
def test_every_trial_has_its_lists_in_both_orders() -> None:
    two = chunking_parsing.thalmann_two_lists(SOURCES / build_chunking.THALMANN / "Chunking.Experiment1.dat")
    for rows, n, trials in ((two, 2, 20 * 256), (build_chunking.three_lists(SOURCES), 3, 60 * 150 + 32 * 120)):
        orders: dict[tuple[str, int], set[tuple[int, int]]] = {}
        for row in rows:
            orders.setdefault((row["participant"], row["trial"]), set()).add((row["study_order"], row["recall_order"]))
        assert len(orders) == trials
        assert all({k for k, _ in each} == {k for _, k in each} == set(range(1, n + 1)) for each in orders.values())


@with_sources
def test_lists_of_three_and_their_conditions_agree() -> None:
    found: dict[tuple[str, str], set[str]] = {}
    for row in build_chunking.three_lists(SOURCES):
        found.setdefault((row["condition"], str(row["study_order"])), set()).add(row["list_kind"])
    for (condition, place), kinds in found.items():
        kind, _, small = condition.partition("_")
        assert kinds == {kind if place == small else "new"}


@with_sources
def test_chunks_are_words_in_any_place_or_pairs_of_which_one_was_recalled() -> None:
    answers: dict[tuple[str, str, int], list[int]] = {}
    folder = SOURCES / build_chunking.CHEN
    _, *lines = parsing.sheet(folder / "ChenCowan.2005.2009.details.xlsx", "SerialRecall_Simplified")
    for row, line in zip(chunking_parsing.chen_cowan_answers(folder / "ChenCowan.2005.2009.details.xlsx"), lines,
                         strict=True):  # fmt: skip
        said = answers.setdefault((row["participant"], row["list_kind"], row["n_chunks"]), [])
        said.append(int(line[-1]))
        assert row["serial_position"] == len(said)
    off, twice = 0, 0
    for row in chunking_parsing.chen_cowan_chunks(folder / "ChenCowan2009.xlsx"):
        said = [word for word in answers.pop((row["participant"], row["list_kind"], row["n_chunks"])) if word > 0]
        size = row["list_length"] // row["n_chunks"]
        if len({(word - 1) // size for word in said}) != row["correct"]:
            off, twice = off + 1, twice + (len(set(said)) < len(said))
    assert (answers, off, twice) == ({}, 21, 19)


@with_sources
def test_every_list_of_eight_has_eight_answers() -> None:
    lists: dict[tuple[str, int], list[Row]] = {}
    for row in chunking_parsing.farrell_lelievre_2009(SOURCES / build_chunking.FARRELL):
        lists.setdefault((row["participant"], row["list"]), []).append(row)
    assert len(lists) == 4400
    assert all([row["serial_position"] for row in rows] == list(range(1, 9)) for rows in lists.values())
    rows = [row for each in lists.values() for row in each]
    assert (sum(row["seconds"] > 10 for row in rows), max(row["seconds"] for row in rows)) == (94, 42.029)
    assert sum(row["kind"] == "none" for row in rows) == 2
