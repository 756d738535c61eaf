import dataclasses

import numpy as np
import pytest

from deeplocalize.rules.activation.non_finite_values import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import Origin, Series
from deeplocalize.trace.schema import PassedOver

ROLES = ("weight", "activation", "activation_gradient", "weight_gradient", "weight_update")


def run(step, scalars=(), columns=None, *, steps=20, lost=True, forever=True, **facts):
    """A run in which the named values are not finite from `step` on (or in that step alone)."""
    when = np.arange(steps) >= step if forever else np.arange(steps) == step
    given = {"loss": np.where(when, np.nan, 2.3)} if lost else {"loss": 2.3}
    given |= {"loss.nonfinite": when * float(lost), "prediction.nonfinite": 0.0, "input.nonfinite": 0.0}
    given |= {name: when * 1.0 for name in scalars}
    table = {f"{role}.nonfinite": np.zeros((steps, 3)) for role in ROLES}
    for name, layers in (columns or {}).items():
        table[name] = np.where(when[:, None], np.array(layers, float), 0.0)
    layers = [make_layer(at, sources={"activation": source(90 + at)}) for at in range(3)]
    return make_trace(layers=layers, steps=steps, scalars=given, columns=table, **facts)


def only(trace):
    (finding,) = check.run(trace)
    return finding.locus.kind, finding.locus.layer, finding.first_step


def test_it_begins_with_the_input():
    assert only(run(3, ["input.nonfinite"], {"activation.nonfinite": [5, 5, 5]})) == ("data", None, 3)


def test_it_begins_with_the_targets():
    assert only(run(3, ["target.nonfinite"])) == ("data", None, 3)


def test_it_begins_in_a_layer_whose_inputs_and_weights_are_finite():
    trace = run(
        3, ["prediction.nonfinite"], {"activation.nonfinite": [0, 4, 9], "activation_gradient.nonfinite": [9, 9, 9]}
    )
    (finding,) = check.run(trace)
    assert only(trace) == ("activation-hidden", 1, 3)
    assert finding.locus.source == source(91)
    assert finding.evidence[0].observed == 4


def test_it_begins_in_the_output_layer():
    assert only(run(3, ["prediction.nonfinite"], {"activation.nonfinite": [0, 0, 9]})) == ("activation-output", 2, 3)


def test_it_begins_in_an_operation_between_two_layers():
    columns = {"input.nonfinite": [0, 7, 7], "activation.nonfinite": [0, 7, 7]}
    (finding,) = check.run(run(3, columns=columns))
    assert "what layer 1 (layer1, Dense) is given" in finding.message


def test_it_begins_between_the_last_layer_and_the_loss():
    assert only(run(3, ["prediction.nonfinite"]))[:2] == ("activation-output", 2)


def test_it_begins_in_the_loss():
    trace = run(3, columns={"activation_gradient.nonfinite": [9, 9, 9]})
    (finding,) = check.run(trace)
    assert only(trace) == ("loss", None, 3)
    assert finding.locus.source == source(30)


def test_it_begins_in_the_gradient_of_a_layer():
    columns = {"activation_gradient.nonfinite": [3, 0, 0], "weight_gradient.nonfinite": [9, 2, 0]}
    columns |= {"weight_update.nonfinite": [9, 2, 0]}
    assert only(run(3, columns=columns, lost=False)) == ("activation-hidden", 1, 3)


def test_a_gradient_that_is_not_finite_at_the_output_comes_from_the_loss():
    columns = {"activation_gradient.nonfinite": [9, 9, 9], "weight_update.nonfinite": [9, 9, 9]}
    assert only(run(3, columns=columns, lost=False))[0] == "loss"


def test_it_begins_in_the_update():
    assert only(run(3, columns={"weight_update.nonfinite": [0, 1, 0]}, lost=False)) == ("learning-rate", None, 3)


def made_by(step=3, after=1):
    return make_run(origin=Origin(step, "log", after, source(77)))


