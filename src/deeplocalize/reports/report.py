"""What is said about a program: the diagnoses of all its trainings, put together as one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from deeplocalize.diagnosis import Cause, Diagnosis, Settings, Verdict, Withheld, diagnose
from deeplocalize.diagnosis.ignores import Ignore, in_trace, unused
from deeplocalize.findings import NotEvaluated
from deeplocalize.rules import all_rules
from deeplocalize.trace.schema import Failure, Layer, Trace

MOST_JUDGED = 100
"""So many trainings are judged, the longest ones. Programs with more begin one for each task, or for each example, and what is
wrong with one of them is wrong with the others."""


@dataclass(frozen=True)
class RankedCause:
    """A cause and the trainings (by their place in `Report.diagnoses`) in which it was found, strongest first."""

    cause: Cause
    diagnosis: Diagnosis
    trainings: tuple[int, ...]

    @property
    def layer(self) -> Layer | None:
        """The layer that is to be changed, if the fault is in one."""
        return layer_at(self.diagnosis.trace, self.cause.finding.locus.layer)


@dataclass(frozen=True)
class Report:
    """The judgement on a whole program.

    Attributes:
        diagnoses: one for each training, in the order in which they began.
        verdict: faulty if any training is; otherwise that of the longest training.
        reason: why, in one sentence.
        causes: best first. The same fault found in several trainings (of a cross-validation, say) is one cause.
        not_evaluated: the rules that could judge no training, and why.
        failures: what went wrong on our side.
        trace: the file the trainings are recorded in, if there is one.
        settings: how the trainings were judged.
        withheld: causes that a comment or the sensitivity keeps out of `causes`.
        unused_ignores: comments that were to ignore something and did not.
        passed_over: how many shorter trainings were not judged, as there are more than MOST_JUDGED.
    """

    diagnoses: tuple[Diagnosis, ...]
    verdict: Verdict
    reason: str
    causes: tuple[RankedCause, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    failures: tuple[Failure, ...] = ()
    trace: Path | None = None
    settings: Settings = field(default_factory=Settings)
    withheld: tuple[Withheld, ...] = ()
    unused_ignores: tuple[Ignore, ...] = ()
    passed_over: int = 0

    @classmethod
    def of(
        cls,
        traces: Iterable[Trace],
        path: Path | None = None,
        failures: Iterable[Failure] = (),
        settings: Settings | None = None,
        comments: Iterable[Ignore] = (),
    ) -> Report:
        """Judge the traces of a program's trainings.

        Args:
            traces: one for each training.
            path: the file they are recorded in.
            failures: what failed and is in no trace.
            settings: which rules judge, and how.
            comments: those of the program that ignore findings, as far as they are known besides those in the traces.
        """
        traces = tuple(traces)
        every = trainings(traces)
        judged = most_telling(every)
        diagnoses = tuple(diagnose(trace, settings=settings) for trace in judged)
        causes = _ranked(diagnoses)
        # A failure that kept a probe from seeing any training is in a trace that shows none.
        noted = [*failures, *(failure for each in diagnoses for failure in each.failures)]
        noted += [failure for each in traces for failure in each.failures]
        return cls(
            diagnoses=diagnoses,
            verdict=_verdict(diagnoses, causes),
            reason=_reason(diagnoses, causes),
            causes=causes,
            not_evaluated=_unanswered(diagnoses),
            failures=tuple(dict.fromkeys(noted)),
            trace=path,
            settings=settings or Settings(),
            withheld=tuple(
                {_key(each.cause, found.trace): each for found in diagnoses for each in found.withheld}.values()
            ),
            unused_ignores=_unused(diagnoses, comments),
            passed_over=len(every) - len(judged),
        )

    @property
    def left_out(self) -> tuple[str, ...]:
        """The rules that were not to judge."""
        return self.diagnoses[0].left_out if self.diagnoses else ()

    @property
    def main(self) -> Diagnosis | None:
        """The training the report speaks of first: that of the best cause, or else the longest."""
        return self.causes[0].diagnosis if self.causes else longest(self.diagnoses)

    def __str__(self) -> str:
        from deeplocalize.reports import terminal  # on use, as rich is not needed for a report as data

        return terminal.render(self).rstrip()

    def _repr_html_(self) -> str:
        from deeplocalize.reports import notebook

        return notebook.render(self)


def trainings(traces: tuple[Trace, ...]) -> tuple[Trace, ...]:
    """Those of the traces that show a training.

    A recorder without steps is no training if another one has steps: it belongs to a model that was only used, or to a
    probe that had nothing to do. It stays if the program ended in it, or if steps of it were asked for in vain: all skipped,
    or never taken although an optimizer holds what a gradient was computed for again and again.
    """
    seen = [trace for trace in traces if len(trace.steps) or trace.layers]
    trained = [trace for trace in seen if len(trace.steps) or trace.run.crash is not None or _was_asked(trace)]
    return tuple(trained or seen)


def most_telling(traces: tuple[Trace, ...], most: int = MOST_JUDGED) -> tuple[Trace, ...]:
    """The longest of the trainings, in their order, and those in which the program ended."""
    by_length = sorted(traces, key=lambda trace: (trace.run.crash is None, -len(trace.steps)))
    chosen = {id(trace) for trace in by_length[:most]}
    return tuple(trace for trace in traces if id(trace) in chosen)


def _was_asked(trace: Trace) -> bool:
    """True if steps were asked for that a gradient scaler skipped, or that the program forgot."""
    return (trace.run.scaling is not None and trace.run.scaling.skipped > 0) or trace.run.unapplied > 1


def longest(diagnoses: tuple[Diagnosis, ...]) -> Diagnosis | None:
    """The diagnosis of the training with most steps; None if there is none."""
    return max(diagnoses, key=lambda each: steps_seen(each.trace), default=None)


def steps_seen(trace: Trace) -> int:
    """Number of optimizer steps the training took, whether or not each was recorded."""
    return int(trace.steps[-1]) + 1 if len(trace.steps) else 0


def layer_at(trace: Trace, index: int | None) -> Layer | None:
    """A layer by its index; None if there is none such."""
    return next((layer for layer in trace.layers if layer.index == index), None)


def _verdict(diagnoses: tuple[Diagnosis, ...], causes: tuple[RankedCause, ...]) -> Verdict:
    if causes:
        return "faulty"
    judged = longest(diagnoses)
    return judged.verdict if judged else "inconclusive"


def _reason(diagnoses: tuple[Diagnosis, ...], causes: tuple[RankedCause, ...]) -> str:
    judged = longest(diagnoses)
    if judged is None:
        return "no training step was seen"
    if not causes:
        return judged.reason
    count = f"{len(causes)} cause{'s' if len(causes) > 1 else ''} found"
    faulty = sum(bool(each.causes) for each in diagnoses)
    return count if len(diagnoses) == 1 else f"{count} in {faulty} of {len(diagnoses)} trainings"


def _ranked(diagnoses: tuple[Diagnosis, ...]) -> tuple[RankedCause, ...]:
    """All causes, best first; one and the same fault in several trainings is kept where it is strongest."""
    same: dict[object, list[tuple[Cause, int]]] = {}
    for number, diagnosis in enumerate(diagnoses):
        for cause in diagnosis.causes:
            same.setdefault(_key(cause, diagnosis.trace), []).append((cause, number))
    ranked = []
    for found in same.values():
        best, where = max(found, key=lambda pair: pair[0].score)
        ranked.append(RankedCause(best, diagnoses[where], tuple(dict.fromkeys(number for _, number in found))))
    return tuple(sorted(ranked, key=lambda each: -each.cause.score))


def _key(cause: Cause, trace: Trace) -> object:
    """What is the same for one and the same fault in several trainings."""
    locus, layer = cause.finding.locus, layer_at(trace, cause.finding.locus.layer)
    return cause.rule.name, locus.kind, locus.source, layer and (layer.index, layer.name)


def _unused(diagnoses: tuple[Diagnosis, ...], comments: Iterable[Ignore]) -> tuple[Ignore, ...]:
    """The comments that ignored nothing in any training. A run of which too little was seen says nothing about that."""
    judged = [each for each in diagnoses if each.verdict != "inconclusive"]
    if not judged:
        return ()
    causes = [cause for each in diagnoses for cause in (*each.causes, *(one.cause for one in each.withheld))]
    found = [finding for cause in causes for finding in (cause.finding, *cause.explains)]
    lines = {(finding.locus.source, finding.rule) for finding in found if finding.locus.source is not None}
    silent = {each.rule for each in _unanswered(diagnoses)} | set(diagnoses[0].left_out)
    known = (*comments, *(each for diagnosis in diagnoses for each in in_trace(diagnosis.trace)))
    rules = all_rules()
    return unused(known, lines, [each for each in rules if each.name not in silent], rules)


def _unanswered(diagnoses: tuple[Diagnosis, ...]) -> tuple[NotEvaluated, ...]:
    """The rules that judged no training at all; a rule that judged one of several did its work."""
    if not diagnoses:
        return ()
    common = set.intersection(*({each.rule for each in diagnosis.not_evaluated} for diagnosis in diagnoses))
    return tuple(each for each in diagnoses[0].not_evaluated if each.rule in common)
