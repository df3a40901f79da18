"""Code selection on the GPU: a block of threads a replica, a cell a thread, a module a thread where winners are drawn.

Fields of plain weights shown U alone keep them packed, in the block's shared memory where they fit into what every card
gives without being asked; other fields read rows of weights from global memory.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numba import cuda, uint64
from numpy.typing import NDArray

from cogmem.kernels.cuda.launch import THREADS
from cogmem.kernels.cuda.random import block
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

SHARED: Final = 48 * 1024
"""Bytes of shared memory that a block has on every card."""
_BIT: Final = np.uint64(1)


_psi: Final = cuda.jit(device=True)(psi_of_one)
_sent: Final = cuda.jit(device=True)(sent_by)
_length: Final = cuda.jit(device=True)(length_of)


@cuda.jit(device=True)
def _uniform(k0: Any, k1: Any, replica: Any, frame: Any, module: Any) -> Any:
    w0, w1, w2, w3 = block(k0, k1, uint64(replica), uint64(frame), uint64(module // 4))
    place = module % 4
    word = w0 if place == 0 else w1 if place == 1 else w2 if place == 2 else w3
    return (float(word) + 0.5) * RANGE


@cuda.jit(device=True)
def _cell(weights: Any, last: Any, active: Any, n: Any, sent: Any, c: Any, now: Any, fading: Any) -> Any:
    """Return what is left of a cell's weights from n active inputs."""
    total = 0.0
    for k in range(n):
        i = active[k]
        if weights[i, c] > 0:
            left = 1.0
            if fading.shape[0] > 0:
                left = fading[weights[i, c] - 1, min(now - last[i, c], fading.shape[1] - 1)]
            total += left * sent[k]
    return total


@cuda.jit(device=True)
def _product(signals: Any, u: Any, h: Any, d: Any, numbers: Any, cells: Any, v: Any, best: Any) -> Any:
    """Fill the support of each cell by the chosen signals, all threads together; return G."""
    for c in range(cuda.threadIdx.x, v.shape[0], cuda.blockDim.x):
        made = 1.0
        if u:
            made *= signals[0, c] ** numbers[A_U]
        if h:
            made *= signals[1, c] ** numbers[A_U + 1]
        if d:
            made *= signals[2, c] ** numbers[A_U + 2]
        v[c] = made
    cuda.syncthreads()
    modules = best.shape[0]
    for q in range(cuda.threadIdx.x, modules, cuda.blockDim.x):
        high = v[q * cells]
        for c in range(q * cells, (q + 1) * cells):
            high = max(high, v[c])
        best[q] = high
    cuda.syncthreads()
    g = 0.0
    for q in range(modules):
        g += best[q]
    # The next product must not write `best` before all have read it.
    cuda.syncthreads()
    return g / modules


@cuda.jit(device=True)
def _winner(v: Any, first: Any, g: Any, u: Any, cells: Any, numbers: Any, middle: Any, best: Any, learning: Any) -> Any:
    """Return the winner of the module whose cells begin at `first`."""
    if not learning:
        equal = 0
        for c in range(cells):
            equal += 1 if v[first + c] == best else 0
        left, chosen = int(u * equal), -1
        for c in range(cells):
            if v[first + c] == best:
                if left == 0:
                    chosen = c
                left -= 1
        return max(chosen, 0)
    total = 0.0
    for c in range(cells):
        total += _psi(v[first + c], g, cells, numbers, middle)
    wanted, edge = u * total, 0.0
    for c in range(cells):
        edge += _psi(v[first + c], g, cells, numbers, middle)
        if edge > wanted:
            return c
    return cells - 1


@cuda.jit(device=True)
def _use(weights: Any, last: Any, active: Any, n: Any, c: Any, now: Any, plateaus: Any, saturation: Any) -> None:
    """Set a winner's weights from n active inputs, stiffer where they were used lately, unless the cell is frozen."""
    before = 0
    if saturation < 1.0:
        for i in range(weights.shape[0]):
            before += 1 if weights[i, c] > 0 else 0
    if before > saturation * weights.shape[0]:
        return
    for k in range(n):
        i = active[k]
        if plateaus.shape[0] > 0:
            level = max(int(weights[i, c]), 1)
            if weights[i, c] > 0 and now - last[i, c] < plateaus[level - 1]:
                level += 1
            weights[i, c] = min(level, plateaus.shape[0])
            last[i, c] = now
        else:
            weights[i, c] = 1


