import numpy as np
import pytest

from deeplocalize.rules import NotEvaluated
from deeplocalize.rules.data.same_batch_from_every_worker import check
from deeplocalize.testing import make_run, make_trace, source

LOADER, WORKERS = source(12), source(14)
STEPS = np.arange(200)
RECORDED = np.where((STEPS < 20) | (STEPS % 20 == 0), 1.0, np.nan)


def turns(workers, start=0):
    """The digests of batches that each worker hands out alike."""
    return (STEPS + start) // workers / 1000 * RECORDED


def run(digest=None, *, workers=4, own_order=None, examples=None, batches=None, line=None):
    facts = make_run(
        workers=workers,
        own_order=own_order,
        examples=examples,
        batches=batches,
        sources={"loader": LOADER} | ({"workers": line} if line else {}),
    )
    digest = turns(workers) if digest is None else digest
    return make_trace(steps=len(digest), scalars={"input.digest": digest}, run=facts)


def test_a_stream_that_every_worker_reads_is_named_with_the_line_of_the_loader():
    (finding,) = check.run(run())
    assert (finding.locus.kind, finding.locus.layer, finding.locus.source) == ("data", None, LOADER)
    assert finding.message.startswith(
        "Each of the 4 workers of the loader hands out the same batches, so each batch is"
    )
    assert "stream" in finding.message
    assert "get_worker_info" in finding.remedies[0].text


def test_a_generator_that_every_worker_has_a_copy_of_is_told_from_it_by_the_size_of_the_data_set():
    (finding,) = check.run(run(examples=6400, batches=200, workers=2))
    assert "random generator" in finding.message
    assert "seed" in finding.remedies[0].text


def test_the_line_that_says_how_workers_begin_is_the_better_one():
    (finding,) = check.run(run(line=WORKERS))
    assert finding.locus.source == WORKERS


@pytest.mark.parametrize(
    ("facts", "count"),
    [
        ({"workers": 2}, 1),  # `several`
        ({"workers": 1, "digest": turns(2)}, 0),
        ({"workers": 2, "digest": np.repeat(np.arange(6), 2) / 10}, 1),  # `least`
        ({"workers": 2, "digest": np.repeat(np.arange(5), 2) / 10}, 0),
        ({"digest": np.repeat(np.arange(3), 4) / 10}, 1),  # `turns`
        ({"workers": 8, "digest": np.repeat(np.arange(2), 8) / 10}, 0),
        ({"digest": np.where(STEPS == 6, 0.9, STEPS // 4 / 1000)}, 1),  # `alike`
        ({"digest": np.where(STEPS % 10 == 6, 0.9, STEPS // 4 / 1000)}, 0),
    ],
)
def test_each_limit_has_two_sides(facts, count):
    assert len(check.run(run(**facts))) == count


@pytest.mark.parametrize(
    "facts",
    [
        {"digest": STEPS / 1000 * RECORDED},  # each batch is another one
        {"digest": 0.5 * RECORDED},  # the same batch in every step
        {"digest": turns(2)},  # two steps on each batch, and four workers
        {"digest": turns(8)},
        {"workers": 0, "digest": turns(4)},  # no workers
        {"workers": None, "digest": turns(4)},
        {"own_order": True},  # a sampler of the user's own repeats each batch
    ],
)
def test_any_other_run_is_left_alone(facts):
    assert check.run(run(**facts)) == ()


@pytest.mark.parametrize("start", [1, 2, 3])
def test_a_turn_may_begin_at_any_step(start):
    assert len(check.run(run(turns(4, start)))) == 1


def test_only_the_first_pass_is_judged_since_the_turns_begin_anew_with_each():
    passes = np.concatenate([np.arange(15) // 4 + 10 * at for at in range(4)]) / 100
    assert len(check.run(run(passes, batches=15, examples=60))) == 1
    assert check.run(run(passes[:9], batches=7, examples=60)) == ()


def test_without_digests_nothing_is_judged():
    assert isinstance(check.run(make_trace()), NotEvaluated)
