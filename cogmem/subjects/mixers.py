"""What a network keeps of a stream: seven mixers as pure functions over stacked weights (axis 0 is the member).

Each has two forms. The recurrence is the meaning: `start`, then `step` a study token, then `ask` (a read that leaves
the state as it was, so questions never see one another). The parallel form does all tokens of a stream at once and is
what networks train and answer with. Shapes: m members, b streams, h heads, t study tokens, q questions, w units; a
head has d = w / h of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nf

from cogmem.subjects.regressions import written

Own = Mapping[str, Tensor]
"""The weights of one mixer of one layer: name -> (m, *shape)."""
State = tuple[Tensor, ...]
Shapes = dict[str, tuple[int, ...]]
Start = Callable[[tuple[int, ...], np.random.Generator], NDArray[np.float64]]
"""(shape, generator) -> one weight of one member before training."""

Cell = Callable[[Tensor, Tensor, State], State]
"""(gates (m, n, ...), recurrent weights, state) -> the state after; its first tensor, (m, n, w), is the output."""

_BASE: Final = 10_000.0
"""Rotary positions turn the slowest pair of a head's units once in this many radians (Su et al., 2021)."""


@dataclass(frozen=True)
class Mixer:
    """One mixer: the shapes of its weights for (w, h), its recurrence, and all at once.

    `start(own, streams, heads)`: the state before a stream. `step(own, state, x (m, b, w), heads)`: (output (m, b, w),
    state). `ask(own, state, asked (m, b, q, w), heads)`: (m, b, q, w). `parallel(own, study (m, b, t, w), asked,
    heads)`: outputs (m, b, t + q, w) of study tokens and questions; `asked_only` leaves out those of study tokens.
    `initial`: the starts of weights that do not start as most do.
    """

    shapes: Callable[[int, int], Shapes]
    start: Callable[[Own, int, int], State]
    step: Callable[[Own, State, Tensor, int], tuple[Tensor, State]]
    ask: Callable[[Own, State, Tensor, int], Tensor]
    parallel: Callable[..., Tensor]
    initial: Mapping[str, Start] = field(default_factory=dict)


def product(x: Tensor, weight: Tensor) -> Tensor:
    """Return x (m, ..., i) times each member's weight (m, i, o): (m, ..., o)."""
    return torch.bmm(x.reshape(x.shape[0], -1, x.shape[-1]), weight).view(*x.shape[:-1], weight.shape[-1])


def recurrent(mixer: Mixer, own: Own, study: Tensor, asked: Tensor, heads: int) -> Tensor:
    """Return what `mixer.parallel` returns, (m, b, t + q, w), one study token after another."""
    state, outs = mixer.start(own, study.shape[1], heads), []
    for x in study.unbind(2):
        out, state = mixer.step(own, state, x, heads)
        outs.append(out)
    return torch.cat((torch.stack(outs, 2), mixer.ask(own, state, asked, heads)), 2)


# ---- linear attention, with decay, and the delta rule ---------------------------------------------------------------


def _split(x: Tensor, heads: int) -> Tensor:
    """Return (m, b, n, w) as (m, b, h, n, d)."""
    return x.view(*x.shape[:3], heads, -1).transpose(2, 3)


def _joined(x: Tensor) -> Tensor:
    return x.transpose(2, 3).flatten(3)


def _read(own: Own, x: Tensor, heads: int, *, unit: bool = True) -> Tensor:
    """Return the queries of tokens, (m, b, h, n, d), of length 1 where `unit`."""
    q = _split(product(x, own["read"]), heads)
    return nf.normalize(q, dim=-1) if unit else q


def _written(own: Own, x: Tensor, heads: int, *, unit: bool = True) -> tuple[Tensor, Tensor]:
    """Return keys and values of tokens, each (m, b, h, n, d)."""
    k, v = (_split(part, heads) for part in product(x, own["write"]).chunk(2, -1))
    return (nf.normalize(k, dim=-1) if unit else k), v


def _strength(own: Own, x: Tensor) -> Tensor:
    """Return the share of the old value that each token's write erases, in (0, 1): (m, b, h, n)."""
    return (product(x, own["strength"]) + own["strength_bias"][:, None, None]).sigmoid().transpose(2, 3)


def _evened(x: Tensor) -> Tensor:
    """Return the outputs of each head at one size: a sum over a longer stream is larger, and means no more."""
    return nf.layer_norm(x, x.shape[-1:])


