"""Rows, their CSV, and the store: what is kept, what is refused, what survives."""

import math
import sqlite3
from dataclasses import astuple, replace

import pytest

from benchsuite import results
from benchsuite.core import Incumbent, InputError
from benchsuite.results import Circumstances, Effort, Row, Run
from benchsuite.store import Store

RUN = Run("toy/toy", "0" * 8, "random_search", "", "trials=2", 0, "12345678")
FIRST = Row(
    *astuple(RUN), "test", "table", 0, 1.5, "|a~0|", 4, 0.25, 0.3, 0.1, "params=7"
)
LAST = replace(FIRST, step=1, cost=2.5, error=0.125)
NOTHING = replace(FIRST, arch="", cost=math.nan, error=math.nan, regret=math.nan)


def of(row, **changes):
    return replace(row, **changes)


@pytest.fixture
def store(tmp_path):
    with Store(tmp_path / "runs.sqlite") as store:
        yield store


class Reported:
    """A benchmark of which only the report matters."""

    reports, backend, best_error = "test", "table", 1 / 3

    class space:
        @staticmethod
        def format(arch):
            return "|".join(map(str, arch))

    def reported_error(self, arch, seed):
        return arch[0] / 3 + seed


def test_rows_keep_six_digits_and_the_regret_of_the_rounded_figures():
    found = [
        Incumbent(1234567.8, (1, 2), 4, 2 / 3, {"params": 1e7 / 3, "latency": 0.1}),
        Incumbent(math.inf, (2, 2), 4, 1 / 7, {}),
    ]
    first, second = results.rows(RUN, found, Reported())
    assert (first.cost, first.error, first.reported_error) == (
        1234570.0,
        0.666667,
        0.333333,
    )
    assert (first.arch, first.regret) == ("1|2", 0.0)  # not 1e-17
    assert first.metrics == "latency=0.1 params=3.33333e+06"
    assert (second.step, second.reported_error, second.regret) == (
        1,
        0.666667,
        0.333334,
    )


def test_a_search_that_found_nothing_is_still_a_run(store, tmp_path):
    lines = results.rows(RUN, [], Reported())
    (row,) = lines
    assert (row.arch, row.epochs, row.step) == ("", 0, 0)
    assert math.isnan(row.error)
    assert store.add(lines)
    assert RUN in store
    results.export(store.rows(), tmp_path)
    assert repr(results.read(tmp_path / "toy/toy/random_search.csv")) == repr([row])


def test_canonical_table_is_this_to_the_byte(tmp_path):
    results.export([of(FIRST, seed=1), LAST, FIRST], tmp_path, curves=True)
    head = (
        "benchmark,table,strategy,settings,rules,seed,source,"
        "reports,backend,step,cost,arch,epochs,error,reported_error,regret,metrics\n"
    )
    key = "toy/toy,00000000,random_search,,trials=2"
    first = "12345678,test,table,0,1.5,|a~0|,4,0.25,0.3,0.1,params=7\n"
    last = "12345678,test,table,1,2.5,|a~0|,4,0.125,0.3,0.1,params=7\n"
    folder = tmp_path / "toy" / "toy"
    assert (folder / "random_search.csv").read_text() == (
        f"{head}{key},0,{last}{key},1,{first}"
    )
    assert (folder / "random_search.curves.csv").read_text() == (
        f"{head}{key},0,{first}{key},0,{last}{key},1,{first}"
    )


def test_equal_results_are_equal_bytes_whatever_their_order(tmp_path):
    table = [of(FIRST, seed=s, strategy=name) for s in range(5) for name in "ab"]
    for order, root in ((table, "x"), (table[::-1], "y")):
        results.export(order, tmp_path / root)
    for name in "ab":
        one, other = (tmp_path / r / f"toy/toy/{name}.csv" for r in "xy")
        assert one.read_bytes() == other.read_bytes()
        assert (
            sorted(results.read(one))
            == [row for row in table if row.strategy == name][:5]
        )


def test_export_never_loses_runs_that_it_does_not_have(tmp_path):
    (path,) = results.export([FIRST, of(FIRST, seed=1)], tmp_path)
    before = path.read_bytes()
    with pytest.raises(InputError, match="holds 1 runs that would be lost"):
        results.export([FIRST, of(FIRST, seed=2)], tmp_path)
    assert path.read_bytes() == before
    results.export([FIRST, of(FIRST, seed=1), of(FIRST, seed=2)], tmp_path)
    assert len(results.read(path)) == 3


