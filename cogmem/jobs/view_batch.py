"""Rest between repetitions: as many exposures for every item, some at once and then a rest as many times as long.

"Do Your Best and Get Enough Rest for Continual Learning" (CVPR 2025, arXiv 2503.18371): a batch of B holds V views of
each of B / V samples, so the interval at which a sample comes back is V times as long and the number of exposures is
the same. Here the views are exact repetitions, so that nothing but the schedule differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Curve, Design
from cogmem.materials import Language
from cogmem.studies import Study
from cogmem.subjects.network import Network
from cogmem.trials import Trials, concatenate, from_rows

# A network's interval is a number of updates; on paper one update is one minute, so that equations which carry a unit
# of time read the same numbers that the axis shows.
UPDATE: Final = 60.0
VIEWS: Final = (1, 2, 4, 8)
EXPOSURES: Final = 24
BATCH: Final = 8
REST: Final = 1
RETENTION: Final = (5, 10, 20, 50)
ELEMENTS: Final = 8

# An item of V views returns after V steps; a step is REST updates of new strings and an update of each schedule.
STEP: Final = REST + len(VIEWS)


def design(*, population: int, seed: int) -> Design:
    """Return the design: BATCH items for each V of VIEWS, EXPOSURES each, tested RETENTION updates after their last.

    In every step each schedule has one update of BATCH places: the items that are due, V times each. The last visits
    of its items fall on BATCH successive steps, the same ones for each V, and the order of the four updates changes
    from step to step: so what fills a retention interval is alike for all V. Which items get which V is a Latin square
    over the members. Rows are participants x (studies and tests), times in s, an update of new strings being 60 s.
    """
    language = Language()
    settings = {
        "n_participants": population, "n_elements": ELEMENTS, "views": VIEWS, "exposures": EXPOSURES, "batch": BATCH,
        "rest": REST, "retention": RETENTION, "update": UPDATE, "language": asdict(language),
    }  # fmt: skip
    n_items = len(VIEWS) * BATCH
    people = []
    for member in range(population):
        parts = [part for place in range(len(VIEWS)) for part in _schedule(place, (place + member) % len(VIEWS))]
        one = concatenate([Trials(part) for part in parts])
        one = one.with_columns({"participant": np.full(len(one), f"p{member + 1:03d}")})
        people.append(one.where(np.argsort(one["time"], kind="stable")))
    strings = language.strings(2 * n_items, np.random.default_rng(seed))
    return Design("view_batch", 1, settings, seed, concatenate(people), strings)


def _schedule(place: int, group: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of one schedule, V = VIEWS[place], for the items of a group: studies, then tests."""
    views = VIEWS[place]
    visit = np.arange(EXPOSURES // views) * views
    for number in range(BATCH):
        steps = EXPOSURES - 1 + number - visit[::-1]
        times = np.repeat(REST * UPDATE * steps + (place + steps) % len(VIEWS), views)
        item = group * BATCH + number
        yield _rows("study", item, views, times, np.zeros(len(times)), np.zeros(len(times), np.int64))
        delays = np.repeat(np.asarray(RETENTION) * UPDATE, ELEMENTS)
        yield _rows("test", item, views, times[-1] + delays, delays, np.tile(np.arange(ELEMENTS), len(RETENTION)))


def _rows(
    phase: str, item: int, views: int, times: NDArray[Any], delays: NDArray[Any], elements: NDArray[Any]
) -> dict[str, Any]:
    constant = {
        "phase": phase, "item": item, "repetitions": EXPOSURES, "spacing_gap": views * REST * UPDATE,
        "test_type": "recall" if phase == "test" else "none", "lure": item + len(VIEWS) * BATCH, "guess": 0.0,
    }  # fmt: skip
    rows = {name: np.full(len(times), value) for name, value in constant.items()}
    return rows | {"time": times, "retention_interval": delays, "element": elements}


def study(network: Network, *, seed: int) -> Study:
    """Return the study of one kind of network under all of VIEWS."""
    subject = replace(network, seconds_per_update=UPDATE, study_batch=BATCH, at_once=True)
    return Study(
        f"view batches of {network.name}", (design(population=network.population, seed=seed),), (subject,), (seed,)
    )


def members(curve: Curve, *by: str) -> Trials:
    """Return mean and standard error over participants (NaN with one), a row for each value of `by`: *by, y, se, n."""
    rows: list[dict[str, Any]] = []
    for key, chosen in curve.rows.groups(by):
        y = curve.rows["y"][chosen]
        error = y.std(ddof=1) / np.sqrt(len(y)) if len(y) > 1 else np.nan
        rows.append({**key, "y": y.mean(), "se": error, "n": float(len(y))})
    rows.sort(key=lambda row: tuple(row[name] for name in by))
    return from_rows(rows)


def rested(curve: Curve) -> Trials:
    """Return recall by V and delay over members: views, recall_interval and retention_interval (updates), y, se, n."""
    rows = members(curve, "spacing_gap", "retention_interval")
    views = np.rint(rows["spacing_gap"] / (REST * UPDATE)).astype(np.int64)
    columns = {"views": views, "recall_interval": views * STEP}
    columns |= {"retention_interval": np.rint(rows["retention_interval"] / UPDATE).astype(np.int64)}
    return Trials(columns | {name: rows[name] for name in ("y", "se", "n")})
