import numpy as np
import pytest


@pytest.mark.parametrize(
    ("loss", "targets", "units"),
    [
        ("binary cross-entropy", np.linspace(-20, 90, 60), 1),
        ("cross-entropy, by number", np.linspace(0, 1, 60), 10),
        ("cross-entropy, by row", np.linspace(-20, 90, 60).reshape(20, 3), 3),
        ("binary cross-entropy", np.linspace(-0.2, 1.2, 60).reshape(20, 3), 3),
        ("binary cross-entropy", np.arange(600) % 300, 1),
        ("binary cross-entropy", np.arange(60) % 5 * 1000, 1),
    ],
)
def test_a_quantity_under_a_cross_entropy_needs_another_loss(asked, rule, loss, targets, units):
    (found,) = rule("cross-entropy-on-regression").run(asked(loss, "linear", targets, units))
    assert (found.locus.kind, found.locus.source.line) == ("loss", 30)
    assert found.remedies[0].after == "mean squared error"


@pytest.mark.parametrize(
    ("loss", "targets", "units"),
    [
        ("binary cross-entropy", np.linspace(0, 1, 60).reshape(20, 3), 3),
        ("binary cross-entropy", np.linspace(-0.03, 1.03, 60).reshape(20, 3), 3),
        ("cross-entropy, by number", np.arange(600) % 300, 300),
        ("cross-entropy, by row", np.random.default_rng(0).poisson(3, (60, 5)), 5),
        ("squared error", np.linspace(-20, 90, 60), 1),
    ],
)
def test_shares_overshooting_pixels_vocabularies_and_word_counts_are_left_alone(asked, rule, loss, targets, units):
    assert rule("cross-entropy-on-regression").run(asked(loss, "linear", targets, units)) == ()


def test_the_limits_can_be_moved(asked, rule):
    fifty = asked("binary cross-entropy", "sigmoid", np.arange(600) % 50)
    assert rule("cross-entropy-on-regression").run(fifty) == ()
    assert len(list(rule("cross-entropy-on-regression").check(fifty, most_classes=30))) == 1
    trace = asked("binary cross-entropy", "sigmoid", np.linspace(-0.03, 1.03, 60).reshape(20, 3), 3)
    assert len(list(rule("cross-entropy-on-regression").check(trace, slack=0.01))) == 1
