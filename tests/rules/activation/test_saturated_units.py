import math

import numpy as np

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.activation.saturated_units import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(saturated, loss=2.31, *, steps=200, **scalars):
    layers = [make_layer(at, activation="tanh", sources={"kernel_initializer": source(90 + at)}) for at in range(3)]
    given = {"loss": loss, "batch_size": 32} | scalars
    return make_trace(
        layers=layers, steps=steps, scalars=given, columns={"activation.saturated": saturated}, data=BASELINE
    )


def test_a_first_layer_that_is_saturated_from_the_start_points_to_the_scale_of_the_inputs():
    (finding,) = check.run(run([0.9, 0.1, 0.0]))
    assert (finding.locus.kind, finding.locus.source) == ("input-scaling", source(40))
    assert (finding.remedies[1].before, finding.remedies[1].after) == ("tanh", "relu")


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
