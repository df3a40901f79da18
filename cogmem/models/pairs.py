"""Classical models of memory for pairs, each as the three choices of test-time regression: see docs/key_value.md.

All of them encode alike, so that what differs is retrieval: a trace has the strength (1 + age)^-decay, (1 + primacy)
times that where it was the first of its list; the context of a list b lists back has the cosine context / sqrt(b) with
that of the test. Vector models score every value by what the cue reads from memory, and the highest score above a
criterion is answered; their scores are normal with the mean and the variance of the published model (checked against
the model itself, vectors and all, in tests/test_pair_models.py). Sampling models choose among traces by Luce's rule.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.strongest import strongest
from cogmem.subjects.pairs import Answers, Held, PairModel, Theta
from cogmem.subjects.parameters import Parameter

Array = NDArray[np.float64]

LEAST_SD: Final = 1e-2
"""Noise that no score is without: the reading of a store that holds nothing else is still told with an error."""
FEATURES: Final = 20
"""Features of a word in MINERVA 2 and REM (Hintzman, 1988; Shiffrin & Steyvers, 1997)."""
COPIED: Final = 0.7
GEOMETRIC: Final = 0.4
"""Of REM: chance that a stored feature is copied right, and the geometric distribution of features (1997)."""
ATTEMPTS: Final = 3
"""Failures with one cue after which SAM gives up (Raaijmakers & Shiffrin, 1981: L_max)."""
INTERCEPT: Final = 0.84
FACTOR: Final = 0.62
"""Seconds of an answer beside retrieval, and of retrieval at an activation of 0: people's in Anderson (1974)."""
LARGEST: Final = 300.0
STEEPEST: Final = 15.0
"""Numbers end here: exponents, and the power of a likelihood ratio."""

DECAY: Final = Parameter("decay", "positive", -2.5, 1.0, "1", "exponent by which strength falls with 1 + pairs since")
PRIMACY: Final = Parameter("primacy", "positive", -2.0, 1.0, "1", "share that a list's first pair is stronger")
CONTEXT: Final = Parameter("context", "unit", -1.0, 1.0, "1", "cosine of the contexts of two successive lists")
ENCODING: Final = (DECAY, PRIMACY, CONTEXT)
CRITERION: Final = Parameter(
    "criterion", "positive", 0.0, 0.7, "1", "score that an answer needs, 1 being a whole trace"
)


def strengths(theta: Theta, held: Held) -> Array:
    """Return the strength of each column's traces, 1 when just studied: (sets, tests, columns)."""
    return np.asarray((1.0 + theta["primacy"] * held.first) * (1.0 + held.age) ** -theta["decay"])


def contexts(theta: Theta, held: Held) -> Array:
    """Return the cosine of each column's list context with the test's: (sets, tests, columns)."""
    return np.asarray(np.where(held.back > 0, theta["context"] / np.sqrt(np.maximum(held.back, 1.0)), 1.0))


def _scored(mean: Array, variance: Array, theta: Theta, held: Held) -> Answers:
    """Return the answers where the highest of normal scores is given if it passes the criterion."""
    from scipy.special import ndtr

    sd = np.sqrt(variance + LEAST_SD**2)
    count, rows = np.broadcast_to(held.count, mean.shape), mean.shape[0] * mean.shape[1]
    criterion = np.broadcast_to(theta["criterion"][..., 0], mean.shape[:2])
    flat_mean, flat_sd, flat_count = (np.ascontiguousarray(each).reshape(rows, -1) for each in (mean, sd, count))
    told = strongest(flat_mean, flat_sd, flat_count, np.ascontiguousarray(criterion).ravel())
    return Answers(told.reshape(*mean.shape[:2], -1), ndtr((mean - theta["criterion"]) / sd))


def _among(weight: Array, none: Array, held: Held) -> Answers:
    """Return the answers by Luce's rule (1959) over the traces and none."""
    whole = held.count * weight
    total = np.maximum(whole.sum(axis=-1, keepdims=True) + none, 1e-300)
    left = np.broadcast_to(none, (*whole.shape[:-1], 1))
    return Answers(np.concatenate([whole, left], axis=-1) / total, weight / np.maximum(weight + none, 1e-300))


def _read(signal: Array, held: Held) -> Array:
    """Return the mean score of each column's value: its own signal, and those of values that are like it."""
    if held.alike is None:
        return signal
    return np.asarray(np.einsum("snj,njc->snc", held.count * signal, held.alike))


