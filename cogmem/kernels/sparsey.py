"""Code selection: a coding field of winner-take-all modules takes frames in and keeps them in binary weights.

A field ("mac") has Q modules of K cells, of which one wins in each: a code. A frame is a set of active inputs (U);
cells of the last frame's code (H) and of other fields (D) are inputs too. Rinkus & Leveille (2017), steps as in Rinkus
(2014, 2010): sums u of weights from active inputs, normalised to U in [0, 1]; support V = U^a H^b D^c; familiarity G,
the mean over modules of the highest V; expansivity eta = 1 + max(0, (G - G-) / (1 - G-))^gamma chi K; weights
psi(V, eta) from which winners are drawn when the frame is learned. What is only recognised takes the highest V of each
module, ties at random. A learned frame sets the weights from its active inputs to the winners.

Replicas are independent fields of one size; within a field frames follow one another.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.kernels import random
from cogmem.kernels.arguments import seed_key
from cogmem.kernels.kernel import Kernel
from cogmem.names import nearest

Array = NDArray[np.float64]
Lists = NDArray[np.int32]
"""Active inputs of each frame, (replicas or 1, frames, most), -1 after the last."""
Weights = NDArray[np.uint8]
"""(replicas, inputs, cells): 0 is none; 1 to 3 a synapse of stiffness 0 to 2, which only matters where it fades."""

FORMS: Final = ("2014", "2010", "core", "plain")
COMPETING: Final = ("divide", "power", "none")
RATCHET: Final = (0.5, 0.9, 0.004, 0.3)
"""Of the form "core": where the sigmoid's middle starts and ends, its step, and the mean V that moves it a step."""
LAST_MIDDLE, STEP_OF_MIDDLE, MOVED_ABOVE = RATCHET[1:]
CERTAIN: Final = 0.999
RANGE: Final = 2.0**-32
"""Of a random word, less one half: a draw from (0, 1)."""


