import dataclasses

import numpy as np
import pytest

from deeplocalize.rules.loss.label_smoothing_too_strong import check
from deeplocalize.testing import source

LABELS = np.arange(60) % 5


def run(asked, smoothing, loss="cross-entropy on logits, by number", targets=LABELS, units=5, **facts):
    trace = asked(loss, "linear", targets, units, **facts)
    (objective,) = trace.run.objectives
    objective = dataclasses.replace(objective, loss=dataclasses.replace(objective.loss, label_smoothing=smoothing))
    return dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(objective,)))


def test_targets_that_are_nearly_the_same_for_all_classes_are_named(asked):
    (found,) = check.run(run(asked, 0.9))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("loss", None, source(30))
    assert found.message == (
        "Label smoothing of 0.9 asks for 0.28 for the true class and 0.18 for every other: the targets hardly say which is "
        "right."
    )
    assert (found.remedies[0].before, found.remedies[0].after) == ("label_smoothing=0.9", "label_smoothing=0.1")


def test_yes_and_no_are_smoothed_towards_one_half(asked):
    (found,) = check.run(run(asked, 0.95, "binary cross-entropy on logits", LABELS[:, None] > 2, 1))
    assert "asks for 0.525 for yes and 0.475 for no" in found.message


@pytest.mark.parametrize(
    ("smoothing", "count"), [(0.0, 0), (0.1, 0), (0.5, 0), (0.74, 0), (0.76, 1), (0.97, 1), (1.0, 1), (1.2, 1)]
)
def test_usual_and_strong_smoothing_leaves_the_classes_apart(asked, smoothing, count):
    assert len(check.run(run(asked, smoothing))) == count


def test_it_is_weaker_where_the_network_learns_well(asked):
    (weak,), (strong,) = (check.run(run(asked, 0.9, learns=learns)) for learns in (True, False))
    assert weak.strength < strong.strength


def test_the_second_loss_of_a_program_is_judged_too(asked, beside_another_loss):
    assert len(check.run(beside_another_loss(run(asked, 0.9)))) == 1
