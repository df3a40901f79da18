"""The rest of the neural memories: each against its recurrence, members and questions apart, what each is known by.

Tolerances: float64 has 16 digits, and sums and solves of 40 tokens lose a few of them: 1e-10. float32 has 7, of which
1e-4 is left after a ridge of 1e-2; both relative to the largest output.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.special import eval_sh_legendre
from torch import Tensor
from torch.nn import functional as nf

from cogmem.subjects.mixers import MIXERS, Mixer, Own, product, recurrent
from cogmem.subjects.mixers_rules import BY_NAME, MEMORIES, RULE_MIXERS, dpfp, modern_hopfield
from cogmem.subjects.mixers_states import DEGREES, LONGEST, STATE_MIXERS, legs
from cogmem.subjects.regressions import RIDGE, Rule, one_by_one
from cogmem.subjects.updating_network import UpdatingSettings
from cogmem.subjects.updating_training import initial_weights

BOTH = {**RULE_MIXERS, **STATE_MIXERS}
W, H, D = 16, 2, 8
each_mixer = pytest.mark.parametrize("name", tuple(BOTH))
each_dtype = pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-10), (torch.float32, 1e-4)])


@pytest.fixture(autouse=True)
def _one_thread() -> Any:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def start(mixer: Mixer, *, seed: int = 1, members: int = 3, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Return the weights that training starts from, stacked over members."""
    rng, found = np.random.default_rng(seed), {}
    for part, shape in mixer.shapes(W, H).items():
        own = mixer.initial.get(part, no_bias if part.endswith("bias") else any_weight)
        found[part] = torch.from_numpy(np.stack([own(shape, rng) for _ in range(members)])).to(dtype)
    return found


