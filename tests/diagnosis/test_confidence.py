import pytest

from deeplocalize.diagnosis import confidence
from deeplocalize.diagnosis.confidence import Confidence, confidence_of
from deeplocalize.reports.text import trust_text
from deeplocalize.rules import all_rules


def test_the_stored_table_speaks_of_rules_that_exist_and_holds_together():
    names = {rule.name for rule in all_rules()}
    table = confidence._table()
    assert table.keys() <= names and len(table) > len(names) / 2
    assert all(0 < each.value < 1 and 0 <= each.right <= each.fired for each in table.values())


def test_a_rule_that_was_never_seen_to_fire_has_none():
    assert confidence_of("of-somebody-else") is None
    assert trust_text("of-somebody-else") == ""


@pytest.mark.parametrize(("right", "shown"), [(11.0, "11"), (10.5, "10.5")])
def test_a_report_says_on_how_many_programs_a_rule_was_right(monkeypatch, right, shown):
    monkeypatch.setattr(confidence, "_table", lambda: {"bad": Confidence(0.944, right, 12)})
    assert trust_text("bad") == f"94%: right on {shown} of 12 test programs that it named"
