"""Who can take an experiment at once: everybody answers, knobs lie in their ranges, a script's lines do the same."""

from __future__ import annotations

import pytest

import cogmem as cm
from cogmem import catalogue
from cogmem.errors import UserError
from cogmem.models.forgetting import sum_of_exponentials
from cogmem.participants import Participant, knob_of, participants

EVERYBODY = [(paradigm, name) for paradigm in catalogue.paradigms() for name in participants(paradigm)]
SLOW = {"mixture_reproducer"}
"""Compiled at their first use, for longer than the rest takes together."""


def beginning(who: Participant) -> dict[str, float]:
    return who.natural({knob.name: knob.value for knob in who.knobs})


def test_every_paradigm_has_somebody() -> None:
    assert {paradigm for paradigm, _ in EVERYBODY} == set(catalogue.paradigms())


@pytest.mark.filterwarnings("ignore::cogmem.subjects.superposed.Saturated")  # as full as the default design makes it
@pytest.mark.parametrize(("paradigm", "name"), [each for each in EVERYBODY if each[1] not in SLOW])
def test_somebody_with_the_parameters_of_the_beginning_answers(paradigm: str, name: str) -> None:
    who = participants(paradigm)[name]
    subject = who.make(**beginning(who))
    assert (subject.name, subject.kind) == (name, who.kind)
    experiment = catalogue.paradigms()[paradigm]
    small = {"n_chains": 5, "chains_per_root": 2, "n_lists": 1, "n_items": 4, "n_updates": (1, 2), "n_pairs": (4,),
             "n_training": 4, "n_transfer": 2}  # fmt: skip
    known = experiment.settings.__dataclass_fields__
    design = experiment.design(seed=1, **{key: value for key, value in small.items() if key in known} | who.settings)
    assert len(cm.run(design, subject, seed=1).answers) == len(design.tests)


@pytest.mark.parametrize(("paradigm", "name"), EVERYBODY)
def test_knobs_begin_within_their_range_and_say_what_they_are(paradigm: str, name: str) -> None:
    for knob in participants(paradigm)[name].knobs:
        assert knob.low < knob.high
        assert knob.low <= knob.value <= knob.high
        assert knob.meaning
        assert not knob.log or knob.low > 0


@pytest.mark.parametrize(("paradigm", "name"), [
    ("forgetting_curve", "power"), ("forgetting_curve", "act_r_practice"), ("proactive_interference", "removal"),
    ("key_value", "store_delta"), ("superposition", "willshaw"), ("serial_reproduction", "gaussian_reproducer"),
    ("iterated_learning", "language_learner"), ("chunking", "hcm"),
])  # fmt: skip
def test_the_lines_of_a_script_make_the_same_subject(paradigm: str, name: str) -> None:
    who = participants(paradigm)[name]
    lines = f"import cogmem as cm\n{who.imports}\nmade = {who.code(beginning(who))}\n"
    made: dict[str, object] = {}
    exec(lines, made)  # our own lines, as a user would paste them
    subject = made["made"]
    own = who.make(**beginning(who))
    design = catalogue.paradigms()[paradigm].design(seed=1, **who.settings)
    assert (cm.run(design, subject, seed=2).answers == cm.run(design, own, seed=2).answers).all()  # type: ignore[arg-type]


def test_a_parameter_below_another_is_moved_as_a_share_of_it() -> None:
    who = participants("forgetting_curve")["sum_of_exponentials"]
    lower = [knob for knob in who.knobs if knob.share_of]
    assert lower
    for knob in lower:
        assert 0 < knob.low < knob.high < 1
        values = {each.name: each.value for each in who.knobs}
        assert who.natural(values)[knob.name] == pytest.approx(knob.value * who.natural(values)[knob.share_of])
    assert not knob_of(sum_of_exponentials.parameters[0]).share_of


def test_a_paradigm_that_is_not_there_is_named() -> None:
    with pytest.raises(UserError, match="no paradigm 'forgeting_curve'; did you mean 'forgetting_curve'"):
        participants("forgeting_curve")
