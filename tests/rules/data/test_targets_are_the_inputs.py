import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.targets_are_the_inputs import check
from deeplocalize.testing import make_layer, make_run, make_trace, source

EMBEDDING = make_layer(0, "embedding", input_shape=(20,), output_shape=(20, 16))
RECURRENT = make_layer(1, "recurrent", output_shape=(20, 32))
HEAD = make_layer(2, output_shape=(20, 9))
LOOP, FIT = {"inputs": source(5), "forward": source(6)}, {"inputs": source(5), "fit": source(40)}


def run(*layers, copied=1.0, steps=60, lines=LOOP):
    return make_trace(
        layers=layers or (EMBEDDING, RECURRENT, HEAD),
        steps=steps,
        scalars={"target.copied": copied},
        run=make_run(sources=lines),
    )


def found(trace):
    answer = check.run(trace)
    return [] if isinstance(answer, NotEvaluated) else list(answer)


@pytest.mark.parametrize(("lines", "line"), [(LOOP, 5), (FIT, 40)])
def test_labels_that_are_the_tokens_themselves_are_named_with_the_line_that_makes_or_hands_them_on(lines, line):
    (finding,) = found(run(lines=lines))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", None, source(line))
    assert "all it can learn is to hand on its input" in finding.message


def without_a_place(at):
    return make_layer(at, output_shape=(32,))


@pytest.mark.parametrize(
    ("trace", "count"),
    [
        (run(steps=10), 1),  # `least`
        (run(steps=9), 0),
        (run(copied=np.where(np.arange(60) == 30, 0.99, 1.0)), 0),  # masked
        (run(copied=0.1), 0),
        (run(copied=np.nan), 0),
        (run(EMBEDDING, RECURRENT, without_a_place(2), make_layer(3, output_shape=(20, 9))), 0),  # a code on the way
        (run(EMBEDDING, RECURRENT, make_layer(2, "recurrent", output_shape=(20, 32)), HEAD), 0),  # encoder and decoder
        (run(EMBEDDING, make_layer(1, "attention", output_shape=(20, 16), parameters=99), HEAD), 1),
        (run(EMBEDDING, make_layer(1, "pooling", output_shape=(5, 16)), HEAD), 1),  # it has no weights to tell
    ],
)
def test_each_condition_has_two_sides(trace, count):
    assert len(found(trace)) == count
