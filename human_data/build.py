"""Compute the shipped tables from the upstream files: `python -m cogmem.human_data.build --sources DIR [--out DIR]`.

Every number in `tables/` comes from here, so that anybody can see how and compute it again. The files are those of
the registry, in the layout `<sources>/<source folder>/<file>`. The same files give the same bytes.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import io
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from cogmem.errors import UserError
from cogmem.human_data import (
    build_chains,
    build_chunking,
    build_interference,
    build_pairing,
    build_probes,
    build_recognition,
    build_spacing,
    parsing,
    vocabulary,
)
from cogmem.human_data.fetching import verified
from cogmem.human_data.parsing import DROS_INTERVALS, HOUR, MINUTE, Row
from cogmem.human_data.registry import DATASETS, Table, tables_folder

Builder = Callable[[Path], list[Row]]

MURRE: Final = Path("murre-dros-2015", "Ebbinghaus_Replication_Schema_and_Results.xlsx")
FLODEN: Final = Path("floden-2000-brown-peterson", "Floden.BrownPeterson.xlsx")


def murre_savings(sources: Path) -> list[Row]:
    """Return savings and standard errors of the four people at the seven nominal delays (in s).

    Both blocks stand in the sheet "Data fits from Mathematica", the standard errors under the heading SE.
    """
    lines = parsing.sheet(sources / MURRE, "Data fits from Mathematica")
    # Column I holds the delays (in s above, in days below), J to M the four people.
    savings = next(k for k, line in enumerate(lines) if line[8:10] == ("Interval s", "Ebbinghaus"))
    errors = next(k for k, line in enumerate(lines) if line[8:10] == ("SE", "Ebbinghaus"))
    return [
        {
            "participant": str(person).strip(),
            "retention_interval": float(lines[savings + k][8]),
            "savings": lines[savings + k][column],
            "se": lines[errors + k][column],
        }
        for column, person in enumerate(lines[savings][9:13], start=9)
        for k in range(1, len(DROS_INTERVALS) + 1)
    ]


def murre_dros_lists(sources: Path) -> list[Row]:
    """Return Dros's 70 lists: means over the rows learned, times in s, savings by repetitions and by time."""
    return [dros_list(each) for each in parsing.dros_rows(sources / MURRE)]


def dros_list(each: Row) -> Row:
    """Return one list; its numbers are blank where it was never learned (9 hours, list 10)."""
    place = {"participant": "Dros", "list": each["list"], "retention_interval": each["retention_interval"]}
    if not each["pairs"]:
        names = ("learning_repetitions", "relearning_repetitions", "learning_time", "relearning_time")
        return {**place, "n_rows": 0, **dict.fromkeys((*names, "savings", "savings_time"))}
    learning, relearning = np.array(each["pairs"]).mean(axis=0).tolist()
    time, time_again = each["learning_time"], each["relearning_time"]
    return {
        **place,
        "n_rows": len(each["pairs"]),
        "learning_repetitions": learning,
        "relearning_repetitions": relearning,
        "learning_time": time,
        "relearning_time": time_again,
        "savings": (learning - relearning) / learning,
        "savings_time": (time - time_again) / time,
    }


def ebbinghaus_savings(sources: Path) -> list[Row]:
    """Return Ebbinghaus's seven points: nominal and exact delays in s; the standard errors of Murre and Dros."""
    errors = [row["se"] for row in murre_savings(sources) if row["participant"] == "Ebbinghaus"]
    exact = (19 * MINUTE, 63 * MINUTE, 8.75 * HOUR, *list(DROS_INTERVALS.values())[3:])
    path = sources / "ebbinghaus-1885-savings" / "ebbinghaus_retention_data.csv"
    with path.open(newline="", encoding="ascii") as file:
        savings = [float(row["percent_savings"]) / 100 for row in csv.DictReader(file)]
    return [
        {
            "participant": "Ebbinghaus",
            "retention_interval": nominal,
            "retention_interval_exact": actual,
            "savings": value,
            "se": error,
        }
        for nominal, actual, value, error in zip(DROS_INTERVALS.values(), exact, savings, errors, strict=True)
    ]


