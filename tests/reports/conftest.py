import pytest

import deeplocalize.diagnosis
import deeplocalize.reports.report
from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.rules import Rule
from deeplocalize.testing import source
from deeplocalize.trace import Series


def make_finding(message="The layer is wrong.", **facts):
    """A finding with one piece of evidence and one remedy."""
    defaults = {
        "locus": Locus("activation-output", 2, source(12)),
        "evidence": (Evidence("loss at the end", 1.5, ">", 1.0, Series("weight", "rms"), (90, 99)),),
        "remedies": (Remedy("Change it.", "softmax", "linear"),),
    }
    return Finding(message, **(defaults | facts))


def make_rule(name, *findings, code="X001", severity=Severity.HIGH, explains=(), needs=()):
    """A rule that finds this in every trace."""
    return Rule(name, code, "loss", severity, needs, explains, "It is wrong.\n", lambda trace: iter(findings))


@pytest.fixture
def rules(monkeypatch):
    """Call with the rules that are to be the only ones."""

    def replace(*given):
        for module in (deeplocalize.diagnosis, deeplocalize.reports.report):
            monkeypatch.setattr(module, "all_rules", lambda: given)

    return replace


@pytest.fixture
def found():
    return make_finding


@pytest.fixture
def rule_that():
    return make_rule
