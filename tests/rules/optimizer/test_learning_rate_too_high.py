import math

import numpy as np
import pytest

from deeplocalize.rules.optimizer.learning_rate_too_high import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Loss, Optimizer

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)
SGD_10 = Optimizer("sgd", "SGD", {"learning_rate": 10}, source=source(31), sources={"learning_rate": source(32)})


def run(update, loss=2.4, *, weight=1.0, steps=200, data=BASELINE, **facts):
    columns = {"weight.rms": weight, "weight_update.rms": update} | facts.pop("columns", {})
    scalars = {"loss": loss, "learning_rate": 10.0} | facts.pop("scalars", {})
    return make_trace(
        steps=steps,
        scalars=scalars,
        columns=columns,
        data=data,
        run=facts.pop("run", make_run(optimizer=SGD_10)),
        **facts,
    )


def thrown(steps=200):
    """Two huge steps, then nothing moves any more: the units are dead."""
    update = np.zeros((steps, 1))
    update[0], update[1] = 0.5, 4.0
    return update


def test_huge_steps_that_leave_the_network_at_the_constant_answer_are_too_long():
    (finding,) = check.run(run(thrown()))
    assert finding.locus.kind == "learning-rate"
    assert finding.locus.source == source(32)
    assert finding.evidence[0].observed == pytest.approx(4.5)
    assert finding.first_step == 0


def test_the_proposed_rate_gives_the_first_steps_the_usual_length():
    (finding,) = check.run(run(np.full((200, 1), 0.5)))
    (remedy,) = finding.remedies
    assert (remedy.before, remedy.after) == ("10", "0.02")
    assert remedy.intervention.value == 0.02


def test_the_proposal_goes_by_the_first_long_step_and_not_by_the_explosion_it_began():
    (finding,) = check.run(run(np.geomspace(0.05, 5e4, 200)[:, None]))
    assert finding.remedies[0].intervention.value == pytest.approx(0.1)


def test_huge_steps_that_end_in_nan_are_too_long_even_in_a_short_run():
    late = np.arange(20) > 4
    (finding,) = check.run(run(thrown(20), np.where(late, np.nan, 3.0), steps=20, scalars={"loss.nonfinite": late}))
    assert "not finite" in finding.message


def test_a_network_that_learns_well_is_not_accused_however_long_its_steps():
    assert check.run(run(thrown(), np.geomspace(2.3, 0.1, 200))) == ()


def test_the_first_steps_of_adam_in_a_wide_layer_are_no_evidence():
    update = 0.04 / (1 + np.arange(200))[:, None] + 0.001
    assert check.run(run(update)) == ()


def test_usual_steps_are_not_blamed_for_a_network_that_does_not_learn():
    assert check.run(run(1e-3)) == ()


def test_a_layer_that_begins_at_zero_is_no_evidence():
    assert check.run(run([1e-3, 1e-3, 1e-3], weight=[1.0, 1.0, 1e-12])) == ()


def test_a_short_run_whose_loss_jumped_may_still_recover():
    assert check.run(run(thrown(40), 3.0, steps=40)) == ()


def test_gradients_that_exploded_before_the_first_step_are_not_blamed_on_the_rate():
    assert check.run(run(thrown(), columns={"activation_gradient.rms": [1e4, 1.0, 1.0]})) == ()


def test_without_a_baseline_a_loss_far_above_its_start_is_harm():
    other = make_run(loss=Loss("other", "my_loss"))
    rising = np.linspace(1, 100, 200)
    assert len(check.run(run(thrown(), rising, data=DataCard(), run=other))) == 1
    assert check.run(run(thrown(), np.full(200, 1.0), data=DataCard(), run=other)) == ()


def test_an_unknown_rate_still_gets_a_proposal():
    unknown = make_run(optimizer=Optimizer("custom", "Mine", source=source(31)))
    (finding,) = check.run(run(thrown(), run=unknown, scalars={"learning_rate": np.nan}))
    assert "Divide the learning rate" in finding.remedies[0].text


def settled(told, loss=1.8, **facts):
    """Huge steps, and what `told` makes of them."""
    return told(run(np.full((200, 1), 0.5), loss), **facts)


def test_a_network_that_settles_far_from_what_its_inputs_allow_is_harmed_too(told):
    (finding,) = check.run(settled(told, right=0.3))
    assert finding.evidence[1].what.startswith("the error on validation data")


@pytest.mark.parametrize(
    "facts", [{"right": 0.6}, {"right": 0.3, "says": False}, {"right": 0.3, "loss": np.geomspace(2.3, 0.8, 200)}]
)
def test_but_not_one_that_does_well_or_goes_on_or_could_not_know_better(told, facts):
    assert check.run(settled(told, **facts)) == ()


@pytest.mark.parametrize(("kind", "count"), [("recurrent", 2), ("dense", 1)])
def test_in_recurrent_networks_clipping_is_another_way(kind, count):
    (finding,) = check.run(run(thrown(), layers=[make_layer(0, kind)]))
    assert len(finding.remedies) == count
