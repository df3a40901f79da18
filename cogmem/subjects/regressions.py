"""Memories as test-time regression: what a store makes of pairs (k, v), and what it answers to a query q.

Wang, Shi & Fox (2025): a memory is a fit of values on keys while they come, m_t = argmin of the sum over i of
w_i ||v_i - m(k_i)||², and reading is m_t(q). Three choices make a memory: the weights w of the pairs, the class of
functions m, and what finds m. `Rule` names the three, and has two forms. The recurrence is the meaning: `start`, then
`write` a pair, then `read`. `parallel` answers all queries of a stream at once, each by the pairs that it has seen.

Shapes: (..., t, d) pairs in order, (..., r, d) queries, with the same leading axes; gates are (..., t). A state is a
tuple of tensors. Rows are vectors, so a matrix memory S is (..., dk, dv) and reads q S.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor

State = tuple[Tensor, ...]
Gates = Mapping[str, Tensor]
"""Name -> (..., t): `keep` (share of the state that is kept, 0 to 1), `strength` (share of the error that a write
removes), `momentum` and `rate` (Titans)."""

RIDGE: Final = 1e-2
"""The penalty of exact regression: without one, as many pairs as dimensions and a noisy cue give any answer at all."""


@dataclass(frozen=True)
class Rule:
    """One memory: its three choices, the gates that it reads, its recurrence, and all queries at once.

    `start(k, v)`: the state before pairs of such shapes. `write(state, k (..., dk), v (..., dv), gates (...))`: the
    state after. `read(state, q (..., r, dk))`: (..., r, dv). `parallel(q, seen (r,), k, v, gates)`: (..., r, dv), query
    r having seen the first `seen[r]` pairs.
    """

    name: str
    weights: str
    functions: str
    optimiser: str
    reference: str
    gates: tuple[str, ...]
    start: Callable[[Tensor, Tensor], State]
    write: Callable[[State, Tensor, Tensor, Gates], State]
    read: Callable[[State, Tensor], Tensor]
    parallel: Callable[[Tensor, Tensor, Tensor, Tensor, Gates], Tensor]


def one_by_one(rule: Rule, q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Return what `rule.parallel` returns, by the recurrence."""
    state = rule.start(k, v)
    answers = [rule.read(state, q)]
    for t in range(k.shape[-2]):
        state = rule.write(state, k[..., t, :], v[..., t, :], {name: gate[..., t] for name, gate in gates.items()})
        answers.append(rule.read(state, q))
    whole = torch.stack(answers, -3)  # (..., t + 1, r, dv)
    return torch.stack([whole[..., int(n), r, :] for r, n in enumerate(seen)], -2)


def _outer(k: Tensor, v: Tensor) -> Tensor:
    return k[..., :, None] * v[..., None, :]


def _matrix(k: Tensor, v: Tensor) -> Tensor:
    return k.new_zeros(*k.shape[:-2], k.shape[-1], v.shape[-1])


def _since(seen: Tensor, pairs: int) -> Tensor:
    """Return how many pairs were written after each one when it is read, below 0 where it was not yet: (r, t)."""
    return seen[:, None] - 1 - torch.arange(pairs)


def _kept(keep: Tensor) -> Tensor:
    """Return log products of `keep` up to each pair, with 0 before the first: (..., t + 1)."""
    logs = torch.log(keep.clamp(min=torch.finfo(keep.dtype).tiny)).cumsum(-1)
    return torch.cat((torch.zeros_like(logs[..., :1]), logs), -1)


def _faded(keep: Tensor, seen: Tensor) -> Tensor:
    """Return what is left of each pair when it is read, the product of `keep` after it, or 0: (..., r, t)."""
    logs = _kept(keep)
    apart = logs[..., seen, None] - logs[..., None, 1:]
    return apart.masked_fill(_since(seen, keep.shape[-1]) < 0, -torch.inf).exp()


