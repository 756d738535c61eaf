"""What the loss is made of is read off the graph, however the program writes it."""

import numpy as np
import pytest
import torch
from loops import batch, small_net, train
from torch import nn
from torch.nn import functional as F


@pytest.mark.parametrize("functional", [True, False])
def test_functional_losses_and_loss_modules_give_the_same_facts(watched, functional):
    with watched() as seen:
        model = small_net()
        loss = F.cross_entropy if functional else nn.CrossEntropyLoss()
        train(model, torch.optim.SGD(model.parameters(), 0.1), loss=loss)
    (objective,) = seen.trace.run.objectives
    assert (objective.loss.kind, objective.loss.takes, objective.loss.targets) == (
        "cross-entropy",
        "logits",
        "class-index",
    )
    assert (objective.head.layer, objective.head.activation, objective.head.units) == (2, "linear", 3)
    assert objective.loss.source.path.endswith("loops.py" if functional else "test_probe_loss.py")


def test_functional_and_module_nonlinearities_are_seen_alike(watched):
    class Functional(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(4, 8), nn.Linear(8, 3)

        def forward(self, x):
            return torch.softmax(self.b(torch.tanh(self.a(x))), dim=1)

    with watched() as seen:
        model = Functional()
        train(model, torch.optim.SGD(model.parameters(), 0.1))
        model = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 3), nn.Softmax(dim=1))
        train(model, torch.optim.SGD(model.parameters(), 0.1))
    functional, modules = seen.traces
    assert functional.run.objectives[0].head.activation == modules.run.objectives[0].head.activation == "softmax"
    assert functional.layers[0].activation == modules.layers[0].activation == "tanh"
    assert "torch.softmax" in functional.run.objectives[0].head.source.text
    assert modules.run.objectives[0].head.activation_layer == 3
    assert np.isfinite(functional.series("activation", "saturated")[:, 0]).all()
    assert np.isfinite(modules.series("activation", "saturated")[:, 1]).all()


def test_a_scaled_loss_is_recorded_unscaled(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
        for _ in range(3):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y)
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
    assert seen.trace.scalar("loss")[-1] == pytest.approx(loss.item(), rel=1e-6)
    assert seen.trace.scalar("gradient_norm")[-1] < 10


@pytest.mark.parametrize(
    ("minimized", "factor"),
    [
        (lambda out, y: -F.cross_entropy(out, y), -1.0),
        (lambda out, y: F.cross_entropy(out, y) - 0.1 * out.pow(2).exp().mean(), 1.0),
        (lambda out, y: 0.1 * out.pow(2).exp().mean() - F.cross_entropy(out, y), -1.0),
        (lambda out, y: -(0.1 * out.pow(2).exp().mean() - 2 * F.cross_entropy(out, y)), 2.0),
        (lambda out, y: (F.one_hot(y, 3) * F.log_softmax(out, 1)).sum(1).mean(), -1.0),
        (lambda out, y: -(F.one_hot(y, 3) * F.log_softmax(out, 1)).sum(1).mean(), 1.0),
        (lambda out, y: (-F.one_hot(y, 3) * F.log_softmax(out, 1)).sum(1).mean(), 1.0),
    ],
)
def test_the_sign_with_which_a_loss_is_minimized_is_known(watched, minimized, factor):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.01), loss=minimized)
    (loss,) = [each.loss for each in seen.trace.run.objectives if each.loss.kind == "cross-entropy"]
    assert loss.factor == factor


def test_a_factor_that_changes_its_sign_from_step_to_step_is_none(watched):
    rewards = iter([-1.0, -2.0, -1.0, 3.0, -1.0, -1.0])
    with watched() as seen:
        model = small_net()
        train(
            model,
            torch.optim.SGD(model.parameters(), 0.01),
            loss=lambda out, y: next(rewards) * F.cross_entropy(out, y),
        )
    assert seen.trace.run.objectives[0].loss.factor == 1.0


class Tags(nn.Module):
    """Scores of 5 positions, through a softmax over one axis."""

    def __init__(self, axis, log=True):
        super().__init__()
        self.scores, self.axis, self.log = nn.Linear(4, 3), axis, log

    def forward(self, x):
        scores = self.scores(x)
        return F.log_softmax(scores, self.axis) if self.log else F.softmax(scores, self.axis)


@pytest.mark.parametrize(
    ("axis", "loss", "expected"),
    [
        (0, lambda out, y: F.nll_loss(out.view(-1, 3), y.view(-1)), 0),
        (1, lambda out, y: F.nll_loss(out.view(-1, 3), y.view(-1)), 0),
        (-1, lambda out, y: F.nll_loss(out.view(-1, 3), y.view(-1)), 1),
        (0, lambda out, y: F.nll_loss(out[y > 0], y[y > 0]), 0),
        (-1, lambda out, y: F.nll_loss(out[y > 0], y[y > 0]), 1),
        (-1, lambda out, y: F.nll_loss(out[:, [0, 2]].view(-1, 3), y[:, [0, 2]].view(-1)), 1),
        (1, lambda out, y: F.nll_loss(out.transpose(1, 2), y), None),
        (-2, lambda out, y: F.mse_loss(out, F.one_hot(y, 3).float()), 1),
        (0, lambda out, y: nn.MSELoss()(out, F.one_hot(y, 3).float()), 0),
    ],
)
def test_the_axis_of_the_last_softmax_is_known_as_the_loss_sees_it(watched, axis, loss, expected):
    x, y = torch.randn(8, 5, 4), torch.randint(3, (8, 5))
    with watched() as seen:
        model = Tags(axis)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(3):
            optimizer.zero_grad()
            loss(model(x), y).backward()
            optimizer.step()
    assert seen.trace.run.objectives[0].head.normalized_axis == expected


