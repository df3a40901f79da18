"""From upstream files of chunking to scored recall: sequences learned by heart, known chunks, groups, repeated lists.

Rows of recalled items tell `kind`: right (in its place), transposed (an item of the list, in another place), unseen
(of no list), wrong (that or no answer) or none; `seconds` are from the answer before, or from the start of recall.
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from cogmem.human_data.interference_parsing import rows_of
from cogmem.human_data.parsing import Row, sheet

WU_KEYS: Final = 12
"""Keys of a sequence of Wu et al."""
WU_GROUPS: Final = {"ind": "fixed", "m1": "variable"}
WU_PHASES: Final = {"train": "training", "test": "transfer"}
PAGE_LISTS: Final = {"FillA": "filler_a", "FillB": "filler_b", "HebbEffect": "repeating"}
PAGE_SPEECH: Final = {"ns": ("silent", 8), "su": ("suppression", 5)}
"""Condition, and items of a list: the shares of the file are all eighths or all fifths."""
PAGE_TRIALS: Final = 16
PORTRAT_PACES: Final = {"S": "slow", "F": "fast"}
PORTRAT_ITEMS: Final = 7
PORTRAT_LISTS: Final = 3
"""Lists behind a mean of Portrat et al.: all means are thirds."""
FARRELL_ITEMS: Final = 8
FARRELL_CONDITIONS: Final = {"0": "ungrouped", "1": "grouped"}
CHEN_GROUPS: Final = {"2": "silent", "4": "suppression", "No-Suppression": "silent", "Suppression": "suppression"}
"""Conditions of Chen & Cowan, between people, by their names in either of the two files."""
CHEN_KINDS: Final = {"n": "new", "s": "singletons", "p": "pairs"}
THALMANN_KINDS: Final = {"10": "chunk", "3": "new", "1": "singleton"}
THALMANN_CONDITIONS: Final = {"1": "singleton_1", "2": "singleton_3", "3": "new", "4": "chunk_1", "5": "chunk_3"}
"""What a trial has beside new lists, and at which place; the codes of Exps 2, 3 and the control."""
BLANK: Final = "999"
"""Fills the cells of items that a list does not have."""


def _whole(share: str, n: int) -> int:
    """Return the count that is this share of `n` (or the sum of which this is the mean), rounded as in the file."""
    return round(float(share) * n)


def wu_2025_recall(path: Path) -> Iterator[Row]:
    """Yield a row a sequence: who, group, phase, trial within it, keys right in place and by edit distance, seconds.

    Groups are those of the training, for in transfer everybody has sequences of the variable kind. The file's
    levinsteinacc is 1 - d / 12, d being the Levenshtein distance between the keys shown and those pressed.
    """
    for row in rows_of(path):
        yield {"participant": row["ID"], "condition": WU_GROUPS[row["traincondition"]],
               "learning_phase": WU_PHASES[row["blockcollect"]], "trial": int(row["trialcollect"]),
               "correct": _whole(row["correctcollect"], WU_KEYS), "edit_correct": _whole(row["levinsteinacc"], WU_KEYS),
               "trials": WU_KEYS, "seconds": float(row["timecollect"]) / 1000}  # fmt: skip


def page_2006(path: Path) -> Iterator[Row]:
    """Yield a row a list: who, condition, kind of list, its number among those of the kind, right of how many items."""
    with path.open(newline="", encoding="ascii") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            condition, length = PAGE_SPEECH[row["sup/nosup"]]
            for trial in range(1, PAGE_TRIALS + 1):
                yield {"participant": row["sub"], "condition": condition, "list_kind": PAGE_LISTS[row["condition"]],
                       "trial": trial, "correct": _whole(row[str(trial)], length), "trials": length}  # fmt: skip


def portrat_2016(path: Path) -> Iterator[Row]:
    """Yield a row a person and condition: who, pace, where the acronym begins (0: none), items recalled of how many."""
    with path.open(encoding="ascii") as file:
        _, *conditions = next(file).split()
        for line in file:
            who, *means = line.split()
            for name, recalled in zip(conditions, means, strict=True):
                yield {"participant": who, "condition": PORTRAT_PACES[name[0]], "chunk_position": int(name[1:]),
                       "correct": _whole(recalled, PORTRAT_LISTS),
                       "trials": PORTRAT_LISTS * PORTRAT_ITEMS}  # fmt: skip


def _place_kind(said: int, place: int, nothing: int) -> str:
    """Return the kind of an answer at a place that is the list's item of the place `said`; below 1 it is none of it."""
    if said > 0:
        return "right" if said == place else "transposed"
    return "none" if said == nothing else "unseen"


def farrell_lelievre_2009(path: Path) -> Iterator[Row]:
    """Yield a row an answer: who, condition, list, place, the answer (below 1: no item of the list), kind, seconds.

    Answers are the place in the list of the item that was said; -9 is an item of no list. Of -1, which comes twice, the
    source does not tell the meaning: it is no answer here.
    """
    for line in path.read_text(encoding="ascii").splitlines():
        who, number, condition, *answers = line.split()
        for place in range(1, FARRELL_ITEMS + 1):
            said, milliseconds = answers[place - 1], answers[FARRELL_ITEMS + place - 1]
            yield {"participant": who, "condition": FARRELL_CONDITIONS[condition], "list": int(number),
                   "serial_position": place, "answer": int(said),
                   "kind": _place_kind(int(said), place, nothing=-1),
                   "seconds": float(milliseconds) / 1000}  # fmt: skip