def _scores(q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
    return (q @ k.transpose(-1, -2)).masked_fill(_since(seen, k.shape[-2]) < 0, 0.0)


def _read_matrix(state: State, q: Tensor) -> Tensor:
    return q @ state[0]


# ---- sums of pairs: key covariance taken as the identity ------------------------------------------------------------


def _sum_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    return (state[0] + _outer(k, v),)


def _sum_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    return _scores(q, k, seen) @ v


def _gated_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    return (gates["keep"][..., None, None] * state[0] + _outer(k, v),)


def _gated_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    return (_scores(q, k, seen) * _faded(gates["keep"], seen)) @ v


# ---- one step of gradient descent a pair ----------------------------------------------------------------------------


def _delta_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    error = v - (k[..., None, :] @ state[0])[..., 0, :]
    return (state[0] + _outer(k, gates["strength"][..., None] * error),)


def _solved(lower: Tensor, right: Tensor) -> Tensor:
    """Return x of (I + lower) x = right, `lower` being strictly below the diagonal."""
    eye = torch.eye(lower.shape[-1], dtype=lower.dtype)
    solved: Tensor = torch.linalg.solve_triangular(lower + eye, right, upper=False, unitriangular=True)
    return solved


def written(k: Tensor, v: Tensor, strength: Tensor, keep: Tensor | None = None) -> Tensor:
    """Return what the delta rule really writes at each pair, u_t = strength (v_t - k_t S), S being what is kept.

    u = (I + strictly lower part of diag(strength) D * K K^T)^-1 diag(strength) V (Yang et al., 2024, the UT
    transform), D being what is left of each pair at the time of the other.
    """
    near = k @ k.transpose(-1, -2)
    if keep is not None:
        near = near * _faded(keep, torch.arange(1, k.shape[-2] + 1))
    return _solved(torch.tril(strength[..., None] * near, -1), strength[..., None] * v)


def _delta_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    return _scores(q, k, seen) @ written(k, v, gates["strength"])


def _gated_delta_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    return _delta_write((gates["keep"][..., None, None] * state[0],), k, v, gates)


def _gated_delta_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    u = written(k, v, gates["strength"], gates["keep"])
    return (_scores(q, k, seen) * _faded(gates["keep"], seen)) @ u


# ---- gradient descent with momentum and weight decay ----------------------------------------------------------------


def _titans_start(k: Tensor, v: Tensor) -> State:
    return _matrix(k, v), _matrix(k, v)


def _titans_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    """Z = momentum Z - rate grad ||k M - v||²; M = keep M + Z: past surprise carries on, and M forgets."""
    memory, surprise = state
    error = v - (k[..., None, :] @ memory)[..., 0, :]
    surprise = gates["momentum"][..., None, None] * surprise + _outer(k, 2.0 * gates["rate"][..., None] * error)
    return gates["keep"][..., None, None] * memory + surprise, surprise


def _carried(gates: Gates) -> Tensor:
    """Return how much of the surprise of pair j is in the memory after pair t: (..., t, t), 0 above the diagonal.

    It enters with every later pair i by momentum since j, and what has entered is kept since i.
    """
    whole = torch.arange(1, gates["keep"].shape[-1] + 1)
    return _faded(gates["keep"], whole) @ _faded(gates["momentum"], whole)


def _titans_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Solve for all errors at once: each is a value less what the errors before it have made of the memory."""
    carried = _carried(gates)
    before = torch.cat((torch.zeros_like(carried[..., :1, :]), carried[..., :-1, :]), -2)
    rate = 2.0 * gates["rate"]
    errors = _solved(torch.tril(before * (k @ k.transpose(-1, -2)) * rate[..., None, :], -1), v)
    padded = torch.cat((torch.zeros_like(carried[..., :1, :]), carried), -2)
    return ((q @ k.transpose(-1, -2)) * padded[..., seen, :]) @ (rate[..., None] * errors)


# ---- exact regression -----------------------------------------------------------------------------------------------


def _rls_start(k: Tensor, v: Tensor) -> State:
    eye = torch.eye(k.shape[-1], dtype=k.dtype).expand(*k.shape[:-2], -1, -1)
    return _matrix(k, v), eye / RIDGE


def _rls_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    """Sherman & Morrison (1950): the inverse of the keys' covariance after one more key, no matrix being inverted."""
    memory, inverse = state
    key = k[..., None, :]
    spread = key @ inverse
    gain = spread / (1.0 + spread @ k[..., :, None])
    error = v[..., None, :] - key @ memory
    return memory + gain.transpose(-1, -2) @ error, inverse - gain.transpose(-1, -2) @ spread


def _rls_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Solve q (K^T K + ridge)^-1 K^T V for each query, over the pairs that it has seen."""
    pad = (0, 0, 0, 0, 1, 0)
    # Queries that have seen the same pairs share their regression.
    after, which = torch.unique(seen, return_inverse=True)
    covariance = torch.nn.functional.pad(_outer(k, k).cumsum(-3), pad)[..., after, :, :]
    together = torch.nn.functional.pad(_outer(k, v).cumsum(-3), pad)[..., after, :, :]
    covariance = covariance + RIDGE * torch.eye(k.shape[-1], dtype=k.dtype)
    weights: Tensor = torch.linalg.solve(covariance, together)[..., which, :, :]
    return (q[..., None, :] @ weights)[..., 0, :]


# ---- every pair is kept: regression where the query is --------------------------------------------------------------


def _cache_start(k: Tensor, v: Tensor) -> State:
    return k[..., :0, :], v[..., :0, :]


def _cache_write(state: State, k: Tensor, v: Tensor, gates: Gates) -> State:
    return torch.cat((state[0], k[..., None, :]), -2), torch.cat((state[1], v[..., None, :]), -2)


def _nearness(q: Tensor, k: Tensor, seen: Tensor) -> Tensor:
    """Return the softmax over seen keys of q.k / sqrt(d), all 0 for a query that has seen none: (..., r, t)."""
    hidden = _since(seen, k.shape[-2]) < 0
    scores = (q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5).masked_fill(hidden, -torch.inf)
    peak = scores.amax(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).min)
    near: Tensor = (scores - peak).exp()
    return near / near.sum(-1, keepdim=True).clamp(min=torch.finfo(scores.dtype).tiny)


def _all_seen(state: State, q: Tensor) -> Tensor:
    return torch.full((q.shape[-2],), state[0].shape[-2])


def _softmax_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    return _nearness(q, k, seen) @ v


def _softmax_read(state: State, q: Tensor) -> Tensor:
    if not state[0].shape[-2]:
        return q.new_zeros(*q.shape[:-1], state[1].shape[-1])
    return _softmax_parallel(q, _all_seen(state, q), state[0], state[1], {})


def _local_linear_parallel(q: Tensor, seen: Tensor, k: Tensor, v: Tensor, gates: Gates) -> Tensor:
    """Return the intercept at q of the line through the values, pairs weighted as by softmax attention.

    x_i = k_i - q; o = sum_i w_i (1 - x_i . C^-1 m) v_i / (sum w - m C^-1 m), m = sum w x, C = sum w x x^T + ridge.
    """
    w = _nearness(q, k, seen)
    x = k[..., None, :, :] - q[..., :, None, :]  # (..., r, t, d)
    weighted = w[..., None] * x
    m = weighted.sum(-2)
    c = weighted.transpose(-1, -2) @ x + RIDGE * torch.eye(k.shape[-1], dtype=k.dtype)
    slope: Tensor = torch.linalg.solve(c, m[..., None])[..., 0]
    weight = w * (1.0 - (x @ slope[..., None])[..., 0])
    # A query that has seen nothing has no weights at all, and answers 0.
    whole = (w.sum(-1) - (m * slope).sum(-1)).clamp(min=torch.finfo(w.dtype).tiny)
    return (weight @ v) / whole[..., None]


def _local_linear_read(state: State, q: Tensor) -> Tensor:
    if not state[0].shape[-2]:
        return q.new_zeros(*q.shape[:-1], state[1].shape[-1])
    return _local_linear_parallel(q, _all_seen(state, q), state[0], state[1], {})


def _one_matrix(k: Tensor, v: Tensor) -> State:
    return (_matrix(k, v),)


SUM: Final = "least squares, key covariance taken as the identity"
STEP: Final = "one step of gradient descent a pair"
RULES: Final = (
    Rule("linear", "all alike", "linear", SUM, "Kohonen (1972); Katharopoulos et al. (2020)", (), _one_matrix,
         _sum_write, _read_matrix, _sum_parallel),
    Rule("gated", "fall with later pairs", "linear", SUM, "Sun et al. (2023); Dao & Gu (2024)", ("keep",), _one_matrix,
         _gated_write, _read_matrix, _gated_parallel),
    Rule("delta", "the last pair", "linear", STEP, "Widrow & Hoff (1960); Schlag et al. (2021)", ("strength",),
         _one_matrix, _delta_write, _read_matrix, _delta_parallel),
    Rule("gated_delta", "the last pair, decayed", "linear", STEP + ", weight decay", "Yang et al. (2025)",
         ("keep", "strength"), _one_matrix, _gated_delta_write, _read_matrix, _gated_delta_parallel),
    Rule("titans", "recent surprise", "linear", STEP + ", momentum and weight decay", "Behrouz et al. (2024)",
         ("keep", "momentum", "rate"), _titans_start, _titans_write, _read_matrix, _titans_parallel),
    Rule("rls", "all alike", "linear", "exact", "Plackett (1950); von Oswald et al. (2023)", (), _rls_start,
         _rls_write, _read_matrix, _rls_parallel),
    Rule("softmax", "exp(q.k / sqrt(d))", "constant around the query", "exact",
         "Nadaraya (1964); Vaswani et al. (2017)", (), _cache_start, _cache_write, _softmax_read, _softmax_parallel),
    Rule("local_linear", "exp(q.k / sqrt(d))", "linear around the query", "exact", "Cleveland (1979)", (),
         _cache_start, _cache_write, _local_linear_read, _local_linear_parallel),
)  # fmt: skip
"""The family with pairs as they come; each by the three choices that make it."""
