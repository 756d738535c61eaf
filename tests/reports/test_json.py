import json
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from deeplocalize.diagnosis import Settings
from deeplocalize.findings import LOCUS_KINDS, Evidence, Locus, Severity
from deeplocalize.reports import Report
from deeplocalize.reports.json import render
from deeplocalize.testing import make_layer, make_run, make_trace
from deeplocalize.trace import Crash, DataCard, Failure, Optimizer, Source

SCHEMA = json.loads((Path(__file__).parents[2] / "docs" / "report.schema.json").read_text())


def document(traces, path=None, **facts):
    """The report as read back, once it is found valid."""

    def refuse(constant):
        raise ValueError(f"{constant} is no JSON")

    read = json.loads(render(Report.of(traces, path, **facts)), parse_constant=refuse)
    jsonschema.Draft202012Validator(SCHEMA).validate(read)
    return read


def test_the_schema_is_a_valid_schema_and_knows_every_locus_kind():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$defs"]["locus"]["properties"]["kind"]["enum"] == list(LOCUS_KINDS)


def test_reports_of_every_kind_are_valid(rules, rule_that, found):
    rules(
        rule_that("bad", found(), explains=("worse",)),
        rule_that("worse", found()),
        rule_that("blind", needs=("metric.x",)),
    )
    card = DataCard(baseline_loss=2.3)
    optimizer = Optimizer("sgd", "SGD", {"learning_rate": 0.1, "nesterov": True, "foreach": None, "schedule": "cosine"})
    crash = Crash("ValueError", "no\nway", "loss", 1, Source("a.py", 3))
    full = make_trace(
        data=card, run=make_run(optimizer=optimizer, crash=crash, ended="raised"), failures=(Failure("a", "b", 3),)
    )
    several = document([full, make_trace(steps=3)], Path("/tmp/a.trace"))
    assert several["trainings"][1]["verdict"] == "faulty"
    assert several["causes"][0]["trainings"] == [0, 1]
    assert "trainings" not in document([full])
    nothing = document([])
    assert (nothing["run"], nothing["causes"]) == (None, [])


def test_a_cause_has_every_field_with_the_layer_counted_from_0(rules, rule_that, found):
    rules(rule_that("bad", found(first_step=4), explains=("worse",)), rule_that("worse", found("It does not learn.")))
    (cause,) = document([make_trace()])["causes"]
    layer = {"index": 2, "name": "layer2", "type": "Dense"}
    locus = {"kind": "activation-output", "layer": layer, "source": {"path": "train.py", "line": 12}}
    evidence = {"what": "loss at the end", "observed": 1.5, "relation": ">", "limit": 1.0, "series": "weight.rms"}
    assert cause == {
        "rank": 1,
        "rule": "bad",
        "code": "X001",
        "locus": locus,
        "message": "The layer is wrong.",
        "strength": 1.0,
        "confidence": None,
        "first_step": 4,
        "evidence": [evidence | {"steps": [90, 99]}],
        "explains": [{"rule": "worse", "locus": locus, "message": "It does not learn."}],
        "remedies": [{"text": "Change it.", "from": "softmax", "to": "linear"}],
    }


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.float64("inf")])
def test_a_number_that_is_not_finite_is_null(rules, rule_that, found, value):
    relation = ">" if value > 0 else "<"
    rules(rule_that("bad", found(evidence=(Evidence("x", value, relation, np.float32(0), steps=(np.int64(3),)),))))
    settings = {"learning_rate": float("nan")}
    (cause,) = (report := document([make_trace(run=make_run(optimizer=Optimizer("sgd", "SGD", settings)))]))["causes"]
    assert cause["evidence"][0]["observed"] is None
    assert report["run"]["optimizers"][0]["settings"] == {"learning_rate": None}


def test_names_are_kept_whole_and_the_text_is_ascii(rules, rule_that, found):
    name = "\x1b[31m\n\ud800é" + "A" * 10_000
    rules(rule_that("bad", found(locus=Locus("loss", 0))))
    report = Report.of([make_trace(layers=[make_layer(0, name=name)])])
    assert render(report).isascii()
    assert json.loads(render(report))["causes"][0]["locus"]["layer"]["name"] == name


def test_what_the_settings_and_comments_keep_out_is_told(rules, rule_that, found):
    line = Source("train.py", 12, "nn.Softmax()  # deeplocalize: ignore[bad, worst]")
    rules(
        rule_that("bad", found(locus=Locus("loss", None, line))),
        rule_that("mild", found("It is slow.", locus=Locus("epochs")), severity=Severity.LOW, code="X002"),
        rule_that("other", found(), code="X003"),
    )
    settings = Settings(ignore=("X003",), limits={"bad": {}}, sensitivity="low")
    trace = make_trace(layers=[make_layer(0, source=line)])
    report = document([trace, trace], settings=settings)
    assert report["settings"] == {"sensitivity": "low", "left_out": ["other"], "limits": {"bad": {}}}
    place = {"path": "train.py", "line": 12}
    assert report["withheld"] == [
        {"rule": "bad", "why": "comment", "message": "The layer is wrong.", "source": place},
        {"rule": "mild", "why": "sensitivity", "message": "It is slow.", "source": None},
    ]
    assert report["unused_ignores"] == [{"source": place, "names": ["worst"]}]
    assert (report["verdict"], report["causes"], report["not_evaluated"]) == ("healthy", [], [])
