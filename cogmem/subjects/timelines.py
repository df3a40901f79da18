"""Which item is studied when: timelines of updates for learners that learn by small steps. numpy only."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError

NEW = -1
"""A slot of an update that holds a string never seen before."""
NOTHING = -2
"""A slot of an update that holds nothing."""

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Timeline:
    """A stream of training updates: what each holds, and when memory is probed.

    `slots` is (1 or population, updates, slots): an item's number, NEW or NOTHING; with a first axis of 1 all members
    share one order. `views` has the same shape: 0 reads the item as it is, any other number reads it with one word
    replaced (and still predicts the item). `probe_after` holds the update counts after which memory is probed,
    ascending; 0 is before study.
    """

    slots: Ints
    probe_after: Ints
    views: Ints | None = None

    def __post_init__(self) -> None:
        slots, probes = _frozen(self.slots), _frozen(self.probe_after)
        view = _frozen(np.zeros_like(slots) if self.views is None else self.views)
        if slots.ndim != 3 or view.shape != slots.shape:
            raise UserError(
                f"A timeline's slots and views are (population, updates, slots), but came as {slots.shape} and "
                f"{view.shape}."
            )
        if probes.ndim != 1 or (np.diff(probes) <= 0).any() or ((probes < 0) | (probes > slots.shape[1])).any():
            raise UserError(
                f"Probes are ascending numbers within the {slots.shape[1]} updates, but came as {probes.tolist()}."
            )
        if not len(probes):
            raise UserError("A timeline without a probe says nothing; name an update count after which to probe.")
        filled = slots != NOTHING
        if slots.size and ((slots < NOTHING).any() or (filled != filled[:1]).any() or not filled.any(axis=2).all()):
            raise UserError("Every update of a timeline needs a string or more, and as many for every member.")
        object.__setattr__(self, "slots", slots)
        object.__setattr__(self, "probe_after", probes)
        object.__setattr__(self, "views", view)

    def __reduce__(self) -> tuple[Any, ...]:
        return (Timeline, (self.slots, self.probe_after, self.views))

    @property
    def n_updates(self) -> int:
        """The number of updates."""
        return int(self.slots.shape[1])

    @property
    def n_study(self) -> int:
        """The number of updates up to the last that holds an item."""
        return int(np.flatnonzero((self.slots >= 0).any(axis=(0, 2))).max(initial=-1)) + 1

    def exposures(self, n_items: int) -> Ints:
        """Return how often each item was studied before each probe: (1 or population, probes, n_items)."""
        counts = np.zeros((len(self.slots), self.n_updates + 1, n_items), np.int64)
        member, update, slot = np.nonzero(self.slots >= 0)
        np.add.at(counts, (member, update + 1, self.slots[member, update, slot]), 1)
        return np.asarray(counts.cumsum(axis=1)[:, self.probe_after])

    def since_study(self, n_items: int) -> Ints:
        """Return the updates since each item's last study, -1 before it: (1 or population, probes, n_items)."""
        last = np.full((len(self.slots), self.n_updates + 1, n_items), -1, np.int64)
        member, update, slot = np.nonzero(self.slots >= 0)
        last[member, update + 1, self.slots[member, update, slot]] = update + 1
        last = np.maximum.accumulate(last, axis=1)[:, self.probe_after]
        return np.where(last < 0, -1, self.probe_after[:, None] - last)


def join(*parts: Ints) -> Ints:
    """Return stretches of slots, each (population, updates, slots), one after another; short updates get NOTHING."""
    population = max(len(part) for part in parts)
    width = max(part.shape[2] for part in parts)
    padded = [np.pad(part, ((0, 0), (0, 0), (0, width - part.shape[2])), constant_values=NOTHING) for part in parts]
    return np.concatenate([np.broadcast_to(part, (population, *part.shape[1:])) for part in padded], axis=1)


def new_strings(updates: int, strings: int) -> Ints:
    """Return slots of `updates` updates with `strings` new strings each: (1, updates, strings)."""
    return np.full((1, updates, strings), NEW, np.int64)


def epochs(n_items: int, *, exposures: int, batch: int, rngs: Sequence[np.random.Generator]) -> Ints:
    """Return slots in which each member meets all items once an epoch, in an own new order: one generator a member.

    The shape is (members, exposures × n_items / batch, batch).
    """
    if n_items % batch:
        raise UserError(f"Items fill the batches of an epoch exactly; got {n_items} items in batches of {batch}.")
    orders = [np.concatenate([rng.permutation(n_items) for _ in range(exposures)]).reshape(-1, batch) for rng in rngs]
    return np.stack(orders).astype(np.int64)


