"""Small autoregressive networks as pure functions over stacked weights: axis 0 of every tensor is the participant.

A population is one batched matrix product a layer instead of one small product a participant; members never mix, so
each is the network that it would have been alone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional as nf

from cogmem.errors import UserError
from cogmem.materials import Language
from cogmem.subjects.network_settings import NetworkSettings

Weights = Mapping[str, Tensor]
"""Name -> float32 tensor of shape (population, *shape); see `shapes`."""

State = tuple[Tensor, ...]
"""What a network keeps of the words so far: LSTM (h, c) a layer, transformer (keys, values) a layer."""

_MLP = 4
"""The transformer's inner layer is this many times as wide."""
_INPUT_SCALE = 3.0
"""Words and output share one table; its rows are read stronger than they are predicted, or later layers drown them."""


def shapes(settings: NetworkSettings, *, n_words: int, length: int) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of one network; row `n_words` of `words` is the start mark."""
    width = settings.width
    found: dict[str, tuple[int, ...]] = {"words": (n_words + 1, width), "output_bias": (n_words,)}
    if settings.architecture == "transformer":
        found["positions"] = (length, width)
    for layer in range(settings.layers):
        if settings.architecture == "lstm":
            parts = {"input": (width, 4 * width), "recurrent": (width, 4 * width), "bias": (4 * width,)}
        else:
            parts = {
                "qkv": (width, 3 * width),
                "mix": (width, width),
                "up": (width, _MLP * width),
                "up_bias": (_MLP * width,),
                "down": (_MLP * width, width),
            }
        found.update({f"layer{layer}.{name}": shape for name, shape in parts.items()})
    return found


def initial_weights(
    settings: NetworkSettings, *, n_words: int, length: int, seeds: tuple[int, ...]
) -> dict[str, Tensor]:
    """Return untrained weights, one member a seed; member i depends on seeds[i] alone."""
    members = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 11])
        needed = shapes(settings, n_words=n_words, length=length)
        members.append({name: _initial(name, shape, settings, rng) for name, shape in needed.items()})
    return {name: torch.from_numpy(np.stack([member[name] for member in members])) for name in members[0]}


def _initial(name: str, shape: tuple[int, ...], settings: NetworkSettings, rng: np.random.Generator) -> Any:
    if name.endswith("bias"):
        values = np.zeros(shape)
        if name.endswith(".bias"):
            # An open forget gate at the start lets the gradient reach the first words of a string.
            values[settings.width : 2 * settings.width] = 1.0
        return values.astype(np.float32)
    scale = {"words": settings.width**-0.5, "positions": 0.1 * _INPUT_SCALE}.get(name, shape[0] ** -0.5)
    if name.endswith((".mix", ".down")):
        scale /= (2 * settings.layers) ** 0.5
    return (scale * rng.standard_normal(shape)).astype(np.float32)


def advance(weights: Weights, settings: NetworkSettings, words: Tensor, state: State = ()) -> tuple[Tensor, State]:
    """Return (log-odds of every next word (population, strings, time, n_words), state after the last word).

    `words` is (population, strings, time); `state` continues strings begun in an earlier call.
    """
    table = weights["words"]
    population, n_rows, width = table.shape
    offsets = n_rows * torch.arange(population)[:, None, None]
    inputs = _INPUT_SCALE * nf.embedding(words + offsets, table.reshape(-1, width))
    layer = _lstm if settings.architecture == "lstm" else _transformer
    hidden, after = layer(weights, settings, inputs, state)
    flat = hidden.reshape(population, -1, width)
    logits = torch.baddbmm(weights["output_bias"][:, None], flat, table[:, :-1].transpose(1, 2))
    return logits.view(*words.shape, n_rows - 1), after


def _lstm(weights: Weights, settings: NetworkSettings, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    population, strings, time, width = inputs.shape
    after: list[Tensor] = []
    hidden = inputs
    for layer in range(settings.layers):
        own = {name: weights[f"layer{layer}.{name}"] for name in ("input", "recurrent", "bias")}
        gates = torch.baddbmm(own["bias"][:, None], hidden.reshape(population, -1, width), own["input"])
        zero = inputs.new_zeros(population, strings, width)
        h, c = state[2 * layer : 2 * layer + 2] if state else (zero, zero)
        steps = gates.view(population, strings, time, 4 * width)
        hidden, last = LSTMSteps.apply(steps, own["recurrent"], h, c)  # type: ignore[no-untyped-call]
        after += [hidden[:, :, -1], last]
    return hidden, tuple(after)


class LSTMSteps(torch.autograd.Function):
    """The LSTM recurrence (Hochreiter & Schmidhuber 1997; forget gate Gers 2000) with its gradient written out.

    Autograd would add one small weight gradient a time step; here the recurrent gradient is one matrix product.
    Gates are in the order input, forget, output, candidate.
    """

    @staticmethod
    def forward(ctx: Any, gates: Tensor, recurrent: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Return (h at every step (population, strings, time, width), c after the last)."""
        width = h.shape[-1]
        time = gates.shape[2]
        opened, before, cells, squashed, outs = [], [], [], [], []
        for t in range(time):
            before.append(h)
            cells.append(c)
            a = torch.baddbmm(gates[:, :, t], h, recurrent)
            three, candidate = a[..., : 3 * width].sigmoid_(), a[..., 3 * width :].tanh_()
            i, f, o = three[..., :width], three[..., width : 2 * width], three[..., 2 * width :]
            c = torch.addcmul(f * c, i, candidate)
            tanh_c = c.tanh()
            h = o * tanh_c
            opened.append(a)
            squashed.append(tanh_c)
            outs.append(h)
        if any(ctx.needs_input_grad):
            ctx.save_for_backward(recurrent, *(torch.stack(x, 2) for x in (opened, before, cells, squashed)))
        ctx.mark_non_differentiable(c)
        return torch.stack(outs, 2), c

    @staticmethod
    def backward(ctx: Any, grad: Tensor, _: Tensor) -> tuple[Tensor, Tensor, None, None]:
        """Return the gradients of gates and recurrent weights (the start state is never learned)."""
        recurrent, opened, before, cells, squashed = ctx.saved_tensors
        population, strings, time, width = grad.shape
        i, f, o, g = opened.view(*opened.shape[:-1], 4, width).unbind(-2)
        to_cell = o * (1 - squashed * squashed)
        slopes = torch.stack((g * i * (1 - i), cells * f * (1 - f), i * (1 - g * g)), 3)
        to_out = squashed * o * (1 - o)
        d_gates = opened.new_empty(population, strings, time, 4, width)
        back = recurrent.transpose(1, 2)
        dh = grad[:, :, -1]
        dc = torch.zeros_like(dh)
        for t in reversed(range(time)):
            dc = torch.addcmul(dc, dh, to_cell[:, :, t])
            part = d_gates[:, :, t]
            torch.mul(dh, to_out[:, :, t], out=part[:, :, 2])
            torch.mul(dc, slopes[:, :, t, 0], out=part[:, :, 0])
            torch.mul(dc, slopes[:, :, t, 1], out=part[:, :, 1])
            torch.mul(dc, slopes[:, :, t, 2], out=part[:, :, 3])
            if t:
                dh = torch.baddbmm(grad[:, :, t - 1], part.reshape(population, strings, 4 * width), back)
                dc = dc * f[:, :, t]
        d_gates = d_gates.flatten(-2)
        hidden = before.reshape(population, -1, width).transpose(1, 2)
        return d_gates, torch.bmm(hidden, d_gates.reshape(population, -1, 4 * width)), None, None


