"""A line of the leaderboard, done again, comes out the same; a change is noticed."""

from dataclasses import replace

import pytest

from benchsuite import reproduce
from benchsuite.campaign import campaign, plan
from benchsuite.catalogue import find
from benchsuite.core import InputError
from benchsuite.recorded import recorded
from benchsuite.report.leaderboard import row_of
from benchsuite.runner import Rules
from benchsuite.store import Store

ASKED = "regularized_evolution[sample_size=5]"


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    folder = tmp_path_factory.mktemp("results")
    names = ["random_search", ASKED]
    tasks = plan(
        [find(name) for name in names],
        ["nb201/cifar10"],
        Rules(trials=20, workers=2),
        [0, 1, 4],
        timeout=60,
    )
    with Store(folder / "runs.sqlite") as store:
        list(campaign(tasks, store))
    return recorded(folder)


@pytest.fixture(scope="module")
def rows(known):
    (name,) = {row_of(row) for row in known.rows if row.settings}
    return reproduce.line(known.rows, name)


def test_every_figure_comes_out_again(rows):
    found = list(reproduce.again(rows, ASKED))
    assert [(done.run.seed, done.differs) for done in found] == [
        *((0, []), (1, []), (4, [])),
    ]
    assert reproduce.changed(rows) == ""


def test_the_name_and_the_settings_suffice(rows):
    assert [done.differs for done in reproduce.again(rows)] == [[], [], []]


def test_another_figure_is_told_with_what_it_was(rows):
    wrong = [replace(rows[0], error=0.5), *rows[1:]]
    first, second, _ = reproduce.again(wrong)
    assert first.differs == [f"error is {rows[0].error!r}, and was 0.5"]
    assert second.differs == []


def test_measured_seconds_are_not_compared(rows):
    row = rows[0]
    other = replace(row, cost=row.cost + 1)
    assert list(reproduce._differences(row, other))
    row, other = (replace(r, backend="training") for r in (row, other))
    assert not list(reproduce._differences(row, other))


def test_the_command_says_which_runs(rows, known):
    circumstances = next(iter(known.circumstances.values()))
    assert circumstances.versions["python"]
    assert reproduce.command(rows, circumstances._replace(asked=ASKED)) == (
        f"benchsuite run '{ASKED}' --on nb201/cifar10 --seeds 2 --rules"
        f" trials=20,workers=2 && benchsuite run '{ASKED}' --on nb201/cifar10"
        " --seeds 4:5 --rules trials=20,workers=2"
    )
    assert reproduce.command(rows) == reproduce.command(
        rows, circumstances._replace(asked=ASKED)
    )


def test_a_changed_source_is_told(rows):
    other = [replace(row, source="00000000") for row in rows]
    assert "was 00000000" in reproduce.changed(other)


def test_another_table_cannot_be_compared(rows):
    other = [replace(row, table="00000000") for row in rows]
    with pytest.raises(InputError, match=r"has the table 8bb01850 here, .* 00000000"):
        list(reproduce.again(other))


@pytest.mark.parametrize("name", ["", "nothing", "zz"])
def test_no_such_line_is_one_line(known, name):
    with pytest.raises(InputError, match="no line of the leaderboard"):
        reproduce.line(known.rows, name)


def test_the_first_digits_suffice_if_they_name_one_line(known):
    rows = {row_of(row): row for row in known.rows}
    for name in rows:
        found = reproduce.line(known.rows, name[:7])
        assert {row_of(row) for row in found} == {name}
    doubled = [*known.rows, *(replace(r, settings="x=1") for r in known.rows)]
    names = [row_of(row) for row in doubled]
    first = max("0123456789abcdef", key=lambda d: len({n for n in names if n[0] == d}))
    if len({n for n in names if n[0] == first}) > 1:
        with pytest.raises(InputError, match="several lines"):
            reproduce.line(doubled, first)


def test_a_search_on_a_relaxed_table_comes_out_again(tmp_path):
    pytest.importorskip("torch")
    from benchsuite.one_shot import do, find_method
    from benchsuite.one_shot import plan as plan_search
    from benchsuite.supernet.setting import Setting

    name, source = find_method("darts")
    setting = Setting(method=name, space="", epochs=2, alpha_rate=0.03)
    jobs = plan_search(
        setting, "nb201/cifar10", range(1), source=source, results=tmp_path
    )
    with Store(tmp_path / "runs.sqlite") as store:
        for job in jobs:
            list(do(job, store, asked="darts"))
    known = recorded(tmp_path)
    rows = reproduce.line(known.rows, row_of(known.rows[0]))
    circumstances = next(iter(known.circumstances.values()))
    assert reproduce.command(rows, circumstances) == (
        "benchsuite search darts --data nb201/cifar10 --seeds 1 --alpha-rate 0.03"
        " --epochs 2"
    )
    wrong = replace(rows[0], epochs=9)  # one search serves for both comparisons
    assert [d.differs for d in reproduce.again([wrong])] == [["epochs is 2, and was 9"]]