def few_shot_timeline(
    n_items: int,
    *,
    exposures: Sequence[int],
    retention: Sequence[int],
    batch: int = 4,
    fillers: int = 16,
    rngs: Sequence[np.random.Generator],
) -> Timeline:
    """Return study in epochs, then new strings only (after Orhan 2023).

    Probes come before study, after each number of `exposures` and after each number of `retention` updates.
    """
    study = epochs(n_items, exposures=max(exposures), batch=batch, rngs=rngs)
    an_epoch = n_items // batch
    times = {0, *(count * an_epoch for count in exposures), *(study.shape[1] + k for k in retention)}
    return Timeline(join(study, new_strings(max(retention, default=0), fillers)), np.array(sorted(times)))


def spaced_timeline(
    gaps: Sequence[int],
    *,
    items_per_gap: int,
    exposures: int,
    retention: Sequence[int],
    batch: int | None = None,
    lead: int = 0,
) -> tuple[Timeline, Ints]:
    """Return a whole spacing surface as one timeline (gap × retention), and the gap of each item (n_items,).

    Every item is studied `exposures` times with `gap` other updates between two studies; 0 is massed. The last study
    of all items is one update, so that every probe has one retention interval for all gaps: probe 0 is before study,
    the others follow `retention` updates after that last study. Every update holds `batch` strings (at least one an
    item), new ones where no item is due: so an item weighs as much in every update. `lead` updates come first.
    """
    item_gap = np.repeat(np.asarray(gaps, np.int64), items_per_gap)
    batch = len(item_gap) if batch is None else batch
    if not len(item_gap) or item_gap.min() < 0 or exposures < 1 or batch < len(item_gap):
        raise UserError(
            f"A spacing surface needs gaps of 0 or more, an exposure or more and a batch with room for all "
            f"{len(item_gap)} items; got gaps {list(gaps)}, {exposures} exposures and a batch of {batch}."
        )
    last = lead + (exposures - 1) * (int(item_gap.max()) + 1)
    slots = new_strings(last + 1 + max(retention, default=0), batch)
    items = np.arange(len(item_gap))
    for before in range(exposures):
        slots[0, last - before * (item_gap + 1), items] = items
    probes = np.array(sorted({0, *(last + 1 + interval for interval in retention)}))
    return Timeline(slots, probes), item_gap


def view_batch_timeline(
    n_items: int, *, batch: int, views: int, epochs: int, retention: Sequence[int], fillers: int = 16
) -> Timeline:
    """Return study by `view_batch_schedule`, then new strings only; probed before and after every study update.

    The first view of an item in a batch is the item as it is, each other has one word replaced on reading.
    """
    study = view_batch_schedule(n_items, batch=batch, views=views, epochs=epochs)
    slots = join(study[None], new_strings(max(retention, default=0), fillers))
    view = np.zeros_like(slots)
    view[:, : len(study), :batch] = np.arange(batch) % views
    probes = sorted({*range(len(study) + 1), *(len(study) + interval for interval in retention)})
    return Timeline(slots, np.array(probes), view)


