import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.optimizer.weights_never_change import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import Crash, DataCard, Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)
CALLS = {"backward": source(42), "step": source(43), "zero_grad": source(41)}
STATES = {"layer.trainable": 1.0, "layer.optimized": 1.0, "layer.reached": 1.0, "weight_gradient.rms": 0.1}


def run(update=0.0, *, columns=None, loss=2.3, order="zfbs", steps=200, rate=0.1, layers=3, **facts):
    return make_trace(
        steps=steps,
        layers=layers,
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
    assert isinstance(check.run(run(steps=9, rate=0.0)), NotEvaluated)


def test_the_layer_behind_which_the_graph_is_cut_is_named():
    (finding,) = check.run(run([0.0, 0.0, 0.1], columns={"layer.reached": [0, 0, 1]}))
    assert finding.locus.layer == 1
    assert finding.locus.source == source(11)
    assert "and 1 layer" in finding.message


EVEN = {"weight.rms": 1.0, "weight.min": -1.73, "weight.max": 1.73}
TAILED = {"weight.rms": 1.0, "weight.min": -4.1, "weight.max": 3.2}


@pytest.mark.parametrize(("weights", "findings"), [(TAILED, 0), (EVEN, 1)])
def test_if_the_rest_learns_well_a_cut_is_accused_only_behind_layers_that_never_learned_anything(weights, findings):
    cut = {"layer.reached": [0, 0, 1]} | weights
    found = check.run(run([0.0, 0.0, 0.1], columns=cut, loss=np.geomspace(2.3, 0.1, 200)))
    assert len(found) == findings
    assert all(finding.strength < 1 for finding in found)


def test_a_branch_that_the_loss_does_not_use_is_no_cut():
    assert check.run(run([0.1, 0.0, 0.1], columns={"layer.reached": [1, 0, 1]})) == ()


def test_a_loss_that_backward_refuses_is_not_connected():
    crash = Crash("RuntimeError", "element 0 of tensors does not require grad", "backward", source=source(42))
    (finding,) = check.run(make_trace(steps=0, run=make_run(crash=crash)))
    assert (finding.locus.kind, finding.locus.source) == ("training-loop", source(42))
    assert check.run(make_trace(run=make_run(crash=crash, trainable=0), steps=0)).why


@pytest.mark.parametrize("state", ["layer.trainable", "layer.optimized"])
def test_layers_that_are_not_meant_to_be_trained_may_be_cut_off(state):
    assert check.run(run([0.0, 0.0, 0.1], columns={"layer.reached": [0, 0, 1], state: [0, 0, 1]})) == ()


def test_a_factor_that_begins_at_zero_and_gets_its_gradient_later_is_not_cut_off():
    reached = np.ones((200, 3))
    reached[0, 0] = 0
    assert check.run(run([0.1, 0.1, 0.1], columns={"layer.reached": reached})) == ()


def test_an_optimizer_that_never_took_a_step_is_named():
    (finding,) = check.run(run(steps=0, unapplied=108))
    assert (finding.locus.kind, finding.locus.source, finding.evidence[0].observed) == (
        "training-loop",
        source(42),
        108,
    )
    assert "step() after backward()" in finding.remedies[0].text
    assert isinstance(check.run(run(steps=0, unapplied=5)), NotEvaluated)


def test_twenty_steps_are_enough_to_see_that_nothing_changes():
    assert len(check.run(run(steps=20))) == 1


def test_layers_that_run_under_no_grad_are_named_with_the_line_that_calls_them():
    layers = [make_layer(0, sources={"no_grad": source(21)}), make_layer(1), make_layer(2)]
    columns = {"layer.reached": [0, 1, 1], "layer.graph": [0, 1, 1]}
    (finding,) = check.run(run([0.0, 0.1, 0.1], columns=columns, layers=layers))
    assert finding.message.endswith("which an optimizer holds: it runs under no_grad.")
    assert (finding.locus.layer, finding.locus.source) == (0, source(21))
    assert finding.remedies[0].text == "Call this layer outside of no_grad"


@pytest.mark.parametrize(("loss", "count"), [(2.3, 1), (np.geomspace(2.3, 0.1, 200), 0)])
def test_a_whole_model_under_no_grad_is_accused_only_if_nothing_is_learned(loss, count):
    layers = [make_layer(0), make_layer(1), make_layer(2, order=None, sources={"no_grad": source(21)})]
    columns = {"layer.reached": [1, 1, 0], "layer.graph": [1, 1, 0]}
    found = check.run(run([0.1, 0.1, 0.0], columns=columns, layers=layers, loss=loss))
    assert [each.locus.layer for each in found] == [2] * count


@pytest.mark.parametrize(("edge", "count"), [(np.sqrt(3), 1), (3.0, 0)])
def test_as_long_as_learning_is_open_a_model_under_no_grad_is_accused_only_if_it_was_never_trained(edge, count):
    layers = [make_layer(0, parameters=5000), make_layer(1, order=None, parameters=5000)]
    spread = {"weight.rms": 1.0, "weight.max": edge, "weight.min": -edge}
    columns = {"layer.reached": [1, 0], "layer.graph": [1, 0]} | spread
    assert len(check.run(run([0.1, 0.0], columns=columns, layers=layers, steps=50))) == count


@pytest.mark.parametrize(
    ("loss", "parameters", "count"), [(2.3, 5000, 1), (np.geomspace(2.3, 0.1, 200), 5000, 0), (2.3, 50, 0)]
)
def test_layers_that_are_never_called_are_named_if_they_are_most_of_the_network_and_it_does_not_learn(
    loss, parameters, count
):
    layers = [make_layer(0, parameters=100), make_layer(1, order=None, parameters=parameters)]
    columns = {"layer.reached": [1, 0], "layer.graph": [1, np.nan]}
    found = check.run(run([0.1, 0.0], columns=columns, layers=layers, loss=loss))
    assert [each.locus.layer for each in found] == [1] * count
    assert all(each.message.endswith("it is never called.") for each in found)
