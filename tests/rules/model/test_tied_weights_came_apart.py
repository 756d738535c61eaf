import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.tied_weights_came_apart import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard

STEPS = 200
START = {"mean": 0.01, "rms": 0.1, "min": -0.3, "max": 0.3}
OVERFITTED = np.r_[np.linspace(5, 3.5, 8), np.linspace(3.6, 5, 12)]


def layers(embedding=(50, 12), dense=(12, 50), bias=True, kinds=("embedding", "dense"), **facts):
    return [
        make_layer(0, kinds[0], output_shape=(5, embedding[1]), parameters=embedding[0] * embedding[1]),
        make_layer(
            1,
            kinds[1],
            input_shape=(dense[0],),
            output_shape=(dense[1],),
            parameters=dense[0] * dense[1] + bias * dense[1],
            source=source(31),
            **facts,
        ),
    ]


def trained(*, off=None, ends=(0.2, 0.4), elsewhere=OVERFITTED, of=None, start=START):
    """A run at whose start the dense layer's statistics are those of the embedding, but for `off`; `ends` are their RMS."""
    columns = {}
    for stat, value in start.items():
        rows = np.tile([value, value + (off or {}).get(stat, 0.0)], (20, 1))
        if stat == "rms":
            rows[10:] = ends
        columns[f"weight.{stat}"] = rows
    validation = np.full(STEPS, np.nan)
    if elsewhere is not None:
        validation[np.linspace(9, STEPS - 1, len(elsewhere)).astype(int)] = elsewhere
    return make_trace(
        layers=of or layers(),
        steps=STEPS,
        sampled=np.arange(0, STEPS, 10),
        scalars={"loss": np.geomspace(5, 1, STEPS)}
        | ({"validation.loss": validation} if elsewhere is not None else {}),
        columns=columns,
        run=make_run(),
        data=DataCard(baseline_loss=5.0, baseline_accuracy=0.02),
    )


def test_the_dense_layer_is_named_with_the_line_that_builds_it():
    (found,) = check.run(trained())
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("initializer", 1, source(31))
    assert found.message.startswith(
        "The weights of layer 1 (layer1, Dense) and layer 0 (layer0, Embedding) began with the same"
    )
    assert found.remedies[0].text.startswith("Let both layers hold the same parameter")


@pytest.mark.parametrize("bias", [True, False])
def test_a_bias_does_not_count(bias):
    assert len(check.run(trained(of=layers(bias=bias)))) == 1


@pytest.mark.parametrize("stat", ["mean", "rms", "min", "max"])
@pytest.mark.parametrize(("share", "count"), [(0.5e-4, 1), (2e-4, 0)])
def test_all_statistics_must_agree_at_the_start(stat, share, count):
    assert len(check.run(trained(off={stat: share * START["rms"]}))) == count


@pytest.mark.parametrize(("last", "count"), [(0.2, 0), (0.201, 0), (0.21, 1)])
def test_they_must_have_come_apart(last, count):
    assert len(check.run(trained(ends=(0.2, last)))) == count


def test_weights_that_are_all_the_same_number_say_nothing():
    assert check.run(trained(start={"mean": 0.1, "rms": 0.1, "min": 0.1, "max": 0.1})) == ()


@pytest.mark.parametrize(
    "of",
    [
        layers(dense=(12, 40)),
        layers(kinds=("embedding", "embedding")),
        layers(kinds=("dense", "dense")),
    ],
    ids=["another size", "two embeddings", "two dense layers"],
)
def test_other_layers_are_left_alone(of):
    assert check.run(trained(of=of)) == ()


def test_where_the_validation_loss_does_not_rise_it_did_no_harm():
    assert check.run(trained(elsewhere=np.linspace(5, 3.5, 20))) == ()


def test_without_validation_nobody_can_tell():
    assert isinstance(check.run(trained(elsewhere=None)), NotEvaluated)


def test_kernels_that_were_not_recorded_say_nothing():
    assert check.run(trained(ends=(np.nan, np.nan), off={"rms": np.nan})) == ()
