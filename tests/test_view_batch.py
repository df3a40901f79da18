"""The view-batch schedule as an exact object: how often, at what interval and beside what each item is met."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import cogmem as cm
from cogmem.core import Curve
from cogmem.errors import UserError
from cogmem.jobs import view_batch
from cogmem.jobs.network_forgetting import NetworkCurves, network_document, view_rows
from cogmem.jobs.view_batch import BATCH, EXPOSURES, REST, RETENTION, UPDATE, VIEWS, rested
from cogmem.subjects.timelines import NEW, Timeline, design_timeline, relabelled
from cogmem.trials import Trials

DESIGN = view_batch.design(population=4, seed=1)


@pytest.mark.parametrize("views", VIEWS)
def test_every_item_is_met_equally_often_in_visits_of_v_at_an_interval_v_times_as_long(views: int) -> None:
    studies = DESIGN.studies
    mine = studies.where(studies["spacing_gap"] == views * REST * UPDATE)
    pairs = set(zip(mine["participant"].tolist(), mine["item"].tolist(), strict=True))
    assert len(pairs) == 4 * BATCH
    for who, item in pairs:
        times = mine["time"][(mine["participant"] == who) & (mine["item"] == item)]
        assert len(times) == EXPOSURES
        moments, met = np.unique(times, return_counts=True)
        assert (met == views).all()
        # A step is one update of new strings, 60 s; the place within a step adds less than the number of schedules.
        assert np.abs(np.diff(moments) - views * REST * UPDATE).max(initial=0.0) < len(VIEWS)


def test_every_update_of_a_schedule_is_full_and_study_ends_on_the_same_steps() -> None:
    one = DESIGN.studies.where(DESIGN.studies["participant"] == "p001")
    steps = np.floor(one["time"] / (REST * UPDATE)).astype(int)
    last = {}
    for views in VIEWS:
        mine = one["spacing_gap"] == views * REST * UPDATE
        # While the last visits begin, BATCH places a step: BATCH / V items that are due, V times each.
        assert np.bincount(steps[mine])[EXPOSURES - 1] == BATCH
        last[views] = sorted(int(steps[mine & (one["item"] == item)].max()) for item in np.unique(one["item"][mine]))
    assert all(each == list(range(EXPOSURES - 1, EXPOSURES - 1 + BATCH)) for each in last.values())


def test_items_and_schedules_make_a_latin_square_over_the_members() -> None:
    studies = DESIGN.studies
    met = {
        (str(who), int(item) // BATCH, int(gap / (REST * UPDATE)))
        for who, item, gap in zip(studies["participant"], studies["item"], studies["spacing_gap"], strict=True)
    }
    assert len(met) == 4 * len(VIEWS)  # each member meets each group of items under one V, and each V once
    assert len({(group, views) for _, group, views in met}) == len(VIEWS) ** 2


def test_tests_come_the_stated_number_of_updates_after_the_last_study() -> None:
    tests, studies = DESIGN.tests, DESIGN.studies
    ends = {
        (who, item): studies["time"][(studies["participant"] == who) & (studies["item"] == item)].max()
        for who in ("p001", "p003")
        for item in (0, 9, 31)
    }
    for (who, item), end in ends.items():
        mine = (tests["participant"] == who) & (tests["item"] == item)
        assert sorted(set((tests["time"][mine] - end) / UPDATE)) == pytest.approx(RETENTION)


def test_repetitions_at_once_are_one_update_filled_up_with_new_strings() -> None:
    times, items = np.array([0.0, 0.0, 60.0, 60.0, 60.0]), np.array([1, 1, 0, 0, 0])
    timeline, _ = design_timeline(
        times, items, np.array([120.0]), lambda moment: round(moment / 60.0), batch=4, fillers=2,
        rng=np.random.default_rng(1), at_once=True,
    )  # fmt: skip
    rows = timeline.slots[0].tolist()
    assert rows[0] == [1, 1, NEW, NEW]
    assert [0, 0, 0, NEW] in rows
    with pytest.raises(UserError, match="no room for the 3 studies"):
        design_timeline(
            times, items, np.array([120.0]), lambda moment: round(moment / 60.0), batch=2, fillers=2,
            rng=np.random.default_rng(1), at_once=True,
        )  # fmt: skip


def test_members_meet_their_own_items_in_the_places_of_the_first() -> None:
    timeline = Timeline(np.array([[[0, 1], [1, NEW]]]), np.array([0, 2]))
    made = relabelled(timeline, np.array([[0, 1, 1], [1, 0, 0]]))
    assert made.slots.tolist() == [[[0, 1], [1, NEW]], [[1, 0], [0, NEW]]]
    with pytest.raises(UserError, match="one schedule"):
        relabelled(timeline, np.array([[0, 1, 1], [1, 0, 1]]))


def test_participants_who_study_other_items_need_a_member_each() -> None:
    network = replace(cm.models.lstm(), population=3, study_batch=BATCH, at_once=True, seconds_per_update=UPDATE)
    with pytest.raises(UserError, match="4 participants for the 3 members"):
        cm.run(DESIGN, network, seed=1)
    with pytest.raises(UserError, match="study the same items"):
        replace(network, population=4).forecast(DESIGN)


def curve() -> Curve:
    """Return two members' recall after 5 and 10 updates, V of 1 and 4."""
    gap = np.repeat([1.0, 4.0], 4) * REST * UPDATE
    delay = np.tile(np.repeat([5.0, 10.0], 2), 2) * UPDATE
    y = np.array([0.8, 0.6, 0.4, 0.4, 0.5, 0.7, 0.3, 0.5])
    columns = {"x": delay, "y": y, "n": np.full(8, 8.0), "sd": np.sqrt(y * (1 - y)), "spacing_gap": gap}
    columns |= {"retention_interval": delay, "participant": np.tile(["a", "b"], 4)}
    return Curve("retention", "net", Trials(columns))


def test_means_and_standard_errors_by_hand() -> None:
    found = rested(curve())
    assert found["views"].tolist() == [1, 1, 4, 4]
    assert found["recall_interval"].tolist() == [5, 5, 20, 20]  # a step is 1 update of rest and one of each of four V
    assert found["y"] == pytest.approx([0.7, 0.4, 0.6, 0.4])
    assert found["se"] == pytest.approx([0.1, 0.0, 0.1, 0.1])  # sd over two members, divided by root 2
    rows = view_rows(NetworkCurves("net", curve(), curve(), curve(), curve(), {}))
    assert rows[1] == {
        "at once": 4, "recall interval (updates)": 20, "after 5": "0.600 ± 0.100", "after 10": "0.400 ± 0.100",
    }  # fmt: skip


def test_one_member_has_no_standard_error_and_json_says_so() -> None:
    rows = curve().rows.where(curve().rows["participant"] == "a")
    alone = replace(curve(), rows=rows)
    start = replace(
        curve(), rows=rows.with_columns({"repetitions": np.ones(4, int), "retention_interval": np.zeros(4)})
    )
    document = network_document(NetworkCurves("net", start, start, alone, alone, {}))
    assert [point["se"] for point in document["view_batch"]["points"]] == [None] * 4
    json.dumps(document, allow_nan=False)
