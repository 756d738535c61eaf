import dataclasses

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.padding_not_masked import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, InputCard
from deeplocalize.trace.schema import Sample

RANDOM = np.random.default_rng(0)
CARD = InputCard("x", "int64", (60,), 4000, 0.0, 99.0, 10.0, 20.0, 0, True, 60, 0, None)
WORDS = make_layer(0, "embedding", settings={"mask_zero": False}, source=source(20))
HEAD = make_layer(2)
READER = make_layer(1, "recurrent", input_shape=(60, 8), source=source(21))


def run(
    length=12,
    *,
    framework="keras",
    layers=(WORDS, READER, HEAD),
    loss=0.693,
    front=False,
    padded=1.0,
    card=CARD,
):
    """Rows of so many words in 60 positions, with padding behind them, in a share of the rows."""
    rows = RANDOM.integers(1, 100, (200, 60)).astype(float)
    few = np.arange(200) < 200 * padded
    rows[few] = np.where(np.arange(60) >= length, 0.0, rows[few])
    rows = rows[:, ::-1] if front else rows
    sample = Sample(np.arange(200), rows, np.arange(200.0)[:, None] % 2, np.zeros((200, 1)))
    data = DataCard(inputs=(card,), baseline_loss=0.693, baseline_accuracy=0.5)
    facts = make_run(framework=framework)
    return make_trace(layers=list(layers), steps=300, scalars={"loss": loss}, data=data, sample=sample, run=facts)


def test_padding_that_is_read_is_named_at_the_embedding_in_keras_and_at_the_recurrent_layer_in_pytorch():
    (found,) = check.run(run())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("data", 0, source(20))
    assert found.message.startswith("48 of 60 positions at the end of a row are the padding 0")
    (found,) = check.run(run(framework="torch"))
    assert (found.locus.layer, found.locus.source) == (1, source(21))


@pytest.mark.parametrize(("length", "count"), [(12, 1), (29, 1), (31, 0), (60, 0)])
def test_most_of_a_row_must_be_padding(length, count):
    assert len(check.run(run(length))) == count


@pytest.mark.parametrize(("positions", "count"), [(15, 0), (25, 1)])
def test_a_few_positions_are_not_forgotten_through(positions, count):
    trace = run(60 - 40)
    rows = trace.sample.inputs[:, 60 - 40 - 5 : 60 - 40 + positions]
    assert len(check.run(dataclasses.replace(trace, sample=dataclasses.replace(trace.sample, inputs=rows)))) == count


@pytest.mark.parametrize(("share", "count"), [(0.85, 0), (0.95, 1)])
def test_nearly_all_rows_must_end_with_it(share, count):
    assert len(check.run(run(padded=share))) == count


def test_a_network_that_learns_is_not_accused():
    assert check.run(run(loss=np.geomspace(0.69, 0.1, 300))) == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"front": True},
        {"layers": (dataclasses.replace(WORDS, settings={"mask_zero": True}), READER)},
        {"layers": (dataclasses.replace(WORDS, settings={}), READER)},
        {"layers": (WORDS, make_layer(1, "other", type="Masking"), dataclasses.replace(READER, index=2, order=2))},
        {"layers": (WORDS, dataclasses.replace(READER, input_shape=None)), "framework": "torch"},
        {"layers": (WORDS, make_layer(1, "pooling"))},
        {"layers": (make_layer(0), READER)},
        {"card": dataclasses.replace(CARD, integral=False)},
    ],
    ids=["front", "mask", "unknown", "masking", "packed", "pooled", "dense", "quantities"],
)
def test_padding_in_front_masks_packed_sequences_and_other_networks_are_fine(facts):
    assert check.run(run(**facts)) == ()


def test_a_run_without_rows_is_not_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
