"""Data of recognition: hand-made files with written answers, known numbers, and trials that give the tables."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import measure
from cogmem.human_data import DATASETS, build, build_recognition, load, load_trials, recognition_parsing
from cogmem.human_data.interference_parsing import rows_of
from cogmem.human_data.registry import tables_folder
from cogmem.trials import Trials
from tests.test_interference_trials import SOURCES, Reader, column, pooled, read, said, with_sources
from tests.test_pairing_data import put, rows_without, shares

__all__ = ["read"]
"""The fixture that loads the trials of a hand-made file."""


# ---- hand-made files ------------------------------------------------------------------------------------------------


def test_ratings_go_from_sure_new_to_sure_old(tmp_path: Path) -> None:
    head = ",".join(f"{items}_{rating}" for items in ("OLD", "NEW") for rating in recognition_parsing.ROC_RATINGS)
    text = f"{head},exp,id\n1.0,2.0,3.0,4.0,5.0,60.0,70.0,8.0,9.0,10.0,11.0,12.0,Dube,1:Dube\n"
    rows = build_recognition.collected_ratings(put(tmp_path, build_recognition.ROC, text))
    # Person, experiment, repetitions, ratings 1 to 6, called old, trials.
    assert rows_without(rows, "counts") == [
        ("1:Dube", "Dube", 0, 70, 8, 9, 10, 11, 12, 33, 120), ("1:Dube", "Dube", 1, 1, 2, 3, 4, 5, 60, 69, 75)
    ]  # fmt: skip


WORDS = """Subj_idx,Stimulus,Response,Confidence,RT_decConf,Condition,Accuracy,Raw_Response,StimulusType
81,1,1,2,3.5,"big, no feedback",1,5,Word
81,0,0,1,2.5,"big, no feedback",1,3,Word
7,0,1,1,1.5,"mixed, feedback",0,4,Word
81,1,0,3,0.5,"big, no feedback",0,1,Word
81,1,1,2,1.5,"big, no feedback",1,5,Word
"""


def test_ratings_are_counted_by_what_was_studied(tmp_path: Path) -> None:
    rows = build_recognition.rated_words(put(tmp_path, build_recognition.KANTNER_2010, WORDS))
    # Person, condition, repetitions, trials, times of right answers, ratings 1 to 6, called old.
    assert rows_without(rows, "seconds") == [
        ("7", "mixed, feedback", 0, 1, 0, 0, 0, 0, 1, 0, 0, 1),
        ("81", "big, no feedback", 0, 1, 1, 0, 0, 1, 0, 0, 0, 0),
        ("81", "big, no feedback", 1, 3, 2, 1, 0, 0, 0, 2, 0, 2),
    ]
    assert [row["seconds"] for row in rows] == [pytest.approx(np.nan, nan_ok=True), 2.5, 2.5]


def test_an_answer_is_a_rating_from_0(read: Reader) -> None:
    record = read("kantner_lindsay_2010", WORDS)
    assert record.design.paradigm == "superposition"
    assert len(record.design.studies) == 0
    assert record.answers.tolist() == [4, 2, 3, 0, 4]
    assert said(record) == ["rating 5", "rating 3", "rating 4", "rating 1", "rating 5"]
    assert column(record, "target") == ["rating 6", "rating 1", "rating 1", "rating 6", "rating 6"]
    assert column(record, "probe") == ["old", "new", "new", "old", "old"]
    assert column(record, "participant") == ["81", "81", "7", "81", "81"]
    assert column(record, "serial_position") == [1, 2, 1, 3, 4]
    assert column(record, "condition")[2] == "mixed, feedback"
    assert (set(column(record, "n_ratings")), set(column(record, "list_length"))) == ({6}, {75})
    assert record.seconds is not None
    assert record.seconds.tolist() == [3.5, 2.5, 1.5, 0.5, 1.5]


def test_the_second_list_is_the_second_half_of_a_persons_rows(tmp_path: Path) -> None:
    lines = ["1,1,1,2,1.0,1,5,Painting", "2,1,1,2,1.0,1,6,Painting", "1,0,0,2,1.0,1,2,Painting"]
    lines += ["1,0,0,2,1.0,1,1,Painting", "2,0,0,2,1.0,1,3,Painting", "1,1,1,2,1.0,1,4,Painting"]
    path = tmp_path / "hand.csv"
    path.write_text("\n".join([",".join(WORDS.split("\n")[0].split(",")[:5]) + ",Accuracy,Raw_Response,Type", *lines]))
    rows = list(recognition_parsing.kantner_2014(path, tests=2))
    names = ("participant", "list", "serial_position", "repetitions", "rating", "old")
    assert [tuple(row[name] for name in names) for row in rows] == [
        ("1", 1, 1, 1, 5, True), ("2", 1, 1, 1, 6, True), ("1", 1, 2, 0, 2, False),
        ("1", 2, 1, 0, 1, False), ("2", 1, 2, 0, 3, False), ("1", 2, 2, 1, 4, True),
    ]  # fmt: skip


SADEGHI = """Subj_idx,Stimulus,Response,Confidence,RT_dec,RT_conf,group
401,1,0,6,3.5,2.9,patient
401,0,0,1,1.5,1.1,patient
402,1,1,1,2.5,1.1,control
402,0,1,6,0.5,1.1,control
"""


def test_zero_is_old_and_confidence_makes_twelve_ratings(read: Reader) -> None:
    record = read("sadeghi_2017", SADEGHI)
    assert column(record, "probe") == ["new", "old", "new", "old"]
    assert said(record) == ["rating 12", "rating 7", "rating 6", "rating 1"]
    assert column(record, "condition") == ["patient", "patient", "control", "control"]
    assert (set(column(record, "n_ratings")), set(column(record, "list_length"))) == ({12}, {100})
    assert record.seconds is not None
    assert record.seconds.tolist() == [3.5, 1.5, 2.5, 0.5]


REDER = """subject,list,trial,stim,freq,rt,resp,type,rep,lag,onset
1,1,1,CAT,lowfreq,1000,new,new,0,0,0
1,1,2,DAY,highfreq,500,know,new,0,0,2000
1,1,3,CAT,lowfreq,800,rem,old,1,2,3500
1,1,4,CAT,lowfreq,600,know,old,2,1,5300
2,1,1,CAT,lowfreq,900,rem,new,0,0,0
2,1,2,SEA,lowfreq,700,new,new,0,0,1900
2,1,3,CAT,lowfreq,400,new,old,1,2,3600
"""


def test_words_are_remembered_known_or_new(tmp_path: Path) -> None:
    rows = build_recognition.repeated_words(put(tmp_path, build_recognition.REDER, REDER))
    # Person, frequent, repetitions, trials, times of right answers, remembered, known, called old.
    assert rows_without(rows, "seconds") == [
        ("1", 0, 0, 1, 1, 0, 0, 0), ("1", 0, 1, 1, 1, 1, 0, 1), ("1", 0, 2, 1, 1, 0, 1, 1), ("1", 1, 0, 1, 0, 0, 1, 1),
        ("2", 0, 0, 2, 1, 1, 0, 1), ("2", 0, 1, 1, 0, 0, 0, 0),
    ]  # fmt: skip
    assert [row["seconds"] for row in rows] == pytest.approx([1, 0.8, 0.6, np.nan, 0.7, np.nan], nan_ok=True)


def test_words_shown_before_are_counted_by_lag(tmp_path: Path) -> None:
    rows = build_recognition.words_by_lag(put(tmp_path, build_recognition.REDER, REDER))
    assert rows_without(rows, "seconds", "seconds_n") == [
        ("1", 0, 1, 2, 1, 1, 0, 1), ("1", 0, 2, 1, 1, 0, 1, 1), ("2", 0, 1, 2, 1, 0, 0, 0)
    ]  # fmt: skip
    found = [build_recognition.first_of_bin(lag) for lag in (1, 2, 3, 4, 7, 8, 255, 256, 353)]
    assert found == [1, 2, 2, 4, 4, 8, 128, 256, 256]


def test_each_word_shown_is_a_test(read: Reader) -> None:
    record = read("reder_2000", REDER)
    assert record.design.trials["phase"].tolist() == ["test"] * 7
    assert column(record, "item") == ["CAT", "DAY", "CAT", "CAT", "CAT", "SEA", "CAT"]
    assert said(record) == ["new", "old", "old", "old", "old", "new", "new"]
    assert column(record, "target") == ["new", "new", "old", "old", "new", "new", "old"]
    assert record.right.tolist() == [True, False, True, True, False, True, False]
    assert column(record, "response")[:4] == ["new", "known", "remembered", "known"]
    assert column(record, "list_length") == [2] * 7
    assert column(record, "lag") == [0, 0, 2, 1, 0, 0, 2]
    assert column(record, "time") == [0, 2, 3.5, 5.3, 0, 1.9, 3.6]
    delays = [np.nan, np.nan, 3.5, 1.8, np.nan, np.nan, 3.6]
    assert column(record, "retention_interval") == pytest.approx(delays, nan_ok=True)


def test_published_percentages_keep_their_status(tmp_path: Path) -> None:
    text = "study,material,n_items,delay,test,percent_correct,status\nX 1967,pictures,612,2 hours,2AFC,99.5,verify\n"
    assert build_recognition.picture_memory(put(tmp_path, build_recognition.PICTURES, text)) == [
        {"experiment": "X 1967", "material": "pictures", "condition": "2 hours", "test": "2AFC", "list_length": 612,
         "status": "verify", "proportion": 0.995}
    ]  # fmt: skip


SCAN = """"" "" "Blk" "Trl" "SetSize" "Lag" "keyIdx" "CorrResp" "ACC" "RT" "use"
{who} 555 1 1 4 3 1 1 1 0.5 TRUE
{who} 555 1 2 4 4 0 1 0 0.6 1
{who} 555 1 3 2 3 0 0 1 0.7 TRUE
{who} 555 1 4 2 3 1 0 0 0.3 TRUE
{who} 555 1 5 1 1 1 1 1 9.5 FALSE
{who} 555 1 6 4 3 1 1 1 0.9 1
{who} 555 1 7 2 3 1 1 1 0.8 TRUE
"""


def test_lags_count_from_the_end_and_new_probes_have_none(read: Reader) -> None:
    record = read("donkin_nosofsky_2012", SCAN.format(who=1))
    assert column(record, "list_length") == [4, 4, 2, 2, 1, 4, 2]
    assert column(record, "lag") == [2, 1, 0, 0, 1, 2, 0]
    assert column(record, "probe") == ["old", "old", "new", "new", "old", "old", "new"]
    assert said(record) == ["old", "new", "new", "old", "old", "old", "old"]
    assert column(record, "list") == [1, 2, 3, 4, 5, 6, 7]
    # The last says both that its probe was new and that old was right.
    assert column(record, "used") == [1, 1, 1, 1, 0, 1, 0]


def test_used_trials_are_counted_by_set_size_and_lag(tmp_path: Path) -> None:
    for k in range(1, 8):
        put(tmp_path / str(k), build_recognition.SCAN / f"subj{k}.txt", SCAN.format(who=k) if k in (4, 5) else "head\n")
        (tmp_path / "all" / build_recognition.SCAN).mkdir(parents=True, exist_ok=True)
        place = build_recognition.SCAN / f"subj{k}.txt"
        (tmp_path / str(k) / place).rename(tmp_path / "all" / place)
    rows = build_recognition.scanned_lists(tmp_path / "all")
    # Person, group, set size, lag, repetitions, trials, times of right answers, called old.
    one = [(2, 0, 0, 2, 1, 1), (4, 1, 1, 1, 0, 0), (4, 2, 1, 2, 2, 2)]
    assert rows_without(rows, "seconds") == [("4", "fast", *each) for each in one] + [
        ("5", "slow", *each) for each in one
    ]
    assert [row["seconds"] for row in rows[:3]] == pytest.approx([0.7, np.nan, 0.7], nan_ok=True)


# ---- the shipped tables ---------------------------------------------------------------------------------------------


def hits_and_alarms(rows: Trials, by: str) -> dict[object, tuple[float, float]]:
    """Return the shares of studied and of new items called old, rounded to three places, by a column."""
    found = shares(rows, by, "repetitions")
    return {key: (found[key, 1], found[key, 0]) for key, _ in found}


def sums(rows: Trials, n_ratings: int, repetitions: int) -> list[int]:
    chosen = rows["repetitions"] == repetitions
    return [int(rows[f"rating_{k}"][chosen].sum()) for k in range(1, n_ratings + 1)]


@pytest.mark.parametrize(
    ("name", "n_ratings"),
    [("roc6_2015", 6), ("kantner_lindsay_2010", 6), ("kantner_lindsay_2014", 6), ("sadeghi_2017", 12)],
)
def test_the_upper_half_of_the_ratings_is_called_old(name: str, n_ratings: int) -> None:
    curve = load(name)
    rows = curve.rows
    ratings = [rows[f"rating_{k}"] for k in range(1, n_ratings + 1)]
    assert curve.measure == "called_old"
    assert (sum(ratings) == rows["n"]).all()
    assert (sum(ratings[n_ratings // 2 :]) == rows["correct"]).all()


def test_459_people_rated_in_12_data_sets() -> None:
    curve = load("roc6_2015")
    assert len(curve.participants) == 459
    assert hits_and_alarms(curve.rows, "experiment") == {
        "Dube_2012-P": (0.823, 0.065), "Dube_2012-W": (0.673, 0.292), "Heathcote_2006_e1": (0.719, 0.247),
        "Heathcote_2006_e2": (0.823, 0.189), "Jaeger_2012": (0.79, 0.165), "Jang_2009": (0.672, 0.324),
        "Koen-2013_full": (0.764, 0.25), "Koen-2013_immediate": (0.772, 0.367), "Koen_2010_pure": (0.63, 0.261),
        "Koen_2011": (0.782, 0.335), "Pratte_2010": (0.655, 0.254), "Smith_2004": (0.733, 0.25),
    }  # fmt: skip
    n = curve.rows["n"][curve.rows["repetitions"] == 1]
    assert (n.min(), n.max(), len(set(curve.rows["experiment"]))) == (60, 300, 12)


def test_confidence_is_as_the_files_have_it() -> None:
    words, paintings, patients = (load(name).rows for name in
                                  ("kantner_lindsay_2010", "kantner_lindsay_2014", "sadeghi_2017"))  # fmt: skip
    assert [len(set(rows["participant"])) for rows in (words, paintings, patients)] == [78, 87, 50]
    assert [set(rows["n"]) for rows in (words, paintings, patients)] == [{75}, {48}, {100}]
    assert (sums(words, 6, 1), sums(words, 6, 0)) == (
        [505, 612, 696, 809, 841, 2387], [1476, 1396, 1202, 835, 481, 460]
    )  # fmt: skip
    assert (sums(paintings, 6, 1), sums(paintings, 6, 0)) == (
        [685, 683, 494, 646, 828, 5016], [3842, 2106, 1031, 743, 345, 285]
    )  # fmt: skip
    assert (sums(patients, 12, 1), sums(patients, 12, 0)) == (
        [520, 211, 174, 238, 194, 84, 80, 107, 268, 284, 432, 2408],
        [1554, 419, 374, 450, 319, 167, 82, 120, 197, 260, 314, 744],
    )
    assert Counter(words["condition"].tolist()) == {
        "big, feedback": 20, "big, no feedback": 24, "mixed, feedback": 32, "mixed, no feedback": 30,
        "small, feedback": 26, "small, no feedback": 24,
    }  # fmt: skip


def test_rare_words_are_told_better_when_new_and_when_old() -> None:
    rows = load("reder_2000").rows
    found = shares(rows, "frequent", "repetitions")
    # The mirror effect.
    assert [found[key] for key in ((1, 0), (0, 0), (1, 1), (0, 1))] == [0.169, 0.044, 0.821, 0.875]
    assert (rows["remembered"] + rows["known"] == rows["correct"]).all()
    assert (len(set(rows["participant"])), rows["n"].sum()) == (22, 8448)
    assert (rows["remembered"].sum(), rows["known"].sum()) == (3125, 1358)


def test_words_are_forgotten_over_lags() -> None:
    curve = load("reder_2000", table="lags")
    rows = curve.rows
    assert (rows["n"].sum(), set(rows["x"])) == (4224, {1, 2, 4, 8, 16, 32, 64, 128, 256})
    once = shares(rows.where(rows["repetitions"] == 1), "frequent", "x")
    assert [once[1, lag] for lag in (1, 2, 4, 8, 16, 32, 64)] == [1, 1, 0.968, 0.895, 0.864, 0.843, 0.789]
    assert [once[0, lag] for lag in (1, 2, 4, 8, 16, 32, 64)] == [1, 1, 0.958, 0.977, 0.968, 0.892, 0.824]
    by = ("participant", "frequent", "repetitions")
    whole = pooled("reder_2000", ("correct", "n"), by)
    parts = {tuple(key.values()): [float(rows[name][held].sum()) for name in ("correct", "n")]
             for key, held in rows.groups(by)}  # fmt: skip
    assert parts == {key: values for key, values in whole.items() if key[2]}


def test_pictures_are_chosen_as_published() -> None:
    curve = load("visual_ltm_capacity")
    rows = curve.rows
    assert (curve.measure, set(rows["n"]), set(rows["guess"])) == ("forced_choice", {1}, {0.5})
    assert np.isnan(curve.se).all()
    assert dict(zip(rows["x"].tolist(), rows["y"].tolist(), strict=True))[10_000] == 0.83
    brady = rows.where(rows["experiment"] == "Brady 2008")
    assert (set(brady["x"]), sorted(brady["y"])) == ({2500}, [0.87, 0.88, 0.92])
    pictures = rows.where((rows["experiment"] == "Shepard 1967") & (rows["material"] == "pictures"))
    later = dict(zip(pictures["condition"].tolist(), pictures["y"].tolist(), strict=True))
    assert later == {"immediate": 0.967, "immediate (median)": 0.985, "2 hours": 0.997, "3 days": 0.92,
                     "7 days": 0.87, "120 days": 0.577}  # fmt: skip
    assert sum("general knowledge" in status for status in rows["status"]) == 6
    assert sorted(set(rows["test"])) == ["2AFC", "2AFC lower bound of range", "2AFC upper bound of range"]


def test_last_items_of_short_lists_are_called_old_most() -> None:
    curve = load("donkin_nosofsky_2012")
    rows = curve.rows
    assert (len(curve.participants), rows["n"].sum()) == (7, 26_000 - 483 - 4)
    assert {(who, group) for who, group in zip(rows["participant"], rows["condition"], strict=True)} == {
        *((str(k), "fast") for k in range(1, 5)), *((str(k), "slow") for k in range(5, 8))
    }  # fmt: skip
    five = shares(rows.where((rows["x"] == 5) & (rows["participant"] == "1")), "lag")
    assert [five[lag,] for lag in (5, 4, 3, 2, 1)] == [0.81, 0.768, 0.963, 0.993, 0.993]
    assert ((rows["lag"] == 0) == (rows["repetitions"] == 0)).all()
    fast = rows.where((rows["condition"] == "fast") & (rows["lag"] == 0))
    times = [np.average(part["seconds"], weights=part["seconds_n"]) for size in range(1, 6)
             if len(part := fast.where(fast["x"] == size))]  # fmt: skip
    assert (np.diff(times) > 0).all()
    assert 0.3 < times[0] < times[-1] < 0.7


# ---- the full files -------------------------------------------------------------------------------------------------

RATED = {"kantner_lindsay_2010": 11_700, "kantner_lindsay_2014": 16_704, "sadeghi_2017": 10_000, "reder_2000": 8448}
NEW = [(name, part) for name in ("roc6_2015", *RATED, "visual_ltm_capacity", "donkin_nosofsky_2012")
       for part in DATASETS[name].tables]  # fmt: skip


@with_sources
@pytest.mark.parametrize(("name", "part"), NEW)
def test_tables_of_recognition_come_out_the_same_from_the_sources(name: str, part: str) -> None:
    table = DATASETS[name].tables[part]
    content = build.render(build.BUILDERS[name, part](SOURCES), table)
    assert content == (tables_folder() / table.file).read_bytes()


@with_sources
@pytest.mark.parametrize("name", RATED)
def test_trials_give_the_table_by_the_measure_of_the_paradigm(name: str) -> None:
    from cogmem.paradigms import superposition

    record = load_trials(name, folder=SOURCES)
    assert len(record.answers) == RATED[name]
    rows = measure(superposition.measure("called_old"), record).rows
    found = {tuple(key.values()): [float(rows["correct"][held].sum()), float(rows["n"][held].sum())]
             for key, held in rows.groups(("participant", "x"))}  # fmt: skip
    assert found == pooled(name, ("correct", "n"), ("participant", "x"))


@with_sources
def test_every_persons_used_lists_give_the_table() -> None:
    found: dict[tuple[object, ...], list[float]] = {}
    for k in range(1, 8):
        record = load_trials("donkin_nosofsky_2012", part=f"subj{k}", folder=SOURCES)
        tests = record.design.tests
        for key, held in tests.groups(("participant", "list_length", "lag")):
            held = held[tests["used"][held] == 1]
            found[tuple(key.values())] = [float(record.answers[held].sum()), float(len(held))]
    assert found == pooled("donkin_nosofsky_2012", ("correct", "n"), ("participant", "x", "lag"))


@with_sources
def test_ratings_agree_with_the_answers_and_confidences_beside_them() -> None:
    for file in (build_recognition.KANTNER_2010, build_recognition.KANTNER_2014):
        for row in rows_of(SOURCES / file):
            old, sure = row["Response"] == "1", int(row["Confidence"])
            assert int(row["Raw_Response"]) == (3 + sure if old else 4 - sure)
            assert (row["Accuracy"] == "1") == (row["Response"] == row["Stimulus"])
    rows = recognition_parsing.kantner_2014(SOURCES / build_recognition.KANTNER_2014)
    studied = Counter((row["participant"], row["list"]) for row in rows if row["repetitions"])
    assert (len(studied), set(studied.values())) == (2 * 87, {48})


@with_sources
def test_lags_and_repetitions_of_words_follow_from_their_places() -> None:
    seen: dict[tuple[str, str], list[int]] = {}
    for row in recognition_parsing.reder_2000(SOURCES / build_recognition.REDER):
        earlier = seen.setdefault((row["participant"], row["word"]), [])
        assert row["repetitions"] == len(earlier)
        assert row["lag"] == (row["serial_position"] - earlier[-1] if earlier else 0)
        assert np.isnan(row["retention_interval"]) == (not earlier)
        earlier.append(row["serial_position"])
    times = {who: Counter(len(places) for (each, _), places in seen.items() if each == who) for who, _ in seen}
    assert all(counts == {1: 160, 3: 8, 5: 8, 10: 16} for counts in times.values())
