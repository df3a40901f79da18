"""Training of networks on streams of key -> value updates or of pairs: the network around a mixer, loss and loop."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
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
from cogmem.subjects.mixers import product
from cogmem.subjects.mixing import ALL_MIXERS
from cogmem.subjects.nets import read_weights, write_weights
from cogmem.subjects.training import Descent, Loss, torch_threads
from cogmem.subjects.updating_network import UpdatingSettings
from cogmem.subjects.updating_streams import Streams, streams_at

Array = NDArray[np.float64]
Ints = NDArray[np.int64]
Weights = Mapping[str, Tensor]
"""Name -> float32 tensor of shape (members, *shape); see `shapes`."""

_TOKEN_SCALE: Final = 0.7
"""The sd of what stands for keys and values at the start: their sum is of size 1."""
_TOKEN_PAIRS: Final = 4_000_000
"""Pairs of tokens that one batch compares when a network answers."""
CHECK: Final = 100
"""Steps from one checkpoint to the next."""
RECENT: Final = 20
"""Losses whose mean says whether training has done enough."""
_RISE: Final = 0.1
"""The learning rate rises over this share of the steps, then falls along a cosine to nothing."""


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
        own = ALL_MIXERS[settings.mixer].shapes(width, settings.heads) | {"mix": (width, width)}
        found |= {f"layer{layer}.{name}": shape for name, shape in own.items()}
    return found


def initial_weights(settings: UpdatingSettings, seeds: tuple[int, ...]) -> dict[str, Tensor]:
    """Return untrained weights, one member a seed; member i depends on seeds[i] alone."""
    members = []
    for seed in seeds:
        rng = np.random.default_rng([seed, 51])
        needed = shapes(settings).items()
        member = {name: _initial(name, shape, settings, rng) for name, shape in needed}
        members.append(_as_a_store(member, settings) if settings.pairs else member)
    return {name: torch.from_numpy(np.stack([member[name] for member in members])) for name in members[0]}


def _initial(
    name: str, shape: tuple[int, ...], settings: UpdatingSettings, rng: np.random.Generator
) -> NDArray[np.float32]:
    own = ALL_MIXERS[settings.mixer].initial.get(name.partition(".")[2])
    if own is not None:
        values = own(shape, rng)
    elif name.endswith("bias"):
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


def _as_a_store(member: dict[str, NDArray[np.float32]], settings: UpdatingSettings) -> dict[str, NDArray[np.float32]]:
    """Return weights that start as an associative store: questions are keys, what is read is said (mimetic start).

    Trockman et al. (2024): a memory that has to find out that it can store learns thousands of steps longer, which says
    nothing of how much it holds.
    """
    member = {**member, "questions": member["keys"], "output": member["values"].T / _TOKEN_SCALE**2}
    width = settings.width
    for layer in range(settings.layers):
        start = f"layer{layer}."
        if f"{start}read" in member and f"{start}write" in member:
            # The columns are keys, then values, of each of the memories; several memories start alike.
            every = member[f"{start}write"].reshape(width, 2, -1, width)
            first = every[:, :, :1]
            member[f"{start}write"] = np.broadcast_to(first, every.shape).reshape(width, -1)
            member[f"{start}read"], member[f"{start}mix"] = first[:, 0, 0], first[:, 1, 0].T
    return {name: np.ascontiguousarray(values) for name, values in member.items()}


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
    hidden, mixer = torch.cat((study, asking), 2), ALL_MIXERS[settings.mixer]
    for layer in range(settings.layers):
        start = f"layer{layer}."
        own = {name.removeprefix(start): weight for name, weight in weights.items() if name.startswith(start)}
        inputs = nf.layer_norm(hidden, (width,))
        last = layer == settings.layers - 1
        mixed = mixer.parallel(own, inputs[:, :, :time], inputs[:, :, time:], settings.heads, asked_only=last)
        hidden = hidden[:, :, time:] if last else hidden
        hidden = hidden + product(mixed, own["mix"])
    return product(nf.layer_norm(hidden, (width,)), weights["output"])


def state_size(settings: UpdatingSettings, pairs: int) -> int:
    """Return how many numbers one network keeps of a stream of so many pairs, in all its layers."""
    width, mixer = settings.width, ALL_MIXERS[settings.mixer]
    own = {name: torch.zeros(1, *shape) for name, shape in mixer.shapes(width, settings.heads).items()}
    state = mixer.start(own, 1, settings.heads)
    for _ in range(pairs):
        state = mixer.step(own, state, torch.zeros(1, 1, width), settings.heads)[1]
    return settings.layers * sum(part.numel() for part in state)


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


def train(
    settings: UpdatingSettings, seeds: tuple[int, ...], *, checkpoint: Path | None = None, report: Report = silent
) -> dict[str, Tensor]:
    """Return the stacked weights of one network a seed after training; one thread, so that bits repeat.

    Member i has its own start and its own streams, both from seeds[i] alone; all have the same number of pairs or
    updates at a step. Training ends early where the mean of the last losses is below `enough` nats a question. At
    `checkpoint`, if given, the state is kept every CHECK steps: a killed run goes on from there, to the same bits.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"A population needs one different seed a member, but came with seeds {seeds}.")
    made_with = _made_with(settings, seeds)
    descent = Descent(initial_weights(settings, seeds), decay=settings.weight_decay, betas=(0.9, 0.98))
    done, recent = 0, torch.full((RECENT,), torch.inf, dtype=torch.float64)
    if checkpoint is not None and checkpoint.exists():
        found = read_weights(checkpoint, (*descent.state(), "done", "recent"), made_with=made_with)
        done, recent = int(found.pop("done")), found.pop("recent")
        descent.restore(found)
    with torch_threads(1):
        for rate, loss in _lessons(settings, seeds, done):
            recent[done % RECENT] = descent.step(rate, loss) / len(seeds)
            done += 1
            report(done, settings.steps)
            if float(recent.mean()) < settings.enough:
                break
            if checkpoint is not None and done % CHECK == 0:
                state = {**descent.state(), "done": torch.tensor(done), "recent": recent}
                write_weights(checkpoint, state, made_with=made_with)
    return {name: weight.clone() for name, weight in descent.weights().items()}


def _lessons(settings: UpdatingSettings, seeds: tuple[int, ...], first: int) -> Iterator[tuple[float, Loss]]:
    """Yield the learning rate and the loss of each step from the `first` on, whatever was done before in this run."""
    rngs = [np.random.default_rng([seed, 52]) for seed in seeds]
    for step in range(settings.steps):
        streams = streams_at(settings, step, rngs)
        if step < first:
            continue  # the generators are where they were
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
    """Return the trained weights from a file in `folder`, which is written where it is missing.

    A run that was killed left its checkpoint beside it, and goes on from there.
    """
    path = folder / f"{settings.mixer}-{address({'settings': settings, 'seeds': seeds})[:16]}.safetensors"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = path.with_suffix(".checkpoint")
        save_weights(path, train(settings, seeds, checkpoint=checkpoint, report=report), settings, seeds)
        checkpoint.unlink(missing_ok=True)
    return load_weights(path, settings, seeds)


def _made_with(settings: UpdatingSettings, seeds: tuple[int, ...]) -> str:
    return json.dumps({"settings": asdict(settings), "seeds": list(seeds)}, sort_keys=True)
