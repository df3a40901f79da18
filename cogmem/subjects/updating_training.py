"""Training of networks on streams of key -> value updates: the streams, the network around a mixer, loss and loop."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nf

from cogmem.addresses import address
from cogmem.errors import UserError
from cogmem.progress import Report, silent
from cogmem.subjects.mixers import MIXERS, product
from cogmem.subjects.nets import read_weights, write_weights
from cogmem.subjects.training import Loss, descend, torch_threads
from cogmem.subjects.updating_network import UpdatingSettings

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Weights = Mapping[str, Tensor]
"""Name -> float32 tensor of shape (members, *shape); see `shapes`."""

_TOKEN_SCALE: Final = 0.7
"""The sd of what stands for keys and values at the start: their sum is of size 1."""
_TOKEN_PAIRS: Final = 4_000_000
"""Pairs of tokens that one batch compares when a network answers."""
_RISE: Final = 0.1
"""The learning rate rises over this share of the steps, then falls along a cosine to nothing."""


# ---- streams --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Streams:
    """Streams of updates and what is asked after them: tokens of keys and values.

    `keys` and `values` are (members, streams, time), `asked` and `targets` (members, streams, questions).
    """

    keys: Ints
    values: Ints
    asked: Ints
    targets: Ints


def interleaved(keys: int, updates: int, chance: NDArray[np.float64]) -> Ints:
    """Return orders of keys, each `updates` times and never twice in a row: (..., time).

    `chance` is (..., keys * updates) from 0 to 1. As in the paradigm: drawn by the number of values that a key has
    left; a key that has more left than all others and one has to come.
    """
    shape = chance.shape[:-1]
    left, order = np.full((*shape, keys), updates), np.empty(chance.shape, dtype=np.int64)
    before = np.zeros((*shape, keys), dtype=bool)
    for place in range(chance.shape[-1]):
        # What is left of one key must fit between what is left of the others.
        due = ~before & (2 * left > left.sum(-1, keepdims=True))
        weight = np.where(before, 0, left)
        weight = np.where(due.any(-1, keepdims=True), due, weight)
        edges = weight.cumsum(-1)
        chosen = (edges <= chance[..., place, None] * edges[..., -1:]).sum(-1)
        order[..., place] = chosen
        before = np.arange(keys) == chosen[..., None]
        left = left - before
    return order


def streams_of(settings: UpdatingSettings, updates: int, rngs: Iterable[np.random.Generator]) -> Streams:
    """Return a batch of streams a member, member i's from the i-th generator alone; asked for is every key."""
    n, v, chances, values = settings.keys, settings.values, [], []
    for rng in rngs:
        chances.append(rng.random((settings.batch, n * updates)))
        values.append(rng.random((settings.batch, n, v), dtype=np.float32).argsort(-1)[..., :updates])
    order, drawn = interleaved(n, updates, np.stack(chances)), np.stack(values)
    # How often the key of each pair came before it.
    place = order.argsort(-1, kind="stable")
    nth = np.empty_like(order)
    np.put_along_axis(nth, place, np.broadcast_to(np.tile(np.arange(updates), n), order.shape), -1)
    shown = np.take_along_axis(drawn.reshape(*drawn.shape[:2], -1), order * updates + nth, -1)
    asked = np.broadcast_to(np.arange(n), drawn.shape[:3])
    return Streams(order, shown, asked, drawn[..., -1 if settings.query == "last" else 0])


# ---- the network ----------------------------------------------------------------------------------------------------


def shapes(settings: UpdatingSettings) -> dict[str, tuple[int, ...]]:
    """Return the shape of each weight of one network."""
    width = settings.width
    found: dict[str, tuple[int, ...]] = {
        "keys": (settings.keys, width),
        "questions": (settings.keys, width),
        "values": (settings.values, width),
        "output": (width, settings.values),
    }
    for layer in range(settings.layers):
        own = MIXERS[settings.mixer].shapes(width, settings.heads) | {"mix": (width, width)}
        found |= {f"layer{layer}.{name}": shape for name, shape in own.items()}
    return found


