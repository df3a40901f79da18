"""Mixers that are memories by a rule (see `regressions`): with gates of the input, several at once, and Hopfield's.

One adapter makes a mixer of any `Rule`: a `Form` says what the rule is given of tokens and what is made of its answers.
Shapes are as in `mixers`; each head is a memory of its own, and whoever reads has seen one pair or more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
from cogmem.subjects.regressions import RIDGE, RULES, Gates, Rule

MEMORIES: Final = 4
CHOSEN: Final = 2
"""A mixture has so many memories, and writes a token to so many of them."""
STEPS: Final = 3
"""Hopfield networks complete a cue in so many steps."""
_CHUNK: Final = 16
"""Pairs that are compared unit by unit; what is older is read from the state."""
_GATES: Final[Mapping[str, tuple[float, float]]] = {
    "keep": (4.0, 1.0), "strength": (0.0, 1.0), "momentum": (-2.0, 1.0), "rate": (0.0, 0.5),
}  # fmt: skip
"""Where the log-odds of a gate start, and the most that it can be. At the start 0.98 is kept at a token, or nothing of
a stream's beginning would be there to learn from. A rate of 1/2 removes all of an error, Titans' loss having no 1/2."""
BY_NAME: Final = {rule.name: rule for rule in RULES}

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


# ---- exact regression, quicker --------------------------------------------------------------------------------------


def _exact_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Return q K^T (K K^T + ridge)^-1 V for each query, K and V being what it has seen.

    K K^T + ridge = L L^T for all pairs, and the first rows of L are those for the first pairs: so one factor serves all
    queries, and each sums L^-1 K q^T times L^-1 V over the rows that it has seen.
    """
    lower = torch.linalg.cholesky(k @ k.transpose(-1, -2) + RIDGE * torch.eye(k.shape[-2], dtype=k.dtype))
    right = torch.cat((v, k @ q.transpose(-1, -2)), -1)
    solved: Tensor = torch.linalg.solve_triangular(lower, right, upper=False)
    values, scores = solved[..., : v.shape[-1]], solved[..., v.shape[-1] :].transpose(-1, -2)
    return scores.masked_fill(torch.arange(k.shape[-2]) >= seen[:, None], 0.0) @ values


# ---- every pair is kept ---------------------------------------------------------------------------------------------


def _cached(name: str, reference: str, parallel: Callable[[Tensor, Tensor, Tensor, Tensor, Gates], Tensor]) -> Rule:
    def read(state: State, q: Tensor) -> Tensor:
        return parallel(q, torch.full((q.shape[-2],), state[0].shape[-2]), state[0], state[1], {})

    return replace(BY_NAME["softmax"], name=name, reference=reference, read=read, parallel=parallel)


