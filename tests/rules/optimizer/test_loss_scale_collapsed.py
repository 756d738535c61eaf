import numpy as np
import pytest

from deeplocalize.rules.optimizer.loss_scale_collapsed import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Origin, Scaling

ROOT, SCALER, LOSS = source(21), source(22), source(23)
STEPS = np.arange(200)


def run(skipped=200, latest_skipped=50, *, asked=200, latest=50, scale=1e-9, lost=False, origin=None, steps=0):
    scaling = Scaling(asked, skipped, latest, latest_skipped, 65536.0, scale, lost)
    facts = make_run(scaling=scaling, origin=origin, sources={"scaler": SCALER, "loss": LOSS})
    return make_trace(steps=steps, run=facts)


def fallen(scales):
    """A run in which skipped steps count as steps, and only the scale tells them."""
    return make_trace(steps=200, scalars={"loss_scale": scales}, run=make_run(framework="keras"))


def halved(count, first=32768.0):
    return first * 2.0 ** -np.minimum(STEPS, count)


def test_the_operation_whose_slope_is_not_finite_is_named_with_its_line():
    (finding,) = check.run(run(origin=Origin(0, "sqrt", 1, ROOT)))
    assert (finding.locus.kind, finding.locus.source) == ("loss", ROOT)
    assert "not finite in 50 of the latest 50 steps" in finding.message
    assert "the operation sqrt, whose slope is NaN or infinite" in finding.message
    assert "sqrt(x + 1e-12)" in finding.remedies[0].text


def test_where_the_loss_is_lost_too_it_is_the_value():
    (finding,) = check.run(run(lost=True, origin=Origin(0, "log", None, ROOT)))
    assert "the operation log, whose value is NaN or infinite" in finding.message


@pytest.mark.parametrize(("lost", "cure"), [(False, "roots"), (True, "65,504")])
def test_without_an_operation_it_is_the_line_of_the_loss(lost, cure):
    (finding,) = check.run(run(lost=lost))
    assert finding.locus.source == LOSS
    assert ("the loss itself is NaN" in finding.message) == lost
    assert cure in finding.remedies[0].text


def test_a_scale_that_stays_high_is_itself_the_reason():
    (finding,) = check.run(run(scale=32768.0))
    assert (finding.locus.kind, finding.locus.source) == ("optimizer", SCALER)
    assert "its scale is still 32768 and began at 65536" in finding.message


def test_the_first_step_is_the_last_one_that_was_taken():
    (finding,) = check.run(run(steps=60))
    assert finding.first_step == 59
    assert check.run(run())[0].first_step == 0


def test_bad_batches_now_and_then_are_enough_once_no_scale_is_left():
    (finding,) = check.run(run(60, 16, scale=1e-9))
    assert "in 60 of 200 steps" in finding.message


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"skipped": 31, "latest_skipped": 31, "asked": 31, "latest": 31, "scale": 1e-4}, 1),  # `least`
        ({"skipped": 29, "latest_skipped": 29, "asked": 29, "latest": 29, "scale": 1e-4}, 0),
        ({"skipped": 31, "latest_skipped": 12}, 1),
        ({"skipped": 29, "latest_skipped": 12}, 0),
        ({"skipped": 60, "latest_skipped": 29, "latest": 30, "scale": 1.0}, 0),
        ({"latest_skipped": 46, "scale": 1.0}, 1),  # `mostly`
        ({"latest_skipped": 44, "scale": 1.0}, 0),
        ({"latest_skipped": 40, "scale": 5e-8}, 1),  # `tiny`
        ({"latest_skipped": 40, "scale": 7e-8}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(check.run(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"skipped": 31, "latest_skipped": 0, "scale": 131072.0},  # the scale began too high and came down
        {"skipped": 100, "latest_skipped": 25, "scale": 1e6},  # it is raised after each good step
        {"skipped": 0, "latest_skipped": 0, "scale": 65536.0},
    ],
)
def test_any_other_scaler_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


@pytest.mark.parametrize(
    ("scales", "count"),
    [
        (halved(200), 1),
        (np.where(STEPS < 150, halved(200), 0.0), 1),  # nothing is left of it
        (halved(60), 1),  # what is left makes all gradients vanish, and is skipped no more
        (np.where(STEPS % 7 == 0, halved(200), np.nan), 1),
        (halved(12), 0),  # it has settled
        (halved(60, 2.0**70), 0),
        (np.where(STEPS % 20 < 10, 512.0, 1024.0), 0),
        (512.0, 0),
        (np.where(STEPS < 20, halved(200), np.nan), 0),  # too few steps
        (np.nan, 0),
    ],
)
def test_where_skipped_steps_count_as_steps_the_scale_tells_how_many_there_were(scales, count):
    assert len(check.run(fallen(scales))) == count


def test_a_run_without_a_scaler_is_judged():
    assert check.run(make_trace()) == ()