def no_bias(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.zeros(shape)


def any_weight(shape: tuple[int, ...], rng: np.random.Generator) -> NDArray[np.float64]:
    return np.asarray(rng.standard_normal(shape) * shape[0] ** -0.5)


def layer(mixer: Mixer, *, dtype: torch.dtype = torch.float64) -> dict[str, Tensor]:
    """Return weights near their start, no two of them alike."""
    made = torch.Generator().manual_seed(2)
    found = start(mixer, dtype=dtype)
    return {part: w + 0.1 * torch.randn(w.shape, generator=made).to(dtype) for part, w in found.items()}


def tokens(*counts: int, dtype: torch.dtype = torch.float64, members: int = 3, seed: int = 3) -> list[Tensor]:
    """Return tokens (m, 4, n, w) for each count."""
    made = torch.Generator().manual_seed(seed)
    return [torch.randn(members, 4, n, W, generator=made).to(dtype) for n in counts]


def apart(one: Tensor, two: Tensor) -> float:
    """Return the largest difference, relative to the largest value."""
    assert one.shape == two.shape
    return float((one - two).abs().max() / two.abs().max())


def rule_of(name: str) -> Rule:
    rule: Rule = RULE_MIXERS[name].parallel.keywords["form"].rule  # type: ignore[attr-defined]
    return rule


def heads_of(x: Tensor) -> Tensor:
    """Return (m, b, n, w) as (m, b, h, n, d)."""
    return x.view(*x.shape[:3], H, D).transpose(2, 3)


def parts_of(own: Own, study: Tensor, asked: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return unit queries, unit keys and values of all heads."""
    keys, values = product(study, own["write"]).chunk(2, -1)
    q, k, v = (heads_of(part) for part in (product(asked, own["read"]), keys, values))
    return nf.normalize(q, dim=-1), nf.normalize(k, dim=-1), v


def evened(answers: Tensor) -> Tensor:
    """Return (m, b, h, n, d) with each head at one size, as (m, b, n, w)."""
    return nf.layer_norm(answers, (D,)).transpose(2, 3).flatten(3)


# ---- what holds of every mixer --------------------------------------------------------------------------------------


@each_mixer
@each_dtype
@pytest.mark.parametrize("time", [1, 2, 32, 41])
def test_all_at_once_is_one_token_after_another(name: str, dtype: torch.dtype, tolerance: float, time: int) -> None:
    mixer, (study, asked) = BOTH[name], tokens(time, 5, dtype=dtype)
    own = layer(mixer, dtype=dtype)
    meant, whole = recurrent(mixer, own, study, asked, H), mixer.parallel(own, study, asked, H)
    assert whole.shape == (3, 4, time + 5, W)
    assert whole.dtype == dtype
    assert apart(whole, meant) < tolerance
    assert apart(mixer.parallel(own, study, asked, H, asked_only=True), meant[:, :, time:]) < tolerance
    assert apart(mixer.parallel(own, study, asked[:, :, :0], H), meant[:, :, :time]) < tolerance


@each_mixer
def test_members_do_not_feel_one_another(name: str) -> None:
    mixer, (study, asked) = BOTH[name], tokens(20, 5)
    own = layer(mixer)
    other = {part: torch.cat((w[:1], w[1:2] + 0.3 * w[1:2].flip(-1), w[2:])) for part, w in own.items()}
    before, after = (mixer.parallel(each, study, asked, H) for each in (own, other))
    for member in (0, 2):
        assert torch.equal(before[member], after[member])
    assert not torch.equal(before[1], after[1])
    # Every weight is used.
    for part in own:
        changed = mixer.parallel({**own, part: other[part]}, study, asked, H)
        assert not torch.equal(changed[1], before[1]), part


@each_mixer
def test_questions_do_not_see_one_another_and_leave_the_state(name: str) -> None:
    mixer, (study, asked) = BOTH[name], tokens(20, 5)
    own, order = layer(mixer), torch.tensor([3, 0, 4])
    for how in ({}, {"asked_only": True}):
        whole = mixer.parallel(own, study, asked, H, **how)
        fewer = mixer.parallel(own, study, asked[:, :, order], H, **how)
        assert apart(fewer[:, :, -3:], whole[:, :, -5:][:, :, order]) < 1e-12
    state = mixer.start(own, 4, H)
    for x in study.unbind(2):
        _, state = mixer.step(own, state, x, H)
    kept = [part.clone() for part in state]
    answers = mixer.ask(own, state, asked, H)
    assert apart(mixer.ask(own, state, asked[:, :, order], H), answers[:, :, order]) < 1e-12
    assert all(torch.equal(part, was) for part, was in zip(state, kept, strict=True))


@each_mixer
def test_study_tokens_do_not_see_what_follows(name: str) -> None:
    mixer, (study, asked, others) = BOTH[name], tokens(20, 5, 20)
    own = layer(mixer)
    whole = mixer.parallel(own, study, asked, H)[:, :, :9]
    changed = torch.cat((study[:, :, :9], others[:, :, 9:]), 2)
    assert apart(mixer.parallel(own, changed, asked, H)[:, :, :9], whole) < 1e-12
    assert apart(mixer.parallel(own, study[:, :, :9], asked, H)[:, :, :9], whole) < 1e-12


@each_mixer
def test_every_weight_can_be_learned_from_the_start(name: str) -> None:
    settings = UpdatingSettings(name, width=W, heads=H)  # type: ignore[arg-type]
    found = initial_weights(settings, (1, 2))
    mixer, (study, asked) = BOTH[name], tokens(20, 5, dtype=torch.float32, members=2)
    own = {part: found[f"layer1.{part}"].requires_grad_() for part in mixer.shapes(W, H)}
    for part, made in mixer.initial.items():
        one, two = (made(own[part].shape[1:], np.random.default_rng(seed)).astype(np.float32) for seed in (1, 2))
        # A start that no generator moves is there to the bit; of others members have their own.
        fixed = np.array_equal(one, two)
        assert torch.equal(own[part][0], torch.from_numpy(one)) == fixed
        assert torch.equal(own[part][0], own[part][1]) == fixed
    out = mixer.parallel(own, study, asked, H, asked_only=True)
    wanted = torch.randn(out.shape, generator=torch.Generator().manual_seed(4))
    for part, slope in zip(own, torch.autograd.grad((out * wanted).sum(), list(own.values())), strict=True):
        assert torch.isfinite(slope).all(), part
        assert slope.any(), part


def test_little_is_forgotten_at_the_start() -> None:
    for name in ("gated_attention", "vector_gated", "gated_delta", "titans", "mixture_of_memories"):
        weights = initial_weights(UpdatingSettings(name, width=W, heads=H), (1,))
        assert (weights["layer0.keep_bias"].sigmoid() > 0.98).all()


# ---- memories by a rule ---------------------------------------------------------------------------------------------


def pairs(seed: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return unit queries (2, 9, 6), unit keys (2, 40, 6), values (2, 40, 5) and gates (2, 40, 6)."""
    made = torch.Generator().manual_seed(seed)
    q, k, v, gate = (torch.randn(2, n, d, generator=made).double() for n, d in ((9, 6), (40, 6), (40, 5), (40, 6)))
    return nf.normalize(q, dim=-1), nf.normalize(k, dim=-1), v, gate.sigmoid()


SEEN = torch.tensor([40, 1, 17, 0, 16, 40, 39, 31, 33])


@pytest.mark.parametrize("name", ["vector_gated", "mesa"])
def test_quick_forms_serve_queries_that_have_seen_any_number_of_pairs(name: str) -> None:
    q, k, v, gate = pairs()
    rule = rule_of(name)
    # `one_by_one` would take the units of a vector gate for pairs.
    state, answers = rule.start(k, v), [rule.read(rule.start(k, v), q)]
    for t in range(40):
        state = rule.write(state, k[:, t], v[:, t], {"keep": gate[:, t]})
        answers.append(rule.read(state, q))
    meant = torch.stack([answers[n][:, r] for r, n in enumerate(SEEN.tolist())], 1)
    found = rule.parallel(q, SEEN, k, v, {"keep": gate})
    assert apart(found, meant) < 1e-10
    assert not found[:, 3].any()


def test_gates_that_nearly_close_do_not_overflow() -> None:
    q, k, v, _ = pairs()
    shut = torch.full((2, 40, 6), 1e-30, dtype=torch.float64)
    last = rule_of("vector_gated").parallel(q, torch.full((9,), 40), k, v, {"keep": shut})
    assert apart(last, (q @ k[:, -1:].transpose(-1, -2)) @ v[:, -1:]) < 1e-12


def test_a_vector_gate_with_equal_entries_is_a_scalar_gate() -> None:
    study, asked = tokens(33, 5)
    own = layer(RULE_MIXERS["gated_attention"])
    wide = {part: own[part].repeat_interleave(D, -1) for part in ("keep", "keep_bias")}
    scalar = RULE_MIXERS["gated_attention"].parallel(own, study, asked, H)
    assert apart(RULE_MIXERS["vector_gated"].parallel({**own, **wide}, study, asked, H), scalar) < 1e-12


@pytest.mark.parametrize(
    ("name", "plain"),
    [("gated_attention", "linear_attention"), ("gated_delta", "delta_rule"), ("titans", "delta_rule")],
)
def test_with_gates_open_a_memory_is_the_one_without(name: str, plain: str) -> None:
    study, asked = tokens(33, 5)
    # The sigmoid of 1000 is 1.
    own = {**layer(RULE_MIXERS[name]), "keep_bias": torch.full((3, H), 1000.0, dtype=torch.float64)}
    if name == "titans":
        # No momentum; half the rate on a squared error is the strength.
        own |= {"momentum_bias": -own["keep_bias"], "strength": own["rate"], "strength_bias": own["rate_bias"]}
    found = RULE_MIXERS[name].parallel(own, study, asked, H)
    assert apart(found, MIXERS[plain].parallel(own, study, asked, H)) < 1e-12


def test_mesa_is_ridge_regression() -> None:
    study, asked = tokens(33, 5)
    own = layer(RULE_MIXERS["mesa"])
    q, k, v = parts_of(own, study, asked)
    weights = np.linalg.solve(k.mT.numpy() @ k.numpy() + RIDGE * np.eye(D), k.mT.numpy() @ v.numpy())
    found = RULE_MIXERS["mesa"].parallel(own, study, asked, H, asked_only=True)
    assert apart(found, evened(q @ torch.from_numpy(weights))) < 1e-10


def test_local_linear_attention_is_the_rule_and_weighted_least_squares() -> None:
    study, asked = tokens(33, 5)
    mixer = RULE_MIXERS["local_linear"]
    own = layer(mixer)
    q, k, v = parts_of(own, study, asked)
    # The rule of regressions divides by the root of d.
    as_sharp = {**own, "sharpness": torch.full((3, H), np.log(D**-0.5), dtype=torch.float64)}
    meant = BY_NAME["local_linear"].parallel(q, torch.full((5,), 33), k, v, {})
    assert apart(mixer.parallel(as_sharp, study, asked, H, asked_only=True), evened(meant)) < 1e-10
    # A line through pairs, its slope under the ridge and its height at the query not.
    found = mixer.parallel(own, study, asked, H, asked_only=True)
    sharp, cue, keys = (
        part[0, ..., 1, :, :].numpy() for part in (own["sharpness"].exp()[:, None, :, None, None], q, k)
    )
    answers = []
    for question in cue[2]:
        near = np.exp(sharp.item() * keys[2] @ question)
        line = np.concatenate((np.ones((33, 1)), keys[2] - question), 1)
        root = np.sqrt(near / near.sum())[:, None]
        ridge = np.sqrt(RIDGE) * np.eye(D + 1)[1:]
        right = np.concatenate((root * v[0, 2, 1].numpy(), np.zeros((D, D))))
        answers.append(np.linalg.lstsq(np.concatenate((root * line, ridge)), right, rcond=None)[0][0])
    by_hand = nf.layer_norm(torch.from_numpy(np.stack(answers)), (D,))
    assert apart(found[0, 2, :, D:], by_hand) < 1e-10


def routed(own: Own, odds: dict[int, float], study: Tensor, asked: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Return weights and tokens by which memories have `odds` and others next to none: a first unit of 1 says so."""
    router = torch.zeros(3, W, MEMORIES, dtype=torch.float64)
    for memory, share in odds.items():
        router[:, 0, memory] = 100.0 + np.log(share)
    study, asked = (torch.cat((torch.ones_like(x[..., :1]), x[..., 1:]), -1) for x in (study, asked))
    return {**own, "router": router}, study, asked


def memory_of(own: Own, memory: int) -> dict[str, Tensor]:
    """Return the weights of one memory of a mixture, as those of a gated delta rule; the last is what all share."""
    write, heads = own["write"].view(3, W, 2, MEMORIES + 1, W), slice(memory * H, (memory + 1) * H)
    gates = {part: own[part][..., heads] for part in ("keep", "keep_bias", "strength", "strength_bias")}
    return {"read": own["read"], "write": write[:, :, :, memory].flatten(2), **gates}


def test_a_mixture_with_all_in_one_memory_is_that_memory() -> None:
    mixer = RULE_MIXERS["mixture_of_memories"]
    own, study, asked = routed(layer(mixer), {2: 1.0}, *tokens(33, 5))
    # The memory that all share has no values to say.
    own["write"].view(3, W, 2, MEMORIES + 1, W)[:, :, 1, MEMORIES] = 0.0
    found = mixer.parallel(own, study, asked, H)
    assert apart(found, RULE_MIXERS["gated_delta"].parallel(memory_of(own, 2), study, asked, H)) < 1e-12


def test_a_mixture_says_what_its_memories_do_in_shares_and_what_is_shared() -> None:
    mixer = RULE_MIXERS["mixture_of_memories"]
    own, study, asked = routed(layer(mixer), {0: 1.0, 2: 3.0}, *tokens(33, 5))
    meant = torch.zeros(3, 4, H, 5, D, dtype=torch.float64)
    for memory, share in ((0, 0.25), (2, 0.75), (MEMORIES, 1.0)):
        one = memory_of(own, memory)
        q, k, v = parts_of(one, study, asked)
        gates = {
            part: (product(study, one[part]) + one[f"{part}_bias"][:, None, None]).sigmoid().transpose(2, 3)
            for part in ("keep", "strength")
        }
        meant += share * BY_NAME["gated_delta"].parallel(q, torch.full((5,), 33), k, v, gates)
    assert apart(mixer.parallel(own, study, asked, H, asked_only=True), evened(meant)) < 1e-10


def test_a_memory_that_is_not_chosen_is_left_as_it_was() -> None:
    mixer = RULE_MIXERS["mixture_of_memories"]
    own, study, _ = routed(layer(mixer), {0: 1.0, 2: 1.0}, *tokens(6, 1))
    state = mixer.start(own, 4, H)
    for x in study.unbind(2):
        _, state = mixer.step(own, state, x, H)
    first = state[0].view(3, 4, MEMORIES + 1, H, D, D)
    assert first.abs().amax((0, 1, 3, 4, 5)).gt(0).tolist() == [True, False, True, False, True]
    own, study, _ = routed(own, {1: 1.0, 2: 1.0}, study, study)
    for x in study.unbind(2):
        _, state = mixer.step(own, state, x, H)
    then = state[0].view(3, 4, MEMORIES + 1, H, D, D)
    assert (then == first).all(-1).all(-1).amin((0, 1, 3)).tolist() == [True, False, False, True, False]


def test_a_modern_hopfield_network_is_attention_that_is_iterated() -> None:
    study, asked = tokens(33, 5)
    own = layer(modern_hopfield(1))
    q, k, v = parts_of(own, study, asked)
    sharp = own["sharpness"].exp()[:, None, :, None, None]

    def attention(cue: Tensor, values: Tensor) -> Tensor:
        return nf.scaled_dot_product_attention(sharp * cue, k, values, scale=1.0)

    def found(steps: int) -> Tensor:
        return heads_of(modern_hopfield(steps).parallel(own, study, asked, H, asked_only=True))

    cue = q
    for steps in range(4):
        assert apart(found(steps), attention(cue, v)) < 1e-12
        cue = attention(cue, k)
    assert torch.equal(RULE_MIXERS["modern_hopfield"].parallel(own, study, asked, H, asked_only=True),
                       modern_hopfield(3).parallel(own, study, asked, H, asked_only=True))  # fmt: skip
    # A sharp network finds one pattern whole, and says its value alone.
    own["sharpness"] = torch.full((3, H), np.log(1e3), dtype=torch.float64)
    nearest = (q @ k.mT).argmax(-1)
    assert apart(found(3), v.take_along_dim(nearest[..., None], 3)) < 1e-3


def test_a_hopfield_network_completes_patterns_of_which_a_part_is_wrong() -> None:
    rule, made = rule_of("hopfield"), torch.Generator().manual_seed(6)
    # Rows of a Hadamard matrix: patterns of -1 and 1 that have nothing in common; values of tanh(20) are 1.
    two = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=torch.float64)
    sixteen = torch.kron(torch.kron(two, two), torch.kron(two, two))[[1, 6, 11]]
    v = 20.0 * torch.randn(3, 8, generator=made).double().sign()
    state = rule.start(sixteen, v)
    for key, value in zip(sixteen, v, strict=True):
        state = rule.write(state, key, value, {})
    assert torch.equal(state[0], state[0].mT)
    assert not state[0].diagonal().any()
    cue = sixteen.clone()
    cue[:, :3] *= -1.0
    assert torch.equal(rule.read(state, cue).sign(), v.sign())
    assert apart(rule.parallel(cue, torch.tensor([3, 3, 3]), sixteen, v, {}), rule.read(state, cue)) < 1e-12


def test_a_hopfield_network_is_of_squashed_units_and_hears_no_more_of_a_list_shown_twice() -> None:
    mixer, (study, asked) = RULE_MIXERS["hopfield"], tokens(7, 5)
    own = layer(mixer)
    once = mixer.parallel(own, study, asked, H, asked_only=True)
    q, k, v = (heads_of(part) for part in (product(asked, own["read"]), *product(study, own["write"]).chunk(2, -1)))
    meant = rule_of("hopfield").parallel(q.tanh(), torch.full((5,), 7), k.tanh(), v, {})
    assert apart(once, meant.transpose(2, 3).flatten(3)) < 1e-12
    # Sizes are evened up to layer normalisation's 1e-5.
    assert apart(mixer.parallel(own, study.repeat(1, 1, 2, 1), asked, H, asked_only=True), once) < 1e-3


def test_fast_weights_have_four_orthogonal_keys_where_there_are_two_units() -> None:
    corners = torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    features = dpfp({}, corners)
    assert features.shape == (4, 8)
    assert torch.equal(features @ features.T, torch.eye(4))
    # Halves of (1, 2) are (1, 2, 0, 0): times the one before (0, 2, 0, 0), times the one before that nothing.
    assert dpfp({}, torch.tensor([1.0, 2.0])).tolist() == [0, 1, 0, 0, 0, 0, 0, 0]
    # So the last value of each of four keys is there, in two units.
    v = torch.arange(16.0).view(8, 2)
    keys = features.repeat(2, 1)
    held = one_by_one(BY_NAME["delta"], features, torch.full((4,), 8), keys, v, {"strength": torch.ones(8)})
    assert torch.equal(held, v[4:])


# ---- states of their own making -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", STATE_MIXERS)
def test_a_question_is_one_more_token_from_the_same_state(name: str) -> None:
    mixer, (study, asked) = STATE_MIXERS[name], tokens(9, 3)
    own = layer(mixer)
    state = mixer.start(own, 4, H)
    for x in study.unbind(2):
        _, state = mixer.step(own, state, x, H)
    meant = torch.stack([mixer.step(own, state, x, H)[0] for x in asked.unbind(2)], 2)
    assert apart(mixer.ask(own, state, asked, H), meant) < 1e-12


def test_a_wave_moves_by_one_unit_a_step() -> None:
    mixer = STATE_MIXERS["wave_rnn"]
    own, (bump, x) = start(mixer), tokens(1, 1)
    state = bump[:, :, 0].relu()
    for step in range(1, D + 1):
        _, after = mixer.step(own, (state,), torch.zeros_like(x[:, :, 0]), H)
        state = after[0]
        meant = bump[:, :, 0].relu().view(3, 4, H, D).roll(step, -1).flatten(2)
        assert torch.equal(state, meant)
    # What comes in does so at the first unit of each ring.
    _, (entered,) = mixer.step(own, mixer.start(own, 4, H), x[:, :, 0], H)
    assert not entered.view(3, 4, H, D)[..., 1:].any()
    assert apart(entered.view(3, 4, H, D)[..., 0], product(x[:, :, 0], own["input"][..., 0]).relu()) < 1e-12


def test_a_wave_goes_from_ring_to_ring_as_the_kernel_says() -> None:
    mixer = STATE_MIXERS["wave_rnn"]
    own = {**start(mixer), "kernel": torch.zeros(3, 3, H, H, dtype=torch.float64)}
    own["kernel"][:, 0, 0, 1] = 2.0
    state = torch.arange(1.0, W + 1).double().expand(3, 4, -1)
    _, (after,) = mixer.step(own, (state,), torch.zeros(3, 4, W, dtype=torch.float64), H)
    # From ring 0 to ring 1, one unit back, doubled.
    assert after[0, 0].tolist() == [0.0] * 8 + [4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 2.0]


def test_a_simple_recurrent_network_by_hand() -> None:
    mixer, (x,) = STATE_MIXERS["elman"], tokens(2)
    own = layer(mixer)
    first = torch.tanh(product(x[:, :, 0], own["input"]) + own["bias"][:, None])
    second = torch.tanh(product(x[:, :, 1], own["input"]) + product(first, own["recurrent"]) + own["bias"][:, None])
    assert apart(mixer.parallel(own, x, x[:, :, :0], H), torch.stack((first, second), 2)) < 1e-12
    turn = start(mixer)["recurrent"]
    assert apart(turn.mT @ turn, torch.eye(W).double().expand(3, -1, -1)) < 1e-12


def test_a_trace_fades_and_turns_at_its_own_rate() -> None:
    mixer, (x,) = STATE_MIXERS["ffm"], tokens(1)
    own, silent = start(mixer), torch.zeros_like(x[:, :, 0])
    out, state = mixer.step(own, mixer.start(own, 4, H), x[:, :, 0], H)
    said, gate, past, share = torch.split(product(x[:, :, 0], own["input"]), [D, D, W, W], -1)
    assert apart(state[0].real[..., 0], said * gate.sigmoid()) < 1e-12
    merged = nf.layer_norm(product(torch.view_as_real(state[0]).flatten(2), own["merge"]), (W,))
    assert apart(out, merged * share.sigmoid() + past * (1 - share.sigmoid())) < 1e-12
    first = state[0]
    for _ in range(7):
        # Without a token no more is said, as biases start at nothing.
        _, state = mixer.step(own, state, silent, H)
    rate = torch.complex(-own["fading"].exp()[:, :, None], own["turning"][:, None, :])
    meant = first * (7 * rate).exp()[:, None]
    assert float((state[0] - meant).abs().max()) < 1e-12
    # The first trace has a half-life of a token, the last is at 1 % after the longest; the slowest context has turned.
    assert torch.allclose((-own["fading"].exp()).exp()[:, 0], torch.tensor(0.5).double())
    assert torch.allclose((-LONGEST * own["fading"].exp()).exp()[:, -1], torch.tensor(0.01).double())
    assert torch.allclose(LONGEST * own["turning"][:, -1], torch.tensor(2 * np.pi).double())


def test_the_hippo_matrix_holds_a_constant_and_a_ramp_as_legendre_coefficients() -> None:
    a, b = legs(DEGREES)
    unit = np.eye(DEGREES)
    # x' = 0 at a constant input 1; x' = x at exp(t), which is a ramp in z = exp(-age), z = 1/2 + (2z - 1)/2.
    assert np.linalg.solve(-a, b) == pytest.approx(unit[0], abs=1e-12)
    ramp = 0.5 * unit[0] + 0.5 / np.sqrt(3) * unit[1]
    assert np.linalg.solve(unit - a, b) == pytest.approx(ramp, abs=1e-12)


def test_a_channel_says_what_it_reads_from_its_state() -> None:
    mixer, (x,) = STATE_MIXERS["hippo"], tokens(1)
    own = layer(mixer)
    out, (state,) = mixer.step(own, mixer.start(own, 4, H), x[:, :, 0], H)
    read = torch.einsum("mbwn,mnw->mbw", state, own["read"]) + x[:, :, 0] * own["past"][:, None]
    assert apart(out, nf.gelu(read)) < 1e-12


def hippo_state(u: Tensor, pace: float) -> Tensor:
    """Return the state of a channel after inputs u (t,) at steps of `pace`: (n,)."""
    mixer = STATE_MIXERS["hippo"]
    own = {**start(mixer), "pace": torch.full((3, W), np.log(pace), dtype=torch.float64)}
    state = mixer.start(own, 1, H)
    for now in u:
        _, state = mixer.step(own, state, now.expand(3, 1, W), H)
    return state[0][0, 0, 0]


def test_the_state_of_a_channel_is_its_past_in_legendre_polynomials() -> None:
    # A constant: the slowest mode is exp(-age), and 40 of its lives leave 4e-18.
    found = hippo_state(torch.ones(400, dtype=torch.float64), 0.1)
    assert found.numpy() == pytest.approx(np.eye(DEGREES)[0], abs=1e-10)
    # Any past, by quadrature: coefficient k is the integral of u sqrt(2k + 1) P_k(2z - 1) dz, z = exp(-age). Steps of
    # 0.01 are exact to their square times the rates of the first eight, which are up to 8 with weights up to 4.
    pace = 0.01
    age = pace * (np.arange(3000) + 0.5)
    past = np.sin(1.3 * age) + 0.2 * age
    found = hippo_state(torch.from_numpy(past[::-1].copy()), pace)[:8]
    z, degree = np.exp(-age), np.arange(8)[:, None]
    meant = (np.sqrt(2 * degree + 1) * eval_sh_legendre(degree, z) * past * z * pace).sum(1)
    assert found.numpy() == pytest.approx(meant, abs=5e-3)
