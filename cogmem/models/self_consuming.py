"""Generative models that learn from what they made: serial reproduction without a prior of its own.

Alemohammad et al. (2023), "Self-Consuming Generative Models Go MAD". A loop is "synthetic" (each generation learns from
the last one's samples alone), "augmented" (and from one fixed real sample), or "fresh" (and from a new real sample each
time). `bias` λ scales the variance of what is sampled around what was learned: below 1, quality for diversity.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cogmem.errors import UserError
from cogmem.names import nearest

Array = NDArray[np.float64]
Loop = Literal["synthetic", "augmented", "fresh"]
Draw = Callable[[int, np.random.Generator], Array]

LOOPS: Final = ("synthetic", "augmented", "fresh")
NEIGHBOURS: Final = 3
LEAST_VARIANCE: Final = 1e-12


class Generator(Protocol):
    """A fitted generative model."""

    def sample(self, n: int, bias: float, rng: np.random.Generator) -> Array:
        """Return n samples (n, dimensions), their variance around what was learned scaled by `bias`."""
        ...


Fit = Callable[[Array, np.random.Generator], Generator]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """A normal law with its mean and covariance (divisor n − 1)."""

    mean: Array
    root: Array

    def sample(self, n: int, bias: float, rng: np.random.Generator) -> Array:
        """Return n samples, the covariance scaled by `bias`."""
        z = np.sqrt(bias) * rng.standard_normal((n, len(self.mean)))
        return np.asarray(self.mean + z @ self.root.T)


def _root(covariance: Array) -> Array:
    """Return R with R Rᵀ = covariance, also where it has lost a direction."""
    values, vectors = np.linalg.eigh(covariance)
    return np.asarray(vectors * np.sqrt(np.maximum(values, 0.0)))


def fit_gaussian(x: Array, rng: np.random.Generator) -> Gaussian:
    """Return the normal law of samples (n, dimensions), by moments; it draws nothing from `rng`."""
    return Gaussian(x.mean(axis=0), _root(np.atleast_2d(np.cov(x, rowvar=False))))


@dataclass(frozen=True, eq=False)
class Mixture:
    """A mixture of normal laws: weights (k,), means (k, d), roots of the covariances (k, d, d)."""

    weights: Array
    means: Array
    roots: Array

    def sample(self, n: int, bias: float, rng: np.random.Generator) -> Array:
        """Return n samples, the covariance of each component scaled by `bias`."""
        chosen = rng.choice(len(self.weights), size=n, p=self.weights)
        z = np.sqrt(bias) * rng.standard_normal((n, self.means.shape[1]))
        return np.asarray(self.means[chosen] + np.einsum("nij,nj->ni", self.roots[chosen], z))


def fit_mixture(x: Array, rng: np.random.Generator, *, components: int = 3, rounds: int = 100) -> Mixture:
    """Return a mixture fitted by expectation and maximisation, from means drawn far apart (k-means++).

    A covariance keeps at least a thousandth of the sample's variance in each direction.
    """
    n, d = x.shape
    means = x[[rng.integers(n)]]
    while len(means) < components:
        far = ((x[:, None] - means) ** 2).sum(axis=-1).min(axis=1)
        total = far.sum()
        means = np.concatenate([means, x[[rng.choice(n, p=far / total if total > 0 else None)]]])
    spread = np.atleast_2d(np.cov(x, rowvar=False)) + LEAST_VARIANCE * np.eye(d)
    least = 1e-3 * np.trace(spread) / d * np.eye(d)
    covariances = np.repeat(spread[None] / components, components, axis=0)
    weights = np.full(components, 1 / components)
    for _ in range(rounds):
        apart = x[:, None] - means
        inverse, (_, log_det) = np.linalg.inv(covariances), np.linalg.slogdet(covariances)
        log = np.log(weights) - 0.5 * log_det - 0.5 * np.einsum("nki,kij,nkj->nk", apart, inverse, apart)
        share = np.exp(log - log.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        # No component dies: an empty one keeps a sample's worth.
        mass = share.sum(axis=0) + 1e-9
        weights, means = np.maximum(mass, 1.0) / np.maximum(mass, 1.0).sum(), share.T @ x / mass[:, None]
        apart = x[:, None] - means
        covariances = np.einsum("nk,nki,nkj->kij", share, apart, apart) / mass[:, None, None] + least
    return Mixture(weights, means, np.stack([_root(each) for each in covariances]))


@dataclass(frozen=True, eq=False)
class Diffusion:
    """A small diffusion model trained on standardised samples."""

    network: Any
    mean: Array
    sd: float

    def sample(self, n: int, bias: float, rng: np.random.Generator) -> Array:
        """Return n samples; `bias` scales the variance of the noise that each step back adds."""
        made = self.network.generate(n, len(self.mean), rng, spread=bias)
        return np.asarray(self.mean + self.sd * made)


def fit_diffusion(x: Array, rng: np.random.Generator, *, updates: int = 1500, width: int = 64) -> Diffusion:
    """Return a diffusion model trained from scratch on samples (Ho et al., 2020)."""
    from cogmem.subjects.denoising import Denoising, Training

    mean, sd = x.mean(axis=0), max(float(x.std(axis=0).mean()), 1e-9)
    standard = (x - mean) / sd
    training = Training(width=width, updates=updates, steps=500)
    network = Denoising("ddpm", x.shape[1], training, seed=int(rng.integers(2**31)))
    network.train(lambda n, source: standard[source.integers(0, len(standard), n)], rng)
    return Diffusion(network, mean, sd)


FITS: Final[Mapping[str, Fit]] = {"gaussian": fit_gaussian, "mixture": fit_mixture, "ddpm": fit_diffusion}
"""Generative models by name."""


def frechet(x: Array, y: Array) -> float:
    """Return W2² between the normal laws with the moments of two samples (the Fréchet distance, squared).

    |m₁ − m₂|² + tr(C₁ + C₂ − 2 (C₁ C₂)^½) (Dowson & Landau, 1982).

    >>> z = np.array([[-1.0], [1.0]])
    >>> round(frechet(z, 2 * z + 3.0), 6)  # (3)² + (√2 · (2 − 1))² with the divisor n − 1
    11.0
    """
    first, second = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (x, y))
    root = _root(first)
    inner = np.linalg.eigvalsh(root.T @ second @ root)
    shared = np.sqrt(np.maximum(inner, 0.0)).sum()
    apart = float(((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum())
    return max(apart + float(np.trace(first) + np.trace(second) - 2 * shared), 0.0)


def wasserstein(x: Array, y: Array) -> float:
    """Return W2² between two samples of one size: the least mean squared distance of a pairing.

    >>> wasserstein(np.array([[0.0], [1.0]]), np.array([[3.0], [2.0]]))
    4.0
    """
    from scipy.optimize import linear_sum_assignment

    if len(x) != len(y):
        raise UserError(f"The pairing needs samples of one size; got {len(x)} and {len(y)}.")
    squares = ((x[:, None] - y) ** 2).sum(axis=-1)
    return float(squares[linear_sum_assignment(squares)].mean())


def covered(x: Array, y: Array, *, neighbours: int = NEIGHBOURS) -> float:
    """Return the share of `y` that lies within the k-th nearest neighbour's distance of some point of `x`.

    Precision with x real and y made, recall with x made and y real (Kynkäänniemi et al., 2019).

    >>> line = np.arange(5.0)[:, None]
    >>> covered(line, np.array([[2.5], [9.0]]), neighbours=1)
    0.5
    """
    if not len(x) > neighbours:
        raise UserError(f"Balls around {neighbours} neighbours need more points than that; got {len(x)}.")
    within = ((x[:, None] - x) ** 2).sum(axis=-1)
    reach = np.sort(within, axis=1)[:, neighbours]
    return float((((y[:, None] - x) ** 2).sum(axis=-1) <= reach).any(axis=1).mean())


@dataclass(frozen=True)
class SelfConsuming:
    """A self-consuming loop: `model` one of FITS, `n_synthetic` samples a generation and `n_real` real ones.

    Generation 1 is fitted on `n_real` real samples (on `n_synthetic` of them in the synthetic loop).
    """

    model: str
    loop: Loop = "synthetic"
    n_synthetic: int = 1000
    n_real: int = 0
    bias: float = 1.0

    def __post_init__(self) -> None:
        if self.model not in FITS:
            raise UserError(f"There is no generative model {self.model!r}; {nearest(self.model, FITS)}")
        if self.loop not in LOOPS:
            raise UserError(f"There is no loop {self.loop!r}; {nearest(self.loop, LOOPS)}")
        if not 0 < self.bias <= 1:
            raise UserError(f"The sampling bias is above 0 and at most 1; got {self.bias}.")
        if self.n_synthetic < 4 or (self.loop != "synthetic") != (self.n_real > 0):
            raise UserError(
                "A loop needs n_synthetic of 4 or more, and n_real above 0 just where real samples are added; got the "
                f"loop {self.loop} with n_synthetic={self.n_synthetic}, n_real={self.n_real}."
            )

    def run(self, real: Draw, *, generations: int, seed: int) -> list[Array]:
        """Return the unbiased-size sample of each generation: `n_synthetic` samples, (n, dimensions) each."""
        rng = np.random.default_rng(seed)
        fit = FITS[self.model]
        fixed = real(self.n_real or self.n_synthetic, rng)
        model = fit(fixed, rng)
        made = [model.sample(self.n_synthetic, self.bias, rng)]
        for _ in range(generations - 1):
            learned = made[-1]
            if self.loop != "synthetic":
                learned = np.concatenate([learned, real(self.n_real, rng) if self.loop == "fresh" else fixed])
            model = fit(learned, rng)
            made.append(model.sample(self.n_synthetic, self.bias, rng))
        return made


def gaussian_moments(*, n: int, generations: int, chains: int, bias: float = 1.0, seed: int) -> tuple[Array, Array]:
    """Return (mean, variance) of the normal law of each generation of many synthetic loops in one dimension.

    (generations, chains) each, from N(0, 1): the law with mean m and variance v gives n samples of variance λ v, whose
    own mean and variance are drawn from their sampling laws, so that the cost does not depend on n.
    E log v falls by ψ((n−1)/2) − log((n−1)/2) ≈ −1/(n−1) a generation, and by −log λ; E v is kept at λ = 1.
    """
    rng = np.random.default_rng(seed)
    mean, variance = np.zeros(chains), np.ones(chains)
    means, variances = np.empty((generations, chains)), np.empty((generations, chains))
    for generation in range(generations):
        mean = mean + np.sqrt(bias * variance / n) * rng.standard_normal(chains)
        variance = bias * variance * rng.chisquare(n - 1, chains) / (n - 1)
        means[generation], variances[generation] = mean, variance
    return means, variances


def estimation_error(*, n_real: int, n_synthetic: int, bias: float, generations: int, chains: int, seed: int) -> float:
    """Return the mean W2² from N(0, 1) after many generations of the fresh loop in one dimension, by moments.

    Generation 1 learns from `n_real` real samples, later ones from as many new ones and `n_synthetic` made ones.
    """
    rng = np.random.default_rng(seed)
    total = n_real + n_synthetic
    mean = rng.standard_normal(chains) / np.sqrt(n_real)
    variance = rng.chisquare(n_real - 1, chains) / (n_real - 1)
    for _ in range(generations - 1):
        made = mean + np.sqrt(bias * variance / max(n_synthetic, 1)) * rng.standard_normal(chains)
        fresh = rng.standard_normal(chains) / np.sqrt(n_real)
        squares = rng.chisquare(n_real - 1, chains)
        if n_synthetic > 1:
            squares = squares + bias * variance * rng.chisquare(n_synthetic - 1, chains)
        pooled = (n_real * fresh + n_synthetic * made) / total
        between = n_real * (fresh - pooled) ** 2 + n_synthetic * (made - pooled) ** 2
        mean, variance = pooled, (squares + between) / (total - 1)
    return float((mean**2 + (np.sqrt(variance) - 1) ** 2).mean())
