"""Whatever the training loop looks like, each optimizer step is one step of the trace."""

import copy
import pickle
import threading

import numpy as np
import pytest
import torch
from loops import batch, small_net, train
from torch import nn
from torch.nn import functional as F


def test_a_plain_loop_is_recorded_step_by_step(watched):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1))
    trace = seen.trace
    assert trace.steps.tolist() == list(range(6))
    assert [trace.orders[index] for index in trace.order] == ["zfbs"] * 6
    assert np.isfinite(trace.scalar("loss")).all()
    assert [layer.name for layer in trace.layers] == ["0", "1", "2"]
    assert trace.failures == ()
    assert trace.complete
    assert trace.run.ended == "completed"


def test_a_closure_optimizer_counts_its_step_once(watched):
    x, y = torch.randn(32, 3), torch.randn(32, 1)
    with watched() as seen:
        model = nn.Linear(3, 1)
        optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)

        def closure():
            optimizer.zero_grad()
            loss = F.mse_loss(model(x), y)
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
    assert seen.trace.steps.tolist() == [0, 1, 2]
    assert np.isfinite(seen.trace.series("weight_gradient", "rms")).all()
    assert seen.trace.scalar("stale_gradient").max() == 0


def test_accumulated_gradients_are_one_step_and_the_loss_is_that_of_a_batch(watched):
    x, y = batch(64)
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.0)
        whole = F.cross_entropy(model(x), y).item()
        for _ in range(3):
            for part in range(4):
                rows = slice(part * 16, part * 16 + 16)
                (F.cross_entropy(model(x[rows]), y[rows]) / 4).backward()
            optimizer.step()
            optimizer.zero_grad()
    assert len(seen.trace.steps) == 3
    assert seen.trace.scalar("accumulated").tolist() == [4, 4, 4]
    assert seen.trace.scalar("loss") == pytest.approx(whole, rel=1e-5)
    assert seen.trace.scalar("stale_gradient").max() == 0


def test_a_gradient_never_cleared_is_stale_from_the_second_step_on(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(5):
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert seen.trace.scalar("stale_gradient").tolist() == [0, 1, 1, 1, 1]


@pytest.mark.parametrize("how", ["optimizer", "module", "none", "zero"])
def test_every_way_to_clear_gradients_counts_as_cleared(watched, how):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(5):
            if how == "optimizer":
                optimizer.zero_grad(set_to_none=False)
            elif how == "module":
                model.zero_grad()
            for each in model.parameters():
                if how == "none":
                    each.grad = None
                elif how == "zero" and each.grad is not None:
                    each.grad.zero_()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
    assert seen.trace.scalar("stale_gradient").max() == 0
    assert seen.trace.scalar("cleared_gradient").max() == 0


def test_gradients_cleared_between_backward_and_step_are_noticed(watched):
    x, y = batch()
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(5):
            F.cross_entropy(model(x), y).backward()
            optimizer.zero_grad()
            optimizer.step()
    assert seen.trace.scalar("cleared_gradient").tolist() == [1] * 5
    assert np.isfinite(seen.trace.scalar("loss")).all()


def test_evaluation_between_steps_is_no_step_and_changes_no_statistics(watched):
    x, y = batch()
    with watched() as seen:
        model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 3))
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(4):
            model.train()
            optimizer.zero_grad()
            F.cross_entropy(model(x), y).backward()
            optimizer.step()
            model.eval()
            with torch.no_grad():
                model(x * 1000)
            model(x * 1000)  # forgot no_grad: still no training
    assert len(seen.trace.steps) == 4
    assert (seen.trace.series("layer", "training") == 1).all()
    assert seen.trace.series("activation", "max").max() < 100


@pytest.mark.parametrize("by_hand", [False, True])
def test_gradients_that_no_optimizer_applies_are_counted_unless_the_weights_are_changed_by_hand(watched, by_hand):
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        for _ in range(12):
            optimizer.zero_grad()
            x, y = batch()
            F.cross_entropy(model(x), y).backward()
            if by_hand:
                model[0].weight.data -= 0.1 * model[0].weight.grad
    assert [trace.run.unapplied for trace in seen.traces] == ([] if by_hand else [12])
    assert by_hand or (len(seen.trace.steps), seen.trace.run.optimizers[0].kind) == (0, "sgd")


