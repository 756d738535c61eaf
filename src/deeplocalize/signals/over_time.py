"""Over time: level, noise and trend of a quantity recorded in many steps, robust against spikes and gaps.

All functions read one array [steps]; NaN = not recorded, and is left out.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from deeplocalize.trace.schema import FloatArray

BLOCKS = 10
"""A level is the median of at most this many block means: one spike spoils one block of ten."""

MAX_POINTS = 200
"""Trends compare all pairs of points, so longer curves are first reduced to this many block means."""


class Level(NamedTuple):
    """Where a noisy quantity stands: its robust mean, and the standard error of that. NaN if nothing was recorded."""

    value: float
    error: float

    def below(self, limit: float, errors: float = 3.0) -> bool:
        """True if the level is below `limit` by more than so many standard errors."""
        return self.value + errors * self.error < limit

    def above(self, limit: float, errors: float = 3.0) -> bool:
        """True if the level is above `limit` by more than so many standard errors."""
        return self.value - errors * self.error > limit


def recorded(values: FloatArray) -> FloatArray:
    """The values that were recorded and are finite, in order."""
    return values[np.isfinite(values)]


def block_means(values: FloatArray, blocks: int) -> FloatArray:
    """Means over `blocks` consecutive stretches of nearly equal length; the values themselves if there are fewer."""
    values = recorded(values)
    if len(values) <= blocks:
        return values
    return np.array([part.mean() for part in np.array_split(values, blocks)])


def level(values: FloatArray) -> Level:
    """The median of block means: as robust as a median against a few spikes, and unlike it right for skewed noise.

    The loss of single examples is skewed, so its plain median is far below the mean that a baseline is compared with.
    See https://en.wikipedia.org/wiki/Median_of_means.
    """
    means = block_means(values, BLOCKS)
    if not len(means):
        return Level(math.nan, math.nan)
    # 1.4826 makes the median deviation a standard deviation, 1.2533 is the price of a median, both for normal noise.
    deviation = 1.4826 * float(np.median(np.abs(means - np.median(means))))
    return Level(float(np.median(means)), 1.2533 * deviation / math.sqrt(len(means)))


def mostly_above(values: FloatArray, limit: float) -> bool:
    """True if three quarters of the block means are above `limit`, however fast they change; False if there are none."""
    means = block_means(values, BLOCKS)
    return bool(len(means) and np.quantile(means, 0.25) > limit)


def recent(values: FloatArray, share: float = 0.2, least: int = BLOCKS) -> FloatArray:
    """The last `share` of an array, but at least `least` values (all of them if there are fewer)."""
    return values[-max(least, round(share * len(values))) :]


def recent_middle(values: FloatArray, width: int) -> FloatArray:
    """The median of up to `width` values before each one, [steps]; NaN where none of them was recorded, or it is 0."""
    before = np.concatenate([np.full(width, math.nan), np.where(np.isfinite(values), values, math.nan)])
    windows = np.lib.stride_tricks.sliding_window_view(before, width)[: len(values)]
    known = np.isfinite(windows).any(axis=1)
    middles = np.full(len(values), math.nan)
    middles[known] = np.nanmedian(windows[known], axis=1)
    return np.where(middles == 0, math.nan, middles)


def noise(values: FloatArray) -> float:
    """Standard deviation of the noise from one recorded value to the next, whatever the trend; NaN for fewer than 3."""
    steps = np.diff(recorded(values))
    if len(steps) < 2:
        return math.nan
    return 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / math.sqrt(2)


def slope(values: FloatArray) -> float:
    """The Theil-Sen slope per recorded value: the median slope over all pairs of points; NaN for fewer than 2.

    See https://en.wikipedia.org/wiki/Theil-Sen_estimator.
    """
    means = block_means(values, MAX_POINTS)
    if len(means) < 2:
        return math.nan
    early, late = np.triu_indices(len(means), 1)
    width = len(recorded(values)) / len(means)
    return float(np.median((means[late] - means[early]) / (late - early))) / width


def trend(values: FloatArray) -> float:
    """The Mann-Kendall statistic: standard deviations by which later values exceed earlier ones more often than chance.

    Below -3 the quantity falls for sure (one false alarm in 700), whatever its scale or its noise. 0 for fewer than 4
    values. See https://en.wikipedia.org/wiki/Mann-Kendall_trend_test.
    """
    means = block_means(values, MAX_POINTS)
    count = len(means)
    if count < 4:
        return 0.0
    early, late = np.triu_indices(count, 1)
    ups = float(np.sign(means[late] - means[early]).sum())
    return ups / math.sqrt(count * (count - 1) * (2 * count + 5) / 18)
