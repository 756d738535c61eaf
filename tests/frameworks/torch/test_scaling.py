import pytest
import torch
from torch import nn
from torch.nn import functional as F

from deeplocalize.diagnosis import diagnose
from deeplocalize.frameworks.torch import stats

X, Y = torch.randn(64, 4), torch.randn(64, 1)


def fine(prediction):
    return F.mse_loss(prediction, Y)


def steep(prediction):
    return F.mse_loss(prediction, Y) + torch.sqrt((prediction - prediction).square().sum())


def spoiled(prediction):
    return F.mse_loss(prediction, Y) + torch.log(prediction - prediction).mean()


def train(steps, loss_of, scaler=None, optimizer=torch.optim.SGD, model=None, **options):
    scaler = scaler or torch.amp.GradScaler("cpu")
    model = model or nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = optimizer(model.parameters(), lr=0.01, **options)
    for step in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(X)) if not isinstance(loss_of, list) else loss_of[step](model(X))
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    return model


def test_skipped_steps_are_counted_and_are_no_steps_of_the_trace(watched):
    with watched() as seen:
        train(40, [steep] * 3 + [fine] * 20 + [steep] * 17)
    scaling = seen.trace.run.scaling
    assert (scaling.asked, scaling.skipped, scaling.latest, scaling.latest_skipped) == (40, 20, 40, 20)
    assert (scaling.first, scaling.scale, scaling.lost) == (65536.0, 65536.0 / 2**20, False)
    assert len(seen.trace.steps) == 20


def test_only_the_latest_are_remembered_one_by_one(watched):
    with watched() as seen:
        train(70, [steep] * 30 + [fine] * 40)
    scaling = seen.trace.run.scaling
    assert (scaling.asked, scaling.skipped, scaling.latest, scaling.latest_skipped) == (70, 30, 50, 10)


def test_a_training_of_which_all_steps_are_skipped_is_one_though_its_model_is_gone(watched):
    with watched() as seen:
        train(40, steep)
    trace = seen.trace
    assert len(seen.traces) == 1
    assert (len(trace.steps), trace.run.scaling.skipped, trace.run.unapplied) == (0, 40, 0)
    assert [layer.type for layer in trace.layers] == ["Linear", "Tanh", "Linear"]
    assert [optimizer.name for optimizer in trace.run.optimizers] == ["SGD"]
    assert trace.run.objectives
    assert "scaler.step(optimizer)" in trace.run.sources["step"].text
    assert "GradScaler" in trace.run.sources["scaler"].text
    assert seen.session.log.traces()[0].failures == ()


def test_it_is_found_out_whose_slope_is_not_finite(watched):
    with watched() as seen:
        train(40, steep)
    origin = seen.trace.run.origin
    assert origin.operation == "sqrt"
    assert "torch.sqrt(" in origin.source.text
    (cause,) = diagnose(seen.trace).causes
    assert cause.finding.rule == "loss-scale-collapsed"


def test_bad_batches_now_and_then_are_looked_at_until_one_is_met(watched):
    with watched() as seen:
        train(90, [fine, fine, steep] * 30)
    assert seen.trace.run.origin.operation == "sqrt"


def test_a_loss_that_is_not_finite_itself_is_told(watched):
    with watched() as seen:
        train(40, spoiled)
    assert seen.trace.run.scaling.lost
    assert seen.trace.run.origin.operation == "log"


@pytest.mark.parametrize("loss_of", [fine, steep])
def test_a_fused_optimizer_decides_by_itself(watched, loss_of):
    with watched() as seen:
        train(40, loss_of, optimizer=torch.optim.AdamW, fused=True)
    assert (seen.trace.run.scaling.asked, seen.trace.run.scaling.skipped) == (40, 0 if loss_of is fine else 40)


@pytest.mark.parametrize("loss_of", [fine, steep])
def test_on_an_accelerator_what_a_fused_optimizer_decided_is_fetched_with_the_facts(watched, monkeypatch, loss_of):
    monkeypatch.setattr(stats, "on_host", lambda tensor: False)
    with watched() as seen:
        train(60, loss_of, optimizer=torch.optim.AdamW, fused=True)
    scaling, skipped = seen.trace.run.scaling, 0 if loss_of is fine else 50
    assert (scaling.asked, scaling.skipped, scaling.latest, scaling.latest_skipped) == (60, skipped, 50, skipped)


def test_a_scaler_that_is_switched_off_and_a_loop_without_one_say_nothing(watched):
    with watched() as seen:
        train(12, fine, torch.amp.GradScaler("cpu", enabled=False))
    assert seen.trace.run.scaling is None


def test_each_of_the_models_that_are_trained_has_its_own(watched):
    models = [nn.Linear(4, 1), nn.Linear(4, 1)]
    with watched() as seen:
        train(12, fine, model=models[0])
        train(15, steep, model=models[1])
    assert [trace.run.scaling.skipped for trace in seen.traces] == [0, 15]


def test_the_first_scale_has_its_line(watched):
    with watched() as seen:
        scaler = torch.amp.GradScaler(
            "cpu",
            init_scale=8.0,
        )
        train(12, fine, scaler)
    assert seen.trace.run.sources["scaler"].text == "init_scale=8.0,"


def test_a_watched_scaler_does_what_an_unwatched_one_does(watched):
    losses = [fine, steep, fine, steep] + [steep] * 30 + [fine] * 4
    results = []
    for context in (watched, None):
        torch.manual_seed(3)
        scaler = torch.amp.GradScaler("cpu")
        if context is not None:
            with context():
                model = train(38, losses, scaler)
        else:
            model = train(38, losses, scaler)
        results.append(([each.detach().clone() for each in model.parameters()], scaler.state_dict(), torch.rand(3)))
    (weights, state, drawn), (other_weights, other_state, other_drawn) = results
    assert all(map(torch.equal, weights, other_weights))
    assert state == other_state
    assert torch.equal(drawn, other_drawn)
