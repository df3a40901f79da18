"""Networks as reproducers: they see a stimulus blurred by noise and give back what they learned that it may have been.

An autoencoder that was trained to remove noise is a reproducer whose answer is the posterior mean; a diffusion model
that goes as many steps back as lead to the noise is one that draws from the posterior (Marjieh et al., 2023); a
variational autoencoder (Kingma & Welling, 2014) carries what it saw through a code. This file loads no torch.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final, Literal, cast

import numpy as np
from numpy.typing import NDArray

from cogmem.core import Design, Kind
from cogmem.environments import environment
from cogmem.errors import UserError
from cogmem.names import nearest
from cogmem.spaces import Space, space_of

if TYPE_CHECKING:
    from cogmem.subjects.denoising import Denoising

Array = NDArray[np.float64]
METHODS: Final = ("dae", "vae", "ddpm")
SPACES: Final = ("plane", "dots", "images", "line")
SAMPLE: Final = 20_000
"""Stimuli that mean and sd are taken of, so that the network reads standardised values."""


@dataclass(frozen=True)
class NeuralReproducer:
    """A network that was trained on stimuli of an environment and reproduces what it is shown.

    `method`: "dae", "vae" or "ddpm"; `noise` in units of the sd of what was learned; `environment` names what that
    was ("even", "swiss_roll", "three_modes", "bars"). The network, not the noise, is what training depends on.
    """

    method: Literal["dae", "vae", "ddpm"]
    noise: float
    environment: str = "even"
    updates: int = 2000
    width: int = 128
    steps: int = 1000
    seed: int = 1
    name: str = ""
    version: int = 1
    kind: Kind = "network"
    needs: frozenset[str] = field(default=frozenset({"item"}))

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise UserError(f"A neural reproducer has no method {self.method!r}; {nearest(self.method, METHODS)}")
        if not 0 < self.noise < np.inf:
            raise UserError(f"A neural reproducer needs noise above 0, in sds of what it learned; got {self.noise}.")
        if self.updates < 1 or self.width < 1 or self.steps < 2:
            raise UserError(f"Training needs updates, width and steps; got {self.updates}, {self.width}, {self.steps}.")
        environment(self.environment)
        if not self.name:
            object.__setattr__(self, "name", self.method)

    def answer(self, design: Design, rng: np.random.Generator) -> Array:
        """Return a reproduction of each stimulus, in its shape; trains the network at the first call of a process."""
        space = space_of(design.settings)
        if space.name not in SPACES:
            raise UserError(f"{self.name} reproduces {', '.join(SPACES)}; this design has the space {space.name!r}.")
        shown = np.asarray(design.items[design.tests["item"]], dtype=np.float64)
        trained = _trained(
            self.method, self.environment, self.updates, self.width, self.steps, self.seed, cast(Any, space)
        )
        vectors = in_order(shown, space).reshape(len(shown), -1)
        made = trained.network.reproduce((vectors - trained.mean) / trained.sd, self.noise, rng)
        return np.asarray((made * trained.sd + trained.mean).reshape(shown.shape))


def in_order(stimuli: Array, space: Space) -> Array:
    """Return stimuli as the network reads them: dots, which have no names, from left to right."""
    if space.name != "dots":
        return stimuli
    order = stimuli[..., 0].argsort(axis=1, kind="stable")
    return np.take_along_axis(stimuli, order[..., None], axis=1)


@dataclass(frozen=True, eq=False)
class Trained:
    """A network with the mean and sd of what it learned (one sd, so that no direction is stretched), and its losses."""

    network: Denoising
    mean: Array
    sd: float
    losses: tuple[float, ...]


@lru_cache(maxsize=16)
def _trained(method: Any, name: str, updates: int, width: int, steps: int, seed: int, space: Space) -> Trained:
    """Return the network trained on the environment; cached, since its noise is chosen afterwards."""
    from cogmem.subjects.denoising import Denoising, Training

    law, rng = environment(name), np.random.default_rng([seed, 41])

    def flat(n: int, rng: np.random.Generator) -> Array:
        return in_order(law(space, n, rng), space).reshape(n, -1)

    pool = flat(SAMPLE, rng)
    mean, sd = pool.mean(axis=0), float(pool.std(axis=0).mean())
    network = Denoising(method, pool.shape[1], Training(width=width, updates=updates, steps=steps), seed=seed)

    def draw(n: int, rng: np.random.Generator) -> Array:
        return np.asarray((pool[rng.integers(0, len(pool), n)] - mean) / sd)

    return Trained(network, mean, sd, tuple(network.train(draw, rng)))
