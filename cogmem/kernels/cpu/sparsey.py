"""Code selection in numba: replicas side by side; frames too, where none depends on the one before.

Fields of plain weights count: how many active inputs reach a cell, by adding the rows of active inputs, or where they
are many by counting ones in packed weights; then support takes few values, and psi is computed once for each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

import numpy as np
from numba import get_num_threads, njit
from numpy.typing import NDArray

from cogmem.kernels.cpu.bits import ones
from cogmem.kernels.cpu.random import block
from cogmem.kernels.sparsey import (
    A_U,
    ALL_OF,
    FORM,
    HYPOTHESIS,
    LAST_MIDDLE,
    LEAST,
    MOST,
    MOVED_ABOVE,
    RANGE,
    SATURATION,
    STEP_OF_MIDDLE,
    TWO_OF,
    Codes,
    Field,
    Frames,
    length_of,
    packed,
    psi_of_one,
    sent_by,
    unpacked,
)  # fmt: skip

Array = NDArray[np.float64]

DENSE: Final = 8
"""With a share of 1 / DENSE active inputs or more, ones are counted in words; with fewer, rows are added."""
TOGETHER: Final = 256
"""Frames that a thread recognises in a row."""


_psi: Final = njit(psi_of_one)
_sent: Final = njit(sent_by)
_length: Final = njit(length_of)


@njit
def _uniforms(k0: Any, k1: Any, replica: Any, frame: Any, u: Any) -> None:
    for first in range(0, len(u), 4):
        four = block(k0, k1, np.uint64(replica), np.uint64(frame), np.uint64(first // 4))
        for k in range(min(4, len(u) - first)):
            u[first + k] = (float(four[k]) + 0.5) * RANGE


@njit
def _pick(edges: Any, u: Any) -> Any:
    """Return the first place whose edge is above the share u of the last one."""
    wanted = u * edges[-1]
    for c in range(len(edges)):
        if edges[c] > wanted:
            return c
    return len(edges) - 1


@njit
def _nth_best(values: Any, best: Any, u: Any) -> Any:
    """Return one of the places of the best value."""
    equal = 0
    for c in range(len(values)):
        equal += values[c] == best
    left = int(u * equal)
    for c in range(len(values)):
        if values[c] == best:
            if left == 0:
                return c
            left -= 1
    return 0


# ---- plain weights, U alone ------------------------------------------------------------------------------------------


@njit
def _added(weights: Any, active: Any, counts: Any) -> None:
    counts[:] = 0
    for k in range(len(active)):
        row = weights[active[k]]
        for c in range(len(counts)):
            counts[c] += row[c]


@njit
def _shared(words: Any, shown: Any, counts: Any) -> None:
    for c in range(len(counts)):
        total = 0
        for w in range(len(shown)):
            total += ones(words[c, w] & shown[w])
        counts[c] = total


@njit
def _by_counts(
    counts: Any, n: Any, numbers: Any, cells: Any, u: Any, learning: Any, middle: Any, levels: Any, chances: Any,
    edges: Any, winners: Any,
) -> Any:  # fmt: skip
    """Fill the winners of a frame with n active inputs; return G, the hypotheses and whether the middle moves."""
    most = max(float(n), numbers[LEAST], 1.0)
    for k in range(n + 1):
        levels[k] = min(1.0, k / most) ** numbers[A_U]
    modules, g, many = len(winners), 0.0, 0
    for q in range(modules):
        best = 0
        for c in range(q * cells, (q + 1) * cells):
            best = max(best, counts[c])
        winners[q] = best
        g += levels[best]
    g /= modules
    for c in range(len(counts)):
        many += levels[counts[c]] >= numbers[HYPOTHESIS]
    if learning:
        for k in range(n + 1):
            chances[k] = _psi(levels[k], g, cells, numbers, middle)
    for q in range(modules):
        own = counts[q * cells : (q + 1) * cells]
        if learning:
            total = 0.0
            for c in range(cells):
                total += chances[own[c]]
                edges[c] = total
            winners[q] = _pick(edges, u[q])
        else:
            winners[q] = _nth_best(own, winners[q], u[q])
    moved = False
    if learning and numbers[FORM] == 2.0:
        total = 0.0
        for c in range(len(counts)):
            total += levels[counts[c]]
        moved = total / len(counts) > MOVED_ABOVE
    return g, max(1, int(many / modules + 0.5)), moved


@njit
def _set_rows(weights: Any, active: Any, winners: Any, cells: Any, used: Any, saturation: Any) -> None:
    """Set weights from active inputs to winners; `used` counts each cell's, and is empty where none can freeze."""
    for q in range(len(winners)):
        c = q * cells + winners[q]
        if len(used) and used[c] > saturation * len(weights):
            continue
        for k in range(len(active)):
            if len(used):
                used[c] += weights[active[k], c] == 0
            weights[active[k], c] = 1