def test_an_operation_in_the_users_code_is_named_with_its_line():
    columns = {"input.nonfinite": [0, 0, 7], "activation.nonfinite": [0, 0, 7]}
    (finding,) = check.run(run(3, columns=columns, run=made_by()))
    assert "the operation log behind layer 1 (layer1, Dense) gives NaN" in finding.message
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("activation-hidden", 1, source(77))


def test_an_operation_within_a_layer_of_the_users_own_is_named_with_that_layer():
    trace = run(3, columns={"activation.nonfinite": [0, 0, 7]}, run=made_by())
    layers = (*trace.layers[:2], dataclasses.replace(trace.layers[2], kind="custom"))
    (finding,) = check.run(dataclasses.replace(trace, layers=layers))
    assert "the operation log in layer 2" in finding.message
    assert (finding.locus.layer, finding.locus.source) == (2, source(77))


def test_an_operation_behind_the_last_layer_belongs_to_the_output():
    (finding,) = check.run(run(3, ["prediction.nonfinite"], run=made_by(after=2)))
    assert (finding.locus.kind, finding.locus.source) == ("activation-output", source(77))


def test_an_operation_in_a_loss_of_the_users_own_belongs_to_the_loss():
    (finding,) = check.run(run(3, run=made_by(after=2)))
    assert (finding.locus.kind, finding.locus.source) == ("loss", source(77))


def test_an_operation_of_another_step_is_not_to_blame():
    (finding,) = check.run(run(3, run=made_by(step=9)))
    assert finding.locus.source == source(30)


def test_weights_that_are_not_finite_when_a_step_begins_were_made_so_by_steps():
    assert (
        only(run(3, columns={"weight.nonfinite": [0, 1, 0], "activation.nonfinite": [0, 9, 9]}))[0] == "learning-rate"
    )


def test_weights_that_are_not_finite_at_the_very_start_come_from_the_initializer():
    assert only(run(0, columns={"weight.nonfinite": [0, 1, 0], "activation.nonfinite": [0, 9, 9]}))[:2] == (
        "initializer",
        1,
    )


def test_weights_spoiled_by_the_gradient_of_the_step_before_lead_back_to_it():
    trace = run(4, columns={"weight.nonfinite": [1, 1, 1], "activation.nonfinite": [9, 9, 9]})
    gradient = np.zeros((20, 3))
    gradient[3:, 0] = 2
    columns = {**{str(key): value for key, value in trace.columns.items()}, "weight_gradient.nonfinite": gradient}
    scalars = {"loss": trace.scalar("loss"), "loss.nonfinite": trace.scalar("loss.nonfinite")}
    spoiled = make_trace(layers=list(trace.layers), steps=20, scalars=scalars, columns=columns)
    assert only(spoiled) == ("activation-hidden", 0, 3)


def test_an_attention_mask_is_left_alone():
    always = {"activation.nonfinite": [0, 4, 0]}
    assert check.run(run(0, columns=always, lost=False)) == ()


def test_an_attention_mask_is_not_the_origin_of_what_goes_wrong_later():
    trace = run(8, ["prediction.nonfinite"], {"activation.nonfinite": [0, 0, 9]})
    mask = trace.series("activation", "nonfinite").copy()
    mask[:, 0] = 4
    columns = {"activation.nonfinite": mask}
    scalars = {name: trace.scalar(name) for name in ("loss", "loss.nonfinite", "prediction.nonfinite")}
    masked = make_trace(
        layers=list(trace.layers), steps=20, scalars=scalars, columns={"weight.nonfinite": 0.0} | columns
    )
    assert only(masked) == ("activation-output", 2, 8)


def test_a_step_that_mixed_precision_skipped_is_left_alone():
    assert check.run(run(3, columns={"weight_gradient.nonfinite": [5, 5, 5]}, lost=False, forever=False)) == ()


def test_a_run_that_goes_on_with_finite_values_is_weaker_evidence():
    (once,), (lasting,) = check.run(run(3, forever=False)), check.run(run(3))
    assert once.strength < lasting.strength