def mosteller_retention(sources: Path) -> list[Row]:
    """Return the 13 proportions of words recalled; delays in s."""
    path = sources / "mosteller-wordrecall" / "wordrecall.csv"
    with path.open(newline="", encoding="ascii") as file:
        return [
            {"retention_interval": float(row["minutes"]) * MINUTE, "retention": float(row["proportion_recalled"])}
            for row in csv.DictReader(file)
        ]


def floden(sources: Path, names: Sequence[str], experiments: Sequence[str], buffers: bool) -> list[Row]:
    """Return items recalled and items possible, summed over the trials that share the values of `names`."""
    sums: dict[tuple[Any, ...], Row] = {}
    for row in parsing.floden_trials(sources / FLODEN):
        if row["experiment"] not in experiments or (row["retention_interval"] is None and not buffers):
            continue
        key = {name: row[name] for name in names}
        total = sums.setdefault(tuple(key.values()), key | {"correct": 0, "trials": 0})
        total["correct"] += row["correct"]
        total["trials"] += row["trials"]
    return list(sums.values())


def floden_forgetting(sources: Path) -> list[Row]:
    """Return items recalled by each person at each delay (s) of both experiments, without the buffer trials."""
    return floden(sources, ["experiment", "condition", "participant", "retention_interval"], ["E1", "E2"], False)


def floden_build_up(sources: Path) -> list[Row]:
    """Return items recalled on each of the 33 trials of Exp. 2, by age group; trials 1 to 3 are the buffers."""
    return floden(sources, ["condition", "trial", "retention_interval"], ["E2"], True)


BUILDERS: Final[Mapping[tuple[str, str], Builder]] = {
    ("murre_dros_2015", "savings"): murre_savings,
    ("murre_dros_2015", "dros_lists"): murre_dros_lists,
    ("ebbinghaus_1885", "savings"): ebbinghaus_savings,
    ("mosteller_1970", "forgetting"): mosteller_retention,
    ("floden_2000", "forgetting"): floden_forgetting,
    ("floden_2000", "build_up"): floden_build_up,
    ("cepeda_2008", "surface"): build_spacing.cepeda_2008_surface,
    ("cepeda_2009", "forgetting"): build_spacing.cepeda_2009_forgetting,
    ("cepeda_2009", "spacing"): build_spacing.cepeda_2009_spacing,
    ("howard_kahana_2005", "spacing"): build_spacing.howard_kahana_2005,
    ("ricker_2014", "forgetting"): build_spacing.ricker_2014,
    ("lewandowsky_2010", "serial_position"): build_spacing.lewandowsky_2010,
    ("anki_single_learner", "forgetting"): build_spacing.anki_single_learner,
    ("vul_dots", "memory"): build_chains.dots_memory,
    ("vul_dots", "motor_control"): build_chains.dots_motor,
    ("destefano_hues", "generations"): build_chains.hue_generations,
    ("destefano_hues", "errors"): build_chains.hue_errors,
    ("destefano_hues", "shares"): build_chains.hue_shares,
    ("lerique_2017", "sentences"): build_chains.sentence_measures,
    ("keep_track_2019", "answers"): build_interference.keep_track,
    ("keep_track_2019", "halves"): build_interference.keep_track_halves,
    ("pal1_2024", "lists"): build_interference.cued_recall,
    ("pal1_2024", "positions"): build_interference.cued_recall_positions,
    ("pal1_2024", "lags"): build_interference.cued_recall_lags,
    ("fr1_2024", "lists"): build_interference.free_recall,
    ("fr1_2024", "lags"): build_interference.free_recall_lags,
    ("kemp_wahlheim_2021", "pairs"): build_interference.changed_pairs,
    ("dapolito_1966", "recall"): build_interference.joint_recall,
    ("wang_sun_2025", "accuracy"): build_interference.language_models,
    ("recent_probes_2019", "probes"): build_probes.recent_probes,
    ("aue_2017", "pairs"): build_probes.recombined_pairs,
    ("oberauer_2006", "probes"): build_probes.n_back,
    ("bunting_2006", "running_span"): build_probes.running_span,
    ("anderson_1974", "fan"): build_pairing.fan_times,
    ("anderson_1981", "learning"): build_pairing.learning_curve,
    ("buchler_2008", "pairs"): build_pairing.recognised_pairs,
    ("criss_2011", "pairs"): build_pairing.frequency_pairs,
    ("oberauer_kliegl_2006", "digits"): build_pairing.updated_digits,
    ("roc6_2015", "ratings"): build_recognition.collected_ratings,
    ("kantner_lindsay_2010", "ratings"): build_recognition.rated_words,
    ("kantner_lindsay_2014", "ratings"): build_recognition.rated_paintings,
    ("sadeghi_2017", "ratings"): build_recognition.patients_ratings,
    ("reder_2000", "repetitions"): build_recognition.repeated_words,
    ("reder_2000", "lags"): build_recognition.words_by_lag,
    ("visual_ltm_capacity", "forced_choice"): build_recognition.picture_memory,
    ("donkin_nosofsky_2012", "scan"): build_recognition.scanned_lists,
    ("wu_2025_recall", "training"): build_chunking.learned_sequences,
    ("wu_2025_recall", "transfer"): build_chunking.transferred_sequences,
    ("wu_2025_recall", "blocks"): build_chunking.sequence_blocks,
    ("page_2006", "lists"): build_chunking.repeated_lists,
    ("portrat_2016", "acronyms"): build_chunking.acronyms,
    ("farrell_lelievre_2009", "positions"): build_chunking.grouped_lists,
    ("chen_cowan_2009", "chunks"): build_chunking.chunk_capacity,
    ("chen_cowan_2009", "positions"): build_chunking.chunked_positions,
    ("thalmann_2018", "two_lists"): build_chunking.chunk_beside_a_list,
    ("thalmann_2018", "three_lists"): build_chunking.chunk_among_three,
    ("thalmann_2018", "positions"): build_chunking.chunk_among_three_positions,
}


