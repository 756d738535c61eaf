import numpy as np
import pytest

from deeplocalize.diagnosis import diagnose
from deeplocalize.rules import all_rules
from deeplocalize.testing import make_trace
from deeplocalize.trace import DataCard


def test_a_run_that_learns_is_healthy():
    learned = make_trace(scalars={"loss": np.geomspace(2.3, 0.1, 100)}, data=DataCard(baseline_loss=2.3))
    assert diagnose(learned).verdict == "healthy"


@pytest.mark.parametrize(
    ("trace", "reason"),
    [
        (make_trace(steps=0), "no training step was seen"),
        (make_trace(steps=5, scalars={"loss": 1.0}), "only 5 training steps were seen"),
        (make_trace(scalars={"loss": np.nan}), "the loss was not seen"),
    ],
)
def test_a_run_of_which_too_little_was_seen_is_inconclusive(trace, reason):
    found = diagnose(trace)
    assert found.verdict == "inconclusive"
    assert reason in found.reason


def test_a_run_that_no_rule_could_judge_is_inconclusive_not_healthy():
    trace = make_trace(scalars={"loss": 1.0})
    silent = [each for each in all_rules() if trace.missing(*each.needs)]
    assert diagnose(trace, silent).verdict == "inconclusive"
    assert "not enough for any rule" in diagnose(trace, silent).reason


def test_a_rule_that_fails_is_reported_and_the_others_go_on(monkeypatch):
    rules = all_rules()
    monkeypatch.setattr(type(rules[0]), "run", _broken_once(rules[0]))
    found = diagnose(make_trace(scalars={"loss": np.geomspace(2.3, 0.1, 100)}), rules)
    assert [each.stage for each in found.failures] == [f"rule {rules[0].name}"]
    assert found.verdict == "healthy"


def _broken_once(broken):
    original = type(broken).run

    def run(self, trace):
        if self is broken:
            raise ZeroDivisionError("on purpose")
        return original(self, trace)

    return run
