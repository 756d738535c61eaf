import dataclasses

import numpy as np
import pytest

from deeplocalize.rules.loss.softmax_over_wrong_axis import check
from deeplocalize.testing import make_run, source
from deeplocalize.trace import Softmax

LABELS = np.arange(60) % 4
ONE_HOT = np.eye(4)[LABELS]


def run(
    asked,
    axis,
    loss="negative log-likelihood",
    targets=LABELS,
    *,
    framework="torch",
    learns=False,
    shape=(4,),
    **scalars,
):
    trace = asked(loss, "log_softmax", targets, 4, learns=learns, run={"framework": framework}, **scalars)
    (objective,) = trace.run.objectives
    head = dataclasses.replace(objective.head, normalized_axis=axis, shape=shape)
    objective = dataclasses.replace(objective, head=head)
    return dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(objective,)))


def test_a_softmax_over_the_batch_is_named_with_its_line(asked):
    (found,) = check.run(run(asked, 0))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("activation-output", 2, source(22))
    assert "adds up to 1 over the examples of the batch (axis 0), not over the 4 classes (axis 1)" in found.message
    assert (found.remedies[0].before, found.remedies[0].after) == ("dim=0", "dim=1")


def test_in_keras_the_remedy_is_its_argument(asked):
    (found,) = check.run(run(asked, 0, "cross-entropy, by row", ONE_HOT, framework="keras"))
    assert (found.remedies[0].before, found.remedies[0].after) == ("axis=0", "axis=-1")


def test_it_is_weaker_where_the_network_learns_well(asked):
    (weak,), (strong,) = (check.run(run(asked, 0, learns=learns)) for learns in (True, False))
    assert weak.strength < strong.strength


@pytest.mark.parametrize(
    ("framework", "loss", "shape", "axis", "count"),
    [
        ("torch", "negative log-likelihood", (4,), 1, 0),
        ("torch", "negative log-likelihood", (4, 8, 8), 1, 0),  # images: the channels are the classes
        ("torch", "negative log-likelihood", (4, 8, 8), 3, 1),
        ("torch", "negative log-likelihood", (4, 9), 2, 1),
        ("torch", "negative log-likelihood", (4,), None, 0),
        ("torch", "negative log-likelihood", (), 0, 0),  # one example without a batch
        ("keras", "cross-entropy, by number", (9, 4), 2, 0),
        ("keras", "cross-entropy, by number", (9, 4), 1, 1),
    ],
)
def test_the_axis_of_the_classes_depends_on_framework_and_loss(asked, framework, loss, shape, axis, count):
    assert len(check.run(run(asked, axis, loss, framework=framework, shape=shape))) == count


@pytest.mark.parametrize(
    ("targets", "shape", "axis", "count"),
    [
        (ONE_HOT, (4,), 0, 1),
        (ONE_HOT * 0.9 + 0.025, (4,), 0, 1),
        (ONE_HOT, (4, 8, 8), 1, 0),  # channels first
        (ONE_HOT + np.roll(ONE_HOT, 1, axis=1), (4,), 0, 0),  # several labels at once
        (LABELS / 3.0, (4,), 0, 0),
    ],
)
def test_under_a_loss_by_number_the_batch_axis_alone_is_wrong_for_one_class_out_of_several(
    asked, targets, shape, axis, count
):
    assert len(check.run(run(asked, axis, "squared error", targets, shape=shape))) == count


@pytest.mark.parametrize(
    ("size", "majority", "count"), [(4, 0.25, 0), (4, 0.5, 0), (4, 0.75, 1), (5, 0.2, 1), (40, 0.25, 1)]
)
def test_rows_and_columns_that_are_matched_one_to_one_may_compete_both_ways(asked, size, majority, count):
    assert len(check.run(run(asked, 0, batch_size=size, **{"target.majority": majority}))) == count


def test_without_recorded_sizes_the_programs_own_tells(asked):
    trace = run(asked, 0, **{"target.majority": 0.25})
    for size, count in ((4, 0), (32, 1)):
        sized = dataclasses.replace(trace, run=dataclasses.replace(trace.run, batch_size=size))
        assert len(check.run(sized)) == count
    assert make_run().batch_size == 32


@pytest.mark.parametrize(("axis", "batches", "count"), [(0, 30, 1), (0, 1, 0), (1, 30, 0)])
def test_within_the_network_examples_that_compete_are_named_if_batches_differ(asked, axis, batches, count):
    trace = run(asked, 1, **{"input.digest": np.arange(300) % batches})
    inner = dataclasses.replace(trace.run, inner_softmax=Softmax((None, 5), axis, None, source(31)))
    found = check.run(dataclasses.replace(trace, run=inner))
    assert [(each.locus.kind, each.locus.source.line) for each in found] == [("activation-hidden", 31)] * count


def test_of_both_the_output_is_named(asked):
    trace = run(asked, 0, **{"input.digest": np.arange(300)})
    inner = dataclasses.replace(trace.run, inner_softmax=Softmax((None, 5), 0, None, source(31)))
    (found,) = check.run(dataclasses.replace(trace, run=inner))
    assert found.locus.kind == "activation-output"
