import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.backward_twice import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(repeated, loss=2.3):
    repeated = np.asarray(repeated, float)
    facts = make_run(sources={"backward": source(42), "backward_again": source(43)})
    scalars = {"repeated_backwards": repeated, "loss": loss}
    return make_trace(steps=len(repeated), scalars=scalars, data=BASELINE, run=facts)


def test_a_loss_that_goes_backward_twice_is_named_with_the_second_call():
    (found,) = check.run(run(np.ones(100)))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(43))
    assert found.message.startswith("Backward is called 2 times on the same loss in 100% of the steps")


def test_it_is_said_how_often_it_counts():
    assert "counts 4 times" in check.run(run(np.full(100, 3)))[0].message


def test_it_is_weaker_where_the_network_learns_well_all_the_same():
    (weak,), (strong,) = check.run(run(np.ones(200), np.geomspace(2.3, 0.1, 200))), check.run(run(np.ones(200)))
    assert weak.strength < strong.strength


@pytest.mark.parametrize(("share", "count"), [(4, 0), (6, 1)])
def test_more_than_half_of_the_steps_must_be_concerned(share, count):
    assert len(check.run(run(np.arange(100) % 10 < share))) == count


@pytest.mark.parametrize(("steps", "count"), [(2, 0), (9, 0), (10, 1)])
def test_a_few_steps_say_nothing(steps, count):
    assert len(check.run(run(np.ones(steps)))) == count


def test_one_pass_for_each_loss_is_right():
    assert check.run(run(np.zeros(100))) == ()


def test_where_it_was_not_recorded_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
