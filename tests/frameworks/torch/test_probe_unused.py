"""Backward passes whose gradients are cleared before a step."""

import pytest
import torch
from loops import batch, small_net
from torch.nn import functional as F

BATCHES = [batch() for _ in range(4)]


def loop(step_after=4, before=None, after=None, inputs=lambda x: x, batches=BATCHES, epochs=4, clip=False):
    """Clears before each batch, and steps after every few of them."""
    model = small_net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    for _ in range(epochs):
        for at, (x, y) in enumerate(batches, 1):
            optimizer.zero_grad()
            F.cross_entropy(model(inputs(x)), y).backward()
            if after is not None:
                after(model)
            if at % step_after == 0:
                if before is not None:
                    before(model)
                if clip:
                    torch.nn.utils.clip_grad_norm_(model.parameters(), 1e-3)
                optimizer.step()


def own_gradient(model):
    for each in model.parameters():
        each.grad = each.grad + 1.0


def gathered(model):
    for each in model.parameters():
        each.grad += 1.0


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({}, 3),
        ({"step_after": 2}, 1),
        ({"clip": True}, 3),
        ({"step_after": 1}, 0),
        ({"before": own_gradient}, 0),
        ({"before": gathered}, 0),
        ({"inputs": lambda x: x.clone().requires_grad_()}, 0),
        ({"batches": BATCHES[:1] * 4}, 0),
    ],
    ids=["four", "two", "clipped", "each", "replaced", "changed", "adversarial", "same-batch"],
)
def test_passes_on_other_batches_that_no_step_uses_are_counted(watched, facts, count):
    with watched() as seen:
        loop(**facts)
    assert set(seen.trace.scalar("unused_backwards")[1:].tolist()) == {count}


def test_gathering_and_what_is_left_over_at_the_end_of_an_epoch_are_not_counted(watched):
    model = small_net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    with watched() as seen:
        for _ in range(4):
            optimizer.zero_grad()
            for at, (x, y) in enumerate(BATCHES, 1):
                F.cross_entropy(model(x), y).backward()
                if at == 3:
                    optimizer.step()
                    optimizer.zero_grad()
    assert seen.trace.scalar("unused_backwards")[1:].tolist() == [0] * 3


def test_gradients_of_another_line_are_meant_to_be_cleared(watched):
    model = small_net()
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    (x, y), (other, labels) = BATCHES[:2]
    with watched() as seen:
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(other), labels).backward()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert seen.trace.scalar("unused_backwards")[1:].tolist() == [0] * 3


def test_a_closure_that_an_optimizer_calls_several_times_is_its_own_matter(watched):
    model = small_net()
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    drawn = iter(BATCHES * 100)

    def closure():
        optimizer.zero_grad()
        x, y = next(drawn)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    with watched() as seen:
        for _ in range(4):
            optimizer.step(closure)
    assert seen.trace.scalar("unused_backwards")[1:].tolist() == [0] * 3


def test_a_step_of_another_optimizer_in_between_may_have_used_them(watched):
    body, head = small_net(), torch.nn.Linear(3, 3)
    first, second = torch.optim.SGD(body.parameters(), 0.1), torch.optim.SGD(head.parameters(), 0.1)
    with watched() as seen:
        for at in range(8):
            x, y = BATCHES[at % 4]
            stepping = first if at % 2 else second
            first.zero_grad()
            second.zero_grad()
            F.cross_entropy(head(body(x)), y).backward()
            stepping.step()
    assert all(set(each.scalar("unused_backwards")[1:].tolist()) <= {0} for each in seen.traces)
