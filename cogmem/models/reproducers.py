"""Reproducers by name, made from their parameters: who can take serial reproduction and iterated learning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from cogmem.core import Subject
from cogmem.subjects.circular_reproducer import AttractorReproducer, VonMisesReproducer
from cogmem.subjects.dots_reproducer import DotsReproducer
from cogmem.subjects.learner import LanguageLearner
from cogmem.subjects.neural_reproducer import NeuralReproducer
from cogmem.subjects.reproducer import GaussianReproducer, MixtureReproducer

REPRODUCERS: Final[Mapping[str, tuple[Callable[..., Subject], str]]] = {
    "gaussian_reproducer": (GaussianReproducer, "prior_mean, prior_sd, noise_sd: one category on a line"),
    "mixture_reproducer": (MixtureReproducer, "means, sds, weights, noise_sd: several categories on a line"),
    "von_mises_reproducer": (VonMisesReproducer, "means, sds, weights, noise_sd, spread: attractors on a circle"),
    "dots_reproducer": (DotsReproducer, "location_sd, noise, between, within, concentration: patterns of dots"),
    "language_learner": (LanguageLearner, "alpha, noise: a learner of languages, for iterated_learning"),
    "dae": (partial(NeuralReproducer, "dae"), "noise, environment: a denoising autoencoder"),
    "vae": (partial(NeuralReproducer, "vae"), "noise, environment: a variational autoencoder"),
    "ddpm": (partial(NeuralReproducer, "ddpm"), "noise, environment: a diffusion model"),
}
"""Name to (what makes it from its parameters, what these are)."""

__all__ = [
    "REPRODUCERS",
    "AttractorReproducer",
    "DotsReproducer",
    "GaussianReproducer",
    "LanguageLearner",
    "MixtureReproducer",
    "NeuralReproducer",
    "VonMisesReproducer",
]
