"""Models that need the course of the experiment: what a test leaves behind, what an answer changes."""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from cogmem.kernels.stepwise import Steps
from cogmem.models.spacing import TAU, S
from cogmem.subjects.parameters import Parameter
from cogmem.subjects.stepwise import StepModel
from cogmem.trials import Trials

# Constants of compiled code: the columns of a row, and the places of the parameters in theta.
_TIME, _PLACE, _GUESS = 0, 1, 2
_D, _TAU, _S, _PRACTICE = 0, 1, 2, 3


def _traces(trials: Trials) -> tuple[NDArray[np.float64], int]:
    """Return (time in s, place of the item's traces in the state, guessing rate) of each row, and the state's size.

    An item's traces take 1 + 2 most places: their number, then the time and the weight of each.
    """
    _, item, count = np.unique(trials["item"], return_inverse=True, return_counts=True)
    room = 1 + 2 * int(count.max(initial=0))
    recognised = trials.get("test_type", "recall") == "recognition"
    guess = trials.get("guess", 0.0).astype(np.float64) if "guess" in trials else np.where(recognised, 0.5, 0.0)
    rows = np.stack([trials["time"].astype(np.float64), item.astype(np.float64) * room, guess], axis=1)
    return rows, room * len(count)


def _start(theta: Any, state: Any) -> None:
    pass


def _study(theta: Any, state: Any, row: Any) -> None:
    place = int(row[_PLACE])
    number = int(state[place])
    state[place + 1 + 2 * number] = row[_TIME]
    state[place + 2 + 2 * number] = 1.0
    state[place] = number + 1.0


def _respond(theta: Any, state: Any, row: Any, p: Any) -> None:
    place = int(row[_PLACE])
    strength = 0.0
    for k in range(int(state[place])):
        age = row[_TIME] - state[place + 1 + 2 * k]
        strength += state[place + 2 + 2 * k] * max(age, 1.0) ** (-theta[_D])
    recalled = 0.0
    if strength > 0.0:
        recalled = 1.0 / (1.0 + math.exp((theta[_TAU] - math.log(strength)) / theta[_S]))
    p[1] = row[_GUESS] + (1.0 - row[_GUESS]) * recalled
    p[0] = 1.0 - p[1]


def _answered(theta: Any, state: Any, row: Any, answer: Any) -> None:
    # Only what is retrieved is practised; a guess that happens to be right is not told apart.
    if answer == 1:
        place = int(row[_PLACE])
        number = int(state[place])
        state[place + 1 + 2 * number] = row[_TIME]
        state[place + 2 + 2 * number] = theta[_PRACTICE]
        state[place] = number + 1.0


act_r_practice: Final = StepModel(
    "act_r_practice", 1, "Anderson & Schooler (1991); Anderson, Bothell, Lebiere & Matessa (1998)",
    "B = ln sum_j w_j t_j^-d, w 1 for a study and practice for a successful test; P = 1 / (1 + exp((tau - B) / s))",
    (
        Parameter("d", "unit", -0.2, 0.8, "1", "decay"), TAU, S,
        Parameter("practice", "positive", -0.5, 1.0, "1", "weight of the trace that a successful test leaves"),
    ),
    frozenset({"time", "item"}), 2, _traces, Steps(_start, _study, _respond, _answered),
)  # fmt: skip

STEP_MODELS: Final = (act_r_practice,)
