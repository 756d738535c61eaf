import dataclasses

import numpy as np
import pytest

NORMAL = np.random.default_rng(0).normal(size=400)


@pytest.mark.parametrize(
    ("activation", "targets"),
    [
        ("relu", NORMAL),
        ("sigmoid", np.linspace(3, 103, 60)),
        ("tanh", 3 * NORMAL),
        ("softmax", np.abs(NORMAL).reshape(100, 4) * 9),
    ],
)
def test_targets_out_of_reach_are_named_with_the_share_of_their_variance(asked, rule, activation, targets):
    units = targets.shape[1] if targets.ndim > 1 else 1
    (found,) = rule("output-cannot-reach-targets").run(asked("squared error", activation, targets, units))
    assert (found.locus.kind, found.locus.source.line) == ("activation-output", 22)
    assert found.remedies[0].after == "linear"
    assert found.evidence[0].observed > 0.05


def test_half_of_the_variance_of_normal_targets_is_out_of_reach_of_relu(asked, rule):
    (found,) = rule("output-cannot-reach-targets").run(asked("squared error", "relu", NORMAL))
    assert found.evidence[0].observed == pytest.approx(0.5, abs=0.05)


@pytest.mark.parametrize(
    ("activation", "targets"),
    [
        ("sigmoid", np.linspace(0, 1, 60)),
        ("tanh", np.linspace(-1, 1, 60)),
        ("relu", np.r_[np.linspace(0, 9, 60), -0.3]),
        ("linear", NORMAL),
        ("sigmoid", np.r_[np.linspace(0, 1, 60), 1.2]),
    ],
)
def test_targets_within_reach_or_nearly_so_are_left_alone(asked, rule, activation, targets):
    assert rule("output-cannot-reach-targets").run(asked("squared error", activation, targets)) == ()


def test_a_scaled_sigmoid_is_recognized_by_its_values(asked, rule):
    trace = asked(
        "squared error", "sigmoid", np.linspace(3, 103, 60), **{"prediction.min": 1.0, "prediction.max": 80.0}
    )
    assert "not known" in rule("output-cannot-reach-targets").run(trace).why


@pytest.mark.parametrize(("targets", "accused"), [(np.linspace(3, 103, 60), 1), (np.linspace(-1, 2, 60), 0)])
def test_without_a_sample_the_mean_must_be_out_of_reach(asked, rule, targets, accused):
    trace = dataclasses.replace(asked("squared error", "sigmoid", targets), sample=None)
    assert len(rule("output-cannot-reach-targets").run(trace)) == accused


def test_a_further_loss_whose_output_may_be_scaled_unseen_is_not_judged(asked, beside_another_loss, rule):
    trace = beside_another_loss(asked("squared error", "sigmoid", np.linspace(3, 103, 60)))
    assert rule("output-cannot-reach-targets").run(trace) == ()


def test_a_tenth_of_the_variance_out_of_reach_is_too_much(asked, rule):
    (found,) = rule("output-cannot-reach-targets").run(asked("squared error", "relu", NORMAL + 0.7))
    assert 0.05 < found.evidence[0].observed < 0.25
