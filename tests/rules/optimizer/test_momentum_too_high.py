import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.optimizer.momentum_too_high import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

STEPS = 400
BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def lost(best=0.8, late=2.5):
    """A loss that falls within a tenth of the run, stays for a twentieth, and comes back up."""
    steps = np.arange(STEPS)
    return np.where(steps < 40, np.linspace(2.3, 2.3 - (2.3 - best) * 10, STEPS), np.where(steps < 60, best, late))


def run(momentum=0.99, loss=None, *, own=0.001, times=30.0, rolls=slice(100, 200), kind="sgd", **facts):
    """Weights of size 1; `own` is the rate times the gradient, and a stretch of the run goes `times` as far as that."""
    settings = {"learning_rate": 0.1, "momentum": momentum}
    update = np.full((STEPS, 1), own)
    update[rolls] *= times
    given = {"loss": lost() if loss is None else loss, "learning_rate": 0.1} | facts.pop("scalars", {})
    optimizer = Optimizer(
        kind, kind, settings, source=source(31), sources=facts.pop("sources", {"momentum": source(33)})
    )
    gradient = 10 * own if kind == "sgd" else facts.pop("gradient", 5.0)
    return make_trace(
        steps=STEPS,
        scalars=given,
        columns={"weight.rms": 1.0, "weight_gradient.rms": gradient, "weight_update.rms": update},
        data=facts.pop("data", BASELINE),
        run=make_run(optimizer=optimizer),
        **facts,
    )


def found(*arguments, **facts):
    findings = check.run(run(*arguments, **facts))
    assert not isinstance(findings, NotEvaluated)
    return findings


def test_what_was_learned_and_lost_again_while_the_weights_rolled_on_is_the_momentums_fault():
    (finding,) = found()
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("optimizer", None, source(33))
    assert "100 steps" in finding.message
    assert finding.evidence[1].observed == pytest.approx(1 - 0.8 / 2.3)
    assert finding.evidence[2].observed == pytest.approx(30, rel=0.01)
    assert finding.evidence[3].observed == pytest.approx(0.01)


def test_the_momentum_or_the_rate_is_to_be_lowered():
    momentum, rate = found()[0].remedies
    assert (momentum.before, momentum.after) == ("momentum=0.99", "momentum=0.9")
    assert (rate.before, rate.after, rate.intervention.value) == ("0.1", "0.01", 0.01)


def test_without_the_line_of_the_argument_that_of_the_optimizer_is_shown():
    assert found(sources={})[0].locus.source == source(31)


@pytest.mark.parametrize(("momentum", "count"), [(0.999, 1), (0.97, 1), (0.965, 0), (0.9, 0), (0.0, 0), (1.0, 0)])
def test_a_usual_momentum_is_not_accused(momentum, count):
    assert len(found(momentum)) == count


@pytest.mark.parametrize(("best", "count"), [(1.5, 1), (1.7, 0), (2.3, 0)])
def test_a_network_that_never_learned_has_another_fault(best, count):
    assert len(found(loss=lost(best))) == count


def test_a_network_that_learns_well_is_not_accused():
    assert found(loss=lost(late=0.8)) == ()


def test_a_loss_that_is_not_finite_is_a_loss_too():
    late = np.arange(STEPS) > 100
    (finding,) = found(loss=np.where(late, np.nan, lost()), scalars={"loss.nonfinite": late})
    assert "not finite" in finding.message


@pytest.mark.parametrize(("times", "count"), [(11, 1), (9, 0), (1, 0)])
def test_the_steps_must_be_longer_than_usual_momentum_makes_them(times, count):
    assert len(found(times=times)) == count


@pytest.mark.parametrize(("rolls", "count"), [(slice(100, 110), 0), (slice(100, 118), 1)])
def test_a_few_long_steps_are_no_rolling_ball(rolls, count):
    assert len(found(times=13, rolls=rolls)) == count


@pytest.mark.parametrize(("own", "count"), [(0.029, 1), (0.031, 0)])
def test_a_rate_that_is_too_high_by_itself_is_what_is_to_be_lowered(own, count):
    assert len(found(own=own)) == count


def test_rmsprop_takes_steps_of_the_rate_whatever_the_gradient():
    for gradient in (5.0, 500.0):
        assert len(found(kind="rmsprop", gradient=gradient, scalars={"learning_rate": 0.001})) == 1
    assert found(kind="rmsprop", scalars={"learning_rate": 0.004}) == ()
    assert found(kind="rmsprop", gradient=0.0, scalars={"learning_rate": 0.1})[0].evidence[3].observed == 0


def test_the_first_moment_of_adam_is_not_judged():
    assert found(kind="adam") == ()


def test_without_a_baseline_nothing_is_said():
    assert isinstance(check.run(run(data=DataCard())), NotEvaluated)
