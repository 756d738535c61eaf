"""Words and numbers for people. Everything that a user's program named passes through `clean` on its way to a screen."""

from __future__ import annotations

import math
import re
import unicodedata

from deeplocalize.diagnosis.confidence import confidence_of
from deeplocalize.findings import Evidence, Locus
from deeplocalize.reports.report import RankedCause, Report, steps_seen
from deeplocalize.trace.schema import Layer, Trace

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]?|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-_])|\x9b[0-?]*[ -/]*[@-~]?")
_LONG_WORD = re.compile(r"\S{61,}")


def clean(text: object, limit: int = 500, word: int = 60) -> str:
    """Text that is safe to show: one line without control characters, long words and the whole clipped in the middle."""
    plain = _ESCAPES.sub("", str(text)[:100_000])
    plain = "".join(" " if char.isspace() else char for char in plain if char.isspace() or _visible(char))
    plain = " ".join(plain.split())
    if word < limit:
        plain = _LONG_WORD.sub(lambda match: clip(match[0], word), plain)
    return clip(plain, limit)


def _visible(char: str) -> bool:
    """False for control, format (such as right-to-left overrides), surrogate and private characters."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn")


def clip(text: str, limit: int) -> str:
    """At most `limit` characters: beginning and end stay, as both tell names apart."""
    if len(text) <= limit:
        return text
    head = (limit - 3) * 2 // 3
    return f"{text[:head]}...{text[head + 3 - limit :]}"


def number(value: float) -> str:
    """A number as a person would write it: whole numbers in full, others with four digits."""
    value = float(value)
    if math.isfinite(value) and value == int(value) and abs(value) < 1e7:
        return f"{int(value):,}"
    return f"{value:.4g}"


def layer_text(layer: Layer) -> str:
    """A layer, the way a person looks for it."""
    return f"layer {layer.index} '{clean(layer.name, 60)}' ({clean(layer.type, 40)})"


def place_text(locus: Locus, layer: Layer | None) -> str:
    """Where the fix goes: line, layer and kind, as far as known."""
    line = f"{clean(locus.source.path, 300, 300)}:{locus.source.line}" if locus.source else None
    parts = [line, layer_text(layer) if layer else None, locus.kind.replace("-", " ")]
    return ", ".join(part for part in parts if part)


def evidence_text(evidence: Evidence) -> str:
    """A checkable number: what was observed, against which limit, and when."""
    text = f"{clean(evidence.what, 200)}: {number(evidence.observed)} ({evidence.relation} {number(evidence.limit)}"
    return f"{text}{_steps_text(evidence.steps)})"


def _steps_text(steps: tuple[int, ...]) -> str:
    if not steps:
        return ""
    return f"; step {min(steps):,}" if len(steps) == 1 else f"; steps {min(steps):,} to {max(steps):,}"


def symptoms_text(found: RankedCause, limit: int = 6) -> str:
    """The symptoms a cause explains, by rule, each with how often it was found."""
    rules = [finding.rule for finding in found.cause.explains]
    counts = {rule: rules.count(rule) for rule in dict.fromkeys(rules)}
    shown = [rule if count == 1 else f"{rule} (x{count})" for rule, count in counts.items()]
    return listed(shown, limit)


def counted(count: int, noun: str) -> str:
    """`1 rule`, `2 rules`."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def listed(names: list[str], limit: int) -> str:
    """Names with commas; those past the limit are counted."""
    rest = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {rest} more" if rest > 0 else "")


def settings_lines(report: Report) -> list[str]:
    """What the settings and the comments of the program kept out of the report, and comments that did nothing."""
    lines = []
    if report.left_out:
        lines.append(f"left out: {counted(len(report.left_out), 'rule')} (by the settings)")
    for why, words in (
        ("comment", "by a comment"),
        ("sensitivity", f"by the sensitivity {report.settings.sensitivity}"),
    ):
        rules = [each.cause.rule.name for each in report.withheld if each.why == why]
        if rules:
            lines.append(f"withheld {words}: {counted(len(rules), 'cause')} ({listed(list(dict.fromkeys(rules)), 4)})")
    if report.unused_ignores:
        places = [
            f"{clean(each.source.path, 200, 200)}:{each.source.line}{_names(each.names)}"
            for each in report.unused_ignores
        ]
        lines.append(f"unused ignore comments: {listed(places, 4)}")
    return lines


def _names(names: tuple[str, ...]) -> str:
    return f" ({listed([clean(name) for name in names], 4)})" if names else " (it names no rule, in brackets)"


def seen_text(trace: Trace) -> str:
    """What was watched, in one line: model, layers, optimizer, steps and loss."""
    run = trace.run
    framework = run.framework if run.backend in ("", "unknown", run.framework) else f"{run.framework} on {run.backend}"
    parts = [f"{clean(run.model, 40)} ({clean(framework, 40)})", f"{len(trace.layers)} layers"]
    parts += [clean(optimizer.name, 40) for optimizer in run.optimizers[:2]]
    parts.append(f"{steps_seen(trace):,} steps")
    if (loss := loss_range(trace)) is not None:
        parts.append(f"loss {number(loss[0])} -> {number(loss[1])}{_baseline_text(trace)}")
    if run.crash is not None:
        parts.append(f"ended by {clean(run.crash.type, 60)}")
    return ", ".join(parts)


def _baseline_text(trace: Trace) -> str:
    baseline = trace.data.baseline_loss
    return (
        " (a constant prediction: not known)" if baseline is None else f" (a constant prediction: {number(baseline)})"
    )


def loss_range(trace: Trace) -> tuple[float, float] | None:
    """The first finite loss recorded and the mean of the last ten; None if there is none."""
    loss = trace.scalar("loss")
    finite = loss[abs(loss) < math.inf]
    return (float(finite[0]), float(finite[-10:].mean())) if len(finite) else None


def trust_text(rule: str) -> str:
    """How far a rule can be trusted, in words; empty if that was not measured."""
    known = confidence_of(rule)
    if known is None:
        return ""
    return f"{known.value:.0%}: right on {known.right:g} of {known.fired} test programs that it named"
