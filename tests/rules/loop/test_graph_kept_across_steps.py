import pytest

from deeplocalize.rules.loop.graph_kept_across_steps import check
from deeplocalize.testing import make_run, make_trace, source
from deeplocalize.trace.schema import Crash

REFUSAL = "Trying to backward through the graph a second time (or directly access saved tensors after they were freed)."


def run(carried=None, carried_as=None, *, message=REFUSAL, during="backward", steps=1, backwards=1.0):
    crash = Crash("RuntimeError", message, during, None, source(42), carried, carried_as)
    return make_trace(steps=steps, scalars={"backwards": backwards}, run=make_run(crash=crash, ended="raised"))


def test_a_hidden_state_that_goes_into_the_model_again_is_named():
    (found,) = check.run(run("hx", "input"))
    assert (found.locus.kind, found.locus.layer, found.locus.source) == ("training-loop", None, source(42))
    assert "hx, an input of the model, was computed before" in found.message
    assert found.remedies[0].after == "hx.detach()"
    assert found.first_step == 1


@pytest.mark.parametrize("what", ["attribute", "variable"])
def test_so_is_one_that_a_module_or_a_variable_keeps(what):
    (found,) = check.run(run("self.hidden", what))
    assert found.remedies[0].after == "self.hidden.detach()"


def test_a_sum_of_losses_is_to_add_up_numbers():
    (found,) = check.run(run("total", "sum"))
    assert "total adds up the losses" in found.message
    assert "loss.item()" in found.remedies[0].text


def test_the_same_loss_again_is_called_so():
    (found,) = check.run(run("loss", "loss"))
    assert "backward was called on loss before" in found.message


def test_where_nothing_is_known_of_it_detaching_is_proposed():
    (found,) = check.run(run())
    assert "something is carried over" in found.message
    assert "detach()" in found.remedies[0].text


def test_a_second_pass_within_the_first_step_counts_if_it_was_seen_what_leads_there():
    assert len(check.run(run("loss", "loss", steps=0))) == 1
    assert check.run(run("loss", "loss", steps=0))[0].first_step is None


def test_without_an_earlier_pass_nothing_is_said():
    assert check.run(run(steps=0)) == ()
    assert check.run(run(backwards=0.0)) == ()


@pytest.mark.parametrize("facts", [{"message": "shapes do not fit"}, {"during": "forward"}])
def test_another_exception_is_left_alone(facts):
    assert check.run(run("hx", "input", **facts)) == ()


def test_a_run_that_came_to_its_end_is_left_alone():
    assert check.run(make_trace()) == ()