@njit
def _set_words(words: Any, shown: Any, winners: Any, cells: Any, inputs: Any, saturation: Any) -> None:
    for q in range(len(winners)):
        own = words[q * cells + winners[q]]
        if saturation < 1.0:
            used = 0
            for w in range(len(shown)):
                used += ones(own[w])
            if used > saturation * inputs:
                continue
        for w in range(len(shown)):
            own[w] |= shown[w]


@njit
def _mask(active: Any, shown: Any) -> None:
    shown[:] = 0
    for k in range(len(active)):
        shown[active[k] >> 6] |= np.uint64(1) << np.uint64(active[k] & 63)


@njit
def _frame_by_counts(
    weights: Any, words: Any, active: Any, numbers: Any, cells: Any, u: Any, learning: Any, middle: Any, used: Any,
    room: Any, winners: Any,
) -> Any:  # fmt: skip
    """Fill the winners of a frame (and learn it); return what `_by_counts` returns, G below 0 if it was not active."""
    counts, levels, chances, edges, shown = room
    n = _length(active)
    if n < numbers[LEAST] or n > numbers[MOST]:
        winners[:] = -1
        return -1.0, 0, False
    if len(words):
        _mask(active[:n], shown)
        _shared(words, shown, counts)
    else:
        _added(weights, active[:n], counts)
    found = _by_counts(counts, n, numbers, cells, u, learning, middle, levels, chances, edges, winners)
    if learning and len(words):
        _set_words(words, shown, winners, cells, len(weights), numbers[SATURATION])
    elif learning:
        _set_rows(weights, active[:n], winners, cells, used, numbers[SATURATION])
    return found


@njit
def _room(n_cells: Any, most: Any, cells: Any, n_words: Any) -> Any:
    return (np.zeros(n_cells, np.uint16), np.zeros(most + 1), np.zeros(most + 1), np.zeros(cells),
            np.zeros(n_words, np.uint64))  # fmt: skip


