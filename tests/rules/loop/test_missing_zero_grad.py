import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.missing_zero_grad import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(stale, loss=2.3):
    stale = np.asarray(stale, float)
    return make_trace(steps=len(stale), scalars={"stale_gradient": stale, "loss": loss}, data=BASELINE)


def test_gradients_left_from_earlier_steps_are_noticed_whatever_the_loss():
    (finding,) = check.run(run(np.arange(100) > 0))
    assert finding.locus.kind == "training-loop"
    assert finding.locus.source == source(42)
    assert finding.remedies[0].after == "optimizer.zero_grad()"


def test_clearing_once_per_epoch_is_not_enough():
    assert len(check.run(run(np.arange(100) % 20 > 0))) == 1


def test_the_finding_is_weaker_if_the_network_learns_well():
    stale = np.arange(200) > 0
    (weak,), (strong,) = check.run(run(stale, np.geomspace(2.3, 0.1, 200))), check.run(run(stale))
    assert weak.strength < strong.strength


def test_clearing_in_every_step_is_right():
    assert check.run(run(np.zeros(100))) == ()


def test_a_step_now_and_then_that_was_not_cleared_is_left_alone():
    assert check.run(run(np.arange(100) % 10 == 1)) == ()


def test_a_run_of_a_few_steps_says_nothing():
    assert check.run(run([0, 1, 1])) == ()


def test_without_such_a_call_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)


def test_a_short_run_is_enough_if_no_step_was_cleared():
    assert len(check.run(run(np.arange(12) > 0))) == 1


@pytest.mark.parametrize(("optimizers", "line"), [(1, 42), (2, 41)])
def test_of_several_optimizers_the_line_that_clears_some_is_named(optimizers, line):
    sources = {"zero_grad": source(41), "backward": source(42)}
    run = make_run(sources=sources, optimizers=(Optimizer("sgd", "SGD"),) * optimizers)
    (found,) = check.run(make_trace(scalars={"stale_gradient": 1.0}, run=run))
    assert found.locus.source == source(line)
