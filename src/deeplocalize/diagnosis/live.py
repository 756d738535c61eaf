"""The diagnosis while training goes on: seldom enough to cost next to nothing, soon enough to save a night."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from deeplocalize.diagnosis import Cause, Settings, diagnose
from deeplocalize.findings import Severity
from deeplocalize.rules import all_rules
from deeplocalize.trace.recorder import Recorder

FIRST_STEPS = (20, 50, 100)
"""Steps of the first looks; after them the step doubles from look to look."""

TIME_SHARE = 0.01
"""Looks take at most about this share of the time so far; one that would take more is put off."""

CERTAIN_STRENGTH = 0.75
"""A finding this strong is halfway (on a log scale) from its limit to as far as strength can tell: no borderline case."""

QUIET_SECONDS = 10.0
"""Nothing is said about the progress of a run shorter than this; afterwards the pauses double, up to ten minutes."""

MAX_QUIET_SECONDS = 600.0


@dataclass
class _Looks:
    """What is known of one training from the looks taken so far."""

    began: float
    next_step: int = FIRST_STEPS[0]
    spent: float = 0.0
    latest: float = 0.0
    told: set[object] = field(default_factory=set)
    suspects: set[object] = field(default_factory=set)


class LiveDiagnosis:
    """The listener of a Session: call it after each step.

    A fault is *certain* if it is of high severity and either stands in the program itself (its finding has no first
    step, as the training only shows it) or is strong and was a cause in two looks running.
    """

    def __init__(
        self,
        say: Callable[[str], None] | None = None,
        *,
        stop_on_fault: bool = False,
        settings: Settings | None = None,
    ) -> None:
        """Tell progress and new findings through `say`, one line at a time; ask to stop if `stop_on_fault`."""
        wanted = settings or Settings()
        # Near misses are for the end: half of a training is full of them.
        self._settings = replace(wanted, sensitivity="normal") if wanted.sensitivity == "high" else wanted
        self._say = say
        self._stop_on_fault = stop_on_fault
        self._trainings: dict[Recorder, _Looks] = {}
        self._pid = os.getpid()
        self._quiet = QUIET_SECONDS
        self._said = time.monotonic()
        self.stopped = False
        all_rules()  # read now, so that the first look does not count as a slow one

    def __call__(self, recorder: Recorder, step: int) -> bool:
        """Take a look if one is due; True if the training is to end."""
        now = time.monotonic()
        looks = self._trainings.get(recorder)
        if looks is None:
            looks = self._trainings[recorder] = _Looks(now)
        if self._say is not None and now - self._said > self._quiet:
            self._tell_progress(looks, step, now)
        if step < looks.next_step or looks.spent + looks.latest > TIME_SHARE * (now - looks.began) or self._forked():
            return False
        return self._look(recorder, looks, step)

    def _forked(self) -> bool:
        """A forked child holds a copy of the parent's training; it has nothing to say about it."""
        return os.getpid() != self._pid

    def _look(self, recorder: Recorder, looks: _Looks, step: int) -> bool:
        began = time.monotonic()
        looks.next_step = next((each for each in FIRST_STEPS if each > step), 2 * step)
        causes = diagnose(recorder.trace(), settings=self._settings).causes
        certain = self._certain(causes, looks)
        self._tell_new(causes, looks, step)
        looks.latest = time.monotonic() - began
        looks.spent += looks.latest
        self.stopped = self.stopped or (certain and self._stop_on_fault)
        return certain and self._stop_on_fault

    def _certain(self, causes: tuple[Cause, ...], looks: _Looks) -> bool:
        before, looks.suspects = looks.suspects, {_key(cause) for cause in causes if _strong(cause)}
        structural = any(cause.rule.severity == Severity.HIGH and cause.finding.first_step is None for cause in causes)
        return structural or bool(before & looks.suspects)

    def _tell_new(self, causes: tuple[Cause, ...], looks: _Looks, step: int) -> None:
        for cause in causes:
            if self._say is not None and _key(cause) not in looks.told:
                source = cause.finding.locus.source
                where = f" ({source})" if source else ""
                self._say(f"step {step:,}: {cause.finding.message}{where} [{cause.rule.name}]")
            looks.told.add(_key(cause))

    def _tell_progress(self, looks: _Looks, step: int, now: float) -> None:
        if self._say is None or self._forked():
            return
        found = f"{len(looks.told)} suspected so far" if looks.told else "no fault so far"
        self._say(f"step {step:,} after {_duration(now - looks.began)}: {found}")
        self._said = now
        self._quiet = min(2 * self._quiet, MAX_QUIET_SECONDS)


def _key(cause: Cause) -> object:
    return cause.rule.name, cause.finding.locus


def _strong(cause: Cause) -> bool:
    return cause.rule.severity == Severity.HIGH and cause.finding.strength >= CERTAIN_STRENGTH


def _duration(seconds: float) -> str:
    minutes = math.floor(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
