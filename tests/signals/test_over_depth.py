import numpy as np
import pytest

from deeplocalize.signals.over_depth import (
    activation_carrier,
    backward_signal,
    gradient_rise,
    gradient_rise_at_start,
    hidden_layers,
    in_order,
    kernel_before,
    lasting,
    mean_slopes,
    middle,
    weight_layers,
)
from deeplocalize.testing import make_layer, make_trace


def test_layers_come_in_the_order_of_the_forward_pass_and_unused_ones_not_at_all():
    layers = [make_layer(0, order=2), make_layer(1, order=None), make_layer(2, order=0), make_layer(3, order=1)]
    np.testing.assert_array_equal(in_order(make_trace(layers=layers)), [2, 3, 0])


def test_scales_and_shifts_of_normalization_are_no_kernels():
    layers = [make_layer(0), make_layer(1, "batch-norm", parameters=32), make_layer(2, "activation"), make_layer(3)]
    np.testing.assert_array_equal(weight_layers(make_trace(layers=layers)), [0, 3])


def test_the_gradient_rises_towards_the_first_layer_by_decades():
    trace = make_trace(layers=4, columns={"activation_gradient.rms": [10.0, 1.0, 0.01, 7.0]})
    np.testing.assert_allclose(gradient_rise(trace), 3)
    assert gradient_rise_at_start(trace) == pytest.approx(3)


def test_a_gradient_spread_over_a_large_image_has_not_vanished():
    image, vector = make_layer(0, "conv", output_shape=(100, 100)), make_layer(1, output_shape=(1,))
    trace = make_trace(layers=[image, vector, make_layer(2)], columns={"activation_gradient.rms": [0.01, 1.0, 1.0]})
    np.testing.assert_allclose(gradient_rise(trace), 0)


def test_a_gradient_of_exactly_zero_is_unknown_and_not_infinitely_small():
    trace = make_trace(layers=3, columns={"activation_gradient.rms": [0.0, 1.0, 1.0]})
    assert np.isnan(backward_signal(trace)[:, 0]).all()
    assert np.isnan(gradient_rise(trace)).all()


def test_one_hidden_layer_has_no_depth():
    assert np.isnan(gradient_rise_at_start(make_trace(layers=2, columns={"activation_gradient.rms": 1.0})))


def test_the_output_layer_is_not_hidden():
    assert hidden_layers(make_trace(layers=3), ("relu",)) == [0, 1]
    assert hidden_layers(make_trace(layers=3), ("tanh",)) == []


def test_a_nonlinearity_is_carried_by_the_activation_layer_right_behind_or_by_the_layer_itself():
    trace = make_trace(layers=[make_layer(0), make_layer(1, "activation"), make_layer(2), make_layer(3, order=None)])
    assert [activation_carrier(trace, at) for at in range(4)] == [1, 1, 2, 3]


@pytest.mark.parametrize(("name", "slope"), [("tanh", lambda y: 1 - y**2), ("sigmoid", lambda y: 4 * y * (1 - y))])
def test_the_mean_slope_is_that_of_the_nonlinearity(name, slope):
    outputs = np.linspace(0.1, 0.9, 50)
    stats = {"mean": outputs.mean(), "rms": np.sqrt(np.mean(outputs**2)), "min": 0.1, "max": 0.9}
    columns = {f"activation.{stat}": [value, value, value] for stat, value in stats.items()}
    layers = [make_layer(0, activation=name), make_layer(1, activation="relu"), make_layer(2)]
    slopes = mean_slopes(make_trace(layers=layers, columns=columns))
    np.testing.assert_allclose(slopes[:, 0], slope(outputs).mean())
    assert np.isnan(slopes[:, 1]).all()


def test_outputs_before_the_nonlinearity_tell_no_slope():
    columns = {"activation.rms": 18.0, "activation.mean": 0.0, "activation.min": -60.0, "activation.max": 60.0}
    assert np.isnan(mean_slopes(make_trace(layers=[make_layer(0, activation="tanh")], columns=columns))).all()


def test_an_activation_layer_leads_back_to_the_kernel_before_it():
    trace = make_trace(layers=[make_layer(0), make_layer(1, "activation"), make_layer(2), make_layer(3, order=None)])
    assert [kernel_before(trace, at) for at in range(4)] == [0, 0, 2, 3]


def test_what_lasts_is_the_middle_of_the_second_half():
    dead = np.zeros((100, 1))
    dead[50:] = 0.8
    dead[60] = 0.0
    np.testing.assert_allclose(lasting(make_trace(), np.repeat(dead, 3, axis=1)), 0.8)


def test_nothing_recorded_has_no_middle():
    assert np.isnan(middle(np.array([np.nan])))
    assert np.isnan(lasting(make_trace(steps=0), np.zeros((0, 3)))).all()
