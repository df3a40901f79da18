"""Levels of coding fields on grids: each sees a window of the level below, its own last code and fields above it.

Rinkus (2014), Sparsey: event recognition via deep hierarchical sparse distributed codes: U signals are of the current
frame, H and D signals of the frame before, and a code stays on longer the higher its level.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.kernels.sparsey import Codes, Field, Frames, Rule, empty, learn, recognise, sent_by
from cogmem.models.sparsey import one_hot
from cogmem.models.superposed_parts import winners as largest
from cogmem.subjects.superposed import Read, checked

Array = NDArray[np.float64]
Bits = NDArray[np.uint8]
Ints = NDArray[np.int64]
Shape = tuple[int, int]


@dataclass(frozen=True)
class Level:
    """`grid` rows and columns of fields, each seeing `window` rows and columns of the level below, spread evenly.

    A code stays on for `persistence` frames and takes in what is shown meanwhile. `above` says whether fields get D
    signals, `own` whether they get H signals from their own last code.
    """

    grid: Shape
    window: Shape
    modules: int = 8
    cells: int = 8
    rule: Rule = field(default_factory=lambda: Rule(least=1))
    persistence: int = 1
    own: bool = True
    above: bool = True

    def __post_init__(self) -> None:
        if min(*self.grid, *self.window, self.modules, self.cells, self.persistence) < 1:
            raise UserError(f"A level has grid, window, modules, cells and persistence of 1 or more; got {self}.")
        if self.rule.least < 1:
            object.__setattr__(self, "rule", replace(self.rule, least=1))

    @property
    def fields(self) -> int:
        """The number of fields."""
        return self.grid[0] * self.grid[1]


def _starts(places: int, window: int, below: int) -> Ints:
    """Return where each of so many windows begins on a side of the level below."""
    if window > below:
        raise UserError(f"A window of {window} does not fit into a side of {below}; make it smaller.")
    return np.rint(np.linspace(0, below - window, places)).astype(np.int64)


def windows(level: Level, below: Shape) -> Ints:
    """Return the places of the level below that each field sees: (fields, rows x columns of the window)."""
    tops, lefts = (_starts(level.grid[k], level.window[k], below[k]) for k in range(2))
    rows = tops[:, None] + np.arange(level.window[0])
    columns = lefts[:, None] + np.arange(level.window[1])
    seen = rows[:, None, :, None] * below[1] + columns[None, :, None, :]
    return seen.reshape(level.fields, -1)


@dataclass(frozen=True, eq=False)
class _Wires:
    """What a level sees: places of the level below, the units of one of them, and fields above, (fields, most), -1."""

    seen: Ints
    units: int
    over: Ints


@dataclass(frozen=True, eq=False)
class Held:
    """The fields of every level after learning."""

    fields: tuple[Field, ...]
    active: float


@dataclass(frozen=True, eq=False)
class _Now:
    """What a level holds at a frame: winners (fields, modules), -1 where off; G, hypotheses, frames the code is on."""

    winners: NDArray[np.int32]
    familiarity: Array
    hypotheses: NDArray[np.int32]
    age: Ints


@dataclass(frozen=True)
class Hierarchy:
    """Levels over an image of `image` rows and columns; a Memory whose items are flat images or sequences of them.

    The familiarity of a probe is the mean G of all fields that are on, over levels and frames; its code that of the
    highest level at the last frame; what comes back are the features that the lowest level's codes send.
    """

    levels: tuple[Level, ...]
    image: Shape
    name: str = "sparsey_hierarchy"
    version: int = 1
    backend: str = "auto"

    def __post_init__(self) -> None:
        if not self.levels:
            raise UserError("A hierarchy has at least one level.")
        _ = self._wires  # a window that does not fit is told of at once

    @cached_property
    def _wires(self) -> tuple[_Wires, ...]:
        """What each level sees, the same at every frame."""
        found, below, units = [], self.image, 1
        for number, level in enumerate(self.levels):
            found.append(_Wires(windows(level, below), units, self._over(number)))
            below, units = level.grid, level.modules * level.cells
        return tuple(found)

    def _over(self, number: int) -> Ints:
        """Return which fields of the next level see each field of a level: (fields, most), -1 after the last."""
        level = self.levels[number]
        if number + 1 == len(self.levels) or not level.above:
            return np.full((level.fields, 0), -1)
        seen = windows(self.levels[number + 1], level.grid)
        lists = [np.flatnonzero((seen == own).any(axis=1)) for own in range(level.fields)]
        made = np.full((level.fields, max(map(len, lists))), -1)
        for row, each in zip(made, lists, strict=True):
            row[: len(each)] = each
        return made

    def _born(self) -> list[Field]:
        made = []
        for number, (level, wires) in enumerate(zip(self.levels, self._wires, strict=True)):
            over = self.levels[number + 1] if wires.over.shape[1] else None
            context = wires.over.shape[1] * over.modules * over.cells if over else 0
            made.append(empty(level.modules, level.cells, wires.seen.shape[1] * wires.units, replicas=level.fields,
                              recurrent=level.own, context=context, fades=bool(level.rule.fading)))  # fmt: skip
        return made

    def store(self, items: Bits, *, seed: int) -> Held:
        """Return the fields after every image (n, pixels) or sequence (n, frames, pixels) was shown once."""
        given = checked(self.name, items, self.image[0] * self.image[1])
        fields = self._born()
        for sequence in given if given.ndim == 3 else given[:, None]:
            fields, _ = self._watched(fields, sequence, seed, learning=True)
        return Held(tuple(fields), float(given.sum(axis=-1).mean()))

    def read(self, held: Held, probes: Bits, *, seed: int) -> Read:
        """Return what `Read` says of each image or sequence."""
        given = checked(self.name, probes, self.image[0] * self.image[1])
        found, back, codes = [], [], []
        for sequence in given if given.ndim == 3 else given[:, None]:
            _, frames = self._watched(list(held.fields), sequence, seed, learning=False)
            on = [level.familiarity[level.winners[:, 0] >= 0] for frame in frames for level in frame]
            whole = np.concatenate(on)
            found.append(float(whole.mean()) if len(whole) else 0.0)
            top = frames[-1][-1]
            codes.append(one_hot(top.winners, self.levels[-1].cells).ravel())
            back.append(np.stack([self._back(held, frame[0]) for frame in frames]))
        return Read(np.array(found), np.stack(back).reshape(given.shape), np.stack(codes))

    def _back(self, held: Held, lowest: _Now) -> Bits:
        """Return the pixels that the lowest level's codes send back, as many as images have: (pixels,)."""
        support, seen_by = np.zeros(self.image[0] * self.image[1]), np.zeros(self.image[0] * self.image[1])
        weights, cells = held.fields[0].weights[0], self.levels[0].cells
        for own, (code, seen) in enumerate(zip(lowest.winners, self._wires[0].seen, strict=True)):
            if code[0] >= 0:
                support[seen] += (weights[own][:, np.arange(len(code)) * cells + code] > 0).mean(axis=1)
                seen_by[seen] += 1
        support /= np.maximum(seen_by, 1)
        return np.asarray(largest(support[None], round(held.active))[0] * (support > 0), dtype=np.uint8)

    def _watched(
        self, fields: list[Field], sequence: Bits, seed: int, *, learning: bool
    ) -> tuple[list[Field], list[list[_Now]]]:
        """Return the fields after a sequence (frames, pixels), and what every level held at each frame."""
        before: list[_Now] | None = None
        frames = []
        for image in sequence:
            now: list[_Now] = []
            for number in range(len(self.levels)):
                below = now[-1] if now else None
                fields[number], held = self._level(number, fields[number], image, below, before, seed, learning)
                now.append(held)
            frames.append(now)
            before = now
        return fields, frames

    def _level(
        self, number: int, own: Field, image: Bits, below: _Now | None, before: Sequence[_Now] | None, seed: int,
        learning: bool,
    ) -> tuple[Field, _Now]:  # fmt: skip
        level, wires = self.levels[number], self._wires[number]
        last = before[number] if before else None
        on = last is not None and level.persistence > 1
        stays = (last.winners[:, 0] >= 0) & (last.age < level.persistence) if on and last is not None else None
        u = _shown(image, wires) if below is None else _sent(below, wires.seen, self.levels[number - 1])
        lists = [u, _nothing(level.fields), _nothing(level.fields)]
        if last is not None and level.own:
            lists[1] = _sent(last, np.arange(level.fields)[:, None], level)
        if before is not None and wires.over.shape[1]:
            lists[2] = _sent(before[number + 1], wires.over, self.levels[number + 1])
        if stays is not None:
            fields = lists[0][0].copy()
            fields[stays] = -1
            chosen = [(fields, lists[0][1]), *lists[1:]]
        else:
            chosen = lists
        frames = Frames(tuple(each[0][:, None] for each in chosen), np.zeros(1, dtype=bool),
                        sent=tuple(each[1][:, None] for each in chosen))  # fmt: skip
        if learning:
            own, codes = learn(own, frames, rule=level.rule, seed=seed + number, backend=self.backend)
        else:
            codes = recognise(own, frames, rule=level.rule, seed=seed + number, backend=self.backend)
        if stays is None or last is None:
            return own, _after(codes)
        if learning:
            own = _taken_in(own, level, lists[0][0], last.winners, stays)
        return own, _after(codes, last, stays)


