import re
from pathlib import Path

import pytest

from deeplocalize.diagnosis import Settings
from deeplocalize.findings import Evidence, Locus, Severity
from deeplocalize.remedies import Remedy
from deeplocalize.reports import Report
from deeplocalize.reports.terminal import render
from deeplocalize.testing import make_layer, make_run, make_trace
from deeplocalize.trace import DataCard, Failure, Source

HOSTILE = "[bold red]x[/] \x1b[31mred\x1b]0;title\x07\r\n\x9b2J\u202etxt \ud800 " + "A" * 10_000


@pytest.fixture
def report(rules, rule_that, found):
    line = Source("train.py", 12, "nn.Softmax(dim=1),  # what else")
    wrong = found("The output goes through softmax twice.", locus=Locus("activation-output", 2, line), first_step=7)
    rules(
        rule_that("bad", wrong, explains=("worse",)),
        rule_that("worse", found(), found()),
        rule_that("blind", needs=("metric.x",)),
    )
    trace = make_trace(data=DataCard(baseline_loss=2.302), failures=(Failure("torch probe", "ValueError: x"),))
    return Report.of([trace], Path("/tmp/a b.trace"))


def test_a_cause_is_told_with_place_line_numbers_remedy_and_symptoms(report):
    assert (
        render(report)
        == """\
FAULTY: 1 cause found
seen: model (torch), 3 layers, SGD, 100 steps, loss 2.3 -> 0.1158 (a constant
prediction: 2.302)

1. The output goes through softmax twice.
   where    train.py:12, layer 2 'layer2' (Dense), activation output
            12 | nn.Softmax(dim=1), # what else
               |    ^^^^^^^
   why      loss at the end: 1.5 (> 1; steps 90 to 99)
   since    step 7
   change   Change it.
            - softmax
            + linear
   explains worse (x2)
   rule     X001 bad (more: deeplocalize explain X001)

not judged: 1 rule (--format json says why)
DeepLocalize failed in part: torch probe: ValueError: x
The trace is kept. Again: deeplocalize diagnose '/tmp/a b.trace'
"""
    )


def test_a_healthy_report_is_short_and_says_what_learning_is_measured_by(rules):
    rules()
    assert (
        render(Report.of([make_trace(data=DataCard(baseline_loss=2.3))], Path("a.trace")))
        == """\
HEALTHY: no fault found in 100 recorded steps
seen: model (torch), 3 layers, SGD, 100 steps, loss 2.3 -> 0.1158 (a constant
prediction: 2.3)
The trace is kept. Again: deeplocalize diagnose a.trace
"""
    )


def test_no_caret_stands_under_a_word_that_occurs_twice_or_inside_another(rules, rule_that, found):
    for text in ("nn.Linear(10, 10)", "nn.Linear(100, 5)", "Scale(0.10)", "Scale(10.5)", "x10"):
        remedy = Remedy("Change it.", "10", "12")
        rules(rule_that("bad", found(locus=Locus("output-units", None, Source("a.py", 3, text)), remedies=(remedy,))))
        shown = render(Report.of([make_trace()]))
        assert f"3 | {text}" in shown
        assert "^" not in shown


@pytest.mark.parametrize("width", [20, 40, 80, 200])
def test_hostile_names_are_shown_as_one_clipped_line_of_plain_text(rules, rule_that, found, width):
    wrong = found(
        f"Layer '{HOSTILE}' is wrong.",
        locus=Locus("loss", 0, Source(HOSTILE, 3, HOSTILE)),
        evidence=(Evidence(HOSTILE, 1, ">", 0),),
        remedies=(Remedy(HOSTILE, HOSTILE, HOSTILE),),
    )
    rules(rule_that("bad", wrong))
    layers = [make_layer(0, name=HOSTILE, type=HOSTILE)]
    trace = make_trace(layers=layers, run=make_run(model=HOSTILE), failures=(Failure(HOSTILE, HOSTILE),))
    shown = render(Report.of([trace]), width=width)
    assert all(char.isprintable() or char == "\n" for char in shown)
    assert "[bold" in shown
    assert max(map(len, shown.splitlines())) <= width
    assert len(shown) < 12_000


def test_colors_are_written_only_if_wanted_and_change_no_text(report):
    colored = render(report, color=True)
    assert "\x1b[" in colored
    plain = re.sub(r"\x1b\[[0-9;]*m", "", colored)
    assert [line.rstrip() for line in plain.splitlines()] == render(report).splitlines()


def test_of_a_long_line_the_part_to_change_is_shown(rules, rule_that, found):
    line = "model = Sequential([" + "Dense(32, relu), " * 6 + "Dense(10, softmax), " + "Rest(), " * 6 + "])"
    rules(rule_that("bad", found(locus=Locus("loss", None, Source("a.py", 3, line)))))
    quote, carets = (text[12:] for text in render(Report.of([make_trace()])).splitlines()[6:8])
    assert quote.startswith("3 | ...")
    assert quote.endswith("...")
    assert quote[carets.index("^") : carets.rindex("^") + 1] == "softmax"


def test_our_own_words_are_ascii(report):
    assert render(report).isascii()


def test_weaker_causes_past_the_fifth_are_named_in_one_line(rules, rule_that, found):
    rules(*(rule_that(f"bad-{index}", found(), code=f"X{index:03}") for index in range(9)))
    shown = render(Report.of([make_trace()]))
    assert shown.count("   where ") == 5
    assert "4 weaker causes: bad-5, bad-6, bad-7, bad-8" in shown


def test_with_several_trainings_each_cause_names_its_model(rules, rule_that, found):
    rules(rule_that("bad", found(), needs=("metric.x",)))
    traces = [make_trace(run=make_run(model="Generator")), make_trace(steps=3)]
    traces.append(make_trace(run=make_run(model="Critic"), scalars={"metric.x": 1}))
    shown = render(Report.of(traces))
    assert "FAULTY: 1 cause found in 1 of 3 trainings" in shown
    assert "model    Critic, in training 3" in shown
    assert "not judged: training 2 (only 3 training steps were seen" in shown


def test_of_very_many_trainings_the_longest_are_judged_and_the_rest_is_counted(rules):
    rules()
    shown = render(Report.of([*(make_trace(steps=3) for _ in range(140)), make_trace()]))
    assert "HEALTHY" in shown
    assert shown.count("not judged: training") == 3
    assert "not judged: 96 more trainings, for the like reasons" in shown
    assert "not looked at: 41 shorter trainings" in shown


def test_what_was_kept_out_of_the_report_is_told_in_a_line_each(rules, rule_that, found):
    line = Source("train.py", 12, "nn.Softmax()  # deeplocalize: ignore[bad, worst]")
    rules(
        rule_that("bad", found(locus=Locus("loss", None, line))),
        rule_that("mild", found(locus=Locus("epochs")), severity=Severity.LOW, code="X002"),
        rule_that("other", found(), code="X003"),
    )
    trace = make_trace(
        layers=[make_layer(0, source=line), make_layer(1, source=Source("a.py", 3, "# deeplocalize: ignore"))]
    )
    shown = render(Report.of([trace], settings=Settings(ignore=("X003",), sensitivity="low")), width=120)
    assert shown.splitlines()[2:] == [
        "left out: 1 rule (by the settings)",
        "withheld by a comment: 1 cause (bad)",
        "withheld by the sensitivity low: 1 cause (mild)",
        "unused ignore comments: train.py:12 (worst), a.py:3 (it names no rule, in brackets)",
    ]
