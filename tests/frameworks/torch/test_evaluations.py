"""What is recorded of passes without gradients, and what is said of them."""

import contextlib

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from deeplocalize.frameworks.torch.evaluations import MAX_BLOCKS, row_keys  # noqa: E402
from deeplocalize.rules.generalization.evaluation_in_training_mode import check  # noqa: E402

X, Y = torch.randn(160, 6, generator=torch.Generator().manual_seed(1)), torch.arange(160) % 3
NEW = torch.randn(60, 6, generator=torch.Generator().manual_seed(2))


def network(*between):
    return nn.Sequential(nn.Linear(6, 16), *(between or (nn.Dropout(0.5),)), nn.ReLU(), nn.Linear(16, 3))


def train(model, evaluate=lambda: None, epochs=4, before=lambda batch: None, size=16, jitter=0.0):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    for _ in range(epochs):
        model.train()
        for batch in torch.randperm(len(X)).split(size):
            before(batch)
            optimizer.zero_grad()
            given = X[batch] + jitter * torch.randn(len(batch), 6)
            nn.functional.cross_entropy(model(given), Y[batch]).backward()
            optimizer.step()
        evaluate()


@torch.no_grad()
def ask(model, x=NEW, size=20, shuffled=False):
    order = torch.randperm(len(x)) if shuffled else torch.arange(len(x))
    return torch.cat([model(x[batch]) for batch in order.split(size)])


def accused(trace):
    found = check.run(trace)
    return [finding.locus.source.text for finding in found] if isinstance(found, tuple) else []


ASKS = "return torch.cat([model(x[batch]) for batch in order.split(size)])"


def test_an_evaluation_is_recorded_with_its_rows_layers_and_line(watched):
    model = network(nn.Dropout(0.5), nn.BatchNorm1d(16))
    with watched() as run:
        train(model, lambda: ask(model, shuffled=True))
    seen = run.trace.run.evaluations
    assert [each.step for each in seen] == [10, 20, 30, 40]
    assert [each.again for each in seen] == [False, True, True, True]
    for each in seen:
        assert (each.passes, each.proper, each.examples, each.layers) == (3, 0, 60, (1, 2))
        assert (each.repeated, each.trained) == (0.0, 0.0)
        assert each.source.text == ASKS
    assert accused(run.trace) == [ASKS]


def test_rows_that_are_trained_on_are_known_again(watched):
    model = network()
    with watched() as run:
        train(model, lambda: ask(model, X))
    assert all(each.trained == 1.0 for each in run.trace.run.evaluations)
    assert accused(run.trace) == []


def test_of_many_evaluations_the_first_are_looked_at_and_the_latest_is_known(watched):
    model = network()
    with watched() as run:
        train(model, lambda: ask(model), epochs=12)
    seen = run.trace.run.evaluations
    assert [each.step for each in seen] == [*range(10, 10 * MAX_BLOCKS + 10, 10), 120]
    assert seen[-1].repeated is None
    assert accused(run.trace) == [ASKS]


def test_a_final_test_is_seen_without_any_validation(watched):
    model = network()
    with watched() as run:
        train(model)
        with torch.inference_mode():
            model(NEW)
    assert accused(run.trace) == ["model(NEW)"]


def test_full_batches_and_an_evaluation_after_every_step_are_seen_too(watched):
    model = network()
    with watched() as run:
        train(model, lambda: ask(model, size=60), epochs=30, size=160)
    assert accused(run.trace) == [ASKS]


def in_evaluation_mode(model):
    model.eval()
    ask(model)


def monte_carlo(model):
    for _ in range(10):
        ask(model)


def monte_carlo_at_once(model):
    ask(model, NEW.repeat(10, 1))


def single_layers_on_purpose(model):
    model.eval()
    model[1].train()
    ask(model)


def averages_anew(model):
    ask(model, X)
    in_evaluation_mode(model)


def averages_anew_for_new_data(model):
    ask(model)
    in_evaluation_mode(model)


def policy(model):
    with torch.no_grad():
        for row in NEW:
            model(row[None])


def other_data_each_time(model):
    ask(model, torch.randn(60, 6))
    model.eval()


def library_collects(model):
    torch.optim.swa_utils.update_bn(NEW.split(20), model)


def nothing_to_drop(model):
    model[1].p = 0.0
    ask(model)


