import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, IterableDataset, TensorDataset, WeightedRandomSampler

X, Y = torch.randn(40, 3), torch.randn(40, 1)


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.randn(3), torch.randn(1)


@pytest.fixture
def trained(watched):
    """Train on the batches that a function hands out, and return what is known of the run."""

    def train(batches):
        with watched() as seen:
            model = nn.Linear(3, 1)
            optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
            for x, y in batches():
                loss = nn.functional.mse_loss(model(x), y)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        return seen.trace.run

    return train


def epochs(loader):
    for _ in range(3):
        yield from loader


@pytest.mark.parametrize(
    ("options", "shuffled"),
    [({}, False), ({"shuffle": True}, True), ({"sampler": WeightedRandomSampler(torch.ones(40), 40)}, True)],
)
def test_the_loader_says_how_the_examples_are_ordered_and_how_many_there_are(trained, options, shuffled):
    run = trained(lambda: epochs(DataLoader(TensorDataset(X, Y), batch_size=8, **options)))
    assert (run.shuffled, run.examples, run.batches, run.workers) == (shuffled, 40, 5, 0)
    assert "DataLoader(TensorDataset(X, Y), batch_size=8, **options)" in run.sources["loader"].text
    assert "yield from loader" in run.sources["batch"].text


def test_an_endless_data_set_has_no_size(trained):
    def batches():
        loader = iter(DataLoader(Endless(), batch_size=8))
        return (next(loader) for _ in range(10))

    run = trained(batches)
    assert (run.shuffled, run.examples, run.batches) == (None, None, None)


def test_a_loader_that_only_validation_reads_is_not_what_training_is_fed_from(trained):
    def batches():
        validation = DataLoader(TensorDataset(X, Y), batch_size=8)
        for _ in range(10):
            yield X, Y
        list(validation)
        for _ in range(10):
            yield X, Y

    assert trained(batches).examples is None


def test_validation_between_the_steps_does_not_hide_the_loader_of_training(trained):
    def batches():
        validation = DataLoader(TensorDataset(X[:10], Y[:10]), batch_size=5)
        loader = DataLoader(TensorDataset(X, Y), batch_size=8, shuffle=True)
        for _ in range(4):
            yield from loader
            list(validation)

    assert trained(batches).examples == 40


def test_two_loaders_side_by_side_say_nothing(trained):
    def batches():
        loaders = [DataLoader(TensorDataset(X, Y), batch_size=8) for _ in range(2)]
        for first, second in zip(*loaders, strict=True):
            yield first[0], second[1]

    assert trained(batches).examples is None


def test_asking_for_a_first_batch_in_each_step_is_noticed_with_its_line(trained):
    def batches():
        loader = DataLoader(TensorDataset(X, Y), batch_size=8)
        for _ in range(6):
            yield next(iter(loader))

    assert "next(iter(loader))" in trained(batches).sources["batch"].text