def _after(codes: Codes, last: _Now | None = None, stays: NDArray[np.bool_] | None = None) -> _Now:
    """Return what a level holds: new codes, and those of the frame before where they stay."""
    winners, g, many = codes.winners[:, 0], codes.familiarity[:, 0], codes.hypotheses[:, 0]
    age = np.ones(len(winners), np.int64)
    if last is None or stays is None:
        return _Now(winners, g, many, age)
    return _Now(
        np.where(stays[:, None], last.winners, winners), np.where(stays, last.familiarity, g),
        np.where(stays, last.hypotheses, many), np.where(stays, last.age + 1, age),
    )  # fmt: skip


def _taken_in(own: Field, level: Level, active: Any, winners: Any, stays: NDArray[np.bool_]) -> Field:
    """Return a level whose codes that stay on have also learned what is shown now."""
    weights = own.weights[0].copy()
    for place in np.flatnonzero(stays):
        seen = active[place][active[place] >= 0]
        weights[np.ix_([place], seen, np.arange(level.modules) * level.cells + winners[place])] = 1
    return replace(own, weights=(weights, *own.weights[1:]))


Lists = tuple[NDArray[np.int32], Array]
"""Active inputs of each field, -1 after the last, and how strong each is sent: (fields, most) each."""


def _nothing(fields: int) -> Lists:
    return np.full((fields, 0), -1, np.int32), np.ones((fields, 0))


