import math
from dataclasses import replace

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.activation.saturated_units import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard, InputCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(saturated, loss=2.31, *, steps=200, inputs=None, columns=None, **scalars):
    layers = [make_layer(at, activation="tanh", sources={"kernel_initializer": source(90 + at)}) for at in range(3)]
    given = {"loss": loss, "batch_size": 32} | scalars
    card = InputCard("x", "float32", (8,), 32, 0.0, 255.0, 0.0, inputs, 0, False, 8, 0, None)
    data = replace(BASELINE, inputs=(card,)) if inputs else BASELINE
    columns = {"activation.saturated": saturated} | (columns or {})
    return make_trace(layers=layers, steps=steps, scalars=given, columns=columns, data=data)


def flat(*shares):
    """Outputs of tanh units that are at -1 or 1 in this share of cases and at 0 otherwise."""
    return {"activation.rms": np.sqrt(shares), "activation.mean": 0.0, "activation.min": -1.0, "activation.max": 1.0}


@pytest.mark.parametrize("inputs", [None, 10.0, 70.0])
def test_a_first_layer_that_is_saturated_from_the_start_points_to_the_scale_of_the_inputs(inputs):
    (finding,) = check.run(run([0.9, 0.1, 0.0], inputs=inputs))
    assert (finding.locus.kind, finding.locus.source) == ("input-scaling", source(40))
    assert (finding.remedies[1].before, finding.remedies[1].after) == ("tanh", "relu")


def test_with_inputs_of_usual_scale_it_points_to_the_initializer():
    (finding,) = check.run(run([0.9, 0.1, 0.0], inputs=1.0))
    assert (finding.locus.kind, finding.locus.layer) == ("initializer", 0)


def test_units_that_switch_between_both_ends_are_saturated_too():
    (finding,) = check.run(run([0.0, 0.0, 0.0], columns=flat(0.5, 0.99, 0.5)))
    assert finding.locus.layer == 1
    assert finding.evidence[0].observed == pytest.approx(0.01)


def test_initial_weights_that_are_too_large_by_far_are_named_even_if_something_is_learned():
    poor, well = np.geomspace(2.3, 0.9, 200), np.geomspace(2.3, 0.1, 200)
    driven = {"preactivation.rms": [1.0, 60.0, 60.0]}
    (finding,) = check.run(run(0.0, poor, columns=flat(0.5, 0.99, 0.5) | driven))
    assert (finding.locus.kind, finding.locus.layer, finding.strength) == ("initializer", 1, 0.5)
    assert check.run(run(0.0, well, columns=flat(0.5, 0.99, 0.5) | driven)) == ()
    assert check.run(run(0.0, poor, columns=flat(0.5, 0.99, 0.5) | {"preactivation.rms": 3.0})) == ()


def test_a_nonlinearity_in_a_layer_of_its_own_leads_back_to_the_weights_before_it():
    kinds = ("dense", "activation", "dense", "activation", "dense")
    layers = [make_layer(at, kind, activation="tanh") for at, kind in enumerate(kinds)]
    columns = {"activation.saturated": [np.nan, 0.0, np.nan, 0.9, np.nan]}
    trace = make_trace(layers=layers, steps=200, scalars={"loss": 2.31}, columns=columns, data=BASELINE)
    assert check.run(trace)[0].locus.layer == 2


def test_a_later_layer_that_is_saturated_from_the_start_points_to_its_initializer():
    (finding,) = check.run(run([0.1, 0.9, 0.0]))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("initializer", 1, source(91))


def test_saturation_during_training_points_to_the_learning_rate():
    saturated = np.zeros((200, 3))
    saturated[2:, :2] = 0.9
    (finding,) = check.run(run(saturated))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(31))
    assert finding.first_step == 2


def test_a_network_that_learns_well_is_not_accused():
    assert check.run(run([0.9, 0.9, 0.0], np.geomspace(2.3, 0.1, 200))) == ()


def test_a_few_constant_units_are_not_the_reason():
    assert check.run(run([0.3, 0.3, 0.0])) == ()


def test_a_saturated_output_is_another_fault():
    assert check.run(run([0.0, 0.0, 1.0])) == ()


def test_in_tiny_batches_a_unit_may_be_saturated_by_chance():
    assert check.run(run([0.9, 0.0, 0.0], steps=1000, batch_size=2)) == ()


def test_a_short_run_is_not_accused():
    assert check.run(run([0.9, 0.9, 0.0], steps=50)) == ()


def test_without_such_a_nonlinearity_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)


def test_a_first_layer_of_usual_inputs_that_gets_far_too_much_is_named_too():
    poor, driven = np.geomspace(2.3, 0.9, 200), {"preactivation.rms": [9.9, 1.0, 1.0]}
    columns = flat(0.99, 0.5, 0.5) | driven
    (finding,) = check.run(run(0.0, poor, inputs=0.5, columns=columns))
    assert (finding.locus.kind, finding.locus.layer) == ("initializer", 0)
    assert check.run(run(0.0, poor, inputs=70.0, columns=columns)) == ()
