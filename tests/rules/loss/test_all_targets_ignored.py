import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.loss.all_targets_ignored import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import Loss

LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index", ignore_index=-100, source=source(30))


def run(ignored, steps=50, lost=None, sources=None):
    lost = np.zeros(steps) if lost is None else lost
    scalars = {"target.ignored": ignored, "loss.nonfinite": lost, "loss": np.where(lost > 0, np.nan, 1.0)}
    made = dataclasses.replace(make_run(LOSS), sources=sources or {"targets": source(12)})
    return make_trace(steps=steps, scalars=scalars, run=made)


def test_labels_that_are_all_left_out_are_named_with_the_line_that_made_them():
    (found,) = check.run(run(1.0))
    assert (found.locus.kind, found.locus.source) == ("label-encoding", source(12))
    assert found.message == (
        "All labels in 50 recorded steps are -100, which CrossEntropyLoss leaves out: there is nothing to learn from."
    )
    assert found.first_step == 0


def test_without_a_line_of_the_labels_the_losss_is_named():
    (found,) = check.run(run(1.0, sources={"loss": source(41)}))
    assert found.locus.source == source(41)


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.85, 0), (0.99, 0), (0.9995, 1), (1.0, 1)])
def test_masked_language_models_and_long_prompts_leave_enough(share, count):
    assert len(check.run(run(share))) == count


@pytest.mark.parametrize(("seen", "count"), [(2, 0), (4, 1), (29, 1)])
def test_a_few_recorded_steps_are_needed(seen, count):
    assert len(check.run(run(np.where(np.arange(50) < seen, 1.0, np.nan)))) == count


def test_a_single_batch_without_labels_is_no_fault():
    assert check.run(run(np.where(np.arange(50) == 20, 1.0, 0.3))) == ()


@pytest.mark.parametrize(("at", "count"), [(20, 1), (19, 0)])
def test_unless_the_loss_was_lost_in_it(at, count):
    found = check.run(run(np.where(np.arange(50) == 20, 1.0, 0.3), lost=(np.arange(50) >= at).astype(float)))
    assert len(found) == count
    assert all("All labels of step 20 are -100" in each.message for each in found)
    assert all(each.first_step == 20 for each in found)


def test_without_shares_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
