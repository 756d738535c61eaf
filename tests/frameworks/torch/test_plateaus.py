"""Schedulers that are handed a quantity: which way it gets better, and what they did."""

import pytest
import torch
from loops import batch, small_net
from torch.nn import functional as F
from torch.optim.lr_scheduler import ReduceLROnPlateau

from deeplocalize.frameworks.torch.plateaus import better


def train(values, hand, **settings):
    """Trains a step for each value, and hands it to a scheduler that waits for nothing."""
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    scheduler = ReduceLROnPlateau(optimizer, patience=0, **settings)
    for value in values:
        x, y = batch()
        optimizer.zero_grad()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        hand(scheduler, value)


def as_loss(scheduler, val_loss):
    scheduler.step(val_loss)


def as_accuracy(scheduler, val_acc):
    scheduler.step(metrics=val_acc)


def as_item(scheduler, history):
    scheduler.step(history["val_acc"].item())


def as_error(scheduler, accuracy):
    scheduler.step(1 - accuracy)


@pytest.mark.parametrize(
    ("values", "hand", "settings", "told"),
    [
        ([0.2, 0.5, 0.7], as_accuracy, {}, ("val_acc", "down", "up", 2, 0.2, 0.7)),
        ([0.2, 0.5, 0.4], as_accuracy, {"mode": "max"}, ("val_acc", "up", "up", 1, 0.5, 0.4)),
        (
            [{"val_acc": torch.tensor(each)} for each in (0.25, 0.5)],
            as_item,
            {},
            ("val_acc", "down", "up", 1, 0.25, 0.5),
        ),
        ([2.0, 1.0, 1.5], as_loss, {}, ("val_loss", "down", "down", 1, 1.0, 1.5)),
        ([2.0, 1.0], as_loss, {"mode": "max"}, ("val_loss", "up", "down", 1, 2.0, 1.0)),
        ([0.2, 0.1], as_accuracy, {}, ("val_acc", "down", "up", 0, None, None)),
        ([0.2, 0.5], as_error, {}, ("a quantity", "down", None, 0, None, None)),
    ],
)
def test_what_a_scheduler_took_for_better_and_did_is_known(watched, values, hand, settings, told):
    with watched() as seen:
        train(values, hand, **settings)
    (monitor,) = seen.trace.run.monitors
    found = (monitor.quantity, monitor.takes, monitor.better, monitor.cuts, monitor.best, monitor.value)
    assert found == told
    assert "ReduceLROnPlateau(optimizer" in monitor.source.text


def test_other_schedulers_watch_nothing(watched):
    with watched() as seen:
        net = small_net()
        optimizer = torch.optim.SGD(net.parameters(), 0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
        x, y = batch()
        F.cross_entropy(net(x), y).backward()
        optimizer.step()
        scheduler.step()
    assert seen.trace.run.monitors == ()


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("val_loss", "down"),
        ("valLoss", "down"),
        ("test_RMSE", "down"),
        ("valAcc", "up"),
        ("f1", "up"),
        ("macro_f1", "up"),
        ("metric", None),
        ("dice_loss", None),
        ("closs", None),
        ("", None),
    ],
)
def test_the_name_of_a_quantity_says_which_way_it_gets_better(name, direction):
    assert better(name) == direction
