"""What is known of function calls in the first step."""

import pytest
import torch
from loops import train
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, drop):
        super().__init__()
        self.body, self.head, self.drop = nn.Linear(4, 8), nn.Linear(8, 3), drop
        self.dropout = nn.Dropout(0.5)

    def forward(self, x):
        return self.head(self.drop(self, self.body(x)))


@pytest.mark.parametrize(
    ("drop", "told"),
    [
        (lambda self, x: F.dropout(x), False),
        (lambda self, x: F.dropout(x, 0.2), False),
        (lambda self, x: F.alpha_dropout(x, p=0.2), False),
        (lambda self, x: F.dropout(x, training=self.training), True),
        (lambda self, x: F.dropout(x, 0.2, self.training), True),
        (lambda self, x: F.dropout(x, **{"training": self.training}), True),
        (lambda self, x: self.dropout(x), True),
        (lambda self, x: F.dropout(x, p=0.5, training=True), True),
        (lambda self, x: torch.dropout(x, 0.2, True), True),
        (lambda self, x: F.relu(x), True),
    ],
)
def test_a_dropout_function_that_is_not_told_the_mode_is_remembered_with_its_line(watched, drop, told):
    with watched() as seen:
        model = Net(drop)
        train(model, torch.optim.SGD(model.parameters(), 0.1))
    line = seen.trace.run.sources.get("dropout")
    assert line is None if told else "dropout(" in line.text