def test_finite_values_are_no_fault():
    assert check.run(run(99)) == ()


@pytest.mark.parametrize("sampled", [[0, 10], []])
def test_a_step_whose_layers_were_not_recorded_is_told_by_its_loss(sampled):
    late = np.arange(20) >= 5
    scalars = {"loss": np.where(late, np.nan, 2.3), "loss.nonfinite": late}
    (finding,) = check.run(make_trace(steps=20, sampled=sampled, scalars=scalars))
    assert finding.first_step == 5


def test_a_slope_in_the_users_code_is_told_apart_from_weights_that_grew():
    origin = Origin(2, "sqrt", 2, source(77))
    columns = {"weight.nonfinite": [9, 9, 9], "activation.nonfinite": [9, 9, 9]}
    for before, kind in ((2.3, "loss"), (2.3e5, "learning-rate")):
        trace = run(3, columns=columns, run=make_run(origin=origin))
        loss = np.where(np.arange(20) == 2, before, trace.scalar("loss"))
        (finding,) = check.run(dataclasses.replace(trace, scalars={**trace.scalars, "loss": loss}))
        assert finding.locus.kind == kind
    assert "sqrt" in check.run(trace)[0].remedies[0].text


def test_the_gradient_that_comes_out_of_a_layer_of_the_users_own_is_that_layers():
    columns = {"activation_gradient.nonfinite": [9, 0, 0], "weight.nonfinite": [0, 0, 0]}
    trace = run(3, columns=columns, lost=False)
    spoiled = {**trace.columns, Series("weight_update", "nonfinite"): np.where(np.arange(20)[:, None] >= 3, 9.0, 0.0)}
    for kind, layer in (("dense", 0), ("custom", 1)):
        layers = (trace.layers[0], dataclasses.replace(trace.layers[1], kind=kind), trace.layers[2])
        assert only(dataclasses.replace(trace, layers=layers, columns=spoiled))[1] == layer


def passing_over(batches=20, used=80, **facts):
    return make_trace(run=make_run(passed_over=PassedOver(batches, used, **facts)))


def test_batches_that_are_passed_over_lead_to_the_operation_that_spoils_them():
    division = Origin(0, "division", None, source(49))
    (finding,) = check.run(passing_over(layer=1, given=True, origin=division))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("activation-hidden", None, source(49))
    assert "passes over 20% of its batches" in finding.message and "the operation division gives NaN" in finding.message
    assert "divisor" in finding.remedies[0].text and finding.strength == 0.5


@pytest.mark.parametrize(
    ("facts", "said", "kind", "layer"),
    [
        ({"layer": 1}, "the output of layer 1", "activation-hidden", 1),
        ({"layer": 1, "given": True}, "what layer 1", "activation-hidden", 1),
        ({"origin": Origin(0, "log", 2, source(9))}, "the operation log behind layer 2", "activation-output", 2),
        ({}, "where that begins is not known", "activation-hidden", None),
    ],
)
def test_of_batches_that_are_passed_over_it_is_said_what_is_known(facts, said, kind, layer):
    (finding,) = check.run(passing_over(60, 40, **facts))
    assert said in finding.message and (finding.locus.kind, finding.locus.layer) == (kind, layer)
    assert finding.strength == 1


@pytest.mark.parametrize(("batches", "of_inputs", "count"), [(10, 0, 1), (9, 0, 0), (2, 0, 0), (20, 9, 1), (20, 10, 0)])
def test_a_few_batches_that_are_passed_over_are_left_alone_and_bad_inputs_are_another_fault(batches, of_inputs, count):
    assert len(check.run(passing_over(batches, 100 - batches, of_inputs=of_inputs, layer=0))) == count


def test_values_that_spoil_the_training_come_before_batches_that_are_passed_over():
    trace = run(3, ["input.nonfinite"], run=make_run(passed_over=PassedOver(20, 80)))
    assert only(trace) == ("data", None, 3)
