import math

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.optimizer.learning_rate_too_low import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def run(update=1e-6, loss=2.31, *, rate=1e-5, steps=500, data=BASELINE, scalars=None, **facts):
    given = {"loss": loss, "learning_rate": rate} | (scalars or {})
    return make_trace(
        steps=steps, scalars=given, columns={"weight.rms": 1.0, "weight_update.rms": update}, data=data, **facts
    )


def test_weights_that_hardly_move_are_stepped_too_little():
    (finding,) = check.run(run())
    assert finding.locus.kind == "learning-rate"
    assert finding.locus.source == source(31)
    assert finding.evidence[0].observed == pytest.approx(2000)


def test_the_proposed_rate_gives_steps_the_usual_length():
    (remedy,) = check.run(run())[0].remedies
    assert (remedy.before, remedy.after, remedy.intervention.value) == ("1e-05", "0.01", 0.01)


def test_a_lucky_start_does_not_hide_that_nothing_moves():
    noisy = 1.9 + np.random.default_rng(0).normal(0, 0.05, 500)
    assert len(check.run(run(1e-8, noisy, rate=1e-7))) == 1
    assert check.run(run(1e-5, noisy)) == ()
    assert check.run(run(1e-8, np.linspace(1.95, 1.9, 500), rate=1e-7)) == ()


def test_fine_tuning_with_small_steps_is_not_accused():
    assert check.run(run(loss=0.2)) == ()


def test_a_short_run_is_not_accused():
    assert check.run(run(steps=60)) == ()


def test_steps_of_the_usual_length_are_not_accused():
    assert check.run(run(update=1e-3)) == ()


def test_a_loss_that_soon_passes_the_baseline_is_not_accused():
    assert check.run(run(loss=np.linspace(2.6, 2.4, 500))) == ()


def test_a_warm_up_that_still_raises_the_rate_is_not_accused():
    assert check.run(run(rate=np.linspace(1e-8, 1e-5, 500))) == ()


def test_a_rate_that_falls_to_zero_at_the_end_is_judged_by_the_whole_run():
    cosine = 0.5 + 0.5 * np.cos(np.linspace(0, np.pi, 500))[:, None]
    assert check.run(run(update=1e-3 * cosine)) == ()


def test_a_gradient_that_vanished_is_not_blamed_on_the_rate():
    assert check.run(run(update=1e-9, rate=0.1)) == ()


def test_no_movement_at_all_is_another_fault():
    assert check.run(run(update=0.0)) == ()


def test_a_run_that_was_broken_off_is_not_judged_by_how_short_it_is():
    update, steps = 1e-4, 120
    assert len(check.run(run(update, steps=steps))) == 1
    assert check.run(run(update, steps=steps, run=make_run(ended="interrupted"))) == ()
    planned = make_run(ended="running", epochs=3, steps_per_epoch=50)
    assert len(check.run(run(update, steps=steps, run=planned))) == 1


def test_without_a_baseline_nothing_is_said():
    assert isinstance(check.run(run(data=DataCard())), NotEvaluated)


def test_a_rate_that_is_always_zero_is_another_fault():
    assert check.run(run(rate=0.0, update=0.0)) == ()


def test_a_loss_that_stands_below_the_constant_answer_needs_a_thousand_runs_ahead():
    noisy = 1.9 + np.random.default_rng(0).normal(0, 0.05, 500)
    (finding,) = check.run(run(1e-6, noisy))
    assert finding.evidence[0].observed == pytest.approx(2000)
    assert check.run(run(1e-6, noisy - 1.0)) == ()


@pytest.mark.parametrize(("rate", "accused"), [(0.005, 1), (0.03, 0)])
def test_a_rate_that_would_have_to_be_above_ten_is_not_what_is_small(rate, accused):
    assert len(check.run(run(1e-6, rate=rate))) == accused
