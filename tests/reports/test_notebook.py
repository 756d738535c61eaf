from html.parser import HTMLParser

from deeplocalize.reports import Report
from deeplocalize.testing import make_layer, make_run, make_trace
from deeplocalize.trace import Failure


class Reader(HTMLParser):
    """Gathers text, and fails unless every tag is closed in order."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], "", set()
        self.feed(html)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_a_report_shows_itself_in_a_notebook_with_everything_escaped(rules, rule_that, found):
    evil = "<script>alert(1)</script>"
    rules(
        rule_that("bad", found(f"Layer {evil} is wrong."), explains=("worse",)),
        rule_that("worse", found()),
        rule_that("blind", needs=("metric.x",)),
    )
    layers = [make_layer(index, name=evil) for index in range(3)]
    report = Report.of([make_trace(layers=layers, run=make_run(model=evil), failures=(Failure("a", evil),))])
    shown = Reader(report._repr_html_())
    assert "FAULTY: 1 cause found" in shown.text
    assert f"Layer {evil} is wrong." in shown.text
    assert "not judged: 1 rule" in shown.text
    assert "script" not in shown.tags


def test_a_report_as_text_is_the_terminal_report(rules):
    rules()
    report = Report.of([make_trace()])
    assert str(report).startswith("HEALTHY: no fault found in 100 recorded steps\n")
    assert Reader(report._repr_html_()).text.startswith("HEALTHY: no fault found in 100 recorded steps")
