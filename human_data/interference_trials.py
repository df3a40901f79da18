"""Trials of proactive interference as parts of records: words, digits and letters are rows of the items."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.human_data import interference_parsing, probe_parsing
from cogmem.human_data.parsing import Parts, Row
from cogmem.trials import from_rows


def pool(words: Iterable[str]) -> tuple[NDArray[np.str_], dict[str, int]]:
    """Return the distinct words in order, and the row of each."""
    items = np.unique(list(words))
    return items, {word: row for row, word in enumerate(items.tolist())}


def design_of(rows: list[Row]) -> Mapping[str, NDArray[Any]]:
    """Return the columns of rows that all have the same keys."""
    return from_rows(rows).columns


def _keep_track(path: Path) -> Parts:
    """Tests alone, one a category: `cue` is the category, `target` its last word, the answer a word of the category."""
    tests = interference_parsing.keep_track(path)
    items, row_of = pool(word for test in tests for word in (test["key"], test["last"]))
    rows = [
        {"participant": test["participant"], "list": test["list"], "n_keys": test["n_keys"],
         "cue": row_of[test["key"]], "target": row_of[test["last"]]}
        for test in tests
    ]  # fmt: skip
    return Parts(design_of(rows), items, np.array([row_of.get(test["answer"], -1) for test in tests]))


def _session(test: Row) -> str:
    return f"{test['participant']}.{test['session']}"


def _cued_recall(path: Path) -> Parts:
    """List by list: the pairs in the order of study, then their tests; a participant is a session of a person.

    `answer_list` is the list of the answered word, 0 where it was not studied by then; lists may be missing.
    """
    lists: dict[tuple[str, int], list[Row]] = {}
    home: dict[tuple[str, str], int] = {}
    for test in interference_parsing.cued_recall(path):
        lists.setdefault((_session(test), test["list"]), []).append(test)
        home |= {(_session(test), word): test["list"] for word in test["pair"]}
    items, row_of = pool(word for _, word in home)
    rows: list[Row] = []
    answers, seconds = [], []
    for (who, number), tests in lists.items():
        common = {"participant": who, "list": number, "update": 1, "updates": 1}
        for test in sorted(tests, key=lambda each: each["study_position"]):
            cue, target = (row_of[word] for word in test["pair"])
            rows.append({"phase": "study", **common, "serial_position": test["study_position"], "cue": cue,
                         "target": target, "answer_list": 0})  # fmt: skip
        for test in sorted(tests, key=lambda each: each["test_position"]):
            studied = home.get((who, test["answer"]), 0)
            rows.append({"phase": "test", **common, "serial_position": test["test_position"],
                         "cue": row_of[test["cue"]], "target": row_of[test["target"]],
                         "answer_list": studied if studied <= number else 0})  # fmt: skip
            unseen = len(items) if test["kind"] != "none" else -1
            answers.append(row_of[test["answer"]] if studied else unseen)
            seconds.append(test["seconds"])
    return Parts(design_of(rows), items, np.array(answers), np.array(seconds))


def _free_recall(path: Path) -> Parts:
    """List by list: the words in the order of study, then one test a word: 1 recalled, 0 not. Other words are out."""
    lists = interference_parsing.recall_lists(path)
    items, row_of = pool(word for each in lists for word in each["shown"])
    columns: dict[str, list[Any]] = {
        name: [] for name in ("phase", "participant", "list", "serial_position", "item", "test_type")
    }
    answers: list[bool] = []
    for each in lists:
        n, said = len(each["shown"]), set(each["said"])
        columns["phase"] += ["study"] * n + ["test"] * n
        columns["participant"] += [_session(each)] * 2 * n
        columns["list"] += [each["list"]] * 2 * n
        columns["serial_position"] += 2 * list(range(1, n + 1))
        columns["item"] += 2 * [row_of[word] for word in each["shown"]]
        columns["test_type"] += ["recall"] * 2 * n
        answers += [word in said for word in each["shown"]]
    return Parts(
        {name: np.array(values) for name, values in columns.items()}, items, np.array(answers).astype(np.int64)
    )


def _studied(test: Row) -> list[str]:
    """Return the words that the cue was given, first list and second; the first list's of a control is not told."""
    first = {"AB_AB": [test["target"]], "AB_CD": []}.get(test["item_type"], [test["first"]])
    return [*first, test["target"]]


