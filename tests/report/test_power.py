"""Numbers of seeds, against tables, statsmodels and simulation."""

import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from benchsuite.report.power import seeds_needed
from tests.toys import rng


@pytest.mark.parametrize(
    ("effect", "pairs"),
    [(0.2, 199), (0.5, 34), (0.8, 15)],  # small, medium and large: 198.2, 33.4, 14.3
)
def test_cohens_effects_take_the_published_numbers_of_pairs(effect, pairs):
    """E.g. G*Power 3.1's manual, paired t test, two-sided, 5 %, power 80 %."""
    assert seeds_needed(effect, 1.0) == pairs
    assert seeds_needed(-0.003 * effect, 0.003) == pairs


@pytest.mark.parametrize("effect", [0.01, 0.07, 0.3, 1.0, 2.5])
@pytest.mark.parametrize(("alpha", "power"), [(0.05, 0.8), (0.01, 0.9), (0.2, 0.5)])
def test_one_seed_less_is_too_few(effect, alpha, power):
    n = seeds_needed(effect, 1.0, alpha=alpha, power=power)
    reached = [TTestPower().power(effect, m, alpha) for m in (n - 1, n) if m > 1]
    assert reached[-1] >= power
    assert n == 2 or reached[0] < power


def test_a_t_test_with_that_many_seeds_finds_it_four_times_in_five():
    """Of 20,000 simulations; the share has a deviation of .3 %."""
    n = seeds_needed(0.6, 1.0)
    p = stats.ttest_1samp(rng(0).normal(0.6, 1, (n, 20_000)), 0).pvalue
    assert 0.8 - 0.009 <= np.mean(p < 0.05) <= 0.82


def test_tiny_effects_need_what_the_normal_distribution_says():
    expected = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 1e-5) ** 2
    assert seeds_needed(1e-5, 1.0) == pytest.approx(expected, rel=1e-5)


def test_without_a_difference_no_number_will_do():
    assert seeds_needed(0.0, 1.0) is None
    assert seeds_needed(0.0, 0.0) is None
    assert seeds_needed(math.nan, 1.0) is None
    assert seeds_needed(0.1, math.nan) is None
    assert seeds_needed(0.1, math.inf) is None
    assert seeds_needed(0.1, 0.0) == 2


@pytest.mark.parametrize(
    "wrong", [{"deviation": -1.0}, {"alpha": 0.0}, {"power": 1.0}, {"alpha": 1.5}]
)
def test_what_is_no_probability_is_refused(wrong):
    with pytest.raises(ValueError, match="between 0 and 1, not"):
        seeds_needed(0.1, **{"deviation": 1.0, **wrong})
