import dataclasses
import math

import numpy as np
import pytest

from deeplocalize.rules.optimizer.weight_decay_too_strong import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Optimizer

BASELINE = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)


def optimizer(kind="sgd", decay=0.1, **settings):
    lines = {"weight_decay": source(32)}
    return Optimizer(kind, kind, {"weight_decay": decay, **settings}, source=source(31), sources=lines)


def run(
    *, left=1e-4, gradient=0.05, update=0.05, loss=2.3, rate=0.1, made=None, framework="torch", layers=3, **columns
):
    """Weights of size 1 that shrink to `left` of it in 200 steps; the constant answer's loss is 2.303."""
    weights = np.geomspace(1.0, left, 200)[:, None]
    return make_trace(
        layers=layers,
        steps=200,
        scalars={"loss": loss, "learning_rate": rate},
        columns={"weight.rms": weights, "weight_gradient.rms": gradient, "weight_update.rms": update, **columns},
        data=BASELINE,
        run=make_run(optimizer=made or optimizer(), framework=framework),
    )


def penalized(**settings):
    return [make_layer(at, settings=settings, sources={"kernel_regularizer": source(50 + at)}) for at in range(3)]


def test_a_decay_larger_than_the_gradient_that_shrinks_the_weights_away_is_too_strong():
    (finding,) = check.run(run())
    assert finding.locus.kind == "regularizer" and finding.locus.layer is None
    assert finding.locus.source == source(32)
    assert finding.evidence[0].observed == pytest.approx(0.1 / math.hypot(0.1, 0.05))
    assert finding.evidence[1].observed == pytest.approx(1e-4)
    assert finding.remedies[0].after == "weight_decay=0.0001"
    assert "weight decay of 0.1" in finding.message


def test_without_the_line_of_the_argument_the_optimizer_is_shown():
    made = Optimizer("sgd", "SGD", {"weight_decay": 0.1}, source=source(31))
    assert check.run(run(made=made))[0].locus.source == source(31)


@pytest.mark.parametrize(("gradient", "count"), [(0.09, 1), (0.12, 0), (1.0, 0), (0.01, 1)])
def test_the_decay_must_be_most_of_the_first_step(gradient, count):
    assert len(check.run(run(gradient=gradient, left=0.01))) == count


@pytest.mark.parametrize(
    ("gradient", "left", "count"), [(0.12, 1e-4, 1), (0.12, 8e-4, 1), (0.12, 2e-3, 0), (0.2, 1e-4, 0)]
)
def test_half_of_it_is_enough_where_nothing_is_left_of_the_weights(gradient, left, count):
    assert len(check.run(run(gradient=gradient, left=left))) == count


@pytest.mark.parametrize(("left", "count"), [(0.02, 1), (0.09, 1), (0.12, 0), (0.9, 0)])
def test_the_weights_must_be_gone(left, count):
    assert len(check.run(run(left=left))) == count


@pytest.mark.parametrize(("decay", "count"), [(0.05, 1), (0.011, 1), (0.009, 0), (5e-4, 0)])
def test_a_usual_decay_is_not_blamed_for_a_gradient_that_is_weaker_than_it(decay, count):
    assert len(check.run(run(made=optimizer(decay=decay), gradient=decay / 10))) == count


@pytest.mark.parametrize("kind", ["adam", "rmsprop", "adagrad"])
def test_in_pytorch_the_decay_of_other_optimizers_is_added_to_the_gradient_too(kind):
    assert len(check.run(run(made=optimizer(kind)))) == 1


@pytest.mark.parametrize(("decay", "rate", "count"), [(10, 1e-2, 1), (0.2, 1e-2, 1), (0.08, 1e-2, 0), (0.01, 1e-3, 0)])
def test_apart_from_the_gradient_it_is_the_pace_that_counts(decay, rate, count):
    trace = run(made=optimizer("adamw", decay), rate=rate, update=decay * rate, gradient=1.0)
    assert len(check.run(trace)) == count


def test_an_update_that_is_mostly_the_gradients_is_not_the_decays():
    assert len(check.run(run(made=optimizer("adamw", 1.0), update=0.11, left=0.01))) == 1
    assert check.run(run(made=optimizer("adamw", 1.0), update=0.2)) == ()


