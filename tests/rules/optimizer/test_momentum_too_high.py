import math

import numpy as np
import pytest

from deeplocalize.rules.optimizer.momentum_too_high import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(momentum=0.999, *, longer=200.0, loss=2.4, kind="sgd", sources=None, settings=None, **scalars):
    """Weights of size 1 whose updates are `longer` times the learning rate of 0.1 times their gradients."""
    settings = {"learning_rate": 0.1, "momentum": momentum} if settings is None else settings
    optimizer = Optimizer(kind, kind, settings, source=source(31), sources=sources or {"momentum": source(33)})
    return make_trace(
        steps=200,
        scalars={"loss": loss, "learning_rate": 0.1, **scalars},
        columns={"weight.rms": 1.0, "weight_gradient.rms": 0.01, "weight_update.rms": longer * 0.001},
        data=BASELINE,
        run=make_run(optimizer=optimizer),
    )


def test_steps_far_longer_than_the_gradients_ask_for_come_from_the_momentum():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("optimizer", None, source(33))
    assert finding.evidence[1].observed == pytest.approx(200)
    assert "1,000 steps" in finding.message
    assert finding.remedies[0].after == "momentum=0.9"


def test_without_the_line_of_the_argument_that_of_the_optimizer_is_shown():
    assert check.run(run(sources={"lr": source(32)}))[0].locus.source == source(31)


@pytest.mark.parametrize(("momentum", "count"), [(0.99, 1), (0.985, 1), (0.975, 0), (0.9, 0), (0.0, 0), (1.0, 1)])
def test_a_usual_momentum_is_not_accused(momentum, count):
    assert len(check.run(run(momentum))) == count


@pytest.mark.parametrize(("longer", "count"), [(22, 1), (18, 0), (3, 0)])
def test_the_momentum_must_have_made_the_path_longer(longer, count):
    assert len(check.run(run(longer=longer))) == count


def test_a_network_that_learns_well_is_not_accused():
    assert check.run(run(loss=np.geomspace(2.3, 0.1, 200))) == ()


def test_a_loss_that_is_not_finite_is_harm():
    late = np.arange(200) > 100
    (finding,) = check.run(run(loss=np.where(late, np.nan, 2.0), **{"loss.nonfinite": late}))
    assert "not finite" in finding.message


def test_the_first_moment_of_adam_is_not_judged():
    assert check.run(run(kind="adam", settings={"learning_rate": 0.1, "beta_1": 0.999})) == ()
