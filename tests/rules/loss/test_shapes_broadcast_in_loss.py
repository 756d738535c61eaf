import dataclasses

import numpy as np
import pytest

from deeplocalize.testing import source
from deeplocalize.trace.schema import Loss

TARGETS = np.linspace(-3, 3, 60)
BROADCAST = Loss("mean-squared-error", "MSELoss", "values", "elementwise", broadcasts=True)


def test_a_column_compared_with_a_flat_array_is_named(asked, rule):
    (found,) = rule("shapes-broadcast-in-loss").run(asked(BROADCAST, "linear", TARGETS))
    assert found.locus.kind == "loss"
    assert found.remedies[0].after == "prediction.squeeze(-1)"
    assert found.evidence[0].observed == 32


def test_the_side_that_has_the_extra_axis_is_told(asked, rule):
    trace = asked(BROADCAST, "linear", TARGETS.reshape(60, 1))
    (objective,) = trace.run.objectives
    flat = dataclasses.replace(objective, head=dataclasses.replace(objective.head, shape=()))
    trace = dataclasses.replace(trace, run=dataclasses.replace(trace.run, objectives=(flat,)))
    assert rule("shapes-broadcast-in-loss").run(trace)[0].remedies[0].after == "target.squeeze(-1)"


@pytest.mark.parametrize(
    ("loss", "targets", "run"),
    [
        (dataclasses.replace(BROADCAST, broadcasts=False), TARGETS, {}),
        (BROADCAST, np.ones(60), {}),
        (BROADCAST, TARGETS.reshape(60, 1), {}),
        (BROADCAST, TARGETS, {"batch_size": 1}),
    ],
)
def test_shapes_made_equal_labels_of_a_discriminator_and_batches_of_one_are_left_alone(asked, rule, loss, targets, run):
    assert rule("shapes-broadcast-in-loss").run(asked(loss, "linear", targets, run=run)) == ()


@pytest.mark.parametrize("batch_size", [1, 32, None])
def test_a_loss_that_multiplies_each_example_with_the_factors_of_all_is_named(asked, rule, batch_size):
    loss = Loss("other", "other", multiplies_all=True, source=source(74))
    (found,) = rule("shapes-broadcast-in-loss").run(asked(loss, "linear", TARGETS, run={"batch_size": batch_size}))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("loss", None, source(74))
    assert "mean of the other" in found.message and "squeeze" in found.remedies[0].text
