"""Three small networks that give back what they were shown: autoencoder, variational autoencoder, diffusion model.

All work on standardised vectors. Noise levels are sds in units of the sd of what was learned. One thread and an
explicit generator: the same seed gives the same bits on one kind of processor.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as nf

from cogmem.subjects.training import torch_threads

Array = NDArray[np.float64]
Method = Literal["dae", "vae", "ddpm"]
Draw = Callable[[int, np.random.Generator], Array]

FREQUENCIES: Final = 8
LEAST_SD: Final = 0.02
"""The least sd that a variational autoencoder gives its reconstructions: a smaller one makes the likelihood endless."""


class Body(nn.Module):
    """A residual network on vectors that also reads a noise level, (n, in) and (n,) to (n, out)."""

    def __init__(self, into: int, out: int, width: int, layers: int) -> None:
        super().__init__()
        self.first = nn.Linear(into + 2 * FREQUENCIES, width)
        self.middle = nn.ModuleList(nn.Linear(width, width) for _ in range(layers))
        self.last = nn.Linear(width, out)

    def forward(self, x: Tensor, level: Tensor) -> Tensor:
        """Return the output for vectors at noise levels (their logarithms, around 0)."""
        angles = level[:, None] * 2.0 ** torch.arange(-2.0, FREQUENCIES - 2.0)
        h = self.first(torch.cat([x, torch.sin(angles), torch.cos(angles)], dim=1))
        for layer in self.middle:
            h = h + layer(nf.silu(h))
        out: Tensor = self.last(nf.silu(h))
        return out


@dataclass(frozen=True)
class Training:
    """How a network is trained: `width` units in `layers` residual layers, `updates` of `batch` fresh stimuli each."""

    width: int = 128
    layers: int = 3
    updates: int = 2000
    batch: int = 256
    rate: float = 2e-3
    latent: int = 8
    steps: int = 1000
    least: float = 0.02
    most: float = 3.0


def alphas(steps: int) -> Array:
    """Return the share of signal variance after each step of a linear schedule: (steps,) (Ho et al., 2020).

    β from 1e-4 to 0.02 at 1000 steps, and in proportion larger with fewer.
    """
    beta = np.linspace(1e-4, 0.02, steps) * 1000 / steps
    return np.asarray(np.cumprod(1 - np.minimum(beta, 0.999)))


class Denoising:
    """A trained network: `reproduce` blurs standardised vectors by a noise level and gives them back."""

    def __init__(self, method: Method, dimensions: int, training: Training, *, seed: int) -> None:
        self.method, self.training = method, training
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            width, layers = training.width, training.layers
            if method == "vae":
                self.encoder = Body(dimensions, 2 * training.latent, width, layers)
                self.decoder = Body(training.latent, dimensions, width, layers)
                self.log_sd = nn.Parameter(torch.zeros(dimensions))
                parts: list[nn.Parameter] = [*self.encoder.parameters(), *self.decoder.parameters(), self.log_sd]
            else:
                self.encoder = Body(dimensions, dimensions, width, layers)
                parts = list(self.encoder.parameters())
        self.parameters = parts
        self.signal = torch.tensor(alphas(training.steps), dtype=torch.float32)

    def train(self, draw: Draw, rng: np.random.Generator) -> list[float]:
        """Train on stimuli from `draw` (Adam, the rate falling to nothing); return the loss of each update."""
        losses = []
        optimiser = torch.optim.Adam(self.parameters, lr=self.training.rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, self.training.updates)
        with torch_threads(1):
            for _ in range(self.training.updates):
                x = _tensor(draw(self.training.batch, rng))
                optimiser.zero_grad()
                loss = self._loss(x, rng)
                loss.backward()  # type: ignore[no-untyped-call]
                optimiser.step()
                schedule.step()
                losses.append(float(loss.detach()))
        return losses

    def _loss(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        if self.method == "vae":
            return self._bound(x, rng)
        if self.method == "ddpm":
            log_noise = self._level(torch.from_numpy(rng.integers(0, self.training.steps, len(x))))
        else:
            low, high = np.log(self.training.least), np.log(self.training.most)
            log_noise = _tensor(rng.uniform(low, high, len(x)))
        noise = log_noise.exp()[:, None]
        blurred = x + noise * _tensor(rng.standard_normal(x.shape))
        # Errors count by what noise leaves to be found, so that every level teaches as much (Karras et al., 2022).
        weight = 1 + noise**-2
        return (weight * (self._denoised(blurred, log_noise) - x) ** 2).mean()

    def _bound(self, x: Tensor, rng: np.random.Generator) -> Tensor:
        """Return minus the evidence lower bound of a variational autoencoder, in nats."""
        mean, log_sd = self._code(x)
        made, sd = self._decoded(mean, log_sd, rng), self._sd()
        fit = (0.5 * ((x - made) / sd) ** 2 + sd.log()).sum(dim=1)
        cost = 0.5 * (mean**2 + (2 * log_sd).exp() - 1 - 2 * log_sd).sum(dim=1)
        return (fit + cost).mean()

    def _code(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and log sd of the code; both are bounded, for stimuli unlike any that were learned."""
        mean, log_sd = self.encoder(x, torch.zeros(len(x))).chunk(2, dim=1)
        return 5 * torch.tanh(mean / 5), 4 * torch.tanh(log_sd / 4) - 3.5

    def _decoded(self, mean: Tensor, log_sd: Tensor, rng: np.random.Generator) -> Tensor:
        code = mean + log_sd.exp() * _tensor(rng.standard_normal(mean.shape))
        made: Tensor = self.decoder(code, torch.zeros(len(mean)))
        return made

    def _denoised(self, y: Tensor, log_noise: Tensor) -> Tensor:
        """Return the mean of what may have been meant by y = x + noise z: a linear guess and what the network adds."""
        noise = log_noise.exp()[:, None]
        gain = 1 / (1 + noise**2)
        found: Tensor = self.encoder(gain.sqrt() * y, log_noise)
        return gain * y + (1 - gain).sqrt() * found

    def _sd(self) -> Tensor:
        return self.log_sd.exp() + LEAST_SD

    def _level(self, step: Tensor) -> Tensor:
        share = self.signal[step]
        return 0.5 * (torch.log1p(-share) - share.log())

    def reproduce(self, x: Array, noise: float, rng: np.random.Generator, *, spread: float = 1.0) -> Array:
        """Return reproductions of standardised vectors (n, dimensions).

        "dae" gives the mean of what may have been meant, "vae" a draw through its code, "ddpm" a draw by going as many
        steps back as lead to that noise. `spread` scales the variance of the noise that a diffusion model adds.
        """
        with torch.no_grad(), torch_threads(1):
            y = x + noise * rng.standard_normal(x.shape)
            if self.method == "dae":
                return self._posterior_mean(y, noise)
            if self.method == "vae":
                made = self._decoded(*self._code(_tensor(y)), rng)
                return _array(made + self._sd() * _tensor(rng.standard_normal(made.shape)))
            levels = np.exp(self._level(torch.arange(self.training.steps)).numpy().astype(np.float64))
            step = int(np.abs(np.log(levels) - np.log(noise)).argmin())
            share = float(self.signal[step])
            start = np.sqrt(share) * x + np.sqrt(1 - share) * rng.standard_normal(x.shape)
            return self._back(start, step, rng, spread)

    def generate(self, n: int, dimensions: int, rng: np.random.Generator, *, spread: float = 1.0) -> Array:
        """Return n samples of a diffusion model, standardised: from noise all steps back."""
        with torch.no_grad(), torch_threads(1):
            return self._back(rng.standard_normal((n, dimensions)), self.training.steps - 1, rng, spread)

    def posterior_mean(self, y: Array, noise: float) -> Array:
        """Return the mean of what may have been meant by vectors seen through noise (n, dimensions)."""
        with torch.no_grad():
            return self._posterior_mean(y, noise)

    def _posterior_mean(self, y: Array, noise: float) -> Array:
        return _array(self._denoised(_tensor(y), torch.full((len(y),), float(np.log(noise)))))

    def _back(self, x: Array, step: int, rng: np.random.Generator, spread: float) -> Array:
        """Return ancestral samples (Ho et al., 2020, algorithm 2), from the noise of `step` to none."""
        shares = np.concatenate([[1.0], self.signal.numpy().astype(np.float64)])
        for t in range(step, -1, -1):
            now, before = shares[t + 1], shares[t]
            kept = now / before
            sigma = np.sqrt(1 / now - 1)
            noise = (x / np.sqrt(now) - self._posterior_mean(x / np.sqrt(now), sigma)) / sigma
            x = (x - (1 - kept) / np.sqrt(1 - now) * noise) / np.sqrt(kept)
            if t:
                sd = np.sqrt((1 - before) / (1 - now) * (1 - kept))
                x = x + np.sqrt(spread) * sd * rng.standard_normal(x.shape)
        return x


def _tensor(values: Array) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))


def _array(values: Tensor) -> Array:
    return values.numpy().astype(np.float64)
