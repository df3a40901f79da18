"""Networks that study strings: the language, the timelines, and a batched population against its members alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cogmem.errors import UserError
from cogmem.materials import Language, replace_words
from cogmem.subjects.timelines import (
    NEW,
    NOTHING,
    Timeline,
    few_shot_timeline,
    forgetting_between_visits,
    join,
    new_strings,
    spaced_timeline,
    view_batch_schedule,
    view_batch_timeline,
)

torch = pytest.importorskip("torch")

from cogmem.subjects import nets, network_study  # noqa: E402
from cogmem.subjects.nets import advance, load_weights, save_weights  # noqa: E402
from cogmem.subjects.network_settings import LSTM, TRANSFORMER, NetworkSettings  # noqa: E402
from cogmem.subjects.network_study import Probes, recall, study_and_probe  # noqa: E402
from cogmem.subjects.training import pretrain, shifted, torch_threads, train  # noqa: E402

SMALL = Language(n_words=24, n_classes=4, length=6, seed=3)
NETWORKS = tuple(
    NetworkSettings(architecture, width=16, layers=2, pretraining_steps=3, pretraining_batch=4)
    for architecture in ("lstm", "transformer")
)
both = pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.architecture)


def materials(language: Language, n_items: int, seeds: tuple[int, ...]):
    """Return the own items of each member and their foils, each (population, n_items, length)."""
    rngs = [np.random.default_rng([seed, 20]) for seed in seeds]
    items = [language.strings(n_items, rng) for rng in rngs]
    novel = [language.strings(n_items, rng) for rng in rngs]
    one_word = [language.one_word_foils(own, rng) for own, rng in zip(items, rngs, strict=True)]
    return np.stack(items), {"novel": np.stack(novel), "one_word": np.stack(one_word)}


def remember(network: NetworkSettings, seeds: tuple[int, ...], *, probe_all: bool = True, threads: int = 1) -> Probes:
    """Return the probes of four small networks after two epochs of four items and two updates of new strings."""
    weights = pretrain(network, SMALL, seeds=seeds, threads=threads)
    items, foils = materials(SMALL, 4, seeds)
    rngs = [np.random.default_rng([seed, 21]) for seed in seeds]
    timeline = few_shot_timeline(4, exposures=(1, 2), retention=(2,), batch=2, fillers=3, rngs=rngs)
    if not probe_all:
        timeline = Timeline(timeline.slots, timeline.probe_after[-1:])
    return study_and_probe(weights, network, timeline, items, foils, SMALL, seeds=seeds, threads=threads)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_strings_follow_the_grammar_and_come_again_from_the_same_generator(seed: int, n: int) -> None:
    strings = SMALL.strings(n, np.random.default_rng(seed))
    assert strings.shape == (n, 6)
    assert strings.min() >= 0
    assert strings.max() < 24
    classes = SMALL.word_class[strings]
    assert (SMALL.grammar[classes[:, :-1], classes[:, 1:]] > 0).all()
    assert np.array_equal(strings, SMALL.strings(n, np.random.default_rng(seed)))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_one_word_foils_differ_in_one_word_of_the_same_class(seed: int) -> None:
    rng = np.random.default_rng(seed)
    strings = SMALL.random_strings(20, rng)
    foils = SMALL.one_word_foils(strings, rng)
    assert ((foils != strings).sum(axis=1) == 1).all()
    assert np.array_equal(SMALL.word_class[foils], SMALL.word_class[strings])


def test_words_are_as_frequent_as_zipf_and_the_grammar_say() -> None:
    language = Language(n_words=12, n_classes=3, length=8, seed=1)
    strings = language.strings(6000, np.random.default_rng(0))
    classes = language.word_class[strings]
    first = (strings[classes == 0] == language.class_words[0, 0]).mean()
    assert first == pytest.approx(1 / (1 + 1 / 2 + 1 / 3 + 1 / 4), abs=0.015)  # 48000 words: SE below .004
    for before in range(3):
        after = np.bincount(classes[:, 1:][classes[:, :-1] == before], minlength=3)
        # A rare class has few followers: four standard errors of a proportion.
        assert after / after.sum() == pytest.approx(language.grammar[before], abs=2 / after.sum() ** 0.5)


def test_a_language_without_classmates_is_refused() -> None:
    with pytest.raises(UserError, match="12 words in 12 classes"):
        Language(n_words=12, n_classes=12)
    with pytest.raises(UserError, match="two words or more"):
        Language(length=1)


@pytest.mark.parametrize("views", [1, 2, 4, 8])
def test_view_batches_visit_every_item_equally_often_at_a_longer_interval(views: int) -> None:
    schedule = view_batch_schedule(16, batch=8, views=views, epochs=8)
    assert schedule.shape == (16, 8)  # 16 items x 8 epochs / batch of 8, whatever the views
    assert np.array_equal(np.bincount(schedule.ravel()), np.full(16, 8))
    assert all(len(np.unique(batch)) == 8 // views for batch in schedule)
    visits = np.flatnonzero((schedule == 5).any(axis=1))
    assert len(visits) == 8 // views
    starts = np.flatnonzero(schedule.ravel() == 5)[::views]
    assert (np.diff(starts) == views * 16).all()  # samples between two visits = views x items
    shuffled = view_batch_schedule(16, batch=8, views=views, epochs=8, rng=np.random.default_rng(0))
    assert np.array_equal(np.bincount(shuffled.ravel()), np.full(16, 8))


def test_a_view_batch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match="3 views"):
        view_batch_schedule(16, batch=8, views=3, epochs=8)


def test_a_few_shot_timeline_counts_exposures_and_updates() -> None:
    rngs = [np.random.default_rng(seed) for seed in (1, 2)]
    timeline = few_shot_timeline(6, exposures=(1, 3), retention=(1, 4), batch=2, fillers=5, rngs=rngs)
    assert timeline.probe_after.tolist() == [0, 3, 9, 10, 13]
    assert (timeline.exposures(6) == np.array([0, 1, 3, 3, 3])[:, None]).all()
    assert (timeline.slots[:, 9:] == NEW).all()
    assert (timeline.slots[:, :9, 2:] == NOTHING).all()
    assert (timeline.since_study(6)[:, 0] == -1).all()
    assert np.array_equal(timeline.since_study(6)[:, 4], timeline.since_study(6)[:, 2] + 4)
    assert timeline.n_study == 9


def test_a_spacing_surface_ends_all_study_at_one_update() -> None:
    timeline, gaps = spaced_timeline((0, 2), items_per_gap=1, exposures=3, retention=(0, 5), batch=3, lead=1)
    assert gaps.tolist() == [0, 2]
    assert timeline.slots[0, :9].tolist() == [
        [NEW, NEW, NEW],
        [NEW, 1, NEW],
        [NEW, NEW, NEW],
        [NEW, NEW, NEW],
        [NEW, 1, NEW],
        [0, NEW, NEW],
        [0, NEW, NEW],
        [0, 1, NEW],
        [NEW, NEW, NEW],
    ]
    assert timeline.probe_after.tolist() == [0, 8, 13]
    assert timeline.since_study(2)[0].tolist() == [[-1, -1], [0, 0], [5, 5]]
    assert timeline.exposures(2)[0, 1].tolist() == [3, 3]


def test_forgetting_between_visits_is_what_was_lost_until_the_next_visit() -> None:
    timeline = view_batch_timeline(2, batch=2, views=2, epochs=4, retention=(1,), fillers=2)
    assert timeline.slots[0].tolist() == [[0, 0], [1, 1], [0, 0], [1, 1], [NEW, NEW]]
    assert timeline.views is not None
    assert timeline.views[0, :4].tolist() == [[0, 1]] * 4
    values = np.array([0.0, 0.9, 0.6, 0.8, 0.5, 0.4])[:, None, None] * np.array([1.0, 2.0])
    # Item 0 is visited in updates 0 and 2: after the first .9, before the second .6. Item 1 in 1 and 3: 1.2, 1.6.
    assert forgetting_between_visits(timeline, values)[0] == pytest.approx([0.3, -0.4])
    once = view_batch_timeline(2, batch=2, views=2, epochs=2, retention=())
    assert np.isnan(forgetting_between_visits(once, np.zeros((3, 1, 2)))).all()


def test_a_timeline_that_cannot_be_run_is_refused() -> None:
    with pytest.raises(UserError, match="as many for every member"):
        Timeline(np.array([[[0, 1]], [[0, NOTHING]]]), np.array([1]))
    with pytest.raises(UserError, match="ascending"):
        Timeline(new_strings(2, 1), np.array([3]))
    with pytest.raises(UserError, match="with room for all"):
        spaced_timeline((0, 1), items_per_gap=4, exposures=2, retention=(1,), batch=7)


@both
def test_two_runs_are_the_same_bits_and_threads_are_put_back(network: NetworkSettings) -> None:
    with torch_threads(2):
        first, second = remember(network, (4, 5)), remember(network, (4, 5))
        assert torch.get_num_threads() == 2
    assert np.array_equal(first.nll_seen, second.nll_seen)
    assert np.array_equal(first.recalled, second.recalled)
    assert not np.array_equal(first.nll_seen[0], first.nll_seen[-1])


@both
def test_a_member_of_a_population_is_the_network_it_would_be_alone(network: NetworkSettings) -> None:
    together = remember(network, (4, 5, 6))
    for member, seed in enumerate((4, 5, 6)):
        alone = remember(network, (seed,))
        # A batched product may add in another order than a single one: float32 rounding, grown by a dozen updates.
        np.testing.assert_allclose(together.nll_seen[:, member], alone.nll_seen[:, 0], rtol=1e-4)
        np.testing.assert_allclose(together.nll_foil["novel"][:, member], alone.nll_foil["novel"][:, 0], rtol=1e-4)


@both
def test_probing_changes_nothing(network: NetworkSettings) -> None:
    often, once = remember(network, (4, 5)), remember(network, (4, 5), probe_all=False)
    assert np.array_equal(often.nll_seen[-1], once.nll_seen[0])
    weights = pretrain(network, SMALL, seeds=(4,))
    before = {name: weight.clone() for name, weight in weights.items()}
    items, foils = materials(SMALL, 2, (4,))
    timeline = Timeline(np.array([[[0, 1]]]), np.array([0, 1]))
    probes = study_and_probe(weights, network, timeline, items, foils, SMALL, seeds=(4,))
    assert all(torch.equal(before[name], weight) for name, weight in weights.items())
    assert (probes.nll_seen[1] < probes.nll_seen[0]).all()


@both
def test_strings_continued_from_a_state_are_those_read_in_one_go(network: NetworkSettings) -> None:
    weights = pretrain(network, SMALL, seeds=(1, 2))
    words = shifted(torch.from_numpy(np.stack([SMALL.strings(3, np.random.default_rng(7))] * 2)), start=24)
    with torch.no_grad():
        whole, _ = advance(weights, network, words)
        logits, state = advance(weights, network, words[..., :3])
        parts = [logits]
        for position in range(3, 6):
            logits, state = advance(weights, network, words[..., position : position + 1], state)
            parts.append(logits)
    torch.testing.assert_close(torch.cat(parts, 2), whole, rtol=1e-4, atol=1e-5)


def test_the_written_out_lstm_gradient_is_the_numerical_one() -> None:
    generator = torch.Generator().manual_seed(0)
    sizes = ((2, 3, 4, 8), (2, 2, 8), (2, 3, 2), (2, 3, 2))
    gates, recurrent, h, c = (torch.randn(size, generator=generator, dtype=torch.float64) for size in sizes)
    inputs = (gates.requires_grad_(), recurrent.requires_grad_(), h, c)
    assert torch.autograd.gradcheck(lambda *given: nets.LSTMSteps.apply(*given)[0], inputs)


def test_recall_scores_the_second_half_only(monkeypatch: pytest.MonkeyPatch) -> None:
    strings = np.array([[[1, 2, 3, 4, 5, 6], [1, 2, 3, 7, 8, 9]]])
    prompts = []

    def say_456(weights, network, prompt, *, words):
        prompts.append(prompt.tolist())
        return torch.tensor([4, 5, 6]).expand(*prompt.shape[:2], words)

    monkeypatch.setattr(network_study, "complete", say_456)
    assert recall({}, NETWORKS[0], strings).tolist() == [[[True, True, True], [False, False, False]]]
    assert prompts == [[[[1, 2, 3], [1, 2, 3]]]]


def test_recognition_takes_the_likelier_string() -> None:
    seen, novel = np.array([[[1.0, 3.0]]]), np.array([[[2.0, 2.0]]])
    probes = Probes(np.array([0]), seen, {"novel": novel}, np.zeros((1, 1, 2, 3), bool))
    assert probes.recognised("novel").tolist() == [[[True, False]]]
    with pytest.raises(UserError, match="no foil 'synonym'"):
        probes.recognised("synonym")


def test_views_other_than_the_first_read_one_word_wrongly_and_predict_the_item() -> None:
    items, _ = materials(SMALL, 2, (4,))
    timeline = view_batch_timeline(2, batch=4, views=2, epochs=2, retention=())
    (update,) = network_study._updates(timeline, NETWORKS[0], items, SMALL, (4,))
    assert update.targets[0].tolist() == items[0, [0, 0, 1, 1]].tolist()
    assert (update.inputs != update.targets).sum(axis=2).tolist() == [[0, 1, 0, 1]]


def test_replacing_no_position_changes_nothing() -> None:
    strings = SMALL.strings(3, np.random.default_rng(0))
    nowhere = np.empty((3, 0), np.int64)
    assert np.array_equal(replace_words(SMALL, strings, nowhere, np.random.default_rng(1)), strings)


def test_weights_come_back_from_disk_and_wrong_files_are_explained(tmp_path: Path) -> None:
    network, path = NETWORKS[0], tmp_path / "weights.safetensors"
    weights = pretrain(network, SMALL, seeds=(1, 2))
    save_weights(path, weights, settings=network, language=SMALL, seeds=(1, 2))
    back = load_weights(path, settings=network, language=SMALL, seeds=(1, 2))
    assert list(back) == list(weights)
    assert all(torch.equal(back[name], weights[name]) for name in weights)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(UserError, match="were made with"):
        load_weights(path, settings=replace(network, rate=1.0), language=SMALL, seeds=(1, 2))
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(UserError, match="cannot be read"):
        load_weights(path, settings=network, language=SMALL, seeds=(1, 2))
    with pytest.raises(UserError, match="cannot be read"):
        load_weights(tmp_path / "none", settings=network, language=SMALL, seeds=(1, 2))


def test_what_does_not_fit_together_is_refused() -> None:
    network, items = NETWORKS[1], materials(SMALL, 2, (1, 2))
    weights = pretrain(network, SMALL, seeds=(1, 2))
    with pytest.raises(UserError, match="3 seeds"):
        study_and_probe(weights, network, Timeline(new_strings(1, 1), np.array([1])), *items, SMALL, seeds=(1, 2, 3))
    with pytest.raises(UserError, match="names item 7"):
        study_and_probe(weights, network, Timeline(np.array([[[7]]]), np.array([1])), *items, SMALL, seeds=(1, 2))
    with pytest.raises(UserError, match="one different seed"):
        pretrain(network, SMALL, seeds=(1, 1))
    with pytest.raises(UserError, match="multiple of its heads"):
        replace(network, width=18)


def test_progress_counts_every_update() -> None:
    calls: list[tuple[int, int]] = []
    pretrain(NETWORKS[0], SMALL, seeds=(1,), progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 3), (2, 3), (3, 3)]


def test_joined_stretches_keep_their_order() -> None:
    assert join(np.array([[[0, 1]], [[1, 0]]]), new_strings(1, 1)).tolist() == [[[0, 1], [-1, -2]], [[1, 0], [-1, -2]]]


def test_training_without_updates_yields_nothing() -> None:
    weights = nets.initial_weights(NETWORKS[0], n_words=24, length=6, seeds=(1,))
    assert list(train(weights, NETWORKS[0], [])) == []


@pytest.mark.slow
@pytest.mark.parametrize("network", [LSTM, TRANSFORMER], ids=["lstm", "transformer"])
def test_recognition_comes_before_recall_and_outlives_it(network: NetworkSettings) -> None:
    """Orhan (2023): few exposures are recognised, more are recalled; soon only recognition is left."""
    language, seeds = Language(seed=0), (1, 2, 3)
    items, foils = materials(language, 64, seeds)
    rngs = [np.random.default_rng([seed, 21]) for seed in seeds]
    timeline = few_shot_timeline(64, exposures=(3, 12), retention=(20, 200), rngs=rngs)
    weights = pretrain(network, language, seeds=seeds)
    probes = study_and_probe(weights, network, timeline, items, foils, language, seeds=seeds)
    recognised, one_word = (probes.recognised(foil).mean(axis=(1, 2)) for foil in ("novel", "one_word"))
    recalled = probes.recalled.mean(axis=(1, 2, 3))
    assert recognised[0] == pytest.approx(0.5, abs=0.12)
    assert recalled[0] < 0.08
    assert recognised[1] >= 0.95
    assert recalled[1] < 0.2
    assert recalled[2] >= 0.9
    assert recalled[3] < 0.25
    assert recognised[3] > 0.95
    assert recalled[4] < 0.1
    assert 0.6 < recognised[4] < recognised[3]
    assert one_word[0] < one_word[1] < recognised[1]