def _near(q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
    """Return the softmax of q.k over seen keys: (..., r, t); a query is as long as its head is sharp."""
    return (q @ k.transpose(-1, -2)).masked_fill(torch.arange(k.shape[-2]) >= seen[:, None], -torch.inf).softmax(-1)


def _local_linear(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Return what the line through values is at the unit query, pairs weighted by how near their unit keys are.

    Were keys as long as heads are sharp, the ridge would be too small for float32. With w of sum 1 and k = sum w k_i:
    sum w v_i (1 + (q - k) C^-1 (k_i - k)^T), C = sum w k_i^T k_i - k^T k + ridge, with no difference of all with all.
    """
    w, eye = _near(q, k, seen), torch.eye(k.shape[-1], dtype=k.dtype)
    squares = k[..., :, None] * k[..., None, :] + RIDGE * eye
    mean, square = w @ k, (w @ squares.flatten(-2)).view(*q.shape, -1)
    spread = square.addcmul(mean[..., :, None], mean[..., None, :], value=-1)
    slope: Tensor = torch.linalg.solve(spread, (nf.normalize(q, dim=-1) - mean)[..., None])[..., 0]
    return (w * (1.0 - (slope * mean).sum(-1, keepdim=True) + slope @ k.transpose(-1, -2))) @ v


def _settled(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates, *, steps: int) -> Tensor:
    sharp = torch.linalg.vector_norm(q, dim=-1, keepdim=True)
    for _ in range(steps):
        q = sharp * (_near(q, k, seen) @ k)
    return _near(q, k, seen) @ v


def modern_hopfield(steps: int) -> Mixer:
    """Return the mixer that completes a cue among stored keys by `steps` softmax averages, then reads values."""
    rule = _cached("modern_hopfield", "Ramsauer et al. (2021)", partial(_settled, steps=steps))
    return _single(rule, queries=sharpened, starts=_SHARP, evened=False)


_SHARP: Final = {"sharpness": level(np.log(8.0))}
"""Of softmax of cosines: below about 8 the mean of all patterns is what iterations end in."""


# ---- Hopfield's network of units ------------------------------------------------------------------------------------


def _hopfield_start(k: Tensor, v: Tensor) -> State:
    units = k.shape[-1] + v.shape[-1]
    return (k.new_zeros(*k.shape[:-2], units, units),)


def _hopfield_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    """Add key and value as one pattern; no unit sends to itself."""
    p = torch.cat((k, v.tanh()), -1)
    return (state[0] + p[..., :, None] * p[..., None, :] * (1.0 - torch.eye(p.shape[-1], dtype=p.dtype)),)


def _completed(q: Tensor, units: int, felt: Callable[[Tensor], Tensor]) -> Tensor:
    """Return value units after some steps, `felt` being what all units make them feel; those of the cue are held."""
    value = q.new_zeros(*q.shape[:-1], units)
    for _ in range(STEPS):
        # Felt at one size, as only its sign matters to a unit that is on or off: a longer stream does not shout.
        value = _evened(felt(torch.cat((q, value), -1))).tanh()
    return value


def _hopfield_read(state: State, q: Tensor) -> Tensor:
    to_values = state[0][..., q.shape[-1] :]
    return _completed(q, to_values.shape[-1], lambda x: x @ to_values)


def _hopfield_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    v = v.tanh()
    p, hidden = torch.cat((k, v), -1), torch.arange(k.shape[-2]) >= seen[:, None]
    itself = v.square().cumsum(-2)[..., seen - 1, :]

    def felt(x: Tensor) -> Tensor:
        return (x @ p.transpose(-1, -2)).masked_fill(hidden, 0.0) @ v - x[..., q.shape[-1] :] * itself

    return _completed(q, v.shape[-1], felt)


_HOPFIELD: Final = replace(
    BY_NAME["linear"], name="hopfield", functions="units that complete a pattern", reference="Hopfield (1982, 1984)",
    start=_hopfield_start, write=_hopfield_write, read=_hopfield_read, parallel=_hopfield_parallel,
)  # fmt: skip


# ---- a gate for each unit -------------------------------------------------------------------------------------------


def _vector_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    return (gates["keep"][..., None] * state[0] + k[..., None] * v[..., None, :],)


def _vector_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Go through the pairs a chunk at a time: what is left of older ones is in the state.

    Within a chunk what is left of pair j after pair i is exp(sum of logs from j + 1 to i), unit by unit: never above 1,
    where a quotient of two products would overflow.
    """
    logs, pairs = gates["keep"].clamp(min=torch.finfo(k.dtype).tiny).log(), k.shape[-2]
    store, order, found = k.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1]), [], []
    for now in torch.split(torch.arange(pairs), _CHUNK):
        keys, values, sums = k[..., now, :], v[..., now, :], nf.pad(logs[..., now, :].cumsum(-2), (0, 0, 1, 0))
        order.append(((seen >= now[0]) & (seen <= now[-1])).nonzero()[:, 0])
        cue, last = q[..., order[-1], :], seen[order[-1]]
        reached = sums[..., last - now[0], :]
        apart = (reached[..., :, None, :] - sums[..., None, 1:, :]).masked_fill(
            (now >= last[:, None])[..., None], -torch.inf
        )
        scores = (cue[..., :, None, :] * keys[..., None, :, :] * apart.exp()).sum(-1)
        found.append((cue * reached.exp()) @ store + scores @ values)
        whole = sums[..., -1:, :]
        left = (keys * (whole - sums[..., 1:, :]).exp()).transpose(-1, -2) @ values
        store = whole.transpose(-1, -2).exp() * store + left
    # Whoever has seen all pairs, as every question has, needs the state alone.
    order.append((seen == pairs).nonzero()[:, 0])
    found.append(q[..., order[-1], :] @ store)
    return torch.cat(found, -2)[..., torch.cat(order).argsort(), :]


_VECTOR: Final = replace(
    BY_NAME["gated"], name="vector_gated", reference="Yang et al. (2024)", write=_vector_write,
    parallel=_vector_parallel,
)  # fmt: skip


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
        Form(_VECTOR, _given_by_unit, partial(_asked, features=unit), _at_one_size),
        lambda width, heads: _gate_shapes(_VECTOR, width, width), {},
    ),
    # Yang, Kautz & Hatamizadeh (2025).
    "gated_delta": _single(BY_NAME["gated_delta"]),
    # Behrouz, Zhong & Mirrokni (2024), their memory being linear.
    "titans": _single(BY_NAME["titans"]),
    # Von Oswald et al. (2023).
    "mesa": _single(replace(BY_NAME["rls"], parallel=_exact_parallel)),
    # Zuo et al. (2025).
    "local_linear": _single(_cached("local_linear", "Cleveland (1979)", _local_linear), queries=sharpened,
                            starts=_SHARP),
    # Du et al. (2025).
    "mixture_of_memories": _several(BY_NAME["gated_delta"]),
    # Ramsauer et al. (2021).
    "modern_hopfield": modern_hopfield(STEPS),
    # Hopfield (1982), with the graded units of Hopfield (1984).
    "hopfield": _single(_HOPFIELD, keys=squashed, evened=False),
    # Schlag, Irie & Schmidhuber (2021).
    "fast_weights": _single(BY_NAME["delta"], keys=dpfp),
}  # fmt: skip
"""By name; each with the rule and the paper that it is from."""