# ---- memories that add pairs up in one array ------------------------------------------------------------------------


def _matrix(theta: Theta, held: Held) -> Answers:
    """M = sum s c k^T v, read q M; cosines of vectors of d numbers vary by (1 - cos^2)^2 / d around what they are."""
    s = strengths(theta, held) * contexts(theta, held)
    d, near = theta["dimension"], held.near
    varied = (1 - near**2) ** 2 / d
    cross = held.count * s**2 * (near**2 + varied) / d
    own = s**2 * (varied - (near**2 + varied) / d)
    return _scored(_read(s * near, held), cross.sum(axis=-1, keepdims=True) + np.maximum(own, -cross), theta, held)


def _convolved(theta: Theta, held: Held) -> Answers:
    """M = sum s c k * v (circular convolution), read q # M: one vector holds all pairs, so all of them add noise."""
    s = strengths(theta, held) * contexts(theta, held)
    d, near = theta["dimension"], held.near
    noise = (held.count * s**2 * (1 + near**2)).sum(axis=-1, keepdims=True) / d
    return _scored(_read(s * near, held), noise + s**2 * (1 - near**2) ** 2 / d, theta, held)


# ---- memories that keep traces apart --------------------------------------------------------------------------------


def _minerva(theta: Theta, held: Held) -> Answers:
    """A = S^3, S the mean product of the probe's and the trace's features; the echo adds up A times the values.

    The probe is the cue and the context, FEATURES each; a trace has each feature with probability L. For normal S of
    mean m and variance v: E[S^3] = m^3 + 3 m v, E[S^6] = m^6 + 15 m^4 v + 45 m^2 v^2 + 15 v^3.
    """
    encoded = np.minimum(theta["encoding"] * strengths(theta, held), 1.0)
    near, context = held.near, contexts(theta, held)
    m = 0.5 * encoded * (near + context)
    v = 0.25 * (2 * encoded - encoded**2 * (near**2 + context**2)) / FEATURES
    third, sixth = m**3 + 3 * m * v, m**6 + 15 * m**4 * v + 45 * m**2 * v**2 + 15 * v**3
    # A trace's value is encoded like its cue: its match with the whole value has mean L, with another's none.
    own = sixth * (encoded**2 + encoded * (1 - encoded) / FEATURES) - (third * encoded) ** 2
    other = held.count * sixth * encoded / FEATURES
    variance = other.sum(axis=-1, keepdims=True) + np.maximum(own - other / np.maximum(held.count, 1.0), 0.0)
    # In units of the echo of a whole trace, so that the criterion means the same whatever is encoded.
    unit = theta["encoding"] ** 4
    return _scored(_read(third * encoded, held) / unit, variance / unit**2, theta, held)


def _sam(theta: Theta, held: Held) -> Answers:
    """Sample a trace by its share of all strengths, recover it with 1 - exp(-strength); up to ATTEMPTS failures."""
    s = strengths(theta, held) * contexts(theta, held)
    strength = s * theta["association"] * theta["residual"] ** (1 - held.near)
    whole = held.count * strength
    sampled = whole / np.maximum(whole.sum(axis=-1, keepdims=True), 1e-300)
    recovered = -np.expm1(-strength)
    failed = (sampled * (1 - recovered)).sum(axis=-1, keepdims=True)
    tries = sum(failed**k for k in range(ATTEMPTS))
    recall = sampled * recovered * tries
    # Both words of a pair cue it in recognition: their strengths add up (Raaijmakers & Shiffrin, 1981, eq. 3).
    return Answers(np.concatenate([recall, failed**ATTEMPTS], axis=-1), -np.expm1(-2 * strength))


_VALUES: Final = np.arange(1.0, 31.0)
_CHANCE: Final = GEOMETRIC * (1 - GEOMETRIC) ** (_VALUES - 1)
_RATIO: Final = (COPIED + (1 - COPIED) * _CHANCE) / _CHANCE
_NODES: Final = np.polynomial.hermite_e.hermegauss(9)


def _over_values(match: Array, mismatch: Array | float) -> tuple[Array, Array]:
    """Return (a, b): the mean over a stored feature's values is a + b near, `match` (..., values) being that of each.

    The trace's value is the probe's with probability c near + (1 - c near) P(value).
    """
    share = _CHANCE / _CHANCE.sum()
    alone = (share * (_CHANCE * match + (1 - _CHANCE) * np.asarray(mismatch)[..., None])).sum(axis=-1)
    more = (share * COPIED * (1 - _CHANCE) * (match - np.asarray(mismatch)[..., None])).sum(axis=-1)
    return np.asarray(alone), np.asarray(more)


