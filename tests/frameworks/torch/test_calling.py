"""Being told of calls changes nothing of the program, and ends when it is to end."""

import sys

import pytest

from deeplocalize.frameworks.torch.calling import hook, returns

AT_THE_TOP_LEVEL = """
import sys
import torch

sys._getframe().f_locals  # as debuggers and we ourselves do
model = torch.nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), 0.1)
for step in range(3):
    answers = model(torch.ones(2, 4))
    counts = {name: 10 * count for name, count in zip("abc", [1, 2, 3])}
    loss = sum(answer.square().sum() for answer in answers)
    loss.backward()
    optimizer.step()
"""


def called(function):
    names = []
    told = hook(lambda name, frame: names.append((name, frame.f_code.co_name if frame else None)))
    assert told.start()
    try:
        function()
    finally:
        told.stop()
    return names


def shout(words):
    return max(words).upper()


def test_functions_of_python_and_of_c_are_told_with_the_frame_that_calls_them():
    names = called(lambda: shout(["a", "b"]))
    assert ("shout", "<lambda>") in names
    assert ("max", "shout") in names
    assert ("upper", "shout") in names


def test_nothing_is_told_before_and_after_and_it_can_be_done_again():
    names = []
    told = hook(lambda name, frame: names.append(name))
    shout("ab")
    for _ in range(2):
        assert told.start()
        told.stop()
    told.stop()
    shout("ab")
    assert "shout" not in names
    assert sys.getprofile() is None


def returned(function, most=100):
    seen = []
    told = returns(
        {shout.__code__: "shout"}, lambda name, frame, value: seen.append((name, frame.f_locals, value)), most
    )
    assert told.start()
    try:
        function()
    finally:
        told.stop()
    return seen


def test_what_a_function_returns_is_told_with_what_it_was_given():
    seen = returned(lambda: (min("ab"), shout(["a", "b"])))
    assert seen == [("shout", {"words": ["a", "b"]}, "B")]
    shout("ab")
    assert len(seen) == 1


@pytest.mark.skipif(hasattr(sys, "monitoring"), reason="there, other functions are not even looked at")
def test_looking_for_what_is_returned_ends_after_so_many_events():
    assert returned(lambda: ([min("ab") for _ in range(100)], shout("ab"))) == []
    assert len(returned(lambda: (shout("ab"), shout("cd")))) == 2
    assert len(returned(lambda: (shout("ab"), [min("ab") for _ in range(10)], shout("cd")))) == 1
    assert sys.getprofile() is None


def test_a_comprehension_at_the_top_level_of_a_program_keeps_its_variables(watched):
    variables = {"__name__": "__main__"}
    with watched() as seen:
        exec(compile(AT_THE_TOP_LEVEL, "train.py", "exec"), variables)
    assert variables["counts"] == {"a": 10, "b": 20, "c": 30}
    assert seen.trace.failures == ()
