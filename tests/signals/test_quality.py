import math

import numpy as np
import pytest

from deeplocalize.signals.quality import (
    baseline_gap,
    expected_loss,
    has_had_time,
    learns_well,
    loss_curve,
    on_its_way,
    planned_steps,
    recent_loss,
    start_loss,
)
from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace import DataCard, Sample
from deeplocalize.trace.data import target_card

TEN_CLASSES = DataCard(baseline_loss=math.log(10), baseline_accuracy=0.1)
COIN = DataCard(baseline_loss=math.log(2), baseline_accuracy=0.5)
RANDOM = np.random.default_rng(0)


def run(loss, data=TEN_CLASSES, noise=0.0, **facts):
    loss = np.asarray(loss, float)
    scalars = {"loss": loss + RANDOM.normal(0, noise, len(loss))} | facts.pop("scalars", {})
    return make_trace(steps=len(loss), scalars=scalars, data=data, **facts)


def test_a_loss_far_below_the_constant_answer_is_learning():
    trace = run(np.geomspace(2.3, 0.1, 200), noise=0.05)
    assert learns_well(trace) is True
    assert baseline_gap(trace) > 0.9


def test_a_loss_at_the_constant_answer_is_none():
    trace = run(np.full(200, 2.3), noise=0.05)
    assert learns_well(trace) is False
    assert baseline_gap(trace) == pytest.approx(0, abs=0.01)


def test_a_noisy_coin_that_is_guessed_right_in_65_percent_is_learning():
    flips = {"accuracy": RANDOM.binomial(32, 0.65, 400) / 32}
    assert learns_well(run(np.full(400, 0.66), COIN, noise=0.05, scalars=flips)) is True


@pytest.mark.parametrize(
    ("name", "area", "learns"),
    [
        ("auc", 0.6, True),
        ("roc_auc_1", 0.6, True),
        ("auc", 0.52, False),
        ("pr_auc", 0.6, False),
        ("accuracy", 0.6, False),
    ],
)
def test_a_weak_signal_that_ranks_other_data_better_than_guessing_is_learning(name, area, learns):
    scalars = {f"validation.{name}": np.where(np.arange(400) % 40 == 39, area, np.nan)}
    assert learns_well(run(np.full(400, 0.7), COIN, noise=0.01, scalars=scalars)) is learns


def test_some_single_examples_that_happen_to_be_right_are_no_learning():
    scalars = {"accuracy": np.where(np.arange(400) % 40 == 0, 1.0, np.nan), "batch_size": 1}
    assert learns_well(run(np.full(400, 0.7), COIN, noise=0.02, scalars=scalars)) is not True


def test_a_rare_class_that_is_never_found_is_not_learning_whatever_the_accuracy():
    rare = DataCard(baseline_loss=0.2, baseline_accuracy=0.95)
    assert learns_well(run(np.full(400, 0.2), rare, noise=0.01, scalars={"accuracy": 0.95})) is False


@pytest.mark.parametrize("steps", [12, 20, 60, 99])
def test_a_short_run_at_the_constant_answer_may_just_be_beginning(steps):
    assert learns_well(run(np.full(steps, 2.3), noise=0.05)) is None


def test_small_batches_need_more_steps():
    assert not has_had_time(run(np.full(400, 2.3), scalars={"batch_size": 1}))
    assert has_had_time(run(np.full(1000, 2.3), scalars={"batch_size": 1}))
    assert has_had_time(run(np.full(100, 2.3), scalars={"batch_size": 32}))


def test_a_loss_that_still_falls_towards_the_baseline_is_on_its_way():
    trace = run(np.linspace(30, 10, 200), noise=0.1)
    assert on_its_way(trace)
    assert learns_well(trace) is None


def test_a_loss_that_would_need_a_hundred_such_runs_is_not_on_its_way():
    trace = run(np.linspace(30, 29.9, 200), noise=0.01)
    assert not on_its_way(trace)
    assert learns_well(trace) is False


def test_a_run_that_was_broken_off_is_judged_by_the_steps_it_was_to_take():
    run_facts = {"epochs": 100, "steps_per_epoch": 200}
    loss = np.linspace(30, 29.9, 200)
    assert planned_steps(run(loss, run=make_run(ended="interrupted", **run_facts))) == 20_000
    assert planned_steps(run(loss, run=make_run(ended="interrupted"))) == 1000
    assert planned_steps(run(loss)) == 200


def test_what_was_learned_and_lost_again_is_not_learning():
    loss = np.concatenate([np.linspace(2.3, 0.5, 150), np.full(150, 2.0)])
    trace = run(loss, noise=0.05)
    assert learns_well(trace) is False
    assert recent_loss(trace).value >= expected_loss(trace)


