"""What the README shows is so."""

import csv
import re
import runpy
from pathlib import Path

import benchsuite
from benchsuite.strategies import STRATEGIES

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks():
    return re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_its_strategy_runs_and_beats_random_search(tmp_path):
    (tmp_path / "my_strategy.py").write_text(blocks()[0])
    frame = benchsuite.compare(
        [f"{tmp_path / 'my_strategy.py'}:MyStrategy[warm_up=50]", "random_search"],
        on=["nb201/cifar10"],
        seeds=30,
        rules=benchsuite.Rules(budget=200_000, workers=4),
    )
    means = frame.groupby("strategy")["reported_error"].mean()
    assert means["MyStrategy"] < means["random_search"]
    assert set(frame["settings"]) == {"", "warm_up=50"}


def test_its_python_runs(tmp_path):
    (tmp_path / "example.py").write_text(blocks()[1])
    scope = runpy.run_path(tmp_path / "example.py")
    assert len(scope["frame"]) == 24
    assert scope["record"].arch.startswith("|nor_conv_3x3~0|")


def test_its_excerpt_is_the_leaderboard():
    with (ROOT / "results" / "leaderboard.csv").open() as file:
        lines = [x for x in csv.DictReader(file) if x["benchmark"] == "nb201/cifar10"]
    excerpt = README.partition("<!-- excerpt -->")[2].partition("<!-- end -->")[0]
    shown = [line for line in excerpt.splitlines() if line.startswith("| nb201")]

    def five(line, name):
        return f"{float(line[name]):.5f}"

    known = [
        f"| {x['benchmark']} | {x['strategy']} | {five(x, 'error_mean')}"
        f" | {five(x, 'error_low')} to {five(x, 'error_high')}"
        f" | {five(x, 'seen_mean')} | {five(x, 'regret_mean')}"
        f" | {x['rank']} | {x['group']} |"
        for x in lines
    ]
    assert len(shown) > 5
    assert shown == [line for line in known if line in shown]


def test_it_says_how_many_strategies_there_are():
    assert len(STRATEGIES) == 39
    assert "Thirty-nine, from random search" in README