def test_what_a_spreadsheet_does_to_a_file_is_read(tmp_path):
    (path,) = results.export([FIRST], tmp_path)
    text = path.read_text()
    path.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n")
    assert results.read(path) == [FIRST]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("0.25", "a quarter", ":2: error is 'a quarter', not a number"),
        (",4,", ",4.5,", ":2: epochs is '4.5', not a number"),
        ("params=7", "params=7,8", ":2 has 18 cells, not 17"),
        ("regret", "regrets", "has the columns"),
        ("toy/toy,0", "../../toy,0", "'../../toy' is not a name"),
        ("toy/toy,0", "/toy,0", "'/toy' is not a name"),
        ("toy/toy,0", "toy//toy,0", "'toy//toy' is not a name"),
        ("random_search,", "..,", "'..' is not a name"),
        ("random_search,", "a\\b,", "is not a name"),
        ("random_search,", "=cmd(),", "'=cmd\\(\\)' is not a name"),
        ("|a~0|", "=1+1", "'=1\\+1' is not plain text"),
        ("|a~0|", '"@a"', "'@a' is not plain text"),
        ("|a~0|", "a\0b", "not plain text"),
        ("|a~0|", '"|a~0|', "is not a CSV file"),
    ],
)
def test_a_line_that_is_no_row_is_refused_and_named(old, new, message, tmp_path):
    (path,) = results.export([FIRST], tmp_path)
    path.write_text(path.read_text().replace(old, new, 1))
    with pytest.raises(InputError, match=message):
        results.read(path)


def test_files_that_are_no_tables_are_refused(tmp_path):
    (tmp_path / "empty.csv").write_bytes(b"")
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    for name, message in (
        ("empty", "has the columns ''"),
        ("binary", "not a CSV"),
        ("gone", "cannot read"),
    ):
        with pytest.raises(InputError, match=message):
            results.read(tmp_path / f"{name}.csv")


def test_store_keeps_every_change_of_incumbent(store):
    assert store.add([FIRST, LAST])
    assert list(store.rows()) == [LAST]
    assert list(store.rows(curves=True)) == [FIRST, LAST]


def test_running_again_changes_nothing_unless_forced(store):
    other = of(FIRST, error=0.5)
    assert store.add([FIRST, LAST])
    assert not store.add([other])
    assert list(store.rows(curves=True)) == [FIRST, LAST]
    assert store.add([other], replace=True)
    assert list(store.rows(curves=True)) == [other]


@pytest.mark.parametrize("column", results.KEY)
def test_every_column_of_the_key_makes_another_run(column, store):
    value = 1 if column == "seed" else "other"
    store.add([FIRST])
    assert store.add([of(FIRST, **{column: value})])
    assert len(list(store.rows())) == 2


def test_force_forgets_what_an_earlier_source_did_and_nothing_else(store):
    for change in ({}, {"source": "old"}, {"seed": 1, "source": "old"}):
        store.add([of(FIRST, **change)])
    store.add([of(FIRST, source="new")], replace=True)
    assert [(row.seed, row.source) for row in store.rows()] == [(0, "new"), (1, "old")]


def test_a_failure_is_told_until_the_run_succeeds(store):
    store.fail(RUN, "first")
    store.fail(RUN, "second")
    assert RUN not in store
    assert [tuple(failure) for failure in store.failures()] == [(RUN, "second")]
    assert list(store.rows()) == []
    store.add([of(FIRST, seed=1)])
    assert len(store.failures()) == 1
    store.add([FIRST])
    assert store.failures() == []


def test_a_mended_source_takes_the_failure_of_the_broken_one_away(store):
    store.fail(RUN, "broken")
    store.fail(replace(RUN, source="stillbad"), "still broken")
    assert [failure.reason for failure in store.failures()] == ["still broken"]
    store.add([of(FIRST, source="mended")])
    assert store.failures() == []


def test_a_run_is_recorded_whole_or_not_at_all(store):
    with pytest.raises(InputError, match=r"UNIQUE|constraint"):
        store.add([FIRST, FIRST])  # the same step twice
    assert RUN not in store
    assert list(store.rows(curves=True)) == []
    assert store.add([FIRST])


def test_tables_of_several_machines_merge_and_contradictions_do_not(store):
    store.add([FIRST, LAST])
    assert store.add_all([[LAST], [of(FIRST, seed=1)], [of(NOTHING, seed=2)]]) == 2
    assert store.add_all([[LAST], [of(FIRST, seed=1)], [of(NOTHING, seed=2)]]) == 0
    assert list(store.rows(curves=True))[:2] == [FIRST, LAST]
    with pytest.raises(InputError, match=r"seed 1: error is 0.25 there and 0.75 here"):
        store.add_all([[of(FIRST, seed=3)], [of(FIRST, seed=1, error=0.75)]])
    assert len(list(store.rows())) == 3  # the whole import is one transaction


