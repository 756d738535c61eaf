import math

import numpy as np
import pytest

from deeplocalize.rules.loss.loss_diverges import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

TEN_CLASSES = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(loss, data=TEN_CLASSES, **facts):
    return make_trace(steps=len(loss), scalars={"loss": loss}, data=data, **facts)


def test_a_loss_that_grows_far_above_its_start_diverges():
    optimizer = Optimizer("sgd", "SGD", {"learning_rate": 3.0}, source=source(31))
    (finding,) = check.run(run(np.geomspace(2.3, 1e4, 50), run=make_run(optimizer=optimizer)))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(31))
    assert (finding.remedies[0].before, finding.remedies[0].after) == ("3", "0.3")


def test_an_optimizer_that_maximizes_is_named():
    optimizer = Optimizer("adam", "Adam", {"maximize": True}, sources={"maximize": source(32)})
    (finding,) = check.run(run(np.geomspace(2.3, 1e4, 50), run=make_run(optimizer=optimizer)))
    assert (finding.locus.kind, finding.locus.source) == ("optimizer", source(32))


def test_data_that_grow_while_the_weights_do_not_are_named():
    outputs = {"activation.rms": np.geomspace(1, 100, 50)[:, None], "weight.rms": 1.0}
    growing = DataCard(baseline_loss=1e4)
    (finding,) = check.run(run(np.geomspace(2.3, 1e4, 50), growing, columns=outputs))
    assert (finding.locus.kind, finding.locus.source) == ("data", source(40))


def test_outputs_that_grow_as_the_weights_do_point_to_the_learning_rate():
    growth = np.geomspace(1, 100, 50)[:, None]
    outputs = {"activation.rms": growth, "weight.rms": growth}
    (finding,) = check.run(run(np.geomspace(2.3, 1e4, 50), columns=outputs))
    assert finding.locus.kind == "learning-rate"


def test_a_falling_loss_does_not():
    assert check.run(run(np.geomspace(2.3, 0.1, 100))) == ()


def test_a_spike_does_not():
    loss = np.full(100, 2.0)
    loss[90] = 1e6
    assert check.run(run(loss)) == ()


def test_a_loss_that_comes_down_again_does_not():
    assert check.run(run(np.concatenate([np.geomspace(2.3, 1e4, 30), np.geomspace(1e4, 100, 70)]))) == ()


def test_a_loss_that_stays_near_the_constant_answer_is_another_fault():
    assert check.run(run(np.full(100, 2.6))) == ()


def test_a_good_start_that_is_lost_is_compared_with_the_constant_answer():
    assert check.run(run(np.linspace(0.01, 1.0, 100))) == ()


def test_losses_below_zero_are_not_judged():
    assert check.run(run(np.linspace(-1, -100, 100), DataCard())) == ()
    assert check.run(run(np.linspace(-100, 100, 100), DataCard())) == ()


@pytest.mark.parametrize("loss", [0.7 + 4 * np.linspace(0, 1, 200), 0.7 + np.abs(np.sin(np.arange(200.0)))])
def test_a_player_that_loses_against_the_other_does_not_diverge(loss):
    assert check.run(run(loss, DataCard())) == ()


def test_without_a_baseline_a_hundredfold_loss_diverges():
    assert len(check.run(run(np.geomspace(1, 1e5, 200), DataCard()))) == 1


def test_nothing_recorded_is_no_divergence():
    assert check.run(run([2.3])) == ()


def up_to(top):
    """A loss that rises from 1 in the first quarter and stays there."""
    return np.concatenate([np.geomspace(1, top, 50), np.full(150, top)])


def test_a_loss_at_ten_times_its_start_and_the_constant_answer_diverges():
    assert len(check.run(run(np.geomspace(2.3, 40, 50)))) == 1


@pytest.mark.parametrize(("top", "findings"), [(400.0, 1), (30.0, 0)])
def test_without_a_baseline_less_than_a_hundredfold_loss_is_left_alone(top, findings):
    assert len(check.run(run(up_to(top), DataCard()))) == findings


def test_outputs_that_grow_a_little_more_than_the_weights_point_to_the_learning_rate():
    outputs = {"activation.rms": np.geomspace(1, 3, 50)[:, None], "weight.rms": 1.0}
    assert check.run(run(np.geomspace(2.3, 1e4, 50), columns=outputs))[0].locus.kind == "learning-rate"