@pytest.mark.parametrize(("axis", "takes"), [(0, "log-probabilities"), (1, "logits")])
def test_a_log_softmax_outside_of_the_model_is_part_of_the_loss_if_it_runs_over_the_classes(watched, axis, takes):
    with watched() as seen:
        model = small_net()
        train(
            model, torch.optim.SGD(model.parameters(), 0.1), loss=lambda out, y: F.nll_loss(F.log_softmax(out, axis), y)
        )
    (objective,) = seen.trace.run.objectives
    assert objective.loss.takes == takes
    assert objective.head.normalized_axis == (0 if axis == 0 else None)


def distilled(out, y):
    log_p = F.log_softmax(out, 1)
    return 0.1 * F.nll_loss(log_p, y) + 0.9 * F.kl_div(log_p, torch.full_like(log_p, 1 / 3), reduction="batchmean")


def smoothed_by_hand(out, y):
    log_p = F.log_softmax(out, 1)
    return 0.8 * F.nll_loss(log_p, y) + 0.2 * -log_p.mean(1).mean()


@pytest.mark.parametrize(
    ("loss", "smoothing"),
    [
        (lambda out, y: F.cross_entropy(out, y, label_smoothing=0.3), 0.3),
        (lambda out, y: F.cross_entropy(out, y, label_smoothing=0.3, weight=torch.tensor([1.0, 2.0, 3.0])), 0.3),
        (lambda out, y: F.cross_entropy(out, y, label_smoothing=0.3, ignore_index=2), 0.3),
        (lambda out, y: F.cross_entropy(out, y, label_smoothing=0.3, reduction="sum"), 0.3),
        (nn.CrossEntropyLoss(label_smoothing=0.4), 0.4),
        (smoothed_by_hand, 0.2),
        (distilled, 0.0),
    ],
)
def test_smoothed_labels_are_told_from_a_teachers(watched, loss, smoothing):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1), loss=loss)
    assert max(each.loss.label_smoothing for each in seen.trace.run.objectives) == smoothing


def test_the_weight_of_yes_is_that_of_a_class(watched):
    heavy = torch.tensor([4.0])
    for loss in (
        nn.BCEWithLogitsLoss(pos_weight=heavy),
        lambda out, y: F.binary_cross_entropy_with_logits(out, y, pos_weight=heavy),
    ):
        with watched() as seen:
            model = nn.Linear(4, 1)
            optimizer = torch.optim.SGD(model.parameters(), 0.1)
            for _ in range(3):
                optimizer.zero_grad()
                loss(model(torch.randn(8, 4)), torch.ones(8, 1)).backward()
                optimizer.step()
        assert seen.trace.run.objectives[0].loss.class_weights == (1.0, 4.0)


def test_labels_left_out_at_the_same_positions_of_each_sequence_are_counted_over_all_of_them(watched):
    x, labels = torch.randn(64, 4), torch.randint(3, (64, 16))
    labels[:, :12] = -100
    with watched() as seen:
        model = nn.Linear(4, 48)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(4):
            optimizer.zero_grad()
            F.cross_entropy(model(x).view(-1, 3), labels.view(-1)).backward()
            optimizer.step()
    assert seen.trace.scalar("target.ignored").tolist() == [0.75] * 4


@pytest.mark.filterwarnings("ignore:Using a target size")
@pytest.mark.parametrize("column", ["prediction", "target"])
@pytest.mark.parametrize(
    "loss",
    [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss, nn.MSELoss(), nn.L1Loss(), nn.HuberLoss()],
    ids=lambda loss: getattr(loss, "__name__", type(loss).__name__),
)
def test_a_loss_that_stretches_a_column_over_a_flat_tensor_is_known_by_what_it_was_given(watched, loss, column):
    x, y = batch(20)[0], torch.randn(20)
    with watched() as seen:
        model = nn.Linear(4, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            answer, target = (model(x), y) if column == "prediction" else (model(x)[:, 0], y[:, None])
            optimizer.zero_grad()
            loss(answer, target).backward()
            optimizer.step()
    (objective,) = seen.trace.run.objectives
    assert objective.loss.broadcasts
    assert (objective.head.shape, seen.trace.data.targets[0].shape) == (
        ((1,), ()) if column == "prediction" else ((), (1,))
    )


def over_neighbors(out, y):
    return torch.full((len(out), len(out)), 1 / len(out)) @ out, y


def of_some(out, y):
    return out[y > 0], y[y > 0]


def of_one_class(out, y):
    return out[torch.arange(len(y)), y], y.float()


@pytest.mark.parametrize(
    ("look", "loss", "layer"),
    [
        (over_neighbors, nn.CrossEntropyLoss(), 2),
        (of_some, nn.CrossEntropyLoss(), 2),
        (of_one_class, nn.MSELoss(), None),
    ],
)
def test_an_output_is_known_behind_a_choice_of_rows_and_a_product_with_data(watched, look, loss, layer):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1), loss=lambda out, y: loss(*look(out, y)))
    head = seen.trace.run.objectives[0].head
    assert (head.layer, head.activation) == (layer, "linear" if layer is not None else None)