def cell(value: Any) -> str:
    """Return a cell's text: eight significant digits (enough for a year in s, and the same on every machine)."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return value if isinstance(value, str) else f"{value:.8g}"


def natural(text: str) -> tuple[int, float, str]:
    """Return a sort key that puts blanks first, then numbers by value, then words."""
    try:
        return (1, float(text), "") if text else (0, 0.0, "")
    except ValueError:
        return (2, 0.0, text)


def cells(rows: Sequence[Row], table: Table) -> list[list[str]]:
    """Return the cells of a table in the registry's order of columns, rows sorted from the first column on."""
    text = [[cell(row[column.name]) for column in table.columns] for row in rows]
    return sorted(text, key=lambda line: [natural(each) for each in line])


def render(rows: Sequence[Row], table: Table) -> bytes:
    """Return the bytes of a table's CSV file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows(cells(rows, table))
    return buffer.getvalue().encode("utf-8")


def write_tables(sources: Path, out: Path) -> list[str]:
    """Write every table to `out` and return what the registry says otherwise, one sentence a table."""
    for each in DATASETS.values():
        for file in each.files:
            verified(sources / file.folder / file.name, file)
    out.mkdir(parents=True, exist_ok=True)
    differing: list[str] = []
    for (name, part), builder in BUILDERS.items():
        table, rows = DATASETS[name].tables[part], builder(sources)
        content = render(rows, table)
        (out / table.file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        if (digest, len(rows)) != (table.sha256, table.rows):
            differing.append(f'{name}.{part}: the registry needs rows = {len(rows)}, sha256 = "{digest}"')
    content = build_interference.dictionary(sources)
    (out / vocabulary.FILE).write_bytes(content)
    if (digest := hashlib.sha256(content).hexdigest()) != vocabulary.SHA256:
        differing.append(f'vocabulary.py needs SHA256 = "{digest}"')
    return differing


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the tables; return 0 where all is as registered, 1 where hashes differ, 2 where a file is amiss."""
    parser = argparse.ArgumentParser(prog="python -m cogmem.human_data.build", description=write_tables.__doc__)
    parser.add_argument("--sources", type=Path, required=True, help="folder with one folder for each source")
    parser.add_argument("--out", type=Path, default=None, help="where to write (default: the package's own tables)")
    options = parser.parse_args(arguments)
    try:
        differing = write_tables(options.sources, options.out or tables_folder())
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    print("\n".join(differing) or f"{len(BUILDERS)} tables written, all as registered.")
    return 1 if differing else 0


if __name__ == "__main__":
    raise SystemExit(main())
