import numpy as np
import pytest

from deeplocalize.rules.model.initial_weights_of_wrong_scale import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, InputCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Sample

ROWS, STEPS, UNITS = 400, 400, 64
RANDOM = np.random.default_rng(0)
LABELS = np.resize(np.arange(4), ROWS)
INPUTS = RANDOM.normal(size=(ROWS, 4)) + 6 * np.eye(4)[LABELS]
UNIT = InputCard("x", "float32", (4,), ROWS, -1.0, 1.0, 0.0, 1.0, 0, False, 4, 0, None)
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")


def chain(*kinds, activation="relu"):
    """Three hidden layers of 64 units with as many inputs each, and an output layer; the second may be of another kind."""
    kinds = kinds or ("dense",) * 4
    shape = {"input_shape": (UNITS,), "output_shape": (UNITS,), "parameters": UNITS * (UNITS + 1)}
    return [make_layer(at, kind, activation=activation, **shape) for at, kind in enumerate(kinds)]


def run(gain=0.08, handed_on=1e-4, *, layers=None, loss=1.39, right=0.25, rise=1.0, doubtful=0.0, columns=None):
    """Weights that multiply by `gain`, inputs of size 1, and a share of answers that are right; neighbors are always right
    but for a share of labels that are chance."""
    layers = layers or chain()
    labels = np.where(RANDOM.random(ROWS) < doubtful, RANDOM.integers(4, size=ROWS), LABELS)
    answers = np.where(RANDOM.random(ROWS) < right, labels, (labels + 1) % 4)
    hidden = np.geomspace(1.0, handed_on, 3)
    recorded = {
        "weight.rms": gain / np.sqrt(UNITS),
        "activation.rms": [*hidden, 1.0],
        "activation_gradient.rms": [rise, 1.0, 1.0, 1.0],
    }
    return make_trace(
        layers=layers,
        steps=STEPS,
        scalars={"loss": loss},
        columns=recorded | (columns or {}),
        run=make_run(LOSS, Head(3, "linear", 3, 4, (4,))),
        data=DataCard(
            inputs=(UNIT,),
            targets=(target_card(labels),),
            baseline_loss=1.39,
            baseline_accuracy=0.25,
        ),
        sample=Sample(np.sort(np.resize(np.arange(0, STEPS, 10), ROWS)), INPUTS, labels, np.eye(4)[answers]),
    )


def count(*args, **facts):
    return len(check.run(run(*args, **facts)))


def test_weights_that_leave_nothing_of_the_signal_are_named_with_the_deviation_that_fits():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("initializer", 0, source(10))
    assert found.message.startswith("The initial weights are too small, as in layer 0 (layer0, Dense)")
    assert "multiplies what it is given by about 0.08" in found.message
    assert (found.remedies[0].before, found.remedies[0].after) == ("a standard deviation of 0.01", "0.18")


def test_the_line_that_fills_the_weights_is_told_before_the_one_that_builds_the_layer():
    layers = chain()
    layers[0] = make_layer(0, parameters=4160, output_shape=(64,), sources={"initializer": source(7)})
    assert check.run(run(layers=layers))[0].locus.source == source(7)


def test_weights_that_make_the_signal_enormous_are_too_large():
    (found,) = check.run(run(8.0, 500.0))
    assert found.message.startswith("The initial weights are too large")
    assert "hands on 5e+02 times the size of the inputs" in found.message


@pytest.mark.parametrize(("rms", "found"), [(0.95, 1), (0.85, 0)])
def test_bounded_nonlinearities_are_enormous_where_they_are_flat(rms, found):
    flat = {"activation.rms": rms, "activation.min": -1.0, "activation.max": 1.0}
    assert count(8.0, columns=flat, layers=chain(activation="tanh")) == found


@pytest.mark.parametrize(("gain", "found"), [(0.25, 1), (0.35, 0)])
def test_a_gain_far_below_one_is_small(gain, found):
    assert count(gain) == found


@pytest.mark.parametrize(("gain", "found"), [(3.5, 0), (4.5, 1)])
def test_a_gain_far_above_one_is_large(gain, found):
    assert count(gain, 500.0) == found


@pytest.mark.parametrize(
    ("gain", "handed_on", "found"), [(0.08, 0.002, 1), (0.08, 0.005, 0), (8.0, 150.0, 1), (8.0, 70.0, 0)]
)
def test_the_signal_must_show_it(gain, handed_on, found):
    assert count(gain, handed_on) == found


@pytest.mark.parametrize("kind", ["norm", "batch-norm", "merge", "embedding", "recurrent", "attention", "custom"])
def test_where_something_else_sets_the_scale_the_weights_may_have_any(kind):
    assert count(layers=chain("dense", kind, "dense", "dense")) == 0


@pytest.mark.parametrize("kind", ["activation", "pooling", "reshape", "dropout"])
def test_what_keeps_the_scale_is_part_of_a_plain_chain(kind):
    assert count(layers=chain("dense", kind, "dense", "dense"), columns={"activation.rms": [1, 1, 1e-4, 1]}) == 1


LEARNS = np.geomspace(1.39, 0.2, STEPS)


@pytest.mark.parametrize(("right", "found"), [(0.6, 1), (0.95, 0)])
def test_a_network_that_learns_is_accused_only_if_its_neighbors_do_much_better(right, found):
    assert count(loss=LEARNS, right=right) == found


def test_nor_where_neighbors_do_not_do_twice_as_well():
    assert count(loss=LEARNS, right=0.3, doubtful=0.7) == 0


def test_nor_where_dropout_makes_the_answers_noisy():
    kinds = ("dense", "dropout", "dense", "dense")
    assert count(loss=LEARNS, right=0.6, layers=chain(*kinds), columns={"activation.rms": [1, 1, 1e-4, 1]}) == 0


@pytest.mark.parametrize(("rise", "found"), [(50.0, 1), (200.0, 0)])
def test_a_gradient_that_explodes_through_depth_has_a_rule_of_its_own(rise, found):
    assert count(8.0, 500.0, rise=rise) == found