def forgetting_between_visits(timeline: Timeline, values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return what each item lost from after one visit to before the next, one value an item: (population, n_items).

    `values` is (probes, population, n_items), larger the better, probed at every update; the mean is over visits. An
    item visited once has nothing to lose: nan.
    """
    if not np.array_equal(timeline.probe_after[: timeline.n_study + 1], np.arange(timeline.n_study + 1)):
        raise UserError("Forgetting between visits needs a probe before study and after every study update.")
    losses = np.full(values.shape[1:], np.nan)
    for member, item in np.ndindex(*losses.shape):
        own = timeline.slots[member if len(timeline.slots) > 1 else 0]
        visits = np.flatnonzero((own == item).any(axis=1))
        if len(visits) > 1:
            losses[member, item] = np.mean(values[visits[:-1] + 1, member, item] - values[visits[1:], member, item])
    return losses


def design_timeline(
    times: NDArray[np.float64],
    items: Ints,
    probes: NDArray[np.float64],
    clock: Callable[[float], int],
    *,
    batch: int,
    fillers: int,
    rng: np.random.Generator,
    at_once: bool = False,
) -> tuple[Timeline, Ints]:
    """Return the timeline of an experiment and the number of its probe for each of `probes`.

    Item `items[k]` is studied at `times[k]` s, memory is probed at the moments `probes` (s).
    `clock` says how many updates of new strings have passed by a moment. Studies at one moment make a stretch of
    updates of `batch` items that takes no time of the clock: whole rounds, each in a new order, and items of fewer
    repetitions join in the last rounds, so that all end together. With `at_once` they are one update instead, an item's
    repetitions side by side, filled up with new strings to `batch`: an item weighs as much in every update. Probes
    (ascending, different) come after the studies of their moment; where nothing happened between two of them they
    share one probe of the timeline.
    """
    left = _met_again(times, items)
    updates: list[Ints] = []
    after: dict[float, int] = {}
    now = 0
    for moment in np.unique(np.concatenate([times, probes])):
        updates += [np.full(fillers, NEW)] * (clock(float(moment)) - now)
        now = clock(float(moment))
        here = times == moment
        if at_once and here.any():
            updates.append(_filled(np.sort(items[here]), batch))
            here = np.zeros_like(here)
        for remaining in range(int(left[here].max(initial=-1)), -1, -1):
            due = rng.permutation(items[here & (left == remaining)])
            updates += [due[start : start + batch] for start in range(0, len(due), batch)]
        after[float(moment)] = len(updates)
    slots = join(*(update[None, None] for update in updates)) if updates else new_strings(0, fillers)
    probe_after, place = np.unique([after[float(moment)] for moment in probes], return_inverse=True)
    return Timeline(slots, probe_after), np.asarray(place)


def _filled(items: Ints, batch: int) -> Ints:
    """Return the slots of one update: the items, then new strings up to `batch`."""
    if len(items) > batch:
        raise UserError(f"An update of {batch} strings has no room for the {len(items)} studies of one moment.")
    return np.concatenate([items, np.full(batch - len(items), NEW)])


def relabelled(timeline: Timeline, items: Ints) -> Timeline:
    """Return the timeline for members who meet other items: `items` (members, studies), row 0 as in `timeline`.

    Member m meets items[m, k] wherever the first one meets items[0, k]: schedules are alike, and every item keeps its
    own, which is what counterbalancing asks for.
    """
    names = np.tile(np.arange(int(items.max()) + 1), (len(items), 1))
    np.put_along_axis(names, np.broadcast_to(items[0], items.shape), items, axis=1)
    if (names[:, items[0]] != items).any():
        raise UserError("Participants whose trials differ need one schedule, each with its own items in its places.")
    slots = np.broadcast_to(timeline.slots, (len(items), *timeline.slots.shape[1:]))
    own = np.take_along_axis(names[:, None], np.maximum(slots, 0), axis=2)
    return Timeline(np.where(slots >= 0, own, slots), timeline.probe_after)


def _met_again(times: NDArray[np.float64], items: Ints) -> Ints:
    """Return how often each study's item is studied again at the same moment."""
    left = np.zeros(len(items), np.int64)
    met: dict[tuple[float, int], int] = {}
    for k in range(len(items) - 1, -1, -1):
        key = float(times[k]), int(items[k])
        left[k] = met[key] = met.get(key, -1) + 1
    return left


def view_batch_schedule(
    n_items: int, *, batch: int, views: int, epochs: int, rng: np.random.Generator | None = None
) -> Ints:
    """Return the item in each place of each batch: (n_batches, batch), the `views` of an item side by side.

    "Do Your Best and Get Enough Rest for Continual Learning" (CVPR 2025, arXiv 2503.18371): a batch holds
    batch / views different items, `views` times each, and there are epochs / views passes. So every item is met
    `epochs` times in all whatever `views` is, but the interval between two visits is `views` × n_items samples:
    exactly so without `rng`, where every pass has the same order; on average with it, where each is shuffled.

    >>> view_batch_schedule(4, batch=4, views=2, epochs=2).tolist()
    [[0, 0, 1, 1], [2, 2, 3, 3]]
    """
    unique, passes = batch // max(views, 1), epochs // max(views, 1)
    if views < 1 or batch % views or epochs % views or n_items % unique:
        raise UserError(
            f"The views divide the batch and the epochs, and batch / views divides the items; got {views} views, a "
            f"batch of {batch}, {epochs} epochs and {n_items} items."
        )
    orders = [np.arange(n_items) if rng is None else rng.permutation(n_items) for _ in range(passes)]
    return np.repeat(np.concatenate(orders), views).reshape(-1, batch)


def _frozen(values: Ints) -> Ints:
    array = np.array(values, dtype=np.int64)
    array.setflags(write=False)
    return array
