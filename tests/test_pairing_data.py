"""Data of pairs and of updating: hand-made files with written answers, known numbers, and trials that give the tables.

Shares are compared as printed, so to half of their last digit.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cogmem.human_data import DATASETS, build, build_pairing, load, load_trials, pairing_parsing
from cogmem.human_data.parsing import Row
from cogmem.human_data.registry import tables_folder
from cogmem.trials import Trials
from tests.test_interference_trials import SOURCES, Reader, column, pooled, read, said, with_sources

__all__ = ["read"]
"""The fixture that loads the trials of a hand-made file."""


def put(folder: Path, place: Path, text: str) -> Path:
    """Return the folder of sources that now holds this text as the upstream file."""
    (folder / place).parent.mkdir(parents=True)
    (folder / place).write_text(text, encoding="ascii")
    return folder


def rows_without(rows: list[Row], *names: str) -> list[tuple[object, ...]]:
    """Return the values of the rows but for some columns."""
    return [tuple(value for name, value in row.items() if name not in names) for row in rows]


def shares(rows: Trials, *by: str) -> dict[tuple[object, ...], float]:
    """Return right answers among all by the values of some columns, rounded to three places."""
    return {
        tuple(key.values()): round(float(rows["correct"][held].sum() / rows["n"][held].sum()), 3)
        for key, held in rows.groups(by)
    }


# ---- hand-made files ------------------------------------------------------------------------------------------------


def test_the_person_is_the_cue_and_the_place_the_item(tmp_path: Path) -> None:
    text = "probe,location_fan,person_fan,rt_s\ntarget,1,2,1.5\nfoil,3,1,2\n"
    assert build_pairing.fan_times(put(tmp_path, build_pairing.FAN, text)) == [
        {"probe": "target", "cue_fan": 2, "item_fan": 1, "seconds": 1.5},
        {"probe": "foil", "cue_fan": 1, "item_fan": 3, "seconds": 2},
    ]


def test_where_nothing_was_recalled_there_is_no_time(tmp_path: Path) -> None:
    text = "trial,proportion_correct,latency_s\n1,0.000,0.000\n2,0.25,2.5\n"
    assert build_pairing.learning_curve(put(tmp_path, build_pairing.LEARNING, text)) == [
        {"trial": 1, "repetitions": 0, "retention": 0, "seconds": None},
        {"trial": 2, "repetitions": 1, "retention": 0.25, "seconds": 2.5},
    ]


@pytest.mark.parametrize(
    ("condition", "numbers"),
    [("match1and5", (1, 5, 1)), ("swap5and1", (5, 1, 0)), ("new5andN", (5, 0, 0)), ("newNand1", (0, 1, 0)),
     ("newNandN", (0, 0, 0)), ("rep5and5", (1, 1, 5))],
)  # fmt: skip
def test_conditions_tell_fans_and_repetitions(condition: str, numbers: tuple[int, ...]) -> None:
    assert tuple(pairing_parsing.fans(condition).values()) == numbers


BUCHLER = """subject,procedure,trial,condition,word1,word2,correct_resp,acc_resp,rt
1,study,1,match1and1,RIFLE,CRISIS,,,
1,study,2,swap1and1,DOG,CAMP,,,
2,study,1,match1and1,CAMP,DOG,,,
1,test,3,match1and1,RIFLE,CRISIS,2,1,1500
1,test,4,match1and1,DOG,CAMP,2,1,500
1,test,5,match1and1,BAY,SEA,2,6,800
1,test,6,swap1and1,RIFLE,CAMP,3,0,700
2,test,2,newNand1,BAY,DOG,5,3,900
"""


def test_pairs_are_one_of_five_kinds(read: Reader) -> None:
    record = read("buchler_2008", BUCHLER)
    assert record.design.paradigm == "key_value"
    assert record.design.trials["phase"].tolist() == ["study"] * 3 + ["test"] * 5
    assert column(record, "participant", "study") == ["1", "1", "2"]
    assert column(record, "cue", "study") == ["RIFLE", "DOG", "CAMP"]
    assert column(record, "item", "study") == ["CRISIS", "CAMP", "DOG"]
    assert column(record, "serial_position", "study") == [1, 2, 1]
    assert column(record, "cue") == ["RIFLE", "DOG", "BAY", "RIFLE", "BAY"]
    assert column(record, "item") == ["CRISIS", "CAMP", "SEA", "CAMP", "DOG"]
    assert column(record, "serial_position") == [1, 2, 3, 4, 1]
    assert column(record, "target") == ["intact", "intact", "intact", "rearranged", "new_old"]
    assert column(record, "cue_fan") == [1, 1, 1, 1, 0]
    assert column(record, "item_fan") == [1] * 5
    assert column(record, "repetitions") == [1, 1, 1, 0, 0]
    assert said(record) == ["intact", "intact", "new_new", "(none)", "rearranged"]
    assert record.right.tolist() == [True, True, False, False, False]
    assert record.seconds is not None
    assert record.seconds.tolist() == [1.5, 0.5, 0.8, 0.7, 0.9]


def test_answers_to_pairs_are_counted_by_condition(tmp_path: Path) -> None:
    rows = build_pairing.recognised_pairs(put(tmp_path, build_pairing.BUCHLER, BUCHLER))
    # Correct, wrong intact to new_new, untold, trials.
    assert rows_without(rows, "cue_fan", "item_fan", "repetitions", "seconds", "seconds_n") == [
        ("1", "match1and1", 2, 0, 0, 0, 0, 1, 0, 3),
        ("1", "swap1and1", 0, 0, 0, 0, 0, 0, 1, 1),
        ("2", "newNand1", 0, 0, 1, 0, 0, 0, 0, 1),
    ]
    assert (rows[0]["seconds"], rows[0]["seconds_n"]) == (1.0, 2)
    assert np.isnan(rows[1]["seconds"])


CRISS = """encodingtask,list,testtria,studytria,stim1,stim2,responsecode,subject,cuefreq,targetfreq,CuedRecall,\
procedure,trial,onset
2,3,2,1,dog,berth,1,7,HF,LF,1,study,81,0
2,3,1,1,moneys,file,2,7,LF,HF,0,study,82,3000
2,3,1,1,moneys,NA,2,7,LF,HF,0,test,83,3e+05
2,3,2,1,dog,NA,1,7,HF,LF,1,test,84,303000
1,3,1,1,dog,camp,0,8,HF,HF,0,study,1,0
1,3,1,1,dog,NA,0,8,HF,HF,0,test,2,93000
"""


def test_targets_are_the_words_studied_with_their_cues(read: Reader) -> None:
    record = read("criss_2011", CRISS)
    assert record.design.trials["phase"].tolist() == ["study", "study", "test", "test", "study", "test"]
    assert column(record, "cue", "study") == ["dog", "moneys", "dog"]
    assert column(record, "target", "study") == ["berth", "file", "camp"]
    assert column(record, "cue") == ["moneys", "dog", "dog"]
    assert column(record, "target") == ["file", "berth", "camp"]
    assert column(record, "serial_position") == [1, 2, 1]
    assert column(record, "time") == [300, 303, 93]
    assert column(record, "retention_interval") == [297, 303, 93]
    assert column(record, "list") == [3, 3, 3]
    assert column(record, "participant") == ["7", "7", "8"]
    assert said(record) == ["(none)", "berth", "(none)"]
    assert record.seconds is None


def test_recall_is_counted_by_both_frequencies(tmp_path: Path) -> None:
    rows = build_pairing.frequency_pairs(put(tmp_path, build_pairing.CRISS, CRISS))
    # Person, task, cue frequent, target frequent, correct, trials.
    assert rows_without(rows) == [("7", "2", 0, 1, 0, 1), ("7", "2", 1, 0, 1, 1), ("8", "1", 1, 1, 0, 1)]


UPDATING = """1 0 1 6000 5993 4 0  5 4 0 8736
1 2 1 500 498 1 50  9 9 1 700 4 9 0 300

