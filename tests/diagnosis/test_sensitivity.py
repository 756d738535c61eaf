import dataclasses

import pytest

from deeplocalize.diagnosis import Settings, diagnose
from deeplocalize.diagnosis.sensitivity import LEVELS, NEAR_MISS, near_misses
from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.rules import CannotEvaluate, Rule
from deeplocalize.testing import make_trace


def found(strength=1.0, kind="loss", observed=2.0, limit=1.0):
    return Finding("It is wrong.", Locus(kind), (Evidence("x", observed, ">", limit),), (), strength)


def finds(name, strength=1.0, severity=Severity.HIGH, explains=()):
    return Rule(name, name, "loss", severity, (), explains, "", lambda trace: iter([found(strength)]))


def exceeds(name="near", observed=0.7, explains=()):
    """A rule that fires if a quantity exceeds its limit of 1."""

    def check(trace, *, limit: float = 1.0, least: int = 4):
        if observed > limit and len(trace.steps) >= least:
            yield found(observed=observed, limit=limit)

    return Rule(name, name, "loss", Severity.HIGH, (), explains, "", check)


def told(rules, sensitivity):
    diagnosis = diagnose(make_trace(), rules, Settings(sensitivity=sensitivity))
    return [cause.rule.name for cause in diagnosis.causes]


@pytest.mark.parametrize(
    ("severity", "strength", "at_low"),
    [
        (Severity.HIGH, 0.5, True),
        (Severity.MEDIUM, 0.75, True),
        (Severity.MEDIUM, 0.74, False),
        (Severity.LOW, 1.0, False),
    ],
)
def test_low_tells_what_is_severe_or_strong_and_normal_tells_all(severity, strength, at_low):
    rules = [finds("bad", strength, severity)]
    assert told(rules, "low") == (["bad"] if at_low else [])
    assert told(rules, "normal") == ["bad"]


def test_what_low_withholds_is_kept_and_the_verdict_says_so():
    diagnosis = diagnose(make_trace(), [finds("bad", 1.0, Severity.LOW)], Settings(sensitivity="low"))
    assert (diagnosis.verdict, [each.why for each in diagnosis.withheld]) == ("healthy", ["sensitivity"])
    assert diagnosis.reason == "no fault found in 100 recorded steps, apart from 1 withheld"


def test_a_symptom_of_a_withheld_cause_stays_explained():
    rules = [finds("bad", 1.0, Severity.LOW, explains=("worse",)), finds("worse")]
    assert told(rules, "low") == []


@pytest.mark.parametrize(("observed", "at_high"), [(0.7, ["near"]), (0.4, []), (0.5, [])])
def test_high_tells_near_misses_within_a_factor_of_two(observed, at_high):
    rules = [exceeds(observed=observed)]
    assert told(rules, "high") == at_high
    assert told(rules, "normal") == told(rules, "low") == []


def test_a_near_miss_is_weaker_than_any_finding_and_names_its_limit():
    (miss,) = near_misses(make_trace(), exceeds(), LEVELS["high"].factor)
    assert miss.strength == NEAR_MISS < 0.5
    assert miss.message == "It is wrong. (A near miss: found with limit = 0.5 in place of 1.)"
    assert miss.evidence[0].limit == 0.5


def test_a_limit_that_counts_stays_whole_and_a_share_stays_below_one():
    seen = []

    def check(trace, *, share: float = 0.9, tiny: float = 1e-6, least: int = 5, most: int = 0, one: int = 1):
        seen.append((share, tiny, least, most, one))
        return iter(())

    near_misses(make_trace(), Rule("a", "a", "loss", Severity.HIGH, (), (), "", check), 2.0)
    moved = [
        [pair[0] for pair in zip(values, (0.9, 1e-6, 5, 0, 1), strict=True) if pair[0] != pair[1]] for values in seen
    ]
    assert moved == [[0.45], [0.95], [5e-7], [2e-6], [2], [10], [2]]


def test_a_near_miss_never_explains_what_was_found_without_it_but_may_be_explained():
    assert told([exceeds("near", explains=("bad",)), finds("bad", 0.5)], "high") == ["bad", "near"]
    assert told([exceeds("near"), finds("bad", explains=("near",))], "high") == ["bad"]


def test_a_rule_that_finds_something_by_its_own_limits_has_no_near_misses():
    assert told([exceeds(observed=1.5)], "high") == ["near"]
    (cause,) = diagnose(make_trace(), [exceeds(observed=1.5)], Settings(sensitivity="high")).causes
    assert "near miss" not in cause.finding.message


def test_a_rule_that_fails_with_a_moved_limit_or_cannot_judge_is_passed_over():
    def check(trace, *, limit: float = 1.0):
        if limit != 1.0:
            raise ZeroDivisionError if limit > 1 else CannotEvaluate("no")
        return iter(())

    broken = dataclasses.replace(exceeds(), check=check)
    diagnosis = diagnose(make_trace(), [broken], Settings(sensitivity="high"))
    assert (diagnosis.causes, diagnosis.failures, diagnosis.not_evaluated) == ((), (), ())


def test_normal_is_the_diagnosis_without_settings():
    rules = [finds("bad", 0.5, Severity.LOW), exceeds(), exceeds("other", 3.0)]
    assert diagnose(make_trace(), rules, Settings()).causes == diagnose(make_trace(), rules).causes
    assert told(rules, "normal") == ["other", "bad"]
