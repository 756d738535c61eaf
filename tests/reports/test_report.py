from dataclasses import replace

import pytest

from deeplocalize.findings import Severity
from deeplocalize.reports import Report
from deeplocalize.testing import make_run, make_trace
from deeplocalize.trace import Crash, Failure, Scaling


def test_a_program_without_a_training_is_inconclusive():
    report = Report.of([make_trace(steps=0, layers=0, failures=(Failure("torch probe", "it broke"),))])
    assert (report.verdict, report.reason) == ("inconclusive", "no training step was seen")
    assert report.main is None
    assert [failure.message for failure in report.failures] == ["it broke"]


def test_a_recorder_without_steps_is_no_training_beside_one_with_steps(rules):
    rules()
    report = Report.of([make_trace(steps=0), make_trace()])
    assert [len(each.trace.steps) for each in report.diagnoses] == [100]
    crashed = make_trace(steps=0, run=make_run(crash=Crash("ValueError", "x")))
    assert len(Report.of([crashed, make_trace()]).diagnoses) == 2
    skipped = make_trace(steps=0, run=make_run(scaling=Scaling(40, 40, 40, 40, 65536.0, 1e-8)))
    assert len(Report.of([skipped, make_trace()]).diagnoses) == 2
    forgotten = make_trace(steps=0, run=make_run(unapplied=40))
    assert len(Report.of([forgotten, make_trace()]).diagnoses) == 2


def test_a_program_is_faulty_if_one_training_is(rules, rule_that, found):
    rules(rule_that("bad", found(), needs=("metric.x",)))
    report = Report.of([make_trace(steps=500), make_trace(scalars={"metric.x": 1.0})])
    assert (report.verdict, report.reason) == ("faulty", "1 cause found in 1 of 2 trainings")
    assert report.causes[0].trainings == (1,)
    assert report.main is report.diagnoses[1]
    assert report.not_evaluated == ()


@pytest.mark.parametrize(("steps", "verdict"), [((500, 3), "healthy"), ((3, 500), "healthy"), ((3, 4), "inconclusive")])
def test_otherwise_the_longest_training_decides(rules, steps, verdict):
    rules()
    assert Report.of([make_trace(steps=each) for each in steps]).verdict == verdict


def test_a_training_in_which_the_program_ended_is_judged_however_many_there_are(rules):
    rules()
    crashed = make_trace(steps=1, run=make_run(crash=Crash("ValueError", "x")))
    report = Report.of([make_trace(steps=20) for _ in range(120)] + [crashed])
    assert len(report.diagnoses) == 100
    assert report.diagnoses[-1].trace is crashed
    assert report.passed_over == 21


def test_the_same_fault_in_several_trainings_is_one_cause_told_where_it_is_strongest(rules, rule_that, found):
    strengths = iter([0.6, 0.9, 0.7])
    rule = rule_that("bad")
    rules(replace(rule, check=lambda trace: iter([found(strength=next(strengths))])))
    report = Report.of([make_trace(), make_trace(), make_trace()])
    (cause,) = report.causes
    assert cause.trainings == (0, 1, 2)
    assert cause.cause.finding.strength == 0.9
    assert cause.diagnosis is report.diagnoses[1]


def test_causes_of_all_trainings_are_ranked_together(rules, rule_that, found):
    mild = rule_that("mild", found(strength=0.5), severity=Severity.LOW)
    rules(mild, rule_that("bad", found(), needs=("metric.x",)))
    report = Report.of([make_trace(), make_trace(scalars={"metric.x": 1.0})])
    assert [cause.cause.rule.name for cause in report.causes] == ["bad", "mild"]


def test_a_rule_that_raises_is_a_failure_of_ours_and_no_verdict(rules, rule_that):
    def fail(trace):
        raise IndexError("bug")

    rules(replace(rule_that("bad"), check=fail))
    report = Report.of([make_trace()])
    assert report.verdict == "inconclusive"
    assert [(failure.stage, failure.message) for failure in report.failures] == [("rule bad", "IndexError: bug")]
    assert [each.rule for each in report.not_evaluated] == ["bad"]
