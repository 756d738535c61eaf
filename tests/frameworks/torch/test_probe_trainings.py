"""Which optimizers and models are one training, and which are two."""

import numpy as np
import pytest
import torch
from loops import batch, small_net, train
from torch import nn
from torch.nn import functional as F


def test_two_models_trained_in_turn_are_two_trainings_each_with_its_own_loss(watched):
    with watched() as seen:
        generator = nn.Sequential(nn.Linear(2, 8), nn.ReLU(), nn.Linear(8, 4))
        judge = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))
        g, d = (torch.optim.SGD(each.parameters(), 0.01) for each in (generator, judge))
        bce = nn.BCEWithLogitsLoss()
        for _ in range(5):
            fake = generator(torch.randn(16, 2))
            d.zero_grad()
            loss_d = bce(judge(torch.randn(16, 4)), torch.ones(16, 1)) + bce(judge(fake.detach()), torch.zeros(16, 1))
            loss_d.backward()
            d.step()
            g.zero_grad()
            loss_g = bce(judge(fake), torch.ones(16, 1))
            loss_g.backward()
            g.step()
    first, second = seen.traces
    assert next(layer.input_shape for layer in first.layers) == (4,)
    assert next(layer.input_shape for layer in second.layers) == (2,)
    assert first.scalar("loss")[-1] == pytest.approx(loss_d.item(), rel=1e-6)
    assert second.scalar("loss")[-1] == pytest.approx(loss_g.item(), rel=1e-6)
    assert len(first.run.objectives) == 2
    for trace in seen.traces:
        assert len(trace.steps) == 5
        assert trace.scalar("stale_gradient").max() == 0
        assert trace.data.baseline_loss is None


def test_two_optimizers_on_one_model_step_together(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizers = [torch.optim.SGD(model[0].parameters(), 0.1), torch.optim.Adam(model[2].parameters())]
        for _ in range(5):
            for each in optimizers:
                each.zero_grad()
            F.cross_entropy(model(x), y).backward()
            for each in optimizers:
                each.step()
    (trace,) = seen.traces
    assert len(trace.steps) == 5
    assert trace.scalar("optimizer_steps").tolist() == [2] * 5
    assert [each.kind for each in trace.run.optimizers] == ["sgd", "adam"]
    assert trace.run.optimized == trace.run.parameters
    assert (trace.series("weight_update", "rms")[:, [0, 2]] > 0).all()


def test_a_new_optimizer_for_a_model_that_was_trained_begins_a_new_training(watched):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.Adam(model.parameters(), 0.01))
        for parameter in model.parameters():
            parameter.requires_grad = False
        model[2] = nn.Linear(8, 3)
        train(model, torch.optim.SGD(model[2].parameters(), 0.1), steps=4)
    first, second = seen.traces
    assert ([each.kind for each in first.run.optimizers], len(first.steps)) == (["adam"], 6)
    assert ([each.kind for each in second.run.optimizers], second.steps.tolist()) == (["sgd"], [0, 1, 2, 3])
    assert [(layer.name, layer.registered) for layer in second.layers] == [("0", True), ("1", True), ("2", True)]
    assert first.run.trainable == 67 and second.run.trainable == 27
    assert [second.orders[index] for index in second.order] == ["zfbs"] * 4
    assert second.run.sources["step"].line == first.run.sources["step"].line
    assert np.isfinite(second.series("weight_gradient", "rms")[:, 2]).all()


def test_an_optimizer_built_anew_in_every_round_goes_on_with_the_same_training(watched):
    with watched() as seen:
        model = small_net()
        for _ in range(3):
            train(model, torch.optim.SGD(model.parameters(), 0.1), steps=2)
    assert seen.trace.steps.tolist() == list(range(6))
    assert [each.kind for each in seen.trace.run.optimizers] == ["sgd"]


def test_trainings_that_take_turns_count_each_others_steps(watched):
    with watched() as seen:
        models = [small_net(), small_net()]
        optimizers = [torch.optim.SGD(each.parameters(), 0.1) for each in models]
        for _ in range(4):
            train(models[0], optimizers[0], steps=2)
            train(models[1], optimizers[1], steps=1)
    first, second = seen.traces
    assert first.scalar("other_steps").tolist() == [0, 0, 1, 0, 1, 0, 1, 0]
    assert second.scalar("other_steps")[1:].tolist() == [2, 2, 2]


def test_an_encoder_and_a_head_under_one_optimizer_are_one_training(watched):
    x, y = batch()
    with watched() as seen:
        encoder, head = nn.Linear(4, 8), nn.Linear(8, 3)
        optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(head(torch.relu(encoder(x))), y).backward()
            optimizer.step()
    (trace,) = seen.traces
    assert len(trace.layers) == 2
    assert trace.layers[0].activation == "relu"
    assert trace.run.objectives[0].head.layer == 1


def test_a_program_that_trains_nothing_leaves_no_training(watched):
    with watched() as seen:
        small_net()(torch.randn(2, 4))
    assert seen.traces == ()


def test_tensors_without_a_model_are_a_training_with_a_loss(watched):
    x, y = torch.randn(40, 3), torch.randint(0, 2, (40,)).float()
    with watched() as seen:
        w, b = torch.zeros(3, requires_grad=True), torch.zeros(1, requires_grad=True)
        optimizer = torch.optim.SGD([w, b], 0.1)
        for _ in range(6):
            loss = F.binary_cross_entropy_with_logits(x @ w + b, y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    (trace,) = seen.traces
    assert trace.scalar("loss")[-1] == pytest.approx(loss.item(), rel=1e-6)
    assert trace.run.objectives[0].loss.kind == "binary-cross-entropy"
    assert trace.scalar("backwards").tolist() == [1] * 6
    assert trace.data.targets[0].encoding == "binary"


def test_an_input_that_is_trained_against_a_frozen_model_is_a_training_of_its_own(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1))
        model.requires_grad_(False)
        image = x[:1].clone().requires_grad_()
        optimizer = torch.optim.Adam([image], 0.05)
        for _ in range(5):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(image), y[:1])
            loss.backward()
            optimizer.step()
    network, picture = seen.traces
    assert (len(network.steps), len(picture.steps)) == (6, 5)
    assert network.scalar("backwards").tolist() == [1] * 6
    assert picture.scalar("loss")[-1] == pytest.approx(loss.item(), rel=1e-6)
