import math

import pytest

from deeplocalize.signals.output import Output, lowest_loss, nonlinearities, output
from deeplocalize.signals.task import Task
from deeplocalize.trace.schema import Head, Loss

CROSS_ENTROPY = Loss("cross-entropy", "loss", "probabilities", "class-index")
ON_LOGITS = Loss("cross-entropy", "loss", "logits", "class-index")


def task(activation, loss=CROSS_ENTROPY, units=4, **seen):
    return Task(0, loss, Head(activation=activation, units=units), **seen)


@pytest.mark.parametrize(
    ("activation", "names"),
    [
        ("linear", ()),
        ("relu+softmax", ("relu", "softmax")),
        ("softmax+log", ("log_softmax",)),
        ("sigmoid+relu", ("sigmoid",)),
        ("linear+relu", ("relu",)),
        ("softmax+mystery", None),
        (None, None),
    ],
)
def test_a_chain_is_read_without_what_changes_nothing(activation, names):
    assert nonlinearities(task(activation)) == names


def test_values_that_a_nonlinearity_cannot_give_make_it_unknown():
    assert nonlinearities(task("tanh", low=-1, high=1)) == ("tanh",)
    assert nonlinearities(task("tanh", low=-5, high=1)) is None


@pytest.mark.parametrize(
    ("activation", "loss", "taken_apart"),
    [
        ("softmax", CROSS_ENTROPY, Output("linear", "softmax")),
        ("tanh+softmax", CROSS_ENTROPY, Output("tanh", "softmax")),
        ("linear", CROSS_ENTROPY, Output("linear", None)),
        ("relu", CROSS_ENTROPY, Output("relu", None)),
        ("softmax", ON_LOGITS, Output("softmax", "loss")),
        ("log_softmax", ON_LOGITS, Output("linear", "log_softmax")),
        ("linear", ON_LOGITS, Output("linear", "loss")),
    ],
)
def test_an_output_is_taken_apart_as_the_loss_sees_it(activation, loss, taken_apart):
    assert output(task(activation, loss)) == taken_apart


def test_an_output_that_was_never_seen_is_not_known():
    assert output(task("softmax", units=None)) is None


def test_the_lowest_loss_of_bounded_logits():
    assert lowest_loss(task("softmax", ON_LOGITS, 10), 0, 1) == pytest.approx(math.log(1 + 9 / math.e))
    binary = Loss("binary-cross-entropy", "loss", "logits", "elementwise")
    assert lowest_loss(task("sigmoid", binary, 1), 0, 1) == pytest.approx(math.log(1 + 1 / math.e))
    assert lowest_loss(task("relu", ON_LOGITS), 0, math.inf) == 0
