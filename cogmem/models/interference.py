"""Models of what older values do to the last one: what competes when a key is asked for, and with which weight.

Every pair of a stream leaves a trace. At a test each trace gets a weight by the model's own rule (`weigh`), and the
answer is chosen among all of them by Luce's rule, none being one of the options. All are step models: simulation and
likelihood are two folds of the same lines, in numpy, numba and CUDA.

The clock counts pairs: a delay of r seconds is r / (seconds a pair) of them.
"""

from __future__ import annotations

import math
from typing import Any, Final

from cogmem.kernels.stepwise import Steps
from cogmem.subjects.interference import InterferenceModel
from cogmem.subjects.parameters import Parameter

# Constants of compiled code. Places in the state: traces so far, the weight of no answer, the strength that the next
# trace will have, then the traces.
_N, _NONE, _NEW, _TRACES, _SIZE = 0, 1, 2, 3, 8
# Places in a trace.
_CLOCK, _KEY, _STREAM, _UPDATE, _LATER, _STRENGTH, _SINCE, _WEIGHT = 0, 1, 2, 3, 4, 5, 6, 7
# Columns of a row (see `encode` in cogmem.subjects.interference).
_R_CLOCK, _R_KEY, _R_STREAM, _R_UPDATE, _R_PROBE, _R_FREE, _R_LISTS, _R_SAME, _R_BY_UPDATES = 0, 1, 2, 3, 4, 5, 6, 7, 8
# Of recognition tests this share is answered at random, so that nothing is impossible.
_LAPSE = 0.04
_SLOPE = 10.0
# The strength of no answer is told in that of a value so many pairs ago: else it would trade off with the decay.
_REFERENCE = 8.0
# Exponents end here, so that sums of weights stay finite.
_LARGEST = 500.0


def _start(theta: Any, state: Any) -> None:
    state[_N] = 0.0
    state[_NEW] = 1.0


def _add(theta: Any, state: Any, row: Any) -> None:
    """Add a trace; those of earlier streams make room where they do not compete."""
    n = int(state[_N])
    if n > 0 and row[_R_LISTS] < 1.0 and state[_TRACES + _STREAM] != row[_R_STREAM]:
        n = 0
    for k in range(n):
        at = _TRACES + _SIZE * k
        if state[at + _KEY] == row[_R_KEY]:
            state[at + _LATER] += 1.0
    at = _TRACES + _SIZE * n
    state[at + _CLOCK] = row[_R_CLOCK]
    state[at + _KEY] = row[_R_KEY]
    state[at + _STREAM] = row[_R_STREAM]
    state[at + _UPDATE] = row[_R_UPDATE]
    state[at + _LATER] = 0.0
    state[at + _STRENGTH] = state[_NEW]
    state[at + _SINCE] = row[_R_CLOCK]
    state[_NEW] = 1.0
    state[_N] = n + 1.0


def _choose(theta: Any, state: Any, row: Any, p: Any) -> None:
    """Write the chance of each option by Luce's rule (1959) over the weights of the traces.

    Options: 0 none, 1 a value of another key, 2 + k the value k updates from the one asked for, and behind those one
    for each stream back. A recognition test is answered yes (1) by the weight of the probe's own trace.
    """
    for option in range(p.shape[0]):
        p[option] = 0.0
    total, probed = state[_NONE], 0.0
    same = int(row[_R_SAME])
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        weight = state[at + _WEIGHT]
        back = row[_R_STREAM] - state[at + _STREAM]
        if back > row[_R_LISTS]:
            continue
        total += weight
        if back > 0.0:
            p[1 + same + int(back)] += weight
        elif state[at + _KEY] == row[_R_KEY]:
            apart = int(abs(row[_R_UPDATE] - state[at + _UPDATE]))
            p[2 + min(apart, same - 1)] += weight
            if row[_R_PROBE] == state[at + _UPDATE]:
                probed = weight
        else:
            p[1] += weight
    total = max(total, 1e-300)
    if row[_R_PROBE] >= 0.0:
        yes = probed / max(probed + state[_NONE], 1e-300)
        for option in range(p.shape[0]):
            p[option] = 0.0
        p[1] = 0.5 * _LAPSE + (1.0 - _LAPSE) * yes
        p[0] = 1.0 - p[1]
        return
    passed = 0.0
    for option in range(1, p.shape[0]):
        p[option] /= total
        passed += p[option]
    p[0] = max(0.0, 1.0 - passed)


