import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.optimizer_rebuilt_each_step import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)
ADAM = Optimizer("adam", "Adam", {"learning_rate": 0.1}, source=source(31))


def sgd(momentum):
    return Optimizer("sgd", "SGD", {"learning_rate": 0.1, "momentum": momentum}, source=source(31))


def run(optimizers=None, schedulers=None, *, optimizer=ADAM, steps=200, loss=2.3, rate=0.1, sources=None, **facts):
    scalars = {"loss": loss, "learning_rate": rate} | {
        name: values
        for name, values in (("rebuilt_optimizers", optimizers), ("rebuilt_schedulers", schedulers))
        if values is not None
    }
    sources = sources or {"step": source(43), "compile": source(35), "scheduler_built": source(38)}
    run = make_run(optimizer=optimizer, sources=sources, **facts)
    return make_trace(steps=steps, scalars=scalars, data=BASELINE, run=run)


def after_the_first(steps=200):
    return (np.arange(steps) > 0).astype(float)


def test_an_optimizer_built_in_the_loop_is_named_with_the_line_that_builds_it():
    (found,) = check.run(run(after_the_first()))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(31))
    assert found.message.startswith("Adam is built anew in 100% of the steps")
    assert found.remedies[0].text == "Build Adam once, before the training loop"


def test_in_keras_it_is_the_line_of_compile():
    (found,) = check.run(run(after_the_first(), framework="keras"))
    assert found.locus.source == source(35)
    assert found.remedies[0].text.startswith("Call compile once")


def test_what_is_lost_of_momentum_is_said():
    (found,) = check.run(run(after_the_first(), optimizer=sgd(0.9)))
    assert "momentum of 0.9" in found.message


@pytest.mark.parametrize(
    "optimizer", [sgd(0), sgd(None), Optimizer("lbfgs", "LBFGS"), Optimizer("mine", "Mine")], ids=lambda each: each.name
)
def test_an_optimizer_that_remembers_nothing_is_left_alone(optimizer):
    assert check.run(run(after_the_first(), optimizer=optimizer)) == ()


@pytest.mark.parametrize(("share", "count"), [(0.4, 0), (0.6, 1)])
def test_more_than_half_of_the_steps_must_be_concerned(share, count):
    assert len(check.run(run(np.arange(200) % 10 < share * 10))) == count


@pytest.mark.parametrize(("steps", "count"), [(20, 0), (21, 1)])
def test_a_few_rebuilt_ones_say_nothing(steps, count):
    assert len(check.run(run(after_the_first(steps), steps=steps))) == count


def test_it_is_weaker_where_the_network_learns_well_all_the_same():
    (weak,), (strong,) = (check.run(run(after_the_first(), loss=loss)) for loss in (np.geomspace(2.3, 0.1, 200), 2.3))
    assert weak.strength < strong.strength


def test_a_scheduler_built_in_the_loop_is_named_with_its_own_line():
    (found,) = check.run(run(np.zeros(200), after_the_first()))
    assert found.locus.source == source(38)
    assert found.message.startswith("The learning-rate scheduler is built anew")
    assert "stays at 0.1" in found.message


def test_a_schedule_that_never_moves_is_told_more_weakly_where_the_network_learns_well():
    (weak,) = check.run(run(np.zeros(200), after_the_first(), loss=np.geomspace(2.3, 0.1, 200)))
    (strong,) = check.run(run(np.zeros(200), after_the_first()))
    assert weak.strength < strong.strength


@pytest.mark.parametrize(("last", "count"), [(0.1, 1), (0.095, 1), (0.085, 0), (0.001, 0), (0.2, 0)])
def test_a_scheduler_that_goes_on_from_the_rate_it_finds_loses_nothing(last, count):
    assert len(check.run(run(np.zeros(200), after_the_first(), rate=np.geomspace(0.1, last, 200)))) == count


def test_a_scheduler_built_once_per_epoch_is_left_alone():
    assert check.run(run(np.zeros(200), np.arange(200) % 20 == 19)) == ()


def test_where_it_was_not_recorded_nothing_is_found():
    assert check.run(run()) == ()
    assert isinstance(check.run(make_trace(steps=0)), NotEvaluated)
