import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.too_much_dropout import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Head, Loss, Sample

ROWS, STEPS = 256, 400
RANDOM = np.random.default_rng(0)
CLASSES = np.repeat(np.arange(4), ROWS // 4)
INPUTS = RANDOM.normal(size=(ROWS, 6)) + 4 * np.eye(4, 6)[CLASSES]
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")


def dropped(*rates, known=True, loss=1.37, kind="dropout", on=1.0, validation=None):
    """A network with these dropouts that answers the same to all; `known`: the inputs say which class it is."""
    order = RANDOM.permutation(ROWS)
    steps = np.sort(np.resize(np.arange(0, STEPS, 10), ROWS))
    targets = CLASSES if known else RANDOM.permutation(CLASSES)
    layers = [make_layer(0)]
    for rate in rates:
        settings = {"rate": rate}
        layers.append(
            make_layer(len(layers), kind, settings=settings, sources={"p": source(70 + len(layers))}, activation=None)
        )
    layers.append(make_layer(len(layers)))
    scalars = {"loss": loss}
    if validation is not None:
        scalars["validation.accuracy"] = np.where(np.arange(STEPS) % 100 == 99, validation, np.nan)
    return make_trace(
        layers=layers,
        steps=STEPS,
        scalars=scalars,
        columns={"layer.training": on},
        run=make_run(LOSS, Head(len(layers) - 1, "linear", len(layers) - 1, 4, (4,))),
        data=DataCard(targets=(target_card(targets),), baseline_loss=1.386, baseline_accuracy=0.25),
        sample=Sample(steps, INPUTS[order], targets[order], np.zeros((ROWS, 4))),
    )


def test_the_strongest_dropout_is_named_with_the_line_of_its_rate():
    (found,) = check.run(dropped(0.5, 0.9))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("dropout", 2, source(72))
    assert found.message.startswith("With a rate of 0.9 layer 2 (layer2, Dropout) adds 9 times as much noise as")
    assert (found.remedies[0].before, found.remedies[0].after) == ("0.9", "0.1")


@pytest.mark.parametrize(("rate", "count"), [(0.5, 0), (0.7, 0), (0.8, 1), (0.95, 1), (1.0, 1)])
def test_noise_of_three_times_the_signal_is_too_much(rate, count):
    assert len(check.run(dropped(rate))) == count


@pytest.mark.parametrize(("rates", "count"), [((0.5,) * 4, 0), ((0.5,) * 5, 1), ((0.4,) * 9, 0), ((0.6,) * 4, 1)])
def test_dropouts_behind_each_other_multiply_but_weak_ones_do_not_count(rates, count):
    assert len(check.run(dropped(*rates))) == count


def test_a_network_that_learns_in_spite_of_it_is_left_alone():
    assert check.run(dropped(0.9, loss=np.geomspace(1.4, 0.2, STEPS))) == ()


def test_where_the_inputs_say_nothing_the_dropout_is_not_to_blame():
    assert check.run(dropped(0.9, known=False)) == ()


def test_validation_data_decide_where_there_are_any():
    assert check.run(dropped(0.9, validation=0.9)) == ()
    assert len(check.run(dropped(0.9, loss=1.2, validation=0.6))) == 1
    assert check.run(dropped(0.9, loss=1.2)) == ()  # it learns something, and nobody knows how much
    assert check.run(dropped(0.9, loss=np.geomspace(1.3, 0.7, STEPS), validation=0.6)) == ()  # and goes on


def test_a_loss_that_creeps_below_a_constants_for_all_the_noise_is_no_excuse():
    creeping = np.linspace(1.40, 1.36, STEPS)
    assert len(check.run(dropped(0.9, loss=creeping, validation=0.5))) == 1
    assert check.run(dropped(0.9, loss=creeping, validation=0.9)) == ()


def test_a_layer_that_never_ran_in_training_mode_drops_nothing():
    assert check.run(dropped(0.9, on=0.0)) == ()


@pytest.mark.parametrize(("kind", "count"), [("noise", 1), ("recurrent", 0)])
def test_gaussian_dropout_counts_and_the_rate_of_another_layer_does_not(kind, count):
    assert len(check.run(dropped(0.9, kind=kind))) == count


def test_without_a_sample_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