def _feature(near: Array, stored: Array, power: Array | float) -> Array:
    """Return E[r^power], r being the likelihood ratio of one feature (Shiffrin & Steyvers, 1997, eq. 3).

    A feature that is not stored says nothing (r = 1). Probe and trace share it with probability `near`.
    """
    exponent = np.asarray(power)
    a, b = _over_values(_RATIO ** exponent[..., None], (1 - COPIED) ** exponent)
    return np.asarray(1 - stored + stored * (a + b * near))


_LOG: Final = tuple(_over_values(np.log(_RATIO) ** k, np.log(1 - COPIED) ** k) for k in (1, 2))


def _log_feature(near: Array, stored: Array) -> tuple[Array, Array]:
    """Return the mean and the variance of the logarithm of one feature's likelihood ratio."""
    first, second = (stored * (a + b * near) for a, b in _LOG)
    return np.asarray(first), np.asarray(second - first**2)


def _logistic(x: Array) -> Array:
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(x, -LARGEST, LARGEST))))


def _on_average(mean: Array, variance: Array) -> Array:
    """Return the mean of the logistic function over a normal distribution."""
    nodes, weights = _NODES[0], _NODES[1] / _NODES[1].sum()
    width = np.sqrt(np.maximum(variance, 0.0))
    return np.asarray(sum(w * _logistic(mean + x * width) for x, w in zip(nodes, weights, strict=True)))


def _rem(theta: Theta, held: Held) -> Answers:
    """Sample a trace by its likelihood ratio to a power, recover it by the share of its features that was stored.

    The logarithm of a ratio is a sum over FEATURES of the cue and as many of the context, so nearly normal; that of the
    sum of all but the best column's is taken as normal too. The others share what the best one leaves as expected.
    """
    near, context, power = np.maximum(held.near, 0.0), contexts(theta, held), np.minimum(theta["power"], STEEPEST)
    stored = -np.expm1(-theta["storage"] * strengths(theta, held))
    log_count = np.log(np.maximum(held.count, 1e-300))
    logs, doubled = (
        FEATURES * (np.log(_feature(near, stored, k * power)) + np.log(_feature(context, stored, k * power)))
        for k in (1, 2)
    )
    best = (logs + log_count).argmax(axis=-1)[..., None]
    peak = (logs + log_count).max(axis=-1, keepdims=True)
    expected = held.count * np.exp(np.maximum(logs - peak, -LARGEST))
    squares = held.count * np.exp(np.clip(doubled - 2 * peak, -LARGEST, LARGEST))
    squares = np.maximum(squares - expected**2 / np.maximum(held.count, 1.0), 0.0)
    for each in (expected, squares):
        np.put_along_axis(each, best, 0.0, axis=-1)
    others = np.maximum(expected.sum(axis=-1, keepdims=True), 1e-130)
    # The sum of the others' ratios is about lognormal, with these moments of its logarithm.
    varied = np.log(np.maximum(squares.sum(axis=-1, keepdims=True), 1e-300)) - 2 * np.log(others)
    spread = np.log1p(np.exp(np.minimum(varied, LARGEST)))
    cue, listed = _log_feature(near, stored), _log_feature(context, stored)
    mean, variance = (np.take_along_axis(FEATURES * (cue[k] + listed[k]), best, axis=-1) for k in (0, 1))
    first = _on_average(power * mean - peak - np.log(others) + 0.5 * spread, power**2 * variance + spread)
    sampled = np.maximum(1.0 - first, 0.0) * expected / others
    np.put_along_axis(sampled, best, first, axis=-1)
    recall = sampled * (COPIED * stored) ** theta["recovery"]
    left = np.maximum(0.0, 1.0 - recall.sum(axis=-1, keepdims=True))
    # The trace of a value that is shown is the cue's or another's: told by the cue's features in it.
    yes = _on_average(FEATURES * cue[0], FEATURES * cue[1])
    return Answers(np.concatenate([recall, left], axis=-1), yes)


def _activation(theta: Theta, held: Held) -> Array:
    linked = held.near * (theta["association"] - np.log(held.fan))
    return np.asarray(np.log(np.maximum(strengths(theta, held) * contexts(theta, held), 1e-300)) + linked)


