"""Mixers that are memories by a rule (see `regressions`): with gates of the input, several at once, and Hopfield's.

One adapter makes a mixer of any `Rule`: a `Form` says what the rule is given of tokens and what is made of its answers.
Shapes are as in `mixers`; each head is a memory of its own, and whoever reads has seen one pair or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as nf

from cogmem.subjects.mixers import (
    Mixer,
    Own,
    Shapes,
    Start,
    State,
    _evened,
    _joined,
    _read,
    _reading,
    _seen,
    _split,
    _written,
    product,
)
from cogmem.subjects.network_rules import BY_NAME, EXACT, HOPFIELD, LOCAL_LINEAR, STEPS, VECTOR, settled
from cogmem.subjects.regressions import Gates, Rule

MEMORIES: Final = 4
CHOSEN: Final = 2
"""A mixture has so many memories, and writes a token to so many of them."""
_GATES: Final[Mapping[str, tuple[float, float]]] = {
    "keep": (4.0, 1.0), "strength": (0.0, 1.0), "momentum": (-2.0, 1.0), "rate": (0.0, 0.5),
}  # fmt: skip
"""Where the log-odds of a gate start, and the most that it can be. At the start 0.98 is kept at a token, or nothing of
a stream's beginning would be there to learn from. A rate of 1/2 removes all of an error, Titans' loss having no 1/2."""

# ---- any rule -------------------------------------------------------------------------------------------------------

Given = tuple[Tensor, Tensor, Gates]
"""Keys (m, b, h, n, dk), values (m, b, h, n, dv) and gates (m, b, h, n, ...) of tokens; h counts all memories."""
Features = Callable[[Own, Tensor], Tensor]
"""(weights, projections (m, b, h, n, d)) -> keys or queries (m, b, h, n, dk)."""
Starts = Mapping[str, Start]


@dataclass(frozen=True)
class Form:
    """A rule and what it is given of tokens x (m, b, n, w).

    `written(own, x, heads)`: keys, values and gates. `asked(own, x, heads)`: queries (m, b, h, n, dk). `said(own, x,
    answers (m, b, h, n, dv), heads)`: what a token reads, (m, b, heads, n, d).
    """

    rule: Rule
    written: Callable[[Own, Tensor, int], Given]
    asked: Callable[[Own, Tensor, int], Tensor]
    said: Callable[[Own, Tensor, Tensor, int], Tensor]


def _start(own: Own, streams: int, heads: int, *, form: Form) -> State:
    members, width = own["read"].shape[:2]
    k, v, _ = form.written(own, own["read"].new_zeros(members, streams, 1, width), heads)
    return form.rule.start(k, v)


def _step(own: Own, state: State, x: Tensor, heads: int, *, form: Form) -> tuple[Tensor, State]:
    token = x[:, :, None]
    k, v, gates = form.written(own, token, heads)
    now = {name: gate[:, :, :, 0] for name, gate in gates.items()}
    state = form.rule.write(state, k[..., 0, :], v[..., 0, :], now)
    return _ask(own, state, token, heads, form=form)[:, :, 0], state


def _ask(own: Own, state: State, asked: Tensor, heads: int, *, form: Form) -> Tensor:
    return _joined(form.said(own, asked, form.rule.read(state, form.asked(own, asked, heads)), heads))


def _parallel(own: Own, study: Tensor, asked: Tensor, heads: int, *, asked_only: bool = False, form: Form) -> Tensor:
    readers, seen = _seen(study, asked, asked_only=asked_only)
    k, v, gates = form.written(own, study, heads)
    answers = form.rule.parallel(form.asked(own, readers, heads), seen, k, v, gates)
    return _joined(form.said(own, readers, answers, heads))


def _of(form: Form, more: Callable[[int, int], Shapes], starts: Starts) -> Mixer:
    return Mixer(
        lambda width, heads: _reading(width, heads) | more(width, heads),
        partial(_start, form=form),
        partial(_step, form=form),
        partial(_ask, form=form),
        partial(_parallel, form=form),
        {f"{name}_bias": level(_GATES[name][0]) for name in form.rule.gates} | dict(starts),
    )


def level(value: float) -> Start:
    """Return the start of a weight that is `value` everywhere."""
    return lambda shape, rng: np.full(shape, value)


def _gate(own: Own, x: Tensor, name: str) -> Tensor:
    """Return a gate of tokens by the sigmoid of the input: (m, b, n, gates)."""
    return (product(x, own[name]) + own[f"{name}_bias"][:, None, None]).sigmoid() * _GATES[name][1]


def _gate_shapes(rule: Rule, gates: int, width: int) -> Shapes:
    return dict.fromkeys(rule.gates, (width, gates)) | {f"{name}_bias": (gates,) for name in rule.gates}


# ---- one memory a head ----------------------------------------------------------------------------------------------


def unit(own: Own, x: Tensor) -> Tensor:
    """Return projections at length 1."""
    return nf.normalize(x, dim=-1)


def sharpened(own: Own, x: Tensor) -> Tensor:
    """Return projections at a length of the head's sharpness, so that products with keys are that times a cosine."""
    return nf.normalize(x, dim=-1) * own["sharpness"].exp()[:, None, :, None, None]


def dpfp(own: Own, x: Tensor) -> Tensor:
    """Return four times as many features, products of neighbours among the halves of x (Schlag et al., 2021, nu = 2).

    f_i^n = r_i r_(i - n) for n = 1, 2, r = relu([x, -x]); at length 1, so that a full write erases all that was there.
    """
    halves = torch.cat((x, -x), -1).relu()
    return nf.normalize(torch.cat([halves * halves.roll(n, -1) for n in (1, 2)], -1), dim=-1)


