import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.batch_axis_read_as_time import check
from deeplocalize.testing import make_layer, make_run, make_trace, source
from deeplocalize.trace import DataCard, Head, Loss, Sample, TargetCard

SAMPLED = np.arange(20)
LAST_OF_PASS = np.where(SAMPLED % 5 == 4, 17, 32)
CLASSES = Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")
VALUES = Loss("mean-squared-error", "MSELoss", "values", "elementwise")
LEARNED, STUCK = np.geomspace(2.3, 0.1, 200), np.full(200, 2.3)


def rows(likeness):
    """Rows of a batch of which neighbors differ by this share of what any two differ by."""
    random = np.random.default_rng(0)
    values = random.normal(size=(512, 4))
    for at in range(1, 512):
        values[at] = (1 - likeness) * values[at - 1] + np.sqrt(1 - (1 - likeness) ** 2) * values[at]
    return values


def run(
    axes=((32, 8),),
    *,
    counts=32,
    lengths=None,
    kind="recurrent",
    batch_first=False,
    loss=CLASSES,
    head=(10,),
    target=(),
    encoding="class-index",
    curve=STUCK,
    inputs=1.0,
    targets=1.0,
    known=512,
):
    """A run with layers that take so many positions for time and for the batch."""
    layers = [make_layer(at, kind, settings={"batch_first": batch_first}) for at in range(len(axes))]
    time, batch = (np.array([[each[at]] * len(SAMPLED) for each in axes], float).T for at in (0, 1))
    lengths = counts if lengths is None else lengths
    time = np.where(np.ndim(lengths) and time == 32, np.reshape(np.broadcast_to(lengths, 20), (20, 1)), time)
    card = TargetCard("int64", target, 640, encoding, 0.0, 9.0, 4.5, 2.9, 0)
    sample = Sample(np.arange(known) // 32, rows(inputs)[:known], rows(targets)[:known], rows(1.0)[:known])
    return make_trace(
        layers=layers,
        steps=200,
        sampled=SAMPLED,
        scalars={"loss": curve, "target.count": np.resize(counts, 200)},
        columns={"layer.time_axis": time, "layer.batch_axis": batch},
        run=make_run(loss, Head(layer=0, units=10, shape=head)),
        data=DataCard(targets=(card,), baseline_loss=2.3),
        sample=sample if known else None,
    )


def test_a_layer_that_runs_along_the_examples_is_named_with_its_line():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", 0, source(10))
    assert "the axis of 32 examples for time and the other, of 8 positions, for the batch" in finding.message
    assert (finding.remedies[0].before, finding.remedies[0].after) == ("batch_first=False", "batch_first=True")
    assert finding.strength == 1


def test_the_first_of_several_is_named():
    (finding,) = check.run(run([(8, 32), (32, 8), (32, 8)]))
    assert finding.locus.layer == 1
    assert "as does 1 more" in finding.message


def test_a_smaller_last_batch_is_told_from_the_length_of_the_sequences():
    assert len(check.run(run(counts=LAST_OF_PASS))) == 1


def test_in_a_network_that_learns_well_it_is_weaker_but_no_less_wrong():
    (finding,) = check.run(run(curve=LEARNED))
    assert finding.strength == 0.75


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"counts": np.where(SAMPLED < 6, 32, np.nan)}, 1),  # `least`
        ({"counts": np.where(SAMPLED < 4, 32, np.nan)}, 0),
        ({"curve": LEARNED, "inputs": 0.9, "targets": 0.9}, 1),  # `mixed`
        ({"curve": LEARNED, "inputs": 0.5}, 0),
        ({"curve": LEARNED, "targets": 0.5}, 0),
        ({"curve": LEARNED, "targets": 0.05}, 0),
        ({"curve": STUCK, "inputs": 0.5}, 1),  # no order saves a network that does not learn
        ({"curve": LEARNED, "known": 40}, 1),
        ({"curve": LEARNED, "known": 20}, 0),  # too few rows to tell
        ({"curve": LEARNED, "known": 0}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(check.run(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"axes": [(8, 32)]},  # time comes first, and the targets are along the batch
        {"axes": [(8, 32)], "batch_first": True},
        {"axes": [(32, 32)]},  # both are equally long
        {"axes": [(32, 1)]},  # a single sequence with a target for each position
        {"axes": [(np.nan, np.nan), (8, 32)]},  # it has no axis for the batch
        {"counts": 256},  # the targets of all positions, laid end to end
        {"lengths": np.where(SAMPLED == 7, 31, 32)},  # the lengths are equal by chance
        {"target": (8,), "head": (10, 8)},  # a target for each position of each sequence
        {"target": (None,), "head": (10, None)},
        {"loss": VALUES, "encoding": "continuous", "target": (8, 1), "head": (8, 1)},
        {"loss": VALUES, "encoding": "continuous", "target": (1,), "head": (8, 1)},
        {"kind": "attention", "axes": [(8, 32), (32, 8)]},  # attention between the examples, on purpose
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"head": (8,)},  # as many classes as positions
        {"loss": CLASSES, "encoding": "one-hot", "target": (8,), "head": (8,)},
        {"loss": VALUES, "encoding": "continuous", "target": (1,), "head": (1,)},
        {"kind": "attention"},
        {"axes": [(8, 32), (32, 8)]},  # a second recurrent layer that was forgotten
    ],
)
def test_what_only_looks_like_another_axis_saves_nobody(facts):
    assert len(check.run(run(**facts))) == 1


def test_a_model_without_such_layers_is_judged():
    assert check.run(make_trace()) == ()


def test_without_the_axes_or_the_targets_nothing_is_judged():
    layers = [make_layer(0, "recurrent", settings={"batch_first": False})]
    assert isinstance(check.run(make_trace(layers=layers)), NotEvaluated)
