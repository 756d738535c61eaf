"""The report as JSON, for programs. Its schema is docs/report.schema.json."""

from __future__ import annotations

import json
import math
from typing import Any

from deeplocalize.diagnosis import Diagnosis, Withheld
from deeplocalize.diagnosis.confidence import confidence_of
from deeplocalize.findings import Evidence, Finding
from deeplocalize.reports.report import RankedCause, Report, layer_at, steps_seen
from deeplocalize.reports.text import loss_range
from deeplocalize.trace.schema import Crash, Run, Source, Trace

SCHEMA_VERSION = 1


def render(report: Report) -> str:
    """The report as JSON text: ASCII, indented, with null for every number that is not finite."""
    return json.dumps(_finite(document(report)), indent=2, allow_nan=False) + "\n"


def document(report: Report) -> dict[str, Any]:
    """The report as plain dictionaries and lists."""
    several = len(report.diagnoses) > 1
    facts = {
        "schema": SCHEMA_VERSION,
        "verdict": report.verdict,
        "reason": report.reason,
        "run": _run(report.main.trace) if report.main else None,
        "causes": [_cause(rank, each, several) for rank, each in enumerate(report.causes, start=1)],
        "not_evaluated": [{"rule": each.rule, "why": each.why} for each in report.not_evaluated],
        "failures": [{"stage": each.stage, "message": each.message, "step": each.step} for each in report.failures],
        "trace": str(report.trace) if report.trace else None,
        "settings": _settings(report),
        "withheld": [_withheld(each) for each in report.withheld],
        "unused_ignores": [
            {"source": _source(each.source), "names": list(each.names)} for each in report.unused_ignores
        ],
    }
    if not several:
        return facts
    return facts | {
        "trainings": [_training(each) for each in report.diagnoses],
        "trainings_passed_over": report.passed_over,
    }


def _settings(report: Report) -> dict[str, Any]:
    limits = {name: dict(given) for name, given in report.settings.limits.items()}
    return {"sensitivity": report.settings.sensitivity, "left_out": list(report.left_out), "limits": limits}


def _withheld(withheld: Withheld) -> dict[str, Any]:
    finding = withheld.cause.finding
    source = _source(finding.locus.source)
    return {"rule": finding.rule, "why": withheld.why, "message": finding.message, "source": source}


def _training(diagnosis: Diagnosis) -> dict[str, Any]:
    return {"run": _run(diagnosis.trace), "verdict": diagnosis.verdict, "reason": diagnosis.reason}


def _run(trace: Trace) -> dict[str, Any]:
    run, loss = trace.run, loss_range(trace)
    return {
        "framework": run.framework,
        "backend": run.backend,
        "versions": run.versions,
        "script": run.script,
        "model": run.model,
        "layers": len(trace.layers),
        "parameters": run.parameters,
        "trainable": run.trainable,
        "losses": [_named(each.loss.kind, each.loss.name, each.loss.source) for each in run.objectives],
        "optimizers": [
            _named(each.kind, each.name, each.source) | {"settings": each.settings} for each in run.optimizers
        ],
        "batch_size": run.batch_size,
        "epochs": run.epochs,
        "steps": steps_seen(trace),
        "loss": {"first": loss[0], "last": loss[1], "constant_prediction": trace.data.baseline_loss} if loss else None,
        "ended": run.ended,
        "crash": _crash(run),
    }


def _named(kind: str, name: str, source: Source | None) -> dict[str, Any]:
    return {"kind": kind, "name": name, "source": _source(source)}


def _crash(run: Run) -> dict[str, Any] | None:
    crash: Crash | None = run.crash
    if crash is None:
        return None
    return {
        "type": crash.type,
        "message": crash.message,
        "during": crash.during,
        "layer": crash.layer,
        "source": _source(crash.source),
    }


def _cause(rank: int, found: RankedCause, several: bool) -> dict[str, Any]:
    finding = found.cause.finding
    facts = {
        "rank": rank,
        "rule": found.cause.rule.name,
        "code": found.cause.rule.code,
        "locus": _locus(finding, found.diagnosis.trace),
        "message": finding.message,
        "strength": finding.strength,
        "confidence": confidence._asdict() if (confidence := confidence_of(found.cause.rule.name)) else None,
        "first_step": finding.first_step,
        "evidence": [_evidence(each) for each in finding.evidence],
        "explains": [_symptom(each, found.diagnosis.trace) for each in found.cause.explains],
        "remedies": [{"text": each.text, "from": each.before, "to": each.after} for each in finding.remedies],
    }
    return facts | {"trainings": list(found.trainings)} if several else facts


def _symptom(finding: Finding, trace: Trace) -> dict[str, Any]:
    return {"rule": finding.rule, "locus": _locus(finding, trace), "message": finding.message}


def _locus(finding: Finding, trace: Trace) -> dict[str, Any]:
    layer = layer_at(trace, finding.locus.layer)
    return {
        "kind": finding.locus.kind,
        "layer": {"index": layer.index, "name": layer.name, "type": layer.type} if layer else None,
        "source": _source(finding.locus.source),
    }


def _source(source: Source | None) -> dict[str, Any] | None:
    return {"path": source.path, "line": source.line} if source else None


def _evidence(evidence: Evidence) -> dict[str, Any]:
    return {
        "what": evidence.what,
        "observed": float(evidence.observed),
        "relation": evidence.relation,
        "limit": float(evidence.limit),
        "series": str(evidence.series) if evidence.series else None,
        "steps": [int(step) for step in evidence.steps],
    }


def _finite(value: Any) -> Any:
    """JSON has no NaN and no infinity."""
    if isinstance(value, dict):
        return {key: _finite(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_finite(each) for each in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