def test_lines_of_what_was_built_before_the_watch_are_looked_up(watched):
    built = small_net()
    adam = torch.optim.RMSprop(built.parameters(), lr=0.01)
    with watched() as seen:
        seen.probe.watch(built, optimizer=adam)
        x, y = batch()
        F.cross_entropy(built(x), y).backward()
        adam.step()
    assert seen.trace.run.optimizers[0].source.text.startswith("adam = torch.optim.RMSprop(")


def test_the_calls_of_scheduler_and_loss_are_known_by_their_lines(watched):
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2)
        for _ in range(3):
            train(model, optimizer, steps=1, loss=nn.CrossEntropyLoss())
            scheduler.step()
    texts = {call: source.text for call, source in seen.trace.run.sources.items()}
    assert texts["scheduler"] == "scheduler.step()"
    assert texts["loss"] == "loss(model(x), y).backward()"


def test_a_layer_used_twice_and_a_shared_weight_are_each_one_layer(watched):
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(7, 8)
            self.mix = nn.Linear(8, 8)
            self.out = nn.Linear(8, 7, bias=False)
            self.out.weight = self.embed.weight

        def forward(self, tokens):
            return self.out(torch.tanh(self.mix(torch.tanh(self.mix(self.embed(tokens))))))

    tokens = torch.randint(0, 7, (16, 5))
    with watched() as seen:
        model = Twice()
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(3):
            optimizer.zero_grad()
            F.cross_entropy(model(tokens).reshape(-1, 7), tokens.reshape(-1)).backward()
            optimizer.step()
    trace = seen.trace
    assert [layer.kind for layer in trace.layers] == ["embedding", "dense", "dense"]
    assert trace.data.targets[0].shape == ()
    assert np.isfinite(trace.scalar("accuracy")).all()
    assert trace.failures == ()


@pytest.mark.parametrize("looked_before", [True, False])
def test_layers_in_a_plain_list_belong_to_the_model_that_calls_them(watched, looked_before):
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = [nn.Linear(4, 4), nn.Linear(4, 4)]
            self.out = nn.Linear(4, 3)

        def forward(self, x):
            for layer in self.inner:
                x = torch.tanh(layer(x))
            return self.out(x)

    with watched() as seen:
        model = Deep()
        if looked_before:
            with torch.no_grad():
                model(torch.randn(2, 4))
        train(model, torch.optim.SGD(model.parameters(), 0.1))
    (trace,) = seen.traces
    assert [layer.name for layer in trace.layers] == ["out", "inner.0", "inner.1"]
    assert [layer.registered for layer in trace.layers] == [True, False, False]
    assert trace.series("layer", "optimized")[-1].tolist() == [1, 0, 0]
    assert trace.series("layer", "reached")[-1].tolist() == [1, 1, 1]


def test_a_forward_pass_that_raises_is_over(watched):
    with watched() as seen:
        model, other = small_net(), nn.Linear(4, 3)
        with pytest.raises(RuntimeError):
            model(torch.randn(2, 7))
        train(other, torch.optim.SGD(other.parameters(), 0.1))
    assert [layer.name for layer in seen.trace.layers] == ["Linear"]


def test_models_that_are_copied_pickled_and_saved_hold_nothing_of_ours(watched, tmp_path):
    with watched() as seen:
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1))
        copied = copy.deepcopy(model)
        torch.save(model, tmp_path / "whole.pt")
        assert b"deeplocalize" not in (tmp_path / "whole.pt").read_bytes()
        assert b"deeplocalize" not in pickle.dumps(copied)
    assert all(not module._forward_hooks and not module._forward_pre_hooks for module in model.modules())
    assert seen.trace.failures == ()


def test_everything_is_put_back_afterwards(watched):
    wrapped = (nn.Module.__init__, nn.Module.__call__, torch.autograd.backward, torch.optim.Optimizer.zero_grad)
    with watched():
        assert nn.Module.__call__ is not wrapped[1]
    assert (nn.Module.__init__, nn.Module.__call__, torch.autograd.backward, torch.optim.Optimizer.zero_grad) == wrapped


def test_training_in_a_thread_is_recorded(watched):
    def work():
        model = small_net()
        train(model, torch.optim.SGD(model.parameters(), 0.1))

    with watched() as seen:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
    assert len(seen.trace.steps) == 6
    assert seen.trace.failures == ()


def test_the_listener_can_end_the_training_from_a_step(watched):
    from deeplocalize.frameworks.session import TrainingStopped

    with watched(on_step=lambda recorder, step: step == 2) as seen:
        model = small_net()
        with pytest.raises(TrainingStopped):
            train(model, torch.optim.SGD(model.parameters(), 0.1))
    assert len(seen.trace.steps) == 3


