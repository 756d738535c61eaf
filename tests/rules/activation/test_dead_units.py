import math

import numpy as np
import pytest

from deeplocalize.rules.activation.dead_units import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(dead, loss=2.31, *, activation="relu", steps=200, data=BASELINE, columns=None, **scalars):
    layers = [make_layer(at, activation=activation) for at in range(3)]
    given = {"loss": loss, "batch_size": 32} | scalars
    return make_trace(
        layers=layers, steps=steps, scalars=given, columns={"activation.dead": dead, **(columns or {})}, data=data
    )


def dying(step, steps=200):
    dead = np.zeros((steps, 3))
    dead[step:, 1] = 0.98
    return dead


def test_units_that_were_born_dead_are_blamed_on_the_initializer():
    (finding,) = check.run(run([0.2, 1.0, 0.0]))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("initializer", 1, source(11))
    assert "100% of the units are dead" in finding.message


def test_units_that_died_later_are_blamed_on_the_learning_rate():
    (finding,) = check.run(run(dying(3)))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(31))
    assert finding.first_step == 3


@pytest.mark.parametrize(("reached", "count"), [([0, 1, 1], 0), ([1, 1, 1], 1)])
def test_layers_that_never_got_a_gradient_came_before_units_that_died_later(reached, count):
    columns = {"layer.reached": reached, "layer.trainable": 1.0, "weight_update.rms": reached}
    assert len(check.run(run(dying(3), columns=columns))) == count
    assert len(check.run(run([0.2, 1.0, 0.0], columns=columns))) == 1


def test_several_dead_layers_are_one_finding_at_the_first():
    (finding,) = check.run(run([0.95, 1.0, 0.0]))
    assert finding.locus.layer == 0
    assert "and in 1 more layer" in finding.message


@pytest.mark.parametrize("share", [0.7, 0.97, 1.0])
def test_a_network_that_learns_well_is_not_accused(share):
    assert check.run(run([share, share, 0.0], np.geomspace(2.3, 0.1, 200))) == ()


def test_seventy_percent_do_not_explain_that_a_network_does_not_learn():
    assert check.run(run([0.7, 0.7, 0.0])) == ()


def test_dead_units_of_the_output_layer_are_another_fault():
    assert check.run(run([0.0, 0.0, 1.0])) == ()


def test_zeros_of_another_nonlinearity_are_not_dead_units():
    assert check.run(run([1.0, 1.0, 0.0], activation="tanh")) == ()


def test_units_that_came_back_are_not_dead():
    assert check.run(run(np.flip(dying(120), axis=0))) == ()


def test_in_tiny_batches_a_unit_may_be_zero_by_chance():
    assert check.run(run([0.95, 0.0, 0.0], steps=1000, batch_size=2)) == ()
    assert len(check.run(run([1.0, 0.0, 0.0], steps=1000, batch_size=2))) == 1


def test_a_wholly_dead_layer_that_makes_all_answers_the_same_is_certain_even_in_a_short_run():
    dead = [0.0, 1.0, 0.0]
    spread = "prediction.spread"
    assert len(check.run(run(dead, steps=30, data=DataCard(), **{spread: 0.0}))) == 1
    assert check.run(run(dead, steps=30, data=DataCard(), **{spread: 0.5})) == ()
    assert check.run(run(dead, steps=30, data=DataCard())) == ()