# --- Cue overload: strengths that fall with the lag -----------------------------------------------------------------


def _overload(theta: Any, state: Any, row: Any) -> None:
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        lag = state[at + _LATER] if row[_R_BY_UPDATES] > 0.0 else row[_R_CLOCK] - state[at + _CLOCK]
        weight = (1.0 + lag) ** (-theta[0])
        state[at + _WEIGHT] = weight if state[at + _KEY] == row[_R_KEY] else theta[1] * weight
    reference = 0.0 if row[_R_BY_UPDATES] > 0.0 else _REFERENCE
    state[_NONE] = theta[2] * (1.0 + reference) ** (-theta[0])


_LEAK: Final = Parameter("leak", "unit", -4.0, 1.5, "1", "share of its strength that a value has for other keys")
_OMISSION: Final = Parameter("omission", "positive", -2.0, 1.0, "strength", "strength of giving no answer")

cue_overload: Final = InterferenceModel(
    "cue_overload", 1, "Raaijmakers & Shiffrin (1981); Watkins & Watkins (1975)",
    "s = (1 + lag)^-decay, times leak for other keys; P = s / (omission 9^-decay + sum of s)",
    (Parameter("decay", "positive", 0.0, 0.8, "1", "power by which strength falls with the lag"), _LEAK, _OMISSION),
    Steps(_start, _add, _choose, weigh=_overload),
)  # fmt: skip


# --- SIMPLE: distinctiveness on a logarithmic axis of time ----------------------------------------------------------


def _distinctiveness(theta: Any, state: Any, row: Any) -> None:
    wanted = 1.0
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        if state[at + _KEY] == row[_R_KEY] and state[at + _UPDATE] == row[_R_UPDATE]:
            wanted = max(row[_R_CLOCK] - state[at + _CLOCK], 1e-3)
    total = 0.0
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        ratio = max(row[_R_CLOCK] - state[at + _CLOCK], 1e-3) / wanted
        near = min(ratio, 1.0 / ratio) ** theta[0]
        state[at + _WEIGHT] = near if state[at + _KEY] == row[_R_KEY] else theta[1] * near
        if row[_R_STREAM] - state[at + _STREAM] <= row[_R_LISTS]:
            total += state[at + _WEIGHT]
    # D = 1 / total is how distinct the value asked for is; that is recalled with this chance, something else never.
    state[_NONE] = total * math.exp(-_SLOPE * (1.0 / max(total, 1e-300) - theta[2])) if total > 0.0 else 1.0


simple: Final = InterferenceModel(
    "simple", 1, "Brown, Neath & Chater (2007)",
    "eta = (nearer age / farther age)^c, times leak for other keys; D = eta / sum; P = D / (1 + exp(-10 (D_t - t)))",
    (
        Parameter("c", "positive", 1.0, 0.8, "1", "distinctiveness of times on a logarithmic axis"),
        _LEAK,
        Parameter("threshold", "unit", -1.0, 0.8, "1", "distinctiveness at which half is recalled"),
    ),
    Steps(_start, _add, _choose, weigh=_distinctiveness),
)  # fmt: skip


# --- Context drift: retrieval by the similarity of a context that moves on with every pair -------------------------


def _context(theta: Any, state: Any, row: Any) -> None:
    reinstated, last = row[_R_CLOCK], True
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        if state[at + _KEY] == row[_R_KEY] and state[at + _UPDATE] == row[_R_UPDATE] and state[at + _LATER] > 0.0:
            # Asked for an earlier value, the person goes back to its context.
            reinstated, last = state[at + _CLOCK], False
    temperature = max(theta[1], 0.01)
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        apart = reinstated - state[at + _CLOCK] if last else abs(reinstated - state[at + _CLOCK])
        activation = 0.5 * theta[0] ** apart
        if state[at + _KEY] == row[_R_KEY]:
            activation += 0.5
        state[at + _WEIGHT] = math.exp((activation - 1.0) / temperature)
    state[_NONE] = math.exp((theta[2] - 1.0) / temperature)


