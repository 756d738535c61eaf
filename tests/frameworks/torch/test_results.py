"""The loss on data that are not trained on, as the program computes it, and whether weights are kept by it."""

import copy
import os
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from deeplocalize.frameworks.session import Session  # noqa: E402
from deeplocalize.frameworks.torch.objective import Reading  # noqa: E402
from deeplocalize.frameworks.torch.results import (  # noqa: E402
    FUNCTIONS,
    MOST_IN_VAIN,
    LossesElsewhere,
    Results,
    right_answers,
)
from deeplocalize.trace import Loss, TraceLog  # noqa: E402

X, Y = torch.randn(160, 6, generator=torch.Generator().manual_seed(1)), torch.arange(160) % 3
NEW = torch.randn(60, 6, generator=torch.Generator().manual_seed(2))


def network(*between):
    return nn.Sequential(nn.Linear(6, 16), *(between or (nn.Dropout(0.5),)), nn.ReLU(), nn.Linear(16, 3))


def train_by(criterion, model, x=NEW, after=lambda: None):
    """A training that shows its loss on other data after each epoch, in batches of unequal size."""
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    shown = []
    for _ in range(6):
        for batch in torch.randperm(len(X)).split(16):
            optimizer.zero_grad()
            criterion(model(X[batch]), Y[batch]).backward()
            optimizer.step()
        with torch.no_grad():
            answers = model(x)
            y = torch.arange(len(x)) % 3
            for part in (slice(40), slice(40, None)):
                criterion(answers[part], y[part])
            shown.append(
                (nn.functional.cross_entropy(answers, y).item(), (answers.argmax(1) == y).float().mean().item())
            )
        after()
    return shown


def recorded(trace, name):
    values = trace.scalar(name)
    return values[np.isfinite(values)]


def test_the_loss_on_other_data_is_recorded_with_the_step_after_it(watched):
    with watched() as run:
        shown = train_by(nn.CrossEntropyLoss(), network(nn.ReLU()))
    for name, at in (("validation.loss", 0), ("validation.accuracy", 1)):
        np.testing.assert_allclose(recorded(run.trace, name), [each[at] for each in shown[:-1]], rtol=1e-5)
    assert np.flatnonzero(np.isfinite(run.trace.scalar("validation.loss"))).tolist() == [10, 20, 30, 40, 50]


@pytest.mark.parametrize(
    ("criterion", "x"),
    [
        (nn.CrossEntropyLoss(), X),  # the training data
        (nn.CrossEntropyLoss(), torch.cat([NEW, X])),
        (nn.CrossEntropyLoss(reduction="sum"), NEW),
        (nn.functional.cross_entropy, X),
        (lambda *given: nn.functional.cross_entropy(*given, weight=torch.ones(3)), NEW),
    ],
)
def test_of_other_losses_than_means_on_other_data_nothing_is_recorded(watched, criterion, x):
    with watched() as run:
        train_by(criterion, network(nn.ReLU()), x)
    assert not run.trace.has("validation.loss")


def test_another_loss_than_the_one_trained_by_is_not_recorded(watched):
    trained_by, shown = nn.CrossEntropyLoss(label_smoothing=0.1), nn.CrossEntropyLoss()
    with watched() as run:
        train_by(lambda *given: (trained_by if torch.is_grad_enabled() else shown)(*given), network(nn.ReLU()))
    assert not run.trace.has("validation.loss")


def summed(prediction, target):
    loss = nn.functional.cross_entropy(prediction, target, reduction="mean" if torch.is_grad_enabled() else "sum")
    return loss / (1 if torch.is_grad_enabled() else len(target))


@pytest.mark.parametrize("criterion", [nn.functional.cross_entropy, summed])
def test_a_function_for_the_loss_tells_the_same(watched, criterion):
    with watched() as run:
        shown = train_by(criterion, network(nn.ReLU()))
    assert sys.getprofile() is None
    for name, at in (("validation.loss", 0), ("validation.accuracy", 1)):
        np.testing.assert_allclose(recorded(run.trace, name), [each[at] for each in shown[:-1]], rtol=1e-5)


def test_a_function_for_another_loss_than_the_one_trained_by_is_not_recorded(watched):
    def criterion(prediction, target):
        return nn.functional.multi_margin_loss(prediction, target)

    with watched() as run:
        train_by(criterion, network(nn.ReLU()))
    assert not run.trace.has("validation.loss")


