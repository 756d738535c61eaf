import numpy as np
import pytest

from deeplocalize.rules.model.batchnorm_on_tiny_batches import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard
from deeplocalize.trace.data import target_card
from deeplocalize.trace.schema import Crash, Head, Loss, Sample

STEPS, ROWS = 2000, 300
RANDOM = np.random.default_rng(0)
LABELS = np.resize(np.arange(3), ROWS)
INPUTS = RANDOM.normal(size=(ROWS, 4)) + 5 * np.eye(3, 4)[LABELS]
LOSS = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")
REFUSAL = "Expected more than 1 value per channel when training, got input size torch.Size([1, 24])"


def trained(size=1, *, shape=(8,), mode=1.0, kind="batch-norm", loss=1.1, validation=np.nan, **settings):
    norm = make_layer(1, kind, output_shape=shape, settings=settings, activation=None)
    return make_trace(
        layers=[make_layer(0), norm, make_layer(2)],
        steps=STEPS,
        sampled=np.arange(0, STEPS, 20),
        scalars={"loss": loss, "batch_size": size, "validation.accuracy": validation},
        columns={"layer.training": mode},
        run=make_run(LOSS, Head(2, "linear", 2, 3, (3,))),
        data=DataCard(targets=(target_card(LABELS),), baseline_loss=1.0986, baseline_accuracy=1 / 3),
        sample=Sample(np.linspace(0, STEPS - 1, ROWS).astype(int), INPUTS, LABELS, np.eye(3)[(LABELS + 1) % 3]),
    )


def crashed(steps=0, layer=1, message=REFUSAL):
    crash = Crash("ValueError", message, "forward", layer, source(50))
    layers = [make_layer(0), make_layer(1, "batch-norm"), make_layer(2)]
    return make_trace(layers=layers, steps=steps, run=make_run(crash=crash, ended="raised"))


def test_the_layer_that_refuses_a_single_example_is_named():
    (found,) = check.run(crashed())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("batchnorm", 1, source(11))
    assert found.message.startswith("The first batch came with a single example")
    assert found.remedies[0].text.startswith("Use batches of 32")


def test_a_last_batch_of_one_example_is_to_be_left_out():
    (found,) = check.run(crashed(14, None))
    assert found.locus.layer == 1
    assert found.message.startswith("After 14 steps a batch came with a single example")
    assert found.remedies[0].after == "DataLoader(..., drop_last=True)"


def test_another_exception_is_not_this_one():
    assert check.run(crashed(message="Expected all tensors to be on the same device")) == ()


def test_normalization_by_one_example_is_named_where_nothing_is_learned():
    (found,) = check.run(trained())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("batchnorm", 1, source(11))
    assert found.message.startswith(
        "In batches of 1, layer 1 (layer1, Batch-Norm) takes mean and variance of each unit from 1 value,"
    )


@pytest.mark.parametrize(("size", "count"), [(1, 1), (2, 1), (4, 1), (5, 0), (32, 0)])
def test_four_values_are_too_few(size, count):
    assert len(check.run(trained(size))) == count


@pytest.mark.parametrize(
    ("shape", "settings", "count"),
    [
        ((8, 1, 1), {}, 1),
        ((8, 6, 6), {}, 0),
        ((6, 6, 2), {"axis": -1}, 0),
        ((2, 1, 8), {"axis": 3}, 1),
        ((None, 8), {}, 0),
    ],
)
def test_positions_count_as_values(shape, settings, count):
    assert len(check.run(trained(shape=shape, **settings))) == count


def test_where_something_is_learned_validation_data_decide():
    late = np.arange(STEPS) % 200 == 199
    assert check.run(trained(2, loss=0.8)) == ()
    assert len(check.run(trained(2, loss=0.8, validation=np.where(late, 0.5, np.nan)))) == 1
    assert check.run(trained(2, loss=0.8, validation=np.where(late, 0.9, np.nan))) == ()
    assert len(list(check.check(trained(2, loss=0.8, validation=np.where(late, 0.9, np.nan)), least=0.02))) == 1


@pytest.mark.parametrize("facts", [{"mode": 0.0}, {"kind": "norm"}, {"loss": np.geomspace(1.1, 0.1, STEPS)}])
def test_any_other_run_is_left_alone(facts):
    assert check.run(trained(**facts)) == ()
