"""Rules that trained networks have beside those of `regressions`, in the same shapes: every reader has seen a pair.

Exact and local regression in forms that are quicker at the end of a stream; Hopfield networks; a gate for each unit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as nf

from cogmem.subjects.regressions import RIDGE, RULES, Gates, Rule, State

STEPS: Final = 3
"""Hopfield networks complete a cue in so many steps."""
_CHUNK: Final = 16
"""Pairs that are compared unit by unit; what is older is read from the state."""
BY_NAME: Final = {rule.name: rule for rule in RULES}

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


EXACT: Final = replace(BY_NAME["rls"], parallel=_exact_parallel)
LOCAL_LINEAR: Final = _cached("local_linear", "Cleveland (1979)", _local_linear)


def settled(steps: int) -> Rule:
    """Return the rule that completes a cue among stored keys by `steps` softmax averages, then reads values."""
    return _cached("modern_hopfield", "Ramsauer et al. (2021)", partial(_settled, steps=steps))


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
        felt_now = felt(torch.cat((q, value), -1))
        value = nf.layer_norm(felt_now, felt_now.shape[-1:]).tanh()
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


HOPFIELD: Final = replace(
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


VECTOR: Final = replace(
    BY_NAME["gated"], name="vector_gated", reference="Yang et al. (2024)", write=_vector_write,
    parallel=_vector_parallel,
)  # fmt: skip
