import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.model.positions_missing import check
from deeplocalize.testing import make_layer, make_trace, source
from deeplocalize.trace import DataCard

EMBEDDING = make_layer(0, "embedding", input_shape=(10,), output_shape=(10, 32))
ATTENTION = make_layer(1, "attention", output_shape=(10, 32), unplaced=0)
HEAD = make_layer(2, input_shape=(32,))


def run(*layers, loss=0.69, steps=300, batch=32):
    return make_trace(
        layers=layers or (EMBEDDING, ATTENTION, HEAD),
        steps=steps,
        scalars={"loss": loss, "batch_size": batch},
        data=DataCard(baseline_loss=0.693),
    )


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


def test_an_embedding_that_goes_into_attention_as_it_is_is_named_if_nothing_is_learned():
    (finding,) = found(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("layer-missing", 0, source(10))
    assert finding.message.startswith("Nothing tells layer 1 (layer1, Attention) where in the sequence a token stands")


@pytest.mark.parametrize(
    ("trace", "count"),
    [
        (run(loss=0.1), 0),  # the order does not matter
        (run(steps=99), 0),  # too early to tell
        (run(steps=101), 1),
        (run(batch=2), 0),
        (run(EMBEDDING, make_layer(1, "attention", output_shape=(10, 32)), HEAD), 0),
        (run(EMBEDDING, make_layer(1, "attention", output_shape=(2, 32), unplaced=0), HEAD), 0),
        (run(EMBEDDING, make_layer(1, "attention", output_shape=(None, 32), unplaced=0), HEAD), 1),
        (run(EMBEDDING, ATTENTION, make_layer(2, "recurrent"), make_layer(3)), 0),
        (run(EMBEDDING, ATTENTION, make_layer(2, "conv"), make_layer(3)), 0),
        (run(EMBEDDING, ATTENTION, make_layer(2, input_shape=(320,))), 0),  # each place has its own weights
    ],
)
def test_each_condition_has_two_sides(trace, count):
    assert len(found(trace)) == count
