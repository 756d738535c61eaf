import numpy as np
import pytest

from deeplocalize.rules.optimizer.weights_never_change import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)
CALLS = {"backward": source(42), "step": source(43), "zero_grad": source(41)}
STATES = {"layer.trainable": 1.0, "layer.optimized": 1.0, "layer.reached": 1.0, "weight_gradient.rms": 0.1}


def run(update=0.0, *, columns=None, loss=2.3, order="zfbs", steps=200, rate=0.1, **facts):
    return make_trace(
        steps=steps,
        scalars={"loss": loss, "learning_rate": rate},
        columns={"weight_update.rms": update} | STATES | (columns or {}),
        order=order,
        run=make_run(sources=CALLS, **facts),
        data=BASELINE,
    )


def test_gradients_cleared_before_the_step_are_named():
    (finding,) = check.run(run(order="fbzs"))
    assert "cleared between backward and step" in finding.message
    assert (finding.locus.kind, finding.locus.source) == ("training-loop", source(41))


def test_gradient_accumulation_does_not_look_like_clearing():
    (finding,) = check.run(run(order="zfbfbs"))
    assert "cleared" not in finding.message


def test_a_learning_rate_of_zero_is_named():
    optimizer = Optimizer("sgd", "SGD", {"learning_rate": 0.0}, sources={"learning_rate": source(31)})
    (finding,) = check.run(run(rate=0.0, optimizers=(optimizer,)))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(31))


def test_a_loss_that_is_not_connected_to_the_model_is_named():
    (finding,) = check.run(run(columns={"layer.reached": 0.0, "weight_gradient.rms": np.nan}))
    assert "not connected" in finding.message
    assert (finding.locus.kind, finding.locus.source) == ("training-loop", source(42))


def test_a_gradient_of_exactly_zero_is_named():
    (finding,) = check.run(run(columns={"weight_gradient.rms": 0.0}))
    assert "exactly zero" in finding.message
    assert finding.locus.kind == "loss"


def test_updates_lost_in_rounding_are_named():
    (finding,) = check.run(run())
    assert "rounding" in finding.message
    assert finding.locus.kind == "optimizer"


def test_one_update_is_a_change():
    update = np.zeros((200, 1))
    update[150] = 1e-9
    assert check.run(run(update)) == ()


def test_frozen_layers_may_stay_as_they_are():
    assert check.run(run([0.0, 0.0, 0.1], columns={"layer.trainable": [0, 0, 1]})) == ()
    assert check.run(run([0.0, 0.0, np.nan], columns={"layer.trainable": [0, 0, np.nan]})) == ()


def test_the_first_steps_of_a_warm_up_say_nothing():
    assert check.run(run(steps=9, rate=0.0)) == ()


def test_the_layer_behind_which_the_graph_is_cut_is_named():
    (finding,) = check.run(run([0.0, 0.0, 0.1], columns={"layer.reached": [0, 0, 1]}))
    assert finding.locus.layer == 1
    assert finding.locus.source == source(11)
    assert "and 1 layer" in finding.message


def test_features_of_a_network_that_gets_no_gradient_are_not_accused_if_the_rest_learns_well():
    cut = {"layer.reached": [0, 0, 1]}
    assert check.run(run([0.0, 0.0, 0.1], columns=cut, loss=np.geomspace(2.3, 0.1, 200))) == ()


@pytest.mark.parametrize("state", ["layer.trainable", "layer.optimized"])
def test_layers_that_are_not_meant_to_be_trained_may_be_cut_off(state):
    assert check.run(run([0.0, 0.0, 0.1], columns={"layer.reached": [0, 0, 1], state: [0, 0, 1]})) == ()


def test_a_factor_that_begins_at_zero_and_gets_its_gradient_later_is_not_cut_off():
    reached = np.ones((200, 3))
    reached[0, 0] = 0
    assert check.run(run([0.1, 0.1, 0.1], columns={"layer.reached": reached})) == ()
