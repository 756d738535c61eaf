import numpy as np

from bench.early import looks, seen, until
from deeplocalize.testing import make_trace


def test_a_trace_is_cut_off_as_if_the_run_were_going_on():
    trace = make_trace(steps=100, sampled=[0, 10, 50, 90], columns={"activation.dead": np.arange(4)[:, None]})
    early = until(trace, 20)
    assert (len(early.steps), list(early.sampled), early.run.ended) == (20, [0, 10], "running")
    assert early.scalar("loss").shape == (20,) and early.series("activation", "dead").shape == (2, 3)


def test_looks_come_every_tenth_and_not_more_often_than_ten_steps():
    assert looks(55) == [10, 20, 30, 40, 50]
    assert looks(1000)[-1] < 1000 and looks(5) == []


def test_a_fault_is_seen_from_the_first_look_at_which_it_stays():
    stale = np.where(np.arange(200) < 60, 0.0, 1.0)  # no stale gradient in the first 60 steps
    trace = make_trace(steps=200, scalars={"stale_gradient": stale})
    assert seen(trace, "missing-zero-grad") == 121  # the first look with more than half of the steps stale


def test_a_fault_that_is_not_named_at_the_end_is_not_seen():
    assert seen(make_trace(steps=100), "missing-zero-grad") is None