context_drift: Final = InterferenceModel(
    "context_drift", 1, "Howard & Kahana (2002); Mensink & Raaijmakers (1988)",
    "c_i . c_j = rho^|i - j|; a = (same key + c_i . c_test) / 2; P = exp(a / T) / (exp(threshold / T) + sum)",
    (
        Parameter("rho", "unit", 1.5, 1.0, "1", "share of the context that stays from one pair to the next"),
        Parameter("temperature", "positive", -1.8, 0.6, "1", "noise of the choice among activations"),
        Parameter("threshold", "real", 0.3, 0.3, "activation", "activation of giving no answer"),
    ),
    Steps(_start, _add, _choose, weigh=_context),
)  # fmt: skip


# --- Unlearning: a new value weakens the older ones of its key, which recover with time ----------------------------


def _unlearn(theta: Any, state: Any, row: Any) -> None:
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        if state[at + _KEY] == row[_R_KEY]:
            rest = (1.0 - state[at + _STRENGTH]) * math.exp(-theta[1] * (row[_R_CLOCK] - state[at + _SINCE]))
            state[at + _STRENGTH] = (1.0 - theta[0]) * (1.0 - rest)
            state[at + _SINCE] = row[_R_CLOCK]


def _recovered(theta: Any, state: Any, row: Any) -> None:
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        rest = (1.0 - state[at + _STRENGTH]) * math.exp(-theta[1] * (row[_R_CLOCK] - state[at + _SINCE]))
        state[at + _WEIGHT] = 1.0 - rest if state[at + _KEY] == row[_R_KEY] else theta[2] * (1.0 - rest)
    state[_NONE] = theta[3]


unlearning: Final = InterferenceModel(
    "unlearning", 1, "Melton & Irwin (1940); Barnes & Underwood (1959)",
    "a new value takes the share u of its key's older strengths; they come back, 1 - s falls by exp(-recovery) a pair",
    (
        Parameter("unlearned", "unit", 0.0, 1.0, "1", "share of older strengths that a new value takes"),
        Parameter("recovery", "positive", -4.0, 1.0, "1/pair", "rate at which unlearned strength comes back"),
        _LEAK,
        _OMISSION,
    ),
    Steps(_start, _add, _choose, revise=_unlearn, weigh=_recovered),
)  # fmt: skip


# --- Removal: superposed associations; what is outdated is removed in free time ------------------------------------


def _superpose(theta: Any, state: Any, row: Any) -> None:
    energy = 0.0
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        if row[_R_STREAM] - state[at + _STREAM] > row[_R_LISTS]:
            continue
        if state[at + _KEY] == row[_R_KEY]:
            energy += state[at + _STRENGTH]
            state[at + _STRENGTH] *= math.exp(-theta[0] * row[_R_FREE])
        else:
            energy += theta[2] * state[at + _STRENGTH]
    # The more of it is in the store already, the less is encoded: novelty gates encoding.
    state[_NEW] = 1.0 / (1.0 + energy)


def _activated(theta: Any, state: Any, row: Any) -> None:
    for k in range(int(state[_N])):
        at = _TRACES + _SIZE * k
        strength = state[at + _STRENGTH]
        share = 1.0 if state[at + _KEY] == row[_R_KEY] else theta[2]
        state[at + _WEIGHT] = math.exp(min(theta[1] * share * strength, _LARGEST)) - 1.0
    state[_NONE] = theta[3]


removal: Final = InterferenceModel(
    "removal", 1, "Oberauer, Lewandowsky, Farrell, Jarrold & Greaves (2012), SOB-CS",
    "s = 1 / (1 + what overlaps); older values of the key fall by exp(-rate x free time); P from exp(c s) - 1",
    (
        Parameter("rate", "positive", -0.5, 0.8, "1/s", "rate at which outdated values are removed in free time"),
        Parameter("discrimination", "positive", 1.2, 0.5, "1", "how sharply stronger traces are preferred"),
        Parameter("overlap", "unit", -3.0, 1.0, "1", "overlap of one key with another"),
        Parameter("omission", "positive", 0.0, 1.0, "weight", "weight of giving no answer"),
    ),
    Steps(_start, _add, _choose, revise=_superpose, weigh=_activated),
)  # fmt: skip

INTERFERENCE_MODELS: Final = (cue_overload, simple, context_drift, unlearning, removal)
