import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.targets_not_scaled import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard, Head, Loss, TargetCard

TARGETS = source(12)
SQUARED = Loss("mean-squared-error", "MSELoss", "values", "elementwise", source=source(30))


def run(
    end=0.4, *, mean=200.0, std=50.0, steps=300, update=1e-3, loss=SQUARED, activation="linear", path=None, **facts
):
    """The mean answer goes from 0 to `end` times the mean target."""
    answers = np.linspace(0, end * mean, steps) if path is None else path
    away = (mean - np.asarray(answers)) ** 2 + std**2
    card = TargetCard("float32", (1,), 1000, "continuous", mean - 3 * std, mean + 3 * std, mean, std, 0)
    head = Head(layer=2, activation=activation, units=1, shape=(1,))
    return make_trace(
        steps=steps,
        scalars={"prediction.mean": answers, "loss": away},
        columns={"weight.rms": 1.0, "weight_update.rms": update},
        run=make_run(loss, head, **{"sources": {"targets": TARGETS}, **facts}),
        data=DataCard(targets=(card,), baseline_loss=std**2),
    )


def test_a_run_that_is_spent_on_reaching_the_targets_is_named_with_the_line_that_made_them():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("target-scaling", None, TARGETS)
    assert finding.message.startswith("After 300 steps the mean answer is 76.")
    assert finding.remedies[0].after == "(targets - 200) / 50"


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"mean": 12.0, "std": 3.0}, 1),  # `large`
        ({"mean": 8.0, "std": 2.0}, 0),
        ({"end": 0.65}, 1),  # `far`: 1.5 standard deviations
        ({"end": 0.85}, 0),
        ({"steps": 60}, 1),  # `least`
        ({"steps": 40}, 0),
        ({"update": 2e-4}, 1),  # `usual`
        ({"update": 5e-5}, 0),  # the learning rate is too low
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(check.run(run(**facts))) == count


def test_while_the_run_goes_on_it_is_named_only_if_it_would_not_get_there():
    assert len(check.run(run(0.1, ended="running", epochs=2, steps_per_epoch=300))) == 1
    assert check.run(run(0.4, ended="running", epochs=4, steps_per_epoch=300)) == ()


@pytest.mark.parametrize(
    "facts",
    [
        {"mean": -200.0, "end": 1.0},  # it got there
        {"path": np.full(300, 50.0)},  # it is stuck
        {"activation": "sigmoid"},  # it cannot get there
        {"loss": Loss("poisson", "PoissonNLLLoss", "log-values", "elementwise")},
        {"loss": Loss("cross-entropy", "CrossEntropyLoss", "logits", "class-index")},
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


def test_without_targets_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
