"""Random numbers that depend on what they are for, not on when they are drawn: Philox 4x32-10.

Each number is a function of a seed, a simulated individual, a step and a stream, so a simulation is the same on numpy,
numba and CUDA, with any number of threads, on any number of machines, and any part of it can be drawn again alone.

Salmon, Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3. Key: the seed's two words; counter:
(step, stream, individual's low word, its high word); a block is the four 32-bit words that come out. Words are held in
64-bit lanes, where the products of the rounds fit and which every backend multiplies in one instruction.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cogmem.errors import UserError
from cogmem.kernels.arguments import array, count, seed_key
from cogmem.kernels.kernel import Kernel

Words = tuple[Any, Any, Any, Any]

_U = np.uint64
_F = np.float32
MULTIPLY_0: Final = _U(0xD2511F53)
MULTIPLY_1: Final = _U(0xCD9E8D57)
WEYL_0: Final = _U(0x9E3779B9)
WEYL_1: Final = _U(0xBB67AE85)
LOW: Final = _U(0xFFFFFFFF)
HALF: Final = _U(32)


def philox(c0: Any, c1: Any, c2: Any, c3: Any, k0: Any, k1: Any) -> Words:
    """Return the four words of a block: ten rounds of Philox 4x32 on counter (c0, c1, c2, c3) and key (k0, k1).

    All are uint64 that hold 32 bits; plain operators, so one source serves arrays, numba and CUDA.
    """
    for _ in range(10):
        p0 = MULTIPLY_0 * c0
        p1 = MULTIPLY_1 * c2
        c0 = (p1 >> HALF) ^ c1 ^ k0
        c1 = p1 & LOW
        c2 = (p0 >> HALF) ^ c3 ^ k1
        c3 = p0 & LOW
        k0 = (k0 + WEYL_0) & LOW
        k1 = (k1 + WEYL_1) & LOW
    return c0, c1, c2, c3


# --- From words to numbers, written once for every backend ----------------------------------------------------------

_RANGE: Final = _F(2.0**-32)
_MIDDLE: Final = _F(0.5)
_ONE: Final = _F(1.0)
_MINUS: Final = _F(-1.0)
_TWO: Final = _F(2.0)
_SQRT_HALF_BITS: Final = np.int32(0x3F3504F3)
_MANTISSA: Final = np.int32(23)
# Coefficients of the Cephes library (Moshier, 1989): relative error of each function below 2e-7.
_LN: Final = tuple(
    _F(c)
    for c in (
        7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1,
        2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1,
    )
)  # fmt: skip
_LN2_LOW: Final = _F(-2.12194440e-4)
_LN2_HIGH: Final = _F(0.693359375)
_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = _LN
_S0, _S1, _S2 = (_F(c) for c in (-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1))
_C0, _C1, _C2 = (_F(c) for c in (2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2))
_ANGLE: Final = _F(np.pi * 2.0**-31)
_EIGHTH_TURN: Final = _U(1 << 29)
_QUARTER_TURN: Final = _U(1 << 30)
_HALF_TURN: Final = _U(1 << 31)
_IN_QUARTER: Final = _U((1 << 30) - 1)
_EIGHTH: Final = np.int32(1 << 29)
_ZERO: Final = _U(0)
_BIT: Final = _U(1)


def logarithm(bits: Callable[[Any], Any], floating: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of a float32 u in (0, 1] that gives -ln u; `bits` and `floating` reinterpret float32 as int32.

    Sums and products only, so the same bits come out wherever they are not contracted. The casts keep compiled code in
    32-bit lanes: there numba's integers widen with every operation, and half as many fit into a register.
    """

    def minus_log(u: Any) -> Any:
        pattern = bits(u)
        exponent = np.int32(np.int32(pattern - _SQRT_HALF_BITS) >> _MANTISSA)
        t = floating(np.int32(pattern - np.int32(exponent << _MANTISSA))) - _ONE
        square = t * t
        p = _L0 * t + _L1
        p = p * t + _L2
        p = p * t + _L3
        p = p * t + _L4
        p = p * t + _L5
        p = p * t + _L6
        p = p * t + _L7
        p = p * t + _L8
        e = _F(exponent)
        y = t * square * p + e * _LN2_LOW - _MIDDLE * square
        return _MINUS * (t + y + e * _LN2_HIGH)

    return minus_log