def test_adam_can_be_told_to_decay_apart_from_the_gradient():
    made = optimizer("adam", 1.0, decoupled_weight_decay=True)
    assert check.run(run(made=made, update=0.2)) == ()
    assert len(check.run(run(made=optimizer("adam", 1.0, decoupled_weight_decay=False), update=0.2))) == 1


def test_every_optimizer_of_keras_decays_apart_from_the_gradient():
    (finding,) = check.run(run(made=optimizer("sgd", 1.0), framework="keras", update=0.1, gradient=10.0))
    assert finding.remedies[0].after == "weight_decay=0.0001"
    assert check.run(run(made=optimizer("sgd", 1.0), framework="keras", update=1.0)) == ()


@pytest.mark.parametrize("settings", [{"l2": 1.0}, {"l1": 2.0}, {"l1": 1.0, "l2": 0.5}])
def test_a_penalty_is_shown_at_its_layer(settings):
    trace = run(made=optimizer(decay=None), framework="keras", layers=penalized(**settings), gradient=2.1)
    (finding,) = check.run(trace)
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("regularizer", 0, source(50))
    assert "penalty" in finding.message and finding.remedies[0].after == "0.0001"


def test_a_penalty_is_a_part_of_the_gradient_that_was_recorded():
    trace = run(made=optimizer(decay=None), framework="keras", layers=penalized(l2=1.0), gradient=4.0)
    assert check.run(trace) == ()


def test_layers_without_a_penalty_are_not_asked():
    layers = [make_layer(0), make_layer(1, settings={"l2": 1.0}), make_layer(2)]
    trace = run(made=optimizer(decay=None), framework="keras", layers=layers, gradient=[50.0, 2.0, 50.0])
    assert check.run(trace)[0].locus.layer == 1


def test_no_decay_is_no_fault():
    assert check.run(run(made=optimizer(decay=0))) == ()
    assert check.run(run(made=optimizer(decay=None))) == ()


def test_a_network_that_learns_well_may_decay_as_it_likes():
    assert check.run(run(left=0.002, loss=np.geomspace(2.3, 0.1, 200))) == ()


@pytest.mark.parametrize(
    ("weights", "decay", "count"),
    [([1, 1e-4, 1], 0.1, 1), ([1, 2e-3, 1], 0.1, 0), ([1, 1e-4, 1], 0.001, 0), ([1e-4, 1e-4, 1], 0.1, 1)],
)
def test_unless_nothing_is_left_of_a_layer(weights, decay, count):
    layers = [
        make_layer(at, settings={"l2": decay / 2}, sources={"kernel_regularizer": source(50 + at)}) for at in range(3)
    ]
    pace = np.linspace(0, 1, 200)[:, None]
    columns = {"weight.rms": np.array(weights) ** pace, "weight_gradient.rms": 0.05, "weight_update.rms": 0.05}
    trace = make_trace(
        layers=layers,
        steps=200,
        scalars={"loss": np.geomspace(2.3, 0.5, 200), "learning_rate": 0.1},
        columns=columns,
        data=BASELINE,
        run=make_run(optimizer=optimizer(decay=0.0), framework="keras"),
    )
    found = check.run(trace)
    assert len(found) == count
    if count:
        assert found[0].locus.layer == weights.index(1e-4)
        assert "so nothing goes through" in found[0].message


def test_a_network_that_had_no_time_yet_is_not_judged():
    short = make_trace(
        steps=40,
        scalars={"loss": 2.3},
        columns={
            "weight.rms": np.geomspace(1, 1e-4, 40)[:, None],
            "weight_gradient.rms": 0.05,
            "weight_update.rms": 0.05,
        },
        data=BASELINE,
        run=make_run(optimizer=optimizer()),
    )
    assert check.run(short) == ()


def test_a_loss_that_is_not_finite_is_another_fault():
    late = np.arange(200) > 100
    trace = run(loss=np.where(late, np.nan, 2.3))
    lost = {**trace.scalars, "loss.nonfinite": late.astype(float)}
    assert check.run(dataclasses.replace(trace, scalars=lost)) == ()


def test_a_gradient_that_vanished_before_the_first_step_is_not_the_decays_fault():
    assert check.run(run(**{"activation_gradient.rms": [1e-4, 1.0, 1.0]})) == ()


def test_where_there_is_no_gradient_the_decay_is_not_what_holds_learning_up():
    assert check.run(run(gradient=0.0)) == ()