1 2 2 700 703 1 0  3 6 0 1100 6 2 0 20
50 2 1 500 502 1 100  7 7 1 400 8 8 1 12000
"""


def test_updated_digits_are_asked_for_one_by_one(read: Reader) -> None:
    record = read("oberauer_kliegl_2006", UPDATING)
    assert len(record.design.studies) == 0
    assert column(record, "participant") == ["1"] * 5 + ["50"] * 2
    assert column(record, "condition") == ["young"] * 5 + ["older"] * 2
    assert column(record, "list") == [1, 2, 2, 3, 3, 1, 1]
    assert column(record, "n_keys") == [0, 2, 2, 2, 2, 2, 2]
    assert column(record, "serial_position") == [1, 1, 2, 1, 2, 1, 2]
    assert column(record, "cue")[:3] == ["key 1", "key 1", "key 2"]
    assert column(record, "target") == ["5", "9", "4", "3", "6", "7", "8"]
    assert column(record, "presentation_time") == [6, 0.5, 0.5, 0.7, 0.7, 0.5, 0.5]
    assert said(record) == ["4", "9", "9", "6", "2", "7", "8"]
    assert record.right.tolist() == [False, True, False, False, False, True, True]
    assert record.seconds is not None
    assert record.seconds.tolist() == [8.736, 0.7, 0.3, 1.1, 0.02, 0.4, 12]


def test_digits_of_other_keys_are_counted(tmp_path: Path) -> None:
    rows = build_pairing.updated_digits(put(tmp_path, build_pairing.UPDATING, UPDATING))
    assert [row["presentation_time"] for row in rows] == [6, 0.6, 0.5]
    # Person, group, keys, category, correct, other_key, trials, mean time, answers behind it: not those after 10 s.
    names = ("presentation_time", "seconds")
    assert rows_without(rows, *names) == [
        ("1", "young", 0, 4, 0, 0, 1, 0), ("1", "young", 2, 1, 1, 2, 4, 1), ("50", "older", 2, 1, 2, 0, 2, 1)
    ]  # fmt: skip
    assert [row["seconds"] for row in rows] == [pytest.approx(np.nan, nan_ok=True), 0.7, 0.4]


# ---- the shipped tables ---------------------------------------------------------------------------------------------


def test_the_fan_effect_is_the_table_of_the_tutorial() -> None:
    curve = load("anderson_1974")
    rows = curve.rows
    assert curve.measure == "response_time"
    assert set(rows["n"]) == {1}
    assert np.isnan(curve.se).all()
    # Rows: fan of the place; columns: fan of the person.
    found = {
        probe: [
            [
                float(rows["y"][(rows["probe"] == probe) & (rows["item_fan"] == i) & (rows["x"] == p)][0])
                for p in range(1, 4)
            ]
            for i in range(1, 4)
        ]
        for probe in ("target", "foil")
    }
    assert found == {
        "target": [[1.11, 1.17, 1.22], [1.17, 1.20, 1.22], [1.15, 1.23, 1.36]],
        "foil": [[1.20, 1.22, 1.26], [1.25, 1.36, 1.29], [1.26, 1.47, 1.47]],
    }


def test_act_r_fits_the_fan_effect_as_published() -> None:
    rows = load("anderson_1974").rows
    # The fit of the notes: S, I and F; a foil takes the mean of a fact found by its person and one by its place.
    strength, intercept, factor = 1.4, 0.832, 0.618
    cue, item = ((strength - np.log(rows[name])) / 3 for name in ("cue_fan", "item_fan"))
    act = np.where(rows["probe"] == "target", np.exp(-cue - item), (np.exp(-cue) + np.exp(-item)) / 2)
    seconds = intercept + factor * act
    assert np.sqrt(np.mean((seconds - rows["y"]) ** 2)) == pytest.approx(0.049, abs=5e-4)
    assert np.corrcoef(seconds, rows["y"])[0, 1] == pytest.approx(0.864, abs=5e-4)


def test_pairs_are_learned_and_answered_sooner() -> None:
    curve = load("anderson_1981")
    rows = curve.rows
    assert rows["x"].tolist() == list(range(1, 9))
    assert rows["repetitions"].tolist() == list(range(8))
    assert rows["y"].tolist() == [0, 0.526, 0.667, 0.798, 0.887, 0.924, 0.958, 0.954]
    assert rows["seconds"][1:].tolist() == [2.158, 1.967, 1.762, 1.680, 1.552, 1.467, 1.402]
    assert np.isnan(rows["seconds"][0])
    assert set(rows["n"]) == {1}
    assert np.isnan(curve.se).all()


def test_recognition_of_pairs_by_condition() -> None:
    curve = load("buchler_2008")
    rows = curve.rows
    assert len(curve.participants) == 47
    assert (rows["n"].sum(), rows["correct"].sum(), set(rows["guess"])) == (7520, 3880, {0.2})
    found = {key[0]: int(sums[0]) for key, sums in pooled("buchler_2008", ("correct",), ("condition",)).items()}
    assert found == {
        "match1and1": 212, "match1and5": 212, "match5and1": 203, "match5and5": 278, "new1andN": 143, "new5andN": 307,
        "newNand1": 141, "newNand5": 287, "newNandN": 988, "rep5and5": 406, "swap1and1": 111, "swap1and5": 182,
        "swap5and1": 155, "swap5and5": 255,
    }  # fmt: skip
    wrong = sum(rows[answer] for answer in (*pairing_parsing.ANSWERS, "untold"))
    assert (rows["correct"] + wrong == rows["n"]).all()
    # Rearranged pairs that are called intact, by the fan of both words: 35, 81, 72 and 160 of 470.
    false = pooled("buchler_2008", ("intact",), ("condition",))
    assert [false["swap" + numbers,] for numbers in ("1and1", "1and5", "5and1", "5and5")] == [[35], [81], [72], [160]]


def test_the_first_people_of_recognition_have_no_kinds_of_wrong_answers() -> None:
    rows = load("buchler_2008").rows
    first = rows["participant"].astype(int) <= 13
    for answer, numbers in (("rearranged", (0, 546)), ("old_new", (0, 538)), ("new_old", (0, 488)),
                            ("intact", (169, 326)), ("new_new", (214, 716)), ("untold", (596, 47))):  # fmt: skip
        assert (rows[answer][first].sum(), rows[answer][~first].sum()) == numbers, answer


def test_frequent_targets_are_recalled_better_and_frequent_cues_slightly() -> None:
    curve = load("criss_2011")
    assert len(curve.participants) == 56
    assert set(curve.rows["n"]) == {20}
    assert shares(curve.rows, "cue_frequent", "target_frequent") == {
        (0, 0): 0.158, (0, 1): 0.297, (1, 0): 0.208, (1, 1): 0.355
    }  # fmt: skip


def test_updating_falls_with_the_number_of_keys() -> None:
    curve = load("oberauer_kliegl_2006")
    rows = curve.rows
    assert len(curve.participants) == 36
    assert (rows["n"].sum(), rows["correct"].sum()) == (92_560, 59_378 + 3)
    others = pooled("oberauer_kliegl_2006", ("other_key",), ("n_keys",))
    assert [*others.values()] == [[0], [0], [636], [1968], [4710]]
    # As in the notes, by the file's code of the set size.
    assert [*shares(rows, "n_keys").values()] == [0.713, 0.695, 0.685, 0.651, 0.581]
    slow = rows.where(rows["time_category"] == 4)
    assert set(slow["presentation_time"]) == {6}
    assert [*shares(slow, "n_keys").values()] == [0.914, 0.938, 0.909, 0.897, 0.798]
    older = slow.where(slow["condition"] == "older")
    assert [*shares(older, "n_keys").values()] == [0.883, 0.932, 0.875, 0.853, 0.688]
    assert len(set(older["participant"])) == 18
    # The categories rise within everybody's set size.
    times = rows["presentation_time"].reshape(-1, 4)
    assert (np.diff(times, axis=1) > 0).all()


# ---- the full files -------------------------------------------------------------------------------------------------

NEW = ("anderson_1974", "anderson_1981", "buchler_2008", "criss_2011", "oberauer_kliegl_2006")


@with_sources
@pytest.mark.parametrize("name", NEW)
def test_tables_of_pairs_come_out_the_same_from_the_sources(name: str) -> None:
    table = DATASETS[name].table()
    content = build.render(build.BUILDERS[name, table.name](SOURCES), table)
    assert content == (tables_folder() / table.file).read_bytes()


@with_sources
def test_recognition_trials_give_the_table_and_their_studies_the_fans() -> None:
    record = load_trials("buchler_2008", folder=SOURCES)
    tests, studies, answers = record.design.tests, record.design.studies, record.answers
    assert (len(studies), len(tests)) == (7050, 7520)
    found = {
        tuple(key.values()): [float(record.right[rows].sum()), float((answers[rows] < 0).sum()),
                              float(((answers[rows] == 0) & ~record.right[rows]).sum())]
        for key, rows in tests.groups(("participant", "condition"))
    }  # fmt: skip
    assert found == pooled("buchler_2008", ("correct", "untold", "intact"), ("participant", "condition"))
    times = Counter(zip(*(studies[name].tolist() for name in ("participant", "cue", "item")), strict=True))
    pairs = Counter((who, word) for who, *words in times for word in words)
    shown = [*zip(*(tests[name].tolist() for name in ("participant", "cue", "item")), strict=True)]
    assert [times[pair] for pair in shown] == tests["repetitions"].tolist()
    fans = np.array([[pairs[who, word] for word in words] for who, *words in shown])
    differing = (fans[:, 0] != tests["cue_fan"]) | (fans[:, 1] != tests["item_fan"])
    assert differing.sum() == 70  # Words that were used twice.


@with_sources
def test_cued_recall_trials_of_frequent_words_give_the_table() -> None:
    record = load_trials("criss_2011", folder=SOURCES)
    tests, studies = record.design.tests, record.design.studies
    assert (len(studies), len(tests)) == (4480, 4480)
    by = ("participant", "cue_frequent", "target_frequent")
    found = {tuple(key.values()): [float(record.right[rows].sum())] for key, rows in tests.groups(by)}
    assert found == pooled("criss_2011", ("correct",), by)
    assert "NA" not in record.design.items
    # The file numbers the lists by the kind of their pairs.
    kinds = {(tests["list"][k], tests["cue_frequent"][k], tests["target_frequent"][k]) for k in range(len(tests))}
    assert kinds == {(1, 0, 0), (2, 1, 1), (3, 1, 0), (4, 0, 1)}
    # Every test is asked for after the last study of its list.
    assert tests["retention_interval"].min() > 0


@with_sources
def test_updating_trials_give_the_table() -> None:
    record = load_trials("oberauer_kliegl_2006", folder=SOURCES)
    tests = record.design.tests
    by = ("participant", "n_keys", "time_category")
    found = {tuple(key.values()): [float(record.right[rows].sum()), float(len(rows))] for key, rows in tests.groups(by)}
    assert found == pooled("oberauer_kliegl_2006", ("correct", "n"), by)
    assert len(set(zip(tests["participant"].tolist(), tests["list"].tolist(), strict=True))) == 42_094
    asked = Counter(tests["n_keys"].tolist())
    assert asked == {0: 8424, 1: 8424, 2: 2 * 8424, 3: 3 * 8424, 4: 4 * 8398}


@with_sources
def test_updating_at_the_longest_times_is_that_of_the_notes() -> None:
    trials = list(pairing_parsing.updated_digits(SOURCES / build_pairing.UPDATING))
    # The notes do not say which times these are. Of all cuts of the measured time only this one gives the five shares.
    longest = 2.79
    found: dict[int, list[bool]] = {}
    for trial in trials:
        if trial["presented"] > longest:
            found.setdefault(trial["n_keys"], []).extend(kind == "right" for kind in trial["kinds"])
    means = [float(np.mean(found[size])) for size in range(5)]
    assert means == pytest.approx([0.928, 0.938, 0.889, 0.858, 0.695], abs=5e-4)
