"""Warnings are shown where, and as often as, they are without us."""

import warnings

import torch
from loops import batch
from torch import nn
from torch.nn import functional as F


def shown(steps=4):
    """The files whose lines were shown a warning in a training that gives rise to one in each step."""
    x, _ = batch(20)
    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = lambda message, category, filename, *_: found.append(filename)
        yield found
        model = nn.Sequential(nn.Linear(4, 1))
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(steps):
            optimizer.zero_grad()
            F.mse_loss(model(x), torch.zeros(20)).backward()
            optimizer.step()
    yield found


def test_a_warning_in_each_step_is_shown_once_and_for_the_users_line(watched, tmp_path):
    def run(watch):
        globals().pop("__warningregistry__", None)
        running = shown()
        next(running)
        if not watch:
            return next(running)
        with watched(path=tmp_path / "run.trace"):
            return next(running)

    assert run(watch=True) == run(watch=False) == [__file__]


def test_no_filter_is_left_behind(watched):
    def ours():
        return [each for each in warnings.filters if "deeplocalize" in getattr(each[3], "pattern", "")]

    with watched():
        assert len(ours()) == 1
    assert ours() == []
