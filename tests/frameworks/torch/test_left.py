"""Gradients that one of several optimizers applies again, as only those of the others are cleared."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

INPUTS, TARGETS = torch.randn(8, 3), torch.randn(8, 2)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(torch.tanh(self.body(x)))


def stale_steps(watched, train, steps=6):
    with watched() as seen:
        net = Net()
        body, head = (torch.optim.SGD(part.parameters(), 0.01) for part in (net.body, net.head))
        for _ in range(steps):
            train(net, body, head)
    assert not seen.trace.failures
    return int(seen.trace.scalar("stale_gradient").sum())


def backward(net):
    F.mse_loss(net(INPUTS), TARGETS).backward()


def cleared(clear):
    def train(net, body, head):
        clear(net, body, head)
        backward(net)
        body.step()
        head.step()

    return train


def by_hand(net, body, head):
    for each in net.parameters():
        each.grad = None


def in_place(net, body, head):
    body.zero_grad()
    for each in net.head.parameters():
        if each.grad is not None:
            each.grad.zero_()


@pytest.mark.parametrize("clear", [lambda n, b, h: b.zero_grad(), lambda n, b, h: n.body.zero_grad()])
def test_an_optimizer_whose_gradients_nobody_clears_is_noticed(watched, clear):
    assert stale_steps(watched, cleared(clear)) == 5


@pytest.mark.parametrize(
    "clear",
    [lambda n, b, h: (b.zero_grad(), h.zero_grad(False)), lambda n, b, h: n.zero_grad(), by_hand, in_place],
    ids=["each", "model", "by-hand", "in-place"],
)
def test_how_gradients_are_cleared_does_not_matter(watched, clear):
    assert stale_steps(watched, cleared(clear)) == 0


def test_gradients_may_be_cleared_just_before_they_are_computed_again(watched):
    def in_turns(net, *optimizers):
        for each in optimizers:
            each.zero_grad()
            backward(net)
            each.step()

    assert stale_steps(watched, in_turns) == 0


def test_gradients_that_the_program_puts_there_replace_the_others(watched):
    def assigned(net, body, head):
        body.zero_grad()
        F.mse_loss(
            net.head(torch.tanh(net.body(INPUTS)).detach() * 0) * 0 + net.body(INPUTS)[:, :2], TARGETS
        ).backward()
        for each in net.head.parameters():
            each.grad = torch.ones_like(each)
        body.step()
        head.step()

    assert stale_steps(watched, assigned) == 0


def test_a_step_that_computes_its_gradients_itself_may_clear_them_too(watched):
    def with_closure(net, body, head):
        body.zero_grad()
        backward(net)
        body.step()

        def closure():
            head.zero_grad()
            loss = F.mse_loss(net(INPUTS), TARGETS)
            loss.backward()
            return loss

        head.step(closure)

    assert stale_steps(watched, with_closure) == 0


def test_one_that_gathers_gradients_over_several_steps_of_another_is_left_alone(watched):
    taken = []

    def slowly(net, body, head):
        body.zero_grad()
        backward(net)
        body.step()
        taken.append(0)
        if len(taken) % 3 == 0:
            head.step()
            head.zero_grad()

    assert stale_steps(watched, slowly) == 0
