"""Diffusion models as serial reproduction, exact on a grid (Marjieh, Sucholutsky, Langlois, Jacoby & Griffiths, 2023).

Forward noise turns the law of the data q_0 into q_t = N_t q_{t−1}. The exact denoiser is Bayes' rule,
D_t(x | y) = N_t(y | x) q_{t−1}(x) / q_t(y). One step of a sampler is D_t N_t: noise, then reconstruction under the
prior q_{t−1}, which is one generation of serial reproduction, and q_{t−1} is where it settles. D_t is never formed,
since D_t v = q_{t−1} N_tᵀ(v / q_t).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.divergences import entropy, js, kl, law
from cogmem.errors import UserError
from cogmem.models import grid_noise, grids
from cogmem.models.grid_noise import GridNoise
from cogmem.names import nearest

Array = NDArray[np.float64]


def diffuse(data: Array, noise: Sequence[GridNoise]) -> list[Array]:
    """Return q_0, …, q_T: the law of the data after each step of noise."""
    laws = [data]
    for kernel in noise:
        laws.append(kernel.forward(laws[-1]))
    return laws


def denoise(v: Array, kernel: GridNoise, before: Array, after: Array) -> Array:
    """Return D v, the law of reconstructions when v is that of what is seen: `before` is the prior, `after` = N before.

    Where no data can lead (`after` is 0) nothing is reconstructed from; mass that v has there is lost.
    """
    ratio = np.divide(v, after, out=np.zeros_like(v), where=after > 0)
    return before * kernel.backward(ratio)


def generate(start: Array, laws: Sequence[Array], noise: Sequence[GridNoise], *, renoise: bool = True) -> list[Array]:
    """Return p_0, …, p_T: p_T is `start`, p_0 what is generated; p_{t−1} = D_t N_t p_t.

    Without `renoise` the step is D_t alone (ancestral sampling), which from q_T gives back the data exactly.
    """
    made = [start]
    for t in range(len(noise), 0, -1):
        seen = noise[t - 1].forward(made[-1]) if renoise else made[-1]
        made.append(denoise(seen, noise[t - 1], laws[t - 1], laws[t]))
    return made[::-1]


def transition(prior: Array, kernel: GridNoise) -> Array:
    """Return T = D N of one generation as a matrix (M, M), column = from: for small grids, eigenvalues and checks.

    T is reversible with respect to `prior` for any noise, so its eigenvalues are real, from 0 to 1.
    """
    noise, q = kernel.dense(), prior.ravel()
    after = noise @ q
    back = noise / np.where(after > 0, after, 1.0)[:, None]
    return np.asarray(q[:, None] * (back.T @ noise))


@dataclass(frozen=True)
class GridDiffusion:
    """A diffusion model on a grid: law of the data, noise family, linear schedule, law that sampling starts from.

    The defaults are the study's: Gaussian noise of sd .03 to .10 in 10 steps, 41 × 41 points, swiss roll from uniform.
    """

    noise: str = "gaussian"
    first: float = 0.03
    last: float = 0.10
    steps: int = 10
    spacing: float = 0.025
    data: str = "swiss_roll"
    final: str = "uniform"
    renoise: bool = True

    def __post_init__(self) -> None:
        for name, known in (("noise", grid_noise.FAMILIES), ("data", grids.LAWS), ("final", grids.LAWS)):
            if getattr(self, name) not in known:
                raise UserError(f"{name} is one of {', '.join(known)}; {nearest(getattr(self, name), known)}")

    def solve(self, data: ArrayLike | None = None) -> Diffused:
        """Return every law of forward noise and sampler; `data` (n, n) takes the place of the law of that name."""
        grid = grids.Grid(self.spacing)
        start = grids.LAWS[self.data](grid) if data is None else law(data, name="law of the data")
        final = grids.LAWS[self.final](grid)
        if start.shape != final.shape:
            raise UserError(f"A law on this grid has shape {final.shape}; got one of shape {start.shape}.")
        levels = grid_noise.schedule(self.first, self.last, self.steps)
        noise = grid_noise.kernels(grid, self.noise, levels, final)
        laws = diffuse(start, noise)
        return Diffused(noise, tuple(laws), tuple(generate(final, laws, noise, renoise=self.renoise)))


@dataclass(frozen=True, eq=False)
class Diffused:
    """A solved diffusion model: `forward` q_0 … q_T, `generated` p_0 … p_T, each (n, n); measures in bits."""

    noise: tuple[GridNoise, ...]
    forward: tuple[Array, ...]
    generated: tuple[Array, ...]

    @property
    def error(self) -> float:
        """KL of what is generated from the data: the published performance."""
        return kl(self.generated[0], self.forward[0])

    @property
    def js(self) -> float:
        """Jensen–Shannon divergence between what is generated and the data."""
        return js(self.generated[0], self.forward[0])

    @cached_property
    def steps_forward(self) -> Array:
        """KL(q_t ‖ q_{t+1}) for t = 0 … T − 1: how far each step of noise takes the law."""
        return np.array([kl(a, b) for a, b in zip(self.forward, self.forward[1:], strict=False)])

    @property
    def complexity(self) -> float:
        """The longest step between noised laws, max KL(q_t ‖ q_{t+1}) over t ≥ 1 (NaN for one step).

        The step from the data to q_1 is not among them, in the published numbers; `steps_forward[0]` is that one.
        """
        return float(self.steps_forward[1:].max(initial=-np.inf)) if len(self.noise) > 1 else np.nan

    @property
    def stationarity(self) -> float:
        """How much of the start is left: ‖v − 1‖₂ / √M after v = p_{T−1} / p_{T−2} went through K_tᵀ, t = T − 1 … 1.

        K_t = D_t N_t, so K_tᵀ v = N_tᵀ (N_t (q_{t−1} v) / q_t). 0: all forgotten; NaN for fewer than 2 steps.
        """
        top = len(self.noise)
        if top < 2:
            return np.nan
        v = self.generated[top - 1] / self.generated[top - 2]
        for t in range(top - 1, 0, -1):
            v = self.noise[t - 1].backward(self.noise[t - 1].forward(self.forward[t - 1] * v) / self.forward[t])
        return float(np.sqrt(np.mean((v - 1) ** 2)))

    def information(self, t: int) -> tuple[float, float]:
        """Return (H(x_{t−1} | x_t), I(x_{t−1}; x_t)) in bits for step t of the forward noise; takes M² steps."""
        kernel, before, after = self.noise[t - 1], self.forward[t - 1], self.forward[t]
        n = len(before)
        of_noise = sum(before[row] @ entropy(kernel.columns(row).reshape(n, -1), axis=1) for row in range(n))
        mutual = float(entropy(after)) - float(of_noise)
        return float(entropy(before)) - mutual, mutual
