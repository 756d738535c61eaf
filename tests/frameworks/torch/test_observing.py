"""The second step of a training is looked at closely, and nobody notices."""

import contextlib
import sys
import traceback

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

BACKWARD = torch.Tensor.backward


class Counting(TorchFunctionMode):
    def __torch_function__(self, function, types, args=(), kwargs=None):
        return function(*args, **(kwargs or {}))


def train(step, steps=4):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    x, y = torch.randn(16, 4), torch.randint(0, 3, (16,))
    for number in range(steps):
        optimizer.zero_grad()
        step(number, model, x, y).backward()
        optimizer.step()


def plain(number, model, x, y):
    return F.cross_entropy(model(x), y)


def raising(number, model, x, y):
    if number == 1:
        with contextlib.suppress(RuntimeError):
            model(x[:, :2])
    return F.cross_entropy(model(x), y)


def many_calls(number, model, x, y):
    for _ in range(20):
        model(x)
    return F.cross_entropy(model(x), y)


def with_a_mode_of_its_own(number, model, x, y):
    out = model(x)
    with Counting():
        return F.cross_entropy(out, y)


@pytest.mark.parametrize("step", [plain, raising, many_calls, with_a_mode_of_its_own])
def test_when_the_second_step_is_over_nothing_of_ours_is_left(watched, tmp_path, step):
    seen_in = []

    def noting(number, model, x, y):
        loss = step(number, model, x, y)
        seen_in.append(torch.Tensor.backward is not BACKWARD)
        return loss

    with watched(path=tmp_path / "run.trace") as seen:
        train(noting)
    assert seen_in == [False, step is not many_calls, False, False]
    assert torch._C._len_torch_function_stack() == 0
    assert not seen.traces[0].failures


def test_a_mode_that_the_program_leaves_on_is_not_taken_from_it(watched, tmp_path):
    own = Counting()

    def left_on(number, model, x, y):
        out = model(x)
        if number == 1:
            own.__enter__()
        if number == 2:
            own.__exit__(None, None, None)
        return F.cross_entropy(out, y)

    with watched(path=tmp_path / "run.trace"):
        train(left_on)
    assert torch._C._len_torch_function_stack() == 0


def test_without_a_trace_file_nothing_is_looked_at(watched):
    looked_at = []

    def noting(number, model, x, y):
        looked_at.append(torch._C._len_torch_function_stack())
        return plain(number, model, x, y)

    with watched():
        train(noting)
    assert looked_at == [0, 0, 0, 0]


def test_an_exception_that_nobody_catches_is_shown_as_without_us(watched, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)

    def out_of_range(number, model, x, y):
        return F.cross_entropy(model(x), y + 3 * number)

    with watched(path=tmp_path / "run.trace") as seen:
        train(out_of_range)
    assert any(each.name == "handle_torch_function" for each in traceback.extract_tb(seen.error.__traceback__))
    sys.excepthook(type(seen.error), seen.error, seen.error.__traceback__)
    shown = capsys.readouterr().err
    assert "handle_torch_function" not in shown
    assert shown.count("in cross_entropy") == 1
