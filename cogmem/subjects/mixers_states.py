"""Mixers that keep a state of their own making: a simple recurrent network, waves, fading traces and Legendre states.

A question is one more token, from the same state for every question. Shapes are as in `mixers`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nf

from cogmem.subjects.mixers import Mixer, Own, Shapes, Start, State, _recurrent_network, product

Array = NDArray[np.float64]
Starts = Mapping[str, Start]
CONTEXTS: Final = 4
"""Frequencies at which each trace of a fast and forgetful memory turns."""
LONGEST: Final = 1024
"""Tokens until the slowest trace is at 1 % and the slowest context has turned once."""
DEGREES: Final = 32
"""Legendre polynomials in which a channel's past is written."""
PACES: Final = (1e-2, 1.0)
"""Steps of channels at the start, between a past of a hundred tokens and of one."""


# ---- recurrent networks ---------------------------------------------------------------------------------------------


def elman_cell(gates: Tensor, weight: Tensor, state: State) -> State:
    """Return (h,) after a step, h = tanh(x W + h U + b) (Elman, 1990)."""
    return (torch.baddbmm(gates, state[0], weight).tanh(),)


def wave_cell(gates: Tensor, weight: Tensor, state: State) -> State:
    """Return (h,) after a step, h = ReLU(x V + u * h + b) (Keller et al., 2023)."""
    return (torch.baddbmm(gates, state[0], weight).relu(),)


