import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.model_rebuilt_in_loop import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)
SOURCES = {"model_built": source(31), "step": source(36)}


def run(rebuilt=None, *, steps=200, loss=2.3, sources=SOURCES):
    rebuilt = np.arange(steps) > 0 if rebuilt is None else rebuilt
    scalars = {"loss": loss, "rebuilt_models": rebuilt.astype(float)}
    return make_trace(steps=steps, scalars=scalars, data=BASELINE, run=make_run(sources=sources))


def test_a_model_built_in_the_loop_is_named_with_the_line_that_builds_it():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(31))
    assert found.message.startswith("The model is built anew before 100% of the steps")
    assert found.remedies[0].text == "Build the model and its optimizer once, before the training loop"
    assert [each.observed for each in found.evidence] == [pytest.approx(0.995), 199]


def test_where_that_line_is_unknown_it_is_that_of_the_step():
    (found,) = check.run(run(sources={"step": source(36)}))
    assert found.locus.source == source(36)


@pytest.mark.parametrize(("share", "count"), [(0.5, 0), (0.6, 1)])
def test_more_than_half_of_the_steps_must_be_concerned(share, count):
    assert len(check.run(run(np.arange(200) % 10 < share * 10))) == count


@pytest.mark.parametrize(("steps", "count"), [(20, 0), (21, 1)])
def test_a_few_rebuilt_ones_say_nothing(steps, count):
    assert len(check.run(run(steps=steps))) == count


@pytest.mark.parametrize("loss", [np.geomspace(2.3, 0.1, 200), np.r_[np.full(150, 2.3), np.full(50, 1.0)]])
def test_a_network_that_learns_all_the_same_is_left_alone(loss):
    assert check.run(run(loss=loss)) == ()


def test_a_loss_that_only_scatters_is_no_learning():
    assert len(check.run(run(loss=2.3 + 0.1 * np.random.default_rng(0).normal(size=200)))) == 1


def test_where_it_was_not_recorded_nothing_is_said():
    assert isinstance(check.run(make_trace(steps=30, scalars={"loss": 2.3})), NotEvaluated)
