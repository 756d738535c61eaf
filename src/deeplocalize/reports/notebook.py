"""The report as HTML, for a notebook cell."""

from __future__ import annotations

from html import escape

from deeplocalize.findings import Finding
from deeplocalize.remedies import Remedy
from deeplocalize.reports.report import RankedCause, Report
from deeplocalize.reports.text import (
    clean,
    counted,
    evidence_text,
    place_text,
    seen_text,
    settings_lines,
    symptoms_text,
)

COLORS = {"healthy": "#2e7d32", "faulty": "#c62828", "inconclusive": "#b26a00"}


def render(report: Report) -> str:
    """The report as an HTML fragment; everything the user's program named is escaped."""
    color = COLORS[report.verdict]
    parts = [f'<p><b style="color:{color}">{report.verdict.upper()}</b>: {_safe(report.reason)}</p>']
    if report.main is not None:
        parts.append(f"<p><small>{_safe(seen_text(report.main.trace))}</small></p>")
    if report.causes:
        parts.append(f"<ol>{''.join(_cause(found) for found in report.causes)}</ol>")
    parts += [f"<p><small>{_safe(line)}</small></p>" for line in settings_lines(report)]
    parts += [
        f"<p><small>DeepLocalize failed in part: {_safe(f'{each.stage}: {each.message}')}</small></p>"
        for each in report.failures[:5]
    ]
    if report.not_evaluated:
        parts.append(_not_evaluated(report))
    return f"<div>{''.join(parts)}</div>"


def _cause(found: RankedCause) -> str:
    finding = found.cause.finding
    rows = [("where", _where(finding, found))]
    rows.append(("why", "<br>".join(_safe(evidence_text(each)) for each in finding.evidence)))
    rows += [("change", _remedy(each)) for each in finding.remedies]
    if found.cause.explains:
        rows.append(("explains", _safe(symptoms_text(found))))
    rows.append(("rule", f"{_safe(found.cause.rule.code)} {_safe(found.cause.rule.name)}"))
    body = "".join(f"<tr><td>{label}</td><td style='text-align:left'>{text}</td></tr>" for label, text in rows)
    return f"<li><b>{_safe(finding.message)}</b><table>{body}</table></li>"


def _where(finding: Finding, found: RankedCause) -> str:
    source = finding.locus.source
    quote = f"<br><code>{escape(clean(source.text, 200, 200))}</code>" if source and source.text else ""
    return _safe(place_text(finding.locus, found.layer)) + quote


def _remedy(remedy: Remedy) -> str:
    text = _safe(remedy.text)
    if remedy.before is not None:
        text += f"<br><del><code>{escape(clean(remedy.before, 200, 200))}</code></del>"
    if remedy.after is not None:
        text += f"<br><ins><code>{escape(clean(remedy.after, 200, 200))}</code></ins>"
    return text


def _not_evaluated(report: Report) -> str:
    items = "".join(f"<li>{_safe(each.rule)}: {_safe(each.why)}</li>" for each in report.not_evaluated)
    return f"<details><summary>not judged: {counted(len(report.not_evaluated), 'rule')}</summary><ul>{items}</ul></details>"


def _safe(text: str) -> str:
    return escape(clean(text))
