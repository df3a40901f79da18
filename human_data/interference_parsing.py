"""From upstream files of proactive interference to scored answers: who answered what to which key or list."""

from __future__ import annotations

import ast
import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, packed or not."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", newline="", encoding="utf-8") if packed else path.open(newline="") as file:
        yield from csv.DictReader(file)


def keep_track(path: Path) -> list[dict[str, Any]]:
    """Return a row for each category that was asked for: who, n_keys, list, half, key, last, answer and its kind.

    Words are compared without regard to case. Each category has a small set of words of its own, found as those that
    are ever right for it; a wrong one of them is an older value of that category ("same_key"), for the file holds the
    last words alone. Without a word of the category the key is left out ("none", the answer is ""). `list` numbers a
    person's trials from 1; `half` is 1 for the first, third, ... of the person's trials with so many keys, else 2.
    """
    trials = [row for row in rows_of(path) if row["exp_stage"] == "test" and row["trial_type"] == "survey-text"]
    lasts = [{key: word.lower() for key, word in ast.literal_eval(row["correct_responses"]).items()} for row in trials]
    words: dict[str, set[str]] = {}
    for each in lasts:
        for key, word in each.items():
            words.setdefault(key, set()).add(word)
    found, taken = [], Counter[tuple[str, int]]()
    for row, last in zip(trials, lasts, strict=True):
        who, n = row["worker_id"], len(last)
        taken.update([(who, 0), (who, n)])
        place = {"list": taken[who, 0], "half": 2 - taken[who, n] % 2}
        said = [str(word).strip().lower() for word in ast.literal_eval(row["responses"])]
        for key, word in last.items():
            older = next((each for each in said if each in words[key]), "")
            kind, answer = ("right", word) if word in said else ("same_key" if older else "none", older)
            found.append({"participant": who, "n_keys": n, **place, "key": key, "last": word,
                          "answer": answer, "kind": kind})  # fmt: skip
    return found


PAL1 = {
    "correct": "right",
    "prior_list_intrusion": "prior_list",
    "intra_list_intrusion": "same_list",
    "extra_list_intrusion": "unseen",
    "no_response": "none",
}


def cued_recall(path: Path) -> list[dict[str, Any]]:
    """Return a row a test of a pair: who, list, places, words, the kind of the answer, and how many lists back.

    `pair` is (first word, second word) as studied; the cue of a backward test is the second. `seconds` is NaN without
    an answer.
    """
    found = []
    for row in rows_of(path):
        shown = (row["cue"], row["target"])
        found.append({"participant": row["subject"], "session": row["session"], "list": int(row["list"]),
                      "study_position": int(row["study_position"]), "test_position": int(row["test_position"]),
                      "cue": row["cue"], "target": row["target"], "answer": row["response"],
                      "pair": shown if row["cue_direction"] == "forward" else shown[::-1],
                      "kind": PAL1[row["outcome"]], "seconds": float(row["response_time_s"] or "nan"),
                      "lag": int(float(row["prior_list_lag"] or 0))})  # fmt: skip
    return found


def recall_lists(path: Path) -> list[dict[str, Any]]:
    """Return a row a list: participant, session, list, the words shown in order, and the words said in order."""
    lists: dict[tuple[str, str, int], tuple[list[str], list[str]]] = {}
    for row in rows_of(path):
        shown, said = lists.setdefault((row["subject"], row["session"], int(row["list"])), ([], []))
        (shown if row["trial_type"] == "study" else said).append(row["item"])
    names = ("participant", "session", "list", "shown", "said")
    return [dict(zip(names, (*key, *words), strict=True)) for key, words in lists.items()]


def free_recall(path: Path) -> list[dict[str, Any]]:
    """Return a row a list: participant, session, list, words recalled, prior-list intrusions by how many lists back.

    `recalled` counts a word once, `said` as often as it was said, as `lags` do: an intrusion is a word that was last
    studied in an earlier list of the session, each time that it is said.
    """
    lists = recall_lists(path)
    studied: dict[tuple[str, str, str], list[int]] = {}
    for row in lists:
        for word in row["shown"]:
            studied.setdefault((row["participant"], row["session"], word), []).append(row["list"])
    found = []
    for row in lists:
        who, number, shown, said = (row["participant"], row["session"]), row["list"], set(row["shown"]), row["said"]
        lags = [number - max(earlier) for word in said if word not in shown
                and (earlier := [k for k in studied.get((*who, word), []) if k < number])]  # fmt: skip
        found.append({"participant": who[0], "session": who[1], "list": number, "words": len(shown),
                      "recalled": len(shown & set(said)), "said": sum(word in shown for word in said),
                      "lags": Counter(lags)})  # fmt: skip
    return found


PAIR_TYPES: Final = ("AB_AB", "AB_CD", "AB_AD", "AB_AD_Test", "AB_AD_Test_FB")
"""The item types of Kemp and Wahlheim; a pair_type is the place here, from 1."""


def changed_pairs(path: Path) -> list[dict[str, Any]]:
    """Return a row a test of Kemp & Wahlheim: who, group, item type, change noticed, words, answer and its kind.

    Two participants are left out, as by the authors. `noticed`: the person said that the pair had changed and recalled
    its first form ("recollected"), said so without recalling it ("noticed"), or did not say so ("not_noticed").
    `first` is the other word of the pair: the first list's where it changed, else one that was never shown.
    """
    found = []
    for row in rows_of(path):
        if row["Subject"] in ("111", "112"):
            continue
        names = ("Cue", "Target", "Alternate", "TestItem.RESP", "OtherResp.RESP")
        cue, target, first, answer, recollected = (row[name].strip().lower() for name in names)
        kind = "right" if answer == target else "first_list" if answer == first else "other"
        said = row["CR.RESP"] == "1"
        noticed = "recollected" if said and recollected == first else "noticed" if said else "not_noticed"
        found.append({"participant": row["Subject"], "group": row["AgeGroup"].lower(), "item_type": row["ItemType"],
                      "pair_type": PAIR_TYPES.index(row["ItemType"]) + 1, "noticed": noticed, "cue": cue,
                      "target": target, "first": first, "answer": answer, "kind": kind})  # fmt: skip
    return found