def initial_weights(settings: UpdatingSettings, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Return untrained weights, one member a seed; member i depends on seeds[i] alone."""
    members = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 51])
        needed = shapes(settings).items()
        members.append({name: _initial(name, shape, settings, rng) for name, shape in needed})
    return {name: torch.from_numpy(np.stack([member[name] for member in members])) for name in members[0]}


def _initial(
    name: str, shape: tuple[int, ...], settings: UpdatingSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    if name.endswith("bias"):
        values = np.zeros(shape)
        # A gate that is open at the start lets the gradient reach the first tokens of a stream.
        open_at = {"lstm": settings.width}.get(settings.mixer)
        if open_at is not None:
            values[open_at : open_at + settings.width] = 1.0
    elif name.endswith("decay"):
        # A share of 1 − 2^(−5 − head) is kept at a token (Sun et al., 2023).
        values = np.log(2.0 ** (5 + np.arange(shape[0])) - 1)
    else:
        scale = _TOKEN_SCALE if name in ("keys", "questions", "values") else shape[0] ** -0.5
        values = scale * rng.standard_normal(shape)
    return values.astype(np.float32)


def _rows(table: Tensor, tokens: Tensor) -> Tensor:
    """Return each member's rows of its own table: tokens (m, ...) to (m, ..., w)."""
    members, rows, width = table.shape
    offsets = rows * torch.arange(members).view(-1, *(1,) * (tokens.ndim - 1))
    return nf.embedding(tokens + offsets, table.reshape(-1, width))


def logits_of(weights: Weights, settings: UpdatingSettings, keys: Tensor, values: Tensor, asked: Tensor) -> Tensor:
    """Return the log-odds of every value at every question: (members, streams, questions, values).

    `keys` and `values` are (members, streams, time), `asked` (members, streams, questions). A token is the sum of what
    stands for its key and its value; a question has tokens of its own and leaves the stream as it was. Layers add what
    their mixer finds, and nothing else: with inner layers between them the networks learned more slowly.
    """
    time, width = keys.shape[-1], settings.width
    study, asking = _rows(weights["keys"], keys) + _rows(weights["values"], values), _rows(weights["questions"], asked)
    hidden, mixer = torch.cat((study, asking), 2), MIXERS[settings.mixer]
    for layer in range(settings.layers):
        start = f"layer{layer}."
        own = {name.removeprefix(start): weight for name, weight in weights.items() if name.startswith(start)}
        inputs = nf.layer_norm(hidden, (width,))
        last = layer == settings.layers - 1
        mixed = mixer.parallel(own, inputs[:, :, :time], inputs[:, :, time:], settings.heads, asked_only=last)
        hidden = hidden[:, :, time:] if last else hidden
        hidden = hidden + product(mixed, own["mix"])
    return product(nf.layer_norm(hidden, (width,)), weights["output"])


def log_odds(weights: Weights, settings: UpdatingSettings, keys: Ints, values: Ints, asked: Ints) -> Array:
    """Return the log-odds of every value: (members, streams, questions, values); all members read the same streams.

    `keys` and `values` are (streams, time), `asked` (streams, questions), all of them tokens.
    """
    members, (streams, time) = weights["keys"].shape[0], keys.shape
    # As many streams at once as keep every table of tokens by tokens within the memory.
    at_once, found = max(1, _TOKEN_PAIRS // (members * time * (time + asked.shape[1]))), []
    with torch.no_grad(), torch_threads(1):
        for start in range(0, streams, at_once):
            parts = (part[start : start + at_once] for part in (keys, values, asked))
            tokens = [torch.from_numpy(np.ascontiguousarray(part)).expand(members, -1, -1) for part in parts]
            found.append(logits_of(weights, settings, *tokens).numpy().astype(np.float64))
    return np.concatenate(found, axis=1)


# ---- training -------------------------------------------------------------------------------------------------------


def train(settings: UpdatingSettings, seeds: tuple[int, ...], *, report: Report = silent) -> dict[str, Tensor]:
    """Return the stacked weights of one network a seed after training; one thread, so that bits repeat.

    Member i has its own start and its own streams, both from seeds[i] alone; all have the same number of updates at a
    step, the numbers of `trained_on` in turn.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"A population needs one different seed a member, but came with seeds {seeds}.")
    final: Weights = initial_weights(settings, seeds)
    with torch_threads(1):
        lessons = _lessons(settings, seeds)
        for done, current in enumerate(descend(final, lessons, decay=settings.weight_decay, betas=(0.9, 0.98)), 1):
            final = current
            report(done, settings.steps)
    return {name: weight.clone() for name, weight in final.items()}


def _lessons(settings: UpdatingSettings, seeds: tuple[int, ...]) -> Iterator[tuple[float, Loss]]:
    rngs = [np.random.default_rng([seed, 52]) for seed in seeds]
    for step in range(settings.steps):
        streams = streams_of(settings, settings.trained_on[step % len(settings.trained_on)], rngs)
        done = step / settings.steps
        rate = settings.rate * min(1.0, (done + 1 / settings.steps) / _RISE, 0.5 * (1 + np.cos(np.pi * done)))
        yield float(rate), _loss(settings, streams)


def _loss(settings: UpdatingSettings, streams: Streams) -> Loss:
    """Return the function from weights to the sum over members of their mean nats a question."""
    tokens = [torch.from_numpy(np.ascontiguousarray(part)) for part in (streams.keys, streams.values, streams.asked)]
    targets = torch.from_numpy(np.ascontiguousarray(streams.targets)).flatten()

    def loss(weights: Weights) -> Tensor:
        logits = logits_of(weights, settings, tokens[0], tokens[1], tokens[2])
        nats: Tensor = nf.cross_entropy(logits.flatten(0, 2), targets, reduction="sum")
        return nats / int(streams.targets[0].size)

    return loss


# ---- files ----------------------------------------------------------------------------------------------------------


def save_weights(path: Path, weights: Weights, settings: UpdatingSettings, seeds: tuple[int, ...]) -> None:
    """Write the weights as safetensors; the header says which settings and seeds made them."""
    write_weights(path, weights, made_with=_made_with(settings, seeds))


def load_weights(path: Path, settings: UpdatingSettings, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Return the weights that `save_weights` wrote for exactly these settings and seeds."""
    return read_weights(path, shapes(settings), made_with=_made_with(settings, seeds))


def kept(
    folder: Path, settings: UpdatingSettings, seeds: tuple[int, ...], *, report: Report = silent
) -> dict[str, Tensor]:
    """Return the trained weights from a file in `folder`, which is written where it is missing."""
    path = folder / f"{settings.mixer}-{address({'settings': settings, 'seeds': seeds})[:16]}.safetensors"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(path, train(settings, seeds, report=report), settings, seeds)
    return load_weights(path, settings, seeds)


def _made_with(settings: UpdatingSettings, seeds: tuple[int, ...]) -> str:
    return json.dumps({"settings": asdict(settings), "seeds": list(seeds)}, sort_keys=True)
