import numpy as np
import pytest

from deeplocalize.signals.cuts import always_beside_the_graph, beside_the_graph, stay_as_they_are, without_gradient
from deeplocalize.testing import make_layer, make_trace


def test_layers_before_the_first_with_a_gradient_are_without_and_unused_branches_are_not():
    def reached(*shares):
        return without_gradient(make_trace(layers=4, columns={"layer.reached": shares, "layer.trainable": 1}))

    assert reached(0, 0, 1, 1) == [0, 1]
    assert reached(1, 0, 1, 1) == []
    assert reached(0, 0, 0, 0) == []
    assert reached(np.nan, 0, 1, 1) == [1]


HELD = {"layer.trainable": 1, "layer.optimized": 1}


def beside(graph, order=None, **states):
    columns = HELD | {"layer.graph": graph} | {f"layer.{name}": value for name, value in states.items()}
    return beside_the_graph(make_trace(layers=[make_layer(0, order=order), make_layer(1)], columns=columns))


def test_a_model_that_ran_in_nearly_every_step_without_gradients_stands_beside_the_graph():
    most = np.where(np.arange(100)[:, None] % 20, [[0.0, 1.0]], [[np.nan, 1.0]])
    half = np.where(np.arange(100)[:, None] % 2, [[0.0, 1.0]], [[np.nan, 1.0]])
    assert beside([0, 1]) == beside(most) == [0]
    assert beside(half) == []


def test_one_step_with_gradients_is_enough_to_be_in_it():
    graph = np.tile([0.0, 1.0], (100, 1))
    graph[7, 0] = 1
    assert beside(graph) == []


@pytest.mark.parametrize("state", ["trainable", "optimized"])
def test_what_is_frozen_or_not_held_is_meant_to_stay_beside(state):
    assert beside([0, 1], **{state: [0, 1]}) == []


def test_a_layer_with_a_place_in_the_forward_pass_is_judged_by_what_comes_after_it():
    assert beside([0, 1], order=0) == []


def test_a_layer_is_always_beside_the_graph_if_it_ran_and_never_within():
    graph = np.tile([0.0, 1.0, np.nan], (100, 1))
    trace = make_trace(layers=3, columns={"layer.graph": graph})
    assert [always_beside_the_graph(trace, at) for at in range(3)] == [True, False, False]


def test_weights_that_something_else_moves_do_not_stay_as_they_are():
    still, moved = np.ones((100, 2)), np.ones((100, 2))
    moved[50:, 0] = 1.001
    for values, layers, still_there in ((still, [0, 1], True), (moved, [0, 1], False), (moved, [1], True)):
        assert stay_as_they_are(make_trace(layers=2, columns={"weight.rms": values}), layers) is still_there


def test_weights_whose_mean_differs_by_rounding_alone_stay_as_they_are():
    for apart, still_there in ((1e-8, True), (1e-4, False)):
        mean = np.where(np.arange(100) < 50, 0.0, apart)[:, None]
        columns = {"weight.mean": mean, "weight.rms": 1.0, "weight.min": -1.0, "weight.max": 1.0}
        assert stay_as_they_are(make_trace(layers=1, columns=columns), [0]) is still_there
