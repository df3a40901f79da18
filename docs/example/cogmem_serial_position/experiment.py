"""A list of words, and recall of all of them at once, in any order (Murdock, 1962)."""

from dataclasses import dataclass

import numpy as np

from cogmem import Measure, Paradigm, Record, Trials, UserError


@dataclass(frozen=True)
class SerialPositionSettings:
    """`n_lists` lists of `list_length` words each, one every `seconds_per_item` s; recall follows the last at once."""

    n_lists: int = 20
    list_length: int = 20
    seconds_per_item: float = 1.0

    def __post_init__(self) -> None:
        if self.n_lists < 1 or self.list_length < 1 or not self.seconds_per_item > 0:
            raise UserError("serial_position_curve needs lists, words on them, and more than 0 s for each.")


def build(settings: SerialPositionSettings, rng: np.random.Generator) -> tuple[Trials, np.ndarray]:
    """Return study and test rows in the order of time, and the words: here numbers, in a random order."""
    n, length = settings.n_lists, settings.list_length
    position = np.tile(np.arange(1, length + 1), n)
    lists = np.repeat(np.arange(1, n + 1), length)
    item = rng.permutation(n * length)
    until_recall = (length - position) * settings.seconds_per_item
    begun = (lists - 1) * length * settings.seconds_per_item
    rows = {
        "participant": np.full(n * length, "p001"), "list": lists, "item": item, "serial_position": position,
        "list_length": np.full(n * length, length),
    }  # fmt: skip
    study = {**rows, "phase": np.full(n * length, "study"), "time": begun + (position - 1) * settings.seconds_per_item,
             "retention_interval": np.zeros(n * length)}  # fmt: skip
    test = {**rows, "phase": np.full(n * length, "test"), "time": begun + length * settings.seconds_per_item,
            "retention_interval": until_recall}  # fmt: skip
    both = {name: np.concatenate([study[name], test[name]]) for name in study}
    both["test_type"] = np.repeat(["none", "recall"], n * length)
    trials = Trials(both)
    return trials.where(np.lexsort((trials["phase"] == "test", trials["list"]))), np.arange(n * length)


def recalled(record: Record) -> Trials:
    """Return the proportion recalled at each place of the list."""
    tests, right = record.design.tests, record.right
    rows = []
    for place in np.unique(tests["serial_position"]):
        own = right[tests["serial_position"] == place]
        rows.append((place, own.mean(), len(own), own.std(), own.sum()))
    x, y, n, sd, correct = (np.array(column, dtype=float) for column in zip(*rows, strict=True))
    length = np.full(len(x), float(tests["list_length"][0]))
    return Trials({"x": x, "y": y, "n": n, "sd": sd, "correct": correct, "serial_position": x, "list_length": length})


by_place = Measure("recall", "Serial position", "Proportion recalled", recalled)
serial_position_curve = Paradigm(
    "serial_position_curve", 1, "Murdock (1962)", SerialPositionSettings, build, (by_place,)
)