def box_muller(
    minus_log: Callable[[Any], Any],
    root: Callable[[Any], Any],
    select: Callable[[Any, Any, Any], Any],
    bits: Callable[[Any], Any],
    floating: Callable[[Any], Any],
) -> Callable[[Any, Any], tuple[Any, Any]]:
    """Return a function of two words that gives two standard normals in float32 (Box & Muller, 1958).

    `root` is the square root of a float32, `select(condition, a, b)` a where the condition holds and b elsewhere.
    |z| is at most 6.76 = sqrt(-2 ln 2^-33): beyond it lies 1.4e-11 of a normal distribution.
    """

    def normals(w0: Any, w1: Any) -> tuple[Any, Any]:
        radius = root(_TWO * minus_log((_F(np.uint32(w0)) + _MIDDLE) * _RANGE))
        # The angle is w1 / 2^32 turns: its nearest quarter turn is in the two high bits, the rest is within an eighth.
        turned = (w1 + _EIGHTH_TURN) & LOW
        y = _F(np.int32(np.int32(turned & _IN_QUARTER) - _EIGHTH)) * _ANGLE
        z = y * y
        sine = ((_S0 * z + _S1) * z + _S2) * z * y + y
        cosine = ((_C0 * z + _C1) * z + _C2) * z * z - _MIDDLE * z + _ONE
        odd = (turned & _QUARTER_TURN) != _ZERO
        s, c = select(odd, cosine, sine), select(odd, sine, cosine)
        # The sign of the sine turns in the second half, that of the cosine in the two quarters in the middle.
        s = floating(np.int32(bits(s) ^ np.int32(np.uint32(turned & _HALF_TURN))))
        c = floating(np.int32(bits(c) ^ np.int32(np.uint32((turned ^ (turned << _BIT)) & _HALF_TURN))))
        return radius * c, radius * s

    return normals


