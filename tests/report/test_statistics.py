"""Intervals over a few seeds, against scipy."""

import math

import pytest

from losslang.report.statistics import _t95, difference, estimate

stats = pytest.importorskip("scipy.stats", reason="scipy comes with scikit-learn")


@pytest.mark.parametrize("freedom", [1, 2, 4, 9, 10, 11, 15, 30, 200])
def test_points_of_student(freedom):
    assert _t95(freedom) == pytest.approx(stats.t.ppf(0.975, freedom), abs=3e-3)


def test_an_interval():
    values = [0.3, 0.5, 0.4, 0.45]
    found = estimate(values)
    low, high = stats.t.interval(0.95, 3, loc=found.mean, scale=stats.sem(values))
    assert (found.low, found.high) == pytest.approx((low, high), rel=1e-3)
    assert found.text() == "0.412 ± 0.085"


def test_one_seed_says_nothing():
    assert estimate([0.3]).low == -math.inf
    assert estimate([0.3]).text() == "0.300"
    assert "one seed" in estimate([0.3]).interval()
    assert difference([1.0], [0.0, 0.1]).low == -math.inf


def test_a_difference_is_welch_with_fewer_degrees():
    left, right = [1.0, 1.2, 0.9, 1.1, 1.05], [0.5, 0.8, 0.2, 0.6, 0.4]
    found, exact = difference(left, right), stats.ttest_ind(left, right, equal_var=False).confidence_interval()
    assert found.low <= exact.low + 1e-3
    assert found.high >= exact.high - 1e-3
    assert found.low == pytest.approx(exact.low, abs=0.05)


def test_equal_values_differ_by_nothing():
    assert difference([1.0, 1.0], [1.0, 1.0]) == difference([2.0, 2.0], [2.0, 2.0])
