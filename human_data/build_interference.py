"""Tables of proactive interference: answers to keys and lists that were given new values again and again."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from cogmem.human_data import interference_parsing as parsing
from cogmem.human_data.parsing import Row

KEEP_TRACK: Final = Path("sro-keep-track") / "keep_track.csv.gz"
PAL1: Final = Path("ram-pal1-cued-recall") / "pal1_cued_recall.csv.gz"
FR1: Final = Path("ram-fr1-free-recall") / "fr1_free_recall.csv.gz"
KEMP: Final = Path("kemp-wahlheim-ab-ad") / "1911_Test_data.csv"
DAPOLITO: Final = Path("dapolito-proact") / "proact.csv"
MODELS: Final = Path("pi-llm-model-accuracy") / "pi_llm_accuracy.csv"
DICTIONARY: Final = Path("pi-llm-model-accuracy") / "dict_category_double-word_46-400_v1-1.json"
CUED_KINDS: Final = {"right": "correct", "prior_list": "prior_list", "same_list": "same_list", "unseen": "unseen",
                     "none": "omitted"}  # fmt: skip
LISTS: Final = 25
"""Lists of a session of PAL1; a single one had fifty."""
PRACTISED: Final = 10
"""Gradients of lags are of lists after this one, so that ten lists back is a list there was."""


def counted(rows: Iterable[Mapping[str, Any]], by: tuple[str, ...], kinds: Mapping[str, str]) -> list[Row]:
    """Return a row for each value of `by` with how often each kind came, in the columns that `kinds` names."""
    found: dict[tuple[Any, ...], Counter[str]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in by), Counter())[row["kind"]] += 1
    return [
        {**dict(zip(by, key, strict=True)), **{column: counts[kind] for kind, column in kinds.items()},
         "trials": sum(counts.values())}
        for key, counts in sorted(found.items())
    ]  # fmt: skip


def keep_track(sources: Path, by: tuple[str, ...] = ("participant", "n_keys")) -> list[Row]:
    """Return answers by person and number of keys."""
    kinds = {"right": "correct", "same_key": "same_key", "none": "omitted"}
    return counted(parsing.keep_track(sources / KEEP_TRACK), by, kinds)


def keep_track_halves(sources: Path) -> list[Row]:
    """Return answers by person, number of keys and half of the person's trials with so many keys."""
    return keep_track(sources, ("participant", "n_keys", "half"))


def cued_recall(sources: Path) -> list[Row]:
    """Return answers by person and list."""
    return counted(parsing.cued_recall(sources / PAL1), ("participant", "list"), CUED_KINDS)


def cued_recall_positions(sources: Path) -> list[Row]:
    """Return answers by person, list and the pair's place in the list, of the 25 lists that sessions have.

    A word of no list counts as none: no model has such words.
    """
    by = ("participant", "list", "serial_position")
    kinds = {kind: column for kind, column in CUED_KINDS.items() if kind != "unseen"}
    tests = (
        {**row, "serial_position": row["study_position"], "kind": "none" if row["kind"] == "unseen" else row["kind"]}
        for row in parsing.cued_recall(sources / PAL1)
    )
    return counted((row for row in tests if row["list"] <= LISTS), by, kinds)


def _gradient(lags: Counter[int], most: int = 20) -> list[Row]:
    """Return how many of the intrusions came from each number of lists back."""
    total = sum(lags.values())
    return [{"lag": lag, "correct": lags[lag], "trials": total} for lag in range(1, most + 1)]


def cued_recall_lags(sources: Path) -> list[Row]:
    """Return prior-list intrusions by lists back, of lists after the tenth."""
    rows = parsing.cued_recall(sources / PAL1)
    return _gradient(Counter(row["lag"] for row in rows if row["kind"] == "prior_list" and row["list"] > PRACTISED))


def free_recall(sources: Path) -> list[Row]:
    """Return recall and intrusions by list, all people together."""
    totals: dict[int, Counter[str]] = {}
    for row in parsing.free_recall(sources / FR1):
        counts = totals.setdefault(row["list"], Counter())
        counts.update({"lists": 1, "correct": row["recalled"], "trials": row["words"], "said": row["said"]})
        counts["prior_list"] += sum(row["lags"].values())
    names = ("lists", "correct", "said", "prior_list", "trials")
    return [{"list": number, **{name: totals[number][name] for name in names}} for number in sorted(totals)]


def free_recall_lags(sources: Path) -> list[Row]:
    """Return prior-list intrusions by lists back, of lists after the tenth."""
    lags: Counter[int] = Counter()
    for row in parsing.free_recall(sources / FR1):
        if row["list"] > PRACTISED:
            lags.update(row["lags"])
    return _gradient(lags)


def changed_pairs(sources: Path) -> list[Row]:
    """Return answers by person, type of pair and whether its change was noticed."""
    rows = [{**row, "condition": row["group"]} for row in parsing.changed_pairs(sources / KEMP)]
    kinds = {"right": "correct", "first_list": "prior_list", "other": "other"}
    return counted(rows, ("participant", "condition", "pair_type", "noticed"), kinds)


def joint_recall(sources: Path) -> list[Row]:
    """Return how often C, B, both or neither were recalled after A-B had been studied once to three times."""
    found: dict[tuple[int, int], dict[str, int]] = {}
    with (sources / DAPOLITO).open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file):
            found.setdefault((int(row["test"]), int(row["abpres"])), {})[row["resp"]] = round(float(row["freq"]))
    return [
        {"test": test, "repetitions": times, "correct": n["BC"] + n["bC"], "both": n["BC"], "only_first": n["Bc"],
         "only_last": n["bC"], "neither": n["bc"], "trials": sum(n.values())}
        for (test, times), n in sorted(found.items())
    ]  # fmt: skip


def language_models(sources: Path) -> list[Row]:
    """Return the published accuracy of each language model by number of updates. These are not people."""
    with (sources / MODELS).open(newline="", encoding="utf-8") as file:
        return [
            {"participant": row["model"], "updates": int(row["n_updates_per_key"]), "retention": float(row["accuracy"])}
            for row in csv.DictReader(file)
        ]


def dictionary(sources: Path) -> bytes:
    """Return the bytes of the file of words: category and word, in the order of the dictionary."""
    content: dict[str, list[str]] = json.loads((sources / DICTIONARY).read_text(encoding="utf-8"))
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["category", "word"])
    writer.writerows((category, word) for category, words in content.items() for word in words)
    return buffer.getvalue().encode("utf-8")