def _orthogonal(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return recurrent weights (w, w) by which a state neither grows nor fades before the tanh."""
    return np.asarray(np.linalg.qr(rng.standard_normal(shape))[0])


def _rings(own: Own) -> dict[str, Tensor]:
    """Return the weights of a simple recurrent network whose units stand on rings, one ring a head.

    Kernel (m, 3, h, h): from each ring to each, to the unit before, to the one at the same place and to the next.
    """
    kernel, units = own["kernel"], own["input"].shape[-1]
    places = torch.eye(units, dtype=kernel.dtype)
    shifts = torch.stack([places.roll(by, 1) for by in (-1, 0, 1)])
    whole = torch.einsum("msac,sij->maicj", kernel, shifts)
    recurrent = whole.reshape(len(kernel), kernel.shape[-1] * units, -1)
    return {"input": own["input"].flatten(2), "recurrent": recurrent, "bias": own["bias"]}


def _through(base: Mixer, view: Callable[[Own], Own], shapes: Callable[[int, int], Shapes], starts: Starts) -> Mixer:
    """Return the mixer whose weights `view` makes those of `base` from."""
    return Mixer(
        shapes,
        lambda own, streams, heads: base.start(view(own), streams, heads),
        lambda own, state, x, heads: base.step(view(own), state, x, heads),
        lambda own, state, asked, heads: base.ask(view(own), state, asked, heads),
        lambda own, study, asked, heads, **how: base.parallel(view(own), study, asked, heads, **how),
        starts,
    )


def _ring_shapes(width: int, heads: int) -> Shapes:
    return {"input": (width, heads, width // heads), "kernel": (3, heads, heads), "bias": (width,)}


def _one_source(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return input weights (w, h, d) to the first unit of each ring alone."""
    weight = np.zeros(shape)
    # Inputs are of mean 0, so that the ones of the paper would say nothing here.
    weight[:, :, 0] = rng.standard_normal(shape[:2]) * shape[0] ** -0.5
    return weight


def _onward(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return the kernel (3, h, h) that moves what is on each ring by one unit."""
    kernel = np.zeros(shape)
    kernel[2] = np.eye(shape[1])
    return kernel


# ---- fast and forgetful memory --------------------------------------------------------------------------------------


def _ffm_shapes(width: int, heads: int) -> Shapes:
    traces = width // 2
    return {
        "input": (width, 3 * width),
        "input_bias": (3 * width,),
        "fading": (traces,),
        "turning": (CONTEXTS,),
        "merge": (2 * traces * CONTEXTS, width),
        "merge_bias": (width,),
    }


def _fading(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return the logarithms of rates of forgetting, from a half-life of one token to 1 % left after the longest."""
    return np.asarray(np.log(np.linspace(np.log(2), np.log(100) / LONGEST, shape[0])))


def _turning(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return turns in radians a token, their periods evenly from 1 to the longest."""
    return np.asarray(2 * np.pi / np.linspace(1, LONGEST, shape[0]))


def _ffm_rate(own: Own) -> Tensor:
    """Return the complex rate of each trace in each context, (m, 1, traces, contexts); a trace can only fade."""
    return torch.complex(-own["fading"].exp()[:, None, :, None], own["turning"][:, None, None, :])


def _ffm_given(own: Own, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return of tokens what they add to each trace (m, b, n, traces), what they are past it and its share (..., w)."""
    width = x.shape[-1]
    parts = product(x, own["input"]) + own["input_bias"][:, None, None]
    added, opened, past, share = torch.split(parts, [width // 2, width // 2, width, width], -1)
    return added * opened.sigmoid(), past, share.sigmoid()


def _ffm_out(own: Own, traces: Tensor, past: Tensor, share: Tensor) -> Tensor:
    """Return outputs (m, b, n, w) of tokens whose traces are (m, b, n, traces, contexts) (Morad et al., 2023).

    Traces s = exp(a + i b) s + y sigmoid(g), rates a one a trace, turns b one a context; out = LN([Re s, Im s] W) o +
    (x V) (1 - o), o = sigmoid(x U).
    """
    merged = product(torch.view_as_real(traces).flatten(3), own["merge"]) + own["merge_bias"][:, None, None]
    return torch.lerp(past, nf.layer_norm(merged, merged.shape[-1:]), share)


def _ffm_start(own: Own, streams: int, heads: int) -> State:
    shape = (len(own["fading"]), streams, own["fading"].shape[-1], CONTEXTS)
    return (torch.zeros(shape, dtype=torch.complex(own["fading"], own["fading"]).dtype),)


def _ffm_step(own: Own, state: State, x: Tensor, heads: int) -> tuple[Tensor, State]:
    added, past, share = _ffm_given(own, x[:, :, None])
    traces = _ffm_rate(own).exp() * state[0] + added[:, :, 0, :, None]
    return _ffm_out(own, traces[:, :, None], past, share)[:, :, 0], (traces,)


def _ffm_ask(own: Own, state: State, asked: Tensor, heads: int) -> Tensor:
    added, past, share = _ffm_given(own, asked)
    traces = (_ffm_rate(own).exp() * state[0])[:, :, None] + added[..., None]
    return _ffm_out(own, traces, past, share)


def _ffm_parallel(own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False) -> Tensor:
    """Return the outputs; sums over the last 1, 2, 4, ... tokens are made from the ones before."""
    added, past, share = _ffm_given(own, study)
    rate, time = _ffm_rate(own), study.shape[2]
    if asked_only:
        left = torch.view_as_real((rate * torch.arange(time - 1, -1, -1)[:, None, None]).exp())
        end = torch.view_as_complex(torch.einsum("mbtu,mtuck->mbuck", added, left))
        return _ffm_ask(own, (end,), asked, heads)
    traces, reach = added[..., None] + torch.zeros_like(rate)[:, None], 1
    while reach < time:
        older = (rate * reach).exp()[:, None] * traces[:, :, :-reach]
        traces, reach = torch.cat((traces[:, :, :reach], traces[:, :, reach:] + older), 2), 2 * reach
    return torch.cat((_ffm_out(own, traces, past, share), _ffm_ask(own, (traces[:, :, -1],), asked, heads)), 2)


# ---- a linear state space -------------------------------------------------------------------------------------------


@cache
def legs(degrees: int) -> tuple[Array, Array]:
    """Return A (n, n) and B (n,) of x' = A x + B u, HiPPO-LegS (Gu et al., 2020).

    Unit k of x is the coefficient of sqrt(2k + 1) P_k(2z - 1) in the past, written as a function of z = exp(-age).
    """
    k = np.arange(degrees)
    root = np.sqrt(2 * k + 1)
    return -np.tril(np.outer(root, root), -1) - np.diag(k + 1.0), root


def _hippo_shapes(width: int, heads: int) -> Shapes:
    return {"pace": (width,), "read": (DEGREES, width), "past": (width,)}


def _paces(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return the logarithms of steps, evenly between those of `PACES`."""
    return np.asarray(rng.uniform(np.log(PACES[0]), np.log(PACES[1]), shape))


def _discrete(own: Own) -> tuple[Tensor, Tensor]:
    """Return each channel's bilinear step of x (as a row): x after = x M + u B, M (m, w, n, n), B (m, w, 1, n)."""
    a, b = (torch.from_numpy(part).to(own["pace"].dtype) for part in legs(DEGREES))
    half, eye = 0.5 * own["pace"].exp()[..., None, None], torch.eye(DEGREES, dtype=a.dtype)
    both = torch.cat(((eye + half * a), 2 * half * b[:, None]), -1)
    solved: Tensor = torch.linalg.solve_triangular(eye - half * a, both, upper=False)
    return solved[..., :-1].transpose(-1, -2), solved[..., -1:].transpose(-1, -2)


def _hippo_start(own: Own, streams: int, heads: int) -> State:
    members, width = own["pace"].shape
    return (own["pace"].new_zeros(members, streams, width, DEGREES),)


def _hippo_step(own: Own, state: State, x: Tensor, heads: int) -> tuple[Tensor, State]:
    """Return gelu(C z + D u) and the state z = A z + B u of each channel (Gu et al., 2021)."""
    move, push = _discrete(own)
    after = (state[0].transpose(1, 2) @ move + x.transpose(1, 2)[..., None] * push).transpose(1, 2)
    read = (after * own["read"].transpose(1, 2)[:, None]).sum(-1)
    return nf.gelu(read + x * own["past"][:, None]), (after,)


def _hippo_ask(own: Own, state: State, asked: Tensor, heads: int) -> Tensor:
    copies = tuple(part.repeat_interleave(asked.shape[2], 1) for part in state)
    return _hippo_step(own, copies, asked.flatten(1, 2), heads)[0].view(asked.shape)


def _kernel(own: Own, lags: int) -> Tensor:
    """Return what each channel says of an input that was `lag` tokens ago: (m, w, lags)."""
    move, rows = _discrete(own)
    while rows.shape[-2] < lags:
        rows, move = torch.cat((rows, rows @ move), -2), move @ move
    return (rows[..., :lags, :] @ own["read"].transpose(1, 2)[..., None])[..., 0]


def _hippo_parallel(own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False) -> Tensor:
    """Return the outputs: a linear system is a convolution of its inputs with what it says of one."""
    time = study.shape[2]
    kernel = _kernel(own, time + 1)
    now = (kernel[..., 0] + own["past"])[:, None, None]
    answers = torch.einsum("mbtw,mwt->mbw", study, kernel[..., 1:].flip(-1))[:, :, None] + now * asked
    if asked_only:
        return nf.gelu(answers)
    ago = torch.arange(time) - torch.arange(time)[:, None]
    said = kernel[..., ago.clamp(min=0)].masked_fill(ago < 0, 0.0)
    before = (study.permute(0, 3, 1, 2) @ said).permute(0, 2, 3, 1)
    return nf.gelu(torch.cat((before + study * own["past"][:, None, None], answers), 2))


STATE_MIXERS: Final[Mapping[str, Mixer]] = {
    # Elman (1990).
    "elman": replace(_recurrent_network(elman_cell, 1, 1), initial={"recurrent": _orthogonal}),
    # Keller et al. (2023), the units of a ring being a wave's places.
    "wave_rnn": _through(
        _recurrent_network(wave_cell, 1, 1), _rings, _ring_shapes, {"input": _one_source, "kernel": _onward}
    ),
    # Morad et al. (2023), fast and forgetful memory.
    "ffm": Mixer(
        _ffm_shapes, _ffm_start, _ffm_step, _ffm_ask, _ffm_parallel, {"fading": _fading, "turning": _turning}
    ),
    # Gu et al. (2021), the linear state-space layer with the HiPPO matrix; the skip past it starts as 1.
    "hippo": Mixer(
        _hippo_shapes, _hippo_start, _hippo_step, _hippo_ask, _hippo_parallel,
        {"pace": _paces, "past": lambda shape, rng: np.ones(shape)},
    ),
}  # fmt: skip
"""By name."""
