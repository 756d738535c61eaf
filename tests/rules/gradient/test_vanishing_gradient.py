import math

import numpy as np
import pytest

from deeplocalize.rules.gradient.vanishing_gradient import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(gradients, loss=2.31, *, activation="sigmoid", steps=200, **facts):
    """Hidden layers with these gradients at their outputs, first layer first, and an output layer."""
    facts = {"sources": {"activation": source(90), "kernel_initializer": source(91)}} | facts
    count = np.shape(gradients)[-1]
    layers = [make_layer(at, activation=activation, **facts) for at in range(count)] + [make_layer(count)]
    column = np.concatenate([np.broadcast_to(gradients, (steps, count)), np.ones((steps, 1))], axis=1)
    columns = {"activation_gradient.rms": column}
    return make_trace(layers=layers, steps=steps, scalars={"loss": loss}, columns=columns, data=BASELINE)


def test_a_gradient_that_falls_through_sigmoids_is_blamed_on_the_last_of_them():
    (finding,) = check.run(run([1e-6, 1e-4, 1e-2, 1.0]))
    assert (finding.locus.kind, finding.locus.layer) == ("activation-hidden", 3)
    assert finding.locus.source == source(90)
    assert finding.evidence[0].observed == pytest.approx(1e-6)
    assert (finding.remedies[0].before, finding.remedies[0].after) == ("sigmoid", "relu")


def test_a_nonlinearity_in_a_layer_of_its_own_is_named_as_that_layer():
    dense = {"activation": "sigmoid", "output_shape": (8,)}
    kinds = ("dense", "activation", "dense", "activation", "dense")
    layers = [make_layer(at, kind, **dense) for at, kind in enumerate(kinds)]
    gradients = {"activation_gradient.rms": [1e-4, 1e-4, 1.0, 1.0, 1.0]}
    trace = make_trace(layers=layers, steps=200, scalars={"loss": 2.31}, columns=gradients, data=BASELINE)
    (finding,) = check.run(trace)
    assert (finding.locus.layer, finding.locus.source) == (3, source(13))


def test_a_gradient_that_falls_through_relus_is_blamed_on_the_initializer():
    (finding,) = check.run(run([1e-6, 1e-4, 1e-2, 1.0], activation="relu"))
    assert (finding.locus.kind, finding.locus.layer) == ("initializer", 3)
    assert finding.locus.source == source(91)


def test_the_fall_is_located_where_it_begins():
    (finding,) = check.run(run([1e-6, 1e-3, 1.0, 1.0, 1.0]))
    assert finding.locus.layer == 2


def test_a_network_that_learns_well_is_not_accused():
    assert check.run(run([1e-6, 1e-4, 1e-2, 1.0], np.geomspace(2.3, 0.1, 200))) == ()


def test_a_short_run_is_not_accused():
    assert check.run(run([1e-6, 1e-4, 1e-2, 1.0], steps=60)) == ()


def test_a_converged_network_has_small_gradients_everywhere():
    assert check.run(run([1e-9, 1e-9, 1e-9])) == ()


@pytest.mark.parametrize("gradients", [[0.05, 0.2, 1.0], [30.0, 3.0, 1.0]])
def test_the_change_in_sound_deep_networks_is_left_alone(gradients):
    assert check.run(run(gradients)) == ()


def test_a_fall_that_began_during_training_has_another_cause():
    later = np.ones((200, 3))
    later[1:, 0] = 1e-6
    assert check.run(run(later)) == ()


def test_a_fall_that_passes_is_none():
    early = np.ones((200, 3))
    early[:20, 0] = 1e-6
    assert check.run(run(early)) == ()


def test_units_that_get_no_gradient_at_all_are_another_fault():
    assert check.run(run([0.0, 0.0, 1.0])) == ()


def test_one_hidden_layer_has_no_depth():
    assert check.run(run([1e-6])) == ()


def test_a_fall_somewhat_past_the_limit_is_named():
    assert len(check.run(run([3e-3, 0.05, 1.0]))) == 1


@pytest.mark.parametrize(("right", "says", "count"), [(0.3, True, 1), (0.6, True, 0), (0.3, False, 0), (None, True, 0)])
def test_a_network_that_settles_far_from_what_its_inputs_allow_suffers_too(told, right, says, count):
    trace = told(run([1e-6, 1e-4, 1e-2, 1.0], loss=1.9), right, says)
    assert len(check.run(trace)) == count


@pytest.mark.parametrize(("fall", "count"), [(0.015, 1), (0.025, 0)])
def test_a_fall_to_a_fiftieth_is_too_much(fall, count):
    assert len(check.run(run([fall, 0.1, 0.5, 1.0]))) == count
