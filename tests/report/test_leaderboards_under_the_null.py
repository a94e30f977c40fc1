"""What corrected tests find where there is nothing: 1,000 leaderboards of each kind.

The share of leaderboards in which any two equal strategies are told apart is to be at
most 5 %. A share of 5 % has a deviation of .7 %: where the tests reach 5 %, the bound
here is 7.1 %, three deviations, which 1 choice of the seed in 740 would pass by chance.
"""

import numpy as np
import pytest

from benchsuite.report import statistics
from benchsuite.report.leaderboard import leaderboard
from benchsuite.report.ranking import conover, friedman, nemenyi
from tests.report.test_leaderboard import runs
from tests.toys import rng

LEADERBOARDS = 1000
FIVE_AND_CHANCE = 0.0707


def plain(source, k, n):
    return source.normal(0.3, 0.01, (k, n))


def tied(source, k, n):
    """Four runs of ten find the optimum, the others one of five architectures."""
    found = source.integers(0, 5, (k, n)) * 0.01
    return 0.3 + found * (source.random((k, n)) < 0.6)


def heavy_tailed(source, k, n):
    """Student's t with two degrees of freedom: its variance is infinite."""
    return np.clip(0.3 + 0.01 * source.standard_t(2, (k, n)), 0, 1)


def skewed(source, k, n):
    return 0.3 + 0.01 * source.lognormal(size=(k, n))


def seeds_shared(source, k, n):
    """Nine tenths of the variance is the seed's."""
    return 0.3 + 0.03 * source.normal(size=n) + 0.01 * source.normal(size=(k, n))


def seeds_of_unequal_noise(source, k, n):
    return 0.3 + 0.01 * source.normal(size=(k, n)) * source.exponential(size=n)


KINDS = [plain, tied, heavy_tailed, skewed, seeds_shared, seeds_of_unequal_noise]


def false_alarms(make, k, seeds, among=slice(None)):
    """Share of leaderboards in which any two of those that are equal are told apart."""
    source, alarms = rng(17), 0
    for _ in range(LEADERBOARDS):
        errors = make(source, k, max(seeds)).round(6).tolist()
        by_seed = [dict(enumerate(e[:n])) for e, n in zip(errors, seeds, strict=True)]
        alarms += (statistics.pairwise(by_seed)[among, among] <= 0.05).any()
    return alarms / LEADERBOARDS


@pytest.mark.parametrize("make", KINDS)
def test_six_equal_strategies_with_thirty_seeds(make):
    """4.3, 4.4, 1.9, 1.6, 4.1 and 1.3 % of 4,000.

    So one choice of the seed in six would fail for the second kind, none for others.
    """
    assert 0 < false_alarms(make, 6, [30] * 6) <= 0.05


@pytest.mark.parametrize("make", [plain, pytest.param(tied, marks=pytest.mark.slow)])
def test_equal_strategies_with_unequal_numbers_of_seeds(make):
    """2.6 and 1.4 % of 4,000: small p-values come in steps."""
    assert 0 < false_alarms(make, 6, [30, 8, 20, 30, 12, 25]) <= 0.05


@pytest.mark.parametrize("seeds", [12, 40])
@pytest.mark.parametrize("make", [plain, tied])
def test_two_equal_strategies(make, seeds):
    """One test, which nothing is corrected for: near 5 %."""
    assert 0.02 < false_alarms(make, 2, [seeds] * 2) <= FIVE_AND_CHANCE


def test_equal_strategies_beside_one_that_is_far_better():
    """4.4 % of 4,000."""

    def make(source, k, n):
        return plain(source, k, n) - 0.2 * (np.arange(k) == 0)[:, None]

    assert 0 < false_alarms(make, 6, [30] * 6, among=slice(1, None)) <= 0.05


@pytest.mark.slow
def test_letters_of_whole_leaderboards():
    source, alarms = rng(18), 0
    for _ in range(LEADERBOARDS):
        errors = tied(source, 3, 17).round(6)
        table = [row for k, e in enumerate(errors) for row in runs(f"s{k}", e.tolist())]
        alarms += len({line.group for line in leaderboard(table)}) > 1
    assert 0 < alarms / LEADERBOARDS <= 0.05


def rejections(test, make, k, n, among=slice(None)):
    """Share of tables of n blocks in which a test of ranks rejects anything."""
    source = rng(19)
    tables = (make(source, k, n).T for _ in range(LEADERBOARDS))
    return sum((test(t)[among, among] < 0.05).any() for t in tables) / LEADERBOARDS


def omnibus(table):
    return np.array([[friedman(table).p]])


@pytest.mark.parametrize("test", [omnibus, nemenyi, conover])
@pytest.mark.parametrize(
    ("make", "k", "n"),
    [
        (plain, 2, 10),
        (plain, 4, 10),
        (tied, 4, 10),
        pytest.param(plain, 20, 30, marks=pytest.mark.slow),
        pytest.param(tied, 20, 30, marks=pytest.mark.slow),
    ],
)
def test_equal_strategies_over_tasks(test, make, k, n):
    """With few tasks and with ties it is less, since p-values come in steps."""
    assert rejections(test, make, k, n) <= FIVE_AND_CHANCE


def test_conovers_test_errs_beside_one_that_is_always_better_and_nemenyis_does_not():
    """11 and 0 % of 500 tables: as `conover` warns, 5 % holds if all are equal."""

    def make(source, k, n):
        return plain(source, k, n) - 0.2 * (np.arange(k) == 0)[:, None]

    assert rejections(conover, make, 3, 10, among=slice(1, None)) > 0.07
    assert rejections(nemenyi, make, 3, 10, among=slice(1, None)) <= 0.01
