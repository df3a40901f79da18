"""The comparison of chunking: what it needs, and the job to the end on few people, few learners and short sequences."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from cogmem.cli_jobs import COMPARABLE
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.figures import chunking as figures
from cogmem.figures import chunking_people
from cogmem.human_data import load
from cogmem.jobs import chunking, compressions, known_chunks, language_models, recall_times
from cogmem.store import Store
from cogmem.texts import slices
from cogmem.trials import Trials

FEW = ("hvm", "hcm", "ngram", "symbols_alone")


def few_people() -> Curve:
    """Return four people of each group, with their first 16 and 8 sequences of training and transfer."""
    human = recall_times.recorded()
    rows, kept = human.rows, []
    for group in ("fixed", "variable"):
        kept += list(dict.fromkeys(rows["participant"][rows["condition"] == group].tolist()))[:4]
    first = np.where(rows["learning_phase"] == "training", rows["x"] <= 16, rows["x"] <= 8)
    return replace(human, rows=rows.where(np.isin(rows["participant"], kept) & first))


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make everything small; the job runs in this process, which alone knows of it."""
    people = few_people()
    monkeypatch.setattr(recall_times, "recorded", lambda: people)
    monkeypatch.setattr(chunking, "MODELS", {name: recall_times.MODELS[name] for name in FEW})
    monkeypatch.setattr(chunking, "LEARNERS", 6)
    monkeypatch.setattr(chunking, "NESTED", compressions.CompressionSettings((3, 6), 2, 0, 150, 6))
    monkeypatch.setattr(chunking, "TEXTS", compressions.TextSettings(2, 0, 200))
    monkeypatch.setattr(chunking, "LAYERS", compressions.LayerSettings(6, 2, 150, 6, 2))
    monkeypatch.setattr(chunking, "WORDS", compressions.WordSettings((5, 10), 2))
    monkeypatch.setattr(chunking, "LISTS", compressions.ListSettings(3, 12, 5))


