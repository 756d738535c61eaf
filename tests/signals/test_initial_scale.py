import numpy as np
import pytest

from deeplocalize.signals.initial_scale import fitting_deviation, gains, hidden_chain
from deeplocalize.testing import make_layer, make_run, make_trace

LAST = make_layer(2)


@pytest.mark.parametrize(
    ("framework", "layer"),
    [
        ("torch", make_layer(0, output_shape=(8,), parameters=8 * 26)),
        ("torch", make_layer(0, output_shape=(8,), parameters=8 * 25, settings={"bias": False})),
        ("torch", make_layer(0, "conv", output_shape=(8, 30, 30), parameters=8 * 26)),
        ("keras", make_layer(0, "conv", output_shape=(30, 30, 8), parameters=8 * 26)),
    ],
)
def test_a_gain_is_the_size_of_the_weights_times_the_root_of_the_inputs_of_a_unit(framework, layer):
    trace = make_trace(layers=[layer, LAST], columns={"weight.rms": 0.2}, run=make_run(framework=framework))
    np.testing.assert_allclose(gains(trace, [0]), [0.2 * 5])


def test_of_a_layer_without_a_known_shape_no_gain_is_known():
    trace = make_trace(layers=[make_layer(0, output_shape=None), LAST], columns={"weight.rms": 0.2})
    assert np.isnan(gains(trace, [0])).all()


def test_a_chain_is_every_layer_with_weights_but_the_last():
    kinds = ("conv", "pooling", "conv", "reshape", "dense", "dense")
    assert hidden_chain(make_trace(layers=[make_layer(at, kind) for at, kind in enumerate(kinds)])) == [0, 2, 4]


def test_a_branch_is_no_chain():
    assert hidden_chain(make_trace(layers=[make_layer(0), make_layer(1, "merge"), make_layer(2)])) == []


@pytest.mark.parametrize(("activation", "expected"), [("relu", (2 / 25) ** 0.5), ("tanh", 0.2)])
def test_weights_that_fit_a_layer_keep_the_size_of_what_goes_through(activation, expected):
    layers = [make_layer(0, activation=activation, parameters=8 * 26), LAST]
    assert fitting_deviation(make_trace(layers=layers), 0) == pytest.approx(expected)