def _act_r_seconds(theta: Theta, held: Held) -> Array:
    """Return I + F exp(-A), I and F as fitted to the fan effect (see `jobs.fan`)."""
    return np.asarray(INTERCEPT + FACTOR * np.exp(np.minimum(-_activation(theta, held), 5.0)))


def _act_r(theta: Theta, held: Held) -> Answers:
    """A = ln strength + association - ln fan for the cue's own facts; P = exp(A / s) / sum, none at the threshold."""
    activation = _activation(theta, held)
    noise = theta["noise"]
    weight = np.exp(np.clip(activation / noise, -LARGEST, LARGEST))
    return _among(weight, np.exp(np.clip(theta["threshold"] / noise, -LARGEST, LARGEST)), held)


def _exemplar(theta: Theta, held: Held) -> Answers:
    """w = strength exp(sharpness (cos - 1)); P = w / (omission + sum of w): softmax attention, one value a trace."""
    s = strengths(theta, held) * contexts(theta, held)
    weight = s * np.exp(theta["sharpness"] * (held.near - 1))
    return _among(np.asarray(weight), theta["omission"], held)


_DIMENSION: Final = Parameter("dimension", "positive", 3.0, 1.0, "1", "numbers that a word's vector has")

matrix_memory: Final = PairModel(
    "matrix_memory", 1, "Pike (1984); Humphreys, Bain & Pike (1989)",
    "read = sum of s c (q.k) v; the value that is most like it, if above the criterion",
    (*ENCODING, _DIMENSION, CRITERION), _matrix,
)  # fmt: skip
todam: Final = PairModel(
    "todam", 1, "Murdock (1982)",
    "read = q # sum of s c (k * v); the value that is most like it, if above the criterion",
    (*ENCODING, Parameter("dimension", "positive", 4.0, 1.0, "1", "numbers that the memory vector has"), CRITERION),
    _convolved,
)  # fmt: skip
minerva2: Final = PairModel(
    "minerva2", 1, "Hintzman (1984, 1988)",
    "echo = sum of S^3 v; the value that is most like it, if above the criterion",
    (*ENCODING, Parameter("encoding", "unit", 0.5, 1.0, "1", "probability that a feature is encoded"), CRITERION),
    _minerva,
)  # fmt: skip
sam: Final = PairModel(
    "sam", 1, "Raaijmakers & Shiffrin (1981)",
    "P = S / sum of S, recovered with 1 - exp(-S), up to three failures",
    (*ENCODING, Parameter("association", "positive", 0.0, 1.0, "1", "strength of a cue to its own pair"),
     Parameter("residual", "unit", -3.0, 1.0, "1", "share of it that the cue has to other pairs")),
    _sam,
)  # fmt: skip
rem: Final = PairModel(
    "rem", 1, "Shiffrin & Steyvers (1997)",
    "P = r^power / sum of r^power, r the likelihood ratio; recovered with (c stored)^recovery",
    (*ENCODING, Parameter("storage", "positive", 0.0, 0.7, "1", "features stored: 1 - exp(-storage strength)"),
     Parameter("power", "positive", -1.5, 0.7, "1", "exponent of the likelihood ratio in sampling"),
     Parameter("recovery", "positive", 0.0, 0.7, "1", "exponent of the stored share in recovery")),
    _rem,
)  # fmt: skip
act_r_pairs: Final = PairModel(
    "act_r_pairs", 1, "Anderson (1974); Anderson & Reder (1999)",
    "A = ln strength + association - ln fan; P = exp(A / noise) / sum, none exp(threshold / noise)",
    (*ENCODING, Parameter("association", "positive", 0.4, 0.7, "1", "activation that a cue sends to one fact"),
     Parameter("noise", "positive", -0.7, 0.5, "1", "noise of activations"),
     Parameter("threshold", "real", 0.5, 1.0, "1", "activation of giving no answer")),
    _act_r, _act_r_seconds,
)  # fmt: skip
softmax_exemplar: Final = PairModel(
    "softmax_exemplar", 1, "Medin & Schaffer (1978); Nosofsky (1986)",
    "w = s c exp(sharpness (cos - 1)); P = w / (omission + sum of w)",
    (*ENCODING, Parameter("sharpness", "positive", 1.5, 0.7, "1", "fall of similarity with the angle of two keys"),
     Parameter("omission", "positive", 0.0, 1.0, "strength", "strength of giving no answer")),
    _exemplar,
)  # fmt: skip

PAIR_MODELS: Final = (matrix_memory, todam, minerva2, sam, rem, act_r_pairs, softmax_exemplar)
"""Every classical model of pairs."""