def squashed(own: Own, x: Tensor) -> Tensor:
    """Return projections between -1 and 1, the states of Hopfield's units."""
    return x.tanh()


def _given(own: Own, x: Tensor, heads: int, *, rule: Rule, features: Features) -> Given:
    k, v = _written(own, x, heads, unit=False)
    return features(own, k), v, {name: _gate(own, x, name).transpose(2, 3) for name in rule.gates}


def _given_by_unit(own: Own, x: Tensor, heads: int) -> Given:
    """Return what `Form.written` does, with a gate for each unit of a key."""
    return *_written(own, x, heads), {"keep": _split(_gate(own, x, "keep"), heads)}


def _asked(own: Own, x: Tensor, heads: int, *, features: Features) -> Tensor:
    return features(own, _read(own, x, heads, unit=False))


def _at_one_size(own: Own, x: Tensor, answers: Tensor, heads: int) -> Tensor:
    return _evened(answers)


def _as_answered(own: Own, x: Tensor, answers: Tensor, heads: int) -> Tensor:
    return answers


def _single(rule: Rule, *, keys: Features = unit, queries: Features | None = None, starts: Starts | None = None,
            evened: bool = True) -> Mixer:  # fmt: skip
    """Return the mixer of a rule with a memory a head; `starts` are of weights, one a head, that features read."""
    written, asked = partial(_given, rule=rule, features=keys), partial(_asked, features=queries or keys)
    form, own = Form(rule, written, asked, _at_one_size if evened else _as_answered), starts or {}
    return _of(form, lambda width, heads: _gate_shapes(rule, heads, width) | dict.fromkeys(own, (heads,)), own)


# ---- a cue that is completed -----------------------------------------------------------------------------------------


def modern_hopfield(steps: int) -> Mixer:
    """Return the mixer that completes a cue among stored keys by `steps` softmax averages, then reads values."""
    return _single(settled(steps), queries=sharpened, starts=_SHARP, evened=False)


_SHARP: Final = {"sharpness": level(np.log(8.0))}
"""Of softmax of cosines: below about 8 the mean of all patterns is what iterations end in."""


# ---- several memories -----------------------------------------------------------------------------------------------


def _router(own: Own, x: Tensor) -> Tensor:
    """Return the log-odds of each memory for tokens, minus infinity where it is not chosen: (m, b, n, memories)."""
    odds = product(x, own["router"])
    chosen = torch.zeros_like(odds, dtype=torch.bool).scatter(-1, odds.topk(CHOSEN).indices, True)
    return odds.masked_fill(~chosen, -torch.inf)


def _given_to_several(own: Own, x: Tensor, heads: int, *, rule: Rule) -> Given:
    """Return what `Form.written` does, memory by memory and in each of them head by head; the last is shared."""
    k, v, gates = _given(own, x, (MEMORIES + 1) * heads, rule=rule, features=unit)
    chosen = (nf.pad(_router(own, x), (0, 1)) > -torch.inf).repeat_interleave(heads, -1).transpose(2, 3)
    # All memories go through all tokens; one that is not chosen keeps all and writes nothing.
    return k, v, {"keep": gates["keep"].where(chosen, 1.0), "strength": gates["strength"] * chosen}


def _asked_of_several(own: Own, x: Tensor, heads: int) -> Tensor:
    return _read(own, x, heads).repeat(1, 1, MEMORIES + 1, 1, 1)


def _mixed(own: Own, x: Tensor, answers: Tensor, heads: int) -> Tensor:
    share = nf.pad(_router(own, x).softmax(-1), (0, 1), value=1.0).repeat_interleave(heads, -1).transpose(2, 3)
    members, streams, _, tokens, units = answers.shape
    parts = (share[..., None] * answers).view(members, streams, MEMORIES + 1, heads, tokens, units)
    return _evened(parts.sum(2))


def _several(rule: Rule) -> Mixer:
    def more(width: int, heads: int) -> Shapes:
        own: Shapes = {"write": (width, 2 * (MEMORIES + 1) * width), "router": (width, MEMORIES)}
        return own | _gate_shapes(rule, (MEMORIES + 1) * heads, width)

    return _of(Form(rule, partial(_given_to_several, rule=rule), _asked_of_several, _mixed), more, {})


RULE_MIXERS: Final[Mapping[str, Mixer]] = {
    # Sun et al. (2023), with a gate of the input as in Dao & Gu (2024).
    "gated_attention": _single(BY_NAME["gated"]),
    # Yang, Wang, Shen et al. (2024), gated linear attention.
    "vector_gated": _of(
        Form(VECTOR, _given_by_unit, partial(_asked, features=unit), _at_one_size),
        lambda width, heads: _gate_shapes(VECTOR, width, width), {},
    ),
    # Yang, Kautz & Hatamizadeh (2025).
    "gated_delta": _single(BY_NAME["gated_delta"]),
    # Behrouz, Zhong & Mirrokni (2024), their memory being linear.
    "titans": _single(BY_NAME["titans"]),
    # Von Oswald et al. (2023).
    "mesa": _single(EXACT),
    # Zuo et al. (2025).
    "local_linear": _single(LOCAL_LINEAR, queries=sharpened,
                            starts=_SHARP),
    # Du et al. (2025).
    "mixture_of_memories": _several(BY_NAME["gated_delta"]),
    # Ramsauer et al. (2021).
    "modern_hopfield": modern_hopfield(STEPS),
    # Hopfield (1982), with the graded units of Hopfield (1984).
    "hopfield": _single(HOPFIELD, keys=squashed, evened=False),
    # Schlag, Irie & Schmidhuber (2021).
    "fast_weights": _single(BY_NAME["delta"], keys=dpfp),
}  # fmt: skip
"""By name; each with the rule and the paper that it is from."""
