import pytest

from deeplocalize.rules.optimizer.kept_weights_not_copied import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace.weights import Restoring


def run(*restored):
    return make_trace(run=make_run(restored=restored))


def test_weights_that_changed_where_they_were_kept_are_named_where_they_were_kept():
    (finding,) = check.run(run(Restoring(6, 40, source(60), source(50))))
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("training-loop", None, source(50))
    assert "in line 60" in finding.message
    assert [each.observed for each in finding.evidence] == [6, 40]
    assert "deepcopy" in finding.remedies[0].after


def test_if_no_line_is_known_the_next_best_is_named():
    assert check.run(run(Restoring(6, 40, source(60))))[0].locus.source == source(60)
    assert check.run(run(Restoring(6, 40)))[0].locus.source == source(43)


def test_one_finding_is_enough():
    assert len(check.run(run(Restoring(6, 40), Restoring(2, 40)))) == 1


@pytest.mark.parametrize(("changes", "count"), [(0, 0), (1, 1), (9, 1)])
def test_a_single_step_in_between_is_enough(changes, count):
    assert len(check.run(run(Restoring(6, changes)))) == count


def test_a_model_that_was_given_nothing_back_is_left_alone():
    assert check.run(run()) == ()