def _chen_list(who: object, group: object, name: str) -> Row:
    """Return the columns that tell the person and the list; a name is the number of chunks and the kind: 12n or 6p."""
    condition, n_chunks = CHEN_GROUPS[str(group)], int(name[:-1])
    return {"participant": f"{condition}-{who}", "condition": condition, "list_kind": CHEN_KINDS[name[-1]],
            "list_length": n_chunks * (2 if name[-1] == "p" else 1), "n_chunks": n_chunks}  # fmt: skip


def chen_cowan_chunks(path: Path) -> Iterator[Row]:
    """Yield a row a list: who, condition, kind, words and chunks of it, chunks recalled (the authors' count)."""
    (_, _, *names), *lines = sheet(path, "Sheet1")
    for group, who, *recalled in lines:
        for name, correct in zip(names, recalled, strict=True):
            yield {**_chen_list(who, group, name.removesuffix("_Chks")), "correct": correct}


def chen_cowan_answers(path: Path) -> Iterator[Row]:
    """Yield a row a place of a list: who, condition, kind, words and chunks of the list, its number, place, the answer.

    The answer is the place in the list of the word that was said. That 0 is no answer and -1 another
    word is a reading of the numbers: the file's description was not at hand. Places are counted here, for in four lists
    the file counts on from an earlier list.
    """
    taken = Counter[tuple[str, object, str]]()
    _, *lines = sheet(path, "SerialRecall_Simplified")
    for group, who, _, number, name, _, _, said in lines:
        taken[group, who, name] += 1
        place = taken[group, who, name]
        yield {**_chen_list(who, group, name), "list": number, "serial_position": place, "answer": int(said),
               "kind": _place_kind(int(said), place, nothing=0)}  # fmt: skip


def _lines(path: Path) -> list[list[str]]:
    """Return the cells of the lines that are not empty."""
    return [cells for line in path.read_text(encoding="ascii").splitlines() if (cells := line.split())]


def _items(cells: list[str], start: int, n: int, of_list: Row) -> Iterator[Row]:
    """Yield a row an item of a list: `n` scores in place from `start` on, then as many times in s and free scores.

    The place is that of the file's column, which is not 1 for all single items.
    """
    for k in range(n):
        in_place, seconds, anywhere = cells[start + k], cells[start + n + k], cells[start + 2 * n + k]
        if in_place != BLANK:
            kind = "right" if in_place == "1" else "transposed" if anywhere == "1" else "wrong"
            yield {**of_list, "serial_position": k + 1, "kind": kind, "seconds": float(seconds)}


def thalmann_two_lists(path: Path) -> Iterator[Row]:
    """Yield a row an item of Exp. 1, two lists a trial: who, the list's kind and length, the other's, orders, answer.

    Where the file has the list shown second first, its order of recall is the other list's (the authors' script, which
    puts this right too): with it the list recalled first is recalled better and begins later.
    """
    lines = _lines(path)
    for pair in zip(lines[::2], lines[1::2], strict=True):
        recalled = [cells[8] for cells in pair]
        for cells, order in zip(pair, recalled[::-1] if pair[0][7] == "2" else recalled, strict=True):
            kind, other = ("chunk" if cell == "1" else "new" for cell in cells[3:5])
            yield from _items(cells, 9, 4, {
                "participant": cells[0], "trial": int(cells[2]), "list_kind": kind, "other_kind": other,
                "list_length": int(cells[5]), "other_length": int(cells[6]),
                "study_order": int(cells[7]), "recall_order": int(order),
            })  # fmt: skip


def _of_three(
    experiment: str, who: str, trial: str, condition: str, kind: str, study_order: str, recall_order: str
) -> Row:
    """Return the columns that tell a list among three."""
    return {"experiment": experiment, "participant": f"{experiment}-{who}", "trial": int(trial), "condition": condition,
            "list_kind": kind, "study_order": int(study_order), "recall_order": int(recall_order)}  # fmt: skip


def thalmann_three_lists(path: Path, experiment: str) -> Iterator[Row]:
    """Yield a row an item of Exps 2, 3 or the control: who, what the trial has, the list's kind and orders, answer."""
    for cells in _lines(path):
        who, trial, study_order, kind, _, recall_order, condition = cells[:7]
        told = THALMANN_CONDITIONS[condition], THALMANN_KINDS[kind]
        of_list = _of_three(experiment, who, trial, *told, study_order, recall_order)
        yield from _items(cells, 7, 3, of_list)


def thalmann_fourth(path: Path, experiment: str = "E4") -> Iterator[Row]:
    """Yield a row an item of Exp. 4, where any of the lists may be a chunk: what `thalmann_three_lists` has."""
    for cells in _lines(path):
        who, trial, chunk, study_order, kind, _, recall_order, place = cells[:8]
        told = f"chunk_{place}" if chunk == "1" else "new", "chunk" if kind == "1" else "new"
        of_list = _of_three(experiment, who, trial, *told, study_order, recall_order)
        yield from _items(cells, 8, 3, of_list)
