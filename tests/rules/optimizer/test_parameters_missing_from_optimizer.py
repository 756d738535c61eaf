import numpy as np
import pytest

from deeplocalize.rules.optimizer.parameters_missing_from_optimizer import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.schema import Optimizer

BASELINE = DataCard(baseline_loss=2.3, baseline_accuracy=0.1)


def run(optimized, *, trainable=1.0, reached=1.0, learns=False):
    states = {"layer.optimized": optimized, "layer.trainable": trainable, "layer.reached": reached}
    loss = np.geomspace(2.3, 0.1, 200) if learns else 2.3
    return make_trace(layers=4, steps=200, scalars={"loss": loss}, columns=states, data=BASELINE)


def test_a_new_head_that_the_optimizer_does_not_hold_is_named():
    (finding,) = check.run(run([1, 1, 1, 0]))
    assert finding.locus.kind == "optimizer"
    assert finding.locus.source == source(31)
    assert "layer 3 (layer3, Dense)" in finding.message
    assert "72 in all" in finding.message


def test_several_missing_layers_are_one_finding():
    (finding,) = check.run(run([0, 1, 0.5, 1]))
    assert "and 1 more layer" in finding.message


def test_a_missing_head_is_weaker_evidence_if_the_rest_makes_up_for_it():
    (weak,), (strong,) = check.run(run([1, 1, 1, 0], learns=True)), check.run(run([1, 1, 1, 0]))
    assert weak.strength < strong.strength


@pytest.mark.parametrize("optimized", [[0, 0, 1, 1], [0, 1, 0, 1]])
def test_training_a_part_on_purpose_is_not_accused_if_it_learns_well(optimized):
    assert check.run(run(optimized, learns=True)) == ()


def test_an_optimizer_that_was_given_what_another_one_holds_is_named():
    twins = [Optimizer("adam", "Adam", source=source(30)), Optimizer("adam", "Adam", source=source(32), misplaced=True)]
    states = {"layer.optimized": [1, 1, 0, 0], "layer.trainable": 1, "layer.reached": 1}
    (finding,) = check.run(make_trace(layers=4, steps=200, run=make_run(optimizers=tuple(twins)), columns=states))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("optimizer", 2, source(32))
    assert "No optimizer holds the parameters of layer 2" in finding.message


def test_layers_in_a_plain_list_are_named_even_if_the_rest_learns_well():
    layers = [make_layer(0), make_layer(1, registered=False), make_layer(2)]
    states = {"layer.optimized": [1, 0, 1], "layer.trainable": 1, "layer.reached": 1}
    loss = np.geomspace(2.3, 0.1, 200)
    (finding,) = check.run(make_trace(layers=layers, steps=200, scalars={"loss": loss}, columns=states, data=BASELINE))
    assert (finding.locus.layer, finding.locus.source) == (1, source(11))
    assert finding.remedies[0].after == "nn.ModuleList([...])"


def test_frozen_layers_need_not_be_held():
    assert check.run(run([0, 0, 0, 1], trainable=[0, 0, 0, 1])) == ()


def test_layers_that_get_no_gradient_need_not_be_held():
    assert check.run(run([0, 1, 1, 1], reached=[0, 1, 1, 1])) == ()


def test_parameters_that_are_added_later_are_not_missing():
    optimized = np.ones((200, 4))
    optimized[:100, 3] = 0
    assert check.run(run(optimized)) == ()


def test_layers_without_parameters_are_not_missing():
    assert check.run(run([1, np.nan, 1, 1])) == ()


def untracked(weight, kind="dense", initializer="glorot_uniform", sources=None, well=True):
    """A run of Keras whose second layer is in an object that is no layer; `weight` is the largest over the RMS."""
    hidden = make_layer(1, kind, registered=False, initializer=initializer, parameters=5000, sources=sources or {})
    layers = [make_layer(0, initializer="glorot_uniform"), hidden, make_layer(2, initializer="glorot_uniform")]
    states = {"layer.optimized": [1, 0, 1], "layer.trainable": 1, "layer.reached": 1}
    weights = {"weight.rms": 1.0, "weight.max": weight, "weight.min": -weight}
    loss = np.geomspace(2.3, 0.1, 200) if well else 2.3
    return make_trace(
        layers=layers,
        steps=200,
        scalars={"loss": loss},
        columns=states | weights,
        data=BASELINE,
        run=make_run(framework="keras"),
    )


def test_random_layers_that_keras_does_not_track_are_shown_at_the_class_that_holds_them():
    (finding,) = check.run(untracked(3**0.5, sources={"held": source(3)}))
    assert (finding.locus.layer, finding.locus.source) == (1, source(3))
    assert "keras.layers.Layer" in finding.remedies[0].text


@pytest.mark.parametrize("well", [True, False])
@pytest.mark.parametrize("facts", [{"weight": 4.0}, {"weight": 3**0.5, "initializer": "he_normal"}])
def test_layers_that_may_have_been_trained_before_are_let_alone(facts, well):
    assert check.run(untracked(**facts, well=well)) == ()


def unfrozen(weight=1.0, free=0.0, well=False):
    """A run of Keras whose first layer was set free in line 50, after the model was compiled."""
    layers = [make_layer(0, sources={"unfrozen": source(50)}), make_layer(1), make_layer(2)]
    states = {
        "layer.optimized": [0, 1, 1],
        "layer.trainable": np.stack([np.broadcast_to(free, 200), *[np.ones(200)] * 2], 1),
    }
    weights = np.stack([np.linspace(1.0, weight, 200), *[np.ones(200)] * 2], 1)
    columns = states | {f"weight.{stat}": weights for stat in ("mean", "rms", "min", "max")}
    loss = np.geomspace(2.3, 0.1, 200) if well else 2.3
    return make_trace(layers=layers, steps=200, scalars={"loss": loss}, columns=columns, data=BASELINE)


@pytest.mark.parametrize("well", [True, False])
def test_layers_set_free_after_compile_are_shown_where_they_were(well):
    (finding,) = check.run(unfrozen(well=well))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("training-loop", 0, source(50))
    assert "compile" in finding.remedies[0].text
    assert finding.strength == (0.5 if well else 1.0)


@pytest.mark.parametrize(
    "facts",
    [
        {"weight": 1.1},  # another model trains it: the discriminator of a generator's
        {"free": np.arange(200) >= 100},  # compiled again after all
    ],
)
def test_layers_set_free_that_are_trained_all_the_same_are_let_alone(facts):
    assert check.run(unfrozen(**facts)) == ()