def _transformer(weights: Weights, settings: NetworkSettings, inputs: Tensor, state: State) -> tuple[Tensor, State]:
    population, strings, time, width = inputs.shape
    start = state[0].shape[2] if state else 0
    after: list[Tensor] = []
    hidden = (inputs + weights["positions"][:, None, start : start + time]).reshape(population, -1, width)
    for layer in range(settings.layers):
        own = {name: weights[f"layer{layer}.{name}"] for name in ("qkv", "mix", "up", "up_bias", "down")}
        qkv = torch.bmm(nf.layer_norm(hidden, (width,)), own["qkv"])
        heads = qkv.view(population * strings, time, 3, settings.heads, -1).permute(2, 0, 3, 1, 4)
        q, k, v = heads.unbind(0)
        if state:
            k, v = torch.cat((state[2 * layer], k), 2), torch.cat((state[2 * layer + 1], v), 2)
        after += [k, v]
        mixed = nf.scaled_dot_product_attention(q, k, v, is_causal=not state)
        mixed = mixed.transpose(1, 2).reshape(population, -1, width)
        hidden = torch.baddbmm(hidden, mixed, own["mix"])
        up = nf.gelu(torch.baddbmm(own["up_bias"][:, None], nf.layer_norm(hidden, (width,)), own["up"]))
        hidden = torch.baddbmm(hidden, up, own["down"])
    return nf.layer_norm(hidden, (width,)).view(inputs.shape), tuple(after)


def write_weights(path: Path, weights: Weights, *, made_with: str) -> None:
    """Write the weights as safetensors, renamed into place when whole; the header says what they were made with."""
    partial = path.with_name(f".{path.name}.partial")
    tensors = {name: weight.detach().contiguous() for name, weight in weights.items()}
    save_file(tensors, partial, metadata={"made_with": made_with})
    partial.replace(path)


def read_weights(path: Path, names: Iterable[str], *, made_with: str) -> dict[str, Tensor]:
    """Return the weights of these names; UserError where the file is damaged or was made with something else."""
    try:
        with safe_open(path, framework="pt") as file:
            written = (file.metadata() or {}).get("made_with")
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (SafetensorError, OSError) as error:
        raise UserError(f"The weights {path} cannot be read ({error}); delete the file and train again.") from None
    if written != made_with:
        raise UserError(f"The weights {path} were made with {written}, not {made_with}.")
    return {name: weights[name] for name in names}


def save_weights(
    path: Path, weights: Weights, *, settings: NetworkSettings, language: Language, seeds: tuple[int, ...]
) -> None:
    """Write the weights as safetensors; the header says which settings, language and seeds made them."""
    write_weights(path, weights, made_with=_made_with(settings, language, seeds))


def load_weights(
    path: Path, *, settings: NetworkSettings, language: Language, seeds: tuple[int, ...]
) -> dict[str, Tensor]:
    """Return the weights that `save_weights` wrote for exactly these settings, language and seeds."""
    names = shapes(settings, n_words=language.n_words, length=language.length)
    return read_weights(path, names, made_with=_made_with(settings, language, seeds))


def _made_with(settings: NetworkSettings, language: Language, seeds: tuple[int, ...]) -> str:
    parts = {"settings": asdict(settings), "language": asdict(language), "seeds": list(seeds)}
    return json.dumps(parts, sort_keys=True)