def test_store_is_durable(store, tmp_path):
    with sqlite3.connect(tmp_path / "runs.sqlite") as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    db.close()
    assert store._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_two_stores_share_a_file(store, tmp_path):
    with Store(tmp_path / "runs.sqlite") as other:
        assert store.add([FIRST])
        assert not other.add([FIRST])
        assert other.add([of(FIRST, seed=1)])
    assert len(list(store.rows())) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"not a database, but long enough to look at" * 100, "file is not a database"),
        (b"SQLite format 3\0" + bytes(200), "move it away"),
    ],
)
def test_a_damaged_database_is_told_and_left_alone(content, message, tmp_path):
    path = tmp_path / "runs.sqlite"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        Store(path)
    assert path.read_bytes() == content


def test_a_page_overwritten_in_the_middle_is_told(tmp_path):
    path = tmp_path / "runs.sqlite"
    with Store(path) as store:
        store.add_all([[of(FIRST, seed=s)] for s in range(2000)])
    data = bytearray(path.read_bytes())
    data[8192 : len(data) // 2] = b"\xff" * (len(data) // 2 - 8192)
    path.write_bytes(data)
    with Store(path) as store, pytest.raises(InputError, match="move it away"):
        list(store.rows(curves=True))


def test_another_version_is_told(tmp_path):
    path = tmp_path / "runs.sqlite"
    Store(path).__exit__(None, None, None)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(InputError, match="version 99, not 4"):
        Store(path)


def test_what_a_run_took_is_kept_if_it_was_measured(store):
    assert store.add([FIRST, LAST], Effort(2, 0.5))
    assert store.add([of(NOTHING, seed=1)])
    assert store.efforts() == {RUN: Effort(2, 0.5)}


def test_where_a_run_comes_from_is_kept_once_for_all_runs(store):
    here = Circumstances("own.py:Own", {"numpy": "2.5"}, {"cores": "2"})
    assert store.add([FIRST, LAST], None, here)
    assert store.add([of(FIRST, seed=1)], None, here)
    assert store.add([of(FIRST, seed=2)], None, here._replace(asked="Own"))
    assert store.add([of(FIRST, seed=3)])
    known = store.circumstances()
    assert {run.seed: c.asked for run, c in known.items()} == {
        **{0: "own.py:Own", 1: "own.py:Own", 2: "Own"},
    }
    assert known[RUN] == here
    with sqlite3.connect(store.path) as db:
        assert db.execute("SELECT count(*) FROM origins").fetchone() == (2,)
    db.close()


def test_a_store_of_version_1_is_upgraded_and_loses_nothing(tmp_path):
    path = tmp_path / "runs.sqlite"
    with Store(path) as store:
        store.add([FIRST, LAST])
    with sqlite3.connect(path) as db:  # version 1 had none of them
        db.execute("ALTER TABLE runs DROP COLUMN trials")
        db.execute("ALTER TABLE runs DROP COLUMN thought")
        db.execute("ALTER TABLE runs DROP COLUMN backend")
        db.execute("ALTER TABLE runs DROP COLUMN origin")
        db.execute("DROP TABLE origins")
        db.execute("PRAGMA user_version = 1")
    db.close()
    for _ in range(2):
        with Store(path) as store:
            assert list(store.rows(curves=True)) == [FIRST, LAST]
            assert store.efforts() == store.circumstances() == {}
    with Store(path) as store:
        assert store.add([of(FIRST, seed=1)], Effort(1, 0.25))
        assert list(store.efforts().values()) == [Effort(1, 0.25)]


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot open"):
        Store(tmp_path / "file" / "runs.sqlite")
    with pytest.raises(InputError, match="cannot write"):
        results.write(tmp_path / "file" / "x.csv", ["a"], [])
    with pytest.raises(InputError, match="no runs in"):
        Store(tmp_path / "none" / "runs.sqlite", create=False)


def test_a_full_disk_is_told_and_loses_nothing(tmp_path):
    path = tmp_path / "runs.sqlite"
    with Store(path) as store:
        store.add([FIRST])
        (pages,) = store._db.execute("PRAGMA page_count").fetchone()
        store._db.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(InputError, match="full; make room"):
            store.add_all([[of(FIRST, seed=s)] for s in range(1, 500)])
        assert list(store.rows()) == [FIRST]
    with Store(path) as store:
        assert list(store.rows()) == [FIRST]
        assert store.add([of(FIRST, seed=1)])