def _decay(own: Own) -> Tensor:
    """Return the logarithm of the share of the state that each head keeps at a token: (m, 1, h, 1, 1), below 0."""
    return nf.logsigmoid(own["decay"])[:, None, :, None, None]


def _seen(study: Tensor, asked: Tensor, *, asked_only: bool) -> tuple[Tensor, Tensor]:
    """Return the tokens that read (m, b, r, w) and how many study tokens each of them sees (r,)."""
    time = study.shape[2]
    at_end = torch.full((asked.shape[2],), time)
    if asked_only:
        return asked, at_end
    return torch.cat((study, asked), 2), torch.cat((torch.arange(1, time + 1), at_end))


def _linear_parallel(
    own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False, rule: str
) -> Tensor:
    readers, seen = _seen(study, asked, asked_only=asked_only)
    q, (k, v) = _read(own, readers, heads), _written(own, study, heads)
    if rule == "delta":
        v = written(k, v, _strength(own, study))
    since = seen[:, None] - 1 - torch.arange(study.shape[2])
    scores = (q @ k.transpose(-1, -2)).masked_fill(since < 0, 0.0)
    if rule == "decay":
        scores = scores * (since.clamp(min=0) * _decay(own)).exp()
    return _joined(_evened(scores @ v))


def _linear_start(own: Own, streams: int, heads: int) -> State:
    members, width = own["read"].shape[:2]
    return (own["read"].new_zeros(members, streams, heads, width // heads, width // heads),)


def _linear_step(own: Own, state: State, x: Tensor, heads: int, *, rule: str) -> tuple[Tensor, State]:
    (store,), token = state, x[:, :, None]
    k, v = _written(own, token, heads)
    if rule == "decay":
        store = store * _decay(own).exp()
    if rule == "delta":
        v = _strength(own, token)[..., None] * (v - k @ store)
    store = store + k.transpose(-1, -2) @ v
    return _linear_ask(own, (store,), token, heads)[:, :, 0], (store,)


def _linear_ask(own: Own, state: State, asked: Tensor, heads: int) -> Tensor:
    return _joined(_evened(_read(own, asked, heads) @ state[0]))


# ---- softmax attention, without positions and rotary ----------------------------------------------------------------


def turned(x: Tensor, positions: Tensor) -> Tensor:
    """Return x (..., n, d) turned by its positions (n,), so that products depend on distances (Su et al., 2021)."""
    half = x.shape[-1] // 2
    angles = positions[:, None] * _BASE ** (-torch.arange(half) / half)
    one, two = x[..., :half], x[..., half:]
    return torch.cat((one * angles.cos() - two * angles.sin(), one * angles.sin() + two * angles.cos()), -1)


def _softmax_parallel(
    own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False, rotary: bool
) -> Tensor:
    time = study.shape[2]
    readers, seen = _seen(study, asked, asked_only=asked_only)
    q, (k, v) = _read(own, readers, heads, unit=False), _written(own, study, heads, unit=False)
    if rotary:
        # A question stands where the next study token would.
        places = torch.cat((torch.arange(len(seen) - asked.shape[2]), torch.full((asked.shape[2],), time)))
        q, k = turned(q, places), turned(k, torch.arange(time))
    hidden = torch.arange(time) >= seen[:, None]
    scores = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill(hidden, -torch.inf)
    return _joined(scores.softmax(-1) @ v)


def _softmax_start(own: Own, streams: int, heads: int) -> State:
    members, width = own["read"].shape[:2]
    empty = own["read"].new_zeros(members, streams, heads, 0, width // heads)
    return empty, empty


def _softmax_step(own: Own, state: State, x: Tensor, heads: int, *, rotary: bool) -> tuple[Tensor, State]:
    token = x[:, :, None]
    k, v = _written(own, token, heads, unit=False)
    if rotary:
        k = turned(k, torch.tensor([state[0].shape[3]]))
    after = torch.cat((state[0], k), 3), torch.cat((state[1], v), 3)
    return _softmax_ask(own, after, token, heads, rotary=rotary, back=1)[:, :, 0], after


def _softmax_ask(own: Own, state: State, asked: Tensor, heads: int, *, rotary: bool, back: int = 0) -> Tensor:
    q = _read(own, asked, heads, unit=False)
    if rotary:
        q = turned(q, torch.full((asked.shape[2],), state[0].shape[3] - back))
    return _joined((q @ state[0].transpose(-1, -2) * q.shape[-1] ** -0.5).softmax(-1) @ state[1])


# ---- recurrent networks ---------------------------------------------------------------------------------------------


def gru_cell(gates: Tensor, weight: Tensor, state: State) -> State:
    """Return (h,) after a step (Cho et al., 2014); gates in the order keep, reset, candidate."""
    (h,), width = state, state[0].shape[-1]
    opened = torch.baddbmm(gates[..., : 2 * width], h, weight[..., : 2 * width]).sigmoid()
    keep, reset = opened[..., :width], opened[..., width:]
    candidate = torch.baddbmm(gates[..., 2 * width :], reset * h, weight[..., 2 * width :]).tanh()
    return (torch.lerp(candidate, h, keep),)


def lstm_cell(gates: Tensor, weight: Tensor, state: State) -> State:
    """Return (h, c) after a step (Hochreiter & Schmidhuber, 1997); gates: input, forget, output, candidate."""
    (h, c), width = state, state[0].shape[-1]
    a = torch.baddbmm(gates, h, weight)
    three, candidate = a[..., : 3 * width].sigmoid(), a[..., 3 * width :].tanh()
    i, f, o = three.chunk(3, -1)
    c = torch.addcmul(f * c, i, candidate)
    return o * c.tanh(), c


def _gates(own: Own, x: Tensor) -> Tensor:
    return product(x, own["input"]) + own["bias"].view(len(x), *(1,) * (x.ndim - 2), -1)


def _cell_start(own: Own, streams: int, heads: int, *, parts: int) -> State:
    members, width = own["input"].shape[:2]
    return (own["input"].new_zeros(members, streams, width),) * parts


def _cell_step(own: Own, state: State, x: Tensor, heads: int, *, cell: Cell) -> tuple[Tensor, State]:
    after = cell(_gates(own, x), own["recurrent"], state)
    return after[0], after


def _cell_ask(own: Own, state: State, asked: Tensor, heads: int, *, cell: Cell) -> Tensor:
    """Return the output of one more step for each question, every one from the same state."""
    copies = tuple(part.repeat_interleave(asked.shape[2], 1) for part in state)
    return cell(_gates(own, asked.flatten(1, 2)), own["recurrent"], copies)[0].view(asked.shape)


def _cell_parallel(
    own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False, cell: Cell, parts: int
) -> Tensor:
    """Return the outputs; only what tokens add to the gates can be had at once."""
    state, outs = _cell_start(own, study.shape[1], heads, parts=parts), []
    for gates in _gates(own, study).unbind(2):
        state = cell(gates, own["recurrent"], state)
        outs.append(state[0])
    answers = _cell_ask(own, state, asked, heads, cell=cell)
    return answers if asked_only else torch.cat((torch.stack(outs, 2), answers), 2)


# ---- the seven ------------------------------------------------------------------------------------------------------


def _reading(width: int, heads: int) -> Shapes:
    return {"read": (width, width), "write": (width, 2 * width)}


def _linear(rule: str, more: Callable[[int, int], Shapes]) -> Mixer:
    return Mixer(
        lambda width, heads: _reading(width, heads) | more(width, heads),
        _linear_start,
        partial(_linear_step, rule=rule),
        _linear_ask,
        partial(_linear_parallel, rule=rule),
    )


def _softmax(*, rotary: bool) -> Mixer:
    return Mixer(
        _reading,
        _softmax_start,
        partial(_softmax_step, rotary=rotary),
        partial(_softmax_ask, rotary=rotary),
        partial(_softmax_parallel, rotary=rotary),
    )


def _recurrent_network(cell: Cell, gates: int, parts: int) -> Mixer:
    return Mixer(
        lambda width, heads: {
            "input": (width, gates * width),
            "recurrent": (width, gates * width),
            "bias": (gates * width,),
        },
        partial(_cell_start, parts=parts),
        partial(_cell_step, cell=cell),
        partial(_cell_ask, cell=cell),
        partial(_cell_parallel, cell=cell, parts=parts),
    )


MIXERS: Final[Mapping[str, Mixer]] = {
    "gru": _recurrent_network(gru_cell, 3, 1),
    "lstm": _recurrent_network(lstm_cell, 4, 2),
    "linear_attention": _linear("sum", lambda width, heads: {}),
    "decay_attention": _linear("decay", lambda width, heads: {"decay": (heads,)}),
    "delta_rule": _linear("delta", lambda width, heads: {"strength": (width, heads), "strength_bias": (heads,)}),
    "softmax_attention": _softmax(rotary=False),
    "rotary_attention": _softmax(rotary=True),
}
"""By name; the same names as in `updating_network.MIXER_NAMES`, which loads no torch."""
