"""A folder of results is read alike from its store and from its tables."""

from dataclasses import replace

import pytest

from benchsuite.core import InputError
from benchsuite.recorded import recorded
from benchsuite.results import Circumstances, Effort, export
from benchsuite.store import Store
from tests.report.test_leaderboard import ROW

RUN_A = [ROW, replace(ROW, step=1, error=0.125)]
RUN_B = [replace(ROW, seed=1)]


@pytest.fixture
def folder(tmp_path):
    here = Circumstances("a", {}, {})
    with Store(tmp_path / "runs.sqlite") as store:
        store.add(RUN_A, Effort(2, 0.5), here)
        store.add(RUN_B)
        export(store.rows(), tmp_path)
        export(store.rows(curves=True), tmp_path, curves=True)
    return tmp_path


def test_a_store_tells_everything(folder):
    known = recorded(folder, curves=True)
    assert known.rows == [*RUN_A, *RUN_B]
    assert [effort.trials for effort in known.efforts.values()] == [2]
    assert [c.asked for c in known.circumstances.values()] == ["a"]
    assert recorded(folder).rows == [RUN_A[-1], *RUN_B]


def test_without_a_store_the_tables_count_each_run_once(folder):
    for path in folder.glob("runs.sqlite*"):
        path.unlink()
    (folder / "leaderboard.csv").write_text("benchmark,table\n")
    known = recorded(folder, curves=True)
    assert known.rows == [RUN_A[-1], *RUN_B]
    assert not known.efforts
    assert not known.circumstances


def test_no_results_is_one_line(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError, match=r"no results in .*benchsuite run"):
            recorded(folder)