def test_the_job_says_what_it_needs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There is no model of sequences 'hvn'; did you mean 'hvm'"):
        chunking.compute(models=("hvn",), store=Store(tmp_path))
    # What reads texts alone is none of them, nor are networks where none are wanted.
    with pytest.raises(UserError, match="There is no model of sequences 'hvm_full'"):
        chunking.compute(models=("hvm_full",), store=Store(tmp_path))
    with pytest.raises(UserError, match="There is no model of sequences 'lstm_reader'"):
        chunking.compute(models=("lstm_reader",), networks=False, store=Store(tmp_path))
    with pytest.raises(UserError, match=r"need the columns .* page_2006 has .* Take wu_2025_recall"):
        chunking.compute(load("page_2006"), store=Store(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_list_that_comes_again_is_compared_with_the_fillers_before_it() -> None:
    kinds, trials = ["filler", "filler", "repeating"] * 2, [1, 2, 1, 3, 4, 2]
    table = {"subject": ["hcm"] * 6, "list_kind": kinds, "trial": trials, "y": [0.2, 0.4, 0.5, 0.1, 0.3, 0.9]}
    found = figures.gains(Trials({name: np.array(values) for name, values in table.items()}))["hcm"]
    assert found["x"].tolist() == [1.0, 2.0]
    # Less the mean of the two fillers before.
    assert found["y"] == pytest.approx([0.5 - 0.3, 0.9 - 0.2])


def test_what_is_held_by_hand() -> None:
    # Three of four, six and eight chunks: three chunks are held, whatever words they have.
    chunks, words = np.array([4.0, 6.0, 8.0, 4.0, 6.0]), np.array([4.0, 6.0, 8.0, 8.0, 12.0])
    three = known_chunks.expected(chunks, words, np.array([3.0]), "chunks")
    assert three.tolist() == pytest.approx([3 / 4, 3 / 6, 3 / 8, 3 / 4, 3 / 6])
    assert known_chunks.expected(chunks, words, np.array([3.0]), "words")[3:].tolist() == pytest.approx([3 / 8, 3 / 12])
    # Nobody is surer than .98.
    assert known_chunks.expected(chunks, words, np.array([12.0]), "chunks").tolist() == [0.98] * 5
    said = np.full(5, 3.0)
    (by_chunks, k), (by_words, _) = (known_chunks.left_out(said, chunks, words, held) for held in known_chunks.HELD)
    assert k == pytest.approx(3.0, abs=0.4)
    # Lists of pairs tell them apart, the others do so through k.
    assert (by_chunks[3:] > by_words[3:]).all()
    assert by_chunks.sum() > by_words.sum() + 0.5


def test_people_hold_chunks_rather_than_words() -> None:
    found = known_chunks.capacity().to_frame().set_index(["condition", "held"])
    assert found["people"].tolist() == [32, 32, 33, 33]
    # Chen & Cowan: about three chunks under suppression.
    assert found["k"]["suppression", "chunks"] == pytest.approx(3.0, abs=0.2)
    behind, se = (found[name]["suppression", "words"] for name in ("behind", "behind_se"))
    assert behind > 3 * se
    for panel in chunking_people.panels():
        for part in panel.series:
            assert np.isfinite(part.rows["y"]).all()
            assert part.kind in ("human", "equation")


def test_slices_are_summed_one_by_one() -> None:
    told: list[int] = []
    pieces = list(slices("abababab" + "abcdabcd" + "aaaaaaaa", slice_length=8))
    names = ("symbols_alone", "lz78")
    found = compressions.of_slices(iter(pieces), names, few=0, done=told.append)
    assert told == [1, 2, 3]
    assert found["subject"].tolist() == list(names)
    assert found["n"].tolist() == [3.0, 3.0]
    # Phrases: a b ab aba(b): 4 or 5; the same sums come of each slice alone.
    alone = [compressions.of_slices([piece], names, few=0) for piece in pieces]
    for name in ("units", "unit_bits", "two_part_bits", "uniform_bits"):
        each = np.array([one[name] for one in alone])
        assert found[name] == pytest.approx(each.mean(axis=0))
    assert found["units_sd"] == pytest.approx(np.array([one["units"] for one in alone]).std(axis=0))
    # One symbol tells itself.
    assert found["uniform_bits"][0] == pytest.approx((8 * 1 + 8 * 2 + 0) / 3)


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_the_job_from_end_to_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    results = chunking.compute(store=Store(tmp_path), workers=1)
    subjects = [entry.agreement.subject for entry in results.line_up.entries]
    assert subjects[0] == "wu_2025_recall"
    assert set(subjects[1:]) == {*FEW, *recall_times.BASES}
    assert set(results.behind["subject"].tolist()) == {*FEW, *recall_times.BASES, "people"}
    # Symbols alone say the same of every sequence: no more than a person's mean.
    told = {name: results.line_up.entry(name).agreement.elpd_per_test for name in subjects}
    assert told["symbols_alone"] == pytest.approx(told["own_mean"], abs=0.02)
    assert (told["hcm"] or -9) > (told["own_mean"] or 0)
    assert set(results.tables) == {"nested", "texts", "layers", "words", "lists", "held"}
    assert set(results.tables["nested"]["subject"].tolist()) == {*FEW, "generator"}
    assert set(results.tables["words"]["subject"].tolist()) == {"hcm", "ngram", "symbols_alone"}
    job = COMPARABLE["chunking"]
    document = json.loads(json.dumps(job.document(results)))
    assert {"behind", "together", "curves", "tables", "seed"} <= set(document)
    job.show(results)
    said = capsys.readouterr().out
    assert "Who predicts people's times of recall" in said
    assert "Word chosen, not part-word" in said
    drawing = job.draw(results)
    assert len(drawing.panels) == 18
    drawn = [part.rows["y"] for panel in drawing.panels for part in panel.series]
    assert all(len(y) and np.isfinite(y.astype(float)).all() for y in drawn)
    # What was computed is taken from the store.
    again = chunking.compute(store=Store(tmp_path), workers=1)
    assert json.dumps(again.line_up.as_dict()) == json.dumps(results.line_up.as_dict())


@pytest.mark.slow
@pytest.mark.usefixtures("small")
def test_a_language_model_reads_beside_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = recall_times.MODELS["ngram"]

    @contextmanager
    def present(*_: Any) -> Iterator[Any]:
        yield SimpleNamespace(backend=SimpleNamespace(model="small", identity={"model": "small"}))

    def told(backend: Any, **_: Any) -> Any:
        model = replace(reader, name="small (sequences)", kind="language_model")
        return SimpleNamespace(model=model, identity=backend.identity, version=1)

    monkeypatch.setattr(language_models, "present", present)
    monkeypatch.setattr(chunking, "LanguageReader", told)
    monkeypatch.setattr(chunking, "LANGUAGE_LEARNERS", 6)
    results = chunking.compute(models=("ngram",), language_model=True, store=Store(tmp_path), workers=1)
    entry = results.line_up.entry("small (sequences)")
    assert entry.agreement.kind == "language_model"
    # It is an n-gram in disguise, of the same learners.
    assert entry.agreement.elpd_per_test == pytest.approx(
        results.line_up.entry("ngram").agreement.elpd_per_test, abs=1e-3
    )
    assert not results.tables
    assert len(figures.draw(results).panels) == 7