@pytest.mark.parametrize(
    "evaluate",
    [
        in_evaluation_mode,
        monte_carlo,
        monte_carlo_at_once,
        single_layers_on_purpose,
        averages_anew,
        averages_anew_for_new_data,
        policy,
        nothing_to_drop,
    ],
)
def test_what_is_meant_so_is_left_alone(watched, evaluate):
    model = network()
    with watched() as run:
        train(model, lambda: evaluate(model))
    assert accused(run.trace) == []


def test_averages_collected_by_the_library_are_left_alone(watched):
    model = network(nn.BatchNorm1d(16))
    with watched() as run:
        train(model, lambda: library_collects(model))
    assert accused(run.trace) == []


def test_normalization_that_always_goes_by_the_batch_has_no_mode(watched):
    model = network(nn.BatchNorm1d(16, track_running_stats=False))
    with watched() as run:
        train(model, lambda: ask(model))
    assert accused(run.trace) == []


def test_rollouts_over_changing_data_are_left_alone(watched):
    model = network()
    with watched() as run:
        train(model, lambda: other_data_each_time(model))
        in_evaluation_mode(model)
    assert accused(run.trace) == []


@pytest.mark.parametrize("size", [16, 160])
def test_a_pass_that_makes_the_targets_of_a_step_is_left_alone(watched, size):
    model = network()
    with watched() as run:
        train(model, epochs=8, size=size, before=lambda batch: ask(model, X[batch]))
        in_evaluation_mode(model)
    assert accused(run.trace) == []


def test_a_pass_within_a_step_belongs_to_it(watched):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watched() as run:
        for _ in range(20):
            loss = nn.functional.cross_entropy(model(X), Y)
            ask(model)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    assert run.trace.run.evaluations == ()


def test_another_network_than_the_trained_one_is_left_alone(watched):
    model, teacher = network(), network()
    with watched() as run:
        train(model, lambda: ask(teacher))
    assert run.trace.run.evaluations == ()


def test_a_second_training_knows_nothing_of_the_evaluations_of_the_first(watched):
    model = network()
    with watched() as run:
        train(model, lambda: ask(model))
        optimizer = torch.optim.Adam(model.parameters())
        for _ in range(20):
            nn.functional.cross_entropy(model(X), Y).backward()
            optimizer.step()
            optimizer.zero_grad()
        in_evaluation_mode(model)
    assert [bool(accused(trace)) for trace in run.traces] == [True, False]


def test_rows_have_the_same_number_only_if_they_are_the_same():
    x = torch.randn(500, 3, 40)
    keys = row_keys(x)
    assert len(np.unique(keys)) == 500
    order = torch.randperm(500)
    assert (row_keys(x[order]) == keys[order.numpy()]).all()
    assert (row_keys(x.half()) == row_keys(x.half().float())).all()
    words = torch.randint(0, 50, (500, 30))
    assert len(np.unique(row_keys(words))) == 500
    for odd in (torch.zeros(4), torch.zeros(4, 0), torch.zeros(0, 4), torch.ones(4, 2, dtype=torch.bool)):
        assert len(row_keys(odd)) == len(odd)


def test_inputs_without_rows_are_passed_over(watched):
    class Odd(nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = network()

        def forward(self, x):
            return self.layers(x["rows"] if x else NEW)

    model = Odd()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    with watched() as run:
        for _ in range(20):
            nn.functional.cross_entropy(model({"rows": X}), Y).backward()
            optimizer.step()
            optimizer.zero_grad()
            with torch.no_grad(), contextlib.suppress(KeyError):
                model({})
    assert run.error is None
    assert not run.trace.failures


@pytest.mark.parametrize(("factor", "line"), [(1.0, None), (16.0, "model(held_out * factor)")])
def test_an_evaluation_tells_how_large_its_inputs_are_and_if_that_is_far_off_also_where_it_is(watched, factor, line):
    x, y = torch.randn(64, 4), torch.randint(0, 3, (64,))
    held_out = torch.randn(64, 4)
    with watched() as seen:
        model = nn.Linear(4, 3)
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        for _ in range(3):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        with torch.no_grad():
            model(held_out * factor)
    (found,) = seen.trace.run.evaluations
    assert found.scale == pytest.approx(factor, rel=0.3)
    assert (found.source.text if found.source else None) == line


def test_rows_of_several_inputs_are_the_same_only_if_all_of_them_are():
    users, items = torch.arange(500) % 20, torch.arange(500) % 31
    assert len(np.unique(row_keys(users))) == 20
    assert len(np.unique(row_keys(users, items))) == 500
    assert len(np.unique(row_keys(items, items))) == 31
    assert (row_keys(users, torch.zeros(2, 7)) == row_keys(users)).all()