@dataclass(frozen=True)
class Rule:
    """What code selection is given; defaults are Rinkus's, as far as they are published.

    `form` of psi: "2014" (eta - 1) / (1 + s1 exp(-s2 (V - s3)))^s4 + 1 with `sigma`; "2010" 10000 G^7 / (1 + exp(13 -
    26 V)) + 1; "core" max(1, eta / (1 + exp(-4 (V - x0)))), V of .999 giving eta, where x0 climbs from .5 to .9 by .004
    each time that the field's mean V is above .3; "plain" (eta - 1) / K / (1 + exp(5 - 28 V)) + 1e-6.

    `floor` is G-. `exponents` are those of U, H and D. A module has as many hypotheses as cells with V of `hypothesis`
    or more, a field the rounded mean z of them, and its cells send 1 / z ("divide"), z^`competing_power` up to
    `competing_most` hypotheses and then nothing ("power"), or 1 ("none"). A cell whose weights from a signal are set
    in more than the share `saturation` learns no more from it (1: never frozen). A field is active with `least` to
    `most` active inputs. `backoff`: where more than one signal is there, what is recognised takes all if G reaches the
    first number, else pairs with U if theirs reaches the second, else U alone (empty: always all).

    `fading`: the share of a weight that is left, (levels of stiffness, ages in frames), the last column from then on;
    `plateaus`: a synapse that is used again within so many frames becomes stiffer by one level. Empty: weights stay.
    """

    form: Literal["2014", "2010", "core", "plain"] = "2014"
    floor: float = 0.1
    gamma: float = 2.0
    chi: float = 100.0
    sigma: tuple[float, float, float, float] = (0.1, 4.0, 1.0, 8.0)
    exponents: tuple[float, float, float] = (1.0, 1.0, 1.0)
    hypothesis: float = 0.5
    competing: Literal["divide", "power", "none"] = "divide"
    competing_power: float = 1.0
    competing_most: float = 3.0
    saturation: float = 1.0
    least: int = 0
    most: int = 2**31 - 1
    backoff: tuple[float, ...] = ()
    fading: tuple[tuple[float, ...], ...] = ()
    plateaus: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for name, words in (("form", FORMS), ("competing", COMPETING)):
            if getattr(self, name) not in words:
                raise UserError(f"{name} is one of {', '.join(words)}; {nearest(str(getattr(self, name)), words)}")
        if not 0 <= self.floor < 1 or self.gamma < 0 or self.chi < 0 or min(self.exponents) < 0:
            raise UserError(
                "floor is from 0 to below 1, gamma, chi and exponents are 0 or more; got "
                f"{self.floor}, {self.gamma}, {self.chi}, {self.exponents}."
            )
        if not 0 < self.saturation <= 1 or not 0 <= self.least <= self.most:
            raise UserError(
                "saturation is a share above 0, and least is 0 to most; got "
                f"{self.saturation}, {self.least}, {self.most}."
            )
        if len(self.backoff) not in (0, 2):
            raise UserError(f"backoff has two thresholds, of all signals and of pairs; got {self.backoff}.")
        if len(self.fading) != len(self.plateaus) or len({len(row) for row in self.fading}) > 1:
            raise UserError("fading has a row of one length, and plateaus a number, for each level of stiffness.")
        if len(self.fading) > 3:
            raise UserError(f"Stiffness has three levels at most; got {len(self.fading)}.")

    def numbers(self) -> Array:
        """Return the rule as the numbers that kernels read, in the order of their names below."""
        backoff = self.backoff or (-1.0, -1.0)
        return np.array([FORMS.index(self.form), self.floor, self.gamma, self.chi, *self.sigma, *self.exponents,
                         self.hypothesis, COMPETING.index(self.competing), self.competing_power, self.competing_most,
                         self.saturation, self.least, self.most, *backoff], dtype=np.float64)  # fmt: skip

    def tables(self) -> tuple[Array, NDArray[np.int64]]:
        """Return fading (levels, ages) and plateaus (levels,); nothing where weights stay."""
        ages = len(self.fading[0]) if self.fading else 0
        left = np.array(self.fading, dtype=np.float64).reshape(len(self.fading), ages)
        return left, np.array(self.plateaus, dtype=np.int64)


PUBLISHED: Final = Rule()

(FORM, FLOOR, GAMMA, CHI, S1, S2, S3, S4, A_U, A_H, A_D, HYPOTHESIS, SENT, SENT_POWER, SENT_MOST, SATURATION, LEAST,
 MOST, ALL_OF, TWO_OF) = range(20)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Frames:
    """What fields are shown: `signals` are the active inputs of U, H and D, each (replicas or 1, frames, most).

    `sent`: how strong each of them is, of the same shapes; None: all 1. `starts` (frames,): where a sequence begins,
    and nothing is left of the frame before. With `recurrent` H is the field's own code of the frame before.
    """

    signals: tuple[Lists, ...]
    starts: NDArray[np.bool_]
    recurrent: bool = False
    sent: tuple[Array, ...] | None = None

    @property
    def u_alone(self) -> bool:
        """Whether U is the only signal, and every input as strong."""
        return self.sent is None and not self.recurrent and not any(each.shape[2] for each in self.signals[1:])

    @property
    def strengths(self) -> tuple[Array, ...]:
        """How strong each input is sent."""
        return self.sent or tuple(np.ones(each.shape) for each in self.signals)


@dataclass(frozen=True, eq=False)
class Field:
    """Fields of Q `modules` of K `cells`: `weights` of U, H and D, each (replicas, inputs, Q K).

    `last` are the frames of their last use (-1: never), which is empty where weights stay; `middle` (replicas,) is x0
    of the form "core"; `clock` the frames shown so far.
    """

    modules: int
    cells: int
    weights: tuple[Weights, ...]
    last: tuple[Lists, ...]
    middle: Array
    clock: int = 0

    @property
    def density(self) -> float:
        """The share of weights from U that are set."""
        return float((self.weights[0] > 0).mean()) if self.weights[0].size else 0.0