def test_a_function_that_does_not_smooth_the_labels_as_in_training_is_not_recorded(watched):
    def smooth(*given):
        return nn.functional.cross_entropy(*given, label_smoothing=0.1 * torch.is_grad_enabled())

    with watched() as run:
        train_by(smooth, network(nn.ReLU()))
    assert not run.trace.has("validation.loss")


def test_the_programs_own_profiler_is_left_alone(watched):
    seen = []

    def profiler(frame, event, argument):
        seen.append(event)

    def ask():
        sys.setprofile(profiler)

    with watched() as run:
        train_by(nn.functional.cross_entropy, network(nn.ReLU()), after=ask)
        mine = sys.getprofile()
        sys.setprofile(None)
    assert mine is profiler
    assert len(recorded(run.trace, "validation.loss")) == 1


@pytest.mark.parametrize(("passes", "heard"), [(MOST_IN_VAIN - 1, True), (MOST_IN_VAIN, False)])
def test_a_network_that_is_only_asked_for_answers_is_no_longer_listened_to(tmp_path, passes, heard):
    log = TraceLog(tmp_path / "trace")
    log.close()
    results, losses = Results(), LossesElsewhere(Session(log))
    losses.trains_by([Reading(Loss("cross-entropy", "cross_entropy"), 1.0)])
    for _ in range(passes):
        losses.listen(results)
        losses.stop()
    with torch.no_grad():
        losses.listen(results)
        nn.functional.cross_entropy(torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))
        losses.stop()
    assert ("validation.loss" in results.take()) is heard


def saved(model):
    torch.save(model.state_dict(), os.devnull)


def copied(model):
    copy.deepcopy(model)


def part_saved(model):
    model[0].state_dict()


@pytest.mark.parametrize(
    ("keep", "kept"), [(saved, True), (copied, True), (part_saved, False), (lambda _: None, False)]
)
def test_it_is_known_if_weights_are_kept_while_training(watched, keep, kept):
    model = network(nn.ReLU())
    with watched() as run:
        train_by(nn.CrossEntropyLoss(), model, after=lambda: keep(model))
    assert run.trace.run.keeps_weights is kept


def test_weights_kept_before_the_first_or_after_the_last_step_are_no_choice(watched):
    model = network(nn.ReLU())
    with watched() as run:
        copy.deepcopy(model)
        train_by(nn.CrossEntropyLoss(), model)
        saved(model)
    assert run.trace.run.keeps_weights is False


@pytest.mark.parametrize(
    ("module", "prediction", "target", "share"),
    [
        (nn.CrossEntropyLoss(), [[2.0, 1.0], [0.0, 1.0]], [0, 0], 0.5),
        (nn.BCEWithLogitsLoss(), [[0.3], [0.4], [-1.0]], [[1.0], [0.0], [0.0]], 2 / 3),
        (nn.BCELoss(), [[0.3], [0.4], [0.7]], [[1.0], [0.0], [1.0]], 2 / 3),
        (nn.MSELoss(), [[0.3]], [[0.3]], None),
        (nn.CrossEntropyLoss(), [[0.2, 0.8]], [[0.0, 1.0]], None),
    ],
)
def test_right_answers_are_counted_as_the_loss_reads_them(module, prediction, target, share):
    answer = right_answers(FUNCTIONS.get(type(module)), torch.tensor(prediction), torch.tensor(target))
    assert answer is None if share is None else answer.item() == pytest.approx(share)


class Ratings(nn.Module):
    def __init__(self):
        super().__init__()
        self.user, self.item = nn.Embedding(20, 4), nn.Embedding(31, 4)

    def forward(self, user, item):
        return (self.user(user) * self.item(item)).sum(dim=1)


def test_the_same_users_with_other_items_are_not_data_that_are_trained_on(watched):
    model, pairs = Ratings(), torch.randperm(620)
    user, item, rating = pairs % 20, pairs // 20, torch.randn(620)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watched() as run:
        for _ in range(4):
            for batch in torch.arange(500).split(50):
                loss = nn.functional.mse_loss(model(user[batch], item[batch]), rating[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            with torch.no_grad():
                nn.functional.mse_loss(model(user[500:], item[500:]), rating[500:])
    assert len(recorded(run.trace, "validation.loss")) == 3
    expected = rating[500:].square().mean().sqrt().item()
    np.testing.assert_allclose(recorded(run.trace, "validation.target_rms"), [expected] * 3, rtol=1e-5)