def test_the_lines_of_a_first_step_within_a_closure_are_known(watched):
    with watched() as seen:
        model = small_net()
        optimizer = torch.optim.Adam(model.parameters(), 0.1)
        x, y = batch()

        def closure():
            optimizer.zero_grad()
            shares = F.softmax(model(x), dim=1)  # this line
            loss = F.cross_entropy(shares, y)
            loss.backward()
            return loss

        for _ in range(3):
            optimizer.step(closure)
    (objective,) = seen.trace.run.objectives
    assert objective.head.source.text.endswith("# this line")
    assert objective.loss.source.line == objective.head.source.line + 1
    assert seen.trace.run.sources["forward"].line == objective.head.source.line


def test_a_learning_rate_that_is_handed_to_a_library_has_its_line(watched, tmp_path):
    library = tmp_path / "site-packages" / "trainer.py"
    library.parent.mkdir()
    library.write_text(
        "import torch\ndef build(model, options): return torch.optim.SGD(model.parameters(), options['lr'])\n"
    )
    program = tmp_path / "program.py"
    program.write_text(
        "import trainer\ndef run(model):\n    options = dict(lr=0.1)\n    return trainer.build(model, options)\n"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(library.parent))
        patch.syspath_prepend(str(tmp_path))
        import program as user

        with watched() as seen:
            model = small_net()
            train(model, user.run(model))
    (optimizer,) = seen.trace.run.optimizers
    assert (optimizer.source.line, optimizer.sources["learning_rate"].line) == (4, 3)


class Reader(nn.Module):
    def __init__(self, layer, pick):
        super().__init__()
        self.layer, self.pick = layer, pick
        self.head = nn.Linear(4, 1)

    def forward(self, x):
        made = self.layer(x, x, x) if isinstance(self.layer, nn.MultiheadAttention) else self.layer(x)
        return self.head(self.pick(made[0] if isinstance(made, tuple) else made))


def given_axes(watched, layer, pick, x):
    """Of the layer that has a choice of axes: the lengths that it takes for time and for the batch, and the targets."""
    with watched() as seen:
        model = Reader(layer, pick)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        for _ in range(3):
            prediction = model(x)
            loss = nn.functional.mse_loss(prediction, torch.zeros_like(prediction))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    trace = seen.trace
    at = next(each.index for each in trace.layers if "batch_first" in each.settings)
    return [trace.series("layer", name)[-1, at] for name in ("time_axis", "batch_axis")], trace.scalar("target.count")[
        -1
    ]


@pytest.mark.parametrize(
    ("layer", "pick", "time", "batch"),
    [
        (lambda: nn.LSTM(4, 4), lambda out: out[:, -1], 6, 5),
        (lambda: nn.GRU(4, 4, batch_first=True), lambda out: out[:, -1], 5, 6),
        (lambda: nn.MultiheadAttention(4, 2), lambda out: out.mean(1), 6, 5),
        (lambda: nn.MultiheadAttention(4, 2, batch_first=True), lambda out: out.mean(1), 5, 6),
        (
            lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8), 2, enable_nested_tensor=False),
            lambda out: out[:, 0],
            6,
            5,
        ),
    ],
)
def test_it_is_known_which_axis_a_layer_takes_for_time(watched, layer, pick, time, batch):
    axes, targets = given_axes(watched, layer(), pick, torch.randn(6, 5, 4))
    assert axes == [time, batch]
    assert targets == 6


def test_a_single_sequence_and_other_layers_have_no_axis_for_the_batch(watched):
    axes, targets = given_axes(watched, nn.RNN(4, 4), lambda out: out, torch.randn(6, 4))
    assert np.isnan(axes).all()
    assert targets == 6


def test_a_copied_layer_was_built_where_the_original_was(watched):
    with watched() as seen:
        original = nn.TransformerEncoderLayer(4, 2, 8)
        encoder = nn.TransformerEncoder(original, 2, enable_nested_tensor=False)
        model = Reader(encoder, lambda out: out)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        model(torch.randn(6, 5, 4)).sum().backward()
        optimizer.step()
    built = {layer.name: layer.source.text for layer in seen.trace.layers}
    assert built["layer.layers.1.self_attn"] == "original = nn.TransformerEncoderLayer(4, 2, 8)"
