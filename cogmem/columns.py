"""The vocabulary: each column's name, dtype, unit and meaning. Tables use these names for these things."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.trials import Trials


@dataclass(frozen=True)
class Column:
    """One word of the vocabulary: `dtype` is a numpy kind (`float`, `int`, `str`), `unit` is `s`, `count`, `1`, ..."""

    name: str
    dtype: str
    unit: str
    meaning: str


COLUMNS: Final[Mapping[str, Column]] = {
    column.name: column
    for column in (
        Column("participant", "str", "", "who answers; one design holds one person or a population"),
        Column("experiment", "str", "", "experiment of the source the row belongs to"),
        Column("condition", "str", "", "experimental condition, in the source's own words"),
        Column("phase", "str", "", "study or test"),
        Column("learning_phase", "str", "", "training or transfer: which part of the experiment a trial belongs to"),
        Column("test_type", "str", "", "recall, recognition, learning or relearning (the last two: to criterion)"),
        Column("item", "int", "", "row of the design's items that is studied or asked for"),
        Column("cue", "int", "", "row of the design's items shown at test"),
        Column("target", "int", "", "row of the design's items that is the right answer"),
        Column("lure", "int", "", "row of the design's items that a recognition test offers beside the studied one"),
        Column("root", "int", "", "row of the design's items that the chain began with"),
        Column(
            "root_number", "int", "", "number of what the chain began with, from 1, the same for chains of one root"
        ),
        Column("chain", "int", "", "number of the chain of reproductions, from 1"),
        Column("generation", "int", "", "how many reproductions the chain has by then, from 1; 0 is its root"),
        Column("trial", "int", "", "number of the trial within its part of the experiment, or among those of its kind"),
        Column("depth", "int", "count", "steps in which the generator of a sequence was made"),
        Column("generator_units", "int", "count", "chunks that the generator put together to the sequence"),
        Column("generator_nats", "float", "nats", "-ln of the product of the generator's chances of these chunks"),
        Column("list", "int", "", "number of the list or stream within what the participant takes, from 1"),
        Column("update", "int", "", "which value of its key this is, from 1; at test, which one is asked for"),
        Column("block", "int", "", "which list of its stream a row belongs to, from 1; without lists, as update"),
        Column("updates", "int", "count", "how many values the key is given in the stream"),
        Column("forget", "int", "", "1 where an instruction says that earlier values of the key no longer count"),
        Column("element", "int", "", "which part of the item a test asks for, from 0"),
        Column("serial_position", "int", "", "place within the list, from 1"),
        Column("time", "float", "s", "onset since the start of the experiment"),
        Column("retention_interval", "float", "s", "from the last study of the item to its test"),
        Column("list_length", "int", "count", "items of the list"),
        Column("list_kind", "str", "", "what the list is: new, a chunk, pairs, singletons, a filler, repeating"),
        Column("other_kind", "str", "", "list_kind of the other list of the trial"),
        Column("other_length", "int", "count", "items of the other list of the trial"),
        Column("study_order", "int", "", "place of the list among those of the trial when they are studied, from 1"),
        Column("recall_order", "int", "", "place of the list among those of the trial when they are recalled, from 1"),
        Column("n_chunks", "int", "count", "chunks that the list is made of"),
        Column("chunk_position", "int", "", "place within the list where its chunk begins, from 1; 0: it has none"),
        Column("n_pairs", "int", "count", "pairs of the list"),
        Column("context", "int", "", "number of the context that a pair is studied or asked for in, from 1"),
        Column("cue_noise", "float", "1", "length of the noise on the cue, the key's own length being 1"),
        Column("category", "int", "", "number of the category that the item belongs to, from 1"),
        Column("overlap", "float", "1", "share of the features of a studied item (or prototype) that a probe has"),
        Column("n_ratings", "int", "count", "steps of the answer's scale from sure new to sure old; 0: no ratings"),
        Column("attempt", "int", "", "which try at the same pair a test is, from 1"),
        Column("cue_fan", "int", "count", "how many different pairs the cue was studied in"),
        Column("item_fan", "int", "count", "how many different pairs the item shown with the cue was studied in"),
        Column("repetitions", "int", "count", "how often the item was studied"),
        Column("spacing_gap", "float", "s", "between successive studies of the item"),
        Column("spacing_lag", "float", "positions", "between successive studies, in serial positions"),
        Column("study_age", "float", "s", "from each study of the item to the test, one column a study, inf = none"),
        Column("guess", "float", "1", "probability of a right answer without memory"),
        Column(
            "probe",
            "str",
            "",
            "what a test shows: old or new, same or different, recent (not new), rearranged, similar, prototype, "
            "partial, noisy, reordered",
        ),
        Column("correct", "float", "count", "right answers among `trials`"),
        Column("trials", "float", "count", "tests behind `correct`"),
        Column("transposed", "float", "count", "answers that are items of the list, but in another place"),
        Column("edit_correct", "float", "count", "right items by edit distance: those of the list minus the distance"),
        Column("retention", "float", "1", "proportion retained"),
        Column("savings", "float", "1", "(learning - relearning) / learning, may be negative"),
        Column("se", "float", "as y", "standard error of the mean"),
        Column("x", "float", "as the axis", "what the curve is drawn over"),
        Column("y", "float", "as the axis", "the measure: a mean or a proportion"),
        Column("n", "float", "count", "observations behind y"),
        Column("sd", "float", "as y", "standard deviation of one observation (divisor n), so that se = sd / sqrt(n)"),
    )
}


def study_ages(table: Trials) -> NDArray[np.float64]:
    """Return the ages in s of every study at test, oldest first: (rows, studies), inf where a row has fewer.

    Taken from `study_age` where the table has it, else from evenly spaced studies: `repetitions` studies, `spacing_gap`
    apart (0 without the column: massed), the last one `retention_interval` before the test.
    """
    if "study_age" in table:
        ages = np.asarray(table["study_age"], dtype=np.float64)
        return np.where(np.isnan(ages), np.inf, ages)
    repetitions = table.get("repetitions", 1).astype(np.int64)
    gap = table.get("spacing_gap", 0.0).astype(np.float64)
    most = int(repetitions.max(initial=1))
    later = most - 1 - np.arange(most)
    ages = table["retention_interval"].astype(np.float64)[:, None] + gap[:, None] * later
    return np.where(later < repetitions[:, None], ages, np.inf)


DERIVED: Final = {"study_age": (study_ages, ("retention_interval",))}


def require(table: Trials, needs: frozenset[str], *, who: str) -> dict[str, NDArray[Any]]:
    """Return the needed columns, computing those that others determine; UserError names what is missing."""
    found: dict[str, NDArray[Any]] = {}
    for name in sorted(needs):
        derive, sources = DERIVED.get(name, (None, ()))
        if derive is not None and all(source in table for source in sources):
            found[name] = derive(table)
        elif name in table:
            found[name] = table[name]
        else:
            meaning = COLUMNS[name].meaning if name in COLUMNS else "not in the vocabulary"
            raise UserError(
                f"{who} needs the column {name!r} ({meaning}), but the table has only {', '.join(table)}; add it."
            )
    return found
