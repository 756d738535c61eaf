import pytest

from deeplocalize.diagnosis import Settings, diagnose
from deeplocalize.diagnosis.settings import matching
from deeplocalize.errors import UsageError
from deeplocalize.rules import all_rules
from deeplocalize.testing import make_trace

RULES = all_rules()


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("dead-units", {"dead-units"}),
        ("a701", {"dead-units"}),
        ("A70", {"dead-units", "saturated-units", "non-finite-values"}),
        ("gradient", {"vanishing-gradient", "exploding-gradient"}),
    ],
)
def test_a_selector_is_a_name_a_code_the_beginning_of_one_or_a_family(selector, names):
    assert matching("select", [selector], RULES) >= names
    assert all(each.startswith(("A70", "G6")) for each in codes(matching("select", [selector], RULES)))


def codes(names):
    return [each.code for each in RULES if each.name in names]


def test_what_is_ignored_stays_out_even_if_it_is_selected():
    chosen, left_out = Settings(select=("activation",), ignore=("A701",)).choose(RULES)
    assert "saturated-units" in [each.name for each in chosen]
    assert {each.family for each in chosen} == {"activation"}
    assert "dead-units" in left_out
    assert len(chosen) + len(left_out) == len(RULES)


def test_a_limit_is_given_to_the_rule_and_its_others_stay():
    chosen, _ = Settings(limits={"dead-units": {"examples": 100.0}}).choose(RULES)
    changed = next(each for each in chosen if each.name == "dead-units")
    assert changed.limits == {"share": 0.9, "examples": 100}
    assert isinstance(changed.limits["examples"], int)
    assert next(each for each in RULES if each.name == "dead-units").limits == {"share": 0.9, "examples": 8}


def test_a_limit_decides_whether_there_is_a_finding():
    columns = {"layer.training": [[1.0]] * 80 + [[0.0]] * 20}
    from deeplocalize.testing import make_layer

    trace = make_trace(layers=[make_layer(0, "dropout")], columns=columns)
    only = Settings(select=("evaluation-mode-left-on",))
    assert diagnose(trace, settings=only).verdict == "faulty"
    more = Settings(select=only.select, limits={"evaluation-mode-left-on": {"least": 21}})
    assert diagnose(trace, settings=more).verdict == "healthy"


def test_rules_that_are_left_out_are_not_called_unevaluated():
    found = diagnose(make_trace(), settings=Settings(ignore=("data", "dead-units")))
    assert {"constant-inputs", "dead-units"} <= set(found.left_out)
    assert not {each.rule for each in found.not_evaluated} & set(found.left_out)


def test_a_library_user_is_told_of_a_wrong_setting_too():
    with pytest.raises(UsageError, match="sensitivity is 'extreme'; expected low, normal, high"):
        diagnose(make_trace(), settings=Settings(sensitivity="extreme"))
    with pytest.raises(UsageError, match="no rule's name"):
        diagnose(make_trace(), settings=Settings(limits={"dead": {}}))
