"""Which is the cause: run the rules, fold symptoms into causes, rank them, give the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from deeplocalize.diagnosis.ignores import ignores
from deeplocalize.diagnosis.sensitivity import LEVELS, near_misses
from deeplocalize.diagnosis.settings import Settings
from deeplocalize.findings import Finding, NotEvaluated
from deeplocalize.rules import Check, Rule, all_rules, plugin_rules
from deeplocalize.trace.schema import Failure, Trace

Verdict = Literal["healthy", "faulty", "inconclusive"]

__all__ = ["Cause", "Diagnosis", "Settings", "Verdict", "Withheld", "diagnose", "fold"]

MIN_STEPS = 10
"""Fewer optimizer steps than this say nothing about whether a program learns."""


@dataclass(frozen=True)
class Cause:
    """A finding that no other finding explains, with the symptoms it explains. `score` orders causes."""

    finding: Finding
    rule: Rule
    score: float
    explains: tuple[Finding, ...] = ()


@dataclass(frozen=True)
class Withheld:
    """A cause that the user does not want to hear of: `why` is `comment` or `sensitivity`."""

    cause: Cause
    why: Literal["comment", "sensitivity"]


@dataclass(frozen=True)
class Diagnosis:
    """The judgement on one training. `reason` says why the verdict is what it is, in one sentence.

    `left_out` names the rules that were not to judge, which is another thing than `not_evaluated`: they could have.
    """

    trace: Trace
    verdict: Verdict
    reason: str
    causes: tuple[Cause, ...] = ()
    not_evaluated: tuple[NotEvaluated, ...] = ()
    failures: tuple[Failure, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    left_out: tuple[str, ...] = ()


def diagnose(trace: Trace, rules: Sequence[Rule] | None = None, settings: Settings | None = None) -> Diagnosis:
    """Judge a trace by every rule (or those given), as the settings say.

    A rule that raises is reported as a failure of ours.

    Raises:
        UsageError: the settings name a rule or a limit that does not exist.
    """
    settings = settings or Settings()
    broken = plugin_rules()[1] if rules is None else ()
    rules, left_out = settings.choose(all_rules() if rules is None else rules)
    findings, unanswered, failures = _answers(trace, rules)
    by_name = {each.name: each for each in rules}
    causes = fold(findings, by_name)
    factor = LEVELS[settings.sensitivity].factor
    if factor != 1:
        quiet = [each for each in rules if each.name not in {found.rule for found in findings}]
        more, _, _ = _answers(trace, [replace(each, check=_near(each, factor)) for each in quiet])
        causes = _with_near_misses(causes, fold(more, by_name))
    told, withheld = _told(causes, LEVELS[settings.sensitivity].least_score)
    verdict, reason = _verdict(trace, told, not rules or len(unanswered) < len(rules))
    if withheld and verdict == "healthy":
        reason += f", apart from {len(withheld)} withheld"
    return Diagnosis(
        trace, verdict, reason, told, tuple(unanswered), (*trace.failures, *broken, *failures), withheld, left_out
    )


def _answers(trace: Trace, rules: Sequence[Rule]) -> tuple[list[Finding], list[NotEvaluated], list[Failure]]:
    findings: list[Finding] = []
    unanswered: list[NotEvaluated] = []
    failures: list[Failure] = []
    for each in rules:
        try:
            answer = each.run(trace)
        except Exception as error:
            failures.append(Failure(f"rule {each.name}", f"{type(error).__name__}: {error}"))
            unanswered.append(NotEvaluated(each.name, f"the rule failed: {type(error).__name__}"))
            continue
        if isinstance(answer, NotEvaluated):
            unanswered.append(answer)
        else:
            findings += answer
    return findings, unanswered, failures


def _near(rule: Rule, factor: float) -> Check:
    return lambda trace: iter(near_misses(trace, rule, factor))


def _with_near_misses(causes: tuple[Cause, ...], near: tuple[Cause, ...]) -> tuple[Cause, ...]:
    """Causes with near misses behind them; one that a cause explains is among its symptoms, and never the reverse."""
    found = list(causes)
    for each in near:
        explained_by = next((at for at, cause in enumerate(causes) if each.rule.name in cause.rule.explains), None)
        if explained_by is None:
            found.append(each)
        else:
            cause = found[explained_by]
            found[explained_by] = replace(cause, explains=(*cause.explains, each.finding, *each.explains))
    return tuple(found)


def _told(causes: Iterable[Cause], least_score: float) -> tuple[tuple[Cause, ...], tuple[Withheld, ...]]:
    """The causes to tell, and those that a comment or the reader's tolerance withholds. Their symptoms go with them."""
    told: list[Cause] = []
    withheld: list[Withheld] = []
    for cause in causes:
        if ignores(cause.finding.locus.source, cause.rule):
            withheld.append(Withheld(cause, "comment"))
        elif cause.score < least_score:
            withheld.append(Withheld(cause, "sensitivity"))
        else:
            told.append(cause)
    return tuple(told), tuple(withheld)


def fold(findings: Iterable[Finding], rules: dict[str, Rule]) -> tuple[Cause, ...]:
    """Leave the findings that nothing else explains, best first, each with the symptoms it explains.

    A finding explains another if its rule says so. Where two explain each other, the one with the higher score stays.
    """
    ranked = sorted(findings, key=lambda finding: -_score(finding, rules[finding.rule]))
    symptoms: dict[int, list[Finding]] = {id(finding): [] for finding in ranked}
    folded: set[int] = set()
    for cause in _causes_first(ranked, rules):
        if id(cause) in folded:
            continue
        for other in ranked:
            if other is not cause and id(other) not in folded and other.rule in rules[cause.rule].explains:
                folded.add(id(other))
                symptoms[id(cause)] += [other, *symptoms[id(other)]]
                symptoms[id(other)] = []
    return tuple(
        Cause(finding, rules[finding.rule], _score(finding, rules[finding.rule]), tuple(symptoms[id(finding)]))
        for finding in ranked
        if id(finding) not in folded
    )


def _causes_first(ranked: list[Finding], rules: dict[str, Rule]) -> list[Finding]:
    """Findings whose rule explains most of the others come first, so that chains fold into their root."""
    present = {finding.rule for finding in ranked}
    explained_by = {name: sum(name in rules[other].explains for other in present) for name in present}
    return sorted(ranked, key=lambda finding: explained_by[finding.rule])


def _score(finding: Finding, rule: Rule) -> float:
    return float(rule.severity) * finding.strength


def _verdict(trace: Trace, causes: Sequence[Cause], judged: bool) -> tuple[Verdict, str]:
    if causes:
        count = len(causes)
        return "faulty", f"{count} cause{'s' if count > 1 else ''} found"
    if not len(trace.steps):
        return "inconclusive", "no training step was seen"
    if trace.run.crash is not None:
        return "inconclusive", f"the run ended with {trace.run.crash.type} and no rule recognizes its cause"
    if len(trace.steps) < MIN_STEPS:
        return "inconclusive", f"only {len(trace.steps)} training steps were seen; {MIN_STEPS} are needed to judge"
    if not trace.has("loss") and not trace.has("loss.nonfinite"):
        return "inconclusive", "the loss was not seen, so nothing can be said about learning"
    if not judged:
        return "inconclusive", "what was recorded was not enough for any rule"
    return "healthy", f"no fault found in {len(trace.steps)} recorded steps"