def exponential_from(minus_log: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a function of a word that gives a draw from the exponential distribution of mean 1 in float32."""

    def exponential(word: Any) -> Any:
        return minus_log((_F(np.uint32(word)) + _MIDDLE) * _RANGE)

    return exponential


_LOG2E: Final = _F(1.4426950408889634)
_FLOOR: Final = _F(-87.0)
_E0, _E1, _E2, _E3, _E4, _E5 = (
    _F(c)
    for c in (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1)
)
_BIAS: Final = np.int32(127)


def exponential_function(floating: Callable[[Any], Any], larger: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Return a function of a float32 x of at most 0 that gives e^x, and e^-87 below; `larger` is the maximum of two."""

    def exp(x: Any) -> Any:
        bounded = larger(x, _FLOOR)
        # A conversion cuts towards 0: from a number of at most 0, less one half, that is the nearest whole one.
        n = np.int32(bounded * _LOG2E - _MIDDLE)
        power = _F(n)
        r = bounded - power * _LN2_HIGH - power * _LN2_LOW
        p = _E0 * r + _E1
        p = p * r + _E2
        p = p * r + _E3
        p = p * r + _E4
        p = p * r + _E5
        return (p * r * r + r + _ONE) * floating(np.int32(np.int32(n + _BIAS) << _MANTISSA))

    return exp


# --- The numpy meaning ----------------------------------------------------------------------------------------------


def _bits(x: Any) -> Any:
    return np.asarray(x, dtype=np.float32).view(np.int32)


def _floating(x: Any) -> Any:
    return np.asarray(x, dtype=np.int32).view(np.float32)


minus_log = logarithm(_bits, _floating)
normals_of = box_muller(minus_log, np.sqrt, np.where, _bits, _floating)
exponential_of = exponential_from(minus_log)
exp = exponential_function(_floating, np.maximum)


def block(key: tuple[int, int], individual: Any, step: Any, stream: int = 0) -> Words:
    """Return the four words (uint64 holding 32 bits) of a block, in the shape to which the arguments broadcast."""
    who, when = np.broadcast_arrays(np.asarray(individual, dtype=_U), np.asarray(step, dtype=_U))
    return philox(when & LOW, np.full_like(when, _U(stream)), who & LOW, who >> HALF, _U(key[0]), _U(key[1]))


def _words(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.uint32]:
    parts = block(key, np.arange(n)[:, None], np.arange(blocks)[None], stream)
    return np.stack(parts, axis=-1).reshape(n, 4 * blocks).astype(np.uint32)


def _normals(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    w0, w1, w2, w3 = block(key, np.arange(n)[:, None], np.arange(blocks)[None], stream)
    return np.stack([*normals_of(w0, w1), *normals_of(w2, w3)], axis=-1).reshape(n, 4 * blocks)


def _exponentials(n: int, blocks: int, key: tuple[int, int], stream: int) -> NDArray[np.float32]:
    parts = block(key, np.arange(n)[:, None], np.arange(blocks)[None], stream)
    return np.stack([exponential_of(word) for word in parts], axis=-1).reshape(n, 4 * blocks)


Fill = Callable[[int, int, tuple[int, int], int], Any]
_CPU: Final = "cogmem.kernels.cpu.random"
_CUDA: Final = "cogmem.kernels.cuda.random"
WORDS: Final[Kernel[Fill]] = Kernel("words", _words, f"{_CPU}:words", f"{_CUDA}:words")
NORMALS: Final[Kernel[Fill]] = Kernel("normals", _normals, f"{_CPU}:normals", f"{_CUDA}:normals")
EXPONENTIALS: Final[Kernel[Fill]] = Kernel(
    "exponentials", _exponentials, f"{_CPU}:exponentials", f"{_CUDA}:exponentials"
)


# --- Draws for a script -----------------------------------------------------------------------------------------------


def _drawn(kernel: Kernel[Fill], individuals: int, draws: int, seed: int, stream: int, backend: str) -> Any:
    n = count(kernel.name, "individuals", individuals, least=0)
    each = count(kernel.name, "draws", draws, least=0)
    which = count(kernel.name, "stream", stream, least=0, most=2**32 - 1)
    filled = kernel.on(backend)(n, -(-each // 4), seed_key(kernel.name, seed), which)
    return np.ascontiguousarray(filled[:, :each])


def words(individuals: int, draws: int, *, seed: int, stream: int = 0, backend: str = "auto") -> NDArray[np.uint32]:
    """Return random words, (individuals, draws) uint32: draw d of individual i is word d % 4 of its block d // 4.

    The same seed and stream give the same words on every backend, and for an individual whatever the others are.

    >>> [f"{word:08x}" for word in words(1, 4, seed=0, backend="numpy")[0]]
    ['6627e8d5', 'e169c58d', 'bc57ac4c', '9b00dbd8']
    """
    return np.asarray(_drawn(WORDS, individuals, draws, seed, stream, backend))


def uniforms(individuals: int, draws: int, *, seed: int, stream: int = 0, backend: str = "auto") -> NDArray[np.float64]:
    """Return draws from (0, 1), (individuals, draws): (word + 1/2) / 2^32, exact, and never 0 or 1."""
    made = words(individuals, draws, seed=seed, stream=stream, backend=backend)
    return np.asarray((made + 0.5) * 2.0**-32, np.float64)


def normals(individuals: int, draws: int, *, seed: int, stream: int = 0, backend: str = "auto") -> NDArray[np.float32]:
    """Return standard normals in single precision, (individuals, draws): draws 2m, 2m + 1 come from words 2m, 2m + 1.

    Bit for bit the same on numpy and numba; CUDA contracts products and sums, and differs by at most 2e-6.
    """
    return np.asarray(_drawn(NORMALS, individuals, draws, seed, stream, backend))


def exponentials(
    individuals: int, draws: int, *, seed: int, stream: int = 0, backend: str = "auto"
) -> NDArray[np.float32]:
    """Return draws from the exponential distribution of mean 1, (individuals, draws), -ln of `uniforms`."""
    return np.asarray(_drawn(EXPONENTIALS, individuals, draws, seed, stream, backend))


def thresholds(p: ArrayLike) -> NDArray[np.uint64]:
    """Return 2^32 p, rounded: a word below it is a success of probability p to within 2^-33, 0 and 1 exactly."""
    found = array("thresholds", "p", p, np.float64, (None,) * np.ndim(p))
    if not ((found >= 0.0) & (found <= 1.0)).all():
        worst = found[~((found >= 0.0) & (found <= 1.0))].flat[0]
        raise UserError(f"A probability lies between 0 and 1; got {worst:g}. Clip or correct it first.")
    return np.rint(found * 2.0**32).astype(np.uint64)


def bernoullis(p: ArrayLike, draws: int, *, seed: int, stream: int = 0, backend: str = "auto") -> NDArray[np.bool_]:
    """Return successes with probability p of each individual: `p` (individuals,) -> (individuals, draws)."""
    edge = thresholds(p).reshape(-1, 1)
    return np.asarray(words(len(edge), draws, seed=seed, stream=stream, backend=backend) < edge)


def categoricals(p: ArrayLike, draws: int, *, seed: int, stream: int = 0, backend: str = "auto") -> NDArray[np.int64]:
    """Return options drawn with the probabilities of each individual: `p` (individuals, options), rows sum to 1.

    The result is (individuals, draws): the first option whose cumulative probability is above the uniform.
    """
    rows = array("categoricals", "p", p, np.float64, (None, None))
    if not np.allclose(rows.sum(axis=1), 1.0, rtol=0.0, atol=1e-9):
        raise UserError(f"categoricals needs rows of p that sum to 1; got {rows.sum(axis=1).min():g} and more.")
    edges = thresholds(np.clip(np.cumsum(rows, axis=1)[:, :-1], 0.0, 1.0))
    drawn = words(len(rows), draws, seed=seed, stream=stream, backend=backend)
    return np.asarray((drawn[:, :, None] >= edges[:, None, :]).sum(axis=-1), dtype=np.int64)
