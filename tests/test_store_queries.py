"""Questions in SQL: every response of every record, whole, of any paradigm; the store is read and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import cogmem as cm
from cogmem.errors import UserError
from cogmem.store import Store
from cogmem.store_queries import query
from cogmem.subjects.stores import STORES


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> cm.Results:
    """Give a study of two paradigms whose designs have other columns."""
    designs = (
        cm.paradigms.forgetting_curve.design(n_items=5, n_participants=2, seed=1),
        cm.paradigms.forgetting_curve.design(n_items=5, seed=2),
    )
    subjects = tuple(cm.models.power.subject(a=1.0, b=b) for b in (0.1, 0.3))
    store = Store(tmp_path_factory.mktemp("store"))
    pairs = cm.Study("pairs", (cm.paradigms.key_value.design(n_lists=1, seed=1),), (STORES[0],), (1,))
    cm.run_study(pairs, store=store)
    return cm.run_study(cm.Study("power", designs, subjects, (1, 2)), store=store)


def test_responses_are_those_of_the_records(results: cm.Results) -> None:
    found = query(results.store, "select subject, retention_interval, count(*) n, avg(answer) y from responses "
                                 "where paradigm = 'forgetting_curve' group by all order by all")  # fmt: skip
    delay = np.concatenate([record.design.tests["retention_interval"] for record in results.records])
    answers = np.concatenate([record.answers for record in results.records])
    assert found["subject"].unique().tolist() == ["power"]
    assert found["retention_interval"].tolist() == np.unique(delay).tolist()
    assert found["y"].tolist() == pytest.approx([answers[delay == t].mean() for t in np.unique(delay)])
    assert found["n"].sum() == len(answers)


def test_a_column_that_a_paradigm_lacks_is_empty_and_addresses_lead_to_the_entry(results: cm.Results) -> None:
    found = query(results.store, "select paradigm, count(retention_interval) known, count(*) n, "
                                 "count(distinct address) records from responses group by paradigm "
                                 "order by paradigm")  # fmt: skip
    assert found["paradigm"].tolist() == ["forgetting_curve", "key_value"]
    assert found["records"].tolist() == [8, 1]
    assert found["known"][0] == found["n"][0]
    joined = query(results.store, "select json_extract(e.spec, '$.seed')::int seed, count(*) n from responses r join "
                                  "entries e using (address) where r.paradigm = 'forgetting_curve' group by seed "
                                  "order by seed")  # fmt: skip
    assert joined["seed"].tolist() == [1, 2]
    assert joined["n"].nunique() == 1


def test_every_table_of_every_kind_is_a_view(results: cm.Results) -> None:
    trials = query(results.store, "select count(*) n from record_trials where phase = 'test'")["n"][0]
    assert trials == query(results.store, "select count(*) n from record_answers")["n"][0]
    assert query(results.store, "select kind, count(*) n from entries group by kind")["n"].tolist() == [9]


@pytest.mark.parametrize(("sql", "sentence"), [
    ("select * from nothing", "nothing"),
    ("selec 1", "syntax error"),
    ("select wrong from responses", "wrong"),
    ("copy (select 1) to '/tmp/cogmem_written.csv'", "disabled|denied|not allowed|Permission"),
    ("select * from read_csv('/etc/passwd')", "disabled|denied|not allowed|Permission"),
    ("set lock_configuration = false", "locked"),
])  # fmt: skip
def test_what_cannot_be_asked_is_said(results: cm.Results, sql: str, sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        query(results.store, sql)
    assert not Path("/tmp/cogmem_written.csv").exists()


def test_an_empty_store_has_no_entries(tmp_path: Path) -> None:
    assert query(Store(tmp_path / "none"), "select count(*) n from entries")["n"][0] == 0
    with pytest.raises(UserError, match="responses"):
        query(Store(tmp_path / "none"), "select * from responses")


def test_the_command(results: cm.Results, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from cogmem.cli import app

    words = ["query", "select paradigm, count(*) n from responses group by paradigm order by n", "--store",
             str(results.store.root)]  # fmt: skip
    told = json.loads(CliRunner().invoke(app, [*words, "--json"]).stdout)
    assert {row["paradigm"] for row in told} == {"forgetting_curve", "key_value"}
    assert "forgetting_curve" in CliRunner().invoke(app, words).stdout
    for end, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        file = tmp_path / f"found.{end}"
        assert CliRunner().invoke(app, [*words, "--out", str(file)]).exit_code == 0
        assert read(file).to_dict("records") == told
    assert CliRunner().invoke(app, [*words, "--out", str(tmp_path / "found.xls")]).exit_code != 0
