import dataclasses

import numpy as np
import pytest

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
