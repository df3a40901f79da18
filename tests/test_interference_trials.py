"""Trials of proactive interference: hand-made files with written answers, and shares equal to the shipped tables."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cogmem.core import Record, measure
from cogmem.errors import UserError
from cogmem.human_data import DATASETS, load, load_trials, loading, probe_parsing, xls
from cogmem.paradigms import proactive_interference
from cogmem.paradigms.interference_measures import classify, list_lags

SOURCES = Path(os.environ.get("COGMEM_DATA", Path(__file__).parents[2] / "shared" / "human_data_sources"))
with_sources = pytest.mark.skipif(
    not (SOURCES / "sro-keep-track").is_dir(), reason=f"no upstream files in {SOURCES}; set COGMEM_DATA"
)
Reader = Callable[[str, str], Record]


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Reader:
    """Give a function (data set, text of its file) that loads the trials of such a file."""

    def record(name: str, text: str) -> Record:
        path = tmp_path / "hand.csv"
        path.write_text(text, encoding="ascii")
        monkeypatch.setattr(loading, "fetch", lambda name, folder: {DATASETS[name].files[0].name: path})
        return load_trials(name)

    return record


def column(record: Record, name: str, phase: str = "test") -> list[object]:
    """Return a column of the tests or the studies; columns of items as what the items are."""
    rows = record.design.tests if phase == "test" else record.design.studies
    words = record.design.items.tolist()
    return [words[row] if name in ("cue", "target", "item") and row >= 0 else row for row in rows[name].tolist()]


def said(record: Record) -> list[object]:
    words = [*record.design.items.tolist(), "(unseen)"]
    return ["(none)" if answer < 0 else words[answer] for answer in record.answers.tolist()]


# ---- hand-made files ------------------------------------------------------------------------------------------------

KEEP_TRACK = """exp_stage,trial_type,correct_responses,responses,worker_id
practice,survey-text,{'metals': 'Iron'},[],s1
test,survey-text,"{'metals': 'Iron', 'animals': 'cow'}","['LEAD', ' cow ', 'cow']",s1
test,survey-text,"{'metals': 'lead', 'animals': 'fish'}","['red', 'cow', '']",s1
test,survey-text,{'metals': 'lead'},['lead'],s2
test,survey-text,{'metals': 'iron'},['iron'],s1
"""


def test_keep_track_has_the_words_of_each_category(read: Reader) -> None:
    record = read("keep_track_2019", KEEP_TRACK)
    assert record.design.paradigm == "proactive_interference"
    assert len(record.design.studies) == 0
    assert column(record, "participant") == ["s1", "s1", "s1", "s1", "s2", "s1"]
    assert column(record, "list") == [1, 1, 2, 2, 1, 3]
    assert column(record, "n_keys") == [2, 2, 2, 2, 1, 1]
    assert column(record, "cue") == ["metals", "animals", "metals", "animals", "metals", "metals"]
    assert column(record, "target") == ["iron", "cow", "lead", "fish", "lead", "iron"]
    assert said(record) == ["lead", "cow", "(none)", "cow", "lead", "iron"]
    assert record.right.tolist() == [False, True, False, False, True, True]
    with pytest.raises(UserError, match="no streams of updates"):
        classify(record)


PAL1 = """subject,session,list,study_position,test_position,cue_direction,cue,target,response,outcome,\
prior_list_lag,response_time_s
A,0,1,2,1,forward,THREE,FOUR,TWO,intra_list_intrusion,,1.5
A,0,1,1,2,backward,TWO,ONE,ONE,correct,,0.5
A,0,4,1,1,forward,FIVE,SIX,FOUR,prior_list_intrusion,3.0,2
A,0,4,2,2,backward,EIGHT,SEVEN,,no_response,,
A,0,1,3,3,forward,NINE,TEN,SIX,extra_list_intrusion,,3
A,1,1,1,1,forward,ONE,TWO,SIX,extra_list_intrusion,,4
A,0,4,3,3,forward,RED,BLUE,GREEN,extra_list_intrusion,,4
"""


def test_cued_recall_is_study_then_test_list_by_list(read: Reader) -> None:
    record = read("pal1_2024", PAL1)
    trials = record.design.trials
    order = [*zip(trials["participant"].tolist(), trials["list"].tolist(), trials["phase"].tolist(), strict=True)]
    assert order == [("A.0", 1, "study")] * 3 + [("A.0", 1, "test")] * 3 + [("A.0", 4, "study")] * 3 + [
        ("A.0", 4, "test")
    ] * 3 + [("A.1", 1, "study"), ("A.1", 1, "test")]
    assert column(record, "serial_position", "study") == [1, 2, 3, 1, 2, 3, 1]
    assert column(record, "cue", "study") == ["ONE", "THREE", "NINE", "FIVE", "SEVEN", "RED", "ONE"]
    assert column(record, "target", "study") == ["TWO", "FOUR", "TEN", "SIX", "EIGHT", "BLUE", "TWO"]
    assert column(record, "cue") == ["THREE", "TWO", "NINE", "FIVE", "EIGHT", "RED", "ONE"]
    assert column(record, "target") == ["FOUR", "ONE", "TEN", "SIX", "SEVEN", "BLUE", "TWO"]
    # SIX is a word of a later list, then of another session, GREEN of none.
    assert said(record) == ["TWO", "ONE", "SIX", "FOUR", "(none)", "(unseen)", "(unseen)"]
    assert column(record, "answer_list") == [1, 1, 0, 1, 0, 0, 0]
    assert record.seconds is not None
    assert record.seconds.tolist() == pytest.approx([1.5, 0.5, 3, 2, np.nan, 4, 4], nan_ok=True)
    kinds = classify(record).kind.tolist()
    assert kinds == ["other_key", "right", "unseen", "unseen", "none", "unseen", "unseen"]
    rows = measure(proactive_interference.measure("accuracy"), record).rows
    assert rows["correct"].tolist() == [1, 0]
    assert rows["n"].tolist() == [6, 1]


FR1 = """subject,session,list,position,trial_type,item,response_time_s
A,0,2,1,study,ONE,
A,0,2,2,study,TWO,
A,0,2,1,recall,TWO,1
A,0,2,2,recall,RED,2
A,0,3,1,study,TEN,
"""


def test_free_recall_tests_every_word(read: Reader) -> None:
    record = read("fr1_2024", FR1)
    assert record.design.trials["phase"].tolist() == ["study", "study", "test", "test", "study", "test"]
    assert column(record, "item") == ["ONE", "TWO", "TEN"]
    assert column(record, "serial_position") == [1, 2, 1]
    assert column(record, "list") == [2, 2, 3]
    assert record.answers.tolist() == [0, 1, 0]
    assert record.right.tolist() == [False, True, False]


KEMP = """Subject,AgeGroup,ItemType,Cue,Target,Alternate,TestItem.RESP,CR.RESP,OtherResp.RESP
111,Older,AB_AB,shape,curve,carve,curve,0,
1,Older,AB_AB,shape,curve,carve,Curve ,0,
1,Older,AB_CD,argue,discuss,dispute,dispute,0,
1,Older,AB_AD,wall,room,roof,roof,1,Roof
1,Older,AB_AD_Test,wine,grape,glass,room,0,
1,Older,AB_AD,iron,steam,steel,,1,steam
1,Older,AB_AD,club,bar,bat,hat,1,steam
"""


def test_changed_pairs_are_two_lists_in_one_stream(read: Reader) -> None:
    record = read("kemp_wahlheim_2021", KEMP)
    assert record.design.trials["phase"].tolist() == ["study"] * 11 + ["test"] * 6
    assert column(record, "cue", "study") == [
        *("shape", "wall", "wine", "iron", "club"), *("shape", "argue", "wall", "wine", "iron", "club")
    ]  # fmt: skip
    assert column(record, "target", "study") == [
        *("curve", "roof", "glass", "steel", "bat"), *("curve", "discuss", "room", "grape", "steam", "bar")
    ]  # fmt: skip
    assert column(record, "update", "study") == [1, 1, 1, 1, 1, 2, 1, 2, 2, 2, 2]
    assert column(record, "updates") == [2, 1, 2, 2, 2, 2]
    assert column(record, "update") == [2, 1, 2, 2, 2, 2]
    assert column(record, "target") == ["curve", "discuss", "room", "grape", "steam", "bar"]
    assert column(record, "pair_type") == [1, 2, 3, 4, 3, 3]
    assert column(record, "noticed") == ["not_noticed"] * 2 + ["recollected", "not_noticed", "noticed", "noticed"]
    assert said(record) == ["curve", "dispute", "roof", "room", "(none)", "(unseen)"]
    found = classify(record)
    assert found.kind.tolist() == ["right", "unseen", "same_key", "other_key", "none", "unseen"]
    assert found.lag.tolist() == [0, -1, 1, -1, -1, -1]


RECENT = """exp_stage,worker_id,probeType,stim,probe_letter,key_press,rt
practice,s1,xrec_neg,"['A', 'B']",Z,39.0,100
test,s1,xrec_pos,"['A', 'B']",B,37.0,1500
test,s1,rec_neg,"['C', 'D']",B,37.0,800
test,s2,xrec_neg,"['C', 'D']",B,39.0,900
test,s1,rec_pos,"['C', 'E']",C,-1.0,-1
"""


def test_recent_probes_show_letters_then_ask_for_one(read: Reader) -> None:
    record = read("recent_probes_2019", RECENT)
    assert record.design.trials["phase"].tolist() == ["study", "study", "test"] * 4
    assert column(record, "item", "study") == ["A", "B", "C", "D", "C", "D", "C", "E"]
    assert column(record, "item") == ["B", "B", "B", "C"]
    assert column(record, "list") == [1, 2, 1, 3]
    assert column(record, "probe") == ["old", "recent", "new", "old"]
    assert column(record, "recent") == [0, 1, 0, 1]
    assert column(record, "target") == ["yes", "no", "no", "yes"]
    assert said(record) == ["yes", "yes", "no", "(none)"]
    assert record.seconds is not None
    assert record.seconds.tolist() == pytest.approx([1.5, 0.8, 0.9, np.nan], nan_ok=True)
    rows = measure(proactive_interference.measure("recognition"), record).rows
    assert [*zip(rows["participant"].tolist(), rows["x"].tolist(), rows["correct"].tolist(), strict=True)] == [
        ("s1", 1, 1), ("s1", 2, 0), ("s2", 3, 1)
    ]  # fmt: skip


def n_back_line() -> str:
    """Return a trial of two columns that begin with 3 and 7: column 1 gets 3, then column 2 gets 3 nineteen times."""
    columns = [1] + [2] * 19
    cells = [2, 1, 1, 2, 3, 7, 0, 0, 0, *[3] * 20]
    cells += [part for k in columns for part in (k, 5)] + [0] * 40
    cells += [1, 2] + [1] * 18  # Type: match, mismatch, matches.
    cells += [0, 1] + [0] * 18 + [0] * 20  # The second is the digit of the other column.
    cells += list(range(500, 520)) + [1, 0] + [1] * 18
    return " ".join(map(str, cells)) + " \n"


def test_n_back_updates_the_columns(read: Reader) -> None:
    record = read("oberauer_2006", n_back_line())
    trials = record.design.trials
    assert trials["phase"].tolist() == ["study"] * 2 + ["test", "study"] * 20
    assert column(record, "cue", "study")[:5] == ["column 1", "column 2", "column 1", "column 2", "column 2"]
    assert column(record, "target", "study")[:5] == ["3", "7", "3", "3", "3"]
    assert column(record, "update", "study")[:5] == [1, 1, 2, 2, 3]
    assert column(record, "serial_position", "study") == list(range(1, 23))
    assert column(record, "cue")[:3] == ["column 1", "column 2", "column 2"]
    assert column(record, "item")[:3] == ["3", "3", "3"]
    assert column(record, "update")[:3] == [1, 1, 2]
    assert column(record, "probe")[:3] == ["old", "recent", "old"]
    assert column(record, "target")[:3] == ["match", "mismatch", "match"]
    assert said(record)[:3] == ["match", "match", "match"]
    assert record.right.tolist() == [True, False] + [True] * 18
    assert record.seconds is not None
    assert record.seconds[:2].tolist() == [0.5, 0.501]


# ---- the full files -------------------------------------------------------------------------------------------------


def pooled(name: str, columns: tuple[str, ...], keys: tuple[str, ...]) -> dict[tuple[object, ...], list[float]]:
    """Return the sums of columns of a shipped table by its keys."""
    rows = load(name).rows
    return {
        tuple(key.values()): [float(rows[column][members].sum()) for column in columns]
        for key, members in rows.groups(keys)
    }


@with_sources
def test_keep_track_trials_give_the_table() -> None:
    record = load_trials("keep_track_2019", folder=SOURCES)
    tests = record.design.tests
    found = {
        (int(key["n_keys"]),): [
            float(record.right[rows].sum()),
            float(((record.answers[rows] >= 0) & ~record.right[rows]).sum()),
            float((record.answers[rows] < 0).sum()),
        ]
        for key, rows in tests.groups(("n_keys",))
    }
    assert found == pooled("keep_track_2019", ("correct", "same_key", "omitted"), ("n_keys",))
    assert (len(tests), sorted(set(tests["list"].tolist()))) == (18_792, list(range(1, 10)))


@with_sources
def test_cued_recall_trials_give_the_table() -> None:
    record = load_trials("pal1_2024", folder=SOURCES)
    tests, answers = record.design.tests, record.answers
    number, home = tests["list"], tests["answer_list"]
    kinds = {
        "correct": record.right,
        "prior_list": (home > 0) & (home < number),
        "same_list": (home == number) & ~record.right,
        "unseen": (answers >= 0) & (home == 0),
        "omitted": answers < 0,
    }
    found = {
        (str(key["person"]), int(key["list"])): [float(kind[rows].sum()) for kind in kinds.values()]
        for key, rows in tests.with_columns(
            {"person": np.array([who.split(".")[0] for who in tests["participant"].tolist()])}
        ).groups(("person", "list"))
    }
    assert found == pooled("pal1_2024", tuple(kinds), ("participant", "list"))
    lags = Counter((number - home)[kinds["prior_list"] & (number > 10)].tolist())
    assert [lags[k] for k in range(1, 11)] == load("pal1_2024", table="lags").rows["correct"][:10].tolist()
    # The paradigm's own measures say the same.
    back = load("pal1_2024", table="lags").rows["correct"]
    assert list_lags(record, after=10)["correct"].tolist()[: len(back)] == back.tolist()
    prior = measure(proactive_interference.measure("prior_lists"), record).pool().rows
    whole = load("pal1_2024").rows
    assert prior["y"][:25] == pytest.approx(
        [whole["prior_list"][whole["x"] == k].sum() / whole["n"][whole["x"] == k].sum() for k in range(1, 26)]
    )
    assert Counter(classify(record).kind.tolist())["right"] == record.right.sum() == 7786
    assert len(record.design.studies) == len(tests) == 19_668


@with_sources
def test_free_recall_trials_give_the_table() -> None:
    record = load_trials("fr1_2024", folder=SOURCES)
    tests = record.design.tests
    found = {
        (int(key["list"]),): [float(record.answers[rows].sum()), float(len(rows))]
        for key, rows in tests.groups(("list",))
    }
    assert found == pooled("fr1_2024", ("correct", "n"), ("list",))


@with_sources
def test_changed_pairs_trials_give_the_table() -> None:
    record = load_trials("kemp_wahlheim_2021", folder=SOURCES)
    tests, kind = record.design.tests, classify(record).kind
    by = ("participant", "pair_type", "noticed")
    found = {
        tuple(key.values()): [float((kind[rows] == "right").sum()), float((kind[rows] == "same_key").sum())]
        for key, rows in tests.groups(by)
        if key["pair_type"] >= 3  # The other pairs have no word of a first list.
    }
    shipped = pooled("kemp_wahlheim_2021", ("correct", "prior_list"), by)
    assert found == {key: sums for key, sums in shipped.items() if key[1] in (3, 4, 5)}
    assert len(tests) == 9000


@with_sources
def test_recent_probes_trials_give_the_table() -> None:
    record = load_trials("recent_probes_2019", folder=SOURCES)
    tests, answers = record.design.tests, record.answers
    tests = tests.with_columns({"probe": np.where(tests["target"] == 1, "old", "new")})
    assert record.seconds is not None
    by = ("participant", "probe", "recent")
    found = {}
    for key, rows in tests.groups(by):
        right = rows[record.right[rows]]
        found[tuple(key.values())] = [float(len(right)), float((answers[rows] < 0).sum()), float(len(right))]
    assert found == pooled("recent_probes_2019", ("correct", "omitted", "seconds_n"), by)
    new = record.design.tests["probe"] == "recent"
    assert record.seconds[new & record.right].mean() == pytest.approx(1.0735363)
    # Where the file says recent, the letter was among the six of the trial before.
    shown = record.design.studies["item"].reshape(-1, 6)
    before = (shown[:-1] == tests["item"][1:, None]).any(axis=1)
    later = (np.arange(1, len(tests)) % 24) > 0
    assert (before[later] == (tests["recent"][1:][later] == 1)).all()


@with_sources
def test_n_back_trials_give_the_table_and_their_digits_the_probes() -> None:
    record = load_trials("oberauer_2006", folder=SOURCES)
    tests = record.design.tests
    names = {"old": "match", "recent": "intrusion", "new": "mismatch"}
    found = {
        (str(key["participant"]), int(key["n_keys"]), names[str(key["probe"])]): [float(record.right[rows].sum())]
        for key, rows in tests.groups(("participant", "n_keys", "probe"))
    }
    assert found == pooled("oberauer_2006", ("correct",), ("participant", "n_keys", "probe"))
    for trial in probe_parsing.n_back(SOURCES / "oberauer-2006-nback" / "NBACK.ROH"):
        held, updated = dict(enumerate(trial["first"], 1)), set[int]()
        for column, digit, probe in zip(trial["columns"], trial["digits"], trial["probes"], strict=True):
            elsewhere = any(held[k] == digit for k in updated - {column})
            right = "match" if held[column] == digit else "intrusion" if elsewhere else "mismatch"
            assert probe == right
            held[column] = digit
            updated.add(column)


@with_sources
def test_an_old_workbook_is_read_cell_by_cell() -> None:
    path = SOURCES / "bunting-cowan-running-span" / "Bunting.Cowan.Running.xls"
    head, *people = xls.sheet(path, "Data")
    assert (len(head), len(people)) == (59, 25)
    assert head[:4] == ["Subject", "Handedness", "Gender", "f7sp7_ac"]
    assert people[0][:9] == [100.0, "right", "female", 0.2, 0.0, 0.1, 0.3, 0.2, 0.6]
    shares = np.array([line[3:] for line in people]) * probe_parsing.RUNNING_LISTS
    assert (shares == shares.round()).all()  # All are tenths, from which ten lists are taken.
    fast = xls.sheet(path, "Fast + CI")
    assert fast[2][5:7] == [pytest.approx(0.896), 0.98]
    assert fast[1][0] is None
    with pytest.raises(UserError, match="has no sheet 'Dat'"):
        xls.sheet(path, "Dat")