@cuda.jit(device=True)
def _use_words(words: Any, shown: Any, c: Any, inputs: Any, saturation: Any) -> None:
    n = shown.shape[0]
    before = 0
    for w in range(n):
        before += cuda.popc(words[c * n + w])
    if saturation == 1.0 or before <= saturation * inputs:
        for w in range(n):
            words[c * n + w] |= shown[w]


def _kernel(words_of_u: bool, shared: bool) -> Any:
    """Return the kernel of fields whose weights from U are packed (in shared memory or not), or are rows of bytes."""

    @cuda.jit
    def run(
        wu: Any, wh: Any, wd: Any, lu: Any, lh: Any, ld: Any, au: Any, ah: Any, ad: Any, su: Any, sh: Any, sd: Any,
        starts: Any, recurrent: Any, numbers: Any, fading: Any, plateaus: Any, cells: Any, k0: Any, k1: Any, clock: Any,
        learning: Any, middle: Any, winners: Any, familiarity: Any, hypotheses: Any, used: Any, given: Any, masks: Any,
        signals: Any, v: Any, best: Any, many: Any, before: Any, strength: Any,
    ) -> None:  # fmt: skip
        r, first, step = cuda.blockIdx.x, cuda.threadIdx.x, cuda.blockDim.x
        whole, modules, own = v.shape[1], winners.shape[2], numbers[r]
        inputs, n_words = wu.shape[1], masks.shape[1]
        if shared:
            words = cuda.shared.array(0, uint64)
            for k in range(first, whole * n_words, step):
                words[k] = given[r, k]
        else:
            words = given[r]
        cuda.syncthreads()
        n_before = 0
        for t in range(starts.shape[0]):
            now = clock + t
            when = now if learning else clock
            if starts[t]:
                n_before = 0
            iu, ih, id_ = au[r % au.shape[0], t], ah[r % ah.shape[0], t], ad[r % ad.shape[0], t]
            nu, nh, nd = _length(iu), _length(ih), _length(id_)
            if nu < own[LEAST] or nu > own[MOST]:
                for q in range(first, modules, step):
                    winners[r, t, q] = -1
                if first == 0:
                    familiarity[r, t], hypotheses[r, t], used[r, t] = 0.0, 0, 0
                n_before = 0
                continue
            if recurrent:
                nh = n_before
            most = max(float(nu), own[LEAST], 1.0)
            if words_of_u:
                for w in range(first, n_words, step):
                    mask = uint64(0)
                    for k in range(nu):
                        if iu[k] >> 6 == w:
                            mask |= _BIT << uint64(iu[k] & 63)
                    masks[r, w] = mask
                cuda.syncthreads()
            for c in range(first, whole, step):
                if words_of_u:
                    count = 0
                    for w in range(n_words):
                        count += cuda.popc(words[c * n_words + w] & masks[r, w])
                    signals[r, 0, c] = min(1.0, count / most)
                else:
                    total = _cell(wu[r], lu[r], iu, nu, su[r % su.shape[0], t], c, when, fading)
                    signals[r, 0, c] = min(1.0, total / most)
                if nh > 0 and recurrent:
                    signals[r, 1, c] = min(1.0, _cell(wh[r], lh[r], before[r], nh, strength[r], c, when, fading) / nh)
                elif nh > 0:
                    sent = sh[r % sh.shape[0], t]
                    signals[r, 1, c] = min(1.0, _cell(wh[r], lh[r], ih, nh, sent, c, when, fading) / nh)
                if nd > 0:
                    sent = sd[r % sd.shape[0], t]
                    signals[r, 2, c] = min(1.0, _cell(wd[r], ld[r], id_, nd, sent, c, when, fading) / nd)
            cuda.syncthreads()
            h, d, n = nh > 0, nd > 0, 1 + (1 if nh > 0 else 0) + (1 if nd > 0 else 0)
            g = _product(signals[r], True, h, d, own, cells, v[r], best[r])
            if not learning and own[ALL_OF] >= 0 and n > 1 and g < own[ALL_OF]:
                if n == 3:
                    n = 2
                    g = _product(signals[r], True, True, False, own, cells, v[r], best[r])
                    if g < own[TWO_OF]:
                        g = _product(signals[r], True, False, True, own, cells, v[r], best[r])
                    if g < own[TWO_OF]:
                        n = 1
                else:
                    n = 1
                if n == 1:
                    g = _product(signals[r], True, False, False, own, cells, v[r], best[r])
            for q in range(first, modules, step):
                count = 0
                for c in range(q * cells, (q + 1) * cells):
                    count += 1 if v[r, c] >= own[HYPOTHESIS] else 0
                many[r, q] = count
                u = _uniform(k0, k1, r, now, q)
                winners[r, t, q] = _winner(v[r], q * cells, g, u, cells, own, middle[r], best[r, q], learning)
            cuda.syncthreads()
            count = 0
            for q in range(modules):
                count += many[r, q]
            held = max(1, int(count / modules + 0.5))
            for q in range(first, modules, step):
                c = q * cells + winners[r, t, q]
                if learning:
                    if words_of_u:
                        _use_words(words, masks[r], c, inputs, own[SATURATION])
                    else:
                        _use(wu[r], lu[r], iu, nu, c, now, plateaus, own[SATURATION])
                    if nh > 0:
                        _use(wh[r], lh[r], before[r] if recurrent else ih, nh, c, now, plateaus, own[SATURATION])
                    if nd > 0:
                        _use(wd[r], ld[r], id_, nd, c, now, plateaus, own[SATURATION])
            if first == 0:
                familiarity[r, t], hypotheses[r, t], used[r, t] = g, held, n
                if learning and own[FORM] == 2.0:
                    total = 0.0
                    for c in range(whole):
                        total += v[r, c]
                    if total / whole > MOVED_ABOVE:
                        middle[r] = min(LAST_MIDDLE, middle[r] + STEP_OF_MIDDLE)
            # Everybody has read the last code before the next one takes its place.
            cuda.syncthreads()
            n_before = modules
            for q in range(first, modules, step):
                before[r, q] = q * cells + winners[r, t, q]
                strength[r, q] = _sent(held, own)
            cuda.syncthreads()
        if shared and learning:
            for k in range(first, whole * n_words, step):
                given[r, k] = words[k]

    return run