@dataclass(frozen=True, eq=False)
class Codes:
    """Winners of each module, (replicas, frames, Q) int32, -1 where the field was not active; G, (replicas, frames).

    `hypotheses` (replicas, frames): how many the field holds. `used`: how many signals the code was chosen by.
    """

    winners: NDArray[np.int32]
    familiarity: Array
    hypotheses: NDArray[np.int32]
    used: NDArray[np.int32]


# ---- the meaning ----------------------------------------------------------------------------------------------------


def psi_of_one(v: Any, g: Any, cells: Any, numbers: Any, middle: Any) -> Any:
    """Return what `psi` does, for one number: compiled for every backend but numpy."""
    eta = 1.0 + max(0.0, (g - numbers[FLOOR]) / (1.0 - numbers[FLOOR])) ** numbers[GAMMA] * numbers[CHI] * cells
    if numbers[FORM] == 0.0:
        slope = 1.0 + numbers[S1] * math.exp(-numbers[S2] * (v - numbers[S3]))
        return (eta - 1.0) / slope ** numbers[S4] + 1.0
    if numbers[FORM] == 1.0:
        return 10000.0 * g**7.0 / (1.0 + math.exp(13.0 - 26.0 * v)) + 1.0
    if numbers[FORM] == 2.0:
        return eta if v >= CERTAIN else max(eta / (1.0 + math.exp(-4.0 * (v - middle))), 1.0)
    return (eta - 1.0) / cells / (1.0 + math.exp(5.0 - 28.0 * v)) + 1e-6


def psi(v: Array, g: float, cells: int, numbers: Array, middle: float) -> Array:
    """Return the weights in the draw of winners, for support v of any shape in a field of familiarity g."""
    form = int(numbers[FORM])
    eta = 1.0 + max(0.0, (g - numbers[FLOOR]) / (1.0 - numbers[FLOOR])) ** numbers[GAMMA] * numbers[CHI] * cells
    if form == 0:
        slope = 1.0 + numbers[S1] * np.exp(-numbers[S2] * (v - numbers[S3]))
        return np.asarray((eta - 1.0) / slope ** numbers[S4] + 1.0)
    if form == 1:
        return np.asarray(10000.0 * g**7.0 / (1.0 + np.exp(13.0 - 26.0 * v)) + 1.0)
    if form == 2:
        return np.asarray(np.where(v >= CERTAIN, eta, np.maximum(eta / (1.0 + np.exp(-4.0 * (v - middle))), 1.0)))
    return np.asarray((eta - 1.0) / cells / (1.0 + np.exp(5.0 - 28.0 * v)) + 1e-6)


def sent_by(hypotheses: Any, numbers: Any) -> Any:
    """Return how strongly the cells of a field with so many hypotheses send; compiled for every other backend."""
    if numbers[SENT] == 0.0:
        return 1.0 / hypotheses
    if numbers[SENT] == 1.0:
        return float(hypotheses) ** numbers[SENT_POWER] if hypotheses <= numbers[SENT_MOST] else 0.0
    return 1.0


def length_of(active: Any) -> Any:
    """Return how many inputs a list has before the first -1; compiled for every backend but numpy."""
    for k in range(active.shape[0]):
        if active[k] < 0:
            return k
    return active.shape[0]


