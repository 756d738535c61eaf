import numpy as np
import pytest

from deeplocalize.signals.movement import distance, is_as_initialized, relative_updates, typical_updates
from deeplocalize.testing import make_layer, make_trace


def moving(update, weight=1.0, **facts):
    return make_trace(columns={"weight.rms": weight, "weight_update.rms": update}, **facts)


def test_an_update_is_measured_against_the_weight_it_changes():
    np.testing.assert_allclose(relative_updates(moving([0.1, 0.2, 0.3], [1.0, 2.0, 3.0])), 0.1)


def test_a_layer_that_begins_at_zero_says_nothing_about_the_length_of_steps():
    ratios = relative_updates(moving([0.1, 0.1, 0.1], [1.0, 1.0, 1e-9]))
    assert np.isnan(ratios[:, 2]).all()
    np.testing.assert_allclose(typical_updates(moving([0.1, 0.1, 0.1], [1.0, 1.0, 0.0])), 0.1)


def test_normalization_layers_do_not_count():
    layers = [make_layer(0), make_layer(1, "batch-norm", parameters=16), make_layer(2)]
    np.testing.assert_allclose(typical_updates(moving([0.1, 50.0, 0.1], layers=layers)), 0.1)


def test_the_distance_is_the_sum_of_all_steps_before():
    trace = moving(0.1, steps=20)
    np.testing.assert_allclose(distance(trace, typical_updates(trace), np.array([0, 1, 10, 20])), [0, 0.1, 1, 2])


def test_steps_between_recorded_ones_are_interpolated():
    dense, sparse = (
        moving(np.linspace(0, 1, 101)[:, None], steps=101),
        moving([[0.0], [1.0]], steps=101, sampled=[0, 100]),
    )
    ends = np.array([100, 101])
    np.testing.assert_allclose(
        distance(sparse, typical_updates(sparse), ends), distance(dense, typical_updates(dense), ends), rtol=0.02
    )


def test_the_distance_goes_on_at_the_last_pace_beyond_what_was_recorded():
    trace = moving(0.1, steps=100, sampled=[0, 50])
    assert distance(trace, typical_updates(trace), np.array([100]))[0] == pytest.approx(10)


@pytest.mark.parametrize(("draw", "even"), [("uniform", True), ("normal", False), ("trained", False)])
def test_only_weights_as_a_uniform_initializer_leaves_them_are_as_initialized(draw, even):
    random = np.random.default_rng(0)
    values = random.normal(size=2000) if draw == "normal" else random.uniform(-0.1, 0.1, 2000)
    values = values + random.normal(0, 0.02, 2000) * (draw == "trained")
    stats = {"rms": np.sqrt(np.mean(values**2)), "min": values.min(), "max": values.max()}
    trace = make_trace(layers=1, columns={f"weight.{stat}": value for stat, value in stats.items()})
    assert is_as_initialized(trace, 0) is even


@pytest.mark.parametrize(("count", "even"), [(72, True), (2000, False)])
def test_of_a_few_weights_none_may_lie_at_the_edge(count, even):
    stats = {"weight.rms": 0.255, "weight.min": -0.477, "weight.max": 0.354}  # the edge is at 0.442
    assert is_as_initialized(make_trace(layers=[make_layer(0, parameters=count)], columns=stats), 0) is even


def test_nothing_recorded_gives_nan():
    trace = make_trace()
    assert np.isnan(typical_updates(trace)).all()
    assert np.isnan(distance(trace, typical_updates(trace), np.array([5]))).all()
    assert typical_updates(make_trace(steps=0)).shape == (0,)
