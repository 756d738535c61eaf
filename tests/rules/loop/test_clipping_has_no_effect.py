import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loop.clipping_has_no_effect import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(idle, loss=2.3, **scalars):
    facts = make_run(sources={"idle_clip": source(41), "step": source(43)})
    scalars = {"idle_clips": np.asarray(idle, float), "backwards": 1.0, "loss": loss} | scalars
    return make_trace(steps=len(idle), scalars=scalars, data=BASELINE, run=facts)


def test_clipping_before_backward_is_named_with_its_line():
    (found,) = check.run(run(np.ones(100)))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(41))


def test_a_clip_that_is_given_nothing_is_said_to_be():
    trace = run(np.ones(100))
    sources = {"empty_clip": source(42)}
    (found,) = check.run(dataclasses.replace(trace, run=dataclasses.replace(trace.run, sources=sources)))
    assert found.locus.source == source(42)
    assert "given no parameters with a gradient" in found.message and "list" in found.remedies[0].text


def test_it_is_weaker_where_the_network_learns_well_all_the_same():
    (weak,), (strong,) = check.run(run(np.ones(200), np.geomspace(2.3, 0.1, 200))), check.run(run(np.ones(200)))
    assert weak.strength < strong.strength


@pytest.mark.parametrize(("steps", "count"), [(9, 0), (10, 1)])
def test_a_few_steps_say_nothing(steps, count):
    assert len(check.run(run(np.ones(steps)))) == count


@pytest.mark.parametrize(("share", "count"), [(0.1, 0), (0.4, 0), (0.6, 1)])
def test_most_steps_must_be_so(share, count):
    assert len(check.run(run(np.arange(400) < 400 * share))) == count


def test_steps_that_are_clipped_after_backward_too_are_fine():
    assert check.run(run(np.ones(100), clipped=1.0)) == ()


def test_a_gradient_made_without_backward_may_be_clipped_anywhere():
    assert check.run(run(np.ones(100), backwards=0.0)) == ()


def test_a_run_in_which_the_calls_were_not_seen_is_not_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