def _packed(places: Ints, strength: Array) -> Lists:
    """Return lists with what is not there (below 0) moved behind the rest."""
    order = np.argsort(places < 0, axis=1, kind="stable")
    most = int((places >= 0).sum(axis=1).max(initial=0))
    return (np.take_along_axis(places, order, 1)[:, :most].astype(np.int32),
            np.take_along_axis(strength, order, 1)[:, :most])  # fmt: skip


def _shown(image: Bits, wires: _Wires) -> Lists:
    """Return the active pixels in each field's window, as places of the window."""
    shown = image[wires.seen] > 0
    places = np.where(shown, np.arange(shown.shape[1]), -1)
    return _packed(places, np.ones(places.shape))


def _sent(source: _Now, seen: Ints, level: Level) -> Lists:
    """Return the winning cells of the fields that each field sees, and how strong a field with rivals in it sends."""
    numbers, cells = level.rule.numbers(), level.cells
    strength = np.array([sent_by(max(1, int(many)), numbers) for many in source.hypotheses])
    codes = source.winners[np.maximum(seen, 0)]  # (fields, seen, modules)
    there = (codes >= 0) & (seen >= 0)[:, :, None]
    unit = np.arange(seen.shape[1])[:, None] * level.modules * cells + np.arange(level.modules) * cells
    places = np.where(there, unit + codes, -1)
    strengths = np.broadcast_to(strength[np.maximum(seen, 0)][:, :, None], codes.shape)
    return _packed(places.reshape(len(seen), -1), strengths.reshape(len(seen), -1))


def two_levels(image: Shape, *, modules: int = 8, cells: int = 8) -> Hierarchy:
    """Return 4 x 4 fields that see a third of each side of an image, and one above them whose codes last two frames."""
    window = (max(1, -(-image[0] // 3)), max(1, -(-image[1] // 3)))
    lower = Level((4, 4), window, modules, cells)
    return Hierarchy((lower, Level((1, 1), (4, 4), modules, cells, persistence=2)), image)


IMAGE: Final = (12, 12)
"""Rows and columns of the image of the hierarchy in the catalogue."""
