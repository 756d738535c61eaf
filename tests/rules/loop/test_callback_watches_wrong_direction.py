import dataclasses

import pytest

from deeplocalize.rules.loop.callback_watches_wrong_direction import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace.monitors import Monitor

STOPPED = Monitor(
    "EarlyStopping", "val_accuracy", "down", "up", stopped=True, restored=True, best=0.3, value=0.7, source=source(20)
)
CUT = Monitor("ReduceLROnPlateau", "val_loss", "up", "down", cuts=3, best=2.3, value=0.4, source=source(21))


def run(monitor, **facts):
    return make_trace(run=make_run(framework="keras", monitors=(dataclasses.replace(monitor, **facts),)))


def test_an_early_stop_for_a_rising_accuracy_is_shown_at_its_mode():
    (finding,) = check.run(run(STOPPED))
    assert (finding.locus.kind, finding.locus.source) == ("training-loop", source(20))
    assert "stopped the training and set the network back" in finding.message
    assert finding.remedies[0].after == 'mode="max"'
    assert (finding.evidence[0].observed, finding.evidence[0].limit) == (0.7, 0.3)


def test_cutting_the_rate_for_a_falling_loss_is_shown():
    (finding,) = check.run(run(CUT))
    assert (finding.locus.kind, finding.locus.source) == ("learning-rate", source(21))
    assert "cut the learning rate 3 times" in finding.message
    assert finding.remedies[0].after == 'mode="min"'


def test_without_its_line_the_call_of_fit_is_shown():
    (finding,) = check.run(run(STOPPED, source=None))
    assert finding.locus.source == source(40)


def test_in_pytorch_where_no_mode_may_stand_in_the_file_only_the_right_one_is_given():
    trace = make_trace(run=make_run(framework="torch", monitors=(CUT,)))
    (remedy,) = check.run(trace)[0].remedies
    assert (remedy.before, remedy.after) == (None, 'mode="min"')


@pytest.mark.parametrize(
    ("monitor", "facts"),
    [
        (STOPPED, {"takes": "up"}),  # the right mode
        (STOPPED, {"better": None}),  # a metric of the user's own
        (STOPPED, {"stopped": False, "restored": False}),  # it did nothing
        (STOPPED, {"value": 0.3}),  # nothing got better: the other mode would have stopped it as well
        (STOPPED, {"value": None, "best": None}),
        (CUT, {"cuts": 0}),
        (CUT, {"value": 2.4}),
    ],
)
def test_a_callback_that_did_no_harm_is_let_alone(monitor, facts):
    assert check.run(run(monitor, **facts)) == ()
