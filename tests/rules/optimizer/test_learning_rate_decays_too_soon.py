import math

import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.optimizer.learning_rate_decays_too_soon import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace import DataCard

STEPS = 600
BASELINE = DataCard(baseline_loss=2.3)
NOISE = 0.02 * np.random.default_rng(0).normal(size=STEPS)


def exponential(by, steps=STEPS):
    return 0.1 * by ** np.arange(steps)


def learned(rates, pace=0.02, floor=1.6, start=2.3):
    """A loss that goes down to a floor, by `pace` in each step at the largest rate, and less at a lower one."""
    done = np.cumsum(rates) / np.max(rates)
    return floor + (start - floor) * np.exp(-pace * (done - done[0])) + NOISE[: len(rates)]


def run(rates=None, loss=None, *, data=BASELINE, sources=None, scalars=None, **facts):
    rates = exponential(0.95) if rates is None else rates
    given = {"learning_rate": rates, "loss": learned(rates) if loss is None else loss, **(scalars or {})}
    known = {name: source(line) for name, line in (sources or {}).items()}
    facts = {"run": make_run(sources=known)} | facts
    return make_trace(steps=len(rates), scalars=given, data=data, **facts)


def found(*arguments, **facts):
    findings = check.run(run(*arguments, **facts))
    assert not isinstance(findings, NotEvaluated)
    return findings


def test_a_rate_that_has_faded_while_the_loss_was_falling_ended_the_training():
    (finding,) = found()
    assert finding.locus.kind == "learning-rate"
    assert finding.first_step == 77
    assert "by step 77 of 600" in finding.message
    assert finding.evidence[0].observed == pytest.approx(1 - 77 / 600)
    assert finding.evidence[2].observed == pytest.approx(20, rel=0.01)


@pytest.mark.parametrize(("by", "count"), [(0.95, 1), (0.987, 1), (0.9875, 0), (0.999, 0)])
def test_half_of_the_steps_must_have_next_to_no_rate(by, count):
    assert len(found(exponential(by), learned(exponential(by), 0.01))) == count


@pytest.mark.parametrize(("rest", "count"), [(0.0015, 1), (0.0025, 0)])
def test_a_rate_above_a_fiftieth_is_not_next_to_nothing(rest, count):
    early = np.arange(STEPS) < 50
    assert len(found(np.where(early, 0.1, rest), learned(np.where(early, 0.1, 0.0)))) == count


def test_a_rate_that_comes_back_up_is_not_accused():
    rates = exponential(0.95)
    rates[400:] = rates[:200]
    assert found(rates, learned(exponential(0.95))) == ()


def test_a_constant_rate_is_not_accused():
    assert found(np.full(STEPS, 0.1), 2.3 + NOISE) == ()


def test_a_rate_of_zero_all_along_is_another_fault():
    assert found(np.zeros(STEPS), 2.3 + NOISE) == ()


@pytest.mark.parametrize(("floor", "count"), [(1.2, 1), (0.5, 0)])
def test_a_schedule_that_ended_when_most_was_learned_is_not_accused(floor, count):
    rates = exponential(0.95)
    assert len(found(rates, learned(rates, 0.07, floor))) == count


@pytest.mark.parametrize(("pace", "count"), [(0.02, 1), (0.06, 0), (0.5, 0)])
def test_a_loss_that_had_settled_before_is_not_accused(pace, count):
    rates = np.where(np.arange(STEPS) < 80, 0.1, 0.0)
    assert len(found(rates, learned(rates, pace))) == count


def test_what_a_lower_rate_wins_from_noise_is_no_sign_of_a_training_cut_short():
    rates = np.where(np.arange(STEPS) < 80, 0.1, 0.0005)
    loss = np.where(np.arange(STEPS) < 80, 1.9, 1.6) + NOISE
    loss[:10] = np.linspace(2.3, 1.9, 10)
    assert found(rates, loss) == ()


def test_a_fall_within_the_noise_is_no_fall():
    rates = np.where(np.arange(STEPS) < 60, 0.1, 0.0)
    loss = np.where(np.arange(STEPS) < 20, 2.3, np.where(np.arange(STEPS) < 40, 1.9, 1.6))
    noise = np.resize([0.0, 1.0, -1.0], STEPS)
    assert len(found(rates, loss + 0.1 * noise)) == 1
    assert found(rates, loss + 2.0 * noise) == ()


@pytest.mark.parametrize(("share", "count"), [(0.3, 1), (0.7, 0)])
def test_a_loss_that_goes_on_falling_at_the_lower_rate_is_not_accused(share, count):
    early = np.arange(STEPS) < 50
    loss = np.where(early, np.linspace(2.3, 2.3 - 12 * (1 - share) * 0.7, STEPS), 2.3 - 0.7 * (1 - share))
    loss = loss - np.where(early, 0, 0.7 * share * np.clip((np.arange(STEPS) - 110) / 300, 0, 1))
    assert len(found(np.where(early, 0.1, 0.0005), loss + NOISE / 10)) == count