@njit(nogil=True)
def _life_by_counts(
    weights: Any, words: Any, active: Any, own: Any, cells: Any, draws: Any, learning: Any, middle: Any, used: Any,
    winners: Any, familiarity: Any, hypotheses: Any,
) -> Any:  # fmt: skip
    """Show one replica frames of U; return where the middle of the sigmoid ends."""
    k0, k1, replica, clock = draws
    room = _room(weights.shape[1], active.shape[1], cells, (len(weights) + 63) // 64)
    u = np.empty(winners.shape[1])
    for t in range(len(active)):
        _uniforms(k0, k1, replica, clock + t, u)
        g, many, moved = _frame_by_counts(weights, words, active[t], own, cells, u, learning, middle, used, room,
                                          winners[t])  # fmt: skip
        familiarity[t], hypotheses[t] = max(g, 0.0), many
        if moved:
            middle = min(LAST_MIDDLE, middle + STEP_OF_MIDDLE)
    return middle


def _side_by_side(lives: Sequence[Callable[[], None]]) -> None:
    """Run what compiled code does without Python's lock, on as many threads as numba uses.

    Numba's own parallel loops would compile each of these functions three times, for many seconds.
    """
    if len(lives) == 1 or get_num_threads() == 1:
        for life in lives:
            life()
        return
    with ThreadPoolExecutor(get_num_threads()) as pool:
        for done in [pool.submit(life) for life in lives]:
            done.result()


def _counted(field: Field, frames: Frames, numbers: Array, key: tuple[int, int], learning: bool, made: Codes) -> None:
    weights, active = field.weights[0], _own(frames.signals[0])
    dense = bool(DENSE * (active >= 0).sum() >= active.shape[0] * active.shape[1] * weights.shape[1])
    words = packed(weights) if dense else np.zeros((len(weights), 0, 1), np.uint64)
    n = active.shape[1]
    step = n if learning else TOGETHER

    def life(r: int, first: int) -> None:
        part, own = slice(first, first + step), numbers[r]
        freezes = learning and own[SATURATION] < 1.0 and not dense
        used = (weights[r] > 0).sum(axis=0) if freezes else np.zeros(0, np.int64)
        draws = np.uint64(key[0]), np.uint64(key[1]), r, field.clock + first
        end = _life_by_counts(
            weights[r] if learning else _own(weights[r]), words[r], active[r % len(active), part], own, field.cells,
            draws, learning, float(field.middle[r]), used, made.winners[r, part], made.familiarity[r, part],
            made.hypotheses[r, part],
        )  # fmt: skip
        if learning:
            field.middle[r] = end

    _side_by_side([partial(life, r, first) for r in range(len(weights)) for first in range(0, n, max(1, step))])
    if learning and dense:
        unpacked(words, weights)
    made.used[:] = made.winners[:, :, 0] >= 0


# ---- any signals -----------------------------------------------------------------------------------------------------


@njit
def _signal(weights: Any, last: Any, active: Any, sent: Any, least: Any, now: Any, fading: Any, made: Any) -> None:
    """Fill a signal of every cell: what is left of weights from active inputs, by their number."""
    made[:] = 0.0
    for k in range(len(active)):
        i = active[k]
        for c in range(len(made)):
            if weights[i, c]:
                left = 1.0
                if fading.shape[0]:
                    left = fading[weights[i, c] - 1, min(now - last[i, c], fading.shape[1] - 1)]
                made[c] += left * sent[k]
    most = max(float(len(active)), least, 1.0)
    for c in range(len(made)):
        made[c] = min(1.0, made[c] / most)


@njit
def _product(signals: Any, chosen: Any, numbers: Any, cells: Any, v: Any) -> Any:
    """Fill the support of each cell by the chosen signals; return G."""
    for c in range(len(v)):
        v[c] = 1.0
        for s in range(3):
            if chosen[s]:
                v[c] *= signals[s, c] ** numbers[A_U + s]
    g = 0.0
    for q in range(len(v) // cells):
        best = v[q * cells]
        for c in range(q * cells, (q + 1) * cells):
            best = max(best, v[c])
        g += best
    return g / (len(v) // cells)


@njit
def _support(signals: Any, there: Any, numbers: Any, cells: Any, learning: Any, v: Any) -> Any:
    """Fill V; return G and the number of signals that it is of."""
    n = there[0] + there[1] + there[2]
    g = _product(signals, there, numbers, cells, v)
    if learning or numbers[ALL_OF] < 0 or n == 1 or g >= numbers[ALL_OF]:
        return g, n
    if n == 3:
        for other in (1, 2):
            g = _product(signals, (1, int(other == 1), int(other == 2)), numbers, cells, v)
            if g >= numbers[TWO_OF]:
                return g, 2
    return _product(signals, (1, 0, 0), numbers, cells, v), 1


@njit
def _use(weights: Any, last: Any, active: Any, winners: Any, cells: Any, now: Any, plateaus: Any,
         saturation: Any) -> None:  # fmt: skip
    """Set weights from active inputs to winners, stiffer where they were used lately, unless a cell is frozen."""
    for q in range(len(winners)):
        c, set_before = q * cells + winners[q], 0
        if saturation < 1.0:
            for i in range(len(weights)):
                set_before += weights[i, c] > 0
            if set_before > saturation * len(weights):
                continue
        for k in range(len(active)):
            i = active[k]
            if len(plateaus):
                level = weights[i, c]
                soon = level > 0 and now - last[i, c] < plateaus[max(level, 1) - 1]
                weights[i, c] = min(max(level, 1) + soon, len(plateaus))
                last[i, c] = now
            else:
                weights[i, c] = 1


@njit
def _winners_of(v: Any, g: Any, u: Any, cells: Any, numbers: Any, middle: Any, learning: Any, edges: Any,
                winners: Any) -> Any:  # fmt: skip
    """Fill the winners; return the hypotheses and the mean support."""
    many, mean = 0, 0.0
    for c in range(len(v)):
        many += v[c] >= numbers[HYPOTHESIS]
        mean += v[c]
    for q in range(len(winners)):
        own, total, best = v[q * cells : (q + 1) * cells], 0.0, v[q * cells]
        for c in range(cells):
            best = max(best, own[c])
            if learning:
                total += _psi(own[c], g, cells, numbers, middle)
                edges[c] = total
        winners[q] = _pick(edges, u[q]) if learning else _nth_best(own, best, u[q])
    return max(1, int(many / len(winners) + 0.5)), mean / len(v)


@njit(nogil=True)
def _life(
    weights: Any, last: Any, lists: Any, sent: Any, starts: Any, recurrent: Any, own: Any, tables: Any, cells: Any,
    draws: Any, learning: Any, middle: Any, winners: Any, familiarity: Any, hypotheses: Any, used: Any,
) -> Any:  # fmt: skip
    """Show one replica all frames; return where the middle of the sigmoid ends."""
    wu, wh, wd = weights
    lu, lh, ld = last
    au, ah, ad = lists
    su, sh, sd = sent
    fading, plateaus = tables
    k0, k1, replica, clock = draws
    whole, modules = wu.shape[1], winners.shape[1]
    signals, v, u, edges = np.zeros((3, whole)), np.zeros(whole), np.empty(modules), np.zeros(cells)
    before, strength, n_before = np.zeros(modules, np.int32), np.ones(modules), 0
    for t in range(len(starts)):
        now = clock + t
        when = now if learning else clock
        if starts[t]:
            n_before = 0
        nu, nh, nd = _length(au[t]), _length(ah[t]), _length(ad[t])
        if nu < own[LEAST] or nu > own[MOST]:
            winners[t], familiarity[t], hypotheses[t], used[t] = -1, 0.0, 0, 0
            n_before = 0
            continue
        iu, id_ = au[t, :nu], ad[t, :nd]
        ih = before[:n_before] if recurrent else ah[t, :nh]
        _signal(wu, lu, iu, su[t, :nu], own[LEAST], when, fading, signals[0])
        if len(ih):
            _signal(wh, lh, ih, strength[:n_before] if recurrent else sh[t, :nh], 0.0, when, fading, signals[1])
        if len(id_):
            _signal(wd, ld, id_, sd[t, :nd], 0.0, when, fading, signals[2])
        g, n = _support(signals, (1, int(len(ih) > 0), int(len(id_) > 0)), own, cells, learning, v)
        _uniforms(k0, k1, replica, now, u)
        many, mean = _winners_of(v, g, u, cells, own, middle, learning, edges, winners[t])
        if learning:
            if own[FORM] == 2.0 and mean > MOVED_ABOVE:
                middle = min(LAST_MIDDLE, middle + STEP_OF_MIDDLE)
            _use(wu, lu, iu, winners[t], cells, now, plateaus, own[SATURATION])
            if len(ih):
                _use(wh, lh, ih, winners[t], cells, now, plateaus, own[SATURATION])
            if len(id_):
                _use(wd, ld, id_, winners[t], cells, now, plateaus, own[SATURATION])
        n_before = modules
        for q in range(modules):
            before[q], strength[q] = q * cells + winners[t, q], _sent(many, own)
        familiarity[t], hypotheses[t], used[t] = g, many, n
    return middle


def _own(array: NDArray[Any]) -> NDArray[Any]:
    """Return the array if it is contiguous and may be written to, else a copy that is."""
    return array if array.flags.c_contiguous and array.flags.writeable else np.array(array, order="C")


def shown(
    field: Field, frames: Frames, numbers: Array, tables: tuple[Array, NDArray[np.int64]], key: tuple[int, int],
    learning: bool, made: Codes,
) -> None:  # fmt: skip
    """Fill `made` with the codes of the frames; learning changes the field."""
    fading, plateaus = tables
    if frames.u_alone and not fading.size:
        _counted(field, frames, numbers, key, learning, made)
        return
    lists, strengths = (tuple(map(_own, part)) for part in (frames.signals, frames.strengths))
    starts = _own(frames.starts)
    # What learns writes into the field's own arrays, which are new ones.
    weights, last = (part if learning else tuple(map(_own, part)) for part in (field.weights, field.last))

    def life(r: int) -> None:
        own = [tuple(each[r % len(each)] for each in part) for part in (weights, last, lists, strengths)]
        draws = np.uint64(key[0]), np.uint64(key[1]), r, field.clock
        end = _life(*own, starts, frames.recurrent, numbers[r], (fading, plateaus), field.cells, draws, learning,
                    float(field.middle[r]), made.winners[r], made.familiarity[r], made.hypotheses[r],
                    made.used[r])  # fmt: skip
        if learning:
            field.middle[r] = end

    _side_by_side([partial(life, r) for r in range(len(field.middle))])
