import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loss.loss_without_bound import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Loss
from deeplocalize.trace.schema import Head

OTHER = Loss("other", "other", source=source(17))


def run(loss, kind=OTHER, others=0.0, **facts):
    facts = make_run(kind, Head(), parameters=100, trainable=100, **({"optimized": 100} | facts))
    scalars = {"loss": np.asarray(loss, float), "other_steps": others}
    return make_trace(steps=len(loss), scalars=scalars, run=facts)


def falling(to=1e5, steps=200, power=2.0):
    return 2.0 - to * np.linspace(0, 1, steps) ** power


def test_a_loss_of_the_users_own_that_falls_for_ever_is_named():
    (found,) = check.run(run(falling()))
    assert (found.locus.kind, found.locus.source) == ("loss", source(17))
    assert found.message.startswith("The loss falls without a bound, from 2 to ")


@pytest.mark.parametrize(("to", "count"), [(50, 0), (1000, 0), (3500, 1)])
def test_a_likelihood_may_fall_below_zero_by_some_units_for_each_dimension(to, count):
    assert len(check.run(run(falling(to)))) == count


def test_what_it_began_with_counts():
    assert check.run(run(1000 + falling(1e5))) == ()


@pytest.mark.parametrize(("power", "count"), [(0.5, 0), (0.8, 1), (1.0, 1), (2.0, 1)])
def test_one_that_slows_down_has_a_bound(power, count):
    assert len(check.run(run(falling(power=power)))) == count


@pytest.mark.parametrize(("size", "count"), [(1.5e10, 0), (4e10, 1)])
def test_unless_it_is_beyond_all_that_ends(size, count):
    assert len(check.run(run(falling(to=size, power=0.3)))) == count


def test_one_that_rises_again_has_one_too():
    assert check.run(run(-1e5 * np.sin(np.linspace(0, 3, 200)))) == ()


def test_known_losses_have_a_bound():
    assert check.run(run(falling(), Loss("mean-squared-error", "MSELoss"))) == ()


def test_a_critic_that_takes_turns_may_have_such_a_loss():
    assert check.run(run(falling(), others=1.0)) == ()


def test_an_attack_on_a_network_that_is_not_trained_may_have_it_too():
    assert check.run(run(falling(), optimized=10)) == ()


def test_where_the_loss_is_not_known_nothing_is_judged():
    assert isinstance(check.run(make_trace(run=make_run(objectives=()))), NotEvaluated)
