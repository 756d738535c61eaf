import os

import pytest

from deeplocalize.diagnosis import Cause, Diagnosis, live
from deeplocalize.diagnosis.live import LiveDiagnosis
from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.rules import Rule
from deeplocalize.trace import TraceLog


def cause(name="bad", strength=1.0, first_step=5, severity=Severity.HIGH):
    finding = Finding("It is wrong.", Locus("loss"), (Evidence("x", 2, ">", 1),), (), strength, first_step, name)
    return Cause(finding, Rule(name, "X001", "loss", severity, (), (), "", iter), 1.0)


class Run:
    """A training whose diagnoses are given, one for each look, on a clock of its own: a step takes `seconds`."""

    def __init__(self, monkeypatch, diagnoses, seconds=1.0, cost=0.0, **options):
        self.looks, self.said, self.now = [], [], 0.0
        self.seconds, self.cost, self.diagnoses = seconds, cost, iter(diagnoses)
        monkeypatch.setattr(live, "diagnose", self._diagnose)
        monkeypatch.setattr(live.time, "monotonic", lambda: self.now)
        self.recorder = TraceLog().recorder()
        self.live = LiveDiagnosis(self.said.append, **options)

    def _diagnose(self, trace, settings):
        self.looks.append(self.step)
        self.now += self.cost
        return Diagnosis(trace, "faulty", "", tuple(next(self.diagnoses, ())))

    def take(self, steps):
        """Train this many steps; the step at which the training was asked to stop, or None."""
        for self.step in range(steps):
            if self.live(self.recorder, self.step):
                return self.step
            self.now += self.seconds
        return None


def test_looks_become_ever_more_seldom(monkeypatch):
    run = Run(monkeypatch, [])
    run.take(1000)
    assert run.looks == [20, 50, 100, 200, 400, 800]


def test_looks_take_about_one_percent_of_the_time(monkeypatch):
    run = Run(monkeypatch, [], seconds=0.01, cost=1.0)
    run.take(100_000)
    assert 2 <= len(run.looks) <= 0.011 * run.now


def test_a_finding_is_told_once_when_it_first_appears(monkeypatch):
    run = Run(monkeypatch, [[], [cause()], [cause(), cause("other")], [cause()]], seconds=0)
    run.take(300)
    assert run.said == ["step 50: It is wrong. [bad]", "step 100: It is wrong. [other]"]


def test_progress_is_told_at_growing_pauses_on_a_long_run_only(monkeypatch):
    short = Run(monkeypatch, [], seconds=0.01)
    short.take(900)
    assert short.said == []
    long = Run(monkeypatch, [])
    long.take(200)
    assert long.said[:2] == ["step 11 after 11 s: no fault so far", "step 32 after 32 s: no fault so far"]
    assert len(long.said) == 4


@pytest.mark.parametrize(
    ("diagnoses", "stopped"),
    [
        ([[cause(first_step=None)]], 20),  # in the program itself
        ([[cause()], [cause()]], 50),  # strong, and there in two looks running
        ([[cause()], [], [cause()], []], None),  # it went away in between
        ([[cause()], [cause("other")], []], None),  # another one
        ([[cause(strength=0.6)]] * 9, None),  # too near its limit
        ([[cause(severity=Severity.MEDIUM, first_step=None)]] * 9, None),  # not bad enough
    ],
)
def test_a_training_is_stopped_only_for_a_certain_fault(monkeypatch, diagnoses, stopped):
    run = Run(monkeypatch, diagnoses, seconds=0, stop_on_fault=True)
    assert run.take(1000) == stopped
    assert run.live.stopped == (stopped is not None)


def test_nothing_is_stopped_unless_asked(monkeypatch):
    assert Run(monkeypatch, [[cause(first_step=None)]] * 9).take(1000) is None


def test_a_forked_child_takes_no_look(monkeypatch):
    run = Run(monkeypatch, [])
    monkeypatch.setattr(os, "getpid", lambda: -1)
    run.take(1000)
    assert (run.looks, run.said) == ([], [])