def _uniforms(key: tuple[int, int], replica: int, frame: int, modules: int) -> Array:
    """Return a draw from (0, 1) for each module: word q % 4 of the block of stream q // 4."""
    streams = range((modules + 3) // 4)
    words = np.array([[int(w) for w in random.block(key, replica, frame, stream)] for stream in streams], np.float64)
    return np.asarray((words.ravel()[:modules] + 0.5) * RANGE)


def _normalised(field: Field, s: int, r: int, active: Any, sent: Any, least: float, now: int, fading: Array) -> Array:
    """Return a signal of every cell, (Q K,): the sum of weights from active inputs by their number, 1 at most."""
    weights = field.weights[s][r, active]
    if fading.size:
        age = np.minimum(now - field.last[s][r, active], fading.shape[1] - 1)
        left = np.where(weights > 0, fading[np.maximum(weights, 1).astype(np.int64) - 1, age], 0.0)
    else:
        left = (weights > 0).astype(np.float64)
    total = (left * sent[:, None]).sum(axis=0)
    return np.asarray(np.minimum(1.0, total / max(len(active), least, 1)))


def _supported(signals: list[Array | None], chosen: tuple[int, ...], numbers: Array, modules: int) -> Array:
    v: Any = 1.0
    for s in chosen:
        v = v * signals[s] ** numbers[A_U + s]
    return np.asarray(v).reshape(modules, -1)


def _familiarity(v: Array) -> float:
    # One after another, as compiled loops add.
    return float(np.cumsum(v.max(axis=1))[-1] / len(v))


def _support(signals: list[Array | None], numbers: Array, modules: int, learning: bool) -> tuple[Array, float, int]:
    """Return V (Q, K), G and the number of signals that they are of, backing off where that is asked for."""
    there = tuple(s for s in range(3) if signals[s] is not None)
    v = _supported(signals, there, numbers, modules)
    g = _familiarity(v)
    if learning or numbers[ALL_OF] < 0 or len(there) == 1 or g >= numbers[ALL_OF]:
        return v, g, len(there)
    if len(there) == 3:
        for other in (1, 2):
            v = _supported(signals, (0, other), numbers, modules)
            g = _familiarity(v)
            if g >= numbers[TWO_OF]:
                return v, g, 2
    v = _supported(signals, (0,), numbers, modules)
    return v, _familiarity(v), 1


def _drawn(v: Array, g: float, u: Array, cells: int, numbers: Array, middle: float) -> NDArray[np.int32]:
    """Return a winner of each module, drawn by psi."""
    edges = np.cumsum(psi(v, g, cells, numbers, middle), axis=1)
    below = (edges <= u[:, None] * edges[:, -1:]).sum(axis=1)
    return np.asarray(np.minimum(below, cells - 1), dtype=np.int32)


def _highest(v: Array, u: Array) -> NDArray[np.int32]:
    """Return a cell of the highest support of each module."""
    best = v == v.max(axis=1, keepdims=True)
    nth = (u * best.sum(axis=1)).astype(np.int64) + 1
    return np.asarray((np.cumsum(best, axis=1) == nth[:, None]).argmax(axis=1), dtype=np.int32)


def _learned(field: Field, s: int, r: int, active: Any, cells: Any, now: int, tables: Any, saturation: float) -> None:
    """Set the weights from active inputs to the winning cells of a replica, unless a cell is frozen."""
    weights, (fading, plateaus) = field.weights[s][r], tables
    frozen = (weights[:, cells] > 0).sum(axis=0) > saturation * len(weights)
    at = np.ix_(active, cells[~frozen])
    if fading.size:
        last = field.last[s][r]
        level = weights[at].astype(np.int64)
        soon = (level > 0) & (now - last[at] < plateaus[np.maximum(level, 1) - 1])
        weights[at] = np.minimum(np.maximum(level, 1) + soon, len(plateaus))
        last[at] = now
    else:
        weights[at] = 1


def _shown(
    field: Field, frames: Frames, numbers: Array, tables: tuple[Array, NDArray[np.int64]], key: tuple[int, int],
    learning: bool, made: Codes,
) -> None:  # fmt: skip
    """Fill `made` with the codes of the frames; `numbers` (replicas, 20) are the rules. Learning changes the field."""
    for r in range(len(field.middle)):
        before: NDArray[np.int64] = np.zeros(0, np.int64)
        strength = 1.0
        for t in range(len(frames.starts)):
            own, now = numbers[r], field.clock + t
            when = now if learning else field.clock  # what is only recognised takes no time
            if frames.starts[t]:
                before = before[:0]
            lists = [each[r % len(each), t] for each in frames.signals]
            active = [each[each >= 0] for each in lists]
            sent = [np.ones(len(each)) for each in active]
            if frames.sent is not None:
                sent = [each[r % len(each), t][: len(a)] for each, a in zip(frames.sent, active, strict=True)]
            if frames.recurrent:
                active[1], sent[1] = before, np.full(len(before), strength)
            made.winners[r, t], made.familiarity[r, t] = -1, 0.0
            made.hypotheses[r, t], made.used[r, t] = 0, 0
            if not own[LEAST] <= len(active[0]) <= own[MOST]:
                before = before[:0]
                continue
            signals = [
                _normalised(field, s, r, active[s], sent[s], own[LEAST] if s == 0 else 0.0, when, tables[0])
                if s == 0 or len(active[s]) else None for s in range(3)
            ]  # fmt: skip
            v, g, used = _support(signals, own, field.modules, learning)
            u = _uniforms(key, r, now, field.modules)
            middle = float(field.middle[r])
            if learning:
                winners = _drawn(v, g, u, field.cells, own, middle)
                if own[FORM] == 2 and np.cumsum(v.ravel())[-1] / v.size > MOVED_ABOVE:
                    field.middle[r] = min(LAST_MIDDLE, middle + STEP_OF_MIDDLE)
            else:
                winners = _highest(v, u)
            many = max(1, int((v >= own[HYPOTHESIS]).sum() / field.modules + 0.5))
            cells = np.arange(field.modules) * field.cells + winners
            if learning:
                for s in range(3):
                    if len(active[s]):
                        _learned(field, s, r, active[s], cells, now, tables, own[SATURATION])
            before, strength = cells, sent_by(many, own)
            made.winners[r, t], made.familiarity[r, t], made.hypotheses[r, t] = winners, g, many
            made.used[r, t] = used


def packed(weights: Weights) -> NDArray[np.uint64]:
    """Return weights packed by cell, 64 inputs a word, the first the lowest bit: (replicas, cells, words)."""
    bits = np.packbits(weights.transpose(0, 2, 1) > 0, axis=-1, bitorder="little")
    return np.ascontiguousarray(np.pad(bits, ((0, 0), (0, 0), (0, -bits.shape[2] % 8)))).view(np.uint64)


def unpacked(words: NDArray[np.uint64], weights: Weights) -> None:
    """Fill weights from packed ones."""
    bits = np.unpackbits(np.ascontiguousarray(words).view(np.uint8), axis=-1, bitorder="little")
    weights[:] = bits[:, :, : weights.shape[1]].transpose(0, 2, 1)


SHOWN: Final[Kernel[Callable[..., None]]] = Kernel(
    "sparsey", _shown, "cogmem.kernels.cpu.sparsey:shown", "cogmem.kernels.cuda.sparsey:shown"
)


# ---- what is called -------------------------------------------------------------------------------------------------


def empty(
    modules: int, cells: int, inputs: int, *, replicas: int = 1, recurrent: bool = False, context: int = 0,
    fades: bool = False,
) -> Field:  # fmt: skip
    """Return fields at birth, all weights 0, for so many inputs, their own last code if `recurrent`, and `context`."""
    for name, value in (("modules", modules), ("cells", cells), ("inputs", inputs), ("replicas", replicas)):
        if value < 1:
            raise UserError(f"A coding field needs {name} of at least 1; got {value}.")
    whole = modules * cells
    sizes = [(replicas, n, whole) for n in (inputs, whole if recurrent else 0, context)]
    never = [(*size[:1], size[1] if fades else 0, whole) for size in sizes]
    weights = tuple(np.zeros(size, np.uint8) for size in sizes)
    last = tuple(np.full(size, -1, np.int32) for size in never)
    return Field(modules, cells, weights, last, np.full(replicas, RATCHET[0]))


def lists_of(features: NDArray[Any]) -> Lists:
    """Return the places of ones of each row of features (..., inputs), then -1: (..., most) int32."""
    ones = np.asarray(features) > 0
    most = int(ones.sum(axis=-1).max(initial=0))
    order = np.argsort(~ones, axis=-1, kind="stable")[..., :most]
    return np.where(np.take_along_axis(ones, order, axis=-1), order, -1).astype(np.int32)


def frames_of(features: NDArray[Any], *, starts: NDArray[np.bool_] | None = None, recurrent: bool = False) -> Frames:
    """Return frames of ones and zeros, (frames, inputs) for all replicas or (replicas, frames, inputs)."""
    given = np.asarray(features)
    shown = lists_of(given if given.ndim == 3 else given[None])
    nothing = np.zeros((1, shown.shape[1], 0), np.int32)
    begin = np.ones(shown.shape[1], dtype=bool) if starts is None else np.asarray(starts, dtype=bool)
    return Frames((shown, nothing, nothing), begin, recurrent)


def frames_of_sets(sets: NDArray[Any]) -> Frames:
    """Return frames, for all replicas, from their active inputs (frames, active), each a sequence of its own."""
    lists = np.asarray(sets).astype(np.int32)[None]
    return Frames((lists, lists[:, :, :0], lists[:, :, :0]), np.ones(len(sets), dtype=bool))


def _run(
    field: Field, frames: Frames, rules: Rule | list[Rule], seed: int, backend: str, learning: bool
) -> tuple[Field, Codes]:
    replicas, n = len(field.middle), len(frames.starts)
    every = [rules] * replicas if isinstance(rules, Rule) else list(rules)
    if len(every) != replicas or len({(rule.fading, rule.plateaus) for rule in every}) > 1:
        raise UserError(f"{SHOWN.name} needs one rule, or one a replica ({replicas}) with the same fading.")
    for name, given, weights in zip(("U", "H", "D"), frames.signals, field.weights, strict=True):
        if given.shape[:2] not in ((1, n), (replicas, n)) or given.max(initial=-1) >= weights.shape[1]:
            raise UserError(
                f"{SHOWN.name} needs {name} as places of {weights.shape[1]} inputs in each of {n} frames; got the "
                f"shape {given.shape} and places up to {given.max(initial=-1)}. Show frames of the field's width."
            )
    if frames.recurrent and not field.weights[1].shape[1]:
        raise UserError("A field without weights from its own last code has no H signal; make it recurrent.")
    if every[0].fading and field.last[0].shape[1] != field.weights[0].shape[1]:
        raise UserError("A field whose weights fade remembers when they were used; make it with fades=True.")
    if learning:
        field = replace(
            field, weights=tuple(each.copy() for each in field.weights), middle=field.middle.copy(),
            last=tuple(each.copy() for each in field.last),
        )  # fmt: skip
    shape = replicas, n
    made = Codes(np.empty((*shape, field.modules), np.int32), np.empty(shape), np.empty(shape, np.int32),
                 np.empty(shape, np.int32))  # fmt: skip
    key = seed_key(SHOWN.name, seed)
    numbers = np.stack([rule.numbers() for rule in every])
    SHOWN.on(backend)(field, frames, numbers, every[0].tables(), key, learning, made)
    return replace(field, clock=field.clock + n) if learning else field, made


def learn(
    field: Field, frames: Frames, *, rule: Rule | list[Rule] = PUBLISHED, seed: int, backend: str = "auto"
) -> tuple[Field, Codes]:
    """Return the fields after all frames, in their order, and the codes that the frames were given.

    `rule` is one for all replicas or a list of one each. Frame t of a field's life draws from the numbers of frame t
    whatever was shown at once, so a run can be cut anywhere.
    """
    return _run(field, frames, rule, seed, backend, True)


def recognise(
    field: Field, frames: Frames, *, rule: Rule | list[Rule] = PUBLISHED, seed: int, backend: str = "auto"
) -> Codes:
    """Return the codes that fields give frames without learning: of each module a cell of the highest support."""
    return _run(field, frames, rule, seed, backend, False)[1]
