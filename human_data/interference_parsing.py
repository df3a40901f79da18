"""From upstream files of proactive interference to scored answers: who answered what to which key or list."""

from __future__ import annotations

import ast
import csv
import gzip
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def rows_of(path: Path) -> Iterator[dict[str, str]]:
    """Yield the rows of a CSV file, packed or not."""
    packed = path.suffix == ".gz"
    with gzip.open(path, "rt", newline="", encoding="utf-8") if packed else path.open(newline="") as file:
        yield from csv.DictReader(file)


def keep_track(path: Path) -> list[dict[str, Any]]:
    """Return a row for each category that was asked for: participant, n_keys, trial and the kind of its answer.

    Words are compared without regard to case. Each category has a small set of words of its own, found as those that
    are ever right for it; a wrong one of them is an older value of that category ("same_key"), for the file holds the
    last words alone. Without a word of the category the key is left out ("none").
    """
    trials = [row for row in rows_of(path) if row["exp_stage"] == "test" and row["trial_type"] == "survey-text"]
    lasts = [{key: word.lower() for key, word in ast.literal_eval(row["correct_responses"]).items()} for row in trials]
    words: dict[str, set[str]] = {}
    for each in lasts:
        for key, word in each.items():
            words.setdefault(key, set()).add(word)
    found = []
    for number, (row, last) in enumerate(zip(trials, lasts, strict=True)):
        said = {str(word).strip().lower() for word in ast.literal_eval(row["responses"])}
        for key, word in last.items():
            kind = "right" if word in said else "same_key" if said & words[key] else "none"
            found.append({"participant": row["worker_id"], "n_keys": len(last), "trial": number, "kind": kind})
    return found


PAL1 = {
    "correct": "right",
    "prior_list_intrusion": "prior_list",
    "intra_list_intrusion": "same_list",
    "extra_list_intrusion": "unseen",
    "no_response": "none",
}


def cued_recall(path: Path) -> list[dict[str, Any]]:
    """Return a row a test of a pair: participant, session, list, the kind of the answer, and how many lists back."""
    return [
        {"participant": row["subject"], "session": row["session"], "list": int(row["list"]),
         "kind": PAL1[row["outcome"]], "lag": int(float(row["prior_list_lag"])) if row["prior_list_lag"] else 0}
        for row in rows_of(path)
    ]  # fmt: skip


def free_recall(path: Path) -> list[dict[str, Any]]:
    """Return a row a list: participant, session, list, words recalled, prior-list intrusions by how many lists back.

    `recalled` counts a word once, `said` as often as it was said, as `lags` do: an intrusion is a word that was last
    studied in an earlier list of the session, each time that it is said.
    """
    studied: dict[tuple[str, str], dict[str, list[int]]] = {}
    lists: dict[tuple[str, str, int], tuple[set[str], list[str]]] = {}
    for row in rows_of(path):
        who, number = (row["subject"], row["session"]), int(row["list"])
        shown, said = lists.setdefault((*who, number), (set(), []))
        if row["trial_type"] == "study":
            shown.add(row["item"])
            studied.setdefault(who, {}).setdefault(row["item"], []).append(number)
        else:
            said.append(row["item"])
    found = []
    for (subject, session, number), (shown, said) in lists.items():
        before = studied.get((subject, session), {})
        lags = [number - max(earlier) for word in said if word not in shown
                and (earlier := [k for k in before.get(word, []) if k < number])]  # fmt: skip
        found.append({"participant": subject, "session": session, "list": number, "words": len(shown),
                      "recalled": len(shown & set(said)), "said": sum(word in shown for word in said),
                      "lags": Counter(lags)})  # fmt: skip
    return found


def changed_pairs(path: Path) -> list[dict[str, Any]]:
    """Return a row a test of Kemp & Wahlheim: participant, group, item type, change noticed, recalled, and the kind.

    Two participants are left out, as by the authors. `noticed`: the person said that the pair had changed and recalled
    its first form ("recollected"), said so without recalling it ("noticed"), or did not say so ("not_noticed").
    """
    found = []
    for row in rows_of(path):
        if row["Subject"] in ("111", "112"):
            continue
        answer = row["TestItem.RESP"].strip().lower()
        right, old = answer == row["Target"].strip().lower(), answer == row["Alternate"].strip().lower()
        said = row["CR.RESP"] == "1"
        first = row["OtherResp.RESP"].strip().lower() == row["Alternate"].strip().lower()
        noticed = "recollected" if said and first else "noticed" if said else "not_noticed"
        found.append({"participant": row["Subject"], "group": row["AgeGroup"].lower(), "item_type": row["ItemType"],
                      "noticed": noticed, "kind": "right" if right else "first_list" if old else "other"})  # fmt: skip
    return found