def _changed_pairs(path: Path) -> Parts:
    """Person by person: the first list's pairs, the second's, the tests. Both are one stream: a word is an update.

    The file has the order of the tests alone; within a list the study rows stand in that order.
    """
    people: dict[str, list[Row]] = {}
    for test in interference_parsing.changed_pairs(path):
        people.setdefault(test["participant"], []).append(test)
    words = (test[name] for tests in people.values() for test in tests for name in ("cue", "target", "first"))
    items, row_of = pool(words)
    rows: list[Row] = []
    answers = []
    for who, tests in people.items():
        for phase, later in (("study", 0), ("study", 1), ("test", 1)):
            for test in tests:
                given = _studied(test)
                last = len(given) - 1
                if later or last:
                    update = last if later else 0
                    rows.append({"phase": phase, "participant": who, "list": 1, "condition": test["group"],
                                 "pair_type": test["pair_type"],
                                 "noticed": test["noticed"] if phase == "test" else "",
                                 "cue": row_of[test["cue"]], "target": row_of[given[update]], "update": update + 1,
                                 "updates": len(given)})  # fmt: skip
        answers += [row_of.get(test["answer"], len(items)) if test["answer"] else -1 for test in tests]
    return Parts(design_of(rows), items, np.array(answers))


def _recent_probes(path: Path) -> Parts:
    """Trial by trial: six letters shown together, then a test: is this one of them? Items 0 and 1 are the answers.

    `probe` is old (of the six), recent (not, but of the six before) or new; `recent` also tells it of old ones.
    """
    items = np.array(["no", "yes", *(chr(code) for code in range(ord("A"), ord("Z") + 1))])
    row_of = {word: row for row, word in enumerate(items.tolist())}
    columns: dict[str, list[Any]] = {
        name: [] for name in ("phase", "participant", "list", "item", "target", "recent", "probe", "test_type")
    }
    answers, seconds = [], []
    for trial in probe_parsing.recent_probes(path):
        n = len(trial["letters"])
        columns["phase"] += ["study"] * n + ["test"]
        columns["participant"] += [trial["participant"]] * (n + 1)
        columns["list"] += [trial["list"]] * (n + 1)
        columns["item"] += [row_of[letter] for letter in (*trial["letters"], trial["letter"])]
        columns["target"] += [-1] * n + [trial["old"]]
        columns["recent"] += [0] * n + [trial["recent"]]
        columns["probe"] += [""] * n + ["old" if trial["old"] else "recent" if trial["recent"] else "new"]
        columns["test_type"] += ["recognition"] * (n + 1)
        answers.append(trial["answer"])
        seconds.append(trial["seconds"])
    design = {name: np.array(values) for name, values in columns.items()}
    return Parts(design, items, np.array(answers), np.array(seconds))


OLD_OR_NEW: Final = {"match": "old", "intrusion": "recent", "mismatch": "new"}
N_BACK: Final = ("mismatch", "match", *(str(digit) for digit in range(1, 10)), *(f"column {k}" for k in range(1, 6)))
"""Items of the n-back task: the two answers, the digits, the columns."""


def _n_back_trial(trial: Row) -> list[Row]:
    """Return the rows of a trial: the first digits, then each probe's test and its digit as the next of the column."""
    digit, column, n = N_BACK.index("1") - 1, N_BACK.index("column 1") - 1, trial["n_keys"]
    update = dict.fromkeys(range(1, n + 1), 0)

    def row(phase: str, place: int, key: int, shown: int, target: int, probe: str) -> Row:
        update[key] += phase == "study"
        return {"phase": phase, "participant": trial["participant"], "list": trial["list"], "n_keys": n,
                "serial_position": place, "cue": column + key, "item": digit + shown, "target": target,
                "update": update[key], "updates": update[key], "probe": probe, "test_type": "recognition"}  # fmt: skip

    rows = [row("study", key, key, shown, digit + shown, "") for key, shown in enumerate(trial["first"], 1)]
    steps: Sequence[tuple[int, int, str]] = tuple(zip(trial["columns"], trial["digits"], trial["probes"], strict=True))
    for place, (key, shown, probe) in enumerate(steps, 1):
        rows.append(row("test", place, key, shown, int(probe == "match"), OLD_OR_NEW[probe]))
        rows.append(row("study", n + place, key, shown, digit + shown, ""))
    return rows


def _n_back(path: Path) -> Parts:
    """Trial by trial: digits are values of their columns; a test asks whether a digit is its column's last one.

    `cue` is the column and `item` the digit; the answer and `target` of a test are items 0 and 1. `probe` is old
    (match), recent (intrusion: the digit that another column has) or new (other mismatches).
    """
    trials = list(probe_parsing.n_back(path))
    rows = [row for trial in trials for row in _n_back_trial(trial)]
    target = np.array([probe == "match" for trial in trials for probe in trial["probes"]])
    right = np.array([each == 1 for trial in trials for each in trial["right"]])
    seconds = np.array([each for trial in trials for each in trial["seconds"]])
    return Parts(design_of(rows), np.array(N_BACK), (target == right).astype(np.int64), seconds)


READERS: Final[Mapping[str, Callable[[Path], Parts]]] = {
    "keep_track_2019": _keep_track,
    "pal1_2024": _cued_recall,
    "fr1_2024": _free_recall,
    "kemp_wahlheim_2021": _changed_pairs,
    "recent_probes_2019": _recent_probes,
    "oberauer_2006": _n_back,
}
