import numpy as np
import pytest

from deeplocalize.signals.over_time import (
    block_means,
    level,
    mostly_above,
    noise,
    recent,
    recent_middle,
    recorded,
    slope,
    trend,
)

RANDOM = np.random.default_rng(0)


def test_one_spike_does_not_move_a_level():
    values = np.ones(100)
    values[50] = 1e6
    assert level(values).value == 1


def test_a_level_of_skewed_values_is_their_mean_and_not_their_median():
    # The cross-entropy of single examples under a prediction of 10 %: mostly 0.105, now and then 2.3.
    losses = np.where(RANDOM.random(5000) < 0.1, 2.303, 0.105)
    assert np.median(losses) == 0.105
    assert level(losses).value == pytest.approx(losses.mean(), rel=0.05)


def test_the_error_of_a_level_tells_how_far_it_can_be_off():
    off = [level(RANDOM.normal(size=200)) for _ in range(200)]
    within = np.mean([abs(each.value) < 3 * each.error for each in off])
    assert within > 0.95


def test_below_and_above_ask_for_more_than_chance():
    certain, uncertain = level(np.full(20, 1.0)), level(RANDOM.normal(1, 2, 30))
    assert certain.below(1.1) and certain.above(0.9)
    assert not uncertain.below(1.1) and not uncertain.above(0.9)


def test_what_was_not_recorded_is_left_out():
    values = np.array([np.nan, 1.0, np.inf, 3.0])
    np.testing.assert_array_equal(recorded(values), [1, 3])
    np.testing.assert_array_equal(block_means(values, 10), [1, 3])
    assert level(values).value == 2


def test_nothing_recorded_gives_nan_and_no_trend():
    empty = np.full(5, np.nan)
    assert np.isnan(level(empty).value)
    assert np.isnan(slope(empty))
    assert np.isnan(noise(empty))
    assert trend(empty) == 0


def test_what_grows_a_thousandfold_is_mostly_above_where_it_began_and_a_spike_is_not():
    assert mostly_above(np.geomspace(10, 1e4, 50), 5)
    assert not mostly_above(np.where(np.arange(50) == 40, 1e9, 1.0), 5)
    assert not mostly_above(np.full(3, np.nan), 5)


def test_recent_is_a_fifth_but_at_least_ten():
    assert len(recent(np.zeros(100))) == 20
    assert len(recent(np.zeros(30))) == 10
    assert len(recent(np.zeros(4))) == 4


@pytest.mark.parametrize("count", [20, 199, 1000, 5000])
def test_the_slope_is_per_recorded_value_however_many_there_are(count):
    line = 5 - 0.01 * np.arange(count)
    line[count // 2] = 1e9
    assert slope(line) == pytest.approx(-0.01, rel=0.03)


def test_the_recent_middle_looks_back_and_never_at_the_value_itself():
    np.testing.assert_array_equal(recent_middle(np.array([1.0, 2.0, np.nan, 100.0, 0.0]), 2), [np.nan, 1, 1.5, 2, 100])
    assert np.isnan(recent_middle(np.zeros(3), 2)).all()


def test_the_noise_is_found_under_any_trend():
    values = np.linspace(10, 0, 2000) + RANDOM.normal(0, 0.3, 2000)
    assert noise(values) == pytest.approx(0.3, rel=0.15)


def test_noise_alone_is_no_trend_and_a_fall_within_noise_is_one():
    assert abs(trend(RANDOM.normal(size=300))) < 3
    assert trend(RANDOM.normal(size=300) - 0.005 * np.arange(300)) < -3
    assert trend(np.arange(50.0)) > 3
