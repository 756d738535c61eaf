"""Statistics of PyTorch tensors are those that trace.definitions defines."""

import math

import numpy as np
import pytest
import torch

from deeplocalize.frameworks.torch import stats
from deeplocalize.trace import definitions
from deeplocalize.trace.names import TENSOR_STATS

SHAPES = {
    "a small batch": ((16, 5), -1),
    "a wide batch": ((300, 200), -1),
    "images, channels first": ((16, 12, 40, 40), 1),
    "sequences of many units": ((20, 50, 256), -1),
    "few large examples": ((3, 32, 64, 64), 1),
    "a vector": ((40_000,), -1),
}


def values(shape, kind):
    made = np.random.default_rng(0).normal(1.5, 2, shape).astype("float32")
    if kind == "rectified":
        made = np.maximum(made, 0)
        made[..., ::3] = 0
    if kind == "with what is not finite":
        made.reshape(-1)[[1, 77]] = np.nan, np.inf
    return made


@pytest.mark.parametrize("kind", ("plain", "rectified", "with what is not finite"))
@pytest.mark.parametrize("shape", SHAPES)
def test_an_activation_is_told_of_as_defined(shape, kind):
    shape, axis = SHAPES[shape]
    given = values(shape, kind)
    expected = definitions.activation_stats(given, "tanh", axis)
    row = stats.activation_row(torch.from_numpy(given), "tanh", axis)
    for stat, found in zip(TENSOR_STATS, row, strict=False):
        assert found == pytest.approx(expected.get(stat, math.nan), rel=1e-4, abs=1e-6, nan_ok=True), stat


@pytest.mark.parametrize("shape", SHAPES)
def test_a_gradient_is_told_of_as_defined(shape):
    given = values(SHAPES[shape][0], "plain")
    expected = definitions.values_stats(given)
    row = stats.values_row(torch.from_numpy(given))
    for stat, found in zip(TENSOR_STATS, row, strict=False):
        assert found == pytest.approx(expected[stat], rel=1e-4), stat


def test_a_large_example_is_read_in_part_but_every_unit_of_it_is_seen():
    shape = (16, 64, 256)
    stride = definitions.inner_stride(shape)
    read = 8 * math.ceil(64 * 256 / stride)
    units = {at % 256 for at in range(0, 64 * 256, stride)}
    assert read < 2 * definitions.MAX_ELEMENTS
    assert units == set(range(256))


def test_one_value_of_a_unit_anywhere_in_the_examples_read_says_that_it_is_not_dead():
    given = np.zeros((8, 64, 256), "float32")
    given[3, 1, 5] = 1.0
    for found in (
        definitions.activation_stats(given, None)["dead"],
        dict(zip(TENSOR_STATS, stats.activation_row(torch.from_numpy(given), None, -1), strict=False))["dead"],
    ):
        assert found == pytest.approx(255 / 256)
