import pytest
import torch
from torch import nn
from torch.utils.data import BatchSampler, DataLoader, IterableDataset, Sampler, TensorDataset, WeightedRandomSampler

X, Y = torch.randn(40, 3), torch.randn(40, 1)


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.randn(3), torch.randn(1)


class Halves(Sampler):
    def __iter__(self):
        return iter([*range(20), *range(20)])

    def __len__(self):
        return 40


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
    assert (run.shuffled, run.own_order, run.examples, run.batches) == (None, None, None, None)


@pytest.mark.parametrize(
    ("options", "own"),
    [
        ({"batch_size": 8}, False),
        ({"batch_size": None}, False),
        ({"batch_size": 8, "shuffle": True}, False),
        ({"batch_sampler": BatchSampler(WeightedRandomSampler(torch.ones(40), 40), 8, False)}, False),
        ({"batch_size": 8, "sampler": Halves()}, True),
        ({"batch_sampler": BatchSampler(Halves(), 8, False)}, True),
        ({"batch_sampler": [[0, 1], [0, 1], [2, 3]]}, True),
    ],
)
def test_a_sampler_of_the_users_own_is_told_from_those_of_torch(trained, options, own):
    assert trained(lambda: epochs(DataLoader(TensorDataset(X, Y), **options))).own_order is own


def test_the_line_that_says_how_workers_begin_is_known_before_that_of_their_number(trained):
    def batches(**options):
        loader = DataLoader(
            TensorDataset(X, Y),
            batch_size=8,
            num_workers=0,
            **options,
        )
        return epochs(loader)

    def seeded():
        loader = DataLoader(
            TensorDataset(X, Y),
            num_workers=0,
            worker_init_fn=print,
        )
        return epochs(loader)

    assert trained(batches).sources["workers"].text == "num_workers=0,"
    assert trained(seeded).sources["workers"].text == "worker_init_fn=print,"


def test_several_steps_on_each_batch_are_not_fed_by_the_loader_step_by_step(trained):
    def batches():
        for batch in DataLoader(TensorDataset(X, Y), batch_size=4):
            yield from [batch, batch]

    assert trained(batches).workers is None


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


def test_a_loader_that_one_call_builds_anew_for_each_pass_is_known(trained):
    def batches():
        for _ in range(4):
            yield from DataLoader(TensorDataset(X, Y), batch_size=8)

    run = trained(batches)
    assert (run.examples, run.batches, run.workers) == (40, 5, 0)


def test_loaders_in_turns_say_nothing_though_one_call_builds_them(trained):
    def batches():
        loaders = [DataLoader(TensorDataset(X[:size], Y[:size]), batch_size=8) for size in (24, 40)]
        for _ in range(4):
            for pair in zip(*loaders, strict=False):
                yield from pair

    assert trained(batches).examples is None


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
