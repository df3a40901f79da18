"""The one torch training loop: a population of networks, each on its own strings, in step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as nf

from cogmem.errors import UserError
from cogmem.materials import Language
from cogmem.subjects.nets import Weights, advance, initial_weights
from cogmem.subjects.network_settings import NetworkSettings

_PRETRAINING_BETA = 0.999
_STUDY_BETA = 0.98
"""How long AdamW remembers gradient sizes: study is a few hundred updates in all, so shorter than in pretraining."""

Progress = Callable[[int, int], None]
"""Called with (updates done, updates in all)."""


@dataclass(frozen=True, eq=False)
class Update:
    """One step of training: what each member reads and what it should have predicted.

    `inputs` and `targets` are (population, strings, length); they differ only where a word was replaced on reading.
    `rate` is the learning rate of this step.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    rate: float


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch use `count` threads inside, and as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def shifted(strings: Tensor, *, start: int) -> Tensor:
    """Return the inputs that predict `strings`: the start mark, then all words but the last."""
    return torch.cat((torch.full_like(strings[..., :1], start), strings[..., :-1]), -1)


def token_nll(weights: Weights, settings: NetworkSettings, inputs: Tensor, targets: Tensor) -> Tensor:
    """Return minus the log probability of every word, in nats: (population, strings, length)."""
    n_words = weights["output_bias"].shape[-1]
    logits, _ = advance(weights, settings, shifted(inputs, start=n_words))
    return nf.cross_entropy(logits.view(-1, n_words), targets.reshape(-1), reduction="none").view(targets.shape)


Loss = Callable[[Weights], Tensor]


@final
class Descent:
    """Weights on their way down (AdamW, Loshchilov & Hutter 2019): the weights of all members lie in one flat tensor.

    So an optimiser step is one call. A loss is a sum over members: as AdamW works weight by weight, no member feels
    another.
    """

    def __init__(self, weights: Weights, *, decay: float, betas: tuple[float, float]) -> None:
        self._shapes = {name: weight.shape for name, weight in weights.items()}
        self._sizes = [weight[0].numel() for weight in weights.values()]
        flat = torch.cat([weight.flatten(1) for weight in weights.values()], 1)
        self._flat = flat.detach().requires_grad_()
        self._optimiser = torch.optim.AdamW([self._flat], lr=0.0, weight_decay=decay, betas=betas, fused=True)

    def _views(self, source: Tensor) -> dict[str, Tensor]:
        parts = torch.split(source, self._sizes, 1)
        return {name: part.view(shape) for (name, shape), part in zip(self._shapes.items(), parts, strict=True)}

    def weights(self) -> dict[str, Tensor]:
        """Return views of the weights as they are; the next step changes them."""
        return self._views(self._flat.detach())

    def step(self, rate: float, loss: Loss) -> float:
        """Take one step and return the loss before it."""
        self._optimiser.param_groups[0]["lr"] = rate
        with torch.enable_grad():
            value = loss(self._views(self._flat))
            (self._flat.grad,) = torch.autograd.grad(value, [self._flat])
        self._optimiser.step()
        return float(value.detach())

    def state(self) -> dict[str, Tensor]:
        """Return what a later run needs to go on: the flat weights, and what AdamW remembers of the gradients."""
        kept, nothing = self._optimiser.state.get(self._flat, {}), torch.zeros_like(self._flat)
        mean, square = (kept.get(name, nothing) for name in ("exp_avg", "exp_avg_sq"))
        steps = kept.get("step", torch.tensor(0.0))
        return {"flat": self._flat.detach(), "mean": mean, "square": square, "steps": steps}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        """Go back to a state that `state` returned."""
        with torch.no_grad():
            self._flat.copy_(state["flat"])
        self._optimiser.state[self._flat] = {
            "step": state["steps"].clone(), "exp_avg": state["mean"].clone(), "exp_avg_sq": state["square"].clone(),
        }  # fmt: skip


def descend(
    weights: Weights, lessons: Iterable[tuple[float, Loss]], *, decay: float, betas: tuple[float, float]
) -> Iterator[Weights]:
    """Yield the weights after each (rate, loss); they are views of the next ones."""
    descent = Descent(weights, decay=decay, betas=betas)
    for rate, loss in lessons:
        descent.step(rate, loss)
        yield descent.weights()


def train(
    weights: Weights, settings: NetworkSettings, updates: Iterable[Update], *, beta: float = _STUDY_BETA
) -> Iterator[Weights]:
    """Yield the weights after each update; they are views that the next one changes.

    The loss is the sum over members of their mean nats a word. `beta` is the share of the old mean squared gradient
    that each update keeps.
    """
    lessons = ((update.rate, _nats_a_word(settings, update)) for update in updates)
    yield from descend(weights, lessons, decay=settings.weight_decay, betas=(settings.momentum, beta))


def _nats_a_word(settings: NetworkSettings, update: Update) -> Loss:
    inputs, targets = torch.from_numpy(update.inputs), torch.from_numpy(update.targets)
    return lambda weights: token_nll(weights, settings, inputs, targets).sum() / targets[0].numel()


def pretrain(
    settings: NetworkSettings,
    language: Language,
    *,
    seeds: tuple[int, ...],
    threads: int = 1,
    progress: Progress | None = None,
) -> dict[str, Tensor]:
    """Return the stacked weights of one network a seed after training on strings of the language.

    Member i has its own start and its own strings, both from seeds[i] alone. One thread is the default because more
    may add numbers in another order: with it the result is the same bits wherever it runs on one kind of processor.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise UserError(f"A population needs one different seed a member, but came with seeds {seeds}.")
    start = initial_weights(settings, n_words=language.n_words, length=language.length, seeds=seeds)
    final: Weights = start
    lessons = _lessons(settings, language, seeds)
    with torch_threads(threads):
        for done, current in enumerate(train(start, settings, lessons, beta=_PRETRAINING_BETA), 1):
            final = current
            if progress is not None:
                progress(done, settings.pretraining_steps)
    return {name: weight.clone() for name, weight in final.items()}


def _lessons(settings: NetworkSettings, language: Language, seeds: tuple[int, ...]) -> Iterator[Update]:
    streams = [np.random.default_rng([seed, 12]) for seed in seeds]
    steps = settings.pretraining_steps
    for step in range(steps):
        strings = np.stack([language.strings(settings.pretraining_batch, rng) for rng in streams])
        # A short rise, since the first AdamW steps have full size whatever the gradient; then down to a tenth.
        share = min(1.0, (step + 1) / max(1.0, 0.05 * steps)) * (1.0 - 0.9 * step / steps)
        yield Update(strings, strings, settings.pretraining_rate * share)
