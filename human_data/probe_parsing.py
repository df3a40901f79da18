"""From upstream files of probes, recombined pairs and running span to scored answers."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from cogmem.human_data import xls
from cogmem.human_data.interference_parsing import rows_of
from cogmem.human_data.parsing import Row

YES: Final = "37.0"
"""The key of a yes; the file codes none as -1."""
AUE: Final = {"nCorr": "right", "NoRec": "none", "Incorr": "wrong"}
RUNNING_LISTS: Final = 10
"""Lists of each kind: all proportions of the file are tenths."""
PROBES: Final = 20
"""Probes in a trial of the n-back task."""


def recent_probes(path: Path) -> Iterator[Row]:
    """Yield a row a test trial: who, list, letters, letter asked for, old, recent, answer (1 yes, 0 no, -1), seconds.

    `list` numbers a person's 72 trials from 1. `recent` (the letter was in the trial before) is the file's own label,
    which calls the first trial of each of the three blocks not recent.
    """
    taken = Counter[str]()
    for row in rows_of(path):
        if row["exp_stage"] != "test":
            continue
        who, key = row["worker_id"], row["key_press"]
        taken[who] += 1
        answer = -1 if float(key) < 0 else int(key == YES)
        old = row["probeType"].endswith("pos")
        seconds = int(row["rt"]) / 1000 if answer >= 0 else float("nan")
        kind = "none" if answer < 0 else "right" if answer == old else "wrong"
        yield {"participant": who, "list": taken[who], "letters": ast.literal_eval(row["stim"]),
               "letter": row["probe_letter"], "old": int(old), "recent": int(row["probeType"].startswith("rec")),
               "answer": answer, "kind": kind, "seconds": seconds}  # fmt: skip


def recombined_pairs(path: Path) -> Iterator[Row]:
    """Yield a row a test of Aue et al.: participant, recombined (1 A-Br, 0 control) and the kind of the answer."""
    for row in rows_of(path):
        kind = next(AUE[name] for name in AUE if row[name] == "1")
        yield {"participant": row["Ssn"], "recombined": int(row["Cond"] == "1"), "kind": kind}


def n_back(path: Path) -> Iterator[Row]:
    """Yield a row a trial: participant, list, n_keys, first digits, and columns, digits, probes, right, s of 20 probes.

    A probe asks whether the digit is the one that its column (from 1) had last; it takes that digit's place. Probes are
    match, mismatch, or intrusion: the digit that another column has, unless that column still has its first digit.
    `list` numbers a person's trials from 1.
    """
    taken = Counter[str]()
    with path.open(encoding="ascii") as file:
        for line in file:
            who, *rest = line.split()
            cells = [int(cell) for cell in rest]
            taken[who] += 1
            n_keys, blocks = cells[2], [cells[k : k + PROBES] for k in range(8, len(cells), PROBES)]
            # Blocks: digits, place (column and row, two blocks), switch, distance, type, intrusion, lag, ms, right.
            digits, place = blocks[0], blocks[1] + blocks[2]
            types, intrusions, milliseconds, right = blocks[5], blocks[6], blocks[8], blocks[9]
            probes = ["match" if one == 1 else "intrusion" if lure else "mismatch"
                      for one, lure in zip(types, intrusions, strict=True)]  # fmt: skip
            yield {"participant": who, "list": taken[who], "n_keys": n_keys, "first": cells[3 : 3 + n_keys],
                   "columns": place[::2], "digits": digits, "probes": probes, "right": right,
                   "seconds": [each / 1000 for each in milliseconds]}  # fmt: skip


def running_span(path: Path) -> Iterator[dict[str, Any]]:
    """Yield participant, condition (fast, slow), n_asked, from_end (1: the last) and correct of RUNNING_LISTS lists."""
    head, *lines = xls.sheet(path, "Data")
    for line in lines:
        row = dict(zip(head, line, strict=True))
        for name, share in row.items():
            if match := re.fullmatch(r"([fs])(\d)sp(\d)_ac", name):
                speed, asked, place = match.groups()
                yield {"participant": f"{row['Subject']:g}", "condition": {"f": "fast", "s": "slow"}[speed],
                       "n_asked": int(asked), "from_end": int(place),
                       "correct": round(share * RUNNING_LISTS)}  # fmt: skip