def test_a_run_in_which_nothing_was_learned_is_accused_too():
    assert found(exponential(0.8), 2.3 + NOISE)[0].evidence[2].observed == pytest.approx(5, rel=0.01)
    assert found(exponential(0.8), 2.3 + NOISE, data=DataCard(baseline_loss=5.0)) == ()


@pytest.mark.parametrize(("worth", "count"), [(95, 1), (105, 0)])
def test_a_hundred_steps_show_what_a_network_can_learn(worth, count):
    rates = np.where(np.arange(STEPS) < worth, 0.1, 0.0)
    assert len(found(rates, learned(rates, 1 / worth))) == count


@pytest.mark.parametrize(("steps", "count"), [(8, 1), (6, 0)])
def test_three_passes_over_the_data_show_it_too(steps, count):
    of_batches = np.resize(np.arange(steps) / steps, STEPS)
    each_pass = np.arange(STEPS) % steps == 0
    assert len(found(scalars={"input.digest": of_batches})) == count
    assert len(found(scalars={"scheduler_steps": each_pass})) == count
    assert len(found(run=make_run(examples=32 * steps), scalars={"batch_size": 32})) == count


@pytest.mark.parametrize(("worth", "count"), [(25, 1), (35, 0)])
def test_no_network_has_settled_after_a_few_steps(worth, count):
    rates = np.where(np.arange(STEPS) < worth, 0.1, 0.0)
    assert len(found(rates, learned(rates, 2.0))) == count


def test_few_steps_that_are_enough_for_the_task_are_not_accused():
    assert found(loss=learned(exponential(0.95), 2.0, floor=1.0)) == ()


def test_a_loss_that_was_thrown_up_is_another_fault():
    assert found(exponential(0.8), np.where(np.arange(STEPS) < 3, 2.3, 9.0)) == ()
    assert len(found(exponential(0.8), np.where(np.arange(STEPS) < 3, 2.3, 2.5))) == 1


def test_what_is_learned_by_heart_need_not_go_on():
    rates = exponential(0.97)
    elsewhere = np.where(np.arange(STEPS) % 60 == 59, np.linspace(2.4, 3.0, STEPS), np.nan)
    assert len(found(rates, learned(rates, 0.02))) == 1
    assert found(rates, learned(rates, 0.02), scalars={"validation.loss": elsewhere}) == ()


def test_a_training_that_takes_turns_with_another_is_not_judged():
    assert found(scalars={"other_steps": 1}) == ()


def test_a_short_run_is_not_judged():
    assert found(exponential(0.8, 80), 2.3 + NOISE[:80]) == ()


def test_what_learned_a_part_is_accused_less_strongly():
    assert found()[0].strength == 0.5
    assert found(exponential(0.8), 2.3 + NOISE)[0].strength > 0.5


LINES = {"scheduler": 77, "scheduler_built": 70}


def test_a_step_of_the_schedule_in_each_batch_is_shown_where_it_is_taken():
    (finding,) = found(sources=LINES, scalars={"scheduler_steps": 1})
    assert finding.locus.source == source(77)
    assert "once per epoch" in finding.remedies[0].text


def test_a_schedule_that_is_too_short_is_shown_where_it_is_built():
    rates = 0.1 * np.clip(1 - np.arange(STEPS) / 60, 0, None)
    (finding,) = found(rates, sources=LINES, scalars={"scheduler_steps": 1})
    assert finding.locus.source == source(70)
    assert "600 steps" in finding.remedies[0].text
    assert found(sources=LINES, scalars={"scheduler_steps": np.arange(STEPS) % 10 == 0})[0].locus.source == source(70)


def test_without_a_scheduler_the_line_of_the_rate_is_shown():
    assert found()[0].locus.source == source(31)


@pytest.mark.parametrize("facts", [{"data": DataCard()}, {"scalars": {"learning_rate": math.nan}}])
def test_without_a_baseline_or_a_rate_nothing_is_said(facts):
    assert isinstance(check.run(run(**facts)), NotEvaluated)


@pytest.mark.parametrize(("says", "count"), [(0.0, 0), (0.2, 0), (0.25, 0), (0.5, 1), (1.0, 1)])
def test_where_most_was_learned_neighbors_may_show_that_much_is_left(told, says, count):
    rates = exponential(0.95)
    trace = told(run(rates, learned(rates, 0.07, 0.5)), says=says)
    assert len(check.run(trace)) == count