def test_a_loss_far_above_its_start_and_the_baseline_is_not_learning_even_in_a_short_run():
    assert learns_well(run(np.linspace(2.3, 50, 30))) is False


def test_a_single_spike_at_the_end_does_not_hide_that_a_network_learned():
    loss = np.geomspace(2.3, 0.1, 200)
    loss[-5] = 1000
    assert learns_well(run(loss)) is True


def test_a_loss_that_is_not_finite_at_the_end_is_not_learning():
    loss = np.geomspace(2.3, 0.5, 50)
    trace = run(np.where(np.arange(50) > 45, np.nan, loss), scalars={"loss.nonfinite": np.arange(50) > 45})
    assert learns_well(trace) is False
    assert baseline_gap(trace) == -math.inf


@pytest.mark.parametrize(("error", "learns"), [(0.3, True), (1.0, False)])
def test_a_penalty_in_the_loss_does_not_hide_that_quantities_are_answered_well(error, learns):
    targets = RANDOM.normal(size=(200, 1))
    answers = targets + RANDOM.normal(0, error, (200, 1))
    sample = Sample(np.zeros(200, int), np.zeros((200, 1)), targets, answers)
    data = DataCard(targets=(target_card(targets),), baseline_loss=1.0)
    assert learns_well(run(np.full(200, 5.0), data, sample=sample)) is learns


def test_without_a_baseline_only_success_is_seen():
    assert learns_well(run(np.geomspace(4, 1, 200), DataCard(), noise=0.05)) is True
    assert learns_well(run(np.full(200, 4.0), DataCard(), noise=0.05)) is None
    assert learns_well(run(np.linspace(-1, -9, 200), DataCard())) is True
    assert baseline_gap(run(np.full(200, 4.0), DataCard())) is None


def test_coming_down_from_a_jump_in_the_first_step_is_no_success():
    loss = np.concatenate([[2.3], np.geomspace(300, 2.5, 199)])
    assert learns_well(run(loss, DataCard())) is None


def test_targets_that_are_all_the_same_give_no_baseline():
    same = DataCard(baseline_loss=0.0, baseline_accuracy=1.0)
    assert baseline_gap(run(np.geomspace(0.7, 0.01, 100), same)) is None
    assert learns_well(run(np.geomspace(0.7, 0.01, 100), same)) is True


def test_a_loss_divided_for_accumulation_is_given_back_undivided():
    trace = run(np.full(200, 2.3 / 4), scalars={"accumulated": 4})
    np.testing.assert_allclose(loss_curve(trace), 2.3)
    assert learns_well(trace) is False


def test_nothing_can_be_said_without_a_loss():
    trace = make_trace(steps=50, scalars={"loss": np.nan}, data=TEN_CLASSES)
    assert learns_well(trace) is None
    assert baseline_gap(trace) is None
    assert math.isnan(start_loss(trace))
    assert learns_well(make_trace(steps=0, data=TEN_CLASSES)) is None


@pytest.mark.parametrize("seed", range(20))
def test_wherever_a_network_does_not_learn_its_loss_is_at_or_above_what_was_expected(seed):
    random = np.random.default_rng(seed)
    walk = 2.3 + np.cumsum(random.normal(0, 0.05, 300))
    trace = run(np.abs(walk), noise=0.1)
    if learns_well(trace) is False:
        assert recent_loss(trace).value >= expected_loss(trace)


def test_what_is_learned_by_heart_alone_is_not_learning():
    epochs = np.full(240, np.nan)
    epochs[29::30] = np.linspace(2.305, 2.315, 8)
    better = {"accuracy": np.full(240, 0.25), "validation.loss": epochs}
    assert learns_well(run(np.linspace(2.33, 2.26, 240), scalars=better)) is False
    assert learns_well(run(np.linspace(2.33, 2.26, 240), scalars=better | {"validation.loss": epochs - 0.1})) is True


def test_of_two_that_take_turns_failure_is_not_told_from_the_loss():
    alone, in_turns = {"other_steps": 0.0}, {"other_steps": 1.0}
    after_another = {"other_steps": np.where(np.arange(200) == 0, 500.0, 0.0)}
    assert learns_well(run(np.full(200, 0.69), COIN, scalars=alone)) is False
    assert learns_well(run(np.full(200, 0.69), COIN, scalars=in_turns)) is None
    assert learns_well(run(np.full(200, 0.69), COIN, scalars=after_another)) is False
    assert learns_well(run(np.r_[np.full(199, 0.69), np.nan], scalars=in_turns | {"loss.nonfinite": 1.0})) is False