_ROWS: Final = _kernel(False, False)
_PACKED: Final = _kernel(True, False)
_PACKED_SHARED: Final = _kernel(True, True)


def shown(
    field: Field, frames: Frames, numbers: Array, tables: tuple[Array, NDArray[np.int64]], key: tuple[int, int],
    learning: bool, made: Codes,
) -> None:  # fmt: skip
    """Fill `made` with the codes of the frames; learning changes the field."""
    fading, plateaus = tables
    replicas, inputs, whole = field.weights[0].shape
    if not replicas or not len(frames.starts):
        return
    plain = frames.u_alone and not fading.size
    words = packed(field.weights[0]).reshape(replicas, -1) if plain else np.zeros((replicas, 1), np.uint64)
    size = words.shape[1] * 8 if plain and words.shape[1] * 8 <= SHARED else 0
    modules = field.modules
    scratch = (np.zeros((replicas, max(1, -(-inputs // 64))), np.uint64), np.zeros((replicas, 3, whole)),
               np.zeros((replicas, whole)), np.zeros((replicas, modules)), np.zeros((replicas, modules), np.int64),
               np.zeros((replicas, modules), np.int32), np.ones((replicas, modules)))  # fmt: skip
    changed = [cuda.to_device(np.ascontiguousarray(each)) for each in (*field.weights, *field.last)]
    results = [cuda.to_device(each) for each in (field.middle, made.winners, made.familiarity, made.hypotheses,
                                                 made.used, words)]  # fmt: skip
    given = [cuda.to_device(np.ascontiguousarray(each)) for each in (*frames.signals, *frames.strengths, frames.starts)]
    rule = [cuda.to_device(each) for each in (numbers, fading, plateaus)]
    run = (_PACKED_SHARED if size else _PACKED) if plain else _ROWS
    run[replicas, THREADS, 0, size](
        *changed, *given, frames.recurrent, *rule, field.cells, np.uint64(key[0]), np.uint64(key[1]), field.clock,
        learning, *results, *(cuda.to_device(each) for each in scratch),
    )  # fmt: skip
    for host, device in zip((made.winners, made.familiarity, made.hypotheses, made.used), results[1:5], strict=True):
        device.copy_to_host(host)
    if learning:
        results[0].copy_to_host(field.middle)
        # Packed weights from U come back by themselves.
        for k, device in enumerate(changed):
            host = (field.weights + field.last)[k]
            if host.size and (k or not plain):
                device.copy_to_host(host)
        if plain:
            unpacked(results[5].copy_to_host().reshape(replicas, whole, -1), field.weights[0])
