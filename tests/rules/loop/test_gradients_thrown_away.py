import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.gradients_thrown_away import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.schema import Head, Loss, Objective

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(unused, loss=2.3, factor=1.0):
    unused = np.asarray(unused, float)
    objective = Objective(Loss("cross-entropy", "CrossEntropyLoss", factor=factor), Head())
    facts = make_run(
        objectives=(objective,), sources={"zero_grad": source(40), "backward": source(42), "step": source(44)}
    )
    return make_trace(steps=len(unused), scalars={"unused_backwards": unused, "loss": loss}, data=BASELINE, run=facts)


def test_a_step_for_the_last_of_many_batches_is_named_where_it_is_called():
    (found,) = check.run(run(np.full(15, 56)))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(44))
    assert found.message.startswith("Of 57 batches between two steps, the gradients of 56 are cleared")


@pytest.mark.parametrize(
    ("lost", "factor", "line"), [(7, 1 / 8, 40), (7, 1.0, 44), (1, 0.5, 40), (7, 0.5, 44), (7, 0.01, 44)]
)
def test_a_loss_divided_by_the_number_of_batches_shows_that_they_were_to_be_gathered(lost, factor, line):
    (found,) = check.run(run(np.full(15, lost), factor=factor))
    assert found.locus.source == source(line)
    assert found.remedies[0].text.startswith("To gather") == (line == 40)


def test_it_is_weaker_where_the_network_learns_well_all_the_same():
    (weak,), (strong,) = check.run(run(np.ones(200), np.geomspace(2.3, 0.1, 200))), check.run(run(np.ones(200)))
    assert weak.strength < strong.strength


@pytest.mark.parametrize(("share", "count"), [(90, 0), (92, 1)])
def test_nearly_all_steps_must_be_concerned(share, count):
    assert len(check.run(run(np.arange(100) < share))) == count


@pytest.mark.parametrize(("steps", "count"), [(2, 0), (3, 1)])
def test_two_steps_say_nothing(steps, count):
    assert len(check.run(run(np.ones(steps)))) == count


def test_steps_that_are_not_recorded_do_not_count():
    assert len(check.run(run([*np.ones(5), *np.full(95, np.nan)]))) == 1


def test_a_step_for_each_batch_is_right():
    assert check.run(run(np.zeros(100))) == ()


def test_where_it_was_not_recorded_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
