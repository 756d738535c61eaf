import pytest

from deeplocalize.signals.settings import learning_rate, learning_rate_line, rescaled
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Optimizer


def test_the_largest_rate_that_was_used_counts():
    assert learning_rate(make_trace(scalars={"learning_rate": 0.5}, steps=5)) == 0.5
    assert learning_rate(make_trace(steps=5)) == 0.1
    assert learning_rate(make_trace(run=make_run(optimizers=()))) is None


def test_the_line_of_the_argument_goes_before_that_of_the_optimizer_and_that_of_the_call():
    argued = Optimizer("sgd", "SGD", source=source(1), sources={"learning_rate": source(2)})
    assert learning_rate_line(make_trace(run=make_run(optimizer=argued))) == source(2)
    assert learning_rate_line(make_trace(run=make_run(optimizer=Optimizer("sgd", "SGD", source=source(1))))) == source(
        1
    )
    assert learning_rate_line(make_trace(run=make_run(optimizer=Optimizer("sgd", "SGD")))) == source(35)


@pytest.mark.parametrize(("rate", "step", "wanted"), [(10, 0.5, 0.02), (1e-5, 1e-6, 0.01), (0.1, 1e-3, 0.1)])
def test_a_rate_is_scaled_to_steps_of_a_thousandth(rate, step, wanted):
    assert rescaled(rate, step) == pytest.approx(wanted)


@pytest.mark.parametrize(("step", "proposed"), [(float("inf"), 1e-5), (1e30, 1e-5), (1e-30, 1e3)])
def test_a_step_of_any_length_changes_the_rate_by_ten_thousand_at_most(step, proposed):
    assert rescaled(0.1, step) == pytest.approx(proposed)
