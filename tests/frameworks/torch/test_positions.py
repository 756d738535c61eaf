"""Which embedding a self-attention is given without a word of where its vectors stand."""

import pytest
import torch
from torch import nn


class Encoder(nn.Module):
    """Attention over tokens; `before` is what happens to their vectors first."""

    def __init__(self, before, batch_first=True, **given):
        super().__init__()
        self.token = nn.Embedding(9, 8)
        self.position = nn.Embedding(5, 8)
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=batch_first)
        self.head = nn.Linear(8, 2)
        self.before, self.given = before, given

    def forward(self, ids):
        x = self.before(self, self.token(ids))
        return self.head(self.attention(x, x, x, **self.given)[0].flatten(0, 1))


def train(model):
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randint(0, 9, (4, 5))).square().mean().backward()
        optimizer.step()


def with_positions(model, x):
    return x + model.position(torch.arange(5))


@pytest.mark.parametrize(
    ("before", "given", "unplaced"),
    [
        (lambda model, x: x, {}, 0),
        (lambda model, x: nn.functional.dropout(model.norm(x) * 8**0.5, 0.1), {}, 0),
        (lambda model, x: x.transpose(0, 1), {"batch_first": False}, 0),
        (with_positions, {}, None),
        (lambda model, x: x + torch.randn(5, 8), {}, None),  # sines and cosines
        (lambda model, x: torch.cat([x, x[:, :1]], 1), {}, None),
        (lambda model, x: x, {"attn_mask": torch.ones(5, 5).triu(1).bool()}, None),
        (lambda model, x: x, {"key_padding_mask": torch.zeros(4, 5, dtype=torch.bool)}, 0),
    ],
)
def test_only_what_is_the_same_in_all_places_may_come_between(watched, before, given, unplaced):
    with watched() as seen:
        train(Encoder(before, **given))
    (attention,) = [layer for layer in seen.trace.layers if layer.kind == "attention"]
    assert attention.unplaced == unplaced


def test_in_a_stack_of_encoders_it_is_the_first_one(watched):
    with watched() as seen:
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        train(nn.Sequential(nn.Embedding(9, 8), nn.TransformerEncoder(layer, 2), nn.Linear(8, 2)))
    assert [layer.unplaced for layer in seen.trace.layers if layer.kind == "attention"] == [0, None]
