"""Memories as test-time regression: parallel forms against recurrences, identities with regression in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from cogmem.subjects import regressions
from cogmem.subjects.regressions import RULES, Rule, one_by_one

BY_NAME = {rule.name: rule for rule in RULES}
every_rule = pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)


def unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x, dim=-1)


def stream(
    pairs: int = 20, dk: int = 8, dv: int = 5, queries: int = 7, dtype: torch.dtype = torch.float64, seed: int = 1
) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
    """Return queries (2, 3, r, dk), keys (2, 3, t, dk), values (2, 3, t, dv) and gates (2, 3, t)."""
    rng = np.random.default_rng(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.from_numpy(rng.standard_normal((2, 3, *shape))).to(dtype)

    shares = {name: torch.from_numpy(rng.random((2, 3, pairs))).to(dtype) for name in ("a", "b", "c", "d")}
    gates = {"keep": 0.8 + 0.2 * shares["a"], "strength": shares["b"], "momentum": 0.9 * shares["c"],
             "rate": 0.5 * shares["d"]}  # fmt: skip
    return unit(drawn(queries, dk)), unit(drawn(pairs, dk)), drawn(pairs, dv), gates


@every_rule
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-5)])
def test_all_at_once_is_one_by_one(rule: Rule, dtype: torch.dtype, tolerance: float) -> None:
    q, k, v, gates = stream(dtype=dtype)
    seen = torch.tensor([0, 1, 5, 10, 20, 20, 13])
    answers = rule.parallel(q, seen, k, v, gates)
    meant = one_by_one(rule, q, seen, k, v, gates)
    # Relative to the size of answers: float32 has 1e-7 of that, and 20 pairs are summed and solved for.
    assert float((answers - meant).abs().max()) <= tolerance * float(meant.abs().max())
    # Who has seen no pair knows nothing.
    assert not answers[..., 0, :].any()


@every_rule
def test_a_gate_that_a_rule_names_is_all_that_it_reads(rule: Rule) -> None:
    q, k, v, gates = stream()
    seen = torch.full((7,), 20)
    whole = rule.parallel(q, seen, k, v, gates)
    assert torch.equal(rule.parallel(q, seen, k, v, {name: gates[name] for name in rule.gates}), whole)
    for name in rule.gates:
        assert not torch.allclose(rule.parallel(q, seen, k, v, {**gates, name: 0.5 * gates[name]}), whole)


def answered(name: str, q: Tensor, k: Tensor, v: Tensor, gates: dict[str, Tensor] | None = None) -> Tensor:
    """Return what a rule answers after all pairs."""
    return BY_NAME[name].parallel(q, torch.full((q.shape[-2],), k.shape[-2]), k, v, gates or {})


def test_recursive_least_squares_is_batch_least_squares() -> None:
    q, k, v, _ = stream(pairs=40)
    ridge = np.sqrt(regressions.RIDGE) * np.eye(8)
    for one in range(2):
        for two in range(3):
            keys, values = k[one, two].numpy(), v[one, two].numpy()
            weights = np.linalg.lstsq(
                np.concatenate([keys, ridge]), np.concatenate([values, np.zeros((8, 5))]), rcond=None
            )[0]
            expected = q[one, two].numpy() @ weights
            state = BY_NAME["rls"].start(k[one, two], v[one, two])
            for t in range(40):
                state = BY_NAME["rls"].write(state, k[one, two, t], v[one, two, t], {})
            assert BY_NAME["rls"].read(state, q[one, two]).numpy() == pytest.approx(expected, abs=1e-8)


def test_titans_without_momentum_and_forgetting_is_the_delta_rule() -> None:
    q, k, v, gates = stream()
    plain = {"keep": torch.ones(2, 3, 20), "momentum": torch.zeros(2, 3, 20), "rate": 0.5 * gates["strength"]}
    plain = {name: gate.double() for name, gate in plain.items()}
    assert torch.allclose(answered("titans", q, k, v, plain), answered("delta", q, k, v, gates), atol=1e-12, rtol=0)


def test_gates_that_are_open_change_nothing() -> None:
    q, k, v, gates = stream()
    kept = {**gates, "keep": torch.ones(2, 3, 20, dtype=torch.float64)}
    assert torch.allclose(answered("gated", q, k, v, kept), answered("linear", q, k, v), atol=1e-12, rtol=0)
    assert torch.allclose(answered("gated_delta", q, k, v, kept), answered("delta", q, k, v, gates), atol=1e-12, rtol=0)


def test_orthonormal_keys_are_answered_exactly_by_every_linear_store() -> None:
    _, _, v, _ = stream(pairs=8)
    k = torch.eye(8, dtype=torch.float64).expand(2, 3, 8, 8)
    whole = {"keep": torch.ones(2, 3, 8, dtype=torch.float64), "strength": torch.ones(2, 3, 8, dtype=torch.float64)}
    for name in ("linear", "delta", "gated_delta"):
        assert torch.allclose(answered(name, k, k, v, whole), v, atol=1e-12, rtol=0)
    # The ridge costs one in a hundred.
    assert torch.allclose(answered("rls", k, k, v), v / (1 + regressions.RIDGE), atol=1e-12, rtol=0)


def test_the_last_of_two_values_of_one_key_by_hand() -> None:
    k = torch.tensor([[1.0, 0.0], [1.0, 0.0]])
    v = torch.tensor([[1.0], [3.0]])
    q = torch.tensor([[1.0, 0.0]])
    half = {"keep": torch.full((2,), 0.5), "strength": torch.ones(2)}
    # A sum holds both, with decay half of the first; the delta rule takes the first away.
    found = {name: float(answered(name, q, k, v, half)) for name in ("linear", "gated", "delta", "softmax")}
    assert found == pytest.approx({"linear": 4.0, "gated": 3.5, "delta": 3.0, "softmax": 2.0})


def test_softmax_attention_is_the_exemplar_model() -> None:
    """Nosofsky (1986): similarity falls exponentially, P(category) = sum of its exemplars' over the sum of all.

    With keys of one length q.k is 1 - ||q - k||²/2 of unit vectors, so exp(q.k / sqrt(d)) is a Gaussian similarity of
    the distance, and values that are one-hot categories read out shares of similarity.
    """
    q, k, _, _ = stream(pairs=30, dk=6)
    category = torch.from_numpy(np.random.default_rng(2).integers(0, 4, (2, 3, 30)))
    shares = answered("softmax", q, k, torch.nn.functional.one_hot(category, 4).double())
    c = 0.5 / np.sqrt(6)
    similarity = torch.exp(-c * torch.cdist(q, k) ** 2)
    for option in range(4):
        own = (similarity * (category == option)[..., None, :]).sum(-1) / similarity.sum(-1)
        assert torch.allclose(shares[..., option], own, atol=1e-12, rtol=0)


def test_local_linear_attention_is_the_intercept_of_weighted_least_squares(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(regressions, "RIDGE", 1e-12)
    q, k, v, _ = stream(pairs=30, dk=4)
    found = answered("local_linear", q, k, v)[0, 0]
    for r in range(7):
        x = (k[0, 0] - q[0, 0, r]).numpy()
        w = np.sqrt(np.exp(k[0, 0].numpy() @ q[0, 0, r].numpy() / 2.0))
        line = np.concatenate([np.ones((30, 1)), x], axis=1)
        fitted = np.linalg.lstsq(w[:, None] * line, w[:, None] * v[0, 0].numpy(), rcond=None)[0]
        assert found[r].numpy() == pytest.approx(fitted[0], abs=1e-8)
    # A line is answered as a line is, wherever the query is.
    slope = torch.arange(20, dtype=torch.float64).view(4, 5)
    assert torch.allclose(answered("local_linear", q, k, k @ slope), q @ slope, atol=1e-8, rtol=0)
    assert not torch.allclose(answered("softmax", q, k, k @ slope), q @ slope, atol=0.1, rtol=0)
