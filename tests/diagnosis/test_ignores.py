import pytest

from deeplocalize.diagnosis import diagnose
from deeplocalize.diagnosis.ignores import in_file, in_trace, on_line
from deeplocalize.findings import Evidence, Finding, Locus, Severity
from deeplocalize.reports import Report
from deeplocalize.rules import Rule, all_rules
from deeplocalize.testing import make_layer, make_trace
from deeplocalize.trace import Source


def names(text):
    return [each.names for each in on_line(Source("train.py", 3, text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x = f()  # deeplocalize: ignore[dead-units]", [("dead-units",)]),
        ("x = f()  #deeplocalize:ignore[A701, l202]  # why", [("a701", "l202")]),
        ("nn.Sequential(  # deeplocalize: ignore[A701]", [("a701",)]),
        ('""")  # deeplocalize: ignore[A701]', [("a701",)]),
        ("x = f()  # deeplocalize: ignore", [()]),
        ("print('# deeplocalize: ignore[A701]')", []),
        ("x = f()  # deeplocalize: ignored[A701]", []),
        ("x = f()  # ignore[A701]", []),
        (None, []),
    ],
)
def test_a_comment_names_rules_by_name_or_code(text, expected):
    assert names(text) == expected


def wrong(name="dead-units", line=12, text="nn.ReLU()", explains=()):
    finding = Finding(
        "It is wrong.", Locus("loss", None, Source("train.py", line, text)), (Evidence("x", 2, ">", 1),), ()
    )
    return Rule(name, "A701", "loss", Severity.HIGH, (), explains, "", lambda trace: iter([finding]))


@pytest.mark.parametrize("named", ["dead-units", "A701", "a701", "saturated-units, dead-units"])
def test_a_cause_on_a_line_whose_comment_names_it_is_dropped(named):
    diagnosis = diagnose(make_trace(), [wrong(text=f"nn.ReLU()  # deeplocalize: ignore[{named}]")])
    assert (diagnosis.verdict, diagnosis.causes) == ("healthy", ())
    assert [(each.cause.rule.name, each.why) for each in diagnosis.withheld] == [("dead-units", "comment")]


@pytest.mark.parametrize("text", ["nn.ReLU()  # deeplocalize: ignore[saturated-units]", "nn.ReLU()  # ignore", None])
def test_any_other_comment_drops_nothing(text):
    assert diagnose(make_trace(), [wrong(text=text)]).verdict == "faulty"


def test_the_symptoms_of_a_dropped_cause_stay_explained():
    text = "nn.ReLU()  # deeplocalize: ignore[dead-units]"
    rules = [wrong(text=text, explains=("worse",)), wrong("worse", line=30)]
    assert diagnose(make_trace(), rules).causes == ()


def test_a_symptom_is_not_dropped_with_its_cause_told():
    text = "nn.ReLU()  # deeplocalize: ignore[worse]"
    (cause,) = diagnose(make_trace(), [wrong(explains=("worse",)), wrong("worse", text=text)]).causes
    assert [each.rule for each in cause.explains] == ["worse"]


SCRIPT = """\
import torch
text = '''
# deeplocalize: ignore[dead-units]
'''
model = build(  # deeplocalize: ignore[dead-units]
    3,  # deeplocalize: ignore[L202, no-such-rule]
)
"""


def test_the_comments_of_a_script_are_found_without_running_it(tmp_path):
    (tmp_path / "train.py").write_text(SCRIPT)
    found = in_file(tmp_path / "train.py", "train.py")
    assert [(each.source.line, each.names) for each in found] == [(5, ("dead-units",)), (6, ("l202", "no-such-rule"))]


@pytest.mark.parametrize("content", [b"deeplocalize (", b"\xff deeplocalize", b"x = '''deeplocalize"])
def test_a_file_that_is_no_python_has_no_comments(tmp_path, content):
    (tmp_path / "train.py").write_bytes(content)
    assert in_file(tmp_path / "train.py", "train.py") == ()
    assert in_file(tmp_path / "missing.py", "missing.py") == ()


def lines(*texts):
    return [make_layer(at, source=Source("train.py", 10 + at, text)) for at, text in enumerate(texts)]


def test_the_lines_of_a_trace_are_looked_at_however_deep_they_stand():
    layers = lines("nn.Linear(1, 2)  # deeplocalize: ignore[dead-units]")
    layers.append(make_layer(1, sources={"activation": Source("train.py", 20, "x  # deeplocalize: ignore[L202]")}))
    assert [each.source.line for each in in_trace(make_trace(layers=layers))] == [10, 20]


def unused(*texts, rules=None, comments=(), monkeypatch=None, steps=100, **facts):
    import deeplocalize.diagnosis

    if rules is not None:
        monkeypatch.setattr(deeplocalize.diagnosis, "all_rules", lambda: rules)
    report = Report.of([make_trace(layers=lines(*texts), steps=steps, **facts)], comments=comments)
    return [(each.source.line, each.names) for each in report.unused_ignores]


def test_a_comment_that_ignored_nothing_is_reported_if_its_rule_judged():
    dead = {"columns": {"activation.dead": 0.0}, "scalars": {"batch_size": 64.0}}
    judged = "nn.ReLU()  # deeplocalize: ignore[dead-units]"
    assert unused(judged, "b", **dead) == [(10, ("dead-units",))]
    assert unused(judged, "b") == []  # nothing was recorded to judge by


def test_a_comment_with_a_name_that_no_rule_has_or_without_any_is_reported():
    texts = ("a  # deeplocalize: ignore[dead-unit, missing-zero-grad]", "b  # deeplocalize: ignore", "c")
    assert unused(*texts) == [(10, ("dead-unit",)), (11, ())]


def test_a_run_of_which_too_little_was_seen_says_nothing_about_comments():
    assert unused("a  # deeplocalize: ignore[dead-unit]", "b", steps=3) == []


def test_a_comment_that_matched_a_cause_or_a_symptom_is_used(monkeypatch):
    text = "nn.ReLU()  # deeplocalize: ignore[dead-units]"
    assert unused(text, rules=[wrong(line=10, text=text)], monkeypatch=monkeypatch) == []
    cause = Rule("a", "A1", "loss", Severity.HIGH, (), ("dead-units",), "", wrong("a", 50).check)
    assert unused(text, rules=[cause, wrong(line=10, text=text)], monkeypatch=monkeypatch) == []
    assert unused(text, rules=[wrong(line=11)], monkeypatch=monkeypatch) == [(10, ("dead-units",))]
    assert "dead-units" in {each.name for each in all_rules()}
